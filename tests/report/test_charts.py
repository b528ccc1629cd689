"""The charts: what they hold is what the documents say, and Vega-Lite takes every one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import altair
import numpy as np
import pytest

from siteopt.options import LANGUAGES
from siteopt.output.charts.base import NARROW, WIDE, Chart, apart, shortened, ticks
from siteopt.output.charts.cost import cost
from siteopt.output.charts.map import DRAWN, site_map
from siteopt.output.charts.pareto_front import front
from siteopt.output.charts.places import Label, View, degrees, mercator, placed
from siteopt.output.charts.schedule import schedule
from siteopt.output.charts.site_plan import site_plan
from siteopt.output.charts.supply import cooling, power
from siteopt.output.report import charts
from siteopt.output.translations import Translations
from tests.report import pages
from tests.report.drawn import png, svg

SVG = "{http://www.w3.org/2000/svg}"


def charts_of(found: pages.Documents, language: str = "en") -> list[Chart]:
    return charts(found.run, found.plan_features, Translations(language))


def rows(chart: Chart, width: int = WIDE) -> list[dict[str, Any]]:
    """The rows of all layers."""
    found = json.loads(json.dumps(chart.draw(width)))
    return [row for layer in found["layer"] for row in layer["data"]["values"]]


def words_in(drawing: str) -> str:
    """All texts of an SVG."""
    return "\n".join(element.text or "" for element in ElementTree.fromstring(drawing).iter(f"{SVG}text"))


def validate(chart: Chart, width: int) -> None:
    """Vega-Lite's schema takes the specification."""
    altair.LayerChart.from_dict(json.loads(json.dumps(chart.draw(width)))).to_dict(validate=True)


@pytest.mark.parametrize("width", [WIDE, pytest.param(NARROW, marks=pytest.mark.slow)])
def test_every_specification_is_valid(width: int) -> None:
    for chart in (*charts_of(pages.small()), front(pages.front().record, Translations())):
        validate(chart, width)


def test_every_chart_says_what_it_shows() -> None:
    for chart in charts_of(pages.small()):
        root = ElementTree.fromstring(svg(chart, WIDE))
        assert chart.title
        assert chart.caption
        assert float(root.get("width", "")) == WIDE
        assert root.get("role") == "img"
        assert root.get("aria-label") == f"{chart.title}. {chart.caption}"


def test_map_holds_every_site_and_depot_and_ends_hauls_at_the_site() -> None:
    chart = site_map(pages.small().run, Translations())
    drawn = rows(chart)
    named = {row["name"] for row in drawn if "name" in row}
    assert named == {"Alpha Works", "Beta Mill", "Depot"}  # and not the one in Korea, which is left out
    site = next(row for row in drawn if row.get("name") == "Alpha Works")
    ends = [row for row in drawn if row.get("at") == 24]
    assert {row["kind"] for row in ends} == {"chiller", "battery"}
    assert all(abs(row["x"] - site["x"]) < 0.1 and abs(row["y"] - site["y"]) < 0.1 for row in ends)
    assert "6 units are delivered from 1 depot" in chart.caption
    assert "2. Beta Mill" in chart.caption


def test_map_draws_the_best_of_many_candidates() -> None:
    chart = site_map(pages.with_candidates(2000).run, Translations())
    assert sum("standing" in row and row["standing"] != "depot" and "what" in row for row in rows(chart)) <= DRAWN + 10
    assert f"The map shows the best {DRAWN} of 2,000 sites." in chart.caption


def test_land_is_not_inverted() -> None:
    """Kansas is land and the Pacific is none, in pixels as on earth."""
    import shapely

    from siteopt.output.basemap import basemap

    view = View.of(960, (-130.0, 25.0, -65.0, 50.0))
    land = shapely.make_valid(shapely.geometry.shape(view.outlines(basemap(view.box)["land"])))
    kansas, pacific = shapely.points(view.pixels(np.array([[-98.0, 38.5], [-129.0, 35.0]])))
    assert land.contains(kansas)
    assert not land.intersects(pacific)


def test_mercator_and_back() -> None:
    places = np.array([[-120.0, -60.0], [0.0, 0.0], [129.0, 37.5]])
    np.testing.assert_allclose(degrees(mercator(places)), places)
    assert mercator(np.array([[90.0, 0.0]]))[0] == pytest.approx([np.pi / 2, 0])


@pytest.mark.parametrize("box", [(-180.0, -60.0, 180.0, 80.0), (0.0, 0.0, 0.1, 60.0), (100.0, 10.0, 179.0, 11.0)])
def test_view_shows_the_box_whatever_its_shape(box: tuple[float, float, float, float]) -> None:
    view = View.of(960, box)
    breakpoints = view.pixels(np.array([box[:2], box[2:]]))
    assert (breakpoints >= -1e-6).all()
    assert (breakpoints[:, 0] <= 960 + 1e-6).all()
    assert (breakpoints[:, 1] <= view.height + 1).all()


def test_names_on_a_map_do_not_cover_each_other() -> None:
    labels = [Label(n, f"Depot of number {n}", 100 + 7 * n, 100 + 3 * n, 6, 12, "black") for n in range(12)]
    found = list(placed(labels, [(x.x, x.y, 4) for x in labels], np.zeros((0, 2)), 400, 300))
    assert found[0][0].priority == 0
    assert 1 < len(found) < 12

    def box(place: tuple[Label, float, float, str]) -> tuple[float, float, float, float]:
        label, x, y, align = place
        wide = len(label.text) * 0.57 * label.size
        left = {"left": x, "right": x - wide, "center": x - wide / 2}[align]
        return left, left + wide, y - label.size * 0.6, y + label.size * 0.6

    for one, other in combinations(map(box, found), 2):
        assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]


def schedule_of(found: pages.Documents) -> Chart:
    return schedule(found.run, found.plan, Translations())


def power_of(found: pages.Documents) -> Chart:
    return power(found.run, found.plan, Translations())


def test_schedule_holds_every_phase_on_its_days() -> None:
    chart = schedule_of(pages.small())
    bars = [(row["phase"], row["x"], row["x2"]) for row in rows(chart) if "phase" in row and row["y"] > 0]
    milestone = [("install", 0, 21), ("commission", 21, 23)]
    order = [("lead", 0, 10), ("haul", 10, 12), ("install", 12, 14), ("commission", 14, 16)]
    assert bars == milestone + order * 2
    assert "first run on day 23, limited by GPU deliveries (5 days earlier without this limit)." in chart.caption
    assert chart.rows[0] == ("Model", "Depot", 5, "2025-01-01", "2025-01-11", "2025-01-13", "2025-01-15", "2025-01-17")
    assert "day 23, limited by GPU deliveries (5 days earlier without this limit)" in words_in(svg(chart, WIDE))


def test_milestone_that_waits_for_power_shows_it() -> None:
    found = pages.small()
    found.document["plan"]["milestones"][0]["day"] = 40
    bars = [(row["phase"], row["x"], row["x2"]) for row in rows(schedule_of(found)) if row.get("phase") == "wait"]
    assert ("wait", 23, 40) in bars


def test_schedule_without_orders_says_so() -> None:
    assert "Nothing needs to be ordered." in schedule_of(pages.with_orders(0)).caption


def test_power_is_what_stands_from_each_day_on() -> None:
    chart = power_of(pages.small())
    boxes = [(row["field"], row["x"], row["y"], row["y2"]) for row in rows(chart) if "x2" in row and "field" in row]
    assert boxes == [("grid", 5, 0, 12.0), ("grid", 23, 0.0, 12.0), ("batteries", 23, 12.0, 14.0)]
    lines = [
        (row["field"], row["y"])
        for row in rows(chart)
        if row.get("field") in ("demand_mw", "mean_mw") and row["x"] == 23
    ]
    assert ("demand_mw", 11.899) in lines
    assert ("mean_mw", 9.899) in lines
    assert "batteries of 14.0 MW for a peak of 11.9 MW" in chart.caption
    assert chart.rows == (("first run", 23, "2025-01-24", 12.0, 0.0, 2.0, 11.899, 9.899),)


def test_grid_before_a_step_at_the_first_milestone_is_that_of_the_candidate() -> None:
    found = pages.small()
    step = {"ready_day": 20, "ready": "2025-01-21", "grid_mw": 12.0, "cost_usd": 0, "in_service_from": "first run"}
    plan = found.document["plan"]
    plan["grid_steps"] = [step]
    days = plan["replay"]["days"]
    days["grid_mw"] = [7.0 if 5 <= day < 22 else mw for day, mw in zip(days["day"], days["grid_mw"], strict=True)]
    assert "supplies 7.0 MW from the handover of the site on day 5" in power_of(found).caption


def test_cooling_is_chillers_against_heat() -> None:
    found = pages.small()
    chart = cooling(found.run, found.plan, Translations())
    assert chart.rows == (("first run", 23, "2025-01-24", 8.903, 7.0),)
    assert "cooling of 8.9 MW for heat of 7.0 MW" in chart.caption


def test_cost_holds_every_part_but_those_of_nothing() -> None:
    chart = cost(pages.small().plan, Translations())
    parts = {row["part"]: row["usd"] for row in rows(chart) if "part" in row}
    assert parts == {"site": 5_000_000, "chillers": 1_816_896, "batteries": 483_379, "grid_energy": 427_621}
    assert chart.title == "Cost by part, USD million"
    assert chart.header == ("part", "Cost, USD million", "share")
    assert chart.rows[0] == ("GPUs", "300.00", "97.5%")
    assert chart.caption.startswith("USD 307.73 million in total: GPUs 300.00, site 5.00, chillers 1.82")


def test_front_tells_its_ends() -> None:
    chart = front(pages.front().record, Translations())
    assert (
        "The earliest start is day 23 at Alpha Works, for USD 307,727,896. A later start saves nothing."
        in chart.caption
    )
    assert "1. Alpha Works" in words_in(svg(chart, WIDE))
    assert "1. Alpha Works" in words_in(svg(chart, NARROW))


def test_front_tells_what_waiting_saves() -> None:
    found = pages.front()
    found.add_point(10, found.record.joint[0].cost_usd - 2_000_000)
    chart = front(found.record, Translations())
    assert "The cheapest start is day 33 at Alpha Works: 10 days later, USD 2,000,000 less." in chart.caption
    assert chart.rows[0][3] == "USD 200,000"


@pytest.mark.parametrize("language", LANGUAGES)
def test_front_of_small_differences_tells_them(language: str) -> None:
    found = pages.front()
    del found.document["sites"][1:]
    found.document["sites"][0]["points"][0]["cost_usd"] = 63_520_000
    found.add_point(10, 63_516_900)
    chart = front(found.record, Translations(language))
    assert "3,100" in chart.caption
    encoded = [layer["encoding"]["y"] for layer in chart.draw(WIDE)["layer"]]
    names = next(y["axis"]["labelExpr"] for y in encoded if y.get("axis"))
    marks = [float(text.replace(",", "")) for text in re.findall(r'"(\d[\d,]+)"[,}]', names)]
    assert len(marks) > 2
    assert len({round(after - before) for before, after in pairwise(marks)}) == 1


def test_front_that_is_not_complete_says_so() -> None:
    found = pages.front()
    found.document["sites"][1]["proven"] = False
    assert "Not proven: the time ran out" in front(found.record, Translations()).caption


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_milestone_says_what_holds_it_wherever_its_day_lies(width: int) -> None:
    """The first third, the middle and the end of the time, built at once or waiting for power."""
    for built in (5, 60):
        found = pages.with_milestones(["early", "middle", "late"])
        for milestone, day in zip(found.document["plan"]["milestones"], (20, 62, 120), strict=True):
            milestone |= {"day": day, "compute_ready_day": min(day - 2, built)}
        drawn = words_in(svg(schedule_of(found), width))
        assert len({line for line in drawn.splitlines() if "limited by GPU deliveries" in line}) == 3


def test_ground_is_drawn_where_there_is_one() -> None:
    assert site_plan(pages.small().plan_features, Translations()) is None
    square = [[0.0, 0.0], [0.001, 0.0], [0.001, 0.001], [0.0, 0.001], [0.0, 0.0]]
    outline = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [square]},
        "properties": {"role": "hall"},
    }
    chart = site_plan({"features": [outline]}, Translations())
    assert chart is not None
    assert "hall 12,392 m²" in chart.caption
    assert "hall" in words_in(svg(chart, WIDE))
    validate(chart, NARROW)


def test_ground_with_a_hall_of_less_than_a_pixel() -> None:
    def square(side: float, role: str) -> dict[str, Any]:
        ring = [[0.0, 0.0], [side, 0.0], [side, side], [0.0, side], [0.0, 0.0]]
        return {"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"role": role}}

    chart = site_plan({"features": [square(0.05, "outline"), square(2e-6, "hall")]}, Translations())
    assert chart is not None
    assert "hall" in words_in(svg(chart, NARROW))


def test_ids_of_drawings_differ() -> None:
    """Clip paths are looked up by id in the whole page."""

    def ids(drawing: str) -> Iterator[str]:
        for element in ElementTree.fromstring(drawing).iter():
            if element.get("id"):
                yield str(element.get("id"))

    for chart in charts_of(pages.small()):
        wide, narrow = list(ids(svg(chart, WIDE))), list(ids(svg(chart, NARROW)))
        assert len(set(wide + narrow)) == len(wide + narrow)
        for drawing in (svg(chart, WIDE), svg(chart, NARROW)):
            for part in drawing.split("url(#")[1:]:
                assert f'id="{part.split(")")[0]}"' in drawing


def test_marks_tell_what_they_are() -> None:
    root = ElementTree.fromstring(svg(power_of(pages.small()), WIDE))
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert "grid: 12.0 MW from day 5" in titles


def test_picture_is_a_png_of_twice_the_size() -> None:
    picture = png(cost(pages.small().plan, Translations()))
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(picture[16:20]) == 2 * WIDE


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [(0, 100, 5, [0, 20, 40, 60, 80, 100]), (7291, 7510, 5, [7300, 7350, 7400, 7450, 7500]), (0, 1, 2, [0, 0.5, 1])],
)
def test_ticks_are_round(low: float, high: float, count: int, expected: list[float]) -> None:
    assert ticks(low, high, count) == expected


def test_places_keep_apart_and_in_order() -> None:
    assert apart([10, 11, 50], 10, 0, 100) == [10, 20, 50]
    assert apart([98, 99], 10, 0, 100) == [90, 100]


def test_text_is_shortened_where_there_is_no_room() -> None:
    assert shortened("short", 100) == "short"
    assert shortened("a text that is too long", 80).endswith("…")


def limited(plan: dict[str, Any], resource: str, *windows: tuple[int, float | None]) -> None:
    """Give the plan of a document a limit that changes."""
    told = [{"day": day, "date": "2025-01-01", "limit": limit} for day, limit in windows]
    plan["limits"].append({"resource": resource, "windows": told})


def test_schedule_shows_what_the_site_may_use_on_which_day() -> None:
    found = pages.small()
    limited(found.document["plan"], "nox", (0, None), (12, 86.0), (200, 226.0))
    limited(found.document["plan"], "gas", (0, 0.0), (15, 100.0))
    chart = schedule_of(found)
    # the axis ends on day 25, a tenth after the last milestone
    drawn = [row for row in rows(chart) if row.get("phase") in ("limit", "barred") and row["y"] > 0]
    assert [(row["phase"], row["x"], row["x2"]) for row in drawn] == [
        ("limit", 0, 12),
        ("limit", 12, 25),
        ("barred", 0, 15),
        ("limit", 15, 25),
    ]
    said = words_in(svg(chart, WIDE))
    assert "NOx, t/year" in said
    assert "no limit" in said
    assert "NOx, t/year: no limit; 86 from day 12; 226 from day 200." in chart.caption
    for width in (WIDE, NARROW):
        validate(chart, width)


def test_schedule_with_many_orders_has_one_row_for_each_kind() -> None:
    found = pages.small()
    first, second = found.document["plan"]["orders"]
    later = {name: first[name] + 3 for name in ("leaves_day", "arrives_day", "ready_day", "serves_day")}
    more = [first | later | {"offer_id": f"more {number}"} for number in range(30)]
    found.document["plan"]["orders"] = [first, *more, second]
    chart = schedule_of(found)
    bars = [(row["phase"], row["x"], row["x2"]) for row in rows(chart) if "phase" in row and row["y"] > 0]
    # until the last one leaves; then wherever any of them is on the road, in installation or in commissioning
    assert bars[2:9] == [
        ("lead", 0, 13),
        ("commission", 14, 16),
        ("commission", 17, 19),
        ("haul", 10, 12),
        ("haul", 13, 15),
        ("install", 12, 14),
        ("install", 15, 17),
    ]
    assert len(bars) == 13
    assert "155 units in 31 orders" in words_in(svg(chart, WIDE))
    assert len(chart.rows) == 32
