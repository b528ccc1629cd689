"""Find the surplus commas of a row: in a number, or in a text without quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from siteopt.schema import Column, Table, Type

MOST = 4
"""Maximum number of surplus commas whose columns are searched for; a row with more has another cause."""

NAMED_COLUMNS = 4
"""Maximum number of columns that a message names, if several are possible."""

_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_DECIMALS = re.compile(r"[-+]?\d+,\d+")
_SURE, _ODD, _UNQUOTED, _WRONG = 0, 1, 2, 5
"""Penalties of a cell: how badly it fits its column."""


class _Way(NamedTuple):
    """Lowest penalty of all ways to assign cells to columns, and the columns that take several cells in one of them."""

    ill: int
    joined: frozenset[int]


def too_many(record: Sequence[str], header: Sequence[str], table: Table) -> str:
    """Return a question that names the columns with surplus commas in a row; '' if this is unclear.

    Every column takes one or more consecutive cells, so that the sum of the penalties is as low as possible.

    Parameters
    ----------
    record : sequence of str
        Cells of the row, more than the header has.
    """
    extra = len(record) - len(header)
    if extra > MOST:
        return ""
    known = [table[name] if name in table.names else None for name in header]
    ways = {0: _Way(0, frozenset())}  # by the surplus cells that the columns so far have taken
    for place, column in enumerate(known):
        longer: dict[int, _Way] = {}
        for before, way in ways.items():
            for more in range(extra - before + 1):
                cells = record[place + before : place + before + more + 1]
                joined = way.joined | {place} if more else way.joined
                found = _Way(way.ill + _ill(cells, column), joined)
                longer[before + more] = _better(longer.get(before + more), found)
        ways = longer
    at = sorted(ways[extra].joined)
    if len(at) > NAMED_COLUMNS:
        return ""
    names = " or ".join(header[place] for place in at)
    is_number = all((column := known[place]) is not None and _is_number(column) for place in at)
    if is_number:
        return f"; is there a comma in the number of {names}?"
    return f"; is there a comma in {names}? Put the text in quotes"


def _better(one: _Way | None, other: _Way) -> _Way:
    if one is None or other.ill < one.ill:
        return other
    return one if one.ill < other.ill else _Way(one.ill, one.joined | other.joined)


def _is_number(column: Column) -> bool:
    return column.type in (Type.NUMBER, Type.INTEGER)


def _ill(cells: Sequence[str], column: Column | None) -> int:
    """Return how badly these cells, joined by commas, fit a column. Text with commas usually has quotes."""
    text = ",".join(cells)
    if column is not None and text:
        if _is_number(column):
            return _ill_number(text, column)
        if column.choices:
            return _SURE if text in column.choices else _WRONG
        if column.type is Type.DATE:
            return _WRONG if pd.isna(pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")) else _SURE
        if _NUMBER.fullmatch(text):
            return _ODD
    return _UNQUOTED * (len(cells) - 1)


def _ill_number(text: str, column: Column) -> int:
    plain = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text
    if _NUMBER.fullmatch(plain):
        return _SURE if (column.low or 0) <= float(plain) <= (column.high or 0) else _WRONG
    return _ODD if _DECIMALS.fullmatch(text) else _WRONG
