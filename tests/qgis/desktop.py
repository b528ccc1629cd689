"""A real QGIS as a test client: scripts run by the Python that QGIS came with, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PYTHON = "/usr/bin/python3"
"""Debian's own: the Python of an environment does not see the module of QGIS."""

SCRUBBED = ("PYTHONHOME", "PYTHONPATH", "GDAL_DATA", "PROJ_LIB", "PROJ_DATA", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
PREAMBLE = Path(__file__).with_name("preamble.py").read_text(encoding="utf-8")


@cache
def installed() -> bool:
    """Whether Debian's Python finds QGIS; in CI it has to."""
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('qgis') is None)"
    if "CI" in os.environ:
        return True
    return Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", look], check=False).returncode == 0


needs_qgis = pytest.mark.skipif(not installed(), reason="no QGIS on this machine: `make tools` installs it (Debian)")


def in_qgis(script: str, **given: Any) -> Any:
    """Run a script inside QGIS; returns what it passes to ``answer(value)``.

    The script sees what ``preamble.py`` defines, and the keyword arguments by their names.
    """
    with tempfile.TemporaryDirectory() as profile:
        kept = {name: value for name, value in os.environ.items() if name not in SCRUBBED}
        environment = kept | {"QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": profile, "HOME": profile}
        target = Path(profile) / "answer.json"
        request = json.dumps({"given": given, "answer": str(target)}, default=str)
        done = subprocess.run(
            [PYTHON, "-c", PREAMBLE + "\n" + script + "\nclose()\n", request],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert target.exists(), f"the script gave no answer: {done.stderr}"
        return json.loads(target.read_text(encoding="utf-8"))
