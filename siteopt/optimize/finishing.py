"""Finish a plan from its whole numbers: fix them, solve the continuous part again, and make the plan hold exactly.

A solver's whole numbers are whole only within its tolerance: 3e-8 of a chiller of 575 MW would remove 17 W of heat that
no chiller removes. So units and steps are rounded first, and everything else is computed from them.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np
import pulp

from siteopt.equipment import COOLING, MEAN_POWER
from siteopt.instance import Floats, Instance, Ints
from siteopt.optimize.certificate import certify
from siteopt.optimize.model import Model
from siteopt.optimize.program import Program
from siteopt.optimize.solver import Relaxation
from siteopt.plan import Plan
from siteopt.tolerances import FINISHING_TOLERANCE


class Finisher:
    """Make plans from a solver's values for the variables of a model.

    Parameters
    ----------
    relaxed : collection of str
        Relaxed families, by their names in the certificate.
    """

    def __init__(self, model: Model, program: Program, relaxed: Collection[str] = ()) -> None:
        self._model, self._program, self._relaxed = model, program, relaxed

    @cached_property
    def _exact(self) -> Relaxation:
        return Relaxation(self._program, tolerance=FINISHING_TOLERANCE)

    @cached_property
    def _eased(self) -> Relaxation:
        return Relaxation(self._program.eased, tolerance=FINISHING_TOLERANCE)

    def finish(self, values: Floats) -> tuple[Instance, Plan] | None:
        """Return the site that these values choose, and its cheapest plan with their whole numbers.

        A row is exceeded only if there is no other plan, and by at most a HAIR. Return None if these whole numbers
        allow no plan.
        """
        program = self._program
        lower, upper = program.lower.copy(), program.upper.copy()
        rounded = np.clip(np.round(values), program.lower, program.upper)
        lower[program.whole] = upper[program.whole] = rounded[program.whole]
        for relaxation in (self._exact, self._eased):
            vertex = relaxation.solve(lower, upper)
            if vertex is not None and vertex.values is not None:
                return self._made(np.clip(vertex.values, lower, upper))
        return None

    def _made(self, values: Floats) -> tuple[Instance, Plan] | None:
        """Return the site and the plan of values with exact whole numbers; None if a row does not hold.

        The plan is balanced (see :func:`balanced`) unless that would violate another row.
        """
        starts = self._model.start.items()
        site = next(s for (s, m, _), var in starts if not m and values[self._program.place[var.name]] > 0)
        instance = self._model.instance.take(np.array([site]))
        plan = plan_of(self._model, self._program, values, site)
        for one in (balanced(instance, plan, powered="mean power" not in self._relaxed), plan):
            if certify(instance, one).holds_but_for(self._relaxed):
                return instance, one
        return None


def whole_values(model: Model, program: Program, units: Ints, step: np.ndarray) -> Floats:
    """Return the values of the whole variables of a model of one site on fixed days.

    Parameters
    ----------
    units : O x F
    step : L x F
    """
    values = np.zeros(len(program.columns))
    day = np.array([model.days[0, m][0] for m in range(model.instance.milestones)])
    column = model.columns(0, day)
    units, step = units[:, column], step[:, column]
    for variable in model.start.values():
        values[program.place[variable.name]] = 1.0
    for (o, _, f), variable in model.units.items():
        values[program.place[variable.name]] = units[o, f]
    for (g, _, f), variable in model.total.items():
        values[program.place[variable.name]] = units[model.group[0] == g, f].sum()
    for (g, _, f), variable in model.used.items():
        values[program.place[variable.name]] = units[model.group[0] == g, f].any()
    for (index, _, f), variable in model.step.items():
        values[program.place[variable.name]] = step[index, f]
    keeps = model.instance.options_by(day)
    for (v, _), variable in model.option.items():
        values[program.place[variable.name]] = v == np.argmax(keeps)
    return values


def plan_of(model: Model, program: Program, values: Floats, site: int = 0) -> Plan:
    """Return the plan of a site from the unchanged values of a program; a variable without a row counts as 0."""
    instance, columns = model.instance, program.place

    def value(variable: pulp.LpVariable) -> float:
        return float(values[columns[variable.name]]) if variable.name in columns else 0.0

    own = np.flatnonzero(instance.step_site == site)
    day = np.zeros(instance.milestones, dtype=np.int64)
    for (s, m, t), variable in model.start.items():
        if s == site and value(variable):
            day[m] = t
    place = model.places(site, day)
    shape = (instance.offers, len(place))
    units, output, heat = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    step = np.zeros((len(own), len(place)), dtype=bool)
    for target, source in ((units, model.units), (output, model.output_mw), (heat, model.heat_mw)):
        for o in range(instance.offers):
            for column, f in enumerate(place):
                if (o, site, f) in source:
                    target[o, column] = value(source[o, site, f])
    for row, index in enumerate(map(int, own)):
        for column, f in enumerate(place):
            if (index, site, f) in model.step:
                step[row, column] = bool(value(model.step[index, site, f]))
    imported, demand, own_heat = (
        np.array([value(source[site, f]) if (site, f) in source else 0.0 for f in place])
        for source in (model.import_mw, model.demand_mw, model.own_heat_mw)
    )
    return Plan(day, units, step, output, imported, heat, demand, own_heat)


def balanced(instance: Instance, plan: Plan, *, powered: bool = True) -> Plan:
    """Return a plan with the same whole numbers in which heat, demand and mean power agree to the last digit.

    A linear program leaves a surplus or a shortage within its tolerance. A unit with room for the difference, the
    site's own towers or the grid take it; if possible something that no other limit counts: a chiller without water, a
    generator without NOx, or the grid.

    Parameters
    ----------
    powered : bool
        Whether the mean power must be met.
    """
    capacity, cools, runs = (
        instance.rating_mw[0][:, None] * plan.units,
        instance.supplies(COOLING),
        instance.supplies(MEAN_POWER),
    )
    own_heat = instance.own_heat_mw[0, instance.phases(plan.day).milestone]
    coolers = np.vstack([capacity * cools[:, None], own_heat])
    heat = np.clip(np.vstack([plan.heat_mw, plan.own_heat_mw]), 0, coolers)
    output = np.clip(plan.output_mw, 0, capacity * runs[:, None])
    phases = instance.phases(plan.day)
    base = np.array([instance.on(day).import_limit_mw[0] for day in phases.begin])
    grid = base + instance.step_rise_mw @ plan.step
    imported, demand = np.clip(plan.import_mw, 0, grid), np.zeros(len(phases))
    is_dry = np.append(instance.water_m3_per_mwh, instance.own_cooling_m3_per_mwh) == 0
    is_clean = np.append((instance.nox_g_per_kwh == 0) & ~instance.is_diesel, True)
    for f, m in enumerate(phases.milestone):
        it = instance.it_mw[m]
        heat[:, f] = _moved(heat[:, f], coolers[:, f], instance.heat_mw[m], is_dry)
        demand[f] = it * (1 + instance.auxiliary_load_fraction) + (heat[:-1, f] / instance.cop[0]).sum()
        demand[f] += heat[-1, f] * instance.own_cooling_mw_per_mw + instance.own_load_mw @ plan.units[:, f]
        sources = np.append(output[:, f], imported[f])
        most = np.append(capacity[:, f] * runs, grid[f])
        if powered:
            sources = _moved(sources, most, demand[f] - it * (1 - instance.load_factor), is_clean, exactly=True)
        output[:, f], imported[f] = sources[:-1], sources[-1]
    return Plan(plan.day, plan.units, plan.step, output, imported, heat[:-1], demand, heat[-1])


def _moved(parts: Floats, most: Floats, total: float, free: np.ndarray, *, exactly: bool = False) -> Floats:
    """Return the parts, changed so that they add up to at least the total, or exactly to it.

    Each part stays between 0 and its maximum. The part with the most room takes the difference, which is at most a
    tolerance; a ``free`` part takes it if one has room.
    """
    missing = total - parts.sum()
    if missing > 0 or (exactly and missing < 0):
        room = most - parts if missing > 0 else parts
        room = room * free if (room * free).max(initial=0) >= abs(missing) else room
        place = int(np.argmax(room))
        parts = parts.copy()
        parts[place] += np.clip(missing, -parts[place], most[place] - parts[place])
    return parts
