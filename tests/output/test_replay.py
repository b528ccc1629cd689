"""What is said of a replay and of the power quality: in the summary, on the page, as a table of crews."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from siteopt.output.replay import quality_part, replay_part
from siteopt.output.summary import summary
from siteopt.output.tables import crews_csv
from siteopt.output.words import Words
from tests.report import pages
from tests.report.replayed import add_quality


def said(document: dict[str, Any], line: str) -> str:
    """The line of the summary that begins so; empty where there is none."""
    return next((text for text in summary(document).splitlines() if text.startswith(line)), "")


def test_nothing_replayed_is_nothing_said() -> None:
    document = pages.small().document | {"replay": None, "power_quality": None}
    assert replay_part(document, Words()) is None
    assert quality_part(document, Words()) is None
    assert not any(said(document, line) for line in ("Replay", "Electricity", "Rounds"))
    assert crews_csv(document).count("\n") == 1


def test_as_planned() -> None:
    document = pages.replayed().document
    assert said(document, "Replay") == "Replay      as planned"
    part = replay_part(document, Words())
    assert part is not None
    assert part.sentences[0] == "Every milestone starts as planned, as replayed."
    assert part.sentences[1] == "first run as planned, on day 23."
    assert part.sentences[-1] == "Replayed, the plan costs USD 307.7 M: within the budget."
    assert part.rows == (("first run", 23, 23, "2025-01-24", 0, 23, ""),)


def test_later_sooner_and_never() -> None:
    document = pages.replayed_late().document
    early, middle, late = document["replay"]["milestones"]
    early |= {"day": 21, "days_later": -2, "date": "2025-01-22", "by_crews": False, "reason": ""}
    middle |= {"day": 36, "days_later": 3, "bound_day": 35, "by_crews": True, "reason": "crews: 3 units wait"}
    late |= {"day": None, "days_later": None, "date": None, "bound_day": None, "reason": "cooling: 1.9 MW short"}
    assert said(document, "Replay") == (
        "Replay      early on day 21, 2 days sooner than planned; middle on day 36, 3 days later than planned: crews:"
        " 3 units wait; late does not start: cooling: 1.9 MW short; ABOVE THE BUDGET"
    )
    part = replay_part(document, Words())
    assert part is not None
    assert part.sentences[:4] == (
        "3 of 3 milestones do not start as planned.",
        "early on day 21, 2 days sooner than planned.",
        "middle on day 36, 3 days later than planned: crews: 3 units wait. With as many crews as it takes it would be"
        " on time. No sequence of whole crews is sooner than day 35.",
        "late does not start: cooling: 1.9 MW short.",
    )
    assert part.sentences[-1].endswith("ABOVE THE BUDGET.")
    assert part.rows[2] == ("late", 43, "", "", "", "", "cooling: 1.9 MW short")


def test_crews_are_not_blamed_where_they_are_not_the_cause() -> None:
    document = pages.replayed().document
    (milestone,) = document["replay"]["milestones"]
    milestone |= {"day": 24, "days_later": 1, "bound_day": 23, "by_crews": False, "reason": "x"}
    part = replay_part(document, Words())
    assert part is not None
    assert part.sentences[1] == "first run on day 24, 1 day later than planned: x."


def test_class_that_is_kept() -> None:
    document = pages.replayed().document
    assert said(document, "Electricity") == (
        "Electricity G2 kept at every milestone (without batteries: routine swing, job start fail)"
    )
    assert said(document, "Rounds") == "Rounds      2, from the plan without it: Alpha Works, days 23, USD 295.4 M"
    part = quality_part(document, Words())
    assert part is not None
    assert part.sentences == (
        "G2 is kept at every milestone, as simulated.",
        "Mode in which it is kept at first run: islanded, grid-tied.",
        "Below it in the other mode, or on the loss of the grid, where it is not asked for: grid loss (grid-tied) at"
        " first run.",
        "It was solved 2 times, each time with what the simulation asked for.",
        "Without the electrical needs: Alpha Works, days 23, USD 295.4 M.",
        "What they change: USD 12.3 M more.",
        "Without batteries it would not be kept: routine swing (islanded), job start (islanded).",
    )
    assert part.rows[0] == ("routine swing (islanded)", "G3", "fails")
    assert part.rows[-1] == ("grid loss (grid-tied)", "G1", "")
    assert part.more_rows[0][:6] == ("first run", "routine swing (islanded)", 59.2, 60.1, 0.8, "")


def test_class_that_is_not_kept_is_not_called_kept() -> None:
    document = pages.replayed_late().document
    assert said(document, "Electricity").startswith("Electricity G2 NOT kept")
    part = quality_part(document, Words())
    assert part is not None
    assert part.sentences[0] == "G2 is NOT kept."
    assert part.sentences[1].startswith("Below it: routine swing (islanded) at early, middle, late; ")
    assert "is kept" not in " ".join(part.sentences)


def test_what_the_needs_cost_in_days_and_money() -> None:
    document = pages.replayed().document
    before = document["power_quality"]["before"]
    before |= {"days": [20], "cost_usd": document["cost_usd"]["total"] + 1_000_000}
    part = quality_part(document, Words())
    assert part is not None
    assert "What they change: USD 1.0 M less, first run 3 days later." in part.sentences
    before["days"] = [25]
    part = quality_part(document, Words())
    assert part is not None
    assert "What they change: USD 1.0 M less, first run 2 days sooner." in part.sentences


def test_first_plan_that_keeps_it() -> None:
    document = pages.small().document
    add_quality(document, rounds=1)
    document["power_quality"]["without_batteries"] = {"passes": True, "failed": []}
    assert said(document, "Electricity") == "Electricity G2 kept at every milestone"
    assert said(document, "Rounds") == ""
    part = quality_part(document, Words())
    assert part is not None
    assert part.sentences[3:] == ("The first plan kept it.", "Without batteries it would be kept, too.")


def test_no_class_asked_for() -> None:
    document = pages.small().document
    add_quality(document, iso_class=None)
    assert said(document, "Electricity") == ""
    part = quality_part(document, Words())
    assert part is not None
    assert part.sentences == ("No class of ISO 8528-5 was asked for; this is what would happen.",)
    assert part.header == ("event", "first run")


@pytest.mark.parametrize(("collapsed", "cell"), [(None, "no class"), (3.214, "collapses at 3.21 s")])
def test_event_without_a_class(collapsed: float | None, cell: str) -> None:
    document = pages.replayed().document
    document["power_quality"]["milestones"][0]["events"][0] |= {"class": "", "collapsed_s": collapsed}
    part = quality_part(document, Words())
    assert part is not None
    assert part.rows[0][1] == cell


def test_crews_csv_has_every_shift() -> None:
    document = pages.replayed().document
    rows = list(csv.DictReader(io.StringIO(crews_csv(document))))
    shifts = document["replay"]["crews"]
    assert len(rows) == len(shifts) > 6
    fields = ["trade", "crew", "offer_id", "model", "unit", "milestone", "first_day", "last_day", "first", "last"]
    assert list(rows[0]) == fields
    assert rows[0] == {name: str(shifts[0][name]) for name in fields}


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        (
            "cooling: 2.4 MW short until the 3rd re_voltagrid25 serves",
            "냉각 용량: re_voltagrid25 3호기 가동 전까지 2.4 MW 부족",
        ),
        (
            "mean power: 0.7 MW short until the 12th de_1 serves, 2 days late for want of electrical crews",
            "평균 전력: de_1 12호기 가동 전까지 0.7 MW 부족(전기 시공조 부족으로 2일 늦음)",
        ),
        (
            "mean power: 1.0 MW short; swing: 2.0 MW short until grid step 2 serves",
            "평균 전력: 1.0 MW 부족; 부하 변동 대응: 계통 2단계 가동 전까지 2.0 MW 부족",
        ),
        ("fuel gas: 12.0 MW of 10.0 MW", "연료 가스: 12.0 MW(한도 10.0)"),
        ("GPUs: 31,200 of 32,000 networked by day 72", "72일째까지 GPU 32,000장 중 31,200장 연결"),
        ("crews: no mechanical crew for 3 units", "3대를 설치할 기계 시공조 없음"),
        (
            "200k: batteries of 61.0 MW can be there by day 200, power quality asks for 80.0 MW",
            "200k: 200일째까지 배터리 61.0 MW, 전기 품질에 80.0 MW 필요",
        ),
        ("another reason", "another reason"),
    ],
)
def test_reasons_are_told_in_korean(text: str, korean: str) -> None:
    assert Words("ko").reason(text) == korean
