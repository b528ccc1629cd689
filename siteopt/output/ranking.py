"""Turn the ranking into a sortable table: the text of each cell, and the key that it is sorted by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from siteopt.output.translations import MoneyUnit, Translations
from siteopt.output.value import break_even_cell
from siteopt.record.run import ListedSite, RunRecord

LISTED_ROWS = 1000
"""Largest number of rows in the table; ``sites.geojson`` has all listed sites."""
PRINTED_ROWS = 60
"""Largest number of rows on paper."""
MANY = 5
"""If there are more milestones than this, only the first and the last have a column."""


@dataclass(frozen=True)
class Cell:
    """A cell of the table: its text, the key that it is sorted by (None comes last), and a second line under it."""

    text: str
    key: str | float | None
    note: str = ""


@dataclass(frozen=True)
class RankingTable:
    """Columns (name, whether it holds numbers), rows (standing of the site, cells), and notes under the table."""

    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    notes: tuple[str, ...]


def ranking_table(run: RunRecord, translations: Translations, limit: int = LISTED_ROWS) -> RankingTable:
    """Return the candidates as a table, the best first."""
    names, listed = run.milestone_names, run.ranking[:limit]
    shown = list(names) if len(names) <= MANY else [names[0], names[-1]]
    unit = translations.money_unit(
        one.cost_usd if one.cost_usd is not None else one.cost_bound_usd or 0 for one in listed
    )
    has_break_evens = _has_break_evens(listed)
    columns = [
        (translations.term("rank"), True),
        (translations.term("site"), False),
        *((translations("{name}, day", name=name), True) for name in shown),
        (translations("Cost, {unit}", unit=unit.name), True),
        *([(_beats_first(translations), True)] if has_break_evens else []),
        (translations.term("standing"), False),
        (translations("Limited by, or reason"), False),
        (translations.term("assumed"), True),
    ]
    rows = [(str(one.standing), tuple(_cells(one, shown, unit, translations, has_break_evens))) for one in listed]
    return RankingTable(tuple(columns), tuple(rows), tuple(_notes(run, shown, listed, translations)))


def _has_break_evens(listed: Sequence[ListedSite]) -> bool:
    """Return whether any site is better than the first at some prices of a GPU-hour, or at none, so both differ."""
    return any(one.break_even is not None for one in listed)


def _beats_first(translations: Translations) -> str:
    return translations("Beats rank 1, {currency} a GPU-hour", currency=translations.currency_name)


def _cells(
    site: ListedSite, shown: list[str], unit: MoneyUnit, translations: Translations, has_break_evens: bool
) -> Iterator[Cell]:
    yield Cell("" if site.rank is None else str(site.rank), site.rank)
    yield Cell(site.name, site.name.casefold(), site.site_id)
    for one in site.milestones:
        if one.milestone not in shown:
            continue
        if one.day is not None:
            yield Cell(str(one.day), one.day, str(one.date))
        else:
            yield Cell("" if one.bound_day is None else f"≥ {one.bound_day}", one.bound_day)
    if site.cost_usd is not None:
        less = site.may_cost_less_usd
        note = translations("or up to {money} less", money=unit.bare(less)) if less else ""
        yield Cell(unit.bare(site.cost_usd), site.cost_usd, note)
    else:
        bound = site.cost_bound_usd
        yield Cell("" if bound is None else "≥ " + unit.bare(bound), bound)
    if has_break_evens:
        found = site.break_even
        yield Cell(break_even_cell(site, translations), found.gpu_hour_usd if found is not None else None)
    yield Cell(translations.term(site.standing), translations.term(site.standing))
    held = dict.fromkeys(translations.reason(one.limited_by) for one in site.milestones if one.limited_by is not None)
    why = translations.reasons(site.reasons) or ", ".join(held)
    yield Cell(why, why.casefold() or None)
    is_filled = bool(site.assumed) or site.rank is not None
    yield Cell(str(len(site.assumed)) if is_filled else "", len(site.assumed) if is_filled else None)


def _notes(run: RunRecord, shown: list[str], listed: Sequence[ListedSite], translations: Translations) -> Iterator[str]:
    if any(one.rank is None and one.cost_bound_usd is not None for one in listed):
        yield translations("≥ marks a proven bound: the site cannot start earlier or cost less.")
    if any(one.may_cost_less_usd for one in listed):
        yield translations("Where the days decide a rank, its least cost is found only within the range given.")
    if _has_break_evens(listed):
        yield translations(
            "Beats rank 1: at such prices of a GPU-hour, the cost of the site and the value of its days, all "
            "milestones counted, are together less than those of rank 1. The price decides no rank."
        )
    if len(run.milestone_names) > len(shown):
        yield translations("The other milestones are in sites.geojson.")
    more, unlisted = len(run.ranking) - len(listed), run.candidates - len(run.ranking)
    if more > 0:
        yield translations("Not shown: {more}, see sites.geojson.", more=translations.count(more, "site"))
    if unlisted > 0:
        yield translations("Counted, but not listed: {more}.", more=translations.count(unlisted, "site"))
    if len(listed) > PRINTED_ROWS:
        yield translations("A printout shows only the first {count} rows.", count=PRINTED_ROWS)
