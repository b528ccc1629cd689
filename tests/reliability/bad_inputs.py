"""Inputs that cannot be used: the corpus of broken files, and inputs spoilt at random."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.broken import broken_files, checked, recorded
from tests.fuzz.__main__ import records
from tests.reliability.record import Record


def bad_inputs(examples: int) -> Iterator[Record]:
    """Both, by class.

    Parameters
    ----------
    examples : int
        Inputs spoilt at random.
    """
    yield from _corpus()
    yield from (replace(one, area=f"spoilt: {one.area}") for one in records(examples))


def _corpus() -> Iterator[Record]:
    told = recorded()
    for name in broken_files():
        with tempfile.TemporaryDirectory() as folder:
            done = checked(name, Path(folder))
        clear = done.exit_code == 2 and done.output.splitlines() == told[name]
        failed = done.exit_code == 1 or "Traceback" in done.output
        yield Record("a broken file", name.partition("/")[0], 1, int(clear), int(failed), 0)
