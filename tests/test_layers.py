"""What each layer may import, from the syntax tree of every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "siteopt"
MODULES = sorted(str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.py"))
GEODATA, OPTIMIZE, OUTPUT = "siteopt.geodata", "siteopt.optimize", "siteopt.output"
MADE = tuple(f"siteopt.record.{name}" for name in ("build", "run", "replay", "front", "explanation", "verification"))
"""Records that are made after the answer is found: neither geodata nor optimize knows them."""
SOLVERS = ("pulp", "highspy")
MAPS = ("geopandas", "pandas", "pyarrow", "shapely", "pyproj", "pyogrio")
SOLVER_MODULE = "siteopt/optimize/solver.py"

FORBIDDEN = {
    "siteopt/geodata/": (*SOLVERS, OPTIMIZE, OUTPUT, *MADE),
    "siteopt/optimize/": (
        *MAPS,
        GEODATA,
        OUTPUT,
        *MADE,
        "siteopt.scenario",
        "siteopt.construction",
        "siteopt.scenario_file",
        "siteopt.run",
        "siteopt.cli",
    ),
    "siteopt/output/": (*SOLVERS, "geopandas", GEODATA, OPTIMIZE),
    "siteopt/record/": (
        *SOLVERS,
        *("geopandas", "pyarrow", "shapely", "pyproj", "pyogrio"),
        *(GEODATA, OPTIMIZE, OUTPUT, "siteopt.run", "siteopt.cli"),
    ),
    "siteopt/simulate/": (
        *SOLVERS,
        *MAPS,
        *(GEODATA, OPTIMIZE, OUTPUT, *MADE, "siteopt.scenario", "siteopt.construction", "siteopt.run", "siteopt.cli"),
    ),
}


def imports(source: str, package: str = "siteopt") -> set[str]:
    """Names of the modules that a source imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = f"{package}.{node.module or ''}".rstrip(".") if node.level else node.module or ""
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def within(name: str, layer: str) -> bool:
    return name == layer or name.startswith(layer + ".")


def source_of(module: str) -> str:
    return (PACKAGE.parent / module).read_text(encoding="utf-8")


def breaches(module: str, source: str) -> set[str]:
    layers = [layer for place, names in FORBIDDEN.items() if module.startswith(place) for layer in names]
    return {name for name in imports(source) for layer in layers if within(name, layer)}


def named(source: str, wanted: Callable[[str], bool]) -> set[str]:
    """Names and attributes in a source that are wanted."""
    nodes = list(ast.walk(ast.parse(source)))
    found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    found |= {node.id for node in nodes if isinstance(node, ast.Name)}
    found |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return {name for name in found if wanted(name)}


def is_solver(name: str) -> bool:
    return name.upper().startswith(("HIGHS", "PULP_CBC", "COIN_CMD", "GLPK", "GUROBI", "CPLEX", "SCIP", "GETSOLVER"))


@pytest.mark.parametrize("module", MODULES)
def test_layer_imports_nothing_that_it_may_not(module: str) -> None:
    assert breaches(module, source_of(module)) == set()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("siteopt/geodata/x.py", "import pulp"),
        ("siteopt/geodata/x.py", "from siteopt import optimize"),
        ("siteopt/optimize/x.py", "def f():\n    from pandas.api import types"),
        ("siteopt/optimize/x.py", "from siteopt.geodata.check import typed"),
        ("siteopt/output/x.py", "import geopandas as gpd"),
        ("siteopt/simulate/x.py", "import siteopt.optimize.search"),
        ("siteopt/optimize/x.py", "from siteopt.record.run import RunRecord"),
        ("siteopt/record/x.py", "from siteopt.output.translations import Translations"),
    ],
)
def test_breach_is_seen(module: str, source: str) -> None:
    assert breaches(module, source)


@pytest.mark.parametrize("module", [module for module in MODULES if module != SOLVER_MODULE])
def test_solver_is_named_in_one_module_only(module: str) -> None:
    source = source_of(module)
    assert not [name for name in imports(source) if within(name, "highspy")]
    assert named(source, is_solver) == set()


def test_the_solver_module_names_the_solver() -> None:
    assert named(source_of(SOLVER_MODULE), is_solver)


def test_pulp_stays_within_the_optimizer() -> None:
    users = {module for module in MODULES if any(within(name, "pulp") for name in imports(source_of(module)))}
    assert users
    assert all(module.startswith("siteopt/optimize/") for module in users)


@pytest.mark.parametrize(
    ("module", "known"),
    [
        (
            "siteopt/instance.py",
            ("numpy", "siteopt.tolerances", "siteopt.equipment", "siteopt.pace", "siteopt.phases"),
        ),
        ("siteopt/pace.py", ("numpy",)),
        ("siteopt/phases.py", ("numpy",)),
        ("siteopt/tolerances.py", ("numpy",)),
        ("siteopt/equipment.py", ()),
    ],
)
def test_the_waist_knows_arrays_and_tolerances_only(module: str, known: tuple[str, ...]) -> None:
    found = {name for name in imports(source_of(module)) if name.partition(".")[0] not in sys.stdlib_module_names}
    assert bool(found) is bool(known)
    assert all(any(within(name, layer) for layer in known) for name in found)
