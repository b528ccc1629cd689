"""One chart at a time, drawn."""

from __future__ import annotations

from siteopt.output.charts.base import WIDE, Chart
from siteopt.output.charts.drawing import pictures, svgs


def svg(chart: Chart, width: int = WIDE) -> str:
    """The chart as it is on a page."""
    return svgs([chart], [width])[0][0]


def png(chart: Chart) -> bytes:
    """The chart as a picture for slides."""
    found = pictures([chart])[f"{chart.name}.png"]
    assert isinstance(found, bytes)
    return found
