"""The LP file of each constraint family on one small instance.

``python -m tests.optimize.lp_snapshots`` rewrites them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from siteopt.optimize.formulation import FAMILIES, choice, totals
from siteopt.optimize.model import Model
from tests.instances import battery, cdu, chiller, generator, substation, tiny

FOLDER = Path(__file__).parent / "lp"
PARTS: tuple[Callable[[Model], None], ...] = (choice, totals, *FAMILIES.values())


def text_of(part: Callable[[Model], None]) -> str:
    """The LP file of one family alone: two milestones, a grid step, two depots of one generator, each other kind."""
    offers = [
        generator(
            arrival_day=3, install_days=1, crew_days=5.0, footprint_m2=9.0, step_fraction=0.25, nox_g_per_kwh=0.3
        ),
        generator(
            arrival_day=6, install_days=1, crew_days=5.0, footprint_m2=9.0, step_fraction=0.25, nox_g_per_kwh=0.3
        ),
        chiller(arrival_day=4, crew_days=2.0, rating_mw=2.0, cop=4.0, water_m3_per_mwh=0.5, footprint_m2=7.0),
        battery(arrival_day=5, energy_mwh=3.0, unit_cost_musd=1.5, footprint_m2=8.0),
        substation(rating_mw=2.5, footprint_m2=6.0),
        cdu(rating_mw=1.5, footprint_m2=4.0),
    ]
    site = {
        "gas_mw": 40.0,
        "nox_t_per_year": 50.0,
        "water_m3_per_day": 60.0,
        "yard_m2": 700.0,
        "grid_usd_per_mwh": 50.0,
        "demand_usd_per_mw_month": 7305.0,
        "works_musd": (1.0, 2.0, 3.0, 4.0),
    }
    # the families of what is not everywhere have it here, and it changes while the first milestone is in force
    by_day = part.__name__ in ("curtailment", "fuel_trucks")
    if by_day:
        offers[1]["gas"] = False
        site |= {"nonfirm_mw": 1.5, "fuel_trucks_per_day": 2.0}
    instance = tiny(
        offers,
        [site | {"grid_mw": 4.0, "grid_swing_mw": 1.0, "distribution_mw": 5.0, "own_cooling_mw": 2.0}],
        [{"site": 0, "ready_day": 7, "rise_mw": 3.0, "rise_swing_mw": 0.5, "cost_musd": 2.0}],
        it_mw=(6.0, 8.0),
        changes=[{"day": 9, "nonfirm_mw": 2.5, "fuel_trucks_per_day": 1.0}] if by_day else [],
        auxiliary_load_fraction=0.1,
        load_step_amplitude=0.4,
        load_factor=0.8,
        heat_fraction=0.5,
        tower_heat_fraction=0.25,
        liquid_heat_fraction=0.8,
        distribution_asked=True,
        own_cooling_mw_per_mw=0.02,
        own_cooling_m3_per_mwh=1.5,
        spare_units=1,
        ride_through_minutes=15.0,
        commissioning_days=2,
        crews=np.array([3.0, 4.0]),
        commissioning_mw_per_day=2.5,
        option_site=np.array([0, 0]),
        option_shell=np.array([0, 1]),
        option_day=np.array([0, 0]),
        option_count=np.array([1, 1]),
        option_ready_day=np.array([[6, 8], [7, 7]]),
        option_cost_musd=np.array([5.0, 6.0]),
        operating_days=np.array([10, 20]),
        min_battery_mw=np.array([[0.0, 6.0]]),
        min_inertia_mws=np.array([[5.0, np.inf]]),
    )
    model = Model(instance, (0,), {(0, 0): [8, 9], (0, 1): [9, 10]})
    part(model)
    model.problem.setObjective(model.cost_musd() if part.__name__ == "budget" else model.day(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.lp"
        model.problem.writeLP(str(path))
        return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for part in PARTS:
        (FOLDER / f"{part.__name__}.lp").write_text(text_of(part), encoding="utf-8")
