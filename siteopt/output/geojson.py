"""GeoJSON by RFC 7946: WGS 84, longitude first, flat properties, one type a field, seven decimals at most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.polygon import orient

from siteopt.output.document import Document, units_of

DECIMALS = 7


def sites_geojson(document: Document, sites: pd.DataFrame) -> Document:
    """Every candidate with its rank, days, cost and reason, then the columns of its table.

    A column of the table that is called like a field of the result appears as ``table_<name>``, instead of one that
    is called so already: of a table that is itself a result, only the last result is kept.
    """
    features = []
    for row in document["ranking"]:
        table = sites.loc[row["site_id"]].drop(["site_id", "name", "latitude", "longitude"])
        named = {name: _plain(value) for name, value in table.items()}
        clashing = {f"table_{name}": named.pop(name) for name in row if name in named}
        features.append(
            point(sites.at[row["site_id"], "longitude"], sites.at[row["site_id"], "latitude"], row | named | clashing)
        )
    return collection(features)


def plan_geojson(document: Document, areas: Sequence[tuple[str, shapely.Geometry]] = ()) -> Document:
    """The chosen site, the depots, a line for each delivery with its dates, and the areas of the site.

    Parameters
    ----------
    areas : sequence of (str, polygon)
        Role and shape (WGS 84) of each.
    """
    if document["site_id"] is None:
        return collection([])
    site = (document["site_longitude"], document["site_latitude"])
    last = document["milestones"][-1]
    features = [
        point(
            *site,
            _feature("site", document["site_id"], document["site_name"])
            | {"ready": last["date"], "cost_usd": document["cost_usd"]["total"]},
        )
    ]
    depots: dict[tuple[float, float], str] = {}
    for order in document["orders"]:
        depots.setdefault((order["longitude"], order["latitude"]), order["depot"])
    features += [point(*place, _feature("depot", name, name)) for place, name in sorted(depots.items())]
    for order in document["orders"]:
        properties = _feature("delivery", order["offer_id"], order["model"]) | {
            name: order[name] for name in ("kind", "leaves", "arrives", "ready", "cost_usd")
        }
        properties["units"] = units_of(order)
        line = [_position(order["longitude"], order["latitude"]), _position(*site)]
        features.append(made({"type": "LineString", "coordinates": line}, properties))
    for role, shape in areas:
        if parts := _rings(shape):
            properties = _feature(role, document["site_id"], document["site_name"])
            whole = {"type": "Polygon", "coordinates": parts[0]}
            parted = {"type": "MultiPolygon", "coordinates": parts}
            features.append(made(parted if len(parts) > 1 else whole, properties))
    return collection(features)


def _rings(shape: shapely.Geometry) -> list[list[list[list[float]]]]:
    """The polygons of a shape as rings of positions: valid on the grid of the decimals, exteriors counter-clockwise."""
    exact = shapely.set_precision(shapely.make_valid(shapely.force_2d(shape)), 10**-DECIMALS)
    simple = shapely.get_parts(shapely.get_parts(exact))  # what was made valid may be a collection of collections
    parts = [orient(part) for part in simple if part.geom_type == "Polygon" and not part.is_empty]
    return [
        [[_position(*corner) for corner in ring.coords] for ring in (part.exterior, *part.interiors)] for part in parts
    ]


def _feature(role: str, identity: str, name: str) -> Document:
    empty = dict.fromkeys(("kind", "units", "leaves", "arrives", "ready", "cost_usd"))
    return {"role": role, "id": identity, "name": name, **empty}


def _plain(value: Any) -> Any:
    """A cell as JSON: text, number, or nothing."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, pd.Timestamp | date):
        return value.isoformat()[:10]
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if isinstance(plain, bool | int | float) else str(plain) or None


def _position(longitude: float, latitude: float) -> list[float]:
    return [round(float(longitude), DECIMALS), round(float(latitude), DECIMALS)]


def point(longitude: float, latitude: float, properties: Mapping[str, Any]) -> Document:
    """A point feature."""
    return made({"type": "Point", "coordinates": _position(longitude, latitude)}, properties)


def made(geometry: Document | None, properties: Mapping[str, Any]) -> Document:
    """A feature; without geometry where its place is not known."""
    return {"type": "Feature", "geometry": geometry, "properties": dict(properties)}


def collection(features: Iterable[Document]) -> Document:
    """A feature collection."""
    return {"type": "FeatureCollection", "features": list(features)}
