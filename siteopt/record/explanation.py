"""Define the record of an explanation: what ``siteopt explain`` says about one site."""

from __future__ import annotations

from pydantic import Field

from siteopt.record.base import Heading, Record, Standing
from siteopt.record.reason import Reason
from siteopt.record.run import Cost, Milestone


class ComparedPlan(Record):
    """Best plan of a site, to compare with that of another site."""

    site_id: str
    site_name: str
    milestones: tuple[Milestone, ...]
    cost: Cost
    units: dict[str, int] = Field(description="units by kind")


class ShortfallRecord(Record):
    """Shortfall of a site that cannot serve, on the last day of the horizon."""

    limit: str
    milestone: str = Field(description="empty for the budget")
    missing: float | None = Field(description="null where no amount of time would do")
    needed: float | None
    unit: str


class ChangeRecord(Record):
    """Change of a fact about the site to another value."""

    column: str
    now: float
    needed: float
    unit: str
    by_day: int | None = Field(description="day by which more grid must be ready")
    grid_step_mw: float | None = Field(description="limit that the grid step rises to")


class ExplanationRecord(Heading):
    """Record of an explanation: why a site does not win, and what would have to change."""

    site_id: str
    site_name: str
    excluded: tuple[Reason, ...] = Field(description="why the scenario leaves it out")
    standing: Standing
    reasons: tuple[Reason, ...] = Field(description="why it cannot serve")
    plan: ComparedPlan | None
    rival: ComparedPlan | None = Field(description="the winner; the runner-up where the site itself wins")
    shortfalls: tuple[ShortfallRecord, ...]
    still_short: tuple[ShortfallRecord, ...] = Field(description="what it would lack with everything at its best")
    changes: tuple[tuple[ChangeRecord, ...], ...] = Field(description="alternatives, each of which is sufficient")
