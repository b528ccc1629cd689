"""Make the arrays of the halls of every site: standing halls, buildings of a table, and new shells by type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siteopt.geodata.compute import Halls, compute_ready, queue_relaxed
from siteopt.instance import QUEUES, Floats, Ints
from siteopt.pace import Pace, ShellType
from siteopt.scenario import Scenario
from siteopt.schema import Condition, ShellKind
from siteopt.tolerances import HAIR


@dataclass(frozen=True)
class HallArrays:
    """Fields of the Instance about halls and about the days of the GPUs, by their axes.

    Attributes
    ----------
    by_site, by_building, by_option : dict of arrays
    building_id : B
    shells : tuple of ShellType
    """

    by_site: dict[str, np.ndarray]
    by_building: dict[str, np.ndarray]
    by_option: dict[str, np.ndarray]
    building_id: np.ndarray
    shells: tuple[ShellType, ...]


@dataclass(frozen=True)
class _Days:
    """Days of the GPUs; S x M, and S x M x Q for ``relaxed``."""

    day: Ints
    queue: Ints
    relaxed: Ints


def hall_arrays(scenario: Scenario, sites: pd.DataFrame, buildings: pd.DataFrame, pace: Pace) -> HallArrays:
    """Return the arrays of the halls of eligible sites.

    Parameters
    ----------
    sites : DataFrame
        Eligible sites by site_id, sorted, with blanks filled.
    buildings : DataFrame
        Buildings of these sites, sorted by site and id, with ``day``: the day of the roof.
    """
    building, gpus = scenario.building, [milestone.gpus for milestone in scenario.milestones]
    gpus_per_mw = 1000 / scenario.workload.it_kw_per_gpu
    gpus_per_m2 = gpus_per_mw / building.hall_m2_per_mw
    handover = np.ceil(sites["handover_days"].to_numpy(dtype=float)).astype(np.int64)
    fitout = sites["fitout_m2_per_day"].fillna(sites["condition"].map(dict(building.fitout_m2_per_day)))
    lag_days = dict(building.fitout_lag_days)
    lag = np.zeros_like(handover)
    if any(lag_days.values()):
        lag = sites["condition"].map(lag_days).fillna(0).to_numpy(dtype=np.int64)
    rate = fitout.to_numpy(dtype=float) * gpus_per_m2
    floor_m2 = sites["floor_area_m2"].to_numpy(dtype=float)
    capacity = _whole(floor_m2 * gpus_per_m2)
    days = _days_of(gpus, Halls.standing(handover, lag, rate, capacity), pace)
    owner = sites.index.get_indexer(buildings["site_id"]).astype(np.int64)
    own_m2_per_mw = buildings["hall_m2_per_mw"].astype(float).fillna(building.hall_m2_per_mw).to_numpy()
    own_m2_per_day = buildings["fitout_m2_per_day"].astype(float).to_numpy()
    own_m2_per_day = np.where(np.isnan(own_m2_per_day), fitout.to_numpy(dtype=float)[owner], own_m2_per_day)
    roofs = np.maximum(buildings["day"].to_numpy(dtype=np.int64), handover[owner])
    by_building = {
        "building_site": owner,
        "building_day": roofs + lag[owner],
        "building_gpus_per_day": own_m2_per_day * gpus_per_mw / own_m2_per_mw,
        "building_gpus": _whole(buildings["area_m2"].to_numpy(dtype=float) * gpus_per_mw / own_m2_per_mw),
    }
    for at, halls in _by_number(handover, by_building):
        _put(days, at, _days_of(gpus, halls, pace))
        capacity[at] = halls.capacity_gpus
    shells = tuple(
        ShellType(name, one.area_m2 * gpus_per_m2, one.permit_days, one.shell_days, one.parallel, one.offset_days)
        for name, one in sorted(building.shells.items())
    )
    new = sites["condition"].to_numpy() == Condition.NONE
    new[owner] = False
    places = np.flatnonzero(new) if shells else np.zeros(0, dtype=np.int64)
    by_option = _options(scenario, sites["shell_type"].to_numpy()[places], places, floor_m2[places], shells)
    by_option |= _option_days(gpus, handover, lag_days[Condition.NONE], rate, by_option, shells, pace)
    for at, found, room in _best_options(by_option, shells):
        _put(days, at, found)
        capacity[at] = room
    return HallArrays(
        by_site={
            "handover_day": handover,
            "hall_day": handover + lag,
            "hall_gpus_per_day": rate,
            "hall_capacity_gpus": capacity,
            "compute_ready_day": days.day,
            "compute_queue": days.queue,
            "queue_relaxed_day": days.relaxed,
        },
        by_building=by_building,
        by_option={name: values for name, values in by_option.items() if name != "option_queue"},
        building_id=buildings["building_id"].to_numpy(dtype=object),
        shells=shells,
    )


def _days_of(gpus: list[int], halls: Halls, pace: Pace) -> _Days:
    day, queue = compute_ready(gpus, halls, pace)
    return _Days(day, queue, queue_relaxed(gpus, halls, pace, day))


def _put(days: _Days, sites: Ints, found: _Days) -> None:
    """Set the days of some sites."""
    for name, values in vars(days).items():
        values[sites] = getattr(found, name)


def _by_number(handover: Ints, rows: dict[str, np.ndarray]) -> Iterator[tuple[Ints, Halls]]:
    """Yield the sites with buildings, and their halls, of all sites with the same number of buildings at once."""
    sites, first, counts = np.unique(rows["building_site"], return_index=True, return_counts=True)
    for count in np.unique(counts).tolist():
        mine = counts == count
        at = sites[mine]
        place = first[mine][:, None] + np.arange(count)
        roof_days = rows["building_day"][place] - handover[at][:, None]
        yield at, Halls(handover[at], roof_days, rows["building_gpus_per_day"][place], rows["building_gpus"][place])


def _options(
    scenario: Scenario, wanted: np.ndarray, places: Ints, floor_m2: Floats, shells: tuple[ShellType, ...]
) -> dict[str, np.ndarray]:
    """Return site, type and number of shells of every option, sorted by site; V each."""
    area = np.array([scenario.building.shells[ShellKind(shell.name)].area_m2 for shell in shells])
    fits = np.floor(floor_m2[:, None] / area * (1 + HAIR)).astype(np.int64)
    names = np.array([shell.name for shell in shells], dtype=object)
    open_to = (wanted[:, None] == "") | (wanted[:, None] == names)
    place, shell = np.nonzero(open_to)
    return {"option_site": places[place], "option_shell": shell, "option_count": fits[place, shell]}


def _option_days(
    gpus: list[int],
    handover: Ints,
    lag_days: int,
    rate: Floats,
    options: dict[str, np.ndarray],
    shells: tuple[ShellType, ...],
    pace: Pace,
) -> dict[str, np.ndarray]:
    """Return the days of the GPUs with each option, and the queue that decides; by V."""
    site, shell, count = (options[name] for name in ("option_site", "option_shell", "option_count"))
    size = (len(site), len(gpus))
    day, queue, relaxed = (np.zeros(shape, dtype=np.int64) for shape in (size, size, (*size, len(QUEUES))))
    found = _Days(day, queue, relaxed)
    for index, number in {*zip(shell.tolist(), count.tolist(), strict=True)}:
        mine = np.flatnonzero((shell == index) & (count == number))
        at = site[mine]
        # sites with the same rate have the same buildings, counted from the handover
        own, set_of = np.unique(rate[at], return_inverse=True)
        one = shells[index]
        roofs = np.broadcast_to(lag_days + one.roof_days(max(1, number)), (len(own), max(1, number)))
        rates = np.broadcast_to(own[:, None], roofs.shape)
        room = np.full(roofs.shape, one.gpus if number else 0.0)
        _put(found, mine, _days_of(gpus, Halls(handover[at], roofs, rates, room, set_of.ravel()), pace))
    return {"option_ready_day": found.day, "option_relaxed_day": found.relaxed, "option_queue": found.queue}


def _best_options(
    options: dict[str, np.ndarray], shells: tuple[ShellType, ...]
) -> Iterator[tuple[Ints, _Days, Floats]]:
    """Yield the sites with options, the earliest days over the options of each, and the most GPUs that have room."""
    sites, first = np.unique(options["option_site"], return_index=True)
    if len(sites):
        ready, queue = options["option_ready_day"], options["option_queue"]
        day = np.minimum.reduceat(ready, first, axis=0)
        relaxed = np.minimum.reduceat(options["option_relaxed_day"], first, axis=0)
        owner = np.searchsorted(sites, options["option_site"])
        decides = np.minimum.reduceat(np.where(ready == day[owner], queue, len(QUEUES)), first, axis=0)
        gpus = np.array([shell.gpus for shell in shells])[options["option_shell"]] * options["option_count"]
        yield sites, _Days(day, decides, relaxed), np.maximum.reduceat(gpus, first)


def _whole(gpus: Floats) -> Floats:
    """Return numbers of GPUs; one within HAIR of a whole number is that number."""
    whole = np.round(gpus)
    return np.where(np.abs(gpus - whole) <= HAIR * whole, whole, gpus)
