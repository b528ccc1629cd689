"""A second opinion on the frequency: the same equations, written anew, and integrated by scipy.

No limit holds in these cases: governors, steps, ramps, set points and batteries have room, and the test checks that.
Then the equations are linear. They are in Kundur, Power System Stability and Control (1994), chapters 3 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from siteopt.instance import Floats
from siteopt.simulate.electrical import Event, simulate
from siteopt.simulate.steps import Bus, Forming, Machines

HZ = 60.0
SET_POINTS_S, GRID_MW = 10.0, 420_000.0
"""Time constant of the set points, and what the grid gives per unit of frequency (docs/replay.md)."""

ENGINES = Machines(40.0, inertia_s=0.9, droop=0.04, governor_s=0.3, ramp_per_s=1.0, step_fraction=1.0)
TURBINES = Machines(60.0, inertia_s=2.0, droop=0.05, governor_s=0.8, ramp_per_s=1.0, step_fraction=1.0)
BARE = Bus((ENGINES, TURBINES), battery_mw=0.0, battery_mwh=0.0, response_s=0.1, import_mw=0.0, limit_mw=0.0)
HELPED = replace(BARE, battery_mw=30.0, battery_mwh=60.0, response_s=0.15)
FORMED = replace(HELPED, forming=Forming(20.0, inertia_s=4.4, droop=0.03, overload=1.0))
"""20 of the 30 MW of batteries are grid-forming."""
CELLS = Machines(60.0, inertia_s=0.0, droop=0.04, governor_s=0.1, ramp_per_s=1.0, step_fraction=1.0)


@dataclass(frozen=True)
class Reference:
    """The integrated state at each time: deviation, batteries, and for each class (last axis) power and set point.

    ``battery`` is what all batteries follow, and ``formed`` what the grid-forming ones give besides.
    """

    x: Floats
    battery: Floats
    formed: Floats
    power: Floats
    point: Floats


def event_on(before: Bus, rest: float, load_s: list[float], load_mw: list[float], after: Bus | None = None) -> Event:
    return Event("event", "", before, after or before, rest, tuple(load_s), tuple(load_mw), duration_s=30.0)


EVENTS = {
    "one class, 4 of 40 MW more": event_on(replace(BARE, machines=(ENGINES,)), 20.0, [0.0], [24.0]),
    "two classes, 15 MW less within 0.1 s and back within 10 s": event_on(
        BARE, 60.0, [0.0, 0.1, 5.0, 15.0], [60.0, 45.0, 45.0, 60.0]
    ),
    "batteries against a swing of 20 MW every 2 s": event_on(
        HELPED, 50.0, [0.0, *(np.arange(28) + 0.5).tolist()], [50.0, *[60.0, 40.0] * 14]
    ),
    "a quarter of a class is lost": event_on(
        HELPED, 50.0, [0.0], [50.0], replace(HELPED, machines=(replace(ENGINES, capacity_mw=30.0), TURBINES))
    ),
    "grid-forming batteries beside two classes, 15 MW less within 0.1 s": event_on(
        FORMED, 60.0, [0.0, 0.1], [60.0, 45.0]
    ),
    "fuel cells and grid-forming batteries, no machine, against a swing of 10 MW every 2 s": event_on(
        replace(FORMED, machines=(CELLS,)),
        30.0,
        np.cumsum([0.0, 0.05, *[0.9, 0.1] * 28]).tolist(),
        [30.0, *[35.0, 35.0, 25.0, 25.0] * 14, 35.0],
    ),
    "grid-forming batteries alone, 10 MW more at once": event_on(replace(FORMED, machines=()), 5.0, [0.0], [15.0]),
    "12 MW more within 1 s, on a grid": event_on(
        replace(HELPED, import_mw=30.0, limit_mw=60.0), 80.0, [0.0, 1.0], [80.0, 92.0]
    ),
}


def integrated(event: Event, time_s: Floats) -> Reference:
    """Integrate the swing equation, governors, set points and batteries; each straight piece of the load by itself."""
    bus, count = event.after, len(event.after.machines)
    rows = [(one.capacity_mw, one.inertia_s, one.droop, one.governor_s) for one in bus.machines]
    capacity, inertia, droop, lag = np.array(rows).reshape(-1, 4).T
    stiffness = GRID_MW if bus.limit_mw else 0.0
    held = bus.forming.capacity_mw / bus.forming.droop if bus.forming else 0.0
    virtual = bus.forming.capacity_mw * bus.forming.inertia_s if bus.forming else 0.0

    def slope(t: float, state: Floats) -> Floats:
        x, battery, power, point = state[0], state[1], state[2 : 2 + count], state[2 + count :]
        asked = np.interp(t, event.load_s, event.load_mw) - bus.import_mw
        net = power.sum() + battery - (stiffness + held) * x - asked
        return np.array(
            [
                net / (2 * ((inertia * capacity).sum() + virtual)),
                (asked - point.sum() - battery) / bus.response_s if bus.battery_mw else 0.0,
                *(point - capacity * x / droop - power) / lag,
                *(asked * capacity / capacity.sum() - point) / SET_POINTS_S,
            ]
        )

    total = sum(one.capacity_mw for one in event.before.machines)
    share = (event.rest_mw - bus.import_mw) / total if total else 0.0
    follows = 0.0 if total else event.rest_mw
    state, found = np.array([0.0, follows, *share * capacity, *share * capacity]), [np.empty((2 + 2 * count, 0))]
    knots = [*(knot for knot in event.load_s if knot < time_s[-1]), time_s[-1] + 1e-6]
    for start, end in pairwise(knots):
        times = time_s[(time_s >= start) & (time_s < end)]
        options = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-11, "max_step": 0.05}
        piece = solve_ivp(slope, (start, end), state, t_eval=[*times, end], **options)
        assert piece.success, piece.message
        found.append(piece.y[:, :-1])
        state = piece.y[:, -1]
    every = np.concatenate(found, axis=1)
    rate = np.array([slope(t, state)[0] for t, state in zip(time_s, every.T, strict=True)])
    formed = -held * every[0] - 2 * virtual * rate
    return Reference(every[0], every[1], formed, every[2 : 2 + count].T, every[2 + count :].T)


@pytest.mark.parametrize("name", EVENTS)
def test_frequency_and_powers_are_those_of_another_integrator(name: str) -> None:
    event = EVENTS[name]
    trace, bus = simulate(event, stride=1), event.after
    exact = integrated(event, trace.time_s)
    # no limit holds: neither governor nor battery, and no set point follows by more than its ramp
    rows = [(one.capacity_mw, one.droop, one.ramp_per_s) for one in bus.machines]
    capacity, droop, ramp = np.array(rows).reshape(-1, 3).T
    asked = exact.point - exact.x[:, None] * capacity / droop
    assert ((asked > 0) & (asked < capacity)).all()
    assert (np.abs(np.diff(exact.point, axis=0)) / 1e-3 < ramp * capacity).all()
    if bus.battery_mw:
        assert np.abs(exact.battery).max() < bus.battery_mw
    if bus.forming:
        formed = exact.battery * bus.forming.capacity_mw / bus.battery_mw + exact.formed
        assert np.abs(formed).max() < bus.forming.capacity_mw
    if bus.battery_mw:
        assert ((trace.charge > 0) & (trace.charge < 1)).all()
    assert np.abs(trace.deviation - exact.x).max() * HZ < 1e-3
    assert np.abs(trace.generators_mw - exact.power.sum(axis=1)).max() < 0.02
    # in the millisecond of a step itself, what batteries of virtual inertia give is a jump
    apart = np.abs(trace.batteries_mw - exact.battery - exact.formed)
    assert (apart if bus.forming is None else apart[1:]).max() < 0.02
    # the event moves the bus by much more than the two may differ: its frequency, or what the grid carries
    if bus.limit_mw:
        grid = bus.import_mw - GRID_MW * exact.x
        assert np.abs(trace.grid_mw - grid).max() < 0.02
        assert np.ptp(grid) > 1.0
    else:
        assert np.ptp(exact.x) * HZ > 0.1
