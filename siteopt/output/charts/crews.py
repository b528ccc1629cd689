"""Draw the crew schedule of the replay: a row for each crew, by trade, with the units that it installs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

from siteopt.output.charts.base import DOWN, QUIET, SMALL, Chart, Frame, Spec, rectangles, texts
from siteopt.output.charts.panels import SWATCH, heading, keys
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, PAST, Drawing, Timeline, name_lines
from siteopt.output.palette import INK, KIND, LAND
from siteopt.output.translations import Translations
from siteopt.record.replay import Shift
from siteopt.record.run import PlanRecord, RunRecord

HEIGHTS = {True: 620.0, False: 430.0}
"""Pixels for all rows of a wide and of a narrow chart, unless a row would be outside THIN to THICK."""
THIN, THICK = {True: 5.0, False: 3.5}, {True: 18.0, False: 14.0}
HEAD = 34.0
LABEL = 14.0
"""Smallest distance between two crew numbers, in pixels."""
LEFT = {True: 52.0, False: 34.0}


@dataclass(frozen=True)
class Gang:
    """Crews of one trade, ``first_crew`` to ``last_crew``, that work on one unit from the first to the last day."""

    shift: Shift
    first_crew: int
    last_crew: int


def crews(run: RunRecord, plan: PlanRecord, translations: Translations) -> Chart | None:
    """Draw every crew with the units that it installs; return None if no crew has any work."""
    shifts = plan.replay.crews
    if not shifts:
        return None
    said = [_said(trade, own, translations) for trade, own in _by_trade(shifts).items()]

    def draw(width: int) -> Spec:
        return _Crews(run, plan, translations, width).draw()

    header = tuple(
        translations.term(name) for name in ("trade", "milestone", "model", "units", "crews", "first_day", "last_day")
    )
    return Chart(
        "crews", translations("Crew schedule"), " ".join(said), draw, header, tuple(_rows(shifts, translations))
    )


def gangs(shifts: Sequence[Shift]) -> list[Gang]:
    """Return the gangs: crews with adjacent numbers that work on one unit on the same days."""

    def work(shift: Shift) -> tuple[Any, ...]:
        return shift.trade, shift.offer_id, shift.unit, shift.first_day, shift.last_day

    found: list[Gang] = []
    for shift in sorted(shifts, key=lambda shift: (*work(shift), shift.crew)):
        before = found[-1] if found else None
        if before is not None and work(before.shift) == work(shift) and before.last_crew == shift.crew - 1:
            found[-1] = Gang(before.shift, before.first_crew, shift.crew)
        else:
            found.append(Gang(shift, shift.crew, shift.crew))
    return found


def _by_trade(shifts: Sequence[Shift]) -> dict[str, list[Shift]]:
    ordered = sorted(shifts, key=lambda shift: shift.trade)
    return {trade: list(own) for trade, own in groupby(ordered, key=lambda shift: shift.trade)}


def _said(trade: str, shifts: Sequence[Shift], translations: Translations) -> str:
    units = {(shift.offer_id, shift.unit) for shift in shifts}
    return translations(
        "{trade}: {crews} install {units} from day {first} to day {last}; at most {most} work on one day.",
        trade=translations.term(trade).capitalize(),
        crews=translations.count(len({shift.crew for shift in shifts}), "crew"),
        units=translations.count(len(units), "unit"),
        first=min(shift.first_day for shift in shifts),
        last=max(shift.last_day for shift in shifts),
        most=_most(shifts),
    )


def _most(shifts: Sequence[Shift]) -> int:
    """Return the number of crews at work on the busiest day."""
    changes = [(shift.first_day, 1) for shift in shifts] + [(shift.last_day + 1, -1) for shift in shifts]
    return max(accumulate(change for _, change in sorted(changes)))


def _rows(shifts: Sequence[Shift], translations: Translations) -> Iterator[tuple[Any, ...]]:
    """Yield a row of the table for the units of an offer and a milestone: their crews and their days."""
    together: dict[tuple[str, ...], list[Shift]] = {}
    for shift in shifts:
        key = (shift.trade, shift.milestone, shift.offer_id)
        together.setdefault(key, []).append(shift)
    for (trade, milestone, _), own in together.items():
        yield (
            translations.term(trade),
            milestone,
            own[0].model,
            len({shift.unit for shift in own}),
            len({shift.crew for shift in own}),
            min(shift.first_day for shift in own),
            max(shift.last_day for shift in own),
        )


@dataclass(frozen=True)
class _Crews(Drawing):
    def draw(self) -> Spec:
        shifts = self.plan.replay.crews
        trades = _by_trade(shifts)
        counts = {trade: max(shift.crew for shift in own) for trade, own in trades.items()}
        row = HEIGHTS[self.is_wide] / sum(counts.values())
        row = min(max(row, THIN[self.is_wide]), THICK[self.is_wide])
        tops, down = {}, 0.0
        for trade, count in counts.items():
            tops[trade] = down + HEAD
            down += HEAD + count * row
        left, right = LEFT[self.is_wide], 14.0
        until = max(self.plan.last_day, *(shift.last_day for shift in shifts)) * (1 + PAST)
        kinds = [kind for kind in KIND if any(shift.kind == kind for shift in shifts)]
        names = [self.translations.term(kind) for kind in kinds]
        places, key = keys(names, self.width - 16)
        lines = name_lines(self.plan, until, self.width - left - right)
        top = 8 + key + NAME_LINE * lines
        frame = Frame(self.width, top + down + 6 + AXIS_ROOM, left, right, top, AXIS_ROOM)
        time = Timeline(self.run.start_date, self.plan, frame, until)
        x, y = time.x(), DOWN
        strips = [
            {"x": 0, "x2": until, "y": tops[trade], "y2": tops[trade] + count * row, "color": LAND, "what": ""}
            for trade, count in counts.items()
        ]
        boxes = [self._box(gang, tops[gang.shift.trade], row, time) for gang in gangs(shifts)]
        swatches, labels = [], []
        for kind, name, (across, under) in zip(kinds, names, places, strict=True):
            at, height = across + 8 - left, under - top + 4
            ends = {"x": time.days(at), "x2": time.days(at + SWATCH), "y": height - 6, "y2": height + 6}
            swatches.append(ends | {"color": KIND[kind], "what": name})
            labels.append({"x": time.days(at + SWATCH + 6), "y": height, "text": name})
        return frame.around(
            [
                rectangles(x, y, strips),
                *time.rules(y, 0, frame.plot_height),
                rectangles(x, y, boxes, stroke="white", strokeWidth=0.7 if self.is_wide else 0),
                rectangles(x, y, swatches),
                texts(x, y, labels, color=INK, fontSize=SMALL),
                *heading(x, y, [self._head(trade, own, tops[trade], time) for trade, own in trades.items()]),
                texts(x, y, list(self._numbers(counts, tops, row)), color=QUIET, fontSize=SMALL, align="right", dx=-6),
            ]
        )

    def _box(self, gang: Gang, top: float, row: float, time: Timeline) -> dict[str, Any]:
        shift, translations = gang.shift, self.translations
        what = translations(
            "{trade} crews {first} to {last}: {model}, unit {unit}, for {milestone}, day {first_day} to {last_day}",
            trade=translations.term(shift.trade),
            first=gang.first_crew,
            last=gang.last_crew,
            model=shift.model,
            unit=shift.unit,
            milestone=shift.milestone,
            first_day=shift.first_day,
            last_day=shift.last_day,
        )
        return {
            "x": shift.first_day,
            "x2": shift.last_day + 1,
            "y": top + (gang.first_crew - 1) * row,
            "y2": top + gang.last_crew * row,
            "color": KIND[shift.kind],
            "what": what,
        }

    def _head(self, trade: str, shifts: Sequence[Shift], top: float, time: Timeline) -> dict[str, Any]:
        text = self.translations(
            "{trade}: {crews}, {units}",
            trade=self.translations.term(trade).capitalize(),
            crews=self.translations.count(len({shift.crew for shift in shifts}), "crew"),
            units=self.translations.count(len({(shift.offer_id, shift.unit) for shift in shifts}), "unit"),
        )
        return {"x": 0, "y": top - 11, "text": text}

    def _numbers(self, counts: Mapping[str, int], tops: Mapping[str, float], row: float) -> Iterator[dict[str, Any]]:
        """Yield the crew numbers that have room: all of them, or the first and every fifth or tenth."""
        every = next(step for step in (1, 5, 10) if step * row >= LABEL)
        for trade, count in counts.items():
            for crew in range(1, count + 1):
                if crew == 1 or (crew % every == 0 and (crew - 1) * row >= LABEL):
                    yield {"x": 0, "y": tops[trade] + (crew - 0.5) * row, "text": str(crew)}
