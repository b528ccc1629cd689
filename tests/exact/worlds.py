"""Random worlds: the question and its tables as plain data, in US dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.exact.draw_offers import offers
from tests.exact.draw_scenario import Dice, Row, scenario, size_of, workload
from tests.exact.draw_sites import TOWNS, blanks, grid_steps, look_alikes, sites
from tests.exact.draw_ties import ties

KINDS = {"plain": 23, "alike": 27, "cost": 15, "budget": 14, "tie": 10, "huge": 8, "many": 3}
"""What a world is drawn for, and how many in a hundred."""

BIG = 10**9
"""Worlds of this seed and above have hundreds of sites."""


@dataclass(frozen=True)
class TightBudget:
    """How to draw a budget that may bind, once a plan is known.

    Attributes
    ----------
    site : int
        Place of the site among those that take part.
    wait : int
        Days that it waits beyond its first days; its least cost then is the budget,
    over_usd, over_percent : float
        plus so much.
    """

    site: int
    wait: int
    over_usd: float
    over_percent: float


@dataclass(frozen=True)
class World:
    """A question and its tables.

    Attributes
    ----------
    kind : str
        One of KINDS, or ``big``.
    scenario : dict
        Sections and keys as in the scenario file; no ``inputs``.
    sites, offers, steps : lists of Row
    top : int
        Ranks to prove.
    within : tuple of float or None
        Box that admits sites: west, south, east, north.
    away_from : tuple of float or None
        Longitude and latitude to keep away from, and by how many km.
    tight_budget : TightBudget or None
    tight_horizon : int or None
        Days between the first days that arithmetic leaves open and the horizon.
    """

    seed: int
    kind: str
    scenario: dict[str, Any]
    sites: list[Row]
    offers: list[Row]
    steps: list[Row]
    top: int
    within: tuple[float, ...] | None = None
    away_from: tuple[float, ...] | None = None
    tight_budget: TightBudget | None = None
    tight_horizon: int | None = None


def draw(seed: int) -> World:
    """Return the world of this seed; budget and horizon, where tight, are settled by the reference."""
    r = Dice(seed)
    kind = "big" if seed >= BIG else r.choices(list(KINDS), list(KINDS.values()))[0]
    size = size_of(r, kind, load := workload(r))
    keys = scenario(r, kind, seed, size, load)
    available_units = offers(r, size, keys)
    candidates = sites(r, kind, size, keys, available_units)
    steps = grid_steps(r, size, candidates)
    if kind == "alike" or r.random() < 0.2:
        look_alikes(r, candidates, steps)
    blanks(r, keys, candidates)
    if kind == "tie":
        ties(r, size, keys, candidates, available_units, steps)
    r.shuffle(candidates)
    return World(
        seed,
        kind,
        keys,
        candidates,
        available_units,
        steps,
        r.choice([1, 1, 2, 3] if kind in ("many", "big") else [1, 1, 2, 3, 10]),
        _box(r),
        _keep_away(r),
        _tight_budget(r) if kind == "budget" or r.random() < 0.06 else None,
        r.choice([1, 5, 15, 30]) if r.random() < 0.15 else None,
    )


def _box(r: Dice) -> tuple[float, ...] | None:
    """Draw a box that admits sites, now and then; no town lies near its edge."""
    return r.choice([(-120.0, 20.0, -60.0, 60.0), (-100.0, 30.0, -85.0, 50.0)]) if r.random() < 0.05 else None


def _keep_away(r: Dice) -> tuple[float, ...] | None:
    """Draw a town to keep away from, now and then; all sites in it are clearly too near."""
    latitude, longitude = r.choice(TOWNS["US"])
    return (longitude, latitude, r.choice([60.0, 100.0])) if r.random() < 0.05 else None


def _tight_budget(r: Dice) -> TightBudget:
    over = r.choice([(0, 0), (0, 0), (-30, 0), (3, 0), (-3, 0), (500, 0), (0, -0.1), (0, 0.1), (0, 1), (0, 5)])
    return TightBudget(r.randrange(40), r.choice([0, 1, 3, 10, 30, 90]), *over)
