"""Open vector layers: choose the layer of a file, find the files that belong to it, and their encoding."""

from __future__ import annotations

import codecs
import contextlib
import json
import logging
import re
import warnings
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyproj
import shapely

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, named
from siteopt.geodata.foreign import Unreadable, foreign
from siteopt.log import note

PARQUET = (".parquet", ".geoparquet")
SHAPEFILE = (".shp", ".dbf")
JSON = (".geojson", ".json")
SINGLE = (*JSON, *SHAPEFILE, *PARQUET)
LAYERS = (*SINGLE, ".gpkg")
"""Endings of the layers that are read as tables. SINGLE: endings of files that hold one layer and no more."""

OPENING = {
    ".gpkg": rb"SQLite format 3\0",
    ".shp": rb"\x00\x00\x27\x0a",
    ".dbf": rb"[\x03\x30\x83\x8b\xf5]",
    **dict.fromkeys(PARQUET, rb"PAR1"),
    **dict.fromkeys(JSON, rb"(\xef\xbb\xbf)?\s*\{"),
}
"""First bytes of each kind of file. GDAL goes by them, not by the ending, and would follow a list of addresses."""

MOST_BYTES = 1 << 30
MOST_COLUMNS = 16_384
MOST_CELLS = 1_000_000_000
MOST_VERTICES = 20_000_000
FARTHEST = 1e9
"""Bounds of a layer, far beyond any real one. FARTHEST bounds its coordinates, in degrees or metres."""

_ELSEWHERE = re.compile(r"[A-Za-z][\w+.-]+:|[\\/]{2}|[\\/]vsi", re.ASCII)
"""Start of a name that is no file here: an address, a driver of GDAL, a share, or a file system of GDAL."""

SIDECARS = {".shp": (".dbf", ".prj", ".cpg"), ".dbf": (".cpg",), ".gpkg": (".gpkg-wal",)}
"""Files beside a layer that belong to it. ``.gpkg-wal`` holds what QGIS saved while it has a GeoPackage open."""

LAYER = "|layername="
"""Text between a file and the name of a layer in it, as QGIS writes it."""

_HEAD_BYTES, _TAIL_BYTES = 4_000_000, 10_000
"""Bytes at the start of a GeoJSON, with its first feature and its CRS, and at its end, where the CRS may also be."""

_JSON_CRS = re.compile(rb'"crs"\s*:\s*\{[^{}]*\{[^{}]*"name"\s*:\s*"([^"]*)"')

OWN_TABLES = ("layer_styles", "qgis_projects")
"""Tables that QGIS adds to a GeoPackage."""

CRS = 4326
"""EPSG code of WGS 84."""

ARROW = {
    "use_arrow": True,
    "arrow_to_pandas_kwargs": {
        "integer_object_nulls": True,
        "date_as_object": False,
        "types_mapper": {pa.string(): pd.StringDtype("pyarrow")}.get,
    },
}
"""Options for reading layers: fast; whole numbers stay whole even if some are missing, and text stays with Arrow."""

NOT_UTF8 = "text that is not UTF-8"


def located(path: Path) -> tuple[Path, str]:
    """Return the file and the layer of ``sites.gpkg|layername=sites``; the layer is ``''`` if none is named."""
    file, _, layer = str(path).partition(LAYER)
    return Path(file), layer


def files_of(path: Path) -> list[Path]:
    """Return the file of a table or layer, and the files that belong to it."""
    file, _ = located(path)
    files = [file]
    for ending in SIDECARS.get(file.suffix.lower(), ()):
        written = (file.with_suffix(one) for one in (ending, ending.upper()))
        files += [one for one in written if one.is_file()][:1]
    return files


def refuse(path: Path, name: str) -> None:
    """Refuse a name that is not that of a file on this machine, or is that of a folder, a device or a pipe.

    Raises
    ------
    InputError
        If the name is refused. A file that does not exist is not refused.
    """
    file, _ = located(path)
    if _ELSEWHERE.match(name) or file.as_posix().startswith("/vsi"):
        raise _refused(Code.NOT_LOCAL, name, name, "a file on this machine")
    try:
        odd = file.exists() and not file.is_file()
    except OSError as error:
        raise _refused(Code.NO_FILE, name, error.strerror or str(error), "a name that a file can have") from None
    if odd:
        raise _refused(Code.UNREADABLE, name, "a folder" if file.is_dir() else "a device or a pipe", "a file")


def _refused(code: Code, name: str, found: str, expected: str) -> InputError:
    return InputError([Fault(code, name, None, "", found, expected)])


def _check_file(file: Path, name: str) -> None:
    """Raise InputError if a layer is not what its ending says, or is far too large."""
    ending = file.suffix.lower()
    if ending not in OPENING:
        raise _refused(Code.FORMAT, name, file.name, "a layer: " + ", ".join(LAYERS))
    if not file.is_file():
        raise _refused(Code.NO_FILE, name, "no such file", "a layer")
    with file.open("rb") as opened:
        start = opened.read(1024)
    if not start:
        raise _refused(Code.EMPTY, name, "an empty file", "a layer")
    if not re.match(OPENING[ending], start):
        found = f"a file that begins with {start[:20].decode('latin-1')}"
        raise _refused(Code.FORMAT, name, found, f"what the ending {ending} says")
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise _refused(Code.TOO_LARGE, name, f"{size:,} bytes", f"at most {MOST_BYTES:,}")
    whole = _promised_bytes(ending, start)
    if size < whole:
        raise _refused(Code.FORMAT, name, f"{size:,} bytes", f"the {whole:,} that it says it has; it was cut")
    if ending in PARQUET:
        with foreign():
            about = pyarrow.parquet.read_metadata(file)
        _check_size(about.num_rows, about.num_columns, name)


def _promised_bytes(ending: str, start: bytes) -> int:
    """Return how long a shapefile says it is, or 0; GDAL reads one that was cut, and leaves blank what is missing."""
    if ending == ".shp":
        return 2 * int.from_bytes(start[24:28], "big")
    if ending == ".dbf":
        rows, header, record = (int.from_bytes(start[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
        return header + rows * record
    return 0


def _check_size(rows: int, columns: int, name: str) -> None:
    if columns > MOST_COLUMNS:
        raise _refused(Code.TOO_LARGE, name, f"{columns:,} columns", f"at most {MOST_COLUMNS:,}")
    if rows * columns > MOST_CELLS:
        raise _refused(Code.TOO_LARGE, name, f"{rows:,} rows of {columns:,} columns", f"at most {MOST_CELLS:,} cells")


def _check_shapes(shapes: geopandas.GeoSeries, name: str) -> None:
    """Raise InputError if coordinates cannot be places, or if there are too many."""
    count = int(shapely.get_num_coordinates(shapes.to_numpy()).sum())
    if count > MOST_VERTICES:
        raise _refused(Code.TOO_LARGE, name, f"{count:,} vertices", f"at most {MOST_VERTICES:,}")
    corners, owner = shapely.get_coordinates(shapes.to_numpy(), return_index=True)
    bad = np.unique(owner[~(np.abs(corners) <= FARTHEST).all(axis=1)])
    if len(bad):
        expected = "coordinates that are finite"
        faults = (Fault(Code.SHAPE, name, int(at) + 2, "geometry", "a place beyond the Earth", expected) for at in bad)
        raise InputError(named(faults, len(bad)))


def open_layer(path: Path, name: str, table: str = "") -> geopandas.GeoDataFrame:
    """Return a vector layer as it is; a table without geometry is an ordinary DataFrame.

    Parameters
    ----------
    name : str
        Name of the layer in faults.
    table : str
        Name of the layer to read if there are several and the path names none.

    Raises
    ------
    InputError
        If GDAL cannot read the layer, it exceeds a bound, or it is not clear which layer of the file is meant.
    """
    file, *beside = files_of(path)
    try:
        for one in (file, *(other for other in beside if other.suffix.lower() in OPENING)):
            _check_file(one, name)
        found = _read(path, name, table)
        _check_size(len(found), len(found.columns), name)
        twice = sorted({str(column) for column in found.columns[found.columns.duplicated()]})
        if twice:
            told = "several columns of this name"
            raise InputError([Fault(Code.COLUMN_TWICE, name, 1, one, told, "each column once") for one in twice])
        if isinstance(found, geopandas.GeoDataFrame):
            _check_shapes(found.geometry, name)
    except OSError as error:
        raise _refused(Code.UNREADABLE, name, error.strerror or str(error), "a readable file") from None
    except Unreadable as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno:
            raise _refused(Code.UNREADABLE, name, cause.strerror or str(cause), "a readable file") from None
        expected = "a layer that GDAL can read: save it again as a GeoPackage"
        raise _refused(Code.FORMAT, name, _damage(file), expected) from None
    for column in found.select_dtypes("string"):
        try:  # Arrow takes any bytes as text
            pa.array(found[column]).validate(full=True)
        except pa.ArrowInvalid:
            raise InputError([Fault(Code.ENCODING, name, None, str(column), NOT_UTF8, "UTF-8")]) from None
    return found


def _check_json(file: Path, name: str) -> None:
    """Raise InputError if a GeoJSON names an unknown CRS, which GDAL would take for WGS 84, or very many columns.

    GDAL takes minutes for very many columns. Those of the first feature are counted.
    """
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
        opened.seek(max(len(head), file.stat().st_size - _TAIL_BYTES))
        tail = opened.read()
    columns = head.partition(b'"properties"')[2].partition(b"}")[0].count(b'":')
    _check_size(1, columns, name)
    written = _JSON_CRS.search(head) or _JSON_CRS.search(tail)
    if written:
        crs = written[1].decode("latin-1")
        try:
            pyproj.CRS(crs)
        except pyproj.exceptions.CRSError:
            raise _refused(Code.NO_CRS, name, crs, "a CRS that is known") from None


def _damage(file: Path) -> str:
    """Return what is wrong with a file that GDAL cannot read; in JSON also where, since people write it by hand."""
    if file.suffix.lower() in JSON:
        try:
            json.loads(file.read_text(encoding="utf-8-sig"))
        except json.JSONDecodeError as error:
            return f"no JSON in line {error.lineno}, column {error.colno}"
        except (ValueError, RecursionError):
            return "no JSON"
    return "a damaged file"


def _read(path: Path, name: str, table: str) -> geopandas.GeoDataFrame:
    file, layer = located(path)
    ending = file.suffix.lower()
    if ending in PARQUET:
        with foreign():
            has_shapes = b"geo" in (pyarrow.parquet.read_schema(file).metadata or {})
            return geopandas.read_parquet(file) if has_shapes else pd.read_parquet(file)
    if ending in JSON:
        _check_json(file, name)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", RuntimeWarning)  # GDAL warns of what it reads well all the same
        warnings.filterwarnings("ignore", "Could not parse column")  # numbers and words in one column of GeoJSON
        if ending in SHAPEFILE:
            found = _shapefile(file, name)
        else:
            chosen = _chosen(file, name, layer, table) if layer or ending not in SINGLE else None
            with foreign():
                found = geopandas.read_file(file, layer=chosen, **ARROW)
    for one in told:
        note("GDAL", logging.WARNING, path=name, message=str(one.message))
    return found


def _shapefile(file: Path, name: str) -> geopandas.GeoDataFrame:
    """Return a shapefile, read in the encoding that its ``.cpg`` names, or in UTF-8.

    QGIS cuts UTF-8 wherever a field is full, even within a letter. What is left of such a letter is dropped.
    """

    def decoded(text: object) -> object:
        return codecs.getincrementaldecoder("utf-8")().decode(text.encode("latin-1")) if isinstance(text, str) else text

    named = len(files_of(file.with_suffix(".dbf"))) > 1
    try:
        with contextlib.suppress(UnicodeDecodeError), foreign(UnicodeDecodeError):
            return geopandas.read_file(file, encoding=None if named else "UTF-8")
        with foreign():
            layer = geopandas.read_file(file, encoding="ISO-8859-1")
        layer = layer.rename(columns=decoded)
        for column in layer.columns.drop("geometry", errors="ignore"):
            layer[column] = layer[column].map(decoded, na_action="ignore")
    except UnicodeDecodeError:
        expected = f"UTF-8, or the name of another encoding, such as CP949, in a file {file.stem}.cpg beside it"
        raise InputError([Fault(Code.ENCODING, name, None, "", NOT_UTF8, expected)]) from None
    return layer


def _chosen(file: Path, name: str, layer: str, table: str) -> str:
    """Return the layer that is named, or else called like the table, the only one, or the only one with geometry."""
    with foreign():
        listed = geopandas.list_layers(file)
    listed = listed[~listed["name"].isin(OWN_TABLES)]
    names = list(listed["name"])
    wanted = [one for one in names if one == (layer or table)]
    for fitting in [wanted] if layer else [wanted, names, list(listed["name"][listed["geometry_type"].notna()])]:
        if len(fitting) == 1:
            return fitting[0]
    found = layer or f"{len(names)} layers"
    expected = f"{file.name}{LAYER}NAME, where NAME is one of {', '.join(names)}"
    raise InputError([Fault(Code.WHICH_LAYER, name, None, "", found, expected)])


def no_crs(name: str) -> InputError:
    """Return the error for a layer that does not say which CRS it is in."""
    return InputError(
        [Fault(Code.NO_CRS, name, None, "", "a layer without CRS", "a layer that says which CRS it is in")]
    )
