"""The least-cost fill against every vertex, and what runs by hand."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siteopt.output.translations import Translations
from siteopt.record.reason import ReasonCode, because
from siteopt.simulate.dispatch import Limit, dispatch, least_cost_fill, unmet
from tests.instances import battery, chiller, generator, tiny

CLOSE = 1e-9


def said(limit: Limit) -> str:
    """By how much a limit fails, in English."""
    return Translations().reason(limit.reason)


def arrays(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("need", "limit", "expected"),
    [
        (3.0, np.inf, [3, 0]),  # the cheap one alone
        (5.0, np.inf, [4, 1]),
        (3.0, 6.0, [3, 0]),  # 3 x 2 is within the limit
        (3.0, 4.0, [2, 1]),  # 2 x 2: the rest by the clean one
        (3.0, 0.0, [0, 3]),
        (9.0, np.inf, [4, 4]),  # no more than there is
        (9.0, 5.0, [2.5, 4]),  # nor than the limit allows for
    ],
)
def test_cheap_and_dirty_against_dear_and_clean(need: float, limit: float, expected: list[float]) -> None:
    found = least_cost_fill(need, arrays(4, 4), arrays(1, 5), arrays(2, 0), limit)
    assert found == pytest.approx(expected)


def test_nothing_to_fill() -> None:
    assert least_cost_fill(3.0, arrays(), arrays(), arrays(), 1.0).tolist() == []
    assert least_cost_fill(3.0, arrays(0, 0), arrays(1, 1), arrays(1, 0), 1.0).tolist() == [0, 0]


def vertices(need: float, cap: np.ndarray, weight: np.ndarray, limit: float) -> list[np.ndarray]:
    """Points of the polytope at which all but one (or two, with the limit used up) are 0 or full."""
    found, size = [], len(cap)
    for corner in product((0, 1), repeat=size):
        for i in range(size):
            x = cap * corner
            x[i] = need - (x.sum() - x[i])
            found.append(x)
        for i, j in combinations(range(size), 2):
            x = cap * corner
            x[[i, j]] = 0
            left, room = need - x.sum(), limit - weight @ x
            if weight[i] != weight[j]:
                x[i] = (room - weight[j] * left) / (weight[i] - weight[j])
                x[j] = left - x[i]
                found.append(x)
    return [x for x in found if (x >= -CLOSE).all() and (x <= cap + CLOSE).all() and weight @ x <= limit + CLOSE]


whole = st.integers(0, 5).map(float)


@given(st.lists(st.tuples(whole, whole, whole), min_size=1, max_size=4), st.integers(0, 15), st.integers(0, 40))
def test_no_vertex_is_cheaper(rows: list[tuple[float, float, float]], need: float, limit: float) -> None:
    cap, cost, weight = np.array(rows).T
    points = vertices(need, cap, weight, limit)
    found = least_cost_fill(need, cap, cost, weight, limit)
    assert (found >= -CLOSE).all()
    assert (found <= cap + CLOSE).all()
    assert weight @ found <= limit + CLOSE
    assert (found.sum() == pytest.approx(need)) == bool(points)
    if points:
        assert cost @ found == pytest.approx(min(cost @ point for point in points))


@given(st.lists(st.tuples(whole, whole, whole), min_size=1, max_size=4), st.integers(0, 40))
def test_where_it_does_not_suffice_it_gives_all_it_can(rows: list[tuple[float, float, float]], limit: float) -> None:
    cap, cost, weight = np.array(rows).T
    most = least_cost_fill(np.inf, cap, cost, weight, limit).sum()
    assert vertices(most, cap, weight, limit)
    assume(most < cap.sum() - CLOSE)
    assert not vertices(most + 1e-3, cap, weight, limit)


def test_dispatch_by_hand() -> None:
    # heat 10: the wet chiller (cop 5) may take 240 / (24 x 2) = 5 MW, the dry one (cop 2) the rest: 1 + 2.5 MW of draw;
    # demand 10 + 3.5, mean 3 less; the grid gives 4, the cheap engine 5, the dear one 1.5
    offers = [
        chiller(rating_mw=4.0, cop=5.0, water_m3_per_mwh=2.0),
        chiller(rating_mw=4.0, cop=2.0),
        generator(rating_mw=5.0, fuel_usd_per_mwh=50.0),
        generator(rating_mw=5.0, fuel_usd_per_mwh=90.0),
    ]
    site = {"grid_mw": 4.0, "grid_usd_per_mwh": 40.0, "water_m3_per_day": 240.0}
    instance = tiny(offers, [site], heat_fraction=1.0, load_factor=0.7)
    found = dispatch(instance, 0, np.array([2, 2, 1, 1]), 4.0)
    assert found.heat_mw == pytest.approx([5, 5, 0, 0])
    assert (found.demand_mw, found.mean_mw, found.import_mw) == pytest.approx((13.5, 10.5, 4))
    assert found.output_mw == pytest.approx([0, 0, 5, 1.5])


def test_air_limits_the_cheap_engine() -> None:
    # 10 MW; 8.76 t a year for each MW at 1 g: 35.04 t are 4 MW of the cheap engine
    offers = [generator(rating_mw=9.0, fuel_usd_per_mwh=50.0, nox_g_per_kwh=1.0), generator(rating_mw=9.0)]
    offers[1]["fuel_usd_per_mwh"] = 90.0
    instance = tiny(offers, [{"grid_mw": 0.0, "nox_t_per_year": 35.04}])
    found = dispatch(instance, 0, np.array([1, 1]), 0.0)
    assert found.output_mw == pytest.approx([4, 6])
    # with the cheap one alone 10 MW would take 87.6 t
    (limit,) = unmet(instance, 0, np.array([2, 0]), np.zeros(0, dtype=bool), np.array([2, 0]))
    assert said(limit) == "air: 87.6 t/year of NOx of 35.0 t/year of NOx"


LIMITS = [
    # 10 MW of heat; of three 6 MW chillers one is out
    ("cooling", "cooling: 4.0 MW short", {"heat_fraction": 1.0, "spare_units": 1}, {}, [0, 2, 0], [0, 3, 0]),
    # 10 MW of heat x 2 m3 x 24 h
    (
        "water",
        "water: 480.0 m³/day of 400.0 m³/day",
        {"heat_fraction": 1.0},
        {"water_m3_per_day": 400.0},
        [0, 2, 0],
        None,
    ),
    # a site of 10 MW with 5 MW of grid and engines of 3 MW, one of them out
    ("mean power", "mean power: 2.0 MW short", {"spare_units": 1}, {"grid_mw": 5.0}, [2, 0, 2], [3, 0, 2]),
    ("peak power", "peak power: 1.0 MW short", {"load_factor": 0.8}, {"grid_mw": 9.0}, [0, 0, 0], [0, 0, 1]),
    ("swing", "swing: 2.0 MW short", {"load_step_amplitude": 0.5}, {"grid_swing_mw": 3.0}, [0, 0, 0], [0, 0, 2]),
    ("ride through", "ride through: 0.5 MWh short", {"ride_through_minutes": 15.0}, {}, [0, 0, 2], [0, 0, 3]),
    # 7.2 MJ/kWh: 2 MW of gas for each MW
    ("fuel gas", "fuel gas: 12.0 MW of 10.0 MW", {}, {"gas_mw": 10.0}, [2, 0, 0], [1, 0, 0]),
    ("yard", "yard: 30.0 m² of 25.0 m²", {}, {"yard_m2": 25.0}, [3, 0, 0], [2, 0, 0]),
    ("battery power", "battery power: 1.0 MW short", {"min_battery_mw": np.array([[2.0]])}, {}, [0, 0, 1], [0, 0, 2]),
    ("inertia", "inertia: 3.0 MW s short", {"min_inertia_mws": np.array([[6.0]])}, {}, [1, 0, 0], [2, 0, 0]),
]


@pytest.mark.parametrize(
    ("name", "words", "scalars", "site", "units", "enough"), LIMITS, ids=[row[0] for row in LIMITS]
)
def test_each_limit_by_itself(
    name: str, words: str, scalars: dict[str, Any], site: dict[str, float], units: list[int], enough: list[int] | None
) -> None:
    offers = [
        generator(rating_mw=3.0, footprint_m2=10.0),
        chiller(rating_mw=6.0, water_m3_per_mwh=2.0, cop=1e9),
        battery(rating_mw=1.0),
    ]
    instance = tiny(offers, [site], **scalars)
    there = np.array(units)
    assert [(limit.name, said(limit)) for limit in unmet(instance, 0, there, np.zeros(0, dtype=bool), there)] == [
        (name, words)
    ]
    if enough is not None:
        assert not unmet(instance, 0, np.array(enough), np.zeros(0, dtype=bool), np.array(enough))


def test_the_largest_units_are_out_each_by_itself() -> None:
    # 12 + 3 x 4 MW with two out, the 12 and a 4: 8 MW stay for 10 MW of heat; a fourth of 4 makes it 12
    offers = [chiller(rating_mw=12.0, cop=1e9), chiller(rating_mw=4.0, cop=1e9)]
    instance = tiny(offers, heat_fraction=1.0, spare_units=2)
    units = np.array([1, 3])
    assert [said(limit) for limit in unmet(instance, 0, units, np.zeros(0, dtype=bool), units)] == [
        "cooling: 2.0 MW short"
    ]
    assert not unmet(instance, 0, np.array([1, 4]), np.zeros(0, dtype=bool), units)


def test_fleet() -> None:
    instance = tiny([generator(available_units=2)])
    (limit,) = unmet(instance, 0, np.array([3]), np.zeros(0, dtype=bool), np.array([3]))
    assert limit.reason == because(ReasonCode.ABOVE_AVAILABLE, offer="o0", ordered=3, available=2)
    assert said(limit) == "3 units of o0 ordered, 2 available"
