"""Read a stored run again: its record, and the scenario and tables that it was made from.

A run may come from a stranger, and its ``plan.json`` may name any file. So a file that only the run names is opened
only if it is below the current folder or the folder of the run, and if it is the file that the plan was made from, by
its SHA-256: then no message can show anything that the sender did not know. The user may name the scenario instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siteopt.geodata.dataset import Dataset, digest, files_by_name, load
from siteopt.geodata.layers import MOST_BYTES, refuse
from siteopt.geodata.tables import FRAME
from siteopt.instance import Instance, Ints
from siteopt.issues import InputError, Issue, nearest
from siteopt.message_catalogue import Code
from siteopt.output.runs import PLAN, read_run
from siteopt.phases import Phases
from siteopt.record.base import InputFile
from siteopt.record.run import PhaseRecord, PlanRecord, RunRecord
from siteopt.scenario import Scenario
from siteopt.scenario_file import read_scenario
from siteopt.simulate.orders import Orders

MOST_LETTERS = 200
"""Maximum number of letters of a path that a message shows."""

NAME_IT = "to read it as it is, name the scenario yourself with --scenario FILE"
WRITE_IT = "a setting of the run names it; to read it as it is, write it into the scenario that you name"
"""What to do about a file that is not opened: without a scenario that the user names, and with one."""


def read_again(run: str | Path, scenario: str | Path | None = None) -> tuple[RunRecord, Dataset]:
    """Return the record of a run, and the dataset of its scenario.

    Parameters
    ----------
    scenario : path, optional
        Scenario to read instead of the one that the run names. It and the files that it names are read as they are; a
        file that a setting of the run names must still be the one that the plan was made from.

    Raises
    ------
    InputError
        If the folder holds no run, if the scenario or its tables must not be opened or cannot be read again from files,
        or with all their errors.
    """
    record = read_run(Path(run)).record
    if record is None:
        raise unusable(run, "no plan", "the folder of a run with a plan")
    if scenario is None:
        recorded = _Recorded(record, Path(run), NAME_IT)
        named: tuple[str, ...] = ()
        found = read_scenario(recorded.scenario(), record.settings, refused=recorded.issues_of_extended)
    else:
        recorded = _Recorded(record, Path(run), WRITE_IT)
        named = _named_by(Path(scenario))
        found = read_scenario(scenario, record.settings)
    issues = [issue for name in found.files if name not in named for issue in recorded.issues_of_table(found, name)]
    if issues:
        raise InputError(issues)
    return record, load(found)


def _named_by(path: Path) -> tuple[str, ...]:
    """Return the files that a scenario names by itself; none if it is not complete without the settings of the run."""
    with suppress(InputError):
        return read_scenario(path).files
    return ()


@dataclass(frozen=True)
class _Recorded:
    """Files that a run names: they are opened only where this class finds no issue.

    Attributes
    ----------
    record : RunRecord
    run : Path
    cure : str
        What the user can do about a file that is not opened.
    """

    record: RunRecord
    run: Path
    cure: str

    def scenario(self) -> Path:
        """Return the path of the scenario; raise InputError if there is none, or if it must not be opened."""
        name = self.record.scenario_path
        frames = [one.path for one in self.record.inputs if one.path.startswith(FRAME)]
        if frames or not name:
            told = ", ".join(frames) or "a scenario made in Python"
            expected = "a run whose scenario and tables are files; or name a scenario with --scenario FILE"
            raise unusable(self.run, told, expected)
        path = Path(name)
        issues = list(self._issues(name, path, lambda: {path.name: path}))
        if issues:
            raise InputError(issues)
        return path

    def issues_of_extended(self, name: str, path: Path) -> Iterator[Issue]:
        """Yield the issues of a file that the scenario extends, and that must not be opened."""
        yield from self._issues(name, path, lambda: {name: path})

    def issues_of_table(self, scenario: Scenario, name: str) -> Iterator[Issue]:
        """Yield the issues of a table or layer of a scenario, and of the files beside it, that must not be opened."""
        path = scenario.resolve(name)
        yield from self._issues(name, path, lambda: files_by_name(name, path))

    def _issues(self, name: str, path: Path, files: Callable[[], dict[str, Path]]) -> Iterator[Issue]:
        """Yield the issues of a path, looking at no file before it is known to be in an allowed folder."""
        name = name if len(name) <= MOST_LETTERS else f"{name[:MOST_LETTERS]}..."
        if not self._is_allowed(path, os.path.abspath):
            yield self._issue(name, "it is outside the current folder and the folder of the run")
            return
        try:
            refuse(path, name)
        except InputError as error:
            yield from error.issues
            return
        known = {one.path: one.sha256 for one in self.record.inputs}
        for number, (recorded, file) in enumerate(files().items()):
            if reason := self._reason(file, known.get(recorded)):
                yield self._issue(recorded if number else name, reason)

    def _reason(self, file: Path, sha256: str | None) -> str:
        """Return why a file is not opened; empty if it is the file that the plan was made from."""
        if not self._is_allowed(file, os.path.realpath):
            return "it is outside the current folder and the folder of the run"
        if sha256 is None:
            return "the plan was not made from it"
        try:
            if file.stat().st_size <= MOST_BYTES and digest(file) == sha256:
                return ""
        except OSError as error:
            return error.strerror or str(error)
        return "it has changed since the plan was made"

    def _is_allowed(self, path: Path, full: Callable[[str | Path], str]) -> bool:
        """Return whether a path, made full in one way, is below the current folder or the folder of the run."""
        if "\0" in str(path):
            return False
        return any(Path(full(path)).is_relative_to(full(folder)) for folder in (Path(), self.run))

    def _issue(self, name: str, reason: str) -> Issue:
        return Issue(Code.NOT_OPENED, name, None, "", reason, self.cure)


def check_admitted(plan: PlanRecord, dataset: Dataset) -> None:
    """Check that the scenario still admits the site of a plan.

    Raises
    ------
    InputError
        If the scenario no longer admits it.
    """
    if plan.site_id not in dataset.pool.site_id:
        expected = "a scenario that still admits the site of the plan"
        raise unusable(dataset.scenario.path or PLAN, f"a scenario without {plan.site_id}", expected)


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
    issues = []
    found = [milestone.name for milestone in plan.milestones]
    if found != names:
        expected = f"the milestones of the scenario: {', '.join(names)}"
        raise unusable(PLAN, f"the milestones {', '.join(found)}", expected)
    day = np.array([milestone.day for milestone in plan.milestones])
    phases = instance.phases(day)
    stored = _stored_phases(plan, names, day, phases)
    units = np.zeros((instance.offers, len(phases)), dtype=np.int64)
    step = np.zeros((len(steps), len(phases)), dtype=bool)
    for order in plan.orders:
        if order.offer_id not in instance.offer_id:
            expected = f"an offer_id of the offers{nearest(order.offer_id, instance.offer_id)}"
            issues.append(Issue(Code.NO_SUCH_NAME, PLAN, None, "offer_id", order.offer_id, expected))
        else:
            counts = list(order.units.values())
            units[instance.offer_id.index(order.offer_id)] = [
                counts[m] if one is None else one.units.get(order.offer_id, 0)
                for m, one in zip(phases.milestone, stored, strict=True)
            ]
    for row in plan.grid_steps:
        if row.in_service_from is None:
            continue
        if row.grid_mw not in steps:
            expected = f"a grid step of the site: {', '.join(f'{mw:g}' for mw in steps)} MW"
            issues.append(Issue(Code.NO_SUCH_NAME, PLAN, None, "grid_mw", f"{row.grid_mw:g}", expected))
            continue
        place, m = steps.index(row.grid_mw), names.index(row.in_service_from)
        step[place] = [
            phases.milestone[f] >= m if one is None else place < one.grid_steps for f, one in enumerate(stored)
        ]
    if issues:
        raise InputError(issues)
    orders = Orders(day, units, step)
    try:
        orders.check(instance)
    except ValueError as error:
        raise unusable(PLAN, str(error), "the orders that siteopt wrote") from None
    return orders


def _stored_phases(plan: PlanRecord, names: list[str], day: Ints, phases: Phases) -> list[PhaseRecord | None]:
    """Return the stored phase of a plan that is in force when each phase begins; None if the plan stores none.

    With other limits than those that the plan was made for, a phase may begin on another day.
    """
    if not plan.phases:
        return [None] * len(phases)
    begins = [(one.day, names.index(one.milestone)) for one in plan.phases]
    known = list(zip(phases.begin.tolist(), phases.milestone.tolist(), strict=True))
    return [plan.phases[max((place for place, begin in enumerate(begins) if begin <= one), default=0)] for one in known]


def changed_inputs(before: Sequence[InputFile], now: Sequence[InputFile]) -> list[str]:
    """Return the paths of the inputs with changed content."""
    digests = {one.path: one.sha256 for one in before}
    return [one.path for one in now if digests.get(one.path) != one.sha256]


def unusable(place: str | Path, found: str, expected: str) -> InputError:
    """Return the error for a run that cannot be used."""
    return InputError([Issue(Code.NOT_A_RUN, str(place), None, "", found, expected)])
