"""Make ``report.html`` from the record of a run: a self-contained page about the run that works offline."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siteopt.message_catalogue import Code
from siteopt.output.charts.base import NARROW, WIDE, Chart
from siteopt.output.charts.capacity import capacity
from siteopt.output.charts.capacity_by_day import capacity_by_day
from siteopt.output.charts.cash import cash
from siteopt.output.charts.cost import cost
from siteopt.output.charts.crews import crews
from siteopt.output.charts.drawing import NotDrawn, svgs
from siteopt.output.charts.electric import frequency
from siteopt.output.charts.map import site_map
from siteopt.output.charts.pareto_front import front
from siteopt.output.charts.schedule import schedule
from siteopt.output.charts.site_plan import site_plan
from siteopt.output.charts.supply import cooling, others, power
from siteopt.output.geojson import GeoJSON
from siteopt.output.headline import assumed_of_chosen, headline
from siteopt.output.ownership import signed
from siteopt.output.phases import phases_part
from siteopt.output.ranking import LISTED_ROWS, PRINTED_ROWS, ranking_table
from siteopt.output.replay import Part, quality_part, replay_part
from siteopt.output.translations import Translations
from siteopt.record.base import InputFile, RunOutcome
from siteopt.record.capacity import CapacityRecord, SiteCapacityRecord
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.run import Environment, EvidenceRecord, PlanRecord, Recomputed, RunRecord
from siteopt.schema import CANDIDATES

if TYPE_CHECKING:
    import jinja2

PAGE = Path(__file__).with_name("page")
OF_SECTION = {"crews": "replay", "capacity_by_day": "replay", "frequency": "power_quality"}
"""Charts that are shown inside a section, and the name of that section."""


def charts(run: RunRecord, plan_features: GeoJSON, translations: Translations) -> list[Chart]:
    """Return the charts of a run, in the order of the report; only the map if the run has no plan.

    Parameters
    ----------
    plan_features : dict
        Content of ``plan.geojson``.
    """
    plan = run.plan
    if plan is None:
        return [site_map(run, translations)]
    found = (
        site_map(run, translations),
        site_plan(plan_features, translations),
        schedule(run, plan, translations),
        power(run, plan, translations),
        cooling(run, plan, translations),
        *others(run, plan, translations),
        cost(plan, translations),
        cash(run, plan, translations),
        crews(run, plan, translations),
        capacity_by_day(run, plan, translations),
        frequency(plan, translations),
    )
    return [chart for chart in found if chart is not None]


def report(
    run: RunRecord,
    plan_features: GeoJSON,
    translations: Translations,
    front_record: FrontRecord | None = None,
    front_note: str = "",
) -> str:
    """Return the HTML page of a run.

    Parameters
    ----------
    plan_features : dict
        Content of ``plan.geojson``.
    front_record : FrontRecord, optional
        Pareto front of the same inputs.
    front_note : str
        Note about the Pareto front, such as why it is not shown.
    """
    shown = charts(run, plan_features, translations)
    has_front = front_record is not None and bool(front_record.points)
    drawn = _drawn([*shown, *([front(front_record, translations)] if front_record is not None and has_front else [])])
    drawn_front = drawn.pop() if has_front else None
    plan = run.plan
    parts: dict[str, Part] = {}
    if plan is not None:
        phases = phases_part(plan, translations)
        parts |= {"phases": phases} if phases is not None else {}
        parts |= {"replay": replay_part(plan, translations), "power_quality": quality_part(plan, translations)}
    alone = [chart for chart in drawn if chart.name not in OF_SECTION]
    sections = [chart.name for chart in alone] + list(parts)
    sections += ["ranking", *(["front"] if drawn_front is not None else [])]
    has_assumptions = plan is not None or bool(run.assumptions)
    sections += [*(["assumptions"] if has_assumptions else []), "certificate"]
    contents = [(name, translations.term(name).capitalize()) for name in sections]
    head = headline(run, translations)
    return _page(
        "report.html.jinja",
        run,
        translations,
        title=f"{head.title}: {run.scenario}",
        head=head,
        contents=contents,
        charts=alone,
        parts=[
            (name, part, [chart for chart in drawn if OF_SECTION.get(chart.name) == name])
            for name, part in parts.items()
        ],
        ranking=ranking_table(run, translations),
        printed_rows=PRINTED_ROWS,
        front=drawn_front,
        front_note=front_note,
        has_assumptions=has_assumptions,
        assumed_sentence=assumed_of_chosen(run, translations) if plan is not None else "",
        assumptions=list(_assumptions(run, translations)),
        confidence=_confidence(plan, translations) if plan is not None else "",
        certificate=_certificate(run, translations),
    )


def front_report(record: FrontRecord, translations: Translations) -> str:
    """Return the HTML page of a Pareto front."""
    chart = front(record, translations)
    is_proven, has_points = record.outcome is RunOutcome.PROVEN, bool(record.points)
    kind = "good" if is_proven else "open" if has_points else "none"
    return _page(
        "pareto_front.html.jinja",
        record,
        translations,
        title=f"{chart.title}: {record.scenario}",
        heading=translations("What a later start would save"),
        verdict=chart.caption,
        badge=translations.term(record.outcome if is_proven or not has_points else "not proven"),
        badge_kind=kind,
        front=_drawn([chart])[0] if has_points else None,
        certificate=_front_certificate(record, translations),
    )


def capacity_report(record: CapacityRecord, translations: Translations) -> str:
    """Return the HTML page of capacities."""
    chart = capacity(record, translations)
    is_proven, has_sites = record.outcome is RunOutcome.PROVEN, bool(record.ranked)
    header = (
        translations.term("rank"),
        translations.term("site"),
        translations.term("gpus"),
        translations("GPUs, at most"),
        translations("IT load, MW"),
        translations("Limited by"),
    )
    return _page(
        "capacity.html.jinja",
        record,
        translations,
        title=f"{chart.title}: {record.scenario}",
        verdict=chart.caption,
        badge=translations.term(record.outcome if is_proven or not has_sites else "not proven"),
        badge_kind="good" if is_proven else "open" if has_sites else "none",
        heading=chart.title,
        chart=_drawn([chart])[0] if has_sites else None,
        header=header,
        rows=[_capacity_row(site, translations) for site in record.sites[:LISTED_ROWS]],
        certificate=_front_certificate(record, translations),
    )


def _capacity_row(site: SiteCapacityRecord, translations: Translations) -> tuple[Any, ...]:
    """Return the row of a site; behind the first ranks only its bound is known."""
    asked = site.asked
    if site.rank is None:
        return "", site.name, "", asked.bound_gpus, "", ""
    limit = "" if site.limited_by is None else translations.reason(site.limited_by)
    return site.rank, site.name, asked.gpus, asked.bound_gpus, round(asked.it_mw, 1), limit


@dataclass(frozen=True)
class _Drawn:
    """A chart with its two drawings, ready for the template of a page; None if it could not be drawn."""

    name: str
    title: str
    caption: str
    wide: Any
    narrow: Any
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class NoChartsWarning(UserWarning):
    """A page has no charts, because they cannot be drawn on this machine."""


def _drawn(charts: Sequence[Chart]) -> list[_Drawn]:
    """Draw the charts of a page; if that is not possible, warn, and return them without drawings."""
    from markupsafe import Markup

    widths = (WIDE, NARROW)
    try:
        found: list[list[Any]] = [[Markup(one) for one in drawn] for drawn in svgs(charts, widths)]
    except NotDrawn as error:
        message = (
            "report.html has captions and tables, but no charts, because they cannot be drawn on this machine: the "
            f"chart engine failed, {error.why} [{Code.PAGE_WITHOUT_CHARTS.number}]"
        )
        warnings.warn(message, NoChartsWarning, stacklevel=2)
        found = [[None for _ in widths] for _ in charts]
    return [
        _Drawn(chart.name, chart.title, chart.caption, wide, narrow, chart.header, chart.rows)
        for chart, (wide, narrow) in zip(charts, found, strict=True)
    ]


def _page(
    template: str, record: RunRecord | FrontRecord | CapacityRecord, translations: Translations, **more: Any
) -> str:
    files = [(_file(file, translations), file.sha256) for file in record.inputs]
    found = _templates().get_template(template)
    page = found.render(record=record, t=translations, language=translations.language, files=files, **more)
    return signed(page.encode()).decode()


def _file(file: InputFile, translations: Translations) -> str:
    """Return the path of an input, and what was detected about its encoding and layout, if anything."""
    if file.read_as is None:
        return file.path
    return translations("{file}, read as {what}", file=file.path, what=file.read_as)


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


def _assumptions(run: RunRecord, translations: Translations) -> Iterator[tuple[Any, ...]]:
    for one in run.assumptions:
        if isinstance(one.value, str):
            text = translations.term(
                f"{one.value} {one.column}"
            )  # the column name distinguishes a ready hall from a ready unit
        elif one.share_of:
            text = f"{one.value:,.6g} × {translations.term(one.share_of)}"
        elif one.column == "site_cost_usd":
            text = translations.money(one.value)
        else:
            text = f"{one.value:,.6g} {translations.term(CANDIDATES[one.column].unit)}".strip()
        yield (
            translations.term(one.column),
            text,
            one.sites,
            translations("yes") if one.chosen_site else translations("no"),
        )


def _confidence(plan: PlanRecord, translations: Translations) -> str:
    """Return a sentence that counts the orders by the confidence entered for their offers; empty without orders."""
    if not plan.orders:
        return ""
    found = Counter(order.confidence or "unknown" for order in plan.orders)
    said = ", ".join(f"{translations.term(name)} {count}" for name, count in found.most_common())
    return translations("Confidence in the ordered offers, as entered: {said}.", said=said)


@dataclass(frozen=True)
class _Certificate:
    sentence: str
    stages: Sequence[tuple[str, ...]]
    facts: Sequence[tuple[str, str]]


def _certificate(run: RunRecord, translations: Translations) -> _Certificate:
    stages = []
    for stage in run.certificate.stages:
        if stage.goal == "cost":
            unit = translations.money_unit([stage.value * 1e6])
            value, bound = unit(stage.value * 1e6), unit(stage.bound * 1e6)
        else:
            value, bound = (
                translations("day {day}", day=translations.number(day)) for day in (stage.value, stage.bound)
            )
        goal = translations.term("cost") if stage.goal == "cost" else stage.goal
        stages.append((goal, value, bound, translations.percent(stage.gap, 2)))
    sentence = translations(
        "The value is that of the plan, and no plan of any site can beat the bound. A goal is proven if both are equal."
    )
    if not stages:
        sentence = translations("How the answer was found, and with which software.")
    return _Certificate(sentence, stages, list(_facts(run, translations)))


def _front_certificate(record: FrontRecord | CapacityRecord, translations: Translations) -> _Certificate:
    found = record.certificate
    facts = [
        (translations("Outcome"), translations.term(record.outcome)),
        *_recomputed(found.recomputed, translations),
        (translations("Solver"), found.solver),
        (translations("MILPs solved"), translations.number(found.milps_solved)),
        (translations("Seconds"), translations.number(found.seconds, 1)),
        *_environment(found.environment, translations),
    ]
    return _Certificate(translations("How the answer was found, and with which software."), (), facts)


def _facts(run: RunRecord, translations: Translations) -> Iterator[tuple[str, str]]:
    found = run.certificate
    yield translations("Outcome"), translations.term(run.outcome)
    yield from _recomputed(found.recomputed, translations)
    second = found.second_solver
    if second is not None:
        if not second.agrees:
            said = translations("DISAGREES: do not use this plan, and please report it")
        elif second.mistaken:
            said = translations("is mistaken: this plan is valid, and better than the answer of the second solver")
        else:
            said = (
                translations("agrees")
                if second.finished
                else translations("found no contradiction, but did not finish")
            )
        yield translations("Second solver"), f"{second.solver}: {said}"
    yield translations("Solver"), found.solver
    yield translations("Checked claims of the solver"), _evidence(found.evidence, translations)
    yield translations("MILPs solved"), translations.number(found.milps_solved)
    yield translations("Sites solved"), translations.number(found.sites_solved)
    yield translations("Seconds"), translations.number(found.seconds, 1)
    yield from _environment(found.environment, translations)


def _evidence(found: EvidenceRecord, translations: Translations) -> str:
    """Return in words how the claims of the solver were checked."""
    said = {
        translations("{count} confirmed by safe bounds", count=translations.number(found.safe)): found.safe,
        translations(
            "{count} confirmed by a second setting of the solver", count=translations.number(found.agreed)
        ): found.agreed,
        translations(
            "{count} refuted by a valid plan", count=translations.number(found.contradicted)
        ): found.contradicted,
        translations("{count} undecided", count=translations.number(found.undecided)): found.undecided,
    }
    return ", ".join(text for text, count in said.items() if count) or translations("none")


def _recomputed(found: Recomputed | None, translations: Translations) -> Iterator[tuple[str, str]]:
    if found is not None:
        verdict = (
            translations("all hold")
            if found.valid
            else translations("VIOLATED: do not use this plan, and please report it")
        )
        rows = translations(
            "{rows} constraints, worst excess {excess}: {verdict}",
            rows=translations.number(found.rows),
            excess=f"{found.worst_excess:.1e}",
            verdict=verdict,
        )
        yield translations("Recomputed without the solver"), rows


def _environment(found: Environment, translations: Translations) -> Iterator[tuple[str, str]]:
    yield translations("Random seed"), str(found.random_seed)
    packages = {"Python": found.python, **found.packages}
    yield translations("Versions"), ", ".join(f"{name} {number}" for name, number in packages.items())
