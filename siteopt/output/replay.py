"""Write the sections of a page on the replay and on power quality: sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from siteopt.output.translations import Translations
from siteopt.record.replay import (
    EventRecord,
    FailedEvent,
    FigureRecord,
    PowerQualityRecord,
    QualityMilestone,
    ReplayedMilestone,
)
from siteopt.record.run import PlanRecord
from siteopt.simulate.events import GRID_LOSS, GRID_TIED
from siteopt.simulate.judgement import FIGURE_UNITS, FigureName

CLASSES = ("", "G1", "G2", "G3")
"""Performance classes of ISO 8528-5, from none to the best."""
FIGURES = (
    *("schedule_mw", "lowest_hz", "highest_hz", "battery_mwh", "battery_peak_mw", "battery_drain_mw"),
    *("import_peak_mw", "import_swing_mw", "shed_mw", "lost_mw"),
)
"""Figures of an event that have no limit, in the order of the table."""
DIGITS = 3

Rows = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Part:
    """A section of a page: sentences and a table. The first sentence gives the result.

    Attributes
    ----------
    not_covered : tuple of str
        Sentences above all else, on what the section does not cover.
    more_header, more_rows : tuple
        A second table with all figures; no rows if there is no such table.
    """

    sentences: tuple[str, ...]
    header: tuple[str, ...]
    rows: Rows
    more_header: tuple[str, ...] = ()
    more_rows: Rows = ()
    not_covered: tuple[str, ...] = ()


def replay_part(plan: PlanRecord, translations: Translations) -> Part:
    """Return the section on the replay: each milestone as planned and as replayed."""
    found = plan.replay
    method = translations("The orders were replayed day by day and crew by crew, without the optimizer's equations.")
    names = ("milestone", "planned", "replayed", "date", "days_later", "not_before", "reason")
    rows = tuple(
        (
            one.name,
            one.planned_day,
            *(_shown(cell) for cell in (one.day, one.date, one.days_later, one.bound_day)),
            translations.reasons(one.reasons),
        )
        for one in found.milestones
    )
    other = sum(one.days_later != 0 for one in found.milestones)
    verdict = translations("In the replay, every milestone starts as planned.")
    if other:
        all_ = len(found.milestones)
        verdict = translations(
            "In the replay, {other} of {all} milestones do not start as planned.", other=other, all=all_
        )
    sentences = (verdict, *(_start(one, translations) for one in found.milestones), method)
    if found.cost_usd is not None:
        verdict = translations("within the budget") if found.within_budget else translations("ABOVE THE BUDGET")
        money = translations.money(found.cost_usd)
        sentences += (translations("The replayed plan costs {money}: {verdict}.", money=money, verdict=verdict),)
    return Part(sentences, tuple(translations.term(name) for name in names), rows)


def _start(one: ReplayedMilestone, translations: Translations) -> str:
    """Return a sentence on whether a milestone starts as planned, and if not, when and why."""
    name, day, later = one.name, one.day, one.days_later
    reason = translations.reasons(one.reasons)
    if day is None or later is None:
        return translations("{name} does not start: {reason}.", name=name, reason=reason)
    if later == 0:
        return translations("{name} starts as planned, on day {day}.", name=name, day=day)
    days = translations.count(abs(later), "day")
    if later < 0:
        return translations("{name} starts on day {day}, {days} earlier than planned.", name=name, day=day, days=days)
    said = [
        translations(
            "{name} starts on day {day}, {days} later than planned: {reason}.",
            name=name,
            day=day,
            days=days,
            reason=reason,
        )
    ]
    if one.by_crews:
        said.append(translations("With enough crews, it would start on time."))
    if one.bound_day is not None and one.bound_day > one.planned_day:
        said.append(
            translations(
                "With these orders, no schedule of the crews allows a start before day {day}.", day=one.bound_day
            )
        )
    return " ".join(said)


def quality_part(plan: PlanRecord, translations: Translations) -> Part:
    """Return the section on power quality: the required class, whether it is kept, and what it costs."""
    found = plan.power_quality
    sentences = (*_kept(found, translations), *_rounds(plan, translations), *_without(found, translations))
    events = list(dict.fromkeys((event.event, event.mode) for one in found.milestones for event in one.events))
    classes = {
        (one.name, event.event, event.mode): _class(event, translations)
        for one in found.milestones
        for event in one.events
    }
    failed = {(one.event, one.mode) for one in found.without_batteries.failed}
    is_checked = found.without_batteries.passes is not None
    header = [
        translations.term("event"),
        *(one.name for one in found.milestones),
        *([translations.term("without_batteries")] if is_checked else []),
    ]
    rows = []
    for event, mode in events:
        without = [translations("fails") if (event, mode) in failed else ""] if is_checked else []
        kept = (classes.get((one.name, event, mode), "") for one in found.milestones)
        rows.append((_event(event, mode, translations), *kept, *without))
    limited = (f"{translations.term(name)}, {translations.term(unit)}" for name, unit in FIGURE_UNITS.items())
    plain = (translations.term(name) for name in FIGURES)
    more_header = (
        *(translations.term(name) for name in ("milestone", "event", "class")),
        *limited,
        *plain,
    )
    more_rows = tuple(_figures(found.milestones, translations))
    return Part(tuple(sentences), tuple(header), tuple(rows), more_header, more_rows, _not_covered(translations))


def _not_covered(translations: Translations) -> tuple[str, ...]:
    """Return what the simulation leaves out, so that nobody takes a class of frequency for a study of the plant."""
    return (
        translations("Only frequency and active power are simulated: voltage and reactive power are not."),
        translations("Short-circuit faults are not simulated: neither their currents nor the voltage dips they cause."),
        translations("Protection is not simulated: no setting of a relay, breaker or fuse is checked."),
    )


def _event(event: str, mode: str, translations: Translations) -> str:
    return f"{translations.term(event)} ({translations.term(mode)})"


def _class(event: EventRecord, translations: Translations) -> str:
    """Return the class that an event keeps, and the figures that are beyond their limits for the required class."""
    if event.collapsed_s is not None:
        return translations("collapses at {seconds} s", seconds=translations.number(event.collapsed_s, 2))
    kept = event.iso_class or translations("no class")
    beyond = ", ".join(figure_text(one, translations) for one in event.figures if not one.holds)
    return f"{kept}: {beyond}" if beyond else kept


def figure_text(figure: FigureRecord, translations: Translations) -> str:
    """Return a figure beside its limit, such as *recovery 1.6 of 5 s*; without a limit, it is only shown."""
    return f"{translations.term(figure.name)} {_beside(figure, translations)} {translations.term(figure.unit)}"


def _beside(figure: FigureRecord, translations: Translations) -> str:
    value = translations("never") if figure.value is None else f"{figure.value:.3g}"
    if figure.limit is None:
        return value
    return translations("{value} of {limit}", value=value, limit=f"{figure.limit:.3g}")


def worst_figures(milestone: QualityMilestone, mode: str) -> list[FigureRecord]:
    """Return each figure of a mode in the event in which it is closest to its limit, or farthest beyond it."""
    worst: dict[FigureName, FigureRecord] = {}
    for event in milestone.events:
        for one in event.figures if event.mode == mode else ():
            if one.name not in worst or _size(one) > _size(worst[one.name]):
                worst[one.name] = one
    return list(worst.values())


def _size(figure: FigureRecord) -> tuple[bool, float]:
    """Return the sort key of a figure: limited ones come above those that are only shown."""
    value = math.inf if figure.value is None else figure.value
    return (figure.limit is not None, value / figure.limit if figure.limit else value)


def _figures(milestones: Sequence[QualityMilestone], translations: Translations) -> Iterator[tuple[Any, ...]]:
    for one in milestones:
        for event in one.events:
            figures = {figure.name: figure for figure in event.figures}
            yield (
                one.name,
                _event(event.event, event.mode, translations),
                event.iso_class,
                *(_beside(figures[name], translations) if name in figures else "" for name in FIGURE_UNITS),
                *(_shown(getattr(event, name)) for name in FIGURES),
            )


def _kept(found: PowerQualityRecord, translations: Translations) -> Iterator[str]:
    """Yield sentences on whether the class is kept, and on the events that fall below it."""
    asked = found.iso_class
    if asked is None:
        yield translations("No class of ISO 8528-5 is required; the table shows what would happen.")
        return
    places: dict[str, list[str]] = {}
    for one in found.milestones:
        for event in one.events:
            if CLASSES.index(event.iso_class) < CLASSES.index(asked):
                places.setdefault(_event(event.event, event.mode, translations), []).append(one.name)
    below = [translations("{event} at {milestone}", event=name, milestone=", ".join(at)) for name, at in places.items()]
    if found.passes:
        yield translations("In the simulation, {iso_class} is kept at every milestone.", iso_class=asked)
        modes: dict[str, list[str]] = {}
        for one in found.milestones:
            modes.setdefault(", ".join(map(translations.term, one.kept)), []).append(one.name)
        for kept, names in modes.items():
            if kept:
                yield translations(
                    "Operating mode that keeps the class at {milestones}: {modes}.",
                    milestones=", ".join(names),
                    modes=kept,
                )
        if below:
            yield translations(
                "Below the class, but not required, since the other mode keeps it: {events}.",
                events="; ".join(below),
            )
    else:
        yield translations("{iso_class} is NOT kept.", iso_class=asked)
        if below:
            yield translations("Below the class: {events}.", events="; ".join(below))
    if found.units_lost_together > 1:
        yield translations(
            "A fault on one bus or step-up transformer takes the {count} largest generators at once.",
            count=found.units_lost_together,
        )
    formed = [
        translations("{mw} MW at {milestone}", mw=translations.number(one.forming_mw, 1), milestone=one.name)
        for one in found.milestones
        if one.forming_mw
    ]
    if formed:
        yield translations(
            "Grid-forming batteries, which keep a frequency as machines do: {places}.", places="; ".join(formed)
        )
    dark = [one.name for one in found.milestones if _stops_with_grid(one)]
    if dark:
        yield translations(
            "Nothing on the site keeps a frequency at {milestones}: when the grid is lost, everything stops.",
            milestones=", ".join(dark),
        )


def _stops_with_grid(one: QualityMilestone) -> bool:
    """Return whether a milestone imports, and its loss of the grid is no event, since nothing keeps a frequency."""
    imports = any(event.mode == GRID_TIED and event.schedule_mw for event in one.events)
    return imports and all(event.event != GRID_LOSS for event in one.events)


def _rounds(plan: PlanRecord, translations: Translations) -> Iterator[str]:
    """Yield sentences on the iterations for power quality, and on the days and money that the class costs."""
    found = plan.power_quality
    before = found.before
    if found.iterations == 1 and found.passes:
        yield translations("The first plan keeps the class.")
    elif found.iterations > 1:
        yield translations(
            "The plan took {iterations} iterations; "
            "each adds the battery power or inertia that the previous plan lacked.",
            iterations=found.iterations,
        )
    if before is None:
        return
    yield translations(
        "The plan without this requirement: {site}, days {days}, {cost}.",
        site=before.site_name,
        days=", ".join(str(day) for day in before.days),
        cost=translations.money(before.cost_usd),
    )
    later = [
        translations("{name} {days} later", name=one.name, days=translations.count(one.day - day, "day"))
        if one.day > day
        else translations("{name} {days} earlier", name=one.name, days=translations.count(day - one.day, "day"))
        for one, day in zip(plan.milestones, before.days, strict=True)
        if one.day != day
    ]
    more = plan.cost.total_usd - before.cost_usd
    amount = translations.money(abs(more))
    said = translations("{money} more", money=amount) if more >= 0 else translations("{money} less", money=amount)
    yield translations("The requirement changes the plan: {changes}.", changes=", ".join([said, *later]))


def _without(found: PowerQualityRecord, translations: Translations) -> Iterator[str]:
    without = found.without_batteries
    if without.passes:
        yield translations("The class would be kept without batteries, too.")
    elif without.failed:
        events = ", ".join(_failed(one, translations) for one in without.failed)
        yield translations("The class would not be kept without batteries: {events}.", events=events)


def _failed(event: FailedEvent, translations: Translations) -> str:
    name = _event(event.event, event.mode, translations)
    if not event.import_beyond_s:
        return name
    seconds = translations.number(event.import_beyond_s, 1)
    return translations("{event}, with the import beyond its limit for {seconds} s", event=name, seconds=seconds)


def _shown(value: Any) -> Any:
    """Return a value as a table cell: empty for None, a date as text, a float rounded to DIGITS decimals."""
    if value is None:
        return ""
    if isinstance(value, date):
        return str(value)
    return round(value, DIGITS) if isinstance(value, float) else value
