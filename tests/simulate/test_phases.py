"""The replay where limits change: each milestone starts on the first day from which it can go on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from siteopt.instance import NEVER, Instance
from siteopt.optimize.search import search
from siteopt.output.translations import Translations
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.dispatch import dispatch
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import lacking
from tests.examples import many
from tests.instances import generator, tiny
from tests.optimize.test_phases import changing
from tests.simulate.test_calendar import of, with_a_day_of_keys

PERMIT = [{"day": 40, "nox_t_per_year": 0.0}]
GRID = {"grid_mw": 4.0}
CLEAN = generator(arrival_day=30)
DIRTY = generator(nox_g_per_kwh=1.0)


def ordered(instance: Instance, day: list[int], *units: list[int]) -> Orders:
    return Orders(np.array(day), np.array(units), np.zeros((0, len(instance.phases(np.array(day)))), dtype=bool))


def said(found: Calendar) -> list[str]:
    return [Translations().reasons(reasons) for reasons in found.reasons]


def test_units_that_come_on_the_day_on_which_a_limit_falls() -> None:
    instance = tiny([DIRTY, CLEAN], [GRID], changes=PERMIT)
    found = replay(instance, ordered(instance, [10], [6, 6], [0, 6]))
    assert found.day.tolist() == [10]
    assert [one.output_mw.tolist() for one in found.running] == [[6.0, 0.0], [0.0, 6.0]]


def test_without_them_it_never_starts() -> None:
    instance = tiny([DIRTY, CLEAN], [GRID], changes=PERMIT)
    found = replay(instance, ordered(instance, [10], [6, 6], [0, 5]))
    assert found.day.tolist() == [NEVER]
    assert said(found) == ["air: 8.8 t/year of NOx of 0.0 t/year of NOx"]


def test_a_gap_is_waited_for() -> None:
    # nothing may run from day 8 to day 30: it starts when it may go on
    gap = [{"day": 8, "nox_t_per_year": 0.0}, {"day": 30, "nox_t_per_year": 60.0}]
    instance = tiny([DIRTY], [GRID], changes=gap)
    found = replay(instance, ordered(instance, [30], [6]))
    assert found.day.tolist() == [30]


def test_energy_is_paid_as_in_the_model() -> None:
    diesel = generator(gas=False, fuel_usd_per_mwh=200.0)
    site = {"grid_mw": 10.0, "grid_usd_per_mwh": 50.0}
    change = [{"day": 20, "grid_mw": 5.0}]
    instance = tiny([diesel], [site], changes=change, operating_days=np.array([100]))
    found = replay(instance, ordered(instance, [10], [0, 5]))
    assert found.cost_musd == pytest.approx(1 + 5 + 2400 * (5 * 50 + 5 * 200) / 1e6)


def test_trucks_bring_only_so_much_diesel() -> None:
    # diesel is cheap, gas is dear: one tanker a day is 4.83 MW, and the gas engine gives the rest
    diesel = generator(gas=False, fuel_usd_per_mwh=10.0)
    gas = generator(fuel_usd_per_mwh=90.0, nox_g_per_kwh=0.1)
    instance = tiny([diesel, gas], [{"grid_mw": 0.0, "fuel_trucks_per_day": 1.0}])
    running = dispatch(instance, 0, np.array([10, 10]), 0.0)
    assert running.output_mw == pytest.approx([116 / 24, 10 - 116 / 24])
    assert running.least_trucks_per_day == pytest.approx(0.0)


def test_trucks_and_air_together() -> None:
    # gas may emit for 4 MW, so that diesel gives 6 MW: 1.24 tankers, where one comes
    gas = generator(nox_g_per_kwh=1.0)
    site = {"grid_mw": 0.0, "nox_t_per_year": 4 * 8.76, "fuel_trucks_per_day": 1.0}
    instance = tiny([generator(gas=False), gas], [site])
    running = dispatch(instance, 0, np.array([10, 10]), 0.0)
    assert running.least_trucks_per_day == pytest.approx(6 * 24 / 116)
    found = replay(instance, ordered(instance, [10], [10], [10]))
    assert said(found) == ["fuel trucks: 1.2 trucks/day of 1.0 trucks/day"]


@many(40)
@given(changing)
def test_plans_replay_as_planned_but_for_whole_crews(instance: Instance) -> None:
    instance = with_a_day_of_keys(instance)
    best = search(instance).plan
    if best is None:
        return
    found = replay(instance, of(best.plan))
    assert found.cost_musd == pytest.approx(best.cost_musd, abs=1e-4)
    at_once = (instance.ready_day == instance.arrival_day)[0] & (instance.crew_days > 0)
    if not best.plan.units[at_once].any():
        assert (found.by_crews == (found.day > best.plan.day)).all()
    assert lacking(instance, of(best.plan)) is None
