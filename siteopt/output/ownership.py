"""Tell the files that siteopt wrote from all others, by their content: only its own are replaced or removed.

A run's folder has a manifest with the SHA-256 of each file. A page or a chart may stand in any folder, so it carries
the SHA-256 of the rest of its content at its end.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import stat
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siteopt.aliases import FILES

MANIFEST = ".siteopt.json"
"""File in a run's folder that lists what siteopt wrote there."""
ABOUT = "siteopt wrote these files. A file that no longer has its SHA-256 is yours, and no run replaces it."

MARKERS = {
    "plan.json": "a run",
    "pareto.json": "a Pareto front",
    "capacity.json": "capacities",
    "issues.geojson": "a map of issues",
}
"""A folder in which siteopt wrote one of these files may be replaced; the first one says what the folder holds."""

WORKING = ("-wal", "-journal")
"""Endings of files in which SQLite keeps what is not yet in a GeoPackage; they go where it goes."""
SHARED = "-shm"
"""Ending of a file that SQLite makes again."""

EARLIER_CHARTS = re.compile(
    r"(map|site_plan|schedule|power|cooling|cost|crews|capacity_by_day|frequency|front)\.(png|svg)"
)
"""Charts by the names that earlier versions gave them; they wrote neither manifests nor digests."""
EARLIER_LAYERS = {
    *("sites", "chosen", "milestones", "areas", "deliveries", "depots", "issues", "faults"),
    *("land", "lakes", "borders", "layer_styles"),
}
"""Layers that earlier versions wrote into ``siteopt.gpkg``."""

_PNG = b"\x89PNG\r\n\x1a\n"
_END, _CHUNK, _LINE = 12, 84, 84
"""Bytes of the last chunk of a PNG, of the chunk with its digest, and of the lines with the digest of a text."""
_SQLITE = b"SQLite format 3\x00"
_CHANGING = ((18, 20), (24, 28), (92, 100))
"""Bytes of the header of a GeoPackage that change if a program only prepares to write: journal mode and counters."""


def signed(content: bytes) -> bytes:
    """Return a page or a chart with the digest of its content at its end, where no program shows it."""
    digest = hashlib.sha256(content).hexdigest().encode()
    if content.startswith(_PNG):
        chunk = b"tEXtsiteopt\x00" + digest
        whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return content[:-_END] + whole + content[-_END:]
    return content + b"\n<!-- siteopt: " + digest + b" -->\n"


def is_signed(content: bytes) -> bool:
    """Return whether the content is what :func:`signed` returned, without any change."""
    if content.startswith(_PNG):
        return signed(content[: -_END - _CHUNK] + content[-_END:]) == content
    return signed(content[:-_LINE]) == content


def fingerprint(content: bytes) -> str:
    """Return the SHA-256 of a file; of a GeoPackage without what changes if it is only opened."""
    if content.startswith(_SQLITE):
        masked = bytearray(content)
        for first, end in _CHANGING:
            masked[first:end] = bytes(end - first)
        content = bytes(masked)
    return hashlib.sha256(content).hexdigest()


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Return the manifest of a run's files."""
    digests = {name: fingerprint(content) for name, content in files.items()}
    return (json.dumps({"about": ABOUT, "files": digests}, indent=1) + "\n").encode()


@dataclass(frozen=True)
class Owned:
    """What siteopt wrote into a folder.

    Attributes
    ----------
    folder : Path
    files : dict or None
        SHA-256 of each file by its name; None if there is no manifest, as in a folder of an earlier version.
    """

    folder: Path
    files: Mapping[str, str] | None

    @classmethod
    def of(cls, folder: Path) -> Owned:
        """Return what siteopt wrote into a folder, which may hold anything."""
        found = _json(folder / MANIFEST).get("files")
        return cls(folder, found if isinstance(found, dict) else None)

    @property
    def kind(self) -> str | None:
        """Return the first of MARKERS that siteopt wrote; None if the folder holds none of them."""
        if self.files is not None:
            return next((name for name in MARKERS if name in self.files), None)
        names = {**{name: name for name in MARKERS}, **{old: new for old, new in FILES.items() if new in MARKERS}}
        return next((new for old, new in names.items() if _is_record(self.folder / old)), None)

    @property
    def is_earlier(self) -> bool:
        """Return whether an earlier version, which wrote no manifest, wrote the folder."""
        return self.files is None and self.kind is not None

    def holds(self, name: str) -> bool:
        """Return whether a file of the folder is as siteopt wrote it."""
        path = self.folder / name
        if not _is_file(path):
            return False
        content = path.read_bytes()
        if is_signed(content):
            return True
        if path.suffix == ".gpkg" and any(_size(path.with_name(path.name + ending)) for ending in WORKING):
            return False
        if self.files is not None:
            return self.files.get(name) == fingerprint(content)
        return self.is_earlier and (path.suffix != ".gpkg" or _layers(path) <= EARLIER_LAYERS)

    def holds_chart(self, name: str) -> bool:
        """Return whether ``charts/`` holds a file of this name as siteopt wrote it."""
        path = self.folder / "charts" / name
        if not _is_file(path):
            return False
        return is_signed(path.read_bytes()) or (self.is_earlier and EARLIER_CHARTS.fullmatch(name) is not None)


def may_replace(path: Path) -> bool:
    """Return whether siteopt wrote a page or a chart, so that ``report`` and ``plot`` may replace it."""
    if path.name == "report.html":
        return Owned.of(path.parent).holds(path.name)
    if path.parent.name == "charts":
        return Owned.of(path.parent.parent).holds_chart(path.name)
    return _is_file(path) and is_signed(path.read_bytes())


def what(path: Path) -> str:
    """Return what stands at a path that must not be replaced, in words."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "is a symbolic link"
    if stat.S_ISDIR(mode):
        return "is a folder"
    return "is not a page or chart of siteopt, or was changed since" if stat.S_ISREG(mode) else "is not a file"


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    return path.lstat().st_size if _is_file(path) else 0


def _json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; empty if there is none."""
    if not _is_file(path):
        return {}
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_record(path: Path) -> bool:
    """Return whether a file holds a record of siteopt, or issues as siteopt writes them."""
    found = _json(path)
    if path.suffix == ".json":
        return {"format_version", "siteopt_version"} <= found.keys()
    features = found.get("features")
    rows = [one.get("properties") if isinstance(one, dict) else None for one in features or ()]
    return isinstance(features, list) and all(
        isinstance(row, dict) and {"code", "found", "expected"} <= row.keys() for row in rows
    )


def _layers(geopackage: Path) -> frozenset[str]:
    """Return the names of the layers of a GeoPackage; an empty name stands for what cannot be read."""
    try:
        with closing(sqlite3.connect(f"{geopackage.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            return frozenset(name for (name,) in database.execute("SELECT table_name FROM gpkg_contents"))
    except sqlite3.Error:
        return frozenset([""])
