"""The test client itself."""

from __future__ import annotations

import pytest

from tests.qgis.desktop import in_qgis, needs_qgis

pytestmark = needs_qgis


def test_a_script_runs_in_qgis_and_answers() -> None:
    assert in_qgis("answer([Qgis.QGIS_VERSION_INT >= 32200, word])", word="강진") == [True, "강진"]


def test_a_failing_script_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        in_qgis("answer(1 / 0)")
