"""The calendar of payments in the outputs: ``cash.csv``, the frame, the summary, the chart and its table."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siteopt
from siteopt.output.charts.base import NARROW, WIDE, Chart
from siteopt.output.charts.cash import cash
from siteopt.output.frames import cash as cash_frame
from siteopt.output.report import charts
from siteopt.output.summary import summary
from siteopt.output.tables import cash_csv
from siteopt.output.translations import Translations
from tests.report import pages


def chart_of(found: pages.Documents, language: str = "en") -> Chart:
    run = found.run
    chart = cash(run, found.plan, Translations.of(run, language))
    assert chart is not None
    return chart


def drawn(chart: Chart, width: int = WIDE) -> list[dict[str, Any]]:
    """The rows of all layers."""
    found = json.loads(json.dumps(chart.draw(width)))
    return [row for layer in found["layer"] for row in layer["data"]["values"]]


def without_cash() -> pages.Documents:
    found = pages.small()
    del found.document["plan"]["cash"]
    return found


def in_won() -> pages.Documents:
    found = pages.small()
    found.document.update(currency="KRW", currency_per_usd=1380.0)
    return found


def rent_for(months: int) -> pages.Documents:
    """The small world, in which the last payment for batteries, 16,099 dollars, is that much later."""
    found = pages.small()
    calendar = found.document["plan"]["cash"]["months"]
    for number in range(len(calendar), months):
        calendar.append(
            {"month": f"{2025 + number // 12}-{number % 12 + 1:02}-01", "committed_usd": {}, "paid_usd": {}}
        )
    calendar[-1]["paid_usd"]["batteries"] = calendar[12]["paid_usd"].pop("batteries")
    return found


def test_the_table_has_each_part_in_each_month_and_adds_up() -> None:
    found = pages.small()
    rows = list(csv.DictReader(io.StringIO(cash_csv(found.run))))
    assert list(rows[0]) == ["month", "part", "committed_usd", "paid_usd"]
    parts = {part: usd for part, usd in found.plan.cost.parts_usd.items() if usd}
    assert [row["part"] for row in rows] == list(parts) * 13
    assert [row["month"] for row in rows][:: len(parts)] == [*(f"2025-{month:02}" for month in range(1, 13)), "2026-01"]
    for column in ("committed_usd", "paid_usd"):
        sums: Counter[str] = Counter()
        for row in rows:
            sums[row["part"]] += int(row[column])
        assert sums == parts


def test_without_a_calendar_the_outputs_say_nothing_of_it() -> None:
    run = without_cash().run
    assert run.plan is not None
    assert cash_csv(run) == "month,part,committed_usd,paid_usd\n"
    assert cash_frame(run).empty
    assert "Cash" not in summary(run)
    assert "cash" not in [chart.name for chart in charts(run, without_cash().plan_features, Translations())]
    assert 'id="cash"' not in without_cash().page()


def test_the_frame_is_in_the_currency_too() -> None:
    frame = cash_frame(in_won().run)
    assert frame["paid_krw"].sum() == pytest.approx(1380 * frame["paid_usd"].sum())
    assert frame["month"].iloc[-1] == pd.Timestamp("2026-01-01")
    assert frame["committed_usd"].dtype == "Int64"


def test_the_summary_says_the_peak_and_what_is_committed_by_the_first_milestone() -> None:
    (line,) = [one for one in summary(pages.small().run).splitlines() if one.startswith("Cash")]
    assert line == (
        "Cash        at most USD 302.30 million committed and not yet paid (2025-01-01); by first run, USD 307.31"
        " million committed and USD 305.11 million paid"
    )


def test_the_caption_says_what_is_committed_and_paid_by_each_milestone() -> None:
    chart = chart_of(pages.with_milestones(["early", "late"]))
    for name, day in (("early", "24 January 2025"), ("late", "3 February 2025")):
        assert (
            f"By the end of {day}, the day of {name}, USD 307.31 million is committed and USD 305.11 million is paid."
            in chart.caption
        )
    assert "At most USD 302.30 million is committed and not yet paid, on 1 January 2025." in chart.caption
    assert "The budget is USD 1,000.00 million." in chart.caption
    assert "2025년 1월 24일까지 약정 누계는 30,731.5만 달러" in chart_of(pages.small(), "ko").caption


def test_the_table_of_the_page_has_a_row_for_each_month() -> None:
    chart = chart_of(pages.small())
    assert chart.header[:6] == ("month", "committed", "paid", "committed so far", "paid so far", "paid: GPUs")
    assert len(chart.rows) == 13
    assert chart.rows[0][:6] == ("2025-01", "307.41", "305.25", "307.41", "305.25", "300.00")
    assert chart.rows[2][:6] == ("2025-03", "", "0.19", "307.73", "305.93", "")
    assert chart.rows[-1][3:5] == ("307.73", "307.73")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_lines_end_at_the_cost_and_bars_add_up_to_all_but_the_gpus(width: int) -> None:
    found = pages.small()
    rows = drawn(chart_of(found), width)
    ends = {row["line"]: row["y"] for row in rows if row.get("line") in ("committed", "paid")}
    assert ends["committed"] == ends["paid"]
    bars = [row for row in rows if "what" in row]
    pixels = sum(row["y2"] - row["y"] for row in bars)
    (site,) = [row for row in bars if "site" in row["what"]]
    assert site["what"] == "2025-01, site: USD 5.00 million"
    others = found.plan.cost.total_usd - found.plan.cost.parts_usd["gpus"]
    assert pixels * 5_000_000 / (site["y2"] - site["y"]) == pytest.approx(others)


@pytest.mark.parametrize(("budget", "is_drawn"), [(308_000_000, True), (615_000_000, True), (616_000_000, False)])
def test_a_budget_far_above_the_cost_is_not_drawn(budget: int, is_drawn: bool) -> None:
    found = pages.small()
    found.document["plan"]["cash"]["budget_usd"] = budget
    chart = chart_of(found)
    assert any(row.get("line") == "budget" for row in drawn(chart)) == is_drawn
    assert any(row.get("text") == "budget" for row in drawn(chart)) == is_drawn
    assert "The budget is USD" in chart.caption


def test_a_long_calendar_has_a_bar_for_each_year() -> None:
    assert any("each month" in str(row.get("text")) for row in drawn(chart_of(rent_for(60))))
    rows = drawn(chart_of(rent_for(61)))
    assert any("each year" in str(row.get("text")) for row in rows)
    named = {row["what"].split(",")[0] for row in rows if "what" in row}
    assert named == {"2025", "2026", "2030"}


def test_a_plan_that_pays_for_nothing_but_gpus_has_no_bars() -> None:
    found = pages.small()
    plan = found.document["plan"]
    plan["orders"] = []
    plan["cost"] = {"total_usd": 300_000_000, "parts_usd": {"gpus": 300_000_000}}
    for one in plan["cash"]["months"]:
        for name in ("committed_usd", "paid_usd"):
            one[name] = {part: usd for part, usd in one[name].items() if part == "gpus"}
    totals = {"committed_usd": 300_000_000, "paid_usd": 300_000_000}
    plan["cash"]["milestones"][0] |= totals
    plan["cash"]["peak"] |= totals | {"paid_usd": 0}
    chart = chart_of(found)
    assert not any("what" in row for row in drawn(chart))
    assert "Bars" not in chart.caption


def test_the_folder_of_a_run_holds_the_table(tmp_path: Path) -> None:
    from tests.worlds import write_world

    result = siteopt.solve(write_world(tmp_path))
    folder = result.write(tmp_path / "run")
    assert (folder / "cash.csv").read_text(encoding="utf-8") == cash_csv(result.record)
    assert "cash.csv" in json.loads((folder / ".siteopt.json").read_text(encoding="utf-8"))["files"]
