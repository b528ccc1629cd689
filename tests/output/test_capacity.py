"""The answer of ``capacity``: by hand from a scenario, against ``solve``, its files, its text, and bad days."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

import siteopt
from siteopt.output.capacity import SHOWN, capacity_summary
from siteopt.output.charts.base import NARROW, WIDE
from siteopt.output.charts.capacity import capacity as chart_of
from siteopt.output.charts.drawing import svgs
from siteopt.output.reporting import run_charts, run_report
from siteopt.output.translations import Translations
from siteopt.record.base import RunOutcome
from siteopt.record.capacity import CapacityRecord
from siteopt.record.reason import ReasonCode
from tests.worlds import OFFERS, SCENARIO, write_world

PLAIN = (
    "workload.auxiliary_load_fraction=0",
    "workload.load_step_amplitude=0.2",
    "workload.heat_fraction=0",
    "supply.spare_units=0",
    "supply.ride_through_minutes=0",
    "defaults.grid_swing_share=1",
    "building.liquid_loop_mw_per_day=1000",
    "building.fitout_m2_per_day.sound=1000000",
    "compute.install_gpus_per_day=1000000",
    "compute.network_gpus_per_day=1000000",
    "compute.deliveries=[{ day = 10, gpus = 11_000 }, { day = 100, gpus = 40_000 }]",
)
"""A kilowatt for each GPU and nothing else: they train 4 days after their delivery, as many as the grid carries."""

NO_UNITS = tuple({**row, "count": 0} for row in OFFERS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> siteopt.Scenario:
    return siteopt.read_scenario(write_world(tmp_path_factory.mktemp("plain"), offers=NO_UNITS), PLAIN)


@pytest.fixture(scope="module")
def found(plain: siteopt.Scenario) -> siteopt.Capacity:
    return siteopt.capacity(plain, 120)


def curve(found: siteopt.Capacity, site: str) -> dict[int, int]:
    rows = found.points[found.points["site_id"] == site]
    return dict(zip(rows["day"], rows["gpus"], strict=True))


# by hand


def test_the_grid_of_a_site_is_its_capacity(found: siteopt.Capacity) -> None:
    """Alpha has 12 MW; beta 2 MW, and 30 MW from day 62 on. The GPUs come in two lots, on days 10 and 100."""
    assert found.outcome is RunOutcome.PROVEN
    first, second = found.record.sites
    assert [(site.site_id, site.rank, site.asked.gpus, site.asked.it_mw) for site in (first, second)] == [
        ("beta", 1, 30_000, 30.0),
        ("alpha", 2, 12_000, 12.0),
    ]
    alpha, beta = curve(found, "alpha"), curve(found, "beta")
    assert [alpha[day] for day in (30, 60, 90, 120, 365)] == [11_000, 11_000, 11_000, 12_000, 12_000]
    assert [beta[day] for day in (30, 60, 90, 120, 365)] == [2_000, 2_000, 11_000, 30_000, 30_000]
    assert first.limited_by is not None
    assert (first.limited_by.code, first.limited_by.values) == (ReasonCode.ANY_LIMIT, {"limits": ("peak power",)})


@pytest.mark.parametrize(("day", "gpus"), [(13, 0), (14, 11_000), (103, 11_000), (104, 12_000)])
def test_capacity_changes_on_the_day_that_the_queues_say(plain: siteopt.Scenario, day: int, gpus: int) -> None:
    assert curve(siteopt.capacity(plain, day, top=2), "alpha").get(day, 0) == gpus


def test_the_budget_pays_for_the_gpus(plain: siteopt.Scenario) -> None:
    """The site costs 5 million; a GPU costs 30,000 and 24 h x 30 days x 0.8 kW at 60 USD/MWh."""
    poor = plain.model_copy(update={"project": plain.project.model_copy(update={"budget_usd": 100e6})})
    first = siteopt.capacity(poor, 120, top=1).record.ranked[0]
    assert first.asked.gpus == int(95e6 / (30_000 + 24 * 30 * 0.8 * 60 / 1000))
    assert first.limited_by is not None
    assert first.limited_by.values == {"limits": ("budget",)}


# against solve


@pytest.mark.parametrize(
    ("site", "day"),
    [
        ("alpha", 25),
        ("beta", 40),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("alpha", 40), ("beta", 25))),
    ],
)
def test_solve_reaches_the_capacity_by_that_day_and_one_gpu_more_later(tmp_path: Path, site: str, day: int) -> None:
    """With generators, chillers, batteries, crews and queues of every kind."""
    only = [f'filter.regions=["{ {"alpha": "TN", "beta": "TX"}[site] }"]']
    scenario = write_world(tmp_path, scenario=SCENARIO.replace("gpus = 10_000 }]", "gpus = 60_000 }]"))
    gpus = siteopt.capacity(siteopt.read_scenario(scenario, only), day).record.sites[0].asked.gpus
    assert 0 < gpus < 60_000

    def first_day(gpus: int) -> int:
        result = siteopt.solve(siteopt.read_scenario(scenario, [*only, f"milestones.0.gpus={gpus}"]), top=1)
        return int(result.milestones["day"].iloc[0])

    assert first_day(gpus) <= day < first_day(gpus + 1)


def test_the_last_milestone_gives_all_but_the_number_of_gpus(plain: siteopt.Scenario) -> None:
    last = plain.milestones[0].model_copy(update={"name": "last", "gpus": 20_000})
    first = last.model_copy(update={"name": "first", "gpus": 1, "operating_days": 3000})
    longer = plain.model_copy(update={"milestones": [first, last], "baselines": []})
    assert siteopt.capacity(longer, 120).points.equals(siteopt.capacity(plain, 120).points)


# days


@pytest.mark.parametrize("by", ["2025-05-01", "120", 120, date(2025, 5, 1)])
def test_a_day_is_a_date_or_a_number(plain: siteopt.Scenario, by: date | int | str) -> None:
    record = siteopt.capacity(plain, by, top=1).record
    assert (record.by_day, record.by_date) == (120, date(2025, 5, 1))


@pytest.mark.parametrize("by", ["2024-12-31", "2026-01-02", "366", -1, "soon", "", "1e2", "2025-13-01"])
def test_any_other_day_is_an_error_of_the_user(plain: siteopt.Scenario, by: int | str) -> None:
    with pytest.raises(siteopt.InputError) as error:
        siteopt.capacity(plain, by)
    (issue,) = error.value.issues
    assert (issue.code.number, issue.found) == ("E309", str(by))
    assert "2025-01-01 to 2026-01-01" in issue.expected


def test_the_last_day_of_the_horizon_may_be_asked_for(plain: siteopt.Scenario) -> None:
    assert siteopt.capacity(plain, 365, top=1).record.ranked[0].curve[-1].day == 365


# outcomes


def test_no_site_by_a_day_before_the_gpus(plain: siteopt.Scenario) -> None:
    nothing = siteopt.capacity(plain, 13)
    assert (nothing.outcome, nothing.has_answer) == (RunOutcome.NO_SITE, False)
    assert "No site can train a GPU by 14 January 2025, day 13." in str(nothing.files()["report.html"])
    assert nothing.points["rank"].isna().all()


def test_without_time_there_are_only_bounds(plain: siteopt.Scenario) -> None:
    nothing = siteopt.capacity(plain, 120, seconds=0)
    assert (nothing.outcome, nothing.has_answer) == (RunOutcome.LIMIT, False)
    assert [(site.rank, site.asked.gpus) for site in nothing.record.sites] == [(None, 0), (None, 0)]
    assert all(site.asked.bound_gpus >= 30_000 or site.site_id == "alpha" for site in nothing.record.sites)
    page = str(nothing.files()["report.html"])
    assert "No plan is known for any site by 1 May 2025, day 120." in page


# files


def test_csv_has_a_row_for_each_site_and_day(found: siteopt.Capacity) -> None:
    header, *rows = csv.reader(io.StringIO(str(found.files()["capacity.csv"])))
    assert header == list(found.points.columns)
    assert len(rows) == len(found.points) == sum(len(site.curve) for site in found.record.sites)


def test_geojson_has_a_flat_point_for_each_site(found: siteopt.Capacity) -> None:
    features = json.loads(found.files()["capacity.geojson"])["features"]
    assert [(one["properties"]["site_id"], one["properties"]["gpus"]) for one in features] == [
        ("beta", 30_000),
        ("alpha", 12_000),
    ]
    assert features[1]["geometry"]["coordinates"] == [-90.05, 35.15]


def test_text_has_the_sites_and_the_days_on_which_something_changes(found: siteopt.Capacity) -> None:
    head, columns, first, second, days, *rows = str(found).splitlines()
    assert head.startswith("small: proven, the most GPUs that can train by 2025-05-01 (day 120), 2 eligible sites")
    assert columns.split() == ["rank", "GPUs", "IT", "load,", "MW", "site"]
    assert first == "   1       30,000         30.0  Beta Mill (beta)  limited by peak power"
    assert second.split()[:3] == ["2", "12,000", "12.0"]
    assert days.split()[:2] == ["day", "date"]
    assert [row.split() for row in rows] == [
        ["30", "2025-01-31", "2,000", "11,000"],
        ["90", "2025-04-01", "11,000", "11,000"],
        ["120", "2025-05-01", "30,000", "12,000"],
    ]


def unproven(record: CapacityRecord) -> CapacityRecord:
    """The record as if a GPU more might be possible at the first site."""
    first, *others = record.sites
    asked = first.asked.model_copy(update={"bound_gpus": first.asked.bound_gpus + 1})
    points = tuple(asked if one == first.asked else one for one in first.curve)
    first = first.model_copy(update={"asked": asked, "curve": points, "limited_by": None})
    return record.model_copy(update={"sites": (first, *others), "outcome": RunOutcome.LIMIT})


def test_text_and_page_say_what_is_not_proven(found: siteopt.Capacity) -> None:
    open_ = unproven(found.record)
    text, caption = capacity_summary(open_), chart_of(open_, Translations()).caption
    assert "30,000+" in text
    assert "at most 30,001 GPUs, not proven" in text
    assert "+ means at least" in text
    assert "Not proven: numbers with a plus sign" in caption


def test_text_lists_few_of_many_sites(found: siteopt.Capacity) -> None:
    *_, other = found.record.sites
    other = other.model_copy(update={"rank": None, "curve": (), "limited_by": None})
    many = found.record.model_copy(update={"sites": (found.record.sites[0], *[other] * 40), "eligible": 1000})
    assert f"      {1000 - SHOWN} sites more, at most 12,000 GPUs each" in capacity_summary(many).splitlines()


def test_a_required_class_is_said_not_to_be_checked(plain: siteopt.Scenario) -> None:
    strict = plain.model_copy(update={"power_quality": plain.power_quality.model_copy(update={"iso_class": "G2"})})
    answer = siteopt.capacity(strict, 120, top=1)
    assert str(answer).endswith("Not checked whether a plan of this size keeps the power quality class G2")
    assert "power quality class G2" in chart_of(answer.record, Translations()).caption


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_chart_has_a_line_for_each_site_and_says_its_points(found: siteopt.Capacity, width: int) -> None:
    (drawing,) = svgs([chart_of(found.record, Translations())], [width])[0]
    assert "day 120, 30,000 GPUs, 30.0 MW: Beta Mill" in drawing
    assert "1. Beta Mill" in drawing
    assert "2. Alpha Works" in drawing


def test_folder_is_reported_on_in_korean_and_drawn(found: siteopt.Capacity, tmp_path: Path) -> None:
    folder = found.write(tmp_path / "capacity")
    assert run_report(folder, "en") == (folder / "report.html").read_text(encoding="utf-8")
    assert "2025년 5월 1일까지 학습할 수 있는 GPU" in run_report(folder, "ko")
    assert set(run_charts(folder)) == {"capacity.png", "capacity.svg"}


def test_a_format_that_never_was_is_refused(found: siteopt.Capacity, tmp_path: Path) -> None:
    path = found.write(tmp_path / "capacity") / "capacity.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format_version": 2', '"format_version": 1'))
    with pytest.raises(siteopt.InputError) as error:
        run_report(path.parent)
    assert [issue.column for issue in error.value.issues] == ["format_version"]


def test_notebook_shows_the_chart(found: siteopt.Capacity) -> None:
    assert repr(found) == "<Capacity small: proven, by day 120, 30,000 GPUs at beta>"
    assert "<svg" in found._repr_html_()


# an edited file


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("bound_gpus", 1),
        ("gpus", 0),
        ("day", 7),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(found: siteopt.Capacity, place: str, value: int) -> None:
    document = found.record.model_dump(mode="json")
    document["sites"][0]["asked"][place] = value
    with pytest.raises(ValidationError):
        CapacityRecord.model_validate(document)


def test_a_curve_runs_forward_and_belongs_to_a_rank(found: siteopt.Capacity) -> None:
    for change in ({"rank": None}, {"curve": list(reversed(found.record.sites[0].model_dump(mode="json")["curve"]))}):
        document = found.record.model_dump(mode="json")
        document["sites"][0] |= change
        with pytest.raises(ValidationError):
            CapacityRecord.model_validate(document)
