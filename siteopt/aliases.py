"""Keep the old spellings of names that users type. They are read as the present names, without an issue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS: Mapping[str, Mapping[str, str]] = {"candidates": {"access_days": "handover_days"}}
"""Present names of columns by their old ones, for each table."""

KEYS: Mapping[str, Mapping[str, str]] = {
    "workload": {
        "overhead": "auxiliary_load_fraction",
        "swing": "load_step_amplitude",
        "mean_load": "load_factor",
    },
    "milestones": {"hold_days": "operating_days"},
    "defaults": COLUMNS["candidates"],
}
"""Present names of keys by their old ones, for each section of a scenario."""

PYTHON: Mapping[str, str] = {"Fault": "Issue", "Front": "ParetoFront"}
"""Present names in ``siteopt`` by their old ones."""

ATTRIBUTES: Mapping[str, Mapping[str, str]] = {"InputError": {"faults": "issues"}}
"""Present names of attributes by their old ones, for each class."""

FILES: Mapping[str, str] = {"faults.geojson": "issues.geojson", "faults.qml": "issues.qml"}
"""Present names of output files by their old ones: a folder that holds an old map of issues is still replaced."""


def column(table: str, name: str) -> str:
    """Return the present name of a column of a table."""
    return COLUMNS.get(table, {}).get(name, name)


def key(path: str) -> str:
    """Return the present path of a key of a scenario, such as ``milestones.0.operating_days``."""
    section, *others = path.strip().split(".")
    if not others:
        return path
    *between, name = others
    return ".".join([section, *between, KEYS.get(section, {}).get(name, name)])


def present(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a scenario with present keys.

    A key that is given in both spellings keeps both, so that the check of the scenario can report it.
    """
    return {section: renamed(node, KEYS.get(section, {})) for section, node in data.items()}


def renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return a section, or a list of sections, with present keys instead of old ones."""
    if isinstance(node, list):
        return [renamed(entry, names) for entry in node]
    if not isinstance(node, dict) or not names:
        return node
    return {name if names.get(name) in node else names.get(name, name): value for name, value in node.items()}


def twice(node: Any, names: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a section in which a key is given in both spellings; an empty list if none is."""
    if not isinstance(node, Mapping):
        return []
    both = [(new, old) for old, new in names.items() if old in node and new in node]
    return [f"{new}: this key once; {old} is its old name, and is given too" for new, old in both]
