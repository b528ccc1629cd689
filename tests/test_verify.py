"""A run verified: as it is, spoilt, and with other facts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.record.run import RunRecord
from siteopt.record.verification import Cause, ChangedCell, VerificationRecord
from tests.first_version import MODELS
from tests.shared_runs import solved_once
from tests.worlds import OFFERS, STEPS, changed, csv_text, write_world

Change = Callable[[dict[str, Any]], None]


def solved(folder: Path, *settings: str) -> Path:
    scenario = siteopt.read_scenario(write_world(folder), settings)
    return siteopt.solve(scenario).write(folder / "run")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return solved(tmp_path_factory.mktemp("world"), 'power_quality.class="G2"')


@pytest.fixture
def run(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run at alpha, with its world beside it, to be spoilt; the current folder is that of the world."""
    shutil.copytree(original.parent, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    return edited(tmp_path / "world" / "run", lambda plan: plan.update(scenario_path="scenario.toml"))


def edited(run: Path, change: Change) -> Path:
    path = run / "plan.json"
    plan = json.loads(path.read_text(encoding="utf-8"))
    change(plan)
    path.write_text(json.dumps(plan), encoding="utf-8")
    return run


def orders(run: Path) -> dict[str, int]:
    plan = json.loads((run / "plan.json").read_text(encoding="utf-8"))
    return {order["offer_id"]: order["units"]["first run"] for order in plan["plan"]["orders"]}


def test_plan_holds(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.iterdir()}
    found = siteopt.verify(run)
    assert found.holds
    (milestone,) = found.record.replay.milestones
    assert (milestone.day, milestone.days_later) == (milestone.planned_day, 0)
    assert found.record.power_quality.passes
    assert found.record.changed_inputs == ()
    assert "holds" in str(found)
    assert "Replay      as planned" in str(found)
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_what_solve_says_is_what_verify_says(run: Path) -> None:
    plan = RunRecord.model_validate_json((run / "plan.json").read_text(encoding="utf-8")).plan
    assert plan is not None
    found = siteopt.verify(run).record
    assert found.replay == plan.replay
    assert found.power_quality.milestones == plan.power_quality.milestones


def test_one_unit_less_is_seen(run: Path) -> None:
    for offer in orders(run):

        def less(plan: dict[str, Any], offer: str = offer) -> None:
            (order,) = (one for one in plan["plan"]["orders"] if one["offer_id"] == offer)
            order["units"]["first run"] -= 1

        spoilt = edited(Path(shutil.copytree(run, run.with_name(f"without-{offer}"))), less)
        found = siteopt.verify(spoilt)
        assert not found.holds, offer
        assert found.record.replay.milestones[0].reasons, offer


def test_one_day_sooner_is_seen(run: Path) -> None:
    def sooner(plan: dict[str, Any]) -> None:
        plan["plan"]["milestones"][0]["day"] -= 1

    found = siteopt.verify(edited(run, sooner))
    assert not found.holds
    assert found.record.replay.milestones[0].days_later == 1
    assert "1 day later than planned" in str(found)


@pytest.mark.slow
def test_without_its_batteries_the_class_is_not_kept(tmp_path: Path) -> None:
    settings = ['filter.regions=["TN"]', "defaults.grid_swing_share=0.0"]
    scenario = siteopt.read_scenario(MODELS / "colossus.toml", settings)
    run = siteopt.solve(scenario).write(tmp_path / "run")
    path = MODELS / "colossus.toml"
    assert siteopt.verify(run, scenario=path).holds

    def bare(plan: dict[str, Any]) -> None:
        plan["plan"]["orders"] = [order for order in plan["plan"]["orders"] if order["kind"] != "battery"]

    found = siteopt.verify(edited(run, bare), scenario=path)
    assert not found.holds
    assert found.record.replay.milestones[-1].day is None


def test_facts_that_changed_since(run: Path) -> None:
    rented = "gen_rented" if "gen_rented" in orders(run) else next(iter(orders(run)))
    (run.parent / "offers.csv").write_text(
        csv_text(changed(OFFERS, "offer_id", rented, lead_days=60, lead_days_high=60)), encoding="utf-8"
    )
    found = siteopt.verify(run, scenario=run.parent / "scenario.toml")
    assert found.record.changed_inputs == ("offers.csv",)
    assert "offers.csv has changed since the plan was made" in str(found)
    assert not found.holds


def table(run: Path, text: str) -> Path:
    path = run.parent / "changed.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_later_lead_makes_the_milestone_slip(run: Path) -> None:
    chiller = siteopt.verify(run, [table(run, "offer_id,lead_days\nchiller,60\n")])
    assert not chiller.holds
    (slip,) = chiller.record.slips
    # by truck from Dallas it is a day, two to install, two to commission, and what the crews take
    assert slip.days_later is not None
    assert slip.days_later > 30
    assert slip.because == (Cause(change=0, days_later=slip.days_later),)
    assert chiller.record.changes == (
        ChangedCell(
            table="offers", row="chiller", column="lead_days", level_mw=None, before=10.0, after=60.0, concerns=True
        ),
    )
    assert f"; because of lead_days of chiller: 10 -> 60 (+{slip.days_later} alone)" in str(chiller)


def test_fewer_units_than_are_ordered(run: Path) -> None:
    found = siteopt.verify(run, [table(run, "offer_id,count\nchiller,2\n")])
    (slip,) = found.record.slips
    assert slip.day_with is None
    assert slip.because == (Cause(change=0, days_later=None),)
    assert [reason.values["limit"] for reason in slip.reasons] == ["cooling"]
    assert "becomes never; because of count of chiller: 40 -> 2 (never, with this change alone). cooling: " in str(
        found
    )


def test_what_the_plan_does_not_use_changes_nothing(run: Path) -> None:
    unused = next(row["offer_id"] for row in OFFERS if row["offer_id"] not in orders(run))
    found = siteopt.verify(run, [table(run, f"offer_id,lead_days\n{unused},90\n")])
    assert found.holds
    assert found.record.slips == ()
    assert [change.concerns for change in found.record.changes] == [False]
    assert "the plan does not use it" in str(found)


def test_a_cell_that_was_blank_is_told_as_blank(run: Path) -> None:
    found = siteopt.verify(run, [table(run, "site_id,available_from,fitout_m2_per_day\nalpha,2024-02-01,900\n")])
    assert {change.column: (change.before, change.after) for change in found.record.changes} == {
        "available_from": (None, "2024-02-01"),
        "fitout_m2_per_day": (None, 900.0),
    }
    assert "available_from of alpha: blank -> 2024-02-01" in str(found)
    assert "fitout_m2_per_day of alpha: blank -> 900" in str(found)


def test_later_grid_step_at_memphis(tmp_path: Path) -> None:
    path = MODELS / "colossus.toml"
    run = solved_once(path, 'filter.regions=["TN"]').write(tmp_path / "run")
    later = tmp_path / "changed.csv"
    later.write_text(
        "site_id,grid_mw,ready_date\nus-memphis-electrolux,50,2025-03-01\n", encoding="utf-8"
    )  # day 302, and five to commission
    found = siteopt.verify(run, [later], scenario=path)
    slips = {slip.name: slip.day_with for slip in found.record.slips}
    assert slips["200k"] == 307
    assert "first run" not in slips


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


def test_exit_codes(run: Path) -> None:
    assert call(run).exit_code == 0
    late = call(run, "--with", table(run, "offer_id,lead_days\nchiller,60\n"))
    assert late.exit_code == 6
    assert "Slips       first run: day" in late.stdout
    assert VerificationRecord.model_validate_json(call(run, "--json").stdout).holds is True


def renamed_milestone(stored: dict[str, Any]) -> None:
    plan = stored["plan"]
    for part in (plan, plan["replay"], plan["power_quality"]):
        part["milestones"][0]["name"] = "second run"
    plan["cash"]["milestones"][0]["milestone"] = "second run"
    plan["baselines"] = []
    for order in plan["orders"]:
        order["units"] = {"second run": order["units"]["first run"]}
    for site in stored["ranking"]:
        site["milestones"][0]["milestone"] = "second run"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda plan: plan.update(scenario_path="/nowhere/scenario.toml"),
            "outside the current folder and the folder of the run",
        ),
        (lambda plan: plan["plan"].update(site_id="gamma"), "still admits the site"),
        (lambda plan: plan["plan"]["orders"][0].update(offer_id="gen"), "an offer_id of the offers"),
        (
            lambda plan: plan["plan"]["orders"][0].update(units={"first run": -1}),
            "plan.orders.0.units.first run: found -1",
        ),
        (renamed_milestone, "the milestones of the scenario: first run"),
        (lambda plan: plan.update(plan=None), "expected what siteopt writes there (a plan if the outcome is proven"),
        (lambda plan: plan.update(plan=None, outcome="limit reached"), "the folder of a run with a plan"),
        (lambda plan: plan.pop("scenario_path"), "scenario_path"),
    ],
)
def test_what_cannot_be_verified(run: Path, change: Change, said: str) -> None:
    refused = call(edited(run, change))
    assert refused.exit_code == 2, refused.output
    assert said in refused.stderr
    assert "Traceback" not in refused.output


def test_issues_of_changes_are_told(run: Path) -> None:
    refused = call(run, "--with", table(run, "offer_id,lead_day\nchiller,60\n"), "--json")
    assert refused.exit_code == 2
    assert "did you mean 'lead_days'?" in refused.stdout


def test_later_limits_and_roofs(tmp_path: Path) -> None:
    path = write_world(tmp_path, steps=[STEPS[0] | {"ready_day": 300}])
    permits = "site_id,resource,ready_day,until_day,limit,basis\nbeta,nox,,70,0,\nbeta,nox,70,,900,minor source\n"
    (tmp_path / "limits.csv").write_text(permits, encoding="utf-8")
    roofs = "site_id,building_id,area_m2,roof_day\nbeta,east,3500,40\n"
    (tmp_path / "buildings.csv").write_text(roofs, encoding="utf-8")
    more = 'offers = ["offers.csv"]\nlimits = ["limits.csv"]\nbuildings = ["buildings.csv"]\n'
    path.write_text(path.read_text(encoding="utf-8").replace('offers = ["offers.csv"]\n', more), encoding="utf-8")
    run = siteopt.solve(siteopt.read_scenario(path, ['filter.regions=["TX"]'])).write(tmp_path / "run")

    roof = siteopt.verify(run, [table(run, "site_id,building_id,roof_day\nbeta,east,90\n")], scenario=path)
    # 3,500 m2 at 800 a day from day 90 on; racks of 1,000 a day take ten days, then a day of bring-up, two of tests
    assert [(one.day, one.day_with) for one in roof.record.slips] == [(70, 103)]
    assert "because of day of beta, building east: 40 -> 90 (+33 alone)" in str(roof)
    later = "site_id,resource,ready_day,until_day,limit\nbeta,nox,130,,900\nbeta,nox,,130,0\n"
    permit = siteopt.verify(run, [table(run, later)], scenario=path)
    assert [(one.day, one.day_with) for one in permit.record.slips] == [(70, 130)]
    assert [(one.resource, one.limit, one.column) for one in permit.record.changes] == [
        ("nox", 900, "day"),
        ("nox", 0, "until"),
    ]
    assert "because of day of beta, nox 900 t/year: 70 -> 130 (+60 alone)" in str(permit)


def test_a_limit_that_a_row_of_the_site_replaces_is_not_used(tmp_path: Path) -> None:
    # the state permits no NOx until day 90, but the site has a row of its own; of water it has none
    path = write_world(tmp_path)
    rows = "site_id,region,resource,ready_day,until_day,limit,basis\n"
    rows += ",TN,nox,,90,0,\nalpha,,nox,,,900,minor source\n,TN,water,,40,500,\n"
    (tmp_path / "limits.csv").write_text(rows, encoding="utf-8")
    given = ['filter.regions=["TN"]', 'inputs.limits=["limits.csv"]']
    run = siteopt.solve(siteopt.read_scenario(path, given)).write(tmp_path / "run")
    scenario = tmp_path / "given.toml"
    limits = 'offers = ["offers.csv"]\nlimits = ["limits.csv"]'
    scenario.write_text(path.read_text(encoding="utf-8").replace('offers = ["offers.csv"]', limits), encoding="utf-8")
    later = "site_id,region,resource,until_day,limit\n,TN,nox,200,0\nalpha,,nox,300,900\n,TN,water,50,500\n"
    found = siteopt.verify(run, [table(run, later)], scenario=scenario)
    assert found.holds
    assert [(one.resource, one.concerns) for one in found.record.changes] == [
        ("nox", False),
        ("nox", True),
        ("water", True),
    ]
    assert "until of alpha, nox 0 t/year: 90 -> 200 (the plan does not use it)" in str(found)
