"""Frozen results: what holds a site back, and what would have to change about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from siteopt.instance import Instance
from siteopt.plan import SiteResult


@dataclass(frozen=True)
class Lever:
    """Something about a site that could be otherwise.

    Attributes
    ----------
    column : str
        Of the candidates; ``grid_mw`` is the grid in service from some day on. ``ready_day`` is that of a grid step.
    now, best : float
        In the unit of the column; more than ``best`` is not thought of.
    notch : float
        In which it moves from ``now`` to ``best``; below 0 where less is better.
    step : int, optional
        Number of the grid step, in the order of days.
    """

    column: str
    now: float
    best: float
    notch: float
    step: int | None = None

    @property
    def notches(self) -> int:
        """Notches from ``now`` to ``best``."""
        return math.ceil((self.best - self.now) / self.notch - 1e-9)

    def moved(self, notches: int, by_day: int = 0) -> Change:
        """The change by so many notches."""
        value = self.now + notches * self.notch
        return Change(self, min(value, self.best) if self.notch > 0 else max(value, self.best), by_day)


@dataclass(frozen=True)
class Change:
    """A lever at another value.

    Attributes
    ----------
    lever : Lever
    value : float
    by_day : int
        Day on which more grid must be ready to be commissioned; 0 for any other lever.
    """

    lever: Lever
    value: float
    by_day: int = 0


Vary = Callable[[Sequence[Change]], Instance]
"""The Instance of a site alone, with some changes to it."""


@dataclass(frozen=True)
class Shortfall:
    """What a site that cannot serve lacks on the last day of the horizon.

    Attributes
    ----------
    limit : str
        Need, queue, or ``budget``.
    milestone : str
        Empty for the budget.
    missing : float
        In ``unit``; infinite where no amount of time would do.
    unit : str
    needed : float
        In ``unit``; nan where the need depends on what is chosen.
    """

    limit: str
    milestone: str
    missing: float
    unit: str
    needed: float = math.nan


@dataclass(frozen=True)
class Findings:
    """Why a site does not win.

    Attributes
    ----------
    site : SiteResult
        Of the site that was asked for.
    rival : SiteResult or None
        The winner; the runner-up where the site itself wins; None where there is none.
    shortfalls : tuple of Shortfall
        Where the site cannot serve: what it lacks.
    still_short : tuple of Shortfall
        What it would lack even if all that could change were at its best; empty where there are changes that suffice.
    changes : tuple of tuples of Change
        Alternatives, each of which by itself makes the site win, or serve where it cannot. Each holds one change where
        one suffices, else the fewest that do.
    proven : bool
        Whether all of that is proven; else the time ran out.
    """

    site: SiteResult
    rival: SiteResult | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    still_short: tuple[Shortfall, ...] = ()
    changes: tuple[tuple[Change, ...], ...] = ()
    proven: bool = True
