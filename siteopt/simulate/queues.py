"""Simulate GPUs day by day through the queues: buildings, site fit-out, liquid loop, deliveries, racks, network, tests.

A queue passes on at most its daily rate, and never more than it has received. GPUs can be racked on the day of their
delivery, and work may pass through all queues on one day. The work of a day counts from the start of the next day
(``docs/model.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siteopt.instance import NEVER, Floats, Instance, Ints
from siteopt.pace import Pace

ENOUGH = 1e-6
"""Rounding tolerance for a number of GPUs."""


@dataclass(frozen=True)
class Building:
    """Building that is fitted out from a day on, at a rate (GPUs a day), until it has room for ``gpus`` GPUs."""

    day: int
    gpus_per_day: float
    gpus: float


@dataclass(frozen=True)
class Queues:
    """GPUs by day, from day 0 until enough are commissioned or nothing changes any more (T days).

    All later days are like the last of these days.

    Attributes
    ----------
    hall_gpus, loop_gpus : T, GPUs for which halls, and halls with a liquid loop, are ready at the start of the day
    delivered_gpus : T, GPUs delivered up to the end of the day
    racked_gpus, networked_gpus, tested_gpus : T, GPUs at the start of the day; tested ones have passed commissioning
    """

    hall_gpus: Floats
    loop_gpus: Floats
    delivered_gpus: Floats
    racked_gpus: Floats
    networked_gpus: Floats
    tested_gpus: Floats

    def tested_day(self, gpus: float) -> int:
        """Return the first day at whose start this many GPUs are commissioned; NEVER if this never happens."""
        there = self.tested_gpus >= gpus - ENOUGH
        return int(there.argmax()) if there.any() else NEVER


def buildings_of(instance: Instance) -> list[list[Building]]:
    """Return the buildings of the only site of an Instance: one list for each choice of the type of its shells.

    Raises
    ------
    ValueError
        If the Instance does not hold exactly one site.
    """
    if instance.sites != 1:
        raise ValueError(f"buildings belong to an Instance of one site, not of {instance.sites}")
    day, rate = int(instance.hall_day[0]), float(instance.hall_gpus_per_day[0])
    if len(instance.building_site):
        rows = (instance.building_day, instance.building_gpus_per_day, instance.building_gpus)
        return [[Building(*row) for row in zip(*(row.tolist() for row in rows), strict=True)]]
    if len(instance.option_site):
        types = [instance.shells[shell] for shell in instance.option_shell.tolist()]
        first_days, counts = instance.option_day.tolist(), instance.option_count.tolist()
        return [
            [Building(first + later, rate, shell.gpus) for later in shell.later_days(count).tolist()]
            for shell, first, count in zip(types, first_days, counts, strict=True)
        ]
    return [[Building(day, rate, float(instance.hall_capacity_gpus[0]))]]


def chosen_option(instance: Instance, day: Ints) -> int:
    """Return the cheapest option of shells of the only site with which these days (M) are kept, the first of equals.

    If no option keeps the days, or the site has none, it is 0.
    """
    keeps = instance.options_by(day)
    return int(np.where(keeps, instance.option_cost_musd, np.inf).argmin()) if keeps.any() else 0


def follow_queues(buildings: Sequence[Building], pace: Pace, gpus: float = np.inf) -> Queues:
    """Simulate the queues from day 0 until ``gpus`` GPUs are commissioned, or nothing changes any more.

    Parameters
    ----------
    pace : rates of the queues after the buildings (GPUs per day), and the schedule of deliveries
    gpus : number of commissioned GPUs at which to stop
    """
    to_come = max(int(pace.delivery_day[-1]), *(one.day for one in buildings), 0)
    room = sum(one.gpus for one in buildings)
    fitted = [0.0] * len(buildings)
    hall = loop = racked = networked = tested = 0.0
    days: list[tuple[float, ...]] = []
    while True:
        day = len(days)
        there = int(np.searchsorted(pace.delivery_day, day, side="right"))
        delivered = float(pace.delivered_gpus[there - 1]) if there else 0.0
        before = (racked, networked, tested)
        days.append((hall, loop, delivered, *before))
        if tested >= min(gpus, room, float(pace.delivered_gpus[-1])) - ENOUGH:
            break
        for place, one in enumerate(buildings):
            if day >= one.day:
                fitted[place] = min(one.gpus, fitted[place] + one.gpus_per_day)
        hall = min(hall + pace.site_fitout_per_day, sum(fitted))
        loop = min(loop + pace.loop_per_day, hall)
        racked = min(racked + pace.racks_per_day, loop, delivered)
        networked = min(networked + pace.network_per_day, racked)
        tested = min(tested + pace.commissioning_per_day, networked)
        if day > to_come and before == (racked, networked, tested):
            break
    return Queues(*np.array(days).T)
