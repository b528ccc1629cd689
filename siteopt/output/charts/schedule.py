"""Draw the calendar of the chosen plan as a Gantt chart.

It shows what passes before each milestone, the buildings, what the site may use on which day, and each order from the
decision to its service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from siteopt.output.charts.base import (
    DOWN,
    QUIET,
    SMALL,
    TEXT,
    Chart,
    Frame,
    Spec,
    layer,
    measure,
    shortened,
    texts,
)
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, PAST, Drawing, Timeline, name_lines
from siteopt.output.limits import limited_by
from siteopt.output.names import PLURAL
from siteopt.output.palette import INK, KIND, OWN, STANDING
from siteopt.output.phases import limit_text, windows_text
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from siteopt.record.run import PlanRecord, RunRecord
from siteopt.schema import RESOURCE_UNITS, Resource

LOOKS = {
    "lead": (0.14, 6.0),
    "haul": (0.5, 10.0),
    "install": (1.0, 14.0),
    "commission": (0.0, 14.0),
    "wait": (0.25, 2.0),
    "limit": (0.12, 16.0),
    "barred": (0.0, 16.0),
}
"""Opacity of the bar of a phase, and its height in pixels; phases can be told apart without colour."""
DATES = ("leaves", "arrives", "ready", "serves")
MILESTONE = STANDING[Standing.CHOSEN]
MILESTONE_OPACITY = 0.4
"""Factor for the opacity of a milestone's bars, because its note is written on them."""
NAMES = 345.0
"""Pixels for the names at the left of a wide chart."""
DEPOT = 0.45
"""Share of the room for a name that its depot may take."""
KEY_LINE, HEAD = 22.0, 30.0
BUILD = {"install": "build"}
SHELL = {"lead": "shell", "install": "fitout"}
"""Names of the phases of milestones and of buildings."""
BEHIND = ("lead", "commission", "haul", "install")
"""Phases of a row that stands for several, from the one that is drawn first to the one on top."""
MOST_ROWS = 25
"""Number of rows above which the orders of a kind share one, and then the buildings of a type."""


@dataclass(frozen=True)
class _Row:
    """A line of the chart: its name, the text after it, its bars (phase, first and last day), and a milestone's day.

    ``phases`` are the names of phases that have another one here. ``said`` is written on the bars, if there is room.
    """

    name: str
    after: str
    color: str
    bars: tuple[tuple[str, int, int], ...]
    group: str
    day: int | None = None
    note: str = ""
    phases: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def schedule(run: RunRecord, plan: PlanRecord, translations: Translations) -> Chart:
    """Draw the dates of milestones, buildings, limits of the site, and orders, and the limit of each milestone."""

    def draw(width: int) -> Spec:
        return _Gantt(run, plan, translations, width).draw()

    header = tuple(translations.term(name) for name in ("model", "depot", "units", "order", *DATES))
    rows: list[tuple[Any, ...]] = []
    for one in plan.orders:
        dates = (run.start_date, one.leaves, one.arrives, one.ready, one.serves)
        rows.append((one.model, one.depot, one.all_units, *map(str, dates)))
    return Chart("schedule", translations("Schedule"), _caption(plan, translations), draw, header, tuple(rows))


def _caption(plan: PlanRecord, translations: Translations) -> str:
    said = []
    for milestone in plan.milestones:
        held = limited_by(milestone, translations)
        reached = translations("{name} on day {day}", name=milestone.name, day=milestone.day)
        said.append(f"{reached}, {held}." if held else f"{reached}.")
    said += [f"{windows_text(one, translations)}." for one in plan.limits]
    orders = plan.orders
    if not orders:
        return " ".join([*said, translations("Nothing needs to be ordered.")])
    first, last = min(order.arrives_day for order in orders), max(order.serves_day for order in orders)
    count = translations.count(len(orders), "order")
    said.append(
        translations(
            "{orders}: the first units arrive on day {first}; the last units are in service from day {last}.",
            orders=count,
            first=first,
            last=last,
        )
    )
    return " ".join(said)


@dataclass(frozen=True)
class _Gantt(Drawing):
    def draw(self) -> Spec:
        rows = self._rows()
        tops, heads, down, group = [], [], 0.0, ""
        for row in rows:
            if row.group != group:
                group = row.group
                heads.append({"y": down + HEAD * 0.68, "text": group})
                down += HEAD
            tops.append(down)
            down += self.line
        left, right = (NAMES, 16.0) if self.is_wide else (14.0, 14.0)
        until = self.plan.last_day * (1 + PAST)
        lines = name_lines(self.plan, until, self.width - left - right)
        keys, down_keys = self._keys(rows, self.width - 8)
        top = 10 + down_keys + NAME_LINE * lines
        frame = Frame(self.width, top + down + AXIS_ROOM, left, right, top, AXIS_ROOM)
        time = Timeline(self.run.start_date, self.plan, frame, until)
        middles = [each + self.line * (0.5 if self.is_wide else 0.7) for each in tops]
        boxes = [box for row, middle in zip(rows, middles, strict=True) for box in self._boxes(row, middle)]
        return frame.around(
            [
                *time.rules(DOWN, 0, frame.plot_height),
                _bars(time, boxes),
                *self._reached(time, rows, middles),
                *self._on_bars(time, rows, middles),
                *self._names(time, rows, middles, heads),
                *self._key(time, keys),
            ]
        )

    @property
    def line(self) -> float:
        return 23.0 if self.is_wide else 36.0

    def _milestones(self) -> Iterator[_Row]:
        for milestone in self.plan.milestones:
            built, day = milestone.compute_ready_day, milestone.day
            tested = min(day, built + self.run.commissioning_days)
            gpus = self.translations(": {gpus} GPUs", gpus=self.translations.number(milestone.gpus))
            bars = (("install", 0, built), ("commission", built, tested), ("wait", tested, day))
            held = limited_by(milestone, self.translations)
            yield _Row(milestone.name, gpus, MILESTONE, bars, self.translations("Milestones"), day, held, BUILD)

    def _buildings(self) -> Iterator[_Row]:
        plan, last = self.plan, self.plan.milestones[-1].day
        for one in plan.buildings:
            bars = (("lead", plan.handover_day, one.roof_day), ("install", one.roof_day, min(one.fitted_day, last)))
            room = self.translations(": {gpus} GPUs", gpus=self.translations.number(one.gpus))
            name = f"{self.translations.term(one.shell_type)} {one.name}" if one.shell_type else one.name
            yield _Row(name, room, STANDING[Standing.RANKED], bars, self.translations("Buildings"), phases=SHELL)

    def _rows(self) -> list[_Row]:
        """Return all rows; if they are too many, those of a kind or a type as one."""
        milestones, limits = list(self._milestones()), list(self._limits())
        buildings, orders = list(self._buildings()), list(self._orders())
        if len(milestones) + len(limits) + len(buildings) + len(orders) > MOST_ROWS:
            orders = [
                _together(rows, self._units(kind))
                for kind, rows in _grouped(orders, [one.kind for one in self.plan.orders])
            ]
        if len(milestones) + len(limits) + len(buildings) + len(orders) > MOST_ROWS:
            types = [one.shell_type for one in self.plan.buildings]
            buildings = [
                _together(
                    rows,
                    self.translations(
                        "{count} × {what}", count=len(rows), what=self.translations.term(kind or "building")
                    ),
                )
                for kind, rows in _grouped(buildings, types)
            ]
        return [*milestones, *buildings, *limits, *orders]

    def _units(self, kind: str) -> str:
        """Return how many units of a kind are ordered, and in how many orders."""
        orders = [one for one in self.plan.orders if one.kind == kind]
        units = self.translations.count(sum(one.all_units for one in orders), "unit")
        return self.translations(
            "{units} in {orders}", units=units, orders=self.translations.count(len(orders), "order")
        )

    def _limits(self) -> Iterator[_Row]:
        """Yield a row for each limit of the site that changes by the last day of the plan."""
        last = round(self.plan.last_day * (1 + PAST))
        for one in self.plan.limits:
            windows = [window for window in one.windows if window.day < last]
            ends = [window.day for window in windows[1:]]
            phases = ("barred" if window.limit == 0 else "limit" for window in windows)
            bars = tuple(zip(phases, (window.day for window in windows), [*ends, last], strict=True))
            unit = self.translations.term(RESOURCE_UNITS[one.resource])
            said = tuple(limit_text(window.limit, self.translations, 0) for window in windows)
            color = KIND["grid"] if one.resource is Resource.GRID else KIND[OWN]
            name = self.translations.title(one.resource)
            yield _Row(name, f", {unit}", color, bars, self.translations("Limits of the site"), said=said)

    def _orders(self) -> Iterator[_Row]:
        for order in self.plan.orders:
            days = [0, order.leaves_day, order.arrives_day, order.ready_day, order.serves_day]
            bars = tuple(zip(("lead", "haul", "install", "commission"), days[:-1], days[1:], strict=True))
            name, depot = f"{order.all_units} × {order.model}", f", {order.depot}"
            yield _Row(name, depot, KIND[order.kind], bars, self.translations.title(PLURAL[order.kind]))

    def _boxes(self, row: _Row, middle: float) -> Iterator[dict[str, Any]]:
        is_milestone = row.day is not None
        for number, (phase, first, end) in enumerate(row.bars):
            opacity, height = LOOKS[phase]
            name = row.said[number] if row.said else self.translations.term(f"{row.phases.get(phase, phase)} phase")
            days = self.translations("day {first} to {last}", first=first, last=end)
            if end > first:
                yield {
                    "x": first,
                    "x2": end,
                    "y": middle - height / 2,
                    "y2": middle + height / 2,
                    "phase": phase,
                    "color": row.color,
                    "opacity": opacity * (MILESTONE_OPACITY if is_milestone else 1),
                    "what": f"{row.name}{row.after}. {name}: {days}",
                }

    def _reached(self, time: Timeline, rows: Sequence[_Row], middles: Sequence[float]) -> list[Spec]:
        """Draw a diamond on the day of each milestone; a wide chart writes its limit beside it or on its bar."""
        reached = [
            {"x": row.day, "y": middle} for row, middle in zip(rows, middles, strict=True) if row.day is not None
        ]
        look: dict[str, Any] = {"shape": "diamond", "filled": True, "size": 130, "color": MILESTONE, "opacity": 1}
        layers = [layer("point", reached, {"x": time.x(), "y": DOWN}, aria=False, **look)]
        if not self.is_wide:
            return layers
        after: list[dict[str, Any]] = []
        built: list[dict[str, Any]] = []
        before: list[dict[str, Any]] = []
        for row, middle in zip(rows, middles, strict=True):
            if row.day is None:
                continue
            said = self.translations("day {day}", day=row.day)
            note = self.translations("day {day}, {held}", day=row.day, held=row.note) if row.note else said
            room, ready = measure(note) + 14, row.bars[0][2]
            right = time.frame.plot_width - time.pixels(row.day)
            if room < right:
                after.append({"x": row.day, "y": middle, "text": note})
            elif room < time.pixels(ready):
                built.append({"x": ready, "y": middle, "text": note})
            elif right < time.pixels(row.day):
                text = shortened(note, time.pixels(row.day) - 14)
                before.append({"x": row.day, "y": middle, "text": text, "waits": row.day > row.bars[1][2]})
            else:
                after.append({"x": row.day, "y": middle, "text": shortened(note, right - 14)})
        y = DOWN
        return [
            *layers,
            texts(time.x(), y, after, color=INK, dx=11),
            texts(time.x(), y, built, color=INK, dx=-8, align="right"),
            texts(
                time.x(),
                y,
                [note for note in before if note["waits"]],
                color="white",
                stroke="white",
                strokeWidth=4,
                dx=-13,
                align="right",
            ),
            texts(time.x(), y, before, color=INK, dx=-13, align="right"),
        ]

    def _names(
        self, time: Timeline, rows: Sequence[_Row], middles: Sequence[float], heads: Sequence[dict[str, Any]]
    ) -> Iterator[Spec]:
        """Write the name of each row and group: at the left of a wide chart, over the bars of a narrow one."""
        size = TEXT if self.is_wide else SMALL
        room = NAMES - 22 if self.is_wide else self.width - 20
        align, x = ("right", time.days(-12)) if self.is_wide else ("left", time.days(-6))
        labels = []
        for row, middle in zip(rows, middles, strict=True):
            after = row.after if self.is_wide or not row.note else f"{row.after}, {row.note}"
            if row.day is None:
                after = shortened(after, room * DEPOT, size)
                text = shortened(row.name, room - measure(after, size), size) + after
            else:
                text = row.name + after
            labels.append({"x": x, "y": middle if self.is_wide else middle - 17, "text": shortened(text, room, size)})
        y = DOWN
        yield texts(time.x(), y, labels, color=INK, align=align, fontSize=size)
        yield texts(time.x(), y, [head | {"x": x} for head in heads], color=INK, align=align, fontWeight="bold")

    def _on_bars(self, time: Timeline, rows: Sequence[_Row], middles: Sequence[float]) -> list[Spec]:
        """Write on the bars what is said about them, where there is room."""
        labels = [
            {"x": first, "y": middle, "text": text}
            for row, middle in zip(rows, middles, strict=True)
            for (_, first, end), text in zip(row.bars[: len(row.said)], row.said, strict=True)
            if measure(text, SMALL) + 10 < time.pixels(end - first)
        ]
        return [texts(time.x(), DOWN, labels, color=INK, fontSize=SMALL, dx=5)] if labels else []

    def _keys(self, rows: Sequence[_Row], room: float) -> tuple[list[tuple[str, float, float]], float]:
        """Return the phases in the key, each with its place in pixels across and down, and the height of the key."""
        seen = {phase for row in rows for phase, first, end in row.bars if end > first}
        places, x, y = [], 8.0, KEY_LINE / 2
        for phase in (phase for phase in LOOKS if phase in seen):
            wide = 28 + measure(self.translations.term(f"{phase} phase"), SMALL)
            if x + wide > room:
                x, y = 8.0, y + KEY_LINE
            places.append((phase, x, y))
            x += wide + 20
        return places, y + KEY_LINE / 2

    def _key(self, time: Timeline, places: Sequence[tuple[str, float, float]]) -> list[Spec]:
        """Draw the key of the bars."""
        boxes, labels = [], []
        for phase, left, down in places:
            opacity, height = LOOKS[phase]
            text = self.translations.term(f"{phase} phase")
            x, y = left - time.frame.left, down + 2 - time.frame.top
            box = {"x": time.days(x), "x2": time.days(x + 22), "y": y - height / 2, "y2": y + height / 2}
            boxes.append(box | {"phase": phase, "color": QUIET, "opacity": opacity, "what": text})
            labels.append({"x": time.days(x + 28), "y": y, "text": text})
        return [_bars(time, boxes), texts(time.x(), DOWN, labels, color=INK, fontSize=SMALL)]


def _grouped(rows: Sequence[_Row], kinds: Sequence[str]) -> list[tuple[str, list[_Row]]]:
    """Return the rows of each kind, in the order of their first ones."""
    return [(kind, [row for row, of in zip(rows, kinds, strict=True) if of == kind]) for kind in dict.fromkeys(kinds)]


def _together(rows: Sequence[_Row], name: str) -> _Row:
    """Return one row for several: the first phase until the last of them ends it, and where any is in a later phase."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for phase, first, end in sorted((bar for row in rows for bar in row.bars), key=lambda bar: bar[1]):
        merged = spans.setdefault(phase, [])
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > first:
            merged.append((first, end))
    drawn = sorted(spans, key=BEHIND.index)
    return replace(rows[0], name=name, after="", bars=tuple((phase, *span) for phase in drawn for span in spans[phase]))


def _bars(time: Timeline, boxes: Sequence[dict[str, Any]]) -> Spec:
    place = {"x": time.x(), "x2": "x2", "y": DOWN, "y2": "y2"}
    encoding = {**place, "fill": "color", "stroke": "color", "fillOpacity": "opacity", "description": "what"}
    return layer("rect", boxes, encoding, ariaRoleDescription="what", strokeWidth=1)
