"""A small world on disk: three sites, four offers, one milestone. It solves in well under a second."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

Row = Mapping[str, object]

SITE = {
    "status": "vacant",
    "handover_days": 5,
    "condition": "sound",
    "floor_area_m2": 50_000,
    "yard_area_m2": 20_000,
    "gas_mw": 100,
    "water_m3_per_day": 500,
    "air_permit_days": 0,
    "design_temp_c": 30,
    "elevation_m": 50,
    "grid_usd_per_mwh": 60,
    "site_cost_usd": 5_000_000,
}
SITES: tuple[Row, ...] = (
    {"site_id": "alpha", "name": "Alpha Works", "country": "US", "region": "TN"}
    | {"latitude": 35.15, "longitude": -90.05, "grid_mw": 12}
    | SITE,
    {"site_id": "beta", "name": "Beta Mill", "country": "US", "region": "TX"}
    | {"latitude": 29.76, "longitude": -95.37, "grid_mw": 2}
    | SITE,
    {"site_id": "gamma", "name": "강진 공장", "country": "KR", "region": "Jeonnam"}
    | {"latitude": 34.64, "longitude": 126.77, "grid_mw": ""}
    | SITE,
)
"""``gamma`` has an unknown grid, so the scenario leaves it out."""

GENERATOR = {"kind": "generator", "fuel": "gas", "heat_rate_mj_per_kwh": 9, "nox_g_per_kwh": 0.3, "step_fraction": 0.3}
GENERATOR |= {"trade": "electrical", "unit_mw": 2.5, "crew_days": 4, "footprint_m2": 60}
OFFER = {"vendor": "Vendor", "model": "Model", "depot": "Depot", "count": 40, "latitude": 32.8, "longitude": -96.8}
OFFER |= {"lead_days": 10, "lead_days_high": 40, "install_days": 2}
OFFERS: tuple[Row, ...] = (
    OFFER | GENERATOR | {"offer_id": "gen_rented", "rent_usd_per_month": 50_000, "mobilisation_usd": 20_000},
    OFFER | GENERATOR | {"offer_id": "gen_bought", "lead_days": 20, "purchase_usd": 2_000_000, "trailers": 2},
    OFFER
    | {"offer_id": "chiller", "kind": "chiller", "cop": 4, "unit_mw": 1.5, "trade": "mechanical", "crew_days": 3}
    | {"footprint_m2": 40, "rent_usd_per_month": 30_000},
    OFFER
    | {"offer_id": "battery", "kind": "battery", "energy_mwh": 4, "unit_mw": 2, "trade": "electrical", "crew_days": 5}
    | {"footprint_m2": 50, "rent_usd_per_month": 40_000},
)
STEPS: tuple[Row, ...] = ({"site_id": "beta", "ready_day": 60, "grid_mw": 30, "cost_usd": 1_000_000},)

SCENARIO = """\
[project]
name = "small"
start_date = 2025-01-01
term_months = 12
budget_usd = 1e9
horizon_days = 365

[inputs]
candidates = ["candidates.csv"]
grid_steps = ["steps.csv"]
offers = ["offers.csv"]

[workload]
it_kw_per_gpu = 1.0
auxiliary_load_fraction = 0.05
load_step_amplitude = 0.3
load_factor = 0.8
heat_fraction = 0.7
coolant_c = 10.0
gpu_price_usd = 30_000

[energy]
gas_usd_per_gj = 4.0
diesel_usd_per_gj = 25.0
grid_usd_per_mwh = 65.0

[[milestones]]
name = "first run"
gpus = 10_000
operating_days = 30

[compute]
deliveries = [{ day = 10, gpus = 10_000 }]
install_gpus_per_day = 1_000
network_gpus_per_day = 1_000
network_bringup_days = 1

[building]
hall_m2_per_mw = 350
liquid_loop_mw_per_day = 3.0

[building.fitout_m2_per_day]
ready = 5_000
sound = 800
poor = 400
none = 150

[crews]
electrical = 10
mechanical = 10

[supply]
max_fleet_share = 0.5
spare_units = 1
ride_through_minutes = 5
commissioning_days = 2
circuity = 1.25
truck_km_per_day = 800
haulage_usd_per_km = 4.0
yard_prep_days = 3

[defaults]
grid_swing_share = 0.1

[[baselines]]
name = "a quote"
milestone = "first run"
days_low = 400
days_high = 500
"""


def csv_text(rows: Sequence[Row]) -> str:
    """Rows as a CSV table; its header has every key of any row, in the order of appearance."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def changed(rows: Sequence[Row], key: str, identity: str, **cells: object) -> tuple[Row, ...]:
    """The rows, with other cells in the row whose ``key`` is ``identity``."""
    assert any(row[key] == identity for row in rows)
    return tuple({**row, **cells} if row[key] == identity else row for row in rows)


def write_world(
    folder: Path,
    sites: Sequence[Row] = SITES,
    offers: Sequence[Row] = OFFERS,
    steps: Sequence[Row] = STEPS,
    scenario: str = SCENARIO,
) -> Path:
    """Write the tables and the scenario; returns the path of the scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("candidates", sites), ("offers", offers), ("steps", steps)):
        (folder / f"{name}.csv").write_text(csv_text(rows), encoding="utf-8", newline="")
    path = folder / "scenario.toml"
    path.write_text(scenario, encoding="utf-8")
    return path
