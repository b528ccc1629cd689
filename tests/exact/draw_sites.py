"""Draw the candidate sites of a world, their grid steps, and what the scenario makes of blanks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.exact.draw_scenario import START, Dice, Row, Size, rounded

TOWNS = {
    "US": (
        (35.15, -90.05),
        (32.78, -96.80),
        (39.96, -83.00),
        (39.74, -104.99),
        (39.10, -94.58),
        (33.75, -84.39),
        (33.45, -112.07),
        (44.98, -93.27),
    ),
    "KR": ((36.35, 127.38), (35.87, 128.60)),
    "DE": ((51.31, 9.49), (48.14, 11.58)),
}
"""Towns far from the sea and from any border (latitude, longitude), by country."""

NEAR_DEG = 0.15
"""How far a place may lie from its town."""

MOST = {"grid_mw": 5000, "floor_area_m2": 5e6, "yard_area_m2": 5e7, "gas_mw": 20_000, "water_m3_per_day": 1e6}
"""The most that the tables allow."""

USUAL = {"grid_mw": 0.0, "handover_days": 7, "air_permit_days": 5, "design_temp_c": 20.0, "elevation_m": 10.0}
"""Defaults for blanks; of the other columns it is the largest of all sites."""


def place(r: Dice) -> tuple[float, float, str]:
    """Return latitude, longitude and country of a place near a town, most often in the United States."""
    country = r.choices(list(TOWNS), (10, 1, 1))[0]
    latitude, longitude = (round(degrees + r.uniform(-NEAR_DEG, NEAR_DEG), 5) for degrees in r.choice(TOWNS[country]))
    return latitude, longitude, country


def sites(r: Dice, kind: str, size: Size, scenario: dict[str, Any], offers: list[Row]) -> list[Row]:
    """Return the candidate sites, without blanks but for those that have a meaning."""
    few = r.choice([1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 12])
    count = {"many": 40, "big": r.randint(100, 400)}.get(kind, few)
    yard = max(offer["footprint_m2"] / offer["unit_mw"] for offer in offers) * size.peak_mw
    names = [f"{r.choice(['s', 'x_', 'site ', 'é'])}{number:03d}" for number in range(count)]
    found = [_site(r, name, size, scenario["building"]["hall_m2_per_mw"], yard) for name in names]
    crowded = kind in ("many", "big") and r.random() < 0.7
    return [_neighbour(r, found[0], site) if crowded and r.random() < 0.7 else site for site in found]


def _neighbour(r: Dice, first: Row, site: Row) -> Row:
    """Return a site that differs from the first in its id, its place and what it costs, so that days tie."""
    own = ("site_id", "name", "country", "latitude", "longitude", "grid_usd_per_mwh")
    own += ("demand_usd_per_mw_month",)
    return (
        first
        | {name: site[name] for name in own}
        | {"site_cost_usd": round(first["site_cost_usd"] * r.log(0.9, 1.2), 2)}
    )


def _site(r: Dice, site_id: str, size: Size, hall_m2_per_mw: float, yard: float) -> Row:
    latitude, longitude, country = place(r)
    area, peak = size.it_mw * hall_m2_per_mw, size.peak_mw
    fitout = area / r.uniform(3, 45)
    money = Dice(f"demand {site_id} {latitude}")  # of its own, so that everything else stays as it was drawn before
    site = {
        "site_id": site_id,
        "name": r.choice(["Works ", "공장 ", "Fabrik Ö "]) + site_id,
        "country": country,
        "region": r.choice(["A", "A", "B", None]),
        "status": r.choice(["vacant", "vacant", "idle", "greenfield", "occupied", None]),
        "available_from": r.choice([None, None, "2025-05-01", START]),
        "available_until": r.choice([None, None, None, "2027-01-01", START]),
        "latitude": latitude,
        "longitude": longitude,
        "grid_mw": peak * r.choice([0, 0, 0.1, 0.3, 0.6, 1.0]) * r.uniform(0.9, 1.2),
        "grid_swing_mw": r.choice([None, None, 0, rounded(min(5000, size.it_mw * r.uniform(0, 0.5)))]),
        "handover_days": r.choice([0, r.randint(0, 40), r.randint(0, 40), round(r.uniform(0, 40), 1)]),
        "fitout_m2_per_day": min(50_000, rounded(fitout)) if fitout > 1 and r.random() < 0.5 else None,
        "condition": r.choice(["ready", "sound", "poor", "none"]),
        "floor_area_m2": area * r.choice([0.7, 1.1, 1.1, 1.5, 1.5, 1.5, 3, 3, 3, 3, 3, 3]),
        "yard_area_m2": yard * r.choice([0.7, 1.2, 2, 3, 10, 100]) * r.uniform(0.8, 1.2),
        "gas_mw": peak * 10 / 3.6 * r.choice([0.2, 0.7, 1, 1.5, 5, 5, 5]) * r.uniform(0.8, 1.2),
        "water_m3_per_day": size.heat_mw * 24 * r.choice([0, 0.2, 0.7, 2, 5]) * r.uniform(0.8, 1.2),
        "nox_limit_t_per_year": None,
        "air_permit_days": r.choice([0, 0, r.randint(0, 60), round(r.uniform(0, 60), 1)]),
        "design_temp_c": round(r.choice([r.uniform(-5, 45), r.uniform(10, 30)]), 1),
        "elevation_m": r.choice([0, 50, round(r.uniform(0, 2500), 1)]),
        "grid_usd_per_mwh": r.choice([None, r.money(20, 200)]),
        "demand_usd_per_mw_month": money.choice([None, None, 0, money.money(1_000, 20_000)]),
        "site_cost_usd": r.money(2_000 * size.it_mw + 1, 200_000 * size.it_mw + 100_000),
    }
    if r.random() < 0.5:
        site["nox_limit_t_per_year"] = min(1e5, rounded(r.choice([0.1, 0.5, 2, 6]) * peak * 8.76 * r.uniform(0.2, 1)))
    return site | {column: min(most, rounded(site[column])) for column, most in MOST.items()}


def grid_steps(r: Dice, size: Size, candidates: list[Row]) -> list[Row]:
    """Return up to three grid steps for about every other site, now and then two of them on one day."""
    return [step for site in candidates if r.random() < 0.45 for step in _ladder(r, size, site)]


def _ladder(r: Dice, size: Size, site: Row) -> list[Row]:
    days = sorted(r.randint(0, 130) for _ in range(r.choice([1, 1, 2, 3])))
    if len(days) > 1 and r.random() < 0.3:
        days[1] = days[0]
    level, steps = site["grid_mw"], []
    for day in days:
        level = rounded(level + size.peak_mw * r.uniform(0.1, 0.8))
        row: Row = {"site_id": site["site_id"], "ready_day": day, "ready_date": None, "grid_mw": level}
        if r.random() < 0.3:
            row |= {"ready_day": None, "ready_date": (date.fromisoformat(START) + timedelta(days=day)).isoformat()}
        row["cost_usd"] = r.choice([None, 0, r.money(1_000 * size.it_mw + 1, 50_000 * size.it_mw + 2)])
        steps += [row] if level <= MOST["grid_mw"] else []
    return steps


def look_alikes(r: Dice, candidates: list[Row], steps: list[Row]) -> None:
    """Copy a site up to three times, with nothing changed but its id, or one cell."""
    original = max(r.sample(candidates, min(3, len(candidates))), key=lambda site: site["grid_mw"])
    fitout = original["fitout_m2_per_day"] or 2
    for number in range(r.randint(1, 3)):
        change: Row = r.choice(
            [
                {},
                {"handover_days": max(0, original["handover_days"] + r.choice([-1, 1, 5]))},
                {"site_cost_usd": round(original["site_cost_usd"] + r.choice([0.5, 12, 30, 500]), 2)},
                {"air_permit_days": original["air_permit_days"] + 1},
                {"fitout_m2_per_day": min(50_000, rounded(max(1, fitout * r.uniform(0.5, 0.95))))},
                {"fitout_m2_per_day": min(50_000, rounded(max(1, fitout * r.uniform(0.5, 0.95))))},
                {"gas_mw": rounded(original["gas_mw"] * 0.9)},
            ]
        )
        name = f"{r.choice('amz')}_alike{number}"
        candidates.append(original | change | {"site_id": name, "name": f"Alike {number}"})
        steps += [step | {"site_id": name} for step in steps if step["site_id"] == original["site_id"]]


def blanks(r: Dice, scenario: dict[str, Any], candidates: list[Row]) -> None:
    """Leave cells blank, with a default or without, and draw what the scenario filters."""
    columns = ("grid_mw", "handover_days", "condition", "floor_area_m2", "yard_area_m2", "gas_mw", "water_m3_per_day")
    for column in (*columns, "air_permit_days", "design_temp_c", "elevation_m", "site_cost_usd"):
        usual = USUAL.get(column, max(site[column] for site in candidates))
        default = r.choice([usual] * 5 + ["exclude", None])
        if default is not None:
            scenario["defaults"][column] = default
        share = 0.12 if default not in ("exclude", None) else 0.02
        for site in candidates:
            if r.random() < share:
                site[column] = None
    if r.random() < 0.15:
        scenario["filter"] = r.choice(
            [
                {"status": ["vacant", "idle"]},
                {"countries": ["US"]},
                {"countries": ["US", "KR"], "status": ["vacant", "idle", "greenfield", "occupied"]},
                {"regions": ["A"]},
            ]
        )
    if len(candidates) > 1 and r.random() < 0.1:
        r.choice(candidates).update(available_from=None, available_until="2026-05-31")
    if len(candidates) > 1 and r.random() < 0.1:
        r.choice(candidates).update(available_from="2026-06-02", available_until=None)
