"""Which events a plan has, and what of each its bus bears."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.instance import Instance
from siteopt.simulate.electrical import Event
from siteopt.simulate.events import events, sampled, trapezoid
from tests.instances import QUALITY, battery, generator, tiny

NO_STEP = np.zeros(0, dtype=bool)


def plant(**more: Any) -> Instance:
    """100 MW of IT that swing by 40, 80 on the mean; engines of 2 and 10 MW, batteries; 30 MW of grid."""
    offers = [
        generator(rating_mw=2.0),
        generator(rating_mw=10.0, inertia_s=4.0),
        generator(rating_mw=3.0),
        battery(response_s=0.1),
        battery(rating_mw=3.0, response_s=0.2),
    ]
    site = [{"grid_mw": 30.0, "grid_swing_mw": 4.0}]
    values = {"it_mw": (100.0,), "load_step_amplitude": 0.4, "load_factor": 0.8, "power_quality": QUALITY, **more}
    return tiny(offers, site, **values)


UNITS = np.array([10, 4, 10, 3, 3])


def found(instance: Instance, units: np.ndarray = UNITS, import_mw: float = 20.0) -> dict[tuple[str, str], Event]:
    """By mode and name; 120 MW at the peak of the IT, so 100 on the mean."""
    return {(event.mode, event.name): event for event in events(instance, 0, units, NO_STEP, 120.0, import_mw)}


def test_modes_and_events_of_a_plan() -> None:
    both = ["routine swing", "job stop", "job start", "generator loss"]
    islanded, tied = [("islanded", name) for name in both], [("grid-tied", name) for name in both]
    assert list(found(plant())) == [*islanded, *tied, ("grid-tied", "grid loss")]
    # in parallel with a grid that gives nothing at rest there is nothing to lose
    assert list(found(plant(), import_mw=0.0)) == [*islanded, *tied]
    no_grid = replace(plant(), grid_mw=np.zeros(1))
    assert list(found(no_grid, import_mw=0.0)) == islanded
    alone = found(plant(), units=np.array([0, 0, 0, 3, 3]), import_mw=100.0)
    assert list(alone) == [*tied[:3], ("grid-tied", "grid loss")]


def test_alike_generators_are_one_class_and_batteries_one() -> None:
    bus = found(plant())["islanded", "routine swing"].before
    # 10 x 2 + 10 x 3 MW of 1 s, 4 x 10 MW of 4 s
    assert [(each.capacity_mw, each.inertia_s) for each in bus.machines] == [(50.0, 1.0), (40.0, 4.0)]
    assert bus.inertia_mws == pytest.approx(50 + 160)
    # 3 x 1 MW at 0.1 s and 3 x 3 MW at 0.2 s; 1 MWh each
    assert (bus.battery_mw, bus.battery_mwh) == (12.0, 6.0)
    assert bus.response_s == pytest.approx((3 * 0.1 + 9 * 0.2) / 12)
    assert (bus.import_mw, bus.limit_mw) == (0.0, 0.0)


def test_the_grid_feeds_its_own_halls_when_islanded() -> None:
    instance = found(plant())
    swing = instance["islanded", "routine swing"]
    # 80 MW on the mean; of 40 MW peak to peak the grid's halls swing 20 / 100 = 8 MW, of which it tolerates 4
    assert swing.rest_mw == pytest.approx(80.0)
    assert (min(swing.load_mw), max(swing.load_mw)) == pytest.approx((62.0, 98.0))
    # of the 80 MW that a job is, 80 % are on the bus
    stop, start = instance["islanded", "job stop"], instance["islanded", "job start"]
    assert (stop.rest_mw, *stop.load_mw) == pytest.approx((80.0, 80.0, 16.0))
    assert (start.rest_mw, *start.load_mw) == pytest.approx((16.0, 16.0, 80.0))
    assert start.load_s == (0.0, 60.0)


def test_a_tolerant_grid_takes_no_more_than_its_halls_swing() -> None:
    instance = plant(grid_swing_mw=np.array([100.0]))
    assert np.ptp(found(instance)["islanded", "routine swing"].load_mw) == pytest.approx(40 - 8)


def test_grid_tied_everything_is_on_the_bus() -> None:
    instance = found(plant())
    swing = instance["grid-tied", "routine swing"]
    assert (swing.rest_mw, min(swing.load_mw), max(swing.load_mw)) == pytest.approx((100.0, 80.0, 120.0))
    assert (swing.before.import_mw, swing.before.limit_mw) == (20.0, 30.0)
    assert instance["grid-tied", "job stop"].load_mw[-1] == pytest.approx(20.0)


def test_steps_in_service_raise_the_limit_and_the_swing() -> None:
    rise = [{"site": 0, "ready_day": 0, "rise_mw": 50.0, "rise_swing_mw": 2.0}]
    instance = tiny(
        [generator(rating_mw=50.0)],
        [{"grid_mw": 30.0, "grid_swing_mw": 4.0}],
        rise,
        it_mw=(100.0,),
        load_step_amplitude=0.4,
        load_factor=0.8,
    )
    for step, limit, swing in ((False, 30.0, 36.0), (True, 80.0, 34.0)):
        at = {each.mode: each for each in events(instance, 0, np.array([2]), np.array([step]), 120.0, 20.0)[::-1]}
        assert at["grid-tied"].before.limit_mw == limit
        assert np.ptp(at["islanded"].load_mw) == pytest.approx(swing)


def test_the_largest_generator_is_lost_from_its_class() -> None:
    event = found(plant())["grid-tied", "generator loss"]
    assert [each.capacity_mw for each in event.before.machines] == [50.0, 40.0]
    assert [each.capacity_mw for each in event.after.machines] == [50.0, 30.0]
    assert event.load_mw == (event.rest_mw,)


def test_the_grid_is_lost_and_the_job_may_be_shed() -> None:
    event = found(plant())["grid-tied", "grid loss"]
    assert (event.after.import_mw, event.after.limit_mw) == (0.0, 0.0)
    assert event.after.machines == event.before.machines
    assert (event.shed_mw, event.shed_s) == (80.0, 0.1)


def test_no_more_falls_away_than_there_is() -> None:
    instance = plant(power_quality=replace(QUALITY, job_step=1.0))
    assert found(instance)["grid-tied", "job stop"].load_mw[-1] == pytest.approx(100 - 80)


def test_a_load_that_never_changes_is_no_event() -> None:
    still = plant(load_step_amplitude=0.0, power_quality=replace(QUALITY, job_step=0.0))
    assert {name for _, name in found(still)} == {"generator loss", "grid loss"}
    assert "routine swing" not in {name for _, name in found(plant(load_factor=1.0))}


def test_a_plan_belongs_to_one_site() -> None:
    with pytest.raises(ValueError, match="one site, not of 2"):
        events(tiny(sites=({}, {})), 0, np.zeros(0, dtype=np.int64), NO_STEP, 10.0, 10.0)


@given(
    swing=st.floats(0.05, 1.0),
    place=st.floats(0.02, 0.98),
    period=st.floats(0.05, 60.0),
    edge=st.floats(0.0, 0.5),
)
def test_the_routine_swing_has_its_mean_and_its_ends(swing: float, place: float, period: float, edge: float) -> None:
    mean = 1 - swing + place * swing
    quality = replace(QUALITY, swing_period_s=period, swing_edge_s=edge * period)
    time, share = trapezoid(plant(load_step_amplitude=swing, load_factor=mean, power_quality=quality))
    assert time[-1] == pytest.approx(period)
    assert (np.diff(time) >= -1e-12).all()
    assert (share.max(), share.min()) == pytest.approx((1.0, 1 - swing))
    area = float(((share[1:] + share[:-1]) / 2 * np.diff(time)).sum())
    assert area / period == pytest.approx(mean)


def test_a_square_swing_jumps() -> None:
    # half way between 0.6 and 1: a second above, a second below
    time, share = trapezoid(plant(power_quality=replace(QUALITY, swing_edge_s=0.0)))
    assert time == pytest.approx([0, 0, 1, 1, 2, 2])
    assert share == pytest.approx([0.8, 1, 1, 0.6, 0.6, 0.8])


def test_samples_are_repeated() -> None:
    quality = replace(QUALITY, waveform_s=(1.0, 2.0, 3.0), waveform_share=(1.0, 0.5, 0.75))
    instance = plant(power_quality=quality)
    time, share = sampled(instance)
    assert time.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert share.tolist() == [1.0, 0.5, 0.75, 1.0]
    event = found(instance)["grid-tied", "waveform"]
    # 100 MW of IT, and 20 of all else
    assert np.interp([1.0, 4.0, 10.0], event.load_s, event.load_mw) == pytest.approx(70.0)
    assert event.load_s[-1] >= event.duration_s
    assert event.checked_s == (3.0, 3.0)
