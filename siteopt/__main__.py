"""Start the command ``siteopt``, and report an error in one line even if it happens while libraries load."""

from __future__ import annotations

import sys

from siteopt.issues import Failure
from siteopt.loading import loading


def main() -> None:
    """Run the command line."""
    try:
        with loading():
            from siteopt.cli import app
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(2)
    app()


if __name__ == "__main__":
    main()
