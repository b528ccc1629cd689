"""Solve and judge in turn until the chosen plan keeps its class of power quality.

After each solve the judge, which replays a plan electrically, checks the chosen plan. If the plan does not pass, the
floors of its site are raised, and all is solved again. This module knows only the floors that the judge asks for.
``docs/model.md``, *Plan and physics agree*, says what is proven in the end, and what is not.
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
"""Least rise of a floor above what a plan that does not pass has: in MW or MW s, and as a share; the larger counts."""

REACHED = 1e-4
"""A plan reaches a floor if it is short of it by no more than this share of what it has (of 1 MW or MW s at least).

Such a plan may still satisfy the solver's rows.
"""


@dataclass(frozen=True)
class Floors:
    """Least battery power and inertia of a site; 0 where nothing is asked for, infinite where nothing suffices.

    Attributes
    ----------
    battery_mw : M, MW of batteries
    inertia_mws : M, MW s of ``inertia_s x firm_mw x units``
    """

    battery_mw: Floats
    inertia_mws: Floats

    def stored(self, site_id: str) -> StoredFloors:
        """Return the floors of a site in the form that ``plan.json`` stores."""
        battery, inertia = (
            tuple(None if math.isinf(value) else float(value) for value in values)
            for values in (self.battery_mw, self.inertia_mws)
        )
        return StoredFloors(site_id=site_id, battery_mw=battery, inertia_mws=inertia)

    @staticmethod
    def restored(kept: StoredFloors) -> Floors:
        """Return the floors that ``plan.json`` stored."""
        battery, inertia = (
            np.array([math.inf if value is None else value for value in values], dtype=float)
            for values in (kept.battery_mw, kept.inertia_mws)
        )
        return Floors(battery, inertia)


Judge = Callable[[SitePlan], Floors | None]
"""Return the floors that a plan's site needs to keep its class of power quality, or None if the plan keeps it."""


@dataclass(frozen=True)
class Round:
    """One iteration: a plan that was chosen and judged.

    Attributes
    ----------
    site_id : str
    day : M, day on which training starts at the milestone
    cost_musd : float
    floors : Floats or None
        Floors that the judge asks for; None if the plan passes.
    """

    site_id: str
    day: Ints
    cost_musd: float
    floors: Floors | None


@dataclass(frozen=True)
class Raised:
    """A :class:`Pool` with more floors at some of its sites; the higher of an old and a new floor counts.

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

        No day is later and no cost higher than in the exact one, and all else is equal.
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
    """Result of solving and judging in turn.

    Attributes
    ----------
    ranking : Ranking
        The last ranking, found with the floors of the pool; or the one before it, if the last solve reached its limit
        without a plan. Only the plan of the first rank is judged.
    rounds : tuple of Round
        Every plan that was chosen, in order. The last one is the plan of the ranking, if the ranking has one.
    passes : bool
        Whether the ranking has a plan that passes.
    pool : Pool
        The pool with the floors of the last solve.
    """

    ranking: Ranking
    rounds: tuple[Round, ...]
    passes: bool
    pool: Pool

    def stored_floors(self) -> tuple[StoredFloors, ...]:
        """Return the floors of the pool in the form that ``plan.json`` stores."""
        floors = self.pool.floors if isinstance(self.pool, Raised) else {}
        return tuple(floors[s].stored(self.pool.site_id[s]) for s in sorted(floors))


def agree(
    pool: Pool,
    optimise: Callable[[Pool], Ranking],
    judge: Judge,
    most_rounds: int,
    is_over: Callable[[], bool],
) -> Agreement:
    """Solve until the chosen plan passes; each time it does not, raise the floors of its site, and of no other.

    The loop also ends if no site can serve, the optimizer reaches its limit, no round is left, or the time is up.

    Parameters
    ----------
    optimise : callable
        Returns the ranking of a pool.
    judge : callable
        Returns the floors that a plan needs, or None if it passes (see :data:`Judge`).
    most_rounds : int
        Most plans to judge; the first one is always judged.
    is_over : callable
        Returns whether the time is up or the user asked to stop. If so, no other round begins.

    Raises
    ------
    ValueError
        If the judge does not pass a plan and asks for nothing.
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
    """Return the higher of a site's floors and those asked for, such that the plan does not reach them.

    A plan that reaches all floors asked for, and still does not pass, would be chosen again and again. In that case
    every floor asked for is raised above what the plan has.

    Raises
    ------
    ValueError
        If nothing is asked for.
    """
    if not (asked.battery_mw > 0).any() and not (asked.inertia_mws > 0).any():
        raise ValueError(f"the plan at {case.site_id[0]} does not pass, and nothing is asked for")
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
