"""From a scenario and its tables to an Instance: read, check, choose the eligible sites, derive the arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Geod

from siteopt.faults import Fault, InputError
from siteopt.geodata.check import ladder_faults, typed
from siteopt.geodata.compute import Pace, compute_ready, queue_free
from siteopt.geodata.derating import chiller_factors, cooler_factor, firm_mw
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.tables import RawTable, read_table
from siteopt.instance import TRADES, Floats, Instance
from siteopt.scenario import COST, Scenario
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Fuel, Kind, Table

WGS84 = Geod(ellps="WGS84")
ASSUMABLE = tuple(column.name for column in CANDIDATES if column.assumable)


@dataclass(frozen=True)
class Dataset:
    """Everything that was read for a scenario.

    Attributes
    ----------
    instance : Instance
        The eligible sites.
    sites : DataFrame
        Every candidate by site_id, as read, with the columns that siteopt does not know.
    offers : DataFrame
        Every offer by offer_id, in the order of the Instance.
    steps : DataFrame
        Grid steps of the eligible sites in the order of the Instance, with ``day``.
    transit_days : array, S x O
    excluded : dict
        site_id to the reason why a candidate is not in the Instance.
    assumed : dict
        site_id to the columns whose blanks were filled by the scenario, for the eligible sites.
    inputs : tuple of (str, str)
        Path and SHA-256 of every file read.
    """

    instance: Instance
    sites: pd.DataFrame
    offers: pd.DataFrame
    steps: pd.DataFrame
    transit_days: np.ndarray
    excluded: dict[str, str]
    assumed: dict[str, tuple[str, ...]]
    inputs: tuple[tuple[str, str], ...]


@dataclass
class _Reader:
    """Reads tables of a scenario and gathers what is wrong with them."""

    scenario: Scenario
    faults: list[Fault] = field(default_factory=list)
    inputs: list[tuple[str, str]] = field(default_factory=list)

    def read(self, table: Table, paths: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
        project = self.scenario.project
        frames = []
        for name in paths:
            path = self.scenario.resolve(name)
            try:
                raw = read_table(path)
            except InputError as error:
                self.faults += [replace(fault, file=name) for fault in error.faults]
                continue
            self.inputs.append((name, _sha256(path)))
            frame, faults = typed(
                table, RawTable(name, raw.cells, raw.rows), project.currency, project.currency_per_usd
            )
            self.faults += faults
            frames.append((name, frame))
        return frames

    def joined(self, table: Table, frames: list[tuple[str, pd.DataFrame]], key: str) -> pd.DataFrame:
        """One frame sorted by id; an id that stands in two files is a fault."""
        place: dict[str, int] = {}
        for number, (name, frame) in enumerate(frames):
            for row, value in frame[key].items():
                twin = place.setdefault(value, number)
                if value and twin != number:
                    expected = f"an id of its own; {frames[twin][0]} has the same"
                    self.faults.append(Fault(name, int(row), key, value, expected))
        if not frames:
            return pd.DataFrame(columns=list(table.names)).set_index(key, drop=False)
        merged = pd.concat([frame for _, frame in frames], ignore_index=True)
        return merged.set_index(key, drop=False).sort_index(kind="stable")


def load(scenario: Scenario, admit: str = "") -> Dataset:
    """Read and check the scenario's tables, and derive the Instance.

    Parameters
    ----------
    admit : str
        A site_id that takes part even where a date or the filter leaves it out.

    Raises
    ------
    InputError
        With every fault of every table at once.
    """
    reader = _Reader(scenario)
    candidate_files = reader.read(CANDIDATES, scenario.inputs.candidates)
    offer_files = reader.read(OFFERS, scenario.inputs.offers)
    step_files = reader.read(GRID_STEPS, scenario.inputs.grid_steps)
    sites = reader.joined(CANDIDATES, candidate_files, "site_id")
    offers = reader.joined(OFFERS, offer_files, "offer_id")
    start = pd.Timestamp(scenario.project.start_date)
    ladders = []
    for name, frame in step_files:
        day = np.ceil(frame["ready_day"].fillna((frame["ready_date"] - start).dt.days))
        if candidate_files:
            base_mw = sites.loc[~sites.index.duplicated(), "grid_mw"]
            reader.faults += ladder_faults(frame.assign(day=day), name, base_mw)
        ladders.append(frame.assign(day=day.clip(lower=0)))
    for name, table in (("candidates", sites), ("offers", offers)):
        if table.empty and not reader.faults:
            reader.faults.append(Fault(", ".join(getattr(scenario.inputs, name)), None, "", "no rows", f"{name}"))
    if reader.faults:
        raise InputError(reader.faults)
    steps = pd.concat(ladders, ignore_index=True) if ladders else pd.DataFrame(columns=[*GRID_STEPS.names, "day"])
    excluded = {site: reason for site, reason in excluded_by(scenario, sites).items() if site != admit}
    filled, assumed, unknown = filled_sites(scenario, sites.drop(index=list(excluded)))
    excluded |= unknown
    eligible = filled.drop(index=list(unknown))
    steps = steps[steps["site_id"].isin(eligible.index)].sort_values(["site_id", "day", "grid_mw"], ignore_index=True)
    instance, transit = instance_of(scenario, eligible, offers, steps)
    assumed = {site: columns for site, columns in assumed.items() if site not in unknown}
    return Dataset(instance, sites, offers, steps, transit, excluded, assumed, tuple(reader.inputs))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def filled_sites(
    scenario: Scenario, sites: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]], dict[str, str]]:
    """Blanks filled as the scenario says; which columns were assumed, and which sites are unknown too much."""
    filled = sites.copy()
    assumed: dict[str, list[str]] = {site: [] for site in sites.index}
    unknown: dict[str, list[str]] = {}
    for column in ASSUMABLE:
        blank = filled[column].isna() | (filled[column].astype(object) == "")
        if column == "condition":
            blank &= filled["fitout_m2_per_day"].isna()
        value = scenario.energy.grid_usd_per_mwh if column == "grid_usd_per_mwh" else scenario.defaults.of(column)
        for site in filled.index[blank]:
            (assumed[site] if value is not None else unknown.setdefault(site, [])).append(column)
        if value is not None:
            filled.loc[blank, column] = value
    reasons = {site: "unknown: " + ", ".join(columns) for site, columns in unknown.items()}
    return filled, {site: tuple(columns) for site, columns in assumed.items() if columns}, reasons


def instance_of(
    scenario: Scenario, sites: pd.DataFrame, offers: pd.DataFrame, steps: pd.DataFrame
) -> tuple[Instance, np.ndarray]:
    """The Instance of sites without blanks and of their grid steps by day, and the days of transit, S x O."""
    workload, supply, project = scenario.workload, scenario.supply, scenario.project
    kind = offers["kind"].to_numpy()
    is_generator, is_chiller, is_battery = (kind == value for value in (Kind.GENERATOR, Kind.CHILLER, Kind.BATTERY))
    is_gas = is_generator & (offers["fuel"] == Fuel.GAS).to_numpy()

    def site(column: str) -> Floats:
        return sites[column].to_numpy(dtype=float)

    def offer(column: str) -> Floats:
        return offers[column].astype(float).fillna(OFFERS[column].default or 0.0).to_numpy(dtype=float)

    km = _road_km(sites, offers, supply.circuity)
    transit = np.ceil(km / supply.truck_km_per_day - 1e-9).astype(np.int64)
    access = np.ceil(site("access_days")).astype(np.int64)
    permit = np.ceil(site("air_permit_days")).astype(np.int64)
    arrival = np.maximum(np.ceil(offer("lead_days")) + transit, (access + supply.yard_prep_days)[:, None])
    arrival = np.where(is_generator, np.maximum(arrival, permit[:, None]), arrival).astype(np.int64)
    air = site("design_temp_c")[:, None]
    firm = firm_mw(
        offer("unit_mw"),
        offer("temp_derate_per_c"),
        offer("derate_above_c"),
        offer("altitude_derate_per_km"),
        offer("derate_above_m"),
        air,
        site("elevation_m")[:, None],
    )
    capacity, relative_cop = chiller_factors(workload.coolant_c, air)
    approach = offers["approach_c"].to_numpy(dtype=float)
    compressor = np.isnan(approach)
    capacity = np.where(compressor, capacity, cooler_factor(np.nan_to_num(approach), workload.coolant_c, air))
    relative_cop = np.where(compressor, relative_cop, 1.0)

    rented = offers["rent_usd_per_month"].notna().to_numpy()
    share = np.where(rented, supply.max_fleet_share, 1.0)
    price = offers["purchase_usd"].fillna(offers["rent_usd_per_month"] * project.term_months).to_numpy(dtype=float)
    haulage = km * offer("trailers") * supply.haulage_usd_per_km
    fuel_price = np.where(is_gas, scenario.energy.gas_usd_per_gj, scenario.energy.diesel_usd_per_gj)

    gpus = np.array([milestone.gpus for milestone in scenario.milestones], dtype=np.int64)
    gpus_per_mw = 1000 / workload.it_kw_per_gpu
    fitout = sites["fitout_m2_per_day"].fillna(sites["condition"].map(dict(scenario.building.fitout_m2_per_day)))
    hall_gpus_per_m2 = gpus_per_mw / scenario.building.hall_m2_per_mw
    floor_gpus = site("floor_area_m2") * hall_gpus_per_m2
    queues = (
        gpus,
        access,
        fitout.to_numpy(dtype=float) * hall_gpus_per_m2,
        floor_gpus,
        Pace(
            np.array([delivery.day for delivery in scenario.compute.deliveries]),
            np.array([delivery.gpus for delivery in scenario.compute.deliveries]),
            scenario.building.liquid_loop_mw_per_day * gpus_per_mw,
            scenario.compute.install_gpus_per_day,
            scenario.compute.network_gpus_per_day,
            scenario.compute.network_bringup_days,
        ),
    )
    ready, queue = compute_ready(*queues)
    swing_share = scenario.defaults.grid_swing_share
    step_site = sites.index.get_indexer(steps["site_id"]).astype(np.int64)
    rise = _rise(steps, site("grid_mw"), step_site)
    names = [milestone.name for milestone in scenario.milestones]
    instance = Instance(
        milestone=tuple(names),
        gpus=gpus,
        it_mw=gpus * workload.it_kw_per_gpu / 1000,
        hold_days=np.array([milestone.hold_days for milestone in scenario.milestones], dtype=np.int64),
        overhead=workload.overhead,
        swing=workload.swing,
        mean_load=workload.mean_load,
        heat_fraction=workload.heat_fraction,
        crews=np.array([getattr(scenario.crews, trade) for trade in TRADES], dtype=float),
        spare_units=supply.spare_units,
        ride_through_minutes=supply.ride_through_minutes,
        commissioning_days=supply.commissioning_days,
        horizon_day=project.horizon_days,
        budget_musd=project.budget_usd / 1e6,
        gpu_cost_musd=float(gpus[-1]) * workload.gpu_price_usd / 1e6,
        order=tuple(-1 if name == COST else names.index(name) for name in scenario.order),
        site_id=tuple(sites.index),
        grid_mw=site("grid_mw"),
        grid_swing_mw=sites["grid_swing_mw"].fillna(sites["grid_mw"] * swing_share).to_numpy(dtype=float),
        gas_mw=site("gas_mw"),
        nox_t_per_year=sites["nox_limit_t_per_year"].fillna(np.inf).to_numpy(dtype=float),
        water_m3_per_day=site("water_m3_per_day"),
        yard_m2=site("yard_area_m2"),
        grid_usd_per_mwh=site("grid_usd_per_mwh"),
        site_cost_musd=site("site_cost_usd") / 1e6,
        floor_gpus=floor_gpus,
        compute_ready_day=ready,
        compute_queue=queue,
        queue_free_day=queue_free(*queues),
        step_site=step_site,
        step_ready_day=steps["day"].to_numpy(dtype=np.int64),
        step_rise_mw=rise,
        step_rise_swing_mw=rise * swing_share,
        step_cost_musd=steps["cost_usd"].astype(float).fillna(0).to_numpy() / 1e6,
        offer_id=tuple(offers.index),
        is_generator=is_generator,
        is_chiller=is_chiller,
        is_battery=is_battery,
        is_gas=is_gas,
        fleet=np.floor(offer("count") * share + 1e-9).astype(np.int64),
        trade=np.array([TRADES.index(trade) for trade in offers["trade"]], dtype=np.int64),
        crew_days=offer("crew_days"),
        footprint_m2=offer("footprint_m2"),
        energy_mwh=np.where(is_battery, offer("energy_mwh"), 0.0),
        step_fraction=np.where(is_generator, offer("step_fraction"), 0.0),
        heat_rate_mj_per_kwh=np.where(is_generator, offer("heat_rate_mj_per_kwh"), 0.0),
        nox_g_per_kwh=np.where(is_generator, offer("nox_g_per_kwh"), 0.0),
        fuel_usd_per_mwh=np.where(is_generator, offer("heat_rate_mj_per_kwh") * fuel_price, 0.0),
        water_m3_per_mwh=np.where(is_chiller, offer("water_m3_per_mwh"), 0.0),
        arrival_day=arrival,
        ready_day=arrival + np.ceil(offer("install_days")).astype(np.int64),
        rating_mw=np.where(is_chiller, offer("unit_mw") * capacity, firm),
        cop=np.where(is_chiller, offer("cop") * relative_cop, 1.0),
        unit_cost_musd=(price + offer("mobilisation_usd") + haulage) / 1e6,
    )
    return instance, transit


def _road_km(sites: pd.DataFrame, offers: pd.DataFrame, circuity: float) -> Floats:
    """Geodesic distance on WGS 84 from each site to each depot, times the circuity of roads; S x O, km."""
    depots, depot_of = np.unique(offers[["longitude", "latitude"]].to_numpy(dtype=float), axis=0, return_inverse=True)
    shape = (len(sites), len(depots))
    site_lon = np.broadcast_to(sites["longitude"].to_numpy(dtype=float)[:, None], shape)
    site_lat = np.broadcast_to(sites["latitude"].to_numpy(dtype=float)[:, None], shape)
    metres = WGS84.inv(site_lon, site_lat, np.broadcast_to(depots[:, 0], shape), np.broadcast_to(depots[:, 1], shape))[
        2
    ]
    return np.asarray(metres[:, depot_of.ravel()] / 1000 * circuity, dtype=float)


def _rise(steps: pd.DataFrame, grid_mw: Floats, step_site: np.ndarray) -> Floats:
    """MW that each step adds to what is in service before it; nothing where that is as much already."""
    before = grid_mw[step_site]
    level = np.maximum(steps["grid_mw"].to_numpy(dtype=float), before)
    level = pd.Series(level).groupby(step_site).cummax().to_numpy()
    same = np.diff(step_site, prepend=-1) == 0
    return level - np.where(same, np.roll(level, 1), before)
