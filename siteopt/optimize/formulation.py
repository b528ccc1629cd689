"""Build the MILP, a constraint family at a time. ``docs/model.md`` has the same, in mathematics.

Families of requirements are built from :mod:`siteopt.equipment`; each of the others is a function.

Timing is in the variables ``start``: "ready by then" is a sum over later days, so every coefficient is data and there
is no big M. A model can be built over any number of sites, and for each site and milestone over any set of days: one
MILP over all sites and days, or a small one for a single site with its days fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pulp

from siteopt.equipment import COOLING, DISPATCHED, MEAN_POWER, REQUIREMENTS, SOURCES, Requirement, of_family, stages
from siteopt.instance import COMMISSIONING, HOURS_PER_YEAR, TRADES, Instance
from siteopt.optimize.model import EQ, GE, LE, Model, Term, roomy, worded

COST = -1
"""Stands for cost among the indices of milestones in the order of the objective."""

SHORTFALL = -2
"""Goal that minimises what is missing of the needs: each as a share of its need, added up; 0 if a plan exists."""

Family = Callable[[Model], None]

TRUCK_MWH = 116
"""Electricity from the diesel of one tanker: 8,000 gallons at 0.26 l/kWh (see ``docs/model.md``)."""


def choice(model: Model) -> None:
    """Take exactly one site: ``sum_s taken[s] = 1``, where ``taken[s] = sum_t start[s,m,t]`` for every ``m``."""
    last = model.instance.milestones
    model.row("choice", (term for s in model.sites for term in model.taken(s, 0)), EQ, 1)
    for s in model.sites:
        for m in range(1, last):
            model.row(f"taken_s{s}_m{m}", model.taken(s, m) + model.taken(s, m - 1, -1), EQ, 0)


def totals(model: Model) -> None:
    """Add ``total[g,s,m] = sum of units[o,s,m]`` over each group: a number to branch on instead of depot by depot."""
    for (g, s, f), total in model.total.items():
        members = [(model.units[o, s, f], -1.0) for o in model.offers(s, f, model.group[s] == g)]
        model.row(f"total_g{g}_s{s}_{model.label(s, f)}", [(total, 1), *members], EQ, 0)


def available_units_and_arrival(model: Model) -> None:
    """Use units and grid steps only once they are ready, keep what is on site, and keep milestones in order.

    ``units[o,s,f] <= available_units[o] x sum_{t >= ready_day[o,s] + c} begins[s,f,t]``, likewise ``step``, which is
    one unit; the bounds of variables say so by themselves where a phase is fixed. Each step needs the one before it.
    ``units`` and ``step`` never fall in a later phase. ``day[m] >= day[m-1]``. ``start[s,m,t] = 0`` for ``t <
    compute_ready_day[s,m] + c`` holds by the days that the model is built over.
    """
    instance, delay = model.instance, model.instance.commissioning_days
    for s, f in model.pairs():
        at, is_fixed, before = model.label(s, f), model.is_fixed(s, f), model.before(s, f)
        for o in model.offers(s, f):
            var, most = model.units[o, s, f], float(instance.available_units[o])
            if not is_fixed:
                since = int(instance.ready_day[s, o]) + delay
                model.row(f"fleet_o{o}_s{s}_{at}", [(var, 1), *model.started(s, f, -most, since)], LE, 0)
            for past, name in before:
                if (o, s, past) in model.units:
                    _stays(model, f"stays_o{o}_s{s}_{name}", s, f, var, model.units[o, s, past], most)
    for (step, s, f), var in model.step.items():
        since, at = int(instance.step_ready_day[step]) + delay, model.label(s, f)
        if not model.is_fixed(s, f):
            model.row(f"step_l{step}_s{s}_{at}", [(var, 1), *model.started(s, f, -1, since)], LE, 0)
        for past, name in model.before(s, f):
            if (step, s, past) in model.step:
                _stays(model, f"step_stays_l{step}_s{s}_{name}", s, f, var, model.step[step, s, past], 1.0)
        below = (step - 1, s, f)
        if below in model.step:
            model.row(f"step_order_l{step}_s{s}_{at}", [(var, 1), (model.step[below], -1)], LE, 0)
    for s in model.sites:
        for m in range(1, instance.milestones):
            later = [(model.start[s, m, t], float(t)) for t in model.days[s, m]]
            earlier = [(model.start[s, m - 1, t], -float(t)) for t in model.days[s, m - 1]]
            model.row(f"order_s{s}_m{m}", later + earlier, GE, 0)


def _stays(model: Model, name: str, s: int, f: int, now: pulp.LpVariable, before: pulp.LpVariable, most: float) -> None:
    """Keep what was there in the phase before, if this phase is there: ``now >= before - most x (1 - there)``."""
    free = [] if model.is_there(s, f) else model.started(s, f, -most)
    model.row(name, [(now, 1), (before, -1), *free], GE, -most if free else 0)


def crew(model: Model) -> None:
    """For each trade and arrival day ``r``, limit the work on what arrives from ``r`` on to what crews can do.

    ``sum over offers arriving on r or later (crew_days x units) <= sum_t (C(t - c) - C(r)) x begins[s,f,t]``, where
    ``C`` are the crew-days from day 0 on, and a difference below 0 counts as 0.
    """
    instance, delay = model.instance, model.instance.commissioning_days
    for s, f in model.pairs():
        for k, trade in enumerate(TRADES):
            offers = [o for o in model.offers(s, f, instance.trade == k) if instance.crew_days[o] > 0]
            for r in sorted({int(instance.arrival_day[s, o]) for o in offers}):
                work = [
                    (model.units[o, s, f], float(instance.crew_days[o]))
                    for o in offers
                    if instance.arrival_day[s, o] >= r
                ]
                if not instance.limits_crews(k):
                    continue
                time = [
                    (variable, -sign * float(instance.crew_days_within(k, r, t - delay)))
                    for t, terms in model.phases[s][f].begins
                    if t - delay > r
                    for variable, sign in terms
                ]
                limit = max((-value for _, value in time), default=0.0)
                model.row(f"crew_{trade}_s{s}_{model.label(s, f)}_r{r}", work + time, LE, 0, limit)


def commissioning(model: Model) -> None:
    """For each stage of the plant and day ``r``, limit the MW that are ready from ``r`` on to what can be commissioned.

    ``sum over units ready on r or later (rating x units) + sum over such steps (MW x step) <= commissioning_mw_per_day
    x sum_t max(0, t - c - r) x begins[s,f,t]``. Grid steps stand in the stage of the sources of power.
    """
    instance, delay, rate = model.instance, model.instance.commissioning_days, model.instance.commissioning_mw_per_day
    if np.isinf(rate):
        return
    for s, f in model.pairs():
        for stage in stages():
            parts = [
                (int(instance.ready_day[s, o]), (model.units[o, s, f], float(instance.rating_mw[s, o])))
                for o in model.offers(s, f, instance.of_stage(stage))
            ]
            parts += [
                (int(instance.step_ready_day[step]), (var, float(instance.step_commissioned_mw[step])))
                for (step, *at), var in model.step.items()
                if at == [s, f] and stage == SOURCES and instance.step_commissioned_mw[step] > 0
            ]
            for r in sorted({day for day, _ in parts}):
                time = [
                    (variable, -sign * rate * (t - delay - r))
                    for t, terms in model.phases[s][f].begins
                    if t - delay > r
                    for variable, sign in terms
                ]
                limit = max((-value for _, value in time), default=0.0)
                later = [term for day, term in parts if day >= r]
                model.row(f"commissioning_{worded(stage)}_s{s}_{model.label(s, f)}_r{r}", later + time, LE, 0, limit)


def shells(model: Model) -> None:
    """Choose one type of new shells where several are possible, with which every milestone keeps its day.

    ``sum_v option[v,s] = taken[s]``; ``option[v,s] <= sum_{t >= option_ready_day[v,m] + c} start[s,m,t]``.
    """
    instance, delay = model.instance, model.instance.commissioning_days
    for s in model.sites:
        options = [(model.option[v, s], 1.0) for v in model.options(s)]
        if options:
            model.row(f"shells_s{s}", options + model.taken(s, 0, -1), EQ, 0)
    for (v, s), var in model.option.items():
        for m in range(instance.milestones):
            since = int(instance.option_ready_day[v, m]) + delay
            model.row(f"shells_v{v}_s{s}_m{m}", [(var, 1), *model.taken(s, m, -1, since)], LE, 0)


def cooling(model: Model) -> None:
    """Remove the heat, also without the spare units; offers that are alike share one ``used``.

    ``own_heat_mw + sum(heat_mw) >= heat``, where ``heat = it_mw x (heat_fraction + tower_heat_fraction)``;
    ``heat_mw <= cap_mw x units``; ``own_heat_mw <= own``, where ``own = min(own_cooling_mw, it_mw x
    tower_heat_fraction)``. With spares, for each chiller ``o``: ``own + sum(cap_mw x units) - spare_units x cap_mw[o] x
    used[o] >= heat`` and ``units <= available_units x used``.
    """
    (requirement,) = of_family(COOLING)
    for s, f in model.pairs():
        heat, at = model.fixed(s, f, requirement), model.label(s, f)
        chillers = model.suppliers(s, f, COOLING)
        removed = [(model.heat_mw[o, s, f], 1.0) for o in chillers]
        removed += model.own_heat(s, f)
        slack = model.slack_terms(COOLING, s, f)
        model.row(f"cooling_s{s}_{at}", [*removed, *slack, *model.started(s, f, -heat)], GE, 0, heat)
        if own := model.own_heat(s, f):
            most = [(variable, -value) for variable, value in model.own(s, f, requirement)]
            model.row(f"own_heat_s{s}_{at}", [*own, *most], LE, 0)
        for o in chillers:
            capacity = (model.units[o, s, f], -float(model.amounts[COOLING][s, o]))
            model.row(f"heat_o{o}_s{s}_{at}", [(model.heat_mw[o, s, f], 1), capacity], LE, 0)
        _required(model, s, f, requirement)


def _required(model: Model, s: int, f: int, requirement: Requirement) -> None:
    """Require that what the site and its units supply meets a need, also without the spare units.

    ``own + sum(supply x units) - out + missing >= need``, where ``out >= spare_units x supply[g] x used[g]`` and
    ``units[o] <= available_units[o] x used[g]``: the spare units are those of the largest used group. One variable
    ``out`` keeps the rows sparse. Dispatched requirements need the row of the spare units only: what runs meets the
    need itself.
    """
    instance, name, at = model.instance, worded(requirement.name), model.label(s, f)
    fixed, size = model.fixed(s, f, requirement), model.size(s, f, requirement)
    offers = model.suppliers(s, f, requirement.name)
    if np.isinf(fixed):
        model.row(f"{name}_s{s}_{at}", model.started(s, f), LE, 0)
        return
    spared = requirement.spared and instance.spare_units > 0 and len(offers) > 0
    if not size or (requirement.name in DISPATCHED and not spared):
        return
    need = _merged(model.own(s, f, requirement), model.started(s, f, -fixed))
    terms = [*need, *model.supply(s, f, requirement), *model.slack_terms(requirement.name, s, f)]
    if requirement.of_demand:
        terms.append((model.demand_mw[s, f], -requirement.of_demand))
    if not spared:
        model.row(f"{name}_s{s}_{at}", terms, GE, 0, size)
        return
    supply = model.amounts[requirement.name][s]
    largest = {int(model.group[s][o]): float(instance.spare_units * supply[o]) for o in offers}
    out = model.problem.add_variable(f"{name}_out_s{s}_{at}", 0, roomy(max(largest.values())))
    model.row(f"{name}_spare_s{s}_{at}", [*terms, (out, -1)], GE, 0, size)
    for g, rating in largest.items():
        model.row(f"{name}_out_g{g}_s{s}_{at}", [(out, 1), (model.used[g, s, f], -rating)], GE, 0)
    for o in offers:
        used = model.used[int(model.group[s][o]), s, f]
        model.row(
            f"{name}_used_o{o}_s{s}_{at}",
            [(model.units[o, s, f], 1), (used, -float(instance.available_units[o]))],
            LE,
            0,
        )


def demand(model: Model) -> None:
    """Define the peak demand, of which cooling is a part.

    ``demand_mw = it_mw x (1 + auxiliary_load_fraction) + sum(heat_mw / cop) + own_heat_mw x own_cooling_mw_per_mw +
    sum(own_load_mw x units)``.
    """
    instance = model.instance
    for s, f in model.pairs():
        at, it = model.label(s, f), float(instance.it_mw[model.phases[s][f].milestone])
        chillers = model.suppliers(s, f, COOLING)
        draw = [(model.heat_mw[o, s, f], -1 / float(instance.cop[s, o])) for o in chillers]
        draw += model.own_heat(s, f, -instance.own_cooling_mw_per_mw)
        drawing = model.offers(s, f, instance.own_load_mw > 0)
        draw += [(model.units[o, s, f], -float(instance.own_load_mw[o])) for o in drawing]
        load = model.started(s, f, -it * (1 + instance.auxiliary_load_fraction))
        model.row(f"demand_s{s}_{at}", [(model.demand_mw[s, f], 1), *draw, *load], EQ, 0, it)


def mean_power(model: Model) -> None:
    """Meet the mean demand from grid and generators, also without the spare units.

    ``mean_mw = demand_mw - it_mw x (1 - load_factor) = import_mw + sum(output_mw)``; ``import_mw <= grid`` (its limit
    in service); ``output_mw <= firm_mw x units``. With spares, for each generator ``o``: ``grid + sum(firm_mw x units)
    - spare_units x firm_mw[o] x used[o] >= mean_mw`` and ``units <= available_units x used``.
    """
    (requirement,) = of_family(MEAN_POWER)
    for s, f in model.pairs():
        at, fixed, size = model.label(s, f), model.fixed(s, f, requirement), model.size(s, f, requirement)
        above_mean = model.started(s, f, -fixed)
        generators = model.suppliers(s, f, MEAN_POWER)
        met = [(model.import_mw[s, f], 1), *((model.output_mw[o, s, f], 1) for o in generators)]
        slack = model.slack_terms(MEAN_POWER, s, f)
        model.row(f"mean_power_s{s}_{at}", [*met, *slack, (model.demand_mw[s, f], -1), *above_mean], EQ, 0, size)
        imported = [(var, -value) for var, value in model.own(s, f, requirement)]
        model.row(f"import_s{s}_{at}", [(model.import_mw[s, f], 1), *imported], LE, 0)
        for o in generators:
            capacity = (model.units[o, s, f], -float(model.amounts[MEAN_POWER][s, o]))
            model.row(f"output_o{o}_s{s}_{at}", [(model.output_mw[o, s, f], 1), capacity], LE, 0)
        _required(model, s, f, requirement)


def _merged(*parts: list[Term]) -> list[Term]:
    """Return the terms of several parts, adding up those of the same variable."""
    total: dict[str, Term] = {}
    for variable, value in (term for part in parts for term in part):
        total[variable.name] = (variable, total.get(variable.name, (variable, 0.0))[1] + value)
    return list(total.values())


def required(family: str) -> Family:
    """Return the function that adds the rows of a family of requirements, as :mod:`siteopt.equipment` states them."""

    def add(model: Model) -> None:
        for requirement in of_family(family):
            for s, f in model.pairs() if requirement in model.instance.requirements else ():
                _required(model, s, f, requirement)

    add.__name__ = worded(family)
    add.__doc__ = " ".join(one.statement for one in of_family(family))
    return add


def _limit(model: Model, name: str, limit: str, terms: Callable[[int, int], list[Term]]) -> None:
    """Add the rows ``sum of terms <= limit[s]`` for every site and phase, with the limit that is then in force."""
    for s, f in model.pairs():
        most = float(getattr(model.site(s, f), limit)[0])
        model.row(f"{name}_s{s}_{model.label(s, f)}", terms(s, f), LE, most, most)


def fuel_gas(model: Model) -> None:
    """Limit the fuel gas: ``sum(heat_rate / 3.6 x firm_mw x units) <= gas_mw[s]`` over gas units."""
    instance = model.instance
    _limit(
        model,
        "gas",
        "gas_mw",
        lambda s, f: model.ratings(s, f, instance.is_gas, instance.heat_rate_mj_per_kwh / 3.6),
    )


def _running(model: Model, s: int, f: int, per_mw: np.ndarray) -> list[Term]:
    """Return the terms of ``sum(per_mw x output_mw)``."""
    return [(model.output_mw[o, s, f], float(per_mw[o])) for o in model.suppliers(s, f, MEAN_POWER)]


def air(model: Model) -> None:
    """Limit the NOx in the air: ``sum(nox_g_per_kwh x output_mw) x 8.76 <= nox_limit_t_per_year[s]``."""
    tonnes = model.instance.nox_g_per_kwh * HOURS_PER_YEAR / 1000
    _limit(model, "nox", "nox_t_per_year", lambda s, f: _running(model, s, f, tonnes))


def fuel_trucks(model: Model) -> None:
    """Limit the tankers of diesel: ``sum(output_mw) x 24 / 116 <= fuel_trucks_per_day[s]`` over diesel units."""
    tankers = model.instance.is_diesel * 24 / TRUCK_MWH
    _limit(model, "trucks", "fuel_trucks_per_day", lambda s, f: _running(model, s, f, tankers))


def water(model: Model) -> None:
    """Limit the water: ``(sum(water_m3_per_mwh x heat_mw) + own_cooling_m3_per_mwh x own_heat_mw) x 24 <= water``."""
    instance = model.instance

    def drawn(s: int, f: int) -> list[Term]:
        chillers = model.suppliers(s, f, COOLING)
        by_chillers = [(model.heat_mw[o, s, f], float(instance.water_m3_per_mwh[o] * 24)) for o in chillers]
        return by_chillers + model.own_heat(s, f, instance.own_cooling_m3_per_mwh * 24)

    _limit(model, "water", "water_m3_per_day", drawn)


def yard(model: Model) -> None:
    """Limit the area of the yard: ``sum(footprint_m2 x units) <= yard_area_m2[s]``."""
    instance = model.instance

    def taken(s: int, f: int) -> list[Term]:
        return [(model.units[o, s, f], float(instance.footprint_m2[o])) for o in model.offers(s, f)]

    _limit(model, "yard", "yard_m2", taken)


def budget(model: Model) -> None:
    """Keep the budget: the total cost ``<= budget_usd``, or counts as the same.

    The cost is site + grid steps + mobilisation + haulage + rent over the term or price of the units + energy + GPUs.
    """
    cost = model.cost_musd()
    model.row("budget", list(cost.items()), LE, model.instance.most_musd - cost.constant)


CHOSEN_FLOWS: dict[str, Family] = {COOLING: cooling, MEAN_POWER: mean_power}
"""Families of requirements whose supply is a choice of what runs, not only of what is there."""

USES: dict[str, Family] = {
    "fuel gas": fuel_gas,
    "air": air,
    "fuel trucks": fuel_trucks,
    "water": water,
    "yard": yard,
    "budget": budget,
}
"""Families that limit how much of something a site may use."""

NEEDS: dict[str, Family] = {
    family: CHOSEN_FLOWS.get(family) or required(family) for family in dict.fromkeys(one.limit for one in REQUIREMENTS)
}
"""Families that say what a milestone requires."""

FAMILIES: dict[str, Family] = {
    "available units and arrival": available_units_and_arrival,
    "crew": crew,
    COOLING: cooling,
    "demand": demand,
    **{one.limit: NEEDS[one.limit] for one in REQUIREMENTS if one.at_every_site},
    **USES,
    **NEEDS,
    COMMISSIONING: commissioning,
    "shells": shells,
}
"""Every constraint family by its name, in the order of ``docs/model.md``."""

UNPRICED = {"shells", COMMISSIONING, "fuel trucks", *(one.limit for one in REQUIREMENTS if not one.at_every_site)}
PRICED = frozenset(FAMILIES) - UNPRICED
"""Families that the bounds by prices cover.

*Power quality*, *curtailment*, *fuel trucks*, *shells* and *commissioning* have no price. A bound that leaves rows out
only relaxes.
"""


def build(
    instance: Instance,
    days: Mapping[tuple[int, int], Sequence[int]],
    goal: int | None,
    families: Collection[str] = FAMILIES,
) -> Model:
    """Build the MILP over the sites and days given.

    Parameters
    ----------
    days : mapping of (site, milestone) to days
        Days on which a milestone may start at a site; a site is in the model where it has days.
    goal : int or None
        Index of the milestone whose day is minimised, COST, SHORTFALL, or None if any feasible plan will do.
    families : collection of str
        Names of the constraint families to add; those that are relaxed are left out.
    """
    model = Model(instance, tuple(sorted({s for s, _ in days})), days, goal == SHORTFALL)
    choice(model)
    totals(model)
    for name, family in FAMILIES.items():
        if name in families:
            family(model)
    if goal is None:
        objective = pulp.LpAffineExpression()
    elif goal == SHORTFALL:
        objective = model.shortfall()
    else:
        objective = model.cost_musd() if goal == COST else model.day(goal)
    model.problem.setObjective(objective)
    return model
