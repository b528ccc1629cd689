"""Runs of earlier versions, stored as archives."""

from __future__ import annotations

import tarfile
from pathlib import Path

STORED = Path(__file__).parent / "stored"
"""Archives of runs, as siteopt 0.1 wrote them: the JSON of the folder of a run, and of the one of its front."""


def unpack(name: str, folder: Path) -> Path:
    """Write the files of a stored run below a folder, and return the folder of the run."""
    with tarfile.open(STORED / f"{name}.tar.xz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            path = folder / member.name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content.read())
    return folder / name
