"""Compute what the works cost that make each site ready for the GPUs of the last milestone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from siteopt.instance import WORKS, Floats
from siteopt.scenario import Scenario
from siteopt.schema import Condition


def works_musd(
    scenario: Scenario, sites: pd.DataFrame, built: np.ndarray, area_m2: Floats, by_building: Mapping[str, np.ndarray]
) -> Floats:
    """Return the cost of each work in the order of WORKS, without new shells; S x W, million USD.

    The area to convert is what the GPUs of the last milestone take; of several buildings, the same share of each. A
    site whose condition is unknown has that of ``[defaults]``, or else a sound hall.

    Parameters
    ----------
    sites : DataFrame
        Eligible sites by site_id, sorted, with blanks filled.
    built : S, bool, sites whose halls are new shells
    area_m2 : B, area of the buildings of a table
    by_building : dict
        Fields of the Instance about these buildings.
    """
    workload, building = scenario.workload, scenario.building
    costs, gpus = building.costs, scenario.milestones[-1].gpus
    it_mw = gpus * workload.it_kw_per_gpu / 1000
    assumed = scenario.defaults.of("condition") or Condition.SOUND
    condition = sites["condition"].mask(sites["condition"] == "").fillna(str(assumed))
    converted_m2 = np.full(len(sites), it_mw * building.hall_m2_per_mw)
    owner = by_building["building_site"]
    if len(owner):
        room = np.bincount(owner, by_building["building_gpus"], len(sites))
        there_m2 = np.bincount(owner, area_m2, len(sites))
        has = room > 0
        converted_m2[has] = there_m2[has] * np.minimum(1, gpus / room[has])
    by_work = {
        "halls": np.where(built, 0.0, converted_m2 * condition.map(costs.usd_per_m2).to_numpy(dtype=float)),
        "fitout": np.full(len(sites), it_mw * costs.fitout_usd_per_mw),
        "liquid_loop": np.full(len(sites), it_mw * costs.liquid_loop_usd_per_mw),
        "site_works": it_mw * condition.map(costs.site_works_usd_per_mw).to_numpy(dtype=float),
    }
    return np.stack([by_work[work] for work in WORKS], axis=1) / 1e6
