"""Advance a bus by many steps at once, as long as every limit holds, or does not hold, as before.

A step is linear in the state and the load while each of its comparisons comes out in the same way. One matrix then
advances the state by one step, and powers of it advance the state by many. The linear form of each comparison says up
to which step this is right.

The equations are not written down a second time. The matrix is read off a step of :class:`Stepper` itself, made with
numbers that know how they depend on the state.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from siteopt.instance import Floats
from siteopt.simulate.steps import ROW, State, Stepper

SAMPLED, MOST_SAMPLES = 8, 512
"""Steps from one state that is found by powers of the matrix to the next, and how many states are found together."""

SERIAL = 2**18
"""Largest product of matrices, in multiplications, that OpenBLAS leaves to one thread; more threads cost time here."""

TOLERANCE = 1e-10
"""By how much (in MW, or as a share) a comparison may come out in another way before a leap ends.

At rest, many values are equal, and rounding must not count as a change. At its limits, a step is continuous.
"""

SEEN = ROW + 3
"""Values that a leap returns of a step: those of its Row, then ``moving``, ``battery`` and ``charge`` after it."""

FORMED = ROW - 1
"""Place in a Row of what grid-forming batteries give."""


class Linear(float):
    """A float that knows its coefficients: it equals ``row @ z``, for a state ``z`` that ends with a 1.

    Each comparison adds a row to ``conditions``. It comes out in the same way for every ``z`` with ``row @ z > 0``.
    """

    row: Floats
    conditions: list[Floats]

    @staticmethod
    def of(value: float, row: Floats, conditions: list[Floats]) -> Linear:
        """Return a value with its row."""
        made = Linear(value)
        made.row, made.conditions = row, conditions
        return made

    def __add__(self, other: float) -> Linear:
        return self.of(float(self) + float(other), self.row + row_of(other, len(self.row)), self.conditions)

    __radd__ = __add__

    def __neg__(self) -> Linear:
        return self * -1.0

    def __sub__(self, other: float) -> Linear:
        return self.of(float(self) - float(other), self.row - row_of(other, len(self.row)), self.conditions)

    def __rsub__(self, other: float) -> Linear:
        return -self + other

    def __mul__(self, factor: float) -> Linear:
        return self.of(float(self) * factor, self.row * factor, self.conditions)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Linear:
        return self.of(float(self) / divisor, self.row / divisor, self.conditions)

    def __lt__(self, other: float) -> bool:
        return self._noted(other, float(self) < float(other))

    def __le__(self, other: float) -> bool:
        return self._noted(other, float(self) <= float(other))

    def __gt__(self, other: float) -> bool:
        return not self._noted(other, float(self) <= float(other))

    def __ge__(self, other: float) -> bool:
        return not self._noted(other, float(self) < float(other))

    def _noted(self, other: float, is_less: bool) -> bool:
        """Return ``is_less``, and note its condition."""
        gap = row_of(other, len(self.row)) - self.row
        self.conditions.append(gap if is_less else -gap)
        return is_less


def row_of(value: float, size: int) -> Floats:
    """Return the row of a value; that of a plain float is a multiple of the 1."""
    if isinstance(value, Linear):
        return value.row
    row = np.zeros(size)
    row[-1] = value
    return row


class _Mode:
    """A linear step: its matrix, and the rows of what is seen of a step and of its conditions."""

    def __init__(self, matrix: Floats, rows: Floats) -> None:
        samples = 1 << max(SERIAL // rows.size, 1).bit_length() - 1
        self.longest = SAMPLED * min(samples, MOST_SAMPLES)
        """Largest number of steps to ask for."""
        self.matrix = matrix
        self._powers, readings = [matrix], [rows]
        while len(readings) < SAMPLED:
            readings.append(readings[-1] @ matrix)
        self._readings = np.array(readings)

    def advance(self, z: Floats, most: int) -> tuple[Floats, Floats]:
        """Advance a state by ``most`` steps, or until a condition fails; return what is seen, and the new state."""
        states, doubled = z[:, None], SAMPLED.bit_length() - 1
        while SAMPLED * states.shape[1] < most and (self._readings[0, SEEN:] @ states[:, -1] >= -TOLERANCE).all():
            states = np.concatenate((states, self._power(doubled) @ states), axis=1)
            doubled += 1
        read = self._readings @ states  # step within a sample, row, sample
        broken = np.flatnonzero((read[:, SEEN:] < -TOLERANCE).any(axis=1).T.ravel()[:most])
        count = int(broken[0]) if len(broken) else min(most, SAMPLED * states.shape[1])
        sample = min(count // SAMPLED, states.shape[1] - 1)
        z = states[:, sample]
        for _ in range(count - SAMPLED * sample):
            z = self.matrix @ z
        return read[:, :SEEN].transpose(2, 0, 1).reshape(-1, SEEN)[:count], z

    def _power(self, doubled: int) -> Floats:
        """Return the matrix that advances by ``2**doubled`` steps."""
        while len(self._powers) <= doubled:
            self._powers.append(self._powers[-1] @ self._powers[-1])
        return self._powers[doubled]


class Leaps:
    """Advances the state of a bus by many steps at once, where these are linear."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._modes: dict[bytes, _Mode] = {}

    def advance(self, state: State, load: float, slope: float, within: tuple[float, float], most: int) -> Floats:
        """Advance ``state`` by up to ``most`` steps, as :meth:`Stepper.advance` does, and return what is seen of them.

        Parameters
        ----------
        load, slope : float
            Load at the start of the first step, and its change from one step to the next.

        Returns
        -------
        array of shape (steps, SEEN)
        """
        z = np.array([*state.values(), load, slope, 1.0])
        mode, found = self._mode(state, z, within), list[Floats]()
        if not within[0] <= (mode.matrix @ z)[0] <= within[1]:
            most = 1
        while most:
            asked = min(most, mode.longest)
            read, z = mode.advance(z, asked)
            found.append(read)
            most = most - asked if len(read) == asked else 0
        seen = np.concatenate(found)
        state.set_values(z[:-3].tolist())
        if len(seen):
            state.moving, state.formed = float(seen[-1, ROW]), float(seen[-1, FORMED])
        return seen

    def _mode(self, state: State, z: Floats, within: tuple[float, float]) -> _Mode:
        """Return the linear step at a state."""
        size, conditions = len(z), list[Floats]()
        linear = [Linear.of(value, row, conditions) for value, row in zip(z.tolist(), np.eye(size), strict=True)]
        traced, load, slope = replace(state), linear[-3], linear[-2]
        traced.set_values(linear[:-3])
        (kept,) = self._stepper.advance(traced, (load, load + slope * 0.5), within)
        matrix = np.array([row_of(value, size) for value in (*traced.values(), load + slope, slope, 1.0)])
        seen = [row_of(value, size) for value in (*kept, traced.moving, traced.battery, traced.charge)]
        rows = np.array([*seen, *(row for row in conditions if row[:-1].any())])
        key = matrix.tobytes() + rows.tobytes()
        if key not in self._modes:
            self._modes[key] = _Mode(matrix, rows)
        return self._modes[key]
