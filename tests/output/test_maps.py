"""The GeoPackage, the project and the styles of a run, read without QGIS."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import siteopt
from siteopt import Result
from siteopt.issues import Issue
from siteopt.message_catalogue import Code
from siteopt.output.geojson import plan_geojson, sites_geojson
from siteopt.output.layer import alias
from siteopt.output.maps import issue_files, map_files
from siteopt.output.palette import KIND, STANDING
from siteopt.output.project import mercator
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from siteopt.record.run import PlanRecord
from siteopt.schema import CANDIDATES
from tests.report import pages
from tests.worlds import SITES, changed, write_world

LAYERS = {
    "chosen": "Point",
    "milestones": "Point",
    "deliveries": "LineString",
    "depots": "Point",
    "areas": "MultiPolygon",
    "sites": "Point",
    "issues": "Point",
    "borders": "LineString",
    "lakes": "Polygon",
    "land": "Polygon",
}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Alpha is chosen and needs generators; nobody knows its gas; Gamma has a Korean name and no grid."""
    sites = changed(SITES, "site_id", "alpha", grid_mw=5, owner="née <b>", gas_mw="", available_from="2024-05-06")
    scenario = write_world(tmp_path_factory.mktemp("world"), sites)
    return siteopt.solve(siteopt.read_scenario(scenario, ["defaults.gas_mw=80"]))


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Result:
    scenario = write_world(tmp_path_factory.mktemp("nothing"))
    return siteopt.solve(siteopt.read_scenario(scenario, ["project.horizon_days=5"]))


def plan_of(result: Result) -> PlanRecord:
    plan = result.record.plan
    assert plan is not None
    return plan


def geopackage(files: dict[str, Any], folder: Path) -> Path:
    path = folder / "siteopt.gpkg"
    path.write_bytes(files["siteopt.gpkg"])
    return path


def table(path: Path, layer: str) -> pd.DataFrame:
    return pyogrio.read_dataframe(path, layer=layer)


def project(content: bytes) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["siteopt.qgs"]
        return ElementTree.fromstring(archive.read("siteopt.qgs"))


@pytest.fixture(scope="module")
def path(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return geopackage(result.files(), tmp_path_factory.mktemp("gpkg"))


def test_a_run_brings_its_maps(result: Result) -> None:
    assert {"siteopt.gpkg", "siteopt.qgz", "sites.qml", "plan.qml"} <= set(result.files())


def test_equal_runs_give_equal_bytes(result: Result) -> None:
    first, second = result.files(), siteopt.solve(result.scenario).files()
    for name in ("siteopt.gpkg", "siteopt.qgz", "sites.qml", "plan.qml"):
        assert first[name] == second[name], name


def test_every_layer_is_there_with_its_geometry(path: Path) -> None:
    found = {name: kind for name, kind in pyogrio.list_layers(path) if kind is not None}
    assert found == LAYERS
    for name in LAYERS:
        assert pyogrio.read_info(path, layer=name)["crs"] == "EPSG:4326"
    assert pyogrio.read_info(path, layer="areas")["features"] == 0


def test_columns_have_types(path: Path) -> None:
    info = pyogrio.read_info(path, layer="sites")
    types = dict(zip(info["fields"], info["dtypes"], strict=True))
    assert types["rank"] == types["day_first_run"] == types["cost_usd"] == "int64"
    assert types["date_first_run"] == types["available_from"] == "datetime64[D]"
    assert types["grid_mw"] == types["site_cost_usd"] == "float64"
    assert types["owner"] == types["reason"] == "object"
    deliveries = pyogrio.read_info(path, layer="deliveries")
    dated = dict(zip(deliveries["fields"], deliveries["dtypes"], strict=True))
    assert {dated[name] for name in ("leaves", "arrives", "ready", "serves")} == {"datetime64[D]"}


def test_rows_say_what_the_geojson_says(result: Result, path: Path) -> None:
    sites = table(path, "sites").set_index("site_id")
    for feature in sites_geojson(result.record, result.dataset.sites, Translations.of(result.record))["features"]:
        row = sites.loc[feature["properties"]["site_id"]]
        assert [row.geometry.x, row.geometry.y] == feature["geometry"]["coordinates"]
        for name, value in feature["properties"].items():
            if name == "site_id":
                continue
            if value is None:
                assert pd.isna(row[name]), name
            elif isinstance(row[name], pd.Timestamp):
                assert row[name].date().isoformat() == value
            else:
                assert row[name] == value, name


def test_the_chosen_site_and_its_milestones(result: Result, path: Path) -> None:
    (row,) = table(path, "chosen").to_dict("records")
    plan = plan_of(result)
    assert row["site_id"] == plan.site_id
    assert row["day_first_run"] == plan.milestones[0].day
    assert row["cost_usd"] == plan.cost.total_usd
    assert row["times_faster_low"] == plan.baselines[0].times_faster_low
    (milestone,) = table(path, "milestones").to_dict("records")
    listed = table(path, "sites").set_index("site_id").loc[plan.site_id]
    assert listed["limited_by_first_run"]
    assert milestone["limited_by"].startswith(listed["limited_by_first_run"])
    assert (milestone["name"], milestone["gpus"], milestone["number"]) == ("first run", 10_000, 1)


def test_the_chosen_site_tells_the_limits_that_change(tmp_path: Path) -> None:
    found = pages.with_phases()
    features = sites_geojson(found.run, pd.DataFrame(SITES).set_index("site_id", drop=False), Translations())
    files = map_files(found.run, features, found.plan_features, Translations())
    (row,) = table(geopackage(files, tmp_path), "chosen").to_dict("records")
    assert row["limits"] == "NOx, t/year: 30; 25 from day 200"


def test_deliveries_run_from_the_depot_to_the_site(result: Result, path: Path) -> None:
    rows = table(path, "deliveries").set_index("offer_id")
    plan = plan_of(result)
    assert len(rows) == len(plan.orders) > 1
    for order in plan.orders:
        line = shapely.get_coordinates(rows.loc[order.offer_id].geometry)
        assert line[0] == pytest.approx([order.longitude, order.latitude])
        assert line[-1] == pytest.approx([plan.longitude, plan.latitude])
        assert rows.loc[order.offer_id, "units"] == max(order.units.values())
    middles = {tuple(shapely.get_coordinates(line)[16].round(3)) for line in rows.geometry}
    assert len(middles) == len(rows)  # bows of one depot do not hide each other


def test_a_depot_tells_what_comes_from_it(result: Result, path: Path) -> None:
    (depot,) = table(path, "depots").to_dict("records")
    plan = plan_of(result)
    assert depot["units"] == sum(max(order.units.values()) for order in plan.orders)
    assert depot["leaves"].date() == min(order.leaves for order in plan.orders)
    assert depot["generator_mw"] == pytest.approx(plan.milestones[-1].equipment_mw["generator"])
    assert "generators" in depot["contents"]
    assert "batter" in depot["contents"]


def test_issues_of_a_run_are_what_is_unknown(path: Path) -> None:
    rows = table(path, "issues")
    found = set(zip(rows["severity"], rows["site_id"], rows["column"], strict=True))
    assert found == {("assumed", "alpha", "gas_mw"), ("excluded", "gamma", "grid_mw")}
    assert rows.set_index("severity").loc["assumed", "found"] == "blank: 80.0 is used"


def test_styles_and_words_stand_inside(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        styles = dict(database.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        described = dict(
            database.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'sites'")
        )
        schema = {row[0] for row in database.execute("SELECT DISTINCT f_table_schema FROM layer_styles")}
        columns = {row[0] for row in database.execute("SELECT DISTINCT f_geometry_column FROM layer_styles")}
    assert set(styles) == set(LAYERS)
    assert schema == {""}
    assert columns == {"geom"}
    for text in styles.values():
        assert ElementTree.fromstring(text).find("renderer-v2") is not None
    assert described["grid_mw"] == "Grid (MW)"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grid_mw", "Grid (MW)"),
        ("site_id", "Site ID"),
        ("water_m3_per_day", "Water (m3/day)"),
        ("nox_limit_t_per_year", "NOx limit (t/year)"),
        ("grid_usd_per_mwh", "Grid price (USD/MWh)"),
        ("available_from", "Available from"),
    ],
)
def test_words_of_a_column_have_its_unit(name: str, words: str) -> None:
    assert alias(CANDIDATES[name]) == words


def test_no_site_gives_whole_files(nothing: Result, tmp_path: Path) -> None:
    files = nothing.files()
    path = geopackage(files, tmp_path)
    counts = {name: pyogrio.read_info(path, layer=name)["features"] for name in LAYERS}
    assert counts["sites"] == 3
    assert counts["land"] > 0
    assert not any(counts[name] for name in ("chosen", "milestones", "deliveries", "depots", "areas"))
    root = project(files["siteopt.qgz"])
    assert root.findtext("title") == "small: no site can serve"
    assert root.find("ProjectTimeSettings") is None


def test_the_project_names_layers_that_are_there(result: Result, path: Path) -> None:
    root = project(result.files()["siteopt.qgz"])
    sources = [layer.findtext("datasource") for layer in root.iter("maplayer")]
    names = {source.removeprefix("./siteopt.gpkg|layername=") for source in sources}
    assert names == set(LAYERS) - {"areas"}  # it has none
    ids = {layer.findtext("id") for layer in root.iter("maplayer")}
    assert ids == {layer.get("id") for layer in root.iter("layer-tree-layer")}
    assert all(len(id_) > 10 for id_ in ids)


def test_a_map_of_the_world_has_no_scale_bar(result: Result) -> None:
    bars = [
        project(files["siteopt.qgz"]).findtext("properties/ScaleBar/Enabled")
        for files in (result.files(), issue_files([]))
    ]
    assert bars == ["true", "false"]


def test_a_box_in_metres() -> None:
    west, south, east, north = mercator((-180, -85.0511287798, 180, 89.9))
    assert east == -west == pytest.approx(20_037_508.34 * 1.04)
    assert np.isfinite([south, north]).all()


def test_every_standing_and_every_kind_has_its_colour() -> None:
    assert set(STANDING) == set(Standing)
    assert len(set(STANDING.values())) == len(STANDING)
    hauled = {KIND[kind] for kind in ("generator", "chiller", "battery")}
    assert len(hauled) == 3
    assert not hauled & set(STANDING.values())


NAMES = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["fid", "FID", "geom", "Geom", "ogc_fid", "Rank", "rank_2", "NAME", "label", "role", '"', "'", "]]>", "%", "\x00"]
)
CELLS = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.integers(-(2**63), 2**64 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.dictionaries(NAMES, st.tuples(CELLS, CELLS, CELLS), max_size=6))
@settings(max_examples=40)
def test_whatever_a_user_adds_passes_through(result: Result, extra: dict[str, tuple[Any, Any, Any]]) -> None:
    sites = result.dataset.sites.copy()
    for name, cells in extra.items():
        if name not in sites:
            sites[name] = pd.Series(cells, index=sites.index, dtype=object)
    translations = Translations.of(result.record)
    collection = sites_geojson(result.record, sites, translations)
    files = map_files(result.record, collection, plan_geojson(result.record), translations)
    project(files["siteopt.qgz"])  # type: ignore[arg-type]
    ElementTree.fromstring(files["sites.qml"])
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(files["siteopt.gpkg"])
        names = [row[1] for row in database.execute("PRAGMA table_info(sites)")]
        rows = database.execute("SELECT * FROM sites ORDER BY fid").fetchall()
    expected = [list(feature["properties"].values()) for feature in collection["features"]]
    assert len({name.casefold() for name in names}) == len(names) == len(expected[0]) + 2
    for row, values in zip(rows, expected, strict=True):
        for name, cell, value in zip(names[2:], row[2:], values, strict=True):
            assert same(cell, value), (name, cell, value)


def test_text_does_not_end_where_sqlite_would_end_it(result: Result, tmp_path: Path) -> None:
    sites = result.dataset.sites.assign(odd="a\0b")
    translations = Translations.of(result.record)
    collection = sites_geojson(result.record, sites, translations)
    path = geopackage(map_files(result.record, collection, plan_geojson(result.record), translations), tmp_path)
    assert set(table(path, "sites")["odd"]) == {"ab"}


def same(cell: Any, value: Any) -> bool:
    """A cell as it was; as text in a column of several types, and without NUL, where SQLite ends a text."""
    if value is None or isinstance(value, str):
        return bool(cell == (value and value.replace("\0", "")))
    return cell in (value, str(value), float(value))


def test_a_map_of_issues_has_those_without_a_place_in_its_table(tmp_path: Path) -> None:
    issues = [
        Issue(Code.OUT_OF_RANGE, "a.csv", 2, "grid_mw", "-1", "a number", 10.0, 50.0),
        Issue(Code.OUT_OF_RANGE, "a.csv", 2, "status", "wet", "one of vacant", 10.0, 50.0),
        Issue(Code.OUT_OF_RANGE, "a.csv", 3, "longitude", "190", "a number", 190.0, 50.0),
        Issue(Code.OUT_OF_RANGE, "scenario.toml", None, "supply.spare", "1", "a known key"),
    ]
    files = issue_files(issues)
    assert set(files) == {"siteopt.gpkg", "siteopt.qgz", "issues.geojson", "issues.qml"}
    rows = table(geopackage(files, tmp_path), "issues")
    assert [shape is not None for shape in rows.geometry] == [True, True, False, False]
    assert rows["row"].tolist()[:3] == [2, 2, 3]
    assert rows["label"].tolist()[0] == "a.csv, row 2\ngrid_mw: -1\nstatus: wet"
    assert rows["label"].isna().tolist() == [False, True, False, False]
    features = json.loads(files["issues.geojson"])["features"]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [10.0, 50.0]}
    assert [feature["geometry"] is None for feature in features] == [False, False, True, True]
    extent = project(files["siteopt.qgz"]).find("mapcanvas/extent")
    assert extent is not None
    assert 0 < float(extent.findtext("xmin", "")) < float(extent.findtext("xmax", "")) < 2e6


def test_a_map_of_warnings_calls_them_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issue = Issue(Code.OUT_OF_RANGE, "a.csv", 2, "grid_mw", "900", "less", 10.0, 50.0)
    assert title(issue_files([])) == "No errors in the input"
    assert title(issue_files([issue])) == "1 error in the input"
    monkeypatch.setattr(Code.OUT_OF_RANGE, "number", "W999")
    files = issue_files([issue])
    assert title(files) == "No errors, 1 warning in the input"
    rows = table(geopackage(files, tmp_path), "issues")
    assert rows[["severity", "code"]].iloc[0].tolist() == ["warning", "W999"]


def title(files: Mapping[str, str | bytes]) -> str:
    return project(files["siteopt.qgz"]).findtext("title", "")
