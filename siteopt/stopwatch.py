"""Measure how long each step of a run takes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping


class Stopwatch:
    """Seconds of each step of a run, in the order in which the steps ended first.

    A step that is repeated adds up. A step within another one counts once, as the inner step.

    Attributes
    ----------
    seconds : dict of str to float
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @property
    def total(self) -> float:
        """Return the seconds of all steps."""
        return sum(self.seconds.values())

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add steps that were measured elsewhere."""
        for step, more in seconds.items():
            self.seconds[step] = self.seconds.get(step, 0.0) + more

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block as a step, without the steps within it."""
        begin, before = time.monotonic(), self.total
        try:
            yield
        finally:
            self.add({name: time.monotonic() - begin - (self.total - before)})
