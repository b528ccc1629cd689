"""Sites that are no better than another: by hand in every array, and drawn at random against the brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import _AXES, Instance
from siteopt.optimize import dominance, fixed_days
from siteopt.optimize.batches import BATCH, Batches, inherited
from siteopt.optimize.clock import Claim, Clock
from siteopt.optimize.dominance import has_same_supply, is_dominated
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.search import search
from siteopt.plan import SitePlan
from siteopt.record.base import RunOutcome
from tests.instances import battery, chiller, generator, tiny
from tests.optimize import brute_force
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import assert_same, key, thorough

ONE = np.array([0])
HIGHER, LOWER = dominance.HIGHER_IS_BETTER, dominance.LOWER_IS_BETTER


def like(instance: Instance, count: int) -> Instance:
    """So many sites that are the first one of an Instance, but for their ids."""
    same = instance.take(np.zeros(count, dtype=np.int64))
    return replace(same, site_id=tuple(f"s{number:03d}" for number in range(count)))


def changed(instance: Instance, name: str, by: float) -> Instance:
    """The same with more of one array at the second site."""
    array = getattr(instance, name).copy()
    array[1] += by
    return replace(instance, **{name: array})


def days_and_cost(found: SitePlan) -> tuple[tuple[int, ...], float]:
    return tuple(found.plan.day.tolist()), found.cost_musd


PAIR = like(
    tiny(
        [generator(), chiller(), battery()],
        [dict.fromkeys(("gas_mw", "nox_t_per_year", "water_m3_per_day", "fuel_trucks_per_day", "yard_m2"), 9.0)],
        [{"site": 0, "ready_day": 3, "rise_mw": 5.0, "rise_swing_mw": 1.0, "cost_musd": 1.0}],
    ),
    2,
)
"""Two equal sites, each with one grid step."""


def test_every_array_of_a_site_is_compared_or_in_no_row() -> None:
    of_site = {name for name, axes in _AXES.items() if axes[0] == "S"}
    lists = (*HIGHER, *LOWER, *dominance.EQUAL, *dominance.UNUSED)
    assert sorted(lists) == sorted(of_site)
    assert {name for name, axes in _AXES.items() if axes == "L"} == {*dominance.STEPS, "step_site"}


@pytest.mark.parametrize("name", [*HIGHER, *LOWER])
def test_a_site_is_dominated_if_no_array_is_better(name: str) -> None:
    worse, better = (1, -1) if name in LOWER else (-1, 1)
    for by, dominated in ((0, True), (worse, True), (better, False)):
        sites = changed(PAIR, name, by)
        assert is_dominated(PAIR.take(ONE), sites).tolist() == [True, dominated]


@pytest.mark.parametrize("name", dominance.EQUAL)
def test_another_rating_is_neither_better_nor_worse(name: str) -> None:
    for by in (-0.5, 0.5):
        assert is_dominated(PAIR.take(ONE), changed(PAIR, name, by)).tolist() == [True, False]


@pytest.mark.parametrize("name", dominance.STEPS)
def test_grid_steps_must_be_equal(name: str) -> None:
    assert is_dominated(PAIR.take(ONE), changed(PAIR, name, 1)).tolist() == [True, False]
    assert has_same_supply(PAIR.take(ONE), changed(PAIR, name, 1)).tolist() == [True, False]
    without = replace(PAIR, **{each: getattr(PAIR, each)[:1] for each in (*dominance.STEPS, "step_site")})
    assert is_dominated(PAIR.take(ONE), without).tolist() == [True, False]


@pytest.mark.parametrize("name", dominance.SUPPLY)
def test_what_decides_the_supply(name: str) -> None:
    assert has_same_supply(PAIR.take(ONE), changed(PAIR, name, 1)).tolist() == [True, False]


def test_the_supply_is_the_same_whatever_a_site_costs() -> None:
    dearer = changed(changed(PAIR, "site_cost_musd", 1), "unit_cost_musd", 1)
    assert has_same_supply(PAIR.take(ONE), dearer).tolist() == [True, True]


def test_other_offers_or_settings_are_another_question() -> None:
    for other in (replace(PAIR, heat_fraction=0.1), replace(PAIR, available_units=PAIR.available_units + 1)):
        assert not is_dominated(PAIR.take(ONE), other).any()
        assert not has_same_supply(PAIR.take(ONE), other).any()
    assert is_dominated(PAIR.take(ONE), replace(PAIR, budget_musd=9.0)).all()


@st.composite
def worsening(draw: st.DrawFn) -> Instance:
    """Up to five sites, each the one before with some arrays worse."""
    sites = like(draw(instances(sites=1)), draw(st.integers(2, 5)))
    for name in draw(st.sets(st.sampled_from([*HIGHER, *LOWER]), max_size=3)):
        by = np.cumsum([0, *draw(st.lists(st.integers(0, 2), min_size=sites.sites - 1, max_size=sites.sites - 1))])
        array = getattr(sites, name)
        steps = by.reshape(-1, *[1] * (array.ndim - 1)).astype(array.dtype)
        sites = replace(sites, **{name: array + steps if name in LOWER else np.maximum(array - steps, 0)})
    return sites


@thorough
@given(worsening(), st.integers(1, 3))
def test_dominated_sites_are_no_better_and_ranked_right(instance: Instance, top: int) -> None:
    alone = [brute_force.best(instance.take(np.array([s]))) for s in range(instance.sites)]
    ends = [found is None for found in alone]
    assert ends == sorted(ends), "a dominated site serves, and a better one does not"
    ranking = search(instance, top=top)
    assert_same(key(ranking), brute_force.best(instance))
    for result in ranking.results:
        if result.best is not None:
            assert_same(days_and_cost(result.best), alone[instance.site_id.index(result.site_id)])


@thorough
@given(worsening())
def test_an_inherited_plan_is_the_best_plan(instance: Instance) -> None:
    best = search(instance.take(ONE)).plan
    for s in range(1, instance.sites):
        one = instance.take(np.array([s]))
        found = None if best is None or not is_dominated(instance.take(ONE), one)[0] else inherited(best, one)
        if found is not None:
            assert_same(days_and_cost(found), brute_force.best(one))
            assert found.stages[-1].value == found.plan.cost_musd(one)


def test_a_plan_is_inherited_only_where_every_plan_costs_as_much_more() -> None:
    best = search(PAIR.take(ONE)).plan
    assert best is not None
    dearer = changed(PAIR, "site_cost_musd", 2.5).take(np.array([1]))
    found = inherited(best, dearer)
    assert found is not None
    assert found.cost_musd == best.cost_musd + 2.5
    assert found.stages[-1].bound == pytest.approx(best.stages[-1].bound + 2.5)
    farther = changed(PAIR, "unit_cost_musd", 2.5).take(np.array([1]))
    assert (inherited(best, farther) is None) == bool(best.plan.units.any())
    assert inherited(best, replace(dearer, budget_musd=best.cost_musd)) is None


def test_a_claim_holds_at_worse_sites_once_it_is_shared() -> None:
    pair = changed(tiny([battery()], [{}, {}]), "site_cost_musd", 2.0)
    clock, day = Clock(), [10]
    near, far = (FixedDays(pair.take(np.array([s])), day, clock) for s in (0, 1))
    cost = search(pair).plan.cost_musd  # type: ignore[union-attr]
    assert near.closing(cost - 0.5, 100).closed
    assert far.closing(cost + 1.5, 100).nodes > 0  # not shared yet
    clock = Clock()
    near, far = (FixedDays(pair.take(np.array([s])), day, clock) for s in (0, 1))
    assert near.closing(cost - 0.5, 100).closed
    clock.share_claims()
    assert far.closing(cost + 1.5, 100).nodes == 0  # by what the site costs more
    assert not far.closing(cost + 2.5, 100).closed  # dearer than that: there is such a plan
    later = Claim(far.instance, np.array([11]), cost - 0.5)
    assert not clock.is_claimed(later)


def test_dominated_sites_wait() -> None:
    sites = changed(like(tiny([battery()]), 20), "site_cost_musd", -1.0)
    batch = Batches(sites).next(np.arange(20))
    assert list(batch) == [0, 1]
    assert batch[0].sites.tolist() == list(range(2, 20))
    assert batch[1].sites.tolist() == list(range(2, 20))
    assert batch[1].dearer_musd.tolist() == [1.0] * 18
    apart = replace(sites, rating_mw=np.arange(1.0, 21)[:, None])
    assert list(Batches(apart).next(np.arange(20))) == list(range(BATCH))


@pytest.mark.parametrize("top", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_look_alikes_take_no_more_milps_and_branchings_than_one(top: int, monkeypatch: pytest.MonkeyPatch) -> None:
    offers = [generator(), chiller(), battery()]
    one = tiny(offers, [{"grid_mw": 1.0}], it_mw=(4.0, 7.0))
    many = like(one, 100)
    dearer = replace(many, site_cost_musd=many.site_cost_musd + np.arange(100) / 1000)
    real, branched = fixed_days.branch, list[float]()

    def counted(*arguments: Any) -> Any:
        branched.append(arguments[1])
        return real(*arguments)

    monkeypatch.setattr(fixed_days, "branch", counted)
    alone, branched_alone = search(one, top=top).solves, len(branched)
    for sites in (many, dearer):
        branched.clear()
        found = search(sites, top=top)
        assert found.outcome is RunOutcome.PROVEN
        assert [result.site_id for result in found.results[:top]] == list(sites.site_id[:top])
        assert found.solves <= alone + 2
        assert len(branched) <= branched_alone + 2
