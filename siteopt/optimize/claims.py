"""Check the claims of a run by safe bounds alone: arithmetic, prices in intervals, and our own branch and bound.

Every result of a run is a list of claims of one kind: a site has no plan by given days that costs less than a limit. To
show that no site and no plan is better takes one such claim for each site and each goal of the objective.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from siteopt.instance import Instance, Ints, Pool
from siteopt.optimize.bounds import bounds
from siteopt.optimize.branching import Branchings
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import CHEAPER
from siteopt.optimize.formulation import COST
from siteopt.optimize.price_bound import price_bound
from siteopt.optimize.pricing import Prices
from siteopt.optimize.screening import chunks
from siteopt.optimize.targets import Target, to_serve, to_win
from siteopt.plan import Key
from siteopt.record.proof import Means
from siteopt.tolerances import SAME_COST_MUSD

FIRST_NODES, MORE_NODES = 1000, 8
"""Linear programs for each claim in the first pass, and the factor by which the number grows in each later pass."""


@dataclass(frozen=True)
class Claim:
    """Claim that a site has no plan by given days that costs less than a limit.

    Attributes
    ----------
    site : int
        Index into the pool.
    goal : int
        Goal of the objective in which such a plan would be better: the index of a milestone, or COST.
    target : Target
    limit_musd : float
    means : Means
    bound_musd : float
        Lower bound of the cost of any plan by these days; reported while the claim is open.
    nodes : int
        Number of linear programs solved for the claim.
    """

    site: int
    goal: int
    target: Target
    limit_musd: float
    means: Means = Means.OPEN
    bound_musd: float = -math.inf
    nodes: int = 0


@dataclass(frozen=True)
class Incumbent:
    """Key of a ranked site that others are checked against, and the index of that site; no key if no site can serve."""

    key: Key | None
    site: int = -1

    def claims(self, head: Instance, site: int) -> list[Claim]:
        """Return the claims that a site does not come before the rival, one for each goal.

        If the rival has no key, return the one claim that the site cannot serve.

        Parameters
        ----------
        head : Instance
            Instance of any sites; only the data that all sites share is used.
        """
        targets = to_serve(head) if self.key is None else to_win(head, self.key, wins_ties=site < self.site)
        return [
            Claim(site, goal, target, head.capped(target.budget_musd).most_musd)
            for goal, target in zip(head.order, targets, strict=False)
        ]


def own_claims(head: Instance, site: int, key: Key, cost_musd: float, least_musd: float | None = None) -> list[Claim]:
    """Return the claims that make a plan with this key and this cost the best of its site, one for each goal.

    A cost that is lower by no more than CHEAPER counts as the same.

    Parameters
    ----------
    least_musd : float, optional
        Claimed lower bound of the cost, if it is less than the cost.
    """
    *claims, last = Incumbent(key, site).claims(head, site)
    if last.goal == COST:
        least = cost_musd if least_musd is None else least_musd
        last = replace(last, limit_musd=min(last.limit_musd, least, cost_musd - CHEAPER))
    return [*claims, last]


def ruled_out(
    pool: Pool, sites: Ints, incumbent: Incumbent, prices: Sequence[Prices], clock: Clock
) -> dict[int, Means]:
    """Return for each site how it is shown not to come before a rival: by arithmetic, by prices, or OPEN if by neither.

    A site that needs both counts as shown by prices. Prices give bounds for any days, not only those that they were
    made for.
    """
    head, means = pool.exact(np.zeros(0, dtype=np.int64)), dict[int, Means]()
    # the claims are the same for all sites, except that sites before the rival win ties
    winning, losing = incumbent.claims(head, incumbent.site - 1), incumbent.claims(head, incumbent.site)
    for chunk in chunks(sites):
        instance = pool.optimistic(chunk)
        limits = bounds(instance)
        by_arithmetic, shown = np.ones(len(chunk), dtype=bool), np.ones(len(chunk), dtype=bool)
        for first, second in zip(winning, losing, strict=True):
            days = np.broadcast_to(first.target.days, limits.day.shape)
            most = np.where(chunk < incumbent.site, first.limit_musd, second.limit_musd)
            beyond = (limits.day > days).any(axis=1) | (limits.cost_musd > most + SAME_COST_MUSD)
            by_arithmetic &= beyond
            for some in prices:
                left = np.flatnonzero(~beyond & shown)
                if not len(left) or clock.is_over:
                    break
                found = price_bound(instance.take(left), days[left], some)
                beyond[left] = found > (most[left] if some.cost else 0.0)
            shown &= beyond
        for place, s in enumerate(map(int, chunk)):
            means[s] = Means.ARITHMETIC if by_arithmetic[place] else Means.PRICES if shown[place] else Means.OPEN
    return means


def closed_claims(
    pool: Pool,
    claims: Sequence[Claim],
    clock: Clock,
    advice: Callable[[Claim], Branchings] = lambda claim: {},
    report: Callable[[int], None] = lambda closed: None,
) -> list[Claim]:
    """Close open claims by branch and bound, in order and as far as the time allows, and return all claims.

    Each pass gives every open claim some nodes before any claim gets more.

    Parameters
    ----------
    advice : callable
        Returns the branchings that closed a claim in an earlier run.
    report : callable
        Called with the number of closed claims.
    """
    claims, nodes = list(claims), FIRST_NODES
    while not clock.is_over:
        left = [place for place, claim in enumerate(claims) if claim.means is Means.OPEN]
        if not left:
            break
        for place in left:
            if clock.is_over:
                break
            claims[place] = _branched(pool, claims[place], nodes, clock, advice(claims[place]))
            clock.share_claims()
            report(sum(claim.means is not Means.OPEN for claim in claims))
        nodes *= MORE_NODES
    return claims


def _branched(pool: Pool, claim: Claim, nodes: int, clock: Clock, advice: Branchings) -> Claim:
    """Return a claim after trying arithmetic and then at most ``nodes`` nodes of branch and bound."""
    instance = pool.exact(np.array([claim.site]))
    if claim.target.is_beyond(bounds(instance)):
        return replace(claim, means=Means.ARITHMETIC, bound_musd=claim.limit_musd)
    found = claim.target.on(instance, clock).closing(claim.limit_musd, nodes, advice)
    means = Means.WRONG if found.plan is not None else Means.BRANCHING if found.closed else Means.OPEN
    bound = max(claim.bound_musd, found.bound)
    return replace(claim, means=means, bound_musd=bound, nodes=claim.nodes + found.nodes)
