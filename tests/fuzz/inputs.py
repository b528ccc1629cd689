"""Strategies: a small world that is right, and one of many ways to spoil it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import geopandas
import openpyxl
import pandas as pd
from hypothesis import strategies as st

from tests.worlds import OFFERS, SCENARIO, SITES, STEPS, Row, csv_text

TABLES: Mapping[str, Sequence[Row]] = {"candidates": SITES, "offers": OFFERS, "steps": STEPS}
LAYERS = (".geojson", ".gpkg", ".parquet", ".shp", ".dbf", ".xlsx")
"""Endings in which the candidates are also tried."""

ODD = (
    *("", " ", "\t", "-", "-1", "0", "nan", "NaN", "inf", "-inf", "1e400", "-1e308", "0x10", "1_000", "TRUE", "null"),
    *(
        "12,5",
        "1,234",
        "1.234",
        "1.234,5",
        "1,234.5",
        "1 000",
        "1'000",
        "1\u00a0000",
        "１２",
        "٣",
        "²",
        "½",
        "−5",
        "𝟏𝟐",
    ),
    *("2026-12-01", "2026-13-01", "03/04/2026", "1.2.26", "46000", "0000-00-00", "99999-01-01", "2026-12-01T00:00Z"),
    *("=1+1", "+1", "@x", "5 MW", "5%", "$5", "#REF!", "#N/A", "alpha", "Alpha", "ALPHA ", "강진", "\ufeff", "\u202e"),
    *("<script>", "'", '"', '""', "a,b", "a;b", "a\nb", "a\r\nb", "\x00", "\x1a", "\x7f", "😀", "e\u0301", "A" * 9000),
    *("9" * 5000, "0." + "3" * 400, "1e" + "9" * 30),
)
"""Texts that stand in tables by accident."""

ENCODINGS = (
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "cp949",
    "cp1252",
    "latin-1",
    "shift-jis",
    "utf-7",
)


@dataclass(frozen=True)
class Trial:
    """Files of a world, and the words behind ``siteopt``."""

    files: Mapping[str, bytes]
    words: Sequence[str] = ("check", "scenario.toml", "--json")
    settings: Sequence[str] = field(default=())


Draw = Callable[[st.SearchStrategy], object]


@cache
def world() -> dict[str, bytes]:
    """What is right, and solves."""
    return {f"{name}.csv": csv_text(rows).encode() for name, rows in TABLES.items()} | {
        "scenario.toml": SCENARIO.encode()
    }


@cache
def layers() -> dict[str, bytes]:
    """The candidates as layers and as a workbook, by their endings."""
    frame = pd.DataFrame(list(SITES)).replace("", None)
    places = geopandas.points_from_xy(frame["longitude"], frame["latitude"])
    layer = geopandas.GeoDataFrame(frame.drop(columns=["longitude", "latitude"]), geometry=places, crs=4326)
    book = openpyxl.Workbook()
    for row in [list(frame.columns), *frame.astype(object).where(frame.notna(), None).values.tolist()]:
        book.active.append(row)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, "candidates")
        layer.to_file(base.with_suffix(".geojson"))
        layer.to_file(base.with_suffix(".gpkg"))
        layer.to_parquet(base.with_suffix(".parquet"))
        layer.rename(columns=lambda name: name[:10]).to_file(base.with_suffix(".shp"), encoding="UTF-8")
        book.save(base.with_suffix(".xlsx"))
        return {path.suffix: path.read_bytes() for path in Path(folder).iterdir()}


def changed(**files: bytes) -> dict[str, bytes]:
    """The world, with other tables or another scenario."""
    return world() | {f"{name}.{'toml' if name == 'scenario' else 'csv'}": data for name, data in files.items()}


texts = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=20),
    st.floats().map(repr),
    st.integers().map(str),
    st.dates().map(str),
)
table_names = st.sampled_from(sorted(TABLES))


def grid(name: str) -> list[list[str]]:
    """A table as rows of cells, the header first."""
    return [line.split(",") for line in csv_text(TABLES[name]).splitlines()]


def as_csv(rows: Sequence[Sequence[str]], mark: str = ",", quote: str = '"', line: str = "\n") -> bytes:
    """Rows as delimited text."""

    def shown(cell: str) -> str:
        odd = any(letter in cell for letter in (mark, '"', "\n", "\r"))
        return f"{quote}{cell.replace(quote, quote * 2) if quote else cell}{quote}" if odd else cell

    text = line.join(mark.join(map(shown, row)) for row in rows) + line
    return text.encode("utf-8", "surrogatepass")


@st.composite
def cells(draw: Draw) -> Trial:
    """Other text in a few cells."""
    name = draw(table_names)
    rows = grid(name)
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(1, len(rows) - 1))
        rows[row][draw(st.integers(0, len(rows[0]) - 1))] = draw(texts)
    return Trial(changed(**{name: as_csv(rows)}))


@st.composite
def headers(draw: Draw) -> Trial:
    """Other names of columns: misspelt, twice, absent, moved, or with something behind them."""
    name = draw(table_names)
    rows = grid(name)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows[0]) - 1))
        old = rows[0][at]
        odd = [
            old.upper(),
            f" {old} ",
            f"{old} (MW)",
            old[1:],
            old + "s",
            "",
            draw(texts),
            draw(st.sampled_from(rows[0])),
        ]
        rows[0][at] = draw(st.sampled_from(odd))
    if draw(st.booleans()):
        order = draw(st.permutations(range(len(rows[0]))))[draw(st.integers(0, 2)) :]
        rows = [[row[at] for at in order] for row in rows]
    before = [[draw(texts)] for _ in range(draw(st.integers(0, 2)))]
    return Trial(changed(**{name: as_csv(before + rows)}))


@st.composite
def encodings(draw: Draw) -> Trial:
    """Another encoding, declared or not, of a table with letters of other scripts."""
    name = draw(table_names)
    rows = grid(name)
    for row in rows[1:]:
        row[1] = draw(st.sampled_from(("강진 공장", "Zürich", "Łódź", "工場", "Москва", "plain")))
    encoding = draw(st.sampled_from(ENCODINGS))
    data = as_csv(rows).decode().encode(encoding, draw(st.sampled_from(("replace", "ignore", "xmlcharrefreplace"))))
    return Trial(changed(**{name: draw(st.sampled_from((b"", b"\xef\xbb\xbf", b"\xff\xfe"))) + data}))


@st.composite
def delimiters(draw: Draw) -> Trial:
    """Other marks between cells and between rows, decimal commas, and Excel's line about it."""
    name = draw(table_names)
    rows = grid(name)
    if draw(st.booleans()):
        rows = [rows[0], *([cell.replace(".", ",") for cell in row] for row in rows[1:])]
    mark = draw(st.sampled_from(",;\t| :^"))
    line = draw(st.sampled_from(("\n", "\r\n", "\r", "\n\n", "\u2028")))
    first = draw(st.sampled_from((b"", b"sep=;\n", b"sep=,\r\n", b"\n\n", b"#comment\n")))
    return Trial(changed(**{name: first + as_csv(rows, mark, draw(st.sampled_from(('"', "'", ""))), line)}))


@st.composite
def quotes(draw: Draw) -> Trial:
    """Quotes and line ends where none should be."""
    name = draw(table_names)
    text = as_csv(grid(name)).decode()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(('"', '""', "'", "\n", "\r", '",', ',"', '"\n"', '"""'))) + text[at:]
    return Trial(changed(**{name: text.encode()}))


@st.composite
def row_lengths(draw: Draw) -> Trial:
    """Rows with more cells than the header, or fewer; rows twice, or none."""
    name = draw(table_names)
    rows = grid(name)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        rows[at : at + 1] = draw(
            st.sampled_from(
                ([[*row, ""]], [[*row, "x"]], [row[:-1]], [row[:1]], [[]], [row, row], [], [row + [""] * 500])
            )
        ) or [[]]
    return Trial(changed(**{name: as_csv(rows)}))


@st.composite
def spoilt(draw: Draw, data: bytes) -> bytes:
    """Bytes with a few flipped, cut, put in, or moved."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 64)))
        data = draw(
            st.sampled_from(
                (
                    data[:at],
                    data[at:],
                    data[:at] + data[to:],
                    data[:at] + bytes(255 - byte for byte in data[at:to]) + data[to:],
                    data[:at] + draw(st.binary(max_size=16)) + data[at:],
                    data[:to] + data[at:],
                    data + b"\x00" * 9,
                )
            )
        )
    return data


@st.composite
def table_bytes(draw: Draw) -> Trial:
    """Bytes of a table flipped and cut."""
    name = draw(table_names)
    return Trial(changed(**{name: draw(spoilt(world()[f"{name}.csv"]))}))


def layer_bytes(ending: str) -> st.SearchStrategy[Trial]:
    """Bytes of a layer flipped and cut; of a shapefile, one of its files."""

    def trial(data: bytes) -> Trial:
        whole = ".shp" if ending == ".dbf" else ending
        files = {f"candidates{one}": content for one, content in layers().items()} | {f"candidates{ending}": data}
        return Trial(world() | files, settings=[f'inputs.candidates=["candidates{whole}"]'])

    return spoilt(layers()[ending]).map(trial)


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(ODD),
        st.text(max_size=8),
        st.sampled_from((10**400, -(10**19), 1e308)),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


@st.composite
def geojson(draw: Draw) -> Trial:
    """A GeoJSON file that is JSON, with anything in place of one of its parts."""
    whole = json.loads(layers()[".geojson"])
    for _ in range(draw(st.integers(1, 3))):
        node: object = whole
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))  # type: ignore[arg-type]
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and draw(st.integers(0, 4)):  # type: ignore[index]
                node = node[key]  # type: ignore[index]
                continue
            node[key] = draw(values)  # type: ignore[index]
            break
    files = world() | {"candidates.geojson": json.dumps(whole).encode()}
    return Trial(files, settings=['inputs.candidates=["candidates.geojson"]'])


SCENARIO_LINES = SCENARIO.splitlines()
VALUES = (
    *(
        "0",
        "-1",
        "1e308",
        "-1e308",
        "1e400",
        "inf",
        "nan",
        "9" * 30,
        "0x7fffffffffffffff",
        "true",
        '""',
        '"x"',
        "[]",
        "{}",
    ),
    *("[[[1]]]", "1979-05-27", "0001-01-01", "9999-12-31", "07:32:00", '"강진"', '"\\u0000"', "'''a\nb'''", "[1, 'a']"),
    *(
        "{ a = 1 }",
        '"../../etc/passwd"',
        '"/dev/null"',
        '"/dev/zero"',
        '"http://localhost:1/x.csv"',
        '"/vsicurl/x"',
        '"."',
    ),
    *("1e-320", "0.1e-400", "-0.0", "1_000", '["USD"]', '"KRW"', '"exclude"', '"cost"'),
)
"""What stands behind an equals sign."""


@st.composite
def scenario_lines(draw: Draw) -> Trial:
    """Lines of the scenario gone, twice, moved, with another key or another value."""
    lines = list(SCENARIO_LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[at].partition("=")
        choice = draw(st.integers(0, 5))
        if choice == 0:
            lines[at] = ""
        elif choice == 1:
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif choice == 2 and equals:
            lines[at] = f"{draw(st.sampled_from(('x', 'path', 'settings', 'a.b', '강', '')))}{key}={lines[at]}"
        elif equals:
            lines[at] = f"{key}= {draw(st.sampled_from(VALUES))}"
        else:
            lines[at] = draw(st.text(max_size=12))
    return Trial(changed(scenario="\n".join(lines).encode("utf-8", "surrogatepass")))


@st.composite
def scenario_nesting(draw: Draw) -> Trial:
    """Brackets in brackets, tables in tables, names of many parts."""
    depth = draw(st.sampled_from((10, 300, 2000)))
    deep = draw(
        st.sampled_from(
            (
                "x = " + "[" * depth + "]" * depth,
                "x = " + "{a=" * depth + "1" + "}" * depth,
                "[" + ".".join("a" * depth) + "]\nb = 1",
                ".".join("a" * depth) + " = 1",
                "objective.order = " + "[" * depth + "]" * depth,
            )
        )
    )
    return Trial(changed(scenario=f"{deep}\n{SCENARIO}".encode()))


@st.composite
def scenario_bytes(draw: Draw) -> Trial:
    """Bytes of the scenario flipped and cut, or in another encoding."""
    data = draw(spoilt(SCENARIO.replace("a quote", "강진").encode()))
    if draw(st.booleans()):
        data = SCENARIO.replace("a quote", "강진").encode(draw(st.sampled_from(ENCODINGS)), "replace")
    return Trial(changed(scenario=data))


KEYS = (
    *(
        "supply.spare_units",
        "milestones.0.gpus",
        "milestones.²",
        "milestones.-1",
        "milestones.9",
        "project",
        "project.name",
    ),
    *("project.start_date.x", "inputs.candidates", "inputs.candidates.0", "defaults.grid_mw", "filter.away_from.km"),
    *(
        "filter.within",
        "baselines.0",
        "objective.order",
        "project.currency",
        "project.budget_usd",
        "project.budget_krw",
    ),
    *("path", "settings", "", ".", "a..b", "강진", "milestones." + "9" * 5000, "project.horizon_days"),
)
settings_texts = st.one_of(
    st.builds(
        "{}={}".format,
        st.one_of(st.sampled_from(KEYS), st.text(max_size=12)),
        st.one_of(st.sampled_from(VALUES), texts),
    ),
    st.text(max_size=20),
)


@st.composite
def set_texts(draw: Draw) -> Trial:
    """Settings that replace anything by anything."""
    return Trial(world(), settings=draw(st.lists(settings_texts, min_size=1, max_size=3)))


WORDS = (
    *(
        "check",
        "solve",
        "pareto",
        "capacity",
        "explain",
        "report",
        "plot",
        "doctor",
        "scenario.toml",
        "candidates.csv",
        "absent",
        ".",
    ),
    *("--json", "--set", "--out", "out", "--top", "0", "1", "-1", "--time-limit", "nan", "inf", "--workers", "--debug"),
    *(
        "--method",
        "monolithic",
        "--lang",
        "ko",
        "--milestone",
        "--by",
        "2025-02-01",
        "first run",
        "alpha",
        "--",
        "-",
        "-x",
        "--help",
        "-q",
        "",
    ),
    *("--verify-with", "cbc", "강진", "\x00", "a" * 5000, "candidates.csv/x", "--=", "@x", "~", "*"),
)


@st.composite
def command_lines(draw: Draw) -> Trial:
    """Words in any order, with a short time to solve where it comes to that."""
    words = draw(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), max_size=6))
    first = draw(st.sampled_from(("check", "pareto", "capacity", "solve", "explain", "report", "plot", "init")))
    limit = ["--time-limit", "1"] if first in ("solve", "pareto", "capacity", "explain") else []
    return Trial(world(), words=[first, *limit, *words])


CLASSES: Mapping[tuple[str, str], st.SearchStrategy[Trial]] = {
    ("tables", "cells"): cells(),
    ("tables", "headers"): headers(),
    ("tables", "encodings"): encodings(),
    ("tables", "marks between cells"): delimiters(),
    ("tables", "quotes"): quotes(),
    ("tables", "lengths of rows"): row_lengths(),
    ("tables", "bytes"): table_bytes(),
    **{("layers", f"bytes of {ending}"): layer_bytes(ending) for ending in LAYERS},
    ("layers", "GeoJSON, other values"): geojson(),
    ("scenario", "lines"): scenario_lines(),
    ("scenario", "nesting"): scenario_nesting(),
    ("scenario", "bytes"): scenario_bytes(),
    ("scenario", "--set"): set_texts(),
    ("command line", "words"): command_lines(),
}
"""Every class of inputs: area, name, strategy."""
