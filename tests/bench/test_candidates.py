"""The synthetic candidates are many, the same for the same seed, and without fault."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
from geopandas.testing import assert_geodataframe_equal

import siteopt
from siteopt.schema import CANDIDATES
from tests.bench.candidates import COLOSSUS, Layer, draw, draw_steps, write_scenario

COUNT = 60


@pytest.fixture(scope="module")
def sites() -> geopandas.GeoDataFrame:
    return draw(COUNT, seed=7)


def test_same_seed_same_rows(sites: geopandas.GeoDataFrame) -> None:
    assert_geodataframe_equal(sites, draw(COUNT, seed=7))
    assert draw_steps(sites, seed=7).equals(draw_steps(sites, seed=7))


def test_another_seed_other_rows(sites: geopandas.GeoDataFrame) -> None:
    assert not sites["grid_mw"].equals(draw(COUNT, seed=8)["grid_mw"])


def test_every_site_is_one_row_known_in_full_and_marked(sites: geopandas.GeoDataFrame) -> None:
    assert sites["site_id"].is_unique
    assert len(sites) == COUNT
    assert sites["notes"].str.contains("synthetic").all()
    # the price of grid energy is not in the scenario's defaults, and known too; NOx is not limited here
    assumable = [one.name for one in CANDIDATES if one.assumable and one.name != "nox_limit_t_per_year"]
    assert not sites[assumable].isna().any(axis=None)


def test_steps_rise_above_the_grid_of_their_site(sites: geopandas.GeoDataFrame) -> None:
    steps = draw_steps(sites, seed=7)
    base = sites.set_index("site_id")["grid_mw"]
    assert len(steps) > 3
    for site, ladder in steps.groupby("site_id"):
        assert (np.diff([base[site], *ladder["grid_mw"]]) > 0).all()
        assert (np.diff(ladder["ready_day"]) >= 0).all()


@pytest.mark.parametrize("layer", ["csv", "parquet"])
def test_loads_without_issue_and_every_site_takes_part(tmp_path: Path, layer: Layer) -> None:
    scenario = siteopt.read_scenario(write_scenario(COUNT, tmp_path, layer, seed=7))
    colossus = siteopt.read_scenario(COLOSSUS)
    dataset = siteopt.load(scenario)
    assert len(dataset.sites) == COUNT
    assert dataset.excluded.empty
    assert not dataset.assumed.any(axis=None)
    assert len(dataset.offers) > 50
    assert len(dataset.steps) > 3
    assert scenario.milestones == colossus.milestones
    assert scenario.compute == colossus.compute
