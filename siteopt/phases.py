"""Cut the calendar of a plan into phases: at each milestone, and at each day on which a limit of its site changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMITED = (
    *("grid_mw", "grid_swing_mw", "nonfirm_mw", "distribution_mw"),
    *("gas_mw", "nox_t_per_year", "water_m3_per_day", "fuel_trucks_per_day"),
)
"""Fields of the Instance with limits that may change on a day of the calendar, in the order of ``change_limit`` (R)."""


@dataclass(frozen=True)
class Phases:
    """Phases of a plan at one site, in the order of time; every need holds in each of them.

    Axes: F phases, M milestones. A milestone has a phase of its own from the day on which it starts, even if another
    starts on the same day.

    Attributes
    ----------
    milestone : F, index of the milestone in force
    begin : F, day on which the phase begins
    own : M, index of the phase with which each milestone starts
    """

    milestone: NDArray[np.int64]
    begin: NDArray[np.int64]
    own: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of phases."""
        return len(self.begin)


def phases(day: NDArray[np.int64], change_day: NDArray[np.int64]) -> Phases:
    """Return the phases of a plan.

    Parameters
    ----------
    day : M, day of each milestone
    change_day : C, days on which a limit of the site changes
    """
    later = change_day[(change_day > day.min()) & ~np.isin(change_day, day)]
    milestone = np.concatenate([np.arange(len(day)), (day <= later[:, None]).sum(axis=1) - 1])
    begin = np.concatenate([day, later])
    order = np.lexsort((milestone, begin))
    return Phases(milestone[order], begin[order], np.argsort(order)[: len(day)])
