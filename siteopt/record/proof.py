"""Define the data that a run stores to check its claims without a new search, and the result of such a check.

The stored data need not be trusted: prices and branchings only guide the check, and any numbers give valid bounds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from siteopt.record.base import Amount, Count, Label, Many, Name, Number, Record, RunOutcome, Whole
from siteopt.section import Days

Numbers = Many[Number]


class StoredPrices(Record):
    """Prices of the rows of a site (see :class:`siteopt.optimize.pricing.Prices`), by milestone.

    Attributes
    ----------
    needs, spares : dict of a requirement to prices
    crew : tuple of (trade, milestone, arrival day, price)
    """

    cost: Number
    budget: Number
    needs: dict[Label, Numbers]
    spares: dict[Label, Numbers]
    gas: Numbers
    nox: Numbers
    water: Numbers
    yard: Numbers
    grid_margin: Many[bool]
    cooling_margin: Many[Annotated[int, Field(ge=-1, le=10**12)]]
    crew: Many[tuple[Count, Count, Whole, Number]]


class StoredRank(Record):
    """Ranked site: the days of its milestones, and its cost in million USD.

    ``cost_bound_musd`` is the claimed lower bound of the cost of any plan of these days; None if it is the cost itself.
    """

    site_id: Name
    days: Many[Days]
    cost_musd: Number
    cost_bound_musd: Number | None = None


class StoredMinimumSupport(Record):
    """Minimum battery power (MW) and inertia (MW s) of a site for power quality, by milestone; None if unattainable."""

    site_id: Name
    battery_mw: Many[Amount | None]
    inertia_mws: Many[Amount | None]


class StoredBranchings(Record):
    """Branchings that closed a claim about a site on given days (see :data:`siteopt.optimize.branching.Branchings`)."""

    site_id: Name
    days: Many[Days]
    branchings: dict[str, tuple[Label, Whole]]


class Proof(Record):
    """Claimed ranks, the minimum battery power and inertia that they depend on, and the data that guide their proof.

    Attributes
    ----------
    ranks : tuple of StoredRank, the first one first
    minimum_support : tuple of StoredMinimumSupport
    prices : tuple of StoredPrices
    branchings : tuple of StoredBranchings
    """

    ranks: Many[StoredRank] = ()
    minimum_support: Many[StoredMinimumSupport] = ()
    prices: Many[StoredPrices] = ()
    branchings: Many[StoredBranchings] = ()


class Means(StrEnum):
    """Means by which a claim was closed."""

    ARITHMETIC = "arithmetic"
    PRICES = "prices"
    BRANCHING = "branching"
    OPEN = "not finished"
    WRONG = "wrong"


class CheckedGoal(Record):
    """Result of the check of one goal of a ranked site, given the earlier goals as planned.

    Attributes
    ----------
    goal : str
        Name of a milestone, or ``cost``.
    value, bound : float
        Planned value, and proven lower bound for every plan of the site: days, or US dollars.
    means : Means
    nodes : int
        Number of linear programs that were solved for the goal.
    """

    goal: str
    value: float
    bound: float
    means: Means
    nodes: int


class CheckedRank(Record):
    """Result of the check of a ranked site.

    Attributes
    ----------
    holds : bool or None
        Whether the site has a plan with these days and this cost that satisfies every row; None if the time ran out.
    decided_usd : float
        Cost that the plan decides: total cost minus the GPUs and the site.
    """

    rank: int
    site_id: str
    name: str
    holds: bool | None
    decided_usd: float
    goals: tuple[CheckedGoal, ...]

    @property
    def proven(self) -> bool:
        """Return whether the plan and every goal are proven."""
        return self.holds is True and all(goal.means not in (Means.OPEN, Means.WRONG) for goal in self.goals)


class CheckedSites(Record):
    """Result of the check that no other site beats a rank, or can serve: counts by means, and the remaining sites.

    Attributes
    ----------
    open : tuple of str
        Sites for which this was not shown in time.
    wrong : tuple of str
        Sites for which the contrary was shown.
    """

    rank: int
    arithmetic: int = 0
    prices: int = 0
    branching: int = 0
    open: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Return whether this was shown for all sites."""
        return not self.open and not self.wrong


class ProofReport(Record):
    """Result of checking the claims of a run without trusting any solver.

    Attributes
    ----------
    outcome : RunOutcome
        Outcome that the run states.
    minimum_support : tuple of str
        Sites at which power quality requires minimum battery power or inertia; the proof depends on these values.
    first : CheckedSites
        Check of every other site against the first rank; of all sites, if no site can serve.
    last : CheckedSites or None
        Check of every unranked site against the last rank; None unless there are several ranks.
    """

    siteopt_version: str
    scenario: str
    outcome: RunOutcome
    rows_recomputed: int
    ranks: tuple[CheckedRank, ...]
    first: CheckedSites
    last: CheckedSites | None
    minimum_support: tuple[str, ...]
    changed_inputs: tuple[str, ...]
    nodes: int
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Return whether a claim of the run is refuted."""
        goals = (goal.means is Means.WRONG for rank in self.ranks for goal in rank.goals)
        sites = (bool(part.wrong) for part in (self.first, self.last) if part is not None)
        return any(goals) or any(sites) or any(rank.holds is False for rank in self.ranks)

    @property
    def first_proven(self) -> bool:
        """Return whether the chosen site and its plan are proven to be the best."""
        return self.first.proven and all(rank.proven for rank in self.ranks[:1])

    @property
    def proven(self) -> bool:
        """Return whether all claims of the run are proven."""
        ranks = all(rank.proven for rank in self.ranks)
        return self.first_proven and ranks and (self.last is None or self.last.proven)
