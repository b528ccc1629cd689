"""Cases in which one constraint family alone decides the answer, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siteopt.instance import Instance
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import search
from siteopt.output.translations import Translations
from siteopt.plan import Plan
from siteopt.record.base import RunOutcome
from tests.instances import battery, cdu, chiller, generator, substation, tiny


def answer(instance: Instance) -> tuple[Plan, tuple[str, ...]]:
    """The best plan, found by both methods, and what holds its milestones, in English."""
    ranking, other = search(instance), monolithic(instance)
    assert ranking.outcome is RunOutcome.PROVEN
    assert other.outcome is RunOutcome.PROVEN
    best, same = ranking.best, other.best
    assert best is not None
    assert same is not None
    assert best.best is not None
    assert same.best is not None
    assert same.site_id == best.site_id
    assert list(same.best.plan.day) == list(best.best.plan.day)
    assert same.best.cost_musd == pytest.approx(best.best.cost_musd, abs=1e-5)
    return best.best.plan, tuple(map(Translations().reason, best.limited_by))


def chosen(instance: Instance) -> str:
    """The site that both methods choose."""
    answer(instance)
    best = search(instance).best
    assert best is not None
    return best.site_id


def unable(instance: Instance) -> str:
    """Why the only site cannot serve, in English."""
    ranking = search(instance)
    assert ranking.outcome is RunOutcome.NO_SITE
    assert ranking.best is None
    assert monolithic(instance).outcome is RunOutcome.NO_SITE
    reason = ranking.results[0].reason
    assert reason is not None
    return Translations().reason(reason)


def test_nothing_in_the_way() -> None:
    plan, held = answer(tiny())
    assert list(plan.day) == [10]
    assert held == ("GPU deliveries",)
    assert plan.demand_mw == pytest.approx([10])
    assert plan.import_mw == pytest.approx([10])


def test_compute_and_commissioning() -> None:
    plan, _ = answer(tiny(commissioning_days=5))
    assert list(plan.day) == [15]


def test_arrival_of_a_unit() -> None:
    # 10 MW of load, 4 MW of grid: six generators, ready on day 20 + 3, commissioned in 2
    instance = tiny([generator(arrival_day=20, install_days=3)], [{"grid_mw": 4.0}], commissioning_days=2)
    plan, held = answer(instance)
    assert list(plan.day) == [25]
    assert plan.units[0, 0] == 6
    assert held == ("mean power and peak power together",)


def test_fleet_is_finite() -> None:
    reason = unable(tiny([generator(available_units=5)], [{"grid_mw": 4.0}]))
    assert reason == "mean power for m0: 9.0 MW by day 60, 10.0 needed, 1.0 short"


def test_grid_step_is_waited_for_and_paid() -> None:
    instance = tiny(sites=[{"grid_mw": 4.0}], steps=[{"site": 0, "ready_day": 30, "rise_mw": 6.0, "cost_musd": 7.0}])
    plan, _ = answer(instance)
    assert list(plan.day) == [30]
    assert plan.step[0, 0]
    assert plan.cost_musd(instance) == pytest.approx(1 + 7)


def test_grid_step_is_not_taken_where_it_is_dearer() -> None:
    step = {"site": 0, "ready_day": 0, "rise_mw": 6.0, "cost_musd": 7.0}
    instance = tiny([generator()], [{"grid_mw": 4.0}], [step])
    plan, _ = answer(instance)
    assert not plan.step[0, 0]
    assert plan.cost_musd(instance) == pytest.approx(1 + 6)


def test_higher_step_needs_the_lower_one() -> None:
    steps = [
        {"site": 0, "ready_day": 5, "rise_mw": 1.0, "cost_musd": 3.0},
        {"site": 0, "ready_day": 6, "rise_mw": 6.0, "cost_musd": 4.0},
    ]
    instance = tiny(sites=[{"grid_mw": 4.0}], steps=steps)
    plan, _ = answer(instance)
    assert plan.cost_musd(instance) == pytest.approx(1 + 3 + 4)


def test_milestones_in_order() -> None:
    # the second milestone is quick by itself, and cannot come before the first
    instance = tiny(sites=[{"compute_ready_day": [30, 10]}], it_mw=(10.0, 12.0))
    plan, held = answer(instance)
    assert list(plan.day) == [30, 30]
    assert held[1] == "the same day as m0"


def test_units_stay() -> None:
    # the gap of 6 MW at the first milestone is closed by a step before the second, and the units stay paid
    step = {"site": 0, "ready_day": 40, "rise_mw": 96.0}
    instance = tiny([generator()], [{"grid_mw": 4.0}], [step], it_mw=(10.0, 12.0))
    plan, _ = answer(instance)
    assert list(plan.day) == [10, 10]
    assert list(plan.units[0]) == [6, 8]


def test_crews() -> None:
    # six units of 5 crew-days by 2 crews from day 12: 15 days
    instance = tiny([generator(crew_days=5.0, arrival_day=12)], [{"grid_mw": 4.0}], crews=np.array([2.0, np.inf]))
    plan, held = answer(instance)
    assert list(plan.day) == [27]
    assert "crew" in held[0]


def test_crews_with_release_dates() -> None:
    # two units from day 0 and four from day 20; 1 crew, 5 crew-days each: the later four end on day 40
    early, late = generator(crew_days=5.0, available_units=2), generator(crew_days=5.0, arrival_day=20)
    instance = tiny([early, late], [{"grid_mw": 4.0}], crews=np.array([1.0, np.inf]))
    plan, _ = answer(instance)
    assert list(plan.day) == [40]
    assert list(plan.units[:, 0]) == [2, 4]


def test_trades_do_not_share_crews() -> None:
    instance = tiny([generator(crew_days=5.0)], [{"grid_mw": 4.0}], crews=np.array([10.0, 0.0]))
    assert list(answer(instance)[0].day) == [10]


def test_crews_by_calendar() -> None:
    # 30 crew-days from day 12 on: one crew until day 20, then four: 8 + 4 x 6 on day 26
    instance = tiny(
        [generator(crew_days=5.0, arrival_day=12)],
        [{"grid_mw": 4.0}],
        crew_day=np.array([0, 20]),
        crews=np.array([[1.0, 4.0], [0.0, 0.0]]),
    )
    plan, held = answer(instance)
    assert list(plan.day) == [26]
    assert "crew" in held[0]


def test_a_large_step_is_commissioned_in_mw_a_day() -> None:
    # 150 MW of grid on day 20, at 5 MW a day: day 50, and the constant
    step = {"site": 0, "ready_day": 20, "rise_mw": 150.0}
    instance = tiny(
        sites=[{"grid_mw": 0.0}], steps=[step], it_mw=[150.0], commissioning_mw_per_day=5.0, commissioning_days=3
    )
    plan, held = answer(instance)
    assert list(plan.day) == [53]
    assert held == ("commissioning",)
    assert list(answer(replace(instance, step_commissioned_mw=np.zeros(1)))[0].day) == [23]


def test_power_and_cooling_have_their_own_teams() -> None:
    # 6 MW of generators and 10 MW of chillers are ready on day 12: 2 MW a day each, so the chillers on day 17
    instance = tiny(
        [generator(arrival_day=12), chiller(arrival_day=10, install_days=2)],
        [{"grid_mw": 4.01}],
        heat_fraction=1.0,
        commissioning_mw_per_day=2.0,
    )
    plan, held = answer(instance)
    assert list(plan.day) == [17]
    assert held == ("commissioning",)


def test_engines_behind_substations_are_commissioned_with_them() -> None:
    # 10 MW of engines and 10 MW of substations in series, ready on day 12: 2 MW a day of each, so all on day 17
    instance = tiny(
        [generator(arrival_day=12), substation(arrival_day=12)],
        [{"grid_mw": 0.0}],
        distribution_asked=True,
        commissioning_mw_per_day=2.0,
    )
    plan, held = answer(instance)
    assert list(plan.day) == [17]
    assert plan.units[:, 0].tolist() == [10, 10]
    assert held == ("commissioning",)


def test_chillers_and_the_water_loop_are_commissioned_side_by_side() -> None:
    # 10 MW of chillers and 10 MW of coolant distribution, ready on day 12: 2 MW a day of each
    instance = tiny(
        [chiller(arrival_day=12), cdu(arrival_day=12)],
        heat_fraction=1.0,
        liquid_heat_fraction=1.0,
        commissioning_mw_per_day=2.0,
    )
    assert list(answer(instance)[0].day) == [17]


def test_sources_of_power_are_commissioned_one_after_the_other() -> None:
    # 3 MW of gas engines, 3 MW of diesel engines that mechanics install and a step of 4 MW, all ready on day 12: no two
    # are in series, so 10 MW at 2 MW a day
    engines = [
        generator(arrival_day=12, available_units=3),
        generator(arrival_day=12, available_units=3, gas=False, trade="mechanical"),
    ]
    step = {"site": 0, "ready_day": 12, "rise_mw": 4.0}
    instance = tiny(engines, [{"grid_mw": 0.0}], [step], commissioning_mw_per_day=2.0)
    plan, held = answer(instance)
    assert list(plan.day) == [17]
    assert held == ("commissioning",)
    assert list(answer(replace(instance, step_commissioned_mw=np.zeros(1)))[0].day) == [15]


def test_batteries_delay_no_engine() -> None:
    # six engines and two batteries of 5 MWh are ready on day 12: 2 MW a day of engines, and of batteries beside them
    instance = tiny(
        [generator(arrival_day=12), battery(arrival_day=12, energy_mwh=5.0)],
        [{"grid_mw": 4.0}],
        ride_through_minutes=60.0,
        commissioning_mw_per_day=2.0,
    )
    plan, _ = answer(instance)
    assert list(plan.day) == [15]
    assert plan.units[:, 0].tolist() == [6, 2]


def test_what_arrives_late_is_commissioned_late() -> None:
    # four units from day 0 on and two of day 18: the first wait for nobody, the two take two days at 1 MW a day
    early, late = generator(available_units=4), generator(arrival_day=18)
    instance = tiny([early, late], [{"grid_mw": 4.0}], commissioning_mw_per_day=1.0)
    plan, _ = answer(instance)
    assert list(plan.day) == [20]
    assert list(plan.units[:, 0]) == [4, 2]


SHELLS = {"option_site": np.array([0, 0]), "option_shell": np.array([0, 1])}
SHELLS |= {"option_day": np.array([0, 0]), "option_count": np.array([1, 1])}
COSTS = ("option_cost_musd", "option_ready_day", "option_relaxed_day")


def test_one_type_of_shells_for_all_milestones() -> None:
    # the first milestone is soonest with one type, the second with the other: the first counts, so its type is built
    instance = tiny(
        sites=[{"compute_ready_day": [20, 40]}],
        it_mw=[10.0, 20.0],
        option_ready_day=np.array([[20, 50], [30, 40]]),
        **SHELLS,
    )
    assert list(answer(instance)[0].day) == [20, 50]
    assert list(answer(replace(instance, order=(1, 0, -1)))[0].day) == [30, 40]


def test_of_the_shells_that_keep_the_days_the_cheapest_are_built() -> None:
    # the dear ones are ready on day 20, the cheap ones on day 30; site and GPUs take 1 million
    instance = tiny(
        [generator(arrival_day=25)],
        [{"compute_ready_day": 20}],
        option_ready_day=np.array([[20], [30]]),
        option_cost_musd=np.array([5.0, 2.0]),
        **SHELLS,
    )
    plan = answer(instance)[0]
    assert (list(plan.day), plan.cost_musd(instance)) == ([20], 6.0)
    assert plan.works_musd(instance)["halls"] == 5.0
    cheap = answer(replace(instance, order=(-1, 0)))[0]
    assert (list(cheap.day), cheap.cost_musd(instance)) == ([30], 3.0)
    # too dear for the budget, so the cheap ones are the soonest
    poor = answer(replace(instance, budget_musd=5.0))[0]
    assert (list(poor.day), poor.cost_musd(instance)) == ([30], 3.0)
    # what comes late anyway lets the cheap ones do
    late = tiny([generator(arrival_day=35, unit_cost_musd=0.0)], [{"compute_ready_day": 20, "grid_mw": 0.0}])
    late = replace(late, **{name: getattr(instance, name) for name in (*SHELLS, *COSTS)})
    plan = answer(late)[0]
    assert (list(plan.day), plan.cost_musd(late)) == ([35], 3.0)


def test_a_demand_charge_makes_import_dear() -> None:
    # 36,525 USD for a MW and month are 50 USD for each of its 730.5 hours: engines at 80 USD a MWh are cheaper
    site = {"grid_usd_per_mwh": 40.0, "demand_usd_per_mw_month": 36_525.0}
    instance = tiny([generator(fuel_usd_per_mwh=80.0, unit_cost_musd=0.0)], [site], operating_days=np.array([100]))
    plan = answer(instance)[0]
    assert (plan.import_mw[0], plan.output_mw[0, 0]) == pytest.approx((0, 10))
    # with engines at 91 USD, or without any, it is imported: 24,000 MWh
    for offers in ([], [generator(fuel_usd_per_mwh=91.0, unit_cost_musd=0.0)]):
        dear = tiny(offers, [site], operating_days=np.array([100]))
        plan = answer(dear)[0]
        parts = plan.cost_parts_musd(dear)
        assert (parts["grid_energy"], parts["demand_charge"]) == pytest.approx((0.96, 1.2))
        assert plan.cost_musd(dear) == pytest.approx(1 + 0.96 + 1.2)


def test_works_decide_between_sites_that_tie_in_days() -> None:
    dear, cheap = {"works_musd": (4.0, 0.0, 0.0, 0.0)}, {"site_cost_musd": 3.0, "works_musd": (1.0, 0.5, 0.0, 0.0)}
    instance = tiny(sites=[dear, cheap])
    assert chosen(instance) == "s1"
    assert chosen(replace(instance, works_musd=instance.works_musd[::-1])) == "s0"


def test_a_plan_is_finished_with_a_type_of_shells() -> None:
    instance = tiny(option_ready_day=np.array([[40], [20]]), sites=[{"compute_ready_day": 20}], **SHELLS)
    on = FixedDays(instance, [25], Clock())
    assert on.with_units(np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1), dtype=bool)) is not None
    assert FixedDays(instance, [19], Clock()).any_plan() is None


def test_cooling_decides_and_draws_power() -> None:
    # 10 MW of heat, ten chillers of 1 MW, COP 2: 5 MW more load, on a grid of 15 MW
    instance = tiny([chiller(cop=2.0, arrival_day=22)], [{"grid_mw": 15.0}], heat_fraction=1.0)
    plan, held = answer(instance)
    assert list(plan.day) == [22]
    assert plan.units[0, 0] == 10
    assert plan.demand_mw == pytest.approx([15])
    assert held == ("cooling",)
    assert "power" in unable(tiny([chiller(cop=2.0)], [{"grid_mw": 14.9}], heat_fraction=1.0))


def test_spare_chiller() -> None:
    # 10 MW must remain with the largest out: 3 x 3 + 4 x 1 - 3 costs 10 million, 11 x 1 - 1 costs 11
    offers = [chiller(rating_mw=3.0, available_units=3, unit_cost_musd=2.0), chiller(rating_mw=1.0, available_units=20)]
    instance = tiny(offers, heat_fraction=1.0, spare_units=1)
    plan, _ = answer(instance)
    capacity = plan.units[:, 0] @ np.array([3.0, 1.0])
    largest = 3.0 if plan.units[0, 0] else 1.0
    assert capacity - largest >= 10
    assert plan.cost_musd(instance) == pytest.approx(1 + 3 * 2 + 4)


def test_mean_power_below_peak() -> None:
    # swing to 10 MW, mean 8: generators of 6 MW with a grid of 2 carry the mean, batteries the peak
    offers = [generator(unit_cost_musd=3.0), battery(unit_cost_musd=1.0)]
    instance = tiny(offers, [{"grid_mw": 2.0}], load_step_amplitude=0.4, load_factor=0.8)
    plan, _ = answer(instance)
    assert list(plan.units[:, 0]) == [6, 2]
    assert plan.import_mw[0] + plan.output_mw.sum() == pytest.approx(8)


def test_spare_generator() -> None:
    instance = tiny([generator()], [{"grid_mw": 4.0}], spare_units=1)
    assert answer(instance)[0].units[0, 0] == 7


def test_peak_power() -> None:
    # mean 6, peak 10; the grid gives 6: four batteries more
    instance = tiny([battery()], [{"grid_mw": 6.0}], load_step_amplitude=0.4, load_factor=0.6)
    plan, _ = answer(instance)
    assert plan.units[0, 0] == 4


def test_swing() -> None:
    # 5 MW of swing: 1 tolerated by the grid, 0.2 x 10 by generators, two batteries
    offers = [generator(step_fraction=0.2, unit_cost_musd=0.01), battery()]
    instance = tiny(offers, [{"grid_swing_mw": 1.0}], load_step_amplitude=0.5, load_factor=0.75)
    plan, _ = answer(instance)
    assert list(plan.units[:, 0]) == [10, 2]


def test_grid_step_tolerates_swing() -> None:
    step = {"site": 0, "ready_day": 33, "rise_mw": 10.0, "rise_swing_mw": 5.0}
    instance = tiny(sites=[{"grid_swing_mw": 0.0}], steps=[step], load_step_amplitude=0.5, load_factor=0.75)
    plan, held = answer(instance)
    assert list(plan.day) == [33]
    assert held == ("swing",)


def test_ride_through() -> None:
    # 10 MW for 12 minutes: 2 MWh, two batteries, from day 18
    instance = tiny([battery(arrival_day=18)], ride_through_minutes=12.0)
    plan, held = answer(instance)
    assert list(plan.day) == [18]
    assert plan.units[0, 0] == 2
    assert held == ("ride through",)


def test_fuel_gas() -> None:
    # 7.2 MJ/kWh is 2 MW of gas a MW: 6 MW of gas feed three units, the other three burn diesel from day 30
    offers = [generator(), generator(gas=False, arrival_day=30)]
    instance = tiny(offers, [{"grid_mw": 4.0, "gas_mw": 6.0}])
    plan, held = answer(instance)
    assert list(plan.day) == [30]
    assert plan.units[0, 0] <= 3
    assert held == ("fuel gas",)


def test_air() -> None:
    # 6 MW at 0.5 g/kWh through a year: 26.28 t; under 20 t the clean generator of day 25 must help
    offers = [generator(nox_g_per_kwh=0.5), generator(arrival_day=25)]
    instance = tiny(offers, [{"grid_mw": 4.0, "nox_t_per_year": 20.0}])
    plan, held = answer(instance)
    assert list(plan.day) == [25]
    assert plan.output_mw[0, 0] * 0.5 * 8.76 <= 20 + 1e-6
    assert held == ("air",)
    assert list(answer(tiny(offers, [{"grid_mw": 4.0, "nox_t_per_year": 26.3}]))[0].day) == [10]


def test_water() -> None:
    # 10 MW of heat at 1 m3/MWh: 240 m3 a day; with 120, half the heat waits for dry chillers
    offers = [chiller(water_m3_per_mwh=1.0), chiller(arrival_day=21)]
    instance = tiny(offers, [{"water_m3_per_day": 120.0}], heat_fraction=1.0)
    plan, held = answer(instance)
    assert list(plan.day) == [21]
    assert plan.heat_mw[0, 0] <= 5 + 1e-6
    assert held == ("water",)


def test_yard() -> None:
    # six units of 100 m2 on 400 m2: two of them must be the small ones of day 17
    offers = [generator(footprint_m2=100.0), generator(footprint_m2=10.0, rating_mw=1.0, arrival_day=17)]
    instance = tiny(offers, [{"grid_mw": 4.0, "yard_m2": 430.0}])
    plan, held = answer(instance)
    assert list(plan.day) == [17]
    assert held == ("yard",)


def test_budget() -> None:
    # quick units at 5 million, slow ones at 1 million; 20 million buy at most three quick ones with three slow ones
    offers = [generator(unit_cost_musd=5.0), generator(arrival_day=28)]
    instance = tiny(offers, [{"grid_mw": 4.0}], budget_musd=20.0)
    plan, held = answer(instance)
    assert list(plan.day) == [28]
    assert plan.cost_musd(instance) == pytest.approx(1 + 6)
    assert held == ("budget",)
    assert unable(tiny(offers, [{"grid_mw": 4.0}], budget_musd=6.9)).endswith("budget")


def test_min_battery() -> None:
    # nothing but power quality asks for batteries: 2.5 MW of them, three units, from day 18
    instance = tiny([battery(arrival_day=18)], min_battery_mw=np.array([[2.5]]))
    plan, held = answer(instance)
    assert list(plan.day) == [18]
    assert plan.units[0, 0] == 3
    assert held == ("power quality",)


def test_min_inertia() -> None:
    # 9 MW s: five units of 2 MW s cost 5 million, three of 4 MW s at 1.5 million 4.5, two of those and a light one 4;
    # chillers and substations turn nothing, whatever their column says
    light, heavy = generator(inertia_s=2.0), generator(inertia_s=4.0, unit_cost_musd=1.5)
    free = [kind(inertia_s=20.0, unit_cost_musd=0.0) for kind in (substation, chiller)]
    plan, _ = answer(tiny([light, heavy, *free], min_inertia_mws=np.array([[9.0]])))
    assert list(plan.units[:2, 0]) == [1, 2]


def test_floors_count_by_milestone() -> None:
    # four batteries for the second milestone only, on day 30; the first does not wait
    instance = tiny([battery(arrival_day=30)], min_battery_mw=np.array([[0.0, 4.0]]), it_mw=(10.0, 12.0))
    plan, held = answer(instance)
    assert list(plan.day) == [10, 30]
    assert list(plan.units[0]) == [0, 4]
    assert held == ("GPU deliveries", "power quality")


def test_a_floor_is_that_of_its_site() -> None:
    # the cheaper site must buy three batteries, and is no longer the cheaper one
    sites = [{"site_cost_musd": 1.0}, {"site_cost_musd": 3.0}]
    assert chosen(tiny([battery()], sites)) == "s0"
    assert chosen(tiny([battery()], sites, min_battery_mw=np.array([[3.0], [0.0]]))) == "s1"
    assert chosen(tiny([battery()], sites, min_battery_mw=np.array([[3.0], [3.0]]))) == "s0"
    assert chosen(tiny([battery()], sites, min_inertia_mws=np.array([[np.inf], [0.0]]))) == "s1"


def test_floors_out_of_reach() -> None:
    offers = [battery(rating_mw=6.1), battery(arrival_day=61), generator(inertia_s=0.5)]
    assert unable(tiny(offers, min_battery_mw=np.array([[80.0]]))) == (
        "battery power for m0: 61.0 MW by day 60, power quality requires 80.0"
    )
    assert unable(tiny(offers, min_inertia_mws=np.array([[6.0]]))) == (
        "inertia for m0: 5.0 MW s by day 60, power quality requires 6.0"
    )
    endless = np.array([[np.inf]])
    for limit, floor in (("battery power", "min_battery_mw"), ("inertia", "min_inertia_mws")):
        reason = unable(tiny(offers, **{floor: endless}))
        assert reason == f"power quality for m0: no amount of {limit} keeps the class"


def test_what_keeps_a_floor_from_being_reached() -> None:
    # three batteries of 100 m2 on 250 m2: with more yard they could be there
    instance = tiny([battery(footprint_m2=100.0)], [{"yard_m2": 250.0}], min_battery_mw=np.array([[3.0]]))
    assert unable(instance) == "no plan by day 60: yard"
    # 6 MW of power and 3 MW of batteries, by units of which nine have no room: either need would have to go
    offers = [generator(footprint_m2=100.0), battery(footprint_m2=100.0)]
    instance = tiny(offers, [{"grid_mw": 4.0, "yard_m2": 800.0}], min_battery_mw=np.array([[3.0]]), budget_musd=9.0)
    assert unable(instance) == "no plan by day 60: mean power and power quality"


def test_energy_is_paid_over_the_hold() -> None:
    # ten days: 6 MW from generators at 100 USD/MWh, 4 MW from the grid at 50
    offers = [generator(fuel_usd_per_mwh=100.0, unit_cost_musd=0.0)]
    instance = tiny(offers, [{"grid_mw": 4.0, "grid_usd_per_mwh": 50.0}], operating_days=np.array([10]))
    plan, _ = answer(instance)
    parts = plan.cost_parts_musd(instance)
    assert parts["fuel"] == pytest.approx(6 * 240 * 100 / 1e6)
    assert parts["grid_energy"] == pytest.approx(4 * 240 * 50 / 1e6)


def test_choice_of_the_site() -> None:
    # the first site is cheaper, the second quicker: days come first
    sites = [{"compute_ready_day": 20, "site_cost_musd": 1.0}, {"compute_ready_day": 19, "site_cost_musd": 9.0}]
    assert chosen(tiny(sites=sites)) == "s1"
    assert chosen(tiny(sites=sites, order=(-1, 0))) == "s0"


def test_cost_decides_between_equal_days() -> None:
    sites = [{"site_cost_musd": 3.0}, {"site_cost_musd": 2.0}, {"site_cost_musd": 4.0}]
    assert chosen(tiny(sites=sites)) == "s1"


def test_cost_before_days() -> None:
    # the cheap units come late: with cost first, the plan waits for them
    offers = [generator(unit_cost_musd=5.0), generator(arrival_day=28)]
    instance = tiny(offers, [{"grid_mw": 4.0}], order=(-1, 0))
    plan, held = answer(instance)
    assert plan.cost_musd(instance) == pytest.approx(7)
    assert list(plan.day) == [28]
    assert held == ("cost",)


def test_two_limits_together() -> None:
    # neither more yard nor more gas alone lets a sixth unit in
    offers = [generator(footprint_m2=100.0)]
    instance = tiny(offers, [{"grid_mw": 4.0, "yard_m2": 500.0, "gas_mw": 10.0}])
    assert unable(instance) == "no plan by day 60: several limits together"
