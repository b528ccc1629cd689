"""The whole command on one scenario, as a user waits for it: ``python -m tests.bench.command SCENARIO``.

This process imports nothing large, or the command would inherit its peak of memory.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import WORKERS

SEARCH = ("bounds", "prices", "milps", "confirmation", "reasons", "power_quality")


def command(scenario: Path) -> dict[str, float]:
    """Solve a scenario with ``--top 10`` and write all outputs.

    Returns
    -------
    dict
        ``cpu``, processor seconds of the command and all its processes; ``wall``, seconds in all; ``reading``,
        ``search``, ``record`` and ``outputs`` (with the start of Python), their parts; ``memory_mb`` at the peak of
        the largest process; ``written_mb``, the size of the outputs.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        words = ["solve", scenario, "--out", out, "--top", "10", "--workers", str(WORKERS), "--quiet"]
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "siteopt", *words], env={**os.environ, "SITEOPT_LOG_DIR": folder}, check=True
        )
        wall = time.monotonic() - begun
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        certificate = json.loads((out / "plan.json").read_text(encoding="utf-8"))["certificate"]
        written = sum(path.stat().st_size for path in out.rglob("*"))
    steps = certificate["seconds_by_step"]
    reading, search = steps["reading"], sum(steps.get(step, 0.0) for step in SEARCH)
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "wall": wall,
        "reading": reading,
        "search": search,
        "record": certificate["seconds"] - reading - search,
        "outputs": wall - certificate["seconds"],
        "memory_mb": used.ru_maxrss * 1024 / 1e6,  # of Linux, in KiB
        "written_mb": written / 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(command(Path(sys.argv[1]))))
