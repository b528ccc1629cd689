"""Solve each whole scenario that several tests look at once in a run of the tests, whichever test asks first."""

from __future__ import annotations

import fcntl
import hashlib
import pickle
from pathlib import Path

import siteopt
from siteopt import Result

ROOT = Path(__file__).parent.parent

folder = Path()
"""Folder that the processes of a run of the tests share, set by ``conftest.py``."""


def solved_once(scenario: Path, *settings: str) -> Result:
    """Return the result of a scenario of this repository, as ``siteopt.solve`` returns it; a copy for each caller."""
    asked = [str(scenario.resolve().relative_to(ROOT)), *settings]
    path = folder / f"{hashlib.sha256(repr(asked).encode()).hexdigest()}.pickle"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(siteopt.solve(siteopt.read_scenario(scenario, settings))))
        return pickle.loads(path.read_bytes())
