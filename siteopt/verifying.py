"""Verify a run from its folder: replay its plan with code that is independent of the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siteopt.geodata.changes import Change
from siteopt.geodata.dataset import Dataset
from siteopt.geodata.facts import Replaced, read_changes
from siteopt.geodata.import_right import counted_limits
from siteopt.geodata.limits import holding
from siteopt.instance import Instance
from siteopt.output.notebook import text_html
from siteopt.output.verification import verification
from siteopt.record.build_replay import known_day, quality_record, replay_record
from siteopt.record.run import PlanRecord
from siteopt.record.verification import Cause, ChangedCell, Slip, VerificationRecord
from siteopt.rereading import changed_inputs, check_admitted, orders_of, read_again, unusable
from siteopt.schema import BUILDINGS, LIMITS, OFFERS
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import replayed


@dataclass(frozen=True)
class Verification:
    """Result of the replay of a plan.

    Attributes
    ----------
    record : VerificationRecord
        The whole result, as ``siteopt verify --json`` prints it.
    """

    record: VerificationRecord

    @property
    def holds(self) -> bool:
        """Return whether no milestone starts late, the cost is within the budget, and the required class is kept."""
        return self.record.holds

    def __str__(self) -> str:
        """Return the lines that the command line prints."""
        return verification(self.record)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return text_html(str(self))


def verify(
    run: str | Path,
    changed: Sequence[str | Path] = (),
    report: Callable[[str], None] | None = None,
    *,
    scenario: str | Path | None = None,
) -> Verification:
    """Replay the plan of a run with the tables that it was made from, and with changes to them.

    Parameters
    ----------
    run : path
        Folder of a run.
    changed : sequence of paths
        Tables of offers, grid steps, candidates, limits or buildings, complete or not. Their values replace those of
        the scenario.
    report : callable, optional
        Function that is called with a text about the current step.
    scenario : path, optional
        Scenario to read instead of the one that the run names; this one and its tables are read as they are now.

    Returns
    -------
    Verification
        Whether the plan holds, and its replay.

    Raises
    ------
    InputError
        If the folder holds no plan; if no scenario is given, and a file that the run names has changed since, or is
        outside the current folder and the folder of the run; or with every error of the scenario, its tables and the
        changes.
    """
    tell = report or (lambda words: None)
    tell("reading the run")
    run_record, dataset = read_again(run, scenario)
    plan = run_record.plan
    if plan is None:
        raise unusable(run, "no plan", "the folder of a run with a plan")
    check_admitted(plan, dataset)
    replaced = read_changes(dataset, plan.site_id, changed)
    changes = [one.change for one in replaced]
    instance, orders = _had(plan, dataset, changes)
    found = replayed(instance, orders, tell)
    calendar, quality = found.calendar, quality_record(instance, found)
    record = VerificationRecord(
        scenario=run_record.scenario,
        start_date=run_record.start_date,
        site_id=plan.site_id,
        site_name=plan.site_name,
        currency=run_record.currency,
        currency_per_usd=run_record.currency_per_usd,
        holds=calendar.on_time and quality.passes is not False and calendar.within_budget,
        changed_inputs=tuple(changed_inputs(run_record.inputs, dataset.inputs)),
        changes=tuple(_changed_cell(one, plan, dataset) for one in replaced),
        slips=tuple(_slips(plan, dataset, changes, calendar)) if changes else (),
        replay=replay_record(dataset.scenario, instance, found, dataset.offers),
        power_quality=quality,
    )
    return Verification(record)


def _had(plan: PlanRecord, dataset: Dataset, changes: Sequence[Change]) -> tuple[Instance, Orders]:
    """Return the Instance with the changes, and the orders of the plan, at most the available units of each offer."""
    data = dataset.only(plan.site_id).with_changes(changes)
    instance = data.instance
    orders = orders_of(plan, instance, data.steps["grid_mw"].tolist())
    return instance, replace(orders, units=np.minimum(orders.units, instance.available_units[:, None]))


def _slips(plan: PlanRecord, dataset: Dataset, changes: Sequence[Change], calendar: Calendar) -> Iterator[Slip]:
    """Yield the milestones that move, with the days, and the changes that move each of them on their own."""

    def days(some: Sequence[Change]) -> np.ndarray:
        return replay(*_had(plan, dataset, some)).day

    before = days(())
    alone = [days([change]) - before for change in changes]
    for m, milestone in enumerate(plan.milestones):
        if calendar.day[m] == before[m]:
            continue
        because = [Cause(change=place, days_later=known_day(moved[m])) for place, moved in enumerate(alone) if moved[m]]
        yield Slip(
            name=milestone.name,
            day=known_day(before[m]),
            day_with=known_day(calendar.day[m]),
            days_later=known_day(calendar.day[m] - before[m]),
            because=tuple(because),
            reasons=calendar.reasons[m],
        )


def _changed_cell(replaced: Replaced, plan: PlanRecord, dataset: Dataset) -> ChangedCell:
    change = replaced.change
    building = limit = None
    if change.place is not None:
        building = dataset.buildings.loc[change.place] if change.table == BUILDINGS.name else None
        limit = dataset.limits.loc[change.place] if change.table == LIMITS.name else None
    return ChangedCell(
        table=change.table,
        row=change.row,
        column=change.column,
        level_mw=change.level_mw,
        building_id=None if building is None else str(building["building_id"]),
        resource=None if limit is None else str(limit["resource"]),
        limit=None if limit is None or pd.isna(limit["limit"]) else float(limit["limit"]),
        before=_plain(replaced.before),
        after=_plain(change.value),
        concerns=_concerns(change, plan, dataset),
    )


def _concerns(change: Change, plan: PlanRecord, dataset: Dataset) -> bool:
    """Return whether a plan uses what changes: an offer that it orders, a limit that holds at its site, or the site."""
    if change.table == OFFERS.name:
        return change.row in (order.offer_id for order in plan.orders)
    if change.table == LIMITS.name:
        limits = counted_limits(dataset.scenario, dataset.limits)
        return change.place in holding(limits, dataset.sites.loc[[plan.site_id]])
    return True


def _plain(value: Any) -> float | str | None:
    """Return a cell as a value for JSON."""
    if pd.isna(value):
        return None
    if isinstance(value, float | int | np.number):
        return float(value)
    return str(getattr(value, "date", lambda: value)())
