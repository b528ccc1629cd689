"""The front of days against cost: by hand, against brute force, and what may be called proven when time runs out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize import pareto
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.pareto import fronts
from siteopt.optimize.program import Program
from siteopt.optimize.single import Answer
from siteopt.optimize.solver import Solve
from siteopt.plan import Breakpoint, SiteFront
from tests.examples import many
from tests.instances import generator, tiny
from tests.optimize import brute_force
from tests.optimize.random_instances import instances

thorough = many(30)

SOON, CHEAP = generator(unit_cost_musd=3.0), generator(unit_cost_musd=1.0, arrival_day=20)
"""Ten units each: on site from day 0 at three millions, or from day 20 at one."""


def front_of(instance: Instance, milestone: int = 0, **more: object) -> tuple[SiteFront, ...]:
    return fronts([instance.take(np.array([s])) for s in range(instance.sites)], milestone, **more)


def breakpoints(front: SiteFront) -> list[tuple[int, float]]:
    return [(point.day, round(point.cost_musd, 6)) for point in front.breakpoints]


def joint(found: Sequence[SiteFront]) -> list[tuple[int, float, str]]:
    points = [(c.day, round(c.cost_musd, 6), front.site_id) for front in found for c in front.breakpoints if c.on_front]
    return sorted(points)


def least_cost(points: Sequence[tuple[int, float]], day: int) -> float:
    return min((cost for since, cost in points if since <= day), default=math.inf)


# by hand


def test_early_and_dear_or_late_and_cheap() -> None:
    (front,) = front_of(tiny([SOON, CHEAP], [{"grid_mw": 0.0}]))
    assert breakpoints(front) == [(10, 31.0), (20, 11.0)]
    assert front.complete
    assert all(point.proven and point.on_front for point in front.breakpoints)


def test_a_cheap_fleet_that_is_too_small_replaces_what_it_can() -> None:
    (front,) = front_of(tiny([SOON, CHEAP | {"available_units": 4}], [{"grid_mw": 0.0}]))
    assert breakpoints(front) == [(10, 31.0), (20, 23.0)]


def test_one_corner_where_nothing_is_cheaper_later() -> None:
    (front,) = front_of(tiny([SOON, CHEAP | {"unit_cost_musd": 3.0}], [{"grid_mw": 0.0}]))
    assert breakpoints(front) == [(10, 31.0)]


def test_crews_that_set_up_a_unit_a_day_make_every_day_a_corner() -> None:
    by_hand = CHEAP | {"arrival_day": 10, "crew_days": 1.0}
    (front,) = front_of(tiny([SOON, by_hand], [{"grid_mw": 0.0}], crews=np.array([1.0, 1.0])))
    assert breakpoints(front) == [(10 + built, 31.0 - 2.0 * built) for built in range(11)]


def test_first_corner_is_the_first_day_that_can_be() -> None:
    (front,) = front_of(tiny([CHEAP | {"crew_days": 1.0}], [{"grid_mw": 0.0}], crews=np.array([4.0, 1.0])))
    assert breakpoints(front) == [(23, 11.0)]


def test_budget_hides_the_corners_that_cost_more() -> None:
    (front,) = front_of(tiny([SOON, CHEAP], [{"grid_mw": 0.0}], budget_musd=20.0))
    assert breakpoints(front) == [(20, 11.0)]


def test_milestones_later_than_the_one_asked_may_wait() -> None:
    """The cheap units serve the second milestone; only the first needs dear ones: 5 x 3 + 5 x 1 + 1."""
    instance = tiny([SOON, CHEAP], [{"grid_mw": 0.0}], it_mw=(5.0, 10.0))
    (first,), (second,) = front_of(instance, 0), front_of(instance, 1)
    assert breakpoints(first) == [(10, 21.0), (20, 11.0)]
    assert [point.plan.day.tolist() for point in first.breakpoints] == [[10, 20], [20, 20]]
    assert breakpoints(second) == [(10, 31.0), (20, 11.0)]
    assert [point.plan.day.tolist() for point in second.breakpoints] == [[10, 10], [20, 20]]


def test_sites_that_cross_share_the_front() -> None:
    sites = [
        {"compute_ready_day": 30, "site_cost_musd": 1.0},
        {"compute_ready_day": 10, "site_cost_musd": 5.0},
        {"compute_ready_day": 20, "site_cost_musd": 6.0},
    ]
    found = front_of(tiny(sites=sites))
    assert [breakpoints(front) for front in found] == [[(30, 1.0)], [(10, 5.0)], [(20, 6.0)]]
    assert joint(found) == [(10, 5.0, "s1"), (30, 1.0, "s0")]


def test_a_tie_goes_to_the_smaller_id() -> None:
    instance = tiny(sites=[{}, {}])
    assert joint(front_of(instance)) == [(10, 1.0, "s0")]
    assert joint(fronts([instance.take(np.array([s])) for s in (1, 0)], 0)) == [(10, 1.0, "s0")]


# against brute force


@thorough
@given(instances(), st.integers(0, 1))
def test_front_is_brute_force(instance: Instance, number: int) -> None:
    milestone = min(number, instance.milestones - 1)
    found = front_of(instance, milestone)
    every = []
    for s, front in enumerate(found):
        known = [(days[milestone], cost) for days, cost in brute_force.plans(instance, s)]
        every += known
        for day in range(instance.horizon_day + 1):
            assert least_cost(breakpoints(front), day) == pytest.approx(least_cost(known, day), abs=1e-4)
        assert all(point.proven for point in front.breakpoints)
    together = [(day, cost) for day, cost, _ in joint(found)]
    for day in range(instance.horizon_day + 1):
        assert least_cost(together, day) == pytest.approx(least_cost(every, day), abs=1e-4)


@thorough
@given(instances())
def test_front_falls_and_its_plans_hold(instance: Instance) -> None:
    for front in front_of(instance):
        for point in front.breakpoints:
            assert certify(front.instance, point.plan).valid
            assert point.plan.day[0] == point.day
            assert point.cost_musd == pytest.approx(point.plan.cost_musd(front.instance), abs=1e-9)
            assert point.cost_bound_musd == pytest.approx(point.cost_musd, abs=1e-5)
        for one, after in zip(front.breakpoints, front.breakpoints[1:], strict=False):
            assert one.day < after.day
            assert one.steps > after.steps


def facts(found: Sequence[SiteFront]) -> list[tuple[str, int, int, bool, bool]]:
    return [(front.site_id, c.day, c.steps, c.on_front, c.proven) for front in found for c in front.breakpoints]


@thorough
@given(instances())
def test_workers_change_nothing(instance: Instance) -> None:
    assert facts(front_of(instance, workers=1)) == facts(front_of(instance, workers=2))


def test_front_without_the_first_days_of_each_purchase_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = tiny([SOON, CHEAP], [{"grid_mw": 0.0}])
    monkeypatch.setattr(pareto, "solve_site", lambda *_: Answer(None))
    (front,) = front_of(instance)
    assert breakpoints(front) == [(10, 31.0), (20, 11.0)]


# when the time runs out


@dataclass
class Tired(Clock):
    """A clock whose time is up after a number of MILPs."""

    most: int = 0

    def solve(self, program: Program, gap: float = 0.0, **more: Any) -> Solve:
        if self.solves >= self.most:
            raise OutOfTime
        return super().solve(program, gap, **more)


def test_no_time_no_corners() -> None:
    (front,) = front_of(tiny([SOON, CHEAP], [{"grid_mw": 0.0}]), clock=Clock(0))
    assert (front.breakpoints, front.complete) == ((), False)


def test_a_corner_is_proven_once_the_day_before_it_is_known_to_cost_more() -> None:
    instance = tiny([SOON, CHEAP], [{"grid_mw": 0.0}])

    def known(most: int) -> list[tuple[int, bool]]:
        (front,) = front_of(instance, clock=Tired(most=most))
        return [(point.day, point.proven) for point in front.breakpoints]

    assert known(1) == []
    seen = [known(most) for most in range(12)]
    assert [(20, False)] in seen
    assert [(10, True), (20, True)] in seen
    assert seen == sorted(seen, key=lambda breakpoints: (len(breakpoints), breakpoints))


@thorough
@given(instances(), st.integers(0, 12))
def test_what_is_called_proven_is_so_of_the_whole_front(instance: Instance, most: int) -> None:
    def called(found: Sequence[SiteFront]) -> list[tuple[str, Breakpoint]]:
        return [(front.site_id, point) for front in found for point in front.breakpoints if point.proven]

    whole = [(site, c.day, c.steps, c.on_front) for site, c in called(front_of(instance))]
    cut = called(front_of(instance, clock=Tired(most=most), workers=1))
    assert {(site, c.day, c.steps, c.on_front) for site, c in cut} <= set(whole)


def test_a_site_that_is_not_known_yet_leaves_the_joint_front_open() -> None:
    known, unknown = front_of(tiny(sites=[{}, {}]))
    known = replace(
        known, breakpoints=tuple(replace(point, proven=False, on_front=False) for point in known.breakpoints)
    )
    (point,) = known.breakpoints
    closed = pareto._joined(known, point, [known, unknown])
    left_open = pareto._joined(known, point, [known, replace(unknown, breakpoints=(), complete=False)])
    assert (closed.on_front, closed.proven) == (True, True)
    assert (left_open.on_front, left_open.proven) == (True, False)
