"""Test each thing that siteopt needs on this machine, and report whether it works, is missing or fails."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from siteopt.faults import REINSTALL
from siteopt.log import log_folder, versions
from siteopt.optimize.solver import SOLVERS, trial

OK, MISSING, FAILS = "ok", "missing (optional)", "FAILS"
ROOM_MB = 100
"""Free space that a folder should have, MB (estimate): the outputs of a run take a few MB."""
QGIS_SECONDS = 30.0
"""Time limit for QGIS to print its version, s."""

DRIVERS = ("GPKG", "GeoJSON", "ESRI Shapefile")
"""GDAL's names of the formats that siteopt reads with GDAL."""

KOREA, KOREA_PLACE, KOREA_METRES = 5179, (127.5, 38.0), (1_000_000.0, 2_000_000.0)
"""EPSG code of Korea's grid, its origin (degrees), and the false easting and northing (m) that its definition sets."""


@dataclass(frozen=True)
class Check:
    """A test of one thing that siteopt needs or can use, and its result.

    Attributes
    ----------
    name : str
    state : str
        OK, MISSING or FAILS.
    found : str
        A version, a path, or what went wrong.
    helps : str
        How to fix it; empty if it works.
    """

    name: str
    state: str
    found: str
    helps: str = ""

    @property
    def works(self) -> bool:
        """Return whether siteopt can run with this result: with every state but FAILS."""
        return self.state != FAILS

    def __str__(self) -> str:
        helps = f"; {self.helps}" if self.helps else ""
        return f"{self.state:<18}  {self.name}: {self.found}{helps}"


def examined() -> list[Check]:
    """Return a check of everything that siteopt needs or can use."""
    return [_tried(*probe) for probe in _probes()]


def _tried(name: str, is_needed: bool, helps: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, OK, probe())
    except Exception as error:  # whatever is broken, the others must still be tested
        told = " ".join(str(error).split()) or type(error).__name__
        return Check(name, FAILS if is_needed else MISSING, told[:300], helps)


def _probes() -> Iterator[tuple[str, bool, str, Callable[[], str]]]:
    """Yield the name of each thing, whether siteopt needs it, how to fix it, and the function that tests it."""
    yield "Python", True, REINSTALL, _python
    yield "packages", True, REINSTALL, _packages
    first = next(iter(SOLVERS))
    for solver in SOLVERS:
        needed = solver == first
        helps = REINSTALL if needed else "without it --verify-with does not work; everything else does"
        yield f"solver {solver}", needed, helps, lambda solver=solver: trial(solver)  # type: ignore[misc]
    yield "GDAL", True, REINSTALL, _gdal
    yield "GeoParquet", True, REINSTALL, _parquet
    yield "PROJ", True, f"unset PROJ_DATA and PROJ_LIB, or {REINSTALL}", _proj
    yield "charts", True, REINSTALL, _charts
    yield "folder", True, "go to a folder of your own with room, or name one with --out", lambda: _folder(Path.cwd())
    temporary = "set TMPDIR (on Windows TEMP) to a folder of your own with room"
    yield "temporary folder", True, temporary, lambda: _folder(Path(tempfile.gettempdir()))
    logs = "set SITEOPT_LOG_DIR to a folder of your own; without it there is no log"
    yield "log folder", False, logs, lambda: _folder(log_folder())
    yield "QGIS", False, "install it from qgis.org to see the maps; siteopt runs without", _qgis


def _python() -> str:
    return f"{platform.python_version()} on {platform.platform()}"


def _packages() -> str:
    found = versions()
    missing = [name for name, number in found.items() if number == "missing"]
    if missing:
        raise RuntimeError(f"no {', no '.join(missing)}")
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _gdal() -> str:
    import pyogrio

    drivers = pyogrio.list_drivers()
    lacking = [name for name in DRIVERS if "r" not in drivers.get(name, "")]
    if "w" not in drivers.get("GPKG", ""):
        lacking.append("writing of GPKG")
    if lacking:
        raise RuntimeError(f"GDAL {pyogrio.__gdal_version_string__} lacks {', '.join(lacking)}")
    return f"{pyogrio.__gdal_version_string__}, with {', '.join(DRIVERS)}"


def _parquet() -> str:
    import pyarrow
    import pyarrow.parquet

    table, sink = pyarrow.table({"site_id": ["a"]}), pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    if pyarrow.parquet.read_table(sink.getvalue()) != table:
        raise RuntimeError("a table is not what was written")
    return f"pyarrow {pyarrow.__version__}"


def _proj() -> str:
    import pyproj

    found = pyproj.Transformer.from_crs(4326, KOREA, always_xy=True).transform(*KOREA_PLACE)
    if any(abs(one - due) > 0.001 for one, due in zip(found, KOREA_METRES, strict=True)):
        raise RuntimeError(f"{KOREA_PLACE} is {found} in EPSG:{KOREA} where {KOREA_METRES} is due")
    return f"{pyproj.proj_version_str}, data in {pyproj.datadir.get_data_dir()}"


def _charts() -> str:
    import vl_convert

    specification = {"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {"field": "x"}}}
    if not vl_convert.vegalite_to_svg(specification).startswith("<svg"):
        raise RuntimeError("no drawing")
    return f"vl-convert {version('vl-convert-python')}"


def _folder(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"siteopt")
    free_mb = shutil.disk_usage(folder).free / 1e6
    if free_mb < ROOM_MB:
        raise RuntimeError(f"{folder}: {free_mb:,.0f} MB free, less than {ROOM_MB}")
    return f"{folder}, {free_mb / 1e3:,.1f} GB free"


def _qgis() -> str:
    program = _qgis_program()
    if program is None:
        raise RuntimeError("not found on PATH, nor where it usually is")
    quiet = os.environ | {"QT_QPA_PLATFORM": "offscreen"}  # QGIS opens no window
    told = subprocess.run(
        [program, "--version"], env=quiet, capture_output=True, text=True, timeout=QGIS_SECONDS, check=False
    )
    number = next((line for line in told.stdout.splitlines() if "QGIS" in line), "a version that it does not tell")
    return f"{program}, {number.strip()}"


def _qgis_program() -> str | None:
    places = [*Path("/Applications").glob("QGIS*.app/Contents/MacOS/QGIS")]
    places += Path(os.environ.get("PROGRAMFILES", "/")).glob("QGIS*/bin/qgis*-bin.exe")
    return shutil.which("qgis") or next((str(place) for place in places), None)
