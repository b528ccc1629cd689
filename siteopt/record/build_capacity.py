"""Build the record of capacities."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siteopt.issues import Issue
from siteopt.plan import Capacities, CapacityPoint, SiteCapacity
from siteopt.record.base import InputFile
from siteopt.record.build import heading, warnings_of
from siteopt.record.capacity import CapacityRecord, DayCapacity, SiteCapacityRecord
from siteopt.record.pareto_front import FrontCertificate
from siteopt.scenario import Scenario


def capacity_record(
    scenario: Scenario,
    day: int,
    sites: pd.DataFrame,
    found: Capacities,
    certificate: FrontCertificate,
    inputs: Sequence[InputFile],
    warnings: Sequence[Issue],
    version: str,
) -> CapacityRecord:
    """Return the complete record of capacities.

    Parameters
    ----------
    day : int
        Day by which the GPUs train.
    sites : DataFrame
        Every candidate by site_id.
    """
    return CapacityRecord(
        **vars(heading(scenario, found.outcome, version)),
        by_day=day,
        by_date=scenario.date_of(day),
        eligible=found.eligible,
        iso_class=scenario.power_quality.iso_class,
        sites=tuple(_site(scenario, sites.loc[one.site_id], one) for one in found.sites),
        certificate=certificate,
        inputs=tuple(inputs),
        warnings=warnings_of(warnings),
    )


def _site(scenario: Scenario, row: pd.Series, found: SiteCapacity) -> SiteCapacityRecord:
    return SiteCapacityRecord(
        site_id=found.site_id,
        name=row["name"],
        longitude=float(row["longitude"]),
        latitude=float(row["latitude"]),
        rank=found.rank,
        asked=_point(scenario, found.asked),
        curve=tuple(_point(scenario, point) for point in found.curve),
        limited_by=found.limited_by,
    )


def _point(scenario: Scenario, point: CapacityPoint) -> DayCapacity:
    return DayCapacity(
        day=point.day,
        date=scenario.date_of(point.day),
        gpus=point.gpus,
        bound_gpus=point.bound_gpus,
        it_mw=0.0 if point.instance is None else round(float(point.instance.it_mw[0]), 6),
    )
