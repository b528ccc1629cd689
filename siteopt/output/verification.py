"""Put the result of a verification into lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from siteopt.output.summary import replay_lines
from siteopt.output.translations import Translations
from siteopt.record.verification import Cause, ChangedCell, Slip, VerificationRecord
from siteopt.schema import RESOURCE_UNITS, Resource


def verification(record: VerificationRecord) -> str:
    """Return the result in a few lines of text."""
    return "\n".join(_lines(record, Translations.of(record)))


def _lines(record: VerificationRecord, translations: Translations) -> Iterator[str]:
    verdict = "holds" if record.holds else "does not hold"
    yield f"{record.scenario}: the plan for {record.site_name} ({record.site_id}) {verdict}"
    for path in record.changed_inputs:
        yield f"Changed     {path} has changed since the plan was made; the replay reads it as it is now"
    yield from replay_lines(record.replay, record.power_quality, translations)
    if not record.changes:
        return
    for change in record.changes:
        yield f"With        {_change(change)}" + ("" if change.concerns else " (the plan does not use it)")
    for slip in record.slips:
        yield f"Slips       {slip.name}: {_slip(slip, record, translations)}"
    if not record.slips:
        yield "Slips       nothing: every milestone starts as before"


def _change(change: ChangedCell) -> str:
    return f"{change.column} of {change.row}{_part(change)}: {_cell(change.before)} -> {_cell(change.after)}"


def _part(change: ChangedCell) -> str:
    """Return which grid step, building or limit of the site changes."""
    if change.level_mw is not None:
        return f", step to {change.level_mw:g} MW"
    if change.building_id is not None:
        return f", building {change.building_id}"
    if change.resource is None:
        return ""
    limit = (
        "without a limit" if change.limit is None else f"{change.limit:,g} {RESOURCE_UNITS[Resource(change.resource)]}"
    )
    return f", {change.resource} {limit}"


def _cell(value: float | str | None) -> str:
    if value is None or value == "":
        return "blank"
    return value if isinstance(value, str) else f"{value:,.10g}"


def _slip(slip: Slip, record: VerificationRecord, translations: Translations) -> str:
    day = "never" if slip.day_with is None else f"day {slip.day_with}"
    said = f"day {slip.day} becomes {day}"
    if slip.days_later is not None:
        late = slip.days_later
        said += f", {translations.count(abs(late), 'day')} {'later' if late > 0 else 'earlier'}"
    because = [f"{_change(record.changes[one.change])}{_alone(one)}" for one in slip.because]
    said += f"; because of {', '.join(because)}" if because else "; only because of the changes together"
    return said + (f". {translations.reasons(slip.reasons)}" if slip.reasons else "")


def _alone(cause: Cause) -> str:
    return " (never, with this change alone)" if cause.days_later is None else f" ({cause.days_later:+d} alone)"
