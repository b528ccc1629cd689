"""Define reasons as data: a code, and values with units. ``output/reason_texts.py`` holds their texts."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from siteopt.record.base import Many, Record


class ReasonCode(StrEnum):
    """Code of a statement about a site or a milestone."""

    STORED_TEXT = "stored_text"
    """Sentence of a run that was stored before reasons became data."""
    # why the scenario excludes a candidate
    UNKNOWN_FIGURES = "unknown_figures"
    NOT_YET_AVAILABLE = "not_yet_available"
    NO_LONGER_AVAILABLE = "no_longer_available"
    NOT_ADMITTED = "not_admitted"
    OUTSIDE_LAYER = "outside_layer"
    TOO_NEAR_LAYER = "too_near_layer"
    # why a site is not ranked, or cannot serve
    BOUND_IS_WORSE = "bound_is_worse"
    NO_PLAN = "no_plan"
    SHORT_BY_HORIZON = "short_by_horizon"
    FLOOR_AREA_SHORT = "floor_area_short"
    TOO_LATE = "too_late"
    QUALITY_SHORT = "quality_short"
    QUALITY_UNATTAINABLE = "quality_unattainable"
    # what limits a milestone
    LIMIT = "limit"
    SAME_DAY = "same_day"
    LIMITS_TOGETHER = "limits_together"
    ANY_LIMIT = "any_limit"
    SEVERAL_LIMITS = "several_limits"
    # what a replayed milestone waits for
    NOTHING = "nothing"
    GPUS_NETWORKED_BY = "gpus_networked_by"
    GPUS_NETWORKED_IN_THE_END = "gpus_networked_in_the_end"
    SHORT = "short"
    ABOVE = "above"
    ABOVE_AVAILABLE = "above_available"
    UNTIL_UNIT = "until_unit"
    UNTIL_LATE_UNIT = "until_late_unit"
    UNTIL_STEP = "until_step"
    NO_CREW = "no_crew"
    EARLIER_MILESTONE = "earlier_milestone"


MOST_NAMES = 1000
"""Maximum number of names in a reason, such as of columns or limits."""


class Quantity(Record):
    """Amount with its unit."""

    amount: float
    unit: str


def _few(names: object) -> object:
    if isinstance(names, list | tuple) and len(names) > MOST_NAMES:
        raise ValueError(f"at most {MOST_NAMES} names")
    return names


Value = int | float | str | Quantity | Annotated[tuple[str, ...], BeforeValidator(_few)]

_VALUES: dict[ReasonCode, dict[str, type]] = {
    ReasonCode.STORED_TEXT: {"text": str},
    ReasonCode.UNKNOWN_FIGURES: {"columns": tuple},
    ReasonCode.NOT_YET_AVAILABLE: {"found": date},
    ReasonCode.NO_LONGER_AVAILABLE: {"found": date},
    ReasonCode.NOT_ADMITTED: {"column": str, "found": str},
    ReasonCode.OUTSIDE_LAYER: {"layer": str},
    ReasonCode.TOO_NEAR_LAYER: {"layer": str, "distance": Quantity},
    ReasonCode.BOUND_IS_WORSE: {"rank": int},
    ReasonCode.NO_PLAN: {"day": int},
    ReasonCode.SHORT_BY_HORIZON: {
        "limit": str,
        "milestone": str,
        "day": int,
        "there": Quantity,
        "needed": Quantity,
        "missing": Quantity,
    },
    ReasonCode.FLOOR_AREA_SHORT: {"milestone": str, "there": int, "needed": int},
    ReasonCode.TOO_LATE: {"limit": str, "milestone": str, "day": int},
    ReasonCode.QUALITY_SHORT: {"limit": str, "milestone": str, "day": int, "there": Quantity, "needed": Quantity},
    ReasonCode.QUALITY_UNATTAINABLE: {"limit": str, "milestone": str},
    ReasonCode.LIMIT: {"limit": str},
    ReasonCode.SAME_DAY: {"milestone": str},
    ReasonCode.LIMITS_TOGETHER: {"limits": tuple},
    ReasonCode.ANY_LIMIT: {"limits": tuple},
    ReasonCode.SEVERAL_LIMITS: {},
    ReasonCode.NOTHING: {},
    ReasonCode.GPUS_NETWORKED_BY: {"there": int, "needed": int, "day": int},
    ReasonCode.GPUS_NETWORKED_IN_THE_END: {"there": int, "needed": int},
    ReasonCode.SHORT: {"limit": str, "missing": Quantity},
    ReasonCode.ABOVE: {"limit": str, "used": Quantity, "allowed": Quantity},
    ReasonCode.ABOVE_AVAILABLE: {"offer": str, "ordered": int, "available": int},
    ReasonCode.UNTIL_UNIT: {"unit": int, "offer": str},
    ReasonCode.UNTIL_LATE_UNIT: {"unit": int, "offer": str, "days": int, "trade": str},
    ReasonCode.UNTIL_STEP: {"step": int},
    ReasonCode.NO_CREW: {"trade": str, "units": int},
    ReasonCode.EARLIER_MILESTONE: {"milestone": str},
}
"""Names and types of the values of each code; a date is a text in ISO 8601."""


class Reason(Record):
    """Reason for the standing of a site, or for the day of a milestone.

    Attributes
    ----------
    code : ReasonCode
    values : dict
        Values for the text of the code: amounts with their units, days, names from siteopt (limits, trades, columns),
        and names from the user (milestones, offers, layers).
    parts : tuple of Reason
        Reasons that this reason is composed of, if any.
    """

    code: ReasonCode
    values: dict[str, Value] = Field(default_factory=dict)
    parts: Many[Reason] = ()

    @model_validator(mode="after")
    def _has_its_values(self) -> Reason:
        expected = _VALUES[self.code]
        if set(self.values) != set(expected):
            raise ValueError(f"{self.code} has the values {', '.join(expected) or 'none'}")
        for name, kind in expected.items():
            value = self.values[name]
            if kind is date:
                date.fromisoformat(str(value))
            elif not isinstance(value, kind):
                raise ValueError(f"{name} of {self.code} is not of the kind that siteopt writes")
        return self

    @property
    def limit(self) -> str:
        """Return the name of the limit if the code is LIMIT; empty for every other code."""
        return str(self.values["limit"]) if self.code is ReasonCode.LIMIT else ""


def because(code: ReasonCode, *parts: Reason, **values: Value) -> Reason:
    """Return the reason with a code, its parts and its values."""
    return Reason(code=code, values=values, parts=parts)
