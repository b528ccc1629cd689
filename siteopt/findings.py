"""Define the results of an explanation: what limits a site, and which changes would be sufficient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from siteopt.instance import Instance
from siteopt.plan import SiteResult

POWER_CAP = "power_cap"
"""Key of a milestone: the share of their power at which the GPUs run."""

CONTRACT_DAYS = "contract_days"
"""Key of the grid: the day from which limits count whose basis is not accepted."""

LIMIT, LIMIT_DAY = "limit", "limit_day"
"""Levers for a limit by calendar day: its amount, and the day on which it rises."""


@dataclass(frozen=True)
class Lever:
    """Fact about a site that could be changed.

    Attributes
    ----------
    column : str
        Column of the candidates; ``grid_mw`` means more grid from some day on. ``ready_day`` is a column of the grid
        steps, ``roof_day`` one of the buildings: the day by which all roofs are there. ``shell_days`` and
        ``permit_days`` are keys of the types of new shells, ``shell_shifts`` and ``fitout_shifts`` of the building,
        CONTRACT_DAYS is one of the grid, and POWER_CAP one of the first milestone. LIMIT is the least limit of a
        resource from some day on, and LIMIT_DAY the day on which it rises.
    now, best : float
        Present value and best value that is considered, in the unit of the column.
    notch : float
        Step by which the value moves from ``now`` to ``best``; negative if less is better.
    step : int, optional
        Index of the grid step, in the order of days, or of the window of a limit.
    resource : str
        Resource of a limit by calendar day; empty for every other lever.
    since : int
        Day from which a LIMIT is at least the value.
    reached : float, optional
        Limit that comes sooner with an earlier CONTRACT_DAYS or LIMIT_DAY; infinite if there is no limit any more.
    """

    column: str
    now: float
    best: float
    notch: float
    step: int | None = None
    resource: str = ""
    since: int = 0
    reached: float | None = None

    @property
    def notches(self) -> int:
        """Return the number of notches from ``now`` to ``best``, rounded up."""
        return math.ceil((self.best - self.now) / self.notch - 1e-9)

    def moved(self, notches: int, by_day: int = 0) -> Adjustment:
        """Return the lever moved by some notches, but not beyond ``best``."""
        value = self.now + notches * self.notch
        return Adjustment(self, min(value, self.best) if self.notch > 0 else max(value, self.best), by_day)


@dataclass(frozen=True)
class Adjustment:
    """Lever that is set to another value.

    Attributes
    ----------
    lever : Lever
    value : float
    by_day : int
        Day on which more grid must be ready for commissioning; 0 for any other lever.
    """

    lever: Lever
    value: float
    by_day: int = 0


Vary = Callable[[Sequence[Adjustment]], Instance]
"""Function that returns the Instance of one site, with some changes to the site."""


@dataclass(frozen=True)
class Shortfall:
    """Shortfall of a site that cannot serve, on the last day of the horizon.

    Attributes
    ----------
    limit : str
        Requirement or queue that is not met, or ``budget``.
    milestone : str
        Milestone that is not met; empty for the budget.
    missing : float
        Amount that is missing, in ``unit``; infinite if no time would be sufficient.
    unit : str
    needed : float
        Amount that is required, in ``unit``; nan if it depends on the plan.
    """

    limit: str
    milestone: str
    missing: float
    unit: str
    needed: float = math.nan


@dataclass(frozen=True)
class Findings:
    """Reasons why a site is not chosen.

    Attributes
    ----------
    site : SiteResult
        Result of the site in question.
    rival : SiteResult or None
        Result of the chosen site, or of the second rank if the site itself is chosen; None if there is neither.
    shortfalls : tuple of Shortfall
        What the site lacks, if it cannot serve.
    still_short : tuple of Shortfall
        What the site would still lack with every lever at its best value; empty if some changes are sufficient.
    changes : tuple of tuples of Adjustment
        Alternatives. Each alternative alone is sufficient: the site is then chosen, or it can serve if it could not.
        Each consists of one change if one is sufficient, else of the fewest changes that are.
    proven : bool
        Whether all findings are proven; if not, the time ran out.
    """

    site: SiteResult
    rival: SiteResult | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    still_short: tuple[Shortfall, ...] = ()
    changes: tuple[tuple[Adjustment, ...], ...] = ()
    proven: bool = True
