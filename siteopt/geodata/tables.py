"""Read tables and layers as they are: cells, row numbers, and points in WGS 84."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from siteopt.faults import Fault, InputError, named

PARQUET = (".parquet", ".geoparquet")
LAYERS = (".geojson", ".json", ".gpkg", *PARQUET)
"""Endings of the layers that are read with geometry; everything else is read as CSV."""

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
    """

    file: str
    cells: pd.DataFrame
    rows: np.ndarray


def read_table(path: Path) -> RawTable:
    """Read a CSV table or a vector layer.

    A layer's points, or a point within each of its polygons, become ``latitude`` and ``longitude`` (WGS 84).

    Raises
    ------
    InputError
        Where the file cannot be read, a row has too many cells, or a layer has no CRS.
    """
    if not path.is_file():
        raise InputError([Fault(str(path), None, "", "no such file", "a CSV, GeoJSON, GeoPackage or GeoParquet file")])
    return _read_layer(path) if path.suffix.lower() in LAYERS else _read_csv(path)


def _read_csv(path: Path) -> RawTable:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError([Fault(str(path), None, "", error.strerror or str(error), "a readable file")]) from None
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
        raise InputError([Fault(file, None, "", f"byte {error.start} is not UTF-8", "a CSV file in UTF-8")]) from None
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
                    too_wide.append(Fault(file, number, "", extra, expected))
                cells.append(([cell.strip() for cell in record] + [""] * len(header))[: len(header)])
                rows.append(number)
    except csv.Error as error:
        broken.append(Fault(file, number + 1, "", str(error), "cells with paired quotes"))
    faults = named(too_wide, len(too_wide)) + broken
    if not header:
        faults.append(Fault(file, None, "", "an empty file", "a header and rows"))
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise InputError([Fault(file, 1, "", header[0], "commas between the cells, not semicolons or tabs")])
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.append(Fault(file, 1, name, f"{header.count(name)} columns of this name", "each column once"))
    if faults:
        raise InputError(faults)
    return pd.DataFrame(cells, columns=header, dtype=str), np.array(rows, dtype=np.int64)


def open_layer(path: Path, name: str) -> geopandas.GeoDataFrame:
    """A vector layer as it is; a table without geometry is an ordinary DataFrame.

    Raises
    ------
    InputError
        Where GDAL cannot read it; the fault calls it ``name``.
    """
    try:
        return geopandas.read_parquet(path) if path.suffix.lower() in PARQUET else geopandas.read_file(path)
    except Exception as error:  # every driver raises its own kind
        raise InputError([Fault(name, None, "", str(error), "a vector layer that GDAL can read")]) from None


def no_crs(name: str) -> InputError:
    """The error for a layer that does not say which CRS it is in."""
    return InputError([Fault(name, None, "", "a layer without CRS", "a layer that says which CRS it is in")])


def _read_layer(path: Path) -> RawTable:
    layer = open_layer(path, str(path))
    rows = np.arange(2, len(layer) + 2)
    if not isinstance(layer, geopandas.GeoDataFrame):
        return RawTable(str(path), pd.DataFrame(layer), rows)
    points = points_wgs84(path, layer)
    cells = pd.DataFrame(layer.drop(columns=[layer.geometry.name, "latitude", "longitude"], errors="ignore"))
    return RawTable(str(path), cells.assign(latitude=points.y.to_numpy(), longitude=points.x.to_numpy()), rows)


def points_wgs84(path: Path, layer: geopandas.GeoDataFrame) -> geopandas.GeoSeries:
    """A point within each feature, in WGS 84.

    Raises
    ------
    InputError
        Where the layer has no CRS, or features without geometry.
    """
    if layer.crs is None:
        raise no_crs(str(path))
    empty = np.flatnonzero(layer.geometry.isna() | layer.geometry.is_empty)
    if len(empty):
        faults = (Fault(str(path), int(row) + 2, "geometry", "", "a point or polygon") for row in empty)
        raise InputError(named(faults, len(empty)))
    inner = layer.geometry.copy()
    is_area = inner.geom_type != "Point"
    inner[is_area] = inner[is_area].representative_point()
    return inner.to_crs(4326)
