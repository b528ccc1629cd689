"""Compute when the GPUs of a milestone can be racked, plumbed and networked: queues in series, in closed form.

A queue passes on at most its rate each day, and never more than it has received. Work done on a day counts from the
next day on. Queues in series that start empty act as one queue at the lowest rate. What the halls of a site release,
and each delivery, pass through the queues after it at their lowest rate. (This is a min-plus convolution, see
``docs/model.md``; a test replays the queues day by day.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siteopt.instance import COMMISSIONING, NEVER, QUEUES, Floats, Ints
from siteopt.pace import Pace
from siteopt.tolerances import HAIR

Scalar = TypeVar("Scalar", bound=np.generic)

_ROOFS, _HALLS, _SITE, _LOOP, _DELIVERIES, _RACKS, _NETWORK, _COMMISSIONING, _FLOOR = range(len(QUEUES))
assert QUEUES[_COMMISSIONING] == COMMISSIONING


@dataclass(frozen=True)
class Halls:
    """Buildings of sites, each of which is fitted out from the day of its roof on at its own rate.

    Attributes
    ----------
    handover_day : S
    roof_days : N x B, days from the handover until each building of a set is fitted out
    gpus_per_day, gpus : N x B, GPUs for which the building is made ready a day, and has room
    set_of : S, index of the set of buildings of each site; by default each site has its own
    """

    handover_day: Ints
    roof_days: Ints
    gpus_per_day: Floats
    gpus: Floats
    set_of: Ints | None = None

    @staticmethod
    def standing(handover_day: ArrayLike, lag_days: ArrayLike, gpus_per_day: ArrayLike, gpus: ArrayLike) -> Halls:
        """Return one building for each site, which is fitted out some days after the handover; S each."""
        handover, lag = (np.asarray(days, dtype=np.int64) for days in (handover_day, lag_days))
        rate, room = (np.asarray(values, dtype=float)[:, None] for values in (gpus_per_day, gpus))
        return Halls(handover, np.broadcast_to(lag, handover.shape)[:, None], rate, room)

    @property
    def capacity_gpus(self) -> Floats:
        """Return the GPUs for which each site has room in all its buildings; S."""
        return self.by_site(self.gpus.sum(axis=1))

    def by_site(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return values of the sets of buildings (N first) by site."""
        return values if self.set_of is None else values[self.set_of]

    def released(self, day: Ints) -> Floats:
        """Return the GPUs for which halls are ready ``day`` days after the handover, without a limit of the site.

        Parameters
        ----------
        day : N x J

        Returns
        -------
        gpus : N x J
        """
        worked = day[:, :, None] - self.roof_days[:, None, :]
        # without the condition, an unlimited rate times no day would not be a number
        done = np.multiply(self.gpus_per_day[:, None, :], worked, out=np.zeros(worked.shape), where=worked > 0)
        return np.asarray(np.minimum(self.gpus[:, None, :], done).sum(axis=2))


def compute_ready(gpus: ArrayLike, halls: Halls, pace: Pace) -> tuple[Ints, Ints]:
    """Return the first day on which the GPUs of each milestone can train but for bring-up and commissioning_days.

    The day includes the bring-up of the network.

    Parameters
    ----------
    gpus : M, cumulative

    Returns
    -------
    day, queue : S x M
        The day, NEVER if the floor area or the deliveries are not sufficient; and the index into QUEUES of the queue
        that decides the day.
    """
    needed = np.asarray(gpus, dtype=float)
    after_halls = {
        _SITE: pace.site_fitout_per_day,
        _LOOP: pace.loop_per_day,
        _RACKS: pace.racks_per_day,
        _NETWORK: pace.network_per_day,
        _COMMISSIONING: pace.commissioning_per_day,
    }
    slow = min(after_halls, key=lambda queue: after_halls[queue])
    built_days, building_queue = _built(needed, halls, after_halls[slow], slow)
    built = halls.handover_day[:, None] + halls.by_site(built_days)
    delivered, ladder_queue = _through_ladder(needed, pace)
    day = np.maximum(built, delivered)
    queue = np.where(built >= delivered, halls.by_site(building_queue), ladder_queue)
    too_small = halls.capacity_gpus[:, None] < needed
    queue = np.where(too_small, _FLOOR, queue)
    day = np.where(too_small | (delivered >= NEVER), NEVER, day + pace.bringup_days)
    return day.astype(np.int64), queue.astype(np.int64)


def queue_relaxed(gpus: ArrayLike, halls: Halls, pace: Pace, day: Ints) -> Ints:
    """Return the days of :func:`compute_ready` with one queue at a time unlimited.

    An unlimited rate or floor area is infinite; unlimited roofs are there at the handover; unlimited deliveries bring
    all GPUs on day 0.

    Parameters
    ----------
    day : S x M, the days of :func:`compute_ready`

    Returns
    -------
    day : S x M x Q, in the order of QUEUES
    """
    unlimited = np.full_like(halls.gpus, np.inf)
    at_once = replace(pace, delivery_day=np.zeros(1, dtype=np.int64), delivered_gpus=np.asarray(gpus)[-1:])
    relaxed = {
        _ROOFS: (replace(halls, roof_days=np.zeros_like(halls.roof_days)), pace) if halls.roof_days.any() else None,
        _HALLS: (replace(halls, gpus_per_day=unlimited), pace),
        _SITE: _without_limit(halls, pace, "site_fitout_per_day"),
        _LOOP: _without_limit(halls, pace, "loop_per_day"),
        _DELIVERIES: (halls, at_once),
        _RACKS: _without_limit(halls, pace, "racks_per_day"),
        _NETWORK: _without_limit(halls, pace, "network_per_day"),
        _COMMISSIONING: _without_limit(halls, pace, "commissioning_per_day"),
        _FLOOR: (replace(halls, gpus=unlimited), pace),
    }
    queues = [relaxed[queue] for queue in range(len(QUEUES))]
    return np.stack([day if one is None else compute_ready(gpus, *one)[0] for one in queues], axis=-1)


def _without_limit(halls: Halls, pace: Pace, rate: str) -> tuple[Halls, Pace] | None:
    """Return the queues with one rate unlimited; None if it is unlimited already."""
    return None if np.isinf(getattr(pace, rate)) else (halls, replace(pace, **{rate: np.inf}))  # type: ignore[arg-type]


def _built(needed: Floats, halls: Halls, rate: float, slow: int) -> tuple[Ints, Ints]:
    """Return the days from the handover until halls and the queues after them have passed on the GPUs; N x M each.

    The second array is the deciding queue.

    Parameters
    ----------
    rate, slow : lowest rate of the queues after the halls, and the index of that queue
    """
    if halls.roof_days.shape[1] == 1:
        slowest = np.minimum(halls.gpus_per_day, rate)
        working = _ceil(needed / slowest)
        queue = np.where(halls.gpus_per_day <= rate, _HALLS, slow)
        return halls.roof_days + working, np.where(halls.roof_days > working, _ROOFS, queue)
    enough = first_day(needed, halls)
    roofs = halls.roof_days
    missing = needed * (1 - HAIR) - halls.released(roofs)[:, :, None]  # N x B x M
    passed = np.where(missing > 0, roofs[:, :, None] + _ceil(np.maximum(0, missing) / rate), 0).max(axis=1)
    # the halls themselves decide: the roofs if the GPUs would be sooner without waiting for them than at any rate
    at_once = first_day(needed, replace(halls, roof_days=np.zeros_like(roofs)))
    any_rate = first_day(needed, replace(halls, gpus_per_day=np.full_like(halls.gpus, np.inf)))
    own = np.where(at_once < any_rate, _ROOFS, _HALLS)
    return np.maximum(enough, passed), np.where(passed > enough, slow, own)


def first_day(needed: Floats, halls: Halls) -> Ints:
    """Return the first day on which halls for the GPUs are ready, NEVER if there is none; N x M, by bisection."""
    low = np.zeros((len(halls.gpus), len(needed)), dtype=np.int64)
    high = np.full_like(low, NEVER)
    while (low < high).any():
        middle = (low + high) // 2
        there = halls.released(middle) >= needed * (1 - HAIR)
        low, high = np.where(there, low, np.minimum(middle + 1, high)), np.where(there, middle, high)
    return low


def _through_ladder(needed: Floats, pace: Pace) -> tuple[Ints, Ints]:
    """Return the day by which the queues after the deliveries have passed on the GPUs, and the deciding queue; M each.

    The deliveries decide, unless the first delivery sets the day and takes longer in the other queues than it took to
    arrive.
    """
    rates = {_RACKS: pace.racks_per_day, _NETWORK: pace.network_per_day, _COMMISSIONING: pace.commissioning_per_day}
    slow = min(rates, key=lambda queue: rates[queue])
    before = np.concatenate([[0], pace.delivered_gpus[:-1]]).astype(float)
    wait = pace.delivery_day + _ceil(np.maximum(0, needed[:, None] - before) / rates[slow])
    days = np.where(before < needed[:, None], wait, -1)
    decides = days.argmax(axis=1)
    racking = days.max(axis=1) - pace.delivery_day[0]
    queue = np.where((decides == 0) & (racking > pace.delivery_day[0]), slow, _DELIVERIES)
    enough = needed <= pace.delivered_gpus[-1]
    return np.where(enough, days.max(axis=1), NEVER), np.where(enough, queue, _DELIVERIES)


def _ceil(days: Floats) -> Ints:
    """Return days rounded up; a value within HAIR above a whole number counts as that number (rates are rounded)."""
    return np.ceil(days - HAIR).astype(np.int64)
