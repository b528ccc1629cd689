"""Classes, contracts and rates of change, judged by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from siteopt.simulate.electrical import Allowed, Event, Trace
from siteopt.simulate.judgement import CLASSES, FigureName, Response, keeps, modes_kept, respond
from siteopt.simulate.steps import Bus

NONE = Bus((), 0.0, 0.0, 0.0, 0.0, 0.0)
TIED = replace(NONE, limit_mw=50.0)
NOTHING_ASKED = Allowed()
TIME = np.arange(0, 20, 0.01)


def response(
    deviation: np.ndarray,
    collapsed_s: float | None = None,
    swings: bool = False,
    target: np.ndarray | float = 0.0,
    allowed: Allowed = NOTHING_ASKED,
    rocof_per_s: float = 0.25,
    on: Bus = NONE,
    beyond_s: float = 0.0,
    ramp_mw: float = 0.0,
) -> Response:
    """Of a frequency that went this way; 60 Hz."""
    zero = np.zeros(len(TIME))
    extremes = (float(deviation.min()), float(deviation.max()), rocof_per_s, 0.0, 0.0, 0.0, 60.0, beyond_s, ramp_mw)
    trace = Trace(TIME, deviation, zero + target, zero, zero, zero, zero, zero, *extremes, collapsed_s)
    checked = (2.0, 2.0) if swings else None
    event = Event("made up", "islanded", on, on, 0.0, (0.0,), (0.0,), 20.0, checked, allowed=allowed)
    return respond(event, trace, 60.0)


def spike(peak: float, held: float = 0.0, until: float = 0.0, final: float = 0.0) -> np.ndarray:
    """At rest, a peak after a sample, a deviation that is held until some time, and a final one."""
    deviation = np.where(until > TIME, final + held, final)
    deviation[:2] = 0.0, peak
    return deviation


@pytest.mark.parametrize(
    ("deviation", "kept"),
    [
        (spike(-0.069), "G3"),
        (spike(-0.071), "G2"),
        (spike(-0.101), "G1"),
        (spike(-0.151), ""),
        (spike(0.099), "G3"),
        (spike(0.101), "G2"),
        (spike(0.121), "G1"),
        (spike(0.181), ""),
        # half of 3.5, 2 and 2 % on each side of the target; what is outside may last for 10, 5 and 3 s
        (spike(0.0, 0.0101, 3.0), "G3"),
        (spike(0.0, 0.0101, 3.1), "G2"),
        (spike(0.0, -0.0101, 4.9), "G2"),
        (spike(0.0, -0.0101, 5.1), "G1"),
        (spike(0.0, 0.0176, 9.9), "G1"),
        (spike(0.0, 0.0176, 10.1), ""),
        (spike(0.0, final=0.0099), "G3"),
        (spike(0.0, final=0.0101), "G1"),
        (spike(0.0, final=-0.0174), "G1"),
        (spike(0.0, final=-0.0176), ""),
    ],
)
def test_each_limit_of_each_class(deviation: np.ndarray, kept: str) -> None:
    assert response(deviation).iso_class == kept


def test_figures_of_a_response() -> None:
    found = response(spike(-0.05, -0.02, 4.0))
    assert (found.lowest_hz, found.highest_hz) == pytest.approx((57.0, 60.0))
    assert (found.dip, found.rise, found.settled, found.band) == (0.05, 0.0, 0.0, None)
    assert found.rocof_hz_per_s == pytest.approx(15.0)
    # from the first sample after the change until 4 s
    assert found.recovery_s == pytest.approx((3.99, 3.99, 3.99))


def test_the_clock_starts_when_the_steady_band_is_left() -> None:
    # half of 1.5 % is left after 4 s, half of 2 % after 6 s, and both are entered again after 10 s
    deviation = np.interp(TIME, [0.0, 2.0, 4.0, 6.0, 9.0, 10.0, 20.0], [0, 0, 0.0075, 0.01, 0.02, 0.0099, 0.0099])
    assert response(deviation).recovery_s[1] == pytest.approx(5.98, abs=0.03)
    # what stays within the tolerance band needs no recovery, and what stays within the steady band has no clock
    assert response(np.interp(TIME, [0, 1], [0, 0.0099])).recovery_s == (0.0, 0.0, 0.0)


def test_the_target_is_the_steady_frequency_under_droop() -> None:
    # 2 % below the nominal frequency is where the droop puts it; it then comes back with the set points
    back = -0.02 * np.exp(-TIME / 10)
    back[0] = 0.0
    assert response(back).recovery_s[1] == pytest.approx(10 * math.log(2), abs=0.02)
    assert response(back, target=back).recovery_s[1] == 0.0
    assert response(back, target=back).iso_class == "G3"


def test_a_target_beyond_the_droop_of_a_class_is_none() -> None:
    # 3, 5 and 8 % are allowed: at 5.5 % off, G2 is within its tolerance of 5 %, at 6.1 % it is not
    for final, kept in ((0.055, "G2"), (0.061, "G1")):
        held = spike(0.0, final=-final)
        assert response(held, target=held).iso_class == kept


def test_what_ends_outside_the_tolerance_band_has_not_recovered() -> None:
    assert response(spike(0.0, final=-0.015)).recovery_s == (0.0, math.inf, math.inf)


def test_a_collapse_keeps_nothing() -> None:
    found = response(spike(-0.01), collapsed_s=20.0)
    assert found.iso_class == ""
    assert found.recovery_s == (math.inf,) * 3


@pytest.mark.parametrize(
    ("peak", "kept"), [(0.0024, "G3"), (0.0026, "G2"), (0.0074, "G2"), (0.0076, "G1"), (0.0124, "G1"), (0.0126, "")]
)
def test_a_swing_is_judged_by_the_steady_band(peak: float, kept: str) -> None:
    # a total width of 0.5, 1.5 and 2.5 %: half of it on each side of the mean
    found = response(peak * np.sin(np.pi * TIME), swings=True)
    assert (found.iso_class, found.recovery_s) == (kept, ())
    assert found.settled == pytest.approx(0.0, abs=1e-3)
    # the band lies about the mean, wherever that is
    assert response(0.004 + peak * np.sin(np.pi * TIME), swings=True).iso_class == kept


def test_a_swing_that_is_not_even_has_half_the_band_on_each_side() -> None:
    # 1.2 % from end to end, but 1 % above the mean for a sixth of each period
    deviation = np.where(TIME % 2 < 1 / 3, 0.01, -0.002)
    found = response(deviation, swings=True)
    assert found.band == pytest.approx(0.02, rel=0.01)
    assert found.iso_class == "G1"


def test_rates_of_change_are_judged_where_they_have_a_limit() -> None:
    # 1.2 Hz/s
    shown, held, broken = (
        response(spike(0.0), rocof_per_s=0.02, allowed=Allowed(rocof_per_s=most)) for most in (math.inf, 0.02, 0.0199)
    )
    assert [one.iso_class for one in (shown, held, broken)] == ["G3", "G3", ""]
    (rate,) = (one for one in broken.figures("G2") if one.name is FigureName.RATE)
    assert (rate.value, rate.limit, rate.holds) == (pytest.approx(1.2), pytest.approx(1.194), False)


def test_an_overrun_is_judged_by_its_time_and_a_ramp_by_its_size() -> None:
    contract = Allowed(overrun_s=0.5, ramp_mw=30.0)
    assert response(spike(0.0), on=TIED, beyond_s=0.5, ramp_mw=30.0, allowed=contract).iso_class == "G3"
    assert response(spike(0.0), on=TIED, beyond_s=0.51, allowed=contract).iso_class == ""
    ramping = response(spike(0.0), on=TIED, ramp_mw=30.1, allowed=contract)
    assert ramping.iso_class == ""
    figures = {one.name: one for one in ramping.figures("G2")}
    # 60 MW of 50; the MW are shown, and judged by their time
    assert (figures[FigureName.OVERRUN].value, figures[FigureName.OVERRUN].limit) == (10.0, math.inf)
    # an island has no meter
    assert response(spike(0.0), beyond_s=9.0, ramp_mw=99.0, allowed=contract).iso_class == "G3"


def test_keeps_the_class_in_every_event_of_one_mode() -> None:
    good, fair = response(spike(0.0)), response(spike(-0.08))
    assert keeps([good, fair], "G2")
    assert not keeps([good, fair], "G3")
    other = replace(good, mode="grid-tied")
    assert modes_kept([good, fair, other], "G3") == ["grid-tied"]
    assert keeps([good, fair, other], "G3")
    assert keeps([response(spike(-0.2))], "")
    assert keeps([], "G3")


def test_looser_classes_come_first() -> None:
    limits = [(one.dip, one.rise, one.recovery_s, one.steady_band, one.droop) for one in CLASSES.values()]
    assert (np.diff(limits, axis=0) < 0).all()
    assert (np.diff([one.tolerance_band for one in CLASSES.values()]) <= 0).all()
