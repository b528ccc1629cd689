"""Separate the errors of a library, which mean that a file is damaged, from bugs in our own code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from siteopt.log import note


class Unreadable(Exception):
    """A library could not read a file; ``__cause__`` is the error of the library."""


@contextlib.contextmanager
def foreign(*passing: type[Exception]) -> Iterator[None]:
    """Raise Unreadable for any error in the block, except MemoryError and the types in ``passing``.

    Every driver raises its own types of errors, so all types count. Put only calls of a library into the block, so that
    a bug in our own code is not reported as a damaged file.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (MemoryError, *passing)):
            raise
        note("unreadable", reason=f"{type(error).__name__}: {error}")
        raise Unreadable from error
