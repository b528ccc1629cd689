"""Files that cannot be used, each with the exact message that it gets.

Each stands in for the sound table or scenario of ``tests.worlds`` that its folder is called after. ``python -m
tests.broken`` writes ``messages.json`` again; read what changed before it is committed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from typer.testing import CliRunner, Result

from siteopt.cli import app
from tests.worlds import write_world

FOLDER = Path(__file__).parent
MESSAGES = FOLDER / "messages.json"
TABLES = ("candidates", "offers", "grid_steps", "limits", "areas", "buildings")


def broken_files() -> list[str]:
    """Their names below the folder, such as ``offers/blank-id.csv``."""
    folders = [FOLDER / name for name in (*TABLES, "scenarios")]
    return sorted(f"{path.parent.name}/{path.name}" for folder in folders for path in folder.iterdir())


def checked(name: str, folder: Path) -> Result:
    """``siteopt check`` with the broken file in the place of a sound one, in an empty folder."""
    table, _, file = name.partition("/")
    scenario = write_world(folder)
    shutil.copyfile(FOLDER / name, scenario if table == "scenarios" else folder / file)
    settings = [] if table == "scenarios" else ["--set", f"inputs.{table}={json.dumps([file])}"]
    with contextlib.chdir(folder):
        return CliRunner().invoke(app, ["check", scenario.name, *settings])


def recorded() -> dict[str, list[str]]:
    """The lines that each file gets."""
    return json.loads(MESSAGES.read_text(encoding="utf-8"))
