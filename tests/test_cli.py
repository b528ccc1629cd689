"""The command line: exit codes, what goes to which stream, and no traceback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import siteopt
from siteopt.cli import app
from siteopt.issues import Failure
from siteopt.message_catalogue import Code
from siteopt.optimize.crosscheck import CrossCheck
from siteopt.output.ownership import MANIFEST
from tests.worlds import SCENARIO, SITES, STEPS, changed, write_world


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def process(arguments: Sequence[object], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from siteopt.cli import app; app()", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return write_world(tmp_path / "world")


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    return write_world(tmp_path / "faulty", changed(SITES, "site_id", "beta", grid_mw=-1, condition="wet"))


def test_init_lays_out_the_examples(tmp_path: Path) -> None:
    result = call("init", tmp_path / "mine")
    assert result.exit_code == 0
    assert (tmp_path / "mine" / "models" / "colossus.toml").is_file()
    assert str(tmp_path / "mine" / "data" / "offers_us.csv") in result.stdout.splitlines()
    assert str(tmp_path / "mine" / "candidates.qgz") in result.stdout.splitlines()
    assert (tmp_path / "mine" / "data" / "my_sites.gpkg").is_file()
    assert call("check", tmp_path / "mine" / "models" / "colossus.toml").exit_code == 0


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "data" / "offers_us.csv"
    mine.parent.mkdir()
    mine.write_text("mine")
    result = call("init", tmp_path)
    assert result.exit_code == 2
    assert "nothing was written" in result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_init_completes_a_copy_that_broke_off(tmp_path: Path) -> None:
    assert call("init", tmp_path / "mine").exit_code == 0
    (tmp_path / "mine" / "data" / "offers_us.csv").unlink()
    assert call("init", tmp_path / "mine").exit_code == 0
    assert (tmp_path / "mine" / "data" / "offers_us.csv").is_file()


@pytest.mark.parametrize("there", [True, False])
def test_init_on_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if there:
        (tmp_path / "mine").mkdir()
    monkeypatch.setattr(os, "fsync", fsync)
    result = call("init", tmp_path / "mine")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].endswith("[E403]")
    assert [path.name for path in tmp_path.rglob("*")] == (["mine"] if there else [])


def test_check_of_what_is_right(world: Path) -> None:
    result = call("check", world)
    assert result.exit_code == 0
    assert result.stdout.startswith("No errors: 3 candidates, 2 eligible, 4 offers")
    assert "gamma: unknown: grid capacity" in result.stdout


def test_check_names_a_hundred_sites_and_counts_the_others(tmp_path: Path) -> None:
    gamma = next(site for site in SITES if site["site_id"] == "gamma")
    many = [{**gamma, "site_id": f"gamma{number:03d}"} for number in range(130)]
    result = call("check", write_world(tmp_path, [*SITES, *many]))
    assert result.exit_code == 0
    assert sum(line.startswith("  excluded  gamma") for line in result.stdout.splitlines()) == 100
    assert "  excluded  31 more" in result.stdout.splitlines()


def test_check_of_what_is_right_as_json(world: Path) -> None:
    result = call("check", world, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told.pop("inputs")[0]["path"] == "scenario.toml"
    assert len(told.pop("parameters")) > 30
    assert [warning["code"] for warning in told.pop("warnings")] == ["W244"]  # a blank limit of NOx
    assert told == {"candidates": 3, "eligible": 2, "offers": 4, "issues": []}


def test_check_names_every_issue(faulty: Path) -> None:
    result = call("check", faulty)
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("candidates.csv:3:grid_mw: found '-1', expected a number from 0 to 5,000 (MW)")
    assert lines[1].startswith("candidates.csv:3:condition: found 'wet'")
    assert lines[2] == "2 errors; nothing was written"


def test_check_puts_issues_on_a_map(faulty: Path, tmp_path: Path) -> None:
    out = tmp_path / "issues"
    result = call("check", faulty, "--out", out)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"2 errors; {out / 'siteopt.qgz'} shows where"
    assert {path.name for path in out.iterdir()} == {
        "siteopt.gpkg",
        "siteopt.qgz",
        "issues.geojson",
        "issues.qml",
        MANIFEST,
    }
    assert len(json.loads((out / "issues.geojson").read_text(encoding="utf-8"))["features"]) == 2


def test_check_takes_mended_issues_off_the_map(faulty: Path, world: Path, tmp_path: Path) -> None:
    out = tmp_path / "issues"
    call("check", faulty, "--out", out)
    assert call("check", world, "--out", out).exit_code == 0
    assert json.loads((out / "issues.geojson").read_text(encoding="utf-8"))["features"] == []


def test_a_run_takes_the_folder_of_issues_and_keeps_it(faulty: Path, world: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call("check", faulty, "--out", out)
    assert call("solve", world, "--out", out).exit_code == 0
    assert not (out / "issues.geojson").exists()
    before = (out / "siteopt.gpkg").read_bytes()
    result = call("check", faulty, "--out", out)
    assert result.exit_code == 2
    assert "candidates.csv:3:grid_mw" in result.stderr
    assert "holds a run" in result.stderr.splitlines()[-1]
    assert (out / "siteopt.gpkg").read_bytes() == before


def test_check_names_every_issue_as_json(faulty: Path) -> None:
    result = call("check", faulty, "--json")
    assert result.exit_code == 2
    issues = json.loads(result.stdout)["issues"]
    assert [(issue["row"], issue["column"], issue["found"]) for issue in issues] == [
        (3, "grid_mw", "-1"),
        (3, "condition", "wet"),
    ]


def test_solve_proven(world: Path, tmp_path: Path) -> None:
    result = call("solve", world, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "small: proven" in result.stdout
    assert f"Outputs     {tmp_path / 'out'}/" in result.stdout
    assert (
        f"Open        {tmp_path / 'out' / 'report.html'} in a browser, {tmp_path / 'out' / 'siteopt.qgz'} in QGIS"
        in (result.stdout)
    )
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"plan.json", "plan.geojson", "sites.geojson", "orders.csv", "schedule.csv"} <= written


def test_solve_writes_into_runs_by_the_name_of_the_scenario(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("solve", world, "--set", "project.name=other").exit_code == 0
    assert (tmp_path / "runs" / "other" / "plan.json").is_file()


def test_solve_with_issues_writes_nothing(faulty: Path, tmp_path: Path) -> None:
    result = call("solve", faulty, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "2 errors" in result.stderr
    assert not (tmp_path / "out").exists()


def test_solve_without_a_site_that_can_serve(world: Path, tmp_path: Path) -> None:
    result = call("solve", world, "--out", tmp_path / "out", "--set", "project.horizon_days=5")
    assert result.exit_code == 3
    assert json.loads((tmp_path / "out" / "plan.json").read_text())["outcome"] == "no site can serve"


@pytest.mark.parametrize("method", ["search", "monolithic"])
def test_solve_at_its_time_limit(world: Path, tmp_path: Path, method: str) -> None:
    result = call("solve", world, "--out", tmp_path / "out", "--time-limit", 0, "--method", method)
    assert result.exit_code == 4
    assert json.loads((tmp_path / "out" / "plan.json").read_text())["outcome"] == "limit reached"


def test_pareto_writes_beside_the_run_and_may_be_run_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, again = call("pareto", world), call("pareto", world, "--milestone", "first run", "--top", 1, "--workers", 1)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.stdout.startswith("small: proven, Pareto front of the start day of first run and cost, 2 sites")
    assert again.stdout.startswith("small: proven, Pareto front of the start day of first run and cost, 1 site,")
    written = {path.name for path in (tmp_path / "runs" / "small-pareto").iterdir()}
    assert written == {"report.html", "pareto.csv", "pareto.geojson", "pareto.json", MANIFEST}


def test_pareto_json_is_one_document_and_nothing_else(world: Path, tmp_path: Path) -> None:
    found = process(["pareto", world, "--out", "out", "--json"], tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.count("\n") == 1
    assert json.loads(found.stdout) == json.loads((tmp_path / "out" / "pareto.json").read_text("utf-8"))


def test_pareto_at_its_time_limit_has_no_points(world: Path, tmp_path: Path) -> None:
    result = call("pareto", world, "--out", tmp_path / "out", "--time-limit", 0)
    assert result.exit_code == 4
    document = json.loads((tmp_path / "out" / "pareto.json").read_text())
    assert (document["outcome"], document["sites"]) == ("limit reached", [])
    assert document["line"] == {"day": [], "cost_usd": []}
    assert (tmp_path / "out" / "pareto.csv").read_text().count("\n") == 1


def test_pareto_without_a_site_that_can_serve(world: Path, tmp_path: Path) -> None:
    result = call("pareto", world, "--out", tmp_path / "out", "--set", "project.horizon_days=5")
    assert result.exit_code == 3
    assert json.loads((tmp_path / "out" / "pareto.json").read_text())["sites"] == []


def test_pareto_of_an_unknown_milestone_names_those_there_are(world: Path, tmp_path: Path) -> None:
    result = call("pareto", world, "--out", tmp_path / "out", "--milestone", "frist run")
    assert result.exit_code == 2
    assert "expected one of first run; did you mean 'first run'?" in result.stderr
    assert not (tmp_path / "out").exists()


def test_top_and_workers(world: Path, tmp_path: Path) -> None:
    assert call("solve", world, "--out", tmp_path / "out", "--top", 1, "--workers", 1).exit_code == 0
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert document["ranks_asked"] == 1
    assert [row["rank"] for row in document["ranking"]] == [1, None, None]
    assert document["ranking"][1]["standing"] == "not ranked"
    assert document["ranking"][1]["cost_bound_usd"] > 0


def test_certificate_says_what_the_answer_rests_on(world: Path, tmp_path: Path) -> None:
    assert call("solve", world, "--out", tmp_path / "out", "--set", "supply.spare_units=0").exit_code == 0
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert document["settings"] == ["supply.spare_units=0"]
    assert document["inputs"][0]["path"] == "scenario.toml"
    certificate = document["certificate"]
    assert certificate["environment"]["random_seed"] == 0
    assert {"pulp", "highspy", "numpy"} <= set(certificate["environment"]["packages"])
    assert certificate["recomputed"]["valid"]
    assert "HiGHS" in certificate["solver"]


def test_second_solver_agrees(world: Path, tmp_path: Path) -> None:
    result = call("solve", world, "--out", tmp_path / "out", "--verify-with", "cbc")
    assert result.exit_code == 0
    assert "Checked     CBC" in result.stdout
    found = json.loads((tmp_path / "out" / "plan.json").read_text())["certificate"]["second_solver"]
    assert found["agrees"]
    assert found["finished"]


def test_second_solver_disagrees(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = CrossCheck("another solver", False, True, False, 1.0, (), 0.0)
    monkeypatch.setattr("siteopt.run.cross_check", lambda best, seconds, stop: check)
    result = call("solve", world, "--out", tmp_path / "out", "--verify-with", "cbc")
    assert result.exit_code == 5
    assert "DISAGREES" in result.stdout


def test_second_solver_is_mistaken(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = CrossCheck("another solver", True, False, True, 1.0, (), 0.0)
    monkeypatch.setattr("siteopt.run.cross_check", lambda best, seconds, stop: check)
    result = call("solve", world, "--out", tmp_path / "out", "--verify-with", "cbc")
    assert result.exit_code == 0
    assert "is mistaken: this plan is valid" in result.stdout
    assert "is mistaken" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


INTERRUPTED = """
import signal, sys
import typer
from siteopt.interruption import interruptible
under_nohup = "nohup" in sys.argv
signal.signal(signal.SIGHUP, signal.SIG_IGN if under_nohup else signal.SIG_DFL)  # the tests may run under nohup, too
sys.argv[1:] = [name for name in sys.argv[1:] if name != "nohup"]

def wait():
    with interruptible() as stop:
        signal.raise_signal(signal.SIGINT)
        print("stopping", stop.is_set())
        for name in sys.argv[1:]:
            signal.raise_signal(getattr(signal, name))

app = typer.Typer()
app.command()(wait)
app(args=[])
"""
SWALLOWED = """
import signal
from siteopt.interruption import interruptible
from siteopt.optimize.solver import SolverError

with interruptible():
    try:
        signal.raise_signal(signal.SIGTERM)
    except SystemExit:
        raise SolverError("HiGHS ended in the state Solve error") from None
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_signal_that_the_solver_takes_for_its_own_error_ends_the_run() -> None:
    found = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (143, "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("more", "code"), [([], 0), (["SIGINT"], 130), (["SIGTERM"], 143), (["SIGHUP"], 129), (["nohup", "SIGHUP"], 0)]
)
def test_first_interrupt_stops_and_the_next_signal_ends(more: list[str], code: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED, *more]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (code, "stopping True\n")
    assert "Ctrl-C again" in found.stderr
    assert "Traceback" not in found.stderr


def test_interrupt_before_there_is_a_plan_keeps_the_run_before(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("solve", world, "--out", tmp_path / "out").exit_code == 0
    before = (tmp_path / "out" / "plan.json").read_bytes()
    solve = siteopt.solve

    def interrupted(*arguments: Any, **options: Any) -> siteopt.Result:
        options["stop"].set()
        return solve(*arguments, **options)

    monkeypatch.setattr("siteopt.solve", interrupted)
    result = call("solve", world, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "nothing was written" in result.stderr
    assert (tmp_path / "out" / "plan.json").read_bytes() == before


@pytest.mark.parametrize("verb", ["solve", "pareto"])
def test_a_folder_that_cannot_be_is_known_before_the_work(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(f"siteopt.{verb}", lambda *arguments, **options: pytest.fail("it was worked for nothing"))
    result = call(verb, world, "--out", tmp_path / "file" / "run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].endswith("[E402]")


@pytest.mark.parametrize("more", [[], ["--quiet"], ["--json"]])
def test_the_answer_is_printed_where_it_cannot_be_written(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    def full(folder: Path, files: object) -> None:
        raise Failure(Code.DISK_FULL, f"{folder}: no room to write; nothing was changed")

    monkeypatch.setattr("siteopt.delivery.write_folder", full)
    result = call("solve", world, "--out", tmp_path / "out", *more)
    assert result.exit_code == 2
    if more == ["--json"]:
        assert json.loads(result.stdout)["outcome"] == "proven"
    else:
        assert "small: proven" in result.stdout
    assert "Outputs" not in result.stdout
    assert result.stderr.splitlines()[-1].endswith("nothing was changed [E403]")


def test_methods_agree(world: Path, tmp_path: Path) -> None:
    for method in ("search", "monolithic"):
        assert call("solve", world, "--out", tmp_path / method, "--method", method).exit_code == 0
    stored = (json.loads((tmp_path / name / "plan.json").read_text()) for name in ("search", "monolithic"))
    search, whole = (one["plan"] for one in stored)
    assert [one["day"] for one in search["milestones"]] == [one["day"] for one in whole["milestones"]]
    assert search["cost"]["total_usd"] == pytest.approx(whole["cost"]["total_usd"], abs=100)


def test_set_changes_the_question(world: Path, tmp_path: Path) -> None:
    result = call("solve", world, "--out", tmp_path / "out", "--set", "milestones.0.gpus=5000", "--json")
    assert json.loads(result.stdout)["plan"]["milestones"][0]["gpus"] == 5000


@pytest.mark.parametrize("setting", ["supply.spare_unit=2", "nonsense", "supply.circuity=0", "milestones.4.gpus=1"])
def test_set_that_cannot_be(world: Path, tmp_path: Path, setting: str) -> None:
    result = call("solve", world, "--out", tmp_path / "out", "--set", setting)
    assert result.exit_code == 2
    assert "1 error; nothing was written" in result.stderr


def test_quiet_prints_nothing(world: Path, tmp_path: Path) -> None:
    found = process(["solve", world, "--out", "out", "--quiet"], tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert (tmp_path / "out" / "plan.json").is_file()


@pytest.mark.parametrize("method", ["search", "monolithic"])
def test_json_is_one_document_and_nothing_else(world: Path, tmp_path: Path, method: str) -> None:
    found = process(["solve", world, "--out", "out", "--json", "--method", method], tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.count("\n") == 1
    printed, written = json.loads(found.stdout), json.loads((tmp_path / "out" / "plan.json").read_text("utf-8"))
    assert printed == written


def test_issues_as_json_are_one_document(faulty: Path, tmp_path: Path) -> None:
    found = process(["solve", faulty, "--json"], tmp_path)
    assert (found.returncode, found.stderr) == (2, "")
    assert len(json.loads(found.stdout)["issues"]) == 2


def test_foreign_folder_is_left_alone(world: Path, tmp_path: Path) -> None:
    result = call("solve", world, "--out", tmp_path)
    assert result.exit_code == 2
    assert "not the folder of a run" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "absent.toml"],
        ["check", "."],
        ["check", "table.csv"],
        ["check", "binary.toml"],
        ["check", "empty.toml"],
        ["solve", "good.toml", "--time-limit", "-1"],
        ["solve", "good.toml", "--method", "luck"],
        ["solve", "good.toml", "--out", "table.csv"],
        ["pareto", "good.toml", "--milestone", "first"],
        ["pareto", "good.toml", "--top", "0"],
        ["pareto", "good.toml", "--out", "table.csv"],
        ["init", "table.csv"],
        ["dance"],
    ],
)
def test_bad_input_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    write_world(tmp_path)
    (tmp_path / "good.toml").write_text(SCENARIO)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "binary.toml").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "empty.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stderr
    assert result.stdout == ""


def test_missing_table_is_an_issue(world: Path) -> None:
    (world.parent / "offers.csv").unlink()
    result = call("check", world)
    assert result.exit_code == 2
    assert result.stderr.startswith("offers.csv: no such file; expected a CSV")


def test_steps_of_unknown_sites_do_no_harm(tmp_path: Path) -> None:
    steps = (*STEPS, {"site_id": "elsewhere", "ready_day": 3, "grid_mw": 9})
    assert call("check", write_world(tmp_path, steps=steps)).exit_code == 0


def test_version() -> None:
    result = call("version")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()][:3] == ["siteopt", "pulp", "highspy"]


def test_version_as_json() -> None:
    assert json.loads(call("version", "--json").stdout)["siteopt"].count(".") == 2


def test_issues_in_a_process_leave_no_traceback(faulty: Path, tmp_path: Path) -> None:
    found = process(["check", faulty], tmp_path)
    assert (found.returncode, found.stdout) == (2, "")
    assert "Traceback" not in found.stderr
    assert found.stderr.startswith("candidates.csv:3:")
