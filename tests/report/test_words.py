"""Words: every phrase that the code says has a translation, and reasons are told by their patterns."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from siteopt.instance import QUEUES
from siteopt.optimize.bottleneck import LIMITS
from siteopt.output.korean import COUNTED, PHRASES, TERMS
from siteopt.output.words import Words
from siteopt.plan import RunOutcome, Standing
from siteopt.schema import CANDIDATES, Kind

OUTPUT = Path(__file__).parents[2] / "siteopt" / "output"
KOREAN = Words("ko")


def said() -> set[str]:
    """Phrases in the code and the templates."""
    found = set()
    for path in OUTPUT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name == "words":
                    found.add(node.args[0].value)
    for path in OUTPUT.rglob("*.jinja"):
        found |= {text for _, text in re.findall(r"\bt\((['\"])(.*?)\1", path.read_text(encoding="utf-8"))}
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_phrase_has_a_translation_and_none_is_left_over() -> None:
    assert said() == set(PHRASES)


@pytest.mark.parametrize("phrase", PHRASES)
def test_translation_holds_the_same_values(phrase: str) -> None:
    assert fields(PHRASES[phrase]) == fields(phrase)


@pytest.mark.parametrize(
    "name",
    [*QUEUES, *LIMITS, *Standing, *RunOutcome, *Kind, *(column.name for column in CANDIDATES if column.assumable)],
)
def test_every_name_that_siteopt_gives_has_a_translation(name: str) -> None:
    assert name in TERMS


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        ("unknown: grid_mw, floor_area_m2", "정보 없음: 수전 용량, 바닥 면적"),
        ("not to be had before 2025-08-01", "2025-08-01 이전에는 확보 불가"),
        ("taken since 2015-12-01", "2015-12-01 이후 확보 불가"),
        ("status is occupied", "조건에 맞지 않음(상태: 사용 중)"),
        ("outside korea.gpkg", "korea.gpkg 구역 밖"),
        ("within 2.5 km of faults.gpkg", "faults.gpkg에서 2.5 km 이내"),
        ("its bound is worse than rank 10", "하한이 10위보다 나쁨"),
        ("no plan by day 365: crew, water", "365일째까지 가능한 계획 없음: 시공 인력, 용수"),
        (
            "peak power for first run: 3.0 MW by day 365, 12.5 needed: short of 9.5",
            "first run의 최대 전력: 365일째까지 3.0 MW, 필요 12.5, 부족 9.5",
        ),
        ("floor area for 100k: hall for 9,000 of 100,000 GPUs", "100k의 바닥 면적: GPU 100,000장 중 9,000장분만 가능"),
        ("halls for 200k: not by day 730", "200k의 건물 준비: 730일째까지 불가"),
        ("as first run", "first run 마일스톤과 같은 날"),
        ("mean power and peak power together", "평균 전력, 최대 전력 동시 제약"),
        ("several limits together", "여러 제약이 함께 작용"),
        ("GPU deliveries", "GPU 납품"),
        ("something new", "something new"),
        ("", ""),
    ],
)
def test_reasons_are_told_in_korean(text: str, korean: str) -> None:
    assert KOREAN.reason(text) == korean


def test_reasons_in_english_name_columns_in_words() -> None:
    assert Words().reason("unknown: grid_mw, floor_area_m2") == "unknown: grid, floor area"
    assert Words().reason("taken since 2015-12-01") == "taken since 2015-12-01"


def test_numbers_have_nouns() -> None:
    assert [Words().count(number, "day") for number in (1, 2, 1200)] == ["1 day", "2 days", "1,200 days"]
    assert all(COUNTED[noun].format("3") != "3" for noun in COUNTED)
    assert KOREAN.count(3, "unit") == "3대"


def test_dates_are_those_of_the_language() -> None:
    assert Words().date("2024-09-02") == "2 September 2024"
    assert KOREAN.date("2024-09-02") == "2024년 9월 2일"


@pytest.mark.parametrize(
    ("currency", "rate", "usd", "korean"),
    [
        ("KRW", 1380.0, 7_775_724_637.7, "10조 7,305억 원"),
        ("KRW", 1000.0, 1e9, "1조 원"),
        ("KRW", 1000.0, 28_300_000, "283억 원"),
        ("KRW", 1000.0, 9_999_950_000, "10조 원"),
        ("USD", 1.0, 7_340_106_426, "73.40억 달러"),
        ("USD", 1.0, 427_621, "43만 달러"),
        ("EUR", 1.0, -2.5e8, "-2.50억 EUR"),
        ("USD", 1.0, 0, "0만 달러"),
    ],
)
def test_money_is_told_by_ten_thousands_in_korean(currency: str, rate: float, usd: float, korean: str) -> None:
    assert KOREAN.money({"currency": currency, "currency_per_usd": rate}, usd) == korean


def test_phrase_without_translation_is_an_error() -> None:
    with pytest.raises(KeyError):
        KOREAN("nothing that the report says")
