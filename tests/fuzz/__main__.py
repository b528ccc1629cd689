"""Try many inputs of every class, and count: ``python -m tests.fuzz --examples 10000`` (``make fuzz``)."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from siteopt.log import FOLDER
from tests.fuzz.harness import Verdict, tried
from tests.fuzz.inputs import CLASSES, Trial
from tests.reliability.record import Record, table

settings.register_profile(
    "fuzz",
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def records(examples: int, number: int = 0, keep: Path | None = None) -> list[Record]:
    """Try so many inputs, spread over the classes evenly.

    Parameters
    ----------
    number : int
        Seed: the same number tries the same inputs.
    keep : Path, optional
        Folder for the inputs that end badly, one of each kind of end.
    """
    settings.load_profile("fuzz")
    return [_record(key, strategy, max(1, examples // len(CLASSES)), number, keep) for key, strategy in CLASSES.items()]


def _record(
    key: tuple[str, str], strategy: st.SearchStrategy[Trial], examples: int, number: int, keep: Path | None
) -> Record:
    count: Counter[str] = Counter()
    ends: Counter[str] = Counter()

    @seed(number)
    @settings(max_examples=examples)
    @given(strategy)
    def one(trial: Trial) -> None:
        verdict = tried(trial)
        count.update(tried=1, clear=not verdict.problem, tracebacks=verdict.is_traceback, lost=verdict.is_lost)
        end = _kind_of(verdict)
        ends[end] += bool(end)
        if end and ends[end] == 1 and keep is not None:
            _keep(keep / f"{key[0]} {key[1]} {len(ends)}".replace(".", "").replace(" ", "-"), trial, verdict)

    one()
    for end, times in ends.items():
        if end:
            print(f"{key[0]}, {key[1]}: {times} x {end}", flush=True)
    return Record(*key, count["tried"], count["clear"], count["tracebacks"], count["lost"])


def _kind_of(verdict: Verdict) -> str:
    """The end in a few words, the same for all that end alike."""
    last = verdict.problem.strip().splitlines()[-1:]
    return re.sub(r"; the log is .*|\d+", "", last[0])[:160] if last else ""


def _keep(folder: Path, trial: Trial, verdict: Verdict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in trial.files.items():
        (folder / name).write_bytes(data)
    told = f"{list(trial.words)!r}\n{list(trial.settings)!r}\n{verdict.problem}\n"
    (folder / "verdict.txt").write_text(told, encoding="utf-8", errors="backslashreplace")


def main() -> None:
    """Print the table; exit code 1 where anything ended otherwise than clearly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that end badly")
    given = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as logs:
        os.environ[FOLDER] = logs
        found = records(given.examples, given.seed, given.keep and given.keep.resolve())
    print(table(found))
    print(f"{time.monotonic() - begin:.0f} s, seed {given.seed}")
    raise SystemExit(any(record.clear < record.tried for record in found))


if __name__ == "__main__":
    main()
