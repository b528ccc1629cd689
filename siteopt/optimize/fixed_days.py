"""Solve one site with its days fixed: find its cheapest plan or any plan, or confirm that there is none.

No answer of a solver is accepted alone. A plan counts if it is finished and holds. That there is no plan, or no cheaper
one, counts if safe bounds show it. If they are too weak, it counts if the solver says so in two settings. A cost limit
is never a row: the solver minimises the cost, and the answer is compared with the limit.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from siteopt.instance import Floats, Instance, Ints
from siteopt.optimize.branching import NEAR_MUSD, Branchings, Closing, Known, branch
from siteopt.optimize.clock import Claim, Clock, Undecided
from siteopt.optimize.diving import dive
from siteopt.optimize.finishing import Finisher, whole_values
from siteopt.optimize.formulation import COST, FAMILIES, build
from siteopt.optimize.model import Model
from siteopt.optimize.program import Program, program_of
from siteopt.optimize.solver import SEED
from siteopt.optimize.whole import Best, best_whole
from siteopt.plan import Plan
from siteopt.tolerances import GAP_MUSD, SAME_COST_MUSD

NODES, SOME_NODES, FEW_NODES = 5000, 1000, 40
"""Most linear programs of our own branch and bound: to confirm a claim; before the solver is asked, and for the order
of later ranks; and at a glance."""

CHEAPER = 0.9 * SAME_COST_MUSD
"""Smallest saving (million USD) for which a cheaper plan is searched: less would count as the same cost, or nearly."""

WITHOUT_BUDGET = frozenset(FAMILIES) - {"budget"}
"""Constraint families that become rows when the days are fixed: all but the budget."""


def followed(days: ArrayLike) -> Ints:
    """Return the latest days, none later than the given ones, on which the milestones start in order.

    Milestones are on the last axis.
    """
    return np.minimum.accumulate(np.asarray(days)[..., ::-1], axis=-1)[..., ::-1]


def fixed(
    instance: Instance, days: Sequence[int] | Ints, goal: int | None = None, families: Collection[str] = WITHOUT_BUDGET
) -> Model:
    """Return the model of one site with its days fixed; by default without a row for the budget."""
    return build(instance, {(0, m): [int(day)] for m, day in enumerate(days)}, goal, families)


Found = Best[Plan]
"""The cheapest plan: ``value`` is its cost, and ``bound`` a lower bound of any plan's cost (million USD)."""


@dataclass
class FixedDays:
    """One site on fixed days.

    Attributes
    ----------
    instance : Instance
        Instance of one site.
    days : sequence of int
        Day on which each milestone starts.
    clock : Clock
    relaxed : collection of str
        Names of the relaxed constraint families.
    kept : bool
        Whether the branchings that close a claim are kept for the proof.
    """

    instance: Instance
    days: Sequence[int] | Ints
    clock: Clock
    relaxed: Collection[str] = ()
    kept: bool = False

    @cached_property
    def model(self) -> Model:
        """Return the model; its objective is the cost."""
        return fixed(self.instance, self.days, COST, WITHOUT_BUDGET - set(self.relaxed))

    @cached_property
    def program(self) -> Program:
        """Return the model as arrays."""
        return program_of(self.model.problem, self.model.sizes)

    @cached_property
    def _key(self) -> tuple[int, ...]:
        """Return the days as part of a key: programs of other days may hold the same numbers."""
        return tuple(map(int, self.days))

    @cached_property
    def _finisher(self) -> Finisher:
        return Finisher(self.model, self.program, [*self.relaxed, "budget"])

    def finish(self, values: Floats) -> tuple[Plan, float] | None:
        """Return the cheapest plan with the whole numbers of these values, and its cost; None if there is none."""
        found = self._finisher.finish(values)
        return None if found is None else (found[1], self._cost(found[1]))

    def with_units(self, units: Ints, step: np.ndarray) -> tuple[Plan, float] | None:
        """Return the cheapest plan with these units (O x M) and grid steps (L x M), and its cost; None if none exists.

        Units that cannot be on site on these days have no variable, so they are not in the plan.
        """
        return self.finish(whole_values(self.model, self.program, units, step))

    def cheapest(
        self, limit_musd: float = math.inf, known: Plan | None = None, *, gap: float = 0.0, sure: bool = True
    ) -> Found:
        """Return the cheapest plan within a limit and the budget, and a lower bound of the cost of any plan.

        Parameters
        ----------
        known : Plan, optional
            A plan that these days allow within the limit. It is kept, whatever the solver says.
        gap : float
            Relative gap of the cost without GPUs that is near enough. The plan is then the solver's, even if the known
            one is cheaper: so it does not depend on what was asked before.
        sure : bool
            Whether to confirm that there is no plan if the solver says so.

        Raises
        ------
        OutOfTime
            With the best plan so far; as Undecided if the solver contradicts itself.
        """
        limit = self._within(limit_musd)
        found = self._search(limit, gap=gap, target=-math.inf)
        if gap and found.plan is not None and found.value <= limit:
            return found
        best = min((plan for plan in (known, found.plan) if plan is not None), key=self._cost, default=None)
        if best is not None and best is found.plan and found.value <= limit:
            return found
        if best is None or self._cost(best) > limit:
            best = self.refute(limit) if sure else None
        best = None if best is None else self.confirmed(best)
        cost = math.inf if best is None else self._cost(best)
        return Found(best, cost, found.bound if best is None else cost - CHEAPER)

    def _cost(self, plan: Plan) -> float:
        return plan.cost_musd(self.instance)

    def any_plan(self, limit_musd: float = math.inf) -> Plan | None:
        """Return a plan within a limit and the budget; None if it is confirmed that there is none.

        Raises
        ------
        OutOfTime
            As Undecided if the solver contradicts itself.
        """
        limit, options = self._within(limit_musd), self.instance.options_by(self.days)
        if len(options) and not options.any():
            return None
        question = ("dive", self.program.fingerprint, self._key)
        near = self.clock.once(question, lambda: dive(self.program.eased, self.finish))
        if near is not None and near[1] <= limit:
            return near[0]
        closing = self.closing(limit + 2 * NEAR_MUSD, SOME_NODES)  # a plan that costs just the limit counts
        if closing.closed:
            self.clock.confirmed(safe=1)
            return None
        if closing.plan is not None and self._cost(closing.plan) <= limit:
            return closing.plan
        found = best_whole(self.program.eased.without_cost(), self.finish, self.clock)
        if found.plan is not None and found.value > limit:  # the plan costs too much: minimise the cost
            found = self._search(limit, target=limit)
        if found.plan is not None and found.value <= limit:
            return found.plan
        return self.refute(limit)

    def confirmed(self, plan: Plan) -> Plan:
        """Confirm that no plan on these days is cheaper than this one, and return the plan.

        If a cheaper plan is found, confirm and return the cheaper one.

        Raises
        ------
        Undecided
            As in :meth:`refute`.
        """
        while (better := self.refute(self._cost(plan) - CHEAPER)) is not None:
            plan = better
        return plan

    def refute(self, limit_musd: float, nodes: int | None = None) -> Plan | None:
        """Confirm the solver's answer that no plan costs less than a limit, and return None; or return such a plan.

        Parameters
        ----------
        nodes : int, optional
            Most linear programs for safe bounds, before a second setting of the solver is asked; by default NODES.

        Raises
        ------
        Undecided
            If safe bounds do not show it, a second setting of the solver does not agree, and no cheaper plan is found.
        """
        closing = self.closing(limit_musd, NODES if nodes is None else nodes)
        if closing.closed:
            self.clock.confirmed(safe=1)
            return None
        plan = closing.plan
        if plan is None:
            found = self._search(limit_musd, target=limit_musd, seed=SEED + 1)
            plan = found.plan if found.value <= limit_musd else None
            if plan is None and found.bound >= limit_musd - NEAR_MUSD:
                self.clock.confirmed(agreed=1)
                return None
        if plan is None:
            self.clock.confirmed(undecided=1)
            raise Undecided
        self.clock.confirmed(contradicted=1)
        return plan

    def closing(self, limit_musd: float, nodes: int, advice: Branchings | None = None) -> Closing[Plan]:
        """Return the result of our own branch and bound with at most ``nodes`` linear programs.

        None are solved if the claim is closed at a site that dominates this one.

        Parameters
        ----------
        advice : Branchings, optional
            Branchings that closed the same claim in an earlier run.
        """

        def closing() -> Closing[Plan]:
            return branch(self.program, limit_musd, self.finish, nodes, lambda: self.clock.is_over, advice)

        claim = Claim(self.instance, np.array(self._key), limit_musd)
        if not self.relaxed and self.clock.is_claimed(claim):
            return Closing(True, limit_musd, 0, {})
        found = self.clock.once((self.program.fingerprint, self._key, limit_musd, nodes), closing)
        if found.closed:
            self._keep(found, limit_musd)
        return found

    def _keep(self, found: Closing[Plan], limit_musd: float) -> None:
        """Keep that no plan costs less than a limit: as a claim, and its branchings for the proof."""
        if not self.relaxed:
            self.clock.claim(Claim(self.instance, np.array(self._key), limit_musd))
        if self.kept and found.branchings:
            self.clock.branchings[self.instance.site_id[0], self._key] = found.branchings

    def has_only_orders_of(self, plan: Plan, limit_musd: float) -> bool:
        """Return whether it is shown that any plan below a limit orders what this one does, and is no cheaper.

        Parameters
        ----------
        limit_musd : float
            At least the cost of the plan.
        """
        last = len(self.model.phases[0]) - 1
        ordered = [(var, plan.units[o, -1]) for (o, _, f), var in self.model.units.items() if f == last]
        columns = np.array([self.program.place[var.name] for var, _ in ordered], dtype=np.int64)
        cheaper = self._cost(plan) - CHEAPER + GAP_MUSD  # the canonical plan may cost a rounding more
        known = Known(columns, np.array([float(units) for _, units in ordered]), cheaper)
        limit = limit_musd + 2 * NEAR_MUSD  # a plan that costs just the limit counts
        found = branch(self.program, limit, self.finish, NODES, lambda: self.clock.is_over, None, known)
        if found.closed:
            self._keep(found, cheaper)
        return found.closed

    def is_plainly_above(self, limit_musd: float) -> bool:
        """Return whether FEW_NODES linear programs suffice to show that no plan costs less than a limit."""
        closed = self.closing(limit_musd, FEW_NODES).closed
        self.clock.confirmed(safe=int(closed))
        return closed

    def _within(self, limit_musd: float) -> float:
        return min(limit_musd, self.instance.most_musd)

    def _search(self, limit: float, *, target: float, gap: float = 0.0, seed: int = SEED) -> Found:
        program = self.program.eased
        return best_whole(program, self.finish, self.clock, gap=gap, target=target, cutoff=limit, seed=seed)
