"""Each reason in words: in English and in Korean, with all of its values."""

from __future__ import annotations

import ast

import pytest

from siteopt.output.reason_texts import REASON_TEXTS
from siteopt.output.translations import Translations
from siteopt.record.reason import Quantity, Reason, ReasonCode, because
from tests.report.test_translations import HANGUL, KOREAN, PACKAGE, calls, fields, given, latin


def mw(amount: float) -> Quantity:
    return Quantity(amount=amount, unit="MW")


SHORT = because(ReasonCode.SHORT, limit="cooling", missing=mw(2.4))
RUN, OFFER, LAYER = "1차 가동", "임대-7", "남부"
"""Names of the user: none of their letters is Latin."""

TOLD: tuple[tuple[Reason, str, str], ...] = (
    (because(ReasonCode.STORED_TEXT, text="옛 문장"), "옛 문장", "옛 문장"),
    (
        because(ReasonCode.UNKNOWN_FIGURES, columns=("grid_mw", "floor_area_m2")),
        "unknown: grid capacity and floor area",
        "정보 없음: 수전 용량 및 바닥 면적",
    ),
    (
        because(ReasonCode.NOT_YET_AVAILABLE, found="2025-08-01"),
        "not available before 1 August 2025",
        "2025년 8월 1일 이전에는 확보 불가",
    ),
    (
        because(ReasonCode.NO_LONGER_AVAILABLE, found="2015-12-01"),
        "not available since 1 December 2015",
        "2015년 12월 1일 이후 확보 불가",
    ),
    (
        because(ReasonCode.NOT_ADMITTED, column="status", found="occupied"),
        "status is occupied",
        "조건에 맞지 않음(상태: 사용 중)",
    ),
    (
        because(ReasonCode.NOT_ADMITTED, column="country", found=""),
        "country is unknown",
        "조건에 맞지 않음(국가: 미상)",
    ),
    (because(ReasonCode.OUTSIDE_LAYER, layer=LAYER), "outside 남부", "남부 구역 밖"),
    (
        because(ReasonCode.TOO_NEAR_LAYER, layer=LAYER, distance=Quantity(amount=2.5, unit="km")),
        "within 2.5 km of 남부",
        "남부에서 2.5 km 이내",
    ),
    (
        because(ReasonCode.BOUND_IS_WORSE, rank=10),
        "proven worse than rank 10",
        "10위보다 나쁜 것으로 증명됨",
    ),
    (
        because(ReasonCode.NO_PLAN, because(ReasonCode.ANY_LIMIT, limits=("crew", "water")), day=365),
        "no plan by day 365: crew and water",
        "365일째까지 가능한 계획 없음: 시공 인력 및 용수",
    ),
    (
        because(
            ReasonCode.SHORT_BY_HORIZON,
            limit="peak power",
            milestone=RUN,
            day=365,
            there=mw(3.0),
            needed=mw(12.5),
            missing=mw(9.5),
        ),
        "peak power for 1차 가동: 3.0 MW by day 365, 12.5 needed, 9.5 short",
        "1차 가동의 최대 전력: 365일째까지 3.0 MW, 필요 12.5, 부족 9.5",
    ),
    (
        because(ReasonCode.FLOOR_AREA_SHORT, milestone=RUN, there=9_000, needed=100_000),
        "floor area for 1차 가동: room for 9,000 of 100,000 GPUs",
        "1차 가동의 바닥 면적: GPU 100,000장 중 9,000장분만 가능",
    ),
    (
        because(ReasonCode.TOO_LATE, limit="halls", milestone=RUN, day=730),
        "halls for 1차 가동: not ready by day 730",
        "1차 가동의 건물 준비: 730일째까지 준비 불가",
    ),
    (
        because(
            ReasonCode.QUALITY_SHORT, limit="battery power", milestone=RUN, day=200, there=mw(61.0), needed=mw(80.0)
        ),
        "battery power for 1차 가동: 61.0 MW by day 200, power quality requires 80.0",
        "1차 가동의 배터리 출력: 200일째까지 61.0 MW, 전력 품질에 필요한 값 80.0",
    ),
    (
        because(ReasonCode.QUALITY_UNATTAINABLE, milestone=RUN, limit="inertia"),
        "power quality for 1차 가동: no amount of inertia keeps the class",
        "1차 가동의 전력 품질: 관성을(를) 아무리 늘려도 등급을 유지할 수 없음",
    ),
    (because(ReasonCode.LIMIT, limit="GPU deliveries"), "GPU deliveries", "GPU 납품"),
    (because(ReasonCode.SAME_DAY, milestone=RUN), "the same day as 1차 가동", "1차 가동 마일스톤과 같은 날"),
    (
        because(ReasonCode.LIMITS_TOGETHER, limits=("mean power", "peak power")),
        "mean power and peak power together",
        "평균 전력 및 최대 전력 동시 제약",
    ),
    (
        because(ReasonCode.ANY_LIMIT, limits=("cooling", "swing", "ride through")),
        "cooling, swing and ride through",
        "냉각 용량, 부하 변동 대응 및 정전 버팀 시간",
    ),
    (because(ReasonCode.SEVERAL_LIMITS), "several limits together", "여러 제약이 함께 작용"),
    (because(ReasonCode.NOTHING), "nothing: it can start at once", "기다릴 것 없음: 바로 시작 가능"),
    (
        because(ReasonCode.GPUS_NETWORKED_BY, there=31_200, needed=32_000, day=72),
        "31,200 of 32,000 GPUs networked by day 72",
        "72일째까지 GPU 32,000장 중 31,200장 연결",
    ),
    (
        because(ReasonCode.GPUS_NETWORKED_IN_THE_END, there=9_000, needed=32_000),
        "only 9,000 of 32,000 GPUs are ever networked",
        "GPU 32,000장 중 9,000장만 연결",
    ),
    (SHORT, "cooling: 2.4 MW short", "냉각 용량: 2.4 MW 부족"),
    (
        because(ReasonCode.SHORT, limit="inertia", missing=Quantity(amount=0.004, unit="MW s")),
        "inertia: 0.0040 MW s short",
        "관성: 0.0040 MW·s 부족",
    ),
    (
        because(ReasonCode.ABOVE, limit="fuel gas", used=mw(12), allowed=mw(10)),
        "fuel gas: 12.0 MW of 10.0 MW",
        "연료 가스: 12.0 MW(한도 10.0 MW)",
    ),
    (
        because(ReasonCode.ABOVE_AVAILABLE, offer=OFFER, ordered=12, available=10),
        "12 units of 임대-7 ordered, 10 available",
        "임대-7: 12대 발주, 10대만 확보 가능",
    ),
    (
        because(ReasonCode.UNTIL_UNIT, SHORT, unit=3, offer=OFFER),
        "cooling: 2.4 MW short until unit 3 of 임대-7 is in service",
        "임대-7 3호기 가동 전까지 냉각 용량: 2.4 MW 부족",
    ),
    (
        because(ReasonCode.UNTIL_LATE_UNIT, SHORT, unit=12, offer=OFFER, days=2, trade="electrical"),
        "cooling: 2.4 MW short until unit 12 of 임대-7 is in service, 2 days late for lack of electrical crews",
        "임대-7 12호기 가동 전까지 냉각 용량: 2.4 MW 부족(전기 시공조 부족으로 2일 늦음)",
    ),
    (
        because(
            ReasonCode.UNTIL_STEP,
            because(ReasonCode.SHORT, limit="mean power", missing=mw(1)),
            because(ReasonCode.SHORT, limit="swing", missing=mw(2)),
            step=2,
        ),
        "mean power: 1.0 MW short; swing: 2.0 MW short until grid step 2 is in service",
        "계통 2단계 가동 전까지 평균 전력: 1.0 MW 부족; 부하 변동 대응: 2.0 MW 부족",
    ),
    (
        because(ReasonCode.NO_CREW, trade="mechanical", units=3),
        "no mechanical crew for 3 units",
        "3대를 설치할 기계 시공조 없음",
    ),
    (
        because(ReasonCode.EARLIER_MILESTONE, milestone=RUN),
        "the earlier milestone 1차 가동",
        "앞선 마일스톤 1차 가동",
    ),
)
"""Reasons, with what they are in English and in Korean."""


@pytest.mark.parametrize(("reason", "plain", "korean"), TOLD)
def test_reasons_are_told_in_english_and_in_korean(reason: Reason, plain: str, korean: str) -> None:
    assert Translations().reason(reason) == plain
    assert KOREAN.reason(reason) == korean
    assert latin(korean) == set()


def test_every_reason_is_told() -> None:
    assert {reason.code for reason, _, _ in TOLD} == set(ReasonCode)


@pytest.mark.parametrize(("reason", "plain", "korean"), TOLD)
def test_reasons_name_all_of_their_values(reason: Reason, plain: str, korean: str) -> None:
    named = {name for name, _ in fields(REASON_TEXTS[reason.code])}
    assert named == {*reason.values, *(["parts"] if reason.parts else [])}


def test_reasons_are_made_with_the_values_that_their_texts_name() -> None:
    found = set()
    for call in calls(PACKAGE, "because"):
        first = call.args[0]
        if isinstance(first, ast.Attribute) and all(keyword.arg for keyword in call.keywords):
            code = ReasonCode[first.attr]
            made = {keyword.arg for keyword in call.keywords} | ({"parts"} if call.args[1:] else set())
            assert made == {name for name, _ in fields(REASON_TEXTS[code])}, ast.unparse(call)
            found.add(code)
    assert len(found) > 15


@pytest.mark.parametrize("limit", sorted(given()["limits"]))
def test_every_limit_is_told_in_korean(limit: str) -> None:
    for reason in (
        because(ReasonCode.LIMIT, limit=limit),
        because(ReasonCode.TOO_LATE, limit=limit, milestone=RUN, day=9),
    ):
        assert HANGUL.search(KOREAN.reason(reason))
        assert latin(KOREAN.reason(reason)) == set()


@pytest.mark.parametrize("unit", sorted(given()["units"] - {"USD/MWh", "million USD"}))
def test_every_unit_is_told_in_korean(unit: str) -> None:
    amount = Quantity(amount=1234.5, unit=unit)
    told = KOREAN.reason(because(ReasonCode.ABOVE, limit="water", used=amount, allowed=amount))
    assert told.startswith("용수: 1,234.5 ")
    assert latin(told) - {"C"} == set()


def test_a_limit_is_asked_for_only_of_a_reason_that_has_one() -> None:
    assert because(ReasonCode.LIMIT, limit="crew").limit == "crew"
    assert because(ReasonCode.SEVERAL_LIMITS).limit == ""


def test_several_reasons_are_told_one_after_the_other() -> None:
    assert Translations().reasons([]) == ""
    assert KOREAN.reasons([SHORT, because(ReasonCode.NOTHING)]) == (
        "냉각 용량: 2.4 MW 부족; 기다릴 것 없음: 바로 시작 가능"
    )
