"""What a run keeps so that its claims can be checked without searching again, and what such a check comes to.

Nothing that is kept has to be believed: prices and branchings only show the way, and any numbers give bounds that hold.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

Numbers = tuple[float, ...]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StoredPrices(_Record):
    """Prices of the rows of a site (see :class:`siteopt.optimize.pricing.Prices`), by milestone.

    Attributes
    ----------
    crew : tuple of (trade, milestone, arrival day, price)
    """

    cost: float
    budget: float
    heat: Numbers
    heat_spare: Numbers
    mean: Numbers
    mean_spare: Numbers
    peak: Numbers
    swing: Numbers
    ride: Numbers
    gas: Numbers
    nox: Numbers
    water: Numbers
    yard: Numbers
    grid_margin: tuple[bool, ...]
    chiller_margin: tuple[int, ...]
    crew: tuple[tuple[int, int, int, float], ...]


class StoredRank(_Record):
    """A ranked site: the days of its milestones, and its cost in millions of USD."""

    site_id: str
    days: tuple[int, ...]
    cost_musd: float


class StoredFloors(_Record):
    """What power quality asks for at a site, by milestone; None where nothing suffices."""

    site_id: str
    battery_mw: tuple[float | None, ...]
    inertia_mws: tuple[float | None, ...]


class StoredBranchings(_Record):
    """Branchings that closed a claim about a site on some days (see :data:`siteopt.optimize.branching.Branchings`)."""

    site_id: str
    days: tuple[int, ...]
    branchings: dict[str, tuple[str, int]]


class Proof(_Record):
    """The ranks that are claimed, what they are relative to, and the way to their proof.

    Attributes
    ----------
    ranks : tuple of StoredRank, the first one first
    floors : tuple of StoredFloors
    prices : tuple of StoredPrices
    branchings : tuple of StoredBranchings
    """

    ranks: tuple[StoredRank, ...] = ()
    floors: tuple[StoredFloors, ...] = ()
    prices: tuple[StoredPrices, ...] = ()
    branchings: tuple[StoredBranchings, ...] = ()


class Means(StrEnum):
    """How a claim was settled."""

    ARITHMETIC = "arithmetic"
    PRICES = "prices"
    BRANCHING = "branching"
    OPEN = "not finished"
    WRONG = "wrong"


class CheckedGoal(_Record):
    """What was shown of one goal of a ranked site, the goals before it being as planned.

    Attributes
    ----------
    goal : str
        Milestone, or ``cost``.
    value, bound : float
        As planned, and what is shown that no plan of the site has less of: days, or US dollars.
    means : Means
    nodes : int
        Linear programs that were solved for it.
    """

    goal: str
    value: float
    bound: float
    means: Means
    nodes: int


class CheckedRank(_Record):
    """What was shown of a ranked site.

    Attributes
    ----------
    holds : bool or None
        Whether it has a plan with these days and this cost that keeps every row; None where the time was up.
    decided_usd : float
        What the plan decides: its cost less GPUs and site.
    """

    rank: int
    site_id: str
    name: str
    holds: bool | None
    decided_usd: float
    goals: tuple[CheckedGoal, ...]

    @property
    def proven(self) -> bool:
        """Whether all of it was shown."""
        return self.holds is True and all(goal.means not in (Means.OPEN, Means.WRONG) for goal in self.goals)


class CheckedSites(_Record):
    """By what other sites are shown not to come before a rank, or not to serve: how many, and which are left.

    Attributes
    ----------
    open : tuple of str
        Sites of which it is not shown in the time given.
    wrong : tuple of str
        Sites of which the contrary is shown.
    """

    rank: int
    arithmetic: int = 0
    prices: int = 0
    branching: int = 0
    open: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether all of it was shown."""
        return not self.open and not self.wrong


class ProofReport(_Record):
    """What a check of the claims of a run came to, without trust in any solver.

    Attributes
    ----------
    outcome : str
        As the run says.
    floors : tuple of str
        Sites at which power quality asks for more: what is shown is relative to that.
    first : CheckedSites
        Every other site against the first rank; where no site can serve, all sites.
    last : CheckedSites or None
        Every site that is not ranked against the last rank, where there are several ranks.
    """

    siteopt_version: str
    scenario: str
    outcome: str
    rows_recomputed: int
    ranks: tuple[CheckedRank, ...]
    first: CheckedSites
    last: CheckedSites | None
    floors: tuple[str, ...]
    changed_inputs: tuple[str, ...]
    nodes: int
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Whether a claim of the run is refuted."""
        goals = (goal.means is Means.WRONG for rank in self.ranks for goal in rank.goals)
        sites = (bool(part.wrong) for part in (self.first, self.last) if part is not None)
        return any(goals) or any(sites) or any(rank.holds is False for rank in self.ranks)

    @property
    def first_proven(self) -> bool:
        """Whether the choice of the site and its plan are shown to be the best."""
        return self.first.proven and all(rank.proven for rank in self.ranks[:1])

    @property
    def proven(self) -> bool:
        """Whether everything that the run says is shown."""
        ranks = all(rank.proven for rank in self.ranks)
        return self.first_proven and ranks and (self.last is None or self.last.proven)
