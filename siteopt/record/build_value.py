"""Build the records of the value of a day: what each milestone is worth, break-even prices, the best breakpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from siteopt.parameters import Support
from siteopt.record.pareto_front import FrontPoint
from siteopt.record.run import ListedSite
from siteopt.record.value import BreakEven, DayValue, MilestoneValue
from siteopt.scenario import Scenario, usd_name
from siteopt.tolerances import SAME_COST_MUSD
from siteopt.valuation import added_gpus, break_even, day_value_usd, gpu_days_later

DIGITS = 9
"""Digits of a price after the point, so that rounding does not change any cost by a dollar."""


def day_value(scenario: Scenario) -> DayValue | None:
    """Return what a day of each milestone is worth; None if the scenario gives no value of a GPU-hour."""
    given = scenario.value
    price = given.of_gpu_hour_usd(scenario.workload.gpu_price_usd)
    if price is None:
        return None
    price, added = round(price, DIGITS), added_gpus([one.gpus for one in scenario.milestones])
    return DayValue(
        gpu_hour_usd=price,
        gpu_life_years=given.gpu_life_years,
        is_estimate=_is_estimate(scenario),
        milestones=tuple(
            MilestoneValue(milestone=one.name, added_gpus=gpus, usd_per_day=round(day_value_usd(gpus, price), 2))
            for one, gpus in zip(scenario.milestones, added, strict=True)
        ),
    )


def _is_estimate(scenario: Scenario) -> bool:
    """Return whether the scenario calls the value of a GPU-hour, or a figure that it is made from, an estimate."""
    code = scenario.project.currency.lower()
    used = {"value.gpu_hour_usd"}
    if scenario.value.gpu_life_years is not None:
        used = {"value.gpu_life_years", "workload.gpu_price_usd"}
    named = ((usd_name(one.key, code) or one.key, one.support) for one in scenario.parameters)
    return any(key in used and support is Support.ESTIMATE for key, support in named)


def with_break_evens(listed: Iterable[ListedSite], gpus: Sequence[int]) -> Iterator[ListedSite]:
    """Yield the listed sites in order, each rank behind the first with the prices at which it is better.

    Parameters
    ----------
    gpus : sequence of int
        GPUs of each milestone.
    """
    first: ListedSite | None = None
    for site in listed:
        first = site if site.rank == 1 else first
        later = site.rank is not None and site.rank > 1
        yield site.model_copy(update=_break_evens(first, site, gpus)) if later and first is not None else site


def _break_evens(first: ListedSite, site: ListedSite, gpus: Sequence[int]) -> dict[str, Any]:
    """Return the fields about break-even prices of a rank behind the first."""
    days, first_days = ([one.day for one in each.milestones] for each in (site, first))
    known, first_known = ([day for day in each if day is not None] for each in (days, first_days))
    cost, first_cost = site.cost_usd, first.cost_usd
    if len(known) != len(gpus) or len(first_known) != len(gpus) or cost is None or first_cost is None:
        return {}
    later = gpu_days_later(gpus, known, first_known)
    found = {"break_even": _break_even(first_cost - cost, later)}
    if less := site.may_cost_less_usd:
        found["break_even_bound"] = _break_even(first_cost - (cost - less), later)
    return found


def _break_even(less_usd: int, later: int) -> BreakEven | None:
    same = abs(less_usd) <= 1e6 * SAME_COST_MUSD
    found = break_even(0 if same else less_usd, later)
    if found is None:
        return None
    better, price = found
    return BreakEven(better=better, gpu_hour_usd=round(price, DIGITS) if price is not None else None)


def best_point(points: Sequence[FrontPoint], usd_per_day: float) -> FrontPoint | None:
    """Return the point with the least cost and value of its day together; the earlier one of two that are equal.

    Parameters
    ----------
    usd_per_day : float
        Value of one day of the milestone, USD.
    """
    return min(points, key=lambda one: (one.cost_usd + usd_per_day * one.day, one.day), default=None)
