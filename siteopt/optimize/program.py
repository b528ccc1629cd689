"""Hold a MILP as plain arrays for the solvers, the safe bounds and our own branch and bound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pulp
from numpy.typing import NDArray

from siteopt.instance import Floats, Ints
from siteopt.tolerances import EASE

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise ``cost @ x + constant`` with ``low <= A x <= high`` and ``lower <= x <= upper``, some of x whole.

    Axes: N columns (variables), R rows, Z entries of A, row by row.

    Attributes
    ----------
    columns, rows : tuple of str, N and R
        Names of variables and rows.
    cost : N
    constant : float
    lower, upper : N
    whole : N, bool
    first : R + 1, where the entries of each row begin
    column, value : Z, column and coefficient of each entry
    low, high : R, infinite if there is no bound
    size : R, scale of each row; tolerances are shares of it (see :mod:`siteopt.tolerances`)
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cost: Floats
    constant: float
    lower: Floats
    upper: Floats
    whole: Flags
    first: Ints
    column: Ints
    value: Floats
    low: Floats
    high: Floats
    size: Floats

    @cached_property
    def row(self) -> Ints:
        """Return the row of each entry; Z."""
        return np.repeat(np.arange(len(self.low)), np.diff(self.first))

    @cached_property
    def place(self) -> dict[str, int]:
        """Return the index of each column by its name."""
        return {name: index for index, name in enumerate(self.columns)}

    @cached_property
    def fingerprint(self) -> bytes:
        """Return a digest of all data except the names."""
        digest = hashlib.blake2b(digest_size=16)
        for array in (self.cost, self.lower, self.upper, self.whole, self.first, self.column, self.value):
            digest.update(array.tobytes())
        for array in (self.low, self.high, self.size, np.array(self.constant)):
            digest.update(array.tobytes())
        return digest.digest()

    @cached_property
    def eased(self) -> Program:
        """Return the same program with rows relaxed by EASE of their size.

        Without this, a solver may miss a point that satisfies a row only by a HAIR. Rows of whole variables with whole
        coefficients need no such tolerance, and stay unchanged.
        """
        is_part = ~self.whole[self.column] | (self.value != np.round(self.value))
        ease = EASE * self.size * (np.bincount(self.row, is_part, len(self.rows)) > 0)
        return replace(self, low=self.low - ease, high=self.high + ease)

    def without_cost(self) -> Program:
        """Return the same program without cost, in which every feasible point is optimal."""
        return replace(self, cost=np.zeros_like(self.cost), constant=0.0)


def program_of(problem: pulp.LpProblem, sizes: Mapping[str, float]) -> Program:
    """Return a PuLP problem as arrays.

    Parameters
    ----------
    sizes : mapping of row names to floats
        Sizes of rows, at least 1; rows that are not named have size 1.

    Raises
    ------
    ValueError
        If a coefficient is not finite: PuLP and HiGHS drop such a term silently.
    """
    variables, rows = problem.variables(), problem.constraints()
    for index, variable in enumerate(variables):
        variable.index = index
    first, column, value = [0], list[int](), list[float]()
    for row in rows:
        for variable, factor in row.items():
            column.append(variable.index)
            value.append(factor)
        first.append(len(column))
    program = Program(
        columns=tuple(variable.name for variable in variables),
        rows=tuple(row.name or f"row_{number}" for number, row in enumerate(rows)),
        cost=np.array([problem.objective.get(variable, 0.0) for variable in variables], dtype=float),
        constant=float(problem.objective.constant),
        lower=_limits((variable.lowBound for variable in variables), -np.inf),
        upper=_limits((variable.upBound for variable in variables), np.inf),
        whole=np.array([variable.cat == pulp.LpInteger for variable in variables], dtype=bool),
        first=np.array(first, dtype=np.int64),
        column=np.array(column, dtype=np.int64),
        value=np.array(value, dtype=float),
        low=_limits((row.getLb() for row in rows), -np.inf),
        high=_limits((row.getUb() for row in rows), np.inf),
        size=np.array([max(1.0, sizes.get(row.name, 1.0)) for row in rows], dtype=float),
    )
    if not (np.isfinite(program.value).all() and np.isfinite(program.cost).all()):
        raise ValueError("a coefficient of the model is not finite")
    return program


def _limits(values: Iterable[float | None], without: float) -> Floats:
    return np.array([without if value is None else value for value in values], dtype=np.float64)
