"""``siteopt.qgz`` and ``siteopt.gpkg`` of a run, opened in QGIS from another place than they were written to."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from siteopt import Result
from siteopt.equipment import KINDS
from siteopt.output.geojson import plan_geojson, sites_geojson
from siteopt.output.maps import map_files
from siteopt.output.palette import KIND, STANDING
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from tests.qgis.conftest import solved
from tests.qgis.desktop import in_qgis, needs_qgis

pytestmark = needs_qgis

LOOK = """
canvas = opened(path)
root = project.layerTreeRoot()
facts = {}
for one in project.mapLayers().values():
    facts[one.id().removeprefix("siteopt_layer_")] = {
        "valid": one.isValid(), "crs": one.crs().isValid() and one.crs().authid(),
        "in tree": root.findLayer(one.id()) is not None, "group": root.findLayer(one.id()).parent().name(),
        "visible": root.findLayer(one.id()).isVisible(), "count": one.featureCount(), "drawn": rendered(one),
        "title": one.name(), "words": one.abstract(), "tip": one.mapTipTemplate(), "names": one.displayExpression(),
        "aliases": {field.name(): field.alias() for field in one.fields()}, "source": one.source(),
        "renderer": one.renderer().type(),
    }
image, labels, extent = picture(shown(), canvas.extent(), project.crs(), project.backgroundColor().name())
transform = QgsCoordinateTransform(layer("chosen").crs(), project.crs(), project)
star = ink = None
for feature in layer("chosen").getFeatures():
    point = transform.transform(feature.geometry().asPoint())
    x = round((point.x() - extent.xMinimum()) / extent.width() * 1400)
    y = round((extent.yMaximum() - point.y()) / extent.height() * 900)
    star = [x, y]
    ink = colours(image, (x - 6, y - 6, x + 6, y + 6))
sites = {feature["site_id"]: feature for feature in layer("sites").getFeatures()}
span = project.timeSettings().temporalRange()
answer({
    "layers": facts, "project crs": project.crs().isValid() and project.crs().authid(), "title": project.title(),
    "background": project.backgroundColor().name().upper(), "whole": colours(image), "star": star, "ink": ink,
    "labels": [[one.layerID, one.labelText, one.isUnplaced, [one.labelRect.xMinimum(), one.labelRect.yMinimum(),
                one.labelRect.xMaximum(), one.labelRect.yMaximum()]] for one in labels],
    "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
    "sites": categories(layer("sites")), "deliveries": categories(layer("deliveries")),
    "tips": {name: tip(layer("sites"), feature) for name, feature in sites.items()},
    "names": {name: feature["name"] for name, feature in sites.items()},
    "types": {field.name(): field.typeName() for field in layer("sites").fields()},
    "range": [span.begin().toString("yyyy-MM-dd"), span.end().toString("yyyy-MM-dd")],
    "last frame": last_frame(),
    "step": [project.timeSettings().timeStep(), project.timeSettings().timeStepUnit() == QgsUnitTypes.TemporalDays],
    "at scale": [layer("deliveries").isInScaleRange(scale) for scale in (2e7, 1e5, 1e4)],
    "active": {name: layer(name).temporalProperties().isActive() for name in ("deliveries", "milestones")},
    "by day": {day: sorted(f["offer_id"] for f in on_the_day(layer("deliveries"), day)) for day in days},
    "reached": {day: len(on_the_day(layer("milestones"), day)) for day in days},
})
"""

DAYS = ("2025-01-10", "2025-01-11", "2025-01-13", "2025-01-14", "2025-01-15", "2025-01-23", "2025-01-24", "2025-02-25")


def look(folder: Path, **given: Any) -> Any:
    return in_qgis(LOOK, path=str(folder / "siteopt.qgz"), days=DAYS, **given)


@pytest.fixture(scope="module")
def facts(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What QGIS sees after the folder has moved."""
    moved = tmp_path_factory.mktemp("moved") / "공장 & co"
    shutil.copytree(run, moved)
    return look(moved)


def test_every_layer_is_whole_and_in_the_tree(facts: Any, result: Result) -> None:
    layers = facts["layers"]
    assert set(layers) == {
        "chosen",
        "milestones",
        "depots",
        "deliveries",
        "sites",
        "issues",
        "borders",
        "lakes",
        "land",
    }
    for name, one in layers.items():
        assert one["valid"], name
        assert one["in tree"], name
        assert one["crs"] == "EPSG:4326", name
        assert one["drawn"] == one["count"] > 0, name
        assert one["title"], name
        assert one["words"], name
    assert {name: layers[name]["count"] for name in ("chosen", "milestones", "deliveries", "depots", "sites")} == {
        "chosen": 1,
        "milestones": 1,
        "deliveries": len(result.record.plan.orders),
        "depots": 3,
        "sites": 4,
    }
    assert [name for name, one in layers.items() if not one["visible"]] == ["issues"]
    assert {one["group"] for one in layers.values()} == {"Plan", "Candidates", "Input", "Base map"}


def test_the_project_is_placed_and_named(facts: Any, result: Result) -> None:
    assert facts["project crs"] == "EPSG:3857"
    assert facts["title"] == "small: Alpha Works, first run on day 23 (proven)"
    assert facts["background"] == "#D8E6EE"


def test_standings_differ_in_colour_and_in_shape(facts: Any) -> None:
    expected = {
        "chosen": [STANDING[Standing.CHOSEN], "star"],
        "ranked": [STANDING[Standing.RANKED], "circle"],
        "not ranked": [STANDING[Standing.NOT_RANKED], "circle"],
        "undecided": [STANDING[Standing.UNDECIDED], "diamond"],
        "cannot serve": [STANDING[Standing.CANNOT_SERVE], "cross2"],
        "excluded": [STANDING[Standing.EXCLUDED], "square"],
    }
    assert facts["sites"] == expected
    serves = {shape for value, (_, shape) in expected.items() if value in ("chosen", "ranked", "not ranked")}
    assert not serves & {shape for value, (_, shape) in expected.items() if value in ("cannot serve", "excluded")}


def test_kinds_differ_in_colour_and_in_dashes(facts: Any) -> None:
    assert {kind: colour for kind, (colour, _) in facts["deliveries"].items()} == {
        kind.name: kind.colour for kind in KINDS
    }
    assert len({tuple(dashes) for _, dashes in facts["deliveries"].values()}) == len(KINDS)


def test_the_picture_shows_the_answer(facts: Any) -> None:
    whole = facts["whole"]
    assert whole[facts["background"]] < 0.8 * 1400 * 900  # there is land
    assert whole["#F7F4ED"] > 0.2 * 1400 * 900
    for colour in (STANDING[Standing.CHOSEN], STANDING[Standing.RANKED], *(KIND[k] for k in ("generator", "chiller"))):
        assert whole.get(colour, 0) > 30, colour
    x, y = facts["star"]
    assert 100 < x < 1300
    assert 100 < y < 800
    assert facts["ink"][STANDING[Standing.CHOSEN]] > 60


def test_no_delivery_passes_over_the_halls(facts: Any) -> None:
    assert facts["at scale"] == [True, True, False]


def test_labels_tell_the_answer_and_do_not_overlap(facts: Any) -> None:
    placed = [(id_, text, box) for id_, text, unplaced, box in facts["labels"] if not unplaced]
    texts = [text for _, text, _ in placed]
    assert any(text.startswith("Alpha Works") and "first run on day 23" in text for text in texts)
    assert "2" in texts
    assert any(text.startswith("Beta Mill") and "day 23" in text for text in texts)
    west, south, east, north = facts["extent"]
    for number, (_, text, box) in enumerate(placed):
        assert west <= box[0] < box[2] <= east, text
        assert south <= box[1] < box[3] <= north, text
        for _, other, second in placed[:number]:
            apart = box[2] <= second[0] or second[2] <= box[0] or box[3] <= second[1] or second[3] <= box[1]
            assert apart, (text, other)


def test_columns_have_types_words_and_tips(facts: Any) -> None:
    types, aliases = facts["types"], facts["layers"]["sites"]["aliases"]
    assert types["date_first_run"] == types["available_from"] == "Date"
    assert types["rank"] == types["cost_usd"] == "Integer64"
    assert types["grid_mw"] == "Real"
    assert types["owner"] == "String"
    assert aliases["grid_mw"] == "Grid (MW)"
    assert aliases["day_first_run"] == "Day of first run"
    for name, one in facts["layers"].items():
        if name not in ("land", "lakes", "borders"):
            assert "<table>" in one["tip"], name
            assert one["names"], name


def test_tips_tell_rank_day_and_reason(facts: Any) -> None:
    tips = facts["tips"]
    assert "<b>1. Alpha Works</b>" in tips["alpha"]
    assert "<td>Grid&nbsp;</td><td>5.0 MW</td>" in tips["alpha"]
    assert "Own towers" not in tips["alpha"]  # unknown
    assert "day 23, 2025-01-24, limited by GPU deliveries" in tips["alpha"]
    assert "unknown: grid capacity" in tips["gamma"]
    assert "Cost" not in tips["gamma"]
    assert "Delta &lt;b>Plant&lt;/b>" in tips["delta"]


def test_text_of_any_script_is_whole(facts: Any) -> None:
    assert facts["names"]["gamma"] == "강진 공장"


def test_time_runs_from_the_first_departure_to_the_last_milestone(facts: Any) -> None:
    assert facts["range"] == ["2025-01-11", "2025-01-25"]
    assert facts["last frame"] == "2025-01-24"
    assert facts["step"] == [1, True]
    assert facts["active"] == {"deliveries": True, "milestones": True}


def test_a_delivery_is_on_the_road_from_its_departure_to_its_arrival(facts: Any) -> None:
    assert [facts["by day"][day] for day in DAYS[:5]] == [
        [],
        ["battery", "chiller", "gen_rented"],
        ["battery", "chiller", "gen_rented"],
        ["chiller"],
        [],
    ]


def test_a_milestone_stays_once_it_is_reached(facts: Any) -> None:
    assert [facts["reached"][day] for day in DAYS] == [0, 0, 0, 0, 0, 0, 1, 1]


def test_the_project_knows_no_absolute_path(run: Path) -> None:
    with zipfile.ZipFile(run / "siteopt.qgz") as archive:
        text = archive.read("siteopt.qgs").decode()
    assert text.count("./siteopt.gpkg|layername=") >= 9
    assert str(run.parent) not in text
    assert 'source="/' not in text
    assert "<datasource>/" not in text


def test_no_site_can_serve(tmp_path: Path) -> None:
    nothing = solved(tmp_path / "world", "project.horizon_days=5")
    assert nothing.record.plan is None
    facts = look(nothing.write(tmp_path / "run"))
    assert facts["title"] == "small: no site can serve"
    assert all(one["valid"] and one["in tree"] and one["drawn"] == one["count"] for one in facts["layers"].values())
    assert facts["layers"]["sites"]["count"] == 4
    assert facts["star"] is None
    texts = [text for _, text, unplaced, _ in facts["labels"] if not unplaced]
    assert any(text.startswith("Beta Mill") and "not ready by day 5" in text for text in texts)


AREAS = """
opened(path)
areas = layer("areas")
image, labels, _ = picture([areas], areas.extent().buffered(0.001), areas.crs())
answer({"valid": areas.isValid(), "roles": [f["role"] for f in areas.getFeatures()], "drawn": rendered(areas),
        "tips": [tip(areas, f) for f in areas.getFeatures()], "labels": sorted(one.labelText for one in labels),
        "categories": [c.value() for c in areas.renderer().categories()], "colours": colours(image)})
"""


def test_areas_of_the_chosen_site_are_drawn(run: Path, result: Result, tmp_path: Path) -> None:
    plan = plan_geojson(result.record)
    blank = dict.fromkeys(("kind", "units", "leaves", "arrives", "ready", "cost_usd"))
    for role, size in (("hall", 0.001), ("outline", 0.004), ("yard", 0.002)):
        west, south = -90.05 - size / 2, 35.15 - size / 2
        ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        properties = {"role": role, "id": role, "name": "Alpha Works", **blank}
        plan["features"].append({"type": "Feature", "geometry": geometry, "properties": properties})
    translations = Translations.of(result.record)
    sites = sites_geojson(result.record, result.dataset.sites, translations)
    for name, content in map_files(result.record, sites, plan, translations).items():
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    facts = in_qgis(AREAS, path=str(tmp_path / "siteopt.qgz"))
    assert facts["valid"]
    assert facts["roles"] == ["outline", "yard", "hall"]  # the larger below the smaller
    assert facts["drawn"] == 3
    assert facts["labels"] == ["Hall", "Yard"]
    assert facts["categories"] == ["outline", "yard", "hall"]
    assert any("<td>Area&nbsp;</td><td>" in text and " m2" in text for text in facts["tips"])
    assert 1400 * 900 - facts["colours"]["#FFFFFF"] > 50_000
