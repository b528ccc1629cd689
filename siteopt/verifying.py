"""Verify a run from its folder: replay its plan with code that is independent of the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siteopt.geodata.changes import Change
from siteopt.geodata.dataset import Dataset, load
from siteopt.geodata.facts import Replaced, read_changes
from siteopt.geodata.tables import FRAME
from siteopt.instance import Instance
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.output.notebook import text_html
from siteopt.output.runs import PLAN, read_run
from siteopt.output.verification import verification
from siteopt.record.base import InputFile
from siteopt.record.build_replay import known_day, quality_record, replay_record
from siteopt.record.run import PlanRecord, RunRecord
from siteopt.record.verification import Cause, ChangedCell, Slip, VerificationRecord
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario
from siteopt.schema import OFFERS
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import replayed

MOST_UNITS = 1_000_000
"""Maximum number of units of an offer in a stored plan."""


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
    run: str | Path, changed: Sequence[str | Path] = (), report: Callable[[str], None] | None = None
) -> Verification:
    """Replay the plan of a run with its tables as they are now, and with changes to them.

    Parameters
    ----------
    run : path
        Folder of a run.
    changed : sequence of paths
        Tables of offers, grid steps or candidates, complete or not. Their values replace those of the scenario.
    report : callable, optional
        Function that is called with a text about the current step.

    Returns
    -------
    Verification
        Whether the plan holds, and its replay.

    Raises
    ------
    InputError
        If the folder holds no plan, or with every error of the scenario, its tables and the changes.
    """
    tell = report or (lambda words: None)
    tell("reading the run")
    run_record, scenario, dataset = read_again(run)
    plan = run_record.plan
    if plan is None:
        raise unusable(run, "no plan", "the folder of a run with a plan")
    admitted(run_record, plan, dataset)
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
        changes=tuple(_changed_cell(one, plan) for one in replaced),
        slips=tuple(_slips(plan, dataset, changes, calendar)) if changes else (),
        replay=replay_record(scenario, instance, found, dataset.offers),
        power_quality=quality,
    )
    return Verification(record)


def read_again(run: str | Path) -> tuple[RunRecord, Scenario, Dataset]:
    """Return the record of a run, and its scenario and tables as they are now.

    Raises
    ------
    InputError
        If the folder holds no run, if the scenario or its tables cannot be read again from files, or with all their
        errors.
    """
    record = read_run(Path(run)).record
    if record is None:
        raise unusable(run, "no plan", "the folder of a run with a plan")
    path = record.scenario_path
    frames = [one.path for one in record.inputs if one.path.startswith(FRAME)]
    if frames or not path:
        found = ", ".join(frames) or "a scenario made in Python"
        raise unusable(run, found, "a run whose scenario and tables are files that can be read again")
    if not Path(path).is_file():
        raise unusable(path, "no such file", "the scenario of the run; use the folder in which it was solved")
    scenario = read_scenario(path, record.settings)
    return record, scenario, load(scenario)


def admitted(record: RunRecord, plan: PlanRecord, dataset: Dataset) -> None:
    """Check that the scenario still admits the site of a plan.

    Raises
    ------
    InputError
        If the scenario no longer admits it.
    """
    if plan.site_id not in dataset.pool.site_id:
        expected = "a scenario that still admits the site of the plan"
        raise unusable(record.scenario_path, f"a scenario without {plan.site_id}", expected)


def orders_of(plan: PlanRecord, instance: Instance, levels: Sequence[float]) -> Orders:
    """Return the orders of a plan, with the indices of the Instance of its site.

    Parameters
    ----------
    levels : sequence of float
        Limit (MW) that each grid step of the Instance rises to.

    Raises
    ------
    InputError
        If an offer, a milestone or a grid step of the plan is no longer in the scenario, or if the orders were changed
        since siteopt wrote them.
    """
    names, steps = list(instance.milestone), list(levels)
    units = np.zeros((instance.offers, instance.milestones), dtype=np.int64)
    step = np.zeros((len(steps), instance.milestones), dtype=bool)
    issues = []
    found = [milestone.name for milestone in plan.milestones]
    if found != names:
        expected = f"the milestones of the scenario: {', '.join(names)}"
        raise unusable(PLAN, f"the milestones {', '.join(found)}", expected)
    for order in plan.orders:
        if order.offer_id not in instance.offer_id:
            expected = f"an offer_id of the offers{nearest(order.offer_id, instance.offer_id)}"
            issues.append(Issue(Code.NO_SUCH_NAME, PLAN, None, "offer_id", order.offer_id, expected))
        elif list(order.units) != names or not all(0 <= count <= MOST_UNITS for count in order.units.values()):
            told = ", ".join(f"{name}: {count}" for name, count in order.units.items())
            issues.append(Issue(Code.NOT_A_RUN, PLAN, None, "units", told, "the units that siteopt wrote"))
        else:
            units[instance.offer_id.index(order.offer_id)] = list(order.units.values())
    for row in plan.grid_steps:
        if row.in_service_from is None:
            continue
        if row.grid_mw not in steps or row.in_service_from not in names:
            expected = f"a grid step of the site: {', '.join(f'{mw:g}' for mw in steps)} MW"
            issues.append(Issue(Code.NO_SUCH_NAME, PLAN, None, "grid_mw", f"{row.grid_mw:g}", expected))
            continue
        step[steps.index(row.grid_mw), names.index(row.in_service_from) :] = True
    if issues:
        raise InputError(issues)
    orders = Orders(np.array([milestone.day for milestone in plan.milestones]), units, step)
    try:
        orders.check(instance)
    except ValueError as error:
        raise unusable(PLAN, str(error), "the orders that siteopt wrote") from None
    return orders


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


def _changed_cell(replaced: Replaced, plan: PlanRecord) -> ChangedCell:
    change = replaced.change
    return ChangedCell(
        table=change.table,
        row=change.row,
        column=change.column,
        level_mw=change.level_mw,
        before=_plain(replaced.before),
        after=_plain(change.value),
        concerns=change.table != OFFERS.name or change.row in (order.offer_id for order in plan.orders),
    )


def _plain(value: Any) -> float | str | None:
    """Return a cell as a value for JSON."""
    if pd.isna(value):
        return None
    if isinstance(value, float | int | np.number):
        return float(value)
    return str(getattr(value, "date", lambda: value)())


def changed_inputs(before: Sequence[InputFile], now: Sequence[InputFile]) -> list[str]:
    """Return the paths of the inputs with changed content."""
    digests = {one.path: one.sha256 for one in before}
    return [one.path for one in now if digests.get(one.path) != one.sha256]


def unusable(place: str | Path, found: str, expected: str) -> InputError:
    """Return the error for a run that cannot be used."""
    return InputError([Issue(Code.NOT_A_RUN, str(place), None, "", found, expected)])
