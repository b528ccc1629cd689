"""Build the record of an explanation."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siteopt.equipment import KINDS
from siteopt.findings import CONTRACT_DAYS, LIMIT, LIMIT_DAY, POWER_CAP, Adjustment, Findings, Shortfall
from siteopt.plan import SiteResult
from siteopt.record.base import RunOutcome
from siteopt.record.build import cost_of, finite, heading, milestones_of
from siteopt.record.explanation import ChangeRecord, ComparedPlan, ExplanationRecord, ShortfallRecord
from siteopt.record.reason import Reason
from siteopt.scenario import Scenario
from siteopt.schema import BUILDINGS, CANDIDATES, GRID_STEPS, RESOURCE_UNITS, Resource


def explanation_record(
    scenario: Scenario,
    names: pd.Series,
    grid: Sequence[tuple[int, float]],
    found: Findings,
    excluded: Sequence[Reason],
    version: str,
) -> ExplanationRecord:
    """Return the complete record of an explanation.

    Parameters
    ----------
    names : Series
        Name of every candidate by site_id.
    grid : sequence of (day, MW)
        Limit of the site's grid from each day on, in the order of days.
    excluded : sequence of Reason
        Why the scenario excludes the site, if it does.
    """
    site = found.site
    return ExplanationRecord(
        **vars(heading(scenario, RunOutcome.PROVEN if found.proven else RunOutcome.LIMIT, version)),
        site_id=site.site_id,
        site_name=names[site.site_id],
        excluded=tuple(excluded),
        standing=site.standing,
        reasons=(site.reason,) if site.reason is not None else (),
        plan=_plan(scenario, names, site),
        rival=_plan(scenario, names, found.rival) if found.rival is not None else None,
        shortfalls=tuple(_shortfall(scenario, short) for short in found.shortfalls),
        still_short=tuple(_shortfall(scenario, short) for short in found.still_short),
        changes=tuple(tuple(_change(scenario, change, grid) for change in changes) for changes in found.changes),
    )


def _plan(scenario: Scenario, names: pd.Series, result: SiteResult) -> ComparedPlan | None:
    if result.best is None:
        return None
    instance, plan = result.best.instance, result.best.plan
    return ComparedPlan(
        site_id=result.site_id,
        site_name=names[result.site_id],
        milestones=milestones_of(scenario, result, instance, plan),
        cost=cost_of(instance, plan),
        units={kind.name: int(plan.units[instance.of_kind(kind.name), -1].sum()) for kind in KINDS},
    )


def _shortfall(scenario: Scenario, short: Shortfall) -> ShortfallRecord:
    """Return the record of a shortfall; floor area is converted from GPUs to square metres."""
    is_floor = short.limit == "floor area"
    m2_per_gpu = scenario.building.hall_m2_per_mw * scenario.workload.it_kw_per_gpu / 1000
    factor = m2_per_gpu if is_floor else 1.0
    return ShortfallRecord(
        limit=short.limit,
        milestone=short.milestone,
        missing=finite(short.missing * factor),
        needed=finite(short.needed * factor),
        unit="m2" if is_floor else short.unit,
    )


def _change(scenario: Scenario, change: Adjustment, grid: Sequence[tuple[int, float]]) -> ChangeRecord:
    lever, now, step_mw = change.lever, change.lever.now, None
    by_day = lever.since if lever.column == LIMIT else None
    if lever.column == "grid_mw":
        now, by_day = max(mw for day, mw in grid if day <= change.by_day), change.by_day
    if lever.column == "ready_day" and lever.step is not None:
        step_mw = grid[1 + lever.step][1]
    units = {column.name: column.unit for table in (BUILDINGS, GRID_STEPS, CANDIDATES) for column in table}
    units |= {POWER_CAP: "share", **dict.fromkeys(("shell_shifts", "fitout_shifts"), "shifts a day")}
    is_counted = lever.column != CONTRACT_DAYS or scenario.grid.contract_days is not None
    return ChangeRecord(
        column=lever.column,
        now=round(float(now), 3) if is_counted else None,
        needed=round(float(change.value), 3),
        unit=RESOURCE_UNITS[Resource(lever.resource)] if lever.column == LIMIT else units.get(lever.column, "days"),
        by_day=by_day,
        grid_step_mw=lever.reached if lever.column == CONTRACT_DAYS else step_mw,
        resource=lever.resource,
        limit=finite(lever.reached) if lever.column == LIMIT_DAY and lever.reached is not None else None,
    )
