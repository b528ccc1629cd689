"""Define the variables of the MILP, and how its rows and its objective are made of them.

:mod:`siteopt.optimize.formulation` adds the constraint families.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pulp

from siteopt.equipment import COOLING, MEAN_POWER, REQUIREMENTS, Requirement
from siteopt.instance import Floats, Instance, Ints

Term = tuple[pulp.LpVariable, float]
Index = tuple[int, ...]

LE, EQ, GE = pulp.LpConstraintLE, pulp.LpConstraintEQ, pulp.LpConstraintGE


@dataclass(frozen=True)
class Phase:
    """A time in which a milestone may be in force under certain limits: between two changes of the limits of a site.

    Attributes
    ----------
    milestone : int
    segment : int
        Number of changes of the site's limits before it.
    label : str
        Part of the names of its variables and rows.
    begins : tuple of (day, terms)
        Days on which it may begin. The terms add up to 1 if it begins on that day, and to 0 if not.
    """

    milestone: int
    segment: int
    label: str
    begins: tuple[tuple[int, tuple[Term, ...]], ...]

    @property
    def last(self) -> int:
        """Return the last day on which it may begin."""
        return self.begins[-1][0]


@dataclass
class Model:
    """A MILP under construction: its variables by index, and its problem.

    Indices: ``s`` site, ``o`` offer, ``g`` group of offers, ``m`` milestone, ``f`` phase, ``l`` grid step, ``v`` option
    of shells, ``t`` day, in the order of the names in ``docs/model.md``. The phases of a site are in ``phases``; where
    none of its limits changes, they are the milestones. A unit or step that cannot be there when a phase begins has no
    variable.
    """

    instance: Instance
    sites: tuple[int, ...]
    days: Mapping[tuple[int, int], Sequence[int]]
    relaxable: bool = False
    problem: pulp.LpProblem = field(default_factory=lambda: pulp.LpProblem("siteopt", pulp.LpMinimize))
    start: dict[Index, pulp.LpVariable] = field(default_factory=dict)
    phases: dict[int, list[Phase]] = field(default_factory=dict)
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
    local: dict[tuple[int, int], Instance] = field(default_factory=dict)
    needs: dict[tuple[int, int], dict[str, tuple[Floats, Floats]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Declare the variables, with bounds that no row needs them to exceed and that safe bounds rely on."""
        instance, variable = self.instance, self.problem.add_variable
        delay = instance.commissioning_days
        every, own_heat = np.arange(instance.offers), instance.own_heat_mw
        self.amounts = {one.name: instance.supply(one.name, every) for one in instance.requirements}
        for s in self.sites:
            self.group[s] = symmetry_classes(instance, s)
            full = instance.rating_mw[s] * instance.available_units
            risen = float(instance.step_rise_mw[instance.step_site == s].sum())
            cools, runs = instance.supplies(COOLING), instance.supplies(MEAN_POWER)
            draw = float((full / instance.cop[s])[cools].sum() + instance.own_load_mw @ instance.available_units)
            for v in self.options(s):
                self.option[v, s] = variable(f"option_v{v}_s{s}", 0, 1, pulp.LpBinary)
            for m in range(instance.milestones):
                for t in self.days[s, m]:
                    self.start[s, m, t] = variable(f"start_s{s}_m{m}_t{t}", 0, 1, pulp.LpBinary)
            self.phases[s] = self._phases(s)
            for f, phase in enumerate(self.phases[s]):
                at, m = phase.label, phase.milestone
                for step in np.flatnonzero((instance.step_site == s) & (instance.step_ready_day + delay <= phase.last)):
                    self.step[int(step), s, f] = variable(f"step_l{step}_s{s}_{at}", 0, 1, pulp.LpBinary)
                there = (
                    (instance.ready_day[s] + delay <= phase.last)
                    & (instance.available_units > 0)
                    & (instance.rating_mw[s] > 0)
                )
                for o in map(int, np.flatnonzero(there)):
                    name = f"o{o}_s{s}_{at}"
                    self.units[o, s, f] = variable(f"units_{name}", 0, int(instance.available_units[o]), pulp.LpInteger)
                    if runs[o]:
                        self.output_mw[o, s, f] = variable(f"output_{name}", 0, roomy(full[o]))
                    if cools[o]:
                        self.heat_mw[o, s, f] = variable(f"heat_{name}", 0, roomy(full[o]))
                spared = [
                    instance.supplies(one.name) for one in instance.requirements if one.spared and self.size(s, f, one)
                ]
                for g in sorted({int(self.group[s][o]) for o in self.offers(s, f)}):
                    member = self.group[s] == g
                    most = sum(self.units[o, s, f].upBound for o in self.offers(s, f, member))
                    self.total[g, s, f] = variable(f"total_g{g}_s{s}_{at}", 0, most, pulp.LpInteger)
                    if instance.spare_units and any(of[member][0] for of in spared):
                        self.used[g, s, f] = variable(f"used_g{g}_s{s}_{at}", 0, 1, pulp.LpBinary)
                grid = float(self.site(s, f).import_limit_mw[0]) + risen
                self.import_mw[s, f] = variable(f"import_s{s}_{at}", 0, roomy(grid))
                load = float(instance.it_mw[m] * (1 + instance.auxiliary_load_fraction)) + draw
                if own_heat[s, m] > 0:
                    self.own_heat_mw[s, f] = variable(f"own_heat_s{s}_{at}", 0, roomy(own_heat[s, m]))
                    load += float(instance.own_cooling_mw_per_mw * own_heat[s, m])
                self.demand_mw[s, f] = variable(f"demand_s{s}_{at}", 0, roomy(load))
                for name, size in self.requirements(s, f).items() if self.relaxable else ():
                    self.slack[name, s, f] = variable(
                        f"short_{worded(name)}_s{s}_{at}",
                        0,
                        roomy(size * (1 + instance.auxiliary_load_fraction) + draw),
                    )

    def options(self, s: int) -> list[int]:
        """Return the options of a site for its new shells; none if the days of the model leave no choice.

        They leave none if there is one option, which they know already, or if one option keeps all of the only days.
        """
        instance, found = self.instance, np.flatnonzero(self.instance.option_site == s)
        days = [self.days[s, m] for m in range(instance.milestones)]
        if all(len(each) == 1 for each in days):
            found = found[:0] if instance.options_by(np.ravel(days))[found].any() else found
        return found.tolist() if len(found) > 1 else []

    def _shells_musd(self, s: int) -> float:
        """Return the cost of the new shells of a site if the days of the model leave no choice of them."""
        days = [self.days[s, m] for m in range(self.instance.milestones)]
        is_fixed = all(len(each) == 1 for each in days)
        return float(self._alone(s).shells_musd(np.array(days).T if is_fixed else None)[0])

    def _phases(self, s: int) -> list[Phase]:
        """Return the phases that a site may have on the days of the model, in the order of milestones and limits.

        A milestone has a phase in each time between two changes of limits in which it may start, and in each that
        begins with a fall of some limit and in which it may be in force. A phase begins on the day on which the
        milestone starts, or with the time if the milestone started before.
        """
        change, falls = self._changes(s).tolist(), [True, *self._alone(s).falls.tolist()]
        found = []
        for m in range(self.instance.milestones):
            mine = [(t, self.start[s, m, t]) for t in self.days[s, m]]
            following = self.days[s, m + 1] if m + 1 < self.instance.milestones else None
            for p, (first, until) in enumerate(zip([0, *change], [*change, math.inf], strict=True)):
                is_cut = falls[p] or any(first <= t < until for t, _ in mine)
                is_over = following is not None and not any(t >= first for t in following)
                if not is_cut or is_over or not any(t < until for t, _ in mine):
                    continue
                carried = [(var, 1.0) for t, var in mine if t <= first]
                if following is not None and carried:
                    carried += [(self.start[s, m + 1, t], -1.0) for t in following if t < first]
                begins = [(first, tuple(carried))] if carried else []
                begins += [(t, ((var, 1.0),)) for t, var in mine if first < t < until]
                if begins:
                    label = f"m{m}_p{p}" if change else f"m{m}"
                    found.append(Phase(m, p, label, tuple(begins)))
        return found

    def _changes(self, s: int) -> Ints:
        return self.instance.change_day[self.instance.change_site == s]

    def label(self, s: int, f: int) -> str:
        """Return the part of the names of variables and rows that stands for a phase."""
        return self.phases[s][f].label

    def before(self, s: int, f: int) -> list[tuple[int, str]]:
        """Return the phases that may be the one before a phase, each with a part of the names of its rows.

        These are the last phase of the same milestone before, and that of the milestone before in the same time or
        before: it is there wherever the next one starts.
        """
        phase = self.phases[s][f]
        found = {}  # the last one of each name stays
        for at, one in enumerate(self.phases[s]):
            if one.milestone == phase.milestone - 1 and one.segment <= phase.segment:
                found[phase.label] = at
            elif one.milestone == phase.milestone and one.segment < phase.segment:
                found[f"{phase.label}_change"] = at
        return [(at, name) for name, at in found.items()]

    def is_there(self, s: int, f: int) -> bool:
        """Return whether a phase is there wherever its site is taken."""
        phase, m = self.phases[s][f], self.phases[s][f].milestone
        change = [0, *self._changes(s).tolist(), math.inf]
        first, until = change[phase.segment], change[phase.segment + 1]
        following = self.days[s, m + 1] if m + 1 < self.instance.milestones else ()
        return all(t < until for t in self.days[s, m]) and all(t >= first for t in following)

    def is_fixed(self, s: int, f: int) -> bool:
        """Return whether a phase is there in any case, from one day on: then only what is ready has variables."""
        return len(self.sites) == len(self.phases[s][f].begins) == 1 and self.is_there(s, f)

    def site(self, s: int, f: int) -> Instance:
        """Return the Instance of a site alone, with the limits that are in force in a phase."""
        segment = self.phases[s][f].segment
        if (s, segment) not in self.local:
            self.local[s, segment] = self._alone(s).on([0, *self._changes(s).tolist()][segment])
        return self.local[s, segment]

    def _alone(self, s: int) -> Instance:
        return self.instance if self.instance.sites == 1 else self.instance.take(np.array([s]))

    def _needed(self, s: int, f: int, requirement: Requirement) -> tuple[Floats, Floats]:
        """Return the fixed part of a need and its size under the limits of a phase; M each."""
        known = self.needs.setdefault((s, self.phases[s][f].segment), {})
        if requirement.name not in known:
            site = self.site(s, f)
            known[requirement.name] = site.need(requirement)[0], site.size(requirement)[0]
        return known[requirement.name]

    def fixed(self, s: int, f: int, requirement: Requirement) -> float:
        """Return the part of the need of a phase that no choice changes."""
        return float(self._needed(s, f, requirement)[0][self.phases[s][f].milestone])

    def size(self, s: int, f: int, requirement: Requirement) -> float:
        """Return the size of the need of a phase, of which tolerances are a share; 0 if it needs nothing."""
        return float(self._needed(s, f, requirement)[1][self.phases[s][f].milestone])

    def places(self, s: int, day: Ints) -> list[int]:
        """Return the phase of the model for each phase of a plan, from the days of its milestones (M)."""
        plan = self._alone(s).phases(day)
        segment = np.searchsorted(self._changes(s), plan.begin, side="right")
        place = {(one.milestone, one.segment): f for f, one in enumerate(self.phases[s])}
        return [place[pair] for pair in zip(plan.milestone.tolist(), segment.tolist(), strict=True)]

    def columns(self, s: int, day: Ints) -> Ints:
        """Return the phase of a plan for each phase of a model whose days are fixed, from these days (M).

        A milestone that ends on the day on which limits change has one more phase in the model. It has what is there on
        that day.
        """
        begin, first = self._alone(s).phases(day).begin, np.concatenate([[0], self._changes(s)])
        known = {f: column for column, f in enumerate(self.places(s, day))}
        there = [int((begin <= first[one.segment]).sum()) - 1 for one in self.phases[s]]
        return np.array([known.get(f, column) for f, column in enumerate(there)])

    def requirements(self, s: int, f: int) -> dict[str, float]:
        """Return the size of each need of a phase that is above 0 and finite; a shortfall is a share of it."""
        return {one.name: size for one in self.instance.requirements if (size := self.size(s, f, one)) > 0}

    def slack_terms(self, name: str, s: int, f: int) -> list[Term]:
        """Return the slack of a requirement as a term if the model is relaxable; otherwise no term."""
        return [(self.slack[name, s, f], 1.0)] if (name, s, f) in self.slack else []

    def shortfall(self) -> pulp.LpAffineExpression:
        """Return the sum of what is missing, each as a share of its need."""
        return pulp.LpAffineExpression(
            [(var, 1 / self.requirements(s, f)[name]) for (name, s, f), var in self.slack.items()]
        )

    def pairs(self) -> Iterable[tuple[int, int]]:
        """Return every pair of a site and a phase."""
        return ((s, f) for s in self.sites for f in range(len(self.phases[s])))

    def offers(self, s: int, f: int, chosen: np.ndarray | None = None) -> list[int]:
        """Return the offers that have units at a site and phase, or only those ``chosen`` (bool by offer)."""
        every = range(self.instance.offers) if chosen is None else np.flatnonzero(chosen)
        return [int(o) for o in every if (o, s, f) in self.units]

    def taken(self, s: int, m: int, factor: float = 1.0, since: int = 0) -> list[Term]:
        """Return the terms of ``factor x taken[s]`` by the days of a milestone, or only from day ``since`` on."""
        return [(self.start[s, m, t], factor) for t in self.days[s, m] if t >= since]

    def started(self, s: int, f: int, factor: float = 1.0, since: int = 0) -> list[Term]:
        """Return the terms of ``factor`` if a phase is there, or only if it begins on day ``since`` or later."""
        return [
            (variable, sign * factor)
            for day, terms in self.phases[s][f].begins
            if day >= since
            for variable, sign in terms
        ]

    def own(self, s: int, f: int, requirement: Requirement) -> list[Term]:
        """Return the terms of what the site itself supplies in service: its base if it is taken, and its grid steps."""
        if not requirement.own:
            return []
        base, rise = self.site(s, f).own_supply(requirement)[0], self.instance.own_supply(requirement)[1]
        steps = [(self.step[step, s, f], float(rise[step])) for step, *rest in self.step if rest == [s, f]]
        return self.started(s, f, float(base[0, self.phases[s][f].milestone])) + steps

    def own_heat(self, s: int, f: int, factor: float = 1.0) -> list[Term]:
        """Return the term of ``factor x own_heat_mw[s,f]``; no term if the site's own towers may remove no heat."""
        return [(self.own_heat_mw[s, f], factor)] if (s, f) in self.own_heat_mw else []

    def supply(self, s: int, f: int, requirement: Requirement) -> list[Term]:
        """Return the terms of what the units supply."""
        amount = self.amounts[requirement.name][s]
        return [(self.units[o, s, f], float(amount[o])) for o in self.suppliers(s, f, requirement.name)]

    def suppliers(self, s: int, f: int, requirement: str) -> list[int]:
        """Return the offers that have units at a site and phase and supply a requirement."""
        return self.offers(s, f, self.instance.supplies(requirement))

    def ratings(self, s: int, f: int, chosen: np.ndarray, factor: np.ndarray | float = 1.0) -> list[Term]:
        """Return the terms of ``sum(factor x rating x units)`` over the chosen offers."""
        scale = self.instance.rating_mw[s] * factor
        return [(self.units[o, s, f], float(scale[o])) for o in self.offers(s, f, chosen)]

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
        """Return all that the choice costs, in millions of USD. The GPUs cost the same everywhere: the constant.

        Units and steps cost what is there in the last phase.
        """
        instance = self.instance
        terms: list[Term] = []
        for s in self.sites:
            last = len(self.phases[s]) - 1
            options = self.options(s)
            terms += [(self.option[v, s], float(instance.option_cost_musd[v])) for v in options]
            prepared = float(instance.prepared_musd[s]) + (0.0 if options else self._shells_musd(s))
            terms += self.taken(s, instance.milestones - 1, prepared)
            terms += [
                (var, float(instance.step_cost_musd[key[0]])) for key, var in self.step.items() if key[1:] == (s, last)
            ]
            terms += [(self.units[o, s, last], float(instance.unit_cost_musd[s, o])) for o in self.offers(s, last)]
        terms += self.energy
        return pulp.LpAffineExpression([term for term in terms if term[1]], constant=instance.gpu_cost_musd)

    @cached_property
    def energy(self) -> list[Term]:
        """Return the terms of the energy that the milestones pay, in millions of USD.

        A milestone pays for the phase with which it starts, or for a dearer one after some limit fell, scaled to its
        load. If several phases may be paid, a variable is at least the energy of each; its rows are added here.
        """
        outputs, imports, chosen = list[Term](), list[Term](), list[Term]()
        for s in self.sites:
            for m in range(self.instance.milestones):
                paid = self._paid(s, m)
                if len(paid) > 1:
                    chosen += self._dearest(s, m, paid)
                else:
                    output, imported = self._energy(s, paid[0][0], float(self.instance.musd_per_mw[m]))
                    outputs, imports = outputs + output, imports + imported
        return outputs + imports + chosen

    def _paid(self, s: int, m: int) -> list[tuple[int, float, list[int]]]:
        """Return the phases that a milestone may pay for: phase, share of its energy, and for which starts."""
        first = [0, *self._changes(s).tolist()]
        falls = [False, *self._alone(s).falls.tolist()]
        found = []
        for f, phase in enumerate(self.phases[s]):
            fallen = max((q for q in range(phase.segment + 1) if falls[q]), default=0)
            when = [t for t in self.days[s, m] if t < first[fallen]] if phase.milestone >= m else []
            if phase.milestone == m:
                when += [t for t in self.days[s, m] if first[phase.segment] <= t <= phase.last]
            if when:
                found.append((f, float(self.instance.it_mw[m] / self.instance.it_mw[phase.milestone]), when))
        return found

    def _dearest(self, s: int, m: int, paid: list[tuple[int, float, list[int]]]) -> list[Term]:
        """Add a variable that is at least the energy of each phase that is paid, and return it as a term.

        What a phase may cost at most, natural bound of its row, is its demand at the highest price.
        """
        rows, musd_per_mw = [], float(self.instance.musd_per_mw[m])
        for f, share, when in paid:
            terms = [term for part in self._energy(s, f, share * musd_per_mw) for term in part if term[1]]
            most = roomy(max((price for _, price in terms), default=0.0) * self.demand_mw[s, f].upBound)
            rows.append((f, terms, most, when))
        if not any(terms for _, terms, _, _ in rows):
            return []
        energy = self.problem.add_variable(f"energy_s{s}_m{m}", 0, roomy(max(most for _, _, most, _ in rows)))
        for f, terms, most, when in rows:
            free = most if len(when) < len(self.days[s, m]) else 0.0
            starts = [(self.start[s, m, t], -free) for t in when]
            less = [(variable, -price) for variable, price in terms]
            self.row(f"energy_s{s}_m{m}_{self.phases[s][f].label}", [(energy, 1.0), *less, *starts], GE, -free)
        return [(energy, 1.0)]

    def _energy(self, s: int, f: int, scale: float) -> tuple[list[Term], list[Term]]:
        """Return the terms of what a phase burns and imports, at prices in US dollars a MWh times a scale."""
        fuel = [
            (self.output_mw[o, s, f], float(self.instance.fuel_usd_per_mwh[o] * scale))
            for o in self.suppliers(s, f, MEAN_POWER)
        ]
        return fuel, [(self.import_mw[s, f], float(self.instance.import_usd_per_mwh[s] * scale))]


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
    traits.append(instance.own_load_mw)
    for one in REQUIREMENTS:
        traits += instance.per_unit(one.name, np.arange(instance.offers))
    return np.asarray(np.unique(np.stack(traits), axis=1, return_inverse=True)[1]).ravel()
