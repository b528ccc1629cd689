"""Rate the response of a plant to its events by the classes of ISO 8528-5, and size what it lacks for a class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from siteopt.instance import Floats, Instance, Ints
from siteopt.simulate.electrical import Event, Trace, simulate
from siteopt.simulate.events import GRID_LOSS, events
from siteopt.simulate.steps import Bus

NEW_RESPONSE_S, NEW_HOURS = 0.1, 1.0
"""Batteries assumed if a plan has none: response in s (estimate: controls take 0.05 to 0.15 s), hours of energy."""

MOST_BATTERY, MOST_INERTIA = 2.0, 20
"""Largest values that are tried: battery power in multiples of the IT peak, inertia in those of the machines."""


STEP_S, SEARCH_STEP_S, TRACE_S = 1e-3, 5e-3, 1e-2
"""Steps of every verdict, and of the search for a size that is then tried with those; time between the entries."""

BEYOND_S = 0.5
"""Longest time for which a grid with no machines beside it may carry more than its limit, or take power, in seconds.

An estimate: batteries answer within 0.1 to 0.2 s, and the relays of a feeder take seconds to trip at such a load.
"""

SOME_INERTIA_MWS = 0.1
"""Inertia that a plant needs if it fails without any: as little as counts as some."""

Check = Callable[[int, int, float], bool]
"""Tells whether an event keeps the class: with battery power (tenths of a MW), inertia (percent), and step (s)."""


@dataclass(frozen=True)
class Limits:
    """Limits of a class, as shares of the nominal frequency, and in seconds."""

    dip: float
    rise: float
    recovery_s: float
    band: float
    droop: float

    @property
    def steady(self) -> float:
        """Return the steady band: the droop plus the band around it, as a share of the nominal frequency."""
        return self.droop + self.band


CLASSES = {
    "G1": Limits(0.15, 0.18, 10.0, 0.025, 0.08),
    "G2": Limits(0.10, 0.12, 5.0, 0.015, 0.05),
    "G3": Limits(0.07, 0.10, 3.0, 0.005, 0.03),
}
"""Classes of ISO 8528-5 for reciprocating sets, the least strict class first.

Dips and recovery of all classes:
https://huaquanpower.net/es/what-is-the-peak-load-acceptance-capability-of-diesel-generators-and-how-is-it-measured/;
rise, band and droop of G2: http://www.mrb78.info/?page_id=1616. Rise, band and droop of G1 and G3 are from general
knowledge of the standard and were not checked against its text.
"""


@dataclass(frozen=True)
class Response:
    """Response of a plant to one event.

    Attributes
    ----------
    event, mode : str
    lowest_hz, highest_hz, dip, rise : float
        Extremes of the frequency, and its fall below and rise above the nominal frequency, as shares of it; at least
        0.
    rocof_hz_per_s : float
        Largest rate of change of the frequency, averaged over 0.1 s as relays do.
    recovery_s : tuple of float
        For each of CLASSES, the time from the end of the load change until the frequency stays within Limits.steady;
        empty for a periodic load. Infinite if the plant trips, or if the frequency stays outside to the end.
    settled : float
        Final deviation of the frequency as a share; for a periodic load, its mean over the last period.
    battery_mwh, battery_cycles, battery_peak_mw : float
        Energy into and out of the batteries, the same as full cycles, and their largest power.
    battery_drain_mw : float
        Mean power of the batteries over the last period of a periodic load; otherwise 0. Governors cut fuel on each
        fall of the load, and machines near full load cannot make up for it, so this drains the batteries.
    import_peak_mw, import_swing_mw : float
        Largest import, and its peak-to-peak swing, if grid-tied; otherwise 0.
    shed_mw : float
        Load that relays shed.
    collapsed_s : float or None
        Time at which the plant tripped; None if it did not.
    iso_class : str
        Best class that is kept; empty if no class is kept.
    trace : Trace
    """

    event: str
    mode: str
    lowest_hz: float
    highest_hz: float
    dip: float
    rise: float
    rocof_hz_per_s: float
    recovery_s: tuple[float, ...]
    settled: float
    battery_mwh: float
    battery_cycles: float
    battery_peak_mw: float
    battery_drain_mw: float
    import_peak_mw: float
    import_swing_mw: float
    import_beyond_s: float
    shed_mw: float
    collapsed_s: float | None
    iso_class: str
    trace: Trace = field(repr=False, compare=False)


@dataclass(frozen=True)
class SizingResult:
    """Least battery power (MW) and inertia (MW s) that a plant must have; inertia is 0 if it does not matter."""

    battery_mw: float
    inertia_mws: float


def responses(
    instance: Instance, m: int, units: Ints, step: np.ndarray, demand_mw: float, import_mw: float, *, stride: int = 10
) -> tuple[Response, ...]:
    """Simulate the plan through every event, in each of its modes, at milestone ``m``, and return the responses.

    Parameters
    ----------
    instance : Instance
        Instance of one site.
    units : O, units on site
    step : L, bool, grid steps in service
    demand_mw, import_mw : float
        Peak demand and mean import, as in the Plan.
    stride : int
        Milliseconds from one entry of the traces to the next; this is also the accuracy of the recovery time.

    Raises
    ------
    ValueError
        If the Instance does not hold exactly one site.
    """
    found = events(instance, m, units, step, demand_mw, import_mw)
    hz = instance.power_quality.frequency_hz
    return tuple(respond(event, simulate(event, stride=stride, dt_s=STEP_S), hz) for event in found)


def respond(event: Event, trace: Trace, frequency_hz: float) -> Response:
    """Return the figures of one simulated event, and the class that it keeps.

    A periodic load has no recovery time; its extremes, which recur every few seconds, are compared with Limits.steady.
    """
    tied = event.before.limit_mw > 0
    dip, rise, settled = max(0.0, -trace.lowest), max(0.0, trace.highest), _last_mean(event, trace, trace.deviation)
    changed = float(event.load_s[-1])
    recovery = () if event.checked_s else tuple(_recovery(trace, each.steady, changed) for each in CLASSES.values())
    kept, is_held = "", trace.collapsed_s is None and trace.grid_beyond_s <= BEYOND_S
    for place, (name, limits) in enumerate(CLASSES.items()):
        recovered = recovery[place] <= limits.recovery_s if recovery else max(dip, rise) <= limits.steady
        if is_held and recovered and dip <= limits.dip and rise <= limits.rise:
            kept = name
    energy = event.after.battery_mwh
    return Response(
        event=event.name,
        mode=event.mode,
        lowest_hz=frequency_hz * (1 + trace.lowest),
        highest_hz=frequency_hz * (1 + trace.highest),
        dip=dip,
        rise=rise,
        rocof_hz_per_s=frequency_hz * trace.rocof_per_s,
        recovery_s=recovery,
        settled=settled,
        battery_mwh=trace.throughput_mwh,
        battery_cycles=trace.throughput_mwh / (2 * energy) if energy else 0.0,
        battery_peak_mw=trace.battery_peak_mw,
        battery_drain_mw=_last_mean(event, trace, trace.batteries_mw) if event.checked_s else 0.0,
        import_peak_mw=trace.grid_highest_mw if tied else 0.0,
        import_swing_mw=trace.grid_highest_mw - trace.grid_lowest_mw if tied else 0.0,
        import_beyond_s=trace.grid_beyond_s,
        shed_mw=trace.shed_mw,
        collapsed_s=trace.collapsed_s,
        iso_class=kept,
        trace=trace,
    )


def _last_mean(event: Event, trace: Trace, values: Floats) -> float:
    """Return the final value; for a periodic load, the mean over its last period."""
    if event.checked_s is None:
        return float(values[-1])
    return float(values[trace.time_s > trace.time_s[-1] - event.checked_s[1]].mean())


def _recovery(trace: Trace, steady: float, changed_s: float) -> float:
    """Return the seconds after the load change from which the deviation stays within ``steady``; inf if never."""
    if trace.collapsed_s is not None:
        return math.inf
    outside = np.flatnonzero(np.abs(trace.deviation) > steady)
    if not len(outside):
        return 0.0
    if outside[-1] == len(trace.deviation) - 1:
        return math.inf
    return max(float(trace.time_s[outside[-1] + 1]) - changed_s, 0.0)


def keeps(found: Sequence[Response], iso_class: str, grid_loss: bool) -> bool:
    """Return whether every response of at least one mode keeps the class: a plant may run islanded or grid-tied.

    The loss of the grid counts only if ``grid_loss`` is set. An empty class requires nothing, and a plan without events
    keeps every class.
    """
    asked = [each for each in found if grid_loss or each.event != GRID_LOSS]
    return not asked or bool(modes_kept(asked, iso_class, grid_loss))


def modes_kept(found: Sequence[Response], iso_class: str, grid_loss: bool) -> list[str]:
    """Return the modes in which every response keeps the class."""
    asked = [each for each in found if grid_loss or each.event != GRID_LOSS]
    modes = dict.fromkeys(each.mode for each in asked)
    return [mode for mode in modes if all(_kept(each, iso_class) for each in asked if each.mode == mode)]


def _kept(response: Response, iso_class: str) -> bool:
    order = ("", *CLASSES)
    return order.index(response.iso_class) >= order.index(iso_class)


def sizing(
    instance: Instance, m: int, units: Ints, step: np.ndarray, demand_mw: float, import_mw: float
) -> SizingResult | None:
    """Return what the plan needs to keep the required class; None if it keeps the class, or if none is required.

    The class is kept if it is kept in one mode (:func:`keeps`). Otherwise the result is for the mode that needs less:
    less inertia or, if that is equal, less battery power.

    First, find the least battery power, in tenths of a MW, with the machines unchanged. The batteries of the plan grow,
    and keep their hours and response; without batteries, NEW_HOURS and NEW_RESPONSE_S apply. If MOST_BATTERY is not
    sufficient, find the least inertia that is sufficient with that much power, in hundredths of the present inertia
    and then rounded up to 0.1 MW s, with all inertia constants scaled alike. Then find the least battery power with
    this inertia. Both are infinite if MOST_INERTIA is not sufficient either. A plant without inertia that fails with
    all batteries needs some machine, whatever else it needs: SOME_INERTIA_MWS. With it, it is checked again.

    Other values that are returned were simulated and keep the class. They are the least only if more battery power or
    inertia never makes a response worse.

    Parameters and errors are those of :func:`responses`.
    """
    quality = instance.power_quality
    found = events(instance, m, units, step, demand_mw, import_mw)
    asked = [event for event in found if quality.grid_loss or event.name != GRID_LOSS]
    if not quality.iso_class or not asked:
        return None
    most = math.ceil(10 * MOST_BATTERY * float(instance.it_mw[m]))
    modes = [[event for event in asked if event.mode == mode] for mode in dict.fromkeys(each.mode for each in asked)]
    checks = [[partial(_passes, event, quality.iso_class) for event in mode] for mode in modes]
    if any(all(passes(0, 100, STEP_S) for passes in mode) for mode in checks):
        return None
    lacking = [_sizing(mode[0].before, found, most) for mode, found in zip(modes, checks, strict=True)]
    return min(lacking, key=lambda one: (one.inertia_mws, one.battery_mw))


def _sizing(bus: Bus, checks: Sequence[Check], most: int) -> SizingResult:
    """Return the sizing result for the events of one mode, with battery power up to ``most`` tenths of a MW."""
    percent, most_percent = 100, 100 * MOST_INERTIA
    while (tenths := _least_battery(checks, percent, most)) is None:
        failing = next(passes for passes in checks if not passes(most, percent, STEP_S))
        if not bus.inertia_mws:
            return SizingResult(0.0, SOME_INERTIA_MWS)
        if not failing(most, most_percent, STEP_S):
            return SizingResult(math.inf, math.inf)
        percent = bisected(failing, lambda value: (most, value), percent, most_percent)
    if percent == 100:
        return SizingResult(tenths / 10, 0.0)
    return SizingResult(max(tenths / 10, bus.battery_mw), math.ceil(percent / 10 * bus.inertia_mws) / 10)


def _least_battery(checks: Sequence[Check], percent: int, most: int) -> int | None:
    """Return the least battery power at which all events pass; None if one does not even pass with the most.

    All events were simulated with the returned power. The power only rises from event to event, so most events are
    simulated once.
    """
    tenths = 0
    while failing := next((passes for passes in checks if not passes(tenths, percent, STEP_S)), None):
        if not failing(most, percent, STEP_S):
            return None
        tenths = bisected(failing, lambda value: (value, percent), tenths, most)
    return tenths


def bisected(passes: Check, size: Callable[[int], tuple[int, int]], low: int, high: int) -> int:
    """Return the least value at which an event passes, of those above ``low``, which fails, up to ``high``.

    The event passes at ``high``. A search with steps of SEARCH_STEP_S comes first. Its answer, and the value below, are
    the first that are tried with steps of STEP_S; mostly they are also the last.

    Parameters
    ----------
    size : callable
        Returns the battery power (tenths of a MW) and the inertia (percent) of a value.
    """
    tried: list[int] = []
    for dt_s in (SEARCH_STEP_S, STEP_S):
        below, value = low, high
        while value - below > 1:
            middle = tried.pop() if tried else (below + value) // 2
            if below < middle < value:
                below, value = (below, middle) if passes(*size(middle), dt_s) else (middle, value)
        tried = [value - 1, value]
    return value


def _passes(event: Event, iso_class: str, tenths: int, percent: int, dt_s: float) -> bool:
    """Return whether the event keeps the class with this battery power (tenths of a MW) and inertia (percent)."""
    before, after = (_grown(bus, tenths / 10, percent / 100) for bus in (event.before, event.after))
    trace = simulate(replace(event, before=before, after=after), stride=round(TRACE_S / dt_s), dt_s=dt_s)
    return _kept(respond(event, trace, 1.0), iso_class)


def _grown(bus: Bus, battery_mw: float, inertia: float) -> Bus:
    """Return a bus with at least this battery power, of the same kind of batteries, and ``inertia`` times the inertia.

    With the power and the inertia that it has, the bus is equal, so its events are not simulated again.
    """
    machines = tuple(replace(each, inertia_s=each.inertia_s * inertia) for each in bus.machines)
    bus = replace(bus, machines=machines)
    if battery_mw <= bus.battery_mw:
        return bus
    hours, response = NEW_HOURS, NEW_RESPONSE_S
    if bus.battery_mw:
        hours, response = bus.battery_mwh / bus.battery_mw, bus.response_s
    return replace(bus, battery_mw=battery_mw, battery_mwh=battery_mw * hours, response_s=response)
