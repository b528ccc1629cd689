"""Draw the Pareto front: the start day of a milestone against cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from siteopt.output.charts.base import (
    ACROSS,
    DOWN,
    QUIET,
    SMALL,
    TEXT,
    WIDE,
    Chart,
    Frame,
    Spec,
    apart,
    day_axis,
    layer,
    measure,
    named_axis,
    position,
    shortened,
    texts,
    ticks,
)
from siteopt.output.palette import INK, KIND, STANDING
from siteopt.output.translations import Translations
from siteopt.output.value import best_sentence
from siteopt.record.base import Standing
from siteopt.record.pareto_front import FrontPoint, FrontRecord, Line

SITES = (STANDING[Standing.CHOSEN], KIND["grid"], KIND["chiller"], KIND["generator"], KIND["battery"], QUIET)
DASHES = ([1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [4, 4], [1, 3])
"""Colours and dashes of the sites of a Pareto front, the first rank first."""


KEY_LINE = 18.0


def front(record: FrontRecord, translations: Translations) -> Chart:
    """Draw the start day of a milestone against cost: the joint Pareto front of all sites, and that of each site."""
    points = record.joint
    said = []
    if points:
        first, last = points[0], points[-1]
        said.append(
            translations(
                "The earliest start is day {day} at {site}, for {cost}.",
                day=first.day,
                site=first.name,
                cost=translations.amount(first.cost_usd),
            )
        )
        if last is not first:
            said.append(
                translations(
                    "The cheapest start is day {day} at {site}: {days} later, {saved} less.",
                    site=last.name,
                    day=last.day,
                    days=translations.count(last.day - first.day, "day"),
                    saved=translations.amount(first.cost_usd - last.cost_usd),
                )
            )
        else:
            said.append(translations("A later start saves nothing."))
        if best := best_sentence(record, translations):
            said += [best, translations("A ring marks it, and the dotted line through it has the slope of this value.")]
        said.append(translations("The cost axis does not start at zero."))
    if not all(site.proven for site in record.sites):
        said.append(translations("Not proven: the time ran out, and there may be more breakpoints."))

    def draw(width: int) -> Spec:
        return _Front(record, translations, width).draw()

    header = tuple(translations.term(name) for name in ("day", "date", "cost", "cost of one day earlier", "site"))
    rows = tuple(
        (
            row.day,
            str(row.date),
            translations.amount(row.cost_usd),
            "" if slope is None else translations.amount(slope),
            translations("{site} (best point)", site=row.name) if row.best_at_value else row.name,
        )
        for row, slope in zip(points, record.day_earlier_usd, strict=True)
    )
    title = translations("Pareto front: start day of {milestone} and cost", milestone=record.milestone)
    return Chart("front", title, " ".join(said) or translations("There is no Pareto front."), draw, header, rows)


@dataclass(frozen=True)
class _Front:
    record: FrontRecord
    translations: Translations
    width: int

    def draw(self) -> Spec:
        is_wide, points, sites = self.width >= WIDE, self.record.points, self.record.sites
        days, costs = [row.day for row in points], [row.cost_usd for row in points]
        spread = max(10, max(days) - min(days))
        first, until = max(0.0, min(days) - 0.08 * spread), max(days) + 0.12 * spread
        pad = max((max(costs) - min(costs)) * 0.1, max(costs) * 1e-4)
        low, high = min(costs) - pad, max(costs) + pad
        rate = self.record.currency_per_usd
        marks = {amount / rate: self.translations.number(amount) for amount in ticks(low * rate, high * rate, 5)}
        left = 16 + max(measure(text, SMALL) for text in (*marks.values(), self.translations.currency_name))
        right, top = (300.0, 28.0) if is_wide else (12.0, 34.0 + KEY_LINE * len(sites))
        frame = Frame(self.width, top + (330 if is_wide else 260) + 40, left, right, top, 40)
        axis = day_axis(self.record.start_date, ticks(first, until, 7 if is_wide else 3))
        x, y = position("x", [first, until], axis), position("y", [low, high], named_axis(marks, grid=True))
        joint = [{"x": row.day, "y": row.cost_usd, "what": self._what(row)} for row in points if row.on_front]
        dot: dict[str, Any] = {
            "filled": True,
            "size": 120,
            "opacity": 1,
            "color": INK,
            "stroke": "white",
            "strokeWidth": 1.5,
        }
        unit = {"x": first, "y": high, "text": self.translations.currency_name}
        wide_line = {"color": INK, "opacity": 0.18, "strokeWidth": 10}
        return frame.around(
            [
                _line(x, y, _steps(self.record.line, until), wide_line),
                *(_line(x, y, _steps(site.line, until), look(n)) for n, site in enumerate(sites)),
                *self._best(x, y, first, until),
                layer("point", joint, {"x": x, "y": y, "description": "what"}, ariaRoleDescription="what", **dot),
                texts(x, y, [unit], dx=-8, dy=-14, align="right", color=QUIET, fontSize=SMALL),
                *line_names(
                    frame,
                    [f"{site.rank}. {site.name}" for site in sites],
                    [(site.line.cost_usd[-1] - low) / (high - low) for site in sites],
                ),
            ]
        )

    def _best(self, x: Spec, y: Spec, first: float, until: float) -> Iterator[Spec]:
        """Draw the best point at the value of a day: a ring, and a line on which cost and value add up to the same."""
        best, of_day = self.record.best_at_value, self.record.of_day
        if best is None or of_day is None:
            return
        ends = [{"x": day, "y": best.cost_usd + of_day.usd_per_day * (best.day - day)} for day in (first, until)]
        yield layer(
            "line", ends, {"x": x, "y": y}, aria=False, clip=True, color=INK, strokeDash=[1, 4], strokeWidth=1.6
        )
        ring = [{"x": best.day, "y": best.cost_usd}]
        yield layer(
            "point", ring, {"x": x, "y": y}, aria=False, filled=False, size=420, opacity=1, color=INK, strokeWidth=2
        )

    def _what(self, row: FrontPoint) -> str:
        cost = self.translations.amount(row.cost_usd)
        return self.translations("day {day}, {cost}: {site}", day=row.day, cost=cost, site=row.name)


def line_names(frame: Frame, names: Sequence[str], heights: Sequence[float]) -> Iterator[Spec]:
    """Write the names of lines: at the right end of the lines, or over the plot of a narrow chart.

    Parameters
    ----------
    heights : sequence of float
        Heights of the ends of the lines, as shares of the plot.
    """
    if frame.width >= WIDE:
        start, size = frame.plot_width + 8, TEXT
        downs = apart([frame.plot_height * (1 - height) for height in heights], 19, 0, frame.plot_height)
    else:
        start, size = 8 - frame.left, SMALL
        downs = [KEY_LINE * (number + 0.7) - frame.top for number in range(len(heights))]
    room = frame.width - frame.left - start - 34
    for number, (name, down) in enumerate(zip(names, downs, strict=True)):
        line = [{"x": start + along, "y": down} for along in (0, 22)]
        yield layer("line", line, {"x": ACROSS, "y": DOWN}, aria=False, **look(number))
        text = shortened(name, room, size)
        yield texts(ACROSS, DOWN, [{"x": start + 28, "y": down, "text": text}], color=INK, fontSize=size)


def look(number: int) -> dict[str, Any]:
    """Return colour, dashes and width of the line of a site, by its place."""
    place = min(number, len(SITES) - 1)
    return {"color": SITES[place], "strokeDash": DASHES[place], "strokeWidth": 2.4}


def _steps(line: Line, until: float) -> list[dict[str, Any]]:
    """Return the breakpoints of a line up to the edge of the plot."""
    pairs: list[tuple[float, int]] = [
        (day, usd) for day, usd in zip(line.day, line.cost_usd, strict=True) if day <= until
    ]
    pairs += [(until, pairs[-1][1])] if pairs else []
    return [{"x": day, "y": usd, "at": at} for at, (day, usd) in enumerate(pairs)]


def _line(x: Spec, y: Spec, rows: Sequence[dict[str, Any]], style: dict[str, Any]) -> Spec:
    return layer("line", rows, {"x": x, "y": y, "order": "at"}, aria=False, **style)
