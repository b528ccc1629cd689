"""Check a plan: recompute every row and every integrality from the Instance with plain arithmetic.

The check shares nothing with the formulation but the Instance and the registered requirements, so a mistake in one
shows up against the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from siteopt.equipment import COOLING, MEAN_POWER, SOURCES, Requirement, stages
from siteopt.instance import COMMISSIONING, TRADES, Instance
from siteopt.plan import Plan
from siteopt.tolerances import HAIR


@dataclass(frozen=True)
class Row:
    """One recomputed row: ``left <= right``, within a tolerance in the units of the row."""

    family: str
    name: str
    left: float
    right: float
    tolerance: float = 0.0

    @property
    def holds(self) -> bool:
        """Return whether the row holds within the tolerance."""
        return self.left <= self.right + self.tolerance


@dataclass(frozen=True)
class Certificate:
    """Result of checking one plan.

    Attributes
    ----------
    rows : int
        Number of rows recomputed.
    worst : float
        Largest excess of a left side over its right side, in the row's units; 0 if there is no excess.
    violations : tuple of Row
        Rows that do not hold. Empty for a valid plan.
    """

    rows: int
    worst: float
    violations: tuple[Row, ...]

    @property
    def valid(self) -> bool:
        """Return whether every row holds."""
        return not self.violations

    def holds_but_for(self, families: Collection[str]) -> bool:
        """Return whether every row holds, leaving aside those of some families."""
        return all(row.family in families for row in self.violations)


def certify(instance: Instance, plan: Plan) -> Certificate:
    """Recompute every constraint of ``docs/model.md`` for a plan at the only site of an Instance.

    Raises
    ------
    ValueError
        If the Instance does not hold exactly one site.
    """
    if instance.sites != 1:
        raise ValueError(f"a plan belongs to an Instance of one site, not of {instance.sites}")
    rows = list(_rows(instance, plan))
    worst = max((row.left - row.right for row in rows), default=0.0)
    return Certificate(len(rows), max(0.0, worst), tuple(row for row in rows if not row.holds))


def _rows(instance: Instance, plan: Plan) -> Iterator[Row]:
    for name, array in (("units", plan.units), ("step", plan.step)):
        yield Row("integrality", name, float(np.abs(array - np.round(array)).max(initial=0)), 0)
    for name in ("units", "output_mw", "import_mw", "heat_mw", "own_heat_mw", "demand_mw"):
        yield Row("sign", name, float(-getattr(plan, name).min(initial=0)), 0)
    for m, day in enumerate(map(int, plan.day)):
        family, ready = "available units and arrival", int(instance.compute_ready_day[0, m])
        yield Row(family, f"compute m{m}", float(ready + instance.commissioning_days), day)
        yield Row(family, f"horizon m{m}", day, instance.horizon_day)
        if m:
            yield Row(family, f"order m{m}", float(plan.day[m - 1]), day)
    if len(instance.option_site):
        late = instance.option_ready_day + instance.commissioning_days - plan.day
        yield Row("shells", "days late with the best type", float(late.max(axis=1).min()), 0)
    phases = instance.phases(plan.day)
    yield Row("integrality", "phases", float(abs(len(phases) - plan.units.shape[1])), 0)
    if len(phases) != plan.units.shape[1]:
        return
    ends = [*phases.begin[1:].tolist(), np.inf]
    for f, (m, begin, end) in enumerate(zip(phases.milestone.tolist(), phases.begin.tolist(), ends, strict=True)):
        for day in (begin, *(int(day) for day in instance.change_day if begin < day < end)):
            yield from _held(_Phase(instance.on(day), plan, f, m, day))
    yield Row("budget", "total", plan.cost_musd(instance), instance.most_musd)


def _held(at: _Phase) -> Iterator[Row]:
    """Yield the rows that hold on a day of a phase."""
    for family_of in (_arrivals, _crews, _commissioning, _heat, _power):
        yield from family_of(at)
    for requirement in at.instance.requirements:
        yield from _required(at, requirement)
    yield from _limits(at)


@dataclass(frozen=True)
class _Phase:
    """A phase of a plan: its column, its milestone, its first day or one on which limits change, and the limits."""

    instance: Instance
    plan: Plan
    f: int
    m: int
    day: int

    @property
    def name(self) -> str:
        return f"m{self.m}" if self.day == self.plan.day[self.m] else f"m{self.m} from day {self.day}"


def _arrivals(at: _Phase) -> Iterator[Row]:
    """Yield the rows of family 1, fleet and arrival. Days and units are whole, so no tolerance is allowed."""
    instance, plan, f, delay = at.instance, at.plan, at.f, at.instance.commissioning_days
    units, in_service = plan.units[:, f], plan.step[:, f].astype(float)
    family = "available units and arrival"
    for o in range(instance.offers):
        there = instance.available_units[o] if instance.ready_day[0, o] + delay <= at.day else 0
        yield Row(family, f"units of {instance.offer_id[o]} {at.name}", float(units[o]), float(there))
    for step in range(len(instance.step_site)):
        there = 1.0 if instance.step_ready_day[step] + delay <= at.day else 0.0
        if step:
            there = min(there, in_service[step - 1])
        yield Row(family, f"step {step} {at.name}", float(in_service[step]), there)
    if f:
        yield Row(family, f"units stay {at.name}", float((plan.units[:, f - 1] - units).max(initial=0)), 0)
        gone = plan.step[:, f - 1].astype(float) - in_service
        yield Row(family, f"steps stay {at.name}", float(gone.max(initial=0)), 0)


def _crews(at: _Phase) -> Iterator[Row]:
    """Yield the rows of family 2, crews."""
    instance, units = at.instance, at.plan.units[:, at.f]
    for k, trade in enumerate(TRADES):
        mine = (instance.trade == k) & (units > 0)
        for arrival in np.unique(instance.arrival_day[0][mine]):
            late = mine & (instance.arrival_day[0] >= arrival)
            work = float((instance.crew_days * units)[late].sum())
            if np.isfinite(instance.crews[k]).all():
                until = at.day - instance.commissioning_days
                periods = zip(
                    instance.crew_day, np.append(instance.crew_day[1:], np.inf), instance.crews[k], strict=True
                )
                limit = float(
                    sum(max(0, min(end, until) - max(first, arrival)) * crews for first, end, crews in periods)
                )
                yield Row("crew", f"{trade} {at.name} from day {arrival}", work, limit, HAIR * max(1.0, limit))


def _commissioning(at: _Phase) -> Iterator[Row]:
    """Yield the rows of the family commissioning: the MW of each stage of the plant that are ready from a day on."""
    instance, units = at.instance, at.plan.units[:, at.f]
    if np.isinf(instance.commissioning_mw_per_day):
        return
    last = at.day - instance.commissioning_days
    for stage in stages():
        mine = np.flatnonzero(instance.of_stage(stage) & (units > 0))
        mw = (instance.rating_mw[0] * units)[mine]
        ready = instance.ready_day[0, mine]
        if stage == SOURCES:
            mw = np.append(mw, instance.step_commissioned_mw * at.plan.step[:, at.f])
            ready = np.append(ready, instance.step_ready_day)
        for first in np.unique(ready[mw > 0]):
            limit = float(instance.commissioning_mw_per_day * max(0, last - int(first)))
            there = float(mw[ready >= first].sum())
            yield Row(COMMISSIONING, f"{stage} {at.name} from day {first}", there, limit, HAIR * max(1.0, limit))


def _heat(at: _Phase) -> Iterator[Row]:
    """Yield the rows of family 3, cooling, that say what heat is removed."""
    instance = at.instance
    it, heat = float(instance.it_mw[at.m]), at.plan.heat_mw[:, at.f]
    by_towers = it * instance.tower_heat_fraction
    need, own = it * instance.heat_fraction + by_towers, float(at.plan.own_heat_mw[at.f])
    capacity = instance.rating_mw[0] * at.plan.units[:, at.f] * instance.supplies(COOLING)
    yield Row(COOLING, f"heat {at.name}", need, float(heat.sum()) + own, HAIR * max(1.0, need))
    yield Row(COOLING, f"heat of own towers {at.name}", own, min(float(instance.own_cooling_mw[0]), by_towers), HAIR)
    for o in range(instance.offers):
        yield Row(COOLING, f"heat of {instance.offer_id[o]} {at.name}", float(heat[o]), float(capacity[o]), HAIR)


def _power(at: _Phase) -> Iterator[Row]:
    """Yield the rows of family 4, demand, and those of family 5, mean power, that say what runs."""
    instance, plan, f, it = at.instance, at.plan, at.f, float(at.instance.it_mw[at.m])
    off = HAIR * max(1.0, it)
    output, heat, imported, demand = plan.output_mw[:, f], plan.heat_mw[:, f], plan.import_mw[f], plan.demand_mw[f]
    load = it * (1 + instance.auxiliary_load_fraction) + float((heat / instance.cop[0]).sum())
    load += float(instance.own_load_mw @ plan.units[:, f])
    load += float(plan.own_heat_mw[f]) * instance.own_cooling_mw_per_mw
    yield Row("demand", f"at least {at.name}", load, float(demand), off)
    yield Row("demand", f"at most {at.name}", float(demand), load, off)
    grid = float(instance.grid_mw[0] + instance.nonfirm_mw[0] + (instance.step_rise_mw * plan.step[:, f]).sum())
    firm = instance.rating_mw[0] * plan.units[:, f] * instance.supplies(MEAN_POWER)
    mean, met = float(demand) - it * (1 - instance.load_factor), float(imported + output.sum())
    yield Row(MEAN_POWER, f"met {at.name}", mean, met, off)
    yield Row(MEAN_POWER, f"not exceeded {at.name}", met, mean, off)
    yield Row(MEAN_POWER, f"import {at.name}", float(imported), grid, HAIR)
    for o in range(instance.offers):
        yield Row(MEAN_POWER, f"output of {instance.offer_id[o]} {at.name}", float(output[o]), float(firm[o]), HAIR)


def _required(at: _Phase, requirement: Requirement) -> Iterator[Row]:
    """Yield the row of a requirement: what is needed, and what the site and its units supply without spare units."""
    instance, units = at.instance, at.plan.units[:, at.f]
    if not instance.holds(requirement)[0]:
        return
    unit = instance.supply(requirement.name, np.arange(instance.offers))[0]
    base, rise = instance.own_supply(requirement)
    there = float(base[0, at.m] + (rise * at.plan.step[:, at.f]).sum()) + float((unit * units).sum())
    if requirement.spared:
        there -= float(instance.spare_units * unit[units > 0].max(initial=0))
    need = float(instance.need(requirement)[0, at.m])
    size = max(abs(need), requirement.of_demand * float(instance.it_mw[at.m])) if need < np.inf else 0.0
    needed = need + requirement.of_demand * float(at.plan.demand_mw[at.f])
    yield Row(requirement.limit, f"{requirement.name} {at.name}", needed, there, HAIR * max(1.0, size) if size else 0.0)


def _limits(at: _Phase) -> Iterator[Row]:
    """Yield the rows of the families fuel gas, air, fuel trucks, water and yard."""
    instance, units = at.instance, at.plan.units[:, at.f]
    output, heat = at.plan.output_mw[:, at.f], at.plan.heat_mw[:, at.f]
    firm = instance.rating_mw[0] * units
    evaporated = np.append(
        instance.water_m3_per_mwh * heat, instance.own_cooling_m3_per_mwh * at.plan.own_heat_mw[at.f]
    )
    for family, used, limits in (
        ("fuel gas", (instance.heat_rate_mj_per_kwh / 3.6 * firm)[instance.is_gas], instance.gas_mw),
        ("air", instance.nox_g_per_kwh * output * 8.76, instance.nox_t_per_year),
        ("fuel trucks", (output * 24)[instance.is_diesel] / 116, instance.fuel_trucks_per_day),
        ("water", evaporated * 24, instance.water_m3_per_day),
        ("yard", instance.footprint_m2 * units, instance.yard_m2),
    ):
        limit = float(limits[0])
        yield Row(family, at.name, float(used.sum()), limit, HAIR * max(1.0, limit))
