"""Documents to report on: the small world, and odd runs made from it."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import siteopt
from siteopt.output.geojson import plan_geojson, sites_geojson
from siteopt.output.report import report
from siteopt.output.words import Words
from siteopt.scenario import slug
from tests.report.replayed import add_quality, add_replay
from tests.worlds import SITES, changed, write_world

INJECTION = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LONG = "Very Long Works of the United Aluminium, Steel and Paper Company " * 3 + "end"


@dataclass(frozen=True)
class Documents:
    document: dict[str, Any]
    sites: dict[str, Any]
    plan: dict[str, Any]

    def page(self, language: str = "en", front: dict[str, Any] | None = None) -> str:
        return report(self.document, self.sites, self.plan, Words(language), front)


@cache
def _solved() -> siteopt.Result:
    with tempfile.TemporaryDirectory() as folder:
        return siteopt.solve(write_world(Path(folder)))


def documents_of(result: siteopt.Result) -> Documents:
    document = copy.deepcopy(result.document)
    return Documents(document, sites_geojson(document, result.dataset.sites), plan_geojson(document))


def small() -> Documents:
    """The small world: alpha wins, beta is next, gamma's grid is unknown."""
    return documents_of(_solved())


@cache
def _front() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return json.dumps(siteopt.pareto(write_world(Path(folder))).document)


def front_document() -> dict[str, Any]:
    return json.loads(_front())


def renamed(name: str) -> Documents:
    """Everything that a user names is named so."""
    with tempfile.TemporaryDirectory() as folder:
        found = documents_of(siteopt.solve(write_world(Path(folder), changed(SITES, "site_id", "alpha", name=name))))
    document = found.document
    document["scenario"] = document["baselines"][0]["name"] = name
    for order in document["orders"]:
        order |= {"model": name, "depot": name, "vendor": name}
    document["ranking"][1]["reason"] = f"outside {name}"
    found.sites["features"][1]["properties"]["reason"] = f"outside {name}"
    return found


def with_milestones(names: Sequence[str]) -> Documents:
    """The small world with more milestones, not replayed: each as the first, ten days later than the one before."""
    found = small()
    document, (first,) = found.document, found.document["milestones"]
    document["replay"] = document["power_quality"] = None
    document["milestones"] = [
        copy.deepcopy(first)
        | {
            "name": name,
            "day": first["day"] + 10 * number,
            "date": (date.fromisoformat(first["date"]) + timedelta(days=10 * number)).isoformat(),
            "gpus": first["gpus"] * (number + 1),
        }
        for number, name in enumerate(names)
    ]
    document["objective"] = [*names, "cost"]
    document["baselines"][0]["milestone"] = names[-1]
    for row in document["ranking"]:
        for field in ("day", "date", "bound_day", "bottleneck"):
            value = row.pop(f"{field}_first_run")
            row |= {f"{field}_{slug(name)}": value for name in names}
    for order in document["orders"]:
        order["units"] = dict.fromkeys(names, 5)
    return found


def with_orders(count: int) -> Documents:
    """The small world with so many orders, of all kinds and from depots all around; none where there are none."""
    found = small()
    one = found.document["orders"][0]
    found.document["orders"] = [
        one
        | {
            "kind": ("generator", "chiller", "battery")[number * 3 // max(1, count)],
            "model": f"Model {number} of a rather long name (class {number})",
            "depot": f"Depot {number}",
            "longitude": -120 + number,
            "latitude": 30 + number % 7,
            "arrives_day": 12 + number % 5,
        }
        for number in range(count)
    ]
    return Documents(found.document, found.sites, plan_geojson(found.document))


def with_candidates(count: int) -> Documents:
    """The small world with so many candidates, ranked, ruled out and left out in turn."""
    found = small()
    row, feature = found.document["ranking"][1], found.sites["features"][1]
    for number in range(3, count):
        standing = ("ruled out", "cannot serve", "excluded", "not settled")[number % 4]
        other = row | {"site_id": f"s{number}", "name": f"Plant {number}", "rank": None, "standing": standing}
        other |= {"cost_usd": None, "day_first_run": None, "date_first_run": None, "bottleneck_first_run": None}
        other |= {"reason": "its bound is worse than rank 10" if standing == "ruled out" else "unknown: grid_mw"}
        place = [-120 + number % 97 * 0.5, 30 + number % 89 * 0.2]
        found.document["ranking"].append(other)
        properties = feature["properties"] | other
        geometry = {"type": "Point", "coordinates": place}
        found.sites["features"].append({"type": "Feature", "geometry": geometry, "properties": properties})
    found.document["candidates"] = count
    return found


@cache
def _nothing(settings: str, seconds: float) -> siteopt.Result:
    with tempfile.TemporaryDirectory() as folder:
        scenario = siteopt.read_scenario(write_world(Path(folder)), [settings])
        return siteopt.solve(scenario, seconds=seconds)


def no_site() -> Documents:
    return documents_of(_nothing("project.horizon_days=15", 60))


def no_plan_yet() -> Documents:
    return documents_of(_nothing("project.horizon_days=365", 0))


def not_proven() -> Documents:
    """The time was up with a plan, whose bounds are days and money below."""
    found = small()
    found.document["outcome"] = "limit reached"
    days, cost = found.document["certificate"]["stages"]
    days |= {"bound": 20.0, "gap": 3 / 23}
    cost |= {"bound": 300.0, "gap": 0.025}
    return found


def replayed() -> Documents:
    """The small world, replayed: as planned, and with batteries every event keeps its class."""
    found = small()
    add_quality(add_replay(found.document))
    return found


def replayed_late() -> Documents:
    """Three milestones and many orders, but one crew of each trade: the last is late, and the class is not kept."""
    found = with_milestones(["early", "middle", "late"])
    one = found.document["orders"][0]
    found.document["orders"] = [
        one | {"offer_id": f"o{number}", "kind": kind, "units": {"early": 1, "middle": 2, "late": 4}}
        for number, kind in enumerate(("generator", "chiller", "battery"))
    ]
    add_quality(add_replay(found.document, crews=1, budget_usd=1.0), kept=False)
    return found


RUNS: dict[str, Callable[[], Documents]] = {
    "small": small,
    "twelve milestones": lambda: with_milestones([f"milestone number {n} of a long name" for n in range(12)]),
    "no orders": lambda: with_orders(0),
    "forty orders": lambda: with_orders(40),
    "long names": lambda: renamed(LONG),
    "korean names": lambda: renamed("강진 유리 공장 " * 4),
    "a script for a name": lambda: renamed(INJECTION),
    "signs without a shape for a name": lambda: renamed("a\x01\x1b[31m\u202eb\ufffe"),
    "many candidates": lambda: with_candidates(1100),
    "no site": no_site,
    "no plan yet": no_plan_yet,
    "not proven": not_proven,
    "replayed": replayed,
    "replayed late": replayed_late,
}
"""Runs of every kind."""


@cache
def page(name: str, language: str = "en") -> str:
    """The page of one of RUNS."""
    front = front_document() if name == "small" else None
    return RUNS[name]().page(language, front)
