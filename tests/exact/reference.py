"""What one site can do, by SCIP: the second opinion that siteopt's claims are held against.

Written from docs/model.md alone. SCIP works on a model with fixed days; a plan that it finds counts only where exact
arithmetic agrees (:mod:`tests.exact.plans`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ortools.linear_solver import pywraplp

from tests.exact.parameters import HAIR, TRADES, Parameters, Place, Question
from tests.exact.plans import HOURS_PER_YEAR_IN_THOUSANDS, Plan, broken, cost_usd, dispatched
from tests.exact.worlds import World

MILLION = 1e6
SETTINGS = "numerics/feastol = 1e-9\nnumerics/epsilon = 1e-11\nlimits/gap = 0\nlimits/absgap = 1e-8\n"
"""With an epsilon as large as the tolerance, presolve now and then calls a model infeasible that has a plan."""

SURELY = 1 + 1e-6
"""A need that everything at hand misses by this factor is missed whatever the rounding."""

OVER_BUDGET_USD = 5
"""What a plan may cost beyond the budget: half a step of cost."""

Days = tuple[int, ...]

Rows = list[list[int]]
"""Whole numbers by offer or grid step, and milestone."""

Terms = dict[int, float]
"""Coefficients by the place of the variable."""


class Unfinished(Exception):
    """The time for the reference is used up."""


@dataclass
class Clock:
    """The time that the reference may take for a world.

    Attributes
    ----------
    seconds, used : float
        Of the solver alone.
    solves : int
    refused : int
        Plans of the solver that do not keep every row exactly, and so count for nothing.
    """

    seconds: float
    used: float = 0.0
    solves: int = 0
    refused: int = 0

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - self.used


@dataclass
class Site:
    """What one site can do.

    Attributes
    ----------
    place : Place
    question : Question
    clock : Clock
    """

    place: Place
    question: Question
    clock: Clock = field(default_factory=lambda: Clock(60))

    def latest(self, limits: dict[int, int]) -> Days:
        """Return the latest days that the limits of some milestones leave: later days never hurt (docs/model.md)."""
        days, day = [], self.question.horizon_day
        for m in reversed(range(len(self.question.milestones))):
            day = min(day, limits.get(m, day))
            days.append(day)
        return tuple(reversed(days))

    def plan(self, days: Days, limit_usd: float | None = None) -> Plan | None:
        """Return a plan on these days that costs no more than the limit, the budget included; None where none exists.

        Raises
        ------
        Unfinished
            Where SCIP runs out of time.
        """
        budget = float(self.question.budget_usd) + OVER_BUDGET_USD - 1
        limit = budget if limit_usd is None else min(budget, limit_usd)
        return None if self.too_early(days) or self.too_dear(limit) else self._solved(days, limit)

    def too_early(self, days: Days) -> bool:
        """Tell by plain arithmetic that some need cannot be covered on these days, at any cost."""
        if any(ready is None or ready > day for ready, day in zip(self.place.ready_day, days, strict=True)):
            return True
        return any(self._short(m, day) for m, day in enumerate(days))

    def _short(self, m: int, day: int) -> bool:
        """Tell whether everything that can be there by a day clearly misses a need, the limits of the site left out."""
        need = self.question.milestones[m]
        total = dict.fromkeys(("heat", "firm", "battery", "step", "energy"), 0.0)
        draw = min((float(one.draw) for one in self.place.offers if one.kind == "chiller"), default=0.0)
        for offer in self.place.offers:
            if offer.first_day <= day:
                name = {"chiller": "heat", "generator": "firm", "battery": "battery"}[offer.kind]
                total[name] += offer.available_units * float(offer.rating_mw)
                total["step"] += offer.available_units * float(offer.step_mw)
                total["energy"] += offer.available_units * float(offer.energy_mwh)
        steps = [step for step in self.place.steps if step.first_day <= day]
        grid = float(self.place.grid_mw + sum(step.rise_mw for step in steps)) + total["firm"]
        swing = float(self.place.swing_mw + sum(step.swing_mw for step in steps)) + total["battery"] + total["step"]
        chilled = draw * float(need.heat_mw)
        required = (
            (need.heat_mw, total["heat"]),
            (float(need.mean_base_mw) + chilled, grid),
            (float(need.base_mw) + chilled, grid + total["battery"]),
            (need.swing_mw, swing),
            (need.ride_mwh, total["energy"]),
        )
        return any(float(wanted) > there * SURELY + 1e-6 for wanted, there in required)

    def first_days(self) -> Days:
        """Return days before which plain arithmetic rules out each milestone; the horizon where it rules out all."""
        horizon, days = self.question.horizon_day, [0]
        for m, ready in enumerate(self.place.ready_day):
            begin = max(days[-1], horizon if ready is None else ready)
            days.append(next((day for day in range(begin, horizon) if not self._short(m, day)), horizon))
        return tuple(days[1:])

    def too_dear(self, limit_usd: float) -> bool:
        """Tell by plain arithmetic that the site alone costs more."""
        return float(self.place.cost_usd) > limit_usd + 1e-6

    def least_cost(self, days: Days) -> Plan | None:
        """Return the cheapest plan on these days, whatever the budget; None where there is none."""
        return None if self.too_early(days) else self._solved(days, None)

    def exact(self, days: Days, units: Sequence[Sequence[int]], steps: Sequence[Sequence[int]]) -> Plan | None:
        """Return the plan with these whole numbers, dispatched at the least cost, where it keeps every row exactly."""
        plan = dispatched(self.place, self.question, days, units, steps)
        return None if plan is None or broken(self.place, self.question, plan) else plan

    def cost_usd(self, plan: Plan) -> float:
        """Return what a plan costs in all."""
        return float(cost_usd(self.place, self.question, plan))

    def _solved(self, days: Days, limit_usd: float | None) -> Plan | None:
        """Ask SCIP, and return its plan where exact arithmetic agrees."""
        if self.clock.left <= 0:
            raise Unfinished
        begin = time.monotonic()
        found = _Model(self.place, self.question, days, limit_usd).solved(self.clock.left)
        self.clock.used += time.monotonic() - begin
        self.clock.solves += 1
        if found is None:
            return None
        plan = self.exact(days, *found)
        too_dear = plan is not None and limit_usd is not None and self.cost_usd(plan) > limit_usd
        self.clock.refused += plan is None
        return None if too_dear else plan


def settled(world: World, clock: Clock) -> World:
    """Return the world with its horizon and its budget drawn around what a site can do, where they are to be tight."""
    if world.tight_horizon is not None:
        first = [site.first_days()[-1] for site in _sites(world, clock)]
        soonest = min(first, default=0) + world.tight_horizon
        horizon = world.scenario["project"]["horizon_days"]
        world = _with_project(world, horizon_days=min(horizon, max(1, soonest)))
    tight = world.tight_budget
    if tight is not None:
        sites = _sites(world, clock)
        for site in sites[tight.site % max(1, len(sites)) :] + sites:
            waiting = tuple(min(day + tight.wait, site.question.horizon_day) for day in site.first_days())
            plan = site.least_cost(waiting) or site.least_cost(site.latest({}))
            if plan is not None:
                budget = site.cost_usd(plan) * (1 + tight.over_percent / 100) + tight.over_usd
                return _with_project(world, budget_usd=max(1.0, round(budget, 2)))
    return world


def _sites(world: World, clock: Clock) -> list[Site]:
    parameters = Parameters(world)
    return [Site(place, parameters.question, clock) for place in parameters.places]


def _with_project(world: World, **keys: float) -> World:
    return replace(world, scenario=world.scenario | {"project": world.scenario["project"] | keys})


class _Model:
    """The rows of a site on fixed days in SCIP, with a limit of the cost."""

    def __init__(self, place: Place, question: Question, days: Days, limit_usd: float | None) -> None:
        self.place, self.question, self.days = place, question, days
        self.scip = pywraplp.Solver.CreateSolver("SCIP")
        self.scip.SetSolverSpecificParametersAsString(SETTINGS)
        self.variables: list[Any] = []
        self.units = [
            [self._whole(offer.available_units if offer.first_day <= day else 0) for day in days]
            for offer in place.offers
        ]
        self.steps = [[self._whole(1 if step.first_day <= day else 0) for day in days] for step in place.steps]
        cost: Terms = {}
        for m in range(len(days)):
            self._add_stays(m)
            self._add_crews(m)
            draw = self._add_cooling(m)
            self._add_power(m, draw, cost)
            self._row(self._per_unit("gas_mw", m), upper=float(place.gas_mw))
            self._row(self._per_unit("footprint_m2", m), upper=float(place.yard_m2))
        for offer, units in zip(place.offers, self.units, strict=True):
            cost[units[-1]] = float(offer.cost_usd) / MILLION
        for step, used in zip(place.steps, self.steps, strict=True):
            cost[used[-1]] = float(step.cost_usd) / MILLION
        if limit_usd is not None:
            self._row(cost, upper=(limit_usd - float(place.cost_usd)) / MILLION)
        for variable, price in cost.items():
            self.scip.Objective().SetCoefficient(self.variables[variable], price)

    def solved(self, seconds: float) -> tuple[Rows, Rows] | None:
        """Return units and grid steps of the cheapest plan; None where there is none."""
        self.scip.SetTimeLimit(max(1, int(seconds * 1000)))
        found = self.scip.Solve()
        if found == self.scip.INFEASIBLE:
            return None
        if found != self.scip.OPTIMAL:
            raise Unfinished
        return self._values(self.units), self._values(self.steps)

    def _values(self, variables: Rows) -> Rows:
        return [[round(self.variables[variable].solution_value()) for variable in row] for row in variables]

    def _whole(self, most: int) -> int:
        """Add a variable that is a whole number from 0 on, and return its place."""
        self.variables.append(self.scip.IntVar(0, most, ""))
        return len(self.variables) - 1

    def _amount(self) -> int:
        """Add a variable that is a number from 0 on, and return its place."""
        self.variables.append(self.scip.NumVar(0, self.scip.infinity(), ""))
        return len(self.variables) - 1

    def _row(self, terms: Terms, lower: float | None = None, upper: float | None = None, size: float = 0) -> None:
        """Add a row that gives way by half a hair of its size, so that SCIP takes what is exactly met for met.

        Parameters
        ----------
        size : float
            Of the row, where its constants are smaller.
        """
        hair = float(HAIR) / 2 * max(1, size, abs(lower or 0), abs(upper or 0))
        infinity = self.scip.infinity()
        bounds = (-infinity if lower is None else lower - hair, infinity if upper is None else upper + hair)
        row = self.scip.Constraint(*bounds)
        for variable, coefficient in terms.items():
            row.SetCoefficient(self.variables[variable], coefficient)

    def _kind(self, kind: str) -> list[int]:
        return [o for o, offer in enumerate(self.place.offers) if offer.kind == kind]

    def _per_unit(self, name: str, m: int) -> Terms:
        """Return an amount of each unit, by the variables of the units at milestone ``m``."""
        each = ((self.units[o][m], float(getattr(offer, name))) for o, offer in enumerate(self.place.offers))
        return {variable: amount for variable, amount in each if amount}

    def _add_stays(self, m: int) -> None:
        """Add that nothing on site or in service leaves, and that a grid step needs the one before it."""
        if m:
            for later in (*self.units, *self.steps):
                self._row({later[m]: 1, later[m - 1]: -1}, lower=0)
        for number in range(1, len(self.steps)):
            self._row({self.steps[number - 1][m]: 1, self.steps[number][m]: -1}, lower=0)

    def _add_crews(self, m: int) -> None:
        for trade in TRADES:
            some = [(offer, self.units[o][m]) for o, offer in enumerate(self.place.offers) if offer.trade == trade]
            for first in sorted({offer.arrival_day for offer, _ in some}):
                work = {unit: float(offer.crew_days) for offer, unit in some if offer.arrival_day >= first}
                window = max(0, self.days[m] - self.question.commissioning_days - first)
                self._row(work, upper=window * float(self.question.crews[trade]))

    def _add_spare(self, m: int, some: list[int]) -> int | None:
        """Return the variable of what is lost where the spare units of a kind are out, or None without spares."""
        if not self.question.spare_units or not some:
            return None
        out = self._amount()
        for o in some:
            offer, used = self.place.offers[o], self._whole(1)
            self._row({used: offer.available_units, self.units[o][m]: -1}, lower=0)
            self._row({out: 1, used: -self.question.spare_units * float(offer.rating_mw)}, lower=0)
        return out

    def _add_cooling(self, m: int) -> Terms:
        """Add the rows of cooling, and return the draw of the chillers."""
        some, need = self._kind("chiller"), float(self.question.milestones[m].heat_mw)
        heat = {o: self._amount() for o in some}
        there = {self.units[o][m]: float(self.place.offers[o].rating_mw) for o in some}
        for o in some:
            self._row({self.units[o][m]: there[self.units[o][m]], heat[o]: -1}, lower=0)
        self._row(dict.fromkeys(heat.values(), 1), lower=need)
        if (out := self._add_spare(m, some)) is not None:
            self._row(there | {out: -1}, lower=need)
        water = {heat[o]: 24 * float(self.place.offers[o].water_m3_per_mwh) for o in some}
        self._row(water, upper=float(self.place.water_m3_per_day))
        return {heat[o]: float(self.place.offers[o].draw) for o in some}

    def _add_power(self, m: int, draw: Terms, cost: Terms) -> None:
        """Add the rows of mean, peak, swing, ride-through and air, and put the energy into the cost."""
        need, place = self.question.milestones[m], self.place
        less = {variable: -amount for variable, amount in draw.items()}
        imported = self._amount()
        some = self._kind("generator")
        output = {o: self._amount() for o in some}
        firm = {self.units[o][m]: float(place.offers[o].rating_mw) for o in some}
        battery = {self.units[o][m]: float(place.offers[o].rating_mw) for o in self._kind("battery")}
        rise = {used[m]: float(step.rise_mw) for step, used in zip(place.steps, self.steps, strict=True)}
        swing = {used[m]: float(step.swing_mw) for step, used in zip(place.steps, self.steps, strict=True)}
        grid, mean, peak = float(place.grid_mw), float(need.mean_base_mw), float(need.base_mw)
        self._row({imported: 1, **dict.fromkeys(output.values(), 1), **less}, lower=mean, upper=mean)
        self._row({imported: -1, **rise}, lower=-grid)
        for o in some:
            self._row({self.units[o][m]: firm[self.units[o][m]], output[o]: -1}, lower=0)
        out = self._add_spare(m, some)
        self._row({**firm, **rise, **less, **({} if out is None else {out: -1})}, lower=mean - grid, size=mean)
        self._row({**firm, **battery, **rise, **less}, lower=peak - grid, size=peak)
        self._row({**battery, **self._per_unit("step_mw", m), **swing}, lower=float(need.swing_mw - place.swing_mw))
        self._row(self._per_unit("energy_mwh", m), lower=float(need.ride_mwh))
        if place.nox_t_per_year is not None:
            year = float(HOURS_PER_YEAR_IN_THOUSANDS)
            nox = {output[o]: year * float(place.offers[o].nox_kg_per_mwh) for o in some}
            self._row(nox, upper=float(place.nox_t_per_year))
        cost[imported] = need.hours * float(place.grid_usd_per_mwh) / MILLION
        for o in some:
            cost[output[o]] = need.hours * float(place.offers[o].usd_per_mwh) / MILLION
