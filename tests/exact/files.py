"""Write a world as the files of a scenario, in formats and a currency of one's choice."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import geopandas
import openpyxl
import shapely

from tests.exact.draw_scenario import Row
from tests.exact.worlds import World

FLAT_FORMATS = ("csv", "comma.csv", "xlsx")
MAP_FORMATS = (*FLAT_FORMATS, "geojson", "gpkg", "parquet")
FORMATS = {"candidates": MAP_FORMATS, "offers": MAP_FORMATS, "grid_steps": FLAT_FORMATS}
"""Formats that a table may have."""

RATES = {"KRW": 1380.5, "EUR": 0.92, "JPY": 150.0}


@dataclass(frozen=True)
class Style:
    """How a world is written; the answer must not depend on it.

    Attributes
    ----------
    currency : str
        Of the scenario; RATES has its rate.
    coded : bool
        Columns and keys of money carry the code of the currency; else they stay in US dollars.
    formats : dict
        Formats by table; each is a file with a part of the rows.
    shuffled : int or None
        Seed of the order of the rows; None leaves them as drawn.
    """

    currency: str
    coded: bool
    formats: dict[str, tuple[str, ...]]
    shuffled: int | None = None


PLAIN = Style("USD", False, dict.fromkeys(FORMATS, ("csv",)))
"""One CSV a table, in US dollars."""


def drawn_style(r: Random) -> Style:
    """Return a style: mostly plain files, now and then several of any format in another currency."""
    formats = {}
    for name, known in FORMATS.items():
        formats[name] = ("csv",) if r.random() < 0.5 else tuple(r.choices(known, k=r.choice([1, 1, 2, 3])))
    currency = r.choice(["USD", "USD", "USD", *RATES])
    return Style(currency, currency != "USD" and r.random() < 0.7, formats, r.randrange(1000))


def write(world: World, folder: Path, style: Style = PLAIN) -> Path:
    """Write the tables and the scenario of a world.

    Returns
    -------
    Path
        Of the scenario file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {}
    for name, rows in (("candidates", world.sites), ("offers", world.offers), ("grid_steps", world.steps)):
        table = _table(rows, style)
        parts = style.formats[name][: len(rows)]
        inputs[name] = [f"{name}_{number}.{form}" for number, form in enumerate(parts)]
        for number, (file, form) in enumerate(zip(inputs[name], parts, strict=True)):
            _WRITERS[form](folder / file, name, table[number :: len(parts)])
    path = folder / "scenario.toml"
    path.write_text(_toml({"inputs": inputs} | _scenario(world, folder, style)), encoding="utf-8")
    return path


def _table(rows: Sequence[Row], style: Style) -> list[Row]:
    """Return rows that all have every column, in the currency and the order of the style."""
    header = list(dict.fromkeys(column for row in rows for column in row))
    table = [{_coded(name, style): _money(name, row.get(name), style) for name in header} for row in rows]
    return table if style.shuffled is None else Random(style.shuffled).sample(table, len(table))


def _coded(name: str, style: Style) -> str:
    """Return the name of a column or key with the code of the currency in place of ``usd``."""
    code = style.currency.lower() if style.coded else "usd"
    return "_".join(code if word == "usd" else word for word in name.split("_"))


def _money(name: str, value: Any, style: Style) -> Any:
    """Return the value in the currency of the style, where the name is one of money."""
    is_money = style.coded and "usd" in name.split("_") and isinstance(value, int | float)
    return value * RATES[style.currency] if is_money else value


def _scenario(world: World, folder: Path, style: Style) -> dict[str, Any]:
    """Return the sections of the scenario file, and write the layers that its filter names."""
    sections = {
        section: {_coded(key, style): _money(key, value, style) for key, value in keys.items()}
        if isinstance(keys, dict)
        else keys
        for section, keys in world.scenario.items()
    }
    if style.currency != "USD":
        sections["project"] |= {"currency": style.currency, "currency_per_usd": RATES[style.currency]}
    keep = dict(sections.get("filter", {}))
    if world.within is not None:
        _layer(folder / "within.geojson", shapely.box(*world.within))
        keep["within"] = "within.geojson"
    if world.away_from is not None:
        *place, km = world.away_from
        _layer(folder / "away.geojson", shapely.Point(place))
        keep["away_from"] = {"layer": "away.geojson", "km": km}
    return sections | ({"filter": keep} if keep else {})


def _layer(path: Path, shape: shapely.Geometry) -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(shape)}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")


def _toml(sections: dict[str, Any]) -> str:
    """Return sections as TOML; lists of tables and tables within them are written inline."""
    lines = []
    for name, keys in sections.items():
        if isinstance(keys, list):
            lines.append(f"{name} = {_value(keys)}")
    for name, keys in sections.items():
        if isinstance(keys, dict):
            lines += [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# Tables by format


def _text(cell: Any, decimal: str = ".") -> str:
    """Return a cell as text, never in powers of ten; a decimal comma never stands before three digits alone."""
    if isinstance(cell, float):
        text = format(Decimal(repr(cell)), "f")
        if decimal == "," and len(text.partition(".")[2]) == 3:
            text += "0"
        return text.replace(".", decimal)
    return "" if cell is None else str(cell)


def _csv(path: Path, _: str, rows: Sequence[Row], separator: str = ",", decimal: str = ".") -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_text(cell, decimal) for cell in row.values()] for row in rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _comma_csv(path: Path, name: str, rows: Sequence[Row]) -> None:
    _csv(path, name, rows, ";", ",")


def _xlsx(path: Path, name: str, rows: Sequence[Row]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = name
    for cells in (rows[0], *(row.values() for row in rows)):
        sheet.append(list(cells))
    book.save(path)


def _geojson(path: Path, _: str, rows: Sequence[Row]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {column: cell for column, cell in row.items() if column not in ("latitude", "longitude")},
            "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
        }
        for row in rows
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )


def _frame(rows: Sequence[Row]) -> geopandas.GeoDataFrame:
    columns = [column for column in rows[0] if column not in ("latitude", "longitude")]
    points = [shapely.Point(row["longitude"], row["latitude"]) for row in rows]
    return geopandas.GeoDataFrame([{name: row[name] for name in columns} for row in rows], geometry=points, crs=4326)


def _gpkg(path: Path, name: str, rows: Sequence[Row]) -> None:
    _frame(rows).to_file(path, layer=name, engine="pyogrio")


def _parquet(path: Path, _: str, rows: Sequence[Row]) -> None:
    _frame(rows).to_parquet(path)


_WRITERS = {
    "csv": _csv,
    "comma.csv": _comma_csv,
    "xlsx": _xlsx,
    "geojson": _geojson,
    "gpkg": _gpkg,
    "parquet": _parquet,
}
