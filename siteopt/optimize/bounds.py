"""Lower bounds on every milestone's day, for all sites at once.

Each constraint family is relaxed to one that sorting solves: everything that can have arrived is there, at no cost.
No plan can start before its bound; a test holds that against the MILP.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siteopt.instance import NEVER, QUEUES, Floats, Instance, Ints


@dataclass(frozen=True)
class Requirement:
    """Something a milestone needs, and what the site can gather of it by a day.

    Attributes
    ----------
    name, unit : str
    day : S x J, day from which the source counts
    amount : S x J
    need : S x M
    """

    name: str
    unit: str
    day: Ints
    amount: Floats
    need: Floats

    def first_day(self) -> Ints:
        """First day on which the sources that are there add up to the need; NEVER where they do not; S x M."""
        order = np.argsort(self.day, axis=1, kind="stable")
        day = np.take_along_axis(self.day, order, axis=1)
        gathered = np.cumsum(np.take_along_axis(self.amount, order, axis=1), axis=1)
        short = gathered[:, None, :] < self.need[:, :, None] - 1e-6
        count = short.sum(axis=2)
        padded = np.concatenate([day, np.full((len(day), 1), NEVER)], axis=1)
        first = np.take_along_axis(padded, count, axis=1)
        return np.where(self.need <= 1e-6, 0, first)

    def supplied_by(self, day: int) -> Floats:
        """What the sources add up to by a day; S."""
        return np.asarray(np.where(self.day <= day, self.amount, 0.0).sum(axis=1))


def requirements(case: Instance) -> list[Requirement]:
    """Cooling, peak and mean power, swing and ride-through, each by itself."""
    it = np.broadcast_to(case.it_mw, (case.sites, case.milestones))
    ready = case.ready_day + case.commissioning_days
    full = case.rating_mw * case.fleet

    def sources(factor: Floats | np.ndarray, base: Floats, rise: Floats) -> tuple[Ints, Floats]:
        """Offers and grid steps of each site as sources: their days, and what they give; S x (O + 1 + steps)."""
        steps = int(np.bincount(case.step_site, minlength=1).max()) if len(case.step_site) else 0
        day = np.full((case.sites, steps), NEVER)
        amount = np.zeros((case.sites, steps))
        rank = np.arange(len(case.step_site)) - np.searchsorted(case.step_site, case.step_site)
        day[case.step_site, rank] = case.step_ready_day + case.commissioning_days
        amount[case.step_site, rank] = rise
        first = np.zeros((case.sites, 1), dtype=np.int64)
        return np.hstack([ready, first, day]), np.hstack([full * factor, base[:, None], amount])

    nothing, no_rise = np.zeros(case.sites), np.zeros(len(case.step_site))
    heat = it * case.heat_fraction
    best_cop = np.where(case.is_chiller & (full > 0), case.cop, 0).max(axis=1, initial=1e-9)[:, None]
    demand = it * (1 + case.overhead) + np.where(heat > 0, heat / best_cop, 0)
    mean = demand - it * (1 - case.mean_load)
    followed = np.where(case.is_battery, 1.0, case.step_fraction)
    energy = np.broadcast_to(case.fleet * case.energy_mwh, full.shape)
    grid = (case.grid_mw, case.step_rise_mw)
    return [
        Requirement("cooling", "MW of heat", *sources(case.is_chiller, nothing, no_rise), heat),
        Requirement("mean power", "MW", *sources(case.is_generator, *grid), mean),
        Requirement("peak power", "MW", *sources(case.is_generator | case.is_battery, *grid), demand),
        Requirement("swing", "MW", *sources(followed, case.grid_swing_mw, case.step_rise_swing_mw), case.swing * it),
        Requirement("ride through", "MWh", ready, energy, it * case.ride_through_minutes / 60),
    ]


@dataclass(frozen=True)
class Bounds:
    """Lower bounds of the days, and what sets them.

    Attributes
    ----------
    day : S x M, no milestone can start before; beyond the horizon: the site cannot serve
    holder : S x M, name of a queue of ``compute_ready_day``, of a requirement, or of the milestone before
    needs : list of Requirement
    """

    day: Ints
    holder: np.ndarray
    needs: list[Requirement]


def bounds(case: Instance) -> Bounds:
    """Lower bounds for all sites at once."""
    needs = requirements(case)
    day = case.compute_ready_day + case.commissioning_days
    holder = np.array(QUEUES, dtype=object)[case.compute_queue]
    for need in needs:
        first = need.first_day()
        holder = np.where(first > day, need.name, holder)
        day = np.maximum(day, first)
    before = np.maximum.accumulate(day, axis=1)
    for m in range(1, case.milestones):
        holder[:, m] = np.where(before[:, m] > day[:, m], f"as {case.milestone[m - 1]}", holder[:, m])
    return Bounds(before, holder, needs)
