"""Write outputs whole or not at all: whatever fails, and whenever the process dies, what was there before is there."""

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

from siteopt.codes import Code
from siteopt.faults import NO_ROOM, Failure
from siteopt.log import note

if sys.platform != "win32":
    import fcntl

MARKERS = ("plan.json", "pareto.json", "faults.geojson")
"""A folder that holds one of these files is a run, and may be replaced by the next one."""

DERIVED = ("charts", "siteopt.gpkg-wal", "siteopt.gpkg-shm", "siteopt.gpkg-journal", "faults.geojson", "faults.qml")
"""What goes when a run's files are replaced: charts, what SQLite has in flight, and faults that are mended since."""

HIDDEN = "siteopt-"
"""What the name of an unfinished folder holds: ``.NAME.siteopt-1a2b3c4d`` is on its way to be ``NAME``."""

OLD = ".old"
"""Behind the name of a folder that stood aside, where two folders cannot be exchanged in one step."""

ROOM_BYTES = 4 * 2**20
"""Less room than this is none: a small run takes half of it."""

TEMPORARY = Path("the folder for temporary files (TMPDIR)")

LOCK_SECONDS = 60.0
"""Writing takes a moment; whoever holds the folder longer does not let go."""

_SWAP_LINUX, _SWAP_MACOS, _HERE = 2, 2, -100
"""RENAME_EXCHANGE, RENAME_SWAP and AT_FDCWD."""


def ready_folder(target: Path) -> None:
    """Find out before the work whether :func:`write_folder` could write now, and clear away what dead runs left.

    Raises
    ------
    Failure
        As of :func:`write_folder`; also where there is no room for temporary files.
    """
    with failures(target):
        target = _real(target)
        home = next((folder for folder in target.parents if os.path.lexists(folder)), target)
        with _locked(home):
            _clean(home / target.name)
            _replaceable(target)
            trial = _hidden(home / target.name)
            try:
                # the folders that are missing, too: their names may be impossible
                trial.joinpath(target.relative_to(home)).mkdir(parents=True)
                trial.joinpath(target.relative_to(home), "room").write_bytes(bytes(ROOM_BYTES))
            finally:
                shutil.rmtree(trial, ignore_errors=True)
    with failures(TEMPORARY), tempfile.TemporaryFile() as file:
        file.write(bytes(ROOM_BYTES))


def write_folder(target: Path, files: Mapping[str, str | bytes]) -> None:
    """Put the files into ``target``, which is replaced in one step: killed at any moment, it is the old or the new.

    Other files that stand in the folder of an earlier run are kept, but for those DERIVED from it.

    Raises
    ------
    Failure
        Where ``target`` is not a run, cannot be written or is in use, or the disk is full; then it is as it was.
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
    """Put the files into a folder among what is there, each in one step once all of them are written.

    Raises
    ------
    Failure
        Where they cannot be written, or the disk is full; then no file is new, and each of the others is whole.
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
    """Nobody replaces the folder meanwhile, and one that stood aside when its run died is put back."""
    target = _real(target)
    with _locked(target.parent):
        with suppress(OSError):
            _recover(target)
        yield


@contextmanager
def failures(place: Path) -> Iterator[None]:
    """An error of the system becomes a Failure that names the place."""
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
    """Beside what the unfinished files stand that are put into a folder."""
    return folder / folder.name


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; the lock dies with its process, and leaves no file.

    Where there are no locks it goes on: two runs at once may then fail each other, and still do not mix.
    """
    descriptor = None
    with suppress(OSError):  # Windows opens no folder
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
    """What dead runs left beside a folder."""
    prefix = f".{target.name}.{HIDDEN}"
    try:
        return [path for path in target.parent.iterdir() if path.name.startswith(prefix)]
    except OSError:
        return []


def _recover(target: Path) -> None:
    """Put the folder back that stood aside when its run died."""
    aside = [path for path in _left(target) if path.name.endswith(OLD)]
    if aside and not os.path.lexists(target):
        max(aside, key=lambda path: path.stat().st_ctime).rename(target)


def _clean(target: Path) -> None:
    _recover(target)
    for path in _left(target):
        shutil.rmtree(path, ignore_errors=True)


def _replaceable(target: Path) -> set[str]:
    """The names in a folder that may be replaced; none where there is no folder yet."""
    if not os.path.lexists(target):
        return set()
    if not target.is_dir():
        raise Failure(Code.NOT_A_RUN, f"{target} is a file; --out names a folder")
    old = {path.name for path in target.iterdir()}
    if old and not old & set(MARKERS):
        raise Failure(
            Code.NOT_A_RUN,
            f"{target} holds files but no {' or '.join(MARKERS)}: not the folder of a run, so it is left alone",
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
    """Nobody is saving edits into a GeoPackage; whoever only looks at it does not matter."""
    try:
        with closing(sqlite3.connect(f"{geopackage.as_uri()}?mode=rw", uri=True, timeout=0)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise Failure(
                Code.IN_USE, f"{geopackage} is being edited by another program, such as QGIS; nothing was changed"
            ) from error
        # a damaged one is no reason to keep it


def _fill(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files, and have them on the disk before anything else is."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())


def _keep(source: Path, place: Path) -> None:
    """The same file in the new folder: another name for it, which is no second copy that could miss an edit."""
    if source.is_dir() and not source.is_symlink():
        place.mkdir()
        for path in source.iterdir():
            _keep(path, place / path.name)
        shutil.copystat(source, place)
        return
    try:
        os.link(source, place, follow_symlinks=False)
    except (OSError, NotImplementedError):  # not every file system has them
        shutil.copy2(source, place, follow_symlinks=False)


def _replace(target: Path, fresh: Path) -> None:
    """The new folder at the place of the old one, which keeps a hidden name until it is removed."""
    _flush(fresh)
    if not target.exists():
        fresh.rename(target)
    elif not _exchange(fresh, target):
        target.rename(fresh.with_name(fresh.name + OLD))
        fresh.rename(target)
    _flush(target.parent)


def _exchange(fresh: Path, target: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system does not."""
    one, other = os.fsencode(fresh), os.fsencode(target)
    try:
        system = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return system.renamex_np(one, other, _SWAP_MACOS) == 0
        return system.renameat2(_HERE, one, _HERE, other, _SWAP_LINUX) == 0
    except (AttributeError, TypeError, OSError):  # no such function, or Windows
        return False


def _flush(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
