"""Compute safe lower bounds of a linear program from any duals; they hold whatever the solver did.

The method is that of Neumaier and Shcherbina, *Safe bounds in linear and mixed-integer linear programming*,
Mathematical Programming 99 (2004), https://doi.org/10.1007/s10107-003-0433-3. Every variable of a model is bounded, so
an inexact or wrong dual makes the bound weaker but never false. Rounding counts against the bound: each sum is lowered
by the largest error that floating point may have added.
"""

from __future__ import annotations

import numpy as np

from siteopt.instance import Floats
from siteopt.optimize.intervals import ROUNDING
from siteopt.optimize.program import Program
from siteopt.tolerances import HAIR

TINY = 1e-290
"""More than underflow can change a sum."""

SLACK = HAIR * 1.001
"""Share of its size by which each row is relaxed: a HAIR, plus the rounding of the row's coefficients."""


def lower_bound(program: Program, price: Floats, lower: Floats, upper: Floats, weight: float = 1.0) -> float:
    """Return a lower bound of ``weight * (cost @ x + constant)`` between these bounds of x.

    The bound holds for every point that keeps the rows within a HAIR, whole or not. With ``y`` the price,
    ``c @ x = y @ A x + (c - A' y) @ x``. The first term is at least ``y`` times the binding side of each row: the low
    side if ``y > 0``, else the high side. The second term is at least the sum of its parts, each at its better bound.
    With weight 0, a result above 0 shows that there is no such point (Farkas).

    Parameters
    ----------
    price : R
        Any numbers are valid. Good ones are the duals of the linear relaxation, or a ray if it is infeasible.
    lower, upper : N, finite
    """
    return _priced(program, price, lower, upper, weight)[0]


def narrowed(
    program: Program, price: Floats, lower: Floats, upper: Floats, limit: float
) -> tuple[float, Floats, Floats]:
    """Return the lower bound of the cost, and narrower bounds of the whole variables.

    Every integer point that costs less than ``limit`` lies within the narrower bounds: a variable that moves by ``d``
    from its better bound adds ``d`` times the size of its reduced cost.
    """
    bound, low, high = _priced(program, price, lower, upper, 1.0)
    room = (limit - bound) * (1 + ROUNDING)
    if not 0 < room < np.inf:
        return bound, lower, upper
    with np.errstate(divide="ignore", over="ignore"):
        steps = np.floor(room / np.maximum(np.abs(np.where(low > 0, low, high)), TINY) * (1 + 1e-9) + 1e-9)
    most = np.where(program.whole & (low > 0), lower + steps, np.inf)
    least = np.where(program.whole & (high < 0), upper - steps, -np.inf)
    return bound, np.maximum(lower, least), np.minimum(upper, most)


def is_empty(program: Program, price: Floats | None, lower: Floats, upper: Floats) -> bool:
    """Return whether a ray or a single row shows that no point between these bounds satisfies the rows.

    Parameters
    ----------
    price : R or None
        A ray, if there is one.
    """
    if price is not None and lower_bound(program, price, lower, upper, weight=0.0) > 0:
        return True
    least, most = reach(program, lower, upper)
    beyond = np.maximum(program.low - most, least - program.high)
    worst = int(np.argmax(beyond)) if len(beyond) else 0
    if not len(beyond) or beyond[worst] <= 0:
        return False
    alone = np.zeros(len(beyond))
    alone[worst] = 1.0 if program.low[worst] > most[worst] else -1.0
    return lower_bound(program, alone, lower, upper, weight=0.0) > 0


def reach(program: Program, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most that each row comes to between these bounds of x, rounding aside; R each."""
    ends = np.stack([program.value * lower[program.column], program.value * upper[program.column]])
    least, most = (
        np.bincount(program.row, part, len(program.rows)).astype(float) for part in (ends.min(axis=0), ends.max(axis=0))
    )
    return least, most


def _priced(
    program: Program, price: Floats, lower: Floats, upper: Floats, weight: float
) -> tuple[float, Floats, Floats]:
    """Return the bound, and the lower and upper end of each reduced cost, including rounding."""
    pressed = np.where(price > 0, program.low - SLACK * program.size, program.high + SLACK * program.size)
    price = np.where(np.isfinite(pressed), price, 0.0)
    rows = price * np.where(np.isfinite(pressed), pressed, 0.0)
    parts = program.value * price[program.row]
    cost = weight * program.cost
    size = len(program.columns)
    reduced = cost - np.bincount(program.column, parts, minlength=size)
    count = np.bincount(program.column, minlength=size) + 4
    error = count * ROUNDING * (np.bincount(program.column, np.abs(parts), minlength=size) + np.abs(cost)) + TINY
    low, high = reduced - error, reduced + error
    products = np.stack([low * lower, low * upper, high * lower, high * upper])
    terms = np.concatenate([products.min(axis=0), rows, [weight * program.constant]])
    bound = float(terms.sum() - (len(terms) + 8) * ROUNDING * np.abs(terms).sum() - TINY)
    return bound, low, high
