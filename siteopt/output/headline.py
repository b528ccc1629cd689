"""What a reader wants to know first: the verdict, the main figures, the milestones."""

from __future__ import annotations

from dataclasses import dataclass

from siteopt.output.charts.schedule import held_by
from siteopt.output.document import Document
from siteopt.output.words import Words
from siteopt.plan import RunOutcome
from siteopt.schema import CANDIDATES

MANY = 5
"""Goals of which not all are named in a sentence."""
ASSUMABLE = sum(column.assumable for column in CANDIDATES)


@dataclass(frozen=True)
class Figure:
    """A figure of the first screen, its name, and what it refers to."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Headline:
    """The first screen.

    Attributes
    ----------
    title : str
    verdict : tuple of str
        Sentences; the first says it all.
    badge, badge_kind : str
        The outcome, and ``good``, ``open`` or ``none``.
    """

    title: str
    verdict: tuple[str, ...]
    badge: str
    badge_kind: str
    figures: tuple[Figure, ...] = ()
    milestones: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


def headline(document: Document, words: Words) -> Headline:
    """The first screen of a run, whatever its outcome."""
    outcome = document["outcome"]
    badge = words.term("not proven" if outcome == RunOutcome.LIMIT else outcome)
    kind = {RunOutcome.PROVEN: "good", RunOutcome.LIMIT: "open"}.get(outcome, "none")
    if document["site_id"] is None:
        return Headline(words("No site"), tuple(_nothing(document, words)), badge, kind)
    milestones = tuple(
        (one["name"], words.date(one["date"]), tuple(_details(one, words))) for one in document["milestones"]
    )
    others = [words("Also {comparison}.", comparison=_faster(row, words)) for row in document["baselines"][1:]]
    verdict = (_main(document, words), *others, _whole(document, words), _proof(document, words))
    return Headline(document["site_name"], verdict, badge, kind, tuple(_figures(document, words)), milestones)


def _nothing(document: Document, words: Words) -> list[str]:
    if document["outcome"] == RunOutcome.LIMIT:
        if document["certificate"]["evidence"]["undecided"]:
            return [words("No answer: the solver contradicts itself, and neither a plan nor a safe bound decides.")]
        return [words("No plan yet: the time was up before the first one.")]
    count = words.count(document["candidates"], "candidate")
    return [
        words("None of {candidates} can serve within the horizon.", candidates=count),
        words("The ranking below says why, one by one; `siteopt explain` says what would have to change."),
    ]


def _details(milestone: Document, words: Words) -> list[str]:
    held = held_by(milestone, words)
    lines = [
        words("day {day}", day=milestone["day"]),
        words("{gpus} GPUs, {mw} MW at peak", gpus=f"{milestone['gpus']:,}", mw=f"{milestone['demand_mw']:,.1f}"),
    ]
    return [*lines, held] if held else lines


def _main(document: Document, words: Words) -> str:
    baseline = next(iter(document["baselines"]), None)
    milestone = document["milestones"][-1]
    if baseline is not None:
        milestone = next(one for one in document["milestones"] if one["name"] == baseline["milestone"])
    said = words(
        "{gpus} GPUs train from {date}, day {day}",
        gpus=f"{milestone['gpus']:,}",
        date=words.date(milestone["date"]),
        day=milestone["day"],
    )
    if baseline is None:
        return said + "."
    return f"{said}: {_faster(baseline, words)}."


def _faster(baseline: Document, words: Words) -> str:
    values = {"name": baseline["name"], "times": _times(baseline, words)}
    if baseline["times_faster_low"] > 1:
        return words("{times} times faster than “{name}”", **values)
    return words("{times} times as fast as “{name}”", **values)


def _times(baseline: Document, words: Words) -> str:
    low, high = f"{baseline['times_faster_low']:.1f}", f"{baseline['times_faster_high']:.1f}"
    return low if low == high else words("{low} to {high}", low=low, high=high)


def _whole(document: Document, words: Words) -> str:
    last, costs = document["milestones"][-1], document["cost_usd"]
    return words(
        "The whole plan, to {gpus} GPUs on {date}, costs {total}, of which {gpu_cost} are GPUs.",
        gpus=f"{last['gpus']:,}",
        date=words.date(last["date"]),
        total=words.money(document, costs["total"]),
        gpu_cost=words.money(document, costs["gpus"]),
    )


def _proof(document: Document, words: Words) -> str:
    goals = [words.term(goal) if goal == "cost" else goal for goal in document["objective"]]
    order = ", ".join(goals if len(goals) <= MANY else [*goals[:2], "…", goals[-1]])
    if document["outcome"] == RunOutcome.PROVEN:
        sites = words.count(document["eligible"], "eligible site")
        return words(
            "Proven for what was entered: of {sites} none has a better plan, in the order {order}.",
            sites=sites,
            order=order,
        )
    return words("Not proven: the best plan so far. {bounds}.", bounds=_bounds(document, words))


def _bounds(document: Document, words: Words) -> str:
    """What no site can beat, as far as it is known."""
    said = []
    for stage in document["certificate"]["stages"]:
        gap = f"{stage['gap']:.2%}"
        if stage["goal"] == "cost":
            least = words.money(document, stage["bound"] * 1e6)
            said.append(words("no plan costs less than {least} (gap {gap})", least=least, gap=gap))
        else:
            day = f"{stage['bound']:.0f}"
            said.append(words("{goal} not before day {day} (gap {gap})", goal=stage["goal"], day=day, gap=gap))
    return "; ".join(said)


def _figures(document: Document, words: Words) -> list[Figure]:
    baseline = next(iter(document["baselines"]), None)
    first, last = document["milestones"][0], document["milestones"][-1]
    candidates = words.count(document["candidates"], "candidate")
    eligible = words("{eligible} eligible", eligible=f"{document['eligible']:,}")
    start = words("day {day}: {name}", day=first["day"], name=first["name"])
    figures = [
        Figure(words("Chosen from"), candidates, eligible),
        Figure(words("Training starts"), words.date(first["date"]), start),
    ]
    if baseline is not None:
        quoted = words(
            "{milestone} on day {day}; quoted: {low} to {high} days",
            milestone=baseline["milestone"],
            day=baseline["days"],
            low=baseline["days_low"],
            high=baseline["days_high"],
        )
        figures.append(Figure(words("Faster"), words("{times} times", times=_times(baseline, words)), quoted))
    else:
        figures.append(
            Figure(
                words("Complete"),
                words.date(last["date"]),
                words("day {day}: {name}", day=last["day"], name=last["name"]),
            )
        )
    others = document["cost_usd"]["total"] - document["cost_usd"]["gpus"]
    rest = words("{money} without the GPUs", money=words.money(document, others))
    figures.append(Figure(words("Cost"), words.money(document, document["cost_usd"]["total"]), rest))
    return figures


def assumed_of_chosen(document: Document, words: Words) -> str:
    """How many figures of the chosen site are not known but assumed."""
    names = [words.term(item["column"]) for item in document["assumptions"] if item["chosen_site"]]
    if not names:
        return words("Every figure of this site was entered; none had to be assumed.")
    return words(
        "{count} of the {all} figures that decide about this site were blank, and are assumed: {names}.",
        count=len(names),
        all=ASSUMABLE,
        names=", ".join(names),
    )
