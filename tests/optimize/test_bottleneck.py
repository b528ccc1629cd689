"""Days saved if a limit were free, worked out by hand, and against their definition."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from siteopt.instance import QUEUES, Instance
from siteopt.optimize.bottleneck import LIMITS, SEVERAL, bottlenecks, days_saved
from siteopt.optimize.clock import Clock, Undecided
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.search import search
from siteopt.plan import Plan, SitePlan
from tests.examples import many
from tests.instances import chiller, generator, tiny
from tests.optimize.random_instances import instances


def best_of(instance: Instance) -> SitePlan:
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert best.days_saved == days_saved(best.best, Clock())
    return best.best


def saved(instance: Instance) -> list[dict[str, int]]:
    return list(days_saved(best_of(instance), Clock()))


def test_a_queue_saves_what_its_free_day_says() -> None:
    relaxed = np.full((1, 1, len(QUEUES)), 10)
    relaxed[0, 0, QUEUES.index("halls")], relaxed[0, 0, QUEUES.index("network")] = 3, 8
    assert saved(tiny(queue_relaxed_day=relaxed)) == [{"halls": 7, "network": 2}]


def test_a_queue_that_waits_longer_is_tried_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    # without halls the GPUs are ready on day 3, without the network on day 8; the others are in vain
    relaxed = np.full((1, 1, len(QUEUES)), 10)
    relaxed[0, 0, QUEUES.index("halls")], relaxed[0, 0, QUEUES.index("network")] = 3, 8
    best, asked, any_plan = best_of(tiny(queue_relaxed_day=relaxed)), list[int](), FixedDays.any_plan

    def counted(self: FixedDays, limit_musd: float = math.inf) -> Plan | None:
        asked.append(int(self.days[0]))
        return any_plan(self, limit_musd)

    monkeypatch.setattr(FixedDays, "any_plan", counted)
    (first,) = bottlenecks(best, Clock())
    assert first.limit == "halls"
    assert asked == [9]


def test_shells_that_are_never_ready_in_time_need_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    # one type has the first milestone ready on day 5, the other the second on day 8; none has both
    instance = tiny(
        [generator()],
        [{"grid_mw": 20.0}],
        it_mw=(5.0, 10.0),
        option_site=np.zeros(2, dtype=np.int64),
        option_shell=np.arange(2),
        option_day=np.zeros(2, dtype=np.int64),
        option_count=np.ones(2, dtype=np.int64),
        option_ready_day=np.array([[5, 12], [9, 8]]),
        compute_ready_day=np.array([[5, 8]]),
    )
    for days, is_open in (([5, 8], False), ([5, 12], True), ([9, 9], True)):
        on = FixedDays(instance, days, Clock())
        assert (on.any_plan() is not None) == is_open
        assert ("model" in vars(on)) == is_open


def test_a_free_queue_saves_no_more_than_the_chillers_allow() -> None:
    instance = tiny([chiller(arrival_day=6)], heat_fraction=1.0)
    assert saved(instance) == [{"GPU deliveries": 4}]


def test_two_limits_of_one_milestone() -> None:
    # six units of 5 crew-days by 2 crews from day 12 end on day 27; more crews: day 12; no heat to remove: no unit
    instance = tiny(
        [chiller(crew_days=5.0, arrival_day=12)], it_mw=(6.0,), heat_fraction=1.0, crews=np.array([2.0, 2.0])
    )
    assert saved(instance) == [{"cooling": 17, "crew": 15}]


def test_an_undecided_trial_saves_no_days(monkeypatch: pytest.MonkeyPatch) -> None:
    any_plan = FixedDays.any_plan

    def undecided_without_crews(self: FixedDays, limit_musd: float = math.inf) -> Plan | None:
        if "crew" in self.relaxed:
            raise Undecided
        return any_plan(self, limit_musd)

    monkeypatch.setattr(FixedDays, "any_plan", undecided_without_crews)
    instance = tiny(
        [chiller(crew_days=5.0, arrival_day=12)], it_mw=(6.0,), heat_fraction=1.0, crews=np.array([2.0, 2.0])
    )
    assert saved(instance) == [{"cooling": 17}]


def test_a_limit_that_alone_saves_nothing_is_not_named() -> None:
    # the site is handed over for GPUs on day 10, and 20 crew-days of chillers by 2 crews end then, too
    relaxed = np.full((1, 1, len(QUEUES)), 10)
    relaxed[0, 0, 0] = 0
    instance = tiny(
        [chiller(crew_days=20 / 6)],
        it_mw=(6.0,),
        heat_fraction=1.0,
        crews=np.array([2.0, 2.0]),
        queue_relaxed_day=relaxed,
    )
    best = best_of(instance)
    assert list(best.plan.day) == [10]
    assert saved(instance) == [{}]
    assert bottlenecks(best, Clock()) == bottlenecks(best, Clock(), ({},)) == (SEVERAL,)


def test_days_in_between_are_found_by_bisection() -> None:
    # the yard takes four early units, so the milestone waits for the late ones; without that limit one crew sets all
    # six early ones up from day 12 to day 18, and with any number of crews nothing is won
    early, late = generator(footprint_m2=1.0, arrival_day=12, crew_days=1.0), generator(arrival_day=30)
    instance = tiny([early, late], [{"grid_mw": 4.0, "yard_m2": 4.0}], crews=np.array([1.0, 1.0]))
    assert list(best_of(instance).plan.day) == [30]
    assert saved(instance) == [{"yard": 12}]


def test_later_milestones_do_not_stand_in_the_way() -> None:
    instance = tiny(
        [chiller(arrival_day=5, available_units=10), chiller(arrival_day=40)], it_mw=(10.0, 12.0), heat_fraction=1.0
    )
    assert list(best_of(instance).plan.day) == [10, 40]
    assert saved(instance) == [{"GPU deliveries": 5}, {"cooling": 30}]


def test_a_milestone_that_comes_late_in_the_order_is_no_later_than_the_next_one() -> None:
    # the second milestone may wait, and is asked for by the third one's day; from day 40 on there is less gas
    relaxed = np.repeat([[[5], [12], [19]]], len(QUEUES), axis=2)
    relaxed[0, :, QUEUES.index("halls")] = [4, 12, 16]
    ready, change = {"compute_ready_day": [5, 12, 19]}, {"day": 40, "gas_mw": 50.0}
    late = tiny([], [ready], changes=[change], it_mw=(1.0, 2.0, 3.0), order=(2, 0, -1, 1), queue_relaxed_day=relaxed)
    assert saved(late) == [{"halls": 1}, {}, {"halls": 3}]


def test_cost_before_days_is_a_limit_itself() -> None:
    offers = [generator(unit_cost_musd=5.0), generator(arrival_day=28)]
    assert saved(tiny(offers, [{"grid_mw": 4.0}], order=(-1, 0))) == [{"cost": 18}]


def test_no_limit_alone() -> None:
    # two queues on the same day
    instance = tiny(queue_relaxed_day=np.full((1, 1, len(QUEUES)), 10))
    assert saved(instance) == [{}]
    assert bottlenecks(best_of(instance), Clock()) == (SEVERAL,)


@many(60)
@given(instances())
def test_names_and_days_agree(instance: Instance) -> None:
    best = search(instance).best
    if best is None or best.best is None:
        return
    assert bottlenecks(best.best, Clock()) == best.limited_by
    for table in best.days_saved:
        assert set(table) <= set(LIMITS)
        assert list(table.values()) == sorted(table.values(), reverse=True)


RELAXED = {
    "crew": {"crews": np.full((2, 1), np.inf), "crew_day": np.zeros(1, dtype=np.int64)},
    "fuel gas": {"gas_mw": np.full(1, np.inf)},
    "air": {"nox_t_per_year": np.full(1, np.inf)},
    "water": {"water_m3_per_day": np.full(1, np.inf)},
    "yard": {"yard_m2": np.full(1, np.inf)},
    "budget": {"budget_musd": 1e6},
    "swing": {"load_step_amplitude": 0.0},
    "ride through": {"ride_through_minutes": 0.0},
    "power quality": {"min_battery_mw": np.zeros((1, 1)), "min_inertia_mws": np.zeros((1, 1))},
}


@many(30)
@given(instances(milestones=1))
def test_days_saved_are_those_of_solving_again_without_the_limit(instance: Instance) -> None:
    best = search(instance).best
    if best is None or best.best is None:
        return
    own, day = best.best.instance, int(best.best.plan.day[0])
    for limit, change in RELAXED.items():
        again = search(replace(own, **change)).best
        assert again is not None
        assert again.best is not None
        assert best.days_saved[0].get(limit, 0) == day - int(again.best.plan.day[0]), limit
    for queue, name in enumerate(QUEUES):
        ready, of_option = own.queue_relaxed_day[:, :, queue], own.option_relaxed_day[:, :, queue]
        change = {"commissioning_mw_per_day": np.inf} if name == "commissioning" else {}
        again = search(replace(own, compute_ready_day=ready, option_ready_day=of_option, **change)).best
        assert again is not None
        assert again.best is not None
        assert best.days_saved[0].get(name, 0) == day - int(again.best.plan.day[0]), name
