"""The files of a run opened one by one, as a user drags them into QGIS: styles come along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from siteopt import Result
from siteopt.issues import Issue
from siteopt.message_catalogue import Code
from siteopt.output.geojson import plan_geojson, sites_geojson
from siteopt.output.maps import issue_files, map_files
from siteopt.output.palette import KIND, SEVERITY, STANDING
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from tests.qgis.desktop import in_qgis, needs_qgis

pytestmark = needs_qgis

ALONE = """
facts = {}
for name in names:
    one = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    facts[name] = {"valid": one.isValid(), "renderer": one.renderer().type(), "count": one.featureCount(),
                   "drawn": rendered(one), "tip": one.mapTipTemplate(), "labels": one.labelsEnabled(),
                   "fields": [field.name() for field in one.fields()],
                   "aliases": [field.alias() for field in one.fields()]}
    if name in ("sites", "deliveries"):
        facts[name]["categories"] = categories(one)
    if name == "sites":
        image, labels, _ = picture([one], QgsRectangle(-100, 25, -75, 40), one.crs())
        facts[name]["texts"] = [label.labelText for label in labels]
answer(facts)
"""

SIDECARS = """
facts = {}
for key, source in sources.items():
    one = QgsVectorLayer(source, key, "ogr")
    image, labels, _ = picture([one], QgsRectangle(-110, 25, -75, 45), one.crs())
    facts[key] = {"valid": one.isValid(), "renderer": one.renderer().type(), "count": one.featureCount(),
                  "drawn": rendered(one), "colours": colours(image), "labels": [label.labelText for label in labels],
                  "tips": [tip(one, feature) for feature in one.getFeatures()],
                  "aliases": {field.name(): field.alias() for field in one.fields()}}
    one.loadDefaultStyle()  # QGIS forgets the times as it loads a layer, and reads them where it is asked to
    facts[key] |= {"days": {day: len(on_the_day(one, day)) for day in days} if key != "sites" else {}}
answer(facts)
"""


def test_layers_of_the_geopackage_bring_their_styles(run: Path) -> None:
    names = ["chosen", "milestones", "deliveries", "depots", "areas", "sites", "issues", "land", "lakes", "borders"]
    facts = in_qgis(ALONE, path=str(run / "siteopt.gpkg"), names=names)
    for name, one in facts.items():
        assert one["valid"], name
        assert one["drawn"] == one["count"], name
        assert name == "areas" or one["count"] > 0, name
    assert facts["sites"]["categories"]["chosen"] == [STANDING[Standing.CHOSEN], "star"]
    assert facts["deliveries"]["categories"]["battery"][0] == KIND["battery"]
    assert facts["areas"]["renderer"] == facts["issues"]["renderer"] == "categorizedSymbol"
    assert facts["borders"]["renderer"] == "RuleRenderer"
    assert facts["depots"]["tip"]
    assert "Grid (MW)" in facts["sites"]["aliases"]
    # alone, the layer of the candidates names the chosen one, too
    assert any(text.startswith("Alpha Works") for text in facts["sites"]["texts"])


def test_geojson_is_styled_by_what_stands_beside_it(run: Path) -> None:
    plan = run / "plan.geojson"
    sources = {"sites": str(run / "sites.geojson")}
    sources |= {kind: f"{plan}|geometrytype={kind}" for kind in ("Point", "LineString")}
    facts = in_qgis(SIDECARS, sources=sources, days=("2025-01-10", "2025-01-13"))
    assert all(one["valid"] and one["drawn"] == one["count"] > 0 for one in facts.values())
    assert facts["sites"]["renderer"] == "categorizedSymbol"
    assert facts["sites"]["colours"].get(STANDING[Standing.CHOSEN], 0) > 30
    assert facts["sites"]["aliases"]["rank"] == "Rank"
    assert any("unknown: grid capacity" in text for text in facts["sites"]["tips"])
    assert facts["Point"]["colours"].get(STANDING[Standing.CHOSEN], 0) > 30
    assert any(text.startswith("Alpha Works") for text in facts["Point"]["labels"])
    for kind in ("generator", "chiller", "battery"):
        assert facts["LineString"]["colours"].get(KIND[kind], 0) > 30, kind
    assert facts["LineString"]["days"] == {"2025-01-10": 0, "2025-01-13": 3}
    assert facts["Point"]["days"] == {"2025-01-10": 4, "2025-01-13": 4}  # places stay


def test_polygons_of_the_plan_are_styled_too(result: Result, run: Path, tmp_path: Path) -> None:
    ring = [[-95, 30], [-85, 30], [-85, 40], [-95, 40], [-95, 30]]
    plan = plan_geojson(result.record)
    blank = dict.fromkeys(plan["features"][0]["properties"])
    hall = {"type": "Polygon", "coordinates": [ring]}
    plan["features"].append({"type": "Feature", "geometry": hall, "properties": {**blank, "role": "hall"}})
    (tmp_path / "plan.geojson").write_text(json.dumps(plan), encoding="utf-8")
    (tmp_path / "plan.qml").write_bytes((run / "plan.qml").read_bytes())
    sources = {kind: f"{tmp_path / 'plan.geojson'}|geometrytype={kind}" for kind in ("Point", "LineString", "Polygon")}
    facts = in_qgis(SIDECARS, sources=sources, days=())
    assert all(one["valid"] and one["drawn"] == one["count"] > 0 for one in facts.values())
    assert facts["Polygon"]["colours"]["#FFFFFF"] < 0.9 * 1400 * 900
    assert facts["Point"]["colours"].get(STANDING[Standing.CHOSEN], 0) > 30


ISSUES = [
    Issue(Code.OUT_OF_RANGE, "candidates.csv", 2, "grid_mw", "-1", "a number from 0 to 5,000 (MW)", -90.0, 35.0),
    Issue(Code.OUT_OF_RANGE, "candidates.csv", 2, "condition", "젖음 <b>", "one of ready, sound", -90.0, 35.0),
    Issue(Code.OUT_OF_RANGE, "candidates.csv", 3, "latitude", "135", "a number from -90 to 90", -70.0, 135.0),
    Issue(Code.OUT_OF_RANGE, "scenario.toml", None, "supply.spare", "3", "a known key"),
]

ISSUE_MAP = """
canvas = opened(path)
one = layer("issues")
image, labels, _ = picture(shown(), canvas.extent(), project.crs(), project.backgroundColor().name())
answer({"valid": all(one.isValid() for one in project.mapLayers().values()), "title": project.title(),
        "visible": project.layerTreeRoot().findLayer(one.id()).isVisible(), "count": one.featureCount(),
        "labels": [label.labelText for label in labels], "colours": colours(image), "drawn": rendered(one),
        "boxes": [[box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
                  for box in (label.labelRect for label in labels)],
        "tips": [tip(one, feature) for feature in one.getFeatures()],
        "placed": [feature.hasGeometry() for feature in one.getFeatures()]})
"""


def written(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_issues_stand_on_a_map(tmp_path: Path) -> None:
    facts = in_qgis(ISSUE_MAP, path=str(written(tmp_path, issue_files(ISSUES)) / "siteopt.qgz"))
    assert facts["valid"]
    assert facts["visible"]
    assert facts["title"] == "4 errors in the input"
    assert facts["count"] == facts["drawn"] == 4
    assert facts["placed"] == [True, True, False, False]  # no place at 135 degrees north
    assert facts["labels"] == ["candidates.csv, row 2\ngrid_mw: -1\ncondition: 젖음 <b>"]
    assert facts["colours"].get(SEVERITY["error"], 0) > 30
    assert "expected" not in facts["tips"][0]
    assert "a number from 0 to 5,000 (MW)" in facts["tips"][0]


def test_labels_of_a_crowd_do_not_overlap(tmp_path: Path) -> None:
    places = [(-90 + n % 20 / 4, 35 + n // 20 / 10) for n in range(400)]
    crowd = [
        Issue(Code.OUT_OF_RANGE, "candidates.csv", n + 2, "grid_mw", "-1", "a number", *place)
        for n, place in enumerate(places)
    ]
    facts = in_qgis(ISSUE_MAP, path=str(written(tmp_path, issue_files(crowd)) / "siteopt.qgz"))
    assert facts["drawn"] == 400
    boxes = facts["boxes"]
    assert 10 < len(boxes) < 400  # there is no room for all
    for number, box in enumerate(boxes):
        for other in boxes[:number]:
            apart = box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
            assert apart, (box, other)


@pytest.mark.parametrize("issues", [[], ISSUES[3:]])
def test_a_map_without_any_place_opens(tmp_path: Path, issues: list[Issue]) -> None:
    facts = in_qgis(ISSUE_MAP, path=str(written(tmp_path, issue_files(issues)) / "siteopt.qgz"))
    assert facts["valid"]
    assert facts["count"] == len(issues)
    assert facts["labels"] == []
    assert facts["colours"]["#F7F4ED"] > 100_000


NASTY = ("fid", "FID", "geom", "ogc_fid", "Rank", "RANK", "rank_2", "Name", 'say "hi"', "<b>&amp;", "it's", "a b", "값")
NASTY += ("x\x01y", "", "per % cent", "label", "feature[1]", "[% 1 %]", "semi;colon", "id", "standing ")


def test_columns_of_any_name_break_nothing(result: Result, tmp_path: Path) -> None:
    sites = result.dataset.sites.copy()
    for number, name in enumerate(NASTY):
        sites[name] = [f"<{number}> \x02 'x' \"y\" 공장\n{site}" for site in sites.index]
    translations = Translations.of(result.record)
    collection = sites_geojson(result.record, sites, translations)
    files = map_files(result.record, collection, plan_geojson(result.record), translations)
    path = written(tmp_path, files) / "siteopt.gpkg"
    facts = in_qgis(ALONE, path=str(path), names=["sites"])["sites"]
    assert facts["valid"]
    assert facts["drawn"] == facts["count"] == 4
    folded = [name.casefold() for name in facts["fields"]]
    assert len(set(folded)) == len(folded) == len(collection["features"][0]["properties"]) + 1
    assert facts["categories"]["chosen"] == [STANDING[Standing.CHOSEN], "star"]
    assert any(text.startswith("Alpha Works\nday 23") for text in facts["texts"])
    project = in_qgis(
        "opened(path)\nanswer([one.isValid() for one in project.mapLayers().values()])",
        path=str(path.with_suffix(".qgz")),
    )
    assert project
    assert all(project)
