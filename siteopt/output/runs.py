"""Read the folder of a run back, to report on it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siteopt.codes import Code
from siteopt.faults import Fault, InputError
from siteopt.output.document import FORMAT_VERSION, Document
from siteopt.output.folder import undisturbed

PLAN, SITES, PLACES, FRONT = "plan.json", "sites.geojson", "plan.geojson", "pareto.json"

_HEADING = ("siteopt_version", "scenario", "settings", "start_date", "currency", "currency_per_usd", "outcome")
_FIELDS: dict[str, tuple[str, ...]] = {
    PLAN: (
        *_HEADING,
        *("scenario_path", "method", "objective", "commissioning_days", "site_id", "site_name"),
        *("access_day", "milestones", "cost_usd"),
        *("orders", "grid_steps", "baselines", "assumptions", "candidates", "eligible", "ranking", "certificate"),
        *("replay", "power_quality", "inputs", "warnings"),
    ),
    FRONT: (*_HEADING, "milestone", "milestones", "points", "front", "sites", "certificate", "inputs", "warnings"),
    SITES: ("features",),
    PLACES: ("features",),
}
"""What a report needs of each file."""

_ROWS: dict[str, tuple[str, ...]] = {
    "milestones": (
        *("name", "gpus", "day", "date", "compute_ready_day", "heat_mw", "demand_mw", "mean_mw", "grid_mw"),
        *("generators_mw", "batteries_mw", "chillers_mw", "bottleneck", "days_saved"),
    ),
    "orders": (
        *("kind", "model", "depot", "longitude", "latitude", "units", "confidence"),
        *(f"{name}{day}" for name in ("leaves", "arrives", "ready", "serves") for day in ("", "_day")),
    ),
    "ranking": ("site_id", "name", "rank", "standing", "reason", "cost_usd", "cost_bound_usd", "assumed"),
    "features": ("geometry", "properties"),
}
"""What a report needs of each row of a list; an older siteopt did not write them all."""


@dataclass(frozen=True)
class Run:
    """The files of a run as documents.

    Attributes
    ----------
    document : dict or None
        ``plan.json``; None in the folder of a front.
    sites, plan : dict
        ``sites.geojson`` and ``plan.geojson``.
    front : dict or None
        ``pareto.json``: of the folder itself, or of the one beside it with ``-pareto`` behind its name.
    front_folder : str
        Where the front was found.
    """

    document: Document | None
    sites: Document
    plan: Document
    front: Document | None = None
    front_folder: str = ""

    @property
    def front_of_run(self) -> Document | None:
        """The front, where it has the same inputs and settings as the run."""
        if self.front is None or self.document is None:
            return None
        return self.front if all(self.front[name] == self.document[name] for name in ("inputs", "settings")) else None


def read_run(folder: Path) -> Run:
    """The files of a run, or of a front.

    Raises
    ------
    InputError
        Where there is no such folder, it holds no run, or a file of it cannot be used.
    Failure
        Where another run does not stop writing into it.
    """
    with undisturbed(folder):
        return _read_run(folder)


def _read_run(folder: Path) -> Run:
    if not folder.is_dir():
        raise InputError(
            [Fault(Code.NOT_A_RUN, str(folder), None, "", "no folder", "the folder of a run, such as runs/colossus")]
        )
    if not (folder / PLAN).is_file():
        if (folder / FRONT).is_file():
            return Run(None, {}, {}, _read(folder / FRONT), str(folder))
        expected = f"the folder of a run, which holds {PLAN}"
        raise InputError([Fault(Code.NOT_A_RUN, str(folder), None, "", f"no {PLAN}", expected)])
    document, sites, plan = (_read(folder / name) for name in (PLAN, SITES, PLACES))
    resolved = folder.resolve()
    for place in (resolved, resolved.with_name(resolved.name + "-pareto")):
        if (place / FRONT).is_file():
            return Run(document, sites, plan, _read(place / FRONT), place.name)
    return Run(document, sites, plan)


def _read(path: Path) -> Document:
    """A document with all that a report needs."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _unusable(path, "", "no file", "a file of the run; solve it again") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _unusable(path, "", str(error), "the JSON that siteopt wrote; solve it again") from None
    if not isinstance(found, dict):
        raise _unusable(path, "", f"{found!r}", "an object, as siteopt wrote it")
    if path.name in (PLAN, FRONT) and found.get("format_version") != FORMAT_VERSION:
        version = f"{found.get('format_version')}"
        raise _unusable(path, "format_version", version, f"{FORMAT_VERSION}, which this siteopt reads; solve it again")
    _require(path, "", found, _FIELDS[path.name])
    for name, fields in _ROWS.items():
        rows = found.get(name, ())
        if not isinstance(rows, list | tuple):
            raise _unusable(path, name, f"{rows!r}", "a list; solve it again")
        for number, row in enumerate(rows):
            if not (path.name == FRONT and name == "milestones"):
                _require(path, f"{name}[{number}].", row, fields)
    return found


def _require(path: Path, place: str, found: Any, fields: tuple[str, ...]) -> None:
    for field in fields:
        if not isinstance(found, Mapping) or field not in found:
            raise _unusable(path, f"{place}{field}", "nothing", "a value, as this siteopt writes it; solve it again")


def _unusable(path: Path, field: str, found: str, expected: str) -> InputError:
    return InputError([Fault(Code.NOT_A_RUN, str(path), None, field, found, expected)])
