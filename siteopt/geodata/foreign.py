"""Separate errors that a library raises about a file, which are faults of the file, from bugs in our own code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from siteopt.log import note


class Unreadable(Exception):
    """A library could not read a file; ``__cause__`` is the error that it raised."""


@contextlib.contextmanager
def foreign(*passing: type[Exception]) -> Iterator[None]:
    """Raise Unreadable for any error in the block, except MemoryError and the types in ``passing``.

    Every driver raises its own types of errors, so all types count. Only calls of a library may be in the block: an
    error of our own code must not be taken for a damaged file.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (MemoryError, *passing)):
            raise
        note("unreadable", reason=f"{type(error).__name__}: {error}")
        raise Unreadable from error
