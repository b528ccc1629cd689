"""Define the record of a run: the answer of ``siteopt solve``, stored as ``plan.json``, and source of all outputs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from siteopt.equipment import KINDS, suppliers
from siteopt.instance import WORKS
from siteopt.record.base import (
    Amount,
    ByKind,
    Count,
    Day,
    DayDifference,
    Heading,
    InputFile,
    InputWarning,
    KindName,
    Label,
    Latitude,
    Longitude,
    Many,
    Name,
    Number,
    Record,
    RunOutcome,
    Standing,
    Text,
    Usd,
)
from siteopt.record.cash import Cash
from siteopt.record.proof import Proof
from siteopt.record.reason import Reason
from siteopt.record.replay import PowerQualityRecord, ReplayRecord
from siteopt.record.value import BreakEven, DayValue
from siteopt.schema import CANDIDATES, SHARE_OF_GRID, Resource
from siteopt.section import Days, Share
from siteopt.tolerances import SAME_COST_MUSD

Units = Annotated[int, Field(ge=0, le=100_000)]
"""Number of units of an offer; a table of offers holds no larger one."""

Rank = Annotated[int, Field(ge=1)]


class Saving(Record):
    """Days by which a milestone could start earlier if one limit alone were relaxed."""

    limit: Label
    days: DayDifference


class MilestoneRequirement(Record):
    """Requirement of a milestone: what is needed, and what the site and its units supply, spare units included."""

    requirement: Label
    unit: Label
    needed: Number
    supplied: Number


class Milestone(Record):
    """Milestone of a plan."""

    name: Name
    gpus: Count
    day: Days = Field(description="days from the decision to the start of training")
    date: date
    compute_ready_day: Day = Field(description="day on which the GPUs are racked, plumbed and networked")
    it_mw: Amount
    power_cap: Share = Field(default=1.0, description="share of their power at which the GPUs run")
    speed: Share = Field(default=1.0, description="speed of the GPUs at that power, a share of full speed: an estimate")
    heat_mw: Amount = Field(description="heat that chillers and the site's own towers must remove")
    demand_mw: Amount = Field(description="peak demand, with cooling and losses")
    mean_mw: Number = Field(description="mean demand")
    grid_mw: Amount = Field(description="limit of the grid, including the steps in service")
    equipment_mw: ByKind[Amount] = Field(description="rating of the units on site by kind; thermal for chillers")
    requirements: Many[MilestoneRequirement] = Field(
        default=(), description="requirements that ask for something; empty in runs of format 1"
    )
    limited_by: Reason | None = Field(description="what limits the milestone; null if this was not computed")
    days_saved: Many[Saving] = Field(description="limits that alone cost days, the most days first")

    def needed(self, name: str) -> float:
        """Return what a field says that is needed, or what a requirement needs; 0 if it asks for nothing."""
        if name in type(self).model_fields:
            return float(getattr(self, name))
        return sum(one.needed for one in self.requirements if one.requirement == name)

    def own(self, name: str) -> float:
        """Return what the site itself supplies to a requirement that units supply by their rating; 0 if none does."""
        there = sum(one.supplied for one in self.requirements if one.requirement == name)
        return max(0.0, there - sum(self.equipment_mw[kind.name] for kind in suppliers(name)))


COST_PARTS = (
    "site",
    *WORKS,
    "grid_steps",
    *(kind.plural for kind in KINDS),
    "fuel",
    "grid_energy",
    "demand_charge",
    "gpus",
)
"""Parts of the cost of a plan."""


class Cost(Record):
    """Cost of a plan, in US dollars."""

    total_usd: Usd
    parts_usd: dict[Label, Annotated[int, Field(ge=0, le=10**24)]] = Field(
        description="site, works that make it ready, grid_steps, a part for each kind of equipment, energy, gpus"
    )

    @model_validator(mode="after")
    def _has_its_parts(self) -> Cost:
        if not {"gpus"} <= set(self.parts_usd) <= set(COST_PARTS):
            raise ValueError(f"parts with gpus, each one of {', '.join(COST_PARTS)}")
        if abs(self.total_usd - sum(self.parts_usd.values())) > len(self.parts_usd):
            raise ValueError("a total that is the sum of the parts, apart from rounding")
        return self


class Order(Record):
    """Units ordered from one offer."""

    offer_id: Name
    kind: KindName
    vendor: Label
    model: Label
    depot: Label
    longitude: Longitude
    latitude: Latitude
    units: dict[Name, Units] = Field(
        min_length=1, description="units on site by milestone, cumulative, with those that come until the next one"
    )
    unit_mw: Amount = Field(description="rating of a unit at the design temperature and elevation of the site")
    leaves_day: DayDifference
    arrives_day: DayDifference
    ready_day: DayDifference = Field(description="day on which the last unit is installed")
    serves_day: DayDifference = Field(description="day from which the commissioned units are in service")
    leaves: date
    arrives: date
    ready: date
    serves: date
    cost_usd: Usd
    confidence: Text = Field(description="confidence as entered in the table of offers")

    @property
    def all_units(self) -> int:
        """Return the total number of units: those on site at the last milestone."""
        return max(self.units.values())


class GridStep(Record):
    """Step of the grid connection of the chosen site."""

    ready_day: DayDifference
    ready: date
    grid_mw: Amount = Field(description="limit of the grid after the step")
    cost_usd: Usd
    in_service_from: Name | None = Field(description="first milestone that uses the step; null if none does")


class Building(Record):
    """Building of the chosen site: when its fit-out begins, and when it is finished."""

    name: Label = Field(description="building_id of the table, or the number of a new shell")
    shell_type: Label = Field(description="type of a new shell; empty for a building of the table")
    roof_day: Day = Field(description="day on which fit-out begins to release area: the roof, and the lag after it")
    roof: date
    fitted_day: Day = Field(description="day on which all its area is fitted out, if the site's teams do not limit it")
    fitted: date
    gpus: Amount = Field(description="GPUs for which it has room")


class PhaseLimits(Record):
    """Limits of a site that are in force in a phase; null if there is none."""

    grid_mw: Amount = Field(description="limit of firm import, with the grid steps in service")
    nonfirm_mw: Amount
    gas_mw: Amount | None
    nox_t_per_year: Amount | None
    water_m3_per_day: Amount | None
    fuel_trucks_per_day: Amount | None


class PhaseRecord(Record):
    """Phase of a plan: from a milestone, or a day on which a limit falls, to the next one."""

    milestone: Name = Field(description="milestone in force")
    day: Day
    date: date
    limits: PhaseLimits
    demand_mw: Amount = Field(description="peak demand")
    import_mw: Amount = Field(description="mean import")
    nox_t_per_year: Amount = Field(description="NOx of the mean output, as if for a year")
    grid_steps: Count = Field(description="number of grid steps in service")
    units: dict[Name, Units] = Field(description="units on site by offer_id, cumulative")


class LimitWindow(Record):
    """Limit of a resource from a day on, until the next one."""

    day: Day
    date: date
    limit: Amount | None = Field(description="null if there is no limit")


class SiteLimit(Record):
    """Limit of the chosen site that changes: what it may use of a resource by calendar day."""

    resource: Resource
    windows: Many[LimitWindow] = Field(min_length=1)


class Baseline(Record):
    """Quote of the scenario that the plan is compared with."""

    name: Name
    milestone: Name
    days: Day
    days_low: Amount
    days_high: Amount
    times_faster_low: Amount
    times_faster_high: Amount


class PlanRecord(Record):
    """Chosen site and its plan."""

    site_id: Name
    site_name: Label
    longitude: Longitude
    latitude: Latitude
    handover_day: Day = Field(description="day of the handover of the site")
    handover: date
    milestones: Many[Milestone]
    cost: Cost
    cash: Cash | None = Field(
        default=None, description="calendar of payments: the cost by month; null in runs of earlier versions"
    )
    orders: Many[Order]
    grid_steps: Many[GridStep]
    phases: Many[PhaseRecord] = Field(
        default=(), description="phases of the plan, if a limit of the site changes; else empty"
    )
    limits: Many[SiteLimit] = Field(
        default=(),
        description="limits of the site that change, from day 0 on; grid with the steps in use, from the day on which "
        "each is ready",
    )
    buildings: Many[Building] = Field(
        default=(),
        description="buildings or new shells until the last milestone; empty if the site has one standing hall",
    )
    baselines: Many[Baseline]
    replay: ReplayRecord
    power_quality: PowerQualityRecord

    @model_validator(mode="after")
    def _tells_each_milestone(self) -> PlanRecord:
        names = [one.name for one in self.milestones]
        if not names or len(set(names)) < len(names):
            raise ValueError("milestones with different names, at least one")
        for told in (self.replay.milestones, self.power_quality.milestones):
            if [one.name for one in told] != names:
                raise ValueError("a replay and power_quality for the milestones of the plan")
        if {one.milestone for one in self.baselines} - set(names):
            raise ValueError("baselines for milestones of the plan")
        if len({order.offer_id for order in self.orders}) < len(self.orders):
            raise ValueError("one order for each offer")
        if any(list(order.units) != names for order in self.orders):
            raise ValueError("the units of each order at every milestone of the plan, in its order")
        if {one.milestone for one in self.phases} - set(names):
            raise ValueError("phases of the milestones of the plan")
        ordered = {order.offer_id: order.all_units for order in self.orders}
        if any(count > ordered.get(offer, 0) for one in self.phases for offer, count in one.units.items()):
            raise ValueError("no more units in a phase than are ordered")
        if {one.in_service_from for one in self.grid_steps} - {None, *names}:
            raise ValueError("grid steps in service from a milestone of the plan")
        if self.power_quality.before is not None and len(self.power_quality.before.days) != len(names):
            raise ValueError("a day of the plan before for each milestone of the plan")
        return self

    @model_validator(mode="after")
    def _pays_its_cost(self) -> PlanRecord:
        if self.cash is not None:
            if self.cash.parts_usd() != {part: usd for part, usd in self.cost.parts_usd.items() if usd}:
                raise ValueError("payments that add up to each part of the cost")
            if [one.milestone for one in self.cash.milestones] != [one.name for one in self.milestones]:
                raise ValueError("what is committed and paid by each milestone of the plan")
        return self

    @property
    def last_day(self) -> int:
        """Return the last day on which something in the plan happens; at least 1."""
        return max([1, *(order.serves_day for order in self.orders), *(one.day for one in self.milestones)])


class SiteDay(Record):
    """Milestone at a listed site: its day, its bound, and what limits it."""

    milestone: Name
    day: Days | None = Field(description="start day in the best known plan")
    date: date | None
    bound_day: Days | None = Field(description="no plan of the site is earlier; null beyond the horizon")
    limited_by: Reason | None


class ListedSite(Record):
    """Candidate in the list of sites: its rank, standing, cost and milestones."""

    site_id: Name
    name: Label
    longitude: Longitude
    latitude: Latitude
    rank: Rank | None
    standing: Standing
    reasons: Many[Reason] = Field(description="why the site cannot serve, is not ranked, or is excluded")
    cost_usd: Usd | None
    cost_bound_usd: Usd | None = Field(description="no plan of this site on these days costs less")
    milestones: Many[SiteDay]
    assumed: Many[Label] = Field(description="blank columns, for which the values of the scenario are used")
    break_even: BreakEven | None = Field(
        default=None, description="of a rank behind the first; null if the days of both are worth the same"
    )
    break_even_bound: BreakEven | None = Field(
        default=None, description="the same, if the site costs only its bound; null if its cost is known"
    )

    @property
    def may_cost_less_usd(self) -> int:
        """Return by how much the cost may exceed the least cost of these days; 0 if it is the least to its step."""
        if self.rank is None or self.cost_usd is None or self.cost_bound_usd is None:
            return 0
        less = self.cost_usd - self.cost_bound_usd
        return less if less > 1e6 * SAME_COST_MUSD + 1 else 0  # 1: both are rounded


def _assumable(column: str) -> str:
    if column not in {SHARE_OF_GRID, *(one.name for one in CANDIDATES if one.assumable)}:
        raise ValueError("a column of the candidates for which values may be assumed")
    return column


class Assumption(Record):
    """Value of the scenario that is used for blank cells of a column."""

    column: Annotated[str, AfterValidator(_assumable)]
    value: Number | Label
    share_of: Label = Field(default="", description="column of the site of which the value is a share; empty: of none")
    sites: Count = Field(description="eligible sites for which it is used")
    chosen_site: bool


class StageRecord(Record):
    """Goal of the objective, with its value in the plan and a bound that no plan of any site can beat."""

    goal: Name = Field(description="a milestone, or cost")
    value: Number = Field(description="days, or million USD")
    bound: Number
    gap: Number


class EvidenceRecord(Record):
    """Counts of the solver's claims that were checked, by the result of the check."""

    safe: Count
    agreed: Count
    contradicted: Count
    undecided: Count


class SecondSolver(Record):
    """Result of a second solver for the chosen site."""

    solver: Label
    agrees: bool
    finished: bool
    mistaken: bool
    cost_musd: Number | None
    earlier_days_refuted: Many[Name] = Field(description="milestones that it proved cannot start a day earlier")
    seconds: Amount


class Environment(Record):
    """Random seed and software versions that an answer may depend on."""

    random_seed: Count
    python: Label
    packages: dict[Label, Label]


class Recomputed(Record):
    """Result of recomputing the rows of the model without the solver."""

    rows: Count
    worst_excess: Number
    valid: bool


class Certificate(Record):
    """Certificate of an answer: how it was found and checked."""

    solver: Label
    sites_solved: Count
    milps_solved: Count
    seconds: Amount = Field(description="from reading the input to this record; the outputs are written afterwards")
    seconds_by_step: dict[Label, Amount] = Field(
        description="the same time by step: reading; bounds, prices, milps, ties, confirmation and reasons of the "
        "search and power_quality, summed over all iterations; recomputed; second_solver; replay; record"
    )
    stages: Many[StageRecord]
    evidence: EvidenceRecord
    environment: Environment
    recomputed: Recomputed | None
    second_solver: SecondSolver | None


class RunRecord(Heading):
    """Record of a run: the complete answer to a scenario."""

    scenario_path: Text = Field(pattern=r"^[^\x00]*$", description="empty if the scenario was made in Python")
    method: Label
    objective: Many[Name] = Field(description="milestones and cost, the most important first")
    commissioning_days: Days
    plan: PlanRecord | None = Field(description="null if there is no plan")
    assumptions: Many[Assumption]
    candidates: Count
    grid_or_hall_unknown: Count | None = Field(
        default=None, description="candidates without a grid or a hall in the tables; null in runs of earlier versions"
    )
    eligible: Count
    ranks_asked: Count
    value: DayValue | None = Field(default=None, description="null if the scenario gives no value of a GPU-hour")
    ranking: Many[ListedSite] = Field(description="the best first; at most 10,000")
    certificate: Certificate
    proof: Proof
    inputs: Many[InputFile]
    warnings: Many[InputWarning]

    @model_validator(mode="after")
    def _tells_one_answer(self) -> RunRecord:
        if (self.plan is None) != (self.outcome is not RunOutcome.PROVEN) and self.outcome is not RunOutcome.LIMIT:
            raise ValueError("a plan if the outcome is proven, and none if no site can serve")
        told = {tuple(one.milestone for one in site.milestones) for site in self.ranking}
        if self.plan is not None:
            told.add(tuple(one.name for one in self.plan.milestones))
        if len(told) > 1:
            raise ValueError("the same milestones for each site of the ranking and for the plan")
        return self

    @property
    def milestone_names(self) -> Many[str]:
        """Return the names of the milestones, in the order of the scenario."""
        first = self.ranking[0].milestones if self.ranking else ()
        return tuple(one.milestone for one in first) or tuple(goal for goal in self.objective if goal != "cost")
