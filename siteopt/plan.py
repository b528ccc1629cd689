"""Define the frozen results of an optimisation: the plans, how the sites compare, and how well that is proven."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siteopt.equipment import KINDS
from siteopt.instance import Floats, Instance, Ints
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.proof import Proof, StoredRank
from siteopt.record.reason import Reason
from siteopt.tolerances import SAME_COST_MUSD, steps_of_cost

LISTED = 10_000
"""Maximum number of sites that a ranking lists; the others are only counted."""

Key = tuple[float, ...]
"""Values that the objective compares, in its order: days, and cost in steps of SAME_COST_MUSD."""


@dataclass(frozen=True)
class Plan:
    """Plan at one site: numbers only, indexed as in the Instance of that site alone.

    Attributes
    ----------
    day : M, day on which training starts for the milestone
    units : O x M, units on site, cumulative
    step : L x M, bool, grid step in service
    output_mw : O x M, mean output of the offer's generators
    import_mw : M, mean import from the grid
    heat_mw : O x M, heat removed by the offer's chillers
    demand_mw : M, peak demand
    """

    day: Ints
    units: Ints
    step: np.ndarray
    output_mw: Floats
    import_mw: Floats
    heat_mw: Floats
    demand_mw: Floats

    def cost_parts_musd(self, case: Instance) -> dict[str, float]:
        """Return the cost of the plan by part, at the site of this Instance, in millions of USD."""
        bought = self.units[:, -1] * case.unit_cost_musd[0]
        return {
            "site": float(case.site_cost_musd[0]),
            "grid_steps": float((self.step[:, -1] * case.step_cost_musd).sum()),
            **{kind.plural: float(bought[case.of_kind(kind.name)].sum()) for kind in KINDS},
            "fuel": float((case.fuel_usd_per_mwh @ self.output_mw) @ case.musd_per_mw),
            "grid_energy": float(case.grid_usd_per_mwh[0] * (self.import_mw @ case.musd_per_mw)),
            "gpus": case.gpu_cost_musd,
        }

    def cost_musd(self, case: Instance) -> float:
        """Return the total cost of the plan, in millions of USD."""
        return sum(self.cost_parts_musd(case).values())


@dataclass(frozen=True)
class Stage:
    """One stage of the lexicographic objective, as proven for the chosen site.

    Attributes
    ----------
    goal : str
        Name of a milestone, or ``cost``.
    value, bound : float
        Value of the plan and its lower bound: days, or millions of USD.
    gap : float
        Relative gap of the solver; 0 for a proven day.
    """

    goal: str
    value: float
    bound: float
    gap: float


def relative_gap(value: float, bound: float) -> float:
    """Return how far a bound lies below a value, as a share of the value; 0 if both count as the same cost."""
    return 0.0 if value - bound <= SAME_COST_MUSD else (value - bound) / abs(value)


@dataclass(frozen=True)
class SitePlan:
    """Best known plan of a site, and what is proven about it.

    Attributes
    ----------
    case : Instance
        Instance of this site alone.
    plan : Plan
    stages : tuple of Stage
        Proof of the days and the cost of the plan, in the order of the objective.
    proven : bool
        Whether it is proven that the site has no better plan.
    """

    case: Instance
    plan: Plan
    stages: tuple[Stage, ...]
    proven: bool = True

    @property
    def cost_musd(self) -> float:
        """Return the total cost of the plan, in millions of USD."""
        return self.plan.cost_musd(self.case)

    @property
    def cost_bound_musd(self) -> float:
        """Return the proven lower bound of the cost of any plan with the same days, in millions of USD."""
        least = float(self.case.site_cost_musd[0] + self.case.gpu_cost_musd)
        return next((stage.bound for stage in self.stages if stage.goal == "cost"), least)

    @property
    def key(self) -> Key:
        """Return the values that the objective compares."""
        return objective_key(self.case, self.plan.day, self.cost_musd)

    def stored(self) -> StoredRank:
        """Return the rank as ``plan.json`` keeps it."""
        days = tuple(map(int, self.plan.day))
        return StoredRank(site_id=self.case.site_id[0], days=days, cost_musd=self.cost_musd)


@dataclass(frozen=True)
class SiteResult:
    """Result for one site.

    Attributes
    ----------
    site_id : str
    standing : Standing
    bound_day : M, day before which each milestone cannot start
    cost_bound_musd : float
        Proven lower bound of the cost, in millions of USD: for the days of the plan or, without a plan, for the first
        days that are not ruled out; nan if the site cannot serve.
    best : SitePlan or None
    held_by : tuple of Reason, M
        What limits each milestone; empty if this was not computed.
    days_saved : tuple of dict, M
        Days by which each milestone could start sooner if one limit were relaxed, by the name of the limit, the most
        days first; empty if this was not computed.
    reason : Reason or None
        Why the site cannot serve, or why it was ruled out.
    """

    site_id: str
    standing: Standing
    bound_day: Ints
    cost_bound_musd: float
    best: SitePlan | None = None
    held_by: tuple[Reason, ...] = ()
    days_saved: tuple[dict[str, int], ...] = ()
    reason: Reason | None = None


@dataclass(frozen=True)
class Corner:
    """Breakpoint of a site's Pareto front: a day on which its least cost falls, and a plan with that cost.

    Attributes
    ----------
    day : int
        Day of the milestone whose days are compared with cost.
    plan : Plan
    cost_musd, cost_bound_musd : float
        Cost of the plan, and proven lower bound of the cost of any plan of the site with the milestone on that day, in
        millions of USD.
    on_front : bool
        Whether no other known plan of any of the sites is at least as soon and at least as cheap; a tie goes to the
        smaller site_id.
    proven : bool
        Whether it is proven that the site cannot have this cost sooner and, if ``on_front``, that no other site beats
        it.
    """

    day: int
    plan: Plan
    cost_musd: float
    cost_bound_musd: float
    on_front: bool = False
    proven: bool = False

    @property
    def steps(self) -> int:
        """Return the cost in steps of SAME_COST_MUSD."""
        return steps_of_cost(self.cost_musd)


@dataclass(frozen=True)
class SiteFront:
    """Pareto front of days against cost of one site.

    Attributes
    ----------
    case : Instance
        Instance of this site alone.
    corners : tuple of Corner
        Breakpoints in the order of days, the most expensive first.
    complete : bool
        Whether the site has no other breakpoints.
    """

    case: Instance
    corners: tuple[Corner, ...]
    complete: bool

    @property
    def site_id(self) -> str:
        """Return the id of the site."""
        return self.case.site_id[0]


@dataclass(frozen=True)
class Evidence:
    """Counts of the solver's claims that were checked, by the result of the check.

    Attributes
    ----------
    safe : int
        Claims shown by safe bounds, whatever the solver said.
    agreed : int
        Claims that the solver made in two settings.
    contradicted : int
        Claims refuted by a plan that holds; the plan was used instead.
    undecided : int
        Claims with none of these results; if there are any, the answer is not called proven.
    """

    safe: int = 0
    agreed: int = 0
    contradicted: int = 0
    undecided: int = 0


@dataclass(frozen=True)
class Ranking:
    """Ranking of all eligible sites, the best first.

    Attributes
    ----------
    outcome : RunOutcome
    results : tuple of SiteResult
        Ranked sites in their order, then the others by their bounds; at most LISTED in all.
    stages : tuple of Stage
        Values of the best plan, and bounds that no site can beat. If the time ran out, the stages end with the first
        goal that is not proven.
    eligible : int
        Number of sites that took part, listed or not.
    top : int
        Number of ranks to prove.
    method, solver : str
    solved : int
        Number of sites that were given to a solver one at a time.
    solves : int
        Number of MILPs that were solved.
    seconds : float
    steps : dict
        Seconds by step of the method.
    evidence : Evidence
        How the claims of the solver were checked.
    proof : Proof
        Data to check the ranks without searching again.
    """

    outcome: RunOutcome
    results: tuple[SiteResult, ...]
    stages: tuple[Stage, ...]
    eligible: int
    top: int
    method: str
    solver: str
    solved: int
    solves: int
    seconds: float
    steps: dict[str, float]
    evidence: Evidence
    proof: Proof

    @property
    def best(self) -> SiteResult | None:
        """Return the result of the chosen site; None if there is no plan."""
        first = self.results[0] if self.results else None
        return first if first is not None and first.best is not None else None

    @property
    def plan(self) -> SitePlan | None:
        """Return the plan of the chosen site; None if there is none."""
        return self.best.best if self.best is not None else None


def objective_key(case: Instance, days: Ints, cost_musd: float) -> Key:
    """Return what the objective compares, in its order (-1 stands for cost): days, cost in steps of SAME_COST_MUSD."""
    cost = steps_of_cost(cost_musd)
    return tuple(float(days[goal]) if goal >= 0 else float(cost) for goal in case.order)
