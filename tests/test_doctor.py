"""The doctor tries what siteopt needs; whatever is broken, it says so in a line."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pulp
import pyproj
import pytest
from typer.testing import CliRunner

from siteopt import doctor
from siteopt.cli import app
from siteopt.doctor import FAILS, MISSING, OK, Check, examined
from siteopt.optimize.solver import SolverError, trial
from siteopt.output.charts import drawing


@pytest.fixture
def no_qgis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_qgis_program", lambda: None)


def by_name() -> dict[str, Check]:
    return {one.name: one for one in examined()}


@pytest.mark.usefixtures("no_qgis")
def test_all_that_is_needed_works() -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    *lines, last = result.stdout.splitlines()
    assert last == "siteopt can run"
    assert {line.split("  ")[0] for line in lines} == {OK, MISSING}
    assert [line for line in lines if line.startswith(MISSING)] == [
        f"{MISSING}  QGIS: not found on PATH or in the usual folders; "
        "install it from qgis.org to see the maps; siteopt runs without it"
    ]


@pytest.mark.usefixtures("no_qgis")
def test_json() -> None:
    told = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert told["works"] is True
    assert {"name", "state", "found", "helps"} == set(told["checks"][0])
    assert {"solver HiGHS", "solver CBC", "GDAL", "PROJ", "charts"} <= {one["name"] for one in told["checks"]}


@pytest.mark.usefixtures("no_qgis")
def test_without_the_second_solver_siteopt_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", "/nowhere/cbc")
    found = by_name()["solver CBC"]
    assert (found.state, found.works) == (MISSING, True)
    assert "no CBC" in found.found
    assert "--verify-with" in found.helps
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


@pytest.mark.usefixtures("no_qgis")
@pytest.mark.usefixtures("no_qgis", "own_engine")
def test_without_the_chart_engine_siteopt_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine.py").write_text("import os; os.abort()")
    monkeypatch.setattr(drawing, "ENGINE", tmp_path / "engine.py")
    found = by_name()["charts"]
    assert (found.state, found.works) == (MISSING, True)
    assert "the chart engine failed" in found.found
    assert "pages lack their charts" in found.helps


def test_without_the_first_solver_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def solve(*_: object) -> None:
        raise SolverError("HiGHS ended in the state Unknown")

    monkeypatch.setattr("siteopt.optimize.solver.solve", solve)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(FAILS))
    assert "solver HiGHS: HiGHS ended in the state Unknown [E501]; install siteopt again" in line


def test_a_solver_with_another_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siteopt.optimize.solver.TRIAL_ANSWER", -21.0)
    with pytest.raises(SolverError, match=r"HiGHS finds -20.0 where -21.0 is the answer"):
        trial("HiGHS")


@pytest.mark.usefixtures("no_qgis")
def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SITEOPT_LOG_DIR", str(tmp_path / "file" / "logs"))
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "file")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    found = by_name()
    assert [found[name].state for name in ("folder", "temporary folder", "log folder")] == [FAILS, FAILS, MISSING]
    assert "--out" in found["folder"].helps


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are POSIX's")
def test_a_read_only_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        doctor._folder(tmp_path)


def test_too_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOM_MB", 1e12)
    with pytest.raises(RuntimeError, match="MB free, less than"):
        doctor._folder(tmp_path)


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "versions", lambda: {"siteopt": "1", "pulp": "missing", "rich": "missing"})
    with pytest.raises(RuntimeError, match="missing: pulp, rich"):
        doctor._packages()


def test_drivers_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyogrio.list_drivers", lambda: {"GPKG": "r", "ESRI Shapefile": "rw"})
    with pytest.raises(RuntimeError, match="lacks GeoJSON, GPKG for writing"):
        doctor._gdal()


@pytest.mark.usefixtures("no_qgis")
def test_without_the_data_of_proj(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_crs(*_: object, **__: object) -> None:
        raise pyproj.exceptions.CRSError("Invalid projection: EPSG:4326: no database context specified")

    monkeypatch.setattr(pyproj.Transformer, "from_crs", from_crs)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(FAILS))
    assert "PROJ: Invalid projection" in line
    assert "PROJ_DATA" in line


def test_places_that_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "KOREA_METRES", (0.0, 0.0))
    with pytest.raises(RuntimeError, match="instead of"):
        doctor._proj()


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script")
@pytest.mark.parametrize(
    ("script", "state", "found"),
    [
        ("echo 'QGIS 3.99.1 (exported)'", OK, "QGIS 3.99.1 (exported)"),
        ("exit 3", OK, "unknown version"),
        ("exec sleep 60", MISSING, "timed out"),
    ],
)
def test_qgis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, state: str, found: str) -> None:
    program = tmp_path / "qgis"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(doctor, "QGIS_SECONDS", 0.5)
    told = by_name()["QGIS"]
    assert told.state == state
    assert found in told.found


def test_whatever_is_raised_is_told_in_one_line() -> None:
    def broken() -> str:
        raise ImportError("libexpat.so.1: cannot open\nshared object file")

    told = doctor._tried("GDAL", True, "install it", broken)
    assert str(told) == f"{FAILS:<18}  GDAL: libexpat.so.1: cannot open shared object file; install it"
    assert not told.works
