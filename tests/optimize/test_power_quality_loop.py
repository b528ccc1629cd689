"""Optimizer and judge, worked out by hand, and against floors that are known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from siteopt.instance import Instance, Pool
from siteopt.optimize.clock import Clock
from siteopt.optimize.dominance import has_same_supply
from siteopt.optimize.monolithic import Monolithic, monolithic
from siteopt.optimize.power_quality_loop import Check, LoopResult, MinimumSupport, Raised, power_quality_loop
from siteopt.optimize.search import search, searching
from siteopt.plan import Ranking, SitePlan
from siteopt.record.base import RunOutcome
from siteopt.record.reason import ReasonCode, because
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import lacking
from tests.instances import QUALITY, battery, condenser, forming, generator, tiny
from tests.optimize import brute_force
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import assert_same, key, thorough

TWO_SITES = [{"site_cost_musd": 1.0}, {"site_cost_musd": 3.0}]


def never() -> bool:
    return False


def looped(
    pool: Pool,
    check: Check,
    max_iterations: int = 100,
    optimise: Callable[[Pool], Ranking] | None = None,
    is_over: Callable[[], bool] = never,
) -> LoopResult:
    """The loop with the search, or with a function that solves each pool from nothing."""
    if optimise is not None:
        return power_quality_loop(pool, Solved(optimise), check, max_iterations, is_over)
    with searching(pool, Clock()) as optimiser:
        return power_quality_loop(pool, optimiser, check, max_iterations, is_over)


class Solved(Monolithic):
    """An optimiser made of a function from a pool to its ranking."""

    def __init__(self, optimise: Callable[[Pool], Ranking]) -> None:
        super().__init__(Clock())
        self.optimise = optimise

    def chosen(self, pool: Pool, raised: Collection[int] = ()) -> SitePlan | None:
        self.before, self.found = self.found, self.optimise(pool)
        return self.found.plan


def batteries(mw: float, milestones: int = 1) -> MinimumSupport:
    return MinimumSupport(np.full(milestones, mw), np.zeros(milestones))


def there(found: SitePlan) -> MinimumSupport:
    """What a plan has of batteries and inertia."""
    instance = found.instance
    units = found.plan.units[:, instance.phases(found.plan.day).own]
    each = instance.rating_mw[0][:, None] * units
    spinning = (instance.inertia_s[:, None] * each)[instance.of_kind("generator")]
    return MinimumSupport(each[instance.of_kind("battery")].sum(axis=0), spinning.sum(axis=0))


def knowing(instance: Instance) -> Check:
    """A judge that knows the floors of every site of an Instance beforehand, and asks for them."""

    def check(found: SitePlan) -> MinimumSupport | None:
        s, has = instance.site_id.index(found.instance.site_id[0]), there(found)
        asked = MinimumSupport(instance.min_battery_mw[s], instance.min_inertia_mws[s])
        reached = (has.battery_mw >= asked.battery_mw - 1e-6) & (has.inertia_mws >= asked.inertia_mws - 1e-6)
        return None if reached.all() else asked

    return check


def without_minimum(instance: Instance) -> Instance:
    """The same without floors."""
    nothing = np.zeros((instance.sites, instance.milestones))
    return replace(instance, min_battery_mw=nothing, min_inertia_mws=nothing)


def said(found: LoopResult) -> list[tuple[str, float, bool]]:
    return [(checked.site_id, checked.cost_musd, checked.minimum is None) for checked in found.iterations]


def test_a_plan_that_passes_ends_it() -> None:
    pool = tiny([battery()], TWO_SITES)
    found = looped(pool, lambda _: None)
    assert said(found) == [("s0", pytest.approx(1), True)]
    assert found.passes
    assert found.pool is pool
    assert found.ranking.solves == search(pool).solves
    assert list(found.iterations[0].day) == [10]


def test_minimum_values_are_raised_where_they_are_asked_for() -> None:
    # s0 needs three batteries and then costs 4 million; s1 at 3 million is chosen, needs two and costs 5; so s0 it is
    asked = {"s0": 3.0, "s1": 2.0}
    larger = [{"site_cost_musd": 1.0}, {"site_cost_musd": 3.0, "grid_mw": 99.0, "compute_ready_day": [9]}]
    instance = tiny([battery()], larger, order=(-1, 0), min_battery_mw=np.array([[3.0], [2.0]]))
    found = looped(without_minimum(instance), knowing(instance))
    assert said(found) == [("s0", pytest.approx(1), False), ("s1", pytest.approx(3), False), ("s0", 4, True)]
    assert found.passes
    assert [float(checked.minimum.battery_mw[0]) for checked in found.iterations if checked.minimum] == list(
        asked.values()
    )
    assert found.pool.exact(np.array([1, 0])).min_battery_mw.tolist() == [[2.0], [3.0]]
    assert found.ranking.best is not None
    assert found.ranking.best.best is not None
    assert found.ranking.best.best.instance.min_battery_mw.tolist() == [[3.0]]


@pytest.mark.parametrize("larger", [{}, {"grid_mw": 99.0}])
def test_a_site_with_the_same_best_plan_is_not_chosen_in_turn(larger: dict[str, float]) -> None:
    """Dominated or not: the plan at s0 is the best of both sites, so what it lacks there is lacking at both."""
    asked = []

    def check(found: SitePlan) -> MinimumSupport | None:
        asked.append(found.instance.site_id[0])
        return None if there(found).battery_mw[0] >= 2.5 else batteries(2.5)

    found = looped(tiny([battery()], [TWO_SITES[0], TWO_SITES[1] | larger]), check)
    assert said(found) == [("s0", pytest.approx(1), False), ("s0", pytest.approx(4), True)]
    assert asked == ["s0", "s1", "s0"] if larger else ["s0", "s0"]
    assert found.pool.exact(np.array([0, 1])).min_battery_mw.tolist() == [[2.5], [2.5]]


def test_a_plan_is_not_compared_between_sites_with_other_grid_steps() -> None:
    steps = [{"site": 1, "ready_day": 3, "rise_mw": 5.0, "rise_swing_mw": 1.0, "cost_musd": 0.0}]

    def check(found: SitePlan) -> MinimumSupport | None:
        return None if there(found).battery_mw[0] > 2 else batteries(2.5)

    found = looped(tiny([battery()], TWO_SITES, steps), check)
    assert [checked.site_id for checked in found.iterations] == ["s0", "s1", "s0"]


def test_a_better_plan_found_at_the_end_is_checked_as_well() -> None:
    """Ranks are confirmed before the last ranking; where that changes the plan, the loop goes on with it."""
    pool = tiny([battery()])

    class Wrong(Solved):
        def chosen(self, pool: Pool, raised: Collection[int] = ()) -> SitePlan | None:
            best = super().chosen(pool, raised)
            assert best is not None
            units = best.plan.units + (len(seen) == 0)
            return replace(best, plan=replace(best.plan, units=units))

        def settled(self) -> SitePlan | None:
            assert self.found is not None
            return self.found.plan

        def ranking(self, earlier: SitePlan | None = None) -> Ranking:
            rankings.append(super().ranking(earlier))
            return rankings[-1]

    seen: list[int] = []
    rankings: list[Ranking] = []

    def check(found: SitePlan) -> None:
        seen.append(int(found.plan.units.sum()))

    found = power_quality_loop(pool, Wrong(search), check, 100, never)
    assert seen == [1, 0]
    assert found.passes
    assert len(found.iterations) == len(rankings) == 1


def test_a_site_that_is_never_chosen_is_never_checked() -> None:
    checked = []

    def check(found: SitePlan) -> None:
        checked.append(found.instance.site_id[0])

    looped(tiny([battery()], TWO_SITES), check)
    assert checked == ["s0"]


def replays(found: SitePlan) -> MinimumSupport | None:
    """The check of siteopt: a plan is replayed electrically."""
    asked = lacking(found.instance, Orders(found.plan.day, found.plan.units, found.plan.step))
    return None if asked is None else MinimumSupport(*asked)


@pytest.mark.parametrize(("dear", "cheap"), [("condenser", 2), ("forming", 3)])
def test_a_plant_without_machines_gets_the_inertia_that_is_cheaper(dear: str, cheap: int) -> None:
    """Fuel cells of 20 MW without a grid; batteries that follow them are the cheapest, and keep no frequency."""
    cell = {"inertia_s": 0.0, "droop": 0.04, "governor_s": 0.1, "ramp_per_s": 0.1 / 60, "step_fraction": 0.3}
    price = {"condenser": 1.0, "forming": 1.0, dear: 9.0}
    offers = [
        generator(rating_mw=2.0, **cell),
        battery(rating_mw=5.0, energy_mwh=10.0, unit_cost_musd=0.5),
        forming(rating_mw=5.0, energy_mwh=10.0, unit_cost_musd=price["forming"]),
        condenser(rating_mw=5.0, own_load_mw=0.05, unit_cost_musd=price["condenser"]),
    ]
    instance = tiny(
        offers,
        [{"grid_mw": 0.0, "grid_swing_mw": 0.0}],
        it_mw=(16.0,),
        load_step_amplitude=0.4,
        load_factor=0.8,
        power_quality=replace(QUALITY, iso_class="G2"),
    )
    found = looped(instance, replays)
    assert found.passes
    first, *others = found.iterations
    assert first.minimum is not None
    assert others
    assert found.ranking.best is not None
    assert found.ranking.best.best is not None
    plan = found.ranking.best.best
    units = plan.plan.units[:, 0]
    inertia = float(plan.instance.supply("inertia", np.arange(4))[0] @ units)
    assert inertia >= found.pool.exact(np.array([0])).min_inertia_mws[0, 0] > 0
    # the dearer of both is left out
    assert (units[cheap] > 0, units[5 - cheap]) == (True, 0)


def test_nothing_can_serve() -> None:
    found = looped(tiny([battery()], TWO_SITES), lambda _: batteries(np.inf))
    assert [checked.site_id for checked in found.iterations] == ["s0"]  # s1 lacks the same
    assert found.ranking.outcome is RunOutcome.NO_SITE
    assert not found.passes
    endless = because(ReasonCode.QUALITY_UNATTAINABLE, milestone="m0", limit="battery power")
    assert [result.reason for result in found.ranking.results] == [endless, endless]


@pytest.mark.parametrize("asked", [1.0, 0.001])
def test_each_round_has_another_plan_whatever_the_check_asks_for(asked: float) -> None:
    # asked for no more than there is, the floor rises by 0.1 MW above it: one battery more each time, up to all ten
    found = looped(tiny([battery()]), lambda _: batteries(asked))
    assert [checked.cost_musd for checked in found.iterations] == pytest.approx([1 + count for count in range(11)])
    assert found.ranking.outcome is RunOutcome.NO_SITE
    assert found.pool.exact(np.array([0])).min_battery_mw == pytest.approx(10.1)


def test_large_floors_rise_by_a_share() -> None:
    # three batteries of 100 MW are there, and 300 MW asked for: 303
    instance = tiny([battery(rating_mw=100.0)], min_battery_mw=np.array([[300.0]]))
    found = looped(instance, lambda _: batteries(300.00001), max_iterations=2)
    assert said(found) == [("s0", pytest.approx(4), False), ("s0", pytest.approx(5), False)]
    assert found.pool.exact(np.array([0])).min_battery_mw == pytest.approx(303.0)


def test_only_what_is_asked_for_rises() -> None:
    # 4 MW s are there at the second milestone; no batteries are asked for, and nothing at the first
    offers = [generator(inertia_s=2.0), battery()]
    instance = tiny(offers, [{"grid_mw": 10.0}], it_mw=(10.0, 12.0))
    asked = MinimumSupport(np.zeros(2), np.array([0.0, 3.0]))
    found = looped(instance, lambda _: asked, max_iterations=2)
    raised = found.pool.exact(np.array([0]))
    assert raised.min_battery_mw.tolist() == [[0.0, 0.0]]
    assert raised.min_inertia_mws[0] == pytest.approx([0.0, 4.1])
    assert said(found) == [("s0", pytest.approx(3), False), ("s0", pytest.approx(4), False)]


def test_a_floor_never_falls() -> None:
    # first two batteries are asked for, then inertia of 3 MW s and nothing else: both stay
    def check(found: SitePlan) -> MinimumSupport | None:
        has = there(found)
        if has.battery_mw[0] < 2:
            return batteries(2.0)
        return MinimumSupport(np.zeros(1), np.full(1, 3.0)) if has.inertia_mws[0] < 3 else None

    found = looped(tiny([generator(), battery()]), check)
    assert said(found) == [("s0", pytest.approx(1), False), ("s0", 3, False), ("s0", 6, True)]


def test_it_ends_when_no_round_or_no_time_is_left() -> None:
    pool = tiny([battery()])
    for found in (
        looped(pool, lambda _: batteries(1.0), max_iterations=1),
        looped(pool, lambda _: batteries(1.0), is_over=lambda: True),
        looped(pool, lambda _: batteries(1.0), optimise=lambda it: replace(search(it), outcome=RunOutcome.LIMIT)),
    ):
        assert len(found.iterations) == 1
        assert found.iterations[0].minimum is not None
        assert not found.passes
        assert found.pool is pool
        assert found.ranking.best is not None


def test_a_limit_without_a_plan() -> None:
    def optimise(pool: Pool) -> Ranking:
        none = {"outcome": RunOutcome.LIMIT, "results": ()}
        return replace(search(pool), **(none if isinstance(pool, Raised) else {}))

    found = looped(tiny([battery()]), lambda _: batteries(1.0), optimise=optimise)
    assert len(found.iterations) == 1
    assert found.ranking.outcome is RunOutcome.LIMIT
    assert not found.passes


def test_a_check_must_ask_for_something() -> None:
    with pytest.raises(ValueError, match="the plan at s0 does not pass, and the check requires nothing"):
        looped(tiny([battery()]), lambda _: batteries(0.0))


def test_a_raised_pool_is_its_pool_but_for_its_floors() -> None:
    instance = tiny([battery()], [{}, {}, {}], min_battery_mw=np.array([[1.0], [2.0], [3.0]]))
    raised = Raised(instance, {1: MinimumSupport(np.array([1.5]), np.array([7.0])), 2: batteries(4.0)})
    assert raised.site_id == instance.site_id
    for part in (raised.exact(np.array([2, 0, 1])), raised.optimistic(np.array([2, 0, 1]))):
        assert part.site_id == ("s2", "s0", "s1")
        assert part.min_battery_mw.tolist() == [[4.0], [1.0], [2.0]]
        assert part.min_inertia_mws.tolist() == [[0.0], [0.0], [7.0]]
    assert raised.exact(np.array([0])).min_battery_mw.tolist() == [[1.0]]
    assert raised.exact(np.zeros(0, dtype=np.int64)).sites == 0
    assert instance.min_battery_mw.tolist() == [[1.0], [2.0], [3.0]]


def same_floors(instance: Instance) -> Instance:
    """The same, but sites with the same supply have the same floors: those of the first of them."""
    first = [
        int(np.flatnonzero(has_same_supply(instance.take(np.array([s])), instance))[0]) for s in range(instance.sites)
    ]
    return replace(
        instance, min_battery_mw=instance.min_battery_mw[first], min_inertia_mws=instance.min_inertia_mws[first]
    )


@thorough
@given(instances().map(same_floors))
def test_the_answer_is_that_of_floors_known_beforehand(instance: Instance) -> None:
    found = looped(without_minimum(instance), knowing(instance))
    assert_same(key(found.ranking), brute_force.best(instance))
    assert found.passes == (found.ranking.best is not None)
    assert len(found.iterations) <= 2 * instance.sites
    sites = [checked.site_id for checked in found.iterations]
    assert_same(
        key(found.ranking), key(looped(without_minimum(instance), knowing(instance), optimise=monolithic).ranking)
    )
    assert all(checked.minimum is not None for checked in found.iterations[: -1 if found.passes else None])
    assert all(sites.count(site) <= 2 for site in sites)
