"""Replay a plan day by day (trucks, crews, commissioning, GPU queues), and find when each milestone can start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from siteopt.equipment import COOLING, KINDS
from siteopt.instance import HOURS_PER_MONTH, NEVER, TRADES, WORKS, Floats, Instance, Ints
from siteopt.phases import LIMITED, Phases
from siteopt.record.reason import Reason, ReasonCode, because
from siteopt.simulate.commissioning import commissioned_days
from siteopt.simulate.crews import Install, Schedule, install
from siteopt.simulate.dispatch import TOLERANCE, Dispatch, Limit, dispatch, unmet
from siteopt.simulate.orders import Orders
from siteopt.simulate.queues import Queues, buildings_of, chosen_option, follow_queues
from siteopt.tolerances import BORDER, SAME_COST_MUSD


@dataclass(frozen=True)
class Days:
    """What is there at the start of each day, from day 0 to the last event (T days).

    Attributes
    ----------
    left_units, arrived_units, installed_units, serving_units : T
        Number of units that have left their depot, are on site, are installed, and are commissioned.
    equipment_mw : dict of a kind of equipment to T, rating of the units that serve; heat for chillers
    grid_mw : T, limit of the grid with the ordered steps that are commissioned; 0 before the site is handed over
    racked_gpus, networked_gpus : T
    training_gpus : T, GPUs of the last milestone that has started
    """

    left_units: Ints
    arrived_units: Ints
    installed_units: Ints
    serving_units: Ints
    equipment_mw: dict[str, Floats]
    grid_mw: Floats
    racked_gpus: Floats
    networked_gpus: Floats
    training_gpus: Ints


@dataclass(frozen=True)
class Calendar:
    """Result of replaying orders day by day.

    Attributes
    ----------
    day : M, first day on which the milestone can start; NEVER if there is none
    planned_day : M
    bound_day : M
        Day before which no sequence of whole crews can start the milestone, with these orders.
    by_crews : M, bool
        Whether the milestone is later than planned, but would be on time if no unit had to wait for crews.
    reasons : tuple of tuples of Reason, M
        What the milestone waited for on the day before; if it never starts, what is missing in the end.
    installs : tuple of Install
        In the order of offers and units.
    days : Days
    demand_mw, import_mw : M
        Peak demand and mean import at the start of the milestone, with the units that are ordered for it and no
        others; nan if these do not suffice.
    output_mw, heat_mw : O x M
        Mean output of generators and heat removed by chillers, likewise.
    running : tuple of Dispatch, F
        What runs in each planned phase; nan if its units do not suffice.
    cost_parts_musd : dict
        Cost by part, in millions of USD; energy is nan if the units ordered for a milestone do not suffice.
    budget_musd : float
    """

    day: Ints
    planned_day: Ints
    bound_day: Ints
    by_crews: NDArray[np.bool_]
    reasons: tuple[tuple[Reason, ...], ...]
    installs: tuple[Install, ...]
    days: Days
    demand_mw: Floats
    import_mw: Floats
    output_mw: Floats
    heat_mw: Floats
    running: tuple[Dispatch, ...]
    cost_parts_musd: dict[str, float]
    budget_musd: float

    @property
    def cost_musd(self) -> float:
        """Return the total cost, in millions of USD."""
        return sum(self.cost_parts_musd.values())

    @property
    def within_budget(self) -> bool:
        """Return whether the cost is within the budget, or counts as the same; False if the cost is not known."""
        return self.cost_musd <= self.budget_musd + max(BORDER * SAME_COST_MUSD, TOLERANCE * self.budget_musd)

    @property
    def on_time(self) -> bool:
        """Return whether every milestone starts on its planned day or sooner."""
        return bool((self.day <= self.planned_day).all())


def replay(instance: Instance, orders: Orders) -> Calendar:
    """Replay orders at the only site of an Instance, day by day.

    A milestone needs the units and steps that are ordered for it or an earlier one. Units of later milestones help if
    they already serve. The milestone starts on the first day, not before the milestone before it, on which its GPUs are
    commissioned and every limit of ``docs/model.md`` holds with what serves on that day, and again on each later day on
    which a limit changes, with what serves by then.

    Raises
    ------
    ValueError
        If the Instance does not hold exactly one site, an array has a wrong shape, or units are negative or leave.
    """
    orders.check(instance)
    schedule = install(instance, orders)
    buildings = buildings_of(instance)[chosen_option(instance, orders.day)]
    queues = follow_queues(buildings, instance.pace, float(instance.gpus[-1]))
    ready = np.array([one.ready_day for one in schedule.installs], dtype=np.int64)
    course = _Course(instance, orders, schedule, queues, ready)
    day = course.first_days()
    unhindered = replace(course, ready=instance.ready_day[0][course.offer])
    phases = course.phases
    steps = np.logical_and.accumulate(orders.step, axis=0)
    running = [
        _run(course.on(day), m, orders.units[:, f], steps[:, f])
        for f, (m, day) in enumerate(zip(phases.milestone.tolist(), phases.begin.tolist(), strict=True))
    ]
    started = [running[f] for f in phases.own]
    return Calendar(
        day=day,
        planned_day=orders.day,
        bound_day=_bound(course),
        by_crews=(day > orders.day) & (unhindered.first_days() <= orders.day),
        reasons=tuple(course.reasons(m, day) for m in range(instance.milestones)),
        installs=schedule.installs,
        days=_series(course, day),
        demand_mw=np.array([one.demand_mw for one in started]),
        import_mw=np.array([one.import_mw for one in started]),
        output_mw=np.stack([one.output_mw for one in started], axis=1),
        heat_mw=np.stack([one.heat_mw for one in started], axis=1),
        running=tuple(running),
        cost_parts_musd=_cost(instance, orders, phases, running),
        budget_musd=instance.budget_musd,
    )


@dataclass(frozen=True)
class _Course:
    """What serves on which day at the site if each unit is installed on a given day (``ready``, in unit order)."""

    instance: Instance
    orders: Orders
    schedule: Schedule
    queues: Queues
    ready: Ints

    @cached_property
    def phases(self) -> Phases:
        return self.instance.phases(self.orders.day)

    @cached_property
    def _limits(self) -> list[Instance]:
        """Return the site with the limits before the first change, and from each change on."""
        return [self.instance.on(day) for day in (-1, *self.instance.change_day.tolist())]

    def on(self, day: int) -> Instance:
        """Return the site with the limits that are in force on a day."""
        return self._limits[int(np.searchsorted(self.instance.change_day, day, side="right"))]

    @property
    def offer(self) -> Ints:
        return np.array([one.offer for one in self.schedule.installs], dtype=np.int64)

    @cached_property
    def _commissioned(self) -> tuple[Ints, Ints]:
        milestone = np.array([one.milestone for one in self.schedule.installs], dtype=np.int64)
        return commissioned_days(self.instance, self.offer, milestone, self.ready, self.orders.step)

    @property
    def serves(self) -> Ints:
        return self._commissioned[0] + self.instance.commissioning_days

    @property
    def step_serves(self) -> Ints:
        return self._commissioned[1] + self.instance.commissioning_days

    @property
    def lag_days(self) -> int:
        """Return the days from commissioned GPUs to their training."""
        return self.instance.pace.bringup_days + self.instance.commissioning_days

    @property
    def compute_day(self) -> Ints:
        """Return the first day on which the GPUs of each milestone can train; M."""
        tested = [self.queues.tested_day(gpus) for gpus in self.instance.gpus.tolist()]
        return np.minimum(NEVER, np.array(tested, dtype=np.int64) + self.lag_days)

    @property
    def events(self) -> Ints:
        """Return the days on which something begins to serve or a limit changes, and day 0 as the first."""
        return np.union1d(self.arrivals, self.instance.change_day)

    @property
    def arrivals(self) -> Ints:
        """Return the days on which something begins to serve, and day 0 as the first."""
        steps = self.step_serves[self.orders.step.any(axis=1)]
        days = np.unique(np.concatenate([[0], self.serves, steps, self.compute_day]))
        return days[days < NEVER]

    def units(self, day: int) -> Ints:
        """Return the number of units of each offer that serve on a day; O."""
        return np.bincount(self.offer[self.serves <= day], minlength=self.instance.offers)

    def steps(self, m: int, day: int) -> NDArray[np.bool_]:
        """Return which grid steps of a milestone serve on a day, none without the one before it; L, bool."""
        ordered = self.orders.step[:, self.phase(m, day)]
        return np.logical_and.accumulate(ordered & (self.step_serves <= day))

    def phase(self, m: int, day: int) -> int:
        """Return the last planned phase of a milestone that begins by a day, or the phase with which it starts."""
        begun = np.flatnonzero((self.phases.milestone <= m) & (self.phases.begin <= day))
        return max(int(self.phases.own[m]), int(begun.max(initial=0)))

    def unmet(self, m: int, day: int) -> list[Limit]:
        """Return the limits of a milestone, apart from the GPUs, that do not hold if it starts on a day.

        They are those of that day, or of the first later day on which limits change and do not hold.
        """
        for when in (day, *self.instance.change_day[self.instance.change_day > day].tolist()):
            ordered = self.orders.units[:, self.phase(m, when)]
            lacking = unmet(self.on(when), m, self.units(when), self.steps(m, when), ordered)
            if lacking:
                return lacking
        return []

    def first_days(self) -> Ints:
        """Return the first day on which each milestone can start, not before the one before it; M."""
        first, day = [], 0
        for m, compute in enumerate(self.compute_day.tolist()):
            day = max(day, compute)
            tried = [day, *self.events[self.events > day].tolist()] if day < NEVER else []
            day = next((later for later in tried if not self.unmet(m, later)), NEVER)
            first.append(day)
        return np.array(first, dtype=np.int64)

    def reasons(self, m: int, first: Ints) -> tuple[Reason, ...]:
        """Return what a milestone waited for on the day before its first day, or what it lacks if it never starts."""
        never = first[m] >= NEVER
        known = self.queues.tested_gpus
        eve = int(max(self.events[-1], len(known) - 1 + self.lag_days) if never else first[m] - 1)
        if eve < 0:
            return (because(ReasonCode.NOTHING),)
        waits = []
        if self.compute_day[m] > eve:
            there = known[min(eve - self.lag_days, len(known) - 1)] if eve >= self.lag_days else 0
            gpus = {"there": round(float(there)), "needed": int(self.instance.gpus[m])}
            if never:
                waits.append(because(ReasonCode.GPUS_NETWORKED_IN_THE_END, **gpus))
            else:
                waits.append(because(ReasonCode.GPUS_NETWORKED_BY, **gpus, day=max(0, eve - self.lag_days)))
        lacking = self.unmet(m, eve)
        if any(limit.name == COOLING for limit in lacking):  # a shortage makes the coolers that need water run more
            lacking = [limit for limit in lacking if limit.name != "water"]
        for heat in (True, False):
            mine = [limit.reason for limit in lacking if (limit.name in (COOLING, "water")) == heat]
            if mine:
                waits += mine if never else self._until(m, eve + 1, heat, mine)
        if never and lacking:
            idle = [one.trade for one in self.schedule.installs if one.ready_day >= NEVER]
            waits += [because(ReasonCode.NO_CREW, trade=TRADES[k], units=idle.count(k)) for k in sorted(set(idle))]
        return tuple(waits) or (because(ReasonCode.EARLIER_MILESTONE, milestone=self.instance.milestone[m - 1]),)

    def _until(self, m: int, day: int, heat: bool, short: list[Reason]) -> list[Reason]:
        """Return what is short until a day, and name the unit or grid step that begins to serve on that day.

        For ``heat`` it is a chiller, otherwise another unit or a step. Of several units, the one that waited longest
        for crews is named.
        """
        instance, installs = self.instance, self.schedule.installs
        chills = instance.supplies(COOLING)[self.offer]
        late = self.ready - instance.ready_day[0][self.offer]
        new = np.flatnonzero((self.serves == day) & (chills == heat))
        if len(new):
            last = new[late[new].argmax()]
            one, days = installs[last], int(late[last])
            offer = instance.offer_id[one.offer]
            if days > 0:
                trade = TRADES[one.trade]
                return [because(ReasonCode.UNTIL_LATE_UNIT, *short, unit=one.unit, offer=offer, days=days, trade=trade)]
            return [because(ReasonCode.UNTIL_UNIT, *short, unit=one.unit, offer=offer)]
        risen = np.flatnonzero(self.steps(m, day) & ~self.steps(m, day - 1))
        return [because(ReasonCode.UNTIL_STEP, *short, step=int(risen[-1]) + 1)] if len(risen) and not heat else short


def _bound(course: _Course) -> Ints:
    """Return the day before which no sequence of whole crews can start each milestone; M.

    In no sequence is a unit ready before its soonest day, so the first days that follow from the soonest days are a
    bound; the MW that can be commissioned a day are left out, since another order might commission some unit sooner. A
    second bound: suppose that the units of a milestone cannot all be ready before some day, and that, with any one of
    them missing, the milestone cannot start before that day, though everything else that can be there by then is there.
    Then it cannot start before that day at all.
    """
    instance, ordered = course.instance, course.orders.units[:, course.phases.own]
    soonest = np.array([one.soonest_day for one in course.schedule.installs], dtype=np.int64)
    alone = replace(course, ready=soonest, instance=replace(instance, commissioning_mw_per_day=np.inf))
    bound = alone.first_days()
    together = np.minimum(NEVER, course.schedule.bound_day + instance.commissioning_days)
    for m in np.flatnonzero(bound < together).tolist():
        eve = int(together[m]) - 1
        units, steps = alone.units(eve), alone.steps(m, eve)
        one_less = [
            np.maximum(0, units - np.eye(instance.offers, dtype=np.int64)[o]) for o in np.flatnonzero(ordered[:, m])
        ]
        if all(unmet(course.on(eve), m, fewer, steps, ordered[:, m]) for fewer in one_less):
            bound[m] = together[m]
    return np.maximum.accumulate(bound)


def _run(instance: Instance, m: int, units: Ints, step: NDArray[np.bool_]) -> Dispatch:
    """Return what runs at a milestone with the units ordered for it; all values are nan if they do not suffice."""
    running = dispatch(instance, m, units, float(instance.import_limit_mw[0] + instance.step_rise_mw @ step))
    if unmet(instance, m, units, step, units):
        return Dispatch(**{name: value * np.nan for name, value in vars(running).items()})
    return running


def _cost(instance: Instance, orders: Orders, phases: Phases, running: list[Dispatch]) -> dict[str, float]:
    """Return the cost by part, in millions of USD: works, last orders, and energy over the days for which it is paid.

    A milestone pays for the phase with which it starts; or, if dearer, for a phase that begins when some limit has
    fallen since, as much of it as its load is of the load of that phase.
    """
    bought = orders.units[:, -1] * instance.unit_cost_musd[0]
    works = instance.works_musd[0].copy()
    if len(instance.option_site):
        works[WORKS.index("halls")] += instance.option_cost_musd[chosen_option(instance, orders.day)]
    before = [instance.on(-1), *(instance.on(day) for day in instance.change_day[:-1].tolist())]
    fallen = [
        int(day)
        for day, earlier in zip(instance.change_day, before, strict=False)
        if any(getattr(instance.on(int(day)), name)[0] < getattr(earlier, name)[0] for name in LIMITED)
    ]
    paid = np.zeros((3, instance.milestones))
    for m in np.flatnonzero(instance.operating_days > 0):
        since = min((day for day in fallen if day > orders.day[m]), default=NEVER)
        spent = []
        for f in [int(phases.own[m]), *np.flatnonzero(phases.begin >= since).tolist()]:
            million_hours = 24.0 * instance.operating_days[m] / 1e6
            million_hours *= instance.it_mw[m] / instance.it_mw[phases.milestone[f]]
            million_months = million_hours / HOURS_PER_MONTH
            spent.append(
                (
                    float(instance.fuel_usd_per_mwh @ running[f].output_mw * million_hours),
                    float(instance.grid_usd_per_mwh[0] * running[f].import_mw * million_hours),
                    float(instance.demand_usd_per_mw_month[0] * running[f].import_mw * million_months),
                )
            )
        paid[:, m] = max(spent, key=sum)
    return {
        "site": float(instance.site_cost_musd[0]),
        **dict(zip(WORKS, works.tolist(), strict=True)),
        "grid_steps": float(instance.step_cost_musd @ orders.step[:, -1]),
        **{kind.plural: float(bought[instance.of_kind(kind.name)].sum()) for kind in KINDS},
        **dict(zip(("fuel", "grid_energy", "demand_charge"), paid.sum(axis=1).tolist(), strict=True)),
        "gpus": instance.gpu_cost_musd,
    }


def _series(course: _Course, first: Ints) -> Days:
    """Return what is there at the start of every day."""
    instance, installs, queues = course.instance, course.schedule.installs, course.queues
    arrives = np.array([one.arrives_day for one in installs], dtype=np.int64)
    leaves = np.array([one.leaves_day for one in installs], dtype=np.int64)
    last = max([*course.arrivals.tolist(), *arrives.tolist(), len(queues.networked_gpus) - 1])
    days = np.arange(last + 1)

    def so_far(since: Ints, amount: Floats) -> Floats:
        risen = np.zeros(last + 2)
        np.add.at(risen, np.clip(since, 0, last + 1), amount)
        return np.cumsum(risen)[:-1]

    def counted(since: Ints) -> Ints:
        return so_far(since, np.ones(len(since))).astype(np.int64)

    def serving(kind: NDArray[np.bool_]) -> Floats:
        return so_far(course.serves, (instance.rating_mw[0] * kind)[course.offer])

    known = np.minimum(days, len(queues.networked_gpus) - 1)
    ordered = np.logical_and.accumulate(course.orders.step[:, -1])
    handed_over = days >= instance.handover_day[0]
    base_mw = np.array([course.on(day).import_limit_mw[0] for day in days])
    return Days(
        left_units=counted(leaves),
        arrived_units=counted(arrives),
        installed_units=counted(course.ready),
        serving_units=counted(course.serves),
        equipment_mw={kind.name: serving(instance.of_kind(kind.name)) for kind in KINDS},
        grid_mw=np.where(handed_over, base_mw + so_far(course.step_serves, instance.step_rise_mw * ordered), 0.0),
        racked_gpus=queues.racked_gpus[known],
        networked_gpus=queues.networked_gpus[known],
        training_gpus=np.concatenate([[0], instance.gpus])[np.searchsorted(first, days, side="right")],
    )
