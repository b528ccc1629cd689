"""Random small instances, drawn so that each limit often binds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from siteopt.instance import Instance
from tests.instances import battery, cdu, chiller, condenser, generator, substation, tiny


@st.composite
def instances(
    draw: st.DrawFn, milestones: int | None = None, sites: int | None = None, changes: int | None = None
) -> Instance:
    """Up to three sites, four offers and two milestones, unless their number is given.

    A quarter of them have limits that change, unless the most changes of a site are given.
    """
    count = milestones or draw(st.integers(1, 2))
    few = st.integers(0, 2)
    day = st.integers(0, 30)
    size = sites or draw(st.integers(1, 3))

    def scarce(*values: float) -> st.SearchStrategy[float]:
        return st.sampled_from([*values, np.inf])

    rows = [
        {
            "grid_mw": draw(st.sampled_from([0.0, 3.0, 6.0, 12.0])),
            "grid_swing_mw": draw(st.sampled_from([0.0, 2.0, 5.0])),
            "distribution_mw": draw(st.sampled_from([0.0, 5.0, 12.0])),
            "own_cooling_mw": draw(st.sampled_from([0.0, 1.5, 5.0])),
            "gas_mw": draw(scarce(4.0, 9.0)),
            "nox_t_per_year": draw(scarce(9.0, 30.0)),
            "water_m3_per_day": draw(scarce(50.0, 120.0)),
            "yard_m2": draw(scarce(2.0, 4.0)),
            "grid_usd_per_mwh": draw(st.sampled_from([0.0, 40.0])),
            "demand_usd_per_mw_month": draw(st.sampled_from([0.0, 30_000.0])),
            "site_cost_musd": draw(st.sampled_from([1.0, 2.0, 3.0])),
            "works_musd": (draw(st.sampled_from([0.0, 1.0])), 0.5, 0.0, 0.0),
            "compute_ready_day": sorted(draw(st.lists(st.integers(0, 15), min_size=count, max_size=count))),
        }
        for _ in range(size)
    ]

    def common() -> dict[str, Any]:
        return {
            "available_units": draw(few),
            "trade": draw(st.sampled_from(["electrical", "mechanical"])),
            "crew_days": draw(st.sampled_from([0.0, 3.0, 7.0])),
            "footprint_m2": draw(st.sampled_from([0.0, 1.0, 2.0])),
            "arrival_day": [draw(day) for _ in range(size)],
            "install_days": draw(st.integers(0, 4)),
            "rating_mw": [draw(st.sampled_from([2.0, 3.5, 6.0])) for _ in range(size)],
            "unit_cost_musd": [draw(st.sampled_from([0.5, 1.0, 4.0])) for _ in range(size)],
        }

    power = generator(
        **common(),
        inertia_s=draw(st.sampled_from([0.0, 1.0, 4.0])),
        gas=draw(st.booleans()),
        step_fraction=draw(st.sampled_from([0.1, 0.5])),
        nox_g_per_kwh=draw(st.sampled_from([0.0, 0.3])),
        fuel_usd_per_mwh=draw(st.sampled_from([0.0, 90.0])),
    )
    cold = chiller(
        **common(), cop=draw(st.sampled_from([2.0, 4.0])), water_m3_per_mwh=draw(st.sampled_from([0.0, 1.0]))
    )
    store = battery(
        **common(), energy_mwh=draw(st.sampled_from([0.5, 2.0])), inertia_s=draw(st.sampled_from([0.0, 0.0, 2.0]))
    )
    distribution, liquid_heat = draw(st.sampled_from([(False, 0.0), (False, 0.0), (True, 0.0), (False, 0.5)]))
    spinning = condenser(**common(), own_load_mw=draw(st.sampled_from([0.0, 0.3])))
    extra = draw(st.sampled_from([None, power | {"arrival_day": 0}, cold | {"arrival_day": 0}, spinning]))
    extra = substation(**common()) if distribution else cdu(**common()) if liquid_heat else extra
    offers = [offer for offer in (power, cold, store, extra) if offer]
    steps = [
        {"site": site, "ready_day": draw(day), "rise_mw": 5.0, "rise_swing_mw": 1.0, "cost_musd": draw(few)}
        for site in range(size)
        if draw(st.booleans())
    ]
    most = draw(st.sampled_from([0, 0, 0, 2])) if changes is None else changes
    if most:
        for row in rows:
            row["nonfirm_mw"] = draw(st.sampled_from([0.0, 0.0, 3.0]))
            row["fuel_trucks_per_day"] = draw(scarce(0.5, 1.0))
    limits = {
        "grid_mw": st.sampled_from([0.0, 3.0, 6.0, 12.0]),
        "grid_swing_mw": st.sampled_from([0.0, 2.0, 5.0]),
        "nonfirm_mw": st.sampled_from([0.0, 3.0, 6.0]),
        "gas_mw": scarce(0.0, 4.0, 9.0),
        "nox_t_per_year": scarce(0.0, 9.0, 30.0),
        "water_m3_per_day": scarce(50.0, 120.0),
        "fuel_trucks_per_day": scarce(0.0, 0.5, 1.0),
    }
    changing = [
        {
            "site": site,
            "day": begin,
            **{
                name: draw(limits[name])
                for name in draw(st.sets(st.sampled_from(sorted(limits)), min_size=1, max_size=2))
            },
        }
        for site in range(size)
        for begin in sorted(draw(st.sets(st.integers(1, 60), max_size=most)))
    ]
    floor = st.sampled_from([0.0, 0.0, 2.5, 7.0, np.inf] if draw(st.booleans()) else [0.0])
    minima = np.array([[draw(floor) for _ in range(count)] for _ in range(2 * size)])
    swing = draw(st.sampled_from([0.0, 0.4]))
    periods = [0, *sorted(draw(st.sets(st.integers(1, 25), max_size=2)))]
    unlimited = [draw(st.booleans()) and draw(st.booleans()) for _ in range(2)]
    crews = [[np.inf if free else draw(st.sampled_from([0.0, 1.0, 2.5])) for _ in periods] for free in unlimited]
    options = [site for site in range(size) for _ in range(draw(st.sampled_from([0, 0, 2, 3])))]
    ready = [sorted(draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))) for _ in options]
    for site in set(options):
        mine = [days for days, owner in zip(ready, options, strict=True) if owner == site]
        rows[site]["compute_ready_day"] = np.min(mine, axis=0).tolist()
    return tiny(
        offers,
        rows,
        steps,
        it_mw=[4.0, 7.0][:count],
        changes=changing,
        accept_nonfirm=bool(most) and draw(st.booleans()),
        auxiliary_load_fraction=draw(st.sampled_from([0.0, 0.1])),
        load_step_amplitude=swing,
        load_factor=1 - swing / 2,
        heat_fraction=draw(st.sampled_from([0.0, 0.5, 1.0])),
        tower_heat_fraction=draw(st.sampled_from([0.0, 0.0, 0.5])),
        liquid_heat_fraction=liquid_heat,
        distribution_asked=distribution,
        own_cooling_mw_per_mw=draw(st.sampled_from([0.0, 0.1, 0.4])),
        own_cooling_m3_per_mwh=draw(st.sampled_from([0.0, 2.0])),
        crew_day=np.array(periods),
        crews=np.array(crews),
        commissioning_mw_per_day=draw(scarce(0.7, 2.0)),
        option_site=np.array(options, dtype=np.int64),
        option_shell=np.arange(len(options)),
        option_day=np.zeros(len(options), dtype=np.int64),
        option_count=np.ones(len(options), dtype=np.int64),
        option_ready_day=np.array(ready, dtype=np.int64).reshape(len(options), count),
        option_cost_musd=np.array([draw(st.sampled_from([0.0, 1.0, 3.0])) for _ in options]),
        spare_units=draw(st.integers(0, 1)),
        ride_through_minutes=draw(st.sampled_from([0.0, 10.0])),
        commissioning_days=draw(st.integers(0, 3)),
        min_battery_mw=minima[:size],
        min_inertia_mws=minima[size:],
        operating_days=np.array([30, 60][:count]),
        budget_musd=draw(st.sampled_from([6.0, 12.0, 1000.0])),
        horizon_day=45,
    )
