"""What QGIS is given of a run, or of faults: a GeoPackage, a project that opens it, styles beside the GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from siteopt.faults import Fault
from siteopt.output.basemap import Box, box_around
from siteopt.output.document import Document, json_text
from siteopt.output.geojson import collection, made, point
from siteopt.output.geopackage import geopackage
from siteopt.output.layer import Layer, base_layers
from siteopt.output.layers import fault_layer, fault_rows, milestone_names, run_layers
from siteopt.output.project import Group, Shown, project
from siteopt.output.styles import CROWD, Style, plan_style, qml_text, style_of
from siteopt.output.summary import counted

GEOPACKAGE, PROJECT = "siteopt.gpkg", "siteopt.qgz"

_PLAN = ("chosen", "milestones", "depots", "deliveries", "areas")
_HEIGHTS = {"chosen": 3, "milestones": 3, "faults": 3, "sites": 2}
"""A candidate lies above the deliveries that pass it, although the plan stands first in the tree."""


def map_files(document: Document, sites: Document, plan: Document) -> dict[str, str | bytes]:
    """The files of a run for QGIS by name.

    Parameters
    ----------
    document, sites, plan
        What ``plan.json``, ``sites.geojson`` and ``plan.geojson`` hold.
    """
    milestones = milestone_names(document)
    layers = {layer.name: layer for layer in run_layers(document, sites, plan)}
    view = _view(layers)
    base = base_layers(_around(view))
    packed = {**layers, **{layer.name: layer for layer in base}}
    alone = {name: style_of(layer, milestones, alone=True) for name, layer in packed.items()}
    styles = {name: qml_text(style, packed[name].fields) for name, style in alone.items()}
    crowded = len(layers["sites"].rows) > CROWD

    def shown(name: str) -> Shown:
        style = style_of(packed[name], milestones, alone=False)
        return _shown(packed[name], style, height=0 if name == "sites" and crowded else _HEIGHTS.get(name, 1))

    groups = [
        Group("Plan", tuple(map(shown, _PLAN if len(layers["areas"].rows) else _PLAN[:-1]))),
        Group("Candidates", (shown("sites"),)),
        Group("Input", (shown("faults"),), visible=False, expanded=False),
        base_group(base),
    ]
    return {
        GEOPACKAGE: geopackage(list(packed.values()), styles),
        PROJECT: project(headline(document), _words(document), groups, view, _days(document)),
        "sites.qml": qml_text(alone["sites"], [replace(field, name=field.key) for field in layers["sites"].fields]),
        "plan.qml": qml_text(plan_style()),
    }


def fault_files(faults: Sequence[Fault]) -> dict[str, str | bytes]:
    """A map of faults, for QGIS; those without a place stand in its table."""
    placed = list(fault_rows(fault.record() for fault in faults))
    layer = fault_layer(placed)
    view = box_around(shapely.get_coordinates(layer.shapes))
    base = base_layers(_around(view))
    style = style_of(layer, {}, alone=True)
    styles = {one.name: qml_text(style_of(one, {}, alone=True), one.fields) for one in base}
    warnings = sum(fault.code.is_warning for fault in faults)
    wrong = len(faults) - warnings
    title = f"{counted(wrong, 'fault')} of the input" if wrong else "No faults"
    title += f", {counted(warnings, 'warning')}" if warnings else ""
    groups = [Group("Input", (_shown(layer, style, height=1),)), base_group(base)]
    features = [
        point(*place, row) if place is not None else made(None, row)
        for (_, place), row in zip(placed, layer.rows, strict=True)
    ]
    return {
        GEOPACKAGE: geopackage([layer, *base], {**styles, "faults": qml_text(style, layer.fields)}),
        PROJECT: project(title, "What cannot be right in the input, or hardly is, row by row.", groups, view),
        "faults.geojson": json_text(collection(features)),
        "faults.qml": qml_text(style, layer.fields),
    }


def base_group(base: list[Layer], file: str = GEOPACKAGE) -> Group:
    """The base map at the bottom of the layer tree."""
    layers = tuple(_shown(layer, style_of(layer, {}, alone=False), file=file) for layer in base)
    return Group("Base map", layers, expanded=False)


def _shown(layer: Layer, style: Style, *, file: str = GEOPACKAGE, height: int = 0) -> Shown:
    return Shown(layer, style, f"./{file}|layername={layer.name}", height=height)


def headline(document: Document) -> str:
    """The answer in one line."""
    scenario, outcome = document["scenario"], document["outcome"]
    if document["site_id"] is None:
        return f"{scenario}: {outcome}"
    days = ", ".join(f"{one['name']} on day {one['day']}" for one in document["milestones"])
    return f"{scenario}: {document['site_name']}, {days} ({outcome})"


def _words(document: Document) -> str:
    return f"siteopt {document['siteopt_version']}, {document['candidates']:,} candidates; base map: Natural Earth."


def _view(layers: dict[str, Layer]) -> Box:
    """The chosen site, its depots and the ranked sites; where there is none, all that is listed."""
    sites = layers["sites"]
    ranked = sites.shapes[[row["rank"] is not None for row in sites.rows]]
    result = np.concatenate([layers["chosen"].shapes, layers["depots"].shapes, ranked])
    return box_around(shapely.get_coordinates(result if len(result) else sites.shapes))


def _around(view: Box) -> Box:
    """The ground for any shape of a window, and for one step back."""
    west, south, east, north = view
    reach = max(east - west, north - south)
    return (max(-180.0, west - reach), max(-89.0, south - reach), min(180.0, east + reach), min(89.0, north + reach))


def _days(document: Document) -> tuple[str, str] | None:
    """From the first departure to the last milestone."""
    if document["site_id"] is None:
        return None
    last = document["milestones"][-1]["date"]
    return (min((order["leaves"] for order in document["orders"]), default=document["start_date"]), last)
