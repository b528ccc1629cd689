"""Files and paths that mean harm, or came to some: a fault, nothing opened elsewhere, no traceback, no hang."""

from __future__ import annotations

import contextlib
import json
import os
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import shapely

import siteopt
from siteopt import InputError, Issue
from siteopt.geodata import layers
from siteopt.geodata.layers import open_layer
from siteopt.message_catalogue import Code
from tests.geodata.test_formats import layer, write_shapefile
from tests.worlds import write_world

KEYS = ("inputs.candidates", "inputs.offers", "inputs.areas", "filter.within")


def told(folder: Path, key: str, name: str) -> list[Issue]:
    value = json.dumps(name if key.startswith("filter") else [name])
    with pytest.raises(InputError) as error:
        siteopt.load(siteopt.read_scenario(write_world(folder), [f"{key}={value}"]))
    return [issue for issue in error.value.issues if issue.file == name]


def only_issue(path: Path) -> Issue:
    with pytest.raises(InputError) as error:
        open_layer(path, path.name)
    (issue,) = error.value.issues
    return issue


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "name",
    [
        "http://127.0.0.1:9/sites.geojson",
        "HTTPS://example.org/sites.gpkg",
        "ftp://example.org/t.csv",
        "s3://bucket/t.parquet",
        r"\\server\share\t.csv",
        "//server/share/t.csv",
        "/vsicurl/http://127.0.0.1:9/t.geojson",
        "/vsizip/t.zip/t.csv",
        "PG:dbname=sites",
        "GPKG:t.gpkg:sites",
    ],
)
def test_what_is_not_on_this_machine_is_not_opened(tmp_path: Path, key: str, name: str) -> None:
    (issue,) = told(tmp_path, key, name)
    assert issue.code is Code.NOT_LOCAL


def test_a_drive_of_windows_is_local(tmp_path: Path) -> None:
    (issue,) = told(tmp_path, "inputs.candidates", "C:/sites/candidates.csv")
    assert issue.code is Code.NO_FILE


@pytest.mark.parametrize("key", KEYS)
def test_folder_for_a_file(tmp_path: Path, key: str) -> None:
    (issue,) = told(tmp_path, key, ".")
    assert (issue.code, issue.found) == (Code.UNREADABLE, "it is a folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders are of Unix")
@pytest.mark.parametrize("key", KEYS)
def test_pipe_does_not_hang(tmp_path: Path, key: str) -> None:
    os.mkfifo(tmp_path / "pipe.gpkg")
    (issue,) = told(tmp_path, key, "pipe.gpkg")
    assert (issue.code, issue.found) == (Code.UNREADABLE, "it is a device or a pipe")


@pytest.mark.parametrize("key", KEYS)
def test_name_that_no_file_can_have(tmp_path: Path, key: str) -> None:
    (issue,) = told(tmp_path, key, "x" * 4000 + ".gpkg")
    assert issue.code is Code.NO_FILE


VRT = """<OGRVRTDataSource><OGRVRTLayer name="t"><SrcDataSource>/vsicurl/http://127.0.0.1:9/t.geojson</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".shp", ".dbf", ".parquet"])
def test_address_under_the_ending_of_a_layer_is_not_followed(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"t{ending}").write_text(VRT)
    issue = only_issue(tmp_path / f"t{ending}")
    assert issue.code is Code.FORMAT
    assert "OGRVRT" in issue.found
    assert issue.expected == f"the content of a {ending} file"


@pytest.mark.parametrize("ending", [".vrt", ".zip", ".csv", ".kml", ""])
def test_filter_takes_layers_only(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"t{ending}").write_text(VRT)
    (issue,) = told(tmp_path, "filter.within", f"t{ending}")
    assert issue.code is Code.FORMAT


def test_the_dbf_of_a_shapefile_is_looked_at_too(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "t.shp", layer())
    (tmp_path / "t.dbf").write_text(VRT)
    assert "OGRVRT" in only_issue(tmp_path / "t.shp").found


@pytest.mark.parametrize("depth", [2000, 200_000])
def test_json_within_json(tmp_path: Path, depth: int) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    feature = f'{{"type":"Feature","properties":{{"a":{nested}}},"geometry":null}}'
    (tmp_path / "t.geojson").write_text(f'{{"type":"FeatureCollection","features":[{feature}]}}')
    assert only_issue(tmp_path / "t.geojson").code is (Code.FORMAT if depth == 2000 else Code.TOO_LARGE)


@pytest.mark.parametrize("far", [1e308, np.inf, -1e10])
def test_coordinates_beyond_the_earth(tmp_path: Path, far: float) -> None:
    shapes = [shapely.Point(-90, 35), shapely.LineString([(0, 0), (far, 0)]), shapely.Point(127, 34)]
    layer(geometry=shapes).to_parquet(tmp_path / "t.parquet")
    issue = only_issue(tmp_path / "t.parquet")
    assert (issue.code, issue.row, issue.column) == (Code.SHAPE, 3, "geometry")


def test_areas_off_the_earth_of_their_crs(tmp_path: Path) -> None:
    write_world(tmp_path)
    shapes = [shapely.box(x, 35.1, x + 0.01, 35.11) for x in (-90, 500, -90.1)]
    areas = layer(geometry=shapes)[["site_id", "geometry"]].assign(use="hall")
    areas.to_file(tmp_path / "t.gpkg")
    (issue,) = told(tmp_path, "inputs.areas", "t.gpkg")
    assert (issue.code, issue.row) == (Code.SHAPE, 3)
    assert "beyond the Earth" in issue.found


def test_bounds_of_a_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer().to_file(tmp_path / "t.gpkg")
    open_layer(tmp_path / "t.gpkg", "t.gpkg")
    for bound, value in (("MOST_BYTES", 5), ("MOST_COLUMNS", 3), ("MOST_CELLS", 20), ("MOST_VERTICES", 2)):
        with monkeypatch.context() as patched:
            patched.setattr(layers, bound, value)
            assert only_issue(tmp_path / "t.gpkg").code is Code.TOO_LARGE


def test_columns_of_parquet_are_counted_before_they_are_read(tmp_path: Path) -> None:
    wide = pa.table({f"c{n}": pa.array([1], pa.int8()) for n in range(layers.MOST_COLUMNS + 1)})
    pyarrow.parquet.write_table(wide, tmp_path / "t.parquet")  # without geometry, which would be another fault
    assert only_issue(tmp_path / "t.parquet").found == "16,385 columns"


@pytest.mark.parametrize("kind", ["gpkg", "geojson", "parquet", "shp", "dbf"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what GDAL says of a damaged file
def test_damaged_layers(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    if kind in ("shp", "dbf"):
        write_shapefile(tmp_path / "t.shp", layer())
    elif kind == "parquet":
        layer().to_parquet(path)
    else:
        layer().to_file(path)
    whole = path.read_bytes()
    chance = random.Random(7)
    for share in (0.0, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError):
            open_layer(path, path.name)
    for _ in range(20):
        damaged = bytearray(whole)
        for _ in range(20):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):  # a bit of a number more or less is none that anybody sees
            open_layer(path, path.name)
