"""What stands where a command would write: only what siteopt wrote itself may be replaced."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from tests.reliability.calls import leftovers
from tests.reliability.command import Ended, command
from tests.reliability.record import Record
from tests.worlds import write_world

State = dict[str, tuple[int, bytes | str]]


def _text(path: Path) -> None:
    path.write_text("mine")


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def _foreign_plan(path: Path) -> None:
    path.mkdir()
    (path / "plan.json").write_text('{"format_version": "1.2", "terraform_version": "1.9.0"}')
    (path / "orders.csv").write_text("mine")
    (path / "report.html").write_text("mine")


def _link_to_folder(path: Path) -> None:
    _folder(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


def _link_to_file(path: Path) -> None:
    _text(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


def _link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def _link_to_device(path: Path) -> None:
    path.symlink_to(os.devnull)


def _layer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE mine (value)")


def _edit(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


FOLDERS: dict[str, Callable[[Path], None]] = {
    "a folder of the user": _folder,
    "a plan.json of another program": _foreign_plan,
    "a file": _text,
    "a link to a folder of the user": _link_to_folder,
    "a link to a file": _link_to_file,
    "a pipe": os.mkfifo,
}
FILES: dict[str, Callable[[Path], None]] = {
    "a file of the user": _text,
    "a folder": _folder,
    "a link to a file": _link_to_file,
    "a link to nothing": _link_to_nothing,
    "a link to a device": _link_to_device,
    "a pipe": os.mkfifo,
}


def owners() -> Iterator[Record]:
    """Each command with each of these where it would write, and runs whose files the user has changed."""
    if sys.platform == "win32":
        return
    with tempfile.TemporaryDirectory() as name:
        place = Path(os.path.realpath(name))
        scenario = write_world(place / "world")
        command("solve", scenario, "--out", place / "made" / "run", "--quiet")
        command("pareto", scenario, "--out", place / "made" / "front", "--quiet")
        command("plot", place / "made" / "run")
        yield from _refusals(place, scenario)
        yield from _kept(place, scenario)


def _state(place: Path) -> State:
    """Everything below a folder: its kind and its content, without reading from pipes."""
    found: State = {}
    for path in sorted(place.rglob("*")):
        content: bytes | str = b""
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        found[path.relative_to(place).as_posix()] = (path.lstat().st_mode, content)
    return found


def _refusals(place: Path, scenario: Path) -> Iterator[Record]:
    cases: list[tuple[str, Callable[[Path], None], list[object]]] = []
    for kind, put in FOLDERS.items():
        cases += [(kind, put, [verb, scenario, "--out"]) for verb in ("solve", "pareto", "check")]
    for kind, put in FILES.items():
        cases.append((kind, put, ["report", place / "made" / "run", "--out"]))
    for verb, made in (("solve", "front"), ("pareto", "run"), ("check", "run"), ("check", "front")):

        def put_run(path: Path, made: str = made) -> None:
            shutil.copytree(place / "made" / made, path)

        cases.append(("the folder of another command", put_run, [verb, scenario, "--out"]))
    for kind, put, arguments in cases:
        yield _refused(place, kind, put, arguments)
    for kind, put in FILES.items():

        def put_inside(path: Path, put: Callable[[Path], None] = put) -> None:
            path.mkdir()
            put(path / "map.svg")

        yield _refused(place, kind, put_inside, ["plot", place / "made" / "run", "--out"])

        def put_among(path: Path, put: Callable[[Path], None] = put) -> None:
            (path / "data").mkdir(parents=True)
            put(path / "data" / "README.md")

        yield _refused(place, kind, put_among, ["init"])


def _refused(place: Path, kind: str, put: Callable[[Path], None], arguments: list[object]) -> Record:
    """One command that must end in one line and change nothing."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        put(Path(name) / "target")
        before = _state(place)
        ended = command(*arguments, Path(name) / "target")
        clear = any(ended.says(number) for number in ("E401", "E402", "E407"))
        lost = _state(place) != before
        return Record("whose files", f"{kind} is in the way", 1, int(clear), int(ended.traceback), int(lost))


def _kept(place: Path, scenario: Path) -> Iterator[Record]:
    """Runs, fronts and charts whose files the user has changed, in every way at once."""
    for verb, made in (("solve", "run"), ("pareto", "front")):
        target = place / "kept" / made
        shutil.copytree(place / "made" / made, target)
        changed = ["report.html", "pareto.csv"] if made == "front" else ["report.html", "orders.csv", "siteopt.qgz"]
        for name in changed:
            _edit(target / name)
        if made == "run":
            _layer(target / "siteopt.gpkg")
            changed.append("siteopt.gpkg")
            for name, put in (("crews.csv", _link_to_file), ("plan.qml", os.mkfifo), ("schedule.csv", _folder)):
                (target / name).unlink()
                put(target / name)
                changed.append(name)
            _edit(target / "charts" / "cost.svg")
            _text(target / "charts" / "slides.pptx")
        _text(target / "notes.txt")
        before = _state(target)
        own = [name for name in before if name.startswith(("notes", "elsewhere", "charts/cost.svg", "charts/slides"))]
        ended = command(verb, scenario, "--out", target)
        after = _state(target)
        lost = any(after.get(name) != before[name] for name in own) or bool(leftovers(target.parent))
        for name in changed:
            path = Path(name)
            new = f"{path.stem}-yours{path.suffix}"
            lost |= after.get(new) != before[name] or after.get(name) == before[name]
        clear = ended.code == 0 and _tells(ended, changed)
        yield Record("whose files", f"{verb} over changed files", 1, int(clear), int(ended.traceback), int(lost))
        ended = command(verb, scenario, "--out", target, "--quiet")
        lost = len(_state(target)) != len(after)
        clear = (ended.code, ended.out, ended.err) == (0, "", "")
        yield Record("whose files", f"{verb} once more", 1, int(clear), int(ended.traceback), int(lost))


def _tells(ended: Ended, changed: list[str]) -> bool:
    """One line for each file that has another name now, and nothing else."""
    lines = ended.err.splitlines()
    return len(lines) == len(changed) and all(any(f"/{name} was not" in line for line in lines) for name in changed)
