"""``report.html``: everything about a run on one page that needs no network, from its documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from siteopt.output.charts.supply import cooling, power
from siteopt.output.document import Document
from siteopt.output.headline import assumed_of_chosen, headline
from siteopt.output.ranking import PRINTED_ROWS, ranking_table
from siteopt.output.replay import quality_part, replay_part
from siteopt.output.words import Words
from siteopt.plan import RunOutcome
from siteopt.schema import CANDIDATES

if TYPE_CHECKING:
    import jinja2

PAGE = Path(__file__).with_name("page")
OF_SECTION = {"crews": "replay", "online": "replay", "frequency": "power_quality"}
"""Charts that stand within a section."""


def charts(document: Document, sites: Document, plan: Document, words: Words) -> list[Chart]:
    """The charts of a run, in the order of the report; those of a plan only where there is one."""
    found = [site_map(document, sites, words)]
    if document["site_id"] is None:
        return found
    ground = site_plan(plan, words)
    found += [ground] if ground is not None else []
    found += [schedule(document, words), power(document, sites, words), cooling(document, words), cost(document, words)]
    replayed = (crews(document, words), online(document, words), frequency(document, words))
    return [*found, *(chart for chart in replayed if chart is not None)]


def report(
    document: Document,
    sites: Document,
    plan: Document,
    words: Words,
    front_document: Document | None = None,
    front_note: str = "",
) -> str:
    """The page of a run.

    Parameters
    ----------
    document, sites, plan : dict
        As ``plan.json``, ``sites.geojson`` and ``plan.geojson`` hold them.
    front_document : dict, optional
        As ``pareto.json`` holds it, of the same inputs.
    front_note : str
        What else is to be said about a front.
    """
    drawn = [_drawn(chart) for chart in charts(document, sites, plan, words)]
    points = front_document is not None and front_document["points"]
    drawn_front = _drawn(front(front_document, words)) if front_document is not None and points else None
    parts = {"replay": replay_part(document, words), "power_quality": quality_part(document, words)}
    alone = [chart for chart in drawn if chart.name not in OF_SECTION]
    sections = [chart.name for chart in alone] + [name for name, part in parts.items() if part is not None]
    sections += ["ranking", *(["front"] if drawn_front is not None else [])]
    has_assumptions = document["site_id"] is not None or bool(document["assumptions"])
    sections += [*(["assumptions"] if has_assumptions else []), "certificate"]
    contents = [(name, words.term(name).capitalize()) for name in sections]
    head = headline(document, words)
    return _page(
        "report.html.jinja",
        document,
        words,
        title=f"{head.title}: {document['scenario']}",
        head=head,
        contents=contents,
        charts=alone,
        parts=[
            (name, part, [chart for chart in drawn if OF_SECTION.get(chart.name) == name])
            for name, part in parts.items()
            if part is not None
        ],
        ranking=ranking_table(document, words),
        printed_rows=PRINTED_ROWS,
        front=drawn_front,
        front_note=front_note,
        has_assumptions=has_assumptions,
        assumed_sentence=assumed_of_chosen(document, words) if document["site_id"] is not None else "",
        assumptions=list(_assumptions(document, words)),
        confidence=_confidence(document, words),
        certificate=_certificate(document, words),
    )


def front_report(document: Document, words: Words) -> str:
    """The page of a front.

    Parameters
    ----------
    document : dict
        As ``pareto.json`` holds it.
    """
    chart = front(document, words)
    is_proven = document["outcome"] == RunOutcome.PROVEN
    kind = "good" if is_proven else "open" if document["points"] else "none"
    return _page(
        "front.html.jinja",
        document,
        words,
        title=f"{chart.title}: {document['scenario']}",
        heading=words("What each day of waiting would save"),
        verdict=chart.caption,
        badge=words.term(document["outcome"] if is_proven or not document["points"] else "not proven"),
        badge_kind=kind,
        front=_drawn(chart) if document["points"] else None,
        certificate=_certificate(document, words),
    )


@dataclass(frozen=True)
class _Drawn:
    """A chart with its two drawings, as a page takes them."""

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


def _page(template: str, document: Document, words: Words, **more: Any) -> str:
    files = [(_file(file, words), file["sha256"]) for file in document["inputs"]]
    found = _templates().get_template(template)
    return found.render(document=document, t=words, language=words.language, files=files, **more)


def _file(file: Mapping[str, str], words: Words) -> str:
    """The path of an input, and what was detected about it."""
    if "read_as" not in file:
        return file["path"]
    return words("{file}, read as {what}", file=file["path"], what=file["read_as"])


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
    """A cell of a table: numbers with separators."""
    return f"{cell:,.10g}" if isinstance(cell, int | float) else str(cell)


def _assumptions(document: Document, words: Words) -> Iterator[tuple[Any, ...]]:
    for item in document["assumptions"]:
        column, value = item["column"], item["value"]
        if column == "site_cost_usd":
            text = words.money(document, value)
        elif isinstance(value, str):
            text = words.term(value)
        else:
            text = f"{value:,.6g} {words.term(CANDIDATES[column].unit)}".strip()
        yield words.term(column), text, item["sites"], words("yes") if item["chosen_site"] else words("no")


def _confidence(document: Document, words: Words) -> str:
    """How sure the offers are that were ordered, by the words of their table."""
    if not document["orders"]:
        return ""
    found = Counter(order["confidence"] or "unknown" for order in document["orders"])
    said = ", ".join(f"{words.term(name)} {count}" for name, count in found.most_common())
    return words("Confidence in the offers that are ordered, as entered: {said}.", said=said)


@dataclass(frozen=True)
class _Certificate:
    sentence: str
    stages: Sequence[tuple[str, ...]]
    facts: Sequence[tuple[str, str]]


def _certificate(document: Document, words: Words) -> _Certificate:
    found = document["certificate"]
    stages = []
    for stage in found.get("stages", ()):
        if stage["goal"] == "cost":
            value, bound = (words.money(document, stage[name] * 1e6) for name in ("value", "bound"))
        else:
            value, bound = (words("day {day}", day=f"{stage[name]:.0f}") for name in ("value", "bound"))
        goal = words.term("cost") if stage["goal"] == "cost" else stage["goal"]
        stages.append((goal, value, bound, f"{stage['gap']:.2%}"))
    sentence = words(
        "Value is what the plan has; bound is what no plan of any site can beat. Proven where they are equal."
    )
    if not stages:
        sentence = words("How the answer was found, and with what.")
    return _Certificate(sentence, stages, list(_facts(document, words)))


def _evidence(found: Document, words: Words) -> str:
    """Return how the claims of the solver were checked, in words."""
    said = {
        "safe": words("{count} by safe bounds", count=f"{found['safe']:,}"),
        "agreed": words("{count} by a second setting", count=f"{found['agreed']:,}"),
        "contradicted": words("{count} given up for a plan that holds", count=f"{found['contradicted']:,}"),
        "undecided": words("{count} undecided", count=f"{found['undecided']:,}"),
    }
    return ", ".join(text for name, text in said.items() if found[name]) or words("none")


def _facts(document: Document, words: Words) -> Iterator[tuple[str, str]]:
    found = document["certificate"]
    yield words("Outcome"), words.term(document["outcome"])
    if "valid" in found:
        verdict = words("all hold") if found["valid"] else words("BROKEN: do not use this plan, and report it")
        rows = words(
            "{rows} constraints, worst excess {excess}: {verdict}",
            rows=f"{found['rows_recomputed']:,}",
            excess=f"{found['worst_excess']:.1e}",
            verdict=verdict,
        )
        yield words("Recomputed without the solver"), rows
    second = found.get("second_solver")
    if second:
        if not second["agrees"]:
            said = words("DISAGREES: do not use this plan, and report it")
        elif second["mistaken"]:
            said = words("is mistaken: the plan that is given holds, and is better than what it calls the best")
        else:
            said = words("agrees") if second["finished"] else words("contradicts nothing, but did not finish")
        yield words("Second solver"), f"{second['solver']}: {said}"
    yield words("Solver"), found["solver"]
    if "evidence" in found:
        yield words("Claims of the solver that were checked"), _evidence(found["evidence"], words)
    yield words("Programs solved"), f"{found['milps_solved']:,}"
    if "sites_solved" in found:
        yield words("Sites solved"), f"{found['sites_solved']:,}"
    yield words("Seconds"), f"{found['seconds']:.1f}"
    yield words("Random seed"), str(found["random_seed"])
    packages = {"Python": found["python"], **found["packages"]}
    yield words("Versions"), ", ".join(f"{name} {number}" for name, number in packages.items())
