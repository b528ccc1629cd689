"""What was tried and what came of it: the interface of every part of the harness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One attempt, or a number of them.

    Attributes
    ----------
    area, kind : str
        Rows of the table: such as ``the disk`` and ``full while writing``.
    tried : int
    clear : int
        That ended well, or with one line that ends in the number of an error.
    tracebacks, lost : int
        That showed a traceback; after which outputs were not whole, or not those that were said.
    """

    area: str
    kind: str
    tried: int
    clear: int
    tracebacks: int
    lost: int


def summed(records: Iterable[Record]) -> list[Record]:
    """One record for each kind, in the order in which they came."""
    sums: dict[tuple[str, str], list[int]] = {}
    for one in records:
        numbers = sums.setdefault((one.area, one.kind), [0, 0, 0, 0])
        for place, number in enumerate((one.tried, one.clear, one.tracebacks, one.lost)):
            numbers[place] += number
    return [Record(area, kind, *numbers) for (area, kind), numbers in sums.items()]


def table(records: Iterable[Record]) -> str:
    """A Markdown table of the sums."""
    head = ("what", "class", "tried", "ended well or in a clear message", "tracebacks", "outputs lost")
    rows = [
        (one.area, one.kind, *(f"{number:,}" for number in (one.tried, one.clear, one.tracebacks, one.lost)))
        for one in summed(records)
    ]
    rule = ("---", "---", *["---:"] * 4)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))
