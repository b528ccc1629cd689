"""Find the best of all sites with one MILP over all sites and days, in one stage for each goal of the objective.

This slow method checks the search: it is independent, because it fixes no days and rules out no site, so both must find
the same answer. At the end, its answer is confirmed like that of the search.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from siteopt.instance import Floats, Instance, Ints, Pool
from siteopt.optimize.bounds import Bounds, bounds
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.finishing import Finisher
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.formulation import COST, build
from siteopt.optimize.program import program_of
from siteopt.optimize.search import Progress, Report
from siteopt.optimize.single import canonical
from siteopt.optimize.solver import solver_version
from siteopt.optimize.targets import is_reached, to_serve, to_win
from siteopt.optimize.whole import best_whole
from siteopt.plan import LISTED, Plan, Ranking, SitePlan, SiteResult, Stage, relative_gap
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.proof import Proof
from siteopt.stopwatch import Stopwatch
from siteopt.tolerances import SAME_COST_MUSD, steps_of_cost


@dataclass(frozen=True)
class _Made:
    """A plan, and the Instance of its site only."""

    instance: Instance
    plan: Plan


def monolithic(pool: Pool, clock: Clock | None = None, report: Report | None = None) -> Ranking:
    """Solve one MILP for each goal, with the earlier goals fixed, and return the ranking.

    Only the chosen site gets a plan.
    """
    clock = clock or Clock()
    instance = pool.exact(np.arange(len(pool.site_id)))
    limits = bounds(instance)
    stages: list[Stage] = []
    best, outcome = None, RunOutcome.PROVEN
    try:
        best = _staged(instance, limits, clock, stages, report)
        if _is_contradicted(instance, limits, best, clock):
            outcome = RunOutcome.LIMIT
        elif best is None:
            outcome = RunOutcome.NO_SITE
        else:
            best = _first_of_equals(instance, limits, best, clock)
    except _Unfinished as end:
        best, outcome = end.made, RunOutcome.LIMIT
    standing = {
        RunOutcome.PROVEN: Standing.NOT_RANKED,
        RunOutcome.NO_SITE: Standing.CANNOT_SERVE,
        RunOutcome.LIMIT: Standing.UNDECIDED,
    }[outcome]
    results = {
        site: SiteResult(site, standing, limits.day[s], limits.cost_musd[s]) for s, site in enumerate(instance.site_id)
    }
    first = []
    if best is not None:
        chosen = best.instance.site_id[0]
        found = SitePlan(best.instance, best.plan, tuple(stages), outcome is RunOutcome.PROVEN)
        found = canonical(found, clock) if found.proven else found
        first = [
            replace(results.pop(chosen), standing=Standing.CHOSEN, cost_bound_musd=found.cost_bound_musd, best=found)
        ]
    return Ranking(
        outcome,
        (*first, *results.values())[:LISTED],
        tuple(stages) if first else (),
        instance.sites,
        1,
        "monolithic",
        solver_version(),
        0,
        clock.solves,
        clock.elapsed,
        {},
        clock.evidence,
        Proof(
            ranks=() if best is None or outcome is RunOutcome.LIMIT else (found.stored(),),
            branchings=clock.stored_branchings(),
        ),
    )


@dataclass
class Monolithic:
    """Solve each pool of the power-quality loop from nothing (see :class:`power_quality_loop.Optimiser`).

    Attributes
    ----------
    found, before : Ranking or None
        Rankings of the last pool and of the one before.
    watch : Stopwatch
        Time spent on all pools.
    """

    clock: Clock
    report: Report | None = None
    found: Ranking | None = None
    before: Ranking | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def is_proven(self) -> bool:
        """Return whether no limit stopped the last solve."""
        return self.found is not None and self.found.outcome is not RunOutcome.LIMIT

    def chosen(self, pool: Pool, raised: Collection[int] = ()) -> SitePlan | None:
        """Return the plan that comes first in a pool, or the best one so far; None if there is none."""
        with self.watch.step("milps"):
            self.before, self.found = self.found, monolithic(pool, self.clock, self.report)
        return self.found.plan

    def contenders(self) -> Ints:
        """Return all sites of the last pool."""
        return np.arange(self.ranking().eligible)

    def best_of(self, site: int) -> SitePlan | None:
        """Return None: only the chosen site has a plan."""

    def settled(self) -> SitePlan | None:
        """Return the chosen plan: its claims are confirmed when it is chosen."""
        return self.ranking().plan

    def ranking(self, earlier: SitePlan | None = None) -> Ranking:
        """Return the ranking of the last pool, or of the one before if the time ran out before there was a plan."""
        assert self.found is not None, "no pool was solved"
        if earlier is not None and self.before is not None and not self.is_proven:
            return replace(self.before, outcome=RunOutcome.LIMIT, steps=self.watch.seconds)
        return replace(self.found, steps=self.watch.seconds)


class _Unfinished(Exception):
    """The time ran out, or the solver contradicted itself. Holds the best plan found so far."""

    def __init__(self, made: _Made | None) -> None:
        super().__init__()
        self.made = made


def _staged(
    instance: Instance, limits: Bounds, clock: Clock, stages: list[Stage], report: Report | None
) -> _Made | None:
    """Solve stage by stage, and return the best plan; None if the solver finds none.

    Raises
    ------
    _Unfinished
        If the time runs out, or the solver loses the plan of an earlier stage.
    """
    low, high, held = limits.day.copy(), np.full(instance.milestones, instance.horizon_day), instance
    best: _Made | None = None
    for goal in instance.order:
        days = {
            (int(s), m): range(int(low[s, m]), int(high[m]) + 1)
            for s in np.flatnonzero((low <= high).all(axis=1))
            for m in range(instance.milestones)
        }
        if not days:
            return None
        try:
            made, value, bound = _solved(held, days, goal, clock)
        except OutOfTime as end:
            if end.plan is not None:
                stages.append(_stage(instance, goal, _value(end.plan, goal), end.bound_musd))
            raise _Unfinished(end.plan or best) from None
        if made is None:
            if best is not None:  # the previous stage has a plan, so the solver is wrong
                raise _Unfinished(best)
            return None
        best = made
        if goal != COST:
            low[:, goal] = np.where(low[:, goal] <= value, value, low[:, goal])
            high[goal] = value
        else:
            held = instance.capped(steps_of_cost(value) * SAME_COST_MUSD)
        stages.append(_stage(instance, goal, value, bound))
        if report:
            report(Progress(len(stages), len(instance.order), "stages", "", clock.solves, clock.elapsed))
    return best


def _dispatched(made: _Made, clock: Clock) -> _Made:
    """Return a plan with the cheapest dispatch of its units.

    A stage whose goal is a day has the budget, or the cost of an earlier stage, as a limit, and its energy may use that
    limit up to the last cent. If such a plan were added up in another order, it could cost too much.
    """
    found = FixedDays(made.instance, made.plan.day, clock).with_units(made.plan.units, made.plan.step)
    return _Made(made.instance, found[0]) if found is not None else made


def _stage(instance: Instance, goal: int, value: float, bound: float) -> Stage:
    """Return a stage; the bound of a day is rounded up to a whole day, and no bound is below 0."""
    bound = max(0.0, bound)
    bound = bound if goal == COST else math.ceil(bound - 1e-6)
    return Stage("cost" if goal == COST else instance.milestone[goal], value, bound, relative_gap(value, bound))


def _value(made: _Made, goal: int) -> float:
    return made.plan.cost_musd(made.instance) if goal == COST else float(made.plan.day[goal])


def _solved(
    instance: Instance, days: dict[tuple[int, int], range], goal: int, clock: Clock
) -> tuple[_Made | None, float, float]:
    """Return a plan with the least value of one goal, that value, and the solver's bound."""
    model = build(instance, days, goal)
    program = program_of(model.problem, model.sizes)
    finisher = Finisher(model, program, ["budget"])  # compared below, with the cheapest dispatch

    def finish(values: Floats) -> tuple[_Made, float] | None:
        found = finisher.finish(values)
        if found is None:
            return None
        made = _dispatched(_Made(*found), clock)
        if made.plan.cost_musd(made.instance) > made.instance.most_musd:
            return None
        return made, _value(made, goal)

    found = best_whole(program, finish, clock)
    return found.plan, found.value, found.bound


def _is_contradicted(instance: Instance, limits: Bounds, best: _Made | None, clock: Clock) -> bool:
    """Return whether a plan contradicts the answer: a better plan at any site, or any plan if the answer has none.

    Raises
    ------
    _Unfinished
        If the time runs out, or the answer can be neither confirmed nor refuted.
    """
    key = None if best is None else SitePlan(best.instance, best.plan, ()).key
    targets = to_serve(instance) if key is None else to_win(instance, key, wins_ties=False)
    try:
        return any(is_reached(one, targets, clock) for one in _in_reach(instance, limits))
    except OutOfTime:
        raise _Unfinished(best) from None


def _first_of_equals(instance: Instance, limits: Bounds, best: _Made, clock: Clock) -> _Made:
    """Return the plan of the first site, by id, that has a plan with the same key; the solver leaves such ties open.

    Raises
    ------
    _Unfinished
        If the time runs out, or if it can be neither confirmed nor refuted that a site has such a plan.
    """
    key = SitePlan(best.instance, best.plan, ()).key
    *_, equal = to_win(instance, key, wins_ties=True)
    try:
        for one in _in_reach(instance, limits):
            if one.site_id >= best.instance.site_id:
                break
            if not equal.is_beyond(bounds(one)) and (plan := equal.on(one, clock).any_plan()) is not None:
                return _dispatched(_Made(one, plan), clock)
    except OutOfTime:
        raise _Unfinished(best) from None
    return best


def _in_reach(instance: Instance, limits: Bounds) -> Iterator[Instance]:
    """Yield the Instance of each site whose bounds lie within the horizon."""
    for s in np.flatnonzero((limits.day <= instance.horizon_day).all(axis=1)):
        yield instance.take(np.array([s]))
