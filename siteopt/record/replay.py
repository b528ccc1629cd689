"""Define the record of a replay: the plan day by day, and in every electrical event."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from siteopt.record.base import (
    Amount,
    ByKind,
    Count,
    Day,
    DayDifference,
    KindName,
    Label,
    Many,
    Name,
    Number,
    Record,
    Usd,
)
from siteopt.record.reason import Reason
from siteopt.section import Days
from siteopt.simulate.judgement import FigureName

BEYOND = (
    "longest time in which the grid carries more than its limit, or takes power, by more than the tolerance; null in"
    " runs of older versions"
)
"""Description of a field of events."""


class ReplayedMilestone(Record):
    """Milestone as it was replayed."""

    name: Name
    planned_day: Day
    day: Day | None = Field(description="first day on which it can start; null if it never can")
    date: date | None
    days_later: DayDifference | None
    bound_day: Day | None = Field(description="with these orders, no schedule of whole crews is earlier")
    by_crews: bool = Field(description="late, but on time if no unit had to wait for crews")
    reasons: Many[Reason] = Field(description="what it waited for, or what it lacks if it never starts")


class Shift(Record):
    """Work of a crew on a unit."""

    trade: Label
    crew: Annotated[int, Field(ge=1)]
    offer_id: Name
    model: Label
    kind: KindName
    unit: Count
    milestone: Name
    first_day: DayDifference
    last_day: DayDifference
    first: date
    last: date


class DaySeries(Record):
    """Series of the capacity and GPUs from each day on which something changes; all have the length of ``day``."""

    day: Many[Day]
    grid_mw: Many[Amount] = Field(description="limit of the grid; 0 before handover")
    equipment_mw: ByKind[Many[Amount]] = Field(description="rating of the units in service, by kind")
    networked_gpus: Many[Amount]
    training_gpus: Many[Count]

    @model_validator(mode="after")
    def _is_whole(self) -> DaySeries:
        every = (self.grid_mw, self.networked_gpus, self.training_gpus, *self.equipment_mw.values())
        rises = all(before < after for before, after in itertools.pairwise(self.day))
        if {len(self.day)} != {len(one) for one in every} or self.day[:1] != (0,) or not rises:
            raise ValueError("series that are each as long as the days, which rise from 0")
        return self

    def at(self, day: int) -> int:
        """Return the index of the entry of the series that applies on a day."""
        return max(place for place, begin in enumerate(self.day) if begin <= day)


class ReplayRecord(Record):
    """Plan replayed day by day and crew by crew."""

    milestones: Many[ReplayedMilestone]
    crews: Many[Shift]
    days: DaySeries
    cost_usd: Usd | None = Field(description="null if the ordered units are not sufficient")
    within_budget: bool

    @model_validator(mode="after")
    def _numbers_crews_from_1(self) -> ReplayRecord:
        if any(shift.crew > len(self.crews) for shift in self.crews):
            raise ValueError(f"numbers of crews up to {len(self.crews)}, the number of shifts")
        return self


class FigureRecord(Record):
    """Figure of a response, beside its limit."""

    name: FigureName
    unit: Label
    value: Amount | None = Field(description="null if the frequency never recovers")
    limit: Amount | None = Field(description="null if the figure is shown, and not judged")
    holds: bool


class EventRecord(Record):
    """Response of the plant to an event."""

    event: Label
    mode: Label
    schedule_mw: Amount | None = Field(None, description="scheduled import; null in runs of older versions")
    lowest_hz: Number
    highest_hz: Number
    rocof_hz_per_s: Number
    recovery_s: Amount | None
    battery_mwh: Number
    battery_peak_mw: Number
    battery_drain_mw: Number
    import_peak_mw: Number
    import_swing_mw: Number
    import_beyond_s: Amount | None = Field(None, description=BEYOND)
    shed_mw: Number
    lost_mw: Amount = Field(0.0, description="rating of the generators that are lost; 0 in runs of older versions")
    collapsed_s: Amount | None
    iso_class: Literal["", "G1", "G2", "G3"] = Field(
        description="the best class of ISO 8528-5 that is kept, with the limits beside it; empty if none is"
    )
    figures: Many[FigureRecord] = Field(
        (), description="every figure beside its limit for the required class; empty in runs of older versions"
    )


class QualityMilestone(Record):
    """Plant at a milestone, and its response to each event."""

    name: Name
    generators_mw: Amount
    batteries_mw: Amount
    forming_mw: Amount = Field(0.0, description="of batteries_mw: grid-forming batteries; 0 in runs of older versions")
    inertia_mws: Amount = Field(description="of machines, and virtual inertia of grid-forming batteries")
    min_battery_mw: Amount
    min_inertia_mws: Amount
    kept: Many[Label] = Field(description="modes in which the class is kept")
    events: Many[EventRecord]


class FailedEvent(Record):
    """Event in a mode in which the class is not kept."""

    event: Label
    mode: Label
    import_beyond_s: Amount | None = Field(None, description=BEYOND)


class WithoutBatteries(Record):
    """Result of the events with the same machines but without batteries."""

    passes: bool | None = Field(description="null if no class is required")
    failed: Many[FailedEvent]


class TraceRecord(Record):
    """Traces of one event; all series have the length of ``time_s``."""

    batteries: bool
    milestone: Name
    event: Label
    mode: Label
    band_hz: tuple[Amount, Amount]
    collapsed_s: Amount | None
    import_limit_mw: Amount | None = Field(default=None, description="null where the grid is not connected")
    import_beyond_s: Amount | None = Field(
        default=None, description="longest time with the import beyond its limit; null in earlier runs"
    )
    overrun_s: Amount | None = Field(default=None, description="longest time for which it may be; null: not judged")
    time_s: Many[Amount]
    hz: Many[Number]
    load_mw: Many[Number]
    generators_mw: Many[Number]
    batteries_mw: Many[Number]
    grid_mw: Many[Number]

    @property
    def is_overrun(self) -> bool:
        """Return whether the import is beyond its limit for longer than it may be."""
        return self.overrun_s is not None and (self.import_beyond_s or 0.0) > self.overrun_s

    @model_validator(mode="after")
    def _is_whole(self) -> TraceRecord:
        every = (self.hz, self.load_mw, self.generators_mw, self.batteries_mw, self.grid_mw)
        if {len(self.time_s)} != {len(one) for one in every} or max(self.time_s, default=0) <= 0:
            raise ValueError("series that are each as long as time_s, which ends after 0")
        if self.band_hz[0] >= self.band_hz[1]:
            raise ValueError("a band_hz from a lower to a higher frequency")
        return self


class PlanBefore(Record):
    """Plan without the power-quality requirement, if the requirement changed the plan."""

    site_id: Name
    site_name: Label
    days: Many[Days]
    cost_usd: Usd


class PowerQualityRecord(Record):
    """Plan replayed through every electrical event."""

    iso_class: Literal["G1", "G2", "G3"] | None = Field(description="required class; null if none is required")
    passes: bool | None = Field(description="null if no class is required")
    frequency_hz: Annotated[float, Field(ge=40, le=70)]
    units_lost_together: Count = Field(1, description="generators that a fault on a bus takes at once")
    iterations: Count = Field(description="iterations of the power-quality loop: the number of checked plans")
    before: PlanBefore | None
    milestones: Many[QualityMilestone]
    without_batteries: WithoutBatteries
    traces: Many[TraceRecord]
