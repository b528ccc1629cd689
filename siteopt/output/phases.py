"""Describe the phases of a plan at a site on which limits change: what is in force from when on, and what runs."""

from __future__ import annotations

from siteopt.output.replay import Part
from siteopt.output.translations import Translations
from siteopt.record.run import PhaseLimits, PlanRecord, SiteLimit
from siteopt.schema import RESOURCE_UNITS


def limit_text(limit: float | None, translations: Translations, digits: int = 1) -> str:
    """Return a limit as a number, or that there is none."""
    return translations("no limit") if limit is None else translations.number(limit, digits)


def windows_text(one: SiteLimit, translations: Translations) -> str:
    """Return the windows of a limit in words, such as ``NOx, t/year: no limit; 86 from day 379``."""
    first, *later = (limit_text(window.limit, translations, 0) for window in one.windows)
    days = (window.day for window in one.windows[1:])
    rest = [
        translations("{limit} from day {day}", day=day, limit=limit) for day, limit in zip(days, later, strict=True)
    ]
    unit = translations.term(RESOURCE_UNITS[one.resource])
    return f"{translations.title(one.resource)}, {unit}: {'; '.join([first, *rest])}"


def phases_part(plan: PlanRecord, translations: Translations) -> Part | None:
    """Return the section on the phases of a plan; None if no limit of its site changes."""
    if not plan.phases:
        return None
    limits = {name: [getattr(one.limits, name) for one in plan.phases] for name in PhaseLimits.model_fields}
    shown = [name for name, values in limits.items() if any(value is not None for value in values) and any(values)]
    header = ("day", "date", "milestone", *shown, "demand_mw", "import_mw", "emitted NOx", "units")

    rows = tuple(
        (
            one.day,
            one.date.isoformat(),
            one.milestone,
            *(limit_text(getattr(one.limits, name), translations) for name in shown),
            *(translations.number(value, 1) for value in (one.demand_mw, one.import_mw, one.nox_t_per_year)),
            sum(one.units.values()),
        )
        for one in plan.phases
    )
    sentences = (
        translations(
            "Limits of the site change on some days. What the plan needs is there in each phase between them."
        ),
        translations("Power in MW, gas in MW thermal, NOx in t a year, water in m3 a day, tankers of diesel a day."),
    )
    return Part(sentences, tuple(translations.term(name) for name in header), rows)
