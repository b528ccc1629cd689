from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import siteopt

PACKAGE = Path(siteopt.__file__).parents[1]


def started(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "siteopt", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_command_runs() -> None:
    done = started("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("siteopt ")


@pytest.mark.parametrize("words", [["doctor"], ["solve", "scenario.toml"]], ids=" ".join)
def test_a_package_that_does_not_load_is_told_in_one_line(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "highspy.py").write_text('raise ImportError("libhighs.so: wrong\\nELF class")\n')
    done = started(*words, PYTHONPATH=f"{tmp_path}{os.pathsep}{PACKAGE}", SITEOPT_LOG_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "a package cannot be loaded: ImportError: libhighs.so: wrong ELF class; install siteopt again"
    )
    assert line.endswith("[E503]")


def test_a_package_that_does_not_load_leaves_help(tmp_path: Path) -> None:
    (tmp_path / "highspy.py").write_text('raise ImportError("libhighs.so: wrong ELF class")\n')
    done = started("--help", PYTHONPATH=f"{tmp_path}{os.pathsep}{PACKAGE}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_line_that_does_not_load_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text('raise ImportError("no typer")\n')
    done = started("--help", PYTHONPATH=f"{tmp_path}{os.pathsep}{PACKAGE}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("a package cannot be loaded: ImportError: no typer; install siteopt again")


def test_every_name_of_the_public_interface_is_there() -> None:
    names = [name for name in siteopt.__all__ if name != "__version__"]
    assert all(getattr(siteopt, name).__name__ == name for name in names)
    with pytest.raises(AttributeError, match="no attribute 'solv'"):
        siteopt.solv  # noqa: B018
