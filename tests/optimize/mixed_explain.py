"""Hold what ``siteopt explain`` says of random instances against solving again with the changes that it names.

The changes are read from the record, not from the findings, and applied to the arrays of the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from siteopt.findings import LIMIT, Adjustment, Findings, Lever
from siteopt.geodata.variants import _levers_of, _moved
from siteopt.instance import Instance
from siteopt.optimize.clock import Clock
from siteopt.optimize.explain import findings
from siteopt.optimize.search import search
from siteopt.output.explanation import explanation
from siteopt.phases import LIMITED
from siteopt.plan import Ranking
from siteopt.record.base import RunOutcome
from siteopt.record.build_explanation import explanation_record
from siteopt.record.explanation import ChangeRecord, ExplanationRecord
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario
from siteopt.schema import RESOURCE_FIELDS
from tests.optimize import brute_force
from tests.worlds import SCENARIO, write_world

_ARRAYS = {
    "yard_area_m2": ("yard_m2", 1.0),
    "site_cost_usd": ("site_cost_musd", 1e6),
    "own_cooling_mw": ("own_cooling_mw", 1.0),
}
"""Columns of the candidates that are varied: their array in the Instance, and how many of their unit are one of its."""

_SWING_SHARE = 0.1
"""Share of a grid step by which the swing that the grid accepts rises, as in the random instances."""


@cache
def _scenario(milestones: int) -> Scenario:
    more = [f"[[milestones]]\nname = 'm{m}'\ngpus = {10_000 + m}\noperating_days = 30\n" for m in range(1, milestones)]
    with TemporaryDirectory() as folder:
        return read_scenario(write_world(Path(folder), scenario="\n".join([SCENARIO, *more])))


class ArrayVariants:
    """The only site of an Instance, with values that can be varied as those of tables are.

    Attributes
    ----------
    levers : tuple of Lever
    grid : list of (day, MW), limit of the grid at first, and with each of its steps
    """

    def __init__(self, own: Instance) -> None:
        self._own = own
        levels = own.grid_mw[0] + np.cumsum(own.step_rise_mw)
        self.grid = [(0, float(own.grid_mw[0])), *zip(own.step_ready_day.tolist(), levels.tolist(), strict=True)]
        need = float(own.it_mw.max())
        self._windows = {resource: own.windows(field) for resource, field in RESOURCE_FIELDS.items()}
        found = [
            Lever("yard_area_m2", float(own.yard_m2[0]), 40.0, 1.0),
            Lever("site_cost_usd", 1e6 * float(own.site_cost_musd[0]), 0.0, -1e5),
            Lever("own_cooling_mw", float(own.own_cooling_mw[0]), need, need / 8),
            Lever("grid_mw", self.grid[0][1], 3 * need, need / 8),
        ]
        found += [Lever("ready_day", day, 0.0, -1.0, step) for step, day in enumerate(own.step_ready_day.tolist())]
        for resource, windows in self._windows.items():
            found += _levers_of(resource, windows)
        self.levers = tuple(lever for lever in found if np.isfinite(lever.now) and lever.notches > 0)

    def __call__(self, adjustments: Sequence[Adjustment]) -> Instance:
        """Return the Instance with the adjustments."""
        one = self._own
        for change in adjustments:
            column = change.lever.column
            if column in _ARRAYS:
                name, factor = _ARRAYS[column]
                one = replace(one, **{name: np.array([change.value / factor])})
            if column == "ready_day" and change.lever.step is not None:
                days = one.step_ready_day.copy()
                days[change.lever.step] = round(change.value)
                one = replace(one, step_ready_day=np.maximum.accumulate(days))
        for change in adjustments:
            if change.lever.column == "grid_mw":
                one = _with_step(one, change.value, change.by_day)
        windows = {
            RESOURCE_FIELDS[resource]: _moved(own, [one for one in adjustments if one.lever.resource == resource])
            for resource, own in self._windows.items()
        }
        return _with_windows(one, windows)


def _with_step(one: Instance, level: float, day: int) -> Instance:
    """Return the Instance with one more step of the grid, without cost, that need not be commissioned."""
    there = [
        (int(ready), float(mw), float(cost), bool(work))
        for ready, mw, cost, work in zip(
            one.step_ready_day,
            one.grid_mw[0] + np.cumsum(one.step_rise_mw),
            one.step_cost_musd,
            one.step_commissioned_mw,
            strict=True,
        )
    ]
    if level <= max([one.grid_mw[0], *(mw for ready, mw, *_ in there if ready <= day)]):
        return one
    ladder = sorted([step for step in there if step[1] > level or step[0] < day] + [(day, level, 0.0, False)])
    rise = np.diff([one.grid_mw[0], *(mw for _, mw, *_ in ladder)])
    return replace(
        one,
        step_site=np.zeros(len(ladder), dtype=np.int64),
        step_ready_day=np.array([ready for ready, *_ in ladder]),
        step_rise_mw=rise,
        step_rise_swing_mw=_SWING_SHARE * rise,
        step_commissioned_mw=np.where([work for *_, work in ladder], rise, 0.0),
        step_cost_musd=np.array([cost for _, _, cost, _ in ladder]),
    )


def _with_windows(one: Instance, windows: dict[str, Sequence[tuple[int, float]]]) -> Instance:
    """Return the Instance with other limits by calendar day; those of other names stay."""
    windows = {name: one.windows(name) for name in LIMITED} | windows
    days = sorted({day for limits in windows.values() for day, _ in limits})
    levels = np.array([[max((at, mw) for at, mw in windows[name] if at <= day)[1] for name in LIMITED] for day in days])
    return replace(
        one,
        **dict(zip(LIMITED, levels[:1].T, strict=True)),
        change_site=np.zeros(len(days) - 1, dtype=np.int64),
        change_day=np.array(days[1:], dtype=np.int64),
        change_limit=levels[1:],
    )


def recorded(found: Findings, variants: ArrayVariants, milestones: int) -> ExplanationRecord:
    """Return the record of an explanation, in a world that has names and a currency."""
    names = pd.Series({f"s{s}": f"Site {s}" for s in range(3)})
    return explanation_record(_scenario(milestones), names, variants.grid, found, (), "")


def _applied(change: ChangeRecord, variants: ArrayVariants) -> Adjustment:
    """Return what a recorded change says, found again among the levers by all that the record tells of its lever."""
    (lever,) = (
        lever
        for lever in variants.levers
        if (lever.column, lever.resource) == (change.column, change.resource)
        and (change.column == "grid_mw" or round(lever.now, 3) == change.now)
        and (change.column != LIMIT or lever.since == change.by_day)
        and (change.column != "ready_day" or variants.grid[1 + (lever.step or 0)][1] == change.grid_step_mw)
    )
    return Adjustment(lever, change.needed, (change.by_day or 0) if change.column == "grid_mw" else 0)


def wrong(instance: Instance, s: int, ranking: Ranking) -> Iterator[str]:
    """Yield what an explanation of a site says that brute force denies."""
    own = instance.take(np.array([s]))
    vary = ArrayVariants(own)
    found = findings(instance, s, vary.levers, vary, Clock())
    record = recorded(found, vary, instance.milestones)
    best = None if ranking.best is None else ranking.best.best
    key = None if best is None else (tuple(map(int, best.plan.day)), round(best.cost_musd, 5), ranking.best.site_id)
    serves = found.site.best is not None

    def is_enough(changes: Sequence[Adjustment]) -> bool:
        reached = brute_force.best(vary(changes))
        if reached is None or key is None or not serves:
            return reached is not None
        return (reached[0], round(reached[1], 5), own.site_id[0]) < key

    if record.outcome is not RunOutcome.PROVEN:
        yield "it is not proven"
    text = explanation(record)
    if serves != ("To win:" in text) or serves == ("To serve:" in text):
        yield f"the text has another goal: {text}"
    if serves == bool(record.shortfalls):
        yield "it lacks nothing, but cannot serve; or it lacks something, but can"
    if any(short.missing is not None and short.missing <= 0 for short in (*record.shortfalls, *record.still_short)):
        yield "it lacks less than nothing"
    ways = [[_applied(change, vary) for change in way] for way in record.changes]
    for way in ways:
        yield from _wrong_way(way, is_enough)
    yield from _unsaid(vary.levers, ways, is_enough)


IsEnough = Callable[[Sequence[Adjustment]], bool]


def _wrong_way(way: Sequence[Adjustment], is_enough: IsEnough) -> Iterator[str]:
    """Yield why an alternative is not enough, or more than enough by one notch or by one day."""
    if not is_enough(way):
        yield f"not enough: {way}"
    for place, change in enumerate(way):
        beside = [*way[:place], *way[place + 1 :]]
        notches = round((change.value - change.lever.now) / change.lever.notch + 0.49) - 1  # the last may be cut short
        less = replace(change.lever.moved(notches), by_day=change.by_day)
        if is_enough([*beside, less]):
            yield f"one notch less is enough, too: {less} beside {beside}"
        if change.lever.column == "grid_mw" and is_enough([*beside, replace(change, by_day=change.by_day + 1)]):
            yield f"a day later is enough, too: {change} beside {beside}"


def _unsaid(levers: Sequence[Lever], ways: Sequence[Sequence[Adjustment]], is_enough: IsEnough) -> Iterator[str]:
    """Yield levers that are enough at their best and are not named: alone, or together where nothing is said to be."""
    named = [way[0].lever for way in ways if len(way) == 1]
    later = [(lever.resource, lever.since) for lever in named if lever.column == LIMIT]
    for lever in levers:
        from_later = lever.column == LIMIT and any(
            resource == lever.resource and day > lever.since for resource, day in later
        )
        if lever not in named and not from_later and is_enough([lever.moved(lever.notches)]):
            yield f"alone enough, and not said: {lever}"
    if not ways and is_enough([lever.moved(lever.notches) for lever in levers]):
        yield "all changes together are enough, and it says that nothing is"


def explained(instance: Instance) -> Iterator[tuple[int, list[str]]]:
    """Yield each site that is not first, or cannot serve, with what is wrong about its explanation."""
    ranking = search(instance)
    for s, site_id in enumerate(instance.site_id):
        if ranking.best is None or ranking.best.site_id != site_id:
            yield s, list(wrong(instance, s, ranking))
