"""Bounds of keys as wholes: an entry says something only while those before it are settled at their own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.optimize.key_bounds import KeyBounds, is_before, key_row
from siteopt.plan import Key
from siteopt.tolerances import SAME_COST_MUSD, most_of_step, steps_of_cost
from tests.optimize.test_exact import thorough

SITE = np.array([0])


def bounds(order: tuple[int, ...], day: list[int], cost: float = 1.0) -> KeyBounds:
    found = KeyBounds(order, 1)
    found.start(SITE, np.array([day]), np.array([cost]))
    return found


def test_an_earlier_entry_that_rises_frees_those_after_it() -> None:
    # no plan on days 32, 32; then none before 33, 34; then none on 32 at all
    found = bounds((0, 1, -1), [32, 32])
    found.raise_to(SITE, np.array([[32.0, 34.0, -np.inf]]))
    assert found.key.tolist() == [[32, 34, 1]]
    found.raise_entry(SITE, 0, np.array([33.0]))
    assert found.key.tolist() == [[33, 32, 1]]  # 34 held for day 32 only


def test_a_cost_that_rises_frees_the_days_after_it() -> None:
    found = bounds((0, -1, 1), [10, 20])
    found.raise_to(SITE, np.array([[10.0, 5.0, 50.0]]))
    assert found.entry(SITE, np.array([[10.0, 5.0]])) == [20]  # after cost, what holds by itself
    found.raise_entry(SITE, 1, np.array([6.0]))
    assert found.key.tolist() == [[10, 6, 20]]


def test_a_bound_is_never_lowered() -> None:
    found = bounds((0, 1, -1), [5, 9])
    for row in ([4.0, 99.0, 99.0], [5.0, 8.0, 99.0], [5.0, 9.0, 0.5]):
        found.raise_to(SITE, np.array([row]))
        assert found.key.tolist() == [[5, 9, 1]]


def test_entries_hold_while_those_before_are_settled_at_theirs() -> None:
    found = bounds((1, 0, -1), [5, 9])
    found.raise_to(SITE, np.array([[12.0, 11.0, -np.inf]]))
    assert found.entry(SITE, np.zeros((1, 0))) == [12]
    assert found.entry(SITE, np.array([[12.0]])) == [11]
    assert found.entry(SITE, np.array([[13.0]])) == [5]


def test_milestones_follow_each_other() -> None:
    found = bounds((0, 1, -1), [5, 9])
    assert found.entry(SITE, np.array([[15.0]])) == [15]
    assert bounds((1, 0, -1), [5, 9]).entry(SITE, np.array([[15.0]])) == [5]


def test_days_that_a_cost_is_bounded_on() -> None:
    found = bounds((1, -1, 0), [5, 9])
    assert found.latest(SITE, 60).tolist() == [[60, 9]]
    assert found.can_serve(SITE, 60).tolist() == [True]
    found.raise_to(SITE, np.array([[61.0, 0.0, 0.0]]))
    assert found.can_serve(SITE, 60).tolist() == [False]


@pytest.mark.parametrize("cost", [1.0, 1.000004, 1.0000050024, 1.0000050026, 1.00001, 0.1 + 0.2])
def test_steps_of_cost(cost: float) -> None:
    steps = steps_of_cost(cost)
    assert most_of_step(steps - 1) < cost <= most_of_step(steps)
    assert abs(cost - steps * SAME_COST_MUSD) < 0.6 * SAME_COST_MUSD


def test_prices_in_whole_cents_stay_clear_of_the_border_of_a_step() -> None:
    # five dollars above a step is in it, whatever the order in which the cents are added up
    for cents in range(2000):
        cost = sum([0.01e-6] * (cents % 7)) + (cents - cents % 7) * 0.01e-6
        assert steps_of_cost(cost) == (cents + 499) // 1000


def test_a_key_has_a_cost_below_which_nothing_counts_as_its_step() -> None:
    row = key_row((12.0, 7.0), (0, -1))
    assert steps_of_cost(row[0, 1] + 1e-12) == 7
    assert steps_of_cost(row[0, 1] - 1e-12) == 6


rows = st.lists(st.integers(0, 3).map(float), min_size=3, max_size=3)


@thorough
@given(rows, rows)
def test_keys_are_compared_like_tuples(one: list[float], other: list[float]) -> None:
    assert is_before(np.array([one]), np.array([other]))[0] == (tuple(one) < tuple(other))


ORDERS = list(itertools.permutations((0, 1, -1)))


@thorough
@given(st.sampled_from(ORDERS), st.data())
def test_whatever_is_learnt_of_a_site_its_plans_are_not_before_its_bound(
    order: tuple[int, ...], data: st.DataObject
) -> None:
    # a site is a set of keys; whatever is true of all of them may be told, in any order
    plans = data.draw(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=5))
    keys: list[Key] = [tuple(float((min(plan[:2]), max(plan[:2]), plan[2])[goal]) for goal in order) for plan in plans]
    days = [min(key[order.index(m)] for key in keys) for m in (0, 1)]
    found = bounds(order, [int(day) for day in days], min(key[order.index(-1)] for key in keys))
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            row = data.draw(rows)
            if tuple(row) <= min(keys):
                found.raise_to(SITE, np.array([row]))
        else:
            place = data.draw(st.integers(0, 2))
            before = tuple(found.key[0, :place])
            possible = [key[place] for key in keys if key[:place] == before]
            found.raise_entry(SITE, place, np.array([min(possible, default=9.0)]))
        assert tuple(found.key[0]) <= min(keys)
        for place in range(order.index(-1)):
            for key in keys:
                assert found.entry(SITE, np.array([key[:place]]))[0] <= key[place]
