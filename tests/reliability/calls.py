"""The calls that writing makes to the system: each in turn fails, or is the last before the process dies."""

from __future__ import annotations

import errno
import io
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from siteopt.issues import Failure
from siteopt.output import folder
from siteopt.output.folder import HIDDEN, undisturbed, write_beside, write_folder
from siteopt.output.ownership import MANIFEST, signed
from tests.reliability.record import Record

OLD_PAGES, NEW_PAGES = ({name: signed(text).decode() for name in ("report.html", "map.svg")} for text in (b"a", b"b"))
OLD = {"plan.json": "{}\n", "orders.csv": "a\n", "siteopt.gpkg": "a", **OLD_PAGES}
NEW = {"plan.json": "[]\n", "orders.csv": "b\n", "siteopt.gpkg": "b", **NEW_PAGES}
KEPT = {"notes/mine.txt": "mine", "map.qgz": "map"}
ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO)

CALLS = (
    *((os, name) for name in ("mkdir", "open", "fsync", "link", "rename", "replace", "rmdir", "unlink", "chmod")),
    *((os, name) for name in ("scandir", "listdir", "utime")),
    (io, "open"),
    (folder, "_exchange"),
)


class Died(BaseException):
    """No code that clears away runs in a dead process: once it is raised, every further call raises it."""


def contents(place: Path) -> dict[str, str]:
    """The text of every file below a folder, by its path."""
    files = (path for path in place.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(place).as_posix(): path.read_text(encoding="utf-8") for path in files}


def leftovers(place: Path) -> list[Path]:
    """What unfinished writing left below a folder."""
    return [path for path in place.rglob("*") if f".{HIDDEN}" in path.name]


@contextmanager
def at_call(number: int, error: BaseException) -> Iterator[Callable[[], bool]]:
    """The call of this number, from 0, raises the error; yields whether it came so far."""
    count = itertools.count()
    reached = False

    def watched(call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*arguments: object, **options: object) -> object:
            nonlocal reached
            here = next(count)
            if here == number or (here > number and isinstance(error, Died)):
                reached = True
                raise error
            return call(*arguments, **options)

        return wrapper

    with ExitStack() as stack:
        for module, name in CALLS:
            stack.enter_context(patch.object(module, name, watched(getattr(module, name))))
        yield lambda: reached


def each_call(
    make: Callable[[Path], None], write: Callable[[Path], None], error: Callable[[], BaseException]
) -> Iterator[tuple[Path, BaseException | None]]:
    """Write once for each call that fails, into folders that are made anew; yields the folder, and what was raised."""
    for number in itertools.count():
        with tempfile.TemporaryDirectory() as place:
            target = Path(os.path.realpath(place)) / "run"
            make(target)
            raised: BaseException | None = None
            with at_call(number, error()) as reached:
                try:
                    write(target)
                except BaseException as caught:
                    raised = caught
            if not reached():
                return
            yield target, raised


@contextmanager
def steps(*, exchange: bool) -> Iterator[None]:
    """With the exchange of folders in one step, or as systems without it do."""
    with ExitStack() as stack:
        if not exchange:
            stack.enter_context(patch.object(folder, "_exchange", lambda fresh, target: False))
        yield


def earlier(target: Path) -> None:
    """A run with files of the user's."""
    write_folder(target, OLD)
    for name, text in KEPT.items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")


def put_new(target: Path) -> None:
    write_folder(target, NEW)


def put_beside(target: Path) -> None:
    write_beside(target, NEW_PAGES)


def deaths(*, exchange: bool) -> Iterator[Record]:
    """A death at each call: the folder is the old or the new one, and the next run clears away."""
    kind = "dead at each call of the writing" + ("" if exchange else ", where folders cannot be exchanged")
    with steps(exchange=exchange):
        for target, raised in each_call(earlier, put_new, Died):
            if not exchange:
                with undisturbed(target):
                    pass
            whole = target.is_dir() and contents(target) in (OLD | KEPT, NEW | KEPT)
            put_new(target)
            after = contents(target) == NEW | KEPT and not leftovers(target.parent)
            yield Record("killed", kind, 1, int(isinstance(raised, Died)), 0, int(not (whole and after)))


def errors() -> Iterator[Record]:
    """Each call fails with each error: a Failure and the old folder, or the new one."""
    for number in ERRORS:
        kind = f"{errno.errorcode[number]} at each call of the writing"
        for exchange in (True, False):
            with steps(exchange=exchange):
                for target, raised in each_call(earlier, put_new, lambda number=number: OSError(number, "")):
                    expected: Mapping[str, str] = NEW if raised is None else OLD
                    whole = contents(target) == {**expected, **KEPT}
                    put_new(target)
                    whole &= contents(target) == NEW | KEPT and not leftovers(target.parent)
                    clear = raised is None or isinstance(raised, Failure)
                    yield Record("the disk", kind, 1, int(clear), int(not clear), int(not whole))


def errors_beside() -> Iterator[Record]:
    """The same for a page or charts that are put among the files of a run: each file is the old or the new one."""
    for number in ERRORS:
        kind = f"{errno.errorcode[number]} at each call of writing a page"
        for target, raised in each_call(earlier, put_beside, lambda number=number: OSError(number, "")):
            both, found = OLD | KEPT | NEW_PAGES, contents(target)
            whole = found.keys() == both.keys() and all(found[name] in (both[name], OLD.get(name)) for name in both)
            put_beside(target)
            whole &= contents(target) == both and not leftovers(target)
            clear = raised is None or isinstance(raised, Failure)
            yield Record("the disk", kind, 1, int(clear), int(not clear), int(not whole))
