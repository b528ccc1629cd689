"""Judge the response of a plant to its events: by the classes of ISO 8528-5, the grid's contract, and rates of change.

A periodic load is steady running: its frequency stays within the steady band of a class. Every other event is a
transient: its frequency dips, rises and recovers within the limits of a class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from siteopt.instance import Floats
from siteopt.simulate.electrical import Allowed, Event, Trace
from siteopt.simulate.events import GRID_LOSS


@dataclass(frozen=True)
class Limits:
    """Limits of a class, as shares of the nominal frequency, and in seconds.

    Attributes
    ----------
    dip, rise, recovery_s : float
        Of a transient: its lowest and highest frequency, and the time in which the frequency recovers.
    steady_band : float
        Total width of the band in which the frequency of a steady load may swing, half of it on each side of its mean.
    tolerance_band : float
        Total width of the band into which the frequency recovers, half of it on each side of its target.
    droop : float
        Largest deviation of a target.
    """

    dip: float
    rise: float
    recovery_s: float
    steady_band: float
    tolerance_band: float
    droop: float


CLASSES = {
    "G1": Limits(0.15, 0.18, 10.0, 0.025, 0.035, 0.08),
    "G2": Limits(0.10, 0.12, 5.0, 0.015, 0.02, 0.05),
    "G3": Limits(0.07, 0.10, 3.0, 0.005, 0.02, 0.03),
}
"""Classes of ISO 8528-5 for reciprocating sets, the least strict class first.

Dips and recovery of all classes:
https://huaquanpower.net/es/what-is-the-peak-load-acceptance-capability-of-diesel-generators-and-how-is-it-measured/;
rise and droop of G2: http://www.mrb78.info/?page_id=1616; steady bands:
https://ufgscriteriadocreport.tpub.com/16237N/16237N0019.htm, which prints them with "+ or -", so twice as wide as here.
The total width is the stricter reading, and that of the tolerance bands and the droop of G1 and G3 in an open tool that
checks by section 7 of the standard. Rises of G1 and G3 are general knowledge and were not checked against its text.
"""


class FigureName(StrEnum):
    """Figure of a response to an event."""

    DIP = "dip"
    RISE = "rise"
    RECOVERY = "recovery"
    STEADY = "steady band"
    RATE = "rate of change"
    OVERRUN = "overrun"
    BEYOND = "beyond import limit"
    """Time without a break in which the import is beyond its limit, or below 0."""
    RAMP = "ramp"


FIGURE_UNITS = {
    FigureName.DIP: "%",
    FigureName.RISE: "%",
    FigureName.RECOVERY: "s",
    FigureName.STEADY: "%",
    FigureName.RATE: "Hz/s",
    FigureName.OVERRUN: "MW",
    FigureName.BEYOND: "s",
    FigureName.RAMP: "MW/min",
}
"""Unit of each figure; percentages are of the nominal frequency."""


class Figure(NamedTuple):
    """A figure of a response, beside its limit.

    Attributes
    ----------
    name : FigureName
    value : float
        Infinite if the frequency never recovers.
    limit : float
        Infinite if the figure is shown, and not judged.
    """

    name: FigureName
    value: float
    limit: float

    @property
    def unit(self) -> str:
        """Return the unit of value and limit."""
        return FIGURE_UNITS[self.name]

    @property
    def holds(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.value <= self.limit


@dataclass(frozen=True)
class Response:
    """Response of a plant to one event.

    Attributes
    ----------
    event, mode : str
    schedule_mw : float
        Scheduled import: on the bus if grid-tied, of the grid's own halls if islanded.
    is_tied : bool
        Whether the grid is connected after the event.
    lowest_hz, highest_hz, dip, rise : float
        Extremes of the frequency, and its fall below and rise above the nominal frequency, as shares of it; at least
        0.
    band : float or None
        For a periodic load, twice the largest deviation from its mean, as a share of the nominal frequency.
    rocof_hz_per_s : float
        Largest rate of change of the frequency, averaged over 500 ms.
    recovery_s : tuple of float
        For each of CLASSES, the time from which the frequency leaves the steady band until it stays within the
        tolerance band around its target; empty for a periodic load. Infinite if the plant trips, or if the frequency
        stays outside to the end.
    settled : float
        Final deviation of the frequency as a share; for a periodic load, its mean over the last period.
    battery_mwh, battery_cycles, battery_peak_mw : float
        Energy into and out of the batteries, the same as full cycles, and their largest power.
    battery_drain_mw : float
        Mean power of the batteries over the last period of a periodic load; otherwise 0. Governors cut fuel on each
        fall of the load, and machines near full load cannot make up for it, so this drains the batteries.
    import_limit_mw, import_peak_mw, import_swing_mw, overrun_mw, import_beyond_s, ramp_mw_per_min : float
        Limit of the import, largest import, its peak-to-peak swing, MW above the limit, longest time beyond it, and
        largest change within a minute, if ``is_tied``; otherwise 0.
    shed_mw, lost_mw : float
        Load of the job that is stopped because the grid is lost, and rating of the generators that are lost.
    collapsed_s : float or None
        Time at which the plant tripped; None if it did not.
    allowed : Allowed
    frequency_hz : float
        Nominal frequency.
    trace : Trace
    """

    event: str
    mode: str
    schedule_mw: float
    is_tied: bool
    lowest_hz: float
    highest_hz: float
    dip: float
    rise: float
    band: float | None
    rocof_hz_per_s: float
    recovery_s: tuple[float, ...]
    settled: float
    battery_mwh: float
    battery_cycles: float
    battery_peak_mw: float
    battery_drain_mw: float
    import_limit_mw: float
    import_peak_mw: float
    import_swing_mw: float
    overrun_mw: float
    import_beyond_s: float
    ramp_mw_per_min: float
    shed_mw: float
    lost_mw: float
    collapsed_s: float | None
    allowed: Allowed
    frequency_hz: float
    trace: Trace = field(repr=False, compare=False)

    def figures(self, iso_class: str) -> tuple[Figure, ...]:
        """Return every figure that is judged or shown, beside its limit for a class."""
        limits, place = CLASSES[iso_class], list(CLASSES).index(iso_class)
        if self.band is not None:
            found = [Figure(FigureName.STEADY, 100 * self.band, 100 * limits.steady_band)]
        else:
            found = [
                Figure(FigureName.DIP, 100 * self.dip, 100 * limits.dip),
                Figure(FigureName.RISE, 100 * self.rise, 100 * limits.rise),
                Figure(FigureName.RECOVERY, self.recovery_s[place], limits.recovery_s),
            ]
        found.append(Figure(FigureName.RATE, self.rocof_hz_per_s, self.frequency_hz * self.allowed.rocof_per_s))
        if self.is_tied:
            found += [
                Figure(FigureName.OVERRUN, self.overrun_mw, math.inf),
                Figure(FigureName.BEYOND, self.import_beyond_s, self.allowed.overrun_s),
                Figure(FigureName.RAMP, self.ramp_mw_per_min, self.allowed.ramp_mw),
            ]
        return tuple(found)

    def keeps(self, iso_class: str) -> bool:
        """Return whether the plant does not trip, and every figure is within its limit; an empty class asks nothing."""
        if not iso_class:
            return True
        return self.collapsed_s is None and all(figure.holds for figure in self.figures(iso_class))

    @property
    def iso_class(self) -> str:
        """Return the best class that is kept; empty if none is."""
        return next((name for name in reversed(CLASSES) if self.keeps(name)), "")


def respond(event: Event, trace: Trace, frequency_hz: float) -> Response:
    """Return the figures of one simulated event."""
    tied, settled = event.after.limit_mw > 0, _last_mean(event, trace, trace.deviation)
    extremes = (trace.highest - settled, settled - trace.lowest)
    energy = event.after.battery_mwh
    return Response(
        event=event.name,
        mode=event.mode,
        schedule_mw=event.schedule_mw,
        is_tied=tied,
        lowest_hz=frequency_hz * (1 + trace.lowest),
        highest_hz=frequency_hz * (1 + trace.highest),
        dip=max(0.0, -trace.lowest),
        rise=max(0.0, trace.highest),
        band=2 * max(extremes) if event.checked_s else None,
        rocof_hz_per_s=frequency_hz * trace.rocof_per_s,
        recovery_s=() if event.checked_s else tuple(_recovery(trace, limits) for limits in CLASSES.values()),
        settled=settled,
        battery_mwh=trace.throughput_mwh,
        battery_cycles=trace.throughput_mwh / (2 * energy) if energy else 0.0,
        battery_peak_mw=trace.battery_peak_mw,
        battery_drain_mw=_last_mean(event, trace, trace.batteries_mw) if event.checked_s else 0.0,
        import_limit_mw=event.after.limit_mw if tied else 0.0,
        import_peak_mw=trace.grid_highest_mw if tied else 0.0,
        import_swing_mw=trace.grid_highest_mw - trace.grid_lowest_mw if tied else 0.0,
        overrun_mw=max(0.0, trace.grid_highest_mw - event.after.limit_mw) if tied else 0.0,
        import_beyond_s=trace.grid_beyond_s if tied else 0.0,
        ramp_mw_per_min=trace.ramp_mw if tied else 0.0,
        shed_mw=event.rest_mw - event.load_mw[-1] if event.name == GRID_LOSS else 0.0,
        lost_mw=event.before.capacity_mw - event.after.capacity_mw,
        collapsed_s=trace.collapsed_s,
        allowed=event.allowed,
        frequency_hz=frequency_hz,
        trace=trace,
    )


def _last_mean(event: Event, trace: Trace, values: Floats) -> float:
    """Return the final value; for a periodic load, the mean over its last period."""
    if event.checked_s is None:
        return float(values[-1])
    return float(values[trace.time_s > trace.time_s[-1] - event.checked_s[1]].mean())


def _recovery(trace: Trace, limits: Limits) -> float:
    """Return the seconds from leaving the steady band until the frequency stays within the tolerance band; or inf.

    The target moves: after a change of the load, the frequency settles where the governors' droop puts it, and the set
    points then bring it back to the nominal one. A band about the last value alone would count that slow return, which
    a test of one set does not have, as no recovery. A target beyond the droop of the class is none.
    """
    if trace.collapsed_s is not None:
        return math.inf
    left = np.flatnonzero(np.abs(trace.deviation - trace.deviation[0]) > limits.steady_band / 2)
    target = np.clip(trace.target, -limits.droop, limits.droop)
    outside = np.flatnonzero(np.abs(trace.deviation - target) > limits.tolerance_band / 2)
    if not len(left) or not len(outside):
        return 0.0
    if outside[-1] == len(trace.deviation) - 1:
        return math.inf
    return max(float(trace.time_s[outside[-1] + 1] - trace.time_s[left[0]]), 0.0)


def keeps(found: Sequence[Response], iso_class: str) -> bool:
    """Return whether every response of at least one mode keeps the class: a plant may run islanded or grid-tied.

    An empty class requires nothing, and a plan without events that are judged keeps every class.
    """
    return not found or bool(modes_kept(found, iso_class))


def modes_kept(found: Sequence[Response], iso_class: str) -> list[str]:
    """Return the modes in which every response keeps the class."""
    modes = dict.fromkeys(each.mode for each in found)
    return [mode for mode in modes if all(each.keeps(iso_class) for each in found if each.mode == mode)]
