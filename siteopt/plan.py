"""Frozen results: what was chosen, how every site compares, and how well that is proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from siteopt.instance import Floats, Instance, Ints

SAME_COST_MUSD = 1e-5
"""Costs nearer than this are the same cost: ten US dollars."""

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
        musd_per_mw = case.hold_days * 24 / 1e6
        return {
            "site": float(case.site_cost_musd[0]),
            "grid_steps": float((self.step[:, -1] * case.step_cost_musd).sum()),
            "generators": float(bought[case.is_generator].sum()),
            "chillers": float(bought[case.is_chiller].sum()),
            "batteries": float(bought[case.is_battery].sum()),
            "fuel": float((case.fuel_usd_per_mwh @ self.output_mw) @ musd_per_mw),
            "grid_energy": float(case.grid_usd_per_mwh[0] * (self.import_mw @ musd_per_mw)),
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
        return next(stage.bound for stage in self.stages if stage.goal == "cost")

    @property
    def key(self) -> Key:
        """What the objective compares."""
        return objective_key(self.case, self.plan.day, self.cost_musd)


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
class Ranking:
    """All eligible sites, the best first.

    Attributes
    ----------
    outcome : RunOutcome
    results : tuple of SiteResult
        Ranked sites in their order, then the others by their bounds, at most LISTED in all.
    eligible : int
        Sites that took part, listed or not.
    top : int
        Ranks that were asked to be proven.
    method, solver : str
    solves : int
        MILPs that were solved.
    seconds : float
    steps : dict
        Seconds by step of the method.
    """

    outcome: RunOutcome
    results: tuple[SiteResult, ...]
    eligible: int
    top: int
    method: str
    solver: str
    solves: int
    seconds: float
    steps: dict[str, float]

    @property
    def best(self) -> SiteResult | None:
        """The chosen site, where there is a plan."""
        first = self.results[0] if self.results else None
        return first if first is not None and first.best is not None else None


def objective_key(case: Instance, days: Ints, cost_musd: float) -> Key:
    """What the objective compares: days and cost in its order (-1 stands for cost), cost in steps of SAME_COST_MUSD."""
    cost = round(cost_musd / SAME_COST_MUSD)
    return tuple(float(days[goal]) if goal >= 0 else float(cost) for goal in case.order)
