"""Define the targets of a site: the latest days and the highest cost with which it can serve, or beat a rival."""

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
    """Latest days on which the milestones may start, and the highest cost (million USD).

    A cost that counts as equal to the highest one is allowed.
    """

    days: tuple[int, ...]
    budget_musd: float = math.inf

    def on(self, instance: Instance, clock: Clock) -> FixedDays:
        """Return the only site of an Instance on these days, with a budget of no more than this cost."""
        return FixedDays(instance.capped(self.budget_musd), self.days, clock)

    def is_beyond(self, limits: Bounds) -> bool:
        """Return whether the bounds of the only site show, by arithmetic, that the target is out of reach."""
        return bool((limits.day[0] > self.days).any() or limits.cost_musd[0] > self.budget_musd + SAME_COST_MUSD)


def to_serve(instance: Instance) -> list[Target]:
    """Return the one target for serving: every milestone by the horizon, within the budget."""
    return [Target((instance.horizon_day,) * instance.milestones)]


def to_win(instance: Instance, incumbent: Key, *, wins_ties: bool) -> list[Target]:
    """Return the targets for beating a rival: a site that reaches any of them comes before the rival's key.

    There is one target for each goal: no worse in the earlier goals, and better in this one. If the site wins ties,
    the last target is a tie in all goals.
    """
    targets = []
    for place in range(len(incumbent)):
        days, budget = [instance.horizon_day] * instance.milestones, math.inf
        for goal, value in zip(instance.order[: place + 1], incumbent, strict=False):
            better = goal == instance.order[place] and not (wins_ties and place == len(incumbent) - 1)
            if goal == COST:
                budget = (value - better) * SAME_COST_MUSD
            else:
                days[goal] = int(value) - better
        targets.append(Target(tuple(followed(days).tolist()), budget))
    return targets


def is_reached(instance: Instance, targets: Sequence[Target], clock: Clock) -> bool:
    """Return whether the only site of an Instance can reach any of the targets.

    Raises
    ------
    OutOfTime
        As Undecided if this can be neither confirmed nor refuted.
    """
    limits = bounds(instance)
    return any(target.on(instance, clock).any_plan() is not None for target in targets if not target.is_beyond(limits))
