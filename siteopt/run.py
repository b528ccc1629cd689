"""Solve a scenario: read its tables, optimise, certify the plan, and replay it."""

from __future__ import annotations

import itertools
import math
import platform
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from siteopt.answers import Capacity, ParetoFront, Result
from siteopt.geodata.dataset import Dataset, load
from siteopt.geodata.variants import ClusterSizes
from siteopt.instance import Instance, Pool
from siteopt.issues import InputError, Issue, nearest
from siteopt.log import note
from siteopt.message_catalogue import Code
from siteopt.optimize.capacity import capacities
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.crosscheck import cross_check
from siteopt.optimize.monolithic import Monolithic
from siteopt.optimize.pareto import fronts
from siteopt.optimize.power_quality_loop import LoopResult, MinimumSupport, Optimiser, power_quality_loop
from siteopt.optimize.search import Progress, searching
from siteopt.optimize.solver import SEED, solver_version
from siteopt.options import Method
from siteopt.plan import Plan, SitePlan
from siteopt.record.base import RunOutcome
from siteopt.record.build import certificate_of, plan_record, run_record, timed
from siteopt.record.build_capacity import capacity_record
from siteopt.record.build_pareto_front import front_record
from siteopt.record.build_replay import quality_record, replay_record
from siteopt.record.pareto_front import FrontCertificate
from siteopt.record.replay import PlanBefore, PowerQualityRecord, ReplayRecord
from siteopt.record.run import Environment, PlanRecord, Recomputed, SecondSolver
from siteopt.scenario import COST, Scenario
from siteopt.scenario_file import read_scenario
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import lacking, replayed
from siteopt.stopwatch import Stopwatch

MAX_ITERATIONS = 30
"""Maximum number of iterations of the power-quality loop; each one checks a plan."""

CURVE_DAYS = 30
"""Days from one day of a capacity's curve to the next."""

VERIFY_SECONDS = 60.0
"""Time limit of the second solver for each solve, s."""


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
    limits: pd.DataFrame | None = None,
) -> Result:
    """Find the site and the rented equipment that start training first.

    >>> import siteopt
    >>> scenario = siteopt.read_scenario(siteopt.example("frugal"), ['filter.regions=["CO", "MO"]'])
    >>> result = siteopt.solve(scenario, top=2)
    >>> result.outcome
    <RunOutcome.PROVEN: 'proven'>
    >>> result.milestones[["gpus", "day"]]
               gpus  day
    milestone
    first run  2048  110

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    method : "search" or "monolithic"
        Bound all sites and solve them site by site (the default), or solve one MILP over all sites. Both find the same
        result.
    seconds : float
        Time limit of the optimisation.
    report : callable, optional
        Function that is called with the progress.
    top : int
        Number of ranks to prove; the monolithic method proves only the first.
    workers : int, optional
        Number of threads of the search; by default the number of processors. The result does not depend on it.
    stop : threading.Event, optional
        Set this event to end the optimisation with the best plan so far.
    verify : bool
        Whether to solve the chosen site again with CBC, for at most VERIFY_SECONDS each time, and compare.
    candidates, offers, grid_steps, limits : DataFrame or GeoDataFrame, optional
        Tables to use instead of those that the scenario names (see :func:`siteopt.load`).

    Returns
    -------
    Result
        The plan of the chosen site, the ranking, and the certificate.

    Raises
    ------
    InputError
        With every error of the scenario or its tables.
    """
    watch = Stopwatch()
    with watch.step("reading"):
        scenario = _read(scenario)
        dataset = load(scenario, candidates=candidates, offers=offers, grid_steps=grid_steps, limits=limits)
    clock = Clock(seconds, stop or threading.Event())

    with watch.step("power_quality"):
        with (
            searching(dataset.pool, clock, report, top, workers)
            if method == "search"
            else nullcontext(Monolithic(clock, report))
        ) as optimiser:
            loop = run_power_quality_loop(scenario, dataset.pool, optimiser, clock)
        watch.add(loop.ranking.steps)
    ranking = loop.ranking
    best = ranking.plan
    with watch.step("recomputed"):
        recomputed = _recomputed([(best.instance, best.plan)] if best is not None else [])
    second = None
    if verify and best is not None:
        with watch.step("second_solver"):
            second = SecondSolver(**asdict(cross_check(best, VERIFY_SECONDS, clock.stop)))
    with watch.step("replay"):
        plan = _plan_record(scenario, dataset, loop, clock, report)
    with watch.step("record"):
        record = run_record(
            scenario,
            dataset.sites,
            ranking,
            plan,
            dataset.excluded,
            dataset.assumed,
            certificate_of(ranking, _environment(), recomputed, second),
            ranking.proof.model_copy(update={"minimum_support": loop.stored_minimum_support()}),
            dataset.inputs,
            dataset.warnings,
            version("siteopt"),
        )
    record = timed(record, watch.seconds)
    note("solved", seconds_by_step=record.certificate.seconds_by_step)
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
) -> ParetoFront:
    """Compute the Pareto front of the days of a milestone and the cost, for the best sites.

    The Pareto front contains every day on which the minimum cost falls, with the cheapest plan for that day.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    milestone : str, optional
        Name of the milestone; by default the first milestone of the objective.
    top : int
        Number of sites, from the first rank on.
    seconds, report, workers, stop
        As in :func:`solve`.

    Returns
    -------
    ParetoFront
        The breakpoints of each site, and of all sites together.

    Raises
    ------
    InputError
        With every error of the scenario or its tables, or if the milestone is unknown.
    """
    begin = time.monotonic()
    scenario = _read(scenario)
    names = [one.name for one in scenario.milestones]
    goal = next(name for name in scenario.order if name != COST) if milestone is None else milestone
    if goal not in names:
        raise InputError(
            [Issue(Code.NO_SUCH_NAME, "milestone", None, "", goal, f"one of {', '.join(names)}{nearest(goal, names)}")]
        )
    dataset = load(scenario)
    clock = Clock(seconds, stop or threading.Event())
    with searching(dataset.pool, clock, report, top, workers) as optimiser:
        ranking = run_power_quality_loop(scenario, dataset.pool, optimiser, clock).ranking
    ranked = ranking.results if ranking.outcome is RunOutcome.PROVEN else ()
    instances = [result.best.instance for result in ranked if result.best is not None]
    found = fronts(instances, names.index(goal), clock, report, workers)
    outcome = ranking.outcome if all(front.complete for front in found) else RunOutcome.LIMIT
    plans = [(front.instance, point.plan) for front in found for point in front.breakpoints]
    record = front_record(
        scenario,
        goal,
        dataset.sites,
        found,
        outcome,
        _certificate(clock, begin, plans),
        dataset.inputs,
        dataset.warnings,
        version("siteopt"),
    )
    return ParetoFront(record)


def capacity(
    scenario: Scenario | str | Path,
    by: date | int | str,
    top: int = 3,
    seconds: float = math.inf,
    report: Callable[[Progress], None] | None = None,
    *,
    workers: int | None = None,
    stop: threading.Event | None = None,
) -> Capacity:
    """Find the sites that can train the most GPUs by a day, and how many on other days.

    One milestone replaces those of the scenario, with as many GPUs as possible. In everything else it is like the last
    milestone of the scenario, and the budget holds for it. The power quality class is not checked.

    >>> import siteopt
    >>> siteopt.capacity(siteopt.example("frugal"), by=100, top=1)
    <Capacity frugal: proven, by day 100, 1,328 GPUs at us-coloradosprings-intel>

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    by : date, int or str
        Day by which the GPUs train: a date, a number of days after the start date, or either as text.
    top : int
        Number of sites to prove, from the one with the most GPUs on; all others get an upper bound.
    seconds, report, workers, stop
        As in :func:`solve`.

    Returns
    -------
    Capacity
        The sites with their GPUs by this day, and the curves of the first over the days of the horizon.

    Raises
    ------
    InputError
        With every error of the scenario or its tables, or if the day is none of the scenario's calendar.
    """
    begin = time.monotonic()
    scenario = _read(scenario)
    day, horizon = _day_of(scenario, by), scenario.project.horizon_days
    dataset = load(scenario)
    clock = Clock(seconds, stop or threading.Event())
    days = sorted({day, horizon, *range(CURVE_DAYS, horizon, CURVE_DAYS)})
    most = scenario.compute.deliveries[-1].gpus
    found = capacities(ClusterSizes(dataset), most, day, days, clock, report, top, workers)
    points = [point for site in found.sites for point in (site.asked, *site.curve)]
    plans = {
        id(one.plan): (one.instance, one.plan) for one in points if one.instance is not None and one.plan is not None
    }
    record = capacity_record(
        scenario,
        day,
        dataset.sites,
        found,
        _certificate(clock, begin, plans.values()),
        dataset.inputs,
        dataset.warnings,
        version("siteopt"),
    )
    return Capacity(record)


def _day_of(scenario: Scenario, by: date | int | str) -> int:
    """Return the day that the user means by a date or a number of days; raise InputError if there is none."""
    project, text = scenario.project, str(by)
    try:
        day = int(text) if text.isdecimal() else (date.fromisoformat(text) - project.start_date).days
    except ValueError:
        day = -1
    if 0 <= day <= project.horizon_days:
        return day
    last = scenario.date_of(project.horizon_days)
    expected = f"a date from {project.start_date} to {last}, or a number of days from 0 to {project.horizon_days}"
    raise InputError([Issue(Code.NO_SUCH_DAY, "by", None, "", text, expected)])


def run_power_quality_loop(scenario: Scenario, pool: Pool, optimiser: Optimiser, clock: Clock) -> LoopResult:
    """Return the ranking whose plan keeps the required class of power quality, if a class is required.

    If the plan does not keep the class when the iterations or the time are used up, the outcome is LIMIT, because the
    result is then not proven.
    """
    if scenario.power_quality.iso_class is None:
        optimiser.chosen(pool, ())
        return LoopResult(optimiser.ranking(), (), True, pool)
    found = power_quality_loop(pool, optimiser, _check, MAX_ITERATIONS, lambda: clock.is_over)
    if found.ranking.best is None or found.passes:
        return found
    return replace(found, ranking=replace(found.ranking, outcome=RunOutcome.LIMIT))


def _orders(best: SitePlan) -> Orders:
    """Return the orders of a plan; a replay knows nothing else about the plan."""
    return Orders(best.plan.day, best.plan.units, best.plan.step)


def _check(best: SitePlan) -> MinimumSupport | None:
    """Return the minimum battery power and inertia that the replay requires; None if the plan keeps its class."""
    found = lacking(best.instance, _orders(best))
    return MinimumSupport(*found) if found is not None else None


def _plan_record(
    scenario: Scenario,
    dataset: Dataset,
    loop: LoopResult,
    clock: Clock,
    report: Callable[[Progress], None] | None,
) -> PlanRecord | None:
    """Return the plan of the chosen site and its replay; None if there is no plan."""
    result, best = loop.ranking.best, loop.ranking.plan
    if result is None or best is None:
        return None
    replay, quality = _replayed(scenario, dataset, loop, best, clock, report)
    return plan_record(scenario, dataset.sites, dataset.offers, dataset.steps, result, replay, quality)


def _replayed(
    scenario: Scenario,
    dataset: Dataset,
    loop: LoopResult,
    best: SitePlan,
    clock: Clock,
    report: Callable[[Progress], None] | None,
) -> tuple[ReplayRecord, PowerQualityRecord]:
    """Return the records of the replay of a plan: the calendar and the power quality."""
    done = itertools.count()

    def tell(words: str) -> None:
        if report:
            steps = 1 + best.instance.milestones
            report(Progress(next(done), steps, "steps of the replay", "", clock.solves, clock.elapsed))

    found = replayed(best.instance, _orders(best), tell)
    before = None
    if len(loop.iterations) > 1:
        first = loop.iterations[0]
        before = PlanBefore(
            site_id=first.site_id,
            site_name=dataset.sites.at[first.site_id, "name"],
            days=tuple(first.day.tolist()),
            cost_usd=round(first.cost_musd * 1e6),
        )
    electricity = quality_record(best.instance, found, len(loop.iterations), before)
    return replay_record(scenario, best.instance, found, dataset.offers), electricity


def _read(scenario: Scenario | str | Path) -> Scenario:
    return scenario if isinstance(scenario, Scenario) else read_scenario(scenario)


def _certificate(clock: Clock, begin: float, plans: Iterable[tuple[Instance, Plan]]) -> FrontCertificate:
    """Return the certificate of an answer of several plans, whose work began at this reading of the clock."""
    return FrontCertificate(
        solver=solver_version(),
        milps_solved=clock.solves,
        seconds=round(time.monotonic() - begin, 3),
        environment=_environment(),
        recomputed=_recomputed(plans),
    )


def _environment() -> Environment:
    """Return the random seed and the versions that a result may depend on."""
    packages = ("pulp", "highspy", "numpy", "pandas", "geopandas", "pyproj")
    versions = {name: version(name) for name in packages}
    return Environment(random_seed=SEED, python=platform.python_version(), packages=versions)


def _recomputed(plans: Iterable[tuple[Instance, Plan]]) -> Recomputed | None:
    """Return the certificates of some plans as one; None if there are no plans."""
    checks = [certify(instance, plan) for instance, plan in plans]
    if not checks:
        return None
    return Recomputed(
        rows=sum(check.rows for check in checks),
        worst_excess=max(check.worst for check in checks),
        valid=all(check.valid for check in checks),
    )
