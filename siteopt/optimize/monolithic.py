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
from siteopt.optimize.single import Clock, OutOfTime, plan_of, tidied
from siteopt.optimize.solver import solver_version
from siteopt.plan import LISTED, Ranking, RunOutcome, SitePlan, SiteResult, Stage, Standing, relative_gap


def monolithic(pool: Pool, clock: Clock | None = None, report: Report | None = None) -> Ranking:
    """One MILP for each objective in turn, the earlier ones held. Only the chosen site gets a plan."""
    clock = clock or Clock()
    case = pool.exact(np.arange(len(pool.site_id)))
    limits = bounds(case)
    low, high = limits.day.copy(), np.full(case.milestones, case.horizon_day)
    stages: list[Stage] = []
    held, outcome = case, RunOutcome.PROVEN
    model: Model | None = None  # the last one with a plan
    for goal in case.order:
        days = {
            (int(s), m): range(int(low[s, m]), int(high[m]) + 1)
            for s in np.flatnonzero((low <= high).all(axis=1))
            for m in range(case.milestones)
        }
        trial = build(held, days, goal) if days else None
        try:
            result = clock.solve(trial.problem) if trial is not None else None
        except OutOfTime as end:
            result, outcome = end.result, RunOutcome.LIMIT
        if result is None or not result.has_plan:
            outcome = outcome if outcome is RunOutcome.LIMIT else RunOutcome.NO_SITE
            break
        model = trial
        value, bound = result.objective, result.bound
        if goal != COST:
            value, bound = round(value), math.ceil(bound - 1e-6)
            low[:, goal] = np.where(low[:, goal] <= value, value, low[:, goal])
            high[goal] = value
        else:
            held = replace(case, budget_musd=value + 1e-9 * abs(value))
        stages.append(Stage("cost" if goal == COST else case.milestone[goal], value, bound, relative_gap(value, bound)))
        if outcome is RunOutcome.LIMIT:
            break
        if report:
            report(Progress(len(stages), len(case.order), "stages", "", clock.solves, clock.elapsed))
    standing = {
        RunOutcome.PROVEN: Standing.RULED_OUT,
        RunOutcome.NO_SITE: Standing.CANNOT_SERVE,
        RunOutcome.LIMIT: Standing.OPEN,
    }[outcome]
    results = {s: SiteResult(case.site_id[s], standing, limits.day[s], limits.cost_musd[s]) for s in range(case.sites)}
    first = []
    if model is not None:
        chosen = next(s for (s, m, _), var in model.start.items() if m == 0 and var.varValue > 0.5)
        one, plan = case.take(np.array([chosen])), plan_of(model, chosen)
        best = SitePlan(one, plan, tuple(stages), outcome is RunOutcome.PROVEN)
        best = tidied(best, clock) if best.proven else best
        first = [SiteResult(case.site_id[chosen], Standing.CHOSEN, limits.day[chosen], best.cost_bound_musd, best)]
        del results[chosen]
    return Ranking(
        outcome,
        (*first, *results.values())[:LISTED],
        tuple(stages) if first else (),
        case.sites,
        1,
        "monolithic",
        solver_version(),
        0,
        clock.solves,
        clock.elapsed,
        {},
    )
