"""Draw the site plan of the chosen site: its outline, halls and yards, if the run has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from siteopt.output.charts.base import ACROSS, DOWN, SMALL, WIDE, Chart, Frame, Spec, ground, layer, texts
from siteopt.output.geojson import GeoJSON
from siteopt.output.palette import BORDER, INK, LAND
from siteopt.output.translations import Translations

M_PER_DEGREE = 111_320.0
LOOKS: dict[str, dict[str, Any]] = {
    "outline": {"fill": LAND, "stroke": BORDER, "strokeWidth": 1.5},
    "yard": {"fill": "#E3DCC8", "stroke": BORDER, "strokeWidth": 1},
    "hall": {"fill": "#9AA5AB", "stroke": INK, "strokeWidth": 1},
}
"""Look of each role, in the order of drawing."""
TALLEST = 0.6
"""Largest height of the drawing, as a share of its width."""


def site_plan(plan: GeoJSON, translations: Translations) -> Chart | None:
    """Draw the site plan of the chosen site; return None if the input has no outlines."""
    found = [
        (feature["properties"]["role"], shapely.geometry.shape(feature["geometry"]))
        for feature in plan["features"]
        if feature["properties"]["role"] in LOOKS
    ]
    if not found:
        return None
    middle = shapely.union_all([shape for _, shape in found]).centroid
    across = M_PER_DEGREE * np.cos(np.radians(middle.y))

    def metres(plan_features: np.ndarray) -> np.ndarray:
        return (plan_features - [middle.x, middle.y]) * [across, M_PER_DEGREE]

    shapes = [(role, shapely.transform(shape, metres)) for role, shape in found]
    areas = {role: sum(shape.area for other, shape in shapes if other == role) for role in LOOKS}
    parts = ", ".join(
        f"{translations.term(role)} {translations.number(area)} m²" for role, area in areas.items() if area
    )

    def draw(width: int) -> Spec:
        return _draw(shapes, translations, width)

    return Chart("site_plan", translations("Site plan"), translations("Drawn to scale: {parts}.", parts=parts), draw)


def _draw(shapes: list[tuple[str, Any]], translations: Translations, width: int) -> Spec:
    west, south, east, north = shapely.total_bounds(np.array([shape for _, shape in shapes]))
    room = width - 24
    scale = min(room / max(east - west, 1.0), room * TALLEST / max(north - south, 1.0))
    frame = Frame(width, (north - south) * scale + 24 + 44, 12, 12, 12, 56)
    shift = (room - (east - west) * scale) / 2

    def pixels(plan_features: np.ndarray) -> np.ndarray:
        return (plan_features - [west, north]) * [scale, -scale] + [shift, 0]

    layers, labels = [], []
    for role, look in LOOKS.items():
        for shape in (shape for other, shape in shapes if other == role):
            drawn = shapely.transform(shape, pixels)
            rounded = shapely.set_precision(drawn, 0.1, mode="pointwise")
            layers.append(ground(shapely.geometry.mapping(rounded), **look))
            inside = drawn.representative_point()
            if role != "outline":
                labels.append({"x": inside.x, "y": inside.y, "text": translations.term(role)})
    bar_m = next(m for m in (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0) if m * scale <= room * 0.4)
    y = frame.plot_height + 22
    bar = [{"x": 0, "y": y}, {"x": bar_m * scale, "y": y}]
    layers.append(layer("line", bar, {"x": ACROSS, "y": DOWN}, color=INK, strokeWidth=3, aria=False))
    layers.append(texts(ACROSS, DOWN, [{"x": 0, "y": y + 14, "text": f"{bar_m} m"}], color=INK, fontSize=SMALL))
    size = SMALL + (1 if width >= WIDE else 0)
    return frame.around([*layers, texts(ACROSS, DOWN, labels, color=INK, align="center", fontSize=size)])
