"""The scenario: what is asked, as typed objects read from a TOML file."""

from __future__ import annotations

import codecs
import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, nearest
from siteopt.schema import CANDIDATES, Condition, Status

MOST_BYTES = 10 << 20
"""Bytes of a scenario file, far beyond any real one."""

SHOWN = r"^[^\p{C}\p{Zl}\p{Zp}]+$"
"""A name without control characters and marks that nobody sees."""

Text = Annotated[str, Field(max_length=4096)]
Money = Annotated[float, Field(ge=0, le=1e15)]
"""In whatever currency, so the bound is wide."""

BEYOND = 1e30
"""A figure beyond every bound in any currency, which may be too large to be divided by a rate."""

Rate = Annotated[float, Field(gt=0, le=1e9)]
"""Something a day, per MW or per USD."""

Price = Annotated[float, Field(ge=0, le=1e9)]
"""Of a unit of something, in whatever currency."""

Gpus = Annotated[int, Field(gt=0, le=100_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0, le=3650)]
COST = "cost"
TOO_DEEP = "brackets within brackets, hundreds deep"
UTF8_TOML = "a TOML file in UTF-8"
OWN = ("path", "settings")
"""Fields of a Scenario that are no keys of the file: where it lies, and what replaced its keys for this run."""


def slug(name: str) -> str:
    """A milestone's name as part of a field name: ``first run`` as ``first_run``."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


_NAME, _CURRENCY = r"^[\w][\w.-]*$", r"^[A-Z]{3}$"
"""A name that can be one of a folder, and the code of a currency."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)


class Project(_Section):
    """Name, calendar and money. ``horizon_days``: the last day on which a milestone may start."""

    name: str = Field(pattern=_NAME, max_length=80)
    start_date: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 12, 31))]
    currency: str = Field(default="USD", pattern=_CURRENCY)
    currency_per_usd: Annotated[float, Field(ge=1e-6, le=1e9)] = 1.0
    term_months: Annotated[float, Field(ge=0.1, le=1200)]
    budget_usd: Annotated[Money, Field(gt=0)]
    horizon_days: Annotated[int, Field(ge=1, le=3650)] = 1095


class Inputs(_Section):
    """Tables and layers; paths are relative to the scenario file."""

    candidates: Annotated[list[Text], Field(min_length=1)]
    grid_steps: list[Text] = []
    offers: Annotated[list[Text], Field(min_length=1)]
    areas: list[Text] = []


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

    layer: Text
    km: Annotated[float, Field(gt=0, le=20_100)]


class Filter(_Section):
    """Which candidates may be chosen. Empty lists admit all."""

    status: list[Status] = []
    countries: list[str] = []
    regions: list[str] = []
    within: Text | None = None
    away_from: AwayFrom | None = None


class Scenario(_Section):
    """One question to siteopt. Made by :func:`read_scenario`."""

    project: Project
    inputs: Inputs
    workload: Workload
    energy: Energy
    milestones: Annotated[list[Milestone], Field(min_length=1, max_length=100)]
    compute: Compute
    building: Building
    crews: Crews
    supply: Supply
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


def read_scenario(path: str | Path, overrides: Iterable[str] = ()) -> Scenario:
    """Read a scenario from a TOML file.

    Parameters
    ----------
    path : str or Path
        The file.
    overrides : iterable of str
        ``"section.key=value"``, each replacing one key for this run.

    Raises
    ------
    InputError
        With every key that is missing, unknown, or holds a value that cannot be right.
    """
    path = Path(path)
    data = _toml(path)
    settings = tuple(overrides)
    faults = [fault for text in settings if (fault := _override(data, text))]
    faults += [Fault(Code.UNKNOWN_KEY, str(path), None, key, key, "a known key") for key in OWN if key in data]
    if faults:
        raise InputError(faults)
    try:
        return Scenario.model_validate({**_in_usd(data), "path": path, "settings": settings})
    except ValidationError as error:
        each = (one for item in error.errors() for one in _one_by_one(dict(item)))
        raise InputError(_merged(_fault(str(path), one) for one in each)) from None
    except RecursionError:
        raise InputError([Fault(Code.NOT_TOML, str(path), None, "", TOO_DEEP, "a scenario")]) from None


def _toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file."""

    def refused(code: Code, row: int | None, found: str, expected: str) -> InputError:
        return InputError([Fault(code, str(path), row, "", found, expected)])

    try:
        if path.exists() and not path.is_file():
            raise refused(Code.UNREADABLE, None, "a folder, a device or a pipe", "a readable scenario file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        code = Code.NO_FILE if isinstance(error, FileNotFoundError) else Code.UNREADABLE
        raise refused(code, None, getattr(error, "strerror", None) or str(error), "a readable scenario file") from None
    if len(raw) > MOST_BYTES:
        raise refused(Code.TOO_LARGE, None, f"more than {MOST_BYTES:,} bytes", "a scenario")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        found = "UTF-16" if wide else f"byte 0x{raw[error.start]:02x}, which is not UTF-8; CP949 or Windows-1252?"
        row = None if wide else raw.count(b"\n", 0, error.start) + 1
        raise refused(Code.ENCODING, row, found, UTF8_TOML) from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refused(Code.NOT_TOML, None, TOO_DEEP, UTF8_TOML) from None
    except ValueError as error:  # also of a number with thousands of digits
        lines = text.splitlines() or [""]
        place = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
        row = int(place[1]) if place else len(lines) if "end of document" in str(error) else None
        words = str(error).replace(place[0], f", line {place[1]}, column {place[2]}") if place else str(error)
        if not isinstance(error, tomllib.TOMLDecodeError):
            words = "a number of thousands of digits"
        found = lines[min(row, len(lines)) - 1].strip() if row else "what TOML does not allow"
        raise refused(Code.NOT_TOML, row, found, f"TOML ({words})") from None


def _override(data: dict[str, Any], text: str) -> Fault | None:
    """Put ``section.key=value`` into the data; the fault where that cannot be."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or not key.isprintable():
        return Fault(Code.BAD_SETTING, "--set", None, "", text, "section.key=value, such as supply.spare_units=2")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()
    *parents, last = key.strip().split(".")
    target: Any = data
    for part in (*parents, None):
        if isinstance(target, list) and part is not None and _is_entry(part, target):
            target = target[int(part)]
        elif part is not None and isinstance(target, dict):
            target = target.setdefault(part, {})
        elif part is not None:
            return Fault(Code.BAD_SETTING, "--set", None, key, text, "a key of the scenario; lists count from 0")
    if isinstance(target, list) and _is_entry(last, target):
        target[int(last)] = parsed
    elif isinstance(target, dict):
        target[last] = parsed
    else:
        return Fault(Code.BAD_SETTING, "--set", None, key, text, "a key of the scenario; lists count from 0")
    return None


def _is_entry(part: str, entries: list[Any]) -> bool:
    return bool(re.fullmatch("[0-9]{1,9}", part)) and int(part) < len(entries)


def _in_usd(data: dict[str, Any]) -> dict[str, Any]:
    """Money keys in the scenario's own currency (``budget_krw``) turned into US dollars (``budget_usd``)."""
    project = data.get("project")
    if not isinstance(project, dict):
        return data
    code, rate = str(project.get("currency", "USD")).lower(), project.get("currency_per_usd", 1.0)
    if code == "usd" or not isinstance(rate, int | float) or not 0 < rate <= 1e9:
        return data

    def convert(node: Any) -> Any:
        if isinstance(node, list):
            return [convert(item) for item in node]
        if not isinstance(node, dict):
            return node
        return dict(
            (key, value) if usd_name(key, code) in node else _usd_item(key, convert(value), code, rate)
            for key, value in node.items()  # a key in both currencies stays as it is, and so is unknown
        )

    return {key: convert(value) for key, value in data.items()}


def usd_name(name: str, code: str) -> str | None:
    """``rent_krw_per_month`` as ``rent_usd_per_month`` for the code ``krw``; None where it has no such word."""
    words = name.split("_")
    if code not in words or name == "currency_per_usd":
        return None
    return "_".join("usd" if word == code else word for word in words)


def _usd_item(key: str, value: Any, code: str, rate: float) -> tuple[str, Any]:
    name = usd_name(key, code)
    if name is None or isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > BEYOND:
        return (name or key), value
    return name, value / rate


def _rising(key: str, values: list[int]) -> list[str]:
    """What is wrong with values that ought to rise."""
    if any(after <= before for before, after in itertools.pairwise(values)):
        return [f"{key}: values that rise from one entry to the next, not {values}"]
    return []


def _one_by_one(error: dict[str, Any]) -> list[dict[str, Any]]:
    """A pydantic error for each line of what a validator says."""
    if error["type"] != "value_error":
        return [error]
    return [{**error, "msg": line} for line in str(error["msg"]).splitlines()]


def _text_of(value: object) -> str:
    """A key or value as it can be shown."""
    if isinstance(value, dict):
        return "this section"
    try:
        text = str(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if text.isprintable() else ascii(text)[1:-1]


_PATTERNS = {
    _NAME: "letters, digits, '_', '.' and '-', a letter or digit first",
    _CURRENCY: "three capitals, such as KRW",
    SHOWN: "letters that show, without control characters and line breaks",
}
"""What a pattern asks for."""

_EXPECTED = {
    "date_from_datetime_parsing": "a date, such as 2026-12-01",
    "date_parsing": "a date, such as 2026-12-01",
    "date_type": "a date, such as 2026-12-01",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list, in square brackets",
    "model_type": "a section",
    "string_too_short": "text",
    "string_type": "text, between quotes",
    "too_short": "a list of at least one",
}
"""What is expected where pydantic finds an error of a type, in words that do not change with its version."""


def _expected(error: Mapping[str, Any]) -> str:
    if error["type"] == "string_pattern_mismatch":
        return _PATTERNS[error["ctx"]["pattern"]]
    if error["type"] == "string_too_long":
        return f"at most {error['ctx']['max_length']} letters"
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return _EXPECTED.get(error["type"], message)


def _fault(file: str, error: Mapping[str, Any]) -> Fault:
    """A pydantic error as a fault in the user's words."""
    place = [_text_of(part)[:80] for part in error["loc"]]
    key = ".".join(place)
    if error["type"] == "missing":
        return Fault(Code.NO_KEY, file, None, key, "nothing", "this key")
    if error["type"] == "extra_forbidden":
        known = _keys_at(place[:-1])
        return Fault(Code.UNKNOWN_KEY, file, None, key, place[-1], "a known key" + nearest(place[-1], known))
    while len(place) > 1 and not place[-1].isdigit() and place[-1] not in _keys_at(place[:-1]):
        place.pop()  # pydantic names the alternative of a union after the key
    key = ".".join(place)
    message = _expected(error)
    if error["type"] == "value_error" and ": " in message:
        named, message = message.split(": ", 1)
        key = ".".join(part for part in (key, named) if part)
        return Fault(Code.BAD_VALUE, file, None, key, "this scenario", message)
    return Fault(Code.BAD_VALUE, file, None, key, _text_of(error["input"])[:1000], message)


def _merged(faults: Iterable[Fault]) -> list[Fault]:
    """One fault a key: what may stand there instead is joined with "or"; a key that is misspelt is not missing, too."""
    merged: dict[str, Fault] = {}
    faults = list(faults)
    misspelt = {
        fault.column.removesuffix(fault.found) + fault.expected.split("'")[1]
        for fault in faults
        if fault.code is Code.UNKNOWN_KEY and "'" in fault.expected
    }
    faults = [fault for fault in faults if fault.code is not Code.NO_KEY or fault.column not in misspelt]
    for fault in faults:
        before = merged.get(fault.column)
        expected = f"{before.expected}, or {fault.expected}" if before else fault.expected
        merged[fault.column] = replace(fault, expected=expected)
    return list(merged.values())


def _keys_at(place: list[str]) -> list[str]:
    """The known keys of the section at a place."""
    model: Any = Scenario
    for part in place:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        arguments = [argument for argument in getattr(annotation, "__args__", ()) if isinstance(argument, type)]
        model = next((kind for kind in (annotation, *arguments) if hasattr(kind, "model_fields")), None)
        if model is None:
            return []
    return [name for name in model.model_fields if name not in OWN]
