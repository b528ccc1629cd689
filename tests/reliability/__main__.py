"""``python -m tests.reliability``: make happen what can happen to the outputs, and write down what came of it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from siteopt.log import FOLDER
from tests.reliability.bad_inputs import bad_inputs
from tests.reliability.calls import errors, errors_beside
from tests.reliability.command import ROOT
from tests.reliability.disk import disk, skipped
from tests.reliability.edited_plans import edited_plans
from tests.reliability.huge import huge
from tests.reliability.interrupts import interrupts
from tests.reliability.kills import kills
from tests.reliability.limits import engines, memory
from tests.reliability.owners import owners
from tests.reliability.record import Record, table

DOCUMENT = ROOT / "docs" / "reliability.md"

TEXT = """# Reliability
No input may end in a traceback. Nothing that happens to a run may damage earlier outputs, and a run that ends early
says so in one line. `{command}` makes all of this happen and writes this page; nothing here is written by hand.

{table}

*Ended well or in a clear message*: the input was read, or every line of the message names a place and an error number.
The run wrote its outputs, or ended with one line on standard error that ends in an error number, and with the exit code
that the guide gives. A killed run prints nothing. The broken files of the corpus (`tests/broken/`) get exactly the
message that is stored beside them. The spoilt inputs (`tests/fuzz/`) and edited runs start from valid ones, and some
stay valid.
*Tracebacks* also counts errors in siteopt itself (E901). *Outputs lost*: an input was changed; or afterwards the folder
held neither the whole earlier run nor the whole new one, files of the user were missing, or a further run left
something unfinished behind. Folders are compared byte by byte, except for the seconds that a run took.

{skipped}

Measured on {date}: {machine}, in {minutes:.0f} minutes.
"""


def main() -> int:
    """Run every source, print and write the table; 1 where anything was lost or unclear."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--inputs", type=int, default=5000, help="inputs that are spoilt at random")
    parser.add_argument("--plans", type=int, default=500, help="edits of the files of a run")
    parser.add_argument("--kills", type=int, default=200, help="runs that are killed")
    parser.add_argument("--interrupts", type=int, default=5, help="runs for each way to press Ctrl-C")
    parser.add_argument("--pairs", type=int, default=10, help="pairs of runs at once")
    chosen = parser.parse_args()
    sources: list[Callable[[], Iterable[Record]]] = [
        lambda: bad_inputs(chosen.inputs),
        lambda: edited_plans(chosen.plans),
        huge,
        lambda: kills(chosen.kills),
        lambda: interrupts(chosen.interrupts),
        errors,
        errors_beside,
        lambda: disk(chosen.pairs),
        memory,
        engines,
        owners,
    ]
    begun = time.monotonic()
    records = []
    with tempfile.TemporaryDirectory() as logs:
        os.environ[FOLDER] = logs
        for record in (one for source in sources for one in source()):
            records.append(record)
            if record.lost or record.tracebacks or record.clear < record.tried:
                print(record, file=sys.stderr)
    found = table(records)
    print(found)
    left_out = skipped()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    DOCUMENT.write_text(
        TEXT.format(
            command=" ".join(["python -m tests.reliability", *sys.argv[1:]]),
            table=found,
            skipped=f"Not tried on this machine: {'; '.join(left_out)}." if left_out else "Every case was tried.",
            date=datetime.now(UTC).date().isoformat(),
            machine=machine,
            minutes=(time.monotonic() - begun) / 60,
        ),
        encoding="utf-8",
    )
    return int(any(one.lost or one.tracebacks or one.clear < one.tried for one in records))


if __name__ == "__main__":
    raise SystemExit(main())
