"""Find misspelt headers: a name in other letters, with a unit added, or in another unit."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from siteopt.issues import Issue
from siteopt.message_catalogue import Code
from siteopt.scenario import usd_name
from siteopt.schema import Table

MISSPELT = 0.8
"""Similarity from which an unknown column counts as misspelt, if the column that it resembles is absent."""

ALIASES = {
    "lat": "latitude",
    "위도": "latitude",
    "lon": "longitude",
    "lng": "longitude",
    "long": "longitude",
    "경도": "longitude",
}
"""Other names of columns."""

UNITS = {
    "kw": "mw",
    "gw": "mw",
    "kwh": "mwh",
    "ha": "m2",
    "sqm": "m2",
    "sqft": "m2",
    "ft2": "m2",
    "km": "m",
    "ft": "m",
    "f": "c",
    "months": "days",
    "weeks": "days",
}
"""Units at the end of a header, and the units that the tables use instead."""

SHOWN = {"kw": "kW", "gw": "GW", "kwh": "kWh"}
"""Units as people write them."""

_UNIT_BEHIND = re.compile(r"\s*[\[(（].*$")


def header_issues(table: Table, file: str, row: int, source: dict[str, str], code: str) -> tuple[list[Issue], set[str]]:
    """Return issues for misspelt and missing columns, and the columns that the misspelt ones stand for.

    Parameters
    ----------
    row : int
        Row of the header.
    source : dict
        Name in the file of each column; columns of money by their name in USD.
    code : str
        Currency of the scenario, in lower case.
    """
    absent = [name for name in table.names if name not in source]
    issues, misspelt = [], set()
    for known, written in source.items():
        if known not in table.names:
            like, cause = _meant(known, absent, code)
            if like:
                absent.remove(like)
                misspelt.add(like)
                shown = like.replace("usd", code) if code in _plain(known).split("_") else like
                expected = f"a column of {table.name}; did you mean {shown!r}?{cause}"
                issues.append(Issue(Code.UNKNOWN_COLUMN, file, row, written, written, expected))
    for name in absent:
        if table[name].required:
            expected = f"column {name} ({table[name].help})"
            issues.append(Issue(Code.NO_COLUMN, file, row, name, "", expected))
    return issues, misspelt


def knows(table: Table, header: Iterable[str]) -> bool:
    """Return whether a row contains the name of a column of the table, or a misspelt one."""
    names = list(table.names)
    return any(name in names or _meant(name, names, "")[0] for name in header)


def _meant(header: str, absent: list[str], code: str) -> tuple[str, str]:
    """Return the absent column that a header stands for, and advice about its unit; '' if this is unclear."""
    plain = _plain(header)
    plain = ALIASES.get(plain, usd_name(plain, code) or plain)
    stem, _, unit = plain.rpartition("_")
    converted = f"{stem}_{UNITS[unit]}" if stem and unit in UNITS else ""
    if converted in absent:
        return converted, f" Convert the column from {SHOWN.get(unit, unit)}"
    like = [plain] if plain in absent else difflib.get_close_matches(plain, absent, n=1, cutoff=MISSPELT)
    return (like[0], "") if like else ("", "")


def _plain(header: str) -> str:
    """Return a header in lower case, its words joined by underscores, without a unit in brackets at its end."""
    letters = unicodedata.normalize("NFKC", _UNIT_BEHIND.sub("", header)).casefold()
    return re.sub(r"[^\w]+", "_", letters).strip("_")
