"""Make ``report.html`` from the record of a run: a self-contained page about the run that works offline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siteopt.output.charts.base import NARROW, WIDE, Chart, svg
from siteopt.output.charts.cost import cost
from siteopt.output.charts.crews import crews
from siteopt.output.charts.electric import frequency
from siteopt.output.charts.front import front
from siteopt.output.charts.ground import site_plan
from siteopt.output.charts.map import site_map
from siteopt.output.charts.online import online
from siteopt.output.charts.schedule import schedule
from siteopt.output.charts.supply import cooling, others, power
from siteopt.output.geojson import GeoJSON
from siteopt.output.headline import assumed_of_chosen, headline
from siteopt.output.ranking import PRINTED_ROWS, ranking_table
from siteopt.output.replay import quality_part, replay_part
from siteopt.output.words import Words
from siteopt.record.base import InputFile, RunOutcome
from siteopt.record.front import FrontRecord
from siteopt.record.run import Environment, EvidenceRecord, PlanRecord, Recomputed, RunRecord
from siteopt.schema import CANDIDATES

if TYPE_CHECKING:
    import jinja2

PAGE = Path(__file__).with_name("page")
OF_SECTION = {"crews": "replay", "online": "replay", "frequency": "power_quality"}
"""Charts that are shown inside a section, and the name of that section."""


def charts(run: RunRecord, places: GeoJSON, words: Words) -> list[Chart]:
    """Return the charts of a run, in the order of the report; only the map if the run has no plan.

    Parameters
    ----------
    places : dict
        Content of ``plan.geojson``.
    """
    plan = run.plan
    if plan is None:
        return [site_map(run, words)]
    found = (
        site_map(run, words),
        site_plan(places, words),
        schedule(run, plan, words),
        power(run, plan, words),
        cooling(run, plan, words),
        *others(run, plan, words),
        cost(plan, words),
        crews(run, plan, words),
        online(run, plan, words),
        frequency(plan, words),
    )
    return [chart for chart in found if chart is not None]


def report(
    run: RunRecord, places: GeoJSON, words: Words, front_record: FrontRecord | None = None, front_note: str = ""
) -> str:
    """Return the HTML page of a run.

    Parameters
    ----------
    places : dict
        Content of ``plan.geojson``.
    front_record : FrontRecord, optional
        Pareto front of the same inputs.
    front_note : str
        Note about the Pareto front, such as why it is not shown.
    """
    drawn = [_drawn(chart) for chart in charts(run, places, words)]
    has_front = front_record is not None and bool(front_record.points)
    drawn_front = _drawn(front(front_record, words)) if front_record is not None and has_front else None
    plan = run.plan
    parts = {"replay": replay_part(plan, words), "power_quality": quality_part(plan, words)} if plan is not None else {}
    alone = [chart for chart in drawn if chart.name not in OF_SECTION]
    sections = [chart.name for chart in alone] + list(parts)
    sections += ["ranking", *(["front"] if drawn_front is not None else [])]
    has_assumptions = plan is not None or bool(run.assumptions)
    sections += [*(["assumptions"] if has_assumptions else []), "certificate"]
    contents = [(name, words.term(name).capitalize()) for name in sections]
    head = headline(run, words)
    return _page(
        "report.html.jinja",
        run,
        words,
        title=f"{head.title}: {run.scenario}",
        head=head,
        contents=contents,
        charts=alone,
        parts=[
            (name, part, [chart for chart in drawn if OF_SECTION.get(chart.name) == name])
            for name, part in parts.items()
        ],
        ranking=ranking_table(run, words),
        printed_rows=PRINTED_ROWS,
        front=drawn_front,
        front_note=front_note,
        has_assumptions=has_assumptions,
        assumed_sentence=assumed_of_chosen(run, words) if plan is not None else "",
        assumptions=list(_assumptions(run, words)),
        confidence=_confidence(plan, words) if plan is not None else "",
        certificate=_certificate(run, words),
    )


def front_report(record: FrontRecord, words: Words) -> str:
    """Return the HTML page of a Pareto front."""
    chart = front(record, words)
    is_proven, has_points = record.outcome is RunOutcome.PROVEN, bool(record.points)
    kind = "good" if is_proven else "open" if has_points else "none"
    return _page(
        "front.html.jinja",
        record,
        words,
        title=f"{chart.title}: {record.scenario}",
        heading=words("What a later start would save"),
        verdict=chart.caption,
        badge=words.term(record.outcome if is_proven or not has_points else "not proven"),
        badge_kind=kind,
        front=_drawn(chart) if has_points else None,
        certificate=_front_certificate(record, words),
    )


@dataclass(frozen=True)
class _Drawn:
    """A chart with its two drawings, ready for the template of a page."""

    name: str
    title: str
    caption: str
    wide: Any
    narrow: Any
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def _drawn(chart: Chart) -> _Drawn:
    from markupsafe import Markup

    wide, narrow = (Markup(svg(chart, width)) for width in (WIDE, NARROW))
    return _Drawn(chart.name, chart.title, chart.caption, wide, narrow, chart.header, chart.rows)


def _page(template: str, record: RunRecord | FrontRecord, words: Words, **more: Any) -> str:
    files = [(_file(file, words), file.sha256) for file in record.inputs]
    found = _templates().get_template(template)
    return found.render(record=record, t=words, language=words.language, files=files, **more)


def _file(file: InputFile, words: Words) -> str:
    """Return the path of an input, and what was detected about its encoding and layout, if anything."""
    if file.read_as is None:
        return file.path
    return words("{file}, read as {what}", file=file.path, what=file.read_as)


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    loader = jinja2.FileSystemLoader(PAGE)
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["shown"] = _shown
    made.tests["date"] = lambda cell: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", str(cell)))
    return made


def _shown(cell: Any) -> str:
    """Return the text of a table cell: numbers with separators and at most ten significant digits."""
    return f"{cell:,.10g}" if isinstance(cell, int | float) else str(cell)


def _assumptions(run: RunRecord, words: Words) -> Iterator[tuple[Any, ...]]:
    for one in run.assumptions:
        if isinstance(one.value, str):
            text = words.term(
                f"{one.value} {one.column}"
            )  # the column name distinguishes a ready hall from a ready unit
        elif one.column == "site_cost_usd":
            text = words.money(one.value)
        else:
            text = f"{one.value:,.6g} {words.term(CANDIDATES[one.column].unit)}".strip()
        yield words.term(one.column), text, one.sites, words("yes") if one.chosen_site else words("no")


def _confidence(plan: PlanRecord, words: Words) -> str:
    """Return a sentence that counts the orders by the confidence entered for their offers; empty without orders."""
    if not plan.orders:
        return ""
    found = Counter(order.confidence or "unknown" for order in plan.orders)
    said = ", ".join(f"{words.term(name)} {count}" for name, count in found.most_common())
    return words("Confidence in the ordered offers, as entered: {said}.", said=said)


@dataclass(frozen=True)
class _Certificate:
    sentence: str
    stages: Sequence[tuple[str, ...]]
    facts: Sequence[tuple[str, str]]


def _certificate(run: RunRecord, words: Words) -> _Certificate:
    stages = []
    for stage in run.certificate.stages:
        if stage.goal == "cost":
            unit = words.money_unit([stage.value * 1e6])
            value, bound = unit(stage.value * 1e6), unit(stage.bound * 1e6)
        else:
            value, bound = (words("day {day}", day=words.number(day)) for day in (stage.value, stage.bound))
        goal = words.term("cost") if stage.goal == "cost" else stage.goal
        stages.append((goal, value, bound, words.percent(stage.gap, 2)))
    sentence = words(
        "The value is that of the plan, and no plan of any site can beat the bound. A goal is proven if both are equal."
    )
    if not stages:
        sentence = words("How the answer was found, and with which software.")
    return _Certificate(sentence, stages, list(_facts(run, words)))


def _front_certificate(record: FrontRecord, words: Words) -> _Certificate:
    found = record.certificate
    facts = [
        (words("Outcome"), words.term(record.outcome)),
        *_recomputed(found.recomputed, words),
        (words("Solver"), found.solver),
        (words("MILPs solved"), words.number(found.milps_solved)),
        (words("Seconds"), words.number(found.seconds, 1)),
        *_environment(found.environment, words),
    ]
    return _Certificate(words("How the answer was found, and with which software."), (), facts)


def _facts(run: RunRecord, words: Words) -> Iterator[tuple[str, str]]:
    found = run.certificate
    yield words("Outcome"), words.term(run.outcome)
    yield from _recomputed(found.recomputed, words)
    second = found.second_solver
    if second is not None:
        if not second.agrees:
            said = words("DISAGREES: do not use this plan, and please report it")
        elif second.mistaken:
            said = words("is mistaken: this plan is valid, and better than the answer of the second solver")
        else:
            said = words("agrees") if second.finished else words("found no contradiction, but did not finish")
        yield words("Second solver"), f"{second.solver}: {said}"
    yield words("Solver"), found.solver
    yield words("Checked claims of the solver"), _evidence(found.evidence, words)
    yield words("MILPs solved"), words.number(found.milps_solved)
    yield words("Sites solved"), words.number(found.sites_solved)
    yield words("Seconds"), words.number(found.seconds, 1)
    yield from _environment(found.environment, words)


def _evidence(found: EvidenceRecord, words: Words) -> str:
    """Return in words how the claims of the solver were checked."""
    said = {
        words("{count} confirmed by safe bounds", count=words.number(found.safe)): found.safe,
        words("{count} confirmed by a second setting of the solver", count=words.number(found.agreed)): found.agreed,
        words("{count} refuted by a valid plan", count=words.number(found.contradicted)): found.contradicted,
        words("{count} undecided", count=words.number(found.undecided)): found.undecided,
    }
    return ", ".join(text for text, count in said.items() if count) or words("none")


def _recomputed(found: Recomputed | None, words: Words) -> Iterator[tuple[str, str]]:
    if found is not None:
        verdict = words("all hold") if found.valid else words("VIOLATED: do not use this plan, and please report it")
        rows = words(
            "{rows} constraints, worst excess {excess}: {verdict}",
            rows=words.number(found.rows),
            excess=f"{found.worst_excess:.1e}",
            verdict=verdict,
        )
        yield words("Recomputed without the solver"), rows


def _environment(found: Environment, words: Words) -> Iterator[tuple[str, str]]:
    yield words("Random seed"), str(found.random_seed)
    packages = {"Python": found.python, **found.packages}
    yield words("Versions"), ", ".join(f"{name} {number}" for name, number in packages.items())
