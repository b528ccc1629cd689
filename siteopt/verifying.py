"""From the folder of a run to a ``Verification``: the plan replayed by code that shares nothing with the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, nearest
from siteopt.geodata.dataset import Dataset, load
from siteopt.geodata.facts import Facts, Replaced
from siteopt.instance import Instance
from siteopt.output.document import Document
from siteopt.output.notebook import text_html
from siteopt.output.replayed import known_day, quality_record, replay_record
from siteopt.output.runs import PLAN, read_run
from siteopt.output.verification import verification
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario
from siteopt.schema import OFFERS
from siteopt.simulate.calendar import Calendar, replay
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import replayed


@dataclass(frozen=True)
class Verification:
    """What a replay says of a plan.

    Attributes
    ----------
    document : dict
        Everything, as ``siteopt verify --json`` prints it.
    """

    document: Document

    @property
    def holds(self) -> bool:
        """Every milestone starts on its day or before, within the budget, and the class that is asked for is kept."""
        return bool(self.document["holds"])

    def __str__(self) -> str:
        """The lines that the command line prints."""
        return verification(self.document)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return text_html(str(self))


def verify(
    run: str | Path, changed: Sequence[str | Path] = (), report: Callable[[str], None] | None = None
) -> Verification:
    """Replay the plan of a run, with the facts as they are, or as tables of changes have them.

    Parameters
    ----------
    run : path
        Folder of a run.
    changed : sequence of paths
        Tables of offers, grid steps or candidates, whole or in part: what they say counts.
    report : callable, optional
        Called with what is being done.

    Raises
    ------
    InputError
        Where the folder holds no plan, or with every fault of the scenario, its tables and the changes.
    """
    tell = report or (lambda words: None)
    tell("reading")
    document, scenario, dataset = read_again(run)
    if document["site_id"] is None:
        raise unusable(run, "no plan", "the folder of a run that found a plan")
    admitted(document, dataset)
    facts = Facts(scenario, dataset, document["site_id"])
    changes = facts.changes(changed)
    case, orders = _had(document, facts, changes)
    found = replayed(case, orders, tell)
    record: Document = {
        "replay": replay_record(scenario, case, found, dataset.offers),
        "power_quality": quality_record(case, found),
    }
    calendar = found.calendar
    fails = record["power_quality"]["passes"] is False
    return Verification(
        {
            **{name: document[name] for name in ("scenario", "start_date", "site_id", "site_name")},
            "holds": calendar.on_time and not fails and calendar.within_budget,
            "changed_inputs": changed_inputs(document["inputs"], dataset.inputs),
            "changes": [_change(change, document) for change in changes],
            "slips": list(_slips(document, facts, changes, calendar)) if changes else [],
            **record,
        }
    )


def read_again(run: str | Path) -> tuple[Document, Scenario, Dataset]:
    """Return ``plan.json`` of a run, and its scenario and tables as they are now.

    Raises
    ------
    InputError
        Where the folder holds no run, or with every fault of the scenario and its tables.
    """
    document = read_run(Path(run)).document
    if document is None:
        raise unusable(run, "no plan", "the folder of a run that found a plan")
    path = document["scenario_path"]
    if not Path(path).is_file():
        raise unusable(path, "no such file", "the scenario of the run; run this where it was solved")
    scenario = read_scenario(path, document["settings"])
    return document, scenario, load(scenario)


def admitted(document: Document, dataset: Dataset) -> None:
    """Check that the scenario still admits the site of a plan.

    Raises
    ------
    InputError
    """
    if document["site_id"] not in dataset.pool.site_id:
        path = document["scenario_path"]
        raise unusable(path, document["site_id"], "a scenario that still admits the site of the plan")


def orders_of(document: Document, case: Instance, levels: Sequence[float]) -> Orders:
    """The orders of a plan, in the order of the Instance of its site.

    Parameters
    ----------
    levels : sequence of float
        The limit (MW) that each grid step of the Instance rises to.

    Raises
    ------
    InputError
        Where an offer or a grid step of the plan is not in the tables any more.
    """
    try:
        return _orders_of(document, case, list(levels))
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise unusable(PLAN, f"{type(error).__name__}: {error}", "the orders that siteopt wrote") from None


def _orders_of(document: Document, case: Instance, levels: list[float]) -> Orders:
    names = list(case.milestone)
    units = np.zeros((case.offers, case.milestones), dtype=np.int64)
    step = np.zeros((len(levels), case.milestones), dtype=bool)
    faults = []
    for order in document["orders"]:
        if order["offer_id"] not in case.offer_id:
            expected = f"an offer of the tables{nearest(order['offer_id'], case.offer_id)}"
            faults.append(Fault(Code.NO_SUCH_NAME, PLAN, None, "offer_id", order["offer_id"], expected))
            continue
        units[case.offer_id.index(order["offer_id"])] = [order["units"][name] for name in names]
    for row in document["grid_steps"]:
        if row["in_service_from"] is None:
            continue
        if row["grid_mw"] not in levels:
            expected = f"a grid step of the site: {', '.join(f'{mw:g}' for mw in levels)} MW"
            faults.append(Fault(Code.NO_SUCH_NAME, PLAN, None, "grid_mw", f"{row['grid_mw']:g}", expected))
            continue
        step[levels.index(row["grid_mw"]), names.index(row["in_service_from"]) :] = True
    if faults:
        raise InputError(faults)
    orders = Orders(np.array([milestone["day"] for milestone in document["milestones"]]), units, step)
    orders.check(case)
    return orders


def _had(document: Document, facts: Facts, changes: Sequence[Replaced]) -> tuple[Instance, Orders]:
    """The site with the changes, and the orders of the plan, no more units of an offer than there are."""
    case, levels = facts.case(changes)
    orders = orders_of(document, case, levels)
    return case, replace(orders, units=np.minimum(orders.units, case.fleet[:, None]))


def _slips(document: Document, facts: Facts, changes: Sequence[Replaced], calendar: Calendar) -> list[dict[str, Any]]:
    """Which milestones move, by how much, and which changes move them by themselves."""

    def days(some: Sequence[Replaced]) -> np.ndarray:
        return replay(*_had(document, facts, some)).day

    before = days(())
    alone = [(change, days([change]) - before) for change in changes]
    slips = []
    for m, milestone in enumerate(document["milestones"]):
        if calendar.day[m] == before[m]:
            continue
        because = [{"change": str(change), "days_later": known_day(moved[m])} for change, moved in alone if moved[m]]
        slips.append(
            {
                "name": milestone["name"],
                "day": known_day(before[m]),
                "day_with": known_day(calendar.day[m]),
                "days_later": known_day(calendar.day[m] - before[m]),
                "because": because,
                "reason": calendar.reason[m],
            }
        )
    return slips


def _change(change: Replaced, document: Document) -> dict[str, Any]:
    concerns = change.table != OFFERS.name or change.row in (order["offer_id"] for order in document["orders"])
    return {
        **{name: getattr(change, name) for name in ("table", "row", "column", "level_mw")},
        **{name: _plain(getattr(change, name)) for name in ("before", "after")},
        "text": str(change),
        "concerns": concerns,
    }


def _plain(value: Any) -> Any:
    """A cell as JSON knows it."""
    if isinstance(value, float | int | np.number):
        return None if np.isnan(value) else float(value)
    return str(value)


def changed_inputs(before: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]) -> list[str]:
    """Paths of the inputs that are not what they were."""
    digests = {one["path"]: one["sha256"] for one in before}
    return [one["path"] for one in now if digests.get(one["path"]) != one["sha256"]]


def unusable(place: str | Path, found: str, expected: str) -> InputError:
    """Return the error of a run that cannot be used."""
    return InputError([Fault(Code.NOT_A_RUN, str(place), None, "", found, expected)])
