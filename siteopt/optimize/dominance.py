"""Compare sites by dominance: a site that is equal or worse in every array has no plan that the better one lacks.

A plan of the worse site also holds at the better site, on the same days and at no higher cost. So what is shown of the
better site, that it has no plan by some days or none below some cost, holds for the worse one, too.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from siteopt.instance import Floats, Instance, Ints
from siteopt.phases import LIMITED

HIGHER_IS_BETTER = (*LIMITED, "own_cooling_mw", "yard_m2")
LOWER_IS_BETTER = (
    *("grid_usd_per_mwh", "demand_usd_per_mw_month", "site_cost_musd", "works_musd", "unit_cost_musd"),
    *("compute_ready_day", "arrival_day", "ready_day", "min_battery_mw", "min_inertia_mws"),
)
EQUAL = ("rating_mw", "cop")
"""Arrays in which neither more nor less is better in every row: a larger unit also burns more gas."""

UNUSED = (
    *("handover_day", "hall_day", "hall_gpus_per_day", "hall_capacity_gpus"),
    *("compute_queue", "queue_relaxed_day", "transit_days"),
)
"""Arrays that no row of the MILP uses; they are in ``compute_ready_day`` and ``ready_day`` already."""

BUILDINGS = ("building_site", "building_id", "building_day", "building_gpus_per_day", "building_gpus", "option_day")
"""Fields of buildings and new shells, which no row uses either."""

STEPS = ("step_ready_day", "step_rise_mw", "step_rise_swing_mw", "step_commissioned_mw", "step_cost_musd")
CHANGES = ("change_day", "change_limit")
OPTIONS = ("option_shell", "option_count", "option_cost_musd", "option_ready_day", "option_relaxed_day")
ROWS = {"step_site": STEPS, "change_site": CHANGES, "option_site": OPTIONS}
"""Fields of grid steps, changes of limits and options of shells, by the field with their sites; other ones do not
compare."""

SUPPLY = (*EQUAL, *LIMITED, "own_cooling_mw", "grid_usd_per_mwh", "demand_usd_per_mw_month")
"""Arrays that decide, with units and grid steps, what runs at a milestone and how the plant responds to its load."""

_BY_SITE = {
    *(*HIGHER_IS_BETTER, *LOWER_IS_BETTER, *EQUAL, *UNUSED, *BUILDINGS),
    *(*STEPS, *CHANGES, *OPTIONS, *ROWS, "site_id"),
}
_SHARED = tuple(one.name for one in fields(Instance) if one.name not in _BY_SITE | {"budget_musd", "pace"})
"""Fields that are not of a site and that a row uses; the pace of the GPUs is in ``compute_ready_day`` already."""


def is_dominated(better: Instance, sites: Instance) -> NDArray[np.bool_]:
    """Return for each site of an Instance whether the only site of ``better`` is equal or better in every array; S.

    Grid steps and options of shells must be equal, and so must all limits of sites on which a limit changes: where a
    limit falls from decides what energy is paid. No site counts as dominated if the Instances differ in anything but
    sites and budget.
    """
    dominated = _same_rows(better, sites) & _same_question(better, sites)
    if len(better.change_day):
        dominated &= _same_limits(better, sites)
    for names, is_worse in (
        (HIGHER_IS_BETTER, np.less_equal),
        (LOWER_IS_BETTER, np.greater_equal),
        (EQUAL, np.equal),
    ):
        for name in names:
            dominated[dominated] = _all(is_worse(getattr(sites, name)[dominated], getattr(better, name)[0]))
    return dominated


def has_same_supply(one: Instance, sites: Instance) -> NDArray[np.bool_]:
    """Return for each site of an Instance whether it has supply, steps and options of the only site of ``one``; S."""
    same = _same_rows(one, sites) & _same_question(one, sites)
    for name in SUPPLY:
        same &= _all(getattr(sites, name) == getattr(one, name)[0])
    return same


def _all(held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether a comparison holds in all entries of each site."""
    return np.asarray(held.all(axis=tuple(range(1, held.ndim))))


def _same_question(one: Instance, other: Instance) -> bool:
    """Return whether two Instances have the same offers, milestones and settings, apart from the budget."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in _SHARED)
    return all(mine is its or np.array_equal(mine, its) for mine, its in pairs)


def _same_limits(one: Instance, sites: Instance) -> NDArray[np.bool_]:
    """Return for each site whether its limits, before any change, are those of the only site of ``one``; S."""
    return np.logical_and.reduce([getattr(sites, name) == getattr(one, name)[0] for name in LIMITED])


def _same_rows(one: Instance, sites: Instance) -> NDArray[np.bool_]:
    """Return for each site whether its steps, changes and options are those of the only site of ``one``; S."""
    same = np.ones(sites.sites, dtype=bool)
    for name_of_owner, names in ROWS.items():
        owner, count = getattr(sites, name_of_owner), len(getattr(one, name_of_owner))
        same &= np.bincount(owner, minlength=sites.sites) == count
        for name in names if count else ():
            values: Ints | Floats = getattr(sites, name)
            there = np.flatnonzero(same)
            rows = values[np.isin(owner, there)].reshape(len(there), count, *values.shape[1:])
            same[there] = _all(rows == getattr(one, name))
    return same
