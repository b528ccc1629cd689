"""What cells, rows and tables say together: unlikely figures, ids that look alike, areas and outlines."""

from __future__ import annotations

import itertools
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import siteopt
from siteopt import InputError, Issue, Scenario
from siteopt.geodata.headers import header_issues
from siteopt.message_catalogue import Code
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Table
from tests.examples import many
from tests.worlds import OFFERS as OFFER_ROWS
from tests.worlds import SITES, STEPS, Row, changed, csv_text, write_world


def told(folder: Path, *overrides: str, **tables: Sequence[Row]) -> list[Issue]:
    """The faults and warnings of a world."""
    scenario = siteopt.read_scenario(write_world(folder, **tables), overrides)
    try:
        return list(siteopt.load(scenario).warnings)
    except InputError as error:
        return list(error.issues)


def test_nothing_is_told_of_a_plain_world(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"grid_mw": 2000}, "grid_mw", "35 m2 of hall; is it in kW, or the hall in ha?"),  # 25 m2 a MW
        ({"floor_area_m2": 5}, "grid_mw", "or the hall in ha?"),
    ],
)
def test_grid_that_no_hall_could_use(tmp_path: Path, cells: dict[str, object], column: str, words: str) -> None:
    (warning,) = told(tmp_path, sites=changed(SITES, "site_id", "alpha", **cells))
    assert (warning.code, warning.file, warning.row, warning.column) == (Code.UNLIKELY, "candidates.csv", 2, column)
    assert words in warning.expected


def test_grid_at_the_bound_is_not_told(tmp_path: Path) -> None:
    assert told(tmp_path, sites=changed(SITES, "site_id", "alpha", grid_mw=1000, floor_area_m2=35_000)) == []


def test_one_line_for_many_rows(tmp_path: Path) -> None:
    sites = [{**SITES[0], "site_id": f"s{n}", "grid_mw": 3000} for n in range(5)]
    (warning,) = told(tmp_path, sites=sites)
    assert warning.row == 2
    assert warning.expected.endswith(" (and 4 more rows like this)")


@pytest.mark.parametrize(
    ("offer", "cells", "words"),
    [
        ("gen_rented", {"unit_mw": 100}, "at most 1 MW for each 1 m2 of footprint; is it in kW?"),
        ("battery", {"energy_mwh": 4000}, "0.05 to 100 hours"),  # 2,000 hours at 2 MW
        ("battery", {"energy_mwh": 0.05}, "0.05 to 100 hours"),  # a minute and a half
    ],
)
def test_units_that_hardly_are(tmp_path: Path, offer: str, cells: dict[str, object], words: str) -> None:
    (warning,) = told(tmp_path, offers=changed(OFFER_ROWS, "offer_id", offer, **cells))
    assert (warning.code, warning.file) == (Code.UNLIKELY, "offers.csv")
    assert words in warning.expected


@pytest.mark.parametrize("twin", ["ALPHA", "al pha", "ａｌｐｈａ"])
def test_ids_hardly_told_apart(tmp_path: Path, twin: str) -> None:
    (warning,) = told(tmp_path, sites=[*SITES, {**SITES[0], "site_id": twin}])
    assert (warning.code, warning.row, warning.found) == (Code.NEARLY_TWIN, 5, twin)
    assert "from 'alpha' in row 2" in warning.expected


@pytest.mark.parametrize("mark", ["\n", "\u200b", "\u202e", "\x07"])
def test_ids_with_what_nobody_sees(tmp_path: Path, mark: str) -> None:
    (issue,) = told(tmp_path, sites=changed(SITES, "site_id", "gamma", site_id=f"gam{mark}ma"))
    assert (issue.code, issue.row, issue.column) == (Code.INVISIBLE, 4, "site_id")
    assert mark not in str(issue)


def test_name_too_long_to_be_drawn(tmp_path: Path) -> None:
    (issue,) = told(tmp_path, sites=changed(SITES, "site_id", "beta", name="x" * 100_000))
    assert (issue.code, issue.row, issue.column) == (Code.TOO_LARGE, 3, "name")
    assert told(tmp_path, sites=changed(SITES, "site_id", "beta", name="x" * 1000)) == []


def test_depot_in_the_sea(tmp_path: Path) -> None:
    (issue,) = told(tmp_path, offers=changed(OFFER_ROWS, "offer_id", "chiller", latitude=30, longitude=-40))
    assert (issue.code, issue.file, issue.row, issue.found) == (Code.AT_SEA, "offers.csv", 4, "30")
    assert (issue.longitude, issue.latitude) == (-40, 30)


def test_swapped_candidate_names_its_cause(tmp_path: Path) -> None:
    (issue,) = told(tmp_path, sites=changed(SITES, "site_id", "alpha", latitude=-90.0, longitude=35.15))
    assert (issue.code, issue.row, issue.found) == (Code.OTHER_COUNTRY, 2, "US")  # in the Antarctic
    assert "latitude and longitude look swapped" in issue.expected


def test_steps_that_are_added(tmp_path: Path) -> None:
    (issue,) = told(tmp_path, steps=changed(STEPS, "site_id", "beta", grid_mw=1))
    assert issue.code is Code.NOT_RISING
    assert issue.expected == "more than 2 MW, the limit before this step; grid_mw is the new limit, not the increase"
    (issue,) = told(tmp_path, steps=changed(STEPS, "site_id", "beta", grid_mw=2))
    assert issue.expected == "more than 2 MW, the limit before this step"


def step(site: str, ready: float | str, grid_mw: float) -> Row:
    """Return a row of grid steps that is ready on a day or on a date."""
    day, date = ("", ready) if isinstance(ready, str) else (ready, "")
    return {"site_id": site, "ready_day": day, "ready_date": date, "grid_mw": grid_mw, "cost_usd": 1_000_000}


def with_steps(folder: Path, files: Sequence[Sequence[Row]], *overrides: str) -> Scenario:
    """Return a scenario whose grid steps stand in these files: ``0.csv`` and so on."""
    path = write_world(folder)
    for number, rows in enumerate(files):
        (folder / f"{number}.csv").write_text(csv_text(rows), encoding="utf-8")
    names = [f"{number}.csv" for number in range(len(files))]
    return siteopt.read_scenario(path, [f"inputs.grid_steps={json.dumps(names)}", *overrides])


def ladder_told(folder: Path, files: Sequence[Sequence[Row]], *overrides: str) -> list[str]:
    """Return the faults of grid steps in these files, in words."""
    try:
        siteopt.load(with_steps(folder, files, *overrides))
    except InputError as error:
        return [f"{issue.file}:{issue.row}: {issue.found} is not {issue.expected}" for issue in error.issues]
    return []


BEFORE = "MW, the limit before this step"
FALLS = "; grid_mw is the new limit, not the increase"


@pytest.mark.parametrize(
    ("steps", "issues"),
    [
        ([("beta", 60, 20), ("beta", 60, 30)], []),
        ([("beta", 60.2, 20), ("beta", 59.8, 10)], []),
        ([("beta", "2024-06-01", 20), ("beta", "2024-03-01", 10), ("beta", 0, 30)], []),
        ([("beta", 60, 30), ("beta", 60, 30)], [f"30 is not more than 30 {BEFORE}"]),
        ([("beta", 60, 30), ("beta", "2025-03-02", 30)], [f"30 is not more than 30 {BEFORE}"]),
        (
            [("beta", 60, 30), ("beta", 90, 30), ("beta", 90, 40)],
            [f"30 is not more than 30 {BEFORE}"],
        ),
        ([("beta", 60, 30), ("beta", 90, 20)], [f"20 is not more than 30 {BEFORE}{FALLS}"]),
        (
            [("beta", "2024-03-01", 30), ("beta", "2024-06-01", 20)],
            [f"20 is not more than 30 {BEFORE}{FALLS}"],
        ),
        ([("beta", 60, 1), ("beta", 90, 30)], [f"1 is not more than 2 {BEFORE}{FALLS}"]),
        ([("beta", 60, 30), ("alpha", 90, 20)], []),
        (
            [("elsewhere", 60, 30), ("elsewhere", 90, 20)],
            [f"20 is not more than 30 {BEFORE}{FALLS}"],
        ),
    ],
)
def test_ladder_whatever_the_order_of_rows_and_the_files(
    tmp_path: Path, steps: list[tuple[str, float | str, float]], issues: list[str]
) -> None:
    rows = [step(*one) for one in steps]
    for number, order in enumerate(itertools.permutations(rows)):
        for files in ([order], [[row] for row in order]):
            told_of = ladder_told(tmp_path / f"{number}-{len(files)}", files)
            assert [text.partition(": ")[2] for text in told_of] == issues


def test_step_at_issue_is_named_in_its_own_file(tmp_path: Path) -> None:
    files = [
        [step("alpha", 5, 20), step("beta", 90, 20)],
        [step("alpha", 9, 25), step("alpha", 9, 28), step("beta", 60, 30)],
    ]
    assert ladder_told(tmp_path / "falls", files) == [f"0.csv:3: 20 is not more than 30 {BEFORE}{FALLS}"]
    twice = [[step("beta", 60, 30)]] * 2
    assert ladder_told(tmp_path / "twice", twice) == [f"1.csv:2: 30 is not more than 30 {BEFORE}"]


@pytest.mark.parametrize(
    ("assumed", "issues"),
    [
        ("40", [f"0.csv:2: 30 is not more than 40 {BEFORE}, which [defaults] assumes{FALLS}"]),
        ("30", [f"0.csv:2: 30 is not more than 30 {BEFORE}, which [defaults] assumes"]),
        ("29", []),
        ('"exclude"', []),
    ],
)
def test_ladder_rises_from_what_is_assumed(tmp_path: Path, assumed: str, issues: list[str]) -> None:
    # the grid of gamma is blank, that of beta is given
    files = [[step("gamma", 60, 30), step("beta", 60, 30), step("gamma", 90, 50)]]
    assert ladder_told(tmp_path, files, f"defaults.grid_mw={assumed}") == issues


some_steps = st.lists(
    st.builds(
        step,
        st.sampled_from(("beta", "gamma", "elsewhere")),
        st.sampled_from((10, 60, 60.5, "2024-03-01", "2024-06-01", "2025-03-02")),
        st.sampled_from((15, 20, 30, 40)),
    ),
    min_size=1,
    max_size=5,
)


def outcome(files: Sequence[Sequence[Row]]) -> object:
    """Return the Instance of the steps, or what their faults say without file and row."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return asdict(siteopt.load(with_steps(Path(folder), files, "defaults.grid_mw=15")).instance)
        except InputError as error:
            return sorted((issue.code.number, issue.found, issue.expected) for issue in error.issues)


@many(20)
@given(some_steps, st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_of_steps_and_their_files_changes_nothing(rows: list[Row], chance: random.Random, count: int) -> None:
    shuffled = chance.sample(rows, len(rows))
    files = [shuffled[first::count] for first in range(min(count, len(rows)))]
    np.testing.assert_equal(outcome(files), outcome([rows]))


# outlines

OUTLINE = shapely.box(-90.06, 35.14, -90.04, 35.16)
"""About 1,823 m by 2,219 m: 4.05 km2."""


def outlined(folder: Path, **cells: object) -> str:
    """A layer of alpha with its outline; the override that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    row = {name: [cell] for name, cell in {**SITES[0], **cells}.items() if name not in ("latitude", "longitude")}
    geopandas.GeoDataFrame(row, geometry=[OUTLINE], crs=4326).to_crs(32616).to_file(folder / "plots.gpkg")
    return 'inputs.candidates=["plots.gpkg"]'


@pytest.mark.parametrize(("yard_m2", "codes"), [(4_300_000, []), (4_600_000, [Code.TOO_BIG])])
def test_yard_larger_than_its_outline(tmp_path: Path, yard_m2: float, codes: list[Code]) -> None:
    plots = outlined(tmp_path, yard_area_m2=yard_m2)
    assert [issue.code for issue in told(tmp_path, plots, "inputs.grid_steps=[]")] == codes


def test_hall_larger_than_its_outline_may_have_storeys(tmp_path: Path) -> None:
    plots = outlined(tmp_path, floor_area_m2=4_600_000)
    (warning,) = told(tmp_path, plots, "inputs.grid_steps=[]")
    assert (warning.code, warning.column) == (Code.UNLIKELY, "floor_area_m2")


@pytest.mark.parametrize(
    ("hall", "found"),
    [
        (shapely.box(-90.055, 35.145, -90.045, 35.155), None),
        (shapely.box(-90.051, 35.145, -90.039, 35.155), None),  # a twelfth outside
        (shapely.box(-90.05, 35.145, -90.03, 35.155), "an area of which 50% is outside"),
        (shapely.box(-90.07, 35.13, -90.03, 35.17), "an area of which 75% is outside"),  # four times as large
        (shapely.box(-95.0, 35.145, -94.99, 35.155), "an area of which 100% is outside"),
    ],
)
def test_hall_outside_of_its_outline(tmp_path: Path, hall: shapely.Polygon, found: str | None) -> None:
    plots = outlined(tmp_path)
    areas = geopandas.GeoDataFrame({"site_id": ["alpha"], "use": ["hall"]}, geometry=[hall], crs=4326)
    areas.to_crs(3857).to_file(tmp_path / "areas.gpkg")
    issues = told(tmp_path, plots, "inputs.grid_steps=[]", 'inputs.areas=["areas.gpkg"]')
    assert [(issue.code, issue.row, issue.found) for issue in issues] == ([(Code.TOO_BIG, 2, found)] if found else [])


# headers


@pytest.mark.parametrize(
    ("table", "header", "words"),
    [
        (CANDIDATES, "Grid_MW", "did you mean 'grid_mw'?"),
        (CANDIDATES, "grid mw", "did you mean 'grid_mw'?"),
        (CANDIDATES, "grid_mw (MW)", "did you mean 'grid_mw'?"),
        (CANDIDATES, " GRID-MW [MW] ", "did you mean 'grid_mw'?"),
        (CANDIDATES, "grid_kw", "did you mean 'grid_mw'? Convert the column from kW"),
        (CANDIDATES, "floor_area_ha", "did you mean 'floor_area_m2'? Convert the column from ha"),
        (CANDIDATES, "lat", "did you mean 'latitude'?"),
        (CANDIDATES, "Lng", "did you mean 'longitude'?"),
        (CANDIDATES, "위도", "did you mean 'latitude'?"),
        (CANDIDATES, "경도", "did you mean 'longitude'?"),
        (OFFERS, "Rent_KRW_per_month", "did you mean 'rent_krw_per_month'?"),
        (OFFERS, "trailer", "did you mean 'trailers'?"),
        (CANDIDATES, "owner", None),
        (CANDIDATES, "transmission_kv", None),
        (GRID_STEPS, "lat", None),  # the table has no such column
    ],
)
def test_header_that_is_nearly_known(table: Table, header: str, words: str | None) -> None:
    issues, _ = header_issues(table, "t.csv", 1, {header: header}, "krw")
    unknown = [issue for issue in issues if issue.code is Code.UNKNOWN_COLUMN]
    assert [issue.expected for issue in unknown] == ([f"a column of {table.name}; {words}"] if words else [])


def test_column_that_is_there_too_is_not_meant() -> None:
    issues, _ = header_issues(CANDIDATES, "t.csv", 1, {name: name for name in (*CANDIDATES.names, "Grid_MW")}, "usd")
    assert issues == []


def test_shipped_tables_are_free_of_warnings_but_for_what_is_no_right_yet() -> None:
    for model in sorted((Path(__file__).parents[2] / "models").glob("*.toml")):
        data = siteopt.load(siteopt.read_scenario(model))
        assert {issue.code for issue in data.warnings} <= {Code.NO_IMPORT_RIGHT}, model.name
        assert pd.Index(data.sites["country"]).isin(["US", "KR"]).all()
