"""``orders.csv``, ``schedule.csv`` and ``crews.csv``: what to order, what happens when, and which crew does it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from siteopt.output.document import Document, units_of
from siteopt.scenario import slug

FORMULA = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\0]*[=+\-@＝＋－﹣＠]|[\t\n]")
"""How a cell begins that is a formula to a spreadsheet, also in full width and behind what nobody sees."""


def orders_csv(document: Document) -> str:
    """One row an order: units on site at each milestone, and its dates."""
    milestones = [milestone["name"] for milestone in document["milestones"]]
    plain = ("offer_id", "kind", "vendor", "model", "depot")
    dated = (
        "leaves_day",
        "arrives_day",
        "ready_day",
        "leaves",
        "arrives",
        "ready",
        "unit_mw",
        "cost_usd",
        "confidence",
    )
    header = [*plain, *(f"units_{slug(name)}" for name in milestones), *dated]
    rows = (
        [*(order[name] for name in plain), *order["units"].values(), *(order[name] for name in dated)]
        for order in document["orders"]
    )
    return csv_text(header, rows)


def schedule_csv(document: Document) -> str:
    """One row an event, in the order of days."""
    return csv_text(("day", "date", "event", "what", "units"), sorted(events(document)))


def events(document: Document) -> Iterable[tuple[int, str, str, str, Any]]:
    """What happens when: day, date, event, what, units."""
    for order in document["orders"]:
        what, units = f"{order['offer_id']} ({order['model']})", units_of(order)
        yield 0, document["start_date"], "order", what, units
        for event in ("leaves", "arrives", "ready"):
            yield order[f"{event}_day"], order[event], event, what, units
    for step in document["grid_steps"]:
        if step["in_service_from"] is not None:
            yield step["ready_day"], step["ready"], "grid step", f"{step['grid_mw']:g} MW", ""
    for milestone in document["milestones"]:
        yield milestone["day"], milestone["date"], "training starts", milestone["name"], milestone["gpus"]


def crews_csv(document: Document) -> str:
    """One row a crew at work on a unit, as replayed; none where nothing was replayed."""
    header = ("trade", "crew", "offer_id", "model", "unit", "milestone", "first_day", "last_day", "first", "last")
    shifts = document["replay"]["crews"] if document["replay"] is not None else ()
    return csv_text(header, ([shift[name] for name in header] for shift in shifts))


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV, each cell safe in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, header))
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet runs: text that looks like a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # Python puts no quotes around a lone carriage return
    return "'" + text if FORMULA.match(text) else text
