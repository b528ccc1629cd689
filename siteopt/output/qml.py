"""Build the XML of QGIS piece by piece: symbols, renderers and labels. QGIS 3.22 and later can read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from siteopt.output.palette import INK

FONTS = ("Open Sans", "Noto Sans", "Segoe UI", "Helvetica Neue", "DejaVu Sans")
"""Fonts of the labels: QGIS uses the first installed one, and finds glyphs of other scripts itself."""

_PLACEMENT: dict[str, object] = {
    "predefinedPositionOrder": "R,L,TR,BR,TL,BL,TSR,BSR",
    "quadOffset": 4,  # centred, for a label on top of its point
    "offsetType": 1,  # distances count from the edge of the symbol
    "distUnits": "MM",
}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, text: object = None, /, *children: Element, **attributes: object) -> Element:
    """Return an element without the characters that XML forbids; an attribute ``class`` is given as ``class_``."""
    made = Element(tag, {name.rstrip("_"): clean(value) for name, value in attributes.items()})
    made.text = None if text is None else clean(text)
    made.extend(children)
    return made


def clean(value: object) -> str:
    """Return a value as text, without the characters that XML cannot hold."""
    return _NOT_XML.sub("", str(value))


def xml(root: Element) -> str:
    """Return the text of an XML document, indented."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def column(name: str) -> str:
    """Return the name of a column, quoted for a QGIS expression."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """Return a text, quoted for a QGIS expression."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def rgba(colour: str, alpha: float = 1.0) -> str:
    """Return a colour as QGIS writes it: ``#D55E00`` is ``213,94,0,255``."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * alpha)}"


def option_map(values: Mapping[str, object], name: str | None = None) -> Element:
    """Return a map of options; texts, numbers, truth values, lists and maps keep their type."""
    made = element("Option", None, type="Map") if name is None else element("Option", None, type="Map", name=name)
    made.extend(_option(key, value) for key, value in values.items())
    return made


def _option(name: str, value: object) -> Element:
    if isinstance(value, Mapping):
        return option_map(value, name)
    if isinstance(value, list):
        return element("Option", None, *map(option_map, value), type="List", name=name)
    if isinstance(value, bool):
        return element("Option", type="bool", name=name, value=str(value).lower())
    kind = "QString" if isinstance(value, str) else "int" if isinstance(value, int) else "double"
    return element("Option", type=kind, name=name, value=value)


def _data_defined(tag: str, expressions: Mapping[str, str]) -> Element:
    properties = {key: {"active": True, "expression": text, "type": 3} for key, text in expressions.items()}
    return element(tag, None, option_map({"name": "", "properties": properties, "type": "collection"}))


def symbol_layer(
    class_: str,
    options: Mapping[str, object],
    expressions: Mapping[str, str] | None = None,
    inner: Element | None = None,
) -> Element:
    """Return one layer of a symbol; ``expressions`` set properties by feature, ``inner`` is a symbol along a line."""
    made = element("layer", class_=class_, enabled=1, locked=0)
    made.append(option_map({name: str(value) for name, value in options.items()}))
    if expressions:
        made.append(_data_defined("data_defined_properties", expressions))
    if inner is not None:
        inner.set("name", "@0@0")
        made.append(inner)
    return made


def symbol(type_: str, *layers: Element, alpha: float = 1.0) -> Element:
    """Return a symbol of type ``marker``, ``line`` or ``fill``."""
    return element("symbol", None, *layers, type=type_, alpha=alpha, clip_to_extent=1, force_rhr=0)


def marker(shape: str, size: float, fill: str, outline: str = INK, width: float = 0.3, **more: object) -> Element:
    """Return a simple marker; sizes are in mm, colours as returned by :func:`rgba`."""
    options = {"name": shape, "size": size, "color": fill, "outline_color": outline, "outline_width": width}
    return symbol_layer("SimpleMarker", {**options, "joinstyle": "miter", **more})


def stroke(colour: str, width: float, **more: object) -> Element:
    """Return a simple line; its width and its dashes are in mm."""
    options = {"line_color": colour, "line_width": width, "capstyle": "round", "joinstyle": "round"}
    return symbol_layer("SimpleLine", {**options, **more})


def fill(colour: str, outline: str, width: float) -> Element:
    """Return a simple fill, without an outline if the width is 0."""
    style = "solid" if width else "no"
    options = {"color": colour, "outline_color": outline, "outline_width": width, "outline_style": style}
    return symbol_layer("SimpleFill", {**options, "joinstyle": "round"})


def _numbered(symbols: Iterable[Element]) -> Element:
    made = element("symbols")
    for number, one in enumerate(symbols):
        one.set("name", str(number))
        made.append(one)
    return made


def single(one: Element) -> Element:
    """Return a renderer with one symbol for all features."""
    return element("renderer-v2", None, _numbered([one]), type="singleSymbol", enableorderby=0)


def categorized(field: str, classes: Sequence[tuple[str, str, Element]], order_by: str = "") -> Element:
    """Return a renderer that chooses the symbol of a feature by the value of a column.

    Parameters
    ----------
    classes : sequence of (value, legend text, symbol)
    order_by : str
        A QGIS expression; features are drawn from its highest value down.
    """
    made = element("renderer-v2", type="categorizedSymbol", attr=field, enableorderby=int(bool(order_by)))
    categories = element("categories")
    for number, (value, words, _) in enumerate(classes):
        categories.append(element("category", value=value, label=words, symbol=number, render="true"))
    made.extend([categories, _numbered(one for _, _, one in classes)])
    if order_by:
        made.append(element("orderby", None, element("orderByClause", order_by, asc=0, nullsFirst=0)))
    return made


def rules(classes: Sequence[tuple[str, str, Element]], closer_than: Mapping[str, float] | None = None) -> Element:
    """Return a renderer that chooses the symbol of a feature by rules.

    Parameters
    ----------
    classes : sequence of (filter, legend text, symbol)
    closer_than : mapping of str to float, optional
        Scale denominators by legend text; farther out than this, the rule draws nothing.
    """
    root = element("rules", key="rules")
    for number, (test, words, _) in enumerate(classes):
        rule = element("rule", key=f"rule {number}", filter=test, label=words, symbol=number)
        if closer_than and words in closer_than:
            rule.set("scalemaxdenom", str(closer_than[words]))
        root.append(rule)
    return element("renderer-v2", None, root, _numbered(one for _, _, one in classes), type="RuleRenderer")


class Place(IntEnum):
    """Place of a label, by QGIS's number: round a point at a distance, beside it, on top of it, across a polygon."""

    ROUND = 0
    BESIDE = 6
    ON_TOP = 1
    ACROSS = 4


@dataclass(frozen=True)
class Label:
    """A label for features of a layer.

    Attributes
    ----------
    text : str
        QGIS expression for the text.
    where : str
        QGIS expression that selects the features; all features unless given.
    priority : int
        0 to 10; labels with a higher priority are placed first.
    closer_than, farther_than : float
        Scale denominators between which the label shows; 0 sets no limit.
    boxed : bool
        Whether the label has a white background, and is drawn even if it overlaps others.
    away_mm : float
        Distance from the edge of the symbol.
    """

    text: str
    where: str = ""
    size: float = 8
    colour: str = INK
    bold: bool = False
    priority: int = 5
    closer_than: float = 0
    farther_than: float = 0
    boxed: bool = False
    away_mm: float = 1
    place: Place = Place.BESIDE


def labeling(labels: Sequence[Label]) -> Element:
    """Return labels by rules; QGIS keeps the labels of a map from overlapping, unless one is always drawn."""
    root = element("rules", key="labels")
    for number, label in enumerate(labels):
        rule = element("rule", None, _settings(label), key=f"label {number}")
        if label.where:
            rule.set("filter", clean(label.where))
        if label.closer_than:
            rule.set("scalemaxdenom", str(label.closer_than))
        if label.farther_than:
            rule.set("scalemindenom", str(label.farther_than))
        root.append(rule)
    return element("labeling", None, root, type="rule-based")


def obstacles() -> Element:
    """Return settings for a layer without labels that makes the labels of other layers avoid its features."""
    return element(
        "labeling", None, element("settings", None, element("rendering", drawLabels=0, obstacle=1)), type="simple"
    )


def _settings(label: Label) -> Element:
    text = element(
        "text-style",
        fieldName=label.text,
        isExpression=1,
        fontFamily=FONTS[0],
        fontSize=label.size,
        fontSizeUnit="Point",
        fontWeight=75 if label.bold else 50,
        textColor=rgba(label.colour),
        multilineHeight=1,
    )
    text.append(element("families", None, *(element("family", name=name) for name in FONTS)))
    always = label.boxed or label.place is Place.ON_TOP
    halo: dict[str, object] = {
        "bufferDraw": int(not always),
        "bufferSize": 0.8,
        "bufferSizeUnits": "MM",
        "bufferOpacity": 0.85,
    }
    text.append(element("text-buffer", **halo, bufferColor=rgba("#FFFFFF"), bufferNoFill=1, bufferJoinStyle=128))
    if label.boxed:
        text.append(_plate())
    # a polygon that is an obstacle would also keep out the labels of polygons inside it
    obstacle = int(label.place is not Place.ACROSS)
    rendering = element("rendering", drawLabels=1, obstacle=obstacle, obstacleFactor=1, displayAll=int(always))
    return element(
        "settings",
        None,
        text,
        element("text-format", multilineAlign=0, wrapChar="", autoWrapLength=0),
        element("placement", **_PLACEMENT, placement=int(label.place), priority=label.priority, dist=label.away_mm),
        rendering,
    )


def _plate() -> Element:
    """Return the white background of a label."""
    inner = symbol("fill", fill(rgba("#FFFFFF", 0.92), rgba(INK), 0.25))
    inner.set("name", "fillSymbol")
    shape: dict[str, object] = {
        "shapeDraw": 1,
        "shapeType": 0,
        "shapeSizeType": 0,
        "shapeSizeX": 1.6,
        "shapeSizeY": 1.1,
    }
    shape |= {"shapeSizeUnit": "MM", "shapeRadiiX": 0.8, "shapeRadiiY": 0.8, "shapeRadiiUnit": "MM"}
    shape |= {"shapeFillColor": rgba("#FFFFFF", 0.92), "shapeBorderColor": rgba(INK), "shapeOpacity": 1}
    return element("background", None, inner, **shape, shapeBorderWidth=0.25, shapeBorderWidthUnit="MM")
