"""Tables in Markdown, blocks of a document, and the plot."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import optional

Record = dict[str, Any]

STEPS = {"read": "read and check", "instance": "instance", "bounds": "bounds", "search": "search", "total": "total"}
"""Steps that are timed, and what they are called."""

AGREE_MUSD = 1e-3
"""Costs nearer than this agree: 1,000 USD of some 7,000 million, for solvers with tolerances of their own."""

COMMAND = {
    "cpu": "processor time, s",
    "wall": "in all, s",
    "reading": "read and check, s",
    "search": "search, s",
    "record": "replay and record, s",
    "outputs": "start and outputs, s",
}
"""What is measured of the whole command, and what it is called."""

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000", "#D55E00")
"""Of the palette by Okabe and Ito, which the colour-blind can tell apart."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def growth(before: Record | None, after: Record) -> float:
    """Slope of log(total seconds) over log(sites) between two sizes; nan for the first."""
    if before is None or before["sites"] == after["sites"]:
        return math.nan
    return math.log(after["total"] / before["total"]) / math.log(after["sites"] / before["sites"])


def _number(value: float | None, form: str = ",.2f") -> str:
    return "" if value is None or math.isnan(value) else f"{value:{form}}"


def _days(record: Record) -> str:
    return ", ".join(map(str, record["days"]))


def sizes_table(records: Sequence[Record]) -> str:
    """One row for each size; sizes from CSV come last, and have no growth."""
    head = [
        "sites",
        "from",
        *(f"{name}, s" for name in STEPS.values()),
        "processor time, s",
        "growth",
        "sites solved",
        "MILPs",
    ]
    rows = []
    for before, record in zip([None, *records], records, strict=False):
        same_layer = before is not None and before["layer"] == record["layer"]
        rows.append(
            [
                f"{record['sites']:,}",
                record["layer"],
                *(_number(record.get(step)) for step in (*STEPS, "cpu")),
                _number(growth(before if same_layer else None, record)),
                f"{record['solved']:,}",
                f"{record['solves']:,}",
                _number(record["memory_mb"], ",.0f"),
                record["outcome"],
                _days(record),
                _number(record["cost_musd"]),
            ]
        )
    return table([*head, "peak memory, MB", "outcome", "days", "cost, M USD"], rows)


def command_table(records: Sequence[Record]) -> str:
    """One row of the whole command for each size."""
    rows = [
        [
            f"{record['sites']:,}",
            record["layer"],
            *(_number(record["command"][part]) for part in COMMAND),
            _number(record["command"]["memory_mb"], ",.0f"),
            _number(record["command"]["written_mb"], ",.1f"),
        ]
        for record in records
    ]
    return table(["sites", "from", *COMMAND.values(), "peak memory, MB", "outputs, MB"], rows)


def agrees(peer: Record, search: Record) -> bool | None:
    """Whether a peer says the same as the search; None where one of both did not end."""
    if not (peer["ended"] and search["ended"]):
        return None
    if peer["site"] is None or search["site"] is None:
        return peer["site"] == search["site"]
    near = abs(peer["cost_musd"] - search["cost_musd"]) <= AGREE_MUSD
    return near and peer["site"] == search["site"] and peer["days"] == search["days"]


def _with_search(records: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    """Each record with the search at its size."""
    searches = {record["sites"]: record for record in records if record["peer"] == "search"}
    return ((record, searches[record["sites"]]) for record in records)


def disagreements(records: Sequence[Record]) -> list[str]:
    """Peers with a fault, or that ended with another answer than the search, by name and size."""
    return [
        f"{record['peer']} at {record['sites']:,} sites"
        for record, search in _with_search(records)
        if agrees(record, search) is False or record.get("error")
    ]


def peers_table(records: Sequence[Record], seconds: float) -> str:
    """One row for each size and method, the search first."""
    rows = []
    for record, search in _with_search(records):
        spent = _number(record["seconds"]) if record["ended"] else f"not ended after {seconds:g} s"
        if record.get("broke_off"):
            spent = f"broke off after {record['seconds']:.0f} s"
        times = f"{record['seconds'] / search['seconds']:,.0f}"
        if not record["ended"]:
            times = "" if record.get("broke_off") else f"more than {times}"
        site, priced = record["site"], record["site"] is not None and search["site"] is not None
        above_usd = (record["cost_musd"] - search["cost_musd"]) * 1e6 if priced else None
        same = {True: "yes", False: "**no**", None: ""}[agrees(record, search)]
        rows.append(
            [
                f"{record['sites']:,}",
                record["peer"],
                spent,
                "" if record is search else times,
                site or ("no site can serve" if record["ended"] else ""),
                _days(record),
                _number(record["cost_musd"], ",.6f"),
                "" if record is search else _number(above_usd, "+,.0f"),
                "" if record is search else same,
            ]
        )
    head = [
        "sites",
        "method",
        "seconds",
        "times as long as the search",
        "site",
        "days",
        "cost, M USD",
        "cost above search, USD",
        "agrees",
    ]
    return table(head, rows)


def machine() -> str:
    """What the figures were measured on."""
    packages = ("siteopt", "highspy", "pulp", "numpy", "pandas", "geopandas", "pyarrow", "ortools")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    today = datetime.now(UTC).date().isoformat()
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    return f"Measured on {today}: {system}, Python {platform.python_version()}, {versions}."


def write_blocks(document: Path, blocks: dict[str, str]) -> None:
    """Write blocks between ``<!-- bench: name -->`` and ``<!-- end -->``.

    Raises
    ------
    SystemExit
        Where the document does not have each block once.
    """
    text = document.read_text(encoding="utf-8")
    for name, content in blocks.items():
        marked = re.compile(f"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = marked.subn(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
        if found != 1:
            raise SystemExit(f"{document}: {found} blocks 'bench: {name}', expected 1")
    document.write_text(text, encoding="utf-8")


def plot(sizes: Sequence[Record], path: Path) -> None:
    """Seconds against sites, both logarithmic: a line for each step of the search, and one for the whole command."""
    matplotlib = optional("matplotlib")
    matplotlib.use("svg")
    pyplot = optional("matplotlib.pyplot")
    # the same file for the same figures: no random ids, no date
    matplotlib.rcParams.update({"svg.hashsalt": "siteopt", "svg.fonttype": "none", "font.size": 12})
    figure, axes = pyplot.subplots(figsize=(9, 6), layout="constrained")
    layers = [record for record in sizes if record["layer"] == "GeoParquet"]
    lines = {label: [(record["sites"], record.get(step)) for record in layers] for step, label in STEPS.items()}
    lines["whole command"] = [(record["sites"], record["command"]["wall"]) for record in layers]
    for (label, points), colour, mark in zip(lines.items(), COLOURS, "os^DvP", strict=True):
        if line := [point for point in points if point[1]]:
            axes.plot(*zip(*line, strict=True), color=colour, marker=mark, label=label, zorder=2)
    first, last = layers[0], layers[-1]
    guide = [first["total"], first["total"] * last["sites"] / first["sites"]]
    axes.plot([first["sites"], last["sites"]], guide, color="#777777", linestyle="--", label="in step with the sites")
    axes.set(xscale="log", yscale="log", xlabel="candidate sites", ylabel="seconds")
    axes.grid(visible=True, which="major", color="#dddddd")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
