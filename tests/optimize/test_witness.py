"""A solver is a witness: whatever HiGHS says wrongly, the answer is right or is not called proven."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize import clock as clocks
from siteopt.optimize import fixed_days, solver
from siteopt.optimize.branching import Closing
from siteopt.optimize.clock import Clock, Undecided
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.pareto import fronts
from siteopt.optimize.program import Program
from siteopt.optimize.search import search
from siteopt.optimize.single import confirmed, solve_site
from siteopt.optimize.solver import Outcome, Solve
from siteopt.record.base import RunOutcome
from tests.examples import many
from tests.instances import chiller, generator, tiny
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import assert_same, key

LIES = ("infeasible", "dearer", "bound", "failed", "unwhole")
DAY = [10]


def lie(how: str, program: Program, truth: Solve, cutoff: float) -> Solve:
    """Return a wrong answer of a kind that solvers were seen to give."""
    if how == "infeasible":
        return Solve(Outcome.INFEASIBLE)
    if how == "failed":
        return Solve(Outcome.FAILED)
    if how == "bound":
        return replace(truth, outcome=Outcome.CUTOFF, bound=cutoff + 1, values=None)
    if how == "unwhole" and truth.values is not None:
        return replace(truth, values=truth.values + 3e-8 * program.whole)
    if how == "dearer" and truth.values is not None:
        other = solver.solve(replace(program, cost=program.cost[::-1].copy()))
        if other.values is not None:
            cost = float(program.cost @ other.values) + program.constant
            return Solve(Outcome.OPTIMAL, cost, cost, 0.0, other.values)
    return truth


@contextlib.contextmanager
def lying(share: float, number: int, kinds: tuple[str, ...] = LIES) -> Iterator[None]:
    """Let a share of the answers be lies; the same question has the same answer.

    With an odd number, no plan is found by rounding, and the solver is asked before our own branch and bound.
    """

    def solve(program: Program, *rest: object, seed: int = 0, cutoff: float = np.inf, **more: object) -> Solve:
        truth = solver.solve(program, *rest, seed=seed, cutoff=cutoff, **more)  # type: ignore[arg-type]
        drawn = random.Random(f"{number} {program.fingerprint.hex()} {seed}")
        return lie(drawn.choice(kinds), program, truth, cutoff) if drawn.random() < share else truth

    own = ((lambda *_: None), 0) if number % 2 else (fixed_days.dive, fixed_days.SOME_NODES)
    with mock.patch.object(clocks, "solve", solve), mock.patch.multiple(fixed_days, dive=own[0], SOME_NODES=own[1]):
        yield


@many(150)
@given(
    instances(), st.sampled_from([0.3, 1.0]), st.integers(0, 9), st.sampled_from([*[(each,) for each in LIES], LIES])
)
def test_the_answer_is_right_whatever_the_solver_says(
    instance: Instance, share: float, number: int, kinds: tuple[str, ...]
) -> None:
    truth = search(instance)
    with lying(share, number, kinds):
        found = search(instance, workers=1)
    if found.outcome is not RunOutcome.LIMIT:
        assert_same(key(found), key(truth))


@many(60)
@given(instances(), st.permutations([0, 1, -1]), st.integers(0, 9))
def test_so_it_is_in_any_order_of_the_objective(instance: Instance, order: list[int], number: int) -> None:
    instance = replace(instance, order=tuple(goal for goal in order if goal < instance.milestones))
    truth = search(instance)
    with lying(0.5, number):
        found = search(instance, top=1, workers=1)
    if found.outcome is not RunOutcome.LIMIT:
        assert_same(key(found), key(truth))


@many(60)
@given(instances(), st.integers(0, 9))
def test_so_it_is_of_one_milp_over_all_sites(instance: Instance, number: int) -> None:
    truth = search(instance)
    with lying(0.5, number):
        found = monolithic(instance)
    if found.outcome is not RunOutcome.LIMIT:
        assert_same(key(found), key(truth))


@many(40)
@given(instances(sites=1), st.integers(0, 9))
def test_so_it_is_of_fronts(instance: Instance, number: int) -> None:
    (truth,) = fronts([instance], 0)
    with lying(0.5, number):
        (found,) = fronts([instance], 0, workers=1)
    if found.complete:
        assert [(point.day, point.steps) for point in found.breakpoints] == [
            (point.day, point.steps) for point in truth.breakpoints
        ]


# one kind of lie at a time, worked out by hand: 6 MW are missing, and units of 1 MW cost a million

INSTANCE = tiny([generator(), generator(unit_cost_musd=3.0)], [{"grid_mw": 4.0}])


@pytest.mark.parametrize("how", LIES)
@pytest.mark.parametrize("dives", [True, False])
def test_a_lie_about_the_only_plan(how: str, dives: bool) -> None:
    with lying(1.0, 0 if dives else 1, (how,)):
        clock = Clock()
        best = solve_site(INSTANCE, clock).best
        assert best is not None
        best = confirmed(best, clock)
    assert best.plan.day.tolist() == DAY
    assert best.cost_musd == pytest.approx(7.0)
    assert clock.evidence.undecided == 0
    # a plan that a dive finds is not lost, so only the claim of a dearer one is refuted
    assert (clock.evidence.contradicted > 0) == (how == "dearer" if dives else how != "unwhole")


def test_a_plan_that_is_known_is_never_lost() -> None:
    on = FixedDays(INSTANCE, DAY, Clock())
    known = on.any_plan()
    assert known is not None
    with lying(1.0, 0, ("infeasible",)):
        found = FixedDays(INSTANCE, DAY, Clock()).cheapest(known=known)
    assert found.plan is not None
    assert found.value == pytest.approx(7.0)


def test_what_can_neither_be_shown_nor_refuted_is_not_called_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    # our own branch and bound gets no nodes, and the settings of the solver contradict each other
    monkeypatch.setattr(fixed_days, "dive", lambda *_: None)
    monkeypatch.setattr(fixed_days, "SOME_NODES", 0)
    monkeypatch.setattr(fixed_days, "NODES", 0)
    real = solver.solve

    def solve(program: Program, *rest: object, seed: int = 0, **more: object) -> Solve:
        return Solve(Outcome.FAILED if seed else Outcome.INFEASIBLE)

    monkeypatch.setattr(clocks, "solve", solve)
    clock = Clock()
    with pytest.raises(Undecided):
        FixedDays(INSTANCE, DAY, clock).any_plan()
    assert clock.evidence.undecided == 1
    ranking = search(INSTANCE)
    assert ranking.outcome is RunOutcome.LIMIT
    assert ranking.evidence.undecided > 0
    assert ranking.proof.ranks == ()
    monkeypatch.setattr(clocks, "solve", real)
    assert search(INSTANCE).outcome is RunOutcome.PROVEN


def test_a_second_setting_agrees_where_safe_bounds_do_not_come_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_days, "branch", lambda *_: Closing(False, -np.inf, 0, {}))
    ranking = search(INSTANCE)
    assert ranking.outcome is RunOutcome.PROVEN
    assert ranking.evidence.safe == 0
    assert ranking.evidence.agreed > 0


# a tight cost row, which a solver may call infeasible


@pytest.mark.parametrize("over", [-2e-6, 0.0, 1e-6, 4e-6])
def test_a_budget_at_the_cost_of_the_plan(over: float) -> None:
    instance = replace(INSTANCE, budget_musd=7.0 + over)
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert best.best.cost_musd == pytest.approx(7.0)
    assert search(replace(INSTANCE, budget_musd=7.0 - 1.1e-5)).outcome is RunOutcome.NO_SITE


# whole numbers that are not quite whole


def test_what_hangs_on_a_unit_that_is_none_is_none() -> None:
    # 10 MW of heat: one chiller of 575 MW for 9 million, or ten of 1 MW for a million each. A solver may leave 3e-8 of
    # the large one on site, whose 19 W are missing once it is rounded; the small ones take them
    offers = [
        chiller(rating_mw=575.0, unit_cost_musd=9.0, available_units=1),
        chiller(available_units=11, unit_cost_musd=0.5),
    ]
    instance = tiny(offers, heat_fraction=1.0)
    on = FixedDays(instance, DAY, Clock())
    place, (large, small) = on.program.place, on.model.group[0]
    values = np.zeros(len(place))
    for name, value in {
        "start_s0_m0_t10": 1.0,
        "units_o0_s0_m0": 3.3e-8,
        "units_o1_s0_m0": 10.0,
        f"total_g{large}_s0_m0": 3.3e-8,
        f"total_g{small}_s0_m0": 10.0,
        "heat_o0_s0_m0": 575 * 3.3e-8,
        "heat_o1_s0_m0": 10 - 575 * 3.3e-8,
        "import_s0_m0": 10.01,
    }.items():
        values[place[name]] = value
    found = on.finish(values)
    assert found is not None
    plan, cost = found
    assert plan.units[:, 0].tolist() == [0, 10]
    assert plan.heat_mw[:, 0].tolist() == [0.0, 10.0]
    assert cost == pytest.approx(1 + 5)
    assert search(instance).outcome is RunOutcome.PROVEN


def test_whole_numbers_that_have_no_plan_once_rounded_are_branched_on() -> None:
    # nine small chillers and 1/575 of the large one would do: rounded, a megawatt is missing
    offers = [
        chiller(rating_mw=575.0, unit_cost_musd=9.0, available_units=1),
        chiller(available_units=11, unit_cost_musd=0.5),
    ]
    instance = tiny(offers, heat_fraction=1.0)

    def solve(program: Program, *rest: object, **more: object) -> Solve:
        truth = solver.solve(program, *rest, **more)  # type: ignore[arg-type]
        large, small = program.place["units_o0_s0_m0"], program.place["units_o1_s0_m0"]
        if program.upper[large] == program.lower[large] or truth.values is None:
            return truth
        values = truth.values.copy()
        values[large], values[small] = 1 / 575, 9.0
        return replace(truth, values=values)

    with mock.patch.object(clocks, "solve", solve):
        clock = Clock()
        found = FixedDays(instance, DAY, clock).cheapest()
    assert found.plan is not None
    assert found.plan.units[:, 0].tolist() == [0, 10]
    assert found.bound == pytest.approx(1 + 5)
    assert clock.solves == 3
