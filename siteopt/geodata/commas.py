"""Which commas of a row are too many: those within a number, or within a text without quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from siteopt.schema import Column, Table, Type

MOST = 4
"""Commas too many for which the columns are sought; a row with more is another kind of row."""

NAMED_COLUMNS = 4
"""Columns that are named where it is not certain which."""

_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_DECIMALS = re.compile(r"[-+]?\d+,\d+")
_SURE, _ODD, _UNQUOTED, _WRONG = 0, 1, 2, 5
"""How ill a cell fits its column."""


class _Way(NamedTuple):
    """The least ill of all ways to spread cells over columns, and the columns that take several in any of them."""

    ill: int
    joined: frozenset[int]


def too_many(record: Sequence[str], header: Sequence[str], table: Table) -> str:
    """Where the commas of a row look too many, in words; '' where that is not plain.

    Every column takes one cell or more of those that follow each other, so that as few as possible fit ill.

    Parameters
    ----------
    record : sequence of str
        More cells than the header has.
    """
    extra = len(record) - len(header)
    if extra > MOST:
        return ""
    known = [table[name] if name in table.names else None for name in header]
    ways = {0: _Way(0, frozenset())}  # by the cells that the columns so far took beyond one each
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
    return f"; a comma within the number of {names}?" if is_number else f"; a comma in {names}? Put it between quotes"


def _better(one: _Way | None, other: _Way) -> _Way:
    if one is None or other.ill < one.ill:
        return other
    return one if one.ill < other.ill else _Way(one.ill, one.joined | other.joined)


def _is_number(column: Column) -> bool:
    return column.type in (Type.NUMBER, Type.INTEGER)


def _ill(cells: Sequence[str], column: Column | None) -> int:
    """How ill these cells, joined by commas, fit a column. A text with commas has quotes, as a rule."""
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
