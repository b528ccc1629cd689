"""Every part of the model at once: search, monolithic MILP and brute force agree, and what else knows the parts holds.

``python -m tests.optimize.mixed`` tries more of the instances, and says how often each part decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import search
from siteopt.record.base import RunOutcome
from tests.examples import many
from tests.optimize import brute_force, test_bottleneck, test_exact, test_phases, test_price_bound, test_pricing
from tests.optimize.mixed import PARTS, answer, differ
from tests.optimize.mixed_instances import drawn, mixed
from tests.simulate import test_phases as test_replay

ROOMS = (
    test_exact.test_bounds_hold_at_every_site,
    test_exact.test_workers_do_not_matter,
    test_pricing.test_prices_of_one_site_bound_every_other,
    test_pricing.test_what_is_missing_is_missing,
    test_bottleneck.test_names_and_days_agree,
)
"""Tests of whole instances, each of what one part of siteopt says of them."""

ROOMS_BY_DATA = (
    test_exact.test_a_mutated_plan_does_not_pass,
    test_pricing.test_any_prices_give_a_bound,
    test_price_bound.test_it_is_what_the_search_says,
)
"""The same, of which each draws more."""

ROOMS_OF_ONE_SITE = (test_replay.test_plans_replay_as_planned_but_for_whole_crews,)

some = settings(max_examples=8, suppress_health_check=list(HealthCheck))


@many(25)
@given(mixed())
def test_search_is_monolithic_is_brute_force(instance: Instance) -> None:
    found, whole = answer(search(instance)), monolithic(instance)
    assert not differ(found, brute_force.best(instance))
    assume(whole.outcome is not RunOutcome.LIMIT)  # the one MILP, whose solver may err, says so where it does
    assert not differ(found, answer(whole))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
@some
@given(instance=mixed())
def test_every_part_is_known(room: Callable[..., None], instance: Instance) -> None:
    room.hypothesis.inner_test(instance)  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", ROOMS_BY_DATA, ids=lambda room: room.__name__)
@some
@given(instance=mixed(), data=st.data())
def test_every_part_is_known_whatever_else_is_drawn(
    room: Callable[..., None], instance: Instance, data: st.DataObject
) -> None:
    room.hypothesis.inner_test(instance, data)  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", ROOMS_OF_ONE_SITE, ids=lambda room: room.__name__)
@some
@given(instance=mixed(sites=1))
def test_every_part_is_known_at_one_site(room: Callable[..., None], instance: Instance) -> None:
    room.hypothesis.inner_test(instance)  # type: ignore[attr-defined]


@some
@given(mixed(sites=1), st.data())
def test_later_days_never_hurt(instance: Instance, data: st.DataObject) -> None:
    test_phases.test_later_days_never_hurt.hypothesis.inner_test(test_phases.roomy(instance), data)  # type: ignore[attr-defined]


@some
@given(mixed(), st.sampled_from(["crew", "air", "fuel gas", "water", "commissioning"]))
def test_days_saved_are_those_of_solving_again(instance: Instance, limit: str) -> None:
    best = search(replace(instance, budget_musd=1000.0)).best
    assume(best is not None and best.best is not None)
    assert best is not None
    assert best.best is not None
    own, day = best.best.instance, best.best.plan.day
    part = {"crew": "crews", "fuel gas": "gas"}.get(limit, limit)
    again = answer(search(PARTS[part](own)))
    assert again is not None
    assert best.days_saved[0].get(limit, 0) == day[0] - again[0][0]


DECIDED = {
    "commissioning": 0,
    "coolant distribution": 0,
    "non-firm import": 0,
    "distribution": 1,
    "gas": 1,
    "changes of water_m3_per_day": 2,
    "limits that rise": 2,
    "grid steps": 2,
    "costs of shells": 2,
    "changes of grid_mw": 5,
    "limits that fall": 5,
    "spare units": 6,
    "water": 7,
    "own towers": 8,
    "power quality": 9,
    "changes of gas_mw": 10,
    "crews": 15,
    "live feeds": 22,
    "options of shells": 23,
    "yard": 24,
    "changes of nonfirm_mw": 25,
    "budget": 26,
    "curtailment": 30,
    "air": 30,
    "changes of nox_t_per_year": 60,
    "changes of fuel_trucks_per_day": 74,
    "crews by calendar": 85,
    "fuel trucks": 102,
    "changes of distribution_mw": 119,
    "changes of grid_swing_mw": 209,
}
"""Seed of an instance that each part decides."""


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_left_out_is_seen(part: str) -> None:
    """Brute force finds another answer without the part, so a search that did not know the part would be wrong."""
    instance = drawn(DECIDED[part])
    assert differ(brute_force.best(instance), brute_force.best(PARTS[part](instance)))
