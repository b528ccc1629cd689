"""Decide which limits of the grid count, and from when: a connection is not yet a right to import."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from siteopt.geodata.changes import ready_days
from siteopt.issues import Issue, named
from siteopt.message_catalogue import Code
from siteopt.scenario import Grid, Scenario
from siteopt.schema import Basis, Resource

IMPORTED = (Resource.GRID, Resource.GRID_NONFIRM)
"""Resources of the limits that need a right to import."""


def counts(grid: Grid, basis: pd.Series) -> np.ndarray:
    """Return whether the limits of some rows count at once, by their basis."""
    return basis.fillna("").isin(grid.counted).to_numpy(dtype=bool)


def _can_count(grid: Grid, basis: pd.Series) -> np.ndarray:
    """Return whether the limits of some rows can count once there is a contract, by their basis."""
    return (basis != Basis.GENERATION_EXPORT).to_numpy(dtype=bool) & (grid.contract_days is not None)


def counted_sites(grid: Grid, sites: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sites with the MW that they may import at handover, and the grid steps that a contract would give.

    Parameters
    ----------
    sites : DataFrame
        Eligible sites by site_id; ``grid_mw`` (MW) with blanks filled, ``grid_swing_mw`` and ``basis``.

    Returns
    -------
    sites, steps : DataFrame
        Where the basis does not count, ``grid_mw`` is 0 and ``grid_swing_mw`` blank; the entered MW are then a step of
        the day ``contract_days``, if there is one.
    """
    counted = counts(grid, sites["basis"]) | ~(sites["grid_mw"] > 0).to_numpy(dtype=bool)
    if counted.all():
        return sites, pd.DataFrame({"site_id": [], "day": [], "grid_mw": [], "cost_usd": []})
    later = sites[~counted & _can_count(grid, sites["basis"])]
    steps = later[["grid_mw", "basis"]].assign(site_id=later.index, day=grid.contract_days).reset_index(drop=True)
    held = {"grid_mw": sites["grid_mw"].where(counted, 0.0), "grid_swing_mw": sites["grid_swing_mw"].where(counted)}
    return sites.assign(**held), steps.assign(cost_usd=0.0)


def counted_steps(grid: Grid, steps: pd.DataFrame) -> pd.DataFrame:
    """Return the grid steps that count; ``day`` is not before ``contract_days`` where the basis needs a contract."""
    counted = counts(grid, steps["basis"])
    if counted.all():
        return steps
    kept = counted | _can_count(grid, steps["basis"])
    day = steps["day"].where(counted, np.maximum(steps["day"], grid.contract_days or 0))
    return steps.assign(day=day)[kept]


def counted_limits(scenario: Scenario, limits: pd.DataFrame) -> pd.DataFrame:
    """Return the limits that count; a limit of the grid whose basis needs a contract begins no sooner than it."""
    grid, is_grid = scenario.grid, limits["resource"].isin(IMPORTED).to_numpy(dtype=bool)
    counted = ~is_grid | counts(grid, limits["basis"])
    if counted.all():
        return limits
    kept = counted | _can_count(grid, limits["basis"])
    day = ready_days(scenario, limits).fillna(0.0)
    later = np.maximum(day, grid.contract_days or 0)
    held = {"ready_day": limits["ready_day"].where(counted, later), "ready_date": limits["ready_date"].where(counted)}
    return limits.assign(**held)[kept]


def held_mw(grid: Grid, sites: pd.DataFrame, steps: pd.DataFrame, limits: pd.DataFrame) -> float:
    """Return the most MW of grid that would count with a contract, and do not without one; 0 if nothing is held back.

    Parameters
    ----------
    sites, steps, limits : DataFrame
        Rows that concern one site, with ``basis``.
    """
    rows = limits[limits["resource"].isin(IMPORTED)].rename(columns={"limit": "grid_mw"})
    every = pd.concat([frame[["grid_mw", "basis"]] for frame in (sites, steps, rows) if len(frame)])
    held = ~counts(grid, every["basis"]) & (every["basis"] != Basis.GENERATION_EXPORT).to_numpy(dtype=bool)
    return float(np.nan_to_num(every["grid_mw"][held].astype(float).max()))


def import_issues(grid: Grid, frame: pd.DataFrame, file: str, column: str, eligible: Sequence[str]) -> list[Issue]:
    """Return a warning for each row whose limit of the grid does not count yet, and concerns an eligible site.

    Parameters
    ----------
    frame : DataFrame
        Candidates, grid steps or limits; a limit of a region or country concerns any site.
    column : str
        Column of ``frame`` with the limit of the grid, in MW.
    eligible : sequence of str
        Ids of the eligible sites.
    """
    if column == "limit":
        frame = frame[frame["resource"].isin(IMPORTED)]
    held = frame[~counts(grid, frame["basis"]) & (frame[column] > 0).to_numpy(dtype=bool)]
    held = held[held["site_id"].isin(["", *eligible])] if len(held) else held
    can = _can_count(grid, held["basis"])
    issues = (
        Issue(Code.NO_IMPORT_RIGHT, file, int(row), column, f"{mw:g}", _told(grid, basis, later))
        for row, mw, basis, later in zip(held.index, held[column], held["basis"], can, strict=True)
    )
    return named(issues, len(held))


def _told(grid: Grid, basis: str, later: bool) -> str:
    when = f"it counts from day {grid.contract_days} on (grid.contract_days)" if later else "it does not count"
    return f"a right to import; its basis is {basis or Basis.REPORTED}, so {when}"
