"""Rules that link the answers to a world and to a changed one: no second solver is asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import siteopt
from siteopt.plan import Ranking
from siteopt.record.base import RunOutcome
from tests.exact.checks import LOST, STEP_USD, WRONG, Finding, Key
from tests.exact.draw_scenario import NO_LIMIT_USD, Row
from tests.exact.draw_sites import MOST
from tests.exact.files import PLAIN, Style, drawn_style, write
from tests.exact.parameters import Parameters
from tests.exact.worlds import World

SECONDS = 300.0
"""Time that siteopt has for one world; no world should need it."""

SMALL = 40
"""Offers times sites times milestones up to which the monolithic method is tried."""

FEW = 12
"""Sites up to which all ranks are asked for."""


def answer(world: World, style: Style = PLAIN, **options: Any) -> tuple[Ranking, set[str]]:
    """Solve a world by siteopt, from its files on; the electrical replay, which decides nothing here, is left out.

    Returns
    -------
    tuple
        The ranking, and the ids of the sites that were left out.
    """
    # a record without the replay would not be valid
    replays = mock.patch("siteopt.run._plan_record", return_value=None), mock.patch("siteopt.run.run_record")
    with tempfile.TemporaryDirectory() as folder, replays[0], replays[1], mock.patch("siteopt.run.timed"):
        path = write(world, Path(folder), style)
        result = siteopt.solve(path, seconds=SECONDS, **{"top": world.top, "workers": 1, **options})
    return result.ranking, set(result.dataset.excluded.index)


@dataclass(frozen=True)
class Rules:
    """The rules for one world.

    Attributes
    ----------
    world : World
    base : Ranking
        The answer to the world as it is.
    r : Random
        What is changed, and how.
    """

    world: World
    base: Ranking
    r: Random

    def findings(self, count: int) -> Iterator[Finding]:
        """Yield what some of the rules find broken."""
        rules: list[Callable[[], Iterator[Finding]]] = [
            self.top,
            self.workers,
            self.method,
            self.style,
            self.objective,
            self.relaxed,
            self.relaxed,
            self.worse_twin,
        ]
        for rule in self.r.sample(rules, count):
            yield from rule()

    def top(self) -> Iterator[Finding]:
        """Check that the first ranks do not depend on how many are asked for."""
        top = self.r.choice([1, 2, min(FEW, len(self.world.sites))])
        ranking, _ = answer(self.world, top=top)
        yield from self.same(f"top {top}", ranking)
        yield from self.same_ranks(f"top {top}", ranking)

    def workers(self) -> Iterator[Finding]:
        """Check that the answer does not depend on the number of threads."""
        ranking, _ = answer(self.world, workers=3)
        yield from self.same("workers", ranking)
        yield from self.same_ranks("workers", ranking)

    def method(self) -> Iterator[Finding]:
        """Check that the monolithic method gives the same days and cost; it may choose another site with these."""
        size = len(self.world.sites) * len(self.world.offers) * len(self.world.scenario["milestones"])
        if size <= SMALL:
            yield from self.same("method", answer(self.world, method="monolithic")[0], same_site=False)

    def style(self) -> Iterator[Finding]:
        """Check that the answer does not depend on the order of rows, on files and formats, or on the currency."""
        style = drawn_style(self.r)
        ranking, _ = answer(self.world, style)
        yield from self.same(f"written as {style}", ranking)
        yield from self.same_ranks(f"written as {style}", ranking)

    def objective(self) -> Iterator[Finding]:
        """Check that the same sites can serve whatever the objective."""
        if len(self.world.sites) > FEW:
            return
        names = [row["name"] for row in self.world.scenario["milestones"]]
        order = self.r.sample(names, len(names))
        sets = []
        for one in (self.world.scenario["objective"]["order"], order if self.r.random() < 0.7 else ["cost", *order]):
            other = self._with("objective", order=one)
            sets.append({result.site_id for result in answer(other, top=len(other.sites))[0].results if result.best})
        if sets[0] != sets[1]:
            yield self._finding("objective", f"with the order {one} these can serve: {sets[1]}, else {sets[0]}")

    def relaxed(self) -> Iterator[Finding]:
        """Check that the answer to a relaxed world is no worse."""
        name = self.r.choice(["grid", "budget", "crews", "count", "horizon", "lead", "site"])
        question = Parameters(self.world).question
        before, after = _key(self.base), _key(answer(self._relaxed(name))[0])
        if before and (after is None or after.ordered(question, -1) > before.ordered(question, 1)):
            yield self._finding(f"relaxed {name}", f"without {before}, with {after}", LOST if after is None else WRONG)

    def worse_twin(self) -> Iterator[Finding]:
        """Check that a twin of the winner that is dearer and later changes nothing."""
        if self.base.best is None:
            return
        winner = next(site for site in self.world.sites if site["site_id"] == self.base.best.site_id)
        cost, days = winner["site_cost_usd"], winner["handover_days"]
        if cost is None or days is None:
            return
        twin = winner | {"site_id": winner["site_id"] + "_z", "site_cost_usd": cost + 1000, "handover_days": days + 1}
        steps = [
            step | {"site_id": twin["site_id"]} for step in self.world.steps if step["site_id"] == winner["site_id"]
        ]
        world = replace(self.world, sites=[*self.world.sites, twin], steps=[*self.world.steps, *steps])
        yield from self.same("worse twin", answer(world)[0])

    def _relaxed(self, name: str) -> World:
        """Return the world with one limit relaxed."""
        world, keys = self.world, self.world.scenario
        more_grid = 0.1 * max(site["grid_mw"] or 0 for site in world.sites) + 0.1
        roomy = world.sites
        for column in ("yard_area_m2", "gas_mw", "water_m3_per_day", "floor_area_m2"):
            roomy = [_more(site, site[column] or 0, column) for site in roomy]
        changed: dict[str, Callable[[], World]] = {
            "budget": lambda: self._with("project", budget_usd=NO_LIMIT_USD),
            "horizon": lambda: self._with("project", horizon_days=keys["project"]["horizon_days"] + 20),
            "crews": lambda: self._with("crews", **{trade: 2 * crews for trade, crews in keys["crews"].items()}),
            "count": lambda: replace(world, offers=[row | {"count": row["count"] + 4} for row in world.offers]),
            "lead": lambda: replace(
                world, offers=[row | {"lead_days": max(0, row["lead_days"] - 7)} for row in world.offers]
            ),
            "grid": lambda: replace(
                world,
                sites=[_more(site, more_grid, "grid_mw") for site in world.sites],
                steps=[_more(step, more_grid, "grid_mw") for step in world.steps],
            ),
            "site": lambda: replace(world, sites=roomy),
        }
        return changed[name]()

    def _with(self, section: str, **keys: Any) -> World:
        scenario = self.world.scenario
        return replace(self.world, scenario=scenario | {section: scenario[section] | keys})

    def same(self, rule: str, other: Ranking, same_site: bool = True) -> Iterator[Finding]:
        """Yield a finding where another answer differs in its days, its cost, or its site."""
        one, two = _key(self.base), _key(other)
        if one is None or two is None:
            if (one is None) != (two is None):
                yield self._finding(rule, f"told {one}, then {two}", LOST)
            return
        sites = [ranking.best.site_id if ranking.best else "" for ranking in (self.base, other)]
        if one.days != two.days or abs(one.cost_usd - two.cost_usd) > STEP_USD or (same_site and sites[0] != sites[1]):
            yield self._finding(rule, f"told {sites[0]} {one}, then {sites[1]} {two}")

    def same_ranks(self, rule: str, other: Ranking) -> Iterator[Finding]:
        """Yield a finding where the ranks that both were asked for differ."""
        ids = [[result.site_id for result in ranking.results if result.best] for ranking in (self.base, other)]
        both = min(self.base.top, other.top)
        if ids[0][:both] != ids[1][:both]:
            yield self._finding(rule, f"ranks {ids[0][:both]}, then {ids[1][:both]}")

    def _finding(self, rule: str, text: str, outcome: str = WRONG) -> Finding:
        return Finding(outcome, f"rule: {rule.split()[0]}", "", f"{rule}: {text}")


def _key(ranking: Ranking) -> Key | None:
    """Return days and cost of the best plan, where there is one."""
    if ranking.plan is None or ranking.outcome is RunOutcome.LIMIT:
        return None
    return Key(tuple(int(day) for day in ranking.plan.plan.day), ranking.plan.cost_musd * 1e6)


def _more(row: Row, more: float, column: str) -> Row:
    """Return the row with more of a limit, as far as the tables allow."""
    return row if row[column] is None else row | {column: min(MOST[column], row[column] + more)}
