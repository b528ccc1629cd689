"""Hold the English text of every reason, and how each of its values is shown.

Translations are in ``locale/``. The word after a colon says how a value is shown: ``name`` is a name from siteopt,
``names`` are several; ``cell`` is the content of a table cell of the user; ``integer`` has separators; ``amount`` is a
quantity without its unit; ``date`` is a date; and a noun is counted (``{days:day}`` is *2 days*). A quantity without
such a word is shown with its unit. ``{parts}`` are other reasons.
"""

from __future__ import annotations

from siteopt.record.reason import ReasonCode

REASON_TEXTS = {
    ReasonCode.STORED_TEXT: "{text}",
    ReasonCode.UNKNOWN_FIGURES: "unknown: {columns:names}",
    ReasonCode.NOT_YET_AVAILABLE: "not available before {found:date}",
    ReasonCode.NO_LONGER_AVAILABLE: "not available since {found:date}",
    ReasonCode.NOT_ADMITTED: "{column:name} is {found:cell}",
    ReasonCode.OUTSIDE_LAYER: "outside {layer}",
    ReasonCode.TOO_NEAR_LAYER: "within {distance} of {layer}",
    ReasonCode.BOUND_IS_WORSE: "proven worse than rank {rank}",
    ReasonCode.NO_PLAN: "no plan by day {day}: {parts}",
    ReasonCode.SHORT_BY_HORIZON: (
        "{limit:name} for {milestone}: {there} by day {day}, {needed:amount} needed, {missing:amount} short"
    ),
    ReasonCode.FLOOR_AREA_SHORT: "floor area for {milestone}: room for {there:integer} of {needed:integer} GPUs",
    ReasonCode.TOO_LATE: "{limit:name} for {milestone}: not ready by day {day}",
    ReasonCode.QUALITY_SHORT: (
        "{limit:name} for {milestone}: {there} by day {day}, power quality requires {needed:amount}"
    ),
    ReasonCode.QUALITY_UNATTAINABLE: "power quality for {milestone}: no amount of {limit:name} keeps the class",
    ReasonCode.LIMIT: "{limit:name}",
    ReasonCode.SAME_DAY: "the same day as {milestone}",
    ReasonCode.LIMITS_TOGETHER: "{limits:names} together",
    ReasonCode.ANY_LIMIT: "{limits:names}",
    ReasonCode.SEVERAL_LIMITS: "several limits together",
    ReasonCode.NOTHING: "nothing: it can start at once",
    ReasonCode.GPUS_NETWORKED_BY: "{there:integer} of {needed:integer} GPUs networked by day {day}",
    ReasonCode.GPUS_NETWORKED_IN_THE_END: "only {there:integer} of {needed:integer} GPUs are ever networked",
    ReasonCode.SHORT: "{limit:name}: {missing} short",
    ReasonCode.ABOVE: "{limit:name}: {used} of {allowed}",
    ReasonCode.ABOVE_AVAILABLE: "{ordered:unit} of {offer} ordered, {available:integer} available",
    ReasonCode.UNTIL_UNIT: "{parts} until unit {unit} of {offer} is in service",
    ReasonCode.UNTIL_LATE_UNIT: (
        "{parts} until unit {unit} of {offer} is in service, {days:day} late for lack of {trade:name} crews"
    ),
    ReasonCode.UNTIL_STEP: "{parts} until grid step {step} is in service",
    ReasonCode.NO_CREW: "no {trade:name} crew for {units:unit}",
    ReasonCode.EARLIER_MILESTONE: "the earlier milestone {milestone}",
}
