"""A run as one plain document: what ``plan.json`` holds, and what every other output is made from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from siteopt.faults import Fault
from siteopt.instance import Instance
from siteopt.plan import LISTED, Plan, Ranking, RunOutcome, SiteResult, Standing
from siteopt.proofs import Proof
from siteopt.scenario import Scenario, slug
from siteopt.schema import Kind

FORMAT_VERSION = 1

Document = dict[str, Any]


def document(
    scenario: Scenario,
    sites: pd.DataFrame,
    offers: pd.DataFrame,
    steps: pd.DataFrame,
    ranking: Ranking,
    replay: Document | None,
    power_quality: Document | None,
    excluded: pd.Series,
    assumed: pd.DataFrame,
    certificate: Mapping[str, Any],
    proof: Proof,
    inputs: Sequence[Mapping[str, str]],
    warnings: Sequence[Fault],
    version: str,
) -> Document:
    """Everything about a run, in types that JSON knows.

    Parameters
    ----------
    steps : DataFrame
        Grid steps, in the order of days for each site.
    replay, power_quality : dict or None
        Of :mod:`siteopt.output.replayed`; None where there is no plan.
    proof : Proof
        What it takes to check the answer without searching again.
    """
    result = ranking.best
    chosen = result.site_id if result is not None else None
    return {
        **heading(scenario, ranking.outcome, version),
        "scenario_path": scenario.path.as_posix(),
        "method": ranking.method,
        "objective": list(scenario.order),
        "commissioning_days": scenario.supply.commissioning_days,
        **_chosen(scenario, sites, offers, steps, result),
        "replay": replay,
        "power_quality": power_quality,
        "assumptions": _assumptions(scenario, chosen, assumed),
        "candidates": len(sites),
        "eligible": ranking.eligible,
        "ranks_asked": ranking.top,
        "ranking": _sites(scenario, sites, ranking, excluded, assumed),
        "certificate": {
            "solver": ranking.solver,
            "sites_solved": ranking.solved,
            "milps_solved": ranking.solves,
            "seconds": round(ranking.seconds, 3),
            "seconds_by_step": {name: round(seconds, 3) for name, seconds in ranking.steps.items()},
            "stages": [
                {"goal": stage.goal, "value": stage.value, "bound": stage.bound, "gap": stage.gap}
                for stage in ranking.stages
            ],
            "stage_units": {"days": "days", "cost": "million USD"},
            "evidence": asdict(ranking.evidence),
            **certificate,
        },
        "proof": proof.model_dump(mode="json"),
        "inputs": [dict(one) for one in inputs],
        "warnings": [warning.record() for warning in warnings],
    }


def json_text(document: Document, indent: int | None = None) -> str:
    """A document as the text of a file."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"


def heading(scenario: Scenario, outcome: RunOutcome, version: str) -> Document:
    """What every document begins with: which question, by which version, and how it ended."""
    project = scenario.project
    return {
        "format_version": FORMAT_VERSION,
        "siteopt_version": version,
        "scenario": project.name,
        "settings": list(scenario.settings),
        "start_date": project.start_date.isoformat(),
        "currency": project.currency,
        "currency_per_usd": project.currency_per_usd,
        "outcome": str(outcome),
    }


def _chosen(
    scenario: Scenario,
    sites: pd.DataFrame,
    offers: pd.DataFrame,
    steps: pd.DataFrame,
    result: SiteResult | None,
) -> Document:
    """The chosen site and its plan; the same fields, empty, where there is none."""
    if result is None or result.best is None:
        nothing = dict.fromkeys(("site_id", "site_name", "site_longitude", "site_latitude", "access_day", "access"))
        return {**nothing, "milestones": [], "cost_usd": {}, "orders": [], "grid_steps": [], "baselines": []}
    case, plan, site = result.best.case, result.best.plan, result.site_id
    entered, assumed = sites.at[site, "access_days"], scenario.defaults.of("access_days") or 0
    access_day = math.ceil(float(assumed if math.isnan(entered) else entered))
    return {
        "site_id": site,
        "site_name": sites.at[site, "name"],
        "site_longitude": float(sites.at[site, "longitude"]),
        "site_latitude": float(sites.at[site, "latitude"]),
        "access_day": access_day,
        "access": scenario.date_of(access_day).isoformat(),
        "milestones": milestones_of(scenario, result, case, plan),
        "cost_usd": cost_usd(case, plan),
        "orders": _orders(scenario, case, plan, offers),
        "grid_steps": _grid_steps(scenario, case, plan, steps[steps["site_id"] == site]),
        "baselines": _baselines(scenario, plan),
    }


def milestones_of(scenario: Scenario, result: SiteResult, case: Instance, plan: Plan) -> list[Document]:
    """What a site's plan has at each milestone, and what holds it back."""
    rating = case.rating_mw[0][:, None] * plan.units
    grid = case.grid_mw[0] + case.step_rise_mw @ plan.step
    return [
        {
            "name": case.milestone[m],
            "gpus": int(case.gpus[m]),
            "day": int(plan.day[m]),
            "date": scenario.date_of(int(plan.day[m])).isoformat(),
            "compute_ready_day": int(case.compute_ready_day[0, m]),
            "it_mw": rounded(case.it_mw[m]),
            "heat_mw": rounded(case.it_mw[m] * case.heat_fraction),
            "demand_mw": rounded(plan.demand_mw[m]),
            "mean_mw": rounded(plan.demand_mw[m] - case.it_mw[m] * (1 - case.mean_load)),
            "grid_mw": rounded(grid[m]),
            "generators_mw": rounded(rating[case.is_generator, m].sum()),
            "batteries_mw": rounded(rating[case.is_battery, m].sum()),
            "chillers_mw": rounded(rating[case.is_chiller, m].sum()),
            "bottleneck": result.bottleneck[m] if result.bottleneck else "",
            "days_saved": result.days_saved[m] if result.days_saved else {},
        }
        for m in range(case.milestones)
    ]


def rounded(value: float) -> float:
    """A figure as a document has it."""
    return round(float(value), 3)


def cost_usd(case: Instance, plan: Plan) -> dict[str, float]:
    """What a plan costs in all and by part, in US dollars."""
    parts = plan.cost_parts_musd(case)
    return {name: round(value * 1e6) for name, value in {"total": sum(parts.values()), **parts}.items()}


def units_of(order: Document) -> int:
    """The units of an order in all: those on site at the last milestone."""
    return max(order["units"].values())


def _orders(scenario: Scenario, case: Instance, plan: Plan, offers: pd.DataFrame) -> list[Document]:
    orders = []
    for o in np.flatnonzero(plan.units[:, -1]):
        offer = offers.iloc[o]
        units = {case.milestone[m]: int(plan.units[o, m]) for m in range(case.milestones)}
        arrives = int(case.arrival_day[0, o])
        days = {
            "leaves": arrives - int(case.transit_days[0, o]),
            "arrives": arrives,
            "ready": int(case.ready_day[0, o]),
            "serves": int(case.ready_day[0, o]) + case.commissioning_days,
        }
        orders.append(
            {
                "offer_id": case.offer_id[o],
                **{name: offer[name] for name in ("kind", "vendor", "model", "depot")},
                "longitude": float(offer["longitude"]),
                "latitude": float(offer["latitude"]),
                "units": units,
                "unit_mw": rounded(case.rating_mw[0, o]),
                **{f"{name}_day": day for name, day in days.items()},
                **{name: scenario.date_of(day).isoformat() for name, day in days.items()},
                "cost_usd": round(float(case.unit_cost_musd[0, o] * plan.units[o, -1]) * 1e6),
                "confidence": offer["confidence"],
            }
        )
    kinds = list(Kind)
    return sorted(orders, key=lambda order: (kinds.index(order["kind"]), order["arrives_day"], order["offer_id"]))


def _grid_steps(scenario: Scenario, case: Instance, plan: Plan, steps: pd.DataFrame) -> list[Document]:
    found = []
    for index in range(len(case.step_site)):
        used = np.flatnonzero(plan.step[index])
        found.append(
            {
                "ready_day": int(case.step_ready_day[index]),
                "ready": scenario.date_of(int(case.step_ready_day[index])).isoformat(),
                "grid_mw": float(steps["grid_mw"].iloc[index]),
                "cost_usd": round(float(case.step_cost_musd[index]) * 1e6),
                "in_service_from": case.milestone[used[0]] if len(used) else None,
            }
        )
    return found


def _baselines(scenario: Scenario, plan: Plan) -> list[Document]:
    names = [milestone.name for milestone in scenario.milestones]
    rows = []
    for baseline in scenario.baselines:
        days = int(plan.day[names.index(baseline.milestone)])
        row = {"name": baseline.name, "milestone": baseline.milestone, "days": days}
        for end, quoted in (("low", baseline.days_low), ("high", baseline.days_high)):
            row |= {f"days_{end}": quoted, f"times_faster_{end}": round(quoted / max(1, days), 2)}
        rows.append(row)
    return rows


def _assumptions(scenario: Scenario, chosen: str | None, assumed: pd.DataFrame) -> list[Document]:
    sites = assumed.sum()
    return [
        {
            "column": column,
            "value": scenario.energy.grid_usd_per_mwh if column == "grid_usd_per_mwh" else scenario.defaults.of(column),
            "sites": int(sites[column]),
            "chosen_site": chosen is not None and bool(assumed.at[chosen, column]),
        }
        for column in sorted(sites.index[sites > 0])
    ]


def _sites(
    scenario: Scenario,
    sites: pd.DataFrame,
    ranking: Ranking,
    excluded: pd.Series,
    assumed: pd.DataFrame,
) -> list[Document]:
    """The candidates, the best first, then those that cannot serve, then those left out; LISTED at most."""
    rows = []
    for place, result in enumerate(ranking.results, start=1):
        rank = place if result.best is not None else None
        names = ", ".join(assumed.columns[assumed.loc[result.site_id]])
        rows.append(_site(scenario, result.site_id, rank, result, "") | {"assumed": names})
    for site, reason in excluded[: LISTED - len(rows)].items():
        rows.append(_site(scenario, site, None, None, reason) | {"assumed": ""})
    return [{"site_id": row["site_id"], "name": sites.at[row["site_id"], "name"], **row} for row in rows]


def _site(scenario: Scenario, site: str, rank: int | None, result: SiteResult | None, reason: str) -> Document:
    best = result.best if result is not None else None
    row: Document = {
        "site_id": site,
        "rank": rank,
        "standing": str(result.standing if result is not None else Standing.EXCLUDED),
        "reason": result.reason if result is not None else reason,
        "cost_usd": round(best.cost_musd * 1e6) if best is not None else None,
        "cost_bound_usd": _usd(result.cost_bound_musd) if result is not None else None,
    }
    for m, milestone in enumerate(scenario.milestones):
        field = slug(milestone.name)
        day = int(best.plan.day[m]) if best is not None else None
        row[f"day_{field}"] = day
        row[f"date_{field}"] = scenario.date_of(day).isoformat() if day is not None else None
        bound = int(result.bound_day[m]) if result is not None else None
        within = bound is not None and bound <= scenario.project.horizon_days
        row[f"bound_day_{field}"] = bound if within else None
        row[f"bottleneck_{field}"] = result.bottleneck[m] if result is not None and result.bottleneck else None
    return row


def _usd(musd: float) -> int | None:
    return round(musd * 1e6) if np.isfinite(musd) else None
