"""Simulate GPUs day by day through the queues: halls, liquid loop, deliveries, racks and network.

A queue passes on at most its daily rate, and never more than it has received. GPUs can be racked on the day of their
delivery, and work may pass through all queues on one day. The work of a day counts from the start of the next day
(``docs/model.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siteopt.instance import NEVER, Floats, Pace

ENOUGH = 1e-6
"""Rounding tolerance for a number of GPUs."""


@dataclass(frozen=True)
class Queues:
    """GPUs by day, from day 0 until enough are networked or nothing changes any more (T days).

    All later days are like the last of these days.

    Attributes
    ----------
    hall_gpus, loop_gpus : T, GPUs for which halls, and halls with a liquid loop, are ready at the start of the day
    delivered_gpus : T, GPUs delivered up to the end of the day
    racked_gpus, networked_gpus : T, GPUs at the start of the day
    """

    hall_gpus: Floats
    loop_gpus: Floats
    delivered_gpus: Floats
    racked_gpus: Floats
    networked_gpus: Floats

    def networked_day(self, gpus: float) -> int:
        """Return the first day at whose start this many GPUs are networked; NEVER if this never happens."""
        there = self.networked_gpus >= gpus - ENOUGH
        return int(there.argmax()) if there.any() else NEVER


def follow_queues(
    handover_day: int, hall_gpus_per_day: float, hall_capacity_gpus: float, pace: Pace, gpus: float = np.inf
) -> Queues:
    """Simulate the queues from day 0 until ``gpus`` GPUs are networked, or nothing changes any more.

    Parameters
    ----------
    handover_day : day of the handover, on which work on the halls begins
    hall_gpus_per_day : GPUs for which halls are made ready per day
    hall_capacity_gpus : GPUs for which the halls have room
    pace : rates of the other queues (GPUs per day), and the schedule of deliveries
    gpus : number of networked GPUs at which to stop
    """
    to_come = max(handover_day, int(pace.delivery_day[-1]))
    hall = loop = racked = networked = 0.0
    days: list[tuple[float, ...]] = []
    while True:
        day = len(days)
        there = int(np.searchsorted(pace.delivery_day, day, side="right"))
        delivered = float(pace.delivered_gpus[there - 1]) if there else 0.0
        before = (racked, networked)
        days.append((hall, loop, delivered, racked, networked))
        if networked >= min(gpus, hall_capacity_gpus, float(pace.delivered_gpus[-1])) - ENOUGH:
            break
        if day >= handover_day:
            hall = min(hall_capacity_gpus, hall + hall_gpus_per_day)
        loop = min(loop + pace.loop_per_day, hall)
        racked = min(racked + pace.racks_per_day, loop, delivered)
        networked = min(networked + pace.network_per_day, racked)
        if day > to_come and before == (racked, networked):
            break
    return Queues(*np.array(days).T)
