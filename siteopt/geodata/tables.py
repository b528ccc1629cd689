"""Read tables and layers as they are: cells, row numbers, and points in WGS 84."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import shapely

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, named
from siteopt.geodata.layers import CRS, LAYERS, SHAPEFILE, located, no_crs, open_layer
from siteopt.schema import Table

FID = "fid"
"""The column in which QGIS writes the numbers of the features."""

PLACE = ("latitude", "longitude")

_BOM, _QUOTE = b"\xef\xbb\xbf", ord('"')
_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class RawTable:
    """A table before any check.

    Attributes
    ----------
    file : str
        As the user named it.
    cells : DataFrame
        Text for CSV ('' is a blank), typed for layers (missing is a blank).
    rows : array of int
        Row of each record as a spreadsheet shows it: the header is row 1.
    shapes : GeoSeries or None
        The geometry of each record in the CRS of its layer, where there is any and the table is about places.
    cut : bool
        Whether the file cuts names and text, as a shapefile does.
    read_as : str
        What was detected, if the file is not simply CSV in UTF-8 with commas: "CP949, semicolons between cells".
    """

    file: str
    cells: pd.DataFrame
    rows: np.ndarray
    shapes: geopandas.GeoSeries | None = None
    cut: bool = False
    read_as: str = ""


def read_table(path: Path, table: Table) -> RawTable:
    """Read a CSV table or a vector layer.

    A layer's points, or a point within each of its polygons, become ``latitude`` and ``longitude`` (WGS 84).

    Raises
    ------
    InputError
        Where the file cannot be read, a row has too many cells, or a layer has no CRS.
    """
    file, _ = located(path)
    if not file.is_file():
        expected = "a CSV, GeoJSON, GeoPackage, GeoParquet or shapefile"
        raise InputError([Fault(Code.NO_FILE, str(path), None, "", "no such file", expected)])
    raw = _read_layer(path, table) if file.suffix.lower() in LAYERS else _from_qgis(_read_csv(file), table)
    if raw.shapes is None or not set(PLACE) <= set(table.names):
        return raw
    points = _points(raw, raw.shapes)
    cells = raw.cells.drop(columns=[*PLACE], errors="ignore")
    return replace(raw, cells=cells.assign(latitude=points.y.to_numpy(), longitude=points.x.to_numpy()))


def _from_qgis(raw: RawTable, table: Table) -> RawTable:
    """A CSV table whose geometry QGIS has written into columns ``X`` and ``Y``, or ``WKT``.

    They are that where they come first, as QGIS puts them, and where latitude and longitude are absent. Elsewhere they
    are columns like any other.
    """
    cells = raw.cells.drop(columns=FID) if FID in raw.cells else raw.cells
    names = list(cells.columns)
    absent = not set(PLACE) <= set(names)
    if not table.spatial:
        return replace(raw, cells=cells)
    if set(names[:2]) == {"X", "Y"} or (absent and {"X", "Y"} <= set(names)):
        stale = cells.drop(columns=[*PLACE], errors="ignore")
        nowhere = (cells["X"] == "0") & (cells["Y"] == "0")  # what QGIS writes for a feature without geometry
        places = {"longitude": cells["X"].mask(nowhere, ""), "latitude": cells["Y"].mask(nowhere, "")}
        return replace(raw, cells=stale.drop(columns=["X", "Y"]).assign(**places))
    if names[:1] == ["WKT"] or (absent and "WKT" in names):
        text = cells["WKT"].to_numpy(dtype=object)
        shapes = shapely.from_wkt(text, on_invalid="ignore")
        bad = np.flatnonzero(shapely.is_missing(shapes) & (text != ""))
        if len(bad):
            faults = (Fault(Code.SHAPE, raw.file, int(raw.rows[at]), "WKT", text[at], "well-known text") for at in bad)
            raise InputError(named(faults, len(bad)))
        return replace(raw, cells=cells.drop(columns="WKT"), shapes=geopandas.GeoSeries(shapes, crs=CRS))
    return replace(raw, cells=cells)


def _read_csv(path: Path) -> RawTable:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            [Fault(Code.UNREADABLE, str(path), None, "", error.strerror or str(error), "a readable file")]
        ) from None
    cells = records_at_once(data)
    if cells is None:
        cells, rows = records_one_by_one(str(path), data)
    else:
        rows = np.arange(2, len(cells) + 2)
    written = np.zeros(len(cells), dtype=bool)
    for name in cells.columns:
        written |= (cells[name] != "").to_numpy(dtype=bool)
        if written.all():
            break
    return RawTable(str(path), cells[written], rows[written])


def records_at_once(data: bytes) -> pd.DataFrame | None:
    """The records of a CSV file from row 2 on, read with Arrow; None where Python might read them otherwise.

    The two agree where each record has as many cells as the header or none, each quote opens a cell, closes it or is
    doubled within it, and a carriage return is followed by a line feed.
    """
    start, end = len(_BOM) if data.startswith(_BOM) else 0, len(data)
    while end > start and data[end - 1] in b"\r\n":
        end -= 1
    if data.count(b"\r") != data.count(b"\r\n") or not _quotes_are_plain(data, start, end):
        return None
    try:
        first_line = data[start : data.find(b"\n", start, end) % (end + 1)]  # all of it where no line ends
        header = next(csv.reader([first_line.decode()], strict=True), [])
        names = [name.strip() for name in header]
        if len(names) < 2 or len(set(names)) < len(names):
            return None
        table = pa.csv.read_csv(
            pa.py_buffer(data)[start:end],
            pa.csv.ReadOptions(column_names=names, skip_rows=1, block_size=_BLOCK_BYTES),
            pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except (csv.Error, UnicodeDecodeError, pa.ArrowInvalid):
        return None
    for position, name in enumerate(names):
        column = table[name]
        if (pa.compute.max(pa.compute.binary_length(column)).as_py() or 0) > csv.field_size_limit():
            return None
        table = table.set_column(position, name, pa.compute.utf8_trim_whitespace(column))
    return table.to_pandas()


def _quotes_are_plain(data: bytes, start: int, end: int) -> bool:
    """Whether every quote opens a cell, closes it, or is doubled within it.

    Counted from the first, the even ones open: they stand at the start of a cell, or right behind the one that
    closed, which is then the first of a double. The odd ones close: a cell ends there, or an even one follows.
    """
    text = np.frombuffer(data, dtype=np.uint8)[start:end]
    blocks = range(0, len(text), _BLOCK_BYTES)  # for a mask of all bytes at once is as large as the file
    quotes = [np.flatnonzero(text[block : block + _BLOCK_BYTES] == _QUOTE) + block for block in blocks]
    at = np.concatenate([np.zeros(0, dtype=np.int64), *quotes])
    opening, closing = at[::2], at[1::2]
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing < len(text) - 1] + 1]
    return bool(
        len(opening) == len(closing)
        and np.isin(before, (_QUOTE, *b",\n")).all()
        and np.isin(after, (_QUOTE, *b",\r\n")).all()
    )


def records_one_by_one(file: str, data: bytes) -> tuple[pd.DataFrame, np.ndarray]:
    """The records of any CSV file without its empty lines, and the row of each.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            [Fault(Code.ENCODING, file, None, "", f"byte {error.start} is not UTF-8", "a CSV file in UTF-8")]
        ) from None
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    cells: list[list[str]] = []
    rows: list[int] = []
    too_wide: list[Fault] = []
    broken: list[Fault] = []
    number = 0
    try:
        for number, record in enumerate(records, start=1):
            if number == 1:
                header = [name.strip() for name in record]
            elif record:
                if any(cell.strip() for cell in record[len(header) :]):
                    extra = ",".join(record[len(header) :])
                    expected = f"{len(header)} cells, as in the header, not {len(record)}"
                    too_wide.append(Fault(Code.CELLS, file, number, "", extra, expected))
                cells.append(([cell.strip() for cell in record] + [""] * len(header))[: len(header)])
                rows.append(number)
    except csv.Error as error:
        broken.append(Fault(Code.QUOTES, file, number + 1, "", str(error), "cells with paired quotes"))
    faults = named(too_wide, len(too_wide)) + broken
    if not header:
        faults.append(Fault(Code.EMPTY, file, None, "", "an empty file", "a header and rows"))
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise InputError(
            [Fault(Code.FORMAT, file, 1, "", header[0], "commas between the cells, not semicolons or tabs")]
        )
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.append(
            Fault(Code.COLUMN_TWICE, file, 1, name, f"{header.count(name)} columns of this name", "each column once")
        )
    if faults:
        raise InputError(faults)
    return pd.DataFrame(cells, columns=header, dtype=str), np.array(rows, dtype=np.int64)


def _read_layer(path: Path, table: Table) -> RawTable:
    layer = open_layer(path, str(path), table.name)
    rows = np.arange(2, len(layer) + 2)
    cut = located(path)[0].suffix.lower() in SHAPEFILE
    if not isinstance(layer, geopandas.GeoDataFrame):
        return RawTable(str(path), layer.drop(columns=FID, errors="ignore"), rows, cut=cut)
    shapes = layer.geometry
    cells = pd.DataFrame(layer.drop(columns=[shapes.name, FID], errors="ignore"))
    if not table.spatial or (len(rows) and shapes.isna().all()):  # a table without geometry, saved as GeoJSON
        return RawTable(str(path), cells, rows, cut=cut)
    if shapes.crs is None:
        raise no_crs(str(path))
    return RawTable(str(path), cells, rows, shapes, cut)


def _points(raw: RawTable, shapes: geopandas.GeoSeries) -> geopandas.GeoSeries:
    """A point within each shape of a table, in WGS 84.

    Raises
    ------
    InputError
        Where there are records without geometry.
    """
    empty = np.flatnonzero(shapes.isna() | shapes.is_empty)
    if len(empty):
        faults = (Fault(Code.SHAPE, raw.file, int(raw.rows[at]), "geometry", "", "a point or polygon") for at in empty)
        raise InputError(named(faults, len(empty)))
    inner = shapes.copy()
    is_area = inner.geom_type != "Point"
    inner[is_area] = inner[is_area].representative_point()
    return inner.to_crs(CRS)
