"""From a scenario to a result: read, optimise, certify, write."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import geopandas
import numpy as np

from siteopt.geodata.dataset import Dataset, load
from siteopt.optimize.certificate import certify
from siteopt.optimize.crosscheck import cross_check
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import Progress, search
from siteopt.optimize.single import Clock
from siteopt.output.document import Document, document
from siteopt.output.folder import write_folder
from siteopt.output.geojson import plan_geojson, sites_geojson
from siteopt.output.summary import summary
from siteopt.output.tables import orders_csv, schedule_csv
from siteopt.plan import Ranking, RunOutcome
from siteopt.scenario import Scenario, read_scenario

Method = Literal["search", "monolithic"]

VERIFY_SECONDS = 60.0
"""Time that a second solver has for each solve."""


@dataclass(frozen=True)
class Result:
    """The answer to a scenario.

    Attributes
    ----------
    scenario : Scenario
    dataset : Dataset
        What was read, and the Instance.
    ranking : Ranking
        Every eligible site, the best first, and how it was proven.
    document : dict
        Everything, as ``plan.json`` holds it.
    """

    scenario: Scenario
    dataset: Dataset
    ranking: Ranking
    document: Document

    @property
    def outcome(self) -> RunOutcome:
        """Proven, no site can serve, or limit reached."""
        return self.ranking.outcome

    @property
    def sites(self) -> geopandas.GeoDataFrame:
        """Every candidate, ranked, with days, cost and reason (WGS 84)."""
        return _frame(sites_geojson(self.document, self.dataset.sites))

    @property
    def plan(self) -> geopandas.GeoDataFrame:
        """The chosen site, the depots and the deliveries (WGS 84); empty where no site can serve."""
        return _frame(plan_geojson(self.document))

    def __str__(self) -> str:
        """The summary that the command line prints."""
        return summary(self.document)

    def files(self) -> dict[str, str]:
        """The text of every output file by name."""
        return {
            "sites.geojson": _json(sites_geojson(self.document, self.dataset.sites)),
            "plan.geojson": _json(plan_geojson(self.document)),
            "plan.json": json.dumps(self.document, ensure_ascii=False, allow_nan=False, indent=1) + "\n",
            "schedule.csv": schedule_csv(self.document),
            "orders.csv": orders_csv(self.document),
        }

    def write(self, folder: str | Path) -> Path:
        """Write every output into a folder, whole or not at all.

        Raises
        ------
        FileExistsError
            Where the folder holds something that is not a run of siteopt.
        """
        write_folder(Path(folder), self.files())
        return Path(folder)


def solve(
    scenario: Scenario | str | Path,
    method: Method = "search",
    seconds: float = math.inf,
    report: Callable[[Progress], None] | None = None,
    *,
    top: int = 10,
    workers: int | None = None,
    stop: threading.Event | None = None,
    verify: bool = False,
) -> Result:
    """Find the site and the rental mix that train first.

    Parameters
    ----------
    scenario : Scenario, or path of a TOML file
    method : "search" or "monolithic"
        Bounds and site by site (the default), or one MILP over all sites. They agree.
    seconds : float
        Time limit of the optimisation.
    report : callable, optional
        Called with the progress.
    top : int
        Ranks to prove; the monolithic method proves one.
    workers : int, optional
        Threads of the search; as many as there are processors unless given. The answer does not depend on it.
    stop : threading.Event, optional
        Set it to end the optimisation with what it has.
    verify : bool
        Solve the chosen site once more with CBC, and compare; VERIFY_SECONDS for each solve.

    Raises
    ------
    InputError
        With every fault of the scenario or its tables.
    """
    if not isinstance(scenario, Scenario):
        scenario = read_scenario(scenario)
    dataset = load(scenario)
    clock = Clock(seconds, stop or threading.Event())
    if method == "search":
        ranking = search(dataset.pool, clock, report, top, workers)
    else:
        ranking = monolithic(dataset.pool, clock, report)
    best = ranking.best.best if ranking.best is not None else None
    check = certify(best.case, best.plan) if best is not None else None
    checked: Document = (
        {"rows_recomputed": check.rows, "worst_excess": check.worst, "valid": check.valid} if check else {}
    )
    if verify and best is not None:
        checked["second_solver"] = asdict(cross_check(best, VERIFY_SECONDS))
    chosen = [dataset.pool.site_id.index(ranking.best.site_id)] if ranking.best is not None else []
    transit = dataset.pool.transit_days(np.array(chosen, dtype=np.int64))
    document_ = document(
        scenario,
        dataset.sites,
        dataset.offers,
        dataset.steps,
        transit,
        ranking,
        dataset.excluded,
        dataset.assumed,
        checked,
        dataset.inputs,
        version("siteopt"),
    )
    return Result(scenario, dataset, ranking, document_)


def _json(collection: Document) -> str:
    return json.dumps(collection, ensure_ascii=False, allow_nan=False) + "\n"


def _frame(collection: Document) -> geopandas.GeoDataFrame:
    if not collection["features"]:
        return geopandas.GeoDataFrame({"role": []}, geometry=[], crs=4326)
    return geopandas.GeoDataFrame.from_features(collection, crs=4326)
