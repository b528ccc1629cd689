"""The value of a day in the records: break-even prices of the ranks, and the best point of a Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import siteopt
from siteopt.record.base import Standing
from siteopt.record.build_value import best_point, with_break_evens
from siteopt.record.pareto_front import FrontPoint
from siteopt.record.run import ListedSite, RunRecord, SiteDay
from siteopt.record.value import BreakEven
from siteopt.valuation import Better
from tests.examples import many
from tests.worlds import OFFERS, SCENARIO, SITES, changed, write_world

TWO_MILESTONES = SCENARIO.replace("gpus = 10_000\noperating_days = 30", "gpus = 5_000\noperating_days = 30", 1).replace(
    "[compute]", '[[milestones]]\nname = "all of it"\ngpus = 10_000\noperating_days = 60\n\n[compute]', 1
)


def site(rank: int | None, cost: int | None, days: Sequence[int | None], bound: int | None = None) -> ListedSite:
    """A listed site with two milestones."""
    return ListedSite(
        site_id=f"s{rank}",
        name="",
        longitude=0,
        latitude=0,
        rank=rank,
        standing=Standing.RANKED if rank is not None else Standing.NOT_RANKED,
        reasons=(),
        cost_usd=cost,
        cost_bound_usd=cost if bound is None else bound,
        milestones=tuple(
            SiteDay(milestone=name, day=day, date=None, bound_day=day, limited_by=None)
            for name, day in zip(("first", "all"), days, strict=True)
        ),
        assumed=(),
    )


def second(*ranks: ListedSite) -> ListedSite:
    """The second of two sites, as it is listed: milestones of 32 and 100 GPUs."""
    return list(with_break_evens(ranks, [32, 100]))[1]


FIRST = site(1, 10_000_000, (10, 50))


def test_a_cheaper_and_later_rank_is_better_below_a_price() -> None:
    # 68 more GPUs, ten days later: 680 GPU-days, worth 16,320 USD at 1 USD an hour
    found = second(FIRST, site(2, 10_000_000 - 16_320, (10, 60)))
    assert found.break_even == BreakEven(better=Better.BELOW, gpu_hour_usd=1.0)
    assert found.break_even_bound is None


def test_a_dearer_rank_that_is_earlier_later_on_is_better_above_a_price() -> None:
    # 32 GPUs two days later, 68 ten days earlier: 616 GPU-days earlier, worth 14,784 USD at 1 USD an hour
    found = second(FIRST, site(2, 10_000_000 + 29_568, (12, 40)))
    assert found.break_even == BreakEven(better=Better.ABOVE, gpu_hour_usd=2.0)


def test_a_dearer_and_later_rank_is_better_at_no_price() -> None:
    assert second(FIRST, site(2, 11_000_000, (10, 60))).break_even == BreakEven(better=Better.NEVER, gpu_hour_usd=None)


def test_a_cost_that_counts_as_the_same_has_no_price() -> None:
    found = second(FIRST, site(2, 10_000_000 - 10, (10, 60)))
    assert found.break_even == BreakEven(better=Better.NEVER, gpu_hour_usd=None)


def test_no_price_matters_on_the_same_days() -> None:
    assert second(FIRST, site(2, 11_000_000, (10, 50))).break_even is None


def test_a_range_of_the_cost_gives_a_second_price() -> None:
    found = second(FIRST, site(2, 10_000_000 - 16_320, (10, 60), bound=10_000_000 - 3 * 16_320))
    assert found.break_even == BreakEven(better=Better.BELOW, gpu_hour_usd=1.0)
    assert found.break_even_bound == BreakEven(better=Better.BELOW, gpu_hour_usd=3.0)


def test_other_sites_have_no_break_even() -> None:
    listed = [FIRST, site(2, 9_000_000, (10, 60)), site(None, None, (None, None))]
    found = list(with_break_evens(listed, [32, 100]))
    assert [one.break_even is None for one in found] == [True, False, True]
    assert found[0] == FIRST


def test_a_price_stands_only_where_there_is_one() -> None:
    with pytest.raises(ValidationError, match="gpu_hour_usd"):
        BreakEven(better=Better.NEVER, gpu_hour_usd=1.0)
    with pytest.raises(ValidationError, match="gpu_hour_usd"):
        BreakEven(better=Better.BELOW, gpu_hour_usd=None)


# the best point


def point(day: int, cost: int) -> FrontPoint:
    return FrontPoint(
        milestone="first",
        day=day,
        date=date(2025, 1, 1),
        cost_usd=cost,
        cost_bound_usd=cost,
        site_id="a",
        name="",
        on_front=True,
        proven=True,
        other_days={},
    )


def test_the_best_point_changes_with_the_value_of_a_day() -> None:
    early, middle, late = points = [point(10, 5_000), point(20, 3_000), point(40, 2_000)]
    # the slopes are 200 and 50 USD a day
    assert [best_point(points, value) for value in (201, 199, 51, 49)] == [early, middle, middle, late]


def test_of_equal_points_the_earlier_is_the_best() -> None:
    early, late = point(10, 5_000), point(20, 3_000)
    assert best_point([late, early], 200) == early
    assert best_point([], 200) is None


@many(200)
@given(st.lists(st.tuples(st.integers(0, 3650), st.integers(0, 10**9)), min_size=1), st.integers(0, 10**7))
def test_no_point_has_less_cost_and_value_of_its_day(rows: list[tuple[int, int]], value: int) -> None:
    points = [point(day, cost) for day, cost in rows]
    best = best_point(points, value)
    assert best is not None
    assert all(best.cost_usd + value * best.day <= one.cost_usd + value * one.day for one in points)


# runs


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bought engines come later and cost less."""
    offers = changed(OFFERS, "offer_id", "gen_bought", lead_days=60, lead_days_high=90, purchase_usd=100_000)
    return write_world(tmp_path_factory.mktemp("world"), offers=offers, scenario=TWO_MILESTONES)


def test_a_run_tells_what_makes_both_sites_equal(tmp_path: Path) -> None:
    beta = changed(SITES, "site_id", "beta", handover_days=60, site_cost_usd=0)
    scenario = write_world(tmp_path, changed(beta, "site_id", "alpha", site_cost_usd=50e6), scenario=TWO_MILESTONES)
    run = siteopt.solve(siteopt.read_scenario(scenario, ["value.gpu_hour_usd=2"])).record
    assert run.value is not None
    assert [one.usd_per_day for one in run.value.milestones] == [240_000, 240_000]
    first, other = run.ranking[:2]
    assert (first.site_id, first.rank, other.site_id, other.rank) == ("alpha", 1, "beta", 2)
    assert other.break_even is not None
    assert other.break_even.better is Better.BELOW
    price = other.break_even.gpu_hour_usd
    assert price is not None
    totals = [
        (one.cost_usd or 0) + sum(24 * price * 5_000 * (at.day or 0) for at in one.milestones) for one in (first, other)
    ]
    assert totals[0] == pytest.approx(totals[1], abs=1)
    assert RunRecord.model_validate_json(run.model_dump_json()) == run


def test_a_front_tells_its_best_point(world: Path) -> None:
    plain = siteopt.pareto(world)
    assert plain.record.value is None
    assert plain.record.best_at_value is None
    slopes = [slope for slope in plain.record.day_earlier_usd if slope is not None]
    assert slopes
    for slope, place in ((2 * max(slopes), 0), (min(slopes) / 2, -1)):
        price = slope / (24 * 5_000)
        record = siteopt.pareto(siteopt.read_scenario(world, [f"value.gpu_hour_usd={price!r}"])).record
        best, of_day = record.best_at_value, record.of_day
        assert best is not None
        assert of_day is not None
        assert best == record.joint[place]
        assert [one for one in record.points if one.best_at_value] == [best]
        least = best.cost_usd + of_day.usd_per_day * best.day
        assert all(least <= one.cost_usd + of_day.usd_per_day * one.day for one in record.points)


def test_a_day_earlier_costs_the_slope_to_the_next_point(world: Path) -> None:
    record = siteopt.pareto(world).record
    one, other = record.joint[:2]
    assert record.day_earlier_usd[0] == (one.cost_usd - other.cost_usd) / (other.day - one.day)
    assert record.day_earlier_usd[-1] is None
    assert len(record.day_earlier_usd) == len(record.joint)
