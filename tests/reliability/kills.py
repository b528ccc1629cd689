"""Runs that are killed at any moment: the folder is the old run or the new one, and the next run clears away."""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.reliability.calls import deaths, leftovers
from tests.reliability.command import FRUGAL, START, command, digest, environment
from tests.reliability.record import Record

RUN = ["solve", FRUGAL, "--top", "1", "--workers", "1", "--quiet", "--out"]
OTHER = ["--set", "supply.spare_units=2"]
AIMED = 0.4
"""The share of the kills that waits until the writing begins."""

WRITING_SECONDS = 0.08
"""How long after its beginning a kill that is aimed at the writing comes, at most."""

CLEARED = 20
"""After so many kills a run is left to its end, and must leave nothing but itself."""


def kills(number: int = 200, lanes: int = 2) -> Iterator[Record]:
    """So many kills of the real command, in folders of their own side by side."""
    for exchange in (True, False):
        yield from deaths(exchange=exchange)
    with ThreadPoolExecutor(lanes) as threads:
        for records in threads.map(_lane, range(lanes), [number // lanes] * lanes):
            yield from records


def _lane(seed: int, number: int) -> list[Record]:
    chance, records = random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        target, temporary = Path(name, "runs", "frugal"), Path(name, "tmp")
        temporary.mkdir()
        settings: list[list[str]] = [[], OTHER]
        wholes, seconds = [], 0.0
        for more in settings:
            begun = time.monotonic()
            ended = command(*RUN, target, *more, TMPDIR=str(temporary))
            seconds = time.monotonic() - begun
            if ended.code:
                raise RuntimeError(ended.err)
            wholes.append(digest(target))
        for count in range(number):
            aimed = chance.random() < AIMED
            wait = chance.uniform(0, WRITING_SECONDS if aimed else seconds)
            _killed(target, settings[count % 2], temporary, wait, aimed=aimed)
            lost = not target.is_dir() or digest(target) not in wholes
            if count % CLEARED == CLEARED - 1 or lost:
                ended = command(*RUN, target, *settings[0], TMPDIR=str(temporary))
                lost |= ended.code != 0 or digest(target) != wholes[0] or bool(leftovers(target.parent))
            kind = "killed while it writes" if aimed else "killed at a random moment"
            records.append(Record("killed", kind, 1, 1, 0, int(lost)))
    return records


def _killed(target: Path, more: list[str], temporary: Path, wait: float, *, aimed: bool) -> None:
    """Start a run, and kill it so long after it begins, or begins to write."""
    arguments = [*START, *map(str, RUN), str(target), *more]
    with subprocess.Popen(
        arguments, env=environment(TMPDIR=str(temporary)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while aimed and process.poll() is None and not any(target.parent.glob(".*/report.html")):
            time.sleep(0.002)
        time.sleep(wait)
        process.kill()
