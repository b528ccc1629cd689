"""Narrow the bounds of variables by one row at a time, in a way that rounding cannot make false."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from siteopt.instance import Floats
from siteopt.optimize.intervals import ROUNDING
from siteopt.optimize.program import Program
from siteopt.optimize.safe import SLACK, TINY, reach

ROUNDS = 4
"""Most passes over all rows."""


class Propagation:
    """The rows of a program, ready to narrow bounds of its variables many times."""

    def __init__(self, program: Program) -> None:
        """Put the entries of all rows in the order of their columns, without those that no row bounds."""
        bounded = np.flatnonzero((np.isfinite(program.low) | np.isfinite(program.high))[program.row])
        entries = bounded[np.argsort(program.column[bounded], kind="stable")]
        self.rows, self.row, self.column = len(program.rows), program.row[entries], program.column[entries]
        self.value = program.value[entries]
        self.is_up = self.value > 0
        self.named, self.first = np.unique(self.column, return_index=True)
        self.whole = program.whole
        self.high, self.low = program.high + SLACK * program.size, program.low - SLACK * program.size
        self.rounding = ROUNDING * (np.bincount(self.row, minlength=self.rows) + 8)

    def narrowed(self, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """Return narrower bounds of the whole variables; where a lower one is above an upper one, there is no point.

        Every point between the given bounds whose whole variables are whole, and that keeps the rows within a HAIR,
        lies between the narrower ones: an entry of a row is at most what the row leaves if all others are least.
        Other variables are narrowed on the way, and keep their bounds.

        Parameters
        ----------
        lower, upper : N, finite
        """
        least, most = lower.copy(), upper.copy()
        for _ in range(ROUNDS):
            low, high = self._pass(least, most)
            is_same = (low <= least[self.named]).all() and (high >= most[self.named]).all()
            if is_same:
                break
            least[self.named] = np.maximum(least[self.named], low)
            most[self.named] = np.minimum(most[self.named], high)
            if (least > most).any():
                return least, most
        return np.where(self.whole, least, lower), np.where(self.whole, most, upper)

    def _pass(self, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """Return what the rows leave for each named variable: its lowest and its highest value."""
        one, other = self.value * lower[self.column], self.value * upper[self.column]
        least, most = np.minimum(one, other), np.maximum(one, other)
        errors = np.bincount(self.row, np.maximum(np.abs(least), np.abs(most)), self.rows) * self.rounding + TINY
        above = (self.high + errors - np.bincount(self.row, least, self.rows))[self.row] + least
        below = (self.low - errors - np.bincount(self.row, most, self.rows))[self.row] + most
        above, below = above / self.value, below / self.value
        above, below = np.where(self.is_up, above, below), np.where(self.is_up, below, above)
        high = np.minimum.reduceat(above + 4 * ROUNDING * np.abs(above) + TINY, self.first)
        low = np.maximum.reduceat(below - 4 * ROUNDING * np.abs(below) - TINY, self.first)
        whole = self.whole[self.named]
        return np.where(whole, np.ceil(low), low), np.where(whole, np.floor(high), high)


def tightened(program: Program) -> Program | None:
    """Return a program with narrower bounds and without the rows that these bounds keep; None if it has no point.

    Both have the same points. HiGHS then solves smaller linear programs; its own presolve stays off.
    """
    lower, upper = Propagation(program).narrowed(program.lower, program.upper)
    if (lower > upper).any():
        return None
    least, most = reach(program, lower, upper)
    binds = (least < program.low) | (most > program.high)
    entries = binds[program.row]
    return replace(
        program,
        rows=tuple(name for name, kept in zip(program.rows, binds, strict=True) if kept),
        lower=lower,
        upper=upper,
        first=np.concatenate([[0], np.cumsum(np.diff(program.first)[binds])]),
        column=program.column[entries],
        value=program.value[entries],
        low=program.low[binds],
        high=program.high[binds],
        size=program.size[binds],
    )
