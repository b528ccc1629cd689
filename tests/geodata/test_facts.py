"""What a plan rests on, changed by tables of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siteopt
from siteopt import Dataset
from siteopt.geodata.changes import Change
from siteopt.geodata.facts import Replaced, read_changes
from siteopt.instance import Instance
from tests.worlds import STEPS, write_world


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return siteopt.load(siteopt.read_scenario(write_world(tmp_path)))


def changed_instance(data: Dataset, changes: Sequence[Replaced] = ()) -> Instance:
    """Beta with some changes."""
    return data.only("beta").with_changes([one.change for one in changes]).instance


def told(changes: Sequence[Replaced]) -> set[tuple[Change, Any]]:
    """The changes, each with the value before; None where it was blank."""
    return {(one.change, None if pd.isna(one.before) else one.before) for one in changes}


def table(folder: Path, text: str, name: str = "changed.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changes_of(data: Dataset, folder: Path, text: str) -> list[Replaced]:
    """What a table changes at beta."""
    return read_changes(data, "beta", [table(folder, text)])


def test_nothing_changed_is_the_pool(tmp_path: Path, data: Dataset) -> None:
    pool = siteopt.load(siteopt.read_scenario(tmp_path / "scenario.toml")).pool
    whole = pool.exact(np.array([pool.site_id.index("beta")]))
    assert changed_instance(data).site_id == ("beta",)
    for name in ("arrival_day", "available_units", "grid_mw", "step_ready_day", "unit_cost_musd", "compute_ready_day"):
        assert np.array_equal(getattr(changed_instance(data), name), getattr(whole, name)), name
    assert data.only("beta").steps["grid_mw"].tolist() == [30]


def test_lead_and_count_of_an_offer(tmp_path: Path, data: Dataset) -> None:
    # rented at a share of a half; from Dallas to Houston it is a day on the road
    changes = changes_of(data, tmp_path, "offer_id,lead_days,count\ngen_rented,50,30\n")
    assert told(changes) == {
        (Change("offers", "gen_rented", "count", 30), 40),
        (Change("offers", "gen_rented", "lead_days", 50), 10),
    }
    found = changed_instance(data, changes)
    o = found.offer_id.index("gen_rented")
    assert (found.arrival_day[0, o], found.available_units[o]) == (51, 15)
    assert found.arrival_day[0, found.offer_id.index("gen_bought")] == 21


def test_one_change_at_a_time(tmp_path: Path, data: Dataset) -> None:
    changes = changes_of(data, tmp_path, "offer_id,lead_days,count\ngen_rented,50,30\n")
    lead, count = sorted(changes, key=lambda one: one.change.column)[::-1]
    o = changed_instance(data).offer_id.index("gen_rented")
    assert (changed_instance(data, [lead]).arrival_day[0, o], changed_instance(data, [lead]).available_units[o]) == (
        51,
        20,
    )
    assert (changed_instance(data, [count]).arrival_day[0, o], changed_instance(data, [count]).available_units[o]) == (
        11,
        15,
    )


def test_day_or_date_of_a_grid_step(tmp_path: Path, data: Dataset) -> None:
    for column, value in (("ready_day", "75"), ("ready_date", "2025-03-17")):
        changes = changes_of(data, tmp_path, f"site_id,grid_mw,{column}\nbeta,30,{value}\n")
        assert told(changes) == {(Change("grid_steps", "beta", "day", 75, 30.0), 60)}
        assert list(changed_instance(data, changes).step_ready_day) == [75]


@pytest.mark.parametrize(
    ("lower", "upper", "days"), [(60, 90, [60, 90]), (120, 90, [120, 120]), (60, 40, [60, 60]), (120, 150, [120, 150])]
)
def test_grid_step_waits_for_the_lower_one(tmp_path: Path, lower: int, upper: int, days: list[int]) -> None:
    steps = [{**STEPS[0], "grid_mw": 30}, {**STEPS[0], "ready_day": 90, "grid_mw": 50}]
    data = siteopt.load(siteopt.read_scenario(write_world(tmp_path, steps=steps)))
    changes = changes_of(data, tmp_path, f"site_id,grid_mw,ready_day\nbeta,30,{lower}\nbeta,50,{upper}\n")
    levels = data.only("beta").with_changes([one.change for one in changes]).steps["grid_mw"].tolist()
    found = changed_instance(data, changes)
    assert (levels, list(found.step_ready_day), list(found.step_rise_mw)) == ([30, 50], days, [28, 20])


def test_cell_of_the_site_itself(tmp_path: Path, data: Dataset) -> None:
    changes = changes_of(data, tmp_path, "site_id,handover_days,grid_mw\nbeta,25,\nalpha,99,1\n")
    assert told(changes) == {(Change("candidates", "beta", "handover_days", 25), 5)}
    assert changed_instance(data, changes).handover_day[0] == 25


def test_whole_tables_that_say_the_same_change_nothing(tmp_path: Path, data: Dataset) -> None:
    tables = [tmp_path / name for name in ("candidates.csv", "steps.csv", "offers.csv")]
    assert read_changes(data, "beta", tables) == []


def test_money_in_the_currency_of_the_scenario(tmp_path: Path, data: Dataset) -> None:
    changes = changes_of(data, tmp_path, "offer_id,rent_usd_per_month\ngen_rented,60000\n")
    assert len(changes) == 1
    before, after = changed_instance(data), changed_instance(data, changes)
    o = before.offer_id.index("gen_rented")
    assert after.unit_cost_musd[0, o] - before.unit_cost_musd[0, o] == pytest.approx(12 * 0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offer_id,lead_days\ngen_rentd,5\n", "did you mean 'gen_rented'? [E306]"),
        ("offer_id,lead_day\ngen_rented,5\n", "did you mean 'lead_days'? [E202]"),
        ("offer_id,colour\ngen_rented,red\n", "expected a column of offers [E202]"),
        ("offer_id,lead_days\ngen_rented,-5\n", "expected a number from 0 to 3,650 (days)"),
        ("site_id,grid_mw,ready_day\nbeta,31,70\n", "the limit of a grid step of the site: 30 MW [E306]"),
        ("site_id,grid_mw,ready_day\nbeta,30,2025-01-01\n", "found '2025-01-01'"),
        ("vendor,count\nVendor,3\n", "offer_id"),
    ],
)
def test_what_cannot_be(tmp_path: Path, data: Dataset, text: str, said: str) -> None:
    with pytest.raises(siteopt.InputError) as refused:
        changes_of(data, tmp_path, text)
    assert said in str(refused.value)


def test_issues_of_all_tables_at_once(tmp_path: Path, data: Dataset) -> None:
    one = table(tmp_path, "offer_id,lead_days\ngen_rentd,5\n")
    with pytest.raises(siteopt.InputError) as refused:
        read_changes(data, "beta", [one, tmp_path / "nowhere.csv"])
    assert len(refused.value.issues) == 2


def waveform(folder: Path, text: str) -> siteopt.Dataset:
    table(folder, text, "waveform.csv")
    return siteopt.load(siteopt.read_scenario(write_world(folder), ['power_quality.waveform="waveform.csv"']))


def test_samples_of_a_waveform_in_the_order_of_time(tmp_path: Path) -> None:
    data = waveform(tmp_path, "time_s;it_share\n0,2;0,6\n0,1;1\n0;0,8\n")
    quality = data.instance.power_quality
    assert (quality.waveform_s, quality.waveform_share) == ((0.0, 0.1, 0.2), (0.8, 1.0, 0.6))
    assert "waveform.csv" in [one.path for one in data.inputs]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,it_share\n0,0.5\n0,0.6\n", "a unique time"),
        ("time_s,it_share\n0,80\n", "is it in percent?"),
        ("time_s,it_share\n", "no rows"),
    ],
)
def test_waveform_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(siteopt.InputError) as refused:
        waveform(tmp_path, text)
    assert said in str(refused.value)


def test_every_kind_of_cell_can_be_changed(tmp_path: Path, data: Dataset) -> None:
    text = "site_id,available_from,condition,design_temp_c\nbeta,2025-02-01,poor,40\n"
    changes = changes_of(data, tmp_path, text)
    assert told(changes) == {
        (Change("candidates", "beta", "available_from", pd.Timestamp("2025-02-01")), None),
        (Change("candidates", "beta", "condition", "poor"), "sound"),
        (Change("candidates", "beta", "design_temp_c", 40), 30),
    }
    assert changed_instance(data, changes).hall_gpus_per_day[0] == pytest.approx(
        changed_instance(data).hall_gpus_per_day[0] / 2
    )


HALLS = (
    "site_id,building_id,area_m2,roof_day,roof_date\nbeta,east,2800,,\nbeta,west,2100,,2025-01-31\nalpha,east,9000,5,\n"
)
LIMITS = """\
site_id,region,country,resource,ready_day,until_day,limit,basis
,,US,nox,,90,,temporary engines
,,US,nox,90,,40,minor source
beta,,,gas,50,,10,
beta,,,water,20,30,200,
beta,,,water,40,45,200,
beta,,,grid,80,,40,
,TN,,gas,5,,7,
"""


@pytest.fixture
def more(tmp_path: Path) -> Dataset:
    """The small world with buildings and limits."""
    path = write_world(tmp_path)
    table(tmp_path, HALLS, "buildings.csv")
    table(tmp_path, LIMITS, "limits.csv")
    given = ['inputs.buildings=["buildings.csv"]', 'inputs.limits=["limits.csv"]']
    return siteopt.load(siteopt.read_scenario(path, given))


def test_roofs_and_areas_of_buildings(tmp_path: Path, more: Dataset) -> None:
    text = "site_id,building_id,roof_day,area_m2\nbeta,east,25,\nbeta,west,60,2450\nalpha,east,99,\n"
    changes = changes_of(more, tmp_path, text)
    assert told(changes) == {
        (Change("buildings", "beta", "day", 25.0, place=0), None),
        (Change("buildings", "beta", "day", 60.0, place=1), 30.0),
        (Change("buildings", "beta", "area_m2", 2450.0, place=1), 2100.0),
    }
    found = changed_instance(more, changes)
    assert found.building_day.tolist() == [25, 60]
    assert found.building_gpus.tolist() == pytest.approx([8_000, 7_000])
    assert changed_instance(more, changes[:1]).building_day.tolist() == [25, 30]


def test_days_of_limits(tmp_path: Path, more: Dataset) -> None:
    before = changed_instance(more)
    assert before.change_day.tolist() == [20, 30, 40, 45, 50, 90]
    text = """\
site_id,country,resource,ready_day,until_day,limit
,US,nox,150,,40
,US,nox,,150,
beta,,water,,35,200
beta,,water,60,65,200
beta,,grid,140,,40
alpha,,gas,77,,7
"""
    changes = changes_of(more, tmp_path, text)
    assert told(changes) == {
        (Change("limits", "beta", "day", 150.0, place=1), 90.0),
        (Change("limits", "beta", "until", 150.0, place=0), 90.0),
        (Change("limits", "beta", "until", 35.0, place=3), 30.0),
        (Change("limits", "beta", "day", 60.0, place=4), 40.0),
        (Change("limits", "beta", "until", 65.0, place=4), 45.0),
        (Change("grid_steps", "beta", "day", 140.0, 40.0), 80.0),
    }
    found = changed_instance(more, changes)
    assert found.change_day.tolist() == [20, 35, 50, 60, 65, 150]
    assert found.step_ready_day.tolist() == [60, 140]


def test_whole_tables_of_limits_and_buildings_change_nothing(tmp_path: Path, more: Dataset) -> None:
    assert read_changes(more, "beta", [tmp_path / "limits.csv", tmp_path / "buildings.csv"]) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site_id,building_id,roof_day\nbeta,north,9\n", "a building of beta: east, west [E306]"),
        ("site_id,building_id,roof_day\nbeta,east,-1\n", "expected a number from 0 to 10,000 (days)"),
        ("site_id,resource,limit,ready_day\nbeta,gas,11,60\n", "found 'gas 11', expected a row of the scenario"),
        (
            "region,resource,limit,ready_day\nTX,gas,10,60\n",
            "only the days may change: gas 10, nox 40, nox without a limit, water 200 [E306]",
        ),
    ],
)
def test_rows_that_are_not_there(tmp_path: Path, more: Dataset, text: str, said: str) -> None:
    with pytest.raises(siteopt.InputError) as refused:
        changes_of(more, tmp_path, text)
    assert said in str(refused.value)
