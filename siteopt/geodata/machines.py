"""Estimate how generators and batteries respond to a change of the load, if the offers do not give the response."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from siteopt.instance import Floats
from siteopt.schema import OFFERS, Fuel, Machine

DROOP = 0.04
"""Drop of the frequency from no load to full load, as a share of the nominal frequency.

CIM's typical value of GAST: https://docs.rs/cimoxide-structs/0.3.1/src/cimstructs/GovGAST.rs.html
"""


class Answer(NamedTuple):
    """Response of a machine to a change of its load.

    The fields are the inertia constant, s; the time constant of governor and actuator, s; and the share of its rating
    that the machine ramps in a minute.
    """

    inertia_s: float
    governor_s: float
    ramp_per_min: float


ANSWERS = {
    Machine.DIESEL_ENGINE: Answer(0.8, 0.2, 6.0),
    Machine.GAS_ENGINE: Answer(0.8, 0.25, 1.0),
    Machine.AERODERIVATIVE: Answer(1.5, 0.5, 0.5),
    Machine.INDUSTRIAL_TURBINE: Answer(4.0, 0.5, 0.2),
    Machine.FUEL_CELL: Answer(0.0, 0.1, 0.1),
}
"""Response by machine.

``inertia_s`` and the ``governor_s`` of engines are estimates (general knowledge: 0.5 to 1.5, 1 to 2.5 and 3 to 6 s;
actuators 0.05 to 0.25 s). The 0.5 s of turbines is the valve of GAST (see DROOP). Ramps: engines above 100 %,
aeroderivatives about 50 %, industrial turbines about 20 % a minute,
https://www.wartsila.com/energy/learn-more/technology-comparison-engine-vs-aero/combustion-engine-vs-gas-turbine-ramp-rate;
diesels and fuel cells are estimates. Inverters, those of grid-forming batteries too, have the same droop as machines.
"""


LARGE_TURBINE_MW, LARGE_TURBINE_HZ_PER_S = 10.0, 1.0
"""Rating above which a turbine is large, and the rate of change of frequency that a large one withstands over 500 ms.

The rate is that of large synchronous units,
https://www.euturbines.eu/position-papers/joint-position-paperassessment-onrate-of-change-of-frequency-rocofrequirements-applied-tosynchronous-power-generation-modules-spgms/;
the rating is an estimate.
"""

_TURBINES = (Machine.AERODERIVATIVE, Machine.INDUSTRIAL_TURBINE)


def answers(offers: pd.DataFrame) -> dict[str, Floats]:
    """Return the fields of the Instance that describe how each generator responds; O each.

    Values for other kinds of equipment are meaningless; the caller sets them to 0.
    """
    engine = np.where(offers["fuel"] == Fuel.DIESEL, Machine.DIESEL_ENGINE, Machine.GAS_ENGINE)
    machine = np.where(offers["machine"] == "", engine, offers["machine"])
    table = np.array([ANSWERS[Machine(name)] for name in machine], dtype=float).reshape(-1, len(Answer._fields))
    ramp_mw_per_min, inertia_s, droop = (
        offers[name].to_numpy(dtype=float) for name in ("ramp_mw_per_min", "inertia_s", "droop")
    )
    ramp_per_min = ramp_mw_per_min / offers["unit_mw"].to_numpy(dtype=float)
    is_large = np.isin(machine, _TURBINES) & (offers["unit_mw"].to_numpy(dtype=float) > LARGE_TURBINE_MW)
    return {
        "inertia_s": np.where(np.isnan(inertia_s), table[:, 0], inertia_s),
        "droop": np.where(np.isnan(droop), DROOP, droop),
        "governor_s": table[:, 1],
        "ramp_per_s": np.where(np.isnan(ramp_per_min), table[:, 2], ramp_per_min) / 60,
        "rocof_withstand_hz_per_s": np.where(is_large, LARGE_TURBINE_HZ_PER_S, np.inf),
    }


def forming_answers(offers: pd.DataFrame) -> dict[str, Floats]:
    """Return the fields of the Instance that describe how each grid-forming battery responds; O each.

    A battery without an ``inertia_s`` is not grid-forming, and has 0 of everything.
    """
    blanks = {"inertia_s": 0.0, "droop": DROOP, "overload": OFFERS["overload"].default}
    is_forming = offers["inertia_s"].notna().to_numpy()
    filled = {name: offers[name].astype(float).fillna(blank).to_numpy() for name, blank in blanks.items()}
    return {name: np.where(is_forming, values, 0.0) for name, values in filled.items()}
