"""Read tables and layers as they are: cells, row numbers, and points in WGS 84."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd

from siteopt.faults import Fault, InputError

PARQUET = (".parquet", ".geoparquet")
LAYERS = (".geojson", ".json", ".gpkg", *PARQUET)
"""Endings of the layers that are read with geometry; everything else is read as CSV."""


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
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            [Fault(str(path), None, "", f"byte {error.start} is not UTF-8", "a CSV file in UTF-8")]
        ) from None
    except OSError as error:
        raise InputError([Fault(str(path), None, "", error.strerror or str(error), "a readable file")]) from None
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    cells: list[list[str]] = []
    rows: list[int] = []
    faults: list[Fault] = []
    number = 0
    try:
        for number, record in enumerate(records, start=1):
            if number == 1:
                header = [name.strip() for name in record]
            elif any(cell.strip() for cell in record):
                if any(cell.strip() for cell in record[len(header) :]):
                    extra = ",".join(record[len(header) :])
                    faults.append(
                        Fault(str(path), number, "", extra, f"{len(header)} cells, as in the header, not {len(record)}")
                    )
                cells.append((record + [""] * len(header))[: len(header)])
                rows.append(number)
    except csv.Error as error:
        faults.append(Fault(str(path), number + 1, "", str(error), "cells with paired quotes"))
    if not header:
        faults.append(Fault(str(path), None, "", "an empty file", "a header and rows"))
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise InputError([Fault(str(path), 1, "", header[0], "commas between the cells, not semicolons or tabs")])
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.append(Fault(str(path), 1, name, f"{header.count(name)} columns of this name", "each column once"))
    if faults:
        raise InputError(faults)
    frame = pd.DataFrame(cells, columns=header, dtype=object)
    return RawTable(str(path), frame.apply(lambda column: column.str.strip()), np.array(rows, dtype=np.int64))


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
        raise InputError(Fault(str(path), int(row) + 2, "geometry", "", "a point or polygon") for row in empty)
    is_point = layer.geom_type == "Point"
    inner = layer.geometry.where(is_point, layer.geometry.representative_point())
    return inner.to_crs(4326)
