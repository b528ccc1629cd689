"""The command line prints the answer before it writes the outputs, and writes them even without charts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import siteopt
from siteopt.output.charts import drawing
from siteopt.output.charts.drawing import NotDrawn
from tests.test_cli import call
from tests.worlds import write_world


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return write_world(tmp_path / "world")


def without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(asked: bytes) -> bytes:
        raise NotDrawn("it was ended by SIGTRAP")

    monkeypatch.setattr(drawing, "_answer", dies)


@pytest.mark.parametrize("verb", ["solve", "pareto"])
def test_a_machine_that_draws_no_charts_gives_everything_else(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    without_charts(monkeypatch)
    result = call(verb, world, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert [line for line in result.stderr.splitlines() if "[W406]" in line] == result.stderr.splitlines()
    assert "Outputs" in result.stdout
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "could not be drawn" in page
    assert "<svg" not in page
    quiet = call(verb, world, "--out", tmp_path / "out", "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")
    monkeypatch.undo()
    assert call("report", tmp_path / "out").exit_code == 0
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_report_and_plot_on_a_machine_that_draws_no_charts(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("solve", world, "--out", tmp_path / "out").exit_code == 0
    without_charts(monkeypatch)
    result = call("plot", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("was ended by SIGTRAP; nothing was changed [E406]\n")
    assert not (tmp_path / "out" / "charts").exists()
    result = call("report", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr.endswith("[W406]\n")
    assert "<svg" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_answer_comes_before_the_outputs(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(result: siteopt.Result) -> NoReturn:
        raise SystemExit(137)

    monkeypatch.setattr("siteopt.answers.Result.files", dies)
    for more, said in (([], "small: proven"), (["--json"], '"outcome":"proven"')):
        result = call("solve", world, "--out", tmp_path / "out", *more)
        assert result.exit_code == 137
        assert said in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_outputs_are_written_even_if_the_answer_cannot_be_printed(world: Path, tmp_path: Path, more: list[str]) -> None:
    command = [sys.executable, "-m", "siteopt", "solve", str(world), "--out", "out", *more]
    with open("/dev/full", "w", encoding="utf-8") as full:
        found = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1].endswith("[E403]")
    assert (tmp_path / "out" / "plan.json").is_file()
