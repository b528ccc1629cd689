"""Files that a run names: which of them are opened, and that no message shows the content of any other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.geodata.dataset import load
from siteopt.scenario_file import read_scenario
from tests.worlds import SCENARIO, write_world

SECRET = "the key is 4711"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with the folder of its run in it."""
    folder = tmp_path_factory.mktemp("world")
    siteopt.solve(write_world(folder)).write(folder / "run")
    return folder


@pytest.fixture
def world(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the world as the current folder, with a secret beside it and one in it."""
    world = Path(shutil.copytree(original, tmp_path / "world"))
    monkeypatch.chdir(world)
    edited(world, lambda plan: plan.update(scenario_path="scenario.toml"))
    for folder in (tmp_path, world):
        (folder / "secret.txt").write_text(f"{SECRET}\n", encoding="utf-8")
    return world


def edited(world: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = world / "run" / "plan.json"
    plan = json.loads(path.read_text(encoding="utf-8"))
    change(plan)
    path.write_text(json.dumps(plan), encoding="utf-8")


def recorded(world: Path, name: str) -> None:
    """Let the run say that it was made from the file as it is, under the name that the scenario has for it."""
    content = (world / name).read_bytes()
    entry = {"path": name, "sha256": hashlib.sha256(content).hexdigest()}
    edited(world, lambda plan: plan["inputs"].append(entry))


def refused(*words: object) -> str:
    """What verify and prove say, which is the same."""
    verify, prove = (CliRunner().invoke(app, [command, "run", *map(str, words)]) for command in ("verify", "prove"))
    assert (verify.exit_code, prove.exit_code) == (2, 2), verify.output
    assert verify.stderr == prove.stderr
    assert SECRET not in verify.output
    return str(verify.stderr)


def test_a_run_is_checked_with_the_files_that_it_was_made_from(world: Path) -> None:
    assert siteopt.verify("run").holds
    assert siteopt.prove("run").report.proven


def test_a_scenario_that_the_user_names_may_be_anywhere(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(siteopt.InputError, match=r"No such file.* name the scenario yourself with --scenario FILE"):
        siteopt.verify(world / "run")
    assert siteopt.verify(world / "run", scenario=world / "scenario.toml").holds
    assert siteopt.prove(world / "run", scenario=world / "scenario.toml").report.proven
    outside = CliRunner().invoke(app, ["verify", str(world / "run"), "--scenario", str(world / "scenario.toml")])
    assert outside.exit_code == 0


def test_a_scenario_in_the_folder_of_the_run_is_opened(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("scenario.toml", "candidates.csv", "offers.csv", "steps.csv"):
        shutil.copy(world / name, world / "run" / name)
    edited(world, lambda plan: plan.update(scenario_path=str(world / "run" / "scenario.toml")))
    monkeypatch.chdir(tmp_path)
    assert siteopt.verify(world / "run").holds


@pytest.mark.parametrize("name", ["scenario.toml", "candidates.csv"])
def test_a_file_that_has_changed_is_named_and_not_read(world: Path, name: str) -> None:
    (world / name).write_text(f"{SECRET}\n", encoding="utf-8")
    told = f"{name}: not opened: it has changed since the plan was made; to read it as it is, name the scenario"
    assert refused().startswith(told)


@pytest.mark.parametrize("place", ["../secret.txt", "run/../../secret.txt", "/etc/passwd", "//server/share/x.toml"])
def test_a_scenario_elsewhere_is_not_opened(world: Path, place: str) -> None:
    edited(world, lambda plan: plan.update(scenario_path=place))
    assert refused().startswith(f"{place}: not opened: it is outside the current folder and the folder of the run")


@pytest.mark.parametrize(
    "place", ["secret.txt", "run", "none.toml", "a/" * 5000, "\\\\server\\share\\x.toml", "http://x/y.toml"]
)
def test_no_other_file_is_taken_for_the_scenario(world: Path, place: str) -> None:
    edited(world, lambda plan: plan.update(scenario_path=place))
    line, last = refused().splitlines()
    assert line.startswith(place[:200])
    assert len(line) < 400
    assert last == "1 error; nothing was written"


def test_a_link_does_not_lead_elsewhere(world: Path, tmp_path: Path) -> None:
    try:
        (world / "link.toml").symlink_to(tmp_path / "secret.txt")
    except OSError:
        pytest.skip("no links here")
    edited(world, lambda plan: plan.update(scenario_path="link.toml"))
    recorded(world, "link.toml")
    assert "outside the current folder" in refused()
    (world / "run" / "plan.json").unlink()
    (world / "run" / "plan.json").symlink_to(tmp_path / "secret.txt")
    assert "a link to another folder" in refused()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_opened(world: Path) -> None:
    os.mkfifo(world / "pipe.toml")
    edited(world, lambda plan: plan.update(scenario_path="pipe.toml"))
    assert "it is a device or a pipe" in refused()
    (world / "run" / "plan.geojson").unlink()
    os.mkfifo(world / "run" / "plan.geojson")
    assert "plan.geojson: found a folder, a device or a pipe" in refused()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('candidates = ["candidates.csv"]', 'candidates = ["candidates.csv", "{}"]'),
        ('offers = ["offers.csv"]', 'offers = ["offers.csv", "{}"]'),
        ('grid_steps = ["steps.csv"]', 'grid_steps = ["{}"]'),
        ("[workload]", 'areas = ["{}"]\n[workload]'),
        ("[workload]", '[power_quality]\nwaveform = "{}"\n[workload]'),
        ("[workload]", '[filter]\nwithin = "{}"\n[workload]'),
        ("[workload]", '[filter.away_from]\nlayer = "{}"\nkm = 1\n[workload]'),
    ],
)
@pytest.mark.parametrize("secret", ["secret.txt", "../secret.txt"])
def test_a_scenario_of_a_stranger_names_no_file_of_the_user(world: Path, before: str, after: str, secret: str) -> None:
    """The sender knows the digest of the own scenario, but not the one of a file of the user."""
    (world / "theirs.toml").write_text(SCENARIO.replace(before, after.format(secret)), encoding="utf-8")
    edited(world, lambda plan: plan.update(scenario_path="theirs.toml"))
    recorded(world, "theirs.toml")
    reason = "it is outside the current folder" if ".." in secret else "the plan was not made from it"
    assert refused().startswith(f"{secret}: not opened: {reason}")


@pytest.mark.parametrize("secret", ["secret.txt", "../secret.txt", "kit/../../secret.txt", "kit"])
def test_a_scenario_of_a_stranger_extends_no_file_of_the_user(world: Path, secret: str) -> None:
    (world / "kit").mkdir()
    (world / "kit" / "deeper.toml").write_text(f'extends = ["../{secret}"]\n', encoding="utf-8")
    for named, told in ((secret, secret), ("kit/deeper.toml", f"kit/../{secret}")):
        (world / "theirs.toml").write_text(f'extends = ["{named}"]\n{SCENARIO}', encoding="utf-8")
        edited(world, lambda plan: plan.update(scenario_path="theirs.toml"))
        recorded(world, "theirs.toml")
        recorded(world, "kit/deeper.toml")
        reasons = {"secret.txt": "the plan was not made from it", "kit": ""}
        reason = reasons.get(secret, "it is outside the current folder")
        assert refused().startswith(
            f"{told}: {f'not opened: {reason}' if reason else 'cannot be read (it is a folder)'}"
        )


def test_a_run_is_checked_with_the_files_that_its_scenario_extends(world: Path) -> None:
    """With a changed one it is not, unless the user names the scenario."""
    (world / "kit").mkdir()
    (world / "kit" / "rates.toml").write_text("[supply]\ncircuity = 1.3\n", encoding="utf-8")
    (world / "mine.toml").write_text('extends = ["scenario.toml", "kit/rates.toml"]\n', encoding="utf-8")
    siteopt.solve("mine.toml").write("mine")
    assert siteopt.verify("mine").holds
    assert siteopt.prove("mine").report.proven
    (world / "kit" / "rates.toml").write_text(f"# {SECRET}\n[supply]\ncircuity = 1.3\n", encoding="utf-8")
    with pytest.raises(
        siteopt.InputError, match=r"^kit/rates.toml: not opened: it has changed since the plan was made"
    ):
        siteopt.verify("mine")
    found = siteopt.verify("mine", scenario="mine.toml")
    assert found.holds
    assert found.record.changed_inputs == ("kit/rates.toml",)


def test_a_setting_of_a_stranger_names_no_file_of_the_user(world: Path) -> None:
    setting = 'inputs.offers=["offers.csv", "secret.txt"]'
    edited(world, lambda plan: plan["settings"].append(setting))
    assert refused().startswith("secret.txt: not opened: the plan was not made from it; to read it")
    told = refused("--scenario", "scenario.toml")
    assert told.startswith("secret.txt: not opened: the plan was not made from it; a setting of the run names it")


def test_a_scenario_that_is_complete_only_with_the_settings_of_the_run_is_read(world: Path) -> None:
    path = world / "scenario.toml"
    path.write_text(SCENARIO.replace("spare_units = 1\n", ""), encoding="utf-8")
    edited(world, lambda plan: plan["settings"].append("supply.spare_units=1"))
    assert siteopt.verify("run", scenario=path).holds


def test_every_file_that_is_read_is_one_that_the_scenario_names(world: Path) -> None:
    scenario = read_scenario(world / "scenario.toml")
    assert {one.path for one in load(scenario).inputs} - {"scenario.toml"} == set(scenario.files)
