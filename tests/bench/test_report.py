"""The benchmark loads, and its tables hold what was measured."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.bench.report import COMMAND, STEPS, Record, command_table, sizes_table, write_blocks


def measured(sites: int, seconds: float) -> Record:
    steps = dict.fromkeys((*STEPS, "cpu"), seconds)
    command = {**dict.fromkeys(COMMAND, 2 * seconds), "memory_mb": 1234.5, "written_mb": 2.0}
    answer = {"solved": 3, "solves": 21, "memory_mb": 200.0, "outcome": "proven", "days": [80, 122], "cost_musd": 7.5}
    return {"sites": sites, "layer": "GeoParquet", **steps, **answer, "command": command}


@pytest.mark.parametrize("name", ["__main__", "candidates", "command", "measure", "replays", "report"])
def test_every_module_loads(name: str) -> None:
    import_module(f"tests.bench.{name}")


def test_a_row_for_each_size() -> None:
    records = [measured(10, 1.0), measured(1000, 10.0)]
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in sizes_table(records).splitlines())
    assert [dict(zip(head, row, strict=True))["growth"] for row in rows] == ["", "0.50"]
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in command_table(records).splitlines())
    last = dict(zip(head, rows[-1], strict=True))
    assert (last["sites"], last["processor time, s"], last["peak memory, MB"]) == ("1,000", "20.00", "1,234")


def test_a_block_is_replaced_and_others_stay(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("a\n<!-- bench: sizes -->\nold\n<!-- end -->\n<!-- bench: peers -->\nkept\n<!-- end -->\n")
    write_blocks(document, {"sizes": "new"})
    assert document.read_text().splitlines()[2::3] == ["new", "kept"]
    with pytest.raises(SystemExit, match="0 blocks 'bench: other'"):
        write_blocks(document, {"other": ""})
