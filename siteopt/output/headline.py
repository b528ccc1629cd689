"""Make the first screen of a report: the result in sentences, the main figures, the milestones."""

from __future__ import annotations

from dataclasses import dataclass

from siteopt.output.limits import limited_by
from siteopt.output.translations import Translations
from siteopt.output.value import day_sentence
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


def headline(run: RunRecord, translations: Translations) -> Headline:
    """Return the first screen of a run, whatever its outcome."""
    outcome, plan = run.outcome, run.plan
    badge = translations.term("not proven" if outcome is RunOutcome.LIMIT else outcome)
    kind = {RunOutcome.PROVEN: "good", RunOutcome.LIMIT: "open"}.get(outcome, "none")
    if plan is None:
        nothing = (*knowledge(run, translations), *_nothing(run, translations))
        return Headline(translations("No site"), nothing, badge, kind)
    milestones = tuple(
        (one.name, translations.date(one.date), tuple(_details(one, translations))) for one in plan.milestones
    )
    others = [translations("Also {comparison}.", comparison=_faster(row, translations)) for row in plan.baselines[1:]]
    verdict = (
        _main(plan, translations),
        *others,
        _whole(plan, translations),
        *([day_sentence(run.value, translations)] if run.value is not None else []),
        *knowledge(run, translations),
        _proof(run, translations),
    )
    return Headline(plan.site_name, verdict, badge, kind, tuple(_figures(run, plan, translations)), milestones)


def knowledge(run: RunRecord, translations: Translations) -> tuple[str, ...]:
    """Return a sentence on how much the tables say about the candidates; no sentence if the run does not know it."""
    if run.grid_or_hall_unknown is None:
        return ()
    candidates = translations.count(run.candidates, "candidate")
    if not run.grid_or_hall_unknown:
        return (translations("{candidates}; the tables give the grid and the hall of each.", candidates=candidates),)
    unknown = translations.number(run.grid_or_hall_unknown)
    return (
        translations(
            "{candidates}; for {unknown} of them the tables do not give both the grid and the hall.",
            candidates=candidates,
            unknown=unknown,
        ),
    )


def _nothing(run: RunRecord, translations: Translations) -> list[str]:
    if run.outcome is RunOutcome.LIMIT:
        if run.certificate.evidence.undecided:
            return [
                translations(
                    "No answer: the solver contradicts itself, and neither a plan nor a safe bound shows what is right."
                )
            ]
        return [translations("No plan yet: the time ran out before the first plan was found.")]
    count = translations.count(run.candidates, "candidate")
    return [
        translations("None of {candidates} can serve within the horizon.", candidates=count),
        translations(
            "The ranking below gives the reason for each site; `siteopt explain` says what would have to change."
        ),
    ]


def _details(milestone: Milestone, translations: Translations) -> list[str]:
    held = limited_by(milestone, translations)
    gpus, mw = translations.number(milestone.gpus), translations.number(milestone.demand_mw, 1)
    lines = [
        translations("day {day}", day=milestone.day),
        translations("{gpus} GPUs, {mw} MW at peak", gpus=gpus, mw=mw),
    ]
    if milestone.power_cap < 1:
        cap, speed = translations.percent(milestone.power_cap), translations.percent(milestone.speed)
        lines.append(translations("at {cap} of their power; about {speed} of their speed", cap=cap, speed=speed))
    return [*lines, held] if held else lines


def _main(plan: PlanRecord, translations: Translations) -> str:
    baseline = next(iter(plan.baselines), None)
    milestone = plan.milestones[-1]
    if baseline is not None:
        milestone = next(one for one in plan.milestones if one.name == baseline.milestone)
    said = translations(
        "{gpus} GPUs start training on {date} (day {day})",
        gpus=translations.number(milestone.gpus),
        date=translations.date(milestone.date),
        day=milestone.day,
    )
    if baseline is None:
        return said + "."
    return f"{said}: {_faster(baseline, translations)}."


def _faster(baseline: Baseline, translations: Translations) -> str:
    values = {"name": baseline.name, "times": _times(baseline, translations)}
    if baseline.times_faster_low > 1:
        return translations("{times} times faster than “{name}”", **values)
    return translations("{times} times as fast as “{name}”", **values)


def _times(baseline: Baseline, translations: Translations) -> str:
    low, high = translations.number(baseline.times_faster_low, 1), translations.number(baseline.times_faster_high, 1)
    return low if low == high else translations("{low} to {high}", low=low, high=high)


def _whole(plan: PlanRecord, translations: Translations) -> str:
    last, cost = plan.milestones[-1], plan.cost
    unit = translations.cost_unit(cost)
    return translations(
        "The whole plan, up to {gpus} GPUs on {date}, costs {total}, including {gpu_cost} for GPUs.",
        gpus=translations.number(last.gpus),
        date=translations.date(last.date),
        total=unit(cost.total_usd),
        gpu_cost=unit(cost.parts_usd["gpus"]),
    )


def _proof(run: RunRecord, translations: Translations) -> str:
    goals = [translations.term(goal) if goal == "cost" else goal for goal in run.objective]
    order = ", ".join(goals if len(goals) <= MANY else [*goals[:2], "…", goals[-1]])
    if run.outcome is RunOutcome.PROVEN:
        sites = translations.count(run.eligible, "eligible site")
        return translations(
            "Proven for the data entered: none of {sites} has a better plan (goals, most important first: {order}).",
            sites=sites,
            order=order,
        )
    return translations("Not proven: this is the best plan found so far. {bounds}.", bounds=_bounds(run, translations))


def _bounds(run: RunRecord, translations: Translations) -> str:
    """Return in words the bounds that no site can beat, as far as they are known."""
    said = []
    for stage in run.certificate.stages:
        gap = translations.percent(stage.gap, 2)
        if stage.goal == "cost":
            least = translations.money(stage.bound * 1e6)
            said.append(translations("no plan costs less than {least} (gap {gap})", least=least, gap=gap))
        else:
            day = translations.number(stage.bound)
            said.append(translations("{goal} not before day {day} (gap {gap})", goal=stage.goal, day=day, gap=gap))
    return "; ".join(said)


def _figures(run: RunRecord, plan: PlanRecord, translations: Translations) -> list[Figure]:
    baseline = next(iter(plan.baselines), None)
    first, last = plan.milestones[0], plan.milestones[-1]
    candidates = translations.count(run.candidates, "candidate")
    eligible = translations("{eligible} eligible", eligible=translations.number(run.eligible))
    start = translations("day {day}: {name}", day=first.day, name=first.name)
    figures = [
        Figure(translations("Chosen from"), candidates, eligible),
        Figure(translations("Training starts"), translations.date(first.date), start),
    ]
    if baseline is not None:
        quoted = translations(
            "{milestone} on day {day}; quoted: {low} to {high} days",
            milestone=baseline.milestone,
            day=baseline.days,
            low=translations.number(baseline.days_low),
            high=translations.number(baseline.days_high),
        )
        figures.append(
            Figure(translations("Faster"), translations("{times} times", times=_times(baseline, translations)), quoted)
        )
    else:
        complete = translations("day {day}: {name}", day=last.day, name=last.name)
        figures.append(Figure(translations("Complete"), translations.date(last.date), complete))
    unit = translations.cost_unit(plan.cost)
    rest = translations("{money} without the GPUs", money=unit(plan.cost.total_usd - plan.cost.parts_usd["gpus"]))
    figures.append(Figure(translations("Cost"), unit(plan.cost.total_usd), rest))
    return figures


def assumed_of_chosen(run: RunRecord, translations: Translations) -> str:
    """Return a sentence on how many figures of the chosen site were blank and are assumed."""
    names = [translations.term(one.column) for one in run.assumptions if one.chosen_site]
    if not names:
        return translations("All figures of this site were entered; none had to be assumed.")
    return translations(
        "{count} of {all} figures of this site were blank; the values of the scenario are used for them: {names}.",
        count=len(names),
        all=ASSUMABLE + any(one.share_of for one in run.assumptions),
        names=", ".join(names),
    )
