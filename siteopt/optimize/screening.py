"""Screen a pool for the search: bound every site, in chunks and with several threads, to find those that can rank."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from siteopt.instance import Floats, Instance, Ints, Pool
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

TRIED = 256
"""Number of sites on which the order of the prices is tried out."""

Item = TypeVar("Item")
Found = TypeVar("Found")
Rank = tuple[Key, int]
"""Key of the objective and index of the site; the index breaks ties between equal keys."""


class Screening:
    """Bounds of every site of a pool.

    Attributes
    ----------
    head : Instance
        Instance without sites, with the data that all sites share.
    bounds : KeyBounds
    limiting : S x M, limit that sets the bound of each milestone (see :class:`Bounds`)
    open : S, bool, neither solved nor known to be unable to serve
    prices : list of Prices that bound the keys
    """

    def __init__(self, pool: Pool, clock: Clock, threads: ThreadPoolExecutor) -> None:
        self._pool, self._clock, self._threads = pool, clock, threads
        self.head = pool.exact(np.zeros(0, dtype=np.int64))
        size = len(pool.site_id)
        self.bounds = KeyBounds(self.head.order, size)
        self.limiting = np.zeros((size, self.head.milestones), dtype=np.int8)
        self.open = np.ones(size, dtype=bool)
        self.prices: list[Prices] = []
        self._seen = np.zeros(size, dtype=np.int16)
        self._before_cost = self.head.order[: self.head.order.index(COST)]

    def each(self, work: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
        """Apply a function to every item with all threads, and return the results in the order of the items.

        Raises
        ------
        OutOfTime
            If the time is up before every item has begun.
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
            self.limiting[sites] = found.limiting
            self._close_late(sites)

        self.each(one, chunks(np.arange(len(self.open))))

    def reopen(self, pool: Pool, done: Collection[int]) -> None:
        """Open every site but those that are done, in a pool in which some sites are worse than before.

        All bounds still hold. A site that was worse than the incumbent cutoff has to beat a later cutoff now.
        """
        self._pool = pool
        self.open[:] = True
        self.open[list(done)] = False
        self._close_late(np.arange(len(self.open)))

    def _close_late(self, sites: Ints) -> None:
        self.open[sites] &= self.bounds.can_serve(sites, self.head.horizon_day)

    def price(self, sites: Ints, cutoff: Rank | None) -> None:
        """Bound these sites by the prices not yet used for them, until they are worse than the incumbent cutoff."""
        for first in sorted(set(self._seen[sites].tolist()) - {len(self.prices)}):
            behind = np.sort(sites[self._seen[sites] == first])
            prices = self._in_order(self.prices[first:], behind, cutoff)
            self._seen[behind] = len(self.prices)
            for some in filter(
                None, (prices[:1], prices[1:])
            ):  # the first closes most sites, so chunks are filled again
                self.each(lambda chunk, some=some: self._price(chunk, some, cutoff), chunks(behind))  # type: ignore[misc]
                behind = behind[self.open[behind] & self._is_below(behind, cutoff)]

    def _in_order(self, prices: list[Prices], sites: Ints, cutoff: Rank | None) -> list[Prices]:
        """Return prices in the order in which each closes the most of some sites that are still open; a guess."""
        if cutoff is None or len(sites) <= CHUNK:
            return prices
        some = sites[np.linspace(0, len(sites) - 1, TRIED).astype(np.int64)]
        instance, days = self._pool.optimistic(some), self.cost_days(some)
        most = key_row(cutoff[0], self.head.order)[0, self.head.order.index(COST)]
        closes = [priced(instance, days, one) > (most if one.cost else NO_PLAN) for one in prices]
        still_open, left, order = np.ones(len(some), dtype=bool), list(range(len(prices))), list[Prices]()
        while left:
            best = max(left, key=lambda place: int((closes[place] & still_open).sum()))
            still_open &= ~closes[best]
            left.remove(best)
            order.append(prices[best])
        return order

    def is_priced(self, sites: Ints) -> bool:
        """Return whether all prices have been used to bound these sites."""
        return bool((self._seen[sites] == len(self.prices)).all())

    def _price(self, sites: Ints, in_order: list[Prices], cutoff: Rank | None) -> None:
        instance = self._pool.optimistic(sites)
        for prices in in_order:
            if prices.cost:
                self._raise_cost(instance, sites, prices)
            else:
                self._raise_days(instance, sites, prices)
            keep = self.open[sites] & self._is_below(sites, cutoff)
            if not keep.any():
                return
            if keep.sum() < len(sites) / 2:
                instance, sites = instance.take(np.flatnonzero(keep)), sites[keep]

    def cost_days(self, sites: Ints) -> Ints:
        """Return the days for which cost is bounded; sites x M.

        Milestones before cost in the objective get the bound of their day; the others get the latest possible day.
        """
        return followed(self.bounds.latest(sites, self.head.horizon_day))

    def _raise_cost(self, instance: Instance, sites: Ints, prices: Prices) -> None:
        """Bound the cost on the days of the key's bound; a plan with later days has a later key anyway."""
        self.bounds.raise_entry(sites, len(self._before_cost), priced(instance, self.cost_days(sites), prices))

    def _raise_days(self, instance: Instance, sites: Ints, prices: Prices) -> None:
        """If the prices show that the days of the key's bound allow no plan, find later days by bisection."""
        horizon = self.head.horizon_day
        trial = np.full((len(sites), self.head.milestones), horizon)
        rows = np.full((len(sites), len(self.head.order)), -np.inf)
        for place, goal in enumerate(self._before_cost):

            def lacking(day: Ints, goal: int = goal) -> np.ndarray:
                trial[:, goal] = day
                return priced(instance, followed(trial), prices) > NO_PLAN

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

    def raise_to(self, sites: Ints, key: Key, dearer_musd: Floats | float = 0.0) -> None:
        """Raise the bounds of sites that are no better than this key.

        Parameters
        ----------
        dearer_musd : by how much more than the cost in the key each site costs at least
        """
        rows = np.repeat(key_row(key, self.head.order), len(sites), axis=0)
        rows[:, self.head.order.index(COST)] += dearer_musd
        self.bounds.raise_to(sites, rows)

    def _is_below(self, sites: Ints, cutoff: Rank | None) -> np.ndarray:
        """Return for each site whether its bounds allow it to beat the incumbent cutoff, or to be that incumbent."""
        if cutoff is None:
            return np.ones(len(sites), dtype=bool)
        rows, key = self.bounds.compared(sites), np.broadcast_to(cutoff[0], (len(sites), len(cutoff[0])))
        tied = (rows == key).all(axis=1)
        return np.asarray(is_before(rows, key) | (tied & (sites <= cutoff[1])))

    def open_sites(self, cutoff: Rank | None, among: Ints | None = None, least: int = 1) -> Ints:
        """Return the open sites that may beat the incumbent cutoff, best bound first.

        Without a cutoff, return the sites with the earliest bounds of days: at least ``least`` of them if possible.
        """
        sites = np.flatnonzero(self.open) if among is None else among[self.open[among]]
        sites = sites[self._is_below(sites, cutoff)]
        if cutoff is None:
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
