"""A capped start: GPUs at a share of their power need less power and cooling, and run at a share of their speed."""

from __future__ import annotations

from pathlib import Path

import pytest

import siteopt
from siteopt import InputError
from siteopt.output.headline import headline
from siteopt.output.summary import summary
from siteopt.output.translations import Translations
from tests.worlds import SITES, changed, write_world

CAP = "milestones.0.power_cap=0.7"


def test_a_cap_lowers_the_power_and_nothing_else(tmp_path: Path) -> None:
    path = write_world(tmp_path)
    full, capped = (siteopt.load(siteopt.read_scenario(path, settings)).instance for settings in ((), (CAP,)))
    assert full.it_mw.tolist() == [10]
    assert capped.it_mw.tolist() == pytest.approx([7])
    assert capped.gpus.tolist() == full.gpus.tolist()
    assert capped.compute_ready_day.tolist() == full.compute_ready_day.tolist()


def test_the_cap_alone_decides_where_power_lacks(tmp_path: Path) -> None:
    """Without gas, 9.5 MW of grid carry 7 MW of IT with its cooling and losses, and not 10 MW."""
    sites = changed(SITES, "site_id", "alpha", grid_mw=9.5, gas_mw=0)
    path = write_world(tmp_path, sites)
    full = siteopt.solve(siteopt.read_scenario(path, ['filter.regions=["TN"]']))
    capped = siteopt.solve(siteopt.read_scenario(path, ['filter.regions=["TN"]', CAP]))
    assert full.record.plan is None
    assert capped.record.plan is not None
    (milestone,) = capped.record.plan.milestones
    assert (milestone.it_mw, milestone.power_cap, milestone.speed) == (7.0, 0.7, 0.879)
    assert "at 70% of their power" in summary(capped.record)
    _, _, details = headline(capped.record, Translations()).milestones[0]
    assert "at 70% of their power; about 88% of their speed" in details


def test_explain_names_the_cap_that_suffices(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "alpha", grid_mw=9.5, gas_mw=0)
    path = write_world(tmp_path, sites)
    found = siteopt.explain(path, "alpha", settings=['filter.regions=["TN"]'])
    (change,) = (one for (one,) in found.record.changes if one.column == "power_cap")
    assert "the first milestone at" in str(found)
    for cap, serves in ((change.needed, True), (round(change.needed + 0.01, 2), False)):
        settings = ('filter.regions=["TN"]', f"milestones.0.power_cap={cap}")
        assert (siteopt.solve(siteopt.read_scenario(path, settings)).record.plan is not None) == serves


@pytest.mark.parametrize("cap", ["0.2", "1.1"])
def test_caps_out_of_range_are_errors(tmp_path: Path, cap: str) -> None:
    with pytest.raises(InputError, match="power_cap"):
        siteopt.read_scenario(write_world(tmp_path), [f"milestones.0.power_cap={cap}"])


def test_a_later_milestone_never_needs_less_power(tmp_path: Path) -> None:
    path = write_world(tmp_path)
    both = (
        'milestones=[{name="a", gpus=9000, operating_days=1}, {name="b", gpus=10000, operating_days=1, power_cap=0.5}]'
    )
    with pytest.raises(InputError, match="no milestone needs less power"):
        siteopt.read_scenario(path, [both])
