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

import siteopt
from siteopt.instance import Instance
from siteopt.optimize.bounds import bounds
from siteopt.optimize.search import search
from siteopt.plan import Ranking, RunOutcome

WORKERS = 2


def load_instance(scenario: Path) -> Instance:
    """Every site of a small scenario at once, for the peers."""
    return siteopt.load(siteopt.read_scenario(scenario)).instance


def _search(dataset: siteopt.Dataset) -> tuple[Ranking, dict[str, float], tuple[str, ...]]:
    """The ranking, its seconds by step, and the ids that its sites are indices of."""
    if hasattr(dataset, "pool"):
        ranking = search(dataset.pool, top=1, workers=WORKERS)
        return ranking, ranking.timings, dataset.pool.site_id
    # FALLBACK, to be removed once every Dataset has a pool: here load() makes the instance, and all sites are ranked
    begun = time.monotonic()
    bounds(dataset.instance)
    bounded = time.monotonic() - begun
    ranking = search(dataset.instance)
    return ranking, {"bounds": bounded, "milps": ranking.seconds - bounded}, dataset.instance.site_id


def measure(scenario: Path) -> dict[str, Any]:
    """Read a scenario and search it.

    Returns
    -------
    dict
        ``read``, ``instance``, ``bounds``, ``milps`` and ``total`` in seconds (a step that is not timed apart is
        absent), ``solved`` sites, ``solves`` of MILPs, ``memory_mb`` of the largest process at its peak, ``outcome``,
        and ``site``, ``days``, ``cost_musd`` of the answer (None, [] and None without one).
    """
    begun = time.monotonic()
    dataset = siteopt.load(siteopt.read_scenario(scenario))
    read = time.monotonic() - begun
    ranking, timings, site_id = _search(dataset)
    total = time.monotonic() - begun
    best = ranking.best
    # of Linux, in KiB; the workers are its children
    peak_kib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "read": read,
        **{step: timings[step] for step in ("instance", "bounds", "milps") if step in timings},
        "total": total,
        "solved": sum(result.plan is not None for result in ranking.results),
        "solves": ranking.solves,
        "memory_mb": peak_kib * 1024 / 1e6,
        "outcome": str(ranking.outcome),
        "ended": ranking.outcome is not RunOutcome.LIMIT,
        "site": site_id[best.site] if best else None,
        "days": [int(stage.value) for stage in ranking.stages if stage.goal != "cost"],
        "cost_musd": next((stage.value for stage in ranking.stages if stage.goal == "cost"), None),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
