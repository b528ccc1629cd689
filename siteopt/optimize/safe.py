"""Bounds that hold whatever a solver did: rigorous lower bounds of a linear program from any duals.

After Neumaier and Shcherbina, *Safe bounds in linear and mixed-integer linear programming*, Mathematical Programming 99
(2004), https://doi.org/10.1007/s10107-003-0433-3. Every variable of a model is bounded, so a dual that is off, or wrong
altogether, makes the bound worse and never false. Rounding is counted against the bound: each sum is lowered by what
floating point may have added to it.
"""

from __future__ import annotations

import numpy as np

from siteopt.instance import Floats
from siteopt.optimize.intervals import ROUNDING
from siteopt.optimize.program import Program
from siteopt.tolerances import HAIR

TINY = 1e-290
"""More than what underflow may take from a sum."""

SLACK = HAIR * 1.001
"""By how much rows are relaxed, as a share of their size: a hair, and the rounding of their coefficients."""


def lower_bound(program: Program, price: Floats, lower: Floats, upper: Floats, weight: float = 1.0) -> float:
    """Return a number that ``weight * (cost @ x + constant)`` does not fall below between these bounds of x.

    It holds for every point that keeps the rows within a hair, whether whole or not: with ``y`` the price,
    ``c @ x = y @ A x + (c - A' y) @ x``, the first term is no less than ``y`` at the side of each row that it presses
    on, and the second no less than the sum of its parts, each at its better bound. With weight 0, a result above 0
    shows that there is no such point (Farkas).

    Parameters
    ----------
    price : R
        Any numbers; good ones are the duals of the linear relaxation, or a ray where that has no point.
    lower, upper : N, finite
    """
    return _priced(program, price, lower, upper, weight)[0]


def narrowed(
    program: Program, price: Floats, lower: Floats, upper: Floats, limit: float
) -> tuple[float, Floats, Floats]:
    """Return the lower bound of the cost, and bounds of x that no point leaves whose whole numbers are whole and whose
    cost is below a limit.

    A variable that moves by ``d`` from the bound at which its reduced cost is least adds ``d`` times that cost.
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
    """Return whether it is shown that no point between these bounds keeps the rows: by a ray, or by one row alone.

    Parameters
    ----------
    price : R or None
        A ray, where there is one.
    """
    if price is not None and lower_bound(program, price, lower, upper, weight=0.0) > 0:
        return True
    ends = np.stack([program.value * lower[program.column], program.value * upper[program.column]])
    least, most = (np.bincount(program.row, part, len(program.rows)) for part in (ends.min(axis=0), ends.max(axis=0)))
    beyond = np.maximum(program.low - most, least - program.high)
    worst = int(np.argmax(beyond)) if len(beyond) else 0
    if not len(beyond) or beyond[worst] <= 0:
        return False
    alone = np.zeros(len(beyond))
    alone[worst] = 1.0 if program.low[worst] > most[worst] else -1.0
    return lower_bound(program, alone, lower, upper, weight=0.0) > 0


def _priced(
    program: Program, price: Floats, lower: Floats, upper: Floats, weight: float
) -> tuple[float, Floats, Floats]:
    """Return the bound, and between what each reduced cost lies, rounding counted."""
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
