"""One site of a plan and what the plan rests on, with changes that a user names in a table of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, nearest
from siteopt.geodata.check import typed
from siteopt.geodata.dataset import Dataset, filled_sites
from siteopt.geodata.layers import refuse
from siteopt.geodata.pool import site_pool
from siteopt.geodata.tables import RawTable, read_table
from siteopt.instance import Instance
from siteopt.scenario import Scenario
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Table

_ANY = Table(
    "changes",
    (),
    tuple({column.name: column for table in (OFFERS, GRID_STEPS, CANDIDATES) for column in table}.values()),
    spatial=False,
)
_LACKING = (Code.NO_COLUMN, Code.BLANK, Code.EITHER_OR, Code.WRONG_KIND)
"""What is no fault in a table of changes: what it does not name stays as it is."""


@dataclass(frozen=True)
class Replaced:
    """One cell that is otherwise than it was.

    Attributes
    ----------
    table, row, column : str
        ``row`` is an offer_id or site_id.
    level_mw : float or None
        Of a grid step: the limit that it rises to.
    before, after
        In US dollars where it is money.
    """

    table: str
    row: str
    column: str
    level_mw: float | None
    before: Any
    after: Any

    def __str__(self) -> str:
        """The change in words."""
        step = "" if self.level_mw is None else f", step to {self.level_mw:g} MW"
        return f"{self.column} of {self.row}{step}: {_shown(self.before)} -> {_shown(self.after)}"


class Facts:
    """The site of a plan, its grid steps and the offers, as they are or changed."""

    def __init__(self, scenario: Scenario, dataset: Dataset, site_id: str) -> None:
        self._scenario, self._dataset, self._site = scenario, dataset, site_id
        self._steps = dataset.steps[dataset.steps["site_id"] == site_id].reset_index(drop=True)

    def case(self, changes: Iterable[Replaced] = ()) -> tuple[Instance, list[float]]:
        """The Instance of the site with the changes, and the limit (MW) that each of its grid steps rises to."""
        row, steps = self._dataset.sites.loc[[self._site]].copy(), self._steps.copy()
        offers = self._dataset.offers.copy()
        for change in changes:
            if change.level_mw is not None:
                steps.loc[steps["grid_mw"] == change.level_mw, change.column] = change.after
            else:
                (row if change.table == CANDIDATES.name else offers).loc[change.row, change.column] = change.after
        steps = steps.sort_values("grid_mw", ignore_index=True)
        steps["day"] = steps["day"].cummax()  # a step that is late holds up those above it
        quality = self._dataset.pool.common["power_quality"]
        filled = filled_sites(self._scenario, row)[0]
        pool = site_pool(self._scenario, filled, offers, steps, quality)
        return pool.exact(np.zeros(1, dtype=np.int64)), steps["grid_mw"].tolist()

    def changes(self, paths: Sequence[str | Path]) -> list[Replaced]:
        """What tables of changes say otherwise about the site, its grid steps, and any offer.

        Each table is one of offers, grid steps or candidates: whole, or only with its ids and the columns that change.
        What it does not name, or leaves blank, stays as it is. A grid step is known by the limit that it rises to.

        Raises
        ------
        InputError
            With every fault of every table: unknown ids, columns and values that cannot be.
        """
        faults: list[Fault] = []
        found: list[Replaced] = []
        for path in map(Path, paths):
            try:
                refuse(path, str(path))
                raw = read_table(path, _ANY)
                table = _table_of(raw)
                found += self._changes(table, raw, faults)
            except InputError as error:
                faults += error.faults
        if faults:
            raise InputError(faults)
        return found

    def _changes(self, table: Table, raw: RawTable, faults: list[Fault]) -> Iterator[Replaced]:
        project = self._scenario.project
        frame, wrong = typed(table, raw, project.currency, project.currency_per_usd)
        faults += [fault for fault in wrong if fault.code not in _LACKING and not fault.code.is_warning]
        known = {OFFERS: self._dataset.offers, GRID_STEPS: self._steps, CANDIDATES: self._dataset.sites}[table]
        told = {*known.columns, *(fault.column for fault in wrong)}
        faults += (_strange_column(table, raw, name) for name in frame.columns if name not in told)
        if table is GRID_STEPS:
            start = pd.Timestamp(project.start_date)
            frame["day"] = np.ceil(frame["ready_day"].fillna((frame["ready_date"] - start).dt.days)).clip(lower=0)
            return self._of_steps(raw, frame, faults)
        return self._of_rows(table, raw, frame, known, faults)

    def _of_rows(
        self, table: Table, raw: RawTable, frame: pd.DataFrame, known: pd.DataFrame, faults: list[Fault]
    ) -> Iterator[Replaced]:
        key = table.key[0]
        for number, cells in frame.iterrows():
            row = cells[key]
            if row not in known.index:
                expected = f"a {key} of the {table.name}{nearest(row, known.index)}"
                faults.append(Fault(Code.NO_SUCH_NAME, raw.file, int(str(number)), key, row, expected))
            elif table is OFFERS or row == self._site:
                for column in table.names:
                    before, after = known.at[row, column], cells[column]
                    if not _is_blank(after) and after != before:
                        yield Replaced(table.name, row, column, None, before, after)

    def _of_steps(self, raw: RawTable, frame: pd.DataFrame, faults: list[Fault]) -> Iterator[Replaced]:
        levels = self._steps.set_index("grid_mw")
        for number, cells in frame[frame["site_id"] == self._site].iterrows():
            level = cells["grid_mw"]
            if level not in levels.index:
                known = ", ".join(f"{mw:g}" for mw in levels.index)
                expected = f"the limit of one of its steps: {known}" if known else "a site with grid steps"
                faults.append(Fault(Code.NO_SUCH_NAME, raw.file, int(str(number)), "grid_mw", f"{level:g}", expected))
                continue
            for column in ("day", "cost_usd"):
                before, after = levels.at[level, column], cells[column]
                if not _is_blank(after) and after != before:
                    yield Replaced(GRID_STEPS.name, self._site, column, float(level), before, after)


def _table_of(raw: RawTable) -> Table:
    """Which table a file is one of, by its columns."""
    if "offer_id" in raw.cells:
        return OFFERS
    if "site_id" in raw.cells:
        return GRID_STEPS if {"ready_day", "ready_date"} & set(raw.cells.columns) else CANDIDATES
    expected = "a table of offers (offer_id), grid steps or candidates (site_id)"
    found = ", ".join(map(str, raw.cells.columns))
    raise InputError([Fault(Code.NO_COLUMN, raw.file, raw.header_row, "", found, expected)])


def _strange_column(table: Table, raw: RawTable, name: str) -> Fault:
    """A column that the table of the scenario has not: a change that would be lost."""
    expected = f"a column of the {table.name}{nearest(name, table.names)}"
    return Fault(Code.UNKNOWN_COLUMN, raw.file, raw.header_row, name, name, expected)


def _is_blank(value: object) -> bool:
    return value == "" or bool(pd.isna(value))


def _shown(value: Any) -> str:
    if _is_blank(value):
        return "blank"
    return f"{value:,.10g}" if isinstance(value, float | int) else str(getattr(value, "date", lambda: value)())
