"""The example data and scenarios, which come along with the package."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDERS = ("data", "models")


def examples_root() -> Path:
    """Where ``data/`` and ``models/`` stand: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    return package / "examples" if (package / "examples").is_dir() else package.parent


def candidate_tables() -> list[str]:
    """The example tables of candidates, by their paths below the root."""
    return [f"data/{path.name}" for path in sorted((examples_root() / "data").glob("candidates_*.csv"))]


def copy_examples(folder: Path, more: Mapping[str, bytes]) -> Iterator[Path]:
    """Copy the examples into a folder, with more files by their paths in it; yields every file that was written.

    Raises
    ------
    FileExistsError
        Where a file of the same name is there already; then nothing is written.
    """
    root = examples_root()
    files = [path.relative_to(root) for name in FOLDERS for path in sorted((root / name).iterdir()) if path.is_file()]
    for path in [*files, *map(Path, more)]:
        if (folder / path).exists():
            raise FileExistsError(f"{folder / path} is there already; nothing was written")
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, folder / path)
        yield folder / path
    for name, content in more.items():
        (folder / name).write_bytes(content)
        yield folder / name
