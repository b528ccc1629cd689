"""Build the record of a Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pandas as pd

from siteopt.issues import Issue
from siteopt.plan import Breakpoint, SiteFront
from siteopt.record.base import InputFile, RunOutcome
from siteopt.record.build import heading, warnings_of
from siteopt.record.build_value import best_point, day_value
from siteopt.record.pareto_front import FrontCertificate, FrontPoint, FrontRecord, Line, SiteFrontRecord
from siteopt.record.value import MilestoneValue
from siteopt.scenario import Scenario


def front_record(
    scenario: Scenario,
    milestone: str,
    sites: pd.DataFrame,
    fronts: Sequence[SiteFront],
    outcome: RunOutcome,
    certificate: FrontCertificate,
    inputs: Sequence[InputFile],
    warnings: Sequence[Issue],
    version: str,
) -> FrontRecord:
    """Return the complete record of a Pareto front.

    Parameters
    ----------
    milestone : str
        Milestone whose days are compared with cost.
    sites : DataFrame
        Every candidate by site_id.
    fronts : sequence of SiteFront
        Pareto fronts of the sites, in the order of ranks.
    """
    horizon = scenario.project.horizon_days
    value = day_value(scenario)
    found = tuple(_site(scenario, milestone, sites, rank, front) for rank, front in enumerate(fronts, start=1))
    found = _with_best(found, value.of(milestone) if value is not None else None)
    return FrontRecord(
        **vars(heading(scenario, outcome, version)),
        milestone=milestone,
        milestones=tuple(other.name for other in scenario.milestones),
        line=_line((point for site in found for point in site.points if point.on_front), horizon),
        sites=found,
        value=value,
        certificate=certificate,
        inputs=tuple(inputs),
        warnings=warnings_of(warnings),
    )


def _with_best(sites: tuple[SiteFrontRecord, ...], value: MilestoneValue | None) -> tuple[SiteFrontRecord, ...]:
    """Return the Pareto fronts with the best point at the value of a day marked, if there is a value."""
    joint = [point for site in sites for point in site.points if point.on_front]
    best = best_point(joint, value.usd_per_day) if value is not None else None
    return tuple(
        site.model_copy(
            update={"points": tuple(one.model_copy(update={"best_at_value": one is best}) for one in site.points)}
        )
        for site in sites
    )


def _site(scenario: Scenario, milestone: str, sites: pd.DataFrame, rank: int, front: SiteFront) -> SiteFrontRecord:
    site, name = front.site_id, sites.at[front.site_id, "name"]
    points = tuple(_point(scenario, milestone, name, front, point) for point in front.breakpoints)
    return SiteFrontRecord(
        site_id=site,
        name=name,
        longitude=float(sites.at[site, "longitude"]),
        latitude=float(sites.at[site, "latitude"]),
        rank=rank,
        proven=front.complete,
        points=points,
        line=_line(points, scenario.project.horizon_days),
    )


def _point(scenario: Scenario, milestone: str, name: str, front: SiteFront, point: Breakpoint) -> FrontPoint:
    others = {other.name: m for m, other in enumerate(scenario.milestones) if other.name != milestone}
    return FrontPoint(
        milestone=milestone,
        day=point.day,
        date=scenario.date_of(point.day),
        cost_usd=round(point.cost_musd * 1e6),
        cost_bound_usd=round(point.cost_bound_musd * 1e6),
        site_id=front.site_id,
        name=name,
        on_front=point.on_front,
        proven=point.proven,
        other_days={other: int(point.plan.day[m]) for other, m in others.items()},
    )


def _line(points: Iterable[FrontPoint], horizon: int) -> Line:
    """Return the days and costs that draw the points as steps, up to the horizon."""
    breakpoints = sorted((point.day, point.cost_usd) for point in points)
    line = [
        end
        for (day, cost), (until, _) in pairwise([*breakpoints, (horizon, 0)])
        for end in ((day, cost), (until, cost))
    ]
    return Line(day=tuple(day for day, _ in line), cost_usd=tuple(cost for _, cost in line))
