"""What holds a milestone back, and why a site cannot serve."""

from __future__ import annotations

import numpy as np

from siteopt.instance import QUEUES, Instance
from siteopt.optimize.bounds import BEFORE, HOLDERS, Bounds, bounds
from siteopt.optimize.formulation import (
    FAMILIES,
    air,
    budget,
    cooling,
    crew,
    fuel_gas,
    mean_power,
    peak_power,
    ride_through,
    swing,
    water,
    yard,
)
from siteopt.optimize.single import Clock, feasible
from siteopt.plan import SitePlan

RESOURCES = (crew, fuel_gas, air, water, yard, budget)
"""Families that limit how much of something there is."""

NEEDS = (cooling, mean_power, peak_power, swing, ride_through)
"""Families that say what a milestone needs."""

TOGETHER = "several limits together"


def bottlenecks(found: SitePlan, limits: Bounds, clock: Clock) -> tuple[str, ...]:
    """What holds each milestone of a site's best plan back.

    A day at its bound is held by what sets the bound, whatever else may hold it too. Otherwise the day before is
    tried again with each constraint family left out: those that would allow it hold the milestone.
    """
    case, plan, held = found.case, found.plan, []
    for m in range(case.milestones):
        if plan.day[m] == limits.day[0, m]:
            held.append(limits.held_by(case, 0, m))
            continue
        days = [int(day) for day in plan.day[:m]] + [case.horizon_day] * (case.milestones - m)
        days[m] = int(plan.day[m]) - 1
        if m and days[m] < days[m - 1]:
            held.append(f"as {case.milestone[m - 1]}")
        else:
            held.append(_freeing(case, days, clock))
    return tuple(held)


def why_not(case: Instance, clock: Clock) -> str:
    """Why the site of an Instance of one site cannot serve, in numbers where arithmetic shows it."""
    limits = bounds(case)
    if (limits.day > case.horizon_day).any():
        return out_of_reach(case, limits)[0]
    held = _freeing(case, [case.horizon_day] * case.milestones, clock)
    return f"no plan by day {case.horizon_day}: {held}"


def out_of_reach(case: Instance, limits: Bounds) -> list[str]:
    """Why each site cannot serve, in numbers, by its bounds; where they do not show it, that its needs together do."""
    return [_out_of_reach(case, limits, s) for s in range(case.sites)]


def _out_of_reach(case: Instance, limits: Bounds, s: int) -> str:
    beyond = np.flatnonzero(limits.day[s] > case.horizon_day)
    if not len(beyond):
        return f"no plan by day {case.horizon_day}: {TOGETHER}"
    m = int(beyond[0])
    goal, holder = case.milestone[m], int(limits.holder[s, m])
    if holder in range(len(QUEUES), BEFORE):
        need = limits.needs[holder - len(QUEUES)]
        there, needed = need.supplied_by(np.full(case.sites, case.horizon_day))[s], need.need[s, m]
        return (
            f"{need.name} for {goal}: {there:,.1f} {need.unit} by day {case.horizon_day}, {needed:,.1f} needed:"
            f" short of {needed - there:,.1f}"
        )
    if holder == QUEUES.index("floor area"):
        return f"floor area for {goal}: hall for {int(case.floor_gpus[s]):,} of {int(case.gpus[m]):,} GPUs"
    return f"{HOLDERS[holder]} for {goal}: not by day {case.horizon_day}"


def _freeing(case: Instance, days: list[int], clock: Clock) -> str:
    """The resources any of which, without its limit, makes these days feasible; else the needs that do so.

    Where the days are feasible as they are, cost came before them in the objective, and holds them.
    """
    if feasible(case, days, clock):
        return "cost"
    for group in (RESOURCES, NEEDS):
        freeing = [
            family.__name__.replace("_", " ")
            for family in group
            if feasible(case, days, clock, tuple(other for other in FAMILIES if other is not family))
        ]
        if freeing:
            return ", ".join(freeing)
    return TOGETHER
