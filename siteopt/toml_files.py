"""Read a scenario file and the files that it extends, each with the lines and the sources of its values."""

from __future__ import annotations

import codecs
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from siteopt import aliases
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.scenario import PATHS

MOST_BYTES = 10 << 20
"""Maximum size of a scenario file in bytes, far beyond any real one."""

MOST_FILES = 100
"""Maximum number of files that one scenario is read from, far beyond any real one."""

DEEPEST = 8
"""Number of sections within each other down to which keys are known by name; no key of a scenario is as deep."""

TOO_DEEP = "TOML with brackets that are not nested hundreds deep"
EXTENDS, SOURCES = "extends", "sources"
"""Keys of a file that are no keys of the scenario."""

_FIXED = re.compile(r"[A-Za-z][\w+.-]*:|[\\/]", re.ASCII)
"""Start of a path that does not depend on the file in which it stands: it is absolute, or an address."""

_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_SECTION_LINE = re.compile(rf"\s*\[(\[?)\s*({_KEY})\s*\]\]?\s*(?:#.*)?$", re.ASCII)
_VALUE_LINE = re.compile(rf"\s*({_KEY})\s*=", re.ASCII)
_LONG_QUOTES = ('"""', "'''")


@dataclass(frozen=True, eq=False)
class TomlFile:
    """File of a scenario, or a file that it extends.

    Attributes
    ----------
    name : str
        Path relative to the folder of the scenario file.
    path : Path
    data : dict
        Sections with the present names of keys, and with paths relative to the folder of the scenario file.
    lines : dict
        Line of each key, such as ``milestones.0.gpus``; a key that is written in an unusual way may be missing.
    sources : dict
        What the file says about where its values come from, by key or section.
    """

    name: str
    path: Path
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def toml_files(path: Path, refused: Callable[[str, Path], Iterable[Issue]] | None = None) -> list[TomlFile]:
    """Return a scenario file and all files that it extends.

    Each file is there once, after all files that it extends; the scenario file is the last.

    Parameters
    ----------
    refused : callable, optional
        Function that returns why a file that is extended, given by name and path, must not be opened.

    Raises
    ------
    InputError
        With every file that cannot be read or must not be opened, every ring of files, and every source of no value.
    """
    reader = _Reader(path, refused or (lambda name, path: ()))
    reader.read(path.name, path, "a scenario file", {})
    if reader.issues:
        raise InputError(reader.issues)
    return list(reader.files.values())


@dataclass
class _Reader:
    """Reader of a scenario file and of the files that it extends, which collects their issues."""

    scenario: Path
    refused: Callable[[str, Path], Iterable[Issue]]
    files: dict[str, TomlFile] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def read(self, name: str, path: Path, expected: str, above: Mapping[str, str]) -> str:
        """Read a file, unless it is read already, after all that it extends; return its full path.

        ``above`` holds the names of the files that lead here, by full path; a file that is among them is not read.
        """
        try:
            text, data = _toml(path, expected)
        except InputError as error:
            self.issues += error.issues
            return ""
        full = os.path.realpath(path)
        if full in above or full in self.files:
            return full
        data, lines = aliases.present(data), _lines_of(text)
        for other in self._extended(data.pop(EXTENDS, []), path, lines):
            self._extend(_beside(name, other), path, lines, {**above, full: name})
        sources = dict(self._sources(data.pop(SOURCES, {}), data, path, lines))
        self.files[full] = TomlFile(name, path, _with_paths(data, name), lines, sources)
        return full

    def _extend(self, name: str, by: Path, lines: Mapping[str, int], above: Mapping[str, str]) -> None:
        """Read a file that another one extends."""
        path = self.scenario.parent / name
        if found := list(self.refused(name, path)):
            self.issues += found
            return
        if len(above) + len(self.files) > MOST_FILES:
            told = f"a scenario of at most {MOST_FILES} files"
            self.issues.append(Issue(Code.TOO_LARGE, str(by), lines.get(EXTENDS), EXTENDS, "one more file", told))
            return
        full = self.read(name, path, f"a scenario file, which {by} extends", above)
        if full in above:
            ring = list(above.values())[list(above).index(full) :]
            told = f"files that do not extend each other in a ring ({' -> '.join([*ring, name])})"
            self.issues.append(Issue(Code.RING, str(by), lines.get(EXTENDS), EXTENDS, name, told))

    def _extended(self, given: Any, path: Path, lines: Mapping[str, int]) -> list[str]:
        """Return the files that a file extends, or note that it does not name them in a list."""
        names = given if isinstance(given, list) else [given]
        wrong = [one for one in names if not (isinstance(one, str) and one.strip() and one.isprintable())]
        if isinstance(given, list) and not wrong:
            return names
        told = 'a list of files in square brackets, such as ["parameters/generic.toml"]'
        found = text_of(wrong[0] if wrong else given)
        self.issues.append(Issue(Code.BAD_VALUE, str(path), lines.get(EXTENDS), EXTENDS, found, told))
        return []

    def _sources(
        self, given: Any, data: Mapping[str, Any], path: Path, lines: Mapping[str, int]
    ) -> Iterator[tuple[str, str]]:
        """Yield key and text of each source of a file, or note what is wrong with it."""

        def wrong(code: Code, key: str, found: str, expected: str) -> None:
            place = f"{SOURCES}.{key}" if key else SOURCES
            self.issues.append(Issue(code, str(path), lines.get(place), place, found, expected))

        if not isinstance(given, dict):
            wrong(Code.BAD_VALUE, "", text_of(given), "a section")
            return
        known = {key for key, _ in nodes_of(data)}
        for written, text in nodes_of(given):
            key = aliases.key(written)
            if isinstance(text, dict) and written.count(".") < DEEPEST:
                continue
            if not isinstance(text, str) or not text.strip():
                wrong(
                    Code.BAD_VALUE,
                    written,
                    text_of(text),
                    "text in quotes: an address, or a text that begins with estimate",
                )
            elif key not in known:
                wrong(Code.UNKNOWN_KEY, written, key, f"a key with a value in this file{nearest(key, known)}")
            else:
                yield key, text.strip()


def text_of(value: object) -> str:
    """Return a key or a value as printable text."""
    if isinstance(value, dict):
        return "a section"
    try:
        text = str(value)
    except ValueError:  # Python does not print a number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if text.isprintable() else ascii(text)[1:-1]


def nodes_of(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key of some sections, such as ``supply`` and ``supply.circuity``, with its value, also a list."""
    for name, value in data.items():
        key = f"{prefix}{name}"
        yield key, value
        if isinstance(value, dict) and key.count(".") < DEEPEST:
            yield from nodes_of(value, f"{key}.")


def _beside(name: str, other: str) -> str:
    """Return a path that stands in the file of a name, relative to the folder of the scenario file."""
    folder = PurePosixPath(name).parent.as_posix()
    return other if folder == "." or _FIXED.match(other) else f"{folder}/{other}"


def _with_paths(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the sections of a file with paths that are relative to the folder of the scenario file."""

    def moved(node: Any, key: list[str]) -> Any:
        if key:
            return {**node, key[0]: moved(node[key[0]], key[1:])} if isinstance(node, dict) and key[0] in node else node
        if isinstance(node, list):
            return [moved(entry, []) if isinstance(entry, str) else entry for entry in node]
        return _beside(name, node) if isinstance(node, str) else node

    for key in PATHS:
        data = moved(data, key.split("."))
    return data


def _lines_of(text: str) -> dict[str, int]:
    """Return the line of each section and key; entries of ``[[...]]`` count from 0. Text in long quotes is skipped."""
    lines: dict[str, int] = {}
    entries: dict[str, int] = {}
    section, quotes = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        quotes = next((mark for mark in _LONG_QUOTES if line.count(mark) % 2), "")
        if header := _SECTION_LINE.match(line.rstrip()):
            section = _plain(header[2])
            lines.setdefault(section, number)
            if header[1]:
                entries[section] = entries.get(section, -1) + 1
                section = f"{section}.{entries[section]}"
                lines.setdefault(section, number)
        elif value := _VALUE_LINE.match(line):
            key = _plain(value[1])
            lines.setdefault(aliases.key(f"{section}.{key}" if section else key), number)
    return lines


def _plain(key: str) -> str:
    """Return a key without blanks and quotes."""
    return ".".join(part.strip("\"'") for part in re.findall(_NAME, key))


def _toml(path: Path, expected: str) -> tuple[str, dict[str, Any]]:
    """Return the text and the content of a TOML file, or raise InputError with its error."""

    def refused(code: Code, row: int | None, found: str, expected: str) -> InputError:
        return InputError([Issue(code, str(path), row, "", found, expected)])

    try:
        if path.exists() and not path.is_file():
            raise refused(Code.UNREADABLE, None, "it is a folder, a device or a pipe", expected)
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a null byte raises ValueError
        if isinstance(error, FileNotFoundError):
            raise refused(Code.NO_FILE, None, "no such file", expected) from None
        found = getattr(error, "strerror", None) or str(error)
        raise refused(Code.UNREADABLE, None, found, "a readable scenario file") from None
    if len(raw) > MOST_BYTES:
        raise refused(Code.TOO_LARGE, None, f"more than {MOST_BYTES:,} bytes", expected)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        found = "text in UTF-16" if wide else f"a byte that is not UTF-8 (0x{raw[error.start]:02x})"
        row = None if wide else raw.count(b"\n", 0, error.start) + 1
        raise refused(Code.ENCODING, row, found, "a TOML file in UTF-8; save the file as UTF-8") from None
    try:
        return text, tomllib.loads(text)
    except RecursionError:
        raise refused(Code.NOT_TOML, None, "", TOO_DEEP) from None
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        lines = text.splitlines() or [""]
        place = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
        row = int(place[1]) if place else len(lines) if "end of document" in str(error) else None
        words = str(error).replace(place[0], f", line {place[1]}, column {place[2]}") if place else str(error)
        if not isinstance(error, tomllib.TOMLDecodeError):
            words = "a number has thousands of digits"
        found = lines[min(row, len(lines)) - 1].strip() if row else ""
        raise refused(Code.NOT_TOML, row, found, f"TOML ({words})") from None
