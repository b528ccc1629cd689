"""Define a map layer (typed columns with labels, rows, shapes), and build the layers of the base map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely

from siteopt.output.basemap import Box, basemap
from siteopt.schema import Column, Type

PYTHON = {Type.TEXT: str, Type.NUMBER: float, Type.INTEGER: int, Type.DATE: date}
"""Python type for each type of a schema column."""

_UNIT = re.compile(r"_(mwh|mw|m2|m3|usd|days|[cmt])(_per_\w+)?$")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Field:
    """A column of a layer.

    Attributes
    ----------
    type : type
        str, int, float, bool or date.
    alias : str
        Label for users.
    called : str, optional
        Key of the column in the rows; its name unless given.
    """

    name: str
    type: type
    alias: str
    help: str = ""
    called: str | None = None

    @property
    def key(self) -> str:
        """Return the key of the column in the rows."""
        return self.name if self.called is None else self.called


@dataclass(frozen=True)
class Layer:
    """A layer of the map.

    Attributes
    ----------
    name, title, description : str
        Name in the file, title for people, and what the layer shows.
    geometry : str
        Point, LineString, Polygon or MultiPolygon.
    rows : sequence of dict
        Values of the columns, by the keys of the fields; a missing key is a blank.
    shapes : array of shapely geometries (WGS 84), one per row
        None for a row without a position.
    """

    name: str
    title: str
    description: str
    geometry: str
    fields: tuple[Field, ...]
    rows: Sequence[Mapping[str, Any]]
    shapes: np.ndarray


def alias(column: Column) -> str:
    """Return the label of a schema column, with its unit: ``grid_mw`` is ``Grid (MW)``."""
    words = (
        _UNIT.sub(" price" if "usd_per" in column.name else "", column.name)
        .replace("_", " ")
        .replace("nox", "NOx")
        .replace(" id", " ID")
    )
    words = words[0].upper() + words[1:]
    return f"{words} ({column.unit})" if column.unit else words


def schema_field(column: Column) -> Field:
    """Return a schema column as a column of a layer."""
    return Field(column.name, PYTHON[column.type], alias(column), column.help)


def base_layers(box: Box) -> list[Layer]:
    """Return the layers of the base map within a box: borders, lakes and land."""
    found = basemap(box)
    kind = (Field("kind", str, "Kind"),)

    def layer(name: str, title: str, geometry: str, *kinds: str) -> Layer:
        rows = [{"kind": one} for one in kinds for _ in found[one]]
        shapes = np.concatenate([found[one] for one in kinds])
        return Layer(name, title, "Natural Earth, public domain, simplified.", geometry, kind, rows, shapes)

    return [
        layer("borders", "Borders", "LineString", "province border", "country border"),
        layer("lakes", "Lakes", "Polygon", "lake"),
        layer("land", "Land", "Polygon", "land"),
    ]


def points(places: Iterable[tuple[float, float] | None]) -> np.ndarray:
    """Return an array of points at longitudes and latitudes; None where there is no position."""
    where = list(places)
    found = np.full(len(where), None, dtype=object)
    known = [row for row, place in enumerate(where) if place is not None]
    found[known] = shapely.points(np.array([where[row] for row in known], dtype=float).reshape(-1, 2))
    return found


def printable(text: str) -> str:
    """Return a name with ``_`` for line ends, and for characters that XML or a table header cannot hold."""
    return _NOT_PRINTABLE.sub("_", text)
