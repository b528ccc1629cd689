"""Text into numbers and dates: each rule a row, and what can be two things is neither."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.geodata.cells import dates, numbers, two_dates, two_numbers, why_no_date, why_no_number


def read(*columns: list[str], degrees: bool = False) -> list[list[float | None]]:
    """The columns of one file as numbers, None where a cell is none."""
    texts = {str(place): pa.array(column, pa.string()) for place, column in enumerate(columns)}
    found, _ = numbers(texts, ["0"] if degrees else [])
    return [[None if np.isnan(value) else float(value) for value in found[name]] for name in texts]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5", 12.5),
        ("12,5", 12.5),
        ("0,123", 0.123),
        ("0.123", 0.123),
        ("1234,567", 1234.567),
        ("1234.567", 1234.567),
        ("1,2345", 1.2345),
        (",5", 0.5),
        (".5", 0.5),
        ("5.", 5),
        ("+5", 5),
        ("-1.234,5", -1234.5),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1.234.567,8", 1234567.8),
        ("1,234,567.8", 1234567.8),
        ("1.234", 1.234),  # a point is decimal where nothing speaks against it
        ("012,345", 12.345),  # thousands do not begin with 0
        ("1e5", 1e5),
        ("1,234E+05", 123400),  # a mantissa has no thousands
        ("1.234E+05", 123400),
        ("1 234", 1234),
        ("1\N{NO-BREAK SPACE}234,5", 1234.5),
        ("1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567", 1234567),
        ("1\N{THIN SPACE}234.5", 1234.5),
        ("1'234.5", 1234.5),
        ("1\N{RIGHT SINGLE QUOTATION MARK}234", 1234),
        ("1 234,567", 1234.567),
        ("\N{MINUS SIGN}3.5", -3.5),
        ("１２．５", 12.5),
        ("－１２，５", -12.5),
        ("\N{NO-BREAK SPACE}7 ", 7),
        ("1e999", float("inf")),
    ],
)
def test_cell_that_is_certain_by_itself(text: str, number: float) -> None:
    assert read([text]) == [[number]]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("25%", "in the unit of the column, without %"),
        ("150 MW", "write only digits"),
        ("150MW", "write only digits"),
        ("12,5 m²", "write only digits"),
        ("$5", "without the currency sign"),
        ("5 €", "without the currency sign"),
        ("₩1,000,000", "without the currency sign"),
        ("#N/A", "the error of a formula"),
        ("#DIV/0!", "the error of a formula"),
        ("1.2.3", "one decimal mark"),
        ("12,34,567", "one decimal mark"),
        ("1,234.567,8", "one decimal mark"),
        ("1.234,567.8", "one decimal mark"),
        ("0,123,456", "one decimal mark"),
        ("1 23", "one decimal mark"),
        ("1 234'567", "one decimal mark"),
        ("n/a", "leave the cell blank"),
        ("-", "leave the cell blank"),
        ("미정", "leave the cell blank"),
        ("2026-03-04", "has turned it into a date"),
        ("4-Mar", "has turned it into a date"),
        ("about 20", ""),
        ("5²", "write only digits"),
        ("½", ""),
        ("٣", ""),
    ],
)
def test_cell_that_is_no_number(text: str, cause: str) -> None:
    assert read([text]) == [[None]]
    assert cause in why_no_number(text)
    assert bool(cause) == bool(why_no_number(text))
    assert two_numbers(text) == ""


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        # 1,234 alone is two numbers
        ([["1,234"]], [[None]]),
        ([["1,234"], ["12.5"]], [[None], [12.5]]),
        # a decimal where the file has decimal commas and nothing English
        ([["1,234", "12,5"]], [[1.234, 12.5]]),
        ([["1,234"], ["12,5"]], [[1.234], [12.5]]),
        ([["1,234"], ["1.234.567"]], [[1.234], [1234567]]),
        ([["1,234"], ["12,5"], ["12.5"]], [[None], [12.5], [12.5]]),
        ([["1,234"], ["12,5"], ["1,234,567"]], [[None], [12.5], [1234567]]),
        # a thousand where its own column has thousands
        ([["1,234", "1,234,567"]], [[1234, 1234567]]),
        ([["1,234", "1,234.5"]], [[1234, 1234.5]]),
        ([["1,234"], ["1,234,567"]], [[None], [1234567]]),
        ([["1,234", "1,234,567", "12,5"]], [[None, 1234567, 12.5]]),
        # 1.234 is a decimal, but needs proof where the file writes otherwise
        ([["1.234"], ["7"]], [[1.234], [7]]),
        ([["1.234"], ["12,5"]], [[None], [12.5]]),
        ([["1.234", "7"], ["12,5", "7"]], [[None, 7], [12.5, 7]]),
        ([["1.234", "12.5"], ["12,5", "7"]], [[1.234, 12.5], [12.5, 7]]),
        ([["1.234", "1.234.567"], ["12,5", "7"]], [[1234, 1234567], [12.5, 7]]),
        ([["1.234", "1.234.567"]], [[1234, 1234567]]),
        ([["1.234"], ["1.234.567"]], [[None], [1234567]]),
        ([["1.234", "1.234,5"]], [[1234, 1234.5]]),
        ([["1.234", "1.234.567", "12.5"]], [[None, 1234567, 12.5]]),
        ([["1.234", "12,5"]], [[None, 12.5]]),
        ([["0.123", "1234.567", "12,5"]], [[0.123, 1234.567, 12.5]]),
        # both at once
        ([["1,234", "1.234"]], [[None, 1.234]]),
        ([["1,234", "1.234", "12,5"]], [[1.234, None, 12.5]]),
    ],
)
def test_cells_that_need_others(columns: list[list[str]], expected: list[list[float | None]]) -> None:
    assert read(*columns) == expected
    assert read(*columns[::-1]) == expected[::-1]
    assert read(*[column[::-1] for column in columns]) == [column[::-1] for column in expected]


@pytest.mark.parametrize(
    ("text", "number"), [("126,770", 126.77), ("126.770", 126.77), ("126,7", 126.7), ("1.234,5", None), ("1,2,3", None)]
)
def test_places_have_no_thousands(text: str, number: float | None) -> None:
    assert read([text], degrees=True) == [[number]]


def test_places_tell_how_the_others_are_written() -> None:
    assert read(["126,770"], ["1,234"], degrees=True) == [[126.77], [1.234]]
    assert read(["126.770"], ["1,234"], ["12,5"], degrees=True) == [[126.77], [None], [12.5]]


def test_both_readings_are_named() -> None:
    assert two_numbers("1,234") == "; is it 1234 or 1.234? Write 1234 or 1.2340"
    assert two_numbers("-12.500") == "; is it -12500 or -12.500? Write -12500 or -12.5000"


def test_blanks_stay_such() -> None:
    found, commas = numbers({"a": pa.array(["12,5", None, "x"], pa.string())}, [])
    np.testing.assert_array_equal(found["a"], [12.5, np.nan, np.nan])
    assert commas


FORMS = ["1,234", "12,5", "1.234", "12.5", "1,234,567", "1.234.567", "7", "1 234"]
VALUES = {"12,5": 12.5, "12.5": 12.5, "1,234,567": 1234567, "1.234.567": 1234567, "7": 7, "1 234": 1234}


def test_no_mixture_is_guessed() -> None:
    """A certain cell is always read as such, and 1,234 never as both in one file."""
    for cells in itertools.product(FORMS, repeat=3):
        both = {value for form, value in zip(cells, read(list(cells))[0], strict=True) if form == "1,234"}
        assert len(both) <= 1
        assert both <= {None, 1234, 1.234}
        for form, value in zip(cells, read(list(cells))[0], strict=True):
            assert form not in VALUES or value == VALUES[form]


@given(st.lists(st.decimals(-99999, 99999, places=2), min_size=1, max_size=8), st.sampled_from([".", ","]))
def test_decimals_of_either_mark_are_the_same(values: list[float], mark: str) -> None:
    """Two decimals make every cell certain, grouped or not."""
    other = {".": ",", ",": "."}[mark]
    plain = [f"{value:.2f}".replace(".", mark) for value in values]
    grouped = [f"{value:,.2f}".translate(str.maketrans(".,", mark + other)) for value in values]
    expected = [float(value) for value in values]
    assert read(plain) == read(grouped) == [expected]


# dates


def days(*texts: str) -> list[str]:
    return list(dates(pd.Series(texts, dtype=str)).dt.strftime("%Y-%m-%d").fillna(""))


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01",
        "2026-12-1",
        "2026/12/1",
        "2026/12/01",
        "2026.12.1",
        "2026. 12. 1.",
        "2026. 12. 01",
        "2026년 12월 1일",
        "01.12.2026",
        "1.12.2026",
        "1. 12. 2026",
        "1-Dec-2026",
        "1 December 2026",
        "01 dec 2026",
        "Dec 1, 2026",
        "December 1 2026",
        "２０２６－１２－０１",
        "2026-12-01 0:00",
        "2026-12-01T13:45:00+09:00",
        "01.12.2026 13:45",
        "2026/12/1 1:45:00 PM",
    ],
)
def test_date_that_is_certain_by_itself(text: str) -> None:
    assert days(text) == ["2026-12-01"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["3/4/2026"], [""]),
        (["3-4-2026"], [""]),
        (["4/4/2026"], ["2026-04-04"]),  # the same in both readings
        (["3/4/2026", "13/4/2026"], ["2026-04-03", "2026-04-13"]),
        (["3/4/2026", "4/13/2026"], ["2026-03-04", "2026-04-13"]),
        (["3/4/2026", "13/4/2026", "4/13/2026"], ["", "2026-04-13", "2026-04-13"]),
        (["3-4-2026", "13/4/2026"], ["2026-04-03", "2026-04-13"]),
        (["3/4/2026", "2026-12-01", "13.4.2026"], ["", "2026-12-01", "2026-04-13"]),
        (["3/4/2026", ""], ["", ""]),
    ],
)
def test_order_of_days_and_months_is_proven_by_the_column(texts: list[str], expected: list[str]) -> None:
    assert days(*texts) == expected
    assert days(*texts[::-1]) == expected[::-1]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("46357", "a spreadsheet may have turned 2026-12-01 into this number"),
        ("46357.5", "may have turned 2026-12-01"),
        ("1/12/26", "write the year with four digits"),
        ("26-12-01", "write the year with four digits"),
        ("1-Dec-26", "write the year with four digits"),
        ("2026-02-30", "this day does not exist"),
        ("13/13/2026", "this day does not exist"),
        ("0026-12-01", "the year must be from 1950 to 2200"),
        ("1/2/1900", "the year must be from 1950 to 2200"),
        ("2201-01-01", "the year must be from 1950 to 2200"),
        ("9999-12-31", "the year must be from 1950 to 2200"),
        ("TBD", "leave the cell blank"),
        ("1 Foo 2026", ""),
        ("Q3 2026", ""),
        ("20261201", ""),
        ("2026-12", ""),
    ],
)
def test_what_is_no_date(text: str, cause: str) -> None:
    found = dates(pd.Series([text], dtype=str))
    assert found.isna().all() or not found.dt.year.between(1950, 2200).any()
    assert cause in why_no_date(text)
    assert bool(cause) == bool(why_no_date(text))
    assert two_dates(text) == ""


def test_both_dates_are_named() -> None:
    assert two_dates("3/4/2026") == "; is it 2026-03-04 or 2026-04-03? Write it in this form"
    assert two_dates("4/4/2026") == two_dates("13/4/2026") == ""
