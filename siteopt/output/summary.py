"""What a person reads in ten seconds."""

from __future__ import annotations

from collections import Counter

from siteopt.output.document import Document, units_of
from siteopt.plan import RunOutcome

KINDS = ("generator", "chiller", "battery")
PLURAL = {"generator": "generators", "chiller": "chillers", "battery": "batteries"}
NEXT_BEST = 3
BILLIONS = 1e5
"""Millions from which money is told in billions."""


def summary(document: Document) -> str:
    """The answer in a few lines of text."""
    certificate, ranking = document["certificate"], document["ranking"]
    head = f"{document['scenario']}: {document['outcome']}"
    lines = [f"{head}, {certificate['milps_solved']} MILPs in {certificate['seconds']:.1f} s"]
    if document["site_id"] is None:
        return "\n".join([*lines, *_reasons(document)])
    if document["outcome"] == RunOutcome.LIMIT:
        lines.append("Not proven  " + "; ".join(["the best plan so far", _bounds(document), *_undecided(document)]))
    lines.append(
        f"Site        {document['site_name']} ({document['site_id']}), {_among(document)}"
        f"{document['candidates']:,} candidates"
    )
    width = max(len(milestone["name"]) for milestone in document["milestones"])
    for milestone in document["milestones"]:
        held = f"  held by {held_by(milestone)}" if milestone["bottleneck"] else ""
        lines.append(
            f"Milestone   {milestone['name']:<{width}}  {milestone['gpus']:>9,} GPUs  day {milestone['day']:>4}"
            f"  {milestone['date']}  {milestone['demand_mw']:>6.1f} MW{held}"
        )
    for row in document["baselines"]:
        lines.append(
            f"Faster      {row['times_faster_low']:.1f} to {row['times_faster_high']:.1f} times than {row['name']!r}"
            f" ({row['milestone']}: day {row['days']} against {row['days_low']} to {row['days_high']})"
        )
    lines += _mix(document)
    lines.append(f"Cost        {money(document, document['cost_usd']['total'])}: " + _parts(document))
    lines += [
        f"Next best   {row['rank']}. {row['name']}: days {_days(document, row)}, {money(document, row['cost_usd'])}"
        for row in ranking
        if row["rank"] is not None and 1 < row["rank"] <= 1 + NEXT_BEST
    ]
    guessed = [item["column"] for item in document["assumptions"] if item["chosen_site"]]
    if guessed:
        lines.append(f"Assumed     for this site: {', '.join(guessed)}")
    return "\n".join([*lines, *_second(document), *replay_lines(document)])


def held_by(milestone: Document) -> str:
    """The limit that holds a milestone back, with the days that it costs."""
    saved = milestone["days_saved"].get(milestone["bottleneck"])
    return milestone["bottleneck"] + (f" ({counted(saved, 'day')})" if saved else "")


def _among(document: Document) -> str:
    """How many took part; by the monolithic method none but the chosen one is ranked."""
    return f"best of {document['eligible']:,} eligible, " if document["method"] == "search" else ""


def _bounds(document: Document) -> str:
    """What no site can beat, as far as it is known."""
    words = []
    for stage in document["certificate"]["stages"]:
        if stage["goal"] == "cost":
            words.append(f"cost at least {money(document, stage['bound'] * 1e6)} (gap {stage['gap']:.2%})")
        else:
            words.append(f"{stage['goal']} not before day {stage['bound']:.0f} (gap {stage['gap']:.0%})")
    return ", ".join(words)


def _undecided(document: Document) -> list[str]:
    """Say where the solver contradicts itself, and neither a plan nor a safe bound shows what is right."""
    count = document["certificate"]["evidence"]["undecided"]
    return [f"the solver contradicts itself about {counted(count, 'claim')}"] if count else []


def _second(document: Document) -> list[str]:
    """What a second solver says."""
    found = document["certificate"].get("second_solver")
    if not found:
        return []
    if not found["agrees"]:
        verdict = "DISAGREES: do not use this plan, and report it"
    elif found["mistaken"]:
        verdict = "is mistaken: the plan that is given holds, and is better than what it calls the best"
    elif found["finished"]:
        verdict = "agrees"
    else:
        verdict = "contradicts nothing, but did not finish"
    best = f"; its best plan costs {money(document, found['cost_musd'] * 1e6)}" if found["cost_musd"] else ""
    return [f"Checked     {found['solver']} {verdict}{best}"]


def replay_lines(document: Document) -> list[str]:
    """What the replay of a plan says, day by day and of its electricity; nothing where there is none."""
    return [*_replay(document), *_quality(document)]


def _replay(document: Document) -> list[str]:
    """Whether every milestone starts as planned, as replayed, and whether the budget lasts."""
    found = document["replay"]
    if found is None:
        return []
    other = [_start(one) for one in found["milestones"] if one["days_later"] != 0]
    budget = ["ABOVE THE BUDGET"] if found["cost_usd"] is not None and not found["within_budget"] else []
    return [f"Replay      {'; '.join([*(other or ['as planned']), *budget])}"]


def _start(milestone: Document) -> str:
    """When a milestone starts that does not start as planned, and why."""
    name, day, later = milestone["name"], milestone["day"], milestone["days_later"]
    why = f": {milestone['reason']}" if milestone["reason"] else ""
    if day is None:
        return f"{name} does not start{why}"
    return f"{name} on day {day}, {counted(abs(later), 'day')} {'later' if later > 0 else 'sooner'} than planned{why}"


def _quality(document: Document) -> list[str]:
    """Whether the class that is asked for is kept, and what that changed."""
    found = document["power_quality"]
    if found is None or found["class"] is None:
        return []
    failed = dict.fromkeys(name.partition(" (")[0] for name in found["without_batteries"]["failed"])
    without = f" (without batteries: {', '.join(failed)} {'fails' if len(failed) == 1 else 'fail'})" if failed else ""
    failing = ", ".join(one["name"] for one in found["milestones"] if not one["kept"])
    kept = "kept at every milestone" if found["passes"] else f"NOT kept at {failing}"
    lines = [f"Electricity {found['class']} {kept}{without}"]
    before = found["before"]
    if before is not None:
        days = ", ".join(str(day) for day in before["days"])
        plan = f"{before['site_name']}, days {days}, {money(document, before['cost_usd'])}"
        lines.append(f"Rounds      {found['rounds']}, from the plan without it: {plan}")
    return lines


def _mix(document: Document) -> list[str]:
    lines = []
    for kind in KINDS:
        models: Counter[str] = Counter()
        for order in document["orders"]:
            if order["kind"] == kind:
                models[order["model"]] += units_of(order)
        mw = document["milestones"][-1][f"{PLURAL[kind]}_mw"]
        if models:
            units = ", ".join(f"{count} x {model}" for model, count in models.most_common())
            lines.append(f"{PLURAL[kind].capitalize():<10}  {sum(models.values())} units, {mw:,.1f} MW: {units}")
    steps = [step for step in document["grid_steps"] if step["in_service_from"]]
    words = [f"{step['grid_mw']:g} MW from {step['ready']}" for step in steps]
    lines.append(
        f"Grid        {document['milestones'][0]['grid_mw']:g} MW at the first milestone"
        + "".join(f", {word}" for word in words)
    )
    return lines


def money(document: Document, usd: float) -> str:
    """An amount in the currency of a document, in millions or billions."""
    amount = usd * document["currency_per_usd"] / 1e6
    return (
        f"{document['currency']} {amount:,.1f} M"
        if amount < BILLIONS
        else f"{document['currency']} {amount / 1e3:,.1f} bn"
    )


def _parts(document: Document) -> str:
    parts = [(name, usd) for name, usd in document["cost_usd"].items() if name != "total" and usd]
    parts.sort(key=lambda part: -part[1])
    return ", ".join(f"{name.replace('_', ' ')} {money(document, usd).split(' ', 1)[1]}" for name, usd in parts)


def counted(number: float, word: str) -> str:
    """A number with its noun: ``1 day``, ``2 days``."""
    return f"{number:,g} {word if number == 1 else PLURAL.get(word, word + 's')}"


def _days(document: Document, row: Document) -> str:
    return ", ".join(str(value) for name, value in row.items() if name.startswith("day_"))


def _reasons(document: Document) -> list[str]:
    if document["outcome"] == RunOutcome.LIMIT:
        return ["; ".join(_undecided(document)) or "No plan yet: the time was up before the first one"]
    return [f"  {row['site_id']}: {row['reason'] or row['standing']}" for row in document["ranking"]]
