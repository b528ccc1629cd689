"""Define the record of a run: the answer of ``siteopt solve``, stored as ``plan.json``, and source of all outputs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from siteopt.equipment import KINDS
from siteopt.record.base import Heading, InputFile, InputWarning, Record, Standing
from siteopt.record.proof import Proof
from siteopt.record.reason import Reason
from siteopt.record.replay import PowerQualityRecord, ReplayRecord


def _of_every_kind(found: dict[str, float]) -> dict[str, float]:
    if set(found) != {kind.name for kind in KINDS}:
        raise ValueError(f"a value for each of {', '.join(kind.name for kind in KINDS)}")
    return found


def _registered(kind: str) -> str:
    if kind not in {one.name for one in KINDS}:
        raise ValueError(f"one of {', '.join(one.name for one in KINDS)}")
    return kind


KindName = Annotated[str, AfterValidator(_registered), Field(json_schema_extra={"enum": [kind.name for kind in KINDS]})]
"""Name of a kind of equipment."""

ByKind = Annotated[dict[str, float], AfterValidator(_of_every_kind)]
"""Figure for each kind of equipment."""


class Saving(Record):
    """Days by which a milestone could start earlier if one limit alone were relaxed."""

    limit: str
    days: int


class MilestoneRequirement(Record):
    """Requirement of a milestone: what is needed, and what the site and its units supply, spare units included."""

    requirement: str
    unit: str
    needed: float
    supplied: float


class Milestone(Record):
    """Milestone of a plan."""

    name: str
    gpus: int
    day: int = Field(description="days from the decision to the start of training")
    date: date
    compute_ready_day: int = Field(description="day on which the GPUs are racked, plumbed and networked")
    it_mw: float
    heat_mw: float = Field(description="heat that chillers must remove")
    demand_mw: float = Field(description="peak demand, with cooling and losses")
    mean_mw: float = Field(description="mean demand")
    grid_mw: float = Field(description="limit of the grid, including the steps in service")
    equipment_mw: ByKind = Field(description="rating of the units on site by kind; thermal for chillers")
    requirements: tuple[MilestoneRequirement, ...] = Field(
        default=(), description="requirements that ask for something; empty in runs of format 1"
    )
    limited_by: Reason | None = Field(description="what limits the milestone; null if this was not computed")
    days_saved: tuple[Saving, ...] = Field(description="limits that alone cost days, the most days first")

    def needed(self, name: str) -> float:
        """Return what a field says that is needed, or what a requirement needs; 0 if it asks for nothing."""
        if name in type(self).model_fields:
            return float(getattr(self, name))
        return sum(one.needed for one in self.requirements if one.requirement == name)


class Cost(Record):
    """Cost of a plan, in US dollars."""

    total_usd: int
    parts_usd: dict[str, int] = Field(description="site, grid_steps, a part for each kind of equipment, energy, gpus")


class Order(Record):
    """Units ordered from one offer."""

    offer_id: str
    kind: KindName
    vendor: str
    model: str
    depot: str
    longitude: float
    latitude: float
    units: dict[str, int] = Field(min_length=1, description="units on site by milestone, cumulative")
    unit_mw: float = Field(description="rating of a unit at the design temperature and elevation of the site")
    leaves_day: int
    arrives_day: int
    ready_day: int = Field(description="day on which the last unit is installed")
    serves_day: int = Field(description="day from which the commissioned units are in service")
    leaves: date
    arrives: date
    ready: date
    serves: date
    cost_usd: int
    confidence: str = Field(description="confidence as entered in the table of offers")

    @property
    def all_units(self) -> int:
        """Return the total number of units: those on site at the last milestone."""
        return max(self.units.values())


class GridStep(Record):
    """Step of the grid connection of the chosen site."""

    ready_day: int
    ready: date
    grid_mw: float = Field(description="limit of the grid after the step")
    cost_usd: int
    in_service_from: str | None = Field(description="first milestone that uses the step; null if none does")


class Baseline(Record):
    """Quote of the scenario that the plan is compared with."""

    name: str
    milestone: str
    days: int
    days_low: float
    days_high: float
    times_faster_low: float
    times_faster_high: float


class PlanRecord(Record):
    """Chosen site and its plan."""

    site_id: str
    site_name: str
    longitude: float
    latitude: float
    handover_day: int = Field(description="day of the handover of the site")
    handover: date
    milestones: tuple[Milestone, ...]
    cost: Cost
    orders: tuple[Order, ...]
    grid_steps: tuple[GridStep, ...]
    baselines: tuple[Baseline, ...]
    replay: ReplayRecord
    power_quality: PowerQualityRecord

    @model_validator(mode="after")
    def _tells_each_milestone(self) -> PlanRecord:
        names = [one.name for one in self.milestones]
        if not names:
            raise ValueError("at least one milestone")
        for told in (self.replay.milestones, self.power_quality.milestones):
            if [one.name for one in told] != names:
                raise ValueError("a replay and power_quality for the milestones of the plan")
        if {one.milestone for one in self.baselines} - set(names) or "gpus" not in self.cost.parts_usd:
            raise ValueError("baselines for milestones of the plan, and a cost that includes GPUs")
        return self

    @property
    def last_day(self) -> int:
        """Return the last day on which something in the plan happens; at least 1."""
        return max([1, *(order.serves_day for order in self.orders), *(one.day for one in self.milestones)])


class SiteDay(Record):
    """Milestone at a listed site: its day, its bound, and what limits it."""

    milestone: str
    day: int | None = Field(description="start day in the best known plan")
    date: date | None
    bound_day: int | None = Field(description="no plan of the site is earlier; null beyond the horizon")
    limited_by: Reason | None


class ListedSite(Record):
    """Candidate in the list of sites: its rank, standing, cost and milestones."""

    site_id: str
    name: str
    longitude: float
    latitude: float
    rank: int | None
    standing: Standing
    reasons: tuple[Reason, ...] = Field(description="why the site cannot serve, is not ranked, or is excluded")
    cost_usd: int | None
    cost_bound_usd: int | None = Field(description="no plan of this site on these days costs less")
    milestones: tuple[SiteDay, ...]
    assumed: tuple[str, ...] = Field(description="blank columns, for which the values of the scenario are used")


class Assumption(Record):
    """Value of the scenario that is used for blank cells of a column."""

    column: str
    value: float | str
    sites: int = Field(description="eligible sites for which it is used")
    chosen_site: bool


class StageRecord(Record):
    """Goal of the objective, with its value in the plan and a bound that no plan of any site can beat."""

    goal: str = Field(description="a milestone, or cost")
    value: float = Field(description="days, or million USD")
    bound: float
    gap: float


class EvidenceRecord(Record):
    """Counts of the solver's claims that were checked, by the result of the check."""

    safe: int
    agreed: int
    contradicted: int
    undecided: int


class SecondSolver(Record):
    """Result of a second solver for the chosen site."""

    solver: str
    agrees: bool
    finished: bool
    mistaken: bool
    cost_musd: float | None
    earlier_days_refuted: tuple[str, ...] = Field(description="milestones that it proved cannot start a day earlier")
    seconds: float


class Environment(Record):
    """Random seed and software versions that an answer may depend on."""

    random_seed: int
    python: str
    packages: dict[str, str]


class Recomputed(Record):
    """Result of recomputing the rows of the model without the solver."""

    rows: int
    worst_excess: float
    valid: bool


class Certificate(Record):
    """Certificate of an answer: how it was found and checked."""

    solver: str
    sites_solved: int
    milps_solved: int
    seconds: float = Field(description="from reading the input to this record; the outputs are written afterwards")
    seconds_by_step: dict[str, float] = Field(
        description="the same time by step: reading; bounds, prices, milps, confirmation and reasons of the search "
        "and power_quality, summed over all iterations; recomputed; second_solver; replay; record"
    )
    stages: tuple[StageRecord, ...]
    evidence: EvidenceRecord
    environment: Environment
    recomputed: Recomputed | None
    second_solver: SecondSolver | None


class RunRecord(Heading):
    """Record of a run: the complete answer to a scenario."""

    scenario_path: str = Field(description="empty if the scenario was made in Python")
    method: str
    objective: tuple[str, ...] = Field(description="milestones and cost, the most important first")
    commissioning_days: int
    plan: PlanRecord | None = Field(description="null if there is no plan")
    assumptions: tuple[Assumption, ...]
    candidates: int
    eligible: int
    ranks_asked: int
    ranking: tuple[ListedSite, ...] = Field(description="the best first; at most 10,000")
    certificate: Certificate
    proof: Proof
    inputs: tuple[InputFile, ...]
    warnings: tuple[InputWarning, ...]

    @property
    def milestone_names(self) -> tuple[str, ...]:
        """Return the names of the milestones, in the order of the scenario."""
        first = self.ranking[0].milestones if self.ranking else ()
        return tuple(one.milestone for one in first) or tuple(goal for goal in self.objective if goal != "cost")
