"""The scenarios of the first version: proven, the same by both methods, and Memphis beside its history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import siteopt
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.search import search
from siteopt.optimize.single import solve_site
from tests.bench.candidates import write_scenario
from tests.first_version import MODELS
from tests.shared_runs import solved_once

HISTORY = {"first run": 80, "100k": 122, "200k": 214}
WITHIN_DAYS = 5
SUBSTATION_DAY = 368
SYNTHETIC, RANKS = 30, 3
"""Synthetic sites that are all solved, and the ranks that are compared."""


def test_every_scenario_is_tried_here() -> None:
    assert {path.stem for path in MODELS.glob("*.toml")} == {"colossus", "korea", "frugal", "today"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["colossus", "frugal", "korea", "today"])
def test_search_and_monolithic_agree(name: str) -> None:
    path = MODELS / f"{name}.toml"
    one, other = solved_once(path), siteopt.solve(path, method="monolithic")
    assert one.outcome == other.outcome == siteopt.RunOutcome.PROVEN
    first, second = one.record.plan, other.record.plan
    assert first is not None
    assert second is not None
    assert first.site_id == second.site_id
    assert [milestone.day for milestone in first.milestones] == [milestone.day for milestone in second.milestones]
    assert first.cost.total_usd == pytest.approx(second.cost.total_usd, abs=100)
    for found in (one, other):
        stages = found.record.certificate.stages
        assert all(stage.gap == 0 for stage in stages)
        assert all(stage.value == pytest.approx(stage.bound, abs=1e-4) for stage in stages)


def test_every_plan_of_the_ranking_passes_its_certificate() -> None:
    result = solved_once(MODELS / "colossus.toml")
    found = [site.best for site in result.ranking.results if site.best is not None]
    assert len(found) > 1
    for best in found:
        assert certify(best.instance, best.plan).valid


def test_memphis_is_within_five_days_of_history() -> None:
    result = solved_once(MODELS / "colossus.toml")
    site = next(site for site in result.record.ranking if site.site_id == "us-memphis-electrolux")
    assert site.rank is not None
    assert [one.milestone for one in site.milestones] == list(HISTORY)
    for one in site.milestones:
        assert one.day is not None
        assert abs(one.day - HISTORY[one.milestone]) <= WITHIN_DAYS


def test_without_rentals_memphis_waits_for_its_substation() -> None:
    result = solved_once(MODELS / "colossus.toml", 'filter.regions=["TN"]', "supply.max_fleet_share=0")
    plan = result.record.plan
    assert plan is not None
    milestone = plan.milestones[1]
    assert milestone.name == "100k"
    assert milestone.day == SUBSTATION_DAY + result.scenario.supply.commissioning_days


@pytest.mark.slow
def test_first_ranks_among_many_sites_are_those_of_every_site_alone(tmp_path: Path) -> None:
    """Bounds from spherical distances and foreign duals leave out no site that belongs to the first ranks."""
    pool = siteopt.load(siteopt.read_scenario(write_scenario(SYNTHETIC, tmp_path, seed=5))).pool
    alone = {}
    for s, site in enumerate(pool.site_id):
        one = pool.exact(np.array([s]))
        best = solve_site(one, Clock()).best
        if best is not None:
            alone[site] = best.key
    expected = sorted(alone, key=lambda site: (alone[site], site))[:RANKS]
    ranking = search(pool, top=RANKS)
    ranked = [result for result in ranking.results if result.best is not None]
    assert [result.site_id for result in ranked] == expected
    for result, site in zip(ranked, expected, strict=True):
        assert result.best is not None
        assert result.best.least_key <= alone[site] <= result.best.key
    assert ranking.solved < SYNTHETIC / 2
    for result in ranking.results[RANKS:]:
        if result.site_id in alone:
            assert (result.bound_day <= np.array(alone[result.site_id][:-1])).all()
