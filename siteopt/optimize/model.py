"""Define the variables of the MILP, and how its rows and its objective are made of them.

:mod:`siteopt.optimize.formulation` adds the constraint families.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pulp

from siteopt.equipment import COOLING, MEAN_POWER, REQUIREMENTS, Requirement
from siteopt.instance import Instance

Term = tuple[pulp.LpVariable, float]
Index = tuple[int, ...]


@dataclass
class Model:
    """A MILP under construction: its variables by index, and its problem.

    Indices: ``s`` site, ``o`` offer, ``g`` group of offers, ``m`` milestone, ``l`` grid step, ``v`` option of shells,
    ``t`` day, in the order of the names in ``docs/model.md``. A unit or step that cannot be there on the last day
    considered has no variable.
    """

    instance: Instance
    sites: tuple[int, ...]
    days: Mapping[tuple[int, int], Sequence[int]]
    relaxable: bool = False
    problem: pulp.LpProblem = field(default_factory=lambda: pulp.LpProblem("siteopt", pulp.LpMinimize))
    start: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    units: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    group: dict[int, np.ndarray] = field(default_factory=dict)
    total: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    used: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    step: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    option: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    output_mw: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    import_mw: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    slack: dict[tuple[str, int, int], pulp.LpVariable] = field(default_factory=dict)
    heat_mw: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    own_heat_mw: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    demand_mw: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    amounts: dict[str, np.ndarray] = field(default_factory=dict)
    fixed: dict[str, np.ndarray] = field(default_factory=dict)
    size: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Declare the variables, with bounds that no row needs them to exceed and that safe bounds rely on."""
        instance, variable = self.instance, self.problem.add_variable
        delay = instance.commissioning_days
        self.fixed = {one.name: instance.need(one) for one in instance.requirements}
        self.size = {one.name: instance.size(one) for one in instance.requirements}
        every, own_heat = np.arange(instance.offers), instance.own_heat_mw
        self.amounts = {one.name: instance.supply(one.name, every) for one in instance.requirements}
        spared = [(self.size[one.name], instance.supplies(one.name)) for one in instance.requirements if one.spared]
        for s in self.sites:
            self.group[s] = symmetry_classes(instance, s)
            full = instance.rating_mw[s] * instance.available_units
            grid = float(instance.grid_mw[s] + instance.step_rise_mw[instance.step_site == s].sum())
            cools, runs = instance.supplies(COOLING), instance.supplies(MEAN_POWER)
            draw = float((full / instance.cop[s])[cools].sum())
            for v in self.options(s):
                self.option[v, s] = variable(f"option_v{v}_s{s}", 0, 1, pulp.LpBinary)
            for m in range(instance.milestones):
                for t in self.days[s, m]:
                    self.start[s, m, t] = variable(f"start_s{s}_m{m}_t{t}", 0, 1, pulp.LpBinary)
                last = max(self.days[s, m], default=-1)
                for step in np.flatnonzero((instance.step_site == s) & (instance.step_ready_day + delay <= last)):
                    self.step[int(step), s, m] = variable(f"step_l{step}_s{s}_m{m}", 0, 1, pulp.LpBinary)
                there = (
                    (instance.ready_day[s] + delay <= last)
                    & (instance.available_units > 0)
                    & (instance.rating_mw[s] > 0)
                )
                for o in map(int, np.flatnonzero(there)):
                    name = f"o{o}_s{s}_m{m}"
                    self.units[o, s, m] = variable(f"units_{name}", 0, int(instance.available_units[o]), pulp.LpInteger)
                    if runs[o]:
                        self.output_mw[o, s, m] = variable(f"output_{name}", 0, roomy(full[o]))
                    if cools[o]:
                        self.heat_mw[o, s, m] = variable(f"heat_{name}", 0, roomy(full[o]))
                for g in sorted({int(self.group[s][o]) for o in self.offers(s, m)}):
                    most = sum(self.units[o, s, m].upBound for o in self.offers(s, m, self.group[s] == g))
                    self.total[g, s, m] = variable(f"total_g{g}_s{s}_m{m}", 0, most, pulp.LpInteger)
                    member = self.group[s] == g
                    if instance.spare_units and any(size[s, m] > 0 and of[member][0] for size, of in spared):
                        self.used[g, s, m] = variable(f"used_g{g}_s{s}_m{m}", 0, 1, pulp.LpBinary)
                self.import_mw[s, m] = variable(f"import_s{s}_m{m}", 0, roomy(grid))
                load = float(instance.it_mw[m] * (1 + instance.auxiliary_load_fraction)) + draw
                if own_heat[s, m] > 0:
                    self.own_heat_mw[s, m] = variable(f"own_heat_s{s}_m{m}", 0, roomy(own_heat[s, m]))
                    load += float(instance.own_cooling_mw_per_mw * own_heat[s, m])
                self.demand_mw[s, m] = variable(f"demand_s{s}_m{m}", 0, roomy(load))
                for name, size in self.requirements(s, m).items() if self.relaxable else ():
                    self.slack[name, s, m] = variable(
                        f"short_{worded(name)}_s{s}_m{m}",
                        0,
                        roomy(size * (1 + instance.auxiliary_load_fraction) + draw),
                    )

    def options(self, s: int) -> list[int]:
        """Return the options of a site for its new shells; none if there is no choice, which the days say already."""
        found = np.flatnonzero(self.instance.option_site == s).tolist()
        return found if len(found) > 1 else []

    def requirements(self, s: int, m: int) -> dict[str, float]:
        """Return the size of each need of a milestone that is above 0 and finite; a shortfall is a share of it."""
        return {name: float(size[s, m]) for name, size in self.size.items() if size[s, m] > 0}

    def slack_terms(self, name: str, s: int, m: int) -> list[Term]:
        """Return the slack of a requirement as a term if the model is relaxable; otherwise no term."""
        return [(self.slack[name, s, m], 1.0)] if (name, s, m) in self.slack else []

    def shortfall(self) -> pulp.LpAffineExpression:
        """Return the sum of what is missing, each as a share of its need."""
        return pulp.LpAffineExpression(
            [(var, 1 / self.requirements(s, m)[name]) for (name, s, m), var in self.slack.items()]
        )

    def pairs(self) -> Iterable[tuple[int, int]]:
        """Return every pair of a site and a milestone."""
        return ((s, m) for s in self.sites for m in range(self.instance.milestones))

    def offers(self, s: int, m: int, chosen: np.ndarray | None = None) -> list[int]:
        """Return the offers that have units at a site and milestone, or only those ``chosen`` (bool by offer)."""
        every = range(self.instance.offers) if chosen is None else np.flatnonzero(chosen)
        return [int(o) for o in every if (o, s, m) in self.units]

    def started(self, s: int, m: int, factor: float = 1.0, since: int = 0) -> list[Term]:
        """Return the terms of ``factor x taken[s]``, or only of the part that starts on day ``since`` or later."""
        return [(self.start[s, m, t], factor) for t in self.days[s, m] if t >= since]

    def own(self, s: int, m: int, requirement: Requirement) -> list[Term]:
        """Return the terms of what the site itself supplies in service: its base if it is taken, and its grid steps."""
        if not requirement.own:
            return []
        base, rise = self.instance.own_supply(requirement)
        steps = [(self.step[step, s, m], float(rise[step])) for step, *rest in self.step if rest == [s, m]]
        return self.started(s, m, float(base[s, m])) + steps

    def own_heat(self, s: int, m: int, factor: float = 1.0) -> list[Term]:
        """Return the term of ``factor x own_heat_mw[s,m]``; no term if the site's own towers may remove no heat."""
        return [(self.own_heat_mw[s, m], factor)] if (s, m) in self.own_heat_mw else []

    def supply(self, s: int, m: int, requirement: Requirement) -> list[Term]:
        """Return the terms of what the units supply."""
        amount = self.amounts[requirement.name][s]
        return [(self.units[o, s, m], float(amount[o])) for o in self.suppliers(s, m, requirement.name)]

    def suppliers(self, s: int, m: int, requirement: str) -> list[int]:
        """Return the offers that have units at a site and milestone and supply a requirement."""
        return self.offers(s, m, self.instance.supplies(requirement))

    def ratings(self, s: int, m: int, chosen: np.ndarray, factor: np.ndarray | float = 1.0) -> list[Term]:
        """Return the terms of ``sum(factor x rating x units)`` over the chosen offers."""
        scale = self.instance.rating_mw[s] * factor
        return [(self.units[o, s, m], float(scale[o])) for o in self.offers(s, m, chosen)]

    def row(self, name: str, terms: Iterable[Term], sense: int, right: float, size: float = 1.0) -> None:
        """Add the row ``sum of terms (<=, ==, >=) right``, unless ``right`` is infinite; no variable may occur twice.

        A tolerance is a share of ``size`` (see :mod:`siteopt.tolerances`).
        """
        terms = [(variable, value) for variable, value in terms if value]
        if np.isinf(right):
            return
        if len({variable.name for variable, _ in terms}) < len(terms):
            raise ValueError(f"row {name} names a variable twice")
        self.sizes[name] = size
        self.problem.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(terms), sense, name, right))

    def day(self, m: int) -> pulp.LpAffineExpression:
        """Return the expression ``day[m] = sum t x start[s,m,t]``."""
        return pulp.LpAffineExpression([(self.start[key], float(key[2])) for key in self.start if key[1] == m])

    def cost_musd(self) -> pulp.LpAffineExpression:
        """Return all that the choice costs, in millions of USD. The GPUs cost the same everywhere: the constant."""
        instance, last = self.instance, self.instance.milestones - 1
        terms: list[Term] = []
        for s in self.sites:
            terms += self.started(s, last, float(instance.site_cost_musd[s]))
            terms += [
                (var, float(instance.step_cost_musd[key[0]])) for key, var in self.step.items() if key[1:] == (s, last)
            ]
            terms += [(self.units[o, s, last], float(instance.unit_cost_musd[s, o])) for o in self.offers(s, last)]
        musd_per_mw = instance.musd_per_mw
        for (o, _, m), var in self.output_mw.items():
            terms.append((var, float(instance.fuel_usd_per_mwh[o] * musd_per_mw[m])))
        for (s, m), var in self.import_mw.items():
            terms.append((var, float(instance.grid_usd_per_mwh[s] * musd_per_mw[m])))
        return pulp.LpAffineExpression([term for term in terms if term[1]], constant=instance.gpu_cost_musd)


def worded(name: str) -> str:
    """Return a name as it stands in the names of rows and variables."""
    return name.replace(" ", "_")


def roomy(most: float) -> float:
    """Return an upper bound of a continuous variable that no row comes near, its tolerance included."""
    return float(most) * (1 + 1e-6) + 1e-6


def symmetry_classes(instance: Instance, s: int) -> np.ndarray:
    """Return the group of each offer; offers of a group differ in nothing but depot, dates and cost at the site."""
    traits: list[np.ndarray] = [
        instance.trade,
        instance.crew_days,
        instance.footprint_m2,
        instance.energy_mwh,
        instance.step_fraction,
    ]
    traits += [
        instance.heat_rate_mj_per_kwh,
        instance.nox_g_per_kwh,
        instance.fuel_usd_per_mwh,
        instance.water_m3_per_mwh,
    ]
    traits += [instance.kind, instance.is_gas, instance.rating_mw[s], instance.cop[s], instance.inertia_s]
    for one in REQUIREMENTS:
        traits += instance.per_unit(one.name, np.arange(instance.offers))
    return np.asarray(np.unique(np.stack(traits), axis=1, return_inverse=True)[1]).ravel()
