"""Find what holds each milestone back, and by how many days; and why a site cannot serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from siteopt.equipment import COOLING, REQUIREMENTS
from siteopt.instance import QUEUES, Instance
from siteopt.optimize.bounds import BEFORE, HOLDERS, Bounds, bounds, sources
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.formulation import COST, NEEDS, USES
from siteopt.plan import SitePlan
from siteopt.record.reason import Quantity, Reason, ReasonCode, because
from siteopt.tolerances import SAME_COST_MUSD

RESOURCES = ("crew", *USES)
"""Constraint families that limit how much of a resource is used."""

FOUND = tuple(one for one in REQUIREMENTS if not one.at_every_site)
"""Requirements that are found for a few sites only: the bounds leave them out."""

SEVERAL = because(ReasonCode.SEVERAL_LIMITS)

LIMITS = (*QUEUES, *RESOURCES, *NEEDS)
"""Limits that can hold a milestone back.

*Fleet and arrival* is not one of them, since without it there would be no days at all. Nor is *demand*, which defines a
quantity and limits nothing.
"""

Each = Callable[[Callable[["_Saving"], None], Iterable["_Saving"]], Iterable[None]]


@dataclass
class _Saving:
    """Days by which a milestone could start sooner if a limit were relaxed: between ``least`` and ``most``."""

    limit: str
    works: Callable[[int], bool]
    most: int
    least: int = 0
    trials: int = 0

    def settle(self) -> None:
        """Narrow the range to one number."""
        while self.least < self.most:
            self.narrow()

    def narrow(self) -> None:
        """Narrow the range by one trial: the first is one day, the second all days, the others bisect."""
        days = (1, self.most)[self.trials] if self.trials < 2 else (self.least + self.most + 1) // 2
        self.trials += 1
        if self.works(days):
            self.least = days
        else:
            self.most = days - 1


def days_saved(found: SitePlan, clock: Clock, each: Each = map) -> tuple[dict[str, int], ...]:
    """Return by how many days each milestone of a site's best plan could start sooner if a limit were relaxed.

    One limit is relaxed at a time, and the site is solved again. Milestones before the one in question start no later
    than planned. Milestones after it start as late as possible, or as planned if the objective puts them before it. If
    the objective puts cost before it, the plan's cost may not be exceeded, and ``cost`` stands in place of the budget.

    Parameters
    ----------
    each : callable
        Calls a function for each item, as ``map`` does. The ``map`` of an executor uses its threads.

    Returns
    -------
    tuple of dict, M
        Days by the name of the limit, the most first. A limit that saves no day by itself is left out.
    """
    savings = [_savings(found, m, clock) for m in range(found.case.milestones)]
    for _ in each(_Saving.settle, [saving for of_milestone in savings for saving in of_milestone]):
        pass
    ordered = (sorted(of_milestone, key=lambda saving: -saving.least) for of_milestone in savings)
    return tuple({saving.limit: saving.least for saving in every if saving.least} for every in ordered)


def bottlenecks(found: SitePlan, clock: Clock, saved: tuple[dict[str, int], ...] = ()) -> tuple[Reason, ...]:
    """Return what holds each milestone back: the limit that saves the most days.

    It is the first entry of :func:`days_saved`; if these are not given, it is found with fewer trials. A milestone that
    starts on the same day as the one before it is held back by that one.
    """
    day, reasons = found.plan.day, []
    for m in range(found.case.milestones):
        if m and day[m] == day[m - 1]:
            reasons.append(because(ReasonCode.SAME_DAY, milestone=found.case.milestone[m - 1]))
        else:
            first = next(iter(saved[m]), "") if saved else _largest(_savings(found, m, clock))
            reasons.append(because(ReasonCode.LIMIT, limit=first) if first else _together(found, m))
    return tuple(reasons)


def _together(found: SitePlan, m: int) -> Reason:
    """Return what holds a milestone back if no limit does so alone: the requirements that each set its day.

    If fewer than two requirements do, return SEVERAL.
    """
    case, planned = found.case, found.plan.day[m]
    ready = case.compute_ready_day + case.commissioning_days
    needs = [need.name for need in sources(case) if need.first_day(ready)[0, m] == planned > ready[0, m]]
    return because(ReasonCode.LIMITS_TOGETHER, limits=tuple(needs)) if len(needs) > 1 else SEVERAL


def _largest(savings: list[_Saving]) -> str:
    """Return the limit that saves the most days, the first one of equals; an empty string if none saves any."""
    while True:
        leader = max(savings, key=lambda saving: saving.most)
        ahead = savings.index(leader)
        others = (other.most + (place < ahead) for place, other in enumerate(savings) if other is not leader)
        if leader.least >= max(others):
            return leader.limit if leader.most else ""
        leader.narrow()


def _savings(found: SitePlan, m: int, clock: Clock) -> list[_Saving]:
    """Return the most days that each limit can save by arithmetic, and how to try them, in the order of LIMITS."""
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


def _freed(case: Instance, limit: str) -> tuple[Instance, tuple[str, ...]]:
    """Return the Instance with a limit relaxed, and the constraint family to leave out, by its name."""
    if limit in QUEUES:
        return replace(case, compute_ready_day=case.queue_free_day[:, :, QUEUES.index(limit)]), ()
    if limit == COOLING:  # heat that need not be removed draws no power either
        return replace(case, heat_fraction=0.0), ()
    if limit == "budget":
        return replace(case, budget_musd=np.inf), ()
    return case, (limit,)


def why_not(case: Instance, clock: Clock) -> Reason:
    """Return why the only site of an Instance cannot serve, with numbers if arithmetic shows the reason."""
    limits = bounds(case)
    if (limits.day > case.horizon_day).any():
        return out_of_reach(case, limits)[0]
    return _quality_out_of_reach(case) or because(ReasonCode.NO_PLAN, _freeing(case, clock), day=int(case.horizon_day))


def _quality_out_of_reach(case: Instance) -> Reason | None:
    """Return the first floor of power quality that all units together do not reach by the horizon, or None."""
    last = np.array([case.horizon_day])
    for m, goal in enumerate(case.milestone):
        for need in sources(case, FOUND):
            there, needed = float(need.supplied_by(last)[0]), float(need.need[0, m])
            if np.isinf(needed):
                return because(ReasonCode.QUALITY_UNATTAINABLE, milestone=goal, limit=need.name)
            if there < need.least[0, m]:
                return because(
                    ReasonCode.QUALITY_SHORT,
                    milestone=goal,
                    limit=need.name,
                    day=int(case.horizon_day),
                    there=Quantity(amount=there, unit=need.unit),
                    needed=Quantity(amount=needed, unit=need.unit),
                )
    return None


def out_of_reach(case: Instance, limits: Bounds) -> list[Reason]:
    """Return why each site cannot serve, as its bounds show; if they do not, that several limits together are why.

    Parameters
    ----------
    limits : Bounds of the S sites of the Instance
    """
    return [_out_of_reach(case, limits, s) for s in range(case.sites)]


def _out_of_reach(case: Instance, limits: Bounds, s: int) -> Reason:
    beyond, last = np.flatnonzero(limits.day[s] > case.horizon_day), int(case.horizon_day)
    if not len(beyond):
        return because(ReasonCode.NO_PLAN, SEVERAL, day=last)
    m = int(beyond[0])
    goal, holder = case.milestone[m], int(limits.holder[s, m])
    if holder in range(len(QUEUES), BEFORE):
        need = limits.needs[holder - len(QUEUES)]
        there, needed = float(need.supplied_by(np.full(case.sites, last))[s]), float(need.need[s, m])
        return because(
            ReasonCode.SHORT_BY_HORIZON,
            limit=need.name,
            milestone=goal,
            day=last,
            there=Quantity(amount=there, unit=need.unit),
            needed=Quantity(amount=needed, unit=need.unit),
            missing=Quantity(amount=needed - there, unit=need.unit),
        )
    if holder == QUEUES.index("floor area"):
        there, gpus = int(case.floor_gpus[s]), int(case.gpus[m])
        return because(ReasonCode.FLOOR_AREA_SHORT, milestone=goal, there=there, needed=gpus)
    return because(ReasonCode.TOO_LATE, limit=HOLDERS[holder], milestone=goal, day=last)


def _freeing(case: Instance, clock: Clock) -> Reason:
    """Return the resources that each let the site serve by the horizon if relaxed.

    If there is none, return the requirements that do so; if there is none either, return SEVERAL.
    """
    last = [case.horizon_day] * case.milestones
    for group in (RESOURCES, NEEDS):
        freed = {limit: _freed(case, limit) for limit in group}
        freeing = [
            limit for limit, (one, free) in freed.items() if FixedDays(one, last, clock, free).any_plan() is not None
        ]
        if freeing:
            return because(ReasonCode.ANY_LIMIT, limits=tuple(freeing))
    return SEVERAL
