"""The layers of a run, each described once: its columns with their types and words, and what stands in its rows.

The GeoPackage, the styles and the QGIS project all follow from these descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from siteopt.output.document import Document, units_of
from siteopt.output.layer import Field, Layer, points, printable, schema_field
from siteopt.output.summary import counted, held_by, money
from siteopt.plan import Standing
from siteopt.scenario import COST, slug
from siteopt.schema import CANDIDATES

RESERVED = ("fid", "geom")
"""Columns that every layer of a GeoPackage has."""


def run_layers(document: Document, sites: Document, plan: Document) -> list[Layer]:
    """The layers of a run, but for the base map.

    Parameters
    ----------
    document, sites, plan
        What ``plan.json``, ``sites.geojson`` and ``plan.geojson`` hold.
    """
    return [
        _chosen(document),
        _milestones(document),
        _deliveries(document),
        _depots(document),
        _areas(plan),
        _sites(document, sites),
        fault_layer([*fault_rows(document["warnings"]), *_assumed_and_unknown(document, sites)]),
    ]


FAULT_FIELDS = (
    Field("severity", str, "Severity", "fault, warning, left out or assumed"),
    Field("code", str, "Code", "of a fault: docs/errors.md says what helps"),
    Field("site_id", str, "Site"),
    Field("name", str, "Name"),
    Field("file", str, "File"),
    Field("row", int, "Row", "as a spreadsheet shows it: the header is row 1"),
    Field("column", str, "Column"),
    Field("found", str, "Found"),
    Field("expected", str, "Expected"),
    Field("label", str, "Label", "all that is wrong with a row or a site, at the first of its faults"),
)


LABELLED = 40
"""Characters of a cell that a label shows."""


Placed = tuple[Document, tuple[float, float] | None]
"""A row of the layer of faults, and its longitude and latitude where they are known."""


def fault_rows(records: Iterable[Mapping[str, Any]]) -> Iterator[Placed]:
    """Faults and warnings as rows of their layer.

    Parameters
    ----------
    records : iterable of mappings
        As :meth:`siteopt.faults.Fault.record` makes them.
    """
    for record in records:
        row = {name: record[name] for name in ("code", "file", "row", "column", "found", "expected")}
        place = (record["longitude"], record["latitude"])
        on_earth = None not in place and abs(place[0]) <= 180 and abs(place[1]) <= 90
        severity = "warning" if record["code"].startswith("W") else "fault"
        yield {"severity": severity, **row}, place if on_earth else None


def fault_layer(placed: Sequence[Placed]) -> Layer:
    """Faults and gaps of the input, whose rows hold what FAULT_FIELDS name, but for the label."""
    rows = [row for row, _ in placed]
    shapes = points(place for _, place in placed)
    first: dict[tuple[object, ...], int] = {}
    lines: list[list[str]] = [[] for _ in rows]
    for number, row in enumerate(rows):
        start = first.setdefault(tuple(row.get(name) for name in ("site_id", "file", "row")), number)
        if start == number:
            lines[start].append((row.get("name") or row["file"]) + (f", row {row['row']}" if row.get("row") else ""))
        lines[start].append(f"{row['column']}: {row['found'][:LABELLED] or 'unknown'}")
    labelled = [{**row, "label": "\n".join(text) or None} for row, text in zip(rows, lines, strict=True)]
    words = "What is wrong with the input, what is unknown and left a site out, and what the scenario assumed."
    return Layer("faults", "Faults and gaps", words, "Point", FAULT_FIELDS, labelled, shapes)


def milestone_names(document: Document) -> dict[str, str]:
    """The milestones by what they are called in the fields of a site: ``{"first_run": "first run"}``."""
    named = {slug(name): name for name in document["objective"] if name != COST}
    row = document["ranking"][0] if document["ranking"] else {}
    return {field: named.get(field, field) for field in (key[4:] for key in row if key.startswith("day_"))}


def _result_fields(document: Document) -> Iterator[Field]:
    yield Field("site_id", str, "Site ID", "unique id of the site")
    yield Field("name", str, "Name", "name of the plant, in any script")
    yield Field("rank", int, "Rank", "1 trains first; blank: not among the ranks that were proven")
    yield Field("standing", str, "Standing", ", ".join(Standing))
    yield Field("reason", str, "Reason", "why the site does not serve, or was left out")
    yield Field("cost_usd", int, "Cost (USD)", "of the site's best plan, in all")
    yield Field("cost_bound_usd", int, "Cost bound (USD)", "no plan of these days at this site costs less")
    for field, name in milestone_names(document).items():
        yield Field(f"day_{field}", int, f"Day of {name}", "days after the decision on which training starts")
        yield Field(f"date_{field}", date, f"Date of {name}", "date on which training starts")
        yield Field(f"bound_day_{field}", int, f"Earliest day of {name}", "proven: no plan at this site is earlier")
        yield Field(f"bottleneck_{field}", str, f"Bottleneck of {name}", "the limit that holds the day back most")
    yield Field("assumed", str, "Assumed", "columns that were blank, so that the scenario's values stand in")


def _sites(document: Document, sites: Document) -> Layer:
    """Every listed candidate: the result's own fields, then the columns of the table, whatever they are called."""
    rows = [feature["properties"] for feature in sites["features"]]
    known = {field.name: field for field in _result_fields(document)}
    known |= {column.name: schema_field(column) for column in CANDIDATES if column.name not in known}
    taken = {name.casefold() for name in RESERVED}
    fields = []
    for key in rows[0] if rows else known:
        found = known.get(key) or Field(key, _type_of([row[key] for row in rows]), printable(key))
        name = _free(printable(key) or "column", taken)
        taken.add(name.casefold())
        fields.append(Field(name, found.type, found.alias, found.help, key))
    words = "Every candidate with its rank, days, cost and reason, then the columns of its table."
    shapes = points(feature["geometry"]["coordinates"] for feature in sites["features"])
    return Layer("sites", "Candidates", words, "Point", tuple(fields), rows, shapes)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number where a GeoPackage, which does not tell case apart, has it already."""
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _type_of(values: Iterable[object]) -> type:
    """The one type that holds all of these values of JSON."""
    types = {type(value) for value in values} - {type(None)}
    if types == {int, float}:
        return float
    return types.pop() if len(types) == 1 else str


def _chosen(document: Document) -> Layer:
    milestones = document["milestones"]
    names = {slug(milestone["name"]): milestone for milestone in milestones}
    fields = [
        Field("site_id", str, "Site ID"),
        Field("name", str, "Name"),
        Field("outcome", str, "Outcome", "proven, or the limit was reached before the proof"),
        Field("access", date, "Access", "date of the keys"),
        Field("cost_usd", int, "Cost (USD)"),
        Field("cost", str, "Cost", "in the currency of the scenario"),
        Field("days", str, "Days", "days after the decision on which training starts, by milestone"),
        Field("faster", str, "Faster", "against the baselines of the scenario"),
        Field("times_faster_low", float, "Times faster, at least"),
        Field("times_faster_high", float, "Times faster, at most"),
    ]
    for field, milestone in names.items():
        fields.append(Field(f"day_{field}", int, f"Day of {milestone['name']}"))
        fields.append(Field(f"date_{field}", date, f"Date of {milestone['name']}"))
    rows = []
    if document["site_id"] is not None:
        baselines = document["baselines"]
        row = {"name": document["site_name"], "cost_usd": document["cost_usd"]["total"]}
        row |= {key: document[key] for key in ("site_id", "outcome", "access")}
        row["cost"] = money(document, document["cost_usd"]["total"])
        row["days"] = ", ".join(f"{milestone['name']} on day {milestone['day']}" for milestone in milestones)
        row["faster"] = "; ".join(
            f"{one['times_faster_low']:.1f} to {one['times_faster_high']:.1f} times as fast as {one['name']}"
            for one in baselines
        )
        row["times_faster_low"] = min((one["times_faster_low"] for one in baselines), default=None)
        row["times_faster_high"] = max((one["times_faster_high"] for one in baselines), default=None)
        for field, milestone in names.items():
            row |= {f"day_{field}": milestone["day"], f"date_{field}": milestone["date"]}
        rows.append(row)
    words = "The site that trains first, with its days and its cost."
    return Layer("chosen", "Chosen site", words, "Point", tuple(fields), rows, points([_site(document)] * len(rows)))


def _site(document: Document) -> tuple[float, float]:
    return document["site_longitude"], document["site_latitude"]


def _milestones(document: Document) -> Layer:
    fields = (
        Field("number", int, "Number"),
        Field("name", str, "Milestone"),
        Field("gpus", int, "GPUs"),
        Field("day", int, "Day", "days after the decision on which training starts"),
        Field("date", date, "Date"),
        Field("it_mw", float, "Servers (MW)"),
        Field("demand_mw", float, "Demand (MW)", "peak, with cooling and losses"),
        Field("grid_mw", float, "Grid (MW)"),
        Field("generators_mw", float, "Generators (MW)"),
        Field("batteries_mw", float, "Batteries (MW)"),
        Field("chillers_mw", float, "Chillers (MW thermal)"),
        Field("held_by", str, "Held by", "the limit without which training would start earliest"),
    )
    rows = [
        {**milestone, "number": number, "held_by": held_by(milestone)}
        for number, milestone in enumerate(document["milestones"], start=1)
    ]
    words = (
        "A row a milestone, at the chosen site: when so many GPUs train, on what power, and what holds the day back."
    )
    return Layer("milestones", "Milestones", words, "Point", fields, rows, points([_site(document)] * len(rows)))


def _deliveries(document: Document) -> Layer:
    dates = {
        "leaves": "date on which the last load leaves the depot",
        "arrives": "date on which it arrives",
        "ready": "date on which the last unit is installed",
        "serves": "date from which the units serve, commissioned",
    }
    fields = (
        Field("offer_id", str, "Offer ID"),
        Field("kind", str, "Kind"),
        Field("model", str, "Model"),
        Field("vendor", str, "Vendor"),
        Field("depot", str, "Depot"),
        Field("units", int, "Units"),
        Field("mw", float, "Rating (MW)", "of all units at this site; thermal for chillers"),
        *(Field(name, date, name.capitalize(), help_) for name, help_ in dates.items()),
        Field("cost_usd", int, "Cost (USD)"),
        Field("confidence", str, "Confidence"),
    )
    rows, shapes = [], []
    before: dict[tuple[float, float], int] = {}
    for order in document["orders"]:
        depot = (order["longitude"], order["latitude"])
        rows.append({**order, "units": units_of(order), "mw": round(order["unit_mw"] * units_of(order), 3)})
        shapes.append(_bow(depot, _site(document), before.get(depot, 0)))
        before[depot] = before.get(depot, 0) + 1
    words = "A line an order, from its depot to the chosen site, with its dates; drawn as a bow, not along the roads."
    found = np.array(shapes, dtype=object)
    return Layer("deliveries", "Deliveries", words, "LineString", fields, rows, found)


def _bow(start: tuple[float, float], end: tuple[float, float], number: int) -> shapely.LineString:
    """A bow from start to end, the higher the more were drawn before it between the two."""
    first, last = np.array(start), np.array(end)
    across = (last - first)[::-1] * (-1, 1)
    across *= np.sign(across[1]) or 1.0  # bowed to the north, so that bows from the east and the west look alike
    top = (first + last) / 2 + across * (0.12 + 0.07 * number)
    t = np.linspace(0, 1, 33)[:, None]
    return shapely.LineString((1 - t) ** 2 * first + 2 * t * (1 - t) * top + t**2 * last)


def _depots(document: Document) -> Layer:
    mw = {kind: Field(f"{kind}_mw", float, f"{kind.capitalize()} (MW)") for kind in ("generator", "chiller", "battery")}
    fields = (
        Field("depot", str, "Depot"),
        Field("units", int, "Units"),
        *mw.values(),
        Field("leaves", date, "First departure"),
        Field("contents", str, "Contents", "units by kind"),
    )
    depots: dict[tuple[float, float], list[Document]] = {}
    for order in document["orders"]:
        depots.setdefault((order["longitude"], order["latitude"]), []).append(order)
    rows = []
    for orders in depots.values():
        row: Document = {"depot": orders[0]["depot"], "units": sum(map(units_of, orders))}
        row["leaves"] = min(order["leaves"] for order in orders)
        counts = {kind: sum(units_of(order) for order in orders if order["kind"] == kind) for kind in mw}
        row["contents"] = ", ".join(counted(count, kind) for kind, count in counts.items() if count)
        for kind, field in mw.items():
            total = sum(order["unit_mw"] * units_of(order) for order in orders if order["kind"] == kind)
            row[field.name] = round(total, 3)
        rows.append(row)
    words = "The yards that the rented units leave from, with what comes from each."
    return Layer("depots", "Depots", words, "Point", fields, rows, points(depots))


AREA_ROLES = ("outline", "yard", "hall")


def _areas(plan: Document) -> Layer:
    """The polygons of the chosen site, the largest first."""
    features = [one for one in plan["features"] if one["properties"]["role"] in AREA_ROLES]
    features.sort(key=lambda feature: AREA_ROLES.index(feature["properties"]["role"]))
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    whole = [shapely.MultiPolygon([one]) if one.geom_type == "Polygon" else one for one in shapes]
    fields = (
        Field("role", str, "Role", ", ".join(AREA_ROLES)),
        Field("id", str, "ID"),
        Field("name", str, "Name"),
    )
    rows = [feature["properties"] for feature in features]
    words = "Outline, yard and halls of the chosen site, where the input has them."
    return Layer("areas", "Site, yard and halls", words, "MultiPolygon", fields, rows, np.array(whole, dtype=object))


def _assumed_and_unknown(document: Document, sites: Document) -> Iterator[Placed]:
    """What the scenario had to assume about a site, and what left it out because nobody knew it."""
    values = {item["column"]: item["value"] for item in document["assumptions"]}
    for site, feature in zip(document["ranking"], sites["features"], strict=True):
        unknown = site["reason"].removeprefix("unknown: ") if site["reason"].startswith("unknown: ") else ""
        for severity, columns in (("assumed", site["assumed"]), ("left out", unknown)):
            for column in filter(None, columns.split(", ")):
                row = {"severity": severity, "site_id": site["site_id"], "name": site["name"], "column": column}
                row["found"] = "" if severity == "left out" else f"blank: {values[column]} stands in"
                row["expected"] = CANDIDATES[column].expected
                yield row, tuple(feature["geometry"]["coordinates"])
