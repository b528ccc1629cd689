"""Explain why a site is not chosen, and which changes would be sufficient."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from siteopt.findings import Findings
from siteopt.geodata.dataset import load
from siteopt.geodata.filters import excluded_by
from siteopt.geodata.variants import Variants
from siteopt.instance import Pool
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.optimize.clock import Clock
from siteopt.optimize.explain import findings
from siteopt.optimize.search import searching
from siteopt.output.explanation import explanation
from siteopt.output.notebook import text_html
from siteopt.plan import SiteResult
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.build_explanation import explanation_record
from siteopt.record.explanation import ExplanationRecord
from siteopt.run import run_power_quality_loop
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario


@dataclass(frozen=True)
class Explanation:
    """Explanation of why a site is not chosen, or cannot serve.

    Attributes
    ----------
    findings : Findings
        The best plans of the site and of the chosen site, the shortfalls, and the changes that would be sufficient.
    record : ExplanationRecord
        The whole explanation, as ``siteopt explain --json`` prints it. If the scenario excludes the site, the findings
        treat the site as admitted, unless too much is unknown about it.
    """

    findings: Findings
    record: ExplanationRecord

    @property
    def outcome(self) -> RunOutcome:
        """Return PROVEN, or LIMIT if a limit stopped the proof."""
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
    """Explain why a site is not chosen, and find the smallest changes that would be sufficient.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    site_id : str
        A candidate, even one that the scenario excludes.
    seconds : float
        Time limit; after it, the explanation contains what is known so far.
    settings : iterable of str
        ``"section.key=value"``; each one replaces a key of a scenario that is read from a file.
    stop : threading.Event, optional
        Set this event to end the search with what is known so far.

    Returns
    -------
    Explanation
        The plans of the site and of the chosen site, the shortfalls, and the changes. Print it to read it.

    Raises
    ------
    InputError
        With every error of the scenario or its tables, or if the site is unknown.
    """
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario, settings)
    data = load(scenario, admit=site_id)
    if site_id not in data.sites.index:
        expected = f"a site_id of the candidates{nearest(site_id, data.sites.index)}"
        raise InputError(
            [Issue(Code.NO_SUCH_NAME, ", ".join(scenario.inputs.candidates), None, "site_id", site_id, expected)]
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
        if scenario.power_quality.iso_class is not None:  # the chosen site must keep the class
            with searching(pool, clock, top=1) as optimiser:
                pool = run_power_quality_loop(scenario, pool, optimiser, clock).pool
        found = findings(pool, data.pool.site_id.index(site_id), vary.levers, vary, clock)
        grid = vary.grid
    reasons = [reason for reason in excluded if reason is not None]
    return Explanation(
        found, explanation_record(scenario, data.sites["name"], grid, found, reasons, version("siteopt"))
    )
