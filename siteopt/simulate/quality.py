"""Replay a plan through its events at a milestone, and size what it lacks for a class of power quality."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from siteopt.instance import Instance, Ints
from siteopt.simulate.electrical import Event, simulate
from siteopt.simulate.events import events, schedules
from siteopt.simulate.judgement import FigureName, Response, respond
from siteopt.simulate.steps import Bus

NEW_RESPONSE_S, NEW_HOURS = 0.1, 1.0
"""Batteries assumed if a plan has none: response in s (estimate: controls take 0.05 to 0.15 s), hours of energy."""

MOST_BATTERY, MOST_INERTIA = 2.0, 20
"""Largest values that are tried: battery power in multiples of the IT peak, inertia in those of the plant.

Of grid-forming batteries, as many are tried as have that power, where this is more.
"""

STEP_S, SEARCH_STEP_S, TRACE_S = 1e-3, 5e-3, 1e-2
"""Steps of every verdict, and of the search for a size that is then tried with those; time between the entries."""

SOME_INERTIA_MWS = 0.1
"""Inertia that a plant needs beyond what it has if nothing but other machines helps: as little as counts as some."""

METERED = frozenset([FigureName.BEYOND, FigureName.RAMP])
"""Figures of the meter; no inertia changes them, but a plant with more machines may import less, or run islanded."""

Check = Callable[[int, int, float], bool]
"""Tells whether an event keeps the class: with battery power (tenths of a MW), inertia (percent), and step (s)."""


@dataclass(frozen=True)
class SizingResult:
    """Least battery power (MW) and inertia (MW s) that a plant must have; inertia is 0 if it does not matter."""

    battery_mw: float
    inertia_mws: float


def responses(
    instance: Instance, m: int, units: Ints, step: np.ndarray, demand_mw: float, import_mw: float, *, stride: int = 10
) -> tuple[Response, ...]:
    """Simulate the plan through every event, in each of its modes, at milestone ``m``, and return the responses.

    A mode is shown with the largest scheduled import with which it keeps the required class, or else with the largest.

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
    quality = instance.power_quality

    def response(event: Event) -> Response:
        return respond(event, simulate(event, stride=stride, dt_s=STEP_S), quality.frequency_hz)

    found: list[Response] = []
    for tries in _by_mode(instance, m, units, step, demand_mw, import_mw):
        kept = (each for each in tries if all(response(event).keeps(quality.iso_class) for event in each))
        found += [response(event) for event in next(kept, tries[0])]
    return tuple(found)


def _by_mode(
    instance: Instance, m: int, units: Ints, step: np.ndarray, demand_mw: float, import_mw: float
) -> list[list[list[Event]]]:
    """Return for each mode, and each import that may be scheduled, the largest first, the events of the plan."""
    modes: dict[str, list[list[Event]]] = {}
    for scheduled in schedules(instance, m, units, demand_mw, import_mw):
        found = events(instance, m, units, step, demand_mw, scheduled)
        for mode in dict.fromkeys(event.mode for event in found):
            modes.setdefault(mode, []).append([event for event in found if event.mode == mode])
    return list(modes.values())


def sizing(
    instance: Instance, m: int, units: Ints, step: np.ndarray, demand_mw: float, import_mw: float
) -> SizingResult | None:
    """Return what the plan needs to keep the required class; None if it keeps the class, or if none is required.

    The class is kept if it is kept in one mode (:func:`siteopt.simulate.judgement.keeps`) with one of the imports that
    may be scheduled. Otherwise the result is for the mode, and the largest or the smallest of these imports, that needs
    less: less inertia or, if that is equal, less battery power.

    First, find the least battery power, in tenths of a MW, with the machines unchanged. The batteries of the plan grow,
    and keep their hours and response, but what is added only follows the load, so that inertia is asked for by itself;
    without batteries, NEW_HOURS and NEW_RESPONSE_S apply. If MOST_BATTERY is not sufficient, find the least inertia
    that is sufficient with that much power, in hundredths of the present inertia and then rounded up to 0.1 MW s. The
    inertia of machines and condensers is scaled, and alike the number of grid-forming batteries, which need current to
    give inertia. Then find the least battery power with this inertia. If MOST_INERTIA is not sufficient either, in
    any mode, both are infinite. But if the plant has no inertia, or only the meter counts too much, other machines may
    still help: then it needs SOME_INERTIA_MWS more than it has, and is checked again with them.

    Other values that are returned were simulated and keep the class. They are the least only if more battery power or
    inertia never makes a response worse.

    Parameters and errors are those of :func:`responses`.
    """
    quality = instance.power_quality
    if not quality.iso_class:
        return None
    modes = _by_mode(instance, m, units, step, demand_mw, import_mw)
    passes = partial(_passes, instance)
    if not modes or any(all(passes(event, 0, 100, STEP_S) for event in each) for tries in modes for each in tries):
        return None
    most = math.ceil(10 * MOST_BATTERY * float(instance.it_mw[m]))
    ends = [each for tries in modes for each in tries[:: max(1, len(tries) - 1)]]
    results = [_sizing(instance, each, most) for each in ends]
    lacking = [one for one in results if isinstance(one, SizingResult)]
    if lacking:
        return min(lacking, key=lambda one: (one.inertia_mws, one.battery_mw))
    bus = ends[0][0].before
    may_help = not bus.inertia_mws or any(one <= METERED for one in results if not isinstance(one, SizingResult))
    return SizingResult(0.0, bus.inertia_mws + SOME_INERTIA_MWS) if may_help else SizingResult(math.inf, math.inf)


def _sizing(instance: Instance, found: Sequence[Event], most: int) -> SizingResult | frozenset[FigureName]:
    """Return the sizing result for the events of one mode, or the figures that are beyond their limits with all of it.

    Battery power goes up to ``most`` tenths of a MW.
    """
    bus, checks = found[0].before, [partial(_passes, instance, event) for event in found]
    percent, most_percent = 100, 100 * MOST_INERTIA
    if bus.forming:
        most_percent = max(most_percent, math.ceil(10 * most / bus.forming.capacity_mw))
    while (tenths := _least_battery(checks, percent, most)) is None:
        place = next(place for place, passes in enumerate(checks) if not passes(most, percent, STEP_S))
        if not bus.inertia_mws or not checks[place](most, most_percent, STEP_S):
            response = _response(instance, found[place], most, most_percent, STEP_S)
            figures = response.figures(instance.power_quality.iso_class)
            return frozenset(one.name for one in figures if not one.holds)
        percent = bisected(checks[place], lambda value: (most, value), percent, most_percent)
    if percent == 100:
        return SizingResult(tenths / 10, 0.0)
    battery_mw = max(tenths / 10, _grown(bus, 0.0, percent / 100).battery_mw)
    return SizingResult(battery_mw, math.ceil(percent / 10 * bus.inertia_mws) / 10)


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


def _passes(instance: Instance, event: Event, tenths: int, percent: int, dt_s: float) -> bool:
    """Return whether the event keeps the class with this battery power (tenths of a MW) and inertia (percent)."""
    return _response(instance, event, tenths, percent, dt_s).keeps(instance.power_quality.iso_class)


def _response(instance: Instance, event: Event, tenths: int, percent: int, dt_s: float) -> Response:
    """Return the response to an event with this battery power (tenths of a MW) and inertia (percent)."""
    before, after = (_grown(bus, tenths / 10, percent / 100) for bus in (event.before, event.after))
    trace = simulate(replace(event, before=before, after=after), stride=round(TRACE_S / dt_s), dt_s=dt_s)
    return respond(event, trace, instance.power_quality.frequency_hz)


def _grown(bus: Bus, battery_mw: float, inertia: float) -> Bus:
    """Return a bus with at least this battery power, and ``inertia`` times the inertia (see :func:`sizing`).

    With the power and the inertia that it has, the bus is equal, so its events are not simulated again.
    """
    machines = tuple(replace(each, inertia_s=each.inertia_s * inertia) for each in bus.machines)
    bus = replace(bus, machines=machines, condensers_mws=bus.condensers_mws * inertia)
    if bus.forming:
        capacity_mw = bus.forming.capacity_mw * inertia
        bus = replace(bus, forming=replace(bus.forming, capacity_mw=capacity_mw))
        battery_mw = max(battery_mw, capacity_mw)
    if battery_mw <= bus.battery_mw:
        return bus
    hours, response = NEW_HOURS, NEW_RESPONSE_S
    if bus.battery_mw:
        hours, response = bus.battery_mwh / bus.battery_mw, bus.response_s
    return replace(bus, battery_mw=battery_mw, battery_mwh=battery_mw * hours, response_s=response)
