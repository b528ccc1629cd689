"""siteopt: find the vacant factory, and the rented equipment, that get a GPU cluster training soonest.

>>> import siteopt
>>> siteopt.solve(siteopt.example("frugal"), top=1)
<Result frugal: proven, us-eugene-hynix, days 110, USD 102.79 million>
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from siteopt.aliases import PYTHON

__version__: str

if TYPE_CHECKING:
    from siteopt.answers import Capacity, ParetoFront, Result
    from siteopt.examples import example
    from siteopt.explaining import Explanation, explain
    from siteopt.geodata.changes import Change
    from siteopt.geodata.dataset import Dataset, load
    from siteopt.issues import Failure, InputError, Issue
    from siteopt.plan import Plan, Ranking, SiteResult
    from siteopt.proving import Proving, prove
    from siteopt.record.base import RunOutcome
    from siteopt.run import capacity, pareto, solve
    from siteopt.scenario import Scenario
    from siteopt.scenario_file import read_scenario
    from siteopt.verifying import Verification, verify

__all__ = [
    "Capacity",
    "Change",
    "Dataset",
    "Explanation",
    "Failure",
    "InputError",
    "Issue",
    "ParetoFront",
    "Plan",
    "Proving",
    "Ranking",
    "Result",
    "RunOutcome",
    "Scenario",
    "SiteResult",
    "Verification",
    "__version__",
    "capacity",
    "example",
    "explain",
    "load",
    "pareto",
    "prove",
    "read_scenario",
    "solve",
    "verify",
]

_MODULES = (
    "issues",
    "scenario",
    "scenario_file",
    "plan",
    "record.base",
    "geodata.changes",
    "geodata.dataset",
    "answers",
    "run",
    "examples",
    "explaining",
    "verifying",
    "proving",
)
"""Modules that define these names, imported on first use: so a broken library can be told from a broken siteopt."""


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("siteopt")
    name = PYTHON.get(name, name)
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"siteopt.{module}"))
            if name in found:
                return globals().setdefault(name, found[name])
    raise AttributeError(f"module 'siteopt' has no attribute {name!r}")
