"""``python -m tests.bench``: measure siteopt at growing sizes, and against its peers at the small ones."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import ROOT, optional
from tests.bench.report import (
    Record,
    command_table,
    disagreements,
    machine,
    peers_table,
    plot,
    sizes_table,
    write_blocks,
)

LAYERS = {"GeoParquet": "parquet", "CSV": "csv"}

PEERS = ("one MILP, HiGHS", "one MILP, CBC", "CP-SAT", "every site, no bounds")
"""As in ``peers.py``, which is not imported: this process stays small, or its children inherit its peak."""

GRACE_SECONDS = 300.0
"""What a peer gets beyond its limit, to read its input and to end by itself, before it is ended."""


def fresh(folder: str, module: str, *arguments: object, seconds: float | None = None) -> tuple[int, str]:
    """Run a module of the benchmark in a process of its own, temporary files in a folder.

    Returns
    -------
    int, str
        Exit code, and what it printed.

    Raises
    ------
    TimeoutExpired
        After so many seconds; then neither it nor a solver that it started is left.
    """
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    environment = {**os.environ, "TMPDIR": folder}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            printed, _ = process.communicate(timeout=seconds)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, printed


def printed_by(folder: str, module: str, *arguments: object) -> str:
    """What a module prints that must not fail."""
    code, printed = fresh(folder, module, *arguments)
    if code:
        raise SystemExit(f"tests.bench.{module} ended with code {code}")
    return printed


def measured(sites: int, layer: str) -> Record:
    """The search at a size, from a layer, and the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        printed_by(folder, "candidates", sites, folder, LAYERS[layer])
        scenario = Path(folder) / f"sites-{LAYERS[layer]}.toml"
        searched, command = (json.loads(printed_by(folder, module, scenario)) for module in ("measure", "command"))
    record = {"sites": sites, "layer": layer, **searched, "command": command}
    told = f"{record['outcome']}, {record['total']:.1f} s; the command takes {command['wall']:.1f} s"
    progress(f"{sites:,} sites from {layer}: {told}")
    return record


def compared(search: Record, seconds: float) -> list[Record]:
    """The search and its peers at a size."""
    own = {name: search[name] for name in ("sites", "ended", "site", "days", "cost_musd")}
    records = [{"peer": "search", "seconds": search["search"], **own}]
    with tempfile.TemporaryDirectory() as folder:
        printed_by(folder, "candidates", search["sites"], folder)
        for peer in PEERS:
            answer = asked(peer, folder, seconds)
            records.append({"sites": search["sites"], "peer": peer, **answer})
            progress(f"{search['sites']:,} sites, {peer}: {answer}")
    return records


def asked(peer: str, folder: str, seconds: float) -> Record:
    """A peer's answer; ``issue`` where it is one of the benchmark, such as a plan that breaks a row."""
    nothing = {"ended": False, "seconds": seconds, "site": None, "days": [], "cost_musd": None}
    begun = time.monotonic()
    try:
        scenario = Path(folder) / "sites-parquet.toml"
        code, printed = fresh(folder, "peers", peer, scenario, seconds, seconds=seconds + GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return nothing
    if code:  # negative: killed by a signal, as where memory runs out
        return nothing | {"seconds": time.monotonic() - begun, "broke_off": True, "error": code > 0}
    return json.loads(printed)


def progress(line: str) -> None:
    """Say on standard error how far it is."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, and write the document and the plot beside it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--sizes", default="10,50,200,1000,10000,100000,1000000", help="numbers of sites, rising")
    parser.add_argument("--peers-up-to", type=int, default=200, metavar="SITES", help="largest size for the peers")
    parser.add_argument("--peer-seconds", type=float, default=600.0, help="time limit of each peer at each size")
    parser.add_argument(
        "--only-sizes", action="store_true", help="leave the tables of the peers and replays as they are"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.md", help="document with the blocks")
    options = parser.parse_args()
    for name in ("matplotlib", "ortools"):  # now, and not after hours
        optional(name)
    sizes: list[Record] = []
    peers: list[Record] = []
    numbers = sorted({int(number) for number in options.sizes.split(",")})
    for sites, layer in [*((number, "GeoParquet") for number in numbers), (numbers[-1], "CSV")]:
        sizes.append(measured(sites, layer))
    picture = options.out.with_suffix(".svg")
    blocks = {
        "machine": machine(),
        "sizes": f"{sizes_table(sizes)}\n\n![Seconds against sites]({picture.name})\n\n{command_table(sizes)}",
    }
    if not options.only_sizes:
        from tests.bench.replays import table  # it is large, and this process stays small

        for search in sizes:
            if search["layer"] == "GeoParquet" and search["sites"] <= options.peers_up_to:
                peers += compared(search, options.peer_seconds)
        blocks |= {"peers": f"{peers_table(peers, options.peer_seconds)}\n\n{machine()}", "replays": table()}
    print("\n\n".join(blocks.values()))
    plot(sizes, picture)
    write_blocks(options.out, blocks)
    if wrong := disagreements(peers):
        raise SystemExit("at fault, or not the answer of the search: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
