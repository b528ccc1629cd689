"""Check cells, rows and tables against each other: ids, dates, grid steps, shapes, and unlikely combinations."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import shapely

from siteopt.equipment import RIDE_THROUGH, suppliers
from siteopt.geodata.headers import MISSPELT
from siteopt.geodata.layers import CRS
from siteopt.geodata.location_checks import location_issues
from siteopt.issues import Issue, more_rows, named, nearest
from siteopt.message_catalogue import Code
from siteopt.schema import (
    AREAS,
    BUILDINGS,
    CANDIDATES,
    GRID_STEPS,
    LIMITS,
    OFFERS,
    WAVEFORM,
    Basis,
    Condition,
    Resource,
    Type,
)

COMPARED = 100_000
"""Maximum number of pairs of unknown and known ids that are compared; a pair takes 10 microseconds."""

HALL_M2_PER_MW = 35
"""Minimum hall for a MW of grid, m2 (estimate): a tenth of the ratio at Colossus (models/colossus.toml)."""

UNIT_M2_PER_MW = 1
"""Minimum yard for a MW of equipment, m2 (estimate): the densest of the example offers takes 12.9."""

BATTERY_HOURS = (0.05, 100)
"""Plausible duration of a battery, hours (estimate): 3 minutes to 4 days; the example offers last 1 to 5 hours."""

SLACK = 0.1
"""Share by which an area may exceed the outline of its site (estimate), because outlines are drawn by hand."""

EQUAL_AREA = 6933
"""EPSG code of an equal-area CRS of the whole Earth."""

MOST_LETTERS = 1000
"""Maximum number of letters of an id or a name, far beyond any real one; maps and charts must draw it."""

WORLD = (181, 91, 181, 91)
"""Maximum absolute longitudes and latitudes of a bounding box, degrees."""

INVISIBLE = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
"""Pattern of control characters, line breaks, and invisible marks, such as those of the writing direction."""


def _once(code: Code, frame: pd.DataFrame, file: str, wrong: pd.Series, column: str, expected: str) -> list[Issue]:
    """Return one warning for all rows where ``wrong`` is true, at the first of these rows."""
    rows = frame.index[wrong]
    if rows.empty:
        return []
    more = more_rows(len(rows) - 1) if len(rows) > 1 else ""
    return [Issue(code, file, int(rows[0]), column, _shown(frame.at[rows[0], column]), expected + more)]


def _shown(value: object) -> str:
    """Return a value as a cell would show it."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.12g}"
    return str(value)


def _ids(frame: pd.DataFrame, file: str, key: str) -> list[Issue]:
    """Return issues for ids that are in two rows, that look the same, or that contain invisible characters."""
    given = frame.loc[frame[key] != "", key]
    if pa.compute.count_distinct(_plain(given)).as_py() == len(given):  # no two are even nearly the same
        return _invisible(frame[key], file)
    repeated = frame.loc[frame[key].duplicated(keep=False) & (frame[key] != ""), key]
    again = repeated.duplicated()
    row_of = {value: row for row, value in repeated[~again].items()}
    issues = (
        Issue(Code.DUPLICATE, file, int(row), key, value, f"a unique id; row {row_of[value]} has the same id")
        for row, value in repeated[again].items()
    )
    return named(issues, int(again.sum())) + _invisible(frame[key], file) + _nearly_twins(frame[key], file)


def _long(frame: pd.DataFrame, file: str, columns: Iterable[str]) -> list[Issue]:
    """Return issues for names that are too long to draw."""
    issues: list[Issue] = []
    for name in columns:
        long = frame.loc[frame[name].str.len() > MOST_LETTERS, name]
        expected = f"at most {MOST_LETTERS:,} letters"
        each = (
            Issue(Code.TOO_LARGE, file, int(row), name, f"{len(text):,} letters", expected)
            for row, text in long.items()
        )
        issues += named(each, len(long))
    return issues


def _invisible(ids: pd.Series, file: str) -> list[Issue]:
    """Return issues for ids with invisible characters."""
    odd = ids[np.asarray(pa.compute.match_substring_regex(pa.array(ids, pa.string()), INVISIBLE))]
    issues = (
        Issue(Code.INVISIBLE, file, int(row), str(ids.name), id_, "only visible letters, digits and signs")
        for row, id_ in odd.items()
    )
    return named(issues, len(odd))


def _plain(ids: pd.Series) -> pa.Array:
    """Return ids without their capitals and spaces, and with all letters of the same width."""
    lower = pa.compute.utf8_lower(pa.compute.utf8_normalize(pa.array(ids, pa.string()), form="NFKC"))
    return pa.compute.replace_substring_regex(lower, r"\s", "")


def _nearly_twins(ids: pd.Series, file: str) -> list[Issue]:
    """Return a warning for ids that differ from another id only in capitals, spaces, or the width of their letters."""
    once = ids[(ids != "") & ~ids.duplicated()]
    plain = pd.Series(_plain(once).to_pandas(), dtype=object).set_axis(once.index, axis=0)
    again = plain[plain.duplicated()]
    if again.empty:
        return []
    row, twin = again.index[0], plain.index[plain == again.iloc[0]][0]
    expected = f"an id that differs from {ids.at[twin]!r} in row {twin} by more than capitals and spaces"
    more = more_rows(len(again) - 1) if len(again) > 1 else ""
    return [Issue(Code.NEARLY_TWIN, file, int(row), str(ids.name), ids.at[row], expected + more)]


def _candidates(frame: pd.DataFrame, file: str) -> list[Issue]:
    backwards = frame.loc[frame["available_until"] < frame["available_from"], ["available_from", "available_until"]]
    dates = ((row, begin.date(), until.date()) for row, begin, until in backwards.itertuples())
    issues = (
        Issue(
            Code.BACKWARDS,
            file,
            int(row),
            "available_until",
            until.isoformat(),
            f"a date on or after available_from ({begin})",
        )
        for row, begin, until in dates
    )
    dense = frame["grid_mw"] * HALL_M2_PER_MW > frame["floor_area_m2"]
    expected = f"at most 1 MW for each {HALL_M2_PER_MW} m2 of hall; is it in kW, or the hall in ha?"
    warm = frame["design_wet_bulb_c"] > frame["design_temp_c"]
    cooler = "at most design_temp_c, since air is never colder than its wet bulb"
    return [
        *_ids(frame, file, "site_id"),
        *_long(frame, file, ("site_id", "name", "region")),
        *named(issues, len(backwards)),
        *_once(Code.UNLIKELY, frame, file, dense & (frame["floor_area_m2"] > 0), "grid_mw", expected),
        *_once(Code.UNLIKELY, frame, file, warm, "design_wet_bulb_c", cooler),
        *location_issues(frame, file),
    ]


def _grid_steps(frame: pd.DataFrame, file: str) -> list[Issue]:
    both = frame.index[frame["ready_day"].notna() == frame["ready_date"].notna()]
    issues = (
        Issue(
            Code.EITHER_OR,
            file,
            int(row),
            "ready_day",
            _shown(frame.at[row, "ready_day"]),
            "either ready_day or ready_date, not both",
        )
        for row in both
    )
    return named(issues, len(both))


def _buildings(frame: pd.DataFrame, file: str) -> list[Issue]:
    """Return issues for buildings that are twice at a site, and for roofs with a day and a date."""
    both = frame.index[frame["roof_day"].notna() & frame["roof_date"].notna()]
    expected = "either roof_day or roof_date, not both"
    issues = (
        Issue(Code.EITHER_OR, file, int(row), "roof_day", _shown(frame.at[row, "roof_day"]), expected) for row in both
    )
    again = frame.index[frame.duplicated(["site_id", "building_id"]) & (frame["building_id"] != "")]
    twice = (
        Issue(
            Code.DUPLICATE,
            file,
            int(row),
            "building_id",
            frame.at[row, "building_id"],
            f"an id that no other building of {frame.at[row, 'site_id']} has",
        )
        for row in again
    )
    return [
        *named(issues, len(both)),
        *named(twice, len(again)),
        *_long(frame, file, ("building_id",)),
        *_invisible(frame["building_id"], file),
    ]


def shell_issues(frame: pd.DataFrame, file: str, types: Iterable[str]) -> list[Issue]:
    """Return issues for candidates without a hall that want a type of new shells which the scenario does not have.

    Parameters
    ----------
    types : iterable of str
        Types of the scenario; without any, no site builds shells.
    """
    known = sorted(types)
    wrong = frame["shell_type"].ne("") & frame["condition"].eq(Condition.NONE) & ~frame["shell_type"].isin(known)
    if not known or not wrong.any():
        return []
    expected = f"one of the types of the scenario, in [building.shells]: {', '.join(known)}"
    found = frame.loc[wrong, "shell_type"]
    issues = (Issue(Code.CHOICE, file, int(row), "shell_type", kind, expected) for row, kind in found.items())
    return named(issues, len(found))


def _limits(frame: pd.DataFrame, file: str) -> list[Issue]:
    levels = (frame[["site_id", "region", "country"]] != "").sum(axis=1)
    issues = [
        Issue(Code.ONE_LEVEL, file, int(row), "site_id", frame.at[row, "site_id"], "one of site_id, region and country")
        for row in frame.index[levels != 1]
    ]
    for name in ("ready", "until"):
        both = frame.index[frame[f"{name}_day"].notna() & frame[f"{name}_date"].notna()]
        expected = f"either {name}_day or {name}_date, not both"
        issues += [
            Issue(Code.EITHER_OR, file, int(row), f"{name}_day", _shown(frame.at[row, f"{name}_day"]), expected)
            for row in both
        ]
    for column, kind in (("day", Type.NUMBER), ("date", Type.DATE)):
        backwards = frame.index[frame[f"until_{column}"] <= frame[f"ready_{column}"]]
        for row in backwards:
            begin, until = frame.at[row, f"ready_{column}"], frame.at[row, f"until_{column}"]
            begin, until = (str(day.date()) if kind is Type.DATE else _shown(day) for day in (begin, until))
            expected = f"later than ready_{column} ({begin})"
            issues.append(Issue(Code.BACKWARDS, file, int(row), f"until_{column}", until, expected))
    is_nox = frame["resource"] == Resource.NOX
    for row in frame.index[frame["limit"].isna() & ~(is_nox & (frame["basis"] != ""))]:
        expected = LIMITS["limit"].expected + ("; or a basis, which says that there is no limit" if is_nox[row] else "")
        issues.append(Issue(Code.BLANK, file, int(row), "limit", "", expected))
    is_grid = frame["resource"].isin((Resource.GRID, Resource.GRID_NONFIRM))
    for row in frame.index[is_grid & ~frame["basis"].isin(["", *Basis])]:
        basis = frame.at[row, "basis"]
        expected = f"one of {', '.join(Basis)}, for a limit of the grid{nearest(basis, Basis)}"
        issues.append(Issue(Code.CHOICE, file, int(row), "basis", basis, expected))
    is_step = (frame["resource"] == Resource.GRID) & frame["until_day"].isna() & frame["until_date"].isna()
    for row in frame.index[(frame["cost_usd"] > 0) & ~(is_step & (frame["site_id"] != ""))]:
        expected = "a cost only for a row that raises the grid of a site for good"
        issues.append(Issue(Code.UNPAID, file, int(row), "cost_usd", _shown(frame.at[row, "cost_usd"]), expected))
    return issues


def _offers(frame: pd.DataFrame, file: str) -> list[Issue]:
    issues = _ids(frame, file, "offer_id") + _long(frame, file, ("offer_id", "vendor", "model", "depot"))
    for column in OFFERS:
        blank = frame[column.name].isna() | (frame[column.name] == "")
        for row in frame.index[blank & frame["kind"].isin(column.required_for)]:
            issues.append(
                Issue(
                    Code.WRONG_KIND, file, int(row), column.name, "", f"{column.expected} for a {frame.at[row, 'kind']}"
                )
            )
    expected = "either a rent or a purchase price, not both"
    for row in frame.index[frame["rent_usd_per_month"].notna() == frame["purchase_usd"].notna()]:
        found = _shown(frame.at[row, "rent_usd_per_month"]) if frame.at[row, "rent_usd_per_month"] >= 0 else ""
        issues.append(Issue(Code.EITHER_OR, file, int(row), "rent_usd_per_month", found, expected))
    for row in frame.index[frame["lead_days_high"] < frame["lead_days"]]:
        found, low = _shown(frame.at[row, "lead_days_high"]), _shown(frame.at[row, "lead_days"])
        issues.append(Issue(Code.BACKWARDS, file, int(row), "lead_days_high", found, f"at least lead_days ({low})"))
    stores = frame["kind"].isin([kind.name for kind in suppliers(RIDE_THROUGH)])
    for row in frame.index[stores & (frame["fuel"] != "")]:
        expected = f"no fuel for a {frame.at[row, 'kind']}"
        issues.append(Issue(Code.WRONG_KIND, file, int(row), "fuel", frame.at[row, "fuel"], expected))
    follows = stores & frame["inertia_s"].isna()
    for name in ("droop", "overload"):
        expected = f"the virtual inertia of a grid-forming battery, or no {name}"
        for row in frame.index[follows & frame[name].notna()]:
            issues.append(Issue(Code.WRONG_KIND, file, int(row), "inertia_s", "", expected))
    dense = (frame["footprint_m2"] > 0) & (frame["unit_mw"] * UNIT_M2_PER_MW > frame["footprint_m2"])
    expected = f"at most 1 MW for each {UNIT_M2_PER_MW} m2 of footprint; is it in kW?"
    issues += _once(Code.UNLIKELY, frame, file, dense, "unit_mw", expected)
    hours, (short, long) = frame["energy_mwh"] / frame["unit_mw"], BATTERY_HOURS
    odd = stores & ((hours < short) | (hours > long))
    expected = f"energy for {short} to {long} hours at unit_mw; is it in kWh or in MW?"
    issues += _once(Code.UNLIKELY, frame, file, odd, "energy_mwh", expected)
    return issues + location_issues(frame[["longitude", "latitude"]], file)


def _waveform(frame: pd.DataFrame, file: str) -> list[Issue]:
    times = frame["time_s"].dropna()
    again = times[times.duplicated()]
    twice = (
        Issue(Code.DUPLICATE, file, int(row), "time_s", _shown(time), "a unique time") for row, time in again.items()
    )
    empty = [Issue(Code.EMPTY, file, None, "", "no rows", "at least one sample")] if frame.empty else []
    return named(twice, len(again)) + empty


OTHER = {"ready_day": "ready_date", "until_day": "until_date", "roof_day": "roof_date"}
OTHER |= {"rent_usd_per_month": "purchase_usd"}
"""Column that may be filled instead of the column that an issue of EITHER_OR names."""

CROSS_CHECKS = {
    CANDIDATES.name: _candidates,
    GRID_STEPS.name: _grid_steps,
    LIMITS.name: _limits,
    OFFERS.name: _offers,
    AREAS.name: lambda *_: [],
    BUILDINGS.name: _buildings,
    WAVEFORM.name: _waveform,
}


def shape_issues(shapes: pd.Series | None, rows: np.ndarray, file: str) -> list[Issue]:
    """Return issues for areas that are not valid polygons."""
    if shapes is None:
        return [Issue(Code.SHAPE, file, None, "", "a table without geometry", "a layer of polygons")]
    kind = shapes.geom_type.mask(shapes.isna() | shapes.is_empty, "").to_numpy(dtype=object)
    valid = np.isin(kind, ("Polygon", "MultiPolygon")) & shapes.is_valid
    on_earth = np.ones(len(kind), dtype=bool)
    if shapes.crs is not None:
        on_earth = (np.abs(shapely.bounds(shapes.to_crs(CRS).to_numpy())) <= WORLD).all(axis=1) | ~valid
    bad = np.flatnonzero(~valid | ~on_earth)
    reasons = (_wrong_shape(shapes.iloc[at], kind[at], on_earth[at]) for at in bad)
    issues = (
        Issue(Code.SHAPE, file, int(rows[at]), "geometry", reason, "a valid polygon")
        for at, reason in zip(bad, reasons, strict=True)
    )
    return named(issues, len(bad))


def _wrong_shape(shape: shapely.Geometry, kind: str, on_earth: bool) -> str:
    if not on_earth:
        return "coordinates beyond the Earth; is the CRS right?"
    return str(shapely.is_valid_reason(shape)) if kind.endswith("Polygon") else kind or "no geometry"


def stranger_issues(ids: pd.Series, file: str, known: pd.Index) -> list[Issue]:
    """Return issues for misspelt ids of candidates in a table about sites.

    An unknown id that resembles no candidate belongs to another table of candidates, and is not an issue. Ids with
    different digits do not resemble each other, or else all numbered sites would. At most COMPARED pairs are compared.

    Parameters
    ----------
    known : Index
        Ids of the candidates, without duplicates.
    """
    strangers = ids[(known.get_indexer(ids) < 0) & (ids != "")]  # isin would make a million Python objects
    likes = _similar(strangers.unique().tolist(), known) if len(strangers) else {}
    misspelt = strangers[strangers.isin(list(likes))]
    issues = (
        Issue(
            Code.STRANGER, file, int(row), "site_id", site, "a site_id of the candidates" + nearest(site, likes[site])
        )
        for row, site in misspelt.items()
    )
    return named(issues, len(misspelt))


def ladder_issues(
    tables: Sequence[tuple[str, str, pd.DataFrame]], base_mw: pd.Series, assumed_mw: float
) -> Iterator[list[Issue]]:
    """Yield the issues of each table of grid steps: limits that do not rise along the steps of a site in all tables.

    Steps are compared in the order of their days, and steps of the same day in the order of their limits. If two steps
    are the same, the issue names the later row.

    Parameters
    ----------
    tables : sequence
        Name of each file, its column of the limit, and its rows with ``site_id``, ``grid_mw``, and ``day``, counted
        from the decision.
    base_mw : Series
        ``grid_mw`` by site_id, without duplicates; NaN if it is unknown.
    assumed_mw : float
        ``grid_mw`` of the candidates that give none; NaN if the scenario excludes them.
    """
    ladders = pd.concat([frame[["site_id", "day", "grid_mw"]].assign(table=n) for n, (*_, frame) in enumerate(tables)])
    ladders = ladders[ladders["site_id"] != ""].dropna(subset=["day", "grid_mw"])
    ladders = ladders.sort_values(["site_id", "day", "grid_mw"], kind="stable")
    site, first = base_mw.index.get_indexer(ladders["site_id"]), ~ladders["site_id"].duplicated()
    given = np.append(base_mw.to_numpy(dtype=float), np.nan)[site]
    assumed = first & (site >= 0) & np.isnan(given)
    before = ladders["grid_mw"].shift().mask(first, np.where(assumed, assumed_mw, given))
    low = ladders.assign(before=before, assumed=assumed)[ladders["grid_mw"] <= before]
    for n, (file, column, _) in enumerate(tables):
        mine = low.loc[low["table"] == n, ["grid_mw", "before", "assumed"]]
        not_rising = (
            Issue(Code.NOT_RISING, file, int(row), column, _shown(at), _more_than(before, at, column, assumed))
            for row, at, before, assumed in mine.itertuples()
        )
        yield named(not_rising, len(mine))


def _more_than(before_mw: float, at_mw: float, column: str, assumed: bool) -> str:
    source = ", which [defaults] assumes" if assumed else ""
    cause = f"; {column} is the new limit, not the increase" if 0 < at_mw < before_mw else ""
    return f"more than {before_mw:g} MW, the limit before this step{source}{cause}"


def outline_issues(frame: pd.DataFrame, shapes: geopandas.GeoSeries, file: str) -> list[Issue]:
    """Return issues for yards that are larger than the polygon of their candidate, and a warning for such halls."""
    is_area, outline_m2 = _is_area(shapes), np.full(len(shapes), np.nan)
    outline_m2[is_area] = shapes[is_area].to_crs(EQUAL_AREA).area
    large = frame["yard_area_m2"] > outline_m2 * (1 + SLACK)
    tall = frame["floor_area_m2"] > outline_m2 * (1 + SLACK)
    found = (f"{yard:,.12g} m2" for yard in frame["yard_area_m2"][large])
    expected = (f"at most {most:,.0f} m2, the area of the outline" for most in outline_m2[large])
    told = zip(frame.index[large], found, expected, strict=True)
    issues = (Issue(Code.TOO_BIG, file, int(row), "yard_area_m2", there, due) for row, there, due in told)
    storeys = "at most the area of the outline, unless the hall has several storeys"
    return [*named(issues, int(large.sum())), *_once(Code.UNLIKELY, frame, file, tall, "floor_area_m2", storeys)]


def inside_issues(
    areas: pd.DataFrame, shapes: geopandas.GeoSeries, outlines: geopandas.GeoSeries, file: str
) -> list[Issue]:
    """Return issues for halls and yards that extend beyond the polygon of their candidate.

    Parameters
    ----------
    outlines : GeoSeries
        Valid polygons by site_id, without duplicates.
    """
    place = outlines.index.get_indexer(areas["site_id"])
    at = np.flatnonzero((place >= 0) & _is_area(shapes))
    drawn = shapes.iloc[at].to_crs(outlines.crs).to_numpy()
    outside = shapely.area(shapely.difference(drawn, outlines.to_numpy()[place[at]])) / shapely.area(drawn)
    out = outside > SLACK
    found = (f"an area of which {share:.0%} is outside" for share in outside[out])
    expected = (f"an area within the outline of {site}" for site in areas["site_id"].iloc[at][out])
    told = zip(areas.index[at][out], found, expected, strict=True)
    issues = (Issue(Code.TOO_BIG, file, int(row), "geometry", there, due) for row, there, due in told)
    return named(issues, int(out.sum()))


def _is_area(shapes: geopandas.GeoSeries) -> np.ndarray:
    return (shapely.get_dimensions(shapes.to_numpy()) == 2) & shapes.is_valid.to_numpy() & ~shapes.is_empty.to_numpy()


def _similar(strangers: list[str], known: pd.Index) -> dict[str, list[str]]:
    """Return the known ids that each unknown id resembles; ids without any are left out."""
    found: dict[str, list[str]] = {}
    digits = known.to_series().str.replace("[^0-9]", "", regex=True)
    own = {stranger: re.sub("[^0-9]", "", stranger) for stranger in strangers}
    among = digits[digits.isin(list(own.values()))]
    groups = {number: list(group.index) for number, group in among.groupby(among, sort=False)}
    for stranger, number in own.items():
        ids = groups.get(number, [])
        if len(ids) * len(strangers) <= COMPARED:
            like = difflib.get_close_matches(stranger, ids, n=1, cutoff=MISSPELT)
            found |= {stranger: like} if like else {}
    return found
