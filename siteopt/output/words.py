"""The words of a report, in English and Korean: phrases, names, reasons, numbers with their nouns, money and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from siteopt.output.document import Document
from siteopt.output.korean import COUNTED, PHRASES, REASONS, TERMS
from siteopt.output.summary import counted, money

LANGUAGES = ("en", "ko")

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ENGLISH = {
    "gpus": "GPUs",
    "demand_mw": "peak demand",
    "mean_mw": "mean demand",
    "heat_mw": "heat",
    "grid_mw": "grid",
    "generators_mw": "generators",
    "batteries_mw": "batteries",
    "chillers_mw": "chillers",
    "access_days": "days to access",
    "floor_area_m2": "floor area",
    "yard_area_m2": "yard area",
    "gas_mw": "gas connection",
    "water_m3_per_day": "water",
    "air_permit_days": "days to the air permit",
    "design_temp_c": "design temperature",
    "elevation_m": "elevation",
    "grid_usd_per_mwh": "price of grid energy",
    "site_cost_usd": "cost of the site",
    "m3/day": "m³/day",
    "m2": "m²",
    "deg C": "°C",
    "solved": "ranked",
    "excluded": "left out",
    "lead phase": "order to departure",
    "haul phase": "haul",
    "install phase": "installation",
    "build phase": "GPUs, halls, racks and network",
    "commission phase": "commissioning",
    "wait phase": "waits for power or cooling",
    "load_mw": "load",
    "networked_gpus": "networked",
    "training_gpus": "training",
    "lowest_hz": "lowest Hz",
    "highest_hz": "highest Hz",
    "rocof_hz_per_s": "Hz/s",
    "recovery_s": "recovery, s",
    "battery_mwh": "through batteries, MWh",
    "battery_peak_mw": "batteries, peak MW",
    "battery_drain_mw": "batteries, mean MW",
    "import_peak_mw": "import, peak MW",
    "import_swing_mw": "import, swing MW",
    "shed_mw": "shed, MW",
}
"""Names that differ from what the documents call them."""
ENGLISH_REASONS = {r"unknown: (?P<names>.+)": "unknown: {names}"}
_KRW = "KRW"
_KOREAN_MONEY = {_KRW: "원", "USD": "달러"}
_MYRIAD, _HUNDRED_MILLION, _TRILLION = 1e4, 1e8, 1e12


@dataclass(frozen=True)
class Words:
    """Says everything in one language.

    Attributes
    ----------
    language : str
        One of LANGUAGES.
    """

    language: str = "en"

    @property
    def _korean(self) -> bool:
        return self.language == "ko"

    def __call__(self, phrase: str, **values: Any) -> str:
        """A phrase, which is written in English where it is used, with its values.

        Raises
        ------
        KeyError
            Where it has no translation.
        """
        return (PHRASES[phrase] if self._korean else phrase).format(**values)

    def term(self, name: str) -> str:
        """A name that siteopt gives: of a limit, a kind, a standing, an outcome, a column, a part of the cost."""
        if self._korean:
            return TERMS.get(name, name)
        return ENGLISH.get(name, name.replace("_", " "))

    def reason(self, text: str) -> str:
        """Why a site does not serve, or what holds a milestone."""
        if self._korean and text in TERMS:
            return TERMS[text]
        for pattern, made in (REASONS if self._korean else ENGLISH_REASONS).items():
            found = re.fullmatch(pattern, text)
            if found:
                return made.format(**{name: self._part(name, part) for name, part in found.groupdict().items()})
        parts = text.split("; ")
        return "; ".join(map(self.reason, parts)) if len(parts) > 1 else text

    def _part(self, name: str, text: str) -> str:
        """A part of a reason: names that siteopt gives are told in the language, all else as it is."""
        if not name.startswith("names"):
            return text
        return ", ".join(self.term(part) for part in re.split(r", | and ", text))

    def count(self, number: float, noun: str) -> str:
        """A number with its noun: ``1 day``, ``2 days``."""
        if self._korean:
            return COUNTED[noun].format(f"{number:,g}")
        return counted(number, noun)

    def date(self, iso: str) -> str:
        """A date for a sentence."""
        day = date.fromisoformat(iso)
        if self._korean:
            return f"{day.year}년 {day.month}월 {day.day}일"
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def currency(self, document: Document) -> str:
        """The currency of a document."""
        code = str(document["currency"])
        return _KOREAN_MONEY.get(code, code) if self._korean else code

    def amount(self, document: Document, usd: float) -> str:
        """An amount in the currency of a document to the last unit, where millions would hide a difference."""
        number = f"{usd * document['currency_per_usd']:,.0f}"
        return f"{number} {self.currency(document)}" if self._korean else f"{self.currency(document)} {number}"

    def money(self, document: Document, usd: float) -> str:
        """An amount in the currency of a document, as the summary tells it; in Korean by ten thousands."""
        if not self._korean:
            return money(document, usd)
        currency, amount = document["currency"], abs(usd * document["currency_per_usd"])
        unit = f" {self.currency(document)}"
        sign = "-" if usd < 0 else ""
        if amount >= _TRILLION:
            trillions, rest = divmod(round(amount / _HUNDRED_MILLION), round(_TRILLION / _HUNDRED_MILLION))
            return f"{sign}{trillions:,}조" + (f" {rest:,}억" if rest else "") + unit
        if amount >= _HUNDRED_MILLION:
            digits = 0 if currency == _KRW else 2
            return f"{sign}{amount / _HUNDRED_MILLION:,.{digits}f}억{unit}"
        return f"{sign}{amount / _MYRIAD:,.0f}만{unit}"
