"""Random edits of the files of a run end in a clear message, or leave a valid run."""

from __future__ import annotations

import pytest

from tests.reliability.edited_plans import edited_plans

EDITS = 25


@pytest.mark.slow
def test_every_edit_ends_well_or_in_a_clear_message() -> None:
    found = list(edited_plans(EDITS))
    assert {one.kind.partition(": ")[2] for one in found} == {"verify", "prove", "report", "plot"}
    assert [one for one in found if one.clear < one.tried or one.tracebacks or one.lost] == []
