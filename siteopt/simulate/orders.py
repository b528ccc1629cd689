"""Hold the orders of a plan, which are all that a replay knows about the plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siteopt.instance import Instance, Ints


@dataclass(frozen=True)
class Orders:
    """Orders for one site, and the planned start days of training.

    Its phases (F) are those of :meth:`siteopt.instance.Instance.phases` on these days.

    Attributes
    ----------
    day : M, planned day on which training starts at the milestone
    units : O x F, units on site, cumulative
    step : L x F, bool, grid step in service
    """

    day: Ints
    units: Ints
    step: NDArray[np.bool_]

    def check(self, instance: Instance) -> None:
        """Check that the orders fit an Instance of one site.

        Raises
        ------
        ValueError
            If the Instance does not hold exactly one site, an array has a wrong shape, or units are negative or fall.
        """
        if instance.sites != 1:
            raise ValueError(f"orders belong to an Instance of one site, not of {instance.sites}")
        if self.day.shape != (instance.milestones,):
            raise ValueError(f"day has shape {self.day.shape}, expected {(instance.milestones,)}")
        for name, rows in (("units", instance.offers), ("step", len(instance.step_site))):
            shape, expected = getattr(self, name).shape, (rows, len(instance.phases(self.day)))
            if shape != expected:
                raise ValueError(f"{name} has shape {shape}, expected {expected}")
        if (np.diff(self.units, axis=1, prepend=0) < 0).any():
            raise ValueError("units are negative, or fewer at a later milestone")
