"""Hold a result: its record, its frames, and its output files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas
import pandas as pd

from siteopt.geodata.dataset import Dataset
from siteopt.output import frames
from siteopt.output.capacity import COLUMNS, capacity_csv, capacity_geojson, capacity_summary
from siteopt.output.capacity import rows as capacity_rows
from siteopt.output.folder import write_folder
from siteopt.output.geojson import GeoJSON, json_text, plan_geojson, sites_geojson
from siteopt.output.maps import map_files
from siteopt.output.notebook import capacity_html, front_html, result_html
from siteopt.output.pareto_front import columns, front_csv, front_geojson, front_summary, rows
from siteopt.output.report import capacity_report, front_report, report
from siteopt.output.summary import summary
from siteopt.output.tables import cash_csv, crews_csv, orders_csv, schedule_csv
from siteopt.output.translations import Translations
from siteopt.plan import Ranking
from siteopt.record.base import RunOutcome
from siteopt.record.capacity import CapacityRecord
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.run import RunRecord
from siteopt.scenario import Scenario


class Output(ABC):
    """Result that can be written into a folder."""

    record: RunRecord | FrontRecord | CapacityRecord

    @property
    def outcome(self) -> RunOutcome:
        """Return how the run ended: proven, no site can serve, or stopped by a limit."""
        return self.record.outcome

    @property
    @abstractmethod
    def has_answer(self) -> bool:
        """Return whether there is a plan, a point of a Pareto front, or a site that can train GPUs by the day."""

    @property
    def agrees(self) -> bool:
        """Return whether no second solver contradicts the result."""
        return True

    @abstractmethod
    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""

    def write(self, folder: str | Path) -> Path:
        """Write all output files into a folder, or none if one fails, and return the folder.

        Files of an earlier run in the folder that are no longer as siteopt wrote them are kept, such as ``orders.csv``
        as ``orders-yours.csv``. If the charts cannot be drawn on this machine, ``report.html`` comes without them, and
        a ``NoChartsWarning`` says so.

        Raises
        ------
        Failure
            If the folder holds files but no run of this kind, cannot be written or is in use, or if the disk is full.
        """
        write_folder(Path(folder), self.files())
        return Path(folder)


@dataclass(frozen=True, repr=False, eq=False)
class Result(Output):
    """Result of a scenario. Two results are equal if they differ only in the time that they took.

    Attributes
    ----------
    scenario : Scenario
    dataset : Dataset
        The tables that were read, and the Instance.
    ranking : Ranking
        Every eligible site, from best to worst, and the proof of the ranking.
    record : RunRecord
        The whole result, as ``plan.json`` stores it.
    """

    scenario: Scenario
    dataset: Dataset
    ranking: Ranking
    record: RunRecord

    @property
    def has_answer(self) -> bool:
        """Return whether there is a plan."""
        return self.record.plan is not None

    @property
    def agrees(self) -> bool:
        """Return whether no second solver contradicts the result."""
        second = self.record.certificate.second_solver
        return second is None or second.agrees

    @cached_property
    def sites(self) -> geopandas.GeoDataFrame:
        """Return every listed candidate by site_id: rank, standing, reason, days, cost, and geometry (WGS 84)."""
        found = frames.site_rows(self.record)
        places = geopandas.points_from_xy(found.pop("longitude"), found.pop("latitude"), crs=4326)
        return geopandas.GeoDataFrame(found, geometry=places)

    @cached_property
    def milestones(self) -> pd.DataFrame:
        """Return the milestones of the plan by name: GPUs, day, date, MW, and what each is limited by."""
        return frames.milestones(self.record)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Return the orders by offer_id: units in all and at each milestone, days, dates, and cost."""
        return frames.orders(self.record)

    @cached_property
    def schedule(self) -> pd.DataFrame:
        """Return the events of the plan, in the order of days."""
        return frames.schedule(self.record)

    @cached_property
    def crews(self) -> pd.DataFrame:
        """Return which crew installs which unit, and when, according to the replay."""
        return frames.crews(self.record)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Return the cost of the plan by part."""
        return frames.costs(self.record)

    @cached_property
    def cash(self) -> pd.DataFrame:
        """Return what is committed and paid for each part of the cost, month by month."""
        return frames.cash(self.record)

    @property
    def plan(self) -> geopandas.GeoDataFrame:
        """Return the chosen site, the depots and the deliveries (WGS 84); empty if no site can serve."""
        return _frame(self._plan)

    @property
    def _sites(self) -> GeoJSON:
        return sites_geojson(self.record, self.dataset.sites, Translations.of(self.record))

    @property
    def _plan(self) -> GeoJSON:
        site = self.record.plan.site_id if self.record.plan is not None else None
        return plan_geojson(self.record, self.dataset.areas_of(site))

    def __str__(self) -> str:
        """Return the summary that the command line prints."""
        return summary(self.record)

    def __repr__(self) -> str:
        """Return the result in one line."""
        plan = self.record.plan
        if plan is None:
            return f"<Result {self.record.scenario}: {self.outcome}>"
        days = ", ".join(str(one.day) for one in plan.milestones)
        cost = Translations.of(self.record).money(plan.cost.total_usd)
        return f"<Result {self.record.scenario}: {self.outcome}, {plan.site_id}, days {days}, {cost}>"

    def __eq__(self, other: object) -> bool:
        """Return whether another result is equal, apart from the time that it took."""
        return isinstance(other, Result) and _timeless(self.record) == _timeless(other.record)

    def __hash__(self) -> int:
        return hash(_timeless(self.record).model_dump_json())

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return result_html(self.record)

    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""
        sites, plan, translations = self._sites, self._plan, Translations.of(self.record)
        return {
            "report.html": report(self.record, plan, translations),
            "sites.geojson": json_text(sites),
            "plan.geojson": json_text(plan),
            "plan.json": self.record.model_dump_json(indent=1) + "\n",
            "schedule.csv": schedule_csv(self.record),
            "orders.csv": orders_csv(self.record),
            "crews.csv": crews_csv(self.record),
            "cash.csv": cash_csv(self.record),
            **map_files(self.record, sites, plan, translations),
        }


@dataclass(frozen=True, repr=False)
class ParetoFront(Output):
    """Pareto front of the days of a milestone and the cost, for the best sites.

    Attributes
    ----------
    record : FrontRecord
        The whole result, as ``pareto.json`` stores it.
    """

    record: FrontRecord

    @property
    def has_answer(self) -> bool:
        """Return whether there is a point of a Pareto front."""
        return bool(self.record.points)

    @property
    def points(self) -> pd.DataFrame:
        """Return the breakpoints of the sites, one per row, as in ``pareto.csv``."""
        return pd.DataFrame(rows(self.record), columns=columns(self.record))

    def __str__(self) -> str:
        """Return the table that the command line prints."""
        return front_summary(self.record)

    def __repr__(self) -> str:
        """Return the Pareto front in one line."""
        record = self.record
        ends = f", day {record.joint[0].day} to {record.joint[-1].day}" if record.joint else ""
        return f"<Front {record.scenario}: {self.outcome}, {record.milestone}, {len(record.joint)} points{ends}>"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return front_html(self.record)

    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""
        return {
            "report.html": front_report(self.record, Translations.of(self.record)),
            "pareto.csv": front_csv(self.record),
            "pareto.geojson": json_text(front_geojson(self.record)),
            "pareto.json": self.record.model_dump_json(indent=1) + "\n",
        }


@dataclass(frozen=True, repr=False)
class Capacity(Output):
    """Most GPUs that can train by a day, for the best sites, and the capacity of these sites on other days.

    Attributes
    ----------
    record : CapacityRecord
        The whole result, as ``capacity.json`` stores it.
    """

    record: CapacityRecord

    @property
    def has_answer(self) -> bool:
        """Return whether there is a site that can train GPUs by the day."""
        return bool(self.record.ranked)

    @property
    def points(self) -> pd.DataFrame:
        """Return the capacities by site and day, one per row, as in ``capacity.csv``."""
        return pd.DataFrame(capacity_rows(self.record), columns=COLUMNS).astype({"rank": "Int64"})

    def __str__(self) -> str:
        """Return the text that the command line prints."""
        return capacity_summary(self.record)

    def __repr__(self) -> str:
        """Return the capacity of the first site in one line."""
        record = self.record
        first = f", {record.ranked[0].asked.gpus:,} GPUs at {record.ranked[0].site_id}" if record.ranked else ""
        return f"<Capacity {record.scenario}: {self.outcome}, by day {record.by_day}{first}>"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return capacity_html(self.record)

    def files(self) -> dict[str, str | bytes]:
        """Return the content of every output file by name."""
        return {
            "report.html": capacity_report(self.record, Translations.of(self.record)),
            "capacity.csv": capacity_csv(self.record),
            "capacity.geojson": json_text(capacity_geojson(self.record)),
            "capacity.json": self.record.model_dump_json(indent=1) + "\n",
        }


def _timeless(record: RunRecord) -> RunRecord:
    """Return a record without the time that the run took."""
    certificate = record.certificate.model_copy(update={"seconds": 0.0, "seconds_by_step": {}})
    return record.model_copy(update={"certificate": certificate})


def _frame(collection: GeoJSON) -> geopandas.GeoDataFrame:
    if not collection["features"]:
        return geopandas.GeoDataFrame({"role": []}, geometry=[], crs=4326)
    return geopandas.GeoDataFrame.from_features(collection, crs=4326)
