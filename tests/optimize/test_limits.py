"""When the time is up: the best plan so far with what is proven of it, or none at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from siteopt.instance import Instance
from siteopt.optimize import clock as clocks
from siteopt.optimize.batches import BATCH
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.program import Program
from siteopt.optimize.search import Progress, search
from siteopt.optimize.single import canonical, solve_site
from siteopt.optimize.solver import Outcome, Solve
from siteopt.record.base import RunOutcome, Standing
from tests.instances import battery, generator, tiny

SITES = [{"grid_mw": 4.0, "site_cost_musd": float(cost), "yard_m2": 99.0 + cost} for cost in range(1, BATCH + 5)]
"""None is dominated by another: what costs more has more yard."""


def cut_short(monkeypatch: pytest.MonkeyPatch, is_cut: Callable[[Any], bool]) -> None:
    """Let the solver run out of time with a plan in its hands, a million above its bound, where ``is_cut``."""
    real = clocks.solve

    def solve(program: Program, *rest: Any, **more: Any) -> Solve:
        result = real(program, *rest, **more)
        if result.has_plan and is_cut(program):
            return replace(result, outcome=Outcome.LIMIT, bound=result.objective - 1, gap=0.1)
        return result

    monkeypatch.setattr(clocks, "solve", solve)


def has_cost(program: Program) -> bool:
    units = [name.startswith("units") for name in program.columns]
    return bool((program.cost[units] > 0).any())


def test_plan_of_the_solver_is_kept_with_its_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = tiny([generator()], [{"grid_mw": 4.0}])
    cut_short(monkeypatch, has_cost)
    best = solve_site(instance, Clock()).best
    assert best is not None
    assert not best.proven
    assert certify(instance, best.plan).valid
    assert best.cost_musd == pytest.approx(7.0)
    assert best.cost_bound_musd == pytest.approx(6.0)
    assert [stage.gap for stage in best.stages] == pytest.approx([0, 1 / 7])


@pytest.mark.parametrize("method", [search, monolithic])
def test_run_that_is_cut_short_is_not_proven(monkeypatch: pytest.MonkeyPatch, method: Callable[..., Any]) -> None:
    cut_short(monkeypatch, has_cost)
    ranking = method(tiny([generator()], [{"grid_mw": 4.0}]))
    assert ranking.outcome is RunOutcome.LIMIT
    assert ranking.best.best.cost_musd == pytest.approx(7.0)
    assert ranking.stages[-1].goal == "cost"
    assert ranking.stages[-1].bound <= 6.0 + 1e-6
    assert ranking.stages[-1].gap > 0


def test_bound_is_that_of_all_sites_that_are_open() -> None:
    instance = tiny([generator()], SITES)
    stop = threading.Event()

    def after_the_first_round(progress: Progress) -> None:
        assert progress.closed >= BATCH
        stop.set()

    ranking = search(instance, Clock(stop=stop), after_the_first_round, top=len(SITES))
    assert ranking.outcome is RunOutcome.LIMIT
    standing = [result.standing for result in ranking.results]
    assert standing == [Standing.CHOSEN] + [Standing.RANKED] * (BATCH - 1) + [Standing.UNDECIDED] * 4
    assert [stage.goal for stage in ranking.stages] == ["m0", "cost"]
    assert ranking.stages[1].gap == 0  # the open sites cost more than the first one


def test_no_time_is_no_plan() -> None:
    for method in (search, monolithic):
        ranking = method(tiny([generator()], SITES), Clock(0.0))
        assert ranking.outcome is RunOutcome.LIMIT
        assert ranking.best is None
        assert ranking.stages == ()
        assert {result.standing for result in ranking.results} == {Standing.UNDECIDED}


def test_time_is_up_without_a_plan() -> None:
    instance = tiny([generator()], [{"grid_mw": 4.0}])
    with pytest.raises(OutOfTime):
        solve_site(instance, Clock(0.0))


def test_tie_ends_in_the_fewest_units_of_the_first_offers() -> None:
    # four MW of batteries: the large ones cost as much a MW as the small ones; two depots of each
    offers = [
        battery(),
        battery(rating_mw=2.0, unit_cost_musd=2.0),
        battery(),
        battery(rating_mw=2.0, unit_cost_musd=2),
    ]
    instance = tiny(offers, [{"grid_swing_mw": 0.0}], load_step_amplitude=0.4)
    best = solve_site(instance, Clock()).best
    assert best is not None
    assert canonical(best, Clock()).plan.units[:, 0].tolist() == [0, 2, 0, 0]


def test_units_come_no_earlier_than_they_are_needed() -> None:
    instance = tiny([generator()], [{"grid_mw": 4.0}], it_mw=(5.0, 8.0))
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert best.best.plan.units.tolist() == [[1, 4]]


def test_tidied_plan_costs_the_same() -> None:
    instance: Instance = tiny([generator(), generator(unit_cost_musd=1.5)], [{"grid_mw": 4.0}], spare_units=1)
    best = solve_site(instance, Clock()).best
    assert best is not None
    assert canonical(best, Clock()).cost_musd == pytest.approx(best.cost_musd, abs=2e-6)
    assert (canonical(best, Clock(0.0)).plan.units == np.asarray(best.plan.units)).all()


def test_the_same_orders_with_no_unit_before_it_is_needed() -> None:
    """Four small units cost as much as two large ones; with the same orders they stay, and come when they must."""
    instance = tiny(
        [battery(), battery(rating_mw=2.0, unit_cost_musd=2.0)],
        [{"grid_swing_mw": 0.0}],
        it_mw=(4.0, 8.0),
        load_step_amplitude=0.5,
    )
    best = solve_site(instance, Clock()).best
    assert best is not None
    ordered = replace(best, plan=replace(best.plan, units=np.array([[4, 4], [0, 0]])))
    assert canonical(ordered, Clock(), same_orders=True).plan.units.tolist() == [[2, 4], [0, 0]]
    assert canonical(ordered, Clock()).plan.units.tolist() == [[0, 0], [1, 2]]
