"""Read the records of a text table or a sheet one by one, and check their header, size and number of cells."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from siteopt.geodata.commas import too_many
from siteopt.geodata.headers import knows
from siteopt.issues import NAMED, InputError, Issue, named
from siteopt.message_catalogue import Code
from siteopt.schema import Table

COLUMNS = 16_384
"""Maximum number of columns, as in a spreadsheet."""

MARKS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Marks between the cells of a text, and their names."""

_SHOWN = 200
"""Maximum number of letters of a row that an issue keeps."""

_TITLE_ROWS = 20
"""Number of rows that are searched for a header, if the first row is not one."""

_CHUNK_ROWS = 10_000


class Records(NamedTuple):
    """Cells below a header, the row of each record, and the row of the header, as a spreadsheet numbers them."""

    cells: pd.DataFrame
    rows: np.ndarray
    header_row: int = 1


def framed(file: str, records: Iterable[tuple[int, Sequence[object]]], mark: str, kind: type, table: Table) -> Records:
    """Return records as a table without blank rows. The first record with cells is the header.

    Parameters
    ----------
    records : iterable
        Row number of each record, and its cells without spaces around their text; '' is a blank.
    mark : str
        Mark between the cells of a text.
    kind : type
        ``str``, or ``object`` if cells may hold numbers.

    Raises
    ------
    InputError
        With every error of the header and the rows.
    """
    header: list[str] = []
    header_row = 1
    records = iter(records)
    chunks: list[pd.DataFrame] = []
    cells: list[list[object]] = []
    rows: list[int] = []
    issues: list[Issue] = []
    misplaced: list[Issue] = []
    outside = 0
    broken: tuple[Issue, ...] = ()
    try:
        for row, record in records:
            width = len(record)
            while width and record[width - 1] == "":
                width -= 1
            if not width:
                continue
            if not header:
                header, header_row = [str(name) for name in record[:width]], row
                issues += _header_issues(file, row, header, table, records)
            elif issue := _misplaced(file, row, record[:width], header, mark, table):
                outside += 1
                misplaced += [issue] if outside <= NAMED else []
            else:
                cells.append([*record[:width], *[""] * (len(header) - width)])
                rows.append(row)
            if len(cells) == _CHUNK_ROWS:  # a list of text needs many times the memory of a table
                chunks.append(pd.DataFrame(cells, dtype=kind))
                cells = []
    except InputError as error:
        broken = error.issues
    issues += [*named(misplaced, outside), *broken]
    if not header and not issues:
        issues.append(Issue(Code.EMPTY, file, None, "", "an empty file", "a header and rows"))
    if issues:
        raise InputError(issues)
    chunks.append(pd.DataFrame(cells, columns=range(len(header)), dtype=kind))
    found = pd.concat(chunks, ignore_index=True)
    nameless = [place for place, name in enumerate(header) if not name]
    blank = [place for place in nameless if (found[place] == "").all()]
    if len(nameless) - len(blank) > 1:
        count = f"{len(nameless) - len(blank)} columns without a name"
        raise InputError([Issue(Code.COLUMN_TWICE, file, header_row, "", count, "a name for each column")])
    found.columns = pd.Index(header)
    kept = found.loc[:, ~np.isin(np.arange(len(header)), blank)]
    return Records(kept, np.array(rows, dtype=np.int64), header_row)


def _header_issues(
    file: str, row: int, header: Sequence[str], table: Table, below: Iterator[tuple[int, Sequence[object]]]
) -> list[Issue]:
    """Return issues for columns that occur twice; raise InputError if the row is not a header."""
    if len(header) > COLUMNS:
        raise too_large(file, row, f"{len(header):,} columns", f"at most {COLUMNS:,} columns")
    found = ", ".join(filter(None, header))[:_SHOWN]
    if len(header) == 1:
        for mark, word in MARKS.items():
            if knows(table, header[0].split(mark)[1:]):
                told = f"all columns in the first cell (with {word} between them)"
                raise InputError([Issue(Code.FORMAT, file, row, "", told, "one cell for each column")])
    if not knows(table, header):
        needed = ", ".join(column.name for column in table if column.required)
        expected = f"the names of the columns (at least {needed})"
        with contextlib.suppress(InputError):
            for other, record in itertools.islice(below, _TITLE_ROWS):
                if knows(table, map(str, record)):
                    expected = f"the names of the columns, which seem to be in row {other}; delete the rows above it"
                    break
        raise InputError([Issue(Code.NO_COLUMN, file, row, "", found, expected)])
    return [
        Issue(Code.COLUMN_TWICE, file, row, name, f"{count} columns with this name", "only one")
        for name, count in sorted(Counter(header).items())
        if name and count > 1
    ]


def _misplaced(
    file: str, row: int, record: Sequence[object], header: Sequence[str], mark: str, table: Table
) -> Issue | None:
    """Return the issue of a record with more cells than the header, or with all of them in one cell; else None."""
    columns = len(header)
    whole = str(record[0])
    crowd = max(MARKS, key=whole.count) if len(record) == 1 and columns > 2 else ""
    if crowd and whole.count(crowd) >= columns - 1:
        expected = f"one cell for each column, not one cell with {MARKS[crowd]} in it"
        return Issue(Code.CELLS, file, row, "", whole[:_SHOWN], expected)
    if len(record) <= columns:
        return None
    extra = ",".join(str(cell) for cell in record[columns:] if cell != "")[:_SHOWN]
    expected = f"{columns} cells, as in the header, but the row has {len(record)}"
    cause = too_many([str(cell) for cell in record], header, table) if mark == "," else ""
    return Issue(Code.CELLS, file, row, "", extra, expected + cause)


def too_large(file: str, row: int | None, found: str, expected: str) -> InputError:
    """Return the error for input that is too large."""
    return InputError([Issue(Code.TOO_LARGE, file, row, "", found, expected)])
