"""The swing equation against closed forms, and the limits of machines, batteries and grids one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteopt.simulate.electrical import Allowed, Event, Trace, simulate, simulated
from siteopt.simulate.steps import OVERLOAD_S, Bus, Forming, Machines

FREE = Machines(10.0, inertia_s=1.0, droop=0.05, governor_s=0.3, ramp_per_s=0.0, step_fraction=1.0)
"""Nothing but inertia, lag and droop: set points stand still, and no level holds the power back. 2 H C = 20 MW s."""

FLYWHEEL = replace(FREE, step_fraction=0.0)
"""Cannot give more than it gives."""


def bus(*machines: Machines, battery: float = 0.0, mwh: float = 10.0, **more: Any) -> Bus:
    values = {"battery_mw": battery, "battery_mwh": mwh, "response_s": 0.1, "import_mw": 0.0, "limit_mw": 0.0}
    return Bus(machines, **{**values, **more})


def step(on: Bus, before: float, after: float, duration: float = 10.0) -> Event:
    return Event("step", "islanded", on, on, before, (0.0,), (after,), duration)


def stepped(dp: float, time: np.ndarray) -> np.ndarray:
    """Deviation of FREE after a step of the load: 2 H C x' = p - L, T p' = r - p - C x / R.

    So x'' + x' / T + C / (2 H C R T) x = -dP / (2 H C T), from x = 0 and x' = -dP / (2 H C).
    """
    inertia, stiff, lag = 20.0, 10.0 / 0.05, 0.3
    damping, final = 1 / (2 * lag), -dp / stiff
    ring = np.sqrt(stiff / (inertia * lag) - damping**2)
    sine = (damping - stiff / inertia) / ring
    return final * (1 - np.exp(-damping * time) * (np.cos(ring * time) + sine * np.sin(ring * time)))


def test_one_machine_follows_the_closed_form() -> None:
    trace = simulate(step(bus(FREE), 5.0, 7.0), stride=1)
    exact = stepped(2.0, trace.time_s)
    assert np.abs(trace.deviation - exact).max() < 1e-3 * np.abs(exact).max()
    assert trace.lowest == pytest.approx(exact.min(), rel=1e-3)
    assert trace.time_s[trace.deviation.argmin()] == pytest.approx(trace.time_s[exact.argmin()], abs=2e-3)
    # droop: 2 of 10 MW at 5 % is 1 %
    assert trace.deviation[-1] == pytest.approx(-0.01, rel=1e-3)
    assert trace.generators_mw[-1] == pytest.approx(7.0, rel=1e-3)


def test_frequency_falls_at_once_by_power_over_twice_the_inertia() -> None:
    # 2 MW / 20 MW s = 0.1 a second, 6 Hz/s at 60 Hz
    trace = simulate(step(bus(FREE), 5.0, 7.0), stride=1)
    assert trace.deviation[2] / trace.time_s[2] == pytest.approx(-0.1, rel=1e-2)
    # over the window of 500 ms the governor already helps
    time = np.arange(0, 10, 1e-3)
    exact = stepped(2.0, time)
    assert trace.rocof_per_s == pytest.approx(np.abs(exact[500:] - exact[:-500]).max() / 0.5, rel=1e-2)


def test_battery_that_covers_the_step_leaves_the_gap_of_its_lag() -> None:
    # dP tau / (2 H C) = 2 x 0.1 / 20 = 1 %
    trace = simulate(step(bus(FLYWHEEL, battery=3.0), 5.0, 7.0), stride=1)
    exact = -0.01 * (1 - np.exp(-trace.time_s / 0.1))
    assert np.abs(trace.deviation - exact).max() < 1e-5
    assert trace.lowest == pytest.approx(-0.01, rel=1e-3)
    assert trace.battery_peak_mw == pytest.approx(2.0, rel=1e-3)
    # 2 MW less what the lag held back, 2 x 0.1 MW s
    assert trace.throughput_mwh == pytest.approx((2 * trace.time_s[-1] - 0.2) / 3600, rel=1e-3)
    assert (0.5 - trace.charge[-1]) * 10 == pytest.approx(trace.throughput_mwh, rel=1e-3)


def test_power_rises_by_the_step_and_then_by_the_ramp_and_falls_as_it_likes() -> None:
    heavy = Machines(10.0, inertia_s=500.0, droop=1e-5, governor_s=0.01, ramp_per_s=0.05, step_fraction=0.1)
    up = simulate(step(bus(heavy), 2.0, 9.0, 4.0), stride=1)
    # from 2 MW: 1 MW at once, then 0.5 MW a second
    assert up.generators_mw[200] == pytest.approx(3.1, abs=0.02)
    assert up.generators_mw[2000] == pytest.approx(4.0, abs=0.02)
    # 7 MW less within the lag of 0.01 s and what its droop takes
    down = simulate(step(bus(heavy), 9.0, 2.0, 1.0), stride=1)
    assert down.generators_mw[100] == pytest.approx(2.0, abs=0.05)


def test_set_points_take_over_from_the_battery() -> None:
    ready = replace(FREE, ramp_per_s=1.0)
    trace = simulate(step(bus(ready, battery=3.0), 5.0, 7.0, 60.0))
    # after 10 s the set point has come 1 - 1/e of the way, and the battery gives the rest
    assert np.interp(10.0, trace.time_s, trace.batteries_mw) == pytest.approx(2 / np.e, rel=0.02)
    # settled: less than a thousandth of 10 MW a second to go, at 10 s
    assert trace.generators_mw[-1] == pytest.approx(7.0, abs=0.11)


def test_a_bus_at_rest_stays_at_its_frequency() -> None:
    trace = simulate(step(bus(FREE, battery=3.0), 5.0, 5.0))
    assert (trace.lowest, trace.highest) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert trace.throughput_mwh == pytest.approx(0.0, abs=1e-12)
    assert trace.time_s[-1] < 1.0  # nothing to follow


def test_more_than_the_capacity_collapses() -> None:
    # full already: (10 - 15) / 20 = -0.25 a second, so -0.25 after one second
    trace = simulate(step(bus(FREE), 10.0, 15.0))
    assert trace.collapsed_s == pytest.approx(1.0, abs=2e-3)
    assert trace.lowest == pytest.approx(-0.25, abs=1e-3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_empty_battery_gives_nothing_and_a_full_one_takes_nothing(sign: float) -> None:
    # half of 0.01 MWh is 18 MW s: 2 MW for 9 s, and 0.1 s more for the lag; a turbine at 0 cannot fall
    event = step(bus(FLYWHEEL, battery=2.0, mwh=0.01), 0.0, 2.0 * sign, 30.0)
    trace = simulate(event, stride=1)
    over = trace.time_s[np.flatnonzero(trace.batteries_mw)[-1]]
    assert over == pytest.approx(9.1, abs=0.01)
    assert trace.charge[-1] == pytest.approx(0.5 - 0.5 * sign, abs=1e-4)
    assert trace.collapsed_s is not None
    # from -1 % on, 2 MW / 20 MW s, to the trip at -25 % or +20 %
    assert trace.collapsed_s == pytest.approx(9.1 + (2.4 if sign > 0 else 1.9), abs=0.03)


def test_a_grid_moves_along_its_droop_whatever_its_contract_is() -> None:
    # 10 MW of 420,000 MW
    tied = bus(import_mw=50.0, limit_mw=100.0)
    trace = simulate(step(tied, 50.0, 60.0))
    assert trace.lowest == pytest.approx(-10 / 420_000)
    assert trace.grid_highest_mw == pytest.approx(60.0)
    assert (trace.collapsed_s, trace.grid_beyond_s) == (None, 0.0)
    above = simulate(step(tied, 50.0, 101.0))
    assert (above.collapsed_s, above.grid_highest_mw) == (None, pytest.approx(101.0))
    assert above.grid_beyond_s > 1.0
    # one more MW is within a tolerance of 2 %
    tolerant = replace(step(tied, 50.0, 101.0), allowed=Allowed(overrun_share=0.02))
    assert simulate(tolerant).grid_beyond_s == 0.0


def test_a_ramp_is_the_largest_change_within_a_minute() -> None:
    # 60 MW in 90 s, then 30 MW back at once: 40 MW within a minute, and 30 in none
    load = {"load_s": (0.0, 90.0, 120.0, 120.0), "load_mw": (20.0, 80.0, 80.0, 50.0)}
    event = replace(step(bus(import_mw=20.0, limit_mw=100.0), 20.0, 20.0, 180.0), **load)
    assert simulate(event).ramp_mw == pytest.approx(40.0, abs=0.1)


def test_a_battery_takes_what_is_above_the_limit_within_its_lag() -> None:
    # 10 MW above the limit at once; a battery with a lag of 0.1 s leaves 60 MW x exp(-t / 0.1): 50 MW after 18 ms
    trace = simulate(step(bus(battery=60.0, import_mw=50.0, limit_mw=100.0), 50.0, 110.0))
    assert trace.grid_highest_mw == pytest.approx(110.0)
    assert trace.grid_beyond_s == pytest.approx(0.1 * math.log(60 / 50), abs=2e-3)
    # the job stops while the battery gives 60 MW: 10 MW flow out, until it gives less than 50
    stop = simulate(step(bus(battery=60.0, import_mw=50.0, limit_mw=100.0), 110.0, 50.0))
    assert stop.grid_lowest_mw == pytest.approx(-10.0)
    assert stop.grid_beyond_s == pytest.approx(0.1 * math.log(60 / 50), abs=2e-3)


@pytest.mark.parametrize(("power", "grid"), [(4.0, 56.0), (20.0, 50.0)])
def test_a_battery_brings_the_grid_back_to_its_schedule(power: float, grid: float) -> None:
    trace = simulate(step(bus(battery=power, import_mw=50.0, limit_mw=100.0), 50.0, 60.0))
    assert trace.grid_mw[-1] == pytest.approx(grid, abs=1e-3)
    assert trace.batteries_mw[-1] == pytest.approx(60.0 - grid, abs=1e-3)


def test_a_full_grid_holds_the_frequency_and_the_meter_counts() -> None:
    # import at its limit: 2 MW more are for the grid to carry, until the set point of the machine has taken over
    trace = simulate(step(bus(replace(FREE, ramp_per_s=1.0), import_mw=50.0, limit_mw=50.0), 55.0, 57.0, 60.0))
    assert trace.grid_highest_mw == pytest.approx(52.0, rel=1e-3)
    assert trace.lowest == pytest.approx(-2 / 420_000, rel=1e-2)
    assert trace.collapsed_s is None
    # 2 MW x exp(-t / 10) is above the limit to the end
    assert trace.grid_beyond_s > 25.0
    assert trace.generators_mw[-1] == pytest.approx(7.0, abs=0.11)


def test_lost_machines_take_output_and_inertia_along() -> None:
    # 1 of 10 MW is gone from half load: 0.5 MW, on 18 MW s
    before = bus(FREE)
    after = bus(replace(FREE, capacity_mw=9.0))
    event = Event("loss", "islanded", before, after, 5.0, (0.0,), (5.0,), 10.0)
    trace = simulate(event, stride=1)
    assert trace.generators_mw[0] == pytest.approx(4.5)
    assert trace.deviation[2] / trace.time_s[2] == pytest.approx(-0.5 / 18, rel=1e-2)
    assert trace.deviation[-1] == pytest.approx(-0.5 / 9 * 0.05, rel=1e-3)


def test_the_target_is_where_governors_carry_the_load() -> None:
    # 2 MW of 10 MW at 5 %, with a set point that stands still
    trace = simulate(step(bus(FREE), 5.0, 7.0), stride=1)
    assert trace.target == pytest.approx(-0.01)
    # a battery of 1.5 MW leaves 0.5 MW to the governor, once it answers
    helped = simulate(step(bus(FREE, battery=1.5), 5.0, 7.0), stride=1)
    assert (helped.target[0], helped.target[-1]) == pytest.approx((-0.01, -0.0025))
    assert helped.deviation[-1] == pytest.approx(helped.target[-1], rel=1e-2)
    # a set point that follows brings the target back
    back = simulate(step(bus(replace(FREE, ramp_per_s=1.0)), 5.0, 7.0, 60.0))
    assert np.interp(10.0, back.time_s, back.target) == pytest.approx(-0.01 / np.e, rel=0.01)


def test_up_and_down_mirror_each_other() -> None:
    up, down = (simulate(step(bus(FREE, battery=1.0), 5.0, 5.0 + dp)) for dp in (2.0, -2.0))
    assert up.deviation == pytest.approx(-down.deviation, abs=1e-12)


def test_neither_classes_nor_size_change_the_frequency() -> None:
    half = replace(FREE, capacity_mw=5.0)
    whole, halves = (simulate(step(bus(*each), 5.0, 7.0)) for each in ((FREE,), (half, half)))
    assert halves.deviation == pytest.approx(whole.deviation, abs=1e-12)
    tenfold = simulate(step(bus(replace(FREE, capacity_mw=100.0)), 50.0, 70.0))
    assert tenfold.deviation == pytest.approx(whole.deviation, abs=1e-12)


ENGINES = Machines(158.0, inertia_s=0.8, droop=0.04, governor_s=0.25, ramp_per_s=1 / 60, step_fraction=0.15)


def swinging(on: Bus, low: float, high: float, edge: float = 0.1) -> Event:
    """Twelve seconds of a swing of 2 s, from its mean."""
    time = tuple(np.cumsum([0.0, edge / 2, *[1 - edge, edge] * 12]).tolist())
    load = ((low + high) / 2, *(high, high, low, low) * 6, high)
    return Event("swing", "islanded", on, on, (low + high) / 2, time, load, 12.0, checked_s=(2.0, 2.0))


def test_half_the_step_changes_little() -> None:
    on = bus(ENGINES, battery=20.0)
    whole, half = (simulate(swinging(on, 80, 140), dt_s=dt, stride=n) for dt, n in ((1e-3, 10), (5e-4, 20)))
    assert np.abs(whole.deviation - half.deviation).max() < 2e-3 * np.abs(half.deviation).max()


@settings(max_examples=25, deadline=None)
@given(
    swing=st.floats(10, 80),
    edge=st.floats(0.05, 0.5),
    response=st.floats(0.02, 0.2),
    smaller=st.floats(0, 60),
    more=st.floats(1, 60),
)
def test_more_battery_never_makes_the_dip_worse(
    swing: float, edge: float, response: float, smaller: float, more: float
) -> None:
    def dip(power: float) -> float:
        on = bus(ENGINES, battery=power, mwh=2 * power, response_s=response)
        return -simulate(swinging(on, 110 - swing / 2, 110 + swing / 2, edge)).lowest

    assert dip(smaller + more) <= dip(smaller) + 1e-4


def balance(trace: Trace, inertia_mws: float) -> float:
    """Largest gap between the powers' integral and the energy in the shafts, MW s."""
    net = trace.generators_mw + trace.batteries_mw + trace.grid_mw - trace.load_mw
    energy = np.concatenate(([0.0], np.cumsum((net[1:] + net[:-1]) / 2 * np.diff(trace.time_s))))
    return float(np.abs(energy - 2 * inertia_mws * (trace.deviation - trace.deviation[0])).max())


@pytest.mark.parametrize("limit", [0.0, 50.0])
def test_what_is_not_balanced_is_in_the_shafts(limit: float) -> None:
    on = bus(ENGINES, battery=20.0, import_mw=limit / 2, limit_mw=limit)
    trace = simulate(swinging(on, 80 + limit / 2, 140 + limit / 2), stride=1)
    assert balance(trace, on.inertia_mws) < 0.1  # of 100 MW s that swing in and out


# grid-forming batteries

BLIND = 1e9
"""Time constant of batteries that do not see the load, so that nothing but inertia and droop answers."""


def sources(*machines: Machines, overload: float = 1.0, response_s: float = BLIND, mwh: float = 10.0) -> Bus:
    """10 MW of grid-forming batteries with 2 H C = 100 MW s of virtual inertia, and a droop of 4 %: 250 MW."""
    forming = Forming(10.0, inertia_s=5.0, droop=0.04, overload=overload)
    return bus(*machines, battery=10.0, mwh=mwh, response_s=response_s, forming=forming)


def test_grid_forming_batteries_alone_follow_the_closed_form() -> None:
    # 100 MW s x' = -2 MW - 250 MW x: to -0.8 % with a time constant of 0.4 s
    trace = simulate(step(sources(), 0.0, 2.0), stride=1)
    exact = -0.008 * (1 - np.exp(-trace.time_s / 0.4))
    assert np.abs(trace.deviation - exact).max() < 1e-5
    assert trace.rocof_per_s == pytest.approx(0.016 * (1 - math.exp(-0.5 / 0.4)), rel=1e-2)
    assert trace.target == pytest.approx(-0.008)
    # without machines, they carry the load from the first millisecond on
    assert trace.batteries_mw == pytest.approx(2.0)
    assert (0.5 - trace.charge[-1]) * 10 == pytest.approx(2.0 * trace.time_s[-1] / 3600, rel=1e-2)


def test_what_they_follow_brings_the_frequency_of_an_island_back() -> None:
    # with a lag of 0.1 s in the set point: -2 MW / 250 MW x (exp(-t / 0.4) - exp(-t / 0.1)) x 0.1 / (0.4 - 0.1)
    trace = simulate(step(sources(response_s=0.1), 0.0, 2.0), stride=1)
    exact = -0.008 * 0.1 / 0.3 * (np.exp(-trace.time_s / 0.4) - np.exp(-trace.time_s / 0.1))
    assert np.abs(trace.deviation - exact).max() < 1e-5
    assert trace.batteries_mw == pytest.approx(2.0)


def test_virtual_inertia_counts_like_that_of_shafts() -> None:
    # 2 MW / (20 + 100) MW s
    on = sources(FLYWHEEL)
    assert (on.inertia_mws, on.shafts_mws) == (60.0, 10.0)
    trace = simulate(step(on, 5.0, 7.0), stride=1)
    assert trace.deviation[2] / trace.time_s[2] == pytest.approx(-2.0 / 120, rel=1e-2)
    # 5/6 of it come from the batteries at once, and in the end all of it: the droop of a machine that cannot give more
    assert trace.batteries_mw[1] == pytest.approx(2.0 * 100 / 120, rel=1e-2)
    assert trace.deviation[-1] == pytest.approx(-0.008, rel=1e-2)


def test_a_droop_like_that_of_a_machine_shares_the_load_like_one() -> None:
    # 200 MW of a machine at 5 %, and 250 MW of batteries: 2 MW are -0.444 %
    trace = simulate(step(sources(FREE), 5.0, 7.0), stride=1)
    assert trace.deviation[-1] == pytest.approx(-2.0 / 450, rel=1e-3)
    assert trace.batteries_mw[-1] == pytest.approx(2.0 * 250 / 450, rel=1e-2)
    assert trace.target == pytest.approx(-2.0 / 450)


def test_at_their_limit_they_are_sources_of_current() -> None:
    # 12 MW more, of which batteries give 10 and no inertia: 2 MW on the 20 MW s of the shaft
    trace = simulate(step(sources(FLYWHEEL), 0.0, 12.0), stride=1)
    assert trace.batteries_mw[100:500] == pytest.approx(10.0)
    slope = (trace.deviation[500] - trace.deviation[100]) / 0.4
    assert slope == pytest.approx(-2.0 / 20, rel=1e-3)
    # without any shaft there is nothing else to keep the frequency
    alone = simulate(step(sources(), 0.0, 10.5))
    assert alone.collapsed_s is not None
    assert alone.collapsed_s < 0.02
    assert simulate(step(sources(), 0.0, 9.5)).collapsed_s is None


def test_an_overload_lasts_for_seconds() -> None:
    # 12 MW of 10 for 2 s, of which the frequency feels nothing but droop; then 2 MW on the 20 MW s of the shaft
    trace = simulate(step(sources(FLYWHEEL, overload=1.5), 0.0, 12.0), stride=1)
    over = np.flatnonzero(trace.batteries_mw > 10.001)
    assert over[-1] - over[0] == pytest.approx(1000 * OVERLOAD_S, abs=30)
    late = over[-1] + 100
    assert (trace.deviation[late + 300] - trace.deviation[late]) / 0.3 == pytest.approx(-2.0 / 20, rel=1e-3)
    assert trace.batteries_mw[late] == pytest.approx(10.0)
    # within the rating, no second is used
    light = simulate(step(sources(FLYWHEEL, overload=1.5), 0.0, 9.0, 20.0))
    assert light.batteries_mw[-1] == pytest.approx(9.0, rel=1e-2)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_empty_ones_form_nothing(sign: float) -> None:
    # half of 0.01 MWh is 18 MW s: 2 MW for 9 s; then 2 MW on the 20 MW s of the shaft, from -0.8 % on
    trace = simulate(step(sources(FLYWHEEL, mwh=0.01), 0.0, 2.0 * sign, 30.0), stride=1)
    over = trace.time_s[np.flatnonzero(np.abs(trace.batteries_mw) > 1.0)[-1]]
    assert over == pytest.approx(9.0, abs=0.5)
    assert trace.charge[-1] == pytest.approx(0.5 - 0.5 * sign, abs=1e-3)
    assert trace.collapsed_s is not None
    assert trace.collapsed_s - over == pytest.approx(2.42 if sign > 0 else 1.92, abs=0.05)


def test_a_stiff_droop_without_inertia_moves_the_frequency_at_once() -> None:
    on = replace(sources(), forming=Forming(10.0, inertia_s=0.0, droop=0.04, overload=1.0))
    trace = simulate(step(on, 0.0, 2.0), stride=1)
    assert trace.deviation[2:] == pytest.approx(-0.008)
    assert trace.batteries_mw[1:] == pytest.approx(2.0)


def test_on_a_grid_they_hardly_feel_the_frequency() -> None:
    # 10 of 420,000 MW, and 250 MW of droop: 10 MW x 250 / 420,250
    trace = simulate(step(replace(sources(), import_mw=50.0, limit_mw=100.0), 50.0, 60.0), stride=1)
    assert trace.lowest == pytest.approx(-10 / 420_250, rel=1e-3)
    assert trace.batteries_mw[-1] == pytest.approx(10 * 250 / 420_250, rel=1e-3)


def test_energy_that_batteries_give_as_inertia_is_not_in_the_shafts() -> None:
    on = replace(bus(ENGINES, battery=20.0), forming=Forming(15.0, 5.0, 0.04, 1.0))
    trace = simulate(swinging(on, 100, 120), stride=1)
    assert np.abs(trace.batteries_mw).max() < 15.0
    assert balance(trace, on.shafts_mws) < 0.1


@settings(max_examples=25, deadline=None)
@given(
    engines=st.booleans(),
    step_mw=st.floats(0.5, 4.0),
    droop=st.floats(0.02, 0.08),
    response=st.sampled_from([0.1, BLIND]),
    less=st.floats(0.2, 8.0),
    more=st.floats(0.01, 8.0),
)
def test_more_virtual_inertia_never_makes_the_rate_of_change_worse(
    engines: bool, step_mw: float, droop: float, response: float, less: float, more: float
) -> None:
    """In the linear range: with no limit in the way, a step first falls on all inertia, and moves it fastest then."""

    def fastest(inertia_s: float) -> float:
        forming = Forming(10.0, inertia_s, droop, overload=1.0)
        on = bus(*([FREE] if engines else []), battery=10.0, response_s=response, forming=forming)
        trace = simulate(step(on, 2.0, 2.0 + step_mw, 5.0), stride=1)
        assert np.abs(trace.batteries_mw).max() < 10.0
        return float(np.abs(np.diff(trace.deviation)).max())

    assert fastest(less + more) <= fastest(less) + 1e-9


def test_the_same_event_is_simulated_once() -> None:
    event = step(bus(FREE, battery=1.5), 5.0, 6.789)
    before = simulated.cache_info()
    first = simulate(event)
    assert simulate(step(bus(FREE, battery=1.5), 5.0, 6.789), dt_s=1e-3, stride=10) is first
    after = simulated.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)
    with pytest.raises(ValueError, match="read-only"):
        first.deviation[0] = 1.0
