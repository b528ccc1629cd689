"""Place marks and names on a map in pixels: Mercator's projection, and names that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from siteopt.output.basemap import Box
from siteopt.output.charts.base import WIDE, measure

FLATTEST, TALLEST = {True: 0.46, False: 0.7}, {True: 0.66, False: 1.1}
"""Smallest and largest height of a wide and a narrow map, as a share of its width, so that it fits on a screen."""
LARGEST_DEG = 84.0
"""Latitude in degrees, north and south, up to which Mercator's map is drawn."""
DETAIL_PX = 0.35
"""Tolerance in pixels to which outlines are simplified."""


@dataclass(frozen=True)
class View:
    """A part of Mercator's map at a width in pixels.

    Positions are projected here and not by the charting library, because names need positions in pixels. This also
    allows outlines, most of a drawing's size, to be rounded to a tenth of a pixel.

    Attributes
    ----------
    box : tuple of float
        West, south, east, north in degrees.
    """

    width: float
    height: float
    box: Box

    @classmethod
    def of(cls, width: float, box: Box) -> View:
        """Return a view of a box, enlarged if the box is too tall or too flat for a page."""
        (west, south), (east, north) = mercator(np.array(box).reshape(2, 2))
        middle_x, middle_y, wide, tall = (west + east) / 2, (south + north) / 2, east - west, north - south
        wide = min(max(wide, tall / TALLEST[width >= WIDE]), 2 * np.pi)
        tall = max(tall, wide * FLATTEST[width >= WIDE])
        middle_x = np.clip(middle_x, wide / 2 - np.pi, np.pi - wide / 2)
        corners = np.array(
            [[middle_x - wide / 2, middle_y - tall / 2], [middle_x + wide / 2, middle_y + tall / 2]], dtype=float
        )
        west, south, east, north = degrees(corners).ravel()
        return cls(width, round(width * float(tall / wide)), (float(west), float(south), float(east), float(north)))

    def holds(self, place: tuple[float, float]) -> bool:
        """Return whether a longitude and latitude are in the view."""
        west, south, east, north = self.box
        return west <= place[0] <= east and south <= place[1] <= north

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Return pixels from the upper left corner (N x 2) of longitudes and latitudes (N x 2)."""
        (west, south), (east, north) = mercator(np.array(self.box).reshape(2, 2))
        found = mercator(places)
        return np.stack(
            [
                (found[:, 0] - west) / (east - west) * self.width,
                (north - found[:, 1]) / (north - south) * self.height,
            ],
            axis=1,
        )

    def sea(self) -> dict[str, Any]:
        """Return the whole view as a polygon."""
        return shapely.geometry.mapping(shapely.box(0, 0, self.width, self.height))

    def outlines(self, shapes: np.ndarray) -> dict[str, Any]:
        """Return shapes (WGS 84) as one geometry in pixels."""
        drawn = shapely.simplify(shapely.transform(shapes, self.pixels), DETAIL_PX)
        drawn = shapely.set_precision(
            drawn[~shapely.is_empty(drawn)], 0.1, mode="pointwise"
        )  # an invalid shape can be drawn as well
        parts = shapely.get_parts(drawn)
        is_area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        made = shapely.multipolygons(parts[is_area]) if is_area.any() else shapely.multilinestrings(parts)
        return shapely.geometry.mapping(made)


def mercator(places: np.ndarray) -> np.ndarray:
    """Project longitudes and latitudes in degrees (N x 2) to Mercator's plane, in radii of the sphere (N x 2)."""
    longitude, latitude = places[:, 0], np.clip(places[:, 1], -LARGEST_DEG, LARGEST_DEG)
    return np.stack([np.radians(longitude), np.arctanh(np.sin(np.radians(latitude)))], axis=1)


def degrees(plane: np.ndarray) -> np.ndarray:
    """Return longitudes and latitudes in degrees (N x 2); the inverse of :func:`mercator`."""
    return np.degrees(np.stack([plane[:, 0], np.arcsin(np.tanh(plane[:, 1]))], axis=1))


@dataclass(frozen=True)
class Label:
    """A name to place beside a mark; labels with a smaller priority number are placed first."""

    priority: int
    text: str
    x: float
    y: float
    radius: float
    size: float
    color: str
    bold: bool = False


Rectangle = tuple[float, float, float, float]


def placed(
    labels: Sequence[Label],
    marks: Sequence[tuple[float, float, float]],
    spared: np.ndarray,
    width: float,
    height: float,
) -> Iterator[tuple[Label, float, float, str]]:
    """Yield labels with a place (x, y, alignment) where they cover neither marks nor each other.

    Labels without such a place are omitted. The first label may cover marks, and is omitted only if no place beside its
    mark lies within the map.

    Parameters
    ----------
    marks : sequence of (x, y, radius)
        Marks that must not be covered.
    spared : array, N x 2
        Points that the labels should cover as little as possible.
    """
    taken: list[Rectangle] = [(x - r, y - r, x + r, y + r) for x, y, r in marks]
    for number, label in enumerate(sorted(labels, key=lambda label: label.priority)):
        spots = list(_spots(label, width, height))
        free = [spot for spot in spots if not any(_overlap(spot[3], other) for other in taken)]
        if free or (number == 0 and spots):
            x, y, align, rectangle = min(free or spots, key=lambda spot: _covered(spot[3], spared))
            taken.append(rectangle)
            yield label, x, y, align


def _spots(label: Label, width: float, height: float) -> Iterator[tuple[float, float, str, Rectangle]]:
    """Yield the places beside, above and below a mark that lie within the map."""
    long, half = measure(label.text, label.size) * (1.06 if label.bold else 1.0), label.size * 0.6
    away, slant = label.radius, label.radius * 0.7
    for dx, dy, align in (
        (away, 0, "left"),
        (-away, 0, "right"),
        (0, -away - half, "center"),
        (0, away + half, "center"),
        (slant, -slant - half / 2, "left"),
        (slant, slant + half / 2, "left"),
        (-slant, -slant - half / 2, "right"),
        (-slant, slant + half / 2, "right"),
    ):
        x, y = label.x + dx, label.y + dy
        left = {"left": x, "right": x - long, "center": x - long / 2}[align]
        rectangle = (left, y - half, left + long, y + half)
        if left >= 2 and left + long <= width - 2 and y - half >= 2 and y + half <= height - 2:
            yield x, y, align, rectangle


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _covered(rectangle: Rectangle, points: np.ndarray) -> int:
    west, top, east, bottom = rectangle
    x, y = points.T
    return int(((x > west) & (x < east) & (y > top) & (y < bottom)).sum())
