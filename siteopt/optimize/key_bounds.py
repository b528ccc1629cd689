"""Keep lower bounds of the keys of many sites: vectors that bound a key as a whole, in the order of the objective.

Keys are compared entry by entry, so a bound of a key says nothing about a later entry alone: (32, 33) rules out
(32, 32) but not (33, 32). An entry of a bound counts only while every earlier entry is fixed at the value of the bound.
Only this module compares, raises and reads such bounds; ``docs/model.md``, *Bounds of a key*, proves each use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siteopt.instance import Floats, Ints
from siteopt.optimize.formulation import COST
from siteopt.plan import Key
from siteopt.tolerances import in_steps, most_of_step


class KeyBounds:
    """Lower bounds of the key of every site.

    Axes: S sites, M milestones, G goals in the order of the objective.

    Attributes
    ----------
    order : tuple of int
        Goals: indices of milestones, COST among them.
    day : S x M, no plan starts the milestone before this day; each entry holds independently
    cost_musd : S, million USD, no plan costs less; holds independently
    key : S x G, no plan has a key that comes before this one; holds only as a whole; cost in million USD
    """

    def __init__(self, order: tuple[int, ...], sites: int) -> None:
        self.order = order
        self.day = np.zeros((sites, len(order) - 1), dtype=np.int32)
        self.cost_musd = np.full(sites, -np.inf)
        self.key = np.full((sites, len(order)), -np.inf)

    def start(self, sites: Ints, day: Ints, cost_musd: Floats) -> None:
        """Set the independent bounds of days and cost; together they bound the key as well."""
        self.day[sites], self.cost_musd[sites] = day, cost_musd
        self.key[sites] = self._least(sites)

    def _least(self, sites: Ints) -> Floats:
        """Return the independent bounds in the order of the objective; sites x G."""
        columns = [self.cost_musd[sites] if goal == COST else self.day[sites, goal] for goal in self.order]
        return np.stack(columns, axis=1).astype(float)

    def raise_to(self, sites: Ints, rows: Floats) -> None:
        """Raise the bounds of some sites to these rows where the rows come later.

        The later of two bounds of a key is a bound, too. If an entry of a row is below its independent bound, that
        entry and all after it become the independent bounds.

        Parameters
        ----------
        rows : sites x G, bounds of the key as a whole
        """
        later = is_before(self.key[sites], rows)
        raised, least = rows[later].copy(), self._least(sites[later])
        # the first entry that is too low, and all after it, become the independent bounds
        short = np.maximum.accumulate(raised < least, axis=1)
        self.key[sites[later]] = np.where(short, least, raised)

    def raise_entry(self, sites: Ints, place: int, values: Floats) -> None:
        """Raise one entry of the key to values that hold if the earlier entries are fixed at their bounds.

        The bounds of the later entries held for the lower value, so they fall back to the independent bounds.
        """
        rows = np.full((len(sites), len(self.order)), -np.inf)
        rows[:, :place], rows[:, place] = self.key[sites, :place], values
        self.raise_to(sites, rows)

    def entry(self, sites: Ints, settled: Floats) -> Floats:
        """Return the least day of the next goal for each site, if the earlier goals are fixed at these values.

        If cost is one of the earlier goals, the key gives no bound. The day is then the independent bound, or the fixed
        day of an earlier milestone if that is later.

        Parameters
        ----------
        settled : sites x number of earlier goals
        """
        place = settled.shape[1]
        goal = self.order[place]
        least = self.day[sites, goal].astype(float)
        for at, other in enumerate(self.order[:place]):
            if COST != other < goal:  # milestones start in order
                least = np.maximum(least, settled[:, at])
        if COST in self.order[:place]:
            return least
        holds = (self.key[sites, :place] == settled).all(axis=1)
        return np.where(holds, np.maximum(self.key[sites, place], least), least)

    def latest(self, sites: Ints, horizon: int) -> Ints:
        """Return the bounds of the days before cost in the objective, the horizon for other milestones; sites x M."""
        days = np.full((len(sites), len(self.order) - 1), horizon, dtype=np.int64)
        before = self.order[: self.order.index(COST)]
        days[:, before] = np.minimum(self.key[sites, : len(before)], np.iinfo(np.int32).max)
        return days

    def can_serve(self, sites: Ints, horizon: int) -> NDArray[np.bool_]:
        """Return for each site whether its bounds leave it days within the horizon."""
        before = self.order.index(COST)
        return np.asarray((self.day[sites] <= horizon).all(axis=1) & (self.key[sites, :before] <= horizon).all(axis=1))

    def compared(self, sites: Ints) -> Floats:
        """Return the bounds as the objective compares keys; sites x G.

        Cost is counted in steps, and one step is taken off to allow for rounding.
        """
        rows = self.key[sites]
        place = self.order.index(COST)
        rows[:, place] = in_steps(rows[:, place]) - 1
        return rows


def is_before(rows: Floats, others: Floats) -> NDArray[np.bool_]:
    """Return whether each row comes before the other in the order of keys: the first entry that differs decides."""
    differ = rows != others
    place = differ.argmax(axis=1)
    at = np.arange(len(rows))
    return np.asarray(differ.any(axis=1) & (rows[at, place] < others[at, place]))


def key_row(key: Key, order: tuple[int, ...]) -> Floats:
    """Return a key as a row with its cost in million USD; 1 x G.

    The cost is at most the lowest one that counts as the step of the key.
    """
    row = np.array([key])
    place = order.index(COST)
    row[0, place] = most_of_step(row[0, place] - 1)
    return row
