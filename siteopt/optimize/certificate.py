"""Check a plan: recompute every row and every integrality from the Instance with plain arithmetic.

The check shares nothing with the formulation but the Instance and the registered requirements, so a mistake in one
shows up against the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from siteopt.equipment import COOLING, MEAN_POWER, Requirement
from siteopt.instance import COMMISSIONING, STEP_TRADE, TRADES, Instance
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
    for m in range(instance.milestones):
        yield from _arrivals(instance, plan, m)
        yield from _crews(instance, plan, m)
        yield from _commissioning(instance, plan, m)
        yield from _heat(instance, plan, m)
        yield from _power(instance, plan, m)
        for requirement in instance.requirements:
            yield from _required(instance, plan, m, requirement)
        yield from _limits(instance, plan, m)
    if len(instance.option_site):
        late = instance.option_ready_day + instance.commissioning_days - plan.day
        yield Row("shells", "days late with the best type", float(late.max(axis=1).min()), 0)
    yield Row("budget", "total", plan.cost_musd(instance), instance.most_musd)


def _arrivals(instance: Instance, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of family 1, fleet and arrival. Days and units are whole, so no tolerance is allowed."""
    at, day, delay = f"m{m}", int(plan.day[m]), instance.commissioning_days
    units, in_service = plan.units[:, m], plan.step[:, m].astype(float)
    family = "available units and arrival"
    yield Row(family, f"compute {at}", float(instance.compute_ready_day[0, m] + delay), day)
    yield Row(family, f"horizon {at}", day, instance.horizon_day)
    for o in range(instance.offers):
        there = instance.available_units[o] if instance.ready_day[0, o] + delay <= day else 0
        yield Row(family, f"units of {instance.offer_id[o]} {at}", float(units[o]), float(there))
    for step in range(len(instance.step_site)):
        there = 1.0 if instance.step_ready_day[step] + delay <= day else 0.0
        if step:
            there = min(there, in_service[step - 1])
        yield Row(family, f"step {step} {at}", float(in_service[step]), there)
    if m:
        yield Row(family, f"order {at}", float(plan.day[m - 1]), day)
        yield Row(family, f"units stay {at}", float((plan.units[:, m - 1] - units).max(initial=0)), 0)
        gone = plan.step[:, m - 1].astype(float) - in_service
        yield Row(family, f"steps stay {at}", float(gone.max(initial=0)), 0)


def _crews(instance: Instance, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of family 2, crews."""
    units, day = plan.units[:, m], int(plan.day[m])
    for k, trade in enumerate(TRADES):
        mine = (instance.trade == k) & (units > 0)
        for arrival in np.unique(instance.arrival_day[0][mine]):
            late = mine & (instance.arrival_day[0] >= arrival)
            work = float((instance.crew_days * units)[late].sum())
            if np.isfinite(instance.crews[k]).all():
                until = day - instance.commissioning_days
                periods = zip(
                    instance.crew_day, np.append(instance.crew_day[1:], np.inf), instance.crews[k], strict=True
                )
                limit = float(
                    sum(max(0, min(end, until) - max(first, arrival)) * crews for first, end, crews in periods)
                )
                yield Row("crew", f"{trade} m{m} from day {arrival}", work, limit, HAIR * max(1.0, limit))


def _commissioning(instance: Instance, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of the family commissioning: the MW of each trade that are ready from a day on."""
    if np.isinf(instance.commissioning_mw_per_day):
        return
    last = int(plan.day[m]) - instance.commissioning_days
    for k, trade in enumerate(TRADES):
        mine = np.flatnonzero((instance.trade == k) & (plan.units[:, m] > 0))
        mw = (instance.rating_mw[0] * plan.units[:, m])[mine]
        ready = instance.ready_day[0, mine]
        if trade == STEP_TRADE:
            mw = np.append(mw, instance.step_commissioned_mw * plan.step[:, m])
            ready = np.append(ready, instance.step_ready_day)
        for first in np.unique(ready[mw > 0]):
            limit = float(instance.commissioning_mw_per_day * max(0, last - int(first)))
            there = float(mw[ready >= first].sum())
            yield Row(COMMISSIONING, f"{trade} m{m} from day {first}", there, limit, HAIR * max(1.0, limit))


def _heat(instance: Instance, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of family 3, cooling, that say what heat is removed."""
    it, heat = float(instance.it_mw[m]), plan.heat_mw[:, m]
    by_towers = it * instance.tower_heat_fraction
    need, own = it * instance.heat_fraction + by_towers, float(plan.own_heat_mw[m])
    capacity = instance.rating_mw[0] * plan.units[:, m] * instance.supplies(COOLING)
    yield Row(COOLING, f"heat m{m}", need, float(heat.sum()) + own, HAIR * max(1.0, need))
    yield Row(COOLING, f"heat of own towers m{m}", own, min(float(instance.own_cooling_mw[0]), by_towers), HAIR)
    for o in range(instance.offers):
        yield Row(COOLING, f"heat of {instance.offer_id[o]} m{m}", float(heat[o]), float(capacity[o]), HAIR)


def _power(instance: Instance, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of family 4, demand, and those of family 5, mean power, that say what runs."""
    at, it = f"m{m}", float(instance.it_mw[m])
    off = HAIR * max(1.0, it)
    output, heat, imported, demand = plan.output_mw[:, m], plan.heat_mw[:, m], plan.import_mw[m], plan.demand_mw[m]
    load = it * (1 + instance.auxiliary_load_fraction) + float((heat / instance.cop[0]).sum())
    load += float(plan.own_heat_mw[m]) * instance.own_cooling_mw_per_mw
    yield Row("demand", f"at least {at}", load, float(demand), off)
    yield Row("demand", f"at most {at}", float(demand), load, off)
    grid = float(instance.grid_mw[0] + (instance.step_rise_mw * plan.step[:, m]).sum())
    firm = instance.rating_mw[0] * plan.units[:, m] * instance.supplies(MEAN_POWER)
    mean, met = float(demand) - it * (1 - instance.load_factor), float(imported + output.sum())
    yield Row(MEAN_POWER, f"met {at}", mean, met, off)
    yield Row(MEAN_POWER, f"not exceeded {at}", met, mean, off)
    yield Row(MEAN_POWER, f"import {at}", float(imported), grid, HAIR)
    for o in range(instance.offers):
        yield Row(MEAN_POWER, f"output of {instance.offer_id[o]} {at}", float(output[o]), float(firm[o]), HAIR)


def _required(instance: Instance, plan: Plan, m: int, requirement: Requirement) -> Iterator[Row]:
    """Yield the row of a requirement: what is needed, and what the site and its units supply without spare units."""
    every = np.arange(instance.offers)
    unit = instance.supply(requirement.name, every)[0]
    base, rise = instance.own_supply(requirement)
    there = float(base[0, m] + (rise * plan.step[:, m]).sum()) + float((unit * plan.units[:, m]).sum())
    if requirement.spared:
        there -= float(instance.spare_units * unit[plan.units[:, m] > 0].max(initial=0))
    need = float(instance.need(requirement)[0, m])
    size = max(abs(need), requirement.of_demand * float(instance.it_mw[m])) if need < np.inf else 0.0
    needed = need + requirement.of_demand * float(plan.demand_mw[m])
    yield Row(requirement.limit, f"{requirement.name} m{m}", needed, there, HAIR * max(1.0, size) if size else 0.0)


def _limits(instance: Instance, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of families 11 to 14: fuel gas, air, water and yard."""
    units, output, heat = plan.units[:, m], plan.output_mw[:, m], plan.heat_mw[:, m]
    firm = instance.rating_mw[0] * units
    evaporated = np.append(instance.water_m3_per_mwh * heat, instance.own_cooling_m3_per_mwh * plan.own_heat_mw[m])
    for family, used, limits in (
        ("fuel gas", (instance.heat_rate_mj_per_kwh / 3.6 * firm)[instance.is_gas], instance.gas_mw),
        ("air", instance.nox_g_per_kwh * output * 8.76, instance.nox_t_per_year),
        ("water", evaporated * 24, instance.water_m3_per_day),
        ("yard", instance.footprint_m2 * units, instance.yard_m2),
    ):
        limit = float(limits[0])
        yield Row(family, f"m{m}", float(used.sum()), limit, HAIR * max(1.0, limit))
