"""Search, monolithic MILP and brute force agree; bounds hold; relaxing a limit never hurts; rows may be reordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize import monolithic as optimize_monolithic
from siteopt.optimize.bounds import bounds
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.finishing import Finisher
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import search
from siteopt.plan import Ranking
from siteopt.record.base import RunOutcome
from siteopt.tolerances import HAIR, most_of_step, steps_of_cost
from tests.examples import many
from tests.instances import chiller, generator, tiny
from tests.optimize import brute_force
from tests.optimize.mixed_instances import drawn
from tests.optimize.random_instances import instances

thorough = many(60)


def key(ranking: Ranking) -> tuple[tuple[int, ...], float] | None:
    """Days and cost of the best plan."""
    if ranking.best is None or ranking.best.best is None:
        assert ranking.outcome is RunOutcome.NO_SITE
        return None
    found = ranking.best.best
    assert certify(found.instance, found.plan).valid
    return tuple(map(int, found.plan.day)), found.cost_musd


def assert_same(one: tuple | None, other: tuple | None) -> None:
    """Equal days, and costs that differ by less than a hundred US dollars."""
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one[0] == other[0]
        assert one[1] == pytest.approx(other[1], abs=1e-4)


@many(200)
@given(instances())
def test_search_is_monolithic_is_brute_force(instance: Instance) -> None:
    found = key(search(instance))
    assert_same(found, key(monolithic(instance)))
    assert_same(found, brute_force.best(instance))


@many(40)
@given(instances(sites=8), st.integers(1, 4))
def test_the_first_ranks_are_those_of_every_site(instance: Instance, top: int) -> None:
    alone = [key(search(instance.take(np.array([s])))) for s in range(instance.sites)]
    expected = sorted((found, instance.site_id[s]) for s, found in enumerate(alone) if found is not None)
    ranking = search(instance, top=top)
    ranked = [result for result in ranking.results if result.best is not None]
    assert [result.site_id for result in ranked] == [site for _, site in expected][:top]
    for result, (found, _) in zip(ranked, expected, strict=False):
        assert result.best is not None
        assert_same((tuple(map(int, result.best.plan.day)), result.best.cost_musd), found)


@thorough
@given(instances(sites=4))
def test_workers_do_not_matter(instance: Instance) -> None:
    one, other = search(instance, workers=1), search(instance, workers=3)
    for result, same in zip(one.results, other.results, strict=True):
        assert (result.site_id, result.standing) == (same.site_id, same.standing)
        if result.best is not None and same.best is not None:
            assert (result.best.plan.units == same.best.plan.units).all()
            assert result.best.cost_musd == same.best.cost_musd


@thorough
@given(instances(), st.permutations([0, 1, -1]))
def test_search_is_monolithic_in_any_order(instance: Instance, order: list[int]) -> None:
    instance = replace(instance, order=tuple(goal for goal in order if goal < instance.milestones))
    one, other = search(instance), monolithic(instance)
    assert_same(key(one), key(other))


def assert_bounds_hold(instance: Instance) -> None:
    """Assert that the best plan of no site is earlier or cheaper than its bounds."""
    limits = bounds(instance)
    for result in search(instance).results:
        if result.best is not None:
            s = instance.site_id.index(result.site_id)
            assert (limits.day[s] <= result.best.plan.day).all()
            assert limits.cost_musd[s] <= result.best.cost_musd + 1e-6


@thorough
@given(instances())
def test_bounds_hold_at_every_site(instance: Instance) -> None:
    assert_bounds_hold(instance)


RELAXED = {
    "grid_mw": lambda instance: instance.grid_mw + 2,
    "grid_swing_mw": lambda instance: instance.grid_swing_mw + 2,
    "gas_mw": lambda instance: instance.gas_mw * 2,
    "nox_t_per_year": lambda instance: instance.nox_t_per_year * 2,
    "water_m3_per_day": lambda instance: instance.water_m3_per_day * 2,
    "yard_m2": lambda instance: instance.yard_m2 * 2,
    "crews": lambda instance: instance.crews + 1,
    "commissioning_mw_per_day": lambda instance: instance.commissioning_mw_per_day * 2,
    "step_commissioned_mw": lambda instance: instance.step_commissioned_mw / 2,
    "option_ready_day": lambda instance: np.maximum(0, instance.option_ready_day - 5),
    "budget_musd": lambda instance: instance.budget_musd * 2,
    "available_units": lambda instance: instance.available_units + 1,
    "ready_day": lambda instance: np.maximum(instance.arrival_day, instance.ready_day - 3),
    "compute_ready_day": lambda instance: np.maximum(0, instance.compute_ready_day - 5),
    "commissioning_days": lambda instance: 0,
    "spare_units": lambda instance: 0,
    "heat_fraction": lambda instance: instance.heat_fraction / 2,
    "ride_through_minutes": lambda instance: 0.0,
    "min_battery_mw": lambda instance: np.minimum(instance.min_battery_mw, 2.5),
    "min_inertia_mws": lambda instance: np.zeros_like(instance.min_inertia_mws),
    "step_cost_musd": lambda instance: instance.step_cost_musd / 2,
}


@thorough
@given(instances(), st.sampled_from(sorted(RELAXED)))
def test_relaxing_a_limit_never_makes_it_worse(instance: Instance, name: str) -> None:
    before, after = key(search(instance)), None
    relaxed = replace(instance, **{name: RELAXED[name](instance)})
    after = key(search(relaxed))
    if before is not None:
        assert after is not None
        assert after[0] < before[0] or (after[0] == before[0] and after[1] <= before[1] + 1e-4)


@thorough
@given(instances(), st.lists(st.integers(0, 20), min_size=2, max_size=2))
def test_later_days_never_hurt(instance: Instance, later: list[int]) -> None:
    """The units of the best plan on later days in the same order: a plan still, which costs no more."""
    best = search(instance).best
    if best is None or best.best is None:
        return
    own, plan = best.best.instance, best.best.plan
    day = np.minimum(own.horizon_day, plan.day + np.cumsum(later)[: own.milestones])
    again = FixedDays(own, day, Clock()).with_units(plan.units, plan.step)
    assert again is not None
    assert certify(own, again[0]).valid
    assert again[1] <= best.best.cost_musd + 1e-6


@thorough
@given(instances(), st.data())
def test_a_mutated_plan_does_not_pass(instance: Instance, data: st.DataObject) -> None:
    ranking = search(instance)
    if ranking.best is None or ranking.best.best is None:
        return
    instance, plan = ranking.best.best.instance, ranking.best.best.plan
    earlier = plan.day.copy()
    earlier[0] = int(bounds(instance).day[0, 0]) - 1
    assert not certify(instance, replace(plan, day=earlier)).valid
    o = data.draw(st.integers(0, instance.offers - 1))
    more = plan.units.copy()
    more[o] += instance.available_units[o] + 1
    assert not certify(instance, replace(plan, units=more)).valid
    assert not certify(instance, replace(plan, demand_mw=plan.demand_mw * 0.9)).valid


def test_equal_sites_go_to_the_first_by_either_method() -> None:
    instance = tiny([generator()], [{"grid_mw": 4.0, "site_cost_musd": 2.0}, *[{"grid_mw": 4.0}] * 3])
    for ranking in (search(instance, top=2), monolithic(instance)):
        assert ranking.outcome is RunOutcome.PROVEN
        assert ranking.best is not None
        assert ranking.best.site_id == "s1"


@pytest.mark.parametrize("it_mw", [1.0, 10.0, 250.0])
@pytest.mark.parametrize(("missed", "serves"), [(0, True), (3e-10, True), (8e-10, True), (3e-9, False), (1e-6, False)])
def test_what_is_short_by_less_than_a_hair_is_there(it_mw: float, missed: float, serves: bool) -> None:
    """The grid falls short of the load by this share of it; there is nothing else.

    The monolithic method, to whose solver such a site is out of reach, then finds itself contradicted.
    """
    instance = tiny(it_mw=[it_mw], sites=[{"grid_mw": it_mw * (1 - missed)}])
    expected = RunOutcome.PROVEN if serves else RunOutcome.NO_SITE
    assert search(instance).outcome is expected
    assert monolithic(instance).outcome in (expected, RunOutcome.LIMIT if 0 < missed < HAIR else expected)


def test_a_hair_of_one_row_takes_no_more_than_a_hair_of_another() -> None:
    """Five chillers fall a hair short of the heat, and cheap generators may run for half of the load, no more."""
    cold = chiller(rating_mw=2 * (1 - 3e-10))
    power = generator(gas=False, rating_mw=100.0, nox_g_per_kwh=0.3)
    site = {"grid_mw": 20.0, "grid_usd_per_mwh": 40.0, "nox_t_per_year": 0.3 * 5 * 8.76}
    instance = tiny([cold, power], sites=[site], heat_fraction=1.0, operating_days=np.array([1000]))
    ranking = search(instance)
    assert ranking.outcome is RunOutcome.PROVEN
    best = ranking.results[0].best
    assert best is not None
    assert best.plan.units.tolist() == [[5], [1]]
    assert best.plan.output_mw[1] == pytest.approx(5)
    assert best.plan.import_mw + best.plan.output_mw[1] == pytest.approx(best.plan.demand_mw, abs=1e-12)


@pytest.mark.parametrize("method", [search, monolithic])
@pytest.mark.parametrize(("over_usd", "serves"), [(-3.0, True), (4.0, True), (6.0, False)])
def test_a_budget_is_kept_to_the_same_cost(method: Callable[..., Ranking], over_usd: float, serves: bool) -> None:
    """Ten generators at a million each and the site for another: so much more than the budget."""
    instance = tiny([generator(rating_mw=1.0)], sites=[{"grid_mw": 0.0}], budget_musd=11.0 - over_usd * 1e-6)
    ranking = method(instance)
    assert ranking.outcome is (RunOutcome.PROVEN if serves else RunOutcome.NO_SITE)


def test_energy_may_not_use_up_a_budget_that_cheaper_energy_keeps() -> None:
    """The first stage asks for a day alone, so its solver may run dear engines up to the last cent of the budget."""
    instance = drawn(261)  # whose budget leaves nothing for works, shells and demand
    spared = ("works_musd", "option_cost_musd", "demand_usd_per_mw_month")
    instance = replace(instance, **{name: 0 * getattr(instance, name) for name in spared})
    assert monolithic(instance).outcome is RunOutcome.PROVEN
    assert_same(key(search(instance)), key(monolithic(instance)))


@pytest.mark.parametrize("cents", [0, 3_33, 4_97, 5_03])
def test_days_after_cost_are_the_same_by_either_method(cents: int) -> None:
    """Where cost comes first, it is held at its step, which may end below the cost itself."""
    power = generator(rating_mw=10.0, arrival_day=[20], unit_cost_musd=1 + cents * 1e-8)
    instance = tiny([power], sites=[{"grid_mw": 0.0}], it_mw=[9.0, 9.5], order=(-1, 0, 1), horizon_day=60)
    one, other = search(instance), monolithic(instance)
    assert one.outcome is other.outcome is RunOutcome.PROVEN
    assert_same(key(one), key(other))


def test_energy_that_uses_up_a_step_of_cost_makes_no_other_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage behind that of the cost may run a dear generator up to the end of the cost's step, and a hair beyond."""
    power = generator(rating_mw=1.0, fuel_usd_per_mwh=100.0)
    instance = tiny([power], sites=[{"grid_mw": 9.5}], it_mw=[10.0], order=(-1, 0), operating_days=np.array([30]))

    class Dear(Finisher):
        def finish(self, values: np.ndarray) -> Any:
            own, plan = super().finish(values) or (None, None)
            if own is None or plan is None:
                return None
            cost = plan.cost_musd(own)
            beyond = most_of_step(steps_of_cost(cost)) * (1 + 1e-12) - cost
            shift = beyond / ((100.0 - own.grid_usd_per_mwh[0]) * own.musd_per_mw[0])
            output, imported = plan.output_mw.copy(), plan.import_mw.copy()
            output[0, 0], imported[0] = output[0, 0] + shift, imported[0] - shift
            return own, replace(plan, output_mw=output, import_mw=imported)

    monkeypatch.setattr(optimize_monolithic, "Finisher", Dear)
    one, other = search(instance), monolithic(instance)
    assert one.outcome is other.outcome is RunOutcome.PROVEN
    assert_same(key(one), key(other))
