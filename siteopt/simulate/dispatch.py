"""Decide which of the given units run, and find what they fall short of.

Heat is spread over chillers, then mean power over grid and generators, at the least cost.

Heat comes first and draws as little power as possible. Less demand makes no need harder to meet and no energy dearer,
so the two steps together are as cheap as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siteopt.equipment import COOLING, MEAN_POWER, Requirement
from siteopt.instance import Floats, Instance, Ints
from siteopt.record.reason import Quantity, Reason, ReasonCode, because
from siteopt.tolerances import HAIR

AIR_T_PER_YEAR = 8.76
"""Tonnes that one MW emits in a year of 8,760 hours at one gram a kWh."""

TRUCK_HOURS = 24 / 116
"""Tankers of diesel a day for one MW: 116 MWh of electricity each (``docs/model.md``, *Fuel trucks*)."""

BISECTIONS = 60
"""Halvings of the price at which a limit of trucks begins to hold, and of the least import."""

WATER_HOURS = 24.0
"""Hours in a day, for which the limit of water counts."""

TOLERANCE = 1e-6
"""Share of its size (at least 1, in its own units) by which a limit may be exceeded."""


def least_cost_fill(need: float, cap: Floats, cost: Floats, weight: Floats, limit: float = np.inf) -> Floats:
    """Return ``x`` that minimises ``cost @ x``; ``sum(x) = need``, ``0 <= x <= cap`` and ``weight @ x <= limit``.

    If cap or limit do not allow for the need, ``x`` gives as much of it as they allow. Without the limit, the cheapest
    are filled one after the other. With a price ``p >= 0`` on the weight, the same is true of ``cost + p weight``, and
    the order changes only at the prices at which two of these are equal. The fills just before and just after the price
    at which the limit begins to hold are both optimal at that price. So is the mixture of both that uses up the limit,
    and that mixture is the answer (weak duality).

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
    """Fill the first ones in the order, up to the need and up to the limit of the weight, and return ``x``."""
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
    """What runs at a milestone, and the power, water and NOx that it takes.

    Attributes
    ----------
    heat_mw : O, heat removed by the offer's chillers
    own_heat_mw : float, heat removed by the site's own towers
    demand_mw : float, peak demand
    mean_mw : float, mean demand
    import_mw : float, mean import
    output_mw : O, mean output of the offer's generators
    least_water_m3_per_day, least_nox_t_per_year, least_trucks_per_day : float
        Least water for the heat, and least NOx and fewest tankers of diesel for the mean demand, however these are
        spread over the units.
    """

    heat_mw: Floats
    own_heat_mw: float
    demand_mw: float
    mean_mw: float
    import_mw: float
    output_mw: Floats
    least_water_m3_per_day: float
    least_nox_t_per_year: float
    least_trucks_per_day: float


def dispatch(instance: Instance, m: int, units: Ints, grid_mw: float) -> Dispatch:
    """Run these units (O) and this much grid at a milestone: heat with the least draw, then power at the least cost.

    If they do not suffice, they give as much as they can.
    """
    it = float(instance.it_mw[m])
    capacity = instance.rating_mw[0] * units
    # the chillers of the offers come first, then the site's own towers
    cold = np.append(np.where(instance.supplies(COOLING), capacity, 0.0), instance.own_heat_mw[0, m])
    need, draw = float(instance.heat_mw[m]), np.append(1 / instance.cop[0], instance.own_cooling_mw_per_mw)
    water = np.append(instance.water_m3_per_mwh, instance.own_cooling_m3_per_mwh) * WATER_HOURS
    heat = least_cost_fill(need, cold, draw, water, float(instance.water_m3_per_day[0]))
    demand = it * (1 + instance.auxiliary_load_fraction) + float((heat[:-1] / instance.cop[0]).sum())
    demand += float(heat[-1]) * instance.own_cooling_mw_per_mw + float(instance.own_load_mw @ units)
    mean = demand - it * (1 - instance.load_factor)
    # the grid comes first, then the offers
    power = np.append(grid_mw, np.where(instance.supplies(MEAN_POWER), capacity, 0.0))
    price = np.append(instance.import_usd_per_mwh[0], instance.fuel_usd_per_mwh)
    nox = np.append(0.0, instance.nox_g_per_kwh * AIR_T_PER_YEAR)
    trucks = np.append(0.0, instance.is_diesel * TRUCK_HOURS)
    permitted = float(instance.nox_t_per_year[0])
    fewest = least_cost_fill(mean, power, trucks, nox, permitted)
    output = _within_trucks(mean, power, price, (nox, permitted), (trucks, float(instance.fuel_trucks_per_day[0])))
    return Dispatch(
        heat[:-1],
        float(heat[-1]),
        demand,
        mean,
        float(output[0]),
        output[1:],
        float(water @ _fill(need, cold, water, water)),
        float(nox @ _fill(mean, power, nox, nox)),
        float(trucks @ fewest),
    )


def least_import(instance: Instance, mean_mw: float, units: Ints) -> float:
    """Return the least mean import with which units (O) meet a mean load within the limits of NOx and fuel trucks.

    It is found by bisection: more import takes no more NOx and no more trucks. The whole load, if nothing less is
    enough.
    """
    power = np.where(instance.supplies(MEAN_POWER), instance.rating_mw[0] * units, 0.0)
    nox, trucks = np.asarray(instance.nox_g_per_kwh * AIR_T_PER_YEAR), np.asarray(instance.is_diesel * TRUCK_HOURS)

    def meets(import_mw: float) -> bool:
        need = mean_mw - import_mw
        output = least_cost_fill(need, power, trucks, nox, float(instance.nox_t_per_year[0]))
        within = float(trucks @ output) <= float(instance.fuel_trucks_per_day[0]) * (1 + HAIR)
        return within and float(output.sum()) >= need - HAIR * mean_mw

    low, high = 0.0, mean_mw
    if meets(low):
        return low
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if meets(middle) else (middle, high)
    return high


def _within_trucks(
    mean: float, power: Floats, price: Floats, nox: tuple[Floats, float], trucks: tuple[Floats, float]
) -> Floats:
    """Return the cheapest output within both limits, each given by what one MW takes and how much there is.

    As in :func:`least_cost_fill`, the outputs just before and just after the price of a truck at which the limit begins
    to hold are mixed. If both limits leave too little, as few trucks as possible come.
    """
    each, limit = trucks
    output = least_cost_fill(mean, power, price, *nox)
    fewest = least_cost_fill(mean, power, each, *nox)
    if each @ output <= limit or each @ fewest > limit:
        return output if each @ output <= limit else fewest
    low, high, before, after = 0.0, 1.0, output, output
    while each @ (after := least_cost_fill(mean, power, price + high * each, *nox)) > limit:
        low, high, before = high, 2 * high, after
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        tried = least_cost_fill(mean, power, price + middle * each, *nox)
        if each @ tried > limit:
            low, before = middle, tried
        else:
            high, after = middle, tried
    share = (limit - each @ after) / (each @ (before - after))
    return np.asarray(after + share * (before - after))


@dataclass(frozen=True)
class Limit:
    """A limit ``left <= right``: a need and what there is for it (if ``supply``), or what is used and what may be.

    The reason of a limit says by how much it fails.
    """

    name: str
    left: float
    right: float
    unit: str
    supply: bool = True
    offer: str = ""

    @property
    def holds(self) -> bool:
        """Return whether the limit holds within the tolerance."""
        return self.left <= self.right + TOLERANCE * max(1.0, abs(self.left))

    @property
    def reason(self) -> Reason:
        """Return what is missing; or what is used, and how much may be used."""
        if self.supply:
            missing = Quantity(amount=float(self.left - self.right), unit=self.unit)
            return because(ReasonCode.SHORT, limit=self.name, missing=missing)
        if self.offer:
            return because(
                ReasonCode.ABOVE_AVAILABLE, offer=self.offer, ordered=int(self.left), available=int(self.right)
            )
        used, allowed = (Quantity(amount=float(side), unit=self.unit) for side in (self.left, self.right))
        return because(ReasonCode.ABOVE, limit=self.name, used=used, allowed=allowed)


def unmet(instance: Instance, m: int, units: Ints, step: NDArray[np.bool_], ordered: Ints) -> list[Limit]:
    """Return the limits of ``docs/model.md`` that do not hold at a milestone, apart from GPUs, crews and budget.

    The spare units that are out are the largest single units that are there. If not all heat can be removed, or not all
    power supplied, what depends on it is computed from the part that can.

    Parameters
    ----------
    units : O, units that serve
    step : L, bool, grid steps in service
    ordered : O, units that draw on gas, stand in the yard, and come out of the fleet
    """
    rating = instance.rating_mw[0]
    running = dispatch(instance, m, units, float(instance.import_limit_mw[0] + instance.step_rise_mw @ step))
    thermal = float((instance.heat_rate_mj_per_kwh / 3.6 * rating * ordered)[instance.is_gas].sum())
    water, nox = running.least_water_m3_per_day, running.least_nox_t_per_year
    limits = [_met(instance, m, one, units, step, running) for one in instance.requirements if instance.holds(one)[0]]
    beside = {
        COOLING: Limit("water", water, float(instance.water_m3_per_day[0]), "m3/day", supply=False),
        MEAN_POWER: Limit("air", nox, float(instance.nox_t_per_year[0]), "t/year of NOx", supply=False),
    }
    limits = [one for limit in limits for one in (limit, beside.get(limit.name)) if one is not None]
    limits += [
        Limit("fuel gas", thermal, float(instance.gas_mw[0]), "MW", supply=False),
        Limit(
            "fuel trucks",
            running.least_trucks_per_day,
            float(instance.fuel_trucks_per_day[0]),
            "trucks/day",
            supply=False,
        ),
        Limit("yard", float(instance.footprint_m2 @ ordered), float(instance.yard_m2[0]), "m2", supply=False),
    ]
    limits += [
        Limit(
            "available units",
            float(ordered[o]),
            float(instance.available_units[o]),
            "units",
            supply=False,
            offer=instance.offer_id[o],
        )
        for o in np.flatnonzero(ordered > instance.available_units)
    ]
    return [limit for limit in limits if not limit.holds]


def _met(
    instance: Instance, m: int, requirement: Requirement, units: Ints, step: NDArray[np.bool_], running: Dispatch
) -> Limit:
    """Return a requirement as a limit: what is needed, and what the site and its units supply without spare units."""
    supply = instance.supply(requirement.name, np.arange(instance.offers))[0]
    base, rise = instance.own_supply(requirement)
    there = float(base[0, m] + rise @ step + supply @ units)
    if requirement.spared:
        there -= _largest(supply, units, instance.spare_units)
    need = float(instance.need(requirement)[0, m] + requirement.of_demand * running.demand_mw)
    return Limit(requirement.name, need, there, requirement.unit.removesuffix(" of heat"))


def _largest(supply: Floats, units: Ints, count: int) -> float:
    """Return what the ``count`` units that supply most supply together."""
    there = np.sort(np.repeat(supply, units))
    return float(there[len(there) - min(count, len(there)) :].sum())
