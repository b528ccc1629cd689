"""Bounds by prices recomputed in intervals: below those of the search, and by no more than a hair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize.price_bound import price_bound
from siteopt.optimize.pricing import priced
from tests.instances import battery, chiller, tiny
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import thorough
from tests.optimize.test_pricing import DAY, any_prices, prices


def test_batteries_by_hand() -> None:
    # a swing of 4 MW; batteries of 1 MW at a million each; the site costs one million
    instance = tiny([battery()], [{"grid_swing_mw": 0.0}], load_step_amplitude=0.4)
    for price, bound in ((1.0, 5.0), (0.5, 3.0), (1.5, 2.0)):
        found = price_bound(instance, DAY, prices(swing=price))
        assert found == pytest.approx([bound], abs=1e-6)
        assert found[0] < bound


def test_the_largest_unit_is_out() -> None:
    offers = [chiller(available_units=20), chiller(available_units=20, rating_mw=5.0, unit_cost_musd=4.0)]
    instance = tiny(offers, heat_fraction=1.0, spare_units=1)
    assert price_bound(instance, DAY, prices(cooling_spare=1.0)) == pytest.approx(
        [1 + 10 + min(1.0, 5.0 - 20.0)], abs=1e-6
    )


def test_a_negative_price_counts_as_none() -> None:
    # -1 a MW of swing would promise a bound of 41 if ten batteries were thought to be had for it
    instance = tiny([battery()], [{"grid_swing_mw": 0.0}], load_step_amplitude=0.4)
    assert price_bound(instance, DAY, prices(swing=-1.0)) == pytest.approx([1.0], abs=1e-6)


@pytest.mark.parametrize(("over_usd", "within"), [(4, True), (6, False)])
def test_the_same_cost_as_the_budget_is_within_it(over_usd: float, within: bool) -> None:
    # the site at a million and four batteries at a million each: so much more than the budget
    instance = tiny([battery()], [{"grid_swing_mw": 0.0}], load_step_amplitude=0.4, budget_musd=5 - over_usd * 1e-6)
    chosen = replace(prices(cost=0.0, swing=1.0), budget=1.0)
    assert (priced(instance, DAY, chosen) <= 0) == within
    assert (price_bound(instance, DAY, chosen) <= 0) == within


@thorough
@given(instances(), st.data())
def test_it_is_what_the_search_says(instance: Instance, data: st.DataObject) -> None:
    chosen = data.draw(any_prices(instance.milestones))
    least = np.maximum.accumulate(instance.compute_ready_day + instance.commissioning_days, axis=1)
    day = np.minimum(least + data.draw(st.integers(0, 40)), instance.horizon_day)
    quick, safe = priced(instance, day, chosen), price_bound(instance, day, chosen)
    assert (safe < quick).all()
    assert safe == pytest.approx(quick, abs=1e-5)
