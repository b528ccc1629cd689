"""The time that a run says it took is that of all its steps."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import siteopt
from siteopt import run
from siteopt.optimize.power_quality_loop import MinimumSupport
from siteopt.plan import Ranking
from tests.worlds import write_world

SEARCH = {"bounds", "prices", "milps", "confirmation", "reasons"}
ALWAYS = {"reading", "power_quality", "recomputed", "replay", "record"}


def test_the_steps_of_a_run_cover_its_time(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    begin = time.monotonic()
    certificate = siteopt.solve(scenario, verify=True).record.certificate
    waited = time.monotonic() - begin
    assert set(certificate.seconds_by_step) == SEARCH | ALWAYS | {"second_solver"}
    assert sum(certificate.seconds_by_step.values()) == pytest.approx(certificate.seconds, abs=0.01)
    assert waited / 2 < certificate.seconds <= waited + 0.001


def test_the_steps_of_one_milp_over_all_sites(tmp_path: Path) -> None:
    certificate = siteopt.solve(write_world(tmp_path), "monolithic").record.certificate
    assert set(certificate.seconds_by_step) == {"milps"} | ALWAYS
    assert certificate.seconds_by_step["milps"] > 0


def test_the_steps_of_every_iteration_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched, asked = run.search, iter([MinimumSupport(np.array([0.1]), np.array([0.0])), None])
    rankings: list[Ranking] = []

    def search(*arguments: Any) -> Ranking:
        rankings.append(searched(*arguments))
        return rankings[-1]

    monkeypatch.setattr(run, "search", search)
    monkeypatch.setattr(run, "_check", lambda best: next(asked))
    scenario = siteopt.read_scenario(write_world(tmp_path), ["power_quality.class=G1"])
    steps = siteopt.solve(scenario).record.certificate.seconds_by_step
    assert len(rankings) == 2
    for step in SEARCH - {"milps"}:
        assert steps[step] == pytest.approx(sum(ranking.steps[step] for ranking in rankings), abs=0.001)


def test_a_pareto_front_says_how_long_all_of_it_took(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    begin = time.monotonic()
    seconds = siteopt.pareto(scenario).record.certificate.seconds
    waited = time.monotonic() - begin
    assert waited / 2 < seconds <= waited + 0.001
