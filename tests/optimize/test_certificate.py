"""Rows that the certificate recomputes, against plans worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from siteopt.instance import Instance
from siteopt.optimize.certificate import Row, certify
from siteopt.optimize.model import symmetry_classes
from siteopt.optimize.search import search
from siteopt.plan import Plan
from siteopt.tolerances import HAIR
from tests.instances import battery, chiller, forming, generator, tiny


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        (1.0, 1.0, True),
        (1.0 + HAIR / 2, 1.0, True),
        (1.0 + HAIR * 2, 1.0, False),
        (1.0, math.inf, True),
        (math.inf, 1.0, False),
        (math.inf, 1e300, False),
    ],
)
def test_a_row_holds_within_its_tolerance(left: float, right: float, holds: bool) -> None:
    assert Row("", "", left, right, HAIR).holds == holds


@pytest.mark.parametrize(("off", "holds"), [(0.9e-9 * 250, True), (1.1e-9 * 250, False)])
def test_tolerances_are_shares_of_the_size_of_a_row(off: float, holds: bool) -> None:
    # 250 MW of load on a grid that is short by a hair of it; the peak is short by as much
    instance = tiny(sites=[{"grid_mw": 250.0 - off}], it_mw=(250.0,))
    plan = Plan(
        np.array([10]),
        np.zeros((0, 1), dtype=np.int64),
        np.zeros((0, 1), dtype=bool),
        np.zeros((0, 1)),
        np.array([250.0 - off]),
        np.zeros((0, 1)),
        np.array([250.0]),
        np.zeros(1),
    )
    assert certify(instance, plan).valid == holds


@pytest.mark.parametrize(("over_usd", "holds"), [(4.9, True), (5.1, False)])
def test_a_budget_is_kept_to_the_same_cost(over_usd: float, holds: bool) -> None:
    instance, plan = planned()
    budget = plan.cost_musd(instance) - over_usd / 1e6
    assert certify(replace(instance, budget_musd=budget), plan).valid == holds


def planned() -> tuple[Instance, Plan]:
    """Two batteries of 3 MW, and four generators of 1 MW and 1.5 MW s; a chiller counts for neither."""
    offers = [generator(inertia_s=1.5), battery(rating_mw=3.0), chiller(inertia_s=20.0)]
    instance = tiny(
        offers,
        [{"grid_mw": 6.5}],
        heat_fraction=0.001,
        min_battery_mw=np.array([[6.0]]),
        min_inertia_mws=np.array([[6.0]]),
    )
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert list(best.best.plan.units[:, 0]) == [4, 2, 1]
    return instance, best.best.plan


@pytest.mark.parametrize(
    ("floor", "reached", "name"),
    [("min_battery_mw", 6.0, "battery power m0"), ("min_inertia_mws", 6.0, "inertia m0")],
)
def test_floors_are_recomputed(floor: str, reached: float, name: str) -> None:
    instance, plan = planned()
    assert certify(replace(instance, **{floor: np.array([[reached]])}), plan).valid
    for above in (reached + 0.001, np.inf):
        violations = certify(replace(instance, **{floor: np.array([[above]])}), plan).violations
        assert [(row.family, row.name, row.left, row.right) for row in violations] == [
            ("power quality", name, above, pytest.approx(reached))
        ]


def test_grid_forming_batteries_count_towards_the_inertia() -> None:
    """12 MW s: two batteries of 5 MW s, and two machines of 1 MW s, at a million each; or else twelve machines."""
    machine, minimum = generator(available_units=12), np.array([[12.0]])
    for store, units in ((forming(available_units=2), [2, 2]), (battery(available_units=2), [12, 0])):
        best = search(tiny([machine, store], min_inertia_mws=minimum)).best
        assert best is not None
        assert best.best is not None
        plan = best.best.plan
        assert list(plan.units[:, 0]) == units
        assert certify(best.best.instance, plan).valid
        fewer = replace(plan, units=plan.units - 1 * (plan.units > 0))
        assert [row.family for row in certify(best.best.instance, fewer).violations] == ["power quality"]


def test_generators_of_another_inertia_are_not_alike() -> None:
    instance = tiny([generator(inertia_s=1.0), generator(inertia_s=2.0), generator(inertia_s=1.0, arrival_day=5)])
    first, second, third = symmetry_classes(instance, 0)
    assert first == third != second
