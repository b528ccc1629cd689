"""What charts over time share: days across with their dates, and a rule with a name for each milestone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from siteopt.output.charts.base import QUIET, SMALL, Frame, day_axis, measure, shortened, texts, ticks, values
from siteopt.output.document import Document
from siteopt.output.palette import INK

if TYPE_CHECKING:
    import altair as alt

PAST = 0.1
"""Share of the days that is shown after the last one."""
TICK = 110.0
"""Pixels between two dates of the axis, about."""
NAME_LINE = 15.0
LONGEST_NAME = 170.0
AXIS_ROOM = 40.0
"""Pixels under the plot for days and dates."""


@dataclass(frozen=True)
class Timeline:
    """Days from the decision on, across a frame.

    Attributes
    ----------
    names : tuple
        Day, text, place in pixels and line of the milestones' names, the lowest line first.
    """

    document: Document
    frame: Frame
    until: float

    def x(self, field: str = "x") -> alt.X:
        """Position across, in days."""
        import altair as alt

        axis = day_axis(self.document["start_date"], ticks(0, self.until, round(self.frame.plot_width / TICK)))
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, self.until], nice=False), axis=axis)

    def pixels(self, days: float) -> float:
        """How far so many days reach."""
        return days / self.until * self.frame.plot_width

    def days(self, pixels: float) -> float:
        """How many days so many pixels are."""
        return pixels / self.frame.plot_width * self.until

    def rules(self, y: alt.Y, top: float, bottom: float, lift: float = 0) -> list[alt.Chart]:
        """A rule at each milestone from top to bottom (in units of ``y``), and its name over the plot."""
        import altair as alt

        days = sorted({milestone["day"] for milestone in self.document["milestones"]})
        if not days:
            return []
        rows = [{"x": day, "y": top, "y2": bottom} for day in days]
        rules = alt.Chart(values(rows)).mark_rule(color=QUIET, opacity=0.6, strokeDash=[2, 3], aria=False)
        names: list[dict[str, Any]] = [
            {"x": self.days(x), "y": top, "text": text, "line": line}
            for text, x, line in milestone_names(self.document, self.until, self.frame.plot_width)
        ]
        layers = [rules.encode(x=self.x(), y=y, y2=alt.Y2("y2:Q"))]
        for line, group in groupby(sorted(names, key=lambda row: row["line"]), key=lambda row: row["line"]):
            up = -7 - lift - line * NAME_LINE
            layers.append(
                texts(self.x(), y, list(group), align="center", dy=up, fontSize=SMALL, fontWeight="bold", color=INK)
            )
        return layers


def last_day(document: Document) -> int:
    """The last day on which something of a plan happens."""
    serves = [order["serves_day"] for order in document["orders"]]
    return max([1, *serves, *(milestone["day"] for milestone in document["milestones"])])


def name_lines(document: Document, until: float, width: float) -> int:
    """Lines that the names of the milestones take."""
    return 1 + max((line for _, _, line in milestone_names(document, until, width)), default=-1)


def milestone_names(document: Document, until: float, width: float) -> Iterator[tuple[str, float, int]]:
    """Text, middle in pixels and line of each milestone's name; those without room on four lines are left out."""
    ends = [-1e9] * 4
    for day, together in groupby(document["milestones"], key=lambda milestone: milestone["day"]):
        text = shortened(", ".join(milestone["name"] for milestone in together), LONGEST_NAME, SMALL)
        half = measure(text, SMALL) * 0.55 + 4
        middle = min(max(day / until * width, half), width - half)
        line = next((line for line, end in enumerate(ends) if end <= middle - half), None)
        if line is not None:
            ends[line] = middle + half
            yield text, middle, line
