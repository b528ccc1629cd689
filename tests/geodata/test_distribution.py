"""Distribution, coolant distribution, own towers and the wet bulb: from the scenario and its tables to the Instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import siteopt
from siteopt.geodata.dataset import Dataset
from siteopt.geodata.variants import Variants
from siteopt.output.translations import Translations
from siteopt.record.reason import ReasonCode, because
from tests.worlds import OFFER, OFFERS, SITES, Row, changed, write_world

SUBSTATION = OFFER | {"offer_id": "substation", "kind": "substation", "unit_mw": 2, "trade": "electrical"}
SUBSTATION |= {"crew_days": 2, "footprint_m2": 50, "rent_usd_per_month": 9_000}
CDU = SUBSTATION | {"offer_id": "cdu", "kind": "cdu", "unit_mw": 1.3, "trade": "mechanical", "footprint_m2": 5}
TOWER = OFFER | {"offer_id": "tower", "kind": "chiller", "unit_mw": 4, "cop": 60, "approach_c": 5}
TOWER |= {"trade": "mechanical", "crew_days": 8, "footprint_m2": 60, "rent_usd_per_month": 15_000}
ALL: tuple[Row, ...] = (*OFFERS, SUBSTATION, CDU, TOWER | {"water_m3_per_mwh": 2})


def loaded(folder: Path, *settings: str, sites: Any = SITES, offers: Any = ALL) -> Dataset:
    return siteopt.load(siteopt.read_scenario(write_world(folder, sites, offers), list(settings)))


def test_what_the_scenario_does_not_ask_for_leaves_no_trace(tmp_path: Path) -> None:
    instance = loaded(tmp_path).instance
    assert not {"substation", "cdu"} & set(instance.offer_id)
    assert not instance.distribution_asked
    assert {one.name for one in instance.requirements} == {
        *("cooling", "mean power", "peak power", "swing", "ride through", "battery power", "inertia"),
        *("curtailment", "energy in a curtailment"),
    }
    asked = loaded(tmp_path, "defaults.distribution_share_of_grid=0", "workload.liquid_heat_fraction=0.8").instance
    assert {"substation", "cdu"} <= set(asked.offer_id)
    assert {"distribution", "coolant distribution"} <= {one.name for one in asked.requirements}


def test_distribution_may_be_asked_for_by_a_change(tmp_path: Path) -> None:
    change = siteopt.Change("scenario", "", "defaults.distribution_share_of_grid", 0.5)
    instance = loaded(tmp_path).with_changes([change]).instance
    assert instance.distribution_asked
    assert "substation" in instance.offer_id
    assert instance.distribution_mw.tolist() == [6.0, 1.0]


def test_a_blank_distribution_is_a_share_of_the_grid_and_assumed(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "beta", distribution_mw=7)
    data = loaded(tmp_path, "defaults.distribution_share_of_grid=0.5", sites=sites)
    assert dict(zip(data.instance.site_id, data.instance.distribution_mw.tolist(), strict=True)) == {
        "alpha": 6.0,
        "beta": 7.0,
    }
    assert data.assumed["distribution_mw"].to_dict() == {"alpha": True, "beta": False}
    assert "distribution_mw" not in loaded(tmp_path, sites=sites).assumed


def test_own_towers_are_none_unless_a_cell_says_so(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "beta", own_cooling_mw=9)
    instance = loaded(tmp_path, "workload.tower_heat_fraction=0.3", sites=sites).instance
    assert instance.own_cooling_mw.tolist() == [0.0, 9.0]
    assert instance.own_heat_mw.tolist() == [[0.0], [pytest.approx(3.0)]]  # 30 % of 10 MW
    assert (instance.own_cooling_mw_per_mw, instance.own_cooling_m3_per_mwh) == (0.025, 1.8)


@pytest.mark.parametrize(
    ("wet_bulb_c", "water", "coolant_c", "works"),
    [
        ("", 2, 35, True),  # 30 deg C and 5 K: a blank wet bulb is the dry bulb
        ("", 2, 34.9, False),
        (24, 2, 29, True),
        (24, 2, 28.9, False),
        (24, "", 29, False),  # what evaporates no water follows the dry bulb
        (24, "", 35, True),
    ],
)
def test_towers_follow_the_wet_bulb(tmp_path: Path, wet_bulb_c: Any, water: Any, coolant_c: float, works: bool) -> None:
    sites = changed(SITES, "site_id", "alpha", design_wet_bulb_c=wet_bulb_c)
    offers = (*OFFERS, TOWER | {"water_m3_per_mwh": water})
    instance = loaded(tmp_path, f"workload.coolant_c={coolant_c}", sites=sites, offers=offers).instance
    assert instance.rating_mw[0, instance.offer_id.index("tower")] == (4.0 if works else 0.0)


def test_a_wet_bulb_above_the_dry_bulb_is_unlikely(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, sites=changed(SITES, "site_id", "alpha", design_wet_bulb_c=31)).warnings
    assert (warning.column, warning.found, warning.code.name) == ("design_wet_bulb_c", "31", "UNLIKELY")


def test_distribution_and_towers_are_levers_where_they_count(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "beta", distribution_mw=7)

    def levers(*settings: str) -> dict[str, float]:
        found = Variants(loaded(tmp_path, *settings, sites=sites), "beta").levers
        return {one.column: one.now for one in found if one.column in ("distribution_mw", "own_cooling_mw")}

    assert levers() == {}
    asked = ("defaults.distribution_share_of_grid=0.5", "workload.tower_heat_fraction=0.3")
    assert levers(*asked) == {"distribution_mw": 7.0, "own_cooling_mw": 0.0}


def test_the_smallest_plant_of_its_own_that_wins(tmp_path: Path) -> None:
    # alpha carries its 12 MW; beta has to wait for substations, unless it carried its demand itself
    sites = changed(changed(SITES, "site_id", "alpha", distribution_mw=20), "site_id", "beta", grid_mw=20)
    late = SUBSTATION | {"lead_days": 150, "lead_days_high": 200}
    path = write_world(tmp_path, sites, (*OFFERS, late))
    scenario = siteopt.read_scenario(path, ["defaults.distribution_share_of_grid=0"])
    told = siteopt.explain(scenario, "beta")
    assert told.record.plan is not None
    assert told.record.plan.milestones[0].limited_by == because(ReasonCode.LIMIT, limit="distribution")
    assert any(one.column == "distribution_mw" for (one, *_) in told.record.changes)
    assert "MW more distribution of its own" in str(told)


def test_the_smallest_towers_of_its_own_that_win(tmp_path: Path) -> None:
    # chillers come late; alpha's own towers take all of the heat, and beta has none
    sites = changed(changed(SITES, "site_id", "alpha", own_cooling_mw=20), "site_id", "beta", grid_mw=20)
    offers = changed(OFFERS, "offer_id", "chiller", lead_days=150, lead_days_high=200)
    settings = ["workload.heat_fraction=0", "workload.tower_heat_fraction=0.7"]
    told = siteopt.explain(siteopt.read_scenario(write_world(tmp_path, sites, offers), settings), "beta")
    assert [(one.column, one.needed) for (one,) in told.record.changes] == [("own_cooling_mw", 7.0)]
    assert "7 MW of heat more by own towers (7, not 0)" in str(told)


def test_a_run_says_which_share_of_the_grid_the_plant_is_assumed_to_distribute(tmp_path: Path) -> None:
    path = write_world(tmp_path / "world", SITES, ALL)
    result = siteopt.solve(siteopt.read_scenario(path, ["defaults.distribution_share_of_grid=0.5"]))
    (one,) = (one for one in result.record.assumptions if one.column == "distribution_mw")
    assert (one.value, one.share_of, one.sites, one.chosen_site) == (0.5, "grid_mw", 2, True)
    folder = result.write(tmp_path / "run")
    assert "0.5 × " in (folder / "report.html").read_text(encoding="utf-8")
    assert '"share_of": "grid_mw"' in (folder / "plan.json").read_text(encoding="utf-8")


def test_a_run_with_all_of_it_is_written_read_and_drawn(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "alpha", distribution_mw=8, own_cooling_mw=2)
    settings = ["defaults.distribution_share_of_grid=0", "workload.liquid_heat_fraction=0.8"]
    settings += ["workload.tower_heat_fraction=0.3", 'filter.countries=["US"]', 'filter.regions=["TN"]']
    result = siteopt.solve(siteopt.read_scenario(write_world(tmp_path / "world", sites, ALL), settings))
    plan = result.record.plan
    assert plan is not None
    (milestone,) = plan.milestones
    assert milestone.heat_mw == pytest.approx(10.0)
    assert milestone.own("cooling") == pytest.approx(2.0)
    assert milestone.own("distribution") == pytest.approx(8.0)
    assert milestone.equipment_mw["cdu"] >= 8.0
    assert milestone.equipment_mw["substation"] + 8 >= milestone.demand_mw
    assert np.isclose(plan.replay.milestones[0].day or -1, milestone.day)
    result.write(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for words in ("CDUs", "Substations", "the site&#39;s own", "Distribution"):
        assert words in page or words.replace("&#39;", "'") in page, words
    assert Translations("ko").term("cdus") == "냉각수 분배 장치"
