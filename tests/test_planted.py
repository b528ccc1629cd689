"""Bugs of our own, planted where only files are expected to fail: each ends in E901, and never as the user's fault."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NoReturn

import geopandas
import openpyxl
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from tests.record.archives import unpack
from tests.worlds import SITES, write_world

BUGS = (KeyError("role"), TypeError("planted"), ValueError("planted"), AttributeError("planted"), IndexError("planted"))


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    siteopt.solve(write_world(folder)).write(folder / "run")
    return folder


@pytest.fixture
def world(solved: Path, tmp_path: Path) -> Path:
    """A world with a run of it."""
    shutil.copytree(solved, tmp_path / "world")
    text = (tmp_path / "world" / "run" / "plan.json").read_text(encoding="utf-8")
    moved = text.replace(str(solved), str(tmp_path / "world"))
    (tmp_path / "world" / "run" / "plan.json").write_text(moved, encoding="utf-8")
    return tmp_path / "world"


def planted(monkeypatch: pytest.MonkeyPatch, place: str, bug: Exception) -> None:
    def fails(*arguments: Any, **more: Any) -> NoReturn:
        raise bug

    monkeypatch.setattr(place, fails)


def read_candidates_from(world: Path, name: str) -> None:
    text = (world / "scenario.toml").read_text(encoding="utf-8")
    (world / "scenario.toml").write_text(text.replace("candidates.csv", name), encoding="utf-8")


def ends_in_our_bug(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 1, result.output
    assert "[E901]" in result.output
    assert "Traceback" not in result.output
    assert "solve it again" not in result.output
    assert "damaged" not in result.output


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
@pytest.mark.parametrize("command", ["report", "plot"])
def test_bug_in_a_chart(world: Path, monkeypatch: pytest.MonkeyPatch, bug: Exception, command: str) -> None:
    planted(monkeypatch, "siteopt.output.charts.supply._least", bug)
    ends_in_our_bug(command, world / "run")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
@pytest.mark.parametrize(
    "place",
    [
        "siteopt.simulate.calendar._series",
        "siteopt.geodata.dataset.dated_steps",
        "siteopt.record.build_replay._days",
        "siteopt.output.verification._lines",
    ],
)
def test_bug_in_verify(world: Path, monkeypatch: pytest.MonkeyPatch, bug: Exception, place: str) -> None:
    planted(monkeypatch, place, bug)
    monkeypatch.chdir(world)
    ends_in_our_bug("verify", world / "run")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
@pytest.mark.parametrize("place", ["siteopt.record.migrations._plan", "siteopt.record.migrations._site"])
def test_bug_in_a_migration(world: Path, monkeypatch: pytest.MonkeyPatch, bug: Exception, place: str) -> None:
    run = unpack("korea", world)
    planted(monkeypatch, place, bug)
    ends_in_our_bug("report", run)


def test_bug_in_a_reader_of_workbooks(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame(SITES).to_excel(world / "candidates.xlsx", index=False)
    read_candidates_from(world, "candidates.xlsx")
    for place in ("siteopt.geodata.workbook._cell", "siteopt.geodata.workbook._checked"):
        with monkeypatch.context() as patch:
            planted(patch, place, KeyError("planted"))
            ends_in_our_bug("check", world / "scenario.toml")


def test_bug_in_a_reader_of_layers(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(SITES)
    points = shapely.points(frame.pop("longitude").astype(float), frame.pop("latitude").astype(float))
    geopandas.GeoDataFrame(frame.astype(str), geometry=points, crs=4326).to_file(world / "candidates.gpkg")
    read_candidates_from(world, "candidates.gpkg")
    for place in ("siteopt.geodata.layers._check_shapes", "siteopt.geodata.layers._chosen"):
        with monkeypatch.context() as patch:
            planted(patch, place, KeyError("planted"))
            ends_in_our_bug("check", world / "scenario.toml")


def test_a_damaged_workbook_is_still_the_file(world: Path) -> None:
    book = openpyxl.Workbook()
    book.save(world / "candidates.xlsx")
    whole = (world / "candidates.xlsx").read_bytes()
    (world / "candidates.xlsx").write_bytes(whole[: len(whole) // 2])
    read_candidates_from(world, "candidates.xlsx")
    result = CliRunner().invoke(app, ["check", str(world / "scenario.toml")])
    assert result.exit_code == 2
    assert "[E104]" in result.output
