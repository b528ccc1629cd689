"""From a scenario and its tables to the pool of eligible sites: read, check, choose, fill the blanks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from siteopt.faults import Fault, InputError, named
from siteopt.geodata.check import ladder_faults, typed
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.pool import SitePool, site_pool
from siteopt.geodata.tables import RawTable, read_table
from siteopt.instance import Instance
from siteopt.scenario import Scenario
from siteopt.schema import CANDIDATES, GRID_STEPS, OFFERS, Table, Type

ASSUMABLE = [column.name for column in CANDIDATES if column.assumable]
DECIDING = [column.name for column in CANDIDATES if column.type is not Type.TEXT or column.choices]
DECIDING += ["country", "region"]
"""Columns of the candidates that decide something, unlike names and notes."""


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
    inputs : tuple of (str, str)
        Path and SHA-256 of every file read.
    """

    pool: SitePool
    sites: pd.DataFrame
    offers: pd.DataFrame
    steps: pd.DataFrame
    excluded: pd.Series
    assumed: pd.DataFrame
    inputs: tuple[tuple[str, str], ...]

    @cached_property
    def instance(self) -> Instance:
        """All eligible sites at once; arrays of sites by offers, so not for hundreds of thousands."""
        return self.pool.exact(np.arange(len(self.pool.site_id)))


@dataclass
class _Reader:
    """Reads tables of a scenario and gathers what is wrong with them."""

    scenario: Scenario
    faults: list[Fault] = field(default_factory=list)
    inputs: list[tuple[str, str]] = field(default_factory=list)

    def read(self, table: Table, paths: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
        project = self.scenario.project
        frames = []
        for name in paths:
            path = self.scenario.resolve(name)
            try:
                raw = read_table(path)
            except InputError as error:
                self.faults += [replace(fault, file=name) for fault in error.faults]
                continue
            self.inputs.append((name, _sha256(path)))
            frame, faults = typed(
                table, RawTable(name, raw.cells, raw.rows), project.currency, project.currency_per_usd
            )
            self.faults += faults
            frames.append((name, frame))
        return frames

    def joined(self, table: Table, frames: list[tuple[str, pd.DataFrame]], key: str) -> pd.DataFrame:
        """One frame by id, in the order of the files; an id that stands in two files is a fault."""
        for number, (name, frame) in enumerate(frames):
            once = frame[key] != ""
            for twin, other in frames[:number]:
                twice = once & (pd.Index(other[key].unique()).get_indexer(frame[key]) >= 0)
                expected = f"an id of its own; {twin} has the same"
                ids = frame.loc[twice, key]
                self.faults += named((Fault(name, int(row), key, id_, expected) for row, id_ in ids.items()), len(ids))
                once &= ~twice
        if not frames:
            return pd.DataFrame(columns=list(table.names)).set_index(key, drop=False)
        return pd.concat([frame for _, frame in frames], ignore_index=True).set_index(key, drop=False)


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
    candidate_files = reader.read(CANDIDATES, scenario.inputs.candidates)
    offer_files = reader.read(OFFERS, scenario.inputs.offers)
    step_files = reader.read(GRID_STEPS, scenario.inputs.grid_steps)
    sites = reader.joined(CANDIDATES, candidate_files, "site_id")
    offers = reader.joined(OFFERS, offer_files, "offer_id").sort_index()
    start = pd.Timestamp(scenario.project.start_date)
    ladders = []
    for name, frame in step_files:
        day = np.ceil(frame["ready_day"].fillna((frame["ready_date"] - start).dt.days))
        if candidate_files:
            reader.faults += ladder_faults(frame.assign(day=day), name, sites["grid_mw"])
        ladders.append(frame.assign(day=day.clip(lower=0)))
    for name, table in (("candidates", sites), ("offers", offers)):
        if table.empty and not reader.faults:
            reader.faults.append(Fault(", ".join(getattr(scenario.inputs, name)), None, "", "no rows", f"{name}"))
    if reader.faults:
        raise InputError(reader.faults)
    steps = pd.concat(ladders, ignore_index=True) if ladders else pd.DataFrame(columns=[*GRID_STEPS.names, "day"])
    deciding = sites[DECIDING].iloc[sites.index.argsort()]
    reason = excluded_by(scenario, deciding)
    reason[deciding.index == admit] = ""
    filled, blank, unknown = filled_sites(scenario, deciding[reason == ""])
    reason[reason == ""] = unknown
    left_out = reason != ""
    eligible = filled[unknown == ""]
    steps = steps[eligible.index.get_indexer(steps["site_id"]) >= 0]
    steps = steps.sort_values(["site_id", "day", "grid_mw"], ignore_index=True)
    return Dataset(
        site_pool(scenario, eligible, offers, steps),
        sites,
        offers,
        steps,
        pd.Series(reason[left_out], index=deciding.index[left_out]),
        blank[unknown == ""],
        (*_also_read(scenario), *reader.inputs),
    )


def _also_read(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """The scenario and the layers of its filter, where they are files, with their digests."""
    keep = scenario.filter
    layers = [keep.within, keep.away_from.layer if keep.away_from else None]
    for name, path in [
        (scenario.path.name, scenario.path),
        *((name, scenario.resolve(name)) for name in layers if name),
    ]:
        if path.is_file():
            yield name, _sha256(path)


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
