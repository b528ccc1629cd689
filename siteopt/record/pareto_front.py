"""Define the record of a Pareto front: the answer of ``siteopt pareto``, stored as ``pareto.json``."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from siteopt.record.base import Heading, InputFile, InputWarning, Record
from siteopt.record.run import Environment, Recomputed


class FrontPoint(Record):
    """Breakpoint of a Pareto front: a day on which the least cost of a site falls."""

    milestone: str
    day: int
    date: date
    cost_usd: int
    cost_bound_usd: int
    site_id: str
    name: str
    on_front: bool = Field(
        description="no other known plan is at least as early and as cheap; ties go to the smaller site_id"
    )
    proven: bool
    other_days: dict[str, int] = Field(description="days of the other milestones")


class Line(Record):
    """Days and costs that draw a Pareto front as steps, up to the horizon."""

    day: tuple[int, ...]
    cost_usd: tuple[int, ...]


class SiteFrontRecord(Record):
    """Pareto front of one site."""

    site_id: str
    name: str
    longitude: float
    latitude: float
    rank: int
    proven: bool
    points: tuple[FrontPoint, ...]
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
    """Certificate of a Pareto front: how it was found and checked."""

    solver: str
    milps_solved: int
    seconds: float = Field(description="from reading the input to the points; the outputs are written afterwards")
    environment: Environment
    recomputed: Recomputed | None


class FrontRecord(Heading):
    """Record of a Pareto front of the days of a milestone against cost."""

    milestone: str
    milestones: tuple[str, ...]
    line: Line = Field(description="joint Pareto front of all sites")
    sites: tuple[SiteFrontRecord, ...]
    certificate: FrontCertificate
    inputs: tuple[InputFile, ...]
    warnings: tuple[InputWarning, ...]

    @property
    def points(self) -> tuple[FrontPoint, ...]:
        """Return the points of all sites, in the order of ranks and days."""
        return tuple(point for site in self.sites for point in site.points)

    @property
    def joint(self) -> tuple[FrontPoint, ...]:
        """Return the points on the joint Pareto front of all sites, the earliest first."""
        return tuple(sorted((point for point in self.points if point.on_front), key=lambda point: point.day))
