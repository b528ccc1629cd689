"""Schedule which crew installs which unit on which day: whole units by whole crews on whole days.

The optimizer may divide crews freely. Here, a gang of fixed size works on each unit without a break, and each crew
works on one unit at a time. List scheduling finds a schedule, so a better one may exist; no schedule beats the bound.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from siteopt.instance import NEVER, TRADES, Instance, Ints
from siteopt.simulate.orders import Orders

HAIR = 1e-9
"""Rounding tolerance for whole numbers of crews and of crew-days."""


@dataclass(frozen=True)
class Shift:
    """Work of a crew (1-based within its trade) on a unit, from the first to the last day, both included."""

    crew: int
    first_day: int
    last_day: int


@dataclass(frozen=True)
class Install:
    """Installation of one unit.

    Attributes
    ----------
    offer : int
        Index of the offer.
    unit : int
        Number of the unit, 1-based within the offer, in the order of the milestones.
    milestone : int
        Index of the first milestone that the unit is ordered for.
    trade : int
        Index into TRADES.
    leaves_day, arrives_day : int
        Day on which its truck leaves the depot, and day on which the unit arrives on site.
    soonest_day : int
        Day on which it would be ready if no other unit needed the crews; NEVER without crews.
    start_day, ready_day : int
        First day of the work, and the day from the start of which the unit is installed; NEVER without crews.
    shifts : tuple of Shift
        Shifts of its crews; empty if it needs none.
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
    """Installation of all units.

    Attributes
    ----------
    installs : tuple of Install
        In the order of offers and units.
    bound_day : M
        Lower bound of the day on which all units for the milestone and the earlier ones are ready, for any schedule of
        whole crews.
    """

    installs: tuple[Install, ...]
    bound_day: Ints


@dataclass(frozen=True)
class _Crews:
    """Whole crews of one trade: ``counts[p]`` of them from day ``since[p]`` on; infinite if there is no limit."""

    since: list[int]
    counts: list[float]

    @property
    def most(self) -> float:
        return max(self.counts)

    def by_day(self, end: int) -> Ints:
        """Return the number of crews on each day before ``end``."""
        period = np.searchsorted(self.since, np.arange(end), side="right") - 1
        return np.array(self.counts, dtype=np.int64)[period]

    def first_day(self, arrives: int, work: int) -> int:
        """Return the first day at whose start so many crew-days can be done from ``arrives`` on; NEVER if none."""
        left: float = work
        for since, until, count in zip(self.since, [*self.since[1:], NEVER], self.counts, strict=True):
            begin = max(since, arrives)
            done = count * max(0, until - begin)
            if done >= left:
                return begin + math.ceil(left / count) if left else max(arrives, since)
            left -= done
        return NEVER


@dataclass(frozen=True)
class _Job:
    """Work on a unit: ``full`` days of the whole gang, then a day of ``rest`` crews; ready after ``days``."""

    offer: int
    unit: int
    phase: int
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
"""Sort keys for the orders in which the units of a milestone are tried."""

_STRETCHES = (1.0, 1.15, 1.3, 1.5, 2.0, 3.0)
"""Factors by which the work on each unit of a milestone may be stretched, with smaller gangs, one for each trial."""


def install(instance: Instance, orders: Orders) -> Schedule:
    """Schedule the installation of all ordered units, trade by trade, since trades share no crews.

    A unit takes ``ceil(crew_days)`` crew-days within its ``install_days`` (at least one if there is work), with a gang
    of ``ceil(work / days)`` crews. If there are fewer crews, all of them do the work in ``ceil(work / crews)`` days.
    Smaller gangs that take more days are tried, too. On the last day, only the crews with work left stay. For each
    phase, a few sequences are tried, and the one whose last unit is ready first is kept. If the number of crews
    changes, gangs of no more crews than there are in the end are tried, too.
    """
    crews = [
        _Crews(instance.crew_day.tolist(), [math.inf if math.isinf(one) else math.floor(one + HAIR) for one in counts])
        for counts in instance.crews.tolist()
    ]
    installs: list[Install] = []
    phases = instance.phases(orders.day)
    bound = np.zeros(instance.milestones, dtype=np.int64)
    for trade in range(len(TRADES)):
        jobs = [
            _job(instance, offer, unit, int(np.searchsorted(orders.units[offer], unit)), crews[trade].most)
            for offer in np.flatnonzero(instance.trade == trade).tolist()
            for unit in range(1, int(orders.units[offer, -1]) + 1)
        ]
        bound = np.maximum(bound, [_bound(jobs, crews[trade], phase) for phase in phases.own.tolist()])
        soonest = [job.soonest for job in jobs]
        jobs, starts = _sequence(jobs, crews[trade])
        shifts = _shifts(jobs, starts)
        for job, soon, start, mine in zip(jobs, soonest, starts, shifts, strict=True):
            leaves = job.arrives - int(instance.transit_days[0, job.offer])
            ready = min(NEVER, start + job.days)
            unit = (job.offer, job.unit, int(phases.milestone[job.phase]), trade)
            installs.append(Install(*unit, leaves, job.arrives, soon, start, ready, mine))
    return Schedule(tuple(sorted(installs, key=lambda one: (one.offer, one.unit))), bound)


def _job(instance: Instance, offer: int, unit: int, phase: int, crews: float) -> _Job:
    arrives = int(instance.arrival_day[0, offer])
    days = int(instance.ready_day[0, offer]) - arrives
    work = math.ceil(instance.crew_days[offer] - HAIR)
    gang = 0
    if work:
        days = max(1, days)
        gang = math.ceil(work / days)
        if gang > crews:
            gang = int(crews)
            days = math.ceil(work / gang) if gang else days
    return _Job(offer, unit, phase, arrives, days, work, gang)


def _stretched(job: _Job, times: float, most: float) -> _Job:
    """Return the job with fewer crews, in at most ``times`` as many days, or with at most ``most`` crews."""
    if job.gang <= 1 or (times == 1 and job.gang <= most):
        return job
    gang = int(min(most, math.ceil(job.work / math.ceil(job.days * times - HAIR))))
    return replace(job, gang=gang, days=max(job.days, math.ceil(job.work / gang)))


def _sequence(jobs: list[_Job], crews: _Crews) -> tuple[list[_Job], list[int]]:
    """Return the jobs with the gangs chosen for them, and the first day of each job; NEVER if there is none."""
    starts = [NEVER if job.soonest >= NEVER else job.arrives for job in jobs]
    waiting = [at for at, job in enumerate(jobs) if job.gang]
    if math.isinf(crews.most) or not waiting:
        return jobs, starts
    last = crews.counts[-1]
    limits = {crews.most, last} if last else {crews.most}
    # even one after the other, and by the last of the crews, all jobs end before this day
    longest = math.ceil(max(_STRETCHES)) + 1
    work = sum(longest * (jobs[at].full + jobs[at].days) + math.ceil(jobs[at].work / (last or 1)) for at in waiting)
    end = max(crews.since[-1], *(jobs[at].arrives for at in waiting)) + work
    free, jobs = crews.by_day(end + 1), jobs.copy()
    for phase in sorted({jobs[at].phase for at in waiting}):
        mine = [at for at in waiting if jobs[at].phase == phase]
        tried = [
            _placed({at: _stretched(jobs[at], times, most) for at in mine}, rule, free)
            for most in sorted(limits, reverse=True)
            for times in _STRETCHES
            for rule in _RULES
        ]
        placed, free = min(tried, key=lambda one: _readiness(one[0]))
        for at, (job, start) in placed.items():
            jobs[at], starts[at] = job, start
    return jobs, starts


def _placed(
    jobs: dict[int, _Job], rule: Callable[[_Job], tuple[int, ...]], free: Ints
) -> tuple[dict[int, tuple[_Job, int]], Ints]:
    """Place the jobs one after the other, each on the first day from which its gang is free throughout.

    Return each job with its first day (NEVER if there is none), and the number of free crews that remain on each day.
    """
    free, placed = free.copy(), {}
    for at, job in sorted(jobs.items(), key=lambda one: (rule(one[1]), one[0])):
        ahead = free[job.arrives :]
        busy = np.concatenate([[0], np.cumsum(ahead < job.gang)])
        last = len(ahead) - job.full
        fits = (busy[job.full : job.full + last] == busy[:last]) & (ahead[job.full :] >= job.rest)
        if not fits.any():
            placed[at] = (job, NEVER)
            continue
        start = job.arrives + int(fits.argmax())
        free[start : start + job.full] -= job.gang
        free[start + job.full] -= job.rest
        placed[at] = (job, start)
    return placed, free


def _readiness(placed: dict[int, tuple[_Job, int]]) -> tuple[int, int]:
    """Return the day on which the last of the jobs is ready, and the sum of the days on which each is ready."""
    ready = [start + job.days for job, start in placed.values()]
    return max(ready), sum(ready)


def _shifts(jobs: list[_Job], starts: list[int]) -> list[tuple[Shift, ...]]:
    """Assign crew numbers to each job: the lowest ones that are free on its first day, which it keeps.

    The work of a crew on a unit is an interval of days. Intervals that are numbered in the order of their first days
    never need more numbers than the largest number of intervals on one day.
    """
    shifts: list[tuple[Shift, ...]] = [()] * len(jobs)
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    known = 0
    working = (at for at, job in enumerate(jobs) if job.gang and starts[at] < NEVER)
    for at in sorted(working, key=lambda at: (starts[at], at)):
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


def _bound(jobs: list[_Job], crews: _Crews, phase: int) -> int:
    """Return a lower bound of the day on which all units up to a phase are ready, for any schedule.

    The bound is the later of two: one unit by unit, and one for all crews together. All units that arrive on day r or
    later are installed by crews that work from day r on, however they divide the work.
    """
    mine = sorted((job for job in jobs if job.phase <= phase), key=lambda job: -job.arrives)
    bound = max((job.soonest for job in mine), default=0)
    if bound >= NEVER or math.isinf(crews.most) or crews.most == 0:
        return bound
    work = np.cumsum([job.work for job in mine])
    pool = [crews.first_day(job.arrives, int(done)) for job, done in zip(mine, work, strict=True)]
    return max(bound, *pool) if pool else bound
