"""Define the record of a verification: the answer of ``siteopt verify`` about a plan."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from siteopt.record.base import Record
from siteopt.record.reason import Reason
from siteopt.record.replay import PowerQualityRecord, ReplayRecord


class ChangedCell(Record):
    """Cell whose value has changed."""

    table: str
    row: str = Field(description="an offer_id or site_id")
    column: str
    level_mw: float | None = Field(description="limit of the grid after the step, for a grid step")
    building_id: str | None = Field(None, description="id of the building, for a building")
    resource: str | None = Field(None, description="what is limited, for a row of the limits")
    limit: float | None = Field(
        None, description="limit of that row in the unit of its resource; null if there is none"
    )
    before: float | str | None
    after: float | str | None
    concerns: bool = Field(description="whether the plan uses it")


class Cause(Record):
    """Changed cell, and the days by which this change alone moves a milestone."""

    change: int = Field(description="position in the list of changes, from 0")
    days_later: int | None = Field(description="null if the milestone never starts")


class Slip(Record):
    """Milestone that starts on another day than before."""

    name: str
    day: int | None
    day_with: int | None
    days_later: int | None
    because: tuple[Cause, ...]
    reasons: tuple[Reason, ...]


class VerificationRecord(Record):
    """Result of replaying the plan of a run."""

    scenario: str
    start_date: date
    site_id: str
    site_name: str
    currency: str
    currency_per_usd: float
    holds: bool
    changed_inputs: tuple[str, ...]
    changes: tuple[ChangedCell, ...]
    slips: tuple[Slip, ...]
    replay: ReplayRecord
    power_quality: PowerQualityRecord
