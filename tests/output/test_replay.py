"""What is said of a replay and of the power quality: in the summary, on the page, as a table of crews."""

from __future__ import annotations

import csv
import io

import pytest

from siteopt.output.replay import quality_part, replay_part
from siteopt.output.summary import summary
from siteopt.output.tables import crews_csv
from siteopt.output.translations import Translations
from siteopt.record.reason import Quantity, Reason, ReasonCode, because
from tests.report import pages
from tests.report.pages import Documents
from tests.report.replayed import Document, add_quality


def said(found: Documents, line: str) -> str:
    """The line of the summary that begins so; empty where there is none."""
    return next((text for text in summary(found.run).splitlines() if text.startswith(line)), "")


def told(text: str) -> list[Document]:
    """One reason, which is this sentence, as JSON."""
    return [because(ReasonCode.STORED_TEXT, text=text).model_dump(mode="json")]


def mw(amount: float) -> Quantity:
    return Quantity(amount=amount, unit="MW")


def short(limit: str, amount: float) -> Reason:
    return because(ReasonCode.SHORT, limit=limit, missing=mw(amount))


def test_nothing_replayed_is_nothing_said() -> None:
    found = pages.no_site()
    assert found.run.plan is None
    assert not any(said(found, line) for line in ("Replay", "Electricity", "Iterations"))
    assert crews_csv(found.run).count("\n") == 1
    page = found.page()
    assert all(f'id="{section}"' not in page for section in ("replay", "power_quality"))
    replayed = pages.replayed().page()
    assert all(f'id="{section}"' in replayed for section in ("replay", "power_quality"))


def test_as_planned() -> None:
    found = pages.replayed()
    assert said(found, "Replay") == "Replay      as planned"
    part = replay_part(found.plan, Translations())
    assert part.sentences[0] == "In the replay, every milestone starts as planned."
    assert part.sentences[1] == "first run starts as planned, on day 23."
    assert part.sentences[-1] == "The replayed plan costs USD 307.73 million: within the budget."
    assert part.rows == (("first run", 23, 23, "2025-01-24", 0, 23, ""),)


def test_later_sooner_and_never() -> None:
    found = pages.replayed_late()
    early, middle, late = found.document["plan"]["replay"]["milestones"]
    waits = because(ReasonCode.NO_CREW, trade="mechanical", units=3).model_dump(mode="json")
    cooling = short("cooling", 1.9).model_dump(mode="json")
    early |= {"day": 21, "days_later": -2, "date": "2025-01-22", "by_crews": False, "reasons": []}
    middle |= {"day": 36, "days_later": 3, "bound_day": 35, "by_crews": True, "reasons": [waits]}
    late |= {"day": None, "days_later": None, "date": None, "bound_day": None, "reasons": [cooling]}
    assert said(found, "Replay") == (
        "Replay      early on day 21, 2 days earlier than planned; middle on day 36, 3 days later than planned: no"
        " mechanical crew for 3 units; late does not start: cooling: 1.9 MW short; ABOVE THE BUDGET"
    )
    part = replay_part(found.plan, Translations())
    assert part.sentences[:4] == (
        "In the replay, 3 of 3 milestones do not start as planned.",
        "early starts on day 21, 2 days earlier than planned.",
        "middle starts on day 36, 3 days later than planned: no mechanical crew for 3 units. With enough crews, it"
        " would start on time. With these orders, no schedule of the crews allows a start before day 35.",
        "late does not start: cooling: 1.9 MW short.",
    )
    assert part.sentences[-1].endswith("ABOVE THE BUDGET.")
    assert part.rows[2] == ("late", 43, "", "", "", "", "cooling: 1.9 MW short")


def test_crews_are_not_blamed_where_they_are_not_the_cause() -> None:
    found = pages.replayed()
    (milestone,) = found.document["plan"]["replay"]["milestones"]
    milestone |= {"day": 24, "days_later": 1, "bound_day": 23, "by_crews": False, "reasons": told("x")}
    part = replay_part(found.plan, Translations())
    assert part.sentences[1] == "first run starts on day 24, 1 day later than planned: x."


def test_class_that_is_kept() -> None:
    found = pages.replayed()
    assert said(found, "Electricity") == (
        "Electricity G2 kept at every milestone (without batteries: routine swing, job start fail)"
    )
    assert said(found, "            first run, islanded: ") == (
        "            first run, islanded: steady band 1.2 of 1.5 %, rate of change 0.8 Hz/s, dip 1.3 of 10 %,"
        " recovery 1.6 of 5 s"
    )
    assert said(found, "Iterations") == (
        "Iterations  2; the plan without this requirement: Alpha Works, days 23, USD 295.43 million"
    )
    part = quality_part(found.plan, Translations())
    assert part.sentences == (
        "In the simulation, G2 is kept at every milestone.",
        "Operating mode that keeps the class at first run: islanded.",
        "Below the class, but not required, since the other mode keeps it: grid loss (grid-tied) at first run.",
        "The plan took 2 iterations; each adds the battery power or inertia that the previous plan lacked.",
        "The plan without this requirement: Alpha Works, days 23, USD 295.43 million.",
        "The requirement changes the plan: USD 12.30 million more.",
        "The class would not be kept without batteries: routine swing (islanded), job start (islanded).",
    )
    assert part.rows[0] == ("routine swing (islanded)", "G3", "fails")
    assert part.rows[-1] == ("grid loss (grid-tied)", "G1", "")
    shown = dict(zip(part.more_header, part.more_rows[0], strict=True))
    assert (shown["event"], shown["class"], shown["lowest Hz"]) == ("routine swing (islanded)", "G3", 59.2)
    assert (shown["steady band, %"], shown["rate of change, Hz/s"], shown["dip, %"]) == ("1.2 of 1.5", "0.8", "")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("voltage", "Short-circuit faults", "Protection")), ("ko", ("전압", "단락 고장", "보호 협조"))],
)
def test_power_quality_begins_with_what_it_does_not_cover(language: str, words: tuple[str, ...]) -> None:
    found = pages.replayed()
    part = quality_part(found.plan, Translations(language))
    assert [word in sentence for word, sentence in zip(words, part.not_covered, strict=True)] == [True] * 3
    page = pages.page("replayed", language)
    section = page[page.index('<section id="power_quality">') :]
    first = section[section.index("</h2>") + len("</h2>") :].lstrip()
    assert first.startswith(f"<p>{' '.join(part.not_covered)}</p>")


def test_class_that_is_not_kept_is_not_called_kept() -> None:
    found = pages.replayed_late()
    assert said(found, "Electricity").startswith("Electricity G2 NOT kept")
    part = quality_part(found.plan, Translations())
    assert part.sentences[0] == "G2 is NOT kept."
    assert part.sentences[1].startswith("Below the class: routine swing (islanded) at early, middle, late; ")
    assert "is kept" not in " ".join(part.sentences)


def test_what_the_needs_cost_in_days_and_money() -> None:
    found = pages.replayed()
    plan = found.document["plan"]
    before = plan["power_quality"]["before"]
    before |= {"days": [20], "cost_usd": plan["cost"]["total_usd"] + 1_000_000}
    part = quality_part(found.plan, Translations())
    assert "The requirement changes the plan: USD 1.00 million less, first run 3 days later." in part.sentences
    before["days"] = [25]
    part = quality_part(found.plan, Translations())
    assert "The requirement changes the plan: USD 1.00 million less, first run 2 days earlier." in part.sentences


def test_first_plan_that_keeps_it() -> None:
    found = pages.small()
    add_quality(found.document, iterations=1)
    found.document["plan"]["power_quality"]["without_batteries"] = {"passes": True, "failed": []}
    assert said(found, "Electricity") == "Electricity G2 kept at every milestone"
    assert said(found, "Iterations") == ""
    part = quality_part(found.plan, Translations())
    assert part.sentences[3:] == ("The first plan keeps the class.", "The class would be kept without batteries, too.")


def test_no_class_asked_for() -> None:
    found = pages.small()
    add_quality(found.document, iso_class=None)
    assert said(found, "Electricity") == ""
    part = quality_part(found.plan, Translations())
    assert part.sentences == ("No class of ISO 8528-5 is required; the table shows what would happen.",)
    assert part.header == ("event", "first run")


@pytest.mark.parametrize(("collapsed", "cell"), [(None, "no class"), (3.214, "collapses at 3.21 s")])
def test_event_without_a_class(collapsed: float | None, cell: str) -> None:
    found = pages.replayed()
    event = found.document["plan"]["power_quality"]["milestones"][0]["events"][0]
    event |= {"iso_class": "", "collapsed_s": collapsed, "figures": []}
    part = quality_part(found.plan, Translations())
    assert part.rows[0][1] == cell


def test_what_is_beyond_its_limit_is_said_beside_the_class() -> None:
    found = pages.replayed()
    event = found.document["plan"]["power_quality"]["milestones"][0]["events"][2]
    late = {"name": "recovery", "unit": "s", "value": None, "limit": 5.0, "holds": False}
    over = {"name": "beyond import limit", "unit": "s", "value": 2.25, "limit": 0.5, "holds": False}
    event |= {"iso_class": "", "figures": [late, over]}
    part = quality_part(found.plan, Translations())
    assert part.rows[2][1] == "no class: recovery never of 5 s, beyond import limit 2.25 of 0.5 s"


def test_the_worst_event_of_each_figure_is_in_the_summary() -> None:
    found = pages.replayed()
    events = found.document["plan"]["power_quality"]["milestones"][0]["events"]
    slow = {"name": "recovery", "unit": "s", "value": 4.5, "limit": 5.0, "holds": True}
    (one,) = (event for event in events if (event["event"], event["mode"]) == ("job start", "islanded"))
    one["figures"] = [slow]
    assert "recovery 4.5 of 5 s" in said(found, "            first run, islanded: ")
    # the other mode does not count
    slow["value"] = 4.9
    one["mode"] = "grid-tied"
    assert "recovery 1.6 of 5 s" in said(found, "            first run, islanded: ")


def test_a_plant_without_machines_stops_with_its_grid() -> None:
    found = pages.replayed()
    sentence = "Nothing on the site keeps a frequency at first run: when the grid is lost, everything stops."
    assert sentence not in quality_part(found.plan, Translations()).sentences
    events = found.document["plan"]["power_quality"]["milestones"][0]["events"]
    events[:] = [event for event in events if event["mode"] == "grid-tied" and event["event"] != "grid loss"]
    assert sentence in quality_part(found.plan, Translations()).sentences


def test_crews_csv_has_every_shift() -> None:
    found = pages.replayed()
    rows = list(csv.DictReader(io.StringIO(crews_csv(found.run))))
    shifts = found.plan.replay.crews
    assert len(rows) == len(shifts) > 6
    fields = ["trade", "crew", "offer_id", "model", "unit", "milestone", "first_day", "last_day", "first", "last"]
    assert list(rows[0]) == fields
    assert rows[0] == {name: str(getattr(shifts[0], name)) for name in fields}


@pytest.mark.parametrize(
    ("reasons", "english", "korean"),
    [
        (
            [because(ReasonCode.UNTIL_UNIT, short("cooling", 2.4), unit=3, offer="re_voltagrid25")],
            "cooling: 2.4 MW short until unit 3 of re_voltagrid25 is in service",
            "re_voltagrid25 3호기 가동 전까지 냉각 용량: 2.4 MW 부족",
        ),
        (
            [
                because(
                    ReasonCode.UNTIL_LATE_UNIT,
                    short("mean power", 0.7),
                    unit=12,
                    offer="de_1",
                    days=2,
                    trade="electrical",
                )
            ],
            "mean power: 0.7 MW short until unit 12 of de_1 is in service, 2 days late for lack of electrical crews",
            "de_1 12호기 가동 전까지 평균 전력: 0.7 MW 부족(전기 시공조 부족으로 2일 늦음)",
        ),
        (
            [short("mean power", 1.0), because(ReasonCode.UNTIL_STEP, short("swing", 2.0), step=2)],
            "mean power: 1.0 MW short; swing: 2.0 MW short until grid step 2 is in service",
            "평균 전력: 1.0 MW 부족; 계통 2단계 가동 전까지 부하 변동 대응: 2.0 MW 부족",
        ),
        (
            [because(ReasonCode.ABOVE, limit="fuel gas", used=mw(12.0), allowed=mw(10.0))],
            "fuel gas: 12.0 MW of 10.0 MW",
            "연료 가스: 12.0 MW(한도 10.0 MW)",
        ),
        (
            [because(ReasonCode.GPUS_NETWORKED_BY, there=31_200, needed=32_000, day=72)],
            "31,200 of 32,000 GPUs networked by day 72",
            "72일째까지 GPU 32,000장 중 31,200장 연결",
        ),
        (
            [because(ReasonCode.NO_CREW, trade="mechanical", units=3)],
            "no mechanical crew for 3 units",
            "3대를 설치할 기계 시공조 없음",
        ),
        (
            [
                because(
                    ReasonCode.QUALITY_SHORT,
                    limit="battery power",
                    milestone="200k",
                    day=200,
                    there=mw(61.0),
                    needed=mw(80.0),
                )
            ],
            "battery power for 200k: 61.0 MW by day 200, power quality requires 80.0",
            "200k의 배터리 출력: 200일째까지 61.0 MW, 전력 품질에 필요한 값 80.0",
        ),
        ([because(ReasonCode.STORED_TEXT, text="another reason")], "another reason", "another reason"),
    ],
)
def test_reasons_are_told_in_both_languages(reasons: list[Reason], english: str, korean: str) -> None:
    assert Translations().reasons(reasons) == english
    assert Translations("ko").reasons(reasons) == korean
