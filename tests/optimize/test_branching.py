"""Our own branch and bound: closes what is so, finds what is not, and says how far it came."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Floats
from siteopt.optimize.branching import Closing, Known, branch
from siteopt.optimize.program import Program
from tests.optimize.test_exact import thorough
from tests.optimize.test_safe import COVER, holds, program, programs

Point = tuple[int, ...]


def closing(some: Program, limit: float, nodes: int = 10_000, **more: object) -> Closing[Point]:
    """Return how far it comes; a point is accepted where it keeps the rows."""

    def accept(values: Floats) -> tuple[Point, float] | None:
        whole = np.round(values)
        cost = float(some.cost @ whole + some.constant)
        return (tuple(map(int, whole)), cost) if holds(some, whole, 1e-9) else None

    return branch(some, limit, accept, nodes, **more)  # type: ignore[arg-type]


def best(some: Program) -> float:
    """Return the least cost of any point, by trying all of them; infinite where there is none."""
    costs = [np.inf]
    for point in itertools.product(*(range(int(most) + 1) for most in some.upper)):
        values = np.array(point, dtype=float)
        if holds(some, values, 1e-9):
            costs.append(float(some.cost @ values + some.constant))
    return min(costs)


def test_what_fractions_cannot_show_is_shown_by_branching() -> None:
    # 3.5 with fractions, 4 without
    found = closing(COVER, 5 + 3.9)
    assert found.closed
    assert found.branchings
    assert found.plan is None
    assert found.bound == 5 + 3.9


def test_what_the_first_bound_shows_needs_no_branching() -> None:
    found = closing(COVER, 5 + 3.4)
    assert (found.closed, found.nodes, dict(found.branchings)) == (True, 1, {})


def test_what_decides_most_is_branched_on_first() -> None:
    # all three are equal, and 1.5 together
    rows = [([1.0, -1.0, 0.0], 0.0, 0.0), ([0.0, 1.0, -1.0], 0.0, 0.0), ([2.0, 2.0, 2.0], 3.0, 3.0)]
    some = program([0.0, 0.0, 0.0], rows, [3.0, 3.0, 3.0], constant=5.0)
    for columns in (("units_o0", "step_l0", "x2"), ("step_l0", "units_o0", "x2"), ("units_o0", "x1", "total_g0")):
        found = closing(replace(some, columns=columns), 5.2)
        assert found.closed
        assert found.branchings[""][0] in ("step_l0", "total_g0")


def test_a_cheaper_point_is_found() -> None:
    found = closing(COVER, 5 + 4.1)
    assert not found.closed
    assert found.plan is not None
    assert COVER.cost @ np.array(found.plan) == 4


def test_a_limit_on_its_work_leaves_a_bound() -> None:
    found = closing(COVER, 5 + 3.9, nodes=1)
    assert not found.closed
    assert found.bound == pytest.approx(5 + 3.5, abs=1e-6)


def test_what_is_open_is_not_closed_because_its_bound_is_near() -> None:
    # a point a millionth below the limit, in a node that is still open when the work ends
    limit = 5 + 4 + 1e-7
    for nodes in range(1, 6):
        found = closing(COVER, limit, nodes)
        assert not found.closed
    assert closing(COVER, limit).plan is not None


def test_advice_is_followed_and_never_trusted() -> None:
    alone = closing(COVER, 5 + 3.9)
    advised = closing(COVER, 5 + 3.9, advice=alone.branchings)
    assert advised.closed
    assert advised.nodes <= alone.nodes
    assert dict(advised.branchings) == dict(alone.branchings)
    for advice in ({"": ("x0", 77)}, {"": ("no such variable", 0)}, {"": ("x1", 9)}, {"0101": ("x0", 1)}):
        assert closing(COVER, 5 + 3.9, advice=advice).closed
        assert closing(COVER, 5 + 4.1, advice=advice).plan is not None


def test_no_point_at_all() -> None:
    # 2 x is odd
    odd = program([0.0], [([2.0], 3.0, 3.0)], [5.0])
    assert closing(odd, np.inf).closed
    assert closing(program([0.0], [([2.0], 4.0, 4.0)], [5.0]), np.inf).plan == (2,)


def test_a_point_whose_whole_numbers_do_not_hold_is_branched_around() -> None:
    # the plan of a refusing finisher never comes, and the node stays open
    found: Closing[Point] = branch(COVER, 5 + 4.1, lambda values: None, 1000)
    assert not found.closed
    assert found.plan is None
    assert found.bound <= 5 + 4


@thorough
@given(programs())
def test_it_closes_at_the_best_point_and_finds_what_is_below(some: Program) -> None:
    least = best(some)
    if np.isinf(least):
        assert closing(some, np.inf).closed
        return
    shown = closing(some, least - 1e-4)
    assert shown.closed
    assert shown.plan is None
    found = closing(some, least + 1e-4)
    assert found.plan is not None
    assert some.cost @ np.array(found.plan) + some.constant == pytest.approx(least, abs=1e-6)


def test_advice_divides_no_variable_that_is_not_whole() -> None:
    # x is 0.5, which is neither at most 0 nor at least 1; y is whole and must be 1
    some = program([1.0, 1.0], [([2.0, 0.0], 1.0, 1.0), ([0.0, 3.0], 1.0, np.inf)], [2.0, 2.0])
    some = replace(some, whole=np.array([False, True]))

    def accept(values: Floats) -> tuple[tuple[float, ...], float] | None:
        return tuple(values), float(some.cost @ values)

    for advice in ({}, {"": ("x0", 0)}):
        found = branch(some, 2.0, accept, 100, advice=advice)
        assert not found.closed
        assert found.plan == pytest.approx((0.5, 1.0))


def beside(some: Program, point: Point, limit: float, own: float, among: tuple[int, ...]) -> Closing[Point]:
    """Return what is found beside a point: below ``limit``, or below ``own`` where these variables are those of it."""
    columns = np.array(among, dtype=np.int64)
    return closing(some, limit, known=Known(columns, np.array(point, dtype=float)[columns], own))


def test_another_point_of_the_same_cost_is_found_beside_a_known_one() -> None:
    # 2 x + 3 y at least 7 for x + 2 y: (4, 0) and (2, 1) cost 4, and (5, 0) and (3, 1) cost 5
    for point, other in (((4, 0), (2, 1)), ((2, 1), (4, 0))):
        found = beside(COVER, point, 5 + 4.5, 5 + 3.9, (0, 1))
        assert (found.closed, found.plan) == (False, other)
    dearer = replace(COVER, cost=np.array([1.0, 2.6]))  # (2, 1) costs 4.6
    assert beside(dearer, (4, 0), 5 + 4.5, 5 + 3.9, (0, 1)).closed
    assert beside(dearer, (4, 0), 5 + 4.7, 5 + 3.9, (0, 1)).plan == (2, 1)


def test_a_cheaper_point_with_the_known_values_is_found() -> None:
    # with x = 2 known, (2, 1) is cheaper than (2, 2), and (4, 0) has another x
    assert beside(COVER, (2, 2), 5 + 6.1, 5 + 5.9, (0,)).plan in ((2, 1), (4, 0), (3, 1), (5, 0))
    assert beside(
        replace(COVER, lower=np.array([2.0, 0.0]), upper=np.array([2.0, 9.0])), (2, 2), 12, 10, (0,)
    ).plan == (2, 1)
    assert beside(COVER, (4, 0), 5 + 4.0 - 1e-4, 5 + 3.9, ()).closed


@thorough
@given(programs(), st.floats(0.01, 3), st.integers(0, 3))
def test_beside_a_known_point_it_finds_any_other_below_the_limit(some: Program, more: float, among: int) -> None:
    points = {}
    for point in itertools.product(*(range(int(most) + 1) for most in some.upper)):
        values = np.array(point, dtype=float)
        if holds(some, values, 1e-9):
            points[point] = float(some.cost @ values + some.constant)
    if not points:
        return
    known = min(points, key=lambda point: points[point])
    columns = tuple(range(min(among, len(known))))
    limit, own = points[known] + more, points[known] - 1e-4
    others = [cost for point, cost in points.items() if any(point[c] != known[c] for c in columns)]
    if any(abs(cost - limit) < 1e-3 for cost in others):
        return
    found = beside(some, known, limit, own, columns)
    assert found.closed == (not others or min(others) > limit)
    assert found.closed or (found.plan is not None and found.plan[: len(columns)] != known[: len(columns)])
