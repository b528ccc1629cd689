"""Shapefiles, CSV as QGIS writes it, and files of several layers: nothing is lost, or a fault says what."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pytest
import shapely

import siteopt
from siteopt import Dataset, InputError, Issue
from siteopt.geodata.check import typed
from siteopt.geodata.tables import read_table
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Table, uncut
from tests.worlds import OFFERS as OFFER_ROWS
from tests.worlds import SITES, STEPS, Row, changed, csv_text, write_world

LONG = [name for name in CANDIDATES.names if len(name) > 10]


def loaded(folder: Path, *overrides: str, sites: Sequence[Row] = SITES) -> Dataset:
    return siteopt.load(siteopt.read_scenario(write_world(folder, sites), overrides))


def using(folder: Path, name: str, *overrides: str, table: str = "candidates") -> Dataset:
    return loaded(folder, f"inputs.{table}.0={name}", *overrides)


def issues_of(folder: Path, name: str, *overrides: str, table: str = "candidates") -> tuple[Issue, ...]:
    with pytest.raises(InputError) as error:
        using(folder, name, *overrides, table=table)
    return error.value.issues


def only_issue(folder: Path, name: str, *overrides: str, table: str = "candidates") -> Issue:
    (issue,) = issues_of(folder, name, *overrides, table=table)
    return issue


def layer(rows: Sequence[Row] = SITES, **columns: Any) -> geopandas.GeoDataFrame:
    table = pd.DataFrame([{name: None if cell == "" else cell for name, cell in row.items()} for row in rows])
    points = geopandas.points_from_xy(table.pop("longitude"), table.pop("latitude"))
    return geopandas.GeoDataFrame(table.infer_objects(), geometry=points, crs=4326).assign(**columns)


def write_shapefile(path: Path, frame: geopandas.GeoDataFrame, **options: Any) -> None:
    frame.rename(columns={name: name[:10] for name in LONG}).to_file(path, **options)


# names of ten letters


def test_long_names_are_known_by_their_first_ten_letters() -> None:
    assert uncut(["site_id", "grid_swing", "owner"], CANDIDATES.names) == {"grid_swing": ["grid_swing_mw"]}


def test_names_that_are_alike_are_numbered() -> None:
    cut = ["available_", "availabl_1", "derate_abo", "derate_a_1"]
    assert uncut(cut, [*CANDIDATES.names, *OFFERS.names]) == {
        "available_": ["available_from"],
        "availabl_1": ["available_until"],
        "derate_abo": ["derate_above_c"],
        "derate_a_1": ["derate_above_m"],
    }


@pytest.mark.parametrize("name", ["available_", "availabl_1"])
def test_one_of_names_that_are_alike_may_be_any(name: str) -> None:
    assert uncut([name], CANDIDATES.names) == {name: ["available_from", "available_until"]}


@pytest.mark.parametrize("table", [CANDIDATES, GRID_STEPS, OFFERS], ids=lambda table: table.name)
@pytest.mark.filterwarnings("ignore:Column names longer than 10", "ignore:Normalized/laundered")
def test_gdal_cuts_names_as_is_said(tmp_path: Path, table: Table) -> None:
    row = {name: [name] for name in table.names}
    geopandas.GeoDataFrame(row, geometry=[shapely.Point(0, 0)], crs=4326).to_file(tmp_path / "t.shp")
    found = geopandas.read_file(tmp_path / "t.shp").drop(columns="geometry")
    meant = uncut(list(found), table.names)
    assert {meant.get(name, [name])[0] for name in found} == set(table.names)
    for name in found:
        assert meant.get(name, [name]) == [found[name].iloc[0]]


def test_shapefile_gives_the_same_cells_as_the_table(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer(SITES))
    before, after = loaded(tmp_path).sites, using(tmp_path, "sites.shp").sites
    pd.testing.assert_frame_equal(after, before, check_dtype=False)


def test_name_that_fits_two_columns(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer(available_=["2024-01-01"] * 3))
    issue = only_issue(tmp_path, "sites.shp")
    assert (issue.row, issue.column, issue.found) == (
        1,
        "available_",
        "one cut name for available_from and available_until",
    )
    assert "GeoPackage" in issue.expected


def test_money_whose_currency_is_cut_away(tmp_path: Path) -> None:
    # site_cost_ may be site_cost_usd or site_cost_krw; grid_usd_p says what it is
    write_shapefile(tmp_path / "sites.shp", layer())
    issue = only_issue(tmp_path, "sites.shp", "project.currency=KRW", "project.currency_per_usd=1400")
    assert issue.found == "one cut name for site_cost_usd and site_cost_krw"


def test_money_of_another_currency_in_a_shapefile(tmp_path: Path) -> None:
    frame = layer().drop(columns="site_cost_usd").rename(columns={"grid_usd_per_mwh": "grid_krw_p"})
    write_shapefile(tmp_path / "sites.shp", frame)
    won = using(tmp_path, "sites.shp", "project.currency=KRW", "project.currency_per_usd=1000")
    assert won.sites.at["alpha", "grid_usd_per_mwh"] == 0.06


def test_issue_in_a_shapefile_has_the_name_that_the_file_has(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer(floor_area_m2=[50_000.0, -2.0, 50_000.0]))
    issue = only_issue(tmp_path, "sites.shp")
    assert (issue.file, issue.row, issue.column, issue.found) == ("sites.shp", 3, "floor_area", "-2")


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_shapefile_without_prj(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer().set_crs(None, allow_override=True))
    assert only_issue(tmp_path, "sites.shp").found == "a layer without a CRS"


def test_table_of_a_shapefile_alone(tmp_path: Path) -> None:
    frame = layer()
    frame = frame.assign(latitude=frame.geometry.y, longitude=frame.geometry.x)
    write_shapefile(tmp_path / "sites.shp", frame)
    for ending in (".shp", ".shx", ".prj"):
        (tmp_path / "sites").with_suffix(ending).unlink()
    assert list(using(tmp_path, "sites.dbf").sites["latitude"]) == [row["latitude"] for row in SITES]


# encodings


def test_encoding_is_that_of_the_cpg(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer(), encoding="CP949")
    assert (tmp_path / "sites.cpg").read_text() == "CP949"
    assert "강진".encode("cp949") in (tmp_path / "sites.dbf").read_bytes()
    assert using(tmp_path, "sites.shp").sites.at["gamma", "name"] == "강진 공장"
    (tmp_path / "sites.cpg").rename(tmp_path / "sites.CPG")
    assert using(tmp_path, "sites.shp").sites.at["gamma", "name"] == "강진 공장"


def test_encoding_without_a_cpg_is_utf8(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer(), encoding="UTF-8")
    (tmp_path / "sites.cpg").unlink()
    assert using(tmp_path, "sites.shp").sites.at["gamma", "name"] == "강진 공장"


def test_other_encoding_without_a_cpg(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "sites.shp", layer(), encoding="CP949")
    (tmp_path / "sites.cpg").unlink()
    issue = only_issue(tmp_path, "sites.shp")
    assert issue.found == "text that is not UTF-8"
    assert "sites.cpg" in issue.expected


def cut_within_a_letter(path: Path, column: str) -> None:
    """A shapefile whose text in the first row is full, and ends with the first byte of a letter."""
    write_shapefile(path, layer(**{column: ["b" * 253 + "x", "a", "c"]}), encoding="UTF-8")
    dbf = path.with_suffix(".dbf")
    dbf.write_bytes(dbf.read_bytes().replace(b"b" * 253 + b"x", b"b" * 253 + "가".encode()[:1]))


def test_text_that_is_cut_within_a_letter(tmp_path: Path) -> None:
    cut_within_a_letter(tmp_path / "sites.shp", "notes")
    sites = using(tmp_path, "sites.shp").sites
    assert sites.at["alpha", "notes"] == "b" * 253
    assert sites.at["gamma", "name"] == "강진 공장"


@pytest.mark.parametrize("column", ["site_id", "name"])
def test_cut_name_is_an_issue(tmp_path: Path, column: str) -> None:
    cut_within_a_letter(tmp_path / "sites.shp", column)
    issues = [issue for issue in issues_of(tmp_path, "sites.shp") if issue.column == column]
    assert [(issue.row, issue.found) for issue in issues] == [(2, "b" * 253)]
    assert "less than 251 bytes" in issues[0].expected


@pytest.mark.parametrize("name", ["sites.gpkg", "sites.geojson"])
def test_bytes_that_are_no_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    layer(owner=["QQQ", "a", "b"]).to_file(path)
    path.write_bytes(path.read_bytes().replace(b"QQQ", b"Q\xb0\xa1"))
    issue = only_issue(tmp_path, name)
    assert (issue.column, issue.found) == ("owner", "text that is not UTF-8")


# CSV with geometry


def csv_with(path: Path, first: dict[str, Sequence[object]], last: dict[str, Sequence[object]], drop: str = "") -> None:
    """The candidates with columns before and behind theirs."""
    table = pd.DataFrame(SITES).drop(columns=drop.split())
    pd.concat([pd.DataFrame(first), table, pd.DataFrame(last)], axis=1).to_csv(path, index=False)


BOTH = "latitude longitude"
X, Y = [-90.1, -95.2, 127.3], [35.1, 30.2, 36.3]
WKT = [f"POINT ({x} {y})" for x, y in zip(X, Y, strict=True)]


@pytest.mark.parametrize(
    ("first", "last", "drop"),
    [
        ({"X": X, "Y": Y}, {}, ""),
        ({"Y": Y, "X": X}, {}, ""),
        ({"WKT": WKT}, {}, ""),
        ({"X": X, "Y": Y}, {}, BOTH),
        ({}, {"X": X, "Y": Y}, BOTH),
        ({}, {"WKT": WKT}, BOTH),
        ({}, {"WKT": WKT}, "longitude"),
    ],
)
def test_columns_of_geometry(tmp_path: Path, first: dict[str, Any], last: dict[str, Any], drop: str) -> None:
    csv_with(tmp_path / "t.csv", first, last, drop)
    sites = using(tmp_path, "t.csv").sites
    assert (list(sites["longitude"]), list(sites["latitude"])) == (X, Y)
    assert not {"X", "Y", "WKT"} & set(sites)


@pytest.mark.parametrize("last", [{"X": X, "Y": Y}, {"WKT": WKT}])
def test_columns_of_that_name_elsewhere_are_like_any_other(tmp_path: Path, last: dict[str, Any]) -> None:
    csv_with(tmp_path / "t.csv", {}, last)
    sites = using(tmp_path, "t.csv").sites
    assert list(sites["latitude"]) == [row["latitude"] for row in SITES]
    assert set(last) <= set(sites)


def test_coordinates_in_metres(tmp_path: Path) -> None:
    csv_with(tmp_path / "t.csv", {"X": [950000.5, 950001, 950002], "Y": [1900000, 1900001, 1900002]}, {})
    issues = issues_of(tmp_path, "t.csv")
    assert [(issue.row, issue.column) for issue in issues] == [
        (row, axis) for row in (2, 3, 4) for axis in ("latitude", "longitude")
    ]
    assert all("this looks like a projected CRS" in issue.expected for issue in issues)
    assert issues[1].found == "950000.5"


def test_feature_without_geometry_in_columns_of_coordinates(tmp_path: Path) -> None:
    # QGIS writes 0,0
    csv_with(tmp_path / "t.csv", {"X": ["-90.1", "0", "127.3"], "Y": ["35.1", "0", "36.3"]}, {})
    issues = [(issue.row, issue.column, issue.found) for issue in issues_of(tmp_path, "t.csv")]
    assert issues == [(3, "latitude", ""), (3, "longitude", "")]


def test_geometry_as_text_that_is_none(tmp_path: Path) -> None:
    csv_with(tmp_path / "t.csv", {"WKT": [WKT[0], "PONT (1 2)", WKT[2]]}, {})
    issue = only_issue(tmp_path, "t.csv")
    assert (issue.row, issue.column, issue.found) == (3, "WKT", "'PONT (1 2)'")


@pytest.mark.parametrize("empty", ["", "POINT EMPTY"])
def test_geometry_as_text_that_is_empty(tmp_path: Path, empty: str) -> None:
    csv_with(tmp_path / "t.csv", {"WKT": [WKT[0], empty, WKT[2]]}, {})
    issue = only_issue(tmp_path, "t.csv")
    assert (issue.row, issue.column, issue.found) == (3, "geometry", "no geometry")


def test_numbers_of_features_are_left_out(tmp_path: Path) -> None:
    csv_with(tmp_path / "t.csv", {"X": X, "Y": Y, "fid": [1, 2, 3]}, {})
    layer(fid=[1, 2, 3]).to_file(tmp_path / "t.geojson")
    assert "fid" not in using(tmp_path, "t.csv").sites
    assert "fid" not in using(tmp_path, "t.geojson").sites


# layers of a file


def write_layers(path: Path, *names: str) -> None:
    for name in names:
        layer(owner=name).to_file(path, layer=name)


def owner(data: Dataset) -> str:
    return str(data.sites.at["alpha", "owner"])


@pytest.mark.parametrize(
    ("names", "source", "read"),
    [
        (["any"], "t.gpkg", "any"),
        (["any", "candidates"], "t.gpkg", "candidates"),
        (["candidates", "other"], "t.gpkg|layername=other", "other"),
    ],
)
def test_layer_that_is_read(tmp_path: Path, names: list[str], source: str, read: str) -> None:
    write_layers(tmp_path / "t.gpkg", *names)
    data = using(tmp_path, source)
    assert owner(data) == read
    assert source in {one.path for one in data.inputs}


@pytest.mark.parametrize(("source", "found"), [("t.gpkg", "2 layers"), ("t.gpkg|layername=sit", "no layer 'sit'")])
def test_layer_that_is_not_clear(tmp_path: Path, source: str, found: str) -> None:
    write_layers(tmp_path / "t.gpkg", "sites", "more")
    issue = only_issue(tmp_path, source)
    assert (issue.file, issue.found) == (source, found)
    assert issue.expected == "the name of one layer: t.gpkg|layername=NAME, where NAME is one of sites, more"


def test_tables_of_qgis_are_no_layers(tmp_path: Path) -> None:
    write_layers(tmp_path / "t.gpkg", "any")
    for name in ("layer_styles", "qgis_projects"):
        geopandas.GeoDataFrame({"x": [1]}, geometry=[None], crs=4326).to_file(tmp_path / "t.gpkg", layer=name)
    assert owner(using(tmp_path, "t.gpkg")) == "any"


def test_one_file_for_all_tables(tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    layer(owner="all").to_file(path, layer="candidates")
    steps = geopandas.GeoDataFrame(pd.DataFrame(STEPS), geometry=[None], crs=4326)
    steps.to_file(path, layer="grid_steps")
    layer(OFFER_ROWS).to_file(path, layer="offers")
    data = using(tmp_path, "all.gpkg", "inputs.grid_steps.0=all.gpkg", "inputs.offers.0=all.gpkg")
    before = loaded(tmp_path)
    assert owner(data) == "all"
    pd.testing.assert_frame_equal(data.steps, before.steps, check_dtype=False)
    pd.testing.assert_frame_equal(data.offers, before.offers, check_dtype=False)


def test_layer_of_a_filter(tmp_path: Path) -> None:
    path = tmp_path / "zones.gpkg"
    for name, area in (("texas", shapely.box(-107, 26, -93, 36)), ("all", shapely.box(-179, -89, 179, 89))):
        geopandas.GeoDataFrame(geometry=[area], crs=4326).to_file(path, layer=name)
    data = loaded(tmp_path, "filter.within=zones.gpkg|layername=texas", "defaults.grid_mw=9")
    assert data.pool.site_id == ("beta",)
    assert "zones.gpkg|layername=texas" in {one.path for one in data.inputs}
    with pytest.raises(InputError, match="2 layers"):
        loaded(tmp_path, "filter.within=zones.gpkg")


def test_steps_without_geometry_saved_as_geojson(tmp_path: Path) -> None:
    features = [{"type": "Feature", "properties": dict(row), "geometry": None} for row in STEPS]
    (tmp_path / "steps.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    data = using(tmp_path, "steps.geojson", table="grid_steps")
    pd.testing.assert_frame_equal(data.steps, loaded(tmp_path).steps, check_dtype=False)


def test_candidates_without_geometry_saved_as_geojson(tmp_path: Path) -> None:
    features = [{"type": "Feature", "properties": dict(row), "geometry": None} for row in SITES]
    (tmp_path / "t.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert list(using(tmp_path, "t.geojson").sites["latitude"]) == [row["latitude"] for row in SITES]


def test_layer_without_features(tmp_path: Path) -> None:
    layer().iloc[:0].to_file(tmp_path / "none.gpkg")
    assert only_issue(tmp_path, "none.gpkg").found == "no rows"


def test_whole_numbers_and_truth_values_stay_such(tmp_path: Path) -> None:
    properties = [{"year": 2019, "open": True}, {"year": None, "open": None}, {"year": 7, "open": False}]
    rows = [dict(row) | more for row, more in zip(changed(SITES, "site_id", "alpha"), properties, strict=True)]
    features = []
    for row in rows:
        point = {"type": "Point", "coordinates": [row.pop("longitude"), row.pop("latitude")]}
        features.append({"type": "Feature", "properties": row, "geometry": point})
    (tmp_path / "t.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    sites = using(tmp_path, "t.geojson").sites
    assert sites[["year", "open"]].to_dict("list") == {"year": [2019, None, 7], "open": [True, None, False]}


# files that belong to a layer


def test_every_file_of_a_layer_is_listed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_shapefile(tmp_path / "data" / "sites.shp", layer(), encoding="UTF-8")
    names, others = [one.path for one in using(tmp_path, "data/sites.shp").inputs], ["offers.csv", "steps.csv"]
    assert names == ["scenario.toml", *(f"data/sites.{end}" for end in ("shp", "dbf", "prj", "cpg")), *others]


KEEPER = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1])
file.execute("PRAGMA journal_mode=WAL")
for (trigger,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    file.execute(f'DROP TRIGGER "{trigger}"')
file.execute("UPDATE candidates SET owner = 'after'")
file.commit()
print("saved", flush=True)
sys.stdin.read()
"""


def test_what_qgis_has_saved_while_it_keeps_the_file_open(tmp_path: Path) -> None:
    layer(owner="before").to_file(tmp_path / "open.gpkg", layer="candidates")
    keeper = [sys.executable, "-c", KEEPER, str(tmp_path / "open.gpkg")]
    with subprocess.Popen(keeper, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"saved\n"
        data = using(tmp_path, "open.gpkg")
        process.communicate()
    assert owner(data) == "after"
    assert "open.gpkg-wal" in {one.path for one in data.inputs}


# dates


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-02-29", "2024-02-29"),
        ("2024/02/29", "2024-02-29"),
        ("2024/02/29 00:00:00", "2024-02-29"),
        ("2024/02/29 00:00:00.000", "2024-02-29"),
        ("2024-02-29T00:00:00", "2024-02-29"),
        ("2024-02-29T13:45:00Z", "2024-02-29"),
        ("2024-02-29 00:00:00+09", "2024-02-29"),
        ("2024-02-29 00:00:00+09:00", "2024-02-29"),
        ("2023/02/29", ""),
        ("2024/2/9", "2024-02-09"),
        ("29/02/2024", "2024-02-29"),
        ("30/02/2024", ""),
        ("2024-02-29 noon", ""),
        ("20240229", ""),
    ],
)
def test_dates_as_qgis_writes_them(tmp_path: Path, text: str, date: str) -> None:
    (tmp_path / "t.csv").write_text(csv_text(changed(SITES, "site_id", "alpha", available_from=text)))
    frame, issues = typed(CANDIDATES, read_table(tmp_path / "t.csv", CANDIDATES))
    assert [issue.found for issue in issues] == ([] if date else [text])
    assert frame["available_from"].dt.strftime("%Y-%m-%d").fillna("").iloc[0] == date


def test_layer_is_not_touched_by_reading(tmp_path: Path) -> None:
    layer().to_file(tmp_path / "t.gpkg")
    shutil.copy(tmp_path / "t.gpkg", tmp_path / "copy.gpkg")
    using(tmp_path, "t.gpkg")
    assert (tmp_path / "t.gpkg").read_bytes() == (tmp_path / "copy.gpkg").read_bytes()
    assert not list(tmp_path.glob("t.gpkg-*"))
