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
from siteopt.simulate.events import events, sampled, schedules, trapezoid
from siteopt.simulate.steps import Forming
from tests.instances import QUALITY, battery, forming, generator, tiny

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
    # where nothing on the site keeps a frequency, everything stops with the grid, unless it has to go on
    assert list(alone) == tied[:3]
    riding = plant(power_quality=replace(QUALITY, ride_grid_loss=True))
    assert list(found(riding, np.array([0, 0, 0, 3, 3]), 100.0)) == [*tied[:3], ("grid-tied", "grid loss")]


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


def test_a_lost_bus_takes_the_largest_generators_along() -> None:
    # of 10 x 2, 4 x 10 and 10 x 3 MW: four of 10 MW and then two of 3 MW; the classes are 2 and 3 MW, and 10 MW
    together = plant(power_quality=replace(QUALITY, units_lost_together=6))
    instance = found(together)
    assert [name for mode, name in instance if mode == "islanded"][3:] == ["generator loss", "bus loss"]
    for mode in ("islanded", "grid-tied"):
        one, bus = instance[mode, "generator loss"], instance[mode, "bus loss"]
        assert one == found(plant())[mode, "generator loss"]
        assert [each.capacity_mw for each in bus.after.machines] == [44.0, 0.0]
        assert (bus.before, bus.rest_mw, bus.load_mw) == (one.before, one.rest_mw, one.load_mw)
        assert bus.allowed == one.allowed
    # no more than there are, and no bus with a single one
    few = found(together, units=np.array([0, 1, 1, 3, 3]))
    assert [each.capacity_mw for each in few["islanded", "bus loss"].after.machines] == [0.0, 0.0]
    assert ("islanded", "bus loss") not in found(together, units=np.array([0, 1, 0, 3, 3]))
    assert not any(name == "bus loss" for _, name in found(plant()))


def test_when_the_grid_is_lost_the_job_stops() -> None:
    event = found(plant())["grid-tied", "grid loss"]
    assert (event.after.import_mw, event.after.limit_mw) == (0.0, 0.0)
    assert event.after.machines == event.before.machines
    # noticed after 0.1 s, and stopped within another 0.1 s: of 100 MW on the mean, 80 MW of the job fall away
    assert (event.rest_mw, event.load_s, event.load_mw) == (100.0, (0.1, 0.2), (100.0, 20.0))
    riding = plant(power_quality=replace(QUALITY, ride_grid_loss=True))
    assert found(riding)["grid-tied", "grid loss"].load_mw == (100.0, 100.0)


def test_without_inertia_everything_stops_with_the_grid() -> None:
    """Fuel cells keep no frequency: a plant of them is as dark as one without generators, so it is not judged."""
    cells = plant()
    cells = replace(cells, inertia_s=np.zeros_like(cells.inertia_s))
    assert ("grid-tied", "grid loss") not in found(cells)
    assert ("grid-tied", "generator loss") in found(cells)
    riding = replace(cells, power_quality=replace(QUALITY, ride_grid_loss=True))
    assert ("grid-tied", "grid loss") in found(riding)


def with_forming(**more: Any) -> Instance:
    """The plant with batteries of 3 MW that are grid-forming, and fuel cells in place of engines."""
    cells = [generator(rating_mw=mw, inertia_s=0.0, droop=0.04) for mw in (2.0, 10.0, 3.0)]
    stores = [battery(response_s=0.1), forming(rating_mw=3.0, response_s=0.2, overload=1.3, **more)]
    changed = {"it_mw": (100.0,), "load_step_amplitude": 0.4, "load_factor": 0.8, "power_quality": QUALITY}
    return tiny([*cells, *stores], [{"grid_mw": 30.0, "grid_swing_mw": 4.0}], **changed)


def test_grid_forming_batteries_are_a_part_of_all_batteries() -> None:
    bus = found(with_forming())["islanded", "routine swing"].before
    assert (bus.battery_mw, bus.battery_mwh) == (12.0, 6.0)
    assert bus.forming == Forming(9.0, inertia_s=5.0, droop=pytest.approx(0.04), overload=pytest.approx(1.3))
    assert (bus.inertia_mws, bus.shafts_mws) == (45.0, 0.0)
    assert found(plant())["islanded", "routine swing"].before.forming is None
    # of two kinds: inertia and overload are means by MW, and droop is such that both together give what each gives
    both = tiny(
        [generator(rating_mw=20.0), forming(droop=0.02, overload=1.0), forming(inertia_s=1.0, overload=2.0)],
        [{"grid_mw": 0.0}],
        load_step_amplitude=0.4,
        load_factor=0.8,
    )
    mixed = events(both, 0, np.array([1, 1, 3]), NO_STEP, 10.0, 0.0)[0].before.forming
    assert mixed is not None
    assert (mixed.capacity_mw, mixed.inertia_s, mixed.overload) == pytest.approx((4.0, 2.0, 1.75))
    assert mixed.capacity_mw / mixed.droop == pytest.approx(1 / 0.02 + 3 / 0.04)


def test_grid_forming_batteries_keep_a_frequency_when_the_grid_is_lost() -> None:
    cells = with_forming()
    assert ("grid-tied", "grid loss") in found(cells)
    # also with a droop and no inertia, but not without them
    assert ("grid-tied", "grid loss") in found(with_forming(inertia_s=0.0))
    assert ("grid-tied", "grid loss") not in found(cells, units=np.array([10, 4, 10, 3, 0]))
    # batteries alone: no island that runs for good, but one that bears the loss of the grid
    alone = found(cells, units=np.array([0, 0, 0, 3, 3]), import_mw=100.0)
    assert ("grid-tied", "grid loss") in alone
    assert {mode for mode, _ in alone} == {"grid-tied"}


def test_what_is_allowed_beside_a_class() -> None:
    contract = {"overrun_share": 0.02, "overrun_s": 2.0, "ramp_limit_mw_per_min": 30.0}
    quality = replace(QUALITY, **contract)
    allowed = {key: event.allowed for key, event in found(plant(power_quality=quality)).items()}
    # 1 Hz/s of 60 Hz where the grid is connected, and nothing on an island of engines, also after the loss of the grid
    for key, one in allowed.items():
        tied = key[0] == "grid-tied" and key[1] != "grid loss"
        assert one.rocof_per_s == (pytest.approx(1 / 60) if tied else np.inf)
        assert (one.overrun_share, one.overrun_s) == ((0.02, 2.0) if tied else (0.0, np.inf))
        # a fault may change the import faster than a load
        assert one.ramp_mw == (30.0 if tied and key[1] != "generator loss" else np.inf)
    withstand = np.array([np.inf, 1.0, 0.8, np.inf, np.inf])
    large = found(plant(rocof_withstand_hz_per_s=withstand))
    assert {event.allowed.rocof_per_s for event in large.values()} == {0.8 / 60}
    # of what is not on site nothing counts
    assert (
        found(plant(rocof_withstand_hz_per_s=withstand), np.array([10, 0, 0, 3, 3]))[
            "islanded", "job stop"
        ].allowed.rocof_per_s
        == np.inf
    )
    of_scenario = plant(rocof_withstand_hz_per_s=withstand, power_quality=replace(QUALITY, rocof_limit_hz_per_s=3.0))
    assert {event.allowed.rocof_per_s for event in found(of_scenario).values()} == {3 / 60}


def test_imports_that_may_be_scheduled() -> None:
    # 100 MW on the mean, and 90 MW of generators: eighths from 10 to 70 MW
    instance = plant(grid_mw=np.array([70.0]))
    assert schedules(instance, 0, UNITS, 120.0, 70.0) == pytest.approx([62.5, 50.0, 37.5, 25.0, 12.5, 10.0])
    assert schedules(instance, 0, UNITS, 120.0, 12.0) == pytest.approx([10.0])
    assert schedules(instance, 0, np.array([0, 0, 0, 3, 3]), 120.0, 100.0) == pytest.approx([100.0])
    # 4 g/kWh and 1,051.2 t a year let 30 MW run
    strict = plant(nox_g_per_kwh=np.array([4.0, 4.0, 4.0, 0.0, 0.0]), nox_t_per_year=np.array([30 * 4 * 8.76]))
    assert schedules(strict, 0, UNITS, 120.0, 90.0) == pytest.approx([87.5, 75.0, 70.0])


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
