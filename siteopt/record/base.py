"""Define the base of all records: they are frozen, reject unknown fields, and hold no infinite numbers."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION: Literal[2] = 2
"""Version of the stored format. It increases when a field changes; ``migrations.py`` reads the earlier formats."""


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
    siteopt_version: str
    scenario: str = Field(description="name of the scenario")
    settings: tuple[str, ...] = Field(description="scenario keys that were changed for this run, as key=value")
    start_date: date = Field(description="day 0, the day of the decision")
    currency: str = Field(description="ISO 4217 code of the currency in texts; the fields themselves are in US dollars")
    currency_per_usd: float
    outcome: RunOutcome


class InputFile(Record):
    """Input file."""

    path: str = Field(description="path as written in the scenario")
    sha256: str
    read_as: str | None = Field(default=None, description="detected encoding and layout")


class InputWarning(Record):
    """Warning about an unusual value of the input, which is used as it is."""

    code: str = Field(description="see docs/errors.md")
    file: str
    row: int | None
    column: str
    found: str
    expected: str
    longitude: float | None
    latitude: float | None
    message: str = Field(description="the whole warning in one line of English")
