"""Put several plots into one drawing, each with its own scale, all of them in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from siteopt.output.charts.base import GRID, QUIET, SMALL, TEXT, Spec, layer, measure, texts
from siteopt.output.palette import INK

Point = tuple[float, float]
KEY_LINE = 22.0
"""Height in pixels of a line of a key."""
SWATCH = 24.0
"""Width in pixels of the stroke or box of an entry in a key."""


@dataclass(frozen=True)
class Scale:
    """A scale from the values between ``low`` and ``high`` to the pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ruled(x: Spec, y: Spec, scale: Scale, marks: Mapping[float, str], left: float, right: float) -> list[Spec]:
    """Draw a rule with its name at each mark of an upright scale, across from ``left`` to ``right`` on ``x``."""
    rows = [{"x": left, "x2": right, "y": scale(value), "text": name} for value, name in marks.items()]
    rules = layer("rule", rows, {"x": x, "x2": "x2", "y": y}, color=GRID, aria=False)
    return [rules, texts(x, y, rows, color=QUIET, align="right", dx=-6, fontSize=SMALL)]


def lines(x: Spec, y: Spec, rows: Iterable[Mapping[str, Any]], **look: Any) -> Spec:
    """Draw lines; each row has ``x``, ``y``, ``color``, and ``line``, the id of its line."""
    style = {"aria": False, "strokeWidth": 2} | look
    return layer("line", rows, {"x": x, "y": y, "color": "color", "detail": "line"}, **style)


def keys(names: Sequence[str], room: float) -> tuple[list[Point], float]:
    """Return where the entries of a key begin, in pixels across and down (their middle), and the height of the key."""
    places: list[Point] = []
    x, y = 0.0, KEY_LINE / 2
    for name in names:
        wide = SWATCH + 6 + measure(name, SMALL)
        if places and x + wide > room:
            x, y = 0.0, y + KEY_LINE
        places.append((x, y))
        x += wide + 18
    return places, y + KEY_LINE / 2 if places else 0.0


def heading(x: Spec, y: Spec, labels: Sequence[Mapping[str, Any]]) -> list[Spec]:
    """Write the names of plots over them, with a white edge that keeps them readable."""
    look: dict[str, Any] = {"fontWeight": "bold", "fontSize": TEXT}
    return [
        texts(x, y, labels, color="white", stroke="white", strokeWidth=4, **look),
        texts(x, y, labels, color=INK, **look),
    ]


def between(points: Sequence[Point], low: float, high: float) -> list[list[Point]]:
    """Return the parts of a line whose values lie between ``low`` and ``high``, cut where it crosses them."""
    runs: list[list[Point]] = []
    for (x, y), (x2, y2) in pairwise(points):
        if y == y2:
            first, last = (0.0, 1.0) if low <= y <= high else (1.0, 0.0)
        else:
            ends = sorted(((low - y) / (y2 - y), (high - y) / (y2 - y)))
            first, last = max(0.0, ends[0]), min(1.0, ends[1])
        if first >= last:
            continue
        begin = (x, y) if first == 0 else (x + first * (x2 - x), y + first * (y2 - y))
        end = (x2, y2) if last == 1 else (x + last * (x2 - x), y + last * (y2 - y))
        if runs and runs[-1][-1] == begin:
            runs[-1].append(end)
        else:
            runs.append([begin, end])
    return runs


def thinned(x: Sequence[float], y: Sequence[float], count: int) -> list[Point]:
    """Return the visible points of a line: the ends, lowest and highest point of each of ``count`` parts."""
    heights = np.asarray(y, dtype=float)
    kept: set[int] = set()
    for part in np.array_split(np.arange(len(heights)), max(1, min(count, len(heights)))):
        kept |= (
            {part[0], part[np.argmin(heights[part])], part[np.argmax(heights[part])], part[-1]} if len(part) else set()
        )
    return [(float(x[i]), float(heights[i])) for i in sorted(kept)]
