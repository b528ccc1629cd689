"""Check everything that siteopt needs on this machine, and report what works, is missing or fails."""

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

from siteopt.issues import REINSTALL
from siteopt.log import log_folder, versions
from siteopt.optimize.solver import SOLVERS, trial
from siteopt.output.charts.base import ACROSS, DOWN, NARROW, Chart, Frame, texts
from siteopt.output.charts.drawing import svgs

OK, MISSING, FAILS = "ok", "missing (optional)", "FAILS"
ROOM_MB = 100
"""Minimum free space of a folder, MB (estimate); the outputs of a run take a few MB."""
QGIS_SECONDS = 30.0
"""Time limit for QGIS to print its version, s."""

DRIVERS = ("GPKG", "GeoJSON", "ESRI Shapefile")
"""Formats that siteopt reads with GDAL, by the names of their drivers."""

KOREA, KOREA_PLACE, KOREA_METRES = 5179, (127.5, 38.0), (1_000_000.0, 2_000_000.0)
"""EPSG code of the Korean grid, its origin (degrees), and the false easting and northing (m) by its definition."""


@dataclass(frozen=True)
class Check:
    """Check of something that siteopt needs or can use, and its result.

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
        """Return whether siteopt can run with this result, which every state except FAILS allows."""
        return self.state != FAILS

    def __str__(self) -> str:
        helps = f"; {self.helps}" if self.helps else ""
        return f"{self.state:<18}  {self.name}: {self.found}{helps}"


def examined() -> list[Check]:
    """Return the checks of everything that siteopt needs or can use."""
    return [_tried(*probe) for probe in _probes()]


def _tried(name: str, is_needed: bool, helps: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, OK, probe())
    except Exception as error:  # the other checks must still run
        told = " ".join(str(error).split()) or type(error).__name__
        return Check(name, FAILS if is_needed else MISSING, told[:300], helps)


def _probes() -> Iterator[tuple[str, bool, str, Callable[[], str]]]:
    """Yield the name of each check, whether siteopt needs it, how to fix a failure, and the function that checks."""
    yield "Python", True, REINSTALL, _python
    yield "packages", True, REINSTALL, _packages
    first = next(iter(SOLVERS))
    for solver in SOLVERS:
        needed = solver == first
        helps = REINSTALL if needed else "only --verify-with needs it"
        yield f"solver {solver}", needed, helps, lambda solver=solver: trial(solver)  # type: ignore[misc]
    yield "GDAL", True, REINSTALL, _gdal
    yield "GeoParquet", True, REINSTALL, _parquet
    yield "PROJ", True, f"unset PROJ_DATA and PROJ_LIB, or {REINSTALL}", _proj
    yield "charts", False, f"pages lack their charts without it; raise the limit of the memory, or {REINSTALL}", _charts
    current = "change to a writable folder with free space, or name one with --out"
    yield "folder", True, current, lambda: _folder(Path.cwd())
    temporary = "set TMPDIR (on Windows TEMP) to a writable folder with free space"
    yield "temporary folder", True, temporary, lambda: _folder(Path(tempfile.gettempdir()))
    logs = "set SITEOPT_LOG_DIR to a writable folder; otherwise no log is written"
    yield "log folder", False, logs, lambda: _folder(log_folder())
    yield "QGIS", False, "install it from qgis.org to see the maps; siteopt runs without it", _qgis


def _python() -> str:
    return f"{platform.python_version()} on {platform.platform()}"


def _packages() -> str:
    found = versions()
    missing = [name for name, number in found.items() if number == "missing"]
    if missing:
        raise RuntimeError(f"missing: {', '.join(missing)}")
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _gdal() -> str:
    import pyogrio

    drivers = pyogrio.list_drivers()
    lacking = [name for name in DRIVERS if "r" not in drivers.get(name, "")]
    if "w" not in drivers.get("GPKG", ""):
        lacking.append("GPKG for writing")
    if lacking:
        raise RuntimeError(f"GDAL {pyogrio.__gdal_version_string__} lacks {', '.join(lacking)}")
    return f"{pyogrio.__gdal_version_string__}, with {', '.join(DRIVERS)}"


def _parquet() -> str:
    import pyarrow
    import pyarrow.parquet

    table, sink = pyarrow.table({"site_id": ["a"]}), pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    if pyarrow.parquet.read_table(sink.getvalue()) != table:
        raise RuntimeError("a table was read differently from how it was written")
    return f"pyarrow {pyarrow.__version__}"


def _proj() -> str:
    import pyproj

    found = pyproj.Transformer.from_crs(4326, KOREA, always_xy=True).transform(*KOREA_PLACE)
    if any(abs(one - due) > 0.001 for one, due in zip(found, KOREA_METRES, strict=True)):
        raise RuntimeError(f"{KOREA_PLACE} becomes {found} in EPSG:{KOREA} instead of {KOREA_METRES}")
    return f"{pyproj.proj_version_str}, data in {pyproj.datadir.get_data_dir()}"


def _charts() -> str:
    svgs([Chart("trial", "", "", lambda width: Frame(width, width).around([texts(ACROSS, DOWN, [])]))], [NARROW])
    return f"vl-convert {version('vl-convert-python')}"


def _folder(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"siteopt")
    free_mb = shutil.disk_usage(folder).free / 1e6
    if free_mb < ROOM_MB:
        raise RuntimeError(f"{folder}: {free_mb:,.0f} MB free, less than {ROOM_MB} MB")
    return f"{folder}, {free_mb / 1e3:,.1f} GB free"


def _qgis() -> str:
    program = _qgis_program()
    if program is None:
        raise RuntimeError("not found on PATH or in the usual folders")
    quiet = os.environ | {"QT_QPA_PLATFORM": "offscreen"}  # so that QGIS opens no window
    told = subprocess.run(
        [program, "--version"], env=quiet, capture_output=True, text=True, timeout=QGIS_SECONDS, check=False
    )
    number = next((line for line in told.stdout.splitlines() if "QGIS" in line), "unknown version")
    return f"{program}, {number.strip()}"


def _qgis_program() -> str | None:
    places = [*Path("/Applications").glob("QGIS*.app/Contents/MacOS/QGIS")]
    places += Path(os.environ.get("PROGRAMFILES", "/")).glob("QGIS*/bin/qgis*-bin.exe")
    return shutil.which("qgis") or next((str(place) for place in places), None)
