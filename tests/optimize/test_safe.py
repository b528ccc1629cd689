"""Safe bounds: by hand, against exact arithmetic with any prices, and against every point of small programs."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Floats
from siteopt.optimize.program import Program
from siteopt.optimize.propagation import Propagation, tightened
from siteopt.optimize.safe import lower_bound, narrowed
from siteopt.tolerances import HAIR
from tests.optimize.test_exact import thorough

Rows = list[tuple[list[float], float, float]]


def program(cost: list[float], rows: Rows, most: list[float], whole: bool = True, constant: float = 0.0) -> Program:
    """Return a program from rows of (coefficients, low, high), its variables between 0 and ``most``."""
    entries = [(column, value) for left, _, _ in rows for column, value in enumerate(left) if value]
    lengths = [sum(value != 0 for value in left) for left, _, _ in rows]
    return Program(
        columns=tuple(f"x{column}" for column in range(len(cost))),
        rows=tuple(f"r{row}" for row in range(len(rows))),
        cost=np.array(cost),
        constant=constant,
        lower=np.zeros(len(cost)),
        upper=np.array(most, dtype=float),
        whole=np.full(len(cost), whole),
        first=np.cumsum([0, *lengths]),
        column=np.array([column for column, _ in entries], dtype=np.int64),
        value=np.array([value for _, value in entries], dtype=float),
        low=np.array([low for _, low, _ in rows]),
        high=np.array([high for _, _, high in rows]),
        size=np.array([max(1.0, *(abs(end) for end in (low, high) if math.isfinite(end))) for _, low, high in rows]),
    )


def holds(some: Program, values: Floats, tolerance: float = 0.0) -> bool:
    """Whether a point keeps the rows, within a share of their size."""
    left, room = np.bincount(some.row, some.value * values[some.column], len(some.rows)), tolerance * some.size
    return bool(((left >= some.low - room) & (left <= some.high + room)).all())


# 2 x + 3 y at least 7, x and y up to 10, at 1 and 2 a piece: 3.5 with fractions, 4 without
COVER = program([1.0, 2.0], [([2.0, 3.0], 7.0, np.inf)], [10.0, 10.0], constant=5.0)


def test_the_dual_gives_the_bound_of_the_relaxation() -> None:
    bound = lower_bound(COVER, np.array([0.5]), COVER.lower, COVER.upper)
    assert bound == pytest.approx(5 + 3.5, abs=1e-7)
    assert bound < 5 + 3.5


@pytest.mark.parametrize(("price", "bound"), [(0.0, 0.0), (0.25, 1.75), (1.0, 7 - 10 - 10), (-3.0, 0.0)])
def test_any_price_gives_a_bound(price: float, bound: float) -> None:
    # at 1, both are worth more than they cost: all 20 are taken; a price on the side that does not bind counts as none
    assert lower_bound(COVER, np.array([price]), COVER.lower, COVER.upper) == pytest.approx(5 + bound, abs=1e-6)


def test_a_ray_shows_that_there_is_no_point() -> None:
    upper = np.array([1.0, 1.0])
    assert lower_bound(COVER, np.array([1.0]), COVER.lower, upper, weight=0.0) == pytest.approx(2.0, abs=1e-6)
    assert lower_bound(COVER, np.array([1.0]), COVER.lower, np.array([2.0, 1.0]), weight=0.0) <= 0  # 7 is just reached


def test_a_row_that_is_short_by_a_hair_holds() -> None:
    for short, holds in ((0.9e-9, True), (1.2e-9, False)):
        close = program([1.0], [([1.0], 1.0, np.inf)], [1.0 - short])
        assert (lower_bound(close, np.array([1.0]), close.lower, close.upper, weight=0.0) <= 0) == holds


def test_bounds_of_variables_are_narrowed_by_their_reduced_costs() -> None:
    # at 0.5 a unit, y costs 0.5 more than it brings: with 0.9 to spare one y is possible, with 0.4 none
    for limit, most in ((9.4, 1.0), (8.9, 0.0)):
        bound, lower, upper = narrowed(COVER, np.array([0.5]), COVER.lower, COVER.upper, limit)
        assert bound == pytest.approx(8.5, abs=1e-7)
        assert upper.tolist() == [10.0, most]
        assert lower.tolist() == [0.0, 0.0]


def exact(program: Program, price: list[float]) -> Fraction:
    """Return what :func:`lower_bound` is, rows not relaxed, in exact arithmetic."""
    total = Fraction(program.constant)
    reduced = [Fraction(cost) for cost in program.cost.tolist()]
    for row, given_price in enumerate(price):
        end = program.low[row] if given_price > 0 else program.high[row]
        worth = Fraction(given_price) if math.isfinite(end) else Fraction(0)
        total += worth * Fraction(float(end)) if worth else 0
        for at in range(program.first[row], program.first[row + 1]):
            reduced[program.column[at]] -= worth * Fraction(program.value[at])
    ends = zip(reduced, program.lower.tolist(), program.upper.tolist(), strict=True)
    return total + sum(min(cost * Fraction(low), cost * Fraction(high)) for cost, low, high in ends)


numbers = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    size = draw(st.integers(1, 3))
    rows: Rows = []
    for _ in range(draw(st.integers(1, 3))):
        left = [draw(numbers) for _ in range(size)]
        low = draw(numbers)
        rows.append((left, *draw(st.sampled_from([(low, np.inf), (-np.inf, low), (low, low + 5.0)]))))
    most = [float(draw(st.integers(0, 3))) for _ in range(size)]
    return program([draw(numbers) for _ in range(size)], rows, most, constant=draw(numbers))


@thorough
@given(programs(), st.data())
def test_rounding_never_raises_a_bound(some: Program, data: st.DataObject) -> None:
    price = [data.draw(numbers) for _ in some.rows]
    bound = lower_bound(some, np.array(price), some.lower, some.upper)
    true = exact(some, price)
    assert Fraction(bound) <= true
    assert bound == pytest.approx(float(true), abs=1e-4)


@thorough
@given(programs(), st.data())
def test_no_point_is_below_a_bound_or_beyond_what_is_narrowed(some: Program, data: st.DataObject) -> None:
    price, limit = np.array([data.draw(numbers) for _ in some.rows]), data.draw(numbers)
    bound, lower, upper = narrowed(some, price, some.lower, some.upper, limit)
    none = lower_bound(some, price, some.lower, some.upper, weight=0.0) > 0
    for point in itertools.product(*(range(int(most) + 1) for most in some.upper)):
        values = np.array(point, dtype=float)
        if holds(some, values):
            cost = some.cost @ values + some.constant
            assert not none
            assert cost >= bound
            if cost < limit - 1e-9:
                assert ((lower <= values) & (values <= upper)).all()


def test_a_row_leaves_whole_numbers_only() -> None:
    # 4 x + 3 y + 2 z at most 7, z whole and at least 1 by the second row: x at most 1, y at most 1, z from 1 to 3
    some = program([1.0] * 3, [([4.0, 3.0, 2.0], -np.inf, 7.0), ([0.0, 0.0, 1.0], 0.5, np.inf)], [9.0] * 3)
    lower, upper = Propagation(some).narrowed(some.lower, some.upper)
    assert (lower.tolist(), upper.tolist()) == ([0, 0, 1], [1, 1, 3])


def test_what_is_not_whole_keeps_its_bounds() -> None:
    # x takes at most half of y, which is at most 3: x is at most 1.5 on the way, so z, at most x, is at most 1
    rows: Rows = [([1.0, -0.5, 0.0], -np.inf, 0.0), ([-1.0, 0.0, 1.0], -np.inf, 0.0)]
    some = replace(program([1.0] * 3, rows, [9.0, 3.0, 9.0]), whole=np.array([False, True, True]))
    lower, upper = Propagation(some).narrowed(some.lower, some.upper)
    assert (lower.tolist(), upper.tolist()) == ([0, 0, 0], [9, 3, 1])


def test_rows_that_contradict_each_other_leave_nothing() -> None:
    some = program([1.0], [([2.0], 1.0, 1.5)], [9.0])
    lower, upper = Propagation(some).narrowed(some.lower, some.upper)
    assert lower[0] > upper[0]


@thorough
@given(programs())
def test_no_point_is_lost_by_propagation(some: Program) -> None:
    lower, upper = Propagation(some).narrowed(some.lower, some.upper)
    for point in itertools.product(*(range(int(most) + 1) for most in some.upper)):
        values = np.array(point, dtype=float)
        if holds(some, values, HAIR):
            assert ((lower <= values) & (values <= upper)).all()


def test_rows_that_the_bounds_keep_are_left_out() -> None:
    # 4 x + y at most 7 leaves x at most 1 and y at most 7, which keep x + y at most 9, but not x + y at least 1
    rows: Rows = [([4.0, 1.0], -np.inf, 7.0), ([1.0, 1.0], -np.inf, 9.0), ([1.0, 1.0], 1.0, np.inf)]
    tight = tightened(program([1.0, 1.0], rows, [9.0, 9.0]))
    assert tight is not None
    assert (tight.upper.tolist(), tight.rows, tight.first.tolist()) == ([1, 7], ("r0", "r2"), [0, 2, 4])
    assert (tight.column.tolist(), tight.value.tolist()) == ([0, 1, 0, 1], [4, 1, 1, 1])
    assert tightened(program([1.0], [([2.0], 1.0, 1.5)], [9.0])) is None


@thorough
@given(programs())
def test_a_tightened_program_has_the_same_points(some: Program) -> None:
    tight = tightened(some)
    for point in itertools.product(*(range(int(most) + 1) for most in some.upper)):
        values = np.array(point, dtype=float)
        within = tight is not None and bool(((tight.lower <= values) & (values <= tight.upper)).all())
        assert holds(some, values, HAIR) == (within and tight is not None and holds(tight, values, HAIR))
