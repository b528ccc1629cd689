"""Register transformers, which distribute the peak demand, before any other module of siteopt is imported.

A plugin of pytest (``-p tests.fourth.kind``): it stands for one more entry in ``siteopt/equipment.py``.
"""

from siteopt.equipment import Amount, Kind, Requirement, register

DISTRIBUTION = "distribution"

register(
    Kind("transformer", "transformers", {DISTRIBUTION: Amount()}, ("vendor",), colour="#56B4E9", dash=(4, 4)),
    Requirement(
        DISTRIBUTION, "MW", "Distribute the peak demand: ``sum(firm_mw x units) >= demand_mw``.", of_demand=1.0
    ),
)
