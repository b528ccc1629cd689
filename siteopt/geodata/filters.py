"""Which candidates the scenario admits, and why the others are left out."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas
import numpy as np
import pandas as pd
import shapely

from siteopt.geodata.distances import WGS84
from siteopt.geodata.layers import CRS, no_crs, open_layer, refuse
from siteopt.instance import Floats
from siteopt.scenario import Scenario

EDGE_DEG = 0.05
"""Edges of a layer are cut to this length, so that they run in longitude and latitude and not straight in a plane."""

PAIRS = 1000
"""Sites and parts of a layer that are measured at once."""


def excluded_by(scenario: Scenario, sites: pd.DataFrame) -> np.ndarray:
    """The first reason why the scenario leaves each candidate out, or ''; one text a site."""
    reasons = np.full(len(sites), "", dtype=object)
    for left_out, words, cells in _tests(scenario, sites):
        first = left_out & (reasons == "")
        reasons[first] = words if cells is None else words + _shown(cells[first])
    return reasons


def _shown(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(cells):
        return cells.dt.strftime("%Y-%m-%d")
    return cells.replace("", "unknown")


def _tests(scenario: Scenario, sites: pd.DataFrame) -> Iterator[tuple[np.ndarray, str, pd.Series | None]]:
    """Which sites each test leaves out, and its reason: words, and the cells that follow them."""
    start, keep = pd.Timestamp(scenario.project.start_date), scenario.filter
    begin, until = sites["available_from"], sites["available_until"]
    yield (begin > start).to_numpy(), "not to be had before ", begin
    yield (until < start).to_numpy(), "taken since ", until
    for name, allowed in (("status", keep.status), ("country", keep.countries), ("region", keep.regions)):
        if allowed:
            yield ~sites[name].isin(allowed).to_numpy(dtype=bool), f"{name} is ", sites[name]
    places = sites[["longitude", "latitude"]].to_numpy(dtype=float)
    if keep.within is not None:
        area = _layer(scenario, keep.within).union_all()
        shapely.prepare(area)
        yield ~shapely.covers(area, shapely.points(places)), f"outside {keep.within}", None
    if keep.away_from is not None:
        layer = _layer(scenario, keep.away_from.layer)
        near = nearer_than(keep.away_from.km, places, layer)
        yield near, f"within {keep.away_from.km:g} km of {keep.away_from.layer}", None


def nearer_than(km: float, places: Floats, layer: geopandas.GeoSeries) -> np.ndarray:
    """Whether the layer (WGS 84) comes nearer than ``km``, measured on an equidistant plane about each place; S.

    Parameters
    ----------
    places : S x 2
        Longitude and latitude, degrees.
    """
    parts = shapely.segmentize(shapely.get_parts(layer.dropna().to_numpy()), EDGE_DEG)
    near = np.zeros(len(places), dtype=bool)
    place_of, part_of = _perhaps_nearer(km, places, parts)
    for first in range(0, len(place_of), PAIRS):
        place, shapes = place_of[first : first + PAIRS], parts[part_of[first : first + PAIRS]]
        corners, owner = shapely.get_coordinates(shapes, return_index=True)
        azimuth, _, metres = WGS84.inv(*places[place[owner]].T, *corners.T)
        plane = np.stack([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))], axis=1) * metres[:, None] / 1000
        near[place[shapely.distance(shapely.set_coordinates(shapes, plane), shapely.Point(0, 0)) < km]] = True
    return near


def _perhaps_nearer(km: float, places: Floats, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of places and parts whose boxes meet once the place's box has grown by ``km`` and a little more.

    Within an angle of the place latitude changes by no more than it, and longitude by no more than
    ``asin(sin(angle) / cos(latitude))``; the hundredth more covers the flattening.
    """
    longitude, latitude = places.T
    angle = np.degrees(km * 1000 / WGS84.b) * 1.01 + 0.001
    reach = np.full(len(places), 360.0)
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
