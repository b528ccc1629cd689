"""Make the files of a run, or of input issues, for QGIS: a GeoPackage, a project, and styles beside the GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from siteopt.issues import Issue
from siteopt.output.basemap import Box, box_around
from siteopt.output.folder import GEOPACKAGE, PROJECT
from siteopt.output.geojson import GeoJSON, collection, json_text, made, point
from siteopt.output.geopackage import geopackage
from siteopt.output.layer import Layer, base_layers
from siteopt.output.layers import issue_layer, issue_rows, milestone_names, run_layers
from siteopt.output.project import Group, Shown, project
from siteopt.output.styles import CROWD, Style, plan_style, qml_text, style_of
from siteopt.output.translations import Translations
from siteopt.record.run import RunRecord

_PLAN = ("chosen", "milestones", "depots", "deliveries", "areas")
_HEIGHTS = {"chosen": 3, "milestones": 3, "issues": 3, "sites": 2}
"""Drawing heights: candidates lie above passing deliveries, although the plan comes first in the layer tree."""


def map_files(run: RunRecord, sites: GeoJSON, places: GeoJSON, translations: Translations) -> dict[str, str | bytes]:
    """Return the files of a run for QGIS, by name.

    Parameters
    ----------
    sites, places : dict
        Contents of ``sites.geojson`` and ``plan.geojson``.
    """
    milestones = milestone_names(run)
    layers = {layer.name: layer for layer in run_layers(run, sites, places, translations)}
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
        Group("Input", (shown("issues"),), visible=False, expanded=False),
        base_group(base),
    ]
    return {
        GEOPACKAGE: geopackage(list(packed.values()), styles),
        PROJECT: project(headline(run), _words(run), groups, view, _days(run)),
        "sites.qml": qml_text(alone["sites"], [replace(field, name=field.key) for field in layers["sites"].fields]),
        "plan.qml": qml_text(plan_style()),
    }


def issue_files(issues: Sequence[Issue]) -> dict[str, str | bytes]:
    """Return the files of a map of issues for QGIS, by name; issues without a position are only in its table."""
    placed = list(issue_rows(issue.record() for issue in issues))
    layer = issue_layer(placed)
    view = box_around(shapely.get_coordinates(layer.shapes))
    base = base_layers(_around(view))
    style = style_of(layer, {}, alone=True)
    styles = {one.name: qml_text(style_of(one, {}, alone=True), one.fields) for one in base}
    warnings = sum(issue.code.is_warning for issue in issues)
    wrong, translations = len(issues) - warnings, Translations()
    title = translations.count(wrong, "error") if wrong else "No errors"
    title += (f", {translations.count(warnings, 'warning')}" if warnings else "") + " in the input"
    groups = [Group("Input", (_shown(layer, style, height=1),)), base_group(base)]
    features = [
        point(*place, row) if place is not None else made(None, row)
        for (_, place), row in zip(placed, layer.rows, strict=True)
    ]
    return {
        GEOPACKAGE: geopackage([layer, *base], {**styles, "issues": qml_text(style, layer.fields)}),
        PROJECT: project(title, "Errors and warnings in the input, row by row.", groups, view),
        "issues.geojson": json_text(collection(features)),
        "issues.qml": qml_text(style, layer.fields),
    }


def base_group(base: list[Layer], file: str = GEOPACKAGE) -> Group:
    """Return the group of the base map, which goes to the bottom of the layer tree."""
    layers = tuple(_shown(layer, style_of(layer, {}, alone=False), file=file) for layer in base)
    return Group("Base map", layers, expanded=False)


def _shown(layer: Layer, style: Style, *, file: str = GEOPACKAGE, height: int = 0) -> Shown:
    return Shown(layer, style, f"./{file}|layername={layer.name}", height=height)


def headline(run: RunRecord) -> str:
    """Return the answer in one line."""
    if run.plan is None:
        return f"{run.scenario}: {run.outcome}"
    days = ", ".join(f"{one.name} on day {one.day}" for one in run.plan.milestones)
    return f"{run.scenario}: {run.plan.site_name}, {days} ({run.outcome})"


def _words(run: RunRecord) -> str:
    return f"siteopt {run.siteopt_version}, {run.candidates:,} candidates; base map: Natural Earth."


def _view(layers: dict[str, Layer]) -> Box:
    """Return a box around the chosen site, its depots and the ranked sites; without any, around all listed sites."""
    sites = layers["sites"]
    ranked = sites.shapes[[row["rank"] is not None for row in sites.rows]]
    result = np.concatenate([layers["chosen"].shapes, layers["depots"].shapes, ranked])
    return box_around(shapely.get_coordinates(result if len(result) else sites.shapes))


def _around(view: Box) -> Box:
    """Return a larger box for the base map, to fill a window of any shape, even one zoom step out."""
    west, south, east, north = view
    reach = max(east - west, north - south)
    return (max(-180.0, west - reach), max(-89.0, south - reach), min(180.0, east + reach), min(89.0, north + reach))


def _days(run: RunRecord) -> tuple[str, str] | None:
    """Return the dates of the first departure and the last milestone; None without a plan.

    If nothing is ordered, the first date is day 0.
    """
    plan = run.plan
    if plan is None:
        return None
    first = min((order.leaves for order in plan.orders), default=run.start_date)
    return str(first), str(plan.milestones[-1].date)
