"""Define the scenario as typed objects: what to build, with which means, by when.

:mod:`siteopt.scenario_file` reads a scenario from a TOML file.
"""

from __future__ import annotations

import itertools
import math
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from siteopt import aliases
from siteopt.construction import Building, Crews
from siteopt.issues import nearest
from siteopt.parameters import Parameter
from siteopt.schema import CANDIDATES, Basis, Condition, Fuel, Status
from siteopt.section import Days, Price, Rate, Section, Share
from siteopt.valuation import Value

SHOWN = r"^[^\p{C}\p{Zl}\p{Zp}]+$"
"""Pattern of a name without control characters and invisible marks."""

NAME, CURRENCY = r"^[\w][\w.-]*$", r"^[A-Z]{3}$"
"""Pattern of a name that is also a valid folder name, and pattern of a currency code."""

Text = Annotated[str, Field(max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]
"""Name of a file."""

Money = Annotated[float, Field(ge=0, le=1e15)]
"""Amount in any currency; the range is wide because of that."""

Gpus = Annotated[int, Field(gt=0, le=100_000_000)]
StartDate = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 12, 31))]
COST = "cost"
OWN = ("path", "settings", "extended", "parameters")
"""Fields of a Scenario that are not keys of its file: its path, the settings that replaced keys for a run, the files
that it extends, and where each of its values comes from."""

PATHS = (
    *("inputs.candidates", "inputs.grid_steps", "inputs.limits", "inputs.offers", "inputs.areas", "inputs.buildings"),
    *("power_quality.waveform", "filter.within", "filter.away_from.layer"),
)
"""Keys that name files."""


def slug(name: str) -> str:
    """Return a milestone's name as part of a field name: ``first run`` as ``first_run``."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


class Project(Section):
    """Name, calendar and currency. ``horizon_days`` is the last day on which a milestone may start."""

    name: str = Field(pattern=NAME, max_length=80)
    start_date: StartDate
    currency: str = Field(default="USD", pattern=CURRENCY)
    currency_per_usd: Annotated[float, Field(ge=1e-6, le=1e9)] = 1.0
    term_months: Annotated[float, Field(ge=0.1, le=1200)]
    budget_usd: Annotated[Money, Field(gt=0)]
    horizon_days: Annotated[int, Field(ge=1, le=3650)] = 1095

    @property
    def term_days(self) -> float:
        """Return the days of the term of a rent, at 365.25 a year."""
        return self.term_months * 365.25 / 12


class Inputs(Section):
    """Tables and layers. Paths are relative to the scenario file. Frames may replace tables."""

    candidates: list[Name] = []
    grid_steps: list[Name] = []
    limits: list[Name] = []
    offers: list[Name] = []
    areas: list[Name] = []
    buildings: list[Name] = []


class FileInputs(Inputs):
    """Tables and layers of a scenario file; it names at least one table of candidates and one of offers."""

    candidates: Annotated[list[Name], Field(min_length=1)]
    offers: Annotated[list[Name], Field(min_length=1)]


class Workload(Section):
    """Load of the cluster.

    ``load_step_amplitude`` is the share of the IT peak by which the load drops within a tenth of a second (the load
    step amplitude). ``load_factor`` is the load factor, the mean IT load over the IT peak. ``auxiliary_load_fraction``
    is the auxiliary load fraction. ``heat_fraction`` is the share of the IT heat that chillers remove.
    ``tower_heat_fraction`` is the share, besides, that the site's own towers may remove as well as chillers; the towers
    need ``own_cooling_kw_per_mw`` of power and ``own_cooling_m3_per_mwh`` of water for their heat.
    ``liquid_heat_fraction`` is the share of the IT heat that passes through coolant distribution units (CDUs) beside
    the racks; CDUs inside the racks come with the GPUs and do not count. ``coolant_c`` is the temperature of the water
    to the racks, deg C.
    """

    old_names = aliases.KEYS["workload"]
    it_kw_per_gpu: Annotated[float, Field(ge=0.05, le=20)]
    auxiliary_load_fraction: Annotated[float, Field(ge=0, le=2)]
    load_step_amplitude: Share
    load_factor: Annotated[float, Field(gt=0, le=1)]
    heat_fraction: Annotated[float, Field(ge=0, le=1.5)]
    tower_heat_fraction: Annotated[float, Field(ge=0, le=1.5)] = 0.0
    own_cooling_kw_per_mw: Annotated[float, Field(ge=0, le=500)] = 25.0
    own_cooling_m3_per_mwh: Annotated[float, Field(ge=0, le=20)] = 1.8
    liquid_heat_fraction: Annotated[float, Field(ge=0, le=1.5)] = 0.0
    coolant_c: Annotated[float, Field(ge=5, le=60)]
    gpu_price_usd: Price

    @model_validator(mode="after")
    def _mean_within_swing(self) -> Workload:
        if self.load_factor < 1 - self.load_step_amplitude:
            raise ValueError(f"a load_factor of at least {1 - self.load_step_amplitude:g}, which is 1 - swing")
        return self


CO2_KG_PER_GJ = {Fuel.GAS: 56.1, Fuel.DIESEL: 74.1}
"""Carbon dioxide of each fuel, kg per GJ of the lower heating value: defaults for natural gas and gas/diesel oil of the
IPCC guidelines of 2006, volume 2, table 2.2, https://www.ipcc-nggip.iges.or.jp/public/2006gl/vol2.html."""


class Energy(Section):
    """Prices of energy (LHV for fuels), and of a tonne of carbon dioxide that generators on site emit.

    A site without a price of grid energy of its own has ``grid_usd_per_mwh`` and ``demand_usd_per_mw_month``, the price
    of the highest import of each month.
    """

    gas_usd_per_gj: Price
    diesel_usd_per_gj: Price
    grid_usd_per_mwh: Price
    demand_usd_per_mw_month: Price = 0.0
    carbon_usd_per_t: Price = 0.0

    def fuel_usd_per_gj(self, fuel: Fuel) -> float:
        """Return the price of a fuel with the price of its carbon dioxide, USD per GJ (LHV)."""
        price = self.gas_usd_per_gj if fuel is Fuel.GAS else self.diesel_usd_per_gj
        return price + self.carbon_usd_per_t * CO2_KG_PER_GJ[fuel] / 1000


SPEED_EXPONENT = 0.36
"""Power of the power cap to which the speed of a GPU is proportional (estimate): at 70 % of its power, an H100 runs at
about 0.88 of its speed; 0.80 to 0.93 are possible. General knowledge, without a page that confirms it."""


class Milestone(Section):
    """Milestone: ``gpus`` train from its day on, for at least ``operating_days`` (its operating days).

    ``power_cap`` is the share of their power at which the GPUs run; a capped start needs less power and cooling.
    """

    old_names = aliases.KEYS["milestones"]
    name: str = Field(min_length=1, max_length=40, pattern=SHOWN)
    gpus: Gpus
    operating_days: Days
    power_cap: Annotated[float, Field(ge=0.3, le=1)] = 1.0

    @property
    def speed(self) -> float:
        """Return the speed of the GPUs at their power cap, as a share of full speed (an estimate)."""
        return self.power_cap**SPEED_EXPONENT


class Delivery(Section):
    """Delivery: by ``day``, ``gpus`` have been delivered in all."""

    day: Days
    gpus: Gpus


class Compute(Section):
    """Days and rates at which GPUs arrive, are racked and are networked."""

    deliveries: Annotated[list[Delivery], Field(min_length=1, max_length=10_000)]
    install_gpus_per_day: Rate
    network_gpus_per_day: Rate
    network_bringup_days: Days


class Supply(Section):
    """Rules for how equipment is rented, hauled and commissioned.

    ``commissioning_mw_per_day`` is what one team commissions a day: MW of IT, and of each stage of the plant, each with
    its own team; without it there is no limit. ``commissioning_days`` pass once, beside that. Generators that emit more
    than ``max_nox_g_per_kwh`` of nitrogen oxides are not used; without it, all are.
    """

    max_fleet_share: Share
    max_nox_g_per_kwh: Annotated[float, Field(ge=0, le=100)] | None = None
    spare_units: Annotated[int, Field(ge=0, le=10)]
    ride_through_minutes: Annotated[float, Field(ge=0, le=10_000)]
    commissioning_days: Days
    commissioning_mw_per_day: Rate | None = None
    circuity: Annotated[float, Field(ge=1, le=3)]
    truck_km_per_day: Annotated[float, Field(ge=1, le=10_000)]
    haulage_usd_per_km: Price
    yard_prep_days: Days


class Grid(Section):
    """Right to import, and rules for import that the grid may curtail.

    Limits of the grid with a ``basis`` in ``accept`` count as entered, and so do limits that the scenario assumes. The
    others count from ``contract_days`` on, the days after the decision by which a contract can be had; without
    ``contract_days`` they never count. A ``generation export`` never counts.

    With ``accept_nonfirm``, the job may stop while non-firm import is curtailed, so that it counts like firm import.
    Otherwise engines and batteries must carry the mean load meanwhile, batteries for ``curtailment_hours_in_a_row``.
    """

    accept: list[Basis] = [basis for basis in Basis if basis is not Basis.GENERATION_EXPORT]
    contract_days: Days | None = None
    accept_nonfirm: bool = False
    curtailment_hours_in_a_row: Annotated[float, Field(ge=0.1, le=8760)] = 4.0

    @property
    def counted(self) -> frozenset[str]:
        """Return the cells of ``basis`` with which a limit counts at once; a blank one stands for ``reported``."""
        return frozenset([*self.accept, *([""] if Basis.REPORTED in self.accept else [])])

    @model_validator(mode="after")
    def _import_only(self) -> Grid:
        if Basis.GENERATION_EXPORT in self.accept:
            raise ValueError(f"accept: no {str(Basis.GENERATION_EXPORT)!r}, which is no right to import")
        return self


class PowerQuality(Section):
    """Load changes that the plant must withstand, and the power quality that it must keep.

    ``class`` is the class of ISO 8528-5 that the plan must keep; without it, the load changes are replayed, but no
    class is required. ``swing_period_s`` and ``swing_edge_s`` describe the routine swing. ``job_step`` is the share of
    the IT peak that drops within ``job_stop_s`` when a job stops, and returns within ``job_start_s`` when a job starts.
    ``ride_grid_loss`` says whether the job goes on when the grid is lost; otherwise it stops. ``rocof_limit_hz_per_s``
    is the largest rate of change of frequency over 500 ms; without it, it is 1 Hz/s while the grid is connected or with
    turbines above 10 MW, and is not judged on an island of engines. The import may be beyond its limit by
    ``overrun_share`` of the limit for good, and further for ``overrun_s``; it may change by ``ramp_limit_mw_per_min``.
    ``waveform`` names a table of a sampled IT load. ``units_lost_together`` is the number of generators that a fault on
    one bus or step-up transformer takes at once.
    """

    iso_class: Literal["G1", "G2", "G3"] | None = Field(default=None, alias="class")
    frequency_hz: Annotated[float, Field(ge=40, le=70)] = 60.0
    swing_period_s: Annotated[float, Field(ge=0.05, le=60)] = 2.0
    swing_edge_s: Annotated[float, Field(ge=0, le=30)] = 0.1
    job_step: Share = 0.8
    job_stop_s: Annotated[float, Field(ge=0, le=600)] = 0.1
    job_start_s: Annotated[float, Field(ge=0, le=600)] = 60.0
    ride_grid_loss: bool = False
    rocof_limit_hz_per_s: Annotated[float, Field(gt=0, le=100)] | None = None
    overrun_share: Annotated[float, Field(ge=0, le=10)] = 0.05
    overrun_s: Annotated[float, Field(ge=0, le=3600)] = 0.5
    ramp_limit_mw_per_min: Annotated[float, Field(gt=0, le=100_000)] | None = None
    waveform: Name | None = None
    units_lost_together: Annotated[int, Field(ge=1, le=1000)] = 1

    @model_validator(mode="after")
    def _edges_within_period(self) -> PowerQuality:
        if 2 * self.swing_edge_s > self.swing_period_s:
            raise ValueError(f"a swing_edge_s of at most {self.swing_period_s / 2:g}, which is half of swing_period_s")
        return self


Assumed = float | Literal["exclude"]


class Defaults(Section):
    """Values that replace blanks in the candidates table; ``"exclude"`` excludes such a site.

    ``unknown`` applies to the columns without a value here. Without ``nox_limit_t_per_year``, a blank is no limit. With
    ``distribution_share_of_grid``, the peak demand has to be distributed, and a blank ``distribution_mw`` is this share
    of ``grid_mw``; without it, distribution is no limit.
    """

    old_names = aliases.KEYS["defaults"]
    unknown: Literal["exclude"] = "exclude"
    grid_swing_share: Share = 0.0
    distribution_share_of_grid: Annotated[float, Field(ge=0, le=10)] | None = None
    grid_mw: Assumed | None = None
    handover_days: Assumed | None = None
    condition: Condition | Literal["exclude"] | None = None
    floor_area_m2: Assumed | None = None
    yard_area_m2: Assumed | None = None
    gas_mw: Assumed | None = None
    water_m3_per_day: Assumed | None = None
    nox_limit_t_per_year: Assumed | None = None
    air_permit_days: Assumed | None = None
    design_temp_c: Assumed | None = None
    elevation_m: Assumed | None = None
    site_cost_usd: Assumed | None = None

    @model_validator(mode="after")
    def _within_bounds(self) -> Defaults:
        given = ((column, getattr(self, column.name, None)) for column in CANDIDATES)
        wrong = [
            f"{column.name}: {column.expected}, but found {value:,.12g}"
            for column, value in given
            if isinstance(value, float) and not (column.low or 0) <= value <= (column.high or 0)
        ]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def of(self, column: str) -> float | str | None:
        """Return the assumed value of a column; None if a blank excludes the site."""
        value = getattr(self, column)
        return None if value in (None, "exclude") else value


_OF_ENERGY = "grid_usd_per_mwh"
"""Column whose assumed value is in ``[energy]``, not in ``[defaults]``."""

_NO_DEISSUE = [one.name for one in CANDIDATES if one.assumable and one.name not in (*Defaults.model_fields, _OF_ENERGY)]
if _NO_DEISSUE:
    raise TypeError(f"columns that may be assumed, but have no field in Defaults: {', '.join(_NO_DEISSUE)}")


class Objective(Section):
    """Order of the objective: milestone names and ``"cost"``; the first is minimised first.

    Milestones that are not named come next, then cost if it is not named.
    """

    order: list[str] = []


class Baseline(Section):
    """Delivery time quoted by another provider, to compare with the day of ``milestone`` in the plan."""

    name: str = Field(min_length=1, max_length=80, pattern=SHOWN)
    milestone: str
    days_low: Annotated[int, Field(gt=0, le=100_000)]
    days_high: Annotated[int, Field(gt=0, le=100_000)]


class AwayFrom(Section):
    """Minimum distance between a candidate and the features of a layer."""

    layer: Name
    km: Annotated[float, Field(gt=0, le=20_100)]


class Filter(Section):
    """Conditions that a candidate must meet to take part. An empty list admits all candidates."""

    status: list[Status] = []
    condition: list[Condition] = []
    countries: list[str] = []
    regions: list[str] = []
    within: Name | None = None
    away_from: AwayFrom | None = None


class Scenario(Section):
    """Scenario: read from a file by :func:`siteopt.read_scenario`, or made in Python from its sections.

    >>> from siteopt import Scenario
    >>> sorted(name for name, field in Scenario.model_fields.items() if field.is_required())
    ['building', 'compute', 'crews', 'energy', 'milestones', 'project', 'supply', 'workload']
    """

    project: Project
    inputs: Inputs = Inputs()
    workload: Workload
    energy: Energy
    milestones: Annotated[list[Milestone], Field(min_length=1, max_length=100)]
    compute: Compute
    building: Building
    crews: Crews
    supply: Supply
    grid: Grid = Grid()
    power_quality: PowerQuality = PowerQuality()
    defaults: Defaults = Defaults()
    value: Value = Value()
    objective: Objective = Objective()
    baselines: list[Baseline] = []
    filter: Filter = Filter()
    path: Path | None = None
    settings: tuple[str, ...] = ()
    extended: tuple[str, ...] = ()
    parameters: Annotated[tuple[Parameter, ...], Field(repr=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        wrong: list[str] = []
        names = [milestone.name for milestone in self.milestones]
        if len(set(names)) < len(names) or COST in names:
            wrong.append(f"milestones: different names, none of them {COST!r}, but found {', '.join(names)}")
        fields = [slug(name) for name in names]
        if len(set(fields)) < len(fields) or "" in fields:
            wrong.append(f"milestones: names that differ in their letters and digits, but found {', '.join(names)}")
        wrong += _rising("milestones", "gpus", [milestone.gpus for milestone in self.milestones])
        wrong += _rising("compute.deliveries", "gpus", [delivery.gpus for delivery in self.compute.deliveries])
        wrong += _rising("compute.deliveries", "days", [delivery.day for delivery in self.compute.deliveries])
        power = [milestone.gpus * milestone.power_cap for milestone in self.milestones]
        if any(after < before for before, after in itertools.pairwise(power)):
            wrong.append("milestones: power caps with which no milestone needs less power than the one before it")
        for trade in ("electrical", "mechanical"):
            given = getattr(self.crews, trade)
            periods = given if isinstance(given, list) else []
            wrong += _rising(f"crews.{trade}", "days", [period.day for period in periods])
        for name in self.objective.order:
            if name not in (*names, COST):
                wrong.append(f"objective.order: milestone names or {COST!r}, but found {name!r}{nearest(name, names)}")
        if len(set(self.objective.order)) < len(self.objective.order):
            wrong.append("objective.order: each name only once")
        for baseline in self.baselines:
            if baseline.milestone not in names:
                known = f"one of {', '.join(names)}, but found {baseline.milestone!r}"
                wrong.append(f"baselines.milestone: {known}{nearest(baseline.milestone, names)}")
            if baseline.days_high < baseline.days_low:
                wrong.append(f"baselines: a days_high of at least {baseline.days_low}, which is days_low")
        if self.project.currency == "USD" and self.project.currency_per_usd != 1:
            wrong.append("project.currency_per_usd: 1, because the currency is USD")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """Return the complete order of the objective: milestone names and ``"cost"``."""
        named = tuple(self.objective.order)
        rest = tuple(milestone.name for milestone in self.milestones if milestone.name not in named)
        if COST in named:
            return named + rest
        return (*named, *rest, COST)

    @property
    def files(self) -> tuple[str, ...]:
        """Return the tables and layers that the scenario names, as it names them."""
        given, near = self.inputs, self.filter.away_from
        tables = (
            *(*given.candidates, *given.grid_steps, *given.limits),
            *(*given.offers, *given.areas, *given.buildings),
        )
        layers = (self.power_quality.waveform, self.filter.within, near.layer if near is not None else None)
        return (*tables, *(name for name in layers if name is not None))

    def assumed(self, column: str) -> float | str | None:
        """Return the value that replaces a blank in a column of the candidates; None if a blank excludes the site."""
        return self.energy.grid_usd_per_mwh if column == _OF_ENERGY else self.defaults.of(column)

    def resolve(self, path: str) -> Path:
        """Return a path of the scenario, relative to its file, or to the current folder if there is no file."""
        return self.path.parent / path if self.path is not None else Path(path)

    @property
    def calendar_end_day(self) -> int:
        """Return the day on which the calendar ends: the end of the term, or the horizon if that is later."""
        return max(self.project.horizon_days, math.ceil(self.project.term_days))

    def date_of(self, day: int) -> date:
        """Return the calendar date of a day, counted from the decision (day 0)."""
        return self.project.start_date + timedelta(days=day)


class ScenarioFile(Scenario):
    """Scenario that was read from a file."""

    inputs: FileInputs


def usd_name(name: str, code: str) -> str | None:
    """Return ``rent_usd_per_month`` for ``rent_krw_per_month`` and ``krw``; None if the name lacks the code."""
    words = name.split("_")
    if code not in words or name == "currency_per_usd":
        return None
    return "_".join("usd" if word == code else word for word in words)


def _rising(key: str, field: str, values: list[int]) -> list[str]:
    """Return what is wrong with values that must rise; an empty list if they rise."""
    if any(after <= before for before, after in itertools.pairwise(values)):
        return [f"{key}: {field} that rise from entry to entry, but found {', '.join(map(str, values))}"]
    return []
