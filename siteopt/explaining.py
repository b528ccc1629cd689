"""Make an ``Explanation`` from a scenario and a site: why the site does not win, and what would have to change."""

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
from siteopt.findings import Findings
from siteopt.geodata.dataset import load
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.variants import Variants
from siteopt.instance import Pool
from siteopt.optimize.clock import Clock
from siteopt.optimize.explain import findings
from siteopt.optimize.search import search
from siteopt.output.explanation import explanation
from siteopt.output.notebook import text_html
from siteopt.plan import SiteResult
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.build_explanation import explanation_record
from siteopt.record.explanation import ExplanationRecord
from siteopt.run import agreement
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario


@dataclass(frozen=True)
class Explanation:
    """Explanation of why a site does not win, or cannot serve.

    Attributes
    ----------
    findings : Findings
        The best plan of the site and that of the winner, what the site lacks, and what would have to change.
    record : ExplanationRecord
        The whole explanation, as ``siteopt explain --json`` prints it. If the scenario excludes the site, the findings
        are those as if it were admitted, unless too much is unknown about the site.
    """

    findings: Findings
    record: ExplanationRecord

    @property
    def outcome(self) -> RunOutcome:
        """Return PROVEN, or LIMIT if a limit was reached before the proof."""
        return RunOutcome.PROVEN if self.findings.proven else RunOutcome.LIMIT

    def __str__(self) -> str:
        """Return the lines that the command line prints."""
        return explanation(self.record)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return text_html(str(self))


def explain(
    scenario: Scenario | str | Path,
    site_id: str,
    *,
    seconds: float = math.inf,
    settings: Iterable[str] = (),
    stop: threading.Event | None = None,
) -> Explanation:
    """Explain why a site does not win, and find the smallest changes to it that would be enough.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    site_id : str
        A candidate, whether the scenario admits it or not.
    seconds : float
        Time limit; after it, the explanation holds what is known by then.
    settings : iterable of str
        ``"section.key=value"``; each one replaces one key of a scenario that is read from a file.
    stop : threading.Event, optional
        Set it to end the search with what is known by then.

    Returns
    -------
    Explanation
        The plans of the site and of the winner, the shortfalls, and the changes. Print it to read it.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables, or if there is no such site.
    """
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, settings)
    data = load(scenario, admit=site_id)
    if site_id not in data.sites.index:
        expected = f"a site_id of the candidates{nearest(site_id, data.sites.index)}"
        raise InputError(
            [Fault(Code.NO_SUCH_NAME, ", ".join(scenario.inputs.candidates), None, "site_id", site_id, expected)]
        )
    excluded = [excluded_by(scenario, data.sites.loc[[site_id]])[0]]
    if site_id in data.excluded:
        excluded.append(data.excluded[site_id])
        nothing = np.zeros(0, dtype=np.int64)
        found, grid = Findings(SiteResult(site_id, Standing.EXCLUDED, nothing, math.nan)), []
    else:
        vary = Variants(data, site_id)
        clock = Clock(seconds, stop or threading.Event())
        pool: Pool = data.pool
        if scenario.power_quality.iso_class is not None:  # the winner must keep the class
            pool = agreement(scenario, pool, lambda pool: search(pool, clock, top=1), clock).pool
        found = findings(pool, data.pool.site_id.index(site_id), vary.levers, vary, clock)
        grid = vary.grid
    reasons = [reason for reason in excluded if reason is not None]
    return Explanation(
        found, explanation_record(scenario, data.sites["name"], grid, found, reasons, version("siteopt"))
    )
