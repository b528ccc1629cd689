"""siteopt: which vacant factory, and which rented equipment, gets a GPU cluster training soonest.

>>> import siteopt
>>> result = siteopt.solve("models/colossus.toml")  # doctest: +SKIP
>>> print(result)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siteopt.explaining import Explanation, explain
    from siteopt.faults import Failure, Fault, InputError
    from siteopt.geodata.dataset import Dataset, load
    from siteopt.plan import Plan, Ranking, RunOutcome, SiteResult
    from siteopt.proving import Proving, prove
    from siteopt.run import Front, Result, pareto, solve
    from siteopt.scenario import Scenario
    from siteopt.scenario_file import read_scenario
    from siteopt.verifying import Verification, verify

__all__ = [
    "Dataset",
    "Explanation",
    "Failure",
    "Fault",
    "Front",
    "InputError",
    "Plan",
    "Proving",
    "Ranking",
    "Result",
    "RunOutcome",
    "Scenario",
    "SiteResult",
    "Verification",
    "explain",
    "load",
    "pareto",
    "prove",
    "read_scenario",
    "solve",
    "verify",
]

_MODULES = (
    "faults",
    "scenario",
    "scenario_file",
    "plan",
    "geodata.dataset",
    "run",
    "explaining",
    "verifying",
    "proving",
)
"""Where they are; looked for when they are asked for, so that a broken library can be told from a broken siteopt."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"siteopt.{module}"))
            if name in found:
                return globals().setdefault(name, found[name])
    raise AttributeError(f"module 'siteopt' has no attribute {name!r}")
