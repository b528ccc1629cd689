"""Write a run's folder whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from siteopt.log import note

MARKERS = ("plan.json", "pareto.json", "faults.geojson")
"""A folder that holds one of these files is a run, and may be replaced by the next one."""

DERIVED = ("charts", "siteopt.gpkg-wal", "siteopt.gpkg-shm", "faults.geojson", "faults.qml")
"""What goes when a run's files are replaced: charts, what SQLite has in flight, and faults that are mended since."""


def write_folder(target: Path, files: Mapping[str, str | bytes]) -> None:
    """Put the files into ``target``, which is replaced in one move.

    Other files that stand in the folder of an earlier run are kept, but for those DERIVED from it.

    Raises
    ------
    FileExistsError
        Where ``target`` is a file, or a folder with something in it that is not a run.
    """
    target = target.resolve()
    old = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"{target} is a file; --out names a folder")
    if old and not set(MARKERS) & set(old):
        raise FileExistsError(
            f"{target} holds files but no {' or '.join(MARKERS)}: not the folder of a run, so it is left alone"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh.chmod(0o755)
        for name, content in files.items():
            (fresh / name).write_bytes(content.encode() if isinstance(content, str) else content)
        retired = fresh.with_name(fresh.name + ".old")
        if target.exists():
            for name in set(old) - set(files) - set(DERIVED):
                kept = target / name
                if kept.is_dir():
                    shutil.copytree(kept, fresh / name)
                else:
                    shutil.copy2(kept, fresh / name)
            target.rename(retired)
        try:
            fresh.rename(target)
        except OSError:
            if retired.exists():
                retired.rename(target)
            raise
        shutil.rmtree(retired, ignore_errors=True)
        note("written", folder=str(target), files=list(files))
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_beside(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Put the files into a folder among what is there, each in one move once all of them are written."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".siteopt.", dir=folder) as fresh:
        for name, content in files.items():
            Path(fresh, name).write_bytes(content.encode() if isinstance(content, str) else content)
        for name in files:
            os.replace(Path(fresh, name), folder / name)
    note("written", folder=str(folder), files=list(files))
