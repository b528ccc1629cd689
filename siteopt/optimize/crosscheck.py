"""Check the chosen plan with a second solver.

The second solver is not trusted more than the first one: only a plan that holds decides.
"""

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
"""Costs of two solvers that differ by less than this (million USD) count as equal: a hundred US dollars."""


@dataclass(frozen=True)
class CrossCheck:
    """Result of checking a plan with a second solver.

    Attributes
    ----------
    solver : str
        Name and version of the second solver.
    agrees : bool
        Whether it found no better plan that holds: none that is cheaper on these days, and none a day earlier. Also
        False if the given plan does not hold and the solver ended with a more expensive plan or none.
    finished : bool
        Whether it proved this. If False, it found no contradiction before its time ran out.
    mistaken : bool
        Whether it called a more expensive plan optimal, or found no plan possible, although the given plan holds.
    cost_musd : float or None
        Cost of its best plan on these days, if it found one that holds.
    earlier_days_refuted : tuple of str
        Milestones for which it proved that they cannot start a day earlier. Milestones at their bound, or after cost
        in the objective, are not tried.
    seconds : float
        Time that the check took.
    """

    solver: str
    agrees: bool
    finished: bool
    mistaken: bool
    cost_musd: float | None
    earlier_days_refuted: tuple[str, ...]
    seconds: float


def cross_check(found: SitePlan, seconds: float, stop: threading.Event | None = None) -> CrossCheck:
    """Find the least cost on the plan's days with a second solver, and try the day before for each milestone.

    Parameters
    ----------
    seconds : float
        Time limit of each solve.
    stop : threading.Event, optional
        Set it to end the check with the results so far.

    Raises
    ------
    SolverError
        If there is no second solver for this machine, or it fails.
    """
    begin, instance = time.monotonic(), found.instance

    def asked(days: Ints) -> tuple[Solve, float | None]:
        """Return the answer of the solver for these days, and the cost of its plan if that plan holds."""
        on = FixedDays(instance, days, Clock())
        said = second_opinion(on.model.problem, seconds, stop)
        plan = None if said.values is None else on.finish(said.values)
        return said, None if plan is None else plan[1]

    said, cost = asked(found.plan.day)
    ended, holds = said.outcome is not Outcome.LIMIT, certify(instance, found.plan).valid
    dearer = ended and (cost is None or cost > found.cost_musd + SAME)
    agrees = (cost is None or cost > found.cost_musd - SAME) and (holds or not dearer)
    finished, refuted = ended and not dearer, []
    for m, sooner in _days_before(found):
        tried, cheapest = asked(sooner)
        within = cheapest is not None and cheapest <= instance.most_musd
        agrees &= not within
        none = tried.outcome is Outcome.INFEASIBLE or (tried.outcome is Outcome.OPTIMAL and not within)
        finished &= none
        if none:
            refuted.append(instance.milestone[m])
    return CrossCheck(
        second_solver(), agrees, finished, dearer and holds, cost, tuple(refuted), time.monotonic() - begin
    )


def _days_before(found: SitePlan) -> list[tuple[int, Ints]]:
    """Return each milestone that has an earlier day to refute, with the days to try.

    These are the milestones that come before cost in the objective and are not at their bound.
    """
    instance, day = found.instance, found.plan.day
    least = bounds(instance).day[0]
    goals = instance.order[: instance.order.index(COST)]
    trials = []
    for place, m in enumerate(goals):
        if day[m] > least[m]:
            trial = [int(day[i]) if i in goals[:place] else instance.horizon_day for i in range(instance.milestones)]
            trial[m] = int(day[m]) - 1
            trials.append((m, followed(trial)))
    return trials
