"""Describe how each layer looks, once for the QGIS project, the GeoPackage and the QML files beside the GeoJSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from siteopt.equipment import KINDS, Kind
from siteopt.output import map_tips, qml
from siteopt.output.layer import Field, Layer
from siteopt.output.layers import AREA_ROLES
from siteopt.output.names import titled
from siteopt.output.palette import BORDER, INK, LAND, MARKER, SEVERITY, STANDING, WATER
from siteopt.output.qml import Label, Place, column, quoted, rgba
from siteopt.record.base import Standing

WORDS = {
    Standing.CHOSEN: "Chosen",
    Standing.RANKED: "Ranked",
    Standing.NOT_RANKED: "Not ranked: proven worse",
    Standing.UNDECIDED: "Undecided: the time ran out",
    Standing.CANNOT_SERVE: "Cannot serve",
    Standing.EXCLUDED: "Excluded",
}
"""Legend text of each standing."""

NEAR = 4_000_000
"""Scale denominator that shows a province; closer than this, there is room for a label at every candidate."""
CONTINENT = 50_000_000
"""Scale denominator that shows a continent; farther out than this, province borders would be too dense."""
ON_SITE = 40_000
"""Scale denominator that shows a town; closer than this, halls and yards have labels and deliveries are hidden."""

CROWD = 500
"""With more sites than this, all sites lie below the plan, and all but the chosen and ranked ones are drawn smaller."""

_SIZES_MM = {"star": 5.5, "circle": 2.6, "diamond": 3.4, "cross": 2.4, "square": 1.8}
_MM_PER_PIXEL = 0.6
"""Length of the dashes of a haul in QGIS, in mm for each pixel of a dash on the page."""
_AREA_WORDS = {"outline": "Outline of the site", "yard": "Yard", "hall": "Hall"}
_WHITE, _CLEAR = rgba("#FFFFFF"), rgba("#FFFFFF", 0)
_ACCENT = rgba(STANDING[Standing.CHOSEN])
_FIRST = 10
"""Last rank whose name is bold."""
_LAST = 1_000_000
"""Drawing order of a site without a rank: behind every rank."""

OWN_SUPPLY = {"Grid": "grid_mw", "Distribution": "distribution_mw", "Own towers": "own_cooling_mw"}
"""Columns of the candidates with what a site has now, by their words in its map tip."""


@dataclass(frozen=True)
class Style:
    """How a layer looks, and what its labels and map tips say.

    Attributes
    ----------
    tip : str
        HTML with QGIS expressions, shown when the pointer rests on a feature.
    shown_as : str
        QGIS expression that names a feature in lists.
    obstacle : bool
        Whether the labels of other layers avoid the features of this one.
    farther_than : float
        Scale denominator; closer than this, the layer is hidden. 0 never hides it.
    times : dict, optional
        Mode and expressions for the Temporal Controller.
    """

    renderer: Element
    labels: tuple[Label, ...] = ()
    tip: str = ""
    shown_as: str = ""
    obstacle: bool = False
    farther_than: float = 0
    times: Mapping[str, object] | None = None

    @property
    def attributes(self) -> dict[str, object]:
        """Return the attributes of the element around the style: labelling, and the scales that show the layer."""
        labelled, scaled = bool(self.labels) or self.obstacle, self.farther_than > 0
        scales = {"hasScaleBasedVisibilityFlag": int(scaled), "minScale": 1e10, "maxScale": self.farther_than}
        return {"labelsEnabled": int(labelled), **(scales if scaled else {})}


def style_of(layer: Layer, milestones: Mapping[str, str], *, alone: bool) -> Style:
    """Return the style of a layer.

    Parameters
    ----------
    milestones : mapping of str to str
        Names by field, as returned by :func:`siteopt.output.layers.milestone_names`.
    alone : bool
        Whether the layer is opened without the others; if so, it also shows the labels of those layers.
    """
    if layer.name == "sites":
        return _sites(layer, milestones, alone=alone)
    if layer.name == "issues":
        return _issues(all(row["severity"] in ("error", "warning") for row in layer.rows))
    return _STYLES[layer.name]()


def style_elements(style: Style, fields: Sequence[Field] = ()) -> list[Element]:
    """Return a style as the child elements of a QML file, or of a layer in a project."""
    made = []
    if style.times:
        made.append(qml.element("temporal", **style.times, enabled=1))
    made.append(style.renderer)
    if style.labels:
        made.append(qml.labeling(style.labels))
    elif style.obstacle:
        made.append(qml.obstacles())
    aliases = qml.element("aliases")
    for index, field in enumerate(fields):
        aliases.append(qml.element("alias", index=index, field=field.name, name=field.alias))
    made += [aliases, qml.element("previewExpression", style.shown_as), qml.element("mapTip", style.tip)]
    return made


def qml_text(style: Style, fields: Sequence[Field] = ()) -> str:
    """Return the text of a QML file."""
    children = style_elements(style, fields)
    root = qml.element("qgis", None, *children, version="3.22.0", **style.attributes)
    root.set("styleCategories", "AllStyleCategories")
    return qml.xml(root)


def _sites(layer: Layer, milestones: Mapping[str, str], *, alone: bool) -> Style:
    """Return the style of the candidates, by standing.

    Ranks and days are shown at any scale; reasons only where there is room, or at any scale if no site has a rank.
    """
    ranked = any(row["rank"] is not None for row in layer.rows)
    days = " || ', ' || ".join(column(f"day_{field}") for field in milestones) or "''"
    name_and_days = f"{column('name')} || '\\nday ' || {days}"
    others = f"{column('rank')} is not null and {column('standing')} <> {quoted(Standing.CHOSEN)}"
    reason = f"coalesce(nullif({column('reason')}, ''), {column('standing')})"
    colour = STANDING[Standing.RANKED]
    labels = [
        Label(column("rank"), others, 6.5, "#FFFFFF", bold=True, priority=10, place=Place.ON_TOP),
        Label(name_and_days, f"{others} and {column('rank')} <= {_FIRST}", 8, colour, bold=True, priority=8),
        Label(name_and_days, f"{others} and {column('rank')} > {_FIRST}", 7.5, colour, priority=6),
        Label(
            f"{column('name')} || '\\n' || left({reason}, 60)",
            f"{column('rank')} is null",
            7,
            "#5C6468",
            priority=2,
            closer_than=NEAR if ranked else 0,
        ),
    ]
    if alone:
        first = f"{column('standing')} = {quoted(Standing.CHOSEN)}"
        labels.append(Label(name_and_days, first, 9, bold=True, priority=10, boxed=True))
    classes = [
        (str(standing), words, _site_symbol(standing, len(layer.rows) > CROWD)) for standing, words in WORDS.items()
    ]
    rank = column("rank")
    rows = {name: _day_of(field) for field, name in milestones.items()}
    rows |= {"Cost": column("cost"), "Reason": _filled("reason"), "Assumed": _filled("assumed")}
    known = {field.name for field in layer.fields}
    rows |= {word: _with_basis(name) for word, name in OWN_SUPPLY.items() if {name, "basis"} <= known}
    tip = map_tips.tip(f"coalesce({rank} || '. ', '') || {column('name')}", rows, column("standing"))
    # drawn from the last rank to the first, so that the best is on top
    renderer = qml.categorized("standing", classes, f"coalesce({rank}, {_LAST})")
    return Style(renderer, tuple(labels), tip, column("name"))


def _site_symbol(standing: Standing, crowded: bool) -> Element:
    shape, colour = MARKER[standing], rgba(STANDING[standing])
    size = _SIZES_MM[shape]
    if standing is Standing.CHOSEN:
        return qml.symbol("marker", qml.marker("star", size, colour))
    if standing is Standing.RANKED:
        return qml.symbol("marker", qml.marker("circle", 4.6, colour, _WHITE, 0.3))
    shrink = 0.5 if crowded else 1
    if standing is Standing.EXCLUDED:
        return qml.symbol("marker", qml.marker("square", size * shrink, _CLEAR, colour, 0.35 * shrink))
    if standing is Standing.CANNOT_SERVE:
        return qml.symbol("marker", qml.marker("cross2", size * shrink, colour, colour, 0.6 * shrink))
    return qml.symbol("marker", qml.marker(shape, size * shrink, colour, rgba(INK), 0.2 * shrink))


def _star() -> Element:
    return qml.symbol(
        "marker",
        qml.marker("star", 9.6, _WHITE, _WHITE, 0.4),
        qml.marker("star", 8, _ACCENT, rgba(INK), 0.3),
    )


def _chosen() -> Style:
    text = f"{column('name')} || '\\n' || replace({column('days')}, ', ', '\\n') || '\\n' || {column('cost')}"
    rows = {word: _filled(word.lower()) for word in ("Days", "Cost", "Faster", "Limits")} | {
        "Handover": column("handover")
    }
    tip = map_tips.tip(column("name"), rows, column("outcome"))
    label = Label(text, size=9, bold=True, priority=10, boxed=True, away_mm=11, place=Place.ROUND)
    return Style(qml.single(_star()), (label,), tip, column("name"))


def _milestones() -> Style:
    """Return the style of the milestones: a ring for each around the chosen site.

    With the Temporal Controller, each ring appears on the day of its milestone.
    """
    size = {"size": f"9 + 2.5 * {column('number')}"}
    options = {"name": "circle", "size": 12, "color": _CLEAR, "outline_color": rgba(STANDING[Standing.CHOSEN], 0.75)}
    ring = qml.symbol_layer("SimpleMarker", {**options, "outline_width": 0.45}, size)
    rows = {
        "GPUs": f"format_number({column('gpus')}, 0)",
        "Day": f"{column('day')} || ', ' || {column('date')}",
        "Demand": f"format_number({column('demand_mw')}, 1) || ' MW'",
        "Limited by": _filled("limited_by"),
    }
    tip = map_tips.tip(column("name"), rows)
    times = _times("date")
    return Style(qml.single(qml.symbol("marker", ring)), (), tip, column("name"), True, times=times)


def _deliveries() -> Style:
    classes = [(kind.name, titled(kind.plural), _haul_symbol(kind)) for kind in KINDS]
    rows = {"From": column("depot"), "Rating": f"format_number({column('mw')}, 1) || ' MW'"}
    rows |= {name.capitalize(): column(name) for name in ("leaves", "arrives", "ready", "serves")}
    tip = map_tips.tip(f"{column('units')} || ' x ' || {column('model')}", rows | {"Cost": column("cost")})
    named = f"{column('units')} || ' x ' || {column('model')} || ', ' || {column('depot')}"
    return Style(qml.categorized("kind", classes), (), tip, named, True, ON_SITE, _times("leaves", "arrives"))


def _haul_symbol(kind: Kind) -> Element:
    """Return a line with an arrow; its dashes tell the kind of equipment even without its colour."""
    colour, lengths = rgba(kind.colour), ";".join(f"{_MM_PER_PIXEL * length:g}" for length in kind.dash)
    dash = {"use_custom_dash": 1, "customdash": lengths, "customdash_unit": "MM"} if kind.dash[1] else {}
    arrow = qml.symbol("marker", qml.marker("filled_arrowhead", 4, colour, _WHITE, 0.2))
    along = {"placement": "centralpoint", "rotate": 1}
    return qml.symbol(
        "line",
        qml.stroke(rgba("#FFFFFF", 0.8), 1.2),
        qml.stroke(colour, 0.7, **dash),
        qml.symbol_layer("MarkerLine", along, inner=arrow),
    )


def _depot_symbol() -> Element:
    return qml.symbol("marker", qml.marker("triangle", 3.2, rgba(INK), _WHITE, 0.3))


def _depots() -> Style:
    tip = map_tips.tip(column("depot"), {"First departure": column("leaves")}, column("contents"))
    labels = (
        Label(column("depot"), size=7.5, priority=4, farther_than=NEAR),
        Label(f"{column('depot')} || '\\n' || {column('contents')}", size=7.5, priority=4, closer_than=NEAR),
    )
    return Style(qml.single(_depot_symbol()), labels, tip, column("depot"))


def area_symbol(role: str) -> Element:
    """Return the symbol of an outline, a yard or a hall."""
    if role == "outline":
        return qml.symbol("fill", qml.fill(_CLEAR, _ACCENT, 0.6))
    shade = {"yard": rgba(BORDER, 0.55), "hall": rgba(STANDING[Standing.CHOSEN], 0.45)}[role]
    return qml.symbol("fill", qml.fill(shade, rgba(INK), 0.3))


def _areas() -> Style:
    classes = [(role, _AREA_WORDS[role], area_symbol(role)) for role in AREA_ROLES]
    text = f"title({column('role')})"
    tip = map_tips.tip(text, {"Area": "format_number($area, 0) || ' m2'"}, column("name"))
    inner = f"{column('role')} <> 'outline'"
    label = Label(text, inner, size=8, priority=3, closer_than=ON_SITE, place=Place.ACROSS)
    return Style(qml.categorized("role", classes), (label,), tip, text)


def _issues(only_issues: bool) -> Style:
    """Return the style of the issues; a row of the input has one label, which lists all of its issues."""
    near = 0 if only_issues else NEAR
    label = Label(column("label"), f"{column('label')} is not null", 8.5, bold=True, priority=7, closer_than=near)
    place = f"coalesce(nullif({column('name')}, ''), {column('file')}) || coalesce(', row ' || {column('row')}, '')"
    classes = [
        ("error", "Error", qml.symbol("marker", qml.marker("triangle", 4.2, rgba(SEVERITY["error"]), rgba(INK), 0.3))),
        ("warning", "Warning", qml.symbol("marker", _gap("triangle", "warning"))),
        ("excluded", "Unknown: the site is excluded", qml.symbol("marker", _gap("diamond", "excluded"))),
        ("assumed", "Unknown: a value is assumed", qml.symbol("marker", _gap("circle", "assumed"))),
    ]
    rows = {word.capitalize(): _filled(word) for word in ("column", "found", "expected", "file")}
    tip = map_tips.tip(place, rows, column("severity"))
    return Style(qml.categorized("severity", classes), (label,), tip, place)


def _gap(shape: str, severity: str) -> Element:
    return qml.marker(shape, 3.2, _CLEAR, rgba(SEVERITY[severity]), 0.6)


def _land() -> Style:
    return Style(qml.single(qml.symbol("fill", qml.fill(rgba(LAND), rgba(BORDER), 0.2))))


def _lakes() -> Style:
    return Style(qml.single(qml.symbol("fill", qml.fill(rgba(WATER), rgba(BORDER), 0.1))))


def _borders() -> Style:
    province = qml.symbol("line", qml.stroke(rgba(BORDER, 0.7), 0.18))
    country = qml.symbol("line", qml.stroke(rgba(BORDER), 0.4))
    kind = column("kind")
    classes = [
        (f"{kind} = 'province border'", "Province", province),
        (f"{kind} = 'country border'", "Country", country),
    ]
    return Style(qml.rules(classes, {"Province": CONTINENT}))


_STYLES: Mapping[str, Callable[[], Style]] = {
    "chosen": _chosen,
    "milestones": _milestones,
    "deliveries": _deliveries,
    "depots": _depots,
    "areas": _areas,
    "land": _land,
    "lakes": _lakes,
    "borders": _borders,
}


def plan_style() -> Style:
    """Return one style for all of ``plan.geojson``, whose points, lines and polygons QGIS opens as separate layers."""

    def role(name: str) -> str:
        return f"{column('role')} = {quoted(name)}"

    classes = [
        (role("site"), "Chosen site", _star()),
        *((f"{column('kind')} = {quoted(kind.name)}", titled(kind.name), _haul_symbol(kind)) for kind in KINDS),
        (role("depot"), "Depot", _depot_symbol()),
        *((role(name), _AREA_WORDS[name], area_symbol(name)) for name in AREA_ROLES),
    ]
    labels = (
        Label(f"{column('name')} || '\\nready ' || {column('ready')}", role("site"), 9, bold=True, boxed=True),
        Label(column("name"), role("depot"), 7.5, priority=4),
    )
    rows = {name.capitalize(): column(name) for name in ("kind", "leaves", "arrives", "ready")}
    tip = map_tips.tip(
        f"coalesce({column('units')} || ' x ', '') || coalesce({column('name')}, {column('role')})", rows
    )
    return Style(qml.rules(classes), labels, tip, column("name"), times=_times("leaves", "arrives"))


def _times(first: str, last: str = "") -> dict[str, object]:
    """Return when a feature is visible: from the first date to the end of the last one.

    A date that is null sets no limit. Without ``last`` there is no end. The dates are expressions and not fields,
    because QGIS compares a date with a time as text, and would be a day early.
    """
    start = f"coalesce(to_datetime({column(first)}), to_datetime('1900-01-01'))"
    end = f"coalesce(to_datetime({column(last)}), to_datetime('2900-01-01')) + to_interval('1 day')" if last else ""
    return {"mode": _BY_EXPRESSIONS, "startExpression": start, "endExpression": end}


_BY_EXPRESSIONS = 4


def _day_of(field: str) -> str:
    limit = f"coalesce(', limited by ' || {_filled('limited_by_' + field)}, '')"
    return f"'day ' || {column('day_' + field)} || ', ' || {column('date_' + field)} || {limit}"


def _with_basis(name: str) -> str:
    """Return an expression for a column of MW, with the right on which it rests if it is that of the grid."""
    basis = f" || coalesce(', ' || {_filled('basis')}, '')" if name == "grid_mw" else ""
    return f"format_number({column(name)}, 1) || ' MW'{basis}"


def _filled(name: str) -> str:
    """Return an expression for a column that is null where its text is empty."""
    return f"nullif({column(name)}, '')"
