"""A help text, a version and a usage error come without loading a library that only an answer needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from siteopt.cli import EXIT_CODES, app
from siteopt.record.base import RunOutcome

LIBRARIES = (
    *("numpy", "pandas", "geopandas", "shapely", "pyproj", "pyogrio", "pyarrow", "openpyxl"),
    *("pulp", "highspy", "pydantic", "rich", "babel", "jinja2", "altair"),
)
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback is not None]
LOADED = f"""
import atexit, sys
from siteopt.__main__ import main
atexit.register(lambda: print(*sorted(set({LIBRARIES}) & set(sys.modules)), file=sys.stderr))
main()
"""


def started(*words: str) -> tuple[int, str, list[str]]:
    """Exit code, standard output, and lines of standard error; the last line names the libraries that were loaded."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS), ["version"]], ids=" ".join)
def test_help_and_version_load_no_library(words: list[str]) -> None:
    code, told, errors = started(*words)
    assert (code, errors) == (0, [""])
    assert told


@pytest.mark.parametrize("words", [["solve"], ["solve", "--no-such-option"], ["no-such-command"]], ids=" ".join)
def test_a_usage_error_loads_no_library(words: list[str]) -> None:
    code, told, errors = started(*words)
    assert (code, told) == (2, "")
    assert errors[-2].startswith(("Error: Missing", "Error: No such"))
    assert set(errors[-1].split()) <= {"pydantic"}, "Typer converts values with pydantic"


def test_help_names_every_command_with_its_whole_first_paragraph() -> None:
    told = " ".join(started("--help")[1].split())
    for command in app.registered_commands:
        assert command.callback is not None
        paragraph = (command.callback.__doc__ or "").split("\n\n")[0]
        assert f"{command.callback.__name__} {' '.join(paragraph.split())}" in told


def test_a_report_of_a_stored_run_needs_no_tables_of_pandas() -> None:
    look = f"import siteopt.output.reporting, sys; print(*set({LIBRARIES}) & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert set(found.split()) <= {"numpy", "pyarrow", "pydantic", "shapely"}


def test_a_check_loads_no_library_of_charts() -> None:
    code, _, errors = started("check", "models/frugal.toml")
    assert code == 0
    assert not {"altair", "jinja2", "rich"} & set(errors[-1].split())


def test_every_outcome_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == {outcome.name for outcome in RunOutcome}
