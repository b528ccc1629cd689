"""Read a sheet of a workbook (.xlsx, .xlsm): its cells, with the row numbers of the spreadsheet."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from siteopt.geodata.delimited import BINARY
from siteopt.geodata.foreign import Unreadable, foreign
from siteopt.geodata.layers import LAYER, located
from siteopt.geodata.records import COLUMNS, Records, framed, too_large
from siteopt.issues import InputError, Issue, named
from siteopt.message_catalogue import Code
from siteopt.schema import Table

WORKBOOKS = (".xlsx", ".xlsm")

UNPACKED_BYTES = 512_000_000
PACKED_TIMES = 200
HARMLESS_BYTES = 10_000_000
"""Limits of an unpacked workbook: UNPACKED_BYTES, and above HARMLESS_BYTES also PACKED_TIMES its packed size."""

ROWS = 1_048_576
"""Maximum number of rows of a sheet."""

_UNSOLVED = "a formula with a result; open the workbook in a spreadsheet and save it"
_ARCHIVE = b"PK\x03\x04"
_DAMAGED = "a damaged workbook or another archive"
_SAVE = "a workbook; save it again as .xlsx without a password, or as CSV UTF-8"

_FORMULA = re.compile(rb"[<:]f[ >/]")
_MERGED = re.compile(rb'mergeCell [^>]*ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_PIECE_BYTES = 1 << 20
_TAG_BYTES = 200


class _Area(NamedTuple):
    """Area of merged cells; rows and columns count from 1."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        from openpyxl.utils import get_column_letter

        return f"{get_column_letter(self.left)}{self.top}:{get_column_letter(self.right)}{self.bottom}"


class _Bad(NamedTuple):
    """Placeholder for a cell that cannot be read."""

    code: Code
    found: str
    expected: str


def read_workbook(path: Path, table: Table) -> tuple[Records, str, tuple[Issue, ...]]:
    """Return the records of a sheet, the name of the sheet, and the issues of single cells.

    Numbers stay numbers; dates become text in ISO 8601. '' is a blank, or a cell with an error.

    Parameters
    ----------
    table : Table
        The sheet with the name of the table is read if there are several and the path names none.

    Raises
    ------
    InputError
        If the file is not a workbook or is too large, it is not clear which sheet is meant, or the records do not fit
        the header.
    """
    file, sheet = located(path)
    name = str(path)
    try:
        with file.open("rb") as stream:
            first = stream.read(4)
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError([Issue(Code.UNREADABLE, name, None, "", found, "a readable file")]) from None
    try:
        _check_size(file, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # openpyxl warns about parts that it cannot save
            with _opened(file, data_only=True) as book:
                chosen = _chosen(book, file, name, sheet, table.name)
                records = framed(name, _records(name, file, chosen), ",", object, table)
                cells, issues = _checked(name, records.cells, records.rows)
                return records._replace(cells=cells), f"sheet {chosen.title}", issues
    except Unreadable as error:
        is_archive = first == _ARCHIVE or not isinstance(error.__cause__, zipfile.BadZipFile)
        kind = _DAMAGED if is_archive else BINARY.get(first, "a text or another kind of file")
        raise InputError([Issue(Code.FORMAT, name, None, "", kind, _SAVE)]) from None


@contextlib.contextmanager
def _opened(file: Path, data_only: bool) -> Iterator[Any]:
    import openpyxl  # slow to import, so only workbooks import it

    with file.open("rb") as stream:
        with foreign():
            book = openpyxl.load_workbook(stream, True, data_only=data_only)
        with contextlib.closing(book):
            yield book


def _rows(sheet: Any, **options: bool) -> Iterator[Any]:
    """Yield the rows of a sheet; each row is read when it is needed."""
    rows = sheet.iter_rows(**options)
    while True:
        with foreign():
            row = next(rows, None)
        if row is None:
            return
        yield row


def _check_size(file: Path, name: str) -> None:
    """Raise InputError if a workbook unpacks to too many bytes, or is an OpenDocument file.

    The archive states its number of bytes; zipfile unpacks no more than that.
    """
    with foreign(), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    if any(one.filename == "mimetype" for one in members):
        raise InputError([Issue(Code.FORMAT, name, None, "", "an OpenDocument file", _SAVE)])
    size, packed = sum(one.file_size for one in members), file.stat().st_size
    if size > UNPACKED_BYTES or (size > HARMLESS_BYTES and size > PACKED_TIMES * packed):
        expected = f"at most {UNPACKED_BYTES:,} bytes, and at most {PACKED_TIMES} times the size of the file"
        raise too_large(name, None, f"{size:,} bytes when unpacked ({packed:,} in the file)", expected)


def _chosen(book: Any, file: Path, name: str, sheet: str, table: str) -> Any:
    """Return the sheet that is named, or raise InputError if it is not clear which sheet is meant.

    If none is named, the choice is the sheet with the name of the table, the only visible sheet, or the only visible
    sheet with cells.
    """
    for one in book.worksheets:
        one.reset_dimensions()  # they may be too large, and would add blanks
    wanted = [one for one in book.worksheets if one.title.casefold() == (sheet or table).casefold()]
    visible = [one for one in book.worksheets if one.sheet_state == "visible"]
    for fitting in [wanted] if sheet else [wanted, visible, visible and [one for one in visible if _has_cells(one)]]:
        if len(fitting) == 1:
            return fitting[0]
    titles = ", ".join(one.title for one in book.worksheets)
    found = f"no sheet {sheet!r}" if sheet else f"{len(book.worksheets)} sheets"
    expected = f"the name of one sheet: {file.name}{LAYER}NAME, where NAME is one of {titles}"
    raise InputError([Issue(Code.WHICH_LAYER, name, None, "", found, expected)])


def _has_cells(sheet: Any) -> bool:
    return any(value is not None for row in _rows(sheet, values_only=True) for value in row)


def _records(name: str, file: Path, sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Yield row number and cells of each row of a sheet. Below the header, unreadable cells are ``_Bad``."""
    has_formulas, areas = _scanned(file, sheet)
    with contextlib.ExitStack() as stack:
        formulas: Iterator[Sequence[Any]] | None = None
        if has_formulas:
            book = stack.enter_context(_opened(file, data_only=False))
            book[sheet.title].reset_dimensions()
            formulas = _rows(book[sheet.title], values_only=True)
        width = 0  # of the header
        active: list[_Area] = []
        for row, cells in enumerate(_rows(sheet), start=1):
            if row > ROWS:
                raise too_large(name, row, "more rows than a spreadsheet has", f"at most {ROWS:,} rows")
            if len(cells) > COLUMNS:
                raise too_large(name, row, f"{len(cells):,} columns", f"at most {COLUMNS:,} columns")
            record = [_cell(one) for one in cells]
            for place, formula in enumerate(next(formulas) if formulas else ()):
                if formula is not None and cells[place].value is None and cells[place].data_type != "str":
                    record[place] = _Bad(Code.FORMULA, str(getattr(formula, "text", formula)), _UNSOLVED)
            while areas and areas[-1].top <= row:
                area = areas.pop()
                active += [area] if area.left <= len(record) and record[area.left - 1] != "" else []
            active = [area for area in active if area.bottom >= row]
            if width:
                _mark_merged(row, record, width, active)
            else:
                record = [one.found if isinstance(one, _Bad) else one for one in record]
                width = max((place for place, one in enumerate(record, start=1) if one != ""), default=0)
            yield row, record


def _mark_merged(row: int, record: list[Any], width: int, areas: Sequence[_Area]) -> None:
    """Replace the cells of a record that merging has hidden by issues."""
    for area in areas:
        for place in range(area.left - (row > area.top), min(area.right, width)):
            record += [""] * (place + 1 - len(record))
            record[place] = _Bad(Code.MERGED, f"the merged cells {area}", "separate cells, each with its value")


def _scanned(file: Path, sheet: Any) -> tuple[bool, list[_Area]]:
    """Return whether a sheet has formulas, and its merged cells from last to first."""
    from openpyxl.utils import column_index_from_string

    has_formulas, areas = False, set()
    piece = b""
    for new in _pieces(file, sheet._worksheet_path):
        piece = piece[-_TAG_BYTES:] + new
        has_formulas = has_formulas or bool(_FORMULA.search(piece))
        for left, top, right, bottom in _MERGED.findall(piece):
            with foreign():  # letters beyond the last column of a sheet
                first, last = (column_index_from_string(letters.decode()) for letters in (left, right))
            areas.add(_Area(int(top), first, int(bottom), last))
    return has_formulas, sorted(areas, reverse=True)


def _pieces(file: Path, member: str) -> Iterator[bytes]:
    """Yield a member of an archive in unpacked pieces."""
    with contextlib.ExitStack() as stack:
        with foreign():
            archive = stack.enter_context(zipfile.ZipFile(file))
            stream = stack.enter_context(archive.open(member))
        while True:
            with foreign():
                piece = stream.read(_PIECE_BYTES)
            if not piece:
                return
            yield piece


def _cell(cell: Any) -> Any:
    """Return a cell as text or as a number, or ``_Bad`` if its formula fails."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        return _Bad(Code.FORMULA, str(value), "a formula with a result")
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return value if isinstance(value, int | float) else str(value).strip()


def _checked(name: str, cells: pd.DataFrame, rows: np.ndarray) -> tuple[pd.DataFrame, tuple[Issue, ...]]:
    """Return the cells with blanks for wrong ones, and the issues. Columns with only text have the text type."""
    issues: list[Issue] = []
    for place, column in enumerate(cells.columns):
        values = cells.iloc[:, place]
        kinds = set(map(type, values))
        if _Bad in kinds:
            bad = [(row, one) for row, one in zip(rows.tolist(), values, strict=True) if isinstance(one, _Bad)]
            issues += named((Issue(one.code, name, row, column, one.found, one.expected) for row, one in bad), len(bad))
            values = values.map(lambda one: "" if isinstance(one, _Bad) else one)
        only_text = kinds <= {str, _Bad}
        if not only_text and not any(isinstance(one, str) and one for one in values):
            numbers = [None if one == "" else one for one in values]  # a missing number is a blank, as in a layer
            values = pd.Series(numbers, index=values.index, dtype=object)
        cells.isetitem(place, values.astype(str) if only_text else values)
    return cells, tuple(issues)
