"""Simulate the frequency of a plant while its load swings: machines, batteries and grid on one bus, every millisecond.

The model is the aggregate swing equation. ``x`` is the deviation of the frequency as a share of the nominal one, and
powers are in MW::

    2 sum(H C) dx/dt = sum(p) + battery + grid - load

* Machines, by class of capacity ``C``: the governor demands ``u = clip(r - C x / droop, 0, C)``, and the power ``p``
  follows with the lag ``governor_s``. When it rises, ``p`` stays below ``b + step_fraction C``. The level ``b``, which
  the boost pressure or the combustor stage allows, follows ``p`` by at most ``ramp_per_s C`` per second. Fuel can be
  cut at once.
* Set points ``r`` approach each class's share of the load minus the scheduled import with the time constant
  SECONDARY_S, by at most ``ramp_per_s C`` per second.
* Batteries measure the load, and while charged approach ``load - import - sum(r)`` with the lag ``response_s``.
* The grid supplies the remainder, ``clip(import - K x, 0, limit)``, with ``K = limit / GRID_DROOP``.

The load does not change with the frequency, because power electronics keep it constant; this is conservative. The
equation, droop and secondary control are in Kundur, Power System Stability and Control (1994), chapters 3 and 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from siteopt.instance import Floats

SECONDARY_S = 10.0
"""Time constant of secondary control, in seconds; an estimate for a site controller."""

GRID_DROOP = 0.001
"""Deviation at which the grid supplies its limit; an estimate, since a grid is far larger than a site."""

LOWEST, HIGHEST = -0.25, 0.20
"""Deviations at which machines trip; estimates, beyond every limit of ISO 8528-5."""

RELAY = -0.03
"""Deviation at which under-frequency relays shed load; an estimate: 58.2 Hz of 60."""

RELAY_S = 0.1
"""Seconds from that deviation until the load falls; an estimate for relay and command."""

START_CHARGE = 0.5
"""State of charge of the batteries before an event."""

WINDOW_S = 0.1
"""Seconds over which the rate of change of frequency is averaged: relays use several cycles, at least 0.1 s."""

CHECK_S, CALM_CHECKS = 0.1, 10
"""Seconds between checks for a settled run, and checks in a row that must pass: longer than a swing takes to turn."""

DRIFT_PER_S, SET_POINT_DRIFT_PER_S = 1e-5, 1e-3
"""Largest drift per second of the frequency, and of the set points, in a run that has settled.

The first is a share of the nominal frequency, the second a share of the capacity of all machines.
"""

LEAST_INERTIA_MWS = 1e-6
"""Inertia that is used in place of none: without inertia and grid, any imbalance ends the run at once."""


@dataclass(frozen=True)
class Machines:
    """A class of generators with the same response, with fields as in the Instance; ``capacity_mw`` is their total."""

    capacity_mw: float
    inertia_s: float
    droop: float
    governor_s: float
    ramp_per_s: float
    step_fraction: float


@dataclass(frozen=True)
class Bus:
    """Machines, batteries and grid that feed one bus.

    Attributes
    ----------
    machines : tuple of Machines
    battery_mw, battery_mwh, response_s : float
        All batteries together; with power, there is also energy.
    import_mw, limit_mw : float
        Scheduled import, and the limit of the grid; a limit of 0 means no grid.
    """

    machines: tuple[Machines, ...]
    battery_mw: float
    battery_mwh: float
    response_s: float
    import_mw: float
    limit_mw: float

    @property
    def inertia_mws(self) -> float:
        """Return the kinetic energy of the shafts at nominal speed, in MW s."""
        return sum(each.inertia_s * each.capacity_mw for each in self.machines)

    @property
    def capacity_mw(self) -> float:
        """Return the capacity of all machines."""
        return sum(each.capacity_mw for each in self.machines)


@dataclass(frozen=True)
class Event:
    """An event that happens to a bus at time 0.

    Attributes
    ----------
    name, mode : str
    before, after : Bus
        The bus before and after, with the same classes of machines. A class that loses machines has less capacity
        afterwards, and the output of the lost machines is gone.
    rest_mw : float
        Load before the event.
    load_s, load_mw : arrays
        Load after the event: linear between these points, constant after the last.
    duration_s : float
        Longest time that the bus is simulated.
    checked_s : tuple of float, optional
        For a periodic load: the time from which extremes count, and the period for the mean.
    shed_mw, shed_s : float
        Load that is shed when the frequency passes RELAY, and the time that this takes; 0 for none.
    """

    name: str
    mode: str
    before: Bus
    after: Bus
    rest_mw: float
    load_s: Floats
    load_mw: Floats
    duration_s: float
    checked_s: tuple[float, float] | None = None
    shed_mw: float = 0.0
    shed_s: float = 0.0


@dataclass(frozen=True)
class Trace:
    """Time series of a bus during an event.

    Attributes
    ----------
    time_s, deviation, load_mw, generators_mw, batteries_mw, grid_mw, charge : arrays
        One entry every ``stride`` steps; ``deviation`` is a share of the nominal frequency, ``charge`` of the energy.
    lowest, highest : float
        Extremes of the deviation over all steps that count (see ``Event.checked_s``).
    rocof_per_s : float
        Largest mean rate of change of the deviation over WINDOW_S, per second.
    throughput_mwh : float
        Energy that went into the batteries and out of them, added up.
    battery_peak_mw, grid_lowest_mw, grid_highest_mw : float
        Extremes over all steps that count; for the batteries, of charging or discharging.
    shed_mw : float
        Load that relays shed.
    collapsed_s : float or None
        Time at which the plant tripped, and the frequency ends; None if it did not trip.
    """

    time_s: Floats
    deviation: Floats
    load_mw: Floats
    generators_mw: Floats
    batteries_mw: Floats
    grid_mw: Floats
    charge: Floats
    lowest: float
    highest: float
    rocof_per_s: float
    throughput_mwh: float
    battery_peak_mw: float
    grid_lowest_mw: float
    grid_highest_mw: float
    shed_mw: float
    collapsed_s: float | None


def rest(bus: Bus, load_mw: float) -> tuple[float, float, float]:
    """Return the steady state under a load: each class's share of its capacity, battery power (MW), and deviation."""
    capacity, need = bus.capacity_mw, load_mw - bus.import_mw
    share = min(max(need / capacity, 0.0), 1.0) if capacity else 0.0
    left = need - share * capacity
    battery = min(max(left, -bus.battery_mw), bus.battery_mw)
    deviation = (battery - left) * GRID_DROOP / bus.limit_mw if bus.limit_mw else 0.0
    return share, battery, deviation


def simulate(
    event: Event,
    *,
    stride: int = 10,
    dt_s: float = 1e-3,
    trip: tuple[float, float] = (LOWEST, HIGHEST),
) -> Trace:
    """Simulate a bus through an event, from steady state until it settles, trips, or the time is over.

    Powers are computed at whole steps, and the frequency in between (a staggered scheme). Each advances with the value
    of the other in the middle of its step, and lags use exact exponentials, so both are of second order in ``dt_s``.
    The stiff grid is solved implicitly.

    Parameters
    ----------
    stride : int
        Number of steps from one entry of the Trace to the next.
    dt_s : float
        Length of a step.
    trip : tuple of float
        Lowest and highest deviation; the run ends beyond them.
    """
    bus, count = event.after, len(event.after.machines)
    steps = max(1, round(event.duration_s / dt_s))
    halves = np.arange(2 * steps + 1) * (dt_s / 2)
    loads = np.interp(halves, event.load_s, event.load_mw)
    load = loads.tolist()

    classes = range(count)
    capacity = [each.capacity_mw for each in bus.machines]
    gain = [each.capacity_mw / each.droop for each in bus.machines]
    decay = [_decay(dt_s, each.governor_s) for each in bus.machines]
    boost = [each.step_fraction * each.capacity_mw for each in bus.machines]
    climb = [each.ramp_per_s * each.capacity_mw * dt_s for each in bus.machines]
    share, battery, x = rest(event.before, event.rest_mw)
    power = [share * each for each in capacity]
    level, point = power.copy(), power.copy()
    total_capacity, schedule = sum(capacity), bus.import_mw
    per_capacity = 1 / total_capacity if total_capacity else 0.0
    closing = 1 - _decay(dt_s, SECONDARY_S)

    battery_mw, battery_decay, charge = bus.battery_mw, _decay(dt_s, bus.response_s), START_CHARGE
    per_step = dt_s / 3600 / bus.battery_mwh if battery_mw else 0.0

    limit = bus.limit_mw
    stiffness = limit / GRID_DROOP
    full_rate = dt_s / max(2 * bus.inertia_mws, LEAST_INERTIA_MWS)
    rate = full_rate / 2

    generated, pointed = sum(power), sum(point)
    lowest, highest = trip
    floor = max(lowest, RELAY) if event.shed_mw else lowest
    checked, check, last_change = x, round(CHECK_S / dt_s), float(event.load_s[-1])
    calm, shed_mw, collapsed_s = 0, 0.0, None
    kept: list[tuple[float, float, float, float, float]] = []
    for k in range(steps):
        if battery_mw and (charge <= 0.0 < battery or (battery < 0.0 and charge >= 1.0)):
            battery = 0.0
        # the frequency moves from the middle of the last step to that of this one; the grid responds to the new value
        net = generated + battery - load[2 * k]
        y = (x + rate * (net + schedule)) / (1 + rate * stiffness)
        grid = schedule - stiffness * y
        if grid > limit:
            grid, y = limit, x + rate * (net + limit)
        elif grid < 0.0:
            grid, y = 0.0, x + rate * net
        kept.append((y, generated, battery, grid, charge))
        x, rate = y, full_rate
        if not floor <= x <= highest:
            if x > highest or x < lowest:
                collapsed_s = k * dt_s
                break
            floor, shed_mw, last_change = lowest, event.shed_mw, k * dt_s + RELAY_S + event.shed_s
            since = halves - (k * dt_s + RELAY_S)
            loads = loads - shed_mw * np.clip(since / event.shed_s if event.shed_s else since > 0, 0, 1)
            load = loads.tolist()
        middle = load[2 * k + 1]
        # machines
        wanted = (middle - schedule) * per_capacity
        wanted = 0.0 if wanted < 0.0 else 1.0 if wanted > 1.0 else wanted
        before, moved, generated = pointed, 0.0, 0.0
        for g in classes:
            full, now, set_point, held = capacity[g], power[g], point[g], level[g]
            asked = set_point - gain[g] * x
            asked = 0.0 if asked < 0.0 else full if asked > full else asked
            after = asked + (now - asked) * decay[g]
            if after > now:
                top = held + boost[g]
                if after > top:
                    after = top if top > now else now
            power[g] = after
            generated += after
            most, gap = climb[g], after - held
            level[g] = held + (most if gap > most else -most if gap < -most else gap)
            gap = (wanted * full - set_point) * closing
            set_point += most if gap > most else -most if gap < -most else gap
            point[g] = set_point
            moved += set_point
        pointed = moved
        # batteries
        if battery_mw:
            charge -= battery * per_step
            target = middle - schedule - before
            target = -battery_mw if target < -battery_mw else battery_mw if target > battery_mw else target
            battery = target + (battery - target) * battery_decay
        if k % check == check - 1:
            drift, moving = abs(x - checked), abs(pointed - before)
            still = drift < DRIFT_PER_S * CHECK_S and moving <= SET_POINT_DRIFT_PER_S * dt_s * total_capacity
            calm = calm + 1 if still and k * dt_s > last_change else 0
            if calm == CALM_CHECKS and 0.0 < charge - battery * per_step * (steps - k) < 1.0:
                break
            calm = min(calm, CALM_CHECKS - 1)
            checked = x
    trace = np.array(kept)
    trace[-1, 0] = min(max(x, lowest), highest)  # when the plant trips, the deviation counts only up to the trip limit
    return _trace(event, trace, loads, stride, dt_s, shed_mw, collapsed_s)


def _decay(dt_s: float, lag_s: float) -> float:
    """Return the share of a gap that remains after a step."""
    return math.exp(-dt_s / lag_s) if lag_s > 0 else 0.0


def _trace(
    event: Event, kept: Floats, loads: Floats, stride: int, dt_s: float, shed_mw: float, collapsed_s: float | None
) -> Trace:
    """Return the Trace of all steps; ``kept`` has the deviation in the middle of each step, the rest at its start."""
    middle, generators, batteries, grid, charge = kept.T
    first = rest(event.before, event.rest_mw)[2]
    deviation = (np.concatenate(([first], middle[:-1])) + middle) / 2
    deviation[0] = first
    if collapsed_s is not None:
        deviation[-1] = middle[-1]
    window = min(round(WINDOW_S / dt_s), len(middle) - 1)
    slopes = (deviation[window:] - deviation[:-window]) / (window * dt_s) if window else (deviation - first) / dt_s
    start = min(round(event.checked_s[0] / dt_s), len(deviation) - 1) if event.checked_s else 0
    moved = np.abs(batteries)
    every = slice(None, None, stride)
    return Trace(
        time_s=np.arange(len(middle), dtype=float)[every] * dt_s,
        deviation=deviation[every],
        load_mw=loads[::2][: len(middle)][every],
        generators_mw=generators[every],
        batteries_mw=batteries[every],
        grid_mw=grid[every],
        charge=charge[every],
        lowest=float(deviation[start:].min()),
        highest=float(deviation[start:].max()),
        rocof_per_s=float(np.abs(slopes[min(start, len(slopes) - 1) :]).max()),
        throughput_mwh=float((moved[:-1] + moved[1:]).sum()) * dt_s / 7200,
        battery_peak_mw=float(moved[start:].max()),
        grid_lowest_mw=float(grid[start:].min()),
        grid_highest_mw=float(grid[start:].max()),
        shed_mw=shed_mw,
        collapsed_s=collapsed_s,
    )
