"""Documents to report on: the small world, and odd runs made from it."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import siteopt
from siteopt.output.geojson import GeoJSON, plan_geojson
from siteopt.output.report import report
from siteopt.output.translations import Translations
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.reason import ReasonCode, because
from siteopt.record.run import PlanRecord, RunRecord
from tests.report.replayed import add_quality, add_replay
from tests.worlds import SITES, changed, csv_text, write_world

PERMITS = [
    {"country": "US", "resource": "nox", "until_day": 200, "limit": 30, "basis": "temporary"},
    {"country": "US", "resource": "nox", "ready_day": 200, "limit": 25, "basis": "minor source"},
    {"site_id": "beta", "resource": "grid_nonfirm", "limit": 5},
    {"site_id": "beta", "resource": "fuel_trucks", "limit": 2},
]
"""Limits of the small world that change."""

INJECTION = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LONG = "Very Long Works of the United Aluminium, Steel and Paper Company " * 3 + "end"


@dataclass(frozen=True)
class Documents:
    """A run as JSON, in which a test may change any value, and the places of its plan."""

    document: dict[str, Any]

    @property
    def run(self) -> RunRecord:
        return RunRecord.model_validate(self.document)

    @property
    def plan(self) -> PlanRecord:
        plan = self.run.plan
        assert plan is not None
        return plan

    @property
    def plan_features(self) -> GeoJSON:
        return plan_geojson(self.run)

    def page(self, language: str = "en", front: FrontRecord | None = None) -> str:
        run = self.run
        return report(run, plan_geojson(run), Translations.of(run, language), front)


@dataclass(frozen=True)
class FrontDocuments:
    """A front as JSON, in which a test may change any value."""

    document: dict[str, Any]

    @property
    def record(self) -> FrontRecord:
        return FrontRecord.model_validate(self.document)

    def add_point(self, later_days: int, cost_usd: int) -> None:
        """One more corner of the first site, so many days after its first one, on the front of all sites."""
        site = self.document["sites"][0]
        first = site["points"][0]
        day = first["day"] + later_days
        when = date.fromisoformat(first["date"]) + timedelta(days=later_days)
        site["points"].append(first | {"day": day, "date": when.isoformat(), "cost_usd": cost_usd})
        until = site["line"]["day"][-1]
        line = {"day": [first["day"], day, day, until], "cost_usd": [first["cost_usd"]] * 2 + [cost_usd] * 2}
        site["line"] = self.document["line"] = line


@cache
def _solved() -> siteopt.Result:
    with tempfile.TemporaryDirectory() as folder:
        return siteopt.solve(write_world(Path(folder)))


def documents_of(result: siteopt.Result) -> Documents:
    return Documents(result.record.model_dump(mode="json"))


def small() -> Documents:
    """The small world: alpha wins, beta is next, gamma's grid is unknown."""
    return documents_of(_solved())


@cache
def _with_phases() -> siteopt.Result:
    with tempfile.TemporaryDirectory() as folder:
        scenario = write_world(Path(folder))
        (scenario.parent / "limits.csv").write_text(csv_text(PERMITS), encoding="utf-8")
        return siteopt.solve(siteopt.read_scenario(scenario, ['inputs.limits=["limits.csv"]']))


def with_phases() -> Documents:
    """The small world, where engines may emit 30 t a year of NOx until day 200, and 25 t afterwards."""
    return documents_of(_with_phases())


@cache
def _front() -> siteopt.ParetoFront:
    with tempfile.TemporaryDirectory() as folder:
        return siteopt.pareto(write_world(Path(folder)))


def front() -> FrontDocuments:
    """The front of the small world: alpha has one corner, which is all of the front; beta has two."""
    return FrontDocuments(_front().record.model_dump(mode="json"))


def renamed(name: str) -> Documents:
    """Everything that a user names is named so."""
    with tempfile.TemporaryDirectory() as folder:
        found = documents_of(siteopt.solve(write_world(Path(folder), changed(SITES, "site_id", "alpha", name=name))))
    document, plan = found.document, found.document["plan"]
    document["scenario"] = plan["baselines"][0]["name"] = name
    for order in plan["orders"]:
        order |= {"model": name, "depot": name, "vendor": name}
    document["ranking"][1]["reasons"] = [outside(name)]
    return found


def outside(layer: str) -> dict[str, Any]:
    """The reason of a site outside a layer, as JSON."""
    return because(ReasonCode.OUTSIDE_LAYER, layer=layer).model_dump(mode="json")


def with_milestones(names: Sequence[str]) -> Documents:
    """The small world with other milestones: each as its first, ten days later than the one before."""
    found = small()
    document, plan = found.document, found.document["plan"]
    (first,) = plan["milestones"]

    def later(milestone: dict[str, Any], number: int) -> dict[str, Any]:
        if milestone["day"] is None:
            return {}
        when = date.fromisoformat(milestone["date"]) + timedelta(days=10 * number)
        return {"day": milestone["day"] + 10 * number, "date": when.isoformat()}

    plan["milestones"] = [
        copy.deepcopy(first) | later(first, number) | {"name": name, "gpus": first["gpus"] * (number + 1)}
        for number, name in enumerate(names)
    ]
    document["objective"] = [*names, "cost"]
    (by_first,) = plan["cash"]["milestones"]
    plan["cash"]["milestones"] = [by_first | {"milestone": name} for name in names]
    plan["baselines"][0]["milestone"] = names[-1]
    for row in document["ranking"]:
        (one,) = row["milestones"]
        row["milestones"] = [one | later(one, number) | {"milestone": name} for number, name in enumerate(names)]
    for order in plan["orders"]:
        order["units"] = dict.fromkeys(names, 5)
    add_quality(add_replay(document), iso_class=None)
    return found


def with_orders(count: int) -> Documents:
    """The small world with so many orders, of all kinds and from depots all around; none where there are none."""
    found = small()
    plan = found.document["plan"]
    one = plan["orders"][0]
    plan["orders"] = [
        one
        | {
            "offer_id": f"o{number}",
            "kind": ("generator", "chiller", "battery")[number * 3 // max(1, count)],
            "model": f"Model {number} of a rather long name (class {number})",
            "depot": f"Depot {number}",
            "longitude": -120 + number,
            "latitude": 30 + number % 7,
            "arrives_day": 12 + number % 5,
        }
        for number in range(count)
    ]
    add_replay(found.document)
    return found


def with_candidates(count: int) -> Documents:
    """The small world with so many candidates, not ranked, unable to serve, excluded and undecided in turn."""
    found = small()
    ranking = found.document["ranking"]
    row = ranking[1]
    (milestone,) = row["milestones"]
    worse = because(ReasonCode.BOUND_IS_WORSE, rank=10).model_dump(mode="json")
    unknown = because(ReasonCode.UNKNOWN_FIGURES, columns=("grid_mw",)).model_dump(mode="json")
    for number in range(3, count):
        standing = ("not ranked", "cannot serve", "excluded", "undecided")[number % 4]
        other = row | {"site_id": f"s{number}", "name": f"Plant {number}", "rank": None, "standing": standing}
        other |= {"longitude": -120 + number % 97 * 0.5, "latitude": 30 + number % 89 * 0.2}
        other |= {"cost_usd": None, "milestones": [milestone | {"day": None, "date": None, "limited_by": None}]}
        ranking.append(other | {"reasons": [worse if standing == "not ranked" else unknown]})
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
    plan = found.document["plan"]
    one = plan["orders"][0]
    plan["orders"] = [
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
    return RUNS[name]().page(language, front().record if name == "small" else None)
