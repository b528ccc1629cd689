"""Provide the common parts of charts over time: an axis of days with dates, and a named rule for each milestone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from siteopt.output.charts.base import (
    QUIET,
    SMALL,
    WIDE,
    Frame,
    Spec,
    day_axis,
    layer,
    measure,
    position,
    shortened,
    texts,
    ticks,
)
from siteopt.output.palette import INK
from siteopt.output.translations import Translations
from siteopt.record.run import PlanRecord, RunRecord

PAST = 0.1
"""Days shown after the last one, as a share of all days before."""
TICK = 110.0
"""Approximate distance between two dates of the axis, in pixels."""
NAME_LINE = 15.0
LONGEST_NAME = 170.0
AXIS_ROOM = 40.0
"""Pixels below the plot for days and dates."""


@dataclass(frozen=True)
class Drawing:
    """Chart of a plan as it is drawn at one width, in pixels."""

    run: RunRecord
    plan: PlanRecord
    translations: Translations
    width: int

    @property
    def is_wide(self) -> bool:
        """Return whether there is room for the wide form of the chart."""
        return self.width >= WIDE


@dataclass(frozen=True)
class Timeline:
    """An axis of days across a frame, counted from the decision.

    Attributes
    ----------
    start : date
        Date of day 0, the day of the decision.
    until : float
        Last day that is shown.
    """

    start: date
    plan: PlanRecord
    frame: Frame
    until: float

    def x(self) -> Spec:
        """Return the encoding of a position across, in days."""
        axis = day_axis(self.start, ticks(0, self.until, round(self.frame.plot_width / TICK)))
        return position("x", [0, self.until], axis)

    def pixels(self, days: float) -> float:
        """Return the width of a number of days, in pixels."""
        return days / self.until * self.frame.plot_width

    def days(self, pixels: float) -> float:
        """Return the number of days that a width in pixels stands for."""
        return pixels / self.frame.plot_width * self.until

    def rules(self, y: Spec, top: float, bottom: float, lift: float = 0) -> list[Spec]:
        """Draw a rule at each milestone from top to bottom (in units of ``y``), and its name above the plot."""
        days = sorted({milestone.day for milestone in self.plan.milestones})
        if not days:
            return []
        rows = [{"x": day, "y": top, "y2": bottom} for day in days]
        look: dict[str, Any] = {"color": QUIET, "opacity": 0.6, "strokeDash": [2, 3], "aria": False}
        names: list[dict[str, Any]] = [
            {"x": self.days(x), "y": top, "text": text, "line": line}
            for text, x, line in milestone_names(self.plan, self.until, self.frame.plot_width)
        ]
        layers = [layer("rule", rows, {"x": self.x(), "y": y, "y2": "y2"}, **look)]
        for line, group in groupby(sorted(names, key=lambda row: row["line"]), key=lambda row: row["line"]):
            up = -7 - lift - line * NAME_LINE
            layers.append(
                texts(self.x(), y, list(group), align="center", dy=up, fontSize=SMALL, fontWeight="bold", color=INK)
            )
        return layers


def name_lines(plan: PlanRecord, until: float, width: float) -> int:
    """Return the number of lines that the names of the milestones take."""
    return 1 + max((line for _, _, line in milestone_names(plan, until, width)), default=-1)


def milestone_names(plan: PlanRecord, until: float, width: float) -> Iterator[tuple[str, float, int]]:
    """Yield text, middle in pixels and line of milestone names; names without room on four lines are omitted."""
    ends = [-1e9] * 4
    for day, together in groupby(plan.milestones, key=lambda milestone: milestone.day):
        text = shortened(", ".join(milestone.name for milestone in together), LONGEST_NAME, SMALL)
        half = measure(text, SMALL) * 0.55 + 4
        middle = min(max(day / until * width, half), width - half)
        line = next((line for line, end in enumerate(ends) if end <= middle - half), None)
        if line is not None:
            ends[line] = middle + half
            yield text, middle, line
