"""Frames in and out: what a pandas user expects of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pytest

import siteopt
from siteopt import InputError, Result
from tests.worlds import OFFERS, SITES, STEPS, write_world


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return siteopt.solve(write_world(tmp_path_factory.mktemp("world")))


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Result:
    scenario = siteopt.read_scenario(write_world(tmp_path_factory.mktemp("none")), ["project.horizon_days=5"])
    return siteopt.solve(scenario)


def test_sites_have_their_id_nullable_numbers_dates_and_places(result: Result) -> None:
    sites = result.sites
    assert isinstance(sites, geopandas.GeoDataFrame)
    assert list(sites.index) == ["alpha", "beta", "gamma"]
    assert sites.index.name == "site_id"
    assert sites["rank"].dtype == sites["day_first_run"].dtype == sites["cost_usd"].dtype == "Int64"
    assert sites.at["alpha", "date_first_run"] == pd.Timestamp("2025-01-24")
    assert pd.isna(sites.at["gamma", "rank"])
    assert sites.at["gamma", "reason"] == "unknown: grid capacity"
    assert sites.crs == 4326
    assert sites.geometry["alpha"].x == -90.05


def test_frames_say_what_the_record_says(result: Result) -> None:
    plan = result.record.plan
    assert plan is not None
    assert result.milestones["day"].to_dict() == {one.name: one.day for one in plan.milestones}
    assert result.orders["units"].to_dict() == {one.offer_id: one.all_units for one in plan.orders}
    assert result.orders["units_first_run"].sum() == result.orders["units"].sum()
    assert result.costs["cost_usd"].to_dict() == plan.cost.parts_usd
    assert len(result.crews) == len(plan.replay.crews)
    sums = result.cash.groupby("part", sort=False)[["committed_usd", "paid_usd"]].sum()
    assert sums["committed_usd"].to_dict() == {part: usd for part, usd in plan.cost.parts_usd.items() if usd}
    assert (sums["committed_usd"] == sums["paid_usd"]).all()
    assert list(result.cash.columns) == ["month", "part", "committed_usd", "paid_usd"]
    assert result.schedule["day"].is_monotonic_increasing
    assert set(result.schedule["event"]) == {"order", "leaves", "arrives", "ready", "training starts"}
    for frame, columns in {
        "milestones": ["date"],
        "orders": ["leaves", "arrives", "ready", "serves"],
        "schedule": ["date"],
        "crews": ["first", "last"],
        "cash": ["month"],
    }.items():
        for column in columns:
            assert getattr(result, frame)[column].dtype.kind == "M", (frame, column)


def test_frames_of_no_plan_have_their_columns_and_no_rows(result: Result, nothing: Result) -> None:
    for name in ("milestones", "orders", "schedule", "crews", "costs", "cash"):
        frame = getattr(nothing, name)
        assert frame.empty
        assert frame.index.name == getattr(result, name).index.name
        assert set(frame.columns) <= set(getattr(result, name).columns), name


def test_a_short_repr_and_an_equality_that_works(result: Result, nothing: Result) -> None:
    assert repr(result) == "<Result small: proven, alpha, days 23, USD 307.73 million>"
    assert repr(nothing) == "<Result small: no site can serve>"
    again = siteopt.solve(result.scenario)
    assert again == result
    assert hash(again) == hash(result)
    assert again != nothing
    assert again != "something else"


def test_the_package_shows_what_it_offers() -> None:
    assert siteopt.__version__.count(".") == 2
    assert "solve" in dir(siteopt)
    assert not [name for name in dir(siteopt) if name.startswith("_") and name != "__version__"]
    assert (Path(siteopt.__file__).parent / "py.typed").is_file()


def frames(*, spatial: bool) -> dict[str, Any]:
    """The tables of the small world as frames: ids as the index, blanks as missing."""
    sites = pd.DataFrame(SITES).replace("", None).set_index("site_id")
    if spatial:
        places = geopandas.points_from_xy(sites.pop("longitude"), sites.pop("latitude"), crs=4326)
        sites = geopandas.GeoDataFrame(sites, geometry=places).to_crs(3857)
    offers = pd.DataFrame(OFFERS).set_index("offer_id")
    return {"candidates": sites, "offers": offers, "grid_steps": pd.DataFrame(STEPS)}


@pytest.mark.parametrize("spatial", [False, True])
def test_frames_give_the_answer_of_files(result: Result, spatial: bool) -> None:
    found = siteopt.solve(result.scenario, **frames(spatial=spatial))
    assert repr(found) == repr(result)
    assert found.milestones.equals(result.milestones)
    tables = [one.path for one in found.record.inputs if one.path != "scenario.toml"]
    assert tables == ["frame: candidates", "frame: offers", "frame: grid_steps"]


def test_a_scenario_needs_no_file(result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenario.toml").write_text("not this one", encoding="utf-8")
    sections = result.scenario.model_dump(by_alias=True, exclude={"path", "settings", "inputs"})
    scenario = siteopt.Scenario(**sections)
    found = siteopt.solve(scenario, **frames(spatial=False))
    assert repr(found) == repr(result)
    assert found.record.scenario_path == ""
    assert all(one.path.startswith("frame: ") for one in found.record.inputs)
    run = found.write(tmp_path / "run")
    for command in (siteopt.verify, siteopt.prove):
        with pytest.raises(InputError, match="a run whose scenario and tables are files"):
            command(run)


def test_equal_frames_have_equal_digests_and_others_do_not(result: Result) -> None:
    def digests(**tables: Any) -> list[str]:
        found = siteopt.load(result.scenario, **tables)
        return [one.sha256 for one in found.inputs if one.path.startswith("frame: ")]

    one, other = frames(spatial=True), frames(spatial=True)
    assert digests(**one) == digests(**other)
    other["offers"].loc["chiller", "count"] = 39
    assert [a == b for a, b in zip(digests(**one), digests(**other), strict=True)] == [True, False, True]


def test_issues_of_a_frame_name_it_and_its_row(result: Result) -> None:
    tables = frames(spatial=False)
    tables["candidates"].loc["beta", "grid_mw"] = -1
    with pytest.raises(InputError, match="frame: candidates:3:grid_mw: found '-1"):
        siteopt.load(result.scenario, **tables)


def test_without_a_table_that_is_needed_it_is_told(result: Result) -> None:
    sections = result.scenario.model_dump(by_alias=True, exclude={"path", "settings", "inputs"})
    with pytest.raises(InputError) as told:
        siteopt.load(siteopt.Scenario(**sections))
    assert {issue.expected for issue in told.value.issues} == {
        f"at least one row of {name}" for name in ("candidates", "offers")
    }
