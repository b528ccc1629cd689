"""Define every column of every table once: its type, unit, bounds and meaning.

Checks, the tables of ``data/README.md`` and the error messages are all made from this module. A column whose
name contains ``usd`` may also be given in the scenario's own currency (``rent_krw_per_month``).
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
    """Machine that drives a generator, and so decides how it responds to a change of its load."""

    DIESEL_ENGINE = "diesel engine"
    GAS_ENGINE = "gas engine"
    AERODERIVATIVE = "aeroderivative turbine"
    INDUSTRIAL_TURBINE = "industrial turbine"
    FUEL_CELL = "fuel cell"


class Condition(StrEnum):
    """State of a hall at handover; ``none`` is a greenfield."""

    READY = "ready"
    SOUND = "sound"
    POOR = "poor"
    NONE = "none"


class Status(StrEnum):
    """Present use of a site."""

    VACANT = "vacant"
    IDLE = "idle"
    OCCUPIED = "occupied"
    GREENFIELD = "greenfield"


class Use(StrEnum):
    """Purpose of a part of a site."""

    HALL = "hall"
    YARD = "yard"


CUT_LETTERS = 10
"""Maximum number of letters of a column's name in a shapefile."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    low, high : float or None
        Plausible range, both ends included. A value outside is a fault.
    required : bool
        Whether a blank is a fault.
    assumable : bool
        Whether the scenario decides about a blank: it fills the blank (``[defaults]``, and ``[energy]`` for the price
        of the grid), or excludes the site.
    default : float or None
        Value that a blank stands for, if the scenario does not decide about it.
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
        """Return the kinds of equipment for which a blank is a fault."""
        return tuple(kind.name for kind in KINDS if self.name in kind.columns)

    @property
    def expected(self) -> str:
        """Return in words what a cell of this column must hold."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type is Type.DATE:
            return "a date such as 2026-12-01"
        if self.type is Type.TEXT:
            return f"text: {self.help}"
        words = "a whole number" if self.type is Type.INTEGER else "a number"
        if self.low is not None and self.high is not None:
            words += f" from {self.low:,.12g} to {self.high:,.12g}"
        return f"{words} ({self.unit})" if self.unit else words


@dataclass(frozen=True)
class Table:
    """One table: its name, the columns that name a row, its columns, and whether its rows have a place on the map."""

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


_CONFIDENCE = _text("confidence", "high, medium, low or estimate")
_SOURCES = _text("sources", "where the row comes from")
_NOTES = _text("notes", "anything else; says which figures are estimates")

CANDIDATES = Table(
    "candidates",
    ("site_id",),
    (
        _text("site_id", "unique id of the site", required=True),
        _text("name", "name of the plant, in any script", required=True),
        _text("country", "ISO 3166 two-letter code"),
        _text("region", "state or province"),
        _text("status", "who uses the site", Status),
        Column("available_from", Type.DATE, "", "first date on which the site can be taken; blank: always"),
        Column("available_until", Type.DATE, "", "last date on which the site can be taken; blank: always"),
        _number("latitude", "degrees", -90, 90, "WGS 84; not needed where the layer has geometry", required=True),
        _number("longitude", "degrees", -180, 180, "WGS 84; not needed where the layer has geometry", required=True),
        _number("grid_mw", "MW", 0, 5000, "firm import available on the day of the keys", assumable=True),
        _number("grid_swing_mw", "MW", 0, 5000, "swing that the grid tolerates at once; blank: a share of grid_mw"),
        _number("access_days", "days", 0, 3650, "from the decision to the keys", assumable=True),
        _number("fitout_m2_per_day", "m2/day", 1, 50_000, "hall made ready a day; blank: by condition"),
        _text("condition", "state of the hall", Condition, assumable=True),
        _number("floor_area_m2", "m2", 0, 5_000_000, "hall", assumable=True),
        _number("yard_area_m2", "m2", 0, 50_000_000, "open ground for trailers", assumable=True),
        _number("gas_mw", "MW thermal", 0, 20_000, "gas connection", assumable=True),
        _number("water_m3_per_day", "m3/day", 0, 1_000_000, "water that may be drawn", assumable=True),
        _number("nox_limit_t_per_year", "t/year", 0, 100_000, "nitrogen oxides allowed; blank: no limit"),
        _number("air_permit_days", "days", 0, 3650, "from the decision until generators may run", assumable=True),
        _number("design_temp_c", "deg C", -40, 60, "summer design air temperature", assumable=True),
        _number("elevation_m", "m", -450, 6000, "height above the sea", assumable=True),
        _number("grid_usd_per_mwh", "USD/MWh", 0, 2000, "energy price of the grid", assumable=True),
        _number("site_cost_usd", "USD", 0, 1e11, "purchase, or lease over the term", assumable=True),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
)

GRID_STEPS = Table(
    "grid_steps",
    ("site_id", "ready_day", "ready_date"),
    (
        _text("site_id", "site in the candidates table", required=True),
        _number("ready_day", "days", 0, 10_000, "day after the decision from which the step can serve"),
        Column("ready_date", Type.DATE, "", "may stand instead of ready_day"),
        _number("grid_mw", "MW", 0, 5000, "the firm import limit rises to this", required=True),
        _number("cost_usd", "USD", 0, 1e10, "what the step costs; blank: nothing", default=0.0),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
    spatial=False,
)

OFFERS = Table(
    "offers",
    ("offer_id",),
    (
        _text("offer_id", "unique id: one kind of unit at one depot", required=True),
        _text("kind", "what it is", [kind.name for kind in KINDS], required=True),
        _text("vendor", "who rents or sells it"),
        _text("model", "type of unit"),
        _text("depot", "yard that the units leave from"),
        _text("fuel", "what a generator burns", Fuel),
        _number("unit_mw", "MW", 0.01, 500, "rating of one unit: electric, and thermal for chillers", required=True),
        _number("energy_mwh", "MWh", 0.01, 5000, "energy of one battery"),
        _number("cop", "MW heat per MW", 0.5, 200, "coefficient of performance at 35 C"),
        _number(
            "approach_c",
            "K",
            -30,
            30,
            "coolest water a tower or dry cooler makes, above the air; blank: compressor chiller",
        ),
        _number("heat_rate_mj_per_kwh", "MJ/kWh", 3.6, 25, "fuel (LHV) per electricity"),
        _number("nox_g_per_kwh", "g/kWh", 0, 30, "nitrogen oxides"),
        _number("step_fraction", "share", 0, 1, "share of rating taken in one load step"),
        _text("machine", "what drives a generator; blank: a diesel or gas engine, by its fuel", Machine),
        _number("ramp_mw_per_min", "MW/min", 0, 1000, "load that one unit takes on beyond its step; blank: by machine"),
        _number("inertia_s", "s", 0, 20, "energy of the shaft over the rating; blank: by machine"),
        _number("response_s", "s", 0.001, 5, "time constant of a battery; blank: 0.1", default=0.1),
        Column("count", Type.INTEGER, "units", "identical units at the depot", 0, 100_000, required=True),
        _number("latitude", "degrees", -90, 90, "of the depot (WGS 84)", required=True),
        _number("longitude", "degrees", -180, 180, "of the depot (WGS 84)", required=True),
        _number("lead_days", "days", 0, 3650, "order to ready for haulage: the planning value", required=True),
        _number("lead_days_high", "days", 0, 3650, "the pessimistic value"),
        _number("install_days", "days", 0, 365, "arrival to ready for one unit", required=True),
        _text("trade", "crews that install it", Trade, required=True),
        _number("crew_days", "crew-days", 0, 5000, "work of one crew to install one unit", required=True),
        _number("footprint_m2", "m2", 0, 50_000, "yard that one unit takes, with clearance", required=True),
        _number("trailers", "trailers", 0, 200, "loads to haul one unit; blank: 1", default=1.0),
        _number("water_m3_per_mwh", "m3/MWh", 0, 20, "water per heat removed; blank: none", default=0.0),
        _number("rent_usd_per_month", "USD/month", 0, 1e8, "rent of one unit; blank: it is bought"),
        _number("purchase_usd", "USD", 0, 1e10, "price of one unit; blank: it is rented"),
        _number("mobilisation_usd", "USD", 0, 1e9, "to set up and take away one unit; blank: nothing", default=0.0),
        _number("temp_derate_per_c", "1/K", 0, 0.2, "rating lost per degree above derate_above_c", default=0.0),
        _number("derate_above_c", "deg C", -40, 60, "blank: 15, the ISO rating point", default=15.0),
        _number("altitude_derate_per_km", "1/km", 0, 1, "rating lost per km above derate_above_m", default=0.0),
        _number("derate_above_m", "m", 0, 6000, "blank: 0", default=0.0),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
)

AREAS = Table(
    "areas",
    ("site_id", "use"),
    (
        _text("site_id", "site in the candidates table", required=True),
        _text("use", "what the polygon is for", Use, required=True),
        _CONFIDENCE,
        _SOURCES,
        _NOTES,
    ),
)

WAVEFORM = Table(
    "waveform",
    ("time_s",),
    (
        _number("time_s", "s", 0, 600, "time from the first sample; samples rise in it", required=True),
        _number("it_share", "share", 0, 1.5, "IT load as a share of its peak", required=True),
        _SOURCES,
        _NOTES,
    ),
    spatial=False,
)

TABLES = (CANDIDATES, GRID_STEPS, OFFERS, AREAS, WAVEFORM)


def uncut(cut: Collection[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Return the known columns that each cut name in a shapefile may stand for.

    Only names that are too long for a shapefile are cut: to their first ten letters. If several names are then alike,
    all but the first are cut to eight letters and numbered, in the order of the columns. If all of these are there,
    each stands for one column; if not, each may stand for any of them.
    """
    alike: dict[str, list[str]] = {}
    for name in known:
        if len(name) > CUT_LETTERS:
            alike.setdefault(name[:CUT_LETTERS], []).append(name)
    meant: dict[str, list[str]] = {}
    for letters, names in alike.items():
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
