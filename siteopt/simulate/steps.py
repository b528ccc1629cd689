"""Advance machines, batteries and grid on one bus, step by step.

The model is the aggregate swing equation. ``x`` is the deviation of the frequency as a share of the nominal one, and
powers are in MW::

    2 sum(H C) dx/dt = sum(p) + battery + formed + grid - load

* Machines, by class of capacity ``C``: the governor demands ``u = clip(r - C x / droop, 0, C)``, and the power ``p``
  follows with the lag ``governor_s``. When it rises, ``p`` stays below ``b + step_fraction C``. The level ``b``, which
  the boost pressure or the combustor stage allows, follows ``p`` by at most ``ramp_per_s C`` per second. Fuel can be
  cut at once.
* Set points ``r`` approach each class's share of the load minus the scheduled import with the time constant
  SECONDARY_S, by at most ``ramp_per_s C`` per second.
* Batteries measure the load, and while charged approach ``load - import - sum(r)`` with the lag ``response_s``.
* Grid-forming batteries are voltage sources beside that, with a swing equation of their own, in which the power that
  they follow is their set point: ``formed = -C x / droop - 2 H C dx/dt``, with the virtual inertia ``H``. So they share
  the frequency with the machines, and keep one where there are none. All that they give together stays within ``C``,
  or for OVERLOAD_S within ``overload C``. At this limit they are current sources: their inertia and droop are gone.
* Synchronous condensers are shafts without power: their ``H C``, with ``C`` in MVA, is a part of ``sum(H C)``.
* The grid supplies the remainder, ``import - K x`` with ``K = GRID_MW``. It holds the frequency, whatever its contract
  allows: what is above the import limit, or flows out, is for the meter to count.

The load does not change with the frequency, because power electronics keep it constant; this is conservative. The
equation, droop and secondary control are in Kundur, Power System Stability and Control (1994), chapters 3 and 11. That
of grid-forming batteries is ``VirtualInertia`` of PowerSimulationsDynamics.jl with ``k_d = 0``, since all share one
frequency: ``T_a dx/dt = p_ref - p - k_w x``, ``T_a = 2 H``, ``k_w = 1 / droop``, after D'Arco, Suul and Fosso (2015),
https://nrel-sienna.github.io/PowerSimulationsDynamics.jl/stable/component_models/outer_control.

Powers are computed at whole steps, and the frequency in between (a staggered scheme). Each advances with the value of
the other in the middle of its step, and lags use exact exponentials, so both are of second order in the step. The stiff
grid is solved implicitly, and the droop of grid-forming batteries such that it alone gives an exact exponential.
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

OVERLOAD_S = 2.0
"""Seconds for which grid-forming batteries may give more than their rating; a second within it restores a second.

An estimate: makers say "short", and no public data sheet of the example offers gives a time.
"""

NEAR = 1 - 1e-6
"""Share of their rating from which grid-forming batteries count as overloaded: rounding must not restore seconds."""

LEAST_STIFFNESS = 1e-6
"""Share of the deviation that droop takes in a step, below which the middle between both its ends is exact enough."""

Row = tuple[float, float, float, float, float, float, float]
"""What is kept of a step: deviation in its middle; then, at its start, generators, batteries that follow the load,
grid, the sum of the set points (MW), charge, and what grid-forming batteries give besides (MW)."""

ROW = 7
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
class Forming:
    """All grid-forming batteries of a bus as one.

    Attributes
    ----------
    capacity_mw : float
        Rating, above 0; a part of the ``battery_mw`` of the bus.
    inertia_s : float
        Virtual inertia, MW s for each MW.
    droop : float
        Share of the nominal frequency by which it falls from no load to full load, above 0.
    overload : float
        Largest power for OVERLOAD_S as a multiple of the rating, at least 1.
    """

    capacity_mw: float
    inertia_s: float
    droop: float
    overload: float


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
    forming : Forming or None
        Those of the batteries that are grid-forming, if any are.
    condensers_mws : float
        Kinetic energy of the shafts of synchronous condensers at nominal speed, MW s. They give no power.
    """

    machines: tuple[Machines, ...]
    battery_mw: float
    battery_mwh: float
    response_s: float
    import_mw: float
    limit_mw: float
    forming: Forming | None = None
    condensers_mws: float = 0.0

    @property
    def shafts_mws(self) -> float:
        """Return the kinetic energy of the shafts at nominal speed, in MW s."""
        return sum(each.inertia_s * each.capacity_mw for each in self.machines) + self.condensers_mws

    @property
    def inertia_mws(self) -> float:
        """Return the kinetic energy of the shafts at nominal speed, and what stands for it in batteries, in MW s."""
        return self.shafts_mws + (self.forming.inertia_s * self.forming.capacity_mw if self.forming else 0.0)

    @property
    def capacity_mw(self) -> float:
        """Return the capacity of all machines."""
        return sum(each.capacity_mw for each in self.machines)

    @property
    def governors_mw(self) -> float:
        """Return the MW that the governors of all machines give per unit of deviation."""
        return sum(each.capacity_mw / each.droop for each in self.machines)

    @property
    def forming_droop_mw(self) -> float:
        """Return the MW that grid-forming batteries give per unit of deviation."""
        return self.forming.capacity_mw / self.forming.droop if self.forming else 0.0

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

    ``reserve`` are the seconds that are left of an overload. ``moving`` is the change of the sum of the set points in
    the last step, and ``formed`` what grid-forming batteries gave then beside what all batteries follow.
    """

    x: float
    battery: float
    charge: float
    power: list[float]
    level: list[float]
    point: list[float]
    reserve: float = OVERLOAD_S
    moving: float = 0.0
    formed: float = 0.0

    def values(self) -> list[float]:
        """Return all values of the state but ``moving`` and ``formed``, which no step depends on."""
        return [self.x, self.battery, self.charge, self.reserve, *self.power, *self.level, *self.point]

    def set_values(self, values: Sequence[float]) -> None:
        """Replace the values of the state; they are in the order of :meth:`values`."""
        self.x, self.battery, self.charge, self.reserve, *classes = values
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
        self.sources = Sources(bus, dt_s, self.rate) if bus.forming else None

    def at_rest(self, before: Bus, load_mw: float) -> State:
        """Return the state of this bus just after it was another one in steady state."""
        share, battery, x = rest(before, load_mw)
        power = [share * capacity for capacity, *_ in self.classes]
        return State(x, battery, START_CHARGE, power, power.copy(), power.copy())

    def advance(self, state: State, load: Sequence[float], within: tuple[float, float], part: float = 1.0) -> list[Row]:
        """Advance ``state`` through a load, at most to the step in which the deviation leaves ``within``.

        A leap makes this step with numbers that know no more than sums, comparisons, and products with constants (see
        :mod:`siteopt.simulate.leaps`), so nothing else is done here to what depends on the state or the load.

        Parameters
        ----------
        load : sequence of float
            Two values a step, at its start and in its middle.
        part : float
            Share of a step in which the frequency moves: half for the first step, since it starts with the powers.
        """
        (lowest, highest), classes, closing = within, self.classes, self.closing
        schedule, stiffness = self.bus.import_mw, self.bus.grid_mw
        battery_mw, battery_decay, charge_per_mw = self.bus.battery_mw, self.battery_decay, self.charge_per_mw
        total, sources, rate = self.bus.capacity_mw, self.sources, self.rate * part
        per_capacity = 1 / total if total else 0.0
        x, battery, charge, reserve, formed = state.x, state.battery, state.charge, state.reserve, 0.0
        power, level, point = state.power, state.level, state.point
        generated, pointed, before = sum(power), sum(point), 0.0
        kept: list[Row] = []
        halves = iter(load)
        for start, middle in zip(halves, halves, strict=True):
            if battery_mw and (charge <= 0.0 < battery or (battery < 0.0 and charge >= 1.0)):
                battery = 0.0
            # the frequency moves from the middle of the last step to that of this one; the grid responds to the new one
            net = generated + battery - start
            if sources is None:
                y = (x + rate * (net + schedule)) / (1 + rate * stiffness)
            else:
                y, formed, reserve = sources.advance(x, net + schedule, battery, charge, reserve, part)
            grid = schedule - stiffness * y
            kept.append((y, generated, battery, grid, pointed, charge, formed))
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
                charge -= (battery + formed) * charge_per_mw
                target = middle - schedule - before
                target = -battery_mw if target < -battery_mw else battery_mw if target > battery_mw else target
                battery = target + (battery - target) * battery_decay
            if not lowest <= x <= highest:
                break
        state.x, state.battery, state.charge, state.reserve = x, battery, charge, reserve
        state.moving, state.formed = pointed - before, formed
        return kept


class Sources:
    """Grid-forming batteries as voltage sources, which move the frequency together with the shafts."""

    def __init__(self, bus: Bus, dt_s: float, rate: float) -> None:
        assert bus.forming is not None
        forming, droop = bus.forming, bus.forming_droop_mw
        self.capacity, self.most = forming.capacity_mw, forming.overload * forming.capacity_mw
        self.share = forming.capacity_mw / bus.battery_mw
        """Share of what all batteries follow."""
        taken = rate * droop
        middle = 1 / -math.expm1(-taken) - 1 / taken if taken > LEAST_STIFFNESS else 0.5
        self.before, self.after = (1 - middle) * droop, middle * droop
        """MW per unit of deviation before a step, and after it: so the deviation falls to ``exp(-rate x droop)``."""
        self.inertia = 2 * forming.inertia_s * forming.capacity_mw / dt_s
        """MW per unit of deviation in a step."""
        self.rate, self.stiffness, self.dt_s = rate, bus.grid_mw, dt_s
        self.bare_rate = dt_s / max(2 * bus.shafts_mws, LEAST_INERTIA_MWS)
        """Deviation per MW and step at the limit, where only shafts have inertia."""

    def advance(
        self, x: float, others: float, battery: float, charge: float, reserve: float, part: float
    ) -> tuple[float, float, float]:
        """Return the next deviation, what the sources give beside what they follow (MW), and the reserve left (s).

        As in :meth:`Stepper.advance`, only sums, comparisons and products with constants are made of the arguments.

        Parameters
        ----------
        x, battery, charge, reserve, part : float
            As in :class:`State` and :meth:`Stepper.advance`.
        others : float
            What machines, batteries and the scheduled import give less the load, MW.
        """
        rate, follows = self.rate * part, battery * self.share
        y = (x * (1 - rate * self.before) + rate * others) / (1 + rate * (self.stiffness + self.after))
        formed = -(x * self.before) - y * self.after - (y - x) * (self.inertia / part)
        most = self.most if reserve > 0.0 else self.capacity
        top = -follows if charge <= 0.0 else most - follows
        bottom = -follows if charge >= 1.0 else -most - follows
        if formed > top or formed < bottom:
            formed = top if formed > top else bottom
            y = (x + self.bare_rate * part * (others + formed)) / (1 + self.bare_rate * part * self.stiffness)
        gives, rated = follows + formed, NEAR * self.capacity
        if gives > rated or gives < -rated:
            reserve = reserve - self.dt_s
            reserve = 0.0 if reserve < 0.0 else reserve
        else:
            reserve = reserve + self.dt_s
            reserve = OVERLOAD_S if reserve > OVERLOAD_S else reserve
        return y, formed, reserve


def _decay(dt_s: float, lag_s: float) -> float:
    """Return the share of a gap that remains after a step."""
    return math.exp(-dt_s / lag_s) if lag_s > 0 else 0.0
