"""A few inputs of every class, the same in every run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.harness import tried
from tests.fuzz.inputs import CLASSES, Trial, world

quickly = settings(max_examples=4, suppress_health_check=list(HealthCheck), database=None)


def test_the_world_is_right() -> None:
    assert tried(Trial(world())).problem == ""


def test_what_is_wrong_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("siteopt.load", broken)
    verdict = tried(Trial(world()))
    assert verdict.is_traceback
    assert "exit code 1: siteopt failed: KeyError: 'x' [E901]" in verdict.problem


@pytest.mark.parametrize("key", list(CLASSES), ids=": ".join)
@quickly
@given(data=st.data())
def test_input_is_read_or_refused(key: tuple[str, str], data: st.DataObject) -> None:
    verdict = tried(data.draw(CLASSES[key]))
    assert verdict.problem == ""
