"""Define how exact an answer is: every tolerance between the data and the certificate, in one place.

``docs/model.md``, *Tolerances*, explains how they fit together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HAIR = 1e-9
"""A row of the model holds if it is exceeded by no more than this share of its size.

The size of a requirement in MW is the IT load of its milestone, that of the ride-through is its MWh, that of a limit or
a floor is the limit or floor itself; all of these are 1 at least. The size of what one offer or the grid can give is 1.

The same applies to the data: a value this little above a whole number of days, or below a whole number of units or
GPUs, counts as that number.
"""

SOLVER_TOLERANCE = 1e-9
"""How far a solver may be off in a row (as a share of its size), a whole number, or a reduced cost."""

FINISHING_TOLERANCE = 1e-10
"""The same when the whole numbers are fixed and the plan is finished: a tenth of HAIR, so that the result holds."""

EASE = HAIR - FINISHING_TOLERANCE
"""How far the rows given to a solver are relaxed (as a share of their size), so that it accepts plans within HAIR."""

SAME_COST_MUSD = 1e-5
"""Step in which costs are compared, million USD: ten US dollars."""

BORDER = 0.50025
"""Where a step of cost ends, in steps: a quarter of a cent above five dollars.

No price in whole cents falls there, so rounding does not separate two sums that are equal.
"""

GAP_MUSD = 1e-8
"""Gap between plan and bound at which a solver stops, million USD: one cent."""


def in_steps(cost_musd: ArrayLike) -> NDArray[np.float64]:
    """Return costs (million USD) in whole steps of SAME_COST_MUSD; infinite costs stay infinite."""
    return np.asarray(np.ceil(np.asarray(cost_musd) / SAME_COST_MUSD - BORDER))


def steps_of_cost(cost_musd: float) -> int:
    """Return one cost (million USD) in whole steps of SAME_COST_MUSD."""
    return int(in_steps(cost_musd))


def most_of_step(steps: float) -> float:
    """Return the highest cost (million USD) that still counts as this number of steps."""
    return (steps + BORDER) * SAME_COST_MUSD
