"""Lower bounds of the keys of many sites: vectors that bound a key as a whole, in the order of the objective.

A key is compared entry by entry, so a bound of it says nothing of a later entry by itself: (32, 33) rules out (32, 32),
and leaves (33, 32) open. An entry counts only while every entry before it is settled at its own. Only this module
compares, raises and reads such bounds; ``docs/model.md``, *Bounds of a key*, proves each use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siteopt.instance import Floats, Ints
from siteopt.optimize.formulation import COST
from siteopt.plan import Key
from siteopt.tolerances import in_steps, most_of_step


class KeyBounds:
    """What is known of the key of every site.

    Axes: S sites, M milestones, G goals in the order of the objective.

    Attributes
    ----------
    order : tuple of int
        Goals: indices of milestones, COST among them.
    day : S x M, no plan starts a milestone before: each entry holds by itself
    cost_musd : S, no plan costs less: holds by itself
    key : S x G, no plan has a key before: holds as a whole; cost in millions of USD
    """

    def __init__(self, order: tuple[int, ...], sites: int) -> None:
        self.order = order
        self.day = np.zeros((sites, len(order) - 1), dtype=np.int32)
        self.cost_musd = np.full(sites, -np.inf)
        self.key = np.full((sites, len(order)), -np.inf)

    def start(self, sites: Ints, day: Ints, cost_musd: Floats) -> None:
        """Enter bounds that hold by themselves; together they bound the key as well."""
        self.day[sites], self.cost_musd[sites] = day, cost_musd
        self.key[sites] = self._least(sites)

    def _least(self, sites: Ints) -> Floats:
        """Return the bounds that hold by themselves, in the order of the objective; sites x G."""
        columns = [self.cost_musd[sites] if goal == COST else self.day[sites, goal] for goal in self.order]
        return np.stack(columns, axis=1).astype(float)

    def raise_to(self, sites: Ints, rows: Floats) -> None:
        """Raise the bounds of some sites to these where that is later: the later of two bounds of a key is one.

        Parameters
        ----------
        rows : sites x G, bounds of the key as a whole
        """
        later = is_before(self.key[sites], rows)
        raised, least = rows[later].copy(), self._least(sites[later])
        # the first entry below what holds by itself, and those after it, are what holds by itself
        short = np.maximum.accumulate(raised < least, axis=1)
        self.key[sites[later]] = np.where(short, least, raised)

    def raise_entry(self, sites: Ints, place: int, values: Floats) -> None:
        """Raise one entry, which holds where the entries before it are settled at their bounds.

        What was known of the entries after it held for the lower value, and falls back to what holds by itself.
        """
        rows = np.full((len(sites), len(self.order)), -np.inf)
        rows[:, :place], rows[:, place] = self.key[sites, :place], values
        self.raise_to(sites, rows)

    def entry(self, sites: Ints, settled: Floats) -> Floats:
        """Return the least value of the next goal, a day, where the goals before it are settled at these values.

        After cost, it is what holds by itself.

        Parameters
        ----------
        settled : sites x goals before it
        """
        place = settled.shape[1]
        goal = self.order[place]
        least = self.day[sites, goal].astype(float)
        for at, other in enumerate(self.order[:place]):
            if COST != other < goal:  # milestones follow each other
                least = np.maximum(least, settled[:, at])
        if COST in self.order[:place]:
            return least
        holds = (self.key[sites, :place] == settled).all(axis=1)
        return np.where(holds, np.maximum(self.key[sites, place], least), least)

    def latest(self, sites: Ints, horizon: int) -> Ints:
        """Return the days that the goals before cost are bounded by, and the horizon for the others; sites x M."""
        days = np.full((len(sites), len(self.order) - 1), horizon, dtype=np.int64)
        before = self.order[: self.order.index(COST)]
        days[:, before] = np.minimum(self.key[sites, : len(before)], np.iinfo(np.int32).max)
        return days

    def can_serve(self, sites: Ints, horizon: int) -> NDArray[np.bool_]:
        """Return whether the bounds leave each site days within the horizon."""
        before = self.order.index(COST)
        return np.asarray((self.day[sites] <= horizon).all(axis=1) & (self.key[sites, :before] <= horizon).all(axis=1))

    def compared(self, sites: Ints) -> Floats:
        """Return the bounds as the objective compares keys, cost in steps and one step to the good for rounding."""
        rows = self.key[sites]
        place = self.order.index(COST)
        rows[:, place] = in_steps(rows[:, place]) - 1
        return rows


def is_before(rows: Floats, others: Floats) -> NDArray[np.bool_]:
    """Return whether each row comes before the other in the order of keys: at the first entry in which they differ."""
    differ = rows != others
    place = differ.argmax(axis=1)
    at = np.arange(len(rows))
    return np.asarray(differ.any(axis=1) & (rows[at, place] < others[at, place]))


def key_row(key: Key, order: tuple[int, ...]) -> Floats:
    """Return a key with its cost in millions of USD, such that no cost that counts as its step lies below; 1 x G."""
    row = np.array([key])
    place = order.index(COST)
    row[0, place] = most_of_step(row[0, place] - 1)
    return row
