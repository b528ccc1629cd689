"""Start the command ``siteopt``, and report an error in one line even if it happens while libraries load."""

from __future__ import annotations

import signal
import sys

from siteopt.issues import REINSTALL, Failure
from siteopt.message_catalogue import Code


def main() -> None:
    """Run the command line."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has started yet, so Ctrl-C needs no clean-up
    try:
        from siteopt.cli import app
    except Exception as error:  # a wheel built for another machine can raise any error
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"
        print(Failure(Code.BROKEN, f"a package cannot be loaded: {told}; {REINSTALL}"), file=sys.stderr)
        sys.exit(2)
    signal.signal(signal.SIGINT, usual)
    app()


if __name__ == "__main__":
    main()
