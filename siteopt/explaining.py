"""From a scenario and a site to an ``Explanation``: why the site does not win, and what would have to change."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, nearest
from siteopt.geodata.dataset import load
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.variants import Variants
from siteopt.instance import Pool
from siteopt.optimize.clock import Clock
from siteopt.optimize.explain import findings
from siteopt.optimize.search import search
from siteopt.output.document import Document
from siteopt.output.explanation import explanation, explanation_document
from siteopt.output.notebook import text_html
from siteopt.plan import RunOutcome, SiteResult, Standing
from siteopt.reasons import Findings
from siteopt.run import agreement
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario


@dataclass(frozen=True)
class Explanation:
    """Why a site does not win, or cannot serve.

    Attributes
    ----------
    findings : Findings
        Its own best plan and the winner's, what it lacks, and what would have to change.
    excluded : str
        Why the scenario leaves the site out, where it does. Unless too much is unknown about it, the findings are as if
        it were admitted.
    document : dict
        Everything, as ``siteopt explain --json`` prints it.
    """

    findings: Findings
    excluded: str
    document: Document

    @property
    def outcome(self) -> RunOutcome:
        """Proven, or limit reached."""
        return RunOutcome.PROVEN if self.findings.proven else RunOutcome.LIMIT

    def __str__(self) -> str:
        """The lines that the command line prints."""
        return explanation(self.document)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return text_html(str(self))


def explain(
    scenario: Scenario | str | Path,
    site_id: str,
    *,
    seconds: float = math.inf,
    settings: Iterable[str] = (),
    stop: threading.Event | None = None,
) -> Explanation:
    """Why a site does not win, and the least that would have to change about it.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    site_id : str
        A candidate, whether the scenario admits it or not.
    seconds : float
        Time limit; when it is up, what is known by then is returned.
    settings : iterable of str
        ``"section.key=value"``, each replacing one key of a scenario that is read from a file.
    stop : threading.Event, optional
        Set it to end with what is known.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables; where there is no such site.
    """
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, settings)
    data = load(scenario, admit=site_id)
    if site_id not in data.sites.index:
        expected = f"a site_id of the candidates{nearest(site_id, data.sites.index)}"
        raise InputError(
            [Fault(Code.NO_SUCH_NAME, ", ".join(scenario.inputs.candidates), None, "site_id", site_id, expected)]
        )
    excluded = str(excluded_by(scenario, data.sites.loc[[site_id]])[0])
    if site_id in data.excluded:
        excluded = "; ".join(reason for reason in (excluded, data.excluded[site_id]) if reason)
        nothing = np.zeros(0, dtype=np.int64)
        found, grid = Findings(SiteResult(site_id, Standing.EXCLUDED, nothing, math.nan)), []
    else:
        vary = Variants(scenario, data, site_id)
        clock = Clock(seconds, stop or threading.Event())
        pool: Pool = data.pool
        if scenario.power_quality.iso_class is not None:  # the winner is the one that keeps the class
            pool = agreement(scenario, pool, lambda pool: search(pool, clock, top=1), clock).pool
        found = findings(pool, data.pool.site_id.index(site_id), vary.levers, vary, clock)
        grid = vary.grid
    document = explanation_document(scenario, data.sites["name"], grid, found, excluded, version("siteopt"))
    return Explanation(found, excluded, document)
