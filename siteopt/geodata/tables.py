"""Read tables and layers as they are: cells, row numbers, and points in WGS 84."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, named
from siteopt.geodata.delimited import read_delimited
from siteopt.geodata.layers import CRS, LAYERS, SHAPEFILE, located, no_crs, open_layer
from siteopt.geodata.workbook import WORKBOOKS, read_workbook
from siteopt.schema import Table

FID = "fid"
"""The column in which QGIS writes the numbers of the features."""

PLACE = ("latitude", "longitude")


@dataclass(frozen=True)
class RawTable:
    """A table before any check.

    Attributes
    ----------
    file : str
        As the user named it.
    cells : DataFrame
        Text for CSV ('' is a blank), text and numbers for sheets, typed for layers (missing is a blank).
    rows : array of int
        Row of each record as a spreadsheet shows it.
    shapes : GeoSeries or None
        The geometry of each record in the CRS of its layer, where there is any and the table is about places.
    cut : bool
        Whether the file cuts names and text, as a shapefile does.
    read_as : str
        What was detected, if the file is not simply CSV in UTF-8 with commas: "CP949, semicolons between cells".
    faults : tuple of Fault
        Those of single cells that no check can see any more, such as formulas without a result.
    header_row : int
        1, unless blank lines stand before the header.
    """

    file: str
    cells: pd.DataFrame
    rows: np.ndarray
    shapes: geopandas.GeoSeries | None = None
    cut: bool = False
    read_as: str = ""
    faults: tuple[Fault, ...] = ()
    header_row: int = 1


def read_table(path: Path, table: Table) -> RawTable:
    """Read a table as text, a sheet of a workbook, or a vector layer.

    A layer's points, or a point within each of its polygons, become ``latitude`` and ``longitude`` (WGS 84).

    Raises
    ------
    InputError
        Where the file cannot be read, its records do not fit its header, or a layer has no CRS.
    """
    file, _ = located(path)
    if not file.is_file():
        expected = "a CSV, XLSX, GeoJSON, GeoPackage, GeoParquet or shapefile"
        raise InputError([Fault(Code.NO_FILE, str(path), None, "", "no such file", expected)])
    ending = file.suffix.lower()
    if ending in LAYERS:
        raw = _read_layer(path, table)
    else:
        raw = _from_qgis(_read_sheet(path, table) if ending in WORKBOOKS else _read_text(file, table), table)
    if raw.shapes is None or not set(PLACE) <= set(table.names):
        return raw
    points = _points(raw, raw.shapes)
    cells = raw.cells.drop(columns=[*PLACE], errors="ignore")
    return replace(raw, cells=cells.assign(latitude=points.y.to_numpy(), longitude=points.x.to_numpy()))


def _from_qgis(raw: RawTable, table: Table) -> RawTable:
    """A table whose geometry QGIS has written into columns ``X`` and ``Y``, or ``WKT``.

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
        nowhere = (
            cells[["X", "Y"]].astype(str).isin(["0", "0.0"]).all(axis=1)
        )  # what QGIS writes for a feature without geometry
        places = {"longitude": cells["X"].mask(nowhere, ""), "latitude": cells["Y"].mask(nowhere, "")}
        return replace(raw, cells=stale.drop(columns=["X", "Y"]).assign(**places))
    if names[:1] == ["WKT"] or (absent and "WKT" in names):
        text = cells["WKT"].astype(str).to_numpy(dtype=object)
        shapes = shapely.from_wkt(text, on_invalid="ignore")
        bad = np.flatnonzero(shapely.is_missing(shapes) & (text != ""))
        if len(bad):
            faults = (Fault(Code.SHAPE, raw.file, int(raw.rows[at]), "WKT", text[at], "well-known text") for at in bad)
            raise InputError(named(faults, len(bad)))
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
    (cells, rows, header_row), read_as, faults = read_workbook(path, table)
    return RawTable(str(path), cells, rows, read_as=read_as, faults=faults, header_row=header_row)


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
