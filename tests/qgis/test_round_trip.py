"""Candidates edited and saved by QGIS come back with nothing lost, whatever they are saved as."""

from __future__ import annotations

import csv
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import siteopt
from siteopt.examples import examples_root
from siteopt.schema import CANDIDATES, Type
from tests.qgis.desktop import in_qgis, needs_qgis
from tests.worlds import csv_text

pytestmark = needs_qgis

TABLE = examples_root() / "data" / "candidates_us.csv"
MEMPHIS, INTEL = "us-memphis-electrolux", "us-coloradosprings-intel"
EXTRA_NUMBERS = ("closed_year", "land_area_ha")

PLACE = {"latitude": 38.75, "longitude": -104.5}
"""Where the point of Intel, which wins, is moved to. Its columns of coordinates stay as they were."""

EDITS: dict[str, dict[str, Any]] = {
    MEMPHIS: {
        "design_temp_c": 34.25,
        "name": '멤피스 "전자", 공장',
        "status": "vacant",
        "available_until": "2031-12-31",
        "grid_mw": 17,
    },
    INTEL: {"owner": "=강진 도자기", "gas_mw": None, "notes": "b" + "가" * 100},
}
NEW = {"site_id": "us-new-강진", "name": "강진 제2공장", "country": "US", "region": "TN", "status": "vacant"}
NEW |= {"available_from": "2024-02-29", "latitude": 36.25, "longitude": -86.5, "grid_mw": 9.0, "closed_year": 2019}
NEW |= {"condition": "sound"}

EDIT = """
def edited(layer, moved=True):
    '''In an edit session, as a person would.'''
    assert layer.isValid()
    fields = layer.fields()
    def cell(name, value):
        kind = fields.field(name).type()
        if value is None:
            return QVariant(kind)
        if kind == QVariant.Date:
            return QDate.fromString(value, "yyyy-MM-dd")
        return str(value) if kind == QVariant.String else value
    assert layer.startEditing()
    for feature in list(layer.getFeatures()):
        for name, value in edits.get(feature["site_id"], {}).items():
            assert layer.changeAttributeValue(feature.id(), fields.indexOf(name), cell(name, value))
        if moved and feature["site_id"] == chosen:
            assert layer.changeGeometry(feature.id(), point(place))
    feature = QgsFeature(fields)
    for name, value in new.items():
        feature[name] = cell(name, value)
    if moved:
        feature.setGeometry(point(new))
    assert layer.addFeature(feature)
    assert layer.commitChanges(), layer.commitErrors()
    return layer

def point(at):
    return QgsGeometry.fromPointXY(QgsPointXY(at["longitude"], at["latitude"]))

def save(layer, name, driver, crs=None, **options):
    '''What the dialog "Save Features As" does with its defaults.'''
    how = QgsVectorFileWriter.SaveVectorOptions()
    how.driverName, how.fileEncoding = driver, "UTF-8"
    how.layerName = name.partition(".")[0]
    how.datasourceOptions = QgsVectorFileWriter.defaultDatasetOptions(driver)
    how.layerOptions = QgsVectorFileWriter.defaultLayerOptions(driver) + [f"{k}={v}" for k, v in options.items()]
    if crs:
        how.ct = QgsCoordinateTransform(layer.crs(), QgsCoordinateReferenceSystem(crs), project)
    error = QgsVectorFileWriter.writeAsVectorFormatV3(layer, f"{folder}/{name}", project.transformContext(), how)
    assert error[0] == QgsVectorFileWriter.NoError, error
"""

SCRIPT = f"""
import shutil
from qgis.PyQt.QtCore import QDate, QVariant
{EDIT}
# as a typed GeoPackage
shutil.copy(f"{{folder}}/typed.gpkg", f"{{folder}}/inplace.gpkg")
layer = edited(QgsVectorLayer(f"{{folder}}/inplace.gpkg|layername=candidates", "candidates", "ogr"))
shutil.copy(f"{{folder}}/inplace.gpkg", f"{{folder}}/styled.gpkg")
save(layer, "saved.gpkg", "GPKG")
save(layer, "albers.gpkg", "GPKG", "EPSG:5070")
save(layer, "saved.geojson", "GeoJSON")
save(layer, "rfc.geojson", "GeoJSON", RFC7946="YES")
save(layer, "albers.geojson", "GeoJSON", "EPSG:5070")
save(layer, "xy.csv", "CSV", GEOMETRY="AS_XY")
save(layer, "yx.csv", "CSV", GEOMETRY="AS_YX")
save(layer, "wkt.csv", "CSV", GEOMETRY="AS_WKT")
save(layer, "albers_xy.csv", "CSV", "EPSG:5070", GEOMETRY="AS_XY")
save(layer, "still.csv", "CSV")
save(layer, "saved.shp", "ESRI Shapefile")
save(layer, "utm.shp", "ESRI Shapefile", "EPSG:32616")
# with a style and a project in the same file, and a second layer beside it
styled = QgsVectorLayer(f"{{folder}}/styled.gpkg|layername=candidates", "candidates", "ogr")
assert styled.saveStyleToDatabase("mine", "", True, "") == ""
project.addMapLayer(styled)
assert project.write(f"geopackage:{{folder}}/styled.gpkg?projectName=mine")
# a GeoJSON in its place
source = QgsVectorLayer(f"{{folder}}/typed.gpkg|layername=candidates", "candidates", "ogr")
save(source, "inplace.geojson", "GeoJSON")
edited(QgsVectorLayer(f"{{folder}}/inplace.geojson", "candidates", "ogr"))
# the CSV as it is: edited in its place, without points
shutil.copy(table, f"{{folder}}/still_inplace.csv")
plain = edited(QgsVectorLayer(f"{{folder}}/still_inplace.csv", "candidates", "ogr"), moved=False)
save(plain, "still.geojson", "GeoJSON")
save(plain, "still.gpkg", "GPKG")
# the CSV as text with points, whose types QGIS finds out: not to be edited, so copied first
at = "type=csv&detectTypes=yes&xField=longitude&yField=latitude&crs=EPSG:4326"
save(QgsVectorLayer(f"file://{{table}}?{{at}}", "text", "delimitedtext"), "detected.gpkg", "GPKG")
save(edited(QgsVectorLayer(f"{{folder}}/detected.gpkg", "detected", "ogr")), "detected.shp", "ESRI Shapefile")
del layer, styled, source, plain
answer(True)
"""

SAVED = [
    "inplace.gpkg",
    "styled.gpkg",
    "saved.gpkg",
    "albers.gpkg",
    "detected.gpkg",
    "inplace.geojson",
    "saved.geojson",
    "rfc.geojson",
    "albers.geojson",
    "xy.csv",
    "yx.csv",
    "wkt.csv",
    "saved.shp",
    "utm.shp",
    "detected.shp",
]
STILL = ["still.csv", "still_inplace.csv", "still.geojson", "still.gpkg"]
"""Saved without geometry: points that were moved are not."""


def write_typed(path: Path) -> None:
    """The example table as a GeoPackage with numbers and dates."""
    table = pd.read_csv(TABLE, dtype=str, keep_default_na=False).replace("", None)
    for column in (one for one in CANDIDATES if one.name in table):
        if column.type is Type.DATE:
            days = pd.to_datetime(table[column.name]).dt.date
            table[column.name] = days.astype(pd.ArrowDtype(pa.date32()))
        elif column.type is not Type.TEXT:
            table[column.name] = pd.to_numeric(table[column.name]).astype(float)
    table["closed_year"] = pd.to_numeric(table["closed_year"]).astype("Int64")
    table["land_area_ha"] = pd.to_numeric(table["land_area_ha"])
    points = geopandas.points_from_xy(table["longitude"], table["latitude"])
    layer = geopandas.GeoDataFrame(table, geometry=points, crs=4326)
    layer.to_file(path, layer="candidates", use_arrow=True)


def edited_rows(moved: bool) -> list[dict[str, Any]]:
    """The table with the same edits, made without QGIS."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update({name: "" if value is None else value for name, value in EDITS.get(row["site_id"], {}).items()})
        if moved and row["site_id"] == INTEL:
            row.update(PLACE)
    return [*rows, dict.fromkeys(rows[0], "") | NEW]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What QGIS has saved, and the tables that it should be."""
    folder = tmp_path_factory.mktemp("saved")
    write_typed(folder / "typed.gpkg")
    (folder / "expected_moved.csv").write_text(csv_text(edited_rows(moved=True)), encoding="utf-8")
    (folder / "expected_still.csv").write_text(csv_text(edited_rows(moved=False)), encoding="utf-8")
    in_qgis(SCRIPT, folder=folder, table=TABLE, edits=EDITS, new=NEW, chosen=INTEL, place=PLACE)
    return folder


def scenario(path: Path) -> siteopt.Scenario:
    few = [f"inputs.candidates.0={path}", 'filter.regions=["CO", "TN"]']
    return siteopt.read_scenario(examples_root() / "models" / "frugal.toml", few)


@cache
def solved(path: Path) -> siteopt.Result:
    return siteopt.solve(scenario(path), top=3)


def expected(folder: Path, name: str) -> siteopt.Result:
    return solved(folder / f"expected_{'still' if name in STILL else 'moved'}.csv")


def shown(value: Any) -> str:
    """A cell of a column that siteopt does not know, whatever its type."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    try:
        return f"{float(value):g}"
    except ValueError:
        return str(value)


@pytest.mark.parametrize("name", SAVED + STILL)
def test_every_cell_comes_back(folder: Path, name: str) -> None:
    before, after = expected(folder, name).dataset.sites, solved(folder / name).dataset.sites
    assert list(after.index) == list(before.index)
    for column in CANDIDATES:
        one, other = before[column.name], after[column.name]
        if column.type is Type.DATE:
            assert list(other.astype(str)) == list(one.astype(str)), column.name
        elif column.type is not Type.TEXT:
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-8, err_msg=column.name)
        elif name.endswith(".shp"):  # which cuts text at 254 bytes, and notes are longer
            cut = [text.encode()[:254].decode(errors="ignore").strip() for text in one]
            assert list(other) == cut, column.name
        else:
            assert list(other) == list(one), column.name


@pytest.mark.parametrize("name", SAVED + STILL)
def test_unknown_columns_come_back_and_no_others(folder: Path, name: str) -> None:
    before, after = expected(folder, name).dataset.sites, solved(folder / name).dataset.sites
    letters = 10 if name.endswith(".shp") else None
    assert [column[:letters] for column in before] == [column[:letters] for column in after]
    for one, other in zip(before, after, strict=True):
        if one not in CANDIDATES.names:
            assert list(map(shown, after[other])) == list(map(shown, before[one])), one


@pytest.mark.parametrize("name", ["inplace.gpkg", "saved.gpkg", "saved.geojson"])
def test_whole_numbers_stay_whole(folder: Path, name: str) -> None:
    features = json.loads(solved(folder / name).files()["sites.geojson"])["features"]
    assert {type(feature["properties"]["closed_year"]) for feature in features} == {int, type(None)}


def written_sites(result: siteopt.Result) -> pd.DataFrame:
    """What ``sites.geojson`` says of every candidate, by site_id."""
    features = json.loads(result.files()["sites.geojson"])["features"]
    return pd.DataFrame([feature["properties"] for feature in features]).set_index("site_id")


def facts(result: siteopt.Result) -> Any:
    """An answer, but for how and from what it was found; places differ by less than a centimetre."""
    names = {"plan", "assumptions", "ranking"}

    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rounded(item) for name, item in value.items()}
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return float(f"{value:.8g}") if isinstance(value, float) else value

    return rounded(result.record.model_dump(mode="json", include=names))


@pytest.mark.parametrize("name", SAVED + STILL)
def test_the_answer_is_the_same(folder: Path, name: str) -> None:
    found = solved(folder / name)
    assert facts(found) == facts(expected(folder, name))
    assert NEW["site_id"] in found.dataset.pool.site_id


def test_the_move_is_seen_in_the_answer(folder: Path) -> None:
    assert facts(solved(folder / "expected_still.csv")) != facts(solved(folder / "expected_moved.csv"))


def test_projected_columns_of_coordinates_are_named_as_such(folder: Path) -> None:
    with pytest.raises(siteopt.InputError) as error:
        siteopt.load(scenario(folder / "albers_xy.csv"))
    assert {issue.row for issue in error.value.issues} == set(range(2, len(pd.read_csv(TABLE)) + 3))  # one is new
    assert all("looks like a projected CRS" in issue.expected for issue in error.value.issues)


def test_run_on_the_layer_of_a_run(folder: Path, tmp_path: Path) -> None:
    """Results, saved by QGIS as a GeoPackage, are candidates again, and again."""
    path = folder / "expected_moved.csv"
    before = solved(path)
    for turn in range(3):
        (tmp_path / f"{turn}.geojson").write_text(before.files()["sites.geojson"], encoding="utf-8")
        path = tmp_path / f"{turn}.gpkg"
        script = f"{EDIT}\nsave(QgsVectorLayer(source, 'sites', 'ogr'), name, 'GPKG')\nanswer(True)"
        in_qgis(script, folder=tmp_path, source=tmp_path / f"{turn}.geojson", name=path.name)
        after = solved(path)
        assert facts(after) == facts(before)
        found, others = written_sites(before), written_sites(after)
        ranks, table = found["rank"], others["table_rank"]
        assert list(map(shown, table)) == list(map(shown, ranks[table.index]))
        assert not [name for name in others if name.startswith("table_table_")]
        if turn:
            assert set(others) == set(found)
        before = after
