"""Define the results of an optimisation: the plans, the ranking of the sites, and what is proven about both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from siteopt.equipment import KINDS
from siteopt.instance import HOURS_PER_MONTH, NEVER, WORKS, Floats, Instance, Ints
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.proof import Proof, StoredRank
from siteopt.record.reason import Reason
from siteopt.tolerances import SAME_COST_MUSD, steps_of_cost

LISTED = 10_000
"""Maximum number of sites that a ranking lists; other sites are only counted."""

Key = tuple[float, ...]
"""Values that the objective compares, in its order: days, and cost in steps of SAME_COST_MUSD."""


@dataclass(frozen=True)
class Plan:
    """Plan at one site as arrays, with the indices of the Instance of this site.

    Its phases (F) are those of :meth:`siteopt.instance.Instance.phases`; where no limit changes, they are the
    milestones.

    Attributes
    ----------
    day : M, day on which training starts for each milestone
    units : O x F, units on site, cumulative
    step : L x F, bool, whether the grid step is in service
    output_mw : O x F, mean output of the generators of the offer
    import_mw : F, mean import from the grid
    heat_mw : O x F, heat removed by the chillers of the offer
    demand_mw : F, peak demand
    own_heat_mw : F, heat removed by the site's own towers
    """

    day: Ints
    units: Ints
    step: np.ndarray
    output_mw: Floats
    import_mw: Floats
    heat_mw: Floats
    demand_mw: Floats
    own_heat_mw: Floats

    def cost_parts_musd(self, instance: Instance) -> dict[str, float]:
        """Return the cost of the plan by part, at the site of the Instance, in millions of USD."""
        bought = self.units[:, -1] * instance.unit_cost_musd[0]
        energy = self.energy_musd(instance)
        return {
            "site": float(instance.site_cost_musd[0]),
            **self.works_musd(instance),
            "grid_steps": float((self.step[:, -1] * instance.step_cost_musd).sum()),
            **{kind.plural: float(bought[instance.of_kind(kind.name)].sum()) for kind in KINDS},
            **{part: float(by_milestone.sum()) for part, by_milestone in energy.items()},
            "gpus": instance.gpu_cost_musd,
        }

    def works_musd(self, instance: Instance) -> dict[str, float]:
        """Return the cost of each work that makes the site ready, in millions of USD; new shells are works on halls."""
        by_work = dict(zip(WORKS, instance.works_musd[0].tolist(), strict=True))
        by_work["halls"] += float(instance.shells_musd(self.day[None])[0])
        return by_work

    def energy_musd(self, instance: Instance) -> dict[str, Floats]:
        """Return the cost of fuel, grid energy and demand that each milestone pays, in millions of USD; M each."""
        phase, share = self.paid(instance)
        output, imported = self.output_mw[:, phase] * share, self.import_mw[phase] * share
        return {
            "fuel": (instance.fuel_usd_per_mwh @ output) * instance.musd_per_mw,
            "grid_energy": instance.grid_usd_per_mwh[0] * imported * instance.musd_per_mw,
            "demand_charge": instance.demand_usd_per_mw_month[0] / HOURS_PER_MONTH * imported * instance.musd_per_mw,
        }

    def paid(self, instance: Instance) -> tuple[Ints, Floats]:
        """Return the phase whose energy each milestone pays, and the share of it; M each.

        It is the phase with which the milestone starts, or a dearer one after some limit fell, scaled to the load of
        the milestone (``docs/model.md``, *Cost*).
        """
        phases, share = instance.phases(self.day), np.ones(instance.milestones)
        phase = phases.own.copy()
        fallen = instance.change_day[instance.falls]
        if len(fallen):
            usd = instance.fuel_usd_per_mwh @ self.output_mw + instance.import_usd_per_mwh[0] * self.import_mw
            usd_per_mw = usd / instance.it_mw[phases.milestone]
            for m, day in enumerate(self.day):
                first = fallen[fallen > day].min(initial=NEVER)
                later = np.flatnonzero(phases.begin >= first)
                dearest = max([phases.own[m], *later], key=lambda f: usd_per_mw[f])
                phase[m], share[m] = dearest, instance.it_mw[m] / instance.it_mw[phases.milestone[dearest]]
        return phase, share

    def cost_musd(self, instance: Instance) -> float:
        """Return the total cost of the plan, in millions of USD."""
        return sum(self.cost_parts_musd(instance).values())


@dataclass(frozen=True)
class Stage:
    """One stage of the lexicographic objective, with its proof for the chosen site.

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
    """Return the gap between a value and its lower bound, relative to the value; 0 if both count as the same cost."""
    return 0.0 if value - bound <= SAME_COST_MUSD else (value - bound) / abs(value)


@dataclass(frozen=True)
class SitePlan:
    """Best known plan of a site, and what is proven about the plan.

    Attributes
    ----------
    instance : Instance
        Instance of this site.
    plan : Plan
    stages : tuple of Stage
        Proof of the days and the cost of the plan, in the order of the objective.
    proven : bool
        Whether it is proven that the site has no better plan.
    """

    instance: Instance
    plan: Plan
    stages: tuple[Stage, ...]
    proven: bool = True

    @cached_property
    def cost_musd(self) -> float:
        """Return the total cost of the plan, in millions of USD."""
        return self.plan.cost_musd(self.instance)

    @property
    def cost_bound_musd(self) -> float:
        """Return the proven lower bound of the cost of any plan with the same days, in millions of USD."""
        least = float(self.instance.ready_musd()[0] + self.instance.gpu_cost_musd)
        return next((stage.bound for stage in self.stages if stage.goal == "cost"), least)

    @property
    def is_exact(self) -> bool:
        """Return whether the cost is known to its step: always, unless it is the last goal and its bound is lower."""
        return self.instance.order[-1] >= 0 or self.cost_musd - self.cost_bound_musd <= SAME_COST_MUSD

    @cached_property
    def key(self) -> Key:
        """Return the values that the objective compares."""
        return objective_key(self.instance, self.plan.day, self.cost_musd)

    @property
    def least_key(self) -> Key:
        """Return a key that no plan of the site comes before, if it is proven that the days are its best."""
        cost = self.cost_musd if self.is_exact else self.cost_bound_musd
        return objective_key(self.instance, self.plan.day, cost)

    def stored(self) -> StoredRank:
        """Return the rank as ``plan.json`` stores it."""
        return StoredRank(
            site_id=self.instance.site_id[0],
            days=tuple(map(int, self.plan.day)),
            cost_musd=self.cost_musd,
            cost_bound_musd=None if self.is_exact else self.cost_bound_musd,
        )


@dataclass(frozen=True)
class SiteResult:
    """Result for one site.

    Attributes
    ----------
    site_id : str
    standing : Standing
    bound_day : M, lower bound of the day of each milestone
    cost_bound_musd : float
        Proven lower bound of the cost, in millions of USD: for the days of the plan, or else for the earliest days that
        are not ruled out; nan if the site cannot serve.
    best : SitePlan or None
    limited_by : tuple of Reason, M
        What each milestone is limited by; empty if this was not computed.
    days_saved : tuple of dict, M
        Days by which each milestone could start earlier if one constraint were relaxed, by the name of the constraint,
        most days first; empty if this was not computed.
    reason : Reason or None
        Why the site cannot serve, or why it is not ranked.
    """

    site_id: str
    standing: Standing
    bound_day: Ints
    cost_bound_musd: float
    best: SitePlan | None = None
    limited_by: tuple[Reason, ...] = ()
    days_saved: tuple[dict[str, int], ...] = ()
    reason: Reason | None = None


@dataclass(frozen=True)
class Breakpoint:
    """Breakpoint of the Pareto front of a site: a day on which its minimum cost falls, and a plan with this cost.

    Attributes
    ----------
    day : int
        Day of the milestone that is compared with cost.
    plan : Plan
    cost_musd, cost_bound_musd : float
        Cost of the plan, and proven lower bound of the cost of any plan of the site with the milestone on this day, in
        millions of USD.
    on_front : bool
        Whether no other known plan of any site is at least as early and at least as cheap; of equal plans, the one with
        the smaller site_id counts.
    proven : bool
        Whether it is proven that the site cannot have this cost earlier and, if ``on_front``, that no other site is
        better.
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
    """Pareto front of days and cost of one site.

    Attributes
    ----------
    instance : Instance
        Instance of this site.
    breakpoints : tuple of Breakpoint
        Breakpoints in the order of days, so the most expensive one comes first.
    complete : bool
        Whether the site has no other breakpoints.
    """

    instance: Instance
    breakpoints: tuple[Breakpoint, ...]
    complete: bool

    @property
    def site_id(self) -> str:
        """Return the id of the site."""
        return self.instance.site_id[0]


@dataclass(frozen=True)
class CapacityPoint:
    """Most GPUs that a site can train by a day.

    Attributes
    ----------
    day : int
    gpus : int
        Largest number of GPUs for which a plan is known; 0 if none is.
    bound_gpus : int
        Proven upper bound of the number of GPUs of any plan.
    instance, plan
        Instance of the site with these GPUs, and their plan; None if no plan is known.
    """

    day: int
    gpus: int
    bound_gpus: int
    instance: Instance | None = None
    plan: Plan | None = None

    @property
    def proven(self) -> bool:
        """Return whether it is proven that no plan has more GPUs."""
        return self.gpus == self.bound_gpus


@dataclass(frozen=True)
class SiteCapacity:
    """Capacity of one site.

    Attributes
    ----------
    site_id : str
    rank : int or None
        Rank by the GPUs on the day that was asked for; None if the site is not among the first.
    asked : CapacityPoint
        Capacity on that day.
    curve : tuple of CapacityPoint
        Capacity on each day of the curve, in the order of days; empty unless the site is ranked.
    limited_by : Reason or None
        What keeps the site from training more GPUs by that day; None if this is not known.
    """

    site_id: str
    rank: int | None
    asked: CapacityPoint
    curve: tuple[CapacityPoint, ...] = ()
    limited_by: Reason | None = None


@dataclass(frozen=True)
class Capacities:
    """Capacities of all eligible sites.

    Attributes
    ----------
    outcome : RunOutcome
    sites : tuple of SiteCapacity
        Ranked sites in order, then the others by their bounds; at most LISTED in all.
    eligible : int
        Number of eligible sites, listed or not.
    """

    outcome: RunOutcome
    sites: tuple[SiteCapacity, ...]
    eligible: int


@dataclass(frozen=True)
class Evidence:
    """Numbers of checked claims of the solver, by the result of the check.

    Attributes
    ----------
    safe : int
        Claims that safe bounds prove without the solver.
    agreed : int
        Claims that the solver made in two settings.
    contradicted : int
        Claims that a valid plan refutes; the plan was used instead.
    undecided : int
        Claims with none of these results; if there are any, the result is not called proven.
    """

    safe: int = 0
    agreed: int = 0
    contradicted: int = 0
    undecided: int = 0


@dataclass(frozen=True)
class Ranking:
    """Ranking of all eligible sites, from best to worst.

    Attributes
    ----------
    outcome : RunOutcome
    results : tuple of SiteResult
        Ranked sites in order, then the others by their bounds; at most LISTED in all.
    stages : tuple of Stage
        Values of the best plan, and lower bounds for all sites. If the time ran out, the stages end with the first goal
        that is not proven.
    eligible : int
        Number of eligible sites, listed or not.
    top : int
        Number of ranks to prove.
    method, solver : str
    solved : int
        Number of sites that were solved one at a time.
    solves : int
        Number of MILPs that were solved.
    seconds : float
    steps : dict
        Seconds of each step of the method.
    evidence : Evidence
        Results of the checks of the claims of the solver.
    proof : Proof
        Data to check the ranks without a new search.
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
        """Return the plan of the chosen site; None if there is no plan."""
        return self.best.best if self.best is not None else None


def objective_key(instance: Instance, days: Ints, cost_musd: float) -> Key:
    """Return the values that the objective compares, in its order: days, and cost in steps of SAME_COST_MUSD."""
    cost = steps_of_cost(cost_musd)
    return tuple(float(days[goal]) if goal >= 0 else float(cost) for goal in instance.order)
