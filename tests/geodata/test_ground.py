"""Places against the map of countries: in the sea, in another country, with a country that is no code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from siteopt.codes import Code
from siteopt.faults import NAMED, Fault
from siteopt.geodata.distances import WGS84
from siteopt.geodata.ground import TOLERANCE_KM, ground_faults

MEMPHIS, SEOUL, JEJU = (35.15, -90.05), (37.5, 127.0), (33.4, 126.5)


def faults_at(*places: tuple[float, float], country: str | list[str] = "") -> list[Fault]:
    table = pd.DataFrame(places, columns=["latitude", "longitude"]).assign(country=country)
    return ground_faults(table.set_axis(range(2, len(places) + 2), axis=0), "t.csv")


@pytest.mark.parametrize(
    ("place", "country"),
    [
        (MEMPHIS, "US"),
        (SEOUL, "KR"),
        (JEJU, "KR"),
        (MEMPHIS, ""),
        ((48.85, 2.35), "FR"),
        ((-21.1, 55.5), "FR"),  # Réunion
        ((-21.1, 55.5), "RE"),
        ((59.9, 10.7), "NO"),
        ((18.2, -66.5), "PR"),
        ((18.2, -66.5), "US"),  # as some write it
        ((22.35, 114.1), "HK"),
        ((25.0, 121.3), "TW"),
        ((42.6, 21.1), "XK"),
        ((42.6, 21.1), "RS"),
        ((45.0, 34.0), "UA"),
        ((-17.8, 178.0), "FJ"),
        ((65.0, -172.0), "RU"),  # beyond the date line
        ((41.90, 12.45), "VA"),  # which has no shape
    ],
)
def test_place_where_it_says(place: tuple[float, float], country: str) -> None:
    assert faults_at(place, country=country) == []


@pytest.mark.parametrize(
    ("place", "country", "code", "words"),
    [
        ((36.0, -40.0), "US", Code.AT_SEA, "within 25 km of land, not 36, -40 in the sea"),
        ((36.0, -40.0), "", Code.AT_SEA, "in the sea"),
        ((0.0, 0.0), "", Code.AT_SEA, "0, 0 is what a missing place is saved as"),
        ((-90.0, 35.15), "US", Code.AT_SEA, "latitude and longitude look swapped"),
        ((34.6, 126.8), "US", Code.OTHER_COUNTRY, "KR, where 34.6, 126.8 lies"),
        ((35.15, 90.05), "US", Code.OTHER_COUNTRY, "CN, where 35.15, 90.05 lies; a minus is lost or too much before"),
        ((-37.5, 127.0), "KR", Code.AT_SEA, "a minus is lost or too much before the latitude"),
        ((-75.7, 45.4), "CA", Code.OTHER_COUNTRY, "latitude and longitude look swapped"),
    ],
)
def test_place_where_it_cannot_be(place: tuple[float, float], country: str, code: Code, words: str) -> None:
    (fault,) = faults_at(place, country=country)
    assert (fault.code, fault.file, fault.row) == (code, "t.csv", 2)
    assert words in fault.expected


@pytest.mark.parametrize(("km", "fits"), [(TOLERANCE_KM - 6, True), (TOLERANCE_KM + 6, False)])
def test_tolerance_is_measured_on_the_ground(km: float, fits: bool) -> None:
    # the border of Montana is the parallel 49; the map is simplified to about 2 km
    longitude, latitude, _ = WGS84.fwd(-110.0, 49.0, 0.0, km * 1000)
    assert (faults_at((latitude, longitude), country="US") == []) == fits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("USA", "did you mean 'US'?"),
        ("United States", "did you mean 'US'?"),
        ("Korea", "did you mean 'KR'?"),
        ("Souht Korea", "did you mean 'KR'?"),
        ("대한민국", "did you mean 'KR'?"),
        ("kr", "did you mean 'KR'?"),
        ("UK", "did you mean 'GB'?"),
        ("QQ", "so its place is not checked"),
    ],
)
def test_country_that_is_no_code_is_a_warning(text: str, words: str) -> None:
    (fault,) = faults_at(SEOUL, country=text)
    assert (fault.code, fault.column, fault.found) == (Code.COUNTRY_CODE, "country", text)
    assert fault.code.is_warning
    assert fault.expected.endswith(words)


def test_one_warning_for_all_rows_that_say_the_same() -> None:
    faults = faults_at(MEMPHIS, SEOUL, SEOUL, country=["USA", "Korea", "Korea"])
    assert [(fault.row, fault.found) for fault in faults] == [(2, "USA"), (3, "Korea")]
    assert faults[1].expected.endswith("; 1 more rows like this")


def test_blank_places_are_left_alone() -> None:
    assert faults_at((np.nan, 127.0), (37.5, np.nan), country="KR") == []


def test_table_without_countries() -> None:
    assert ground_faults(pd.DataFrame({"latitude": [37.5], "longitude": [127.0]}), "t.csv") == []


def test_many_misplaced_are_counted() -> None:
    faults = faults_at(*[(36.0, -40.0)] * (NAMED + 5))
    assert len(faults) == NAMED
    assert faults[-1].expected.endswith("; 5 more rows like this")
