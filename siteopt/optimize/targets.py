"""What a site must reach to serve, or to come before a key of the objective: days at the latest, and a cost at most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from siteopt.instance import Instance
from siteopt.optimize.bounds import Bounds, bounds
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays, followed
from siteopt.optimize.formulation import COST
from siteopt.plan import Key
from siteopt.tolerances import SAME_COST_MUSD


@dataclass(frozen=True)
class Target:
    """Days that the milestones may start on at the latest, and a cost that may not be exceeded, in millions of USD.

    A cost that counts as the same is not exceeded.
    """

    days: tuple[int, ...]
    budget_musd: float = math.inf

    def on(self, case: Instance, clock: Clock) -> FixedDays:
        """Return the site of an Instance on these days, with no more money than this."""
        return FixedDays(case.capped(self.budget_musd), self.days, clock)

    def is_beyond(self, limits: Bounds) -> bool:
        """Return whether the bounds of the only site show by arithmetic that the target is out of reach."""
        return bool((limits.day[0] > self.days).any() or limits.cost_musd[0] > self.budget_musd + SAME_COST_MUSD)


def to_serve(case: Instance) -> list[Target]:
    """Return what a site must reach to serve."""
    return [Target((case.horizon_day,) * case.milestones)]


def to_win(case: Instance, rival: Key, *, wins_ties: bool) -> list[Target]:
    """Return targets any of which, if reached, puts a site before the key of a rival in the objective.

    One for each goal: no worse in the goals before it, better in this one. Equal in all of them wins ties, or not.
    """
    targets = []
    for place in range(len(rival)):
        days, budget = [case.horizon_day] * case.milestones, math.inf
        for goal, value in zip(case.order[: place + 1], rival, strict=False):
            better = goal == case.order[place] and not (wins_ties and place == len(rival) - 1)
            if goal == COST:
                budget = (value - better) * SAME_COST_MUSD
            else:
                days[goal] = int(value) - better
        targets.append(Target(tuple(followed(days).tolist()), budget))
    return targets


def is_reached(case: Instance, targets: Sequence[Target], clock: Clock) -> bool:
    """Return whether the site of an Instance of one site can reach any of the targets.

    Raises
    ------
    OutOfTime
        As Undecided where that can neither be confirmed nor refuted.
    """
    limits = bounds(case)
    return any(target.on(case, clock).any_plan() is not None for target in targets if not target.is_beyond(limits))
