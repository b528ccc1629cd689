"""Open vector layers: which layer of a file, which files a layer is made of, in which encoding."""

from __future__ import annotations

import codecs
import contextlib
import warnings
from pathlib import Path

import geopandas
import pandas as pd
import pyarrow as pa

from siteopt.codes import Code
from siteopt.faults import Fault, InputError

PARQUET = (".parquet", ".geoparquet")
SHAPEFILE = (".shp", ".dbf")
SINGLE = (".geojson", ".json", *SHAPEFILE, *PARQUET)
LAYERS = (*SINGLE, ".gpkg")
"""Endings of the layers that are read as tables. SINGLE: of files that hold one layer and no more."""

SIDECARS = {".shp": (".dbf", ".prj", ".cpg"), ".dbf": (".cpg",), ".gpkg": (".gpkg-wal",)}
"""Files beside a layer that belong to it. The last holds what QGIS has saved while it keeps a GeoPackage open."""

LAYER = "|layername="
"""What stands between a file and the name of a layer in it, as QGIS writes it."""

OWN_TABLES = ("layer_styles", "qgis_projects")
"""Tables that QGIS adds to a GeoPackage."""

CRS = 4326
"""WGS 84."""

ARROW = {
    "use_arrow": True,
    "arrow_to_pandas_kwargs": {
        "integer_object_nulls": True,
        "date_as_object": False,
        "types_mapper": {pa.string(): pd.StringDtype("pyarrow")}.get,
    },
}
"""How layers are read: fast; whole numbers stay such where some are missing, and text stays with Arrow."""

NOT_UTF8 = "text that is not UTF-8"


def located(path: Path) -> tuple[Path, str]:
    """The file and the layer of ``sites.gpkg|layername=sites``; ``''`` where no layer is named."""
    file, _, layer = str(path).partition(LAYER)
    return Path(file), layer


def files_of(path: Path) -> list[Path]:
    """The file of a table or layer, and those that belong to it."""
    file, _ = located(path)
    files = [file]
    for ending in SIDECARS.get(file.suffix.lower(), ()):
        written = (file.with_suffix(one) for one in (ending, ending.upper()))
        files += [one for one in written if one.is_file()][:1]
    return files


def open_layer(path: Path, name: str, table: str = "") -> geopandas.GeoDataFrame:
    """A vector layer as it is; a table without geometry is an ordinary DataFrame.

    Parameters
    ----------
    name : str
        What a fault calls it.
    table : str
        Of several layers the one of this name is read, if the path names none.

    Raises
    ------
    InputError
        Where GDAL cannot read it, or it is not clear which of its layers is meant.
    """
    file, layer = located(path)
    ending = file.suffix.lower()
    try:
        if ending in PARQUET:
            return geopandas.read_parquet(file)
        if ending in SHAPEFILE:
            return _shapefile(file, name)
        if layer or ending not in SINGLE:
            layer = _chosen(file, name, layer, table)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Could not parse column")  # numbers and words in one column of GeoJSON
            found = geopandas.read_file(file, layer=layer or None, **ARROW)
    except InputError:
        raise
    except Exception as error:  # every driver raises its own kind
        raise InputError(
            [Fault(Code.FORMAT, name, None, "", str(error), "a vector layer that GDAL can read")]
        ) from None
    for column in found.select_dtypes("string"):
        try:  # for Arrow takes any bytes as text
            pa.array(found[column]).validate(full=True)
        except pa.ArrowInvalid:
            raise InputError([Fault(Code.ENCODING, name, None, str(column), NOT_UTF8, "UTF-8")]) from None
    return found


def _shapefile(file: Path, name: str) -> geopandas.GeoDataFrame:
    """A shapefile in the encoding that its ``.cpg`` names, or in UTF-8.

    QGIS cuts UTF-8 for it wherever a field is full, even within a letter: what is left of such a letter is dropped.
    """

    def decoded(text: object) -> object:
        return codecs.getincrementaldecoder("utf-8")().decode(text.encode("latin-1")) if isinstance(text, str) else text

    named = len(files_of(file.with_suffix(".dbf"))) > 1
    try:
        with contextlib.suppress(UnicodeDecodeError):
            return geopandas.read_file(file, encoding=None if named else "UTF-8")
        layer = geopandas.read_file(file, encoding="ISO-8859-1").rename(columns=decoded)
        for column in layer.columns.drop("geometry", errors="ignore"):
            layer[column] = layer[column].map(decoded, na_action="ignore")
    except UnicodeDecodeError:
        expected = f"UTF-8, or the name of another encoding, such as CP949, in a file {file.stem}.cpg beside it"
        raise InputError([Fault(Code.ENCODING, name, None, "", NOT_UTF8, expected)]) from None
    return layer


def _chosen(file: Path, name: str, layer: str, table: str) -> str:
    """The layer that is named, or else called like the table, or the only one, or the only one with geometry."""
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
    """The error for a layer that does not say which CRS it is in."""
    return InputError(
        [Fault(Code.NO_CRS, name, None, "", "a layer without CRS", "a layer that says which CRS it is in")]
    )
