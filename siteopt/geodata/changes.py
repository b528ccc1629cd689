"""Change facts: set cells of tables and keys of the scenario to new values. All changes go through this module."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas
import numpy as np
import pandas as pd

from siteopt import aliases
from siteopt.instance import PowerQuality
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.record.base import InputFile
from siteopt.scenario import Scenario
from siteopt.scenario_file import with_values
from siteopt.schema import (
    BUILDINGS,
    CANDIDATES,
    GRID_STEPS,
    LIMITS,
    OFFERS,
    Answer,
    Basis,
    Column,
    Resource,
    Table,
    Type,
)

SCENARIO = "scenario"
"""Table name of a change to a key of the scenario, such as ``supply.spare_units``."""
DAY = "day"
"""Column of a grid step for its day, and of the buildings of a site for that of their roofs, given as days or dates."""
UNTIL = "until"
"""Column of a limit for the first day on which it no longer holds, given as a day or a date."""

_READ = ("inputs", "project.currency", "project.currency_per_usd", "power_quality")
"""Keys that decide how tables are read, so they cannot be changed after reading; that needs another scenario."""
_DECIDES = (CANDIDATES, OFFERS, GRID_STEPS, LIMITS, BUILDINGS)


@dataclass(frozen=True)
class Change:
    """Change of a fact to a new value.

    Attributes
    ----------
    table : str
        ``candidates``, ``offers``, ``grid_steps``, ``limits``, ``buildings`` or ``scenario``.
    row : str
        The site_id or offer_id; empty for the scenario.
    column : str
        Column of the table; for a grid step ``day`` or ``cost_usd``; for the limits of a site the resource; for the
        buildings of a site ``day``, the latest day of a roof (later ones are moved to it); for the scenario its key,
        such as ``supply.spare_units``.
    value
        New value in the unit of the column, money in US dollars. For the limits, a tuple of (day, limit) with rising
        days from 0 on: each limit holds until the next day, the last one for good, and infinity is no limit. They
        replace every row of the resource that holds for the site, and need no contract.
    level_mw : float, optional
        For a grid step, the limit that it rises to. A new step, which needs no commissioning, is added if its limit is
        above the limit that the site has by that day.
    place : int, optional
        For one row of the limits or the buildings, its index in their table; ``row`` is the site that it is changed
        for. ``column`` is a column of the table, or ``day`` (of the roof, or from which the limit holds) or ``until``.
    """

    table: str
    row: str
    column: str
    value: Any
    level_mw: float | None = None
    place: int | None = None


_DATED = {(BUILDINGS.name, DAY): "roof", (LIMITS.name, DAY): "ready", (LIMITS.name, UNTIL): "until"}
"""First word of the columns that hold a day of one row as a day or a date, by table and column of a change."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Tables that were read for a scenario.

    Attributes
    ----------
    scenario : Scenario
    sites : DataFrame
        Every candidate by site_id, as read and in the order of the tables; unknown columns are kept.
    offers : DataFrame
        Every offer by offer_id, in the order of the Instance.
    grid_steps : DataFrame
        Every grid step, as read, and every row of the limits that raises the grid of a site for good.
    limits : DataFrame
        Every other row of the limits, as read.
    buildings : DataFrame
        Every building, as read.
    quality : PowerQuality
        Power quality that the scenario requires, with its waveform.
    inputs : tuple of InputFile
        Every file that was read.
    warnings : tuple of Issue
        Issues that do not stop the run.
    areas : tuple of GeoDataFrame
        Polygons of sites in the CRS of their layers: ``site_id``, ``role`` (an outline or a use) and geometry.
    admit : str
        site_id of a site that takes part even if a date or the filter excludes it.
    """

    scenario: Scenario
    sites: pd.DataFrame
    offers: pd.DataFrame
    grid_steps: pd.DataFrame
    limits: pd.DataFrame
    buildings: pd.DataFrame
    quality: PowerQuality
    inputs: tuple[InputFile, ...]
    warnings: tuple[Issue, ...]
    areas: tuple[geopandas.GeoDataFrame, ...] = ()
    admit: str = ""


def changed(tables: Tables, changes: Sequence[Change]) -> Tables:
    """Return tables with some facts changed; everything else stays as it is.

    Raises
    ------
    InputError
        With every change that names something unknown, or whose value is not allowed.
    """
    changes = [replace(change, column=aliases.column(change.table, change.column)) for change in changes]
    issues = [issue for change in changes if (issue := _issue(tables, change)) is not None]
    if issues:
        raise InputError(issues)
    keys = {change.column: change.value for change in changes if change.table == SCENARIO}
    scenario = with_values(tables.scenario, keys) if keys else tables.scenario
    sites = _with_cells(tables.sites, [change for change in changes if change.table == CANDIDATES.name])
    offers = _with_cells(tables.offers, [change for change in changes if change.table == OFFERS.name])
    steps, limits, buildings = tables.grid_steps, tables.limits, tables.buildings
    for change in changes:
        if change.table == GRID_STEPS.name:
            steps = _with_step(scenario, sites, steps, change)
        if change.table == LIMITS.name:
            limits = _with_limits(limits, change) if change.place is None else _with_row(limits, change)
        if change.table == BUILDINGS.name:
            every = change.place is None
            buildings = _with_roofs(scenario, buildings, change) if every else _with_row(buildings, change)
    decided = {"sites": sites, "offers": offers, "grid_steps": steps, "limits": limits, "buildings": buildings}
    return replace(tables, scenario=scenario, **decided)


def _with_cells(frame: pd.DataFrame, changes: Sequence[Change]) -> pd.DataFrame:
    """Return a table with some cells changed; the table itself if there are no changes."""
    if not changes:
        return frame
    frame = frame.copy()
    for change in changes:
        frame.loc[change.row, change.column] = change.value
    return frame


def dated_steps(scenario: Scenario, steps: pd.DataFrame) -> pd.DataFrame:
    """Return grid steps with ``day``, from their day or date: whole days, rounded up, not before the decision."""
    return steps.assign(day=np.ceil(ready_days(scenario, steps)).clip(lower=0))


def ready_days(scenario: Scenario, frame: pd.DataFrame, name: str = "ready") -> pd.Series:
    """Return the day of each row of a table as it gives it: as a day, or else as a date.

    Parameters
    ----------
    name : "ready", "until" or "roof"
        First word of the two columns.
    """
    start = pd.Timestamp(scenario.project.start_date)
    dates = pd.to_datetime(frame[f"{name}_date"])
    return frame[f"{name}_day"].astype(float).fillna((dates - start).dt.days)


def dated_buildings(scenario: Scenario, buildings: pd.DataFrame) -> pd.DataFrame:
    """Return buildings with ``day``, the day of the roof: whole days, rounded up; 0 if the roof is there."""
    return buildings.assign(day=np.ceil(ready_days(scenario, buildings, "roof").fillna(0)).clip(lower=0))


def _with_roofs(scenario: Scenario, buildings: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return buildings with no roof of a site later than a day."""
    day = dated_buildings(scenario, buildings)["day"]
    late = (buildings["site_id"] == change.row) & (day > change.value)
    return buildings.assign(
        roof_day=buildings["roof_day"].mask(late, float(change.value)),
        roof_date=buildings["roof_date"].mask(late, pd.NaT),
    )


def _with_row(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return limits or buildings with one row changed."""
    frame, dated = frame.copy(), _DATED.get((change.table, change.column))
    if dated is None:
        frame.loc[change.place, change.column] = change.value
    else:
        frame.loc[change.place, f"{dated}_day"] = float(change.value)
        frame.loc[change.place, f"{dated}_date"] = pd.NaT
    return frame


def _with_limits(limits: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return limits with other rows of a resource for a site."""
    days, values = zip(*change.value, strict=True)
    own = pd.DataFrame({"ready_day": days, "until_day": [*days[1:], np.nan], "limit": values}, dtype=float)
    own["limit"] = own["limit"].replace(np.inf, np.nan)
    own = own.assign(site_id=change.row, region="", country="", resource=change.column, basis=Basis.CONTRACT)
    others = limits[(limits["site_id"] != change.row) | (limits["resource"] != change.column)]
    # rows of the site come before those of its region and its country
    return pd.concat([others, own.reindex(columns=limits.columns)], ignore_index=True)


def _with_step(scenario: Scenario, sites: pd.DataFrame, steps: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return grid steps with one step of a site changed or added; a later step delays the higher steps of its site."""
    mine = steps["site_id"] == change.row
    own = dated_steps(scenario, steps[mine])
    at = own.index[own["grid_mw"] == change.level_mw]
    if len(at):
        own.loc[at, change.column] = change.value
        own = own.sort_values("grid_mw")
        own["day"] = own["day"].cummax()
    else:
        counted = scenario.grid.counted
        there = own.loc[(own["day"] <= change.value) & own["basis"].isin(counted), "grid_mw"].max()
        entered, basis = sites.loc[change.row, ["grid_mw", "basis"]]
        if change.level_mw <= np.nanmax([there, entered if basis in counted else 0.0, 0.0]):
            return steps
        late = (own["grid_mw"] <= change.level_mw) & (own["day"] >= change.value)
        # it is in service on its day: a larger step must never be worse, so it needs no commissioning
        more = {"site_id": change.row, "grid_mw": change.level_mw, "cost_usd": 0.0, "day": float(change.value)}
        more |= {"live_feed": Answer.YES, "basis": Basis.CONTRACT}
        own = pd.DataFrame([*own[~late].to_dict("records"), more], columns=own.columns)
    own = own.assign(ready_day=own["day"], ready_date=pd.NaT).drop(columns="day")
    return pd.concat([steps[~mine], own.astype(steps.dtypes.to_dict())], ignore_index=True)


def _issue(tables: Tables, change: Change) -> Issue | None:
    """Return the issue of a change, or None; a wrong key of the scenario is found later, when it is set."""
    if change.table == SCENARIO:
        reads = change.column.startswith(_READ)
        told = "no change of this key, since it decides how tables are read; use another scenario"
        return _wrong(Code.BAD_SETTING, change, change.value, told) if reads else None
    table = next((one for one in _DECIDES if one.name == change.table), None)
    if table is None:
        names = [*(one.name for one in _DECIDES), SCENARIO]
        told = f"one of {', '.join(names)}{nearest(change.table, names)}"
        return _wrong(Code.NO_SUCH_NAME, change, change.table, told)
    known = tables.offers.index if table is OFFERS else tables.sites.index
    if change.row not in known:
        row = "offer_id" if table is OFFERS else "site_id"
        return _wrong(Code.NO_SUCH_NAME, change, change.row, f"a {row} of the tables{nearest(change.row, known)}")
    if table is GRID_STEPS:
        return _issue_of_step(tables, change)
    if table is LIMITS:
        return _issue_of_limits(tables, change)
    return _issue_of_roofs(tables, change) if table is BUILDINGS else _issue_of_cell(table, change)


def _wrong(code: Code, change: Change, found: object, expected: str) -> Issue:
    return Issue(code, change.table, None, change.column, "" if found is None else str(found), expected)


def _issue_of_step(tables: Tables, change: Change) -> Issue | None:
    """Return the issue of a change to the day of a grid step, which may be new, or to its cost; None if it is right."""
    if change.column not in (DAY, "cost_usd"):
        return _wrong(Code.UNKNOWN_COLUMN, change, change.column, "day or cost_usd")
    steps = tables.grid_steps
    is_there = ((steps["site_id"] == change.row) & (steps["grid_mw"] == change.level_mw)).any()
    if change.level_mw is None or not (is_there or change.column == DAY):
        told = "the limit (level_mw) of a grid step of the site"
        return _wrong(Code.NO_SUCH_NAME, change, change.level_mw, told)
    if change.column != DAY:
        return _issue_of_cell(GRID_STEPS, change)
    return _issue_of_day(GRID_STEPS["ready_day"], change)


def _issue_of_limits(tables: Tables, change: Change) -> Issue | None:
    """Return the issue of a change to the limits of a resource at a site, or to one row; None if it is right."""
    if change.place is not None:
        return _issue_of_row(LIMITS, tables.limits, change)
    if change.column not in list(Resource):
        told = f"one of {', '.join(Resource)}{nearest(change.column, Resource)}"
        return _wrong(Code.CHOICE, change, change.column, told)
    days = [day for day, _ in change.value]
    rising = days[:1] == [0] and all(day < later for day, later in itertools.pairwise(days))
    if rising and all(_fits(LIMITS["limit"], limit) or limit == np.inf for _, limit in change.value):
        return None
    return _wrong(Code.OUT_OF_RANGE, change, change.value, "pairs of day and limit, the days rising from 0 on")


def _issue_of_roofs(tables: Tables, change: Change) -> Issue | None:
    """Return the issue of a change to the roofs of the buildings of a site, or to one building; None if it is right."""
    if change.place is not None:
        return _issue_of_row(BUILDINGS, tables.buildings, change)
    if change.column != DAY:
        return _wrong(Code.UNKNOWN_COLUMN, change, change.column, DAY)
    if not (tables.buildings["site_id"] == change.row).any():
        return _wrong(Code.NO_SUCH_NAME, change, change.row, "a site_id of the buildings")
    return _issue_of_day(BUILDINGS["roof_day"], change)


def _issue_of_row(table: Table, frame: pd.DataFrame, change: Change) -> Issue | None:
    """Return the issue of a change to one row of the limits or the buildings; None if it is right."""
    if change.place not in frame.index:
        return _wrong(Code.NO_SUCH_NAME, change, change.place, f"the place of a row of {table.name}")
    dated = _DATED.get((table.name, change.column))
    return _issue_of_cell(table, change) if dated is None else _issue_of_day(table[f"{dated}_day"], change)


def _issue_of_day(column: Column, change: Change) -> Issue | None:
    is_day = isinstance(change.value, int | float) and 0 <= change.value <= (column.high or 0)
    return None if is_day else _wrong(Code.OUT_OF_RANGE, change, change.value, column.expected)


def _issue_of_cell(table: Table, change: Change) -> Issue | None:
    """Return the issue of a change of a cell, by the columns of its table; None if it is right."""
    if change.column not in table.names:
        told = f"a column of {table.name}{nearest(change.column, table.names)}"
        return _wrong(Code.UNKNOWN_COLUMN, change, change.column, told)
    column = table[change.column]
    return None if _fits(column, change.value) else _wrong(Code.OUT_OF_RANGE, change, change.value, column.expected)


def _fits(column: Column, value: Any) -> bool:
    """Return whether a column can hold a value; a blank is allowed unless the column is required."""
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        return not column.required
    if column.choices:
        return value in column.choices
    if column.type in (Type.NUMBER, Type.INTEGER):
        low = -np.inf if column.low is None else column.low
        high = np.inf if column.high is None else column.high
        return isinstance(value, int | float | np.number) and bool(low <= value <= high)
    return True
