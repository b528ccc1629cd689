"""What a page says of the replay and of the power quality: sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from siteopt.output.document import Document
from siteopt.output.words import Words

CLASSES = ("", "G1", "G2", "G3")
"""Of ISO 8528-5, from none to the best."""
FIGURES = (
    *("lowest_hz", "highest_hz", "rocof_hz_per_s", "recovery_s", "battery_mwh", "battery_peak_mw"),
    *("battery_drain_mw", "import_peak_mw", "import_swing_mw", "shed_mw"),
)
"""Of an event, in the order of the table."""
DIGITS = 3

Rows = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Part:
    """A section of a page: sentences, of which the first is the verdict, and a table.

    Attributes
    ----------
    more_header, more_rows : tuple
        A second table, with all figures; without rows where there is none.
    """

    sentences: tuple[str, ...]
    header: tuple[str, ...]
    rows: Rows
    more_header: tuple[str, ...] = ()
    more_rows: Rows = ()


def replay_part(document: Document, words: Words) -> Part | None:
    """Each milestone as planned and as replayed; None where nothing was replayed."""
    found = document["replay"]
    if found is None:
        return None
    milestones = found["milestones"]
    method = words("The orders were replayed day by day and crew by crew, without the optimiser's equations.")
    names = ("milestone", "planned", "replayed", "date", "days_later", "not_before", "reason")
    rows = tuple(
        (
            one["name"],
            one["planned_day"],
            *(_shown(one[name]) for name in ("day", "date", "days_later", "bound_day")),
            words.reason(one["reason"]),
        )
        for one in milestones
    )
    other = sum(one["days_later"] != 0 for one in milestones)
    verdict = words("Every milestone starts as planned, as replayed.")
    if other:
        verdict = words("{other} of {all} milestones do not start as planned.", other=other, all=len(milestones))
    sentences = (verdict, *(_start(one, words) for one in milestones), method)
    if found["cost_usd"] is not None:
        verdict = words("within the budget") if found["within_budget"] else words("ABOVE THE BUDGET")
        money = words.money(document, found["cost_usd"])
        sentences += (words("Replayed, the plan costs {money}: {verdict}.", money=money, verdict=verdict),)
    return Part(sentences, tuple(words.term(name) for name in names), rows)


def _start(milestone: Mapping[str, Any], words: Words) -> str:
    """Whether a milestone starts as planned, and if not, when and why."""
    name, day, later, bound = (milestone[field] for field in ("name", "day", "days_later", "bound_day"))
    reason = words.reason(milestone["reason"])
    if day is None:
        return words("{name} does not start: {reason}.", name=name, reason=reason)
    if later == 0:
        return words("{name} as planned, on day {day}.", name=name, day=day)
    days = words.count(abs(later), "day")
    if later < 0:
        return words("{name} on day {day}, {days} sooner than planned.", name=name, day=day, days=days)
    said = [
        words("{name} on day {day}, {days} later than planned: {reason}.", name=name, day=day, days=days, reason=reason)
    ]
    if milestone["by_crews"]:
        said.append(words("With as many crews as it takes it would be on time."))
    if bound is not None and bound > milestone["planned_day"]:
        said.append(words("No sequence of whole crews is sooner than day {day}.", day=bound))
    return " ".join(said)


def quality_part(document: Document, words: Words) -> Part | None:
    """The class that is asked for, what keeps it, and what it cost; None where there is no plan."""
    found = document["power_quality"]
    if found is None:
        return None
    sentences = (*_kept(found, words), *_rounds(document, words), *_without(found, words))
    milestones = found["milestones"]
    events = list(dict.fromkeys(_named(event) for one in milestones for event in one["events"]))
    classes = {(one["name"], *_named(event)): _class(event, words) for one in milestones for event in one["events"]}
    failed = set(found["without_batteries"]["failed"])
    is_judged = found["without_batteries"]["passes"] is not None
    header = [
        words.term("event"),
        *(one["name"] for one in milestones),
        *([words.term("without_batteries")] if is_judged else []),
    ]
    rows = []
    for event, mode in events:
        without = [words("fails") if f"{event} ({mode})" in failed else ""] if is_judged else []
        rows.append(
            (_event(event, mode, words), *(classes.get((one["name"], event, mode), "") for one in milestones), *without)
        )
    more_header = tuple(words.term(name) for name in ("milestone", "event", *FIGURES, "class"))
    return Part(sentences, tuple(header), tuple(rows), more_header, tuple(_figures(milestones, words)))


def _named(event: Mapping[str, Any]) -> tuple[str, str]:
    return event["event"], event["mode"]


def _event(event: str, mode: str, words: Words) -> str:
    return f"{words.term(event)} ({words.term(mode)})"


def _class(event: Mapping[str, Any], words: Words) -> str:
    if event["collapsed_s"] is not None:
        return words("collapses at {seconds} s", seconds=f"{event['collapsed_s']:.2f}")
    return event["class"] or words("no class")


def _figures(milestones: Sequence[Mapping[str, Any]], words: Words) -> Iterator[tuple[Any, ...]]:
    for one in milestones:
        for event in one["events"]:
            yield (
                one["name"],
                _event(*_named(event), words),
                *(_shown(event[name]) for name in FIGURES),
                _class(event, words),
            )


def _kept(found: Document, words: Words) -> Iterator[str]:
    """Whether the class is kept, and what is below it."""
    asked = found["class"]
    if asked is None:
        yield words("No class of ISO 8528-5 was asked for; this is what would happen.")
        return
    places: dict[str, list[str]] = {}
    for one in found["milestones"]:
        for event in one["events"]:
            if CLASSES.index(event["class"]) < CLASSES.index(asked):
                places.setdefault(_event(*_named(event), words), []).append(one["name"])
    below = [words("{event} at {milestone}", event=name, milestone=", ".join(at)) for name, at in places.items()]
    if found["passes"]:
        yield words("{iso_class} is kept at every milestone, as simulated.", iso_class=asked)
        modes: dict[str, list[str]] = {}
        for one in found["milestones"]:
            modes.setdefault(", ".join(map(words.term, one["kept"])), []).append(one["name"])
        for kept, names in modes.items():
            if kept:
                yield words(
                    "Mode in which it is kept at {milestones}: {modes}.", milestones=", ".join(names), modes=kept
                )
        if below:
            yield words(
                "Below it in the other mode, or on the loss of the grid, where it is not asked for: {events}.",
                events="; ".join(below),
            )
    else:
        yield words("{iso_class} is NOT kept.", iso_class=asked)
        if below:
            yield words("Below it: {events}.", events="; ".join(below))


def _rounds(document: Document, words: Words) -> Iterator[str]:
    """How often it was solved until plan and physics agreed, and what that cost."""
    found = document["power_quality"]
    before = found["before"]
    if found["rounds"] == 1 and found["passes"]:
        yield words("The first plan kept it.")
    elif found["rounds"] > 1:
        yield words(
            "It was solved {rounds} times, each time with what the simulation asked for.", rounds=found["rounds"]
        )
    if before is None:
        return
    yield words(
        "Without the electrical needs: {site}, days {days}, {cost}.",
        site=before["site_name"],
        days=", ".join(str(day) for day in before["days"]),
        cost=words.money(document, before["cost_usd"]),
    )
    later = [
        words("{name} {days} later", name=one["name"], days=words.count(one["day"] - day, "day"))
        if one["day"] > day
        else words("{name} {days} sooner", name=one["name"], days=words.count(day - one["day"], "day"))
        for one, day in zip(document["milestones"], before["days"], strict=True)
        if one["day"] != day
    ]
    more = document["cost_usd"]["total"] - before["cost_usd"]
    amount = words.money(document, abs(more))
    said = words("{money} more", money=amount) if more >= 0 else words("{money} less", money=amount)
    yield words("What they change: {changes}.", changes=", ".join([said, *later]))


def _without(found: Document, words: Words) -> Iterator[str]:
    without = found["without_batteries"]
    if without["passes"]:
        yield words("Without batteries it would be kept, too.")
    elif without["failed"]:
        names = []
        for failed in without["failed"]:
            event, _, mode = failed.partition(" (")
            names.append(_event(event, mode.removesuffix(")"), words))
        yield words("Without batteries it would not be kept: {events}.", events=", ".join(names))


def _shown(value: Any) -> Any:
    """A cell: nothing where there is no value, and no digits that mean nothing."""
    if value is None:
        return ""
    return round(value, DIGITS) if isinstance(value, float) else value
