"""The shipped scenarios: proven, the same by both methods, and Memphis beside its history."""

from __future__ import annotations

from pathlib import Path

import pytest

import siteopt
from siteopt.optimize.certificate import certify

MODELS = Path(__file__).parent.parent / "models"
HISTORY = {"first run": 80, "100k": 122, "200k": 214}
WITHIN_DAYS = 5
SUBSTATION_DAY = 368


def test_every_scenario_is_tried_here() -> None:
    assert {path.stem for path in MODELS.glob("*.toml")} == {"colossus", "korea", "frugal", "today"}


@pytest.mark.parametrize("name", ["korea", "today", "colossus", "frugal"])
def test_search_and_monolithic_agree(name: str) -> None:
    path = MODELS / f"{name}.toml"
    one, other = siteopt.solve(path), siteopt.solve(path, method="monolithic")
    assert one.outcome == other.outcome == siteopt.RunOutcome.PROVEN
    assert one.document["site_id"] == other.document["site_id"]
    days = [[milestone["day"] for milestone in found.document["milestones"]] for found in (one, other)]
    assert days[0] == days[1]
    assert one.document["cost_usd"]["total"] == pytest.approx(other.document["cost_usd"]["total"], abs=100)
    for found in (one, other):
        stages = found.document["certificate"]["stages"]
        assert all(stage["gap"] == 0 for stage in stages)
        assert all(stage["value"] == pytest.approx(stage["bound"], abs=1e-4) for stage in stages)


def test_every_plan_of_the_ranking_passes_its_certificate() -> None:
    result = siteopt.solve(MODELS / "colossus.toml")
    found = [site.best for site in result.ranking.results if site.best is not None]
    assert len(found) > 1
    for best in found:
        assert certify(best.case, best.plan).valid


def test_memphis_is_within_five_days_of_history() -> None:
    result = siteopt.solve(MODELS / "colossus.toml")
    row = next(row for row in result.document["ranking"] if row["site_id"] == "us-memphis-electrolux")
    assert row["rank"] is not None
    for name, day in HISTORY.items():
        assert abs(row[f"day_{name.replace(' ', '_')}"] - day) <= WITHIN_DAYS


def test_without_rentals_memphis_waits_for_its_substation() -> None:
    settings = ["supply.max_fleet_share=0", 'filter.regions=["TN"]']
    scenario = siteopt.read_scenario(MODELS / "colossus.toml", settings)
    milestone = siteopt.solve(scenario).document["milestones"][1]
    assert milestone["name"] == "100k"
    assert milestone["day"] == SUBSTATION_DAY + scenario.supply.commissioning_days
