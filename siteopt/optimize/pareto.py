"""Find the Pareto front of days against cost: the least cost of a site by the day on which a milestone starts.

The least cost falls in steps, and each step begins at a breakpoint. The search starts from the last day: it finds the
least cost, then the first day with that cost, then the least cost on earlier days, and so on. Each MILP for the cost
gives one breakpoint, and proves the breakpoint after it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from siteopt.instance import Instance
from siteopt.optimize.bounds import bounds
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.fixed_days import CHEAPER, FixedDays
from siteopt.optimize.formulation import COST
from siteopt.optimize.search import Progress, Report
from siteopt.optimize.single import solve_site
from siteopt.plan import Breakpoint, SiteFront
from siteopt.tolerances import SAME_COST_MUSD, steps_of_cost


def fronts(
    instances: Sequence[Instance],
    milestone: int,
    clock: Clock | None = None,
    report: Report | None = None,
    workers: int | None = None,
) -> tuple[SiteFront, ...]:
    """Return the Pareto front of each site, and mark the breakpoints on the joint front of all sites.

    Parameters
    ----------
    instances : sequence of Instance
        Instances of one site each.
    milestone : int
        Index of the milestone whose days are compared with cost; the others may start on any day that the order of
        milestones and the horizon allow.
    clock : Clock, optional
        When its time is up, the breakpoints found so far are returned with their bounds.
    report : callable, optional
        Called after each site.
    workers : int, optional
        Number of threads; by default the number of processors. The answer does not depend on it.
    """
    clock = clock or Clock()
    found = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as threads:
        for front in threads.map(lambda instance: _walk(instance, milestone, clock), instances):
            found.append(front)
            if report:
                report(Progress(len(found), len(instances), "fronts", "", clock.solves, clock.elapsed))
    return tuple(
        replace(front, breakpoints=tuple(_joined(front, point, found) for point in front.breakpoints))
        for front in found
    )


def _walk(instance: Instance, milestone: int, clock: Clock) -> SiteFront:
    """Return the Pareto front of a site, searched from its last day backwards."""
    first, day = int(bounds(instance).day[0, milestone]), instance.horizon_day
    breakpoints: list[Breakpoint] = []
    complete = False
    try:
        while day >= first and (point := _cheapest(instance, milestone, day, clock)) is not None:
            if breakpoints and point.steps <= breakpoints[0].steps:
                breakpoints.pop(0)  # the same cost on an earlier day, with other units
            breakpoints.insert(0, point)
            day = point.day - 1
        complete = True
    except OutOfTime:
        pass
    return SiteFront(instance, tuple(breakpoints), complete)


def _cheapest(instance: Instance, milestone: int, day: int, clock: Clock) -> Breakpoint | None:
    """Return the breakpoint with the least cost of a milestone by this day; None if it is confirmed to have no plan.

    Its plan starts on the first days that its units allow.

    Raises
    ------
    OutOfTime
        As Undecided if the cost can be neither confirmed nor refuted.
    """
    later = instance.milestones - milestone - 1
    on = FixedDays(instance, [day] * (milestone + 1) + [instance.horizon_day] * later, clock)
    plan = on.cheapest().plan
    if plan is None:
        return None
    plan = on.confirmed(plan)
    cost = plan.cost_musd(instance)
    bought = replace(
        instance.capped(steps_of_cost(cost) * SAME_COST_MUSD),
        available_units=plan.units[:, -1],
        order=(milestone, *(goal for goal in instance.order if goal not in (milestone, COST)), COST),
    )
    soonest = solve_site(bought, clock).best
    if soonest is None:  # only rounding hides the plan found above
        return Breakpoint(day, plan, cost, cost - CHEAPER)
    if not soonest.proven:
        raise OutOfTime
    return Breakpoint(int(soonest.plan.day[milestone]), soonest.plan, soonest.cost_musd, cost - CHEAPER)


def _joined(front: SiteFront, point: Breakpoint, every: Sequence[SiteFront]) -> Breakpoint:
    """Return a breakpoint with its marks: on the joint front, and proven; ties go to the smaller site_id."""

    def rank(other: SiteFront, known: Breakpoint) -> tuple[int, int, str]:
        return known.day, known.steps, other.site_id

    on_front = not any(
        known.day <= point.day and known.steps <= point.steps and rank(other, known) < rank(front, point)
        for other in every
        for known in other.breakpoints
    )
    # unknown breakpoints of a site lie before its first known one, and cost no less
    others = every if on_front else (front,)
    proven = all(
        other_front.complete or (other_front.breakpoints != () and other_front.breakpoints[0].steps > point.steps)
        for other_front in others
    )
    return replace(point, on_front=on_front, proven=proven)
