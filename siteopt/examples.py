"""The example data and scenarios, which come along with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from siteopt.codes import Code
from siteopt.faults import Failure
from siteopt.output.folder import failures, write_beside, write_folder

FOLDERS = ("data", "models")


def examples_root() -> Path:
    """Where ``data/`` and ``models/`` stand: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    return package / "examples" if (package / "examples").is_dir() else package.parent


def candidate_tables() -> list[str]:
    """The example tables of candidates, by their paths below the root."""
    return [f"data/{path.name}" for path in sorted((examples_root() / "data").glob("candidates_*.csv"))]


def copy_examples(folder: Path, more: Mapping[str, bytes]) -> list[Path]:
    """Copy the examples into a folder, with more files by their paths in it; all or nothing.

    Files that are there as they should be, from a copy that broke off, are no hindrance.

    Returns
    -------
    list of Path
        Every file of the copy.

    Raises
    ------
    Failure
        Where another file of the same name is there already, or the copy cannot be written; then nothing is.
    """
    root = examples_root()
    paths = [path for name in FOLDERS for path in sorted((root / name).iterdir()) if path.is_file()]
    files = {**{path.relative_to(root).as_posix(): path.read_bytes() for path in paths}, **more}
    with failures(folder):
        for name, content in files.items():
            if (folder / name).exists() and not ((folder / name).is_file() and (folder / name).read_bytes() == content):
                raise Failure(Code.NOT_A_RUN, f"{folder / name} is there already; nothing was written")
        write = write_beside if folder.exists() else write_folder
    write(folder, files)
    return [folder / name for name in files]
