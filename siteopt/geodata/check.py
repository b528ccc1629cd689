"""Cells into values by the schema, every fault collected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from siteopt.codes import Code
from siteopt.faults import Fault, named, nearest
from siteopt.geodata.headers import header_faults
from siteopt.geodata.tables import RawTable
from siteopt.geodata.together import CROSS_CHECKS
from siteopt.instance import Floats
from siteopt.scenario import usd_name
from siteopt.schema import Column, Table, Type, uncut

SWAPPED = "; latitude and longitude look swapped"
KW = "; a value in kW?"
PROJECTED = " of WGS 84; a projected CRS is likely"
WHOLE = "a GeoPackage, which cuts nothing"

CUT_BYTES = 251
"""Text in a shapefile that has so many bytes may have been cut: it holds 254, and no part of a letter."""

_PLAIN_NUMBER = r"^-?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][-+]?\d{1,2})?$"
"""What Arrow reads as a number like pandas does. Anything else is left to pandas."""

_DATED = r"^(\d{4})[-/](\d\d)[-/](\d\d)([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d(:?\d\d)?)?)?$"
"""A date as ISO 8601 or QGIS writes it, with or without a time."""


def typed(table: Table, raw: RawTable, currency: str = "USD", per_usd: float = 1.0) -> tuple[pd.DataFrame, list[Fault]]:
    """A raw table with typed columns, and its faults.

    Parameters
    ----------
    currency, per_usd
        A column such as ``rent_krw_per_month`` is divided by ``per_usd`` and becomes ``rent_usd_per_month``.

    Returns
    -------
    frame : DataFrame
        Every schema column (numbers as float with NaN for blanks, text with '', dates as NaT), then the columns that
        the schema does not know, untouched. The index is the row number. Cells at fault are blank.
    faults : list of Fault
    """
    cells = raw.cells.set_axis(raw.rows, axis=0)
    code = currency.lower()
    own = [name.replace("usd", code) for name in table.names if name != name.replace("usd", code)]
    meant = uncut(list(cells.columns), [*table.names, *own]) if raw.cut else {}
    source: dict[str, str] = {}
    faults = []
    for name in map(str, cells.columns):
        whole, *others = meant.get(name, [name])
        if others:
            faults.append(
                Fault(
                    Code.COLUMN_TWICE, raw.file, 1, name, name, f"{WHOLE}; {' and '.join(meant[name])} are cut to this"
                )
            )
            continue
        twin = source.setdefault(usd_name(whole, code) or whole, name)
        if twin != name:
            faults.append(
                Fault(Code.COLUMN_TWICE, raw.file, 1, name, name, f"one currency a column; there is {twin} too")
            )
    faults += header_faults(table, raw.file, source, code)
    frame = {}
    for column in table:
        name = source.get(column.name, column.name)
        series = cells.get(name, pd.Series("", index=cells.index, dtype=str))
        own_money = usd_name(meant.get(name, [name])[0], code) is not None
        frame[column.name], bad = _convert(column, series, per_usd if own_money else 1.0)
        if column.required and column.name in source:
            bad = bad | _is_blank(series)
        rows = cells.index[bad].tolist()
        faults += named((_fault(raw.file, column, name, cells, row) for row in rows), len(rows))
        if raw.cut and column.required and column.type is Type.TEXT:
            faults += _cut_text(frame[column.name], name, raw.file)
    extra = {name: cells[name] for usd, name in source.items() if usd not in table.names}
    checked = pd.DataFrame({**frame, **extra}, index=cells.index)
    known = {(fault.row, fault.column) for fault in faults}
    crossed = (_as_written(fault, source, cells) for fault in CROSS_CHECKS[table.name](checked, raw.file))
    faults += [fault for fault in crossed if (fault.row, fault.column) not in known]
    return checked, sorted(faults, key=lambda fault: fault.row or 0)


def _cut_text(text: pd.Series, name: str, file: str) -> list[Fault]:
    """Text that a shapefile may have cut."""
    long = text[text.map(lambda cell: len(cell.encode())) >= CUT_BYTES]
    expected = f"text of less than {CUT_BYTES} bytes, or {WHOLE}"
    return named((Fault(Code.CUT, file, int(row), name, cell, expected) for row, cell in long.items()), len(long))


def _as_written(fault: Fault, source: dict[str, str], cells: pd.DataFrame) -> Fault:
    """A fault of a checked table, with the column and the text that its file has."""
    name = source.get(fault.column, fault.column)
    return replace(fault, column=name, found=_shown(cells.at[fault.row, name])) if name in cells else fault


def _convert(column: Column, series: pd.Series, rate: float) -> tuple[pd.Series, np.ndarray]:
    """Typed values, and where the text is at fault."""
    blank = _is_blank(series)
    if column.type is Type.TEXT:
        text = _text(series).fillna("").astype(str)
        bad = ~blank & ~text.isin(column.choices).to_numpy(dtype=bool) if column.choices else np.zeros_like(blank)
        return text.mask(bad, ""), bad
    if column.type is Type.DATE:
        kept = series.mask(blank)
        if pd.api.types.is_datetime64_any_dtype(kept):
            return kept.dt.tz_localize(None).dt.normalize(), np.zeros_like(blank)
        text = _text(kept)
        dates = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
        odd = ~blank & dates.isna().to_numpy()
        if odd.any():
            plain = text[odd].str.replace(_DATED, r"\1-\2-\3", regex=True)
            dates[odd] = pd.to_datetime(plain, format="%Y-%m-%d", errors="coerce")
        return dates, ~blank & dates.isna().to_numpy()
    values = _numbers(series, blank)
    with np.errstate(invalid="ignore"):
        bad = ~blank & ~((values >= (column.low or 0) * rate) & (values <= (column.high or 0) * rate))
        if column.type is Type.INTEGER:
            bad |= ~blank & (values % 1 != 0)
    return pd.Series(np.where(bad, np.nan, values / rate), index=series.index), bad


def _text(series: pd.Series) -> pd.Series:
    """Cells as their file shows them; missing ones stay missing."""
    return series if isinstance(series.dtype, pd.StringDtype) else series.map(_shown, na_action="ignore")


def _numbers(series: pd.Series, blank: np.ndarray) -> Floats:
    """Cells as numbers, NaN where they are blank or none."""
    kept = series.mask(blank)
    if not isinstance(kept.dtype, pd.StringDtype):
        return pd.to_numeric(kept, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    text = pa.array(kept, from_pandas=True)
    try:
        return _cast(text)
    except pa.ArrowInvalid:
        plain = pa.compute.match_substring_regex(text, _PLAIN_NUMBER).fill_null(True)
        odd = pd.to_numeric(kept.mask(np.asarray(plain)), errors="coerce").to_numpy(dtype=float)
        return np.where(plain, _cast(pa.compute.if_else(plain, text, None)), odd)


def _cast(text: pa.Array | pa.ChunkedArray) -> Floats:
    return np.asarray(text.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _is_blank(series: pd.Series) -> np.ndarray:
    if series.dtype == object or pd.api.types.is_string_dtype(series):
        return (series.isna() | (series == "")).to_numpy(dtype=bool)
    return series.isna().to_numpy(dtype=bool)


def _shown(value: object) -> str:
    """A cell as its file shows it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _fault(file: str, column: Column, name: str, cells: pd.DataFrame, row: int) -> Fault:
    text = _shown(cells.at[row, name])
    return Fault(_kind(column, text), file, row, name, text, column.expected + _cause(column, text, cells, row))


def _kind(column: Column, text: str) -> Code:
    """What is wrong with a cell that could not be converted."""
    if not text:
        return Code.BLANK
    if column.type is Type.DATE:
        return Code.NOT_DATE
    if column.choices:
        return Code.CHOICE
    value = pd.to_numeric(text, errors="coerce")
    if np.isnan(value):
        return Code.NOT_NUMBER
    inside = (column.low or 0) <= value <= (column.high or 0)
    return Code.NOT_WHOLE if inside else Code.OUT_OF_RANGE


def _cause(column: Column, text: str, cells: pd.DataFrame, row: int) -> str:
    """The likely cause of a fault, where one stands out."""
    value = pd.to_numeric(text, errors="coerce") if text else np.nan
    if column.choices and text:
        return nearest(text, column.choices)
    if column.unit == "degrees" and abs(value) > 180:
        return PROJECTED
    if column.name == "latitude" and "longitude" in cells:
        other = pd.to_numeric(_shown(cells.at[row, "longitude"]), errors="coerce")
        return SWAPPED if 90 < abs(value) <= 180 and abs(other) <= 90 else ""
    if column.unit.startswith("MW") and column.high is not None and column.high < value <= column.high * 1000:
        return KW
    return ""
