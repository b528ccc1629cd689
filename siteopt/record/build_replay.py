"""Build the records of a replay: the calendar and the power quality."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from siteopt.equipment import BATTERY_POWER, INERTIA, MEAN_POWER
from siteopt.instance import NEVER, TRADES, Floats, Instance
from siteopt.record.build import finite, rounded
from siteopt.record.replay import (
    DaySeries,
    EventRecord,
    FailedEvent,
    FigureRecord,
    PlanBefore,
    PowerQualityRecord,
    QualityMilestone,
    ReplayedMilestone,
    ReplayRecord,
    Shift,
    TraceRecord,
    WithoutBatteries,
)
from siteopt.scenario import Scenario
from siteopt.simulate.events import GRID_LOSS
from siteopt.simulate.judgement import CLASSES, Response, keeps, modes_kept
from siteopt.simulate.replayed import Replayed

CHECKED = "G2"
"""Class whose limits are shown if none is required."""

SHOWN_S = 12.0
"""Length of a shown trace, in seconds; nothing new happens after that."""

POINTS = 400
"""Largest number of points of a trace."""


def replay_record(scenario: Scenario, instance: Instance, found: Replayed, offers: pd.DataFrame) -> ReplayRecord:
    """Return the replay of each milestone, the work of each crew, and the capacity on each day."""
    calendar = found.calendar
    milestones = tuple(
        ReplayedMilestone(
            name=instance.milestone[m],
            planned_day=int(calendar.planned_day[m]),
            day=known_day(calendar.day[m]),
            date=scenario.date_of(int(calendar.day[m])) if calendar.day[m] < NEVER else None,
            days_later=known_day(calendar.day[m] - calendar.planned_day[m]),
            bound_day=known_day(calendar.bound_day[m]),
            by_crews=bool(calendar.by_crews[m]),
            reasons=calendar.reasons[m],
        )
        for m in range(instance.milestones)
    )
    crews = _shifts(scenario, instance, found, offers)
    cost = calendar.cost_musd
    return ReplayRecord(
        milestones=milestones,
        crews=tuple(sorted(crews, key=lambda shift: (shift.trade, shift.crew, shift.first_day))),
        days=_days(found),
        cost_usd=round(cost * 1e6) if math.isfinite(cost) else None,
        within_budget=calendar.within_budget,
    )


def _shifts(scenario: Scenario, instance: Instance, found: Replayed, offers: pd.DataFrame) -> Iterator[Shift]:
    for one in found.calendar.installs:
        offer = offers.loc[instance.offer_id[one.offer]]
        for shift in one.shifts:
            if shift.last_day < NEVER:
                yield Shift(
                    trade=TRADES[one.trade],
                    crew=shift.crew,
                    offer_id=instance.offer_id[one.offer],
                    model=offer["model"],
                    kind=offer["kind"],
                    unit=one.unit,
                    milestone=instance.milestone[one.milestone],
                    first_day=shift.first_day,
                    last_day=shift.last_day,
                    first=scenario.date_of(shift.first_day),
                    last=scenario.date_of(shift.last_day),
                )


def _days(found: Replayed) -> DaySeries:
    """Return the capacity and GPUs from each day on which something changes."""
    days = found.calendar.days
    series = np.stack([*days.equipment_mw.values(), days.grid_mw, days.networked_gpus, days.training_gpus])
    keep = np.concatenate([[True], (np.diff(series) != 0).any(axis=0)])

    def kept(values: np.ndarray) -> tuple[float, ...]:
        return _rounded(values[keep])

    return DaySeries(
        day=tuple(np.flatnonzero(keep).tolist()),
        grid_mw=kept(days.grid_mw),
        equipment_mw={kind: kept(values) for kind, values in days.equipment_mw.items()},
        networked_gpus=kept(days.networked_gpus),
        training_gpus=tuple(days.training_gpus[keep].tolist()),
    )


def quality_record(
    instance: Instance, found: Replayed, iterations: int = 0, before: PlanBefore | None = None
) -> PowerQualityRecord:
    """Return every event at every milestone, the events without batteries, and traces of the worst event.

    Parameters
    ----------
    iterations : int
        Iterations of the power-quality loop: the number of checked plans.
    before : PlanBefore, optional
        Plan without the power-quality requirement, if the requirement changed the plan.
    """
    quality = instance.power_quality
    checked = quality.iso_class or CHECKED
    bare = [some for some in found.without_batteries if not keeps(some, quality.iso_class)]
    failed = dict[tuple[str, str], float]()
    for one in (one for some in bare for one in some if not one.keeps(checked)):
        failed[one.event, one.mode] = max(failed.get((one.event, one.mode), 0.0), one.import_beyond_s)
    without = WithoutBatteries(
        passes=not failed if quality.iso_class else None,
        failed=tuple(
            FailedEvent(event=event, mode=mode, import_beyond_s=rounded(seconds))
            for (event, mode), seconds in failed.items()
        ),
    )
    return PowerQualityRecord(
        iso_class=quality.iso_class or None,
        passes=found.keeps(quality.iso_class) if quality.iso_class else None,
        frequency_hz=quality.frequency_hz,
        units_lost_together=quality.units_lost_together,
        iterations=iterations,
        before=before,
        milestones=tuple(_milestone(instance, found, m, checked) for m in range(instance.milestones)),
        without_batteries=without,
        traces=tuple(_traces(instance, found, checked)),
    )


def _milestone(instance: Instance, found: Replayed, m: int, checked: str) -> QualityMilestone:
    units = found.orders.units[:, instance.phases(found.orders.day).own[m]]
    every = np.arange(instance.offers)
    power = instance.rating_mw[0] * units
    return QualityMilestone(
        name=instance.milestone[m],
        generators_mw=rounded(power[instance.supplies(MEAN_POWER)].sum()),
        batteries_mw=rounded(float(instance.supply(BATTERY_POWER, every)[0] @ units)),
        forming_mw=rounded(power[instance.is_forming].sum()),
        inertia_mws=rounded(float(instance.supply(INERTIA, every)[0] @ units)),
        min_battery_mw=rounded(instance.min_battery_mw[0, m]),
        min_inertia_mws=rounded(instance.min_inertia_mws[0, m]),
        kept=tuple(modes_kept(found.responses[m], checked)),
        events=tuple(_event(one, checked) for one in found.responses[m]),
    )


def _event(one: Response, checked: str) -> EventRecord:
    recovery = one.recovery_s[list(CLASSES).index(checked)] if one.recovery_s else math.inf
    return EventRecord(
        event=one.event,
        mode=one.mode,
        schedule_mw=rounded(one.schedule_mw),
        lowest_hz=rounded(one.lowest_hz),
        highest_hz=rounded(one.highest_hz),
        rocof_hz_per_s=rounded(one.rocof_hz_per_s),
        recovery_s=finite(recovery),
        battery_mwh=rounded(one.battery_mwh),
        battery_peak_mw=rounded(one.battery_peak_mw),
        battery_drain_mw=rounded(one.battery_drain_mw),
        import_peak_mw=rounded(one.import_peak_mw),
        import_swing_mw=rounded(one.import_swing_mw),
        import_beyond_s=rounded(one.import_beyond_s),
        shed_mw=rounded(one.shed_mw),
        lost_mw=rounded(max(0.0, one.lost_mw)),
        collapsed_s=None if one.collapsed_s is None else rounded(one.collapsed_s),
        iso_class=one.iso_class,
        figures=tuple(
            FigureRecord(
                name=figure.name,
                unit=figure.unit,
                value=finite(figure.value),
                limit=finite(figure.limit),
                holds=figure.holds,
            )
            for figure in one.figures(checked)
        ),
    )


def _traces(instance: Instance, found: Replayed, checked: str) -> Iterator[TraceRecord]:
    """Yield the traces of the worst event with batteries and without; none if no load swings.

    The loss of the grid is not shown. Among the other events, the worst is chosen by these criteria, in order: its mode
    keeps the class with batteries; the event loses the class without batteries; its load is periodic; without
    batteries, the frequency dips deepest, and then rises highest.
    """
    limits, pairs = CLASSES[checked], []
    for m, some in enumerate(found.responses):
        kept = modes_kept(some, checked)
        by_event = {(bare.event, bare.mode): bare for bare in found.without_batteries[m]}
        for one in (one for one in some if (one.event, one.mode) in by_event):
            bare = by_event[one.event, one.mode]
            lost, rests = not bare.keeps(checked), one.band is None
            if one.event != GRID_LOSS and min(len(one.trace.time_s), len(bare.trace.time_s)) > 1:
                pairs.append(((one.mode in kept, lost, not rests, bare.dip, bare.rise), m, one, bare))
    if not pairs:
        return
    _, m, one, bare = max(pairs, key=lambda pair: pair[0])
    hz, half = instance.power_quality.frequency_hz, limits.steady_band / 2
    below, above = (-limits.dip, limits.rise) if one.band is None else (one.settled - half, one.settled + half)
    band = (rounded(hz * (1 + below)), rounded(hz * (1 + above)))
    for batteries, shown in ((True, one), (False, bare)):
        yield _trace(shown, hz, band, batteries, instance.milestone[m])


def _rounded(values: Floats) -> tuple[float, ...]:
    """Return figures rounded as :func:`siteopt.record.build.rounded` does one."""
    return tuple((np.round(values, 3) + 0.0).tolist())


def _trace(one: Response, hz: float, band: tuple[float, float], batteries: bool, milestone: str) -> TraceRecord:
    trace = one.trace
    keep = np.flatnonzero(trace.time_s <= SHOWN_S)
    keep = keep[:: max(1, math.ceil(len(keep) / POINTS))]

    def shown(values: Floats) -> tuple[float, ...]:
        return _rounded(values[keep])

    return TraceRecord(
        batteries=batteries,
        milestone=milestone,
        event=one.event,
        mode=one.mode,
        band_hz=band,
        collapsed_s=None if one.collapsed_s is None else rounded(one.collapsed_s),
        import_limit_mw=rounded(one.import_limit_mw) if one.is_tied else None,
        import_beyond_s=rounded(one.import_beyond_s),
        overrun_s=finite(one.allowed.overrun_s),
        time_s=shown(trace.time_s),
        hz=shown(hz * (1 + trace.deviation)),
        load_mw=shown(trace.load_mw),
        generators_mw=shown(trace.generators_mw),
        batteries_mw=shown(trace.batteries_mw),
        grid_mw=shown(trace.grid_mw),
    )


def known_day(day: int) -> int | None:
    """Return a day, or a difference of days; None if a day never comes."""
    return int(day) if abs(day) < NEVER / 2 else None
