"""Each thing has one name: what has been renamed stands nowhere but where old spellings are read."""

from __future__ import annotations

import ast
import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from siteopt import aliases

ROOT = Path(__file__).parent.parent
READS_OLD_NAMES = {
    "siteopt/aliases.py",
    "siteopt/record/format_1.py",
    "siteopt/record/migrations.py",
    "tests/record/test_migrations.py",
    "tests/test_aliases.py",
    "tests/test_names.py",
}
FILES = [
    path
    for folder in ("siteopt", "tests", "docs")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.relative_to(ROOT).as_posix() not in READS_OLD_NAMES
]

RENAMED = {
    # an Instance, and its fields
    *("case", "battery_floor_mw", "inertia_floor_mws", "floor_gpus", "access_day", "access_days", "hold_days"),
    *("overhead", "mean_load", "fleet", "queue_free", "queue_free_day", "Floors", "StoredFloors"),
    # the search
    *("HOLDERS", "holder", "held_by", "rivals", "Rival", "Ceiling", "Screen", "tidied", "alike", "elastic"),
    *("freed", "freeing", "Corner"),
    # the power-quality loop
    *("agree", "judge", "Judge", "judged", "judged_s", "JUDGED", "rounds", "most_rounds", "Needs"),
    # the outputs
    *("Words", "words_module", "Front", "Guarded"),
}
"""Identifiers that are called otherwise now; not those that keep another meaning, such as ``open`` and ``round``."""

PARTS = ("fault",)
"""Words that stand in no identifier: here a fault is electrical."""

LONGER = ("default", "faulthandler", "faulty", "faultless")
"""Words that hold one of PARTS and are not meant."""

MODULES = {
    *("siteopt.faults", "siteopt.codes", "siteopt.guard", "siteopt.geodata.together", "siteopt.geodata.ground"),
    *("siteopt.optimize.agree", "siteopt.optimize.screen", "siteopt.output.words", "siteopt.output.tips"),
    *("siteopt.output.front", "siteopt.output.charts.front", "siteopt.output.charts.ground"),
    *("siteopt.output.charts.online", "siteopt.record.front", "siteopt.record.build_front", "tests.cases"),
}


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name in a syntax tree, and its line: variables, attributes, arguments, keywords, functions, imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.keyword(arg=str() as name):
                yield name, node.lineno
            case ast.alias(name=name, asname=other):
                yield from ((part, node.lineno) for part in (*name.split("."), *filter(None, [other])))


def is_renamed(name: str) -> bool:
    plain = name.lower()
    for word in LONGER:
        plain = plain.replace(word, "")
    return name in RENAMED or any(part in plain for part in PARTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_old_name_stands_in_the_code(path: Path) -> None:
    found = identifiers(ast.parse(path.read_text(encoding="utf-8")))
    assert [f"line {line}: {name}" for name, line in found if is_renamed(name)] == []


def test_no_module_has_an_old_name() -> None:
    there = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FILES}
    assert there & MODULES == set()


@pytest.mark.parametrize("path", sorted((ROOT / "data").glob("*.csv")), ids=lambda path: path.name)
def test_no_header_has_an_old_name(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert {old for names in aliases.COLUMNS.values() for old in names}.isdisjoint(header)


@pytest.mark.parametrize("path", sorted((ROOT / "models").rglob("*.toml")), ids=lambda path: path.name)
def test_no_scenario_has_an_old_key(path: Path) -> None:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert aliases.present(data) == data
