"""What is interesting about a world and its answer, so that a campaign can say what it has tried."""

from __future__ import annotations

from collections.abc import Iterator

from siteopt.record.base import RunOutcome
from tests.exact.checks import Check, translated
from tests.exact.draw_scenario import NO_LIMIT_USD
from tests.exact.files import Style
from tests.exact.parameters import COST, HAIR
from tests.exact.plans import Plan, rows
from tests.exact.reference import Site, Unfinished

LIMITS = ("gas", "air", "water", "yard", "crews")
"""Rows of the site and the crews that may bind."""


def features(check: Check, style: Style) -> list[str]:
    """Return the names of all features that a world and its answer have."""
    return sorted({*_of_world(check, style), *_of_answer(check)})


def _of_world(check: Check, style: Style) -> Iterator[str]:
    world, question = check.world, check.question
    place = question.order.index(COST)
    yield f"{len(question.milestones)} milestones"
    yield "cost last" if place == len(question.order) - 1 else "cost first" if place == 0 else "cost in the middle"
    yield f"spare units {question.spare_units}"
    if list(question.order) != [*range(len(question.milestones)), COST]:
        yield "order of one's own"
    if len(check.sites) > world.top:
        yield "more sites than ranks"
    if len(world.sites) > len(check.sites):
        yield "sites left out"
    if style.currency != "USD":
        yield "another currency"
    if any(form != "csv" for forms in style.formats.values() for form in forms):
        yield "other formats than CSV"
    if question.budget_usd < NO_LIMIT_USD:
        yield "budget drawn"


def _of_answer(check: Check) -> Iterator[str]:
    ranked = check.ranked
    if check.ranking.outcome is RunOutcome.NO_SITE:
        yield "no site"
    if not ranked:
        return
    yield f"ranks {min(len(ranked), 4)}{' or more' if len(ranked) > 3 else ''}"
    site_id, best = ranked[0]
    if site_id not in check.sites:
        return
    site = check.sites[site_id]
    plan, _ = translated(site.place, best)
    yield from _of_plan(site, plan)
    if len({(best.plan.day.tobytes(), round(best.cost_musd, 5)) for _, best in ranked}) < len(ranked):
        yield "ranks tie"
    if check.question.budget_usd < NO_LIMIT_USD and _budget_binds(site, plan):
        yield "budget binds"


def _of_plan(site: Site, plan: Plan) -> Iterator[str]:
    """Yield what limits the plan of the winner, and what it uses."""
    place, question = site.place, site.question
    if len(set(plan.days)) > 1:
        yield "milestones on different days"
    if any(day > ready for day, ready in zip(plan.days, place.ready_day, strict=True) if ready is not None):
        yield "waits for equipment"
    if any(day == question.horizon_day for day in plan.days):
        yield "starts on the horizon"
    if any(used[-1] for used in plan.steps):
        yield "grid step used"
    for offer, units in zip(place.offers, plan.units, strict=True):
        if units[-1]:
            yield f"uses a {offer.kind}"
        if units[-1] == offer.available_units:
            yield "uses a whole fleet"
    for m in range(len(plan.days)):
        for row in rows(place, question, plan, m):
            if row.name in LIMITS and row.left and row.right - row.left <= _one_unit_more(site, row.name):
                yield f"{row.name} binds"


def _one_unit_more(site: Site, name: str) -> float:
    """Return what the smallest unit takes of a limit; next to nothing where any amount can be taken."""
    column = {"gas": "gas_mw", "yard": "footprint_m2", "crews": "crew_days"}.get(name)
    amounts = [getattr(offer, column) for offer in site.place.offers] if column else []
    return float(min((amount for amount in amounts if amount), default=HAIR * 1000))


def _budget_binds(site: Site, plan: Plan) -> bool:
    """Tell whether some milestone could start a day sooner without a budget."""
    limits: dict[int, int] = {}
    try:
        for goal in site.question.order:
            if goal == COST:
                return False
            if isinstance(goal, int):
                if site.least_cost(site.latest(limits | {goal: plan.days[goal] - 1})) is not None:
                    return True
                limits[goal] = plan.days[goal]
    except Unfinished:
        pass
    return False
