"""Define every column of every table once: its type, unit, range and meaning.

The checks, the tables of ``data/README.md`` and the error messages come from this module. A column with ``usd`` in its
name may also be given in the currency of the scenario (``rent_krw_per_month``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from siteopt.equipment import KINDS


class Type(StrEnum):
    """Type as which the text of a cell is read."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "whole number"
    DATE = "date"


class Trade(StrEnum):
    """Trade of the crews that install a unit."""

    ELECTRICAL = "electrical"
    MECHANICAL = "mechanical"


class Fuel(StrEnum):
    """Fuel that a generator burns."""

    GAS = "gas"
    DIESEL = "diesel"


class Machine(StrEnum):
    """Machine that drives a generator; it decides how the generator responds to a change of its load."""

    DIESEL_ENGINE = "diesel engine"
    GAS_ENGINE = "gas engine"
    AERODERIVATIVE = "aeroderivative turbine"
    INDUSTRIAL_TURBINE = "industrial turbine"
    FUEL_CELL = "fuel cell"


class Condition(StrEnum):
    """State of a hall at handover.

    Of a ``gutted`` hall only frame, roof, walls and slab stay, and all within is new: such as a mine for coins.
    ``none`` means a greenfield site without a hall.
    """

    READY = "ready"
    SOUND = "sound"
    POOR = "poor"
    GUTTED = "gutted"
    NONE = "none"


class ShellKind(StrEnum):
    """Type of new shells, which a site without a hall builds."""

    TILT_UP = "tilt_up"
    METAL_BUILDING = "metal_building"
    MEMBRANE = "membrane"
    MULTI_STOREY = "multi_storey"
    MODULAR = "modular"


class Answer(StrEnum):
    """Answer to a question that a column asks."""

    YES = "yes"
    NO = "no"


class Status(StrEnum):
    """Present use of a site."""

    VACANT = "vacant"
    IDLE = "idle"
    OCCUPIED = "occupied"
    GREENFIELD = "greenfield"


class Basis(StrEnum):
    """Evidence for a limit of the grid: what says that the site may import so much."""

    CONTRACT = "contract"
    UTILITY_LETTER = "utility letter"
    TARIFF = "tariff"
    REPORTED = "reported"
    INFERRED = "inferred"
    HISTORIC_CONNECTION = "historic connection"
    GENERATION_EXPORT = "generation export"


class Use(StrEnum):
    """Purpose of a part of a site."""

    HALL = "hall"
    YARD = "yard"


class Resource(StrEnum):
    """What a row of the table of limits limits."""

    GRID = "grid"
    GRID_NONFIRM = "grid_nonfirm"
    GAS = "gas"
    WATER = "water"
    NOX = "nox"
    DISTRIBUTION = "distribution"
    FUEL_TRUCKS = "fuel_trucks"


RESOURCE_UNITS = {
    **dict.fromkeys(Resource, "MW"),
    Resource.WATER: "m3/day",
    Resource.NOX: "t/year",
    Resource.FUEL_TRUCKS: "tankers/day",
}
"""Unit of the limits of each resource; the MW of gas are thermal."""

RESOURCE_FIELDS = {
    Resource.GRID: "grid_mw",
    Resource.GRID_NONFIRM: "nonfirm_mw",
    Resource.DISTRIBUTION: "distribution_mw",
    Resource.GAS: "gas_mw",
    Resource.WATER: "water_m3_per_day",
    Resource.NOX: "nox_t_per_year",
    Resource.FUEL_TRUCKS: "fuel_trucks_per_day",
}
"""Field of the Instance that each resource limits."""


CUT_LETTERS = 10
"""Maximum number of letters of a column's name in a shapefile."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    low, high : float or None
        Plausible range, both ends included. A value outside the range is an error.
    required : bool
        Whether a blank is an error.
    assumable : bool
        Whether the scenario decides about a blank: it fills the blank (``[defaults]``, and ``[energy]`` for the price
        of the grid), or excludes the site.
    default : float or None
        Value that replaces a blank, if the scenario does not decide about it.
    """

    name: str
    type: Type
    unit: str
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    assumable: bool = False
    default: float | None = None

    @property
    def required_for(self) -> tuple[str, ...]:
        """Return the kinds of equipment for which a blank is an error."""
        return tuple(kind.name for kind in KINDS if self.name in kind.columns)

    @property
    def expected(self) -> str:
        """Return a description of what a cell of this column must hold."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type is Type.DATE:
            return "a date such as 2026-12-01"
        if self.type is Type.TEXT:
            return f"text ({self.help})"
        words = "a whole number" if self.type is Type.INTEGER else "a number"
        if self.low is not None and self.high is not None:
            words += f" from {self.low:,.12g} to {self.high:,.12g}"
        return f"{words} ({self.unit})" if self.unit else words


@dataclass(frozen=True)
class Table:
    """One table: its name, its key columns, all its columns, and whether its rows are places on a map."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    spatial: bool = True

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all columns, in the order of the table."""
        return tuple(column.name for column in self.columns)


def _text(name: str, meaning: str, choices: Iterable[str] = (), **more: object) -> Column:
    return Column(name, Type.TEXT, "", meaning, choices=tuple(choices), **more)  # type: ignore[arg-type]


def _number(name: str, unit: str, low: float, high: float, meaning: str, **more: object) -> Column:
    return Column(name, Type.NUMBER, unit, meaning, low, high, **more)  # type: ignore[arg-type]


_PLACE = "place of the site in WGS 84; not needed if the layer has geometry"
_BASIS = _text("basis", "evidence for the right to import grid_mw; blank: reported", Basis)
_RETRIEVED = Column("retrieved", Type.DATE, "", "date on which the sources said so")
_CONFIDENCE = _text("confidence", "how reliable the row is: high, medium, low or estimate")
_SOURCES = _text("sources", "where the figures of the row come from")
_NOTES = _text("notes", "any remarks, such as which figures are estimates")

DEMAND = "demand_usd_per_mw_month"
"""Column of the candidates that is filled with a price of energy, and is 0 beside one that is entered."""

SHARE_OF_GRID = "distribution_mw"
"""Column of the candidates in which a blank stands for a share of ``grid_mw``, if the scenario gives one."""

CANDIDATES = Table(
    "candidates",
    ("site_id",),
    (
        _text("site_id", "a unique id for each site", required=True),
        _text("name", "name of the plant, in any language", required=True),
        _text("country", "two-letter country code (ISO 3166)"),
        _text("region", "state or province"),
        _text("status", "present use of the site", Status),
        Column("available_from", Type.DATE, "", "first date on which the site is available; blank: no limit"),
        Column("available_until", Type.DATE, "", "last date on which the site is available; blank: no limit"),
        _number("latitude", "degrees", -90, 90, _PLACE, required=True),
        _number("longitude", "degrees", -180, 180, _PLACE, required=True),
        _number("grid_mw", "MW", 0, 5000, "firm import available at handover", assumable=True),
        _BASIS,
        _number("grid_swing_mw", "MW", 0, 5000, "largest swing that the grid accepts; blank: a share of grid_mw"),
        _number(
            "distribution_mw",
            "MW",
            0,
            5000,
            "MW that the plant's own switchgear and transformers carry; blank: a share of grid_mw",
        ),
        _number("own_cooling_mw", "MW of heat", 0, 5000, "heat that the site's own towers remove; blank: none"),
        _number("handover_days", "days", 0, 3650, "from the decision to the handover of the site", assumable=True),
        _number("fitout_m2_per_day", "m2/day", 1, 50_000, "area of hall made ready each day; blank: by condition"),
        _text("condition", "state of the hall at handover", Condition, assumable=True),
        _number("floor_area_m2", "m2", 0, 5_000_000, "area of the halls, or for new shells", assumable=True),
        _text("shell_type", "type of the new shells of a site without a hall; blank: the best that exists", ShellKind),
        _number(
            "shell_permit_days", "days", 0, 3650, "from handover until new shells may be begun; blank: by their type"
        ),
        _number("yard_area_m2", "m2", 0, 50_000_000, "open area for trailers and equipment", assumable=True),
        _number("gas_mw", "MW thermal", 0, 20_000, "capacity of the gas connection", assumable=True),
        _number("water_m3_per_day", "m3/day", 0, 1_000_000, "water supply that the site may use", assumable=True),
        _number("nox_limit_t_per_year", "t/year", 0, 100_000, "permitted emission of nitrogen oxides", assumable=True),
        _number("air_permit_days", "days", 0, 3650, "from the decision until generators may run", assumable=True),
        _number("design_temp_c", "deg C", -40, 60, "design air temperature in summer", assumable=True),
        _number("design_wet_bulb_c", "deg C", -40, 40, "design wet-bulb temperature in summer; blank: design_temp_c"),
        _number("elevation_m", "m", -450, 6000, "height above sea level", assumable=True),
        _number("grid_usd_per_mwh", "USD/MWh", 0, 2000, "price of grid energy", assumable=True),
        _number(
            DEMAND,
            "USD/MW-month",
            0,
            1e6,
            "price of the highest import of a month, beside the energy; blank: 0 beside a price of energy",
        ),
        _number(
            "site_cost_usd",
            "USD",
            0,
            1e11,
            "purchase price, or lease over the term, of the site as it is handed over; works come on top",
            assumable=True,
        ),
        _RETRIEVED,
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
)

GRID_STEPS = Table(
    "grid_steps",
    ("site_id", "ready_day", "ready_date"),
    (
        _text("site_id", "site_id of a candidate", required=True),
        _number("ready_day", "days", 0, 10_000, "day after the decision on which the step is ready"),
        Column("ready_date", Type.DATE, "", "date on which the step is ready; use it instead of ready_day"),
        _number("grid_mw", "MW", 0, 5000, "new limit of firm import, not the increase", required=True),
        _number("cost_usd", "USD", 0, 1e10, "cost of the step; blank: 0", default=0.0),
        _BASIS,
        _RETRIEVED,
        _text("live_feed", "whether the step only lifts a feed in service, without commissioning; blank: no", Answer),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
    spatial=False,
)

LIMITS = Table(
    "limits",
    ("site_id", "region", "country", "resource"),
    (
        _text("site_id", "site_id of a candidate; or a region or a country, never two of them"),
        _text("region", "state or province whose sites have no rows of their own for the resource"),
        _text("country", "two-letter code of a country; for sites without rows of their own or of their region"),
        _text("resource", "what is limited", Resource, required=True),
        _number("ready_day", "days", 0, 10_000, "day after the decision from which the limit holds; blank: day 0"),
        Column("ready_date", Type.DATE, "", "date from which the limit holds; use it instead of ready_day"),
        _number(
            "until_day", "days", 0, 20_000, "first day on which the limit no longer holds; blank: it holds for good"
        ),
        Column("until_date", Type.DATE, "", "first date on which it no longer holds; use it instead of until_day"),
        _number(
            "limit",
            "by resource",
            0,
            1_000_000,
            "MW for grid, grid_nonfirm and distribution; MW thermal for gas; m3/day for water; t/year for nox (blank "
            "with a basis: no annual limit); tankers a day for fuel_trucks",
        ),
        _number("cost_usd", "USD", 0, 1e10, "cost of a row that raises the grid for good; blank: 0", default=0.0),
        _text("basis", "right or rule on which the limit rests, such as contract or minor source"),
        Column("retrieved", Type.DATE, "", "date on which the source was read"),
        _SOURCES,
        _NOTES,
        _CONFIDENCE,
    ),
    spatial=False,
)

OFFERS = Table(
    "offers",
    ("offer_id",),
    (
        _text("offer_id", "a unique id for each offer, which is one type of unit at one depot", required=True),
        _text("kind", "kind of equipment", [kind.name for kind in KINDS], required=True),
        _text("vendor", "company that rents or sells the units"),
        _text("model", "type of unit"),
        _text("depot", "place from which the units are hauled"),
        _text("fuel", "fuel of a generator", Fuel),
        _number(
            "unit_mw",
            "MW",
            0.01,
            500,
            "rating of one unit: electric power, heat for a chiller or cdu, or MVA for a condenser",
            required=True,
        ),
        _number("energy_mwh", "MWh", 0.01, 5000, "energy that one battery stores"),
        _number("cop", "MW heat per MW", 0.5, 200, "coefficient of performance at 35 C"),
        _number(
            "approach_c",
            "K",
            -30,
            30,
            "lowest water temperature of a tower (above the wet bulb) or a dry cooler (above the air, without"
            " water_m3_per_mwh); blank: compressor chiller",
        ),
        _number("heat_rate_mj_per_kwh", "MJ/kWh", 3.6, 25, "fuel (LHV) per electrical energy"),
        _number("nox_g_per_kwh", "g/kWh", 0, 30, "emission of nitrogen oxides"),
        _number("own_use_share", "share", 0, 0.3, "share of the output that a generator uses itself", default=0.0),
        _number("step_fraction", "share", 0, 1, "largest load step, as a share of the rating"),
        _text("machine", "machine that drives a generator; blank: a diesel or gas engine, by the fuel", Machine),
        _number("ramp_mw_per_min", "MW/min", 0, 1000, "ramp rate of one unit after its load step; blank: by machine"),
        _number(
            "inertia_s",
            "s",
            0,
            20,
            "inertia constant: rotating energy over the rating; blank: by machine. For a condenser always; for a"
            " grid-forming battery its"
            " virtual inertia, MW s for each MW; blank: the battery is not grid-forming, and follows the load",
        ),
        _number(
            "droop",
            "share",
            0.005,
            0.2,
            "share of the frequency by which it falls from no load to full load, of a generator or a grid-forming"
            " battery; blank: 0.04",
        ),
        _number(
            "overload",
            "share",
            1,
            3,
            "largest power of a grid-forming battery for 2 s, as a share of its rating; blank: 1",
            default=1.0,
        ),
        _number(
            "own_load_share",
            "share",
            0,
            1,
            "what one unit draws all the time, as a share of unit_mw, such as the losses of a condenser; blank: 0",
            default=0.0,
        ),
        _number("response_s", "s", 0.001, 5, "time constant of a battery; blank: 0.1", default=0.1),
        Column("count", Type.INTEGER, "units", "number of identical units at the depot", 0, 100_000, required=True),
        _number("latitude", "degrees", -90, 90, "place of the depot in WGS 84", required=True),
        _number("longitude", "degrees", -180, 180, "place of the depot in WGS 84", required=True),
        _number("lead_days", "days", 0, 3650, "planned days from order to haulage", required=True),
        _number("lead_days_high", "days", 0, 3650, "pessimistic days from order to haulage"),
        _number("install_days", "days", 0, 365, "from arrival until one unit is ready", required=True),
        _text("trade", "trade of the crews that install the units", Trade, required=True),
        _number("crew_days", "crew-days", 0, 5000, "work to install one unit", required=True),
        _number("footprint_m2", "m2", 0, 50_000, "yard area that one unit needs, with clearance", required=True),
        _number("trailers", "trailers", 0, 200, "truckloads to haul one unit; blank: 1", default=1.0),
        _number("water_m3_per_mwh", "m3/MWh", 0, 20, "water used per heat removed; blank: 0", default=0.0),
        _number("rent_usd_per_month", "USD/month", 0, 1e8, "rent of one unit; blank: the unit is bought"),
        _number("purchase_usd", "USD", 0, 1e10, "price of one unit; blank: the unit is rented"),
        _number("mobilisation_usd", "USD", 0, 1e9, "cost to set up and remove one unit; blank: 0", default=0.0),
        _number("temp_derate_per_c", "1/K", 0, 0.2, "rating lost per degree above derate_above_c", default=0.0),
        _number("derate_above_c", "deg C", -40, 60, "full rating up to here; blank: 15 (ISO)", default=15.0),
        _number("altitude_derate_per_km", "1/km", 0, 1, "rating lost per km above derate_above_m", default=0.0),
        _number("derate_above_m", "m", 0, 6000, "full rating up to here; blank: 0", default=0.0),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
)

AREAS = Table(
    "areas",
    ("site_id", "use"),
    (
        _text("site_id", "site_id of a candidate", required=True),
        _text("use", "use of the polygon", Use, required=True),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
)

BUILDINGS = Table(
    "buildings",
    ("site_id", "building_id"),
    (
        _text("site_id", "site_id of a candidate", required=True),
        _text("building_id", "an id for each building of the site", required=True),
        _number("area_m2", "m2", 1, 5_000_000, "area of its halls", required=True),
        _number("roof_day", "days", 0, 10_000, "day after the decision on which its roof is there; blank: handover"),
        Column("roof_date", Type.DATE, "", "date on which its roof is there; use it instead of roof_day"),
        _number("fitout_m2_per_day", "m2/day", 1, 50_000, "area made ready each day; blank: that of the site"),
        _number("hall_m2_per_mw", "m2/MW", 1, 1e6, "area for a MW of IT; blank: that of the scenario"),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
    spatial=False,
)

WAVEFORM = Table(
    "waveform",
    ("time_s",),
    (
        _number("time_s", "s", 0, 600, "time of the sample", required=True),
        _number("it_share", "share", 0, 1.5, "IT load as a share of its peak", required=True),
        _SOURCES,
        _NOTES,
    ),
    spatial=False,
)

TABLES = (CANDIDATES, GRID_STEPS, LIMITS, OFFERS, AREAS, BUILDINGS, WAVEFORM)


def uncut(cut: Collection[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Return the known columns that each cut name in a shapefile can stand for.

    A shapefile cuts long names to their first ten letters. If several cut names are the same, all but the first are cut
    to eight letters and numbered, in the order of the columns. If all these names are present, each stands for one
    column; if not, each can stand for any of them.
    """
    sharing: dict[str, list[str]] = {}
    for name in known:
        if len(name) > CUT_LETTERS:
            sharing.setdefault(name[:CUT_LETTERS], []).append(name)
    meant: dict[str, list[str]] = {}
    for letters, names in sharing.items():
        numbered = [letters, *(f"{letters[: CUT_LETTERS - 2]}_{number}" for number in range(1, len(names)))]
        there = [name for name in numbered if name in cut]
        meant |= {name: [names[place]] if there == numbered else names for place, name in enumerate(there)}
    return meant


def markdown(table: Table) -> str:
    """Return the columns of a table as a Markdown table, for ``data/README.md``."""
    lines = ["| column | unit or type | range | blank | meaning |", "|---|---|---|---|---|"]
    for column in table:
        bounds = f"{column.low:,.12g} to {column.high:,.12g}" if column.low is not None else ", ".join(column.choices)
        lines.append(
            f"| `{column.name}` | {column.unit or column.type.value} | {bounds} | {_blank(column)} | {column.help} |"
        )
    return "\n".join(lines)


def _blank(column: Column) -> str:
    if column.required:
        return "not allowed"
    if column.required_for:
        return "not for a " + ", ".join(column.required_for)
    if column.assumable:
        return "the scenario decides"
    return "allowed"
