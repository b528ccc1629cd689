"""Write outputs completely or not at all: if anything fails or the process dies, the earlier files are kept."""

from __future__ import annotations

import ctypes
import itertools
import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from siteopt.aliases import FILES
from siteopt.issues import NO_ROOM, Failure
from siteopt.log import note
from siteopt.message_catalogue import Code
from siteopt.output.ownership import MANIFEST, MARKERS, SHARED, WORKING, Owned, manifest, may_replace, what

if sys.platform != "win32":
    import fcntl

GEOPACKAGE, PROJECT = "siteopt.gpkg", "siteopt.qgz"
"""Names of the map for QGIS: its layers, and the project that shows them."""

ISSUES = ("issues.geojson", "issues.qml", *FILES)
"""Files of a map of issues, which a run in the same folder removes."""

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


def ready_folder(named: Path, marker: str) -> None:
    """Check, before solving, that :func:`write_folder` can write the output folder, and remove leftovers of dead runs.

    Parameters
    ----------
    named : Path
        The folder, as the user named it.
    marker : str
        The one of MARKERS that the run will write.

    Raises
    ------
    Failure
        In the same cases as :func:`write_folder`, and if there is no room for temporary files.
    """
    with failures(named):
        target = _real(named)
        home = next((folder for folder in target.parents if os.path.lexists(folder)), target)
        with _locked(home):
            _clean(home / target.name)
            _replaceable(named, marker)
            trial = _hidden(home / target.name)
            try:
                # create missing parent folders as well, because their names may be invalid
                trial.joinpath(target.relative_to(home)).mkdir(parents=True)
                trial.joinpath(target.relative_to(home), "room").write_bytes(bytes(ROOM_BYTES))
            finally:
                shutil.rmtree(trial, ignore_errors=True)
    with failures(TEMPORARY), tempfile.TemporaryFile() as file:
        file.write(bytes(ROOM_BYTES))


def write_folder(named: Path, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """Write the files into a folder in one step: a killed process leaves either the old or the new folder.

    Of an earlier run in the folder, exactly the files are replaced that are still as siteopt wrote them.

    Returns
    -------
    dict of str to str
        New names of files that are not as siteopt wrote them, by their old ones, which the new run needs.

    Raises
    ------
    Failure
        If the folder is not a run, cannot be written or is in use, or the disk is full. It is then unchanged.
    """
    content = _encoded(files)
    marker = next((name for name in MARKERS if name in content), None)
    if marker is not None:
        content[MANIFEST] = manifest(content)
    with failures(named):
        target = _real(named)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            _clean(target)
            _replaceable(named, marker)
            fresh = _hidden(target)
            renamed: dict[str, str] = {}
            try:
                fresh.mkdir()
                _fill(fresh, content)
                if target.exists():
                    renamed = _keep_others(target, fresh, content)
                    shutil.copymode(target, fresh)
                _replace(target, fresh)
                note("written", folder=str(target), files=list(files), renamed=renamed)
            finally:
                _clean(target)
    return renamed


def write_beside(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Add the files to a folder that may hold others: once all are written, put each in place in one step.

    Raises
    ------
    Failure
        If a file would replace one that siteopt did not write, the files cannot be written, or the disk is full. Then
        no file is new, and every older file is intact.
    """
    content = _encoded(files)
    with failures(folder):
        folder = _real(folder)
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        new: list[Path] = []
        try:
            with _locked(folder):
                _clean(_inside(folder))
                for place in (folder / name for name in content):
                    if os.path.lexists(place) and not may_replace(place):
                        message = f"{place} {what(place)}, so nothing was changed; name another place with --out"
                        raise Failure(Code.NOT_OURS, message)
                fresh = _hidden(_inside(folder))
                try:
                    fresh.mkdir()
                    _fill(fresh, content)
                    for name in content:
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


def _replaceable(named: Path, marker: str | None) -> None:
    """Raise a Failure if a folder must not be replaced by one with this marker."""
    target = _real(named)
    if not os.path.lexists(target):
        return
    is_clear = named == target or (named.name and ".." not in named.parts)
    shown = f"{named}" if is_clear else f"{named} ({target})"
    if not target.is_dir():
        raise Failure(Code.NOT_A_RUN, f"{shown} is a file; --out names a folder")
    kind = Owned.of(target).kind
    if kind is None and any(target.iterdir()):
        raise Failure(
            Code.NOT_A_RUN,
            f"{shown} holds files, but siteopt wrote no {', '.join(MARKERS)} there: it is not the folder of a run, so "
            "nothing was changed; name another folder with --out",
        )
    if kind not in (None, marker, ISSUES[0]):
        raise Failure(
            Code.NOT_A_RUN,
            f"{shown} holds {MARKERS[str(kind)]}, which {MARKERS.get(str(marker), 'a copy')} must not replace, so "
            "nothing was changed; name another folder with --out",
        )
    if not os.access(target, os.W_OK):
        raise Failure(Code.NO_WRITING, f"{shown} is read-only; nothing was changed")
    if os.path.ismount(target) or target == _real(Path()):
        place = "a disk of its own" if os.path.ismount(target) else "the folder you work in"
        raise Failure(Code.NO_WRITING, f"{shown} is {place} and cannot be replaced; name a folder within it")
    if (target / GEOPACKAGE).is_file():
        _free(target / GEOPACKAGE)


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


def _keep_others(target: Path, fresh: Path, files: Container[str]) -> dict[str, str]:
    """Put everything that siteopt did not write into the new folder; return the new names of what has other names.

    What siteopt wrote stays behind if the new run writes it, if the manifest lists it, or if it shows old issues.
    """
    owned, renamed = Owned.of(target), {}
    old = {path.name for path in target.iterdir()} - {path.name for path in _left(_inside(target))}
    working = {GEOPACKAGE + ending for ending in (*WORKING, SHARED)}
    for name in sorted(old - working):
        path = target / name
        if name == "charts" and path.is_dir() and not path.is_symlink():
            for chart in path.iterdir():
                if not owned.holds_chart(chart.name):
                    (fresh / name).mkdir(exist_ok=True)
                    _keep(chart, fresh / name / chart.name)
        elif name == MANIFEST and owned.files is not None:
            continue
        elif name in files and not owned.holds(name):
            renamed[name] = _other_name(name, old)
            _keep_with_working(path, fresh / renamed[name])
        elif name not in files and not (name in (owned.files or ISSUES) and owned.holds(name)):
            _keep_with_working(path, fresh / name)
    return renamed


def _keep_with_working(source: Path, place: Path) -> None:
    """Put a file into the new folder, and with ``siteopt.gpkg`` what SQLite has not yet written into it."""
    _keep(source, place)
    for ending in WORKING if source.name == GEOPACKAGE else ():
        if os.path.lexists(more := source.with_name(source.name + ending)):
            _keep(more, place.with_name(place.name + ending))


def _other_name(name: str, taken: Container[str]) -> str:
    """Return a name under which a file of the user is kept beside the one of siteopt."""
    one = Path(name)
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    return next(new for number in numbers if (new := f"{one.stem}-yours{number}{one.suffix}") not in taken)


def _encoded(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Return the content of files as bytes."""
    return {name: one.encode() if isinstance(one, str) else one for name, one in files.items()}


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, and flush them to the disk before anything else happens."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
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
