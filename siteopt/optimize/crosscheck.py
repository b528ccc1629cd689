"""The chosen plan against a second solver, whose word counts no more than that of the first: a plan decides."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from siteopt.instance import Ints
from siteopt.optimize.bounds import bounds
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays, followed
from siteopt.optimize.formulation import COST
from siteopt.optimize.solver import Outcome, Solve, second_opinion, second_solver
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
        It found no plan that holds and is better: cheaper on these days, or a day sooner.
    finished : bool
        It proved so itself; else it contradicts nothing as far as it came.
    mistaken : bool
        It called a dearer plan optimal, or said that there is none, where the plan that was found holds.
    cost_musd : float or None
        Of its best plan on these days, where it found one that holds.
    earlier_days_refuted : tuple of str
        Milestones of which it proved that they cannot start a day sooner; the others are at their bound already.
    seconds : float
    """

    solver: str
    agrees: bool
    finished: bool
    mistaken: bool
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
    begin, case = time.monotonic(), found.case

    def asked(days: Ints) -> tuple[Solve, float | None]:
        """Return what the solver says of these days, and the cost of its plan where that holds."""
        on = FixedDays(case, days, Clock())
        said = second_opinion(on.model.problem, seconds, stop)
        plan = None if said.values is None else on.finish(said.values)
        return said, None if plan is None else plan[1]

    said, cost = asked(found.plan.day)
    ended, holds = said.outcome is not Outcome.LIMIT, certify(case, found.plan).valid
    dearer = ended and (cost is None or cost > found.cost_musd + SAME)
    agrees = (cost is None or cost > found.cost_musd - SAME) and (holds or not dearer)
    finished, refuted = ended and not dearer, []
    for m, sooner in _days_before(found):
        tried, cheapest = asked(sooner)
        within = cheapest is not None and cheapest <= case.most_musd
        agrees &= not within
        none = tried.outcome is Outcome.INFEASIBLE or (tried.outcome is Outcome.OPTIMAL and not within)
        finished &= none
        if none:
            refuted.append(case.milestone[m])
    return CrossCheck(
        second_solver(), agrees, finished, dearer and holds, cost, tuple(refuted), time.monotonic() - begin
    )


def _days_before(found: SitePlan) -> list[tuple[int, Ints]]:
    """Return the days to refute for each milestone that comes before cost in the objective and is not at its bound."""
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
