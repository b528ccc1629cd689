"""Distribution, coolant distribution and the site's own towers: cases in which each alone decides, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siteopt.instance import Instance
from siteopt.optimize.bottleneck import days_saved
from siteopt.optimize.bounds import bounds
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.price_bound import price_bound
from siteopt.optimize.pricing import priced
from siteopt.optimize.search import search
from siteopt.output.translations import Translations
from siteopt.plan import SitePlan
from siteopt.simulate.dispatch import unmet
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import replayed
from tests.instances import cdu, chiller, generator, substation, tiny
from tests.optimize.test_families import answer, unable
from tests.optimize.test_pricing import DAY, prices

NO_STEP = np.zeros(0, dtype=bool)


def best_of(instance: Instance) -> SitePlan:
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    return best.best


# distribution


def test_substations_carry_what_the_plant_does_not() -> None:
    # 10 MW of demand, 4 of them through the plant's own switchgear: six substations of 1 MW, ready on day 22
    instance = tiny([substation(arrival_day=22)], [{"distribution_mw": 4.0}], distribution_asked=True)
    plan, held = answer(instance)
    assert list(plan.day) == [22]
    assert plan.units[:, 0].tolist() == [6]
    assert plan.cost_musd(instance) == pytest.approx(1 + 6)
    assert held == ("distribution",)
    assert days_saved(best_of(instance), Clock()) == ({"distribution": 12},)


def test_a_plant_with_enough_of_its_own_needs_no_substation() -> None:
    instance = tiny([substation(arrival_day=22)], [{"distribution_mw": 10.0}], distribution_asked=True)
    assert list(answer(instance)[0].day) == [10]


def test_the_draw_of_the_chillers_is_distributed_too() -> None:
    # 10 MW of load and 10 of heat at a COP of 4: 12.5 MW, of which the plant carries 10
    offers = [substation(), chiller(cop=4.0)]
    instance = tiny(offers, [{"distribution_mw": 10.0}], heat_fraction=1.0, distribution_asked=True)
    assert answer(instance)[0].units[:, 0].tolist() == [3, 10]


def test_power_that_a_generator_supplies_is_distributed_too() -> None:
    offers = [generator(), substation()]
    instance = tiny(offers, [{"grid_mw": 0.0, "distribution_mw": 4.0}], distribution_asked=True)
    assert answer(instance)[0].units[:, 0].tolist() == [10, 6]


def test_a_grid_step_brings_no_distribution() -> None:
    # the step lifts the feed to 10 MW; the plant still carries 4, and two substations come for it
    steps = [{"site": 0, "ready_day": 15, "rise_mw": 6.0}]
    instance = tiny([substation(rating_mw=3.0)], [{"grid_mw": 4.0, "distribution_mw": 4.0}], steps)
    plan, _ = answer(replace(instance, distribution_asked=True))
    assert list(plan.day) == [15]
    assert plan.units[:, 0].tolist() == [2]
    assert answer(instance)[0].units[:, 0].tolist() == [0]


def test_distribution_that_falls_short_is_told() -> None:
    instance = tiny([substation(available_units=3)], [{"distribution_mw": 4.0}], distribution_asked=True)
    assert unable(instance) == "distribution for m0: 7.0 MW by day 60, 10.0 needed, 3.0 short"


# coolant distribution


def test_heat_needs_a_way_into_the_loop() -> None:
    # 10 MW of IT, 80 % of it into the loop: four CDUs of 2 MW, ready on day 31
    instance = tiny([cdu(rating_mw=2.0, arrival_day=31)], liquid_heat_fraction=0.8)
    plan, held = answer(instance)
    assert list(plan.day) == [31]
    assert plan.units[:, 0].tolist() == [4]
    assert held == ("coolant distribution",)
    too_few = tiny([cdu(available_units=3)], liquid_heat_fraction=0.8)
    assert unable(too_few) == "coolant distribution for m0: 3.0 MW of heat by day 60, 8.0 needed, 5.0 short"


def test_what_is_not_asked_for_has_no_rows_and_no_limit() -> None:
    instance = tiny([substation(available_units=0), cdu(available_units=0)], [{"distribution_mw": 0.0}])
    plan, held = answer(instance)
    assert list(plan.day) == [10]
    assert held == ("GPU deliveries",)
    families = {row.family for row in certify(instance, replace(plan, day=plan.day - 60)).violations}
    assert not families & {"distribution", "coolant distribution"}


# the site's own towers


def test_own_towers_take_their_share_of_the_heat() -> None:
    # 10 MW of heat: 3 for chillers alone, 7 for towers or chillers; own towers of 5 MW leave 5 to chillers
    offers = [chiller(arrival_day=25, cop=1e9)]
    shares = {"heat_fraction": 0.3, "tower_heat_fraction": 0.7}
    instance = tiny(offers, [{"own_cooling_mw": 5.0}], **shares)
    plan, held = answer(instance)
    assert list(plan.day) == [25]
    assert plan.units[:, 0].tolist() == [5]
    assert held == ("cooling",)
    # more towers than their share leave 3 to chillers, and without a share of heat for towers all 10
    assert answer(tiny(offers, [{"own_cooling_mw": 50.0}], **shares))[0].units[:, 0].tolist() == [3]
    assert answer(tiny(offers, [{"own_cooling_mw": 50.0}], heat_fraction=1.0))[0].units[:, 0].tolist() == [10]


def test_own_towers_draw_power() -> None:
    # 8 MW of heat by own towers at 0.1 MW of fans and pumps for each MW: 10.8 MW of demand
    def at(grid_mw: float) -> Instance:
        site = {"grid_mw": grid_mw, "own_cooling_mw": 8.0}
        return tiny([chiller(available_units=0)], [site], tower_heat_fraction=0.8, own_cooling_mw_per_mw=0.1)

    plan, _ = answer(at(10.8))
    assert plan.demand_mw == pytest.approx([10.8])
    assert plan.own_heat_mw == pytest.approx([8.0])
    assert "power" in unable(at(10.7))


def test_own_towers_need_water() -> None:
    # 10 MW at 2 m3/MWh take 480 m3 a day; with 240, half of the heat waits for dry chillers of day 21
    offers = [chiller(arrival_day=21, cop=10.0)]
    site = {"own_cooling_mw": 10.0, "water_m3_per_day": 240.0}
    water = {"tower_heat_fraction": 1.0, "own_cooling_m3_per_mwh": 2.0}
    instance = tiny(offers, [site], **water)
    plan, held = answer(instance)
    assert list(plan.day) == [21]
    assert plan.own_heat_mw == pytest.approx([5.0])
    assert plan.units[:, 0].tolist() == [5]
    assert plan.demand_mw == pytest.approx([10.5])
    assert held == ("water",)
    wet = replace(instance, water_m3_per_day=np.array([480.0]))
    assert list(answer(wet)[0].day) == [10]


def test_the_spare_chiller_is_counted_beside_the_towers() -> None:
    # 10 MW must remain with one chiller of 1 MW out: towers of 6 and five chillers
    instance = tiny([chiller()], [{"own_cooling_mw": 6.0}], tower_heat_fraction=1.0, spare_units=1)
    assert answer(instance)[0].units[:, 0].tolist() == [5]


def test_the_certificate_counts_own_towers() -> None:
    instance = tiny([chiller()], [{"own_cooling_mw": 4.0}], tower_heat_fraction=1.0)
    plan = best_of(instance).plan
    assert certify(instance, plan).valid
    too_much = replace(plan, own_heat_mw=plan.own_heat_mw + 1)
    assert {row.name for row in certify(instance, too_much).violations} == {"heat of own towers m0"}
    (row,) = certify(instance, replace(plan, units=plan.units - 1, heat_mw=plan.heat_mw * 5 / 6)).violations[-1:]
    assert (row.family, row.left, row.right) == ("cooling", pytest.approx(10), pytest.approx(9))


def test_bounds_count_own_towers() -> None:
    # 5 MW of chillers on day 12; the towers are there from the start, but only at the first site
    instance = tiny(
        [chiller(arrival_day=12, available_units=5)], [{"own_cooling_mw": 5.0}, {}], tower_heat_fraction=1.0
    )
    assert bounds(instance).day[:, 0].tolist() == [12, 1_000_000]


# prices


def test_prices_of_distribution_by_hand() -> None:
    # 10 MW at a price, 4 of them by the plant; each of ten substations gives 1 MW and costs a million
    instance = tiny([substation()], [{"distribution_mw": 4.0}], distribution_asked=True)
    for price, bound in ((1.0, 1 + 6.0), (0.5, 1 + 3.0), (1.5, 1 + 9.0 - 10 * 0.5)):
        assert priced(instance, DAY, prices(distribution=price)) == pytest.approx([bound])
        assert price_bound(instance, DAY, prices(distribution=price)) == pytest.approx([bound], abs=1e-6)
    free = replace(instance, distribution_asked=False)
    assert priced(free, DAY, prices(distribution=1.0)) == pytest.approx([1.0])
    assert price_bound(free, DAY, prices(distribution=1.0)) == pytest.approx([1.0], abs=1e-6)


def test_prices_of_own_towers_by_hand() -> None:
    # 10 MW of heat at a price of 1; own towers of 4 save it, less 0.1 MW of power at 2 for each MW
    instance = tiny([chiller(cop=1e9)], [{"own_cooling_mw": 4.0}], tower_heat_fraction=1.0)
    instance = replace(instance, own_cooling_mw_per_mw=0.1)
    some = prices(cooling=1.0, peak_power=2.0)
    expected = 1 + 10 * 1.0 - 4 * (1.0 - 0.2) + 10 * 2.0 - 100 * 2.0
    assert priced(instance, DAY, some) == pytest.approx([expected])
    assert price_bound(instance, DAY, some) == pytest.approx([expected], abs=1e-5)


# the replay


def test_the_replay_knows_all_three() -> None:
    offers = [substation(arrival_day=12), cdu(arrival_day=14), chiller(arrival_day=16, cop=1e9)]
    site = {"distribution_mw": 4.0, "own_cooling_mw": 7.0}
    instance = tiny(offers, [site], tower_heat_fraction=1.0, liquid_heat_fraction=0.5, distribution_asked=True)
    units = np.array([6, 5, 3])
    assert unmet(instance, 0, units, NO_STEP, units) == []
    lacking = unmet(instance, 0, units - 1, NO_STEP, units)
    assert [Translations().reason(one.reason) for one in lacking] == [
        "cooling: 1.0 MW short",
        "distribution: 1.0 MW short",
        "coolant distribution: 1.0 MW short",
    ]
    found = replayed(instance, Orders(units=units[:, None], step=np.zeros((0, 1), dtype=bool), day=np.array([16])))
    assert found.calendar.day.tolist() == [16]


def test_the_replay_runs_own_towers_as_far_as_the_water_lasts() -> None:
    site = {"own_cooling_mw": 10.0, "water_m3_per_day": 240.0}
    instance = tiny([chiller(cop=10.0)], [site], tower_heat_fraction=1.0, own_cooling_m3_per_mwh=2.0)
    five, four = np.array([5]), np.array([4])
    assert unmet(instance, 0, five, NO_STEP, five) == []
    assert [one.name for one in unmet(instance, 0, four, NO_STEP, four)] == ["water"]
