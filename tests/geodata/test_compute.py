"""The closed form of the compute queues against a replay day by day."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siteopt.geodata.compute import compute_ready, queue_relaxed
from siteopt.instance import NEVER, QUEUES, Pace
from siteopt.simulate.queues import follow_queues


def replay(gpus: float, handover: int, halls: float, floor: float, pace: Pace) -> int:
    """First day at whose start the GPUs have passed all queues, by simulation."""
    return min(NEVER, follow_queues(handover, halls, floor, pace, gpus).networked_day(gpus) + pace.bringup_days)


rates = st.integers(1, 40).map(float)


@st.composite
def paces(draw: st.DrawFn) -> Pace:
    days = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=5)))
    steps = draw(st.lists(st.integers(1, 60), min_size=len(days), max_size=len(days)))
    return Pace(np.array(days), np.cumsum(steps), draw(rates), draw(rates), draw(rates), draw(st.integers(0, 5)))


@given(paces(), st.integers(1, 200), st.integers(0, 40), rates, st.integers(1, 300))
def test_closed_form_is_the_replay(pace: Pace, gpus: int, handover: int, halls: float, floor: int) -> None:
    day, queue = compute_ready([gpus], [handover], [halls], [floor], pace)
    assert day[0, 0] == replay(gpus, handover, halls, floor, pace)
    assert 0 <= queue[0, 0] < len(QUEUES)


def ladder(*steps: tuple[int, int], racks: float = 100.0, network: float = 1000.0) -> Pace:
    return Pace(np.array([d for d, _ in steps]), np.array([g for _, g in steps]), 1000.0, racks, network, 2)


def test_racks_follow_the_first_delivery() -> None:
    # 500 GPUs on day 10 at 100 a day: racked on day 15, up on day 17
    day, queue = compute_ready([500], [0], [1000.0], [9999.0], ladder((10, 500)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (17, "GPU deliveries")


def test_racks_are_slow() -> None:
    # at 10 a day it takes longer to rack them than it took to have them
    day, queue = compute_ready([500], [0], [1000.0], [9999.0], ladder((10, 500), racks=10.0))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (62, "rack installation")


def test_second_delivery_is_waited_for() -> None:
    # 100 of the second delivery on day 30 take one day
    day, queue = compute_ready([600], [0], [1000.0], [9999.0], ladder((10, 500), (30, 600)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (33, "GPU deliveries")


def test_halls_are_slow() -> None:
    # halls for 20 GPUs a day from day 5: 500 on day 30
    day, queue = compute_ready([500], [5], [20.0], [9999.0], ladder((0, 500)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (32, "halls")


def test_network_is_slow() -> None:
    day, queue = compute_ready([500], [0], [1000.0], [9999.0], ladder((10, 500), network=25.0))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (32, "network")


def test_floor_and_deliveries_that_do_not_suffice() -> None:
    day, queue = compute_ready([500, 900], [0], [1000.0], [800.0], ladder((0, 600)))
    assert list(day[0]) == [7, NEVER]
    assert QUEUES[queue[0, 1]] == "floor area"
    day, queue = compute_ready([900], [0], [1000.0], [1800.0], ladder((0, 600)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (NEVER, "GPU deliveries")


def test_rounding_of_rates_costs_no_day() -> None:
    pace = Pace(np.array([0]), np.array([300]), 1000.0, 0.1 * 3, 1000.0, 0)
    day, _ = compute_ready([3], [0], [1000.0], [1000.0], pace)
    assert day[0, 0] == 10


def test_each_queue_may_be_free() -> None:
    # 500 GPUs: delivered on day 10, racked at 100 a day; halls of 40 a day from day 5 end on day 18; 2 days of bring-up
    pace = ladder((10, 500))
    day, _ = compute_ready([500], [5], [40.0], [9999.0], pace)
    relaxed = queue_relaxed([500], [5], [40.0], [9999.0], pace)
    assert day[0, 0] == 20
    assert dict(zip(QUEUES, relaxed[0, 0].tolist(), strict=True)) == dict.fromkeys(QUEUES, 20) | {"halls": 17}


def test_a_free_floor_or_delivery_lifts_what_was_impossible() -> None:
    relaxed = queue_relaxed([500, 900], [0], [1000.0], [800.0], ladder((4, 600)))
    assert relaxed[0, 1, QUEUES.index("floor area")] == NEVER  # the deliveries fall short as well
    relaxed = queue_relaxed([500, 900], [0], [1000.0], [9999.0], ladder((4, 600)))
    assert relaxed[0, :, QUEUES.index("GPU deliveries")].tolist() == [7, 11]
    assert relaxed[0, 1, QUEUES.index("network")] == NEVER


@given(paces(), st.integers(1, 200), st.integers(0, 40), rates, st.integers(1, 300))
def test_a_free_queue_costs_no_day(pace: Pace, gpus: int, handover: int, halls: float, floor: int) -> None:
    day, _ = compute_ready([gpus], [handover], [halls], [floor], pace)
    assert (queue_relaxed([gpus], [handover], [halls], [floor], pace) <= day[:, :, None]).all()
