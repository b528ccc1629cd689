"""Recompute the bounds by prices of ``pricing.py`` in intervals, so that no rounding can make them false.

The module follows ``docs/model.md``, *Bounds by prices*, and shares no arithmetic with the search. Prices are taken as
they are, but as 0 where they are negative and may not be. Rows are relaxed by a HAIR, as in ``safe.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from siteopt.equipment import COOLING, DISPATCHED, MEAN_POWER, Requirement
from siteopt.instance import HOURS_PER_MONTH, HOURS_PER_YEAR, Floats, Instance, Ints
from siteopt.optimize.intervals import Interval, chosen, exactly, larger, smaller
from siteopt.optimize.pricing import Prices, priced_requirements
from siteopt.tolerances import HAIR

SLACK = HAIR * 1.01
"""Share of its size by which each row is relaxed: a HAIR, with room for the rounding of this share."""


def price_bound(instance: Instance, day: Ints, prices: Prices) -> Floats:
    """Return lower bounds of the cost on these days; S.

    If the prices give the cost a weight of 0, a value above 0 shows that there is no plan on these days. Each limit
    counts as the highest that it ever is, and only the phases with which milestones start have rows, so the bound holds
    for every plan.

    Parameters
    ----------
    day : S x M
    """
    return _Bound(instance.loosest(), day, prices).low()


@dataclass
class _Bound:
    """Bounds of the sites of an Instance on some days, at some prices. Arrays are S x M unless stated otherwise."""

    instance: Instance
    day: Ints
    p: Prices

    def low(self) -> Floats:
        """Return the lower end of the bound; S."""
        instance = self.instance
        prepared = exactly(instance.works_musd).sum(axis=1) + instance.site_cost_musd
        total = self.weight * (prepared + instance.shells_musd(self.day) + instance.gpu_cost_musd)
        if self.budget:
            total = total - exactly(self.budget) * instance.most_musd
        total = total + self._requirements() - self._limits() - self._crews() - self._grid()
        for name, offers in instance.by_spare():
            total = total + self._offers(offers, self._spare(name) if name else np.zeros(instance.milestones))
        return np.asarray(total.low - self._slack())

    # the prices, each an exact number

    @cached_property
    def priced(self) -> list[Requirement]:
        return priced_requirements(self.instance)

    @cached_property
    def budget(self) -> float:
        return max(0.0, self.p.budget) if np.isfinite(self.instance.budget_musd) else 0.0

    @cached_property
    def weight(self) -> Interval:
        return exactly(max(0.0, self.p.cost)) + self.budget

    @cached_property
    def needs(self) -> dict[str, Floats]:
        """Return the prices of the needs by requirement; S x M, or M where sites do not differ."""
        return {one.name: np.maximum(0, self.p.needs[one.name]) for one in self.priced} | {
            MEAN_POWER: self.mean,
            COOLING: self.heat,
        }

    def _spare(self, requirement: str) -> Floats:
        """Return the prices of the spare units that a requirement asks for; M."""
        spare = self.p.spares.get(requirement)
        return np.zeros(self.instance.milestones) if spare is None else np.maximum(0, spare)

    @cached_property
    def mean(self) -> Floats:
        """Return the price of mean power, of any sign: the site's own grid price where the next MW is imported."""
        here = self.instance.import_usd_per_mwh[:, None] * self.instance.musd_per_mw * (self.p.cost + self.budget)
        return np.where(self.p.grid_margin, here, self.p.needs[MEAN_POWER])

    @cached_property
    def heat(self) -> Floats:
        grows = [one for one in self.priced if one.of_demand]
        price = {one.name: self.mean if one.name == MEAN_POWER else self.p.needs[one.name] for one in grows}
        load = sum((one.of_demand * (price[one.name] + self._spare(one.name)) for one in grows), np.zeros(1))
        heat = np.broadcast_to(self.p.needs[COOLING], (self.instance.sites, self.instance.milestones)).copy()
        for m in np.flatnonzero(self.p.cooling_margin >= 0):
            o = self.p.cooling_margin[m]
            heat[:, m] = (
                load[:, m] / self.instance.cop[:, o] + 24 * self.water[:, m] * self.instance.water_m3_per_mwh[o]
            )
        return np.maximum(0, heat)

    @cached_property
    def load(self) -> Interval:
        """Return the price of one MW of peak demand, by all needs that grow with it; S x M."""
        total = exactly(np.zeros((self.instance.sites, self.instance.milestones)))
        for one in self.priced:
            if one.of_demand:
                total = total + (exactly(self.needs[one.name]) + self._spare(one.name)) * one.of_demand
        return total

    @cached_property
    def water(self) -> Floats:
        return self._tight("water")

    @cached_property
    def limits(self) -> dict[str, Floats]:
        instance = self.instance
        return {
            "gas": instance.gas_mw,
            "nox": instance.nox_t_per_year,
            "water": instance.water_m3_per_day,
            "yard": instance.yard_m2,
        }

    def _tight(self, name: str) -> Floats:
        """Return the price of a limit; 0 at sites that have no such limit."""
        return np.maximum(0, getattr(self.p, name)) * np.isfinite(self.limits[name])[:, None]

    # the parts of the bound

    @cached_property
    def musd_per_mw(self) -> Interval:
        """Return the cost of one MW over the days that are paid, at one US dollar a MWh; M, million USD."""
        return exactly(self.instance.operating_days.astype(np.float64)) * 24.0 / 1e6

    def _requirements(self) -> Interval:
        instance, total = self.instance, exactly(np.zeros(self.instance.sites))
        demand = exactly(instance.it_mw) * (exactly(1.0) + instance.auxiliary_load_fraction)
        for one in self.priced:
            price = exactly(self.needs[one.name]) + self._spare(one.name)
            total = total + (price * (_product(instance, one) + demand * one.of_demand)).sum(axis=1)
        return total

    def _limits(self) -> Interval:
        instance = self.instance
        total = exactly(np.zeros(instance.sites))
        for name, limit in self.limits.items():
            total = total + exactly(self._tight(name)).sum(axis=1) * np.where(np.isfinite(limit), limit, 0)
        return total

    @cached_property
    def crew(self) -> dict[tuple[int, int, int], float]:
        """Return the prices of crews by (trade, milestone, arrival day), without trades whose crews are unlimited."""
        return {key: max(0.0, price) for key, price in self.p.crew.items() if self.instance.limits_crews(key[0])}

    def _window(self, m: int, arrival: int) -> Ints:
        """Return the days of each period from an arrival to the commissioning of a milestone; S x P."""
        return self.instance.crew_window(arrival, self.day[:, m] - self.instance.commissioning_days)

    def _crews(self) -> Interval:
        total = exactly(np.zeros(self.instance.sites))
        for (k, m, arrival), price in self.crew.items():
            done = exactly(self.instance.crews[k]) * self._window(m, arrival).astype(np.float64)
            total = total + exactly(price) * done.sum(axis=1)
        return total

    def _grid(self) -> Interval:
        """Return the worth of what sites supply themselves, and of each grid step that is worth its cost; S."""
        instance, owner = self.instance, self.instance.step_site
        imported = exactly(instance.demand_usd_per_mw_month[:, None]) / HOURS_PER_MONTH
        imported = imported + instance.grid_usd_per_mwh[:, None]
        spent = {
            MEAN_POWER: imported * self.musd_per_mw * self.weight,
            COOLING: self.load * instance.own_cooling_mw_per_mw
            + exactly(self.water) * instance.own_cooling_m3_per_mwh * 24.0,
        }
        there = (instance.step_ready_day[:, None] + instance.commissioning_days <= self.day[owner]).astype(np.float64)
        given, worth = exactly(np.zeros(instance.sites)), exactly(np.zeros(there.shape))
        for one in self.priced:
            if one.own:
                price = exactly(np.broadcast_to(self.needs[one.name], (instance.sites, instance.milestones)))
                per_mw = larger(0.0, price - spent[one.name]) if one.name in DISPATCHED else price
                per_mw = per_mw + self._spare(one.name)
                base, rise = instance.own_supply(one)
                given = given + (exactly(base) * per_mw).sum(axis=1)
                worth = worth + exactly(rise[:, None] * there) * per_mw[owner]
        gain = larger(0.0, worth.sum(axis=1) - self.weight * instance.step_cost_musd)
        return given + gain.by(owner, instance.sites)

    def _offers(self, offers: Ints, spare: Floats) -> Interval:
        """Return the least sum over the offers of a kind, each taken whole or not at all, with the spare units; S."""
        instance, delay = self.instance, self.instance.commissioning_days
        ready = instance.ready_day[:, offers]
        cost = self.weight * instance.unit_cost_musd[:, offers]
        best, since = exactly(np.full(ready.shape, -np.inf)), exactly(np.zeros(ready.shape))
        gains: list[Interval] = []
        for m in reversed(range(instance.milestones)):
            since = since + self._worth(offers, m) - self._share(offers, m)
            best = chosen(ready <= (self.day[:, m] - delay)[:, None], larger(best, since), best)
            gains.insert(0, exactly(instance.available_units[offers].astype(float)) * smaller(0.0, _less(cost, best)))
        if instance.spare_units and spare.any():
            return exactly(
                _with_spare(instance.rating_mw[:, offers], [gain.low for gain in gains], instance.spare_units * spare)
            )
        return gains[0].sum(axis=1)

    def _worth(self, offers: Ints, m: int) -> Interval:
        """Return what one unit of each offer is worth at a milestone; S x J."""
        instance, rating = self.instance, exactly(self.instance.rating_mw[:, offers])
        total = exactly(np.zeros((instance.sites, len(offers))))
        for one in self.priced:
            price = exactly(0.0 if one.name in DISPATCHED else float(self.needs[one.name][m]))
            price = price + float(self._spare(one.name)[m])
            per_mw, besides = instance.per_unit(one.name, offers)
            total = total + rating * (price * per_mw) + price * besides
        burnt = exactly(self._tight("gas")[:, m, None]) * (exactly(instance.heat_rate_mj_per_kwh[offers]) / 3.6)
        total = total - rating * (burnt * instance.is_gas[offers].astype(np.float64))
        runs, cools = (instance.supplies(name)[offers].astype(np.float64) for name in (MEAN_POWER, COOLING))
        return total + rating * (self._output(offers, m) * runs) + rating * (self._heat(offers, m) * cools)

    def _output(self, offers: Ints, m: int) -> Interval:
        """Return what one MW of output of each offer is worth, less its fuel and its NOx; S x J."""
        instance = self.instance
        fuel = self.musd_per_mw[m] * self.weight * instance.fuel_usd_per_mwh[offers]
        nox = exactly(self._tight("nox")[:, m, None]) * instance.nox_g_per_kwh[offers] * (HOURS_PER_YEAR / 1000)
        return larger(0.0, exactly(self.mean[:, m, None]) - fuel - nox)

    def _heat(self, offers: Ints, m: int) -> Interval:
        """Return what one MW of heat that each offer removes is worth, less its draw and water; S x J."""
        instance = self.instance
        draw = self.load[:, m, None] / instance.cop[:, offers]
        wet = exactly(self.water[:, m, None]) * instance.water_m3_per_mwh[offers] * 24.0
        return larger(0.0, exactly(self.heat[:, m, None]) - draw - wet)

    def _share(self, offers: Ints, m: int) -> Interval:
        """Return the price of what one unit takes of the yard and of the crews at a milestone; S x J."""
        instance = self.instance
        taken = exactly(self._tight("yard")[:, m, None]) * instance.footprint_m2[offers]
        for (k, milestone, arrival), price in self.crew.items():
            if milestone == m:
                mine = (instance.trade[offers] == k) & (instance.arrival_day[:, offers] >= arrival)
                taken = taken + exactly(price) * (instance.crew_days[offers] * mine)
        return taken

    def _slack(self) -> Floats:
        """Return what relaxing every row by a HAIR may take from the bound; S."""
        instance = self.instance
        total = np.zeros(instance.sites)
        for price, size in self._sizes():
            total = total + price * np.maximum(1.0, size)
        # what one offer can give, and what the grid and the site's own towers can give, are relaxed as rows of size 1
        link = np.abs(self.mean).sum(axis=1) + self.heat.sum(axis=1)
        return np.asarray(SLACK * (total + link * (instance.offers + 1)))

    def _sizes(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield each price with the size of its row; both broadcast to S."""
        instance = self.instance
        for one in self.priced:
            price = np.abs(np.broadcast_to(self.needs[one.name], (instance.sites, instance.milestones))) + self._spare(
                one.name
            )
            size = instance.size(one)
            for m in range(instance.milestones):
                yield price[:, m], size[:, m]
                yield price[:, m] * one.of_demand, np.asarray(instance.it_mw[m])
        for name, limit in self.limits.items():
            yield self._tight(name).sum(axis=1), np.where(np.isfinite(limit), limit, 0)
        for (k, m, arrival), each in self.crew.items():
            yield np.asarray(each), self._window(m, arrival) @ instance.crews[k]


def _product(instance: Instance, requirement: Requirement) -> Interval:
    """Return the part of a need that no choice changes; S x M."""
    total = exactly(np.full((instance.sites, instance.milestones), float(bool(requirement.need))))
    for name in requirement.need:
        total = total * getattr(instance, name)
    return total


def _less(cost: Interval, best: Interval) -> Interval:
    """Return ``cost - best``; if no unit can be there yet, the cost alone, which is no gain."""
    there = np.isfinite(best.low)
    return chosen(there, cost - chosen(there, best, 0.0), cost)


def _with_spare(rating: Floats, gain: list[Floats], price: Floats) -> Floats:
    """Return the least sum of the gains of all offers and the price of the largest unit used; S.

    This is the recursion of ``docs/model.md`` on the lower ends of the intervals: each sum is rounded down.
    """
    order = np.argsort(rating.mean(axis=0), kind="stable")
    level = np.minimum.accumulate(rating[:, order[::-1]], axis=1)[:, ::-1]
    rise = np.nextafter(np.diff(level, axis=1, prepend=0), -np.inf)
    since = np.array([np.nextafter(price[m:].sum() * (1 - 1e-12), 0) for m in range(len(price))])
    value = np.zeros((len(gain) + 1, len(rating)))
    for place, j in enumerate(order):
        value = np.minimum.accumulate(value, axis=0)
        for m in range(len(gain)):
            out = np.nextafter(rise[:, place] * since[m], -np.inf)
            value[m] = np.nextafter(value[m] + np.nextafter(gain[m][:, j] + out, -np.inf), -np.inf)
    return np.asarray(value.min(axis=0))
