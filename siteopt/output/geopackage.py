"""Write layers into one GeoPackage, with typed columns, their titles and descriptions, and the styles."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely

from siteopt.output.folder import ROOM_BYTES, TEMPORARY, failures
from siteopt.output.layer import Field, Layer

DATED = "2000-01-01T00:00:00.000Z"
"""Creation time that the file states; it is fixed, so that equal runs give equal bytes."""

_INT64 = range(-(2**63), 2**63)
_FILLERS = {str: "", int: 0, float: np.nan, bool: False}
_ARRAYS = {str: object, int: np.int64, float: np.float64, bool: np.bool_}

_COLUMNS = """
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name))
"""
_EXTENSION = """
INSERT INTO gpkg_extensions
VALUES ('gpkg_data_columns', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec/#extension_schema', 'read-write')
"""
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""
_STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
  styleSLD, useAsDefault, description, owner, update_time)
VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', ?)
"""
_CONTENT = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles of the layers, as QGIS reads them', ?)
"""


def geopackage(layers: Sequence[Layer], styles: Mapping[str, str]) -> bytes:
    """Return the bytes of a GeoPackage.

    Parameters
    ----------
    styles : mapping of str to str
        QML by the name of the layer, for the layers whose style is stored in the file.

    Raises
    ------
    Failure
        If the folder for temporary files has no room for it, or cannot be written.
    """
    with failures(TEMPORARY), tempfile.TemporaryDirectory() as folder, _dated(), _failures(folder):
        path = Path(folder) / "layers.gpkg"
        for layer in layers:
            _add(path, layer)
        with closing(sqlite3.connect(path)) as database, database:
            _describe(database, layers)
            if styles:
                _keep(database, layers, styles)
        return path.read_bytes()


@contextmanager
def _failures(folder: str) -> Iterator[None]:
    """Turn errors of SQLite and GDAL, which report a full disk in many ways, into OSError: ENOSPC if full, else EIO."""
    try:
        yield
    except (sqlite3.OperationalError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        full = "full" in str(error) or shutil.disk_usage(folder).free < ROOM_BYTES
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


@contextmanager
def _dated() -> Iterator[None]:
    """Make GDAL write DATED in place of the current time."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATED})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _add(path: Path, layer: Layer) -> None:
    columns = [_column(layer, field) for field in layer.fields]
    pyogrio.raw.write(
        path,
        np.array(shapely.to_wkb(layer.shapes), dtype=object),
        [values for values, _ in columns],
        np.array([field.name for field in layer.fields], dtype=object),
        [blank for _, blank in columns],
        layer=layer.name,
        driver="GPKG",
        geometry_type=layer.geometry,
        crs="EPSG:4326",
        append=path.exists(),
        dataset_options={"VERSION": "1.2"},  # older versions of QGIS can read this version
        layer_options={
            "FID": "fid",
            "GEOMETRY_NAME": "geom",
            "IDENTIFIER": layer.name,
            "DESCRIPTION": f"{layer.title}. {layer.description}",
        },
    )


def _column(layer: Layer, field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a column, and a boolean array that is True where a value is missing."""
    cells = [row.get(field.key) for row in layer.rows]
    blank = np.array([cell is None for cell in cells], dtype=bool)
    if field.type is date:
        return np.array(["NaT" if cell is None else cell for cell in cells], dtype="datetime64[D]"), blank
    if field.type is str or (field.type is int and not all(cell is None or int(cell) in _INT64 for cell in cells)):
        # SQLite ends a text at its first NUL
        texts = ["" if cell is None else str(cell).replace("\0", "") for cell in cells]
        return np.array(texts, dtype=object), blank
    filled = [_FILLERS[field.type] if cell is None else cell for cell in cells]
    return np.array(filled, dtype=_ARRAYS[field.type]), blank


def _describe(database: sqlite3.Connection, layers: Sequence[Layer]) -> None:
    """Write titles and descriptions of the columns to the table of the standard for them."""
    database.execute(_COLUMNS)
    database.execute(_EXTENSION)
    database.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, title, description) VALUES (?, ?, ?, ?)",
        [(layer.name, field.name, field.alias, field.help) for layer in layers for field in layer.fields],
    )


def _keep(database: sqlite3.Connection, layers: Sequence[Layer], styles: Mapping[str, str]) -> None:
    """Write the styles to the table where QGIS looks for them."""
    database.execute(_STYLES)
    database.execute(_CONTENT, [DATED])
    styled = [layer for layer in layers if layer.name in styles]
    database.executemany(
        _STYLE, [(layer.name, layer.name, styles[layer.name], layer.description, DATED) for layer in styled]
    )
