"""Draw power against demand, and cooling against heat, from the handover of the site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from siteopt.equipment import COOLING, PEAK_POWER, beside, suppliers
from siteopt.output.charts.base import (
    QUIET,
    SMALL,
    TEXT,
    WIDE,
    Chart,
    Frame,
    Spec,
    apart,
    by_name,
    layer,
    named_axis,
    position,
    rectangles,
    texts,
    ticks,
)
from siteopt.output.charts.timeline import AXIS_ROOM, NAME_LINE, Timeline, name_lines
from siteopt.output.names import PLURAL
from siteopt.output.palette import INK, KIND, OWN
from siteopt.output.translations import Translations
from siteopt.record.run import Milestone, PlanRecord, RunRecord

HEIGHTS = {True: 330.0, False: 250.0}
"""Heights in pixels of the plot of a wide and of a narrow chart."""
RIGHT = {True: 200.0, False: 146.0}
"""Pixels for the names of the bands."""
PAST = 0.2
"""Days shown after the last one, as a share of all days before, so that the last milestone's supply can be seen."""
SOLID, DASHED = [1, 0], [5, 3]


@dataclass(frozen=True)
class Band:
    """A source (the grid, a kind of equipment, or what the site has of its own for a requirement).

    It has an output in MW from a given day until the first milestone.
    """

    source: str
    before_mw: float = 0.0
    from_day: float = 0.0
    requirement: str = ""

    def at(self, milestone: Milestone) -> float:
        """Return the supply of the source at a milestone, in MW."""
        if self.source == OWN:
            return milestone.own(self.requirement)
        return milestone.grid_mw if self.source == "grid" else milestone.equipment_mw[self.source]


@dataclass(frozen=True)
class Need:
    """A requirement: its name or its field in a milestone, and the dashes of its line."""

    field: str
    dash: Sequence[int]

    def at(self, milestone: Milestone) -> float:
        """Return the requirement at a milestone, in MW."""
        return milestone.needed(self.field)


PEAK, MEAN, HEAT = Need("demand_mw", SOLID), Need("mean_mw", DASHED), Need("heat_mw", SOLID)


def power(run: RunRecord, plan: PlanRecord, translations: Translations) -> Chart:
    """Draw the power of grid, generators and batteries against peak demand and mean demand."""
    days = plan.replay.days
    first_mw = days.grid_mw[days.at(plan.handover_day)]
    bands = (Band("grid", first_mw, plan.handover_day), *_bands(PEAK_POWER))
    have, least = _least(plan, bands, PEAK)
    said = [
        translations(
            "The grid supplies {mw} MW from the handover of the site on day {day}.",
            mw=translations.number(first_mw, 1),
            day=plan.handover_day,
        ),
        translations(
            "The margin is smallest at {name}: grid, generators and batteries of {have} MW for a peak of {need} MW.",
            name=least.name,
            have=translations.number(have, 1),
            need=translations.number(least.demand_mw, 1),
        ),
    ]
    drawing = _Supply(run, plan, bands, (PEAK, MEAN), translations)
    return _chart("power", translations("Power supply and demand"), " ".join(said), drawing)


def cooling(run: RunRecord, plan: PlanRecord, translations: Translations) -> Chart:
    """Draw the cooling of the site's own towers and of the chillers against the heat."""
    bands = (*_own(plan, COOLING), *_bands(COOLING))
    have, least = _least(plan, bands, HEAT)
    said = translations(
        "The margin is smallest at {name}: cooling of {have} MW for heat of {need} MW.",
        name=least.name,
        have=translations.number(have, 1),
        need=translations.number(least.heat_mw, 1),
    )
    return _chart(
        "cooling", translations("Cooling capacity and heat"), said, _Supply(run, plan, bands, (HEAT,), translations)
    )


def others(run: RunRecord, plan: PlanRecord, translations: Translations) -> Iterator[Chart]:
    """Draw each requirement of the plan that has equipment of its own, beside power and cooling."""
    for one in beside():
        bands, need = (*_own(plan, one.name), *_bands(one.name)), Need(one.name, SOLID)
        if not any(map(need.at, plan.milestones)):
            continue
        have, least = _least(plan, bands, need)
        said = translations(
            "Least is to spare at {name}: {have} {unit} against {need}.",
            name=least.name,
            have=translations.number(have, 1),
            unit=one.unit,
            need=translations.number(need.at(least), 1),
        )
        title = translations.term(one.name).capitalize()
        yield _chart(one.name.replace(" ", "_"), title, said, _Supply(run, plan, bands, (need,), translations))


def _bands(requirement: str) -> tuple[Band, ...]:
    return tuple(Band(kind.name) for kind in suppliers(requirement))


def _own(plan: PlanRecord, requirement: str) -> Iterator[Band]:
    """Yield the band of what the site has of its own for a requirement, if it has any."""
    band = Band(OWN, requirement=requirement)
    if any(map(band.at, plan.milestones)):
        yield band


def _least(plan: PlanRecord, bands: Sequence[Band], need: Need) -> tuple[float, Milestone]:
    """Return the supply (MW) at the milestone with the smallest margin, and that milestone."""
    have = [(sum(band.at(one) for band in bands), one) for one in plan.milestones]
    return min(have, key=lambda pair: pair[0] - need.at(pair[1]))


def _chart(name: str, title: str, caption: str, supply: _Supply) -> Chart:
    translations = supply.translations
    sources = (translations.term(PLURAL[band.source]) for band in supply.bands)
    needs = (translations.term(need.field) for need in supply.needs)
    header = (*(translations.term(field) for field in ("milestone", "day", "date")), *sources, *needs)
    rows = [
        (one.name, one.day, str(one.date), *(band.at(one) for band in supply.bands), *(n.at(one) for n in supply.needs))
        for one in supply.plan.milestones
    ]
    return Chart(name, title, caption, supply.draw, header, tuple(rows))


@dataclass(frozen=True)
class _Supply:
    run: RunRecord
    plan: PlanRecord
    bands: Sequence[Band]
    needs: Sequence[Need]
    translations: Translations

    def draw(self, width: int) -> Spec:
        is_wide = width >= WIDE
        left, right = 52.0, RIGHT[is_wide]
        until = self.plan.last_day * (1 + PAST)
        top = 26 + NAME_LINE * name_lines(self.plan, until, width - left - right)
        frame = Frame(width, top + HEIGHTS[is_wide] + AXIS_ROOM, left, right, top, AXIS_ROOM)
        time = Timeline(self.run.start_date, self.plan, frame, until)
        boxes, lines = list(self._boxes(until)), list(self._lines(until))
        most = max([1.0, *(box["y2"] for box in boxes), *(line["y"] for line in lines)]) * 1.04
        marks = {value: f"{value:,g}" for value in ticks(0, most, 5)}
        y = position("y", [0, most], named_axis(marks, grid=True))
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
        """Yield a box for the supply of each source from one milestone to the next, stacked on the earlier sources."""
        milestones = self.plan.milestones
        ends = [*(one.day for one in milestones), until]
        spans = [(first, end, one) for one, (first, end) in zip(milestones, pairwise(ends), strict=True)]
        for band in self.bands:
            if band.before_mw and band.from_day < ends[0]:
                yield self._box(band, band.from_day, ends[0], 0, band.before_mw)
        for first, end, milestone in spans:
            under = 0.0
            for band in self.bands:
                mw = band.at(milestone)
                if mw and end > first:
                    yield self._box(band, first, end, under, mw)
                under += mw

    def _box(self, band: Band, first: float, end: float, under: float, mw: float) -> dict[str, Any]:
        name, amount = self.translations.term(PLURAL[band.source]), self.translations.number(mw, 1)
        what = self.translations("{name}: {mw} MW from day {day}", name=name, mw=amount, day=f"{first:g}")
        return {
            "x": first,
            "x2": end,
            "y": under,
            "y2": under + mw,
            "field": PLURAL[band.source],
            "color": KIND[band.source],
            "what": what,
        }

    def _lines(self, until: float) -> Iterator[dict[str, Any]]:
        """Yield the points of each requirement from milestone to milestone; before the first there is none."""
        milestones = self.plan.milestones
        for need in self.needs:
            yield {"x": milestones[0].day, "y": 0.0, "field": need.field}
            for one in milestones:
                yield {"x": one.day, "y": need.at(one), "field": need.field}
            yield {"x": until, "y": need.at(milestones[-1]), "field": need.field}

    def _ends(
        self, time: Timeline, y: Spec, most: float, boxes: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]
    ) -> list[Spec]:
        """Write names and figures at the right end, so that readers need no legend."""
        last = {box["field"]: box for box in boxes if box["x2"] == time.until}
        ends = {field: (box["y"] + box["y2"]) / 2 for field, box in last.items()}
        ends |= {line["field"]: line["y"] for line in lines}
        height, is_wide = time.frame.plot_height, time.frame.width >= WIDE
        places = apart([height * (1 - value / most) for value in ends.values()], 18, 0, height)
        labels, marks, dashes = [], [], []
        for (field, value), place in zip(ends.items(), places, strict=True):
            level = most * (1 - place / height)
            mw = last[field]["y2"] - last[field]["y"] if field in last else value
            text = f"{self.translations.term(field)} {self.translations.number(mw, 1)}" + (" MW" if is_wide else "")
            labels.append({"x": time.until + time.days(26), "y": level, "text": text})
            if field in last:
                marks.append({"x": time.until + time.days(14), "y": level, "color": last[field]["color"]})
            else:
                dashes += [{"x": time.until + time.days(x), "y": level, "field": field} for x in (5, 22)]
        size = TEXT if is_wide else SMALL
        look: dict[str, Any] = {"shape": "square", "filled": True, "size": 130, "opacity": 1, "aria": False}
        return [
            layer("point", marks, {"x": time.x(), "y": y, "color": "color"}, **look),
            *_steps(time, y, dashes),
            texts(time.x(), y, labels, color=INK, fontSize=size),
        ]


def _steps(time: Timeline, y: Spec, rows: Sequence[dict[str, Any]]) -> list[Spec]:
    """Draw the lines of the requirements in steps, with a pale edge so that they are visible on any colour."""
    dashes = {need.field: list(need.dash) for need in (PEAK, MEAN, HEAT)} | {one.name: SOLID for one in beside()}
    place, look = {"x": time.x(), "y": y}, {"interpolate": "step-after", "aria": False}
    return [
        layer("line", rows, place | {"detail": "field"}, color="white", strokeWidth=5, opacity=0.8, **look),
        layer("line", rows, place | {"strokeDash": by_name("field", dashes)}, color=INK, strokeWidth=2.2, **look),
    ]
