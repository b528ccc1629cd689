"""What a run did, as JSON lines in a file of its own, for whoever has to find out why it went wrong.

Only the command line opens a log. As a library siteopt writes none, and nothing to a screen.
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
"""Environment variable that names another folder for the logs."""
KEPT = 20
"""Logs that are kept; the oldest go first."""
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+\.jsonl")


def note(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Add a line to the log of this run, where there is one."""
    LOG.log(level, event, extra={"fields": fields})


def log_folder() -> Path:
    """Where logs lie: in the user's own folder for such files, unless FOLDER names another."""
    return Path(os.environ.get(FOLDER) or platformdirs.user_log_path("siteopt", appauthor=False))


def versions() -> dict[str, str]:
    """The versions of siteopt and of what it depends on; "missing" for what is not there."""
    needed = [text for text in requires("siteopt") or () if "extra ==" not in text]
    found = {}
    for name in ["siteopt", *(re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in needed)]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


class _Line(logging.Formatter):
    """A record as one line of JSON."""

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
    """The log of one run. Its file is made for the first record, so that ``--help`` leaves none.

    Attributes
    ----------
    path : Path
    trouble : str
        Why there is no log, or why it ends early; the run goes on without.
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
        """Write a record, unless that has failed before."""
        if not self.trouble:
            try:
                super().emit(record)
            except OSError as error:  # the file cannot be made
                self.trouble = error.strerror or str(error)

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep what went wrong in writing; logging itself would print a traceback."""
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
            with contextlib.suppress(OSError):  # it is another run's, and open on Windows
                old.unlink()
        return stream

    def next_lp(self) -> Path | None:
        """A file for the next MILP; None unless they are asked for."""
        if not self._debug:
            return None
        folder = _lp_folder(self.path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{next(self._numbers):04d}.lp"

    def end(self, exit_code: object) -> None:
        """Say how the run ended, where there is anything to say."""
        if self.stream is not None:
            seconds = round(time.time() - self._begun.timestamp(), 3)
            note("end", exit_code=exit_code, seconds=seconds)


def next_lp() -> Path | None:
    """A file for the next MILP of this run; None unless ``--debug`` asks for them."""
    return next((one.next_lp() for one in logging.getLogger().handlers if isinstance(one, RunLog)), None)


@contextlib.contextmanager
def recorded(command: Sequence[str], debug: bool) -> Iterator[RunLog]:
    """Keep a log of what happens within: of siteopt, and the warnings of what it depends on.

    Parameters
    ----------
    command : sequence of str
        The words of the command line.
    debug : bool
        Whether every MILP is kept as an LP file.
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
        with contextlib.suppress(OSError):  # a full disk
            log.close()


def _lp_folder(log: Path) -> Path:
    return log.with_suffix(".lp")
