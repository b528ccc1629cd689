"""Put the limit of a milestone into words."""

from __future__ import annotations

from siteopt.output.words import Words
from siteopt.record.run import Milestone


def limit_of(milestone: Milestone, words: Words) -> str:
    """Return the limit of a milestone, with the days that it costs; an empty text if the limit is not known."""
    if milestone.held_by is None:
        return ""
    said = words.reason(milestone.held_by)
    saved = next((one.days for one in milestone.days_saved if one.limit == milestone.held_by.limit), 0)
    if not saved:
        return said
    return words("{limit} ({days} earlier without this limit)", limit=said, days=words.count(saved, "day"))


def limited_by(milestone: Milestone, words: Words) -> str:
    """Return the limit of a milestone, worded for a sentence; an empty text if the limit is not known."""
    limit = limit_of(milestone, words)
    return words("limited by {limit}", limit=limit) if limit else ""
