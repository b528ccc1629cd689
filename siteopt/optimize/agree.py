"""Run the power-quality loop: solve and check until the chosen plan keeps its class of power quality.

After each solve, a check replays the chosen plan electrically. If the plan does not pass, the minimum battery power and
inertia of its site are raised, and everything is solved again. This module only knows the minimum values that the check
requires. ``docs/model.md``, *Plan and physics agree*, says what is proven at the end, and what is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from siteopt.equipment import BATTERY_POWER, INERTIA
from siteopt.instance import Floats, Instance, Ints, Pool
from siteopt.log import note
from siteopt.plan import Plan, Ranking, SitePlan
from siteopt.record.base import RunOutcome
from siteopt.record.proof import StoredFloors

LEAST_RISE, LEAST_RISE_SHARE = 0.1, 0.01
"""Least rise of a minimum above the value of a plan that does not pass: MW or MW s, and a share; the larger counts."""

REACHED = 1e-4
"""A plan reaches a minimum if it misses it by at most this share of its own value (of at least 1 MW or MW s).

Such a plan may still satisfy the solver's rows.
"""


@dataclass(frozen=True)
class Floors:
    """Minimum battery power and inertia of a site; 0 if nothing is required, infinite if nothing is sufficient.

    Attributes
    ----------
    battery_mw : M, MW of batteries
    inertia_mws : M, MW s of ``inertia_s x firm_mw x units``
    """

    battery_mw: Floats
    inertia_mws: Floats

    def stored(self, site_id: str) -> StoredFloors:
        """Return the minimum values of a site as ``plan.json`` stores them."""
        battery, inertia = (
            tuple(None if math.isinf(value) else float(value) for value in values)
            for values in (self.battery_mw, self.inertia_mws)
        )
        return StoredFloors(site_id=site_id, battery_mw=battery, inertia_mws=inertia)

    @staticmethod
    def restored(kept: StoredFloors) -> Floors:
        """Return the minimum values that ``plan.json`` stored."""
        battery, inertia = (
            np.array([math.inf if value is None else value for value in values], dtype=float)
            for values in (kept.battery_mw, kept.inertia_mws)
        )
        return Floors(battery, inertia)


Judge = Callable[[SitePlan], Floors | None]
"""Return the minimum values that keep the class of power quality at a plan's site; None if the plan keeps it."""


@dataclass(frozen=True)
class Round:
    """One iteration: a plan that was chosen and checked.

    Attributes
    ----------
    site_id : str
    day : M, day on which training starts at the milestone
    cost_musd : float
    floors : Floats or None
        Minimum values that the check requires; None if the plan passes.
    """

    site_id: str
    day: Ints
    cost_musd: float
    floors: Floors | None


@dataclass(frozen=True)
class Raised:
    """A :class:`Pool` with higher minimum values at some sites; the higher of an old and a new value counts.

    Attributes
    ----------
    pool : Pool
    floors : mapping of site (index into the pool) to Floors
    """

    pool: Pool
    floors: Mapping[int, Floors] = field(default_factory=dict)

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

    def _raised(self, case: Instance, sites: Ints) -> Instance:
        places = np.flatnonzero(np.isin(sites, list(self.floors)))
        if not len(places):
            return case
        battery_mw, inertia_mws = case.battery_floor_mw.copy(), case.inertia_floor_mws.copy()
        for place in places:
            floors = self.floors[int(sites[place])]
            battery_mw[place] = np.maximum(battery_mw[place], floors.battery_mw)
            inertia_mws[place] = np.maximum(inertia_mws[place], floors.inertia_mws)
        return replace(case, battery_floor_mw=battery_mw, inertia_floor_mws=inertia_mws)


@dataclass(frozen=True)
class Agreement:
    """Result of the power-quality loop.

    Attributes
    ----------
    ranking : Ranking
        The last ranking, found with the minimum values of the pool; or the previous one, if the last solve reached its
        limit without a plan. Only the plan of the first rank is checked.
    rounds : tuple of Round
        Every chosen plan, in order. The last one is the plan of the ranking, if the ranking has one.
    passes : bool
        Whether the ranking has a plan that passes.
    pool : Pool
        The pool with the minimum values of the last solve.
    """

    ranking: Ranking
    rounds: tuple[Round, ...]
    passes: bool
    pool: Pool

    def stored_floors(self) -> tuple[StoredFloors, ...]:
        """Return the minimum values of the pool as ``plan.json`` stores them."""
        floors = self.pool.floors if isinstance(self.pool, Raised) else {}
        return tuple(floors[s].stored(self.pool.site_id[s]) for s in sorted(floors))


def agree(
    pool: Pool,
    optimise: Callable[[Pool], Ranking],
    judge: Judge,
    most_rounds: int,
    is_over: Callable[[], bool],
) -> Agreement:
    """Solve until the chosen plan passes; if it does not, raise the minimum values of its site only, and solve again.

    The loop also ends if no site can serve, the optimizer reaches its limit, no iteration is left, or the time is up.

    Parameters
    ----------
    optimise : callable
        Returns the ranking of a pool.
    judge : callable
        Returns the minimum values that a plan needs, or None if it passes (see :data:`Judge`).
    most_rounds : int
        Largest number of plans to check; the first one is always checked.
    is_over : callable
        Returns whether the time is up or the user asked to stop. If so, no other iteration begins.

    Raises
    ------
    ValueError
        If a plan does not pass the check, and the check requires nothing.
    """
    raised, rounds, ranking = Raised(pool), list[Round](), None
    while True:
        within: Pool = raised if raised.floors else pool
        earlier, ranking = ranking, optimise(within)
        best = ranking.plan
        if best is None:
            if earlier is not None and ranking.outcome is RunOutcome.LIMIT:  # keep the plan that does not pass
                ranking = replace(earlier, outcome=RunOutcome.LIMIT)
            return Agreement(ranking, tuple(rounds), False, within)
        site_id, asked = best.case.site_id[0], judge(best)
        rounds.append(Round(site_id, best.plan.day, best.cost_musd, asked))
        note("judged", round=len(rounds), site=site_id, passes=asked is None)
        over = ranking.outcome is RunOutcome.LIMIT or len(rounds) >= most_rounds or is_over()
        if asked is None or over:
            return Agreement(ranking, tuple(rounds), asked is None, within)
        s = pool.site_id.index(site_id)
        raised = replace(raised, floors={**raised.floors, s: _beyond(best.case, best.plan, asked)})


def _beyond(case: Instance, plan: Plan, asked: Floors) -> Floors:
    """Return the higher of a site's minimum values and those required, such that the plan does not reach them.

    A plan that reaches all required values, and still does not pass, would be chosen again and again. In that case,
    every required value is raised above the value of the plan.

    Raises
    ------
    ValueError
        If nothing is required.
    """
    if not (asked.battery_mw > 0).any() and not (asked.inertia_mws > 0).any():
        raise ValueError(f"the plan at {case.site_id[0]} does not pass, and the check requires nothing")
    every = np.arange(case.offers)
    there = Floors(*(case.supply(name, every)[0] @ plan.units for name in (BATTERY_POWER, INERTIA)))

    def reaches(there: Floats, asked: Floats) -> bool:
        return bool((asked <= there + REACHED * np.maximum(1, there)).all())

    is_reached = reaches(there.battery_mw, asked.battery_mw) and reaches(there.inertia_mws, asked.inertia_mws)

    def risen(floor: Floats, asked: Floats, there: Floats) -> Floats:
        least = there + np.maximum(LEAST_RISE, LEAST_RISE_SHARE * there)
        wanted = np.where(asked > 0, np.maximum(asked, least), 0.0) if is_reached else asked
        return np.maximum(floor, wanted)

    return Floors(
        risen(case.battery_floor_mw[0], asked.battery_mw, there.battery_mw),
        risen(case.inertia_floor_mws[0], asked.inertia_mws, there.inertia_mws),
    )
