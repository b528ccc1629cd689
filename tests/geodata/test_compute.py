"""The closed form of the compute queues against a replay day by day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from siteopt.geodata.compute import Halls, compute_ready, queue_relaxed
from siteopt.instance import NEVER, QUEUES
from siteopt.pace import Pace
from siteopt.simulate.queues import Building, follow_queues


def replay(gpus: float, halls: Halls, pace: Pace) -> int:
    """First day at whose start the GPUs have passed all queues, by simulation."""
    rows = (halls.handover_day[0] + halls.roof_days[0], halls.gpus_per_day[0], halls.gpus[0])
    buildings = [Building(*row) for row in zip(*(row.tolist() for row in rows), strict=True)]
    return min(NEVER, follow_queues(buildings, pace, gpus).tested_day(gpus) + pace.bringup_days)


def one_hall(handover: int, rate: float, floor: float) -> Halls:
    return Halls.standing([handover], [0], [rate], [floor])


def relaxed_days(gpus: list[int], halls: Halls, pace: Pace) -> np.ndarray:
    return queue_relaxed(gpus, halls, pace, compute_ready(gpus, halls, pace)[0])


rates = st.integers(1, 40).map(float)
rooms = st.integers(1, 80).map(float)


@st.composite
def paces(draw: st.DrawFn) -> Pace:
    days = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=5)))
    steps = draw(st.lists(st.integers(1, 60), min_size=len(days), max_size=len(days)))
    few = (draw(rates) for _ in range(3))
    more = (draw(st.one_of(rates, st.just(np.inf))) for _ in range(2))
    return Pace(np.array(days), np.cumsum(steps), *few, draw(st.integers(0, 5)), *more)


@st.composite
def buildings(draw: st.DrawFn) -> Halls:
    """One to five buildings of a site, with roofs before and after each other."""
    count = draw(st.integers(1, 5))

    def some(values: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(values, min_size=count, max_size=count))

    roofs = np.array([some(st.integers(0, 60))])
    return Halls(np.array([draw(st.integers(0, 40))]), roofs, np.array([some(rates)]), np.array([some(rooms)]))


@given(paces(), st.integers(1, 200), st.integers(0, 40), rates, st.integers(1, 300))
def test_closed_form_is_the_replay(pace: Pace, gpus: int, handover: int, halls: float, floor: int) -> None:
    day, queue = compute_ready([gpus], one_hall(handover, halls, floor), pace)
    assert day[0, 0] == replay(gpus, one_hall(handover, halls, floor), pace)
    assert 0 <= queue[0, 0] < len(QUEUES)


def ladder(*steps: tuple[int, int], racks: float = 100.0, network: float = 1000.0) -> Pace:
    return Pace(np.array([d for d, _ in steps]), np.array([g for _, g in steps]), 1000.0, racks, network, 2)


def test_racks_follow_the_first_delivery() -> None:
    # 500 GPUs on day 10 at 100 a day: racked on day 15, up on day 17
    day, queue = compute_ready([500], one_hall(0, 1000.0, 9999.0), ladder((10, 500)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (17, "GPU deliveries")


def test_racks_are_slow() -> None:
    # at 10 a day it takes longer to rack them than it took to have them
    day, queue = compute_ready([500], one_hall(0, 1000.0, 9999.0), ladder((10, 500), racks=10.0))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (62, "rack installation")


def test_second_delivery_is_waited_for() -> None:
    # 100 of the second delivery on day 30 take one day
    day, queue = compute_ready([600], one_hall(0, 1000.0, 9999.0), ladder((10, 500), (30, 600)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (33, "GPU deliveries")


def test_halls_are_slow() -> None:
    # halls for 20 GPUs a day from day 5: 500 on day 30
    day, queue = compute_ready([500], one_hall(5, 20.0, 9999.0), ladder((0, 500)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (32, "halls")


def test_network_is_slow() -> None:
    day, queue = compute_ready([500], one_hall(0, 1000.0, 9999.0), ladder((10, 500), network=25.0))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (32, "network")


def test_floor_and_deliveries_that_do_not_suffice() -> None:
    day, queue = compute_ready([500, 900], one_hall(0, 1000.0, 800.0), ladder((0, 600)))
    assert list(day[0]) == [7, NEVER]
    assert QUEUES[queue[0, 1]] == "floor area"
    day, queue = compute_ready([900], one_hall(0, 1000.0, 1800.0), ladder((0, 600)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (NEVER, "GPU deliveries")


def test_rounding_of_rates_costs_no_day() -> None:
    pace = Pace(np.array([0]), np.array([300]), 1000.0, 0.1 * 3, 1000.0, 0)
    day, _ = compute_ready([3], one_hall(0, 1000.0, 1000.0), pace)
    assert day[0, 0] == 10


def test_each_queue_may_be_free() -> None:
    # 500 GPUs: delivered on day 10, racked at 100 a day; halls of 40 a day from day 5 end on day 18; 2 days of bring-up
    pace = ladder((10, 500))
    day, _ = compute_ready([500], one_hall(5, 40.0, 9999.0), pace)
    relaxed = relaxed_days([500], one_hall(5, 40.0, 9999.0), pace)
    assert day[0, 0] == 20
    assert dict(zip(QUEUES, relaxed[0, 0].tolist(), strict=True)) == dict.fromkeys(QUEUES, 20) | {"halls": 17}


def test_a_free_floor_or_delivery_lifts_what_was_impossible() -> None:
    relaxed = relaxed_days([500, 900], one_hall(0, 1000.0, 800.0), ladder((4, 600)))
    assert relaxed[0, 1, QUEUES.index("floor area")] == NEVER  # the deliveries fall short as well
    relaxed = relaxed_days([500, 900], one_hall(0, 1000.0, 9999.0), ladder((4, 600)))
    assert relaxed[0, :, QUEUES.index("GPU deliveries")].tolist() == [7, 11]
    assert relaxed[0, 1, QUEUES.index("network")] == NEVER


@given(paces(), st.integers(1, 200), st.integers(0, 40), rates, st.integers(1, 300))
def test_a_free_queue_costs_no_day(pace: Pace, gpus: int, handover: int, halls: float, floor: int) -> None:
    day, _ = compute_ready([gpus], one_hall(handover, halls, floor), pace)
    assert (relaxed_days([gpus], one_hall(handover, halls, floor), pace) <= day[:, :, None]).all()


@settings(max_examples=500)
@given(paces(), st.integers(1, 200), buildings())
def test_closed_form_of_buildings_is_the_replay(pace: Pace, gpus: int, halls: Halls) -> None:
    day, queue = compute_ready([gpus], halls, pace)
    assert day[0, 0] == replay(gpus, halls, pace)
    assert 0 <= queue[0, 0] < len(QUEUES)


@given(paces(), st.integers(1, 200), buildings())
def test_no_building_costs_a_day_if_a_queue_is_free(pace: Pace, gpus: int, halls: Halls) -> None:
    day, _ = compute_ready([gpus], halls, pace)
    assert (queue_relaxed([gpus], halls, pace, day) <= day[:, :, None]).all()


@given(paces(), st.integers(1, 200), buildings(), st.integers(0, 4), st.integers(1, 20))
def test_a_later_roof_never_helps(pace: Pace, gpus: int, halls: Halls, which: int, days: int) -> None:
    later = halls.roof_days.copy()
    later[0, which % later.shape[1]] += days
    assert (
        compute_ready([gpus], halls, pace)[0] <= compute_ready([gpus], replace(halls, roof_days=later), pace)[0]
    ).all()


@given(paces(), st.integers(1, 200), buildings())
def test_sites_with_the_same_buildings_share_them(pace: Pace, gpus: int, halls: Halls) -> None:
    two = replace(halls, handover_day=np.repeat(halls.handover_day, 2), set_of=np.array([0, 0]))
    alone, both = compute_ready([gpus], halls, pace), compute_ready([gpus], two, pace)
    for one, other in zip(alone, both, strict=True):
        assert (one[0] == other).all()


def side_by_side(*roofs: int, rate: float = 20.0, room: float = 200.0) -> Halls:
    """Buildings of 200 GPUs, each with 20 a day, on a site that is handed over on day 5."""
    size = (1, len(roofs))
    return Halls(np.array([5]), np.array([roofs]), np.full(size, rate), np.full(size, room))


def test_buildings_are_fitted_out_side_by_side() -> None:
    # from day 15 on 20 a day, from day 20 on 40 a day: 300 are there on day 15 + 5 + 5
    day, queue = compute_ready([300], side_by_side(10, 15), ladder((0, 900)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (27, "roofs or power rooms")


def test_a_site_fits_out_no_more_than_its_rate() -> None:
    # both roofs on day 5; 40 a day without the limit, 25 with it: 300 on day 17 in place of day 13
    pace = ladder((0, 900))
    for rate, expected, name in ((np.inf, 15, "halls"), (25.0, 19, "site fit-out")):
        day, queue = compute_ready([300], side_by_side(0, 0), replace(pace, site_fitout_per_day=rate))
        assert (day[0, 0], QUEUES[queue[0, 0]]) == (expected, name)


def test_after_the_last_roof_the_slowest_queue_decides() -> None:
    # 200 have passed at 20 a day when the second roof is there, on day 55; the other 100 take four days at 25
    day, queue = compute_ready([300], side_by_side(0, 50, rate=100.0), ladder((0, 900), racks=25.0))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (61, "rack installation")


def test_gpus_are_commissioned_at_a_rate() -> None:
    # racked at 100 a day from day 10 on; tested at 20 a day: 500 on day 35, up on day 37
    day, queue = compute_ready(
        [500], one_hall(0, 1000.0, 9999.0), replace(ladder((10, 500)), commissioning_per_day=20.0)
    )
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (37, "commissioning")
    assert (
        relaxed_days([500], one_hall(0, 1000.0, 9999.0), replace(ladder((10, 500)), commissioning_per_day=20.0))[
            0, 0, QUEUES.index("commissioning")
        ]
        == 17
    )


def test_roofs_are_not_there_at_the_handover() -> None:
    halls = Halls.standing([5], [30], [50.0], [900.0])
    day, queue = compute_ready([500], halls, ladder((0, 900)))
    assert (day[0, 0], QUEUES[queue[0, 0]]) == (47, "roofs or power rooms")
    assert queue_relaxed([500], halls, ladder((0, 900)), day)[0, 0, QUEUES.index("roofs or power rooms")] == 17
