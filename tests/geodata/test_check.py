"""Faults of tables: every one in a single pass, with its place, its text and what is expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import siteopt
from siteopt import InputError, Issue
from siteopt.geodata.check import typed
from siteopt.geodata.tables import RawTable
from siteopt.issues import NAMED
from siteopt.schema import CANDIDATES, GRID_STEPS
from tests.worlds import OFFERS, SITES, STEPS, Row, changed, csv_text, write_world


def issues_of(scenario: Path) -> tuple[Issue, ...]:
    with pytest.raises(InputError) as error:
        siteopt.load(siteopt.read_scenario(scenario))
    return error.value.issues


def only_issue(folder: Path, name: str, text: str | bytes) -> Issue:
    """The single fault of a world in which one table is replaced by this text."""
    scenario = write_world(folder)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (issue,) = issues_of(scenario)
    return issue


FAULTY_SITES: tuple[Row, ...] = (
    *changed(SITES, "site_id", "gamma", latitude=126.77, longitude=34.64),
    {**SITES[0], "site_id": "in_kw", "grid_mw": 15000},
    {**SITES[0], "name": "The same again"},
    {**SITES[0], "site_id": "kind", "condition": "sounds"},
    {**SITES[0], "site_id": "negative", "gas_mw": -5},
    {**SITES[0], "site_id": "worded", "yard_area_m2": "about 20000"},
    {**SITES[0], "site_id": "undated", "available_from": "01/02/2024"},
    {**SITES[0], "site_id": "backwards", "available_from": "2024-03-01", "available_until": "2024-02-01"},
    {**SITES[0], "site_id": "nameless", "name": ""},
    {**SITES[0], "site_id": "nan", "water_m3_per_day": "nan"},
    {**SITES[0], "site_id": "huge", "site_cost_usd": "1e308"},
)
FAULTY_STEPS: tuple[Row, ...] = (
    {"site_id": "beta", "ready_day": 60, "ready_date": "", "grid_mw": 30},
    {"site_id": "beta", "ready_day": 90, "ready_date": "", "grid_mw": 20.5},
    {"site_id": "alpha", "ready_day": "", "ready_date": "", "grid_mw": 40},
    {"site_id": "alpah", "ready_day": 5, "ready_date": "", "grid_mw": 40},
    {"site_id": "elsewhere", "ready_day": 5, "ready_date": "", "grid_mw": 40},
)


def faulty_offers() -> list[Row]:
    offers = changed(OFFERS, "offer_id", "gen_rented", count=2.5, purchase_usd=1)
    offers = changed(offers, "offer_id", "gen_bought", kind="genrator")
    offers = changed(offers, "offer_id", "chiller", lead_days=30, lead_days_high=20, cop="")
    offers = changed(offers, "offer_id", "battery", fuel="gas", rent_usd_per_month="dear")
    kept = [{name: cell for name, cell in row.items() if name != "install_days"} for row in offers]
    return [{("trailer" if name == "trailers" else name): cell for name, cell in row.items()} for row in kept]


EXPECTED = {
    ("candidates.csv", 4, "latitude", "126.77", "latitude and longitude look swapped"),
    ("candidates.csv", 5, "grid_mw", "15000", "a number from 0 to 5,000 (MW); is it in kW?"),
    ("candidates.csv", 6, "site_id", "alpha", "row 2 has the same id"),
    ("candidates.csv", 7, "condition", "sounds", "one of ready, sound, poor, gutted, none; did you mean 'sound'?"),
    ("candidates.csv", 8, "gas_mw", "-5", "a number from 0 to 20,000"),
    ("candidates.csv", 9, "yard_area_m2", "about 20000", "a number from 0"),
    ("candidates.csv", 10, "available_from", "01/02/2024", "2024-01-02 or 2024-02-01?"),
    ("candidates.csv", 11, "available_until", "2024-02-01", "on or after available_from (2024-03-01)"),
    ("candidates.csv", 12, "name", "", "text"),
    ("candidates.csv", 13, "water_m3_per_day", "nan", "a number from 0 to 1,000,000"),
    ("candidates.csv", 14, "site_cost_usd", "1e308", "a number from 0"),
    ("steps.csv", 3, "grid_mw", "20.5", "more than 30 MW, the limit before this step"),
    ("steps.csv", 4, "ready_day", "", "either ready_day or ready_date"),
    ("steps.csv", 5, "site_id", "alpah", "did you mean 'alpha'?"),
    ("offers.csv", 1, "trailer", "trailer", "did you mean 'trailers'?"),
    ("offers.csv", 1, "install_days", "", "column install_days ("),
    ("offers.csv", 2, "count", "2.5", "a whole number from 0 to 100,000 (units)"),
    ("offers.csv", 2, "rent_usd_per_month", "50000", "either a rent or a purchase price"),
    (
        "offers.csv",
        3,
        "kind",
        "genrator",
        "one of generator, chiller, battery, substation, cdu, condenser; did you mean 'generator'?",
    ),
    ("offers.csv", 4, "cop", "", "for a chiller"),
    ("offers.csv", 4, "lead_days_high", "20", "at least lead_days (30)"),
    ("offers.csv", 5, "fuel", "gas", "no fuel for a battery"),
    ("offers.csv", 5, "rent_usd_per_month", "dear", "a number from 0"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Issue, ...]:
    folder = tmp_path_factory.mktemp("faulty")
    return issues_of(write_world(folder, FAULTY_SITES, faulty_offers(), FAULTY_STEPS))


@pytest.mark.parametrize(("file", "row", "column", "text", "words"), sorted(EXPECTED, key=str))
def test_each_issue_is_named(found: tuple[Issue, ...], file: str, row: int, column: str, text: str, words: str) -> None:
    matching = [issue for issue in found if (issue.file, issue.row, issue.column) == (file, row, column)]
    assert [issue.found for issue in matching] == [text]
    assert words in matching[0].expected


def test_nothing_else_is_reported(found: tuple[Issue, ...]) -> None:
    named = {(file, row, column) for file, row, column, _, _ in EXPECTED}
    assert {(issue.file, issue.row, issue.column) for issue in found} == named
    assert len(found) == len(named)


def test_message_reads_as_a_place_and_a_remedy(found: tuple[Issue, ...]) -> None:
    swapped = next(issue for issue in found if issue.column == "latitude")
    assert str(swapped).startswith("candidates.csv:4:latitude: found '126.77', expected a number from -90 to 90")


def test_faultless_world_loads(tmp_path: Path) -> None:
    assert siteopt.load(siteopt.read_scenario(write_world(tmp_path))).instance.site_id == ("alpha", "beta")


def test_row_with_too_many_cells(tmp_path: Path) -> None:
    lines = csv_text(STEPS).splitlines()
    issue = only_issue(tmp_path, "steps.csv", "\n".join([*lines, "alpha,5,20,0,7,8"]))
    assert (issue.file, issue.row, issue.found) == ("steps.csv", 3, "7,8")
    assert "4 cells" in issue.expected


def test_empty_file(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, "offers.csv", "")
    assert (issue.file, issue.found) == ("offers.csv", "an empty file")


def test_header_without_rows(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, "offers.csv", csv_text(OFFERS).splitlines()[0])
    assert (issue.file, issue.found) == ("offers.csv", "no rows")


def test_missing_file(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    (tmp_path / "steps.csv").unlink()
    (issue,) = issues_of(scenario)
    assert (issue.file, issue.found) == ("steps.csv", "no such file")


def test_repeated_header(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, "steps.csv", "site_id,ready_day,grid_mw,grid_mw\nalpha,5,20,30\n")
    assert (issue.row, issue.column) == (1, "grid_mw")
    assert "2 columns" in issue.found


def test_unpaired_quote_is_named_at_its_row(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, "steps.csv", 'site_id,ready_day,grid_mw\n\nalpha,5,20\n"beta,6,30\n')
    assert (issue.row, issue.expected) == (4, "quotes around a whole cell, and doubled quotes within it")


def test_line_break_in_quotes_is_one_row(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "alpha", name="Alpha\nWorks")
    (issue,) = issues_of(write_world(tmp_path, changed(sites, "site_id", "beta", gas_mw="much")))
    assert (issue.row, issue.column, issue.found) == (3, "gas_mw", "much")


def test_blank_lines_count_as_rows_and_hold_nothing(tmp_path: Path) -> None:
    text = csv_text(changed(SITES, "site_id", "beta", gas_mw="much")).replace("\nbeta", "\n\n , ,\nbeta") + "\n\n"
    assert only_issue(tmp_path, "candidates.csv", text).row == 5


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    (tmp_path / "candidates.csv").write_text(csv_text(SITES), encoding="utf-8-sig")
    assert siteopt.load(siteopt.read_scenario(scenario)).sites.at["gamma", "name"] == "강진 공장"


def test_line_ends_of_windows_are_accepted(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    (tmp_path / "candidates.csv").write_bytes(csv_text(SITES).replace("\n", "\r\n").encode())
    assert list(siteopt.load(siteopt.read_scenario(scenario)).sites.index) == ["alpha", "beta", "gamma"]


def test_same_id_in_two_files(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    (tmp_path / "more.csv").write_text(csv_text(SITES[1:2]))
    question = siteopt.read_scenario(scenario, ['inputs.candidates=["candidates.csv", "more.csv"]'])
    with pytest.raises(InputError, match=r"more.csv:2:site_id: found 'beta'.*candidates.csv has the same id"):
        siteopt.load(question)


def test_same_file_twice(tmp_path: Path) -> None:
    question = siteopt.read_scenario(write_world(tmp_path), ['inputs.offers=["offers.csv", "offers.csv"]'])
    with pytest.raises(InputError) as error:
        siteopt.load(question)
    assert len(error.value.issues) == len(OFFERS)


def test_column_in_two_currencies(tmp_path: Path) -> None:
    scenario = write_world(tmp_path, changed(SITES, "site_id", "alpha", site_cost_krw=7))
    overrides = ["project.currency=KRW", "project.currency_per_usd=1400"]
    with pytest.raises(InputError, match=r"candidates.csv:1:site_cost_krw: found both site_cost_usd and site_cost_krw"):
        siteopt.load(siteopt.read_scenario(scenario, overrides))


def test_issue_in_the_currency_of_the_table(tmp_path: Path) -> None:
    offers = [{k.replace("_usd", "_krw"): cell for k, cell in row.items()} for row in OFFERS]
    scenario = write_world(tmp_path, offers=changed(offers, "offer_id", "gen_rented", purchase_krw=9))
    overrides = ["project.currency=KRW", "project.currency_per_usd=1400"]
    with pytest.raises(InputError) as error:
        siteopt.load(siteopt.read_scenario(scenario, overrides))
    (issue,) = error.value.issues
    assert (issue.column, issue.found) == ("rent_krw_per_month", "50000")


def test_steps_before_the_start_may_stand_in_any_order(tmp_path: Path) -> None:
    steps = ({"site_id": "beta", "ready_date": "2024-06-01", "grid_mw": 30},)
    steps += ({"site_id": "beta", "ready_date": "2024-03-01", "grid_mw": 20},)
    instance = siteopt.load(siteopt.read_scenario(write_world(tmp_path, steps=steps))).instance
    assert list(instance.step_ready_day) == [0, 0]
    assert list(instance.step_rise_mw) == [18, 10]


def test_part_of_a_day_counts_as_a_day(tmp_path: Path) -> None:
    steps = ({"site_id": "beta", "ready_day": 10.5, "grid_mw": 30},)
    assert list(siteopt.load(siteopt.read_scenario(write_world(tmp_path, steps=steps))).instance.step_ready_day) == [11]


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ("us-0001-alpah", "did you mean 'us-0001-alpha'?"),
        ("us-0003-alpha", None),  # another number, so another site
        ("us-00012-alpha", None),
    ],
)
def test_step_of_an_unknown_site(tmp_path: Path, site: str, words: str | None) -> None:
    sites = [{**SITES[0], "site_id": name} for name in ("us-0001-alpha", "us-0002-alpha")]
    scenario = write_world(tmp_path, sites, steps=({"site_id": site, "ready_day": 5, "grid_mw": 40},))
    if words is None:
        assert siteopt.load(siteopt.read_scenario(scenario)).steps.empty
    else:
        (issue,) = issues_of(scenario)
        assert (issue.file, issue.row, issue.found) == ("steps.csv", 2, site)
        assert words in issue.expected


def test_more_issues_than_are_named(tmp_path: Path) -> None:
    sites = [{**SITES[0], "site_id": f"s{n}", "gas_mw": "much"} for n in range(NAMED + 3)]
    sites += [{**SITES[0], "site_id": "s7"}] * (NAMED + 2)
    issues = issues_of(write_world(tmp_path, sites))
    gas = [issue for issue in issues if issue.column == "gas_mw"]
    twins = [issue for issue in issues if issue.column == "site_id"]
    assert [issue.row for issue in gas] == list(range(2, NAMED + 2))
    assert [issue.row for issue in twins] == list(range(NAMED + 5, 2 * NAMED + 5))
    assert gas[-2].expected == "a number from 0 to 20,000 (MW thermal)"
    assert gas[-1].expected == "a number from 0 to 20,000 (MW thermal) (and 3 more rows like this)"
    assert twins[-1].expected == "a unique id; row 9 has the same id (and 2 more rows like this)"


NUMBERS = st.one_of(
    st.floats(0, 5000).map(repr),
    st.integers(0, 5000).map(str),
    st.text("0123456789.+-eE", max_size=6),
    st.sampled_from(["nan", "NaN", "inf", "-inf", "1e999", "1e-999", "1_0", "0x10", "True", "٣", "1 2", "5d", "5²"]),
    st.text(st.characters(max_codepoint=0x7F, exclude_characters=",'"), max_size=3).map(str.strip),
)


@given(st.lists(NUMBERS, min_size=1))
@example(["5.", ".5", "+5", "007", "-0", "1E2", "1e+2"])
@example(["0." + "1" * 40, "1" * 40])
def test_numbers_are_what_pandas_reads(cells: list[str]) -> None:
    expected = pd.to_numeric(pd.Series([cell or None for cell in cells]), errors="coerce").astype(float)
    expected = expected.where((expected >= 0) & (expected <= 5000))
    raw = RawTable("t", pd.DataFrame({"site_id": "a", "ready_day": "1", "grid_mw": cells}), np.arange(len(cells)) + 2)
    frame, issues = typed(GRID_STEPS, raw)
    np.testing.assert_allclose(frame["grid_mw"], expected, rtol=1e-15, atol=1e-300)
    bad = [row for row, (cell, value) in enumerate(zip(cells, expected, strict=True), 2) if np.isnan(value)]
    assert sorted({issue.row for issue in issues}) == bad


def test_text_of_a_layer_is_shown_as_its_file_has_it() -> None:
    cells = {
        "site_id": [7, 8],
        "name": [1.0, 2.5],
        "latitude": [35.0, 36.0],
        "longitude": [-90, -91],
        "country": [None, "US"],
    }
    frame, issues = typed(CANDIDATES, RawTable("t", pd.DataFrame(cells), np.array([2, 3])))
    assert issues == []
    assert list(frame["site_id"]) == ["7", "8"]
    assert list(frame["name"]) == ["1", "2.5"]
    assert list(frame["country"]) == ["", "US"]
