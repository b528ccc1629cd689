"""Commissioning day by day: by hand, and against the rows of the MILP."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siteopt.simulate.commissioning import commissioned_days
from tests.instances import battery, cdu, chiller, generator, substation, tiny

NO_STEP = np.zeros((0, 2), dtype=bool)


def days(instance: object, offer: list[int], milestone: list[int], ready: list[int]) -> list[int]:
    arrays = (np.array(values, dtype=np.int64) for values in (offer, milestone, ready))
    return commissioned_days(instance, *arrays, NO_STEP)[0].tolist()  # type: ignore[arg-type]


def test_without_a_limit_nothing_waits() -> None:
    assert days(tiny([generator()], it_mw=[1.0, 2.0]), [0, 0], [0, 1], [3, 5]) == [3, 5]


def test_one_after_the_other_and_the_first_milestone_first() -> None:
    # 3 MW each at 2 MW a day; a unit for the first milestone comes before what is left of one for the second
    instance = tiny([generator(rating_mw=3.0)], it_mw=[1.0, 2.0], commissioning_mw_per_day=2.0)
    assert days(instance, [0, 0], [1, 0], [3, 4]) == [6, 6]
    assert days(instance, [0, 0], [0, 1], [3, 4]) == [5, 6]


def test_each_stage_has_a_team_of_its_own() -> None:
    # each needs two days of its own team; a second generator, whoever installs it, waits for the first
    offers = [one(rating_mw=4.0) for one in (generator, substation, battery, chiller, cdu)]
    offers.append(generator(rating_mw=4.0, trade="mechanical"))
    instance = tiny(offers, it_mw=[1.0, 2.0], commissioning_mw_per_day=2.0)
    assert days(instance, [0, 1, 2, 3, 4, 5], [0] * 6, [3] * 6) == [5, 5, 5, 5, 5, 7]


def test_steps_stand_beside_generators() -> None:
    step = {"site": 0, "ready_day": 10, "rise_mw": 150.0}
    instance = tiny([generator()], steps=[step], commissioning_mw_per_day=5.0)
    none = np.zeros(0, dtype=np.int64)
    assert commissioned_days(instance, none, none, none, np.array([[True]]))[1].tolist() == [40]
    assert commissioned_days(instance, none, none, none, np.array([[False]]))[1].tolist() == [10]
    # a generator of 1 MW that is ready with the step, and comes first
    one = np.zeros(1, dtype=np.int64)
    units, steps = commissioned_days(instance, one, one, one + 10, np.array([[True]]))
    assert (units.tolist(), steps.tolist()) == ([11], [41])


jobs = st.tuples(st.integers(0, 1), st.integers(0, 12), st.sampled_from([0.5, 1.0, 2.5, 4.0]))


@given(st.lists(jobs, min_size=1, max_size=6), st.sampled_from([0.7, 1.0, 3.0]))
def test_each_milestone_is_done_on_the_first_day_that_the_rows_allow(
    few: list[tuple[int, int, float]], rate: float
) -> None:
    """With the first milestone on its first day, the second is on its own, as in an earliest-deadline schedule."""
    offers = [generator(rating_mw=mw) for _, _, mw in few]
    instance = tiny(offers, it_mw=[1.0, 2.0], commissioning_mw_per_day=rate)
    found = np.array(days(instance, list(range(len(few))), [m for m, _, _ in few], [day for _, day, _ in few]))
    for m in range(2):
        mine = [(day, mw) for of, day, mw in few if of <= m]
        first = [day + int(np.ceil(sum(w for d, w in mine if d >= day) / rate - 1e-9)) for day, _ in mine]
        done = [day for day, (of, _, _) in zip(found.tolist(), few, strict=True) if of <= m]
        assert max(done, default=0) == max(first, default=0)
