"""Draw the calendar of payments of a plan: what is committed and paid in all, and what is paid each month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from siteopt.output.charts.base import DOWN, QUIET, SMALL, Chart, Frame, Spec, layer, measure, rectangles, texts, ticks
from siteopt.output.charts.cost import COLORS
from siteopt.output.charts.panels import SWATCH, Scale, heading, keys, lines, ruled
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, Drawing, Timeline, name_lines
from siteopt.output.palette import INK, KIND
from siteopt.output.translations import MoneyUnit, Translations
from siteopt.record.cash import Cash, CashMonth, next_month
from siteopt.record.run import PlanRecord, RunRecord

BARS = COLORS | {"site": QUIET, "fuel": "#F3CF80", "grid_energy": "#80B8D8", "demand_charge": "#A9CFE6"}
"""Colour of a part of the cost in a bar: energy is paler than the equipment that it runs."""
PAID = KIND["grid"]
DASHES = {INK: [1, 0], PAID: [1, 0], QUIET: [6, 4]}
"""Dashes of a line by its colour: those of the budget, and none."""
HEAD, GAP, RIGHT = 24.0, 18.0, 16.0
MOST_BARS = 60
"""Maximum number of bars by month; of a longer calendar, each bar is a year."""
FAR = 2.0
"""A budget that is more than so many times the cost is not drawn, since the other lines would be flat."""


def cash(run: RunRecord, plan: PlanRecord, translations: Translations) -> Chart | None:
    """Draw the calendar of payments; None if the run, of an earlier version, has none."""
    found = plan.cash
    if found is None:
        return None

    def draw(width: int) -> Spec:
        return _Payments(run, plan, translations, width, found).draw()

    unit = _monthly_unit(found, translations)
    title = translations("Payments by month, {unit}", unit=unit.name)
    names = [translations.term(name) for name in ("month", "committed", "paid", "committed so far", "paid so far")]
    parts = _parts(plan)
    header = (*names, *(translations("paid: {part}", part=translations.term(part)) for part in parts))
    rows = tuple(
        (
            one.name,
            *(
                unit.bare(usd) if usd else ""
                for usd in (
                    *(sum(one.committed_usd.values()), sum(one.paid_usd.values())),
                    *(total.committed_usd, total.paid_usd),
                    *(one.paid_usd.get(part, 0) for part in parts),
                )
            ),
        )
        for one, total in zip(found.months, found.totals(), strict=True)
    )
    said = [*_said(plan, found, translations), translations("Lines show the total by the end of each month.")]
    if any(part != "gpus" for part in parts):
        said.append(translations("Bars show what is paid for everything but the GPUs."))
    return Chart("cash", title, " ".join(said), draw, header, rows)


def _parts(plan: PlanRecord) -> list[str]:
    """Return the parts of the cost that cost anything, the largest first."""
    parts = [name for name, usd in plan.cost.parts_usd.items() if usd]
    return sorted(parts, key=lambda name: -plan.cost.parts_usd[name])


def _monthly_unit(found: Cash, translations: Translations) -> MoneyUnit:
    """Return the unit for the payments of a month, which the GPUs, often most of the cost, do not decide."""
    amounts = [usd for one in found.months for part, usd in one.paid_usd.items() if part != "gpus"]
    return translations.money_unit(amounts or [found.peak.committed_usd])


def _said(plan: PlanRecord, found: Cash, translations: Translations) -> Iterator[str]:
    """Yield the sentences of the caption."""
    unit = translations.cost_unit(plan.cost)
    for milestone, one in zip(plan.milestones, found.milestones, strict=True):
        yield translations(
            "By the end of {date}, the day of {milestone}, {committed} is committed and {paid} is paid.",
            date=translations.date(milestone.date),
            milestone=one.milestone,
            committed=unit(one.committed_usd),
            paid=unit(one.paid_usd),
        )
    yield translations(
        "At most {unpaid} is committed and not yet paid, on {date}.",
        unpaid=unit(found.peak.unpaid_usd),
        date=translations.date(found.peak.date),
    )
    yield translations("The budget is {budget}.", budget=translations.money(found.budget_usd))


@dataclass(frozen=True)
class _Plot:
    """One plot of the chart.

    Attributes
    ----------
    colours : dict
        Colours of what it shows, by their words.
    most : float
        Upper end of its scale, in the unit that the title names.
    of_lines : bool
        Whether it shows lines; if not, boxes.
    draw : callable
        Function from a timeline and a scale to layers.
    """

    title: str
    colours: dict[str, str]
    most: float
    height: float
    of_lines: bool
    draw: Callable[[Timeline, Scale], list[Spec]]

    @property
    def marks(self) -> dict[float, str]:
        """Return the marks of its scale."""
        return {value: f"{value:,.10g}" for value in ticks(0, self.most, 4)}


@dataclass(frozen=True)
class _Payments(Drawing):
    cash: Cash

    def draw(self) -> Spec:
        until = float(self._day(next_month(self.cash.months[-1].month)))
        plots = [self._upper()] + ([self._lower()] if self._others else [])
        marks = [text for plot in plots for text in plot.marks.values()]
        left = 14 + max(measure(text, SMALL) for text in marks)
        room = self.width - left - RIGHT
        heights = [HEAD + keys(list(plot.colours), room)[1] + plot.height for plot in plots]
        down = sum(heights) + GAP * (len(plots) - 1)
        top = 8 + NAME_LINE * name_lines(self.plan, until, room)
        frame = Frame(self.width, top + down + AXIS_ROOM, left, RIGHT, top, AXIS_ROOM)
        time = Timeline(self.run.start_date, self.plan, frame, until)
        layers, place = time.rules(DOWN, 0, down), 0.0
        for plot, height in zip(plots, heights, strict=True):
            places, key_room = keys(list(plot.colours), room)
            scale = Scale(0, plot.most, place + height, place + height - plot.height)
            layers += ruled(time.x(), DOWN, scale, plot.marks, 0, until)
            layers += plot.draw(time, scale)
            layers += heading(time.x(), DOWN, [{"x": 0, "y": place + HEAD / 2 - 1, "text": plot.title}])
            layers += _key(time, plot.colours, places, place + height - plot.height - key_room, plot.of_lines)
            place += height + GAP
        return frame.around(layers)

    def _upper(self) -> _Plot:
        """Return the plot of what is committed and paid in all, with the budget."""
        budget = self.cash.budget_usd if self._has_budget else 0
        shown = {"committed": INK, "paid": PAID} | ({"budget": QUIET} if budget else {})
        return _Plot(
            f"{self.translations('Committed and paid in all')}, {self._unit.name}",
            {self.translations.term(name): colour for name, colour in shown.items()},
            1.05 * self._unit.factor * max(1, self.plan.cost.total_usd, budget),
            200.0 if self.is_wide else 160.0,
            True,
            self._lines,
        )

    def _lower(self) -> _Plot:
        """Return the plot of what is paid each month or year, without the GPUs."""
        name = self.translations("Paid each month, without the GPUs")
        if len(self.cash.months) > MOST_BARS:
            name = self.translations("Paid each year, without the GPUs")
        return _Plot(
            f"{name}, {self._monthly.name}",
            {self.translations.term(part): BARS[part] for part in self._others},
            1.05 * self._monthly.factor * max(sum(paid.values()) for _, _, paid in _bars(self.cash)),
            150.0 if self.is_wide else 120.0,
            False,
            self._boxes,
        )

    @property
    def _others(self) -> list[str]:
        """Return the parts of the cost that the lower plot shows."""
        return [part for part in _parts(self.plan) if part != "gpus"]

    @property
    def _unit(self) -> MoneyUnit:
        return self.translations.cost_unit(self.plan.cost)

    @property
    def _monthly(self) -> MoneyUnit:
        return _monthly_unit(self.cash, self.translations)

    @property
    def _has_budget(self) -> bool:
        return self.cash.budget_usd <= FAR * self.plan.cost.total_usd

    def _day(self, when: date) -> int:
        return (when - self.run.start_date).days

    def _lines(self, time: Timeline, scale: Scale) -> list[Spec]:
        """Draw what is committed and paid in all by the end of each month, and the budget."""
        begins = [max(0, self._day(one.month)) for one in self.cash.months]
        totals, factor = self.cash.totals(), self._unit.factor
        drawn = []
        for name, color in (("committed", INK), ("paid", PAID)):
            heights = [scale(getattr(one, f"{name}_usd") * factor) for one in totals]
            drawn += [
                {"x": x, "y": y, "color": color, "line": name}
                for x, y in [(0, scale(0)), *zip(begins, heights, strict=True), (time.until, heights[-1])]
            ]
        budget = [
            {"x": x, "y": scale(self.cash.budget_usd * factor), "color": QUIET, "line": "budget"}
            for x in (0, time.until)
        ]
        return [
            lines(time.x(), DOWN, drawn, strokeWidth=2.4, interpolate="step-after"),
            lines(time.x(), DOWN, budget if self._has_budget else [], strokeWidth=1.8, strokeDash=DASHES[QUIET]),
        ]

    def _boxes(self, time: Timeline, scale: Scale) -> list[Spec]:
        """Draw a stacked bar for what is paid in each month or year, GPUs left out."""
        boxes, unit = [], self._monthly
        for name, (first, after), paid in _bars(self.cash):
            begin, end = max(0, self._day(first)), self._day(after)
            low = 0
            for part in self._others:
                usd = paid[part]
                if usd:
                    what = f"{name}, {self.translations.term(part)}: {unit(usd)}"
                    y, y2 = (scale(amount * unit.factor) for amount in (low + usd, low))
                    edge = begin + 0.9 * (end - begin)
                    boxes.append({"x": begin, "x2": edge, "y": y, "y2": y2, "color": BARS[part], "what": what})
                low += usd
        return [rectangles(time.x(), DOWN, boxes)]


Bar = tuple[str, tuple[date, date], Counter[str]]
"""Name of a month or a year, its first day and that of the next one, and what is paid in it by part without GPUs."""


def _bars(found: Cash) -> list[Bar]:
    """Return the bars of a calendar: of each month, or of each year if there are more than MOST_BARS months."""
    months: Sequence[CashMonth] = found.months
    by_year = len(months) > MOST_BARS
    bars: dict[str, Bar] = {}
    for one in months:
        name = str(one.month.year) if by_year else one.name
        first = bars[name][1][0] if name in bars else one.month
        paid = bars[name][2] if name in bars else Counter[str]()
        paid.update({part: usd for part, usd in one.paid_usd.items() if part != "gpus"})
        bars[name] = (name, (first, next_month(one.month)), paid)
    return list(bars.values())


def _key(
    time: Timeline, colours: Mapping[str, str], places: Sequence[tuple[float, float]], top: float, of_lines: bool
) -> list[Spec]:
    """Draw a key: a stroke, or a square, and a name at each place (pixels across, and down from ``top``)."""
    x, y = time.x(), DOWN
    at = [(time.days(across), top + down) for across, down in places]
    names = [{"x": left, "y": down, "text": name} for (left, down), name in zip(at, colours, strict=True)]
    look: dict[str, Any] = {"fontSize": SMALL, "dx": SWATCH + 6}
    labels = [
        texts(x, y, names, color="white", stroke="white", strokeWidth=4, **look),
        texts(x, y, names, color=INK, **look),
    ]
    marks = [
        {"x": left, "x2": left + time.days(SWATCH), "y": down, "color": color, "line": color}
        for (left, down), color in zip(at, colours.values(), strict=True)
    ]
    if of_lines:
        scale = {"domain": list(DASHES), "range": list(DASHES.values())}
        dashes = {"field": "line", "type": "nominal", "legend": None, "scale": scale}
        encoding = {"x": x, "x2": "x2", "y": y, "color": "color", "strokeDash": dashes}
        return [layer("rule", marks, encoding, aria=False, strokeWidth=2.4), *labels]
    square: dict[str, Any] = {"shape": "square", "filled": True, "size": 110, "opacity": 1, "aria": False}
    return [layer("point", marks, {"x": x, "y": y, "color": "color"}, xOffset=SWATCH / 2, **square), *labels]
