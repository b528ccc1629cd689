"""Hold any number of eligible sites, and make an Instance of some of them.

Data of a site or of an offer are derived once. Data of a pair of both (days, ratings, costs) are derived only for the
sites of an Instance, because a million sites by all offers would not fit into memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siteopt.construction import Crews
from siteopt.equipment import COOLING, INERTIA, KINDS, MEAN_POWER, REQUIREMENTS, RIDE_THROUGH, suppliers
from siteopt.geodata.derating import chiller_factors, cooler_factor, firm_mw
from siteopt.geodata.distances import geodesic_km, least_km
from siteopt.geodata.halls import fitout_work, hall_arrays, relaxed_days
from siteopt.geodata.limits import Timelines
from siteopt.geodata.machines import answers, forming_answers
from siteopt.instance import OWNERS, QUEUES, TRADES, Floats, Instance, Ints, PowerQuality, rows_of
from siteopt.pace import Pace
from siteopt.scenario import COST, Scenario, Supply
from siteopt.schema import DEMAND, OFFERS, Answer, Fuel, Machine
from siteopt.tolerances import HAIR


@dataclass(frozen=True)
class Haulage:
    """Roads from the depots to the sites; several offers may be at one depot.

    Attributes
    ----------
    depots : D x 2, longitude and latitude
    depot_of : O
    circuity, truck_km_per_day : float
    """

    depots: Floats
    depot_of: Ints
    circuity: float
    truck_km_per_day: float

    def transit_days(self, road_km: Floats) -> Ints:
        """Return whole days on the road; S x D, like ``road_km``."""
        return np.ceil(road_km / self.truck_km_per_day - HAIR).astype(np.int64)


@dataclass(frozen=True)
class Units:
    """Types of units; offers of one type have the same ratings, whatever their depots.

    Attributes
    ----------
    traits : T x 10, one row a type
    type_of : O
    coolant_c : float
    """

    traits: Floats
    type_of: Ints
    coolant_c: float

    def at(self, air_c: Floats, wet_bulb_c: Floats, elevation_m: Floats) -> tuple[Floats, Floats]:
        """Return rating (MW) and COP of every offer at every site; S x O each."""
        unit_mw, per_c, above_c, per_km, above_m, cop, approach_c, is_chiller, is_compressor, is_wet = self.traits.T
        air = air_c[:, None]
        firm = firm_mw(unit_mw, per_c, above_c, per_km, above_m, air, elevation_m[:, None])
        capacity, relative_cop = chiller_factors(self.coolant_c, air)
        around = np.where(is_wet, wet_bulb_c[:, None], air)
        capacity = np.where(is_compressor, capacity, cooler_factor(approach_c, self.coolant_c, around))
        relative_cop = np.where(is_compressor, relative_cop, 1.0)
        rating = np.where(is_chiller, unit_mw * capacity, firm)
        cop_there = np.where(is_chiller, cop * relative_cop, 1.0)
        return np.take(rating, self.type_of, axis=1), np.take(cop_there, self.type_of, axis=1)


@dataclass(frozen=True)
class SitePool:
    """Any number of eligible sites; the pool makes an Instance of some of them.

    Attributes
    ----------
    site_id : tuple of str, S, sorted
    lon_lat : S x 2, longitude and latitude
    earliest_day : S x 2, earliest day on which units can arrive, and earliest day for generators
    air_c, wet_bulb_c, elevation_m : S
    by_site : dict
        Fields of the Instance by site.
    by_row : dict
        Fields of the Instance by grid step, building and option of shells, by these axes; ``step_site`` and the like
        hold indices into this pool.
    building_id : B
    timelines : Timelines
        How the limits of the sites change.
    swing_share : float
        Share of a rise of the grid by which the swing that it accepts rises.
    common : dict
        Fields of the Instance that do not depend on the sites.
    haulage : Haulage
    units : Units
    emits : O, bool, needs the air permit
    lead_days, install_days, price_usd, usd_per_km : O
    """

    site_id: tuple[str, ...]
    lon_lat: Floats
    earliest_day: Ints
    air_c: Floats
    wet_bulb_c: Floats
    elevation_m: Floats
    by_site: Mapping[str, np.ndarray]
    by_row: Mapping[str, Mapping[str, np.ndarray]]
    building_id: np.ndarray
    timelines: Timelines
    swing_share: float
    common: Mapping[str, Any]
    haulage: Haulage
    units: Units
    emits: NDArray[np.bool_]
    lead_days: Ints
    install_days: Ints
    price_usd: Floats
    usd_per_km: Floats

    def exact(self, sites: Ints) -> Instance:
        """Return the Instance of these sites (indices into the pool), in the order given."""
        return self._instance(sites, exact=True)

    def optimistic(self, sites: Ints) -> Instance:
        """Return an optimistic Instance of these sites quickly, from lower bounds of the distances.

        No day is later and no cost is higher than in the exact Instance; everything else is the same. The days with
        one queue unlimited are 0, which is never later.
        """
        return self._instance(sites, exact=False)

    def _instance(self, sites: Ints, *, exact: bool) -> Instance:
        distance_km = geodesic_km if exact else least_km
        road_km = distance_km(self.lon_lat[sites], self.haulage.depots) * self.haulage.circuity
        transit = np.take(self.haulage.transit_days(road_km), self.haulage.depot_of, axis=1)
        arrival = transit + self.lead_days
        np.maximum(arrival, np.take(self.earliest_day[sites], self.emits.astype(np.int64), axis=1), out=arrival)
        cost = np.take(road_km, self.haulage.depot_of, axis=1)
        cost *= self.usd_per_km
        cost += self.price_usd
        cost /= 1e6
        rating, cop = self.units.at(self.air_c[sites], self.wet_bulb_c[sites], self.elevation_m[sites])
        taken: dict[str, Any] = {name: values[sites] for name, values in self.by_site.items()}
        for axis, values_of in self.by_row.items():
            rows, owner = rows_of(values_of[OWNERS[axis]], sites)
            taken |= {name: values[rows] for name, values in values_of.items()}
            taken[OWNERS[axis]] = owner
            if axis == "B":
                taken["building_id"] = tuple(self.building_id[rows])
        taken |= self.timelines.of(sites, taken, self.swing_share)
        if exact:
            taken |= relaxed_days(self.common["gpus"], self.common["pace"], self.common["shells"], taken)
        else:
            taken |= _earliest_relaxed_days(taken)
        return Instance(
            site_id=tuple(map(self.site_id.__getitem__, sites.tolist())),
            **self.common,
            **taken,
            min_battery_mw=np.zeros((len(sites), len(self.common["gpus"]))),
            min_inertia_mws=np.zeros((len(sites), len(self.common["gpus"]))),
            transit_days=transit,
            arrival_day=arrival,
            ready_day=arrival + self.install_days,
            rating_mw=rating,
            cop=cop,
            unit_cost_musd=cost,
        )


def _earliest_relaxed_days(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return 0 for the days of :func:`relaxed_days`; read-only arrays that take no memory."""
    like = {"queue_relaxed_day": "compute_ready_day", "option_relaxed_day": "option_ready_day"}
    return {name: np.broadcast_to(np.int64(0), (*known[of].shape, len(QUEUES))) for name, of in like.items()}


def power_quality(scenario: Scenario, waveform: pd.DataFrame) -> PowerQuality:
    """Return the power quality that the scenario requires, with the samples of its waveform, sorted by time."""
    asked = scenario.power_quality
    times, shares = (tuple(waveform[name].astype(float)) for name in ("time_s", "it_share"))
    return PowerQuality(
        asked.iso_class or "",
        **asked.model_dump(exclude={"iso_class", "rocof_limit_hz_per_s", "ramp_limit_mw_per_min", "waveform"}),
        rocof_limit_hz_per_s=asked.rocof_limit_hz_per_s or 0.0,
        ramp_limit_mw_per_min=asked.ramp_limit_mw_per_min or np.inf,
        waveform_s=times,
        waveform_share=shares,
    )


def site_pool(
    scenario: Scenario,
    sites: pd.DataFrame,
    offers: pd.DataFrame,
    steps: pd.DataFrame,
    buildings: pd.DataFrame,
    quality: PowerQuality,
    limits: Timelines,
) -> SitePool:
    """Return the pool of the eligible sites.

    Parameters
    ----------
    sites : DataFrame
        Eligible sites by site_id, sorted; the columns of the candidates table, with blanks filled.
    offers : DataFrame
        Offers by offer_id, sorted.
    steps : DataFrame
        Grid steps of these sites, sorted by site and ``day``.
    buildings : DataFrame
        Buildings of these sites, sorted by site and id, with the ``day`` of the roof.
    quality : PowerQuality
        Result of :func:`power_quality`.
    limits : Timelines
        How the limits of these sites change.
    """
    workload, supply, common = scenario.workload, scenario.supply, _of_scenario(scenario)
    offers = _net(offers[_helps(common, offers) & _is_clean(supply, offers)])

    def site(column: str) -> Floats:
        return sites[column].to_numpy(dtype=float)

    pace = _pace(scenario)
    halls = hall_arrays(scenario, sites, buildings, pace)
    permit = np.ceil(site("air_permit_days")).astype(np.int64)
    yard_day = halls.by_site["handover_day"] + supply.yard_prep_days
    grid_mw, swing_share = site("grid_mw"), scenario.defaults.grid_swing_share
    step_site = sites.index.get_indexer(steps["site_id"]).astype(np.int64)
    rise = _rise(steps, grid_mw, step_site)
    price = offers["purchase_usd"].fillna(offers["rent_usd_per_month"] * scenario.project.term_months)
    return SitePool(
        site_id=tuple(sites.index.to_numpy(dtype=object)),
        lon_lat=sites[["longitude", "latitude"]].to_numpy(dtype=float),
        earliest_day=np.stack([yard_day, np.maximum(yard_day, permit)], axis=1),
        air_c=site("design_temp_c"),
        wet_bulb_c=sites["design_wet_bulb_c"].fillna(sites["design_temp_c"]).to_numpy(dtype=float),
        elevation_m=site("elevation_m"),
        by_site={
            "grid_mw": grid_mw,
            "grid_swing_mw": sites["grid_swing_mw"].fillna(sites["grid_mw"] * swing_share).to_numpy(dtype=float),
            "distribution_mw": np.nan_to_num(site("distribution_mw")),
            "own_cooling_mw": np.nan_to_num(site("own_cooling_mw")),
            "gas_mw": site("gas_mw"),
            "nonfirm_mw": np.zeros(len(sites)),
            "fuel_trucks_per_day": np.full(len(sites), np.inf),
            "nox_t_per_year": sites["nox_limit_t_per_year"].fillna(np.inf).to_numpy(dtype=float),
            "water_m3_per_day": site("water_m3_per_day"),
            "yard_m2": site("yard_area_m2"),
            "grid_usd_per_mwh": site("grid_usd_per_mwh"),
            "demand_usd_per_mw_month": site(DEMAND),
            "site_cost_musd": site("site_cost_usd") / 1e6,
            **halls.by_site,
        },
        by_row={
            "L": {
                "step_site": step_site,
                "step_ready_day": steps["day"].to_numpy(dtype=np.int64),
                "step_rise_mw": rise,
                "step_rise_swing_mw": rise * swing_share,
                "step_commissioned_mw": np.where(steps["live_feed"] == Answer.YES, 0.0, rise),
                "step_cost_musd": steps["cost_usd"].astype(float).fillna(0).to_numpy() / 1e6,
            },
            "B": halls.by_building,
            "V": halls.by_option,
        },
        building_id=halls.building_id,
        timelines=limits,
        swing_share=swing_share,
        common=common | _of_offers(scenario, offers) | {"pace": pace, "shells": halls.shells, "power_quality": quality},
        haulage=_haulage(supply, offers),
        units=_units(workload.coolant_c, offers),
        emits=_supplying(MEAN_POWER, offers) & ~_is_fuel_cell(offers),
        lead_days=np.ceil(_offer(offers, "lead_days")).astype(np.int64),
        install_days=np.ceil(_offer(offers, "install_days")).astype(np.int64),
        price_usd=price.to_numpy(dtype=float) + _offer(offers, "mobilisation_usd"),
        usd_per_km=_offer(offers, "trailers") * supply.haulage_usd_per_km,
    )


def _helps(common: Mapping[str, Any], offers: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which offers supply a requirement that the scenario asks for; O."""
    asked = [one.name for one in REQUIREMENTS if not one.asked_by or common[one.asked_by]]
    return np.logical_or.reduce([_supplying(name, offers) for name in asked])


def _net(offers: pd.DataFrame) -> pd.DataFrame:
    """Return the offers with ratings, heat rates and emissions of what generators deliver beside their own use."""
    delivered = np.where(_supplying(MEAN_POWER, offers), 1 - _offer(offers, "own_use_share"), 1.0)
    net = {name: offers[name].astype(float) / delivered for name in ("heat_rate_mj_per_kwh", "nox_g_per_kwh")}
    return offers.assign(unit_mw=offers["unit_mw"].astype(float) * delivered, **net)


def _is_clean(supply: Supply, offers: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which offers emit no more nitrogen oxides for a kWh than the scenario allows; O."""
    most = np.inf if supply.max_nox_g_per_kwh is None else supply.max_nox_g_per_kwh
    return _offer(offers, "nox_g_per_kwh") <= most


def _offer(offers: pd.DataFrame, column: str) -> Floats:
    """Return a column of numbers; blanks are the default of the schema, or 0."""
    return offers[column].astype(float).fillna(OFFERS[column].default or 0.0).to_numpy(dtype=float)


def _pace(scenario: Scenario) -> Pace:
    compute, building, gpus_per_mw = scenario.compute, scenario.building, 1000 / scenario.workload.it_kw_per_gpu
    fitout = fitout_work(scenario)
    return Pace(
        np.array([delivery.day for delivery in compute.deliveries]),
        np.array([delivery.gpus for delivery in compute.deliveries]),
        building.liquid_loop_mw_per_day * gpus_per_mw * fitout,
        compute.install_gpus_per_day,
        compute.network_gpus_per_day,
        compute.network_bringup_days,
        _rate(building.site_fitout_m2_per_day, gpus_per_mw / building.hall_m2_per_mw * fitout),
        _rate(scenario.supply.commissioning_mw_per_day, gpus_per_mw),
    )


def _rate(amount: float | None, factor: float = 1.0) -> float:
    """Return a rate of the scenario times a factor; infinite if the scenario does not limit it."""
    return np.inf if amount is None else amount * factor


def _of_scenario(scenario: Scenario) -> dict[str, Any]:
    """Return the fields of the Instance that depend only on the scenario."""
    workload, supply, project = scenario.workload, scenario.supply, scenario.project
    crew_day, crews = _crews(scenario.crews)
    names = [milestone.name for milestone in scenario.milestones]
    gpus = np.array([milestone.gpus for milestone in scenario.milestones], dtype=np.int64)
    power_cap = np.array([milestone.power_cap for milestone in scenario.milestones])
    return {
        "milestone": tuple(names),
        "gpus": gpus,
        "it_mw": gpus * workload.it_kw_per_gpu / 1000 * power_cap,
        "operating_days": np.array([milestone.operating_days for milestone in scenario.milestones], dtype=np.int64),
        "auxiliary_load_fraction": workload.auxiliary_load_fraction,
        "load_step_amplitude": workload.load_step_amplitude,
        "load_factor": workload.load_factor,
        "heat_fraction": workload.heat_fraction,
        "tower_heat_fraction": workload.tower_heat_fraction,
        "liquid_heat_fraction": workload.liquid_heat_fraction,
        "distribution_asked": scenario.defaults.distribution_share_of_grid is not None,
        "own_cooling_mw_per_mw": workload.own_cooling_kw_per_mw / 1000,
        "own_cooling_m3_per_mwh": workload.own_cooling_m3_per_mwh,
        "crew_day": crew_day,
        "crews": crews,
        "spare_units": supply.spare_units,
        "ride_through_minutes": supply.ride_through_minutes,
        "commissioning_days": supply.commissioning_days,
        "commissioning_mw_per_day": _rate(supply.commissioning_mw_per_day),
        "horizon_day": project.horizon_days,
        "budget_musd": project.budget_usd / 1e6,
        "accept_nonfirm": scenario.grid.accept_nonfirm,
        "curtailment_hours": scenario.grid.curtailment_hours_in_a_row,
        "gpu_cost_musd": float(gpus[-1]) * workload.gpu_price_usd / 1e6,
        "order": tuple(-1 if name == COST else names.index(name) for name in scenario.order),
    }


def _crews(crews: Crews) -> tuple[Ints, Floats]:
    """Return the first day of each period with the same crews (P), and the crew-days of each trade a day (K x P)."""
    calendars = [crews.calendar(trade) for trade in TRADES]
    days = sorted({period.day for calendar in calendars for period in calendar})
    numbers = [[[one.crews for one in calendar if one.day <= day][-1] for day in days] for calendar in calendars]
    return np.array(days, dtype=np.int64), np.array(numbers, dtype=float) * crews.crew_days_per_day


def _of_offers(scenario: Scenario, offers: pd.DataFrame) -> dict[str, Any]:
    """Return the fields of the Instance that have one value for each offer."""
    is_machine, is_store = _supplying(MEAN_POWER, offers), _supplying(RIDE_THROUGH, offers)
    is_gas = is_machine & (offers["fuel"] == Fuel.GAS).to_numpy()
    is_condenser = _supplying(INERTIA, offers) & ~is_machine & ~is_store
    machines = {name: np.where(is_machine, values, 0.0) for name, values in answers(offers).items()}
    stores = {name: np.where(is_store, values, 0.0) for name, values in forming_answers(offers).items()}
    share = np.where(offers["rent_usd_per_month"].notna().to_numpy(), scenario.supply.max_fleet_share, 1.0)
    fuel_price = np.where(is_gas, *(scenario.energy.fuel_usd_per_gj(fuel) for fuel in (Fuel.GAS, Fuel.DIESEL)))

    def only(where: np.ndarray, column: str) -> Floats:
        return np.where(where, _offer(offers, column), 0.0)

    return {
        "offer_id": tuple(offers.index),
        "kind": pd.Index([kind.name for kind in KINDS]).get_indexer(offers["kind"]).astype(np.int64),
        "is_gas": is_gas,
        "available_units": np.floor(_offer(offers, "count") * share + HAIR).astype(np.int64),
        "trade": np.array([TRADES.index(trade) for trade in offers["trade"]], dtype=np.int64),
        "crew_days": _offer(offers, "crew_days"),
        "footprint_m2": _offer(offers, "footprint_m2"),
        "energy_mwh": only(is_store, "energy_mwh"),
        "step_fraction": only(is_machine, "step_fraction"),
        **{name: machines.get(name, 0.0) + stores.get(name, 0.0) for name in machines | stores},
        "inertia_s": machines["inertia_s"] + stores["inertia_s"] + only(is_condenser, "inertia_s"),
        "own_load_mw": _offer(offers, "own_load_share") * _offer(offers, "unit_mw"),
        "response_s": only(is_store, "response_s"),
        "heat_rate_mj_per_kwh": only(is_machine, "heat_rate_mj_per_kwh"),
        "nox_g_per_kwh": only(is_machine & ~_is_fuel_cell(offers), "nox_g_per_kwh"),
        "fuel_usd_per_mwh": only(is_machine, "heat_rate_mj_per_kwh") * fuel_price,
        "water_m3_per_mwh": only(_supplying(COOLING, offers), "water_m3_per_mwh"),
    }


def _supplying(requirement: str, offers: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which offers are of a kind that supplies a requirement; O."""
    return offers["kind"].isin([kind.name for kind in suppliers(requirement)]).to_numpy(dtype=bool)


def _is_fuel_cell(offers: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which offers are fuel cells, which need no air permit; O."""
    return (offers["machine"] == Machine.FUEL_CELL).to_numpy(dtype=bool)


def _haulage(supply: Supply, offers: pd.DataFrame) -> Haulage:
    lon_lat = offers[["longitude", "latitude"]].to_numpy(dtype=float)
    depots, depot_of = np.unique(lon_lat, axis=0, return_inverse=True)
    return Haulage(depots, depot_of.ravel(), supply.circuity, supply.truck_km_per_day)


def _units(coolant_c: float, offers: pd.DataFrame) -> Units:
    derating = ("temp_derate_per_c", "derate_above_c", "altitude_derate_per_km", "derate_above_m")
    approach = offers["approach_c"].to_numpy(dtype=float)
    columns = [_offer(offers, name) for name in ("unit_mw", *derating, "cop")]
    columns += [np.nan_to_num(approach), _supplying(COOLING, offers).astype(float), np.isnan(approach)]
    columns += [(_offer(offers, "water_m3_per_mwh") > 0).astype(float)]
    traits, type_of = np.unique(np.stack(columns, axis=1, dtype=float), axis=0, return_inverse=True)
    return Units(traits, type_of.ravel(), coolant_c)


def _rise(steps: pd.DataFrame, grid_mw: Floats, step_site: np.ndarray) -> Floats:
    """Return the MW that each step adds to the limit before it; 0 if that limit is as high already."""
    before = grid_mw[step_site]
    level = np.maximum(steps["grid_mw"].to_numpy(dtype=float), before)
    level = pd.Series(level).groupby(step_site).cummax().to_numpy()
    same = np.diff(step_site, prepend=-1) == 0
    return level - np.where(same, np.roll(level, 1), before)
