"""Look for any plan of a program by rounding one linear program after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from siteopt.instance import Floats
from siteopt.optimize.branching import WHOLE
from siteopt.optimize.program import Program
from siteopt.optimize.propagation import Propagation
from siteopt.optimize.solver import Relaxation

STEPS = 60
"""Most linear programs of one dive."""

NEAR_UP = 0.8
"""Variables at least this far above a whole number are rounded up together."""

UNITS = "units_"
"""First letters of the names of the numbers of units."""

Made = TypeVar("Made")


def dive(program: Program, accept: Callable[[Floats], Made | None]) -> Made | None:
    """Return a plan of a program, or None if rounding leads to none, which says nothing.

    The vertex of the linear relaxation is rounded up where it is nearest to that, rows narrow the other variables, and
    the relaxation is solved again. What cannot be rounded up is rounded down, once. If this leads to none, it is tried
    again with the number of units in place of the cost: then crews and queues have the least to do.

    Parameters
    ----------
    accept : callable
        Make a plan from values whose whole numbers are whole; None if there is none with these whole numbers.
    """
    propagation = Propagation(program)
    found = _dive(program, propagation, accept)
    if found is not None:
        return found
    units = np.array([float(name.startswith(UNITS)) for name in program.columns])
    return _dive(replace(program, cost=units, constant=0.0), propagation, accept)


def _dive(program: Program, propagation: Propagation, accept: Callable[[Floats], Made | None]) -> Made | None:
    relaxation = Relaxation(program)
    wholes = np.flatnonzero(program.whole)
    lower, upper = propagation.narrowed(program.lower, program.upper)
    values = _vertex(relaxation, lower, upper)
    for _ in range(STEPS):
        if values is None:
            return None
        floors = np.floor(values[wholes] + WHOLE)
        part = values[wholes] - floors
        if part.max(initial=0) <= WHOLE:
            return accept(values)
        nearest = int(np.argmax(part))
        up = part >= min(NEAR_UP, part[nearest])
        higher = lower.copy()
        higher[wholes[up]] = floors[up] + 1
        narrow = propagation.narrowed(higher, upper)
        values = _vertex(relaxation, *narrow)
        if values is None:
            below = upper.copy()
            below[wholes[nearest]] = floors[nearest]
            narrow = propagation.narrowed(lower, below)
            values = _vertex(relaxation, *narrow)
        lower, upper = narrow
    return None


def _vertex(relaxation: Relaxation, lower: Floats, upper: Floats) -> Floats | None:
    if (lower > upper).any():
        return None
    vertex = relaxation.solve(lower, upper)
    return None if vertex is None else vertex.values
