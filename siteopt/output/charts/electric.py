"""Draw the frequency and the power through one event, with batteries and without, on the same scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    layer,
    rectangles,
    texts,
    ticks,
)
from siteopt.output.charts.panels import SWATCH, Point, Scale, between, heading, keys, lines, ruled, thinned
from siteopt.output.palette import BORDER, INK, KIND, STANDING
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from siteopt.record.replay import TraceRecord
from siteopt.record.run import PlanRecord

POWERS = {"load_mw": INK, "generators_mw": KIND["generator"], "batteries_mw": KIND["battery"], "grid_mw": KIND["grid"]}
"""Powers of a trace, with their colours."""
SOURCES = {"generators_mw": "generators", "batteries_mw": "batteries", "grid_mw": "grid"}
"""Names of the powers of a trace that come from a source."""
BAND, OUTSIDE = "#DCEBE4", STANDING[Standing.CHOSEN]
WITHIN = "#00694D"
HEIGHTS = {True: (210.0, 190.0), False: (135.0, 120.0)}
"""Heights in pixels of the plots of frequency and of power, on a wide and on a narrow chart."""
LEFT, RIGHT, COLUMN_GAP = 52.0, 14.0, 34.0
KEY_GAP = 14.0
HEAD, NAME, GAP, FOOT = 44.0, 22.0, 14.0, 34.0
"""Pixels above a trace, above a plot, between the plots of a trace, and below them."""
USUAL = "G2"
"""Class whose band is drawn if no class is required."""


def frequency(plan: PlanRecord, translations: Translations) -> Chart | None:
    """Draw the traces of a run; return None if there are none."""
    traces = plan.power_quality.traces
    if not traces:
        return None
    asked = plan.power_quality.iso_class or USUAL
    low, high = traces[0].band_hz
    said = [
        translations(
            "{event}, {mode}, at {milestone}.",
            event=translations.term(traces[0].event).capitalize(),
            mode=translations.term(traces[0].mode),
            milestone=traces[0].milestone,
        ),
        *(f"{_name(trace, translations)}: {_verdict(trace, translations)}." for trace in traces),
        translations(
            "The band of {iso_class} is {low} to {high} Hz.", iso_class=asked, low=f"{low:g}", high=f"{high:g}"
        ),
    ]

    def draw(width: int) -> Spec:
        return _Traces(traces, asked, translations, width).draw()

    header = (
        "",
        *(translations.term(name) for name in ("lowest_hz", "highest_hz")),
        translations("leaves the band at, s"),
        translations("import beyond its limit, s"),
    )
    rows = tuple(
        (
            _name(trace, translations),
            round(min(trace.hz), 3),
            round(max(trace.hz), 3),
            _shown(_left(trace)),
            _shown(trace.import_beyond_s or None),
        )
        for trace in traces
    )
    return Chart("frequency", translations("Frequency with and without batteries"), " ".join(said), draw, header, rows)


def _name(trace: TraceRecord, translations: Translations) -> str:
    return translations("With batteries") if trace.batteries else translations("Without batteries")


def _left(trace: TraceRecord) -> float | None:
    """Return the time in seconds at which the frequency first leaves its band; None if it never does."""
    low, high = trace.band_hz
    return next((time for time, hz in zip(trace.time_s, trace.hz, strict=True) if not low <= hz <= high), None)


def _shown(seconds: float | None) -> float | str:
    return "" if seconds is None else round(seconds, 2)


def _verdict(trace: TraceRecord, translations: Translations) -> str:
    """Return how a trace ends: how far the frequency moves or, where the grid holds it, what the meter counts."""
    if trace.import_limit_mw is not None and _left(trace) is None:
        amounts = {"most": f"{max(trace.grid_mw):.1f}", "limit": f"{trace.import_limit_mw:g}"}
        if not trace.import_beyond_s:
            return translations("import up to {most} MW, limit {limit} MW", **amounts)
        seconds = f"{trace.import_beyond_s:.2f}"
        return translations("import up to {most} MW, beyond {limit} MW for {seconds} s", **amounts, seconds=seconds)
    low, high = f"{min(trace.hz):.2f}", f"{max(trace.hz):.2f}"
    left = _left(trace)
    if left is None:
        return translations("{low} to {high} Hz, within the band", low=low, high=high)
    said = translations(
        "{low} to {high} Hz, outside the band from {seconds} s", low=low, high=high, seconds=f"{left:.2f}"
    )
    if trace.collapsed_s is None:
        return said
    return said + translations(", trips at {seconds} s", seconds=f"{trace.collapsed_s:.2f}")


@dataclass(frozen=True)
class _Traces:
    traces: Sequence[TraceRecord]
    asked: str
    translations: Translations
    width: int

    @property
    def is_wide(self) -> bool:
        return self.width >= WIDE

    def draw(self) -> Spec:
        columns = len(self.traces) if self.is_wide else 1
        across = (self.width - LEFT - RIGHT - COLUMN_GAP * (columns - 1)) / columns
        down = HEAD + sum(HEIGHTS[self.is_wide]) + 2 * NAME + GAP + FOOT
        seen = [field for field in POWERS if any(any(getattr(trace, field)) for trace in self.traces)]
        names = [self.translations.term(SOURCES.get(field, field)) for field in seen]
        places, key = keys(names, self.width - 16)
        frame = Frame(self.width, KEY_GAP + key + down * (len(self.traces) / columns), LEFT, RIGHT, KEY_GAP + key, 0)
        layers: list[Spec] = []
        for number, trace in enumerate(self.traces):
            left = number % columns * (across + COLUMN_GAP)
            layers += self._trace(trace, seen, (left, left + across), number // columns * down)
        swatches, labels = [], []
        for field, name, (x, y) in zip(seen, names, places, strict=True):
            across_key, down_key = x + 8 - LEFT, y + 4 - KEY_GAP - key
            look = {"y": down_key, "color": POWERS[field], "line": field}
            swatches += [look | {"x": across_key}, look | {"x": across_key + SWATCH}]
            labels.append({"x": across_key + SWATCH + 6, "y": down_key, "text": name})
        key_layers = [
            lines(ACROSS, DOWN, swatches, strokeWidth=3),
            texts(ACROSS, DOWN, labels, color=INK, fontSize=SMALL),
        ]
        return frame.around([*layers, *key_layers])

    def _trace(
        self, trace: TraceRecord, seen: Sequence[str], across: tuple[float, float], top: float
    ) -> Iterator[Spec]:
        x, y = ACROSS, DOWN
        left, right = across
        seconds = Scale(0, max(max(each.time_s) for each in self.traces), left, right)
        tall, low = HEIGHTS[self.is_wide]
        upper = top + HEAD + NAME
        hz = Scale(*self._hz(), upper + tall, upper)
        lower = upper + tall + GAP + NAME
        mw = Scale(*self._mw(seen), lower + low, lower)
        yield from heading(x, y, [{"x": left, "y": top + 8, "text": _name(trace, self.translations)}])
        color = OUTSIDE if _left(trace) is not None or trace.is_overrun else WITHIN
        verdict = [{"x": left, "y": top + 26, "text": _verdict(trace, self.translations)}]
        yield texts(x, y, verdict, color=color, fontWeight="bold", fontSize=TEXT)
        yield from self._band(trace, hz, across)
        marks = {value: f"{value:g}" for value in ticks(mw.low, mw.high, 4)}
        yield from ruled(x, y, mw, marks, left, right)
        units = [{"x": left, "y": upper - 11, "text": "Hz"}, {"x": left, "y": lower - 11, "text": "MW"}]
        yield texts(x, y, units, color=QUIET, fontSize=SMALL, align="right", dx=-6)
        yield from self._seconds(seconds, lower + low, across)
        count = round((right - left) / 2)
        curve = thinned(trace.time_s, trace.hz, count)
        yield self._lines(seconds, hz, curve, INK, 1.8)
        band = trace.band_hz
        for limits in ((hz.low, band[0]), (band[1], hz.high)):
            yield self._lines(seconds, hz, curve, OUTSIDE, 3.0, limits)
        if trace.import_limit_mw is not None:
            limit = [{"x": left, "x2": right, "y": mw(trace.import_limit_mw)}]
            yield layer("rule", limit, {"x": x, "x2": "x2", "y": y}, color=KIND["grid"], strokeDash=[5, 3], aria=False)
            what = self.translations("import limit {limit} MW", limit=f"{trace.import_limit_mw:g}")
            name = [{"x": right, "y": lower - 11, "text": what}]
            yield texts(x, y, name, color=KIND["grid"], align="right", fontSize=SMALL)
        for field in seen:
            if any(getattr(trace, field)):
                power = thinned(trace.time_s, getattr(trace, field), count)
                yield self._lines(seconds, mw, power, POWERS[field], 2.2 if field == "load_mw" else 1.8)

    def _hz(self) -> tuple[float, float]:
        """Return the lowest and highest frequency to show, in Hz.

        This covers the band, and curves outside it up to one width of the band on either side, plus a margin.
        """
        low, high = self.traces[0].band_hz
        wide = high - low
        least = min(low, *(min(trace.hz) for trace in self.traces))
        most = max(high, *(max(trace.hz) for trace in self.traces))
        return max(least, low - wide) - wide * 0.06, min(most, high + wide) + wide * 0.06

    def _mw(self, seen: Sequence[str]) -> tuple[float, float]:
        powers = [power for trace in self.traces for field in seen for power in getattr(trace, field)]
        powers += [trace.import_limit_mw or 0.0 for trace in self.traces]
        low, high = min(0.0, *powers), max(1.0, *powers)
        return low - (high - low) * 0.04 * (low < 0), high + (high - low) * 0.05

    def _band(self, trace: TraceRecord, hz: Scale, across: tuple[float, float]) -> Iterator[Spec]:
        """Draw the band of the class, its limits, and the frequencies at the left."""
        x, y = ACROSS, DOWN
        left, right = across
        low, high = trace.band_hz
        span = self.translations("{low} to {high} Hz", low=f"{low:g}", high=f"{high:g}")
        what = self.translations("{iso_class}: {span}", iso_class=self.asked, span=span)
        band = {"x": left, "x2": right, "y": hz(low), "y2": hz(high), "color": BAND, "what": what}
        yield rectangles(x, y, [band])
        marks = {value: f"{value:g}" for value in ticks(hz.low, hz.high, 5)}
        yield from ruled(x, y, hz, marks, left, right)
        edges = [{"x": left, "x2": right, "y": hz(limit)} for limit in (low, high)]
        yield layer("rule", edges, {"x": x, "x2": "x2", "y": y}, color=WITHIN, strokeDash=[5, 3], aria=False)
        yield texts(x, y, [{"x": right, "y": hz.end - 11, "text": what}], color=WITHIN, align="right", fontSize=SMALL)

    def _seconds(self, seconds: Scale, bottom: float, across: tuple[float, float]) -> Iterator[Spec]:
        """Draw the axis of time, in seconds."""
        x, y = ACROSS, DOWN
        marks = ticks(seconds.low, seconds.high, round((across[1] - across[0]) / 80))
        names = [f"{value:g}" if value < marks[-1] else f"{value:g} s" for value in marks]
        rows = [
            {"x": seconds(value), "y": bottom, "y2": bottom + 4, "text": name}
            for value, name in zip(marks, names, strict=True)
        ]
        axis = [{"x": across[0], "x2": across[1], "y": bottom}]
        yield layer("rule", axis, {"x": x, "x2": "x2", "y": y}, color=BORDER, aria=False)
        yield layer("rule", rows, {"x": x, "y": y, "y2": "y2"}, color=BORDER, aria=False)
        yield texts(x, y, rows, color=QUIET, align="center", dy=14, fontSize=SMALL)

    def _lines(
        self,
        seconds: Scale,
        scale: Scale,
        points: Sequence[Point],
        color: str,
        stroke: float,
        limits: tuple[float, float] | None = None,
    ) -> Spec:
        """Draw the part of a line that lies between the limits; without limits, between those of its scale."""
        runs = between(points, *(limits or (scale.low, scale.high)))
        rows = [
            {"x": round(seconds(time), 2), "y": round(scale(value), 2), "color": color, "line": number}
            for number, run in enumerate(runs)
            for time, value in run
        ]
        return lines(ACROSS, DOWN, rows, strokeWidth=stroke)
