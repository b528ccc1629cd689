"""Compute Lagrangian lower bounds on cost for all sites at once: the LP duals of one site price every other site.

With the days fixed, every row that joins offers (a need, a limit) is moved into the objective at a price. The rest
separates into offers, and each offer is taken whole or not at all, by its reduced cost. Whatever the prices, the result
never exceeds the cost of any plan on these days; with the duals of a similar site it comes near the least cost. If cost
has no weight, and the prices are those of what is missing, a result above 0 shows that there is no plan on these days.

The spare units are not relaxed: the largest unit used is out, and the bound is the least over all choices of the
largest unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from siteopt.equipment import COOLING, DISPATCHED, MEAN_POWER, REQUIREMENTS, Requirement
from siteopt.instance import HOURS_PER_YEAR, TRADES, Floats, Instance, Ints
from siteopt.optimize.model import worded
from siteopt.record.proof import StoredPrices


@dataclass(frozen=True)
class Prices:
    """Price of one unit of each row; M each, in million USD per unit of the row, and at least 0 except for ``mean``.

    Attributes
    ----------
    cost : float
        Weight of cost: 1 for a bound on cost, 0 for a proof that there is no plan.
    budget : float
        Price of the budget row.
    needs, spares : dict of a requirement to prices
        Prices of the rows of the needs, and of those that ask for the spare units besides; of cooling and mean power,
        the rows of what runs.
    crew : dict of (trade, milestone, arrival day) to price
    grid_margin : M, bool
        Whether the next MW is imported. If so, the price of the grid at each site replaces that of mean power.
    cooling_margin : M
        Offer that removes the next MW of heat. The price of its draw and its water at each site replaces that of
        cooling. If every chiller is at its limit, it is -1, and the price counts as it is.
    """

    cost: float
    needs: Mapping[str, Floats]
    spares: Mapping[str, Floats]
    gas: Floats
    nox: Floats
    water: Floats
    yard: Floats
    grid_margin: np.ndarray
    cooling_margin: Ints
    budget: float = 0.0
    crew: Mapping[tuple[int, int, int], float] = field(default_factory=dict)

    def stored(self) -> StoredPrices:
        """Return the prices in the form that ``plan.json`` stores."""
        rows = {name: tuple(getattr(self, name).tolist()) for name in (*_LIMITS, "grid_margin", "cooling_margin")}
        needs, spares = (
            {name: tuple(row.tolist()) for name, row in every.items()} for every in (self.needs, self.spares)
        )
        crew = tuple((*key, price) for key, price in sorted(self.crew.items()))
        return StoredPrices(cost=self.cost, budget=self.budget, needs=needs, spares=spares, crew=crew, **rows)

    @staticmethod
    def restored(kept: StoredPrices, milestones: int, offers: int) -> Prices | None:
        """Return the prices that ``plan.json`` stored; None if they do not fit the number of milestones and offers."""
        rows = {name: np.array(getattr(kept, name)) for name in (*_LIMITS, "grid_margin", "cooling_margin")}
        needs, spares = ({name: np.array(row) for name, row in every.items()} for every in (kept.needs, kept.spares))
        crew = {(k, m, arrival): price for k, m, arrival, price in kept.crew}
        fits = all(len(row) == milestones for row in (*rows.values(), *needs.values(), *spares.values()))
        fits &= set(needs) <= set(NEEDS) and set(spares) == set(SPARES)
        fits &= all(o < offers for o in kept.cooling_margin)
        fits &= all(0 <= k < len(TRADES) and 0 <= m < milestones for k, m, _ in crew)
        nothing = np.zeros(milestones)  # of requirements that did not exist when the prices were stored
        made = {"needs": {**dict.fromkeys(NEEDS, nothing), **needs}, "spares": spares, "crew": crew, **rows}
        return Prices(cost=kept.cost, budget=kept.budget, **made) if fits else None  # type: ignore[arg-type]


PRICED = tuple(one for one in REQUIREMENTS if one.at_every_site)
"""Requirements that have prices, if the scenario asks for them."""

NEEDS, SPARES = tuple(one.name for one in PRICED), tuple(one.name for one in PRICED if one.spared)
"""Names of the requirements with prices, and of those that have a price of spare units besides."""

_LIMITS = ("gas", "nox", "water", "yard")
_LIMIT = re.compile(rf"({'|'.join(_LIMITS)})_s0_m(\d+)")
_NEED = re.compile(rf"({'|'.join(map(worded, NEEDS))})_s0_m(\d+)")
_SPARE = re.compile(rf"({'|'.join(map(worded, SPARES))})_spare_s0_m(\d+)")
_CREW = re.compile(rf"crew_({'|'.join(TRADES)})_s0_m(\d+)_r(\d+)")


def prices_of(instance: Instance, dual: Mapping[str, float], cost: float) -> Prices:
    """Return the prices that the duals of a model of one site give, by the names of its rows."""
    needs, spares, limits = (
        {worded(name): np.zeros(instance.milestones) for name in names} for names in (NEEDS, SPARES, _LIMITS)
    )
    crew: dict[tuple[int, int, int], float] = {}
    for name, value in dual.items():
        for rows, pattern in ((needs, _NEED), (spares, _SPARE), (limits, _LIMIT)):
            if found := pattern.fullmatch(name):
                signed = found[1] == worded(MEAN_POWER) and rows is needs
                rows[found[1]][int(found[2])] = value if signed else abs(value)
        if (found := _CREW.fullmatch(name)) and value:
            crew[TRADES.index(found[1]), int(found[2]), int(found[3])] = abs(value)
    of_need = {name: needs[worded(name)] for name in NEEDS}
    of_spare = {name: spares[worded(name)] for name in SPARES}
    budget = abs(dual.get("budget", 0.0))
    imported = instance.musd_per_mw * (cost + budget) * instance.import_usd_per_mwh[0]
    grid_margin = np.isclose(of_need[MEAN_POWER], imported, rtol=1e-6, atol=0) & (imported > 0)
    chillers = np.flatnonzero(instance.supplies(COOLING) & (instance.available_units > 0) & (instance.rating_mw[0] > 0))
    load = _load(instance, of_need, of_spare)
    removed = load[:, None] / instance.cop[0, chillers] + 24 * np.outer(
        limits["water"], instance.water_m3_per_mwh[chillers]
    )
    at_margin = np.isclose(removed, of_need[COOLING][:, None], rtol=1e-6, atol=0) & (removed > 0)
    cooling_margin = np.array([chillers[row][0] if row.any() else -1 for row in at_margin], dtype=np.int64)
    return Prices(
        cost=cost,
        needs=of_need,
        spares=of_spare,
        **limits,
        grid_margin=grid_margin,
        cooling_margin=cooling_margin,
        budget=budget,
        crew=crew,
    )


def priced_requirements(instance: Instance) -> list[Requirement]:
    """Return the requirements of the scenario that have prices."""
    return [one for one in PRICED if one in instance.requirements]


def _load(instance: Instance, needs: Mapping[str, Floats], spares: Mapping[str, Floats]) -> Floats:
    """Return the price of one MW of peak demand, by the prices of all needs that grow with it; like these."""
    grows = [one for one in priced_requirements(instance) if one.of_demand]
    parts = [one.of_demand * (needs[one.name] + spares.get(one.name, 0.0)) for one in grows]
    return np.asarray(sum(parts[1:], parts[0]))


@dataclass(frozen=True)
class _Local:
    """Prices at each site; S x M each, or M where sites do not differ. A limit that a site does not have costs 0."""

    needs: Mapping[str, Floats]
    load: Floats
    gas: Floats
    nox: Floats
    water: Floats
    yard: Floats


def _localised(instance: Instance, p: Prices) -> _Local:
    limits = {
        "gas": instance.gas_mw,
        "nox": instance.nox_t_per_year,
        "water": instance.water_m3_per_day,
        "yard": instance.yard_m2,
    }
    tight = {name: getattr(p, name) * np.isfinite(limit)[:, None] for name, limit in limits.items()}
    imported = instance.import_usd_per_mwh[:, None] * instance.musd_per_mw * (p.cost + p.budget)
    needs = {**p.needs, MEAN_POWER: np.where(p.grid_margin, imported, p.needs[MEAN_POWER])}
    load = _load(instance, needs, p.spares)
    heat = np.broadcast_to(p.needs[COOLING], load.shape).copy()
    for m in np.flatnonzero(p.cooling_margin >= 0):
        o = p.cooling_margin[m]
        removed = load[:, m] / instance.cop[:, o] + 24 * tight["water"][:, m] * instance.water_m3_per_mwh[o]
        heat[:, m] = np.maximum(0, removed)
    return _Local({**needs, COOLING: heat}, load, **tight)


def priced(instance: Instance, day: Ints, prices: Prices) -> Floats:
    """Return a lower bound of the cost on these days; S.

    If ``prices.cost`` is 0, a value above 0 shows that there is no plan on these days. Each limit counts as the highest
    that it ever is, which only relaxes.

    Parameters
    ----------
    day : S x M
    """
    instance = instance.loosest()
    p, c = prices, instance.commissioning_days
    at = _localised(instance, p)
    weight = p.cost + p.budget
    bought = weight * (instance.ready_musd(day) + instance.gpu_cost_musd) - p.budget * instance.most_musd
    total: Floats = bought + _requirements(instance, at, p) - _grid(instance, day, at, p)
    for limit_price, limit in (
        (at.gas, instance.gas_mw),
        (at.nox, instance.nox_t_per_year),
        (at.water, instance.water_m3_per_day),
        (at.yard, instance.yard_m2),
    ):
        total = total - limit_price.sum(axis=1) * np.where(np.isfinite(limit), limit, 0)
    crew = {key: price for key, price in p.crew.items() if instance.limits_crews(key[0])}
    for (k, m, arrival), price in crew.items():
        total = total - price * instance.crew_days_within(k, arrival, day[:, m] - c)
    for name, offers in instance.by_spare():
        spare = p.spares[name] if name else np.zeros(instance.milestones)
        rating = np.take(instance.rating_mw, offers, axis=1)
        ready, arrives = (np.take(days, offers, axis=1) for days in (instance.ready_day, instance.arrival_day))
        cost = weight * np.take(instance.unit_cost_musd, offers, axis=1)
        best, since = np.full(rating.shape, -np.inf), np.zeros(rating.shape)
        gain: list[Floats] = []
        for m in reversed(range(instance.milestones)):
            # what a unit that is there from this milestone on is worth, less the price of its share of the limits
            since += _worth(instance, offers, rating, at, p, m)
            if p.yard[m]:
                since -= at.yard[:, m, None] * instance.footprint_m2[offers]
            for (k, month, arrival), price in crew.items():
                if month == m:
                    since -= price * instance.crew_days[offers] * (instance.trade[offers] == k) * (arrives >= arrival)
            np.maximum(best, np.where(ready <= (day[:, m] - c)[:, None], since, -np.inf), out=best)
            gain.append(np.asarray(instance.available_units[offers] * np.minimum(0.0, cost - best)))
        if instance.spare_units and spare.any():
            total += _with_spare(rating, gain[::-1], instance.spare_units * spare)
        else:
            total += gain[-1].sum(axis=1)
    return np.asarray(total)


def _requirements(instance: Instance, at: _Local, p: Prices) -> Floats:
    """Return what the needs are worth; S. The draw of the chillers is counted with the chillers."""
    total = np.zeros(instance.sites)
    for one in priced_requirements(instance):
        price = at.needs[one.name] + p.spares.get(one.name, 0.0)
        needed = instance.need(one) + one.of_demand * instance.it_mw * (1 + instance.auxiliary_load_fraction)
        total += (price * needed).sum(axis=1)
    return total


def _grid(instance: Instance, day: Ints, at: _Local, p: Prices) -> Floats:
    """Return the worth of what sites supply themselves, and of each grid step that is worth its cost; S."""
    weight = p.cost + p.budget
    spent = {
        MEAN_POWER: instance.import_usd_per_mwh[:, None] * instance.musd_per_mw * weight,
        COOLING: at.load * instance.own_cooling_mw_per_mw + 24 * at.water * instance.own_cooling_m3_per_mwh,
    }
    owner = instance.step_site
    worth, step = np.zeros(instance.sites), np.zeros((len(owner), instance.milestones))
    for one in priced_requirements(instance):
        if one.own:
            price = np.broadcast_to(at.needs[one.name], (instance.sites, instance.milestones))
            per_mw = np.maximum(0, price - spent[one.name]) if one.name in DISPATCHED else price
            per_mw = per_mw + p.spares.get(one.name, 0.0)
            base, rise = instance.own_supply(one)
            worth += (base * per_mw).sum(axis=1)
            step += rise[:, None] * per_mw[owner]
    there = instance.step_ready_day[:, None] + instance.commissioning_days <= day[owner]
    gain = np.maximum(0, (step * there).sum(axis=1) - weight * instance.step_cost_musd)
    return np.asarray(worth + np.bincount(owner, gain, instance.sites))


def _worth(instance: Instance, offers: Ints, rating: Floats, at: _Local, p: Prices, m: int) -> Floats:
    """Return what one unit of each offer is worth at a milestone, by what it supplies; S x J."""
    per_mw, besides = np.zeros(len(offers)), np.zeros(len(offers))
    for one in priced_requirements(instance):
        price = _there(p, one.name, m)
        if price:
            each, more = instance.per_unit(one.name, offers)
            per_mw, besides = per_mw + price * each, besides + price * more
    total = rating * per_mw
    total += besides
    if (instance.is_gas[offers]).any() and p.gas[m]:
        total -= rating * at.gas[:, m, None] * (instance.heat_rate_mj_per_kwh[offers] / 3.6 * instance.is_gas[offers])
    for name, runs in ((MEAN_POWER, _output), (COOLING, _heat)):
        mine = instance.supplies(name)[offers]
        if mine.any():
            earned = runs(instance, offers, at, p, m)
            earned *= rating
            total += earned if mine.all() else earned * mine
    return np.asarray(total)


def _there(p: Prices, requirement: str, m: int) -> float:
    """Return the price of what is there for a requirement, beside what runs."""
    own = 0.0 if requirement in DISPATCHED else float(p.needs[requirement][m])
    return own + (float(p.spares[requirement][m]) if requirement in p.spares else 0.0)


def _output(instance: Instance, offers: Ints, at: _Local, p: Prices, m: int) -> Floats:
    """Return what one MW of output of each offer is worth at a milestone, less its fuel and its NOx; S x J."""
    fuel = instance.musd_per_mw[m] * (p.cost + p.budget) * instance.fuel_usd_per_mwh[offers]
    worth = at.needs[MEAN_POWER][:, m, None] - fuel
    if p.nox[m]:
        worth -= at.nox[:, m, None] * (instance.nox_g_per_kwh[offers] * HOURS_PER_YEAR / 1000)
    return np.maximum(0, worth, out=worth)


def _heat(instance: Instance, offers: Ints, at: _Local, p: Prices, m: int) -> Floats:
    """Return what one MW of heat that each offer removes is worth at a milestone, less its draw and water; S x J."""
    removed = np.divide(-at.load[:, m, None], np.take(instance.cop, offers, axis=1))
    removed += at.needs[COOLING][:, m, None]
    if p.water[m]:
        removed -= at.water[:, m, None] * (instance.water_m3_per_mwh[offers] * 24)
    return np.maximum(0, removed, out=removed)


def _with_spare(rating: np.ndarray, gain: list[Floats], price: Floats) -> Floats:
    """Return the least sum of the gains of all offers and the price of the largest unit used; S.

    Offers are in the order of their rating. If the first ``j`` offers are allowed from some milestone on, the unit that
    is out is at most as large as the largest of theirs. So a first milestone is chosen for each offer, never before
    that of the offer before it, and each offer pays the rise of its rating over that of the offer before it.

    Parameters
    ----------
    rating : S x J
    gain : M of S x J, at most 0, if the offer is used from a milestone on
    price : M, of the rating of the largest unit
    """
    order = np.argsort(rating.mean(axis=0), kind="stable")
    # all sites share one order, so a rating counts as no more than any that follows it
    level = np.take(rating, order, axis=1).T.copy()
    for j in reversed(range(len(order) - 1)):
        level[j] = np.minimum(level[j], level[j + 1])
    rise = np.diff(level, axis=0, prepend=0)
    since = np.cumsum(price[::-1])[::-1]
    value = np.zeros((len(gain) + 1, len(rating)))
    columns = [np.take(step, order, axis=1).T.copy() for step in gain]
    for j in range(len(order)):
        for m, column in enumerate(columns):
            value[m + 1] = np.minimum(value[m], value[m + 1])
            value[m] += column[j] + rise[j] * since[m]
    return np.asarray(value.min(axis=0))
