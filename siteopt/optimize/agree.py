"""The plan and the physics agree: solve, have the chosen plan judged, raise its site's floors, solve again.

The judge is whatever replays a plan electrically; this module knows only what it asks for. ``docs/model.md`` says what
is proven in the end, and what is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from siteopt.instance import Floats, Instance, Ints, Pool
from siteopt.log import note
from siteopt.plan import Plan, Ranking, RunOutcome, SitePlan
from siteopt.proofs import StoredFloors

LEAST_RISE, LEAST_RISE_SHARE = 0.1, 0.01
"""By how much a floor is raised at least above what a plan has that does not pass: MW or MW s, and as a share."""

REACHED = 1e-4
"""A plan that is short of a floor by less, as a share (1 MW or MW s at least), may still pass the solver's rows."""


@dataclass(frozen=True)
class Floors:
    """What must be there at a site, at least; 0 where nothing is asked for, infinite where nothing suffices.

    Attributes
    ----------
    battery_mw : M, MW of batteries
    inertia_mws : M, MW s of ``inertia_s x firm_mw x units``
    """

    battery_mw: Floats
    inertia_mws: Floats

    def stored(self, site_id: str) -> StoredFloors:
        """Return the floors of a site as ``plan.json`` keeps them."""
        battery, inertia = (
            tuple(None if math.isinf(value) else float(value) for value in values)
            for values in (self.battery_mw, self.inertia_mws)
        )
        return StoredFloors(site_id=site_id, battery_mw=battery, inertia_mws=inertia)

    @staticmethod
    def restored(kept: StoredFloors) -> Floors:
        """Return floors that ``plan.json`` kept."""
        battery, inertia = (
            np.array([math.inf if value is None else value for value in values], dtype=float)
            for values in (kept.battery_mw, kept.inertia_mws)
        )
        return Floors(battery, inertia)


Judge = Callable[[SitePlan], Floors | None]
"""What the site of a plan needs to keep its class of power quality; None where the plan keeps it."""


@dataclass(frozen=True)
class Round:
    """A plan that was chosen and judged.

    Attributes
    ----------
    site_id : str
    day : M, day on which training starts at the milestone
    cost_musd : float
    floors : Floats or None
        What the judge asks for; None where the plan passes.
    """

    site_id: str
    day: Ints
    cost_musd: float
    floors: Floors | None


@dataclass(frozen=True)
class Raised:
    """A :class:`Pool` with floors at some of its sites, beside those that it has.

    Attributes
    ----------
    pool : Pool
    floors : mapping of site (index into the pool) to Floors
    """

    pool: Pool
    floors: Mapping[int, Floors] = field(default_factory=dict)

    @property
    def site_id(self) -> Sequence[str]:
        """Ids of the sites, sorted."""
        return self.pool.site_id

    def exact(self, sites: Ints) -> Instance:
        """The Instance of these sites (indices into the pool), in the order given."""
        return self._raised(self.pool.exact(sites), sites)

    def optimistic(self, sites: Ints) -> Instance:
        """The same, and sooner: no day is later and no cost higher than the exact one, and all else is equal."""
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
    """What optimizer and judge come to.

    Attributes
    ----------
    ranking : Ranking
        The last one, given the floors of the pool. The plans behind the first are not judged.
    rounds : tuple of Round
        Every plan that was chosen, in order; the last is that of the ranking, where it has one.
    passes : bool
        Whether the ranking has a plan, and it passes.
    pool : Pool
        With the floors that the ranking was found with.
    """

    ranking: Ranking
    rounds: tuple[Round, ...]
    passes: bool
    pool: Pool

    def stored_floors(self) -> tuple[StoredFloors, ...]:
        """Return the floors of the pool as ``plan.json`` keeps them."""
        floors = self.pool.floors if isinstance(self.pool, Raised) else {}
        return tuple(floors[s].stored(self.pool.site_id[s]) for s in sorted(floors))


def agree(
    pool: Pool,
    optimise: Callable[[Pool], Ranking],
    judge: Judge,
    most_rounds: int,
    is_over: Callable[[], bool],
) -> Agreement:
    """Solve until the chosen plan passes: whenever it does not, the floors of its site alone are raised.

    It ends without that where nothing can serve, the optimiser reaches its limit, or no round is left.

    Parameters
    ----------
    optimise : callable
        The ranking of a pool.
    judge : callable
        What a plan that does not pass lacks.
    most_rounds : int
        Plans that are judged, at most; the first one always is.
    is_over : callable
        Whether the time is up, or the user asked to stop: then there is no other round.

    Raises
    ------
    ValueError
        Where the judge does not pass a plan, and asks for nothing.
    """
    raised, rounds, ranking = Raised(pool), list[Round](), None
    while True:
        within: Pool = raised if raised.floors else pool
        earlier, ranking = ranking, optimise(within)
        best = ranking.plan
        if best is None:
            if earlier is not None and ranking.outcome is RunOutcome.LIMIT:  # a plan that does not pass, but known
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
    """The floors of a site and what is asked for, whichever is more, and such that the plan does not reach them.

    A plan that reaches all that is asked for and does not pass all the same would be chosen again and again. So where
    that is so, everything that is asked for rises above what the plan has.
    """
    if not (asked.battery_mw > 0).any() and not (asked.inertia_mws > 0).any():
        raise ValueError(f"the plan at {case.site_id[0]} does not pass, and nothing is asked for")
    rating = case.rating_mw[0]
    there = Floors((rating * case.is_battery) @ plan.units, (rating * case.inertia_s * case.is_generator) @ plan.units)

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
