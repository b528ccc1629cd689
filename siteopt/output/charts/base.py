"""Provide the common parts of all charts: look, size, layers and axes, as specifications of Vega-Lite."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from siteopt.output.palette import BORDER

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

_UNDRAWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold; any of them makes the chart engine end its process."""

Row = tuple[Any, ...]
Spec = dict[str, Any]
"""Specification of a chart in Vega-Lite, or a part of one."""


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
        Function from a width in pixels to the Vega-Lite specification of the chart.
    header, rows
        The data as a table; no rows if the caption or another table holds the data.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[int], Spec]
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

    def around(self, layers: Iterable[Spec]) -> Spec:
        """Return the layers as the specification of one chart of exactly this size."""
        return {
            "layer": list(layers),
            "width": self.plot_width,
            "height": self.plot_height,
            "padding": {"left": self.left, "right": self.right, "top": self.top, "bottom": self.bottom},
            "autosize": {"type": "none"},
            "config": {"font": ANY_FONT, "background": "white", "view": {"stroke": None}},
        }


ACROSS: Spec = {"field": "x", "type": "quantitative", "scale": None, "axis": None}
DOWN: Spec = ACROSS | {"field": "y"}
"""Encodings of a position in pixels from the left of the plot, and from its top."""


def position(channel: str, domain: Sequence[float], axis: Spec) -> Spec:
    """Return the encoding of a position, ``x`` or ``y``, on a scale of exactly this domain."""
    scale = {"domain": list(domain), "nice": False, "zero": False}
    return {"field": channel, "type": "quantitative", "scale": scale, "axis": axis}


def layer(kind: str, rows: Iterable[Mapping[str, Any]], encoding: Mapping[str, Any], **look: Any) -> Spec:
    """Return a layer that draws one mark for each row, or one line for each group of rows.

    Parameters
    ----------
    kind : str
        Mark of Vega-Lite, such as ``rule``.
    encoding : mapping
        What each channel shows: an encoding, or the field of the rows that holds the colour, size or text itself.
    look
        Properties of the mark that all rows share.
    """
    encoded = {name: _field(name, value) if isinstance(value, str) else value for name, value in encoding.items()}
    drawn = [
        {name: _UNDRAWN.sub("\ufffd", cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        for row in rows
    ]
    return {"data": {"values": drawn}, "mark": {"type": kind, **look}, "encoding": encoded}


def _field(channel: str, field: str) -> Spec:
    if channel in ("x2", "y2"):
        return {"field": field}
    if channel in ("text", "detail", "description"):
        return {"field": field, "type": "nominal"}
    if channel == "order":
        return {"field": field, "type": "quantitative"}
    return {"field": field, "type": "nominal", "scale": None, "legend": None}


def by_name(field: str, looks: Mapping[str, Any]) -> Spec:
    """Return the encoding of a field that holds names, each of which has a look: a colour, or dashes."""
    scale = {"domain": list(looks), "range": list(looks.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def ground(geometry: Mapping[str, Any], **look: Any) -> Spec:
    """Return a layer that draws a geometry in pixels."""
    return {
        "data": {"values": [{"type": "Feature", "geometry": geometry}]},
        "mark": {"type": "geoshape", "aria": False, **look},
        "projection": {"type": "identity", "scale": 1, "translate": [0, 0]},
    }


def rectangles(x: Spec, y: Spec, boxes: Iterable[Mapping[str, Any]], **look: Any) -> Spec:
    """Draw boxes on scales ``x`` and ``y``; each has ``x``, ``x2``, ``y``, ``y2``, ``color``, and ``what`` it means."""
    encoding = {"x": x, "x2": "x2", "y": y, "y2": "y2", "fill": "color", "description": "what"}
    return layer("rect", boxes, encoding, ariaRoleDescription="what", **look)


def texts(x: Spec, y: Spec, labels: Iterable[Mapping[str, Any]], **look: Any) -> Spec:
    """Draw text on scales ``x`` and ``y``; a label has ``x``, ``y``, ``text``, and ``color`` unless all share it."""
    own = {} if "color" in look else {"color": "color"}
    style: dict[str, Any] = {"fontSize": TEXT, "align": "left", "baseline": "middle", "aria": False} | look
    return layer("text", labels, {"x": x, "y": y, "text": "text", **own}, **style)


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


def day_axis(start: date, days: Sequence[float]) -> Spec:
    """Return an axis of days that shows their dates as well."""
    names = {day: [f"{day:g}", (start + timedelta(days=int(day))).isoformat()] for day in days}
    return named_axis(names, grid=False, ticks=True, domain=True, labelFlush=DATE / 2)


def named_axis(names: Mapping[float, Any], **more: Any) -> Spec:
    """Return an axis with these names at these values; a name may be a list of lines."""
    words = {str(int(value)) if value == int(value) else repr(value): name for value, name in names.items()}
    style = AXIS | {"domain": False, "ticks": False} | more
    return {"values": list(names), "labelExpr": f"({json.dumps(words)})[datum.value]", **style}
