"""Say what a day is worth, and at which prices of a GPU-hour another site is better than the first."""

from __future__ import annotations

import math

from siteopt.output.translations import Translations
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.run import ListedSite
from siteopt.record.value import BreakEven, DayValue, MilestoneValue
from siteopt.valuation import Better

MANY = 5
"""If there are more milestones than this, only the first and the last are named."""
_PLAIN = 100
"""Prices from here on are shown in whole units of the currency."""
_MOST_DIGITS = 6
"""Largest number of digits of a price after the point."""


def bare_price(usd: float, translations: Translations) -> str:
    """Return a price of a GPU-hour without its currency, with at least two significant digits."""
    amount = usd * translations.currency_per_usd
    digits = 0 if amount >= _PLAIN else 2
    if 0 < amount < 0.1:
        digits = min(_MOST_DIGITS, 1 - math.floor(math.log10(amount)))
    return translations.number(amount, digits)


def gpu_hour(value: DayValue, translations: Translations) -> str:
    """Return the value of a GPU-hour, and what it rests on."""
    price = translations.with_currency(bare_price(value.gpu_hour_usd, translations))
    said = translations("{price} a GPU-hour", price=price)
    if value.gpu_life_years is not None:
        years = translations.count(value.gpu_life_years, "year")
        said = translations("{price} a GPU-hour, the depreciation over {years}", price=price, years=years)
    return translations("{said} (estimate)", said=said) if value.is_estimate else said


def day_line(value: DayValue, translations: Translations) -> str:
    """Return what a day of each milestone is worth, for the terminal."""
    first, *others = _named(value)
    said = [f"of {first.milestone} is worth {_worth(first, translations, is_first=True)}"]
    said += [f"of {one.milestone} {_worth(one, translations, is_first=False)}" for one in others]
    return f"A day       {', '.join(said)}, at {gpu_hour(value, translations)}"


def day_sentence(value: DayValue, translations: Translations) -> str:
    """Return what a day of each milestone is worth, as a sentence."""
    first, *others = _named(value)
    said = [f"{first.milestone} {_worth(first, translations, is_first=True)}"]
    said += [f"{one.milestone} {_worth(one, translations, is_first=False)}" for one in others]
    return translations(
        "A day earlier is worth, at {price}: {parts}.", price=gpu_hour(value, translations), parts=", ".join(said)
    )


def _named(value: DayValue) -> tuple[MilestoneValue, ...]:
    every = value.milestones
    return every if len(every) <= MANY else (every[0], every[-1])


def _worth(one: MilestoneValue, translations: Translations, *, is_first: bool) -> str:
    money, gpus = translations.money(one.usd_per_day), translations.number(one.added_gpus)
    if is_first:
        return translations("{money} ({gpus} GPUs)", money=money, gpus=gpus)
    return translations("{money} ({gpus} GPUs more)", money=money, gpus=gpus)


def break_even_text(site: ListedSite, translations: Translations) -> str:
    """Return at which prices of a GPU-hour a site is better than the first; empty if no price matters."""
    return _with_bound(site, translations, is_cell=False)


def break_even_cell(site: ListedSite, translations: Translations) -> str:
    """Return the same for a cell of a table, whose column names the currency."""
    return _with_bound(site, translations, is_cell=True)


def _with_bound(site: ListedSite, translations: Translations, *, is_cell: bool) -> str:
    """Return the text for the cost of the site, with that for its bound if the two differ as they are shown."""
    found, bound = site.break_even, site.break_even_bound
    if found is None:
        return ""
    price, other = (_price(one, translations) for one in (found, bound or found))
    if bound is None or (bound.better, other) == (found.better, price):
        return _better(found.better, price, translations, is_cell=is_cell)
    if bound.better == found.better:
        low, high = (price, other) if found.better is Better.BELOW else (other, price)
        price = translations("{low} to {high}", low=low, high=high)
        return _better(found.better, price, translations, is_cell=is_cell)
    said = (
        _better(found.better, price, translations, is_cell=is_cell),
        _better(bound.better, other, translations, is_cell=is_cell),
    )
    return translations("{said}, or {other}", said=said[0], other=said[1])


def _price(one: BreakEven, translations: Translations) -> str:
    return "" if one.gpu_hour_usd is None else bare_price(one.gpu_hour_usd, translations)


def _better(better: Better, price: str, translations: Translations, *, is_cell: bool) -> str:
    """Return the prices in words; a sentence names the currency, and a cell does not."""
    if is_cell:
        return {
            Better.BELOW: translations("below {price}", price=price),
            Better.ABOVE: translations("above {price}", price=price),
            Better.NEVER: translations("at no price"),
            Better.ALWAYS: translations("at every price"),
        }[better]
    price = translations.with_currency(price)
    return {
        Better.BELOW: translations("better below {price} a GPU-hour", price=price),
        Better.ABOVE: translations("better above {price} a GPU-hour", price=price),
        Better.NEVER: translations("later and no cheaper"),
        Better.ALWAYS: translations("earlier and no dearer"),
    }[better]


def best_sentence(record: FrontRecord, translations: Translations) -> str:
    """Return which breakpoint is the best at the value of a day; empty if the scenario gives none."""
    best, value, of_day = record.best_at_value, record.value, record.of_day
    if best is None or value is None or of_day is None:
        return ""
    return translations(
        "At {price}, a day of {milestone} is worth {money}, and the best point is day {day} at {site}.",
        price=gpu_hour(value, translations),
        milestone=record.milestone,
        money=translations.money(of_day.usd_per_day),
        day=best.day,
        site=best.name,
    )
