"""A second solver agrees with a plan that is the best, and contradicts one that is not."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pulp
import pytest

from siteopt.optimize import crosscheck, solver
from siteopt.optimize.crosscheck import cross_check
from siteopt.optimize.program import program_of
from siteopt.optimize.search import search
from siteopt.optimize.solver import Outcome, Solve, SolverError
from siteopt.plan import SitePlan
from tests.instances import generator, tiny

SECONDS = 20.0


@pytest.fixture
def found() -> SitePlan:
    """Six of the generators: their crews need six days from day 20 on."""
    instance = tiny([generator(arrival_day=20, crew_days=2.0)], [{"grid_mw": 4.0}], crews=np.array([2.0, np.inf]))
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert best.best.plan.day.tolist() == [26]
    return best.best


def test_agrees(found: SitePlan) -> None:
    check = cross_check(found, SECONDS)
    assert check.agrees
    assert check.finished
    assert check.cost_musd == pytest.approx(found.cost_musd, abs=1e-6)
    assert check.earlier_days_refuted == ("m0",)


def test_disagrees_with_a_dearer_plan(found: SitePlan) -> None:
    dearer = replace(found, plan=replace(found.plan, units=found.plan.units + 1))
    check = cross_check(dearer, SECONDS)
    assert not check.agrees
    assert check.cost_musd == pytest.approx(found.cost_musd, abs=1e-6)


def test_disagrees_with_a_later_day(found: SitePlan) -> None:
    assert not cross_check(replace(found, plan=replace(found.plan, day=found.plan.day + 2)), SECONDS).agrees


def test_disagrees_where_nothing_is_possible(found: SitePlan) -> None:
    assert not cross_check(replace(found, plan=replace(found.plan, day=found.plan.day - 1)), SECONDS).agrees


@pytest.mark.parametrize("crew_days", [0.0, 2.0])
def test_a_solver_that_calls_a_dearer_plan_the_best_is_mistaken(
    crew_days: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # seven units where six would do; with crews, the seventh is not ready, so its plan does not even hold
    instance = tiny([generator(arrival_day=20, crew_days=crew_days)], [{"grid_mw": 4.0}], crews=np.array([2.0, np.inf]))
    found = search(instance).plan
    assert found is not None
    real = crosscheck.second_opinion

    def dearer(problem: pulp.LpProblem, seconds: float, stop: threading.Event | None) -> Solve:
        said = real(problem, seconds, stop)
        if said.values is None:
            return said
        more = [name.startswith(("units", "total")) for name in program_of(problem, {}).columns]
        return replace(said, objective=said.objective + 1, values=said.values + more)

    monkeypatch.setattr(crosscheck, "second_opinion", dearer)
    check = cross_check(found, SECONDS)
    assert check.agrees
    assert check.mistaken
    assert not check.finished
    assert check.cost_musd == (None if crew_days else pytest.approx(found.cost_musd + 1))


def test_a_solver_that_finds_no_plan_where_one_is_known_is_mistaken(
    found: SitePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crosscheck, "second_opinion", lambda *_: Solve(Outcome.INFEASIBLE))
    check = cross_check(found, SECONDS)
    assert (check.agrees, check.mistaken, check.cost_musd) == (True, True, None)


def test_a_solver_that_does_not_end_contradicts_nothing(found: SitePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    late, none = Solve(Outcome.LIMIT, found.cost_musd + 1), Solve(Outcome.LIMIT)
    answers = iter([late, none])
    monkeypatch.setattr(crosscheck, "second_opinion", lambda problem, seconds, stop: next(answers))
    check = cross_check(found, SECONDS)
    assert check.agrees
    assert not check.finished
    assert check.earlier_days_refuted == ()


def test_no_second_solver(found: SitePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulp.COIN_CMD.available", lambda self: False)
    with pytest.raises(SolverError, match="no CBC"):
        cross_check(found, SECONDS)


def test_a_check_that_is_stopped_contradicts_nothing(found: SitePlan) -> None:
    stop = threading.Event()
    stop.set()
    check = cross_check(found, SECONDS, stop)
    assert check.agrees
    assert not check.finished
    assert check.cost_musd is None


def test_a_second_solver_that_fails(found: SitePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulp.COIN_CMD.available", lambda self: True)
    monkeypatch.setattr(solver, "_ended", lambda command, stop: True)
    with pytest.raises(SolverError, match="without an answer"):
        cross_check(found, SECONDS)


class Interrupt(threading.Event):
    """Ctrl-C while it is looked whether to stop."""

    def is_set(self) -> bool:
        raise KeyboardInterrupt


@pytest.mark.parametrize("how", ["stop", "interrupt", "failure"])
def test_no_process_stays_behind(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    ends = how == "failure"
    command = [sys.executable, "-c", "raise SystemExit(3)" if ends else "import time; time.sleep(60)"]
    if how == "stop":
        stop = threading.Event()
        timer = threading.Timer(0.3, stop.set)
        timer.start()
        assert not solver._ended(command, stop)
        timer.join()
    else:
        with pytest.raises(SolverError if ends else KeyboardInterrupt):
            solver._ended(command, None if ends else Interrupt())
    assert [process.returncode is not None for process in started] == [True]
