"""What holds a milestone back, and why a site cannot serve."""

from __future__ import annotations

import numpy as np

from siteopt.instance import QUEUES, Instance
from siteopt.optimize.bounds import Bounds
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
from siteopt.plan import Plan

RESOURCES = (crew, fuel_gas, air, water, yard, budget)
"""Families that limit how much of something there is."""

NEEDS = (cooling, mean_power, peak_power, swing, ride_through)
"""Families that say what a milestone needs."""

TOGETHER = "several limits together"


def bottlenecks(case: Instance, plan: Plan, limits: Bounds, clock: Clock) -> tuple[str, ...]:
    """What holds each milestone of a site's best plan back.

    A day at its bound is held by what sets the bound, whatever else may hold it too. Otherwise the day before is
    tried again with each constraint family left out: those that would allow it hold the milestone.
    """
    held = []
    for m in range(case.milestones):
        if plan.day[m] == limits.day[plan.site, m]:
            held.append(str(limits.holder[plan.site, m]))
            continue
        days = [int(day) for day in plan.day[:m]] + [case.horizon_day] * (case.milestones - m)
        days[m] = int(plan.day[m]) - 1
        if m and days[m] < days[m - 1]:
            held.append(f"as {case.milestone[m - 1]}")
        else:
            held.append(_freeing(case, plan.site, days, clock))
    return tuple(held)


def why_not(case: Instance, site: int, limits: Bounds, clock: Clock) -> str:
    """Why a site cannot serve, in numbers where arithmetic shows it."""
    beyond = np.flatnonzero(limits.day[site] > case.horizon_day)
    if not len(beyond):
        held = _freeing(case, site, [case.horizon_day] * case.milestones, clock)
        return f"no plan by day {case.horizon_day}: {held}"
    m = int(beyond[0])
    goal, holder = case.milestone[m], str(limits.holder[site, m])
    for need in limits.needs:
        if need.name == holder:
            there, needed = need.supplied_by(case.horizon_day)[site], need.need[site, m]
            return (
                f"{need.name} for {goal}: {there:,.1f} {need.unit} by day {case.horizon_day}, {needed:,.1f} needed:"
                f" short of {needed - there:,.1f}"
            )
    if holder == QUEUES[-1]:
        return f"floor area for {goal}: hall for {int(case.floor_gpus[site]):,} of {int(case.gpus[m]):,} GPUs"
    return f"{holder} for {goal}: not by day {case.horizon_day}"


def _freeing(case: Instance, site: int, days: list[int], clock: Clock) -> str:
    """The resources any of which, without its limit, makes these days feasible; else the needs that do so.

    Where the days are feasible as they are, cost came before them in the objective, and holds them.
    """
    if feasible(case, site, days, clock):
        return "cost"
    for group in (RESOURCES, NEEDS):
        freeing = [
            family.__name__.replace("_", " ")
            for family in group
            if feasible(case, site, days, clock, tuple(other for other in FAMILIES if other is not family))
        ]
        if freeing:
            return ", ".join(freeing)
    return TOGETHER
