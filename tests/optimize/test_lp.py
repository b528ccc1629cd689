"""One small LP file a constraint family: a change of the mathematics shows as a change of text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from siteopt.optimize.formulation import FAMILIES
from siteopt.optimize.model import Model
from tests.optimize.lp_snapshots import FOLDER, PARTS, text_of

TWENTY = 20


def test_twenty_families_each_with_a_snapshot_and_an_equation() -> None:
    assert len(FAMILIES) == TWENTY
    assert {path.stem for path in FOLDER.glob("*.lp")} == {part.__name__ for part in PARTS}
    for family in FAMILIES.values():
        assert family.__doc__ is not None
        assert "``" in family.__doc__


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_snapshot(part: Callable[[Model], None]) -> None:
    assert text_of(part) == (FOLDER / f"{part.__name__}.lp").read_text(encoding="utf-8")
