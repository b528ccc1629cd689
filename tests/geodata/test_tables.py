"""The same candidates in every format give the same Instance, and both ways to read CSV the same cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

import siteopt
from siteopt import Dataset, InputError
from siteopt.geodata.delimited import records_at_once, records_one_by_one
from siteopt.geodata.tables import read_table
from siteopt.instance import Instance
from siteopt.record.reason import ReasonCode, because
from siteopt.schema import CANDIDATES, Column, Table, Type
from tests.worlds import SITES, csv_text, write_world

EXTRA = ("Electrolux", "전자", "=SUM(1)")
"""What a column that siteopt does not know holds, site by site."""

PLACES = ((35.97, 126.63), (36.99, 126.82), (34.64, 126.77))
KOREA = [
    {**row, "country": "KR", "latitude": latitude, "longitude": longitude, "owner": owner}
    for row, (latitude, longitude), owner in zip(SITES, PLACES, EXTRA, strict=True)
]
"""The candidates of the small world, moved to Korea, so that its projections hold them."""


def layer(crs: int = 4326) -> geopandas.GeoDataFrame:
    table = pd.DataFrame([{name: None if cell == "" else cell for name, cell in row.items()} for row in KOREA])
    points = geopandas.points_from_xy(table.pop("longitude"), table.pop("latitude"))
    return geopandas.GeoDataFrame(table.infer_objects(), geometry=points, crs=4326).to_crs(crs)


def loaded(folder: Path, candidates: str = "candidates.csv") -> Dataset:
    scenario = write_world(folder, KOREA)
    return siteopt.load(siteopt.read_scenario(scenario, [f"inputs.candidates.0={candidates}"]))


def assert_same(one: Instance, other: Instance) -> None:
    for field in fields(Instance):
        before, after = getattr(one, field.name), getattr(other, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_allclose(after, before, rtol=1e-6, err_msg=field.name)
        else:
            assert before == after, field.name


WRITERS: dict[str, Callable[[Path], None]] = {
    "points.geojson": lambda path: layer().to_file(path),
    "points.json": lambda path: layer().to_file(path, driver="GeoJSON"),
    "points.gpkg": lambda path: layer().to_file(path),
    "points.parquet": lambda path: layer().to_parquet(path),
    "korea5179.gpkg": lambda path: layer(5179).to_file(path),
    "korea5186.parquet": lambda path: layer(5186).to_parquet(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_points_and_instance(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    table, other = loaded(tmp_path), loaded(tmp_path, name)
    for axis in ("latitude", "longitude"):
        np.testing.assert_allclose(other.sites[axis], table.sites[axis], rtol=0, atol=1e-6)
    assert_same(table.instance, other.instance)


@pytest.mark.parametrize("name", WRITERS)
def test_korean_text_and_unknown_columns_survive(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    sites = loaded(tmp_path, name).sites
    assert sites.at["gamma", "name"] == "강진 공장"
    assert tuple(sites["owner"]) == EXTRA


def test_polygons_give_a_point_within_and_the_same_instance(tmp_path: Path) -> None:
    plots = layer(5179)
    plots.geometry = plots.buffer(150, cap_style="square")
    plots.to_file(tmp_path / "plots.gpkg")
    table, other = loaded(tmp_path), loaded(tmp_path, "plots.gpkg")
    points = geopandas.GeoSeries.from_xy(other.sites["longitude"], other.sites["latitude"], crs=4326)
    assert points.to_crs(5179).reset_index(drop=True).within(plots.geometry).all()
    assert list(other.instance.arrival_day.ravel()) == list(table.instance.arrival_day.ravel())
    np.testing.assert_allclose(other.instance.unit_cost_musd, table.instance.unit_cost_musd, rtol=1e-4)


def test_point_of_a_bent_polygon_lies_inside(tmp_path: Path) -> None:
    plots = layer(5179)
    bends = [plot.buffer(300).difference(plot.buffer(250)) for plot in plots.geometry]
    plots.geometry = bends
    assert not any(bend.contains(bend.centroid) for bend in bends)
    plots.to_parquet(tmp_path / "rings.parquet")
    cells = read_table(tmp_path / "rings.parquet", CANDIDATES).cells
    points = geopandas.GeoSeries.from_xy(cells["longitude"], cells["latitude"], crs=4326).to_crs(5179)
    assert points.within(geopandas.GeoSeries(bends, crs=5179)).all()


def test_geometry_comes_before_columns_of_coordinates(tmp_path: Path) -> None:
    layer().assign(latitude=1.0, longitude=2.0).to_file(tmp_path / "both.gpkg")
    assert loaded(tmp_path, "both.gpkg").sites.at["alpha", "latitude"] == pytest.approx(35.97)


def test_dates_of_a_layer_are_read(tmp_path: Path) -> None:
    layer().assign(available_from="2024-03-01").to_file(tmp_path / "dated.geojson")
    assert loaded(tmp_path, "dated.geojson").sites["available_from"].dt.strftime("%Y-%m-%d").eq("2024-03-01").all()


def test_times_with_a_zone_are_read_as_dates(tmp_path: Path) -> None:
    layer().assign(available_from=pd.Timestamp("2026-03-01T00:00:00Z")).to_file(tmp_path / "timed.geojson")
    later = because(ReasonCode.NOT_YET_AVAILABLE, found="2026-03-01")
    assert loaded(tmp_path, "timed.geojson").excluded["alpha"] == later


def issue_of(folder: Path, candidates: str) -> siteopt.Issue:
    with pytest.raises(InputError) as error:
        loaded(folder, candidates)
    (issue,) = error.value.issues
    return issue


@pytest.mark.parametrize("name", ["nowhere.gpkg", "nowhere.parquet"])
@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_layer_without_crs_is_refused(tmp_path: Path, name: str) -> None:
    nowhere = layer().set_crs(None, allow_override=True)
    (nowhere.to_parquet if name.endswith("parquet") else nowhere.to_file)(tmp_path / name)
    issue = issue_of(tmp_path, name)
    assert (issue.file, issue.found) == (name, "a layer without a CRS")


def test_feature_without_geometry_is_named(tmp_path: Path) -> None:
    holed = layer()
    holed.geometry = [holed.geometry[0], shapely.Point(), None]
    holed.to_parquet(tmp_path / "holed.parquet")
    with pytest.raises(InputError) as error:
        loaded(tmp_path, "holed.parquet")
    assert [(issue.row, issue.column) for issue in error.value.issues] == [(3, "geometry"), (4, "geometry")]


def test_issue_in_a_layer_has_the_row_of_its_feature(tmp_path: Path) -> None:
    layer().assign(gas_mw=[1.0, 2.0, -3.0]).to_file(tmp_path / "bad.gpkg")
    issue = issue_of(tmp_path, "bad.gpkg")
    assert (issue.file, issue.row, issue.column, issue.found) == ("bad.gpkg", 4, "gas_mw", "-3")


def test_file_that_is_no_layer(tmp_path: Path) -> None:
    (tmp_path / "text.gpkg").write_text("hello")
    assert issue_of(tmp_path, "text.gpkg").expected == "the content of a .gpkg file"


CELLS = st.one_of(
    st.text(st.sampled_from('a"\n\r, \t\u3000é;'), max_size=5),
    st.sampled_from(["", "NA", "001", "null", "1e5", "'", '"', '""', "#", "\\", "\x00", "\x1c", "\u2028", "\ufeff"]),
)


def written(records: list[list[str]], end: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(records)
    return text.getvalue().encode()


def by_row(cells: pd.DataFrame, rows: np.ndarray) -> dict[int, list[str]]:
    """The rows that are not blank."""
    records = zip(rows.tolist(), cells.to_numpy(dtype=object).tolist(), strict=True)
    return {row: record for row, record in records if any(record)}


def assert_read_the_same(data: bytes) -> None:
    """Both ways of reading agree, unless the fast one leaves it to the other."""
    fast = records_at_once(data)
    if fast is not None:
        columns = tuple(Column(name, Type.TEXT, "", "") for name in fast.columns)
        slow, rows, _ = records_one_by_one("t.csv", data, Table("t", (), columns))
        assert list(fast.columns) == list(slow.columns)
        assert by_row(fast, np.arange(2, len(fast) + 2)) == by_row(slow, rows)


@given(st.text(st.sampled_from('ab"\n\r, '), max_size=30).map(lambda text: f"x,y\n{text}".encode()))
@example(b'x,y\n"a"b,c\n')
@example(b'x,y\n"a""b",c\n')
@example(b'x,y\n"a\nb",c\n1,2')
@example(b'x,y\n5" pipe,6" pipe\n')
@example(b'x,y\n"",""\n')
@example(b"x,y\n1,2\n\n3,4\n")
@example(b"x,y\n1,2\n3\n")
@example(b"x,y\n1,2\r3,4\n")
@example(b"x,y\n1,2\n\n\n")
def test_any_text_is_read_as_the_slow_way_reads_it(data: bytes) -> None:
    assert_read_the_same(data)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_any_records_are_read_as_the_slow_way_reads_them(records: list[list[str]], end: str) -> None:
    assert_read_the_same(written(records, end))
    assert_read_the_same(b"\xef\xbb\xbf" + written(records, end))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_tables_are_read_at_once(records: list[tuple[str, str]], end: str) -> None:
    plain = [[cell.replace("\r", "") + "." for cell in record] for record in records]
    fast = records_at_once(written([["x", "y"], *plain], end))
    assert fast is not None
    assert fast.to_numpy(dtype=object).tolist() == [[cell.strip() for cell in record] for record in plain]


def test_records_across_the_blocks_that_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siteopt.geodata.delimited._BLOCK_BYTES", 64)
    records = [["x", "y"], *([f'{n} "of"\n{"," * (n % 7)}.', "é" * (n % 11)] for n in range(500))]
    fast = records_at_once(written(records, "\r\n"))
    assert fast is not None
    assert fast.to_numpy(dtype=object).tolist() == records[1:]
    assert records_at_once(written([*records, ["1", "2", "3"]], "\n")) is None


def test_blanks_are_those_that_python_strips() -> None:
    spaces = [chr(code) for code in range(0x110000) if chr(code).isspace() and chr(code) not in "\r\n"]
    others = [chr(code) for code in (0, 0x180E, 0x200B, 0x2060, 0xFEFF)]
    fast = records_at_once(written([["x", "y"]] + [[f"{mark}a{mark}", "b"] for mark in spaces + others], "\n"))
    assert fast is not None
    assert list(fast["x"]) == ["a"] * len(spaces) + [f"{mark}a{mark}" for mark in others]


def test_cell_beyond_the_limit_of_the_csv_module(tmp_path: Path) -> None:
    data = written([["site_id", "name"], ["1", "a" * (csv.field_size_limit() + 1)]], "\n")
    assert records_at_once(data) is None
    (tmp_path / "long.csv").write_bytes(data)
    with pytest.raises(InputError, match="a cell of more than 131,072 letters"):
        read_table(tmp_path / "long.csv", CANDIDATES)


def test_text_that_looks_like_something_else_stays(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("site_id,name\n001,NA\nNaN,1e5\n , \n2.0,null\n")
    raw = read_table(tmp_path / "t.csv", CANDIDATES)
    assert raw.cells.to_numpy(dtype=object).tolist() == [["001", "NA"], ["NaN", "1e5"], ["2.0", "null"]]
    assert list(raw.rows) == [2, 3, 5]


def test_the_small_world_is_read_at_once() -> None:
    assert records_at_once(csv_text(SITES).encode()) is not None
