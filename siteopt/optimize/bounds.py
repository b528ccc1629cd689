"""Compute lower bounds on every milestone's day and on cost, for all sites at once.

Each constraint family is relaxed to a problem that sorting solves: everything that can have arrived is there, at no
cost. No plan can start before its bound; a test checks that against the MILP.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siteopt.instance import NEVER, QUEUES, Floats, Instance, Ints
from siteopt.tolerances import HAIR

NEEDS = ("cooling", "mean power", "peak power", "swing", "ride through")
"""Requirements of a milestone, in the order in which ``Bounds.holder`` counts them after the queues."""

HOLDERS = (*QUEUES, *NEEDS)
"""Queues and requirements, each of which can set the bound of a day by itself."""

BEFORE = len(HOLDERS)
"""Value of ``Bounds.holder`` that stands for the milestone before."""

SHORT = 2 * HAIR
"""A need is short if more than this share of its size is missing: a HAIR, and as much again for adding up."""


@dataclass(frozen=True)
class Requirement:
    """Something that each milestone needs, and the J sources of it that a site can have.

    Attributes
    ----------
    name, unit : str
    day : S x J, day from which the source counts
    amount : S x J, what the source gives
    need : S x M
    size : S x M, of which a tolerance is a share (see :mod:`siteopt.tolerances`)
    """

    name: str
    unit: str
    day: Ints
    amount: Floats
    need: Floats
    size: Floats

    @property
    def least(self) -> Floats:
        """Return the least amount with which the need is not short; S x M."""
        return self.need - SHORT * np.maximum(1, self.size)

    def first_day(self, since: Ints) -> Ints:
        """Return the first day, not before ``since``, on which the sources that are there add up to the need; S x M.

        The day is NEVER if they never do. The sources are sorted only if they do not suffice on day ``since`` already.
        """
        first = since.copy()
        for m in range(self.need.shape[1]):
            short = np.flatnonzero(self.supplied_by(since[:, m]) < self.least[:, m])
            if len(short):
                first[short, m] = self._sorted(short, m)
        return first

    def _sorted(self, sites: Ints, m: int) -> Ints:
        order = np.argsort(self.day[sites], axis=1, kind="stable")
        day = np.take_along_axis(self.day[sites], order, axis=1)
        gathered = np.cumsum(np.take_along_axis(self.amount[sites], order, axis=1), axis=1)
        count = (gathered < self.least[sites, m][:, None]).sum(axis=1)
        padded = np.concatenate([day, np.full((len(day), 1), NEVER)], axis=1)
        return np.asarray(padded[np.arange(len(count)), count])

    def supplied_by(self, day: Ints) -> Floats:
        """Return the sum of the sources that each site has by its day; S."""
        return np.einsum("sj,sj->s", self.amount, self.day <= day[:, None])


def requirements(case: Instance) -> list[Requirement]:
    """Return cooling, mean power, peak power, swing and ride-through as one requirement each, in the order of NEEDS."""
    it = np.broadcast_to(case.it_mw, (case.sites, case.milestones))
    c = case.commissioning_days
    full = case.rating_mw * case.fleet
    steps = int(np.bincount(case.step_site, minlength=1).max()) if len(case.step_site) else 0
    rank = np.arange(len(case.step_site)) - np.searchsorted(case.step_site, case.step_site)
    step_day = np.full((case.sites, steps), NEVER)
    step_day[case.step_site, rank] = case.step_ready_day + c

    def sources(kind: np.ndarray, factor: np.ndarray, base: Floats | None, rise: Floats) -> tuple[Ints, Floats]:
        """Return the days and the amounts of sources, S x J each: offers of a kind and, given ``base``, the grid."""
        offers = np.flatnonzero(kind & (case.fleet > 0))
        day, amount = case.ready_day[:, offers] + c, full[:, offers] * factor[offers]
        if base is None:
            return day, amount
        risen = np.zeros((case.sites, steps))
        risen[case.step_site, rank] = rise
        at_once = np.zeros((case.sites, 1), dtype=np.int64)
        return np.hstack([day, at_once, step_day]), np.hstack([amount, base[:, None], risen])

    one, no_rise = np.ones(case.offers), np.zeros(len(case.step_site))
    heat = it * case.heat_fraction
    best_cop = np.where(case.is_chiller & (full > 0), case.cop, 0).max(axis=1, initial=1e-9)[:, None]
    demand = it * (1 + case.overhead) + np.where(heat > 0, heat / best_cop, 0)
    mean = demand - it * (1 - case.mean_load)
    power = case.is_generator | case.is_battery
    followed = np.where(case.is_battery, 1.0, case.step_fraction)
    stored = np.flatnonzero(case.is_battery & (case.fleet > 0))
    energy = np.broadcast_to((case.fleet * case.energy_mwh)[stored], (case.sites, len(stored)))
    ride = it * case.ride_through_minutes / 60
    grid, swing = (case.grid_mw, case.step_rise_mw), (case.grid_swing_mw, case.step_rise_swing_mw)
    return [
        Requirement(NEEDS[0], "MW of heat", *sources(case.is_chiller, one, None, no_rise), heat, it),
        Requirement(NEEDS[1], "MW", *sources(case.is_generator, one, *grid), mean, it),
        Requirement(NEEDS[2], "MW", *sources(power, one, *grid), demand, it),
        Requirement(NEEDS[3], "MW", *sources(power, followed, *swing), case.swing * it, it),
        Requirement(NEEDS[4], "MWh", case.ready_day[:, stored] + c, energy, ride, ride),
    ]


@dataclass(frozen=True)
class Bounds:
    """Lower bounds of days and cost, and what sets the bounds of the days.

    Attributes
    ----------
    day : S x M, day before which the milestone cannot start; beyond the horizon, the site cannot serve
    holder : S x M, index into HOLDERS, or BEFORE if the day is that of the milestone before
    cost_musd : S, million USD; no plan costs less, whatever its days
    needs : list of Requirement, in the order of NEEDS
    """

    day: Ints
    holder: Ints
    cost_musd: Floats
    needs: list[Requirement]


def bounds(case: Instance, free: str = "") -> Bounds:
    """Return lower bounds for all sites at once, leaving out the requirement that ``free`` names.

    The cost is that of the site, of the GPUs, and of the mean power at the cheapest price at the site.
    """
    needs = requirements(case)
    day = case.compute_ready_day + case.commissioning_days
    holder = case.compute_queue
    for number, need in enumerate(needs, start=len(QUEUES)):
        if need.name == free:
            continue
        first = need.first_day(day)
        holder = np.where(first > day, number, holder)
        day = first
    before = np.maximum.accumulate(day, axis=1)
    holder = np.where(before > day, BEFORE, holder)
    fuel = case.fuel_usd_per_mwh[case.is_generator & (case.fleet > 0)].min(initial=np.inf)
    price = np.minimum(np.where((case.grid_mw > 0) | _stepped(case), case.grid_usd_per_mwh, np.inf), fuel)
    energy = np.where(np.isfinite(price), price, 0) * (needs[1].need @ case.musd_per_mw)
    return Bounds(before, holder, case.site_cost_musd + case.gpu_cost_musd + energy, needs)


def _stepped(case: Instance) -> np.ndarray:
    """Return whether each site has grid steps; S, bool."""
    return np.bincount(case.step_site, minlength=case.sites) > 0
