"""Too little memory, and chart engines that fail: the answer comes with all else, or one line says why not."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.reliability.calls import leftovers
from tests.reliability.command import START, Ended, command, digest
from tests.reliability.disk import earlier
from tests.reliability.record import Record
from tests.worlds import write_world

LADDER_MB = (150, 500, 1000, 2000, 2500, 3000, 3500, 4000, 16000)
"""Limits of the address space; with the last ones everything works but the chart engine."""
LIBRARIES = [sys.executable, "-c", "import numpy, pandas, geopandas, highspy, pyarrow, pydantic, typer"]

ENGINES = {
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "aborts": "import os; os.abort()",
    "ends with an exit code": "raise SystemExit(7)",
    "hangs": "import time; time.sleep(600)",
    "answers nonsense": "print('nonsense')",
    "answers nothing": "",
    "answers too little": "print('[]')",
    "answers with other texts": "import sys; n = len(sys.stdin.readlines()); print([''] * n)",
    "floods its output": "import sys; sys.stdout.write('[' * 5_000_000)",
    "does not read": "import os; os.close(0); print('[]')",
}
REPLACED = (
    "import sys, pathlib; from siteopt.output.charts import drawing; drawing.SECONDS = 3.0;"
    "drawing.ENGINE = pathlib.Path(sys.argv.pop(1)); from siteopt.__main__ import main; main()"
)
"""The command with another chart engine, which comes before its arguments."""


def memory() -> Iterator[Record]:
    """A run under each limit of the address space, into a folder that holds an earlier one."""
    if sys.platform == "win32" or sys.platform == "darwin":
        return
    with tempfile.TemporaryDirectory() as name:
        scenario, target = write_world(Path(name) / "world"), Path(name) / "runs" / "run"
        before = earlier(scenario, target)
        command("solve", scenario, "--out", target, "--quiet")
        whole = digest(target)
        for megabytes in LADDER_MB:
            earlier(scenario, target)
            limited = ["/bin/sh", "-c", f'ulimit -v {megabytes * 1000}; exec "$@"', "sh"]
            ended = command("solve", scenario, "--out", target, start=[*limited, *START])
            lost = not _is_sound(target, before, whole, ended) or bool(leftovers(target.parent))
            clear = _without_charts(ended) or any(ended.says(number) for number in ("E502", "E503"))
            kind = "too little address space"
            if not clear and command(start=[*limited, *LIBRARIES]).code:
                kind, clear = "too little address space for the libraries themselves: only the outputs count", True
            yield Record("the memory", kind, 1, int(clear), int(ended.traceback), int(lost))


def engines() -> Iterator[Record]:
    """A run, a page and pictures with each chart engine that fails."""
    with tempfile.TemporaryDirectory() as name:
        scenario, target = write_world(Path(name) / "world"), Path(name) / "runs" / "run"
        command("solve", scenario, "--out", target, "--quiet")
        whole = digest(target)
        for kind, source in ENGINES.items():
            before = earlier(scenario, target)
            engine = Path(name) / "engine.py"
            engine.write_text(source, encoding="utf-8")
            start = [sys.executable, "-c", REPLACED, str(engine)]
            ended = command("plot", target, start=start)
            lost = digest(target) != before
            clear = ended.says("E406")
            yield Record("the charts", f"the engine {kind}", 1, int(clear), int(ended.traceback), int(lost))
            for verb in ("solve", "report"):
                arguments = ["solve", scenario, "--out", target] if verb == "solve" else ["report", target]
                ended = command(*arguments, start=start)
                clear = _without_charts(ended) if verb == "solve" else ended.err.endswith("[W406]\n") and not ended.code
                lost = not _is_sound(target, {}, whole, ended) or bool(leftovers(target.parent))
                yield Record("the charts", f"the engine {kind}", 1, int(clear), int(ended.traceback), int(lost))


def _without_charts(ended: Ended) -> bool:
    """The answer, and one line that says that the page has no charts."""
    return (
        ended.code == 0 and "small: proven" in ended.out and ended.err.count("\n") == ended.err.count("[W406]\n") == 1
    )


def _is_sound(target: Path, before: dict[str, str], whole: dict[str, str], ended: Ended) -> bool:
    """The earlier run, or the whole new one, with a page that has no charts."""
    found = digest(target)
    if ended.code:
        return found == before
    page = (target / "report.html").read_text(encoding="utf-8")
    others = {name for name in whole if name != "report.html"}
    is_whole = found.keys() == whole.keys() and all(found[name] == whole[name] for name in others)
    return is_whole and "could not be drawn" in page and "<svg" not in page
