"""A site as it would be with other cells in the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from siteopt.geodata.dataset import Dataset, filled_sites
from siteopt.geodata.pool import site_pool
from siteopt.instance import Instance
from siteopt.reasons import Change, Lever
from siteopt.scenario import Scenario
from siteopt.schema import CANDIDATES

NOTCHES = {
    "grid_mw": 1.0,
    "access_days": -1.0,
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
"""Columns of the candidates that could be otherwise, and how finely; below 0 where less is better."""


class Variants:
    """One eligible site of a dataset, to be varied.

    Attributes
    ----------
    levers : tuple of Lever
        What could be otherwise: a limit that is not there, or that is as good as it can be, is not among them.
    grid : list of (day, MW)
        The limit of its grid from each day on: from day 0, and of its steps in their order.
    """

    def __init__(self, scenario: Scenario, dataset: Dataset, site_id: str) -> None:
        self._scenario, self._offers = scenario, dataset.offers
        self._quality = dataset.pool.common["power_quality"]
        self._row = filled_sites(scenario, dataset.sites.loc[[site_id]])[0]
        blank = self._row["fitout_m2_per_day"].isna()
        rates = self._row["condition"].map(dict(scenario.building.fitout_m2_per_day))
        self._row.loc[blank, "fitout_m2_per_day"] = rates[blank]
        self._steps = dataset.steps[dataset.steps["site_id"] == site_id].reset_index(drop=True)
        cells = self._row.iloc[0]
        self.grid = [
            (0, float(cells["grid_mw"])),
            *zip(self._steps["day"].astype(int), self._steps["grid_mw"], strict=True),
        ]
        found = [
            Lever(name, float(cells[name]), _best(name, notch), notch)
            for name, notch in NOTCHES.items()
            if pd.notna(cells[name])
        ]
        found += [Lever("ready_day", float(day), 0.0, -1.0, step) for step, day in enumerate(self._steps["day"])]
        self.levers = tuple(lever for lever in found if lever.notches > 0)

    def __call__(self, changes: Sequence[Change]) -> Instance:
        """The Instance of the site with the changes; more grid is a step of its own, which costs nothing."""
        row, steps = self._row.copy(), self._steps.copy()
        for change in changes:
            column, value = change.lever.column, change.value
            if change.lever.step is not None:
                steps.loc[change.lever.step, "day"] = value
            elif column == "grid_mw":
                more = {"site_id": row.index[0], "day": float(change.by_day), "grid_mw": value, "cost_usd": 0.0}
                steps = pd.DataFrame([*steps.to_dict("records"), more], columns=steps.columns)
            else:
                row[column] = value
        steps = steps.sort_values(["day", "grid_mw"], ignore_index=True)
        pool = site_pool(self._scenario, row, self._offers, steps, self._quality)
        return pool.exact(np.zeros(1, dtype=np.int64))


def _best(column: str, notch: float) -> float:
    bound = CANDIDATES[column].high if notch > 0 else CANDIDATES[column].low
    assert bound is not None
    return bound
