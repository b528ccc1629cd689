"""Turn a run into pandas frames: ids as the index, nullable integers, real dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from siteopt.output.geojson import cost_unit, site_properties
from siteopt.output.limits import limit_of
from siteopt.output.tables import CASH, events, payments_by_month
from siteopt.output.translations import Translations
from siteopt.record.replay import Shift
from siteopt.record.run import RunRecord
from siteopt.scenario import slug


def site_rows(run: RunRecord) -> pd.DataFrame:
    """Return every listed candidate with its rank, standing, reason, days and cost, by site_id."""
    unit = cost_unit(run, Translations.of(run))
    rows = [
        {**site_properties(site, unit), "longitude": site.longitude, "latitude": site.latitude} for site in run.ranking
    ]
    whole = ["rank", "cost_usd", "cost_bound_usd"]
    dated = []
    for name in run.milestone_names:
        whole += [f"day_{slug(name)}", f"bound_day_{slug(name)}"]
        dated.append(f"date_{slug(name)}")
    found = _frame(rows, "site_id", whole, dated)
    return found.astype({"break_even_gpu_hour_usd": float}) if rows else found


def milestones(run: RunRecord) -> pd.DataFrame:
    """Return the milestones of the plan, by name: GPUs, day, date, MW, and what limits each."""
    translations, plan = Translations.of(run), run.plan
    rows = [
        {
            **one.model_dump(exclude={"equipment_mw", "limited_by", "days_saved"}),
            **{f"{kind}_mw": mw for kind, mw in one.equipment_mw.items()},
            "limited_by": limit_of(one, translations),
        }
        for one in (plan.milestones if plan is not None else ())
    ]
    return _frame(rows, "name", ["gpus", "day", "compute_ready_day"], ["date"]).rename_axis("milestone")


def orders(run: RunRecord) -> pd.DataFrame:
    """Return the orders, by offer_id: units in all and at each milestone, days, dates, cost."""
    plan = run.plan
    rows = [
        {
            **one.model_dump(exclude={"units"}),
            "units": one.all_units,
            **{f"units_{slug(name)}": count for name, count in one.units.items()},
        }
        for one in (plan.orders if plan is not None else ())
    ]
    events_ = ("leaves", "arrives", "ready", "serves")
    units = [f"units_{slug(name)}" for name in run.milestone_names]
    return _frame(rows, "offer_id", ["units", *units, "cost_usd", *(f"{one}_day" for one in events_)], events_)


def schedule(run: RunRecord) -> pd.DataFrame:
    """Return the events of the plan in the order of days, with columns day, date, event, what, units."""
    names = ("day", "date", "event", "what", "units")
    found = sorted(events(run, run.plan), key=lambda row: row[:4]) if run.plan is not None else []
    rows = [dict(zip(names, (*row[:4], row[4] if row[4] != "" else None), strict=True)) for row in found]
    return _frame(rows, "", ["day", "units"], ["date"], names)


def crews(run: RunRecord) -> pd.DataFrame:
    """Return the replayed work of the crews: which crew works on which unit, from which day to which."""
    rows = [shift.model_dump() for shift in (run.plan.replay.crews if run.plan is not None else ())]
    return _frame(rows, "", ["crew", "unit", "first_day", "last_day"], ["first", "last"], tuple(Shift.model_fields))


def costs(run: RunRecord) -> pd.DataFrame:
    """Return the cost of the plan by part, in US dollars and in the currency of the scenario."""
    parts = run.plan.cost.parts_usd if run.plan is not None else {}
    rows = [
        {"part": name, "cost_usd": usd, f"cost_{run.currency.lower()}": round(usd * run.currency_per_usd)}
        for name, usd in parts.items()
    ]
    return _frame(rows, "part", list(dict.fromkeys(["cost_usd", f"cost_{run.currency.lower()}"])), [])


def cash(run: RunRecord) -> pd.DataFrame:
    """Return what is committed and paid for each part of the cost in each month, in US dollars and in the currency.

    A month is the date of its first day. A part that costs anything has a row in every month of the calendar.
    """
    rows = []
    for found in payments_by_month(run):
        row: dict[str, Any] = dict(zip(CASH, found, strict=True))
        for name in ("committed", "paid"):
            row[f"{name}_{run.currency.lower()}"] = round(row[f"{name}_usd"] * run.currency_per_usd)
        rows.append(row)
    amounts = [f"{name}_{currency}" for currency in ("usd", run.currency.lower()) for name in ("committed", "paid")]
    amounts = list(dict.fromkeys(amounts))
    return _frame(rows, "", amounts, ["month"], ("month", "part", *amounts))


def _frame(
    rows: Sequence[Mapping[str, Any]], index: str, whole: Sequence[str], dated: Sequence[str], names: Sequence[str] = ()
) -> pd.DataFrame:
    """Return rows as a frame with nullable integers and real dates; without rows, an empty frame with its columns."""
    known = list(names) or [*([index] if index else []), *whole, *dated]
    frame = pd.DataFrame(list(rows), columns=None if rows else known)
    frame = frame.astype(dict.fromkeys(whole, "Int64"))
    for name in dated:
        frame[name] = pd.to_datetime(frame[name])
    return frame.set_index(index) if index else frame
