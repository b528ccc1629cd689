"""Read the folder of a stored run, for a new report or a check."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import shapely
import shapely.geometry
from pydantic import ValidationError

from siteopt.issues import NAMED, InputError, Issue
from siteopt.message_catalogue import Code
from siteopt.output.folder import undisturbed
from siteopt.output.geojson import GeoJSON
from siteopt.record.base import Heading
from siteopt.record.migrations import READABLE, read_stored
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.run import RunRecord

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PLAN, PLACES, SITES, FRONT = "plan.json", "plan.geojson", "sites.geojson", "pareto.json"

_Model = TypeVar("_Model", bound=Heading)


@dataclass(frozen=True)
class Run:
    """The files of a run.

    Attributes
    ----------
    record : RunRecord or None
        Content of ``plan.json``; None in the folder of a Pareto front.
    plan_features : dict
        Content of ``plan.geojson``; empty in the folder of a Pareto front.
    front : FrontRecord or None
        Content of ``pareto.json`` from the folder itself, or from the folder beside it with ``-pareto`` after its name.
    front_folder : str
        Folder in which the Pareto front was found.
    """

    record: RunRecord | None
    plan_features: GeoJSON
    front: FrontRecord | None = None
    front_folder: str = ""

    @property
    def front_of_run(self) -> FrontRecord | None:
        """Return the Pareto front if it has the same inputs and settings as the run, else None."""
        if self.front is None or self.record is None:
            return None
        is_same = self.front.inputs == self.record.inputs and self.front.settings == self.record.settings
        return self.front if is_same else None


def read_run(folder: Path) -> Run:
    """Return the files of a run, or of a Pareto front.

    Raises
    ------
    InputError
        If there is no such folder, it holds no run, or one of its files cannot be used.
    Failure
        If another run keeps writing into the folder.
    """
    with undisturbed(folder):
        return _read_run(folder)


def _read_run(folder: Path) -> Run:
    if not folder.is_dir():
        raise InputError(
            [Issue(Code.NOT_A_RUN, str(folder), None, "", "no folder", "the folder of a run, such as runs/colossus")]
        )
    if not (folder / PLAN).is_file():
        if (folder / FRONT).is_file():
            return Run(None, {}, read_record(folder / FRONT, FrontRecord), str(folder))
        expected = f"the folder of a run, which holds {PLAN}"
        raise InputError([Issue(Code.NOT_A_RUN, str(folder), None, "", f"no {PLAN}", expected)])
    record, plan_features = read_record(folder / PLAN, RunRecord), _plan_features(folder / PLACES)
    resolved = folder.resolve()
    for place in (resolved, resolved.with_name(resolved.name + "-pareto")):
        if (place / FRONT).is_file():
            return Run(record, plan_features, read_record(place / FRONT, FrontRecord), place.name)
    return Run(record, plan_features)


def read_record(path: Path, model: type[_Model]) -> _Model:
    """Return a stored record of this format or an earlier one.

    Raises
    ------
    InputError
        If the file or its format cannot be read, or if values are not as siteopt writes them (at most NAMED of them).
    """
    found = _json(path)
    version = found.get("format_version")
    if version not in READABLE:
        expected = f"{', '.join(map(str, READABLE))}, which this siteopt reads; solve it again"
        raise _unusable(path, "format_version", f"{version}", expected)
    if version == 1 and path.name == PLAN:
        _place_sites_of_1(found, path.with_name(SITES))
    try:
        return read_stored(found, model)
    except ValidationError as error:
        raise InputError([_issue(path, one) for one in error.errors(include_url=False)[:NAMED]]) from None


def _issue(path: Path, error: ErrorDetails) -> Issue:
    field = ".".join(map(str, error["loc"]))
    found = "nothing" if error["type"] == "missing" else f"{error['input']!r}"
    return Issue(Code.NOT_A_RUN, str(path), None, field, found, f"what siteopt writes there ({error['msg']})")


def _json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; raise an InputError if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _unusable(path, "", "no file", "a file of the run; solve it again") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _unusable(path, "", str(error), "the JSON that siteopt wrote; solve it again") from None
    if not isinstance(found, dict):
        raise _unusable(path, "", f"{found!r}", "an object, as siteopt wrote it")
    return found


def _place_sites_of_1(found: dict[str, Any], path: Path) -> None:
    """Add the positions of the listed sites to a record of format 1, where only ``sites.geojson`` had them."""
    try:
        for row, feature in zip(found["ranking"], _json(path)["features"], strict=True):
            row["longitude"], row["latitude"] = feature["geometry"]["coordinates"]
    except (KeyError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
        raise _unusable(path, "features", said, "the sites of the run; solve it again") from None


def _plan_features(path: Path) -> GeoJSON:
    """Return the content of ``plan.geojson`` after checking that a page can draw its features."""
    found = _json(path)
    try:
        for feature in found["features"]:
            feature["properties"]["role"]
            shapely.geometry.shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        said = f"{type(error).__name__}: {error}"
        raise _unusable(path, "features", said, "features as siteopt wrote them; solve it again") from None
    return found


def _unusable(path: Path, field: str, found: str, expected: str) -> InputError:
    return InputError([Issue(Code.NOT_A_RUN, str(path), None, field, found, expected)])
