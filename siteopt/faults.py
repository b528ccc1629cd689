"""Faults in what a user wrote: all of them, each with its place, its text and what is expected."""

from __future__ import annotations

import difflib
import errno
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from siteopt.codes import Code

NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
"""What the system calls a full disk."""

REINSTALL = "install siteopt again into a new environment: python3 -m venv .venv, then pip install siteopt"
"""What helps where a package is missing or broken."""

NAMED = 1000
"""Faults of one kind that are named one by one; the last of them tells how many more there are."""


@dataclass(frozen=True)
class Fault:
    """One thing that cannot be right, or hardly can.

    Attributes
    ----------
    code : Code
        What kind of fault it is, or of warning.
    file : str
        File or layer as the user named it.
    row : int or None
        Row as a spreadsheet shows it (the header is row 1); feature number plus one for layers.
    column : str
        Column, or key of a scenario.
    found : str
        The cell's text.
    expected : str
        What should stand there.
    longitude, latitude : float or None
        Where the row lies (WGS 84), if that is known.
    """

    code: Code
    file: str
    row: int | None
    column: str
    found: str
    expected: str
    longitude: float | None = None
    latitude: float | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.row, self.column) if part not in (None, ""))
        shown = self.found if len(self.found) <= 60 else self.found[:57] + "..."
        told = f"{place}: found {shown!r}, expected {self.expected} [{self.code.number}]"
        return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in told)

    def record(self) -> dict[str, Any]:
        """The fault as JSON and the table of a layer hold it."""
        return {**vars(self), "code": self.code.number, "message": str(self)}


class InputError(Exception):
    """The input cannot be used; ``faults`` holds every reason, and ``warnings`` what is hardly right besides."""

    def __init__(self, found: Iterable[Fault]) -> None:
        found = tuple(found)
        self.faults = tuple(fault for fault in found if not fault.code.is_warning)
        self.warnings = tuple(fault for fault in found if fault.code.is_warning)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Failure(Exception):
    """What ends a command without being a fault of the input: no room on the disk, no solver."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(f"{message} [{code.number}]")


def named(faults: Iterable[Fault], count: int) -> list[Fault]:
    """The first NAMED of ``count`` faults of one kind, which may be made as they are asked for."""
    first = list(itertools.islice(faults, NAMED))
    if count > NAMED:
        first[-1] = replace(first[-1], expected=f"{first[-1].expected}; {count - NAMED:,} more rows like this")
    return first


def nearest(word: str, known: Iterable[str]) -> str:
    """``", did you mean 'x'?"`` for the known word most like this one, or nothing."""
    matches = difflib.get_close_matches(word.lower(), [str(name) for name in known], n=1, cutoff=0.6)
    return f"; did you mean {matches[0]!r}?" if matches else ""
