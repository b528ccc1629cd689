"""Define the records of the value of a day, and of the prices at which another site is better."""

from __future__ import annotations

from pydantic import Field, model_validator

from siteopt.record.base import Amount, Count, Many, Name, Record
from siteopt.valuation import Better


class MilestoneValue(Record):
    """Value of one day of a milestone."""

    milestone: Name
    added_gpus: Count = Field(description="GPUs that it adds to the milestone before it")
    usd_per_day: Amount


class DayValue(Record):
    """Value of a day, from a price of a GPU-hour or from depreciation."""

    gpu_hour_usd: Amount = Field(description="price of a GPU-hour, or what a GPU is depreciated in an hour")
    gpu_life_years: Amount | None = Field(description="years of the depreciation; null if the scenario gives a price")
    is_estimate: bool = Field(description="the scenario calls the price, or a figure of the depreciation, an estimate")
    milestones: Many[MilestoneValue] = Field(min_length=1)

    def of(self, milestone: str) -> MilestoneValue | None:
        """Return the value of a day of a milestone; None if there is no such milestone."""
        return next((one for one in self.milestones if one.milestone == milestone), None)


class BreakEven(Record):
    """Prices of a GPU-hour at which a site is better than the first one, with the days of all milestones counted."""

    better: Better = Field(
        description="below or above a price; never: later and no cheaper; always: earlier, no dearer"
    )
    gpu_hour_usd: Amount | None = Field(description="price at which both sites cost the same; null if there is none")

    @model_validator(mode="after")
    def _has_a_price_where_it_matters(self) -> BreakEven:
        if (self.gpu_hour_usd is None) != (self.better in (Better.NEVER, Better.ALWAYS)):
            raise ValueError("a gpu_hour_usd if the site is better below or above it, and else none")
        return self
