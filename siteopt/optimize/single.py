"""The best plan of one site: small MILPs with the days fixed.

With the days fixed, a site is a small integer program; and what is feasible on some days is feasible on later ones
(grids only rise, units only arrive, rent runs over a fixed term). So bisection on each day in turn is exact.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pulp
from numpy.typing import ArrayLike

from siteopt.instance import Instance, Ints
from siteopt.optimize.certificate import certify
from siteopt.optimize.formulation import COST, FAMILIES, PRICED, SHORTFALL, Model, build
from siteopt.optimize.pricing import Prices, prices_of
from siteopt.optimize.solver import Outcome, Solve, SolverError, solve
from siteopt.plan import SAME_COST_MUSD, Key, Plan, SitePlan, Stage, relative_gap

INTEGRALITY = 1e-5
"""How far from a whole number the solver may leave an integer variable."""

ROUGH = 0.01
"""Relative gap of cost (GPUs apart) that is near enough for prices."""

UNIT = 1000.0
"""What a unit counts for in a tie, beside the place of its offer."""

NO_PLAN = 1e-6
"""A shortfall, as a share of the needs added up, that is more than rounding."""

Families = tuple[Callable[[Model], None], ...]


class OutOfTime(Exception):
    """The time limit was reached, or the user asked to stop."""

    def __init__(self, result: Solve | None = None) -> None:
        super().__init__()
        self.result = result


@dataclass
class Clock:
    """The time that is left, whether to stop, and the number of MILPs solved. Threads may share it."""

    seconds: float = math.inf
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    solves: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def is_over(self) -> bool:
        """Whether the time is up, or the user asked to stop."""
        return self.stop.is_set() or self.elapsed >= self.seconds

    def solve(self, problem: pulp.LpProblem, gap: float = 0.0) -> Solve:
        """Solve within the time left, to a relative gap.

        Raises
        ------
        OutOfTime
            Where the limit came before a proof; it carries what the solver had by then.
        """
        if self.is_over:
            raise OutOfTime
        with self._counting:
            self.solves += 1
        result = solve(problem, self.seconds - self.elapsed, gap, self.stop)
        if result.outcome is Outcome.LIMIT:
            raise OutOfTime(result)
        return result


@dataclass(frozen=True)
class Answer:
    """What solving one site came to.

    Attributes
    ----------
    best : SitePlan or None
    worse : bool
        Without a plan: the site is worse than the ceiling. Else it cannot serve.
    """

    best: SitePlan | None
    worse: bool = False


def plan_of(model: Model, site: int = 0) -> Plan:
    """The plan that the solved variables of a model hold for the site that is taken.

    Raises
    ------
    SolverError
        Where the plan does not pass its certificate.
    """
    case = model.instance.take(np.array([site]))
    own = np.flatnonzero(model.instance.step_site == site)
    shape = (case.offers, case.milestones)
    units, output, heat = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    step = np.zeros((len(own), case.milestones), dtype=bool)
    day = np.zeros(case.milestones, dtype=np.int64)
    for (s, m, t), variable in model.start.items():
        if s == site and variable.varValue > 0.5:
            day[m] = t
    for target, source in ((units, model.units), (output, model.output_mw), (heat, model.heat_mw)):
        for (o, s, m), variable in source.items():
            if s == site:
                value = max(0.0, variable.varValue)
                target[o, m] = _whole(value) if target is units else value
    for (index, s, m), variable in model.step.items():
        if s == site:
            step[index - own[0], m] = bool(_whole(variable.varValue))
    grid = range(case.milestones)
    imported = np.array([max(0.0, model.import_mw[site, m].varValue) for m in grid])
    demand = np.array([model.demand_mw[site, m].varValue for m in grid])
    plan = Plan(day, units, step, output, imported, heat, demand)
    certificate = certify(case, plan)
    if not certificate.valid:
        raise SolverError(f"the solver's plan breaks {certificate.violations[0]}")
    return plan


def _whole(value: float) -> int:
    """An integer variable's value, which the solver gives within its tolerance."""
    if abs(value - round(value)) > INTEGRALITY:
        raise SolverError(f"the solver's plan has {value} where a whole number is due")
    return round(value)


def fixed(case: Instance, days: Sequence[int] | Ints, goal: int | None = None, families: Families = FAMILIES) -> Model:
    """The model of one site with its days fixed."""
    return build(case, {(0, m): [int(day)] for m, day in enumerate(days)}, goal, families)


def feasible(case: Instance, days: Sequence[int] | Ints, clock: Clock, families: Families = FAMILIES) -> bool:
    """Whether the site can start its milestones on these days."""
    return clock.solve(fixed(case, days, None, families).problem).outcome is Outcome.OPTIMAL


def followed(days: ArrayLike) -> Ints:
    """The latest days, none later than these, on which no milestone is later than the one after it; milestones last."""
    return np.minimum.accumulate(np.asarray(days)[..., ::-1], axis=-1)[..., ::-1]


def solve_site(
    case: Instance,
    earliest: Ints,
    clock: Clock,
    likely: Ints | None = None,
    ceiling: Key | None = None,
) -> Answer:
    """The best plan of an Instance of one site, in the order of the objective.

    Parameters
    ----------
    earliest : M
        Lower bounds of the days, each by itself.
    likely : M, optional
        Days such that the site has no plan that the objective puts before them; ``earliest`` unless given.
    ceiling : key, optional
        The site matters only where it is not worse than this key of the objective.

    Notes
    -----
    Where the time runs out, the best plan so far is returned with what is proven of it, or OutOfTime is raised where
    there is none.
    """
    if (earliest > case.horizon_day).any():
        return Answer(None)
    return _Attempt(case, earliest, clock, earliest if likely is None else likely, ceiling).answer()


@dataclass
class _Attempt:
    """One site on its way to its best plan."""

    case: Instance
    earliest: Ints
    clock: Clock
    likely: Ints
    ceiling: Key | None
    settled: dict[int, int] = field(default_factory=dict)
    """First days of the milestones that are settled."""
    low: dict[int, int] = field(default_factory=dict)
    """Proven lower bounds of the days, the goals before them being settled."""
    seen: Model | None = None
    """The last model that holds a plan."""
    cost_bound_musd: float = -math.inf

    def answer(self) -> Answer:
        """Settle the goals in their order."""
        self.low = dict(enumerate(map(int, self.earliest)))
        self.cost_bound_musd = float(self.case.site_cost_musd[0] + self.case.gpu_cost_musd)
        try:
            return self._answer()
        except OutOfTime:
            if self.seen is None:
                raise
            plan = plan_of(self.seen)
            return Answer(SitePlan(self.case, plan, self._stages(plan, self.cost_bound_musd), proven=False))

    def _answer(self) -> Answer:
        case = self.case
        if case.order[-1] == COST and (self.likely <= case.horizon_day).all():
            self.low = dict(enumerate(map(int, self.likely)))
            best = self._cheapest(case, self.likely)
            if best is not None:  # every day at its bound: nothing can be better
                return Answer(best)
            if self._at_ceiling(self.likely):
                return Answer(None, worse=True)
            self.low = dict(enumerate(map(int, self.earliest)))
        if not self._works(case, self._latest()):
            return Answer(None)
        limited = case
        for place, goal in enumerate(case.order):
            if goal != COST:
                self.settled[goal] = self._first_day(limited, goal)
                if (
                    self.ceiling is not None
                    and tuple(self.settled.get(other, -1) for other in case.order[: place + 1])
                    > self.ceiling[: place + 1]
                ):
                    return Answer(None, worse=True)
            elif goal != case.order[-1]:
                cost = self._solved(limited, self._latest(), COST).objective
                limited = replace(case, budget_musd=cost + 1e-9 * abs(cost))
        best = self._cheapest(limited, self._latest())
        return Answer(best, worse=best is None)

    def _solved(self, case: Instance, days: Sequence[int] | Ints, goal: int | None) -> Solve:
        """Solve with the days fixed, and remember the model where it holds a plan."""
        model = fixed(case, days, goal)
        last = goal == COST == self.case.order[-1]
        try:
            result = self.clock.solve(model.problem)
        except OutOfTime as end:
            if end.result is not None and end.result.has_plan:
                self.seen = model
            if end.result is not None and last and math.isfinite(end.result.bound):
                self.cost_bound_musd = max(self.cost_bound_musd, end.result.bound)
            raise
        if result.has_plan:
            self.seen = model
        return result

    def _works(self, case: Instance, days: Sequence[int]) -> bool:
        return self._solved(case, days, None).outcome is Outcome.OPTIMAL

    def _cheapest(self, case: Instance, days: Sequence[int] | Ints) -> SitePlan | None:
        """The least cost with all days fixed; None where there is no plan that is not worse than the ceiling."""
        if self._at_ceiling(days) and self.ceiling is not None:
            case = replace(case, budget_musd=min(case.budget_musd, (self.ceiling[-1] + 0.5) * SAME_COST_MUSD))
        result = self._solved(case, days, COST)
        if result.outcome is not Outcome.OPTIMAL or self.seen is None:
            return None
        plan = plan_of(self.seen)
        self.low = dict(enumerate(map(int, days)))
        return SitePlan(self.case, plan, self._stages(plan, result.bound))

    def _at_ceiling(self, days: Sequence[int] | Ints) -> bool:
        """Whether only cost can tell the site from the ceiling."""
        order = self.case.order
        return (
            self.ceiling is not None
            and order[-1] == COST
            and (tuple(float(days[goal]) for goal in order[:-1]) == self.ceiling[:-1])
        )

    def _stages(self, plan: Plan, cost_bound_musd: float) -> tuple[Stage, ...]:
        cost = plan.cost_musd(self.case)
        return tuple(
            Stage("cost", cost, cost_bound_musd, relative_gap(cost, cost_bound_musd))
            if goal == COST
            else Stage(
                self.case.milestone[goal],
                float(plan.day[goal]),
                float(self.low[goal]),
                relative_gap(float(plan.day[goal]), self.low[goal]),
            )
            for goal in self.case.order
        )

    def _latest(self, trial: Mapping[int, int] = MappingProxyType({})) -> list[int]:
        """The latest days that leave the settled ones as they are."""
        case, settled = self.case, {**self.settled, **trial}
        return followed([settled.get(m, case.horizon_day) for m in range(case.milestones)]).tolist()

    def _first_day(self, case: Instance, goal: int) -> int:
        """The first day on which a milestone can start with the settled ones held: doubling steps, then bisection."""
        as_likely = COST not in self.settled and all(day == self.likely[m] for m, day in self.settled.items())
        bound = self.likely if as_likely and self.case.order[-1] == COST else self.earliest
        self.low[goal] = max([int(bound[goal]), *(day for m, day in self.settled.items() if m < goal)])
        high = self._latest()[goal]
        stride, trial = 1, self.low[goal]
        while self.low[goal] < high:
            if self._works(case, self._latest({goal: trial})):
                high = trial
            else:
                self.low[goal] = trial + 1
            nearby = self.low[goal] + stride
            stride *= 2
            trial = min(nearby, (self.low[goal] + high) // 2)
        return high


def tidied(found: SitePlan, clock: Clock) -> SitePlan:
    """Of all plans with the same days and the same cost the one that is given: a tie ends in one answer.

    The fewest units on site, added up over the milestones, less the grid steps in service; of those the units of the
    offers that come first by their id: each unit counts UNIT and the place of its offer. The plan itself where the time
    runs out.
    """
    model = fixed(replace(found.case, budget_musd=found.cost_musd + SAME_COST_MUSD / 10), found.plan.day)
    units = [(var, UNIT + o) for (o, _, _), var in model.units.items()]
    model.problem.setObjective(pulp.LpAffineExpression(units + [(var, -UNIT) for var in model.step.values()]))
    try:
        clock.solve(model.problem)
    except OutOfTime:
        return found
    return replace(found, plan=plan_of(model))


def first_plan(case: Instance, days: Ints, clock: Clock) -> SitePlan | None:
    """A plan on these days within ROUGH of the least cost; None where there is none."""
    model = fixed(case, days, COST)
    result = clock.solve(model.problem, ROUGH)
    if result.outcome is not Outcome.OPTIMAL:
        return None
    plan = plan_of(model)
    cost = Stage("cost", result.objective, result.bound, relative_gap(result.objective, result.bound))
    day = (Stage(case.milestone[m], float(days[m]), float(days[m]), 0.0) for m in range(case.milestones))
    return SitePlan(case, plan, (*day, cost), proven=False)


def cost_prices(found: SitePlan) -> Prices:
    """The LP duals of the site on the days of a plan, the largest unit used being at most that of the plan."""
    case, plan = found.case, found.plan
    model = fixed(case, plan.day, COST, PRICED)
    for (g, _, m), used in model.used.items():
        member = model.group[0] == g
        kind = case.is_chiller if case.is_chiller[member][0] else case.is_generator
        largest = case.rating_mw[0][kind & (plan.units[:, m] > 0)].max(initial=0)
        used.lowBound = used.upBound = float(case.rating_mw[0][member][0] <= largest)
    return prices_of(case, solve(model.problem, relax=True).dual, 1.0)


def shortfall_prices(case: Instance, days: Ints) -> Prices | None:
    """Prices that show that there is no plan on these days; None where the LP relaxation does not show it."""
    result = solve(fixed(case, days, SHORTFALL, PRICED).problem, relax=True)
    return prices_of(case, result.dual, 0.0) if result.objective > NO_PLAN else None
