"""Log what a run does, as JSON lines in a file of its own, to find out later why a run went wrong.

Only the command line opens a log. Used as a library, siteopt writes no log and prints nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from io import TextIOWrapper
from pathlib import Path

import platformdirs

LOG = logging.getLogger("siteopt")
LOG.addHandler(logging.NullHandler())

FOLDER = "SITEOPT_LOG_DIR"
"""Environment variable that sets another folder for the logs."""
KEPT = 20
"""Number of logs that are kept; the oldest are deleted first."""
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+\.jsonl")


def note(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Add a line with an event and its fields to the log of this run, if there is a log."""
    LOG.log(level, event, extra={"fields": fields})


def log_folder() -> Path:
    """Return the folder of the logs: the one that FOLDER names, or else the user's own folder for logs."""
    return Path(os.environ.get(FOLDER) or platformdirs.user_log_path("siteopt", appauthor=False))


def versions() -> dict[str, str]:
    """Return the versions of siteopt and of its dependencies by name; "missing" for one that is not installed."""
    needed = [text for text in requires("siteopt") or () if "extra ==" not in text]
    found = {}
    for name in ["siteopt", *(re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in needed)]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


class _Line(logging.Formatter):
    """Formatter that turns a record into one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.name != LOG.name:
            told["logger"] = record.name
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


class RunLog(logging.FileHandler):
    """Log of one run. Its file is created with the first record, so that ``--help`` leaves no file.

    Attributes
    ----------
    path : Path
    trouble : str
        Why there is no log, or why it ends early, else empty; the run goes on without a log.
    """

    def __init__(self, command: Sequence[str], debug: bool) -> None:
        self._begun, self._command, self._debug = datetime.now(UTC), list(command), debug
        self.path = log_folder() / f"{self._begun:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.jsonl"
        self.trouble = ""
        self._numbers = itertools.count(1)
        super().__init__(self.path, mode="x", encoding="utf-8", delay=True, errors="backslashreplace")
        self.setFormatter(_Line())

    def __str__(self) -> str:
        return f"there is no log in {self.path.parent}: {self.trouble}" if self.trouble else f"the log is {self.path}"

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless writing has failed before."""
        if not self.trouble:
            try:
                super().emit(record)
            except OSError as error:  # the file cannot be created
                self.trouble = error.strerror or str(error)

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep the error of a failed write in ``trouble``; the logging module would print a traceback."""
        self.trouble = str(sys.exc_info()[1])

    def _open(self) -> TextIOWrapper:
        folder = self.path.parent
        fields = {"command": self._command, "siteopt": version("siteopt"), "python": platform.python_version()}
        fields |= {"platform": platform.platform(), "folder": os.getcwd()}
        first = LOG.makeRecord(LOG.name, logging.INFO, "", 0, "run", (), None, extra={"fields": fields})
        first.created = self._begun.timestamp()
        folder.mkdir(parents=True, exist_ok=True)
        stream = super()._open()
        stream.write(self.format(first) + self.terminator)
        logs = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
        for old in logs[:-KEPT]:
            shutil.rmtree(_lp_folder(old), ignore_errors=True)
            with contextlib.suppress(OSError):  # on Windows, another run may have it open
                old.unlink()
        return stream

    def next_lp(self) -> Path | None:
        """Return the path of a file for the next MILP; None unless ``--debug`` asks for such files."""
        if not self._debug:
            return None
        folder = _lp_folder(self.path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{next(self._numbers):04d}.lp"

    def end(self, exit_code: object) -> None:
        """Log the exit code of the run and its duration, if anything has been logged."""
        if self.stream is not None:
            seconds = round(time.time() - self._begun.timestamp(), 3)
            note("end", exit_code=exit_code, seconds=seconds)


def next_lp() -> Path | None:
    """Return the path of a file for the next MILP of this run; None unless ``--debug`` asks for such files."""
    return next((one.next_lp() for one in logging.getLogger().handlers if isinstance(one, RunLog)), None)


@contextlib.contextmanager
def recorded(command: Sequence[str], debug: bool) -> Iterator[RunLog]:
    """Log what happens within the block: events of siteopt, and warnings of its dependencies.

    Parameters
    ----------
    command : sequence of str
        Words of the command line.
    debug : bool
        Whether to keep every MILP as an LP file.
    """
    log, root = RunLog(command, debug), logging.getLogger()
    root.addHandler(log)
    before = LOG.level
    LOG.setLevel(logging.DEBUG)
    logging.captureWarnings(True)
    try:
        yield log
    finally:
        logging.captureWarnings(False)
        LOG.setLevel(before)
        root.removeHandler(log)
        with contextlib.suppress(OSError):  # the disk may be full
            log.close()


def _lp_folder(log: Path) -> Path:
    return log.with_suffix(".lp")
