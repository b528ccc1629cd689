"""Define the record of capacities: the answer of ``siteopt capacity``, stored as ``capacity.json``."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from siteopt.record.base import (
    Amount,
    Count,
    Heading,
    InputFile,
    InputWarning,
    Label,
    Latitude,
    Longitude,
    Many,
    Name,
    Record,
)
from siteopt.record.pareto_front import FrontCertificate
from siteopt.record.reason import Reason
from siteopt.record.run import Rank
from siteopt.section import Days

Gpus = Annotated[int, Field(ge=0, le=100_000_000)]


class DayCapacity(Record):
    """Most GPUs that can train at a site by a day."""

    day: Days
    date: date
    gpus: Gpus = Field(description="most GPUs for which a plan is known")
    bound_gpus: Gpus = Field(description="no plan has more GPUs; equal to gpus if the capacity is proven")
    it_mw: Amount = Field(description="peak of the IT load of these GPUs")

    @model_validator(mode="after")
    def _is_within_its_bound(self) -> DayCapacity:
        if self.gpus > self.bound_gpus:
            raise ValueError("a bound_gpus of at least gpus")
        return self

    @property
    def proven(self) -> bool:
        """Return whether it is proven that no plan has more GPUs."""
        return self.gpus == self.bound_gpus


class SiteCapacityRecord(Record):
    """Capacity of one site."""

    site_id: Name
    name: Label
    longitude: Longitude
    latitude: Latitude
    rank: Rank | None = Field(description="null behind the first sites, which alone are solved to the end")
    asked: DayCapacity = Field(description="capacity on the day that was asked for")
    curve: Many[DayCapacity] = Field(description="capacity on other days, too; empty for a site without a rank")
    limited_by: Reason | None = Field(description="limits that each allow one GPU more on that day if relaxed")

    @model_validator(mode="after")
    def _is_whole(self) -> SiteCapacityRecord:
        if any(after.day <= before.day for before, after in pairwise(self.curve)):
            raise ValueError("a curve whose days rise")
        if self.rank is None and self.curve:
            raise ValueError("no curve without a rank")
        if self.rank is not None and not (self.asked.gpus and self.asked in self.curve):
            raise ValueError("a rank only if the curve has GPUs on the day that was asked for")
        return self

    def at(self, day: int) -> DayCapacity:
        """Return the capacity on the last day of the curve that is not after this day, or on its first day."""
        return next((one for one in reversed(self.curve) if one.day <= day), self.curve[0])


class CapacityRecord(Heading):
    """Record of the most GPUs that can train by a day, at each site."""

    by_day: Days
    by_date: date
    eligible: Count = Field(description="eligible sites, listed or not")
    iso_class: Label | None = Field(description="class of power quality that the scenario requires; it is not checked")
    sites: Many[SiteCapacityRecord] = Field(description="the first sites in order, then the others by their bounds")
    certificate: FrontCertificate
    inputs: Many[InputFile]
    warnings: Many[InputWarning]

    @model_validator(mode="after")
    def _is_of_one_day(self) -> CapacityRecord:
        if any(site.asked.day != self.by_day for site in self.sites):
            raise ValueError("by_day as the asked day of each site")
        return self

    @property
    def ranked(self) -> Many[SiteCapacityRecord]:
        """Return the sites that are ranked, in order."""
        return tuple(site for site in self.sites if site.rank is not None)

    @property
    def days(self) -> dict[int, date]:
        """Return the days on which a capacity of the curves changes, and the day that was asked for, with dates."""
        found = {self.by_day: self.by_date}
        for site in self.ranked:
            gpus = [0, *(one.gpus for one in site.curve)]
            found |= {one.day: one.date for one, before in zip(site.curve, gpus, strict=False) if one.gpus != before}
        return dict(sorted(found.items()))
