"""Run ``siteopt`` with the fourth kind of equipment."""

import tests.fourth.kind  # noqa: F401  (registers before anything else is imported)
from siteopt.__main__ import main

if __name__ == "__main__":
    main()
