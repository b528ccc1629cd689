"""Spread the cost of a plan over the calendar: when each part is committed, and when it is paid.

``docs/model.md`` (*Calendar of payments*) has the conventions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from siteopt.equipment import KINDS
from siteopt.instance import Floats, Instance
from siteopt.plan import Plan
from siteopt.record.cash import Cash, CashDay, CashMilestone, CashMonth, next_month
from siteopt.scenario import Scenario


@dataclass(frozen=True)
class Terms:
    """What a calendar of payments needs to know of the offers, besides the Instance.

    Attributes
    ----------
    rent_musd : O, rent of one unit over the whole term, million USD; 0 if it is bought
    lead_days : O, whole days from order to departure
    term_days : float
        Days for which units are rented.
    """

    rent_musd: Floats
    lead_days: Floats
    term_days: float


@dataclass(frozen=True)
class Payment:
    """Payment of a part of the cost: committed on one day, paid on one day or evenly over several.

    Attributes
    ----------
    part : str
        One of :data:`siteopt.record.run.COST_PARTS`.
    musd : float
        Amount, million USD.
    committed_day : int or None
        Day from which it cannot be stopped; None if each day is committed only when it is paid, as energy is.
    first_day : int
    days : float
        Days over which it is paid; 0 if all of it is paid on the first one.
    """

    part: str
    musd: float
    committed_day: int | None
    first_day: int
    days: float = 0.0

    def paid(self, until: Floats) -> Floats:
        """Return what is paid before each of these days begins, million USD."""
        passed = until - self.first_day
        share = passed > 0 if self.days == 0 else np.clip(passed / self.days, 0.0, 1.0)
        return self.musd * np.asarray(share, dtype=np.float64)

    def committed(self, until: Floats) -> Floats:
        """Return what is committed before each of these days begins, million USD."""
        if self.committed_day is None:
            return self.paid(until)
        return self.musd * np.asarray(until > self.committed_day, dtype=np.float64)

    @property
    def last_day(self) -> int:
        """Return the last day on which some of it is paid."""
        return self.first_day + max(0, math.ceil(self.days) - 1)


def terms_of(scenario: Scenario, instance: Instance, offers: pd.DataFrame) -> Terms:
    """Return the terms of the offers of an Instance.

    Parameters
    ----------
    offers : DataFrame
        All offers by offer_id, with money in US dollars.
    """
    mine = offers.loc[list(instance.offer_id)]
    rent = mine["rent_usd_per_month"].astype(float).fillna(0.0)
    return Terms(
        rent_musd=rent.to_numpy(dtype=float) * scenario.project.term_months / 1e6,
        lead_days=np.ceil(mine["lead_days"].to_numpy(dtype=float)),
        term_days=scenario.project.term_days,
    )


def payments(instance: Instance, plan: Plan, terms: Terms) -> Iterator[Payment]:
    """Yield the payments of a plan at the only site of an Instance; their sum is the cost of the plan."""
    handover = int(instance.handover_day[0])
    yield Payment("site", float(instance.site_cost_musd[0]), handover, handover)
    works_days = float(max(0, int(plan.day[-1]) - handover))
    for work, musd in plan.works_musd(instance).items():
        yield Payment(work, musd, handover, handover, works_days)
    for step in np.flatnonzero(plan.step[:, -1]).tolist():
        ready = max(0, int(instance.step_ready_day[step]))
        yield Payment("grid_steps", float(instance.step_cost_musd[step]), 0, ready)
    for o in np.flatnonzero(plan.units[:, -1]).tolist():
        yield from _of_order(instance, o, int(plan.units[o, -1]), terms)
    for name, by_milestone in plan.energy_musd(instance).items():
        for musd, day, days in zip(by_milestone, plan.day, instance.operating_days, strict=True):
            yield Payment(name, float(musd), None, int(day), float(days))
    yield from _of_gpus(instance)


def _of_order(instance: Instance, o: int, units: int, terms: Terms) -> Iterator[Payment]:
    """Yield the payments for the units of an offer: on arrival, and as rent from then on."""
    part, arrives = KINDS[instance.kind[o]].plural, int(instance.arrival_day[0, o])
    order = max(0, arrives - int(instance.transit_days[0, o]) - int(terms.lead_days[o]))
    rent, whole = float(terms.rent_musd[o]), float(instance.unit_cost_musd[0, o])
    yield Payment(part, units * max(0.0, whole - rent), order, arrives)
    yield Payment(part, units * min(rent, whole), order, arrives, terms.term_days)


def _of_gpus(instance: Instance) -> Iterator[Payment]:
    """Yield the payments for the GPUs of the plan: each delivery pays for those of its GPUs that are still needed."""
    delivered = np.minimum(instance.pace.delivered_gpus, instance.gpus[-1])
    new = np.maximum(0, np.diff(delivered, prepend=0))
    for day, gpus in zip(instance.pace.delivery_day.tolist(), new.tolist(), strict=True):
        yield Payment("gpus", instance.gpu_cost_musd * gpus / new.sum(), 0, max(0, day))


def cash_of(scenario: Scenario, instance: Instance, plan: Plan, terms: Terms, parts_usd: Mapping[str, int]) -> Cash:
    """Return the calendar of payments of a plan.

    Parameters
    ----------
    parts_usd : mapping
        Cost of the plan by part, in whole US dollars; the months of the calendar add up to it.
    """
    found = list(payments(instance, plan, terms))
    committing = sorted({0, *(one.committed_day for one in found if one.committed_day is not None)})
    days = [int(day) for day in plan.day]
    months = _months(scenario, max([*days, *committing, *(one.last_day for one in found)]))
    ends = [(month - scenario.project.start_date).days - 1 for month in months[1:]]
    by_month = [_increases(amounts) for amounts in _amounts(found, parts_usd, ends)]
    by_milestone = zip(instance.milestone, _totals(found, parts_usd, days), strict=True)
    peaks = zip(committing, _totals(found, parts_usd, committing), strict=True)
    day, (committed, paid) = max(peaks, key=lambda one: one[1][0] - one[1][1])
    return Cash(
        budget_usd=round(scenario.project.budget_usd),
        months=tuple(
            CashMonth(month=month, committed_usd=new, paid_usd=old)
            for month, new, old in zip(months[:-1], *by_month, strict=True)
        ),
        milestones=tuple(
            CashMilestone(milestone=name, committed_usd=new, paid_usd=old) for name, (new, old) in by_milestone
        ),
        peak=CashDay(day=day, date=scenario.date_of(day), committed_usd=committed, paid_usd=paid),
    )


def _months(scenario: Scenario, last_day: int) -> list[date]:
    """Return the first day of each month from that of the decision to that of a day, and of the month after it."""
    months, end = [scenario.project.start_date.replace(day=1)], scenario.date_of(last_day)
    while months[-1] <= end:
        months.append(next_month(months[-1]))
    return months


ByPart = dict[str, int]


def _amounts(
    found: Sequence[Payment], parts_usd: Mapping[str, int], days: Sequence[int]
) -> tuple[list[ByPart], list[ByPart]]:
    """Return what is committed, and what is paid, by the end of each day: whole US dollars by part of the cost.

    The share of a part is rounded, and not each payment. So amounts never fall, what is paid is never more than what is
    committed, and in the end both are the cost of the part.
    """
    until = np.append(np.array(days, dtype=np.float64) + 1, np.inf)
    committed: list[ByPart] = [{} for _ in days]
    paid: list[ByPart] = [{} for _ in days]
    for part, usd in parts_usd.items():
        mine = [one for one in found if one.part == part and one.musd > 0]
        for amounts, by_day in ((committed, Payment.committed), (paid, Payment.paid)):
            if mine and usd:
                so_far = np.zeros(len(until))
                for one in mine:  # one after the other, and not pairwise, so that no rounded sum falls
                    so_far += by_day(one, until)
                for amount, share in zip(amounts, (so_far / so_far[-1]).tolist(), strict=False):
                    amount[part] = usd if share == 1 else round(share * usd)
    return committed, paid


def _increases(amounts: Iterable[ByPart]) -> Iterator[ByPart]:
    """Yield by how much the amounts of each part rise; parts that do not rise are left out."""
    before: ByPart = {}
    for now in amounts:
        yield {part: usd - before.get(part, 0) for part, usd in now.items() if usd > before.get(part, 0)}
        before = now


def _totals(found: Sequence[Payment], parts_usd: Mapping[str, int], days: Sequence[int]) -> list[tuple[int, int]]:
    """Return what is committed, and what is paid, in all by the end of each day, in whole US dollars."""
    committed, paid = _amounts(found, parts_usd, days)
    return [(sum(new.values()), sum(old.values())) for new, old in zip(committed, paid, strict=True)]
