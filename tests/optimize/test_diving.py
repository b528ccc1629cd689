"""Dives: what they find holds, where there is nothing they find nothing, and they round both ways."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import given

from siteopt.instance import Floats
from siteopt.optimize.diving import dive
from siteopt.optimize.program import Program
from tests.optimize.test_exact import thorough
from tests.optimize.test_safe import COVER, holds, program, programs


def found(some: Program) -> list[float] | None:
    """Return the point that a dive finds, if the rows hold there."""

    def accept(values: Floats) -> Floats | None:
        whole = np.where(some.whole, np.round(values), values)
        return whole if holds(some, whole, 1e-9) else None

    point = dive(some, accept)
    return None if point is None else point.tolist()


def test_fractions_are_rounded_up() -> None:
    # 3.5 of x without whole numbers
    assert found(COVER) == [4, 0]


def test_what_cannot_be_rounded_up_is_rounded_down() -> None:
    # x + c at most 2 and x - c at most 1 leave x at most 1.5
    rows = [([1.0, 1.0], -np.inf, 2.0), ([1.0, -1.0], -np.inf, 1.0)]
    point = found(replace(program([-1.0, 0.0], rows, [9.0, 9.0]), whole=np.array([True, False])))
    assert point is not None
    assert point[0] == 1


def test_what_the_cost_leads_astray_is_tried_again_with_the_fewest_units() -> None:
    # seen in 200,000 random programs: a dive along the cost ends where no point is left; one unit of x0 is a point
    rows = [([-4.0, 4.0, -2.0], -np.inf, -1.0), ([4.0, -2.0, 4.0], -np.inf, 7.0)]
    units = ("units_o0", "units_o1", "units_o2")
    assert found(replace(program([1.0, -2.0, -1.0], rows, [3.0, 3.0, 3.0]), columns=units)) == [1, 0, 0]


@thorough
@given(programs())
def test_what_a_dive_finds_holds(some: Program) -> None:
    point = found(some)
    points = itertools.product(*(range(int(most) + 1) for most in some.upper))
    if not any(holds(some, np.array(values, dtype=float), 1e-9) for values in points):
        assert point is None
    elif point is not None:
        assert ((some.lower <= point) & (point <= some.upper)).all()
