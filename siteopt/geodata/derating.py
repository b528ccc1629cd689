"""Compute the output of a unit at a site from its rating, the air temperature and the altitude."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from siteopt.instance import Floats
from siteopt.tolerances import HAIR

RATED_AIR_C = 35.0
"""Air temperature at which chillers are rated, deg C."""

RATED_WATER_C = 6.67
"""Temperature of leaving water at which chillers are rated, deg C."""

WARMEST_WATER_C = 15.0
"""Highest temperature of leaving water, deg C, that the chiller curve covers; warmer water counts as this."""


def firm_mw(
    unit_mw: ArrayLike,
    per_c: ArrayLike,
    above_c: ArrayLike,
    per_km: ArrayLike,
    above_m: ArrayLike,
    air_c: ArrayLike,
    elevation_m: ArrayLike,
) -> Floats:
    """Return the rating of generators (MW) at an air temperature and an altitude; arrays broadcast.

    The rating is ``unit_mw (1 - per_c max(0, air - above_c)) (1 - per_km max(0, elevation - above_m) / 1000)``, not
    below zero. Gas turbines lose 0.6 to 1.0 % per degree above 15 C and 11 to 12 % per kilometre; turbocharged engines
    lose nothing up to about 38 C and 1,000 m (sources in ``docs/model.md``).
    """
    warm = 1 - np.asarray(per_c) * np.maximum(0, np.asarray(air_c) - above_c)
    high = 1 - np.asarray(per_km) * np.maximum(0, np.asarray(elevation_m) - above_m) / 1000
    return np.asarray(np.asarray(unit_mw) * np.maximum(0, warm) * np.maximum(0, high), dtype=float)


def chiller_factors(water_c: ArrayLike, air_c: ArrayLike) -> tuple[Floats, Floats]:
    """Return capacity and COP of an air-cooled chiller, relative to its rating at 6.67 C water and 35 C air.

    The curves are CAPFT and EIRFT of ``AirCooled_Chiller_2010_PathA`` (openstudio-standards, after ASHRAE 90.1-2010).
    The COP is one over EIRFT at full load. Both are divided by their value at the rating point, because the fit is 1 %
    off there.
    """
    water = np.minimum(np.asarray(water_c, dtype=float), WARMEST_WATER_C)
    air = np.asarray(air_c, dtype=float)
    capacity = _capft(water, air) / _capft(RATED_WATER_C, RATED_AIR_C)
    cop = _eirft(RATED_WATER_C, RATED_AIR_C) / _eirft(water, air)
    return np.maximum(0, capacity), np.maximum(0.1, cop)


def _capft(te: ArrayLike, ta: ArrayLike) -> Floats:
    te, ta = np.asarray(te), np.asarray(ta)
    fit = 1.0433825 + 0.0407073 * te + 0.0004506 * te**2 - 0.0041514 * ta - 8.86e-5 * ta**2 - 0.0003467 * te * ta
    return np.asarray(fit, dtype=float)


def _eirft(te: ArrayLike, ta: ArrayLike) -> Floats:
    te, ta = np.asarray(te), np.asarray(ta)
    fit = 0.5961915 - 0.0099496 * te + 0.0007888 * te**2 + 0.0004506 * ta + 0.0004875 * ta**2 - 0.0007623 * te * ta
    return np.asarray(fit, dtype=float)


def cooler_factor(approach_c: ArrayLike, water_c: float, air_c: ArrayLike) -> Floats:
    """Return 1 if a tower or dry cooler can make water of ``water_c`` in air of ``air_c``, else 0.

    Such a unit gives its full rating if the water may be at least ``approach_c`` warmer than the air; otherwise it
    gives nothing. What evaporates water is limited by the wet-bulb temperature of the air, all else by the dry bulb.
    """
    return (np.asarray(air_c) + np.asarray(approach_c) <= water_c + HAIR).astype(float)
