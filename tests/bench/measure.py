"""The default method on one scenario, its seconds by step and its peak of memory: ``-m tests.bench.measure SCENARIO``.

The only module of the benchmark that knows how a Dataset and its sites are called.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import siteopt
from siteopt.instance import Instance
from siteopt.optimize.screening import chunks
from siteopt.optimize.search import search
from siteopt.record.base import RunOutcome
from tests.bench import WORKERS


def load_instance(scenario: Path) -> Instance:
    """Every site of a small scenario at once, for the peers."""
    return siteopt.load(siteopt.read_scenario(scenario)).instance


def measure(scenario: Path) -> dict[str, Any]:
    """Read a scenario and search it.

    Returns
    -------
    dict
        ``read``, ``bounds``, ``prices``, ``milps``, ``reasons`` and ``total`` in seconds; ``cpu``, the processor
        seconds of ``total``; ``instance``, the seconds that one thread takes to make the arrays of all sites, measured
        apart and part of ``bounds``; ``solved`` sites, ``solves`` of MILPs, ``memory_mb`` at the peak, ``outcome``, and
        ``site``, ``days``, ``cost_musd`` of the answer (None, [] and None without one).
    """
    begun, before = time.monotonic(), time.process_time()
    dataset = siteopt.load(siteopt.read_scenario(scenario))
    read = time.monotonic() - begun
    ranking = search(dataset.pool, top=1, workers=WORKERS)
    total, cpu = time.monotonic() - begun, time.process_time() - before
    memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of Linux, in KiB
    begun = time.monotonic()
    for chunk in chunks(np.arange(len(dataset.pool.site_id))):
        dataset.pool.optimistic(chunk)
    best = ranking.best
    return {
        "read": read,
        "instance": time.monotonic() - begun,
        **ranking.steps,
        "search": ranking.seconds,
        "total": total,
        "cpu": cpu,
        "solved": ranking.solved,
        "solves": ranking.solves,
        "memory_mb": memory_kib * 1024 / 1e6,
        "outcome": str(ranking.outcome),
        "ended": ranking.outcome is not RunOutcome.LIMIT,
        "site": best.site_id if best else None,
        "days": best.best.plan.day.tolist() if best and best.best else [],
        "cost_musd": best.best.cost_musd if best and best.best else None,
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
