"""Provide the common parts of all charts: look, size, and the conversion of a specification to SVG and PNG."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from siteopt.output.palette import BORDER

if TYPE_CHECKING:
    import altair as alt

WIDE, NARROW = 960, 380
"""Widths of a chart in pixels: wide for a screen, paper or a slide, and narrow for a phone."""

FONT = (
    '"Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans KR", "Noto Sans CJK KR", "Apple SD Gothic Neo",'
    ' "Malgun Gothic", sans-serif'
)
ANY_FONT = "sans-serif"
"""Font while a chart is drawn; every additional family would be looked up for each text."""
TEXT, SMALL = 13.0, 11.5
"""Font sizes in pixels."""
DATE = 70.0
"""Width of a date in pixels."""
LETTER = 0.54
"""Average width of a Latin letter in a wide font, as a share of its height."""
NEARLY = 0.9
"""Smallest distance between ticks, as a share of the wanted distance."""
QUIET = "#5B666C"
"""Colour of secondary text."""
GRID = "#E4E1DA"
AXIS: dict[str, Any] = {
    "title": None,
    "labelFontSize": SMALL,
    "labelColor": QUIET,
    "labelLineHeight": 14,
    "labelFlush": False,
    "labelOverlap": False,
    "labelLimit": 1000,
    "gridColor": GRID,
    "domainColor": BORDER,
    "tickColor": BORDER,
}

_SVG = "http://www.w3.org/2000/svg"
_NOISE = ("role", "class", "pointer-events", "aria-roledescription", "aria-hidden", "aria-label")

_UNDRAWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold; any of them makes vl-convert end the whole process."""

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Chart:
    """A chart as a caption, a table and a drawing.

    Attributes
    ----------
    name : str
        Name of its file, without the ending.
    title, caption : str
        The caption describes the chart with its figures, so that it can replace the chart.
    draw : callable
        Function from a width in pixels to an Altair chart.
    header, rows
        The data as a table; no rows if the caption or another table holds the data.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[int], alt.LayerChart]
    header: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Frame:
    """A drawing of fixed size in pixels: the plot, and the margins around it."""

    width: float
    height: float
    left: float = 8
    right: float = 8
    top: float = 8
    bottom: float = 8

    @property
    def plot_width(self) -> float:
        """Return the pixels between the left and the right margin."""
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> float:
        """Return the pixels between the top and the bottom margin."""
        return self.height - self.top - self.bottom

    def around(self, layers: Iterable[Any]) -> alt.LayerChart:
        """Return the layers as one chart of exactly this size."""
        import altair as alt

        return alt.LayerChart(
            layer=list(layers),
            width=self.plot_width,
            height=self.plot_height,
            padding={"left": self.left, "right": self.right, "top": self.top, "bottom": self.bottom},
            autosize=alt.AutoSizeParams(type="none"),
            config=alt.Config(font=ANY_FONT, background="white", view=alt.ViewConfig(stroke=None)),
        )

    def x(self) -> alt.X:
        """Return the encoding of a position across, in pixels from the left of the plot."""
        return _pixels("X", [0, self.plot_width])

    def y(self) -> alt.Y:
        """Return the encoding of a position down, in pixels from the top of the plot."""
        return _pixels("Y", [self.plot_height, 0])


def _pixels(channel: str, domain: list[float]) -> Any:
    import altair as alt

    scale = alt.Scale(domain=domain, nice=False, zero=False)
    return getattr(alt, channel)(f"{channel.lower()}:Q", scale=scale, axis=None)


def values(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows as the data of a layer; as JSON text, because Altair would copy every row many times."""
    import altair as alt

    drawn = [
        {name: _UNDRAWN.sub("\ufffd", cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        for row in rows
    ]
    return alt.InlineData(values=json.dumps(drawn, ensure_ascii=False), format=alt.JsonDataFormat(type="json"))


def rectangles(x: Any, y: Any, boxes: Iterable[Mapping[str, Any]], **mark: Any) -> alt.Chart:
    """Draw boxes on scales ``x`` and ``y``; each has ``x``, ``x2``, ``y``, ``y2``, ``color``, and ``what`` it means."""
    import altair as alt

    layer = alt.Chart(values(boxes)).mark_rect(ariaRoleDescription="what", **mark)
    fill = alt.Fill("color:N", scale=None, legend=None)
    return layer.encode(
        x=x, x2=alt.X2("x2:Q"), y=y, y2=alt.Y2("y2:Q"), fill=fill, description=alt.Description("what:N")
    )


def texts(x: Any, y: Any, labels: Iterable[Mapping[str, Any]], **mark: Any) -> alt.Chart:
    """Draw text on scales ``x`` and ``y``; a label has ``x``, ``y``, ``text``, and ``color`` unless all share it."""
    import altair as alt

    style: dict[str, Any] = {"fontSize": TEXT, "align": "left", "baseline": "middle", "aria": False} | mark
    layer = alt.Chart(values(labels)).mark_text(**style).encode(x=x, y=y, text=alt.Text("text:N"))
    return layer if "color" in mark else layer.encode(color=alt.Color("color:N", scale=None, legend=None))


def specification(chart: Chart, width: int) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart."""
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):  # the tests validate every specification; doing so here would take a second
        return chart.draw(width).to_dict(validate=False)


def svg(chart: Chart, width: int, prefix: str = "") -> str:
    """Return the chart as SVG without script; the ``<title>`` of a mark gives its meaning.

    Parameters
    ----------
    prefix : str
        Text before every id, so that one page can hold many drawings.
    """
    import vl_convert

    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(specification(chart, width)))
    _clean(root, f"{prefix}{chart.name}{width}-")
    root.set("font-family", FONT)
    root.set("role", "img")
    root.set("aria-label", f"{chart.title}. {chart.caption}")
    return ElementTree.tostring(root, encoding="unicode")


def png(chart: Chart, width: int = WIDE, scale: float = 2) -> bytes:
    """Return the chart as a PNG picture."""
    import vl_convert

    found = specification(chart, width)
    found["config"]["font"] = FONT
    return vl_convert.vegalite_to_png(found, scale=scale)


def _clean(root: ElementTree.Element, prefix: str) -> None:
    """Remove parts that a browser does not need, turn descriptions into titles, and make ids unique."""
    for parent in list(root.iter()):
        for child in list(parent):
            if (child.tag == f"{{{_SVG}}}path" and not child.get("d")) or _is_empty_frame(child):
                parent.remove(child)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    own = {name: f"{prefix}{number}" for number, name in enumerate(ids)}  # Vega numbers ids across drawings
    for element in root.iter():
        described = element.get("aria-label") if element.get("aria-roledescription") == "what" else None
        for name in (*_NOISE, "font-family"):
            element.attrib.pop(name, None)
        if described:
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = described
            element.insert(0, title)
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.set(name, own[value])
            elif value.startswith("url(#"):
                element.set(name, f"url(#{own[value[5:-1]]})")


def _is_empty_frame(element: ElementTree.Element) -> bool:
    return element.get("class") == "background" and not element.get("fill") and not element.get("stroke")


def measure(text: str, size: float = TEXT) -> float:
    """Estimate the width of a text in pixels."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return (wide * 1.0 + (len(text) - wide) * LETTER) * size


def shortened(text: str, pixels: float, size: float = TEXT) -> str:
    """Return the text, or as much of it as fits into the pixels, with an ellipsis at its end."""
    if measure(text, size) <= pixels:
        return text
    while text and measure(text + "…", size) > pixels:
        text = text[:-1]
    return text.rstrip(" ,·(") + "…"


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions near the wanted ones, in their order, at least ``gap`` apart, within bounds if there is room."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + gap if placed else low))
    ceiling = high
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - gap
    return [placed[order.index(i)] for i in range(len(wanted))]


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about ``count`` round numbers from ``low`` to ``high``."""
    rough = max(high - low, 1e-9) / max(1, count)
    base = 10 ** math.floor(math.log10(rough))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= rough * NEARLY)
    first = math.ceil(low / step - 1e-9)
    return [round(step * i, 9) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def day_axis(start: date, days: Sequence[float]) -> alt.Axis:
    """Return an axis of days that shows their dates as well."""
    names = {day: [f"{day:g}", (start + timedelta(days=int(day))).isoformat()] for day in days}
    return named_axis(names, grid=False, ticks=True, domain=True, labelFlush=DATE / 2)


def named_axis(names: Mapping[float, Any], **more: Any) -> alt.Axis:
    """Return an axis with these names at these values; a name may be a list of lines."""
    import altair as alt

    words = {str(int(value)) if value == int(value) else repr(value): name for value, name in names.items()}
    style = AXIS | {"domain": False, "ticks": False} | more
    return alt.Axis(values=list(names), labelExpr=f"({json.dumps(words)})[datum.value]", **style)
