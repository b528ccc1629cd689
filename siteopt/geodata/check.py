"""Convert cells to values by the schema, and collect every issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from siteopt import aliases
from siteopt.geodata.cells import YEARS, dates, numbers, two_dates, two_numbers, why_no_date, why_no_number
from siteopt.geodata.cross_checks import CROSS_CHECKS, OTHER
from siteopt.geodata.headers import header_issues
from siteopt.geodata.tables import RawTable
from siteopt.issues import DESCRIBED, Issue, named, nearest
from siteopt.message_catalogue import Code
from siteopt.scenario import usd_name
from siteopt.schema import Column, Table, Type, uncut

SWAPPED = "; latitude and longitude look swapped"
DEGREES = "; write decimal degrees, with a minus for south and west"
PROJECTED = "; this looks like a projected CRS, but degrees of WGS 84 are needed"
WHOLE = "save the layer as a GeoPackage, which does not cut them"

IN_ANOTHER_UNIT: Mapping[str, tuple[str, Callable[[float], float]]] = {
    "MW": ("kW", lambda kw: kw / 1000),
    "MW thermal": ("kW", lambda kw: kw / 1000),
    "MWh": ("kWh", lambda kwh: kwh / 1000),
    "MJ/kWh": ("kJ/kWh", lambda kj: kj / 1000),
    "g/kWh": ("mg/kWh", lambda mg: mg / 1000),
    "m3/day": ("litres a day", lambda litres: litres / 1000),
    "m2": ("square feet", lambda feet: feet * 0.3048**2),
    "m": ("feet", lambda feet: feet * 0.3048),
    "deg C": ("Fahrenheit", lambda f: (f - 32) / 1.8),
    "share": ("percent", lambda percent: percent / 100),
    "1/K": ("percent a degree", lambda percent: percent / 100),
    "1/km": ("percent a km", lambda percent: percent / 100),
}
"""Other unit that a number above the range may have, for each unit of the tables, and its conversion."""

CUT_BYTES = 251
"""Length, bytes, from which a shapefile may have cut a text: a cell holds 254 bytes, and only whole letters."""


_BLANK = {Type.TEXT: "", Type.DATE: pd.NaT, Type.NUMBER: np.nan, Type.INTEGER: np.nan}
_DTYPE = {Type.TEXT: "str", Type.DATE: "datetime64[s]", Type.NUMBER: "float64", Type.INTEGER: "float64"}
"""Value and dtype of a column that a table lacks, by its type."""


def typed(table: Table, raw: RawTable, currency: str = "USD", per_usd: float = 1.0) -> tuple[pd.DataFrame, list[Issue]]:
    """Return a raw table with typed columns, and its issues.

    Parameters
    ----------
    currency, per_usd
        A column such as ``rent_krw_per_month`` is divided by ``per_usd`` and becomes ``rent_usd_per_month``.

    Returns
    -------
    frame : DataFrame
        Every column of the schema (numbers as float with NaN for blanks, text with '', dates with NaT), then the
        columns that the schema does not know, as they are. The index is the row number. Cells with an error are blank.
        ``attrs["read_as"]`` says how the file was read.
    issues : list of Issue
    """
    cells = raw.cells.set_axis(raw.rows, axis=0)
    code = currency.lower()
    own = [name.replace("usd", code) for name in table.names if name != name.replace("usd", code)]
    old = aliases.COLUMNS.get(table.name, {})
    cut = uncut(list(cells.columns), [*table.names, *own, *old]) if raw.cut else {}
    meant = {name: [old.get(one, one) for one in names] for name, names in cut.items()}
    meant |= {name: [new] for name, new in old.items()}
    source: dict[str, str] = {}
    issues = []
    for name in map(str, cells.columns):
        whole, *others = meant.get(name, [name])
        if others:
            found, wrong = f"one cut name for {' and '.join(meant[name])}", f"full names; {WHOLE}"
        elif (twin := source.setdefault(usd_name(whole, code) or whole, name)) != name:
            found, wrong = f"both {twin} and {name}", "only one of them"
        else:
            continue
        issues.append(Issue(Code.COLUMN_TWICE, raw.file, raw.header_row, name, found, wrong))
    wrong_names, misspelt = header_issues(table, raw.file, raw.header_row, source, code)
    issues += wrong_names
    written = {column.name: cells[source[column.name]] for column in table if column.name in source}
    values, commas_are_decimal = _numbers(table, written)
    unknown = [name for usd, name in source.items() if usd not in table.names]
    issues += [replace(issue, file=raw.file) for issue in raw.issues if issue.column not in unknown]
    unread = {(issue.row, issue.column) for issue in raw.issues}
    frame = {}
    for column in table:
        if column.name not in source:
            frame[column.name] = pd.Series(_BLANK[column.type], index=cells.index, dtype=_DTYPE[column.type])
            continue
        name, series = source[column.name], written[column.name]
        own_money = usd_name(meant.get(name, [name])[0], code) is not None
        frame[column.name], bad = _convert(column, series, values.get(column.name), per_usd if own_money else 1.0)
        if column.required:
            bad = bad | _is_blank(series)
        rows = [row for row in cells.index[bad].tolist() if (row, name) not in unread]
        issues += named((_issue(raw.file, column, name, cells, row, values) for row in rows), len(rows))
        if raw.cut and column.required and column.type is Type.TEXT:
            issues += _cut_text(frame[column.name], name, raw.file)
    extra = {name: _of_one_kind(cells[name]) for name in unknown}
    checked = pd.DataFrame({**frame, **extra}, index=cells.index)
    checked.attrs["read_as"] = ", ".join(filter(None, [raw.read_as, "decimal commas" if commas_are_decimal else ""]))
    known = {(issue.row, issue.column) for issue in issues}
    for issue in CROSS_CHECKS[table.name](checked, raw.file):
        told = _as_written(issue, source, cells)
        other = OTHER.get(issue.column, "") if issue.code is Code.EITHER_OR else ""
        is_elsewhere = (issue.row, source.get(other, other)) in known or not misspelt.isdisjoint((issue.column, other))
        issues += [] if (told.row, told.column) in known or is_elsewhere else [told]
    return checked, sorted(issues, key=lambda issue: issue.row or 0)


def _cut_text(text: pd.Series, name: str, file: str) -> list[Issue]:
    """Return issues for texts that a shapefile may have cut."""
    long = text[text.map(lambda cell: len(cell.encode())) >= CUT_BYTES]
    expected = f"text of less than {CUT_BYTES} bytes, since a shapefile cuts longer texts; {WHOLE}"
    return named((Issue(Code.CUT, file, int(row), name, cell, expected) for row, cell in long.items()), len(long))


def _as_written(issue: Issue, source: dict[str, str], cells: pd.DataFrame) -> Issue:
    """Return an issue of a checked table with the column name and the cell text of its file."""
    name = source.get(issue.column, issue.column)
    if name not in cells:
        return issue
    found = issue.found if issue.code in DESCRIBED else _shown(cells.at[issue.row, name])
    return replace(issue, column=name, found=found)


def _of_one_kind(series: pd.Series) -> pd.Series:
    """Return a column of a sheet as text if it mixes numbers and text, else as it is."""
    is_text = series.map(lambda cell: isinstance(cell, str)) if series.dtype == object else None
    return series if is_text is None or is_text.all() or not is_text.any() else _text(series)


def _numbers(table: Table, written: dict[str, pd.Series]) -> tuple[dict[str, pd.Series], bool]:
    """Return the number columns, with NaN for blanks and other text, and whether commas are decimal in their text."""
    numeric = [column for column in table if column.name in written and column.type in (Type.NUMBER, Type.INTEGER)]
    columns = {column.name: written[column.name] for column in numeric}
    degrees = [column.name for column in numeric if column.unit == "degrees"]
    texts = {name: _as_arrow(one) for name, one in columns.items() if not pd.api.types.is_numeric_dtype(one)}
    read, commas_are_decimal = numbers(texts, degrees)
    found = {}
    for name, series in columns.items():
        if isinstance(series.dtype, pd.StringDtype):
            values = read[name]
        else:
            given = series.mask(series.map(lambda cell: isinstance(cell, str))) if name in texts else series
            values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            values = np.where(np.isnan(values), read[name], values) if name in texts else values
        found[name] = pd.Series(values, index=series.index)
    return found, commas_are_decimal


def _as_arrow(series: pd.Series) -> pa.Array:
    """Return the text of a column; null if a cell is blank or not text."""
    if isinstance(series.dtype, pd.StringDtype):
        return pa.array(series.mask(_is_blank(series)), from_pandas=True)
    return pa.array([cell if isinstance(cell, str) and cell else None for cell in series], pa.string())


def _convert(column: Column, series: pd.Series, numbers: pd.Series, rate: float) -> tuple[pd.Series, np.ndarray]:
    """Return the typed values of a column, and a mask of its wrong cells; ``numbers`` are those of a number column."""
    blank = _is_blank(series)
    if column.type is Type.TEXT:
        text = _text(series).fillna("").astype(str)
        bad = ~blank & ~text.isin(column.choices).to_numpy(dtype=bool) if column.choices else np.zeros_like(blank)
        return text.mask(bad, ""), bad
    if column.type is Type.DATE:
        kept = series.mask(blank)
        if pd.api.types.is_datetime64_any_dtype(kept):
            days = kept.dt.tz_localize(None).dt.normalize()
        else:
            days = dates(_text(kept))
        days = days.where(days.dt.year.between(*YEARS))
        return days, ~blank & days.isna().to_numpy()
    with np.errstate(invalid="ignore"):
        bad = ~blank & ~((numbers >= (column.low or 0) * rate) & (numbers <= (column.high or 0) * rate))
        if column.type is Type.INTEGER:
            bad |= ~blank & (numbers % 1 != 0)
    return pd.Series(np.where(bad, np.nan, numbers / rate), index=series.index), bad


def _text(series: pd.Series) -> pd.Series:
    """Return cells as text, as their file shows them; missing cells stay missing."""
    return series if isinstance(series.dtype, pd.StringDtype) else series.map(_shown, na_action="ignore")


def _is_blank(series: pd.Series) -> np.ndarray:
    if series.dtype == object or pd.api.types.is_string_dtype(series):
        return (series.isna() | (series == "")).to_numpy(dtype=bool)
    return series.isna().to_numpy(dtype=bool)


def _shown(value: object) -> str:
    """Return a cell as text, as its file shows it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _issue(file: str, column: Column, name: str, cells: pd.DataFrame, row: int, numbers: dict[str, pd.Series]) -> Issue:
    text = _shown(cells.at[row, name])
    values = {axis: float(numbers[axis].at[row]) for axis in (column.name, "longitude") if axis in numbers}
    value = values.get(column.name, np.nan)
    cause = _cause(column, text, value, values.get("longitude"))
    return Issue(_kind(column, text, value), file, row, name, text, column.expected + cause)


def _kind(column: Column, text: str, value: float) -> Code:
    """Return the code of the issue of a cell that could not be converted."""
    if not text:
        return Code.BLANK
    if column.type is Type.DATE:
        return Code.AMBIGUOUS_DATE if two_dates(text) else Code.NOT_DATE
    if column.choices:
        return Code.CHOICE
    if np.isnan(value):
        return Code.AMBIGUOUS_NUMBER if two_numbers(text) else Code.NOT_NUMBER
    inside = (column.low or 0) <= value <= (column.high or 0)
    return Code.NOT_WHOLE if inside else Code.OUT_OF_RANGE


def _cause(column: Column, text: str, value: float, longitude: float | None) -> str:
    """Return the likely cause of an issue, or advice about it; '' if there is none."""
    if not text:
        return ""
    if np.isnan(value) and column.unit == "degrees":
        return DEGREES
    if np.isnan(value):  # the cell holds no number, or the column is not a number column
        words = {Type.DATE: two_dates(text) or why_no_date(text), Type.TEXT: nearest(text, column.choices)}
        return words.get(column.type, two_numbers(text) or why_no_number(text))
    return _cause_of_number(column, value, longitude)


def _cause_of_number(column: Column, value: float, longitude: float | None) -> str:
    if column.unit == "degrees" and abs(value) > 360:
        return PROJECTED
    if column.name == "latitude" and longitude is not None:
        return SWAPPED if 90 < abs(value) <= 180 and abs(longitude) <= 90 else ""
    if column.unit in IN_ANOTHER_UNIT and column.high is not None and value > column.high:
        unit, meant = IN_ANOTHER_UNIT[column.unit]
        return f"; is it in {unit}?" if (column.low or 0) <= meant(value) <= column.high else ""
    return ""
