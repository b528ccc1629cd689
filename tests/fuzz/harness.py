"""Try an input, and say what came of it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import tempfile
import traceback
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from siteopt.cli import app
from tests.fuzz.inputs import Trial

SECONDS = 60
"""Time within which every command must end; the solver gets far less."""
SOLVED = 8
"""One input in so many that are free of faults is solved as well, by the checksum of its files."""

CODED = re.compile(r"\[([EW]\d{3})\]$")


@dataclass(frozen=True)
class Verdict:
    """What came of a trial: a clear end, or what was wrong with it; a traceback; whether an input was changed."""

    problem: str = ""
    is_traceback: bool = False
    is_lost: bool = False


class TooSlow(BaseException):
    """No part of siteopt may catch it."""


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise where it takes longer; without signals, nothing."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def end(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tried(trial: Trial) -> Verdict:
    """Give siteopt a world in a folder of its own."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path(name)
        for path, data in trial.files.items():
            (folder / path).write_bytes(data)
        words = [*trial.words, *(word for text in trial.settings for word in ("--set", text))]
        try:
            verdict = _checked(words, trial)
        except TooSlow:
            verdict = Verdict(f"no end within {SECONDS} s")
        kept = {path: (folder / path).is_file() and (folder / path).read_bytes() for path in trial.files}
        if kept != dict(trial.files) and "--out" not in trial.words:
            return Verdict("an input was changed", verdict.is_traceback, is_lost=True)
        return verdict


def run(words: list[str]) -> Result:
    """Run a command in this process; a warning is an error, and so is no end in time."""
    with within(SECONDS), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("default", module="pyogrio")  # GDAL's, which cannot be raised, go to the log
        # pyproj and a single site, with NumPy before 2.4
        warnings.filterwarnings("ignore", "Conversion of an array with ndim > 0", DeprecationWarning)
        return CliRunner().invoke(app, words)


def _checked(words: list[str], trial: Trial) -> Verdict:
    result = run(words)
    ends = {0, 2} if words[0] == "check" else {0, 2, 3, 4}
    verdict = ended(result, ends)
    if verdict.problem or tuple(trial.words) != Trial.words:
        return verdict
    if problem := _unclear(result):
        return Verdict(problem)
    if result.exit_code == 2:
        again = run(words)
        return Verdict() if again.stdout == result.stdout else Verdict("the faults are others the second time")
    if zlib.crc32(b"".join(trial.files.values()) + str(words).encode("utf-8", "replace")) % SOLVED:
        return verdict
    words = ["solve", words[1], "--time-limit", "2", "--out", "out", *words[2:]]
    return ended(run(words), {0, 3, 4})


def ended(result: Result, ends: set[int]) -> Verdict:
    """Whether a command ended in one of these exit codes, and by itself."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return Verdict("".join(traceback.format_exception(result.exception)), is_traceback=True)
    if "Traceback" in result.stderr:
        return Verdict(result.stderr, is_traceback=True)
    if result.exit_code not in ends:
        return Verdict(f"exit code {result.exit_code}: {result.stderr[-500:]}", is_traceback=result.exit_code == 1)
    return Verdict() if result.exit_code != 2 or result.output else Verdict("exit code 2 without a word")


def _unclear(result: Result) -> str:
    """What a fault lacks: a place, a code, or one line to stand on."""
    try:
        told = json.loads(result.stdout)
    except ValueError:
        # a Failure, or a word that is no option of the command
        return (
            "" if CODED.search(result.stderr.strip()) or "Usage" in result.stderr else f"no JSON: {result.output[:500]}"
        )
    if result.exit_code == 2 and not told["issues"]:
        return "no fault"
    for issue in told["issues"] + told.get("warnings", []):
        if not (issue["file"] and CODED.search(issue["message"])) or len(issue["message"].splitlines()) != 1:
            return f"an unclear fault: {issue}"
    return ""
