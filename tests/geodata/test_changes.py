"""The one door for changed facts: a change gives the dataset that the changed tables would give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import siteopt
from siteopt.geodata.changes import Change
from siteopt.geodata.dataset import Dataset
from siteopt.optimize.search import search
from siteopt.record.reason import ReasonCode
from tests.geodata.test_dataset import assert_identical
from tests.worlds import OFFERS, SITES, STEPS, changed, write_world


def loaded(folder: Path, settings: tuple[str, ...] = (), **tables: Any) -> Dataset:
    return siteopt.load(siteopt.read_scenario(write_world(folder, **tables), settings))


def step(**cells: object) -> Mapping[str, object]:
    return {**STEPS[0], **cells}


@pytest.mark.parametrize(
    ("changes", "settings", "tables"),
    [
        (
            [Change("candidates", "beta", "handover_days", 25.0)],
            (),
            {"sites": changed(SITES, "site_id", "beta", handover_days=25)},
        ),
        (
            [Change("offers", "chiller", "lead_days", 60.0), Change("offers", "chiller", "count", 7.0)],
            (),
            {"offers": changed(OFFERS, "offer_id", "chiller", lead_days=60, lead_days_high=60, count=7)},
        ),
        ([Change("grid_steps", "beta", "day", 75.0, 30.0)], (), {"steps": [step(ready_day=75)]}),
        (
            [Change("grid_steps", "beta", "day", 20.0, 12.0)],
            (),
            {"steps": [step(ready_day=20, grid_mw=12, cost_usd="", live_feed="yes"), step()]},
        ),
        ([Change("scenario", "", "supply.spare_units", 2)], ("supply.spare_units=2",), {}),
        ([Change("scenario", "", "milestones.0.gpus", 9_000)], ("milestones.0.gpus=9000",), {}),
        (
            [Change("candidates", "gamma", "grid_mw", 10.0)],
            (),
            {"sites": changed(SITES, "site_id", "gamma", grid_mw=10)},
        ),
        ([Change("scenario", "", "filter.regions", ["TX"])], ('filter.regions=["TX"]',), {}),
    ],
    ids=["site", "offer", "step", "new step", "scenario", "milestone", "site becomes known", "filter"],
)
def test_a_change_is_what_the_changed_tables_say(
    tmp_path: Path, changes: list[Change], settings: tuple[str, ...], tables: Mapping[str, Any]
) -> None:
    before = loaded(tmp_path / "before")
    kept = before.instance
    expected = loaded(tmp_path / "after", settings, **tables)
    found = before.with_changes(changes)
    assert found.pool.site_id == expected.pool.site_id
    assert_identical(found.instance, expected.instance)
    assert found.excluded.to_dict() == expected.excluded.to_dict()
    assert_identical(before.with_changes([]).instance, kept)  # and nothing of the dataset itself has changed


def test_the_cost_of_a_step(tmp_path: Path) -> None:
    data = loaded(tmp_path)
    dearer = data.with_changes([Change("grid_steps", "beta", "cost_usd", 3e6, 30.0)])
    assert [found.instance.step_cost_musd.tolist() for found in (data, dearer)] == [[1.0], [3.0]]
    assert dearer.steps["day"].tolist() == data.steps["day"].tolist()


def test_a_late_step_holds_up_those_above_it(tmp_path: Path) -> None:
    data = loaded(tmp_path, steps=[step(), step(ready_day=90, grid_mw=50)])
    steps = data.with_changes([Change("grid_steps", "beta", "day", 120.0, 30.0)]).steps
    assert steps[["day", "grid_mw"]].to_numpy().tolist() == [[120, 30], [120, 50]]


def test_a_step_that_gives_no_more_than_there_is_adds_nothing(tmp_path: Path) -> None:
    data = loaded(tmp_path)
    for day, level in ((10.0, 2.0), (70.0, 30.0 - 1)):
        assert len(data.with_changes([Change("grid_steps", "beta", "day", day, level)]).steps) == len(data.steps)


def test_one_site_takes_part_whatever_the_filter_says(tmp_path: Path) -> None:
    data = loaded(tmp_path, ('filter.regions=["TN"]',))
    assert data.pool.site_id == ("alpha",)
    assert data.only("beta").pool.site_id == ("beta",)
    assert data.only("gamma").excluded["gamma"].code is ReasonCode.UNKNOWN_FIGURES
    changed_site = data.only("beta").with_changes([Change("candidates", "beta", "grid_mw", 4.0)])
    assert changed_site.instance.grid_mw.tolist() == [4.0]


def test_days_follow_the_date_of_the_decision(tmp_path: Path) -> None:
    data = loaded(tmp_path, steps=[step(ready_day="", ready_date="2025-03-02")])
    later = data.with_changes([Change("scenario", "", "project.start_date", "2025-02-01")])
    assert [data.steps["day"].tolist(), later.steps["day"].tolist()] == [[60], [29]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("candidate", "beta", "grid_mw", 1.0), "one of candidates, offers, grid_steps, limits"),
        (Change("candidates", "btea", "grid_mw", 1.0), "did you mean 'beta'"),
        (Change("offers", "chiler", "count", 1.0), "did you mean 'chiller'"),
        (Change("candidates", "beta", "gird_mw", 1.0), "did you mean 'grid_mw'"),
        (Change("candidates", "beta", "grid_mw", -1.0), "a number from 0 to 5,000 (MW)"),
        (Change("candidates", "beta", "condition", "wet"), "one of ready, sound, poor, gutted, none"),
        (Change("candidates", "beta", "name", ""), "text (name of the plant"),
        (Change("grid_steps", "beta", "day", -3.0, 30.0), "a number from 0 to 10,000 (days)"),
        (Change("grid_steps", "beta", "ready_day", 75.0, 30.0), "day or cost_usd"),
        (Change("grid_steps", "beta", "grid_mw", 40.0, 30.0), "day or cost_usd"),
        (Change("grid_steps", "beta", "day", 75.0), "the limit (level_mw) of a grid step"),
        (Change("grid_steps", "beta", "cost_usd", 5.0, 31.0), "the limit (level_mw) of a grid step"),
        (Change("grid_steps", "beta", "cost_usd", -5.0, 30.0), "a number from 0 to 10,000,000,000 (USD)"),
        (Change("scenario", "", "supply.spare", 2), "supply.spare"),
        (Change("scenario", "", "supply.spare_units", -2), "supply.spare_units"),
        (Change("scenario", "", "inputs.offers", []), "use another scenario"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(siteopt.InputError) as told:
        loaded(tmp_path).with_changes([change])
    assert said in str(told.value)


def test_every_issue_is_told_at_once(tmp_path: Path) -> None:
    changes = [Change("candidates", "nowhere", "grid_mw", 1.0), Change("offers", "chiller", "count", -1.0)]
    with pytest.raises(siteopt.InputError) as told:
        loaded(tmp_path).with_changes(changes)
    assert len(told.value.issues) == 2


def test_a_changed_plan_follows_from_the_changed_facts(tmp_path: Path) -> None:
    """Ten days more for the chillers are ten days more for the milestone, once they decide."""
    data = loaded(tmp_path)
    days = [
        search(found.pool).best.best.plan.day.tolist()
        for found in (data, data.with_changes([Change("offers", "chiller", "lead_days", 60.0)]))
    ]
    assert np.ravel(days).tolist() == [23, 65]
