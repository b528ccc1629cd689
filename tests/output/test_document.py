"""``plan.json``, the GeoJSON layers and the CSV tables of a small run."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siteopt
from siteopt import Result, RunOutcome
from siteopt.output.geojson import sites_geojson
from siteopt.output.tables import csv_text
from siteopt.output.translations import Translations
from siteopt.record.base import FORMAT_VERSION
from siteopt.record.run import PlanRecord
from tests.worlds import OFFERS, SITES, changed, write_world

FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run in which Alpha needs generators, from a vendor with an unpleasant name."""
    sites = changed(SITES, "site_id", "alpha", grid_mw=5, latitude=35.123456789, owner="Mr A, née B", closed_year=2019)
    offers = [{**row, "vendor": FORMULA, "depot": "@depot"} for row in OFFERS]
    return siteopt.solve(write_world(tmp_path_factory.mktemp("world"), sites, offers))


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run in which no site can serve."""
    scenario = write_world(tmp_path_factory.mktemp("nothing"))
    return siteopt.solve(siteopt.read_scenario(scenario, ["project.horizon_days=5"]))


def plan_of(result: Result) -> PlanRecord:
    plan = result.record.plan
    assert plan is not None
    return plan


def layer(result: Result, name: str) -> dict[str, Any]:
    found = json.loads(result.files()[name])
    assert isinstance(found, dict)
    return found


def positions(geometry: dict[str, Any]) -> list[list[float]]:
    return [geometry["coordinates"]] if geometry["type"] == "Point" else geometry["coordinates"]


@pytest.mark.parametrize("name", ["sites.geojson", "plan.geojson"])
def test_geojson_has_no_crs_and_short_positions(result: Result, name: str) -> None:
    found = layer(result, name)
    assert set(found) == {"type", "features"}
    assert found["features"]
    for feature in found["features"]:
        assert set(feature) == {"type", "geometry", "properties"}
        for position in positions(feature["geometry"]):
            assert len(position) == 2
            assert position == [round(value, 7) for value in position]


def test_longitude_comes_first(result: Result) -> None:
    places = {
        f["properties"]["site_id"]: f["geometry"]["coordinates"] for f in layer(result, "sites.geojson")["features"]
    }
    assert places["alpha"] == [-90.05, 35.1234568]
    assert places["gamma"] == [126.77, 34.64]


@pytest.mark.parametrize("name", ["sites.geojson", "plan.geojson"])
def test_properties_are_flat_with_one_type_a_field(result: Result, name: str) -> None:
    features = layer(result, name)["features"]
    fields = {tuple(feature["properties"]) for feature in features}
    assert len(fields) == 1
    for field in fields.pop():
        types = {type(feature["properties"][field]) for feature in features} - {type(None)}
        assert len(types) <= 1, field
        assert types <= {str, int, float, bool}, field


def test_missing_is_null(result: Result) -> None:
    features = {f["properties"]["site_id"]: f["properties"] for f in layer(result, "sites.geojson")["features"]}
    assert features["gamma"]["grid_mw"] is None
    assert features["gamma"]["rank"] is None
    assert features["gamma"]["owner"] is None
    assert features["alpha"]["available_from"] is None


def test_columns_of_the_user_pass_through(result: Result) -> None:
    features = {f["properties"]["site_id"]: f["properties"] for f in layer(result, "sites.geojson")["features"]}
    assert features["alpha"]["owner"] == "Mr A, née B"
    assert features["gamma"]["name"] == "강진 공장"


def test_odd_cells_of_a_layer_become_plain(result: Result) -> None:
    sites = result.dataset.sites.assign(
        odd=[np.array([1, 2]), {"a": 1}, np.inf], big=[np.int64(3), pd.NA, date(2024, 1, 2)]
    )
    found = sites_geojson(result.record, sites, Translations.of(result.record))
    features = {f["properties"]["site_id"]: f["properties"] for f in found["features"]}
    assert [features[site]["odd"] for site in sites.index] == ["[1 2]", "{'a': 1}", None]
    assert [features[site]["big"] for site in sites.index] == [3, None, "2024-01-02"]


def test_plan_has_the_site_its_depot_and_every_delivery(result: Result) -> None:
    features = layer(result, "plan.geojson")["features"]
    assert [f["properties"]["role"] for f in features] == [
        "site",
        "depot",
        *["delivery"] * len(plan_of(result).orders),
    ]
    lines = [f["geometry"]["coordinates"] for f in features if f["geometry"]["type"] == "LineString"]
    assert lines
    assert all(line == [[-96.8, 32.8], features[0]["geometry"]["coordinates"]] for line in lines)


def test_plan_json_has_what_is_promised(result: Result) -> None:
    document = layer(result, "plan.json")
    assert document["format_version"] == FORMAT_VERSION
    promised = {"outcome", "plan", "ranking", "certificate", "assumptions", "inputs"}
    assert promised <= set(document)
    plan = document["plan"]
    assert {"site_id", "site_name", "milestones", "cost", "orders", "grid_steps", "baselines"} <= set(plan)
    milestone = {"name", "gpus", "day", "date", "it_mw", "demand_mw", "limited_by", "days_saved"}
    assert milestone <= set(plan["milestones"][0])
    order = {"offer_id", "kind", "units", "depot", "leaves", "arrives", "ready"}
    assert all(order <= set(row) for row in plan["orders"])
    assert {"path", "sha256", "read_as"} == set(document["inputs"][0])


def test_plan_json_agrees_with_itself(result: Result) -> None:
    plan = layer(result, "plan.json")["plan"]
    parts = plan["cost"]["parts_usd"]
    assert plan["cost"]["total_usd"] == pytest.approx(sum(parts.values()), abs=len(parts))
    (milestone,), (baseline,) = plan["milestones"], plan["baselines"]
    assert date.fromisoformat(milestone["date"]) - date(2025, 1, 1) == pd.Timedelta(days=milestone["day"])
    assert baseline["times_faster_low"] == pytest.approx(
        400 / milestone["day"], abs=1e-6
    )  # two digits would be rounded twice
    for order in plan["orders"]:
        assert order["leaves"] < order["arrives"] < order["ready"] <= milestone["date"]
        assert order["units"]["first run"] > 0


def test_plan_json_is_repeatable_but_for_the_time(result: Result) -> None:
    first, again = (
        one.record.model_copy(
            update={"certificate": one.record.certificate.model_copy(update={"seconds": 0.0, "seconds_by_step": {}})}
        )
        for one in (result, siteopt.solve(result.scenario))
    )
    assert again == first
    assert again.model_dump_json() == first.model_dump_json()


@pytest.mark.parametrize("name", ["orders.csv", "schedule.csv"])
def test_no_cell_of_a_csv_is_a_formula(result: Result, name: str) -> None:
    cells = [cell for row in csv.reader(io.StringIO(result.files()[name])) for cell in row]
    assert cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_dangerous_vendor_is_quoted_and_kept(result: Result) -> None:
    rows = list(csv.DictReader(io.StringIO(result.files()["orders.csv"])))
    assert {row["vendor"] for row in rows} == {"'" + FORMULA}
    assert len(rows) == len(plan_of(result).orders) > 1


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\n",
    " =1",
    "\u200b=1",
    "\ufeff@x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
)


@pytest.mark.parametrize("cell", FORMULAS, ids=ascii)
def test_cell_like_a_formula_is_text(cell: str) -> None:
    ((before, _),) = list(csv.reader(io.StringIO(csv_text((cell, "x"), []), newline="")))
    assert before == "'" + cell.replace("\r", "\n")


def test_carriage_return_begins_no_row() -> None:
    rows = list(csv.reader(io.StringIO(csv_text(("what", "x"), [("a\r=1+1", 1), ("b\r\n=1+1", 2)]), newline="")))
    assert rows == [["what", "x"], ["a\n=1+1", "1"], ["b\n=1+1", "2"]]


@pytest.mark.parametrize("cell", ["Alpha Works", "a=b", "1-2", "공장", "", 5, -5, None, "'=1", "(-1)"])
def test_any_other_cell_stays_as_it_is(cell: object) -> None:
    written = csv_text((), [(cell, "x")]).splitlines()[1]
    assert written == f"{'' if cell is None else cell},x"


def test_schedule_is_in_the_order_of_days(result: Result) -> None:
    rows = list(csv.DictReader(io.StringIO(result.files()["schedule.csv"])))
    assert [int(row["day"]) for row in rows] == sorted(int(row["day"]) for row in rows)
    assert [row["what"] for row in rows if row["event"] == "training starts"] == ["first run"]


def test_frames_are_in_wgs84(result: Result) -> None:
    assert result.sites.crs.to_epsg() == result.plan.crs.to_epsg() == 4326
    assert result.sites.index[0] == plan_of(result).site_id
    assert len(result.sites) == len(SITES)
    assert set(result.plan.geom_type) == {"Point", "LineString"}


def test_summary_names_the_site_and_the_days(result: Result) -> None:
    text = str(result)
    assert plan_of(result).site_name in text
    assert f"day {plan_of(result).milestones[0].day:>4}" in text


def test_no_site_is_an_answer_too(nothing: Result) -> None:
    assert nothing.outcome is RunOutcome.NO_SITE
    assert nothing.record.plan is None
    assert layer(nothing, "plan.json")["plan"] is None
    assert layer(nothing, "plan.geojson") == {"type": "FeatureCollection", "features": []}
    assert nothing.plan.empty
    assert nothing.plan.crs.to_epsg() == 4326
    assert nothing.sites["reason"].astype(bool).all()
    assert "beta: " in str(nothing)
