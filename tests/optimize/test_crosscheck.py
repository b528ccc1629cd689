"""A second solver agrees with a plan that is the best, and contradicts one that is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siteopt.optimize import crosscheck
from siteopt.optimize.crosscheck import cross_check
from siteopt.optimize.search import search
from siteopt.optimize.solver import Outcome, Solve, SolverError
from siteopt.plan import SitePlan
from tests.cases import generator, tiny

SECONDS = 20.0


@pytest.fixture
def found() -> SitePlan:
    """Six of the generators: their crews need six days from day 20 on."""
    case = tiny([generator(arrival_day=20, crew_days=2.0)], [{"grid_mw": 4.0}], crews=np.array([2.0, np.inf]))
    best = search(case).best
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


def test_a_solver_that_does_not_end_contradicts_nothing(found: SitePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Solve(Outcome.LIMIT, True, found.cost_musd + 1, float("nan"), float("inf"))
    none = Solve(Outcome.LIMIT, False, float("nan"), float("nan"), float("inf"))
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
