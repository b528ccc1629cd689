"""Put the limit of a milestone into words."""

from __future__ import annotations

from siteopt.output.translations import Translations
from siteopt.record.run import Milestone


def limit_of(milestone: Milestone, translations: Translations) -> str:
    """Return the limit of a milestone, with the days that it costs; an empty text if the limit is not known."""
    if milestone.limited_by is None:
        return ""
    said = translations.reason(milestone.limited_by)
    saved = next((one.days for one in milestone.days_saved if one.limit == milestone.limited_by.limit), 0)
    if not saved:
        return said
    return translations(
        "{limit} ({days} earlier without this limit)", limit=said, days=translations.count(saved, "day")
    )


def limited_by(milestone: Milestone, translations: Translations) -> str:
    """Return the limit of a milestone, worded for a sentence; an empty text if the limit is not known."""
    limit = limit_of(milestone, translations)
    return translations("limited by {limit}", limit=limit) if limit else ""
