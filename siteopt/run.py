"""Turn a scenario into a result: read, optimise, certify, write."""

from __future__ import annotations

import itertools
import math
import platform
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Literal

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
from siteopt.output import frames
from siteopt.output.folder import write_folder
from siteopt.output.front import columns, front_csv, front_geojson, front_summary, rows
from siteopt.output.geojson import GeoJSON, json_text, plan_geojson, sites_geojson
from siteopt.output.maps import map_files
from siteopt.output.notebook import front_html, result_html
from siteopt.output.report import front_report, report
from siteopt.output.summary import summary
from siteopt.output.tables import crews_csv, orders_csv, schedule_csv
from siteopt.output.words import Words
from siteopt.plan import Plan, Ranking, SitePlan
from siteopt.record.base import RunOutcome
from siteopt.record.build import certificate_of, plan_record, run_record
from siteopt.record.build_front import front_record
from siteopt.record.build_replay import quality_record, replay_record
from siteopt.record.front import FrontCertificate, FrontRecord
from siteopt.record.replay import PlanBefore, PowerQualityRecord, ReplayRecord
from siteopt.record.run import Environment, PlanRecord, Recomputed, RunRecord, SecondSolver
from siteopt.scenario import COST, Scenario
from siteopt.scenario_file import read_scenario
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import lacking, replayed

Method = Literal["search", "monolithic"]

ROUNDS = 30
"""Maximum number of plans that the power-quality loop checks."""

VERIFY_SECONDS = 60.0
"""Time limit of the second solver for each solve, s."""


class Output(ABC):
    """Answer that can be written into a folder."""

    record: RunRecord | FrontRecord

    @property
    def outcome(self) -> RunOutcome:
        """Return how the run ended: proven, no site can serve, or limit reached."""
        return self.record.outcome

    @property
    @abstractmethod
    def has_answer(self) -> bool:
        """Return whether there is a plan, or a point of a Pareto front."""

    @property
    def agrees(self) -> bool:
        """Return whether no second solver contradicts the answer."""
        return True

    @abstractmethod
    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""

    def write(self, folder: str | Path) -> Path:
        """Write all output files into a folder, or none of them, and return the folder.

        Raises
        ------
        Failure
            If the folder holds other files than those of a run, cannot be written or is in use, or the disk is full.
        """
        write_folder(Path(folder), self.files())
        return Path(folder)


@dataclass(frozen=True, repr=False, eq=False)
class Result(Output):
    """Answer to a scenario. Two answers are equal if they say the same, however long they took.

    Attributes
    ----------
    scenario : Scenario
    dataset : Dataset
        The tables that were read, and the Instance.
    ranking : Ranking
        Every eligible site, the best first, and how the ranking was proven.
    record : RunRecord
        The whole answer, as ``plan.json`` holds it.
    """

    scenario: Scenario
    dataset: Dataset
    ranking: Ranking
    record: RunRecord

    @property
    def has_answer(self) -> bool:
        """Return whether there is a plan."""
        return self.record.plan is not None

    @property
    def agrees(self) -> bool:
        """Return whether no second solver contradicts the answer."""
        second = self.record.certificate.second_solver
        return second is None or second.agrees

    @cached_property
    def sites(self) -> geopandas.GeoDataFrame:
        """Return every listed candidate by site_id: rank, standing, reason, days, cost, and its place (WGS 84)."""
        found = frames.site_rows(self.record)
        places = geopandas.points_from_xy(found.pop("longitude"), found.pop("latitude"), crs=4326)
        return geopandas.GeoDataFrame(found, geometry=places)

    @cached_property
    def milestones(self) -> pd.DataFrame:
        """Return the milestones of the plan by name: GPUs, day, date, MW, and what limits each."""
        return frames.milestones(self.record)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Return the orders by offer_id: units in all and at each milestone, days, dates, cost."""
        return frames.orders(self.record)

    @cached_property
    def schedule(self) -> pd.DataFrame:
        """Return the events of the plan, in the order of days."""
        return frames.schedule(self.record)

    @cached_property
    def crews(self) -> pd.DataFrame:
        """Return which crew works on which unit, and when, as replayed."""
        return frames.crews(self.record)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Return the cost of the plan by part."""
        return frames.costs(self.record)

    @property
    def plan(self) -> geopandas.GeoDataFrame:
        """Return the chosen site, the depots and the deliveries (WGS 84); empty if no site can serve."""
        return _frame(self._plan)

    @property
    def _sites(self) -> GeoJSON:
        return sites_geojson(self.record, self.dataset.sites, Words.of(self.record))

    @property
    def _plan(self) -> GeoJSON:
        site = self.record.plan.site_id if self.record.plan is not None else None
        return plan_geojson(self.record, self.dataset.areas_of(site))

    def __str__(self) -> str:
        """Return the summary that the command line prints."""
        return summary(self.record)

    def __repr__(self) -> str:
        """Return the answer in one line."""
        plan = self.record.plan
        if plan is None:
            return f"<Result {self.record.scenario}: {self.outcome}>"
        days = ", ".join(str(one.day) for one in plan.milestones)
        cost = Words.of(self.record).money(plan.cost.total_usd)
        return f"<Result {self.record.scenario}: {self.outcome}, {plan.site_id}, days {days}, {cost}>"

    def __eq__(self, other: object) -> bool:
        """Return whether another answer says the same."""
        return isinstance(other, Result) and _timeless(self.record) == _timeless(other.record)

    def __hash__(self) -> int:
        return hash(_timeless(self.record).model_dump_json())

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return result_html(self.record)

    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""
        sites, plan, words = self._sites, self._plan, Words.of(self.record)
        return {
            "report.html": report(self.record, plan, words),
            "sites.geojson": json_text(sites),
            "plan.geojson": json_text(plan),
            "plan.json": self.record.model_dump_json(indent=1) + "\n",
            "schedule.csv": schedule_csv(self.record),
            "orders.csv": orders_csv(self.record),
            "crews.csv": crews_csv(self.record),
            **map_files(self.record, sites, plan, words),
        }


@dataclass(frozen=True, repr=False)
class Front(Output):
    """Pareto front of the days of a milestone against cost, for the best sites.

    Attributes
    ----------
    record : FrontRecord
        The whole answer, as ``pareto.json`` holds it.
    """

    record: FrontRecord

    @property
    def has_answer(self) -> bool:
        """Return whether there is a point of a Pareto front."""
        return bool(self.record.points)

    @property
    def points(self) -> pd.DataFrame:
        """Return the breakpoints of the sites, one in each row, as in ``pareto.csv``."""
        return pd.DataFrame(rows(self.record), columns=columns(self.record))

    def __str__(self) -> str:
        """Return the table that the command line prints."""
        return front_summary(self.record)

    def __repr__(self) -> str:
        """Return the Pareto front in one line."""
        record = self.record
        ends = f", day {record.joint[0].day} to {record.joint[-1].day}" if record.joint else ""
        return f"<Front {record.scenario}: {self.outcome}, {record.milestone}, {len(record.joint)} points{ends}>"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return front_html(self.record)

    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""
        return {
            "report.html": front_report(self.record, Words.of(self.record)),
            "pareto.csv": front_csv(self.record),
            "pareto.geojson": json_text(front_geojson(self.record)),
            "pareto.json": self.record.model_dump_json(indent=1) + "\n",
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
    candidates: pd.DataFrame | None = None,
    offers: pd.DataFrame | None = None,
    grid_steps: pd.DataFrame | None = None,
) -> Result:
    """Find the site and the rental mix that start training first.

    >>> import siteopt
    >>> scenario = siteopt.read_scenario(siteopt.example("frugal"), ['filter.regions=["CO", "MO"]'])
    >>> result = siteopt.solve(scenario, top=2)
    >>> result.outcome
    <RunOutcome.PROVEN: 'proven'>
    >>> result.milestones[["gpus", "day"]]
                gpus  day
    milestone
    first run   2048   51

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    method : "search" or "monolithic"
        Bound all sites and solve them site by site (the default), or solve one MILP over all sites. Both find the same
        answer.
    seconds : float
        Time limit of the optimisation.
    report : callable, optional
        Called with the progress.
    top : int
        Number of ranks to prove; the monolithic method proves one.
    workers : int, optional
        Threads of the search, by default as many as there are processors. The answer does not depend on it.
    stop : threading.Event, optional
        Set it to end the optimisation with what it has found by then.
    verify : bool
        Whether to solve the chosen site again with CBC, at most VERIFY_SECONDS for each solve, and compare.
    candidates, offers, grid_steps : DataFrame or GeoDataFrame, optional
        Tables to use instead of those that the scenario names (see :func:`siteopt.load`).

    Returns
    -------
    Result
        The plan of the chosen site, the ranking, and the certificate.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables.
    """
    scenario = _read(scenario)
    dataset = load(scenario, candidates=candidates, offers=offers, grid_steps=grid_steps)
    clock = Clock(seconds, stop or threading.Event())

    def optimise(pool: Pool) -> Ranking:
        return search(pool, clock, report, top, workers) if method == "search" else monolithic(pool, clock, report)

    agreed = agreement(scenario, dataset.pool, optimise, clock)
    ranking = agreed.ranking
    best = ranking.plan
    recomputed = _recomputed([(best.case, best.plan)] if best is not None else [])
    second = None
    if verify and best is not None:
        second = SecondSolver(**asdict(cross_check(best, VERIFY_SECONDS, clock.stop)))
    record = run_record(
        scenario,
        dataset.sites,
        ranking,
        _plan_record(scenario, dataset, agreed, clock, report),
        dataset.excluded,
        dataset.assumed,
        certificate_of(ranking, _environment(), recomputed, second),
        ranking.proof.model_copy(update={"floors": agreed.stored_floors()}),
        dataset.inputs,
        dataset.warnings,
        version("siteopt"),
    )
    return Result(scenario, dataset, ranking, record)


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
    """Compute the Pareto front of a milestone's days against cost, for the best sites.

    The front holds every day on which waiting longer saves money, with the least cost of a plan for that day.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    milestone : str, optional
        Name of the milestone, by default the first one in the order of the objective.
    top : int
        Number of sites: the first ranks of the search.
    seconds, report, workers, stop
        As in :func:`solve`.

    Returns
    -------
    Front
        The breakpoints of each site, and those of all sites together.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables, or if there is no such milestone.
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
    certificate = FrontCertificate(
        solver=ranking.solver,
        milps_solved=clock.solves,
        seconds=round(clock.elapsed, 3),
        environment=_environment(),
        recomputed=_recomputed((front.case, corner.plan) for front in found for corner in front.corners),
    )
    record = front_record(
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
    return Front(record)


def agreement(scenario: Scenario, pool: Pool, optimise: Callable[[Pool], Ranking], clock: Clock) -> Agreement:
    """Return the ranking whose plan keeps the required class of power quality; any plan does if no class is required.

    If the plan still does not keep the class when the rounds or the time are used up, the outcome is LIMIT: the answer
    is not proven.
    """
    if scenario.power_quality.iso_class is None:
        return Agreement(optimise(pool), (), True, pool)
    found = agree(pool, optimise, _judge, ROUNDS, lambda: clock.is_over)
    if found.ranking.best is None or found.passes:
        return found
    return replace(found, ranking=replace(found.ranking, outcome=RunOutcome.LIMIT))


def _orders(best: SitePlan) -> Orders:
    """Return the orders of a plan, which are all that a replay knows about it."""
    return Orders(best.plan.day, best.plan.units, best.plan.step)


def _judge(best: SitePlan) -> Floors | None:
    """Return the floors that the electrical replay of a plan asks for; None if the plan keeps its class."""
    found = lacking(best.case, _orders(best))
    return Floors(*found) if found is not None else None


def _plan_record(
    scenario: Scenario,
    dataset: Dataset,
    agreed: Agreement,
    clock: Clock,
    report: Callable[[Progress], None] | None,
) -> PlanRecord | None:
    """Return the plan of the chosen site and its replay; None if there is no plan."""
    result, best = agreed.ranking.best, agreed.ranking.plan
    if result is None or best is None:
        return None
    replay, quality = _replayed(scenario, dataset, agreed, best, clock, report)
    return plan_record(scenario, dataset.sites, dataset.offers, dataset.steps, result, replay, quality)


def _replayed(
    scenario: Scenario,
    dataset: Dataset,
    agreed: Agreement,
    best: SitePlan,
    clock: Clock,
    report: Callable[[Progress], None] | None,
) -> tuple[ReplayRecord, PowerQualityRecord]:
    """Return the records of the plan's replay: the calendar and the power quality."""
    done = itertools.count()

    def tell(words: str) -> None:
        if report:
            steps = 1 + best.case.milestones
            report(Progress(next(done), steps, "steps of the replay", "", clock.solves, clock.elapsed))

    found = replayed(best.case, _orders(best), tell)
    before = None
    if len(agreed.rounds) > 1:
        first = agreed.rounds[0]
        before = PlanBefore(
            site_id=first.site_id,
            site_name=dataset.sites.at[first.site_id, "name"],
            days=tuple(first.day.tolist()),
            cost_usd=round(first.cost_musd * 1e6),
        )
    electricity = quality_record(best.case, found, len(agreed.rounds), before)
    return replay_record(scenario, best.case, found, dataset.offers), electricity


def _read(scenario: Scenario | str | Path) -> Scenario:
    return scenario if isinstance(scenario, Scenario) else read_scenario(scenario)


def _environment() -> Environment:
    """Return the random seed and the versions that an answer may depend on."""
    packages = ("pulp", "highspy", "numpy", "pandas", "geopandas", "pyproj")
    versions = {name: version(name) for name in packages}
    return Environment(random_seed=SEED, python=platform.python_version(), packages=versions)


def _recomputed(plans: Iterable[tuple[Instance, Plan]]) -> Recomputed | None:
    """Return the certificates of some plans as one; None if there is no plan."""
    checks = [certify(instance, plan) for instance, plan in plans]
    if not checks:
        return None
    return Recomputed(
        rows=sum(check.rows for check in checks),
        worst_excess=max(check.worst for check in checks),
        valid=all(check.valid for check in checks),
    )


def _timeless(record: RunRecord) -> RunRecord:
    """Return a record without the time that the run took."""
    certificate = record.certificate.model_copy(update={"seconds": 0.0, "seconds_by_step": {}})
    return record.model_copy(update={"certificate": certificate})


def _frame(collection: GeoJSON) -> geopandas.GeoDataFrame:
    if not collection["features"]:
        return geopandas.GeoDataFrame({"role": []}, geometry=[], crs=4326)
    return geopandas.GeoDataFrame.from_features(collection, crs=4326)
