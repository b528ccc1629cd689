"""Compute lower bounds on every milestone's day and on cost, for all sites at once.

Each constraint family is relaxed to a problem that sorting solves: everything that can have arrived is there, at no
cost. No plan can start before its bound; a test checks that against the MILP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siteopt.equipment import COOLING, MEAN_POWER, REQUIREMENTS, Requirement
from siteopt.instance import HOURS_PER_YEAR, NEVER, QUEUES, Floats, Instance, Ints
from siteopt.phases import LIMITED
from siteopt.tolerances import HAIR

BOUNDING = tuple(one for one in REQUIREMENTS if one.at_every_site)
"""Requirements that set bounds of days, in the order in which ``Bounds.limiting`` counts them after the queues."""

AIR = "air"
"""Limit of NOx, which sets bounds of days at sites on which limits change."""

LIMITING = (*QUEUES, *(one.name for one in BOUNDING), AIR)
"""Queues, requirements and the limit of NOx, each of which can set the bound of a day by itself."""

BEFORE = len(LIMITING)
"""Value of ``Bounds.limiting`` that stands for the milestone before."""

SHORT = 2 * HAIR
"""A need is short if more than this share of its size is missing: a HAIR, and as much again for adding up."""


@dataclass(frozen=True)
class Sources:
    """The J sources with which a site can meet a requirement, and what each milestone needs.

    Attributes
    ----------
    name, unit : str
    own : S x M, what the site itself gives from the start
    parts : list of pairs of S x J, the day from which each source counts, and what it gives: offers, steps, changes
    need : S x M
    size : S x M, of which a tolerance is a share (see :mod:`siteopt.tolerances`)
    """

    name: str
    unit: str
    own: Floats
    parts: list[tuple[Ints, Floats]]
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
            short = np.flatnonzero(self.supplied_by(since[:, m], m) < self.least[:, m])
            if len(short):
                first[short, m] = self._sorted(short, m)
        return first

    def _sorted(self, sites: Ints, m: int) -> Ints:
        days, amounts = (np.hstack([part[sites] for part in parts]) for parts in zip(*self.parts, strict=True))
        order = np.argsort(days, axis=1, kind="stable")
        day = np.take_along_axis(days, order, axis=1)
        gathered = np.cumsum(np.take_along_axis(amounts, order, axis=1), axis=1)
        gathered += self.own[sites, m][:, None]
        count = (gathered < self.least[sites, m][:, None]).sum(axis=1)
        padded = np.concatenate([day, np.full((len(day), 1), NEVER)], axis=1)
        return np.asarray(padded[np.arange(len(count)), count])

    def supplied_by(self, day: Ints, m: int) -> Floats:
        """Return the sum of what each site has for a milestone by its day; S."""
        return self.own[:, m] + self.arrived_by(day)

    def arrived_by(self, day: Ints) -> Floats:
        """Return the sum of the sources that each site has by its day, without its own; S."""
        return np.sum([np.einsum("sj,sj->s", amount, days <= day[:, None]) for days, amount in self.parts], axis=0)


def sources(instance: Instance, requirements: Sequence[Requirement]) -> list[Sources]:
    """Return the sources of each requirement.

    A need that is infinite has the size 0: no amount is sufficient. What the scenario does not ask for needs nothing.
    """
    demand, asked = _least_demand(instance), instance.requirements
    needs = (
        instance.need(one) + one.of_demand * demand * instance.holds(one)[:, None] if one in asked else demand * 0
        for one in requirements
    )
    return [_sources(instance, one, need) for one, need in zip(requirements, needs, strict=True)]


def _sources(instance: Instance, requirement: Requirement, need: Floats) -> Sources:
    c = instance.commissioning_days
    offers = np.flatnonzero(instance.supplies(requirement.name) & (instance.available_units > 0))
    amount = instance.supply(requirement.name, offers) * instance.available_units[offers]
    parts = [(np.take(instance.ready_day, offers, axis=1) + c, amount)]
    own, rise = instance.own_supply(requirement)
    if rise.any():
        parts.append(_by_site(instance.sites, instance.step_site, instance.step_ready_day + c, rise, 0.0))
    levels = instance.own_changes(requirement)
    if len(levels):  # a base that changes counts as the highest that it has been so far
        change_day, level = _by_site(instance.sites, instance.change_site, instance.change_day, levels, -np.inf)
        highest = np.maximum.accumulate(np.hstack([own[:, :1], level]), axis=1)
        parts.append((change_day, np.diff(highest, axis=1)))
    return Sources(requirement.name, requirement.unit, own, parts, need, instance.size(requirement))


def _by_site(sites: int, owner: Ints, days: Ints, values: Floats, blank: float) -> tuple[Ints, Floats]:
    """Return days and values of rows that belong to sites, side by side for each site; blanks are on NEVER."""
    most = int(np.bincount(owner, minlength=1).max()) if len(owner) else 0
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    day, value = np.full((sites, most), NEVER), np.full((sites, most), blank, dtype=float)
    day[owner, rank], value[owner, rank] = days, values
    return day, value


def _least_demand(instance: Instance) -> Floats:
    """Return the least peak demand of each milestone: with the best cooling that the site can have; S x M."""
    full = instance.rating_mw * instance.available_units
    best_cop = np.where(instance.supplies(COOLING) & (full > 0), instance.cop, 0).max(axis=1, initial=1e-9)[:, None]
    heat = instance.heat_mw - instance.own_heat_mw
    draw = np.where(heat > 0, heat / best_cop, 0)
    draw += instance.own_heat_mw * np.minimum(instance.own_cooling_mw_per_mw, 1 / best_cop)
    return np.asarray(instance.it_mw * (1 + instance.auxiliary_load_fraction) + draw)


@dataclass(frozen=True)
class Bounds:
    """Lower bounds of days and cost, and what sets the bounds of the days.

    Attributes
    ----------
    day : S x M, day before which the milestone cannot start; beyond the horizon, the site cannot serve
    limiting : S x M, index into LIMITING, or BEFORE if the day is that of the milestone before
    cost_musd : S, million USD; no plan costs less, whatever its days
    required : list of Sources, in the order of BOUNDING
    """

    day: Ints
    limiting: Ints
    cost_musd: Floats
    requirements: list[Sources]


def bounds(instance: Instance, relaxed: str = "") -> Bounds:
    """Return lower bounds for all sites at once, leaving out the requirement that ``relaxed`` names.

    The cost is that of the site and of making it ready, of the GPUs, and of the mean power at the cheapest price at the
    site.
    """
    required = sources(instance, BOUNDING)
    day = instance.compute_ready_day + instance.commissioning_days
    limiting = instance.compute_queue
    for number, need in enumerate(required, start=len(QUEUES)):
        if need.name == relaxed:
            continue
        first = need.first_day(day)
        limiting = np.where(first > day, number, limiting)
        day = first
    (mean,) = (need for need in required if need.name == MEAN_POWER)
    if len(instance.change_site) and relaxed not in (AIR, MEAN_POWER):
        barred = _barred_until(instance, mean)
        limiting = np.where(barred > day, LIMITING.index(AIR), limiting)
        day = np.maximum(day, barred)
    before = np.maximum.accumulate(day, axis=1)
    limiting = np.where(before > day, BEFORE, limiting)
    fuel = instance.fuel_usd_per_mwh[instance.supplies(MEAN_POWER) & (instance.available_units > 0)].min(initial=np.inf)
    price = np.minimum(
        np.where((instance.loosest().import_limit_mw > 0) | _stepped(instance), instance.import_usd_per_mwh, np.inf),
        fuel,
    )
    energy = np.where(np.isfinite(price), price, 0) * (mean.need @ instance.musd_per_mw)
    cost = instance.ready_musd() + instance.gpu_cost_musd + energy
    return Bounds(before, limiting, cost, required)


def allowed(instance: Instance, day: int) -> np.ndarray:
    """Return whether the bounds of the days are no later than a day, which needs no sorting; S x M, bool."""
    on = np.full(instance.sites, day)
    there = instance.compute_ready_day + instance.commissioning_days <= day
    required = sources(instance, BOUNDING)
    for need in required:
        there = there & (need.own + need.arrived_by(on)[:, None] >= need.least)
    if len(instance.change_site):
        (mean,) = (need for need in required if need.name == MEAN_POWER)
        there = there & (_barred_until(instance, mean) <= day)
    return np.asarray(np.logical_and.accumulate(there, axis=1))


def _barred_until(instance: Instance, mean: Sources) -> Ints:
    """Return the day before which the limits of NOx leave too little mean power for each milestone; S x M.

    Between two changes of the limits of a site, the mean power is at most that of its grid, and of all generators that
    can be there before the second change, filled up from the cleanest one until the limit of NOx is used up. Where that
    is short, the milestone neither starts in that time nor was in force before: no later load is lower. It is 0 at
    sites without changes.
    """
    c, every = instance.commissioning_days, np.unique(instance.change_site)
    owner, begin = np.append(every, instance.change_site), np.append(np.zeros_like(every), instance.change_day)
    base = np.stack([getattr(instance, name)[every] for name in LIMITED], axis=1)
    order = np.lexsort((begin, owner))
    owner, begin, limit = owner[order], begin[order], np.concatenate([base, instance.change_limit])[order]
    end = np.where(np.append(owner[1:] != owner[:-1], True), NEVER, np.append(begin[1:], NEVER))
    offers = np.flatnonzero(instance.supplies(MEAN_POWER) & (instance.available_units > 0))
    offers = offers[np.argsort(instance.nox_g_per_kwh[offers], kind="stable")]
    there = instance.ready_day[np.ix_(owner, offers)] + c < end[:, None]
    power = instance.rating_mw[np.ix_(owner, offers)] * instance.available_units[offers] * there
    tonnes = instance.nox_g_per_kwh[offers] * HOURS_PER_YEAR / 1000
    permitted = limit[:, LIMITED.index("nox_t_per_year")]
    permitted = permitted + SHORT * np.maximum(1, permitted)
    left = np.maximum(0, permitted[:, None] - np.cumsum(power * tonnes, axis=1) + power * tonnes)
    output = np.where(tonnes > 0, np.minimum(power, left / np.where(tonnes > 0, tonnes, 1)), power)
    step_day, risen = _by_site(
        instance.sites, instance.step_site, instance.step_ready_day + c, instance.step_rise_mw, 0.0
    )
    grid = limit[:, LIMITED.index("grid_mw")] + limit[:, LIMITED.index("nonfirm_mw")]
    grid = grid + (risen[owner] * (step_day[owner] < end[:, None])).sum(axis=1)
    short = (grid + output.sum(axis=1))[:, None] < mean.least[owner]
    barred = np.zeros((instance.sites, instance.milestones), dtype=np.int64)
    np.maximum.at(barred, owner, np.where(short, end[:, None], 0))
    return barred


def _stepped(instance: Instance) -> np.ndarray:
    """Return whether each site has grid steps; S, bool."""
    return np.bincount(instance.step_site, minlength=instance.sites) > 0
