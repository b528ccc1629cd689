"""A second opinion that shares nothing with the formulation: enumerate days, units and steps; an LP for the rest."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import linprog

from siteopt.equipment import KINDS
from siteopt.instance import TRADES, Instance


def best(instance: Instance) -> tuple[tuple[int, ...], float] | None:
    """Days and cost of the best plan over all sites, in the default order; None where no site can serve."""
    answers = [answer for s in range(instance.sites) if (answer := next(plans(instance, s), None))]
    return min(answers, default=None)


def plans(instance: Instance, s: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """First days of every combination of units and grid steps at a site, in order, with the least cost of each."""
    if (instance.change_site == s).any():
        yield from _plans_by_phase(instance, s)
        return
    by_days: dict[tuple[int, ...], list[tuple]] = {}
    for settings in itertools.product(_settings(instance, s), repeat=instance.milestones):
        rising = all(
            (np.array(after[0]) >= before[0]).all() and (np.array(after[1]) >= before[1]).all()
            for before, after in itertools.pairwise(settings)
        )
        for ready in _compute_days(instance, s):
            if rising and (days := _days(instance, s, settings, ready)):
                by_days.setdefault(days, []).append(settings)
    limits = _limits(instance, s, 0)
    energy = functools.cache(lambda m, units, steps: _energy(instance, s, m, np.array(units), np.array(steps), limits))
    for days in sorted(by_days):
        shells = _shells(instance, s, days)
        costs = [
            cost + shells for settings in by_days[days] if (cost := _cost(instance, s, settings, energy)) is not None
        ]
        if costs and min(costs) <= instance.budget_musd + 1e-7:
            yield days, round(min(costs), 6)


def _compute_days(instance: Instance, s: int) -> list[np.ndarray]:
    """The days of the GPUs with each type of new shells that the site may build."""
    options, soonest = instance.option_ready_day[instance.option_site == s], instance.compute_ready_day[s]
    return list(np.maximum(options, soonest)) if len(options) else [soonest]


def _shells(instance: Instance, s: int, days: tuple[int, ...]) -> float:
    """The cost of the cheapest new shells with which the GPUs are ready by these days."""
    costs = [
        float(cost)
        for site, cost, ready in zip(
            instance.option_site, instance.option_cost_musd, instance.option_ready_day.tolist(), strict=True
        )
        if site == s and all(day + instance.commissioning_days <= by for day, by in zip(ready, days, strict=True))
    ]
    return min(costs, default=0.0)


def _settings(instance: Instance, s: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every combination of units and of a site's grid steps in order."""
    units = itertools.product(*(range(int(count) + 1) for count in instance.available_units))
    own = np.flatnonzero(instance.step_site == s)
    ladders = []
    for height in range(len(own) + 1):
        ladder = np.zeros(len(instance.step_site), dtype=int)
        ladder[own[:height]] = 1
        ladders.append(tuple(ladder))
    return list(itertools.product(units, ladders))


def _days(instance: Instance, s: int, settings: tuple, ready: np.ndarray) -> tuple[int, ...] | None:
    """The earliest days that the units and steps allow, with these days of the GPUs."""
    days: list[int] = []
    for m, setting in enumerate(settings):
        there = _there(instance, s, setting)
        if there is None:
            return None
        day = max(there, int(ready[m]))
        days.append(max([day + instance.commissioning_days, *days]))
    return tuple(days) if days[-1] <= instance.horizon_day else None


def _there(instance: Instance, s: int, setting: tuple) -> int | None:
    """The day on which units and steps are installed and tested; None where there are no crews for them."""
    units, steps = setting
    there = [int(instance.ready_day[s, o]) for o in range(instance.offers) if units[o]]
    there += [int(instance.step_ready_day[step]) for step in range(len(steps)) if steps[step]]
    day = max([0, *there])
    for k in range(len(TRADES)):
        jobs = sorted(
            (int(instance.arrival_day[s, o]), units[o] * float(instance.crew_days[o]))
            for o in range(instance.offers)
            if instance.trade[o] == k and units[o]
        )
        for place, (arrival, _) in enumerate(jobs):
            work = sum(amount for _, amount in jobs[place:])
            if work > 0 and np.isfinite(instance.crews[k]).all():
                done_by = _first_day(instance, work, k, arrival)
                if done_by is None:
                    return None
                day = max(day, done_by)
    if np.isfinite(instance.commissioning_mw_per_day):
        day = max([day, *(_commissioned(instance, s, kind, units, steps) for kind in range(len(KINDS)))])
    return day


def _commissioned(instance: Instance, s: int, kind: int, units: tuple[int, ...], steps: tuple[int, ...]) -> int:
    """The first day by which the units of a kind, and the grid steps beside generators, can be commissioned."""
    jobs = [
        (int(instance.ready_day[s, o]), units[o] * float(instance.rating_mw[s, o]))
        for o in range(instance.offers)
        if instance.kind[o] == kind
    ]
    if KINDS[kind].name == "generator":
        each = zip(instance.step_ready_day.tolist(), instance.step_commissioned_mw.tolist(), steps, strict=True)
        jobs += [(day, mw * there) for day, mw, there in each]
    days = [
        since + int(np.ceil(sum(mw for day, mw in jobs if day >= since) / instance.commissioning_mw_per_day - 1e-9))
        for since, amount in jobs
        if amount > 0
    ]
    return max(days, default=0)


def _crews(instance: Instance, k: int, day: int) -> float:
    """Crew-days of a trade on one day."""
    return float(instance.crews[k][[since <= day for since in instance.crew_day].count(True) - 1])


def _first_day(instance: Instance, work: float, k: int, day: int) -> int | None:
    """The first day before which a trade has done so many crew-days, day by day; None if after all phases begin."""
    while work > 1e-9:
        if day > max([instance.horizon_day, *instance.change_day]):
            return None
        work -= _crews(instance, k, day)
        day += 1
    return day


NAMES = (
    "grid_mw",
    "grid_swing_mw",
    "nonfirm_mw",
    "distribution_mw",
    "gas_mw",
    "nox_t_per_year",
    "water_m3_per_day",
    "fuel_trucks_per_day",
)


def _limits(instance: Instance, s: int, day: int) -> dict[str, float]:
    """The limits of a site that are in force on a day."""
    known = [(0, [getattr(instance, name)[s] for name in NAMES])]
    rows = zip(instance.change_site, instance.change_day, instance.change_limit, strict=True)
    known += [(int(begin), list(values)) for site, begin, values in rows if site == s]
    return dict(zip(NAMES, max((one for one in known if one[0] <= day), key=lambda one: one[0])[1], strict=True))


def _plans_by_phase(instance: Instance, s: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """The same where limits change: a setting for each phase, none with fewer units or steps than the one before."""
    ready = {one: day for one in _settings(instance, s) if (day := _there(instance, s, one)) is not None}
    change = sorted(
        {int(day) for site, day in zip(instance.change_site, instance.change_day, strict=True) if site == s}
    )
    energy = functools.cache(
        lambda m, one, day: _energy(instance, s, m, *map(np.array, one), _limits(instance, s, day), paid=1.0)
    )
    falls = [
        day
        for day in change
        if any(_limits(instance, s, day)[name] < _limits(instance, s, day - 1)[name] for name in NAMES)
    ]
    events = {*(day + instance.commissioning_days for day in ready.values()), *change, 0}
    every = set[tuple[int, ...]]()
    for soonest in _compute_days(instance, s):
        first = [int(day) + instance.commissioning_days for day in soonest]
        every |= set(itertools.product(*({max(day, one) for day in events} for one in first)))
    for days in sorted(every):
        if list(days) == sorted(days) and days[-1] <= instance.horizon_day:
            cost = _chained(instance, s, days, change, falls, ready, energy)
            if cost is not None and (cost := cost + _shells(instance, s, days)) <= instance.budget_musd + 1e-7:
                yield days, round(cost, 6)


def _chained(
    instance: Instance,
    s: int,
    days: tuple[int, ...],
    change: list[int],
    falls: list[int],
    ready: dict[tuple, int],
    energy: Callable[..., float | None],
) -> float | None:
    """The least cost on some days; None where some phase has no setting."""
    phases = [(day, m, True) for m, day in enumerate(days)]
    for day in change:
        if day > days[0] and day not in days:
            phases.append((day, max(m for m, start in enumerate(days) if start <= day), False))
    # for each setting, what the milestones pay so far: no entry is dearer than another one in all of them
    known: dict[tuple, list[tuple[float, ...]]] = {}
    for number, (day, m, is_own) in enumerate(sorted(phases)):
        reached: dict[tuple, list[tuple[float, ...]]] = {}
        for one, there in ready.items():
            spent = energy(m, one, day) if there + instance.commissioning_days <= day else None
            if spent is None:
                continue
            before = [paid for other, most in known.items() if _stays(other, one) for paid in most]
            for paid in before if number else [(0.0,) * instance.milestones]:
                after = list(paid)
                for i, start in enumerate(days):
                    fell = any(start < fall <= day for fall in falls)
                    if (is_own and i == m) or fell:
                        share = instance.it_mw[i] / instance.it_mw[m] * instance.operating_days[i] * 24 / 1e6
                        after[i] = max(after[i], spent * share)
                reached.setdefault(one, []).append(tuple(after))
        known = {
            one: [paid for paid in most if not any(other != paid and _no_dearer(other, paid) for other in most)][:50]
            for one, most in ((one, sorted(set(most))) for one, most in reached.items())
        }
    return min((_bought(instance, s, one) + sum(paid) for one, most in known.items() for paid in most), default=None)


def _stays(before: tuple, after: tuple) -> bool:
    return all(a <= b for part, later in zip(before, after, strict=True) for a, b in zip(part, later, strict=True))


def _no_dearer(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


def _bought(instance: Instance, s: int, setting: tuple) -> float:
    units, steps = map(np.array, setting)
    cost = float(instance.site_cost_musd[s] + sum(instance.works_musd[s]) + instance.gpu_cost_musd)
    return cost + float(units @ instance.unit_cost_musd[s] + steps @ instance.step_cost_musd)


def _cost(instance: Instance, s: int, settings: tuple, energy: Callable[..., float | None]) -> float | None:
    cost = _bought(instance, s, settings[-1])
    for m, (count, ladder) in enumerate(settings):
        spent = energy(m, count, ladder)
        if spent is None:
            return None
        cost += spent
    return cost


def _energy(
    instance: Instance,
    s: int,
    m: int,
    units: np.ndarray,
    steps: np.ndarray,
    limits: dict[str, float],
    paid: float | None = None,
) -> float | None:
    """Least energy cost of a milestone with its units; None where they do not suffice.

    It is paid for the operating days in millions of USD, or as many times as said in US dollars an hour.
    """
    it, rating = instance.it_mw[m], instance.rating_mw[s] * units
    firm, chill, batteries = (rating * instance.of_kind(kind) for kind in ("generator", "chiller", "battery"))
    firm_grid = limits["grid_mw"] + instance.step_rise_mw @ steps
    grid = firm_grid + limits["nonfirm_mw"]
    tolerated = limits["grid_swing_mw"] + instance.step_rise_swing_mw @ steps
    towers = min(instance.own_cooling_mw[s], it * instance.tower_heat_fraction)
    heat = it * (instance.heat_fraction + instance.tower_heat_fraction)
    out = {
        kind: instance.spare_units
        * max([instance.rating_mw[s, o] for o in range(instance.offers) if array[o] > 0], default=0.0)
        for kind, array in (("firm", firm), ("chill", chill))
    }
    power, stored = batteries.sum(), (instance.energy_mwh * instance.of_kind("battery")) @ units
    inertia = instance.inertia_s @ (firm + batteries + rating * instance.of_kind("condenser"))
    there = np.array([power + instance.step_fraction @ firm + tolerated, stored, power, inertia])
    minima = [instance.min_battery_mw[s, m], instance.min_inertia_mws[s, m]]
    if (
        there < np.array([instance.load_step_amplitude * it, it * instance.ride_through_minutes / 60, *minima]) - 1e-7
    ).any():
        return None
    if (instance.heat_rate_mj_per_kwh / 3.6 * instance.is_gas) @ firm > limits["gas_mw"] + 1e-7:
        return None
    if instance.footprint_m2 @ units > instance.yard_m2[s] + 1e-7 or towers + chill.sum() - out["chill"] < heat - 1e-7:
        return None
    distributed, looped = ((rating * instance.of_kind(kind)).sum() for kind in ("substation", "cdu"))
    if looped < it * instance.liquid_heat_fraction - 1e-7:
        return None
    n = instance.offers  # variables: output, heat, import, heat of the site's own towers
    tower = instance.own_cooling_mw_per_mw
    draw = 1 / instance.cop[s]
    base = it * (1 + instance.auxiliary_load_fraction) + instance.own_load_mw @ units
    money = instance.operating_days[m] * 24 / 1e6 if paid is None else paid
    is_diesel = instance.of_kind("generator") & ~instance.is_gas & (instance.heat_rate_mj_per_kwh > 0)
    must_carry = limits["nonfirm_mw"] > 0 and not instance.accept_nonfirm
    lasting = min(power, stored / instance.curtailment_hours) if must_carry else np.inf
    imported = instance.grid_usd_per_mwh[s] + instance.demand_usd_per_mw_month[s] * 12 / (365.25 * 24)
    objective = np.concatenate([instance.fuel_usd_per_mwh * money, np.zeros(n), [imported * money, 0]])
    zero = np.zeros(n)
    drawn = np.concatenate([zero, draw, [0, tower]])
    mean = base - it * (1 - instance.load_factor)
    upper = [
        (drawn, grid + firm.sum() + batteries.sum() - base),
        (drawn, grid + firm.sum() - out["firm"] - mean),
        (drawn, limits["distribution_mw"] + distributed - base if instance.distribution_asked else np.inf),
        (drawn, firm_grid + firm.sum() + lasting - mean),
        (np.concatenate([zero, -np.ones(n), [0, -1]]), -heat),
        (
            np.concatenate([zero, instance.water_m3_per_mwh * 24, [0, instance.own_cooling_m3_per_mwh * 24]]),
            limits["water_m3_per_day"],
        ),
        (np.concatenate([instance.nox_g_per_kwh * 8.76, zero, [0, 0]]), limits["nox_t_per_year"]),
        (np.concatenate([is_diesel * 24 / 116, zero, [0, 0]]), limits["fuel_trucks_per_day"]),
    ]
    rows = [(row, limit) for row, limit in upper if np.isfinite(limit)]
    solved = linprog(
        objective,
        A_ub=np.array([row for row, _ in rows]),
        b_ub=[limit for _, limit in rows],
        A_eq=[np.concatenate([np.ones(n), -draw, [1, -tower]])],
        b_eq=[mean],
        bounds=[*((0, top) for top in firm), *((0, top) for top in chill), (0, grid), (0, towers)],
    )
    return float(solved.fun) if solved.status == 0 else None
