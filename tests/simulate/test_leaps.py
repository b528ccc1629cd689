"""Leaps against single steps, on buses and events of every kind, and the numbers that leaps are found with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from siteopt.simulate.electrical import Event, simulate
from siteopt.simulate.leaps import Linear, row_of
from siteopt.simulate.steps import OVERLOAD_S, Bus, Forming, Machines, Row, State, Stepper

ENGINES = Machines(100.0, inertia_s=0.8, droop=0.04, governor_s=0.25, ramp_per_s=1 / 60, step_fraction=0.15)
TURBINES = Machines(50.0, inertia_s=3.0, droop=0.05, governor_s=0.5, ramp_per_s=0.003, step_fraction=0.3)


def linear(values: Sequence[float]) -> list[Linear]:
    """Return values that share their conditions; the last is the 1."""
    conditions: list[np.ndarray] = []
    return [Linear.of(value, row, conditions) for value, row in zip(values, np.eye(len(values)), strict=True)]


def test_a_linear_float_knows_its_coefficients() -> None:
    a, b, _ = linear([3.0, 5.0, 1.0])
    found = 2.0 * (a - b / 4.0) + (7.0 - a) * 0.5 - (-b + 1.0)
    assert found == pytest.approx(2 * (3 - 1.25) + 2 - (-5 + 1))
    assert row_of(found, 3) == pytest.approx([2 - 0.5, -0.5 + 1, 3.5 - 1])
    assert row_of(4.0, 3).tolist() == [0.0, 0.0, 4.0]


def test_each_comparison_says_where_it_comes_out_in_the_same_way() -> None:
    a, b, _ = linear([3.0, 5.0, 1.0])
    assert [a < b, a <= 3.0, a > b, a >= b, 0.0 < a <= 4.0] == [True, True, False, False, True]
    assert [row.tolist() for row in a.conditions] == [
        [-1.0, 1.0, 0.0],
        [-1.0, 0.0, 3.0],
        [-1.0, 1.0, 0.0],
        [-1.0, 1.0, 0.0],
        [1.0, 0.0, 0.0],
        [-1.0, 0.0, 4.0],
    ]


def gap(event: Event) -> float:
    """Return the largest difference of all values of both traces, in MW, as shares, or in seconds."""
    leapt, stepped = (simulate(event, stride=1, leaps=leaps) for leaps in (True, False))
    pairs = [(getattr(leapt, each.name), getattr(stepped, each.name)) for each in fields(leapt)]
    assert len(leapt.time_s) == len(stepped.time_s)
    return max(float(np.abs(np.subtract(one, other)).max()) for one, other in pairs if other is not None)


def of(low: float, high: float) -> st.SearchStrategy[float]:
    """Return a strategy for 21 values between two."""
    return st.integers(0, 20).map(lambda place: low + (high - low) * place / 20)


MACHINES = st.builds(
    Machines,
    capacity_mw=of(1.0, 200.0),
    inertia_s=of(0.3, 6.0),
    droop=of(0.02, 0.08),
    governor_s=of(0.02, 1.0),
    ramp_per_s=of(0.001, 0.2),
    step_fraction=of(0.0, 1.0),
)


@st.composite
def happenings(draw: st.DrawFn) -> Event:
    """Draw an event: a load that steps, ramps or swings, machines that are lost, a grid that is.

    Every size is multiplied by an odd number, so that no battery is empty exactly at a step: one of the two ways would
    end it a step later.
    """
    odd = 1.0123456789
    machines = tuple(draw(st.lists(MACHINES, max_size=4)))
    capacity = sum(each.capacity_mw for each in machines) * odd
    limit = draw(st.sampled_from([0.0, 0.0, 30.0, 150.0])) * odd
    battery = draw(st.sampled_from([0.0, 2.0, 20.0, 60.0])) * draw(of(0.0, 1.0)) * odd
    hours = draw(st.sampled_from([0.002, 0.1, 2.0])) * odd
    response, schedule = draw(st.sampled_from([0.0, 0.02, 0.1])), limit * draw(of(0.0, 1.0))
    forming = Forming(
        battery * draw(st.sampled_from([0.3, 1.0])), draw(of(0.0, 8.0)), draw(of(0.01, 0.1)), draw(of(1.0, 1.5))
    )
    before = Bus(
        machines,
        battery,
        battery * hours,
        response,
        schedule,
        limit,
        forming if battery and draw(st.booleans()) else None,
    )
    after = before
    if draw(st.booleans()):
        after = replace(after, machines=tuple(replace(each, capacity_mw=each.capacity_mw * 0.7) for each in machines))
    if draw(st.booleans()):
        after = replace(after, import_mw=0.0, limit_mw=0.0)
    times = np.cumsum(draw(st.lists(of(0.0, 6.0), min_size=1, max_size=5)))
    loads = [draw(of(0.0, 1.0)) * (before.import_mw + capacity) for _ in times]
    rest_mw = draw(st.sampled_from([loads[0], loads[-1]]))
    load_s = tuple(times.tolist())
    return Event("drawn", "islanded", before, after, rest_mw, load_s, tuple(loads), float(times[-1]) + 8.0)


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(happenings())
def test_leaps_say_what_single_steps_say(event: Event) -> None:
    # without inertia, a MW that is missing for a step moves the frequency by 500 times the nominal one
    assert gap(event) < 1e-8 * max(1.0, Stepper(event.after, 1e-3).rate)


def started() -> Event:
    """Return a load that rises within a minute, and half a minute after it."""
    on = Bus((ENGINES, TURBINES), 20.0, 40.0, 0.1, 0.0, 0.0)
    return Event("start", "islanded", on, on, 60.0, (0.0, 60.0), (60.0, 110.0), 90.0)


def test_a_rise_of_a_minute_is_leapt_through(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    advance = Stepper.advance

    def counted(stepper: Stepper, state: State, *others: Any) -> list[Row]:
        made.append(len(rows := advance(stepper, state, *others)))
        return rows

    monkeypatch.setattr(Stepper, "advance", counted)
    event = started()
    steps = len(simulate(event, stride=1).time_s)
    assert steps > 60_000
    assert sum(made) < steps / 20
    made.clear()
    assert gap(event) < 1e-9
    assert sum(made) == steps


def test_many_classes_are_leapt_through_too() -> None:
    # matrices so large that fewer states are found together
    many = tuple(replace(ENGINES, capacity_mw=4.0, governor_s=0.1 + place / 50) for place in range(25))
    on = Bus(many, 20.0, 40.0, 0.1, 30.0, 50.0)
    assert gap(replace(started(), before=on, after=on, rest_mw=80.0, load_mw=(80.0, 130.0), duration_s=10.0)) < 1e-8


def test_the_step_that_leaves_the_limits_is_the_last_of_a_leap() -> None:
    # 83.7 MW on 56.4 MW after the loss of the grid: the plant must trip at the first step beyond -25 %
    machine = replace(ENGINES, capacity_mw=80.6, inertia_s=1.155, droop=0.071, governor_s=0.853, ramp_per_s=0.17)
    before = Bus((machine,), 15.185, 0.03075, 0.02, 37.96, 151.9)
    after = replace(before, machines=(replace(machine, capacity_mw=56.42),), import_mw=0.0, limit_mw=0.0)
    for load_mw in np.linspace(80.0, 88.0, 17).tolist():
        event = Event("lost", "islanded", before, after, load_mw, (0.0,), (load_mw,), 5.0)
        assert gap(event) < 1e-8


def test_a_battery_runs_empty_at_the_same_step() -> None:
    on = Bus((replace(ENGINES, step_fraction=0.0, ramp_per_s=1e-4),), 20.0, 0.0123, 0.1, 0.0, 0.0)
    event = Event("empty", "islanded", on, on, 60.0, (0.0,), (61.0,), 60.0)
    trace = simulate(event, stride=1)
    assert trace.batteries_mw[-1] == 0.0
    assert 5 < trace.time_s[np.flatnonzero(trace.batteries_mw)[-1]] < 55
    assert gap(event) < 1e-9


def test_an_overload_of_grid_forming_batteries_ends_at_the_same_step() -> None:
    # 12 MW more than machines that stand still can give: 13 MW of 10 for 2 s, then 10 MW
    still = replace(ENGINES, step_fraction=0.0, ramp_per_s=0.0)
    on = Bus((still,), 10.123, 40.0, 1e6, 0.0, 0.0, Forming(10.123, 0.5, 0.01, 1.3))
    event = Event("overload", "islanded", on, on, 60.0, (0.0,), (72.0,), 20.0)
    trace = simulate(event, stride=1)
    over = trace.time_s[trace.batteries_mw > 10.2]
    assert over[-1] - over[0] == pytest.approx(OVERLOAD_S, abs=0.01)
    assert gap(event) < 1e-9


def test_an_island_of_grid_forming_batteries_is_leapt_through() -> None:
    cells = Machines(60.0, inertia_s=0.0, droop=0.04, governor_s=0.1, ramp_per_s=0.1 / 60, step_fraction=0.0)
    on = Bus((cells,), 40.0, 80.0, 0.1, 0.0, 0.0, Forming(30.0, 5.0, 0.04, 1.2))
    event = Event("start", "islanded", on, on, 30.0, (0.0, 60.0), (30.0, 55.0), 90.0)
    assert gap(event) < 1e-9
