"""Solve a program for a plan that holds, and branch if the solver's whole numbers allow no plan after rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from siteopt.instance import Floats
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.program import Program
from siteopt.optimize.solver import SEED, Outcome

BOXES = 64
"""Largest number of parts of a program that are solved."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Best(Generic[Made]):
    """The best plan that a solver led to.

    Attributes
    ----------
    plan : plan or None
    value : float
        Objective of the plan; infinite if there is no plan.
    bound : float
        Lower bound of the objective of any plan, from the solver; infinite if the solver finds no plan possible.
    """

    plan: Made | None
    value: float
    bound: float


def best_whole(
    program: Program,
    finish: Callable[[Floats], tuple[Made, float] | None],
    clock: Clock,
    *,
    gap: float = 0.0,
    target: float = -math.inf,
    cutoff: float = math.inf,
    seed: int = SEED,
) -> Best[Made]:
    """Return the best plan of a program, or the first that reaches a target.

    Parameters
    ----------
    finish : callable
        Makes a plan and its objective from the solver's values; returns None if their whole numbers have no plan.
    cutoff : float
        No plan with a larger objective is searched for.

    Raises
    ------
    OutOfTime
        With the best plan so far.
    """
    boxes, bound = [(program.lower, program.upper)], math.inf
    best: Best[Made] = Best(None, math.inf, math.inf)
    for _ in range(BOXES):
        if not boxes or best.value <= target:
            break
        lower, upper = boxes.pop()
        box = replace(program, lower=lower, upper=upper)
        result = clock.solve(box, gap, target=target, cutoff=cutoff, seed=seed)
        made = None if result.values is None else finish(result.values)
        if made is not None and made[1] < best.value:
            best = Best(*made, math.inf)
        if result.outcome is Outcome.LIMIT:
            raise OutOfTime(best.plan, -math.inf if boxes else result.bound)
        parts = _parts(box, result.values) if result.values is not None and made is None else []
        boxes += parts
        if not parts and result.outcome is not Outcome.INFEASIBLE:
            is_bounded = result.outcome is not Outcome.FAILED and (made is not None or result.values is None)
            bound = min(bound, result.bound if is_bounded else -math.inf)
    return replace(best, bound=-math.inf if boxes else bound)


def _parts(program: Program, values: Floats) -> list[tuple[Floats, Floats]]:
    """Cut a program in two at the whole variable whose value is farthest from a whole number.

    Return the lower and upper bounds of x on both sides; an empty list if all whole variables are whole.
    """
    away = np.abs(values - np.round(values)) * (program.whole & (program.upper > program.lower))
    column = int(np.argmax(away))
    if not away[column]:
        return []
    floor = math.floor(values[column])
    below, above = program.upper.copy(), program.lower.copy()
    below[column], above[column] = floor, floor + 1
    return [(program.lower, below), (above, program.upper)]
