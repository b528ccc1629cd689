"""Find the most GPUs that can train by a day: proven for the first sites, and bounded for all others.

With the same units, fewer GPUs need less of everything. So feasibility is monotone in the number of GPUs, and bisection
is exact (``docs/model.md``, *Capacity by a date*). Each trial is one small MILP of one site with its day fixed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from siteopt.instance import QUEUES, Instance, Ints, Pool
from siteopt.optimize.batches import BATCH
from siteopt.optimize.bottleneck import RESOURCES, SEVERAL, to_relax
from siteopt.optimize.bounds import allowed, bounds, sources
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.formulation import NEEDS
from siteopt.optimize.screening import chunks
from siteopt.optimize.search import Progress, Report
from siteopt.plan import LISTED, Capacities, CapacityPoint, Plan, SiteCapacity
from siteopt.record.base import RunOutcome
from siteopt.record.reason import Reason, ReasonCode, because

FINE, COARSE, PAIRS = 100, 4, 1_000_000
"""Most and fewest numbers of GPUs that are bounded at once, and how many pairs of a site and a number if possible."""


class Question(Protocol):
    """The question of a scenario for any number of GPUs, in place of the milestones of the scenario."""

    @property
    def site_id(self) -> Sequence[str]:
        """Return the ids of the eligible sites, sorted."""

    def pool(self, gpus: Sequence[int]) -> Pool:
        """Return the pool of all sites, with a milestone for each of these rising numbers of GPUs."""

    def instance(self, site_id: str, gpus: Sequence[int]) -> Instance:
        """Return the Instance of one site, with a milestone for each of these rising numbers of GPUs."""


@dataclass(frozen=True)
class _Range:
    """What is known of the most GPUs of a site by a day: a plan for ``low``, and no plan for more than ``high``."""

    low: int
    high: int
    instance: Instance | None = None
    plan: Plan | None = None


def capacities(
    question: Question,
    most: int,
    day: int,
    days: Sequence[int],
    clock: Clock | None = None,
    report: Report | None = None,
    top: int = 3,
    workers: int | None = None,
) -> Capacities:
    """Return the sites that can train the most GPUs by a day, with their capacity on other days.

    Ties go to the smaller site_id.

    Parameters
    ----------
    most : int
        Most GPUs that any site can train, such as those that are ever delivered.
    day : int
        Day by which the GPUs train.
    days : sequence of int
        Days of the curve, rising; ``day`` is one of them.
    clock : Clock, optional
        When its time is up, what is known so far is returned, and the outcome is LIMIT.
    report : callable, optional
        Called after each batch of solved sites.
    top : int
        Number of sites to prove.
    workers : int, optional
        Number of threads; by default the number of processors. The answer does not depend on it.
    """
    clock = clock or Clock()
    with ThreadPoolExecutor(workers or os.cpu_count()) as threads:
        search = _Search(question, most, day, clock, threads, top, np.full(len(question.site_id), most))
        search.solve(report)
        return search.capacities(days)


class _Site:
    """The questions about one site, whose Instances are kept by their numbers of GPUs."""

    def __init__(self, question: Question, most: int, s: int, clock: Clock) -> None:
        self._question, self._most, self._site_id, self._clock = question, most, question.site_id[s], clock
        self._instances: dict[tuple[int, ...], Instance] = {}

    def narrowed(self, day: int, known: _Range, least: int = 0) -> _Range:
        """Return the range by a day after trials, each of which is a MILP.

        The trials end if one number is left, if fewer than ``least`` are left, if the time is up, or if the solver
        contradicts itself. The first trial is ``least`` if it is given, and otherwise the largest number.
        """
        known = self._bounded(day, known)
        trial = max(known.low + 1, least) if least else known.high
        try:
            while known.low < known.high and known.high >= least and not self._clock.is_over:
                instance = self._instance(trial)
                plan = FixedDays(instance, [day], self._clock).any_plan()
                known = replace(known, high=trial - 1) if plan is None else _Range(trial, known.high, instance, plan)
                trial = (known.low + known.high + 1) // 2
        except OutOfTime:
            pass
        return known

    def curve(self, days: Sequence[int], before: _Range, after: _Range) -> Iterator[tuple[int, _Range]]:
        """Yield rising days with their ranges, given those of a day before and of a day after all of them.

        The middle day comes first: days between two days of equal capacity need no trials.
        """
        if days:
            middle = len(days) // 2
            here = self.narrowed(days[middle], replace(before, high=after.high))
            yield from self.curve(days[:middle], before, here)
            yield days[middle], here
            yield from self.curve(days[middle + 1 :], here, after)

    def limited_by(self, day: int, known: _Range) -> Reason | None:
        """Return what keeps one GPU more from training by a day; None if this is not known."""
        if known.low == self._most:
            return because(ReasonCode.LIMIT, limit="GPU deliveries")
        if known.low < known.high:
            return None
        more = self._instance(known.low + 1)
        try:
            reason = to_relax(more, day, self._clock, (QUEUES, RESOURCES, NEEDS))
        except OutOfTime:
            return None
        there = sources(more, more.requirements)
        short = [one.name for one in there if one.supplied_by(np.array([day]), 0)[0] < one.least[0, 0]]
        return (
            because(ReasonCode.LIMITS_TOGETHER, limits=tuple(short)) if reason == SEVERAL and len(short) > 1 else reason
        )

    def _bounded(self, day: int, known: _Range) -> _Range:
        """Return a range without the numbers that the bounds of arithmetic rule out."""
        low, high = 0, self._most
        while max(low, known.low) < min(high, known.high) and not self._clock.is_over:
            trials = _spread(low, high, FINE)
            fits = int((bounds(self._instance(*trials)).day[0] <= day).sum())
            low, high = [low, *trials][fits], [*trials, high + 1][fits] - 1
        return replace(known, high=min(high, known.high))

    def _instance(self, *gpus: int) -> Instance:
        if gpus not in self._instances:
            self._instances[gpus] = self._question.instance(self._site_id, gpus)
        return self._instances[gpus]


@dataclass
class _Search:
    """Search for the sites that can train the most GPUs by a day.

    Attributes
    ----------
    high : S, most GPUs that are not ruled out at each site
    known : ranges of the sites that were solved, by the index of the site
    sites : the sites that were solved, by their index
    """

    question: Question
    most: int
    day: int
    clock: Clock
    threads: ThreadPoolExecutor
    top: int
    high: Ints
    known: dict[int, _Range] = field(default_factory=dict)
    sites: dict[int, _Site] = field(default_factory=dict)

    def solve(self, report: Report | None) -> None:
        """Bound all sites, and solve those with the largest bounds until no other can be among the first.

        A batch is of one size, whatever the number of threads, so that the answer does not depend on them. If many
        sites are open, they are first asked by arithmetic whether they could have more GPUs than the last of the first.
        """
        count, asked = len(self.high), 0
        self._bound(np.arange(count), _spread(0, self.most, max(COARSE, min(FINE, PAIRS // max(1, count)))))
        while not self.clock.is_over and len(is_open := self._open()):
            cutoff = self._cutoff()
            enough = 0 if cutoff is None else -cutoff[0]
            if asked < enough < self.most and len(is_open) > FINE:
                asked = enough
                self._bound(is_open, [enough + 1])
                continue
            batch = is_open[:BATCH].tolist()
            self.sites |= {s: _Site(self.question, self.most, s, self.clock) for s in batch}
            least = [0 if cutoff is None else enough + (s > cutoff[1]) for s in batch]
            for s, found in zip(batch, self.threads.map(self._narrowed, batch, least), strict=True):
                self.known[s], self.high[s] = found, found.high
            if report:
                first = self.question.site_id[self._ranked()[0]] if self._ranked() else ""
                done, every = len(self.known), len(self.question.site_id)
                report(Progress(done, every, "sites", first, self.clock.solves, self.clock.elapsed))

    def capacities(self, days: Sequence[int]) -> Capacities:
        """Return what is known of all sites, with the curves of the first."""
        ranked = self._ranked()
        solved = self.threads.map(lambda s: self._site(s, ranked.index(s) + 1, days), ranked)
        sites = [*solved, *map(self._other, self._others(ranked)[: LISTED - len(ranked)].tolist())]
        return Capacities(self._outcome(ranked, sites), tuple(sites), len(self.question.site_id))

    def _bound(self, sites: Ints, trials: Sequence[int]) -> None:
        """Bound sites by arithmetic, for some rising numbers of GPUs at once."""
        pool = self.question.pool(trials)
        upper = np.array([*trials, self.most + 1]) - 1

        def one(chunk: Ints) -> None:
            fits = allowed(pool.optimistic(chunk), self.day).sum(axis=1)
            self.high[chunk] = np.minimum(self.high[chunk], upper[fits])

        list(self.threads.map(one, [sites[chunk] for chunk in chunks(np.arange(len(sites)))]))

    def _narrowed(self, s: int, least: int) -> _Range:
        return self.sites[s].narrowed(self.day, _Range(0, int(self.high[s])), least)

    def _by_bound(self) -> Ints:
        return np.lexsort((np.arange(len(self.high)), -self.high))

    def _open(self) -> Ints:
        """Return the unsolved sites that may come before the last of the first, the largest bounds first."""
        first, last = self._cutoff() or (0, -1)
        order = self._by_bound()
        order = order[~np.isin(order, list(self.known))]
        return order[(-self.high[order] < first) | ((-self.high[order] == first) & (order < last))]

    def _cutoff(self) -> tuple[int, int] | None:
        """Return the place in the ranking of the last of the first ``top`` sites; None if fewer are known."""
        ranked = self._ranked()
        return (-self.known[ranked[-1]].low, ranked[-1]) if len(ranked) == self.top else None

    def _ranked(self) -> list[int]:
        """Return the first ``top`` sites with a plan, the largest plan first."""
        able = [s for s, known in self.known.items() if known.low]
        return sorted(able, key=lambda s: (-self.known[s].low, s))[: self.top]

    def _others(self, ranked: Sequence[int]) -> Ints:
        """Return all other sites, by their bounds."""
        order = self._by_bound()
        return order[~np.isin(order, ranked)]

    def _site(self, s: int, rank: int, days: Sequence[int]) -> SiteCapacity:
        site, known, place = self.sites[s], self.known[s], days.index(self.day)
        earlier = site.curve(days[:place], _Range(0, 0), known)
        later = site.curve(days[place + 1 :], known, _Range(0, self.most))
        curve = [*earlier, (self.day, known), *later]
        points = tuple(_point(day, found) for day, found in curve)
        return SiteCapacity(self.question.site_id[s], rank, points[place], points, site.limited_by(self.day, known))

    def _other(self, s: int) -> SiteCapacity:
        known = self.known.get(s, _Range(0, int(self.high[s])))
        return SiteCapacity(self.question.site_id[s], None, _point(self.day, known))

    def _outcome(self, ranked: Sequence[int], sites: Sequence[SiteCapacity]) -> RunOutcome:
        if not ranked and not self.high.any():
            return RunOutcome.NO_SITE
        last = self._cutoff() or (0, -1)
        ahead = [s for s in self._others(ranked)[:1] if (-int(self.high[s]), s) < last]
        proven = all(point.proven for site in sites for point in site.curve)
        return RunOutcome.PROVEN if proven and not ahead else RunOutcome.LIMIT


def _point(day: int, known: _Range) -> CapacityPoint:
    return CapacityPoint(day, known.low, known.high, known.instance, known.plan)


def _spread(low: int, high: int, count: int) -> list[int]:
    """Return at most ``count`` whole numbers above ``low``, evenly spread; ``high`` is the last."""
    found: list[int] = np.unique(np.linspace(low, high, min(count, high - low) + 1).round().astype(np.int64))[
        1:
    ].tolist()
    return found
