"""Nearness to a layer, against measuring every site by itself."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from siteopt.geodata.filters import nearer_than


def measured(km: float, place: tuple[float, float], layer: geopandas.GeoSeries) -> bool:
    """On an equidistant plane about the place, the whole layer at once."""
    plane = f"+proj=aeqd +lat_0={place[1]} +lon_0={place[0]} +datum=WGS84 +units=km"
    return bool(layer.to_crs(plane).distance(shapely.Point(0, 0)).min() < km)


def layer_of(*shapes: shapely.Geometry) -> geopandas.GeoSeries:
    return geopandas.GeoSeries(shapes, crs=4326)


def near(km: float, place: tuple[float, float], *shapes: shapely.Geometry) -> bool:
    return bool(nearer_than(km, np.array([place], dtype=float), layer_of(*shapes))[0])


@pytest.mark.parametrize(("km", "expected"), [(111, False), (112, True)])
def test_a_degree_along_the_equator(km: float, expected: bool) -> None:
    assert near(km, (0, 0), shapely.Point(1, 0)) == expected


@pytest.mark.parametrize(("km", "expected"), [(111, False), (112, True)])
def test_across_the_date_line(km: float, expected: bool) -> None:
    assert near(km, (179.5, 0), shapely.Point(-179.5, 0)) == expected


@pytest.mark.parametrize(("km", "expected"), [(200, False), (300, True)])
def test_across_the_pole(km: float, expected: bool) -> None:
    # one degree of latitude to the pole, and another beyond it
    assert near(km, (0, 89), shapely.Point(180, 89)) == expected


def test_within_an_area_is_near_it() -> None:
    assert near(0.1, (127, 36), shapely.box(126, 35, 128, 37))
    assert not near(0.1, (129, 36), shapely.box(126, 35, 128, 37))


def test_any_part_of_the_layer_counts() -> None:
    parts = shapely.MultiPoint([(0, 0), (10, 10)])
    assert near(20, (10.1, 10), shapely.Point(50, 50), parts)
    assert not near(20, (5, 5), shapely.Point(50, 50), parts)


def test_empty_layer_is_near_nothing() -> None:
    assert not near(20_000, (5, 5))


degrees = st.floats(0, 2)


@settings(max_examples=60, deadline=None)
@given(st.floats(-180, 180), st.floats(-75, 75), degrees, degrees, st.floats(1, 300), st.floats(0.01, 0.5))
def test_as_measured_site_by_site(
    longitude: float, latitude: float, east: float, north: float, km: float, radius: float
) -> None:
    place = (longitude - (longitude > 0) * east, latitude)
    area = shapely.Point(place[0] + east, latitude + north).buffer(radius, quad_segs=4)
    layer = layer_of(area)
    expected = measured(km, place, layer)  # with edges straight in the plane: a hair off
    assert nearer_than(km * 1.001 + 0.01, np.array([place]), layer)[0] >= expected
    assert nearer_than(km * 0.999 - 0.01, np.array([place]), layer)[0] <= expected
