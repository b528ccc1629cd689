"""Runs that the tests open in QGIS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import siteopt
from siteopt import Result
from tests.worlds import OFFERS, SITES, changed, write_world

DELTA = {**SITES[0], "site_id": "delta", "name": "Delta <b>Plant</b>", "longitude": -84.4, "latitude": 33.7}
"""A place that cannot be had in time, whose name is HTML."""

PLACES = ((-96.8, 32.8), (-96.8, 32.8), (-104.99, 39.74), (-80.84, 35.23))


def solved(folder: Path, *settings: str) -> Result:
    """A run in which Alpha needs generators; Beta is ranked, Gamma (a Korean name) is left out, Delta cannot serve."""
    sites = changed(SITES, "site_id", "alpha", grid_mw=5)
    sites = [{**site, "owner": "Mr A & Co"} for site in (*sites, {**DELTA, "floor_area_m2": 100, "gas_mw": ""})]
    offers: list[dict[str, Any]] = [
        {**offer, "longitude": longitude, "latitude": latitude}
        for offer, (longitude, latitude) in zip(OFFERS, PLACES, strict=True)
    ]
    scenario = write_world(folder, sites, offers)
    return siteopt.solve(siteopt.read_scenario(scenario, ["defaults.gas_mw=10", *settings]))


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return solved(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def run(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return result.write(tmp_path_factory.mktemp("run") / "small")
