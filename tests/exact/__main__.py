"""Try thousands of random worlds: ``python -m tests.exact --worlds 10000 --out runs/exact`` (``make exact``).

Each world is one line of ``results.jsonl``; the same command again goes on where the last one ended. What is found
lies under ``found/<seed>``: the world's files, ``world.json`` and ``findings.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.exact.campaign import campaign, lines, table
from tests.exact.trial import BAD, keep, tried
from tests.exact.worlds import BIG


def main() -> None:
    """Run the campaign and print the table; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first world")
    parser.add_argument("--big", type=int, default=0, help="worlds with hundreds of sites besides")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=Path("runs/exact"))
    parser.add_argument("--reference-seconds", type=float, default=60.0, help="time of the reference for a world")
    parser.add_argument("--seed-only", type=int, help="try one world and show what is found")
    given = parser.parse_args()
    if given.seed_only is not None:
        trial = tried(given.seed_only, given.reference_seconds)
        keep(trial, given.out / "found" / str(given.seed_only))
        print(json.dumps(trial.line(), indent=1, ensure_ascii=False))
        print("\n".join(f"{finding.claim} {finding.site_id}: {finding.text}" for finding in trial.findings))
        sys.exit(trial.outcome in BAD)
    seeds = [*range(given.first, given.first + given.worlds), *range(BIG, BIG + given.big)]
    campaign(seeds, given.out, given.workers, given.reference_seconds)
    wanted = set(seeds)
    found = [line for line in lines(given.out) if line["seed"] in wanted]
    print("\n".join(table(found)))
    sys.exit(any(line["outcome"] in BAD for line in found))


if __name__ == "__main__":
    main()
