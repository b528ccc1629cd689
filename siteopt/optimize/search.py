"""The best of all sites, site by site: the default method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from siteopt.instance import Instance, Ints
from siteopt.optimize.bottleneck import bottlenecks, why_not
from siteopt.optimize.bounds import bounds
from siteopt.optimize.formulation import COST
from siteopt.optimize.single import Best, Clock, OutOfTime, solve_site
from siteopt.optimize.solver import SolverError, solver_version
from siteopt.plan import Ranking, RunOutcome, SiteResult, Standing

SAME_COST_MUSD = 1e-5
"""Costs nearer than this are the same cost: ten US dollars."""

NEAR = 1e-3
"""Relative gap of cost (GPUs apart) that is near enough for a site that cannot be the best."""

Key = tuple[float, ...]


@dataclass(frozen=True)
class Progress:
    """Where a run stands: so many of a total of units (sites or stages) are settled."""

    settled: int
    total: int
    unit: str
    incumbent: str
    solves: int
    seconds: float


Report = Callable[[Progress], None]


def objective_key(case: Instance, days: Ints, cost_musd: float) -> Key:
    """What the objective compares: days and cost in its order, cost in steps of SAME_COST_MUSD."""
    cost = round(cost_musd / SAME_COST_MUSD)
    return tuple(float(cost if goal == COST else days[goal]) for goal in case.order)


def search(case: Instance, seconds: float = math.inf, report: Report | None = None) -> Ranking:
    """Every site's own best plan, best bound first.

    A site whose bound lies beyond the horizon needs no solver. Days are exact at every site; the cost is exact where
    the site may be the best, and elsewhere known between ``cost_bound_musd`` and a plan within NEAR of it. Ties in
    days and cost go to the smaller site_id.

    Parameters
    ----------
    seconds : float
        Time limit. Sites that it leaves unsolved stand as open, and the outcome is LIMIT unless their bounds show
        that none of them can be better than the best that was solved.
    report : callable, optional
        Called after each site.
    """
    clock = Clock(seconds)
    limits = bounds(case)
    least_cost = case.site_cost_musd + case.gpu_cost_musd
    bound = [objective_key(case, limits.day[s], least_cost[s]) for s in range(case.sites)]
    found: dict[int, Best] = {}
    results: dict[int, SiteResult] = {}

    def rank(s: int) -> tuple[Key, int]:
        plan = found[s].plan
        return objective_key(case, plan.day, plan.cost_musd(case)), s

    queue = sorted(range(case.sites), key=lambda s: (bound[s], s))
    for s in queue:
        result = SiteResult(s, Standing.OPEN, limits.day[s])
        try:
            best = solve_site(case, s, limits.day[s], clock, NEAR)
            if best is None:
                result = replace(result, standing=Standing.CANNOT_SERVE)
                result = replace(result, reason=why_not(case, s, limits, clock))
            else:
                found[s] = best
                held = bottlenecks(case, best.plan, limits, clock)
                result = replace(result, standing=Standing.SOLVED, bottleneck=held)
        except OutOfTime:
            pass
        results[s] = result
        if report:
            incumbent = case.site_id[min(found, key=rank)] if found else ""
            report(Progress(len(results), case.sites, "sites", incumbent, clock.solves, clock.elapsed))
    try:
        _close(case, found, rank, clock)
        proven = True
    except OutOfTime:
        proven = False
    for s, best in found.items():
        results[s] = replace(results[s], plan=best.plan, cost_bound_musd=_cost_bound(best))
    order = sorted(found, key=rank)
    still_open = [s for s in queue if results[s].standing is Standing.OPEN]
    if not proven or any(not order or (bound[s], s) < rank(order[0]) for s in still_open):
        outcome = RunOutcome.LIMIT
    else:
        outcome = RunOutcome.PROVEN if order else RunOutcome.NO_SITE
    if order:
        results[order[0]] = replace(results[order[0]], standing=Standing.CHOSEN)
    cannot = sorted(s for s in queue if results[s].standing is Standing.CANNOT_SERVE)
    return Ranking(
        outcome,
        tuple(results[s] for s in (*order, *still_open, *cannot)),
        found[order[0]].stages if order else (),
        "search",
        solver_version(),
        clock.solves,
        clock.elapsed,
    )


def _close(case: Instance, found: dict[int, Best], rank: Callable[[int], tuple[Key, int]], clock: Clock) -> None:
    """Close the gap of every site that may be the best, so that the best is proven."""
    exact = {s for s, best in found.items() if all(stage.gap == 0 for stage in best.stages)}
    while found:
        leader = min(found, key=rank)
        least = {s: (objective_key(case, best.plan.day, _cost_bound(best)), s) for s, best in found.items()}
        rivals = [s for s in found if s not in exact and least[s] <= rank(leader)]
        if not rivals:
            return
        s = min(rivals, key=least.__getitem__)
        closed = solve_site(case, s, found[s].plan.day, clock)
        if closed is None:
            raise SolverError(f"site {case.site_id[s]} lost its plan")
        found[s] = closed
        exact.add(s)


def _cost_bound(best: Best) -> float:
    return next(stage.bound for stage in best.stages if stage.goal == "cost")
