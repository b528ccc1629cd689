"""The waist of siteopt: plain arrays with units. Before it files and maps, after it mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from siteopt.tolerances import BORDER, SAME_COST_MUSD

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 1_000_000
"""A day that does not come."""

TRADES = ("electrical", "mechanical")
"""Trades, in the order of every array by trade (K)."""

QUEUES = ("halls", "liquid loop", "GPU deliveries", "rack installation", "network", "floor area")
"""What can hold the GPUs of a milestone back, in the order that ``compute_queue`` counts."""


@dataclass(frozen=True)
class Pace:
    """What the compute queues pass on, in GPUs a day, the same at every site.

    Attributes
    ----------
    delivery_day, delivered_gpus : arrays
        The ladder: from each day on, so many GPUs have been delivered in all.
    """

    delivery_day: Ints
    delivered_gpus: Ints
    loop_per_day: float
    racks_per_day: float
    network_per_day: float
    bringup_days: int


@dataclass(frozen=True)
class PowerQuality:
    """What the plant has to live through, and how well.

    Attributes
    ----------
    iso_class : str
        Class of ISO 8528-5 that is asked for (``G1`` to ``G3``); empty where none is.
    frequency_hz : float
        Nominal frequency.
    swing_period_s, swing_edge_s : float
        Period of the routine swing, and the time in which the load falls or rises.
    job_step : float
        Share of the IT peak that falls away when a job stops, and comes back when it starts.
    job_stop_s, job_start_s : float
        Times in which a job stops and starts.
    grid_loss : bool
        Whether the class is asked for on the loss of the grid, too.
    waveform_s, waveform_share : tuple of float
        A sampled IT load, as a share of ``it_mw``, over the time in seconds; empty where there is none.
    """

    iso_class: str
    frequency_hz: float
    swing_period_s: float
    swing_edge_s: float
    job_step: float
    job_stop_s: float
    job_start_s: float
    grid_loss: bool
    waveform_s: tuple[float, ...]
    waveform_share: tuple[float, ...]


@dataclass(frozen=True)
class Instance:
    """Everything that the optimizer may know.

    Axes: S sites, O offers, M milestones, L grid steps, K trades, Q queues. Sites and offers are sorted by id, so that
    the order of rows in a table changes nothing. Days count from the decision (day 0); money is in millions of USD.

    Attributes
    ----------
    milestone : tuple of str, M
    gpus : M, cumulative
    it_mw : M, MW, peak of the IT load
    hold_days : M, days for which energy is paid
    overhead, swing, mean_load, heat_fraction : shares of ``it_mw``
    crews : K, crews at work at once
    spare_units, ride_through_minutes, commissioning_days, horizon_day : as in the scenario
    budget_musd, gpu_cost_musd : million USD
    pace : Pace
    power_quality : PowerQuality
    order : objective, as indices of milestones with -1 for cost
    site_id : tuple of str, S
    grid_mw, grid_swing_mw : S, MW at access
    gas_mw (MW thermal), nox_t_per_year, water_m3_per_day, yard_m2 : S; infinite where there is no limit
    grid_usd_per_mwh, site_cost_musd : S
    access_day : S, day of the keys
    hall_gpus_per_day : S, GPUs for which hall is made ready a day
    floor_gpus : S, GPUs for which there is hall
    battery_floor_mw : S x M, MW of batteries that must be there at least
    inertia_floor_mws : S x M, MW s of ``inertia_s x firm_mw x units`` that must be there at least
    compute_ready_day : S x M, day on which the GPUs are racked, plumbed and networked (NEVER: they cannot be)
    compute_queue : S x M, index into QUEUES of the queue that decides ``compute_ready_day``
    queue_free_day : S x M x Q, ``compute_ready_day`` if that one of the QUEUES were free (NEVER: still not)
    step_site : L, index of the site, rising; steps of a site follow each other by day
    step_ready_day : L
    step_rise_mw, step_rise_swing_mw : L, MW added to what is in service
    step_cost_musd : L
    offer_id : tuple of str, O
    is_generator, is_chiller, is_battery : O, bool
    is_gas : O, bool, draws on the gas connection
    fleet : O, units that may be had at most
    trade : O, index into TRADES
    crew_days, footprint_m2, energy_mwh, step_fraction : O, per unit
    inertia_s : O, inertia constant of a generator: energy of its shaft over its rating
    droop : O, share of the nominal frequency by which it falls from no to full load
    governor_s : O, time constant of governor and actuator
    ramp_per_s : O, share of its rating by which a generator can follow in a second beyond ``step_fraction``
    response_s : O, time constant of a battery
    heat_rate_mj_per_kwh, nox_g_per_kwh, fuel_usd_per_mwh : O, generators
    water_m3_per_mwh : O, chillers
    transit_days : S x O, days on the road
    arrival_day, ready_day : S x O
    rating_mw : S x O, ``firm_mw`` of generators, ``cap_mw`` of chillers, power of batteries
    cop : S x O, chillers (1 elsewhere)
    unit_cost_musd : S x O, mobilisation, haulage, rent over the term or price of one unit
    """

    milestone: tuple[str, ...]
    gpus: Ints
    it_mw: Floats
    hold_days: Ints
    overhead: float
    swing: float
    mean_load: float
    heat_fraction: float
    crews: Floats
    spare_units: int
    ride_through_minutes: float
    commissioning_days: int
    horizon_day: int
    budget_musd: float
    gpu_cost_musd: float
    pace: Pace
    power_quality: PowerQuality
    order: tuple[int, ...]
    site_id: tuple[str, ...]
    grid_mw: Floats
    grid_swing_mw: Floats
    gas_mw: Floats
    nox_t_per_year: Floats
    water_m3_per_day: Floats
    yard_m2: Floats
    grid_usd_per_mwh: Floats
    site_cost_musd: Floats
    access_day: Ints
    hall_gpus_per_day: Floats
    floor_gpus: Floats
    battery_floor_mw: Floats
    inertia_floor_mws: Floats
    compute_ready_day: Ints
    compute_queue: Ints
    queue_free_day: Ints
    step_site: Ints
    step_ready_day: Ints
    step_rise_mw: Floats
    step_rise_swing_mw: Floats
    step_cost_musd: Floats
    offer_id: tuple[str, ...]
    is_generator: NDArray[np.bool_]
    is_chiller: NDArray[np.bool_]
    is_battery: NDArray[np.bool_]
    is_gas: NDArray[np.bool_]
    fleet: Ints
    trade: Ints
    crew_days: Floats
    footprint_m2: Floats
    energy_mwh: Floats
    step_fraction: Floats
    inertia_s: Floats
    droop: Floats
    governor_s: Floats
    ramp_per_s: Floats
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
        """Raise ValueError where an array has a wrong shape or holds a value that is not finite.

        PuLP drops a term whose coefficient is not a number without a word, so none may come this far.
        """
        sizes = {"S": len(self.site_id), "O": len(self.offer_id), "M": len(self.milestone)}
        sizes |= {"L": len(self.step_site), "K": len(TRADES), "Q": len(QUEUES)}
        for name, axes in _AXES.items():
            array = getattr(self, name)
            shape = tuple(sizes[axis] for axis in axes)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, expected {axes} = {shape}")
            if np.isnan(array).any() or (name not in (*_LIMITS, *_FLOORS) and np.isinf(array).any()):
                raise ValueError(f"{name} holds a value that is not finite")
            array.setflags(write=False)

    def take(self, sites: Ints) -> Instance:
        """The Instance of some of the sites (indices), in the order given, with their grid steps."""
        sites = np.asarray(sites, dtype=np.int64)
        steps, owner = steps_of(self.step_site, sites)
        part = {name: getattr(self, name)[sites] for name, axes in _AXES.items() if axes[0] == "S"}
        part |= {name: getattr(self, name)[steps] for name, axes in _AXES.items() if axes[0] == "L"}
        part["step_site"] = owner
        return replace(self, site_id=tuple(self.site_id[s] for s in sites), **part)

    exact = optimistic = take
    """An Instance is a :class:`Pool` of its own sites."""

    def capped(self, budget_musd: float) -> Instance:
        """The same with no more money than this."""
        return replace(self, budget_musd=min(self.budget_musd, budget_musd))

    @property
    def most_musd(self) -> float:
        """The most that a plan may cost: a budget is kept to the same cost (:mod:`siteopt.tolerances`); million USD."""
        return self.budget_musd + BORDER * SAME_COST_MUSD

    @property
    def musd_per_mw(self) -> Floats:
        """What a MW costs that is held for ``hold_days``, at one US dollar a MWh; M, million USD."""
        return self.hold_days * 24 / 1e6

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.site_id)

    @property
    def offers(self) -> int:
        """Number of offers."""
        return len(self.offer_id)

    @property
    def milestones(self) -> int:
        """Number of milestones."""
        return len(self.milestone)


def steps_of(step_site: Ints, sites: Ints) -> tuple[Ints, Ints]:
    """Indices of the grid steps of these sites, and the place of the site of each among them.

    Parameters
    ----------
    step_site : L, index of the site of each step, rising
    """
    first, last = (np.searchsorted(step_site, sites, side) for side in ("left", "right"))
    owner = np.repeat(np.arange(len(sites)), last - first)
    return np.arange(len(owner)) - (np.cumsum(last - first) - last)[owner], owner


class Pool(Protocol):
    """Any number of sites, as an Instance of those that are asked for.

    A million sites times a hundred offers do not fit into memory at once, and few of them need exact distances.
    """

    @property
    def site_id(self) -> Sequence[str]:
        """Ids of the sites, sorted."""

    def exact(self, sites: Ints) -> Instance:
        """The Instance of these sites (indices into the pool), in the order given."""

    def optimistic(self, sites: Ints) -> Instance:
        """The same, and sooner: no day is later and no cost higher than the exact one, and all else is equal."""


_LIMITS = ("crews", "gas_mw", "nox_t_per_year", "water_m3_per_day", "yard_m2", "floor_gpus")
"""May be infinite: no limit."""

_FLOORS = ("battery_floor_mw", "inertia_floor_mws")
"""May be infinite: nothing suffices."""

_AXES = {
    **dict.fromkeys(("gpus", "it_mw", "hold_days"), "M"),
    "crews": "K",
    **dict.fromkeys(
        (
            "grid_mw",
            "grid_swing_mw",
            "gas_mw",
            "nox_t_per_year",
            "water_m3_per_day",
            "yard_m2",
            "grid_usd_per_mwh",
            "site_cost_musd",
            "access_day",
            "hall_gpus_per_day",
            "floor_gpus",
        ),
        "S",
    ),
    **dict.fromkeys(("compute_ready_day", "compute_queue", "battery_floor_mw", "inertia_floor_mws"), "SM"),
    "queue_free_day": "SMQ",
    **dict.fromkeys(("step_site", "step_ready_day", "step_rise_mw", "step_rise_swing_mw", "step_cost_musd"), "L"),
    **dict.fromkeys(("transit_days", "arrival_day", "ready_day", "rating_mw", "cop", "unit_cost_musd"), "SO"),
    **dict.fromkeys(
        (
            "is_generator",
            "is_chiller",
            "is_battery",
            "is_gas",
            "fleet",
            "trade",
            "crew_days",
            "footprint_m2",
            "energy_mwh",
            "step_fraction",
            "inertia_s",
            "droop",
            "governor_s",
            "ramp_per_s",
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
