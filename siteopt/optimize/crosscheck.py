"""The chosen plan against a second solver: the same cost, and no earlier days."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from siteopt.instance import Ints
from siteopt.optimize.bounds import bounds
from siteopt.optimize.formulation import COST
from siteopt.optimize.single import fixed, followed
from siteopt.optimize.solver import Outcome, second_opinion, second_solver
from siteopt.plan import SitePlan

SAME = 1e-4
"""Costs that differ by less (million USD, a hundred US dollars) are the same to two solvers."""


@dataclass(frozen=True)
class CrossCheck:
    """What a second solver says of a plan.

    Attributes
    ----------
    solver : str
    agrees : bool
        It found no cheaper plan on these days, none for the days before, and nothing impossible.
    finished : bool
        It proved so itself; else it contradicts nothing as far as it came.
    cost_musd : float or None
        Of its best plan on these days, where it found one.
    earlier_days_refuted : tuple of str
        Milestones of which it proved that they cannot start a day sooner; the others are at their bound already.
    seconds : float
    """

    solver: str
    agrees: bool
    finished: bool
    cost_musd: float | None
    earlier_days_refuted: tuple[str, ...]
    seconds: float


def cross_check(found: SitePlan, seconds: float, stop: threading.Event | None = None) -> CrossCheck:
    """Solve the cost on the plan's days with a second solver, and try the day before for each milestone.

    Parameters
    ----------
    seconds : float
        Time limit of each solve.
    stop : threading.Event, optional
        Set it to end the check with what it has.

    Raises
    ------
    SolverError
        Where there is no second solver for this machine, or it fails.
    """
    begin = time.monotonic()
    case, plan = found.case, found.plan
    cost = second_opinion(fixed(case, plan.day, COST).problem, seconds, stop)
    lowest = found.cost_musd - SAME
    agrees = cost.outcome is not Outcome.INFEASIBLE and not cost.objective < lowest
    same = cost.outcome is Outcome.OPTIMAL and abs(cost.objective - found.cost_musd) <= SAME
    finished, refuted = same, []
    agrees &= same or cost.outcome is Outcome.LIMIT
    for m, sooner in _days_before(found):
        tried = second_opinion(fixed(case, sooner).problem, seconds, stop)
        agrees &= not tried.has_plan
        finished &= tried.outcome is not Outcome.LIMIT
        if tried.outcome is Outcome.INFEASIBLE:
            refuted.append(case.milestone[m])
    least = cost.objective if cost.has_plan else None
    return CrossCheck(second_solver(), agrees, finished, least, tuple(refuted), time.monotonic() - begin)


def _days_before(found: SitePlan) -> list[tuple[int, Ints]]:
    """For each milestone that comes before cost in the objective and is not at its bound: the days to refute."""
    case, day = found.case, found.plan.day
    least = bounds(case).day[0]
    goals = case.order[: case.order.index(COST)]
    trials = []
    for place, m in enumerate(goals):
        if day[m] > least[m]:
            trial = [int(day[i]) if i in goals[:place] else case.horizon_day for i in range(case.milestones)]
            trial[m] = int(day[m]) - 1
            trials.append((m, followed(trial)))
    return trials
