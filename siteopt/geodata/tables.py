"""Read tables and layers without checks: their cells, row numbers, and points in WGS 84."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely

from siteopt.geodata.delimited import read_delimited
from siteopt.geodata.layers import CRS, LAYERS, SHAPEFILE, located, no_crs, open_layer
from siteopt.geodata.workbook import WORKBOOKS, read_workbook
from siteopt.issues import InputError, Issue, named
from siteopt.message_catalogue import Code
from siteopt.schema import Table

FID = "fid"
"""Column in which QGIS writes the numbers of the features."""

PLACE = ("latitude", "longitude")

FRAME = "frame: "
"""Start of the name of a table that is given as a frame."""


@dataclass(frozen=True)
class RawTable:
    """Table before any check.

    Attributes
    ----------
    file : str
        As the user named it.
    cells : DataFrame
        Text for CSV ('' is a blank), text and numbers for sheets, typed values for layers (a missing value is a blank).
    rows : array of int
        Row of each record as a spreadsheet numbers it.
    shapes : GeoSeries or None
        Geometry of each record in the CRS of its layer; None without geometry, or for a table without places.
    cut : bool
        Whether the file may cut names and texts, as a shapefile does.
    read_as : str
        Format that was detected, such as "CP949, semicolons between cells"; empty for CSV in UTF-8 with commas.
    issues : tuple of Issue
        Issues of single cells that no later check can see, such as formulas without a result.
    header_row : int
        Row of the header: 1, unless blank lines come before it.
    """

    file: str
    cells: pd.DataFrame
    rows: np.ndarray
    shapes: geopandas.GeoSeries | None = None
    cut: bool = False
    read_as: str = ""
    issues: tuple[Issue, ...] = ()
    header_row: int = 1


def read_table(path: Path, table: Table) -> RawTable:
    """Read a text table, a sheet of a workbook, or a vector layer.

    The points of a layer, or a point within each of its polygons, become ``latitude`` and ``longitude`` (WGS 84).

    Raises
    ------
    InputError
        If the file cannot be read, its records do not fit its header, or a layer has no CRS.
    """
    file, _ = located(path)
    if not file.is_file():
        expected = "a CSV, XLSX, GeoJSON, GeoPackage, GeoParquet or shapefile"
        raise InputError([Issue(Code.NO_FILE, str(path), None, "", "no such file", expected)])
    ending = file.suffix.lower()
    if ending in LAYERS:
        raw = _read_layer(path, table)
    else:
        raw = _from_qgis(_read_sheet(path, table) if ending in WORKBOOKS else _read_text(file, table), table)
    return _placed(raw, table)


def from_frame(name: str, frame: pd.DataFrame, table: Table) -> RawTable:
    """Return a frame as a raw table; an index with the name of the id becomes a column.

    Raises
    ------
    InputError
        If a geometry is missing, or has no CRS.
    """
    key = table.key[0]
    frame = frame.reset_index() if frame.index.name == key and key not in frame else frame.reset_index(drop=True)
    return _placed(_of_layer(name, frame.rename(columns=str), table), table)


def frame_digest(raw: RawTable) -> str:
    """Return the SHA-256 of the content of a frame."""
    digest = hashlib.sha256(repr(list(raw.cells.columns)).encode())
    digest.update(pd.util.hash_pandas_object(raw.cells.astype(str), index=False).to_numpy().tobytes())
    if raw.shapes is not None:
        digest.update(b"".join(shape or b"" for shape in shapely.to_wkb(raw.shapes.to_numpy())))
    return digest.hexdigest()


def _placed(raw: RawTable, table: Table) -> RawTable:
    """Return a table with the points of its geometry as latitude and longitude."""
    if raw.shapes is None or not set(PLACE) <= set(table.names):
        return raw
    points = _points(raw, raw.shapes)
    cells = raw.cells.drop(columns=[*PLACE], errors="ignore")
    return replace(raw, cells=cells.assign(latitude=points.y.to_numpy(), longitude=points.x.to_numpy()))


def _from_qgis(raw: RawTable, table: Table) -> RawTable:
    """Return a table with the geometry that QGIS has written into the columns ``X`` and ``Y``, or ``WKT``.

    These columns hold the geometry if they come first, as QGIS puts them, or if latitude or longitude is absent.
    Otherwise they are ordinary columns.
    """
    cells = raw.cells.drop(columns=FID) if FID in raw.cells else raw.cells
    names = list(cells.columns)
    absent = not set(PLACE) <= set(names)
    if not table.spatial:
        return replace(raw, cells=cells)
    if set(names[:2]) == {"X", "Y"} or (absent and {"X", "Y"} <= set(names)):
        stale = cells.drop(columns=[*PLACE], errors="ignore")
        nowhere = (
            cells[["X", "Y"]].astype(str).isin(["0", "0.0"]).all(axis=1)
        )  # QGIS writes 0 for a feature without geometry
        places = {"longitude": cells["X"].mask(nowhere, ""), "latitude": cells["Y"].mask(nowhere, "")}
        return replace(raw, cells=stale.drop(columns=["X", "Y"]).assign(**places))
    if names[:1] == ["WKT"] or (absent and "WKT" in names):
        text = cells["WKT"].astype(str).to_numpy(dtype=object)
        shapes = shapely.from_wkt(text, on_invalid="ignore")
        bad = np.flatnonzero(shapely.is_missing(shapes) & (text != ""))
        if len(bad):
            expected = "a geometry as well-known text (WKT)"
            rows = ((int(raw.rows[at]), f"{text[at][:50]!r}") for at in bad)
            issues = (Issue(Code.SHAPE, raw.file, row, "WKT", found, expected) for row, found in rows)
            raise InputError(named(issues, len(bad)))
        return replace(raw, cells=cells.drop(columns="WKT"), shapes=geopandas.GeoSeries(shapes, crs=CRS))
    return replace(raw, cells=cells)


def _read_text(file: Path, table: Table) -> RawTable:
    (cells, rows, header_row), read_as = read_delimited(file, table)
    written = np.zeros(len(cells), dtype=bool)
    for name in cells.columns:
        written |= (cells[name] != "").to_numpy(dtype=bool)
        if written.all():
            break
    return RawTable(str(file), cells[written], rows[written], read_as=read_as, header_row=header_row)


def _read_sheet(path: Path, table: Table) -> RawTable:
    (cells, rows, header_row), read_as, issues = read_workbook(path, table)
    return RawTable(str(path), cells, rows, read_as=read_as, issues=issues, header_row=header_row)


def _read_layer(path: Path, table: Table) -> RawTable:
    cut = located(path)[0].suffix.lower() in SHAPEFILE
    return _of_layer(str(path), open_layer(path, str(path), table.name), table, cut=cut)


def _of_layer(name: str, layer: pd.DataFrame, table: Table, *, cut: bool = False) -> RawTable:
    """Return a layer or a frame as a raw table, with its geometry separate from its cells."""
    rows = np.arange(2, len(layer) + 2)
    if not isinstance(layer, geopandas.GeoDataFrame):
        return RawTable(name, layer.drop(columns=FID, errors="ignore"), rows, cut=cut)
    shapes = layer.geometry
    cells = pd.DataFrame(layer.drop(columns=[shapes.name, FID], errors="ignore"))
    if not table.spatial or (len(rows) and shapes.isna().all()):  # a table without geometry, saved as GeoJSON
        return RawTable(name, cells, rows, cut=cut)
    if shapes.crs is None:
        raise no_crs(name)
    return RawTable(name, cells, rows, shapes, cut)


def _points(raw: RawTable, shapes: geopandas.GeoSeries) -> geopandas.GeoSeries:
    """Return a point within each shape of a table, in WGS 84.

    Raises
    ------
    InputError
        If a record has no geometry.
    """
    empty = np.flatnonzero(shapes.isna() | shapes.is_empty)
    if len(empty):
        found, expected = "no geometry", "a point or polygon"
        issues = (Issue(Code.SHAPE, raw.file, int(raw.rows[at]), "geometry", found, expected) for at in empty)
        raise InputError(named(issues, len(empty)))
    inner = shapes.copy()
    is_area = inner.geom_type != "Point"
    inner[is_area] = inner[is_area].representative_point()
    return inner.to_crs(CRS)
