"""Define the base of all records: they are frozen, reject unknown fields, and hold no infinite numbers.

A stored record may have been edited by anyone, so each field has a type with the range that its values can have.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field

from siteopt.equipment import KINDS
from siteopt.instance import NEVER
from siteopt.scenario import CURRENCY, StartDate

FORMAT_VERSION: Literal[2] = 2
"""Version of the stored format. It increases when a field changes; ``migrations.py`` reads the earlier formats."""

MOST = 1e24
"""Largest size of any figure, far beyond any real one."""

Text = Annotated[str, Field(max_length=4_000_000)]
"""Text of the user or of siteopt, such as a setting with a long list."""

Label = Annotated[str, Field(max_length=1000)]
"""Name that may be blank; the checks of the tables allow no longer one."""

Name = Annotated[str, Field(min_length=1, max_length=1000)]
"""Name or id."""

Day = Annotated[int, Field(ge=0, lt=NEVER)]
"""Day after the decision."""

DayDifference = Annotated[int, Field(gt=-NEVER, lt=NEVER)]
"""Days from one day to another; negative if the other one is earlier, or before the decision."""

Count = Annotated[int, Field(ge=0, le=10**12)]
Whole = Annotated[int, Field(ge=-(10**12), le=10**12)]
Usd = Annotated[int, Field(ge=-(10**24), le=10**24)]
Number = Annotated[float, Field(ge=-MOST, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
"""Number that is not negative, such as a power or a time in seconds."""

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]


def _registered(kind: str) -> str:
    if kind not in {one.name for one in KINDS}:
        raise ValueError(f"one of {', '.join(one.name for one in KINDS)}")
    return kind


def _of_every_kind(found: dict[str, Value]) -> dict[str, Value]:
    known = [kind.name for kind in KINDS]
    if not found or not set(found) <= set(known):
        raise ValueError(f"values by kind, each one of {', '.join(known)}")
    some = next(iter(found.values()))
    nothing: Any = (0.0,) * len(some) if isinstance(some, tuple) else 0.0
    return {kind: found.get(kind, nothing) for kind in known}  # an older run knows fewer kinds, and has none of them


KindName = Annotated[str, AfterValidator(_registered), Field(json_schema_extra={"enum": [kind.name for kind in KINDS]})]
"""Name of a kind of equipment."""

Value = TypeVar("Value")
ByKind = Annotated[dict[str, Value], AfterValidator(_of_every_kind)]
"""Value for each kind of equipment; nothing of a kind that is left out."""

Item = TypeVar("Item")
Many = Annotated[tuple[Item, ...], FailFast()]
"""Any number of items; of millions of wrong ones, only the first is reported."""

CurrencyPerUsd = Annotated[float, Field(ge=1e-6, le=1e9)]


class Record(BaseModel):
    """Base class of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunOutcome(StrEnum):
    """Outcome of a run."""

    PROVEN = "proven"
    NO_SITE = "no site can serve"
    LIMIT = "limit reached"


class Standing(StrEnum):
    """Standing of a site in the ranking."""

    CHOSEN = "chosen"
    RANKED = "ranked"
    NOT_RANKED = "not ranked"
    UNDECIDED = "undecided"
    CANNOT_SERVE = "cannot serve"
    EXCLUDED = "excluded"


class Heading(Record):
    """Fields at the beginning of every stored record: the scenario, the version of siteopt, and the outcome."""

    format_version: Literal[2] = FORMAT_VERSION
    siteopt_version: Label
    scenario: Name = Field(description="name of the scenario")
    settings: Many[Text] = Field(description="scenario keys that were changed for this run, as key=value")
    start_date: StartDate = Field(description="day 0, the day of the decision")
    currency: str = Field(
        pattern=CURRENCY, description="ISO 4217 code of the currency in texts; the fields themselves are in US dollars"
    )
    currency_per_usd: CurrencyPerUsd
    outcome: RunOutcome


class InputFile(Record):
    """Input file."""

    path: Text = Field(description="path as written in the scenario")
    sha256: Label
    read_as: Label | None = Field(default=None, description="detected encoding and layout")


class InputWarning(Record):
    """Warning about an unusual value of the input, which is used as it is."""

    code: Label = Field(description="see docs/errors.md")
    file: Text
    row: Count | None
    column: Text
    found: Text
    expected: Text
    longitude: Longitude | None
    latitude: Latitude | None
    message: Text = Field(description="the whole warning in one line of English")
