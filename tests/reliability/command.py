"""The real command line in a process of its own, and what is in a folder of outputs."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from siteopt.output.ownership import MANIFEST

ROOT = Path(__file__).parents[2]
FRUGAL = ROOT / "models" / "frugal.toml"

_BEGIN = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
"""As from the shell; a shell that starts a job behind "&" has Ctrl-C ignored."""

START = [sys.executable, "-c", f"{_BEGIN}from siteopt.__main__ import main; main()"]
UNREADY = [
    *(sys.executable, "-c"),
    f"{_BEGIN}from siteopt import cli; cli.ready_folder = lambda *place: None; cli.app()",
]
"""The command without its first look at the folder: as if the trouble came while it worked."""

_SECONDS = re.compile(rb'("seconds": )[0-9.e-]+|("seconds_by_step": )\{[^}]*\}')
_PAGE_SECONDS = re.compile(rb"\d+(?:\.\d+)?(?=</td)|\d+(?:\.\d+)? s\b|<!-- siteopt: \w+ -->")
"""Times that a page shows, and its digest, which depends on them; with the times goes every other number of a table,
whose source is in the other files."""


@dataclass(frozen=True)
class Ended:
    """What a command left when it ended.

    Attributes
    ----------
    code : int
    out, err : str
    """

    code: int
    out: str
    err: str

    @property
    def traceback(self) -> bool:
        return "Traceback" in self.err

    def says(self, number: str) -> bool:
        """One line, that ends in this number of an error, and the code that is documented for it."""
        lines = [line for line in self.err.splitlines() if not re.search(": read as |^warning: ", line)]
        return self.code == 2 and len(lines) == 1 and lines[0].endswith(f"[{number}]")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "", **more}


def command(*arguments: object, start: Sequence[str] = START, cwd: Path | None = None, **more: str) -> Ended:
    """Run it to its end."""
    ran = subprocess.run(
        [*start, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return Ended(ran.returncode, ran.stdout, ran.stderr)


def digest(folder: Path) -> dict[str, str]:
    """The files of a folder, but for the seconds that a run took, and for the digests of files that hold them."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            content = path.read_bytes()
            if path.name in ("plan.json", "pareto.json"):
                content = _SECONDS.sub(b"", content)
            elif path.suffix == ".html":
                content = _PAGE_SECONDS.sub(b"", content)
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
    return found
