"""Describe the issues of the input: where each one is, what was found there, and what is expected."""

from __future__ import annotations

import difflib
import errno
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from siteopt import aliases
from siteopt.message_catalogue import Code

NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
"""Error numbers for a full disk, a used-up quota, or a file that is too large for the disk."""

REINSTALL = "install siteopt again into a new environment: python3 -m venv .venv, then pip install siteopt"
"""What to do if a package is missing or broken."""

SHOWN_LETTERS = 60
"""Maximum number of letters of what was found that a message shows."""

NAMED = 1000
"""Maximum number of issues of one kind that are reported one by one; the last one says how many more there are."""

DESCRIBED = frozenset(
    {
        Code.NO_FILE,
        Code.UNREADABLE,
        Code.ENCODING,
        Code.FORMAT,
        Code.TOO_LARGE,
        Code.WHICH_LAYER,
        Code.NO_CRS,
        Code.EMPTY,
        Code.COLUMN_TWICE,
        Code.QUOTES,
        Code.SHAPE,
        Code.MERGED,
        Code.TOO_BIG,
        Code.NOT_A_RUN,
        Code.NOT_OPENED,
    }
)
"""Codes of issues that say in words what was found. All other issues quote the input."""

SENTENCES = {
    Code.NO_FILE: "{found}; expected {expected}",
    Code.UNREADABLE: "cannot be read ({found}); expected {expected}",
    Code.NOT_LOCAL: "this is not {expected}",
    Code.UNKNOWN_COLUMN: "unknown column {found}, expected {expected}",
    Code.QUOTES: "quotes do not pair ({found}); expected {expected}",
    Code.NOT_OPENED: "not opened: {found}; {expected}",
    Code.NOT_TOML: "{found} is not valid {expected}",
    Code.UNKNOWN_KEY: "unknown key {found}, expected {expected}",
}
"""Sentences of the issues that do not read "found ..., expected ..."."""


@dataclass(frozen=True)
class Issue:
    """Issue of the input: an error, or a warning about something that looks wrong.

    Attributes
    ----------
    code : Code
        Kind of the issue; it decides the severity, error or warning.
    file : str
        File or layer, as the user named it.
    row : int or None
        Row as a spreadsheet numbers it (the header is row 1); for a layer, the number of the feature plus one; line of
        a scenario file.
    column : str
        Column, or key of a scenario.
    found : str
        Text of the cell or key, or a description of what was found (DESCRIBED); empty if nothing was found.
    expected : str
        What is expected instead, and often the likely cause.
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

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Return whether the input cannot be used, or only looks wrong."""
        return "warning" if self.code.is_warning else "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.row, self.column) if part not in (None, ""))
        told = f"{place}: {self._sentence()} [{self.code.number}]"
        return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in told)

    def _sentence(self) -> str:
        """Return what was found and what is expected, as a sentence."""
        if not self.found and self.code in (Code.NO_COLUMN, Code.NO_KEY):
            return f"missing {self.expected}"
        if not self.found:
            is_blank = self.row is not None and self.code is not Code.BAD_VALUE
            return f"missing value, expected {self.expected}" if is_blank else f"expected {self.expected}"
        shown = self.found if len(self.found) <= SHOWN_LETTERS else self.found[: SHOWN_LETTERS - 3] + "..."
        sentence = SENTENCES.get(self.code, "found {found}, expected {expected}")
        return sentence.format(found=shown if self.code in DESCRIBED else repr(shown), expected=self.expected)

    def record(self) -> dict[str, Any]:
        """Return the issue as a dict, for JSON and for the table of a layer."""
        return {**vars(self), "code": self.code.number, "message": str(self)}


class InputError(Exception):
    """The input cannot be used: ``issues`` holds every error, and ``warnings`` every warning."""

    def __init__(self, found: Iterable[Issue]) -> None:
        found = tuple(found)
        self.issues = tuple(issue for issue in found if issue.severity == "error")
        self.warnings = tuple(issue for issue in found if issue.severity == "warning")
        super().__init__("\n".join(str(issue) for issue in self.issues))

    def __getattr__(self, name: str) -> Any:
        present = aliases.ATTRIBUTES["InputError"].get(name)
        if present is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self, present)


class Failure(Exception):
    """An error that ends a command but is not in the input, such as a full disk or a missing solver."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(f"{message} [{code.number}]")


def named(issues: Iterable[Issue], count: int) -> list[Issue]:
    """Return the first NAMED of ``count`` issues of one kind; the last one says how many more there are.

    ``issues`` may be a generator: no more than NAMED are taken from it.
    """
    first = list(itertools.islice(issues, NAMED))
    if count > NAMED:
        first[-1] = replace(first[-1], expected=first[-1].expected + more_rows(count - NAMED))
    return first


def more_rows(count: int) -> str:
    """Return the end of a message that stands for more rows with the same issue."""
    return f" (and {count:,} more {'row' if count == 1 else 'rows'} like this)"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word most similar to this one, or ``""``."""
    similar = most_similar(word, known)
    return f"; did you mean {similar!r}?" if similar else ""


def most_similar(word: str, known: Iterable[str]) -> str:
    """Return the known word most similar to this one, or ``""`` if none is similar."""
    return next(iter(difflib.get_close_matches(word.lower(), [str(name) for name in known], n=1, cutoff=0.6)), "")
