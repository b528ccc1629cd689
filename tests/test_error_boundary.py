"""No command ends in a traceback, and no terminal loses an answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siteopt import log
from siteopt.cli import app
from siteopt.issues import Failure
from siteopt.message_catalogue import Code
from siteopt.optimize.solver import SolverError
from tests.worlds import write_world

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals are POSIX's")
PROGRAM = [sys.executable, "-X", "utf8=0", "-W", "error::ResourceWarning", "-c"]
RUN = "from siteopt.cli import app; app()"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(log.FOLDER, str(tmp_path / "logs"))
    return write_world(tmp_path / "world")


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def load(*_: object) -> None:
        raise error

    monkeypatch.setattr("siteopt.load", load)


def the_log(folder: Path) -> Path:
    (path,) = (folder / "logs").glob("*.jsonl")
    return path


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep\nand deeper"), OSError(5, "Input/output error")])
def test_an_unexpected_error_is_one_line_that_names_the_log(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails(monkeypatch, error)
    result = CliRunner().invoke(app, ["check", str(world)])
    assert result.exit_code == 1
    assert result.stdout == ""
    told = " ".join(str(error).split())
    path = the_log(tmp_path)
    assert result.stderr == f"siteopt failed: {type(error).__name__}: {told} [E901]; the log is {path}\n"
    last = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in last] == ["run", "error", "end"]
    assert last[1]["traceback"].startswith("Traceback")
    assert "raise error" in last[1]["traceback"]
    assert "highspy" in last[1]["versions"]
    assert last[2]["exit_code"] == 1


def test_an_unexpected_error_without_a_log(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(log.FOLDER, str(tmp_path / "file" / "logs"))
    fails(monkeypatch, KeyError("x"))
    result = CliRunner().invoke(app, ["check", str(world)])
    assert result.exit_code == 1
    assert f"there is no log in {tmp_path / 'file' / 'logs'}: " in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_failure_is_its_message(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, Failure(Code.DISK_FULL, "the disk is full"))
    result = CliRunner().invoke(app, ["check", str(world)])
    assert (result.exit_code, result.stderr) == (2, "the disk is full [E403]\n")


def test_a_solver_that_fails_names_the_log(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, SolverError("HiGHS ended in the state Unknown"))
    result = CliRunner().invoke(app, ["check", str(world)])
    assert result.exit_code == 2
    assert result.stderr == f"HiGHS ended in the state Unknown [E501]; the log is {the_log(tmp_path)}\n"


def test_too_little_memory_is_one_line(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, MemoryError())
    result = CliRunner().invoke(app, ["check", str(world)])
    assert (result.exit_code, result.stderr) == (2, "there is not enough memory [E502]\n")


def test_an_interrupt_is_one_line(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, KeyboardInterrupt())
    result = CliRunner().invoke(app, ["check", str(world)])
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("order", [["--debug", "check"], ["check", "--debug"]])
def test_debug_prints_the_traceback(world: Path, monkeypatch: pytest.MonkeyPatch, order: list[str]) -> None:
    fails(monkeypatch, KeyError("x"))
    result = CliRunner().invoke(app, [*order, str(world)])
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")
    assert "[E901]" in result.stderr.splitlines()[-1]


def test_debug_keeps_lp_files_beside_the_log(world: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["solve", str(world), "--out", str(tmp_path / "out"), "--debug"]).exit_code == 0
    kept = the_log(tmp_path).with_suffix(".lp")
    assert (kept / "0001.lp").read_text().startswith("\\ File written by HiGHS")


def test_help_tells_of_debug_and_exit_codes() -> None:
    told = CliRunner().invoke(app, ["--help"]).stdout
    assert "--debug" in told
    assert "130" in told


def process(world: Path, *arguments: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A run in a process of its own; ``shell`` is what follows it on a command line."""
    command = [*PROGRAM, RUN, *arguments]
    variables: Mapping[str, str] = os.environ | environment
    if shell:
        line = f'"$@" {shell}'
        command = ["bash", "-o", "pipefail", "-c", line, "bash", *command]
    return subprocess.run(command, cwd=world.parent, env=variables, capture_output=True, check=False)


@POSIX
@pytest.mark.parametrize("shell", ["2>&1 | true", "<&- >&- 2>&-"])
def test_nobody_reads(world: Path, shell: str) -> None:
    told = process(world, "solve", "scenario.toml", "--out", "out", shell=shell)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")
    assert (world.parent / "out" / "plan.json").is_file()


@POSIX
def test_issues_are_mapped_though_nobody_reads_them(world: Path) -> None:
    told = process(world, "check", "scenario.toml", "--out", "out", "--set", "x=1", shell="2>&1 | true")
    assert (told.returncode, told.stdout, told.stderr) == (2, b"", b"")
    assert (world.parent / "out" / "issues.geojson").is_file()


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is Linux's")
def test_a_full_disk_behind_standard_output(world: Path) -> None:
    told = process(world, "solve", "scenario.toml", "--out", "out", shell="> /dev/full")
    assert told.returncode == 2
    assert told.stderr == b"cannot print to <stdout>: No space left on device [E403]\n"
    assert (world.parent / "out" / "plan.json").is_file()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_hangul(world: Path, encoding: str) -> None:
    result = process(world, "check", "scenario.toml", "--set", "filter.countries=강진", PYTHONIOENCODING=encoding)
    assert result.returncode == 2
    assert b"Traceback" not in result.stderr
    assert "강진".encode() in result.stderr or b"\\uac15\\uc9c4" in result.stderr


def test_json_is_json_where_letters_are_lacking(world: Path) -> None:
    setting = 'milestones.0.name="강진 😀"'
    told = process(
        world, "solve", "scenario.toml", "--json", "--set", setting, "--set", "baselines=[]", PYTHONIOENCODING="cp1252"
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.decode())["plan"]["milestones"][0]["name"] == "강진 😀"


@POSIX
def test_words_that_are_no_text(world: Path) -> None:
    command = [os.fsencode(word) for word in [*PROGRAM, RUN, "check"]] + [b"\xff.toml"]
    told = subprocess.run(command, cwd=world.parent, capture_output=True, check=False)
    assert told.returncode == 2
    assert b"no such file" in told.stderr.lower()
    assert b"Traceback" not in told.stderr
