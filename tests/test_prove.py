"""``siteopt prove``: what is claimed is shown, and what is not so is refuted, whatever ``plan.json`` says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.issues import InputError
from siteopt.optimize.claims import FIRST_NODES
from siteopt.output.proving import proving
from siteopt.record.proof import ProofReport
from tests.worlds import OFFERS, SCENARIO, SITES, Row, changed, csv_text, write_world

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is that of the world, so its files may be opened."""
    monkeypatch.chdir(tmp_path)


TWO = SCENARIO.replace(
    "[compute]", '[[milestones]]\nname = "more"\ngpus = 12_000\noperating_days = 30\n\n[compute]'
).replace("gpus = 10_000 }]", "gpus = 10_000 }, { day = 20, gpus = 12_000 }]")
"""The scenario with a second milestone."""


def solved(folder: Path, **more: Any) -> Path:
    """Write a world, solve it, and return the folder of the run, with no more in it than a proof needs."""
    top = more.pop("top", 10)
    result = siteopt.solve(write_world(folder, **more), top=top)
    run = folder / "run"
    run.mkdir(exist_ok=True)
    (run / "plan.json").write_text(result.record.model_dump_json(), encoding="utf-8")
    for name in ("sites.geojson", "plan.geojson"):
        (run / name).write_text('{"features": []}', encoding="utf-8")
    return run


def edited(run: Path, change: Edit) -> Path:
    """Change ``plan.json`` by hand."""
    path = run / "plan.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return run


def called(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["prove", *map(str, words)])
    return result.exit_code, result.output


def test_a_run_is_proven(tmp_path: Path) -> None:
    run = solved(tmp_path, scenario=TWO)
    before = {path: path.read_bytes() for path in run.iterdir()}
    report = siteopt.prove(run).report
    assert report.proven
    assert not report.is_wrong
    assert [rank.site_id for rank in report.ranks] == ["alpha", "beta"]
    assert report.rows_recomputed > 0
    for rank in report.ranks:
        assert rank.holds
        assert [goal.goal for goal in rank.goals] == ["first run", "more", "cost"]
        for goal in rank.goals[:2]:
            assert goal.bound == goal.value
        assert 0 < rank.goals[2].value - rank.goals[2].bound < 10
    assert sum((report.first.arithmetic, report.first.prices, report.first.branching)) == 1
    assert report.last is not None
    assert report.last.proven
    assert {path: path.read_bytes() for path in run.iterdir()} == before
    code, text = called(run)
    assert code == 0
    assert text.startswith("small: proven without relying on a solver")
    assert "1.          Alpha Works (alpha), its plan holds" in text
    code, text = called(run, "--json")
    assert ProofReport.model_validate_json(text) == report.model_copy(update={"seconds": json.loads(text)["seconds"]})


def test_no_site_can_serve_is_proven_too(tmp_path: Path) -> None:
    run = solved(tmp_path, scenario=SCENARIO.replace("budget_usd = 1e9", "budget_usd = 1e8"))
    report = siteopt.prove(run).report
    assert (report.outcome, report.ranks, report.proven) == ("no site can serve", (), True)
    assert "no site can serve, proven without relying on a solver" in str(siteopt.prove(run))
    # with the money, the same claim is refuted
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    report = siteopt.prove(run, scenario=scenario).report
    assert report.first.wrong == ("alpha", "beta")
    assert called(run, "--scenario", scenario)[0] == 5


def test_many_sites_are_ruled_out_by_the_prices_that_the_run_keeps(tmp_path: Path) -> None:
    sites: list[Row] = []
    for number in range(40):
        sites.append({**SITES[0], "site_id": f"s{number:02}", "site_cost_usd": 5_000_000 + 100_000 * number})
    run = solved(tmp_path, sites=sites, top=2)
    report = siteopt.prove(run).report
    assert report.proven
    assert report.first.arithmetic + report.first.prices + report.first.branching == 39
    assert report.first.prices > 15
    assert report.last is not None
    assert report.last.prices > 15

    def without_prices(document: dict[str, Any]) -> None:
        document["proof"]["prices"] = []

    report = siteopt.prove(edited(run, without_prices)).report
    assert report.proven
    assert report.first.prices == 0
    assert report.first.branching > 15


# claims that are not so


def test_a_day_that_could_be_sooner_is_refuted(tmp_path: Path) -> None:
    def later(document: dict[str, Any]) -> None:
        document["proof"]["ranks"][0]["days"][0] += 1
        document["plan"]["milestones"][0]["day"] += 1

    run = edited(solved(tmp_path, sites=SITES[:1]), later)
    report = siteopt.prove(run).report
    assert report.ranks[0].goals[0].means == "wrong"
    code, text = called(run)
    assert code == 5
    assert "WRONG: do not use this plan" in text
    assert "first run CAN START before day" in text


def test_a_cost_that_could_be_less_is_refuted(tmp_path: Path) -> None:
    def dearer(document: dict[str, Any]) -> None:
        order = document["plan"]["orders"][0]
        order["units"]["first run"] += 1

    run = edited(solved(tmp_path, sites=SITES[:1]), dearer)
    assert siteopt.prove(run).report.ranks[0].holds is False  # it costs more than it says

    def told(document: dict[str, Any]) -> None:
        document["proof"]["ranks"][0]["cost_musd"] += 1.0

    report = siteopt.prove(edited(run, told)).report
    assert report.ranks[0].goals[-1].means == "wrong"
    assert report.is_wrong


def test_a_plan_that_does_not_hold_is_refuted(tmp_path: Path) -> None:
    def less(document: dict[str, Any]) -> None:
        order = next(order for order in document["plan"]["orders"] if order["kind"] == "chiller")
        order["units"]["first run"] -= 1

    report = siteopt.prove(edited(solved(tmp_path), less)).report
    assert report.ranks[0].holds is False
    assert report.is_wrong
    assert not report.proven


def test_a_second_best_site_is_refuted(tmp_path: Path) -> None:
    run = solved(tmp_path, sites=changed(SITES, "site_id", "beta", site_cost_usd=4_000_000))
    winner = siteopt.prove(run).report.ranks[0].site_id
    other = solved(tmp_path, sites=tuple(site for site in SITES if site["site_id"] != winner))
    (tmp_path / "candidates.csv").write_text(csv_text(SITES), encoding="utf-8")
    report = siteopt.prove(other, scenario=tmp_path / "scenario.toml").report
    assert report.changed_inputs == ("candidates.csv",)
    assert report.first.wrong == (winner,)
    assert "candidates.csv has changed since the plan was made" in proving(report)


# what plan.json keeps is not trusted


@pytest.mark.parametrize("factor", [0.0, -1.0, 1e9, 1.01])
def test_no_prices_prove_what_is_not_so(tmp_path: Path, factor: float) -> None:
    sites = [{**SITES[0], "site_id": f"s{number:02}", "site_cost_usd": 5e6 + 1e5 * number} for number in range(20)]

    def spoilt(document: dict[str, Any]) -> None:
        for prices in document["proof"]["prices"]:
            for rows in (prices["needs"], prices["spares"]):
                for name, values in rows.items():
                    rows[name] = [value * factor for value in values]
            for name in ("yard", "water"):
                prices[name] = [value * factor for value in prices[name]]

    run = edited(solved(tmp_path, sites=sites, top=1), spoilt)
    assert siteopt.prove(run).report.proven

    def dearest(document: dict[str, Any]) -> None:
        rank = document["proof"]["ranks"][0]
        rank |= {"site_id": "s19", "cost_musd": rank["cost_musd"] + 1.9}

    report = siteopt.prove(edited(run, dearest)).report
    assert len(report.first.wrong) == 19


def test_prices_of_another_run_are_left_aside(tmp_path: Path) -> None:
    sites = [{**SITES[0], "site_id": f"s{number:02}", "site_cost_usd": 5e6 + 1e5 * number} for number in range(20)]
    run = solved(tmp_path, sites=sites, top=1)

    def longer(document: dict[str, Any]) -> None:
        first, *others = document["proof"]["prices"]
        first["needs"]["cooling"] = [*first["needs"]["cooling"], 1.0]
        for prices in others:
            prices["crew"] = [[7, 0, 0, 1.0]]

    report = siteopt.prove(edited(run, longer)).report
    assert report.proven
    assert report.first.prices == 0


def test_branchings_only_show_the_way(tmp_path: Path) -> None:
    def astray(document: dict[str, Any]) -> None:
        rank = document["proof"]["ranks"][0]
        way = {"": ["units_o0_s0_m0", 3], "0": ["nothing", 1], "1": ["units_o0_s0_m0", -7]}
        document["proof"]["branchings"] = [{"site_id": rank["site_id"], "days": rank["days"], "branchings": way}]

    assert siteopt.prove(edited(solved(tmp_path), astray)).report.proven


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda document: document.pop("proof"), "proof"),
        (lambda document: document["proof"]["ranks"][0].pop("days"), "proof.ranks.0.days"),
        (lambda document: document["proof"]["ranks"][0].update(cost_musd="much"), "proof.ranks.0.cost_musd"),
        (lambda document: document["proof"].update(more=1), "proof.more"),
        (lambda document: document["proof"]["ranks"][0].update(site_id="nowhere"), "the site nowhere"),
        (lambda document: document["proof"]["ranks"][0].update(days=[1, 2, 3]), "wrong days in proof.ranks.0"),
        (
            lambda document: document["proof"].update(
                minimum_support=[{"site_id": "beta", "battery_mw": [1, 2], "inertia_mws": [0]}]
            ),
            "proof.minimum_support.0",
        ),
        (lambda document: document.update(outcome="limit reached"), "the outcome 'limit reached'"),
    ],
)
def test_a_run_that_claims_nothing_or_was_spoilt_is_told(tmp_path: Path, change: Edit, found: str) -> None:
    run = edited(solved(tmp_path), change)
    with pytest.raises(InputError) as raised:
        siteopt.prove(run)
    (issue,) = raised.value.issues
    assert found in (issue.column, issue.found)
    assert called(run)[0] == 2


def test_the_folder_of_nothing(tmp_path: Path) -> None:
    code, text = called(tmp_path)
    assert code == 2
    assert "E" in text


def test_what_is_not_finished_is_told(tmp_path: Path) -> None:
    run = solved(tmp_path)
    code, text = called(run, "--time-limit", "0")
    assert code == 4
    assert "proven in part" in text
    assert "not finished: beta" in text or "cannot come before it" in text
    report = siteopt.prove(run, 0).report
    assert not report.proven
    assert not report.is_wrong
    assert report.nodes < FIRST_NODES
    cost = report.ranks[0].goals[-1]
    assert cost.means == "not finished"
    assert "of what the plan decides, so far" in text


def test_power_quality_is_told_of(tmp_path: Path) -> None:
    scenario = SCENARIO + '\n[power_quality]\nclass = "G2"\nfrequency_hz = 60.0\n'
    offers = tuple({**offer, "count": 200} for offer in OFFERS)
    run = solved(tmp_path, scenario=scenario, offers=offers)
    document = json.loads((run / "plan.json").read_text(encoding="utf-8"))
    minimum_support = [kept["site_id"] for kept in document["proof"]["minimum_support"]]
    report = siteopt.prove(run).report
    assert list(report.minimum_support) == minimum_support
    assert report.proven
