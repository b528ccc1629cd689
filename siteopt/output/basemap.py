"""Provide the outlines of every map offline: land, lakes and borders of Natural Earth."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet
import shapely

KINDS = ("land", "lake", "country border", "province border")
"""Kinds of outlines, in the order of drawing."""

_FILE = Path(__file__).with_name("natural_earth.parquet")
_AROUND = 0.15
_LEAST_DEG = 1.0

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees (WGS 84)."""


def box_around(positions: np.ndarray) -> Box:
    """Return a box around all positions, with a margin.

    Without positions, return a box around the whole world from 60 degrees south to 80 degrees north.

    Parameters
    ----------
    positions : array, N x 2
        Longitudes and latitudes in degrees.
    """
    if len(positions) == 0:
        return (-180.0, -60.0, 180.0, 80.0)
    low, high = positions.min(axis=0), positions.max(axis=0)
    pad = np.maximum((high - low) * _AROUND, _LEAST_DEG)
    west, south = np.maximum(low - pad, (-180.0, -89.0)).tolist()
    east, north = np.minimum(high + pad, (180.0, 89.0)).tolist()
    return (west, south, east, north)


def basemap(box: Box) -> dict[str, np.ndarray]:
    """Return the outlines within a box, by kind: polygons for land and lakes, lines for borders (shapely, WGS 84)."""
    west, south, east, north = box
    found = {}
    for kind, shapes in _natural_earth().items():
        near = shapes[shapely.intersects(shapes, shapely.box(*box))]
        cut = shapely.get_parts(shapely.clip_by_rect(near, west, south, east, north))
        found[kind] = cut[~shapely.is_empty(cut)]
    return found


@cache
def _natural_earth() -> dict[str, np.ndarray]:
    table = pyarrow.parquet.read_table(_FILE)
    kinds = np.array(table["kind"].to_pylist())
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    return {kind: shapes[kinds == kind] for kind in KINDS}
