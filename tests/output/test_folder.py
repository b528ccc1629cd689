"""A run's folder is written whole or not at all."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from siteopt.issues import Failure
from siteopt.message_catalogue import Code
from siteopt.output import folder as module
from siteopt.output.folder import OLD, ready_folder, undisturbed, write_beside, write_folder
from siteopt.output.ownership import MANIFEST, signed

RUN = {"plan.json": "{}\n", "orders.csv": "a\n"}


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
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
    with pytest.raises(Failure, match="not the folder of a run"):
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
    (tmp_path / "run" / "charts" / "map.svg").write_bytes(signed(b"old"))
    (tmp_path / "run" / "siteopt.gpkg-wal").touch()
    (tmp_path / "run" / "siteopt.gpkg-shm").write_text("shared memory")
    write_folder(tmp_path / "run", {"plan.json": "[]\n", "siteopt.gpkg": b"\x01"})
    assert names(tmp_path / "run") == ["plan.json", "siteopt.gpkg"]
    assert (tmp_path / "run" / "siteopt.gpkg").read_bytes() == b"\x01"


EARLIER = '{"format_version": 1, "siteopt_version": "0.1.0"}'
NEXT = {"plan.json": "[]\n", "orders.csv": "b\n"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="of POSIX")


@contextmanager
def refused(code: Code) -> Iterator[None]:
    with pytest.raises(Failure) as caught:
        yield
    assert caught.value.code is code


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def geopackage(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA journal_mode={mode}")
        database.execute("CREATE TABLE sites (name)")
        database.execute("INSERT INTO sites VALUES ('alpha')")


def test_what_dead_runs_left_is_cleared_away_and_nothing_else(tmp_path: Path) -> None:
    for name in (".run.siteopt-00000000", ".run.siteopt-00000001.old", ".other.siteopt-00000000", ".run.settings"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.json").write_text(EARLIER)
    write_folder(tmp_path / "run", RUN)
    assert names(tmp_path) == [".other.siteopt-00000000", ".run.settings", "run"]
    assert contents(tmp_path / "run") == RUN


def test_a_run_that_stood_aside_is_put_back(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    (tmp_path / "run").rename(tmp_path / f".run.siteopt-00000000{OLD}")
    with undisturbed(tmp_path / "run"):
        assert contents(tmp_path / "run") == RUN
    (tmp_path / "run").rename(tmp_path / f".run.siteopt-00000000{OLD}")
    (tmp_path / ".run.siteopt-00000000").mkdir()
    ready_folder(tmp_path / "run", "plan.json")
    assert contents(tmp_path) == {f"run/{name}": text for name, text in RUN.items()}
    assert names(tmp_path) == ["run"]


@pytest.mark.skipif(sys.platform != "linux", reason="others may have no exchange")
def test_folders_are_exchanged_in_one_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert module._exchange(tmp_path / "a", tmp_path / "b")
    assert (names(tmp_path / "a"), names(tmp_path / "b")) == (["b"], ["a"])
    assert not module._exchange(tmp_path / "a", tmp_path / "absent")


@POSIX
def test_kept_files_stay_the_same_files(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    (tmp_path / "run" / "mine").write_text("mine")
    (tmp_path / "run" / "link").symlink_to("/nowhere")
    (tmp_path / "run").chmod(0o775)
    with (tmp_path / "run" / "mine").open("a") as open_elsewhere:
        write_folder(tmp_path / "run", NEXT)
        open_elsewhere.write(" and more")
    assert (tmp_path / "run" / "mine").read_text() == "mine and more"
    assert os.readlink(tmp_path / "run" / "link") == "/nowhere"
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o775


def test_kept_files_are_copied_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    write_folder(tmp_path / "run", RUN)
    (tmp_path / "run" / "mine").write_text("mine")
    write_folder(tmp_path / "run", NEXT)
    assert contents(tmp_path / "run") == NEXT | {"mine": "mine"}


@pytest.mark.parametrize(
    "write", [lambda target: ready_folder(target, "plan.json"), lambda target: write_folder(target, NEXT)]
)
def test_a_geopackage_that_is_being_edited_is_left_alone(tmp_path: Path, write: object) -> None:
    write_folder(tmp_path / "run", RUN)
    geopackage(tmp_path / "run" / "siteopt.gpkg", "DELETE")
    with closing(sqlite3.connect(tmp_path / "run" / "siteopt.gpkg")) as editor:
        editor.execute("BEGIN IMMEDIATE")
        with refused(Code.IN_USE):
            write(tmp_path / "run")  # type: ignore[operator]
    assert (tmp_path / "run" / "plan.json").read_text() == RUN["plan.json"]


@POSIX
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_geopackage_that_is_looked_at_is_replaced(tmp_path: Path, mode: str) -> None:
    geopackage(tmp_path / "siteopt.gpkg", "DELETE")
    write_folder(tmp_path / "run", {**RUN, "siteopt.gpkg": (tmp_path / "siteopt.gpkg").read_bytes()})
    (tmp_path / "siteopt.gpkg").unlink()
    with closing(sqlite3.connect(tmp_path / "run" / "siteopt.gpkg")) as database:
        database.execute(f"PRAGMA journal_mode={mode}")
    with closing(sqlite3.connect(tmp_path / "run" / "siteopt.gpkg")) as viewer:
        viewer.execute("BEGIN")
        assert viewer.execute("SELECT * FROM sites").fetchall() == [("alpha",)]
        write_folder(tmp_path / "run", {**NEXT, "siteopt.gpkg": "new"})
        assert viewer.execute("SELECT * FROM sites").fetchall() == [("alpha",)]
    assert contents(tmp_path / "run") == {**NEXT, "siteopt.gpkg": "new"}


@POSIX
def test_a_folder_that_somebody_holds_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "run", RUN)
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.0)
    with undisturbed(tmp_path / "run"):
        for write in (lambda target: ready_folder(target, "plan.json"), lambda target: write_folder(target, NEXT)):
            with refused(Code.BUSY):
                write(tmp_path / "run")
    assert contents(tmp_path / "run") == RUN


def test_writers_at_once_do_not_mix(tmp_path: Path) -> None:
    runs = [{"plan.json": str(number), "orders.csv": str(number)} for number in range(4)]

    def write(files: dict[str, str]) -> None:
        for _ in range(5):
            write_folder(tmp_path / "run", files)

    threads = [threading.Thread(target=write, args=[files]) for files in runs]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "run").exists():
            with undisturbed(tmp_path / "run"):
                assert contents(tmp_path / "run") in runs
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["run"]
    assert contents(tmp_path / "run") in runs


def test_known_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for place in (tmp_path / "file", tmp_path / "mine", Path("/")):
        with refused(Code.NOT_A_RUN):
            ready_folder(place, "plan.json")
    for place in (tmp_path / "file" / "run", tmp_path / "new" / ("n" * 250), tmp_path / ("n" * 260) / "run", Path()):
        with refused(Code.NO_WRITING):
            ready_folder(place, "plan.json")
    ready_folder(tmp_path / "new" / "runs" / "first", "plan.json")
    assert names(tmp_path) == ["file", "here", "mine"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, Code.DISK_FULL), (errno.EFBIG, Code.DISK_FULL), (errno.EROFS, Code.NO_WRITING)],
)
def test_no_room_is_told_from_no_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: Code
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    write_folder(tmp_path / "run", RUN)
    monkeypatch.setattr(os, "fsync", fsync)
    with refused(code):
        write_folder(tmp_path / "run", NEXT)
    with refused(code):
        write_beside(tmp_path / "run" / "charts", {"map.svg": "new"})
    assert contents(tmp_path / "run") == RUN
    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == sorted(RUN)


DIES = """
import os, sys
from pathlib import Path
from siteopt.output import folder
folder._replace = lambda target, fresh: os.kill(os.getpid(), 9)
folder.write_folder(Path(sys.argv[1]), {"plan.json": "new"})
"""


@POSIX
def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    killed = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "run")], check=False, capture_output=True)
    assert killed.returncode == -9
    assert contents(tmp_path / "run") == RUN
    assert len(names(tmp_path)) == 2
    write_folder(tmp_path / "run", NEXT)
    assert contents(tmp_path) == {f"run/{name}": text for name, text in NEXT.items()}
