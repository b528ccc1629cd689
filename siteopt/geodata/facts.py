"""Read tables of changed facts, and compare them with the tables of the scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siteopt.geodata.changes import DAY, UNTIL, Change, dated_steps, ready_days
from siteopt.geodata.check import typed
from siteopt.geodata.dataset import Dataset
from siteopt.geodata.layers import refuse
from siteopt.geodata.limits import LEVELS
from siteopt.geodata.tables import RawTable, read_table
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.schema import BUILDINGS, CANDIDATES, GRID_STEPS, LIMITS, OFFERS, Resource, Table

_ANY = Table(
    "changes",
    (),
    tuple(
        {
            column.name: column for table in (OFFERS, GRID_STEPS, CANDIDATES, LIMITS, BUILDINGS) for column in table
        }.values()
    ),
    spatial=False,
)
_LACKING = (Code.NO_COLUMN, Code.BLANK, Code.EITHER_OR, Code.WRONG_KIND)
"""Codes that are no issue in a table of changes, because a fact that the table does not name is unchanged."""


@dataclass(frozen=True)
class Replaced:
    """Change of a fact, with the value before the change.

    Attributes
    ----------
    change : Change
    before
        Value before the change; amounts in US dollars.
    """

    change: Change
    before: Any


def read_changes(dataset: Dataset, site_id: str, paths: Sequence[str | Path]) -> list[Replaced]:
    """Return the changes that some tables make to a site, its grid steps, limits and buildings, and any offer.

    Each table holds offers, grid steps, candidates, limits or buildings: all columns, or only the ids and the columns
    that change. Rows, columns and cells that are absent or blank change nothing. A grid step is identified by the limit
    that it rises to; a row of the limits by its place, its resource and its limit, so that its days may change. Of
    several such rows the first of the scenario is the first here.

    Raises
    ------
    InputError
        With every error of every table: unknown ids, unknown columns, and values that are not allowed.
    """
    issues: list[Issue] = []
    found: list[Replaced] = []
    steps = dataset.steps[dataset.steps["site_id"] == site_id]
    for path in map(Path, paths):
        try:
            refuse(path, str(path))
            raw = read_table(path, _ANY)
            found += _changes(dataset, site_id, steps, _table_of(raw), raw, issues)
        except InputError as error:
            issues += error.issues
    if issues:
        raise InputError(issues)
    return found


def _changes(
    dataset: Dataset, site_id: str, steps: pd.DataFrame, table: Table, raw: RawTable, issues: list[Issue]
) -> Iterator[Replaced]:
    project = dataset.scenario.project
    frame, wrong = typed(table, raw, project.currency, project.currency_per_usd)
    issues += [issue for issue in wrong if issue.code not in _LACKING and not issue.code.is_warning]
    known = {
        OFFERS: dataset.offers,
        GRID_STEPS: steps,
        CANDIDATES: dataset.sites,
        LIMITS: dataset.limits,
        BUILDINGS: dataset.buildings,
    }[table]
    told = {*known.columns, *(issue.column for issue in wrong)}
    issues += (_strange_column(table, raw, name) for name in frame.columns if name not in told)
    if table is GRID_STEPS:
        return _of_steps(site_id, steps, raw, dated_steps(dataset.scenario, frame), issues)
    if table is LIMITS:
        return _of_limits(dataset, site_id, steps, raw, frame, issues)
    if table is BUILDINGS:
        return _of_buildings(dataset, site_id, raw, frame, issues)
    return _of_rows(site_id, table, raw, frame, known, issues)


def _of_rows(
    site_id: str, table: Table, raw: RawTable, frame: pd.DataFrame, known: pd.DataFrame, issues: list[Issue]
) -> Iterator[Replaced]:
    key = table.key[0]
    for number, cells in frame.iterrows():
        row = cells[key]
        if row not in known.index:
            expected = f"a {key} of the {table.name}{nearest(row, known.index)}"
            issues.append(Issue(Code.NO_SUCH_NAME, raw.file, int(str(number)), key, row, expected))
        elif table is OFFERS or row == site_id:
            for column in table.names:
                before, after = known.at[row, column], cells[column]
                if not _is_blank(after) and after != before:
                    yield Replaced(Change(table.name, row, column, after), before)


def _of_steps(
    site_id: str, steps: pd.DataFrame, raw: RawTable, frame: pd.DataFrame, issues: list[Issue]
) -> Iterator[Replaced]:
    levels = steps.set_index("grid_mw")
    for number, cells in frame[frame["site_id"] == site_id].iterrows():
        level = cells["grid_mw"]
        if level not in levels.index:
            known = ", ".join(f"{mw:g}" for mw in levels.index)
            expected = f"the limit of a grid step of the site: {known} MW" if known else "a site with grid steps"
            issues.append(Issue(Code.NO_SUCH_NAME, raw.file, int(str(number)), "grid_mw", f"{level:g}", expected))
            continue
        for column in (DAY, "cost_usd"):
            before, after = levels.at[level, column], cells[column]
            if not _is_blank(after) and after != before:
                yield Replaced(Change(GRID_STEPS.name, site_id, column, after, float(level)), before)


def _of_buildings(
    dataset: Dataset, site_id: str, raw: RawTable, frame: pd.DataFrame, issues: list[Issue]
) -> Iterator[Replaced]:
    def dated(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["site_id"] == site_id].assign(
            day=lambda own: np.ceil(ready_days(dataset.scenario, own, "roof"))
        )

    known = dated(dataset.buildings)
    places = dict(zip(known["building_id"], known.index, strict=True))
    for number, cells in dated(frame).iterrows():
        place = places.get(cells["building_id"])
        if place is None:
            expected = f"a building of {site_id}: {', '.join(places)}" if places else "a site with buildings"
            found = cells["building_id"]
            issues.append(Issue(Code.NO_SUCH_NAME, raw.file, int(str(number)), "building_id", found, expected))
            continue
        columns = (DAY, "area_m2", "fitout_m2_per_day", "hall_m2_per_mw")
        yield from _of_place(BUILDINGS, site_id, int(place), columns, known.loc[place], cells)


def _of_limits(
    dataset: Dataset, site_id: str, steps: pd.DataFrame, raw: RawTable, frame: pd.DataFrame, issues: list[Issue]
) -> Iterator[Replaced]:
    site = {"site_id": site_id, **dataset.sites.loc[site_id, ["region", "country"]]}

    def numbered(rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that may hold for the site, with their days, and a key that each has for itself."""
        mine = rows[np.all([rows[level].isin(["", site[level]]) for level in LEVELS], axis=0)]
        names = [*LEVELS, "resource", "limit"]
        key = list(zip(*(mine[name].fillna(np.inf) if name == "limit" else mine[name] for name in names), strict=True))
        days = {DAY: ready_days(dataset.scenario, mine), UNTIL: ready_days(dataset.scenario, mine, "until")}
        rest = pd.Series(key, mine.index, dtype=object)
        return mine.assign(**{name: np.ceil(day) for name, day in days.items()}, key=rest, turn=_turns(key))

    known = numbered(dataset.limits)
    places = {(key, turn): at for at, key, turn in zip(known.index, known["key"], known["turn"], strict=True)}
    levels = steps.set_index("grid_mw")[DAY]
    for number, cells in numbered(frame).iterrows():
        place = places.get((cells["key"], cells["turn"]))
        if place is not None:
            yield from _of_place(LIMITS, site_id, int(place), (DAY, UNTIL), known.loc[place], cells)
        elif cells["resource"] == Resource.GRID and cells["site_id"] and cells["limit"] in levels.index:
            before, after = levels[cells["limit"]], cells[DAY]
            if not _is_blank(after) and after != before:
                change = Change(GRID_STEPS.name, site_id, DAY, max(0.0, after), float(cells["limit"]))
                yield Replaced(change, before)
        else:
            found = _limit(cells["resource"], cells["limit"])
            rows = sorted({_limit(*row) for row in zip(known["resource"], known["limit"], strict=True)})
            expected = "a row of the scenario for the same place, of which only the days may change: "
            expected += ", ".join(rows) if rows else "it has none"
            issues.append(Issue(Code.NO_SUCH_NAME, raw.file, int(str(number)), "limit", found, expected))


def _limit(resource: str, limit: float) -> str:
    return f"{resource} without a limit" if pd.isna(limit) else f"{resource} {limit:,g}"


def _turns(keys: Sequence[Any]) -> list[int]:
    """Return how often each key has stood before."""
    seen = Counter[Any]()
    turns = []
    for key in keys:
        turns.append(seen[key])
        seen[key] += 1
    return turns


def _of_place(
    table: Table, site_id: str, place: int, columns: Sequence[str], known: pd.Series, cells: pd.Series
) -> Iterator[Replaced]:
    """Yield the changes of one row of the limits or the buildings."""
    for column in columns:
        before, after = known[column], cells[column]
        if not _is_blank(after) and after != before:
            yield Replaced(Change(table.name, site_id, column, after, place=place), before)


def _table_of(raw: RawTable) -> Table:
    """Return which table a file holds, judging by its columns; raise InputError if this is unclear."""
    if "offer_id" in raw.cells:
        return OFFERS
    if "resource" in raw.cells:
        return LIMITS
    if "building_id" in raw.cells:
        return BUILDINGS
    if "site_id" in raw.cells:
        return GRID_STEPS if {"ready_day", "ready_date"} & set(raw.cells.columns) else CANDIDATES
    expected = "a table of offers (with offer_id), limits (with resource), or grid steps, candidates or buildings"
    found = ", ".join(map(str, raw.cells.columns))
    raise InputError([Issue(Code.NO_COLUMN, raw.file, raw.header_row, "", found, expected)])


def _strange_column(table: Table, raw: RawTable, name: str) -> Issue:
    """Return the issue of a column that the table of the scenario lacks: its changes would be lost."""
    expected = f"a column of {table.name}{nearest(name, table.names)}"
    return Issue(Code.UNKNOWN_COLUMN, raw.file, raw.header_row, name, name, expected)


def _is_blank(value: object) -> bool:
    return value == "" or bool(pd.isna(value))
