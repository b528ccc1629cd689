"""Turn the rows of the table of limits into what each site may use on each day of the calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siteopt.geodata.changes import ready_days
from siteopt.instance import Floats, Ints, rows_of
from siteopt.issues import Issue
from siteopt.message_catalogue import Code
from siteopt.phases import LIMITED
from siteopt.scenario import Scenario
from siteopt.schema import GRID_STEPS, RESOURCE_FIELDS, Resource

_COLUMN: tuple[Ints, Floats] = (np.zeros(1, dtype=np.int64), np.full(1, np.nan))
"""Limit that is that of the column of the candidate on every day."""

LEVELS = ("site_id", "region", "country")
"""Columns that say for which sites a row holds, the most specific first."""

NOX = "nox_limit_t_per_year"
"""Column of the candidates with the NOx that a site may emit."""


@dataclass(frozen=True)
class Timelines:
    """Limits by calendar day of any number of sites; sites with the same rows share a timeline.

    Axes: S sites, T timelines, C rows of all timelines, R limits.

    Attributes
    ----------
    of_site : S, index of the timeline of each site; -1 if it has none
    first : T + 1, where the rows of each timeline begin
    day : C, day from which a row holds; the first row of each timeline holds from day 0
    value : C x R, limits in the order of LIMITED; nan stands for the column of the candidate
    """

    of_site: Ints
    first: Ints
    day: Ints
    value: Floats

    def of(self, sites: Ints, base: dict[str, Floats], swing_share: float) -> dict[str, np.ndarray]:
        """Return the fields of the Instance of some sites (indices): their limits, and the changes of these.

        Parameters
        ----------
        base : dict
            Limits of these sites as their columns say, by the names of LIMITED.
        swing_share : float
            Share of a change of the grid by which the swing that it accepts changes.
        """
        of_row = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        row, owner = rows_of(of_row, self.of_site[sites])
        column = np.stack([base[name] for name in LIMITED], axis=1)
        own = column[owner]
        limit = np.where(np.isnan(self.value[row]), own, self.value[row])
        grid, swing = LIMITED.index("grid_mw"), LIMITED.index("grid_swing_mw")
        limit[:, swing] = np.maximum(0, own[:, swing] + swing_share * (limit[:, grid] - own[:, grid]))
        at_first = self.day[row] == 0
        column[owner[at_first]] = limit[at_first]
        return {
            **dict(zip(LIMITED, column.T, strict=True)),
            "change_site": owner[~at_first],
            "change_day": self.day[row][~at_first],
            "change_limit": limit[~at_first],
        }


def dated(scenario: Scenario, limits: pd.DataFrame) -> pd.DataFrame:
    """Return limits with ``day`` and ``until``: whole days, rounded up, from 0 to infinity; no limit is infinite."""
    until = ready_days(scenario, limits, "until").fillna(np.inf)
    return limits.assign(
        day=np.ceil(ready_days(scenario, limits).fillna(0)).clip(lower=0),
        until=np.ceil(until),
        limit=limits["limit"].astype(float).fillna(np.inf),
    )


def split_steps(scenario: Scenario, limits: pd.DataFrame, grid_mw: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that raise the grid of a site for good as grid steps, and the other rows.

    Parameters
    ----------
    grid_mw : Series
        Limit of each candidate by site_id, without duplicates; nan if it is unknown.
    """
    rows = dated(scenario, limits)
    rows = rows[(rows["resource"] == Resource.GRID) & (rows["site_id"] != "") & np.isinf(rows["until"])]
    rows = rows.sort_values(["site_id", "day", "limit"])
    assumed = scenario.defaults.of("grid_mw")
    base = grid_mw.reindex(rows["site_id"]).fillna(0.0 if assumed is None else float(assumed)).to_numpy(dtype=float)
    before = rows.groupby("site_id")["limit"].cummax().groupby(rows["site_id"]).shift()
    raises = rows.index[rows["limit"] > np.fmax(before, base)]
    risen = limits.loc[raises].rename(columns={"limit": "grid_mw"})
    risen["ready_day"] = ready_days(scenario, risen).fillna(0.0)
    risen = risen.assign(ready_date=pd.NaT, live_feed="")
    return risen[list(GRID_STEPS.names)], limits.drop(index=raises)


def passing_issues(
    scenario: Scenario, tables: Sequence[tuple[str, pd.DataFrame]], steps: pd.DataFrame
) -> Iterator[list[Issue]]:
    """Yield the issues of each table of limits: rows that are no grid steps, and come after a grid step of their site.

    Steps are decisions that add to the limit before them, so a row that replaces that limit has to come first.
    """
    first = steps.groupby("site_id")["day"].min()
    for file, frame in tables:
        grid = dated(scenario, frame[(frame["resource"] == Resource.GRID) & (frame["site_id"] != "")])
        late = grid[grid["day"].to_numpy() >= first.reindex(grid["site_id"]).fillna(np.inf).to_numpy(dtype=float)]
        yield [
            Issue(
                Code.AFTER_STEP,
                file,
                int(row),
                "ready_day",
                f"{day:g}",
                f"a day before {first[site]:g}, the first grid step of {site}, for a limit that ends or is lower",
            )
            for row, day, site in zip(late.index, late["day"], late["site_id"], strict=True)
        ]


def has_rows(limits: pd.DataFrame, sites: pd.DataFrame, resource: Resource) -> np.ndarray:
    """Return whether any row limits a resource of each site; S, bool."""
    if limits.empty:
        return np.zeros(len(sites), dtype=bool)
    return _keys(limits[limits["resource"] == resource], sites)[0] >= 0


def holding(limits: pd.DataFrame, site: pd.DataFrame) -> pd.Index:
    """Return the index of the rows that hold at one site: those of the most specific level of each resource.

    Parameters
    ----------
    limits : DataFrame
        Rows that count.
    site : DataFrame
        The one site by site_id, with ``region`` and ``country``.
    """
    found = limits.index[:0]
    for _, rows in limits.groupby("resource"):
        (key,), groups = _keys(rows, site)
        if key >= 0:
            found = found.union(groups[key].index)
    return found


def nox_issues(scenario: Scenario, limits: pd.DataFrame, sites: pd.DataFrame) -> list[Issue]:
    """Return a warning if some eligible sites have no limit of NOx, because nothing says what a blank means."""
    if scenario.defaults.nox_limit_t_per_year is not None:
        return []
    without = sites[NOX].isna().to_numpy() & ~has_rows(limits, sites, Resource.NOX)
    if not without.any():
        return []
    place = scenario.path.name if scenario.path is not None else "scenario"
    expected = "nox_limit_t_per_year in [defaults], or rows of nox in the limits"
    return [Issue(Code.NO_NOX_LIMIT, place, None, NOX, f"no limit at {int(without.sum()):,} sites", expected)]


def timelines(scenario: Scenario, limits: pd.DataFrame, sites: pd.DataFrame, steps: pd.DataFrame) -> Timelines:
    """Return the limits of sites by calendar day, up to the calendar end.

    The rows of the most specific level of each resource hold. On each day it is the latest of those in force; of two
    that are ready on the same day, the lower one. Once a site has its first grid step, its other limit of the grid is
    at most that of its column.

    Parameters
    ----------
    limits : DataFrame
        Rows that are not grid steps.
    sites : DataFrame
        Eligible sites by site_id, with ``region``, ``country`` and ``grid_mw``.
    steps : DataFrame
        Dated grid steps of these sites.
    """
    if limits.empty:  # a million sites need no look at rows that are not there
        nothing = np.zeros(0, dtype=np.int64)
        return Timelines(np.full(len(sites), -1), np.zeros(1, dtype=np.int64), nothing, np.zeros((0, len(LIMITED))))
    rows, end = dated(scenario, limits), scenario.calendar_end_day
    known, keys = list[list[tuple[Ints, Floats]]](), list[Ints]()
    of_site = np.zeros(len(sites), dtype=np.int64)
    for resource in RESOURCE_FIELDS:
        key, groups = _keys(rows[rows["resource"] == resource], sites)
        known.append([_timeline(group, end) for group in groups])
        keys.append(key)
        of_site = np.unique(of_site * (len(groups) + 1) + key + 1, return_inverse=True)[1].ravel()
    step_day = steps.groupby("site_id")["day"].min()
    first, day, value = [0], list[int](), list[Floats]()
    examples = np.unique(of_site, return_index=True)[1]
    place = np.full(len(examples), -1)
    for pattern, s in enumerate(examples.tolist()):
        lines = [every[key[s]] if key[s] >= 0 else _COLUMN for every, key in zip(known, keys, strict=True)]
        if any(line is not _COLUMN for line in lines):
            if keys[0][s] >= 0:
                lines[0] = _beside_steps(
                    lines[0], step_day.get(sites.index[s], np.inf), float(sites["grid_mw"].iloc[s])
                )
            days, values = _joined(lines)
            place[pattern] = len(first) - 1
            day, value = day + days, value + values
            first.append(len(day))
    return Timelines(
        place[of_site],
        np.array(first),
        np.array(day, dtype=np.int64),
        np.array(value, dtype=float).reshape(len(day), len(LIMITED)),
    )


def _keys(rows: pd.DataFrame, sites: pd.DataFrame) -> tuple[Ints, list[pd.DataFrame]]:
    """Return which group of rows holds at each site, or -1, and the groups: one for each site, region or country."""
    key, groups = np.full(len(sites), -1), list[pd.DataFrame]()
    for level in LEVELS:
        mine = rows[rows[level] != ""]
        named = mine.groupby(level)
        place = pd.Index(named.groups).get_indexer(sites.index if level == "site_id" else sites[level])
        key = np.where((key < 0) & (place >= 0), place + len(groups), key)
        groups += [group for _, group in named]
    return key, groups


def _timeline(rows: pd.DataFrame, end: int) -> tuple[Ints, Floats]:
    """Return the days on which the limit of some rows changes, from day 0 on, and the limit from each on."""
    begin, until = rows["day"].to_numpy(dtype=float), rows["until"].to_numpy(dtype=float)
    limit = rows["limit"].to_numpy(dtype=float)
    days = np.unique(np.concatenate([[0.0], begin, until]))
    days = days[days < end]
    order = np.lexsort((-limit, begin))  # the last one in force is the latest, and the lowest of these
    values = np.full(len(days), np.nan)
    for row in order:
        values[(days >= begin[row]) & (days < until[row])] = limit[row]
    return days.astype(np.int64), values


def _beside_steps(line: tuple[Ints, Floats], step_day: float, grid_mw: float) -> tuple[Ints, Floats]:
    """Return the limit of a grid that has steps: at most that of its column from the first step on."""
    day, limit = line
    if np.isinf(step_day):
        return line
    days = np.unique(np.append(day, int(step_day)))
    limit = limit[np.searchsorted(day, days, side="right") - 1]
    return days, np.where(days >= step_day, np.minimum(limit, grid_mw), limit)


def _joined(lines: Sequence[tuple[Ints, Floats]]) -> tuple[list[int], list[Floats]]:
    """Return the days on which any of the limits changes, and all limits from each on, in the order of LIMITED."""
    days = np.unique(np.concatenate([day for day, _ in lines])).astype(np.int64)
    values = np.full((len(days), len(LIMITED)), np.nan)
    for field, (day, value) in zip(RESOURCE_FIELDS.values(), lines, strict=True):
        values[:, LIMITED.index(field)] = value[np.searchsorted(day, days, side="right") - 1]
    kept = [0, *(at for at in range(1, len(days)) if not np.array_equal(values[at], values[at - 1], equal_nan=True))]
    return days[kept].tolist(), list(values[kept])
