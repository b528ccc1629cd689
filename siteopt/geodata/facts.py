"""Read tables of changed facts, and compare them with the tables of the scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from siteopt.geodata.changes import DAY, Change, dated_steps
from siteopt.geodata.check import typed
from siteopt.geodata.dataset import Dataset
from siteopt.geodata.layers import refuse
from siteopt.geodata.tables import RawTable, read_table
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Table

_ANY = Table(
    "changes",
    (),
    tuple({column.name: column for table in (OFFERS, GRID_STEPS, CANDIDATES) for column in table}.values()),
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
    """Return the changes that some tables make to a site, its grid steps, and any offer.

    Each table holds offers, grid steps or candidates: all columns, or only the ids and the columns that change. Rows,
    columns and cells that are absent or blank change nothing. A grid step is identified by the limit that it rises to.

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
    known = {OFFERS: dataset.offers, GRID_STEPS: steps, CANDIDATES: dataset.sites}[table]
    told = {*known.columns, *(issue.column for issue in wrong)}
    issues += (_strange_column(table, raw, name) for name in frame.columns if name not in told)
    if table is GRID_STEPS:
        return _of_steps(site_id, steps, raw, dated_steps(dataset.scenario, frame), issues)
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


def _table_of(raw: RawTable) -> Table:
    """Return which table a file holds, judging by its columns; raise InputError if this is unclear."""
    if "offer_id" in raw.cells:
        return OFFERS
    if "site_id" in raw.cells and "resource" not in raw.cells:
        return GRID_STEPS if {"ready_day", "ready_date"} & set(raw.cells.columns) else CANDIDATES
    expected = "a table of offers (with offer_id), or of grid steps or candidates (with site_id); no table of limits"
    found = ", ".join(map(str, raw.cells.columns))
    raise InputError([Issue(Code.NO_COLUMN, raw.file, raw.header_row, "", found, expected)])


def _strange_column(table: Table, raw: RawTable, name: str) -> Issue:
    """Return the issue of a column that the table of the scenario lacks: its changes would be lost."""
    expected = f"a column of {table.name}{nearest(name, table.names)}"
    return Issue(Code.UNKNOWN_COLUMN, raw.file, raw.header_row, name, name, expected)


def _is_blank(value: object) -> bool:
    return value == "" or bool(pd.isna(value))
