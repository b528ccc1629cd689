"""How generators respond where the offers do not say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siteopt.geodata.machines import answers
from siteopt.schema import Machine


def offers(*rows: tuple[str, float]) -> pd.DataFrame:
    """Machines of a type and a size, about which nothing else is known; they burn gas."""
    frame = pd.DataFrame(rows, columns=["machine", "unit_mw"])
    return frame.assign(fuel="gas", ramp_mw_per_min=np.nan, inertia_s=np.nan)


def test_large_turbines_withstand_1_hz_per_s_and_nothing_is_known_of_others() -> None:
    industrial, aeroderivative = Machine.INDUSTRIAL_TURBINE, Machine.AERODERIVATIVE
    rows = [(industrial, 10.1), (aeroderivative, 34.0), (industrial, 10.0), (Machine.GAS_ENGINE, 18.0), ("", 18.0)]
    found = answers(offers(*rows))["rocof_withstand_hz_per_s"]
    assert found.tolist() == [1.0, 1.0, np.inf, np.inf, np.inf]
