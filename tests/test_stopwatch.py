from __future__ import annotations

import pytest

from siteopt import stopwatch
from siteopt.stopwatch import Stopwatch


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    """A stopwatch for which a second passes at each look at the clock."""
    ticks = iter(range(100))
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: float(next(ticks)))
    return Stopwatch()


def test_steps_add_up(watch: Stopwatch) -> None:
    for name in ("a", "b", "a"):
        with watch.step(name):
            pass
    assert watch.seconds == {"a": 2.0, "b": 1.0}
    assert watch.total == 3.0


def test_a_step_within_another_counts_once(watch: Stopwatch) -> None:
    with watch.step("outer"):  # from 0 to 3
        with watch.step("inner"):  # from 1 to 2
            pass
        watch.add({"inner": 0.25, "elsewhere": 0.5})
    assert watch.seconds == {"inner": 1.25, "elsewhere": 0.5, "outer": 1.25}
    assert watch.total == 3.0


def test_a_step_that_fails_is_measured(watch: Stopwatch) -> None:
    with pytest.raises(ValueError, match="x"), watch.step("a"):
        raise ValueError("x")
    assert watch.seconds == {"a": 1.0}
