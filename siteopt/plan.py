"""Frozen results: what was chosen, how every site compares, and how well that is proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from siteopt.instance import Floats, Instance, Ints


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
    """A plan at one site: numbers only, indexed as in the Instance.

    Attributes
    ----------
    site : int
    day : M, day on which training starts at the milestone
    units : O x M, units on site, cumulative
    step : L x M, bool, grid step in service
    output_mw : O x M, mean output of the offer's generators
    import_mw : M, mean import
    heat_mw : O x M, heat removed by the offer's chillers
    demand_mw : M, peak demand
    """

    site: int
    day: Ints
    units: Ints
    step: np.ndarray
    output_mw: Floats
    import_mw: Floats
    heat_mw: Floats
    demand_mw: Floats

    def cost_parts_musd(self, case: Instance) -> dict[str, float]:
        """What the plan costs, by part, in millions of USD."""
        s = self.site
        bought = self.units[:, -1] * case.unit_cost_musd[s]
        musd_per_mw = case.hold_days * 24 / 1e6
        return {
            "site": float(case.site_cost_musd[s]),
            "grid_steps": float((self.step[:, -1] * case.step_cost_musd).sum()),
            "generators": float(bought[case.is_generator].sum()),
            "chillers": float(bought[case.is_chiller].sum()),
            "batteries": float(bought[case.is_battery].sum()),
            "fuel": float((case.fuel_usd_per_mwh @ self.output_mw) @ musd_per_mw),
            "grid_energy": float(case.grid_usd_per_mwh[s] * (self.import_mw @ musd_per_mw)),
            "gpus": case.gpu_cost_musd,
        }

    def cost_musd(self, case: Instance) -> float:
        """What the plan costs in all, in millions of USD."""
        return sum(self.cost_parts_musd(case).values())


@dataclass(frozen=True)
class SiteResult:
    """What is known of one eligible site.

    Attributes
    ----------
    site : int
    standing : Standing
    bound_day : M, no milestone can start before
    plan : Plan or None
        The site's own best plan, proven, where it was solved.
    cost_bound_musd : float
        Proven lower bound of the cost, the days being the plan's; nan without a plan.
    bottleneck : tuple of str, M
        What holds each milestone back; '' where that was not asked.
    reason : str
        Why it cannot serve, or by what it was ruled out.
    """

    site: int
    standing: Standing
    bound_day: Ints
    plan: Plan | None = None
    cost_bound_musd: float = float("nan")
    bottleneck: tuple[str, ...] = ()
    reason: str = ""


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
class Ranking:
    """All eligible sites, the best first.

    Attributes
    ----------
    outcome : RunOutcome
    results : tuple of SiteResult
    stages : tuple of Stage
        Proof of the first site's values; empty without a plan.
    method, solver : str
    solves : int
        MILPs that were solved.
    seconds : float
    """

    outcome: RunOutcome
    results: tuple[SiteResult, ...]
    stages: tuple[Stage, ...]
    method: str
    solver: str
    solves: int
    seconds: float

    @property
    def best(self) -> SiteResult | None:
        """The chosen site, where there is a plan."""
        first = self.results[0] if self.results else None
        return first if first is not None and first.plan is not None else None
