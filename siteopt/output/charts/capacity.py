"""Draw capacities: the most GPUs that can train by a day, over the days, for the first sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from siteopt.output.charts.base import (
    QUIET,
    SMALL,
    WIDE,
    Chart,
    Frame,
    Spec,
    day_axis,
    layer,
    measure,
    named_axis,
    position,
    texts,
    ticks,
)
from siteopt.output.charts.pareto_front import KEY_LINE, line_names, look
from siteopt.output.palette import INK
from siteopt.output.translations import Translations
from siteopt.record.base import RunOutcome
from siteopt.record.capacity import CapacityRecord, DayCapacity, SiteCapacityRecord


def capacity(record: CapacityRecord, translations: Translations) -> Chart:
    """Draw the most GPUs that can train at the first sites, by the day."""

    def draw(width: int) -> Spec:
        return _Capacity(record, translations, width).draw()

    day, when = translations.term("day"), translations.term("date")
    title = translations("GPUs that can train by {date}", date=translations.date(record.by_date))
    rows = tuple(
        (at, str(date), *(_number(site.at(at), translations) for site in record.ranked))
        for at, date in record.days.items()
    )
    header = (day, when, *(site.name for site in record.ranked))
    return Chart("capacity", title, " ".join(_said(record, translations)), draw, header, rows)


def _said(record: CapacityRecord, translations: Translations) -> Iterator[str]:
    """Yield the sentences of the caption."""
    day = {"date": translations.date(record.by_date), "day": record.by_day}
    if record.outcome is RunOutcome.NO_SITE:
        yield translations("No site can train a GPU by {date}, day {day}.", **day)
    elif not record.ranked:
        yield translations("No plan is known for any site by {date}, day {day}.", **day)
    else:
        first = record.ranked[0]
        yield translations(
            "By {date}, day {day}, {site} can train {gpus} GPUs, an IT load of {mw} MW.",
            **day,
            site=first.name,
            gpus=translations.number(first.asked.gpus),
            mw=translations.figure(first.asked.it_mw),
        )
        if first.limited_by is not None:
            yield translations("It is limited by {limit}.", limit=translations.reason(first.limited_by))
        yield translations("Between two days of a curve, the capacity is at least that of the earlier day.")
    if not all(one.proven for site in record.ranked for one in site.curve):
        yield translations("Not proven: numbers with a plus sign are plans, and there may be larger ones.")
    if record.iso_class is not None:
        yield translations(
            "It is not checked whether a plan of this size keeps the power quality class {name}.", name=record.iso_class
        )


def _number(one: DayCapacity, translations: Translations) -> str:
    return translations.number(one.gpus) + ("" if one.proven else "+")


@dataclass(frozen=True)
class _Capacity:
    record: CapacityRecord
    translations: Translations
    width: int

    def draw(self) -> Spec:
        is_wide, sites, days = self.width >= WIDE, self.record.ranked, self.record.days
        until = max(10.0, max(days) * 1.12)
        most = max(one.bound_gpus for site in sites for one in site.curve if one.day <= until)
        marks: dict[float, Any] = {gpus: self._mark(gpus) for gpus in ticks(0, most, 5)}
        left = 16 + max(measure(line, SMALL) for lines in (*marks.values(), [self._unit]) for line in lines)
        right, top = (300.0, 28.0) if is_wide else (12.0, 34.0 + KEY_LINE * len(sites))
        frame = Frame(self.width, top + (330 if is_wide else 260) + 40, left, right, top, 40)
        x = position("x", [0, until], day_axis(self.record.start_date, ticks(0, until, 7 if is_wide else 3)))
        y = position("y", [0, most * 1.05], named_axis(marks, grid=True))
        asked = {"x": self.record.by_day, "y": 0, "y2": most * 1.05}
        unit = {"x": 0, "y": most * 1.05, "text": self._unit}
        return frame.around(
            [
                layer("rule", [asked], {"x": x, "y": y, "y2": "y2"}, aria=False, color=QUIET, strokeDash=[2, 3]),
                *(self._line(x, y, site, until, number) for number, site in enumerate(sites)),
                *(self._points(x, y, site, until, number) for number, site in enumerate(sites)),
                texts(x, y, [unit], dx=-8, dy=-14, align="right", color=QUIET, fontSize=SMALL),
                *line_names(
                    frame,
                    [f"{site.rank}. {site.name}" for site in sites],
                    [site.at(int(until)).gpus / (most * 1.05) for site in sites],
                ),
            ]
        )

    @property
    def _unit(self) -> str:
        return self.translations.term("gpus")

    def _mark(self, gpus: float) -> list[str]:
        """Return a number of GPUs for the axis, with its IT load."""
        asked = self.record.ranked[0].asked
        load = f"{self.translations.figure(gpus * asked.it_mw / asked.gpus)} MW"
        return [self.translations.number(gpus), load if gpus else ""]

    def _line(self, x: Spec, y: Spec, site: SiteCapacityRecord, until: float, number: int) -> Spec:
        shown = [(float(one.day), one.gpus) for one in site.curve if one.day <= until]
        rows = [{"x": day, "y": gpus} for day, gpus in (*shown, (until, site.at(int(until)).gpus))]
        return layer("line", rows, {"x": x, "y": y}, aria=False, interpolate="step-after", **look(number))

    def _points(self, x: Spec, y: Spec, site: SiteCapacityRecord, until: float, number: int) -> Spec:
        rows = [{"x": one.day, "y": one.gpus, "what": self._what(site, one)} for one in site.curve if one.day <= until]
        style = {"filled": True, "size": 60, "opacity": 1, "color": look(number)["color"], "stroke": INK}
        encoding = {"x": x, "y": y, "description": "what"}
        return layer("point", rows, encoding, ariaRoleDescription="what", strokeWidth=0.5, **style)

    def _what(self, site: SiteCapacityRecord, one: DayCapacity) -> str:
        return self.translations(
            "day {day}, {gpus} GPUs, {mw} MW: {site}",
            day=one.day,
            gpus=_number(one, self.translations),
            mw=self.translations.figure(one.it_mw),
            site=site.name,
        )
