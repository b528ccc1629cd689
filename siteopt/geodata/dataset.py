"""From a scenario and its tables to the pool of eligible sites: read, check, choose, fill the blanks."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import geopandas
import numpy as np
import pandas as pd
import shapely

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, named
from siteopt.geodata.check import typed
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.layers import CRS, files_of, located, refuse
from siteopt.geodata.pool import SitePool, power_quality, site_pool
from siteopt.geodata.tables import read_table
from siteopt.geodata.together import inside_faults, ladder_faults, outline_faults, shape_faults, stranger_faults
from siteopt.instance import Instance
from siteopt.log import note
from siteopt.scenario import Scenario
from siteopt.schema import AREAS, CANDIDATES, GRID_STEPS, OFFERS, WAVEFORM, Table, Type

ASSUMABLE = [column.name for column in CANDIDATES if column.assumable]
DECIDING = [column.name for column in CANDIDATES if column.type is not Type.TEXT or column.choices]
DECIDING += ["country", "region"]
"""Columns of the candidates that decide something, unlike names and notes."""

OUTLINE = "outline"
"""Role of a candidate's own polygon, beside the uses of areas."""


@dataclass(frozen=True)
class Dataset:
    """Everything that was read for a scenario.

    Attributes
    ----------
    pool : SitePool
        The eligible sites.
    sites : DataFrame
        Every candidate by site_id, as read and in the order of the tables, with the columns that siteopt does not
        know.
    offers : DataFrame
        Every offer by offer_id, in the order of the Instance.
    steps : DataFrame
        Grid steps of the eligible sites in the order of the pool, with ``day``.
    excluded : Series
        Why a candidate is not in the pool, by site_id.
    assumed : DataFrame of bool
        Which blanks were filled by the scenario: eligible sites by columns that may be assumed.
    inputs : tuple of mappings
        ``path`` and ``sha256`` of every file read, and ``read_as`` where something was detected about it.
    warnings : tuple of Fault
        What is hardly right, but no fault.
    areas : tuple of GeoDataFrame
        Polygons of sites in the CRS of their layers: ``site_id``, ``role`` (OUTLINE or a use) and geometry.
    """

    pool: SitePool
    sites: pd.DataFrame
    offers: pd.DataFrame
    steps: pd.DataFrame
    excluded: pd.Series
    assumed: pd.DataFrame
    inputs: tuple[Mapping[str, str], ...]
    warnings: tuple[Fault, ...]
    areas: tuple[geopandas.GeoDataFrame, ...] = ()

    @cached_property
    def instance(self) -> Instance:
        """All eligible sites at once; arrays of sites by offers, so not for hundreds of thousands."""
        return self.pool.exact(np.arange(len(self.pool.site_id)))

    def areas_of(self, site_id: str | None) -> list[tuple[str, shapely.Geometry]]:
        """Role and polygon (WGS 84) of a site's outline, halls and yards, where they are known."""
        mine = [layer[layer["site_id"] == site_id].to_crs(CRS) for layer in self.areas]
        return [area for layer in mine for area in zip(layer["role"], layer.geometry, strict=True)]


class _Read(NamedTuple):
    """A table that was read: its name, its rows, and their shapes."""

    name: str
    frame: pd.DataFrame
    shapes: geopandas.GeoSeries | None


@dataclass
class _Reader:
    """Reads tables of a scenario and gathers what is wrong with them."""

    scenario: Scenario
    faults: list[Fault] = field(default_factory=list)
    inputs: list[dict[str, str]] = field(default_factory=list)
    sites: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def known(self) -> pd.DataFrame:
        """Place and grid of each candidate, by its id."""
        sites = self.sites[["longitude", "latitude", "grid_mw"]]
        return sites[~sites.index.duplicated() & (sites.index != "")]

    def read(self, table: Table, paths: Sequence[str]) -> list[_Read]:
        project = self.scenario.project
        found = []
        for name in paths:
            path = self.scenario.resolve(name)
            begin = time.monotonic()
            try:
                refuse(path, name)
                raw = replace(read_table(path, table), file=name)
            except InputError as error:
                self.faults += [replace(fault, file=name) for fault in error.faults]
                continue
            frame, faults = typed(table, raw, project.currency, project.currency_per_usd)
            read_as = frame.attrs.pop("read_as")
            note("read", path=name, rows=len(frame), seconds=round(time.monotonic() - begin, 4), read_as=read_as)
            table_file, *beside = _digests(name, path)
            self.inputs += [table_file | ({"read_as": read_as} if read_as else {}), *beside]
            if table is AREAS:
                faults += shape_faults(raw.shapes, raw.rows, name)
            if table is CANDIDATES and raw.shapes is not None:
                faults += outline_faults(frame, raw.shapes, name)
            self.report(table, faults, frame)
            found.append(_Read(name, frame, raw.shapes))
        return found

    def report(self, table: Table, faults: list[Fault], frame: pd.DataFrame) -> None:
        """Keep the faults of a table, with the places of its rows: their own, or those of the sites that they name."""
        if faults:
            places = frame
            if "longitude" not in table.names:
                ids = frame["site_id"] if "site_id" in table.names else [""] * len(frame)
                places = self.known.reindex(ids).set_axis(frame.index)
            places = places[["longitude", "latitude"]].dropna()
            for fault in faults:
                longitude, latitude = places.loc[fault.row].tolist() if fault.row in places.index else (None, None)
                self.faults.append(replace(fault, longitude=longitude, latitude=latitude))

    def joined(self, table: Table, tables: list[_Read], key: str) -> pd.DataFrame:
        """One frame by id, in the order of the files; an id that stands in two files is a fault."""
        for number, (name, frame, _) in enumerate(tables):
            once = frame[key] != ""
            for twin, other, _ in tables[:number]:
                twice = once & (pd.Index(other[key].unique()).get_indexer(frame[key]) >= 0)
                expected = f"an id of its own; {twin} has the same"
                ids = frame.loc[twice, key]
                faults = named(
                    (Fault(Code.DUPLICATE, name, int(row), key, id_, expected) for row, id_ in ids.items()), len(ids)
                )
                self.report(table, faults, frame)
                once &= ~twice
        if not tables:
            return pd.DataFrame(columns=list(table.names)).set_index(key, drop=False)
        return pd.concat([frame for _, frame, _ in tables], ignore_index=True).set_index(key, drop=False)


def load(scenario: Scenario, admit: str = "") -> Dataset:
    """Read and check the scenario's tables, and make the pool of eligible sites.

    Parameters
    ----------
    admit : str
        A site_id that takes part even where a date or the filter leaves it out.

    Raises
    ------
    InputError
        With every fault of every table at once.
    """
    reader = _Reader(scenario)
    candidates = reader.read(CANDIDATES, scenario.inputs.candidates)
    sites = reader.joined(CANDIDATES, candidates, "site_id")
    reader.sites = sites
    offers = reader.joined(OFFERS, reader.read(OFFERS, scenario.inputs.offers), "offer_id").sort_index()
    start = pd.Timestamp(scenario.project.start_date)
    ladders = [
        (name, frame.assign(day=frame["ready_day"].fillna((frame["ready_date"] - start).dt.days)))
        for name, frame, _ in reader.read(GRID_STEPS, scenario.inputs.grid_steps)
    ]
    if candidates and ladders:
        assumed_mw = scenario.defaults.of("grid_mw")
        assumed_mw = np.nan if assumed_mw is None else float(assumed_mw)
        not_rising = ladder_faults(ladders, reader.known["grid_mw"], assumed_mw)
        for (name, frame), faults in zip(ladders, not_rising, strict=True):
            reader.report(GRID_STEPS, stranger_faults(frame["site_id"], name, reader.known.index), frame)
            reader.report(GRID_STEPS, faults, frame)
    sampled = scenario.power_quality.waveform
    waves = [frame for _, frame, _ in reader.read(WAVEFORM, [sampled] if sampled else [])]
    waveform = waves[0].sort_values("time_s") if waves else pd.DataFrame(columns=list(WAVEFORM.names))
    areas = reader.read(AREAS, scenario.inputs.areas)
    outlines = _outlines(candidates)
    for name, frame, shapes in areas:
        if candidates:
            reader.report(AREAS, stranger_faults(frame["site_id"], name, reader.known.index), frame)
        if shapes is not None:
            reader.report(AREAS, inside_faults(frame, shapes, outlines, name), frame)
    for name, table in (("candidates", sites), ("offers", offers)):
        if table.empty and all(fault.code.is_warning for fault in reader.faults):
            files = ", ".join(getattr(scenario.inputs, name))
            reader.faults.append(Fault(Code.EMPTY, files, None, "", "no rows", name))
    warnings = tuple(fault for fault in reader.faults if fault.code.is_warning)
    if len(warnings) < len(reader.faults):
        raise InputError(reader.faults)
    if warnings:
        note("warnings", logging.WARNING, count=len(warnings), warnings=[str(warning) for warning in warnings])
    steps = pd.DataFrame(columns=[*GRID_STEPS.names, "day"])
    if ladders:
        steps = pd.concat([frame for _, frame in ladders], ignore_index=True)
        steps["day"] = np.ceil(steps["day"]).clip(lower=0)
    deciding = sites[DECIDING].iloc[sites.index.argsort()]
    reason = excluded_by(scenario, deciding)
    reason[deciding.index == admit] = ""
    filled, blank, unknown = filled_sites(scenario, deciding[reason == ""])
    reason[reason == ""] = unknown
    left_out = reason != ""
    eligible = filled[unknown == ""]
    steps = steps[eligible.index.get_indexer(steps["site_id"]) >= 0]
    steps = steps.sort_values(["site_id", "day", "grid_mw"], ignore_index=True)
    shaped = [(frame, OUTLINE, shapes) for _, frame, shapes in candidates]
    shaped += [(frame, frame["use"], shapes) for _, frame, shapes in areas]
    return Dataset(
        site_pool(scenario, eligible, offers, steps, power_quality(scenario, waveform)),
        sites,
        offers,
        steps,
        pd.Series(reason[left_out], index=deciding.index[left_out]),
        blank[unknown == ""],
        (*_also_read(scenario), *reader.inputs),
        warnings,
        tuple(_polygons(frame["site_id"], role, shapes) for frame, role, shapes in shaped if shapes is not None),
    )


def _outlines(candidates: list[_Read]) -> geopandas.GeoSeries:
    """The valid polygons of candidates (WGS 84) by site_id, each once."""
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
    """Those of the shapes that are polygons, with their sites and roles."""
    table = pd.DataFrame({"site_id": sites, "role": role})
    found = np.isin(shapes.geom_type, ("Polygon", "MultiPolygon"))
    return geopandas.GeoDataFrame(table[found], geometry=shapes.to_numpy()[found], crs=shapes.crs)


def _also_read(scenario: Scenario) -> Iterator[dict[str, str]]:
    """The scenario and the layers of its filter, where they are files, with their digests."""
    keep = scenario.filter
    layers = [keep.within, keep.away_from.layer if keep.away_from else None]
    for name, path in [
        (scenario.path.name, scenario.path),
        *((name, scenario.resolve(name)) for name in layers if name),
    ]:
        if located(path)[0].is_file():
            yield from _digests(name, path)


def _digests(name: str, path: Path) -> list[dict[str, str]]:
    """The files of a table or layer, and their digests; those beside it have its name but for the ending."""
    file, *beside = files_of(path)
    stem = located(Path(name))[0].with_suffix("")
    named = {name: file, **{f"{stem.as_posix()}{one.suffix}": one for one in beside}}
    return [{"path": path, "sha256": _sha256(file)} for path, file in named.items()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def filled_sites(scenario: Scenario, sites: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Blanks filled as the scenario says; where there were any; and why a site is unknown too much, or ''."""
    filled = sites.copy()
    blank = pd.DataFrame({column: sites[column].isna() | (sites[column] == "") for column in ASSUMABLE})
    blank["condition"] &= sites["fitout_m2_per_day"].isna()
    values = {column: scenario.defaults.of(column) for column in ASSUMABLE}
    values["grid_usd_per_mwh"] = scenario.energy.grid_usd_per_mwh
    for column, value in values.items():
        if value is not None:
            filled[column] = sites[column].mask(blank[column], value)
    unknown = [column for column, value in values.items() if value is None]
    bits_of = blank[unknown].to_numpy(dtype=bool) @ (1 << np.arange(len(unknown)))
    which, pattern = np.unique(bits_of, return_inverse=True)
    lacking = [[name for bit, name in enumerate(unknown) if int(bits) >> bit & 1] for bits in which]
    reasons = np.array(["unknown: " + ", ".join(names) if names else "" for names in lacking], dtype=object)
    return filled, blank, reasons[pattern]
