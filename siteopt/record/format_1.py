"""Define the parts of ``plan.json`` and ``pareto.json`` in format 1 (siteopt 0.1) that siteopt reads."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from siteopt.record.base import Many

Texts = Many[str]
Json = dict[str, Any]

OF_MILESTONE = ("day", "date", "bound_day", "bottleneck")
"""Fields of a row of the ranking for each milestone."""


class _Part(BaseModel):
    """Part of a record; fields that are not listed here are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def kept(self, *without: str) -> Json:
        """Return all values except some."""
        return {name: value for name, value in self.model_dump().items() if name not in without}


class Milestone(_Part):
    """Milestone of the plan."""

    generators_mw: float
    batteries_mw: float
    chillers_mw: float
    bottleneck: str
    days_saved: dict[str, int]


class Prices(_Part):
    """Prices of the rows of a site, by milestone."""

    heat: Many[float]
    heat_spare: Many[float]
    mean: Many[float]
    mean_spare: Many[float]
    peak: Many[float]
    swing: Many[float]
    ride: Many[float]
    chiller_margin: Many[int]


class Proof(_Part):
    """Data that guide the proof of a run."""

    prices: Many[Prices] = ()


class Days(_Part):
    """Series of what was in place on each day on which something changed."""

    day: Many[int]
    grid_mw: Many[float]
    generators_mw: Many[float]
    batteries_mw: Many[float]
    chillers_mw: Many[float]
    networked_gpus: Many[float]
    training_gpus: Many[int]


class ReplayedMilestone(_Part):
    """Milestone as it was replayed."""

    reason: str


class Replay(_Part):
    """Replay of the plan."""

    milestones: Many[ReplayedMilestone]
    days: Days


class Event(_Part):
    """Electrical event."""

    iso_class: str = Field(alias="class")


class QualityMilestone(_Part):
    """Plant at a milestone."""

    events: Many[Event]


class WithoutBatteries(_Part):
    """Result without batteries; an event is written as ``name (mode)``."""

    passes: bool | None
    failed: Texts


class PowerQuality(_Part):
    """Power quality of the plan."""

    iso_class: str | None = Field(alias="class")
    milestones: Many[QualityMilestone]
    without_batteries: WithoutBatteries


class Site(_Part):
    """Row of the ranking; the names of the fields of a milestone end in its slug."""

    rank: int | None
    standing: str
    reason: str
    cost_usd: int | None
    cost_bound_usd: int | None
    assumed: str
    longitude: float
    latitude: float

    @model_validator(mode="after")
    def _tells_all_of_a_milestone(self) -> Site:
        told = self.model_extra or {}
        slugs = {name.removeprefix(f"{one}_") for name in told for one in OF_MILESTONE if name.startswith(f"{one}_")}
        lacking = [f"{one}_{slug}" for slug in sorted(slugs) for one in OF_MILESTONE if f"{one}_{slug}" not in told]
        if lacking:
            raise ValueError(f"without {', '.join(lacking)}")
        return self


class Certificate(_Part):
    """Certificate of an answer: how it was found and checked."""

    solver: str
    milps_solved: int
    seconds: float
    random_seed: int
    python: str
    packages: dict[str, str]
    rows_recomputed: int | None = None
    worst_excess: float | None = None
    valid: bool | None = None


class RunCertificate(Certificate):
    """Certificate of a run: how its answer was found and checked."""

    sites_solved: int
    seconds_by_step: dict[str, float]
    stages: Many[Json]
    evidence: Json = Field(default_factory=lambda: dict.fromkeys(("safe", "agreed", "contradicted", "undecided"), 0))
    second_solver: Json | None = None


class Stored(_Part):
    """Fields at the beginning of both records."""

    siteopt_version: str
    scenario: str
    settings: Texts
    start_date: str
    currency: str
    currency_per_usd: float
    outcome: str
    inputs: Many[Json]
    warnings: Many[Json]

    def heading(self) -> Json:
        """Return the fields at the beginning of a record."""
        return {name: getattr(self, name) for name in Stored.model_fields}


class Run(Stored):
    """Content of ``plan.json``."""

    scenario_path: str
    method: str
    objective: Texts
    commissioning_days: int
    candidates: int
    eligible: int
    ranks_asked: int
    assumptions: Many[Json]
    site_id: str | None
    site_name: str | None
    site_longitude: float | None
    site_latitude: float | None
    access_day: int | None
    access: str | None
    milestones: Many[Milestone]
    cost_usd: dict[str, int]
    orders: Many[Json]
    grid_steps: Many[Json]
    baselines: Many[Json]
    replay: Replay | None
    power_quality: PowerQuality | None
    ranking: Many[Site]
    certificate: RunCertificate
    proof: Proof = Proof()


class FrontSite(_Part):
    """Site of a Pareto front."""

    site_id: str
    name: str
    longitude: float
    latitude: float
    rank: int
    proven: bool
    line: Json


class FrontPoint(_Part):
    """Point of a Pareto front; the names of the fields of other milestones end in their slugs."""

    milestone: str
    day: int
    date: str
    cost_usd: int
    cost_bound_usd: int
    site_id: str
    name: str
    on_front: bool
    proven: bool


class ParetoFront(Stored):
    """Content of ``pareto.json``."""

    milestone: str
    milestones: Texts
    points: Many[FrontPoint]
    front: Json
    sites: Many[FrontSite]
    certificate: Certificate
