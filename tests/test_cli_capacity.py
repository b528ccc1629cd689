"""The command ``siteopt capacity``: exit codes, files, and days that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from siteopt.output.ownership import MANIFEST
from tests.test_cli import call, process
from tests.worlds import write_world


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return write_world(tmp_path / "world")


def test_capacity_writes_beside_the_run_and_may_be_run_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, again = call("capacity", world, "--by", "2025-07-01"), call("capacity", world, "--by", 181, "--top", 1)
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert "the most GPUs that can train by 2025-07-01 (day 181)" in again.stdout
    written = {path.name for path in (tmp_path / "runs" / "small-capacity").iterdir()}
    assert written == {"report.html", "capacity.csv", "capacity.geojson", "capacity.json", MANIFEST}
    assert call("report", tmp_path / "runs" / "small-capacity", "--lang", "ko").exit_code == 0


def test_capacity_json_is_one_document_and_nothing_else(world: Path, tmp_path: Path) -> None:
    found = process(["capacity", world, "--by", "181", "--out", "out", "--json"], tmp_path)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == json.loads((tmp_path / "out" / "capacity.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("options", "code"), [(["--time-limit", 0], 4), (["--set", "compute.deliveries.0.day=300"], 3)]
)
def test_capacity_without_an_answer_still_writes_bounds(
    world: Path, tmp_path: Path, options: list[object], code: int
) -> None:
    result = call("capacity", world, "--by", 181, "--out", tmp_path / "out", *options)
    assert result.exit_code == code, result.output
    sites = json.loads((tmp_path / "out" / "capacity.json").read_text())["sites"]
    assert [site["rank"] for site in sites] == [None, None]


def test_capacity_by_no_day_of_the_calendar_says_which_days_there_are(world: Path, tmp_path: Path) -> None:
    result = call("capacity", world, "--out", tmp_path / "out", "--by", "2024-12-31")
    assert result.exit_code == 2
    assert "by: found '2024-12-31', expected a date from 2025-01-01 to 2026-01-01" in result.stderr
    assert "[E309]" in result.stderr
    assert not (tmp_path / "out").exists()


def test_capacity_asks_for_a_day(world: Path) -> None:
    result = call("capacity", world)
    assert result.exit_code == 2
    assert "--by" in result.stderr
