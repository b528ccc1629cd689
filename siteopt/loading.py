"""Load the packages of a command, and report one that cannot be loaded. This module itself needs none of them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from siteopt.issues import REINSTALL, Failure
from siteopt.message_catalogue import Code


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Import packages within the block; Ctrl-C then ends the program at once, since there is nothing to clean up.

    Raises
    ------
    Failure
        If a package cannot be loaded.
    """
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_usual:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a library may swallow KeyboardInterrupt while it loads
    try:
        yield
    except Exception as error:  # a wheel built for another machine can raise any error
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise Failure(Code.BROKEN, f"a package cannot be loaded: {told}; {REINSTALL}") from error
    finally:
        if is_usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)
