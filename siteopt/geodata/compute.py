"""Compute when the GPUs of a milestone can be racked, plumbed and networked: four queues in series, in closed form.

A queue passes on at most its rate each day, and never more than it has received. Work done on a day counts from the
next day on. Queues in series that start together at constant rates act as one queue at the lowest rate. Each delivery
passes through the queues after it at their lowest rate, from its own day on. (This is a min-plus convolution, see
``docs/model.md``; a test replays the queues day by day.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from siteopt.instance import NEVER, QUEUES, Floats, Ints, Pace
from siteopt.tolerances import HAIR

_HALLS, _LOOP, _DELIVERIES, _RACKS, _NETWORK, _FLOOR = range(len(QUEUES))


def compute_ready(
    gpus: ArrayLike, handover_day: ArrayLike, halls_per_day: ArrayLike, hall_capacity_gpus: ArrayLike, pace: Pace
) -> tuple[Ints, Ints]:
    """Return the first day on which the GPUs of each milestone can be commissioned, and the queue that decides it.

    Parameters
    ----------
    gpus : M, cumulative
    handover_day : S
    halls_per_day, hall_capacity_gpus : S
        GPUs for which hall is made ready each day, and GPUs for which there is hall in all.

    Returns
    -------
    day, queue : S x M
        The day, NEVER if the floor area or the deliveries are not sufficient; and the index into QUEUES.
    """
    needed = np.asarray(gpus, dtype=float)
    rates = np.stack(
        np.broadcast_arrays(
            np.asarray(halls_per_day, dtype=float), pace.loop_per_day, pace.racks_per_day, pace.network_per_day
        )
    )
    slowest = np.array([_HALLS, _LOOP, _RACKS, _NETWORK])[np.argmin(rates, axis=0)]
    built = np.asarray(handover_day)[:, None] + _ceil(needed / rates.min(axis=0)[:, None])
    delivered, ladder_queue = _through_ladder(needed, pace)
    day = np.maximum(built, delivered)
    queue = np.where(built >= delivered, slowest[:, None], ladder_queue)
    too_small = np.asarray(hall_capacity_gpus, dtype=float)[:, None] < needed
    queue = np.where(too_small, _FLOOR, queue)
    day = np.where(too_small | (delivered >= NEVER), NEVER, day + pace.bringup_days)
    return day.astype(np.int64), queue.astype(np.int64)


def queue_relaxed(
    gpus: ArrayLike, handover_day: ArrayLike, halls_per_day: ArrayLike, hall_capacity_gpus: ArrayLike, pace: Pace
) -> Ints:
    """Return the days of :func:`compute_ready` with one queue at a time unlimited.

    An unlimited rate or floor area is infinite; unlimited deliveries bring all GPUs on day 0. The parameters are those
    of :func:`compute_ready`.

    Returns
    -------
    day : S x M x Q, in the order of QUEUES
    """
    no_limit = np.full_like(handover_day, np.inf, dtype=float)
    at_once = replace(pace, delivery_day=np.zeros(1, dtype=np.int64), delivered_gpus=np.asarray(gpus)[-1:])
    relaxed = {
        _HALLS: (no_limit, hall_capacity_gpus, pace),
        _LOOP: (halls_per_day, hall_capacity_gpus, replace(pace, loop_per_day=np.inf)),
        _DELIVERIES: (halls_per_day, hall_capacity_gpus, at_once),
        _RACKS: (halls_per_day, hall_capacity_gpus, replace(pace, racks_per_day=np.inf)),
        _NETWORK: (halls_per_day, hall_capacity_gpus, replace(pace, network_per_day=np.inf)),
        _FLOOR: (halls_per_day, no_limit, pace),
    }
    days = [compute_ready(gpus, handover_day, *relaxed[queue])[0] for queue in range(len(QUEUES))]
    return np.stack(days, axis=-1)


def _through_ladder(needed: Floats, pace: Pace) -> tuple[Ints, Ints]:
    """Return the day by which deliveries, racks and network have passed on the GPUs, and the deciding queue; M each.

    The deliveries decide, unless the first delivery sets the day and takes longer in racks and network than it took to
    arrive.
    """
    rate = min(pace.racks_per_day, pace.network_per_day)
    slow = _RACKS if pace.racks_per_day <= pace.network_per_day else _NETWORK
    before = np.concatenate([[0], pace.delivered_gpus[:-1]]).astype(float)
    wait = pace.delivery_day + _ceil(np.maximum(0, needed[:, None] - before) / rate)
    days = np.where(before < needed[:, None], wait, -1)
    decides = days.argmax(axis=1)
    racking = days.max(axis=1) - pace.delivery_day[0]
    queue = np.where((decides == 0) & (racking > pace.delivery_day[0]), slow, _DELIVERIES)
    enough = needed <= pace.delivered_gpus[-1]
    return np.where(enough, days.max(axis=1), NEVER), np.where(enough, queue, _DELIVERIES)


def _ceil(days: Floats) -> Ints:
    """Return days rounded up; a value within HAIR above a whole number counts as that number (rates are rounded)."""
    return np.ceil(days - HAIR).astype(np.int64)
