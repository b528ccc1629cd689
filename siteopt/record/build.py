"""Build the record of a run from the results of optimizer and replay."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from siteopt.equipment import KINDS
from siteopt.instance import Instance, Ints
from siteopt.issues import Issue
from siteopt.plan import LISTED, Plan, Ranking, SiteResult
from siteopt.record.base import Heading, InputFile, InputWarning, RunOutcome, Standing
from siteopt.record.build_cash import cash_of, terms_of
from siteopt.record.build_value import day_value, with_break_evens
from siteopt.record.proof import Proof
from siteopt.record.reason import Reason
from siteopt.record.replay import PowerQualityRecord, ReplayRecord
from siteopt.record.run import (
    Assumption,
    Baseline,
    Building,
    Certificate,
    Cost,
    Environment,
    EvidenceRecord,
    GridStep,
    LimitWindow,
    ListedSite,
    Milestone,
    MilestoneRequirement,
    Order,
    PhaseLimits,
    PhaseRecord,
    PlanRecord,
    Recomputed,
    RunRecord,
    Saving,
    SecondSolver,
    SiteDay,
    SiteLimit,
    StageRecord,
)
from siteopt.scenario import Scenario
from siteopt.schema import RESOURCE_FIELDS, SHARE_OF_GRID, Resource
from siteopt.simulate.commissioning import commissioned_days
from siteopt.simulate.queues import buildings_of, chosen_option
from siteopt.tolerances import HAIR


def run_record(
    scenario: Scenario,
    sites: pd.DataFrame,
    ranking: Ranking,
    plan: PlanRecord | None,
    excluded: pd.Series,
    assumed: pd.DataFrame,
    certificate: Certificate,
    proof: Proof,
    inputs: Sequence[InputFile],
    warnings: Sequence[Issue],
    version: str,
) -> RunRecord:
    """Return the complete record of a run.

    Parameters
    ----------
    sites : DataFrame
        Every candidate by site_id.
    plan : PlanRecord or None
        Plan of the chosen site, if there is one.
    excluded : Series of Reason
        Why each candidate that is not eligible is excluded, by site_id.
    assumed : DataFrame of bool
        Blank cells for which values of the scenario are used: eligible sites by columns.
    proof : Proof
        Data to check the answer without searching again.
    """
    return RunRecord(
        **vars(heading(scenario, ranking.outcome, version)),
        scenario_path=scenario.path.as_posix() if scenario.path is not None else "",
        method=ranking.method,
        objective=scenario.order,
        commissioning_days=scenario.supply.commissioning_days,
        plan=plan,
        assumptions=tuple(_assumptions(scenario, plan.site_id if plan is not None else None, assumed)),
        candidates=len(sites),
        grid_or_hall_unknown=int((sites["grid_mw"].isna() | sites["floor_area_m2"].isna()).sum()),
        eligible=ranking.eligible,
        ranks_asked=ranking.top,
        value=day_value(scenario),
        ranking=tuple(
            with_break_evens(
                _listed(scenario, sites, ranking, excluded, assumed), [one.gpus for one in scenario.milestones]
            )
        ),
        certificate=certificate,
        proof=proof,
        inputs=tuple(inputs),
        warnings=warnings_of(warnings),
    )


def heading(scenario: Scenario, outcome: RunOutcome, version: str) -> Heading:
    """Return the fields at the beginning of every stored record."""
    project = scenario.project
    return Heading(
        siteopt_version=version,
        scenario=project.name,
        settings=tuple(scenario.settings),
        start_date=project.start_date,
        currency=project.currency,
        currency_per_usd=project.currency_per_usd,
        outcome=outcome,
    )


def warnings_of(warnings: Sequence[Issue]) -> tuple[InputWarning, ...]:
    """Return warnings about the input as records."""
    return tuple(InputWarning(**warning.record()) for warning in warnings)


def certificate_of(
    ranking: Ranking, environment: Environment, recomputed: Recomputed | None, second: SecondSolver | None
) -> Certificate:
    """Return the certificate of a run: how its answer was found and checked; :func:`timed` adds the time."""
    return Certificate(
        solver=ranking.solver,
        sites_solved=ranking.solved,
        milps_solved=ranking.solves,
        seconds=0.0,
        seconds_by_step={},
        stages=tuple(StageRecord(**vars(stage)) for stage in ranking.stages),
        evidence=EvidenceRecord(**asdict(ranking.evidence)),
        environment=environment,
        recomputed=recomputed,
        second_solver=second,
    )


def timed(record: RunRecord, seconds_by_step: Mapping[str, float]) -> RunRecord:
    """Return a record with the time of each step in its certificate, and of all of them."""
    rounded_steps = {step: round(seconds, 3) for step, seconds in seconds_by_step.items()}
    told = {"seconds": round(sum(seconds_by_step.values()), 3), "seconds_by_step": rounded_steps}
    return record.model_copy(update={"certificate": record.certificate.model_copy(update=told)})


def plan_record(
    scenario: Scenario,
    sites: pd.DataFrame,
    offers: pd.DataFrame,
    steps: pd.DataFrame,
    result: SiteResult,
    replay: ReplayRecord,
    power_quality: PowerQualityRecord,
) -> PlanRecord:
    """Return the plan of a chosen site.

    Parameters
    ----------
    steps : DataFrame
        Grid steps of the eligible sites, in the order of days for each site.
    """
    if result.best is None:
        raise ValueError("a site without a plan has no record of one")
    instance, plan, site = result.best.instance, result.best.plan, result.site_id
    handover_day, cost = int(instance.handover_day[0]), cost_of(instance, plan)
    return PlanRecord(
        site_id=site,
        site_name=sites.at[site, "name"],
        longitude=float(sites.at[site, "longitude"]),
        latitude=float(sites.at[site, "latitude"]),
        handover_day=handover_day,
        handover=scenario.date_of(handover_day),
        milestones=milestones_of(scenario, result, instance, plan),
        cost=cost,
        cash=cash_of(scenario, instance, plan, terms_of(scenario, instance, offers), cost.parts_usd),
        orders=_orders(scenario, instance, plan, offers),
        buildings=tuple(_buildings(scenario, instance, plan)),
        grid_steps=tuple(_grid_steps(scenario, instance, plan, steps[steps["site_id"] == site])),
        phases=tuple(_phases(scenario, instance, plan)),
        limits=tuple(_limits(scenario, instance, plan)),
        baselines=tuple(_baselines(scenario, plan)),
        replay=replay,
        power_quality=power_quality,
    )


def milestones_of(scenario: Scenario, result: SiteResult, instance: Instance, plan: Plan) -> tuple[Milestone, ...]:
    """Return the milestones of a site's plan, and what limits each."""
    own = instance.phases(plan.day).own
    rating, demand = instance.rating_mw[0][:, None] * plan.units[:, own], plan.demand_mw[own]
    base = np.array([instance.on(int(day)).import_limit_mw[0] for day in plan.day])
    grid = base + instance.step_rise_mw @ plan.step[:, own]
    ready = instance.compute_ready_day[0]
    if len(instance.option_site):
        ready = instance.option_ready_day[chosen_option(instance, plan.day)]
    return tuple(
        Milestone(
            name=instance.milestone[m],
            gpus=int(instance.gpus[m]),
            day=int(plan.day[m]),
            date=scenario.date_of(int(plan.day[m])),
            compute_ready_day=int(ready[m]),
            it_mw=rounded(instance.it_mw[m]),
            power_cap=rounded(scenario.milestones[m].power_cap),
            speed=rounded(scenario.milestones[m].speed),
            heat_mw=rounded(instance.heat_mw[m]),
            demand_mw=rounded(demand[m]),
            mean_mw=rounded(demand[m] - instance.it_mw[m] * (1 - instance.load_factor)),
            grid_mw=rounded(grid[m]),
            equipment_mw={kind.name: rounded(rating[instance.of_kind(kind.name), m].sum()) for kind in KINDS},
            requirements=tuple(_requirements(instance.on(int(plan.day[m])), plan, m, int(own[m]))),
            limited_by=result.limited_by[m] if result.limited_by else None,
            days_saved=tuple(
                Saving(limit=limit, days=days)
                for limit, days in (result.days_saved[m] if result.days_saved else {}).items()
            ),
        )
        for m in range(instance.milestones)
    )


def _requirements(instance: Instance, plan: Plan, m: int, f: int) -> Iterator[MilestoneRequirement]:
    """Yield what each requirement asks for in a phase of a plan (f) of a milestone, and what site and units supply."""
    for one in instance.requirements:
        base, rise = instance.own_supply(one)
        supply = instance.supply(one.name, np.arange(instance.offers))[0] @ plan.units[:, f]
        needed = instance.need(one)[0, m] + one.of_demand * plan.demand_mw[f]
        if instance.holds(one)[0] and np.isfinite(needed) and needed > 0:
            there = base[0, m] + rise @ plan.step[:, f] + supply
            yield MilestoneRequirement(
                requirement=one.name, unit=one.unit, needed=rounded(needed), supplied=rounded(there)
            )


def rounded(value: float) -> float:
    """Return a figure rounded to a thousandth, as records hold it; never a negative zero, whose sign is rounding."""
    return round(float(value), 3) + 0.0


def finite(value: float) -> float | None:
    """Return a figure rounded as :func:`rounded` does; None if it is infinite or not a number."""
    return rounded(value) if np.isfinite(value) else None


def cost_of(instance: Instance, plan: Plan) -> Cost:
    """Return the total cost of a plan and its parts, in US dollars."""
    parts = plan.cost_parts_musd(instance)
    in_usd = {name: round(value * 1e6) for name, value in parts.items()}
    return Cost(total_usd=round(sum(parts.values()) * 1e6), parts_usd=in_usd)


def _orders(scenario: Scenario, instance: Instance, plan: Plan, offers: pd.DataFrame) -> tuple[Order, ...]:
    orders = []
    serves = _serves(instance, plan)
    until = _last_phases(instance, plan)
    for o in np.flatnonzero(plan.units[:, -1]):
        offer = offers.loc[instance.offer_id[o]]
        arrives, ready = int(instance.arrival_day[0, o]), int(instance.ready_day[0, o])
        days = {
            "leaves": arrives - int(instance.transit_days[0, o]),
            "arrives": arrives,
            "ready": ready,
            "serves": int(serves[o]),
        }
        order = Order(
            offer_id=instance.offer_id[o],
            **{name: offer[name] for name in ("kind", "vendor", "model", "depot", "confidence")},
            longitude=float(offer["longitude"]),
            latitude=float(offer["latitude"]),
            units={instance.milestone[m]: int(plan.units[o, until[m]]) for m in range(instance.milestones)},
            unit_mw=rounded(instance.rating_mw[0, o]),
            **{f"{name}_day": day for name, day in days.items()},
            **{name: scenario.date_of(day) for name, day in days.items()},
            cost_usd=round(float(instance.unit_cost_musd[0, o] * plan.units[o, -1]) * 1e6),
        )
        orders.append(order)
    kinds = [kind.name for kind in KINDS]
    return tuple(sorted(orders, key=lambda order: (kinds.index(order.kind), order.arrives_day, order.offer_id)))


def _serves(instance: Instance, plan: Plan) -> Ints:
    """Return the day from which all units of each offer are in service, if no unit waits for crews; O."""
    offer = np.repeat(np.arange(instance.offers), plan.units[:, -1])
    rank = np.arange(len(offer)) - (np.cumsum(plan.units[:, -1]) - plan.units[:, -1])[offer]
    milestone = (plan.units[offer] <= rank[:, None]).sum(axis=1)
    days, _ = commissioned_days(instance, offer, milestone, instance.ready_day[0][offer], plan.step)
    serves = instance.ready_day[0].copy()
    np.maximum.at(serves, offer, days)
    return serves + instance.commissioning_days


def _buildings(scenario: Scenario, instance: Instance, plan: Plan) -> Iterator[Building]:
    """Yield the buildings or new shells of a site whose roofs are there by the last milestone."""
    if not len(instance.building_site) and not len(instance.option_site):
        return
    option = chosen_option(instance, plan.day)
    shell = instance.shells[instance.option_shell[option]].name if len(instance.option_site) else ""
    for number, one in enumerate(buildings_of(instance)[option]):
        if one.day <= plan.day[-1]:
            fitted = one.day + math.ceil(one.gpus / one.gpus_per_day - HAIR)
            yield Building(
                name=str(number + 1) if shell else instance.building_id[number],
                shell_type=shell,
                roof_day=one.day,
                roof=scenario.date_of(one.day),
                fitted_day=fitted,
                fitted=scenario.date_of(fitted),
                gpus=rounded(one.gpus),
            )


def _grid_steps(scenario: Scenario, instance: Instance, plan: Plan, steps: pd.DataFrame) -> Iterator[GridStep]:
    milestone = instance.phases(plan.day).milestone
    for index in range(len(instance.step_site)):
        used = milestone[np.flatnonzero(plan.step[index])]
        yield GridStep(
            ready_day=int(instance.step_ready_day[index]),
            ready=scenario.date_of(int(instance.step_ready_day[index])),
            grid_mw=float(steps["grid_mw"].iloc[index]),
            cost_usd=round(float(instance.step_cost_musd[index]) * 1e6),
            in_service_from=instance.milestone[used[0]] if len(used) else None,
        )


def _last_phases(instance: Instance, plan: Plan) -> list[int]:
    """Return the last phase of each milestone of a plan; M."""
    milestone = instance.phases(plan.day).milestone
    return [int(np.flatnonzero(milestone == m)[-1]) for m in range(instance.milestones)]


def _phases(scenario: Scenario, instance: Instance, plan: Plan) -> Iterator[PhaseRecord]:
    """Yield the phases of a plan, if any limit of its site changes."""
    phases = instance.phases(plan.day)
    for f in range(len(phases)) if len(instance.change_day) else ():
        day = int(phases.begin[f])
        site, units = instance.on(day), plan.units[:, f]
        limits = {name: float(getattr(site, name)[0]) for name in PhaseLimits.model_fields}
        limits["grid_mw"] += float(instance.step_rise_mw @ plan.step[:, f])
        yield PhaseRecord(
            milestone=instance.milestone[phases.milestone[f]],
            day=day,
            date=scenario.date_of(day),
            limits=PhaseLimits(**{name: finite(value) for name, value in limits.items()}),
            demand_mw=rounded(plan.demand_mw[f]),
            import_mw=rounded(plan.import_mw[f]),
            nox_t_per_year=rounded(float(instance.nox_g_per_kwh @ plan.output_mw[:, f]) * 8.76),
            grid_steps=int(plan.step[:, f].sum()),
            units={instance.offer_id[o]: int(units[o]) for o in np.flatnonzero(units)},
        )


def _limits(scenario: Scenario, instance: Instance, plan: Plan) -> Iterator[SiteLimit]:
    """Yield the limits of a site that change, with the rises by the grid steps that its plan uses."""
    used = plan.step.any(axis=1)
    for resource, field in RESOURCE_FIELDS.items():
        limits = dict(instance.windows(field))
        if resource is Resource.GRID:
            days = sorted({*limits, *instance.step_ready_day[used].tolist()})
            risen = [used & (instance.step_ready_day <= day) for day in days]
            limits = {
                day: float(instance.on(day).grid_mw[0] + instance.step_rise_mw[there].sum())
                for day, there in zip(days, risen, strict=True)
            }
        windows = (
            LimitWindow(day=day, date=scenario.date_of(day), limit=finite(limit)) for day, limit in limits.items()
        )
        if len(limits) > 1:
            yield SiteLimit(resource=resource, windows=tuple(windows))


def _baselines(scenario: Scenario, plan: Plan) -> Iterator[Baseline]:
    names = [milestone.name for milestone in scenario.milestones]
    for baseline in scenario.baselines:
        days = int(plan.day[names.index(baseline.milestone)])
        yield Baseline(
            name=baseline.name,
            milestone=baseline.milestone,
            days=days,
            days_low=baseline.days_low,
            days_high=baseline.days_high,
            times_faster_low=round(baseline.days_low / max(1, days), 6),
            times_faster_high=round(baseline.days_high / max(1, days), 6),
        )


def _assumptions(scenario: Scenario, chosen: str | None, assumed: pd.DataFrame) -> Iterator[Assumption]:
    sites = assumed.sum()
    for column in sorted(sites.index[sites > 0]):
        is_share = column == SHARE_OF_GRID
        value = scenario.defaults.distribution_share_of_grid if is_share else scenario.assumed(column)
        if value is not None:
            yield Assumption(
                column=column,
                value=value,
                share_of="grid_mw" if is_share else "",
                sites=int(sites[column]),
                chosen_site=chosen is not None and bool(assumed.at[chosen, column]),
            )


def _listed(
    scenario: Scenario,
    sites: pd.DataFrame,
    ranking: Ranking,
    excluded: pd.Series,
    assumed: pd.DataFrame,
) -> Iterator[ListedSite]:
    """Yield the candidates, the best first, then those that cannot serve, then the excluded ones; at most LISTED."""
    ids = [result.site_id for result in ranking.results]
    left_out = excluded[: LISTED - len(ids)]
    shown = sites.loc[[*ids, *left_out.index], ["name", "longitude", "latitude"]]
    places = {site: place for site, *place in shown.itertuples()}
    columns, blank = assumed.columns.tolist(), assumed.loc[ids].to_numpy(dtype=bool)

    def listed(
        site: str, rank: int | None, result: SiteResult | None, reasons: Sequence[Reason], used: Sequence[str]
    ) -> ListedSite:
        best = result.best if result is not None else None
        name, longitude, latitude = places[site]
        return ListedSite(
            site_id=site,
            name=name,
            longitude=longitude,
            latitude=latitude,
            rank=rank,
            standing=result.standing if result is not None else Standing.EXCLUDED,
            reasons=tuple(reasons),
            cost_usd=round(best.cost_musd * 1e6) if best is not None else None,
            cost_bound_usd=_usd(result.cost_bound_musd) if result is not None else None,
            milestones=tuple(_site_days(scenario, result)),
            assumed=tuple(used),
        )

    for number, (result, is_assumed) in enumerate(zip(ranking.results, blank, strict=True), start=1):
        used = list(itertools.compress(columns, is_assumed))
        reasons = (result.reason,) if result.reason is not None else ()
        yield listed(result.site_id, number if result.best is not None else None, result, reasons, used)
    for site, reason in left_out.items():
        yield listed(str(site), None, None, (reason,), ())


def _site_days(scenario: Scenario, result: SiteResult | None) -> Iterator[SiteDay]:
    best = result.best if result is not None else None
    for m, milestone in enumerate(scenario.milestones):
        day = int(best.plan.day[m]) if best is not None else None
        bound = int(result.bound_day[m]) if result is not None else None
        yield SiteDay(
            milestone=milestone.name,
            day=day,
            date=scenario.date_of(day) if day is not None else None,
            bound_day=bound if bound is not None and bound <= scenario.project.horizon_days else None,
            limited_by=result.limited_by[m] if result is not None and result.limited_by else None,
        )


def _usd(musd: float) -> int | None:
    return round(musd * 1e6) if np.isfinite(musd) else None
