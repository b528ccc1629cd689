"""How exact an answer is: every tolerance between the data and the certificate, in one place.

``docs/model.md``, *Tolerances*, says how they fit together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HAIR = 1e-9
"""A row of the model holds where it is exceeded by no more than this share of its size. Likewise in the data: what is
this little above a whole number of days, or below a whole number of units or GPUs, counts as that number.

The size of a need in MW is the IT load of its milestone, that of a limit the limit itself, and 1 at least; that of what
one offer or the grid can give is 1.
"""

SOLVER_TOLERANCE = 1e-9
"""How far a solver may leave a row (as a share of its size), a whole number, or a reduced cost."""

FINISHING_TOLERANCE = 1e-10
"""The same where the whole numbers are fixed and the plan is finished: a tenth of HAIR, so the result holds."""

EASE = HAIR - FINISHING_TOLERANCE
"""How far the rows that a solver gets give way (as a share of their size), so that it sees what holds by a hair."""

SAME_COST_MUSD = 1e-5
"""Costs are compared in steps of ten US dollars (million USD)."""

BORDER = 0.50025
"""Where a step of cost ends, in steps: a quarter of a cent above five dollars. No price in whole cents falls there, so
rounding does not part two sums that are equal."""

GAP_MUSD = 1e-8
"""A solver ends where its plan and its bound are a cent apart (million USD)."""


def in_steps(cost_musd: ArrayLike) -> NDArray[np.float64]:
    """Return costs in whole steps of SAME_COST_MUSD; infinite ones stay so."""
    return np.asarray(np.ceil(np.asarray(cost_musd) / SAME_COST_MUSD - BORDER))


def steps_of_cost(cost_musd: float) -> int:
    """Return one cost in whole steps of SAME_COST_MUSD."""
    return int(in_steps(cost_musd))


def most_of_step(steps: float) -> float:
    """Return the highest cost (million USD) that still counts as so many steps."""
    return (steps + BORDER) * SAME_COST_MUSD
