"""A second opinion that shares nothing with the formulation: enumerate days, units and steps; an LP for the rest."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import linprog

from siteopt.instance import TRADES, Instance


def best(instance: Instance) -> tuple[tuple[int, ...], float] | None:
    """Days and cost of the best plan over all sites, in the default order; None where no site can serve."""
    answers = [answer for s in range(instance.sites) if (answer := next(plans(instance, s), None))]
    return min(answers, default=None)


def plans(instance: Instance, s: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """First days of every combination of units and grid steps at a site, in order, with the least cost of each."""
    by_days: dict[tuple[int, ...], list[tuple]] = {}
    for settings in itertools.product(_settings(instance, s), repeat=instance.milestones):
        rising = all(
            (np.array(after[0]) >= before[0]).all() and (np.array(after[1]) >= before[1]).all()
            for before, after in itertools.pairwise(settings)
        )
        options = instance.option_ready_day[instance.option_site == s]
        soonest = instance.compute_ready_day[s]
        for ready in np.maximum(options, soonest) if len(options) else [soonest]:
            if rising and (days := _days(instance, s, settings, ready)):
                by_days.setdefault(days, []).append(settings)
    energy = functools.cache(lambda m, units, steps: _energy(instance, s, m, np.array(units), np.array(steps)))
    for days in sorted(by_days):
        costs = [cost for settings in by_days[days] if (cost := _cost(instance, s, settings, energy)) is not None]
        if costs and min(costs) <= instance.budget_musd + 1e-7:
            yield days, round(min(costs), 6)


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
    for m, (units, steps) in enumerate(settings):
        day = int(ready[m])
        there = [int(instance.ready_day[s, o]) for o in range(instance.offers) if units[o]]
        there += [int(instance.step_ready_day[step]) for step in range(len(steps)) if steps[step]]
        day = max([day, *there])
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
                day = max(day, _commissioned(instance, s, k, units, steps))
        days.append(max([day + instance.commissioning_days, *days]))
    return tuple(days) if days[-1] <= instance.horizon_day else None


def _commissioned(instance: Instance, s: int, k: int, units: tuple[int, ...], steps: tuple[int, ...]) -> int:
    """The first day by which the units of a trade, and the grid steps if it is electrical, can be commissioned."""
    jobs = [
        (int(instance.ready_day[s, o]), units[o] * float(instance.rating_mw[s, o]))
        for o in range(instance.offers)
        if instance.trade[o] == k
    ]
    if TRADES[k] == "electrical":
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
    """The first day before which a trade has done so many crew-days, day by day; None if beyond the horizon."""
    while work > 1e-9:
        if day > instance.horizon_day:
            return None
        work -= _crews(instance, k, day)
        day += 1
    return day


def _cost(instance: Instance, s: int, settings: tuple, energy: Callable[..., float | None]) -> float | None:
    units, steps = (np.array(part) for part in settings[-1])
    cost = float(instance.site_cost_musd[s] + instance.gpu_cost_musd)
    cost += float(units @ instance.unit_cost_musd[s] + steps @ instance.step_cost_musd)
    for m, (count, ladder) in enumerate(settings):
        spent = energy(m, count, ladder)
        if spent is None:
            return None
        cost += spent
    return cost


def _energy(instance: Instance, s: int, m: int, units: np.ndarray, steps: np.ndarray) -> float | None:
    """Least energy cost of a milestone with its units; None where they do not suffice."""
    it, rating = instance.it_mw[m], instance.rating_mw[s] * units
    firm, chill, batteries = (rating * instance.of_kind(kind) for kind in ("generator", "chiller", "battery"))
    grid = instance.grid_mw[s] + instance.step_rise_mw @ steps
    tolerated = instance.grid_swing_mw[s] + instance.step_rise_swing_mw @ steps
    towers = min(instance.own_cooling_mw[s], it * instance.tower_heat_fraction)
    heat = it * (instance.heat_fraction + instance.tower_heat_fraction)
    out = {
        kind: instance.spare_units
        * max([instance.rating_mw[s, o] for o in range(instance.offers) if array[o] > 0], default=0.0)
        for kind, array in (("firm", firm), ("chill", chill))
    }
    power, stored = batteries.sum(), (instance.energy_mwh * instance.of_kind("battery")) @ units
    there = np.array([power + instance.step_fraction @ firm + tolerated, stored, power, instance.inertia_s @ firm])
    minima = [instance.min_battery_mw[s, m], instance.min_inertia_mws[s, m]]
    if (
        there < np.array([instance.load_step_amplitude * it, it * instance.ride_through_minutes / 60, *minima]) - 1e-7
    ).any():
        return None
    if (instance.heat_rate_mj_per_kwh / 3.6 * instance.is_gas) @ firm > instance.gas_mw[s] + 1e-7:
        return None
    if instance.footprint_m2 @ units > instance.yard_m2[s] + 1e-7 or towers + chill.sum() - out["chill"] < heat - 1e-7:
        return None
    distributed, looped = ((rating * instance.of_kind(kind)).sum() for kind in ("substation", "cdu"))
    if looped < it * instance.liquid_heat_fraction - 1e-7:
        return None
    n = instance.offers  # variables: output, heat, import, heat of the site's own towers
    tower = instance.own_cooling_mw_per_mw
    draw = 1 / instance.cop[s]
    base = it * (1 + instance.auxiliary_load_fraction)
    money = instance.operating_days[m] * 24 / 1e6
    objective = np.concatenate(
        [instance.fuel_usd_per_mwh * money, np.zeros(n), [instance.grid_usd_per_mwh[s] * money, 0]]
    )
    zero = np.zeros(n)
    upper = [
        (np.concatenate([zero, draw, [0, tower]]), grid + firm.sum() + batteries.sum() - base),
        (
            np.concatenate([zero, draw, [0, tower]]),
            grid + firm.sum() - out["firm"] - base + it * (1 - instance.load_factor),
        ),
        (
            np.concatenate([zero, draw, [0, tower]]),
            instance.distribution_mw[s] + distributed - base if instance.distribution_asked else np.inf,
        ),
        (np.concatenate([zero, -np.ones(n), [0, -1]]), -heat),
        (
            np.concatenate([zero, instance.water_m3_per_mwh * 24, [0, instance.own_cooling_m3_per_mwh * 24]]),
            instance.water_m3_per_day[s],
        ),
        (np.concatenate([instance.nox_g_per_kwh * 8.76, zero, [0, 0]]), instance.nox_t_per_year[s]),
    ]
    rows = [(row, limit) for row, limit in upper if np.isfinite(limit)]
    solved = linprog(
        objective,
        A_ub=np.array([row for row, _ in rows]),
        b_ub=[limit for _, limit in rows],
        A_eq=[np.concatenate([np.ones(n), -draw, [1, -tower]])],
        b_eq=[base - it * (1 - instance.load_factor)],
        bounds=[*((0, top) for top in firm), *((0, top) for top in chill), (0, grid), (0, towers)],
    )
    return float(solved.fun) if solved.status == 0 else None
