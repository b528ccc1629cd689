"""Decide which candidates the scenario admits, and why it excludes the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import geopandas
import numpy as np
import pandas as pd
import shapely

from siteopt.geodata.distances import WGS84
from siteopt.geodata.layers import CRS, no_crs, open_layer, refuse
from siteopt.instance import Floats
from siteopt.record.reason import Quantity, Reason, ReasonCode, Value, because
from siteopt.scenario import Scenario

EDGE_DEG = 0.05
"""Maximum length, degrees, of an edge of a layer; longer edges are split, since they bend in a plane."""

PAIRS = 1000
"""Number of pairs of a site and a part of a layer that are measured at once."""


def excluded_by(scenario: Scenario, sites: pd.DataFrame) -> np.ndarray:
    """Return the first reason why the scenario excludes each candidate, or None if it admits the candidate; S."""
    reasons = np.full(len(sites), None, dtype=object)
    for left_out, told in _tests(scenario, sites):
        first = np.flatnonzero(left_out & pd.isna(reasons))
        reasons[first] = told if isinstance(told, Reason) else _told(*told, first)
    return reasons


def _told(code: ReasonCode, about: Mapping[str, Value], cells: pd.Series, rows: np.ndarray) -> np.ndarray:
    """Return a reason for each of some rows, with its cell as the value ``found``; equal cells share one reason."""
    place, found = pd.factorize(cells.iloc[rows])
    made = [because(code, **about, found=_shown(cell)) for cell in found]
    return np.array(made, dtype=object)[place]


def _shown(cell: object) -> str:
    return str(cell.date()) if isinstance(cell, pd.Timestamp) else str(cell)


_Told = Reason | tuple[ReasonCode, Mapping[str, Value], pd.Series]


def _tests(scenario: Scenario, sites: pd.DataFrame) -> Iterator[tuple[np.ndarray, _Told]]:
    """Yield the sites that each test excludes, and the reason: one for all sites, or a code, values and cells."""
    start, keep = pd.Timestamp(scenario.project.start_date), scenario.filter
    begin, until = sites["available_from"], sites["available_until"]
    yield (begin > start).to_numpy(), (ReasonCode.NOT_YET_AVAILABLE, {}, begin)
    yield (until < start).to_numpy(), (ReasonCode.NO_LONGER_AVAILABLE, {}, until)
    lists = {"status": keep.status, "condition": keep.condition, "country": keep.countries, "region": keep.regions}
    for name, allowed in lists.items():
        if allowed:
            left_out = ~sites[name].isin(allowed).to_numpy(dtype=bool)
            yield left_out, (ReasonCode.NOT_ADMITTED, {"column": name}, sites[name])
    lon_lat = sites[["longitude", "latitude"]].to_numpy(dtype=float)
    if keep.within is not None:
        area = _layer(scenario, keep.within).union_all()
        shapely.prepare(area)
        outside = ~shapely.covers(area, shapely.points(lon_lat))
        yield outside, because(ReasonCode.OUTSIDE_LAYER, layer=keep.within)
    if keep.away_from is not None:
        layer = _layer(scenario, keep.away_from.layer)
        distance = Quantity(amount=keep.away_from.km, unit="km")
        near = nearer_than(keep.away_from.km, lon_lat, layer)
        yield near, because(ReasonCode.TOO_NEAR_LAYER, layer=keep.away_from.layer, distance=distance)


def nearer_than(km: float, lon_lat: Floats, layer: geopandas.GeoSeries) -> np.ndarray:
    """Return whether the layer (WGS 84) is nearer to each place than ``km``; S.

    The distance is measured on an equidistant plane around each place.

    Parameters
    ----------
    lon_lat : S x 2
        Longitude and latitude, degrees.
    """
    parts = shapely.segmentize(shapely.get_parts(layer.dropna().to_numpy()), EDGE_DEG)
    near = np.zeros(len(lon_lat), dtype=bool)
    place_of, part_of = _perhaps_nearer(km, lon_lat, parts)
    for first in range(0, len(place_of), PAIRS):
        place, shapes = place_of[first : first + PAIRS], parts[part_of[first : first + PAIRS]]
        corners, owner = shapely.get_coordinates(shapes, return_index=True)
        azimuth, _, metres = WGS84.inv(*lon_lat[place[owner]].T, *corners.T)
        plane = np.stack([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))], axis=1) * metres[:, None] / 1000
        near[place[shapely.distance(shapely.set_coordinates(shapes, plane), shapely.Point(0, 0)) < km]] = True
    return near


def _perhaps_nearer(km: float, lon_lat: Floats, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of places and parts whose boxes meet, with the box of a place extended by ``km`` and a margin.

    Within an angle of the place, latitude changes by at most this angle, and longitude by at most
    ``asin(sin(angle) / cos(latitude))``. A margin of one hundredth covers the flattening of the Earth.
    """
    longitude, latitude = lon_lat.T
    angle = np.degrees(km * 1000 / WGS84.b) * 1.01 + 0.001
    reach = np.full(len(lon_lat), 360.0)
    away = np.abs(latitude) + angle < 90
    reach[away] = np.degrees(np.arcsin(np.sin(np.radians(angle)) / np.cos(np.radians(latitude[away]))))
    tree = shapely.STRtree(parts)
    pairs = []
    for turn in (-360, 0, 360):
        west, east = longitude + turn - reach, longitude + turn + reach
        which = np.flatnonzero((west <= 180) & (east >= -180))
        boxes = shapely.box(west[which], latitude[which] - angle, east[which], latitude[which] + angle)
        place, part = tree.query(boxes)
        pairs.append((which[place], part))
    return np.concatenate([place for place, _ in pairs]), np.concatenate([part for _, part in pairs])


def _layer(scenario: Scenario, name: str) -> geopandas.GeoSeries:
    path = scenario.resolve(name)
    refuse(path, name)
    layer = open_layer(path, name)
    if getattr(layer, "crs", None) is None:
        raise no_crs(name)
    return layer.geometry.to_crs(CRS)
