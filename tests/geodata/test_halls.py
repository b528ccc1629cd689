"""Buildings, new shells and crews from the tables and the scenario to the Instance, by hand, and their replay."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteopt
from siteopt import Dataset, InputError
from siteopt.geodata.changes import Change
from siteopt.instance import NEVER, QUEUES, Instance
from siteopt.message_catalogue import Code
from siteopt.pace import ShellType
from siteopt.simulate.queues import buildings_of, follow_queues
from tests.examples import many
from tests.worlds import SITES, Row, changed, csv_text, write_world

# 0.35 m2 a GPU; 10,000 GPUs need 3,500 m2. A sound hall of beta is fitted out at 800 m2 a day from day 5 on.
HALL: Row = {"site_id": "beta", "building_id": "east", "area_m2": 2_800}
GREEN = changed(SITES, "site_id", "beta", condition="none")
MEMBRANE = "building.shells.membrane={area_m2=2100,permit_days=10,shell_days=20,parallel=2,offset_days=5}"
TILT_UP = "building.shells.tilt_up={area_m2=4200,permit_days=10,shell_days=40}"


def loaded(folder: Path, settings: Sequence[str] = (), buildings: Sequence[Row] = (), **tables: Any) -> Dataset:
    path = write_world(folder, **tables)
    given = list(settings)
    if buildings:
        (folder / "buildings.csv").write_text(csv_text(buildings), encoding="utf-8")
        given.append('inputs.buildings=["buildings.csv"]')
    return siteopt.load(siteopt.read_scenario(path, given))


def beta(data: Dataset) -> Instance:
    return data.instance.take(np.array([data.instance.site_id.index("beta")]))


def ready(instance: Instance) -> tuple[int, str]:
    return int(instance.compute_ready_day[0, 0]), QUEUES[instance.compute_queue[0, 0]]


def replayed(instance: Instance, option: int = 0) -> int:
    queues = follow_queues(buildings_of(instance)[option], instance.pace, float(instance.gpus[-1]))
    return min(NEVER, queues.tested_day(float(instance.gpus[0])) + instance.pace.bringup_days)


def test_a_standing_hall_is_one_building(tmp_path: Path) -> None:
    # racks of 1,000 a day from day 10 on decide: day 20, and a day of bring-up
    plain = beta(loaded(tmp_path))
    assert ready(plain) == (21, "GPU deliveries")
    # a lag of 30 days: from day 35 on racks take ten days
    late = beta(loaded(tmp_path, ["building.fitout_lag_days.sound=30"]))
    assert (int(late.hall_day[0]), ready(late)) == (35, (46, "roofs or power rooms"))
    assert late.queue_relaxed_day[0, 0, QUEUES.index("roofs or power rooms")] == 21
    assert replayed(late) == 46


def test_buildings_have_their_own_roofs_and_rates(tmp_path: Path) -> None:
    west = {"site_id": "beta", "building_id": "west", "area_m2": 1_400, "roof_date": "2025-02-20"}
    west |= {"fitout_m2_per_day": 350, "hall_m2_per_mw": 175}
    instance = beta(loaded(tmp_path, buildings=[HALL, west]))
    assert instance.building_id == ("east", "west")
    assert instance.building_day.tolist() == [5, 50]
    assert instance.building_gpus_per_day == pytest.approx([800 / 0.35, 2_000])
    assert instance.building_gpus.tolist() == [8_000, 8_000]
    assert instance.hall_capacity_gpus[0] == 16_000
    # the 2,000 beyond those of the first building pass two days of the racks, from day 50 on
    assert ready(instance)[0] == replayed(instance) == 53
    assert ready(instance)[1] == "rack installation"
    assert instance.queue_relaxed_day[0, 0, QUEUES.index("roofs or power rooms")] == 21


def test_one_site_of_several_has_buildings(tmp_path: Path) -> None:
    data = loaded(tmp_path, buildings=[HALL | {"area_m2": 3_500, "roof_day": 40}])
    assert [ready(data.instance.take(np.array([s])))[0] for s in range(2)] == [21, 51]
    assert data.only("beta").instance.building_day.tolist() == [40]
    sooner = data.with_changes([Change("buildings", "beta", "day", 25.0)])
    assert ready(beta(sooner))[0] == 36
    assert beta(data.with_changes([Change("buildings", "beta", "day", 90.0)])).building_day.tolist() == [40]


def test_all_buildings_share_the_teams_of_the_site(tmp_path: Path) -> None:
    two = [HALL, HALL | {"building_id": "west"}]
    instance = beta(loaded(tmp_path, ["building.site_fitout_m2_per_day=70"], two))
    # 3,500 m2 at 70 a day from day 5 on
    assert ready(instance) == (56, "site fit-out")
    assert instance.queue_relaxed_day[0, 0, QUEUES.index("site fit-out")] == 21
    assert replayed(instance) == 56


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([HALL, HALL], Code.DUPLICATE, "an id that no other building of beta has"),
        ([HALL | {"roof_day": 3, "roof_date": "2025-02-01"}], Code.EITHER_OR, "either roof_day or roof_date"),
        ([HALL | {"area_m2": ""}], Code.BLANK, "area_m2"),
        ([HALL | {"site_id": "betta"}], Code.STRANGER, "beta"),
    ],
    ids=["twice", "day and date", "no area", "stranger"],
)
def test_wrong_buildings_are_told(tmp_path: Path, rows: list[Row], code: Code, said: str) -> None:
    with pytest.raises(InputError) as told:
        loaded(tmp_path, buildings=rows)
    assert [issue.code for issue in told.value.issues] == [code]
    assert said in str(told.value)


def test_shells_have_their_roofs_one_after_the_other() -> None:
    assert ShellType("membrane", 1.0, 20, 2, 5).later_days(5).tolist() == [0, 5, 20, 25, 40]


def test_a_site_without_a_hall_builds_shells_of_the_best_type(tmp_path: Path) -> None:
    # 50,000 m2: 23 membranes of 6,000 GPUs, or 11 of 12,000 in tilt-up; 150 m2 a day are 429 GPUs for each shell
    instance = beta(loaded(tmp_path, [MEMBRANE, TILT_UP], sites=GREEN))
    assert [shell.name for shell in instance.shells] == ["membrane", "tilt_up"]
    assert instance.option_count.tolist() == [23, 11]
    assert instance.hall_capacity_gpus[0] == 138_000
    days = instance.option_ready_day[:, 0].tolist()
    assert days == [replayed(instance, 0), replayed(instance, 1)]
    # two membranes, from days 35 and 40 on: 15 and 10 days at 429 GPUs a day; the first roof of tilt-up is on day 55
    assert ready(instance) == (51, "roofs or power rooms")
    assert days[0] == 51 < days[1]
    given = beta(loaded(tmp_path, [MEMBRANE, TILT_UP], sites=changed(GREEN, "site_id", "beta", shell_type="tilt_up")))
    assert given.option_ready_day[:, 0].tolist() == [days[1]]
    assert ready(given)[0] == days[1]


PRICED = MEMBRANE.replace("{", "{usd_per_m2=500,")


def test_shells_are_built_in_the_numbers_that_bring_the_gpus_sooner(tmp_path: Path) -> None:
    # 50 m2 a day are 143 GPUs in each shell, and the first roofs are there on days 35, 40, 55 and 60. Two shells of
    # 6,000 hold 10,000 GPUs, and take 38 days from day 35 on. A third one makes it 32, and a fourth one 30; the fifth
    # would be roofed on day 75
    settings = [PRICED, "building.fitout_m2_per_day.none=50"]
    instance = beta(loaded(tmp_path, settings, sites=GREEN))
    assert instance.option_count.tolist() == [2, 3, 4]
    assert instance.option_cost_musd.tolist() == pytest.approx([2 * 1.05, 3 * 1.05, 4 * 1.05])
    days = instance.option_ready_day[:, 0].tolist()
    assert days == [73 + 1, 67 + 1, 65 + 1] == [replayed(instance, number) for number in range(3)]
    # what does not cost is built as far as there is room, on the same day as with four
    free = beta(loaded(tmp_path, [MEMBRANE, *settings[1:]], sites=GREEN))
    assert (free.option_count.tolist(), free.option_ready_day[:, 0].tolist()) == ([23], [days[-1]])
    assert free.hall_capacity_gpus[0] == instance.hall_capacity_gpus[0] == 138_000


def test_more_room_for_shells_and_fewer_gpus_are_never_worse(tmp_path: Path) -> None:
    """Of the shells that keep some days, the cheapest ones cost no more."""

    def least(area_m2: int, gpus: int) -> list[float]:
        sites = changed(GREEN, "site_id", "beta", floor_area_m2=area_m2)
        settings = [PRICED, "building.fitout_m2_per_day.none=50", f"milestones.0.gpus={gpus}"]
        one = beta(loaded(tmp_path, settings, sites=sites))
        days = range(60, 200)
        return [float(one.shells_musd(np.array([[day]]))[0]) if one.options_by([day]).any() else np.inf for day in days]

    known = [
        least(4_300, 10_000),
        least(6_400, 10_000),
        least(50_000, 10_000),
        least(50_000, 9_000),
        least(50_000, 100),
    ]
    for worse, better in itertools.pairwise(known):
        assert all(one >= other for one, other in zip(worse, better, strict=True))
    assert known[0] != known[1] != known[2] != known[3]


def test_what_it_costs_to_make_a_site_ready(tmp_path: Path) -> None:
    """10 MW in 3,500 m2 of hall: alpha is sound, and beta a green field with shells, without, or with a building."""
    costs = {"sound_usd_per_m2": 100, "none_usd_per_m2": 1000, "fitout_usd_per_mw": 2e6, "liquid_loop_usd_per_mw": 5e5}
    costs |= {"plant_site_works_usd_per_mw": 1e4, "raw_site_works_usd_per_mw": 1e6}
    settings = [f"building.costs.{name}={value}" for name, value in costs.items()]
    built = loaded(tmp_path, [PRICED, *settings], sites=GREEN).instance
    assert built.works_musd[0].tolist() == pytest.approx([0.35, 20, 5, 0.1])
    assert built.works_musd[1].tolist() == pytest.approx([0, 20, 5, 10])
    assert built.shells_musd().tolist() == pytest.approx([0, 2 * 1.05])
    bare = beta(loaded(tmp_path, settings, sites=GREEN))
    assert bare.works_musd[0].tolist() == pytest.approx([3.5, 20, 5, 10])
    # two buildings of 8,000 GPUs each, one of them with twice the area for a GPU: 10,000 of 16,000 GPUs
    rows = [HALL, {**HALL, "building_id": "west", "area_m2": 5_600, "hall_m2_per_mw": 700}]
    table = beta(loaded(tmp_path, [PRICED, *settings], rows, sites=GREEN))
    assert table.works_musd[0, 0] == pytest.approx(8_400 * 10 / 16 * 1000 / 1e6)
    assert len(table.option_site) == 0
    # a condition that is unknown, since the rate of fit-out is known, is that of the defaults, or sound
    sites = changed(SITES, "site_id", "beta", condition="", fitout_m2_per_day=500)
    assert beta(loaded(tmp_path, settings, sites=sites)).works_musd[0, 0] == pytest.approx(0.35)
    poor = [*settings, 'defaults.condition="poor"', "building.costs.poor_usd_per_m2=400"]
    assert beta(loaded(tmp_path, poor, sites=sites)).works_musd[0, 0] == pytest.approx(1.4)


def test_without_types_of_shells_a_green_field_is_a_hall_as_before(tmp_path: Path) -> None:
    plain = beta(loaded(tmp_path, sites=GREEN))
    assert len(plain.option_site) == 0
    assert ready(plain) == (5 + 24 + 1, "halls")


def test_a_type_of_shells_may_have_a_lag_of_its_own(tmp_path: Path) -> None:
    settings = [MEMBRANE, TILT_UP, "building.fitout_lag_days.none=30", "building.shells.tilt_up.fitout_lag_days=4"]
    instance = beta(loaded(tmp_path, settings, sites=GREEN))
    # handover on day 5, permits of 10 days, shells of 20 and 40; then the lag
    assert instance.option_day.tolist() == [5 + 10 + 20 + 30, 5 + 10 + 40 + 4]
    # 4,200 m2 a shell: 429 GPUs a day in each of them, from day 59 and day 99 on; the racks need 10 days from day 59
    assert instance.option_ready_day[1, 0] == replayed(instance, 1) == 59 + 24 + 1


def test_a_site_may_have_permits_of_its_own(tmp_path: Path) -> None:
    in_hand = changed(GREEN, "site_id", "beta", shell_permit_days=0)
    instance = beta(loaded(tmp_path, [MEMBRANE, TILT_UP], sites=in_hand))
    assert instance.option_day.tolist() == [25, 45]
    # ten days sooner than with the permits of the types
    assert ready(instance) == (41, "roofs or power rooms")
    assert replayed(instance) == 41
    # without the roofs, and so without the permits, shells are fitted out from the handover on
    plain = beta(loaded(tmp_path, [MEMBRANE, TILT_UP], sites=GREEN))
    roofs = QUEUES.index("roofs or power rooms")
    assert instance.queue_relaxed_day[0, 0, roofs] == plain.queue_relaxed_day[0, 0, roofs] == 21


def test_shells_in_shifts_take_fewer_days(tmp_path: Path) -> None:
    # two shifts do 1.9 times the work of one: 20 and 5 days become 11 and 3; permits stay
    settings = [MEMBRANE, TILT_UP, "building.shell_shifts=2"]
    instance = beta(loaded(tmp_path, settings, sites=GREEN))
    assert [(one.shell_days, one.offset_days) for one in instance.shells] == [(11, 3), (22, 0)]
    assert instance.option_day.tolist() == [5 + 10 + 11, 5 + 10 + 22]
    # 429 GPUs a day in each shell, from days 26, 29 and 37 on: 8,143 by day 37, and 1,286 a day from then on
    assert ready(instance) == (37 + 2 + 1, "roofs or power rooms")
    assert replayed(instance) == 40
    # three shifts on seven days a week
    settings = [MEMBRANE, "building.shell_shifts=3", "building.working_days_per_week=7"]
    assert beta(loaded(tmp_path, settings, sites=GREEN)).shells[0].shell_days == 6  # 20 / (2.7 x 7 / 5) = 5.3


def test_fit_out_in_shifts_is_faster(tmp_path: Path) -> None:
    slow = ["building.fitout_lag_days.sound=30", "building.fitout_m2_per_day.sound=70"]
    # 30 days, then 3,500 m2 at 70 a day
    assert ready(beta(loaded(tmp_path, slow))) == (5 + 30 + 50 + 1, "halls")
    two = [*slow, "building.fitout_shifts=2"]
    instance = beta(loaded(tmp_path, two))
    assert (int(instance.hall_day[0]), ready(instance)) == (5 + 16, (5 + 16 + 27 + 1, "halls"))
    assert replayed(instance) == 49
    # the share of the second shift is that of the crews
    assert beta(loaded(tmp_path, [*two, "crews.second_shift_productivity=0.5"])).hall_day[0] == 5 + 20
    # buildings with a rate of their own, all buildings together, and the liquid loop
    east = HALL | {"fitout_m2_per_day": 100}
    instance = beta(loaded(tmp_path, ["building.site_fitout_m2_per_day=70", "building.fitout_shifts=3"], [east]))
    assert instance.building_gpus_per_day == pytest.approx([2.7 * 100 / 0.35])
    assert instance.pace.site_fitout_per_day == pytest.approx(2.7 * 70 / 0.35)
    assert instance.pace.loop_per_day == pytest.approx(2.7 * 3_000)


def test_a_gutted_hall_has_its_own_days_and_rate(tmp_path: Path) -> None:
    gutted = changed(SITES, "site_id", "beta", condition="gutted")
    # all within it is new: 150 m2 a day, as in new shells
    assert ready(beta(loaded(tmp_path, sites=gutted))) == (5 + 24 + 1, "halls")
    settings = ["building.fitout_m2_per_day.gutted=100", "building.fitout_lag_days.gutted=40"]
    instance = beta(loaded(tmp_path, settings, sites=gutted))
    assert (int(instance.hall_day[0]), ready(instance)) == (45, (45 + 35 + 1, "roofs or power rooms"))
    assert replayed(instance) == 81


@many(15)
@given(
    st.sampled_from([None, 0, 7, 30]),
    st.sampled_from([None, 0, 11]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(4, 7),
)
def test_shells_are_as_in_the_replay_and_more_work_is_never_later(
    tmp_path_factory: pytest.TempPathFactory,
    permit: int | None,
    lag: int | None,
    shell_shifts: int,
    fitout_shifts: int,
    days: int,
) -> None:
    def instance(*more: str) -> Instance:
        own = [f"building.shells.membrane.fitout_lag_days={lag}"] if lag is not None else []
        sites = changed(GREEN, "site_id", "beta", shell_permit_days="" if permit is None else permit)
        said = [MEMBRANE, TILT_UP, "building.fitout_lag_days.none=20", *own, *more]
        return beta(loaded(tmp_path_factory.mktemp("world"), said, sites=sites))

    shifts = [f"building.shell_shifts={shell_shifts}", f"building.fitout_shifts={fitout_shifts}"]
    found = instance(*shifts, f"building.working_days_per_week={days}")
    assert found.option_ready_day[:, 0].tolist() == [replayed(found, 0), replayed(found, 1)]
    least = instance("building.working_days_per_week=4")
    assert (found.option_ready_day <= least.option_ready_day).all()


def test_a_site_without_room_for_a_shell_cannot_serve(tmp_path: Path) -> None:
    small = changed(GREEN, "site_id", "beta", floor_area_m2=4_000)
    assert ready(beta(loaded(tmp_path, [TILT_UP], sites=small))) == (NEVER, "floor area")


def test_a_type_that_the_scenario_lacks_is_told(tmp_path: Path) -> None:
    sites = changed(GREEN, "site_id", "beta", shell_type="modular")
    with pytest.raises(InputError, match=r"shell_type: found 'modular', expected one of the types .*: membrane"):
        loaded(tmp_path, [MEMBRANE], sites=sites)
    assert len(loaded(tmp_path, sites=sites).instance.option_site) == 0


def test_gpus_are_commissioned_after_the_network(tmp_path: Path) -> None:
    instance = beta(loaded(tmp_path, ["supply.commissioning_mw_per_day=0.5"]))
    assert instance.commissioning_mw_per_day == 0.5
    assert ready(instance) == (10 + 20 + 1, "commissioning")
    assert instance.queue_relaxed_day[0, 0, QUEUES.index("commissioning")] == 21


def test_crews_may_have_a_calendar(tmp_path: Path) -> None:
    settings = ["crews.electrical=[{day=10,crews=4},{day=30,crews=8}]", "crews.mechanical=2"]
    instance = loaded(tmp_path, settings).instance
    assert instance.crew_day.tolist() == [0, 10, 30]
    assert instance.crews.tolist() == [[0, 4, 8], [2, 2, 2]]
    assert instance.crew_days_within(0, 5, np.array([3, 20, 40])).tolist() == [0, 40, 160]


def test_shifts_and_working_days_are_a_factor(tmp_path: Path) -> None:
    instance = loaded(tmp_path, ["crews.shifts=2", "crews.working_days_per_week=5"]).instance
    assert instance.crews == pytest.approx(np.full((2, 1), 10 * 1.9 * 5 / 7))


def test_days_of_crews_must_rise(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"crews.electrical: expected days that rise .*30, 10"):
        loaded(tmp_path, ["crews.electrical=[{day=30,crews=4},{day=10,crews=8}]"])


def test_a_live_feed_needs_no_commissioning(tmp_path: Path) -> None:
    step = {"site_id": "beta", "ready_day": 60, "grid_mw": 30}
    for answer, expected in (("", 28), ("no", 28), ("yes", 0)):
        assert beta(loaded(tmp_path, steps=[step | {"live_feed": answer}])).step_commissioned_mw.tolist() == [expected]


@given(st.integers(0, 40), st.integers(1, 4), st.integers(0, 9), st.integers(1, 30))
def test_every_shell_has_a_roof_no_sooner_than_the_one_before_it_there(
    shell: int, parallel: int, offset: int, count: int
) -> None:
    later = ShellType("membrane", 1.0, shell, parallel, offset).later_days(count)
    assert (np.diff(later[::parallel]) == shell).all()
    assert later.min() == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("crews.electrical=[{day=0,crews=-1}]", "crews.electrical.0: found '-1', expected at least 0 [E304]"),
        ('crews.electrical="many"', "crews.electrical: found 'many', expected a number, or a list in square brackets"),
        (
            "building.shells.igloo={area_m2=900,permit_days=1,shell_days=1}",
            "building.shells: found 'igloo', expected 'tilt_up', 'metal_building'",
        ),
        ("building.shells.membrane={area_m2=2000,permit_days=1}", "building.shells.membrane.shell_days: missing key"),
        ("building.fitout_shifts=4", "building.fitout_shifts: found '4', expected at most 3"),
        ("building.working_days_per_week=8", "building.working_days_per_week: found '8', expected at most 7"),
        ("building.fitout_lag_days.gutted=-1", "building.fitout_lag_days.gutted: found '-1', expected at least 0"),
    ],
)
def test_wrong_crews_and_shells_are_told(tmp_path: Path, setting: str, said: str) -> None:
    with pytest.raises(InputError) as told:
        loaded(tmp_path, [setting])
    assert said in str(told.value)
    assert len(told.value.issues) == 1
