"""The section of the page on phases, and a run with phases that is read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import siteopt
from siteopt.output.phases import phases_part
from siteopt.output.summary import summary
from siteopt.output.translations import Translations
from tests.report import pages
from tests.worlds import csv_text, write_world


def test_no_phases_no_section() -> None:
    assert phases_part(pages.small().plan, Translations()) is None


def test_each_phase_has_its_limits_and_what_runs() -> None:
    plan = pages.with_phases().plan
    found = phases_part(plan, Translations())
    assert found is not None
    assert [one.day for one in plan.phases] == [plan.milestones[0].day, 200]
    assert [one.limits.nox_t_per_year for one in plan.phases] == [30, 25]
    assert all(one.nox_t_per_year <= limit for one, limit in zip(plan.phases, (30, 25), strict=True))
    assert [row[found.header.index("limit of NOx")] for row in found.rows] == ["30.0", "25.0"]
    assert "fuel trucks" not in found.header
    assert plan.phases[-1].units == {order.offer_id: order.all_units for order in plan.orders}
    assert found.sentences[0] in pages.with_phases().page()
    assert "Limits      fall on 2025-07-20; the plan holds" in summary(pages.with_phases().run)


def test_the_grid_of_a_phase_has_its_steps(tmp_path: Path) -> None:
    limits = csv_text([{"site_id": "alpha", "resource": "water", "until_day": 300, "limit": 900}, *pages.PERMITS])
    scenario = write_world(tmp_path, steps=[{"site_id": "alpha", "ready_day": 0, "grid_mw": 13.5, "cost_usd": 0}])
    (tmp_path / "limits.csv").write_text(limits, encoding="utf-8")
    settings = ['inputs.limits=["limits.csv"]', 'filter.regions=["TN"]']
    plan = siteopt.solve(siteopt.read_scenario(scenario, settings)).record.plan
    assert plan is not None
    assert plan.phases
    grid = {one.name: one.grid_mw for one in plan.milestones}
    assert all(one.limits.grid_mw == grid[one.milestone] for one in plan.phases)
    assert {one.grid_steps for one in plan.phases} == {1}


@pytest.mark.parametrize("command", [siteopt.verify, siteopt.prove])
def test_a_run_with_phases_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Any) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = write_world(tmp_path)
    (tmp_path / "limits.csv").write_text(csv_text(pages.PERMITS), encoding="utf-8")
    text = scenario.read_text(encoding="utf-8")
    named = text.replace("[inputs]", '[inputs]\nlimits = ["limits.csv"]')
    scenario.write_text(named, encoding="utf-8")
    result = siteopt.solve("scenario.toml", top=1)
    result.write(tmp_path / "run")
    found = command(tmp_path / "run")
    assert found.holds if command is siteopt.verify else found.report.outcome == "proven"
