"""Choose the sites to solve next, and use what solved sites show of the sites that they dominate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from siteopt.instance import Floats, Instance, Ints, Pool
from siteopt.optimize.certificate import certify
from siteopt.optimize.dominance import is_dominated
from siteopt.optimize.formulation import COST
from siteopt.plan import SitePlan

BATCH = 8
"""Number of sites solved before the open sites are compared again; fixed, so that every machine gives one answer."""

COMPARED = 1024
"""Largest number of open sites that are compared with one that is solved next."""

SAME_MUSD = 1e-9
"""Costs that differ by less than this many million USD differ by rounding."""


@dataclass(frozen=True)
class Worse:
    """Sites that another site dominates.

    Attributes
    ----------
    sites : indices into the pool
    dearer_musd : by how much more each costs than the other site, whatever the plan
    """

    sites: Ints
    dearer_musd: Floats


@dataclass
class Batches:
    """Batches of sites to solve.

    Attributes
    ----------
    better : index of a solved site that dominates a site, by the index of that site
    """

    pool: Pool
    better: dict[int, int] = field(default_factory=dict)
    _sites: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _instance: Instance | None = None

    def next(self, open_sites: Ints) -> dict[int, Worse]:
        """Return the sites to solve next, at most BATCH of them, each with the open sites that it dominates.

        A site that another one of them dominates waits, since what is found there may close it.

        Parameters
        ----------
        open_sites : best bound first
        """
        sites = open_sites[:COMPARED]
        instance, waits = self._exact(sites), np.zeros(len(sites), dtype=bool)
        cost, batch = instance.prepared_musd, dict[int, Worse]()
        for place, s in enumerate(map(int, sites)):
            if len(batch) == BATCH:
                break
            if not waits[place]:
                worse = is_dominated(instance.take(np.array([place])), instance)
                worse[: place + 1] = False
                waits |= worse
                batch[s] = Worse(sites[worse], cost[worse] - cost[place])
        for s, dominated in batch.items():
            self.better |= dict.fromkeys(dominated.sites.tolist(), s)
        return batch

    def _exact(self, sites: Ints) -> Instance:
        """Return the Instance of some sites; most of them were asked for in the batch before."""
        if self._instance is None or not np.isin(sites, self._sites).all():
            self._sites = np.sort(sites)
            self._instance = self.pool.exact(self._sites)
        return self._instance.take(np.searchsorted(self._sites, sites))

    def inherited(self, s: int, instance: Instance, found: Mapping[int, SitePlan]) -> SitePlan | None:
        """Return the best plan of a site if a solved site that dominates it shows that plan; else None.

        Parameters
        ----------
        instance : Instance of site ``s`` only
        found : best plans by the index of their site
        """
        best = found.get(self.better.get(s, -1))
        return inherited(best, instance) if best is not None and best.proven else None


def inherited(best: SitePlan, instance: Instance) -> SitePlan | None:
    """Return the best plan of a site as the best plan of a site that it dominates, if it is that; else None.

    It is if it holds there, and costs only as much more as every plan does. That is enough only if cost is the last
    goal: which costs count as equal differs from site to site.

    Parameters
    ----------
    instance : Instance of the dominated site only
    """
    if instance.order[-1] != COST:
        return None
    dearer = float(instance.prepared_musd[0] - best.instance.prepared_musd[0])
    cost = best.plan.cost_musd(instance)
    if cost > best.cost_musd + dearer + SAME_MUSD or not certify(instance, best.plan).valid:
        return None
    *stages, last = best.stages
    least = replace(last, value=cost, bound=min(cost, last.bound + dearer))
    return replace(best, instance=instance, stages=(*stages, least))
