"""Read a scenario from its TOML files: apply ``--set``, convert amounts to US dollars, and report issues."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from siteopt import aliases
from siteopt.issues import InputError, Issue, most_similar, nearest
from siteopt.merging import Values, put
from siteopt.message_catalogue import Code
from siteopt.scenario import CURRENCY, NAME, OWN, SHOWN, Scenario, ScenarioFile, usd_name
from siteopt.toml_files import DEEPEST, EXTENDS, SOURCES, TOO_DEEP, text_of, toml_files

BEYOND = 1e30
"""Amount above every range in any currency; larger amounts are not converted, since this could overflow."""

SECTION = "a section of the scenario"

_PATTERNS = {
    NAME: "a name of letters, digits, '_', '.' and '-' that begins with a letter or digit",
    CURRENCY: "three capital letters, such as KRW",
    SHOWN: "visible letters, without control characters and line breaks",
}
"""What each pattern requires, in words."""

_EXPECTED = {
    "date_from_datetime_parsing": "a date such as 2026-12-01",
    "date_parsing": "a date such as 2026-12-01",
    "date_type": "a date such as 2026-12-01",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list in square brackets",
    "model_type": "a section",
    "string_too_short": "text",
    "string_type": "text in quotes",
    "too_short": "a list with at least one entry",
}
"""What is expected instead, by the type of the pydantic error; the text is the same for every version of pydantic."""

_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
"""Words for a bound, and the name of its value, by the type of the pydantic error."""


def read_scenario(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    refused: Callable[[str, Path], Iterable[Issue]] | None = None,
) -> Scenario:
    """Read a scenario from a TOML file, and from the files that it extends.

    Parameters
    ----------
    path : str or Path
        Path of the file.
    overrides : iterable of str
        ``"section.key=value"``; each one replaces one key for this run.
    refused : callable, optional
        Function that returns why a file that is extended, given by name and path, must not be opened; by default, each
        one is opened.

    Returns
    -------
    Scenario
        The scenario, with all amounts in US dollars.

    Raises
    ------
    InputError
        With every file that cannot be read, or else with every key that is missing, unknown or has a wrong value.
    """
    path = Path(path)
    files = toml_files(path, refused)
    values = Values(files)
    settings = tuple(overrides)
    issues = [issue for text in settings if (issue := _override(values, text))]
    unknown = [Issue(Code.UNKNOWN_KEY, str(path), None, key, key, SECTION) for key in OWN if key in values.data]
    issues += map(values.placed, unknown)
    if issues:
        raise InputError(issues)
    values.keep_latest()
    own = {"path": path, "settings": settings, "extended": tuple(file.name for file in files[:-1])}
    data = {**_in_usd(values.data), **own, "parameters": values.parameters()}
    return _validated(ScenarioFile, data, str(path), values.placed)


def _validated(
    model: type[Scenario], data: Mapping[str, Any], file: str, placed: Callable[[Issue], Issue] = lambda issue: issue
) -> Scenario:
    """Return the scenario that some data describe, or raise InputError with every error.

    ``placed`` returns an issue with the file and the line in which its key stands; by default, all are in one file.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        each = (one for item in error.errors() for one in _one_by_one(dict(item)))
        raise InputError(map(placed, _merged(_issue(file, one) for one in each))) from None
    except RecursionError:
        raise InputError([Issue(Code.NOT_TOML, file, None, "", "", TOO_DEEP)]) from None


def with_values(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    """Return a scenario with some keys set to new values.

    Parameters
    ----------
    values : mapping
        New values by key, such as ``{"supply.spare_units": 2}``; amounts in US dollars. Entries of lists count from 0,
        as in ``milestones.0.gpus``.

    Raises
    ------
    InputError
        With every key that is unknown, or whose value is not allowed.
    """
    data = scenario.model_dump(by_alias=True, exclude=set(OWN))
    issues = [
        _no_key("scenario", key, f"{value}") for key, value in values.items() if not put(data, aliases.key(key), value)
    ]
    if issues:
        raise InputError(issues)
    settings = (*scenario.settings, *(f"{key}={value}" for key, value in values.items()))
    own = {"path": scenario.path, "settings": settings, "extended": scenario.extended}
    return _validated(type(scenario), {**data, **own}, "scenario")


def _override(values: Values, text: str) -> Issue | None:
    """Set ``section.key=value``; return the issue if this is not possible, else None."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or not key.isprintable():
        return Issue(Code.BAD_SETTING, "--set", None, "", text, "section.key=value, such as supply.spare_units=2")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()
    return None if values.set(aliases.key(key.strip()), parsed) else _no_key("--set", key, text)


def _no_key(place: str, key: str, text: str) -> Issue:
    return Issue(Code.BAD_SETTING, place, None, key, text, "a key of the scenario (entries of lists count from 0)")


def _in_usd(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with amounts in the currency of the scenario (``budget_krw``) in US dollars (``budget_usd``)."""
    project = data.get("project")
    if not isinstance(project, dict):
        return data
    code, rate = str(project.get("currency", "USD")).lower(), project.get("currency_per_usd", 1.0)
    if code == "usd" or not isinstance(rate, int | float) or not 0 < rate <= 1e9:
        return data

    def convert(node: Any, depth: int = 0) -> Any:
        if isinstance(node, list) and depth < DEEPEST:
            return [convert(item, depth + 1) for item in node]
        if not isinstance(node, dict) or depth >= DEEPEST:
            return node
        return dict(
            (key, value) if usd_name(key, code) in node else _usd_item(key, convert(value, depth + 1), code, rate)
            for key, value in node.items()  # a key that is given in both currencies is kept, and is then unknown
        )

    return {key: convert(value) for key, value in data.items()}


def _usd_item(key: str, value: Any, code: str, rate: float) -> tuple[str, Any]:
    name = usd_name(key, code)
    if name is None or isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > BEYOND:
        return (name or key), value
    return name, value / rate


def _one_by_one(error: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a pydantic error for each line of a validator's message."""
    if error["type"] != "value_error":
        return [error]
    return [{**error, "msg": line} for line in str(error["msg"]).splitlines()]


def _expected(error: Mapping[str, Any]) -> str:
    if error["type"] == "string_pattern_mismatch":
        return _PATTERNS[error["ctx"]["pattern"]]
    if error["type"] == "string_too_long":
        return f"at most {error['ctx']['max_length']} letters"
    if error["type"] in _BOUNDS:
        words, name = _BOUNDS[error["type"]]
        bound = error["ctx"][name]
        if isinstance(bound, str):  # pydantic gives the bound of a date as text
            return f"a date {'not before' if name == 'ge' else 'not after'} {bound}"
        return f"{words} {Decimal(f'{bound:.16g}'):,f}"
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return _EXPECTED.get(error["type"], message)


def _issue(file: str, error: Mapping[str, Any]) -> Issue:
    """Return a pydantic error as an issue."""
    # pydantic adds "[key]" to a key of a table, and the type to an entry of a list that is an alternative
    place = [text[:80] for text in map(text_of, error["loc"]) if "[" not in text]
    key = ".".join(place)
    if error["type"] == "missing":
        return Issue(Code.NO_KEY, file, None, key, "", f"section {key}" if _keys_at(place) else f"key {place[-1]}")
    if error["type"] == "extra_forbidden":
        known = _keys_at(place[:-1])
        section = ".".join(part for part in place[:-1] if not part.isdigit())
        expected = f"a key in section {section}" if section else SECTION
        if section and place[-1] in (EXTENDS, SOURCES):
            expected += f"; {place[-1]} belongs above the first section"
        return Issue(Code.UNKNOWN_KEY, file, None, key, place[-1], expected + nearest(place[-1], known))
    while len(place) > 1 and not place[-1].isdigit() and place[-1] not in _keys_at(place[:-1]):
        place.pop()  # pydantic adds the alternative of a union to the key
    key = ".".join(place)
    message = _expected(error)
    if error["type"] == "value_error":  # of our own validators, which say what they found
        named, separator, rest = message.partition(": ")
        key = ".".join(part for part in (key, named) if part) if separator else key
        return Issue(Code.BAD_VALUE, file, None, key, "", rest if separator else message)
    return Issue(Code.BAD_VALUE, file, None, key, text_of(error["input"])[:1000], message)


def _merged(issues: Iterable[Issue]) -> list[Issue]:
    """Return one issue for each key, with its alternatives or all that is wrong; a misspelt key is not also missing."""
    merged: dict[str, Issue] = {}
    issues = list(issues)
    misspelt = set()
    for issue in issues:
        if issue.code is Code.UNKNOWN_KEY and issue.found not in OWN:
            section = issue.column.removesuffix(issue.found)
            meant = most_similar(issue.found, _keys_at(list(filter(None, section.split(".")))))
            misspelt |= {section + meant} if meant else set()
    issues = [issue for issue in issues if issue.code is not Code.NO_KEY or issue.column not in misspelt]
    # where an entry of a list is wrong, it says nothing that a number might stand in place of the list
    lists = {issue.column.rpartition(".")[0] for issue in issues if issue.column.rpartition(".")[2].isdigit()}
    issues = [issue for issue in issues if issue.column not in lists]
    for issue in issues:
        before = merged.get(issue.column)
        joint = ", or " if issue.found else "; also "  # a value has alternatives; a contradiction has none
        expected = f"{before.expected}{joint}{issue.expected}" if before else issue.expected
        merged[issue.column] = replace(issue, expected=expected)
    return list(merged.values())


def _keys_at(place: list[str]) -> list[str]:
    """Return the known keys of a section; an empty list if the place is not a section."""
    model: Any = Scenario
    for part in place:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in fields:  # the place of an entry of a list, or the key of an entry of a table
            continue
        annotation = fields[part].annotation
        arguments = [argument for argument in getattr(annotation, "__args__", ()) if isinstance(argument, type)]
        model = next((kind for kind in (annotation, *arguments) if hasattr(kind, "model_fields")), None)
        if model is None:
            return []
    top = [] if place else [EXTENDS, SOURCES]
    return [field.alias or name for name, field in model.model_fields.items() if name not in OWN] + top
