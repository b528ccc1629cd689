"""Files far larger than any table, or that unpack to one: a clear message, within bounded memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from openpyxl import Workbook

from tests.reliability.command import START, environment
from tests.reliability.record import Record
from tests.worlds import SITES, csv_text, write_world

MOST_BYTES = 1_500_000_000
"""Memory of a check at most: a file of 900 MB is held once, beside what siteopt takes without any."""

_MB = 1_000_000
_TABLE = csv_text(SITES)


def _sparse_line(path: Path) -> None:
    path.write_text("site_id,name,latitude,longitude\nalpha,", encoding="utf-8")
    os.truncate(path, 2_000 * _MB)


def _long_line(path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{_TABLE}delta,")
        file.writelines("x" * _MB for _ in range(900))


def _long_quote(path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{_TABLE}delta,"')
        file.writelines("x" * 999 + "\n" for _ in range(900_000))


def _columns(path: Path) -> None:
    path.write_text(",".join(f"c{n}" for n in range(1_000_000)) + "\n" + _TABLE, encoding="utf-8")


def _columns_of_json(path: Path) -> None:
    names = {f"c{n}": n for n in range(200_000)}
    feature = {"type": "Feature", "properties": names, "geometry": {"type": "Point", "coordinates": [-90, 35]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")


def _bomb(path: Path) -> None:
    _rewritten(path, b"</sheetData>", b" " * _MB, 1_000)


def _wide_dimension(path: Path) -> None:
    _rewritten(path, b'<dimension ref="A1:A2"', b'<dimension ref="A1:XFD1048576"', 0)


def _last_cell(path: Path) -> None:
    _rewritten(path, b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row>', 1)


def _rewritten(path: Path, mark: bytes, piece: bytes, times: int) -> None:
    """A workbook of one column, in whose sheet a piece stands so many times before a mark, or once in its place."""
    book, sound = Workbook(), io.BytesIO()
    for value in ("site_id", "alpha"):
        book.worksheets[0].append([value])
    book.save(sound)
    with zipfile.ZipFile(sound) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            before, found, behind = source.read(name).partition(mark)
            with target.open(name, "w") as file:
                file.write(before)
                for _ in range(max(times, 1) if found else 0):  # not at once: memory would be the child's, too
                    file.write(piece)
                file.write(found + behind if times else behind)


CASES: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "a line of 2 GB": ("t.csv", _sparse_line),
    "a line of 900 MB": ("t.csv", _long_line),
    "a quote that is open over 900 MB": ("t.csv", _long_quote),
    "a million columns": ("t.csv", _columns),
    "200,000 columns of GeoJSON": ("t.geojson", _columns_of_json),
    "a zip bomb of 1 GB": ("t.xlsx", _bomb),
    "a false dimension of a sheet": ("t.xlsx", _wide_dimension),
    "a cell in the last corner of a sheet": ("t.xlsx", _last_cell),
}


def huge() -> Iterator[Record]:
    """Check each of them in a process of its own, and look at its memory."""
    for kind, (name, write) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            write_world(Path(folder))
            write(Path(folder, name))
            words = ["check", "scenario.toml", "--set", f'inputs.candidates=["{name}"]']
            with Path(folder, "told").open("w+", encoding="utf-8") as told:
                process = subprocess.Popen([*START, *words], cwd=folder, env=environment(), stderr=told)
                begun, most_bytes = time.monotonic(), 0
                while process.poll() is None:
                    most_bytes = max(most_bytes, _peak_bytes(process.pid))
                    time.sleep(0.01)
                seconds = time.monotonic() - begun
                told.seek(0)
                lines = told.read().splitlines()
        coded = all(line.endswith("]") for line in lines[:-1]) and len(lines) > 1
        clear = process.returncode == 2 and coded and most_bytes <= MOST_BYTES
        traceback = any("Traceback" in line for line in lines)
        yield Record("a huge file", f"{kind}: {most_bytes / 1e6:,.0f} MB, {seconds:.0f} s", 1, clear, traceback, 0)


def _peak_bytes(process: int) -> int:
    """The most memory that a process has taken so far; that of its parent does not count, as it does for the system."""
    with contextlib.suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="utf-8")):
            return int(found[1]) * 1024
    return 0
