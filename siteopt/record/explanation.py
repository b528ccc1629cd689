"""Define the record of an explanation: the answer of ``siteopt explain`` about one site."""

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
    missing: float | None = Field(description="null if no amount of time is sufficient")
    needed: float | None
    unit: str


class ChangeRecord(Record):
    """Change of a fact about the site to another value."""

    column: str
    now: float | None = Field(description="null for the contract_days of a scenario that counts on no contract")
    needed: float
    unit: str
    by_day: int | None = Field(description="day by which more grid must be ready, or from which a limit holds")
    grid_step_mw: float | None = Field(description="limit of the grid after the step, or under the contract")
    resource: str = Field(default="", description="resource of a limit by calendar day; else empty")
    limit: float | None = Field(default=None, description="limit after a limit_day; null if there is none any more")


class ExplanationRecord(Heading):
    """Record of an explanation: why a site does not win, and what would have to change."""

    site_id: str
    site_name: str
    excluded: tuple[Reason, ...] = Field(description="why the scenario excludes the site")
    standing: Standing
    reasons: tuple[Reason, ...] = Field(description="why the site cannot serve")
    plan: ComparedPlan | None
    rival: ComparedPlan | None = Field(description="the winner; the runner-up if the site itself wins")
    shortfalls: tuple[ShortfallRecord, ...]
    still_short: tuple[ShortfallRecord, ...] = Field(
        description="what the site would still lack with every change at its best"
    )
    changes: tuple[tuple[ChangeRecord, ...], ...] = Field(description="alternatives, each of which is sufficient")
