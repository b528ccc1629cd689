"""Replay a whole plan: its calendar, and its power quality at every milestone, with and without its batteries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from siteopt.equipment import BATTERY_POWER
from siteopt.instance import Floats, Instance
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.orders import Orders
from siteopt.simulate.quality import Response, SizingResult, keeps, responses, sizing


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

    def keeps(self, iso_class: str, grid_loss: bool) -> bool:
        """Return whether the class is kept at every milestone; False if the units are not sufficient."""
        suffices = bool(np.isfinite(self.calendar.demand_mw).all())
        return suffices and all(keeps(found, iso_class, grid_loss) for found in self.responses)


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
        for found, some in zip(runs, (orders, bare), strict=True):
            found.append(_responses(instance, some, calendar, m))
    return Replayed(orders, calendar, *map(tuple, runs))


def _responses(instance: Instance, orders: Orders, calendar: Calendar, m: int) -> tuple[Response, ...]:
    demand, imported = float(calendar.demand_mw[m]), float(calendar.import_mw[m])
    if not np.isfinite(demand):
        return ()
    return responses(instance, m, orders.units[:, m], orders.step[:, m], demand, imported)


def lacking(instance: Instance, orders: Orders) -> tuple[Floats, Floats] | None:
    """Return the battery power (MW) and inertia (MW s) that the site needs at each milestone to keep the class.

    Both have shape M, with 0 if nothing is lacking, and infinity if no amount is sufficient. Return None if nothing is
    lacking at any milestone.

    Raises
    ------
    ValueError
        As :func:`siteopt.simulate.calendar.replay`, or if the units ordered for a milestone are not sufficient.
    """
    calendar = replay(instance, orders)
    if not np.isfinite(calendar.demand_mw).all():
        codes = ", ".join(str(reason.code) for reasons in calendar.reasons for reason in reasons)
        raise ValueError(f"the units ordered do not suffice: {codes}")
    found = [
        sizing(instance, m, orders.units[:, m], orders.step[:, m], float(demand), float(imported))
        for m, (demand, imported) in enumerate(zip(calendar.demand_mw, calendar.import_mw, strict=True))
    ]
    if not any(found):
        return None
    asked = [one or SizingResult(0.0, 0.0) for one in found]
    return np.array([one.battery_mw for one in asked]), np.array([one.inertia_mws for one in asked])
