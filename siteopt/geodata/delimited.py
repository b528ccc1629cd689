"""Read delimited text: detect its encoding and the mark between its cells, and split it into cells.

The whole text is read at once if this certainly gives the same result, else record by record.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
from charset_normalizer import from_bytes

from siteopt.geodata.headers import knows
from siteopt.geodata.records import COLUMNS, MARKS, Records, framed, too_large
from siteopt.issues import InputError, Issue
from siteopt.message_catalogue import Code
from siteopt.schema import Table

FILE_BYTES = 1_000_000_000
LINE_BYTES = 1_000_000
"""Maximum size of a file and of a line. COLUMNS limits the columns, and the csv module limits the cells."""

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_READ_AS = {"utf-8": "", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp949": "CP949", "cp1252": "Windows-1252"}
BINARY = {
    b"PK\x03\x04": "a workbook or another archive",
    b"\xd0\xcf\x11\xe0": "an .xls file or a workbook with a password",
}

NO_WORKBOOK = "a text table with the extension .csv, or a workbook without a password with the extension .xlsx"
_LONG_HEADER = f"a header of more than {LINE_BYTES:,} bytes", "a header in the first line, and each row in its own line"

_NOT_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_LINES_SHOWN = 1000
"""Maximum number of lines with non-ASCII text that are used to detect the encoding."""

_SEP = re.compile(rb'"?sep=([,;\t|])"?[,;\t|]*(?:\r\n|\n|\r)', re.IGNORECASE)
_BLANK_LINES = re.compile(rb'(?:(?:[ \t,;|]|"")*+(?:\r\n|\n|\r))*+')
_LINE_END = re.compile(rb"\r\n|\n|\r")
_QUOTE = ord('"')
_BLOCK_BYTES = 8 << 20


def read_delimited(path: Path, table: Table) -> tuple[Records, str]:
    """Return the records of a delimited text, and how the file was read unless it is CSV in UTF-8.

    Raises
    ------
    InputError
        If the encoding is unclear, the file is too large, or the records do not fit the header.
    """
    file = str(path)
    data, encoding = _utf8(path)
    start, row, mark = _header(file, data, table)
    read_as = [_READ_AS[encoding], f"{MARKS[mark]} between cells" if mark != "," else ""]
    cells = records_at_once(data, mark, start)
    if cells is None or not knows(table, cells.columns):
        found = records_one_by_one(file, data, table, mark, start, row)
    else:
        found = Records(cells, np.arange(len(cells)) + row + 1, row)
    return found, ", ".join(filter(None, read_as))


def _utf8(path: Path) -> tuple[bytes, str]:
    """Return the text of a file in UTF-8, without marks before and after it, and its original encoding."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            first = stream.read(LINE_BYTES + 1)
            if first[:4] in BINARY:
                raise InputError([Issue(Code.FORMAT, file, None, "", BINARY[first[:4]], NO_WORKBOOK)])
            if path.stat().st_size > FILE_BYTES:
                raise too_large(file, None, f"more than {FILE_BYTES:,} bytes", "a smaller table, or GeoParquet")
            if len(first) > LINE_BYTES and not _LINE_END.search(first):
                raise too_large(file, 1, *_LONG_HEADER)
            mark = next((bom for bom in _BOMS if first.startswith(bom)), b"")
            stream.seek(len(mark))
            data = stream.read(FILE_BYTES)
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError([Issue(Code.UNREADABLE, file, None, "", found, "a readable file")]) from None
    encoding = _BOMS.get(mark) or _encoding(file, data)
    if (mark or encoding != "utf-8") and not _is_text(data, encoding):  # UTF-8 without a mark was already checked
        raise _not_certain(file, f"bytes that are not {_READ_AS[encoding] or 'UTF-8'}")
    if encoding != "utf-8":
        text = io.BytesIO()
        text.writelines(piece.encode() for piece in codecs.iterdecode(_pieces(data), encoding))
        data = text.getvalue()
    data = _without_end(data)
    _check_nulls(file, data)
    return data, encoding


def _without_end(data: bytes) -> bytes:
    """Return the text without the NUL and Ctrl-Z that old programs write after it."""
    return data.rstrip(b"\0\x1a") if data.endswith((b"\0", b"\x1a")) else data


def _check_nulls(file: str, data: bytes) -> None:
    """Raise InputError if there is a NUL byte, which no text contains."""
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        found = f"a NUL byte in line {line}"
        raise InputError([Issue(Code.FORMAT, file, None, "", found, "a text table; the file may be damaged")])


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _BLOCK_BYTES] for at in range(0, len(data), _BLOCK_BYTES))


def _is_text(data: bytes, encoding: str) -> bool:
    try:
        for _ in codecs.iterdecode(_pieces(data), encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _encoding(file: str, data: bytes) -> str:
    """Return the encoding of a text without a byte order mark; raise InputError if it is unclear.

    The lines that are not ASCII show the encoding. If no two bytes beyond ASCII are adjacent, the text is not Korean.
    If some of the lines are UTF-8 and others are not, two files were joined.
    """
    even, odd = data[:4096:2], data[1:4096:2]
    for high, low, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if high.count(0) * 2 > len(high) and low.count(0) * 8 < len(low):
            return encoding
    if _is_text(data, "utf-8"):
        return "utf-8"
    _check_nulls(file, _without_end(data))
    lines = [found.group() for found in itertools.islice(_NOT_ASCII.finditer(data), _LINES_SHOWN)]
    text = b"\n".join(lines)
    if not re.search(rb"[\x80-\xff]{2}", data) and _is_text(text, "cp1252"):
        guess = "cp1252"
    else:
        best = from_bytes(text, cp_isolation=["cp949", "cp1252"]).best()
        guess = best.encoding if best else ""
    # a Korean letter has three bytes in UTF-8, and two of these can be a letter in CP949
    as_utf8 = [line.decode("utf-8", "ignore") for line in lines if _is_text(line, "utf-8")]
    if not guess or any(guess == "cp1252" or max(line) > "\u07ff" for line in as_utf8):
        bad = next(found.start() for found in _NOT_ASCII.finditer(data) if not _is_text(found.group(), "utf-8"))
        number = data.count(b"\n", 0, bad) + 1
        some = f"UTF-8 in some lines but not in line {number}"
        raise _not_certain(file, some if as_utf8 else f"text that is not UTF-8 (line {number})")
    return guess


def _not_certain(file: str, found: str) -> InputError:
    expected = "text in one encoding; save the table as CSV UTF-8 or as .xlsx"
    return InputError([Issue(Code.ENCODING, file, None, "", found, expected)])


def _header(file: str, data: bytes, table: Table) -> tuple[int, int, str]:
    """Return where the header begins, its row, and the mark that finds the most names of the table in it.

    Excel hides a first line such as ``sep=;``, so that line does not count as a row.
    """
    told = _SEP.match(data)
    begin = told.end() if told else 0
    head = data[begin : begin + LINE_BYTES + 1]
    blank = _BLANK_LINES.match(head)
    start = blank.end() if blank else 0
    row = len(_LINE_END.findall(head[:start])) + 1
    end = _LINE_END.search(head, start)
    if not end and len(head) > LINE_BYTES:
        raise too_large(file, row, *_LONG_HEADER)
    line = head[start : end.start() if end else None].decode()

    def known_names(mark: str) -> tuple[int, int]:
        names = [name.strip(' "') for name in line.split(mark)]
        return len({*names} & {*table.names}), len(names)

    mark = told[1].decode() if told else max([",", ";", "\t"], key=known_names)
    if line.count(mark) >= COLUMNS:
        raise too_large(file, row, f"{line.count(mark) + 1:,} columns", f"at most {COLUMNS:,} columns")
    return begin + start, row, mark


def records_at_once(data: bytes, mark: str = ",", start: int = 0) -> pd.DataFrame | None:
    """Return the records below the header, read with Arrow; None if the csv module might read them differently.

    The text must be in UTF-8. Both readers agree if each record has as many cells as the header or none, each quote
    opens a cell, closes it or is doubled within it, and each carriage return is followed by a line feed.
    """
    end = len(data)
    while end > start and data[end - 1] in b"\r\n":
        end -= 1
    line_end = data.find(b"\n", start, end) % (end + 1)  # -1 becomes the end of the text
    names = _plain_names(data[start:line_end], mark)
    ends_are_plain = data.count(b"\r") == data.count(b"\r\n") and _lines_are_short(data)
    if not names or not ends_are_plain or not _quotes_are_plain(data, start, end, mark.encode()):
        return None
    first = min(line_end + 1, end)
    if data.startswith(codecs.BOM_UTF8, first):  # Arrow would read it as a byte order mark
        return None
    places = [str(place) for place in range(len(names))]
    try:
        table = pa.csv.read_csv(
            pa.py_buffer(data)[first:end],
            pa.csv.ReadOptions(column_names=places, block_size=_BLOCK_BYTES),
            pa.csv.ParseOptions(delimiter=mark, newlines_in_values=True, ignore_empty_lines=False),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    kept: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(names, table.columns, strict=True):
        longest = pa.compute.max(pa.compute.binary_length(column)).as_py() or 0
        trimmed = pa.compute.utf8_trim_whitespace(column)
        has_cells = bool(name) or pa.compute.any(pa.compute.not_equal(trimmed, "")).as_py()
        if longest > csv.field_size_limit() or (has_cells and not name):
            return None
        if has_cells:
            kept[name] = trimmed
    records = pa.table(kept)
    for other in MARKS if len(kept) > 2 else ():
        marks = pa.compute.count_substring(records.column(0), other)
        crowded = records.filter(pa.compute.greater_equal(marks, len(kept) - 1)).to_pandas()
        if (crowded.iloc[:, 1:] == "").all(axis=1).any():  # one cell holds a whole row
            return None
    return records.to_pandas()


def _plain_names(line: bytes, mark: str) -> list[str]:
    """Return the names in a header; an empty list unless it has several columns, all with different names."""
    try:
        names = [name.strip() for name in next(csv.reader([line.decode()], delimiter=mark, strict=True), [])]
    except csv.Error:
        return []
    given = [name for name in names if name]
    return names if len(given) == len({*given}) and len(given) > 1 else []


def _lines_are_short(data: bytes) -> bool:
    """Return whether no line is longer than LINE_BYTES; a longer line contains a whole block without a line end."""
    block = LINE_BYTES // 2
    return all(data.find(b"\n", at, at + block) >= 0 for at in range(0, len(data) - block + 1, block))


def _quotes_are_plain(data: bytes, start: int, end: int, mark: bytes) -> bool:
    """Return whether every quote opens a cell, closes it, or is doubled within it.

    Counted from 0, even quotes open a cell: they are at its start, or right after a closing quote, as the second of a
    doubled quote. Odd quotes close a cell: the cell ends there, or an even quote follows.
    """
    text = np.frombuffer(data, dtype=np.uint8)[start:end]
    blocks = range(0, len(text), _BLOCK_BYTES)  # a mask of all bytes would be as large as the file
    quotes = [np.flatnonzero(text[block : block + _BLOCK_BYTES] == _QUOTE) + block for block in blocks]
    at = np.concatenate([np.zeros(0, dtype=np.int64), *quotes])
    opening, closing = at[::2], at[1::2]
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing < len(text) - 1] + 1]
    return bool(
        len(opening) == len(closing)
        and np.isin(before, (_QUOTE, *mark, *b"\n")).all()
        and np.isin(after, (_QUOTE, *mark, *b"\r\n")).all()
    )


class _LongLine(Exception):
    pass


def records_one_by_one(file: str, data: bytes, table: Table, mark: str = ",", start: int = 0, row: int = 1) -> Records:
    """Return the records of any text in UTF-8, without empty lines.

    Parameters
    ----------
    start, row : int
        Byte at which the first line begins, and its row.

    Raises
    ------
    InputError
        With the errors of the file.
    """
    return framed(file, _records(file, data, mark, start, row), mark, str, table)


def _records(file: str, data: bytes, mark: str, start: int, row: int) -> Iterator[tuple[int, list[str]]]:
    stream = io.BytesIO(data)
    stream.seek(start)
    text = io.TextIOWrapper(stream, "utf-8", newline="")

    def lines() -> Iterator[str]:
        while line := text.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise _LongLine
            yield line

    try:
        for record in csv.reader(lines(), delimiter=mark, strict=True):
            yield row, [cell.strip() for cell in record]
            row += 1
    except _LongLine:
        raise too_large(file, row, f"a line of more than {LINE_BYTES:,} letters", "each row in its own line") from None
    except csv.Error as error:
        if "field larger" in str(error):
            limit = f"{csv.field_size_limit():,} letters"
            expected = f"at most {limit}; perhaps a closing quote is missing"
            raise too_large(file, row, f"a cell of more than {limit}", expected) from None
        expected = "quotes around a whole cell, and doubled quotes within it"
        raise InputError([Issue(Code.QUOTES, file, row, "", str(error), expected)]) from None
