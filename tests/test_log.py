"""The log of a run: one file each, JSON lines, the newest kept; a library stays silent."""

from __future__ import annotations

import json
import logging
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pulp
import pytest
from typer.testing import CliRunner

from siteopt import log
from siteopt.cli import app
from siteopt.optimize.program import Program, program_of
from siteopt.optimize.solver import solve
from tests.worlds import SITES, changed, write_world


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(log.FOLDER, str(tmp_path / "logs"))
    return tmp_path / "logs"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def the_only(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("*.jsonl")
    return lines(path)


def test_a_run_is_told_from_its_command_to_its_end(folder: Path, tmp_path: Path) -> None:
    world, out = write_world(tmp_path / "world"), tmp_path / "out"
    assert CliRunner().invoke(app, ["solve", str(world), "--out", str(out)]).exit_code == 0
    told = the_only(folder)
    assert all({"time", "level", "event"} <= set(line) for line in told)
    assert told[0]["event"] == "run"
    assert told[0]["command"] == ["solve", str(world), "--out", str(out)]
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("end", 0)
    read = {line["path"]: line["rows"] for line in told if line["event"] == "read"}
    assert read == {"candidates.csv": 3, "offers.csv": 4, "steps.csv": 1}
    steps = {line["step"] for line in told if line["event"] == "step"}
    assert steps == {"bounds", "prices", "milps", "ties", "confirmation", "reasons"}
    assert any(line["event"] == "solver" and line["level"] == "debug" and line["rows"] > 0 for line in told)
    (written,) = (line for line in told if line["event"] == "written")
    assert "plan.json" in written["files"]


def test_issues_stand_in_the_log(folder: Path, tmp_path: Path) -> None:
    world = write_world(tmp_path / "world", changed(SITES, "site_id", "beta", grid_mw=-1, condition="wet"))
    assert CliRunner().invoke(app, ["check", str(world)]).exit_code == 2
    (issues,) = (line for line in the_only(folder) if line["event"] == "issues")
    assert issues["count"] == 2
    assert issues["issues"][0].startswith("candidates.csv:3:grid_mw: found '-1'")


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["version"], ["dance"], []])
def test_what_does_nothing_leaves_no_log(folder: Path, arguments: list[str]) -> None:
    CliRunner().invoke(app, arguments)
    assert not folder.exists()


def test_the_newest_are_kept_and_other_files_left_alone(folder: Path) -> None:
    folder.mkdir()
    old = [folder / f"20240101T0000{number:02d}.000000Z-1.jsonl" for number in range(30)]
    for path in old:
        path.touch()
    oldest, mine = old[0].with_suffix(".lp"), folder / "2023.jsonl"
    oldest.mkdir()
    (oldest / "0001.lp").touch()
    mine.touch()
    with log.recorded(["test"], False):
        log.note("something")
    kept = sorted(folder.glob("20240101*"))
    assert kept == old[30 - log.KEPT + 1 :]
    assert mine.exists()
    assert len(list(folder.iterdir())) == log.KEPT + 1


def test_two_logs_at_once_are_two_files(folder: Path, tmp_path: Path) -> None:
    world = write_world(tmp_path / "world")
    command = [sys.executable, "-c", "from siteopt.cli import app; app()", "check", str(world)]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait() for one in running] == [0, 0]
    logs = sorted(folder.glob("*.jsonl"))
    assert len(logs) == 2
    assert all([line["event"] for line in lines(path)] == ["run", "read", "read", "read", "end"] for path in logs)


def test_a_folder_that_cannot_be_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(log.FOLDER, str(tmp_path / "file" / "logs"))
    result = CliRunner().invoke(app, ["check", str(write_world(tmp_path / "world"))])
    assert result.exit_code == 0
    assert "logs" not in result.stderr
    with log.recorded(["test"], False) as told:
        log.note("something")
    assert str(told).startswith(f"there is no log in {tmp_path / 'file' / 'logs'}: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is Linux's")
def test_what_cannot_be_written_ends_the_log_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log.recorded(["test"], False) as told:
        log.note("before")
        assert told.stream is not None
        told.stream.close()
        told.stream = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115
        log.note("after")
        log.note("later")
    assert "No space left" in str(told)
    assert [line["event"] for line in the_only(folder)] == ["run", "before"]
    assert capsys.readouterr().err == ""


def test_any_text_is_a_line(folder: Path) -> None:
    with log.recorded(["\udcff", "강진\n"], False):
        log.note("text", name="\udcff 😀", path=Path("a"))
    told = the_only(folder)
    assert told[0]["command"] == ["\udcff", "강진\n"]
    assert told[1]["name"] == "\udcff 😀"
    assert told[1]["path"] == "a"


def test_warnings_of_others_go_to_the_log(folder: Path) -> None:
    with log.recorded(["test"], False):
        logging.getLogger("another").warning("careful %s", 1)
        logging.getLogger("another").info("not this")
    told = the_only(folder)[1:]
    assert [(line["logger"], line["event"], line["level"]) for line in told] == [("another", "careful 1", "warning")]


def test_a_library_is_silent(folder: Path, tmp_path: Path) -> None:
    world = write_world(tmp_path / "world")
    told = subprocess.run(
        [sys.executable, "-c", f"import siteopt; siteopt.solve({str(world)!r})"], capture_output=True, check=True
    )
    assert (told.stdout, told.stderr) == (b"", b"")
    assert not folder.exists()


def program(never: bool = False) -> Program:
    """The least x that is at least 3; or with a row that has no variable and cannot hold."""
    trial = pulp.LpProblem("trial")
    x = trial.add_variable("x", 0, 10, pulp.LpInteger)
    trial += x
    trial += x >= 3
    if never:
        trial.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(), pulp.LpConstraintGE, "never", 5))
    return program_of(trial, {})


def test_debug_keeps_every_milp(folder: Path, tmp_path: Path) -> None:
    with log.recorded(["test"], True):
        threads = [threading.Thread(target=solve, args=(program(),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (kept,) = folder.glob("*.lp")
    assert sorted(path.name for path in kept.iterdir()) == [f"{number:04d}.lp" for number in range(1, 9)]
    (text,) = {path.read_text() for path in kept.iterdir()}
    assert [line.strip() for line in text.splitlines() if "x" in line] == [
        "obj: +1 x",
        "row_0: +1 x >= +3",
        "x <= 10",
        "x",
    ]
    named = [line["lp"] for line in the_only(folder) if line["event"] == "solver"]
    assert sorted(named) == [f"{number:04d}.lp" for number in range(1, 9)]


def test_debug_changes_no_answer(folder: Path) -> None:
    without = solve(program(never=True))
    with log.recorded(["test"], True):
        assert solve(program(never=True)).outcome == without.outcome == "infeasible"


def test_lp_files_that_cannot_be_written_end_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(log.FOLDER, str(tmp_path / "file"))
    with log.recorded(["test"], True):
        assert solve(program()).objective == pytest.approx(3)


def test_without_debug_there_are_no_lp_files(folder: Path) -> None:
    with log.recorded(["test"], False):
        assert math.isclose(solve(program()).objective, 3)
    assert list(folder.glob("*.lp")) == []
