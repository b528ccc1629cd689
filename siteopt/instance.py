"""Define the waist of siteopt: plain arrays with units. Files and maps come before it, mathematics after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from siteopt.equipment import BATTERY_POWER, KINDS, MEAN_POWER, REQUIREMENTS, Amount, Requirement
from siteopt.pace import Pace, ShellType
from siteopt.phases import LIMITED, Phases, phases
from siteopt.tolerances import BORDER, SAME_COST_MUSD

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 1_000_000
"""A day that never comes."""

HOURS_PER_YEAR = 8760
"""Hours in a year, for which emissions are counted."""

HOURS_PER_MONTH = 730.5
"""Hours in a month for which demand is billed: a twelfth of 365.25 days."""

TRADES = ("electrical", "mechanical")
"""Trades, in the order of every array by trade (K)."""

WORKS = ("halls", "fitout", "liquid_loop", "site_works")
"""Works that make a site ready, in the order of every array by work (W). Halls are converted; shells are options."""

COMMISSIONING = "commissioning"
"""Name of the limit of the MW that are commissioned a day: a queue of the GPUs, and a family of rows for the rest."""

QUEUES = (
    *("roofs or power rooms", "halls", "site fit-out", "liquid loop", "GPU deliveries", "rack installation", "network"),
    *(COMMISSIONING, "floor area"),
)
"""Queues that can limit the GPUs of a milestone, in the order of the indices in ``compute_queue``."""


@dataclass(frozen=True)
class PowerQuality:
    """Load changes that the plant must withstand, and how well.

    Attributes
    ----------
    iso_class : str
        Class of ISO 8528-5 that is required (``G1`` to ``G3``); empty if none is.
    frequency_hz : float
        Nominal frequency.
    swing_period_s, swing_edge_s : float
        Period of the routine swing, and the time in which the load falls or rises.
    job_step : float
        Share of the IT peak that falls away when a job stops, and comes back when a job starts.
    job_stop_s, job_start_s : float
        Times in which a job stops and starts.
    ride_grid_loss : bool
        Whether the job goes on when the grid is lost; otherwise it stops, as on any other fault.
    rocof_limit_hz_per_s : float
        Largest rate of change of frequency over 500 ms; 0 if it follows from the grid and the machines.
    overrun_share, overrun_s : float
        Share of the import limit by which the import may be beyond it for good, and the time for which it may be
        further beyond.
    ramp_limit_mw_per_min : float
        Largest change of the import within a minute; infinite without a limit.
    waveform_s, waveform_share : tuple of float
        A sampled IT load: times in seconds, and the load as a share of ``it_mw``; empty if there is none.
    units_lost_together : int
        Generators that a fault on one bus or step-up transformer takes at once; 1 if no more than one is ever lost.
    """

    iso_class: str
    frequency_hz: float
    swing_period_s: float
    swing_edge_s: float
    job_step: float
    job_stop_s: float
    job_start_s: float
    ride_grid_loss: bool
    rocof_limit_hz_per_s: float
    overrun_share: float
    overrun_s: float
    ramp_limit_mw_per_min: float
    waveform_s: tuple[float, ...]
    waveform_share: tuple[float, ...]
    units_lost_together: int = 1


@dataclass(frozen=True)
class Instance:
    """Everything that the optimizer may know.

    Axes: S sites, O offers, M milestones, L grid steps, C changes of limits, R limits, B buildings, V options of new
    shells, K trades, P periods with the same number of crews, Q queues, W works. Sites and offers are sorted by id, so
    that the order of rows in a table does not matter. Days count from the decision (day 0); money is in millions of
    USD.

    Attributes
    ----------
    milestone : tuple of str, M
    gpus : M, cumulative
    it_mw : M, MW, peak of the IT load
    operating_days : M, days for which energy is paid
    auxiliary_load_fraction, load_step_amplitude, load_factor, heat_fraction : shares of ``it_mw``
    tower_heat_fraction : share of ``it_mw`` that leaves as heat which the site's own towers may remove, too
    liquid_heat_fraction : share of ``it_mw`` that passes through coolant distribution units; 0 if these do not count
    distribution_asked : whether the peak demand has to be distributed
    own_cooling_mw_per_mw, own_cooling_m3_per_mwh : power and water of the sites' own towers for the heat they remove
    crew_day : P, first day of each period, rising; the first is day 0
    crews : K x P, crew-days of each trade a day in each period; infinite in all periods if there is no limit
    spare_units, ride_through_minutes, commissioning_days, horizon_day : as in the scenario
    commissioning_mw_per_day : MW of each stage of the plant that can be commissioned a day; infinite without a limit
    budget_musd, gpu_cost_musd : million USD
    accept_nonfirm : bool, whether the job may stop while non-firm import is curtailed
    curtailment_hours : hours in a row for which batteries must carry what is curtailed, if it may not
    pace : Pace
    shells : tuple of ShellType, types of new shells
    power_quality : PowerQuality
    order : objective, as indices of milestones with -1 for cost
    site_id : tuple of str, S
    grid_mw, grid_swing_mw : S, MW at access
    distribution_mw : S, MW that the plant's own switchgear and transformers carry
    own_cooling_mw : S, MW of heat that the site's own towers remove
    nonfirm_mw : S, MW of import that the grid may curtail
    gas_mw (MW thermal), nox_t_per_year, water_m3_per_day, yard_m2 : S; infinite if there is no limit
    fuel_trucks_per_day : S, tankers of diesel; infinite if there is no limit
    grid_usd_per_mwh, demand_usd_per_mw_month : S, prices of the energy that is imported, and of the highest import
    site_cost_musd : S
    works_musd : S x W, cost of making the site ready for the GPUs of the last milestone, by work; without new shells
    handover_day : S, day on which the site is handed over
    hall_day : S, day from which a standing hall is fitted out
    hall_gpus_per_day : S, GPUs for which a standing hall, or each new shell, is made ready a day
    hall_capacity_gpus : S, GPUs for which there is hall; with several options of new shells, the most of them
    building_site : B, index of the site, rising; a site without buildings has one standing hall, or new shells
    building_id : tuple of str, B
    building_day : B, day from which the building is fitted out
    building_gpus_per_day, building_gpus : B, GPUs for which it is made ready a day, and has room
    option_site : V, index of the site, rising; the options of a site are the types and numbers of shells to choose from
    option_shell : V, index into ``shells``
    option_day : V, day from which the first of these shells is fitted out
    option_count : V, number of shells of this type that are built
    option_cost_musd : V, cost of these shells
    option_ready_day : V x M, ``compute_ready_day`` with these shells
    option_relaxed_day : V x M x Q, ``queue_relaxed_day`` with these shells
    min_battery_mw : S x M, minimum power of batteries, MW
    min_inertia_mws : S x M, minimum of ``inertia_s x MW x units`` over generators and grid-forming batteries, MW s
    compute_ready_day : S x M, day on which the GPUs are racked, plumbed and networked (NEVER: they cannot be); with
        several options of new shells, the earliest day of each milestone over the options
    compute_queue : S x M, index into QUEUES of the queue that decides ``compute_ready_day``
    queue_relaxed_day : S x M x Q, ``compute_ready_day`` if this one of the QUEUES were unlimited (NEVER: still not)
    step_site : L, index of the site, rising; the steps of a site are in the order of days
    step_ready_day : L
    step_rise_mw, step_rise_swing_mw : L, MW that the step adds to what is in service
    step_commissioned_mw : L, MW of the step that have to be commissioned: ``step_rise_mw``, or 0 if the feed is live
    step_cost_musd : L
    change_site : C, index of the site, rising; the changes of a site are in the order of days
    change_day : C, day from which the limits of the row hold; none after the calendar end
    change_limit : C x R, limits in the order of LIMITED; the fields of these names hold until the first change
    offer_id : tuple of str, O
    kind : O, index into :data:`siteopt.equipment.KINDS`
    is_gas : O, bool, draws on the gas connection
    available_units : O, available units
    trade : O, index into TRADES
    crew_days, footprint_m2, energy_mwh, step_fraction : O, per unit
    own_load_mw : O, MW that one unit draws all the time that it is on site, such as the losses of a condenser
    inertia_s : O, inertia constant: energy of the shaft of a generator or condenser over its rating; virtual inertia of
        a battery
    droop : O, share of the nominal frequency by which the frequency falls from no load to full load; 0 for a battery
        that is not grid-forming
    overload : O, largest power of a grid-forming battery for a few seconds, as a multiple of its rating
    governor_s : O, time constant of governor and actuator
    ramp_per_s : O, share of its rating by which a generator can follow in a second beyond ``step_fraction``
    rocof_withstand_hz_per_s : O, rate of change of frequency that a generator withstands; infinite if none is known
    response_s : O, time constant of a battery
    heat_rate_mj_per_kwh, nox_g_per_kwh, fuel_usd_per_mwh : O, generators
    water_m3_per_mwh : O, chillers
    transit_days : S x O, days on the road
    arrival_day, ready_day : S x O
    rating_mw : S x O, ``firm_mw`` of generators, ``cap_mw`` of chillers, power of batteries, MVA of condensers
    cop : S x O, chillers (1 elsewhere)
    unit_cost_musd : S x O, mobilisation, haulage, rent over the term or price of one unit
    """

    milestone: tuple[str, ...]
    gpus: Ints
    it_mw: Floats
    operating_days: Ints
    auxiliary_load_fraction: float
    load_step_amplitude: float
    load_factor: float
    heat_fraction: float
    tower_heat_fraction: float
    liquid_heat_fraction: float
    distribution_asked: bool
    own_cooling_mw_per_mw: float
    own_cooling_m3_per_mwh: float
    crew_day: Ints
    crews: Floats
    spare_units: int
    ride_through_minutes: float
    commissioning_days: int
    commissioning_mw_per_day: float
    horizon_day: int
    budget_musd: float
    gpu_cost_musd: float
    accept_nonfirm: bool
    curtailment_hours: float
    pace: Pace
    shells: tuple[ShellType, ...]
    power_quality: PowerQuality
    order: tuple[int, ...]
    site_id: tuple[str, ...]
    grid_mw: Floats
    grid_swing_mw: Floats
    distribution_mw: Floats
    own_cooling_mw: Floats
    nonfirm_mw: Floats
    gas_mw: Floats
    nox_t_per_year: Floats
    water_m3_per_day: Floats
    fuel_trucks_per_day: Floats
    yard_m2: Floats
    grid_usd_per_mwh: Floats
    demand_usd_per_mw_month: Floats
    site_cost_musd: Floats
    works_musd: Floats
    handover_day: Ints
    hall_day: Ints
    hall_gpus_per_day: Floats
    hall_capacity_gpus: Floats
    building_site: Ints
    building_id: tuple[str, ...]
    building_day: Ints
    building_gpus_per_day: Floats
    building_gpus: Floats
    option_site: Ints
    option_shell: Ints
    option_day: Ints
    option_count: Ints
    option_cost_musd: Floats
    option_ready_day: Ints
    option_relaxed_day: Ints
    min_battery_mw: Floats
    min_inertia_mws: Floats
    compute_ready_day: Ints
    compute_queue: Ints
    queue_relaxed_day: Ints
    step_site: Ints
    step_ready_day: Ints
    step_rise_mw: Floats
    step_rise_swing_mw: Floats
    step_commissioned_mw: Floats
    step_cost_musd: Floats
    change_site: Ints
    change_day: Ints
    change_limit: Floats
    offer_id: tuple[str, ...]
    kind: Ints
    is_gas: NDArray[np.bool_]
    available_units: Ints
    trade: Ints
    crew_days: Floats
    footprint_m2: Floats
    energy_mwh: Floats
    step_fraction: Floats
    own_load_mw: Floats
    inertia_s: Floats
    droop: Floats
    overload: Floats
    governor_s: Floats
    ramp_per_s: Floats
    rocof_withstand_hz_per_s: Floats
    response_s: Floats
    heat_rate_mj_per_kwh: Floats
    nox_g_per_kwh: Floats
    fuel_usd_per_mwh: Floats
    water_m3_per_mwh: Floats
    transit_days: Ints
    arrival_day: Ints
    ready_day: Ints
    rating_mw: Floats
    cop: Floats
    unit_cost_musd: Floats

    def __post_init__(self) -> None:
        """Raise ValueError if an array has a wrong shape or holds a value that is not finite.

        PuLP silently drops a term whose coefficient is not a number, so no such value may get this far.
        """
        sizes = {"S": len(self.site_id), "O": len(self.offer_id), "M": len(self.milestone)}
        sizes |= {"L": len(self.step_site), "K": len(TRADES), "P": len(self.crew_day), "Q": len(QUEUES)}
        sizes |= {"C": len(self.change_site), "R": len(LIMITED)}
        sizes |= {"B": len(self.building_site), "V": len(self.option_site), "W": len(WORKS)}
        for name, axes in _AXES.items():
            array = getattr(self, name)
            shape = tuple(sizes[axis] for axis in axes)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, expected {axes} = {shape}")
            wrong = np.isnan(array) if name in (*_LIMITS, *_MINIMA) else ~np.isfinite(array)
            if wrong.any():
                raise ValueError(f"{name} holds a value that is not finite")
            array.setflags(write=False)
        if not set(self.kind.tolist()) <= set(range(len(KINDS))):
            raise ValueError("kind holds a number of no kind of equipment")

    def take(self, sites: Ints) -> Instance:
        """Return the Instance of some of the sites (indices), in the order given, with their grid steps and changes."""
        sites = np.asarray(sites, dtype=np.int64)
        part: dict[str, Any] = {name: getattr(self, name)[sites] for name, axes in _AXES.items() if axes[0] == "S"}
        for axis, name_of_owner in OWNERS.items():
            rows, owner = rows_of(getattr(self, name_of_owner), sites)
            part |= {name: getattr(self, name)[rows] for name, axes in _AXES.items() if axes[0] == axis}
            part[name_of_owner] = owner
            if axis == "B":
                part["building_id"] = tuple(self.building_id[row] for row in rows)
        return replace(self, site_id=tuple(self.site_id[s] for s in sites), **part)

    exact = optimistic = take
    """An Instance is a :class:`Pool` of its own sites."""

    def phases(self, day: Ints) -> Phases:
        """Return the phases of a plan at the only site, from the day of each milestone (M)."""
        return phases(day, self.change_day[self.falls])

    def on(self, day: int) -> Instance:
        """Return the only site with the limits that are in force on a day, and no changes of them."""
        if not len(self.change_day):
            return self
        last = int(np.searchsorted(self.change_day, day, side="right")) - 1
        in_force: dict[str, Any] = {} if last < 0 else dict(zip(LIMITED, self.change_limit[[last]].T, strict=True))
        return replace(self, **in_force, **self._without_changes)

    def windows(self, name: str) -> list[tuple[int, float]]:
        """Return a limit of the only site, one of LIMITED, by its days: from each day on, until the next one.

        The first day is 0, and each limit differs from the one before it.
        """
        days = [0, *self.change_day.tolist()]
        limits = [float(getattr(self, name)[0]), *self.change_limit[:, LIMITED.index(name)].tolist()]
        before = [None, *limits[:-1]]
        return [(day, limit) for day, limit, last in zip(days, limits, before, strict=True) if limit != last]

    def loosest(self) -> Instance:
        """Return the same sites with the highest that each limit ever is: every plan of theirs also holds here."""
        if not len(self.change_day):
            return self
        highest: dict[str, Any] = {name: getattr(self, name).copy() for name in LIMITED}
        for place, values in enumerate(highest.values()):
            np.maximum.at(values, self.change_site, self.change_limit[:, place])
        return replace(self, **highest, **self._without_changes)

    @property
    def _without_changes(self) -> dict[str, Any]:
        return {name: getattr(self, name)[:0] for name, axes in _AXES.items() if axes[0] == "C"}

    @property
    def falls(self) -> NDArray[np.bool_]:
        """Return whether some limit of the only site is lower from each change on than just before it; C."""
        base = np.array([[getattr(self, name)[0] for name in LIMITED]])
        before = np.concatenate([base, self.change_limit])[:-1]
        return np.asarray((self.change_limit < before).any(axis=1))

    def options_by(self, day: Sequence[int] | Ints) -> NDArray[np.bool_]:
        """Return for each option of shells whether the GPUs of its site are ready by these days (M or V x M); V."""
        return np.asarray((self.option_ready_day + self.commissioning_days <= np.asarray(day)).all(axis=1))

    @property
    def prepared_musd(self) -> Floats:
        """Return the cost of each site with the works that make it ready, but for new shells; S, million USD."""
        return np.asarray(self.site_cost_musd + self.works_musd.sum(axis=1))

    def shells_musd(self, day: Ints | None = None) -> Floats:
        """Return the least cost of new shells with which the GPUs of each site are ready by some days; S, million USD.

        If no option of a site keeps the days, or no days are given, it is the least of all its options; 0 without any.

        Parameters
        ----------
        day : S x M
        """
        cost, owner = self.option_cost_musd, self.option_site
        least = np.full(self.sites, np.inf)
        np.minimum.at(least, owner, cost)
        if day is not None:
            kept, keeps = np.full(self.sites, np.inf), self.options_by(day[owner])
            np.minimum.at(kept, owner[keeps], cost[keeps])
            least = np.where(np.isfinite(kept), kept, least)
        return np.where(np.isfinite(least), least, 0.0)

    def ready_musd(self, day: Ints | None = None) -> Floats:
        """Return the least cost of each site with its works, and new shells by some days (S x M); S, million USD."""
        return np.asarray(self.prepared_musd + self.shells_musd(day))

    def capped(self, budget_musd: float) -> Instance:
        """Return the same Instance with a budget of no more than this, million USD."""
        return replace(self, budget_musd=min(self.budget_musd, budget_musd))

    def crew_window(self, since: int, until: Ints | int) -> Ints:
        """Return the days of each period between two days, 0 if there are none; P on the last axis."""
        begin = np.maximum(self.crew_day, since)
        end = np.minimum(np.append(self.crew_day[1:], NEVER), np.asarray(until)[..., None])
        return np.maximum(0, end - begin)

    def crew_days_within(self, trade: int, since: int, until: Ints | int) -> Floats:
        """Return the crew-days of a trade from day ``since`` to day ``until``; like ``until``."""
        return np.asarray(self.crew_window(since, until) @ self.crews[trade])

    def limits_crews(self, trade: int) -> bool:
        """Return whether the crews of a trade are limited."""
        return bool(np.isfinite(self.crews[trade]).all())

    @property
    def most_musd(self) -> float:
        """Return the highest cost that still counts as the budget, million USD (see :mod:`siteopt.tolerances`)."""
        return self.budget_musd + BORDER * SAME_COST_MUSD

    @property
    def mean_below_peak(self) -> float:
        """Return the mean of the IT load less its peak, as a share of the peak: 0 or less."""
        return self.load_factor - 1

    @property
    def heat_mw(self) -> Floats:
        """Return the heat to remove, by chillers and by the sites' own towers; M, MW."""
        return self.it_mw * (self.heat_fraction + self.tower_heat_fraction)

    @property
    def own_heat_mw(self) -> Floats:
        """Return the most heat that each site's own towers may remove; S x M, MW."""
        return np.minimum(self.own_cooling_mw[:, None], self.it_mw * self.tower_heat_fraction)

    @property
    def requirements(self) -> list[Requirement]:
        """Return the requirements that the scenario asks for."""
        return [one for one in REQUIREMENTS if not one.asked_by or getattr(self, one.asked_by)]

    @property
    def import_limit_mw(self) -> Floats:
        """Return the MW that each site may import, firm or not; S."""
        return self.grid_mw + self.nonfirm_mw

    @property
    def import_usd_per_mwh(self) -> Floats:
        """Return the price of a MWh of steady import at each site: its energy, and its share of the demand; S."""
        return np.asarray(self.grid_usd_per_mwh + self.demand_usd_per_mw_month / HOURS_PER_MONTH)

    @property
    def must_carry_curtailment(self) -> NDArray[np.bool_]:
        """Return whether each site has non-firm import whose curtailment engines and batteries must carry; S."""
        return (self.nonfirm_mw > 0) & (not self.accept_nonfirm)

    @property
    def mw_through_curtailment(self) -> Floats:
        """Return the power that the energy of one unit lasts for through a curtailment, MW; O."""
        return self.energy_mwh / self.curtailment_hours

    @property
    def is_diesel(self) -> NDArray[np.bool_]:
        """Return which offers burn fuel that comes in trucks; O."""
        return self.supplies(MEAN_POWER) & ~self.is_gas & (self.heat_rate_mj_per_kwh > 0)

    @property
    def is_forming(self) -> NDArray[np.bool_]:
        """Return which offers are grid-forming batteries; O."""
        return self.supplies(BATTERY_POWER) & (self.droop > 0)

    @property
    def ride_through_hours(self) -> float:
        """Return the hours for which batteries carry the IT load."""
        return self.ride_through_minutes / 60

    def of_kind(self, name: str) -> NDArray[np.bool_]:
        """Return which offers are of a kind of equipment; O."""
        return self.kind == [kind.name for kind in KINDS].index(name)

    def of_stage(self, stage: str) -> NDArray[np.bool_]:
        """Return which offers stand in a stage of the plant; O."""
        return np.array([kind.stage == stage for kind in KINDS])[self.kind]

    def supplies(self, requirement: str) -> NDArray[np.bool_]:
        """Return which offers supply a requirement; O."""
        return np.array([requirement in kind.supplies for kind in KINDS])[self.kind]

    def per_unit(self, requirement: str, offers: Ints) -> tuple[Floats, Floats]:
        """Return what one unit of each offer supplies: for each MW of its rating, and besides; J each."""
        per_mw, besides = np.zeros(len(offers)), np.zeros(len(offers))
        for index in np.unique(self.kind[offers]).tolist():
            amount = KINDS[index].supplies.get(requirement)
            if amount is not None:
                mine = self.kind[offers] == index
                (per_mw if amount.per_mw else besides)[mine] = self._factor(amount)[offers[mine]]
        return per_mw, besides

    def _factor(self, amount: Amount) -> Floats:
        return np.asarray(getattr(self, amount.field)) if amount.field else np.ones(self.offers)

    def supply(self, requirement: str, offers: Ints) -> Floats:
        """Return what one unit of each offer (indices, J) supplies at each site; S x J."""
        per_mw, besides = self.per_unit(requirement, offers)
        return np.take(self.rating_mw, offers, axis=1) * per_mw + besides

    def own_supply(self, requirement: Requirement) -> tuple[Floats, Floats]:
        """Return what each site supplies itself at each milestone, and what each grid step adds to it; S x M and L."""
        if not requirement.own:
            return np.zeros((self.sites, self.milestones)), np.zeros(len(self.step_site))
        site, *step = requirement.own
        base = getattr(self, site)
        base = np.broadcast_to(base if base.ndim > 1 else base[:, None], (self.sites, self.milestones))
        return base, getattr(self, step[0]) if step else np.zeros(len(self.step_site))

    def own_changes(self, requirement: Requirement) -> Floats:
        """Return what the site itself supplies from each change of its limits on; C, or empty if no change matters."""
        own = requirement.own[:1]
        names = ("grid_mw", "nonfirm_mw") if own == ("import_limit_mw",) else own
        if not names or not set(names) <= set(LIMITED):
            return np.zeros(0)
        return np.asarray(self.change_limit[:, [LIMITED.index(name) for name in names]].sum(axis=1))

    def holds(self, requirement: Requirement) -> NDArray[np.bool_]:
        """Return at which sites a requirement holds; S."""
        return getattr(self, requirement.where) if requirement.where else np.ones(self.sites, dtype=bool)

    def need(self, requirement: Requirement) -> Floats:
        """Return the part of a need that no choice changes, where the requirement holds; S x M."""
        product = np.full((self.sites, self.milestones), float(bool(requirement.need)))
        if requirement.where:
            product = product * self.holds(requirement)[:, None]
        for name in requirement.need:
            product = product * getattr(self, name)
        return product

    def size(self, requirement: Requirement) -> Floats:
        """Return the size of a need, of which tolerances are a share (see :mod:`siteopt.tolerances`); S x M."""
        fixed = self.need(requirement)
        size = np.maximum(np.where(np.isfinite(fixed), np.abs(fixed), 0), requirement.of_demand * self.it_mw)
        return size * self.holds(requirement)[:, None] if requirement.where else size

    def by_spare(self) -> Iterator[tuple[str, Ints]]:
        """Yield the offers that have units, by the first requirement that they have to meet without spare units, too.

        The name is that of the requirement, or '' for offers of kinds that need no spare units.
        """
        left = self.available_units > 0
        for requirement in REQUIREMENTS:
            if requirement.spared:
                mine = left & self.supplies(requirement.name)
                left = left & ~mine
                yield requirement.name, np.flatnonzero(mine)
        yield "", np.flatnonzero(left)

    @property
    def musd_per_mw(self) -> Floats:
        """Return the cost of one MW over ``operating_days``, at one US dollar a MWh; M, million USD."""
        return self.operating_days * 24 / 1e6

    @property
    def sites(self) -> int:
        """Return the number of sites."""
        return len(self.site_id)

    @property
    def offers(self) -> int:
        """Return the number of offers."""
        return len(self.offer_id)

    @property
    def milestones(self) -> int:
        """Return the number of milestones."""
        return len(self.milestone)


def rows_of(owners: Ints, sites: Ints) -> tuple[Ints, Ints]:
    """Return the indices of the rows of some sites, and the place in ``sites`` of the site of each row.

    Parameters
    ----------
    owners : index of the site of each row (a grid step, a building, an option of shells), rising
    """
    first, last = (np.searchsorted(owners, sites, side) for side in ("left", "right"))
    owner = np.repeat(np.arange(len(sites)), last - first)
    return np.arange(len(owner)) - (np.cumsum(last - first) - last)[owner], owner


class Pool(Protocol):
    """Any number of sites, which makes an Instance of those that are asked for.

    A million sites times a hundred offers do not fit into memory at once, and few of the sites need exact distances.
    """

    @property
    def site_id(self) -> Sequence[str]:
        """Return the ids of the sites, sorted."""

    def exact(self, sites: Ints) -> Instance:
        """Return the Instance of these sites (indices into the pool), in the order given."""

    def optimistic(self, sites: Ints) -> Instance:
        """Return an optimistic Instance of these sites.

        No day is later and no cost higher than in the exact Instance, and all else is equal.
        """


_LIMITS = (
    *("crews", "gas_mw", "nox_t_per_year", "water_m3_per_day", "yard_m2", "hall_capacity_gpus"),
    *("fuel_trucks_per_day", "change_limit", "rocof_withstand_hz_per_s"),
)
"""Arrays that may be infinite, which means that there is no limit."""

_MINIMA = ("min_battery_mw", "min_inertia_mws")
"""Arrays that may be infinite, which means that no amount is sufficient."""

OWNERS = {"L": "step_site", "C": "change_site", "B": "building_site", "V": "option_site"}
"""Fields with the site of each row, by the axes of which a site has any number of rows."""

_AXES = {
    **dict.fromkeys(("gpus", "it_mw", "operating_days"), "M"),
    "crew_day": "P",
    "crews": "KP",
    **dict.fromkeys(("building_site", "building_day", "building_gpus_per_day", "building_gpus"), "B"),
    **dict.fromkeys(("option_site", "option_shell", "option_day", "option_count"), "V"),
    "option_cost_musd": "V",
    "option_ready_day": "VM",
    "option_relaxed_day": "VMQ",
    **dict.fromkeys(
        (
            *LIMITED,
            "own_cooling_mw",
            "yard_m2",
            "grid_usd_per_mwh",
            "demand_usd_per_mw_month",
            "site_cost_musd",
            "handover_day",
            "hall_day",
            "hall_gpus_per_day",
            "hall_capacity_gpus",
        ),
        "S",
    ),
    **dict.fromkeys(("compute_ready_day", "compute_queue", "min_battery_mw", "min_inertia_mws"), "SM"),
    "queue_relaxed_day": "SMQ",
    "works_musd": "SW",
    **dict.fromkeys(("step_site", "step_ready_day", "step_rise_mw", "step_rise_swing_mw", "step_cost_musd"), "L"),
    "step_commissioned_mw": "L",
    **dict.fromkeys(("change_site", "change_day"), "C"),
    "change_limit": "CR",
    **dict.fromkeys(("transit_days", "arrival_day", "ready_day", "rating_mw", "cop", "unit_cost_musd"), "SO"),
    **dict.fromkeys(
        (
            "kind",
            "is_gas",
            "available_units",
            "trade",
            "crew_days",
            "footprint_m2",
            "energy_mwh",
            "step_fraction",
            "own_load_mw",
            "inertia_s",
            "droop",
            "overload",
            "governor_s",
            "ramp_per_s",
            "rocof_withstand_hz_per_s",
            "response_s",
            "heat_rate_mj_per_kwh",
            "nox_g_per_kwh",
            "fuel_usd_per_mwh",
            "water_m3_per_mwh",
        ),
        "O",
    ),
}
assert set(_AXES) <= {field.name for field in fields(Instance)}
