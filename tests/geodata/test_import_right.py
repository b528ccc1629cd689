"""The right to import: which limits of the grid count, and from when."""

from __future__ import annotations

from pathlib import Path

import pytest

import siteopt
from siteopt import InputError
from siteopt.geodata.dataset import Dataset
from siteopt.instance import Instance
from siteopt.message_catalogue import Code
from siteopt.scenario import Grid
from tests.worlds import SITES, STEPS, write_world

ACCEPT = 'grid.accept=["contract", "utility letter"]'


def loaded(folder: Path, basis: str, *settings: str, step_basis: str = "") -> Dataset:
    """A world of one site with 40 MW at handover, which the grid raises to 90 MW on day 60."""
    site = {**SITES[0], "grid_mw": 40, "grid_swing_mw": "", "basis": basis}
    step = {
        **STEPS[0],
        "site_id": site["site_id"],
        "grid_mw": 90,
        "ready_day": 60,
        "ready_date": "",
        "basis": step_basis,
    }
    path = write_world(folder, sites=[site], steps=[step])
    return siteopt.load(siteopt.read_scenario(path, settings))


def grid(instance: Instance) -> list[tuple[int, float]]:
    """The limit of the grid from each day on."""
    found = [(0, float(instance.grid_mw[0]))]
    for day, rise in zip(instance.step_ready_day, instance.step_rise_mw, strict=True):
        found.append((int(day), found[-1][1] + float(rise)))
    return found


@pytest.mark.parametrize(
    "basis", ["", "contract", "utility letter", "tariff", "reported", "inferred", "historic connection"]
)
def test_every_right_to_import_counts_unless_the_scenario_says_otherwise(tmp_path: Path, basis: str) -> None:
    data = loaded(tmp_path, basis)
    assert grid(data.instance) == [(0, 40), (60, 90)]
    assert data.warnings == ()


def test_an_export_never_counts(tmp_path: Path) -> None:
    data = loaded(tmp_path, "generation export", "grid.contract_days=365")
    assert grid(data.instance) == [(0, 0), (60, 90)]
    assert [(one.code, one.row, one.column, one.found) for one in data.warnings] == [
        (Code.NO_IMPORT_RIGHT, 2, "grid_mw", "40")
    ]
    assert "generation export, so it does not count" in str(data.warnings[0])


def test_what_is_not_accepted_is_nothing(tmp_path: Path) -> None:
    assert grid(loaded(tmp_path, "historic connection", ACCEPT, step_basis="contract").instance) == [(0, 0), (60, 90)]
    assert grid(loaded(tmp_path, "contract", ACCEPT, step_basis="inferred").instance) == [(0, 40)]


def test_what_is_not_accepted_counts_from_the_contract_on(tmp_path: Path) -> None:
    settings = (ACCEPT, "grid.contract_days=50")
    site = loaded(tmp_path, "historic connection", *settings, step_basis="contract")
    assert grid(site.instance) == [(0, 0), (50, 40), (60, 90)]
    assert "from day 50 on" in str(site.warnings[0])
    settings = (ACCEPT, "grid.contract_days=200")
    step = loaded(tmp_path, "contract", *settings, step_basis="reported")
    assert grid(step.instance) == [(0, 40), (200, 90)]
    assert [warning.column for warning in step.warnings] == ["grid_mw"]


def test_a_contract_after_a_higher_step_adds_nothing(tmp_path: Path) -> None:
    data = loaded(tmp_path, "inferred", ACCEPT, "grid.contract_days=100", step_basis="contract")
    assert grid(data.instance) == [(0, 0), (60, 90), (100, 90)]


def test_a_blank_basis_is_reported(tmp_path: Path) -> None:
    assert grid(loaded(tmp_path, "", ACCEPT, step_basis="").instance) == [(0, 0)]
    assert grid(loaded(tmp_path, "", 'grid.accept=["reported"]').instance) == [(0, 40), (60, 90)]


def test_the_swing_of_the_grid_follows_the_right(tmp_path: Path) -> None:
    settings = (ACCEPT, "grid.contract_days=50", "defaults.grid_swing_share=0.1")
    instance = loaded(tmp_path, "inferred", *settings, step_basis="contract").instance
    assert instance.grid_swing_mw.tolist() == [0]
    assert instance.step_rise_swing_mw.tolist() == [4, 5]


def test_an_export_cannot_be_accepted() -> None:
    assert "generation export" not in Grid().accept
    with pytest.raises(ValueError, match="no right to import"):
        Grid.model_validate({"accept": ["generation export"]})


def test_an_unknown_basis_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of contract, utility letter"):
        loaded(tmp_path, "hearsay")


def test_an_excluded_site_is_no_warning(tmp_path: Path) -> None:
    """What a site may import tells nothing once another reason excludes it."""
    sites = [
        {**SITES[0], "grid_mw": 40, "grid_swing_mw": "", "basis": "generation export"},
        {**SITES[1], "grid_mw": 5, "grid_swing_mw": "", "basis": "generation export", "available_until": "2020-01-01"},
    ]
    data = siteopt.load(siteopt.read_scenario(write_world(tmp_path, sites=sites)))
    assert list(data.excluded.index) == [sites[1]["site_id"]]
    assert [(one.code, one.found) for one in data.warnings] == [(Code.NO_IMPORT_RIGHT, "40")]
