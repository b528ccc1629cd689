"""Text tables as programs save them: encodings, marks, line ends, and what goes beyond any table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import siteopt
from siteopt import InputError, Issue
from siteopt.geodata import delimited
from siteopt.geodata.check import typed
from siteopt.geodata.tables import RawTable, read_table
from siteopt.message_catalogue import Code
from siteopt.schema import CANDIDATES, GRID_STEPS
from tests.worlds import SITES, changed, csv_text, write_world

STEPS = "site_id,ready_day,grid_mw,notes\n"


def raw_of(folder: Path, data: bytes | str) -> RawTable:
    (folder / "t.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    return read_table(folder / "t.csv", GRID_STEPS)


def records(raw: RawTable) -> list[list[str]]:
    return raw.cells.to_numpy(dtype=object).tolist()


def issue_of(folder: Path, data: bytes | str) -> Issue:
    with pytest.raises(InputError) as error:
        raw_of(folder, data)
    (issue,) = error.value.issues
    return issue


TEXT = STEPS + "가나,5,20,강진 공장\nb,6,30,\n"
WESTERN = STEPS + "a,5,20,Café München\nb,6,30,5 m² – “x”\n"


@pytest.mark.parametrize(
    ("text", "encoding", "read_as"),
    [
        (TEXT, "utf-8", ""),
        (TEXT, "utf-8-sig", ""),
        (TEXT, "utf-16", "UTF-16"),
        (TEXT, "utf-16-le", "UTF-16"),
        (TEXT, "utf-16-be", "UTF-16"),
        (TEXT, "cp949", "CP949"),
        (STEPS + "a,5,20,가\n", "cp949", "CP949"),
        (WESTERN, "cp1252", "Windows-1252"),
        (STEPS + "a,5,20,Ö\n", "cp1252", "Windows-1252"),
        (STEPS + "a,5,20,5 °C\n", "cp1252", "Windows-1252"),  # a rare letter in CP949
        (STEPS + "a,5,20,5 €\n", "cp1252", "Windows-1252"),
        (WESTERN, "utf-16", "UTF-16"),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str, read_as: str) -> None:
    raw = raw_of(tmp_path, text.encode(encoding))
    assert raw.read_as == read_as
    assert records(raw) == [line.split(",") for line in text.splitlines()[1:]]


def test_utf_16_of_both_orders_with_its_mark(tmp_path: Path) -> None:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert records(raw_of(tmp_path, mark + TEXT.encode(encoding)))[0][0] == "가나"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (TEXT.encode() + "c,7,40,강진\n".encode("cp949"), "UTF-8 in some lines but not in line 4"),
        (WESTERN.encode() + "c,7,40,München\n".encode("cp1252"), "UTF-8 in some lines but not in line 4"),
        ((STEPS + "a,5,20,工場日本\n").encode("shift-jis"), "text that is not UTF-8 (line 2)"),
        ((STEPS + "a,5,20,").encode() + b"\x81\x8d\x8f\x90\x9d\n", "text that is not UTF-8 (line 2)"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1], "bytes that are not UTF-16"),
        (b"\xef\xbb\xbf" + TEXT.encode("cp949"), "bytes that are not UTF-8"),
    ],
)
def test_encoding_that_is_not_certain(tmp_path: Path, data: bytes, found: str) -> None:
    issue = issue_of(tmp_path, data)
    assert (issue.code, issue.found) == (Code.ENCODING, found)
    assert "CSV UTF-8" in issue.expected


@pytest.mark.parametrize(
    ("mark", "first", "read_as"),
    [
        (",", "", ""),
        (";", "", "semicolons between cells"),
        ("\t", "", "tabs between cells"),
        (";", "sep=;\n", "semicolons between cells"),
        (",", "sep=,\r\n", ""),
        ("|", '"sep=|"\n', "bars between cells"),
        (";", "\n;;;\n", "semicolons between cells"),
    ],
)
def test_marks_between_cells(tmp_path: Path, mark: str, first: str, read_as: str) -> None:
    raw = raw_of(tmp_path, first + STEPS.replace(",", mark) + mark.join(["a", "5", '"2,5"', f'"x{mark}y"']) + "\n")
    assert raw.read_as == read_as
    assert records(raw) == [["a", "5", "2,5", f"x{mark}y"]]
    assert list(raw.rows) == [4 if first.startswith("\n") else 2]  # a spreadsheet hides the line with sep=


def test_mark_is_that_of_the_known_names(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, "site_id;a,b,c,d,e,f;grid_mw\nx;1;2\n")
    assert list(raw.cells) == ["site_id", "a,b,c,d,e,f", "grid_mw"]


@pytest.mark.parametrize(
    ("text", "row", "found", "expected"),
    [
        ("a;b;c,d\n1;2;3\n", 1, "a, b, c,d", "the names of the columns (at least site_id, grid_mw)"),
        ("<!DOCTYPE html>\n<html>", 1, "<!DOCTYPE html>", "the names of the columns (at least site_id, grid_mw)"),
        (f"Steps of 2026\n\n{STEPS}a,5,20,\n", 1, "Steps of 2026", "seem to be in row 3; delete the rows above it"),
        (f"\nSteps,2026,,\n{STEPS}a,5,20,\n", 2, "Steps, 2026", "seem to be in row 3; delete the rows above it"),
    ],
)
def test_first_row_that_is_no_header(tmp_path: Path, text: str, row: int, found: str, expected: str) -> None:
    issue = issue_of(tmp_path, text)
    assert (issue.code, issue.row, issue.found) == (Code.NO_COLUMN, row, found)
    assert expected in issue.expected


def test_rows_with_another_mark_than_the_header(tmp_path: Path) -> None:
    issue = issue_of(tmp_path, STEPS + "a;5;20;x\n")
    assert (issue.code, issue.row, issue.found) == (Code.CELLS, 2, "a;5;20;x")
    assert issue.expected.endswith("not one cell with semicolons in it")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_those_that_a_spreadsheet_shows(tmp_path: Path, end: str) -> None:
    lines = ["", ",,,", STEPS.strip(), "a,5,20,", "", ' , ,"",', 'b,6,30,"two\nlines"', "c,7,40,x"]
    raw = raw_of(tmp_path, end.join(lines) + end * 3)
    assert list(raw.rows) == [4, 7, 8]
    assert [record[0] for record in records(raw)] == ["a", "b", "c"]
    assert list(raw.cells) == STEPS.strip().split(",")


@pytest.mark.parametrize("tail", ["", "\n", "\0\0\0", "\n\x1a", "\x1a\0", "\r\n\r\n"])
def test_what_old_programs_leave_at_the_end(tmp_path: Path, tail: str) -> None:
    assert records(raw_of(tmp_path, STEPS + "a,5,20,x" + tail)) == [["a", "5", "20", "x"]]


def test_commas_behind_the_header_and_the_rows(tmp_path: Path) -> None:
    for rows in ("a,5,20,x,,\nb,6,30,,,\n", "a,5,20,x\nb,6,30,,,\n"):
        raw = raw_of(tmp_path, "site_id,ready_day,grid_mw,notes,,\n" + rows)
        assert list(raw.cells) == ["site_id", "ready_day", "grid_mw", "notes"]
        assert records(raw) == [["a", "5", "20", "x"], ["b", "6", "30", ""]]


def test_columns_without_a_name(tmp_path: Path) -> None:
    assert list(raw_of(tmp_path, "site_id,,grid_mw,,notes\na,,1,,x\n").cells) == ["site_id", "grid_mw", "notes"]
    assert list(raw_of(tmp_path, ",site_id,grid_mw\n0,a,1\n").cells) == ["", "site_id", "grid_mw"]  # as pandas saves it
    assert issue_of(tmp_path, ",site_id,,grid_mw\n0,a,x,1\n").code is Code.COLUMN_TWICE
    assert issue_of(tmp_path, "site_id,grid_mw,\na,1,x\n").code is Code.CELLS


@pytest.mark.parametrize(
    ("text", "code", "row", "found", "expected"),
    [
        (
            '"site_id,ready_day,grid_mw"\n"a,5,20"\n',
            Code.FORMAT,
            1,
            "all columns in the first cell (with commas between them)",
            "one cell for each column",
        ),
        (
            '"site_id;ready_day"\n"a;5"\n',
            Code.FORMAT,
            1,
            "all columns in the first cell (with semicolons between them)",
            "one cell for each column",
        ),
        (STEPS + 'a,5,20,\n"b,6,30,x"\n', Code.CELLS, 3, "b,6,30,x", "not one cell with commas"),
        (STEPS + 'a,5,20,\n"b,6,30,x",,,\n', Code.CELLS, 3, "b,6,30,x", "not one cell with commas"),
        (STEPS + "a,5,20,7,8,9\n", Code.CELLS, 2, "8,9", "4 cells, as in the header, but the row has 6"),
        (STEPS + "a,5,1,234,x\n", Code.CELLS, 2, "x", "a comma in the number of grid_mw?"),
        (STEPS + "a,5,12,5,x\n", Code.CELLS, 2, "x", "a comma in the number of ready_day or grid_mw?"),
        (STEPS + "a,b,c,d,e\n", Code.CELLS, 2, "e", "4 cells, as in the header, but the row has 5"),
        (STEPS + 'a,5,20,"x\n', Code.QUOTES, 2, "unexpected end of data", "quotes around a whole cell"),
        (STEPS + 'a,5,20,"x"y\n', Code.QUOTES, 2, "',' expected after '\"'", "quotes around a whole cell"),
        (STEPS + "a,5,20,x\0y\n", Code.FORMAT, None, "a NUL byte in line 2", "may be damaged"),
        ("PK\x03\x04...", Code.FORMAT, None, "a workbook or another archive", "the extension .xlsx"),
        ("", Code.EMPTY, None, "an empty file", "a header and rows"),
        ("\n\n,,\n", Code.EMPTY, None, "an empty file", "a header and rows"),
    ],
)
def test_issues(tmp_path: Path, text: str, code: Code, row: int | None, found: str, expected: str) -> None:
    issue = issue_of(tmp_path, text)
    assert (issue.code, issue.row, issue.found) == (code, row, found)
    assert expected in issue.expected


def test_old_excel_under_another_name(tmp_path: Path) -> None:
    issue = issue_of(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert (issue.code, issue.found) == (Code.FORMAT, "an .xls file or a workbook with a password")


def test_every_issue_of_the_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        raw_of(tmp_path, STEPS + "a,5,20,x,y\n" * 1500 + 'b,5,20,"x\n')
    issues = error.value.issues
    assert len(issues) == 1001
    assert issues[999].expected.endswith("(and 500 more rows like this)")
    assert (issues[1000].code, issues[1000].row) == (Code.QUOTES, 1502)


# bounds


@pytest.mark.parametrize(
    ("text", "row", "found"),
    [
        ("x" * 1_000_001, 1, "a header of more than 1,000,000 bytes"),
        ("\n" + "x" * 1_000_001 + "\n", 2, "a header of more than 1,000,000 bytes"),
        (STEPS + "a,1,2,3\n" + "a," * 500_001, 3, "a line of more than 1,000,000 letters"),
        (STEPS + "a,1,2,3\n" + "a," * 500_001 + "\nb,1,2,3\n", 3, "a line of more than 1,000,000 letters"),
        (",".join(f"c{n}" for n in range(16_385)) + "\n", 1, "16,385 columns"),
        (STEPS + f"a,1,2,{'x' * 131_073}\n", 2, "a cell of more than 131,072 letters"),
        (STEPS + 'a,1,2,"x\n' + "b,1,2,3\n" * 20_000, 2, "a cell of more than 131,072 letters"),
    ],
    ids=["header", "header below a blank", "last line", "line", "columns", "cell", "open quote"],
)
def test_more_than_is_read(tmp_path: Path, text: str, row: int, found: str) -> None:
    issue = issue_of(tmp_path, text)
    assert (issue.code, issue.row, issue.found) == (Code.TOO_LARGE, row, found)


def test_what_is_just_read(tmp_path: Path) -> None:
    wide = [f"c{n}" for n in range(16_382)]
    raw = raw_of(tmp_path, ",".join(["site_id", *wide, "grid_mw"]) + "\n" + "x," * 16_383 + "7\n")
    assert raw.cells.shape == (1, 16_384)
    long = "가" * 131_072
    assert records(raw_of(tmp_path, STEPS + f"a,1,2,{long}\n"))[0][3] == long


def test_size_is_seen_before_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "FILE_BYTES", 20)
    issue = issue_of(tmp_path, STEPS)
    assert (issue.code, issue.row) == (Code.TOO_LARGE, None)


def test_many_rows_one_by_one(tmp_path: Path) -> None:
    """More than are gathered at once, and one of them short."""
    raw = raw_of(tmp_path, STEPS + "".join(f"a,{n},20,\n" for n in range(25_000)) + "b,7\n")
    assert list(raw.rows) == list(range(2, 25_003))
    assert records(raw)[-2:] == [["a", "24999", "20", ""], ["b", "7", "", ""]]


# all of it at once

LETTERS = {"utf-8": "가é²x,;\t", "utf-16": "가é²x,;\t", "cp949": "가나힣x,;\t", "cp1252": "éüß²°x,;\t"}


def read_or_issues(path: Path) -> RawTable | tuple[Issue, ...]:
    try:
        return read_table(path, GRID_STEPS)
    except InputError as error:
        return error.issues


@given(st.data(), st.sampled_from(sorted(LETTERS)), st.sampled_from(",;\t"), st.sampled_from(".,"))
def test_any_way_of_saving_gives_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, encoding: str, mark: str, point: str
) -> None:
    notes = data.draw(st.lists(st.text(LETTERS[encoding], max_size=6), min_size=1, max_size=5))
    values = data.draw(st.lists(st.decimals(0, 4999, places=2), min_size=len(notes), max_size=len(notes)))
    grouped = data.draw(st.booleans())
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rows = [("site_id", "ready_day", "grid_mw", "notes")]
    for number, (value, note) in enumerate(zip(values, notes, strict=True)):
        text = f"{value:,.2f}" if grouped else f"{value:.2f}"
        written = text.translate(str.maketrans(",.", ".,")) if point == "," else text
        rows.append((f"s{number}", str(number), written, note))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark, lineterminator=end).writerows(rows)
    saved = text.getvalue().encode(encoding)
    assume(encoding not in ("cp949", "cp1252") or not saved.isascii())
    (path := tmp_path_factory.mktemp("any") / "t.csv").write_bytes(saved)
    raw = read_or_issues(path)
    if not isinstance(raw, RawTable):  # a few letters may not tell the encoding; then that is said
        assert {issue.code for issue in raw} == {Code.ENCODING}
        return
    frame, issues = typed(GRID_STEPS, raw)
    assert issues == []
    assert list(frame["site_id"]) == [row[0] for row in rows[1:]]
    np.testing.assert_array_equal(frame["grid_mw"], [float(value) for value in values])
    assert ("decimal commas" in frame.attrs["read_as"]) == (point == ",")
    if encoding.startswith("utf"):
        assert list(frame["notes"]) == [note.strip() for note in notes]


def test_korean_excel_of_the_whole_world(tmp_path: Path) -> None:
    """CP949, semicolons and decimal commas give the sites of the plain table; and the run says how it has read them."""
    scenario = write_world(tmp_path)
    before = siteopt.load(siteopt.read_scenario(scenario))
    rows = [{name: str(cell).replace(".", ",") for name, cell in row.items()} for row in SITES]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(SITES[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / "candidates.csv").write_bytes(text.getvalue().encode("cp949"))
    after = siteopt.load(siteopt.read_scenario(scenario))
    pd.testing.assert_frame_equal(after.sites, before.sites)
    read_as = {one.path: one.read_as for one in after.inputs}
    assert read_as["candidates.csv"] == "CP949, semicolons between cells, decimal commas"
    assert read_as["offers.csv"] is None


def test_numbers_that_can_be_two_are_issues(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "beta", yard_area_m2="20,000", available_from="3/4/2026")
    (tmp_path / "t.csv").write_text(csv_text(sites), encoding="utf-8")
    _, issues = typed(CANDIDATES, read_table(tmp_path / "t.csv", CANDIDATES))
    assert [(issue.code, issue.row, issue.column, issue.found) for issue in issues] == [
        (Code.AMBIGUOUS_DATE, 3, "available_from", "3/4/2026"),
        (Code.AMBIGUOUS_NUMBER, 3, "yard_area_m2", "20,000"),
    ]
    assert issues[1].expected.endswith("20000 or 20.000? Write 20000 or 20.0000")
