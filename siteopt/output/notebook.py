"""Show a result in a notebook without JavaScript: the headline, the map and the first ranks."""

from __future__ import annotations

from html import escape

from siteopt.output.charts.base import WIDE, Chart
from siteopt.output.charts.capacity import capacity
from siteopt.output.charts.drawing import NotDrawn, svgs
from siteopt.output.charts.map import site_map
from siteopt.output.charts.pareto_front import front
from siteopt.output.headline import headline
from siteopt.output.ranking import ranking_table
from siteopt.output.translations import Translations
from siteopt.record.capacity import CapacityRecord
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.run import RunRecord

RANKS = 5
STYLE = """
.siteopt-result { max-width: 960px; color: #1f2a30; background: #fff; padding: 12px 16px; line-height: 1.45; }
.siteopt-result h3 { margin: 0 0 6px; font-size: 22px; }
.siteopt-result p { margin: 0 0 8px; }
.siteopt-result svg { width: 100%; height: auto; }
.siteopt-result table { border-collapse: collapse; width: 100%; margin-top: 8px; }
.siteopt-result th, .siteopt-result td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid #ddd8ce; }
.siteopt-result small { color: #55616a; }
"""


def result_html(run: RunRecord) -> str:
    """Return a run as HTML: its headline, map and first ranks."""
    translations = Translations.of(run)
    head = headline(run, translations)
    said = " ".join(head.verdict)
    table = ranking_table(run, translations, RANKS)
    names = "".join(f"<th>{escape(name)}</th>" for name, _ in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell.text)} <small>{escape(cell.note)}</small></td>" for cell in cells) + "</tr>"
        for _, cells in table.rows
    )
    title = f"<h3>{escape(head.title)} <small>{escape(head.badge)}</small></h3><p>{escape(said)}</p>"
    ranking = f"<table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"
    return _scoped(title + _figure(site_map(run, translations)) + ranking)


def front_html(record: FrontRecord) -> str:
    """Return a Pareto front as HTML: its caption in words, and its chart if it has points."""
    return _chart_html(front(record, Translations.of(record)), is_drawn=bool(record.points))


def capacity_html(record: CapacityRecord) -> str:
    """Return capacities as HTML: their caption in words, and their chart if a site has any."""
    return _chart_html(capacity(record, Translations.of(record)), is_drawn=bool(record.ranked))


def _chart_html(chart: Chart, *, is_drawn: bool) -> str:
    drawing = _figure(chart) if is_drawn else ""
    return _scoped(f"<h3>{escape(chart.title)}</h3><p>{escape(chart.caption)}</p>{drawing}")


def text_html(text: str) -> str:
    """Return lines of text as HTML that shows them unchanged."""
    return f"<pre>{escape(text)}</pre>"


def _figure(chart: Chart) -> str:
    """Return a chart as SVG, or why it cannot be drawn."""
    try:
        return svgs([chart], [WIDE], "notebook-")[0][0]
    except NotDrawn as error:
        return f"<p><small>{escape(str(error))}</small></p>"


def _scoped(content: str) -> str:
    return f'<div class="siteopt-result"><style>{STYLE}</style>{content}</div>'
