"""Derive what docs/model.md calls parameters from a world's raw data, in exact fractions.

Written from docs/model.md alone. Days count from the decision; power is in MW, money in US dollars.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from pyproj import Geod

from tests.exact.draw_scenario import Row
from tests.exact.worlds import World

WGS84 = Geod(ellps="WGS84")
HAIR = Fraction(1, 10**9)
"""Of a day, or of the size of a row: what is exceeded by no more than this still holds."""

COST, DEMAND = "cost", "demand_usd_per_mw_month"
TRADES = ("electrical", "mechanical")
HOURS = 24

ASSUMABLE = (
    "grid_mw",
    "handover_days",
    "condition",
    "floor_area_m2",
    "yard_area_m2",
    "gas_mw",
    "water_m3_per_day",
    "air_permit_days",
    "design_temp_c",
    "elevation_m",
    "grid_usd_per_mwh",
    "site_cost_usd",
)
"""Columns of a site whose blanks the scenario fills, or that leave the site out."""


def exact(value: Any) -> Fraction:
    """Return a number of the tables as the fraction that its digits say; a blank is 0."""
    return Fraction(0) if value is None else Fraction(repr(value))


def whole_days(value: Fraction) -> int:
    """Return a number of days, rounded up; a hair above a whole number counts as that number."""
    return math.ceil(value - HAIR)


@dataclass(frozen=True)
class Offer:
    """Identical units of one depot, at one site; amounts are those of one unit.

    Attributes
    ----------
    arrival_day : int
    first_day : int
        Milestones from this day on can use the units.
    rating_mw : Fraction
        Firm power of a generator, heat of a chiller, power of a battery.
    step_mw, gas_mw, energy_mwh : Fraction
        Load taken in one step; gas burnt at full rating (MW thermal); energy of a battery.
    usd_per_mwh, nox_kg_per_mwh : Fraction
        Of a generator's output.
    draw, water_m3_per_mwh : Fraction
        Electricity and water of a chiller, for each MW(h) of heat.
    """

    offer_id: str
    kind: str
    trade: str
    available_units: int
    arrival_day: int
    first_day: int
    crew_days: Fraction
    footprint_m2: Fraction
    cost_usd: Fraction
    rating_mw: Fraction
    step_mw: Fraction = Fraction(0)
    gas_mw: Fraction = Fraction(0)
    energy_mwh: Fraction = Fraction(0)
    usd_per_mwh: Fraction = Fraction(0)
    nox_kg_per_mwh: Fraction = Fraction(0)
    draw: Fraction = Fraction(0)
    water_m3_per_mwh: Fraction = Fraction(0)


@dataclass(frozen=True)
class Step:
    """One grid step: what it adds from ``first_day`` on."""

    first_day: int
    rise_mw: Fraction
    swing_mw: Fraction
    cost_usd: Fraction


@dataclass(frozen=True)
class Milestone:
    """What one milestone needs; ``base_mw`` is the peak demand without chillers, ``mean_base_mw`` the mean."""

    name: str
    gpus: int
    hours: int
    it_mw: Fraction
    heat_mw: Fraction
    base_mw: Fraction
    mean_base_mw: Fraction
    swing_mw: Fraction
    ride_mwh: Fraction


@dataclass(frozen=True)
class Question:
    """What is asked, the same at every site.

    Attributes
    ----------
    order : tuple
        Places of milestones and COST, the first to be minimised first.
    idle_mw : Fraction by milestone
        Peak demand less mean demand.
    """

    milestones: tuple[Milestone, ...]
    order: tuple[int | str, ...]
    crews: dict[str, Fraction]
    spare_units: int
    commissioning_days: int
    horizon_day: int
    budget_usd: Fraction
    gpus_usd: Fraction


@dataclass(frozen=True)
class Place:
    """A candidate site with its blanks filled.

    Attributes
    ----------
    ready_day : tuple of int or None
        First day on which the GPUs of each milestone can train; None where that is never.
    offers : tuple of Offer
        Those that can be there by the horizon, by id.
    nox_t_per_year : Fraction or None
        None is no limit.
    """

    site_id: str
    ready_day: tuple[int | None, ...]
    offers: tuple[Offer, ...]
    steps: tuple[Step, ...]
    grid_mw: Fraction
    swing_mw: Fraction
    gas_mw: Fraction
    water_m3_per_day: Fraction
    yard_m2: Fraction
    nox_t_per_year: Fraction | None
    grid_usd_per_mwh: Fraction
    cost_usd: Fraction


@dataclass(frozen=True)
class Parameters:
    """The parameters of a world: what is asked, and every site that takes part."""

    world: World

    @cached_property
    def question(self) -> Question:
        """What is asked."""
        keys = self.world.scenario
        milestones = tuple(self._milestone(row) for row in keys["milestones"])
        names = [milestone.name for milestone in milestones]
        named = keys["objective"]["order"]
        rest = [name for name in names if name not in named]
        order = [*named, *rest] if COST in named else [*named, *rest, COST]
        return Question(
            milestones,
            tuple(COST if name == COST else names.index(name) for name in order),
            {trade: exact(keys["crews"][trade]) for trade in TRADES},
            keys["supply"]["spare_units"],
            keys["supply"]["commissioning_days"],
            keys["project"]["horizon_days"],
            exact(keys["project"]["budget_usd"]),
            milestones[-1].gpus * exact(keys["workload"]["gpu_price_usd"]),
        )

    def _milestone(self, row: Row) -> Milestone:
        load = {key: exact(value) for key, value in self.world.scenario["workload"].items()}
        it = row["gpus"] * load["it_kw_per_gpu"] / 1000
        base = it * (1 + load["auxiliary_load_fraction"])
        minutes = exact(self.world.scenario["supply"]["ride_through_minutes"])
        return Milestone(
            row["name"],
            row["gpus"],
            row["operating_days"] * HOURS,
            it,
            it * load["heat_fraction"],
            base,
            base - it * (1 - load["load_factor"]),
            it * load["load_step_amplitude"],
            it * minutes / 60,
        )

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every site that takes part, by id."""
        sites = sorted(self.world.sites, key=lambda site: site["site_id"])
        return tuple(self._place(self._filled(site)) for site in sites if site["site_id"] in self.eligible)

    @cached_property
    def eligible(self) -> frozenset[str]:
        """Ids of the sites that the scenario admits, and of which enough is known."""
        admitted = [site for site in self.world.sites if self._admitted(site)]
        filled = [self._filled(site) for site in admitted]
        return frozenset(
            site["site_id"] for site in filled if all(site[name] is not None for name in ASSUMABLE if name in site)
        )

    def _admitted(self, site: Row) -> bool:
        """Tell whether dates and filter let a site take part."""
        start = date.fromisoformat(self.world.scenario["project"]["start_date"])
        keep = self.world.scenario.get("filter", {})
        wanted = {"status": "status", "countries": "country", "regions": "region"}
        place = (site["longitude"], site["latitude"])
        return (
            (site["available_from"] is None or date.fromisoformat(site["available_from"]) <= start)
            and (site["available_until"] is None or date.fromisoformat(site["available_until"]) >= start)
            and all(site[column] in keep[key] for key, column in wanted.items() if keep.get(key))
            and (self.world.within is None or _inside(place, self.world.within))
            and (self.world.away_from is None or _km(place, self.world.away_from[:2]) >= self.world.away_from[2])
        )

    def _filled(self, site: Row) -> Row:
        """Fill the blanks of a site; where its rate of fit-out is known its condition does not matter."""
        keys = self.world.scenario
        assumed = {**keys["defaults"], "grid_usd_per_mwh": keys["energy"]["grid_usd_per_mwh"]}
        filled = dict(site)
        for name in ASSUMABLE:
            if filled[name] is None and assumed.get(name) != "exclude":
                filled[name] = assumed.get(name)
        if filled.get(DEMAND) is None and site["grid_usd_per_mwh"] is None:
            filled[DEMAND] = keys["energy"].get(DEMAND)
        rates = keys["building"]["fitout_m2_per_day"]
        if filled["fitout_m2_per_day"] is None and filled["condition"] is not None:
            filled["fitout_m2_per_day"] = rates[filled["condition"]]
        elif filled["condition"] is None and filled["fitout_m2_per_day"] is not None:
            del filled["condition"]
        return filled

    def _place(self, site: Row) -> Place:
        share = exact(self.world.scenario["defaults"]["grid_swing_share"])
        grid = exact(site["grid_mw"])
        swing = exact(site["grid_swing_mw"]) if site["grid_swing_mw"] is not None else share * grid
        nox = site["nox_limit_t_per_year"]
        offers = [self._offer(row, site) for row in sorted(self.world.offers, key=lambda row: row["offer_id"])]
        horizon = self.question.horizon_day
        return Place(
            site["site_id"],
            tuple(self._ready_days(site)),
            tuple(one for one in offers if one.available_units and one.rating_mw > 0 and one.first_day <= horizon),
            tuple(step for step in self._steps(site["site_id"], grid, share) if step.first_day <= horizon),
            grid,
            swing,
            exact(site["gas_mw"]),
            exact(site["water_m3_per_day"]),
            exact(site["yard_area_m2"]),
            None if nox is None else exact(nox),
            exact(site["grid_usd_per_mwh"]) + exact(site.get(DEMAND)) * 12 / (Fraction("365.25") * HOURS),
            exact(site["site_cost_usd"]) + self._works_usd(site) + self.question.gpus_usd,
        )

    def _works_usd(self, site: Row) -> Fraction:
        """Return what it costs to make a site ready for all GPUs; without new shells, which no world has."""
        keys = self.world.scenario
        costs = {name: exact(value) for name, value in keys["building"].get("costs", {}).items()}
        condition = site.get("condition") or keys["defaults"].get("condition") or "sound"
        it_mw = self.question.milestones[-1].gpus * exact(keys["workload"]["it_kw_per_gpu"]) / 1000
        hall_m2 = it_mw * exact(keys["building"]["hall_m2_per_mw"])
        ground = "raw" if condition == "none" else "plant"
        per_mw = ("fitout_usd_per_mw", "liquid_loop_usd_per_mw", f"{ground}_site_works_usd_per_mw")
        usd = hall_m2 * costs.get(f"{condition}_usd_per_m2", Fraction(0))
        return usd + it_mw * sum((costs.get(name, Fraction(0)) for name in per_mw), Fraction(0))

    def _steps(self, site_id: str, grid: Fraction, share: Fraction) -> Iterator[Step]:
        """Yield the grid steps of a site in the order of their days."""
        start = date.fromisoformat(self.world.scenario["project"]["start_date"])
        ladder = []
        for row in self.world.steps:
            if row["site_id"] == site_id:
                dated = row["ready_date"] and (date.fromisoformat(row["ready_date"]) - start).days
                day = max(0, dated) if row["ready_day"] is None else whole_days(exact(row["ready_day"]))
                ladder.append((day, exact(row["grid_mw"]), exact(row["cost_usd"])))
        for day, level, cost in sorted(ladder):
            yield Step(day + self.question.commissioning_days, level - grid, share * (level - grid), cost)
            grid = level

    def _offer(self, row: Row, site: Row) -> Offer:
        supply = {key: exact(value) for key, value in self.world.scenario["supply"].items()}
        bought = row["purchase_usd"] is not None
        available_units = row["count"] if bought else math.floor(row["count"] * supply["max_fleet_share"])
        road = exact(_km((row["longitude"], row["latitude"]), (site["longitude"], site["latitude"])))
        road *= supply["circuity"]
        transit = whole_days(road / supply["truck_km_per_day"])
        arrival = whole_days(exact(row["lead_days"])) + transit
        arrival = max(arrival, whole_days(exact(site["handover_days"])) + int(supply["yard_prep_days"]))
        if row["kind"] == "generator":
            arrival = max(arrival, whole_days(exact(site["air_permit_days"])))
        months = exact(self.world.scenario["project"]["term_months"])
        price = exact(row["purchase_usd"]) if bought else exact(row["rent_usd_per_month"]) * months
        trailers = Fraction(1) if row["trailers"] is None else exact(row["trailers"])
        return Offer(
            row["offer_id"],
            row["kind"],
            row["trade"],
            available_units,
            arrival,
            arrival + whole_days(exact(row["install_days"])) + self.question.commissioning_days,
            exact(row["crew_days"]),
            exact(row["footprint_m2"]),
            price + exact(row["mobilisation_usd"]) + road * trailers * supply["haulage_usd_per_km"],
            **getattr(self, f"_{row['kind']}")(row, site),
        )

    def _generator(self, row: Row, site: Row) -> dict[str, Fraction]:
        warm = max(Fraction(0), exact(site["design_temp_c"]) - exact(row.get("derate_above_c", 15)))
        high = max(Fraction(0), exact(site["elevation_m"]) - exact(row.get("derate_above_m", 0))) / 1000
        rating = exact(row["unit_mw"])
        rating *= max(Fraction(0), 1 - exact(row.get("temp_derate_per_c")) * warm)
        rating *= max(Fraction(0), 1 - exact(row.get("altitude_derate_per_km")) * high)
        delivered = 1 - exact(row.get("own_use_share"))
        rating *= delivered
        heat_rate = exact(row["heat_rate_mj_per_kwh"]) / delivered
        is_gas = row["fuel"] == "gas"
        energy = self.world.scenario["energy"]
        price = exact(energy["gas_usd_per_gj" if is_gas else "diesel_usd_per_gj"])
        price += exact(energy.get("carbon_usd_per_t")) * Fraction("56.1" if is_gas else "74.1") / 1000
        return {
            "rating_mw": rating,
            "step_mw": exact(row["step_fraction"]) * rating,
            "gas_mw": heat_rate / Fraction("3.6") * rating if is_gas else Fraction(0),
            "usd_per_mwh": heat_rate * price,
            "nox_kg_per_mwh": exact(row["nox_g_per_kwh"]) / delivered,
        }

    def _chiller(self, row: Row, site: Row) -> dict[str, Fraction]:
        air, water = exact(site["design_temp_c"]), exact(self.world.scenario["workload"]["coolant_c"])
        rating, cop = exact(row["unit_mw"]), exact(row["cop"])
        if row["approach_c"] is None:
            water = min(water, Fraction(15))
            rating *= max(Fraction(0), capft(water, air) / capft(Fraction("6.67"), Fraction(35)))
            cop *= max(Fraction("0.1"), eirft(Fraction("6.67"), Fraction(35)) / eirft(water, air))
        elif air + exact(row["approach_c"]) > water:
            rating = Fraction(0)
        return {"rating_mw": rating, "draw": 1 / cop, "water_m3_per_mwh": exact(row["water_m3_per_mwh"])}

    def _battery(self, row: Row, _: Row) -> dict[str, Fraction]:
        return {"rating_mw": exact(row["unit_mw"]), "energy_mwh": exact(row["energy_mwh"])}

    def _ready_days(self, site: Row) -> Iterator[int | None]:
        """Yield the first day of each milestone by the queues alone, replayed day by day."""
        keys = self.world.scenario
        per_mw = 1000 / exact(keys["workload"]["it_kw_per_gpu"])
        hall_m2 = exact(keys["building"]["hall_m2_per_mw"])
        floor = exact(site["floor_area_m2"]) / hall_m2 * per_mw
        queues = Queues(
            whole_days(exact(site["handover_days"])),
            exact(site["fitout_m2_per_day"]) / hall_m2 * per_mw,
            exact(keys["building"]["liquid_loop_mw_per_day"]) * per_mw,
            exact(keys["compute"]["install_gpus_per_day"]),
            exact(keys["compute"]["network_gpus_per_day"]),
            {row["day"]: row["gpus"] for row in keys["compute"]["deliveries"]},
        )
        done = list(queues.done(self.question.horizon_day))
        after = keys["compute"]["network_bringup_days"] + self.question.commissioning_days
        for milestone in self.question.milestones:
            fits = floor >= milestone.gpus * (1 - HAIR)
            days = [day for day, gpus in enumerate(done) if gpus >= milestone.gpus - HAIR * queues.network]
            yield days[0] + after if fits and days else None


@dataclass(frozen=True)
class Queues:
    """Halls, liquid loop, racks and network: rates in GPUs a day, and the GPUs delivered by day, in all."""

    handover_day: int
    halls: Fraction
    loop: Fraction
    racks: Fraction
    network: Fraction
    deliveries: dict[int, int]

    def done(self, last_day: int) -> Iterator[Fraction]:
        """Yield the GPUs that have passed all queues at the start of each day from 0 on."""
        halls = loop = racks = network = Fraction(0)
        delivered = 0
        for day in range(last_day + 1):
            yield network
            delivered = self.deliveries.get(day, delivered)
            if day >= self.handover_day:
                halls += self.halls
            loop = min(loop + self.loop, halls)
            racks = min(racks + self.racks, loop, Fraction(delivered))
            network = min(network + self.network, racks)


def capft(water: Fraction, air: Fraction) -> Fraction:
    """Return the capacity of a compressor chiller over its rating (AirCooled_Chiller_2010_PathA)."""
    linear = Fraction("1.0433825") + Fraction("0.0407073") * water - Fraction("0.0041514") * air
    square = Fraction("0.0004506") * water**2 - Fraction("0.0000886") * air**2 - Fraction("0.0003467") * water * air
    return linear + square


def eirft(water: Fraction, air: Fraction) -> Fraction:
    """Return the draw of a compressor chiller over that at its rating (AirCooled_Chiller_2010_PathA)."""
    linear = Fraction("0.5961915") - Fraction("0.0099496") * water + Fraction("0.0004506") * air
    square = Fraction("0.0007888") * water**2 + Fraction("0.0004875") * air**2 - Fraction("0.0007623") * water * air
    return linear + square


def _inside(place: tuple[float, float], box: tuple[float, float, float, float]) -> bool:
    return box[0] <= place[0] <= box[2] and box[1] <= place[1] <= box[3]


def _km(start: tuple[float, float], end: tuple[float, float]) -> float:
    return float(WGS84.inv(*start, *end)[2] / 1000)
