"""Put an explanation into lines of text: why a site does not win, or what it lacks to serve."""

from __future__ import annotations

import itertools

from siteopt.output.names import PLURAL, titled
from siteopt.output.translations import MoneyUnit, Translations
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.explanation import ChangeRecord, ComparedPlan, ExplanationRecord, ShortfallRecord
from siteopt.schema import RESOURCE_UNITS, Resource

SINGLE = "Each change alone is sufficient, and the smallest one that is; its cost is not included."
TOGETHER = "No single change is sufficient; these together are. Their cost is not included."

NAMED = 4
"""Largest number of limits, or parts of the cost, that a line of text names."""


def explanation(record: ExplanationRecord) -> str:
    """Return the answer in a few lines of text."""
    translations = Translations.of(record)
    lines = [f"Site        {record.site_name} ({record.site_id}): {_verdict(record, translations)}"]
    if record.excluded:
        known = "" if record.standing is Standing.EXCLUDED else "; the lines below assume that it is not excluded"
        lines.append(f"Excluded    {translations.reasons(record.excluded)}{known}")
    plan, rival = record.plan, record.rival
    wins = record.standing is Standing.CHOSEN
    if rival is not None:
        label = "Next best" if wins else "Winner" if record.outcome is RunOutcome.PROVEN else "Best known"
        lines.append(f"{label:<10}  {rival.site_name} ({rival.site_id})")
    if plan is not None:
        lines += _side_by_side(plan, rival, translations)
    if plan is not None and rival is not None and not wins:
        lines += _behind(plan, rival, translations)
    lines += [f"Lacks       {_lack(short, translations)}" for short in record.shortfalls]
    return "\n".join([*lines, *_ways(record, translations)])


def _ways(record: ExplanationRecord, translations: Translations) -> list[str]:
    """Return the lines on what would have to change for the site to win, or to serve at all."""
    goal = "To serve:" if record.plan is None else "To win:"
    ways = [" and ".join(_change(change, translations) for change in changes) for changes in record.changes]
    proven, lines = record.outcome is RunOutcome.PROVEN, []
    if ways:
        is_single = len(record.changes[0]) == 1
        lines.append(f"{goal:<10}  {'; or '.join(ways)}")
        lines.append("            " + (SINGLE if is_single else TOGETHER))
    elif proven and record.standing in (Standing.RANKED, Standing.CANNOT_SERVE):
        lines.append(f"{goal:<10}  no change of the site is sufficient, not even all of them together")
        lines += [f"Still lacks {_lack(short, translations)}" for short in record.still_short]
    if not proven:
        lines.append("Limit       the time ran out before the proof: another site may win, and changes may be missing")
    return lines


def _verdict(record: ExplanationRecord, translations: Translations) -> str:
    """Return what became of the site, in a few words."""
    standing, proven = record.standing, record.outcome is RunOutcome.PROVEN
    if standing is Standing.CHOSEN:
        return "it wins" if proven else "the best site found so far"
    if standing is Standing.RANKED:
        return "it can serve, but does not win"
    if standing is Standing.EXCLUDED:
        return "it is excluded, because too much about it is unknown"
    if standing is Standing.CANNOT_SERVE:
        in_numbers = any(short.needed is not None for short in record.shortfalls)
        return "it cannot serve" if in_numbers else f"it cannot serve: {translations.reasons(record.reasons)}"
    return f"it is {standing}"


def _side_by_side(plan: ComparedPlan, rival: ComparedPlan | None, translations: Translations) -> list[str]:
    """Return lines with days, units, grid and cost of the site, and after a bar those of the rival."""
    plans = [found for found in (plan, rival) if found is not None]
    unit = translations.money_unit(found.cost.total_usd for found in plans)
    kinds = [kind for kind in plan.units if any(found.units[kind] for found in plans)]
    parts = [name for name in plan.cost.parts_usd if any(found.cost.parts_usd[name] for found in plans)]
    own, *others = (_facts(found, kinds, parts, unit) for found in plans)
    other = others[0] if others else []
    width = max(len(text) for _, text in own)
    rows = itertools.zip_longest(own, other, fillvalue=("", ""))
    return [f"{label:<11} {text:<{width}}" + (f"  |  {beside}" if other else "") for (label, text), (_, beside) in rows]


def _facts(plan: ComparedPlan, kinds: list[str], parts: list[str], unit: MoneyUnit) -> list[tuple[str, str]]:
    milestones = plan.milestones
    width = max(len(milestone.name) for milestone in milestones)
    rows = [("Plan", plan.site_id)]
    rows += [("Milestone", f"{m.name:<{width}}  day {m.day:>4}  {m.date}") for m in milestones]
    for kind in kinds:
        units, mw = plan.units[kind], milestones[-1].equipment_mw[kind]
        rows.append((titled(PLURAL[kind]), f"{units:>3} {'unit' if units == 1 else 'units'}, {mw:,.1f} MW"))
    rows.append(("Grid", ", ".join(f"{m.grid_mw:g}" for m in milestones) + " MW by milestone"))
    rows.append(("Cost", f"{'total':<13} {unit(plan.cost.total_usd):>20}"))
    for name in parts:
        rows.append(("", f"{unit.translations.term(name):<13} {unit(plan.cost.parts_usd[name]):>20}"))
    return rows


def _behind(plan: ComparedPlan, rival: ComparedPlan, translations: Translations) -> list[str]:
    """Return lines on milestones that are later than the rival's, with their limits; if none is, on what costs more."""
    lines = []
    for own, other in zip(plan.milestones, rival.milestones, strict=True):
        if own.day > other.day:
            saved = [f"{translations.term(one.limit)} {translations.count(one.days, 'day')}" for one in own.days_saved][
                :NAMED
            ]
            held = f"; limited by {translations.reason(own.limited_by)}" if own.limited_by is not None else ""
            held = f"; saved if relaxed: {', '.join(saved)}" if saved else held
            lines.append(f"Behind      {own.name} by {translations.count(own.day - other.day, 'day')}{held}")
    if lines:
        return lines
    total = plan.cost.total_usd - rival.cost.total_usd
    more = {name: usd - rival.cost.parts_usd[name] for name, usd in plan.cost.parts_usd.items()}
    unit = translations.money_unit([total, *more.values()])
    dearer = sorted(((usd, name) for name, usd in more.items() if usd > 0 and unit(usd) != unit(0.0)), reverse=True)
    parts = ", ".join(f"{translations.term(name)} {unit(usd)}" for usd, name in dearer[:NAMED])
    return [f"Behind      in cost by {unit(total)}; more expensive: {parts}"] if total > 0 else []


def _lack(short: ShortfallRecord, translations: Translations) -> str:
    place = f" for {short.milestone}" if short.milestone else ""
    limit = translations.term(short.limit)
    if short.missing is None:
        return f"{limit}{place}: not enough on any day"
    if short.limit == "budget":
        return f"budget: {translations.money(short.missing * 1e6)} more"
    if short.unit == "days":
        return f"{limit}{place}: day {short.needed:,g}, {translations.count(short.missing, 'day')} after the horizon"
    needed = f" of {short.needed:,.1f}" if short.needed is not None else ""
    return f"{limit}{place}: {short.missing:,.1f}{needed} {translations.term(short.unit)} missing"


def _change(change: ChangeRecord, translations: Translations) -> str:
    """Return a change in words, such as ``25 MW more grid by day 60``."""
    now = change.needed if change.now is None else change.now  # contract_days without a value say only what is needed
    less, more = now - change.needed, change.needed - now
    days = f"{translations.count(less, 'day')} earlier (day {change.needed:g}, not {now:g})"
    level = f"({change.needed:,g}, not {now:,g})"
    more_of = f"{more:,g} {translations.term(change.unit)} more"
    resource, reached = translations.term(change.resource), "without a limit"
    if change.resource and change.limit is not None:
        reached = f"up to {change.limit:,g} {translations.term(RESOURCE_UNITS[Resource(change.resource)])}"
    contract = f"a contract for {change.grid_step_mw or 0:,g} MW of grid by day {change.needed:g}"
    return {
        "grid_mw": f"{more_of} grid by day {change.by_day} {level}",
        "distribution_mw": f"{more_of} distribution of its own {level}",
        "own_cooling_mw": f"{more_of} by own towers {level}",
        "handover_days": f"handover {days}",
        "air_permit_days": f"air permit {days}",
        "gas_mw": f"{more_of} gas {level}",
        "yard_area_m2": f"{more_of} yard {level}",
        "water_m3_per_day": f"{more_of} water {level}",
        "floor_area_m2": f"{more_of} floor {level}",
        "fitout_m2_per_day": f"{more_of} fit-out {level}",
        "nox_limit_t_per_year": f"{more:,g} t/year more NOx {level}",
        "grid_usd_per_mwh": f"grid energy {translations.price(less)} per MWh cheaper",
        "site_cost_usd": f"site {translations.money(less)} cheaper",
        "power_cap": f"the first milestone at {change.needed:.0%} of the GPUs' power (not {now:.0%})",
        "roof_day": f"all roofs {days}",
        "shell_days": f"each new shell in {change.needed:g} days, not {now:g}",
        "permit_days": f"permits for new shells in {change.needed:g} days, not {now:g}",
        "shell_shifts": f"new shells in {change.needed:g} shifts a day, not {now:g}",
        "fitout_shifts": f"fit-out in {change.needed:g} shifts a day, not {now:g}",
        "limit": f"{more_of} {resource} from day {change.by_day} on {level}",
        "limit_day": f"{resource} {reached} {days}",
        "contract_days": contract + (" (none is counted on)" if change.now is None else f" (not {now:g})"),
        "ready_day": f"grid step to {change.grid_step_mw or 0:g} MW {days}",
    }[change.column]
