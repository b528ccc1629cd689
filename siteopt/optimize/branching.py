"""Show with our own small branch and bound that no plan costs less than a limit, or find one that does.

Each node is closed by a safe bound. No solver is trusted: HiGHS only supplies points to branch on, and duals, from
which :func:`siteopt.optimize.safe.lower_bound` computes safe bounds. A closed node is proven. If nodes stay open, the
bound that was reached is returned.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from siteopt.instance import Floats, Ints
from siteopt.optimize.program import Program
from siteopt.optimize.propagation import Propagation, tightened
from siteopt.optimize.safe import is_empty, narrowed
from siteopt.optimize.solver import Relaxation, Vertex
from siteopt.tolerances import SAME_COST_MUSD

NEAR_MUSD = SAME_COST_MUSD / 10
"""A node whose vertex is a plan above the limit counts as closed if its bound is this near to the limit.

This is one US dollar, in million USD. Rows that are relaxed by a HAIR may prevent a closer bound.
"""

WHOLE = 1e-6
"""A variable whose value is this near to a whole number is not branched on."""

TRIED = 8
"""Largest number of variables whose branches are both solved before one variable is chosen."""

TRUSTED = 4
"""Number of branchings of a variable after which its average gain is used as an estimate."""

LEAST_GAIN = 1e-8
"""A smaller gain of a branch counts as this much (million USD) when the gains of both branches are multiplied."""

FIRST = (("step_", "option_"), ("total_", "used_"))
"""First letters of the names of variables that are branched on before others: those of the first group, then the next.

A grid step or a type of shell decides what else is needed, and a total stands for the same units from all depots.
"""

NEAR = 0.05
"""Rows narrow the variables of a node if its bound is more than this share below the limit.

Then rows have to close it, not the cost; nearer to the limit, each pass costs more than it saves.
"""

Branchings = Mapping[str, tuple[str, int]]
"""Variable and value (rounded down) that each node was branched on, by the path from the root to the node.

In a path, 0 is the branch with values up to that value, and 1 the branch with larger values: ``"01"`` is the upper
branch of the lower branch of the root.
"""

Plan = TypeVar("Plan")
Accept = Callable[[Floats], tuple[Plan, float] | None]
"""Finish a plan from the values of a linear program whose whole numbers are whole.

Return the plan and its cost, or None if there is no plan with these whole numbers.
"""


@dataclass(frozen=True)
class Known:
    """A plan that a branch and bound need not find: the values of some whole variables in it, and its own limit.

    Where these variables have these values, only a plan that costs less than ``limit`` is looked for; elsewhere, one
    that costs less than the limit of the search, which may be higher.

    Attributes
    ----------
    columns : indices of the variables
    values : their values, one for each
    limit : float, million USD
    """

    columns: Ints
    values: Floats
    limit: float

    def is_met(self, values: Floats) -> bool:
        """Return whether the variables have the known values."""
        return bool((np.abs(values[self.columns] - self.values) <= WHOLE).all())

    def is_all(self, lower: Floats, upper: Floats) -> bool:
        """Return whether bounds leave nothing but the known values."""
        return bool((lower[self.columns] == self.values).all() and (upper[self.columns] == self.values).all())


@dataclass(frozen=True)
class Closing(Generic[Plan]):
    """Result of a branch and bound.

    Attributes
    ----------
    closed : bool
        Whether it is shown that no plan costs less than the limit.
    bound : float
        Lower bound of the cost of any plan (million USD); at most the limit.
    nodes : int
        Number of linear programs solved.
    branchings : mapping of the path of a node to (variable, floor)
    plan : Plan or None
        A plan that costs less than the limit, if one was found.
    """

    closed: bool
    bound: float
    nodes: int
    branchings: Branchings
    plan: Plan | None = None


def branch(
    program: Program,
    limit: float,
    accept: Accept[Plan],
    nodes: int,
    is_over: Callable[[], bool] = lambda: False,
    advice: Branchings | None = None,
    known: Known | None = None,
) -> Closing[Plan]:
    """Show that no plan of a program costs less than a limit, or find one.

    Parameters
    ----------
    limit : float
        Limit of the cost (million USD); infinite to show that there is no plan at all.
    accept : callable
        See :data:`Accept`.
    nodes : int
        Most linear programs to solve.
    is_over : callable
        Returns whether the time is up or the user asked to stop.
    advice : mapping, optional
        Branchings that closed the same program in an earlier run.
    known : Known, optional
        A plan that costs less than the limit, beside which another is looked for.
    """
    tight = tightened(program)
    if tight is None:
        return Closing(True, limit, 0, {})
    return _Search(tight, limit, accept, nodes, is_over, advice or {}, known).run()


def _later(name: str) -> int:
    """Return the place of the group of FIRST that a variable is in; the number of groups if it is in none."""
    return next((place for place, group in enumerate(FIRST) if name.startswith(group)), len(FIRST))


@dataclass
class _Node:
    """A part of the program: its path, the bounds of its variables and its cost, and the vertex to branch on."""

    way: str
    bound: float
    lower: Floats
    upper: Floats
    values: Floats | None


@dataclass
class _Search(Generic[Plan]):
    """State of the search: the open nodes, least bound first, and the gains and branchings of each variable so far."""

    program: Program
    limit: float
    accept: Accept[Plan]
    most: int
    is_over: Callable[[], bool]
    advice: Branchings
    known: Known | None = None
    solved: int = 0
    left_open: float = math.inf
    open: list[tuple[float, int, _Node]] = field(default_factory=list)
    branchings: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.program.columns)
        self.relaxation = Relaxation(self.program, self.limit + NEAR_MUSD)
        self.propagation = Propagation(self.program)
        self.wholes = np.flatnonzero(self.program.whole)
        self.gain, self.count = np.zeros((2, size)), np.zeros((2, size))
        self.numbers = itertools.count()

    def run(self) -> Closing[Plan]:
        """Branch until every node is closed, a plan is found, or the nodes or the time are used up."""
        self._push(self._node("", self.program.lower, self.program.upper, -math.inf))
        while self.open and self.solved < self.most and not self.is_over():
            _, _, node = heapq.heappop(self.open)
            plan = self._branch(node)
            if plan is not None:
                return Closing(False, self._bound(node.bound), self.solved, {}, plan)
        closed = not self.open and self.left_open >= self.limit - NEAR_MUSD
        return Closing(closed, self._bound(), self.solved, self.branchings)

    def _bound(self, *more: float) -> float:
        return min((self.limit, self.left_open, *more, *(bound for bound, _, _ in self.open[:1])))

    def _push(self, node: _Node | None) -> None:
        if node is not None:
            heapq.heappush(self.open, (node.bound, next(self.numbers), node))

    def _node(self, way: str, lower: Floats, upper: Floats, least: float) -> _Node | None:
        """Return a node with its bound and its vertex; None if the bound closes it or it holds no point."""
        if least < (1 - NEAR) * self.limit:
            lower, upper = self.propagation.narrowed(lower, upper)
        if (lower > upper).any():
            return None
        limit = self._limit(lower, upper)
        relaxation = self.relaxation
        vertex = self._solve(relaxation, lower, upper)
        if vertex.is_infeasible and not is_empty(self.program, vertex.price, lower, upper):
            relaxation = self.eased
            vertex = self._solve(relaxation, lower, upper)
        if vertex.is_infeasible:
            if is_empty(self.program, vertex.price, lower, upper):
                return None
        elif vertex.price is not None:
            bound, lower, upper = narrowed(self.program, vertex.price, lower, upper, limit)
            least = max(least, bound)
            if least < limit and vertex.values is None:  # stopped at the cutoff, but not closed
                vertex = self._solve(relaxation, lower, upper, whole_way=True)
        return None if least >= limit else _Node(way, least, lower, upper, vertex.values)

    def _limit(self, lower: Floats, upper: Floats) -> float:
        """Return the limit of the cost between these bounds."""
        return self.known.limit if self.known and self.known.is_all(lower, upper) else self.limit

    @cached_property
    def later(self) -> Ints:
        """Return for each variable the place of its group in FIRST."""
        return np.array([_later(name) for name in self.program.columns])

    @cached_property
    def eased(self) -> Relaxation:
        """Return the relaxation with eased rows, for nodes that are not shown to be empty.

        A point may exceed its rows by up to EASE (see :attr:`Program.eased`).
        """
        return Relaxation(self.program.eased, self.limit + NEAR_MUSD)

    def _solve(self, relaxation: Relaxation, lower: Floats, upper: Floats, *, whole_way: bool = False) -> Vertex:
        self.solved += 1
        return relaxation.solve(lower, upper, whole_way=whole_way) or Vertex(False)

    def _branch(self, node: _Node) -> Plan | None:
        """Replace a node by its two branches; if a plan is found instead, return it."""
        if node.way in self.advice and self._follow(node, *self.advice[node.way]):
            return None
        if node.values is None:
            self._halve(node)
            return None
        known = self.known
        if known and known.is_met(node.values) and not known.is_all(node.lower, node.upper):
            self._part(node, known)  # the vertex shows nothing of what may be beside the known plan
            return None
        values = node.values[self.wholes]
        away = np.abs(values - np.round(values)) > WHOLE
        if away.any():
            among = self.wholes[away]
            self._choose(node, among[self.later[among] == self.later[among].min()])
            return None
        found, limit = self.accept(node.values), self._limit(node.lower, node.upper)
        if found is not None and found[1] < limit:
            return found[0]
        if found is None or node.bound < limit - NEAR_MUSD:
            self._halve(node)
        else:  # the vertex is a plan, and the node holds none that is cheaper by more than NEAR_MUSD
            self.left_open = min(self.left_open, node.bound + self.limit - limit)  # as near to the limit of the search
        return None

    def _follow(self, node: _Node, name: str, floor: int) -> bool:
        """Branch as advised if that divides the node, and return whether it did.

        Only a variable of whole numbers is divided: of any other, values between the branches would be lost.
        """
        column = self.program.place.get(name)
        if column is None or not self.program.whole[column] or not node.lower[column] <= floor < node.upper[column]:
            return False
        self._divide(node, column, floor, self._both(node, column, floor))
        return True

    def _choose(self, node: _Node, among: Ints) -> None:
        """Branch on the variable whose branches are expected to gain the most.

        The gain is estimated from earlier branchings; for variables with few of them, both branches are solved.
        """
        assert node.values is not None
        values, count = node.values[among], self.count[:, among]
        floors = np.floor(values)
        share = np.stack([values - floors, floors + 1 - values])
        usual = self.gain.sum(axis=1) / np.maximum(1, self.count.sum(axis=1))
        known = self.gain[:, among] / np.maximum(1, count)
        mean = np.where(count > 0, known, np.where(usual > 0, usual, 1.0)[:, None])
        score = np.maximum(mean * share, LEAST_GAIN).prod(axis=0)
        best, chosen = -1.0, (0, 0, list[_Node | None]())
        for place in np.argsort(-score, kind="stable")[:TRIED]:
            column, floor = int(among[place]), int(floors[place])
            both, expected = list[_Node | None](), float(score[place])
            if count[:, place].min() < TRUSTED:
                both = self._both(node, column, floor)
                gains = np.array([self._gained(node, part) for part in both])
                self.gain[:, column] += gains / share[:, place]
                self.count[:, column] += 1
                expected = float(np.maximum(gains, LEAST_GAIN).prod())
            if expected > best:
                best, chosen = expected, (column, floor, both)
        column, floor, both = chosen
        self._divide(node, column, floor, both or self._both(node, column, floor))

    def _both(self, node: _Node, column: int, floor: int) -> list[_Node | None]:
        """Return the two branches of a node: the variable is at most ``floor``, or at least ``floor + 1``."""
        upper, lower = node.upper.copy(), node.lower.copy()
        upper[column], lower[column] = floor, floor + 1
        return [
            self._node(node.way + "0", node.lower, upper, node.bound),
            self._node(node.way + "1", lower, node.upper, node.bound),
        ]

    def _gained(self, node: _Node, part: _Node | None) -> float:
        """Return the gain of a branch: the rise of the bound of its node, up to the limit if closed, 1 if infinite."""
        above = (self.limit if part is None else part.bound) - node.bound
        return above if math.isfinite(above) else 1.0

    def _divide(self, node: _Node, column: int, floor: int, both: list[_Node | None]) -> None:
        self.branchings[node.way] = self.program.columns[column], floor
        for part in both:
            self._push(part)

    def _halve(self, node: _Node) -> None:
        """Halve the widest range of a whole variable if the vertex gives nothing to branch on.

        Either there is no vertex, or its whole numbers do not close the node. A node without a range stays open.
        """
        width = node.upper[self.wholes] - node.lower[self.wholes]
        if not width.any():
            self.left_open = min(self.left_open, node.bound)
            return
        column = int(self.wholes[np.argmax(width)])
        floor = math.floor((node.lower[column] + node.upper[column]) / 2)
        self._divide(node, column, floor, self._both(node, column, floor))

    def _part(self, node: _Node, known: Known) -> None:
        """Branch on the first variable that may have another value than the known one."""
        lower, upper = node.lower[known.columns], node.upper[known.columns]
        place = int(np.argmax(lower < upper))
        column, floor = int(known.columns[place]), int(known.values[place])
        floor -= int(lower[place] < floor)
        self._divide(node, column, floor, self._both(node, column, floor))
