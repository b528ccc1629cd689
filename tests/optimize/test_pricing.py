"""Bounds by prices: worked out by hand, never above the MILP whatever the prices, and near it with duals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.equipment import MEAN_POWER
from siteopt.instance import Instance
from siteopt.optimize.bounds import bounds
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.pricing import NEEDS, SPARES, Prices, priced
from siteopt.optimize.single import cost_prices, shortfall_prices, solve_site
from siteopt.plan import SitePlan
from tests.instances import battery, chiller, generator, tiny
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import thorough

LIMITED = ("gas", "nox", "water", "yard")
DAY = np.array([[10]])


def prices(milestones: int = 1, cost: float = 1.0, **rows: float) -> Prices:
    """Prices that are the same at every milestone; 0 where they are not given."""
    names = (*NEEDS, *(f"{name} spare" for name in SPARES), *LIMITED)
    values = {name: np.full(milestones, rows.pop(name.replace(" ", "_"), 0.0)) for name in names}
    assert not rows
    return Prices(
        cost=cost,
        needs={name: values[name] for name in NEEDS},
        spares={name: values[f"{name} spare"] for name in SPARES},
        **{name: values[name] for name in LIMITED},
        grid_margin=np.zeros(milestones, dtype=bool),
        cooling_margin=np.full(milestones, -1),
    )


def solved(instance: Instance) -> SitePlan | None:
    return solve_site(instance, Clock()).best


def least_cost(instance: Instance, day: np.ndarray) -> float | None:
    """The least cost on these days, without any bound."""
    found = FixedDays(instance, day, Clock()).cheapest()
    return found.value if found.plan is not None else None


def test_batteries_by_hand() -> None:
    # a swing of 4 MW; batteries of 1 MW at a million each; the site costs one million
    instance = tiny([battery()], [{"grid_swing_mw": 0.0}], load_step_amplitude=0.4)
    assert priced(instance, DAY, prices(swing=1.0)) == pytest.approx([5.0])
    # at half the price of a battery none is bought, and 4 MW are worth 2 million
    assert priced(instance, DAY, prices(swing=0.5)) == pytest.approx([3.0])
    # above it all ten are bought: 4 x 1.5 - 10 x 0.5
    assert priced(instance, DAY, prices(swing=1.5)) == pytest.approx([2.0])


def test_grid_steps_by_hand() -> None:
    # 10 MW of load, 4 MW of grid, and a step of 6 MW on day 10 for 3 million
    step = {"site": 0, "ready_day": 10, "rise_mw": 6.0, "cost_musd": 3.0}
    instance = tiny([generator()], [{"grid_mw": 4.0}], [step])
    assert priced(instance, DAY, prices(mean_power=0.5)) == pytest.approx([1 + (10 - 4) * 0.5])
    # at 0.8 a MW the step is worth 4.8, which is 1.8 more than it costs
    assert priced(instance, DAY, prices(mean_power=0.8)) == pytest.approx([1 + (10 - 4) * 0.8 - 1.8])
    assert priced(instance, DAY - 1, prices(mean_power=0.8)) == pytest.approx([1 + (10 - 4) * 0.8])


def test_no_offers_at_all() -> None:
    assert priced(tiny(), DAY, prices(mean_power=0.5)) == pytest.approx([1 + 10 * 0.5 - 100 * 0.5])
    best = solved(tiny())
    assert best is not None
    assert priced(tiny(), DAY, cost_prices(best)) == pytest.approx([1.0])


def test_largest_unit_is_out() -> None:
    # 10 MW of heat with one unit to spare: ten small chillers and one more, or large ones and a large one more
    offers = [chiller(available_units=20), chiller(available_units=20, rating_mw=5.0, unit_cost_musd=4.0)]
    instance = tiny(offers, heat_fraction=1.0, spare_units=1)
    best = solved(instance)
    assert best is not None
    assert best.cost_musd == pytest.approx(1 + 11, abs=1e-3)
    # at 1 a MW: small ones alone pay for 1 MW out; with large ones 5 MW are out, and each brings 1 million
    assert priced(instance, DAY, prices(cooling_spare=1.0)) == pytest.approx([1 + 10 + min(1.0, 5.0 - 20.0)])
    assert priced(instance, DAY, prices(cooling_spare=0.8)) == pytest.approx([1 + 8 + min(0.0, 0.8, 0.8 * 5)])


def test_prices_of_what_is_missing() -> None:
    instance = tiny([generator(available_units=5, arrival_day=20)], [{"grid_mw": 4.0}])
    found = shortfall_prices(instance, DAY[0])
    assert found is not None
    assert found.cost == 0
    assert priced(instance, DAY, found)[0] > 0
    assert priced(replace(instance, grid_mw=instance.grid_mw + 6), DAY, found)[0] <= 1e-9


@pytest.mark.parametrize("floor", [3.0, 20.0, np.inf])
def test_what_power_quality_asks_for_has_no_price(floor: float) -> None:
    # prices go to other sites, which need not have the floor; where it cannot be reached, they show nothing
    offers = [generator(), battery(unit_cost_musd=0.5)]
    free = tiny(offers, [{"grid_mw": 4.0}])
    instance = replace(free, min_battery_mw=np.array([[floor]]))
    assert shortfall_prices(instance, DAY[0]) is None
    best, plain = solved(instance), solved(free)
    assert plain is not None
    assert priced(instance, DAY, cost_prices(plain)) == pytest.approx([1 + 6])
    assert (best is None) == (floor > 10)
    if best is not None:
        assert best.cost_musd == pytest.approx(1 + 6 + 1.5)
        assert priced(instance, DAY, cost_prices(best)) == pytest.approx([1 + 6])


def test_duals_reach_the_linear_relaxation() -> None:
    offers = [battery(unit_cost_musd=cost, available_units=3) for cost in (1.0, 1.5, 2.0)]
    instance = tiny(offers, [{"grid_swing_mw": 0.0}], load_step_amplitude=0.4)
    best = solved(instance)
    assert best is not None
    assert priced(instance, DAY, cost_prices(best)) == pytest.approx([1 + 3 + 1.5])


@st.composite
def any_prices(draw: st.DrawFn, milestones: int) -> Prices:
    value = st.sampled_from([0.0, 0.01, 0.3, 1.0, 5.0])
    signed = st.sampled_from([-1.0, -0.1, 0.0, 0.3, 1.0])

    def drawn(each: st.SearchStrategy[float]) -> np.ndarray:
        return np.array([draw(each) for _ in range(milestones)])

    crew = draw(
        st.dictionaries(
            st.tuples(st.integers(0, 1), st.integers(0, milestones - 1), st.integers(0, 30)), value, max_size=3
        )
    )
    return Prices(
        cost=draw(st.sampled_from([0.0, 1.0])),
        grid_margin=np.array([draw(st.booleans()) for _ in range(milestones)]),
        cooling_margin=np.array([draw(st.sampled_from([-1, 1])) for _ in range(milestones)]),
        budget=draw(st.sampled_from([0.0, 0.0, 0.5])),
        crew=crew,
        needs={name: drawn(signed if name == MEAN_POWER else value) for name in NEEDS},
        spares={name: drawn(value) for name in SPARES},
        **{name: drawn(value) for name in LIMITED},
    )


@thorough
@given(instances(), st.data())
def test_any_prices_give_a_bound(instance_of_all: Instance, data: st.DataObject) -> None:
    chosen = data.draw(any_prices(instance_of_all.milestones))
    for s in range(instance_of_all.sites):
        instance = instance_of_all.take(np.array([s]))
        least = np.maximum.accumulate(instance.compute_ready_day[0] + instance.commissioning_days)
        day = np.minimum(least + data.draw(st.integers(0, 40)), instance.horizon_day)
        bound, cost = priced(instance, day[None], chosen)[0], least_cost(instance, day)
        if cost is not None:
            assert bound <= (cost + 1e-6 if chosen.cost else 1e-6)


@thorough
@given(instances())
def test_prices_of_one_site_bound_every_other(instance_of_all: Instance) -> None:
    each = [instance_of_all.take(np.array([s])) for s in range(instance_of_all.sites)]
    best = [solved(instance) for instance in each]
    known = [cost_prices(found) for found in best if found is not None]
    for s, found in enumerate(best):
        for some in known:
            bound = priced(
                instance_of_all,
                np.stack([(f.plan.day if f else bounds(instance_of_all).day[i]) for i, f in enumerate(best)]),
                some,
            )
            if found is not None:
                assert bound[s] <= found.cost_musd + 1e-6


@thorough
@given(instances())
def test_what_is_missing_is_missing(instance_of_all: Instance) -> None:
    for s in range(instance_of_all.sites):
        instance = instance_of_all.take(np.array([s]))
        day = np.minimum(bounds(instance).day[0], instance.horizon_day)
        short = shortfall_prices(instance, day)
        if short is not None:
            assert priced(instance, day[None], short)[0] > 1e-6
            assert least_cost(instance, day) is None


@thorough
@given(instances(), st.data())
def test_later_days_never_raise_a_bound(instance: Instance, data: st.DataObject) -> None:
    chosen = data.draw(any_prices(instance.milestones))
    day = np.minimum(bounds(instance).day, instance.horizon_day)
    assert (priced(instance, day + 3, chosen) <= priced(instance, day, chosen) + 1e-9).all()
