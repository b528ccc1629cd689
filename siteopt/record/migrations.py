"""Read records of earlier formats: check a file against its own format, then convert it to the current one.

Format 1 (siteopt 0.1) stored reasons as English sentences. They are kept unchanged and not parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from siteopt import aliases
from siteopt.equipment import COOLING, MEAN_POWER, PEAK_POWER, RIDE_THROUGH, SWING
from siteopt.instance import QUEUES
from siteopt.record import format_1
from siteopt.record.base import FORMAT_VERSION, Heading
from siteopt.record.format_1 import Json
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.reason import ReasonCode
from siteopt.record.run import RunRecord
from siteopt.scenario import slug

READABLE = tuple(range(1, FORMAT_VERSION + 1))
"""Formats that can be read."""

_STANDINGS = {"solved": "ranked", "ruled out": "not ranked", "not settled": "undecided"}
"""Standings that format 1 wrote in other words."""

_LIMITS = (
    *QUEUES,
    *("crew", "fuel gas", "air", "water", "yard", "budget", "cost"),
    *("cooling", "mean power", "peak power", "swing", "ride through", "power quality"),
)
"""Limits that format 1 wrote as a bare name, not as a sentence."""

_RENAMED = {
    "access_day": "handover_day",
    "access": "handover",
    "battery_floor_mw": "min_battery_mw",
    "inertia_floor_mws": "min_inertia_mws",
    "rounds": "iterations",
    "floors": "minimum_support",
}
"""Present names of fields by those of format 1."""

_Model = TypeVar("_Model", bound=Heading)


def read_stored(stored: Json, model: type[_Model]) -> _Model:
    """Return a stored record in one of the READABLE formats as the current model.

    Parameters
    ----------
    stored : dict
        Content of the file. A run of format 1 must include the positions of the listed sites, which ``plan.json`` did
        not hold then.

    Raises
    ------
    pydantic.ValidationError
        If a value does not fit its format.
    """
    if stored["format_version"] == 1 and model in _FROM_1:
        return model.model_validate(_FROM_1[model](stored))
    return model.model_validate(stored)


def _run(stored: Json) -> Json:
    found = format_1.Run.model_validate(stored)
    plain = ("scenario_path", "method", "objective", "commissioning_days", "candidates", "eligible", "ranks_asked")
    return {
        **found.heading(),
        **{name: getattr(found, name) for name in (*plain, "assumptions")},
        "proof": {**found.proof.kept("prices"), "prices": [_prices(one) for one in found.proof.prices]},
        "plan": _plan(found),
        "ranking": [_site(row, found.objective) for row in found.ranking],
        "certificate": {
            **_certificate(found.certificate),
            "sites_solved": found.certificate.sites_solved,
            "seconds_by_step": found.certificate.seconds_by_step,
            "stages": found.certificate.stages,
            "evidence": found.certificate.evidence,
            "second_solver": found.certificate.second_solver,
        },
    }


def _certificate(found: format_1.Certificate) -> Json:
    recomputed = {"rows": found.rows_recomputed, "worst_excess": found.worst_excess, "valid": found.valid}
    return {
        **{name: getattr(found, name) for name in ("solver", "milps_solved", "seconds")},
        "environment": {name: getattr(found, name) for name in ("random_seed", "python", "packages")},
        "recomputed": recomputed if any(value is not None for value in recomputed.values()) else None,
    }


def _prices(found: format_1.Prices) -> Json:
    return {
        **found.kept(*format_1.Prices.model_fields),
        "needs": {
            COOLING: found.heat,
            MEAN_POWER: found.mean,
            PEAK_POWER: found.peak,
            SWING: found.swing,
            RIDE_THROUGH: found.ride,
        },
        "spares": {COOLING: found.heat_spare, MEAN_POWER: found.mean_spare},
        "cooling_margin": found.chiller_margin,
    }


def _plan(found: format_1.Run) -> Json | None:
    if found.site_id is None or found.replay is None or found.power_quality is None or found.access_day is None:
        return None
    parts = dict(found.cost_usd)
    plain = ("site_id", "site_name", "access_day", "access", "orders", "grid_steps", "baselines")
    return {
        **{name: getattr(found, name) for name in plain},
        "longitude": found.site_longitude,
        "latitude": found.site_latitude,
        "milestones": [_milestone(one) for one in found.milestones],
        "cost": {"total_usd": parts.pop("total", None), "parts_usd": parts},
        "replay": _replay(found.replay, found.access_day),
        "power_quality": _quality(found.power_quality),
    }


def _milestone(found: format_1.Milestone) -> Json:
    return {
        **found.kept("generators_mw", "batteries_mw", "chillers_mw", "bottleneck", "days_saved"),
        "equipment_mw": _by_kind(found),
        "limited_by": _limited_by(found.bottleneck),
        "days_saved": [{"limit": limit, "days": days} for limit, days in found.days_saved.items()],
    }


def _by_kind(found: format_1.Milestone | format_1.Days) -> Json:
    return {"generator": found.generators_mw, "chiller": found.chillers_mw, "battery": found.batteries_mw}


def _replay(found: format_1.Replay, access_day: int) -> Json:
    """Return a replay in the current format: no grid before handover, while format 1 had it from day 0."""
    days = found.days
    places = [max((place for place, day in enumerate(days.day) if day <= one), default=0) for one in days.day]
    when = list(days.day)
    if access_day not in when and when and when[0] < access_day < when[-1]:
        before = sum(day < access_day for day in when)
        when.insert(before, access_day)
        places.insert(before, before - 1)
    grid = [0.0 if day < access_day else days.grid_mw[place] for day, place in zip(when, places, strict=True)]
    return {
        **found.kept("milestones", "days"),
        "milestones": [{**one.kept("reason"), "reasons": _told(one.reason)} for one in found.milestones],
        "days": {
            "day": when,
            "grid_mw": grid,
            "equipment_mw": {kind: [series[place] for place in places] for kind, series in _by_kind(days).items()},
            "networked_gpus": [days.networked_gpus[place] for place in places],
            "training_gpus": [days.training_gpus[place] for place in places],
        },
    }


def _quality(found: format_1.PowerQuality) -> Json:
    without = found.without_batteries
    pairs = [one.removesuffix(")").partition(" (") for one in without.failed]
    return {
        **found.kept("milestones", "without_batteries"),
        "milestones": [one.kept() for one in found.milestones],
        "without_batteries": {
            "passes": without.passes,
            "failed": [{"event": event, "mode": mode} for event, _, mode in pairs],
        },
    }


def _site(row: format_1.Site, objective: format_1.Texts) -> Json:
    fields = row.kept()
    named = {slug(goal): goal for goal in objective if goal != "cost"}
    plain = ("site_id", "name", "rank", "cost_usd", "cost_bound_usd", "longitude", "latitude")
    return {
        **{name: fields.get(name) for name in plain},
        "standing": _STANDINGS.get(row.standing, row.standing),
        "reasons": _told(row.reason),
        "milestones": [
            {
                "milestone": named.get(field, field),
                **{name: fields.get(f"{name}_{field}") for name in ("day", "date", "bound_day")},
                "limited_by": _limited_by(fields.get(f"bottleneck_{field}") or ""),
            }
            for field in (name.removeprefix("day_") for name in fields if name.startswith("day_"))
        ],
        "assumed": [name for name in row.assumed.split(", ") if name],
    }


def _told(text: str) -> list[Json]:
    return [{"code": ReasonCode.STORED_TEXT, "values": {"text": text}}] if text else []


def _limited_by(text: str) -> Json | None:
    if text in _LIMITS:
        return {"code": ReasonCode.LIMIT, "values": {"limit": text}}
    return next(iter(_told(text)), None)


def _front(stored: Json) -> Json:
    found = format_1.ParetoFront.model_validate(stored)
    others = {f"day_{slug(name)}": name for name in found.milestones if name != found.milestone}

    def point(row: format_1.FrontPoint) -> Json:
        other_days = {name: (row.model_extra or {}).get(field) for field, name in others.items()}
        return {**row.kept(*others), "other_days": other_days}

    plain = ("site_id", "name", "longitude", "latitude", "rank", "proven", "line")
    return {
        **found.heading(),
        "milestone": found.milestone,
        "milestones": found.milestones,
        "line": found.front,
        "sites": [
            {
                **{name: getattr(site, name) for name in plain},
                "points": [point(row) for row in found.points if row.site_id == site.site_id],
            }
            for site in found.sites
        ],
        "certificate": _certificate(found.certificate),
    }


def _renamed_run(stored: Json) -> Json:
    """Return a run of format 1 in the present format, with the present names of fields and columns."""
    run = _run(stored)
    plan = run["plan"]
    if plan is not None:
        quality = plan["power_quality"]
        milestones = [_renamed(one) for one in quality["milestones"]]
        plan = {**_renamed(plan), "power_quality": {**_renamed(quality), "milestones": milestones}}
    return {
        **run,
        "plan": plan,
        "proof": _renamed(run["proof"]),
        "assumptions": [{**one, "column": _column(one.get("column"))} for one in run["assumptions"]],
        "ranking": [{**row, "assumed": [_column(name) for name in row["assumed"]]} for row in run["ranking"]],
    }


def _renamed(fields: Json) -> Json:
    return {_RENAMED.get(name, name): value for name, value in fields.items()}


def _column(name: Any) -> Any:
    """Return the present name of a column of the candidates; anything but text as it is."""
    return aliases.column("candidates", name) if isinstance(name, str) else name


_FROM_1: dict[type[Heading], Callable[[Json], Json]] = {RunRecord: _renamed_run, FrontRecord: _front}
