"""Advance machines, batteries and grid on one bus, step by step.

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
* The grid supplies the remainder, ``import - K x`` with ``K = GRID_MW``. It holds the frequency, whatever its contract
  allows: what is above the import limit, or flows out, is for the meter to count.

The load does not change with the frequency, because power electronics keep it constant; this is conservative. The
equation, droop and secondary control are in Kundur, Power System Stability and Control (1994), chapters 3 and 11.

Powers are computed at whole steps, and the frequency in between (a staggered scheme). Each advances with the value of
the other in the middle of its step, and lags use exact exponentials, so both are of second order in the step. The stiff
grid is solved implicitly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SECONDARY_S = 10.0
"""Time constant of secondary control, in seconds; an estimate for a site controller."""

GRID_MW = 420_000.0
"""MW that a grid supplies per unit of deviation, the same for every contract.

An estimate for a small interconnection: 700 MW for 0.1 Hz of 60 (general knowledge of ERCOT). So 100 MW move it by
0.014 Hz.
"""

START_CHARGE = 0.5
"""State of charge of the batteries before an event."""

LEAST_INERTIA_MWS = 1e-6
"""Inertia that is used in place of none: without inertia and grid, any imbalance ends the run at once."""

Row = tuple[float, float, float, float, float, float]
"""What is kept of a step: deviation in its middle; then, at its start, generators, batteries, grid, the sum of the set
points (MW) and charge."""

ROW = 6
"""Number of values of a Row."""


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
        Scheduled import, and the limit that the contract sets to it; a limit of 0 means no grid.
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

    @property
    def governors_mw(self) -> float:
        """Return the MW that the governors of all machines give per unit of deviation."""
        return sum(each.capacity_mw / each.droop for each in self.machines)

    @property
    def grid_mw(self) -> float:
        """Return the MW that the grid gives per unit of deviation."""
        return GRID_MW if self.limit_mw else 0.0


def rest(bus: Bus, load_mw: float) -> tuple[float, float, float]:
    """Return the steady state under a load: each class's share of its capacity, battery power (MW), and deviation."""
    capacity, need = bus.capacity_mw, load_mw - bus.import_mw
    share = min(max(need / capacity, 0.0), 1.0) if capacity else 0.0
    left = need - share * capacity
    battery = min(max(left, -bus.battery_mw), bus.battery_mw)
    deviation = (battery - left) / bus.grid_mw if bus.grid_mw else 0.0
    return share, battery, deviation


@dataclass
class State:
    """State of a bus at the start of a step: deviation, batteries, and for each class power, level and set point.

    ``moving`` is the change of the sum of the set points in the last step.
    """

    x: float
    battery: float
    charge: float
    power: list[float]
    level: list[float]
    point: list[float]
    moving: float = 0.0

    def values(self) -> list[float]:
        """Return all values of the state but ``moving``, which no step depends on."""
        return [self.x, self.battery, self.charge, *self.power, *self.level, *self.point]

    def set_values(self, values: Sequence[float]) -> None:
        """Replace the values of the state; they are in the order of :meth:`values`."""
        self.x, self.battery, self.charge, *classes = values
        count = len(classes) // 3
        self.power, self.level, self.point = classes[:count], classes[count : 2 * count], classes[2 * count :]


class Stepper:
    """Advances the state of a bus by steps of ``dt_s`` seconds, one by one."""

    def __init__(self, bus: Bus, dt_s: float) -> None:
        self.bus = bus
        self.classes = [
            (
                each.capacity_mw,
                each.capacity_mw / each.droop,
                _decay(dt_s, each.governor_s),
                each.step_fraction * each.capacity_mw,
                each.ramp_per_s * each.capacity_mw * dt_s,
            )
            for each in bus.machines
        ]
        """Of each class: capacity, MW per deviation, share of a gap left by the governor, step, and ramp per step."""
        self.closing = 1 - _decay(dt_s, SECONDARY_S)
        self.battery_decay = _decay(dt_s, bus.response_s)
        self.charge_per_mw = dt_s / 3600 / bus.battery_mwh if bus.battery_mw else 0.0
        self.rate = dt_s / max(2 * bus.inertia_mws, LEAST_INERTIA_MWS)
        """Deviation per MW and step."""

    def at_rest(self, before: Bus, load_mw: float) -> State:
        """Return the state of this bus just after it was another one in steady state."""
        share, battery, x = rest(before, load_mw)
        power = [share * capacity for capacity, *_ in self.classes]
        return State(x, battery, START_CHARGE, power, power.copy(), power.copy())

    def advance(self, state: State, load: Sequence[float], within: tuple[float, float], rate: float) -> list[Row]:
        """Advance ``state`` through a load, at most to the step in which the deviation leaves ``within``.

        A leap makes this step with numbers that know no more than sums, comparisons, and products with constants (see
        :mod:`siteopt.simulate.leaps`), so nothing else is done here to what depends on the state or the load.

        Parameters
        ----------
        load : sequence of float
            Two values a step, at its start and in its middle.
        rate : float
            ``self.rate``, or half of it for the first step, since the frequency starts with the powers.
        """
        (lowest, highest), classes, closing = within, self.classes, self.closing
        schedule, stiffness = self.bus.import_mw, self.bus.grid_mw
        battery_mw, battery_decay, charge_per_mw = self.bus.battery_mw, self.battery_decay, self.charge_per_mw
        total = self.bus.capacity_mw
        per_capacity = 1 / total if total else 0.0
        x, battery, charge = state.x, state.battery, state.charge
        power, level, point = state.power, state.level, state.point
        generated, pointed, before = sum(power), sum(point), 0.0
        kept: list[Row] = []
        halves = iter(load)
        for start, middle in zip(halves, halves, strict=True):
            if battery_mw and (charge <= 0.0 < battery or (battery < 0.0 and charge >= 1.0)):
                battery = 0.0
            # the frequency moves from the middle of the last step to that of this one; the grid responds to the new one
            net = generated + battery - start
            y = (x + rate * (net + schedule)) / (1 + rate * stiffness)
            grid = schedule - stiffness * y
            kept.append((y, generated, battery, grid, pointed, charge))
            x = y
            # machines
            wanted = (middle - schedule) * per_capacity
            wanted = 0.0 if wanted < 0.0 else 1.0 if wanted > 1.0 else wanted
            before, pointed, generated = pointed, 0.0, 0.0
            for g, (full, gain, decay, boost, most) in enumerate(classes):
                now, set_point, held = power[g], point[g], level[g]
                asked = set_point - gain * x
                asked = 0.0 if asked < 0.0 else full if asked > full else asked
                after = asked + (now - asked) * decay
                if after > now:
                    top = held + boost
                    if after > top:
                        after = top if top > now else now
                power[g] = after
                generated += after
                gap = after - held
                level[g] = held + (most if gap > most else -most if gap < -most else gap)
                gap = (wanted * full - set_point) * closing
                set_point += most if gap > most else -most if gap < -most else gap
                point[g] = set_point
                pointed += set_point
            # batteries
            if battery_mw:
                charge -= battery * charge_per_mw
                target = middle - schedule - before
                target = -battery_mw if target < -battery_mw else battery_mw if target > battery_mw else target
                battery = target + (battery - target) * battery_decay
            if not lowest <= x <= highest:
                break
        state.x, state.battery, state.charge, state.moving = x, battery, charge, pointed - before
        return kept


def _decay(dt_s: float, lag_s: float) -> float:
    """Return the share of a gap that remains after a step."""
    return math.exp(-dt_s / lag_s) if lag_s > 0 else 0.0
