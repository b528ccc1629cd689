"""Prove a run from its folder: check its claims without trusting any solver."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from siteopt.geodata.dataset import Dataset
from siteopt.instance import Instance, Pool
from siteopt.optimize.branching import Branchings
from siteopt.optimize.certificate import certify
from siteopt.optimize.claims import Claim, Incumbent, closed_claims, own_claims, ruled_out
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.formulation import COST
from siteopt.optimize.power_quality_loop import MinimumSupport, Raised
from siteopt.optimize.pricing import Prices
from siteopt.options import PROOF_SECONDS
from siteopt.output.notebook import text_html
from siteopt.output.proving import proving
from siteopt.output.runs import PLAN
from siteopt.plan import Key, objective_key
from siteopt.record.base import RunOutcome
from siteopt.record.proof import CheckedGoal, CheckedRank, CheckedSites, Means, ProofReport, StoredRank
from siteopt.record.run import RunRecord
from siteopt.rereading import changed_inputs, check_admitted, orders_of, read_again, unusable

SAME_MUSD = 1e-6
"""Maximum difference between the recomputed and the stored cost of a plan, million USD: one US dollar."""


@dataclass(frozen=True)
class Proving:
    """Result of checking the claims of a run.

    Attributes
    ----------
    report : ProofReport
    """

    report: ProofReport

    def __str__(self) -> str:
        """Return the lines that the command line prints."""
        return proving(self.report)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return text_html(str(self))


def prove(
    run: str | Path,
    seconds: float = PROOF_SECONDS,
    report: Callable[[str], None] | None = None,
    *,
    stop: threading.Event | None = None,
    scenario: str | Path | None = None,
) -> Proving:
    """Check the claims of a run without trusting any solver, with arithmetic, safe bounds and replayed plans.

    Parameters
    ----------
    run : path
        Folder of a run with a proven result, or with the result that no site can serve.
    seconds : float
        Time limit; after it, the report contains what is proven so far.
    report : callable, optional
        Function that is called with a text about the current step.
    stop : threading.Event, optional
        Set this event to end the check with what is proven so far.
    scenario : path, optional
        Scenario to read instead of the one that the run names; this one and its tables are read as they are now.

    Returns
    -------
    Proving
        What is proven about each rank and about the other sites.

    Raises
    ------
    InputError
        If the folder holds no such run; if no scenario is given, and a file that the run names has changed since, or is
        outside the current folder and the folder of the run; or with every error of the scenario and its tables.
    """
    tell = report or (lambda words: None)
    tell("reading the run")
    record, dataset = read_again(run, scenario)
    if record.outcome not in (RunOutcome.PROVEN, RunOutcome.NO_SITE):
        raise unusable(run, f"the outcome {record.outcome.value!r}", "a run with a proven result")
    if record.plan is not None:
        check_admitted(record.plan, dataset)
        if not record.proof.ranks:
            raise unusable(PLAN, "no ranks in its proof", "the ranks that siteopt wrote; solve the scenario again")
    checking = _Checking(record, dataset, Clock(seconds, stop or threading.Event()), tell)
    return Proving(checking.run())


@dataclass
class _Checking:
    """Check of a run: its record, its tables as they are now, and the progress of the check."""

    record: RunRecord
    dataset: Dataset
    clock: Clock
    tell: Callable[[str], None]
    rows: int = 0

    def __post_init__(self) -> None:
        self.proof = self.record.proof
        self.pool = self._with_minimum_support()
        self.head = self.pool.exact(np.zeros(0, dtype=np.int64))
        prices = (Prices.restored(kept, self.head.milestones, self.head.offers) for kept in self.proof.prices)
        self.prices = [some for some in prices if some is not None]
        self.advice = {(kept.site_id, kept.days): kept.branchings for kept in self.proof.branchings}
        self.ranks = [self._index(rank.site_id) for rank in self.proof.ranks]
        for place, rank in enumerate(self.proof.ranks):
            if len(rank.days) != self.head.milestones or not all(
                0 <= day <= self.head.horizon_day for day in rank.days
            ):
                found, expected = f"wrong days in proof.ranks.{place}", "a day within the horizon for each milestone"
                raise unusable(PLAN, found, expected)

    def _with_minimum_support(self) -> Pool:
        count = len(self.dataset.scenario.milestones)
        for place, kept in enumerate(self.proof.minimum_support):
            if len(kept.battery_mw) != count or len(kept.inertia_mws) != count:
                found, expected = f"proof.minimum_support.{place}", "a value for each of the milestones"
                raise unusable(PLAN, found, expected)
        minimum_support = {
            self._index(kept.site_id): MinimumSupport.restored(kept) for kept in self.proof.minimum_support
        }
        return Raised(self.dataset.pool, minimum_support) if minimum_support else self.dataset.pool

    def _index(self, site_id: str) -> int:
        try:
            return list(self.dataset.pool.site_id).index(site_id)
        except ValueError:
            raise unusable(PLAN, f"the site {site_id}", "a site that the scenario still admits") from None

    def run(self) -> ProofReport:
        """Check the first rank, then all others, and return the report."""
        keys = [objective_key(self.head, np.array(rank.days), rank.cost_musd) for rank in self.proof.ranks]
        every = np.arange(len(self.pool.site_id))
        firsts = Incumbent(keys[0], self.ranks[0]) if keys else Incumbent(None)
        self.tell("comparing every other site with the first rank")
        means = ruled_out(self.pool, np.setdiff1d(every, self.ranks[:1]), firsts, self.prices, self.clock)
        own = [self._own_claims(place, key) for place, key in enumerate(keys)]
        holds = [self._holds(place) for place in range(len(own[:1]))]
        first, left = self._closed([*own[:1], *self._left(means, firsts)], "the first rank")
        own[:1] = first[: len(own[:1])]
        against_first = self._counted(1, means, first[len(own[:1]) :])
        lasts, last = Incumbent(keys[-1], self.ranks[-1]) if keys else firsts, None
        if len(keys) > 1:
            holds += [self._holds(place) for place in range(1, len(own))]
            means = ruled_out(self.pool, np.setdiff1d(every, self.ranks), lasts, self.prices, self.clock)
            rest, more = self._closed([*own[1:], *self._left(means, lasts)], "the other ranks")
            left += more
            own[1:] = rest[: len(own) - 1]
            last = self._counted(len(keys), means, rest[len(own) - 1 :])
        return ProofReport(
            siteopt_version=version("siteopt"),
            scenario=self.record.scenario,
            outcome=self.record.outcome,
            rows_recomputed=self.rows,
            ranks=tuple(self._rank(place, holds[place], claims) for place, claims in enumerate(own)),
            first=against_first,
            last=last,
            minimum_support=tuple(kept.site_id for kept in self.proof.minimum_support),
            changed_inputs=tuple(changed_inputs(self.record.inputs, self.dataset.inputs)),
            nodes=left,
            seconds=round(self.clock.elapsed, 3),
        )

    def _own_claims(self, place: int, key: Key) -> list[Claim]:
        """Return the claims that a rank is the best of its site, or as good as it was claimed to be.

        If its cost is claimed only within a bound, and the rank above it has the same days, the claim is that it costs
        no less than that one.
        """
        rank, above = self.proof.ranks[place], self.proof.ranks[place - 1] if place else None
        least = rank.cost_bound_musd
        if least is not None and above is not None and above.days == rank.days:
            least = max(least, above.cost_musd)
        return own_claims(self.head, self.ranks[place], key, rank.cost_musd, least)

    def _left(self, means: dict[int, Means], incumbent: Incumbent) -> list[list[Claim]]:
        """Return the claims about each site that neither arithmetic nor prices close."""
        return [incumbent.claims(self.head, s) for s, how in means.items() if how is Means.OPEN]

    def _closed(self, groups: Sequence[list[Claim]], what: str) -> tuple[list[list[Claim]], int]:
        """Return groups of claims after branching, and the number of linear programs that were solved."""
        claims = [claim for group in groups for claim in group]
        self.tell(f"{what}: {len(claims)} claims")
        done = iter(
            closed_claims(
                self.pool, claims, self.clock, self._advice, lambda closed: self._progress(what, closed, claims)
            )
        )
        found = [[next(done) for _ in group] for group in groups]
        return found, sum(claim.nodes for group in found for claim in group)

    def _progress(self, what: str, closed: int, claims: Sequence[Claim]) -> None:
        self.tell(f"{what}: {closed} of {len(claims)} claims, {self.clock.elapsed:.0f} s")

    def _advice(self, claim: Claim) -> Branchings:
        return self.advice.get((self.pool.site_id[claim.site], claim.target.days), {})

    def _counted(self, rank: int, means: dict[int, Means], groups: Sequence[list[Claim]]) -> CheckedSites:
        """Return how many sites are ruled out by each means, and which sites are still open or disprove the ranking."""
        count = Counter(means.values())
        ends: dict[Means, list[str]] = {Means.OPEN: [], Means.WRONG: []}
        for group in groups:
            for means_of_site in ends:
                if any(claim.means is means_of_site for claim in group):
                    ends[means_of_site].append(self.pool.site_id[group[0].site])
                    break
        branching = len(groups) - sum(map(len, ends.values()))
        return CheckedSites(
            rank=rank,
            arithmetic=count[Means.ARITHMETIC],
            prices=count[Means.PRICES],
            branching=branching,
            open=tuple(ends[Means.OPEN]),
            wrong=tuple(ends[Means.WRONG]),
        )

    def _holds(self, place: int) -> bool | None:
        """Return whether a ranked site has the plan that is claimed; None if the time runs out first."""
        rank, instance = self.proof.ranks[place], self.pool.exact(np.array(self.ranks[place : place + 1]))
        on = FixedDays(instance, rank.days, self.clock)
        if place:
            try:
                plan = on.any_plan(rank.cost_musd + SAME_MUSD)
            except OutOfTime:
                return None
            return plan is not None
        levels = self.dataset.steps.loc[self.dataset.steps["site_id"] == rank.site_id, "grid_mw"].tolist()
        if self.record.plan is None:
            return False
        orders = orders_of(self.record.plan, instance, levels)
        found = on.with_units(orders.units, orders.step)
        if found is None or (found[0].units != orders.units).any() or (found[0].step != orders.step).any():
            return False
        certificate = certify(instance, found[0])
        self.rows = certificate.rows
        is_as_told = tuple(orders.day) == rank.days and abs(found[1] - rank.cost_musd) <= SAME_MUSD
        return certificate.valid and is_as_told

    def _rank(self, place: int, holds: bool | None, claims: Sequence[Claim]) -> CheckedRank:
        rank, s = self.proof.ranks[place], self.ranks[place]
        instance = self.pool.exact(np.array([s]))
        decided = rank.cost_musd - instance.gpu_cost_musd - float(instance.ready_musd()[0])
        return CheckedRank(
            rank=place + 1,
            site_id=rank.site_id,
            name=str(self.dataset.sites.at[rank.site_id, "name"]),
            holds=holds,
            decided_usd=decided * 1e6,
            goals=tuple(_goal(instance, rank, claim) for claim in claims),
        )


def _goal(instance: Instance, rank: StoredRank, claim: Claim) -> CheckedGoal:
    """Return what was shown about a goal: a lower bound of its day or cost."""
    is_open = claim.means in (Means.OPEN, Means.WRONG)
    if claim.goal == COST:
        value, name = rank.cost_musd * 1e6, "cost"
        known = max(0.0, claim.bound_musd) * 1e6 if is_open else claim.limit_musd * 1e6
    else:
        value, name = float(rank.days[claim.goal]), instance.milestone[claim.goal]
        known = 0.0 if is_open else value
    return CheckedGoal(goal=name, value=value, bound=min(value, known), means=claim.means, nodes=claim.nodes)
