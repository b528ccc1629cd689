"""A replay as parts of ``plan.json``: ``replay`` and ``power_quality``."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from siteopt.instance import NEVER, TRADES, Floats, Instance
from siteopt.output.document import Document, rounded
from siteopt.scenario import Scenario
from siteopt.simulate.events import GRID_LOSS
from siteopt.simulate.quality import CLASSES, Response, keeps, modes_kept
from siteopt.simulate.replayed import Replayed

JUDGED = "G2"
"""The class whose limits are shown where none is asked for."""

SHOWN_S = 12.0
"""Of a trace, since what comes later looks the same."""

POINTS = 400
"""Of a trace, at most."""


def replay_record(scenario: Scenario, case: Instance, found: Replayed, offers: pd.DataFrame) -> Document:
    """The calendar: what became of each milestone, who installed what, and what was there on which day."""
    calendar = found.calendar
    milestones = [
        {
            "name": case.milestone[m],
            "planned_day": int(calendar.planned_day[m]),
            "day": known_day(calendar.day[m]),
            "date": _date(scenario, calendar.day[m]),
            "days_later": known_day(calendar.day[m] - calendar.planned_day[m]),
            "bound_day": known_day(calendar.bound_day[m]),
            "by_crews": bool(calendar.by_crews[m]),
            "reason": calendar.reason[m],
        }
        for m in range(case.milestones)
    ]
    cost = calendar.cost_musd
    return {
        "milestones": milestones,
        "crews": sorted(
            _shifts(scenario, case, found, offers), key=lambda row: (row["trade"], row["crew"], row["first_day"])
        ),
        "days": _days(found),
        "cost_usd": round(cost * 1e6) if math.isfinite(cost) else None,
        "within_budget": calendar.within_budget,
    }


def _shifts(scenario: Scenario, case: Instance, found: Replayed, offers: pd.DataFrame) -> Iterator[Document]:
    for one in found.calendar.installs:
        offer = offers.iloc[one.offer]
        for shift in one.shifts:
            if shift.last_day < NEVER:
                yield {
                    "trade": TRADES[one.trade],
                    "crew": shift.crew,
                    "offer_id": case.offer_id[one.offer],
                    "model": offer["model"],
                    "kind": offer["kind"],
                    "unit": one.unit,
                    "milestone": case.milestone[one.milestone],
                    "first_day": shift.first_day,
                    "last_day": shift.last_day,
                    "first": scenario.date_of(shift.first_day).isoformat(),
                    "last": scenario.date_of(shift.last_day).isoformat(),
                }


def _days(found: Replayed) -> Document:
    """What is there from each day on on which anything changes."""
    days = found.calendar.days
    names = ("generators_mw", "batteries_mw", "chillers_mw", "grid_mw", "networked_gpus", "training_gpus")
    series = np.stack([getattr(days, name) for name in names])
    keep = np.concatenate([[True], (np.diff(series) != 0).any(axis=0)])
    kept = {name: np.round(values[keep], 3).tolist() for name, values in zip(names, series, strict=True)}
    kept["training_gpus"] = [int(gpus) for gpus in kept["training_gpus"]]
    return {"day": np.flatnonzero(keep).tolist(), **kept}


def quality_record(case: Instance, found: Replayed, rounds: int = 0, before: Document | None = None) -> Document:
    """The electricity: every event at every milestone, what happens without batteries, and curves of the worst.

    Parameters
    ----------
    rounds : int
        Plans that were judged until one was given.
    before : dict, optional
        The plan without the electrical needs, where they changed it.
    """
    quality = case.power_quality
    judged = quality.iso_class or JUDGED
    bare = [some for some in found.without_batteries if not keeps(some, quality.iso_class, quality.grid_loss)]
    failed = dict.fromkeys(
        f"{one.event} ({one.mode})" for some in bare for one in some if not keeps([one], judged, quality.grid_loss)
    )
    return {
        "class": quality.iso_class or None,
        "passes": found.keeps(quality.iso_class, quality.grid_loss) if quality.iso_class else None,
        "frequency_hz": quality.frequency_hz,
        "rounds": rounds,
        "before": before,
        "milestones": [_milestone(case, found, m, judged) for m in range(case.milestones)],
        "without_batteries": {"passes": not failed if quality.iso_class else None, "failed": list(failed)},
        "traces": _traces(case, found, judged),
    }


def _milestone(case: Instance, found: Replayed, m: int, judged: str) -> Document:
    power = case.rating_mw[0] * found.orders.units[:, m]
    return {
        "name": case.milestone[m],
        "generators_mw": rounded(power[case.is_generator].sum()),
        "batteries_mw": rounded(power[case.is_battery].sum()),
        "inertia_mws": rounded(float((case.inertia_s * power)[case.is_generator].sum())),
        "battery_floor_mw": rounded(case.battery_floor_mw[0, m]),
        "inertia_floor_mws": rounded(case.inertia_floor_mws[0, m]),
        "kept": modes_kept(found.responses[m], judged, case.power_quality.grid_loss),
        "events": [_event(one, judged) for one in found.responses[m]],
    }


def _event(one: Response, judged: str) -> Document:
    recovery = one.recovery_s[list(CLASSES).index(judged)] if one.recovery_s else math.inf
    names = ("lowest_hz", "highest_hz", "rocof_hz_per_s", "battery_mwh", "battery_peak_mw", "battery_drain_mw")
    return {
        "event": one.event,
        "mode": one.mode,
        **{name: rounded(getattr(one, name)) for name in (*names, "import_peak_mw", "import_swing_mw", "shed_mw")},
        "recovery_s": rounded(recovery) if math.isfinite(recovery) else None,
        "collapsed_s": None if one.collapsed_s is None else rounded(one.collapsed_s),
        "class": one.iso_class,
    }


def _traces(case: Instance, found: Replayed, judged: str) -> list[Document]:
    """The curves of the event that goes worst without batteries, with them and without; none where nothing swings.

    Of a mode in which the class is kept with them, if there is one; a load that never rests before others.
    """
    quality, limits = case.power_quality, CLASSES[judged]
    pairs = []
    for m, some in enumerate(found.responses):
        kept = modes_kept(some, judged, quality.grid_loss)
        for one, bare in zip(some, found.without_batteries[m], strict=True):
            lost, rests = not keeps([bare], judged, quality.grid_loss), bool(one.recovery_s)
            if one.event != GRID_LOSS and min(len(one.trace.time_s), len(bare.trace.time_s)) > 1:
                pairs.append(((one.mode in kept, lost, not rests, bare.dip, bare.rise), m, one, bare))
    if not pairs:
        return []
    _, m, one, bare = max(pairs, key=lambda pair: pair[0])
    hz = quality.frequency_hz
    below, above = (limits.steady, limits.steady) if not one.recovery_s else (limits.dip, limits.rise)
    return [
        {
            "batteries": batteries,
            "milestone": case.milestone[m],
            "event": shown.event,
            "mode": shown.mode,
            "band_hz": [rounded(hz * (1 - below)), rounded(hz * (1 + above))],
            **_curves(shown, hz),
        }
        for batteries, shown in ((True, one), (False, bare))
    ]


def _curves(one: Response, hz: float) -> Document:
    trace = one.trace
    keep = np.flatnonzero(trace.time_s <= SHOWN_S)
    keep = keep[:: max(1, math.ceil(len(keep) / POINTS))]
    names = ("load_mw", "generators_mw", "batteries_mw", "grid_mw")
    return {
        "collapsed_s": None if one.collapsed_s is None else rounded(one.collapsed_s),
        "time_s": _list(trace.time_s[keep]),
        "hz": _list(hz * (1 + trace.deviation[keep])),
        **{name: _list(getattr(trace, name)[keep]) for name in names},
    }


def _list(values: Floats) -> list[float]:
    return [float(value) for value in np.round(values, 3)]


def known_day(day: int) -> int | None:
    """A day, or a difference of days; None where one of them never comes."""
    return int(day) if abs(day) < NEVER / 2 else None


def _date(scenario: Scenario, day: int) -> str | None:
    return scenario.date_of(int(day)).isoformat() if day < NEVER else None
