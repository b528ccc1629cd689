"""Figures as records hold them."""

from __future__ import annotations

import pytest

from siteopt.record.build import rounded


@pytest.mark.parametrize(("value", "text"), [(1.23449, "1.234"), (-0.00049, "0.0"), (0.0, "0.0"), (-0.0006, "-0.001")])
def test_a_figure_is_rounded_to_a_thousandth_and_is_no_negative_zero(value: float, text: str) -> None:
    assert str(rounded(value)) == text
