"""Explain why a site does not win or cannot serve, and find the smallest change that would let it win or serve.

Each lever is tried at its best value first, and then by bisection. Solving again proves that a change is sufficient,
and that one step less is not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from siteopt.equipment import REQUIREMENTS
from siteopt.findings import LIMIT, Adjustment, Findings, Lever, Shortfall, Vary
from siteopt.instance import NEVER, QUEUES, Instance, Pool
from siteopt.optimize.bottleneck import bottlenecks, days_saved, why_not
from siteopt.optimize.bounds import bounds, sources
from siteopt.optimize.clock import Clock, OutOfTime, Undecided
from siteopt.optimize.fixed_days import FixedDays, fixed
from siteopt.optimize.formulation import SHORTFALL
from siteopt.optimize.program import program_of
from siteopt.optimize.search import search
from siteopt.optimize.single import NO_PLAN, solve_site
from siteopt.optimize.targets import Target, is_reached, to_serve, to_win
from siteopt.plan import Ranking, SiteResult
from siteopt.record.base import RunOutcome, Standing


def changes_to(
    targets: Sequence[Target], levers: Sequence[Lever], vary: Vary, clock: Clock, threads: ThreadPoolExecutor
) -> Iterator[tuple[Adjustment, ...]]:
    """Yield each single change that reaches a target, as small as possible.

    A LIMIT is left out if a lever before it, which holds from a later day on, reaches a target with no more. If no
    single change is sufficient, yield the fewest changes that are sufficient together.
    """

    def works(changes: Sequence[Adjustment]) -> bool:
        return is_reached(vary(changes), targets, clock)

    suffices = threads.map(lambda lever: works([lever.moved(lever.notches)]), levers)
    alone = [lever for lever, enough in zip(levers, suffices, strict=True) if enough]
    sufficient: dict[str, float] = {}
    for way in threads.map(lambda lever: _least([lever], targets, works, vary), alone):
        lever, value = way[0].lever, way[0].value
        if lever.column == LIMIT:
            if value >= sufficient.get(lever.resource, math.inf):
                continue
            sufficient[lever.resource] = value
        yield way
    if not alone and (together := _fewest(levers, works)):
        yield _least(together, targets, works, vary)


Works = Callable[[Sequence[Adjustment]], bool]


def _fewest(levers: Sequence[Lever], works: Works) -> list[Lever]:
    """Return the fewest levers that suffice at their best values; none if not even all of them together suffice."""

    def suffice(chosen: Sequence[Lever]) -> bool:
        return works([lever.moved(lever.notches) for lever in chosen])

    if not suffice(levers):
        return []
    needed = [lever for lever in levers if not suffice([other for other in levers if other is not lever])]
    others = [lever for lever in levers if lever not in needed]
    sets = ([*needed, *more] for size in range(len(others) + 1) for more in itertools.combinations(others, size))
    return next(chosen for chosen in sets if suffice(chosen))


def _least(chosen: Sequence[Lever], targets: Sequence[Target], works: Works, vary: Vary) -> tuple[Adjustment, ...]:
    """Return the smallest changes of these levers that suffice; for the grid, also the latest sufficient day.

    The levers suffice at their best values. They are reduced one after the other. More grid is needed for a milestone,
    or from a day on which a limit falls, or in place of a step of the site: on its day, which makes the step needless,
    or the day before.
    """
    changes = [lever.moved(lever.notches) for lever in chosen]

    def works_with(place: int, change: Adjustment) -> bool:
        return works([*changes[:place], change, *changes[place + 1 :]])

    for place, lever in enumerate(chosen):
        low, high, stride = 0, lever.notches, 1
        while high - low > 1:
            notches = min(low + stride, (low + high) // 2)
            if works_with(place, lever.moved(notches)):
                high = notches
            else:
                low, stride = notches, 2 * stride
        changes[place] = lever.moved(high)
    for place, change in enumerate(changes):
        if change.lever.column == "grid_mw":
            others = vary([*changes[:place], *changes[place + 1 :]])
            asked = {*others.change_day[others.falls].tolist(), *(day for target in targets for day in target.days)}
            delay = others.commissioning_days
            beside = {day - before for day in others.step_ready_day.tolist() for before in (0, 1) if day >= before}
            days = sorted(beside | {day - delay for day in asked if day > delay}, reverse=True)
            later = (replace(change, by_day=day) for day in days)
            changes[place] = next((late for late in later if works_with(place, late)), change)
    return tuple(changes)


def shortfalls(instance: Instance, clock: Clock) -> tuple[Shortfall, ...]:
    """Return what the only site of an Instance lacks to serve, by arithmetic or, if that shows nothing, by solving."""
    return tuple(_by_arithmetic(instance)) or tuple(_by_solving(instance, clock))


def _by_arithmetic(instance: Instance) -> Iterator[Shortfall]:
    """Yield each requirement, queue, floor area and budget that alone falls short on the last day."""
    last, ready = np.array([instance.horizon_day]), instance.compute_ready_day[0]
    if len(instance.option_site):  # the type of shells whose last milestone is the soonest
        ready = instance.option_ready_day[instance.option_ready_day.max(axis=1).argmin()]
    ready = ready + instance.commissioning_days
    required = sources(instance, instance.requirements)
    for m, milestone in enumerate(instance.milestone):
        if instance.hall_capacity_gpus[0] < instance.gpus[m]:
            missing = float(instance.gpus[m] - instance.hall_capacity_gpus[0])
            yield Shortfall("floor area", milestone, missing, "GPUs", float(instance.gpus[m]))
        elif ready[m] > instance.horizon_day:
            day = float(ready[m]) if ready[m] < NEVER else math.inf
            yield Shortfall(QUEUES[instance.compute_queue[0, m]], milestone, day - instance.horizon_day, "days", day)
        for need in required:
            there, needed = float(need.supplied_by(last, m)[0]), float(need.need[0, m])
            if there < need.least[0, m]:
                yield Shortfall(need.name, milestone, needed - there, need.unit, needed)
    least = float(bounds(instance).cost_musd[0])
    if least > instance.most_musd:
        yield Shortfall("budget", "", least - instance.budget_musd, "million USD", least)


def _by_solving(instance: Instance, clock: Clock) -> Iterator[Shortfall]:
    """Yield the missing money if nothing else is missing; otherwise the shortfalls with the least sum of shares.

    Each shortfall counts as a share of its requirement; of the phases of a milestone, the one that lacks most is told.

    Raises
    ------
    OutOfTime
        As Undecided if the solver finds no shortfalls.
    """
    days = to_serve(instance)[0].days
    cost = FixedDays(replace(instance, budget_musd=math.inf), days, clock).cheapest()
    if cost.plan is not None:
        yield Shortfall("budget", "", cost.value - instance.budget_musd, "million USD", cost.value)
        return
    model = fixed(instance, days, SHORTFALL)
    program = program_of(model.problem, model.sizes)
    values = clock.solve(program).values
    if values is None:
        raise Undecided
    units = {one.name: one.unit for one in REQUIREMENTS}
    most = dict[tuple[str, int], float]()
    for (name, s, f), variable in model.slack.items():
        missing, key = float(values[program.place[variable.name]]), (name, model.phases[s][f].milestone)
        if missing > NO_PLAN * model.requirements(s, f)[name]:
            most[key] = max(missing, most.get(key, 0.0))
    for (name, m), missing in most.items():
        yield Shortfall(name, instance.milestone[m], missing, units[name])


def solved(instance: Instance, clock: Clock, threads: ThreadPoolExecutor) -> SiteResult:
    """Solve the only site of an Instance, and return its best plan with its limits, or why it cannot serve.

    Raises
    ------
    OutOfTime
        If the time runs out before there is a plan, or before its limits are known.
    """
    limits = bounds(instance)
    result = SiteResult(instance.site_id[0], Standing.UNDECIDED, limits.day[0], float(limits.cost_musd[0]))
    best = solve_site(instance, clock).best
    if best is None:
        return replace(
            result, standing=Standing.CANNOT_SERVE, cost_bound_musd=math.nan, reason=why_not(instance, clock)
        )
    result = replace(result, best=best, cost_bound_musd=best.cost_bound_musd)
    if not best.proven:
        return result
    saved = days_saved(best, clock, threads.map)
    names = bottlenecks(best, clock, saved)
    return replace(result, standing=Standing.RANKED, limited_by=names, days_saved=saved)


def findings(pool: Pool, s: int, levers: Sequence[Lever], vary: Vary, clock: Clock) -> Findings:
    """Return why a site of a pool does not win: the winner, what the site lacks, and what would have to change.

    For the winner itself, return the next best site. If the time runs out, return what is known by then.

    Parameters
    ----------
    s : int
        Index of the site in the pool.
    """
    ranking = search(pool, clock, top=1)
    if ranking.best is not None and ranking.best.site_id == pool.site_id[s]:
        two = search(pool, clock, top=2)
        others = (result for result in two.results if result.best is not None and result.site_id != pool.site_id[s])
        proven = ranking.outcome is two.outcome is RunOutcome.PROVEN
        return Findings(ranking.best, next(others, None), proven=proven)
    instance = pool.exact(np.array([s]))

    def held(changes: Sequence[Adjustment]) -> Instance:
        # minimum battery power and inertia come from plans, not from the site's table, so its variants lack them
        return replace(vary(changes), min_battery_mw=instance.min_battery_mw, min_inertia_mws=instance.min_inertia_mws)

    with ThreadPoolExecutor() as threads:
        return _behind(instance, ranking, levers, held, clock, threads)


def _behind(
    instance: Instance,
    ranking: Ranking,
    levers: Sequence[Lever],
    vary: Vary,
    clock: Clock,
    threads: ThreadPoolExecutor,
) -> Findings:
    """Return why the only site of an Instance is behind the first of a ranking, or cannot serve."""
    rival, limits = ranking.best, bounds(instance)
    found = Findings(
        SiteResult(instance.site_id[0], Standing.UNDECIDED, limits.day[0], float(limits.cost_musd[0])), rival
    )
    try:
        if ranking.outcome is RunOutcome.LIMIT:
            raise OutOfTime
        found = replace(found, site=solved(instance, clock, threads))
        if found.site.standing is Standing.UNDECIDED:
            raise OutOfTime
        if found.site.best is None or rival is None or rival.best is None:
            found = replace(found, shortfalls=shortfalls(instance, clock))
            targets = to_serve(instance)
        else:
            targets = to_win(instance, rival.best.key, wins_ties=instance.site_id[0] < rival.site_id)
        for change in changes_to(targets, levers, vary, clock, threads):
            found = replace(found, changes=(*found.changes, change))
        if found.site.best is None and not found.changes:
            best = vary([lever.moved(lever.notches) for lever in levers])
            found = replace(found, still_short=shortfalls(best, clock))
    except OutOfTime:
        return replace(found, proven=False)
    return found
