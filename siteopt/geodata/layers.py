"""Open vector layers: choose the layer in a file, and find the files that belong to it and their encoding."""

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

from siteopt.geodata.foreign import Unreadable, foreign
from siteopt.issues import InputError, Issue, named
from siteopt.log import note
from siteopt.message_catalogue import Code

PARQUET = (".parquet", ".geoparquet")
SHAPEFILE = (".shp", ".dbf")
JSON = (".geojson", ".json")
SINGLE = (*JSON, *SHAPEFILE, *PARQUET)
LAYERS = (*SINGLE, ".gpkg")
"""Extensions of the layers that are read as tables. SINGLE: extensions of files that hold only one layer."""

OPENING = {
    ".gpkg": rb"SQLite format 3\0",
    ".shp": rb"\x00\x00\x27\x0a",
    ".dbf": rb"[\x03\x30\x83\x8b\xf5]",
    **dict.fromkeys(PARQUET, rb"PAR1"),
    **dict.fromkeys(JSON, rb"(\xef\xbb\xbf)?\s*\{"),
}
"""First bytes of each kind of file. GDAL judges by them, not by the extension, and would open network addresses."""

MOST_BYTES = 1 << 30
MOST_COLUMNS = 16_384
MOST_CELLS = 1_000_000_000
MOST_VERTICES = 20_000_000
FARTHEST = 1e9
"""Limits of a layer, far beyond any real one. FARTHEST limits its coordinates, in degrees or metres."""

_ELSEWHERE = re.compile(r"[A-Za-z][\w+.-]+:|[\\/]{2}|[\\/]vsi", re.ASCII)
"""Start of a name that is not a local file: an address, a driver of GDAL, a share, or a file system of GDAL."""

SIDECARS = {".shp": (".dbf", ".prj", ".cpg"), ".dbf": (".cpg",), ".gpkg": (".gpkg-wal",)}
"""Files beside a layer that belong to it. ``.gpkg-wal`` holds the latest edits while QGIS has a GeoPackage open."""

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
"""Options for fast reading of layers: integers stay integers even if some are missing, and text stays in Arrow."""

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
    """Refuse a name that is not a file on this machine, or is a folder, a device or a pipe.

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
        raise _refused(Code.NO_FILE, name, error.strerror or str(error), "a valid file name") from None
    if odd:
        raise _refused(
            Code.UNREADABLE, name, "it is a folder" if file.is_dir() else "it is a device or a pipe", "a file"
        )


def _refused(code: Code, name: str, found: str, expected: str) -> InputError:
    return InputError([Issue(code, name, None, "", found, expected)])


def _check_file(file: Path, name: str) -> None:
    """Raise InputError if the content of a layer does not fit its extension, or is far too large."""
    ending = file.suffix.lower()
    if ending not in OPENING:
        found = f"a {ending} file" if ending else "a file without an extension"
        raise _refused(Code.FORMAT, name, found, f"a layer ({', '.join(LAYERS)})")
    if not file.is_file():
        raise _refused(Code.NO_FILE, name, "no such file", "a layer")
    with file.open("rb") as opened:
        start = opened.read(1024)
    if not start:
        raise _refused(Code.EMPTY, name, "an empty file", "a layer")
    if not re.match(OPENING[ending], start):
        found = f"a file that begins with {start[:20].decode('latin-1')!r}"
        raise _refused(Code.FORMAT, name, found, f"the content of a {ending} file")
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise _refused(Code.TOO_LARGE, name, f"{size:,} bytes", f"at most {MOST_BYTES:,}")
    whole = _promised_bytes(ending, start)
    if size < whole:
        raise _refused(Code.FORMAT, name, f"{size:,} bytes", f"{whole:,} bytes, as its header says; the file was cut")
    if ending in PARQUET:
        with foreign():
            about = pyarrow.parquet.read_metadata(file)
        _check_size(about.num_rows, about.num_columns, name)


def _promised_bytes(ending: str, start: bytes) -> int:
    """Return the size, bytes, that the header of a shapefile states, else 0; GDAL would read a cut one as blanks."""
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
    """Raise InputError if coordinates are beyond the Earth, or if there are too many."""
    count = int(shapely.get_num_coordinates(shapes.to_numpy()).sum())
    if count > MOST_VERTICES:
        raise _refused(Code.TOO_LARGE, name, f"{count:,} vertices", f"at most {MOST_VERTICES:,}")
    corners, owner = shapely.get_coordinates(shapes.to_numpy(), return_index=True)
    bad = np.unique(owner[~(np.abs(corners) <= FARTHEST).all(axis=1)])
    if len(bad):
        expected = "finite coordinates on the Earth"
        issues = (
            Issue(Code.SHAPE, name, int(at) + 2, "geometry", "coordinates beyond the Earth", expected) for at in bad
        )
        raise InputError(named(issues, len(bad)))


def open_layer(path: Path, name: str, table: str = "") -> geopandas.GeoDataFrame:
    """Return a vector layer; a table without geometry is an ordinary DataFrame.

    Parameters
    ----------
    name : str
        Name of the layer in issues.
    table : str
        Name of the layer to read if there are several and the path names none.

    Raises
    ------
    InputError
        If GDAL cannot read the layer, it is too large, or it is not clear which layer of the file is meant.
    """
    file, *beside = files_of(path)
    try:
        for one in (file, *(other for other in beside if other.suffix.lower() in OPENING)):
            _check_file(one, name)
        found = _read(path, name, table)
        _check_size(len(found), len(found.columns), name)
        twice = sorted({str(column) for column in found.columns[found.columns.duplicated()]})
        if twice:
            told, expected = "several columns with this name", "only one"
            raise InputError([Issue(Code.COLUMN_TWICE, name, 1, one, told, expected) for one in twice])
        if isinstance(found, geopandas.GeoDataFrame):
            _check_shapes(found.geometry, name)
    except OSError as error:
        raise _refused(Code.UNREADABLE, name, error.strerror or str(error), "a readable file") from None
    except Unreadable as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno:
            raise _refused(Code.UNREADABLE, name, cause.strerror or str(cause), "a readable file") from None
        expected = "a layer that GDAL can read; save it again as a GeoPackage"
        raise _refused(Code.FORMAT, name, _damage(file), expected) from None
    for column in found.select_dtypes("string"):
        try:  # Arrow takes any bytes as text
            pa.array(found[column]).validate(full=True)
        except pa.ArrowInvalid:
            raise InputError([Issue(Code.ENCODING, name, None, str(column), NOT_UTF8, "UTF-8")]) from None
    return found


def _check_json(file: Path, name: str) -> None:
    """Raise InputError if a GeoJSON names an unknown CRS, which GDAL would read as WGS 84, or has too many columns.

    GDAL takes minutes to read very many columns. Only the columns of the first feature are counted.
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
            raise _refused(Code.NO_CRS, name, f"the unknown CRS {crs!r}", "a known CRS") from None


def _damage(file: Path) -> str:
    """Return what is wrong with a file that GDAL cannot read; for JSON, which people write by hand, also where."""
    if file.suffix.lower() in JSON:
        try:
            json.loads(file.read_text(encoding="utf-8-sig"))
        except json.JSONDecodeError as error:
            return f"invalid JSON (line {error.lineno}, column {error.colno})"
        except (ValueError, RecursionError):
            return "invalid JSON"
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
        warnings.simplefilter("always", RuntimeWarning)  # GDAL also warns about layers that it reads well
        warnings.filterwarnings("ignore", "Could not parse column")  # a column of GeoJSON may mix numbers and text
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

    QGIS cuts UTF-8 where a field is full, even within a letter. The rest of such a letter is dropped.
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
        expected = f"UTF-8; name any other encoding, such as CP949, in a file {file.stem}.cpg beside it"
        raise InputError([Issue(Code.ENCODING, name, None, "", NOT_UTF8, expected)]) from None
    return layer


def _chosen(file: Path, name: str, layer: str, table: str) -> str:
    """Return the layer that is named; else the one with the name of the table, the only one, or the only geometry."""
    with foreign():
        listed = geopandas.list_layers(file)
    listed = listed[~listed["name"].isin(OWN_TABLES)]
    names = list(listed["name"])
    wanted = [one for one in names if one == (layer or table)]
    for fitting in [wanted] if layer else [wanted, names, list(listed["name"][listed["geometry_type"].notna()])]:
        if len(fitting) == 1:
            return fitting[0]
    found = f"no layer {layer!r}" if layer else f"{len(names)} layers"
    expected = f"the name of one layer: {file.name}{LAYER}NAME, where NAME is one of {', '.join(names)}"
    raise InputError([Issue(Code.WHICH_LAYER, name, None, "", found, expected)])


def no_crs(name: str) -> InputError:
    """Return the error for a layer without a coordinate reference system (CRS)."""
    return InputError(
        [
            Issue(
                Code.NO_CRS,
                name,
                None,
                "",
                "a layer without a CRS",
                "a layer with a CRS; set it in QGIS and save the layer again",
            )
        ]
    )
