"""Make the arrays of the halls of every site: standing halls, buildings of a table, and new shells by type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from siteopt.geodata.compute import Halls, compute_ready, first_day, queue_relaxed
from siteopt.geodata.works import works_musd
from siteopt.instance import QUEUES, Floats, Ints
from siteopt.pace import Pace, ShellType
from siteopt.scenario import Scenario
from siteopt.schema import Condition, ShellKind
from siteopt.tolerances import HAIR


@dataclass(frozen=True)
class HallArrays:
    """Fields of the Instance about halls and about the days of the GPUs, by their axes; for the rest: relaxed_days.

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
    """Days of the GPUs, and the queues that decide them; S x M."""

    day: Ints
    queue: Ints


@dataclass(frozen=True)
class _Places:
    """What the candidates table says about halls; S each.

    ``lag`` are the days from the handover, or from a roof, until fit-out releases area; ``shell_permit`` those from the
    handover until new shells may be begun (nan: by their type).
    """

    handover: Ints
    lag: Ints
    fitout_m2_per_day: Floats
    floor_m2: Floats
    shell_permit: Floats


def hall_arrays(scenario: Scenario, sites: pd.DataFrame, buildings: pd.DataFrame, pace: Pace) -> HallArrays:
    """Return the arrays of the halls of eligible sites.

    Parameters
    ----------
    sites : DataFrame
        Eligible sites by site_id, sorted, with blanks filled.
    buildings : DataFrame
        Buildings of these sites, sorted by site and id, with ``day``: the day of the roof.
    """
    gpus = [milestone.gpus for milestone in scenario.milestones]
    gpus_per_m2 = 1000 / scenario.workload.it_kw_per_gpu / scenario.building.hall_m2_per_mw
    place = _places(scenario, sites)
    rate, capacity = place.fitout_m2_per_day * gpus_per_m2, _whole(place.floor_m2 * gpus_per_m2)
    days = _days_of(gpus, Halls.standing(place.handover, place.lag, rate, capacity), pace)
    by_building = _buildings(scenario, sites.index.get_indexer(buildings["site_id"]), buildings, place)
    for at, halls in _by_number(place.handover, by_building):
        _put(days, at, _days_of(gpus, halls, pace))
        capacity[at] = halls.capacity_gpus
    shells = _types(scenario, gpus_per_m2)
    buildings_m2 = buildings["area_m2"].to_numpy(dtype=float)
    is_new = sites["condition"].to_numpy() == Condition.NONE
    is_new[by_building["building_site"]] = False
    new = np.flatnonzero(is_new) if shells else np.zeros(0, dtype=np.int64)
    by_option = _options(scenario, sites["shell_type"].to_numpy()[new], new, place, shells)
    by_option = _numbers(gpus[-1], place, rate, by_option, shells)
    by_option |= _option_days(gpus, place, rate, by_option, shells, pace)
    by_option = _without_idle_shells(by_option)
    for at, found, room in _best_options(by_option, shells):
        _put(days, at, found)
        capacity[at] = room
    return HallArrays(
        by_site={
            "handover_day": place.handover,
            "hall_day": place.handover + place.lag,
            "hall_gpus_per_day": rate,
            "hall_capacity_gpus": capacity,
            "works_musd": works_musd(scenario, sites, is_new & bool(shells), buildings_m2, by_building),
            "compute_ready_day": days.day,
            "compute_queue": days.queue,
        },
        by_building=by_building,
        by_option={name: values for name, values in by_option.items() if name not in _NO_FIELDS},
        building_id=buildings["building_id"].to_numpy(dtype=object),
        shells=shells,
    )


def _places(scenario: Scenario, sites: pd.DataFrame) -> _Places:
    handover = np.ceil(sites["handover_days"].to_numpy(dtype=float)).astype(np.int64)
    building, work = scenario.building, fitout_work(scenario)
    fitout = sites["fitout_m2_per_day"].fillna(sites["condition"].map(building.fitout_m2_per_day.by_condition))
    lags, lag = dict(building.fitout_lag_days), np.zeros_like(handover)
    if any(lags.values()):
        lag = _at_pace(sites["condition"].map(lags).fillna(0).to_numpy(dtype=float), work)
    floor, permit = (sites[name].to_numpy(dtype=float) for name in ("floor_area_m2", "shell_permit_days"))
    return _Places(handover, lag, fitout.to_numpy(dtype=float) * work, floor, permit)


def _types(scenario: Scenario, gpus_per_m2: float) -> tuple[ShellType, ...]:
    """Return the types of new shells, sorted by name, with the days that they take in the shifts of the scenario."""
    work = scenario.building.work_of_shifts(scenario.building.shell_shifts, scenario.crews)
    return tuple(
        ShellType(
            name,
            one.area_m2 * gpus_per_m2,
            int(_at_pace(one.shell_days, work)),
            one.parallel,
            int(_at_pace(one.offset_days, work)),
        )
        for name, one in sorted(scenario.building.shells.items())
    )


def fitout_work(scenario: Scenario) -> float:
    """Return the work that fit-out does a day, as a multiple of what its days and rates are for."""
    return scenario.building.work_of_shifts(scenario.building.fitout_shifts, scenario.crews)


def _at_pace(days: ArrayLike, work: float) -> Ints:
    """Return the days that works take if a day does ``work`` times as much; rounded up."""
    return np.ceil(np.asarray(days, dtype=float) / work - HAIR).astype(np.int64)


def _buildings(scenario: Scenario, owner: Ints, rows: pd.DataFrame, place: _Places) -> dict[str, np.ndarray]:
    """Return the fields of the buildings of a table; ``owner`` is the index of the site of each."""
    m2_per_mw = rows["hall_m2_per_mw"].astype(float).fillna(scenario.building.hall_m2_per_mw).to_numpy()
    m2_per_day = rows["fitout_m2_per_day"].astype(float).to_numpy() * fitout_work(scenario)
    m2_per_day = np.where(np.isnan(m2_per_day), place.fitout_m2_per_day[owner], m2_per_day)
    gpus_per_m2 = 1000 / scenario.workload.it_kw_per_gpu / m2_per_mw
    roof = np.maximum(rows["day"].to_numpy(dtype=np.int64), place.handover[owner])
    return {
        "building_site": owner.astype(np.int64),
        "building_day": roof + place.lag[owner],
        "building_gpus_per_day": m2_per_day * gpus_per_m2,
        "building_gpus": _whole(rows["area_m2"].to_numpy(dtype=float) * gpus_per_m2),
    }


def relaxed_days(
    gpus: Ints, pace: Pace, shells: tuple[ShellType, ...], known: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the days of some sites with one queue at a time unlimited: the rest of the fields about halls.

    They are needed for the few sites that are solved, and take longer than all other days of the GPUs.

    Parameters
    ----------
    known : mapping
        The other fields of these sites about halls, buildings and options of shells.
    """
    handover, lag, rate = known["handover_day"], known["hall_day"] - known["handover_day"], known["hall_gpus_per_day"]
    standing = Halls.standing(handover, lag, rate, known["hall_capacity_gpus"])
    relaxed = queue_relaxed(gpus, standing, pace, known["compute_ready_day"])
    for at, halls in _by_number(handover, known):
        relaxed[at] = queue_relaxed(gpus, halls, pace, known["compute_ready_day"][at])
    ready = known["option_ready_day"]
    of_option = np.zeros((*ready.shape, len(QUEUES)), dtype=np.int64)
    for mine, halls in _by_shells(handover, rate, known, shells):
        of_option[mine] = queue_relaxed(gpus, halls, pace, ready[mine])
    sites, first = np.unique(known["option_site"], return_index=True)
    if len(sites):
        relaxed[sites] = np.minimum.reduceat(of_option, first, axis=0)
    return {"queue_relaxed_day": relaxed, "option_relaxed_day": of_option}


def _days_of(gpus: list[int], halls: Halls, pace: Pace) -> _Days:
    return _Days(*compute_ready(gpus, halls, pace))


def _put(days: _Days, sites: Ints, found: _Days) -> None:
    """Set the days of some sites."""
    for name, values in vars(days).items():
        values[sites] = getattr(found, name)


def _by_number(handover: Ints, rows: Mapping[str, np.ndarray]) -> Iterator[tuple[Ints, Halls]]:
    """Yield the sites with buildings, and their halls, of all sites with the same number of buildings at once."""
    sites, first, counts = np.unique(rows["building_site"], return_index=True, return_counts=True)
    for count in np.unique(counts).tolist():
        mine = counts == count
        at = sites[mine]
        place = first[mine][:, None] + np.arange(count)
        roof_days = rows["building_day"][place] - handover[at][:, None]
        yield at, Halls(handover[at], roof_days, rows["building_gpus_per_day"][place], rows["building_gpus"][place])


def _options(
    scenario: Scenario, wanted: np.ndarray, new: Ints, place: _Places, shells: tuple[ShellType, ...]
) -> dict[str, np.ndarray]:
    """Return site, type and number of all shells that fit, the day of the first, and their cost; by site, V each.

    Parameters
    ----------
    wanted, new : types that the sites with new shells want ('' for any), and the indices of these sites
    """
    types = [scenario.building.shells[ShellKind(shell.name)] for shell in shells]
    area = np.array([one.area_m2 for one in types])
    fits = np.floor(place.floor_m2[new, None] / area * (1 + HAIR)).astype(np.int64)
    names = np.array([shell.name for shell in shells], dtype=object)
    open_to = (wanted[:, None] == "") | (wanted[:, None] == names)
    row, shell = np.nonzero(open_to)
    site = new[row]
    permit = place.shell_permit[site]
    permit = np.ceil(np.where(np.isnan(permit), np.array([one.permit_days for one in types])[shell], permit))
    built = np.array([one.shell_days for one in shells], dtype=np.int64)[shell]
    lags = [one.fitout_lag_days for one in types]
    general = scenario.building.fitout_lag_days.none
    lag = _at_pace([general if own is None else own for own in lags], fitout_work(scenario))[shell]
    day = place.handover[site] + permit.astype(np.int64) + built + lag
    count = fits[row, shell]
    usd = np.array([one.area_m2 * one.usd_per_m2 for one in types])[shell] * count
    return {
        "option_site": site,
        "option_shell": shell,
        "option_day": day,
        "option_count": count,
        "option_cost_musd": usd / 1e6,
        "option_fits": count,
    }


_NO_FIELDS = ("option_queue", "option_fits", "option_type")
"""Arrays by option that are no fields of the Instance: the deciding queue, the shells that fit, and of which type they
are at which site."""


def _numbers(
    gpus: int, place: _Places, rate: Floats, options: dict[str, np.ndarray], shells: tuple[ShellType, ...]
) -> dict[str, np.ndarray]:
    """Return the options with every number of shells that may be built, from the fewest with room for the GPUs on.

    The most are those whose fit-out begins before the GPUs have room if all that fit are built: further ones come too
    late to matter. Shells that cost nothing are all built.
    """
    fits = options["option_count"]
    if not options["option_cost_musd"].any():
        return options | {"option_type": np.arange(len(fits))}
    most, each = fits.copy(), np.array([shell.gpus for shell in shells])[options["option_shell"]]
    for mine, halls in _by_shells(place.handover, rate, options, shells):
        enough = first_day(np.array([float(gpus)]), halls)
        most[mine] = np.minimum(fits[mine], halls.by_site((halls.roof_days < enough).sum(axis=1)))
    least = np.ceil(gpus / each).astype(np.int64)
    least -= (least - 1) * each >= gpus  # the quotient is rounded
    least = np.minimum(most, least)
    is_free = options["option_cost_musd"] == 0
    least, most = np.where(is_free, fits, least), np.where(is_free, fits, most)
    row = np.repeat(np.arange(len(fits)), most - least + 1)
    number = least[row] + np.arange(len(row)) - np.searchsorted(row, row)
    one_musd = options["option_cost_musd"] / np.maximum(1, fits)
    found = {name: values[row] for name, values in options.items()}
    return found | {"option_count": number, "option_cost_musd": one_musd[row] * number, "option_type": row}


def _without_idle_shells(options: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the options without those that have every milestone on the same day as one shell less has."""
    ready, of_type = options["option_ready_day"], options["option_type"]
    sooner = np.ones(len(ready), dtype=bool)
    sooner[1:] = (of_type[1:] != of_type[:-1]) | (ready[1:] < ready[:-1]).any(axis=1)
    return {name: values[sooner] for name, values in options.items()}


def _option_days(
    gpus: list[int],
    place: _Places,
    rate: Floats,
    options: dict[str, np.ndarray],
    shells: tuple[ShellType, ...],
    pace: Pace,
) -> dict[str, np.ndarray]:
    """Return the days of the GPUs with each option, and the queue that decides; by V."""
    size = (len(options["option_site"]), len(gpus))
    found = _Days(np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64))
    for mine, halls in _by_shells(place.handover, rate, options, shells):
        _put(found, mine, _days_of(gpus, halls, pace))
    return {"option_ready_day": found.day, "option_queue": found.queue}


def _by_shells(
    handover: Ints, rate: Floats, options: Mapping[str, np.ndarray], shells: tuple[ShellType, ...]
) -> Iterator[tuple[Ints, Halls]]:
    """Yield the options with the same type and number of shells, and their halls.

    Parameters
    ----------
    handover, rate : S, day of the handover, and GPUs a day of each shell
    """
    site, shell, count = (options[name] for name in ("option_site", "option_shell", "option_count"))
    for index, number in {*zip(shell.tolist(), count.tolist(), strict=True)}:
        mine = np.flatnonzero((shell == index) & (count == number))
        at = site[mine]
        # sites with the same first roof and rate have the same buildings, counted from the handover
        first = options["option_day"][mine] - handover[at]
        own, set_of = np.unique(np.stack([first, rate[at]]), axis=1, return_inverse=True)
        one = shells[index]
        roofs = own[0].astype(np.int64)[:, None] + one.later_days(max(1, number))
        rates = np.broadcast_to(own[1][:, None], roofs.shape)
        room = np.full(roofs.shape, one.gpus if number else 0.0)
        yield mine, Halls(handover[at], roofs, rates, room, set_of.ravel())


def _best_options(
    options: dict[str, np.ndarray], shells: tuple[ShellType, ...]
) -> Iterator[tuple[Ints, _Days, Floats]]:
    """Yield the sites with options, the earliest days over the options of each, and the most GPUs that have room."""
    sites, first = np.unique(options["option_site"], return_index=True)
    if len(sites):
        ready, queue = options["option_ready_day"], options["option_queue"]
        day = np.minimum.reduceat(ready, first, axis=0)
        owner = np.searchsorted(sites, options["option_site"])
        decides = np.minimum.reduceat(np.where(ready == day[owner], queue, len(QUEUES)), first, axis=0)
        gpus = np.array([shell.gpus for shell in shells])[options["option_shell"]] * options["option_fits"]
        yield sites, _Days(day, decides), np.maximum.reduceat(gpus, first)


def _whole(gpus: Floats) -> Floats:
    """Return numbers of GPUs; one within HAIR of a whole number is that number."""
    whole = np.round(gpus)
    return np.where(np.abs(gpus - whole) <= HAIR * whole, whole, gpus)
