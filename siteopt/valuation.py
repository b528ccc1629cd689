"""Define the value of a day: the section of a scenario, and the formulas of ``docs/model.md``, *The value of a day*."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from siteopt.section import Section

HOURS_A_DAY = 24
DAYS_A_YEAR = 365.25


class Value(Section):
    """What a GPU-hour is worth; without either key, nothing is said of the value of a day.

    ``gpu_hour_usd`` is the price at which a GPU-hour is let or valued. ``gpu_life_years`` are the years over which the
    price of the GPUs is depreciated.
    """

    gpu_hour_usd: Annotated[float, Field(gt=0, le=1e9)] | None = None
    gpu_life_years: Annotated[float, Field(ge=0.1, le=100)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Value:
        if self.gpu_hour_usd is not None and self.gpu_life_years is not None:
            raise ValueError("either gpu_hour_usd or gpu_life_years, not both")
        return self

    def of_gpu_hour_usd(self, gpu_price_usd: float) -> float | None:
        """Return the value of a GPU-hour in USD, for GPUs of this price; None if the scenario does not give it."""
        if self.gpu_life_years is not None:
            return gpu_price_usd / (self.gpu_life_years * DAYS_A_YEAR * HOURS_A_DAY)
        return self.gpu_hour_usd


class Better(StrEnum):
    """Prices of a GPU-hour at which a site is better than the first one."""

    BELOW = "below"
    ABOVE = "above"
    NEVER = "never"
    ALWAYS = "always"


def added_gpus(gpus: Sequence[int]) -> list[int]:
    """Return the GPUs that each milestone adds to the one before it, from the GPUs of the milestones."""
    return [now - before for before, now in pairwise((0, *gpus))]


def day_value_usd(added: int, gpu_hour_usd: float) -> float:
    """Return what one day of a milestone is worth, in USD, if it adds so many GPUs at this value of a GPU-hour."""
    return added * HOURS_A_DAY * gpu_hour_usd


def gpu_days_later(gpus: Sequence[int], days: Sequence[int], first_days: Sequence[int]) -> int:
    """Return the GPU-days by which a plan is later than the first one, all milestones added up; negative if earlier."""
    return sum(added * (day - first) for added, day, first in zip(added_gpus(gpus), days, first_days, strict=True))


def break_even(less_usd: float, later_gpu_days: float) -> tuple[Better, float | None] | None:
    """Return at which prices of a GPU-hour a plan is better than the first one.

    Parameters
    ----------
    less_usd : float
        Cost of the first plan less the cost of this plan, USD.
    later_gpu_days : float
        See :func:`gpu_days_later`.

    Returns
    -------
    tuple of Better and float, or None
        The price in USD at which both plans cost the same, days included; it is None if one of the plans is better at
        every price. None instead of both if the plans do not differ in GPU-days, because then no price matters.
    """
    if later_gpu_days == 0:
        return None
    price = less_usd / (HOURS_A_DAY * later_gpu_days)
    if later_gpu_days > 0:
        return (Better.BELOW, price) if price > 0 else (Better.NEVER, None)
    return (Better.ABOVE, price) if price > 0 else (Better.ALWAYS, None)
