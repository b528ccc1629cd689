"""Random instances with every part of the model at once, sized so that most have a plan and each part often decides."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from siteopt.instance import Instance
from tests.instances import battery, cdu, chiller, generator, substation, tiny

MOST_SETTINGS = 100
"""Most combinations of units and grid steps of an instance, all of which brute force tries."""

LAST_DAY = 60

TIGHT = (
    *("grid", "non-firm import", "gas", "air", "water", "fuel trucks", "crews", "commissioning", "distribution"),
    *("coolant distribution", "own towers", "shells", "yard", "budget", "power quality", "spare units"),
    *("changes", "changes", "changes"),
)
"""Parts of which some are tight in each instance; the others are there, and mostly leave room."""


def mixed(sites: int | None = None) -> st.SearchStrategy[Instance]:
    """Return the strategy that draws instances with every part; a failure is repeated by ``drawn`` of its seed."""
    return st.integers(0, 10**6).map(lambda seed: drawn(seed, sites))


def drawn(seed: int, sites: int | None = None) -> Instance:
    """Return the instance of a seed: up to three sites, six offers, two milestones and three changes of limits."""
    r = Random(seed)
    tight = set(r.sample(TIGHT, 3))
    size = sites or r.choice([1, 1, 2, 3])
    load = _load(r, tight)
    count, last = len(load["it_mw"]), load["it_mw"][-1]
    offers = _offers(r, size, load)
    rows = [_site(r, load, tight) for _ in range(size)]
    steps = [step for site in range(size) for step in _steps(r, site, load)]
    _enough(r, offers, steps, load)
    changes = [change for site in range(size) for change in _changes(r, site, rows[site], load, "changes" in tight)]
    options = _options(r, rows, count, "shells" in tight)
    periods = [0, *sorted(r.sample(range(1, 30), r.choice([0, 1, 2])))]
    cost = sum(offer["available_units"] * max(offer["unit_cost_musd"]) for offer in offers)
    instance = tiny(
        offers,
        rows,
        steps,
        changes=changes,
        **load,
        **options,
        step_commissioned_mw=np.array([step["rise_mw"] * r.choice([0, 1]) for step in steps]),
        crew_day=np.array(periods),
        crews=np.array([_crews(r, len(periods), "crews" in tight) for _ in range(2)]),
        commissioning_mw_per_day=last / (r.uniform(20, 40) if "commissioning" in tight else r.uniform(0.5, 5)),
        commissioning_days=r.randint(0, 3),
        accept_nonfirm=r.random() < 0.3,
        curtailment_hours=r.choice([1.0, 4.0]),
        spare_units=int("spare units" in tight),
        ride_through_minutes=r.choice([0.0, 0.0, 5.0]),
        min_battery_mw=_minima(r, size, count, "power quality" in tight),
        min_inertia_mws=_minima(r, size, count, "power quality" in tight),
        operating_days=np.array([r.choice([0, 30, 200]) for _ in range(count)]),
        budget_musd=2 + cost * r.uniform(0.3, 0.9) if "budget" in tight else 1000.0,
        horizon_day=LAST_DAY,
    )
    return _with_costs(r, instance)


def _with_costs(r: Random, instance: Instance) -> Instance:
    """Draw what works, shells and demand cost; drawn last, so that the rest of each seed stays as it was."""
    works = [[r.choice([0.0, 0.5, 1.0]), 0.25, 0.0, r.choice([0.0, 0.5])] for _ in range(instance.sites)]
    shells = [r.choice([0.0, 1.0, 3.0]) for _ in instance.option_site]
    demand = [r.choice([0.0, 0.0, 15_000.0, 60_000.0]) for _ in range(instance.sites)]
    return replace(
        instance,
        works_musd=np.array(works),
        option_cost_musd=np.array(shells, dtype=float),
        demand_usd_per_mw_month=np.array(demand),
    )


def _load(r: Random, tight: set[str]) -> dict[str, Any]:
    """Draw the load; if the last milestone is capped, it may need no more power than the first."""
    last = r.uniform(5.0, 10.0)
    swing = r.choice([0.0, 0.0, 0.4])
    return {
        "it_mw": [share * last for share in r.choice([[1.0], [0.5, 1.0], [0.7, 1.0], [1.0, 1.0]])],
        "auxiliary_load_fraction": r.choice([0.0, 0.1]),
        "load_step_amplitude": swing,
        "load_factor": 1 - swing / 2,
        "heat_fraction": 0.7 if "water" in tight else r.choice([0.0, 0.3, 0.7]),
        "tower_heat_fraction": 0.3 if "own towers" in tight else r.choice([0.0, 0.0, 0.3]),
        "liquid_heat_fraction": 0.7 if "coolant distribution" in tight else r.choice([0.0, 0.0, 0.7]),
        "distribution_asked": "distribution" in tight or r.random() < 0.4,
        "own_cooling_mw_per_mw": r.choice([0.0, 0.1, 0.4]),
        "own_cooling_m3_per_mwh": r.choice([0.0, 2.0]),
    }


def _offers(r: Random, size: int, load: dict[str, Any]) -> list[dict[str, Any]]:
    """Draw a dirty and a clean generator, and the equipment that the load asks for."""
    last = load["it_mw"][-1]

    def lot(need_mw: float, soonest: int = 0) -> dict[str, Any]:
        rating, price = need_mw * r.uniform(0.3, 1.1), r.choice([0.5, 1.0, 3.0])
        return {
            "available_units": r.choice([1, 2, 2]),
            "trade": r.choice(["electrical", "mechanical"]),
            "crew_days": r.choice([0.0, 3.0, 6.0]),
            "footprint_m2": r.choice([0.0, 1.0, 2.0]),
            "arrival_day": [r.randint(soonest, 30) for _ in range(size)],
            "install_days": r.randint(0, 4),
            "rating_mw": [rating * r.choice([1.0, 0.9]) for _ in range(size)],
            "unit_cost_musd": [price * r.choice([1.0, 1.2]) for _ in range(size)],
        }

    found = [
        generator(
            **lot(last),
            inertia_s=r.choice([0.0, 3.0]),
            gas=r.random() < 0.5,
            step_fraction=r.choice([0.1, 0.5]),
            nox_g_per_kwh=r.choice([0.3, 1.0]),
            fuel_usd_per_mwh=r.choice([60.0, 200.0]),
        ),
        generator(
            **lot(last, soonest=15),
            heat_rate_mj_per_kwh=r.choice([0.0, 8.0]),
            gas=r.random() < 0.5,
            nox_g_per_kwh=r.choice([0.0, 0.0, 0.1]),
            fuel_usd_per_mwh=r.choice([60.0, 120.0]),
        ),
        battery(**lot(last / 2), energy_mwh=r.choice([2.0, 8.0, 20.0])),
    ]
    heat = last * (load["heat_fraction"] + load["tower_heat_fraction"])
    if heat:
        found.append(chiller(**lot(heat), cop=r.choice([2.0, 5.0]), water_m3_per_mwh=r.choice([0.0, 1.0])))
    if load["distribution_asked"]:
        found.append(substation(**lot(1.2 * last)))
    if load["liquid_heat_fraction"]:
        found.append(cdu(**lot(last)))
    return found


def _enough(r: Random, offers: list[dict[str, Any]], steps: list[dict[str, Any]], load: dict[str, Any]) -> None:
    """Take units away until brute force can try every combination, then make them large enough for their need."""
    ladder = 1 + max((sum(step["site"] == site for step in steps) for site in range(3)), default=0)
    while ladder * np.prod([1 + offer["available_units"] for offer in offers]) > MOST_SETTINGS:
        several = [offer for offer in offers if offer["available_units"] > 1]
        r.choice(several or [offers[1]])["available_units"] -= 1  # a plan may do without the clean generator
    last = load["it_mw"][-1]
    heat = last * (load["heat_fraction"] + load["tower_heat_fraction"])
    needs = {"generator": 1.6 * last, "battery": 0.5 * last, "chiller": heat, "substation": 1.6 * last, "cdu": last}
    for kind, need in needs.items():
        some = [offer for offer in offers if offer["kind"] == kind]
        there = sum(offer["available_units"] * min(offer["rating_mw"]) for offer in some)
        for offer in some if there else ():
            offer["rating_mw"] = [rating * max(1, need * r.uniform(1, 1.5) / there) for rating in offer["rating_mw"]]


def _needs(load: dict[str, Any]) -> dict[str, float]:
    """Return, for each limit, roughly what a plan needs that uses little else."""
    last = load["it_mw"][-1]
    heat = last * (load["heat_fraction"] + load["tower_heat_fraction"])
    return {
        "grid_mw": last,
        "grid_swing_mw": 0.4 * last,
        "nonfirm_mw": 0.6 * last,
        "distribution_mw": 1.3 * last,
        "gas_mw": 2 * last,
        "nox_t_per_year": 0.4 * 8.76 * last,
        "water_m3_per_day": 24 * heat,
        "fuel_trucks_per_day": 24 / 116 * last,
    }


def _site(r: Random, load: dict[str, Any], tight: set[str]) -> dict[str, Any]:
    needs = _needs(load)

    def limit(part: str, name: str) -> float:
        return needs[name] * r.uniform(0.2, 0.9) if part in tight else r.choice([np.inf, needs[name] * r.uniform(1, 3)])

    def share(part: str, usual: list[float]) -> float:
        return r.choice([0.0, 0.2]) if part in tight else r.choice(usual)

    return {
        "grid_mw": load["it_mw"][-1] * share("grid", [0.3, 0.6, 1.2]),
        "grid_swing_mw": r.choice([0.0, 2.0, 5.0]),
        "nonfirm_mw": load["it_mw"][-1] * (0.6 if "non-firm import" in tight else r.choice([0.0, 0.0, 0.3])),
        "distribution_mw": load["it_mw"][-1] * share("distribution", [0.5, 1.5]),
        "own_cooling_mw": load["it_mw"][-1] * share("own towers", [0.2, 0.5]),
        "gas_mw": limit("gas", "gas_mw"),
        "nox_t_per_year": limit("air", "nox_t_per_year"),
        "water_m3_per_day": limit("water", "water_m3_per_day"),
        "fuel_trucks_per_day": limit("fuel trucks", "fuel_trucks_per_day"),
        "yard_m2": r.choice([2.0, 3.0, 4.0]) if "yard" in tight else r.choice([np.inf, 9.0]),
        "grid_usd_per_mwh": r.choice([0.0, 50.0, 150.0]),
        "site_cost_musd": r.choice([1.0, 1.5, 2.0]),
        "compute_ready_day": sorted(r.randint(0, 20) for _ in load["it_mw"]),
    }


def _steps(r: Random, site: int, load: dict[str, Any]) -> list[dict[str, Any]]:
    days = sorted(r.randint(0, 45) for _ in range(r.choice([0, 0, 1, 2])))
    rises = [load["it_mw"][-1] * r.choice([0.3, 0.7]) for _ in days]
    return [
        {
            "site": site,
            "ready_day": day,
            "rise_mw": rise,
            "rise_swing_mw": 0.1 * rise,
            "cost_musd": r.choice([0.0, 2.0]),
        }
        for day, rise in zip(days, rises, strict=True)
    ]


def _changes(r: Random, site: int, row: dict[str, Any], load: dict[str, Any], tight: bool) -> list[dict[str, Any]]:
    """Draw limits that come late, fall for a while, or fall for good; the row of the site has the first value."""
    found: dict[int, dict[str, Any]] = {}
    needs = _needs(load)
    for name in r.sample(sorted(needs), r.choice([1, 2]) if tight else r.choice([0, 1])):
        first, second = sorted(r.sample(range(10, 70), 2))
        little = needs[name] * (r.uniform(0, 0.5) if tight else r.uniform(0.5, 0.9))
        enough = max(row[name], needs[name])
        kind = r.choice(["late", "gap", "gap", "fall"])
        row[name] = little if kind == "late" else enough
        for day, level in {"late": [(first, enough)], "gap": [(first, little), (second, enough)]}.get(
            kind, [(first, little)]
        ):
            found.setdefault(day, {"site": site, "day": day})[name] = level
    return [found[day] for day in sorted(found)]


def _options(r: Random, rows: list[dict[str, Any]], count: int, tight: bool) -> dict[str, Any]:
    """Draw types of new shells for some sites, of which one may have the first GPUs sooner and all of them later."""
    owner, ready = [], []
    for site, row in enumerate(rows):
        if tight or r.random() < 0.3:
            mine = [sorted(r.randint(5, 40) for _ in range(count)) for _ in range(r.choice([2, 3]))]
            if count > 1:
                mine[:2] = [[r.randint(5, 15), r.randint(30, 45)], [r.randint(15, 25), r.randint(25, 30)]]
            row["compute_ready_day"] = np.min(mine, axis=0).tolist()
            owner += [site] * len(mine)
            ready += mine
    return {
        "option_site": np.array(owner, dtype=np.int64),
        "option_shell": np.arange(len(owner)),
        "option_day": np.zeros(len(owner), dtype=np.int64),
        "option_count": np.ones(len(owner), dtype=np.int64),
        "option_ready_day": np.array(ready, dtype=np.int64).reshape(len(owner), count),
    }


def _crews(r: Random, periods: int, tight: bool) -> list[float]:
    """Draw the crews of a trade, without a limit in all periods or in none; in the last period some are there."""
    if not tight:
        return [np.inf if r.random() < 0.5 else 4.0] * periods
    return [*(r.choice([0.0, 0.3, 1.0]) for _ in range(periods - 1)), r.choice([0.5, 1.0])]


def _minima(r: Random, size: int, count: int, asked: bool) -> np.ndarray:
    """Draw what power quality asks for at each site; it never falls from one milestone to the next."""
    least = [[r.choice([0.0, 1.0, 1.0, 3.0, 3.0, np.inf]) if asked else 0.0 for _ in range(count)] for _ in range(size)]
    return np.maximum.accumulate(np.array(least), axis=1)
