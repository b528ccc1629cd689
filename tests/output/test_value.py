"""What the outputs say of the value of a day."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

import siteopt
from siteopt.output.geojson import cost_unit, site_properties
from siteopt.output.ranking import ranking_table
from siteopt.output.summary import summary
from siteopt.output.translations import Translations
from siteopt.output.value import bare_price, best_sentence, break_even_cell, break_even_text, day_line, day_sentence
from siteopt.record.run import ListedSite
from siteopt.record.value import BreakEven, DayValue, MilestoneValue
from siteopt.valuation import Better
from tests.report import pages

ENGLISH, KOREAN = Translations(), Translations("ko", "KRW", 1_000.0)
VALUE = DayValue(
    gpu_hour_usd=2.0,
    gpu_life_years=None,
    is_estimate=False,
    milestones=(
        MilestoneValue(milestone="first run", added_gpus=32_000, usd_per_day=1_536_000),
        MilestoneValue(milestone="100k", added_gpus=68_000, usd_per_day=3_264_000),
    ),
)
BELOW = BreakEven(better=Better.BELOW, gpu_hour_usd=1.234)
NEVER = BreakEven(better=Better.NEVER, gpu_hour_usd=None)


def second(found: BreakEven | None, bound: BreakEven | None = None) -> ListedSite:
    """The second rank of the small world, with these break-even prices."""
    return pages.small().run.ranking[1].model_copy(update={"break_even": found, "break_even_bound": bound})


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(2.0, "2.00"), (0.05, "0.050"), (0.0123, "0.012"), (99.99, "99.99"), (1234.5, "1,234"), (0, "0.00")],
)
def test_prices_have_at_least_two_digits(usd: float, shown: str) -> None:
    assert bare_price(usd, ENGLISH) == shown


def test_a_price_is_in_the_currency_of_the_scenario() -> None:
    assert bare_price(2.0, KOREAN) == "2,000"


# a day


def test_the_terminal_tells_what_a_day_of_each_milestone_is_worth() -> None:
    assert day_line(VALUE, ENGLISH) == (
        "A day       of first run is worth USD 1.54 million (32,000 GPUs), of 100k USD 3.26 million (68,000 GPUs "
        "more), at USD 2.00 a GPU-hour"
    )


def test_an_estimate_and_depreciation_are_said_to_be_so() -> None:
    worn = VALUE.model_copy(update={"gpu_life_years": 5.0, "is_estimate": True})
    assert day_line(worn, ENGLISH).endswith("at USD 2.00 a GPU-hour, the depreciation over 5 years (estimate)")


def test_of_many_milestones_two_are_named() -> None:
    every = tuple(MilestoneValue(milestone=f"m{n}", added_gpus=1, usd_per_day=48) for n in range(6))
    said = day_sentence(VALUE.model_copy(update={"milestones": every}), ENGLISH)
    assert [f"m{n} " in said for n in range(6)] == [True, False, False, False, False, True]


# break-even prices


@pytest.mark.parametrize(
    ("found", "bound", "cell", "text"),
    [
        (None, None, "", ""),
        (BELOW, None, "below 1.23", "better below USD 1.23 a GPU-hour"),
        (BreakEven(better=Better.ABOVE, gpu_hour_usd=2.5), None, "above 2.50", "better above USD 2.50 a GPU-hour"),
        (NEVER, None, "at no price", "later and no cheaper"),
        (BreakEven(better=Better.ALWAYS, gpu_hour_usd=None), None, "at every price", "earlier and no dearer"),
        (
            BELOW,
            BreakEven(better=Better.BELOW, gpu_hour_usd=1.5),
            "below 1.23 to 1.50",
            "better below USD 1.23 to 1.50 a GPU-hour",
        ),
        (
            BELOW,
            BreakEven(better=Better.BELOW, gpu_hour_usd=1.2341),
            "below 1.23",
            "better below USD 1.23 a GPU-hour",
        ),
        (
            BreakEven(better=Better.ABOVE, gpu_hour_usd=2.5),
            BreakEven(better=Better.ABOVE, gpu_hour_usd=2.0),
            "above 2.00 to 2.50",
            "better above USD 2.00 to 2.50 a GPU-hour",
        ),
        (NEVER, BELOW, "at no price, or below 1.23", "later and no cheaper, or better below USD 1.23 a GPU-hour"),
    ],
)
def test_break_even_prices_in_words(found: BreakEven | None, bound: BreakEven | None, cell: str, text: str) -> None:
    site = second(found, bound)
    assert break_even_cell(site, ENGLISH) == cell
    assert break_even_text(site, ENGLISH) == text


def told(found: BreakEven | None) -> dict[str, Any]:
    """The small world as a document, with a value of a day and a break-even price of its second rank."""
    document = pages.small().document
    document["value"] = VALUE.model_dump(mode="json")
    document["ranking"][1]["break_even"] = found.model_dump(mode="json") if found is not None else None
    return document


def test_the_terminal_tells_the_price_beside_the_rank() -> None:
    lines = summary(pages.Documents(told(BELOW)).run).splitlines()
    assert day_line(VALUE, ENGLISH) in lines
    (line,) = (one for one in lines if one.startswith("Next best   2."))
    assert line.endswith("; better below USD 1.23 a GPU-hour")


def test_the_ranking_has_a_column_only_where_a_price_matters() -> None:
    table = ranking_table(pages.Documents(told(BELOW)).run, ENGLISH)
    (place,) = (n for n, (name, _) in enumerate(table.columns) if name.startswith("Beats rank 1"))
    assert [row[place].text for _, row in table.rows] == ["", "below 1.23", ""]
    assert [row[place].key for _, row in table.rows] == [None, 1.234, None]
    assert all(len(row) == len(table.columns) for _, row in table.rows)
    assert any(note.startswith("Beats rank 1") for note in table.notes)
    plain = ranking_table(pages.Documents(told(None)).run, ENGLISH)
    assert len(plain.columns) == len(table.columns) - 1
    assert not any(note.startswith("Beats") for note in plain.notes)


def test_sites_have_fields_of_the_price() -> None:
    run = pages.Documents(told(BELOW)).run
    found = [site_properties(site, cost_unit(run, ENGLISH)) for site in run.ranking]
    assert [one["break_even_gpu_hour_usd"] for one in found] == [None, 1.234, None]
    assert [one["better_than_first"] for one in found] == ["", "better below USD 1.23 a GPU-hour", ""]


def test_the_page_tells_both_in_its_language() -> None:
    documents = pages.Documents(told(BELOW))
    english, korean = documents.page("en"), documents.page("ko")
    assert day_sentence(VALUE, ENGLISH) in english
    assert "below 1.23" in english
    assert day_sentence(VALUE, Translations("ko")) in korean
    assert "1.23 미만" in korean


# the front


def front_with_best(usd_per_day: float) -> siteopt.ParetoFront:
    """The front of the small world with a second point of its first site, 10 days later and 1,000,000 USD cheaper."""
    found = pages.front()
    first = found.document["sites"][0]["points"][0]
    found.add_point(10, first["cost_usd"] - 1_000_000)
    points = found.document["sites"][0]["points"]
    points[0 if usd_per_day > 100_000 else 1]["best_at_value"] = True
    worth = {"milestone": "first run", "added_gpus": 10_000, "usd_per_day": usd_per_day}
    price = {"gpu_hour_usd": usd_per_day / 240_000, "gpu_life_years": None, "is_estimate": True}
    found.document["value"] = {**price, "milestones": [worth]}
    return siteopt.ParetoFront(found.record)


@pytest.mark.parametrize(("usd_per_day", "place"), [(480_000.0, 0), (48_000.0, 1)])
def test_the_best_point_is_named_in_every_output(usd_per_day: float, place: int) -> None:
    front = front_with_best(usd_per_day)
    points = front.record.sites[0].points
    said = best_sentence(front.record, ENGLISH)
    assert said.endswith(f"the best point is day {points[place].day} at {points[place].name}.")
    assert "(estimate)" in said
    assert said in str(front)
    files = front.files()
    assert said in str(files["report.html"])
    rows = list(csv.DictReader(io.StringIO(str(files["pareto.csv"]))))
    assert [row["best_at_value"].lower() for row in rows[:2]] == [str(n == place).lower() for n in range(2)]
    assert [row["day_earlier_usd"] for row in rows[:2]] == ["100000", ""]
    properties = json.loads(files["pareto.geojson"])["features"][0]["properties"]
    assert properties["best_at_value_day"] == points[place].day
    assert properties["best_at_value_cost_usd"] == points[place].cost_usd


def test_without_a_value_no_point_is_the_best() -> None:
    front = siteopt.ParetoFront(pages.front().record)
    assert best_sentence(front.record, ENGLISH) == ""
    assert "best point" not in str(front)
