"""Costs that are found only within a range: they never decide a rank, whatever plan the solver stops at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize import fixed_days
from siteopt.optimize.search import search
from siteopt.optimize.whole import Best, best_whole
from siteopt.plan import SitePlan
from siteopt.record.base import RunOutcome
from tests.examples import many
from tests.instances import generator, tiny
from tests.optimize.random_instances import instances

OFFERS = [generator(unit_cost_musd=1.0, available_units=1), generator(unit_cost_musd=3.0, available_units=1)]


@contextmanager
def stopping_early(short_musd: float) -> Iterator[list[float]]:
    """With a gap, the solver stops at the dearest plan, and its bound is short of the least cost; what these cost."""
    stopped = list[float]()

    def early(program: Any, finish: Callable[..., Any], clock: Any, *, gap: float = 0.0, **more: Any) -> Best[Any]:
        least = best_whole(program, finish, clock, **more)
        if not gap or least.plan is None:
            return least
        dearest = best_whole(replace(program, cost=-program.cost), finish, clock)
        if dearest.plan is None or dearest.value > more["cutoff"]:
            return least
        stopped.append(dearest.value)
        return Best(dearest.plan, dearest.value, least.value - short_musd)

    with mock.patch.object(fixed_days, "best_whole", early):
        yield stopped


def ranks(instance: Instance, top: int) -> list[tuple[str, tuple[int, ...], SitePlan]]:
    ranking = search(instance, top=top)
    assert ranking.outcome in (RunOutcome.PROVEN, RunOutcome.NO_SITE)
    return [
        (one.site_id, tuple(map(int, one.best.plan.day)), one.best) for one in ranking.results if one.best is not None
    ]


@many(120)
@given(instances(sites=6), st.integers(1, 6), st.sampled_from([0.0, 1e-4, 0.5, 50.0]))
def test_ranks_are_those_of_exact_costs(instance: Instance, top: int, short_musd: float) -> None:
    exact = ranks(instance, top)
    with stopping_early(short_musd):
        vague = ranks(instance, top)
    assert [one[:2] for one in vague] == [one[:2] for one in exact]
    for place, ((*_, found), (*_, least)) in enumerate(zip(vague, exact, strict=True)):
        assert found.cost_bound_musd - 1e-5 <= least.cost_musd <= found.cost_musd + 1e-5
        if not place:
            assert found.cost_musd == pytest.approx(least.cost_musd, abs=1e-5)


def test_what_days_decide_is_known_in_a_range() -> None:
    # 1 MW by a unit of 1 or of 3 million USD, or both; the second site has its GPUs two days later
    sites = [{"compute_ready_day": 5, "grid_mw": 0.0}, {"compute_ready_day": 7, "grid_mw": 0.0}]
    with stopping_early(0.25) as stopped:
        (_, _, first), (_, days, second) = ranks(tiny(OFFERS, sites, it_mw=(1.0,)), 2)
    assert (first.is_exact, first.cost_musd) == (True, pytest.approx(1 + 1))
    assert (second.is_exact, second.cost_musd, second.cost_bound_musd) == (False, pytest.approx(1 + 4), 1 + 1 - 0.25)
    assert (days, stopped) == ((7,), [pytest.approx(1 + 4)])


@pytest.mark.parametrize(("dearer", "exact"), [(0.0, True), (0.2, True), (0.3, False)])
def test_what_cost_decides_is_exact_unless_the_ranges_are_apart(dearer: float, exact: bool) -> None:
    # the first to be solved is exact, at 2; the other has from 1.75 to 5, and as much more as the site costs
    sites = [{"grid_mw": 0.0, "yard_m2": 9.0}, {"site_cost_musd": 1 + dearer, "grid_mw": 0.0}]
    with stopping_early(0.25):
        (one, _, first), (other, _, second) = ranks(tiny(OFFERS, sites, it_mw=(1.0,)), 2)
    assert (one, other) == ("s0", "s1")
    assert first.is_exact
    assert second.cost_musd == pytest.approx(dearer + (2 if second.is_exact else 5))
    assert second.is_exact == exact
