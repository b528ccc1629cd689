"""Draw the replayed capacity by day (power, cooling, GPUs) against the requirements of the milestones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from siteopt.equipment import COOLING, PEAK_POWER, beside, suppliers
from siteopt.output.charts.base import DOWN, SMALL, Chart, Frame, Spec, apart, layer, texts, ticks
from siteopt.output.charts.panels import KEY_LINE, Scale, heading, lines, ruled
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, PAST, Drawing, Timeline, name_lines
from siteopt.output.names import PLURAL
from siteopt.output.palette import INK, KIND, OWN, STANDING
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from siteopt.record.replay import DaySeries
from siteopt.record.run import Milestone, PlanRecord, RunRecord

TRAINING = STANDING[Standing.CHOSEN]
NETWORKED = "#C9C4B9"
RIGHT = {True: 150.0, False: 132.0}
"""Pixels for the names at the right end of a wide and of a narrow chart."""
HEAD, GAP = 24.0, 16.0


@dataclass(frozen=True)
class Part:
    """A plot of the chart.

    Attributes
    ----------
    sources : dict
        Colours of the drawn series: the grid and kinds of equipment, or GPUs.
    need : str
        Field of a milestone with its requirement, or the name of a requirement.
    heights : tuple of float
        Heights in pixels of the plot on a wide and on a narrow chart.
    stacked : bool
        Whether the sources are stacked; if not, each is drawn from zero, the first one behind the others.
    """

    name: str
    sources: dict[str, str]
    need: str
    heights: tuple[float, float]
    stacked: bool = True

    def needed(self, milestone: Milestone) -> float:
        """Return the requirement of a milestone."""
        return milestone.needed(self.need)

    def own(self, plan: PlanRecord) -> list[float]:
        """Return what the site itself supplies on each day of the replay: nothing before its handover."""
        started = [(one.day, one.own(self.name)) for one in plan.milestones]
        return [
            0.0 if day < plan.handover_day else ([started[0], *(one for one in started if one[0] <= day)])[-1][1]
            for day in plan.replay.days.day
        ]


def _colours(requirement: str) -> dict[str, str]:
    return {kind.name: kind.colour for kind in suppliers(requirement)}


PARTS = (
    Part("power", {"grid": KIND["grid"], **_colours(PEAK_POWER)}, "demand_mw", (190.0, 140.0)),
    Part("cooling", _colours(COOLING), "heat_mw", (120.0, 95.0)),
    *(Part(one.name, _colours(one.name), one.name, (120.0, 95.0)) for one in beside()),
    Part("gpus", {"networked_gpus": NETWORKED, "training_gpus": TRAINING}, "gpus", (140.0, 110.0), stacked=False),
)
"""Plots of the chart, from the top down."""


def _parts(plan: PlanRecord) -> list[Part]:
    """Return the plots for a plan: power, cooling, GPUs, and other requirements that the plan has."""
    return [part for part in PARTS if part.name != part.need or any(map(part.needed, plan.milestones))]


def series(days: DaySeries, source: str) -> Sequence[float]:
    """Return the capacity of a source on each of the days: MW, or a number of GPUs."""
    if source in days.equipment_mw:
        return days.equipment_mw[source]
    return {"grid": days.grid_mw, "networked_gpus": days.networked_gpus, "training_gpus": days.training_gpus}[source]


def capacity_by_day(run: RunRecord, plan: PlanRecord, translations: Translations) -> Chart:
    """Draw the power, cooling and GPUs of each day."""

    def draw(width: int) -> Spec:
        return _CapacityByDay(run, plan, translations, width).draw()

    header = (
        translations.term("day"),
        *(translations.term(PLURAL.get(name, name)) for part in _parts(plan) for name in part.sources),
    )
    rows = tuple(_changes(plan.replay.days, [source for part in _parts(plan) for source in part.sources]))
    return Chart("capacity_by_day", translations("Capacity by day"), _caption(plan, translations), draw, header, rows)


def _changes(days: DaySeries, sources: Sequence[str]) -> Iterator[tuple[float, ...]]:
    """Yield a row for each day on which a value changes, except the networked GPUs, which change on most days."""
    before: tuple[float, ...] = ()
    for day, *row in zip(days.day, *(series(days, source) for source in sources), strict=True):
        counted = tuple(cell for source, cell in zip(sources, row, strict=True) if source != "networked_gpus")
        if counted != before:
            yield (day, *(round(cell, 3) for cell in row))
        before = counted


def _caption(plan: PlanRecord, translations: Translations) -> str:
    days, said = plan.replay.days, []
    for milestone, replayed in zip(plan.milestones, plan.replay.milestones, strict=True):
        if replayed.day is None:
            said.append(translations("{name} does not start.", name=milestone.name))
            continue
        at = days.at(replayed.day)
        power, cooling = (sum(series(days, source)[at] for source in part.sources) for part in PARTS[:2])
        said.append(
            translations(
                "{name} starts on day {day}, with {power} MW of power for a peak of {demand} MW, and {cold} MW of"
                " cooling for {heat} MW of heat.",
                name=milestone.name,
                day=replayed.day,
                power=translations.number(power, 1),
                demand=translations.number(milestone.demand_mw, 1),
                cold=translations.number(cooling + milestone.own(COOLING), 1),
                heat=translations.number(milestone.heat_mw, 1),
            )
        )
    return " ".join(said)


@dataclass(frozen=True)
class _CapacityByDay(Drawing):
    def draw(self) -> Spec:
        replay = self.plan.replay
        reached = [one.day for one in replay.milestones if one.day is not None]
        until = max(self.plan.last_day, *replay.days.day, *reached) * (1 + PAST)
        left, right = 58.0 if self.is_wide else 50.0, RIGHT[self.is_wide]
        parts = _parts(self.plan)
        heights = [part.heights[0 if self.is_wide else 1] for part in parts]
        down = sum(heights) + HEAD * len(parts) + GAP * (len(parts) - 1)
        top = 8 + KEY_LINE + NAME_LINE * name_lines(self.plan, until, self.width - left - right)
        frame = Frame(self.width, top + down + AXIS_ROOM, left, right, top, AXIS_ROOM)
        time = Timeline(self.run.start_date, self.plan, frame, until)
        layers, heads, place = [], [], 0.0
        layers += time.rules(DOWN, 0, down)
        for part, height in zip(parts, heights, strict=True):
            heads.append({"x": 0, "y": place + HEAD / 2 - 1, "text": self._title(part)})
            layers += self._part(part, time, place + HEAD, height)
            place += HEAD + height + GAP
        return frame.around([*layers, *heading(time.x(), DOWN, heads), *self._key(time, top)])

    def _title(self, part: Part) -> str:
        name = self.translations.term(part.name)
        return name if part.name == "gpus" else f"{name.capitalize()}, MW"

    def _part(self, part: Part, time: Timeline, top: float, height: float) -> list[Spec]:
        x, y = time.x(), DOWN
        days = self.plan.replay.days
        own_mw, colours = part.own(self.plan), {OWN: KIND[OWN], **part.sources}
        there: dict[str, Sequence[float]] = {OWN: own_mw} if any(own_mw) else {}
        there |= {source: series(days, source) for source in part.sources}
        levels = list(there.values())
        most = max([sum(each) if part.stacked else max(each) for each in zip(*levels, strict=True)])
        most = 1.05 * max([most, 1.0, *(part.needed(one) for one in self.plan.milestones)])
        scale = Scale(0, most, top + height, top)
        marks = {value: f"{value:,g}" for value in ticks(0, most, 4 if height > 100 else 3)}
        areas, ends = [], {}
        under: Sequence[float] = [0.0] * len(days.day)
        for field, own in there.items():
            color = colours[field]
            level = [low + high for low, high in zip(under, own, strict=True)] if part.stacked else own
            spans = zip([*days.day, time.until], [*under, under[-1]], [*level, level[-1]], strict=True)
            of = {"field": field, "color": color}
            areas += [{"x": day, "y": scale(low), "y2": scale(high)} | of for day, low, high in spans]
            if level[-1] > under[-1]:
                ends[field] = (scale((under[-1] + level[-1]) / 2 if part.stacked else level[-1]), own[-1])
            under = level if part.stacked else under
        required = [{"x": 0, "y": scale(0)}]
        required += [{"x": one.day, "y": scale(part.needed(one))} for one in self.plan.milestones]
        required.append({"x": time.until, "y": required[-1]["y"]})
        look: dict[str, Any] = {"interpolate": "step-after"}
        edge = [row | {"color": "white", "line": 0} for row in required]
        need = [row | {"color": INK, "line": 0} for row in required]
        return [
            *ruled(x, y, scale, marks, 0, time.until),
            _areas(x, y, areas),
            lines(x, y, edge, strokeWidth=4.5, opacity=0.8, **look),
            lines(x, y, need, strokeWidth=2.2, **look),
            *self._ends(part, time, ends, required[-1]["y"], (top, top + height)),
            *(self._starts(time, scale) if part.name == "gpus" else ()),
        ]

    def _ends(
        self, part: Part, time: Timeline, ends: dict[str, tuple[float, float]], need: float, room: tuple[float, float]
    ) -> list[Spec]:
        """Write names and figures at the right end, so that readers need no legend."""
        x, y = time.x(), DOWN
        last = part.needed(self.plan.milestones[-1])
        colours = {OWN: KIND[OWN], **part.sources}
        named = [(field, colours[field], *end) for field, end in ends.items()] + [(part.need, INK, need, last)]
        places = apart([each[2] for each in named], 16, room[0] + 4, room[1] - 4)
        labels, marks, dashes = [], [], []
        for (field, color, _, amount), place in zip(named, places, strict=True):
            figure = self.translations.number(amount, 0 if part.name == "gpus" else 1)
            name = self.translations.term("needed" if field == "gpus" else PLURAL.get(field, field))
            labels.append({"x": time.until + time.days(24), "y": place, "text": f"{name} {figure}"})
            if field == part.need:
                dashes += [{"x": time.until + time.days(at), "y": place, "color": INK, "line": 0} for at in (4, 19)]
            else:
                marks.append({"x": time.until + time.days(12), "y": place, "color": color})
        look: dict[str, Any] = {"shape": "square", "filled": True, "size": 110, "opacity": 1, "aria": False}
        return [
            layer("point", marks, {"x": x, "y": y, "color": "color"}, **look),
            lines(x, y, dashes, strokeWidth=2.2),
            texts(x, y, labels, color=INK, fontSize=SMALL),
        ]

    def _starts(self, time: Timeline, scale: Scale) -> list[Spec]:
        """Mark each milestone on its planned day and on its start day in the replay."""
        planned = [{"x": one.day, "y": scale(one.gpus)} for one in self.plan.milestones]
        pairs = zip(self.plan.milestones, self.plan.replay.milestones, strict=True)
        replayed = [{"x": two.day, "y": scale(one.gpus)} for one, two in pairs if two.day is not None]
        return [_diamonds(time, planned, True), _diamonds(time, replayed, False)]

    def _key(self, time: Timeline, top: float) -> list[Spec]:
        """Draw the key of the diamonds."""
        y, x = KEY_LINE / 2 + 2 - top, time.days(8 - time.frame.left)
        names = [self.translations("planned start"), self.translations("replayed start")]
        far = x + time.days(150)
        labels = [{"x": at + time.days(24), "y": y, "text": name} for at, name in zip((x, far), names, strict=True)]
        return [
            _diamonds(time, [{"x": x + time.days(9), "y": y}], True),
            _diamonds(time, [{"x": far + time.days(9), "y": y}], False),
            texts(time.x(), DOWN, labels, color=INK, fontSize=SMALL),
        ]


def _areas(x: Spec, y: Spec, rows: Sequence[dict[str, Any]]) -> Spec:
    """Draw the capacity of each field as steps."""
    encoding = {"x": x, "y": y, "y2": "y2", "color": "color", "detail": "field"}
    return layer("area", rows, encoding, interpolate="step-after", opacity=0.7, aria=False)


def _diamonds(time: Timeline, rows: Sequence[dict[str, Any]], planned: bool) -> Spec:
    """Draw diamonds: hollow and large if planned, filled and small if replayed, so that one fits into the other."""
    look: dict[str, Any] = {"shape": "diamond", "aria": False, "opacity": 1}
    look |= {"filled": False, "size": 210, "color": INK, "strokeWidth": 1.6} if planned else {}
    look |= {} if planned else {"filled": True, "size": 80, "color": INK}
    return layer("point", rows, {"x": time.x(), "y": DOWN}, **look)
