"""The ranking as a table that can be sorted: what each cell shows, and what it is sorted by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from siteopt.output.document import Document
from siteopt.output.words import Words
from siteopt.scenario import slug

LISTED_ROWS = 1000
"""Rows of the table at most; ``sites.geojson`` has them all."""
PRINTED_ROWS = 60
"""Rows on paper."""
MANY = 5
"""Milestones from which only the first and the last have a column."""


@dataclass(frozen=True)
class Cell:
    """What a cell shows, a second line under it, and what it is sorted by (nothing: last)."""

    text: str
    key: str | float | None
    note: str = ""


@dataclass(frozen=True)
class RankingTable:
    """Columns (name, whether it holds numbers), and rows of cells with the standing of the site."""

    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    notes: tuple[str, ...]


def ranking_table(document: Document, words: Words, limit: int = LISTED_ROWS) -> RankingTable:
    """The candidates, the best first."""
    shown = _milestones(document)
    columns = [
        (words.term("rank"), True),
        (words.term("site"), False),
        *((words("{name}, day", name=name), True) for name in shown),
        (words.term("cost"), True),
        (words.term("standing"), False),
        (words("Held by, or why not"), False),
        (words.term("assumed"), True),
    ]
    rows = [(row["standing"], tuple(_cells(document, row, shown, words))) for row in document["ranking"][:limit]]
    return RankingTable(tuple(columns), tuple(rows), tuple(_notes(document, shown, len(rows), words)))


def _milestones(document: Document) -> list[str]:
    """Names of the milestones that have a column; where there is no plan, the fields of a row tell them."""
    if document["milestones"]:
        names = [milestone["name"] for milestone in document["milestones"]]
    else:
        names = [goal for goal in document["objective"] if goal != "cost"]
    return names if len(names) <= MANY else [names[0], names[-1]]


def _cells(document: Document, row: Document, shown: list[str], words: Words) -> Iterator[Cell]:
    rank = row["rank"]
    yield Cell("" if rank is None else str(rank), rank)
    yield Cell(row["name"], row["name"].casefold(), row["site_id"])
    for name in shown:
        day, bound = row[f"day_{slug(name)}"], row[f"bound_day_{slug(name)}"]
        if day is not None:
            yield Cell(str(day), day, row[f"date_{slug(name)}"])
        else:
            yield Cell("" if bound is None else f"≥ {bound}", bound)
    cost, bound = row["cost_usd"], row["cost_bound_usd"]
    if cost is not None:
        yield Cell(words.money(document, cost), cost)
    else:
        yield Cell("" if bound is None else "≥ " + words.money(document, bound), bound)
    yield Cell(words.term(row["standing"]), words.term(row["standing"]))
    held = [row[field] for field in row if field.startswith("bottleneck_") and row[field]]
    why = words.reason(row["reason"]) or ", ".join(words.reason(name) for name in dict.fromkeys(held))
    yield Cell(why, why.casefold() or None)
    names = [name for name in row["assumed"].split(", ") if name]
    is_filled = row["assumed"] or rank is not None
    yield Cell(str(len(names)) if is_filled else "", len(names) if is_filled else None)


def _notes(document: Document, shown: list[str], rows: int, words: Words) -> Iterator[str]:
    if any(row["rank"] is None and row["cost_bound_usd"] is not None for row in document["ranking"][:rows]):
        yield words("≥ is a proven bound: not before that day, not for less.")
    if len(document["milestones"]) > len(shown):
        yield words("The other milestones are in sites.geojson.")
    more = document["candidates"] - rows
    if more > 0:
        yield words("{more} more: see sites.geojson.", more=words.count(more, "site"))
    if rows > PRINTED_ROWS:
        yield words("On paper: the first {count} rows.", count=PRINTED_ROWS)
