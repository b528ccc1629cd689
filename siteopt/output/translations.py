"""Translate and format texts: phrases, names, reasons, counted nouns, numbers, dates, money.

The English text is in the code, and the translations are in ``locale/<language>.po``. Babel formats numbers, dates and
lists for each language. A new language needs only a new catalogue.
"""

from __future__ import annotations

import gettext
import io
import math
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

from siteopt.options import LOCALE
from siteopt.output.names import COUNTED, NAMES
from siteopt.output.reason_texts import REASON_TEXTS
from siteopt.record.reason import Quantity, Reason
from siteopt.record.run import Cost

if TYPE_CHECKING:
    import babel

_ENGLISH = "en_GB"
"""Locale for English dates and numbers, such as 2 September 2024."""
_DIGITS = 5
"""Largest number of digits before the point in a table of amounts."""
_MOST_DIGITS = 4
"""Largest number of digits after the point for the parts of a cost; more digits require a smaller unit."""
_PLAIN = 1e6
"""Amounts below this are shown in whole units of the currency."""


class Currency(Protocol):
    """Object that has the currency of the texts, such as the heading of a record."""

    @property
    def currency(self) -> str:
        """Return the ISO 4217 code of the currency."""

    @property
    def currency_per_usd(self) -> float:
        """Return the units of the currency for one US dollar."""


@dataclass(frozen=True)
class MoneyUnit:
    """One unit for all amounts of a table or a chart.

    Attributes
    ----------
    factor : float
        Factor from US dollars to this unit.
    digits : int
        Number of digits after the point.
    name : str
        Name of the unit, such as ``USD million``.
    pattern : str
        Text of an amount with its unit, such as ``USD {amount} million``.
    """

    translations: Translations
    factor: float
    digits: int
    name: str
    pattern: str

    def bare(self, usd: float) -> str:
        """Return an amount without its unit."""
        return self.translations.number(usd * self.factor, self.digits)

    def __call__(self, usd: float) -> str:
        """Return an amount with its unit."""
        return self.pattern.format(amount=self.bare(usd))


@dataclass(frozen=True)
class Translations:
    """Texts in one language, with money in one currency.

    Attributes
    ----------
    language : str
        One of LANGUAGES.
    currency : str
        ISO 4217 code.
    currency_per_usd : float
        Units of the currency for one US dollar.
    """

    language: str = "en"
    currency: str = "USD"
    currency_per_usd: float = 1.0

    @classmethod
    def of(cls, record: Currency, language: str = "en") -> Translations:
        """Return the words for a record, in its currency."""
        return cls(language, record.currency, record.currency_per_usd)

    def __call__(self, phrase: str, **values: Any) -> str:
        """Return the translation of an English phrase, with its values filled in."""
        return self._text(phrase).format(**values)

    def _text(self, english: str, context: str | None = None) -> str:
        found = _translations(self.language)
        return found.pgettext(context, english) if context else found.gettext(english)

    @cached_property
    def _locale(self) -> babel.Locale:
        import babel

        return babel.Locale.parse(_ENGLISH if self.language == "en" else self.language)

    # names and reasons

    def term(self, name: str) -> str:
        """Return the words for a name of siteopt: of a limit, a kind, a standing, a column or a unit."""
        return self._text(NAMES.get(name, name.replace("_", " ")), "name")

    def title(self, name: str) -> str:
        """Return the words for a name of siteopt, with a capital at the beginning."""
        words = self.term(name)
        return words[:1].upper() + words[1:]

    def cell(self, text: str) -> str:
        """Return the content of a table cell: a choice of its column is translated, other text of the user is not."""
        return self._text(text, "name") if text else self.term("unknown")

    def reason(self, reason: Reason) -> str:
        """Return a reason in words, for use in a sentence."""
        return _ReasonText(self).vformat(self._text(REASON_TEXTS[reason.code], "reason"), (), _values(self, reason))

    def reasons(self, reasons: Iterable[Reason]) -> str:
        """Return several reasons in words, separated by semicolons."""
        return "; ".join(map(self.reason, reasons))

    def listed(self, texts: Sequence[str]) -> str:
        """Return texts as a list with *and*."""
        from babel.lists import format_list

        return format_list(list(texts), locale=self._locale)

    # numbers and dates

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with thousands separators and ``digits`` digits after the point."""
        from babel.numbers import format_decimal

        return format_decimal(value, _pattern(digits), locale=self._locale)

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share as a percentage, with ``digits`` digits after the point."""
        from babel.numbers import format_percent

        return format_percent(share, _pattern(digits) + "%", locale=self._locale)

    def figure(self, value: float) -> str:
        """Return a figure with one digit after the point, or two significant digits if it is closer to 0 than 0.05."""
        small = value != 0 and abs(value) < 0.05
        return self.number(value, 1 - math.floor(math.log10(abs(value))) if small else 1)

    def count(self, number: float, noun: str) -> str:
        """Return a number with its noun: ``1 day``, ``2 days``."""
        form = _translations(self.language).npgettext("count", *COUNTED[noun], 1 if number == 1 else math.ceil(number))
        return form.format(count=self.number(number, 0 if number == round(number) else 1))

    def date(self, day: date) -> str:
        """Return a date in its long form, for use in a sentence."""
        from babel.dates import format_date

        return format_date(day, "long", locale=self._locale)

    # money

    @property
    def currency_name(self) -> str:
        """Return the name of the currency."""
        return self._text(self.currency, "currency")

    def money(self, usd: float) -> str:
        """Return an amount, given in US dollars, with its currency, for use in a sentence."""
        return self.money_unit([usd])(usd)

    def money_unit(self, amounts_usd: Iterable[float]) -> MoneyUnit:
        """Return one unit for all these amounts, which are given in US dollars; the largest amount decides."""
        most = max((abs(usd) * self.currency_per_usd for usd in amounts_usd), default=0.0)
        fits = (one for one in self._sizes if most / one[0] < (_PLAIN if one[0] == 1 else 10**_DIGITS))
        size, name = next(fits, self._sizes[-1])
        digits = min(2, max(1, 6 - len(str(int(most / size))))) if size > 1 else 0
        pattern = self.with_currency(name)
        unit = " ".join(pattern.replace("{amount}", "").split())
        return MoneyUnit(self, self.currency_per_usd / size, digits, unit, pattern)

    def cost_unit(self, cost: Cost) -> MoneyUnit:
        """Return the unit for a cost and its parts, with enough digits to show the parts that are not GPUs."""
        unit, others = self.money_unit([cost.total_usd]), cost.total_usd - cost.parts_usd.get("gpus", 0)
        if not 0 < others * unit.factor < 1:
            return unit
        digits = 2 - math.floor(math.log10(others * unit.factor))
        return replace(unit, digits=digits) if digits <= _MOST_DIGITS else self.money_unit([others])

    @cached_property
    def _sizes(self) -> list[tuple[float, str]]:
        """Return the language's units for large amounts: size and pattern, such as 1e6 and ``{amount} million``."""
        found: dict[str, float] = {"{amount}": 1.0}
        for size, form in self._locale.compact_decimal_formats["long"]["other"].items():
            pattern = form.pattern.replace("'", "")
            zeros = pattern.count("0")
            unit = pattern.replace("0" * zeros, "{amount}", 1)
            found.setdefault(unit, float(size) / 10 ** (zeros - 1))
        return [(size, unit) for unit, size in found.items() if size == 1 or size >= 1e4]

    def price(self, usd: float) -> str:
        """Return a price for one unit of something, given in US dollars, with one digit after the point."""
        return self.with_currency(self.number(usd * self.currency_per_usd, 1))

    def amount(self, usd: float) -> str:
        """Return an amount, given in US dollars, in whole units of the currency, if rounding would hide too much."""
        return self.with_currency(self.number(usd * self.currency_per_usd))

    def with_currency(self, amount: str) -> str:
        """Return the text of an amount with its currency."""
        return self._text("{currency} {amount}", "money").format(currency=self.currency_name, amount=amount)


def _pattern(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")


@cache
def _translations(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with (LOCALE / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _values(translations: Translations, reason: Reason) -> dict[str, Any]:
    return {**reason.values, "parts": translations.reasons(reason.parts)}


class _ReasonText(string.Formatter):
    """A formatter that shows the values of a reason as its text specifies (see :mod:`siteopt.output.reason_texts`)."""

    def __init__(self, translations: Translations) -> None:
        self._words = translations

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a value as text; the format names either a way to show the value or a noun that it counts."""
        translations = self._words
        shown: dict[str, Callable[[], str]] = {
            "": lambda: self._plain(value),
            "names": lambda: translations.listed([translations.term(name) for name in value]),
            "name": lambda: translations.term(value),
            "cell": lambda: translations.cell(value),
            "date": lambda: translations.date(date.fromisoformat(value)),
            "integer": lambda: translations.number(value),
            "amount": lambda: translations.figure(value.amount),
        }
        return shown[format_spec]() if format_spec in shown else translations.count(value, format_spec)

    def _plain(self, value: Any) -> str:
        if isinstance(value, Quantity):
            return f"{self._words.figure(value.amount)} {self._words.term(value.unit)}"
        return str(value)
