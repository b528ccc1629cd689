"""Derating against worked values and the table of the source."""

from __future__ import annotations

import pytest

from siteopt.geodata.derating import chiller_factors, cooler_factor, firm_mw


def test_turbine_in_warm_air() -> None:
    # 16.5 MW, 0.7 % a degree above 15: at 35 C 14 % less
    assert firm_mw(16.5, 0.007, 15, 0.115, 0, 35, 0) == pytest.approx(16.5 * 0.86)


def test_turbine_at_altitude() -> None:
    assert firm_mw(10, 0.007, 15, 0.115, 0, 15, 2000) == pytest.approx(10 * 0.77)


def test_engine_is_flat_to_its_limits() -> None:
    assert firm_mw(2.5, 0.02, 38, 0.11, 1000, 38, 1000) == pytest.approx(2.5)
    assert firm_mw(2.5, 0.02, 38, 0.11, 1000, 43, 1500) == pytest.approx(2.5 * 0.9 * 0.945)


def test_cold_air_gives_no_more_than_the_rating() -> None:
    assert firm_mw(10, 0.007, 15, 0.115, 0, -20, -100) == pytest.approx(10)


@pytest.mark.parametrize(
    ("air", "water", "capacity", "cop"),
    [
        (25, 6.67, 1.12, 1.33),
        (30, 6.67, 1.06, 1.16),
        (35, 6.67, 1.00, 1.00),
        (40, 6.67, 0.93, 0.86),
        (46, 6.67, 0.85, 0.72),
        (35, 10, 1.12, 1.09),
        (40, 10, 1.05, 0.94),
        (35, 15, 1.32, 1.19),
        (46, 15, 1.14, 0.87),
    ],
)
def test_chiller_curve(air: float, water: float, capacity: float, cop: float) -> None:
    """The table of AirCooled_Chiller_2010_PathA relative to 35 C and 6.7 C."""
    found = chiller_factors(water, air)
    assert found[0] == pytest.approx(capacity, abs=0.006)
    assert found[1] == pytest.approx(cop, abs=0.006)


def test_warm_water_counts_as_the_warmest_that_is_trusted() -> None:
    assert chiller_factors(40, 35) == chiller_factors(15, 35)


def test_dry_cooler_needs_warm_water() -> None:
    assert cooler_factor(8, 40, 32) == 1
    assert cooler_factor(8, 40, 32.1) == 0
    assert 0.1 + 0.2 > 0.3  # what rounding adds is no warmth
    assert cooler_factor(0.1, 0.3, 0.2) == 1
