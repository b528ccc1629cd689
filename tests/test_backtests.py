"""The back-test: its tables are sound, no scenario knows its outcome, and errors are computed as the page says."""

from __future__ import annotations

import csv
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import siteopt
from tests.worlds import SCENARIO, write_world

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import backtests  # noqa: E402
import generate  # noqa: E402

FOLDER = backtests.FOLDER
OUTCOMES = backtests.read_outcomes()
BUILDS = sorted({outcome.build for outcome in OUTCOMES})
FILES = sorted(FOLDER.glob("*.toml"))
WHO = {"owner", "builder", "utility", "county", "permit", "filing"}
QUESTION = {"project", "inputs", "milestones", "extends", "sources"}


def data(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, part in node.items():
            yield from values(part, f"{key}.{name}".lstrip("."))
    else:
        yield key, node


def given(build: str) -> dict[str, Any]:
    """Values of a build: its own over those of the files of this folder that it extends."""
    own = data(FOLDER / f"{build}.toml")
    found: dict[str, Any] = {}
    for name in own.get("extends", []):
        if "/" not in name:
            found |= given(name.removesuffix(".toml"))
    return found | dict(values(own))


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_is_one_candidate(build: str) -> None:
    own = data(FOLDER / f"{build}.toml")
    (candidate,) = rows(FOLDER / own["inputs"]["candidates"][0])
    assert candidate["site_id"] == own["project"]["name"] == build


@pytest.mark.parametrize("build", BUILDS)
def test_every_row_of_a_build_has_a_source_and_belongs_to_it(build: str) -> None:
    for path in (FOLDER / build).glob("*.csv"):
        for row in rows(path):
            assert row["site_id"] == build
            assert "http" in row["sources"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_value_has_a_source_or_is_an_estimate(path: Path) -> None:
    sources = data(path).get("sources", {})
    world = [key for key, _ in values(data(path)) if key.split(".")[0] not in QUESTION]
    assert [key for key in world if not any(key == one or key.startswith(f"{one}.") for one in sources)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_path_leads_to_a_file_or_to_the_parameters(path: Path) -> None:
    names = [name for names in data(path).get("inputs", {}).values() for name in names]
    assert [name for name in names if not (FOLDER / name).is_file()] == []
    assert [
        name for name in data(path).get("extends", []) if not re.fullmatch(r"\.\./parameters/\w+\.toml|\w+\.toml", name)
    ] == []


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda one: f"{one.build} {one.milestone}")
def test_an_outcome_is_dated_by_those_who_know(outcome: backtests.Outcome) -> None:
    scenario = data(FOLDER / f"{outcome.build}.toml")
    assert outcome.milestone in [milestone["name"] for milestone in scenario["milestones"]]
    assert outcome.date > scenario["project"]["start_date"]
    assert outcome.dated_by in WHO
    assert outcome.sources.startswith("http")


def test_at_least_five_builds_beside_memphis_are_predicted() -> None:
    assert "memphis" in BUILDS
    assert len(BUILDS) >= 1 + 5


@pytest.mark.parametrize("build", BUILDS)
def test_no_scenario_knows_its_outcome(build: str) -> None:
    happened = {one.date for one in OUTCOMES if one.build == build}
    cells = [cell for path in (FOLDER / build).glob("*.csv") for row in rows(path) for cell in row.values()]
    known = {*re.findall(r"\d{4}-\d\d-\d\d", " ".join(cells)), *map(str, given(build).values())}
    assert {str(day) for day in happened} & known == set()


@pytest.mark.parametrize("row", backtests.read_left_out(), ids=lambda row: f"{row.build} {row.parameter}")
def test_what_replaces_a_parameter_stands_in_the_scenario(row: backtests.LeftOut) -> None:
    assert row.build in BUILDS
    number = re.match(r"[\d.]+\d|\d", row.replaced_by)
    if number:
        assert given(row.build)[row.used_for] == float(number[0])


def test_predictions_are_compared_with_outcomes(tmp_path: Path) -> None:
    write_world(tmp_path).rename(tmp_path / "small.toml")
    (tmp_path / "poor.toml").write_text(SCENARIO.replace("budget_usd = 1e9", "budget_usd = 1"), encoding="utf-8")
    scenario = siteopt.read_scenario(tmp_path / "small.toml")
    plan = siteopt.solve(scenario).record.plan
    assert plan is not None
    milestone = plan.milestones[-1]
    late = scenario.project.start_date + timedelta(days=2 * milestone.day)
    lines = [
        "build,milestone,mw,date,plus_minus_days,dated_by,sources,notes",
        f"small,{milestone.name},1,{late},3,owner,https://example.org,",
        f"poor,{milestone.name},1,{late},0,owner,https://example.org,",
    ]
    (tmp_path / "outcomes.csv").write_text("\n".join(lines), encoding="utf-8")
    found, refused = backtests.predict(tmp_path)
    assert (found.actual_days, found.predicted_days, found.error_percent) == (2 * milestone.day, milestone.day, -50)
    assert found.limited_by == milestone.limited_by
    assert refused.predicted_days is refused.error_percent is None
    table = generate.predictions(tmp_path)
    assert f"| small | {milestone.name} | {2 * milestone.day} ± 3 | {milestone.day} | -50 % |" in table
    assert f"| poor | {milestone.name} | {2 * milestone.day} | cannot serve |  |" in table
    assert table.endswith("Median error 50 %, worst error -50 %; the model finds no plan for 1 of 2 milestones.")


def test_the_summary_gives_the_median_and_the_worst_error() -> None:
    def one(predicted: int | None) -> backtests.Prediction:
        outcome = backtests.Outcome("a", "b", "1", date(2025, 1, 1), 0, "owner", "https://example.org", "")
        return backtests.Prediction(outcome, 100, predicted)

    assert backtests.summarize([one(90), one(130), one(160)]) == (
        "Median error 30 %, worst error +60 %; the model finds no plan for 0 of 3 milestones."
    )
    assert backtests.summarize([one(None)]) == "The model finds no plan for 1 of 1 milestones."


# the page


def table(name: str) -> list[list[str]]:
    """Cells of a table of the page, without its head."""
    lines = [line for line in generate.block("docs/backtest.md", name).splitlines() if line.startswith("|")]
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines[2:]]


def shown(row: list[str], outcome: backtests.Outcome) -> backtests.Prediction:
    """Prediction that a row of the page shows, with the actual days of the outcome."""
    start = data(FOLDER / f"{outcome.build}.toml")["project"]["start_date"]
    predicted = None if row[3] == "cannot serve" else int(row[3])
    return backtests.Prediction(outcome, (outcome.date - start).days, predicted)


def test_the_page_shows_a_prediction_of_every_outcome() -> None:
    rows_of_page = table("predictions")
    found = [shown(row, outcome) for row, outcome in zip(rows_of_page, OUTCOMES, strict=True)]
    for row, one in zip(rows_of_page, found, strict=True):
        assert row[:5] == [str(cell) for cell in generate.prediction_row(one)[:5]]
    assert generate.block("docs/backtest.md", "predictions").endswith(backtests.summarize(found))


def test_the_page_shows_the_blind_prediction_of_memphis_beside_the_fit() -> None:
    blind = [row[1:5] for row in table("predictions") if row[0] == "memphis"]
    assert [row[:4] for row in table("memphis blind")] == blind


def test_the_page_agrees_with_a_run_of_a_small_build() -> None:
    found = [[str(cell) for cell in generate.prediction_row(one)] for one in backtests.predict_build("sterling")]
    assert found == [row for row in table("predictions") if row[0] == "sterling"]


@pytest.mark.backtest
def test_the_page_agrees_with_the_runs_of_all_builds() -> None:
    assert generate.block("docs/backtest.md", "predictions") == generate.predictions()
    assert generate.block("docs/backtest.md", "memphis blind") == generate.memphis_blind()
