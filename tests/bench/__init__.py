"""``make bench``: how siteopt grows with the number of sites, and how it compares with peers. Never a timed test."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]

WORKERS = 2
"""Threads of a search that is measured."""


def optional(name: str) -> ModuleType:
    """A module of the dependency group ``bench``, which nothing but the benchmark needs.

    Raises
    ------
    SystemExit
        Where it is not installed, with what to do.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise SystemExit(f"the benchmark needs the group 'bench' ({error}): make bench installs it") from error
