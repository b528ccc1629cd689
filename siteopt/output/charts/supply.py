"""Power against demand, and cooling against heat, from the day of the keys on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from siteopt.output.charts.base import (
    QUIET,
    SMALL,
    TEXT,
    WIDE,
    Chart,
    Frame,
    apart,
    named_axis,
    rectangles,
    texts,
    ticks,
    values,
)
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, Timeline, last_day, name_lines
from siteopt.output.document import Document
from siteopt.output.palette import INK, KIND
from siteopt.output.words import Words

if TYPE_CHECKING:
    import altair as alt

HEIGHTS = {True: 330.0, False: 250.0}
"""Of the plot of a wide and of a narrow chart."""
RIGHT = {True: 200.0, False: 146.0}
"""Room for the names of the bands."""
PAST = 0.2
"""Share of the days that is shown after the last one: what the last milestone has is to be seen."""
SOLID, DASHED = [1, 0], [5, 3]
MW = ",.1f"


@dataclass(frozen=True)
class Band:
    """A source: its field in a milestone, its colour, and what there is before the first milestone from some day on."""

    field: str
    color: str
    before_mw: float = 0.0
    from_day: float = 0.0


@dataclass(frozen=True)
class Need:
    """What has to be met: its field in a milestone, and how its line looks."""

    field: str
    dash: Sequence[int]


POWER_NEEDS = (Need("demand_mw", SOLID), Need("mean_mw", DASHED))
COOLING_NEEDS = (Need("heat_mw", SOLID),)


def power(document: Document, sites: Document, words: Words) -> Chart:
    """Grid, generators and batteries against the peak and the mean of the demand."""
    access, first_mw = document["access_day"], _first_grid_mw(document, sites)
    bands = (
        Band("grid_mw", KIND["grid"], first_mw, access),
        Band("generators_mw", KIND["generator"]),
        Band("batteries_mw", KIND["battery"]),
    )
    have, least = _least(document, bands, "demand_mw")
    said = [
        words(
            "The grid gives {mw} MW from day {day}, when the site is handed over.", mw=format(first_mw, MW), day=access
        ),
        words(
            "Least is to spare at {name}: grid, generators and batteries of {have} MW against a peak of {need} MW.",
            name=least["name"],
            have=format(have, MW),
            need=format(least["demand_mw"], MW),
        ),
    ]
    return _chart("power", words("Power against demand"), " ".join(said), _Supply(document, bands, POWER_NEEDS, words))


def cooling(document: Document, words: Words) -> Chart:
    """Chillers against heat."""
    bands = (Band("chillers_mw", KIND["chiller"]),)
    have, least = _least(document, bands, "heat_mw")
    said = words(
        "Least is to spare at {name}: chillers of {have} MW against heat of {need} MW.",
        name=least["name"],
        have=format(have, MW),
        need=format(least["heat_mw"], MW),
    )
    return _chart("cooling", words("Cooling against heat"), said, _Supply(document, bands, COOLING_NEEDS, words))


def _least(document: Document, bands: Sequence[Band], need: str) -> tuple[float, Document]:
    """The milestone at which the least is to spare, and what there is then."""
    have = [(sum(one[band.field] for band in bands), one) for one in document["milestones"]]
    return min(have, key=lambda pair: pair[0] - pair[1][need])


def _first_grid_mw(document: Document, sites: Document) -> float:
    """The grid on the day of the keys, before any step."""
    first = document["milestones"][0]
    if all(step["in_service_from"] != first["name"] for step in document["grid_steps"]):
        return first["grid_mw"]
    chosen = [feature["properties"] for feature in sites["features"] if feature["properties"]["rank"] == 1]
    assumed = [item["value"] for item in document["assumptions"] if item["column"] == "grid_mw" and item["chosen_site"]]
    known = [site["grid_mw"] for site in chosen if site.get("grid_mw") is not None]
    return next(iter(known + assumed), 0.0)


def _chart(name: str, title: str, caption: str, supply: _Supply) -> Chart:
    words, fields = supply.words, [*(band.field for band in supply.bands), *(need.field for need in supply.needs)]
    header = tuple(words.term(field) for field in ("milestone", "day", "date", *fields))
    rows = [
        (one["name"], one["day"], one["date"], *(one[field] for field in fields))
        for one in supply.document["milestones"]
    ]
    return Chart(name, title, caption, supply.draw, header, tuple(rows))


@dataclass(frozen=True)
class _Supply:
    document: Document
    bands: Sequence[Band]
    needs: Sequence[Need]
    words: Words

    def draw(self, width: int) -> alt.LayerChart:
        import altair as alt

        is_wide = width >= WIDE
        left, right = 52.0, RIGHT[is_wide]
        until = last_day(self.document) * (1 + PAST)
        top = 26 + NAME_LINE * name_lines(self.document, until, width - left - right)
        frame = Frame(width, top + HEIGHTS[is_wide] + AXIS_ROOM, left, right, top, AXIS_ROOM)
        time = Timeline(self.document, frame, until)
        boxes, lines = list(self._boxes(until)), list(self._lines(until))
        most = max([1.0, *(box["y2"] for box in boxes), *(line["y"] for line in lines)]) * 1.04
        marks = {value: f"{value:,g}" for value in ticks(0, most, 5)}
        scale = alt.Scale(domain=[0, most], nice=False, zero=False)
        y = alt.Y("y:Q", scale=scale, axis=named_axis(marks, grid=True))
        unit = texts(
            time.x(), y, [{"x": 0, "y": most, "text": "MW"}], dx=-8, dy=-9, align="right", color=QUIET, fontSize=SMALL
        )
        return frame.around(
            [
                unit,
                rectangles(time.x(), y, boxes, opacity=0.65, stroke="white", strokeWidth=0.8),
                *time.rules(y, most, 0),
                *_steps(time, y, lines),
                *self._ends(time, y, most, boxes, lines),
            ]
        )

    def _boxes(self, until: float) -> Iterator[dict[str, Any]]:
        """What each source gives from milestone to milestone, on top of the sources before it."""
        milestones = self.document["milestones"]
        ends = [*(one["day"] for one in milestones), until]
        spans = [(first, end, one) for one, (first, end) in zip(milestones, pairwise(ends), strict=True)]
        for band in self.bands:
            if band.before_mw and band.from_day < ends[0]:
                yield self._box(band, band.from_day, ends[0], 0, band.before_mw)
        for first, end, milestone in spans:
            under = 0.0
            for band in self.bands:
                mw = milestone[band.field]
                if mw and end > first:
                    yield self._box(band, first, end, under, mw)
                under += mw

    def _box(self, band: Band, first: float, end: float, under: float, mw: float) -> dict[str, Any]:
        name = self.words.term(band.field)
        what = self.words("{name}: {mw} MW from day {day}", name=name, mw=format(mw, MW), day=f"{first:g}")
        return {
            "x": first,
            "x2": end,
            "y": under,
            "y2": under + mw,
            "field": band.field,
            "color": band.color,
            "what": what,
        }

    def _lines(self, until: float) -> Iterator[dict[str, Any]]:
        """Each need from milestone to milestone; nothing before the first."""
        milestones = self.document["milestones"]
        for need in self.needs:
            yield {"x": milestones[0]["day"], "y": 0.0, "field": need.field}
            for one in milestones:
                yield {"x": one["day"], "y": one[need.field], "field": need.field}
            yield {"x": until, "y": milestones[-1][need.field], "field": need.field}

    def _ends(
        self, time: Timeline, y: alt.Y, most: float, boxes: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]
    ) -> list[alt.Chart]:
        """Names and figures at the right end, so that no legend has to be looked up."""
        import altair as alt

        last = {box["field"]: box for box in boxes if box["x2"] == time.until}
        ends = {field: (box["y"] + box["y2"]) / 2 for field, box in last.items()}
        ends |= {line["field"]: line["y"] for line in lines}
        height, is_wide = time.frame.plot_height, time.frame.width >= WIDE
        places = apart([height * (1 - value / most) for value in ends.values()], 18, 0, height)
        labels, marks, dashes = [], [], []
        for (field, value), place in zip(ends.items(), places, strict=True):
            level = most * (1 - place / height)
            mw = last[field]["y2"] - last[field]["y"] if field in last else value
            text = f"{self.words.term(field)} {mw:{MW}}" + (" MW" if is_wide else "")
            labels.append({"x": time.until + time.days(26), "y": level, "text": text})
            if field in last:
                marks.append({"x": time.until + time.days(14), "y": level, "color": last[field]["color"]})
            else:
                dashes += [{"x": time.until + time.days(x), "y": level, "field": field} for x in (5, 22)]
        size = TEXT if is_wide else SMALL
        swatches = alt.Chart(values(marks)).mark_point(shape="square", filled=True, size=130, opacity=1, aria=False)
        return [
            swatches.encode(x=time.x(), y=y, color=alt.Color("color:N", scale=None, legend=None)),
            *_steps(time, y, dashes),
            texts(time.x(), y, labels, color=INK, fontSize=size),
        ]


def _steps(time: Timeline, y: alt.Y, rows: Sequence[dict[str, Any]]) -> list[alt.Chart]:
    """Lines of the needs that go up in steps, with a pale edge so that they are seen on any colour."""
    import altair as alt

    needs = (*POWER_NEEDS, *COOLING_NEEDS)
    scale = alt.Scale(domain=[need.field for need in needs], range=[list(need.dash) for need in needs])
    dash = alt.StrokeDash("field:N", scale=scale, legend=None)
    edge = alt.Chart(values(rows)).mark_line(
        interpolate="step-after", color="white", strokeWidth=5, opacity=0.8, aria=False
    )
    line = alt.Chart(values(rows)).mark_line(interpolate="step-after", color=INK, strokeWidth=2.2, aria=False)
    return [
        edge.encode(x=time.x(), y=y, detail=alt.Detail("field:N")),
        line.encode(x=time.x(), y=y, strokeDash=dash),
    ]
