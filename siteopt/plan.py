"""Frozen results: what was chosen, how every site compares, and how well that is proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from siteopt.instance import Floats, Instance, Ints
from siteopt.proofs import Proof, StoredRank
from siteopt.tolerances import SAME_COST_MUSD, steps_of_cost

LISTED = 10_000
"""Sites that a ranking lists at most; the others are counted."""

Key = tuple[float, ...]
"""What the objective compares: days and cost in its order, cost in steps of SAME_COST_MUSD."""


class RunOutcome(StrEnum):
    """How a run ended."""

    PROVEN = "proven"
    NO_SITE = "no site can serve"
    LIMIT = "limit reached"


class Standing(StrEnum):
    """What is known of a site."""

    CHOSEN = "chosen"
    SOLVED = "solved"
    RULED_OUT = "ruled out"
    OPEN = "not settled"
    CANNOT_SERVE = "cannot serve"
    EXCLUDED = "excluded"


@dataclass(frozen=True)
class Plan:
    """A plan at one site: numbers only, indexed as in the Instance of that site alone.

    Attributes
    ----------
    day : M, day on which training starts at the milestone
    units : O x M, units on site, cumulative
    step : L x M, bool, grid step in service
    output_mw : O x M, mean output of the offer's generators
    import_mw : M, mean import
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
        """What the plan costs, by part, in millions of USD, at the site of this Instance."""
        bought = self.units[:, -1] * case.unit_cost_musd[0]
        return {
            "site": float(case.site_cost_musd[0]),
            "grid_steps": float((self.step[:, -1] * case.step_cost_musd).sum()),
            "generators": float(bought[case.is_generator].sum()),
            "chillers": float(bought[case.is_chiller].sum()),
            "batteries": float(bought[case.is_battery].sum()),
            "fuel": float((case.fuel_usd_per_mwh @ self.output_mw) @ case.musd_per_mw),
            "grid_energy": float(case.grid_usd_per_mwh[0] * (self.import_mw @ case.musd_per_mw)),
            "gpus": case.gpu_cost_musd,
        }

    def cost_musd(self, case: Instance) -> float:
        """What the plan costs in all, in millions of USD."""
        return sum(self.cost_parts_musd(case).values())


@dataclass(frozen=True)
class Stage:
    """One stage of the lexicographic objective, as it was proven for the chosen site.

    Attributes
    ----------
    goal : str
        Milestone, or ``cost``.
    value, bound : float
        Days, or millions of USD.
    gap : float
        Of the solver, relative; 0 for a proven day.
    """

    goal: str
    value: float
    bound: float
    gap: float


def relative_gap(value: float, bound: float) -> float:
    """Return how far a bound lies below a value, as a share of it; 0 where both are the same cost."""
    return 0.0 if value - bound <= SAME_COST_MUSD else (value - bound) / abs(value)


@dataclass(frozen=True)
class SitePlan:
    """A site's best plan that is known, and what is proven of it.

    Attributes
    ----------
    case : Instance
        Of this site alone.
    plan : Plan
    stages : tuple of Stage
        Proof of its days and its cost, in the order of the objective.
    proven : bool
        Whether it is the best that the site can do.
    """

    case: Instance
    plan: Plan
    stages: tuple[Stage, ...]
    proven: bool = True

    @property
    def cost_musd(self) -> float:
        """What it costs in all, in millions of USD."""
        return self.plan.cost_musd(self.case)

    @property
    def cost_bound_musd(self) -> float:
        """Proven lower bound of the cost, the days being those of the plan."""
        least = float(self.case.site_cost_musd[0] + self.case.gpu_cost_musd)
        return next((stage.bound for stage in self.stages if stage.goal == "cost"), least)

    @property
    def key(self) -> Key:
        """What the objective compares."""
        return objective_key(self.case, self.plan.day, self.cost_musd)

    def stored(self) -> StoredRank:
        """Return the rank as ``plan.json`` keeps it."""
        days = tuple(map(int, self.plan.day))
        return StoredRank(site_id=self.case.site_id[0], days=days, cost_musd=self.cost_musd)


@dataclass(frozen=True)
class SiteResult:
    """What is known of one eligible site.

    Attributes
    ----------
    site_id : str
    standing : Standing
    bound_day : M, no milestone can start before
    cost_bound_musd : float
        Proven lower bound of the cost: on the days of the plan, or without one on the first days that are not ruled
        out; nan where the site cannot serve.
    best : SitePlan or None
    bottleneck : tuple of str, M
        What holds each milestone back; empty where that was not asked.
    days_saved : tuple of dict, M
        Days by which each milestone could start sooner if a limit were free, by its name, the most first; empty where
        that was not asked.
    reason : str
        Why it cannot serve, or by what it was ruled out.
    """

    site_id: str
    standing: Standing
    bound_day: Ints
    cost_bound_musd: float
    best: SitePlan | None = None
    bottleneck: tuple[str, ...] = ()
    days_saved: tuple[dict[str, int], ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Corner:
    """A day on which the least cost of a site falls, and a plan that has that cost.

    Attributes
    ----------
    day : int
        Day of the milestone in question.
    plan : Plan
    cost_musd, cost_bound_musd : float
        What it costs, and the proven lower bound of the cost of any plan of the site with the milestone on that day.
    on_front : bool
        No known plan of the sites together is as soon and as cheap, or better in one of the two.
    proven : bool
        The site can have this cost no sooner; and, where ``on_front``, no other site beats it.
    """

    day: int
    plan: Plan
    cost_musd: float
    cost_bound_musd: float
    on_front: bool = False
    proven: bool = False

    @property
    def steps(self) -> int:
        """Its cost in steps of SAME_COST_MUSD."""
        return steps_of_cost(self.cost_musd)


@dataclass(frozen=True)
class SiteFront:
    """The front of days against cost of one site.

    Attributes
    ----------
    case : Instance
        Of this site alone.
    corners : tuple of Corner
        In the order of days, the dearest first.
    complete : bool
        Whether there are no others.
    """

    case: Instance
    corners: tuple[Corner, ...]
    complete: bool

    @property
    def site_id(self) -> str:
        """Id of the site."""
        return self.case.site_id[0]


@dataclass(frozen=True)
class Evidence:
    """How many claims of the solver were checked, and what came of it.

    Attributes
    ----------
    safe : int
        Shown by safe bounds, whatever the solver said.
    agreed : int
        Said by the solver in two settings.
    contradicted : int
        Refuted by a plan that holds: the plan counted.
    undecided : int
        None of these: the answer is not called proven.
    """

    safe: int = 0
    agreed: int = 0
    contradicted: int = 0
    undecided: int = 0


@dataclass(frozen=True)
class Ranking:
    """All eligible sites, the best first.

    Attributes
    ----------
    outcome : RunOutcome
    results : tuple of SiteResult
        Ranked sites in their order, then the others by their bounds, at most LISTED in all.
    stages : tuple of Stage
        The values of the best plan, and bounds that no site can beat; up to the first goal that is not proven, where
        the time ran out.
    eligible : int
        Sites that took part, listed or not.
    top : int
        Ranks that were asked to be proven.
    method, solver : str
    solved : int
        Sites that went to a solver by themselves.
    solves : int
        MILPs that were solved.
    seconds : float
    steps : dict
        Seconds by step of the method.
    evidence : Evidence
        How the claims of the solver were checked.
    proof : Proof
        What it takes to check the ranks without searching again.
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
        """The chosen site, where there is a plan."""
        first = self.results[0] if self.results else None
        return first if first is not None and first.best is not None else None

    @property
    def plan(self) -> SitePlan | None:
        """The plan of the chosen site, where there is one."""
        return self.best.best if self.best is not None else None


def objective_key(case: Instance, days: Ints, cost_musd: float) -> Key:
    """What the objective compares: days and cost in its order (-1 stands for cost), cost in steps of SAME_COST_MUSD."""
    cost = steps_of_cost(cost_musd)
    return tuple(float(days[goal]) if goal >= 0 else float(cost) for goal in case.order)
