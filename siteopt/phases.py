"""Cut the calendar of a plan into phases: at each milestone, and at each day on which a limit of its site falls."""

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


def phases(day: NDArray[np.int64], fall_day: NDArray[np.int64]) -> Phases:
    """Return the phases of a plan.

    A day on which limits only rise needs no phase: what served the day before serves on.

    Parameters
    ----------
    day : M, day of each milestone
    fall_day : days on which a limit of the site falls
    """
    later = fall_day[(fall_day > day.min()) & ~np.isin(fall_day, day)]
    milestone = np.concatenate([np.arange(len(day)), (day <= later[:, None]).sum(axis=1) - 1])
    begin = np.concatenate([day, later])
    order = np.lexsort((milestone, begin))
    return Phases(milestone[order], begin[order], np.argsort(order)[: len(day)])
