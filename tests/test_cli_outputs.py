"""The command line prints the answer before it writes the outputs, and writes them even without charts."""

from __future__ import annotations

import os
import shutil
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


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world, and a run of it."""
    folder = tmp_path_factory.mktemp("solved")
    siteopt.solve(write_world(folder)).write(folder / "run")
    return folder


@pytest.fixture
def run(solved: Path, tmp_path: Path) -> Path:
    shutil.copytree(solved, tmp_path / "solved")
    return tmp_path / "solved" / "run"


def refused(number: str, *arguments: object) -> str:
    """The message of a command that must not change anything."""
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].endswith(f"[{number}]")
    return result.stderr


@pytest.mark.parametrize("name", ["scenario.toml", "run/plan.json", "run/orders.csv", "run/siteopt.gpkg"])
def test_report_replaces_only_pages(run: Path, name: str) -> None:
    before = (run.parent / name).read_bytes()
    refused("E407", "report", run, "--out", run.parent / name)
    assert (run.parent / name).read_bytes() == before


def test_report_replaces_pages_wherever_they_stand_and_no_page_of_the_user(run: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "page.html", run / "report-ko.html", run / "report.html"):
        for _ in range(2):
            assert call("report", run, "--out", place).exit_code == 0
        place.write_text(place.read_text(encoding="utf-8").replace("Alpha Works", "My Works"), encoding="utf-8")
        assert str(place) in refused("E407", "report", run, "--out", place)
        assert "My Works" in place.read_text(encoding="utf-8")
    assert "report.html is not a page or chart of siteopt, or was changed since" in refused("E407", "report", run)


@pytest.mark.skipif(sys.platform == "win32", reason="of POSIX")
def test_report_replaces_no_link_and_no_pipe(run: Path, tmp_path: Path) -> None:
    (tmp_path / "stdout").symlink_to(run / "report.html")
    assert "is a symbolic link" in refused("E407", "report", run, "--out", tmp_path / "stdout")
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file" in refused("E407", "report", run, "--out", tmp_path / "pipe")
    assert "is a folder" in refused("E407", "report", run, "--out", run.parent)


def test_report_prints_the_page(run: Path) -> None:
    assert call("report", run, "--lang", "ko").exit_code == 0
    found = call("report", run, "--lang", "ko", "--out", "-")
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout_bytes == (run / "report.html").read_bytes()
    assert not Path("-").exists()
    (run / "plan.json").write_text("{}")
    broken = call("report", run, "--out", "-")
    assert (broken.exit_code, broken.stdout) == (2, "")


def test_solve_names_the_files_that_it_renames(run: Path) -> None:
    (run / "orders.csv").write_text("mine")
    found = call("solve", run.parent / "scenario.toml", "--out", run, "--json")
    assert found.exit_code == 0
    assert found.stderr == f"{run / 'orders.csv'} was not as siteopt wrote it, so it is kept as orders-yours.csv\n"
    assert (run / "orders-yours.csv").read_text() == "mine"
    assert (run / "orders.csv").read_text() != "mine"


def test_charts_of_the_user_stay(run: Path) -> None:
    assert call("plot", run).exit_code == 0
    (run / "charts" / "slides.pptx").write_text("precious")
    (run / "charts" / "cost.svg").write_text("my own")
    assert "cost.svg is not a page or chart of siteopt" in refused("E407", "plot", run)
    assert call("solve", run.parent / "scenario.toml", "--out", run, "--quiet").exit_code == 0
    assert sorted(path.name for path in (run / "charts").iterdir()) == ["cost.svg", "slides.pptx"]


@pytest.mark.parametrize("arguments", [["pareto", "scenario.toml", "--out"], ["check", "scenario.toml", "--out"]])
def test_folder_of_a_run_is_for_runs(run: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(run.parent)
    monkeypatch.setattr("siteopt.pareto", lambda *arguments, **options: pytest.fail("it was worked for nothing"))
    assert "holds a run" in refused("E401", *arguments, "run")


@pytest.mark.parametrize("verb", ["solve", "pareto", "check"])
def test_plan_of_another_program_is_left_alone(world: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "plan.json").write_text('{"format_version": "1.2", "terraform_version": "1.9.0"}')
    (tmp_path / "mine" / "orders.csv").write_text("mine")
    refused("E401", verb, world, "--out", tmp_path / "mine")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["orders.csv", "plan.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="of POSIX")
def test_init_replaces_no_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").symlink_to(tmp_path / "nowhere")
    assert "README.md already exists" in refused("E401", "init", tmp_path)
    assert (tmp_path / "data" / "README.md").is_symlink()


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_place_is_not_the_folder_one_works_in(world: Path, empty: str) -> None:
    for command in (["solve", world], ["pareto", world], ["check", world], ["report", world], ["plot", world]):
        result = call(*command, "--out", empty)
        assert result.exit_code == 2
        assert "Invalid value for '--out': it is empty; name a file or a folder" in result.stderr
