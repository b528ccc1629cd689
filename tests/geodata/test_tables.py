"""The same candidates in every format give the same points and the same Instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

import siteopt
from siteopt import Dataset, InputError
from siteopt.geodata.tables import read_table
from siteopt.instance import Instance
from tests.worlds import SITES, write_world

EXTRA = ("Electrolux", "전자", "=SUM(1)")
"""What a column that siteopt does not know holds, site by site."""


def frame(crs: int | None = 4326) -> geopandas.GeoDataFrame:
    """The candidates of the small world as points, with a column that siteopt does not know."""
    table = pd.DataFrame(SITES).replace("", np.nan).infer_objects().assign(owner=EXTRA)
    points = geopandas.points_from_xy(table.pop("longitude"), table.pop("latitude"))
    layer = geopandas.GeoDataFrame(table, geometry=points, crs=4326)
    return layer.to_crs(crs) if crs is not None else layer.set_crs(None, allow_override=True)


def loaded(folder: Path, layer: str = "candidates.csv") -> Dataset:
    scenario = write_world(folder, [{**row, "owner": owner} for row, owner in zip(SITES, EXTRA, strict=True)])
    return siteopt.load(siteopt.read_scenario(scenario, [f"inputs.candidates.0={layer}"]))


def assert_same(one: Instance, other: Instance, tolerance: float = 1e-6) -> None:
    for field in fields(Instance):
        before, after = getattr(one, field.name), getattr(other, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_allclose(after, before, rtol=tolerance, err_msg=field.name)
        else:
            assert before == after, field.name


WRITERS: dict[str, Callable[[Path], None]] = {
    "points.geojson": lambda path: frame().to_file(path),
    "points.gpkg": lambda path: frame().to_file(path),
    "points.parquet": lambda path: frame().to_parquet(path),
    "korea5179.gpkg": lambda path: frame(5179).to_file(path),
    "korea5186.parquet": lambda path: frame(5186).to_parquet(path),
    "mercator.gpkg": lambda path: frame(3857).to_file(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_points_and_instance(tmp_path: Path, name: str) -> None:
    if name.startswith("korea"):
        pytest.skip("the grid of Korea does not reach America; its own test stands below")
    WRITERS[name](tmp_path / name)
    table, layer = loaded(tmp_path), loaded(tmp_path, name)
    for axis in ("latitude", "longitude"):
        np.testing.assert_allclose(layer.sites[axis], table.sites[axis], rtol=0, atol=1e-6)
    assert_same(table.instance, layer.instance)
