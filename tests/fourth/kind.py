"""Register transformers, which step the peak demand down, before any other module of siteopt is imported.

A plugin of pytest (``-p tests.fourth.kind``): it stands for one more entry in ``siteopt/equipment.py``.
"""

from siteopt.equipment import Amount, Kind, Requirement, register

STEP_DOWN = "step down"

register(
    Kind(
        "transformer",
        "transformers",
        {STEP_DOWN: Amount()},
        ("vendor",),
        stage="transformers",
        colour="#F0E442",
        dash=(4, 4),
    ),
    Requirement(STEP_DOWN, "MW", "Step the peak demand down: ``sum(firm_mw x units) >= demand_mw``.", of_demand=1.0),
)
