"""Merge the files of a scenario and the settings of a run, and remember where each value comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from siteopt.issues import Issue
from siteopt.message_catalogue import Code
from siteopt.parameters import Parameter
from siteopt.scenario import usd_name
from siteopt.toml_files import DEEPEST, TomlFile, nodes_of

SETTING = TomlFile("--set", Path("--set"))
"""Stands for the settings of a run, as if they were a file."""

Found = TypeVar("Found")


class Values:
    """Values of a scenario: sections merge by key, everything else is replaced, and later files win.

    Attributes
    ----------
    files : list of TomlFile
        The files, the earliest first; the settings are the last.
    data : dict
        The merged sections.
    origins : dict
        The latest file that gives each key or part of a section.
    """

    def __init__(self, files: Sequence[TomlFile]) -> None:
        self.files = [*files, SETTING]
        self.data: dict[str, Any] = {}
        self.origins: dict[str, TomlFile] = {}
        for file in files:
            self._lay(file, file.data, self.data, "")

    def _lay(self, file: TomlFile, given: Mapping[str, Any], over: dict[str, Any], prefix: str) -> None:
        """Lay the values of a file over those of earlier files."""
        for name, value in given.items():
            key = f"{prefix}{name}"
            self.origins[key] = file
            if isinstance(value, dict) and key.count(".") < DEEPEST:
                if not isinstance(over.get(name), dict):
                    over[name] = {}
                self._lay(file, value, over[name], f"{key}.")
            else:
                over[name] = value

    def set(self, key: str, value: Any) -> bool:
        """Set a key to the value of a setting; return whether the key is possible."""
        if not put(self.data, key, value):
            return False
        self.origins = {one: file for one, file in self.origins.items() if not one.startswith(f"{key}.")}
        self.origins[key] = SETTING
        node: Any = self.data
        *parts, _ = key.split(".")
        for depth, part in enumerate(parts, 1):  # so that a contradiction in a section is told of the setting
            node = node[part]
            if isinstance(node, list):
                break
            self.origins[".".join(parts[:depth])] = SETTING
        return True

    @property
    def currency(self) -> str:
        """Return the code of the scenario's currency in lower case, as names of keys hold it."""
        project = self.data.get("project")
        return str(project.get("currency", "USD")).lower() if isinstance(project, dict) else "usd"

    def keep_latest(self) -> None:
        """Drop an amount that a later file gives in another currency: ``budget_usd``, if it gives ``budget_krw``.

        An amount that one file gives in both currencies is kept twice, so that the check of the scenario can report it.
        """
        for section, node in list(nodes_of(self.data)):
            for name in list(node) if isinstance(node, dict) else ():
                other = usd_name(name, self.currency)
                if other in node:
                    place = {one: self.files.index(self._at(f"{section}.{one}") or SETTING) for one in (name, other)}
                    if place[name] != place[other]:
                        first = min(place, key=lambda one: place[one])
                        del node[first]
                        self.origins.pop(f"{section}.{first}", None)

    def placed(self, issue: Issue) -> Issue:
        """Return an issue of a key with the file and the line in which the key stands.

        A missing key stands in no file, so its issue stays with the scenario file; in an entry of a list it is missing
        from the file of the list.
        """
        key = issue.column
        if issue.code is Code.NO_KEY and not re.search(r"\.\d+\.", key):
            return issue
        if key not in self.origins:
            key = re.sub(r"(?<![a-z])usd(?![a-z])", lambda _: self.currency, key)
        file = self._at(key)
        if file is None:
            return issue
        return replace(issue, file=str(file.path), row=_nearest(key, file.lines))

    def parameters(self) -> tuple[Parameter, ...]:
        """Return every value, with the place where it stands and its source; a list is one value."""
        changed = {key for key, file in self.origins.items() if file is SETTING}
        found = []
        for key, value in nodes_of(self.data):
            if isinstance(value, dict):
                continue
            is_changed = isinstance(value, list) and any(one.startswith(f"{key}.") for one in changed)
            file = SETTING if is_changed else self._at(key) or SETTING
            found.append(Parameter(key, value, file.name, file.lines.get(key), _nearest(key, file.sources) or ""))
        return tuple(found)

    def _at(self, key: str) -> TomlFile | None:
        """Return the file that gives a key, or the list or section that the key belongs to."""
        return _nearest(key, self.origins)


def _nearest(key: str, known: Mapping[str, Found]) -> Found | None:
    """Return what is known of a key, or else of the list or section that the key belongs to."""
    return next((known[one] for one in _with_parents(key) if one in known), None)


def _with_parents(key: str) -> Iterator[str]:
    """Yield a key, and then the lists and sections that it belongs to, the nearest first."""
    while key:
        yield key
        key = key.rpartition(".")[0]


def put(data: dict[str, Any], key: str, value: Any) -> bool:
    """Put a value into the data under a key; return whether the key is possible."""
    *parents, last = key.split(".")
    target: Any = data
    for part in parents:
        if isinstance(target, list) and _is_entry(part, target):
            target = target[int(part)]
        elif isinstance(target, dict):
            target = target.setdefault(part, {})
        else:
            return False
    if isinstance(target, list) and _is_entry(last, target):
        target[int(last)] = value
    elif isinstance(target, dict):
        target[last] = value
    else:
        return False
    return True


def _is_entry(part: str, entries: list[Any]) -> bool:
    return bool(re.fullmatch("[0-9]{1,9}", part)) and int(part) < len(entries)
