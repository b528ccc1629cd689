"""Hold every claim of an answer against the reference."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from siteopt.output.translations import Translations
from siteopt.plan import Ranking, SitePlan, SiteResult
from siteopt.record.base import RunOutcome, Standing
from tests.exact.parameters import COST, HAIR, Parameters, Place, Question
from tests.exact.plans import Plan, Row, cost_usd, rows
from tests.exact.reference import OVER_BUDGET_USD, Clock, Site, Unfinished
from tests.exact.worlds import World

STEP_USD = 10
"""Costs are compared in steps of so many US dollars."""

GRACE_USD = 2
"""What a plan must be clear of the edge of a step by, to count against siteopt: twice the gap of its solver."""

DEEP = 50
"""Of so many worlds one is checked without the argument that later days never hurt."""

LOST, WRONG = "lost", "wrong"


@dataclass(frozen=True)
class Finding:
    """One claim that does not hold.

    Attributes
    ----------
    outcome : str
        LOST where a plan exists and none was told, else WRONG.
    claim : str
        Which claim it is, in a word or two.
    site_id : str
    text : str
        What was told, and what is true.
    plan : dict or None
        The plan that shows it: days, units by offer, and grid steps.
    """

    outcome: str
    claim: str
    site_id: str
    text: str
    plan: dict[str, Any] | None = None


class Key(NamedTuple):
    """What the objective compares of a plan: days by milestone, and cost in US dollars."""

    days: tuple[int, ...]
    cost_usd: float

    def ordered(self, question: Question, nudge_usd: float = 0) -> tuple[int, ...]:
        """Return days and steps of cost in the order of the objective, the cost moved by a nudge."""
        steps = round((self.cost_usd + nudge_usd) / STEP_USD)
        return tuple(steps if goal == COST else self.days[goal] for goal in question.order)

    @property
    def no_dearer_usd(self) -> float:
        """The most that a plan may cost and be clearly in the same step, or below."""
        return (round(self.cost_usd / STEP_USD) + 0.5) * STEP_USD - GRACE_USD

    @property
    def cheaper_usd(self) -> float:
        """The most that a plan may cost and be clearly in a lower step."""
        return self.cost_usd - STEP_USD


def _least(best: SitePlan, key: Key) -> Key:
    """Return the key of a plan behind the first at the bound of its cost, if its cost is told as a range."""
    return key if best.is_exact else Key(key.days, best.cost_bound_musd * 1e6)


@dataclass
class Check:
    """Checks the answer to one world.

    Attributes
    ----------
    world : World
    ranking : Ranking
        What siteopt told.
    excluded : collection of str
        Sites that it left out.
    clock : Clock
    findings : list of Finding
    unfinished : list of str
        Claims for which the reference had no time.
    """

    world: World
    ranking: Ranking
    excluded: Collection[str]
    clock: Clock = field(default_factory=lambda: Clock(60))
    findings: list[Finding] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    parameters: Parameters = field(init=False)
    sites: dict[str, Site] = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = Parameters(self.world)
        self.question = self.parameters.question
        self.sites = {place.site_id: Site(place, self.question, self.clock) for place in self.parameters.places}

    @property
    def ranked(self) -> list[tuple[str, SitePlan]]:
        """Sites with a plan, the best first."""
        return [(result.site_id, result.best) for result in self.ranking.results if result.best is not None]

    def run(self) -> list[Finding]:
        """Return every claim that does not hold."""
        self._eligible()
        if self.ranking.outcome is RunOutcome.LIMIT:
            return self.findings
        keys = [self._own_plan(site_id, best) for site_id, best in self.ranked if site_id in self.sites]
        told = [site_id for site_id, _ in self.ranked if site_id in self.sites]
        plans = [best for site_id, best in self.ranked if site_id in self.sites]
        least = [_least(best, key) for best, key in zip(plans, keys, strict=True)]
        for place, (site_id, next_id) in enumerate(itertools.pairwise(told)):
            self._order(site_id, keys[place], next_id, least[place + 1])
        for result in self.ranking.results:
            if result.best is None and result.site_id in self.sites:
                self._unranked(result, keys, told)
        if not all(best.proven for _, best in self.ranked[: self.ranking.top]):
            self._found(WRONG, "outcome", "", "a plan among the first ranks is not proven")
        if (self.ranking.outcome is RunOutcome.PROVEN) != bool(self.ranked):
            self._found(WRONG, "outcome", "", f"told {self.ranking.outcome.value!r} with {len(self.ranked)} ranks")
        if keys:
            self._stages(keys[0])
            self._sees(told[0], keys[0])
        if self.world.seed % DEEP == 0:
            self._deep(dict(zip(told, keys, strict=True)))
        return self.findings

    def told(self) -> list[dict[str, Any]]:
        """Return the plans that siteopt told, the best first."""
        pairs = [(self.sites[site_id].place, best) for site_id, best in self.ranked if site_id in self.sites]
        return [
            readable(place, translated(place, best)[0]) | {"cost_usd": best.cost_musd * 1e6} for place, best in pairs
        ]

    def _found(self, outcome: str, claim: str, site_id: str, text: str, plan: Plan | None = None) -> None:
        shown = readable(self.sites[site_id].place, plan) if plan is not None else None
        self.findings.append(Finding(outcome, claim, site_id, text, shown))

    def _eligible(self) -> None:
        """Check which sites take part, and that each is told of once."""
        told = [result.site_id for result in self.ranking.results]
        left_out = {site["site_id"] for site in self.world.sites} - self.parameters.eligible
        if sorted(told) != sorted(self.parameters.eligible) or self.ranking.eligible != len(told):
            self._found(WRONG, "eligible", "", f"told {sorted(told)}, should be {sorted(self.parameters.eligible)}")
        if set(self.excluded) != left_out:
            self._found(WRONG, "excluded", "", f"told {sorted(self.excluded)}, should be {sorted(left_out)}")

    # A site with a plan

    def _own_plan(self, site_id: str, best: SitePlan) -> Key:
        """Check that a site's plan keeps the rules, costs what is told, and is the best of the site."""
        site = self.sites[site_id]
        plan, demand = translated(site.place, best)
        for name in strangers(site.place, best):
            self._found(WRONG, "rows", site_id, f"{name} cannot be there by the horizon")
        broken = [*broken_rows(site.place, self.question, plan), *demand_rows(site.place, self.question, plan, demand)]
        for row in broken:
            text = f"{row.name} at {row.m}: {float(row.left)!r} > {float(row.right)!r}"
            self._found(WRONG, "rows", site_id, text, plan)
        cost = float(cost_usd(site.place, self.question, plan))
        if abs(cost - best.cost_musd * 1e6) > 1:
            self._found(WRONG, "cost", site_id, f"told {best.cost_musd * 1e6:.2f} USD, costs {cost:.2f}", plan)
        if cost > self.question.budget_usd + OVER_BUDGET_USD:
            self._found(WRONG, "budget", site_id, f"costs {cost:.2f} USD, budget {float(self.question.budget_usd):.2f}")
        key = Key(plan.days, cost)
        if best.proven:
            is_first = best is self.ranked[0][1]
            for claim, better in self._better(site, key if is_first else _least(best, key)):
                text = f"told {self._shown(key)}, possible {self._shown_plan(site, better)}"
                self._found(WRONG, claim, site_id, text, better)
                break
        return key

    def _order(self, site_id: str, key: Key, next_id: str, next_key: Key) -> None:
        """Check that a rank does not come behind the next one."""
        first, second = key.ordered(self.question, -0.01), next_key.ordered(self.question, 0.01)
        if (second, next_id) < (first, site_id):
            self._found(WRONG, "order", site_id, f"{self._shown(key)} stands before {next_id}, {self._shown(next_key)}")

    def _better(self, site: Site, key: Key, first_id: bool = False) -> Iterator[tuple[str, Plan]]:
        """Yield plans of a site that come before a key in the order of the objective, each with what is better.

        Parameters
        ----------
        first_id : bool
            A plan that equals the key comes before it, too.
        """
        limits: dict[int, int] = {}
        limit_usd: float | None = None
        for goal in self.question.order:
            if goal == COST:
                yield from self._asked("cheaper", site, limits, key.cheaper_usd)
                limit_usd = key.no_dearer_usd
            elif isinstance(goal, int):
                yield from self._asked("sooner", site, limits | {goal: key.days[goal] - 1}, limit_usd)
                limits[goal] = key.days[goal]
            if site.too_early(site.latest(limits)):
                return
        if first_id:
            yield from self._asked("equal", site, limits, limit_usd)

    def _asked(
        self, claim: str, site: Site, limits: dict[int, int], limit_usd: float | None
    ) -> Iterator[tuple[str, Plan]]:
        """Yield the plan within these limits, if there is one."""
        try:
            plan = site.plan(site.latest(limits), limit_usd)
        except Unfinished:
            self.unfinished.append(f"{claim} {site.place.site_id}")
            return
        if plan is not None:
            yield claim, plan

    def _stages(self, key: Key) -> None:
        """Check the values that the proof tells, and that no bound lies above its value."""
        names = [COST if goal == COST else self.question.milestones[int(goal)].name for goal in self.question.order]
        values = [key.cost_usd / 1e6 if goal == COST else key.days[int(goal)] for goal in self.question.order]
        stages = self.ranking.stages
        if [stage.goal for stage in stages] != names or any(
            abs(stage.value - value) > 1e-5 for stage, value in zip(stages, values, strict=False)
        ):
            self._found(WRONG, "stages", "", f"told {stages}, the plan has {self._shown(key)}")
        if any(stage.bound > stage.value + 1e-9 * abs(stage.value) for stage in stages):
            self._found(WRONG, "stages", "", f"bounds above values: {stages}")

    def _sees(self, site_id: str, key: Key) -> None:
        """Check the reference itself: it has to find a plan no worse than the one that was told."""
        limits = dict(enumerate(key.days))
        if not list(self._asked("sees", self.sites[site_id], limits, key.cost_usd + GRACE_USD)):
            self.unfinished.append(f"the reference does not see the plan of {site_id}")

    # A site without a plan

    def _unranked(self, result: SiteResult, keys: Sequence[Key], told: Sequence[str]) -> None:
        """Check that a site without a rank cannot have one."""
        site = self.sites[result.site_id]
        if result.standing is not Standing.NOT_RANKED or len(keys) < self.ranking.top:
            for _, plan in self._asked("no plan", site, {}, None):
                outcome = WRONG if self.ranked else LOST
                why = Translations().reason(result.reason) if result.reason is not None else ""
                text = f"told {result.standing.value!r} ({why}), possible {self._shown_plan(site, plan)}"
                self._found(outcome, "cannot serve", result.site_id, text, plan)
            return
        last, last_id = keys[self.ranking.top - 1], told[self.ranking.top - 1]
        for claim, plan in self._better(site, last, first_id=result.site_id < last_id):
            text = f"no rank, last is {last_id} {self._shown(last)}, possible {self._shown_plan(site, plan)} ({claim})"
            self._found(WRONG, "rank", result.site_id, text, plan)
            break

    # Without the argument that later days never hurt

    def _deep(self, keys: dict[str, Key]) -> None:
        """Try every earlier day of every goal, and that no milestone can start before its bound."""
        for site_id, key in keys.items():
            limits: dict[int, int] = {}
            limit_usd: float | None = None
            for goal in self.question.order:
                if isinstance(goal, int):
                    self._no_plan(site_id, goal, key.days[goal], limits, limit_usd, "any day before")
                    limits[goal] = key.days[goal]
                else:
                    limit_usd = key.no_dearer_usd
        for result in self.ranking.results:
            if result.standing is not Standing.CANNOT_SERVE and result.site_id in self.sites:
                for m, day in enumerate(result.bound_day):
                    self._no_plan(result.site_id, m, int(day), {}, None, "bound")

    def _no_plan(
        self, site_id: str, m: int, day: int, limits: dict[int, int], limit_usd: float | None, claim: str
    ) -> None:
        """Check that milestone ``m`` cannot start on any day before."""
        site = self.sites[site_id]
        for sooner in range(day):
            for _, plan in self._asked(claim, site, limits | {m: sooner}, limit_usd):
                text = f"milestone {m} told day {day}, possible {self._shown_plan(site, plan)}"
                self._found(WRONG, claim, site_id, text, plan)
                return

    def _shown(self, key: Key) -> str:
        return f"days {', '.join(map(str, key.days))}, {key.cost_usd:,.2f} USD"

    def _shown_plan(self, site: Site, plan: Plan) -> str:
        return self._shown(Key(plan.days, site.cost_usd(plan)))


def readable(place: Place, plan: Plan) -> dict[str, Any]:
    """Return what a reader needs of a plan: days, units on site by offer, and grid steps in service."""
    units = {offer.offer_id: row for offer, row in zip(place.offers, plan.units, strict=True) if any(row)}
    return {"site_id": place.site_id, "days": plan.days, "units": units, "steps": plan.steps}


def translated(place: Place, best: SitePlan) -> tuple[Plan, tuple[Fraction, ...]]:
    """Return a plan of siteopt as one of the reference, and the peak demand that it tells."""
    told = best.plan
    mine = [best.instance.offer_id.index(offer.offer_id) for offer in place.offers]
    plan = Plan(
        tuple(int(day) for day in told.day),
        tuple(tuple(int(units) for units in told.units[o]) for o in mine),
        tuple(tuple(int(used) for used in told.step[number]) for number in range(len(place.steps))),
        tuple(tuple(Fraction(float(mw)) for mw in told.output_mw[o]) for o in mine),
        tuple(tuple(Fraction(float(mw)) for mw in told.heat_mw[o]) for o in mine),
        tuple(Fraction(float(mw)) for mw in told.import_mw),
    )
    return plan, tuple(Fraction(float(mw)) for mw in told.demand_mw)


def strangers(place: Place, best: SitePlan) -> list[str]:
    """Return the offers and grid steps of a plan that cannot be at the site by the horizon."""
    known = {offer.offer_id for offer in place.offers}
    used = [name for name, units in zip(best.instance.offer_id, best.plan.units, strict=True) if units.any()]
    steps = [
        f"grid step {number}" for number in range(len(place.steps), len(best.plan.step)) if best.plan.step[number].any()
    ]
    return [name for name in used if name not in known] + steps


def broken_rows(place: Place, question: Question, plan: Plan) -> list[Row]:
    """Return the rows that a plan breaks."""
    every = itertools.chain(*(rows(place, question, plan, m) for m in range(len(question.milestones))))
    return [row for row in every if not row.holds]


def demand_rows(place: Place, question: Question, plan: Plan, demand: Sequence[Fraction]) -> list[Row]:
    """Return the milestones whose peak demand is not what load and chillers draw."""
    found = []
    for m, milestone in enumerate(question.milestones):
        draw = sum((offer.draw * heat[m] for offer, heat in zip(place.offers, plan.heat_mw, strict=True)), Fraction(0))
        pair = Row("demand", m, abs(milestone.base_mw + draw - demand[m]), HAIR * max(1, demand[m]))
        found += [] if pair.left <= pair.right else [pair]
    return found
