"""Check whether a place is on land, and in which country it is."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet
import shapely

from siteopt.issues import NAMED, Issue, more_rows, named
from siteopt.message_catalogue import Code

TOLERANCE_KM = 25
"""Distance from a coast or border up to which a place counts as in the country; the map is grown by it."""

CELL_DEG = 0.25
"""Size of the cells, degrees, that are looked up at once where there are many places; a power of 2, so exact."""

FEW = 8
"""Number of places a cell from which the cells are looked up first."""

SIMILAR = 0.8
"""Similarity from which a text counts as the name of a country."""

CORRECTIONS = {
    "latitude and longitude look swapped": ((0, 1), (1, 0)),
    "the sign of the longitude looks wrong": ((-1, 0), (0, 1)),
    "the sign of the latitude looks wrong": ((1, 0), (0, -1)),
    "the signs of both look wrong": ((-1, 0), (0, -1)),
}
"""Likely mistakes in coordinates, each with the matrix that corrects longitude and latitude."""

_FILE = Path(__file__).with_name("countries.parquet")


class _Map(NamedTuple):
    """Countries of the map.

    Attributes
    ----------
    codes : Index
        All codes of ISO 3166.
    shaped : array of bool
        Whether each code has a shape.
    named : dict
        Code by name and by code, in lower case.
    shapes : array of shapely.Polygon
    own : array of str
        Code of each shape.
    taken : array of bool
        Whether a place in a shape may have a code; shapes by codes. Territories have two codes, disputed areas several.
    """

    codes: pd.Index
    shaped: np.ndarray
    named: dict[str, str]
    shapes: np.ndarray
    own: np.ndarray
    taken: np.ndarray


@cache
def _countries() -> _Map:
    table = pyarrow.parquet.read_table(_FILE)
    names = json.loads(table.schema.metadata[b"names"])
    codes = pd.Index(sorted(names))
    of_shape = table["codes"].to_pylist()
    taken = np.array([codes.isin(own) for own in of_shape])
    return _Map(
        codes,
        np.any(taken, axis=0),
        {name.casefold(): code for code in codes for name in (*names[code], code)},
        shapely.from_wkb(table["geometry"].to_numpy()),
        np.array([first for first, *_ in of_shape]),
        taken,
    )


def location_issues(table: pd.DataFrame, file: str) -> list[Issue]:
    """Return issues for places in the sea, places in another country, and countries that are not a code.

    Parameters
    ----------
    table : DataFrame
        With ``longitude`` and ``latitude``, and ``country`` if the table has it. Blanks are not checked.
    """
    lon_lat = table[["longitude", "latitude"]].to_numpy(dtype=float)
    said = table["country"] if "country" in table else pd.Series("", index=table.index)
    code = _countries().codes.get_indexer(said)
    on_land, at_home = _standing(lon_lat, code)
    sea, abroad = np.flatnonzero(~on_land), np.flatnonzero(on_land & ~at_home)
    return [
        *named(_at_sea(table.index, lon_lat, code, sea, file), len(sea)),
        *named(_abroad(table.index, lon_lat, code, abroad, file), len(abroad)),
        *_uncoded(said[(code < 0) & (said != "")], file),
    ]


def _at_sea(rows: pd.Index, lon_lat: np.ndarray, code: np.ndarray, at: np.ndarray, file: str) -> Iterator[Issue]:
    at = at[:NAMED]
    for row, (longitude, latitude), cause in zip(rows[at], lon_lat[at], _causes(lon_lat[at], code[at]), strict=True):
        expected = f"a place within {TOLERANCE_KM} km of land, but {latitude:g}, {longitude:g} is in the sea{cause}"
        yield Issue(Code.AT_SEA, file, int(row), "latitude", f"{latitude:g}", expected)


def _abroad(rows: pd.Index, lon_lat: np.ndarray, code: np.ndarray, at: np.ndarray, file: str) -> Iterator[Issue]:
    at = at[:NAMED]
    own = _countries().own
    place, shape = _where(lon_lat[at])
    causes = _causes(lon_lat[at], code[at])
    for n, (row, (longitude, latitude)) in enumerate(zip(rows[at], lon_lat[at], strict=True)):
        there = " or ".join(sorted(set(own[shape[place == n]])))
        expected = f"{there}, the country at {latitude:g}, {longitude:g}{causes[n]}"
        yield Issue(Code.OTHER_COUNTRY, file, int(row), "country", _countries().codes[code[at[n]]], expected)


def _causes(lon_lat: np.ndarray, code: np.ndarray) -> list[str]:
    """Return the likely mistake in each place: the one whose correction moves it into its country; '' if none does."""
    causes = np.where((lon_lat == 0).all(axis=1), "; 0, 0 often means that the coordinates are missing", "").astype(
        object
    )
    checked = (code >= 0) & _countries().shaped[code]
    for words, matrix in CORRECTIONS.items():
        corrected = lon_lat @ matrix
        corrected[np.abs(corrected[:, 1]) > 90] = np.nan
        at_home = _standing(corrected, code)[1] & np.isfinite(corrected).all(axis=1)
        causes[checked & at_home & (causes == "")] = f"; {words}"
    return list(causes)


def _uncoded(said: pd.Series, file: str) -> list[Issue]:
    """Return a warning for each text that is not a code, at the first row that has it."""
    counts = said.value_counts(sort=False)
    first = said[~said.duplicated()]
    return named((_no_code(file, int(row), text, int(counts[text])) for row, text in first.items()), len(first))


def _no_code(file: str, row: int, text: str, count: int) -> Issue:
    codes = _countries().named
    plain = " ".join(text.casefold().split())
    like = [plain] if plain in codes else difflib.get_close_matches(plain, codes, n=1, cutoff=SIMILAR)
    cause = f"; did you mean {codes[like[0]]!r}?" if like else ""
    expected = f"a two-letter country code (ISO 3166), without which the coordinates are not checked{cause}"
    more = more_rows(count - 1) if count > 1 else ""
    return Issue(Code.COUNTRY_CODE, file, row, "country", text, expected + more)


def _where(lon_lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of places, and of the shapes that contain them, in pairs."""
    known = np.flatnonzero(np.isfinite(lon_lat).all(axis=1))
    shape, place = shapely.STRtree(shapely.points(lon_lat[known])).query(_countries().shapes, predicate="intersects")
    return known[place], shape


def _standing(lon_lat: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each place is on land, and in the country of its code; unknown places and codes pass both."""
    taken = _countries().taken
    on_land: np.ndarray = np.isnan(lon_lat).any(axis=1)
    at_home = on_land | (code < 0) | ~_countries().shaped[code]
    inside = _in_inner_cell(lon_lat, code)
    on_land |= inside
    at_home |= inside
    rest = np.flatnonzero(~inside)
    place, shape = _where(lon_lat[rest])
    place = rest[place]
    on_land[place] = True
    at_home[place[taken[shape, code[place]]]] = True
    return on_land, at_home


def _in_inner_cell(lon_lat: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return whether each place is in a cell that one shape of its country contains; never true where it is unknown.

    Cells are looked up only if there are many more places than cells.
    """
    known = np.flatnonzero((code >= 0) & np.isfinite(lon_lat).all(axis=1))
    inside = np.zeros(len(lon_lat), dtype=bool)
    column, row = np.floor(lon_lat[known] / CELL_DEG).astype(np.int64).T
    rows, codes = round(180 / CELL_DEG) + 1, len(_countries().codes)
    key = (column * rows + row) * codes + code[known]  # different for each cell and code
    cells, first, cell_of = np.unique(key, return_index=True, return_inverse=True)
    if len(cells) * FEW > len(known):
        return inside
    west, south = column[first] * CELL_DEG, row[first] * CELL_DEG
    boxes = shapely.box(west, south, west + CELL_DEG, south + CELL_DEG)
    shape, cell = shapely.STRtree(boxes).query(_countries().shapes, predicate="contains")
    inner = np.zeros(len(cells), dtype=bool)
    inner[cell[_countries().taken[shape, code[known[first]][cell]]]] = True
    inside[known] = inner[cell_of]
    return inside
