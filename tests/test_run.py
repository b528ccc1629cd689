"""The time that a run says it took is that of all its steps."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import siteopt
from siteopt import run
from siteopt.optimize import search
from siteopt.optimize.clock import Clock
from siteopt.optimize.power_quality_loop import MinimumSupport
from siteopt.plan import SitePlan
from tests.worlds import write_world

SEARCH = {"bounds", "prices", "milps", "ties", "confirmation", "reasons"}
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
    asked = iter([MinimumSupport(np.array([0.1]), np.array([0.0])), None])
    real, ties = search.canonical, list[float]()

    def slow(found: SitePlan, clock: Clock, *, same_orders: bool) -> SitePlan:
        begin = time.monotonic()
        time.sleep(0.05)
        better = real(found, clock, same_orders=same_orders)
        ties.append(time.monotonic() - begin)
        return better

    monkeypatch.setattr(search, "canonical", slow)
    monkeypatch.setattr(run, "_check", lambda best: next(asked))
    scenario = siteopt.read_scenario(write_world(tmp_path), ["power_quality.class=G1"])
    steps = siteopt.solve(scenario).record.certificate.seconds_by_step
    assert len(ties) == 3  # one for each iteration, and one for the last ranking
    assert steps["ties"] == pytest.approx(sum(ties), abs=0.01)


def test_a_pareto_front_says_how_long_all_of_it_took(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    begin = time.monotonic()
    seconds = siteopt.pareto(scenario).record.certificate.seconds
    waited = time.monotonic() - begin
    assert waited / 2 < seconds <= waited + 0.001
