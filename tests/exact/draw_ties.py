"""Make limits equal to needs, or miss them by a hair or by a little more."""

from __future__ import annotations

from typing import Any

from tests.exact.draw_scenario import Dice, Row, Size

MISSES = (0, 0, 0, 3e-10, -3e-10, 1e-6, 1e-4)
"""Share by which a limit falls short of the need: exactly met, by less than a hair, or clearly."""

MISSES_OF_HALLS = (0, 0, 1e-4)
"""GPUs are counted, so a hall knows no hair."""


def ties(
    r: Dice, size: Size, scenario: dict[str, Any], candidates: list[Row], offers: list[Row], steps: list[Row]
) -> None:
    """Change a world so that one limit, drawn at random, is just met."""
    tie = r.choice([_grid, _ride, _cooling, _floor, _yard, _crews, _racks])
    missed = 1 - r.choice(MISSES_OF_HALLS if tie is _floor else MISSES)
    tie(r, size.it_mw * missed, scenario, candidates, offers)
    if tie is _grid:
        steps.clear()


def _grid(_: Dice, it_mw: float, scenario: dict[str, Any], candidates: list[Row], __: list[Row]) -> None:
    """Make the grid the peak of a load without chillers."""
    scenario["workload"]["heat_fraction"] = 0
    for site in candidates:
        site["grid_mw"] = min(5000, it_mw * (1 + scenario["workload"]["auxiliary_load_fraction"]))


def _ride(r: Dice, it_mw: float, scenario: dict[str, Any], _: list[Row], offers: list[Row]) -> None:
    """Make a few batteries hold the load for just the time that is asked for."""
    minutes = scenario["supply"]["ride_through_minutes"]
    for offer in offers:
        if offer["kind"] == "battery" and minutes:
            offer["energy_mwh"] = min(5000, max(0.01, it_mw * minutes / 60 / r.randint(1, 6)))


def _cooling(r: Dice, it_mw: float, scenario: dict[str, Any], _: list[Row], offers: list[Row]) -> None:
    """Make a few towers, which work in any air, remove just the heat."""
    for offer in offers:
        units = r.randint(1, 6)
        if offer["kind"] == "chiller":
            unit = it_mw * scenario["workload"]["heat_fraction"] / units
            offer |= {"unit_mw": min(500, max(0.01, unit)), "approach_c": -30.0, "count": max(offer["count"], units)}


def _floor(_: Dice, it_mw: float, scenario: dict[str, Any], candidates: list[Row], __: list[Row]) -> None:
    """Make the hall just hold the GPUs."""
    for site in candidates:
        site["floor_area_m2"] = min(5e6, it_mw * scenario["building"]["hall_m2_per_mw"])


def _yard(r: Dice, it_mw: float, _: dict[str, Any], candidates: list[Row], offers: list[Row]) -> None:
    """Make the yard just hold some units of two offers."""
    for site in candidates:
        some = r.sample(offers, min(2, len(offers)))
        site["yard_area_m2"] = min(5e7, sum(offer["footprint_m2"] * r.randint(1, 12) for offer in some))


def _crews(r: Dice, _: float, scenario: dict[str, Any], __: list[Row], offers: list[Row]) -> None:
    """Make the crews install some units of an offer in just so many days."""
    for trade in scenario["crews"]:
        work = [offer["crew_days"] for offer in offers if offer["trade"] == trade and offer["crew_days"]]
        if work:
            scenario["crews"][trade] = r.choice(work) * r.randint(1, 9) / r.randint(2, 30)


def _racks(r: Dice, _: float, scenario: dict[str, Any], __: list[Row], ___: list[Row]) -> None:
    """Make the racks of a milestone take just so many days."""
    gpus = r.choice(scenario["milestones"])["gpus"]
    scenario["compute"] |= {"install_gpus_per_day": gpus / r.randint(1, 30), "network_gpus_per_day": float(gpus)}
