"""Define the sections of a scenario about construction: halls, new shells, and crews."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from siteopt.schema import Condition, ShellKind
from siteopt.section import Days, Price, Rate, Section, Share

USUAL_WORKING_DAYS = 5
"""Working days a week that the days and rates of construction are for."""

MOST_SHIFTS = 3

Shifts = Annotated[int, Field(ge=1, le=MOST_SHIFTS)]
"""Number of shifts a day."""

WorkingDays = Annotated[float, Field(ge=1, le=7)]
"""Working days a week."""


class FitoutRates(Section):
    """Area of hall that is made ready each day, m2, by the condition of the hall.

    Without a rate of its own, a gutted hall takes that of new shells, since all within it is new, too.
    """

    ready: Rate
    sound: Rate
    poor: Rate
    gutted: Rate | None = None
    none: Rate

    @property
    def by_condition(self) -> dict[str, float]:
        """Return the rate of each condition."""
        return dict(self) | {"gutted": self.none if self.gutted is None else self.gutted}


class FitoutLags(Section):
    """Days from the handover or the roof until fit-out releases area (power rooms, pipes), by condition of the hall."""

    ready: Days = 0
    sound: Days = 0
    poor: Days = 0
    gutted: Days = 0
    none: Days = 0


class BuildingCosts(Section):
    """What it costs to make a site ready.

    Halls that stand are converted at a price for each m2, by their condition: envelope, slab, stripping, so that they
    are as good as a new shell. A site without a hall has the price of its new shells, or that of ``none`` if its
    buildings stand in a table, or no type of shells is described. Fit-out for racks and the liquid loop have a price
    for each MW of IT, without the units that a plan orders. So have works on the site, by condition, too: yard,
    foundations, trenches and fence at a plant, earthworks, roads and drainage besides where there is no hall.
    """

    ready_usd_per_m2: Price = 0.0
    sound_usd_per_m2: Price = 0.0
    poor_usd_per_m2: Price = 0.0
    gutted_usd_per_m2: Price = 0.0
    none_usd_per_m2: Price = 0.0
    fitout_usd_per_mw: Price = 0.0
    liquid_loop_usd_per_mw: Price = 0.0
    plant_site_works_usd_per_mw: Price = 0.0
    raw_site_works_usd_per_mw: Price = 0.0

    @property
    def usd_per_m2(self) -> dict[str, float]:
        """Return the price of a m2 of hall by the condition in which it is found."""
        return {str(one): getattr(self, f"{one}_usd_per_m2") for one in Condition}

    @property
    def site_works_usd_per_mw(self) -> dict[str, float]:
        """Return the price of the works on the site for a MW of IT, by the condition of its hall."""
        plant, raw = self.plant_site_works_usd_per_mw, self.raw_site_works_usd_per_mw
        return {str(one): raw if one is Condition.NONE else plant for one in Condition}


class Shell(Section):
    """New shells of one type: the area of one, its price, and the days until their roofs.

    The first is begun ``permit_days`` after the handover, and its roof is there ``shell_days`` later. ``parallel`` of
    them are built at a time; ``offset_days`` lie between the beginnings of these. ``fitout_lag_days`` pass from a roof
    until fit-out releases area; if there are none, those of ``[building.fitout_lag_days]`` for ``none``.
    """

    area_m2: Annotated[float, Field(ge=500, le=5_000_000)]
    usd_per_m2: Price = 0.0
    permit_days: Days
    shell_days: Days
    parallel: Annotated[int, Field(ge=1, le=100)] = 1
    offset_days: Days = 0
    fitout_lag_days: Days | None = None


class Building(Section):
    """Area that the halls need, rates at which they are fitted out, and types of new shells for sites without a hall.

    ``site_fitout_m2_per_day`` limits all buildings of a site together; without it there is no limit.

    All days and rates are those of one shift on USUAL_WORKING_DAYS days a week. With more ``shell_shifts`` new shells
    take fewer days. With more ``fitout_shifts`` the lags take fewer days, and all rates of fit-out and of the liquid
    loop rise. ``working_days_per_week`` are those of both, spread evenly over the week. Further shifts do the share of
    the first that ``[crews]`` says.
    """

    hall_m2_per_mw: Annotated[float, Field(ge=1, le=1e6)]
    liquid_loop_mw_per_day: Rate
    fitout_m2_per_day: FitoutRates
    fitout_lag_days: FitoutLags = FitoutLags()
    site_fitout_m2_per_day: Rate | None = None
    shell_shifts: Shifts = 1
    fitout_shifts: Shifts = 1
    working_days_per_week: WorkingDays = USUAL_WORKING_DAYS
    costs: BuildingCosts = BuildingCosts()
    shells: dict[ShellKind, Shell] = {}

    def work_of_shifts(self, shifts: int, crews: Crews) -> float:
        """Return the work that some shifts do a day, as a multiple of what the days and rates are for."""
        return crews.output(shifts) * self.working_days_per_week / USUAL_WORKING_DAYS


CrewNumber = Annotated[float, Field(ge=0, le=100_000)]


class CrewPeriod(Section):
    """Number of crews from a day on."""

    day: Days
    crews: CrewNumber


class Crews(Section):
    """Number of crews that can work at the same time, by trade: a number, or a list of days and numbers.

    ``shifts`` is the number of shifts a day. The second and third shift do the share of the first that their
    productivity says (estimates: 0.9 and 0.8). With ``working_days_per_week``, the work of a week is spread evenly.
    """

    electrical: CrewNumber | Annotated[list[CrewPeriod], Field(min_length=1, max_length=1000)]
    mechanical: CrewNumber | Annotated[list[CrewPeriod], Field(min_length=1, max_length=1000)]
    shifts: Shifts = 1
    second_shift_productivity: Share = 0.9
    third_shift_productivity: Share = 0.8
    working_days_per_week: WorkingDays = 7

    def calendar(self, trade: str) -> list[CrewPeriod]:
        """Return the crews of a trade from each day on; the first entry is for day 0."""
        given = getattr(self, trade)
        if not isinstance(given, list):
            return [CrewPeriod(day=0, crews=given)]
        return given if given[0].day == 0 else [CrewPeriod(day=0, crews=0), *given]

    @property
    def crew_days_per_day(self) -> float:
        """Return the crew-days that one crew does a calendar day."""
        return self.output(self.shifts) * self.working_days_per_week / 7

    def output(self, shifts: int) -> float:
        """Return the work of some shifts a day, as a multiple of that of one."""
        return sum((1.0, self.second_shift_productivity, self.third_shift_productivity)[:shifts])
