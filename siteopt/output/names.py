"""Hold the English words for names of siteopt that differ from the name, and the nouns that are counted."""

from __future__ import annotations

from siteopt.equipment import KINDS

NAMES = {
    "gpus": "GPUs",
    "demand_mw": "peak demand",
    "mean_mw": "mean demand",
    "heat_mw": "heat",
    "grid_mw": "grid capacity",
    "own": "the site's own",
    "cdu": "CDU",
    "cdus": "CDUs",
    "cdu haul": "CDU haul",
    "distribution_mw": "distribution of the plant",
    "own_cooling_mw": "own towers",
    "handover_days": "days to handover",
    "roof_day": "day of the last roof",
    "tilt_up": "tilt-up",
    "multi_storey": "multi-storey",
    "floor_area_m2": "floor area",
    "yard_area_m2": "yard area",
    "gas_mw": "gas connection",
    "water_m3_per_day": "water supply",
    "nox_limit_t_per_year": "limit of NOx",
    "nonfirm_mw": "non-firm import",
    "grid_nonfirm": "non-firm grid",
    "nox": "NOx",
    "fuel_trucks": "diesel by truck",
    "nox_t_per_year": "limit of NOx",
    "fuel_trucks_per_day": "fuel trucks",
    "import_mw": "mean import",
    "air_permit_days": "days to the air permit",
    "design_temp_c": "design temperature",
    "elevation_m": "elevation",
    "grid_usd_per_mwh": "price of grid energy",
    "site_cost_usd": "cost of the site",
    "m3/day": "m³/day",
    "m2": "m²",
    "tankers/day": "tankers a day",
    "m2/day": "m²/day",
    **{f"{state} condition": f"{state} hall" for state in ("ready", "sound", "poor", "gutted")},
    "none condition": "no hall",
    "deg C": "°C",
    "front": "Pareto front",
    "cash": "payments",
    "site_plan": "site plan",
    "lead phase": "order to departure",
    "haul phase": "haul",
    "install phase": "installation",
    "shell phase": "handover to roof",
    "fitout": "fit-out",
    "fitout phase": "fit-out",
    "build phase": "GPUs, halls, racks and network",
    "commission phase": "commissioning",
    "wait phase": "waiting for power or cooling",
    "limit phase": "limit of the site",
    "barred phase": "nothing allowed",
    "load_mw": "load",
    "networked_gpus": "networked",
    "training_gpus": "training",
    "lowest_hz": "lowest Hz",
    "highest_hz": "highest Hz",
    "schedule_mw": "scheduled import, MW",
    "battery_mwh": "through batteries, MWh",
    "battery_peak_mw": "batteries, peak MW",
    "battery_drain_mw": "batteries, mean MW",
    "import_peak_mw": "import, peak MW",
    "import_swing_mw": "import, swing MW",
    "shed_mw": "shed, MW",
    "lost_mw": "lost, MW",
}

PLURAL = {**{kind.name: kind.plural for kind in KINDS}, "grid": "grid", "own": "own"}
"""Plural of each kind of equipment; the grid, and what a site has of its own, have the same name."""


def titled(name: str) -> str:
    """Return the English words for a name, with a capital at the beginning."""
    words = _words(name)
    return words[0].upper() + words[1:]


def _words(name: str) -> str:
    return NAMES.get(name, name)


COUNTED = {
    "day": ("{count} day", "{count} days"),
    "year": ("{count} year", "{count} years"),
    "unit": ("{count} unit", "{count} units"),
    **{kind.name: (f"{{count}} {_words(kind.name)}", f"{{count}} {_words(kind.plural)}") for kind in KINDS},
    "depot": ("{count} depot", "{count} depots"),
    "site": ("{count} site", "{count} sites"),
    "candidate": ("{count} candidate", "{count} candidates"),
    "eligible site": ("{count} eligible site", "{count} eligible sites"),
    "order": ("{count} order", "{count} orders"),
    "crew": ("{count} crew", "{count} crews"),
    "claim": ("{count} claim", "{count} claims"),
    "error": ("{count} error", "{count} errors"),
    "warning": ("{count} warning", "{count} warnings"),
    "linear program": ("{count} linear program", "{count} linear programs"),
}
"""Counted nouns: the form for one, and the form for any other number."""
