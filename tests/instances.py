"""Small instances built inline, whose answers a person can work out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from siteopt.equipment import KINDS
from siteopt.instance import QUEUES, TRADES, Instance, PowerQuality
from siteopt.pace import Pace
from siteopt.phases import LIMITED

NAMES = [kind.name for kind in KINDS]

DELIVERIES = QUEUES.index("GPU deliveries")
"""What decides the day of the GPUs in a tiny case; were it free, that would be day 0."""

SITE = {
    "grid_mw": 100.0,
    "grid_swing_mw": 100.0,
    "distribution_mw": 0.0,
    "own_cooling_mw": 0.0,
    "nonfirm_mw": 0.0,
    "fuel_trucks_per_day": np.inf,
    "gas_mw": np.inf,
    "nox_t_per_year": np.inf,
    "water_m3_per_day": np.inf,
    "yard_m2": np.inf,
    "grid_usd_per_mwh": 0.0,
    "demand_usd_per_mw_month": 0.0,
    "site_cost_musd": 1.0,
    "works_musd": (0.0, 0.0, 0.0, 0.0),
    "handover_day": 0,
    "hall_day": 0,
    "hall_gpus_per_day": 1e9,
    "hall_capacity_gpus": np.inf,
    "compute_ready_day": 10,
}
"""A site with all that a cluster needs: it trains on day 10."""

OFFER = {
    "kind": "generator",
    "gas": True,
    "available_units": 10,
    "trade": "electrical",
    "crew_days": 0.0,
    "footprint_m2": 0.0,
    "energy_mwh": 0.0,
    "step_fraction": 0.0,
    "own_load_mw": 0.0,
    "inertia_s": 1.0,
    "droop": 0.05,
    "overload": 0.0,
    "governor_s": 0.2,
    "ramp_per_s": 1.0,
    "rocof_withstand_hz_per_s": np.inf,
    "response_s": 0.1,
    "heat_rate_mj_per_kwh": 7.2,
    "nox_g_per_kwh": 0.0,
    "fuel_usd_per_mwh": 0.0,
    "water_m3_per_mwh": 0.0,
    "transit_days": 0,
    "arrival_day": 0,
    "install_days": 0,
    "rating_mw": 1.0,
    "cop": 1.0,
    "unit_cost_musd": 1.0,
}


QUALITY = PowerQuality("", 60.0, 2.0, 0.1, 0.8, 0.1, 60.0, False, 0.0, 0.0, 0.5, np.inf, (), ())
"""Nothing is asked of the electricity."""


def at_once(gpus: np.ndarray, day: np.ndarray) -> Pace:
    """Deliveries on the day before that of the compute, all of them racked and networked by that day."""
    return Pace(day - 1, np.asarray(gpus), 1e9, 1e9, 1e9, 0)


def generator(**more: Any) -> dict[str, Any]:
    """Ten generators of 1 MW, on site from day 0, at a million each."""
    return {**OFFER, **more}


def chiller(**more: Any) -> dict[str, Any]:
    """Ten chillers of 1 MW of heat, on site from day 0, at a million each; their draw is a thousandth."""
    return {**OFFER, "kind": "chiller", "trade": "mechanical", "cop": 1000.0, **more}


def battery(**more: Any) -> dict[str, Any]:
    """Ten batteries of 1 MW and 1 MWh, on site from day 0, at a million each; they are not grid-forming."""
    return {**OFFER, "kind": "battery", "energy_mwh": 1.0, "inertia_s": 0.0, "droop": 0.0, **more}


def forming(**more: Any) -> dict[str, Any]:
    """Ten grid-forming batteries like :func:`battery`, with 5 MW s of virtual inertia and a droop of 4 % each."""
    return battery(**{"inertia_s": 5.0, "droop": 0.04, "overload": 1.0, **more})


def substation(**more: Any) -> dict[str, Any]:
    """Ten substations of 1 MW, on site from day 0, at a million each."""
    return {**OFFER, "kind": "substation", **more}


def cdu(**more: Any) -> dict[str, Any]:
    """Ten coolant distribution units of 1 MW of heat, on site from day 0, at a million each."""
    return {**OFFER, "kind": "cdu", "trade": "mechanical", **more}


def condenser(**more: Any) -> dict[str, Any]:
    """Ten synchronous condensers of 1 MVA and 4 MW s, on site from day 0, at a million each; they lose nothing."""
    return {**OFFER, "kind": "condenser", "inertia_s": 4.0, **more}


def tiny(
    offers: Sequence[Mapping[str, Any]] = (),
    sites: Sequence[Mapping[str, Any]] = ({},),
    steps: Sequence[Mapping[str, Any]] = (),
    it_mw: Sequence[float] = (10.0,),
    changes: Sequence[Mapping[str, Any]] = (),
    **scalars: Any,
) -> Instance:
    """An Instance of sites like SITE and of the offers given; the load is ``it_mw`` and nothing else.

    Per site and offer, a value may be a list by milestone (``compute_ready_day``) or by site (``arrival_day``). A
    change has a ``site`` (0), a ``day``, and the limits that are others from then on, in the order of sites and days.
    """
    rows = [{**SITE, **site} for site in sites]
    size, milestones = len(rows), len(it_mw)

    def site(name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows])

    def offer(name: str, kind: type = float) -> np.ndarray:
        return np.array([row[name] for row in offers], dtype=kind)

    def pair(name: str, kind: type = float) -> np.ndarray:
        columns = [np.broadcast_to(np.asarray(row[name], dtype=kind), size) for row in offers]
        return np.stack(columns, axis=1) if columns else np.zeros((size, 0), dtype=kind)

    def step(name: str, default: float = 0.0) -> np.ndarray:
        return np.array([row.get(name, default) for row in steps])

    in_force = [[row[name] for name in LIMITED] for row in rows]
    levels = []
    for change in changes:
        now = in_force[change.get("site", 0)]
        now[:] = [change.get(name, value) for name, value in zip(LIMITED, now, strict=True)]
        levels.append(list(now))
    ready_day = np.stack(
        [np.broadcast_to(np.asarray(row["compute_ready_day"], dtype=np.int64), milestones) for row in rows]
    )
    relaxed_day = np.repeat(ready_day[:, :, None], len(QUEUES), axis=2)
    relaxed_day[:, :, DELIVERIES] = 0
    kinds = offer("kind", object)
    arrival = pair("arrival_day", np.int64)
    values: dict[str, Any] = {
        "milestone": tuple(f"m{m}" for m in range(milestones)),
        "gpus": np.arange(1, milestones + 1) * 1000,
        "it_mw": np.array(it_mw, dtype=float),
        "operating_days": np.zeros(milestones, dtype=np.int64),
        "auxiliary_load_fraction": 0.0,
        "load_step_amplitude": 0.0,
        "load_factor": 1.0,
        "heat_fraction": 0.0,
        "tower_heat_fraction": 0.0,
        "liquid_heat_fraction": 0.0,
        "distribution_asked": False,
        "own_cooling_mw_per_mw": 0.0,
        "own_cooling_m3_per_mwh": 0.0,
        "crew_day": np.zeros(1, dtype=np.int64),
        "crews": np.full(len(TRADES), np.inf),
        "commissioning_mw_per_day": np.inf,
        "shells": (),
        "building_site": np.zeros(0, dtype=np.int64),
        "building_id": (),
        "building_day": np.zeros(0, dtype=np.int64),
        "building_gpus_per_day": np.zeros(0),
        "building_gpus": np.zeros(0),
        "option_site": np.zeros(0, dtype=np.int64),
        "option_shell": np.zeros(0, dtype=np.int64),
        "option_day": np.zeros(0, dtype=np.int64),
        "option_count": np.zeros(0, dtype=np.int64),
        "option_ready_day": np.zeros((0, milestones), dtype=np.int64),
        "works_musd": np.array([row["works_musd"] for row in rows], dtype=float),
        "spare_units": 0,
        "ride_through_minutes": 0.0,
        "commissioning_days": 0,
        "horizon_day": 60,
        "budget_musd": 1000.0,
        "gpu_cost_musd": 0.0,
        "power_quality": QUALITY,
        "order": (*range(milestones), -1),
        "min_battery_mw": np.zeros((size, milestones)),
        "min_inertia_mws": np.zeros((size, milestones)),
        "site_id": tuple(f"s{s}" for s in range(size)),
        "compute_ready_day": ready_day,
        "compute_queue": np.full((size, milestones), DELIVERIES),
        "queue_relaxed_day": relaxed_day,
        "step_site": step("site").astype(np.int64),
        "step_ready_day": step("ready_day").astype(np.int64),
        "step_rise_mw": step("rise_mw"),
        "step_rise_swing_mw": step("rise_swing_mw"),
        "step_commissioned_mw": step("rise_mw"),
        "step_cost_musd": step("cost_musd"),
        "change_site": np.array([change.get("site", 0) for change in changes], dtype=np.int64),
        "change_day": np.array([change["day"] for change in changes], dtype=np.int64),
        "change_limit": np.array(levels, dtype=float).reshape(len(changes), len(LIMITED)),
        "accept_nonfirm": False,
        "curtailment_hours": 4.0,
        "offer_id": tuple(f"o{o}" for o in range(len(offers))),
        "kind": np.array([NAMES.index(kind) for kind in kinds], dtype=np.int64),
        "is_gas": (kinds == "generator") & offer("gas", bool),
        "available_units": offer("available_units", np.int64),
        "trade": np.array([TRADES.index(row["trade"]) for row in offers], dtype=np.int64),
        "transit_days": pair("transit_days", np.int64),
        "arrival_day": arrival,
        "ready_day": arrival + offer("install_days", np.int64),
        "rating_mw": pair("rating_mw"),
        "cop": pair("cop"),
        "unit_cost_musd": pair("unit_cost_musd"),
    }
    by_site = set(SITE) - {"compute_ready_day", "works_musd"}
    values |= {name: site(name) for name in by_site}
    for name in ("handover_day", "hall_day"):
        values[name] = values[name].astype(np.int64)
    values["pace"] = at_once(values["gpus"], ready_day[0])
    by_offer = (
        "own_load_mw",
        "crew_days",
        "footprint_m2",
        "energy_mwh",
        "step_fraction",
        "heat_rate_mj_per_kwh",
        "nox_g_per_kwh",
    )
    by_offer += ("inertia_s", "droop", "overload", "governor_s", "ramp_per_s", "response_s", "rocof_withstand_hz_per_s")
    values |= {name: offer(name) for name in (*by_offer, "fuel_usd_per_mwh", "water_m3_per_mwh")}
    values |= scalars
    values.setdefault("option_cost_musd", np.zeros(len(values["option_site"])))
    values["crews"] = np.asarray(values["crews"], dtype=float).reshape(len(TRADES), -1)
    options = np.repeat(values["option_ready_day"][:, :, None], len(QUEUES), axis=2)
    values.setdefault("option_relaxed_day", options)
    return Instance(**values)
