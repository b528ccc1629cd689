"""How generators respond where the offers do not say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siteopt.geodata.machines import DROOP, answers, forming_answers
from siteopt.schema import Machine


def offers(*rows: tuple[str, float]) -> pd.DataFrame:
    """Machines of a type and a size, about which nothing else is known; they burn gas."""
    frame = pd.DataFrame(rows, columns=["machine", "unit_mw"])
    return frame.assign(fuel="gas", ramp_mw_per_min=np.nan, inertia_s=np.nan, droop=np.nan, overload=np.nan)


def test_large_turbines_withstand_1_hz_per_s_and_nothing_is_known_of_others() -> None:
    industrial, aeroderivative = Machine.INDUSTRIAL_TURBINE, Machine.AERODERIVATIVE
    rows = [(industrial, 10.1), (aeroderivative, 34.0), (industrial, 10.0), (Machine.GAS_ENGINE, 18.0), ("", 18.0)]
    found = answers(offers(*rows))["rocof_withstand_hz_per_s"]
    assert found.tolist() == [1.0, 1.0, np.inf, np.inf, np.inf]


def test_a_droop_of_a_generator_counts_and_a_blank_is_the_usual_one() -> None:
    frame = offers((Machine.GAS_ENGINE, 2.0), (Machine.GAS_ENGINE, 2.0)).assign(droop=[0.05, np.nan])
    assert answers(frame)["droop"].tolist() == [0.05, DROOP]


def test_a_battery_is_grid_forming_where_it_has_a_virtual_inertia() -> None:
    frame = offers(("", 1.0), ("", 1.0), ("", 1.0), ("", 1.0))
    frame = frame.assign(inertia_s=[np.nan, 0.0, 5.0, 5.0], droop=[np.nan, np.nan, 0.02, np.nan])
    found = forming_answers(frame.assign(overload=[np.nan, np.nan, 1.3, np.nan]))
    assert {name: values.tolist() for name, values in found.items()} == {
        "inertia_s": [0.0, 0.0, 5.0, 5.0],
        "droop": [0.0, DROOP, 0.02, DROOP],
        "overload": [0.0, 1.0, 1.3, 1.0],
    }
