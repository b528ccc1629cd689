"""Rows that the certificate recomputes, against plans worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from siteopt.instance import Instance
from siteopt.optimize.certificate import TOLERANCE, Row, certify
from siteopt.optimize.formulation import alike
from siteopt.optimize.search import search
from siteopt.plan import Plan
from tests.cases import battery, chiller, generator, tiny


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        (1.0, 1.0, True),
        (1.0 + TOLERANCE / 2, 1.0, True),
        (1.0 + TOLERANCE * 2, 1.0, False),
        (1e6 + 9.0, 1e6, True),
        (1e6 + 11.0, 1e6, False),
        (1.0, math.inf, True),
        (math.inf, 1.0, False),
        (math.inf, 1e300, False),
    ],
)
def test_a_row_holds_within_the_tolerance(left: float, right: float, holds: bool) -> None:
    assert Row("", "", left, right).holds == holds


def planned() -> tuple[Instance, Plan]:
    """Two batteries of 3 MW, and four generators of 1 MW and 1.5 MW s; a chiller counts for neither."""
    offers = [generator(inertia_s=1.5), battery(rating_mw=3.0), chiller(inertia_s=20.0)]
    case = tiny(
        offers,
        [{"grid_mw": 6.5}],
        heat_fraction=0.001,
        battery_floor_mw=np.array([[6.0]]),
        inertia_floor_mws=np.array([[6.0]]),
    )
    best = search(case).best
    assert best is not None
    assert best.best is not None
    assert list(best.best.plan.units[:, 0]) == [4, 2, 1]
    return case, best.best.plan


@pytest.mark.parametrize(
    ("floor", "reached", "name"),
    [("battery_floor_mw", 6.0, "batteries m0"), ("inertia_floor_mws", 6.0, "inertia m0")],
)
def test_floors_are_recomputed(floor: str, reached: float, name: str) -> None:
    case, plan = planned()
    assert certify(replace(case, **{floor: np.array([[reached]])}), plan).valid
    for above in (reached + 0.001, np.inf):
        violations = certify(replace(case, **{floor: np.array([[above]])}), plan).violations
        assert [(row.family, row.name, row.left, row.right) for row in violations] == [
            ("power quality", name, above, pytest.approx(reached))
        ]


def test_generators_of_another_inertia_are_not_alike() -> None:
    case = tiny([generator(inertia_s=1.0), generator(inertia_s=2.0), generator(inertia_s=1.0, arrival_day=5)])
    first, second, third = alike(case, 0)
    assert first == third != second
