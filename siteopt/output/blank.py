"""A QGIS project to draw candidates in: an empty layer whose form follows from the schema, and the example tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

import numpy as np

from siteopt.output import qml
from siteopt.output.geopackage import geopackage
from siteopt.output.layers import Layer, base_layers, schema_field
from siteopt.output.maps import base_group
from siteopt.output.project import Group, Shown, project
from siteopt.output.qml import column, element
from siteopt.output.styles import drawn_style, example_style, qml_text, style_of
from siteopt.schema import CANDIDATES, Column, Type

PROJECT, CANDIDATE_FILE, BASE_MAP = "candidates.qgz", "data/my_candidates.gpkg", "data/basemap.gpkg"

WORLD = (-180.0, -90.0, 180.0, 90.0)
_VIEW = (-170.0, -50.0, 175.0, 70.0)
_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
"""What QGIS means by null in a list of values."""

_NOT_NULL, _UNIQUE, _EXPRESSION = 1, 2, 4
_SOFT = 2
"""A constraint that the form shows, and that lets an unfinished row be saved."""

_FROM_THE_POINT = {"latitude": "round(y($geometry), 6)", "longitude": "round(x($geometry), 6)"}


def blank_files(tables: Sequence[str]) -> dict[str, bytes]:
    """The files by their paths.

    Parameters
    ----------
    tables : sequence of str
        CSV tables of candidates, by their paths, that the project shows as examples.
    """
    words = "Draw a point for each site, and fill in what is known; a blank is unknown."
    fields = tuple(schema_field(one) for one in CANDIDATES)
    nothing = np.empty(0, dtype=object)
    candidates = Layer("candidates", "My candidates", words, "Point", fields, (), nothing)
    drawn = Shown(
        candidates,
        drawn_style(),
        f"./{CANDIDATE_FILE}|layername=candidates",
        read_only=False,
        height=2,
        more=tuple(_form()),
    )
    examples = [
        Shown(
            Layer(PurePosixPath(path).stem, PurePosixPath(path).name, "An example.", "Point", (), (), nothing),
            example_style(),
            f"file:./{path}?type=csv&encoding=UTF-8&detectTypes=yes&xField=longitude&yField=latitude&crs=EPSG:4326"
            "&spatialIndex=no&subsetIndex=no&watchFile=no",
            provider="delimitedtext",
            height=1,
        )
        for path in tables
    ]
    base = base_layers(WORLD)
    groups = [
        Group("Candidates", (drawn,)),
        Group("Examples", tuple(examples), expanded=False),
        base_group(base, BASE_MAP),
    ]
    title = "Candidates: draw points, fill in the form, save"
    return {
        PROJECT: project(title, words, groups, _VIEW),
        CANDIDATE_FILE: geopackage([candidates], {}),
        BASE_MAP: geopackage(base, {one.name: qml_text(style_of(one, {}, alone=True), one.fields) for one in base}),
    }


def _form() -> list[Element]:
    """Widgets, defaults and constraints of every column."""
    widgets, defaults, rules = element("fieldConfiguration"), element("defaults"), element("constraints")
    tests, editable = element("constraintExpressions"), element("editable")
    for one in CANDIDATES:
        derived = _FROM_THE_POINT.get(one.name)
        widgets.append(element("field", None, _widget(one), name=one.name, configurationFlags="None"))
        defaults.append(element("default", field=one.name, expression=derived or "", applyOnUpdate=int(bool(derived))))
        editable.append(element("field", name=one.name, editable=int(derived is None)))
        required = one.required and derived is None
        unique = (one.name,) == CANDIDATES.key
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
    """A list for a choice, a calendar for a date, a line of text for everything else."""
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
