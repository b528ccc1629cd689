"""Make the files and the terminal text of capacities from their record."""

from __future__ import annotations

from typing import Any

from siteopt.output.geojson import GeoJSON, collection, point
from siteopt.output.tables import csv_text
from siteopt.output.translations import Translations
from siteopt.record.capacity import CapacityRecord, DayCapacity, SiteCapacityRecord

COLUMNS = ["rank", "site_id", "name", "day", "date", "gpus", "bound_gpus", "it_mw", "proven"]
"""Columns of a row for each site and day."""

SHOWN = 10
"""Largest number of sites that the terminal text lists."""


def rows(record: CapacityRecord) -> list[list[Any]]:
    """Return a row for each day of the ranked sites, and for the day that was asked for of the others."""
    return [
        [site.rank, site.site_id, site.name, *(getattr(one, name) for name in COLUMNS[3:])]
        for site in record.sites
        for one in site.curve or (site.asked,)
    ]


def capacity_csv(record: CapacityRecord) -> str:
    """Return the capacities as CSV, in the order of sites and days."""
    return csv_text(COLUMNS, rows(record))


def capacity_geojson(record: CapacityRecord) -> GeoJSON:
    """Return one point feature for each site, with its capacity on the day that was asked for."""
    return collection(point(site.longitude, site.latitude, _properties(site)) for site in record.sites)


def _properties(site: SiteCapacityRecord) -> dict[str, Any]:
    asked = site.asked.model_dump(mode="json")
    named = {"site_id": site.site_id, "name": site.name, "rank": site.rank}
    return {**named, **asked, "proven": site.asked.proven}


def capacity_summary(record: CapacityRecord) -> str:
    """Return the answer in a few lines of text: the sites, and the curves of the first."""
    certificate, translations = record.certificate, Translations.of(record)
    lines = [
        f"{record.scenario}: {record.outcome}, the most GPUs that can train by {record.by_date} (day {record.by_day}),"
        f" {translations.count(record.eligible, 'eligible site')},"
        f" {certificate.milps_solved} MILPs, {certificate.seconds:.1f} s"
    ]
    if record.sites:
        lines.append(f"{'rank':>4}  {'GPUs':>11}  {'IT load, MW':>11}  site")
    lines += [_line(site, translations) for site in record.sites[:SHOWN]]
    if len(record.sites) > SHOWN:
        most = record.sites[SHOWN].asked.bound_gpus
        lines.append(f"      {translations.count(record.eligible - SHOWN, 'site')} more, at most {most:,} GPUs each")
    if record.ranked:
        lines.append(f"{'day':>4}  {'date':<11}  GPUs at each rank")
        lines += [
            f"{day:>4}  {when}   {'  '.join(f'{_number(site.at(day)):>9}' for site in record.ranked)}"
            for day, when in record.days.items()
        ]
    if not all(one.proven for site in record.ranked for one in site.curve):
        lines.append("Not proven  + means at least: the time ran out, or the solver contradicts itself")
    if record.iso_class is not None:
        lines.append(f"Not checked whether a plan of this size keeps the power quality class {record.iso_class}")
    return "\n".join(lines)


def _line(site: SiteCapacityRecord, translations: Translations) -> str:
    """Return the line of a site; behind the first ranks only its bound is shown."""
    asked, name = site.asked, f"{site.name} ({site.site_id})"
    if site.rank is None:
        return f"      at most {asked.bound_gpus:,} GPUs: {name}"
    limit = f"  limited by {translations.reason(site.limited_by)}" if site.limited_by is not None else ""
    bound = "" if asked.proven else f"  at most {asked.bound_gpus:,} GPUs, not proven"
    return f"{site.rank:>4}  {_number(asked):>11}  {asked.it_mw:>11,.1f}  {name}{limit}{bound}"


def _number(one: DayCapacity) -> str:
    return f"{one.gpus:,}{'' if one.proven else '+'}"
