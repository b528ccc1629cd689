"""Read text as numbers and dates, as people and spreadsheets write them; reject text that is ambiguous."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from siteopt.instance import Floats

YEARS = (1950, 2200)
"""First and last year that a date may have."""

_SIGNS = str.maketrans(
    {"\N{MINUS SIGN}": "-", "\N{RIGHT SINGLE QUOTATION MARK}": "'"}
    | dict.fromkeys(
        "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{FIGURE SPACE}\N{IDEOGRAPHIC SPACE}", " "
    )
    | {chr(0xFEE0 + ord(letter)): letter for letter in "0123456789+-,.eE/:"}
)
"""Signs that mean the same as ASCII signs; full-width letters are 0xFEE0 above. Superscripts are left out."""

_SIGN, _EXPONENT = "^[-+]?", "([eE][-+]?[0-9]+)?$"
_WHOLE = f"{_SIGN}[0-9]+{_EXPONENT}"
_POINT = rf"{_SIGN}([0-9]+\.[0-9]*|\.[0-9]+){_EXPONENT}"
_COMMA = f"{_SIGN}[0-9]*,[0-9]+{_EXPONENT}"
_EITHER_POINT = rf"{_SIGN}[1-9][0-9]{{0,2}}\.[0-9]{{3}}$"
_EITHER_COMMA = f"{_SIGN}[1-9][0-9]{{0,2}},[0-9]{{3}}$"
_POINT_GROUPS = rf"{_SIGN}[1-9][0-9]{{0,2}}((\.[0-9]{{3}}){{2,}}|(\.[0-9]{{3}})+,[0-9]+)$"
_COMMA_GROUPS = rf"{_SIGN}[1-9][0-9]{{0,2}}((,[0-9]{{3}}){{2,}}|(,[0-9]{{3}})+\.[0-9]+)$"
_BLANK_GROUPS = rf"{_SIGN}[1-9][0-9]{{0,2}}(( [0-9]{{3}})+|('[0-9]{{3}})+)([.,][0-9]+)?$"

_TIME = r"(?:[T ]+\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?: ?Z|[-+]\d\d(?::?\d\d)?)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}}) ?[-/.년] ?(\d{{1,2}}) ?[-/.월] ?(\d{{1,2}}) ?[.일]?{_TIME}", re.ASCII)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})\. ?(\d{{1,2}})\. ?(\d{{4}})\.?{_TIME}", re.ASCII)
_EITHER_FIRST = re.compile(rf"(\d{{1,2}})[-/](\d{{1,2}})[-/](\d{{4}}){_TIME}", re.ASCII)
_OF_DIGITS = (_YEAR_FIRST, _DAY_FIRST, _EITHER_FIRST)
_DAY_AND_NAME = re.compile(rf"(\d{{1,2}})[- ]([A-Za-z]{{3,9}})[- ,]+(\d{{4}}){_TIME}", re.ASCII)
_NAME_AND_DAY = re.compile(rf"([A-Za-z]{{3,9}}) (\d{{1,2}}),? (\d{{4}}){_TIME}", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}([-/.]) ?(\d{1,2}|[A-Za-z]{3})\1 ?\d{1,2}\.?", re.ASCII)
_MONTHS = "january february march april may june july august september october november december"

_SERIAL = re.compile(r"[2-9]\d{4}(\.\d+)?", re.ASCII)
_SERIAL_START = dt.date(1899, 12, 30)
"""Date of Excel's number 0, which is valid from March 1900 on."""

LEAVE_BLANK = "; leave the cell blank if the value is unknown"
_UNKNOWN = ("-", "--", "?", "x", "na", "n/a", "nan", "nil", "none", "null", "tbd", "tbc", "unknown", "미정")
_CAUSES = (
    (r"#.*", "; this is the error of a formula"),
    (r".*%", "; write it in the unit of the column, without %"),
    (r"[-+]?[$€£¥₩].*|.*[$€£¥₩]", "; write it without the currency sign"),
    (r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b.*|\d{1,2}-[A-Za-z]{3}", "; a spreadsheet has turned it into a date"),
    (r"[-+]?[0-9., ']+", "; use one decimal mark, and groups of three digits"),
    (r"[-+]?[0-9., ']*[0-9] ?[^\W\d].*", "; write only digits, in the unit of the column"),
)
"""Patterns of cells that are not numbers, and what to do about each."""


class _Cells(NamedTuple):
    """Cells of a number column, and masks of how their marks can be read.

    In ``points`` and ``commas``, the mark is certainly decimal. In ``point_groups`` and ``comma_groups``, it certainly
    separates thousands, and the other mark may be decimal. In ``either_point`` and ``either_comma``, it can be either.
    """

    text: pa.ChunkedArray
    whole: np.ndarray
    points: np.ndarray
    commas: np.ndarray
    point_groups: np.ndarray
    comma_groups: np.ndarray
    either_point: np.ndarray
    either_comma: np.ndarray

    @property
    def english(self) -> bool:
        """Return whether a point is decimal in some cell, or a comma separates thousands."""
        return bool(self.points.any() or self.comma_groups.any())

    @property
    def continental(self) -> bool:
        """Return whether a comma is decimal in some cell, or a point separates thousands."""
        return bool(self.commas.any() or self.point_groups.any())


def numbers(columns: Mapping[str, pa.Array], degrees: Collection[str]) -> tuple[dict[str, Floats], bool]:
    """Return the number columns of one file, and whether the file is written the continental way.

    A number is NaN if its cell is blank, ambiguous or not a number. A cell is certain by itself if it can be read in
    one way only: the English way (12.5 or 1,234,567), or the continental way, with decimal commas or points between
    thousands (12,5 or 0,123 or 1234,567 or 1.234,5). The marks of such cells decide how the ambiguous 1,234 and 1.234
    are read:

    * 1,234 has a decimal comma if some cell of the file is certainly continental, and none is certainly English. It is
      1234 if its column holds thousands with commas, and no decimal comma.
    * 1.234 has a decimal point, unless some cell of the file is certainly continental. Then its own column decides: the
      point is decimal if the column has a certainly English cell and no points between thousands, and it separates
      thousands if the column has points between thousands and no certainly English cell.
    * Coordinates in degrees have no thousands, so any mark is decimal.

    Parameters
    ----------
    columns : mapping of Arrow arrays
        Text by name, null if there is none.
    degrees : collection of str
        Names of the columns in degrees.
    """
    values: dict[str, Floats] = {}
    for name, text in columns.items():
        with contextlib.suppress(pa.ArrowInvalid):
            values[name] = np.asarray(text.cast(pa.float64()).to_numpy(zero_copy_only=False))
    cells = {name: _marked(text, name in degrees) for name, text in columns.items() if name not in values}
    continental = any(one.continental for one in cells.values())
    if continental:  # then a number that Arrow could read may mean another one
        cells |= {name: _marked(columns[name], name in degrees) for name in values}
    decimal = continental and not any(one.english for one in cells.values())
    read = {name: _read(one, decimal, continental) for name, one in cells.items()}
    return values | read, continental


def _marked(text: pa.Array, in_degrees: bool) -> _Cells:
    text = pa.chunked_array([text]) if isinstance(text, pa.Array) else text
    if not pc.all(pc.string_is_ascii(text)).as_py():
        text = pa.chunked_array([pa.array([cell and cell.translate(_SIGNS) for cell in text.to_pylist()], pa.string())])
    text = pc.utf8_trim_whitespace(text)
    grouped = pc.match_substring_regex(text, _BLANK_GROUPS)
    text = pc.if_else(grouped, pc.replace_substring_regex(text, "[ ']", ""), text)

    def like(pattern: str) -> np.ndarray:
        return np.asarray(pc.match_substring_regex(text, pattern).fill_null(False), dtype=bool)

    whole, points, commas = like(_WHOLE), like(_POINT), like(_COMMA)
    none = np.zeros_like(whole)
    if in_degrees:
        return _Cells(text, whole, points, commas, none, none, none, none)
    point, comma = like(_EITHER_POINT), like(_EITHER_COMMA)
    return _Cells(text, whole, points & ~point, commas & ~comma, like(_POINT_GROUPS), like(_COMMA_GROUPS), point, comma)


def _read(cells: _Cells, decimal: bool, continental: bool) -> Floats:
    """Return the numbers of a column; NaN for ambiguous cells.

    Parameters
    ----------
    decimal : bool
        Whether 1,234 has a decimal comma in this file.
    continental : bool
        Whether some cell of the file is certainly continental.
    """
    commas, points = cells.commas, cells.points
    comma_groups, point_groups = cells.comma_groups, cells.point_groups
    if decimal:
        commas = commas | cells.either_comma
    elif comma_groups.any() and not commas.any():
        comma_groups = comma_groups | cells.either_comma
    if not continental or (cells.english and not point_groups.any()):
        points = points | cells.either_point
    elif point_groups.any() and not cells.english:
        point_groups = point_groups | cells.either_point
    text = pc.if_else(comma_groups, pc.replace_substring(cells.text, ",", ""), cells.text)
    text = pc.if_else(point_groups, pc.replace_substring(text, ".", ""), text)
    text = pc.replace_substring(text, ",", ".")
    good = cells.whole | points | commas | point_groups | comma_groups
    return np.array(
        [float(cell) if ok else np.nan for cell, ok in zip(text.to_pylist(), good, strict=True)], dtype=float
    )


def two_numbers(text: str) -> str:
    """Return a question that names the two numbers that a cell can mean; '' if the cell is not ambiguous."""
    plain = text.translate(_SIGNS).strip()
    if not re.search(f"{_EITHER_POINT}|{_EITHER_COMMA}", plain):
        return ""
    whole, _, part = plain.replace(",", ".").partition(".")
    return f"; is it {whole}{part} or {whole}.{part}? Write {whole}{part} or {whole}.{part}0"


def why_no_number(text: str) -> str:
    """Return advice about a cell that is not a number; '' if there is none."""
    plain = text.translate(_SIGNS).strip()
    if plain.lower() in _UNKNOWN:
        return LEAVE_BLANK
    return next((cause for pattern, cause in _CAUSES if re.fullmatch(pattern, plain, re.DOTALL)), "")


def dates(text: pd.Series) -> pd.Series:
    """Return the dates of a column without times of day.

    A date is NaT if its cell is blank, is not a date, or can be read as two dates. Years come first, or days:
    2026-12-01, 2026. 12. 1., 01.12.2026, 1-Dec-2026. In dates with slashes or hyphens, such as 1/12/2026, the cells of
    the column with a day after the 12th decide whether days or months come first. These cells must agree.
    """
    read = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    odd = text[text.notna() & read.isna()]
    if len(odd):
        words = {word: word.translate(_SIGNS).strip() for word in odd.unique()}
        pairs = [found for word in words.values() if (found := _EITHER_FIRST.fullmatch(word))]
        orders = {day_first for day_first in (True, False) for one in pairs if int(one[1 if day_first else 2]) > 12}
        days = {word: _date(plain, orders) for word, plain in words.items()}
        meant = {word: day if day and _is_plausible(day) else None for word, day in days.items()}  # pandas ends in 2262
        read[odd.index] = pd.to_datetime(odd.map(meant))
    return read


def _date(text: str, orders: Collection[bool]) -> dt.date | None:
    """Return the date in a text, or None; ``orders`` says whether days precede months in the unambiguous cells."""
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(*found.groups())
    if found := _DAY_FIRST.fullmatch(text):
        return _day(*found.groups()[::-1])
    if found := _DAY_AND_NAME.fullmatch(text):
        return _day(found[3], _month(found[2]), found[1])
    if found := _NAME_AND_DAY.fullmatch(text):
        return _day(found[3], _month(found[1]), found[2])
    readings = _readings(text)
    if len(orders) == 1 and len(set(readings)) == 2:
        return readings[0] if True in orders else readings[1]
    return readings[0] if len(set(readings)) == 1 else None


def _readings(text: str) -> list[dt.date]:
    """Return the dates that a cell such as 1/12/2026 can mean: with the day first, and with the month first."""
    found = _EITHER_FIRST.fullmatch(text)
    if not found:
        return []
    one, other, year = found.groups()
    return [day for day in (_day(year, other, one), _day(year, one, other)) if day]


def _day(year: str, month: str, day: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _month(name: str) -> str:
    """Return the number of an English month, given in full or by three or four letters; '0' for any other word."""
    names = [month for month in _MONTHS.split() if name.lower() in (month, month[:3], month[:4])]
    return str(_MONTHS.split().index(names[0]) + 1) if names else "0"


def two_dates(text: str) -> str:
    """Return a question that names the two dates that a cell can mean; '' if the cell is not ambiguous."""
    readings = sorted(day for day in set(_readings(text.translate(_SIGNS).strip())) if _is_plausible(day))
    return f"; is it {readings[0]} or {readings[1]}? Write it in this form" if len(readings) == 2 else ""


def why_no_date(text: str) -> str:
    """Return advice about a cell that is not a date; '' if there is none."""
    plain = text.translate(_SIGNS).strip()
    if _SERIAL.fullmatch(plain):
        day = _SERIAL_START + dt.timedelta(days=int(float(plain)))
        return f"; a spreadsheet may have turned {day} into this number"
    if _SHORT_YEAR.fullmatch(plain):
        return "; write the year with four digits"
    if plain.lower() in _UNKNOWN:
        return LEAVE_BLANK
    days = [day for day in [_date(plain, ()), *_readings(plain)] if day]
    if days and not any(map(_is_plausible, days)):
        return f"; the year must be from {YEARS[0]} to {YEARS[1]}"
    return "; this day does not exist" if any(one.fullmatch(plain) for one in _OF_DIGITS) else ""


def _is_plausible(day: dt.date) -> bool:
    return YEARS[0] <= day.year <= YEARS[1]
