"""Summarise a run in a few lines for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from siteopt.equipment import KINDS
from siteopt.output.headline import knowledge
from siteopt.output.limits import limit_of
from siteopt.output.names import titled
from siteopt.output.replay import figure_text, worst_figures
from siteopt.output.translations import MoneyUnit, Translations
from siteopt.output.value import break_even_text, day_line
from siteopt.record.base import RunOutcome
from siteopt.record.replay import PowerQualityRecord, ReplayedMilestone, ReplayRecord
from siteopt.record.run import ListedSite, PlanRecord, RunRecord

NEXT_BEST = 3


def summary(run: RunRecord) -> str:
    """Return the answer in a few lines of text."""
    certificate, plan, translations = run.certificate, run.plan, Translations.of(run)
    lines = [
        *knowledge(run, translations),
        f"{run.scenario}: {run.outcome} in {certificate.seconds:.1f} s, {certificate.milps_solved} MILPs",
    ]
    if plan is None:
        return "\n".join([*lines, *_reasons(run, translations)])
    unit = translations.cost_unit(plan.cost)
    if run.outcome is RunOutcome.LIMIT:
        lines.append(
            "Not proven  "
            + "; ".join(["the best plan found so far", _bounds(run, unit), *_undecided(run, translations)])
        )
    lines.append(f"Site        {plan.site_name} ({plan.site_id}), {_among(run)}{run.candidates:,} candidates")
    width = max(len(milestone.name) for milestone in plan.milestones)
    for milestone in plan.milestones:
        limit = limit_of(milestone, translations)
        lines.append(
            f"Milestone   {milestone.name:<{width}}  {milestone.gpus:>9,} GPUs  day {milestone.day:>4}"
            f"  {milestone.date}  {milestone.demand_mw:>6.1f} MW{f'  limited by {limit}' if limit else ''}"
            + (f"  at {milestone.power_cap:.0%} of their power" if milestone.power_cap < 1 else "")
        )
    for row in plan.baselines:
        head, than = ("Faster  ", "faster than") if row.times_faster_low > 1 else ("Compared", "as fast as")
        lines.append(
            f"{head}    {row.times_faster_low:.1f} to {row.times_faster_high:.1f} times {than} {row.name!r}"
            f" ({row.milestone}: day {row.days} against {row.days_low:g} to {row.days_high:g})"
        )
    lines += _mix(plan, translations)
    lines.append(f"Cost        {unit(plan.cost.total_usd)}: " + _parts(plan, unit, translations))
    lines += _cash(plan, unit)
    if run.value is not None:
        lines.append(day_line(run.value, translations))
    lines += [
        f"Next best   {site.rank}. {site.name}: days {_days(site)}, {unit(site.cost_usd)}"
        + (f", or up to {unit.bare(site.may_cost_less_usd)} less" if site.may_cost_less_usd else "")
        + (f"; {said}" if (said := break_even_text(site, translations)) else "")
        for site in run.ranking
        if site.rank is not None and site.cost_usd is not None and 1 < site.rank <= 1 + NEXT_BEST
    ]
    guessed = [one.column for one in run.assumptions if one.chosen_site]
    if guessed:
        lines.append(f"Assumed     for this site: {', '.join(guessed)}")
    return "\n".join(
        [*lines, *_second(run, translations), *replay_lines(plan.replay, plan.power_quality, translations)]
    )


def _among(run: RunRecord) -> str:
    """Return a text on the eligible sites; empty for the monolithic method, which ranks only the chosen site."""
    return f"best of {run.eligible:,} eligible, " if run.method == "search" else ""


def _bounds(run: RunRecord, unit: MoneyUnit) -> str:
    """Return in words the bounds that no site can beat, as far as they are known."""
    said = []
    for stage in run.certificate.stages:
        if stage.goal == "cost":
            said.append(f"cost at least {unit(stage.bound * 1e6)} (gap {stage.gap:.2%})")
        else:
            said.append(f"{stage.goal} not before day {stage.bound:.0f} (gap {stage.gap:.0%})")
    return ", ".join(said)


def _undecided(run: RunRecord, translations: Translations) -> list[str]:
    """Return a text on the claims about which the solver contradicts itself, if any stay undecided."""
    count = run.certificate.evidence.undecided
    return [f"the solver contradicts itself about {translations.count(count, 'claim')}"] if count else []


def _second(run: RunRecord, translations: Translations) -> list[str]:
    """Return a line on the answer of the second solver; no line if there was none."""
    found = run.certificate.second_solver
    if found is None:
        return []
    if not found.agrees:
        verdict = "DISAGREES: do not use this plan, and please report it"
    elif found.mistaken:
        verdict = "is mistaken: this plan is valid, and better than the answer of the second solver"
    elif found.finished:
        verdict = "agrees"
    else:
        verdict = "found no contradiction, but did not finish"
    best = f"; its best plan costs {translations.money(found.cost_musd * 1e6)}" if found.cost_musd else ""
    return [f"Checked     {found.solver} {verdict}{best}"]


def replay_lines(replay: ReplayRecord, quality: PowerQualityRecord, translations: Translations) -> list[str]:
    """Return the lines on the replay of a plan and on its power quality."""
    return [_replay(replay, translations), *_quality(quality, translations)]


def _replay(found: ReplayRecord, translations: Translations) -> str:
    """Return a line on whether every milestone starts as planned in the replay, and whether the budget suffices."""
    other = [_start(one, translations) for one in found.milestones if one.days_later != 0]
    budget = ["ABOVE THE BUDGET"] if found.cost_usd is not None and not found.within_budget else []
    return f"Replay      {'; '.join([*(other or ['as planned']), *budget])}"


def _start(one: ReplayedMilestone, translations: Translations) -> str:
    """Return when and why a milestone starts on another day than planned."""
    why = f": {translations.reasons(one.reasons)}" if one.reasons else ""
    if one.day is None or one.days_later is None:
        return f"{one.name} does not start{why}"
    late = f"{translations.count(abs(one.days_later), 'day')} {'later' if one.days_later > 0 else 'earlier'}"
    return f"{one.name} on day {one.day}, {late} than planned{why}"


def _quality(found: PowerQualityRecord, translations: Translations) -> Iterator[str]:
    """Yield lines on whether the required class is kept, and on how the class changed the plan."""
    if found.iso_class is None:
        return
    failed = dict.fromkeys(one.event for one in found.without_batteries.failed)
    without = f" (without batteries: {', '.join(failed)} {'fails' if len(failed) == 1 else 'fail'})" if failed else ""
    failing = ", ".join(one.name for one in found.milestones if not one.kept)
    kept = "kept at every milestone" if found.passes else f"NOT kept at {failing}"
    lost = f", also if {found.units_lost_together} generators are lost at once" if found.units_lost_together > 1 else ""
    yield f"Electricity {found.iso_class} {kept}{lost if found.passes else ''}{without}"
    for one in found.milestones:
        for mode in one.kept[:1] or dict.fromkeys(event.mode for event in one.events):
            worst = ", ".join(figure_text(figure, translations) for figure in worst_figures(one, mode))
            yield f"            {one.name}, {mode}: {worst}"
    before = found.before
    if before is not None:
        days = ", ".join(str(day) for day in before.days)
        plan = f"{before.site_name}, days {days}, {translations.money(before.cost_usd)}"
        yield f"Iterations  {found.iterations}; the plan without this requirement: {plan}"


def _mix(plan: PlanRecord, translations: Translations) -> list[str]:
    lines = []
    for kind in KINDS:
        models: Counter[str] = Counter()
        for order in plan.orders:
            if order.kind == kind.name:
                models[order.model] += order.all_units
        mw = plan.milestones[-1].equipment_mw[kind.name]
        if models:
            units = ", ".join(f"{count} x {model}" for model, count in models.most_common())
            lines.append(
                f"{titled(kind.plural):<11} {translations.count(models.total(), 'unit')}, {mw:,.1f} MW: {units}"
            )
    if plan.buildings:
        types = Counter(translations.term(one.shell_type) if one.shell_type else "building" for one in plan.buildings)
        built = ", ".join(f"{count} x {name}" for name, count in types.most_common())
        roofs = [one.roof for one in plan.buildings]
        lines.append(f"Buildings   {built}, fitted out from {min(roofs)} on, the last from {max(roofs)} on")
    risen = [f", {step.grid_mw:g} MW from {step.ready}" for step in plan.grid_steps if step.in_service_from]
    lines.append(f"Grid        {plan.milestones[0].grid_mw:g} MW at the first milestone{''.join(risen)}")
    changes = [
        str(one.date) for one in plan.phases if one.date not in {milestone.date for milestone in plan.milestones}
    ]
    if changes:
        lines.append(f"Limits      fall on {', '.join(changes)}; the plan holds in each phase between them")
    return lines


def _parts(plan: PlanRecord, unit: MoneyUnit, translations: Translations) -> str:
    parts = sorted(((name, usd) for name, usd in plan.cost.parts_usd.items() if usd), key=lambda part: -part[1])
    return ", ".join(f"{translations.term(name)} {unit.bare(usd)}" for name, usd in parts)


def _cash(plan: PlanRecord, unit: MoneyUnit) -> list[str]:
    """Return a line on what is committed and paid by when; none for a run of an earlier version."""
    if plan.cash is None:
        return []
    peak, first = plan.cash.peak, plan.cash.milestones[0]
    return [
        f"Cash        at most {unit(peak.unpaid_usd)} committed and not yet paid ({peak.date}); by {first.milestone},"
        f" {unit(first.committed_usd)} committed and {unit(first.paid_usd)} paid"
    ]


def _days(site: ListedSite) -> str:
    return ", ".join(str(one.day) for one in site.milestones)


def _reasons(run: RunRecord, translations: Translations) -> list[str]:
    if run.outcome is RunOutcome.LIMIT:
        return [
            "; ".join(_undecided(run, translations)) or "No plan yet: the time ran out before the first plan was found"
        ]
    return [f"  {site.site_id}: {translations.reasons(site.reasons) or site.standing}" for site in run.ranking]
