"""The best plan of one site: small MILPs with the days fixed.

With the days fixed, a site is a small integer program; and what is feasible on some days is feasible on later ones
(grids only rise, units only arrive, rent runs over a fixed term). So bisection on each day in turn is exact.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pulp

from siteopt.instance import Instance, Ints
from siteopt.optimize.certificate import certify
from siteopt.optimize.formulation import COST, FAMILIES, Model, build
from siteopt.optimize.solver import Outcome, Solve, SolverError, solve
from siteopt.plan import Plan, Stage

INTEGRALITY = 1e-5
"""How far from a whole number the solver may leave an integer variable."""

Families = tuple[Callable[[Model], None], ...]


class OutOfTime(Exception):
    """The time limit was reached."""


@dataclass
class Clock:
    """The time that is left, and the number of MILPs solved."""

    seconds: float = math.inf
    started: float = field(default_factory=time.monotonic)
    solves: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def solve(self, problem: pulp.LpProblem, gap: float = 0.0) -> Solve:
        """Solve within the time left, to a relative gap.

        Raises
        ------
        OutOfTime
            Where the limit came before a proof.
        """
        left = self.seconds - self.elapsed
        if left <= 0:
            raise OutOfTime
        self.solves += 1
        result = solve(problem, left, gap)
        if result.outcome is Outcome.LIMIT:
            raise OutOfTime
        return result


@dataclass(frozen=True)
class Best:
    """A site's best plan, and the proof of each stage."""

    plan: Plan
    stages: tuple[Stage, ...]


def plan_of(model: Model, site: int) -> Plan:
    """The plan that the solved variables of a model hold for the site that is taken.

    Raises
    ------
    SolverError
        Where the plan does not pass its certificate.
    """
    case = model.instance
    shape = (case.offers, case.milestones)
    units, output, heat = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    step = np.zeros((len(case.step_site), case.milestones), dtype=bool)
    day = np.zeros(case.milestones, dtype=np.int64)
    for (s, m, t), variable in model.start.items():
        if s == site and variable.varValue > 0.5:
            day[m] = t
    for target, source in ((units, model.units), (output, model.output_mw), (heat, model.heat_mw)):
        for (o, s, m), variable in source.items():
            if s == site:
                value = max(0.0, variable.varValue)
                target[o, m] = _whole(value) if target is units else value
    for (index, s, m), variable in model.step.items():
        if s == site:
            step[index, m] = bool(_whole(variable.varValue))
    grid = range(case.milestones)
    imported = np.array([max(0.0, model.import_mw[site, m].varValue) for m in grid])
    demand = np.array([model.demand_mw[site, m].varValue for m in grid])
    plan = Plan(site, day, units, step, output, imported, heat, demand)
    certificate = certify(case, plan)
    if not certificate.valid:
        raise SolverError(f"the solver's plan breaks {certificate.violations[0]}")
    return plan


def _whole(value: float) -> int:
    """An integer variable's value, which the solver gives within its tolerance."""
    if abs(value - round(value)) > INTEGRALITY:
        raise SolverError(f"the solver's plan has {value} where a whole number is due")
    return round(value)


def attempt(
    case: Instance,
    site: int,
    days: Sequence[int] | Ints,
    clock: Clock,
    goal: int | None = None,
    families: Families = FAMILIES,
    gap: float = 0.0,
) -> tuple[Model, Solve]:
    """Solve one site with its days fixed."""
    model = build(case, {(site, m): [int(day)] for m, day in enumerate(days)}, goal, families)
    return model, clock.solve(model.problem, gap)


def feasible(case: Instance, site: int, days: Sequence[int], clock: Clock, families: Families = FAMILIES) -> bool:
    """Whether the site can start its milestones on these days."""
    return attempt(case, site, days, clock, None, families)[1].outcome is Outcome.OPTIMAL


def solve_site(case: Instance, site: int, earliest: Ints, clock: Clock, gap: float = 0.0) -> Best | None:
    """The site's best plan in the order of the objective, or None where it cannot serve.

    Parameters
    ----------
    earliest : M
        Lower bounds of the days.
    gap : float
        Relative gap that is near enough for cost, where cost comes last. Days are always exact.
    """
    if (earliest > case.horizon_day).any():
        return None
    if case.order[-1] == COST:
        model, result = attempt(case, site, earliest, clock, COST, gap=gap)
        if result.outcome is Outcome.OPTIMAL:  # every day at its bound: nothing can be better
            return Best(plan_of(model, site), _stages(case, earliest, result))
    settled: dict[int, int] = {}
    if not feasible(case, site, _latest(case, settled), clock):
        return None
    limited = case
    for goal in case.order:
        if goal != COST:
            settled[goal] = _first_day(limited, site, goal, settled, earliest, clock)
        elif goal != case.order[-1]:
            cost = attempt(limited, site, _latest(case, settled), clock, COST)[1].objective
            limited = replace(case, budget_musd=cost + 1e-9 * abs(cost))
    days = _latest(case, settled)
    model, result = attempt(limited, site, days, clock, COST, gap=gap if case.order[-1] == COST else 0.0)
    return Best(plan_of(model, site), _stages(case, days, result))


def _stages(case: Instance, days: Sequence[int] | Ints, cost: Solve) -> tuple[Stage, ...]:
    return tuple(
        Stage("cost", cost.objective, cost.bound, cost.gap)
        if goal == COST
        else Stage(case.milestone[goal], float(days[goal]), float(days[goal]), 0.0)
        for goal in case.order
    )


def _latest(case: Instance, settled: dict[int, int]) -> list[int]:
    """The latest days that leave the settled ones as they are."""
    days = [settled.get(m, case.horizon_day) for m in range(case.milestones)]
    for m in reversed(range(case.milestones - 1)):
        days[m] = min(days[m], days[m + 1])
    return days


def _first_day(case: Instance, site: int, goal: int, settled: dict[int, int], earliest: Ints, clock: Clock) -> int:
    """The first day on which a milestone can start with the settled ones held: doubling steps, then bisection."""
    low = max([int(earliest[goal]), *(day for m, day in settled.items() if m < goal)])
    high = _latest(case, settled)[goal]
    stride = 1
    trial = low
    while low < high:
        if feasible(case, site, _latest(case, {**settled, goal: trial}), clock):
            high = trial
        else:
            low = trial + 1
        nearby = low + stride
        stride *= 2
        trial = min(nearby, (low + high) // 2) if high > low else low
    return low
