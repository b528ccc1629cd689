"""Ctrl-C while the libraries load, which takes seconds, ends the command without a traceback.

Imported before them. A program or a notebook that imports siteopt keeps its own way with Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys

_OURS = os.path.basename(sys.argv[0]).partition(".")[0] == "siteopt" and (
    signal.getsignal(signal.SIGINT) is signal.default_int_handler
)
if _OURS:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def loaded() -> None:
    """From here on Ctrl-C is Python's, so that what is half done is cleared away."""
    if _OURS:
        signal.signal(signal.SIGINT, signal.default_int_handler)
