"""The calendar replay: by hand, as a judge of spoiled plans, and for the plans of the example scenarios."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siteopt.instance import _AXES, NEVER, Instance
from siteopt.optimize.clock import Clock
from siteopt.optimize.search import search
from siteopt.output.translations import Translations
from siteopt.plan import Plan
from siteopt.record.reason import ReasonCode, because
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.orders import Orders
from siteopt.simulate.queues import buildings_of, follow_queues
from tests.examples import many
from tests.first_version import MODELS
from tests.instances import battery, chiller, generator, tiny
from tests.optimize.random_instances import instances
from tests.shared_runs import solved_once

SCENARIOS = sorted(MODELS.glob("*.toml"))


def ordered(day: list[int], *units: list[int], steps: list[list[bool]] | None = None) -> Orders:
    table = np.array(units, dtype=np.int64).reshape(len(units), len(day))
    step = np.array(steps or [], dtype=bool).reshape(len(steps or []), len(day))
    return Orders(np.array(day), table, step)


def of(plan: Plan) -> Orders:
    return Orders(plan.day, plan.units, plan.step)


def said(found: Calendar) -> list[str]:
    """What each milestone waited for, in English."""
    return [Translations().reasons(reasons) for reasons in found.reasons]


NO_GRID = {"grid_mw": 0.0}


def test_a_site_with_all_it_needs_waits_for_its_gpus() -> None:
    found = replay(tiny(commissioning_days=2), ordered([12]))
    assert found.day.tolist() == [12]
    assert found.bound_day.tolist() == [12]
    # networked at the start of day 10, but not of day 9; two days of commissioning
    assert said(found) == ["0 of 1,000 GPUs networked by day 9"]
    assert found.on_time
    assert not found.by_crews.any()


def test_a_truck_on_its_way_through_the_year() -> None:
    # leaves on day 11, arrives on day 14, installed on day 16 by 2 crews of 2 days, commissioned on day 19
    offer = generator(rating_mw=5.0, transit_days=3, arrival_day=14, install_days=2, crew_days=4.0)
    instance = tiny([offer], [NO_GRID], crews=np.array([4.0, 0.0]), commissioning_days=3)
    found = replay(instance, ordered([19], [2]))
    assert found.day.tolist() == found.bound_day.tolist() == [19]
    assert said(found) == ["mean power: 10.0 MW short; peak power: 10.0 MW short until unit 1 of o0 is in service"]
    days = found.days
    assert len(days.serving_units) == 20
    for name, first in {"left_units": 11, "arrived_units": 14, "installed_units": 16, "serving_units": 19}.items():
        assert getattr(days, name).tolist() == [0] * first + [2] * (20 - first)
    assert days.equipment_mw["generator"].tolist() == [0.0] * 19 + [10.0]
    assert days.networked_gpus[[9, 10]].tolist() == [0, 1000]
    assert days.training_gpus[[18, 19]].tolist() == [0, 1000]


def test_whole_crews_are_why_it_is_late() -> None:
    # 3 units of 1 crew for 3 days. The pool of 2 crews does 9 crew-days in 5 days; two units at a time take 6
    offer = generator(rating_mw=4.0, arrival_day=10, install_days=3, crew_days=3.0)
    found = replay(tiny([offer], [NO_GRID], crews=np.array([2.0, 0.0])), ordered([15], [3]))
    assert (found.day[0], found.bound_day[0], found.by_crews[0]) == (16, 15, True)
    (late,) = found.reasons[0]
    assert late.code is ReasonCode.UNTIL_LATE_UNIT
    assert late.values == {"unit": 3, "offer": "o0", "days": 3, "trade": "electrical"}
    assert said(found)[0].endswith(
        "2.0 MW short until unit 3 of o0 is in service, 3 days late for lack of electrical crews"
    )
    assert not found.on_time


def test_without_crews_it_never_starts() -> None:
    offer = generator(rating_mw=5.0, crew_days=4.0, install_days=1)
    found = replay(tiny([offer], [NO_GRID], crews=np.zeros(2)), ordered([12], [2]))
    assert (found.day[0], found.bound_day[0], found.by_crews[0]) == (NEVER, NEVER, True)
    assert said(found)[0].endswith("10.0 MW short; no electrical crew for 2 units")
    assert found.reasons[0][-1] == because(ReasonCode.NO_CREW, trade="electrical", units=2)
    assert found.days.installed_units.max() == 0


def test_later_than_planned_but_not_for_crews() -> None:
    found = replay(tiny(), ordered([9]))
    assert (found.day[0], found.by_crews[0], found.on_time) == (10, False, False)


def test_a_grid_step_serves_from_the_milestone_that_orders_it() -> None:
    # 10 and 14 MW of 10 MW of grid; 5 MW more on day 20, commissioned on day 21
    steps = [{"site": 0, "ready_day": 20, "rise_mw": 5.0, "cost_musd": 3.0}]
    instance = tiny([], [{"grid_mw": 10.0}], steps, it_mw=[10.0, 14.0], commissioning_days=1)
    found = replay(instance, ordered([11, 21], steps=[[False, True]]))
    assert found.day.tolist() == found.bound_day.tolist() == [11, 21]
    assert said(found)[1].endswith("peak power: 4.0 MW short until grid step 1 is in service")
    assert found.days.grid_mw[[20, 21]].tolist() == [10, 15]
    assert found.cost_parts_musd["grid_steps"] == 3.0
    # it is not there for those who do not order it, nor without the step before it
    assert replay(instance, ordered([11, 21], steps=[[False, False]])).day.tolist() == [11, NEVER]
    two = tiny([], [{"grid_mw": 10.0}], [*steps, {**steps[0], "ready_day": 30}], it_mw=[10.0, 14.0])
    assert replay(two, ordered([10, 30], steps=[[False, False], [False, True]])).day.tolist() == [10, NEVER]
    # a plan that takes it sooner is late by the days that it is not there
    assert replay(instance, ordered([11, 15], steps=[[False, True]])).day.tolist() == [11, 21]


def test_units_of_a_later_milestone_help_and_are_not_waited_for() -> None:
    # the unit of the first milestone comes on day 30, that of the second one on day 12: it starts on day 12
    offers = [generator(rating_mw=10.0, arrival_day=30), generator(rating_mw=10.0, arrival_day=12)]
    instance = tiny(offers, [NO_GRID], it_mw=[10.0, 20.0])
    found = replay(instance, ordered([30, 30], [1, 1], [0, 1]))
    assert found.day.tolist() == [12, 30]
    assert found.bound_day.tolist() == [12, 30]
    # what the first one pays for is what is ordered for it
    assert found.output_mw.tolist() == [[10, 10], [0, 10]]


def test_a_milestone_does_not_start_before_the_one_before_it() -> None:
    offers = [chiller(rating_mw=20.0, arrival_day=30)]
    instance = tiny(offers, it_mw=[10.0, 10.0], heat_fraction=1.0)
    found = replay(instance, ordered([30, 30], [1, 1]))
    assert found.day.tolist() == [30, 30]
    assert said(found) == ["cooling: 10.0 MW short until unit 1 of o0 is in service"] * 2
    # only the first one needs batteries
    floor = np.array([[1.0, 0.0]])
    found = replay(tiny([battery(arrival_day=30)], it_mw=[10.0, 10.0], min_battery_mw=floor), ordered([30, 30], [1, 1]))
    assert found.day.tolist() == [30, 30]
    assert said(found) == ["battery power: 1.0 MW short until unit 1 of o0 is in service", "the earlier milestone m0"]


def test_nothing_is_waited_for_on_day_0() -> None:
    pace = replace(tiny().pace, delivery_day=np.zeros(1, dtype=np.int64), delivered_gpus=np.zeros(1, dtype=np.int64))
    found = replay(tiny(gpus=np.zeros(1, dtype=np.int64), pace=pace), ordered([0]))
    assert (found.day[0], found.reasons[0]) == (0, (because(ReasonCode.NOTHING),))


def test_what_is_never_there() -> None:
    # 800 GPUs of 1,000; 2 of 5 chillers of 2 MW for 10 MW of heat, with one out
    pace = replace(tiny().pace, delivered_gpus=np.array([800]))
    instance = tiny([chiller(rating_mw=2.0, cop=1e9)], heat_fraction=1.0, spare_units=1, pace=pace)
    found = replay(instance, ordered([10], [2]))
    assert found.day.tolist() == [NEVER]
    assert said(found) == ["only 800 of 1,000 GPUs are ever networked; cooling: 8.0 MW short"]
    assert np.isnan(found.demand_mw).all()
    assert np.isnan(found.heat_mw).all()


def test_gas_and_yard_hold_for_what_is_ordered() -> None:
    # 10 MW at 7.2 MJ/kWh are 20 MW of gas; only the units of the second milestone are too many for it
    instance = tiny([generator(rating_mw=10.0)], [NO_GRID | {"gas_mw": 30.0}], it_mw=[10.0, 10.0])
    found = replay(instance, ordered([10, 10], [1, 2]))
    assert found.day.tolist() == [10, NEVER]
    assert said(found)[1] == "fuel gas: 40.0 MW of 30.0 MW"


def test_cost_by_hand() -> None:
    # 10 MW for 100 days: 4 MW of grid at 40 USD and 6 MW of engines at 90 USD a MWh
    offers = [generator(rating_mw=3.0, fuel_usd_per_mwh=90.0), battery(unit_cost_musd=0.5)]
    # and 15,000 USD for each of these 4 MW for 100 of 30.4375 days
    site = {"grid_mw": 4.0, "grid_usd_per_mwh": 40.0, "demand_usd_per_mw_month": 15_000.0}
    site |= {"works_musd": (0.03, 0.02, 0.0, 0.01)}
    instance = tiny(offers, [site], operating_days=np.array([100]), gpu_cost_musd=7.0, budget_musd=12.5)
    found = replay(instance, ordered([10], [2], [1]))
    parts = {"site": 1.0, "grid_steps": 0.0, "generators": 2.0, "chillers": 0.0, "batteries": 0.5, "gpus": 7.0}
    parts |= {"substations": 0.0, "cdus": 0.0, "condensers": 0.0, "fuel": 1.296, "grid_energy": 0.384}
    parts |= {"demand_charge": 6 / 30.4375, "halls": 0.03, "fitout": 0.02, "liquid_loop": 0.0, "site_works": 0.01}
    assert found.cost_parts_musd == pytest.approx(parts)
    assert found.cost_musd == pytest.approx(12.24 + 6 / 30.4375)
    assert found.within_budget
    assert not replace(found, budget_musd=12.1).within_budget
    # with too few engines there is no cost of energy, and nothing is within the budget
    assert not replay(instance, ordered([10], [1], [1])).within_budget


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        (ordered([10, 10], [1, 1]), "day has shape"),
        (ordered([10]), "units has shape"),
        (ordered([10], [1], steps=[[True]]), "step has shape"),
        (ordered([10], [-1]), "negative"),
    ],
)
def test_orders_that_do_not_belong_to_the_site(orders: Orders, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replay(tiny([generator()]), orders)


def test_one_site_only() -> None:
    with pytest.raises(ValueError, match="one site"):
        replay(tiny(sites=[{}, {}]), ordered([10]))


def solved(instance: Instance) -> Plan | None:
    found = search(instance, Clock(60.0))
    return found.best.best.plan if found.best is not None and found.best.best is not None else None


def with_a_day_of_keys(instance: Instance) -> Instance:
    """A compute day that the queues can keep, with one hall: from day 1 on."""
    late = np.maximum(instance.compute_ready_day, 1)
    none = {name: getattr(instance, name)[:0] for name, axes in _AXES.items() if axes[0] == "V"}
    pace = replace(instance.pace, delivery_day=late[0] - 1)
    return replace(instance, compute_ready_day=late, pace=pace, **none)


@many(40)
@given(instances(sites=1))
def test_a_proven_plan_is_late_by_crews_only(instance: Instance) -> None:
    instance = with_a_day_of_keys(instance)
    plan = solved(instance)
    assume(plan is not None)
    assert plan is not None
    found = replay(instance, of(plan))
    assert (found.bound_day <= found.day).all()
    # a unit without install_days that takes work takes a day here, and no day there where crews have no limit
    at_once = (instance.ready_day == instance.arrival_day)[0] & (instance.crew_days > 0)
    if not plan.units[at_once].any():
        assert (found.by_crews == (found.day > plan.day)).all()
    assert found.cost_musd == pytest.approx(plan.cost_musd(instance), abs=1e-5)
    assert found.cost_parts_musd.keys() == plan.cost_parts_musd(instance).keys()
    free = replay(replace(instance, crews=np.full_like(instance.crews, np.inf)), of(plan))
    assert (free.day <= found.day).all()


unit = st.tuples(st.integers(0, 6), st.sampled_from([1.0, 2.0, 4.0]), st.integers(1, 2), st.sampled_from([4.0, 10.0]))


@many(20)
@given(st.lists(unit, min_size=3, max_size=3), st.integers(1, 2), st.sets(st.integers(0, 2)))
def test_no_sequence_starts_before_the_bound(
    few: list[tuple[int, float, int, float]], crews: int, first: set[int]
) -> None:
    # every start of every unit that keeps within the crews is replayed, as a site of its own without a limit of crews
    offers = [generator(arrival_day=a, crew_days=w, install_days=i, rating_mw=mw) for a, w, i, mw in few]
    site = {"grid_mw": 0.0, "compute_ready_day": 1}
    instance = tiny(offers, [site], it_mw=[4.0, 14.0], crews=np.array([float(crews), 0.0]))
    orders = ordered([1, 1], *([int(o in first), 1] for o in range(3)))
    found = replay(instance, orders)
    gangs = [[shift.last_day - shift.first_day + 1 for shift in one.shifts] for one in found.installs]
    lasts = np.array([one.ready_day - one.start_day for one in found.installs])
    free = replace(instance, crews=np.full_like(instance.crews, np.inf), crew_days=np.zeros(3))
    for waits in product(range(5), repeat=3):
        start = instance.arrival_day[0] + waits
        on_day = np.zeros(40, dtype=np.int64)
        for day, gang in zip(start, gangs, strict=True):
            for length in gang:
                on_day[day : day + length] += 1
        if on_day.max() <= crews:
            other = replace(free, arrival_day=start[None], ready_day=(start + lasts)[None])
            assert (found.bound_day <= replay(other, orders).day).all()


@pytest.fixture(scope="session")
def examples() -> dict[str, tuple[Instance, Plan, Calendar]]:
    """The best plan of every scenario of the first version, and its replay."""
    found = {}
    for path in SCENARIOS:
        best = solved_once(path).ranking.best
        assert best is not None
        assert best.best is not None
        instance, plan = best.best.instance, best.best.plan
        found[path.stem] = (instance, plan, replay(instance, of(plan)))
    return found


Examples = dict[str, tuple[Instance, Plan, Calendar]]


def test_examples_start_as_planned(examples: Examples) -> None:
    assert len(examples) == 4
    for _, plan, found in examples.values():
        assert (found.day == plan.day).all()
        assert not found.by_crews.any()
        assert (found.bound_day <= found.day).all()
        assert all(found.reasons)


def test_examples_cost_what_they_are_said_to(examples: Examples) -> None:
    for instance, plan, found in examples.values():
        said = plan.cost_parts_musd(instance)
        assert found.cost_parts_musd == pytest.approx(said, rel=1e-9, abs=1e-5)
        assert found.demand_mw == pytest.approx(plan.demand_mw, abs=1e-4)
        assert found.within_budget


def test_queues_of_the_examples_are_the_closed_form(examples: Examples) -> None:
    for instance, _, _ in examples.values():
        queues = follow_queues(buildings_of(instance)[0], instance.pace, float(instance.gpus[-1]))
        ready = [queues.tested_day(gpus) + instance.pace.bringup_days for gpus in instance.gpus]
        assert ready == instance.compute_ready_day[0].tolist()


def test_series_of_the_examples_end_with_all_there(examples: Examples) -> None:
    for instance, plan, found in examples.values():
        days = found.days
        total = plan.units[:, -1].sum()
        for name in ("left_units", "arrived_units", "installed_units", "serving_units"):
            assert (np.diff(getattr(days, name)) >= 0).all()
            assert getattr(days, name)[-1] == total
        assert (days.left_units >= days.arrived_units).all()
        assert (days.arrived_units >= days.installed_units).all()
        assert (days.installed_units >= days.serving_units).all()
        assert (days.racked_gpus >= days.networked_gpus).all()
        assert (days.networked_gpus >= days.training_gpus).all()
        assert days.training_gpus[-1] == instance.gpus[-1]
        for m, day in enumerate(found.day):
            assert days.training_gpus[day - 1] < instance.gpus[m] <= days.training_gpus[day]


def test_one_unit_less_is_never(examples: Examples) -> None:
    # the plan is the cheapest on its days, so each unit is there for a need
    tried = 0
    for instance, plan, _ in examples.values():
        for o in np.flatnonzero(plan.units[:, -1]):
            fewer = plan.units.copy()
            fewer[o] = np.minimum(fewer[o], fewer[o, -1] - 1)
            spoiled = replay(instance, replace(of(plan), units=fewer))
            assert spoiled.day[-1] == NEVER
            assert ReasonCode.SHORT in {reason.code for reason in spoiled.reasons[-1]}
            assert not spoiled.within_budget
            tried += 1
    assert tried > 50


def test_a_day_sooner_is_late(examples: Examples) -> None:
    for instance, plan, _ in examples.values():
        for m in range(instance.milestones):
            day = plan.day.copy()
            day[m] -= 1
            found = replay(instance, replace(of(plan), day=day))
            assert found.day[m] > day[m]
            assert not found.on_time


def test_trucks_that_are_late_delay_what_waits_for_them(examples: Examples) -> None:
    instance, plan, found = examples["korea"]
    late = replace(instance, arrival_day=instance.arrival_day + 10, ready_day=instance.ready_day + 10)
    spoiled = replay(late, of(plan))
    assert spoiled.day[-1] == found.day[-1] + 10
    assert (spoiled.day >= found.day).all()
