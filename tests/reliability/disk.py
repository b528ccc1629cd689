"""Disks that are full or read-only, folders that are not ours, files that others hold, two runs at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.reliability.calls import leftovers
from tests.reliability.command import START, UNREADY, Ended, command, digest
from tests.reliability.record import Record
from tests.worlds import write_world

KIB = 1024
FEW = ["supply.spare_units=0"]
"""A setting that makes another run of the same scenario."""


def disk(pairs: int = 10) -> Iterator[Record]:
    """Every trouble, on a run of the small world into a folder that holds an earlier one."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(os.path.realpath(name))
        scenario = write_world(place / "world")
        yield from _names(place, scenario)
        yield from _rights(place, scenario)
        yield from _limits(place, scenario)
        yield from _in_use(place, scenario)
        yield from _at_once(place, scenario, pairs)
        if _may_mount(place):
            yield from _mounted(place, scenario)


def skipped() -> list[str]:
    """What cannot be tried here."""
    words = []
    with tempfile.TemporaryDirectory() as name:
        if not _may_mount(Path(name)):
            words.append("full disks, read-only disks and mount points: no right to mount")
    if _limited_user() is None:
        words.append("folders without permission: root without setpriv")
    if not Path("/bin/sh").exists():
        words.append("limits of the size of a file: no shell")
    return words


def earlier(scenario: Path, target: Path) -> dict[str, str]:
    made = command("solve", scenario, "--out", target, "--quiet", "--set", *FEW)
    if made.code:
        raise RuntimeError(made.err)
    return digest(target)


def _checked(kind: str, ended: Ended, number: str, *, kept: bool) -> Record:
    """A refusal with this error, after which everything must be as it was."""
    return Record("the disk", kind, 1, int(ended.says(number)), int(ended.traceback), int(not kept))


def _names(place: Path, scenario: Path) -> Iterator[Record]:
    (place / "file").write_text("mine")
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("mine")
    before = digest(place)
    cases = {
        "the folder is a file": ("file", "E401"),
        "the folder holds something else": ("mine", "E401"),
        "its parent is a file": ("file/run", "E402"),
        "its name is too long": ("n" * 300, "E402"),
        "a parent's name is too long": (f"{'n' * 300}/run", "E402"),
        "it is the folder one works in": (".", "E402"),
    }
    (place / "here").mkdir()
    for kind, (name, number) in cases.items():
        for verb in ("solve", "pareto"):
            out = Path() if name == "." else place / name
            ended = command(verb, scenario, "--out", out, cwd=place / "here")
            yield _checked(kind, ended, number, kept=digest(place) == before and not leftovers(place))
    for name, number in (("file", "E402"), ("file/new", "E402")):
        ended = command("init", place / name)
        yield _checked("init into a place that cannot be", ended, number, kept=digest(place) == before)


def _limited_user() -> Sequence[str] | None:
    """How a command is started that permissions bind."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        return None
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def _rights(place: Path, scenario: Path) -> Iterator[Record]:
    prefix = _limited_user()
    if prefix is None or sys.platform == "win32":
        return
    parent = place / "theirs"
    before = earlier(scenario, parent / "run")
    for kind, folder in (("the folder is read-only", parent / "run"), ("its parent is read-only", parent)):
        owner = folder.stat().st_uid
        if owner == 0:
            os.chown(folder, 65534, 65534)
        folder.chmod(0o555)
        for start in (START, UNREADY):
            ended = command("solve", scenario, "--out", parent / "run", start=[*prefix, *start])
            yield _checked(kind, ended, "E402", kept=digest(parent / "run") == before and not leftovers(parent))
        if folder == parent:
            ended = command("init", parent / "new", start=[*prefix, *START])
            yield _checked("init into a read-only folder", ended, "E402", kept=not (parent / "new").exists())
        else:
            for verb in ("report", "plot"):
                ended = command(verb, folder, start=[*prefix, *START])
                yield _checked(f"{verb} into a read-only folder", ended, "E402", kept=digest(folder) == before)
        folder.chmod(0o755)
        os.chown(folder, owner, -1)


def _limits(place: Path, scenario: Path) -> Iterator[Record]:
    if not Path("/bin/sh").exists():
        return
    before = earlier(scenario, place / "limits" / "run")
    for blocks in (1, 16, 64, 200):  # of 512 bytes
        limited = ["/bin/sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh"]
        for start in (START, UNREADY):
            ended = command("solve", scenario, "--out", place / "limits" / "run", start=[*limited, *start])
            kept = digest(place / "limits" / "run") == before and not leftovers(place / "limits")
            told = ended if ended.says("E402") else None  # SQLite tells no limit from a broken disk
            yield _checked("files may not grow", told or ended, "E402" if told else "E403", kept=kept)


def _in_use(place: Path, scenario: Path) -> Iterator[Record]:
    target = place / "open" / "run"
    before = earlier(scenario, target)
    with _holding(target / "siteopt.gpkg", "BEGIN IMMEDIATE"):
        for start in (START, UNREADY):
            ended = command("solve", scenario, "--out", target, start=start)
            kept = digest(target) == before and not leftovers(place)
            yield _checked("the map is being edited elsewhere", ended, "E404", kept=kept)
    with _holding(target / "siteopt.gpkg", "BEGIN; SELECT * FROM gpkg_contents"):
        ended = command("solve", scenario, "--out", target, "--quiet")
        new = digest(target) not in ({}, before) and not leftovers(place)
        kind = "the map is looked at elsewhere"
        yield Record("the disk", kind, 1, int(not ended.code), int(ended.traceback), int(not new))


HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2].split(";"):
    rows = database.execute(statement).fetchone()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def _holding(geopackage: Path, statements: str) -> Iterator[None]:
    """Another program that is busy with a GeoPackage; in this one any reader of the file would end its locks."""
    arguments = [sys.executable, "-c", HOLDS, str(geopackage), statements]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        if other.stdin is None or other.stdout is None or other.stdout.readline() != b"held\n":
            raise RuntimeError("the other program does not hold the file")
        yield
        other.stdin.close()


def _at_once(place: Path, scenario: Path, pairs: int) -> Iterator[Record]:
    target = place / "both" / "run"
    wholes = [earlier(scenario, target)]
    command("solve", scenario, "--out", target, "--quiet")
    wholes.append(digest(target))
    for _ in range(pairs):
        ends: list[Ended] = []

        def run(*more: str, ends: list[Ended] = ends) -> None:
            ends.append(command("solve", scenario, "--out", target, "--quiet", *more))

        threads = [threading.Thread(target=run, args=more) for more in ((), ("--set", *FEW))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        whole = digest(target) in wholes and not leftovers(place)
        clear = all(ended.code == 0 for ended in ends)
        tracebacks = sum(ended.traceback for ended in ends)
        yield Record("the disk", "two runs at once into one folder", 1, int(clear), tracebacks, int(not whole))


def _may_mount(place: Path) -> bool:
    if sys.platform != "linux" or os.getuid() != 0:
        return False
    try:
        with _mount(place / "trial", 1024):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _mount(folder: Path, kib: int) -> Iterator[Path]:
    """A disk in memory of this size."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _filled(folder: Path, free_kib: int) -> None:
    """Fill a disk, but for so much room."""
    (folder / "filler").unlink(missing_ok=True)
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "filler").write_bytes(bytes(max(0, free - free_kib * KIB)))


def _mounted(place: Path, scenario: Path) -> Iterator[Record]:
    with _mount(place / "disk", 16 * 1024) as mounted:
        before = earlier(scenario, mounted / "run")
        ended = command("solve", scenario, "--out", mounted)
        yield _checked("the folder is a disk of its own", ended, "E401", kept=digest(mounted / "run") == before)
        for free_kib in (0, 50, 150, 250, 350):
            _filled(mounted, free_kib)
            for kind, start in (("full before the work", START), ("full while writing", UNREADY)):
                ended = command("solve", scenario, "--out", mounted / "run", start=start)
                kept = digest(mounted / "run") == before and not leftovers(mounted)
                answered = start is START or "small: proven" in ended.out
                yield _checked(f"the disk is {kind}", ended, "E403", kept=kept and answered)
        for verb, free_kib in (("report", 50), ("plot", 50), ("init", 50), ("init", 1500)):
            _filled(mounted, free_kib)
            ended = command(verb, mounted / ("new" if verb == "init" else "run"))
            kept = digest(mounted / "run") == before and not (mounted / "new").exists() and not leftovers(mounted)
            yield _checked(f"{verb} on a full disk", ended, "E403", kept=kept)
        for free_kib in (0, 100, 250):
            with _mount(place / f"tmp{free_kib}", free_kib + 4):
                for start in (START, UNREADY):
                    temporary = str(place / f"tmp{free_kib}")
                    (mounted / "filler").unlink(missing_ok=True)
                    ended = command("solve", scenario, "--out", mounted / "run", start=start, TMPDIR=temporary)
                    kept = digest(mounted / "run") == before and not leftovers(mounted)
                    yield _checked("no room for temporary files", ended, "E403", kept=kept)
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
        for start in (START, UNREADY):
            ended = command("solve", scenario, "--out", mounted / "run", start=start)
            yield _checked("the disk is read-only", ended, "E402", kept=digest(mounted / "run") == before)
        ended = command("report", mounted / "run")
        yield _checked("report on a read-only disk", ended, "E402", kept=digest(mounted / "run") == before)
