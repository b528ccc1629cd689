"""Hold search and monolithic MILP against brute force: ``python -m tests.optimize.mixed --instances 500``.

Prints each seed on which they differ, and how often each part of the model decides: without it the answer is another.
Of some instances, each site that is not first or cannot serve is explained, and the explanation held against solving
again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np

from siteopt.instance import NEVER, OWNERS, Instance
from siteopt.optimize.certificate import certify
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import search
from siteopt.phases import LIMITED
from siteopt.plan import Ranking
from siteopt.record.base import RunOutcome
from tests.optimize import brute_force
from tests.optimize.mixed_explain import explained
from tests.optimize.mixed_instances import drawn

Answer = tuple[tuple[int, ...], float] | None

TRIED = 1
"""Parts that are left out of each instance, one at a time, to see whether they decide."""


def answer(ranking: Ranking) -> Answer:
    """Return days and cost of the best plan, None if no site can serve; raise ValueError if it is not proven."""
    if ranking.outcome is RunOutcome.LIMIT:
        raise ValueError("the answer is not proven")
    if ranking.best is None or ranking.best.best is None:
        return None
    found = ranking.best.best
    if not certify(found.instance, found.plan).valid:
        raise ValueError(f"the plan breaks {certify(found.instance, found.plan).violations}")
    return tuple(map(int, found.plan.day)), found.cost_musd


def differ(one: Answer, other: Answer) -> bool:
    """Return whether two answers differ in a day, or by a hundred US dollars."""
    if one is None or other is None:
        return one is not other
    return one[0] != other[0] or abs(one[1] - other[1]) > 1e-4


def _fixed(instance: Instance, name: str) -> Instance:
    """Return the instance with a limit that stays as it is on day 0."""
    levels = instance.change_limit.copy()
    levels[:, LIMITED.index(name)] = getattr(instance, name)[instance.change_site]
    return replace(instance, change_limit=levels)


def _one_way(instance: Instance, limit: Callable[..., np.ndarray]) -> Instance:
    """Return the instance with limits that never fall (``np.maximum``) or never rise (``np.minimum``)."""
    levels = instance.change_limit.copy()
    now = np.stack([getattr(instance, name) for name in LIMITED], axis=1)
    for row, site in enumerate(instance.change_site):
        now[site] = levels[row] = limit(now[site], levels[row])
    return replace(instance, change_limit=levels)


def _limit(instance: Instance, name: str, value: float) -> Instance:
    """Return the instance with another limit at every site, on all days."""
    levels = instance.change_limit.copy()
    levels[:, LIMITED.index(name)] = value
    return replace(instance, change_limit=levels, **{name: np.full(instance.sites, value)})


def _without_options(instance: Instance) -> Instance:
    """Return the instance in which each milestone may have the shells that suit it best."""
    names = ("option_shell", "option_day", "option_count", "option_cost_musd", "option_ready_day")
    names += ("option_relaxed_day", OWNERS["V"])
    return replace(instance, **{name: getattr(instance, name)[:0] for name in names})


PARTS: dict[str, Callable[[Instance], Instance]] = {
    **{f"changes of {name}": lambda one, name=name: _fixed(one, name) for name in LIMITED},
    "limits that fall": lambda one: _one_way(one, np.maximum),
    "limits that rise": lambda one: _one_way(one, np.minimum),
    "options of shells": _without_options,
    "costs of shells": lambda one: replace(one, option_cost_musd=np.zeros(len(one.option_site))),
    "commissioning": lambda one: replace(one, commissioning_mw_per_day=np.inf),
    "live feeds": lambda one: replace(one, step_commissioned_mw=one.step_rise_mw),
    "crews": lambda one: replace(one, crews=np.full_like(one.crews, np.inf)),
    "crews by calendar": lambda one: replace(one, crews=np.repeat(one.crews[:, -1:], len(one.crew_day), axis=1)),
    "distribution": lambda one: replace(one, distribution_asked=False),
    "coolant distribution": lambda one: replace(one, liquid_heat_fraction=0.0),
    "own towers": lambda one: replace(one, own_cooling_mw=np.zeros(one.sites)),
    "non-firm import": lambda one: _limit(one, "nonfirm_mw", 0.0),
    "curtailment": lambda one: replace(one, accept_nonfirm=True),
    "gas": lambda one: _limit(one, "gas_mw", np.inf),
    "air": lambda one: _limit(one, "nox_t_per_year", np.inf),
    "water": lambda one: _limit(one, "water_m3_per_day", np.inf),
    "fuel trucks": lambda one: _limit(one, "fuel_trucks_per_day", np.inf),
    "yard": lambda one: replace(one, yard_m2=np.full(one.sites, np.inf)),
    "grid steps": lambda one: replace(one, step_ready_day=np.full_like(one.step_ready_day, NEVER)),
    "budget": lambda one: replace(one, budget_musd=1000.0),
    "spare units": lambda one: replace(one, spare_units=0),
    "power quality": lambda one: replace(
        one, min_battery_mw=np.zeros_like(one.min_battery_mw), min_inertia_mws=np.zeros_like(one.min_inertia_mws)
    ),
}
"""What to leave out, or to make different, so that a part no longer decides."""


def _is_there(part: str, instance: Instance) -> bool:
    """Return whether an instance differs without a part."""
    other = PARTS[part](instance)
    return any(not np.array_equal(getattr(instance, one.name), getattr(other, one.name)) for one in fields(instance))


def main() -> None:
    """Try the instances, and print what differs and what decides; exit code 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="seed of the first instance")
    parser.add_argument("--explained", type=int, default=25, help="most instances of which sites are explained")
    given = parser.parse_args()
    served, wrong, undecided, tried, decided = 0, 0, 0, Counter[str](), Counter[str]()
    told = Counter[int]()
    for seed in range(given.first, given.first + given.instances):
        instance = drawn(seed)
        found = answer(search(instance))
        by, whole = {"brute force": brute_force.best(instance)}, monolithic(instance)
        if (
            whole.outcome is RunOutcome.LIMIT
        ):  # its solver called a program infeasible that has a plan, and it found out
            undecided += 1
            print(f"seed {seed}: the monolithic method decides nothing", flush=True)
        else:
            by["monolithic"] = answer(whole)
        served += found is not None
        if any(differ(found, other) for other in by.values()):
            wrong += 1
            print(f"seed {seed}: search {found}, {by}", flush=True)
        for s, issues in explained(instance) if len(told) < given.explained else ():
            told[seed] += 1
            wrong += bool(issues)
            for issue in issues:
                print(f"seed {seed}: explanation of site {s}: {issue}", flush=True)
        there = sorted((part for part in PARTS if _is_there(part, instance)), key=lambda part: tried[part])
        for part in there[:TRIED]:
            tried[part] += 1
            decided[part] += differ(found, answer(search(PARTS[part](instance))))
    print(f"{given.instances} instances, of which {served} have a plan: {wrong} differ, {undecided} undecided")
    print(f"{told.total()} sites of {len(told)} instances explained")
    for part in PARTS:
        print(f"  {part}: decides {decided[part]} of {tried[part]}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
