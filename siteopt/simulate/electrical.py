"""Simulate the frequency of a plant through an event: machines, batteries and grid on one bus, every millisecond.

:mod:`siteopt.simulate.steps` has the equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from siteopt.instance import Floats
from siteopt.simulate.leaps import FORMED, Leaps
from siteopt.simulate.steps import ROW, Bus, Stepper, rest

LOWEST, HIGHEST = -0.25, 0.20
"""Deviations at which machines trip; estimates, beyond every limit of ISO 8528-5."""

WINDOW_S = 0.5
"""Seconds over which the rate of change of frequency is averaged, as for the withstand of machines (EUTurbines)."""

RAMP_S = 60.0
"""Seconds within which the largest change of the import is its ramp: a utility limits MW a minute."""

CHECK_S, CALM_CHECKS = 0.1, 10
"""Seconds between checks for a settled run, and checks in a row that must pass: longer than a swing takes to turn."""

DRIFT_PER_S, SET_POINT_DRIFT_PER_S = 1e-5, 1e-3
"""Largest drift per second of the frequency, and of the set points, in a run that has settled.

The first is a share of the nominal frequency, the second a share of the capacity of all machines.
"""

LEAST_LEAP, SHORTEST_PAUSE, LONGEST_PAUSE = 200, 20, 3200
"""Steps that make a leap worth its preparation; single steps between two leaps, twice as many after each short leap."""

REMEMBERED = 32
"""Traces that are kept: more than the events of a check. One takes 0.5 MB for 90 s, 3.5 MB for the longest event."""

ROUNDING = 1e-6
"""Share of a step by which a bend of the load may be off, and share by which set points may seem to move faster."""


@dataclass(frozen=True)
class Allowed:
    """What an event may do beside the limits of a class; infinite where a figure is shown, and not judged.

    Attributes
    ----------
    rocof_per_s : float
        Rate of change of the deviation, per second.
    overrun_share, overrun_s : float
        Share of its limit by which the import may be beyond it, or below 0, for good; and the time without a break in
        which it may be further beyond.
    ramp_mw : float
        Change of the import within RAMP_S.
    """

    rocof_per_s: float = math.inf
    overrun_share: float = 0.0
    overrun_s: float = math.inf
    ramp_mw: float = math.inf


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
    load_s, load_mw : tuples of float
        Load after the event: linear between these points, constant after the last.
    duration_s : float
        Longest time that the bus is simulated.
    checked_s : tuple of float, optional
        For a periodic load: the time from which extremes count, and the period for the mean.
    schedule_mw : float
        Scheduled import: on the bus if grid-tied, of the grid's own halls if islanded.
    allowed : Allowed
    """

    name: str
    mode: str
    before: Bus
    after: Bus
    rest_mw: float
    load_s: tuple[float, ...]
    load_mw: tuple[float, ...]
    duration_s: float
    checked_s: tuple[float, float] | None = None
    schedule_mw: float = 0.0
    allowed: Allowed = Allowed()


@dataclass(frozen=True)
class Trace:
    """Time series of a bus during an event.

    Attributes
    ----------
    time_s, deviation, target, load_mw, generators_mw, batteries_mw, grid_mw, charge : arrays
        One entry every ``stride`` steps; ``deviation`` is a share of the nominal frequency, ``charge`` of the energy.
        ``target`` is the deviation at which the governors, with the set points of that moment, and the droop of
        grid-forming batteries would carry what batteries leave of the load: the steady frequency under droop. It is 0
        where the grid holds the frequency.
    lowest, highest : float
        Extremes of the deviation over all steps that count (see ``Event.checked_s``).
    rocof_per_s : float
        Largest mean rate of change of the deviation over WINDOW_S, per second.
    throughput_mwh : float
        Energy that went into the batteries and out of them, added up.
    battery_peak_mw, grid_lowest_mw, grid_highest_mw : float
        Extremes over all steps that count; for the batteries, of charging or discharging.
    grid_beyond_s : float
        Longest time without a break in which the grid carries more than its limit, or takes power, by more than
        ``Allowed.overrun_share``.
    ramp_mw : float
        Largest change of the grid's power within RAMP_S, over all steps that count.
    collapsed_s : float or None
        Time at which the plant tripped, and the frequency ends; None if it did not trip.
    """

    time_s: Floats
    deviation: Floats
    target: Floats
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
    grid_beyond_s: float
    ramp_mw: float
    collapsed_s: float | None


def simulate(event: Event, *, stride: int = 10, dt_s: float = 1e-3, leaps: bool = True) -> Trace:
    """Simulate a bus through an event, from steady state until it settles, trips, or the time is over.

    The last REMEMBERED results are kept, since the check of a plan, its sizing and its replay ask for the same events.

    Parameters
    ----------
    stride : int
        Number of steps from one entry of the Trace to the next.
    dt_s : float
        Length of a step.
    leaps : bool
        Whether to advance by many steps at once where these are linear. The result is the same but for rounding.
    """
    return simulated(event, stride, dt_s, leaps)


@lru_cache(maxsize=REMEMBERED)
def simulated(event: Event, stride: int, dt_s: float, leaps: bool) -> Trace:
    """Return what :func:`simulate` returns; it names the parameters in one way, so that equal runs are found again."""
    stepper = Stepper(event.after, dt_s)
    state, load = stepper.at_rest(event.before, event.rest_mw), _Load(event, dt_s)
    settling, leaping = _Settling(load, stepper, state.x), Leaps(stepper)
    within, collapsed_s = (LOWEST, HIGHEST), None
    kept = [np.array(stepper.advance(state, load.between(0, 1), within, 0.5))]
    k, next_leap, pause = 1, 1 if leaps else load.steps, SHORTEST_PAUSE
    while True:
        if not LOWEST <= state.x <= HIGHEST:
            collapsed_s = (k - 1) * dt_s
            break
        if k == load.steps or settling.is_settled:
            break
        straight = load.straight(k)
        if k >= next_leap and straight >= LEAST_LEAP:
            found = leaping.advance(state, *load.line(k, straight), within, straight)
            found = settling.until_settled(k, found)
            kept.append(found[:, :ROW])
            k += len(found)
            pause = SHORTEST_PAUSE if len(found) >= LEAST_LEAP else min(2 * pause, LONGEST_PAUSE)
            next_leap = k + pause
        else:
            until = min(max(next_leap, k + straight + 1), settling.next_check(k), load.steps)
            rows = stepper.advance(state, load.between(k, until), within)
            kept.append(np.array(rows))
            k += len(rows)
            settling.check(k, state.x, state.moving, state.battery + state.formed, state.charge)
    every = np.concatenate(kept)
    every[-1, 0] = min(max(every[-1, 0], LOWEST), HIGHEST)  # when the plant trips, the deviation counts up to its limit
    return _trace(event, every, load.halves, stride, dt_s, collapsed_s)


class _Load:
    """Load of a bus during an event, at every half step, and where it is straight."""

    def __init__(self, event: Event, dt_s: float) -> None:
        self.dt_s, self.steps = dt_s, max(1, round(event.duration_s / dt_s))
        self.last_change_s = float(event.load_s[-1])
        self.halves = np.interp(np.arange(2 * self.steps + 1) * (dt_s / 2), event.load_s, event.load_mw)
        self._knots = np.asarray(event.load_s, dtype=float) / dt_s

    def between(self, k: int, until: int) -> list[float]:
        """Return the load at the start and in the middle of the steps from ``k`` up to ``until``."""
        return self.halves[2 * k : 2 * until].tolist()

    def straight(self, k: int) -> int:
        """Return for how many steps from ``k`` on the load is linear; 0 if it bends within this one."""
        following = int(np.searchsorted(self._knots, k - ROUNDING))
        if following == len(self._knots):
            return self.steps - k
        return max(min(math.floor(self._knots[following] - ROUNDING + 0.5), self.steps) - k, 0)

    def line(self, k: int, straight: int) -> tuple[float, float]:
        """Return the load at the start of step ``k``, and its change a step while it is linear."""
        first, last = float(self.halves[2 * k]), float(self.halves[2 * (k + straight) - 1])
        return first, (last - first) / (straight - 0.5)


class _Settling:
    """Decides, every CHECK_S, whether the run has settled."""

    def __init__(self, load: _Load, stepper: Stepper, x: float) -> None:
        self._load, self._every, self._checked, self._calm = load, round(CHECK_S / load.dt_s), x, 0
        self._charge_per_mw = stepper.charge_per_mw
        self._most_moving = SET_POINT_DRIFT_PER_S * load.dt_s * stepper.bus.capacity_mw * (1 + ROUNDING)
        self.is_settled = False

    def next_check(self, k: int) -> int:
        """Return the number of steps at the check after step ``k``."""
        return (k // self._every + 1) * self._every

    def check(self, k: int, x: float, moving: float, battery: float, charge: float) -> None:
        """Check the state after ``k`` steps, if it is time."""
        if k % self._every:
            return
        still = abs(x - self._checked) < DRIFT_PER_S * CHECK_S and abs(moving) <= self._most_moving
        self._calm = self._calm + 1 if still and (k - 1) * self._load.dt_s > self._load.last_change_s else 0
        charged = 0.0 < charge - battery * self._charge_per_mw * (self._load.steps - k + 1) < 1.0
        self.is_settled = self._calm >= CALM_CHECKS and charged
        self._checked = x

    def until_settled(self, k: int, read: Floats) -> Floats:
        """Return the steps of a leap after ``k`` steps, up to the one at which the run has settled."""
        for done in range(self.next_check(k), k + len(read) + 1, self._every):
            row = read[done - k - 1].tolist()
            x, formed, (moving, battery, charge) = row[0], row[FORMED], row[ROW:]
            self.check(done, x, moving, battery + formed, charge)
            if self.is_settled:
                return read[: done - k]
        return read


def _trace(event: Event, kept: Floats, loads: Floats, stride: int, dt_s: float, collapsed_s: float | None) -> Trace:
    """Return the Trace of all steps; ``kept`` has the deviation in the middle of each step, the rest at its start."""
    middle, generators, following, grid, points, charge, formed = kept.T
    batteries = following + formed
    first = rest(event.before, event.rest_mw)[2]
    deviation = (np.concatenate(([first], middle[:-1])) + middle) / 2
    deviation[0] = first
    if collapsed_s is not None:
        deviation[-1] = middle[-1]
    window = min(round(WINDOW_S / dt_s), len(middle) - 1)
    slopes = (deviation[window:] - deviation[:-window]) / (window * dt_s) if window else (deviation - first) / dt_s
    start = min(round(event.checked_s[0] / dt_s), len(deviation) - 1) if event.checked_s else 0
    load, moved = loads[::2][: len(middle)], np.abs(batteries)
    limit_mw, share = event.after.limit_mw, event.allowed.overrun_share + ROUNDING
    within = np.flatnonzero((grid <= limit_mw * (1 + share)) & (grid >= -share * limit_mw))
    beyond = int(np.diff(within, prepend=-1, append=len(grid)).max()) - 1

    def thinned(values: Floats) -> Floats:
        some = values[::stride].copy()
        some.setflags(write=False)
        return some

    return Trace(
        time_s=thinned(np.arange(len(middle), dtype=float) * dt_s),
        deviation=thinned(deviation),
        target=thinned(_target(event.after, load - following - points)),
        load_mw=thinned(load),
        generators_mw=thinned(generators),
        batteries_mw=thinned(batteries),
        grid_mw=thinned(grid),
        charge=thinned(charge),
        lowest=float(deviation[start:].min()),
        highest=float(deviation[start:].max()),
        rocof_per_s=float(np.abs(slopes[min(start, len(slopes) - 1) :]).max()),
        throughput_mwh=float((moved[:-1] + moved[1:]).sum()) * dt_s / 7200,
        battery_peak_mw=float(moved[start:].max()),
        grid_lowest_mw=float(grid[start:].min()),
        grid_highest_mw=float(grid[start:].max()),
        grid_beyond_s=beyond * dt_s,
        ramp_mw=_ramp(grid[start :: max(1, round(CHECK_S / dt_s))]),
        collapsed_s=collapsed_s,
    )


def _target(bus: Bus, gap_mw: Floats) -> Floats:
    """Return the deviation at which droop alone would close a gap; 0 where a grid, or nothing, closes it."""
    droop_mw = bus.governors_mw + bus.forming_droop_mw
    if bus.grid_mw or not droop_mw:
        return np.zeros(len(gap_mw))
    return -gap_mw / droop_mw


def _ramp(grid: Floats) -> float:
    """Return the largest change within RAMP_S of a power that is sampled every CHECK_S."""
    window = min(round(RAMP_S / CHECK_S) + 1, len(grid))
    return float(np.ptp(np.lib.stride_tricks.sliding_window_view(grid, window), axis=1).max())
