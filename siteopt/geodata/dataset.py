"""Read and check the tables of a scenario, choose the eligible sites, fill their blanks, and make their pool."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import geopandas
import numpy as np
import pandas as pd
import shapely

from siteopt.geodata.changes import Change, Tables, changed, dated_buildings, dated_steps, ready_days
from siteopt.geodata.check import typed
from siteopt.geodata.cross_checks import (
    inside_issues,
    ladder_issues,
    outline_issues,
    shape_issues,
    shell_issues,
    stranger_issues,
)
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.import_right import counted_limits, counted_sites, counted_steps, import_issues
from siteopt.geodata.layers import CRS, files_of, located, refuse
from siteopt.geodata.limits import NOX, has_rows, nox_issues, passing_issues, split_steps, timelines
from siteopt.geodata.pool import SitePool, power_quality, site_pool
from siteopt.geodata.tables import FRAME, RawTable, frame_digest, from_frame, read_table
from siteopt.instance import Instance
from siteopt.issues import InputError, Issue, named
from siteopt.log import note
from siteopt.message_catalogue import Code
from siteopt.record.base import InputFile
from siteopt.record.reason import ReasonCode, because
from siteopt.scenario import Scenario
from siteopt.schema import (
    AREAS,
    BUILDINGS,
    CANDIDATES,
    DEMAND,
    GRID_STEPS,
    LIMITS,
    OFFERS,
    SHARE_OF_GRID,
    WAVEFORM,
    Resource,
    Table,
    Type,
)

ASSUMABLE = [column.name for column in CANDIDATES if column.assumable]
DECIDING = [one.name for one in CANDIDATES if one.name != "retrieved" and (one.type is not Type.TEXT or one.choices)]
DECIDING += ["country", "region"]
"""Columns of the candidates that affect the answer; names and notes do not."""

OUTLINE = "outline"
"""Role of the polygon of a candidate; an area has its use as its role."""


@dataclass(frozen=True)
class Dataset(Tables):
    """Everything that was read for a scenario, and the eligible sites.

    Attributes
    ----------
    pool : SitePool
        The eligible sites.
    steps : DataFrame
        Grid steps of the eligible sites, in the order of the pool, then by ``day`` and limit.
    excluded : Series of Reason
        Why each candidate that is not in the pool is excluded, by site_id.
    assumed : DataFrame of bool
        Whether the scenario filled a blank; eligible sites by columns that may be assumed.
    """

    pool: SitePool
    steps: pd.DataFrame
    excluded: pd.Series
    assumed: pd.DataFrame

    @cached_property
    def instance(self) -> Instance:
        """Return the Instance of all eligible sites at once.

        Its arrays of sites by offers are too large for hundreds of thousands of sites.
        """
        return self.pool.exact(np.arange(len(self.pool.site_id)))

    @property
    def assumption_warnings(self) -> tuple[Issue, ...]:
        """Return warnings about what the scenario leaves unsaid, which ``siteopt check`` tells."""
        return tuple(nox_issues(self.scenario, self.limits, self.sites.loc[list(self.pool.site_id)]))

    def areas_of(self, site_id: str | None) -> list[tuple[str, shapely.Geometry]]:
        """Return role and polygon (WGS 84) of a site's outline, halls and yards, if they are known."""
        mine = [layer[layer["site_id"] == site_id].to_crs(CRS) for layer in self.areas]
        return [area for layer in mine for area in zip(layer["role"], layer.geometry, strict=True)]

    def only(self, site_id: str) -> Dataset:
        """Return the dataset of one candidate, which takes part even if a date or the filter excludes it."""
        steps = self.grid_steps[self.grid_steps["site_id"] == site_id]
        halls = self.buildings[self.buildings["site_id"] == site_id]
        limits = self.limits[self.limits["site_id"].isin(["", site_id])]
        only = {"sites": self.sites.loc[[site_id]], "grid_steps": steps, "limits": limits, "buildings": halls}
        return _assembled(replace(self._tables, **only, admit=site_id))

    def with_changes(self, changes: Iterable[Change]) -> Dataset:
        """Return the dataset with some facts changed; its pool and Instance are those of the new facts.

        Parameters
        ----------
        changes : iterable of Change
            Cells of candidates, offers and grid steps, and keys of the scenario.

        Raises
        ------
        InputError
            With every change that names something unknown, or whose value is not allowed.

        Examples
        --------
        >>> import siteopt
        >>> data = siteopt.load(siteopt.read_scenario(siteopt.example("frugal")))
        >>> later = data.with_changes([siteopt.Change("candidates", "us-eugene-hynix", "handover_days", 90.0)])
        >>> found = later.only("us-eugene-hynix").instance
        >>> int(found.handover_day[0])
        90
        """
        return _assembled(changed(self._tables, tuple(changes)))

    @property
    def _tables(self) -> Tables:
        return Tables(**{one.name: getattr(self, one.name) for one in fields(Tables)})


class _Read(NamedTuple):
    """Table that was read: its name, its rows, and their shapes."""

    name: str
    frame: pd.DataFrame
    shapes: geopandas.GeoSeries | None


@dataclass
class _Reader:
    """Reader of the tables of a scenario, which collects their issues."""

    scenario: Scenario
    issues: list[Issue] = field(default_factory=list)
    inputs: list[InputFile] = field(default_factory=list)
    sites: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def known(self) -> pd.DataFrame:
        """Return the coordinates and the grid limit of each candidate, by its id."""
        sites = self.sites[["longitude", "latitude", "grid_mw"]]
        return sites[~sites.index.duplicated() & (sites.index != "")]

    def read(self, table: Table, paths: Sequence[str], given: pd.DataFrame | None = None) -> list[_Read]:
        """Return the tables of some files, or the one table that is given as a frame."""
        if given is not None:
            return self._checked(table, f"{FRAME}{table.name}", lambda name: from_frame(name, given, table))

        def file(name: str) -> RawTable:
            path = self.scenario.resolve(name)
            refuse(path, name)
            return replace(read_table(path, table), file=name)

        return [read for name in paths for read in self._checked(table, name, file)]

    def _checked(self, table: Table, name: str, make: Callable[[str], RawTable]) -> list[_Read]:
        """Return a table with typed columns in a list, which is empty if the table cannot be read."""
        project = self.scenario.project
        begin = time.monotonic()
        try:
            raw = make(name)
        except InputError as error:
            self.issues += [replace(issue, file=name) for issue in error.issues]
            return []
        frame, issues = typed(table, raw, project.currency, project.currency_per_usd)
        read_as = frame.attrs.pop("read_as")
        note("read", path=name, rows=len(frame), seconds=round(time.monotonic() - begin, 4), read_as=read_as)
        if name.startswith(FRAME):
            self.inputs.append(InputFile(path=name, sha256=frame_digest(raw)))
        else:
            table_file, *beside = _digests(name, self.scenario.resolve(name))
            self.inputs += [table_file.model_copy(update={"read_as": read_as or None}), *beside]
        if table is AREAS:
            issues += shape_issues(raw.shapes, raw.rows, name)
        if table is CANDIDATES and raw.shapes is not None:
            issues += outline_issues(frame, raw.shapes, name)
        if table is CANDIDATES:
            issues += shell_issues(frame, name, self.scenario.building.shells)
        self.report(table, issues, frame)
        return [_Read(name, frame, raw.shapes)]

    def report(self, table: Table, issues: list[Issue], frame: pd.DataFrame) -> None:
        """Keep the issues of a table with the coordinates of their rows, or of the sites that the rows name."""
        if issues:
            lon_lat = frame
            if "longitude" not in table.names:
                ids = frame["site_id"] if "site_id" in table.names else [""] * len(frame)
                lon_lat = self.known.reindex(ids).set_axis(frame.index)
            lon_lat = lon_lat[["longitude", "latitude"]].dropna()
            for issue in issues:
                longitude, latitude = lon_lat.loc[issue.row].tolist() if issue.row in lon_lat.index else (None, None)
                self.issues.append(replace(issue, longitude=longitude, latitude=latitude))

    def joined(self, table: Table, tables: list[_Read], key: str) -> pd.DataFrame:
        """Return one frame by id, in the order of the files; an id that is in two files is an error."""
        for number, (name, frame, _) in enumerate(tables):
            once = frame[key] != ""
            for twin, other, _ in tables[:number]:
                twice = once & (pd.Index(other[key].unique()).get_indexer(frame[key]) >= 0)
                expected = f"a unique id; {twin} has the same id"
                ids = frame.loc[twice, key]
                issues = named(
                    (Issue(Code.DUPLICATE, name, int(row), key, id_, expected) for row, id_ in ids.items()), len(ids)
                )
                self.report(table, issues, frame)
                once &= ~twice
        if not tables:
            return pd.DataFrame(columns=list(table.names)).set_index(key, drop=False)
        return pd.concat([frame for _, frame, _ in tables], ignore_index=True).set_index(key, drop=False)


def load(
    scenario: Scenario,
    admit: str = "",
    *,
    candidates: pd.DataFrame | None = None,
    offers: pd.DataFrame | None = None,
    grid_steps: pd.DataFrame | None = None,
    limits: pd.DataFrame | None = None,
) -> Dataset:
    """Read and check the tables of a scenario, and make the pool of eligible sites.

    Parameters
    ----------
    admit : str
        site_id of a site that takes part even if a date or the filter excludes it.
    candidates, offers, grid_steps, limits : DataFrame or GeoDataFrame, optional
        Tables to use instead of the files that the scenario names. They have the same columns and get the same checks.
        The id may be the index. The geometry of candidates replaces their longitude and latitude.

    Returns
    -------
    Dataset
        The tables, the pool of eligible sites, and the reason why each other candidate is excluded.

    Raises
    ------
    InputError
        With every error of every table.
    """
    reader = _Reader(scenario)
    site_tables = reader.read(CANDIDATES, scenario.inputs.candidates, candidates)
    sites = reader.joined(CANDIDATES, site_tables, "site_id")
    reader.sites = sites
    offer_tables = reader.read(OFFERS, scenario.inputs.offers, offers)
    known_offers = reader.joined(OFFERS, offer_tables, "offer_id").sort_index()
    stepped = [
        (name, frame.assign(day=ready_days(scenario, frame)))
        for name, frame, _ in reader.read(GRID_STEPS, scenario.inputs.grid_steps, grid_steps)
    ]
    limited = [(name, frame) for name, frame, _ in reader.read(LIMITS, scenario.inputs.limits, limits)]
    split = [(name, *split_steps(scenario, frame, reader.known["grid_mw"])) for name, frame in limited]
    risen = [(name, steps.assign(day=ready_days(scenario, steps))) for name, steps, _ in split if len(steps)]
    others = [(name, rest) for name, _, rest in split]
    halls = reader.read(BUILDINGS, scenario.inputs.buildings)
    built = [(name, frame) for name, frame, _ in halls]
    if site_tables:
        for table, tables_of_sites in ((GRID_STEPS, stepped), (LIMITS, limited), (BUILDINGS, built)):
            for name, frame in tables_of_sites:
                reader.report(table, stranger_issues(frame["site_id"], name, reader.known.index), frame)
        _report_steps(reader, stepped, risen, others)
    sampled = scenario.power_quality.waveform
    waves = [frame for _, frame, _ in reader.read(WAVEFORM, [sampled] if sampled else [])]
    waveform = waves[0].sort_values("time_s") if waves else pd.DataFrame(columns=list(WAVEFORM.names))
    areas = reader.read(AREAS, scenario.inputs.areas)
    outlines = _outlines(site_tables)
    for name, frame, shapes in areas:
        if site_tables:
            reader.report(AREAS, stranger_issues(frame["site_id"], name, reader.known.index), frame)
        if shapes is not None:
            reader.report(AREAS, inside_issues(frame, shapes, outlines, name), frame)
    is_read = all(issue.code.is_warning for issue in reader.issues)
    for name, table in (("candidates", sites), ("offers", known_offers)):
        if table.empty and is_read:
            files = ", ".join(getattr(scenario.inputs, name)) or name
            reader.issues.append(Issue(Code.EMPTY, files, None, "", "no rows", f"at least one row of {name}"))
    if not all(issue.code.is_warning for issue in reader.issues):
        raise InputError(reader.issues)
    steps = [frame.drop(columns="day") for _, frame in (*stepped, *risen)]
    buildings = [frame for _, frame in built]
    shaped = [(frame, OUTLINE, shapes) for _, frame, shapes in site_tables]
    shaped += [(frame, frame["use"], shapes) for _, frame, shapes in areas]
    tables = Tables(
        scenario=scenario,
        sites=sites,
        offers=known_offers,
        grid_steps=pd.concat(steps, ignore_index=True) if steps else pd.DataFrame(columns=list(GRID_STEPS.names)),
        limits=pd.concat([frame for _, frame in others], ignore_index=True)
        if others
        else pd.DataFrame(columns=list(LIMITS.names)),
        buildings=pd.concat(buildings, ignore_index=True) if buildings else pd.DataFrame(columns=list(BUILDINGS.names)),
        quality=power_quality(scenario, waveform),
        inputs=(*_also_read(scenario), *reader.inputs),
        warnings=(),
        areas=tuple(_polygons(frame["site_id"], role, shapes) for frame, role, shapes in shaped if shapes is not None),
        admit=admit,
    )
    dataset = _assembled(tables)
    entered = [(name, frame) for name, frame, _ in site_tables]
    for table, tables_of_grid in ((CANDIDATES, entered), (GRID_STEPS, stepped), (LIMITS, limited)):
        column = "limit" if table is LIMITS else "grid_mw"
        for name, frame in tables_of_grid:
            reader.report(table, import_issues(scenario.grid, frame, name, column, dataset.pool.site_id), frame)
    if reader.issues:
        told = [str(warning) for warning in reader.issues]
        note("warnings", logging.WARNING, count=len(told), warnings=told)
    return replace(dataset, warnings=tuple(reader.issues))


_Named = list[tuple[str, pd.DataFrame]]


def _report_steps(reader: _Reader, stepped: _Named, risen: _Named, others: _Named) -> None:
    """Report grid steps that do not rise, and other limits of the grid that come after them.

    Parameters
    ----------
    stepped, risen : list of (name, rows with ``day``)
        Grid steps from tables of them, and from tables of limits.
    others : list of (name, rows)
        Limits that are not grid steps.
    """
    scenario = reader.scenario
    ladders = [(GRID_STEPS, "grid_mw", *one) for one in stepped] + [(LIMITS, "limit", *one) for one in risen]
    if not ladders:
        return
    assumed_mw = scenario.defaults.of("grid_mw")
    assumed_mw = np.nan if assumed_mw is None else float(assumed_mw)
    named = [(file, column, frame) for _, column, file, frame in ladders]
    not_rising = ladder_issues(named, reader.known["grid_mw"], assumed_mw)
    for (table, _, _, frame), issues in zip(ladders, not_rising, strict=True):
        reader.report(table, issues, frame)
    every = pd.concat([frame[["site_id", "day"]] for *_, frame in ladders])
    for (_, frame), issues in zip(others, passing_issues(scenario, others, every), strict=True):
        reader.report(LIMITS, issues, frame)


def _assembled(tables: Tables) -> Dataset:
    """Choose the eligible sites, fill their blanks, and make their pool."""
    scenario = tables.scenario
    deciding = tables.sites[DECIDING].iloc[tables.sites.index.argsort()]
    reason = np.full(len(deciding), None, dtype=object)
    checked = np.flatnonzero(deciding.index != tables.admit)
    if len(checked):
        reason[checked] = excluded_by(scenario, deciding.iloc[checked])
    admitted = pd.isna(reason)
    filled, blank, unknown = filled_sites(scenario, deciding[admitted], tables.limits)
    reason[admitted] = unknown
    left_out, known = ~pd.isna(reason), pd.isna(unknown)
    eligible, contracts = counted_sites(scenario.grid, filled[known])
    steps = counted_steps(scenario.grid, dated_steps(scenario, tables.grid_steps))
    steps = pd.concat([steps, contracts]) if len(contracts) else steps
    place = eligible.index.get_indexer(steps["site_id"])  # in the order of their ids, and quicker to sort
    order = np.lexsort([*(steps[name].to_numpy(dtype=float) for name in ("grid_mw", "day")), place])
    steps = steps.iloc[order[place[order] >= 0]].reset_index(drop=True)
    buildings = dated_buildings(scenario, tables.buildings)
    buildings = buildings[eligible.index.get_indexer(buildings["site_id"]) >= 0]
    buildings = buildings.sort_values(["site_id", "building_id"], ignore_index=True)
    return Dataset(
        **vars(tables),
        pool=site_pool(
            scenario,
            eligible,
            tables.offers,
            steps,
            buildings,
            tables.quality,
            timelines(scenario, counted_limits(scenario, tables.limits), eligible, steps),
        ),
        steps=steps,
        excluded=pd.Series(reason[left_out], index=deciding.index[left_out], dtype=object),
        assumed=blank[known],
    )


def _outlines(candidates: list[_Read]) -> geopandas.GeoSeries:
    """Return the valid polygons of candidates (WGS 84) by site_id, one for each site."""
    found = [geopandas.GeoSeries([], crs=CRS)]
    for _, frame, shapes in candidates:
        if shapes is not None:
            drawn = shapes.set_axis(frame["site_id"], axis=0)
            found.append(
                drawn[(shapely.get_dimensions(shapes.to_numpy()) == 2) & shapes.is_valid.to_numpy()].to_crs(CRS)
            )
    outlines = pd.concat(found)
    return outlines[~outlines.index.duplicated()]


def _polygons(sites: pd.Series, role: str | pd.Series, shapes: geopandas.GeoSeries) -> geopandas.GeoDataFrame:
    """Return the shapes that are polygons, with their sites and roles."""
    table = pd.DataFrame({"site_id": sites, "role": role})
    found = np.isin(shapes.geom_type, ("Polygon", "MultiPolygon"))
    return geopandas.GeoDataFrame(table[found], geometry=shapes.to_numpy()[found], crs=shapes.crs)


def _also_read(scenario: Scenario) -> Iterator[InputFile]:
    """Yield the files of the scenario, those that it extends, and the layers of its filter, with their digests."""
    keep = scenario.filter
    others = [*scenario.extended, keep.within, keep.away_from.layer if keep.away_from else None]
    own = [(scenario.path.name, scenario.path)] if scenario.path is not None else []
    for name, path in [*own, *((name, scenario.resolve(name)) for name in others if name)]:
        if os.path.isfile(located(path)[0]):  # a name that is too long is not a file
            yield from _digests(name, path)


def _digests(name: str, path: Path) -> list[InputFile]:
    return [InputFile(path=name, sha256=digest(file)) for name, file in files_by_name(name, path).items()]


def files_by_name(name: str, path: Path) -> dict[str, Path]:
    """Return the files of a table or layer by their names in the record; files beside it differ in the extension."""
    file, *beside = files_of(path)
    stem = located(Path(name))[0].with_suffix("")
    return {name: file, **{f"{stem.as_posix()}{one.suffix}": one for one in beside}}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def filled_sites(
    scenario: Scenario, sites: pd.DataFrame, limits: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Return sites with blanks filled by the scenario, a mask of the blanks, and why each site is excluded, or None.

    Prices of grid energy and of demand belong together: both are those of the scenario if the price of energy is blank.
    A blank limit of NOx is filled with a number only. Beside rows of limits about NOx, it means that nothing else is
    permitted; without such rows and without a word of the scenario, it means no limit.
    """
    filled = sites.copy()
    blank = pd.DataFrame({column: sites[column].isna() | (sites[column] == "") for column in ASSUMABLE})
    blank["condition"] &= sites["fitout_m2_per_day"].isna()
    if scenario.defaults.of(NOX) is None:
        permitted = blank[NOX].to_numpy() & has_rows(limits, sites, Resource.NOX)
        filled.loc[permitted, NOX] = 0.0
        blank.loc[permitted, NOX] = False
        if scenario.defaults.nox_limit_t_per_year is None:
            blank[NOX] = False
    values = {column: scenario.assumed(column) for column in ASSUMABLE}
    for column, value in values.items():
        if value is not None:
            filled.loc[blank[column].to_numpy(), column] = value
    demand = np.where(blank["grid_usd_per_mwh"], scenario.energy.demand_usd_per_mw_month, 0.0)
    filled[DEMAND] = filled[DEMAND].astype(float).fillna(pd.Series(demand, index=filled.index))
    share = scenario.defaults.distribution_share_of_grid
    if share is not None:
        blank[SHARE_OF_GRID] = sites[SHARE_OF_GRID].isna()
        filled[SHARE_OF_GRID] = filled[SHARE_OF_GRID].fillna(share * filled["grid_mw"])
    unknown = [column for column, value in values.items() if value is None]
    bits_of = blank[unknown].to_numpy(dtype=bool) @ (1 << np.arange(len(unknown)))
    which, pattern = np.unique(bits_of, return_inverse=True)
    lacking = [[name for bit, name in enumerate(unknown) if int(bits) >> bit & 1] for bits in which]
    reasons = [because(ReasonCode.UNKNOWN_FIGURES, columns=tuple(names)) if names else None for names in lacking]
    return filled, blank, np.array(reasons, dtype=object)[pattern]
