"""``siteopt explain``: permits, limits by calendar day and contracts for the grid as what would have to change."""

from __future__ import annotations

from pathlib import Path

import pytest

import siteopt
from siteopt import Explanation
from siteopt.geodata.variants import Variants
from siteopt.record.explanation import ChangeRecord
from tests.geodata.test_limits import loaded, timeline
from tests.worlds import SITES, Row, changed, csv_text, write_world

WEAK = changed(changed(SITES, "site_id", "beta", site_cost_usd=0), "site_id", "alpha", grid_mw=2)
"""Both sites have 2 MW of grid, so engines serve; beta is cheaper, and wins unless its permits make it late."""

TEMPORARY = {"site_id": "beta", "resource": "nox", "ready_day": 30, "limit": 10, "basis": "temporary"}
PERMIT = {"site_id": "beta", "resource": "nox", "ready_day": 90, "limit": 60, "basis": "minor source"}
OTHERS = {"region": "OH", "resource": "nox", "ready_day": 200, "limit": 90, "basis": "major source"}
"""Beta may emit 10 t a year from day 30 on and 60 from day 90 on; the last row is for another region."""


def scenario(folder: Path, *limits: Row, sites: tuple[Row, ...] = WEAK, steps: tuple[Row, ...] = ()) -> Path:
    path = write_world(folder, sites, steps=steps or [{"site_id": "gamma", "ready_day": 60, "grid_mw": 30}])
    (folder / "limits.csv").write_text(csv_text(limits or [OTHERS]), encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("[inputs]", '[inputs]\nlimits = ["limits.csv"]'), "utf-8")
    return path


def chosen(path: Path, *settings: str) -> str:
    plan = siteopt.solve(siteopt.read_scenario(path, settings)).record.plan
    assert plan is not None
    return plan.site_id


def alternatives(found: Explanation) -> dict[str, ChangeRecord]:
    return {f"{change.column} {change.by_day}": change for (change,) in found.record.changes}


def test_a_permit_that_is_higher_or_earlier_makes_a_site_win(tmp_path: Path) -> None:
    found = siteopt.explain(scenario(tmp_path / "asked", TEMPORARY, PERMIT, OTHERS), "beta")
    ways = alternatives(found)
    assert {"limit 0", "limit_day None"} <= set(ways)
    assert "limit 30" not in ways  # alpha trains before day 30, so a higher temporary permit is not enough
    more, sooner = ways["limit 0"], ways["limit_day None"]
    assert (more.now, more.unit, more.resource) == (0, "t/year", "nox")
    for limit, winner in ((more.needed, "beta"), (more.needed - 1, "alpha")):
        rows = (PERMIT | {"ready_day": 0, "limit": limit, "until_day": 90}, PERMIT)
        assert chosen(scenario(tmp_path / f"limit {limit}", *rows)) == winner
    assert (sooner.now, sooner.limit, sooner.unit) == (90, 60, "days")
    for day, winner in ((sooner.needed, "beta"), (sooner.needed + 1, "alpha")):
        assert chosen(scenario(tmp_path / f"day {day}", PERMIT | {"ready_day": day})) == winner
    said = str(found)
    assert f"{more.needed:g} t/year more NOx from day 0 on ({more.needed:g}, not 0)" in said
    words = f"NOx up to 60 t/year {90 - sooner.needed:g} days earlier (day {sooner.needed:g}, not 90)"
    assert words in said


def test_the_level_of_an_earlier_permit_that_would_suffice(tmp_path: Path) -> None:
    late = changed(WEAK, "site_id", "alpha", handover_days=60)  # alpha trains after the temporary permit of beta
    found = siteopt.explain(scenario(tmp_path / "asked", TEMPORARY, PERMIT, sites=late), "beta")
    more = alternatives(found)["limit 30"]
    assert more.now == 10
    for limit, winner in ((more.needed, "beta"), (more.needed - 1, "alpha")):
        rows = (TEMPORARY | {"limit": limit}, PERMIT)
        assert chosen(scenario(tmp_path / f"{limit}", *rows, sites=late)) == winner


def test_a_rise_that_comes_before_another_window_never_lowers_it(tmp_path: Path) -> None:
    engines = {"site_id": "beta", "resource": "nox", "until_day": 50, "basis": "no annual cap"}
    data = loaded(tmp_path, engines, PERMIT, OTHERS)
    vary = Variants(data, "beta")
    more, sooner = (
        next(lever for lever in vary.levers if (lever.column, lever.resource, lever.step) == (column, "nox", 2))
        for column in ("limit", "limit_day")
    )
    assert timeline(vary([]), "beta", "nox_t_per_year") == [(0, float("inf")), (50, 0), (90, 60)]
    assert timeline(vary([sooner.moved(60)]), "beta", "nox_t_per_year") == [(0, float("inf")), (50, 60)]
    together = vary([sooner.moved(10), more.moved(5)])
    assert timeline(together, "beta", "nox_t_per_year") == [(0, float("inf")), (50, 0), (80, 65)]


def test_rows_of_other_places_are_no_levers(tmp_path: Path) -> None:
    data = loaded(tmp_path, OTHERS, {"site_id": "beta", "resource": "gas", "limit": 40, "until_day": 20})
    levers = [lever for lever in Variants(data, "beta").levers if lever.resource]
    assert [(one.column, one.resource, one.now, one.since) for one in levers] == [
        ("limit", "gas", 100, 20),
        ("limit_day", "gas", 20, 0),
        ("limit", "gas", 40, 0),
    ]
    assert "gas_mw" not in {lever.column for lever in Variants(data, "beta").levers}


STRONG = changed(WEAK, "site_id", "beta", grid_mw=20, air_permit_days=300, basis="inferred")
"""Beta has 20 MW of grid by hearsay only, and no permit for engines until day 300."""
ACCEPT = 'grid.accept=["contract"]'


@pytest.mark.parametrize(("settings", "now"), [((), None), (("grid.contract_days=100",), 100)])
def test_a_contract_makes_a_site_win(tmp_path: Path, settings: tuple[str, ...], now: float | None) -> None:
    path = scenario(tmp_path, sites=changed(STRONG, "site_id", "alpha", grid_mw=20, basis="contract", handover_days=40))
    settings = (ACCEPT, *settings)
    assert chosen(path, *settings) == "alpha"
    change = alternatives(found := siteopt.explain(path, "beta", settings=settings))["contract_days None"]
    assert (change.now, change.grid_step_mw) == (now, 20)
    assert chosen(path, ACCEPT, f"grid.contract_days={change.needed:g}") == "beta"
    assert chosen(path, ACCEPT, f"grid.contract_days={change.needed + 1:g}") == "alpha"
    told = "none is counted on" if now is None else "not 100"
    assert f"a contract for 20 MW of grid by day {change.needed:g} ({told})" in str(found)
    assert not any("grid step" in way for way in str(found).split("; or "))  # the contract is not a grid step as well


def test_more_grid_counts_whatever_is_accepted(tmp_path: Path) -> None:
    # the 20 MW of hearsay do not count, so less than these is already more grid
    data = siteopt.load(siteopt.read_scenario(scenario(tmp_path, sites=STRONG), [ACCEPT]))
    vary = Variants(data, "beta")
    more = next(lever for lever in vary.levers if lever.column == "grid_mw")
    assert more.now == 0
    varied = vary([more.moved(12, by_day=25)])
    assert (varied.step_ready_day.tolist(), varied.step_rise_mw.tolist()) == ([25], [12])
