"""Compute with arrays of intervals for the safe bounds.

Each operation rounds outwards, so the true values always lie between both ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from siteopt.instance import Floats, Ints

ROUNDING = float(np.finfo(float).eps)
"""Twice the largest relative error of one operation, which also covers the rounding of the error itself."""


def _down(values: Floats) -> Floats:
    return np.nextafter(values, -np.inf)


def _up(values: Floats) -> Floats:
    return np.nextafter(values, np.inf)


@dataclass(frozen=True, eq=False)
class Interval:
    """Values that lie between ``low`` and ``high``, element by element."""

    low: Floats
    high: Floats

    # make NumPy leave the operators to this class
    __array_ufunc__ = None

    def __add__(self, other: Interval | Floats | float) -> Interval:
        """Return the sums."""
        that = exactly(other)
        return Interval(_down(self.low + that.low), _up(self.high + that.high))

    def __radd__(self, other: Floats | float) -> Interval:
        """Return the sums."""
        return self + other

    def __neg__(self) -> Interval:
        """Return the values with the opposite sign."""
        return Interval(-self.high, -self.low)

    def __sub__(self, other: Interval | Floats | float) -> Interval:
        """Return the differences."""
        return self + -exactly(other)

    def __rsub__(self, other: Floats | float) -> Interval:
        """Return the differences."""
        return exactly(other) - self

    def __mul__(self, other: Interval | Floats | float) -> Interval:
        """Return the products."""
        that = exactly(other)
        products = [one * two for one in (self.low, self.high) for two in (that.low, that.high)]
        return Interval(_down(np.minimum.reduce(products)), _up(np.maximum.reduce(products)))

    def __rmul__(self, other: Floats | float) -> Interval:
        """Return the products."""
        return self * other

    def __truediv__(self, other: Floats | float) -> Interval:
        """Return the quotients by exact positive numbers."""
        return self * Interval(_down(1 / np.asarray(other)), _up(1 / np.asarray(other)))

    def __getitem__(self, place: Any) -> Interval:
        """Return the values at some places."""
        return Interval(self.low[place], self.high[place])

    def sum(self, axis: int = -1) -> Interval:
        """Return the sums along an axis.

        For n terms the assumed error is ``(n + 1) x ROUNDING`` of the sum of their sizes, at least the true one.
        """
        error = (self.low.shape[axis] + 1) * ROUNDING
        low, high = (part.sum(axis=axis) for part in (self.low, self.high))
        off = [error * np.abs(part).sum(axis=axis) for part in (self.low, self.high)]
        return Interval(_down(low - off[0]), _up(high + off[1]))

    def by(self, owner: Ints, size: int) -> Interval:
        """Return, for each of ``size`` owners, the sum of the values that belong to it."""
        error = (np.bincount(owner, minlength=size) + 1) * ROUNDING
        low, high = (np.bincount(owner, part, size) for part in (self.low, self.high))
        off = [error * np.bincount(owner, np.abs(part), size) for part in (self.low, self.high)]
        return Interval(_down(low - off[0]), _up(high + off[1]))


def exactly(values: Interval | Floats | float) -> Interval:
    """Return exact numbers as intervals whose ends are equal; return intervals as they are."""
    if isinstance(values, Interval):
        return values
    array = np.asarray(values, dtype=float)
    return Interval(array, array)


def larger(one: Interval | Floats | float, other: Interval | Floats | float) -> Interval:
    """Return the larger values, element by element."""
    this, that = exactly(one), exactly(other)
    return Interval(np.maximum(this.low, that.low), np.maximum(this.high, that.high))


def smaller(one: Interval | Floats | float, other: Interval | Floats | float) -> Interval:
    """Return the smaller values, element by element."""
    return -larger(-exactly(one), -exactly(other))


def chosen(flags: np.ndarray, one: Interval | Floats | float, other: Interval | Floats | float) -> Interval:
    """Return the values of ``one`` where the flags are set, and those of ``other`` elsewhere."""
    this, that = exactly(one), exactly(other)
    return Interval(np.where(flags, this.low, that.low), np.where(flags, this.high, that.high))
