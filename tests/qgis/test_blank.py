"""The blank project of ``init``: a site is drawn in QGIS, saved, and solved."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.schema import CANDIDATES
from tests.qgis.desktop import in_qgis, needs_qgis

pytestmark = needs_qgis

DRAW = """
QgsGui.editorWidgetRegistry().initEditors()
canvas = opened(path)
one = layer("candidates")
facts = {"layers": {layer.name(): [layer.isValid(), layer.crs().authid(), layer.featureCount(), rendered(layer)]
                    for layer in project.mapLayers().values()},
         "tree": all(project.layerTreeRoot().findLayer(id) for id in project.mapLayers()),
         "aliases": {field.name(): field.alias() for field in one.fields()},
         "types": {field.name(): field.typeName() for field in one.fields()},
         "widgets": {field.name(): field.editorWidgetSetup().type() for field in one.fields()},
         "choices": one.fields().field("condition").editorWidgetSetup().config(),
         "hints": {field.name(): field.constraints().constraintExpression() for field in one.fields()},
         "told": one.fields().field("grid_mw").constraints().constraintDescription(),
         "needed": [field.name() for field in one.fields()
                    if field.constraints().constraints() & QgsFieldConstraints.ConstraintNotNull],
         "editable": one.startEditing()}
for point, cells in features:
    feature = QgsVectorLayerUtils.createFeature(one, QgsGeometry.fromPointXY(QgsPointXY(*point)))
    for name, value in cells.items():
        feature[name] = QDate.fromString(value, "yyyy-MM-dd") if name.startswith("available") else value
    assert one.addFeature(feature)
facts["saved"] = one.commitChanges()
facts["errors"] = one.commitErrors()
facts["rows"] = [[f["site_id"], f["name"], f["longitude"], f["latitude"]] for f in one.getFeatures()]
facts["tips"] = [tip(one, f) for f in one.getFeatures()]
halls = layer("areas")
assert halls.startEditing()
for use, west in (("hall", -90.165), ("yard", -90.16)):
    shape = QgsGeometry.fromRect(QgsRectangle(west, 35.05, west + 0.003, 35.06))
    feature = QgsVectorLayerUtils.createFeature(halls, shape)
    feature["site_id"], feature["use"] = "mine", use
    assert halls.addFeature(feature)
facts["halls saved"] = halls.commitChanges()
facts["halls"] = [halls.isValid(), rendered(halls), halls.fields().field("use").editorWidgetSetup().type()]
if keep_style:
    one.saveStyleToDatabase("mine", "", True, "")
answer(facts)
"""

MINE = ("My candidates", "My halls and yards")
CELLS = {"site_id": "mine", "name": "내 공장 & co", "status": "vacant", "condition": "ready", "grid_mw": 80.5}
CELLS |= {"floor_area_m2": 72930, "available_from": "2024-01-01", "notes": "drawn 'by' hand"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    laid_out = tmp_path_factory.mktemp("init") / "first"
    assert CliRunner().invoke(app, ["init", str(laid_out)]).exit_code == 0
    moved = laid_out.with_name("옮김")
    shutil.move(laid_out, moved)
    return moved


@pytest.fixture(scope="module")
def facts(folder: Path) -> Any:
    features = [[[-90.16, 35.06], CELLS], [[-87.123456789, 41.5], {"site_id": "other", "name": "Other", "grid_mw": 0}]]
    return in_qgis(DRAW, path=str(folder / "candidates.qgz"), features=features, keep_style=False)


def test_the_project_opens_whole(facts: Any) -> None:
    layers = facts["layers"]
    assert set(layers) == {*MINE, "candidates_kr.csv", "candidates_us.csv", "Borders", "Lakes", "Land"}
    assert facts["tree"]
    for name, (valid, crs, count, drawn) in layers.items():
        assert valid, name
        assert crs == "EPSG:4326", name
        assert name in MINE or count > 0, name
        assert drawn == count or name == "Borders", name
    assert layers["candidates_us.csv"][2] == 82


def test_the_form_follows_the_schema(facts: Any) -> None:
    assert list(facts["types"]) == ["fid", *CANDIDATES.names]
    assert facts["types"]["available_from"] == "Date"
    assert facts["types"]["grid_mw"] == "Real"
    assert facts["aliases"]["grid_mw"] == "Grid (MW)"
    assert facts["aliases"]["grid_usd_per_mwh"] == "Grid price (USD/MWh)"
    assert facts["widgets"]["status"] == facts["widgets"]["condition"] == "ValueMap"
    assert facts["widgets"]["available_until"] == "DateTime"
    words = ["(unknown)", "ready", "sound", "poor", "gutted", "none"]
    assert [next(iter(choice)) for choice in facts["choices"]["map"]] == words
    assert facts["hints"]["grid_mw"] == '"grid_mw" is null or "grid_mw" between 0 and 5000'
    assert facts["told"] == "a number from 0 to 5,000 (MW): firm import available at handover"
    assert {"site_id", "name"} <= set(facts["needed"])
    assert "latitude" not in facts["needed"]


def test_a_drawn_site_is_saved_with_its_place(facts: Any) -> None:
    assert facts["editable"]
    assert facts["saved"], facts["errors"]
    assert facts["rows"] == [["mine", "내 공장 & co", -90.16, 35.06], ["other", "Other", -87.123457, 41.5]]
    assert "<td>Grid (MW)&nbsp;</td><td>80.5</td>" in facts["tips"][0]


def test_what_was_drawn_is_solved_with_nothing_lost(facts: Any, folder: Path) -> None:
    assert facts["saved"]
    setting = 'inputs.candidates=["../data/my_sites.gpkg"]'
    result = siteopt.solve(siteopt.read_scenario(folder / "models" / "frugal.toml", [setting]))
    assert result.record.plan is not None
    assert result.record.plan.site_name == "내 공장 & co"
    mine = result.dataset.sites.loc["mine"]
    assert (mine["longitude"], mine["latitude"]) == (-90.16, 35.06)
    assert (mine["grid_mw"], mine["floor_area_m2"]) == (80.5, 72930)
    assert (mine["status"], mine["condition"]) == ("vacant", "ready")
    assert str(mine["available_from"])[:10] == "2024-01-01"
    assert mine["notes"] == "drawn 'by' hand"
    assert result.dataset.sites["handover_days"].isna().all()


def test_halls_and_yards_that_were_drawn_stand_in_the_plan(facts: Any, folder: Path) -> None:
    assert facts["halls saved"]
    assert facts["halls"] == [True, 2, "ValueMap"]
    settings = [f'inputs.{name}=["../data/my_sites.gpkg"]' for name in ("candidates", "areas")]
    plan = siteopt.solve(siteopt.read_scenario(folder / "models" / "frugal.toml", settings)).plan
    drawn = plan[plan["role"].isin(["hall", "yard"])].set_index("role").geometry
    assert drawn["hall"].bounds == (-90.165, 35.05, -90.162, 35.06)
    assert drawn["yard"].bounds == (-90.16, 35.05, -90.157, 35.06)


def test_a_style_that_qgis_keeps_in_the_file_does_no_harm(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init", str(tmp_path)]).exit_code == 0
    path = str(tmp_path / "candidates.qgz")
    assert in_qgis(DRAW, path=path, features=[[[-90.16, 35.06], CELLS]], keep_style=True)["saved"]
    setting = 'inputs.candidates=["../data/my_sites.gpkg"]'
    result = siteopt.solve(siteopt.read_scenario(tmp_path / "models" / "frugal.toml", [setting]))
    assert result.record.plan is not None
    assert result.record.plan.site_id == "mine"


def test_the_project_knows_no_absolute_path(folder: Path) -> None:
    with zipfile.ZipFile(folder / "candidates.qgz") as archive:
        text = archive.read("siteopt.qgs").decode()
    assert "file:./data/candidates_us.csv" in text
    assert str(folder.parent) not in text
