"""The quick distance never exceeds the exact one, and is not far from it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siteopt.geodata.distances import WGS84, geodesic_km, least_km

Place = tuple[float, float]

lon_lat = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def between(one: Place, other: Place) -> tuple[float, float]:
    ends = (np.array([one]), np.array([other]))
    return float(least_km(*ends)[0, 0]), float(geodesic_km(*ends)[0, 0])


def test_a_degree_along_the_equator() -> None:
    least, exact = between((0, 0), (1, 0))
    assert exact == pytest.approx(6378.137 * math.pi / 180)
    assert least == pytest.approx(6356.752314 * math.pi / 180, abs=0.0011)


def test_from_pole_to_pole() -> None:
    least, exact = between((0, -90), (77, 90))
    assert exact == pytest.approx(2 * 10_001.965729)  # the meridian quadrant of WGS 84
    assert least == pytest.approx(math.pi * 6356.752314, abs=0.0011)


def test_nothing_between_a_place_and_itself() -> None:
    assert between((126.63, 35.97), (126.63, 35.97)) == (0, 0)


def test_each_place_by_each_depot() -> None:
    sites, depots = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]]), np.array([[0.0, 0.0], [0.0, 2.0]])
    for distance in (geodesic_km, least_km):
        km = distance(sites, depots)
        assert km.shape == (3, 2)
        assert km[0, 1] == pytest.approx(km[2, 0])
        assert km[0, 0] == km[2, 1] == 0
        assert distance(sites[:0], depots).shape == (0, 2)


@given(lon_lat, lon_lat)
@example((0.0, 0.0), (180.0, 0.0))
@example((0.0, 0.0), (179.5, 0.5))
@example((10.0, 90.0), (-170.0, 90.0))
@example((10.0, -89.999999), (-170.0, -90.0))
@example((180.0, 45.0), (-180.0, 45.0))
@example((5.0, 45.0), (5.0, 45.000001))
@example((5.0, 1.0), (185.0, -1.0))
def test_least_is_no_more_and_little_less(one: Place, other: Place) -> None:
    least, exact = between(one, other)
    assert 0 <= least <= exact
    assert least >= WGS84.b / WGS84.a * exact - 0.002


@given(lon_lat, st.floats(-1e-3, 1e-3), st.floats(-1e-3, 1e-3))
def test_least_of_close_and_of_antipodal_places(one: Place, east: float, north: float) -> None:
    longitude, latitude = one
    near = (longitude + east, min(90.0, max(-90.0, latitude + north)))
    for other in (near, (near[0] + 180, -near[1])):
        least, exact = between(one, other)
        assert least <= exact


def test_least_of_many_pairs() -> None:
    draw = np.random.default_rng(1)
    ends = [np.stack([draw.uniform(-180, 180, 500), draw.uniform(-90, 90, 500)], axis=1) for _ in range(2)]
    assert (least_km(*ends) <= geodesic_km(*ends)).all()
