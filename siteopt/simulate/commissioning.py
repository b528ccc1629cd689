"""Commission units and grid steps day by day, each stage of the plant by its own team, the first milestone first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siteopt.equipment import SOURCES, stages
from siteopt.instance import NEVER, Instance, Ints

DONE = 1e-9
"""Rounding tolerance, as a share of the MW of a day."""


def commissioned_days(
    instance: Instance, offer: Ints, milestone: Ints, ready: Ints, step: NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    """Return the day from the start of which each unit, and each grid step, is commissioned; U and L.

    The constant ``commissioning_days`` is not included. What is ordered for an earlier milestone comes first, then
    what is ready first. The team may leave a unit for another one, so no other order keeps the days of more milestones.

    Parameters
    ----------
    offer, milestone, ready : U, of each unit: its offer, the milestone that it is ordered for, the day it is installed
    step : L x M, bool, grid step in service
    """
    units, steps = ready.copy(), instance.step_ready_day.copy()
    rate = instance.commissioning_mw_per_day
    if np.isinf(rate):
        return units, steps
    rating = instance.rating_mw[0][offer]
    ordered = np.flatnonzero(step.any(axis=1) & (instance.step_commissioned_mw > 0))
    for stage in stages():
        mine = np.flatnonzero(instance.of_stage(stage)[offer] & (rating > 0) & (ready < NEVER))
        risen = ordered if stage == SOURCES else ordered[:0]
        days = _finished(
            np.concatenate([milestone[mine], step[risen].argmax(axis=1)]),
            np.concatenate([ready[mine], instance.step_ready_day[risen]]),
            np.concatenate([rating[mine], instance.step_commissioned_mw[risen]]),
            rate,
        )
        units[mine], steps[risen] = days[: len(mine)], days[len(mine) :]
    return units, steps


def _finished(milestone: Ints, ready: Ints, mw: np.ndarray, rate: float) -> Ints:
    """Return the day from the start of which each of the N jobs of one team is done, for ``rate`` MW a day."""
    day, finished = int(ready.min(initial=NEVER)), np.full(len(mw), NEVER)
    order = np.lexsort((ready, milestone))
    left = mw[order].astype(float)
    while (waiting := left > 0).any():
        there = waiting & (ready[order] <= day)
        if not there.any():
            day = int(ready[order][waiting].min())
            continue
        before = np.concatenate([[0.0], np.cumsum(np.where(there, left, 0.0))[:-1]])
        left -= np.where(there, np.clip(rate - before, 0.0, left), 0.0)
        done = there & (left <= DONE * rate)
        left[done] = 0.0
        day += 1
        finished[order[done]] = day
    return finished
