"""Places against the map of countries: in the sea, in another country, with a country that is no code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
import shapely

import siteopt
from siteopt.geodata.distances import WGS84
from siteopt.geodata.location_checks import TOLERANCE_KM, location_issues
from siteopt.issues import NAMED, Issue
from siteopt.message_catalogue import Code

PACKAGE = Path(siteopt.__file__).parent

MEMPHIS, SEOUL, JEJU = (35.15, -90.05), (37.5, 127.0), (33.4, 126.5)


def issues_at(*places: tuple[float, float], country: str | list[str] = "") -> list[Issue]:
    table = pd.DataFrame(places, columns=["latitude", "longitude"]).assign(country=country)
    return location_issues(table.set_axis(range(2, len(places) + 2), axis=0), "t.csv")


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
        ((27.15, -13.2), "EH"),  # which Morocco holds
        ((27.15, -13.2), "MA"),
        ((65.0, -172.0), "RU"),  # beyond the date line
        ((41.90, 12.45), "VA"),  # which has no shape
    ],
)
def test_place_where_it_says(place: tuple[float, float], country: str) -> None:
    assert issues_at(place, country=country) == []


@pytest.mark.parametrize(
    ("place", "country", "code", "words"),
    [
        ((36.0, -40.0), "US", Code.AT_SEA, "within 25 km of land, but 36, -40 is in the sea"),
        ((36.0, -40.0), "", Code.AT_SEA, "in the sea"),
        ((0.0, 0.0), "", Code.AT_SEA, "0, 0 often means that the coordinates are missing"),
        ((-90.0, 35.15), "US", Code.OTHER_COUNTRY, "AQ, the country at -90, 35.15; latitude and longitude look"),
        ((34.6, 126.8), "US", Code.OTHER_COUNTRY, "KR, the country at 34.6, 126.8"),
        ((35.15, 90.05), "US", Code.OTHER_COUNTRY, "CN, the country at 35.15, 90.05; the sign of the longitude"),
        ((-37.5, 127.0), "KR", Code.AT_SEA, "the sign of the latitude looks wrong"),
        ((-75.7, 45.4), "CA", Code.OTHER_COUNTRY, "latitude and longitude look swapped"),
        ((66.5, 25.7), "RU", Code.OTHER_COUNTRY, "FI, the country at 66.5, 25.7"),
        ((67.0, -50.7), "RU", Code.OTHER_COUNTRY, "GL, the country at"),
        ((66.56, -152.0), "RU", Code.OTHER_COUNTRY, "US, the country at"),
        ((-16.5, 143.0), "FJ", Code.OTHER_COUNTRY, "AU, the country at"),
        ((-16.5, -65.0), "FJ", Code.OTHER_COUNTRY, "BO, the country at"),
    ],
)
def test_place_where_it_cannot_be(place: tuple[float, float], country: str, code: Code, words: str) -> None:
    (issue,) = issues_at(place, country=country)
    assert (issue.code, issue.file, issue.row) == (code, "t.csv", 2)
    assert words in issue.expected


@pytest.mark.parametrize(
    ("latitude", "longitude", "country"),
    [
        (67.5, 64.03, "RU"),  # Vorkuta
        (67.57, 33.4, "RU"),  # Apatity
        (68.97, 33.08, "RU"),  # Murmansk
        (66.53, 66.6, "RU"),  # Salekhard
        (67.55, 133.39, "RU"),  # Verkhoyansk
        (69.35, 88.2, "RU"),  # Norilsk
        (64.73, 177.5, "RU"),  # Anadyr
        *((67.0, longitude, "RU") for longitude in (179.5, 180.0, -180.0, -179.5)),  # Chukotka
        *((71.2, longitude, "RU") for longitude in (179.5, 180.0, -180.0, -179.5)),  # Wrangel Island
        *((51.95, longitude, "US") for longitude in (179.6, 180.0, -180.0)),  # Semisopochnoi, and 25 km from it
        *((-16.82, longitude, "FJ") for longitude in (179.9, 180.0, -180.0, -179.95)),  # Taveuni
        (-18.14, 178.44, "FJ"),  # Suva
        (-77.85, 166.67, "AQ"),  # McMurdo
        (-78.46, 106.84, "AQ"),  # Vostok
        (-83.0, 60.0, "AQ"),
        *((-90.0, longitude, "AQ") for longitude in (-180.0, -90.0, 0.0, 180.0)),
    ],
)
def test_land_around_the_date_line_and_the_pole(latitude: float, longitude: float, country: str) -> None:
    assert issues_at((latitude, longitude), country=country) == []


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (67.0, 0.0),  # Norwegian Sea
        (67.0, -27.0),  # Denmark Strait
        (67.0, -57.5),  # Davis Strait
        (71.2, 10.0),  # Norwegian Sea
        (71.2, 40.0),  # Barents Sea
        (71.2, -140.0),  # Beaufort Sea
        (-16.5, -20.0),  # South Atlantic
        (-16.5, 0.0),
        (-16.5, 80.0),  # Indian Ocean
        (-16.5, 110.0),
        (-16.5, -90.0),  # Pacific
        (-16.5, -120.0),
        *((latitude, longitude) for latitude in (75.0, 60.0, 0.0, -30.0, -75.0) for longitude in (-180.0, 180.0)),
        (44.5, 32.5),  # Black Sea, off the Crimea
        (46.0, 36.5),  # Sea of Azov
    ],
)
def test_sea_around_the_date_line(latitude: float, longitude: float) -> None:
    (issue,) = issues_at((latitude, longitude))
    assert issue.code is Code.AT_SEA


@cache
def shapes() -> geopandas.GeoSeries:
    """Return the shapes of the map by the code of their country."""
    table = pyarrow.parquet.read_table(PACKAGE / "geodata" / "countries.parquet")
    own = [first for first, *_ in table["codes"].to_pylist()]
    return geopandas.GeoSeries(shapely.from_wkb(table["geometry"].to_numpy()), index=own, crs=4326)


def test_only_antarctica_runs_round_the_earth() -> None:
    width = shapes().bounds["maxx"] - shapes().bounds["minx"]
    assert set(width.index[width > 180]) == {"AQ"}


@pytest.mark.parametrize(
    ("country", "million_km2"),
    [
        ("RU", 17.1),
        ("AQ", 12.3),  # without its ice shelves
        ("CA", 9.98),
        ("CN", 9.6),
        ("US", 9.53),
        ("BR", 8.51),
        ("AU", 7.69),
        ("IN", 3.17),
        ("AR", 2.78),
        ("KZ", 2.72),
        ("CD", 2.34),
        ("DZ", 2.38),
        ("GL", 2.17),
    ],
)
def test_area_is_that_of_the_country_and_a_margin(country: str, million_km2: float) -> None:
    inside = shapely.segmentize(shapely.intersection(shapes()[[country]], shapely.box(-180, -90, 180, 90)), 0.5)
    area = geopandas.GeoSeries(inside, crs=4326).to_crs("ESRI:54034").area.sum() / 1e12  # an equal-area projection
    assert 1 < area / million_km2 < 1.2


def test_land_of_the_base_map_is_land() -> None:
    base = pyarrow.parquet.read_table(PACKAGE / "output" / "natural_earth.parquet").to_pandas()
    land = shapely.from_wkb(base.loc[base["kind"] == "land", "geometry"].to_numpy())
    places = shapely.points(np.stack(np.meshgrid(np.arange(-180, 181), np.arange(-90, 91)), axis=-1).reshape(-1, 2))
    on_land = shapely.get_coordinates(places[shapely.STRtree(places).query(land, predicate="intersects")[1]])
    assert len(on_land) > 20_000
    assert issues_at(*on_land[:, ::-1]) == []


@pytest.mark.parametrize(("km", "fits"), [(TOLERANCE_KM - 6, True), (TOLERANCE_KM + 6, False)])
def test_tolerance_is_measured_on_the_ground(km: float, fits: bool) -> None:
    # the border of Montana is the parallel 49; the map is simplified to about 2 km
    longitude, latitude, _ = WGS84.fwd(-110.0, 49.0, 0.0, km * 1000)
    assert (issues_at((latitude, longitude), country="US") == []) == fits


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
        ("QQ", "without which the coordinates are not checked"),
    ],
)
def test_country_that_is_no_code_is_a_warning(text: str, words: str) -> None:
    (issue,) = issues_at(SEOUL, country=text)
    assert (issue.code, issue.column, issue.found) == (Code.COUNTRY_CODE, "country", text)
    assert issue.code.is_warning
    assert issue.expected.endswith(words)


def test_one_warning_for_all_rows_that_say_the_same() -> None:
    issues = issues_at(MEMPHIS, SEOUL, SEOUL, country=["USA", "Korea", "Korea"])
    assert [(issue.row, issue.found) for issue in issues] == [(2, "USA"), (3, "Korea")]
    assert issues[1].expected.endswith(" (and 1 more row like this)")


def test_blank_places_are_left_alone() -> None:
    assert issues_at((np.nan, 127.0), (37.5, np.nan), country="KR") == []


def test_table_without_countries() -> None:
    assert location_issues(pd.DataFrame({"latitude": [37.5], "longitude": [127.0]}), "t.csv") == []


def test_many_misplaced_are_counted() -> None:
    issues = issues_at(*[(36.0, -40.0)] * (NAMED + 5))
    assert len(issues) == NAMED
    assert issues[-1].expected.endswith(" (and 5 more rows like this)")


def test_many_places_get_the_issues_that_few_get(monkeypatch: pytest.MonkeyPatch) -> None:
    # looked up by cells first, or one by one: the same, also at the coast, in another country, and without a country
    rng = np.random.default_rng(0)
    near = np.concatenate([rng.normal(place, 1.5, size=(4000, 2)) for place in (MEMPHIS, SEOUL, JEJU, (51.0, 3.0))])
    countries = rng.choice(["US", "KR", "BE", "", "XX"], size=len(near), p=[0.4, 0.4, 0.1, 0.05, 0.05]).tolist()
    monkeypatch.setattr("siteopt.geodata.location_checks.FEW", 0)
    by_cells = issues_at(*map(tuple, near), country=countries)
    monkeypatch.setattr("siteopt.geodata.location_checks.FEW", len(near) + 1)
    assert by_cells == issues_at(*map(tuple, near), country=countries)
    assert {issue.code for issue in by_cells} == {Code.AT_SEA, Code.OTHER_COUNTRY, Code.COUNTRY_CODE}
