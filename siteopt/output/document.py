"""A run as one plain document: what ``plan.json`` holds, and what every other output is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteopt.instance import Instance
from siteopt.plan import Plan, Ranking, SiteResult, Standing
from siteopt.scenario import Scenario, slug
from siteopt.schema import Kind

FORMAT_VERSION = 1

Document = dict[str, Any]


def document(
    scenario: Scenario,
    case: Instance,
    sites: pd.DataFrame,
    offers: pd.DataFrame,
    steps: pd.DataFrame,
    transit_days: np.ndarray,
    ranking: Ranking,
    excluded: pd.Series,
    assumed: pd.DataFrame,
    certificate: Mapping[str, Any],
    inputs: tuple[tuple[str, str], ...],
    version: str,
) -> Document:
    """Everything about a run, in types that JSON knows."""
    best, project = ranking.best, scenario.project
    plan = best.plan if best is not None else None
    chosen = case.site_id[plan.site] if plan is not None else None
    return {
        "format_version": FORMAT_VERSION,
        "siteopt_version": version,
        "scenario": project.name,
        "start_date": project.start_date.isoformat(),
        "outcome": str(ranking.outcome),
        "method": ranking.method,
        "objective": list(scenario.order),
        "site_id": chosen,
        "site_name": sites.at[chosen, "name"] if chosen else None,
        "site_longitude": float(sites.at[chosen, "longitude"]) if chosen else None,
        "site_latitude": float(sites.at[chosen, "latitude"]) if chosen else None,
        "milestones": _milestones(scenario, case, plan, best.bottleneck) if plan is not None and best else [],
        "currency": project.currency,
        "currency_per_usd": project.currency_per_usd,
        "cost_usd": _cost_usd(case, plan) if plan is not None else {},
        "orders": _orders(scenario, case, plan, offers, transit_days) if plan is not None else [],
        "grid_steps": _grid_steps(scenario, case, plan, steps) if plan is not None else [],
        "baselines": _baselines(scenario, plan) if plan is not None else [],
        "assumptions": _assumptions(scenario, chosen, assumed),
        "ranking": _sites(scenario, case, sites, ranking, excluded, assumed),
        "certificate": {
            "solver": ranking.solver,
            "milps_solved": ranking.solves,
            "seconds": round(ranking.seconds, 3),
            "stages": [
                {"goal": stage.goal, "value": stage.value, "bound": stage.bound, "gap": stage.gap}
                for stage in ranking.stages
            ],
            "stage_units": {"days": "days", "cost": "million USD"},
            **certificate,
        },
        "inputs": [{"path": path, "sha256": digest} for path, digest in inputs],
    }


def _milestones(scenario: Scenario, case: Instance, plan: Plan, held: tuple[str, ...]) -> list[Document]:
    rating = case.rating_mw[plan.site][:, None] * plan.units
    grid = case.grid_mw[plan.site] + case.step_rise_mw @ plan.step
    return [
        {
            "name": case.milestone[m],
            "gpus": int(case.gpus[m]),
            "day": int(plan.day[m]),
            "date": scenario.date_of(int(plan.day[m])).isoformat(),
            "it_mw": _round(case.it_mw[m]),
            "demand_mw": _round(plan.demand_mw[m]),
            "mean_mw": _round(plan.demand_mw[m] - case.it_mw[m] * (1 - case.mean_load)),
            "grid_mw": _round(grid[m]),
            "generators_mw": _round(rating[case.is_generator, m].sum()),
            "batteries_mw": _round(rating[case.is_battery, m].sum()),
            "chillers_mw": _round(rating[case.is_chiller, m].sum()),
            "bottleneck": held[m] if held else "",
        }
        for m in range(case.milestones)
    ]


def _round(value: float) -> float:
    return round(float(value), 3)


def _cost_usd(case: Instance, plan: Plan) -> dict[str, float]:
    parts = plan.cost_parts_musd(case)
    return {name: round(value * 1e6) for name, value in {"total": sum(parts.values()), **parts}.items()}


def _orders(
    scenario: Scenario, case: Instance, plan: Plan, offers: pd.DataFrame, transit_days: np.ndarray
) -> list[Document]:
    orders = []
    for o in np.flatnonzero(plan.units[:, -1]):
        offer = offers.iloc[o]
        units = {case.milestone[m]: int(plan.units[o, m]) for m in range(case.milestones)}
        arrives = int(case.arrival_day[plan.site, o])
        days = {
            "leaves": arrives - int(transit_days[plan.site, o]),
            "arrives": arrives,
            "ready": int(case.ready_day[plan.site, o]),
        }
        orders.append(
            {
                "offer_id": case.offer_id[o],
                **{name: offer[name] for name in ("kind", "vendor", "model", "depot")},
                "longitude": float(offer["longitude"]),
                "latitude": float(offer["latitude"]),
                "units": units,
                "unit_mw": _round(case.rating_mw[plan.site, o]),
                **{f"{name}_day": day for name, day in days.items()},
                **{name: scenario.date_of(day).isoformat() for name, day in days.items()},
                "cost_usd": round(float(case.unit_cost_musd[plan.site, o] * plan.units[o, -1]) * 1e6),
                "confidence": offer["confidence"],
            }
        )
    kinds = list(Kind)
    return sorted(orders, key=lambda order: (kinds.index(order["kind"]), order["arrives_day"], order["offer_id"]))


def _grid_steps(scenario: Scenario, case: Instance, plan: Plan, steps: pd.DataFrame) -> list[Document]:
    found = []
    for index in np.flatnonzero(case.step_site == plan.site):
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
    case: Instance,
    sites: pd.DataFrame,
    ranking: Ranking,
    excluded: pd.Series,
    assumed: pd.DataFrame,
) -> list[Document]:
    """Every candidate, the best first, then those that cannot serve, then those left out."""
    rows = []
    for place, result in enumerate(ranking.results, start=1):
        site = case.site_id[result.site]
        rank = place if result.plan is not None else None
        names = ", ".join(assumed.columns[assumed.loc[site]])
        rows.append(_site(scenario, case, site, rank, result, "") | {"assumed": names})
    rows += [_site(scenario, case, site, None, None, reason) | {"assumed": ""} for site, reason in excluded.items()]
    return [{"site_id": row["site_id"], "name": sites.at[row["site_id"], "name"], **row} for row in rows]


def _site(
    scenario: Scenario, case: Instance, site: str, rank: int | None, result: SiteResult | None, reason: str
) -> Document:
    plan = result.plan if result is not None else None
    row: Document = {
        "site_id": site,
        "rank": rank,
        "standing": str(result.standing if result is not None else Standing.EXCLUDED),
        "reason": result.reason if result is not None else reason,
        "cost_usd": round(plan.cost_musd(case) * 1e6) if plan is not None else None,
        "cost_bound_usd": round(result.cost_bound_musd * 1e6) if plan is not None and result is not None else None,
    }
    for m, name in enumerate(case.milestone):
        field = slug(name)
        day = int(plan.day[m]) if plan is not None else None
        row[f"day_{field}"] = day
        row[f"date_{field}"] = scenario.date_of(day).isoformat() if day is not None else None
        bound = int(result.bound_day[m]) if result is not None else None
        row[f"bound_day_{field}"] = bound if bound is not None and bound <= case.horizon_day else None
        row[f"bottleneck_{field}"] = result.bottleneck[m] if result is not None and result.bottleneck else None
    return row
