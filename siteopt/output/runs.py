"""Read the folder of a stored run, for a new report or a check."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import shapely
import shapely.geometry
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from siteopt.issues import NAMED, SHOWN_LETTERS, InputError, Issue
from siteopt.message_catalogue import Code
from siteopt.output.charts.site_plan import LOOKS
from siteopt.output.folder import undisturbed
from siteopt.output.geojson import GeoJSON
from siteopt.record.base import Heading, Label, Latitude, Longitude, Many
from siteopt.record.capacity import CapacityRecord
from siteopt.record.migrations import READABLE, read_stored
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.run import RunRecord

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PLAN, PLACES, SITES = "plan.json", "plan.geojson", "sites.geojson"
FRONT, CAPACITY = "pareto.json", "capacity.json"

MOST_BYTES = 128 << 20
"""Maximum size of a file of a run, several times that of the largest real ones."""

MOST_VALUES, MOST_FIELDS = 10_000_000, 200_000
"""Maximum number of values of a file, and of fields of an object in it; an error about each takes about a kilobyte."""

MOST_DIGITS = 400
"""Maximum number of digits of a whole number; Python converts no number of thousands of digits."""

MOST_SAID = 200
"""Maximum number of letters of what a message says about the expected value."""

_Model = TypeVar("_Model", bound=Heading)


@dataclass(frozen=True)
class Run:
    """The files of a run.

    Attributes
    ----------
    record : RunRecord or None
        Content of ``plan.json``; None in the folder of a Pareto front or of capacities.
    plan_features : dict
        Content of ``plan.geojson``; empty in such a folder.
    front : FrontRecord or None
        Content of ``pareto.json`` from the folder itself, or from the folder beside it with ``-pareto`` after its name.
    front_folder : str
        Folder in which the Pareto front was found.
    capacity : CapacityRecord or None
        Content of ``capacity.json``, in the folder of capacities.
    """

    record: RunRecord | None
    plan_features: GeoJSON
    front: FrontRecord | None = None
    front_folder: str = ""
    capacity: CapacityRecord | None = None

    @property
    def front_of_run(self) -> FrontRecord | None:
        """Return the Pareto front if it has the same inputs and settings as the run, else None."""
        if self.front is None or self.record is None:
            return None
        is_same = self.front.inputs == self.record.inputs and self.front.settings == self.record.settings
        return self.front if is_same else None


def read_run(folder: Path) -> Run:
    """Return the files of a run, of a Pareto front, or of capacities.

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
    if not os.path.isdir(folder):  # Path.is_dir raises an error if the name is too long
        raise InputError(
            [Issue(Code.NOT_A_RUN, str(folder), None, "", "no folder", "the folder of a run, such as runs/colossus")]
        )
    if not os.path.lexists(folder / PLAN):
        if os.path.lexists(folder / FRONT):
            return Run(None, {}, read_record(folder / FRONT, FrontRecord), str(folder))
        if os.path.lexists(folder / CAPACITY):
            return Run(None, {}, capacity=read_record(folder / CAPACITY, CapacityRecord))
        expected = f"the folder of a run, which holds {PLAN}"
        raise InputError([Issue(Code.NOT_A_RUN, str(folder), None, "", f"no {PLAN}", expected)])
    record, plan_features = read_record(folder / PLAN, RunRecord), _plan_features(folder / PLACES)
    resolved = folder.resolve()
    for place in (resolved, resolved.with_name(resolved.name + "-pareto")):
        if os.path.lexists(place / FRONT):
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
        raise _unusable(path, "format_version", _shown(version), expected)
    if version == 1 and path.name == PLAN:
        _place_sites_of_1(found, path.with_name(SITES))
    with _issues_of(path):
        return read_stored(found, model)


@contextmanager
def _issues_of(path: Path, *place: str | int) -> Iterator[None]:
    """Turn a ValidationError into an InputError about a file (at most NAMED issues), below a place in it."""
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)[:NAMED]
        raise InputError([_issue(path, place, one) for one in found]) from None


def _issue(path: Path, place: tuple[str | int, ...], error: ErrorDetails) -> Issue:
    field = ".".join(str(part)[:SHOWN_LETTERS] for part in (*place, *error["loc"]))
    found = "nothing" if error["type"] == "missing" else _shown(error["input"])
    if error["type"] == "value_error" and isinstance(error["input"], dict):
        found = ""  # several fields contradict each other; the message says which
    said = error["msg"].removeprefix("Value error, ")
    expected = f"what siteopt writes there ({said[:MOST_SAID]})"
    return Issue(Code.NOT_A_RUN, str(path), None, field, found, expected)


def _shown(value: object) -> str:
    """Return a value of a file for a message: a plain value as it is written, anything else by its kind."""
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value[:SHOWN_LETTERS] if isinstance(value, str) else value)


def _json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; raise an InputError if there is none."""
    expected = "the JSON that siteopt wrote; solve it again"
    try:
        found = json.loads(_content(path), object_pairs_hook=_object, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise _unusable(path, "", f"a byte that is not UTF-8 (0x{error.object[error.start]:02x})", expected) from None
    except RecursionError:
        raise _unusable(path, "", "brackets that are nested hundreds deep", expected) from None
    except ValueError as error:  # JSONDecodeError, or of the two hooks
        raise _unusable(path, "", str(error), expected) from None
    if not isinstance(found, dict):
        raise _unusable(path, "", _shown(found), "an object, as siteopt wrote it")
    return found


def _content(path: Path) -> str:
    """Return the text of a file of a run; a link out of its folder, or anything else than a file, is not opened."""
    expected = "a file of the run; solve it again"
    try:
        folder = os.path.realpath(path.parent)
        if os.path.dirname(os.path.realpath(path)) != folder:
            raise _unusable(path, "", "a link to another folder", expected)
        if not path.is_file():
            raise _unusable(path, "", "a folder, a device or a pipe" if path.exists() else "no file", expected)
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unusable(path, "", error.strerror or str(error), "a readable file of the run") from None
    if len(raw) > MOST_BYTES or raw.count(b",") > MOST_VALUES:
        raise _unusable(path, "", f"more than {MOST_BYTES:,} bytes or {MOST_VALUES:,} values", expected)
    return raw.decode("utf-8")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) > MOST_FIELDS:
        raise ValueError(f"an object of more than {MOST_FIELDS:,} fields")
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the field {_shown(twice)} twice in one object")
    return found


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)


def _place_sites_of_1(found: dict[str, Any], path: Path) -> None:
    """Add the positions of the listed sites to a record of format 1, where only ``sites.geojson`` had them."""
    try:
        for row, feature in zip(found["ranking"], _json(path)["features"], strict=True):
            row["longitude"], row["latitude"] = feature["geometry"]["coordinates"]
    except (KeyError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
        raise _unusable(path, "features", said, "the sites of the run; solve it again") from None


class _Properties(BaseModel):
    role: Label


class _Feature(BaseModel):
    properties: _Properties
    geometry: Any


class _Features(BaseModel):
    features: Many[_Feature]


_Rings = Many[Many[tuple[Longitude, Latitude]]]


class _Polygon(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)
    type: Literal["Polygon"]
    coordinates: _Rings


class _MultiPolygon(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)
    type: Literal["MultiPolygon"]
    coordinates: Many[_Rings]


_AREA: TypeAdapter[_Polygon | _MultiPolygon] = TypeAdapter(
    Annotated[_Polygon | _MultiPolygon, Field(discriminator="type")]
)
"""Geometry of an area of the site; a page draws no other features."""


def _plan_features(path: Path) -> GeoJSON:
    """Return the content of ``plan.geojson`` after checking that a page can draw the areas in it."""
    found = _json(path)
    with _issues_of(path):
        features = _Features.model_validate(found).features
    for number, feature in enumerate(features):
        if feature.properties.role not in LOOKS:
            continue
        with _issues_of(path, "features", number, "geometry"):
            _AREA.validate_python(feature.geometry)
        try:
            shape = shapely.geometry.shape(feature.geometry)
            is_valid = shape.is_valid and not shape.is_empty
        except (ValueError, IndexError, shapely.errors.ShapelyError):  # too few positions in a ring
            is_valid = False
        if not is_valid:
            field = f"features.{number}.geometry"
            raise _unusable(path, field, "a polygon that is not valid", "a polygon as siteopt wrote it")
    return found


def _unusable(path: Path, field: str, found: str, expected: str) -> InputError:
    return InputError([Issue(Code.NOT_A_RUN, str(path), None, field, found, expected)])
