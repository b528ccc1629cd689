"""Ctrl-C and signals to end, at any moment, to the command alone: no traceback, no process and no file stays behind."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from siteopt.output.ownership import is_signed
from tests.reliability.calls import leftovers
from tests.reliability.command import FRUGAL, START, command, digest, environment
from tests.reliability.record import Record

RUN = ["solve", FRUGAL, "--top", "1", "--workers", "1", "--out"]
VERIFIED = [*RUN[:-1], "--verify-with", "cbc", "--out"]
OTHER = ["--set", "supply.spare_units=2"]
PYTHON_SECONDS = 0.3
"""Before, Python itself begins."""

AT_ONCE_SECONDS = 3.0
"""Within which a run must have ended after a second Ctrl-C."""

CASES = {
    "Ctrl-C once": (RUN, [signal.SIGINT]),
    "Ctrl-C twice": (RUN, [signal.SIGINT, signal.SIGINT]),
    "SIGTERM": (RUN, [signal.SIGTERM]),
    "Ctrl-C once, with a second solver": (VERIFIED, [signal.SIGINT]),
    "Ctrl-C twice, with a second solver": (VERIFIED, [signal.SIGINT, signal.SIGINT]),
    "SIGTERM, with a second solver": (VERIFIED, [signal.SIGTERM]),
}

ENDS = {
    signal.SIGINT: (0, 4, 130, -signal.SIGINT),
    signal.SIGTERM: (0, 143, -signal.SIGTERM),
}
"""How a run may end: as usual where the signal came too late, by the signal where it came while libraries load."""


def interrupts(number: int = 10) -> Iterator[Record]:
    """So many of each case."""
    if sys.platform == "win32":
        return
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        target, temporary = Path(name, "runs", "frugal"), Path(name, "tmp")
        temporary.mkdir()
        for kind, (arguments, signals) in CASES.items():
            begun = time.monotonic()
            new = _whole(command(*arguments, target, TMPDIR=str(temporary)).code, target)
            seconds = time.monotonic() - begun
            old: dict[str, str] = {}
            for _ in range(number):
                if digest(target) != old:
                    old = _whole(command(*RUN, target, *OTHER, TMPDIR=str(temporary)).code, target)
                waits = [chance.uniform(PYTHON_SECONDS, seconds), *[chance.uniform(0, 1) for _ in signals[1:]]]
                code, errors, late = _signalled([*arguments, target], temporary, signals, waits)
                whole = digest(target) in (old, new) or _complete(target, new)
                stays = _processes(str(temporary)) or list(temporary.iterdir()) or leftovers(target.parent)
                clear = code in ENDS[signals[0]] and not stays and not late
                yield Record("Ctrl-C", kind, 1, int(clear), int("Traceback" in errors), int(not whole))


def _whole(code: int, target: Path) -> dict[str, str]:
    if code:
        raise RuntimeError(f"a run that nobody disturbs ends with {code}")
    return digest(target)


def _signalled(
    arguments: Sequence[object], temporary: Path, signals: Sequence[int], waits: Sequence[float]
) -> tuple[int, str, bool]:
    """Exit code, standard error, and whether it went on too long after a second signal."""
    with subprocess.Popen(
        [*START, *map(str, arguments)],
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for number, wait in zip(signals, waits, strict=True):
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait)
            process.send_signal(number)
        last = time.monotonic()
        _, errors = process.communicate()
    return process.returncode, errors, len(signals) > 1 and time.monotonic() - last > AT_ONCE_SECONDS


def _complete(target: Path, new: dict[str, str]) -> bool:
    """All files of a run that was stopped, which is like no other: the search, or the second solver."""
    with closing(sqlite3.connect(target / "siteopt.gpkg")) as database:
        sound = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    document = json.loads((target / "plan.json").read_text(encoding="utf-8"))
    page = (target / "report.html").read_text(encoding="utf-8")
    second = document["certificate"]["second_solver"]
    stopped = document["outcome"] != "proven" or (second is not None and not second["finished"])
    is_whole = sound and digest(target).keys() == new.keys() and is_signed(page.encode())
    return stopped and is_whole and document["plan"] is not None


def _processes(mark: str) -> list[str]:
    """Processes that were started with this in their environment, and still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found
