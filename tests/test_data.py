"""The shipped tables: without fault, sourced, and as their README says."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

import siteopt
from siteopt.examples import examples_root
from siteopt.schema import TABLES, Table, markdown

ROOT = examples_root()
CSVS = sorted((ROOT / "data").glob("*.csv"))
MODELS = sorted((ROOT / "models").glob("*.toml"))
LIMITS = [path for path in CSVS if path.name.startswith("limits")]
PARAMETERS = sorted((ROOT / "models" / "parameters").glob("*.toml"))
README = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
FLEET_MW = 280 * 1.74
US = ROOT / "data" / "candidates_us.csv"
STEPS = sorted((ROOT / "data").glob("grid_steps*.csv"))
EXPORT = "generation export"
BASES = {"contract", "utility letter", "tariff", "reported", "inferred", "historic connection", EXPORT}
KNOWN_SITES = 60


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_model_loads_without_issue(path: Path) -> None:
    data = siteopt.load(siteopt.read_scenario(path))
    assert data.instance.sites > 0
    assert data.instance.offers > 0


def test_every_table_is_read_by_a_model() -> None:
    read = {Path(one.path).name for path in MODELS for one in siteopt.load(siteopt.read_scenario(path)).inputs}
    assert read == {path.name for path in (*CSVS, *MODELS, *PARAMETERS)}


@pytest.mark.parametrize("path", CSVS, ids=lambda path: path.name)
def test_every_row_has_a_source_or_is_an_estimate(path: Path) -> None:
    bare = [n for n, row in enumerate(rows(path), 2) if "http" not in row["sources"] and "stimate" not in row["notes"]]
    assert bare == []


@pytest.mark.parametrize("path", CSVS, ids=lambda path: path.name)
def test_ids_are_unique(path: Path) -> None:
    keys = {"offers": ["offer_id"], "candidates": ["site_id"], "grid": ["site_id", "grid_mw"]}
    limit = ["site_id", "region", "country", "resource", "ready_day", "ready_date"]
    ids = [tuple(row[key] for key in keys.get(path.name.split("_")[0], limit)) for row in rows(path)]
    assert ids
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.name)
def test_steps_belong_to_candidates(path: Path) -> None:
    sites = {row["site_id"] for path in CSVS if path.name.startswith("candidates") for row in rows(path)}
    assert {row["site_id"] for row in rows(path)} <= sites


def test_every_grid_says_where_it_comes_from() -> None:
    given = [(row["site_id"], row["basis"]) for row in rows(US) if row["grid_mw"] or row["basis"]]
    given += [
        (row["site_id"], row["basis"]) for path in STEPS for row in rows(path) if row["site_id"].startswith("us-")
    ]
    assert [one for one in given if one[1] not in BASES] == []
    assert [row["site_id"] for row in rows(US) if row["basis"] and not row["grid_mw"]] == []


def test_an_export_is_no_grid() -> None:
    assert [row["site_id"] for path in (US, *STEPS) for row in rows(path) if row["basis"] == EXPORT] == []


def test_enough_candidates_have_a_known_grid_or_a_standing_hall() -> None:
    known = [row for row in rows(US) if row["grid_mw"] or (row["floor_area_m2"] and row["condition"] != "none")]
    assert len(known) >= KNOWN_SITES


def test_what_stands_as_an_inferred_grid_is_called_an_estimate() -> None:
    inferred = [row for row in rows(US) if row["basis"] == "inferred"]
    assert inferred
    assert [row["site_id"] for row in inferred if "stimate" not in row["notes"]] == []


def test_steps_as_known_in_june_2024_come_from_sources_of_that_time() -> None:
    steps = rows(ROOT / "data" / "grid_steps_2024-06.csv")
    assert steps
    assert [row for row in steps if not "2024-01-01" <= row["retrieved"] <= "2024-06-30"] == []


def test_limits_hold_at_one_level_and_name_their_basis() -> None:
    for row in (row for path in LIMITS for row in rows(path)):
        assert [row["site_id"] or row["region"], row["country"]].count("") == 1, row
        assert row["basis"], row


def test_windows_of_a_limit_follow_each_other() -> None:
    ends: dict[tuple[str, ...], int] = {}
    for row in (row for path in LIMITS for row in rows(path)):
        key = row["site_id"], row["region"], row["country"], row["resource"]
        assert int(row["ready_day"] or 0) >= ends.get(key, 0), row
        ends[key] = int(row["until_day"] or 0)


def test_korean_grid_has_a_basis_and_none_is_an_export() -> None:
    korea = rows(ROOT / "data" / "candidates_kr.csv")
    assert {row["basis"] for row in korea if row["grid_mw"]} <= {
        "contract",
        "utility letter",
        "tariff",
        "reported",
        "inferred",
    }
    assert {row["basis"] for row in korea if not row["grid_mw"]} == {""}
    assert not any(row["grid_mw"] for row in korea if "power plant" in row["plant_type"])


def test_25_korean_candidates_have_a_known_grid_or_hall() -> None:
    korea = rows(ROOT / "data" / "candidates_kr.csv")
    halls = {row["site_id"] for row in korea if row["floor_area_m2"] and row["condition"] != "none"}
    assert len(halls | {row["site_id"] for row in korea if row["grid_mw"]}) >= 25


@pytest.mark.parametrize("country", ["us", "kr"])
def test_planned_lead_is_not_above_the_pessimistic_one(country: str) -> None:
    offers = rows(ROOT / "data" / f"offers_{country}.csv")
    late = [row["offer_id"] for row in offers if float(row["lead_days"]) > float(row["lead_days_high"])]
    assert late == []


@pytest.mark.parametrize("country", ["us", "kr"])
def test_gas_engines_emit_little_only_with_a_catalyst(country: str) -> None:
    engines = [row for row in rows(ROOT / "data" / f"offers_{country}.csv") if row["machine"] == "gas engine"]
    low = [row for row in engines if float(row["nox_g_per_kwh"]) < 0.5]
    assert low
    assert [row["offer_id"] for row in low if "catalyst" not in row["notes"] and "SCR" not in row["notes"]] == []


@pytest.mark.parametrize(("country", "per_usd"), [("us", 1), ("kr", 1_380)])
def test_diesel_rents_lie_within_the_contracts(country: str, per_usd: float) -> None:
    offers = rows(ROOT / "data" / f"offers_{country}.csv")
    money = "usd" if country == "us" else "krw"
    diesels = [row for row in offers if row["machine"] == "diesel engine"]
    rents = [float(row[f"rent_{money}_per_month"]) / per_usd / float(row["unit_mw"]) for row in diesels]
    assert 24_000 <= min(rents) <= max(rents) <= 43_000


def test_mobile_chillers_are_about_280_units_of_500_tons() -> None:
    mobile = [row for row in rows(ROOT / "data" / "offers_us.csv") if re.match(r"ch_ac\d", row["offer_id"])]
    assert sum(int(row["count"]) * float(row["unit_mw"]) for row in mobile) == pytest.approx(FLEET_MW, rel=0.02)


def test_a_quarter_of_the_mobile_chillers_may_be_had() -> None:
    instance = siteopt.load(siteopt.read_scenario(ROOT / "models" / "colossus.toml")).instance
    units = {row["offer_id"]: float(row["unit_mw"]) for row in rows(ROOT / "data" / "offers_us.csv")}
    mobile = [o for o, offer in enumerate(instance.offer_id) if re.match(r"ch_ac\d", offer)]
    assert sum(instance.available_units[o] * units[instance.offer_id[o]] for o in mobile) == pytest.approx(
        FLEET_MW / 4, rel=0.02
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_readme_has_the_columns_of_the_schema(table: Table) -> None:
    found = re.search(rf"<!-- columns: {table.name} -->\n(.*?)\n?<!-- end -->", README, re.DOTALL)
    assert found
    assert found.group(1) == markdown(table)


@pytest.mark.parametrize("path", CSVS, ids=lambda path: path.name)
def test_readme_counts_the_rows(path: Path) -> None:
    assert f"| `{path.name}` | {len(rows(path))} |" in README
