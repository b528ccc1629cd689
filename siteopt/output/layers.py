"""Describe each layer of a run once: its columns with their types and labels, and its rows.

The GeoPackage, the styles and the QGIS project are all made from these descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from siteopt.equipment import COOLANT_DISTRIBUTION, COOLING, KINDS, Kind
from siteopt.output.geojson import GeoJSON
from siteopt.output.layer import Field, Layer, points, printable, schema_field
from siteopt.output.limits import limit_of
from siteopt.output.names import PLURAL, titled
from siteopt.output.phases import windows_text
from siteopt.output.translations import Translations
from siteopt.record.base import Standing
from siteopt.record.reason import ReasonCode
from siteopt.record.run import Order, PlanRecord, RunRecord
from siteopt.scenario import slug
from siteopt.schema import CANDIDATES

RESERVED = ("fid", "geom")
"""Names of columns that every layer of a GeoPackage already has."""


def run_layers(run: RunRecord, sites: GeoJSON, plan_features: GeoJSON, translations: Translations) -> list[Layer]:
    """Return the layers of a run, without the base map.

    Parameters
    ----------
    sites, plan_features : dict
        Contents of ``sites.geojson`` and ``plan.geojson``.
    """
    return [
        _chosen(run, translations),
        _milestones(run.plan, translations),
        _deliveries(run.plan, translations),
        _depots(run.plan, translations),
        _areas(plan_features),
        _sites(run, sites),
        issue_layer([*issue_rows(warning.model_dump() for warning in run.warnings), *_assumed_and_unknown(run)]),
    ]


ISSUE_FIELDS = (
    Field("severity", str, "Severity", "error, warning, excluded or assumed"),
    Field("code", str, "Code", "of an error or a warning; docs/errors.md explains it"),
    Field("site_id", str, "Site"),
    Field("name", str, "Name"),
    Field("file", str, "File"),
    Field("row", int, "Row", "as a spreadsheet shows it: the header is row 1"),
    Field("column", str, "Column"),
    Field("found", str, "Found"),
    Field("expected", str, "Expected"),
    Field("label", str, "Label", "all issues of a row or a site, at the first of them"),
)


LABELLED = 40
"""Largest number of characters of a cell that a label shows."""


Placed = tuple[dict[str, Any], tuple[float, float] | None]
"""A row of the layer of issues, and its longitude and latitude, or None if they are not known."""


def issue_rows(records: Iterable[Mapping[str, Any]]) -> Iterator[Placed]:
    """Yield errors and warnings as rows of the layer of issues.

    Parameters
    ----------
    records : iterable of mappings
        Issues as returned by :meth:`siteopt.issues.Issue.record`.
    """
    for record in records:
        row = {name: record[name] for name in ("code", "file", "row", "column", "found", "expected")}
        place = (record["longitude"], record["latitude"])
        on_earth = None not in place and abs(place[0]) <= 180 and abs(place[1]) <= 90
        severity = "warning" if record["code"].startswith("W") else "error"
        yield {"severity": severity, **row}, place if on_earth else None


def issue_layer(placed: Sequence[Placed]) -> Layer:
    """Return the layer of issues and gaps in the input.

    Parameters
    ----------
    placed : sequence of (row, position)
        Rows with the fields of FAULT_FIELDS, except for the label, which is added here.
    """
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
    words = (
        "Errors and warnings in the input, unknown values that exclude a site, and values that the scenario assumes."
    )
    return Layer("issues", "Issues and gaps", words, "Point", ISSUE_FIELDS, labelled, shapes)


def milestone_names(run: RunRecord) -> dict[str, str]:
    """Return the names of the milestones, by their spelling in the fields of a site: ``{"first_run": "first run"}``."""
    return {slug(name): name for name in run.milestone_names}


def _result_fields(run: RunRecord) -> Iterator[Field]:
    yield Field("site_id", str, "Site ID", "unique id of the site")
    yield Field("name", str, "Name", "name of the plant, in any script")
    yield Field("rank", int, "Rank", "1 trains first; blank: not among the ranks that were proven")
    yield Field("standing", str, "Standing", ", ".join(Standing))
    yield Field("reason", str, "Reason", "why the site cannot serve, is not ranked, or is excluded")
    yield Field("cost_usd", int, "Cost (USD)", "total of the site's best plan")
    yield Field("cost_bound_usd", int, "Cost bound (USD)", "no plan of these days at this site costs less")
    yield Field("cost", str, "Cost", "of the best plan, in the currency of the scenario")
    yield Field("break_even_gpu_hour_usd", float, "Break-even (USD per GPU-hour)", "as much as rank 1, days included")
    yield Field("better_than_first", str, "Beats rank 1", "at which prices of a GPU-hour, days included")
    for field, name in milestone_names(run).items():
        yield Field(f"day_{field}", int, f"Day of {name}", "days after the decision on which training starts")
        yield Field(f"date_{field}", date, f"Date of {name}", "date on which training starts")
        yield Field(f"bound_day_{field}", int, f"Earliest day of {name}", "proven: no plan at this site is earlier")
        yield Field(
            f"limited_by_{field}", str, f"Limited by ({name})", "the limit without which training would start earliest"
        )
    yield Field("assumed", str, "Assumed", "blank columns, for which the values of the scenario are used")


def _sites(run: RunRecord, sites: GeoJSON) -> Layer:
    """Return the layer of listed candidates: the result's own fields, then the columns of the table, with any names."""
    rows = [feature["properties"] for feature in sites["features"]]
    known = {field.name: field for field in _result_fields(run)}
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
    """Return the name, with a number if it is already taken; a GeoPackage does not distinguish upper and lower case."""
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _type_of(values: Iterable[object]) -> type:
    """Return the one type that can hold all of these JSON values; text if no other type can."""
    types = {type(value) for value in values} - {type(None)}
    if types == {int, float}:
        return float
    return types.pop() if len(types) == 1 else str


def _chosen(run: RunRecord, translations: Translations) -> Layer:
    plan = run.plan
    names = milestone_names(run) if plan is not None else {}
    fields = [
        Field("site_id", str, "Site ID"),
        Field("name", str, "Name"),
        Field("outcome", str, "Outcome", "proven, or the limit was reached before the proof"),
        Field("handover", date, "Handover", "date on which the site is handed over"),
        Field("cost_usd", int, "Cost (USD)"),
        Field("cost", str, "Cost", "in the currency of the scenario"),
        Field("days", str, "Days", "days after the decision on which training starts, by milestone"),
        Field("faster", str, "Faster", "against the baselines of the scenario"),
        Field("limits", str, "Limits", "what the site may use, where this changes: from day 0, then from each day on"),
        Field("times_faster_low", float, "Times faster, at least"),
        Field("times_faster_high", float, "Times faster, at most"),
    ]
    for field, name in names.items():
        fields.append(Field(f"day_{field}", int, f"Day of {name}"))
        fields.append(Field(f"date_{field}", date, f"Date of {name}"))
    rows, shapes = [], []
    if plan is not None:
        row: dict[str, Any] = {"site_id": plan.site_id, "name": plan.site_name, "outcome": str(run.outcome)}
        row |= {
            "handover": plan.handover,
            "cost_usd": plan.cost.total_usd,
            "cost": translations.money(plan.cost.total_usd),
        }
        row["days"] = ", ".join(f"{milestone.name} on day {milestone.day}" for milestone in plan.milestones)
        row["faster"] = "; ".join(
            f"{one.times_faster_low:.1f} to {one.times_faster_high:.1f} times as fast as {one.name}"
            for one in plan.baselines
        )
        row["limits"] = ". ".join(windows_text(one, translations) for one in plan.limits)
        row["times_faster_low"] = min((one.times_faster_low for one in plan.baselines), default=None)
        row["times_faster_high"] = max((one.times_faster_high for one in plan.baselines), default=None)
        for field, milestone in zip(names, plan.milestones, strict=True):
            row |= {f"day_{field}": milestone.day, f"date_{field}": milestone.date}
        rows.append(row)
        shapes.append(_place(plan))
    said = "The chosen site, with its days and its cost."
    return Layer("chosen", "Chosen site", said, "Point", tuple(fields), rows, points(shapes))


def _place(plan: PlanRecord) -> tuple[float, float]:
    return plan.longitude, plan.latitude


def _milestones(plan: PlanRecord | None, translations: Translations) -> Layer:
    fields = (
        Field("number", int, "Number"),
        Field("name", str, "Milestone"),
        Field("gpus", int, "GPUs"),
        Field("day", int, "Day", "days after the decision on which training starts"),
        Field("date", date, "Date"),
        Field("it_mw", float, "Servers (MW)"),
        Field("demand_mw", float, "Demand (MW)", "peak, with cooling and losses"),
        Field("grid_mw", float, "Grid (MW)"),
        *(Field(f"{kind.plural}_mw", float, f"{titled(kind.plural)} ({_unit(kind)})") for kind in KINDS),
        Field("limited_by", str, "Limited by", "the limit without which training would start earliest"),
    )
    rows = [
        {
            **one.model_dump(),
            **{f"{PLURAL[kind]}_mw": mw for kind, mw in one.equipment_mw.items()},
            "number": number,
            "limited_by": limit_of(one, translations),
        }
        for number, one in enumerate(plan.milestones if plan is not None else (), start=1)
    ]
    said = "One row per milestone, at the chosen site: its GPUs, day and power, and what limits it."
    shapes = points([_place(plan)] * len(rows) if plan is not None else ())
    return Layer("milestones", "Milestones", said, "Point", fields, rows, shapes)


def _deliveries(plan: PlanRecord | None, translations: Translations) -> Layer:
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
        Field("cost", str, "Cost", "in the currency of the scenario"),
        Field("confidence", str, "Confidence"),
    )
    rows, shapes = [], []
    before: dict[tuple[float, float], int] = {}
    unit = translations.money_unit(order.cost_usd for order in (plan.orders if plan is not None else ()))
    for order in plan.orders if plan is not None else ():
        depot = (order.longitude, order.latitude)
        rated = round(order.unit_mw * order.all_units, 3)
        cost = unit(order.cost_usd)
        rows.append({**order.model_dump(), "units": order.all_units, "mw": rated, "cost": cost})
        shapes.append(_bow(depot, _place(plan), before.get(depot, 0)) if plan is not None else None)
        before[depot] = before.get(depot, 0) + 1
    said = "One line per order, from its depot to the chosen site, with its dates; drawn as an arc, not along roads."
    found = np.array(shapes, dtype=object)
    return Layer("deliveries", "Deliveries", said, "LineString", fields, rows, found)


def _bow(start: tuple[float, float], end: tuple[float, float], number: int) -> shapely.LineString:
    """Return a bow from start to end; ``number`` bows were drawn there before it, and each new one is higher."""
    first, last = np.array(start), np.array(end)
    across = (last - first)[::-1] * (-1, 1)
    across *= np.sign(across[1]) or 1.0  # bowed to the north, so that bows from the east and the west look the same
    top = (first + last) / 2 + across * (0.12 + 0.07 * number)
    t = np.linspace(0, 1, 33)[:, None]
    return shapely.LineString((1 - t) ** 2 * first + 2 * t * (1 - t) * top + t**2 * last)


def _unit(kind: Kind) -> str:
    """Return the unit of the rating of a kind of equipment."""
    return "MW thermal" if {COOLING, COOLANT_DISTRIBUTION} & set(kind.supplies) else "MW"


def _depots(plan: PlanRecord | None, translations: Translations) -> Layer:
    kinds = [kind.name for kind in KINDS]
    fields = (
        Field("depot", str, "Depot"),
        Field("units", int, "Units"),
        *(Field(f"{kind}_mw", float, f"{titled(kind)} (MW)") for kind in kinds),
        Field("leaves", date, "First departure"),
        Field("contents", str, "Contents", "units by kind"),
    )
    depots: dict[tuple[float, float], list[Order]] = {}
    for order in plan.orders if plan is not None else ():
        depots.setdefault((order.longitude, order.latitude), []).append(order)
    rows = []
    for orders in depots.values():
        row: dict[str, Any] = {"depot": orders[0].depot, "units": sum(order.all_units for order in orders)}
        row["leaves"] = min(order.leaves for order in orders)
        counts = {kind: sum(order.all_units for order in orders if order.kind == kind) for kind in kinds}
        row["contents"] = ", ".join(translations.count(count, kind) for kind, count in counts.items() if count)
        for kind in kinds:
            total = sum(order.unit_mw * order.all_units for order in orders if order.kind == kind)
            row[f"{kind}_mw"] = round(total, 3)
        rows.append(row)
    said = "The depots of the rented units, with the units that leave from each."
    return Layer("depots", "Depots", said, "Point", fields, rows, points(depots))


AREA_ROLES = ("outline", "yard", "hall")


def _areas(plan_features: GeoJSON) -> Layer:
    """Return the layer of the chosen site's polygons: the outline first, then the yards, then the halls."""
    features = [one for one in plan_features["features"] if one["properties"]["role"] in AREA_ROLES]
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


def _assumed_and_unknown(run: RunRecord) -> Iterator[Placed]:
    """Yield a row for each value of a site that the scenario assumes, and for each unknown one that excludes a site."""
    values = {one.column: " x ".join(filter(None, (str(one.value), one.share_of))) for one in run.assumptions}
    for site in run.ranking:
        unknown: list[str] = []
        for reason in site.reasons:
            columns = reason.values.get("columns", ()) if reason.code is ReasonCode.UNKNOWN_FIGURES else ()
            unknown += columns if isinstance(columns, tuple) else ()
        for severity, names in (("assumed", site.assumed), ("excluded", unknown)):
            for column in names:
                row = {"severity": severity, "site_id": site.site_id, "name": site.name, "column": column}
                row["found"] = "" if severity == "excluded" else f"blank: {values[column]} is used"
                row["expected"] = CANDIDATES[column].expected
                yield row, (site.longitude, site.latitude)
