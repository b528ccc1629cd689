"""Which candidates the scenario admits, and why the others are left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd

from siteopt.faults import Fault, InputError
from siteopt.scenario import Scenario


def excluded_by(scenario: Scenario, sites: pd.DataFrame) -> dict[str, str]:
    """site_id to the first reason why the scenario leaves the candidate out."""
    reasons: dict[str, str] = {}
    for left_out, reason in _tests(scenario, sites):
        for site, text in zip(sites.index[left_out], np.asarray(reason, dtype=object)[left_out], strict=True):
            reasons.setdefault(site, text)
    return reasons


def _tests(scenario: Scenario, sites: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    start, keep = pd.Timestamp(scenario.project.start_date), scenario.filter
    begin, until = sites["available_from"], sites["available_until"]
    yield (begin > start).to_numpy(), "not to be had before " + begin.dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
    yield (until < start).to_numpy(), "taken since " + until.dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
    lists = (("status", keep.status), ("country", keep.countries), ("region", keep.regions))
    for column, allowed in lists:
        if allowed:
            value = sites[column].replace("", "unknown").to_numpy(dtype=object)
            yield ~sites[column].isin(allowed).to_numpy(), f"{column} is " + value
    if keep.within is None and keep.away_from is None:
        return
    points = geopandas.GeoSeries.from_xy(sites["longitude"], sites["latitude"], crs=4326)
    everyone = np.full(len(sites), "", dtype=object)
    if keep.within is not None:
        area = _layer(scenario.resolve(keep.within)).to_crs(4326).union_all()
        yield ~points.covered_by(area).to_numpy(), everyone + f"outside {keep.within}"
    if keep.away_from is not None:
        layer = _layer(scenario.resolve(keep.away_from.layer)).to_crs(4326).union_all()
        near = np.array([_within_km(point, layer, keep.away_from.km) for point in points], dtype=bool)
        yield near, everyone + f"within {keep.away_from.km:g} km of {keep.away_from.layer}"


def _within_km(point: object, layer: object, km: float) -> bool:
    """Whether the layer comes nearer than ``km``, measured on an equidistant plane about the point."""
    plane = f"+proj=aeqd +lat_0={point.y} +lon_0={point.x} +datum=WGS84 +units=km"  # type: ignore[attr-defined]
    return bool(geopandas.GeoSeries([layer], crs=4326).to_crs(plane).distance(_ORIGIN).min() < km)


_ORIGIN = geopandas.points_from_xy([0], [0])[0]


def _layer(path: Path) -> geopandas.GeoSeries:
    try:
        layer = geopandas.read_file(path) if path.suffix.lower() != ".parquet" else geopandas.read_parquet(path)
    except Exception as error:  # every driver raises its own kind
        raise InputError([Fault(str(path), None, "", str(error), "a vector layer that GDAL can read")]) from None
    if layer.crs is None:
        raise InputError([Fault(str(path), None, "", "a layer without CRS", "a layer that says which CRS it is in")])
    return layer.geometry
