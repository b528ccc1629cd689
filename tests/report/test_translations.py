"""Words: whatever siteopt says has a Korean translation, and another language is a catalogue and no code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

import siteopt
from siteopt.equipment import KINDS, REQUIREMENTS
from siteopt.instance import QUEUES, TRADES
from siteopt.optimize.bottleneck import LIMITS
from siteopt.optimize.bounds import LIMITING
from siteopt.options import LANGUAGES
from siteopt.output import translations as translations_module
from siteopt.output.charts.electric import SOURCES
from siteopt.output.charts.site_plan import LOOKS as ROLES
from siteopt.output.names import COUNTED, NAMES, PLURAL
from siteopt.output.reason_texts import REASON_TEXTS
from siteopt.output.replay import FIGURES
from siteopt.output.report import front_report
from siteopt.output.translations import Translations
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.reason import ReasonCode, because
from siteopt.schema import CANDIDATES, RESOURCE_UNITS, Condition, Resource, ShellKind, Status, Trade
from siteopt.simulate import events
from siteopt.simulate.dispatch import Limit, unmet
from tests.instances import tiny
from tests.report import pages

PACKAGE = Path(siteopt.__file__).parent
OUTPUT = PACKAGE / "output"
KOREAN = Translations("ko")
HANGUL = re.compile("[가-힣]")
GLOSSARY = {"GPU", "ISO", "MW", "MWh", "NOx", "km", "m", "s", "t"}
"""Abbreviations and units that Korean writes in Latin letters."""


@cache
def catalogue(context: str | None = None) -> dict[str, Message]:
    """The entries of the Korean catalogue in a context, by their English; the singular where they count."""
    with (translations_module.LOCALE / "ko.po").open("rb") as file:
        entries = [entry for entry in read_po(file, locale="ko", abort_invalid=True) if entry.id]
    return {forms(entry.id)[0]: entry for entry in entries if entry.context == context}


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def calls(folder: Path, name: str) -> Iterator[ast.Call]:
    """Calls of a function, or of an attribute, of this name."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if called == name:
                    yield node


def said() -> set[str]:
    """Phrases in the code and the templates."""
    found = {call.args[0].value for call in calls(OUTPUT, "translations") if isinstance(call.args[0], ast.Constant)}
    for path in OUTPUT.rglob("*.jinja"):
        found |= {text for _, text in re.findall(r"\bt\((['\"])(.*?)\1", path.read_text(encoding="utf-8"))}
    return found


def fields(text: str) -> set[tuple[str, str | None]]:
    """The placeholders of a text, each with what says how it is shown."""
    return {(name, spec) for _, name, spec, _ in Formatter().parse(text) if name is not None}


def latin(text: str) -> set[str]:
    return set(re.findall("[A-Za-z]+", text)) - GLOSSARY


# the catalogue


def test_every_phrase_stands_where_it_is_said() -> None:
    """A phrase that were put together at run time could not be looked up."""
    assert [
        ast.unparse(call) for call in calls(OUTPUT, "translations") if not isinstance(call.args[0], ast.Constant)
    ] == []


def test_every_phrase_has_a_translation_and_none_is_left_over() -> None:
    assert said() == set(catalogue())


def test_every_reason_has_a_translation_and_none_is_left_over() -> None:
    assert set(REASON_TEXTS) == set(ReasonCode)
    assert set(catalogue("reason")) == set(REASON_TEXTS.values())


def test_every_counted_noun_has_a_translation_and_none_is_left_over() -> None:
    assert {forms(entry.id) for entry in catalogue("count").values()} == set(COUNTED.values())


@pytest.mark.parametrize("context", [None, "reason", "count", "money", "name", "currency"])
def test_translations_hold_the_same_values_shown_alike(context: str | None) -> None:
    assert catalogue(context)
    for english, entry in catalogue(context).items():
        for korean in forms(entry.string):
            assert korean.strip()
            assert fields(korean) == fields(english), english
        assert not entry.fuzzy, english


def test_there_is_no_other_context() -> None:
    with (translations_module.LOCALE / "ko.po").open("rb") as file:
        contexts = {entry.context for entry in read_po(file, locale="ko") if entry.id}
    assert contexts == {None, "reason", "count", "money", "name", "currency"}


# names


def limits_of_a_replay(patch: pytest.MonkeyPatch) -> list[Limit]:
    """All limits that a replay looks at, as if none held."""
    patch.setattr(Limit, "holds", False)
    instance = tiny()
    nothing = np.zeros(0, dtype=np.int64)
    return unmet(instance, 0, nothing, np.zeros(0, dtype=bool), nothing)


@cache
def given() -> dict[str, set[str]]:
    """The names that siteopt gives, by what they are of."""
    with pytest.MonkeyPatch.context() as patch:
        limits = limits_of_a_replay(patch)
    columns = [column for column in CANDIDATES if column.assumable]
    return {
        "limits": {
            *LIMITS,
            *LIMITING,
            "cost",
            *(need.name for need in REQUIREMENTS),
            *(limit.name for limit in limits),
        },
        "queues": set(QUEUES),
        "resources": {*Resource, *RESOURCE_UNITS.values()},
        "types of shells": {*ShellKind, "building"},
        "standings": set(Standing),
        "outcomes": {*RunOutcome, "not proven"},
        "kinds": {*PLURAL, *PLURAL.values(), *(f"{kind.name} haul" for kind in KINDS)},
        "trades": {*TRADES, *Trade},
        "columns": {*(column.name for column in columns), "status", "country", "region"},
        "what stands in columns": {*(f"{state} condition" for state in Condition), *Condition, *Status},
        "confidence": {"high", "medium", "low", "estimate", "unknown"},
        "units": {
            *(column.unit for column in columns if column.unit not in ("", "USD")),
            *(thing.unit for thing in (*REQUIREMENTS, *limits)),
            *("km", "GPUs", "days", "million USD"),
        },
        "events": {
            *(
                events.SWING,
                events.WAVEFORM,
                events.STOP,
                events.START,
                events.GENERATOR_LOSS,
                events.GRID_LOSS,
                events.BUS_LOSS,
            ),
        },
        "modes": {events.ISLANDED, events.GRID_TIED},
        "figures of an event": {*FIGURES, *SOURCES.values(), "load_mw"},
        "parts of the cost": {*pages.small().plan.cost.parts_usd, "all else"},
        "roles of areas": {*ROLES, "site_plan"},
        "names of their own in English": set(NAMES),
    }


def english(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


@pytest.mark.parametrize("what", given())
def test_every_name_that_siteopt_gives_has_a_translation(what: str) -> None:
    assert given()[what]
    assert {english(name) for name in given()[what]} - set(catalogue("name")) == set()


@pytest.fixture(scope="module")
def asked_for() -> set[str]:
    """Names that pages of every kind ask for."""
    found: set[str] = set()
    term = Translations.term

    def noted(self: Translations, name: str) -> str:
        found.add(name)
        return term(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Translations, "term", noted)
        for run in (pages.no_site(), pages.with_candidates(7), pages.replayed_late(), pages.with_phases()):
            run.page("ko", pages.front().record)
        front_report(pages.front().record, KOREAN)
    return found


def test_every_name_on_a_page_has_a_translation(asked_for: set[str]) -> None:
    assert {english(name) for name in asked_for} - set(catalogue("name")) == set()


def test_no_translation_of_a_name_is_left_over(asked_for: set[str]) -> None:
    known = asked_for.union(*given().values())
    assert set(catalogue("name")) - {english(name) for name in known} == set()


# numbers, dates, money


def test_numbers_have_nouns() -> None:
    assert [Translations().count(number, "day") for number in (1, 2, 1200)] == ["1 day", "2 days", "1,200 days"]
    assert Translations().count(0, "day") == "0 days"
    assert Translations().count(1.5, "day") == "1.5 days"
    assert KOREAN.count(3, "unit") == "3대"


@pytest.mark.parametrize("noun", COUNTED)
def test_every_counted_noun_is_told(noun: str) -> None:
    assert [Translations().count(number, noun) for number in (1, 3)] == [
        form.format(count=number) for form, number in zip(COUNTED[noun], (1, 3), strict=True)
    ]
    told = KOREAN.count(3, noun)
    assert "3" in told
    assert latin(told) == set()


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0.0"), (2.44, "2.4"), (0.0412, "0.041"), (-0.0004, "-0.00040"), (12_345.6, "12,345.6")]
)
def test_a_small_figure_keeps_enough_digits_to_differ_from_nothing(value: float, shown: str) -> None:
    assert Translations().figure(value) == shown


def test_shares_are_told_in_per_cent() -> None:
    assert Translations().percent(0.9749, 1) == "97.5%"
    assert KOREAN.percent(0.9749) == "97%"


def test_dates_are_those_of_the_language() -> None:
    assert Translations().date(date(2024, 9, 2)) == "2 September 2024"
    assert KOREAN.date(date(2024, 9, 2)) == "2024년 9월 2일"


@pytest.mark.parametrize(
    ("currency", "rate", "usd", "plain", "korean"),
    [
        ("KRW", 1380.0, 7_775_724_637.7, "KRW 10,730.5 billion", "10.73조 원"),
        ("KRW", 1000.0, 1e9, "KRW 1,000.00 billion", "10,000.0억 원"),
        ("KRW", 1000.0, 9_999_950_000, "KRW 9,999.95 billion", "99,999.5억 원"),
        ("KRW", 1000.0, 28_300_000, "KRW 28,300.0 million", "283.00억 원"),
        ("USD", 1.0, 7_340_106_426, "USD 7,340.11 million", "73.40억 달러"),
        ("USD", 1.0, 427_621, "USD 427,621", "427,621 달러"),
        ("EUR", 1.0, -2.5e8, "EUR -250.00 million", "-25,000.0만 EUR"),
        ("USD", 1.0, 0, "USD 0", "0 달러"),
    ],
)
def test_money_is_told_by_what_the_language_counts_in(
    currency: str, rate: float, usd: float, plain: str, korean: str
) -> None:
    assert Translations("en", currency, rate).money(usd) == plain
    assert Translations("ko", currency, rate).money(usd) == korean


def test_amounts_of_a_table_have_one_unit() -> None:
    amounts = (7_340_106_426, 31_400_000, 0)
    unit = Translations().money_unit(amounts)
    assert unit.name == "USD million"
    assert [unit.bare(usd) for usd in amounts] == ["7,340.11", "31.40", "0.00"]
    assert unit(31_400_000) == "USD 31.40 million"
    assert KOREAN.money_unit(amounts).name == "억 달러"
    assert Translations().money_unit([]).name == "USD"


def test_prices_and_exact_amounts_are_in_the_currency() -> None:
    won = Translations("ko", "KRW", 1380.0)
    assert won.price(65) == "89,700.0 원"
    assert won.amount(1_000_001) == "1,380,001,380 원"
    assert Translations().amount(307_727_896) == "USD 307,727,896"


def test_words_of_a_record_are_in_its_currency() -> None:
    found = pages.small()
    found.document.update(currency="KRW", currency_per_usd=1380.0)
    assert Translations.of(found.run, "ko") == Translations("ko", "KRW", 1380.0)
    assert "4,246.64억 원" in found.page("ko")


def test_phrase_without_translation_is_told_in_english() -> None:
    assert KOREAN("nothing that the report {says}", says="says") == "nothing that the report says"


# another language

GERMAN = """\
msgid ""
msgstr ""
"Language: de\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"Content-Type: text/plain; charset=utf-8\\n"

msgid "Cost"
msgstr "Kosten"

#, python-brace-format
msgid "Scenario {name}, decided on {date}"
msgstr "Szenario {name}, entschieden am {date}"

msgctxt "name"
msgid "generators"
msgstr "Stromerzeuger"

msgctxt "name"
msgid "floor area"
msgstr "Hallenfläche"

msgctxt "name"
msgid "yard area"
msgstr "Hoffläche"

#, python-brace-format
msgctxt "count"
msgid "{count} day"
msgid_plural "{count} days"
msgstr[0] "{count} Tag"
msgstr[1] "{count} Tage"

#, python-brace-format
msgctxt "reason"
msgid "unknown: {columns:names}"
msgstr "unbekannt: {columns:names}"

#, python-brace-format
msgctxt "reason"
msgid "not available before {found:date}"
msgstr "erst ab {found:date} verfügbar"

#, python-brace-format
msgctxt "money"
msgid "{currency} {amount}"
msgstr "{amount} {currency}"

msgctxt "currency"
msgid "EUR"
msgstr "Euro"
"""


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Translations]:
    """The words of a language that siteopt does not come with."""
    assert "de" not in LANGUAGES
    (tmp_path / "de.po").write_text(GERMAN, encoding="utf-8")
    monkeypatch.setattr(translations_module, "LOCALE", tmp_path)
    yield Translations("de", "EUR", 0.9)
    translations_module._translations.cache_clear()


def test_languages_are_english_and_the_catalogues() -> None:
    catalogues = sorted(path.stem for path in translations_module.LOCALE.glob("*.po"))
    assert "ko" in catalogues
    assert list(LANGUAGES) == ["en", *catalogues]


def test_another_language_needs_a_catalogue_and_no_code(german: Translations) -> None:
    assert german("Cost") == "Kosten"
    assert german.term("generators") == "Stromerzeuger"
    assert german.reason(because(ReasonCode.UNKNOWN_FIGURES, columns=("floor_area_m2", "yard_area_m2"))) == (
        "unbekannt: Hallenfläche und Hoffläche"
    )
    assert german.reason(because(ReasonCode.NOT_YET_AVAILABLE, found="2024-09-02")) == (
        "erst ab 2. September 2024 verfügbar"
    )
    assert german.term("chillers") == "chillers"


def test_another_language_has_its_numbers_and_dates(german: Translations) -> None:
    assert german.number(1234.5, 1) == "1.234,5"
    assert german.percent(0.125, 1) == "12,5%"
    assert german.figure(0.0412) == "0,041"
    assert [german.count(number, "day") for number in (1, 2, 1200)] == ["1 Tag", "2 Tage", "1.200 Tage"]
    assert german.date(date(2024, 9, 2)) == "2. September 2024"
    assert german.date(date(2024, 3, 2)) == "2. März 2024"


def test_another_language_has_its_money(german: Translations) -> None:
    assert german.money(7_340_106_426) == "6.606,10 Millionen Euro"
    assert german.money_unit([7_340_106_426]).bare(31_400_000) == "28,26"
    assert german.amount(1_000_000) == "900.000 Euro"


def test_another_language_has_a_page(german: Translations) -> None:
    page = pages.small().page(german.language)
    assert '<html lang="de">' in page
    assert "Szenario small, entschieden am 1. Januar 2025" in page
    assert "Kosten" in page
    assert "24. Januar 2025" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cell_of_the_user_is_told_as_it_is(language: str) -> None:
    """A region may be called anything; what looks like a name of siteopt's is no such name."""
    reason = because(ReasonCode.NOT_ADMITTED, column="region", found="N_1 (gpus)")
    assert "N_1 (gpus)" in Translations(language).reason(reason)
