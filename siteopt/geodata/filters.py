"""Which candidates the scenario admits, and why the others are left out."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas
import pandas as pd

from siteopt.geodata.tables import no_crs, open_layer
from siteopt.scenario import Scenario


def excluded_by(scenario: Scenario, sites: pd.DataFrame) -> dict[str, str]:
    """site_id to the first reason why the scenario leaves the candidate out."""
    reasons: dict[str, str] = {}
    for left_out, reason in _tests(scenario, sites):
        for site, text in reason[left_out].items():
            reasons.setdefault(site, text)
    return reasons


def _tests(scenario: Scenario, sites: pd.DataFrame) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Which sites each test leaves out, and its reason for each site."""
    start, keep = pd.Timestamp(scenario.project.start_date), scenario.filter
    begin, until = sites["available_from"], sites["available_until"]
    yield begin > start, "not to be had before " + begin.dt.strftime("%Y-%m-%d").fillna("")
    yield until < start, "taken since " + until.dt.strftime("%Y-%m-%d").fillna("")
    lists = (("status", keep.status), ("country", keep.countries), ("region", keep.regions))
    for column, allowed in lists:
        if allowed:
            yield ~sites[column].isin(allowed), f"{column} is " + sites[column].replace("", "unknown")
    if keep.within is None and keep.away_from is None:
        return
    points = geopandas.GeoSeries.from_xy(sites["longitude"], sites["latitude"], index=sites.index, crs=4326)
    if keep.within is not None:
        area = _layer(scenario, keep.within).to_crs(4326).union_all()
        yield ~points.covered_by(area), pd.Series(f"outside {keep.within}", sites.index)
    if keep.away_from is not None:
        layer = _layer(scenario, keep.away_from.layer).to_crs(4326).union_all()
        near = points.map(lambda point: _within_km(point, layer, keep.away_from.km)).astype(bool)
        yield near, pd.Series(f"within {keep.away_from.km:g} km of {keep.away_from.layer}", sites.index)


def _within_km(point: object, layer: object, km: float) -> bool:
    """Whether the layer comes nearer than ``km``, measured on an equidistant plane about the point."""
    plane = f"+proj=aeqd +lat_0={point.y} +lon_0={point.x} +datum=WGS84 +units=km"  # type: ignore[attr-defined]
    return bool(geopandas.GeoSeries([layer], crs=4326).to_crs(plane).distance(_ORIGIN).min() < km)


_ORIGIN = geopandas.points_from_xy([0], [0])[0]


def _layer(scenario: Scenario, name: str) -> geopandas.GeoSeries:
    layer = open_layer(scenario.resolve(name), name)
    if getattr(layer, "crs", None) is None:
        raise no_crs(name)
    return layer.geometry
