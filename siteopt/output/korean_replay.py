"""What a report says of the replay and of the power quality, in Korean."""

from __future__ import annotations

PHRASES = {
    # the replay
    "Every milestone starts as planned, as replayed.": "재현 결과 모든 마일스톤이 계획대로 시작합니다.",
    "{other} of {all} milestones do not start as planned.": "마일스톤 {all}개 중 {other}개가 계획과 다르게 시작합니다.",
    "{name} as planned, on day {day}.": "{name}: 계획대로 {day}일째.",
    "{name} on day {day}, {days} later than planned: {reason}.": "{name}: {day}일째, 계획보다 {days} 늦음({reason}).",
    "{name} on day {day}, {days} sooner than planned.": "{name}: {day}일째, 계획보다 {days} 빠름.",
    "{name} does not start: {reason}.": "{name}: 시작하지 못함({reason}).",
    "{name} does not start.": "{name}: 시작하지 못합니다.",
    "With as many crews as it takes it would be on time.": "시공조가 충분하면 계획대로 가능합니다.",
    "No sequence of whole crews is sooner than day {day}.": "시공조를 어떻게 배치해도 {day}일째보다 빠를 수 없습니다.",
    "The orders were replayed day by day and crew by crew, without the optimiser's equations.": (
        "발주 내역만으로 하루하루, 시공조 단위로 다시 실행해 본 결과이며 최적화 수식은 쓰지 않았습니다."
    ),
    "Replayed, the plan costs {money}: {verdict}.": "재현한 비용은 {money}: {verdict}.",
    "within the budget": "예산 이내",
    "ABOVE THE BUDGET": "예산 초과",
    "Which crew works when": "시공조별 작업 일정",
    "{trade}: {crews} set up {units} from day {first} to {last}, at most {most} at work on one day.": (
        "{trade}: {crews}가 {first}일째부터 {last}일째까지 {units}를 설치하며, 하루 최대 {most}개 조가 일합니다."
    ),
    "{trade}: {crews}, {units}": "{trade}: {crews}, {units}",
    "{trade} crews {first} to {last}: {model}, unit {unit}, for {milestone}, day {first_day} to {last_day}": (
        "{trade} {first}~{last}조: {model} {unit}호기, {milestone}, {first_day}일째~{last_day}일째"
    ),
    "What is there on each day": "날짜별 가동 설비",
    "{name} starts on day {day}: there are {power} MW for a peak of {demand}, and chillers for {cold} MW against heat"
    " of {heat}.": (
        "{name}: {day}일째 시작, 최대 수요 {demand} MW에 공급 {power} MW, 발열 {heat} MW에 냉동기 {cold} MW."
    ),
    "start as planned": "계획한 시작",
    "start as replayed": "재현한 시작",
    # the power quality
    "No class of ISO 8528-5 was asked for; this is what would happen.": (
        "ISO 8528-5 등급을 요구하지 않았습니다. 아래는 예상되는 거동입니다."
    ),
    "{iso_class} is kept at every milestone, as simulated.": (
        "모의 결과 모든 마일스톤에서 {iso_class} 등급을 유지합니다."
    ),
    "Mode in which it is kept at {milestones}: {modes}.": "{milestones}에서 등급을 유지하는 운전 방식: {modes}.",
    "{iso_class} is NOT kept.": "{iso_class} 등급을 유지하지 못합니다.",
    "Below it in the other mode, or on the loss of the grid, where it is not asked for: {events}.": (
        "다른 운전 방식이나 계통 상실에서는 등급에 못 미치나 요구 대상이 아님: {events}."
    ),
    "Below it: {events}.": "등급 미달: {events}.",
    "{event} at {milestone}": "{event}: {milestone}",
    "The first plan kept it.": "첫 계획이 바로 등급을 만족했습니다.",
    "It was solved {rounds} times, each time with what the simulation asked for.": (
        "모의 결과가 요구하는 설비를 반영하며 {rounds}번 풀었습니다."
    ),
    "Without the electrical needs: {site}, days {days}, {cost}.": (
        "전기 품질 요구가 없을 때의 계획: {site}, {days}일째, {cost}."
    ),
    "What they change: {changes}.": "요구로 달라진 점: {changes}.",
    "{money} more": "비용 {money} 증가",
    "{money} less": "비용 {money} 감소",
    "{name} {days} later": "{name} {days} 늦어짐",
    "{name} {days} sooner": "{name} {days} 빨라짐",
    "Without batteries it would be kept, too.": "배터리가 없어도 등급을 유지합니다.",
    "Without batteries it would not be kept: {events}.": "배터리가 없으면 유지하지 못하는 경우: {events}.",
    "With batteries": "배터리 있음",
    "Without batteries": "배터리 없음",
    "fails": "미달",
    "no class": "등급 없음",
    "collapses at {seconds} s": "{seconds}초에 붕괴",
    "Frequency with and without batteries": "배터리 유무에 따른 주파수",
    "{event}, {mode}, at {milestone}.": "{milestone}: {event}, {mode}.",
    "The band is that of {iso_class}: {low} to {high} Hz.": "허용 범위는 {iso_class} 기준 {low}~{high} Hz입니다.",
    "{low} to {high} Hz": "{low}~{high} Hz",
    "{iso_class}: {span}": "{iso_class}: {span}",
    "{low} to {high} Hz, within the band": "{low}~{high} Hz, 허용 범위 이내",
    "{low} to {high} Hz, outside the band from {seconds} s": "{low}~{high} Hz, {seconds}초부터 범위 이탈",
    ", trips at {seconds} s": ", {seconds}초에 정지",
    "outside from, s": "이탈 시각(초)",
}
"""Phrases as they stand in the code."""

TERMS = {
    "replay": "재현",
    "power_quality": "전기 품질",
    "planned": "계획",
    "replayed": "재현",
    "days_later": "늦어진 일수",
    "not_before": "최소",
    "reason": "이유",
    "trade": "직종",
    "electrical": "전기",
    "mechanical": "기계",
    "crews": "시공조",
    "first_day": "시작(일째)",
    "last_day": "종료(일째)",
    "networked_gpus": "연결",
    "training_gpus": "학습",
    "needed": "필요",
    "load_mw": "부하",
    "event": "사건",
    "without_batteries": "배터리 없음",
    "class": "등급",
    "routine swing": "학습 부하 변동",
    "waveform": "실측 부하",
    "job stop": "작업 정지",
    "job start": "작업 시작",
    "generator loss": "발전기 탈락",
    "grid loss": "계통 상실",
    "islanded": "독립 운전",
    "grid-tied": "계통 연계",
    "lowest_hz": "최저 Hz",
    "highest_hz": "최고 Hz",
    "rocof_hz_per_s": "Hz/s",
    "recovery_s": "회복(초)",
    "battery_mwh": "배터리 통과 MWh",
    "battery_peak_mw": "배터리 최대 MW",
    "battery_drain_mw": "배터리 평균 방전 MW",
    "import_peak_mw": "수전 최대 MW",
    "import_swing_mw": "수전 변동 MW",
    "shed_mw": "차단 MW",
}
"""Names that siteopt gives."""

_SHORT = r"(?P<names>[^:]+): (?P<short>\S+) (?P<unit>\S+) short"
_ABOVE = r"(?P<names>[^:]+): (?P<left>\S+) (?P<unit>\S+) of (?P<right>\S+) \S+"
_UNTIL = r" until the (?P<nth>\d+)\S* (?P<offer>\S+) serves"
_LATE = r", (?P<days>\d+) days? late for want of (?P<names_trade>\S+) crews"
_STEP = r" until grid step (?P<step>\d+) serves"

REASONS = {
    _SHORT + _UNTIL + _LATE: (
        "{names}: {offer} {nth}호기 가동 전까지 {short} {unit} 부족({names_trade} 시공조 부족으로 {days}일 늦음)"
    ),
    _SHORT + _UNTIL: "{names}: {offer} {nth}호기 가동 전까지 {short} {unit} 부족",
    _SHORT + _STEP: "{names}: 계통 {step}단계 가동 전까지 {short} {unit} 부족",
    _SHORT: "{names}: {short} {unit} 부족",
    _ABOVE + _UNTIL + _LATE: (
        "{names}: {offer} {nth}호기 가동 전까지 {left} {unit}(한도 {right}),"
        " {names_trade} 시공조 부족으로 {days}일 늦음"
    ),
    _ABOVE + _UNTIL: "{names}: {offer} {nth}호기 가동 전까지 {left} {unit}(한도 {right})",
    _ABOVE: "{names}: {left} {unit}(한도 {right})",
    r"GPUs: (?P<there>\S+) of (?P<all>\S+) networked by day (?P<day>\d+)": (
        "{day}일째까지 GPU {all}장 중 {there}장 연결"
    ),
    r"GPUs: (?P<there>\S+) of (?P<all>\S+) networked in the end": "GPU {all}장 중 {there}장만 연결",
    r"crews: no (?P<names>\S+) crew for (?P<units>\d+) units": "{units}대를 설치할 {names} 시공조 없음",
    r"the milestone before it, (?P<milestone>.+)": "앞선 마일스톤 {milestone}",
    r"(?P<goal>.+): batteries of (?P<there>\S+) MW can be there by day (?P<day>\d+), power quality asks for"
    r" (?P<needed>\S+) MW": "{goal}: {day}일째까지 배터리 {there} MW, 전기 품질에 {needed} MW 필요",
    r"(?P<goal>.+): inertia of (?P<there>\S+) MW s can be there by day (?P<day>\d+), power quality asks for"
    r" (?P<needed>\S+) MW s": "{goal}: {day}일째까지 관성 {there} MW s, 전기 품질에 {needed} MW s 필요",
    r"power quality for (?P<goal>.+): no (?P<names>\S+) makes? it keep the class": (
        "{goal}: {names}(으)로도 등급을 유지할 수 없음"
    ),
}
"""Patterns of what a replay waited for, one of several between semicolons; a part called ``names...`` holds names that
siteopt gives.
"""
