"""Define the calendar of payments of a plan: what is committed and what is paid in each month, by part of the cost."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import accumulate
from typing import Annotated

from pydantic import Field, model_validator

from siteopt.record.base import Day, Label, Many, Name, Record

Dollars = Annotated[int, Field(ge=0, le=10**24)]
"""Amount in whole US dollars."""


class CashTotal(Record):
    """What has been committed and paid in all by some time."""

    committed_usd: Dollars
    paid_usd: Dollars

    @property
    def unpaid_usd(self) -> int:
        """Return what is committed and not yet paid, in US dollars."""
        return self.committed_usd - self.paid_usd


class CashDay(CashTotal):
    """What has been committed and paid in all by the end of a day."""

    day: Day
    date: date


class CashMilestone(CashTotal):
    """What has been committed and paid in all by the end of the day on which a milestone starts."""

    milestone: Name


class CashMonth(Record):
    """Month of the calendar: what is committed and what is paid in it, by part of the cost."""

    month: date = Field(description="first day of the month")
    committed_usd: dict[Label, Dollars] = Field(description="by part of the cost; parts with nothing are left out")
    paid_usd: dict[Label, Dollars] = Field(description="by part of the cost; parts with nothing are left out")

    @property
    def name(self) -> str:
        """Return the month as ``2024-09``."""
        return f"{self.month:%Y-%m}"


class Cash(Record):
    """Calendar of payments of a plan: every month from that of the decision until everything is paid."""

    budget_usd: Dollars
    months: Many[CashMonth] = Field(min_length=1)
    milestones: Many[CashMilestone]
    peak: CashDay = Field(description="day on which most is committed and not yet paid")

    @model_validator(mode="after")
    def _adds_up(self) -> Cash:
        after = [next_month(one.month) for one in self.months]
        if self.months[0].month.day != 1 or [one.month for one in self.months[1:]] != after[:-1]:
            raise ValueError("one month after the other, each by its first day")
        committed: Counter[str] = Counter()
        paid: Counter[str] = Counter()
        for one in self.months:
            committed.update(one.committed_usd)
            paid.update(one.paid_usd)
            if any(usd > committed[part] for part, usd in paid.items()):
                raise ValueError("nothing that is paid before it is committed")
        if committed != paid:
            raise ValueError("everything that is committed paid in the end")
        totals, rounding = (*self.milestones, self.peak, *self.totals()), len(committed)
        if any(not one.paid_usd <= one.committed_usd <= committed.total() for one in totals):
            raise ValueError("no more paid than committed, and no more committed than in the end")
        if max(one.unpaid_usd for one in totals) > self.peak.unpaid_usd + rounding:
            raise ValueError("a peak on the day on which most is committed and not yet paid")
        return self

    def totals(self) -> Many[CashTotal]:
        """Return what has been committed and paid in all by the end of each month."""
        committed = accumulate(sum(one.committed_usd.values()) for one in self.months)
        paid = accumulate(sum(one.paid_usd.values()) for one in self.months)
        return tuple(CashTotal(committed_usd=one, paid_usd=two) for one, two in zip(committed, paid, strict=True))

    def parts_usd(self) -> dict[str, int]:
        """Return what is paid for each part of the cost in all months, in US dollars; parts with nothing left out."""
        paid: Counter[str] = Counter()
        for one in self.months:
            paid.update(one.paid_usd)
        return {part: usd for part, usd in paid.items() if usd}


def next_month(day: date) -> date:
    """Return the first day of the month after that of a day; raises ValueError after the year 9999."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
