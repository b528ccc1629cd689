"""Write outputs completely or not at all: if anything fails or the process dies, the earlier files are kept."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from siteopt.aliases import FILES
from siteopt.issues import NO_ROOM, Failure
from siteopt.log import note
from siteopt.message_catalogue import Code

if sys.platform != "win32":
    import fcntl

MARKERS = ("plan.json", "pareto.json", "issues.geojson")
"""A folder that holds one of these files, or one under its old name, counts as a run: the next run may replace it."""

GEOPACKAGE, PROJECT = "siteopt.gpkg", "siteopt.qgz"
"""Names of the map for QGIS: its layers, and the project that shows them."""

DERIVED = (
    "charts",
    "siteopt.gpkg-wal",
    "siteopt.gpkg-shm",
    "siteopt.gpkg-journal",
    "issues.geojson",
    "issues.qml",
    *FILES,
)
"""Names that are removed when a run's files are replaced: charts, SQLite's working files, issues of earlier input."""

HIDDEN = "siteopt-"
"""Part of the name of an unfinished folder: ``.NAME.siteopt-1a2b3c4d`` will become ``NAME``."""

OLD = ".old"
"""Suffix of a folder that was moved aside because two folders could not be exchanged in one step."""

ROOM_BYTES = 4 * 2**20
"""Less free space than this counts as a full disk; a small run takes half of it."""

TEMPORARY = Path("the folder for temporary files (TMPDIR)")

LOCK_SECONDS = 60.0
"""Longest wait for another process; writing is quick, so a process that holds the folder for longer is stuck."""

_SWAP_LINUX, _SWAP_MACOS, _HERE = 2, 2, -100
"""Values of RENAME_EXCHANGE, RENAME_SWAP and AT_FDCWD."""


def ready_folder(target: Path) -> None:
    """Check, before solving, that :func:`write_folder` can write the output folder, and remove leftovers of dead runs.

    Raises
    ------
    Failure
        In the same cases as :func:`write_folder`, and if there is no room for temporary files.
    """
    with failures(target):
        target = _real(target)
        home = next((folder for folder in target.parents if os.path.lexists(folder)), target)
        with _locked(home):
            _clean(home / target.name)
            _replaceable(target)
            trial = _hidden(home / target.name)
            try:
                # create missing parent folders as well, because their names may be invalid
                trial.joinpath(target.relative_to(home)).mkdir(parents=True)
                trial.joinpath(target.relative_to(home), "room").write_bytes(bytes(ROOM_BYTES))
            finally:
                shutil.rmtree(trial, ignore_errors=True)
    with failures(TEMPORARY), tempfile.TemporaryFile() as file:
        file.write(bytes(ROOM_BYTES))


def write_folder(target: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files into ``target`` in one step: a killed process leaves either the old or the new folder.

    Other files in the folder of an earlier run are kept, except those in DERIVED.

    Raises
    ------
    Failure
        If ``target`` is not a run, cannot be written or is in use, or the disk is full. ``target`` is then unchanged.
    """
    with failures(target):
        target = _real(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            _clean(target)
            old = _replaceable(target)
            fresh = _hidden(target)
            try:
                fresh.mkdir()
                _fill(fresh, files)
                dead = {path.name for path in _left(_inside(target))}
                for name in old - {Path(file).parts[0] for file in files} - set(DERIVED) - dead:
                    _keep(target / name, fresh / name)
                if target.exists():
                    shutil.copymode(target, fresh)
                _replace(target, fresh)
                note("written", folder=str(target), files=list(files))
            finally:
                _clean(target)


def write_beside(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Add the files to a folder that may hold others: once all are written, put each in place in one step.

    Raises
    ------
    Failure
        If the files cannot be written, or the disk is full. Then no file is new, and every older file is intact.
    """
    with failures(folder):
        folder = _real(folder)
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        new: list[Path] = []
        try:
            with _locked(folder):
                _clean(_inside(folder))
                fresh = _hidden(_inside(folder))
                try:
                    fresh.mkdir()
                    _fill(fresh, files)
                    for name in files:
                        place = folder / name
                        place.parent.mkdir(parents=True, exist_ok=True)
                        if not os.path.lexists(place):
                            new.append(place)
                        (fresh / name).replace(place)
                finally:
                    shutil.rmtree(fresh, ignore_errors=True)
        except BaseException:
            for place in new:
                place.unlink(missing_ok=True)
            if made:
                with suppress(OSError):
                    folder.rmdir()
            raise


@contextmanager
def undisturbed(target: Path) -> Iterator[None]:
    """Keep other processes from replacing the folder, and first restore it if its run died after moving it aside."""
    target = _real(target)
    with _locked(target.parent):
        with suppress(OSError):
            _recover(target)
        yield


@contextmanager
def failures(place: Path) -> Iterator[None]:
    """Turn an OSError into a Failure that names the place."""
    try:
        yield
    except OSError as error:
        words = error.strerror or str(error)
        if error.errno in NO_ROOM:
            raise Failure(Code.DISK_FULL, f"{place}: no room to write ({words}); nothing was changed") from error
        if sys.platform == "win32" and isinstance(error, PermissionError) and place.is_dir():
            raise Failure(Code.IN_USE, f"{place}: {words}; a file in it is open; nothing was changed") from error
        raise Failure(Code.NO_WRITING, f"{place}: cannot be written ({words}); nothing was changed") from error


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name}.{HIDDEN}{secrets.token_hex(4)}")


def _inside(folder: Path) -> Path:
    """Return a path in the folder; :func:`_hidden` puts unfinished files beside it, that is, into the folder."""
    return folder / folder.name


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder for one process at a time; the lock ends with its process, and leaves no file.

    If the system has no locks, go on: two runs at once may then make each other fail, but their files do not mix.
    """
    descriptor = None
    with suppress(OSError):  # Windows cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        if descriptor is not None:
            _lock(descriptor, folder)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    end = time.monotonic() + LOCK_SECONDS
    if sys.platform != "win32":
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    message = f"{folder}: another run has been writing here for {LOCK_SECONDS:g} s"
                    raise Failure(Code.BUSY, message) from None
                time.sleep(0.05)
            except OSError:  # a file system without locks
                return
            else:
                return


def _left(target: Path) -> list[Path]:
    """Return the hidden leftovers of dead runs beside a folder."""
    prefix = f".{target.name}.{HIDDEN}"
    try:
        return [path for path in target.parent.iterdir() if path.name.startswith(prefix)]
    except OSError:
        return []


def _recover(target: Path) -> None:
    """Restore a folder that was moved aside by a run that died."""
    aside = [path for path in _left(target) if path.name.endswith(OLD)]
    if aside and not os.path.lexists(target):
        max(aside, key=lambda path: path.stat().st_ctime).rename(target)


def _clean(target: Path) -> None:
    _recover(target)
    for path in _left(target):
        shutil.rmtree(path, ignore_errors=True)


def _replaceable(target: Path) -> set[str]:
    """Return the names in a folder (none if it does not exist); raise a Failure if it must not be replaced."""
    if not os.path.lexists(target):
        return set()
    if not target.is_dir():
        raise Failure(Code.NOT_A_RUN, f"{target} is a file; --out names a folder")
    old = {path.name for path in target.iterdir()}
    if old and not {FILES.get(name, name) for name in old} & set(MARKERS):
        raise Failure(
            Code.NOT_A_RUN,
            f"{target} holds files, but none of {', '.join(MARKERS)}: it is not the folder of a run, so nothing was "
            "changed; name another folder with --out",
        )
    if not os.access(target, os.W_OK):
        raise Failure(Code.NO_WRITING, f"{target} is read-only; nothing was changed")
    if os.path.ismount(target) or target == _real(Path()):
        what = "a disk of its own" if os.path.ismount(target) else "the folder you work in"
        raise Failure(Code.NO_WRITING, f"{target} is {what} and cannot be replaced; name a folder within it")
    if "siteopt.gpkg" in old:
        _free(target / "siteopt.gpkg")
    return old


def _free(geopackage: Path) -> None:
    """Raise a Failure if another program is saving edits into a GeoPackage; programs that only read it may go on."""
    try:
        with closing(sqlite3.connect(f"{geopackage.as_uri()}?mode=rw", uri=True, timeout=0)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise Failure(
                Code.IN_USE, f"{geopackage} is being edited by another program, such as QGIS; nothing was changed"
            ) from error
        # other errors mean that the file is damaged, and a damaged file may be replaced


def _fill(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files, and flush them to the disk before anything else happens."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())


def _keep(source: Path, place: Path) -> None:
    """Put the same file into the new folder, as a hard link if possible, because a copy could miss an edit."""
    if source.is_dir() and not source.is_symlink():
        place.mkdir()
        for path in source.iterdir():
            _keep(path, place / path.name)
        shutil.copystat(source, place)
        return
    try:
        os.link(source, place, follow_symlinks=False)
    except (OSError, NotImplementedError):  # not every file system has hard links
        shutil.copy2(source, place, follow_symlinks=False)


def _replace(target: Path, fresh: Path) -> None:
    """Replace the old folder by the new one; the old one keeps a hidden name until it is removed."""
    _flush(fresh)
    if not target.exists():
        fresh.rename(target)
    elif not _exchange(fresh, target):
        target.rename(fresh.with_name(fresh.name + OLD))
        fresh.rename(target)
    _flush(target.parent)


def _exchange(fresh: Path, target: Path) -> bool:
    """Exchange two folders in one step; return False if the system or the file system cannot."""
    one, other = os.fsencode(fresh), os.fsencode(target)
    try:
        system = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return system.renamex_np(one, other, _SWAP_MACOS) == 0
        return system.renameat2(_HERE, one, _HERE, other, _SWAP_LINUX) == 0
    except (AttributeError, TypeError, OSError):  # no such function, or Windows
        return False


def _flush(folder: Path) -> None:
    """Flush the names in a folder to the disk, if the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
