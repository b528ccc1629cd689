"""With given units, which run, and what they fall short of.

Heat is spread over chillers, then mean power over grid and generators, at the least cost.

Heat comes first and draws as little as it can: less demand makes no need harder to meet and no energy dearer, so the
two steps together are as cheap as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siteopt.instance import Floats, Instance, Ints

AIR_T_PER_YEAR = 8.76
"""Tonnes in a year of 8,760 hours by one MW at one gram a kWh."""

WATER_HOURS = 24.0
"""Hours of a day, for which the limit of water counts."""

TOLERANCE = 1e-6
"""What a limit may be exceeded by, relative to its size (at least 1, in its own units)."""


def least_cost_fill(need: float, cap: Floats, cost: Floats, weight: Floats, limit: float = np.inf) -> Floats:
    """``x`` that minimises ``cost @ x``, with ``sum(x) = need``, ``0 <= x <= cap`` and ``weight @ x <= limit``.

    Where cap or limit do not allow for the need, as much of it as they do. Without the limit the cheapest are filled
    one after the other. With a price ``p >= 0`` on the weight the same is true of ``cost + p weight``, and the order
    changes only at the prices at which two of them are equal. Of the fills just before and just after the price at
    which the limit begins to hold, both are optimal at that price. So is the mixture that uses up the limit, and it is
    the answer (weak duality).

    Parameters
    ----------
    cap, cost, weight : N; cap and weight not negative
    """
    need = min(need, float(_fill(np.inf, cap, weight, weight, limit).sum()))
    if np.isinf(limit):
        return _fill(need, cap, cost, weight)
    dear, heavy = cost[cap > 0], weight[cap > 0]
    cross = (dear[:, None] - dear) / np.where(heavy == heavy[:, None], np.inf, heavy - heavy[:, None])
    prices = np.unique(np.concatenate([[0.0], cross[cross > 0]]))
    between = np.append((prices[1:] + prices[:-1]) / 2, 2 * prices[-1] + 1)

    def at(place: int) -> Floats:
        return _fill(need, cap, cost + between[place] * weight, weight)

    low, high = 0, len(between) - 1
    while low < high:
        middle = (low + high) // 2
        if weight @ at(middle) <= limit:
            high = middle
        else:
            low = middle + 1
    after = at(high)
    if high == 0 or weight @ after > limit:
        return after
    before = at(high - 1)
    share = (limit - weight @ after) / (weight @ (before - after))
    return after + share * (before - after)


def _fill(need: float, cap: Floats, order: Floats, weight: Floats, limit: float = np.inf) -> Floats:
    """The first in the order, up to the need, and up to the limit of the weight."""
    rank = np.argsort(order, kind="stable")
    room, heavy = cap[rank], weight[rank]
    before = np.concatenate([[0.0], np.cumsum(room)[:-1]])
    filled = np.clip(need - before, 0, room)
    if np.isfinite(limit):
        used = np.concatenate([[0.0], np.cumsum(heavy * filled)[:-1]])
        allowed = np.where(heavy > 0, np.maximum(0, limit - used) / np.where(heavy > 0, heavy, 1), np.inf)
        filled = np.minimum(filled, allowed)
    x = np.empty_like(cap)
    x[rank] = filled
    return x


@dataclass(frozen=True)
class Dispatch:
    """What runs at a milestone, and what that draws and gives off.

    Attributes
    ----------
    heat_mw : O, heat removed by the offer's chillers
    demand_mw : float, peak demand
    mean_mw : float, mean demand
    import_mw : float, mean import
    output_mw : O, mean output of the offer's generators
    least_water_m3_per_day, least_nox_t_per_year : float
        What heat and mean demand take at least, however they are spread over these units.
    """

    heat_mw: Floats
    demand_mw: float
    mean_mw: float
    import_mw: float
    output_mw: Floats
    least_water_m3_per_day: float
    least_nox_t_per_year: float


def dispatch(case: Instance, m: int, units: Ints, grid_mw: float) -> Dispatch:
    """Run these units (O) and so much grid at a milestone: the least draw for heat, then the least cost of power.

    Where they do not suffice, as much as they can.
    """
    it = float(case.it_mw[m])
    capacity = case.rating_mw[0] * units
    cold = np.where(case.is_chiller, capacity, 0.0)
    need = it * case.heat_fraction
    water = case.water_m3_per_mwh * WATER_HOURS
    heat = least_cost_fill(need, cold, 1 / case.cop[0], water, float(case.water_m3_per_day[0]))
    demand = it * (1 + case.overhead) + float((heat / case.cop[0]).sum())
    mean = demand - it * (1 - case.mean_load)
    # the grid stands before the offers
    power = np.append(grid_mw, np.where(case.is_generator, capacity, 0.0))
    price = np.append(case.grid_usd_per_mwh[0], case.fuel_usd_per_mwh)
    nox = np.append(0.0, case.nox_g_per_kwh * AIR_T_PER_YEAR)
    output = least_cost_fill(mean, power, price, nox, float(case.nox_t_per_year[0]))
    return Dispatch(
        heat,
        demand,
        mean,
        float(output[0]),
        output[1:],
        float(water @ _fill(need, cold, water, water)),
        float(nox @ _fill(mean, power, nox, nox)),
    )


@dataclass(frozen=True)
class Limit:
    """``left <= right``: a need and what there is for it (``supply``), or what is used and what may be.

    Its text says by how much it fails.
    """

    name: str
    left: float
    right: float
    unit: str
    supply: bool = True

    @property
    def holds(self) -> bool:
        """Whether it holds within the tolerance."""
        return self.left <= self.right + TOLERANCE * max(1.0, abs(self.left))

    def __str__(self) -> str:
        """The need and what is missing, or both sides."""
        if self.supply:
            return f"{self.name}: {_figure(self.left - self.right)} {self.unit} short"
        return f"{self.name}: {_figure(self.left)} {self.unit} of {_figure(self.right)} {self.unit}"


def _figure(value: float) -> str:
    """A figure with a decimal, or with as many as it takes to differ from 0."""
    return f"{value:,.1f}" if value >= 0.05 or value == 0 else f"{value:.2g}"


def unmet(case: Instance, m: int, units: Ints, step: NDArray[np.bool_], ordered: Ints) -> list[Limit]:
    """Limits of a milestone that do not hold, the GPUs apart; those of ``docs/model.md``, in its order.

    The spare units that are out are the largest ones that are there, each by itself. Where heat cannot all be removed,
    or power not all be had, what depends on it is that of the part that can.

    Parameters
    ----------
    units : O, that serve
    step : L, bool, grid steps in service
    ordered : O, that draw on gas, stand in the yard, and come out of the fleet
    """
    it, rating = float(case.it_mw[m]), case.rating_mw[0]
    grid = float(case.grid_mw[0] + case.step_rise_mw @ step)
    swing = float(case.grid_swing_mw[0] + case.step_rise_swing_mw @ step)
    running = dispatch(case, m, units, grid)
    capacity, spare = rating * units, case.spare_units
    cold, firm, store = (float(capacity[kind].sum()) for kind in (case.is_chiller, case.is_generator, case.is_battery))
    followed = store + float(case.step_fraction @ (capacity * case.is_generator))
    inertia = float(case.inertia_s @ (capacity * case.is_generator))
    cold_out, firm_out = (_largest_mw(rating, units, kind, spare) for kind in (case.is_chiller, case.is_generator))
    stored = float(case.energy_mwh @ (units * case.is_battery))
    thermal = float((case.heat_rate_mj_per_kwh / 3.6 * rating * ordered)[case.is_gas].sum())
    floor, least = case.battery_floor_mw[0, m], case.inertia_floor_mws[0, m]
    water, nox = running.least_water_m3_per_day, running.least_nox_t_per_year
    limits = [
        Limit("cooling", it * case.heat_fraction, cold - cold_out, "MW"),
        Limit("water", water, float(case.water_m3_per_day[0]), "m3/day", supply=False),
        Limit("mean power", running.mean_mw, grid + firm - firm_out, "MW"),
        Limit("air", nox, float(case.nox_t_per_year[0]), "t/year of NOx", supply=False),
        Limit("peak power", running.demand_mw, grid + firm + store, "MW"),
        Limit("swing", case.swing * it, followed + swing, "MW"),
        Limit("ride through", it * case.ride_through_minutes / 60, stored, "MWh"),
        Limit("batteries", float(floor), store, "MW"),
        Limit("inertia", float(least), inertia, "MW s"),
        Limit("fuel gas", thermal, float(case.gas_mw[0]), "MW", supply=False),
        Limit("yard", float(case.footprint_m2 @ ordered), float(case.yard_m2[0]), "m2", supply=False),
    ]
    limits += [
        Limit(f"fleet of {case.offer_id[o]}", float(ordered[o]), float(case.fleet[o]), "units", supply=False)
        for o in np.flatnonzero(ordered > case.fleet)
    ]
    return [limit for limit in limits if not limit.holds]


def _largest_mw(rating_mw: Floats, units: Ints, kind: NDArray[np.bool_], count: int) -> float:
    """What so many units of a kind give that are there, the largest ones; MW."""
    there = np.sort(np.repeat(rating_mw[kind], units[kind]))
    return float(there[len(there) - min(count, len(there)) :].sum())
