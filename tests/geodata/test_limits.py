"""The table of limits: what holds at which site on which day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import siteopt
from siteopt.geodata.changes import Change
from siteopt.geodata.dataset import Dataset
from siteopt.instance import Instance
from siteopt.issues import InputError
from siteopt.message_catalogue import Code
from siteopt.phases import LIMITED
from tests.geodata.test_dataset import assert_identical
from tests.worlds import OFFERS, SITES, changed, csv_text, write_world

MINOR = {"country": "US", "resource": "nox", "ready_day": 400, "limit": 90, "basis": "minor source"}
ENGINES = {"country": "US", "resource": "nox", "until_day": 300, "basis": "temporary engines: no annual cap"}


def loaded(folder: Path, *rows: dict[str, Any], settings: tuple[str, ...] = (), **tables: Any) -> Dataset:
    """The small world with these limits; its calendar ends after 730 days."""
    scenario = write_world(folder, **tables)
    (folder / "limits.csv").write_text(csv_text(rows), encoding="utf-8")
    given = ('inputs.limits=["limits.csv"]', "project.term_months=24", *settings)
    return siteopt.load(siteopt.read_scenario(scenario, given))


def timeline(instance: Instance, site: str, name: str) -> list[tuple[int, float]]:
    """Each day on which a limit of a site changes, and the limit from that day on."""
    s = instance.site_id.index(site)
    mine = instance.change_site == s
    later = zip(instance.change_day[mine], instance.change_limit[mine, LIMITED.index(name)], strict=True)
    return [(0, float(getattr(instance, name)[s])), *((int(day), float(value)) for day, value in later)]


def test_a_country_has_permits_one_after_the_other(tmp_path: Path) -> None:
    instance = loaded(tmp_path, ENGINES, MINOR).instance
    # what no row permits is not permitted where the column is blank
    assert timeline(instance, "alpha", "nox_t_per_year") == [(0, np.inf), (300, 0.0), (400, 90.0)]
    assert timeline(instance, "beta", "nox_t_per_year") == [(0, np.inf), (300, 0.0), (400, 90.0)]


def test_the_most_specific_level_replaces_the_others(tmp_path: Path) -> None:
    region = {"region": "TX", "resource": "nox", "ready_day": 0, "limit": 40}
    own = {"site_id": "beta", "resource": "gas", "ready_day": 50, "limit": 10}
    instance = loaded(tmp_path, ENGINES, MINOR, region, own).instance
    assert timeline(instance, "alpha", "gas_mw") == [(0, 100.0), (300, 100.0), (400, 100.0)]
    assert timeline(instance, "beta", "nox_t_per_year") == [(0, 40.0), (50, 40.0)]
    assert timeline(instance, "beta", "gas_mw") == [(0, 100.0), (50, 10.0)]


def test_when_a_row_ends_the_one_before_holds_again(tmp_path: Path) -> None:
    rows = [
        {"site_id": "beta", "resource": "water", "ready_day": 20, "limit": 400},
        {"site_id": "beta", "resource": "water", "ready_day": 30, "until_day": 40, "limit": 200},
    ]
    assert timeline(loaded(tmp_path, *rows).instance, "beta", "water_m3_per_day") == [
        (0, 500.0),
        (20, 400.0),
        (30, 200.0),
        (40, 400.0),
    ]


def test_dates_and_the_calendar_end(tmp_path: Path) -> None:
    rows = [
        {
            "site_id": "beta",
            "resource": "fuel_trucks",
            "ready_date": "2025-01-31",
            "until_date": "2025-02-10",
            "limit": 3,
        },
        {"site_id": "beta", "resource": "gas", "ready_day": 731, "limit": 1},
    ]
    found = loaded(tmp_path, *rows).instance
    assert timeline(found, "beta", "fuel_trucks_per_day") == [(0, np.inf), (30, 3.0), (40, np.inf)]


def test_a_grid_that_rises_for_good_is_a_grid_step(tmp_path: Path) -> None:
    rows = [
        {"site_id": "alpha", "resource": "grid", "ready_day": 20, "until_day": 90, "limit": 20},
        {"site_id": "alpha", "resource": "grid", "ready_day": 90, "limit": 40, "cost_usd": 2_000_000},
    ]
    data = loaded(tmp_path, *rows)
    instance = data.instance
    assert timeline(instance, "alpha", "grid_mw") == [(0, 12.0), (20, 20.0), (90, 12.0)]
    assert timeline(instance, "alpha", "grid_swing_mw") == [
        (0, pytest.approx(1.2)),
        (20, pytest.approx(2.0)),
        (90, pytest.approx(1.2)),
    ]
    own = instance.step_site == instance.site_id.index("alpha")
    assert instance.step_ready_day[own].tolist() == [90]
    assert instance.step_rise_mw[own].tolist() == [28.0]
    assert instance.step_cost_musd[own].tolist() == [2.0]


def test_non_firm_import(tmp_path: Path) -> None:
    row = {"site_id": "beta", "resource": "grid_nonfirm", "limit": 15}
    settings = ("grid.accept_nonfirm=true", "grid.curtailment_hours_in_a_row=6")
    instance = loaded(tmp_path, row, settings=settings).instance
    assert timeline(instance, "beta", "nonfirm_mw") == [(0, 15.0)]
    assert instance.accept_nonfirm
    assert instance.curtailment_hours == 6


def test_a_blank_limit_of_nox(tmp_path: Path) -> None:
    def nox(*settings: str, **tables: Any) -> dict[str, float]:
        data = siteopt.load(siteopt.read_scenario(write_world(tmp_path, **tables), settings))
        return dict(zip(data.instance.site_id, data.instance.nox_t_per_year.tolist(), strict=True))

    assert nox() == {"alpha": np.inf, "beta": np.inf}
    assert nox("defaults.nox_limit_t_per_year=95") == {"alpha": 95.0, "beta": 95.0}
    given = changed(SITES, "site_id", "beta", nox_limit_t_per_year=20)
    assert nox('defaults.nox_limit_t_per_year="exclude"', sites=given) == {"beta": 20.0}
    assert nox("defaults.nox_limit_t_per_year=95", sites=given) == {"alpha": 95.0, "beta": 20.0}


def test_a_check_says_where_nothing_limits_nox(tmp_path: Path) -> None:
    (told,) = loaded(tmp_path, {"region": "TN", "resource": "nox", "limit": 90}).assumption_warnings
    assert told.code is Code.NO_NOX_LIMIT
    assert told.found == "no limit at 1 sites"
    assert not loaded(tmp_path, MINOR).assumption_warnings
    assert not loaded(tmp_path, MINOR, settings=("defaults.nox_limit_t_per_year=90",)).assumption_warnings


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ({"resource": "gas", "limit": 3}, Code.ONE_LEVEL, "site_id"),
        ({"site_id": "beta", "region": "TX", "resource": "gas", "limit": 3}, Code.ONE_LEVEL, "site_id"),
        ({"site_id": "beta", "resource": "steam", "limit": 3}, Code.CHOICE, "resource"),
        ({"site_id": "betta", "resource": "gas", "limit": 3}, Code.STRANGER, "site_id"),
        ({"site_id": "beta", "resource": "gas"}, Code.BLANK, "limit"),
        ({"site_id": "beta", "resource": "nox"}, Code.BLANK, "limit"),
        (
            {"site_id": "beta", "resource": "gas", "limit": 3, "ready_day": 9, "until_day": 9},
            Code.BACKWARDS,
            "until_day",
        ),
        (
            {"site_id": "beta", "resource": "gas", "limit": 3, "ready_day": 9, "ready_date": "2025-02-01"},
            Code.EITHER_OR,
            "ready_day",
        ),
        ({"site_id": "beta", "resource": "gas", "limit": 3, "cost_usd": 5}, Code.UNPAID, "cost_usd"),
        ({"site_id": "beta", "resource": "grid", "limit": 1, "ready_day": 70}, Code.AFTER_STEP, "ready_day"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, row: dict[str, Any], code: Code, column: str) -> None:
    with pytest.raises(InputError) as told:
        loaded(tmp_path, row)
    (issue,) = told.value.issues
    assert (issue.code, issue.file, issue.row, issue.column) == (code, "limits.csv", 2, column)


def test_many_sites_share_the_rows_of_their_country(tmp_path: Path) -> None:
    many = [SITES[0] | {"site_id": f"site{number}", "name": "A"} for number in range(50)]
    pool = loaded(tmp_path, ENGINES, MINOR, sites=many, steps=[{"site_id": "x", "ready_day": 1, "grid_mw": 2}]).pool
    assert len(pool.timelines.day) == 3
    assert pool.exact(np.array([3, 40])).change_day.tolist() == [300, 400, 300, 400]


def test_generators_above_a_limit_of_the_stack_are_left_out(tmp_path: Path) -> None:
    dirty = changed(OFFERS, "offer_id", "gen_rented", nox_g_per_kwh=0.91)
    path = write_world(tmp_path, SITES, changed(dirty, "offer_id", "gen_bought", nox_g_per_kwh=0.9))

    def offers(*settings: str) -> set[str]:
        return set(siteopt.load(siteopt.read_scenario(path, settings)).instance.offer_id)

    assert offers() == {"battery", "chiller", "gen_bought", "gen_rented"}
    assert offers("supply.max_nox_g_per_kwh=0.9") == {"battery", "chiller", "gen_bought"}
    assert offers("supply.max_nox_g_per_kwh=0") == {"battery", "chiller"}


def test_fuel_cells_wait_for_no_permit(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "alpha", air_permit_days=200)
    cell = {**OFFERS[0], "offer_id": "cell", "machine": "fuel cell", "nox_g_per_kwh": 0.001}
    instance = loaded(tmp_path, MINOR, sites=sites, offers=[*OFFERS, cell]).instance
    s, o = instance.site_id.index("alpha"), instance.offer_id.index("cell")
    assert instance.arrival_day[s, instance.offer_id.index("gen_rented")] == 200
    assert instance.arrival_day[s, o] < 200
    assert instance.nox_g_per_kwh[o] == 0


def test_a_change_of_limits_is_what_the_rows_say(tmp_path: Path) -> None:
    rows = [
        {"site_id": "beta", "resource": "nox", "until_day": 40},
        {"site_id": "beta", "resource": "nox", "ready_day": 40, "limit": 70},
    ]
    change = Change("limits", "beta", "nox", ((0, np.inf), (40, 70.0)))
    found = loaded(tmp_path / "before", ENGINES, MINOR).with_changes([change])
    told = [row | {"basis": "any"} for row in rows]
    assert_identical(found.instance, loaded(tmp_path / "after", ENGINES, MINOR, *told).instance)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change("limits", "beta", "steam", ((0, 1.0),)), Code.CHOICE),
        (Change("limits", "betta", "nox", ((0, 1.0),)), Code.NO_SUCH_NAME),
        (Change("limits", "beta", "nox", ((5, 1.0),)), Code.OUT_OF_RANGE),
        (Change("limits", "beta", "nox", ((0, 1.0), (0, 2.0))), Code.OUT_OF_RANGE),
        (Change("limits", "beta", "nox", ((0, -1.0),)), Code.OUT_OF_RANGE),
    ],
)
def test_a_wrong_change_of_limits_is_told(tmp_path: Path, change: Change, code: Code) -> None:
    with pytest.raises(InputError) as told:
        loaded(tmp_path, MINOR).with_changes([change])
    assert [issue.code for issue in told.value.issues] == [code]
