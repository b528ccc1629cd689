"""Make map tips: HTML with QGIS expressions, in which every text of the user is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping

from siteopt.output.qml import quoted


def tip(heading: str, rows: Mapping[str, str], below: str = "") -> str:
    """Return the HTML of a map tip: a heading, a line below it, and a table without the rows that are null.

    Parameters
    ----------
    heading, below : str
        QGIS expressions; without ``below`` there is no line below the heading.
    rows : mapping of str to str
        QGIS expressions by their labels.
    """
    line = f"<br>[% {_escaped(below)} %]" if below else ""
    table = "".join(_row(word, expression) for word, expression in rows.items())
    return f"<b>[% {_escaped(heading)} %]</b>{line}<table>{table}</table>"


def _row(word: str, expression: str) -> str:
    # a percent sign would end the expression
    shown = html.escape(word, quote=False).replace("%", "&#37;")
    before = quoted(f"<tr><td>{shown}&nbsp;</td><td>")
    return f"[% coalesce({before} || {_escaped(expression)} || '</td></tr>', '') %]"


def _escaped(expression: str) -> str:
    return f"replace(replace({expression}, '&', '&amp;'), '<', '&lt;')"
