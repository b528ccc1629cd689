"""Why a site does not win, as a plain document and in the words of a planner."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pandas as pd

from siteopt.output.document import Document, cost_usd, heading, milestones_of
from siteopt.output.summary import KINDS, PLURAL, counted, money
from siteopt.plan import RunOutcome, SiteResult, Standing
from siteopt.reasons import Change, Findings, Shortfall
from siteopt.scenario import Scenario
from siteopt.schema import CANDIDATES, GRID_STEPS

SINGLE = "Each is enough by itself, and the least that is; what it costs is not counted."
TOGETHER = "No single change is enough; these together are. What they cost is not counted."

NAMED = 4
"""Limits, or parts of the cost, that a line of text names."""


def explanation_document(
    scenario: Scenario,
    names: pd.Series,
    grid: Sequence[tuple[int, float]],
    found: Findings,
    excluded: str,
    version: str,
) -> Document:
    """Everything about a site that was asked for, in types that JSON knows.

    Parameters
    ----------
    names : Series
        Name of every candidate by site_id.
    grid : sequence of (day, MW)
        The grid of the site: the limit from each day on, in their order.
    excluded : str
        Why the scenario leaves the site out, where it does.
    """
    site = found.site
    return {
        **heading(scenario, RunOutcome.PROVEN if found.proven else RunOutcome.LIMIT, version),
        "site_id": site.site_id,
        "site_name": names[site.site_id],
        "excluded": excluded,
        "standing": str(site.standing),
        "reason": site.reason,
        "plan": _plan(scenario, names, site),
        "rival": _plan(scenario, names, found.rival) if found.rival is not None else None,
        "shortfalls": [_shortfall(scenario, short) for short in found.shortfalls],
        "still_short": [_shortfall(scenario, short) for short in found.still_short],
        "changes": [[_change(change, grid) for change in changes] for changes in found.changes],
    }


def _plan(scenario: Scenario, names: pd.Series, result: SiteResult) -> Document | None:
    if result.best is None:
        return None
    case, plan = result.best.case, result.best.plan
    kinds = zip(KINDS, (case.is_generator, case.is_chiller, case.is_battery), strict=True)
    return {
        "site_id": result.site_id,
        "site_name": names[result.site_id],
        "milestones": milestones_of(scenario, result, case, plan),
        "cost_usd": cost_usd(case, plan),
        "units": {PLURAL[kind]: int(plan.units[chosen, -1].sum()) for kind, chosen in kinds},
    }


def _shortfall(scenario: Scenario, short: Shortfall) -> Document:
    """A shortfall; of floor in square metres."""
    is_floor = short.limit == "floor area"
    m2_per_gpu = scenario.building.hall_m2_per_mw * scenario.workload.it_kw_per_gpu / 1000
    factor = m2_per_gpu if is_floor else 1.0
    return {
        "limit": short.limit,
        "milestone": short.milestone,
        "missing": _finite(short.missing * factor),
        "needed": _finite(short.needed * factor),
        "unit": "m2" if is_floor else short.unit,
    }


def _finite(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


def _change(change: Change, grid: Sequence[tuple[int, float]]) -> Document:
    lever, now, step_mw = change.lever, change.lever.now, None
    if lever.column == "grid_mw":
        now = max(mw for day, mw in grid if day <= change.by_day)
    if lever.step is not None:
        step_mw = grid[1 + lever.step][1]
    table = CANDIDATES if lever.step is None else GRID_STEPS
    return {
        "column": lever.column,
        "now": round(now, 3),
        "needed": round(change.value, 3),
        "unit": table[lever.column].unit,
        "by_day": change.by_day if lever.column == "grid_mw" else None,
        "grid_step_mw": step_mw,
    }


def explanation(document: Document) -> str:
    """The answer in a few lines of text."""
    lines = [f"Site        {document['site_name']} ({document['site_id']}): {_verdict(document)}"]
    if document["excluded"]:
        known = "" if document["standing"] == Standing.EXCLUDED else "; the rest is as if it were admitted"
        lines.append(f"Left out    {document['excluded']}{known}")
    plan, rival = document["plan"], document["rival"]
    wins = document["standing"] == Standing.CHOSEN
    if rival is not None:
        label = "Next best" if wins else "Winner" if document["outcome"] == "proven" else "Best known"
        lines.append(f"{label:<10}  {rival['site_name']} ({rival['site_id']})")
    if plan is not None:
        lines += _side_by_side(document, plan, rival)
    if plan is not None and rival is not None and not wins:
        lines += _behind(document, plan, rival)
    lines += [f"Lacks       {_lack(document, short)}" for short in document["shortfalls"]]
    return "\n".join([*lines, *_ways(document)])


def _ways(document: Document) -> list[str]:
    """What would have to change."""
    goal = "To serve:" if document["plan"] is None else "To win:"
    ways = [" and ".join(_words(document, change) for change in changes) for changes in document["changes"]]
    proven, lines = document["outcome"] == "proven", []
    if ways:
        is_single = len(document["changes"][0]) == 1
        lines.append(f"{goal:<10}  {'; or '.join(ways)}")
        lines.append("            " + (SINGLE if is_single else TOGETHER))
    elif proven and document["standing"] in (Standing.SOLVED, Standing.CANNOT_SERVE):
        lines.append(f"{goal:<10}  no change of the site is enough, nor are all of them together")
        lines += [f"Still lacks {_lack(document, short)}" for short in document["still_short"]]
    if not proven:
        lines.append("Limit       the time ran out before the proof: another site may win, and changes may be missing")
    return lines


def _verdict(document: Document) -> str:
    """What became of the site, in a few words."""
    standing, proven = document["standing"], document["outcome"] == "proven"
    if standing == Standing.CHOSEN:
        return "it wins" if proven else "the best that is known so far"
    if standing == Standing.SOLVED:
        return "it can serve, and does not win"
    if standing == Standing.EXCLUDED:
        return "too much about it is unknown"
    if standing == Standing.CANNOT_SERVE:
        in_numbers = any(short["needed"] is not None for short in document["shortfalls"])
        return "it cannot serve" if in_numbers else f"it cannot serve: {document['reason']}"
    return f"it is {standing}"


def _side_by_side(document: Document, plan: Document, rival: Document | None) -> list[str]:
    """Days, units, grid and cost of the site, and of the rival behind a bar."""
    own, other = (_facts(document, found) if found else [] for found in (plan, rival))
    width = max(len(text) for _, text in own)
    rows = itertools.zip_longest(own, other, fillvalue=("", ""))
    lines = [
        f"{label:<10}  {text:<{width}}" + (f"  |  {beside}" if other else "") for (label, text), (_, beside) in rows
    ]
    return [line for line in lines if not line.startswith(" ") or set(line) & set("123456789")]


def _facts(document: Document, plan: Document) -> list[tuple[str, str]]:
    milestones = plan["milestones"]
    width = max(len(milestone["name"]) for milestone in milestones)
    rows = [("Plan", plan["site_id"])]
    rows += [("Milestone", f"{m['name']:<{width}}  day {m['day']:>4}  {m['date']}") for m in milestones]
    last = milestones[-1]
    for kind in PLURAL.values():
        rows.append((kind.capitalize(), f"{plan['units'][kind]:>3} units, {last[f'{kind}_mw']:,.1f} MW"))
    rows.append(("Grid", ", ".join(f"{m['grid_mw']:g}" for m in milestones) + " MW by milestone"))
    for name, usd in plan["cost_usd"].items():
        rows.append(("Cost" if name == "total" else "", f"{name.replace('_', ' '):<12} {money(document, usd):>16}"))
    return rows


def _behind(document: Document, plan: Document, rival: Document) -> list[str]:
    """Milestones that are later than the rival's, with what they are held by; where none is, what costs more."""
    lines = []
    for own, other in zip(plan["milestones"], rival["milestones"], strict=True):
        if own["day"] > other["day"]:
            saved = [f"{limit} {counted(days, 'day')}" for limit, days in own["days_saved"].items()][:NAMED]
            held = f"; saved if free: {', '.join(saved)}" if saved else f"; held by {own['bottleneck']}"
            lines.append(f"Behind      {own['name']} by {counted(own['day'] - other['day'], 'day')}{held}")
    if lines:
        return lines
    more = {name: usd - rival["cost_usd"][name] for name, usd in plan["cost_usd"].items()}
    total = more.pop("total")
    dearer = sorted(((usd, name) for name, usd in more.items() if usd > 0), reverse=True)[:NAMED]
    parts = ", ".join(f"{name.replace('_', ' ')} {money(document, usd)}" for usd, name in dearer)
    return [f"Behind      in cost by {money(document, total)}; dearer: {parts}"] if total > 0 else []


def _lack(document: Document, short: Document) -> str:
    place = f" for {short['milestone']}" if short["milestone"] else ""
    if short["missing"] is None:
        return f"{short['limit']}{place}: not enough, whatever the day"
    if short["limit"] == "budget":
        return f"budget: {money(document, short['missing'] * 1e6)} more"
    if short["unit"] == "days":
        return f"{short['limit']}{place}: day {short['needed']:,g}, {short['missing']:,g} after the horizon"
    needed = f" of {short['needed']:,.1f}" if short["needed"] is not None else ""
    return f"{short['limit']}{place}: short of {short['missing']:,.1f}{needed} {short['unit']}"


def _words(document: Document, change: Document) -> str:
    """A change in words, such as ``25 MW more grid by day 60``."""
    less, more = change["now"] - change["needed"], change["needed"] - change["now"]
    days = f"{counted(less, 'day')} earlier (day {change['needed']:g}, not {change['now']:g})"
    level = f"({change['needed']:,g}, not {change['now']:,g})"
    return {
        "grid_mw": f"{more:,g} MW more grid by day {change['by_day']} {level}",
        "access_days": f"access {days}",
        "air_permit_days": f"air permit {days}",
        "gas_mw": f"{more:,g} MW more gas {level}",
        "yard_area_m2": f"{more:,g} m2 more yard {level}",
        "water_m3_per_day": f"{more:,g} m3/day more water {level}",
        "floor_area_m2": f"{more:,g} m2 more floor {level}",
        "fitout_m2_per_day": f"{more:,g} m2/day more fit-out {level}",
        "nox_limit_t_per_year": f"{more:,g} t/year more NOx {level}",
        "grid_usd_per_mwh": f"grid energy {money(document, less * 1e6).replace(' M', '')} per MWh cheaper",
        "site_cost_usd": f"site {money(document, less)} cheaper",
        "ready_day": f"grid step to {change['grid_step_mw'] or 0:g} MW {days}",
    }[change["column"]]
