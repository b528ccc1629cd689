"""Make the first screen of a report: the result in sentences, the main figures, the milestones."""

from __future__ import annotations

from dataclasses import dataclass

from siteopt.output.limits import limited_by
from siteopt.output.words import Words
from siteopt.record.base import RunOutcome
from siteopt.record.run import Baseline, Milestone, PlanRecord, RunRecord
from siteopt.schema import CANDIDATES

MANY = 5
"""If there are more goals than this, a sentence does not name all of them."""
ASSUMABLE = sum(column.assumable for column in CANDIDATES)


@dataclass(frozen=True)
class Figure:
    """A figure of the first screen: its name, its value, and a note on what it refers to."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Headline:
    """The first screen of a report.

    Attributes
    ----------
    title : str
    verdict : tuple of str
        Sentences; the first one can stand alone.
    badge, badge_kind : str
        Outcome in words, and its kind: ``good``, ``open`` or ``none``.
    """

    title: str
    verdict: tuple[str, ...]
    badge: str
    badge_kind: str
    figures: tuple[Figure, ...] = ()
    milestones: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


def headline(run: RunRecord, words: Words) -> Headline:
    """Return the first screen of a run, whatever its outcome."""
    outcome, plan = run.outcome, run.plan
    badge = words.term("not proven" if outcome is RunOutcome.LIMIT else outcome)
    kind = {RunOutcome.PROVEN: "good", RunOutcome.LIMIT: "open"}.get(outcome, "none")
    if plan is None:
        return Headline(words("No site"), tuple(_nothing(run, words)), badge, kind)
    milestones = tuple((one.name, words.date(one.date), tuple(_details(one, words))) for one in plan.milestones)
    others = [words("Also {comparison}.", comparison=_faster(row, words)) for row in plan.baselines[1:]]
    verdict = (_main(plan, words), *others, _whole(plan, words), _proof(run, words))
    return Headline(plan.site_name, verdict, badge, kind, tuple(_figures(run, plan, words)), milestones)


def _nothing(run: RunRecord, words: Words) -> list[str]:
    if run.outcome is RunOutcome.LIMIT:
        if run.certificate.evidence.undecided:
            return [
                words(
                    "No answer: the solver contradicts itself, and neither a plan nor a safe bound shows what is right."
                )
            ]
        return [words("No plan yet: the time ran out before the first plan was found.")]
    count = words.count(run.candidates, "candidate")
    return [
        words("None of {candidates} can serve within the horizon.", candidates=count),
        words("The ranking below gives the reason for each site; `siteopt explain` says what would have to change."),
    ]


def _details(milestone: Milestone, words: Words) -> list[str]:
    held = limited_by(milestone, words)
    gpus, mw = words.number(milestone.gpus), words.number(milestone.demand_mw, 1)
    lines = [
        words("day {day}", day=milestone.day),
        words("{gpus} GPUs, {mw} MW at peak", gpus=gpus, mw=mw),
    ]
    return [*lines, held] if held else lines


def _main(plan: PlanRecord, words: Words) -> str:
    baseline = next(iter(plan.baselines), None)
    milestone = plan.milestones[-1]
    if baseline is not None:
        milestone = next(one for one in plan.milestones if one.name == baseline.milestone)
    said = words(
        "{gpus} GPUs start training on {date} (day {day})",
        gpus=words.number(milestone.gpus),
        date=words.date(milestone.date),
        day=milestone.day,
    )
    if baseline is None:
        return said + "."
    return f"{said}: {_faster(baseline, words)}."


def _faster(baseline: Baseline, words: Words) -> str:
    values = {"name": baseline.name, "times": _times(baseline, words)}
    if baseline.times_faster_low > 1:
        return words("{times} times faster than “{name}”", **values)
    return words("{times} times as fast as “{name}”", **values)


def _times(baseline: Baseline, words: Words) -> str:
    low, high = words.number(baseline.times_faster_low, 1), words.number(baseline.times_faster_high, 1)
    return low if low == high else words("{low} to {high}", low=low, high=high)


def _whole(plan: PlanRecord, words: Words) -> str:
    last, cost = plan.milestones[-1], plan.cost
    unit = words.cost_unit(cost)
    return words(
        "The whole plan, up to {gpus} GPUs on {date}, costs {total}, including {gpu_cost} for GPUs.",
        gpus=words.number(last.gpus),
        date=words.date(last.date),
        total=unit(cost.total_usd),
        gpu_cost=unit(cost.parts_usd["gpus"]),
    )


def _proof(run: RunRecord, words: Words) -> str:
    goals = [words.term(goal) if goal == "cost" else goal for goal in run.objective]
    order = ", ".join(goals if len(goals) <= MANY else [*goals[:2], "…", goals[-1]])
    if run.outcome is RunOutcome.PROVEN:
        sites = words.count(run.eligible, "eligible site")
        return words(
            "Proven for the data entered: none of {sites} has a better plan (goals, most important first: {order}).",
            sites=sites,
            order=order,
        )
    return words("Not proven: this is the best plan found so far. {bounds}.", bounds=_bounds(run, words))


def _bounds(run: RunRecord, words: Words) -> str:
    """Return in words the bounds that no site can beat, as far as they are known."""
    said = []
    for stage in run.certificate.stages:
        gap = words.percent(stage.gap, 2)
        if stage.goal == "cost":
            least = words.money(stage.bound * 1e6)
            said.append(words("no plan costs less than {least} (gap {gap})", least=least, gap=gap))
        else:
            day = words.number(stage.bound)
            said.append(words("{goal} not before day {day} (gap {gap})", goal=stage.goal, day=day, gap=gap))
    return "; ".join(said)


def _figures(run: RunRecord, plan: PlanRecord, words: Words) -> list[Figure]:
    baseline = next(iter(plan.baselines), None)
    first, last = plan.milestones[0], plan.milestones[-1]
    candidates = words.count(run.candidates, "candidate")
    eligible = words("{eligible} eligible", eligible=words.number(run.eligible))
    start = words("day {day}: {name}", day=first.day, name=first.name)
    figures = [
        Figure(words("Chosen from"), candidates, eligible),
        Figure(words("Training starts"), words.date(first.date), start),
    ]
    if baseline is not None:
        quoted = words(
            "{milestone} on day {day}; quoted: {low} to {high} days",
            milestone=baseline.milestone,
            day=baseline.days,
            low=words.number(baseline.days_low),
            high=words.number(baseline.days_high),
        )
        figures.append(Figure(words("Faster"), words("{times} times", times=_times(baseline, words)), quoted))
    else:
        complete = words("day {day}: {name}", day=last.day, name=last.name)
        figures.append(Figure(words("Complete"), words.date(last.date), complete))
    unit = words.cost_unit(plan.cost)
    rest = words("{money} without the GPUs", money=unit(plan.cost.total_usd - plan.cost.parts_usd["gpus"]))
    figures.append(Figure(words("Cost"), unit(plan.cost.total_usd), rest))
    return figures


def assumed_of_chosen(run: RunRecord, words: Words) -> str:
    """Return a sentence on how many figures of the chosen site were blank and are assumed."""
    names = [words.term(one.column) for one in run.assumptions if one.chosen_site]
    if not names:
        return words("All figures of this site were entered; none had to be assumed.")
    return words(
        "{count} of {all} figures of this site were blank; the values of the scenario are used for them: {names}.",
        count=len(names),
        all=ASSUMABLE,
        names=", ".join(names),
    )
