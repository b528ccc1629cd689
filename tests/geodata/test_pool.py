"""The pool: an Instance of any sites, and one that is never worse than it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteopt
from siteopt import Dataset
from siteopt.instance import Instance
from tests.first_version import MODELS
from tests.worlds import SITES, STEPS, changed, write_world

BY_SITE = (
    "grid_mw",
    "grid_swing_mw",
    "gas_mw",
    "nonfirm_mw",
    "fuel_trucks_per_day",
    "nox_t_per_year",
    "water_m3_per_day",
    "yard_m2",
    "grid_usd_per_mwh",
    "demand_usd_per_mw_month",
)
BY_SITE += (
    "distribution_mw",
    "own_cooling_mw",
    "min_battery_mw",
    "min_inertia_mws",
    "site_cost_musd",
    "works_musd",
    "handover_day",
    "hall_day",
    "hall_gpus_per_day",
    "hall_capacity_gpus",
    "compute_ready_day",
    "compute_queue",
    "queue_relaxed_day",
)
BY_PAIR = ("transit_days", "arrival_day", "ready_day", "rating_mw", "cop", "unit_cost_musd")
BY_STEP = ("step_ready_day", "step_rise_mw", "step_rise_swing_mw", "step_commissioned_mw", "step_cost_musd")
FARTHER = ("transit_days", "arrival_day", "ready_day", "unit_cost_musd")
"""What a shorter way makes less."""

DATA = siteopt.load(siteopt.read_scenario(MODELS / "colossus.toml"))
SIZE = len(DATA.pool.site_id)

some_sites = st.lists(st.integers(0, SIZE - 1), max_size=SIZE, unique=True).map(lambda sites: np.array(sites, int))


def world(folder: Path) -> Dataset:
    sites = changed(SITES, "site_id", "gamma", grid_mw=4)
    steps = ({**STEPS[0], "site_id": "gamma", "ready_day": 9}, {**STEPS[0], "ready_day": 90, "grid_mw": 31}, *STEPS)
    return siteopt.load(siteopt.read_scenario(write_world(folder, sites, steps=steps)))


def same(one: Instance, other: Instance, *but: str) -> None:
    for name in {field.name for field in fields(Instance)} - set(but):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize(("gpus", "kw", "m2_per_mw"), [(48, 1.1, 300.7), (49, 1.3, 333.3), (10_000, 0.7, 123.4)])
def test_a_hall_that_is_exactly_full(tmp_path: Path, gpus: int, kw: float, m2_per_mw: float) -> None:
    area = gpus * kw / 1000 * m2_per_mw
    settings = [f"workload.it_kw_per_gpu={kw}", f"building.hall_m2_per_mw={m2_per_mw}", f"milestones.0.gpus={gpus}"]
    for share, fits in ((1.0, gpus), (1 - 1e-6, gpus - 1)):
        sites = [{**site, "floor_area_m2": area * share} for site in SITES]
        path = write_world(tmp_path / str(share), sites)
        instance = siteopt.load(siteopt.read_scenario(path, settings)).pool.exact(np.array([0]))
        assert np.floor(instance.hall_capacity_gpus).tolist() == [fits]


def test_sites_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    instance = world(tmp_path).pool.exact(np.array([2, 0]))
    assert instance.site_id == ("gamma", "alpha")
    assert list(instance.grid_mw) == [4, 12]


def test_steps_count_in_the_sites_that_are_asked_for(tmp_path: Path) -> None:
    pool = world(tmp_path).pool
    instance = pool.exact(np.array([2, 0, 1]))
    assert list(instance.step_site) == [0, 2, 2]
    assert list(instance.step_ready_day) == [9, 60, 90]
    assert list(instance.step_rise_mw) == [26, 28, 1]
    assert len(pool.exact(np.array([0])).step_site) == 0


def test_shorter_way_by_hand(tmp_path: Path) -> None:
    # alpha to Dallas: two days on the road either way; the haulage differs by 0.34 % at most
    pool = world(tmp_path).pool
    exact, optimistic = pool.exact(np.array([0])), pool.optimistic(np.array([0]))
    o = exact.offer_id.index("gen_rented")
    haulage = exact.unit_cost_musd[0, o] * 1e6 - (12 * 50_000 + 20_000)
    assert haulage == pytest.approx(4 * 1.25 * 674, rel=0.01)
    saved = (exact.unit_cost_musd[0, o] - optimistic.unit_cost_musd[0, o]) * 1e6
    assert 0 < saved < 0.0035 * haulage
    assert exact.transit_days[0, o] == math.ceil(674 * 1.25 / 800) == 2


@given(some_sites)
def test_part_of_the_pool_is_part_of_the_whole(sites: np.ndarray) -> None:
    whole, part = DATA.instance, DATA.pool.exact(sites)
    assert part.site_id == tuple(whole.site_id[site] for site in sites)
    for name in (*BY_SITE, *BY_PAIR):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[sites]), name
    for name in BY_STEP:
        taken = [getattr(whole, name)[whole.step_site == site] for site in sites]
        assert list(getattr(part, name)) == [value for values in taken for value in values], name
    same(part, whole, "site_id", "step_site", *BY_SITE, *BY_PAIR, *BY_STEP)


@given(some_sites)
def test_optimistic_is_never_later_nor_dearer(sites: np.ndarray) -> None:
    exact, optimistic = DATA.pool.exact(sites), DATA.pool.optimistic(sites)
    for name in FARTHER:
        assert (getattr(optimistic, name) <= getattr(exact, name)).all(), name
    assert (exact.arrival_day - optimistic.arrival_day <= 1).all()
    assert not optimistic.queue_relaxed_day.any()
    same(exact, optimistic, *FARTHER, "queue_relaxed_day")


def test_no_sites_are_an_instance_too() -> None:
    nothing = np.array([], dtype=np.int64)
    for instance in (DATA.pool.exact(nothing), DATA.pool.optimistic(nothing)):
        assert instance.sites == 0
        assert instance.offer_id == DATA.instance.offer_id


def test_two_threads_get_what_one_gets() -> None:
    chunks = [np.arange(SIZE)[start::7] for start in range(7)] * 8
    with ThreadPoolExecutor(2) as threads:
        for instance, chunk in zip(threads.map(DATA.pool.optimistic, chunks), chunks, strict=True):
            same(instance, DATA.pool.optimistic(chunk))


def test_the_dataset_has_all_sites_at_once() -> None:
    assert DATA.instance.site_id == DATA.pool.site_id == tuple(sorted(DATA.pool.site_id))
    same(DATA.instance, DATA.pool.exact(np.arange(SIZE)))
