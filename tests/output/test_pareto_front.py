"""The files and the table of a front."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest

import siteopt
from siteopt.output.pareto_front import front_csv
from tests.worlds import OFFERS, SCENARIO, SITES, changed, write_world

TWO_MILESTONES = SCENARIO.replace("gpus = 10_000\noperating_days = 30", "gpus = 5_000\noperating_days = 30", 1).replace(
    "[compute]", '[[milestones]]\nname = "all of it"\ngpus = 10_000\noperating_days = 60\n\n[compute]', 1
)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> siteopt.ParetoFront:
    sites = changed(SITES, "site_id", "alpha", name="=Alpha Works")
    offers = changed(OFFERS, "offer_id", "gen_bought", lead_days=60, lead_days_high=90, purchase_usd=100_000)
    return siteopt.pareto(write_world(tmp_path_factory.mktemp("world"), sites, offers, scenario=TWO_MILESTONES))


def test_front_is_proven_with_more_than_one_corner(front: siteopt.ParetoFront) -> None:
    assert front.outcome is siteopt.RunOutcome.PROVEN
    assert front.points["proven"].all()
    assert len(front.points) > len(front.record.sites) == 2
    assert front.record.milestone == "first run"
    assert front.record.certificate.recomputed is not None
    assert front.record.certificate.recomputed.valid
    assert all(len(item.sha256) == 64 for item in front.record.inputs)


def test_points_lie_within_their_bounds_and_fall(front: siteopt.ParetoFront) -> None:
    assert (front.points["cost_usd"] - front.points["cost_bound_usd"] <= 10).all()
    assert (front.points["day_all_of_it"] >= front.points["day"]).all()
    for _, rows in front.points.groupby("site_id"):
        assert rows["day"].is_monotonic_increasing
        assert rows["cost_usd"].is_monotonic_decreasing


def test_csv_has_a_row_a_corner_and_runs_in_no_spreadsheet(front: siteopt.ParetoFront) -> None:
    header, *rows = list(csv.reader(io.StringIO(front.files()["pareto.csv"])))
    assert header == [
        "milestone",
        "day",
        "date",
        "cost_usd",
        "cost_bound_usd",
        "site_id",
        "name",
        "on_front",
        "proven",
        "day_earlier_usd",
        "best_at_value",
        "day_all_of_it",
    ]
    assert len(rows) == len(front.points)
    assert {row[6] for row in rows} == {"'=Alpha Works", "Beta Mill"}


def test_csv_without_points_has_the_same_header(front: siteopt.ParetoFront) -> None:
    header = front.files()["pareto.csv"].splitlines(keepends=True)[0]
    sites = tuple(site.model_copy(update={"points": ()}) for site in front.record.sites)
    assert front_csv(front.record.model_copy(update={"sites": sites})) == header


def test_geojson_has_a_flat_point_a_site(front: siteopt.ParetoFront) -> None:
    collection = json.loads(front.files()["pareto.geojson"])
    assert collection["type"] == "FeatureCollection"
    assert "crs" not in collection
    for feature, (site, rows) in zip(collection["features"], front.points.groupby("site_id"), strict=True):
        properties = feature["properties"]
        assert feature["geometry"]["type"] == "Point"
        assert properties["site_id"] == site
        assert (properties["fastest_day"], properties["cheapest_day"]) == (rows["day"].min(), rows["day"].max())
        assert properties["fastest_cost_usd"] == rows["cost_usd"].max()
        assert properties["cheapest_cost_usd"] == rows["cost_usd"].min()
        assert properties["best_at_value_day"] is None
        assert properties["corner_points"] == len(rows)
        assert properties["points_on_front"] == rows["on_front"].sum()
        assert all(value is None or isinstance(value, str | int | float) for value in properties.values())
    assert collection["features"][0]["geometry"]["coordinates"] == [-90.05, 35.15]


def test_lines_are_ready_to_plot(front: siteopt.ParetoFront) -> None:
    for line in (front.record.line, *(site.line for site in front.record.sites)):
        assert len(line.day) == len(line.cost_usd)
        assert list(line.day) == sorted(line.day)
        assert list(line.cost_usd) == sorted(line.cost_usd, reverse=True)
        assert line.day[-1] == 365
        steps = pairwise(zip(line.day, line.cost_usd, strict=True))
        assert all(one[0] == other[0] or one[1] == other[1] for one, other in steps)
    first = front.points[front.points["on_front"]].sort_values("day").iloc[0]
    assert (front.record.line.day[0], front.record.line.cost_usd[0]) == (first["day"], first["cost_usd"])


def test_table_has_a_row_a_point_and_what_a_day_costs(front: siteopt.ParetoFront) -> None:
    _, head, *rows = str(front).splitlines()
    assert head.split() == ["day", "date", "cost,", "USD", "one", "day", "earlier", "site"]
    points = front.points[front.points["on_front"]].sort_values("day")
    assert len(rows) == len(points) > 1
    one, other = points.iloc[0], points.iloc[1]
    saved = (one["cost_usd"] - other["cost_usd"]) / (other["day"] - one["day"])
    assert rows[0].split()[:4] == [str(one["day"]), str(one["date"]), f"{one['cost_usd']:,}", f"{saved:,.0f}"]
    assert not any("not proven" in row for row in rows)


def test_table_is_in_the_currency_of_the_scenario(tmp_path: Path) -> None:
    scenario = SCENARIO.replace('name = "small"', 'name = "small"\ncurrency = "KRW"\ncurrency_per_usd = 1000.0')
    front = siteopt.pareto(write_world(tmp_path, scenario=scenario), top=1)
    _, head, row, *_ = str(front).splitlines()
    assert "cost, KRW" in head
    assert row.split()[2] == f"{front.points['cost_usd'].iloc[0] * 1000:,}"


def test_unproven_point_is_said_to_be_so(front: siteopt.ParetoFront) -> None:
    open_ = {"proven": False}
    sites = tuple(
        site.model_copy(update={"points": tuple(point.model_copy(update=open_) for point in site.points)})
        for site in front.record.sites
    )
    table = str(siteopt.ParetoFront(front.record.model_copy(update={"sites": sites})))
    assert all(row.endswith("  not proven") for row in table.splitlines()[2:])
    assert "not proven" in table


def test_table_that_may_lack_points_says_so(front: siteopt.ParetoFront) -> None:
    first, *others = front.record.sites
    sites = (first.model_copy(update={"proven": False}), *others)
    cut = siteopt.ParetoFront(front.record.model_copy(update={"sites": sites}))
    assert str(cut).splitlines() == [*str(front).splitlines(), "The time ran out: there may be more breakpoints"]


def test_milestone_may_be_chosen(tmp_path: Path) -> None:
    front = siteopt.pareto(write_world(tmp_path, scenario=TWO_MILESTONES), "all of it", top=1)
    assert front.record.milestone == "all of it"
    assert (front.points["day_first_run"] <= front.points["day"]).all()
