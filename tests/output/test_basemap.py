"""The base map: outlines where there should be some, cut to the box."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from siteopt.output.basemap import KINDS, basemap, box_around

POLYGON, LINE = 3, 1


@pytest.mark.parametrize(("longitude", "latitude", "land"), [(-90.05, 35.15, True), (-40.0, 35.0, False)])
def test_memphis_is_on_land_and_the_atlantic_is_not(longitude: float, latitude: float, *, land: bool) -> None:
    shapes = basemap(box_around(np.array([[longitude, latitude]])))["land"]
    assert bool(shapely.contains_xy(shapes, longitude, latitude).any()) is land


def test_outlines_end_at_the_box() -> None:
    box = (124.0, 33.0, 131.0, 39.0)
    found = basemap(box)
    assert tuple(found) == KINDS
    assert len(found["province border"]) > 10
    for kind, shapes in found.items():
        expected = POLYGON if kind in ("land", "lake") else LINE
        assert set(shapely.get_type_id(shapes)) <= {expected}
        assert shapely.is_valid(shapes).all()
        bounds = shapely.bounds(shapes)
        assert ((bounds[:, :2] >= box[:2]) & (bounds[:, 2:] <= box[2:])).all()


def test_box_has_ground_around_a_single_place() -> None:
    assert box_around(np.array([[10.0, 50.0]])) == (9.0, 49.0, 11.0, 51.0)


def test_box_of_far_places_stays_on_the_globe() -> None:
    west, south, east, north = box_around(np.array([[-170.0, -80.0], [170.0, 80.0]]))
    assert (west, south, east, north) == (-180.0, -89.0, 180.0, 89.0)


def test_box_of_no_place_is_the_world() -> None:
    west, _, east, _ = box_around(np.empty((0, 2)))
    assert (west, east) == (-180.0, 180.0)


def test_the_border_between_the_koreas_is_one_line() -> None:
    border = basemap((126.0, 37.4, 128.8, 38.8))["country border"]
    meridian = shapely.LineString([(127.5, 37.4), (127.5, 38.8)])
    assert int(shapely.intersects(border, meridian).sum()) == 1
