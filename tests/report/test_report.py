"""The page: its figures are those of the record, and it is honest about what is not proven."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from siteopt.output.headline import headline
from siteopt.output.ranking import LISTED_ROWS, ranking_table
from siteopt.output.report import front_report
from siteopt.output.summary import summary
from siteopt.output.translations import Translations
from siteopt.schema import CANDIDATES
from tests.report import pages


class Text(HTMLParser):
    """The text of a page without its styles and scripts, and the names of its elements with attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self._silent += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.parts.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.parts))


def text_of(html: str) -> str:
    return Text(html).text


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", pages.RUNS)
def test_page_asks_for_nothing(name: str, language: str) -> None:
    if language == "ko" and name in ("many candidates", "forty orders"):
        return
    html = pages.page(name, language)
    assert "default-src 'none'" in html
    for tag, attributes in Text(html).elements:
        links = [value for key, value in attributes.items() if key in ("src", "href", "xlink:href", "action", "data")]
        assert all(value is not None and value.startswith(("#", "data:")) for value in links), tag
    assert not re.search(r"@import|url\((?!#)", html)
    assert len(html.encode()) < 3_000_000


def test_figures_of_the_page_are_those_of_the_record() -> None:
    text = text_of(pages.page("small"))
    for figure in (
        "Alpha Works",
        "10,000 GPUs start training on 24 January 2025 (day 23): 17.4 to 21.7 times faster than “a quote”.",
        "costs USD 307.73 million, including USD 300.00 million for GPUs",
        "first run 24 January 2025 day 23 10,000 GPUs, 11.9 MW at peak "
        "limited by GPU deliveries (5 days earlier without this limit)",
        "none of 2 eligible sites has a better plan (goals, most important first: first run, cost)",
        "3 candidates 2 eligible",
        "first run on day 23; quoted: 400 to 500 days",
        "All figures of this site were entered",
        "unknown: grid",
    ):
        assert figure in text, figure


def test_certificate_holds_stages_checks_and_digests() -> None:
    run, text = pages.small().run, text_of(pages.page("small"))
    assert "first run day 23 day 23 0.00%" in text
    assert "cost USD 307.73 million USD 307.73 million 0.00%" in text
    assert run.certificate.recomputed is not None
    assert f"{run.certificate.recomputed.rows:,} constraints" in text
    assert "all hold" in text
    assert run.certificate.solver in text
    for file in run.inputs:
        assert file.path in text
        assert file.sha256 in text


def test_answer_that_is_not_proven_is_never_called_so() -> None:
    text = text_of(pages.page("not proven"))
    assert "Not proven: this is the best plan found so far." in text
    assert "first run not before day 20 (gap 13.04%)" in text
    assert "no plan costs less than USD 300.00 million (gap 2.50%)" in text
    assert "Proven for" not in text
    assert headline(pages.not_proven().run, Translations()).badge == "not proven"


def test_run_without_a_site_says_why() -> None:
    text = text_of(pages.page("no site"))
    assert "None of 3 candidates can serve within the horizon." in text
    assert "GPU deliveries for first run: not ready by day 15" in text
    assert "Schedule" not in text


def test_run_without_a_plan_yet_says_so() -> None:
    text = text_of(pages.page("no plan yet"))
    assert "No plan yet: the time ran out before the first plan was found." in text
    assert "Proven for" not in text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (4.49, 5.98, "4.5 to 6.0 times faster than"),
        (2.0, 2.0, "2.0 times faster than"),
        (0.8, 1.2, "0.8 to 1.2 times as fast as"),
    ],
)
def test_quote_that_is_not_beaten_is_not_called_slower(low: float, high: float, said: str) -> None:
    found = pages.small()
    found.document["plan"]["baselines"][0] |= {"times_faster_low": low, "times_faster_high": high}
    assert said in headline(found.run, Translations()).verdict[0]
    line = next(line for line in summary(found.run).splitlines() if "'a quote'" in line)
    assert line.startswith("Faster" if low > 1 else "Compared")
    assert ("faster than" if low > 1 else "as fast as") in line


def test_every_quote_is_compared() -> None:
    found = pages.small()
    baselines = found.document["plan"]["baselines"]
    baselines.append(baselines[0] | {"name": "another", "times_faster_low": 2.0})
    assert headline(found.run, Translations()).verdict[1] == "Also 2.0 to 21.7 times faster than “another”."


def test_run_without_a_quote_has_no_comparison() -> None:
    found = pages.small()
    found.document["plan"]["baselines"] = []
    head = headline(found.run, Translations())
    assert head.verdict[0] == "10,000 GPUs start training on 24 January 2025 (day 23)."
    assert [figure.name for figure in head.figures] == ["Chosen from", "Training starts", "Complete", "Cost"]


def test_assumed_figures_are_counted_and_named() -> None:
    found = pages.small()
    found.document["assumptions"] = [
        {"column": "handover_days", "value": 30.0, "sites": 2, "chosen_site": True},
        {"column": "site_cost_usd", "value": 5e6, "sites": 1, "chosen_site": False},
    ]
    text = text_of(found.page())
    assert (
        "1 of 13 figures of this site were blank; the values of the scenario are used for them: days to handover."
        in text
    )
    assert "days to handover 30 days 2 yes" in text
    assert "cost of the site USD 5.00 million 1 no" in text


def test_second_solver_that_disagrees_is_told() -> None:
    found = pages.small()
    second = {"solver": "CBC", "agrees": False, "finished": True, "mistaken": False, "cost_musd": 300.0}
    found.document["certificate"]["second_solver"] = second | {"earlier_days_refuted": [], "seconds": 1.0}
    assert "DISAGREES" in text_of(found.page())


def test_ranking_sorts_by_numbers_and_shows_bounds() -> None:
    table = ranking_table(pages.with_candidates(9).run, Translations())
    ruled_out = next(cells for standing, cells in table.rows if standing == "not ranked")
    assert [cell.text for cell in ruled_out[:4]] == ["", "Plant 4", "≥ 23", "≥ 310.66"]
    assert [cell.key for cell in ruled_out[2:4]] == [23, 310_656_566]
    assert table.columns[3] == ("Cost, USD million", True)
    assert any("proven bound" in note for note in table.notes)


def test_long_ranking_says_how_many_more() -> None:
    table = ranking_table(pages.with_candidates(LISTED_ROWS + 100).run, Translations())
    assert len(table.rows) == LISTED_ROWS
    assert "Not shown: 100 sites, see sites.geojson." in table.notes


def test_sites_beyond_the_listed_ones_are_only_counted() -> None:
    found = pages.with_candidates(LISTED_ROWS + 100)
    found.document["candidates"] += 7
    notes = ranking_table(found.run, Translations()).notes
    assert "Not shown: 100 sites, see sites.geojson." in notes
    assert "Counted, but not listed: 7 sites." in notes


def test_ranking_of_many_milestones_has_the_first_and_the_last() -> None:
    table = ranking_table(pages.with_milestones([f"m{n}" for n in range(12)]).run, Translations())
    assert [name for name, _ in table.columns][2:4] == ["m0, day", "m11, day"]


def test_names_of_the_user_are_escaped_everywhere() -> None:
    found = Text(pages.page("a script for a name"))
    assert sum(tag == "script" for tag, _ in found.elements) == 1
    assert not any(tag == "img" for tag, _ in found.elements)
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    assert pages.INJECTION in unescape(found.text)


NASTY = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg onload=alert(3)>",
    "[% eval('1') %] {{ 7 * 7 }} {% raw %} ${7*7}",
    "javascript:alert(4)",
    "]]><!--",
)


def test_no_name_becomes_code() -> None:
    name = " ".join(NASTY)
    found = Text(pages.renamed(name).page())
    assert sum(tag == "script" for tag, _ in found.elements) == 1
    assert not any(tag == "img" for tag, _ in found.elements)
    links = [value for _, attributes in found.elements for key, value in attributes.items() if key in ("href", "src")]
    assert links
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert not any(key.startswith("on") for _, attributes in found.elements for key in attributes)
    assert name in unescape(found.text)


def test_ids_differ() -> None:
    ids = [attributes["id"] for _, attributes in Text(pages.page("small")).elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_front_of_the_same_run_is_shown() -> None:
    assert "Pareto front: start day of first run and cost" in text_of(pages.page("small"))
    assert "Pareto front: start day of first run and cost" not in text_of(pages.small().page())


def test_page_of_a_front() -> None:
    text = text_of(front_report(pages.front().record, Translations()))
    assert "The earliest start is day 23 at Alpha Works, for USD 307,727,896." in text
    assert "proven" in text
    assert "MILPs solved" in text


def test_page_of_a_front_without_points() -> None:
    found = pages.front()
    found.document.update(sites=[], outcome="no site can serve")
    assert "There is no Pareto front." in text_of(front_report(found.record, Translations()))


ENGLISH = re.compile(r"[A-Za-z]{2,}")
ALLOWED = {
    *("GPU", "MW", "MWh", "Hz", "ISO", "SHA", "MILP"),
    *("siteopt", "explain", "geojson", "sites", "Natural", "Earth"),
    *("HiGHS", "highspy", "PuLP", "Python", "pulp", "numpy", "pandas", "geopandas", "pyproj"),
    *("toml", "csv", "scenario", "candidates", "offers", "steps", "project", "horizon", "days"),
    *("small", "first", "run", "early", "middle", "late", "quote", "Model", "Depot"),
    *("Alpha", "Works", "Beta", "Mill", "alpha", "beta", "gamma"),
}
"""Words that may be in a Korean page: units, formats, names of programs and of the data."""


def strings(found: Text) -> set[str]:
    hidden = (
        value or "" for _, a in found.elements for name, value in a.items() if name in ("aria-label", "data-name")
    )
    return set(ENGLISH.findall(re.sub(r"[0-9a-f]{64}", "", " ".join([found.text, *hidden]))))


@pytest.mark.parametrize(
    "name", ["small", "no orders", "no site", "no plan yet", "not proven", "replayed", "replayed late"]
)
def test_nothing_english_is_left_in_korean_but_names(name: str) -> None:
    assert strings(Text(pages.page(name, "ko"))) - ALLOWED == set()


def test_every_assumption_is_told_in_korean() -> None:
    found = pages.small()
    found.document["assumptions"] = [
        {"column": column.name, "value": "poor" if column.choices else 30.0, "sites": 2, "chosen_site": True}
        for column in CANDIDATES
        if column.assumable
    ]
    text = Text(found.page("ko"))
    assert "이 부지의 항목 13개 가운데 13개가 비어 있어 시나리오의 값을 사용했습니다" in text.text
    assert "건물 상태 불량 2 해당" in text.text
    assert "설계 외기 온도 30 °C 2 해당" in text.text
    assert strings(text) - ALLOWED == {"NOx", "USD"}


def test_korean_front_has_nothing_english_but_names() -> None:
    assert strings(Text(front_report(pages.front().record, Translations("ko")))) - ALLOWED == set()


def test_what_is_hardly_right_and_how_files_were_read_is_told() -> None:
    found = pages.small()
    assert "Warnings about" not in text_of(found.page())
    warning = {"code": "W01", "file": "a.csv", "row": 2, "column": "grid_mw", "found": "<b>", "expected": "less"}
    warning |= {"longitude": None, "latitude": None, "message": "a.csv:2:grid_mw: found '<b>', expected less"}
    found.document["warnings"] = [warning]
    found.document["inputs"][0]["read_as"] = "CP949, semicolons between cells"
    plain = found.page()
    assert "<b>'" not in plain
    assert "Warnings about the input a.csv:2:grid_mw: found '<b>', expected less" in text_of(plain)
    assert "scenario.toml, read as CP949, semicolons between cells" in text_of(plain)
