"""Hold the rates at which GPUs pass from delivery to training, and how new shells follow each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pace:
    """Rates of the compute queues, in GPUs a day, the same at every site; infinite if there is no limit.

    Attributes
    ----------
    delivery_day, delivered_gpus : arrays
        The delivery ladder: the number of GPUs that have been delivered in all from each day on.
    """

    delivery_day: NDArray[np.int64]
    delivered_gpus: NDArray[np.int64]
    loop_per_day: float
    racks_per_day: float
    network_per_day: float
    bringup_days: int
    site_fitout_per_day: float = np.inf
    commissioning_per_day: float = np.inf


@dataclass(frozen=True)
class ShellType:
    """Type of new shells: some are built at a time, one after the other in as many places.

    Attributes
    ----------
    name : str
    gpus : float
        GPUs for which one shell has room.
    shell_days : int
        Days from the beginning of a shell to its roof.
    parallel : int
        Shells that are built at the same time.
    offset_days : int
        Days between the beginnings of the first shells that are built at the same time.
    """

    name: str
    gpus: float
    shell_days: int
    parallel: int
    offset_days: int = 0

    def later_days(self, count: int) -> NDArray[np.int64]:
        """Return the days from the roof of the first of ``count`` shells to the roof of each."""
        place, turn = np.arange(count) % self.parallel, np.arange(count) // self.parallel
        return np.asarray(self.offset_days * place + self.shell_days * turn, dtype=np.int64)
