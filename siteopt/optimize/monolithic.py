"""The best of all sites as one MILP over all sites and days, a stage for each objective.

Slow, and independent of the search's argument that later days never hurt: the two must agree.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from siteopt.instance import Pool
from siteopt.optimize.bounds import bounds
from siteopt.optimize.formulation import COST, Model, build
from siteopt.optimize.search import Progress, Report
from siteopt.optimize.single import Clock, OutOfTime, plan_of
from siteopt.optimize.solver import Outcome, solver_version
from siteopt.plan import LISTED, Ranking, RunOutcome, SitePlan, SiteResult, Stage, Standing


def monolithic(pool: Pool, clock: Clock | None = None, report: Report | None = None) -> Ranking:
    """One MILP for each objective in turn, the earlier ones held. Only the chosen site gets a plan."""
    clock = clock or Clock()
    case = pool.exact(np.arange(len(pool.site_id)))
    limits = bounds(case)
    low, high = limits.day.copy(), np.full(case.milestones, case.horizon_day)
    stages: list[Stage] = []
    held, outcome = case, RunOutcome.PROVEN
    model: Model | None = None
    try:
        for goal in case.order:
            days = {
                (int(s), m): range(int(low[s, m]), int(high[m]) + 1)
                for s in np.flatnonzero((low <= high).all(axis=1))
                for m in range(case.milestones)
            }
            model = build(held, days, goal) if days else None
            result = clock.solve(model.problem) if model else None
            if model is None or result is None or result.outcome is not Outcome.OPTIMAL:
                outcome, model = RunOutcome.NO_SITE, None
                break
            if goal == COST:
                stages.append(Stage("cost", result.objective, result.bound, result.gap))
                held = replace(case, budget_musd=result.objective + 1e-9 * abs(result.objective))
            else:
                day = round(result.objective)
                stages.append(Stage(case.milestone[goal], day, math.ceil(result.bound - 1e-6), result.gap))
                low[:, goal] = np.where(low[:, goal] <= day, day, low[:, goal])
                high[goal] = day
            if report:
                report(Progress(len(stages), len(case.order), "stages", "", clock.solves, clock.elapsed))
    except OutOfTime:
        outcome, model = RunOutcome.LIMIT, None
    standing = {
        RunOutcome.PROVEN: Standing.RULED_OUT,
        RunOutcome.NO_SITE: Standing.CANNOT_SERVE,
        RunOutcome.LIMIT: Standing.OPEN,
    }[outcome]
    results = {s: SiteResult(case.site_id[s], standing, limits.day[s], limits.cost_musd[s]) for s in range(case.sites)}
    first = []
    if model is not None:
        chosen = next(s for (s, m, _), var in model.start.items() if m == 0 and var.varValue > 0.5)
        best = SitePlan(case.take(np.array([chosen])), plan_of(model, chosen), tuple(stages))
        first = [SiteResult(case.site_id[chosen], Standing.CHOSEN, limits.day[chosen], best.cost_bound_musd, best)]
        del results[chosen]
    return Ranking(
        outcome,
        (*first, *results.values())[:LISTED],
        case.sites,
        1,
        "monolithic",
        solver_version(),
        clock.solves,
        clock.elapsed,
        {},
    )
