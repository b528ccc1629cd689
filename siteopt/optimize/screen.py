"""Bounds of all sites of a pool, by chunks and by several workers: which sites may still be among the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from siteopt.instance import Floats, Instance, Ints, Pool
from siteopt.optimize.bounds import bounds
from siteopt.optimize.formulation import COST
from siteopt.optimize.pricing import Prices, priced
from siteopt.optimize.single import NO_PLAN, Clock, OutOfTime, followed
from siteopt.plan import SAME_COST_MUSD, Key

CHUNK = 2048
"""Sites whose arrays a worker holds at once."""

Item = TypeVar("Item")
Found = TypeVar("Found")
Rank = tuple[Key, int]
"""A key of the objective, and the index of its site, which decides between equal keys."""


class Screen:
    """What the bounds say of every site.

    Attributes
    ----------
    head : Instance
        Of no site: what is the same for all of them.
    day : S x M, no milestone can start before
    holder : S x M, what sets that day (see :class:`Bounds`)
    likely : S x M, no plan of the site comes before these days in the order of the objective
    cost_musd : S, lower bound of the cost on the likely days
    open : S, bool, neither solved nor known to be unable to serve
    prices : list of Prices, that the bounds of cost come from
    """

    def __init__(self, pool: Pool, clock: Clock, threads: ThreadPoolExecutor) -> None:
        self._pool, self._clock, self._threads = pool, clock, threads
        self.head = pool.exact(np.zeros(0, dtype=np.int64))
        size = len(pool.site_id)
        shape = (size, self.head.milestones)
        self.day, self.holder = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int8)
        self.cost_musd = np.full(size, -np.inf)
        self.open = np.ones(size, dtype=bool)
        self.prices: list[Prices] = []
        self._seen = np.zeros(size, dtype=np.int16)
        self.likely = self.day.copy()
        order = self.head.order
        self._before_cost, self._after_cost = (
            list(part) for part in (order[: order.index(COST)], order[order.index(COST) + 1 :])
        )

    def each(self, work: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
        """Work on every item, by all workers, in the order of the items.

        Raises
        ------
        OutOfTime
        """

        def in_time(item: Item) -> Found:
            if self._clock.is_over:
                raise OutOfTime
            return work(item)

        return list(self._threads.map(in_time, items))

    def bound(self) -> None:
        """Bounds of all sites."""

        def one(sites: Ints) -> None:
            found = bounds(self._pool.optimistic(sites))
            self.day[sites], self.holder[sites], self.cost_musd[sites] = found.day, found.holder, found.cost_musd

        self.each(one, chunks(np.arange(len(self.day))))
        self.likely = self.day.copy()
        self.open = np.asarray((self.day <= self.head.horizon_day).all(axis=1))

    def price(self, sites: Ints, ceiling: Rank | None) -> None:
        """Bounds of these sites by all prices that they have not seen, until they are worse than the ceiling."""
        for first in sorted(set(self._seen[sites].tolist()) - {len(self.prices)}):
            behind = np.sort(sites[self._seen[sites] == first])
            self.each(lambda chunk, first=first: self._price(chunk, first, ceiling), chunks(behind))  # type: ignore[misc]

    def is_priced(self, sites: Ints) -> bool:
        """Whether these sites have seen all prices."""
        return bool((self._seen[sites] == len(self.prices)).all())

    def _price(self, sites: Ints, first: int, ceiling: Rank | None) -> None:
        case = self._pool.optimistic(sites)
        self._seen[sites] = len(self.prices)
        for prices in self.prices[first:]:
            if prices.cost:
                found = priced(case, self.cost_days(self.likely[sites].astype(np.int64)), prices)
                self.cost_musd[sites] = np.maximum(self.cost_musd[sites], found)
            else:
                self._lift(case, sites, prices)
            keep = self.open[sites] & self._is_below(sites, ceiling)
            if not keep.any():
                return
            if keep.sum() < len(sites) / 2:
                case, sites = case.take(np.flatnonzero(keep)), sites[keep]

    def cost_days(self, likely: Ints) -> Ints:
        """The days that a bound on cost is for: milestones after cost in the objective as late as may be."""
        days = likely.copy()
        days[:, self._after_cost] = self.head.horizon_day
        return followed(days)

    def _lift(self, case: Instance, sites: Ints, prices: Prices) -> None:
        """Later days where the prices show that there is no plan on the likely ones, by bisection."""
        horizon = self.head.horizon_day
        likely = self.likely[sites].astype(np.int64)
        trial = np.full(likely.shape, horizon)
        for goal in self._before_cost:

            def lacking(day: Ints, trial: Ints = trial, goal: int = goal) -> np.ndarray:
                trial[:, goal] = day
                return priced(case, followed(trial), prices) > NO_PLAN

            low = likely[:, goal].copy()
            short = lacking(low)
            high = np.where(short, horizon + 1, low)
            while (low < high).any():
                middle = (low + high) // 2
                short = lacking(middle) & (low < high)
                low, high = np.where(short, middle + 1, low), np.where(short, high, np.minimum(high, middle))
            trial[:, goal] = likely[:, goal] = low
            likely = np.maximum.accumulate(likely, axis=1)
        self.likely[sites] = likely
        self.open[sites] &= (likely <= horizon).all(axis=1)

    def raise_to(self, site: int, key: Key) -> None:
        """Bounds of a site that was found to be no better than this key."""
        for goal, value in zip(self.head.order, key, strict=True):
            if goal == COST:
                self.cost_musd[site] = value * SAME_COST_MUSD
            else:
                self.likely[site, goal] = int(value)

    def _keys(self, sites: Ints) -> Floats:
        """Bounds of the sites as keys of the objective; sites x goals."""
        cost = np.round(self.cost_musd[sites] / SAME_COST_MUSD) - 1
        columns = [cost if goal == COST else self.likely[sites, goal] for goal in self.head.order]
        return np.stack(columns, axis=1).astype(float)

    def _is_below(self, sites: Ints, ceiling: Rank | None) -> np.ndarray:
        """Whether the bounds of the sites leave them better than the ceiling."""
        if ceiling is None:
            return np.ones(len(sites), dtype=bool)
        key, last = ceiling
        before, tied = np.zeros(len(sites), dtype=bool), np.ones(len(sites), dtype=bool)
        for column, value in zip(self._keys(sites).T, key, strict=True):
            before |= tied & (column < value)
            tied &= column == value
        return np.asarray(before | (tied & (sites <= last)))

    def rivals(self, ceiling: Rank | None, among: Ints | None = None, least: int = 1) -> Ints:
        """Open sites that may be better than the ceiling, best bound first.

        Without a ceiling, those with the first likely days: at least ``least``, where there are so many.
        """
        sites = np.flatnonzero(self.open) if among is None else among[self.open[among]]
        sites = sites[self._is_below(sites, ceiling)]
        if ceiling is None:
            for goal in self._before_cost:
                if len(sites) > least:
                    days = self.likely[sites, goal]
                    sites = sites[days <= np.partition(days, least - 1)[least - 1]]
        return self.by_bound(sites)

    def by_bound(self, sites: Ints) -> Ints:
        """The sites in the order of their bounds."""
        return sites[np.lexsort((sites, *self._keys(sites).T[::-1]))]


def chunks(sites: Ints) -> list[Ints]:
    """The sites in parts of CHUNK."""
    return [sites[first : first + CHUNK] for first in range(0, len(sites), CHUNK)]
