"""Log what a run does, as JSON lines in its own file, so that a problem can be traced later.

Only the command line opens a log. As a library, siteopt writes no log and prints nothing.
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
from io import TextIOWrapper
from pathlib import Path

import platformdirs

LOG = logging.getLogger("siteopt")
LOG.addHandler(logging.NullHandler())

FOLDER = "SITEOPT_LOG_DIR"
"""Environment variable for another folder of the logs."""
KEPT = 20
"""Number of logs to keep; the oldest are deleted first."""
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+\.jsonl")


def note(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Add an event and its fields as a line to the log of this run, if there is a log."""
    LOG.log(level, event, extra={"fields": fields})


def log_folder() -> Path:
    """Return the folder of the logs: the one that FOLDER names, or else the log folder of the user."""
    return Path(os.environ.get(FOLDER) or platformdirs.user_log_path("siteopt", appauthor=False))


def versions() -> dict[str, str]:
    """Return the versions of siteopt and its dependencies by name; "missing" if one is not installed."""
    from importlib.metadata import PackageNotFoundError, requires, version

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
    """Log of one run. The first record creates its file, so that ``--help`` leaves no file.

    Attributes
    ----------
    path : Path
    trouble : str
        Why there is no log, or why it is incomplete; empty otherwise. The run goes on without a log.
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
        """Write a record, unless an earlier write has failed."""
        if not self.trouble:
            try:
                super().emit(record)
            except OSError as error:  # the file cannot be created
                self.trouble = error.strerror or str(error)

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep the error of a failed write in ``trouble``, instead of printing a traceback as logging does."""
        self.trouble = str(sys.exc_info()[1])

    def _open(self) -> TextIOWrapper:
        from importlib.metadata import version  # not at the start: a help text opens no log

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
            with contextlib.suppress(OSError):  # on Windows, another run may have the file open
                old.unlink()
        return stream

    def next_lp(self) -> Path | None:
        """Return the path of the LP file for the next MILP; None unless ``--debug`` is set."""
        if not self._debug:
            return None
        folder = _lp_folder(self.path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{next(self._numbers):04d}.lp"

    def end(self, exit_code: object) -> None:
        """Log the exit code and the duration of the run, if the log exists."""
        if self.stream is not None:
            seconds = round(time.time() - self._begun.timestamp(), 3)
            note("end", exit_code=exit_code, seconds=seconds)


def next_lp() -> Path | None:
    """Return the path of the LP file for the next MILP of this run; None unless ``--debug`` is set."""
    return next((one.next_lp() for one in logging.getLogger().handlers if isinstance(one, RunLog)), None)


@contextlib.contextmanager
def recorded(command: Sequence[str], debug: bool) -> Iterator[RunLog]:
    """Log the events of siteopt and the warnings of its dependencies within the block.

    Parameters
    ----------
    command : sequence of str
        Words of the command line.
    debug : bool
        Whether to save every MILP as an LP file.
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
