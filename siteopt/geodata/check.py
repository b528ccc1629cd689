"""Cells into values by the schema, every fault collected."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from siteopt.faults import Fault, nearest
from siteopt.geodata.tables import RawTable
from siteopt.scenario import usd_name
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Column, Kind, Table, Type

MISSPELT = 0.8
"""Likeness from which an unknown column is taken for a misspelt one, if the column that it is like is absent."""

SWAPPED = "; latitude and longitude look swapped"
KW = "; a value in kW?"


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
    source: dict[str, str] = {}
    faults = []
    for name in map(str, cells.columns):
        twin = source.setdefault(usd_name(name, currency.lower()) or name, name)
        if twin != name:
            faults.append(Fault(raw.file, 1, name, name, f"one currency a column; there is {twin} too"))
    faults += _header_faults(table, raw.file, source)
    frame = {}
    for column in table:
        name = source.get(column.name, column.name)
        series = cells.get(name, pd.Series("", index=cells.index, dtype=object))
        rate = 1.0 if name == column.name else per_usd
        frame[column.name], bad = _convert(column, series, rate)
        required = column.required and column.name in source
        blank = _is_blank(series) if required else np.zeros(len(series), dtype=bool)
        for position in np.flatnonzero(bad | blank).tolist():
            row, text = int(raw.rows[position]), _shown(series.iloc[position])
            faults.append(Fault(raw.file, row, name, text, column.expected + _cause(column, text, cells, position)))
    extra = {name: cells[name] for usd, name in source.items() if usd not in table.names}
    checked = pd.DataFrame({**frame, **extra}, index=cells.index)
    named = {(fault.row, fault.column) for fault in faults}
    crossed = (_as_written(fault, source, cells) for fault in _CROSS_CHECKS[table.name](checked, raw.file))
    faults += [fault for fault in crossed if (fault.row, fault.column) not in named]
    return checked, sorted(faults, key=lambda fault: fault.row or 0)


def _as_written(fault: Fault, source: dict[str, str], cells: pd.DataFrame) -> Fault:
    """A fault of a checked table, with the column and the text that its file has."""
    name = source.get(fault.column, fault.column)
    return replace(fault, column=name, found=_shown(cells.at[fault.row, name])) if name in cells else fault


def _header_faults(table: Table, file: str, source: dict[str, str]) -> list[Fault]:
    """Misspelt columns, and required ones that are absent."""
    absent = [name for name in table.names if name not in source]
    faults = []
    for usd, name in source.items():
        like = difflib.get_close_matches(usd.lower(), absent, n=1, cutoff=MISSPELT)
        if usd not in table.names and like:
            absent.remove(like[0])
            faults.append(Fault(file, 1, name, name, f"a known column; did you mean {like[0]!r}?"))
    for name in absent:
        if table[name].required:
            faults.append(Fault(file, 1, name, "no such column", f"a column {name}: {table[name].help}"))
    return faults


def _convert(column: Column, series: pd.Series, rate: float) -> tuple[pd.Series, np.ndarray]:
    """Typed values, and where the text is at fault."""
    blank = _is_blank(series)
    if column.type is Type.TEXT:
        text = series.where(~blank, "").map(_shown)
        bad = ~blank & ~text.isin(column.choices).to_numpy() if column.choices else np.zeros(len(text), dtype=bool)
        return text.where(~bad, ""), bad
    if column.type is Type.DATE:
        kept = series.where(~blank)
        if pd.api.types.is_datetime64_any_dtype(kept):
            return kept.dt.tz_localize(None).dt.normalize(), np.zeros(len(kept), dtype=bool)
        dates = pd.to_datetime(kept.map(_shown, na_action="ignore"), format="%Y-%m-%d", errors="coerce")
        return dates, ~blank & dates.isna().to_numpy()
    values = pd.to_numeric(series.where(~blank), errors="coerce").astype(float)
    checked = values.to_numpy()
    with np.errstate(invalid="ignore"):
        bad = ~blank & ~((checked >= (column.low or 0) * rate) & (checked <= (column.high or 0) * rate))
        if column.type is Type.INTEGER:
            bad |= ~blank & (checked % 1 != 0)
    return (values / rate).where(~bad), bad


def _is_blank(series: pd.Series) -> np.ndarray:
    if series.dtype == object or pd.api.types.is_string_dtype(series):
        return (series.isna() | (series == "")).to_numpy(dtype=bool)
    return series.isna().to_numpy(dtype=bool)


def _shown(value: object) -> str:
    """A cell as its file shows it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _cause(column: Column, text: str, cells: pd.DataFrame, position: int) -> str:
    """The likely cause of a fault, where one stands out."""
    value = pd.to_numeric(text, errors="coerce") if text else np.nan
    if column.choices and text:
        return nearest(text, column.choices)
    if column.name == "latitude" and "longitude" in cells:
        other = pd.to_numeric(_shown(cells["longitude"].iloc[position]), errors="coerce")
        return SWAPPED if 90 < abs(value) <= 180 and abs(other) <= 90 else ""
    if column.unit.startswith("MW") and column.high is not None and column.high < value <= column.high * 1000:
        return KW
    return ""


def _duplicates(frame: pd.DataFrame, file: str, key: str) -> Iterator[Fault]:
    """Ids that stand in more than one row, each with its twin's row."""
    first: dict[str, int] = {}
    repeated = frame[key].duplicated(keep=False) & (frame[key] != "")
    for row, value in frame.loc[repeated, key].items():
        if value in first:
            yield Fault(file, int(row), key, value, f"an id of its own; row {first[value]} has the same")
        first.setdefault(value, int(row))


def _candidates(frame: pd.DataFrame, file: str) -> list[Fault]:
    faults = list(_duplicates(frame, file, "site_id"))
    for row in frame.index[frame["available_until"] < frame["available_from"]]:
        until, begin = (frame.at[row, name].date().isoformat() for name in ("available_until", "available_from"))
        faults.append(Fault(file, int(row), "available_until", until, f"a date not before available_from, {begin}"))
    return faults


def _grid_steps(frame: pd.DataFrame, file: str) -> list[Fault]:
    both = frame["ready_day"].notna() == frame["ready_date"].notna()
    return [
        Fault(file, int(row), "ready_day", _shown(frame.at[row, "ready_day"]), "either ready_day or ready_date")
        for row in frame.index[both]
    ]


def _offers(frame: pd.DataFrame, file: str) -> list[Fault]:
    faults = list(_duplicates(frame, file, "offer_id"))
    for column in OFFERS:
        blank = frame[column.name].isna() | (frame[column.name] == "")
        for row in frame.index[blank & frame["kind"].isin(column.required_for)]:
            faults.append(Fault(file, int(row), column.name, "", f"{column.expected} for a {frame.at[row, 'kind']}"))
    for row in frame.index[frame["rent_usd_per_month"].notna() == frame["purchase_usd"].notna()]:
        found = _shown(frame.at[row, "rent_usd_per_month"]) if frame.at[row, "rent_usd_per_month"] >= 0 else ""
        faults.append(Fault(file, int(row), "rent_usd_per_month", found, "either a rent or a purchase_usd"))
    for row in frame.index[frame["lead_days_high"] < frame["lead_days"]]:
        found, low = _shown(frame.at[row, "lead_days_high"]), _shown(frame.at[row, "lead_days"])
        faults.append(Fault(file, int(row), "lead_days_high", found, f"at least lead_days, {low}"))
    wrong = (frame["kind"] == Kind.BATTERY) & (frame["fuel"] != "")
    for row in frame.index[wrong]:
        faults.append(Fault(file, int(row), "fuel", frame.at[row, "fuel"], "a blank for a battery"))
    return faults


_CROSS_CHECKS = {CANDIDATES.name: _candidates, GRID_STEPS.name: _grid_steps, OFFERS.name: _offers}


def ladder_faults(steps: pd.DataFrame, file: str, base_mw: pd.Series) -> list[Fault]:
    """Faults of grid steps against the candidates: misspelt sites, limits that do not rise.

    A step of a site that is not a candidate, and not like one, belongs to another table of candidates.

    Parameters
    ----------
    steps : DataFrame
        With ``day``, the day after the decision, beside the columns of the table.
    base_mw : Series
        ``grid_mw`` by site_id, NaN where unknown.
    """
    faults = []
    known = list(base_mw.index)
    for row, site in steps.loc[~steps["site_id"].isin(base_mw.index) & (steps["site_id"] != ""), "site_id"].items():
        if difflib.get_close_matches(site, known, n=1, cutoff=MISSPELT):
            faults.append(Fault(file, int(row), "site_id", site, "a site_id of the candidates" + nearest(site, known)))
    for site, ladder in steps.dropna(subset=["grid_mw", "day"]).groupby("site_id"):
        below = base_mw.get(site, np.nan)
        for row, step in ladder.sort_values("day", kind="stable").iterrows():
            if step["grid_mw"] <= below:
                faults.append(
                    Fault(file, int(row), "grid_mw", _shown(step["grid_mw"]), f"more than the {below:g} MW before")
                )
            below = step["grid_mw"]
    return faults
