"""Find the best plan of one site with small MILPs in which the days are fixed.

With fixed days, a site is a small integer program, and a plan that is feasible on some days is feasible on later days
(grids only rise, units only arrive, rent runs over a fixed term). So bisection of one day after the other is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pulp

from siteopt.instance import Floats, Instance, Ints
from siteopt.optimize.bounds import bounds
from siteopt.optimize.clock import Clock, OutOfTime, Undecided
from siteopt.optimize.fixed_days import CHEAPER, SOME_NODES, FixedDays, Found, fixed, followed
from siteopt.optimize.formulation import COST, FAMILIES, PRICED, SHORTFALL
from siteopt.optimize.key_bounds import KeyBounds
from siteopt.optimize.pricing import Prices, prices_of
from siteopt.optimize.program import program_of
from siteopt.optimize.solver import Outcome, solve
from siteopt.plan import Key, Plan, SitePlan, Stage, relative_gap
from siteopt.tolerances import BORDER, SAME_COST_MUSD, most_of_step, steps_of_cost

ROUGH = 0.01
"""Relative gap of cost (without GPUs) that is near enough for prices, and for a rank that cost does not decide."""

UNIT = 1000.0
"""Weight of a unit in the resolution of ties, in addition to the position of its offer."""

ONE = np.zeros(1, dtype=np.int64)
"""Index of the only site."""

NO_PLAN = 1e-6
"""A shortfall above this, as a share of the requirements, is more than rounding."""


@dataclass(frozen=True)
class IncumbentCutoff:
    """Incumbent cutoff: a key that a site has to beat, or to equal if it wins ties.

    Attributes
    ----------
    key : Key
    wins_ties : bool
    """

    key: Key
    wins_ties: bool

    @property
    def cost_musd(self) -> float:
        """Return the highest cost (million USD) that is not worse than a key that ends in cost."""
        return most_of_step(self.key[-1] - (not self.wins_ties))


@dataclass(frozen=True)
class Answer:
    """Result of solving one site.

    Attributes
    ----------
    best : SitePlan or None
    worse : bool
        If there is no plan: True if the site is worse than the incumbent cutoff, False if it cannot serve.
    """

    best: SitePlan | None
    worse: bool = False


def solve_site(
    instance: Instance,
    clock: Clock,
    bound: Floats | None = None,
    cutoff: IncumbentCutoff | None = None,
    gap: float = 0.0,
) -> Answer:
    """Return the best plan of the only site of an Instance, in the order of the objective.

    Parameters
    ----------
    bound : array by goal, optional
        Key that no plan of the site comes before; cost in million USD.
    cutoff : IncumbentCutoff, optional
        Incumbent cutoff; a site that is worse needs no plan.
    gap : float
        Relative gap of the cost without GPUs that is near enough if cost is the last goal.

    Raises
    ------
    OutOfTime
        If the time runs out, or the solver contradicts itself, before there is a plan. After that, the best plan so far
        is returned with its bounds.
    """
    limits, known = bounds(instance), KeyBounds(instance.order, 1)
    known.start(ONE, limits.day, limits.cost_musd)
    if bound is not None:
        known.raise_to(ONE, bound[None])
    if not known.can_serve(ONE, instance.horizon_day)[0]:
        return Answer(None)
    return _Attempt(instance, known, clock, cutoff, gap).answer()


@dataclass
class _Attempt:
    """State of the search for the best plan of one site.

    Attributes
    ----------
    bounds : KeyBounds, of the one site
    settled : days of the milestones that are fixed so far
    values : the key as far as it is fixed
    low : proven lower bounds of the days, given the earlier goals
    known : a plan that reaches the fixed goals
    limit_musd : highest cost that the fixed goals allow
    cost_bound_musd : lower bound of the cost, given the earlier goals
    """

    instance: Instance
    bounds: KeyBounds
    clock: Clock
    cutoff: IncumbentCutoff | None
    gap: float
    settled: dict[int, int] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    low: dict[int, int] = field(default_factory=dict)
    known: Plan | None = None
    limit_musd: float = math.inf
    cost_bound_musd: float = -math.inf

    def answer(self) -> Answer:
        """Fix the goals in their order, and return the answer."""
        self.low = dict(enumerate(map(int, self.bounds.day[0])))
        self.cost_bound_musd = float(self.bounds.cost_musd[0])
        try:
            return self._answer()
        except OutOfTime as end:
            plan = end.plan or self.known
            if plan is None:
                raise
            return Answer(SitePlan(self.instance, plan, self._stages(plan), proven=False))

    def _answer(self) -> Answer:
        first = self._at_bound()
        if first is not None:
            return first
        self.known = self._on(self._latest()).any_plan()
        if self.known is None:
            return Answer(None)
        for goal in self.instance.order:
            if goal != COST:
                self.settled[goal] = self._first_day(goal)
                self.values.append(float(self.settled[goal]))
            elif goal == self.instance.order[-1]:
                return self._cheapest(self._latest())
            else:
                self.values.append(float(self._settle_cost()))
            if self.cutoff is not None and tuple(self.values) > self.cutoff.key[: len(self.values)]:
                return Answer(None, worse=True)
        return Answer(SitePlan(self.instance, self.known, self._stages(self.known)))

    def _at_bound(self) -> Answer | None:
        """Try the days of the key's bound, and return their plan if there is one: nothing can be better. Else None."""
        if self.instance.order[-1] != COST:
            return None
        days = self.bounds.latest(ONE, self.instance.horizon_day)[0]
        if (np.diff(days) < 0).any():
            return None
        if self._is_at_cutoff(days):
            return self._cheapest(days)
        found = self._least(self._on(days), sure=False)
        return None if found.plan is None else self._best(days, found)

    def _on(self, days: Sequence[int] | Ints) -> FixedDays:
        return FixedDays(self.instance, days, self.clock, kept=True)

    def _settle_cost(self) -> int:
        """Find the least cost, fix it for the later goals, and return it in steps."""
        on = self._on(self._latest())
        self.known = on.cheapest(self.limit_musd, self.known).plan
        while self.known is not None:
            steps = steps_of_cost(self.known.cost_musd(self.instance))
            self.limit_musd, self.cost_bound_musd = most_of_step(steps), most_of_step(steps - 1)
            better = on.refute(self.cost_bound_musd)
            if better is None:
                return steps
            self.known = better
        raise Undecided

    def _cheapest(self, days: Sequence[int] | Ints) -> Answer:
        """Return the answer with the least cost on these days; without a plan if worse than the incumbent cutoff."""
        on, limit, known = self._on(days), self.limit_musd, self.known
        if self.cutoff is not None and self._is_at_cutoff(days):
            limit = min(limit, self.cutoff.cost_musd)
            if on.is_plainly_above(limit):
                return Answer(None, worse=True)
        if known is not None and known.cost_musd(self.instance) > limit:
            known = None
        found = self._least(on, limit, known)
        return Answer(None, worse=True) if found.plan is None else self._best(days, found)

    def _least(self, on: FixedDays, limit: float = math.inf, known: Plan | None = None, *, sure: bool = True) -> Found:
        """Return the plan of least cost if cost is the last goal; if the time runs out, keep the bound of the cost."""
        try:
            return on.cheapest(limit, known, gap=self.gap, sure=sure)
        except OutOfTime as end:
            self.cost_bound_musd = max(self.cost_bound_musd, end.bound_musd)
            raise

    def _best(self, days: Sequence[int] | Ints, found: Found) -> Answer:
        """Return the answer for the cheapest plan on the earliest days, which are then the bounds of the days."""
        assert found.plan is not None
        self.cost_bound_musd = max(self.cost_bound_musd, found.bound)
        self.low = dict(enumerate(map(int, days)))
        return Answer(SitePlan(self.instance, found.plan, self._stages(found.plan)))

    def _is_at_cutoff(self, days: Sequence[int] | Ints) -> bool:
        """Return whether these are the days of the incumbent cutoff, so that only cost decides between the two."""
        order, cutoff = self.instance.order, self.cutoff
        if cutoff is None or order[-1] != COST:
            return False
        return tuple(float(days[goal]) for goal in order[:-1]) == cutoff.key[:-1]

    def _stages(self, plan: Plan) -> tuple[Stage, ...]:
        cost, least = plan.cost_musd(self.instance), self.cost_bound_musd
        return tuple(
            Stage("cost", cost, min(cost, least), relative_gap(cost, least))
            if goal == COST
            else Stage(
                self.instance.milestone[goal],
                float(plan.day[goal]),
                float(self.low[goal]),
                relative_gap(float(plan.day[goal]), self.low[goal]),
            )
            for goal in self.instance.order
        )

    def _latest(self, trial: Mapping[int, int] = MappingProxyType({})) -> list[int]:
        """Return the latest days with which the fixed milestones, and those on trial, keep their days."""
        settled = {**self.settled, **trial}
        return followed([settled.get(m, self.instance.horizon_day) for m in range(self.instance.milestones)]).tolist()

    def _first_day(self, goal: int) -> int:
        """Return the first day of a milestone, given the fixed goals, by doubling steps and then bisection.

        As long as limits change in between, the day before the next change is tried first: on the day of a change a
        site can often do what it could not do before.
        """
        high, stride, change = self._latest()[goal], 1, self.instance.change_day
        trial = self.low[goal] = int(self.bounds.entry(ONE, np.array([self.values]))[0])
        while self.low[goal] < high:
            plan = self._on(self._latest({goal: trial})).any_plan(self.limit_musd)
            if plan is not None:
                self.known, high = plan, trial
            else:
                self.low[goal] = trial + 1
            between = change[(change > self.low[goal]) & (change <= high)]
            step = min(self.low[goal] + stride, (self.low[goal] + high) // 2)
            trial = int(between[0]) - 1 if len(between) else step
            stride *= 2
        return high


def sharpened(found: SitePlan, clock: Clock) -> SitePlan:
    """Return a site's plan of least cost on the days of a plan, if cost is the last goal.

    Raises
    ------
    OutOfTime
        As Undecided if the solver contradicts itself.
    """
    least = FixedDays(found.instance, found.plan.day, clock, kept=True).cheapest(known=found.plan)
    assert least.plan is not None
    bound = min(least.value, least.bound)
    last = Stage("cost", least.value, bound, relative_gap(least.value, bound))
    return replace(found, plan=least.plan, stages=(*found.stages[:-1], last))


def confirmed(found: SitePlan, clock: Clock) -> SitePlan:
    """Return a site's best plan with its least cost confirmed, or a cheaper plan with its cost confirmed.

    Days are confirmed when they are found, and so is a cost before other goals. Only a cost that is the last goal is
    confirmed here, because for most sites it does not decide the rank.

    Raises
    ------
    Undecided
        If the cost can be neither confirmed nor refuted.
    """
    if found.instance.order[-1] != COST:
        return found
    found = replace(found, plan=FixedDays(found.instance, found.plan.day, clock, kept=True).confirmed(found.plan))
    last = Stage("cost", found.cost_musd, found.cost_musd - CHEAPER, 0.0)
    return replace(found, stages=(*found.stages[:-1], last))


def is_behind(found: SitePlan, cutoff: IncumbentCutoff, clock: Clock) -> SitePlan:
    """Return a site's best plan, confirmed to be no better than an incumbent cutoff, or a cheaper plan.

    Raises
    ------
    Undecided
        If this can be neither confirmed nor refuted.
    """
    days, key = found.key[:-1], cutoff.key
    if found.instance.order[-1] != COST or days != key[:-1]:
        return found
    on = FixedDays(found.instance, found.plan.day, clock, kept=True)
    better = on.refute(min(cutoff.cost_musd, found.cost_musd - CHEAPER), SOME_NODES)
    return found if better is None else confirmed(replace(found, plan=better), clock)


def canonical(found: SitePlan, clock: Clock, *, same_orders: bool = False) -> SitePlan:
    """Return the canonical plan among all plans with the same days and cost, so that a tie has one answer.

    The canonical plan has the fewest units on site, summed over the phases, minus the grid steps in service. Among
    such plans it prefers offers that come first by id: each unit counts UNIT plus the position of its offer. If the
    time runs out, or no such plan is found, the given plan is returned.

    Parameters
    ----------
    same_orders : bool
        Whether the units at the last milestone are kept. This takes a tenth of the time or less, and leaves a tie only
        between other orders of the same cost. If it is shown that there are none, they are kept in any case.
    """
    instance, cost = found.instance, found.cost_musd
    limit = min(cost + SAME_COST_MUSD / 10, most_of_step(steps_of_cost(cost)))
    on = FixedDays(instance, found.plan.day, clock, kept=True)
    if not same_orders and instance.order[-1] == COST:
        same_orders = on.has_only_orders_of(found.plan, limit)
    model = fixed(replace(instance, budget_musd=limit - BORDER * SAME_COST_MUSD), found.plan.day, families=FAMILIES)
    units = [(var, UNIT + o) for (o, _, _), var in model.units.items()]
    model.problem.setObjective(pulp.LpAffineExpression(units + [(var, -UNIT) for var in model.step.values()]))
    last = len(model.phases[0]) - 1
    for (o, _, f), var in model.units.items():
        if same_orders and f == last:
            var.lowBound = var.upBound = int(found.plan.units[o, -1])
    try:
        result = clock.solve(program_of(model.problem, model.sizes))
    except OutOfTime:
        return found
    finished = None if result.values is None else on.finish(result.values)
    return found if finished is None or finished[1] > limit else replace(found, plan=finished[0])


def first_plan(instance: Instance, days: Ints, clock: Clock) -> SitePlan | None:
    """Return a plan on these days within ROUGH of the least cost; None if the solver finds none."""
    found = FixedDays(instance, days, clock).cheapest(gap=ROUGH, sure=False)
    if found.plan is None:
        return None
    cost = Stage("cost", found.value, found.bound, relative_gap(found.value, found.bound))
    day = (Stage(instance.milestone[m], float(days[m]), float(days[m]), 0.0) for m in range(instance.milestones))
    return SitePlan(instance, found.plan, (*day, cost), proven=False)


def cost_prices(found: SitePlan) -> Prices | None:
    """Return the LP duals of a site on the days of its plan as prices; None if the solver has none.

    Each limit counts as the highest that it ever is. ``used`` is 1 for units up to the size of the largest of their
    kind in the plan, and 0 for larger ones.
    """
    instance, plan = found.instance.loosest(), found.plan
    own = found.instance.phases(plan.day).own
    model = fixed(instance, plan.day, COST, PRICED)
    program = program_of(model.problem, model.sizes)
    lower, upper = program.lower.copy(), program.upper.copy()
    together = {int(o): offers for _, offers in instance.by_spare() for o in offers}
    for (g, _, m), used in model.used.items():
        member = np.flatnonzero(model.group[0] == g)
        beside = together[int(member[instance.available_units[member] > 0][0])]
        largest = instance.rating_mw[0][beside[plan.units[beside, own[m]] > 0]].max(initial=0)
        column = program.place[used.name]
        lower[column] = upper[column] = float(instance.rating_mw[0][member][0] <= largest)
    result = solve(replace(program, lower=lower, upper=upper), relax=True)
    return prices_of(instance, result.dual, 1.0) if result.outcome is Outcome.OPTIMAL else None


def shortfall_prices(instance: Instance, days: Ints) -> Prices | None:
    """Return prices that show that these days allow no plan; None if the LP relaxation does not show it."""
    instance = instance.loosest()
    model = fixed(instance, days, SHORTFALL, PRICED)
    result = solve(program_of(model.problem, model.sizes), relax=True)
    return prices_of(instance, result.dual, 0.0) if result.objective > NO_PLAN else None
