"""Screen a pool: bound every site, in chunks and with several threads, and find the sites that may still rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from siteopt.instance import Instance, Ints, Pool
from siteopt.optimize.bounds import bounds
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.fixed_days import followed
from siteopt.optimize.formulation import COST
from siteopt.optimize.key_bounds import KeyBounds, is_before, key_row
from siteopt.optimize.pricing import Prices, priced
from siteopt.optimize.single import NO_PLAN
from siteopt.plan import Key

CHUNK = 2048
"""Number of sites whose arrays a thread holds at once."""

Item = TypeVar("Item")
Found = TypeVar("Found")
Rank = tuple[Key, int]
"""A key of the objective, and the index of its site, which decides between equal keys."""


class Screen:
    """Bounds of every site of a pool.

    Attributes
    ----------
    head : Instance
        Instance of no site: it holds what is the same for all sites.
    bounds : KeyBounds
    holder : S x M, what sets the day that bounds a milestone by itself (see :class:`Bounds`)
    open : S, bool, neither solved nor known to be unable to serve
    prices : list of Prices, from which the bounds of keys come
    """

    def __init__(self, pool: Pool, clock: Clock, threads: ThreadPoolExecutor) -> None:
        self._pool, self._clock, self._threads = pool, clock, threads
        self.head = pool.exact(np.zeros(0, dtype=np.int64))
        size = len(pool.site_id)
        self.bounds = KeyBounds(self.head.order, size)
        self.holder = np.zeros((size, self.head.milestones), dtype=np.int8)
        self.open = np.ones(size, dtype=bool)
        self.prices: list[Prices] = []
        self._seen = np.zeros(size, dtype=np.int16)
        self._before_cost = self.head.order[: self.head.order.index(COST)]

    def each(self, work: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
        """Work on every item with all threads, and return the results in the order of the items.

        Raises
        ------
        OutOfTime
            If the time is up before work on an item begins.
        """

        def in_time(item: Item) -> Found:
            if self._clock.is_over:
                raise OutOfTime
            return work(item)

        return list(self._threads.map(in_time, items))

    def bound(self) -> None:
        """Bound all sites by arithmetic."""

        def one(sites: Ints) -> None:
            found = bounds(self._pool.optimistic(sites))
            self.bounds.start(sites, found.day, found.cost_musd)
            self.holder[sites] = found.holder
            self._close_late(sites)

        self.each(one, chunks(np.arange(len(self.open))))

    def _close_late(self, sites: Ints) -> None:
        self.open[sites] &= self.bounds.can_serve(sites, self.head.horizon_day)

    def price(self, sites: Ints, ceiling: Rank | None) -> None:
        """Bound these sites by all prices not yet used for them, until they are worse than the ceiling."""
        for first in sorted(set(self._seen[sites].tolist()) - {len(self.prices)}):
            behind = np.sort(sites[self._seen[sites] == first])
            self.each(lambda chunk, first=first: self._price(chunk, first, ceiling), chunks(behind))  # type: ignore[misc]

    def is_priced(self, sites: Ints) -> bool:
        """Return whether all prices have been used to bound these sites."""
        return bool((self._seen[sites] == len(self.prices)).all())

    def _price(self, sites: Ints, first: int, ceiling: Rank | None) -> None:
        case = self._pool.optimistic(sites)
        self._seen[sites] = len(self.prices)
        for prices in self.prices[first:]:
            if prices.cost:
                self._raise_cost(case, sites, prices)
            else:
                self._raise_days(case, sites, prices)
            keep = self.open[sites] & self._is_below(sites, ceiling)
            if not keep.any():
                return
            if keep.sum() < len(sites) / 2:
                case, sites = case.take(np.flatnonzero(keep)), sites[keep]

    def cost_days(self, sites: Ints) -> Ints:
        """Return the days for which cost is bounded; sites x M.

        They are the bounds of the days that come before cost in the objective; the other milestones are as late as
        possible.
        """
        return followed(self.bounds.latest(sites, self.head.horizon_day))

    def _raise_cost(self, case: Instance, sites: Ints, prices: Prices) -> None:
        """Bound the cost on the days of the key's bound; a plan on later days has a later key."""
        self.bounds.raise_entry(sites, len(self._before_cost), priced(case, self.cost_days(sites), prices))

    def _raise_days(self, case: Instance, sites: Ints, prices: Prices) -> None:
        """Find later days by bisection, if the prices show that there is no plan on the days of the key's bound."""
        horizon = self.head.horizon_day
        trial = np.full((len(sites), self.head.milestones), horizon)
        rows = np.full((len(sites), len(self.head.order)), -np.inf)
        for place, goal in enumerate(self._before_cost):

            def lacking(day: Ints, goal: int = goal) -> np.ndarray:
                trial[:, goal] = day
                return priced(case, followed(trial), prices) > NO_PLAN

            low = np.minimum(self.bounds.entry(sites, rows[:, :place]), horizon + 1).astype(np.int64)
            short = lacking(low)
            high = np.where(short, horizon + 1, low)
            while (low < high).any():
                middle = (low + high) // 2
                short = lacking(middle) & (low < high)
                low, high = np.where(short, middle + 1, low), np.where(short, high, np.minimum(high, middle))
            trial[:, goal] = rows[:, place] = low
        self.bounds.raise_to(sites, rows)
        self._close_late(sites)

    def raise_to(self, site: int, key: Key) -> None:
        """Raise the bound of a site that was found to be no better than this key."""
        self.bounds.raise_to(np.array([site]), key_row(key, self.head.order))

    def _is_below(self, sites: Ints, ceiling: Rank | None) -> np.ndarray:
        """Return for each site whether its bounds allow it to be better than the ceiling, or to be the ceiling."""
        if ceiling is None:
            return np.ones(len(sites), dtype=bool)
        rows, key = self.bounds.compared(sites), np.broadcast_to(ceiling[0], (len(sites), len(ceiling[0])))
        tied = (rows == key).all(axis=1)
        return np.asarray(is_before(rows, key) | (tied & (sites <= ceiling[1])))

    def rivals(self, ceiling: Rank | None, among: Ints | None = None, least: int = 1) -> Ints:
        """Return the open sites that may be better than the ceiling, best bound first.

        Without a ceiling, return those with the first bounds of days: at least ``least``, if there are so many.
        """
        sites = np.flatnonzero(self.open) if among is None else among[self.open[among]]
        sites = sites[self._is_below(sites, ceiling)]
        if ceiling is None:
            for place in range(len(self._before_cost)):
                if len(sites) > least:
                    days = self.bounds.key[sites, place]
                    sites = sites[days <= np.partition(days, least - 1)[least - 1]]
        return self.by_bound(sites)

    def by_bound(self, sites: Ints) -> Ints:
        """Return the sites in the order of their bounds."""
        return sites[np.lexsort((sites, *self.bounds.compared(sites).T[::-1]))]


def chunks(sites: Ints) -> list[Ints]:
    """Return the sites in parts of at most CHUNK."""
    return [sites[first : first + CHUNK] for first in range(0, len(sites), CHUNK)]
