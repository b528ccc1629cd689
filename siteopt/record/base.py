"""Define what all records share: they are frozen, reject unknown fields, and hold no infinite number."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION: Literal[2] = 2
"""Version of the stored format. It counts up when a field changes; ``migrations.py`` reads the earlier formats."""


class Record(BaseModel):
    """Part of what a run says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunOutcome(StrEnum):
    """Outcome of a run."""

    PROVEN = "proven"
    NO_SITE = "no site can serve"
    LIMIT = "limit reached"


class Standing(StrEnum):
    """Standing of a site: what is known about it."""

    CHOSEN = "chosen"
    SOLVED = "solved"
    RULED_OUT = "ruled out"
    OPEN = "not settled"
    CANNOT_SERVE = "cannot serve"
    EXCLUDED = "excluded"


class Heading(Record):
    """Fields that every stored record begins with: the question, the version that answered it, and the outcome."""

    format_version: Literal[2] = FORMAT_VERSION
    siteopt_version: str
    scenario: str = Field(description="name of the scenario")
    settings: tuple[str, ...] = Field(description="keys that were replaced for this run, as key=value")
    start_date: date = Field(description="day 0, the day of the decision")
    currency: str = Field(description="ISO 4217 code of the money that people read; amounts in fields are US dollars")
    currency_per_usd: float
    outcome: RunOutcome


class InputFile(Record):
    """File that was read."""

    path: str = Field(description="as the scenario names it")
    sha256: str
    read_as: str | None = Field(default=None, description="what was detected about its encoding and layout")


class InputWarning(Record):
    """Warning: something in the input looks wrong, but was read as it is."""

    code: str = Field(description="see docs/errors.md")
    file: str
    row: int | None
    column: str
    found: str
    expected: str
    longitude: float | None
    latitude: float | None
    message: str = Field(description="all of it in one line of English")
