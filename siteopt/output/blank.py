"""Make a QGIS project for drawing candidates: empty layers with forms from the schema, and the example tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

import numpy as np

from siteopt.output import map_tips, qml
from siteopt.output.geopackage import geopackage
from siteopt.output.layer import Layer, alias, base_layers, schema_field
from siteopt.output.maps import base_group
from siteopt.output.palette import INK, STANDING
from siteopt.output.project import Group, Shown, project
from siteopt.output.qml import Label, Place, column, element, rgba
from siteopt.output.styles import NEAR, Style, area_symbol, qml_text, style_of
from siteopt.record.base import Standing
from siteopt.schema import AREAS, CANDIDATES, Column, Table, Type, Use

PROJECT, SITE_FILE, BASE_MAP = "candidates.qgz", "data/my_sites.gpkg", "data/basemap.gpkg"

WORLD = (-180.0, -90.0, 180.0, 90.0)
_VIEW = (-170.0, -50.0, 175.0, 70.0)
_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
"""Code for null in a list of values of QGIS."""

_NOT_NULL, _UNIQUE, _EXPRESSION = 1, 2, 4
_SOFT = 2
"""Strength of a constraint that the form shows, but that does not prevent saving an unfinished row."""

_FROM_THE_POINT = {"latitude": "round(y($geometry), 6)", "longitude": "round(x($geometry), 6)"}


def blank_files(tables: Sequence[str]) -> dict[str, bytes]:
    """Return the files of the project, by path.

    Parameters
    ----------
    tables : sequence of str
        Paths of CSV tables of candidates that the project shows as examples.
    """
    nothing = np.empty(0, dtype=object)

    def drawn(table: Table, title: str, words: str, geometry: str, style: Style, height: int) -> Shown:
        fields = tuple(schema_field(one) for one in table)
        layer = Layer(table.name, title, words, geometry, fields, (), nothing)
        source = f"./{SITE_FILE}|layername={table.name}"
        return Shown(layer, style, source, read_only=False, height=height, more=tuple(_form(table)))

    words = "Draw a point for each site, and fill in the known values; leave unknown ones blank."
    candidates = drawn(CANDIDATES, "My candidates", words, "Point", _candidates(), 3)
    halls = "Draw the halls and yards of your sites, and enter the site of each; they are for the map only."
    areas = drawn(AREAS, "My halls and yards", halls, "MultiPolygon", _areas(), 2)
    examples = [
        Shown(
            Layer(PurePosixPath(path).stem, PurePosixPath(path).name, "An example.", "Point", (), (), nothing),
            _example(),
            f"file:./{path}?type=csv&encoding=UTF-8&detectTypes=yes&xField=longitude&yField=latitude&crs=EPSG:4326"
            "&spatialIndex=no&subsetIndex=no&watchFile=no",
            provider="delimitedtext",
            height=1,
        )
        for path in tables
    ]
    base = base_layers(WORLD)
    groups = [
        Group("Candidates", (candidates, areas)),
        Group("Examples", tuple(examples), expanded=False),
        base_group(base, BASE_MAP),
    ]
    title = "Candidates: draw points, fill in the form, save"
    return {
        PROJECT: project(title, words, groups, _VIEW),
        SITE_FILE: geopackage([candidates.layer, areas.layer], {}),
        BASE_MAP: geopackage(base, {one.name: qml_text(style_of(one, {}, alone=True), one.fields) for one in base}),
    }


def _candidates() -> Style:
    """Return the style of candidates drawn by the user."""
    rows = {alias(one): column(one.name) for one in CANDIDATES if one.name not in ("name", "sources", "notes")}
    tip = map_tips.tip(f"coalesce({column('name')}, {column('site_id')}, 'no name yet')", rows)
    symbol = qml.symbol("marker", qml.marker("diamond", 4.6, rgba(STANDING[Standing.CHOSEN]), rgba(INK), 0.3))
    label = Label(column("name"), size=8.5, bold=True, priority=8)
    return Style(qml.single(symbol), (label,), tip, column("name"))


def _areas() -> Style:
    """Return the style of halls and yards drawn by the user."""
    classes = [(str(use), use.capitalize(), area_symbol(use)) for use in Use]
    rows = {alias(one): column(one.name) for one in AREAS if one.name in ("site_id", "notes")}
    use = f"coalesce({column('use')}, 'no use yet')"
    renderer = qml.categorized("use", [*classes, ("", "No use yet", area_symbol("outline"))])
    return Style(renderer, (Label(use, priority=3, place=Place.ACROSS),), map_tips.tip(use, rows), use)


def _example() -> Style:
    """Return the style of an example table of candidates."""
    symbol = qml.symbol("marker", qml.marker("circle", 2.4, rgba(STANDING[Standing.RANKED]), rgba("#FFFFFF"), 0.2))
    label = Label(column("name"), size=7, priority=2, closer_than=2 * NEAR)
    tip = map_tips.tip(column("name"), {"Notes": column("notes")}, column("site_id"))
    return Style(qml.single(symbol), (label,), tip, column("name"))


def _form(table: Table) -> list[Element]:
    """Return the widgets, defaults and constraints of all columns."""
    widgets, defaults, rules = element("fieldConfiguration"), element("defaults"), element("constraints")
    tests, editable = element("constraintExpressions"), element("editable")
    for one in table:
        derived = _FROM_THE_POINT.get(one.name)
        widgets.append(element("field", None, _widget(one), name=one.name, configurationFlags="None"))
        defaults.append(element("default", field=one.name, expression=derived or "", applyOnUpdate=int(bool(derived))))
        editable.append(element("field", name=one.name, editable=int(derived is None)))
        required = one.required and derived is None
        unique = (one.name,) == table.key
        test = _range(one)
        found = _NOT_NULL * required + _UNIQUE * unique + _EXPRESSION * bool(test)
        strengths = {"notnull_strength": _SOFT * required, "unique_strength": _SOFT * unique}
        strengths["exp_strength"] = _SOFT * bool(test)
        rules.append(element("constraint", field=one.name, constraints=found, **strengths))
        tests.append(element("constraint", field=one.name, exp=test, desc=f"{one.expected}: {one.help}"))
    return [widgets, defaults, rules, tests, editable]


def _range(one: Column) -> str:
    if one.low is None or one.high is None or one.name in _FROM_THE_POINT:
        return ""
    name = column(one.name)
    return f"{name} is null or {name} between {one.low:.12g} and {one.high:.12g}"


def _widget(one: Column) -> Element:
    """Return the widget of a column: a list for a choice, a calendar for a date, a text field otherwise."""
    config: dict[str, object]
    if one.choices:
        choices = [{"(unknown)": _NULL}, *({choice: choice} for choice in one.choices)]
        type_, config = "ValueMap", {"map": choices}
    elif one.type is Type.DATE:
        day = "yyyy-MM-dd"
        type_, config = "DateTime", {"allow_null": True, "calendar_popup": True, "display_format": day}
        config |= {"field_format": day, "field_iso_format": False}
    else:
        type_, config = "TextEdit", {"IsMultiline": one.name in ("sources", "notes"), "UseHtml": False}
    return element("editWidget", None, element("config", None, qml.option_map(config)), type=type_)
