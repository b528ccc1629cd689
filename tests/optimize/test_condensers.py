"""Synchronous condensers as offers: inertia without power, and losses that all else has to carry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteopt
from siteopt.instance import Instance
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.price_bound import price_bound
from siteopt.optimize.pricing import priced
from siteopt.optimize.search import search
from siteopt.plan import Plan
from siteopt.simulate.dispatch import dispatch
from siteopt.simulate.events import events
from siteopt.simulate.quality import sizing
from tests.examples import many
from tests.instances import QUALITY, battery, condenser, generator, tiny
from tests.optimize import brute_force
from tests.optimize.test_exact import assert_same, key
from tests.optimize.test_pricing import DAY, prices
from tests.worlds import OFFER as ON_DISK
from tests.worlds import OFFERS, write_world

NO_STEP = np.zeros(0, dtype=bool)


def planned(instance: Instance) -> Plan:
    """Return the best plan, which both methods and brute force find."""
    found = key(search(instance))
    assert_same(found, key(monolithic(instance)))
    assert_same(found, brute_force.best(instance))
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert certify(best.best.instance, best.best.plan).valid
    return best.best.plan


def test_condensers_give_inertia_and_their_losses_are_a_load() -> None:
    # 10 MW of load and of grid; 12 MW s are three condensers of 4 MW s, whose losses of 0.1 MW each take a generator
    offers = [condenser(own_load_mw=0.1), generator(inertia_s=0.0)]
    instance = tiny(offers, [{"grid_mw": 10.0}], min_inertia_mws=np.array([[12.0]]))
    plan = planned(instance)
    assert plan.units[:, 0].tolist() == [3, 1]
    assert plan.demand_mw.tolist() == pytest.approx([10.3])
    assert plan.import_mw[0] + plan.output_mw[1, 0] == pytest.approx(10.3)
    # without losses the grid is enough
    free = replace(instance, own_load_mw=np.zeros(2))
    assert planned(free).units[:, 0].tolist() == [3, 0]
    # a machine with inertia is the cheaper mix as soon as it saves the third condenser
    spinning = replace(instance, inertia_s=np.array([4.0, 4.0]))
    assert planned(spinning).units[:, 0].tolist() == [2, 1]


def test_the_certificate_knows_losses() -> None:
    offers = [condenser(own_load_mw=0.1), generator(inertia_s=0.0)]
    instance = tiny(offers, [{"grid_mw": 10.0}], min_inertia_mws=np.array([[12.0]]))
    plan = planned(instance)
    wrong = replace(plan, demand_mw=plan.demand_mw - 0.3, import_mw=plan.import_mw - 0.3)
    assert [row.family for row in certify(instance, wrong).violations] == ["demand"]


def test_the_replay_knows_losses() -> None:
    instance = tiny([condenser(own_load_mw=0.1), generator()], [{"grid_mw": 10.0}])
    running = dispatch(instance, 0, np.array([3, 1]), 10.0)
    assert (running.demand_mw, running.mean_mw, running.import_mw) == pytest.approx((10.3, 10.3, 10.0))
    assert running.output_mw.tolist() == pytest.approx([0.0, 0.3])


def test_condensers_are_shafts_of_the_bus() -> None:
    offers = [generator(rating_mw=3.0, inertia_s=1.0), condenser(rating_mw=2.0), battery(rating_mw=5.0)]
    instance = tiny(offers, [{"grid_mw": 5.0}], load_step_amplitude=0.4, load_factor=0.8)
    bus = events(instance, 0, np.array([2, 3, 1]), NO_STEP, 10.0, 5.0)[0].before
    assert (bus.capacity_mw, bus.battery_mw) == (6.0, 5.0)
    assert (bus.condensers_mws, bus.shafts_mws, bus.inertia_mws) == (24.0, 30.0, 30.0)
    # they keep a frequency when the grid is lost, where nothing else does
    still = replace(instance, inertia_s=np.array([0.0, 4.0, 0.0]))
    lost = {
        count: [one.name for one in events(still, 0, np.array([2, count, 1]), NO_STEP, 10.0, 5.0)] for count in (0, 1)
    }
    assert ("grid loss" in lost[0], "grid loss" in lost[1]) == (False, True)


def test_condensers_cure_what_batteries_answer_too_late_for() -> None:
    cell = {"inertia_s": 0.0, "governor_s": 0.1, "droop": 0.04, "ramp_per_s": 0.1 / 60, "step_fraction": 0.3}
    instance = tiny(
        [generator(rating_mw=2.0, **cell), battery(energy_mwh=2.0), condenser(rating_mw=10.0, inertia_s=2.0)],
        [{"grid_mw": 0.0}],
        it_mw=(100.0,),
        load_step_amplitude=0.4,
        load_factor=0.8,
        power_quality=replace(QUALITY, iso_class="G2"),
    )

    def lacking(condensers: int) -> float | None:
        found = sizing(instance, 0, np.array([50, 120, condensers]), NO_STEP, 100.0, 0.0)
        return None if found is None else found.inertia_mws

    # 20 MW s each; 40 MW of swing, of which batteries are behind by 0.1 s, may move them by 1.5 % in all
    few = lacking(5)
    assert few is not None
    assert 100 < few < 40 * 0.1 / 2 / 0.015 * 2
    assert lacking(int(np.ceil(few / 20))) is None


@many(40)
@given(st.data())
def test_prices_never_exceed_the_least_cost_with_losses(data: st.DataObject) -> None:
    several = st.integers(0, 8)
    offers = [
        condenser(
            available_units=data.draw(several),
            own_load_mw=data.draw(st.sampled_from([0.0, 0.2, 1.5])),
            unit_cost_musd=0.5,
        ),
        generator(available_units=data.draw(several), own_load_mw=data.draw(st.sampled_from([0.0, 0.1]))),
        battery(available_units=data.draw(several)),
    ]
    inertia = np.array([[data.draw(st.sampled_from([0.0, 6.0, 20.0]))]])
    site = [{"grid_mw": data.draw(st.sampled_from([2.0, 8.0, 12.0]))}]
    instance = tiny(offers, site, load_step_amplitude=0.2, spare_units=1, min_inertia_mws=inertia)
    assert_same(key(search(instance)), brute_force.best(instance))
    price = st.sampled_from([0.0, 0.2, 0.5, 1.0])
    some = prices(peak_power=data.draw(price), mean_power_spare=data.draw(price))
    found = FixedDays(instance, DAY[0], Clock()).cheapest()
    if found.plan is not None:
        assert priced(instance, DAY, some)[0] <= found.value + 1e-9
        assert price_bound(instance, DAY, some)[0] <= found.value


CONDENSER = ON_DISK | {
    "offer_id": "condenser",
    "kind": "condenser",
    "unit_mw": 10,
    "inertia_s": 3,
    "own_load_share": 0.015,
    "count": 2,
    "trade": "electrical",
    "crew_days": 10,
    "footprint_m2": 100,
    "purchase_usd": 3e6,
}
"""An example, with figures that nobody has published together."""


def test_an_offer_of_a_condenser_is_read(tmp_path: Path) -> None:
    scenario = siteopt.read_scenario(write_world(tmp_path, offers=(*OFFERS, CONDENSER)))
    instance = siteopt.load(scenario).instance
    o = instance.offer_id.index("condenser")
    assert (instance.inertia_s[o], instance.own_load_mw[o], instance.rating_mw[0, o]) == (
        3.0,
        pytest.approx(0.15),
        10.0,
    )
    assert instance.own_load_mw.sum() == pytest.approx(0.15)
