"""Draw the offers of a world: how large, how many, how soon and how dear the units are, and the crews for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.exact.draw_scenario import Dice, Row, Size, rounded
from tests.exact.draw_sites import place

MOST_UNITS = 100_000
MOST_RENT_USD = 1e8


def offers(r: Dice, size: Size, scenario: dict[str, Any]) -> list[Row]:
    """Return the offers, and draw the crews of the scenario; some offers are one model at several depots."""
    found: list[Row] = []
    rush = r.choice([0, 0, 1, 4])
    for kind in _kinds(r, size, scenario):
        same = [offer for offer in found if offer["kind"] == kind]
        row = dict(r.choice(same)) if same and r.random() < 0.5 else _MODELS[kind](r, size, bool(same))
        row |= _lot(r, size, scenario, row, rush)
        row["offer_id"] = f"{r.choice(['o', 'Offer-', 'ö', 'a b'])}{len(found)}{r.choice(['', 'Z', 'b'])}"
        found.append(row)
    if r.random() < 0.95:
        _enough(r, size, scenario, found)
    for trade in scenario["crews"]:
        scenario["crews"][trade] = _crews(r, size, [offer for offer in found if offer["trade"] == trade])
    return [{column: cell for column, cell in offer.items() if column != "price"} for offer in found]


def _kinds(r: Dice, size: Size, scenario: dict[str, Any]) -> list[str]:
    most = r.choice([3, 4, 7])
    kinds = ["generator"] * r.randint(1, most)
    if size.heat_mw:
        kinds += ["chiller"] * r.randint(1, most)
    if size.swing_mw or scenario["supply"]["ride_through_minutes"]:
        kinds += ["battery"] * r.randint(1, most - 1)
    return kinds


def _need_mw(size: Size, kind: str) -> float:
    """Return what all units of a kind have to give, roughly."""
    return {"generator": size.peak_mw, "chiller": size.heat_mw}.get(kind, max(0.1 * size.peak_mw, size.swing_mw))


def _unit_mw(r: Dice, need_mw: float) -> float:
    return rounded(min(500, max(0.01, need_mw / r.log(1.2, 25))), r.choice([2, 4]))


def _generator(r: Dice, size: Size, _: bool) -> Row:
    unit = _unit_mw(r, size.peak_mw)
    turbine = {"temp_derate_per_c": 0.007, "altitude_derate_per_km": 0.115}
    engine = {
        "temp_derate_per_c": 0.02,
        "derate_above_c": 35.0,
        "altitude_derate_per_km": 0.11,
        "derate_above_m": 1000.0,
    }
    return {
        "kind": "generator",
        "fuel": r.choice(["gas", "gas", "diesel"]),
        "unit_mw": unit,
        "heat_rate_mj_per_kwh": r.choice([8.5, 10.2, rounded(r.uniform(8, 12))]),
        "nox_g_per_kwh": r.choice([0, 0.05, 0.3, 6.4]),
        "own_use_share": Dice(f"own use {unit}").choice([None, None, 0, 0.036, 0.3]),
        "step_fraction": r.choice([0, 0.15, 0.3, 0.5, 1]),
        **r.choice([{}, turbine, engine]),
        **_work(r, unit, "electrical"),
        "price": unit * r.log(20_000, 80_000),
    }


def _chiller(r: Dice, size: Size, may_be_tower: bool) -> Row:
    unit = _unit_mw(r, size.heat_mw)
    tower = may_be_tower and r.random() < 0.5
    return {
        "kind": "chiller",
        "unit_mw": unit,
        "cop": r.choice([15.0, 30.0, 60.0]) if tower else r.choice([2.9, 3.5, 5.5]),
        "approach_c": r.choice([-5, 3, 8]) if tower else None,
        "water_m3_per_mwh": r.choice([None, 0.5, 2.0, 2.0]) if tower else None,
        **_work(r, unit, "mechanical"),
        "price": unit * r.log(5_000, 40_000) * (0.4 if tower else 1),
    }


def _battery(r: Dice, size: Size, _: bool) -> Row:
    unit = _unit_mw(r, _need_mw(size, "battery"))
    return {
        "kind": "battery",
        "unit_mw": unit,
        "energy_mwh": min(5000, max(0.01, rounded(unit * r.choice([0.25, 1, 2, 4])))),
        **_work(r, unit, "electrical"),
        "price": unit * r.log(10_000, 40_000),
    }


_MODELS: dict[str, Callable[[Dice, Size, bool], Row]] = {
    "generator": _generator,
    "chiller": _chiller,
    "battery": _battery,
}


def _work(r: Dice, unit_mw: float, trade: str) -> Row:
    """Draw the crews and the yard that one unit takes, and what else does not depend on the depot."""
    return {
        "trade": trade if r.random() < 0.9 else r.choice(["electrical", "mechanical"]),
        "crew_days": r.choice([0, 1, 4, rounded(r.uniform(0.5, 20), 3)]),
        "footprint_m2": min(50_000, rounded(unit_mw * r.choice([0, 5, 13, 30]) * r.uniform(1, 2))),
        "trailers": r.choice([None, 1, 2, 4.5]),
        "install_days": r.choice([0, 1, 1.5, 2, 5]),
    }


def _lot(r: Dice, size: Size, scenario: dict[str, Any], row: Row, rush: float) -> Row:
    """Draw what differs from depot to depot: place, days, count and money; units that come soon may be dearer."""
    units = max(1, round(_need_mw(size, row["kind"]) * r.log(0.2, 2.0) / row["unit_mw"]))
    if r.random() < 0.03:
        units = r.choice([0, 300])
    latitude, longitude, _ = place(r)
    lead = r.choice([0, r.randint(0, 60), r.randint(10, 100), round(r.uniform(0, 60), 1)])
    price = min(MOST_RENT_USD, row["price"] * r.log(0.7, 1.4) * (1 + rush * max(0, 1 - lead / 60)))
    lot: Row = {
        "latitude": latitude,
        "longitude": longitude,
        "lead_days": lead,
        "mobilisation_usd": r.choice([None, round(price, 2)]),
        "rent_usd_per_month": None,
        "purchase_usd": None,
    }
    if r.random() < 0.7:
        units = math.ceil(units / scenario["supply"]["max_fleet_share"]) + r.randint(0, 3)
        lot["rent_usd_per_month"] = round(price, 2)
    else:
        lot["purchase_usd"] = round(price * r.uniform(3, 25), 2)
    return lot | {"count": min(units, MOST_UNITS)}


def _enough(r: Dice, size: Size, scenario: dict[str, Any], found: list[Row]) -> None:
    """Raise the counts until all offers but the towers cover each need at a usual site, the spare units included."""
    supply = scenario["supply"]
    ride_mwh = size.it_mw * supply["ride_through_minutes"] / 60
    for kind, column, need in (
        ("chiller", "unit_mw", size.heat_mw),
        ("generator", "unit_mw", size.peak_mw),
        ("battery", "unit_mw", size.swing_mw),
        ("battery", "energy_mwh", ride_mwh),
    ):
        some = [offer for offer in found if offer["kind"] == kind and offer.get("approach_c") is None]
        there = sum(_available(offer, supply["max_fleet_share"]) * offer[column] for offer in some)
        spare = 0 if kind == "battery" else supply["spare_units"] * max((offer[column] for offer in some), default=0)
        wanted = need * r.uniform(1.2, 3) + spare
        for offer in some:
            if 0 < there < wanted:
                offer["count"] = min(MOST_UNITS, math.ceil(offer["count"] * wanted / there))


def _available(offer: Row, share: float) -> int:
    return offer["count"] if offer["purchase_usd"] else int(offer["count"] * share)


def _crews(r: Dice, size: Size, some: list[Row]) -> float:
    """Draw crews that take some days to install what is needed, or hardly any."""
    work = max((offer["crew_days"] / offer["unit_mw"] * _need_mw(size, offer["kind"]) for offer in some), default=1)
    return r.choice([1000, min(100_000, rounded(max(work / r.log(2, 60), 0.1), 3))])
