"""List the events that a plant must withstand at one milestone: those of a scenario, on the buses of a plan.

In *islanded* mode, generators and batteries feed their own bus, and the grid feeds its own halls: the share import /
mean load of all halls. The grid takes the part of a routine swing that it tolerates (peak to peak), at most the swing
of its own halls. When a job stops or starts, the grid takes the change of its own halls. The bus takes the rest. In
*grid-tied* mode, everything runs in parallel, and the grid holds the frequency.

A plant may leave a part of its grid unused: it may run on any import of :func:`schedules`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, replace

import numpy as np

from siteopt.equipment import BATTERY_POWER, INERTIA, MEAN_POWER
from siteopt.instance import Floats, Instance, Ints
from siteopt.simulate.dispatch import TOLERANCE, least_import
from siteopt.simulate.electrical import Allowed, Event
from siteopt.simulate.steps import SECONDARY_S, Bus, Forming, Machines

ISLANDED, GRID_TIED = "islanded", "grid-tied"

SWING, WAVEFORM, STOP, START = "routine swing", "waveform", "job stop", "job start"
GENERATOR_LOSS, BUS_LOSS, GRID_LOSS = "generator loss", "bus loss", "grid loss"

SWING_S = 12.0
"""Shortest simulation of a swing, in seconds: six times 2 s.

A swing is assessed after its first period, or after this time if the period is longer.
"""

GRID_ROCOF_HZ_PER_S = 1.0
"""Rate of change of frequency that is allowed while the grid is connected, in Hz/s over 500 ms.

The loss-of-mains relays of plants of 5 MW or more trip there (G59, https://www.scribd.com/document/749044231).
"""

NOTICED_S = 0.1
"""Time from the loss of the grid until the job begins to stop, in seconds; an estimate for relay and command."""

SCHEDULES = 8
"""Parts of the mean load in which the import is scheduled; an estimate: fine enough, and soon tried."""

FOLLOWED_S = 3 * SECONDARY_S
"""Simulated time of the other events after the last change of the load, in seconds.

This is three times the longest recovery allowed (10 s), which is also the time constant of the set points: by then they
have reached their targets within 5 %.
"""


def schedules(instance: Instance, m: int, units: Ints, demand_mw: float, import_mw: float) -> list[float]:
    """Return the imports that a plan may schedule at a milestone, the largest first; MW.

    They are the least import with which the units meet the mean load within the limits of NOx and fuel trucks, and
    every further multiple of a SCHEDULES-th of the mean load, up to the mean import of the plan. None of them depends
    on the grid, so a plant with more grid may schedule whatever the same plant with less grid may.
    """
    mean_mw = _mean_mw(instance, m, demand_mw)
    least = min(least_import(instance, mean_mw, units), import_mw)
    parts = [mean_mw * part / SCHEDULES for part in range(SCHEDULES, -1, -1)]
    return [*(part for part in parts if least + TOLERANCE * mean_mw < part <= import_mw), least]


def events(
    instance: Instance, m: int, units: Ints, step: np.ndarray, demand_mw: float, import_mw: float
) -> list[Event]:
    """Return every event in each mode of a plan, at a milestone of an Instance of one site.

    Without generators there is no islanded mode, and without a grid no grid-tied mode. A load that does not change is
    no event, nor is the loss of the grid if nothing on the site keeps a frequency, neither a machine with inertia nor a
    grid-forming battery, so that everything stops. Before
    each event, the plant is in steady state at its mean load (before a job start, at the load after a job stop). All
    machines are synchronised, and share the load in proportion to their capacity.

    Parameters
    ----------
    units : O, units on site
    step : L, bool, grid steps in service
    demand_mw, import_mw : float
        Peak demand and scheduled import.

    Raises
    ------
    ValueError
        If the Instance does not hold exactly one site.
    """
    if instance.sites != 1:
        raise ValueError(f"a plan belongs to an Instance of one site, not of {instance.sites}")
    mean_mw = _mean_mw(instance, m, demand_mw)
    found: list[Event] = []
    there = (units > 0) & (instance.rating_mw[0] > 0)
    generators = instance.supplies(MEAN_POWER) & there
    alone = Allowed(rocof_per_s=_rocof(instance, generators, is_tied=False))
    if generators.any():
        bus = _bus(instance, units, 0.0, 0.0)
        share = min(import_mw / mean_mw, 1.0)
        tolerated = float(instance.grid_swing_mw[0] + instance.step_rise_swing_mw[step].sum())
        island = _swings(instance, m, ISLANDED, bus, mean_mw - import_mw, share, tolerated)
        island += _jobs(instance, m, ISLANDED, bus, mean_mw - import_mw, 1 - share)
        island += _generator_losses(instance, ISLANDED, bus, mean_mw - import_mw, generators * units)
        found += [replace(event, allowed=alone, schedule_mw=import_mw) for event in island]
    limit_mw = float(instance.import_limit_mw[0] + instance.step_rise_mw[step].sum())
    if limit_mw > 0:
        quality = instance.power_quality
        losing = Allowed(_rocof(instance, generators, is_tied=True), quality.overrun_share, quality.overrun_s)
        normal = replace(losing, ramp_mw=quality.ramp_limit_mw_per_min)
        bus = _bus(instance, units, import_mw, limit_mw)
        tied = _swings(instance, m, GRID_TIED, bus, mean_mw, 0.0, 0.0)
        tied += _jobs(instance, m, GRID_TIED, bus, mean_mw, 1.0)
        tied = [replace(event, allowed=normal) for event in tied]
        if generators.any():
            losses = _generator_losses(instance, GRID_TIED, bus, mean_mw, generators * units)
            tied += [replace(event, allowed=losing) for event in losses]
        keeps = instance.is_forming | (instance.supplies(INERTIA) & (instance.inertia_s > 0))
        if import_mw > 0 and ((there & keeps).any() or quality.ride_grid_loss):
            tied.append(replace(_grid_loss(instance, m, bus, mean_mw), allowed=alone))
        found += [replace(event, schedule_mw=import_mw) for event in tied]
    return found


def _mean_mw(instance: Instance, m: int, demand_mw: float) -> float:
    """Return the mean load at a milestone."""
    return demand_mw - float(instance.it_mw[m]) * (1 - instance.load_factor)


def _rocof(instance: Instance, generators: np.ndarray, *, is_tied: bool) -> float:
    """Return the rate of change that is allowed, as a share of the frequency per second; infinite if it is shown only.

    The limit of the scenario counts in place of what a connected grid and the machines allow.
    """
    quality = instance.power_quality
    allowed = min([np.inf, *instance.rocof_withstand_hz_per_s[generators]])
    if is_tied:
        allowed = min(allowed, GRID_ROCOF_HZ_PER_S)
    return float(quality.rocof_limit_hz_per_s or allowed) / quality.frequency_hz


def _bus(instance: Instance, units: Ints, import_mw: float, limit_mw: float) -> Bus:
    """Return a bus with the generators of a plan by class, its batteries as one, and its condensers."""
    power = instance.rating_mw[0] * units
    capacity: defaultdict[tuple[float, ...], float] = defaultdict(float)
    for o in np.flatnonzero(instance.supplies(MEAN_POWER) & (power > 0)):
        capacity[_answer(instance, int(o))] += float(power[o])
    machines = tuple(Machines(mw, *answer) for answer, mw in sorted(capacity.items()))
    stores = instance.supplies(BATTERY_POWER)
    batteries = np.where(stores, power, 0.0)
    energy = float((instance.energy_mwh * units)[stores].sum())
    battery_mw = float(batteries.sum()) if energy > 0 else 0.0
    response = float(batteries @ instance.response_s) / battery_mw if battery_mw else 0.0
    forming = _forming(instance, power) if battery_mw else None
    condensers = instance.supplies(INERTIA) & ~instance.supplies(MEAN_POWER) & ~stores
    spinning_mws = float(power[condensers] @ instance.inertia_s[condensers])
    return Bus(machines, battery_mw, energy, response, import_mw, limit_mw, forming, spinning_mws)


def _forming(instance: Instance, power: Floats) -> Forming | None:
    """Return the grid-forming batteries as one, with their virtual inertia and what they give at a deviation in all."""
    mine = instance.is_forming & (power > 0)
    if not mine.any():
        return None
    part = power[mine]
    capacity = float(part.sum())
    return Forming(
        capacity,
        inertia_s=float(part @ instance.inertia_s[mine]) / capacity,
        droop=capacity / float((part / instance.droop[mine]).sum()),
        overload=float(part @ instance.overload[mine]) / capacity,
    )


def _answer(instance: Instance, o: int) -> tuple[float, ...]:
    """Return the values that define a generator's class, in the order of the fields of Machines."""
    fields = (instance.inertia_s, instance.droop, instance.governor_s, instance.ramp_per_s, instance.step_fraction)
    return tuple(float(each[o]) for each in fields)


def _swings(
    instance: Instance, m: int, mode: str, bus: Bus, rest_mw: float, grid_share: float, tolerated_mw: float
) -> list[Event]:
    """Return the events of the routine swing and of the sampled load, without the part that the grid takes."""
    mean, it = instance.load_factor, float(instance.it_mw[m])
    found = []
    for name, (time, shares) in ((SWING, trapezoid(instance)), (WAVEFORM, sampled(instance))):
        size = float(np.ptp(shares)) if len(shares) else 0.0
        if size * it == 0:
            continue
        period = float(time[-1])
        settled = min(period, SWING_S)
        duration = max(SWING_S, period + settled)
        repeats = np.arange(int(np.ceil(duration / period)) + 1)
        left = 1 - min(grid_share, tolerated_mw / (size * it))
        found.append(
            Event(
                name,
                mode,
                before=bus,
                after=bus,
                rest_mw=rest_mw,
                load_s=tuple((repeats[:, None] * period + time).ravel().tolist()),
                load_mw=tuple((rest_mw + np.tile(left * it * (shares - mean), len(repeats))).tolist()),
                duration_s=duration,
                checked_s=(settled, period),
            )
        )
    return found


def trapezoid(instance: Instance) -> tuple[Floats, Floats]:
    """Return one period of the routine swing from its mean, rising: times in s, IT load as a share of its peak.

    The load lies between 1 - swing and 1, and stays at the top long enough for its mean to be ``load_factor``. If the
    shorter of top and bottom has no room for the edges, they are shortened. Both arrays are empty if the mean leaves
    no swing.
    """
    quality, low = instance.power_quality, 1 - instance.load_step_amplitude
    duty = (instance.load_factor - low) / instance.load_step_amplitude if instance.load_step_amplitude else 0.0
    if not 0 < duty < 1:
        return np.zeros(0), np.zeros(0)
    period = quality.swing_period_s
    edge = min(quality.swing_edge_s, duty * period, (1 - duty) * period)
    spans = (edge * (1 - duty), duty * period - edge, edge, (1 - duty) * period - edge, edge * duty)
    mean = instance.load_factor
    return np.concatenate(([0.0], np.cumsum(spans))), np.array([mean, 1.0, 1.0, low, low, mean])


def sampled(instance: Instance) -> tuple[Floats, Floats]:
    """Return one period of the sampled load: times in s from 0, IT load as a share of its peak.

    The period ends by repeating the first sample, one mean interval after the last one. Both arrays are empty if there
    are fewer than two samples.
    """
    quality = instance.power_quality
    time, share = np.array(quality.waveform_s), np.array(quality.waveform_share)
    if len(time) < 2:
        return np.zeros(0), np.zeros(0)
    span = float(time[-1] - time[0])
    return np.append(time - time[0], span * len(time) / (len(time) - 1)), np.append(share, share[0])


def _fallen(instance: Instance, m: int) -> float:
    """Return the MW by which the load falls when a job stops: at most the mean IT load."""
    return float(instance.it_mw[m]) * min(instance.power_quality.job_step, instance.load_factor)


def _jobs(instance: Instance, m: int, mode: str, bus: Bus, rest_mw: float, share: float) -> list[Event]:
    """Return two events, the stop of a job and its restart; none if the load does not fall."""
    quality, fallen = instance.power_quality, share * _fallen(instance, m)
    if fallen == 0:
        return []
    return [
        _change(STOP, mode, bus, rest_mw, rest_mw - fallen, quality.job_stop_s),
        _change(START, mode, bus, rest_mw - fallen, rest_mw, quality.job_start_s),
    ]


def _change(name: str, mode: str, bus: Bus, before_mw: float, after_mw: float, within_s: float) -> Event:
    """Return an event in which the load changes linearly from one value to another."""
    ramp = [(0.0, before_mw), (within_s, after_mw)] if within_s else [(0.0, after_mw)]
    time, load = zip(*ramp, strict=True)
    return Event(name, mode, bus, bus, before_mw, time, load, within_s + FOLLOWED_S)


def _generator_losses(instance: Instance, mode: str, bus: Bus, rest_mw: float, generators: Ints) -> list[Event]:
    """Return the event in which the largest generator is lost, and that in which a bus is lost with several of them.

    A fault on a bus or a step-up transformer takes the generators that stand on it. Which ones do is not known, so
    these are the largest ones, and the first offers if several are equal. It is no event if the scenario takes them one
    by one, or if there is no second generator.

    Parameters
    ----------
    generators : O, generators on site
    """
    together = min(instance.power_quality.units_lost_together, int(generators.sum()))
    numbers = {GENERATOR_LOSS: 1, BUS_LOSS: together} if together > 1 else {GENERATOR_LOSS: 1}
    return [
        Event(name, mode, bus, _without(instance, bus, generators, number), rest_mw, (0.0,), (rest_mw,), FOLLOWED_S)
        for name, number in numbers.items()
    ]


def _without(instance: Instance, bus: Bus, generators: Ints, number: int) -> Bus:
    """Return a bus without the largest generators."""
    every = np.repeat(np.arange(instance.offers), generators)
    largest = every[np.argsort(-instance.rating_mw[0, every], kind="stable")[:number]]
    lost: defaultdict[tuple[float, ...], float] = defaultdict(float)
    for o in largest.tolist():
        lost[_answer(instance, o)] += float(instance.rating_mw[0, o])
    machines = tuple(
        replace(each, capacity_mw=max(each.capacity_mw - lost[astuple(each)[1:]], 0.0)) for each in bus.machines
    )
    return replace(bus, machines=machines)


def _grid_loss(instance: Instance, m: int, bus: Bus, rest_mw: float) -> Event:
    """Return the event in which the grid is lost, and the job is stopped; or goes on, if it has to ride through.

    What is left when the job has stopped is cooling, auxiliaries and what its servers draw at rest.
    """
    after, quality = replace(bus, import_mw=0.0, limit_mw=0.0), instance.power_quality
    fallen = 0.0 if quality.ride_grid_loss else _fallen(instance, m)
    return Event(
        GRID_LOSS,
        GRID_TIED,
        bus,
        after,
        rest_mw,
        (NOTICED_S, NOTICED_S + quality.job_stop_s),
        (rest_mw, rest_mw - fallen),
        NOTICED_S + quality.job_stop_s + FOLLOWED_S,
    )
