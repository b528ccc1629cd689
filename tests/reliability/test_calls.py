"""No call of the writing can fail, or be the last, so that outputs are lost."""

from __future__ import annotations

import pytest

from tests.reliability.calls import deaths, errors, errors_beside
from tests.reliability.record import Record, summed, table


@pytest.mark.parametrize("exchange", [True, False])
def test_dead_at_any_call(exchange: bool) -> None:
    (found,) = summed(deaths(exchange=exchange))
    assert found.tried > 20
    assert (found.clear, found.tracebacks, found.lost) == (found.tried, 0, 0)


@pytest.mark.parametrize("source", [pytest.param(errors, marks=pytest.mark.slow), errors_beside])
def test_any_call_fails(source: object) -> None:
    found = summed(source())  # type: ignore[operator]
    assert len(found) == 3
    assert all(one.tried > 15 for one in found)
    assert [(one.clear, one.tracebacks, one.lost) for one in found] == [(one.tried, 0, 0) for one in found]


def test_sums_and_table() -> None:
    records = [
        Record("disk", "full", 1, 1, 0, 0),
        Record("disk", "full", 1, 0, 1, 1),
        Record("kill", "any", 2, 2, 0, 0),
    ]
    assert summed(records) == [Record("disk", "full", 2, 1, 1, 1), Record("kill", "any", 2, 2, 0, 0)]
    assert table(records).splitlines()[2:] == ["| disk | full | 2 | 1 | 1 | 1 |", "| kill | any | 2 | 2 | 0 | 0 |"]
