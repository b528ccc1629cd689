"""Find and copy the example data and scenarios, which are part of the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from siteopt.issues import Failure
from siteopt.message_catalogue import Code
from siteopt.output.folder import failures, write_beside, write_folder

FOLDERS = ("data", "models")


def examples_root() -> Path:
    """Return the folder of ``data/`` and ``models/``: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    return package / "examples" if (package / "examples").is_dir() else package.parent


def example(name: str) -> Path:
    """Return the path of an example scenario, or of parameters to extend.

    >>> example("frugal").name
    'frugal.toml'

    Parameters
    ----------
    name : str
        ``colossus``, ``korea``, ``frugal`` or ``today``; for parameters such as ``parameters/us``.

    Raises
    ------
    ValueError
        If there is no example with this name.
    """
    path = examples_root() / "models" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in path.parent.glob("*.toml")))
        raise ValueError(f"there is no example {name!r}; the examples are {known}")
    return path


def candidate_tables() -> list[str]:
    """Return the example tables of candidates, as paths relative to :func:`examples_root`."""
    return [f"data/{path.name}" for path in sorted((examples_root() / "data").glob("candidates_*.csv"))]


def copy_examples(folder: Path, more: Mapping[str, bytes]) -> list[Path]:
    """Copy all examples into a folder, or none if one fails.

    Files that already have the right content, for example after an interrupted copy, are kept.

    Parameters
    ----------
    folder : Path
        Folder of the copy; it may exist already.
    more : mapping
        Content of additional files by their paths in the folder.

    Returns
    -------
    list of Path
        Paths of all files of the copy.

    Raises
    ------
    Failure
        If a file with the same name and other content exists, or the copy cannot be written; nothing is then written.
    """
    root = examples_root()
    paths = [path for name in FOLDERS for path in sorted((root / name).rglob("*")) if path.is_file()]
    files = {**{path.relative_to(root).as_posix(): path.read_bytes() for path in paths}, **more}
    with failures(folder):
        there = {name: folder / name for name in files if os.path.lexists(folder / name)}
        for name, path in there.items():
            if not (path.is_file() and path.read_bytes() == files[name]):
                raise Failure(Code.NOT_A_RUN, f"{path} already exists; nothing was written")
        is_new = not folder.exists()
    if is_new:
        write_folder(folder, files)
    else:
        write_beside(folder, {name: content for name, content in files.items() if name not in there})
    return [folder / name for name in files]
