"""Make GeoJSON by RFC 7946: WGS 84, longitude first, flat properties, one type per field, at most seven decimals."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from siteopt.output.translations import MoneyUnit, Translations
from siteopt.output.value import break_even_text
from siteopt.record.run import ListedSite, RunRecord
from siteopt.scenario import slug

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 7


GeoJSON = dict[str, Any]
"""A feature, a geometry or a collection of features."""


def sites_geojson(run: RunRecord, sites: pd.DataFrame, translations: Translations) -> GeoJSON:
    """Return every listed candidate with its rank, days, cost and reason, then the columns of its table.

    A column of the table with the name of a result's field becomes ``table_<name>``, and replaces any column of that
    name. If the table is itself a result of siteopt, only the last result is kept.
    """
    features, unit = [], cost_unit(run, translations)
    listed = sites.loc[[site.site_id for site in run.ranking]]
    table = listed.drop(columns=["site_id", "name", "latitude", "longitude"])
    columns = {name: _column(cells) for name, cells in table.items()}
    for number, site in enumerate(run.ranking):
        row = site_properties(site, unit)
        named = {name: cells[number] for name, cells in columns.items()}
        clashing = {f"table_{name}": named.pop(name) for name in row if name in named}
        features.append(point(site.longitude, site.latitude, row | named | clashing))
    return collection(features)


def cost_unit(run: RunRecord, translations: Translations) -> MoneyUnit:
    """Return the one unit for the costs of all listed sites."""
    return translations.money_unit(site.cost_usd for site in run.ranking if site.cost_usd is not None)


def site_properties(site: ListedSite, unit: MoneyUnit) -> dict[str, Any]:
    """Return the results of a candidate as flat fields; the fields of a milestone end in its slug."""
    translations = unit.translations
    row: dict[str, Any] = {
        "site_id": site.site_id,
        "name": site.name,
        "rank": site.rank,
        "standing": str(site.standing),
        "reason": translations.reasons(site.reasons),
        "cost_usd": site.cost_usd,
        "cost_bound_usd": site.cost_bound_usd,
        "cost": unit(site.cost_usd) if site.cost_usd is not None else None,
        "break_even_gpu_hour_usd": site.break_even.gpu_hour_usd if site.break_even is not None else None,
        "better_than_first": break_even_text(site, translations),
    }
    for one in site.milestones:
        field = slug(one.milestone)
        row[f"day_{field}"] = one.day
        row[f"date_{field}"] = one.date.isoformat() if one.date is not None else None
        row[f"bound_day_{field}"] = one.bound_day
        row[f"limited_by_{field}"] = translations.reason(one.limited_by) if one.limited_by is not None else None
    return row | {"assumed": ", ".join(site.assumed)}


def plan_geojson(run: RunRecord, areas: Sequence[tuple[str, shapely.Geometry]] = ()) -> GeoJSON:
    """Return the chosen site, the depots, a line for each delivery with its dates, and the areas of the site.

    Without a plan, the collection is empty.

    Parameters
    ----------
    areas : sequence of (str, polygon)
        Role and shape (WGS 84) of each area.
    """
    plan = run.plan
    if plan is None:
        return collection([])
    site = (plan.longitude, plan.latitude)
    chosen = _feature("site", plan.site_id, plan.site_name)
    chosen |= {"ready": plan.milestones[-1].date.isoformat(), "cost_usd": plan.cost.total_usd}
    features = [point(*site, chosen)]
    depots: dict[tuple[float, float], str] = {}
    for order in plan.orders:
        depots.setdefault((order.longitude, order.latitude), order.depot)
    features += [point(*place, _feature("depot", name, name)) for place, name in sorted(depots.items())]
    for order in plan.orders:
        properties = _feature("delivery", order.offer_id, order.model) | {
            "kind": order.kind,
            "leaves": order.leaves.isoformat(),
            "arrives": order.arrives.isoformat(),
            "ready": order.ready.isoformat(),
            "cost_usd": order.cost_usd,
            "units": order.all_units,
        }
        line = [_position(order.longitude, order.latitude), _position(*site)]
        features.append(made({"type": "LineString", "coordinates": line}, properties))
    for role, shape in areas:
        if parts := _rings(shape):
            properties = _feature(role, plan.site_id, plan.site_name)
            whole = {"type": "Polygon", "coordinates": parts[0]}
            parted = {"type": "MultiPolygon", "coordinates": parts}
            features.append(made(parted if len(parts) > 1 else whole, properties))
    return collection(features)


def _rings(shape: shapely.Geometry) -> list[list[list[list[float]]]]:
    """Return the polygons of a shape as rings of positions.

    The polygons are valid on the grid of DECIMALS, and their exteriors run counter-clockwise.
    """
    exact = shapely.set_precision(shapely.make_valid(shapely.force_2d(shape)), 10**-DECIMALS)
    simple = shapely.get_parts(shapely.get_parts(exact))  # make_valid may give a collection of collections
    parts = [orient(part) for part in simple if part.geom_type == "Polygon" and not part.is_empty]
    return [
        [[_position(*corner) for corner in ring.coords] for ring in (part.exterior, *part.interiors)] for part in parts
    ]


def _feature(role: str, identity: str, name: str) -> GeoJSON:
    empty = dict.fromkeys(("kind", "units", "leaves", "arrives", "ready", "cost_usd"))
    return {"role": role, "id": identity, "name": name, **empty}


def _column(cells: pd.Series) -> list[Any]:
    """Return cells as JSON values; None for a blank."""
    known = zip(cells.tolist(), cells.notna().tolist(), strict=True)
    return [_plain(value) if is_known else None for value, is_known in known]


def _plain(value: Any) -> Any:
    """Return a cell as a JSON value: a text, a number, a truth value, or None if no JSON value can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, date):
        return value.isoformat()[:10]
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if isinstance(plain, bool | int | float) else str(plain) or None


def _position(longitude: float, latitude: float) -> list[float]:
    return [round(float(longitude), DECIMALS), round(float(latitude), DECIMALS)]


def point(longitude: float, latitude: float, properties: Mapping[str, Any]) -> GeoJSON:
    """Return a point feature."""
    return made({"type": "Point", "coordinates": _position(longitude, latitude)}, properties)


def made(geometry: GeoJSON | None, properties: Mapping[str, Any]) -> GeoJSON:
    """Return a feature; its geometry is null if its position is not known."""
    return {"type": "Feature", "geometry": geometry, "properties": dict(properties)}


def collection(features: Iterable[GeoJSON]) -> GeoJSON:
    """Return a feature collection."""
    return {"type": "FeatureCollection", "features": list(features)}


def json_text(found: GeoJSON) -> str:
    """Return a collection as the text of a file."""
    return json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n"
