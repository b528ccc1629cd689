"""Vary the question: make Instances with other values in the tables, or with other numbers of GPUs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pandas as pd

from siteopt.construction import MOST_SHIFTS
from siteopt.findings import CONTRACT_DAYS, LIMIT, LIMIT_DAY, POWER_CAP, Adjustment, Lever
from siteopt.geodata.changes import DAY, SCENARIO, Change, dated_buildings
from siteopt.geodata.dataset import Dataset, filled_sites
from siteopt.geodata.import_right import counted_limits, counted_sites, counts, held_mw
from siteopt.geodata.limits import NOX, has_rows
from siteopt.instance import Instance, Pool
from siteopt.schema import BUILDINGS, CANDIDATES, DEMAND, GRID_STEPS, LIMITS, RESOURCE_FIELDS, Resource

NOTCHES = {
    "grid_mw": 1.0,
    "distribution_mw": 1.0,
    "own_cooling_mw": 1.0,
    "handover_days": -1.0,
    "air_permit_days": -1.0,
    "gas_mw": 1.0,
    "yard_area_m2": 100.0,
    "water_m3_per_day": 10.0,
    "floor_area_m2": 100.0,
    "fitout_m2_per_day": 10.0,
    "nox_limit_t_per_year": 1.0,
    "grid_usd_per_mwh": -0.1,
    "site_cost_usd": -100_000.0,
}
"""Columns of the candidates that can be varied, and the step of each; negative if less is better."""

LIMIT_NOTCHES = {**dict.fromkeys(Resource, 1.0), Resource.WATER: 10.0}
"""Step of the limits by calendar day of each resource."""

LEAST_CAP = 0.7
"""Lowest power cap of the first milestone that is tried; for lower ones, no figure of the speed is known."""

ROOF = "roof_day"
"""Column of the buildings that can be varied: the day by which all roofs of the site are there."""

SHELL, PERMIT = "shell_days", "permit_days"
"""Keys of the types of shells that can be varied: the most days that any of them takes to build, or to be permitted. At
a site with permits of its own, PERMIT is about these."""

SHELL_SHIFTS, FITOUT_SHIFTS = "shell_shifts", "fitout_shifts"
"""Keys of the building that can be varied: shifts a day of those who build new shells, and who fit out halls."""


class Variants:
    """One eligible site of a dataset, with facts that can be varied.

    Attributes
    ----------
    levers : tuple of Lever
        Facts that can be changed. Limits that do not exist, or that are at their best value, are left out.
    grid : list of (day, MW)
        Limit of the grid from each day on: first from day 0, then from the day of each grid step.
    """

    def __init__(self, dataset: Dataset, site_id: str) -> None:
        self._site, self._data = site_id, dataset.only(site_id)
        scenario, steps = dataset.scenario, self._data.steps
        filled = filled_sites(scenario, self._data.sites, self._data.limits)[0]
        cells = counted_sites(scenario.grid, filled)[0].iloc[0]
        self._demand_usd = float(cells[DEMAND])
        rate = scenario.building.fitout_m2_per_day.by_condition.get(cells["condition"])
        cells["fitout_m2_per_day"] = rate if pd.isna(cells["fitout_m2_per_day"]) else cells["fitout_m2_per_day"]
        if scenario.defaults.distribution_share_of_grid is None:
            cells["distribution_mw"] = np.nan  # no limit, so no lever either
        tower_heat = scenario.workload.tower_heat_fraction
        cells["own_cooling_mw"] = np.nan_to_num(cells["own_cooling_mw"]) if tower_heat else np.nan
        rows = self._data.limits
        levels = {"site_id": site_id, "region": cells["region"], "country": cells["country"]}
        rows = rows[np.logical_or.reduce([(rows[level] == name) & (name != "") for level, name in levels.items()])]
        counted = counted_limits(scenario, rows)
        self._windows = {
            resource: self._data.instance.windows(field)
            for resource, field in RESOURCE_FIELDS.items()
            if has_rows(counted, filled, resource)[0]
        }
        # where rows limit a resource, its column only holds on the days that no row covers
        limited = {NOX if one is Resource.NOX else RESOURCE_FIELDS[one] for one in self._windows} - {"grid_mw"}
        self._levels = steps["grid_mw"].tolist()
        self.grid = [(0, float(cells["grid_mw"])), *zip(steps["day"].astype(int), self._levels, strict=True)]
        found = [
            Lever(name, float(cells[name]), _best(name, notch), notch)
            for name, notch in NOTCHES.items()
            if pd.notna(cells[name]) and name not in limited
        ]
        soonest = np.where(counts(scenario.grid, steps["basis"]), 0.0, float(scenario.grid.contract_days or 0))
        found += [
            Lever("ready_day", float(day), float(first), -1.0, step)
            for step, (day, first) in enumerate(zip(steps["day"], soonest, strict=True))
        ]
        if held := held_mw(scenario.grid, filled, self._data.grid_steps, rows):
            day = scenario.grid.contract_days
            now = float(scenario.project.horizon_days + 1 if day is None else day)
            found.append(Lever(CONTRACT_DAYS, now, 0.0, -1.0, reached=held))
        for resource, windows in self._windows.items():
            found += _levers_of(resource, windows)
        if (cap := scenario.milestones[0].power_cap) > LEAST_CAP:
            found.append(Lever(POWER_CAP, cap, LEAST_CAP, -0.01))
        roofs = dated_buildings(scenario, self._data.buildings)["day"]
        if len(roofs):
            found.append(Lever(ROOF, float(roofs.max()), 0.0, -1.0))
        building = scenario.building
        found.append(Lever(FITOUT_SHIFTS, float(building.fitout_shifts), float(MOST_SHIFTS), 1.0))
        self._has_permit = pd.notna(cells["shell_permit_days"])
        if len(self._data.instance.option_site):
            found.append(Lever(SHELL_SHIFTS, float(building.shell_shifts), float(MOST_SHIFTS), 1.0))
            found.append(Lever(SHELL, float(max(one.shell_days for one in building.shells.values())), 0.0, -1.0))
            permit = max(one.permit_days for one in building.shells.values())
            found.append(Lever(PERMIT, float(cells["shell_permit_days"] if self._has_permit else permit), 0.0, -1.0))
        self.levers = tuple(lever for lever in found if lever.notches > 0)

    def __call__(self, adjustments: Sequence[Adjustment]) -> Instance:
        """Return the Instance of the site with the adjustments; more grid means an additional step without cost."""
        changes = list(itertools.chain.from_iterable(map(self._changes, adjustments)))
        for resource, windows in self._windows.items():
            if own := [change for change in adjustments if change.lever.resource == resource]:
                changes.append(Change(LIMITS.name, self._site, resource, _moved(windows, own)))
        return self._data.with_changes(changes).instance

    def _changes(self, adjustment: Adjustment) -> Iterator[Change]:
        column, value = adjustment.lever.column, adjustment.value
        if adjustment.lever.resource:  # all adjustments of a resource are one change
            return
        if adjustment.lever.step is not None:
            yield Change(GRID_STEPS.name, self._site, DAY, value, self._levels[adjustment.lever.step])
        elif column == ROOF:
            yield Change(BUILDINGS.name, self._site, DAY, value)
        elif column == PERMIT and self._has_permit:
            yield Change(CANDIDATES.name, self._site, "shell_permit_days", value)
        elif column in (SHELL, PERMIT):
            for kind, shell in self._data.scenario.building.shells.items():
                yield Change(SCENARIO, "", f"building.shells.{kind}.{column}", min(getattr(shell, column), int(value)))
        elif column in (SHELL_SHIFTS, FITOUT_SHIFTS):
            yield Change(SCENARIO, "", f"building.{column}", int(value))
        elif column == "grid_mw":
            yield Change(GRID_STEPS.name, self._site, DAY, float(adjustment.by_day), value)
        elif column == CONTRACT_DAYS:
            yield Change(SCENARIO, "", f"grid.{CONTRACT_DAYS}", int(value))
        elif column == POWER_CAP:
            yield Change(SCENARIO, "", f"milestones.0.{POWER_CAP}", round(value, 2))
        else:
            yield Change(CANDIDATES.name, self._site, column, value)
            if column == "grid_usd_per_mwh":  # a price that is entered would take its demand to be 0
                yield Change(CANDIDATES.name, self._site, DEMAND, self._demand_usd)


def _best(column: str, notch: float) -> float:
    bound = CANDIDATES[column].high if notch > 0 else CANDIDATES[column].low
    assert bound is not None
    return bound


Windows = Sequence[tuple[int, float]]
"""Limit from each day on."""


def _levers_of(resource: Resource, windows: Windows) -> Iterator[Lever]:
    """Yield the levers of a resource: more of it from each window on, and each rise on an earlier day; latest first."""
    most = LIMITS["limit"].high
    assert most is not None
    for step, (day, limit) in reversed(list(enumerate(windows))):
        if np.isfinite(limit):
            least = min(after for _, after in windows[step:])
            yield Lever(LIMIT, least, most, LIMIT_NOTCHES[resource], step, resource, since=day)
        if step and limit > windows[step - 1][1]:
            yield Lever(LIMIT_DAY, float(day), 0.0, -1.0, step, resource, reached=limit)


def _moved(windows: Windows, adjustments: Sequence[Adjustment]) -> tuple[tuple[int, float], ...]:
    """Return the windows of a resource with adjustments: first with more from a window on, then with earlier rises.

    No day has less than before: a rise that moves before another window holds as the higher limit of the two.
    """
    limits = dict(windows)
    for change in adjustments:
        if change.lever.column == LIMIT:
            since = change.lever.since
            limits = {day: max(limit, change.value) if day >= since else limit for day, limit in limits.items()}
    for change in adjustments:
        if change.lever.column == LIMIT_DAY:
            day, rise = int(change.value), int(change.lever.now)
            limits.setdefault(day, limits[max(before for before in limits if before <= day)])
            reached = limits[rise]
            limits = {at: max(limit, reached) if day <= at < rise else limit for at, limit in limits.items()}
    return tuple(sorted(limits.items()))


class ClusterSizes:
    """The question of a dataset for any number of GPUs.

    Milestones of these sizes replace those of the scenario. In all but name and GPUs they are like its last milestone.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._data, self._last = dataset, dataset.scenario.milestones[-1].model_dump()
        self._of_site = cache(dataset.only)

    @property
    def site_id(self) -> Sequence[str]:
        """Return the ids of the eligible sites, sorted."""
        return self._data.pool.site_id

    def pool(self, gpus: Sequence[int]) -> Pool:
        """Return the pool of all eligible sites, with a milestone for each number of GPUs; the numbers rise."""
        return self._asked(self._data, gpus).pool

    def instance(self, site_id: str, gpus: Sequence[int]) -> Instance:
        """Return the Instance of one site, with a milestone for each number of GPUs; the numbers rise."""
        return self._asked(self._of_site(site_id), gpus).instance

    def _asked(self, data: Dataset, gpus: Sequence[int]) -> Dataset:
        milestones = [self._last | {"name": f"{number} GPUs", "gpus": number} for number in gpus]
        keys = {"milestones": milestones, "objective.order": [], "baselines": []}
        return data.with_changes(Change(SCENARIO, "", key, value) for key, value in keys.items())
