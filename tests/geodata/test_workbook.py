"""Sheets of workbooks: what a spreadsheet shows is what is read, or a fault says why not."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

import siteopt
from siteopt import InputError, Issue
from siteopt.geodata import workbook
from siteopt.geodata.check import typed
from siteopt.geodata.tables import RawTable, read_table
from siteopt.message_catalogue import Code
from siteopt.schema import CANDIDATES, GRID_STEPS
from tests.worlds import SITES, write_world

HEADER = ["site_id", "ready_day", "ready_date", "grid_mw", "notes"]
ROW = ["a", 5, None, 20, None]


def write_book(path: Path, *sheets: Sequence[Sequence[Any]], names: Sequence[str] = ("Sheet1", "Sheet2")) -> Any:
    """A workbook of these rows; returns it, to be changed and saved again."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in zip(names, sheets, strict=False):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def rewritten(path: Path, member: str, change: Callable[[str], str]) -> None:
    """The workbook with one of its files changed."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files[member] = change(files[member].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


SHEET = "xl/worksheets/sheet1.xml"


def raw_of(folder: Path, *rows: Sequence[Any]) -> RawTable:
    write_book(folder / "t.xlsx", [HEADER, *rows])
    return read_table(folder / "t.xlsx", GRID_STEPS)


def issues_of(path: Path) -> tuple[Issue, ...]:
    with pytest.raises(InputError) as error:
        read_table(path, GRID_STEPS)
    return error.value.issues


def only_issue(path: Path) -> Issue:
    (issue,) = issues_of(path)
    return issue


def cell_issues(path: Path) -> list[tuple[Code, int | None, str, str]]:
    _, issues = typed(GRID_STEPS, read_table(path, GRID_STEPS))
    return [(issue.code, issue.row, issue.column, issue.found) for issue in issues]


@pytest.mark.parametrize("ending", ["xlsx", "xlsm", "XLSX"])
def test_workbook_gives_the_same_sites_as_the_table(tmp_path: Path, ending: str) -> None:
    scenario = write_world(tmp_path)
    rows = [[None if cell == "" else cell for cell in row.values()] for row in SITES]
    write_book(tmp_path / f"t.{ending}", [list(SITES[0]), *rows])
    before = siteopt.load(siteopt.read_scenario(scenario))
    after = siteopt.load(siteopt.read_scenario(scenario, [f"inputs.candidates.0=t.{ending}"]))
    pd.testing.assert_frame_equal(after.sites, before.sites, check_dtype=False)
    assert {one.path: one.read_as for one in after.inputs}[f"t.{ending}"] == "sheet Sheet1"


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("site_id", 7, "7"),
        ("site_id", 7.0, "7"),
        ("site_id", " x ", "x"),
        ("site_id", "007", "007"),
        ("site_id", True, "TRUE"),
        ("site_id", dt.datetime(2026, 12, 1), "2026-12-01"),
        ("notes", CellRichText("a ", TextBlock(InlineFont(b=True), "bold"), " x"), "a bold x"),
        ("notes", "#N/A or so", "#N/A or so"),
        ("grid_mw", 12.5, 12.5),
        ("grid_mw", 1.234, 1.234),
        ("grid_mw", "12,5", 12.5),
        ("grid_mw", "1 234,5", 1234.5),
        ("ready_date", dt.datetime(2026, 12, 1), "2026-12-01"),
        ("ready_date", dt.datetime(2026, 12, 1, 13, 45), "2026-12-01"),
        ("ready_date", dt.date(2026, 12, 1), "2026-12-01"),
        ("ready_date", "2026. 12. 1.", "2026-12-01"),
    ],
)
def test_cells(tmp_path: Path, column: str, cell: Any, value: Any) -> None:
    given = {"site_id": "a", "grid_mw": 20, "ready_day": None if column == "ready_date" else 5} | {column: cell}
    frame, issues = typed(GRID_STEPS, raw_of(tmp_path, [given.get(name) for name in HEADER]))
    assert issues == []
    found = frame[column].iloc[0]
    assert (found.strftime("%Y-%m-%d") if column == "ready_date" else found) == value


def test_numbers_of_a_sheet_are_certain_whatever_its_text_is(tmp_path: Path) -> None:
    frame, issues = typed(GRID_STEPS, raw_of(tmp_path, ["a", 5, None, 1.234, None], ["b", 6, None, "12,5", None]))
    assert issues == []
    assert list(frame["grid_mw"]) == [1.234, 12.5]
    assert frame.attrs["read_as"] == "sheet Sheet1, decimal commas"


@pytest.mark.parametrize(
    ("column", "cell", "code", "words"),
    [
        ("grid_mw", "1,234", Code.AMBIGUOUS_NUMBER, "1234 or 1.234?"),
        ("grid_mw", dt.datetime(2026, 3, 4), Code.NOT_NUMBER, "a spreadsheet has turned it into a date"),
        ("grid_mw", "20 MW", Code.NOT_NUMBER, "write only digits"),
        ("ready_date", 46357, Code.NOT_DATE, "may have turned 2026-12-01"),
    ],
)
def test_cells_at_issue(tmp_path: Path, column: str, cell: Any, code: Code, words: str) -> None:
    given = {"site_id": "a", "grid_mw": 20, "ready_day": None if column == "ready_date" else 5} | {column: cell}
    _, issues = typed(GRID_STEPS, raw_of(tmp_path, [given.get(name) for name in HEADER]))
    issue = issues[0]
    assert (issue.code, issue.row, issue.column) == (code, 2, column)
    assert words in issue.expected


def test_rows_are_those_of_the_spreadsheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for place, name in enumerate(HEADER, start=2):
        book.active.cell(3, place, name)
        for row in (4, 9):
            book.active.cell(row, place, ROW[place - 2])
    book.save(tmp_path / "t.xlsx")
    raw = read_table(tmp_path / "t.xlsx", GRID_STEPS)
    assert list(raw.rows) == [4, 9]
    assert list(raw.cells) == HEADER


def test_columns_that_are_unknown_stay(tmp_path: Path) -> None:
    rows = [["a", 5, 20, 1, "x", 1], ["b", 6, 30, None, None, "y"]]
    write_book(tmp_path / "t.xlsx", [["site_id", "ready_day", "grid_mw", "floors", "owner", "mixed"], *rows])
    frame, issues = typed(GRID_STEPS, read_table(tmp_path / "t.xlsx", GRID_STEPS))
    assert issues == []
    assert frame[["floors", "owner", "mixed"]].to_numpy(dtype=object).tolist() == [[1, "x", "1"], [None, "", "y"]]


def test_false_dimension_costs_nothing(tmp_path: Path) -> None:
    write_book(tmp_path / "t.xlsx", [HEADER, ROW])
    rewritten(tmp_path / "t.xlsx", SHEET, lambda text: re.sub('ref="A1:E2"', 'ref="A1:XFD1048576"', text))
    assert read_table(tmp_path / "t.xlsx", GRID_STEPS).cells.shape == (1, 5)


def test_warnings_of_openpyxl_are_silent(tmp_path: Path) -> None:
    write_book(tmp_path / "t.xlsx", [HEADER, ROW])
    extension = '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    rewritten(tmp_path / "t.xlsx", SHEET, lambda text: text.replace("</worksheet>", extension))
    assert len(read_table(tmp_path / "t.xlsx", GRID_STEPS).cells) == 1


# formulas and merged cells


def with_cells(path: Path, **cells: str) -> None:
    """The table of one row, with these XML cells in place of its own."""
    write_book(path, [HEADER, ["a", 5, None, 20, "x"]])

    def change(text: str) -> str:
        for place, cell in cells.items():
            text, count = re.subn(rf'<c r="{place}".*?(</c>|/>)', cell, text)
            assert count == 1
        return text

    rewritten(path, SHEET, change)


def test_formula_with_a_result(tmp_path: Path) -> None:
    with_cells(
        tmp_path / "t.xlsx",
        D2='<c r="D2"><f>B2*4</f><v>20</v></c>',
        E2='<c r="E2" t="str"><f>IF(1,"")</f><v></v></c>',
    )
    assert read_table(tmp_path / "t.xlsx", GRID_STEPS).cells.to_numpy().tolist() == [["a", 5, "", 20, ""]]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ('<c r="D2"><f>B2*4</f></c>', "=B2*4"),
        ('<c r="D2"><f>B2*4</f><v></v></c>', "=B2*4"),
        ('<c r="D2"><f t="array" ref="D2">B2*4</f></c>', "=B2*4"),
        ('<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="D2" t="e"><v>#N/A</v></c>', "#N/A"),
    ],
)
def test_formula_without_a_result(tmp_path: Path, cell: str, found: str) -> None:
    with_cells(tmp_path / "t.xlsx", D2=cell)
    assert cell_issues(tmp_path / "t.xlsx") == [(Code.FORMULA, 2, "grid_mw", found)]


def test_workbook_that_was_never_calculated(tmp_path: Path) -> None:
    write_book(tmp_path / "t.xlsx", [HEADER, ["=A9", "=1+1", None, "=2+2", None]])
    found = cell_issues(tmp_path / "t.xlsx")
    formulas = [(2, "site_id", "=A9"), (2, "ready_day", "=1+1"), (2, "grid_mw", "=2+2")]
    assert sorted(one[1:] for one in found) == sorted(formulas)
    assert {one[0] for one in found} == {Code.FORMULA}


def test_formula_in_a_column_that_is_unknown(tmp_path: Path) -> None:
    write_book(tmp_path / "t.xlsx", [["site_id", "ready_day", "grid_mw", "mine"], ["a", 5, 20, "=1/0"]])
    assert cell_issues(tmp_path / "t.xlsx") == []


def merged(path: Path, rows: Sequence[Sequence[Any]], *areas: str) -> None:
    book = write_book(path, rows)
    for area in areas:
        book.active.merge_cells(area)
    book.save(path)


def test_merged_cells(tmp_path: Path) -> None:
    rows = [HEADER, ["a", 5, None, 20, "x"], [None, 6, None, 30, None], ["c", 7, None, 40, None]]
    merged(tmp_path / "t.xlsx", rows, "A2:A3", "E2:E4")
    assert cell_issues(tmp_path / "t.xlsx") == [
        (Code.MERGED, 3, "site_id", "the merged cells A2:A3"),
        (Code.MERGED, 3, "notes", "the merged cells E2:E4"),
        (Code.MERGED, 4, "notes", "the merged cells E2:E4"),
    ]


def test_merged_cells_that_hold_nothing_or_stand_elsewhere(tmp_path: Path) -> None:
    rows = [[], HEADER, ["a", 5, None, 20, None], ["b", 6, None, 30, None]]
    merged(tmp_path / "t.xlsx", rows, "A1:E1", "C3:C4", "E3:H4", "A8:E9")
    assert cell_issues(tmp_path / "t.xlsx") == []


# which sheet


@pytest.mark.parametrize(
    ("names", "asked", "sheet"),
    [
        (["Any"], "t.xlsx", "Any"),
        (["Any", "Grid_Steps"], "t.xlsx", "Grid_Steps"),
        (["Any", "More"], "t.xlsx|layername=More", "More"),
        (["Any", "More"], "t.xlsx|layername=more", "More"),
    ],
)
def test_sheet_that_is_read(tmp_path: Path, names: list[str], asked: str, sheet: str) -> None:
    write_book(tmp_path / "t.xlsx", *[[HEADER, [name, 5, None, 20, None]] for name in names], names=names)
    raw = read_table(tmp_path / asked, GRID_STEPS)
    assert (raw.cells["site_id"].iloc[0], raw.read_as) == (sheet, f"sheet {sheet}")


def test_hidden_and_blank_sheets_do_not_count(tmp_path: Path) -> None:
    book = write_book(tmp_path / "t.xlsx", [["site_id"]], [HEADER, ROW], [], names=["Lists", "Mine", "Sheet3"])
    book["Lists"].sheet_state = "hidden"
    book.save(tmp_path / "t.xlsx")
    assert read_table(tmp_path / "t.xlsx", GRID_STEPS).read_as == "sheet Mine"
    assert read_table(tmp_path / "t.xlsx|layername=Lists", GRID_STEPS).read_as == "sheet Lists"


@pytest.mark.parametrize(("asked", "found"), [("t.xlsx", "2 sheets"), ("t.xlsx|layername=Thrid", "no sheet 'Thrid'")])
def test_sheet_that_is_not_clear(tmp_path: Path, asked: str, found: str) -> None:
    write_book(tmp_path / "t.xlsx", [HEADER, ROW], [HEADER, ROW], names=["One", "Two"])
    issue = only_issue(tmp_path / asked)
    assert (issue.code, issue.found) == (Code.WHICH_LAYER, found)
    assert issue.expected == "the name of one sheet: t.xlsx|layername=NAME, where NAME is one of One, Two"


def test_sheet_without_cells(tmp_path: Path) -> None:
    write_book(tmp_path / "t.xlsx", [])
    assert only_issue(tmp_path / "t.xlsx").code is Code.EMPTY


# files that are no workbooks, or too large


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"site_id,grid_mw\n", "a text or another kind of file"),
        (b"", "a text or another kind of file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an .xls file or a workbook with a password"),
        (b"PK\x03\x04 cut off", "a damaged workbook or another archive"),
    ],
)
def test_other_kinds_of_file(tmp_path: Path, data: bytes, found: str) -> None:
    (tmp_path / "t.xlsx").write_bytes(data)
    issue = only_issue(tmp_path / "t.xlsx")
    assert (issue.code, issue.found) == (Code.FORMAT, found)
    assert "save it again as .xlsx without a password, or as CSV" in issue.expected


def archive_of(path: Path, **files: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def test_archives_that_are_no_workbook(tmp_path: Path) -> None:
    archive_of(tmp_path / "t.xlsx", mimetype="application/vnd.oasis.opendocument.spreadsheet")
    assert only_issue(tmp_path / "t.xlsx").found == "an OpenDocument file"
    archive_of(tmp_path / "t.xlsx", readme="hello")
    assert only_issue(tmp_path / "t.xlsx").code is Code.FORMAT


@pytest.mark.parametrize("ending", ["xls", "ods", "csv"])
def test_workbook_under_another_ending(tmp_path: Path, ending: str) -> None:
    write_book(tmp_path / f"t.{ending}.xlsx", [HEADER, ROW])
    (tmp_path / f"t.{ending}.xlsx").rename(tmp_path / f"t.{ending}")
    issue = only_issue(tmp_path / f"t.{ending}")
    assert (issue.code, issue.found) == (Code.FORMAT, "a workbook or another archive")
    assert ".xlsx" in issue.expected


def test_damage_anywhere_is_an_issue_and_no_traceback(tmp_path: Path) -> None:
    """Every member of a workbook, cut, emptied or filled with something else; and the archive itself, cut or spoilt."""
    path = tmp_path / "t.xlsx"
    write_book(path, [HEADER, ROW, ["b", dt.datetime(2026, 12, 1), None, "=1+1", "text"]])
    whole = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    spoilt = [whole[:at] for at in range(0, len(whole), 97)]
    spoilt += [whole[:at] + b"\xff" * 9 + whole[at + 9 :] for at in range(0, len(whole), 97)]
    for name, data in files.items():
        for other in (data[: len(data) // 2], b"", b"<x/>", data.replace(b'"', b"'9", 3)):
            text = io.BytesIO()
            with zipfile.ZipFile(text, "w") as archive:
                for member, content in files.items():
                    archive.writestr(member, other if member == name else content)
            spoilt.append(text.getvalue())
    codes = set()
    for data in spoilt:
        path.write_bytes(data)
        try:
            read_table(path, GRID_STEPS)
        except InputError as error:
            codes |= {issue.code for issue in error.issues}
    assert Code.FORMAT in codes
    assert codes <= {Code.FORMAT, Code.TOO_LARGE, Code.EMPTY, Code.WHICH_LAYER, Code.CELLS, Code.COLUMN_TWICE}


def test_workbook_that_unpacks_to_far_more(tmp_path: Path) -> None:
    archive_of(tmp_path / "t.xlsx", sheet="0" * 20_000_000)
    issue = only_issue(tmp_path / "t.xlsx")
    assert (issue.code, issue.row) == (Code.TOO_LARGE, None)
    assert issue.found.startswith("20,000,000 bytes when unpacked (")


def test_workbook_that_is_large_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "UNPACKED_BYTES", 1000)
    write_book(tmp_path / "t.xlsx", [HEADER, ROW])
    assert only_issue(tmp_path / "t.xlsx").code is Code.TOO_LARGE


@pytest.mark.parametrize(
    ("place", "row", "found"),
    [("XFE2", 2, "16,385 columns"), ("A1048577", 1_048_577, "more rows than a spreadsheet has")],
)
def test_cells_beyond_a_spreadsheet(tmp_path: Path, place: str, row: int, found: str) -> None:
    cell = f'<row r="{row}"><c r="{place}"><v>1</v></c></row></sheetData>'
    write_book(tmp_path / "t.xlsx", [HEADER])
    rewritten(tmp_path / "t.xlsx", SHEET, lambda text: text.replace("</sheetData>", cell))
    issue = only_issue(tmp_path / "t.xlsx")
    assert (issue.code, issue.row, issue.found) == (Code.TOO_LARGE, row, found)


def test_places_from_columns_of_qgis(tmp_path: Path) -> None:
    names = [name for name in SITES[0] if name not in ("latitude", "longitude")]
    rows = [[x, y, *(SITES[0][name] for name in names)] for x, y in ((127.1, 36.1), (0, 0))]
    write_book(tmp_path / "t.xlsx", [["X", "Y", *names], *rows])
    cells = read_table(tmp_path / "t.xlsx", CANDIDATES).cells
    assert cells[["longitude", "latitude"]].to_numpy().tolist() == [[127.1, 36.1], ["", ""]]
