"""``siteopt explain``: from tables to the words of a planner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import siteopt
from siteopt import Explanation, InputError, RunOutcome
from siteopt.cli import app
from siteopt.geodata.variants import Variants
from siteopt.record.base import Standing
from siteopt.record.explanation import ChangeRecord, ExplanationRecord, ShortfallRecord
from siteopt.record.reason import Reason, ReasonCode, because
from tests.geodata.test_dataset import assert_identical
from tests.worlds import SITES, STEPS, Row, changed, write_world

DEAR = changed(SITES, "site_id", "beta", site_cost_usd=9_000_000)
"""Beta is dearer, and has 2 MW of grid, and 30 MW from day 60 on."""


def explained(folder: Path, site: str = "beta", *settings: str, sites: tuple[Row, ...] = SITES) -> Explanation:
    return siteopt.explain(write_world(folder, sites), site, settings=settings)


def chosen(folder: Path, sites: tuple[Row, ...] = SITES, steps: tuple[Row, ...] = STEPS) -> str:
    plan = siteopt.solve(write_world(folder, sites, steps=steps)).record.plan
    assert plan is not None
    return plan.site_id


def by_column(found: Explanation) -> dict[str, ChangeRecord]:
    return {change.column: change for (change,) in found.record.changes}


def test_each_change_makes_the_site_win_and_one_notch_less_does_not(tmp_path: Path) -> None:
    assert chosen(tmp_path / "as it is") == "alpha"
    changes = by_column(explained(tmp_path / "asked"))
    assert {"grid_mw", "site_cost_usd"} <= set(changes)
    notches = {"grid_mw": 1.0, "site_cost_usd": -100_000.0}
    for column, notch in notches.items():
        for less, winner in ((0.0, "beta"), (notch, "alpha")):
            value, folder = changes[column].needed - less, tmp_path / f"{column} {less}"
            if column == "grid_mw":
                step = {"site_id": "beta", "ready_day": changes[column].by_day, "grid_mw": value}
                steps = (step, *[row for row in STEPS if float(str(row["grid_mw"])) > value])
                assert chosen(folder, steps=steps) == winner
            else:
                assert chosen(folder, changed(SITES, "site_id", "beta", **{column: value})) == winner


def test_earlier_access_makes_a_late_site_win(tmp_path: Path) -> None:
    late = changed(SITES, "site_id", "beta", handover_days=50, site_cost_usd=0, grid_mw=12)
    found = explained(tmp_path / "asked", sites=late)
    change = by_column(found)["handover_days"]
    for access, winner in ((change.needed, "beta"), (change.needed + 1, "alpha")):
        sites = changed(late, "site_id", "beta", handover_days=access)
        assert chosen(tmp_path / f"{access}", sites) == winner
    words = f"handover {50 - change.needed:g} days earlier (day {change.needed:g}, not 50)"
    assert words in str(found)
    assert "Behind      first run by" in str(found)


def test_site_and_winner_are_side_by_side(tmp_path: Path) -> None:
    found = explained(tmp_path, sites=DEAR)
    solved = {one.site_id: one for one in siteopt.solve(tmp_path / "scenario.toml").record.ranking}
    for compared, site in ((found.record.plan, "beta"), (found.record.rival, "alpha")):
        assert compared is not None
        assert compared.site_id == site
        assert compared.cost.total_usd == pytest.approx(solved[site].cost_usd, abs=10)
        assert [one.day for one in compared.milestones] == [one.day for one in solved[site].milestones]
        assert sum(compared.units.values()) > 0
    lines = str(found).splitlines()
    assert lines[:2] == [
        "Site        Beta Mill (beta): it can serve, but does not win",
        "Winner      Alpha Works (alpha)",
    ]
    (behind,) = [line for line in lines if line.startswith("Behind      in cost by USD")]
    assert "site USD 4.00 million" in behind
    assert " 0.00 million" not in behind
    assert found.outcome is RunOutcome.PROVEN


def test_the_winner_wins(tmp_path: Path) -> None:
    found = explained(tmp_path, "alpha")
    assert str(found).startswith("Site        Alpha Works (alpha): it wins\nNext best   Beta Mill (beta)")
    assert found.record.changes == ()


def test_shortfall_of_floor_is_in_square_metres(tmp_path: Path) -> None:
    # 10,000 GPUs of 1 kW at 350 m2 a MW: 3,500 m2; arithmetic says so
    found = explained(tmp_path, sites=changed(SITES, "site_id", "beta", floor_area_m2=3_000))
    short = ShortfallRecord(limit="floor area", milestone="first run", missing=500.0, needed=3500.0, unit="m2")
    assert found.record.shortfalls == (short,)
    lines = str(found).splitlines()
    assert lines[0] == "Site        Beta Mill (beta): it cannot serve"
    assert "Lacks       floor area for first run: 500.0 of 3,500.0 m² missing" in lines
    assert "To serve:   500 m² more floor (3,500, not 3,000)" in lines


def test_shortfall_that_only_solving_finds(tmp_path: Path) -> None:
    # chillers, generators and batteries all want yard
    found = explained(tmp_path, sites=changed(SITES, "site_id", "beta", yard_area_m2=200))
    yard = because(ReasonCode.ANY_LIMIT, limits=("yard",))
    assert found.record.reasons == (because(ReasonCode.NO_PLAN, yard, day=365),)
    assert {short.limit for short in found.record.shortfalls} <= {
        "cooling",
        "mean power",
        "peak power",
        "swing",
    }
    (change,) = by_column(found).values()
    assert change.column == "yard_area_m2"
    sites = changed(SITES, "site_id", "beta", yard_area_m2=change.needed)
    assert siteopt.explain(write_world(tmp_path / "more", sites), "beta").record.plan is not None


def test_no_change_of_the_site_brings_the_deliveries_forward(tmp_path: Path) -> None:
    found = explained(tmp_path, "beta", "project.horizon_days=15")
    assert "no change of the site is sufficient, not even all of them together" in str(found)
    assert {short.limit for short in found.record.still_short} >= {"GPU deliveries"}
    assert found.record.rival is None


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ('filter.countries=["KR"]', because(ReasonCode.NOT_ADMITTED, column="country", found="US")),
        ('filter.status=["idle"]', because(ReasonCode.NOT_ADMITTED, column="status", found="vacant")),
    ],
)
def test_left_out_by_the_filter_is_explained_as_if_admitted(tmp_path: Path, setting: str, reason: Reason) -> None:
    found = explained(tmp_path, "beta", setting)
    assert found.record.excluded == (reason,)
    said = f"{reason.values['column']} is {reason.values['found']}"
    assert f"Excluded    {said}; the lines below assume that it is not excluded" in str(found)
    assert found.record.plan is not None


def test_left_out_by_a_date_is_explained_as_if_admitted(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "beta", available_until="2020-01-01")
    found = explained(tmp_path, sites=sites)
    assert found.record.excluded == (because(ReasonCode.NO_LONGER_AVAILABLE, found="2020-01-01"),)
    assert "Excluded    not available since 1 January 2020; the lines below assume that it is not excluded" in str(
        found
    )
    assert found.record.rival is not None
    assert found.record.rival.site_id == "alpha"
    assert found.record.standing is Standing.RANKED


def test_left_out_since_unknown(tmp_path: Path) -> None:
    found = explained(tmp_path, "gamma", 'filter.countries=["US"]')
    assert found.record.excluded == (
        because(ReasonCode.NOT_ADMITTED, column="country", found="KR"),
        because(ReasonCode.UNKNOWN_FIGURES, columns=("grid_mw",)),
    )
    assert str(found).splitlines() == [
        "Site        강진 공장 (gamma): it is excluded, because too much about it is unknown",
        "Excluded    country is KR; unknown: grid capacity",
    ]
    assert found.record.plan is None


def test_unknown_site_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found 'bet', expected a site_id of the candidates; did you mean 'beta'"):
        explained(tmp_path, "bet")


def test_variant_without_changes_is_the_site(tmp_path: Path) -> None:
    data = siteopt.load(siteopt.read_scenario(write_world(tmp_path)))
    for s, site in enumerate(data.instance.site_id):
        assert_identical(Variants(data, site)([]), data.instance.take(np.array([s])))


def test_levers_are_what_could_be_better(tmp_path: Path) -> None:
    scenario = siteopt.read_scenario(write_world(tmp_path))
    levers = {lever.column: lever for lever in Variants(siteopt.load(scenario), "beta").levers}
    assert "air_permit_days" not in levers  # is 0
    assert "nox_limit_t_per_year" not in levers  # blank: no limit
    assert levers["fitout_m2_per_day"].now == 800  # blank: that of a sound hall
    assert levers["ready_day"].step == 0


def test_shells_and_their_shifts_and_permits_are_levers(tmp_path: Path) -> None:
    shells = ["building.shells.tilt_up={area_m2=4200,permit_days=30,shell_days=60}"]
    shells += ["building.shells.membrane={area_m2=4200,permit_days=10,shell_days=90}", "building.fitout_shifts=2"]
    green = changed(SITES, "site_id", "beta", condition="none")
    data = siteopt.load(siteopt.read_scenario(write_world(tmp_path / "a", green), shells))
    vary = Variants(data, "beta")
    levers = {lever.column: lever for lever in vary.levers}
    assert (levers["shell_shifts"].now, levers["fitout_shifts"].now, levers["permit_days"].now) == (1, 2, 30)
    # the first of membranes and of tilt-up is fitted out on these days: handover on day 5, permits, shells
    assert data.only("beta").instance.option_day.tolist() == [5 + 10 + 90, 5 + 30 + 60]
    moved = {name: vary([levers[name].moved(1)]).option_day.tolist() for name in ("shell_shifts", "permit_days")}
    assert moved["shell_shifts"] == [5 + 10 + 48, 5 + 30 + 32]
    assert moved["permit_days"] == [5 + 10 + 90, 5 + 29 + 60]
    assert vary([levers["fitout_shifts"].moved(1)]).hall_gpus_per_day[0] == pytest.approx(2.7 * 150 / 0.35)
    own = changed(green, "site_id", "beta", shell_permit_days=20)
    vary = Variants(siteopt.load(siteopt.read_scenario(write_world(tmp_path / "b", own), shells)), "beta")
    permit = next(lever for lever in vary.levers if lever.column == "permit_days")
    assert (permit.now, vary([permit.moved(15)]).option_day.tolist()) == (20, [5 + 5 + 90, 5 + 5 + 60])


def test_more_shifts_make_a_site_win(tmp_path: Path) -> None:
    # 3,500 m2 at 70 a day are 50 days in one shift; alpha's hall is ready
    world = changed(SITES, "site_id", "beta", fitout_m2_per_day=70, site_cost_usd=0, grid_mw=12)
    world = changed(world, "site_id", "alpha", handover_days=30)
    found = explained(tmp_path / "asked", sites=world)
    change = by_column(found)["fitout_shifts"]
    assert (change.now, change.needed, change.unit) == (1, 2, "shifts a day")
    assert "fit-out in 2 shifts a day, not 1" in str(found)
    path = write_world(tmp_path / "two", world)
    for shifts, winner in ((1, "alpha"), (2, "beta")):
        plan = siteopt.solve(siteopt.read_scenario(path, [f"building.fitout_shifts={shifts}"])).record.plan
        assert plan is not None
        assert plan.site_id == winner


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


def test_command_prints_what_the_api_says(tmp_path: Path) -> None:
    world = write_world(tmp_path)
    result = call(world, "beta")
    assert result.exit_code == 0
    assert result.stdout == f"{siteopt.explain(world, 'beta')}\n"


def test_command_prints_one_json_document(tmp_path: Path) -> None:
    result = call(write_world(tmp_path), "beta", "--json", "--set", "project.horizon_days=15")
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    document = json.loads(result.stdout)
    assert document["standing"] == "cannot serve"
    assert document["shortfalls"]
    found = siteopt.explain(tmp_path / "scenario.toml", "beta", settings=["project.horizon_days=15"])
    assert ExplanationRecord.model_validate_json(result.stdout) == found.record


def test_command_refuses_an_unknown_site(tmp_path: Path) -> None:
    result = call(write_world(tmp_path), "btea")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "did you mean 'beta'" in result.stderr


def test_command_says_when_the_time_ran_out(tmp_path: Path) -> None:
    result = call(write_world(tmp_path), "beta", "--time-limit", 0)
    assert result.exit_code == 4
    assert "it is undecided" in result.stdout
    assert "the time ran out before the proof" in result.stdout
    assert "Winner" not in result.stdout
