"""Vary a site: make its Instance with other values in the tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siteopt.findings import Adjustment, Lever
from siteopt.geodata.changes import DAY, Change
from siteopt.geodata.dataset import Dataset, filled_sites
from siteopt.instance import Instance
from siteopt.schema import CANDIDATES, GRID_STEPS

NOTCHES = {
    "grid_mw": 1.0,
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
        cells = filled_sites(scenario, self._data.sites, self._data.limits)[0].iloc[0]
        rate = dict(scenario.building.fitout_m2_per_day).get(cells["condition"])
        cells["fitout_m2_per_day"] = rate if pd.isna(cells["fitout_m2_per_day"]) else cells["fitout_m2_per_day"]
        self._levels = steps["grid_mw"].tolist()
        self.grid = [(0, float(cells["grid_mw"])), *zip(steps["day"].astype(int), self._levels, strict=True)]
        found = [
            Lever(name, float(cells[name]), _best(name, notch), notch)
            for name, notch in NOTCHES.items()
            if pd.notna(cells[name])
        ]
        found += [Lever("ready_day", float(day), 0.0, -1.0, step) for step, day in enumerate(steps["day"])]
        self.levers = tuple(lever for lever in found if lever.notches > 0)

    def __call__(self, adjustments: Sequence[Adjustment]) -> Instance:
        """Return the Instance of the site with the adjustments; more grid means an additional step without cost."""
        return self._data.with_changes(map(self._change, adjustments)).instance

    def _change(self, adjustment: Adjustment) -> Change:
        column, value = adjustment.lever.column, adjustment.value
        if adjustment.lever.step is not None:
            return Change(GRID_STEPS.name, self._site, DAY, value, self._levels[adjustment.lever.step])
        if column == "grid_mw":
            return Change(GRID_STEPS.name, self._site, DAY, float(adjustment.by_day), value)
        return Change(CANDIDATES.name, self._site, column, value)


def _best(column: str, notch: float) -> float:
    bound = CANDIDATES[column].high if notch > 0 else CANDIDATES[column].low
    assert bound is not None
    return bound
