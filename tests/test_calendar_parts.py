"""Buildings, shells, commissioning and crews by calendar through all of siteopt: answer, replay and page."""

from __future__ import annotations

from pathlib import Path

import pytest

import siteopt
from siteopt import Result
from siteopt.output.charts.schedule import schedule
from siteopt.output.translations import Translations
from tests.geodata.test_halls import GREEN, HALL, MEMBRANE, TILT_UP
from tests.worlds import SITES, Row, changed, csv_text, write_world

COMMISSIONED = "supply.commissioning_mw_per_day=0.5"
CREWS = "crews.electrical=[{day=0,crews=2},{day=40,crews=10}]"


def solved(
    folder: Path,
    settings: list[str],
    buildings: tuple[Row, ...] = (),
    method: str = "search",
    green: tuple[Row, ...] = GREEN,
) -> Result:
    path = write_world(folder, sites=SITES if buildings else green)
    if buildings:
        (folder / "buildings.csv").write_text(csv_text(buildings), encoding="utf-8")
        settings = [*settings, 'inputs.buildings=["buildings.csv"]']
    settings = [*settings, 'filter.regions=["TX"]']
    return siteopt.solve(siteopt.read_scenario(path, settings), method=method)  # type: ignore[arg-type]


def test_a_site_with_buildings(tmp_path: Path) -> None:
    rows = (HALL | {"roof_day": 20}, HALL | {"building_id": "west", "roof_day": 60})
    result = solved(tmp_path, [CREWS], rows)
    plan = result.record.plan
    assert plan is not None
    assert [(one.name, one.shell_type, one.roof_day, one.fitted_day) for one in plan.buildings] == [
        ("east", "", 20, 24),
        ("west", "", 60, 64),
    ]
    assert plan.milestones[0].day == 65
    assert plan.replay.milestones[0].day == 65
    roofs = result.schedule[result.schedule["event"] == "roof"]
    assert roofs[["day", "what"]].to_numpy().tolist() == [[20, "east"], [60, "west"]]
    chart = schedule(result.record, plan, Translations())
    assert "west: 8,000 GPUs. handover to roof: day 5 to 60" in str(chart.draw(900))


@pytest.mark.parametrize("method", ["search", "monolithic"])
def test_a_site_with_new_shells_and_commissioning(tmp_path: Path, method: str) -> None:
    result = solved(tmp_path, [MEMBRANE, TILT_UP, COMMISSIONED, CREWS], method=method)
    plan = result.record.plan
    assert plan is not None
    assert {one.shell_type for one in plan.buildings} == {"membrane"}
    assert [(one.name, one.roof_day) for one in plan.buildings] == [("1", 35), ("2", 40), ("3", 55)]
    # halls for 429 GPUs a day from day 35 on, tests of 500 a day from day 40: 10,000 on day 56; and a day of bring-up
    assert plan.milestones[0].compute_ready_day == 57
    assert plan.milestones[0].day >= 59
    assert plan.replay.milestones[0].day == plan.milestones[0].day
    folder = tmp_path / "out"
    result.write(folder)
    assert "membrane 1" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", ["search", "monolithic"])
def test_new_shells_in_shifts_with_permits_in_hand(tmp_path: Path, method: str) -> None:
    settings = [MEMBRANE, "building.shell_shifts=2", "building.fitout_shifts=3", "building.fitout_lag_days.none=27"]
    in_hand = changed(GREEN, "site_id", "beta", shell_permit_days=0)
    result = solved(tmp_path, settings, method=method, green=in_hand)
    plan = result.record.plan
    assert plan is not None
    # handover on day 5; shells of 20 days in two shifts take 11, begun 3 days apart; 27 days of lag take 10 in three
    assert [(one.name, one.roof_day) for one in plan.buildings] == [("1", 26), ("2", 29), ("3", 37)]
    # 1,157 GPUs a day in each shell, from days 26 and 29 on, but racks of 1,000 a day: ten days; and a day of bring-up
    assert plan.milestones[0].compute_ready_day == 26 + 10 + 1
    assert plan.replay.milestones[0].day == plan.milestones[0].day
