"""Draw the map of a plan offline: candidates by rank, the chosen site, depots and hauls, on outlines of the land."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from siteopt.equipment import KINDS
from siteopt.output.basemap import basemap, box_around
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
    by_name,
    ground,
    layer,
    measure,
    shortened,
    texts,
)
from siteopt.output.charts.places import Label, View, placed
from siteopt.output.palette import BORDER, INK, KIND, LAND, MARKER, STANDING, WATER
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from siteopt.record.run import ListedSite, PlanRecord, RunRecord

DRAWN = 500
"""Largest number of candidates on the map; the best ones are drawn."""
NAMED = 4
"""Number of ranks with a name if there is room; a narrow map names only the first."""

STAR = "M0,-1L0.24,-0.31L0.95,-0.31L0.36,0.12L0.59,0.81L0,0.4L-0.59,0.81L-0.36,0.12L-0.95,-0.31L-0.24,-0.31Z"
AREA = {Standing.CHOSEN: 900.0, Standing.RANKED: 260.0, Standing.EXCLUDED: 30.0}
OTHER_AREA = 70.0
DEPOT_AREA = 26.0

BULGE = {kind.name: 0.10 + 0.08 * place for place, kind in enumerate(KINDS)}
"""Bend of a haul, as a share of its length, so that hauls of several kinds from one depot do not overlap."""
COLOURS = {kind.name: KIND[kind.name] for kind in KINDS}
DASH = {kind.name: list(kind.dash) for kind in KINDS}
THIN, THICK = 1.2, 4.5
ALONG = np.linspace(0, 1, 25)[:, None]
KEY_LINE, KEY_AREA = 21.0, 330.0


@dataclass(frozen=True)
class Haul:
    """Units of one kind from one depot."""

    kind: str
    depot: str
    place: tuple[float, float]
    units: int


def site_map(run: RunRecord, translations: Translations) -> Chart:
    """Draw the candidates, the chosen site, and the depots of the units."""
    sites, hauls = run.ranking[:DRAWN], _hauls(run.plan)

    def draw(width: int) -> Spec:
        view = View.of(width, box_around(np.array([*_shown(sites), *(haul.place for haul in hauls)]).reshape(-1, 2)))
        return _Map(view, run.plan, [site for site in sites if view.holds(_place(site))], hauls, translations).draw()

    title = translations("Map of sites and deliveries")
    return Chart("map", title, _caption(run, hauls, translations), draw)


def _place(site: ListedSite) -> tuple[float, float]:
    return site.longitude, site.latitude


def _shown(sites: Sequence[ListedSite]) -> list[tuple[float, float]]:
    """Return the positions that the map must show: the eligible sites, or all sites if none is eligible."""
    part = [_place(site) for site in sites if site.standing != Standing.EXCLUDED]
    return part or [_place(site) for site in sites]


def _hauls(plan: PlanRecord | None) -> list[Haul]:
    units: Counter[tuple[str, str, tuple[float, float]]] = Counter()
    for order in plan.orders if plan is not None else ():
        units[order.kind, order.depot, (order.longitude, order.latitude)] += order.all_units
    return [Haul(kind, depot, place, count) for (kind, depot, place), count in units.items()]


def _caption(run: RunRecord, hauls: Sequence[Haul], translations: Translations) -> str:
    ranked = [site for site in run.ranking if site.rank is not None]
    said = []
    if run.plan is not None:
        said.append(translations("The star is {site}.", site=run.plan.site_name))
    if hauls:
        units = translations.count(sum(haul.units for haul in hauls), "unit")
        depots = translations.count(len({haul.place for haul in hauls}), "depot")
        said.append(translations("{units} are delivered from {depots}.", units=units, depots=depots))
    if len(ranked) > 1:
        others = ", ".join(f"{site.rank}. {site.name}" for site in ranked[1:NAMED])
        said.append(translations("Numbers are ranks; next best: {others}.", others=others))
    if len(run.ranking) > DRAWN:
        count = translations.count(len(run.ranking), "site")
        said.append(translations("The map shows the best {drawn} of {count}.", count=count, drawn=DRAWN))
    if hauls:
        said.append(translations("The arcs connect the depots with the site; they do not follow roads."))
    return " ".join(said) or translations("The candidates.")


@dataclass(frozen=True)
class _Map:
    view: View
    plan: PlanRecord | None
    sites: Sequence[ListedSite]
    hauls: Sequence[Haul]
    translations: Translations

    def draw(self) -> Spec:
        keys, lines = self._key()
        frame = Frame(self.view.width, self.view.height + lines * KEY_LINE + 8, 0, 0, lines * KEY_LINE + 8, 0)
        marks = [*(self._site(site) for site in reversed(self.sites)), *self._depots()]
        marks.sort(key=lambda mark: mark["area"])
        ranks = [mark | {"text": str(mark["rank"]), "color": "white"} for mark in marks if (mark["rank"] or 0) > 1]
        return frame.around(
            [
                *_ground(self.view),
                *self._arcs(),
                _points(marks),
                texts(ACROSS, DOWN, ranks, align="center", fontSize=10.5, fontWeight="bold"),
                *self._labels(marks),
                *_key_layers(keys),
            ]
        )

    def _site(self, site: ListedSite) -> dict[str, Any]:
        ranked = f"{site.rank}. " if site.rank is not None else ""
        why = self.translations.reasons(site.reasons) or self.translations.term(site.standing)
        mark = self._point(_place(site), site.standing)
        return mark | {"rank": site.rank, "name": site.name, "what": f"{ranked}{site.name}: {why}"}

    def _point(self, place: Sequence[float], standing: str) -> dict[str, Any]:
        x, y = self.view.pixels(np.array([place]))[0]
        return {"x": x, "y": y, **_look(standing)}

    def _depots(self) -> Iterator[dict[str, Any]]:
        depots: dict[tuple[float, float], str] = {haul.place: haul.depot for haul in self.hauls}
        for place, name in depots.items():
            units = self.translations.count(sum(haul.units for haul in self.hauls if haul.place == place), "unit")
            x, y = self.view.pixels(np.array([place]))[0]
            yield {"x": x, "y": y, "rank": None, "name": name, "what": f"{name}: {units}", **_DEPOT}

    def _curve(self, haul: Haul, plan: PlanRecord) -> np.ndarray:
        """Return the points of the arc from a depot to the site, in pixels."""
        site, depot = self.view.pixels(np.array([[plan.longitude, plan.latitude], haul.place]))
        across = np.array([depot[1] - site[1], site[0] - depot[0]])
        across *= np.sign(across[1] or 1) * -BULGE[haul.kind]
        return depot + (site - depot) * ALONG + across * (4 * ALONG * (1 - ALONG))

    def _arcs(self) -> list[Spec]:
        if self.plan is None or not self.hauls:
            return []
        most = max(haul.units for haul in self.hauls)
        rows = []
        for number, haul in enumerate(sorted(self.hauls, key=lambda haul: -haul.units)):
            width = THIN + (THICK - THIN) * (haul.units / most) ** 0.5
            what = f"{haul.depot}: {self.translations.count(haul.units, 'unit')} ({self.translations.term(haul.kind)})"
            shared = {"haul": number, "width": round(width, 1), "kind": haul.kind, "what": what}
            curve = self._curve(haul, self.plan).round(1).tolist()
            rows += [{"x": x, "y": y, "at": at, **shared} for at, (x, y) in enumerate(curve)]
        encoding = {"order": "at", "detail": "haul", "description": "what", "strokeWidth": "width", **_OF_KIND}
        return [layer("line", rows, encoding, opacity=0.8, ariaRoleDescription="what")]

    def _labels(self, marks: Sequence[dict[str, Any]]) -> list[Spec]:
        """Write the names of the chosen site, the next ranks and the depots so that they do not overlap."""
        is_wide = self.view.width >= WIDE
        wanted = []
        for mark in marks:
            rank, radius = mark["rank"], mark["area"] ** 0.5 / 2 + 4
            if rank == 1 or (is_wide and rank is not None and rank <= NAMED):
                size, room = (TEXT + 2 if rank == 1 else TEXT), (self.view.width * 0.6 if rank == 1 else 210)
                name = shortened(mark["name"], room, size)
                wanted.append(Label(rank, name, mark["x"], mark["y"], radius, size, bold=rank == 1, color=INK))
            elif mark["standing"] == "depot":
                size = SMALL if is_wide else SMALL - 1
                wanted.append(
                    Label(100, shortened(mark["name"], 130, size), mark["x"], mark["y"], radius, size, color=QUIET)
                )
        solid = [
            (m["x"], m["y"], m["area"] ** 0.5 / 2) for m in marks if m["rank"] is not None or m["standing"] == "depot"
        ]
        plan = self.plan
        curves = (self._curve(haul, plan) for haul in self.hauls) if plan is not None else ()
        arcs = np.concatenate([np.zeros((0, 2)), *curves])
        layers = []
        for label, x, y, align in placed(wanted, solid, arcs, self.view.width, self.view.height):
            row = [{"x": x, "y": y, "text": label.text}]
            style = {"align": align, "fontSize": label.size, "fontWeight": "bold" if label.bold else "normal"}
            layers.append(
                texts(ACROSS, DOWN, row, color="white", stroke="white", strokeWidth=3.5, opacity=0.85, **style)
            )
            layers.append(texts(ACROSS, DOWN, row, color=label.color, **style))
        return layers

    def _key(self) -> tuple[list[dict[str, Any]], int]:
        """Return the entries of the key, each with its place above the map, and the number of lines."""
        standings = [str(standing) for standing in Standing]
        present = {site.standing for site in self.sites}
        items = [({**_look(name)}, self.translations.term(name)) for name in standings if name in present]
        if self.hauls:
            items.append(({**_DEPOT}, self.translations("depot")))
        items += [
            ({"kind": kind}, self.translations.term(f"{kind} haul"))
            for kind in DASH
            if any(haul.kind == kind for haul in self.hauls)
        ]
        keys: list[dict[str, Any]] = []
        x, line = 12.0, 0
        for look, text in items:
            long = 24 + measure(text, SMALL) + 18
            if x + long > self.view.width and x > 12:
                x, line = 12.0, line + 1
            keys.append({**look, "x": x, "line": line, "text": text})
            x += long
        lines = line + 1
        return [key | {"y": (key["line"] - lines + 0.5) * KEY_LINE - 6} for key in keys], lines


_OF_KIND = {"x": ACROSS, "y": DOWN, "color": by_name("kind", COLOURS), "strokeDash": by_name("kind", DASH)}
_DEPOT = {"standing": "depot", "shape": "circle", "fill": INK, "stroke": "white", "area": DEPOT_AREA}


def _look(standing: str) -> dict[str, Any]:
    color, marker = STANDING[standing], MARKER[standing]
    hollow = standing == Standing.EXCLUDED
    return {
        "standing": standing,
        "shape": STAR if marker == "star" else marker,
        "fill": "white" if hollow else color,
        "stroke": color if hollow else "white",
        "area": AREA.get(Standing(standing), OTHER_AREA),
    }


def _points(marks: Sequence[dict[str, Any]]) -> Spec:
    look = {"shape": "shape", "size": "area", "fill": "fill", "stroke": "stroke"}
    encoding = {"x": ACROSS, "y": DOWN, "description": "what", **look}
    return layer("point", marks, encoding, opacity=1, strokeWidth=1.2, ariaRoleDescription="what")


def _ground(view: View) -> Iterator[Spec]:
    """Draw water, land, lakes and borders."""
    looks: dict[str, dict[str, Any]] = {
        "land": {"fill": LAND, "stroke": BORDER, "strokeWidth": 0.6},
        "lake": {"fill": WATER, "stroke": BORDER, "strokeWidth": 0.4},
        "province border": {"filled": False, "stroke": BORDER, "strokeWidth": 0.5, "strokeDash": [2, 3]},
        "country border": {"filled": False, "stroke": BORDER, "strokeWidth": 1.1},
    }
    shapes = {"sea": view.sea(), **{kind: view.outlines(found) for kind, found in basemap(view.box).items()}}
    for kind, look in {"sea": {"fill": WATER, "stroke": None}, **looks}.items():
        yield ground(shapes[kind], **look)


def _key_layers(keys: Sequence[dict[str, Any]]) -> list[Spec]:
    points = [key | {"what": key["text"], "area": min(key["area"], KEY_AREA)} for key in keys if "shape" in key]
    lines = [key | {"x": key["x"] + dx} for key in keys if "kind" in key for dx in (-9, 12)]
    layers = [
        _points(points),
        texts(ACROSS, DOWN, [key | {"x": key["x"] + 17} for key in keys], fontSize=SMALL, color=INK),
    ]
    if lines:
        layers.append(layer("line", lines, _OF_KIND, strokeWidth=3, aria=False))
    return layers
