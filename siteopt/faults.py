"""Describe the faults of a user's input: all of them, each with its place, its text and what is expected."""

from __future__ import annotations

import difflib
import errno
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from siteopt.codes import Code

NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
"""Error numbers for a full disk, a used-up quota, or a file that is too large for the disk."""

REINSTALL = "install siteopt again into a new environment: python3 -m venv .venv, then pip install siteopt"
"""Advice if a package is missing or broken."""

NAMED = 1000
"""Maximum number of faults of one kind that are reported one by one; the last one says how many more there are."""


@dataclass(frozen=True)
class Fault:
    """One thing in the input that is wrong, or a warning about one that looks wrong.

    Attributes
    ----------
    code : Code
        The kind of fault or warning.
    file : str
        File or layer, as the user named it.
    row : int or None
        Row as a spreadsheet numbers it (the header is row 1); for a layer, the number of the feature plus one.
    column : str
        Column, or key of a scenario.
    found : str
        Text of the cell.
    expected : str
        What the cell should hold.
    longitude, latitude : float or None
        Place of the row (WGS 84), if it is known.
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
        """Return the fault as a dict, for JSON and for the table of a layer."""
        return {**vars(self), "code": self.code.number, "message": str(self)}


class InputError(Exception):
    """The input cannot be used; ``faults`` holds every reason, and ``warnings`` everything else that looks wrong."""

    def __init__(self, found: Iterable[Fault]) -> None:
        found = tuple(found)
        self.faults = tuple(fault for fault in found if not fault.code.is_warning)
        self.warnings = tuple(fault for fault in found if fault.code.is_warning)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Failure(Exception):
    """An error that ends a command but is not a fault of the input, such as a full disk or a missing solver."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(f"{message} [{code.number}]")


def named(faults: Iterable[Fault], count: int) -> list[Fault]:
    """Return the first NAMED of ``count`` faults of one kind; the last one says how many more there are.

    ``faults`` may be a generator: no more than NAMED are taken from it.
    """
    first = list(itertools.islice(faults, NAMED))
    if count > NAMED:
        first[-1] = replace(first[-1], expected=f"{first[-1].expected}; {count - NAMED:,} more rows like this")
    return first


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word most similar to this one, or ``""``."""
    matches = difflib.get_close_matches(word.lower(), [str(name) for name in known], n=1, cutoff=0.6)
    return f"; did you mean {matches[0]!r}?" if matches else ""
