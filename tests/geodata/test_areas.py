"""Outlines, halls and yards: kept, checked, and drawn for the chosen site; and where on the map a fault lies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

import siteopt
from siteopt import Dataset, InputError, Issue
from siteopt.cli import app
from siteopt.message_catalogue import Code
from siteopt.output.geojson import plan_geojson
from tests.worlds import OFFERS, SITES, STEPS, Row, changed, write_world

AREAS = 'inputs.areas=["areas.gpkg"]'
ALPHA = (-90.05, 35.15)
ROLES = ("outline", "hall", "yard")

HALL = shapely.box(-90.06, 35.14, -90.04, 35.16)
YARD = shapely.Polygon(
    [(-90.06, 35.10), (-90.06, 35.13), (-90.04, 35.13), (-90.04, 35.10)],  # clockwise
    [[(-90.055, 35.11), (-90.045, 35.11), (-90.045, 35.12), (-90.055, 35.12)]],
)


def areas(shapes: Sequence[shapely.Geometry | None], crs: int = 4326, **columns: Any) -> geopandas.GeoDataFrame:
    count = len(shapes)
    table = {"site_id": ["alpha"] * count, "use": ["hall"] * count} | columns
    return geopandas.GeoDataFrame(table, geometry=list(shapes), crs=4326).to_crs(crs)


def write_areas(folder: Path, frame: geopandas.GeoDataFrame, name: str = "areas.gpkg") -> Path:
    scenario = write_world(folder)
    frame.to_file(folder / name)
    return scenario


def loaded(scenario: Path, *overrides: str) -> Dataset:
    return siteopt.load(siteopt.read_scenario(scenario, overrides))


def issues_of(scenario: Path, *overrides: str) -> list[Issue]:
    with pytest.raises(InputError) as error:
        loaded(scenario, *overrides)
    return list(error.value.issues)


def drawn(folder: Path, *overrides: str) -> dict[str, dict[str, Any]]:
    """The areas in the plan of a world, by role."""
    result = siteopt.solve(siteopt.read_scenario(folder / "scenario.toml", overrides))
    features = json.loads(result.files()["plan.geojson"])["features"]
    assert set(result.plan["role"]) == {feature["properties"]["role"] for feature in features}
    return {one["properties"]["role"]: one for one in features if one["properties"]["role"] in ROLES}


def is_rfc7946(geometry: dict[str, Any]) -> bool:
    """Right-hand rings, valid, two coordinates of seven decimals."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    rings = [(ring, place == 0) for polygon in polygons for place, ring in enumerate(polygon)]
    turns = all(shapely.is_ccw(shapely.LinearRing(ring)) == outer for ring, outer in rings)
    short = all(position == [round(value, 7) for value in position] for ring, _ in rings for position in ring)
    return (
        turns
        and short
        and all(len(p) == 2 for ring, _ in rings for p in ring)
        and shapely.geometry.shape(geometry).is_valid
    )


def test_halls_and_yards_are_drawn(tmp_path: Path) -> None:
    write_areas(tmp_path, areas([HALL, YARD], use=["hall", "yard"]))
    found = drawn(tmp_path, AREAS)
    assert set(found) == {"hall", "yard"}
    for role, shape in (("hall", HALL), ("yard", YARD)):
        assert shapely.geometry.shape(found[role]["geometry"]).equals(shape)
        assert is_rfc7946(found[role]["geometry"])
        known = {"role": role, "id": "alpha", "name": "Alpha Works"}
        unknown = dict.fromkeys(("kind", "units", "leaves", "arrives", "ready", "cost_usd"))
        assert found[role]["properties"] == known | unknown


def test_areas_in_another_crs(tmp_path: Path) -> None:
    write_areas(tmp_path, areas([HALL], crs=32616))
    shape = shapely.geometry.shape(drawn(tmp_path, AREAS)["hall"]["geometry"])
    assert shape.symmetric_difference(HALL).area < 1e-6 * HALL.area


def polygons_of_candidates(crs: int) -> geopandas.GeoDataFrame:
    table = pd.DataFrame(SITES[:2]).drop(columns=["latitude", "longitude"])
    boxes = [shapely.box(x - 0.01, y - 0.01, x + 0.01, y + 0.01) for x, y in (ALPHA, (-95.37, 29.76))]
    return geopandas.GeoDataFrame(table, geometry=boxes, crs=4326).to_crs(crs)


@pytest.mark.parametrize("crs", [4326, 32616])
def test_polygon_of_the_chosen_candidate_is_its_outline(tmp_path: Path, crs: int) -> None:
    write_world(tmp_path)
    polygons_of_candidates(crs).to_file(tmp_path / "plots.gpkg")
    found = drawn(tmp_path, "inputs.candidates.0=plots.gpkg")
    assert set(found) == {"outline"}
    shape = shapely.geometry.shape(found["outline"]["geometry"])
    assert shape.symmetric_difference(shapely.box(-90.06, 35.14, -90.04, 35.16)).area < 1e-9
    assert is_rfc7946(found["outline"]["geometry"])


def test_outline_of_a_csv_that_qgis_wrote(tmp_path: Path) -> None:
    write_world(tmp_path)
    plots = polygons_of_candidates(4326)
    pd.DataFrame({"WKT": plots.geometry.to_wkt()}).join(plots.drop(columns="geometry")).to_csv(
        tmp_path / "plots.csv", index=False
    )
    assert set(drawn(tmp_path, "inputs.candidates.0=plots.csv")) == {"outline"}


def test_points_have_no_outline(tmp_path: Path) -> None:
    write_world(tmp_path)
    plots = polygons_of_candidates(4326)
    plots.set_geometry(plots.representative_point()).to_file(tmp_path / "points.gpkg")
    assert drawn(tmp_path, "inputs.candidates.0=points.gpkg") == {}


def test_column_of_candidates_that_is_called_use_is_no_use(tmp_path: Path) -> None:
    write_world(tmp_path)
    polygons_of_candidates(4326).assign(use="smelter").to_file(tmp_path / "plots.gpkg")
    assert set(drawn(tmp_path, "inputs.candidates.0=plots.gpkg")) == {"outline"}


def test_areas_decide_nothing(tmp_path: Path) -> None:
    write_areas(tmp_path, areas([HALL]))
    without, with_areas = (siteopt.solve(siteopt.read_scenario(tmp_path / "scenario.toml", s)) for s in ([], [AREAS]))
    assert with_areas.record.plan == without.record.plan
    assert with_areas.record.ranking == without.record.ranking


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        (shapely.MultiPolygon([HALL, YARD]), 2),
        (shapely.Polygon([(0, 0, 5), (1, 0, 5), (1, 1, 5)]), 1),  # with heights
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), 2),  # a bow tie, as outlines of candidates may be
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (0, 3)]), 2),  # and with a spike
        (shapely.Polygon([(0, 0), (0.3333333333, 0.3333333333), (0.6666666666, 0.1)]), 1),
        (shapely.box(0, 0, 1e-9, 1e-9), 0),  # less than the decimals show
    ],
)
def test_any_polygon_is_drawn_by_the_rules(tmp_path: Path, shape: shapely.Geometry, parts: int) -> None:
    record = siteopt.solve(write_world(tmp_path)).record
    features = plan_geojson(record, [("outline", shape)])["features"]
    found = [feature["geometry"] for feature in features if feature["properties"]["role"] == "outline"]
    assert len(found) == min(parts, 1)
    if parts:
        assert is_rfc7946(found[0])
        assert shapely.get_num_geometries(shapely.geometry.shape(found[0])) == parts


def test_areas_without_a_plan(tmp_path: Path) -> None:
    write_areas(tmp_path, areas([HALL]))
    result = siteopt.solve(siteopt.read_scenario(tmp_path / "scenario.toml", [AREAS, "project.horizon_days=5"]))
    assert result.record.plan is None
    assert json.loads(result.files()["plan.geojson"])["features"] == []


# faults of areas

BOW = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


def test_issues_of_areas(tmp_path: Path) -> None:
    shapes = [HALL, shapely.Point(*ALPHA), None, BOW, HALL, HALL, HALL, shapely.Polygon()]
    ids = ["alpha", "alpha", "alpha", "beta", "alpah", "elsewhere", "", "alpha"]
    uses = ["hall", "hall", "yard", "yard", "yard", "yards", "yard", "hall"]
    issues = issues_of(write_areas(tmp_path, areas(shapes, site_id=ids, use=uses)), AREAS)
    assert {(issue.row, issue.column, issue.found) for issue in issues} == {
        (3, "geometry", "Point"),
        (4, "geometry", "no geometry"),
        (5, "geometry", "Self-intersection[0.5 0.5]"),
        (6, "site_id", "alpah"),
        (7, "use", "yards"),
        (8, "site_id", ""),
        (9, "geometry", "no geometry"),
    }
    said = {issue.row: issue.expected for issue in issues}
    assert said[4] == said[5] == "a valid polygon"
    assert said[6] == "a site_id of the candidates; did you mean 'alpha'?"
    assert said[7] == "one of hall, yard; did you mean 'yard'?"
    assert {issue.file for issue in issues} == {"areas.gpkg"}


def test_areas_without_geometry(tmp_path: Path) -> None:
    scenario = write_areas(tmp_path, areas([HALL]))
    (tmp_path / "areas.csv").write_text("site_id,use\nalpha,hall\n")
    (issue,) = issues_of(scenario, 'inputs.areas=["areas.csv"]')
    assert (issue.file, issue.row, issue.found) == ("areas.csv", None, "a table without geometry")


def test_areas_are_listed_among_the_inputs(tmp_path: Path) -> None:
    assert loaded(write_areas(tmp_path, areas([HALL])), AREAS).inputs[-1].path == "areas.gpkg"


# places of faults


def places(issues: list[Issue]) -> dict[tuple[str, int | None, str], tuple[float | None, float | None]]:
    return {(issue.file, issue.row, issue.column): (issue.longitude, issue.latitude) for issue in issues}


FAULTY: tuple[Row, ...] = (
    *changed(SITES, "site_id", "alpha", gas_mw=-5),
    {**SITES[1], "name": "the same again"},
    {**SITES[1], "site_id": "south", "latitude": 95, "grid_mw": -1},
)


def test_issues_have_the_places_of_their_rows(tmp_path: Path) -> None:
    steps = (*STEPS, {**STEPS[0], "site_id": "alpha", "grid_mw": -1}, {**STEPS[0], "site_id": "alpah"})
    scenario = write_world(tmp_path, FAULTY, changed(OFFERS, "offer_id", "chiller", count=2.5), steps)
    areas([BOW, HALL, HALL], site_id=["beta", "alpha", "gama"], use=["hall", "hut", "hall"]).to_file(
        tmp_path / "areas.gpkg"
    )
    (tmp_path / "none.csv").write_text("site_id,nam\n")
    assert places(issues_of(scenario, AREAS)) == {
        ("candidates.csv", 2, "gas_mw"): ALPHA,
        ("candidates.csv", 5, "site_id"): (-95.37, 29.76),
        ("candidates.csv", 6, "latitude"): (None, None),
        ("candidates.csv", 6, "grid_mw"): (None, None),
        ("offers.csv", 4, "count"): (-96.8, 32.8),
        ("steps.csv", 3, "grid_mw"): ALPHA,
        ("steps.csv", 4, "site_id"): (None, None),
        ("areas.gpkg", 2, "geometry"): (-95.37, 29.76),
        ("areas.gpkg", 3, "use"): ALPHA,
        ("areas.gpkg", 4, "site_id"): (None, None),
    }


def test_issues_of_a_layer_lie_where_its_features_do(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    polygons_of_candidates(32616).assign(gas_mw=[1.0, -1.0]).to_file(tmp_path / "plots.gpkg")
    (issue,) = issues_of(scenario, "inputs.candidates.0=plots.gpkg", "inputs.grid_steps=[]")
    assert (issue.row, issue.longitude, issue.latitude) == (
        3,
        pytest.approx(-95.37, abs=1e-3),
        pytest.approx(29.76, abs=1e-3),
    )


def test_ids_in_two_files_have_places(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    (tmp_path / "more.csv").write_bytes((tmp_path / "candidates.csv").read_bytes())
    issues = issues_of(scenario, 'inputs.candidates=["candidates.csv", "more.csv"]')
    assert places(issues)["more.csv", 2, "site_id"] == ALPHA


def test_coordinates_beside_grid_steps_are_not_asked(tmp_path: Path) -> None:
    scenario = write_world(tmp_path, steps=({**STEPS[0], "grid_mw": -1, "longitude": "east"},))
    assert places(issues_of(scenario)) == {("steps.csv", 2, "grid_mw"): (-95.37, 29.76)}


def test_issues_where_no_candidate_can_be_read(tmp_path: Path) -> None:
    scenario = write_world(tmp_path, steps=({**STEPS[0], "grid_mw": -1},))
    (tmp_path / "candidates.csv").unlink()
    assert set(places(issues_of(scenario)).values()) == {(None, None)}


def test_issues_without_a_row_have_no_place(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    (tmp_path / "steps.csv").write_text("site_id,grid_mv\nbeta,5\n")
    assert set(places(issues_of(scenario)).values()) == {(None, None), (-95.37, 29.76)}


def test_places_in_the_json_of_check(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(write_world(tmp_path, FAULTY)), "--json"])
    first, *_ = json.loads(done.output)["issues"]
    assert list(first) == ["code", "file", "row", "column", "found", "expected", "longitude", "latitude", "message"]
    assert (first["row"], first["column"], first["longitude"], first["latitude"]) == (2, "gas_mw", *ALPHA)


def test_text_of_an_issue_says_nothing_of_its_place() -> None:
    issue = Issue(Code.OUT_OF_RANGE, "f.csv", 2, "c", "x", "y")
    assert (
        str(Issue(Code.OUT_OF_RANGE, "f.csv", 2, "c", "x", "y", 1.0, 2.0))
        == str(issue)
        == "f.csv:2:c: found 'x', expected y [E209]"
    )


def test_text_of_an_issue_is_one_line_that_shows() -> None:
    issue = Issue(Code.UNKNOWN_COLUMN, "f.csv", 1, "a\x1b[31m\nb\u202e", "강진", "c\rd")
    assert str(issue) == r"f.csv:1:a\x1b[31m\nb\u202e: unknown column '강진', expected c\rd [E202]"
