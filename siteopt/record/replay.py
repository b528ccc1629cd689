"""Define the record of a replay: the plan day by day, and in every electrical event."""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from siteopt.equipment import KINDS
from siteopt.record.base import Record
from siteopt.record.reason import Reason


class ReplayedMilestone(Record):
    """Milestone as it was replayed."""

    name: str
    planned_day: int
    day: int | None = Field(description="first day on which it can start; null if it never can")
    date: date | None
    days_later: int | None
    bound_day: int | None = Field(description="with these orders, no schedule of whole crews is earlier")
    by_crews: bool = Field(description="late, but on time if no unit had to wait for crews")
    reasons: tuple[Reason, ...] = Field(description="what it waited for, or what it lacks if it never starts")


class Shift(Record):
    """Work of a crew on a unit."""

    trade: str
    crew: int
    offer_id: str
    model: str
    kind: str
    unit: int
    milestone: str
    first_day: int
    last_day: int
    first: date
    last: date


class DaySeries(Record):
    """Series of the capacity and GPUs from each day on which something changes; all have the length of ``day``."""

    day: tuple[int, ...]
    grid_mw: tuple[float, ...] = Field(description="limit of the grid; 0 before handover")
    equipment_mw: dict[str, tuple[float, ...]] = Field(description="rating of the units in service, by kind")
    networked_gpus: tuple[float, ...]
    training_gpus: tuple[int, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> DaySeries:
        every = (self.grid_mw, self.networked_gpus, self.training_gpus, *self.equipment_mw.values())
        if (
            set(self.equipment_mw) != {kind.name for kind in KINDS}
            or {len(self.day)} != {len(one) for one in every}
            or self.day[:1] != (0,)
        ):
            raise ValueError("a series for each kind, each as long as the days, from day 0")
        return self

    def at(self, day: int) -> int:
        """Return the index of the entry of the series that applies on a day."""
        return max(place for place, begin in enumerate(self.day) if begin <= day)


class ReplayRecord(Record):
    """Plan replayed day by day and crew by crew."""

    milestones: tuple[ReplayedMilestone, ...]
    crews: tuple[Shift, ...]
    days: DaySeries
    cost_usd: int | None = Field(description="null if the ordered units are not sufficient")
    within_budget: bool


class EventRecord(Record):
    """Response of the plant to an event."""

    event: str
    mode: str
    lowest_hz: float
    highest_hz: float
    rocof_hz_per_s: float
    recovery_s: float | None
    battery_mwh: float
    battery_peak_mw: float
    battery_drain_mw: float
    import_peak_mw: float
    import_swing_mw: float
    shed_mw: float
    collapsed_s: float | None
    iso_class: str = Field(description="the best class of ISO 8528-5 that is kept; empty if none is")


class QualityMilestone(Record):
    """Plant at a milestone, and its response to each event."""

    name: str
    generators_mw: float
    batteries_mw: float
    inertia_mws: float
    min_battery_mw: float
    min_inertia_mws: float
    kept: tuple[str, ...] = Field(description="modes in which the class is kept")
    events: tuple[EventRecord, ...]


class FailedEvent(Record):
    """Event in a mode in which the class is not kept."""

    event: str
    mode: str


class WithoutBatteries(Record):
    """Result of the events with the same machines but without batteries."""

    passes: bool | None = Field(description="null if no class is required")
    failed: tuple[FailedEvent, ...]


class TraceRecord(Record):
    """Traces of one event; all series have the length of ``time_s``."""

    batteries: bool
    milestone: str
    event: str
    mode: str
    band_hz: tuple[float, float]
    collapsed_s: float | None
    time_s: tuple[float, ...]
    hz: tuple[float, ...]
    load_mw: tuple[float, ...]
    generators_mw: tuple[float, ...]
    batteries_mw: tuple[float, ...]
    grid_mw: tuple[float, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> TraceRecord:
        every = (self.hz, self.load_mw, self.generators_mw, self.batteries_mw, self.grid_mw)
        if not self.time_s or {len(self.time_s)} != {len(one) for one in every}:
            raise ValueError("series that are each as long as time_s")
        return self


class PlanBefore(Record):
    """Plan without the power-quality requirement, if the requirement changed the plan."""

    site_id: str
    site_name: str
    days: tuple[int, ...]
    cost_usd: int


class PowerQualityRecord(Record):
    """Plan replayed through every electrical event."""

    iso_class: str | None = Field(description="required class; null if none is required")
    passes: bool | None = Field(description="null if no class is required")
    frequency_hz: float
    iterations: int = Field(description="iterations of the power-quality loop: the number of checked plans")
    before: PlanBefore | None
    milestones: tuple[QualityMilestone, ...]
    without_batteries: WithoutBatteries
    traces: tuple[TraceRecord, ...]
