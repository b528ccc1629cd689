"""The charts of a replay hold what the record says, with few crews and with many."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.options import LANGUAGES
from siteopt.output.charts.base import NARROW, WIDE, Chart
from siteopt.output.charts.capacity_by_day import capacity_by_day
from siteopt.output.charts.crews import crews, gangs
from siteopt.output.charts.electric import frequency
from siteopt.output.charts.panels import Scale, between, keys, thinned
from siteopt.output.translations import Translations
from tests.report import pages
from tests.report.drawn import svg
from tests.report.replayed import add_replay
from tests.report.test_charts import rows, validate, words_in

Make = Callable[[pages.Documents, Translations], Chart | None]


def crews_of(found: pages.Documents, translations: Translations) -> Chart | None:
    return crews(found.run, found.plan, translations)


def capacity_of(found: pages.Documents, translations: Translations) -> Chart | None:
    return capacity_by_day(found.run, found.plan, translations)


def frequency_of(found: pages.Documents, translations: Translations) -> Chart | None:
    return frequency(found.plan, translations)


MADE: tuple[Make, ...] = (crews_of, capacity_of, frequency_of)


def made(make: Make, found: pages.Documents, language: str = "en") -> Chart:
    chart = make(found, Translations(language))
    assert chart is not None
    return chart


@pytest.mark.parametrize(
    ("width", "run"),
    [
        (WIDE, pages.replayed_late),
        (NARROW, pages.replayed),
        pytest.param(WIDE, pages.replayed, marks=pytest.mark.slow),
        pytest.param(NARROW, pages.replayed_late, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("make", MADE)
def test_specifications_are_valid_and_of_their_width(
    make: Make, run: Callable[[], pages.Documents], width: int
) -> None:
    chart = made(make, run())
    validate(chart, width)
    root = ElementTree.fromstring(svg(chart, width))
    assert float(root.get("width", "")) == width
    assert root.get("aria-label") == f"{chart.title}. {chart.caption}"


def test_no_chart_where_there_is_nothing_to_show() -> None:
    found = pages.replayed()
    found.document["plan"]["replay"]["crews"] = []
    found.document["plan"]["power_quality"]["traces"] = []
    assert crews_of(found, Translations()) is None
    assert frequency_of(found, Translations()) is None


def test_crews_side_by_side_on_one_unit_are_one_box() -> None:
    """Five chillers of 6 crew-days in 2 days take 3 crews each, 15 in all; a battery of 4 crew-days takes 2."""
    run = pages.replayed()
    found = gangs(run.plan.replay.crews)
    chillers = [one for one in found if one.shift.kind == "chiller"]
    assert [(one.first_crew, one.last_crew) for one in chillers] == [(1, 3), (4, 6), (7, 9), (10, 12), (13, 15)]
    chart = made(crews_of, run)
    assert "Mechanical: 15 crews install 5 units from day 12 to day 13; at most 15 work on one day." in chart.caption
    boxes = [(row["x"], row["x2"]) for row in rows(chart) if "crews" in row.get("what", "")]
    assert boxes == [(12, 14)] * len(found)
    assert ("mechanical", "first run", "Model", 5, 15, 12, 13) in chart.rows


def test_gap_between_crews_is_kept() -> None:
    shift = pages.replayed().plan.replay.crews[0]
    found = gangs([shift.model_copy(update={"crew": crew}) for crew in (1, 2, 4)])
    assert [(one.first_crew, one.last_crew) for one in found] == [(1, 2), (4, 4)]


@pytest.mark.parametrize("count", [1, 5, 40, 120])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_number_of_crews_fits(width: int, count: int) -> None:
    """Boxes stay within the drawing, and no two boxes share a crew and a day."""
    found = pages.with_orders(40)
    add_replay(found.document, count)
    chart = made(crews_of, found)
    boxes = [row for row in rows(chart, width) if "crews" in row.get("what", "")]
    height = chart.draw(width)["height"]
    assert all(0 < box["y"] < box["y2"] <= height + 1e-6 for box in boxes)
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = one["x2"] <= other["x"] or other["x2"] <= one["x"]
            assert apart or one["y2"] <= other["y"] + 1e-6 or other["y2"] <= one["y"] + 1e-6
    assert height < 1600


def test_online_tells_planned_and_replayed_days() -> None:
    found = pages.replayed_late()
    late = found.plan.replay.milestones[-1]
    assert late.day is not None
    assert late.day > late.planned_day
    chart = made(capacity_of, found)
    assert f"late starts on day {late.day}, with" in chart.caption
    days = {row["x"] for row in rows(chart) if set(row) == {"x", "y"}}
    assert {late.planned_day, late.day} <= days
    assert "replayed start" in words_in(svg(chart, WIDE))


def test_online_holds_what_the_days_hold() -> None:
    found = pages.replayed()
    chart = made(capacity_of, found)
    areas = [row for row in rows(chart) if "field" in row]
    days = found.plan.replay.days
    cold = days.equipment_mw["chiller"]
    drawn = [(row["x"], round(row["y"] - row["y2"], 6)) for row in areas if row["field"] == "chiller"]
    tall = max(height for _, height in drawn)
    assert drawn[:-1] == [
        (x, pytest.approx(tall * mw / max(cold), abs=1e-5)) for x, mw in zip(days.day, cold, strict=True)
    ]
    assert chart.rows[-1][:2] == (23, 12.0)
    assert "12.0" in words_in(svg(chart, WIDE))


def test_milestone_that_never_starts_is_not_drawn_as_replayed() -> None:
    found = pages.replayed()
    before = len([row for row in rows(made(capacity_of, found)) if set(row) == {"x", "y"}])
    found.document["plan"]["replay"]["milestones"][0] |= {"day": None, "date": None, "days_later": None}
    chart = made(capacity_of, found)
    assert len([row for row in rows(chart) if set(row) == {"x", "y"}]) == before - 1
    assert chart.caption == "first run does not start."


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_frequency_that_leaves_its_band_is_marked(width: int) -> None:
    found = pages.replayed()
    chart = made(frequency_of, found)
    assert "With batteries: 59.65 to 60.35 Hz, within the band." in chart.caption
    assert "outside the band from 2.30 s. The band of G2 is 54 to 67.2 Hz." in chart.caption
    said = words_in(svg(chart, width))
    assert said.count("within the band") == 1
    assert said.count("outside the band") == 1
    outside = [row for row in rows(chart, width) if row.get("color") == "#D55E00" and "line" in row]
    assert outside
    del found.document["plan"]["power_quality"]["traces"][1:]
    assert not [r for r in rows(made(frequency_of, found), width) if r.get("color") == "#D55E00" and "line" in r]


@pytest.mark.parametrize(
    ("language", "names"),
    [("en", {"load", "generators", "batteries", "grid"}), ("ko", {"부하", "발전기", "배터리", "계통"})],
)
def test_key_of_the_frequency_names_every_power(language: str, names: set[str]) -> None:
    found = pages.replayed()
    for trace in found.document["plan"]["power_quality"]["traces"]:
        trace["grid_mw"] = [1.0] * len(trace["time_s"])
    said = words_in(svg(made(frequency_of, found, language), WIDE)).splitlines()
    assert names <= set(said)
    assert not any("_" in text or " mw" in text for text in said)


def test_with_and_without_batteries_have_the_same_scales() -> None:
    chart = made(frequency_of, pages.replayed())
    bands = [(row["y"], row["y2"]) for row in rows(chart) if row.get("color") == "#DCEBE4"]
    assert len(bands) == 2
    assert bands[0] == bands[1]


def test_frequency_that_collapses_leaves_the_plot_and_not_the_drawing() -> None:
    found = pages.replayed()
    trace = found.document["plan"]["power_quality"]["traces"][1]
    trace["hz"] = [60 - 5 * second for second in trace["time_s"]]  # to 0 Hz
    chart = made(frequency_of, found)
    height = chart.draw(WIDE)["height"]
    assert all(
        0 <= row["y"] <= height for row in rows(chart) if "line" in row and row["line"] != "load_mw" and row["y"] > 0
    )
    assert "Without batteries: 0.00 to 60.00 Hz, outside the band from 1.22 s." in chart.caption


def test_long_trace_is_drawn_from_few_points() -> None:
    found = pages.replayed()
    for trace in found.document["plan"]["power_quality"]["traces"]:
        for name in ("time_s", "hz", "load_mw", "generators_mw", "batteries_mw", "grid_mw"):
            trace[name] = [value for value in trace[name] for _ in range(50)]
        trace["time_s"] = [number / 2500 for number in range(len(trace["time_s"]))]
    assert len(svg(made(frequency_of, found), WIDE)) < 300_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_plan_without_a_class_has_the_band_of_g2(language: str) -> None:
    found = pages.replayed()
    found.document["plan"]["power_quality"]["iso_class"] = None
    assert "G2" in made(frequency_of, found, language).caption


POINTS = st.lists(st.floats(-10, 10), min_size=2, max_size=20)


@given(POINTS)
def test_a_line_is_cut_at_its_limits(heights: list[float]) -> None:
    points = [(float(x), y) for x, y in enumerate(heights)]
    inside = between(points, -3, 4)
    assert all(-3 - 1e-9 <= y <= 4 + 1e-9 for run in inside for _, y in run)
    assert all(a[0] <= b[0] for run in inside for a, b in pairwise(run))
    kept = {point for run in inside for point in run}
    assert {point for point in points if -3 < point[1] < 4} <= kept


def test_a_line_that_touches_a_limit_comes_back_on_its_own() -> None:
    assert between([(0, 0), (1, 1), (2, 2), (3, 0)], 0, 1) == [[(0, 0), (1, 1)], [(2.5, 1.0), (3, 0)]]
    ((first, last),) = between([(0, -1), (1, 2)], 0, 1)
    assert first == pytest.approx((1 / 3, 0))
    assert last == pytest.approx((2 / 3, 1))
    assert between([(0, 5), (1, 5)], 0, 1) == []


@given(POINTS, st.integers(1, 8))
def test_few_points_keep_the_ends_and_the_extremes(heights: list[float], count: int) -> None:
    found = thinned(list(range(len(heights))), heights, count)
    assert len(found) <= 4 * count
    assert found[0] == (0, heights[0])
    assert found[-1] == (len(heights) - 1, heights[-1])
    assert {min(heights), max(heights)} <= {y for _, y in found}
    assert found == sorted(found)


def test_a_plant_that_trips_is_said_to() -> None:
    found = pages.replayed()
    found.document["plan"]["power_quality"]["traces"][1]["collapsed_s"] = 0.75
    assert "trips at 0.75 s" in made(frequency_of, found).caption
    assert "0.75초에 정지" in made(frequency_of, found, "ko").caption


def test_where_the_grid_holds_the_frequency_the_import_decides() -> None:
    """The frequency stays in its band with and without batteries, so the chart says what the meter counts."""
    found = pages.replayed()
    for trace, beyond in zip(found.document["plan"]["power_quality"]["traces"], (0.25, 1.0), strict=True):
        trace |= {"hz": [60.0] * len(trace["hz"]), "grid_mw": [80.0] * len(trace["grid_mw"]), "collapsed_s": None}
        trace |= {"import_limit_mw": 50.0, "import_beyond_s": beyond, "overrun_s": 0.5}
    chart = made(frequency_of, found)
    assert "With batteries: import up to 80.0 MW, beyond 50 MW for 0.25 s." in chart.caption
    assert "Without batteries: import up to 80.0 MW, beyond 50 MW for 1.00 s." in chart.caption
    verdicts = [row for row in rows(chart, WIDE) if "beyond 50 MW" in str(row.get("text"))]
    assert len(verdicts) == 2
    assert "import limit 50 MW" in words_in(svg(chart, WIDE))


def test_a_scale_and_a_key() -> None:
    assert [Scale(50, 70, 200, 100)(value) for value in (50, 60, 70)] == [200, 150, 100]
    places, height = keys(["a", "b" * 40, "c"], 200)
    assert [y for _, y in places] == [11, 33, 55]
    assert height == 66
    assert keys([], 200) == ([], 0.0)


def test_charts_are_json_without_numbers_that_are_none() -> None:
    for make in MADE:
        text = json.dumps(made(make, pages.replayed_late()).draw(WIDE), allow_nan=False)
        assert "NaN" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_the_sections_and_their_charts(language: str) -> None:
    page = pages.page("replayed", language)
    places = [
        page.index(f'<section id="{name}">')
        for name in ("cost", "replay", "crews", "capacity_by_day", "power_quality", "frequency", "ranking")
    ]
    assert places == sorted(places)
    for name in ("replay", "power_quality"):
        assert f'href="#{name}"' in page
    plain = pages.page("no site", language)
    assert 'id="replay"' not in plain
    assert 'id="power_quality"' not in plain


def test_name_of_a_column_stands_over_its_numbers_wherever_they_begin() -> None:
    """A routine swing has no recovery, and the first event is one."""
    page = pages.page("replayed")
    assert '<th scope="col" class="number">lowest Hz</th>' in page
    assert '<th scope="col">class</th>' in page
