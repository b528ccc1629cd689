"""The front of days against cost as one plain document, and the files and lines that are made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import Any

import pandas as pd

from siteopt.faults import Fault
from siteopt.output.document import Document, heading
from siteopt.output.geojson import collection, point
from siteopt.output.tables import csv_text
from siteopt.plan import Corner, RunOutcome, SiteFront
from siteopt.scenario import Scenario, slug

FIELDS = ("milestone", "day", "date", "cost_usd", "cost_bound_usd", "site_id", "name", "on_front", "proven")
"""Of every point, before the days of the other milestones."""


def front_document(
    scenario: Scenario,
    milestone: str,
    sites: pd.DataFrame,
    fronts: Sequence[SiteFront],
    outcome: RunOutcome,
    certificate: Mapping[str, Any],
    inputs: Sequence[Mapping[str, str]],
    warnings: Sequence[Fault],
    version: str,
) -> Document:
    """Everything about a front, in types that JSON knows.

    Parameters
    ----------
    milestone : str
        Whose days stand against cost.
    fronts : sequence of SiteFront
        In the order of ranks.
    """
    project = scenario.project
    points = [
        _point(scenario, milestone, sites.at[front.site_id, "name"], front, corner)
        for front in fronts
        for corner in front.corners
    ]
    return {
        **heading(scenario, outcome, version),
        "milestone": milestone,
        "milestones": [other.name for other in scenario.milestones],
        "points": points,
        "front": _line([row for row in points if row["on_front"]], project.horizon_days),
        "sites": [
            _site(sites, rank, front, [row for row in points if row["site_id"] == front.site_id], project.horizon_days)
            for rank, front in enumerate(fronts, start=1)
        ],
        "certificate": dict(certificate),
        "inputs": [dict(one) for one in inputs],
        "warnings": [warning.record() for warning in warnings],
    }


def _point(scenario: Scenario, milestone: str, name: str, front: SiteFront, corner: Corner) -> Document:
    others = {f"day_{slug(other.name)}": m for m, other in enumerate(scenario.milestones) if other.name != milestone}
    return {
        "milestone": milestone,
        "day": corner.day,
        "date": scenario.date_of(corner.day).isoformat(),
        "cost_usd": round(corner.cost_musd * 1e6),
        "cost_bound_usd": round(corner.cost_bound_musd * 1e6),
        "site_id": front.site_id,
        "name": name,
        "on_front": corner.on_front,
        "proven": corner.proven,
        **{field: int(corner.plan.day[m]) for field, m in others.items()},
    }


def _site(sites: pd.DataFrame, rank: int, front: SiteFront, points: Sequence[Document], horizon: int) -> Document:
    site = front.site_id
    ends = {"fastest": points[0], "cheapest": points[-1]} if points else {}
    return {
        "site_id": site,
        "name": sites.at[site, "name"],
        "longitude": float(sites.at[site, "longitude"]),
        "latitude": float(sites.at[site, "latitude"]),
        "rank": rank,
        "proven": front.complete,
        **{
            f"{end}_{field}": ends[end][field] if ends else None
            for end in ("fastest", "cheapest")
            for field in ("day", "date", "cost_usd")
        },
        "corner_points": len(points),
        "points_on_front": sum(row["on_front"] for row in points),
        "line": _line(points, horizon),
    }


def _line(points: Sequence[Document], horizon: int) -> Document:
    """Days and costs that draw the steps, up to the horizon."""
    corners = sorted((row["day"], row["cost_usd"]) for row in points)
    line = [
        end for (day, cost), (until, _) in pairwise([*corners, (horizon, 0)]) for end in ((day, cost), (until, cost))
    ]
    return {"day": [day for day, _ in line], "cost_usd": [cost for _, cost in line]}


def columns(document: Document) -> list[str]:
    """Names of the fields of a point."""
    others = (f"day_{slug(name)}" for name in document["milestones"] if name != document["milestone"])
    return [*FIELDS, *others]


def front_csv(document: Document) -> str:
    """One row a corner point of a site."""
    return csv_text(columns(document), (list(row.values()) for row in document["points"]))


def front_geojson(document: Document) -> Document:
    """One point feature a site, with the two ends of its front."""
    return collection(
        point(
            row["longitude"],
            row["latitude"],
            {name: value for name, value in row.items() if name not in ("longitude", "latitude", "line")},
        )
        for row in document["sites"]
    )


def front_summary(document: Document) -> str:
    """The front of all sites together as a table, in the scenario's currency."""
    certificate, rate = document["certificate"], document["currency_per_usd"]
    points = sorted((row for row in document["points"] if row["on_front"]), key=lambda row: row["day"])
    count = len(document["sites"])
    lines = [
        f"{document['scenario']}: {document['outcome']}, days to {document['milestone']} against cost,"
        f" {count} {'site' if count == 1 else 'sites'},"
        f" {certificate['milps_solved']} MILPs in {certificate['seconds']:.1f} s"
    ]
    if points:
        currency = document["currency"]
        lines.append(f"{'day':>6}  {'date':<10}  {'cost, ' + currency:>22}  {'a day less costs':>17}  site")
    for row, after in zip_longest(points, points[1:]):
        saved = (row["cost_usd"] - after["cost_usd"]) / (after["day"] - row["day"]) * rate if after else None
        lines.append(
            f"{row['day']:>6}  {row['date']}  {row['cost_usd'] * rate:>22,.0f}"
            f"  {'' if saved is None else f'{saved:,.0f}':>17}  {row['name']} ({row['site_id']})"
            f"{'' if row['proven'] else '  not proven'}"
        )
    if not all(site["proven"] for site in document["sites"]):
        lines.append("The time ran out: there may be more points")
    return "\n".join(lines)
