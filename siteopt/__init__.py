"""siteopt: which vacant factory, and which rented equipment, gets a GPU cluster training soonest.

>>> import siteopt
>>> result = siteopt.solve("models/colossus.toml")  # doctest: +SKIP
>>> print(result)  # doctest: +SKIP
"""

from siteopt import beginning as beginning  # first
from siteopt.explaining import Explanation, explain
from siteopt.faults import Failure, Fault, InputError
from siteopt.geodata.dataset import Dataset, load
from siteopt.plan import Plan, Ranking, RunOutcome, SiteResult
from siteopt.run import Front, Result, pareto, solve
from siteopt.scenario import Scenario, read_scenario

__all__ = [
    "Dataset",
    "Explanation",
    "Failure",
    "Fault",
    "Front",
    "InputError",
    "Plan",
    "Ranking",
    "Result",
    "RunOutcome",
    "Scenario",
    "SiteResult",
    "explain",
    "load",
    "pareto",
    "read_scenario",
    "solve",
]
