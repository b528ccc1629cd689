"""Draw what is asked: the size of the cluster and every section of the scenario."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

Row = dict[str, Any]
"""One row of a table, or one section of a scenario; None is a blank."""

NO_LIMIT_USD = 1e14
"""A budget that never binds."""

START = "2026-06-01"
NAMES = (("first run", "second", "100k", "all"), ("m1", "Run 2", "ms-3", "m4"))


class Dice(Random):
    """A random generator that also draws across orders of magnitude."""

    def log(self, low: float, high: float) -> float:
        """Return a number between low and high, each order of magnitude as likely as the other."""
        return math.exp(self.uniform(math.log(low), math.log(high)))

    def money(self, low: float, high: float) -> float:
        """Return an amount of money, each order of magnitude as likely as the other."""
        return round(self.log(low, high), 2)


def rounded(value: float, digits: int = 4) -> float:
    """Return the value with so many significant digits."""
    return float(f"{value:.{digits}g}")


@dataclass(frozen=True)
class Size:
    """The sizes that everything else is drawn around.

    Attributes
    ----------
    gpus : int
        Of the last milestone.
    it_mw, heat_mw : float
        IT load, and heat that chillers remove.
    peak_mw : float
        Peak demand, roughly.
    swing_mw : float
    """

    gpus: int
    it_mw: float
    heat_mw: float
    peak_mw: float
    swing_mw: float


def size_of(r: Dice, kind: str, load: Row) -> Size:
    """Draw how many GPUs there are, and return what follows."""
    gpus = int(10 ** (r.uniform(5.3, 6) if kind == "huge" else r.uniform(0.91, 5.3)))
    it = gpus * load["it_kw_per_gpu"] / 1000
    heat = it * load["heat_fraction"]
    return Size(gpus, it, heat, it * (1 + load["auxiliary_load_fraction"]) + heat / 4, it * load["load_step_amplitude"])


def workload(r: Dice) -> Row:
    """Draw the section ``workload``."""
    swing = r.choice([0, 0, 0.2, 0.4, 0.4, 0.7, 1.0])
    return {
        "it_kw_per_gpu": r.choice([0.5, 0.97, 1.0, 1.2, 2.0]),
        "auxiliary_load_fraction": r.choice([0, 0.05, 0.1, 0.3]),
        "load_step_amplitude": swing,
        "load_factor": min(1.0, math.ceil(r.uniform(max(0.3, 1 - swing), 1) * 1000) / 1000),
        "heat_fraction": r.choice([0, 0.3, 0.7, 0.7, 0.9, 1.0]),
        "coolant_c": r.choice([7.0, 10.0, 15.0, 20.0, 28.0, 35.0]),
        "gpu_price_usd": r.choice([0, 100, 30000]),
    }


def scenario(r: Dice, kind: str, seed: int, size: Size, load: Row) -> dict[str, Any]:
    """Draw all sections but the filter and most of the defaults, which belong to the sites."""
    milestones = _milestones(r, size.gpus)
    hall = r.choice([200.0, 350.0, 600.0])
    area = size.it_mw * hall
    halls = ("ready", "sound", "poor", "none")
    money = Dice(f"money {seed}")  # of its own, so that everything else stays as it was drawn before
    return {
        "project": {
            "name": f"world{seed}",
            "start_date": START,
            "term_months": r.choice([1, 6, 12, 24]),
            "budget_usd": NO_LIMIT_USD,
            "horizon_days": r.choice([90, 120, 180, 365]),
        },
        "workload": load,
        "energy": {
            "gas_usd_per_gj": r.choice([0, 4.0, r.money(2, 12)]),
            "diesel_usd_per_gj": r.choice([25.0, r.money(10, 40)]),
            "grid_usd_per_mwh": r.choice([0, 65.0, r.money(20, 200)]),
            "demand_usd_per_mw_month": money.choice([0, 0, money.money(2_000, 20_000)]),
            "carbon_usd_per_t": money.choice([0, 0, 0, money.money(5, 100)]),
        },
        "milestones": milestones,
        "compute": {
            "deliveries": _deliveries(r, size.gpus, milestones[0]["gpus"]),
            "install_gpus_per_day": rounded(size.gpus / r.uniform(2, 35)),
            "network_gpus_per_day": rounded(size.gpus / r.uniform(1, 25)),
            "network_bringup_days": r.choice([0, 1, 2, 7]),
        },
        "building": {
            "hall_m2_per_mw": hall,
            "liquid_loop_mw_per_day": rounded(max(2e-6, size.it_mw / r.uniform(2, 40))),
            "fitout_m2_per_day": {name: min(49_000.0, rounded(area / r.uniform(3, 45))) for name in halls},
            **({"costs": _costs(money)} if money.random() < 0.5 else {}),
        },
        "crews": {"electrical": 1000, "mechanical": 1000},
        "supply": {
            "max_fleet_share": r.choice([0.25, 0.5, 0.5, 1.0]),
            "spare_units": r.choice([0, 0, 1, 1, 2, 3]),
            "ride_through_minutes": r.choice([0, 0, 5, 15, 60]),
            "commissioning_days": r.choice([0, 1, 2, 5]),
            "circuity": r.choice([1.0, 1.25, 1.4]),
            "truck_km_per_day": r.choice([300, 700, 800]),
            "haulage_usd_per_km": r.choice([0, 4.0, 4.5]),
            "yard_prep_days": r.choice([0, 2, 14]),
        },
        "defaults": {"unknown": "exclude", "grid_swing_share": r.choice([0, 0.1, 0.3, 1.0])},
        "objective": {"order": _order(r, kind, [milestone["name"] for milestone in milestones])},
    }


def _costs(r: Dice) -> Row:
    """Draw what it costs to make a site ready."""
    halls = {f"{name}_usd_per_m2": r.choice([0, r.money(10, 2_000)]) for name in ("ready", "sound", "poor", "none")}
    works = ("fitout", "liquid_loop", "plant_site_works", "raw_site_works")
    return halls | {f"{name}_usd_per_mw": r.choice([0, r.money(10_000, 5_000_000)]) for name in works}


def _milestones(r: Dice, last: int) -> list[Row]:
    """Draw one to four milestones; now and then two of them differ by one GPU."""
    count = r.choice([1, 2, 2, 3, 3, 4])
    if last > 20 and count > 1 and r.random() < 0.3:
        low = last // r.choice([2, 3])
        gpus = sorted({low, low + 1, last - 1, last})[-count:]
    else:
        gpus = sorted({max(1, int(last * r.uniform(0.1, 1))) for _ in range(count - 1)} | {last})
    return [
        {"name": name, "gpus": number, "operating_days": r.choice([0, 10, 30, 100, 300])}
        for name, number in zip(r.choice(NAMES), gpus, strict=False)
    ]


def _deliveries(r: Dice, gpus: int, first: int) -> list[Row]:
    """Draw deliveries that are enough in all; now and then the first is just enough for the first milestone."""
    last = r.randint(gpus, gpus + gpus // 3)
    totals = sorted({r.randint(1, last) for _ in range(r.choice([0, 0, 1, 2, 3]))} | {last})
    if len(totals) > 1 and r.random() < 0.3:
        totals[0] = min(first, totals[1] - 1)
    days = sorted(r.sample(range(r.choice([5, 30, 60])), len(totals)))
    return [{"day": day, "gpus": number} for day, number in zip(days, totals, strict=True) if number > 0]


def _order(r: Dice, kind: str, names: list[str]) -> list[str]:
    """Draw the order of the objective: the usual one, part of it, or with the cost anywhere."""
    some = r.sample(names, r.randint(0, len(names)))
    if kind == "cost":
        return [*some[:-1], "cost", *some[-1:]] if r.random() < 0.6 else ["cost", *some]
    return r.choice([[], [], [], some, [*some, "cost"], [*names, "cost"]])
