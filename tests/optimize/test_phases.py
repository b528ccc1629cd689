"""Limits that change by calendar day: by hand where they alone decide, and drawn at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import NEVER, Instance
from siteopt.optimize.bounds import bounds
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import search
from siteopt.phases import phases
from tests.examples import many
from tests.instances import battery, chiller, generator, tiny
from tests.optimize import brute_force
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import assert_bounds_hold, assert_same, key, thorough
from tests.optimize.test_families import answer, unable


def roomy(instance: Instance) -> Instance:
    """The same with a budget and one more unit of each offer, so that more sites can serve."""
    return replace(
        instance,
        budget_musd=1000.0,
        available_units=instance.available_units + 1,
        min_battery_mw=np.where(np.isinf(instance.min_battery_mw), 0.0, instance.min_battery_mw),
        min_inertia_mws=np.zeros_like(instance.min_inertia_mws),
    )


changing = instances(sites=1, changes=2).map(roomy).filter(lambda one: len(one.change_day) > 0)


# phases


def test_phases_are_cut_at_milestones_and_falls() -> None:
    found = phases(np.array([10, 20]), np.array([5, 12, 20, 33]))
    assert found.begin.tolist() == [10, 12, 20, 33]
    assert found.milestone.tolist() == [0, 0, 1, 1]
    assert found.own.tolist() == [0, 2]


def test_each_milestone_has_a_phase_of_its_own() -> None:
    found = phases(np.array([10, 10]), np.array([11]))
    assert found.begin.tolist() == [10, 10, 11]
    assert found.milestone.tolist() == [0, 1, 1]
    assert found.own.tolist() == [0, 1]


def test_the_air_bounds_days_by_arithmetic() -> None:
    # until day 50 the engines may give 5 MW of the 6 MW that the grid lacks, unless the clean one is there on day 30
    permits = [{"day": 50, "nox_t_per_year": 60.0}]
    site = {"grid_mw": 4.0, "nox_t_per_year": 5 * 8.76}
    dirty = generator(nox_g_per_kwh=1.0)
    late = generator(available_units=1, arrival_day=50)
    early = generator(available_units=1, arrival_day=30)
    for offers, day in (([dirty], 50), ([dirty, late], 50), ([dirty, early], 10)):
        assert bounds(tiny(offers, [site], changes=permits)).day.tolist() == [[day]]
    # what is lacking at the end is lacking for good
    for_good = [{"day": 70, "nox_t_per_year": 5 * 8.76}]
    assert bounds(tiny([dirty], [site | {"nox_t_per_year": 60.0}], changes=for_good)).day.tolist() == [[NEVER]]


def test_a_grid_step_of_part_of_a_megawatt_counts_in_full() -> None:
    # 9.5 MW of grid and a step of 0.5 MW on day 20 are enough, whatever changes on day 50
    steps = [{"site": 0, "ready_day": 20, "rise_mw": 0.5}]
    instance = tiny(sites=[{"grid_mw": 9.5}], steps=steps, changes=[{"day": 50, "water_m3_per_day": 9.0}])
    assert bounds(instance).day.tolist() == [[20]]
    plan, _ = answer(instance)
    assert list(plan.day) == [20]


def test_a_day_on_which_limits_only_rise_needs_no_phase() -> None:
    # gas and grid rise on day 12, on day 20 gas rises and grid falls, on day 33 water falls: only the last two cut
    changes = [
        {"day": 12, "gas_mw": 20.0, "grid_mw": 9.0},
        {"day": 20, "gas_mw": 30.0, "grid_mw": 8.0},
        {"day": 33, "gas_mw": 30.0, "grid_mw": 8.0, "water_m3_per_day": 5.0},
    ]
    instance = tiny(sites=[{"gas_mw": 10.0, "grid_mw": 7.0, "water_m3_per_day": 9.0}], changes=changes)
    assert instance.phases(np.array([10])).begin.tolist() == [10, 20, 33]
    assert instance.phases(np.array([25])).begin.tolist() == [25, 33]


def test_a_plan_is_checked_on_each_day_on_which_limits_change(monkeypatch: pytest.MonkeyPatch) -> None:
    # the certificate finds the missing grid even where no phase begins with its fall
    plan, _ = answer(tiny(sites=[{"grid_mw": 10.0}]))
    fallen = tiny(sites=[{"grid_mw": 10.0}], changes=[{"day": 20, "grid_mw": 7.0}])
    monkeypatch.setattr(Instance, "falls", np.array([False]))
    assert fallen.phases(plan.day).begin.tolist() == [10]
    assert {row.name.split(" ", 1)[-1] for row in certify(fallen, plan).violations} >= {"m0 from day 20"}


# by hand: 10 MW of load, 4 MW of grid, and what one limit does


def test_a_temporary_permit_and_the_one_that_follows() -> None:
    # engines run until day 65; from then to day 100 nothing may run but grid and batteries, and only the grid lasts:
    # its step of day 50 takes over
    engines = generator(nox_g_per_kwh=1.0)
    site = {"grid_mw": 4.0, "nox_t_per_year": np.inf}
    permits = [{"day": 65, "nox_t_per_year": 0.0}, {"day": 100, "nox_t_per_year": 60.0}]
    step = {"site": 0, "ready_day": 50, "rise_mw": 6.0, "cost_musd": 9.0}
    instance = tiny([engines], [site], [step], changes=permits)
    plan, _ = answer(instance)
    assert list(plan.day) == [10]
    assert plan.units.tolist() == [[6, 6]]
    assert plan.step.tolist() == [[False, True]]
    assert plan.output_mw[0] == pytest.approx([6.0, 0.0])
    assert plan.cost_musd(instance) == pytest.approx(1 + 6 + 9)
    # without that step it can start only after the gap, beyond the horizon
    assert unable(tiny([engines], [site], changes=permits)) == "air for m0: not ready by day 60"


def test_a_fuel_cell_without_nox_carries_the_gap() -> None:
    permits = [{"day": 65, "nox_t_per_year": 0.0}, {"day": 100, "nox_t_per_year": 60.0}]
    clean = generator(unit_cost_musd=5.0, arrival_day=40)
    instance = tiny([generator(nox_g_per_kwh=1.0), clean], [{"grid_mw": 4.0}], changes=permits)
    plan, _ = answer(instance)
    assert list(plan.day) == [10]
    assert plan.units.tolist() == [[6, 6], [0, 6]]
    assert plan.cost_musd(instance) == pytest.approx(1 + 6 + 30)


def test_a_later_second_milestone_needs_units_at_a_change_day() -> None:
    # the second milestone, on day 200, is after the end of the permit: what carries the first comes on day 120
    clean = generator(arrival_day=120)
    instance = tiny(
        [generator(nox_g_per_kwh=1.0), clean],
        [{"grid_mw": 4.0, "compute_ready_day": [10, 200]}],
        it_mw=(10.0, 11.0),
        horizon_day=300,
        changes=[{"day": 150, "nox_t_per_year": 0.0}],
    )
    plan, _ = answer(instance)
    assert list(plan.day) == [10, 200]
    assert plan.units.tolist() == [[6, 6, 6], [0, 6, 7]]


def test_gas_that_falls() -> None:
    # 2 MW thermal for each engine: six until day 30, then four, and two batteries carry no mean load; grid rises later
    gas = [{"day": 30, "gas_mw": 8.0}]
    assert unable(tiny([generator()], [{"grid_mw": 4.0, "gas_mw": 12.0}], changes=gas)).startswith("no plan")
    # 6 engines use 12 MW: they are too many from day 30 on, since units stay. Two diesel engines burn no gas
    instance = tiny(
        [generator(), generator(gas=False, available_units=2, unit_cost_musd=3.0)],
        [{"grid_mw": 4.0, "gas_mw": 12.0}],
        changes=gas,
    )
    plan, _ = answer(instance)
    assert plan.units.tolist() == [[4, 4], [2, 2]]
    assert plan.cost_musd(instance) == pytest.approx(1 + 4 + 6)


def test_water_that_rises() -> None:
    # one m3 a MWh of heat: 240 m3 a day for 10 MW
    wet = chiller(water_m3_per_mwh=1.0)
    site = {"water_m3_per_day": 100.0}
    plan, _ = answer(tiny([wet], [site], heat_fraction=1.0, changes=[{"day": 33, "water_m3_per_day": 240.0}]))
    assert list(plan.day) == [33]


def test_grid_that_falls_for_a_while() -> None:
    changes = [{"day": 20, "grid_mw": 7.0}, {"day": 40, "grid_mw": 10.0}]
    instance = tiny([generator()], [{"grid_mw": 10.0}], changes=changes)
    plan, _ = answer(instance)
    assert list(plan.day) == [10]
    assert plan.units.tolist() == [[0, 3]]


def test_fuel_trucks() -> None:
    # one tanker a day is 116 MWh, 4.8 MW on average; 6 MW of engines want 1.24
    diesel = generator(gas=False)
    assert unable(tiny([diesel], [{"grid_mw": 4.0, "fuel_trucks_per_day": 1.0}])).startswith("no plan")
    plan, _ = answer(tiny([diesel], [{"grid_mw": 4.0, "fuel_trucks_per_day": 1.25}]))
    assert list(plan.day) == [10]
    later = [{"day": 25, "fuel_trucks_per_day": 1.25}]
    plan, held = answer(tiny([diesel], [{"grid_mw": 4.0, "fuel_trucks_per_day": 1.0}], changes=later))
    assert list(plan.day) == [25]
    assert "fuel trucks" in held[0]


# non-firm import


def test_non_firm_import_counts_if_the_job_may_stop() -> None:
    site = {"grid_mw": 4.0, "nonfirm_mw": 6.0}
    plan, _ = answer(tiny(sites=[site], accept_nonfirm=True))
    assert list(plan.day) == [10]
    assert plan.import_mw.tolist() == [10.0]
    assert unable(tiny(sites=[site])).startswith("no plan")


def test_non_firm_import_saves_fuel_where_engines_stand_by() -> None:
    site = {"grid_mw": 4.0, "nonfirm_mw": 6.0, "grid_usd_per_mwh": 50.0}
    engines = generator(fuel_usd_per_mwh=100.0)
    instance = tiny([engines], [site], operating_days=np.array([100]))
    plan, _ = answer(instance)
    assert plan.units.tolist() == [[6]]
    assert plan.output_mw.tolist() == [[0.0]]
    assert plan.cost_musd(instance) == pytest.approx(1 + 6 + 10 * 2400 * 50 / 1e6)


def test_batteries_carry_a_curtailment_as_long_as_their_energy_lasts() -> None:
    # 6 MW for 4 hours are 24 MWh: three batteries of 8 MWh have only 3 MW, six of 4 MWh have 6 MW
    site = {"grid_mw": 4.0, "nonfirm_mw": 6.0}
    assert answer(tiny([battery(energy_mwh=8.0)], [site]))[0].units.tolist() == [[6]]
    assert answer(tiny([battery(energy_mwh=3.0)], [site]))[0].units.tolist() == [[8]]
    assert answer(tiny([battery(energy_mwh=3.0)], [site], curtailment_hours=3.0))[0].units.tolist() == [[6]]


# the energy that is paid


def test_energy_is_paid_at_the_dearest_phase_after_a_fall() -> None:
    # half of the cheap grid goes on day 20, and diesel takes over: a start after that day pays for diesel, so one
    # before it does, too
    site = {"grid_mw": 10.0, "grid_usd_per_mwh": 50.0}
    diesel = generator(gas=False, fuel_usd_per_mwh=200.0)
    changes = [{"day": 20, "grid_mw": 5.0}]
    instance = tiny([diesel], [site], changes=changes, operating_days=np.array([100]))
    plan, _ = answer(instance)
    assert list(plan.day) == [10]
    assert plan.cost_musd(instance) == pytest.approx(1 + 5 + 2400 * (5 * 50 + 5 * 200) / 1e6)
    later = FixedDays(instance, [30], Clock()).cheapest()
    assert later.value == pytest.approx(plan.cost_musd(instance))


def test_a_rise_leaves_the_energy_as_it_is() -> None:
    site = {"grid_mw": 5.0, "grid_usd_per_mwh": 50.0}
    diesel = generator(gas=False, fuel_usd_per_mwh=200.0)
    instance = tiny([diesel], [site], changes=[{"day": 20, "grid_mw": 10.0}], operating_days=np.array([100]))
    plan, _ = answer(instance)
    assert plan.cost_musd(instance) == pytest.approx(1 + 5 + 2400 * (5 * 50 + 5 * 200) / 1e6)


# drawn at random


@many(100)
@given(changing)
def test_search_is_monolithic_is_brute_force_where_limits_change(instance: Instance) -> None:
    found = key(search(instance))
    assert_same(found, key(monolithic(instance)))
    assert_same(found, brute_force.best(instance))


@many(100)
@given(changing, st.data())
def test_later_days_never_hurt(instance: Instance, data: st.DataObject) -> None:
    first = bounds(instance).day[0]
    if (first > instance.horizon_day).any():
        return
    days = sorted(data.draw(st.integers(int(low), instance.horizon_day)) for low in first)
    later = [data.draw(st.integers(day, instance.horizon_day)) for day in days]
    later = np.maximum.accumulate(later).tolist()
    before = FixedDays(instance, days, Clock()).cheapest()
    after = FixedDays(instance, later, Clock()).cheapest()
    if before.plan is not None:
        assert after.plan is not None
        assert after.value <= before.value + 1e-6
        assert certify(instance, after.plan).valid


@thorough
@given(instances(sites=4, changes=2).map(roomy))
def test_bounds_hold_where_limits_change(instance: Instance) -> None:
    assert_bounds_hold(instance)
