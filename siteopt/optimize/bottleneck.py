"""What holds a milestone back, in days; and why a site cannot serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from siteopt.instance import QUEUES, Instance
from siteopt.optimize.bounds import BEFORE, HOLDERS, Bounds, Requirement, bounds, requirements
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.formulation import (
    COST,
    Model,
    air,
    budget,
    cooling,
    crew,
    fuel_gas,
    mean_power,
    peak_power,
    power_quality,
    ride_through,
    swing,
    water,
    yard,
)
from siteopt.plan import SitePlan
from siteopt.tolerances import SAME_COST_MUSD

RESOURCES = {"crew": crew, "fuel gas": fuel_gas, "air": air, "water": water, "yard": yard, "budget": budget}
"""Families that limit how much of something there is."""

NEEDS = {
    "cooling": cooling,
    "mean power": mean_power,
    "peak power": peak_power,
    "swing": swing,
    "ride through": ride_through,
    "power quality": power_quality,
}
"""Families that say what a milestone needs."""

LIMITS = (*QUEUES, *RESOURCES, *NEEDS)
"""What can hold a milestone. *Fleet and arrival* is not among them, since without it there would be no days at all, nor
is *demand*, which defines a quantity and limits nothing."""

TOGETHER = "several limits together"

Each = Callable[[Callable[["_Saving"], None], Iterable["_Saving"]], Iterable[None]]


@dataclass
class _Saving:
    """By how many days a limit, if free, lets a milestone start sooner: from ``least`` to ``most``."""

    limit: str
    works: Callable[[int], bool]
    most: int
    least: int = 0
    trials: int = 0

    def settle(self) -> None:
        """Narrow it to one number."""
        while self.least < self.most:
            self.narrow()

    def narrow(self) -> None:
        """Try one day, then all of them, then bisect."""
        days = (1, self.most)[self.trials] if self.trials < 2 else (self.least + self.most + 1) // 2
        self.trials += 1
        if self.works(days):
            self.least = days
        else:
            self.most = days - 1


def floors(case: Instance) -> list[Requirement]:
    """What power quality asks for, each by itself: battery power, and inertia; 0 where no floor was raised.

    They are no part of :func:`requirements`: the bounds leave them out.
    """
    full, ready = case.rating_mw * case.fleet, case.ready_day + case.commissioning_days
    b, g = case.is_battery, case.is_generator
    inertia = (full * case.inertia_s)[:, g]
    least = [np.where(np.isfinite(floor), floor, 0) for floor in (case.battery_floor_mw, case.inertia_floor_mws)]
    return [
        Requirement("battery power", "MW", ready[:, b], full[:, b], case.battery_floor_mw, least[0]),
        Requirement("inertia", "MW s", ready[:, g], inertia, case.inertia_floor_mws, least[1]),
    ]


def days_saved(found: SitePlan, clock: Clock, each: Each = map) -> tuple[dict[str, int], ...]:
    """How many days sooner each milestone of a site's best plan could start if a limit were free.

    One limit at a time, by re-solving. Milestones before it start no later than planned. Those after it, as late as
    may be, or as planned where the objective puts them first; where it puts cost first, the plan's cost may not be
    exceeded, and ``cost`` stands for the budget.

    Parameters
    ----------
    each : callable
        Calls a function for each item, as ``map`` does; that of an executor uses its threads.

    Returns
    -------
    tuple of dict, M
        Name of a limit to days, the most first; limits that save no day by themselves are not named.
    """
    savings = [_savings(found, m, clock) for m in range(found.case.milestones)]
    for _ in each(_Saving.settle, [saving for of_milestone in savings for saving in of_milestone]):
        pass
    ordered = (sorted(of_milestone, key=lambda saving: -saving.least) for of_milestone in savings)
    return tuple({saving.limit: saving.least for saving in every if saving.least} for every in ordered)


def bottlenecks(found: SitePlan, clock: Clock, saved: tuple[dict[str, int], ...] = ()) -> tuple[str, ...]:
    """Name of what holds each milestone back: the first of its :func:`days_saved`, with fewer trials if not given."""
    day, names = found.plan.day, []
    for m in range(found.case.milestones):
        if m and day[m] == day[m - 1]:
            names.append(f"as {found.case.milestone[m - 1]}")
        else:
            first = next(iter(saved[m]), "") if saved else _largest(_savings(found, m, clock))
            names.append(first or _together(found, m))
    return tuple(names)


def _together(found: SitePlan, m: int) -> str:
    """What holds a milestone where no limit does so alone: by name, where several needs each set its day."""
    case, planned = found.case, found.plan.day[m]
    ready = case.compute_ready_day + case.commissioning_days
    every = [*requirements(case), *floors(case)]
    needs = [need.name for need in every if need.first_day(ready)[0, m] == planned > ready[0, m]]
    return f"{' and '.join(needs)} together" if len(needs) > 1 else TOGETHER


def _largest(savings: list[_Saving]) -> str:
    """The limit that saves the most days, the first of equals; nothing where none saves any."""
    while True:
        leader = max(savings, key=lambda saving: saving.most)
        ahead = savings.index(leader)
        others = (other.most + (place < ahead) for place, other in enumerate(savings) if other is not leader)
        if leader.least >= max(others):
            return leader.limit if leader.most else ""
        leader.narrow()


def _savings(found: SitePlan, m: int, clock: Clock) -> list[_Saving]:
    """What each limit saves at most, by arithmetic, and how to try it; in the order of LIMITS."""
    case, planned, order = found.case, found.plan.day, found.case.order
    is_capped = order.index(COST) < order.index(m)
    if is_capped:
        case = case.capped(found.key[order.index(COST)] * SAME_COST_MUSD)
    settled = [case.horizon_day if order.index(m) < order.index(i) else int(planned[i]) for i in range(len(planned))]

    def saving(limit: str) -> _Saving:
        freed, free = _freed(case, limit)

        def works(days: int) -> bool:
            day = int(planned[m]) - days
            before = [min(int(planned[i]), day) for i in range(m)]
            return FixedDays(freed, [*before, day, *settled[m + 1 :]], clock, free).any_plan() is not None

        most = int(planned[m] - bounds(freed, limit).day[0, m])
        return _Saving("cost" if is_capped and limit == "budget" else limit, works, most)

    return [saving(limit) for limit in LIMITS]


def _freed(case: Instance, limit: str) -> tuple[Instance, dict[str, Callable[[Model], None]]]:
    """Return the Instance and the family, by its name, in which a limit is free."""
    if limit in QUEUES:
        return replace(case, compute_ready_day=case.queue_free_day[:, :, QUEUES.index(limit)]), {}
    if limit == "cooling":  # what is not cooled draws no power either
        return replace(case, heat_fraction=0.0), {}
    if limit == "budget":
        return replace(case, budget_musd=np.inf), {}
    return case, {limit: (RESOURCES | NEEDS)[limit]}


def why_not(case: Instance, clock: Clock) -> str:
    """Why the site of an Instance of one site cannot serve, in numbers where arithmetic shows it."""
    limits = bounds(case)
    if (limits.day > case.horizon_day).any():
        return out_of_reach(case, limits)[0]
    if lack := _quality_out_of_reach(case):
        return lack
    return f"no plan by day {case.horizon_day}: {_freeing(case, clock)}"


def _quality_out_of_reach(case: Instance) -> str:
    """The first floor of power quality that all units by the horizon do not reach, in numbers; else nothing."""
    last = np.array([case.horizon_day])
    batteries, inertia = floors(case)
    for m, goal in enumerate(case.milestone):
        for need, units, verb in ((batteries, "batteries", "make"), (inertia, "inertia", "makes")):
            there, needed = float(need.supplied_by(last)[0]), float(need.need[0, m])
            if np.isinf(needed):
                return f"power quality for {goal}: no {units} {verb} it keep the class"
            if there < need.least[0, m]:
                return (
                    f"{goal}: {units} of {there:,.1f} {need.unit} can be there by day {case.horizon_day},"
                    f" power quality asks for {needed:,.1f} {need.unit}"
                )
    return ""


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


def _freeing(case: Instance, clock: Clock) -> str:
    """The resources any of which, without its limit, lets the site serve by the horizon; else the needs that do so."""
    last = [case.horizon_day] * case.milestones
    for group in (RESOURCES, NEEDS):
        freed = {limit: _freed(case, limit) for limit in group}
        freeing = [
            limit for limit, (one, free) in freed.items() if FixedDays(one, last, clock, free).any_plan() is not None
        ]
        if freeing:
            return ", ".join(freeing)
    return TOGETHER
