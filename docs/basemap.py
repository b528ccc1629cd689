"""Make the base map that comes with siteopt from Natural Earth (public domain, naturalearthdata.com).

``python docs/basemap.py FOLDER``: the folder holds the 1:10m shapefiles ``land``, ``lakes``,
``admin_0_boundary_lines_land`` and ``admin_1_states_provinces_lines``. Outlines are simplified to about 2 km, and
islands under 30 km2 and lakes under 1,000 km2 are left out: enough for a map of a country, in a megabyte.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pyogrio
import shapely

TARGET = Path(__file__).parent.parent / "siteopt" / "output" / "natural_earth.parquet"
LAYERS = {
    "land": "land",
    "lakes": "lake",
    "admin_0_boundary_lines_land": "country border",
    "admin_1_states_provinces_lines": "province border",
}
SMALLEST_DEG2 = {"land": 0.003, "lake": 0.1}
TOLERANCE_DEG = 0.02
ZONE_EDGES = ((126.686, 37.782, 128.395, 38.578), (126.607, 37.788, 128.360, 38.675))
"""Bounds of the two edges of the demilitarised zone of Korea, which would otherwise draw the border three times."""


def shapes(path: Path, kind: str) -> np.ndarray:
    """Return the shapes of one layer, simplified, in degrees with three decimals."""
    parts = shapely.get_parts(shapely.from_wkb(pyogrio.raw.read(path)[2]))
    edges = np.isclose(shapely.bounds(parts)[:, None], ZONE_EDGES, atol=1e-3).all(axis=2).any(axis=1)
    parts = parts[~edges]
    if kind in SMALLEST_DEG2:
        parts = parts[shapely.area(parts) > SMALLEST_DEG2[kind]]
    else:
        parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(list(parts))))
        parts = parts[shapely.length(parts) > 2 * TOLERANCE_DEG]
    simple = shapely.simplify(parts, TOLERANCE_DEG)
    rounded = shapely.transform(simple, lambda positions: np.round(positions, 3))
    kept = shapely.get_parts(shapely.make_valid(rounded))
    return kept[shapely.get_dimensions(kept) == shapely.get_dimensions(parts)[0]]


def main(folder: Path) -> None:
    """Write the base map."""
    found = {kind: shapes(folder / f"ne_10m_{name}.shp", kind) for name, kind in LAYERS.items()}
    kinds = [kind for kind, layer in found.items() for _ in layer]
    table = pa.table({"kind": kinds, "geometry": shapely.to_wkb(np.concatenate(list(found.values())))})
    pyarrow.parquet.write_table(table, TARGET, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
