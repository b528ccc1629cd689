"""The scenario: what is asked, as typed objects. :mod:`siteopt.scenario_file` reads them from a TOML file."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from siteopt.faults import nearest
from siteopt.schema import CANDIDATES, Condition, Status

SHOWN = r"^[^\p{C}\p{Zl}\p{Zp}]+$"
"""A name without control characters and marks that nobody sees."""

NAME, CURRENCY = r"^[\w][\w.-]*$", r"^[A-Z]{3}$"
"""A name that can be one of a folder, and the code of a currency."""

Text = Annotated[str, Field(max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]
"""Of a file."""

Money = Annotated[float, Field(ge=0, le=1e15)]
"""In whatever currency, so the bound is wide."""

Rate = Annotated[float, Field(ge=1e-6, le=1e9)]
"""Something a day, per MW or per USD."""

Price = Annotated[float, Field(ge=0, le=1e9)]
"""Of a unit of something, in whatever currency."""

Gpus = Annotated[int, Field(gt=0, le=100_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0, le=3650)]
COST = "cost"
OWN = ("path", "settings")
"""Fields of a Scenario that are no keys of the file: where it lies, and what replaced its keys for this run."""


def slug(name: str) -> str:
    """A milestone's name as part of a field name: ``first run`` as ``first_run``."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)


class Project(_Section):
    """Name, calendar and money. ``horizon_days``: the last day on which a milestone may start."""

    name: str = Field(pattern=NAME, max_length=80)
    start_date: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 12, 31))]
    currency: str = Field(default="USD", pattern=CURRENCY)
    currency_per_usd: Annotated[float, Field(ge=1e-6, le=1e9)] = 1.0
    term_months: Annotated[float, Field(ge=0.1, le=1200)]
    budget_usd: Annotated[Money, Field(gt=0)]
    horizon_days: Annotated[int, Field(ge=1, le=3650)] = 1095


class Inputs(_Section):
    """Tables and layers; paths are relative to the scenario file."""

    candidates: Annotated[list[Name], Field(min_length=1)]
    grid_steps: list[Name] = []
    offers: Annotated[list[Name], Field(min_length=1)]
    areas: list[Name] = []


class Workload(_Section):
    """The load. ``swing``: share of the IT peak that falls away within a tenth of a second; ``mean_load``: mean
    over peak; ``heat_fraction``: share of the IT heat that chillers remove; ``coolant_c``: water to the racks.
    """

    it_kw_per_gpu: Annotated[float, Field(ge=0.05, le=20)]
    overhead: Annotated[float, Field(ge=0, le=2)]
    swing: Share
    mean_load: Annotated[float, Field(gt=0, le=1)]
    heat_fraction: Annotated[float, Field(ge=0, le=1.5)]
    coolant_c: Annotated[float, Field(ge=5, le=60)]
    gpu_price_usd: Price

    @model_validator(mode="after")
    def _mean_within_swing(self) -> Workload:
        if self.mean_load < 1 - self.swing:
            raise ValueError(f"a mean_load of at least 1 - swing = {1 - self.swing:g}")
        return self


class Energy(_Section):
    """Prices of energy (LHV for fuels)."""

    gas_usd_per_gj: Price
    diesel_usd_per_gj: Price
    grid_usd_per_mwh: Price


class Milestone(_Section):
    """``gpus`` train from the milestone's day on, and for ``hold_days`` at least."""

    name: str = Field(min_length=1, max_length=40, pattern=SHOWN)
    gpus: Gpus
    hold_days: Days


class Delivery(_Section):
    """From ``day`` on, ``gpus`` have been delivered in all."""

    day: Days
    gpus: Gpus


class Compute(_Section):
    """How GPUs arrive, are racked and networked."""

    deliveries: Annotated[list[Delivery], Field(min_length=1, max_length=10_000)]
    install_gpus_per_day: Rate
    network_gpus_per_day: Rate
    network_bringup_days: Days


class FitoutRates(_Section):
    """Hall made ready a day, by the condition of the hall."""

    ready: Rate
    sound: Rate
    poor: Rate
    none: Rate

    def __getitem__(self, condition: str) -> float:
        return float(getattr(self, condition))


class Building(_Section):
    """What the halls take."""

    hall_m2_per_mw: Annotated[float, Field(ge=1, le=1e6)]
    liquid_loop_mw_per_day: Rate
    fitout_m2_per_day: FitoutRates


class Crews(_Section):
    """Crews at work at once."""

    electrical: Annotated[float, Field(ge=0, le=100_000)]
    mechanical: Annotated[float, Field(ge=0, le=100_000)]


class Supply(_Section):
    """How equipment is had, hauled and commissioned."""

    max_fleet_share: Share
    spare_units: Annotated[int, Field(ge=0, le=10)]
    ride_through_minutes: Annotated[float, Field(ge=0, le=10_000)]
    commissioning_days: Days
    circuity: Annotated[float, Field(ge=1, le=3)]
    truck_km_per_day: Annotated[float, Field(ge=1, le=10_000)]
    haulage_usd_per_km: Price
    yard_prep_days: Days


class PowerQuality(_Section):
    """What the electricity must bear. ``class``: of ISO 8528-5, which the plan then has to pass; without it the swings
    are replayed, but nothing is asked. ``swing_period_s``, ``swing_edge_s``: of the routine swing; ``job_step``: share
    of the IT peak that falls away within ``job_stop_s`` when a job stops, and comes within ``job_start_s`` when it
    starts; ``grid_loss``: whether the class must hold on the loss of the grid, too; ``waveform``: a table of a sampled
    IT load.
    """

    iso_class: Literal["G1", "G2", "G3"] | None = Field(default=None, alias="class")
    frequency_hz: Annotated[float, Field(ge=40, le=70)] = 60.0
    swing_period_s: Annotated[float, Field(ge=0.05, le=60)] = 2.0
    swing_edge_s: Annotated[float, Field(ge=0, le=30)] = 0.1
    job_step: Share = 0.8
    job_stop_s: Annotated[float, Field(ge=0, le=600)] = 0.1
    job_start_s: Annotated[float, Field(ge=0, le=600)] = 60.0
    grid_loss: bool = False
    waveform: Name | None = None

    @model_validator(mode="after")
    def _edges_within_period(self) -> PowerQuality:
        if 2 * self.swing_edge_s > self.swing_period_s:
            raise ValueError(f"a swing_edge_s of at most half of swing_period_s, {self.swing_period_s / 2:g}")
        return self


Assumed = float | Literal["exclude"]


class Defaults(_Section):
    """What a blank in the candidates table stands for: a value, or ``"exclude"``.

    ``unknown`` speaks for the columns that are not named here.
    """

    unknown: Literal["exclude"] = "exclude"
    grid_swing_share: Share = 0.0
    grid_mw: Assumed | None = None
    access_days: Assumed | None = None
    condition: Condition | Literal["exclude"] | None = None
    floor_area_m2: Assumed | None = None
    yard_area_m2: Assumed | None = None
    gas_mw: Assumed | None = None
    water_m3_per_day: Assumed | None = None
    air_permit_days: Assumed | None = None
    design_temp_c: Assumed | None = None
    elevation_m: Assumed | None = None
    site_cost_usd: Assumed | None = None

    @model_validator(mode="after")
    def _within_bounds(self) -> Defaults:
        given = ((column, getattr(self, column.name, None)) for column in CANDIDATES)
        wrong = [
            f"{column.name}: {column.expected}"
            for column, value in given
            if isinstance(value, float) and not (column.low or 0) <= value <= (column.high or 0)
        ]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def of(self, column: str) -> float | str | None:
        """The assumed value of a column, or None where its blanks exclude the site."""
        value = getattr(self, column, None)
        return None if value in (None, "exclude") else value


class Objective(_Section):
    """Milestone names and ``"cost"``, the first to be minimised first. Milestones not named follow, before a cost
    that is not named.
    """

    order: list[str] = []


class Baseline(_Section):
    """What somebody else quotes, to compare the last day of ``milestone`` with."""

    name: str = Field(min_length=1, max_length=80, pattern=SHOWN)
    milestone: str
    days_low: Annotated[int, Field(gt=0, le=100_000)]
    days_high: Annotated[int, Field(gt=0, le=100_000)]


class AwayFrom(_Section):
    """Keep a distance from the features of a layer."""

    layer: Name
    km: Annotated[float, Field(gt=0, le=20_100)]


class Filter(_Section):
    """Which candidates may be chosen. Empty lists admit all."""

    status: list[Status] = []
    countries: list[str] = []
    regions: list[str] = []
    within: Name | None = None
    away_from: AwayFrom | None = None


class Scenario(_Section):
    """One question to siteopt. Made by :func:`siteopt.read_scenario`."""

    project: Project
    inputs: Inputs
    workload: Workload
    energy: Energy
    milestones: Annotated[list[Milestone], Field(min_length=1, max_length=100)]
    compute: Compute
    building: Building
    crews: Crews
    supply: Supply
    power_quality: PowerQuality = PowerQuality()
    defaults: Defaults = Defaults()
    objective: Objective = Objective()
    baselines: list[Baseline] = []
    filter: Filter = Filter()
    path: Path = Path("scenario.toml")
    settings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        wrong: list[str] = []
        names = [milestone.name for milestone in self.milestones]
        if len(set(names)) < len(names) or COST in names:
            wrong.append(f"milestones: names that differ from each other and from {COST!r}, not {names}")
        fields = [slug(name) for name in names]
        if len(set(fields)) < len(fields) or "" in fields:
            wrong.append(f"milestones: names that differ in their letters and digits, not {names}")
        wrong += _rising("milestones", [milestone.gpus for milestone in self.milestones])
        wrong += _rising("compute.deliveries", [delivery.gpus for delivery in self.compute.deliveries])
        wrong += _rising("compute.deliveries", [delivery.day for delivery in self.compute.deliveries])
        for name in self.objective.order:
            if name not in (*names, COST):
                wrong.append(f"objective.order: milestone names or {COST!r}, not {name!r}{nearest(name, names)}")
        if len(set(self.objective.order)) < len(self.objective.order):
            wrong.append("objective.order: each name once")
        for baseline in self.baselines:
            if baseline.milestone not in names:
                wrong.append(f"baselines.milestone: one of {names}, not {baseline.milestone!r}")
            if baseline.days_high < baseline.days_low:
                wrong.append("baselines: days_high of at least days_low")
        if self.project.currency == "USD" and self.project.currency_per_usd != 1:
            wrong.append("project.currency_per_usd: 1 where the currency is USD")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """The complete order of the objective: milestone names and ``"cost"``."""
        named = tuple(self.objective.order)
        rest = tuple(milestone.name for milestone in self.milestones if milestone.name not in named)
        if COST in named:
            return named + rest
        return (*named, *rest, COST)

    def resolve(self, path: str) -> Path:
        """A path in the scenario, relative to the scenario file."""
        return self.path.parent / path

    def date_of(self, day: int) -> date:
        """The calendar date of a day after the decision."""
        return self.project.start_date + timedelta(days=day)


def usd_name(name: str, code: str) -> str | None:
    """``rent_krw_per_month`` as ``rent_usd_per_month`` for the code ``krw``; None where it has no such word."""
    words = name.split("_")
    if code not in words or name == "currency_per_usd":
        return None
    return "_".join("usd" if word == code else word for word in words)


def _rising(key: str, values: list[int]) -> list[str]:
    """What is wrong with values that ought to rise."""
    if any(after <= before for before, after in itertools.pairwise(values)):
        return [f"{key}: values that rise from one entry to the next, not {values}"]
    return []
