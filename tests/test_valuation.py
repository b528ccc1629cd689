"""The value of a day: the section of the scenario, and the formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteopt
from siteopt.record.build_value import day_value
from siteopt.scenario import Scenario
from siteopt.valuation import Better, Value, added_gpus, break_even, day_value_usd, gpu_days_later
from tests.examples import many
from tests.worlds import SCENARIO, write_world

# by hand


def test_each_milestone_adds_its_gpus_to_the_one_before() -> None:
    assert added_gpus([32, 100, 130]) == [32, 68, 30]


def test_a_day_is_worth_the_added_gpus_for_24_hours() -> None:
    assert day_value_usd(68_000, 2.0) == 3_264_000


def test_depreciation_spreads_the_price_over_every_hour_of_the_life() -> None:
    value = Value(gpu_life_years=4)
    assert value.of_gpu_hour_usd(35_064) == pytest.approx(1.0)  # 4 x 365.25 x 24 hours
    assert Value(gpu_hour_usd=2.5).of_gpu_hour_usd(35_064) == 2.5
    assert Value().of_gpu_hour_usd(35_064) is None


def test_gpu_days_count_what_each_milestone_adds() -> None:
    # 32 GPUs two days later, 68 more ten days earlier
    assert gpu_days_later([32, 100], [12, 40], [10, 50]) == 32 * 2 - 68 * 10


@pytest.mark.parametrize(
    ("less_usd", "later", "found"),
    [
        (4_800.0, 100, (Better.BELOW, 2.0)),  # cheaper and later: 2 USD x 24 h x 100 GPU-days
        (-4_800.0, -100, (Better.ABOVE, 2.0)),  # dearer and earlier
        (-4_800.0, 100, (Better.NEVER, None)),  # dearer and later
        (0.0, 100, (Better.NEVER, None)),
        (4_800.0, -100, (Better.ALWAYS, None)),  # cheaper and earlier, for what the GPUs are worth
        (0.0, -100, (Better.ALWAYS, None)),
        (4_800.0, 0, None),
    ],
)
def test_break_even_by_hand(less_usd: float, later: int, found: tuple[Better, float | None] | None) -> None:
    assert break_even(less_usd, later) == found


# properties

costs = st.integers(0, 10**10)
milestones = st.lists(
    st.tuples(st.integers(1, 100_000), st.integers(0, 3650), st.integers(0, 3650)), min_size=1, max_size=4
)


def total(cost: float, gpus: list[int], days: list[int], price: float) -> float:
    """The cost of a plan and the value of all its days."""
    return cost + sum(added * 24 * price * day for added, day in zip(added_gpus(gpus), days, strict=True))


@many(400)
@given(costs, costs, milestones)
def test_at_the_break_even_price_both_plans_cost_the_same(
    first_cost: int, cost: int, rows: list[tuple[int, int, int]]
) -> None:
    gpus = [sum(added for added, *_ in rows[: number + 1]) for number in range(len(rows))]
    days, first_days = [row[1] for row in rows], [row[2] for row in rows]

    def behind(price: float) -> float:
        return total(cost, gpus, days, price) - total(first_cost, gpus, first_days, price)

    found = break_even(first_cost - cost, gpu_days_later(gpus, days, first_days))
    scale = 1 + total(cost, gpus, days, 1) + total(first_cost, gpus, first_days, 1)
    if found is None:
        assert behind(0) == pytest.approx(behind(10), abs=1e-9 * scale)
        return
    better, price = found
    if price is not None:
        assert behind(price) == pytest.approx(0, abs=1e-9 * scale * (1 + price))
        assert (behind(price * 2) > behind(price)) is (better is Better.BELOW)
    else:
        signs = {behind(one) > 0 for one in (1e-3, 1.0, 1e3)}
        assert signs == {better is Better.NEVER}


# the scenario


def scenario_with(folder: Path, text: str, *settings: str, scenario: str = SCENARIO) -> Scenario:
    return siteopt.read_scenario(write_world(folder, scenario=scenario + text), settings)


def test_without_the_section_nothing_is_said(tmp_path: Path) -> None:
    assert day_value(scenario_with(tmp_path, "")) is None


def test_a_price_values_each_milestone(tmp_path: Path) -> None:
    found = day_value(scenario_with(tmp_path, "\n[value]\ngpu_hour_usd = 2.0\n"))
    assert found is not None
    assert (found.gpu_hour_usd, found.gpu_life_years, found.is_estimate) == (2.0, None, False)
    assert [(one.milestone, one.added_gpus, one.usd_per_day) for one in found.milestones] == [
        ("first run", 10_000, 480_000)
    ]


def test_a_life_values_it_by_the_price_of_the_gpus(tmp_path: Path) -> None:
    found = day_value(scenario_with(tmp_path, "\n[value]\ngpu_life_years = 5\n"))
    assert found is not None
    assert found.gpu_hour_usd == pytest.approx(30_000 / (5 * 365.25 * 24))
    assert found.milestones[0].usd_per_day == pytest.approx(10_000 * 30_000 / (5 * 365.25), abs=0.01)


@pytest.mark.parametrize(
    ("source", "is_estimate"), [("estimate: the middle", True), ("a quote, https://example.org", False)]
)
def test_an_estimate_is_known_to_be_one_in_any_currency(tmp_path: Path, source: str, is_estimate: bool) -> None:
    text = f'\n[value]\ngpu_hour_krw = 2_000\n\n[sources]\n"value.gpu_hour_krw" = "{source}"\n'
    money = SCENARIO.replace('name = "small"', 'name = "small"\ncurrency = "KRW"\ncurrency_per_usd = 1_000')
    found = day_value(scenario_with(tmp_path, text, scenario=money))
    assert found is not None
    assert (found.gpu_hour_usd, found.is_estimate) == (2.0, is_estimate)


def test_depreciation_of_an_estimated_price_is_an_estimate(tmp_path: Path) -> None:
    text = '\n[value]\ngpu_life_years = 5\n\n[sources]\n"value.gpu_life_years" = "filings"\n'
    found = day_value(scenario_with(tmp_path, text))
    assert found is not None
    assert not found.is_estimate
    found = day_value(scenario_with(tmp_path, text + '"workload.gpu_price_usd" = "estimate: a list price"\n'))
    assert found is not None
    assert found.is_estimate


def test_both_keys_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(siteopt.InputError, match="either gpu_hour_usd or gpu_life_years"):
        scenario_with(tmp_path, "\n[value]\ngpu_hour_usd = 2.0\ngpu_life_years = 5\n")


def test_a_setting_of_the_section_replaces_both_keys(tmp_path: Path) -> None:
    found = day_value(scenario_with(tmp_path, "\n[value]\ngpu_life_years = 5\n", "value={gpu_hour_usd=3.0}"))
    assert found is not None
    assert (found.gpu_hour_usd, found.gpu_life_years) == (3.0, None)


@pytest.mark.parametrize("value", ["gpu_hour_usd = 0", "gpu_hour_usd = -1", "gpu_life_years = 0"])
def test_a_value_is_positive(tmp_path: Path, value: str) -> None:
    with pytest.raises(siteopt.InputError):
        scenario_with(tmp_path, f"\n[value]\n{value}\n")
