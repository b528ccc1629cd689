"""Define the record of a Pareto front: the answer of ``siteopt pareto``, stored as ``pareto.json``."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from pydantic import Field, model_validator

from siteopt.record.base import (
    Amount,
    Count,
    Heading,
    InputFile,
    InputWarning,
    Label,
    Latitude,
    Longitude,
    Many,
    Name,
    Record,
    Usd,
)
from siteopt.record.run import Environment, Rank, Recomputed
from siteopt.record.value import DayValue, MilestoneValue
from siteopt.section import Days


class FrontPoint(Record):
    """Breakpoint of a Pareto front: a day on which the least cost of a site falls."""

    milestone: Name
    day: Days
    date: date
    cost_usd: Usd
    cost_bound_usd: Usd
    site_id: Name
    name: Label
    on_front: bool = Field(
        description="no other known plan is at least as early and as cheap; ties go to the smaller site_id"
    )
    proven: bool
    other_days: dict[Name, Days] = Field(description="days of the other milestones")
    best_at_value: bool = Field(
        default=False,
        description="its cost and the value of its day are the least together; ties go to the earlier day",
    )


class Line(Record):
    """Days and costs that draw a Pareto front as steps, up to the horizon."""

    day: Many[Days]
    cost_usd: Many[Usd]

    @model_validator(mode="after")
    def _is_whole(self) -> Line:
        if len(self.day) != len(self.cost_usd):
            raise ValueError("as many costs as days")
        return self


class SiteFrontRecord(Record):
    """Pareto front of one site."""

    site_id: Name
    name: Label
    longitude: Longitude
    latitude: Latitude
    rank: Rank
    proven: bool
    points: Many[FrontPoint]
    line: Line

    @property
    def fastest(self) -> FrontPoint | None:
        """Return the earliest point; None if there is no point."""
        return self.points[0] if self.points else None

    @property
    def cheapest(self) -> FrontPoint | None:
        """Return the cheapest point; None if there is no point."""
        return self.points[-1] if self.points else None


class FrontCertificate(Record):
    """Certificate of a Pareto front or of capacities: how the answer was found and checked."""

    solver: Label
    milps_solved: Count
    seconds: Amount = Field(description="from reading the input to the answer; the outputs are written afterwards")
    environment: Environment
    recomputed: Recomputed | None


class FrontRecord(Heading):
    """Record of a Pareto front of the days of a milestone against cost."""

    milestone: Name
    milestones: Many[Name]
    line: Line = Field(description="joint Pareto front of all sites")
    sites: Many[SiteFrontRecord]
    value: DayValue | None = Field(default=None, description="null if the scenario gives no value of a GPU-hour")
    certificate: FrontCertificate
    inputs: Many[InputFile]
    warnings: Many[InputWarning]

    @property
    def points(self) -> Many[FrontPoint]:
        """Return the points of all sites, in the order of ranks and days."""
        return tuple(point for site in self.sites for point in site.points)

    @property
    def joint(self) -> Many[FrontPoint]:
        """Return the points on the joint Pareto front of all sites, the earliest first."""
        return tuple(sorted((point for point in self.points if point.on_front), key=lambda point: point.day))

    @property
    def day_earlier_usd(self) -> Many[float | None]:
        """Return what a day earlier costs at each joint point, USD: the slope to the next point; None at the last."""
        slopes = (
            (one.cost_usd - other.cost_usd) / (other.day - one.day) if other.day > one.day else None
            for one, other in pairwise(self.joint)
        )
        return (*slopes, *([None] if self.joint else []))

    @property
    def of_day(self) -> MilestoneValue | None:
        """Return the value of a day of the milestone of the front; None if the scenario does not give it."""
        return self.value.of(self.milestone) if self.value is not None else None

    @property
    def best_at_value(self) -> FrontPoint | None:
        """Return the best point at the value of a day; None if there is none, or the scenario gives no value."""
        return next((one for one in self.points if one.best_at_value), None)
