"""Whole crews: by hand, rules that hold always, and every sequence of a few units."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import NEVER, TRADES, Instance
from siteopt.simulate.crews import Install, Schedule, Shift, install
from siteopt.simulate.orders import Orders
from tests.instances import chiller, generator, tiny


def orders(*units: list[int]) -> Orders:
    table = np.array(units, dtype=np.int64)
    return Orders(np.zeros(table.shape[1], dtype=np.int64), table, np.zeros((0, table.shape[1]), dtype=bool))


def scheduled(offers: list[dict[str, Any]], electrical: float, *units: list[int]) -> tuple[Schedule, list[Install]]:
    instance = tiny(offers, it_mw=[1.0] * len(units[0]), crews=np.array([electrical, 2.0]))
    schedule = install(instance, orders(*units))
    return schedule, list(schedule.installs)


def test_gang_and_days_by_hand() -> None:
    # 5 crew-days in 2 days: 3 crews, of which 2 stay for the second day; on site on day 4, so ready on day 6
    _, (one,) = scheduled([generator(crew_days=4.5, install_days=2, arrival_day=4, transit_days=3)], 10, [1])
    assert (one.leaves_day, one.arrives_day, one.start_day, one.ready_day) == (1, 4, 4, 6)
    assert one.shifts == (Shift(1, 4, 5), Shift(2, 4, 5), Shift(3, 4, 4))


def test_fewer_crews_than_a_gang_take_longer() -> None:
    # 7 crew-days in 1 day would take 7 crews; 3 take 3 days, and on the third only one is needed
    _, (one,) = scheduled([generator(crew_days=7.0, install_days=1)], 3.9, [1])
    assert (one.start_day, one.ready_day, one.soonest_day) == (0, 3, 3)
    assert one.shifts == (Shift(1, 0, 2), Shift(2, 0, 1), Shift(3, 0, 1))


def test_units_wait_for_crews() -> None:
    # one crew for 3 days each: 2 crews have two units at a time; 9 crew-days by 2 crews are 5 days
    schedule, found = scheduled([generator(crew_days=3.0, install_days=3)], 2, [3])
    assert [one.start_day for one in found] == [0, 0, 3]
    assert [one.ready_day for one in found] == [3, 3, 6]
    assert schedule.bound_day.tolist() == [5]


def test_smaller_gangs_where_that_is_sooner() -> None:
    # 2 crews for 2 days each would be one unit at a time, 6 days in all; one crew each for 4 days is what the pool does
    schedule, found = scheduled([generator(crew_days=4.0, install_days=2)], 3, [3])
    assert [(one.start_day, one.ready_day, one.soonest_day) for one in found] == [(0, 4, 2)] * 3
    assert [one.shifts for one in found] == [(Shift(crew, 0, 3),) for crew in (1, 2, 3)]
    assert schedule.bound_day.tolist() == [4]


def test_ten_units_of_four_crews_by_thirty() -> None:
    # 25 crew-days in 7 days: 7 units at a time by gangs of 4, 14 days; all ten by gangs of 3 are 9 days
    schedule, found = scheduled([generator(crew_days=25.0, install_days=7)], 30, [10])
    assert {(one.start_day, one.ready_day) for one in found} == {(0, 9)}
    assert schedule.bound_day.tolist() == [9]


def test_the_first_milestone_comes_first() -> None:
    # one crew, 2 days a unit; the unit of the second milestone is there on day 0, that of the first on day 1
    offers = [generator(crew_days=2.0, install_days=2), generator(crew_days=2.0, install_days=2, arrival_day=1)]
    schedule, found = scheduled(offers, 1, [0, 1], [1, 1])
    assert [(one.milestone, one.start_day) for one in found] == [(1, 3), (0, 1)]
    assert schedule.bound_day.tolist() == [3, 4]


def test_without_work_no_crew_is_needed() -> None:
    schedule, (one,) = scheduled([generator(install_days=3, arrival_day=2)], 0, [1])
    assert (one.ready_day, one.shifts) == (5, ())
    assert schedule.bound_day.tolist() == [5]


def test_without_crews_work_is_never_done() -> None:
    schedule, (one,) = scheduled([generator(crew_days=1.0)], 0.9, [1])
    assert (one.start_day, one.ready_day, one.soonest_day, one.shifts) == (NEVER, NEVER, NEVER, ())
    assert schedule.bound_day.tolist() == [NEVER]


def test_without_a_limit_every_unit_is_done_at_once() -> None:
    _, found = scheduled([generator(crew_days=4.0, install_days=2)], np.inf, [5])
    assert {(one.start_day, one.ready_day) for one in found} == {(0, 2)}
    assert {shift.crew for one in found for shift in one.shifts} == set(range(1, 11))


def test_trades_do_not_wait_for_each_other() -> None:
    offers = [generator(crew_days=4.0, install_days=2), chiller(crew_days=4.0, install_days=2)]
    _, found = scheduled(offers, 2, [1], [1])
    assert [(one.trade, one.start_day) for one in found] == [(0, 0), (1, 0)]
    assert [[shift.crew for shift in one.shifts] for one in found] == [[1, 2], [1, 2]]


def test_work_within_a_day_takes_the_day() -> None:
    _, (one,) = scheduled([generator(crew_days=0.5, install_days=0)], 1, [1])
    assert one.ready_day == 1


@st.composite
def worlds(draw: st.DrawFn, units: int = 8) -> tuple[Instance, Orders]:
    """Up to four offers of both trades, two milestones, and so many units of each."""
    offers, table = [], []
    for _ in range(draw(st.integers(1, 4))):
        offers.append(
            generator(
                trade=draw(st.sampled_from(TRADES)),
                crew_days=draw(st.sampled_from([0.0, 0.5, 1.0, 3.0, 4.0, 7.0])),
                install_days=draw(st.integers(0, 4)),
                arrival_day=draw(st.integers(0, 9)),
            )
        )
        table.append(sorted([draw(st.integers(0, units)), draw(st.integers(0, units))]))
    periods = [0, *sorted(draw(st.sets(st.integers(1, 12), max_size=2)))]
    numbers = st.lists(st.sampled_from([1.0, 2.5, 3.0, 5.0]), min_size=len(periods), max_size=len(periods))
    crews = np.array([draw(st.one_of(numbers, st.just([np.inf] * len(periods)))) for _ in TRADES])
    return tiny(offers, it_mw=[1.0, 2.0], crew_day=np.array(periods), crews=crews), orders(*table)


@given(worlds())
def test_rules_hold(world: tuple[Instance, Orders]) -> None:
    instance, ordered = world
    schedule = install(instance, ordered)
    busy: set[tuple[int, int, int]] = set()
    assert len(schedule.installs) == ordered.units[:, -1].sum()
    for one in schedule.installs:
        work = math.ceil(instance.crew_days[one.offer])
        assert one.trade == instance.trade[one.offer]
        assert one.milestone == (0 if one.unit <= ordered.units[one.offer, 0] else 1)
        assert one.arrives_day == instance.arrival_day[0, one.offer] <= one.start_day
        assert one.soonest_day <= one.ready_day
        assert one.ready_day - one.start_day >= instance.ready_day[0, one.offer] - one.arrives_day
        assert sum(shift.last_day - shift.first_day + 1 for shift in one.shifts) == work
        for shift in one.shifts:
            assert one.start_day == shift.first_day <= shift.last_day < one.ready_day
            assert 1 <= shift.crew <= instance.crews[one.trade].max()
            days = {(one.trade, shift.crew, day) for day in range(shift.first_day, shift.last_day + 1)}
            assert not days & busy
            busy |= days
    for trade, day in {(trade, day) for trade, _, day in busy}:
        there = instance.crews[trade][instance.crew_day <= day][-1]
        assert sum((trade, crew, day) in busy for crew in range(1, 50)) <= there
    for m in range(2):
        last = max((one.ready_day for one in schedule.installs if one.milestone <= m), default=0)
        assert schedule.bound_day[m] <= last


@given(worlds(), st.data())
def test_more_crews_never_raise_the_bound(world: tuple[Instance, Orders], data: st.DataObject) -> None:
    instance, ordered = world
    more = tiny(
        [
            generator(
                trade=TRADES[instance.trade[o]],
                crew_days=instance.crew_days[o],
                install_days=instance.ready_day[0, o] - instance.arrival_day[0, o],
                arrival_day=instance.arrival_day[0, o],
            )
            for o in range(instance.offers)
        ],
        it_mw=[1.0, 2.0],
        crew_day=instance.crew_day,
        crews=instance.crews + data.draw(st.integers(1, 5)),
    )
    assert (install(more, ordered).bound_day <= install(instance, ordered).bound_day).all()


def least_last_day(instance: Instance, schedule: Schedule, crews: int, late: int) -> int:
    """Least last ready day of all units, by trying every start of every unit up to ``late`` days after its arrival."""
    least = NEVER
    work = [[shift.last_day - shift.first_day + 1 for shift in one.shifts] for one in schedule.installs]
    days = [one.ready_day - one.start_day for one in schedule.installs]
    for waits in product(range(late + 1), repeat=len(schedule.installs)):
        starts = [one.arrives_day + wait for one, wait in zip(schedule.installs, waits, strict=True)]
        on_day = np.zeros(60, dtype=np.int64)
        for start, mine in zip(starts, work, strict=True):
            for length in mine:
                on_day[start : start + length] += 1
        if on_day.max() <= crews:
            least = min(least, max(start + length for start, length in zip(starts, days, strict=True)))
    return least


jobs = st.tuples(st.integers(0, 4), st.sampled_from([1.0, 2.0, 3.0, 5.0]), st.integers(1, 3))


@given(st.lists(jobs, min_size=1, max_size=3), st.integers(1, 3))
def test_no_sequence_beats_the_bound(few: list[tuple[int, float, int]], crews: int) -> None:
    offers = [generator(arrival_day=day, crew_days=work, install_days=long) for day, work, long in few]
    instance = tiny(offers, crews=np.array([float(crews), 0.0]))
    schedule = install(instance, orders(*[[1]] * len(few)))
    found = max(one.ready_day for one in schedule.installs)
    late = max(one.start_day - one.arrives_day for one in schedule.installs) + 1
    least = least_last_day(instance, schedule, crews, late)
    assert schedule.bound_day[0] <= least <= found
    assert found <= least + 2  # a list of six rules is not far off with three units


@pytest.mark.parametrize("crews", [1, 2, 3])
def test_alike_units_are_sequenced_as_well_as_can_be(crews: int) -> None:
    # three units of 2 crew-days in 2 days, a crew each
    instance = tiny([generator(crew_days=2.0, install_days=2, arrival_day=1)], crews=np.array([float(crews), 0.0]))
    schedule = install(instance, orders([3]))
    assert max(one.ready_day for one in schedule.installs) == least_last_day(instance, schedule, crews, 4)


def test_crews_that_come_later_work_later() -> None:
    # three units of 4 crew-days, a crew each for 4 days: one crew from day 1, three from day 3 on
    offer = generator(crew_days=4.0, install_days=4, arrival_day=1)
    instance = tiny([offer], crew_day=np.array([0, 3]), crews=np.array([[1.0, 3.0], [0.0, 0.0]]))
    schedule = install(instance, orders([3]))
    assert sorted(one.ready_day for one in schedule.installs) == [5, 7, 7]
    # 12 crew-days from day 1 on: 2 until day 3, and 3 a day
    assert schedule.bound_day[0] == 7


def test_crews_that_leave_are_missed() -> None:
    # two crews until day 2, then none: the third unit is never installed
    instance = tiny(
        [generator(crew_days=1.0, install_days=1)], crew_day=np.array([0, 1]), crews=np.array([[2.0, 0.0], [0.0, 0.0]])
    )
    days = sorted(one.ready_day for one in install(instance, orders([3])).installs)
    assert days == [1, 1, NEVER]
