"""From a scenario to a result: read, optimise, certify, write."""

from __future__ import annotations

import itertools
import math
import platform
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import geopandas
import pandas as pd

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, nearest
from siteopt.geodata.dataset import Dataset, load
from siteopt.instance import Instance, Pool
from siteopt.optimize.agree import Agreement, Floors, agree
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.crosscheck import cross_check
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.pareto import fronts
from siteopt.optimize.search import Progress, search
from siteopt.optimize.solver import SEED
from siteopt.output.document import Document, document, json_text
from siteopt.output.folder import write_folder
from siteopt.output.front import columns, front_csv, front_document, front_geojson, front_summary
from siteopt.output.geojson import plan_geojson, sites_geojson
from siteopt.output.maps import map_files
from siteopt.output.notebook import front_html, result_html
from siteopt.output.replayed import quality_record, replay_record
from siteopt.output.report import front_report, report
from siteopt.output.summary import summary
from siteopt.output.tables import crews_csv, orders_csv, schedule_csv
from siteopt.output.words import Words
from siteopt.plan import Plan, Ranking, RunOutcome, SitePlan
from siteopt.scenario import COST, Scenario
from siteopt.scenario_file import read_scenario
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import lacking, replayed

Method = Literal["search", "monolithic"]

ROUNDS = 30
"""Plans that are judged electrically, at most."""

VERIFY_SECONDS = 60.0
"""Time that a second solver has for each solve."""


class Output(ABC):
    """An answer that can be written into a folder."""

    document: Document

    @property
    def outcome(self) -> RunOutcome:
        """Proven, no site can serve, or limit reached."""
        return RunOutcome(self.document["outcome"])

    @abstractmethod
    def files(self) -> dict[str, str | bytes]:
        """The content of every output file by name."""

    def write(self, folder: str | Path) -> Path:
        """Write every output into a folder, whole or not at all.

        Raises
        ------
        Failure
            Where the folder is not that of a run, cannot be written or is in use, or the disk is full.
        """
        write_folder(Path(folder), self.files())
        return Path(folder)


@dataclass(frozen=True)
class Result(Output):
    """The answer to a scenario.

    Attributes
    ----------
    scenario : Scenario
    dataset : Dataset
        What was read, and the Instance.
    ranking : Ranking
        Every eligible site, the best first, and how it was proven.
    document : dict
        Everything, as ``plan.json`` holds it.
    """

    scenario: Scenario
    dataset: Dataset
    ranking: Ranking
    document: Document

    @property
    def sites(self) -> geopandas.GeoDataFrame:
        """Every candidate, ranked, with days, cost and reason (WGS 84)."""
        return _frame(self._sites)

    @property
    def plan(self) -> geopandas.GeoDataFrame:
        """The chosen site, the depots and the deliveries (WGS 84); empty where no site can serve."""
        return _frame(self._plan)

    @property
    def _sites(self) -> Document:
        return sites_geojson(self.document, self.dataset.sites)

    @property
    def _plan(self) -> Document:
        return plan_geojson(self.document, self.dataset.areas_of(self.document["site_id"]))

    def __str__(self) -> str:
        """The summary that the command line prints."""
        return summary(self.document)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return result_html(self.document, self._sites)

    def files(self) -> dict[str, str | bytes]:
        """The content of every output file by name."""
        sites, plan = self._sites, self._plan
        return {
            "report.html": report(self.document, sites, plan, Words()),
            "sites.geojson": json_text(sites),
            "plan.geojson": json_text(plan),
            "plan.json": json_text(self.document, indent=1),
            "schedule.csv": schedule_csv(self.document),
            "orders.csv": orders_csv(self.document),
            "crews.csv": crews_csv(self.document),
            **map_files(self.document, sites, plan),
        }


@dataclass(frozen=True)
class Front(Output):
    """Days of a milestone against cost, for the best sites.

    Attributes
    ----------
    document : dict
        Everything, as ``pareto.json`` holds it.
    """

    document: Document

    @property
    def points(self) -> pd.DataFrame:
        """One row a corner point of a site, as in ``pareto.csv``."""
        return pd.DataFrame(self.document["points"], columns=columns(self.document))

    def __str__(self) -> str:
        """The table that the command line prints."""
        return front_summary(self.document)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return front_html(self.document)

    def files(self) -> dict[str, str | bytes]:
        """The content of every output file by name."""
        return {
            "report.html": front_report(self.document, Words()),
            "pareto.csv": front_csv(self.document),
            "pareto.geojson": json_text(front_geojson(self.document)),
            "pareto.json": json_text(self.document, indent=1),
        }


def solve(
    scenario: Scenario | str | Path,
    method: Method = "search",
    seconds: float = math.inf,
    report: Callable[[Progress], None] | None = None,
    *,
    top: int = 10,
    workers: int | None = None,
    stop: threading.Event | None = None,
    verify: bool = False,
) -> Result:
    """Find the site and the rental mix that train first.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    method : "search" or "monolithic"
        Bounds and site by site (the default), or one MILP over all sites. They agree.
    seconds : float
        Time limit of the optimisation.
    report : callable, optional
        Called with the progress.
    top : int
        Ranks to prove; the monolithic method proves one.
    workers : int, optional
        Threads of the search; as many as there are processors unless given. The answer does not depend on it.
    stop : threading.Event, optional
        Set it to end the optimisation with what it has.
    verify : bool
        Solve the chosen site once more with CBC, and compare; VERIFY_SECONDS for each solve.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables.
    """
    scenario = _read(scenario)
    dataset = load(scenario)
    clock = Clock(seconds, stop or threading.Event())

    def optimise(pool: Pool) -> Ranking:
        return search(pool, clock, report, top, workers) if method == "search" else monolithic(pool, clock, report)

    agreed = agreement(scenario, dataset.pool, optimise, clock)
    ranking = agreed.ranking
    best = ranking.plan
    checked = _environment() | _checked([(best.case, best.plan)] if best is not None else [])
    if verify and best is not None:
        checked["second_solver"] = asdict(cross_check(best, VERIFY_SECONDS, clock.stop))
    document_ = document(
        scenario,
        dataset.sites,
        dataset.offers,
        dataset.steps,
        ranking,
        *_replayed(scenario, dataset, agreed, clock, report),
        dataset.excluded,
        dataset.assumed,
        checked,
        ranking.proof.model_copy(update={"floors": agreed.stored_floors()}),
        dataset.inputs,
        dataset.warnings,
        version("siteopt"),
    )
    return Result(scenario, dataset, ranking, document_)


def pareto(
    scenario: Scenario | str | Path,
    milestone: str | None = None,
    top: int = 3,
    seconds: float = math.inf,
    report: Callable[[Progress], None] | None = None,
    *,
    workers: int | None = None,
    stop: threading.Event | None = None,
) -> Front:
    """The days of a milestone against the least cost, for the best sites: every day on which waiting saves money.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    milestone : str, optional
        The first in the order of the objective unless given.
    top : int
        Sites: the first ranks of the search.
    seconds, report, workers, stop
        As of :func:`solve`.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables, or where there is no such milestone.
    """
    scenario = _read(scenario)
    names = [one.name for one in scenario.milestones]
    goal = next(name for name in scenario.order if name != COST) if milestone is None else milestone
    if goal not in names:
        raise InputError(
            [Fault(Code.NO_SUCH_NAME, "milestone", None, "", goal, f"one of {names}{nearest(goal, names)}")]
        )
    dataset = load(scenario)
    clock = Clock(seconds, stop or threading.Event())
    ranking = agreement(scenario, dataset.pool, lambda pool: search(pool, clock, report, top, workers), clock).ranking
    ranked = ranking.results if ranking.outcome is RunOutcome.PROVEN else ()
    cases = [result.best.case for result in ranked if result.best is not None]
    found = fronts(cases, names.index(goal), clock, report, workers)
    outcome = ranking.outcome if all(front.complete for front in found) else RunOutcome.LIMIT
    certificate = {
        "solver": ranking.solver,
        "milps_solved": clock.solves,
        "seconds": round(clock.elapsed, 3),
        **_environment(),
        **_checked((front.case, corner.plan) for front in found for corner in front.corners),
    }
    document_ = front_document(
        scenario,
        goal,
        dataset.sites,
        found,
        outcome,
        certificate,
        dataset.inputs,
        dataset.warnings,
        version("siteopt"),
    )
    return Front(document_)


def agreement(scenario: Scenario, pool: Pool, optimise: Callable[[Pool], Ranking], clock: Clock) -> Agreement:
    """The ranking whose plan keeps the class of power quality, where the scenario asks for one; else the ranking.

    A plan that does not keep it when the rounds or the time are used up is no proven answer.
    """
    if scenario.power_quality.iso_class is None:
        return Agreement(optimise(pool), (), True, pool)
    found = agree(pool, optimise, _judge, ROUNDS, lambda: clock.is_over)
    if found.ranking.best is None or found.passes:
        return found
    return replace(found, ranking=replace(found.ranking, outcome=RunOutcome.LIMIT))


def _orders(best: SitePlan) -> Orders:
    """All that a replay knows of a plan."""
    return Orders(best.plan.day, best.plan.units, best.plan.step)


def _judge(best: SitePlan) -> Floors | None:
    """What the electrical replay of a plan asks for."""
    found = lacking(best.case, _orders(best))
    return Floors(*found) if found is not None else None


def _replayed(
    scenario: Scenario,
    dataset: Dataset,
    agreed: Agreement,
    clock: Clock,
    report: Callable[[Progress], None] | None,
) -> tuple[Document | None, Document | None]:
    """The plan replayed: calendar and electricity; None for both where there is no plan."""
    best = agreed.ranking.plan
    if best is None:
        return None, None
    done = itertools.count()

    def tell(words: str) -> None:
        if report:
            steps = 1 + best.case.milestones
            report(Progress(next(done), steps, "steps of the replay", "", clock.solves, clock.elapsed))

    found = replayed(best.case, _orders(best), tell)
    before = None
    if len(agreed.rounds) > 1:
        first = agreed.rounds[0]
        before = {
            "site_id": first.site_id,
            "site_name": dataset.sites.at[first.site_id, "name"],
            "days": first.day.tolist(),
            "cost_usd": round(first.cost_musd * 1e6),
        }
    electricity = quality_record(best.case, found, len(agreed.rounds), before)
    return replay_record(scenario, best.case, found, dataset.offers), electricity


def _read(scenario: Scenario | str | Path) -> Scenario:
    return scenario if isinstance(scenario, Scenario) else read_scenario(scenario)


def _environment() -> dict[str, Any]:
    """What else an answer may depend on."""
    packages = ("pulp", "highspy", "numpy", "pandas", "geopandas", "pyproj")
    versions = {name: version(name) for name in packages}
    return {"random_seed": SEED, "python": platform.python_version(), "packages": versions}


def _checked(plans: Iterable[tuple[Instance, Plan]]) -> dict[str, Any]:
    """What the certificates of plans say together; nothing where there is no plan."""
    checks = [certify(case, plan) for case, plan in plans]
    if not checks:
        return {}
    return {
        "rows_recomputed": sum(check.rows for check in checks),
        "worst_excess": max(check.worst for check in checks),
        "valid": all(check.valid for check in checks),
    }


def _frame(collection: Document) -> geopandas.GeoDataFrame:
    if not collection["features"]:
        return geopandas.GeoDataFrame({"role": []}, geometry=[], crs=4326)
    return geopandas.GeoDataFrame.from_features(collection, crs=4326)
