"""Bounds of many sites by chunks: never above what a site can do, in the order of the objective."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.optimize import screening
from siteopt.optimize.clock import Clock
from siteopt.optimize.key_bounds import is_before
from siteopt.optimize.screening import Screening
from siteopt.optimize.search import search
from siteopt.optimize.single import cost_prices, first_plan, shortfall_prices, solve_site
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.reason import ReasonCode, because
from tests.instances import battery, chiller, generator, tiny
from tests.optimize.random_instances import instances
from tests.optimize.test_exact import thorough

ALL = np.arange(3)


@pytest.fixture(scope="module", autouse=True)
def small_chunks() -> Iterator[None]:
    """Chunks of two sites, so that small cases have several."""
    usual, screening.CHUNK = screening.CHUNK, 2
    yield
    screening.CHUNK = usual


def screened(instance: Instance, threads: ThreadPoolExecutor) -> Screening:
    """A screen that knows the prices of every site."""
    found = Screening(instance, Clock(), threads)
    found.bound()
    for s in np.flatnonzero(found.open):
        one = instance.take(np.array([s]))
        days = found.cost_days(np.array([s]))[0]
        plan = first_plan(one, days, Clock())
        prices = cost_prices(plan) if plan else None, shortfall_prices(one, days)
        found.prices += [some for some in prices if some is not None]
    found.price(np.arange(instance.sites), None)
    return found


@thorough
@given(instances(sites=4), st.permutations([0, 1, -1]))
def test_no_site_is_better_than_its_bound(instance: Instance, order: list[int]) -> None:
    instance = replace(instance, order=tuple(goal for goal in order if goal < instance.milestones))
    with ThreadPoolExecutor(2) as threads:
        found = screened(instance, threads)
    for s in range(instance.sites):
        one = instance.take(np.array([s]))
        best = solve_site(one, Clock()).best
        if best is None:
            continue
        assert found.open[s]
        bound = found.bounds.compared(np.array([s]))
        assert not is_before(np.array([best.key]), bound)[0]


@settings(max_examples=10)
@given(instances(sites=5))
def test_probes_of_a_part_of_the_sites_change_no_rank(instance: Instance) -> None:
    usual = search(instance, top=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("siteopt.optimize.search.SAMPLE", 2)  # so that some sites are beside the sample
        few = search(instance, top=2)
    assert few.outcome == usual.outcome
    ranks, same = ([(one.site_id, one.best and one.best.key) for one in found.results[:2]] for found in (few, usual))
    assert ranks == same


def test_prices_that_close_the_most_sites_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = tiny([chiller(), generator()], [{}] * 3)
    with ThreadPoolExecutor(1) as threads:
        found = screened(instance, threads)
    one, two = (replace(found.prices[0], cost=cost) for cost in (1.0, 2.0))
    musd = {one.cost: [9.0, 0.0, 0.0], two.cost: [0.0, 9.0, 9.0]}
    monkeypatch.setattr(screening, "TRIED", 3)
    monkeypatch.setattr(screening, "priced", lambda _, __, prices: np.array(musd[prices.cost]))
    cutoff = ((0.0,) * instance.milestones + (1.0,), 0)
    assert [prices.cost for prices in found._in_order([one, two], ALL, cutoff)] == [two.cost, one.cost]


def test_a_late_chiller_is_seen_by_the_prices_of_another_site() -> None:
    # the yard holds four of the ten large units that come at once; six more come later, and are small
    offers = [
        chiller(footprint_m2=1.0, available_units=10, rating_mw=1.0, arrival_day=[12, 14, 13]),
        chiller(footprint_m2=4.0, available_units=10, rating_mw=1.0),
    ]
    instance = tiny(offers, [{"yard_m2": 10.0}] * 3, heat_fraction=1.0)
    with ThreadPoolExecutor(1) as threads:
        found = Screening(instance, Clock(), threads)
        found.bound()
        assert found.bounds.key[:, 0].tolist() == [10, 10, 10]
        short = shortfall_prices(instance.take(np.array([0])), np.array([10]))
        assert short is not None
        found.prices.append(short)
        found.price(ALL, None)
    assert found.bounds.key[:, 0].tolist() == [12, 14, 13]
    assert [int(result.best.plan.day[0]) for result in search(instance).results if result.best] == [12, 13, 14]


def test_sites_that_are_worse_than_the_first_ranks_are_ruled_out_without_a_solver() -> None:
    sites = [{"site_cost_musd": float(cost), "grid_mw": 4.0} for cost in range(1, 41)]
    ranking = search(tiny([generator()], sites), top=2)
    assert ranking.outcome is RunOutcome.PROVEN
    assert [result.site_id for result in ranking.results[:2]] == ["s0", "s1"]
    assert {result.standing for result in ranking.results[2:]} == {Standing.NOT_RANKED}
    assert ranking.solves < 15
    for result in ranking.results[2:]:
        assert result.cost_bound_musd > 2 + 6 - 1e-3


def test_a_site_with_floors_does_not_hide_the_others() -> None:
    # the cheapest site has the best bound and cannot serve; the second pays for ten batteries
    sites = [{"site_cost_musd": float(cost), "grid_mw": 4.0} for cost in range(1, 41)]
    minimum = np.zeros((40, 1))
    minimum[0], minimum[1] = np.inf, 10.0
    ranking = search(tiny([generator(), battery()], sites, min_battery_mw=minimum), top=2)
    assert ranking.outcome is RunOutcome.PROVEN
    assert [(result.site_id, result.best.cost_musd) for result in ranking.results if result.best] == [
        ("s2", pytest.approx(9)),
        ("s3", pytest.approx(10)),
    ]
    unable = [result.reason for result in ranking.results if result.standing is Standing.CANNOT_SERVE]
    assert unable == [because(ReasonCode.QUALITY_UNATTAINABLE, milestone="m0", limit="battery power")]
    assert ranking.solves < 30


def test_equal_sites_go_by_their_place() -> None:
    ranking = search(tiny([generator()], [{"grid_mw": 4.0}] * 30), top=3)
    assert [result.site_id for result in ranking.results[:3]] == ["s0", "s1", "s2"]
