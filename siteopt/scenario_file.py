"""Read a scenario from its TOML file: apply ``--set``, convert amounts to US dollars, and report issues."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from siteopt import aliases
from siteopt.issues import InputError, Issue, most_similar, nearest
from siteopt.message_catalogue import Code
from siteopt.scenario import CURRENCY, NAME, OWN, SHOWN, Scenario, ScenarioFile, usd_name

MOST_BYTES = 10 << 20
"""Maximum size of a scenario file in bytes, far beyond any real one."""

BEYOND = 1e30
"""Amount above every range in any currency; larger amounts are not converted, since this could overflow."""

SECTION = "a section of the scenario"
TOO_DEEP = "TOML with brackets that are not nested hundreds deep"

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


def read_scenario(path: str | Path, overrides: Iterable[str] = ()) -> Scenario:
    """Read a scenario from a TOML file.

    Parameters
    ----------
    path : str or Path
        Path of the file.
    overrides : iterable of str
        ``"section.key=value"``; each one replaces one key for this run.

    Returns
    -------
    Scenario
        The scenario, with all amounts in US dollars.

    Raises
    ------
    InputError
        With every key that is missing or unknown, or whose value is not allowed.
    """
    path = Path(path)
    data = aliases.present(_toml(path))
    settings = tuple(overrides)
    issues = [issue for text in settings if (issue := _override(data, text))]
    issues += [Issue(Code.UNKNOWN_KEY, str(path), None, key, key, SECTION) for key in OWN if key in data]
    if issues:
        raise InputError(issues)
    return _validated(ScenarioFile, {**_in_usd(data), "path": path, "settings": settings}, str(path))


def _validated(model: type[Scenario], data: Mapping[str, Any], file: str) -> Scenario:
    """Return the scenario that some data describe, or raise InputError with every error."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        each = (one for item in error.errors() for one in _one_by_one(dict(item)))
        raise InputError(_merged(_issue(file, one) for one in each)) from None
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
    data = scenario.model_dump(by_alias=True, exclude={"path", "settings"})
    issues = [
        _no_key("scenario", key, f"{value}") for key, value in values.items() if not _put(data, aliases.key(key), value)
    ]
    if issues:
        raise InputError(issues)
    settings = (*scenario.settings, *(f"{key}={value}" for key, value in values.items()))
    return _validated(type(scenario), {**data, "path": scenario.path, "settings": settings}, "scenario")


def _toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file, or raise InputError with its error."""

    def refused(code: Code, row: int | None, found: str, expected: str) -> InputError:
        return InputError([Issue(code, str(path), row, "", found, expected)])

    try:
        if path.exists() and not path.is_file():
            raise refused(Code.UNREADABLE, None, "it is a folder, a device or a pipe", "a scenario file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a null byte raises ValueError
        if isinstance(error, FileNotFoundError):
            raise refused(Code.NO_FILE, None, "no such file", "a scenario file") from None
        found = getattr(error, "strerror", None) or str(error)
        raise refused(Code.UNREADABLE, None, found, "a readable scenario file") from None
    if len(raw) > MOST_BYTES:
        raise refused(Code.TOO_LARGE, None, f"more than {MOST_BYTES:,} bytes", "a scenario file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        found = "text in UTF-16" if wide else f"a byte that is not UTF-8 (0x{raw[error.start]:02x})"
        row = None if wide else raw.count(b"\n", 0, error.start) + 1
        raise refused(Code.ENCODING, row, found, "a TOML file in UTF-8; save the file as UTF-8") from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refused(Code.NOT_TOML, None, "", TOO_DEEP) from None
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        lines = text.splitlines() or [""]
        place = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
        row = int(place[1]) if place else len(lines) if "end of document" in str(error) else None
        words = str(error).replace(place[0], f", line {place[1]}, column {place[2]}") if place else str(error)
        if not isinstance(error, tomllib.TOMLDecodeError):
            words = "a number has thousands of digits"
        found = lines[min(row, len(lines)) - 1].strip() if row else ""
        raise refused(Code.NOT_TOML, row, found, f"TOML ({words})") from None


def _override(data: dict[str, Any], text: str) -> Issue | None:
    """Put ``section.key=value`` into the data; return the issue if this is not possible, else None."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or not key.isprintable():
        return Issue(Code.BAD_SETTING, "--set", None, "", text, "section.key=value, such as supply.spare_units=2")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()
    return None if _put(data, aliases.key(key), parsed) else _no_key("--set", key, text)


def _no_key(place: str, key: str, text: str) -> Issue:
    return Issue(Code.BAD_SETTING, place, None, key, text, "a key of the scenario (entries of lists count from 0)")


def _put(data: dict[str, Any], key: str, value: Any) -> bool:
    """Put a value into the data under a key; return whether the key is possible."""
    *parents, last = key.strip().split(".")
    target: Any = data
    for part in parents:
        if isinstance(target, list) and _is_entry(part, target):
            target = target[int(part)]
        elif isinstance(target, dict):
            target = target.setdefault(part, {})
        else:
            return False
    if isinstance(target, list) and _is_entry(last, target):
        target[int(last)] = value
    elif isinstance(target, dict):
        target[last] = value
    else:
        return False
    return True


def _is_entry(part: str, entries: list[Any]) -> bool:
    return bool(re.fullmatch("[0-9]{1,9}", part)) and int(part) < len(entries)


def _in_usd(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with amounts in the currency of the scenario (``budget_krw``) in US dollars (``budget_usd``)."""
    project = data.get("project")
    if not isinstance(project, dict):
        return data
    code, rate = str(project.get("currency", "USD")).lower(), project.get("currency_per_usd", 1.0)
    if code == "usd" or not isinstance(rate, int | float) or not 0 < rate <= 1e9:
        return data

    def convert(node: Any) -> Any:
        if isinstance(node, list):
            return [convert(item) for item in node]
        if not isinstance(node, dict):
            return node
        return dict(
            (key, value) if usd_name(key, code) in node else _usd_item(key, convert(value), code, rate)
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


def _text_of(value: object) -> str:
    """Return a key or a value as printable text."""
    if isinstance(value, dict):
        return "a section"
    try:
        text = str(value)
    except ValueError:  # Python does not print a number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if text.isprintable() else ascii(text)[1:-1]


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
    place = [text[:80] for text in map(_text_of, error["loc"]) if "[" not in text]
    key = ".".join(place)
    if error["type"] == "missing":
        return Issue(Code.NO_KEY, file, None, key, "", f"section {key}" if _keys_at(place) else f"key {place[-1]}")
    if error["type"] == "extra_forbidden":
        known = _keys_at(place[:-1])
        section = ".".join(part for part in place[:-1] if not part.isdigit())
        expected = f"a key in section {section}" if section else SECTION
        return Issue(Code.UNKNOWN_KEY, file, None, key, place[-1], expected + nearest(place[-1], known))
    while len(place) > 1 and not place[-1].isdigit() and place[-1] not in _keys_at(place[:-1]):
        place.pop()  # pydantic adds the alternative of a union to the key
    key = ".".join(place)
    message = _expected(error)
    if error["type"] == "value_error":  # of our own validators, which say what they found
        named, separator, rest = message.partition(": ")
        key = ".".join(part for part in (key, named) if part) if separator else key
        return Issue(Code.BAD_VALUE, file, None, key, "", rest if separator else message)
    return Issue(Code.BAD_VALUE, file, None, key, _text_of(error["input"])[:1000], message)


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
    return [field.alias or name for name, field in model.model_fields.items() if name not in OWN]
