"""Who installs what on which day: whole units by whole crews on whole days.

The optimizer lets crews be divided as one likes. Here each unit is worked on without a break by a gang of fixed size,
and each crew is on one unit at a time. A sequence is found by list scheduling, so a better one may exist; no sequence
beats the bound.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siteopt.instance import NEVER, TRADES, Instance, Ints
from siteopt.simulate.orders import Orders

HAIR = 1e-9
"""What crews and work may be off from a whole number by rounding."""


@dataclass(frozen=True)
class Shift:
    """A crew (1-based within its trade) at a unit, from the first to the last day, both included."""

    crew: int
    first_day: int
    last_day: int


@dataclass(frozen=True)
class Install:
    """How one unit is installed.

    Attributes
    ----------
    offer : int
        Index of the offer.
    unit : int
        1-based within the offer, in the order of the milestones.
    milestone : int
        Index of the first milestone that it is ordered for.
    trade : int
        Index into TRADES.
    leaves_day, arrives_day : int
        Day on which its truck leaves the depot, and on which it is on site.
    soonest_day : int
        Day on which it were ready if no other unit took its crews; NEVER without crews.
    start_day, ready_day : int
        First day of the work, and the day from the start of which it is installed; NEVER without crews.
    shifts : tuple of Shift
        Its crews. Empty where it needs none.
    """

    offer: int
    unit: int
    milestone: int
    trade: int
    leaves_day: int
    arrives_day: int
    soonest_day: int
    start_day: int
    ready_day: int
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class Schedule:
    """How all units are installed.

    Attributes
    ----------
    installs : tuple of Install
        In the order of offers and units.
    bound_day : M
        No sequence of whole crews has all units that are ordered for the milestone or an earlier one ready before.
    """

    installs: tuple[Install, ...]
    bound_day: Ints


@dataclass(frozen=True)
class _Job:
    """A unit as work: ``full`` days of the whole gang, then a day of ``rest`` crews; ready after ``days``."""

    offer: int
    unit: int
    milestone: int
    arrives: int
    days: int
    work: int
    gang: int

    @property
    def full(self) -> int:
        return self.work // self.gang if self.gang else 0

    @property
    def rest(self) -> int:
        return self.work % self.gang if self.gang else 0

    @property
    def soonest(self) -> int:
        return NEVER if self.work and not self.gang else self.arrives + self.days


_RULES: tuple[Callable[[_Job], tuple[int, ...]], ...] = (
    lambda job: (job.arrives, -job.work),
    lambda job: (job.arrives, -job.gang),
    lambda job: (-job.days, job.arrives),
    lambda job: (-job.work, job.arrives),
    lambda job: (-job.gang, job.arrives),
    lambda job: (job.work, job.arrives),
)
"""Orders in which the units of a milestone are tried."""


def install(case: Instance, orders: Orders) -> Schedule:
    """Sequence the installation of all units ordered, trade by trade, since trades share no crews.

    A unit takes ``ceil(crew_days)`` crew-days within its ``install_days`` (one at least where there is work), by a gang
    of ``ceil(work / days)`` crews; where there are not so many, by all of them in ``ceil(work / crews)`` days. On its
    last days only the crews that still have work stay. Of a few sequences, all in the order of the milestones, the one
    is kept whose last ready day of the first milestone, then of the next ..., is the least.
    """
    crews = [math.inf if math.isinf(crew) else math.floor(crew + HAIR) for crew in case.crews.tolist()]
    installs: list[Install] = []
    bound = np.zeros(case.milestones, dtype=np.int64)
    for trade in range(len(TRADES)):
        jobs = [
            _job(case, offer, unit, int(np.searchsorted(orders.units[offer], unit)), crews[trade])
            for offer in np.flatnonzero(case.trade == trade).tolist()
            for unit in range(1, int(orders.units[offer, -1]) + 1)
        ]
        tried = [_sequence(jobs, rule, crews[trade]) for rule in _RULES]
        starts = min(tried, key=lambda starts: _last_ready(jobs, starts, case.milestones))
        shifts = _shifts(jobs, starts)
        for job, start, mine in zip(jobs, starts, shifts, strict=True):
            leaves = job.arrives - int(case.transit_days[0, job.offer])
            ready = min(NEVER, start + job.days)
            unit = (job.offer, job.unit, job.milestone, trade)
            installs.append(Install(*unit, leaves, job.arrives, job.soonest, start, ready, mine))
        bound = np.maximum(bound, [_bound(jobs, crews[trade], m) for m in range(case.milestones)])
    return Schedule(tuple(sorted(installs, key=lambda one: (one.offer, one.unit))), bound)


def _job(case: Instance, offer: int, unit: int, milestone: int, crews: float) -> _Job:
    arrives = int(case.arrival_day[0, offer])
    days = int(case.ready_day[0, offer]) - arrives
    work = math.ceil(case.crew_days[offer] - HAIR)
    gang = 0
    if work:
        days = max(1, days)
        gang = math.ceil(work / days)
        if gang > crews:
            gang = int(crews)
            days = math.ceil(work / gang) if gang else days
    return _Job(offer, unit, milestone, arrives, days, work, gang)


def _sequence(jobs: list[_Job], rule: Callable[[_Job], tuple[int, ...]], crews: float) -> list[int]:
    """First day of each job: one after the other, each as soon as its gang is free throughout."""
    starts = [NEVER if job.soonest >= NEVER else job.arrives for job in jobs]
    waiting = [at for at, job in enumerate(jobs) if job.gang]
    if math.isinf(crews) or not waiting:
        return starts
    # one after the other, all of them end before this day
    end = max(jobs[at].arrives for at in waiting) + sum(jobs[at].full + 1 for at in waiting)
    free = np.full(end + 1, int(crews))
    for at in sorted(waiting, key=lambda at: (jobs[at].milestone, rule(jobs[at]), at)):
        job = jobs[at]
        ahead = free[job.arrives :]
        busy = np.concatenate([[0], np.cumsum(ahead < job.gang)])
        last = len(ahead) - job.full
        fits = (busy[job.full : job.full + last] == busy[:last]) & (ahead[job.full :] >= job.rest)
        starts[at] = start = job.arrives + int(fits.argmax())
        free[start : start + job.full] -= job.gang
        free[start + job.full] -= job.rest
    return starts


def _last_ready(jobs: list[_Job], starts: list[int], milestones: int) -> tuple[int, ...]:
    """Last ready day of the units of each milestone and of those before it."""
    last = [0] * milestones
    for job, start in zip(jobs, starts, strict=True):
        last[job.milestone] = max(last[job.milestone], min(NEVER, start + job.days))
    return tuple(max(last[: m + 1]) for m in range(milestones))


def _shifts(jobs: list[_Job], starts: list[int]) -> list[tuple[Shift, ...]]:
    """Name the crews of each job: the lowest numbers that are free on its first day, and stay with it.

    Work of a crew at a unit is an interval of days, and intervals taken by their first days never need more numbers
    than there are intervals on one day.
    """
    shifts: list[tuple[Shift, ...]] = [()] * len(jobs)
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    known = 0
    for at in sorted((at for at, job in enumerate(jobs) if job.gang), key=lambda at: (starts[at], at)):
        job, start = jobs[at], starts[at]
        while busy and busy[0][0] < start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        mine = []
        for place in range(job.gang):
            if not free:
                known += 1
                free.append(known)
            days = job.full + (place < job.rest)
            shift = Shift(heapq.heappop(free), start, start + days - 1)
            heapq.heappush(busy, (shift.last_day, shift.crew))
            mine.append(shift)
        shifts[at] = tuple(mine)
    return shifts


def _bound(jobs: list[_Job], crews: float, milestone: int) -> int:
    """No sequence has the units up to a milestone ready before: by the whole pool of crews, and unit by unit.

    What arrives on day r or later is all done by crews that work from day r on, however it is divided among them.
    """
    mine = sorted((job for job in jobs if job.milestone <= milestone), key=lambda job: -job.arrives)
    bound = max((job.soonest for job in mine), default=0)
    if bound >= NEVER or math.isinf(crews) or crews == 0:
        return bound
    work = np.cumsum([job.work for job in mine])
    pool = [job.arrives + math.ceil(done / crews) for job, done in zip(mine, work, strict=True)]
    return max(bound, *pool) if pool else bound
