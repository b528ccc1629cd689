"""Make the files and the terminal table of a Pareto front from its record."""

from __future__ import annotations

from typing import Any

from siteopt.output.geojson import GeoJSON, collection, point
from siteopt.output.tables import csv_text
from siteopt.output.translations import Translations
from siteopt.output.value import best_sentence
from siteopt.record.pareto_front import FrontPoint, FrontRecord, SiteFrontRecord
from siteopt.scenario import slug

FIELDS = ("milestone", "day", "date", "cost_usd", "cost_bound_usd", "site_id", "name", "on_front", "proven")
"""Columns of every point, before those about the value of a day."""
VALUED = ("day_earlier_usd", "best_at_value")
"""Columns about the value of a day, before the days of the other milestones."""


def columns(record: FrontRecord) -> list[str]:
    """Return the names of the columns of a point."""
    others = (f"day_{slug(name)}" for name in record.milestones if name != record.milestone)
    return [*FIELDS, *VALUED, *others]


def rows(record: FrontRecord) -> list[list[Any]]:
    """Return a row for each point, in the order of the columns."""
    slopes = {
        (one.site_id, one.day): None if slope is None else round(slope)
        for one, slope in zip(record.joint, record.day_earlier_usd, strict=True)
    }
    return [
        [
            *(getattr(one, name) for name in FIELDS),
            slopes.get((one.site_id, one.day)),
            one.best_at_value,
            *one.other_days.values(),
        ]
        for one in record.points
    ]


def front_csv(record: FrontRecord) -> str:
    """Return the breakpoints of all sites as CSV, one row each."""
    return csv_text(columns(record), rows(record))


def front_geojson(record: FrontRecord) -> GeoJSON:
    """Return one point feature for each site, with the two ends of its Pareto front."""
    return collection(point(site.longitude, site.latitude, _properties(site)) for site in record.sites)


def _properties(site: SiteFrontRecord) -> dict[str, Any]:
    best = next((one for one in site.points if one.best_at_value), None)
    ends = {"fastest": site.fastest, "cheapest": site.cheapest, "best_at_value": best}
    return {
        "site_id": site.site_id,
        "name": site.name,
        "rank": site.rank,
        "proven": site.proven,
        **{f"{end}_{name}": value for end, one in ends.items() for name, value in _end(one).items()},
        "corner_points": len(site.points),
        "points_on_front": sum(one.on_front for one in site.points),
    }


def _end(one: FrontPoint | None) -> dict[str, Any]:
    if one is None:
        return dict.fromkeys(("day", "date", "cost_usd"))
    return {"day": one.day, "date": one.date.isoformat(), "cost_usd": one.cost_usd}


def front_summary(record: FrontRecord) -> str:
    """Return the joint Pareto front of all sites as a text table, in the scenario's currency."""
    certificate, translations, points = record.certificate, Translations.of(record), record.joint
    lines = [
        f"{record.scenario}: {record.outcome}, Pareto front of the start day of {record.milestone} and cost,"
        f" {translations.count(len(record.sites), 'site')},"
        f" {certificate.milps_solved} MILPs, {certificate.seconds:.1f} s"
    ]
    if points:
        lines.append(f"{'day':>6}  {'date':<10}  {'cost, ' + record.currency:>22}  {'one day earlier':>17}  site")
    for row, slope in zip(points, record.day_earlier_usd, strict=True):
        saved = slope * record.currency_per_usd if slope is not None else None
        lines.append(
            f"{row.day:>6}  {row.date}  {row.cost_usd * record.currency_per_usd:>22,.0f}"
            f"  {'' if saved is None else f'{saved:,.0f}':>17}  {row.name} ({row.site_id})"
            f"{'' if row.proven else '  not proven'}"
        )
    if said := best_sentence(record, translations):
        lines.append(said)
    if not all(site.proven for site in record.sites):
        lines.append("The time ran out: there may be more breakpoints")
    return "\n".join(lines)
