"""The compute queues day by day: by hand, and against the closed form of the Instances."""

from __future__ import annotations

import numpy as np
import pytest

from siteopt.instance import NEVER, Instance
from siteopt.pace import Pace
from siteopt.simulate.queues import Building, Queues, buildings_of, follow_queues
from tests.instances import tiny


def follow(instance: Instance) -> Queues:
    return follow_queues(buildings_of(instance)[0], instance.pace, float(instance.gpus[-1]))


def ladder(*steps: tuple[int, int], loop: float = 1000.0, racks: float = 100.0, network: float = 1000.0) -> Pace:
    return Pace(np.array([d for d, _ in steps]), np.array([g for _, g in steps]), loop, racks, network, 2)


def test_by_hand() -> None:
    # halls of 40 a day from day 1; loop 30 a day; 50 delivered on day 2, 90 on day 4; racks 20 a day; network 25 a day
    found = follow_queues([Building(1, 40.0, 100.0)], ladder((2, 50), (4, 90), loop=30.0, racks=20.0, network=25.0))
    assert found.hall_gpus[:5].tolist() == [0, 0, 40, 80, 100]
    assert found.loop_gpus[:6].tolist() == [0, 0, 30, 60, 90, 100]
    assert found.delivered_gpus[:5].tolist() == [0, 0, 50, 50, 90]
    # racked on days 2, 3, 4, 5 and 10 on day 6, so 90 at the start of day 7
    assert found.racked_gpus.tolist() == [0, 0, 0, 20, 40, 60, 80, 90]
    assert found.networked_gpus.tolist() == found.racked_gpus.tolist()
    assert [found.tested_day(gpus) for gpus in (0, 20, 21, 90, 91)] == [0, 3, 4, 7, NEVER]


def test_nobody_asks_for_more() -> None:
    found = follow_queues([Building(0, 1000.0, np.inf)], ladder((0, 500)), 150.0)
    assert found.racked_gpus.tolist() == [0, 100, 200]


@pytest.mark.parametrize("queue", ["halls", "loop", "racks", "network"])
def test_a_queue_that_stands_still_ends(queue: str) -> None:
    rates = {name: 0.0 if name == queue else 10.0 for name in ("loop", "racks", "network")}
    found = follow_queues([Building(3, 0.0 if queue == "halls" else 10.0, np.inf)], ladder((5, 50), **rates))
    assert found.networked_gpus[-1] == 0
    assert len(found.networked_gpus) < 20


def test_tiny_case_is_ready_on_its_day() -> None:
    instance = tiny(sites=[{"compute_ready_day": [4, 4, 9]}], it_mw=[1.0, 2.0, 3.0])
    assert [follow(instance).tested_day(gpus) for gpus in instance.gpus] == [4, 4, 9]
