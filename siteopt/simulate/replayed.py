"""Replay a whole plan: its calendar, and its power quality at every milestone, with and without its batteries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from siteopt.equipment import BATTERY_POWER
from siteopt.instance import Floats, Instance
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.judgement import Response, keeps
from siteopt.simulate.orders import Orders
from siteopt.simulate.quality import responses, sizing


@dataclass(frozen=True)
class Replayed:
    """Result of replaying a plan.

    Attributes
    ----------
    orders : Orders
    calendar : Calendar
    responses, without_batteries : tuple of tuples of Response
        For each milestone, the responses to its events: with the plan as it is, and without its batteries. Empty for a
        milestone if the units ordered for it are not sufficient.
    """

    orders: Orders
    calendar: Calendar
    responses: tuple[tuple[Response, ...], ...]
    without_batteries: tuple[tuple[Response, ...], ...]

    def keeps(self, iso_class: str) -> bool:
        """Return whether the class is kept at every milestone; False if the units are not sufficient."""
        suffices = bool(np.isfinite(self.calendar.demand_mw).all())
        return suffices and all(keeps(found, iso_class) for found in self.responses)


def replayed(instance: Instance, orders: Orders, tell: Callable[[str], None] = lambda words: None) -> Replayed:
    """Replay orders at the only site of an Instance: day by day, and electrically.

    Parameters
    ----------
    tell : callable
        Called with a text about the current step.

    Raises
    ------
    ValueError
        As :func:`siteopt.simulate.calendar.replay`.
    """
    tell("replaying day by day")
    calendar = replay(instance, orders)
    bare = replace(orders, units=np.where(instance.supplies(BATTERY_POWER)[:, None], 0, orders.units))
    runs: list[list[tuple[Response, ...]]] = [[], []]
    for m, name in enumerate(instance.milestone):
        tell(f"replaying millisecond by millisecond: {name}")
        phase = _shown(instance, orders, calendar, m)
        for found, some in zip(runs, (orders, bare), strict=True):
            found.append(_responses(instance, some, calendar, phase))
    return Replayed(orders, calendar, *map(tuple, runs))


def _shown(instance: Instance, orders: Orders, calendar: Calendar, m: int) -> int:
    """Return the first phase of a milestone that does not keep the class, or the phase with which it starts."""
    phases, iso_class = instance.phases(orders.day), instance.power_quality.iso_class
    own = int(phases.own[m])
    for f in np.flatnonzero(phases.milestone == m).tolist() if len(phases) > instance.milestones else ():
        if not keeps(_responses(instance, orders, calendar, f), iso_class):
            return f
    return own


def _responses(instance: Instance, orders: Orders, calendar: Calendar, f: int) -> tuple[Response, ...]:
    phases, running = instance.phases(orders.day), calendar.running[f]
    if not np.isfinite(running.demand_mw):
        return ()
    site = instance.on(int(phases.begin[f]))
    units, step = orders.units[:, f], orders.step[:, f]
    return responses(site, int(phases.milestone[f]), units, step, running.demand_mw, running.import_mw)


def lacking(instance: Instance, orders: Orders) -> tuple[Floats, Floats] | None:
    """Return the battery power (MW) and inertia (MW s) that the site needs at each milestone to keep the class.

    Both have shape M, with 0 if nothing is lacking, and infinity if no amount is sufficient. Return None if nothing is
    lacking at any milestone.

    Raises
    ------
    ValueError
        As :func:`siteopt.simulate.calendar.replay`, or if the units ordered for a milestone are not sufficient.
    """
    calendar, phases = replay(instance, orders), instance.phases(orders.day)
    if not all(np.isfinite(running.demand_mw) for running in calendar.running):
        codes = ", ".join(str(reason.code) for reasons in calendar.reasons for reason in reasons)
        raise ValueError(f"the units ordered do not suffice: {codes}")
    battery_mw, inertia_mws, passes = np.zeros(instance.milestones), np.zeros(instance.milestones), True
    for f, (m, day, running) in enumerate(zip(phases.milestone, phases.begin, calendar.running, strict=True)):
        site, units, step = instance.on(int(day)), orders.units[:, f], orders.step[:, f]
        found = sizing(site, int(m), units, step, running.demand_mw, running.import_mw)
        if found is not None:
            passes = False
            battery_mw[m] = max(battery_mw[m], found.battery_mw)
            inertia_mws[m] = max(inertia_mws[m], found.inertia_mws)
    return None if passes else (battery_mw, inertia_mws)
