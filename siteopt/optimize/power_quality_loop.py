"""Run the power-quality loop: solve and check until the chosen plan keeps its class of power quality.

After each solve, a check replays the chosen plan electrically. If the plan does not pass, the minimum battery power and
inertia of its site are raised, and everything is solved again. This module only knows the minimum values that the check
requires. ``docs/model.md``, *Plan and physics agree*, says what is proven at the end, and what is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from siteopt.equipment import BATTERY_POWER, INERTIA
from siteopt.instance import Floats, Instance, Ints, Pool
from siteopt.log import note
from siteopt.optimize.batches import inherited
from siteopt.optimize.certificate import certify
from siteopt.optimize.dominance import has_same_supply, is_dominated
from siteopt.plan import Plan, Ranking, SitePlan, objective_key
from siteopt.record.proof import StoredMinimumSupport

LEAST_RISE, LEAST_RISE_SHARE = 0.1, 0.01
"""Least rise of a minimum above the value of a plan that does not pass: MW or MW s, and a share; the larger counts."""

REACHED = 1e-4
"""A plan reaches a minimum if it misses it by at most this share of its own value (of at least 1 MW or MW s).

Such a plan may still satisfy the solver's rows.
"""


@dataclass(frozen=True)
class MinimumSupport:
    """Minimum battery power and inertia of a site; 0 if nothing is required, infinite if nothing is sufficient.

    Attributes
    ----------
    battery_mw : M, MW of batteries
    inertia_mws : M, MW s of ``inertia_s x firm_mw x units``
    """

    battery_mw: Floats
    inertia_mws: Floats

    def or_more(self, other: MinimumSupport | None) -> MinimumSupport:
        """Return the higher of two minimum values, each by itself."""
        if other is None:
            return self
        return MinimumSupport(
            np.maximum(self.battery_mw, other.battery_mw), np.maximum(self.inertia_mws, other.inertia_mws)
        )

    def stored(self, site_id: str) -> StoredMinimumSupport:
        """Return the minimum values of a site as ``plan.json`` stores them."""
        battery, inertia = (
            tuple(None if math.isinf(value) else float(value) for value in values)
            for values in (self.battery_mw, self.inertia_mws)
        )
        return StoredMinimumSupport(site_id=site_id, battery_mw=battery, inertia_mws=inertia)

    @staticmethod
    def restored(kept: StoredMinimumSupport) -> MinimumSupport:
        """Return the minimum values that ``plan.json`` stored."""
        battery, inertia = (
            np.array([math.inf if value is None else value for value in values], dtype=float)
            for values in (kept.battery_mw, kept.inertia_mws)
        )
        return MinimumSupport(battery, inertia)


Check = Callable[[SitePlan], MinimumSupport | None]
"""Return the minimum values that keep the class of power quality at a plan's site; None if the plan keeps it."""


@dataclass(frozen=True)
class Iteration:
    """One iteration: a plan that was chosen and checked.

    Attributes
    ----------
    site_id : str
    day : M, day on which training starts at the milestone
    cost_musd : float
    minimum : Floats or None
        Minimum values that the check requires; None if the plan passes.
    """

    site_id: str
    day: Ints
    cost_musd: float
    minimum: MinimumSupport | None


@dataclass(frozen=True)
class Raised:
    """A :class:`Pool` with higher minimum values at some sites; the higher of an old and a new value counts.

    Attributes
    ----------
    pool : Pool
    minimum : mapping of site (index into the pool) to MinimumSupport
    """

    pool: Pool
    minimum: Mapping[int, MinimumSupport] = field(default_factory=dict)

    @property
    def site_id(self) -> Sequence[str]:
        """Return the ids of the sites, sorted."""
        return self.pool.site_id

    def exact(self, sites: Ints) -> Instance:
        """Return the Instance of these sites (indices into the pool), in the order given."""
        return self._raised(self.pool.exact(sites), sites)

    def optimistic(self, sites: Ints) -> Instance:
        """Return an optimistic Instance of these sites.

        No day is later and no cost is higher than in the exact one; everything else is equal.
        """
        return self._raised(self.pool.optimistic(sites), sites)

    def _raised(self, instance: Instance, sites: Ints) -> Instance:
        raised_sites = np.flatnonzero(np.isin(sites, list(self.minimum)))
        if not len(raised_sites):
            return instance
        battery_mw, inertia_mws = instance.min_battery_mw.copy(), instance.min_inertia_mws.copy()
        for at in raised_sites:
            minimum = self.minimum[int(sites[at])]
            battery_mw[at] = np.maximum(battery_mw[at], minimum.battery_mw)
            inertia_mws[at] = np.maximum(inertia_mws[at], minimum.inertia_mws)
        return replace(instance, min_battery_mw=battery_mw, min_inertia_mws=inertia_mws)


class Optimiser(Protocol):
    """Optimiser that the loop asks again and again, each time with higher minimum values at some sites."""

    @property
    def is_proven(self) -> bool:
        """Return whether nothing is left open: the time did not run out, and the solver did not contradict itself."""

    def chosen(self, pool: Pool, raised: Collection[int]) -> SitePlan | None:
        """Return the plan that comes first in a pool, or the best one so far; None if there is none.

        Parameters
        ----------
        raised : indices into the pool of the sites whose minimum values rose since the last call; all else is as before
        """

    def contenders(self) -> Ints:
        """Return the sites to compare with a chosen one: at least those that could soon be chosen themselves."""

    def best_of(self, site: int) -> SitePlan | None:
        """Return the best plan of a site, as far as it is known."""

    def settled(self) -> SitePlan | None:
        """Return the plan that comes first in the last pool, with every claim that decides a rank confirmed."""

    def ranking(self, earlier: SitePlan | None = None) -> Ranking:
        """Return the ranking of the last pool, with every claim that decides a rank confirmed.

        Parameters
        ----------
        earlier : SitePlan, optional
            Plan to give if the time ran out before there was one.
        """


@dataclass(frozen=True)
class LoopResult:
    """Result of the power-quality loop.

    Attributes
    ----------
    ranking : Ranking
        The last ranking, found with the minimum values of the pool. Only the plan of the first rank is checked. If the
        time ran out before there was a plan, it holds the previous plan, which does not pass.
    iterations : tuple of Iteration
        The plan of each iteration, in order. The last one is that of the ranking, if the ranking has one.
    passes : bool
        Whether the ranking has a plan that passes.
    pool : Pool
        The pool with the minimum values of the last solve.
    """

    ranking: Ranking
    iterations: tuple[Iteration, ...]
    passes: bool
    pool: Pool

    def stored_minimum_support(self) -> tuple[StoredMinimumSupport, ...]:
        """Return the minimum values of the pool as ``plan.json`` stores them."""
        minimum = self.pool.minimum if isinstance(self.pool, Raised) else {}
        return tuple(minimum[s].stored(self.pool.site_id[s]) for s in sorted(minimum))


def power_quality_loop(
    pool: Pool,
    optimiser: Optimiser,
    check: Check,
    max_iterations: int,
    is_over: Callable[[], bool],
) -> LoopResult:
    """Solve until the chosen plan passes; if it does not, raise the minimum values of its site, and solve again.

    Minimum values rise at every site that has the same best plan (:func:`_with_same_plan`). The loop also ends if no
    site can serve, the optimiser reaches its limit, no iteration is left, or the time is up. Only the last ranking is
    confirmed; if that changes the chosen plan, the loop goes on.

    Parameters
    ----------
    check : callable
        Returns the minimum values that a plan needs, or None if it passes (see :data:`Check`).
    max_iterations : int
        Largest number of plans to check; the first one is always checked.
    is_over : callable
        Returns whether the time is up or the user asked to stop. If so, no other iteration begins.

    Raises
    ------
    ValueError
        If a plan does not pass the check, and the check requires nothing.
    """
    within, iterations, best = pool, list[Iteration](), None
    known, raised = dict[int, MinimumSupport](), dict[int, MinimumSupport]()
    while True:
        earlier, best = best, optimiser.chosen(within, raised)
        if best is None:
            return LoopResult(optimiser.ranking(earlier), tuple(iterations), False, within)
        site_id, asked = best.instance.site_id[0], check(best)
        iterations.append(Iteration(site_id, best.plan.day, best.cost_musd, asked))
        note("checked", iteration=len(iterations), site=site_id, passes=asked is None)
        over = not optimiser.is_proven or len(iterations) >= max_iterations or is_over()
        if asked is None or over:
            first = optimiser.settled()
            if asked is not None or first is None or _is_same(first, best):
                return LoopResult(optimiser.ranking(), tuple(iterations), asked is None, within)
            iterations.pop()  # other orders cost the same and come first, or the solver was wrong
            raised = {}
            continue
        raised = _with_same_plan(pool.site_id.index(site_id), best, asked, within, optimiser, check)
        raised = {s: minimum.or_more(known.get(s)) for s, minimum in raised.items()}
        known |= raised
        within = Raised(pool, dict(known))


def _is_same(one: SitePlan, other: SitePlan) -> bool:
    """Return whether two plans order the same units and steps for the same days at the same site."""
    return one.instance.site_id == other.instance.site_id and all(
        np.array_equal(getattr(one.plan, name), getattr(other.plan, name)) for name in ("day", "units", "step")
    )


def _with_same_plan(
    chosen: int, best: SitePlan, asked: MinimumSupport, pool: Pool, optimiser: Optimiser, check: Check
) -> dict[int, MinimumSupport]:
    """Return what the check of a plan asks of its site, and of each other site of which it is a best plan, too.

    At the same supply the check asks for the same; elsewhere the plan is checked again.
    """
    sites = optimiser.contenders()
    sites = sites[sites != chosen]
    others = pool.exact(sites)
    dominated, same = is_dominated(best.instance, others), has_same_supply(best.instance, others)
    raised = {chosen: _beyond(best.instance, best.plan, asked)}
    for place, s in enumerate(map(int, sites)):
        known = optimiser.best_of(s)
        if dominated[place]:
            here = inherited(best, others.take(np.array([place])))
        else:
            here = None if known is None or not _is_best(best.plan, known) else replace(known, plan=best.plan)
        its = None if here is None else asked if same[place] else check(here)
        if here is not None and its is not None:
            raised[s] = _beyond(here.instance, best.plan, its)
    return raised


def _is_best(plan: Plan, other: SitePlan) -> bool:
    """Return whether a plan holds at the site of another plan, too, and is no worse there."""
    instance = other.instance
    if plan.step.shape != other.plan.step.shape:
        return False
    key = objective_key(instance, plan.day, plan.cost_musd(instance))
    return key <= other.key and certify(instance, plan).valid


def _beyond(instance: Instance, plan: Plan, asked: MinimumSupport) -> MinimumSupport:
    """Return the higher of a site's minimum values and those required, such that the plan does not reach them.

    A plan that reaches all required values, and still does not pass, would be chosen again and again. In that case,
    every required value is raised above the value of the plan.

    Raises
    ------
    ValueError
        If nothing is required.
    """
    if not (asked.battery_mw > 0).any() and not (asked.inertia_mws > 0).any():
        raise ValueError(f"the plan at {instance.site_id[0]} does not pass, and the check requires nothing")
    every = np.arange(instance.offers)
    units = plan.units[:, instance.phases(plan.day).own]
    there = MinimumSupport(*(instance.supply(name, every)[0] @ units for name in (BATTERY_POWER, INERTIA)))

    def reaches(there: Floats, asked: Floats) -> bool:
        return bool((asked <= there + REACHED * np.maximum(1, there)).all())

    is_reached = reaches(there.battery_mw, asked.battery_mw) and reaches(there.inertia_mws, asked.inertia_mws)

    def risen(floor: Floats, asked: Floats, there: Floats) -> Floats:
        least = there + np.maximum(LEAST_RISE, LEAST_RISE_SHARE * there)
        wanted = np.where(asked > 0, np.maximum(asked, least), 0.0) if is_reached else asked
        return np.maximum(floor, wanted)

    return MinimumSupport(
        risen(instance.min_battery_mw[0], asked.battery_mw, there.battery_mw),
        risen(instance.min_inertia_mws[0], asked.inertia_mws, there.inertia_mws),
    )
