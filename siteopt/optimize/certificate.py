"""Every row and every integrality of a plan, recomputed from the Instance with plain arithmetic.

Shares nothing with the formulation but the Instance: a slip in one shows up against the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from siteopt.instance import TRADES, Instance
from siteopt.plan import Plan

TOLERANCE = 1e-5
"""How far a row may be off, in its own units (MW, MWh, crew-days, million USD) or relative to its size."""


@dataclass(frozen=True)
class Row:
    """One recomputed row: ``left <= right``."""

    family: str
    name: str
    left: float
    right: float

    @property
    def holds(self) -> bool:
        """Whether the row holds within the tolerance."""
        sizes = (abs(side) for side in (self.left, self.right) if math.isfinite(side))
        return self.left <= self.right + TOLERANCE * max(1.0, *sizes)


@dataclass(frozen=True)
class Certificate:
    """The check of one plan.

    Attributes
    ----------
    rows : int
        Rows recomputed.
    worst : float
        Largest excess of a left side over its right side, in the row's units; 0 where none is exceeded.
    violations : tuple of Row
        Rows that do not hold. Empty for a valid plan.
    """

    rows: int
    worst: float
    violations: tuple[Row, ...]

    @property
    def valid(self) -> bool:
        """Whether every row holds."""
        return not self.violations


def certify(case: Instance, plan: Plan) -> Certificate:
    """Recompute every constraint of ``docs/model.md`` for a plan at the site of an Instance of one site.

    Raises
    ------
    ValueError
        Where the Instance holds more than one site.
    """
    if case.sites != 1:
        raise ValueError(f"a plan belongs to an Instance of one site, not of {case.sites}")
    rows = list(_rows(case, plan))
    worst = max((row.left - row.right for row in rows), default=0.0)
    return Certificate(len(rows), max(0.0, worst), tuple(row for row in rows if not row.holds))


def _rows(case: Instance, plan: Plan) -> Iterator[Row]:
    s, delay = 0, case.commissioning_days
    rating, offers = case.rating_mw[s], range(case.offers)
    for name, array in (("units", plan.units), ("step", plan.step)):
        yield Row("integrality", name, float(np.abs(array - np.round(array)).max(initial=0)), 0)
    for name in ("units", "output_mw", "import_mw", "heat_mw", "demand_mw"):
        yield Row("sign", name, float(-getattr(plan, name).min(initial=0)), 0)
    for m in range(case.milestones):
        at, day = f"m{m}", int(plan.day[m])
        units, in_service = plan.units[:, m], plan.step[:, m].astype(float)
        output, heat, imported, demand = plan.output_mw[:, m], plan.heat_mw[:, m], plan.import_mw[m], plan.demand_mw[m]
        it = float(case.it_mw[m])
        # 1. fleet and arrival
        yield Row("fleet and arrival", f"compute {at}", float(case.compute_ready_day[s, m] + delay), day)
        yield Row("fleet and arrival", f"horizon {at}", day, case.horizon_day)
        for o in offers:
            there = case.fleet[o] if case.ready_day[s, o] + delay <= day else 0
            yield Row("fleet and arrival", f"units of {case.offer_id[o]} {at}", float(units[o]), float(there))
        for step in range(len(case.step_site)):
            there = 1.0 if case.step_ready_day[step] + delay <= day else 0.0
            if step:
                there = min(there, in_service[step - 1])
            yield Row("fleet and arrival", f"step {step} {at}", float(in_service[step]), there)
        if m:
            yield Row("fleet and arrival", f"order {at}", float(plan.day[m - 1]), day)
            yield Row("fleet and arrival", f"units stay {at}", float((plan.units[:, m - 1] - units).max(initial=0)), 0)
            gone = plan.step[:, m - 1].astype(float) - in_service
            yield Row("fleet and arrival", f"steps stay {at}", float(gone.max(initial=0)), 0)
        # 2. crews
        for k, trade in enumerate(TRADES):
            mine = (case.trade == k) & (units > 0)
            for arrival in np.unique(case.arrival_day[s][mine]):
                late = mine & (case.arrival_day[s] >= arrival)
                work = float((case.crew_days * units)[late].sum())
                days = max(0, day - delay - int(arrival))
                if np.isfinite(case.crews[k]):
                    yield Row("crew", f"{trade} {at} from day {arrival}", work, float(case.crews[k] * days))
        # 3. cooling
        need = it * case.heat_fraction
        capacity = rating * units * case.is_chiller
        yield Row("cooling", f"heat {at}", need, float(heat.sum()))
        for o in offers:
            yield Row("cooling", f"heat of {case.offer_id[o]} {at}", float(heat[o]), float(capacity[o]))
        out = _spare(case, plan, m, case.is_chiller)
        yield Row("cooling", f"spare {at}", need, float(capacity.sum()) - out)
        # 4. demand
        load = it * (1 + case.overhead) + float((heat / case.cop[s]).sum())
        yield Row("demand", f"at least {at}", load, float(demand))
        yield Row("demand", f"at most {at}", float(demand), load)
        # 5. mean power
        grid = float(case.grid_mw[s] + (case.step_rise_mw * in_service).sum())
        firm = rating * units * case.is_generator
        mean = float(demand) - it * (1 - case.mean_load)
        yield Row("mean power", f"met {at}", mean, float(imported + output.sum()))
        yield Row("mean power", f"not exceeded {at}", float(imported + output.sum()), mean)
        yield Row("mean power", f"import {at}", float(imported), grid)
        for o in offers:
            yield Row("mean power", f"output of {case.offer_id[o]} {at}", float(output[o]), float(firm[o]))
        yield Row(
            "mean power", f"spare {at}", mean, grid + float(firm.sum()) - _spare(case, plan, m, case.is_generator)
        )
        # 6. to 8. peak, swing, ride-through
        battery = float((rating * units)[case.is_battery].sum())
        yield Row("peak power", at, float(demand), grid + float(firm.sum()) + battery)
        tolerated = float(case.grid_swing_mw[s] + (case.step_rise_swing_mw * in_service).sum())
        followed = battery + float((case.step_fraction * firm).sum()) + tolerated
        yield Row("swing", at, case.swing * it, followed)
        stored = float((case.energy_mwh * units)[case.is_battery].sum())
        yield Row("ride through", at, it * case.ride_through_minutes / 60, stored)
        # 9. to 12. gas, air, water, yard
        gas = float((case.heat_rate_mj_per_kwh / 3.6 * firm)[case.is_gas].sum())
        yield Row("fuel gas", at, gas, float(case.gas_mw[s]))
        yield Row("air", at, float((case.nox_g_per_kwh * output).sum() * 8.76), float(case.nox_t_per_year[s]))
        yield Row("water", at, float((case.water_m3_per_mwh * heat).sum() * 24), float(case.water_m3_per_day[s]))
        yield Row("yard", at, float((case.footprint_m2 * units).sum()), float(case.yard_m2[s]))
        # 14. power quality
        inertia = float((case.inertia_s * firm).sum())
        yield Row("power quality", f"batteries {at}", float(case.battery_floor_mw[s, m]), battery)
        yield Row("power quality", f"inertia {at}", float(case.inertia_floor_mws[s, m]), inertia)
    yield Row("budget", "total", plan.cost_musd(case), case.budget_musd)


def _spare(case: Instance, plan: Plan, m: int, kind: np.ndarray) -> float:
    """MW of the spare units of the largest used unit of a kind."""
    used = kind & (plan.units[:, m] > 0)
    return float(case.spare_units * case.rating_mw[0][used].max(initial=0))
