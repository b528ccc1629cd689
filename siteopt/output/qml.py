"""The XML of QGIS, piece by piece: symbols, renderers, labels. It is read by QGIS 3.22 and later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from siteopt.output.palette import INK

FONTS = ("Open Sans", "Noto Sans", "Segoe UI", "Helvetica Neue", "DejaVu Sans")
"""The first that a machine has is taken; QGIS finds the glyphs of other scripts by itself."""

_PLACEMENT: dict[str, object] = {
    "predefinedPositionOrder": "R,L,TR,BR,TL,BL,TSR,BSR",
    "quadOffset": 4,  # in the middle, where it is on top
    "offsetType": 1,  # from the edge of the symbol
    "distUnits": "MM",
}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, text: object = None, /, *children: Element, **attributes: object) -> Element:
    """An element without the characters that XML forbids; an attribute called like a keyword ends in ``_``."""
    made = Element(tag, {name.rstrip("_"): clean(value) for name, value in attributes.items()})
    made.text = None if text is None else clean(text)
    made.extend(children)
    return made


def clean(value: object) -> str:
    """A value as text that XML can hold."""
    return _NOT_XML.sub("", str(value))


def xml(root: Element) -> str:
    """The text of an XML document."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def column(name: str) -> str:
    """A column in an expression of QGIS."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A text in an expression of QGIS."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def rgba(colour: str, alpha: float = 1.0) -> str:
    """``#D55E00`` as QGIS writes it: ``213,94,0,255``."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * alpha)}"


def option_map(values: Mapping[str, object], name: str | None = None) -> Element:
    """A map of options; lists, maps and truth values keep their type."""
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
    """One layer of a symbol; ``expressions`` set properties by feature, ``inner`` is a symbol along a line."""
    made = element("layer", class_=class_, enabled=1, locked=0)
    made.append(option_map({name: str(value) for name, value in options.items()}))
    if expressions:
        made.append(_data_defined("data_defined_properties", expressions))
    if inner is not None:
        inner.set("name", "@0@0")
        made.append(inner)
    return made


def symbol(type_: str, *layers: Element, alpha: float = 1.0) -> Element:
    """A symbol: ``marker``, ``line`` or ``fill``."""
    return element("symbol", None, *layers, type=type_, alpha=alpha, clip_to_extent=1, force_rhr=0)


def marker(shape: str, size: float, fill: str, outline: str = INK, width: float = 0.3, **more: object) -> Element:
    """A simple marker; sizes in mm, colours as :func:`rgba` gives them."""
    options = {"name": shape, "size": size, "color": fill, "outline_color": outline, "outline_width": width}
    return symbol_layer("SimpleMarker", {**options, "joinstyle": "miter", **more})


def stroke(colour: str, width: float, **more: object) -> Element:
    """A simple line; its width in mm, dashes in mm."""
    options = {"line_color": colour, "line_width": width, "capstyle": "round", "joinstyle": "round"}
    return symbol_layer("SimpleLine", {**options, **more})


def fill(colour: str, outline: str, width: float) -> Element:
    """A simple fill; no outline where its width is 0."""
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
    """A renderer with one symbol for all features."""
    return element("renderer-v2", None, _numbered([one]), type="singleSymbol", enableorderby=0)


def categorized(field: str, classes: Sequence[tuple[str, str, Element]], order_by: str = "") -> Element:
    """A renderer by the values of a column.

    Parameters
    ----------
    classes : (value, words in the legend, symbol)
    order_by : str
        An expression; features are drawn from its highest value down.
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
    """A renderer by rules.

    Parameters
    ----------
    classes : (filter, words in the legend, symbol)
    closer_than : denominators of the scale beyond which a rule is silent, by its words
    """
    root = element("rules", key="rules")
    for number, (test, words, _) in enumerate(classes):
        rule = element("rule", key=f"rule {number}", filter=test, label=words, symbol=number)
        if closer_than and words in closer_than:
            rule.set("scalemaxdenom", str(closer_than[words]))
        root.append(rule)
    return element("renderer-v2", None, root, _numbered(one for _, _, one in classes), type="RuleRenderer")


class Place(IntEnum):
    """Where a label stands, as QGIS counts: beside a point, round it at a distance, on top of it, across a polygon."""

    ROUND = 0
    BESIDE = 6
    ON_TOP = 1
    ACROSS = 4


@dataclass(frozen=True)
class Label:
    """What is written beside a feature.

    Attributes
    ----------
    text : str
        An expression.
    where : str
        An expression that chooses the features; all unless given.
    priority : int
        0 to 10; the higher is placed first.
    closer_than, farther_than : float
        Denominators of the scales between which the label shows; 0 is no limit.
    boxed : bool
        On a white plate, and drawn even where nothing but a collision is left.
    away_mm : float
        From the edge of the symbol.
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
    """Labels by rules; those of one map do not overlap."""
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
    """No labels, but those of other layers keep clear of the features."""
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
    # a polygon that kept labels out would keep those of the polygons within it out, too
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
    """A white plate under a label."""
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
