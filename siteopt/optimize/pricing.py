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

from siteopt.instance import TRADES, Floats, Instance, Ints
from siteopt.optimize.formulation import HOURS_PER_YEAR
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
    crew : dict of (trade, milestone, arrival day) to price
    grid_margin : M, bool
        Whether the next MW is imported. If so, the price of the grid at each site takes the place of ``mean``.
    chiller_margin : M
        Offer that removes the next MW of heat. The price of its draw and its water at each site takes the place of
        ``heat``. If every chiller is at its limit, it is -1, and ``heat`` counts as it is.
    """

    cost: float
    heat: Floats
    heat_spare: Floats
    mean: Floats
    mean_spare: Floats
    peak: Floats
    swing: Floats
    ride: Floats
    gas: Floats
    nox: Floats
    water: Floats
    yard: Floats
    grid_margin: np.ndarray
    chiller_margin: Ints
    budget: float = 0.0
    crew: Mapping[tuple[int, int, int], float] = field(default_factory=dict)

    def stored(self) -> StoredPrices:
        """Return the prices in the form that ``plan.json`` stores."""
        rows = {name: tuple(getattr(self, name).tolist()) for name in (*_ROWS, "grid_margin", "chiller_margin")}
        crew = tuple((*key, price) for key, price in sorted(self.crew.items()))
        return StoredPrices(cost=self.cost, budget=self.budget, crew=crew, **rows)

    @staticmethod
    def restored(kept: StoredPrices, milestones: int, offers: int) -> Prices | None:
        """Return the prices that ``plan.json`` stored; None if they do not fit the number of milestones and offers."""
        rows = {name: np.array(getattr(kept, name)) for name in (*_ROWS, "grid_margin", "chiller_margin")}
        crew = {(k, m, arrival): price for k, m, arrival, price in kept.crew}
        fits = all(len(row) == milestones for row in rows.values())
        fits &= all(o < offers for o in kept.chiller_margin)
        fits &= all(0 <= k < len(TRADES) and 0 <= m < milestones for k, m, _ in crew)
        return Prices(cost=kept.cost, budget=kept.budget, crew=crew, **rows) if fits else None


_ROWS = ("heat", "heat_spare", "mean", "mean_spare", "peak", "swing", "ride", "gas", "nox", "water", "yard")
_ROW = re.compile(rf"({'|'.join(_ROWS)})_s0_m(\d+)")
_CREW = re.compile(rf"crew_({'|'.join(TRADES)})_s0_m(\d+)_r(\d+)")


def prices_of(case: Instance, dual: Mapping[str, float], cost: float) -> Prices:
    """Return the prices that the duals of a model of one site give, by the names of its rows."""
    rows = {name: np.zeros(case.milestones) for name in _ROWS}
    crew: dict[tuple[int, int, int], float] = {}
    for name, value in dual.items():
        if found := _ROW.fullmatch(name):
            rows[found[1]][int(found[2])] = value if found[1] == "mean" else abs(value)
        elif (found := _CREW.fullmatch(name)) and value:
            crew[TRADES.index(found[1]), int(found[2]), int(found[3])] = abs(value)
    budget = abs(dual.get("budget", 0.0))
    imported = case.musd_per_mw * (cost + budget) * case.grid_usd_per_mwh[0]
    grid_margin = np.isclose(rows["mean"], imported, rtol=1e-6, atol=0) & (imported > 0)
    chillers = np.flatnonzero(case.is_chiller & (case.fleet > 0) & (case.rating_mw[0] > 0))
    load = rows["mean"] + rows["mean_spare"] + rows["peak"]
    removed = load[:, None] / case.cop[0, chillers] + 24 * np.outer(rows["water"], case.water_m3_per_mwh[chillers])
    at_margin = np.isclose(removed, rows["heat"][:, None], rtol=1e-6, atol=0) & (removed > 0)
    chiller_margin = np.array([chillers[row][0] if row.any() else -1 for row in at_margin], dtype=np.int64)
    return Prices(cost=cost, budget=budget, crew=crew, grid_margin=grid_margin, chiller_margin=chiller_margin, **rows)


@dataclass(frozen=True)
class _Local:
    """Prices that differ from site to site; S x M each. A limit that a site does not have has the price 0 there."""

    mean: Floats
    heat: Floats
    gas: Floats
    nox: Floats
    water: Floats
    yard: Floats


def _localised(case: Instance, p: Prices) -> _Local:
    limits = {"gas": case.gas_mw, "nox": case.nox_t_per_year, "water": case.water_m3_per_day, "yard": case.yard_m2}
    tight = {name: getattr(p, name) * np.isfinite(limit)[:, None] for name, limit in limits.items()}
    imported = case.grid_usd_per_mwh[:, None] * case.musd_per_mw * (p.cost + p.budget)
    mean = np.where(p.grid_margin, imported, p.mean)
    load = mean + p.mean_spare + p.peak
    heat = np.broadcast_to(p.heat, mean.shape).copy()
    for m in np.flatnonzero(p.chiller_margin >= 0):
        o = p.chiller_margin[m]
        removed = load[:, m] / case.cop[:, o] + 24 * tight["water"][:, m] * case.water_m3_per_mwh[o]
        heat[:, m] = np.maximum(0, removed)
    return _Local(mean, heat, **tight)


def priced(case: Instance, day: Ints, prices: Prices) -> Floats:
    """Return a lower bound of the cost on these days; S.

    If ``prices.cost`` is 0, a value above 0 shows that there is no plan on these days.

    Parameters
    ----------
    day : S x M
    """
    p, c = prices, case.commissioning_days
    at = _localised(case, p)
    weight = p.cost + p.budget
    bought = weight * (case.site_cost_musd + case.gpu_cost_musd) - p.budget * case.most_musd
    total: Floats = bought + _needs(case, at, p) - _grid(case, day, at, p)
    for limit_price, limit in (
        (at.gas, case.gas_mw),
        (at.nox, case.nox_t_per_year),
        (at.water, case.water_m3_per_day),
        (at.yard, case.yard_m2),
    ):
        total = total - limit_price.sum(axis=1) * np.where(np.isfinite(limit), limit, 0)
    crew = {key: price for key, price in p.crew.items() if np.isfinite(case.crews[key[0]])}
    for (k, m, arrival), price in crew.items():
        total = total - price * case.crews[k] * np.maximum(0, day[:, m] - c - arrival)
    for kind, worth, spare in (
        (case.is_generator, _generator, p.mean_spare),
        (case.is_chiller, _chiller, p.heat_spare),
        (case.is_battery, _battery, np.zeros_like(p.ride)),
    ):
        offers = np.flatnonzero(kind & (case.fleet > 0))
        rating, ready, arrives = (array[:, offers] for array in (case.rating_mw, case.ready_day, case.arrival_day))
        cost = weight * case.unit_cost_musd[:, offers]
        best, since = np.full(rating.shape, -np.inf), np.zeros(rating.shape)
        gain: list[Floats] = []
        for m in reversed(range(case.milestones)):
            # what a unit that is there from this milestone on is worth, less the price of its share of the limits
            since += rating * worth(case, offers, at, p, m) + p.ride[m] * case.energy_mwh[offers]
            if p.yard[m]:
                since -= at.yard[:, m, None] * case.footprint_m2[offers]
            for (k, month, arrival), price in crew.items():
                if month == m:
                    since -= price * case.crew_days[offers] * (case.trade[offers] == k) * (arrives >= arrival)
            np.maximum(best, since, out=best, where=ready <= (day[:, m] - c)[:, None])
            gain.append(np.asarray(case.fleet[offers] * np.minimum(0.0, cost - best)))
        if case.spare_units and spare.any():
            total += _with_spare(rating, gain[::-1], case.spare_units * spare)
        else:
            total += gain[-1].sum(axis=1)
    return np.asarray(total)


def _needs(case: Instance, at: _Local, p: Prices) -> Floats:
    """Return what the needs are worth; S. The draw of the chillers is counted with the chillers."""
    it = case.it_mw
    heat = (at.heat + p.heat_spare) @ (it * case.heat_fraction)
    mean = (at.mean + p.mean_spare) @ (it * (case.overhead + case.mean_load))
    peak = p.peak @ (it * (1 + case.overhead))
    return np.asarray(heat + mean + peak + p.swing @ it * case.swing + p.ride @ it * case.ride_through_minutes / 60)


def _grid(case: Instance, day: Ints, at: _Local, p: Prices) -> Floats:
    """Return the worth of the grid, and of each of its steps that is worth its cost; S."""
    weight = p.cost + p.budget
    imported = case.grid_usd_per_mwh[:, None] * case.musd_per_mw * weight
    per_mw = np.maximum(0, at.mean - imported) + p.mean_spare + p.peak
    worth = case.grid_mw * per_mw.sum(axis=1) + case.grid_swing_mw * p.swing.sum()
    owner = case.step_site
    there = case.step_ready_day[:, None] + case.commissioning_days <= day[owner]
    step = (case.step_rise_mw[:, None] * per_mw[owner] + case.step_rise_swing_mw[:, None] * p.swing) * there
    gain = np.maximum(0, step.sum(axis=1) - weight * case.step_cost_musd)
    return np.asarray(worth + np.bincount(owner, gain, case.sites))


def _generator(case: Instance, offers: Ints, at: _Local, p: Prices, m: int) -> Floats:
    """Return what one MW of each generator is worth at a milestone; S x J."""
    fuel = case.musd_per_mw[m] * (p.cost + p.budget) * case.fuel_usd_per_mwh[offers]
    tonnes = case.nox_g_per_kwh[offers] * HOURS_PER_YEAR / 1000
    thermal = case.heat_rate_mj_per_kwh[offers] / 3.6 * case.is_gas[offers]
    output = at.mean[:, m, None] - fuel - at.nox[:, m, None] * tonnes
    firm = p.mean_spare[m] + p.peak[m] + p.swing[m] * case.step_fraction[offers]
    return np.asarray(np.maximum(0, output) + firm - at.gas[:, m, None] * thermal)


def _chiller(case: Instance, offers: Ints, at: _Local, p: Prices, m: int) -> Floats:
    """Return what one MW of heat of each chiller is worth at a milestone; S x J."""
    load = at.mean[:, m, None] + p.mean_spare[m] + p.peak[m]
    removed = at.heat[:, m, None] - load / case.cop[:, offers]
    return np.asarray(
        np.maximum(0, removed - at.water[:, m, None] * case.water_m3_per_mwh[offers] * 24) + p.heat_spare[m]
    )


def _battery(case: Instance, offers: Ints, at: _Local, p: Prices, m: int) -> Floats:
    """Return what one MW of any battery is worth at a milestone, without its energy; one number."""
    return np.asarray(p.peak[m] + p.swing[m])


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
    level = np.minimum.accumulate(rating[:, order[::-1]], axis=1)[:, ::-1]
    rise = np.diff(level, axis=1, prepend=0).T
    since = np.cumsum(price[::-1])[::-1]
    value = np.zeros((len(gain) + 1, len(rating)))
    columns = [step[:, order].T for step in gain]
    for j in range(len(order)):
        np.minimum.accumulate(value, axis=0, out=value)
        for m, column in enumerate(columns):
            value[m] += column[j] + rise[j] * since[m]
    return np.asarray(value.min(axis=0))
