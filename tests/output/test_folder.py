"""A run's folder is written whole or not at all."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from siteopt.codes import Code
from siteopt.faults import Failure
from siteopt.output import folder
from siteopt.output.folder import HIDDEN, OLD, ready_folder, undisturbed, write_beside, write_folder

RUN = {"plan.json": "{}\n", "orders.csv": "a\n"}


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in files}


def test_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    write_folder(tmp_path / "a" / "b", RUN)
    assert contents(tmp_path) == {"a/b/plan.json": "{}\n", "a/b/orders.csv": "a\n"}


def test_next_run_replaces_the_one_before(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    write_folder(tmp_path / "run", {"plan.json": "[]\n", "orders.csv": "가\n"})
    assert contents(tmp_path) == {"run/plan.json": "[]\n", "run/orders.csv": "가\n"}


def test_foreign_files_of_an_earlier_run_are_kept(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    (tmp_path / "run" / "notes").mkdir()
    (tmp_path / "run" / "notes" / "mine.txt").write_text("mine")
    (tmp_path / "run" / "map.qgz").write_text("map")
    write_folder(tmp_path / "run", {"plan.json": "[]\n"})
    assert contents(tmp_path / "run") == {
        "plan.json": "[]\n",
        "orders.csv": "a\n",
        "notes/mine.txt": "mine",
        "map.qgz": "map",
    }


def test_front_is_replaced_by_the_next_front(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", {"pareto.json": "{}\n"})
    write_folder(tmp_path / "run", {"pareto.json": "[]\n"})
    assert contents(tmp_path) == {"run/pareto.json": "[]\n"}


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_folder(tmp_path / "run", RUN)
    assert contents(tmp_path / "run") == RUN


def test_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Failure, match="left alone"):
        write_folder(tmp_path, RUN)
    assert contents(tmp_path) == {"thesis.txt": "years of work"}


def test_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(Failure, match="is a file"):
        write_folder(tmp_path / "run", RUN)
    assert contents(tmp_path) == {"run": "a file"}


def test_failure_while_writing_leaves_the_old_run(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    with pytest.raises(UnicodeEncodeError):
        write_folder(tmp_path / "run", {"plan.json": "new", "orders.csv": "\ud800"})
    assert contents(tmp_path) == {f"run/{name}": text for name, text in RUN.items()}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", {"plan.json": "a\nb\r\n"})
    assert (tmp_path / "run" / "plan.json").read_bytes() == b"a\nb\r\n"


def test_what_was_made_from_the_run_before_goes_with_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", {"plan.json": "{}\n", "siteopt.gpkg": b"\x00\xff"})
    (tmp_path / "run" / "charts").mkdir()
    (tmp_path / "run" / "charts" / "map.svg").write_text("old")
    (tmp_path / "run" / "siteopt.gpkg-wal").write_text("in flight")
    write_folder(tmp_path / "run", {"plan.json": "[]\n", "siteopt.gpkg": b"\x01"})
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["plan.json", "siteopt.gpkg"]
    assert (tmp_path / "run" / "siteopt.gpkg").read_bytes() == b"\x01"


OTHER = {"plan.json": "[]\n", "orders.csv": "b\n", "siteopt.gpkg": "c"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="of POSIX")
CALLS = ("mkdir", "open", "fsync", "link", "rename", "rmdir", "unlink", "chmod", "scandir", "listdir")
"""What the writing asks of the system, but for opening files for writing."""


def dying(target: Path, number: int, *, exchange: bool) -> bool:
    """Write OTHER in a process that dies at one of its calls to the system; whether it came so far."""
    code = f"""
import os, sys
from pathlib import Path
from siteopt.output import folder
left = {number}
def counted(call):
    def wrapper(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        found = call(*args, **kwargs)
        return found
    return wrapper
for name in {CALLS}:
    setattr(os, name, counted(getattr(os, name)))
folder._exchange = counted(folder._exchange if {exchange} else lambda fresh, target: False)
folder.write_folder(Path(sys.argv[1]), {OTHER})
"""
    ended = subprocess.run([sys.executable, "-c", code, str(target)], check=False, capture_output=True, text=True)
    assert ended.returncode in (0, 9), ended.stderr
    return ended.returncode == 9
