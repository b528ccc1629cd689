"""Write the tables of a run: ``orders.csv``, ``schedule.csv``, ``crews.csv`` and ``cash.csv``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from siteopt.record.run import PlanRecord, RunRecord
from siteopt.scenario import slug

FORMULA = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\0]*[=+\-@＝＋－﹣＠]|[\t\n]")
"""Start of a cell that a spreadsheet takes for a formula, also with full-width signs or after invisible characters."""


def orders_csv(run: RunRecord) -> str:
    """Return the orders as CSV, one row each: units on site at each milestone, and dates; no rows without a plan."""
    milestones = [milestone.name for milestone in run.plan.milestones] if run.plan is not None else []
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
        [
            *(getattr(order, name) for name in plain),
            *order.units.values(),
            *(getattr(order, name) for name in dated),
        ]
        for order in (run.plan.orders if run.plan is not None else ())
    )
    return csv_text(header, rows)


def schedule_csv(run: RunRecord) -> str:
    """Return the events of a plan as CSV, one row each, in the order of days; no rows without a plan."""
    rows = sorted(events(run, run.plan)) if run.plan is not None else ()
    return csv_text(("day", "date", "event", "what", "units"), rows)


def events(run: RunRecord, plan: PlanRecord) -> Iterable[tuple[int, str, str, str, Any]]:
    """Yield each event of a plan: its day, date and name, the object, and the number of units or GPUs."""
    for order in plan.orders:
        what, units = f"{order.offer_id} ({order.model})", order.all_units
        yield 0, str(run.start_date), "order", what, units
        yield order.leaves_day, str(order.leaves), "leaves", what, units
        yield order.arrives_day, str(order.arrives), "arrives", what, units
        yield order.ready_day, str(order.ready), "ready", what, units
    for one in plan.buildings:
        yield one.roof_day, str(one.roof), "roof", f"{one.shell_type} {one.name}".strip(), ""
    for step in plan.grid_steps:
        if step.in_service_from is not None:
            yield step.ready_day, str(step.ready), "grid step", f"{step.grid_mw:g} MW", ""
    for milestone in plan.milestones:
        yield milestone.day, str(milestone.date), "training starts", milestone.name, milestone.gpus


def crews_csv(run: RunRecord) -> str:
    """Return the replayed work of the crews as CSV, one row for each crew on a unit; no rows without a plan."""
    header = ("trade", "crew", "offer_id", "model", "unit", "milestone", "first_day", "last_day", "first", "last")
    shifts = run.plan.replay.crews if run.plan is not None else ()
    return csv_text(header, ([getattr(shift, name) for name in header] for shift in shifts))


def cash_csv(run: RunRecord) -> str:
    """Return the calendar of payments as CSV, one row for each part of the cost in each month; no rows without one."""
    return csv_text(CASH, payments_by_month(run))


CASH = ("month", "part", "committed_usd", "paid_usd")
"""Columns of ``cash.csv``."""


def payments_by_month(run: RunRecord) -> Iterable[tuple[str, str, int, int]]:
    """Yield month, part of the cost, and what is committed and paid; each part that costs anything, in every month."""
    if run.plan is None or run.plan.cash is None:
        return
    parts = [part for part, usd in run.plan.cost.parts_usd.items() if usd]
    for one in run.plan.cash.months:
        for part in parts:
            yield one.name, part, one.committed_usd.get(part, 0), one.paid_usd.get(part, 0)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV, without cells that a spreadsheet would run as formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, header))
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet runs: text that looks like a formula gets a leading apostrophe."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # Python puts no quotes around a lone carriage return
    return "'" + text if FORMULA.match(text) else text
