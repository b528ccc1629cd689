"""A replay and a check of the power quality for the JSON of a run, made up from its orders: crews, and a swing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from siteopt.record.reason import Quantity, ReasonCode, because

Document = dict[str, Any]

TRADE = {"generator": "electrical", "chiller": "mechanical", "battery": "electrical"}
CREW_DAYS = {"generator": 6, "chiller": 6, "battery": 4}
"""Work to set up a unit, about that of the example offers."""
EVENTS = ("routine swing", "job stop", "job start", "generator loss")
CLASSES = ("", "G1", "G2", "G3")
BAND_HZ = {"G1": (51.0, 70.8), "G2": (54.0, 67.2), "G3": (55.8, 66.0)}
"""Of 60 Hz, by the limits of ISO 8528-5 for a dip and a rise."""


def add_replay(document: Document, crews: int = 40, budget_usd: float = math.inf) -> Document:
    """The document with a replay of its plan in which each trade has so many crews."""
    start, plan = date.fromisoformat(document["start_date"]), document["plan"]
    shifts, in_service = _set_up(document, crews)
    for shift in shifts:
        shift |= {end: (start + timedelta(shift[f"{end}_day"])).isoformat() for end in ("first", "last")}
    milestones: list[Document] = []
    for milestone in plan["milestones"]:
        own = [day for name, day, _, _ in in_service if name == milestone["name"]]
        built = milestone["compute_ready_day"] + document["commissioning_days"]
        day = max([built, milestone["day"], *own, *(row["day"] for row in milestones)])
        later = day - milestone["day"]
        row = {"name": milestone["name"], "planned_day": milestone["day"], "day": day, "days_later": later}
        row |= {"date": (start + timedelta(day)).isoformat(), "bound_day": day - later // 2}
        milestones.append(row | {"by_crews": later > 0, "reasons": [_late(plan["orders"][-1], later)] if later else []})
    cost = plan["cost"]["total_usd"]
    plan["replay"] = {
        "milestones": milestones,
        "crews": shifts,
        "days": _days(document, milestones, in_service),
        "cost_usd": cost,
        "within_budget": cost <= budget_usd,
    }
    return document


def _late(order: Mapping[str, Any], days: int) -> Document:
    """Why a milestone is late: the last unit of an order waits for crews."""
    short = because(ReasonCode.SHORT, limit="cooling", missing=Quantity(amount=1.9, unit="MW"))
    unit, offer, trade = max(order["units"].values()), order["offer_id"], TRADE[order["kind"]]
    found = because(ReasonCode.UNTIL_LATE_UNIT, short, unit=unit, offer=offer, days=days, trade=trade)
    return found.model_dump(mode="json")


def _set_up(document: Document, crews: int) -> tuple[list[Document], list[tuple[str, int, str, float]]]:
    """Shifts of whole crews; and of each unit its milestone, the day from which it serves, its kind and its MW."""
    free: dict[str, list[int]] = {trade: [0] * crews for trade in ("electrical", "mechanical")}
    shifts, in_service = [], []
    numbers: dict[str, int] = {}
    before: dict[str, int] = {}
    for milestone in document["plan"]["milestones"]:
        name = milestone["name"]
        for order in sorted(document["plan"]["orders"], key=lambda order: order["arrives_day"]):
            offer, trade, count = order["offer_id"], TRADE[order["kind"]], order["units"][name]
            for _ in range(count - before.get(offer, 0)):
                numbers[offer] = numbers.get(offer, 0) + 1
                days = max(1, order["ready_day"] - order["arrives_day"])
                gang = min(crews, math.ceil(CREW_DAYS[order["kind"]] / days))
                days = max(days, math.ceil(CREW_DAYS[order["kind"]] / gang))
                chosen = sorted(range(crews), key=lambda crew: (free[trade][crew], crew))[:gang]
                first = max([order["arrives_day"], *(free[trade][crew] for crew in chosen)])
                for crew in chosen:
                    free[trade][crew] = first + days
                    shift = {"trade": trade, "crew": crew + 1, "offer_id": offer, "unit": numbers[offer]}
                    shift |= {"model": order["model"], "kind": order["kind"], "milestone": name}
                    shifts.append(shift | {"first_day": first, "last_day": first + days - 1})
                in_service.append(
                    (name, first + days + document["commissioning_days"], order["kind"], order["unit_mw"])
                )
            before[offer] = count
    return shifts, in_service


def _days(
    document: Document, milestones: Sequence[Mapping[str, Any]], in_service: Sequence[tuple[str, int, str, float]]
) -> Document:
    """What serves on each day on which something changes; the GPUs of a milestone come in five steps."""
    plan = document["plan"]
    networked: dict[int, float] = {0: 0.0}
    before = 0
    for milestone in plan["milestones"]:
        for step in range(1, 6):
            day = max(0, milestone["compute_ready_day"] - 5 + step)
            networked[day] = before + (milestone["gpus"] - before) * step / 5
        before = milestone["gpus"]
    changes = {
        0,
        plan["handover_day"],
        *networked,
        *(row["day"] for row in milestones),
        *(one[1] for one in in_service),
    }
    days = sorted(changes)

    def serving(kind: str, day: int) -> float:
        return round(sum(mw for _, first, of, mw in in_service if of == kind and first <= day), 3)

    def training(day: int) -> int:
        rows = zip(plan["milestones"], milestones, strict=True)
        return max([0, *(one["gpus"] for one, replayed in rows if replayed["day"] <= day)])

    return {
        "day": days,
        "grid_mw": [plan["milestones"][0]["grid_mw"] if day >= plan["handover_day"] else 0.0 for day in days],
        "equipment_mw": {kind: [serving(kind, day) for day in days] for kind in TRADE},
        "networked_gpus": [networked[max(known for known in networked if known <= day)] for day in days],
        "training_gpus": [training(day) for day in days],
    }


def add_quality(document: Document, iso_class: str | None = "G2", kept: bool = True, iterations: int = 2) -> Document:
    """The document with a check of its plan's power quality: with batteries as told, without them the swing fails."""
    plan = document["plan"]
    best = "G3" if kept else "G1"
    passes = None if iso_class is None else CLASSES.index(best) >= CLASSES.index(iso_class)
    before = {"site_id": plan["site_id"], "site_name": plan["site_name"]}
    before |= {"days": [one["day"] for one in plan["milestones"]]}
    before |= {"cost_usd": plan["cost"]["total_usd"] - 12_300_000}
    failed = [{"event": event, "mode": "islanded"} for event in ("routine swing", "job start")]
    plan["power_quality"] = {
        "iso_class": iso_class,
        "passes": passes,
        "frequency_hz": 60.0,
        "iterations": 0 if iso_class is None else iterations,
        "before": before if iterations > 1 and iso_class is not None else None,
        "milestones": [_quality(milestone, best) for milestone in plan["milestones"]],
        "without_batteries": {
            "passes": None if iso_class is None else False,
            "failed": [] if iso_class is None else failed,
        },
        "traces": [_trace(plan, iso_class or "G2", batteries) for batteries in (True, False)],
    }
    return document


def _quality(milestone: Mapping[str, Any], best: str) -> Document:
    swing = 0.3 * milestone["mean_mw"]
    events = [
        {
            "event": event,
            "mode": mode,
            "lowest_hz": 59.2 if event != "job stop" else 59.9,
            "highest_hz": 60.8 if event == "job stop" else 60.1,
            "rocof_hz_per_s": 0.8,
            "recovery_s": None if event == "routine swing" else 1.6,
            "battery_mwh": 0.05,
            "battery_drain_mw": 0.5 if event == "routine swing" else 0.0,
            "battery_peak_mw": round(min(milestone["equipment_mw"]["battery"], swing), 1),
            "import_peak_mw": milestone["grid_mw"] if mode == "grid-tied" else 0.0,
            "import_swing_mw": 1.5 if mode == "grid-tied" else 0.0,
            "import_beyond_s": 0.0,
            "shed_mw": 0.0,
            "collapsed_s": None,
            "iso_class": best if event == "routine swing" else "G3",
            "schedule_mw": 2.0,
            "figures": _figures(event, best),
        }
        for event in EVENTS
        for mode in ("islanded", "grid-tied")
    ]
    lost = {"event": "grid loss", "mode": "grid-tied", "lowest_hz": 57.1, "iso_class": "G1", "shed_mw": 9.0}
    found = {"name": milestone["name"], "inertia_mws": 52.0, "min_battery_mw": 1.5, "min_inertia_mws": 0.0}
    found |= {
        "generators_mw": milestone["equipment_mw"]["generator"],
        "batteries_mw": milestone["equipment_mw"]["battery"],
    }
    return found | {"kept": ["islanded"] if best == "G3" else [], "events": [*events, events[-1] | lost]}


def _figures(event: str, best: str) -> list[Document]:
    """Some figures beside their limits of G2; the steady band only holds if the class is kept."""
    rate = {"name": "rate of change", "unit": "Hz/s", "value": 0.8, "limit": None, "holds": True}
    if event == "routine swing":
        band = {"value": 1.2 if best == "G3" else 1.8, "limit": 1.5, "holds": best == "G3"}
        return [{"name": "steady band", "unit": "%", **band}, rate]
    return [
        {"name": "dip", "unit": "%", "value": 1.3, "limit": 10.0, "holds": True},
        {"name": "recovery", "unit": "s", "value": 1.6, "limit": 5.0, "holds": True},
        rate,
    ]


def _trace(plan: Document, iso_class: str, batteries: bool) -> Document:
    """A square swing of 1 s; without batteries the generators lag by half a second, and the frequency goes astray."""
    milestone = plan["milestones"][-1]
    mean, swing = milestone["mean_mw"], 0.3 * milestone["mean_mw"]
    time = [step * 0.02 for step in range(601)]
    load = [mean + (swing / 2 if math.sin(math.pi * second) >= 0 else -swing) for second in time]
    smooth = [mean + 0.25 * swing * math.sin(math.pi * (second - 0.5)) for second in time]
    wave = [math.sin(math.pi * second) for second in time]
    hz = (
        [60 + 0.35 * each for each in wave]
        if batteries
        else [60 - 8.5 * e * (1 - math.exp(-s)) for e, s in zip(wave, time, strict=True)]
    )
    grown = [mean] * len(time) if batteries else smooth
    return {
        "batteries": batteries,
        "milestone": milestone["name"],
        "event": "routine swing",
        "mode": "islanded",
        "band_hz": list(BAND_HZ[iso_class]),
        "collapsed_s": None,
        "time_s": time,
        "hz": hz,
        "load_mw": load,
        "generators_mw": grown,
        "batteries_mw": [one - two for one, two in zip(load, grown, strict=True)] if batteries else [0.0] * len(time),
        "grid_mw": [0.0] * len(time),
    }
