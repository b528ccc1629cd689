"""Make the map of countries that comes with siteopt from Natural Earth (public domain, naturalearthdata.com).

``python docs/countries.py FOLDER``: the folder holds ``countries-10m.json`` of the npm package *world-atlas* (Natural
Earth's 1:10m countries), and of *i18n-iso-countries* (MIT licence) ``codes.json`` (ISO 3166), ``en.json`` and
``ko.json`` (names).

Each country is grown by the tolerance of the check, 25 km, and then simplified to about 2 km, so that the check
does not have to measure distances. Growing also swallows fjords and islets, which makes the map small.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pyproj
import shapely

TARGET = Path(__file__).parent.parent / "siteopt" / "geodata" / "countries.parquet"
GROWN_M = 25_000
TOLERANCE_DEG = 0.02
TILE_DEG = 5
"""Shapes are grown in tiles of this size, each on a plane about its middle, with an error of a thousandth."""

SOUTH = -85
"""No tile further south is grown, because a plane about a tile cannot hold the pole."""

EDGE_DEG = 181
"""Shapes end a degree beyond the date line, so that a place on it lies well within them."""

UNCODED = {
    "Kosovo": "XK RS",
    "N. Cyprus": "CY",
    "Cyprus U.N. Buffer Zone": "CY",
    "Dhekelia": "CY GB",
    "Akrotiri": "CY GB",
    "Somaliland": "SO",
    "Siachen Glacier": "IN PK",
    "Baikonur": "KZ",
    "USNB Guantanamo Bay": "CU US",
    "Indian Ocean Ter.": "AU CC CX",
    "Coral Sea Is.": "AU",
    "Clipperton I.": "FR",
    "Spratly Is.": "CN MY PH TW VN",
    "Scarborough Reef": "CN PH TW",
    "Bajo Nuevo Bank": "CO JM US",
    "Serranilla Bank": "CO JM US",
}
"""Areas without an ISO 3166 code in Natural Earth, and the codes that a table may give a place there."""

ALSO = {
    **dict.fromkeys(("PR", "GU", "VI", "AS", "MP", "UM"), "US"),
    **dict.fromkeys(("HK", "MO", "TW"), "CN"),
    **dict.fromkeys(("GG", "JE", "IM", "GI", "FK", "BM", "KY", "VG", "AI", "MS", "TC", "SH", "GS", "PN", "IO"), "GB"),
    **dict.fromkeys(("NC", "PF", "PM", "WF", "BL", "MF", "TF"), "FR"),
    **dict.fromkeys(("AW", "CW", "SX"), "NL"),
    **dict.fromkeys(("GL", "FO"), "DK"),
    **dict.fromkeys(("CK", "NU"), "NZ"),
    **dict.fromkeys(("NF", "HM"), "AU"),
    "AX": "FI",
    "EH": "MA",
    "MA": "EH",
    "PS": "IL",
    "FR": "GF GP MQ RE YT",
    "NO": "SJ BV",
    "NL": "BQ",
    "NZ": "TK",
}
"""Codes that a table may give a place beside its own: of the state that a territory belongs to, or that claims it, and
of parts that Natural Earth keeps with their state."""

COLLOQUIAL = {"KR": ["Korea", "한국"]}
"""Other names that people write for a country."""

CRIMEA = (shapely.box(32.3, 44.3, 36.7, 46.3), ["RU"], ["UA", "RU"])
"""Area, shapes and codes to use: Natural Earth draws who controls a place, and the United Nations differ."""


def grown(shape: shapely.Geometry) -> list[shapely.Polygon]:
    """Return the polygons of a shape that is larger by GROWN_M all around, in degrees with two decimals."""
    west, south, east, north = np.floor(np.array(shape.bounds) / TILE_DEG).astype(int)
    pieces = []
    for x, y in itertools.product(range(west, east + 1), range(south, north + 1)):
        corner = np.array([x, y]) * TILE_DEG
        piece = shapely.clip_by_rect(shape, *corner, *(corner + TILE_DEG))
        if shapely.is_empty(piece):
            continue
        if corner[1] < SOUTH:
            pieces.append(piece)
            continue
        middle = corner + TILE_DEG / 2
        plane = pyproj.Proj(proj="aeqd", lon_0=middle[0], lat_0=middle[1], ellps="WGS84")
        flat = shapely.transform(piece, lambda at, plane=plane: np.stack(plane(*at.T), axis=1))
        large = shapely.buffer(shapely.make_valid(flat), GROWN_M, quad_segs=6)
        round_ = shapely.transform(large, lambda at, plane=plane: np.stack(plane(*at.T, inverse=True), axis=1))
        pieces.append(_cut_at_date_line(round_))
    whole = shapely.union_all([shapely.make_valid(piece) for piece in pieces], grid_size=0.001)
    simple = shapely.make_valid(shapely.simplify(whole, TOLERANCE_DEG))
    rounded = shapely.make_valid(shapely.transform(simple, lambda at: np.round(at, 2)))
    return polygons(rounded)


def polygons(shape: shapely.Geometry) -> list[shapely.Polygon]:
    """Return the polygons of a shape or of a collection, without its points and lines."""
    parts = shapely.get_parts(shapely.get_parts(shape))  # twice, for a collection may hold several polygons as one
    return [part for part in parts.tolist() if part.geom_type == "Polygon"]


def _cut_at_date_line(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the shape between the longitudes -EDGE_DEG and EDGE_DEG, with what lies beyond the date line in its place.

    The rings of world-atlas run over the date line without a cut there, and so do those of a piece that was grown.
    """
    parts = []
    for polygon in shapely.get_parts(shape).tolist():
        if not polygon.is_empty:
            holes = shapely.union_all([_inside(ring) for ring in polygon.interiors])
            parts.append(shapely.difference(_inside(polygon.exterior), holes))
    return shapely.union_all(parts)


def _inside(ring: shapely.LinearRing) -> shapely.Geometry:
    """Return the area inside a ring on the sphere; a ring that goes all the way round holds the South Pole."""
    at = shapely.get_coordinates(ring)
    at[:, 0] = np.unwrap(at[:, 0], period=360)
    if abs(at[-1, 0] - at[0, 0]) > 180:
        at = np.vstack([at, [at[-1, 0], -90], [at[0, 0], -90]])
    area = shapely.make_valid(shapely.Polygon(at))
    turns = [shapely.transform(area, lambda at, turn=turn: at + np.array([turn, 0])) for turn in (-360, 0, 360)]
    return shapely.union_all([shapely.clip_by_rect(turned, -EDGE_DEG, -90, EDGE_DEG, 90) for turned in turns])


def names_of(names: Any) -> list[str]:
    """Return the names of a country in one language, of which there may be several."""
    return [names] if isinstance(names, str) else list(names)


def main(folder: Path) -> None:
    """Write the map."""
    codes = json.loads((folder / "codes.json").read_text(encoding="utf-8"))
    by_number = {number: code for code, _, number, _ in codes}
    named = {code: [a3, *COLLOQUIAL.get(code, [])] for code, a3, *_ in codes}
    for language in ("en", "ko"):
        found = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))["countries"]
        for code, names in found.items():
            named.setdefault(code, []).extend(names_of(names))
    atlas = geopandas.read_file(folder / "countries-10m.json", layer="countries")
    rows = [
        (f"{by_number[number]} {ALSO.get(by_number[number], '')}".split() if number else UNCODED[name].split(), part)
        for number, name, shape in zip(atlas["id"].fillna(""), atlas["name"], atlas.geometry, strict=True)
        if not shape.is_empty  # an atoll too small for world-atlas
        for part in grown(_cut_at_date_line(shape))
    ]
    box, held, claimed = CRIMEA
    rows += [(claimed, part) for own, shape in rows if own == held for part in polygons(shape & box)]
    shapes = pa.table({"codes": [codes for codes, _ in rows], "geometry": shapely.to_wkb([part for _, part in rows])})
    table = shapes.replace_schema_metadata({"names": json.dumps(named, ensure_ascii=False)})
    pyarrow.parquet.write_table(table, TARGET, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
