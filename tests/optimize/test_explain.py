"""What would have to change about a site, worked out by hand in tiny cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from siteopt.findings import Adjustment, Findings, Lever, Shortfall
from siteopt.instance import Instance
from siteopt.optimize.clock import Clock
from siteopt.optimize.explain import Target, findings, shortfalls, to_win
from siteopt.optimize.search import search
from siteopt.optimize.targets import is_reached, to_serve
from siteopt.record.base import Standing
from siteopt.record.reason import ReasonCode, because
from tests.examples import many
from tests.instances import battery, chiller, generator, tiny
from tests.optimize.mixed_explain import ArrayVariants
from tests.optimize.random_instances import instances

GRID = Lever("grid_mw", 4.0, 500.0, 1.0)
HANDOVER = Lever("handover_days", 9.0, 0.0, -1.0)
COST = Lever("site_cost_usd", 3e6, 0.0, -1e5)
YARD = Lever("yard_area_m2", 400.0, 5000.0, 100.0)


def changed(instance: Instance, changes: Sequence[Adjustment]) -> Instance:
    """An Instance of one site as the geodata would make it: more grid is a step, units come with the access."""
    for change in changes:
        lever, value = change.lever, change.value
        if lever is GRID:
            rise = np.array([value - instance.grid_mw[0]])
            new: dict[str, Any] = {"site": np.zeros(1, dtype=np.int64), "ready_day": np.array([change.by_day])}
            new |= {"rise_mw": rise, "rise_swing_mw": 0.0 * rise, "cost_musd": 0.0 * rise, "commissioned_mw": rise}
            assert not len(instance.step_site)
            instance = replace(instance, **{f"step_{name}": values for name, values in new.items()})
        elif lever is HANDOVER:
            sooner = int(lever.now - value)
            instance = replace(instance, compute_ready_day=instance.compute_ready_day - sooner)
        elif lever is COST:
            instance = replace(instance, site_cost_musd=np.array([value / 1e6]))
        else:
            assert lever is YARD
            instance = replace(instance, yard_m2=np.array([value]))
    return instance


def why(instance: Instance, site: int, *levers: Lever) -> Findings:
    own = instance.take(np.array([site]))
    return findings(instance, site, levers, lambda changes: changed(own, changes), Clock())


def values(found: Findings) -> list[list[tuple[str, float, int]]]:
    return [[(change.lever.column, change.value, change.by_day) for change in way] for way in found.changes]


def two_sites(
    first: Mapping[str, Any], second: Mapping[str, Any], offers: Sequence[Mapping[str, Any]] = (battery(),), **more: Any
) -> Instance:
    return tiny(offers, [first, second], **more)


def test_more_grid() -> None:
    # 10 MW of load on 4 MW of grid wait for generators of day 30; the winner trains on day 10, and is dearer
    instance = two_sites({}, {"grid_mw": 4.0, "site_cost_musd": 0.5}, [generator(arrival_day=30)], commissioning_days=3)
    found = why(instance, 1, GRID)
    assert found.rival is not None
    assert found.rival.site_id == "s0"
    assert found.site.best is not None
    assert list(found.site.best.plan.day) == [33]
    assert values(found) == [[("grid_mw", 10.0, 10)]]


def test_grid_is_wanted_no_sooner_than_needed() -> None:
    # the first milestone needs no more than there is; the second, on day 20, does
    ready = {"compute_ready_day": [10, 20]}
    instance = two_sites(
        ready, {"grid_mw": 4.0, "site_cost_musd": 0.5} | ready, [generator(arrival_day=30)], it_mw=(3.0, 9.0)
    )
    assert values(why(instance, 1, GRID)) == [[("grid_mw", 9.0, 20)]]


def test_grid_in_place_of_a_step_that_is_too_dear() -> None:
    # the step of day 25 costs more than the budget; a grid that makes it needless may come on that day, not later
    own = tiny([], [{"grid_mw": 4.0}], [{"site": 0, "ready_day": 25, "rise_mw": 5.0, "cost_musd": 50.0}], budget_musd=9)
    vary = ArrayVariants(own)
    (grid,) = (lever for lever in vary.levers if lever.column == "grid_mw")
    found = findings(own, 0, [grid], vary, Clock())
    assert [(change.value, change.by_day) for change in found.changes[0]] == [(pytest.approx(10.0, abs=1.3), 25)]
    assert not is_reached(vary([replace(found.changes[0][0], by_day=26)]), to_serve(own), Clock())


def test_grid_before_a_step_that_would_do_but_takes_long() -> None:
    # the winner trains on day 33; the step of day 25 takes 9 days to commission, so other grid must come before it
    later = [{"site": 1, "ready_day": 25, "rise_mw": 6.0}]
    sites = [{"compute_ready_day": 30}, {"grid_mw": 4.0, "site_cost_musd": 0.5}]
    both = tiny([], sites, later, commissioning_days=3, commissioning_mw_per_day=1.0)
    vary = ArrayVariants(both.take(np.array([1])))
    found = findings(both, 1, [lever for lever in vary.levers if lever.column == "grid_mw"], vary, Clock())
    assert [change.by_day for change in found.changes[0]] == [24]


def test_earlier_access() -> None:
    # nine days late and cheaper: a tie in days is enough; dearer, it must be a day sooner, and ten days are not there
    cheap, dear = {"compute_ready_day": 19, "site_cost_musd": 0.5}, {"compute_ready_day": 19, "site_cost_musd": 2.0}
    assert values(why(two_sites({}, cheap), 1, HANDOVER)) == [[("handover_days", 0.0, 0)]]
    assert values(why(two_sites({}, dear), 1, HANDOVER)) == []
    assert values(why(two_sites({}, {"compute_ready_day": 18, "site_cost_musd": 2.0}), 1, HANDOVER)) == [
        [("handover_days", 0.0, 0)]
    ]


def test_lower_cost() -> None:
    # USD 3 M against 2: the later site_id must be below, the earlier one wins the tie
    dear, cheap = {"site_cost_musd": 3.0}, {"site_cost_musd": 2.0}
    assert values(why(two_sites(cheap, dear), 1, COST)) == [[("site_cost_usd", pytest.approx(1.9e6), 0)]]
    assert values(why(two_sites(dear, cheap), 0, COST)) == [[("site_cost_usd", pytest.approx(2.0e6), 0)]]


def test_each_lever_alone() -> None:
    # the yard takes four of the six quick units; either the grid or the yard makes room
    offers = [generator(footprint_m2=100.0), generator(arrival_day=30)]
    instance = two_sites({"site_cost_musd": 20.0}, {"grid_mw": 4.0, "yard_m2": 400.0}, offers)
    assert values(why(instance, 1, GRID, COST, YARD)) == [[("grid_mw", 6.0, 10)], [("yard_area_m2", 600.0, 0)]]


def test_two_levers_together() -> None:
    late_and_weak = {"compute_ready_day": 15, "grid_mw": 4.0, "site_cost_musd": 0.5}
    instance = two_sites({}, late_and_weak, [generator(arrival_day=30)])
    assert values(why(instance, 1, COST, GRID, HANDOVER)) == [[("grid_mw", 10.0, 10), ("handover_days", 4.0, 0)]]


def test_no_change_is_enough() -> None:
    # the GPUs come on day 12, and nothing about the site brings them sooner
    instance = two_sites({}, {"compute_ready_day": 12})
    found = why(instance, 1, GRID, COST)
    assert found.changes == ()
    assert found.proven


def test_the_winner_is_beside_the_runner_up() -> None:
    instance = tiny([battery()], [{"site_cost_musd": 3.0}, {}, {"site_cost_musd": 2.0}])
    found = why(instance, 1, COST)
    assert found.site.standing is Standing.CHOSEN
    assert found.rival is not None
    assert found.rival.site_id == "s2"
    assert found.changes == ()


def test_shortfall_by_arithmetic() -> None:
    # five of the six units that are needed, half of the heat, and hall for one of two milestones
    cold = chiller(available_units=5, cop=1e9)
    instance = tiny(
        [generator(available_units=5), cold],
        [{"grid_mw": 4.0, "hall_capacity_gpus": 1500.0}],
        it_mw=(8.0, 10.0),
        heat_fraction=1.0,
    )
    clock = Clock()
    found = shortfalls(instance, clock)
    assert clock.solves == 0
    assert [(short.limit, short.milestone, short.unit) for short in found] == [
        ("cooling", "m0", "MW of heat"),
        ("floor area", "m1", "GPUs"),
        ("cooling", "m1", "MW of heat"),
        ("mean power", "m1", "MW"),
        ("peak power", "m1", "MW"),
    ]
    assert [short.missing for short in found] == pytest.approx([3, 500, 5, 1, 1])
    assert [short.needed for short in found] == pytest.approx([8, 2000, 10, 10, 10])


def test_day_beyond_the_horizon() -> None:
    assert shortfalls(tiny(sites=[{"compute_ready_day": 70}]), Clock()) == (
        Shortfall("GPU deliveries", "m0", 10, "days", 70),
    )
    never = shortfalls(tiny(sites=[{"compute_ready_day": 1_000_000}]), Clock())
    assert never[0].missing == math.inf


def test_shortfall_that_only_solving_finds() -> None:
    # ten units would do; the yard takes five, so 1 MW is missing, and 100 m2 would let the sixth in
    instance = tiny([generator(footprint_m2=100.0)], [{"grid_mw": 4.0, "yard_m2": 500.0}])
    clock = Clock()
    found = shortfalls(instance, clock)
    assert clock.solves > 0
    assert [(short.limit, short.milestone, short.unit) for short in found] == [
        ("mean power", "m0", "MW"),
        ("peak power", "m0", "MW"),
    ]
    assert [short.missing for short in found] == pytest.approx([1, 1])
    assert values(why(instance, 0, GRID, YARD)) == [[("grid_mw", 5.0, 60)], [("yard_area_m2", 600.0, 0)]]


def test_shortfall_from_a_day_on_which_a_limit_falls() -> None:
    # of 10 MW, non-firm import carries 5 until day 20; then only the five generators that the yard takes are left
    change = {"site": 0, "day": 20, "nonfirm_mw": 0.0}
    offers, site = [generator(footprint_m2=100.0)], {"grid_mw": 4.0, "nonfirm_mw": 5.0, "yard_m2": 500.0}
    found = shortfalls(tiny(offers, [site], changes=[change], accept_nonfirm=True), Clock())
    assert [(short.limit, short.milestone) for short in found] == [("mean power", "m0"), ("peak power", "m0")]
    assert [short.missing for short in found] == pytest.approx([1, 1])


def test_floors_of_power_quality_are_missing() -> None:
    # batteries of 10 MW where 12.5 are asked for, inertia of 20 MW s for 25, and no end to what the second asks for
    offers = [battery(), generator(inertia_s=2.0)]
    instance = tiny(
        offers,
        it_mw=(8.0, 10.0),
        min_battery_mw=np.array([[12.5, np.inf]]),
        min_inertia_mws=np.array([[0.0, 25.0]]),
    )
    assert shortfalls(instance, Clock()) == (
        Shortfall("battery power", "m0", 2.5, "MW", 12.5),
        Shortfall("battery power", "m1", math.inf, "MW", math.inf),
        Shortfall("inertia", "m1", 5.0, "MW s", 25.0),
    )


def test_floors_that_only_solving_finds_short() -> None:
    # the yard takes five units of 100 m2: four batteries and two generators are asked for
    offers = [battery(footprint_m2=100.0), generator(footprint_m2=100.0, inertia_s=4.0)]
    minima = {"min_battery_mw": np.array([[4.0]]), "min_inertia_mws": np.array([[8.0]])}
    instance = tiny(offers, [{"yard_m2": 500.0}], **minima)
    found = shortfalls(instance, Clock())
    # a battery less is a quarter of what is asked for, a generator less a half
    assert [(short.limit, short.milestone, short.unit) for short in found] == [("battery power", "m0", "MW")]
    assert found[0].missing == pytest.approx(1)
    # the variants of a site know no floors, and are held to them all the same
    nothing = np.zeros((1, 1))
    without_minimum = replace(instance, min_battery_mw=nothing, min_inertia_mws=nothing)
    ways = findings(instance, 0, [YARD], lambda changes: changed(without_minimum, changes), Clock())
    assert values(ways) == [[("yard_area_m2", 600.0, 0)]]


def test_no_change_lets_a_site_reach_an_endless_floor() -> None:
    instance = two_sites({}, {}, min_inertia_mws=np.array([[0.0], [np.inf]]))
    found = why(instance, 1, GRID, YARD)
    assert found.site.standing is Standing.CANNOT_SERVE
    assert found.site.reason == because(ReasonCode.QUALITY_UNATTAINABLE, milestone="m0", limit="inertia")
    assert found.shortfalls == found.still_short == (Shortfall("inertia", "m0", math.inf, "MW s", math.inf),)
    assert found.changes == ()


def test_only_money_is_missing() -> None:
    # the site and six units cost USD 7 M
    (short,) = shortfalls(tiny([generator()], [{"grid_mw": 4.0}], budget_musd=6.9), Clock())
    assert (short.limit, short.unit) == ("budget", "million USD")
    assert short.missing == pytest.approx(0.1)


def test_what_is_missing_even_at_its_best() -> None:
    found = why(tiny([battery()], [{"grid_mw": 4.0, "compute_ready_day": 70}]), 0, GRID)
    assert found.site.standing is Standing.CANNOT_SERVE
    assert found.changes == ()
    assert [short.limit for short in found.still_short] == ["GPU deliveries"]


def test_targets_follow_the_objective() -> None:
    instance = tiny(it_mw=(1.0, 2.0), order=(0, -1, 1))
    first, cost, last = to_win(instance, (10.0, 7e5, 20.0), wins_ties=True)
    assert first == Target((9, 60), math.inf)
    assert (cost.days, last.days) == ((10, 60), (10, 20))
    assert (cost.budget_musd, last.budget_musd) == pytest.approx((7 - 1e-5, 7.0))


class Few(Clock):
    """A clock that is over after so many MILPs."""

    most = 0

    @property
    def is_over(self) -> bool:
        return self.solves >= self.most


@pytest.mark.parametrize("site", [0, 1])
def test_out_of_time(site: int) -> None:
    offers = [generator(footprint_m2=100.0), generator(arrival_day=30)]
    instance = two_sites({"site_cost_musd": 20.0}, {"grid_mw": 4.0, "yard_m2": 400.0}, offers)
    own, whole = instance.take(np.array([site])), why(instance, site, GRID, YARD)
    for most in range(200):
        clock = Few()
        clock.most = most
        found = findings(instance, site, [GRID, YARD], lambda changes: changed(own, changes), clock)
        assert found.site.site_id == instance.site_id[site]
        assert found.rival is None or found.rival.site_id != found.site.site_id
        assert found.changes == whole.changes[: len(found.changes)]
        if found.proven:
            break
    assert found.proven
    assert most > 2
    assert found.changes == whole.changes


@many(40)
@given(instances())
def test_a_change_makes_the_site_win_and_one_notch_less_does_not(instance: Instance) -> None:
    best = search(instance).best
    if best is None:
        return
    for s in range(instance.sites):
        if instance.site_id[s] == best.site_id:
            continue
        own = instance.take(np.array([s]))
        yard = Lever("yard_m2", float(own.yard_m2[0]), 50.0, 1.0)
        water = Lever("water_m3_per_day", float(own.water_m3_per_day[0]), 500.0, 10.0)
        cost = Lever("site_cost_musd", float(own.site_cost_musd[0]), 0.0, -0.1)
        levers = [lever for lever in (yard, water, cost) if math.isfinite(lever.now)]

        def vary(changes: Sequence[Adjustment], own: Instance = own) -> Instance:
            return replace(own, **{change.lever.column: np.array([change.value]) for change in changes})

        def is_chosen(changes: Sequence[Adjustment], s: int = s, vary: Callable[..., Instance] = vary) -> bool:
            one = vary(changes)
            arrays = {
                name: getattr(instance, name).copy() for name in ("yard_m2", "water_m3_per_day", "site_cost_musd")
            }
            for name, array in arrays.items():
                array[s] = getattr(one, name)[0]
            found = search(replace(instance, **arrays)).best
            return found is not None and found.site_id == instance.site_id[s]

        found = findings(instance, s, levers, vary, Clock())
        assert found.proven
        if found.site.best is None:
            continue
        for way in found.changes:
            assert is_chosen(way)
            for change in way:
                less = round((change.value - change.lever.now) / change.lever.notch) - 1
                assert not is_chosen([other for other in way if other is not change] + [change.lever.moved(less)])


@many(60)
@given(instances())
def test_a_site_lacks_something_where_it_cannot_serve(instance: Instance) -> None:
    for result in search(instance).results:
        if result.standing is Standing.CANNOT_SERVE:
            own = instance.take(np.array([instance.site_id.index(result.site_id)]))
            found = shortfalls(own, Clock())
            assert found
            assert all(short.missing > 0 for short in found)
