"""Draw the cost of a plan by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from siteopt.equipment import KINDS
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
    shortened,
    texts,
)
from siteopt.output.palette import BORDER, INK, KIND, STANDING, WORK
from siteopt.output.translations import MoneyUnit, Translations
from siteopt.record.base import Standing
from siteopt.record.run import PlanRecord

COLORS = {
    "gpus": BORDER,
    "site": STANDING[Standing.CHOSEN],
    **WORK,
    "grid_steps": KIND["grid"],
    **dict.fromkeys(("grid_energy", "demand_charge"), KIND["grid"]),
    "fuel": KIND["generator"],
    **{kind.plural: kind.colour for kind in KINDS},
}
"""Colour of a part of the cost: the colour of what it pays for."""
STRIP, BAR, FAN = 26.0, 30.0, 44.0
"""Heights in pixels of the strip of the total, of the bar of a part, and of the room between them."""


def cost(plan: PlanRecord, translations: Translations) -> Chart:
    """Draw the cost by part: a strip with GPUs and the rest, and bars for the parts of the rest."""
    parts = {name: usd for name, usd in plan.cost.parts_usd.items() if usd}
    parts = dict(sorted(parts.items(), key=lambda part: -part[1]))
    total = plan.cost.total_usd
    unit = translations.cost_unit(plan.cost)
    listed = [f"{translations.term(name)} {unit.bare(usd)}" for name, usd in parts.items()]
    said = translations("{total} in total: {parts}.", total=unit(total), parts=", ".join(listed))
    rows = tuple(
        (translations.term(name), unit.bare(usd), translations.percent(usd / total, 1)) for name, usd in parts.items()
    )
    header = (translations.term("part"), translations("Cost, {unit}", unit=unit.name), translations.term("share"))

    def draw(width: int) -> Spec:
        return _Cost(unit, translations, parts, width).draw()

    return Chart("cost", translations("Cost by part, {unit}", unit=unit.name), said, draw, header, rows)


@dataclass(frozen=True)
class _Cost:
    unit: MoneyUnit
    translations: Translations
    parts: dict[str, int]
    width: int

    def draw(self) -> Spec:
        is_wide = self.width >= WIDE
        others = {name: usd for name, usd in self.parts.items() if name != "gpus"}
        names = 150.0 if is_wide else 104.0
        frame = Frame(self.width, 24 + STRIP + FAN + BAR * max(1, len(others)) + 8, 8, 8, 24, 8)
        amounts = 150.0 if is_wide else 96.0
        return frame.around(
            [
                *self._strip(frame, sum(others.values())),
                *self._bars(frame, others, names, frame.plot_width - names - amounts),
            ]
        )

    def _strip(self, frame: Frame, rest: float) -> list[Spec]:
        """Draw the total as one strip; its last part fans out into the bars below."""
        gpus, wide = self.parts.get("gpus", 0), frame.plot_width
        split = wide * gpus / max(1, gpus + rest)
        heads = [self._head("gpus", gpus, 0, "left"), self._head("all else", rest, wide, "right")]
        ends = ((0, split, COLORS["gpus"]), (split, wide, INK))
        boxes = [
            {"x": x, "x2": x2, "y": 0, "y2": STRIP, "color": color, "what": head["text"]}
            for (x, x2, color), head in zip(ends, heads, strict=True)
            if x2 > x
        ]
        lines = [(split, STRIP, 0, STRIP + FAN - 8), (wide, STRIP, wide, STRIP + FAN - 8)]
        fan = [{"x": x, "y": y, "x2": x2, "y2": y2} for x, y, x2, y2 in lines if rest]
        layers = [
            rectangles(ACROSS, DOWN, boxes),
            layer("rule", fan, {"x": ACROSS, "x2": "x2", "y": DOWN, "y2": "y2"}, color=BORDER, aria=False),
        ]
        for head in heads:
            align = head.pop("align")
            size = TEXT if self.width >= WIDE else SMALL
            layers.append(texts(ACROSS, DOWN, [head], align=align, color=INK, fontWeight="bold", fontSize=size))
        return layers

    def _head(self, name: str, usd: float, x: float, align: str) -> dict[str, Any]:
        return {
            "x": x,
            "y": -12,
            "text": f"{self.translations.term(name)} {self.unit.bare(usd)}",
            "align": align,
        }

    def _bars(self, frame: Frame, parts: dict[str, int], names: float, room: float) -> list[Spec]:
        most = max([1.0, *parts.values()])
        size = TEXT if self.width >= WIDE else SMALL
        boxes, labels, amounts = [], [], []
        for place, (name, usd) in enumerate(parts.items()):
            y = STRIP + FAN + BAR * (place + 0.5)
            long = room * usd / most
            text = self.unit.bare(usd)
            name_ = self.translations.term(name)
            boxes.append(
                {"x": names, "x2": names + long, "y": y - 9, "y2": y + 9, "color": COLORS.get(name, QUIET), "usd": usd}
                | {"what": f"{name_}: {text}", "part": name}
            )
            labels.append({"x": names - 10, "y": y, "text": shortened(name_, names - 10, size)})
            amounts.append({"x": names + long + 8, "y": y, "text": text})
        return [
            rectangles(ACROSS, DOWN, boxes),
            texts(ACROSS, DOWN, labels, color=INK, align="right", fontSize=size),
            texts(ACROSS, DOWN, amounts, color=INK, fontSize=size),
        ]
