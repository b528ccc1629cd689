"""Find what limits each milestone, and by how many days; and why a site cannot serve."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from siteopt.equipment import COOLING, POWER_QUALITY, REQUIREMENTS, of_family
from siteopt.instance import COMMISSIONING, QUEUES, Instance
from siteopt.optimize.bounds import AIR, LIMITING, Bounds, bounds, sources
from siteopt.optimize.clock import Clock, Undecided
from siteopt.optimize.fixed_days import FixedDays, followed
from siteopt.optimize.formulation import COST, NEEDS, USES
from siteopt.plan import SitePlan
from siteopt.record.reason import Quantity, Reason, ReasonCode, because
from siteopt.tolerances import SAME_COST_MUSD

RESOURCES = ("crew", *USES)
"""Constraint families that limit how much of a resource is used."""

FOUND = tuple(of_family(POWER_QUALITY))
"""Requirements that are found for a few sites only: the bounds leave them out."""

SEVERAL = because(ReasonCode.SEVERAL_LIMITS)

LIMITS = (*QUEUES, *RESOURCES, *NEEDS)
"""Constraints that can limit a milestone.

*Fleet and arrival* is not one of them, since without it there would be no days at all. Nor is *demand*, which defines a
quantity and limits nothing.
"""

Each = Callable[[Callable[[list["_Saving"]], None], Iterable[list["_Saving"]]], Iterable[None]]


@dataclass(eq=False)
class _Saving:
    """Days by which a milestone could start sooner if a limit were relaxed: between ``least`` and ``most``.

    Attributes
    ----------
    works : callable
        Returns whether so many days are saved.
    above, below : limits that save no fewer days, and limits that save no more: they learn from each trial
    """

    limit: str
    works: Callable[[int], bool]
    most: int
    least: int = 0
    trials: int = 0
    above: list[_Saving] = field(default_factory=list)
    below: list[_Saving] = field(default_factory=list)

    def settle(self) -> None:
        """Narrow the range to one number."""
        while self.least < self.most:
            self.narrow()

    def narrow(self) -> None:
        """Narrow the range by one trial: the first is one day, the second all days, the others bisect."""
        self.narrow_at((1, self.most)[self.trials] if self.trials < 2 else (self.least + self.most + 1) // 2)

    def narrow_at(self, days: int) -> None:
        """Narrow the range by a trial with this number of days."""
        self.trials += 1
        if self.works(days):
            for one in (self, *self.above):
                one.least = max(one.least, days)
                one.most = max(one.least, one.most)  # a plan counts for more than a trial that stayed undecided
        else:
            for one in (self, *self.below):
                one.most = min(one.most, days - 1)


def days_saved(found: SitePlan, clock: Clock, each: Each = map) -> tuple[dict[str, int], ...]:
    """Return by how many days each milestone of a site's best plan could start sooner if a limit were relaxed.

    One limit is relaxed at a time, and the site is solved again. Milestones before the one in question start no later
    than planned. Milestones after it start as late as possible, or as planned if the objective puts them before it. If
    the objective puts cost before it, the plan's cost may not be exceeded, and ``cost`` stands in place of the budget.
    A trial that stays undecided saves no days, so the true number may then be larger.

    Parameters
    ----------
    each : callable
        Calls a function for each item, as ``map`` does. The ``map`` of an executor uses its threads.

    Returns
    -------
    tuple of dict, M
        Days by the name of the limit, the most first. A limit that saves no day by itself is left out.
    """
    savings = [_savings(found, m, clock) for m in range(found.instance.milestones)]
    for _ in each(_settle, [group for of_milestone in savings for group in _groups(of_milestone)]):
        pass
    ordered = (sorted(of_milestone, key=lambda saving: -saving.least) for of_milestone in savings)
    return tuple({saving.limit: saving.least for saving in every if saving.least} for every in ordered)


def _groups(savings: list[_Saving]) -> list[list[_Saving]]:
    """Return the savings that learn from one another as one group, and each of the others alone."""
    learning = [saving for saving in savings if saving.above or saving.below]
    return [learning, *([saving] for saving in savings if saving not in learning)]


def _settle(savings: list[_Saving]) -> None:
    for saving in savings:
        saving.settle()


def bottlenecks(found: SitePlan, clock: Clock, saved: tuple[dict[str, int], ...] = ()) -> tuple[Reason, ...]:
    """Return what limits each milestone: the limit that saves the most days.

    It is the first entry of :func:`days_saved`; if these are not given, it is found with fewer trials. A milestone that
    starts on the same day as the one before it is limited by that one.
    """
    day, reasons = found.plan.day, []
    for m in range(found.instance.milestones):
        if m and day[m] == day[m - 1]:
            reasons.append(because(ReasonCode.SAME_DAY, milestone=found.instance.milestone[m - 1]))
        else:
            first = next(iter(saved[m]), "") if saved else _largest(_savings(found, m, clock))
            reasons.append(because(ReasonCode.LIMIT, limit=first) if first else _together(found, m))
    return tuple(reasons)


def _together(found: SitePlan, m: int) -> Reason:
    """Return what limits a milestone if no limit does so alone: the requirements that each set its day.

    If fewer than two requirements do, return SEVERAL.
    """
    instance, planned = found.instance, found.plan.day[m]
    ready = instance.compute_ready_day + instance.commissioning_days
    required = sources(instance, instance.requirements)
    names = [need.name for need in required if need.first_day(ready)[0, m] == planned > ready[0, m]]
    return because(ReasonCode.LIMITS_TOGETHER, limits=tuple(names)) if len(names) > 1 else SEVERAL


def _largest(savings: list[_Saving]) -> str:
    """Return the limit that saves the most days, the first one of equals; an empty string if none saves any.

    Each trial asks about the limit that could save the most: first whether it saves more than any other could, then
    whether it saves more than any other is known to, then in between. So a limit that saves nothing falls at its second
    trial, even if others could save as much.
    """
    while True:
        leader = max(savings, key=lambda saving: saving.most)
        if not leader.most:
            return ""
        ahead = savings.index(leader)
        others = [
            (other, place < ahead)
            for place, other in enumerate(savings)
            if other is not leader and not (place > ahead and other in leader.below)
        ]
        enough = max([1, *(other.most + first for other, first in others)])
        if leader.least >= enough:
            return leader.limit
        known = max([leader.least + 1, *(other.least + first for other, first in others)])
        leader.narrow_at(enough if not leader.trials else known if leader.trials == 1 else (known + leader.most) // 2)


def _savings(found: SitePlan, m: int, clock: Clock) -> list[_Saving]:
    """Return the most days that each limit can save by arithmetic, and how to try them, in the order of LIMITS."""
    instance, planned, order = found.instance, found.plan.day, found.instance.order
    is_capped = order.index(COST) < order.index(m)
    if is_capped:
        instance = instance.capped(found.key[order.index(COST)] * SAME_COST_MUSD)
    settled = [
        instance.horizon_day if order.index(m) < order.index(i) else int(planned[i]) for i in range(len(planned))
    ]

    savings, by_queue = list[_Saving](), list[tuple[_Saving, Instance]]()
    for limit in _asked(instance, LIMITS):
        without, relaxed = _without(instance, limit)
        is_alone = limit in QUEUES and not relaxed  # then only days on which GPUs are ready differ

        def works(days: int, without: Instance = without, relaxed: tuple[str, ...] = relaxed) -> bool:
            day = int(planned[m]) - days
            asked = followed([*planned[:m], day, *settled[m + 1 :]])
            try:
                return FixedDays(without, asked, clock, relaxed).any_plan() is not None
            except Undecided:  # only a plan shows that days are saved
                return False

        in_vain = is_alone and _is_ready_by(instance, without)
        most = 0 if in_vain else int(planned[m] - bounds(without, limit).day[0, m])
        savings.append(_Saving("cost" if is_capped and limit == "budget" else limit, works, most))
        if is_alone:
            by_queue.append((savings[-1], without))
    for (one, ready), (other, later) in itertools.permutations(by_queue, 2):
        if _is_ready_by(ready, later):
            one.below.append(other)
            other.above.append(one)
    return savings


def _is_ready_by(instance: Instance, other: Instance) -> bool:
    """Return whether all GPUs are ready on the days on which they are in another Instance, or before."""
    return bool(
        (instance.compute_ready_day <= other.compute_ready_day).all()
        and (instance.option_ready_day <= other.option_ready_day).all()
    )


def _asked(instance: Instance, limits: Iterable[str]) -> list[str]:
    """Return the limits without those of requirements that the scenario does not ask for."""
    unasked = {one.limit for one in REQUIREMENTS} - {one.limit for one in instance.requirements}
    return [limit for limit in limits if limit not in unasked]


def _without(instance: Instance, limit: str) -> tuple[Instance, tuple[str, ...]]:
    """Return the Instance with a limit relaxed, and the constraint family to leave out, by its name."""
    if limit in QUEUES:
        queue = QUEUES.index(limit)
        ready, of_option = instance.queue_relaxed_day[:, :, queue], instance.option_relaxed_day[:, :, queue]
        without = replace(instance, compute_ready_day=ready, option_ready_day=of_option)
        return without, (limit,) if limit == COMMISSIONING else ()
    if limit == COOLING:  # heat that need not be removed draws no power either
        return replace(instance, heat_fraction=0.0, tower_heat_fraction=0.0), ()
    if limit == "budget":
        return replace(instance, budget_musd=np.inf), ()
    return instance, (limit,)


def why_not(instance: Instance, clock: Clock) -> Reason:
    """Return why the only site of an Instance cannot serve, with numbers if arithmetic shows the reason."""
    limits = bounds(instance)
    if (limits.day > instance.horizon_day).any():
        return out_of_reach(instance, limits)[0]
    last = int(instance.horizon_day)
    return _quality_out_of_reach(instance) or because(
        ReasonCode.NO_PLAN, to_relax(instance, last, clock, ((*RESOURCES, COMMISSIONING), NEEDS)), day=last
    )


def _quality_out_of_reach(instance: Instance) -> Reason | None:
    """Return the first floor of power quality that all units together do not reach by the horizon, or None."""
    last = np.array([instance.horizon_day])
    for m, goal in enumerate(instance.milestone):
        for need in sources(instance, FOUND):
            there, needed = float(need.supplied_by(last, m)[0]), float(need.need[0, m])
            if np.isinf(needed):
                return because(ReasonCode.QUALITY_UNATTAINABLE, milestone=goal, limit=need.name)
            if there < need.least[0, m]:
                return because(
                    ReasonCode.QUALITY_SHORT,
                    milestone=goal,
                    limit=need.name,
                    day=int(instance.horizon_day),
                    there=Quantity(amount=there, unit=need.unit),
                    needed=Quantity(amount=needed, unit=need.unit),
                )
    return None


def out_of_reach(instance: Instance, limits: Bounds) -> list[Reason]:
    """Return why each site cannot serve, as its bounds show; if they do not, that several limits together are why.

    Parameters
    ----------
    limits : Bounds of the S sites of the Instance
    """
    return [_out_of_reach(instance, limits, s) for s in range(instance.sites)]


def _out_of_reach(instance: Instance, limits: Bounds, s: int) -> Reason:
    beyond, last = np.flatnonzero(limits.day[s] > instance.horizon_day), int(instance.horizon_day)
    if not len(beyond):
        return because(ReasonCode.NO_PLAN, SEVERAL, day=last)
    m = int(beyond[0])
    goal, limiting = instance.milestone[m], int(limits.limiting[s, m])
    if limiting in range(len(QUEUES), LIMITING.index(AIR)):
        need = limits.requirements[limiting - len(QUEUES)]
        there, needed = float(need.supplied_by(np.full(instance.sites, last), m)[s]), float(need.need[s, m])
        return because(
            ReasonCode.SHORT_BY_HORIZON,
            limit=need.name,
            milestone=goal,
            day=last,
            there=Quantity(amount=there, unit=need.unit),
            needed=Quantity(amount=needed, unit=need.unit),
            missing=Quantity(amount=needed - there, unit=need.unit),
        )
    if limiting == QUEUES.index("floor area"):
        there, gpus = int(instance.hall_capacity_gpus[s]), int(instance.gpus[m])
        return because(ReasonCode.FLOOR_AREA_SHORT, milestone=goal, there=there, needed=gpus)
    return because(ReasonCode.TOO_LATE, limit=LIMITING[limiting], milestone=goal, day=last)


def to_relax(instance: Instance, day: int, clock: Clock, groups: Sequence[Iterable[str]]) -> Reason:
    """Return the limits that each let all milestones start by a day if relaxed: those of the first group that has any.

    If no group has any, return SEVERAL.

    Parameters
    ----------
    groups : sequence of names of LIMITS

    Raises
    ------
    OutOfTime
        As Undecided if the solver contradicts itself.
    """
    days = [day] * instance.milestones

    def works(limit: str) -> bool:
        without, relaxed = _without(instance, limit)
        in_reach = bool((bounds(without, limit).day <= day).all())
        return in_reach and FixedDays(without, days, clock, relaxed).any_plan() is not None

    for group in groups:
        limits = tuple(limit for limit in _asked(instance, group) if works(limit))
        if limits:
            return because(ReasonCode.ANY_LIMIT, limits=limits)
    return SEVERAL
