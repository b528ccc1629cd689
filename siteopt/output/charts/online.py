"""What is there on each day, as replayed, against what the milestones need: power, cooling, GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siteopt.output.charts.base import SMALL, WIDE, Chart, Frame, apart, texts, ticks, values
from siteopt.output.charts.panels import KEY_LINE, Scale, heading, lines, ruled
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, PAST, Timeline, last_day, name_lines
from siteopt.output.document import Document
from siteopt.output.palette import INK, KIND, STANDING
from siteopt.output.words import Words
from siteopt.plan import Standing

if TYPE_CHECKING:
    import altair as alt

TRAINING = STANDING[Standing.CHOSEN]
NETWORKED = "#C9C4B9"
RIGHT = {True: 150.0, False: 132.0}
"""Room for the names at the right end."""
HEAD, GAP = 24.0, 16.0


@dataclass(frozen=True)
class Part:
    """A plot: its name, what is stacked in it with its colours, what is needed of a milestone, and its height.

    Attributes
    ----------
    stacked : bool
        Whether the fields add up; else each is drawn from the ground, the first behind.
    """

    name: str
    fields: dict[str, str]
    need: str
    heights: tuple[float, float]
    stacked: bool = True


PARTS = (
    Part(
        "power",
        {"grid_mw": KIND["grid"], "generators_mw": KIND["generator"], "batteries_mw": KIND["battery"]},
        "demand_mw",
        (190.0, 140.0),
    ),
    Part("cooling", {"chillers_mw": KIND["chiller"]}, "heat_mw", (120.0, 95.0)),
    Part("gpus", {"networked_gpus": NETWORKED, "training_gpus": TRAINING}, "gpus", (140.0, 110.0), stacked=False),
)
"""From the top of the chart down."""


def online(document: Document, words: Words) -> Chart | None:
    """Power, cooling and GPUs that are there on each day; None where nothing was replayed."""
    replay = document["replay"]
    if replay is None or not replay["days"]["day"]:
        return None

    def draw(width: int) -> alt.LayerChart:
        return _Online(document, words, width).draw()

    fields = [field for part in PARTS for field in part.fields]
    header = tuple(words.term(name) for name in ("day", *fields))
    rows = tuple(_changes(replay["days"], ("day", *fields)))
    return Chart("online", words("What is there on each day"), _caption(document, words), draw, header, rows)


def _changes(days: Document, fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The days on which more than the networked GPUs changes: those change on most."""
    before: tuple[Any, ...] = ()
    for row in zip(*(days[field] for field in fields), strict=True):
        counted = tuple(cell for field, cell in zip(fields, row, strict=True) if field not in ("day", "networked_gpus"))
        if counted != before:
            yield tuple(round(cell, 3) for cell in row)
        before = counted


def _caption(document: Document, words: Words) -> str:
    days, said = document["replay"]["days"], []
    for milestone, replayed in zip(document["milestones"], document["replay"]["milestones"], strict=True):
        if replayed["day"] is None:
            said.append(words("{name} does not start.", name=milestone["name"]))
            continue
        at = max(number for number, day in enumerate(days["day"]) if day <= replayed["day"])
        power = sum(days[field][at] for field in PARTS[0].fields)
        said.append(
            words(
                "{name} starts on day {day}: there are {power} MW for a peak of {demand}, and chillers for {cold} MW"
                " against heat of {heat}.",
                name=milestone["name"],
                day=replayed["day"],
                power=f"{power:,.1f}",
                demand=f"{milestone['demand_mw']:,.1f}",
                cold=f"{days['chillers_mw'][at]:,.1f}",
                heat=f"{milestone['heat_mw']:,.1f}",
            )
        )
    return " ".join(said)


@dataclass(frozen=True)
class _Online:
    document: Document
    words: Words
    width: int

    @property
    def is_wide(self) -> bool:
        return self.width >= WIDE

    def draw(self) -> alt.LayerChart:
        replay = self.document["replay"]
        reached = [one["day"] for one in replay["milestones"] if one["day"] is not None]
        until = max(last_day(self.document), *replay["days"]["day"], *reached) * (1 + PAST)
        left, right = 58.0 if self.is_wide else 50.0, RIGHT[self.is_wide]
        heights = [part.heights[0 if self.is_wide else 1] for part in PARTS]
        down = sum(heights) + HEAD * len(PARTS) + GAP * (len(PARTS) - 1)
        top = 8 + KEY_LINE + NAME_LINE * name_lines(self.document, until, self.width - left - right)
        frame = Frame(self.width, top + down + AXIS_ROOM, left, right, top, AXIS_ROOM)
        time = Timeline(self.document, frame, until)
        layers, heads, place = [], [], 0.0
        layers += time.rules(frame.y(), 0, down)
        for part, height in zip(PARTS, heights, strict=True):
            heads.append({"x": 0, "y": place + HEAD / 2 - 1, "text": self._title(part)})
            layers += self._part(part, time, place + HEAD, height)
            place += HEAD + height + GAP
        return frame.around([*layers, *heading(time.x(), frame.y(), heads), *self._key(time, top)])

    def _title(self, part: Part) -> str:
        name = self.words.term(part.name)
        return name if part.name == "gpus" else f"{name.capitalize()}, MW"

    def _part(self, part: Part, time: Timeline, top: float, height: float) -> list[alt.Chart]:
        x, y = time.x(), time.frame.y()
        days = self.document["replay"]["days"]
        levels = [days[field] for field in part.fields]
        most = max([sum(each) if part.stacked else max(each) for each in zip(*levels, strict=True)])
        most = 1.05 * max([most, 1.0, *(one[part.need] for one in self.document["milestones"])])
        scale = Scale(0, most, top + height, top)
        marks = {value: f"{value:,g}" for value in ticks(0, most, 4 if height > 100 else 3)}
        areas, ends = [], {}
        under = [0.0] * len(days["day"])
        for field, color in part.fields.items():
            level = [low + high for low, high in zip(under, days[field], strict=True)] if part.stacked else days[field]
            spans = zip([*days["day"], time.until], [*under, under[-1]], [*level, level[-1]], strict=True)
            of = {"field": field, "color": color}
            areas += [{"x": day, "y": scale(low), "y2": scale(high)} | of for day, low, high in spans]
            if level[-1] > under[-1]:
                ends[field] = (scale((under[-1] + level[-1]) / 2 if part.stacked else level[-1]), days[field][-1])
            under = level if part.stacked else under
        needs = [{"x": 0, "y": scale(0)}]
        needs += [{"x": one["day"], "y": scale(one[part.need])} for one in self.document["milestones"]]
        needs.append({"x": time.until, "y": needs[-1]["y"]})
        look: dict[str, Any] = {"interpolate": "step-after"}
        edge = [row | {"color": "white", "line": 0} for row in needs]
        need = [row | {"color": INK, "line": 0} for row in needs]
        return [
            *ruled(x, y, scale, marks, 0, time.until),
            _areas(x, y, areas),
            lines(x, y, edge, strokeWidth=4.5, opacity=0.8, **look),
            lines(x, y, need, strokeWidth=2.2, **look),
            *self._ends(part, time, ends, needs[-1]["y"], (top, top + height)),
            *(self._starts(time, scale) if part.name == "gpus" else ()),
        ]

    def _ends(
        self, part: Part, time: Timeline, ends: dict[str, tuple[float, float]], need: float, room: tuple[float, float]
    ) -> list[alt.Chart]:
        """Names and figures at the right end, so that no legend has to be looked up."""
        import altair as alt

        x, y = time.x(), time.frame.y()
        last = self.document["milestones"][-1][part.need]
        named = [(field, part.fields[field], *end) for field, end in ends.items()] + [(part.need, INK, need, last)]
        places = apart([each[2] for each in named], 16, room[0] + 4, room[1] - 4)
        labels, marks, dashes = [], [], []
        for (field, color, _, amount), place in zip(named, places, strict=True):
            figure = f"{amount:,.0f}" if part.name == "gpus" else f"{amount:,.1f}"
            name = self.words.term("needed" if field == "gpus" else field)
            labels.append({"x": time.until + time.days(24), "y": place, "text": f"{name} {figure}"})
            if field == part.need:
                dashes += [{"x": time.until + time.days(at), "y": place, "color": INK, "line": 0} for at in (4, 19)]
            else:
                marks.append({"x": time.until + time.days(12), "y": place, "color": color})
        look: dict[str, Any] = {"shape": "square", "filled": True, "size": 110, "opacity": 1, "aria": False}
        swatches = alt.Chart(values(marks)).mark_point(**look)
        return [
            swatches.encode(x=x, y=y, color=alt.Color("color:N", scale=None, legend=None)),
            lines(x, y, dashes, strokeWidth=2.2),
            texts(x, y, labels, color=INK, fontSize=SMALL),
        ]

    def _starts(self, time: Timeline, scale: Scale) -> list[alt.Chart]:
        """Each milestone on the day that was planned, and on the day on which it starts as replayed."""
        planned = [{"x": one["day"], "y": scale(one["gpus"])} for one in self.document["milestones"]]
        pairs = zip(self.document["milestones"], self.document["replay"]["milestones"], strict=True)
        replayed = [{"x": two["day"], "y": scale(one["gpus"])} for one, two in pairs if two["day"] is not None]
        return [_diamonds(time, planned, True), _diamonds(time, replayed, False)]

    def _key(self, time: Timeline, top: float) -> list[alt.Chart]:
        """What the diamonds mean."""
        y, x = KEY_LINE / 2 + 2 - top, time.days(8 - time.frame.left)
        names = [self.words("start as planned"), self.words("start as replayed")]
        far = x + time.days(150)
        labels = [{"x": at + time.days(24), "y": y, "text": name} for at, name in zip((x, far), names, strict=True)]
        return [
            _diamonds(time, [{"x": x + time.days(9), "y": y}], True),
            _diamonds(time, [{"x": far + time.days(9), "y": y}], False),
            texts(time.x(), time.frame.y(), labels, color=INK, fontSize=SMALL),
        ]


def _areas(x: Any, y: Any, rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """What is there of each field, from step to step."""
    import altair as alt

    layer = alt.Chart(values(rows)).mark_area(interpolate="step-after", opacity=0.7, aria=False)
    color = alt.Color("color:N", scale=None, legend=None)
    return layer.encode(x=x, y=y, y2=alt.Y2("y2:Q"), color=color, detail=alt.Detail("field:N"))


def _diamonds(time: Timeline, rows: Sequence[dict[str, Any]], planned: bool) -> alt.Chart:
    """Hollow and large for what was planned, filled and small for what was replayed: one fits into the other."""
    import altair as alt

    look: dict[str, Any] = {"shape": "diamond", "aria": False, "opacity": 1}
    look |= {"filled": False, "size": 210, "color": INK, "strokeWidth": 1.6} if planned else {}
    look |= {} if planned else {"filled": True, "size": 80, "color": INK}
    return alt.Chart(values(rows)).mark_point(**look).encode(x=time.x(), y=time.frame.y())
