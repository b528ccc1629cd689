"""Synthetic candidates for the benchmark, drawn around those of the first version. Invented, and marked as such.

Every synthetic candidate has its grid, hall and all else known, and its availability open: each takes part.
``python -m tests.bench.candidates COUNT FOLDER`` writes a scenario with its tables.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Literal

import geopandas
import numpy as np
import pandas as pd

from siteopt.schema import CANDIDATES, GRID_STEPS, Table, Type
from tests.first_version import MODELS, ROOT

COLOSSUS = MODELS / "colossus.toml"
SEED = 20240503

PLACE_KM = 30.0
"""Standard deviation of the jitter of a place, north and east."""

MOST_KM = 20.0
"""Farthest that a place is moved, so that it stays in its country and out of the sea as far as siteopt checks."""

KM_PER_DEGREE = 111.2

SPREAD = 0.4
"""Standard deviation of the logarithm of the factor on a number."""

TEMPERATURE_C = 2.0
"""Standard deviation of what is added to a temperature: a factor on degrees Celsius has no meaning."""

STEPPED = 0.2
"""Share of the sites that have grid steps."""

MARK = "synthetic: drawn at random for a benchmark, no real site"

Layer = Literal["csv", "parquet"]


def draw(count: int, seed: int = SEED) -> geopandas.GeoDataFrame:
    """Synthetic candidates: a real row each, moved, scaled, its blanks drawn from what is known of other rows.

    A column of which no real row knows anything stays away, as do the dates: blank, all of them.

    Parameters
    ----------
    count : int
    seed : int
        The same seed gives the same rows.

    Returns
    -------
    GeoDataFrame
        Points in WGS 84, sorted by ``site_id``.
    """
    rng = np.random.default_rng(seed)
    real = pd.read_csv(ROOT / "data" / "candidates_us.csv")
    row = rng.integers(len(real), size=count)
    columns: dict[str, object] = {
        "site_id": _labels("syn-", count),
        "name": _labels("Synthetic site ", count),
        "country": real["country"].to_numpy()[row],
        "region": real["region"].to_numpy()[row],
        "status": real["status"].to_numpy()[row],
        "condition": _filled(real["condition"], row, rng),
    }
    for column in CANDIDATES:
        numeric = column.type is Type.NUMBER and column.name not in ("latitude", "longitude")
        if numeric and column.name in real and real[column.name].notna().any():
            columns[column.name] = _near(CANDIDATES, column.name, _filled(real[column.name], row, rng), rng)
    moved_km = rng.normal(0, PLACE_KM, size=(2, count))
    north_km, east_km = moved_km * np.minimum(1, MOST_KM / np.hypot(*moved_km))
    latitude = real["latitude"].to_numpy()[row] + north_km / KM_PER_DEGREE
    longitude = real["longitude"].to_numpy()[row] + east_km / (KM_PER_DEGREE * np.cos(np.radians(latitude)))
    points = geopandas.points_from_xy(longitude.round(4), latitude.round(4))
    return geopandas.GeoDataFrame({**columns, "confidence": "estimate", "notes": MARK}, geometry=points, crs=4326)


def draw_steps(sites: geopandas.GeoDataFrame, seed: int = SEED) -> pd.DataFrame:
    """Grid steps for a share of the sites: the ladder of a real site each, its gaps of days and rises of MW scaled."""
    rng = np.random.default_rng([seed, 1])
    real = _real_ladders()
    taken = np.flatnonzero(rng.random(len(sites)) < STEPPED)
    ladder = rng.integers(real["ladder"].max() + 1, size=len(taken))
    rungs = np.bincount(real["ladder"])
    site = np.repeat(taken, rungs[ladder])
    first = np.repeat(np.cumsum(rungs[ladder]) - rungs[ladder], rungs[ladder])
    rung = np.arange(len(site)) - first
    source = np.repeat((np.cumsum(rungs) - rungs)[ladder], rungs[ladder]) + rung
    # a ladder has to rise: by a day and a MW at least
    gap = pd.Series(_scaled(real["gap"].to_numpy()[source], rng)).clip(lower=1).groupby(site).cumsum()
    rise = pd.Series(_scaled(real["rise"].to_numpy()[source], rng)).clip(lower=1).groupby(site).cumsum()
    steps = pd.DataFrame(
        {
            "site_id": sites["site_id"].to_numpy()[site],
            "ready_day": gap.round(),
            "grid_mw": (sites["grid_mw"].to_numpy()[site] + rise).round(1),
            "cost_usd": _near(GRID_STEPS, "cost_usd", _filled(real["cost_usd"], source, rng), rng),
            "confidence": "estimate",
            "notes": MARK,
        }
    )
    within = (steps["grid_mw"] <= GRID_STEPS["grid_mw"].high) & (steps["ready_day"] <= GRID_STEPS["ready_day"].high)
    return steps[within].reset_index(drop=True)


def _real_ladders() -> pd.DataFrame:
    """The real steps of the real candidates: gap of days and rise of MW over the step before, ladder by ladder."""
    steps = pd.read_csv(ROOT / "data" / "grid_steps.csv", parse_dates=["ready_date"])
    base_mw = pd.read_csv(ROOT / "data" / "candidates_us.csv", index_col="site_id")["grid_mw"]
    steps = steps[steps["site_id"].isin(base_mw.index)]
    start = pd.Timestamp(tomllib.loads(COLOSSUS.read_text(encoding="utf-8"))["project"]["start_date"])
    day = steps["ready_day"].fillna((steps["ready_date"] - start).dt.days)
    steps = steps.assign(day=day).sort_values(["site_id", "day"], ignore_index=True)
    by_site = steps.groupby("site_id")
    below = by_site["grid_mw"].shift().fillna(steps["site_id"].map(base_mw)).fillna(0)
    gap = steps["day"] - by_site["day"].shift().fillna(0)
    return steps.assign(ladder=by_site.ngroup(), gap=gap, rise=steps["grid_mw"] - below)


def _labels(prefix: str, count: int) -> np.ndarray:
    """Names that sort as their numbers."""
    width = max(6, len(str(count)))
    return np.array([f"{prefix}{number:0{width}d}" for number in range(count)], dtype=object)


def _filled(column: pd.Series, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The values of the real rows, each blank drawn from the values that are known."""
    values, known = column.to_numpy()[row], column.dropna().to_numpy()
    return np.where(pd.isna(values), known[rng.integers(len(known), size=len(row))], values)


def _scaled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return values * np.exp(rng.normal(0, SPREAD, size=len(values)))


def _near(table: Table, name: str, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values about the given ones, within the range of the schema, to a tenth."""
    column = table[name]
    if column.unit == "deg C":
        moved = values + rng.normal(0, TEMPERATURE_C, size=len(values))
    else:
        moved = _scaled(values.astype(float), rng)
    return np.clip(moved, column.low, column.high).round(1)


def write_csv(sites: geopandas.GeoDataFrame, path: Path) -> None:
    """The candidates as a CSV table."""
    points = {"latitude": sites.geometry.y, "longitude": sites.geometry.x}
    pd.DataFrame(sites.drop(columns="geometry")).assign(**points).to_csv(path, index=False)


def write_parquet(sites: geopandas.GeoDataFrame, path: Path) -> None:
    """The candidates as a GeoParquet layer."""
    sites.to_parquet(path, index=False)


def write_scenario(count: int, folder: Path, layer: Layer = "parquet", seed: int = SEED) -> Path:
    """Write candidates and grid steps, and the reference scenario with these as its inputs; return the scenario."""
    sites = draw(count, seed)
    candidates, steps, scenario = (folder / name for name in (f"sites.{layer}", "steps.csv", f"sites-{layer}.toml"))
    {"csv": write_csv, "parquet": write_parquet}[layer](sites, candidates)
    draw_steps(sites, seed).to_csv(steps, index=False)
    tables = {"candidates": candidates, "grid_steps": steps, "offers": ROOT / "data" / "offers_us.csv"}
    inputs = "".join(f"{name} = [{json.dumps(path.as_posix())}]\n" for name, path in tables.items())
    section = re.compile(r"^\[inputs\]\n.*?(?=^\[)", re.MULTILINE | re.DOTALL)
    text, found = section.subn(lambda _: f"[inputs]\n{inputs}\n", COLOSSUS.read_text(encoding="utf-8"))
    if found != 1:
        raise ValueError(f"{COLOSSUS} has {found} sections [inputs], expected 1")
    scenario.write_text(text, encoding="utf-8")
    return scenario


if __name__ == "__main__":
    write_scenario(int(sys.argv[1]), Path(sys.argv[2]), "csv" if sys.argv[3:] == ["csv"] else "parquet")
