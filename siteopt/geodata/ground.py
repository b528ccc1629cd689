"""Check where on the ground a place lies: on land, and in which country."""

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

from siteopt.codes import Code
from siteopt.faults import NAMED, Fault, named

TOLERANCE_KM = 25
"""Distance from coast or border up to which a place counts as in a country: the map's shapes are grown by it."""

ALIKE = 0.8
"""Similarity from which a name is taken for that of a country."""

MENDED = {
    "latitude and longitude look swapped": ((0, 1), (1, 0)),
    "a minus is lost or too much before the longitude": ((-1, 0), (0, 1)),
    "a minus is lost or too much before the latitude": ((1, 0), (0, -1)),
    "a minus is lost or too much before both": ((-1, 0), (0, -1)),
}
"""Likely mistakes in a place, each with the matrix that corrects longitude and latitude."""

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
        Whether a place in a shape may have a code; shapes by codes. Territories have two codes, disputed ones several.
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


def ground_faults(table: pd.DataFrame, file: str) -> list[Fault]:
    """Return faults for places in the sea, places in another country than they say, and countries that are no code.

    Parameters
    ----------
    table : DataFrame
        With ``longitude`` and ``latitude``, and ``country`` if the table has it. Blanks are not checked.
    """
    places = table[["longitude", "latitude"]].to_numpy(dtype=float)
    said = table["country"] if "country" in table else pd.Series("", index=table.index)
    code = _countries().codes.get_indexer(said)
    on_land, at_home = _standing(places, code)
    sea, abroad = np.flatnonzero(~on_land), np.flatnonzero(on_land & ~at_home)
    return [
        *named(_at_sea(table.index, places, code, sea, file), len(sea)),
        *named(_abroad(table.index, places, code, abroad, file), len(abroad)),
        *_uncoded(said[(code < 0) & (said != "")], file),
    ]


def _at_sea(rows: pd.Index, places: np.ndarray, code: np.ndarray, at: np.ndarray, file: str) -> Iterator[Fault]:
    at = at[:NAMED]
    for row, (longitude, latitude), cause in zip(rows[at], places[at], _causes(places[at], code[at]), strict=True):
        expected = f"a place within {TOLERANCE_KM} km of land, not {latitude:g}, {longitude:g} in the sea{cause}"
        yield Fault(Code.AT_SEA, file, int(row), "latitude", f"{latitude:g}", expected)


def _abroad(rows: pd.Index, places: np.ndarray, code: np.ndarray, at: np.ndarray, file: str) -> Iterator[Fault]:
    at = at[:NAMED]
    own = _countries().own
    place, shape = _where(places[at])
    causes = _causes(places[at], code[at])
    for n, (row, (longitude, latitude)) in enumerate(zip(rows[at], places[at], strict=True)):
        there = " or ".join(sorted(set(own[shape[place == n]])))
        expected = f"{there}, where {latitude:g}, {longitude:g} lies{causes[n]}"
        yield Fault(Code.OTHER_COUNTRY, file, int(row), "country", _countries().codes[code[at[n]]], expected)


def _causes(places: np.ndarray, code: np.ndarray) -> list[str]:
    """Return in words what would move each place into the country of its code; '' if nothing does."""
    causes = np.where((places == 0).all(axis=1), "; 0, 0 is what a missing place is saved as", "").astype(object)
    checked = (code >= 0) & _countries().shaped[code]
    for words, matrix in MENDED.items():
        mended = places @ matrix
        mended[np.abs(mended[:, 1]) > 90] = np.nan
        at_home = _standing(mended, code)[1] & np.isfinite(mended).all(axis=1)
        causes[checked & at_home & (causes == "")] = f"; {words}"
    return list(causes)


def _uncoded(said: pd.Series, file: str) -> list[Fault]:
    """Return a warning for each text that is no code, at the first row that has it."""
    counts = said.value_counts(sort=False)
    first = said[~said.duplicated()]
    return named((_no_code(file, int(row), text, int(counts[text])) for row, text in first.items()), len(first))


def _no_code(file: str, row: int, text: str, count: int) -> Fault:
    codes = _countries().named
    plain = " ".join(text.casefold().split())
    like = [plain] if plain in codes else difflib.get_close_matches(plain, codes, n=1, cutoff=ALIKE)
    expected = "a code of ISO 3166, so its place is not checked" + (
        f"; did you mean {codes[like[0]]!r}?" if like else ""
    )
    more = f"; {count - 1:,} more rows like this" if count > 1 else ""
    return Fault(Code.COUNTRY_CODE, file, row, "country", text, expected + more)


def _where(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of indices: of places, and of the shapes in which they lie."""
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    shape, place = shapely.STRtree(shapely.points(places[known])).query(_countries().shapes, predicate="intersects")
    return known[place], shape


def _standing(places: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each place is on land, and whether it is in the country of its code; unknown ones pass both."""
    taken = _countries().taken
    place, shape = _where(places)
    on_land: np.ndarray = np.isnan(places).any(axis=1)
    at_home = on_land | (code < 0) | ~_countries().shaped[code]
    on_land[place] = True
    at_home[place[taken[shape, code[place]]]] = True
    return on_land, at_home
