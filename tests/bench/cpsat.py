"""The model in OR-tools CP-SAT: one plan in integers, and for every site its rows, which hold where it is taken.

CP-SAT knows whole numbers only. Power is in steps of 10 W and money in millionths of a USD; rows whose coefficients
are neither (crew-days, m2, the inverse of a ``cop``) are multiplied by a million. Everything is rounded against the
plan: supply, limits and capacities down; needs, draw and cost up. So each plan keeps the rows of the true model, and
may cost a little more than the true best; the cost in the answer is that of the plan in the true model.

CP-SAT's linear relaxation knows nothing of rows that hold for one site only. So beside them stands for each row the
best of all sites: constants of the site that is taken, and of each coefficient the most favourable. Without it no
lower bound of the cost rises above 0.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from siteopt.instance import HOURS_PER_YEAR, Instance
from siteopt.optimize.bounds import bounds
from siteopt.optimize.clock import OutOfTime
from siteopt.optimize.formulation import COST
from siteopt.plan import Plan, SitePlan
from tests.bench import optional

POWER = 100_000
"""Steps of power in a MW."""

MONEY = 10**12
"""Steps of money in a million USD."""

FINE = 10**6
"""What coefficients are multiplied by that are neither power nor money."""

WORKERS = 2

HAIR = 1e-9
"""Relative: a number this near to a whole one is the whole one, so that whole data stays as it is."""

Key = tuple[str, int, int]
"""A variable: what it is, of which offer or grid step (0 where there is but one), at which milestone."""

Terms = dict[Key, int]
Row = tuple[Terms, int]
"""``sum of coefficient x variable + constant >= 0``."""


def up(value: float) -> int:
    """The whole number at or above."""
    return math.ceil(value - HAIR * max(1.0, abs(value)))


def down(value: float) -> int:
    """The whole number at or below."""
    return math.floor(value + HAIR * max(1.0, abs(value)))


def _minus(terms: Terms) -> Terms:
    return {key: -value for key, value in terms.items()}


class _Program:
    """The variables and rows of an Instance."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.cp: Any = optional("ortools.sat.python.cp_model")
        self.model = self.cp.CpModel()
        self.var: dict[Key, Any] = {}
        self.usable = (instance.available_units > 0) & (instance.rating_mw > 0)
        earliest = bounds(instance).day
        sites = np.flatnonzero((earliest <= instance.horizon_day).all(axis=1))
        self.take = {int(s): self.model.new_bool_var(f"take{s}") for s in sites}
        self.model.add_exactly_one(self.take.values())
        budget = max(0, down((instance.budget_musd - instance.gpu_cost_musd) * MONEY))
        self._new("cost", 0, 0, budget)
        for m in range(instance.milestones):
            self._variables(m)
            self.model.add(self.var["day", 0, m] >= self._of_site(earliest[:, m]))
            self._presence(m)
            self._crews(m)
            self._by_site(lambda s, m=m: self._rows(s, m))
        self._by_site(self._cost)

    def _new(self, kind: str, index: int, m: int, most: int) -> None:
        self.var[kind, index, m] = self.model.new_int_var(0, most, f"{kind}_{index}_{m}")

    def _variables(self, m: int) -> None:
        instance = self.instance
        most_heat = up(instance.it_mw[m] * instance.heat_fraction * POWER)
        most = (
            up(instance.it_mw[m] * (1 + instance.auxiliary_load_fraction) * POWER)
            + up(most_heat / instance.cop.min(initial=1.0))
            + 1
        )
        largest = up(instance.rating_mw.max(initial=0.0) * instance.spare_units * POWER)
        self._new("day", 0, m, instance.horizon_day)
        for kind, end in (("demand", most), ("import", most), ("mean_out", largest), ("heat_out", largest)):
            self._new(kind, 0, m, end)
        for o in range(instance.offers):
            self._new("units", o, m, int(instance.available_units[o]))
            self._new("present", o, m, 1)
            if instance.of_kind("generator")[o]:
                self._new("output", o, m, most)
            if instance.of_kind("chiller")[o]:
                self._new("heat", o, m, most_heat)
        for index in range(len(instance.step_site)):
            self._new("step", index, m, 1)

    def _of_site(self, values: np.ndarray) -> Any:
        """A whole number of the site that is taken."""
        return self.cp.LinearExpr.weighted_sum(list(self.take.values()), [int(values[s]) for s in self.take])

    def _sum(self, terms: Terms) -> Any:
        return self.cp.LinearExpr.weighted_sum([self.var[key] for key in terms], list(terms.values()))

    def _presence(self, m: int) -> None:
        """1. Units and steps that are there have arrived; what is on site stays; milestones follow each other.

        An offer that is not present has no units, no output, no heat, and does not count for the spare.
        """
        instance, model, var, delay = self.instance, self.model, self.var, self.instance.commissioning_days
        day = var["day", 0, m]
        if m:
            model.add(day >= var["day", 0, m - 1])
        for o in range(instance.offers):
            present = var["present", o, m]
            model.add(day >= self._of_site(instance.ready_day[:, o] + delay)).only_enforce_if(present)
            for s, taken in self.take.items():
                if not self.usable[s, o]:
                    model.add_implication(taken, ~present)
            for kind in ("units", "output", "heat"):
                if (kind, o, m) in var:
                    model.add(var[kind, o, m] == 0).only_enforce_if(~present)
            if m:
                model.add(var["units", o, m] >= var["units", o, m - 1])
            if instance.spare_units and not instance.of_kind("battery")[o]:
                spare = np.array([up(instance.spare_units * mw * POWER) for mw in instance.rating_mw[:, o]])
                out = var["mean_out" if instance.of_kind("generator")[o] else "heat_out", 0, m]
                model.add(out >= self._of_site(spare)).only_enforce_if(present)
        for index, s in enumerate(map(int, instance.step_site)):
            step = var["step", index, m]
            model.add(day >= int(instance.step_ready_day[index]) + delay).only_enforce_if(step)
            model.add_implication(step, self.take.get(s, ~step))
            if index and instance.step_site[index - 1] == s:
                model.add_implication(step, var["step", index - 1, m])
            if m:
                model.add_implication(var["step", index, m - 1], step)

    def _crews(self, m: int) -> None:
        """2. For each trade and arrival day ``r``, once ``day - c`` has come to it; before, no such unit is there.

        The scenarios of the benchmark have the same crews on all days.
        """
        instance, model, day = self.instance, self.model, self.var["day", 0, m]
        arrived: dict[int, Any] = {}
        for s, taken in self.take.items():
            for k in np.flatnonzero(np.isfinite(instance.crews).all(axis=1)):
                offers = np.flatnonzero((instance.trade == k) & self.usable[s] & (instance.crew_days > 0))
                for r in sorted({int(instance.arrival_day[s, o]) for o in offers}):
                    begins = r + instance.commissioning_days
                    if begins > instance.horizon_day:
                        continue
                    if r not in arrived:
                        arrived[r] = model.new_bool_var(f"arrived{r}_{m}")
                        model.add(day <= begins - 1).only_enforce_if(~arrived[r])
                    later = offers[instance.arrival_day[s, offers] >= r]
                    work = self._sum({("units", int(o), m): up(instance.crew_days[o] * FINE) for o in later})
                    time_there = down(instance.crews[k, 0] * FINE) * (day - begins)
                    model.add(work <= time_there).only_enforce_if([taken, arrived[r]])

    def _by_site(self, rows_of: Callable[[int], dict[str, Row]]) -> None:
        """Rows that hold where their site is taken, and the best of them over all sites.

        A variable that a site's row does not name is 0 there: an offer that is not usable, a step of another site.
        """
        rows = {s: rows_of(s) for s in self.take}
        for name in {name: None for named in rows.values() for name in named}:
            best: Terms = {}
            for s in self.take:
                if name not in rows[s]:
                    continue
                terms, constant = rows[s][name]
                self.model.add(self._sum(terms) + constant >= 0).only_enforce_if(self.take[s])
                for key, value in terms.items():
                    best[key] = max(value, best.get(key, value))
            if all(name in rows[s] for s in self.take):
                constants = self.cp.LinearExpr.weighted_sum(
                    list(self.take.values()), [rows[s][name][1] for s in self.take]
                )
                self.model.add(self._sum(best) + constants >= 0)

    def _rows(self, s: int, m: int) -> dict[str, Row]:
        """3 to 12 at a site."""
        instance = self.instance
        there = np.flatnonzero(self.usable[s])
        generators, chillers = there[instance.of_kind("generator")[there]], there[instance.of_kind("chiller")[there]]
        batteries = there[instance.of_kind("battery")[there]]
        suppliers = [*generators, *batteries]
        own_steps = np.flatnonzero(instance.step_site == s)
        it_mw, tonnes = instance.it_mw[m], instance.nox_g_per_kwh * HOURS_PER_YEAR / 1000

        def terms(kind: str, indices: Iterable[int], values: np.ndarray, rounded: Callable[[float], int]) -> Terms:
            return {(kind, int(i), m): rounded(values[i]) for i in indices}

        rated = instance.rating_mw[s] * POWER
        heat_need, above_mean = (
            up(it_mw * instance.heat_fraction * POWER),
            down(it_mw * (1 - instance.load_factor) * POWER),
        )
        grid = terms("step", own_steps, instance.step_rise_mw * POWER, down)
        base = down(instance.grid_mw[s] * POWER)
        demand, imported = {("demand", 0, m): -1}, {("import", 0, m): 1}
        followed = terms(
            "units", suppliers, np.where(instance.of_kind("battery"), 1.0, instance.step_fraction) * rated, down
        )
        tolerated = terms("step", own_steps, instance.step_rise_swing_mw * POWER, down)
        rows: dict[str, Row] = {
            "heat": ({("heat", int(o), m): 1 for o in chillers}, -heat_need),
            "demand": (
                {("demand", 0, m): FINE} | _minus(terms("heat", chillers, FINE / instance.cop[s], up)),
                -up(it_mw * (1 + instance.auxiliary_load_fraction) * POWER * FINE),
            ),
            "mean": (imported | {("output", int(o), m): 1 for o in generators} | demand, above_mean),
            "import": (grid | _minus(imported), base),
            "peak": (grid | terms("units", suppliers, rated, down) | demand, base),
            "swing": (
                followed | tolerated,
                down(instance.grid_swing_mw[s] * POWER) - up(instance.load_step_amplitude * it_mw * POWER),
            ),
            "ride": (
                terms("units", batteries, instance.energy_mwh * FINE, down),
                -up(it_mw * instance.ride_through_minutes / 60 * FINE),
            ),
        }
        for kind, offers in (("output", generators), ("heat", chillers)):
            for o in offers:
                rows[f"{kind}_{o}"] = (terms("units", [o], rated, down) | {(kind, int(o), m): -1}, 0)
        if instance.spare_units:
            capacity = terms("units", chillers, rated, down)
            rows["heat_spare"] = (capacity | {("heat_out", 0, m): -1}, -heat_need)
            firm = terms("units", generators, rated, down)
            rows["mean_spare"] = (grid | firm | {("mean_out", 0, m): -1} | demand, base + above_mean)
        gas = there[instance.is_gas[there]]
        for name, limit, scale, used in (
            ("gas", instance.gas_mw, POWER, terms("units", gas, instance.heat_rate_mj_per_kwh / 3.6 * rated, up)),
            ("air", instance.nox_t_per_year, POWER * FINE, terms("output", generators, tonnes * FINE, up)),
            (
                "water",
                instance.water_m3_per_day,
                POWER * FINE,
                terms("heat", chillers, instance.water_m3_per_mwh * 24 * FINE, up),
            ),
            ("yard", instance.yard_m2, FINE, terms("units", there, instance.footprint_m2 * FINE, up)),
        ):
            if np.isfinite(limit[s]):
                rows[name] = (_minus(used), down(limit[s] * scale))
        return rows

    def _cost(self, s: int) -> dict[str, Row]:
        """13. What the plan costs, GPUs apart; the budget is the upper end of the variable."""
        instance, last = self.instance, self.instance.milestones - 1
        spent = {
            ("step", int(i), last): up(instance.step_cost_musd[i] * MONEY)
            for i in np.flatnonzero(instance.step_site == s)
        }
        for o in map(int, np.flatnonzero(self.usable[s])):
            spent["units", o, last] = up(instance.unit_cost_musd[s, o] * MONEY)
        for m in range(instance.milestones):
            hours = instance.operating_days[m] * 24 / 1e6 * MONEY / POWER
            spent["import", 0, m] = up(instance.import_usd_per_mwh[s] * hours)
            for o in map(int, np.flatnonzero(self.usable[s] & instance.of_kind("generator"))):
                spent["output", o, m] = up(instance.fuel_usd_per_mwh[o] * hours)
        return {"cost": ({("cost", 0, 0): 1} | _minus(spent), -up(instance.prepared_musd[s] * MONEY))}


def cpsat(instance: Instance, seconds: float) -> SitePlan | None:
    """The best of all sites, a stage for each goal, each starting from the plan of the one before.

    Raises
    ------
    OutOfTime
        Where a stage is not proven within the time limit, in which building the model counts.
    """
    begun = time.monotonic()
    program = _Program(instance)
    model, solver = program.model, program.cp.CpSolver()
    solver.parameters.num_workers = WORKERS
    for goal in instance.order:
        target = program.var["cost", 0, 0] if goal == COST else program.var["day", 0, goal]
        model.minimize(target)
        solver.parameters.max_time_in_seconds = max(0.0, seconds - (time.monotonic() - begun))
        status = solver.solve(model)
        if status == program.cp.INFEASIBLE:
            return None
        if status != program.cp.OPTIMAL:
            raise OutOfTime
        model.add(target == solver.value(target))
        model.clear_hints()
        for variable in (*program.take.values(), *program.var.values()):
            model.add_hint(variable, solver.value(variable))
    return _plan(instance, program, solver.value)


def _plan(instance: Instance, program: _Program, value: Callable[[Any], int]) -> SitePlan:
    """The integers as a plan of the true model: demand and import follow from the rest without rounding."""
    site = next(s for s, taken in program.take.items() if value(taken))
    size = {
        "units": instance.offers,
        "output": instance.offers,
        "heat": instance.offers,
        "step": len(instance.step_site),
        "day": 1,
    }
    found = {kind: np.zeros((count, instance.milestones), dtype=np.int64) for kind, count in size.items()}
    for (kind, index, m), variable in program.var.items():
        if kind in found:
            found[kind][index, m] = value(variable)
    output, heat = found["output"] / POWER, found["heat"] / POWER
    demand = instance.it_mw * (1 + instance.auxiliary_load_fraction) + (heat / instance.cop[site][:, None]).sum(axis=0)
    mean = demand - instance.it_mw * (1 - instance.load_factor)
    # rounding may leave a few watts more of output than there is to supply
    output *= np.minimum(1.0, mean / np.maximum(output.sum(axis=0), 1 / POWER))
    imported = np.maximum(0.0, mean - output.sum(axis=0))
    own = found["step"][instance.step_site == site] > 0
    plan = Plan(found["day"][0], found["units"], own, output, imported, heat, demand, np.zeros(instance.milestones))
    return SitePlan(instance.take(np.array([site])), plan, ())
