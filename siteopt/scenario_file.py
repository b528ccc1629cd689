"""Read a scenario from its TOML file: apply ``--set``, convert money to US dollars, report faults in plain words."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from siteopt.codes import Code
from siteopt.faults import Fault, InputError, nearest
from siteopt.scenario import CURRENCY, NAME, OWN, SHOWN, Scenario, ScenarioFile, usd_name

MOST_BYTES = 10 << 20
"""Maximum size of a scenario file in bytes, far beyond any real one."""

BEYOND = 1e30
"""A figure beyond every bound in any currency. Larger ones are not converted, since dividing them could overflow."""

TOO_DEEP = "brackets within brackets, hundreds deep"
UTF8_TOML = "a TOML file in UTF-8"

_PATTERNS = {
    NAME: "letters, digits, '_', '.' and '-', a letter or digit first",
    CURRENCY: "three capitals, such as KRW",
    SHOWN: "letters that show, without control characters and line breaks",
}
"""Text that says what each pattern requires."""

_EXPECTED = {
    "date_from_datetime_parsing": "a date, such as 2026-12-01",
    "date_parsing": "a date, such as 2026-12-01",
    "date_type": "a date, such as 2026-12-01",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list, in square brackets",
    "model_type": "a section",
    "string_too_short": "text",
    "string_type": "text, between quotes",
    "too_short": "a list of at least one",
}
"""Text that says what is expected, for each type of error of pydantic; it does not change with pydantic's version."""


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
        With all money in US dollars.

    Raises
    ------
    InputError
        With every key that is missing, is unknown, or holds a value that cannot be right.
    """
    path = Path(path)
    data = _toml(path)
    settings = tuple(overrides)
    faults = [fault for text in settings if (fault := _override(data, text))]
    faults += [Fault(Code.UNKNOWN_KEY, str(path), None, key, key, "a known key") for key in OWN if key in data]
    if faults:
        raise InputError(faults)
    return _validated(ScenarioFile, {**_in_usd(data), "path": path, "settings": settings}, str(path))


def _validated(model: type[Scenario], data: Mapping[str, Any], file: str) -> Scenario:
    """Return the scenario that some data describe, or raise InputError with every fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        each = (one for item in error.errors() for one in _one_by_one(dict(item)))
        raise InputError(_merged(_fault(file, one) for one in each)) from None
    except RecursionError:
        raise InputError([Fault(Code.NOT_TOML, file, None, "", TOO_DEEP, "a scenario")]) from None


def with_values(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    """Return a scenario with some keys set to other values.

    Parameters
    ----------
    values : mapping
        New values by key, such as ``{"supply.spare_units": 2}``; money in US dollars. Entries of lists count from 0:
        ``milestones.0.gpus``.

    Raises
    ------
    InputError
        With every key that is unknown, or whose value cannot be right.
    """
    data = scenario.model_dump(by_alias=True, exclude={"path", "settings"})
    faults = [_no_key("scenario", key, f"{value}") for key, value in values.items() if not _put(data, key, value)]
    if faults:
        raise InputError(faults)
    settings = (*scenario.settings, *(f"{key}={value}" for key, value in values.items()))
    return _validated(type(scenario), {**data, "path": scenario.path, "settings": settings}, "scenario")


def _toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file, or raise InputError with its fault."""

    def refused(code: Code, row: int | None, found: str, expected: str) -> InputError:
        return InputError([Fault(code, str(path), row, "", found, expected)])

    try:
        if path.exists() and not path.is_file():
            raise refused(Code.UNREADABLE, None, "a folder, a device or a pipe", "a readable scenario file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a null byte raises ValueError
        code = Code.NO_FILE if isinstance(error, FileNotFoundError) else Code.UNREADABLE
        raise refused(code, None, getattr(error, "strerror", None) or str(error), "a readable scenario file") from None
    if len(raw) > MOST_BYTES:
        raise refused(Code.TOO_LARGE, None, f"more than {MOST_BYTES:,} bytes", "a scenario")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        found = "UTF-16" if wide else f"byte 0x{raw[error.start]:02x}, which is not UTF-8; CP949 or Windows-1252?"
        row = None if wide else raw.count(b"\n", 0, error.start) + 1
        raise refused(Code.ENCODING, row, found, UTF8_TOML) from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refused(Code.NOT_TOML, None, TOO_DEEP, UTF8_TOML) from None
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        lines = text.splitlines() or [""]
        place = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
        row = int(place[1]) if place else len(lines) if "end of document" in str(error) else None
        words = str(error).replace(place[0], f", line {place[1]}, column {place[2]}") if place else str(error)
        if not isinstance(error, tomllib.TOMLDecodeError):
            words = "a number of thousands of digits"
        found = lines[min(row, len(lines)) - 1].strip() if row else "what TOML does not allow"
        raise refused(Code.NOT_TOML, row, found, f"TOML ({words})") from None


def _override(data: dict[str, Any], text: str) -> Fault | None:
    """Put ``section.key=value`` into the data; return the fault if that is not possible, else None."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or not key.isprintable():
        return Fault(Code.BAD_SETTING, "--set", None, "", text, "section.key=value, such as supply.spare_units=2")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()
    return None if _put(data, key, parsed) else _no_key("--set", key, text)


def _no_key(place: str, key: str, text: str) -> Fault:
    return Fault(Code.BAD_SETTING, place, None, key, text, "a key of the scenario; lists count from 0")


def _put(data: dict[str, Any], key: str, value: Any) -> bool:
    """Put a value into the data under a key; return whether such a key is possible."""
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
    """Return the data with money keys of the scenario's currency (``budget_krw``) in US dollars (``budget_usd``)."""
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
            for key, value in node.items()  # a key given in both currencies stays, and is then unknown
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
    """Return a key or a value as text that can be shown."""
    if isinstance(value, dict):
        return "this section"
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
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return _EXPECTED.get(error["type"], message)


def _fault(file: str, error: Mapping[str, Any]) -> Fault:
    """Return a pydantic error as a fault in plain words."""
    place = [_text_of(part)[:80] for part in error["loc"]]
    key = ".".join(place)
    if error["type"] == "missing":
        return Fault(Code.NO_KEY, file, None, key, "nothing", "this key")
    if error["type"] == "extra_forbidden":
        known = _keys_at(place[:-1])
        return Fault(Code.UNKNOWN_KEY, file, None, key, place[-1], "a known key" + nearest(place[-1], known))
    while len(place) > 1 and not place[-1].isdigit() and place[-1] not in _keys_at(place[:-1]):
        place.pop()  # pydantic puts the alternative of a union after the key
    key = ".".join(place)
    message = _expected(error)
    if error["type"] == "value_error" and ": " in message:
        named, message = message.split(": ", 1)
        key = ".".join(part for part in (key, named) if part)
        return Fault(Code.BAD_VALUE, file, None, key, "this scenario", message)
    return Fault(Code.BAD_VALUE, file, None, key, _text_of(error["input"])[:1000], message)


def _merged(faults: Iterable[Fault]) -> list[Fault]:
    """Return one fault for each key, alternatives joined with "or"; a key that is misspelt is not also missing."""
    merged: dict[str, Fault] = {}
    faults = list(faults)
    misspelt = {
        fault.column.removesuffix(fault.found) + fault.expected.split("'")[1]
        for fault in faults
        if fault.code is Code.UNKNOWN_KEY and "'" in fault.expected
    }
    faults = [fault for fault in faults if fault.code is not Code.NO_KEY or fault.column not in misspelt]
    for fault in faults:
        before = merged.get(fault.column)
        expected = f"{before.expected}, or {fault.expected}" if before else fault.expected
        merged[fault.column] = replace(fault, expected=expected)
    return list(merged.values())


def _keys_at(place: list[str]) -> list[str]:
    """Return the known keys of the section at a place."""
    model: Any = Scenario
    for part in place:
        if part.isdigit():
            continue
        annotation = {field.alias or name: field for name, field in model.model_fields.items()}[part].annotation
        arguments = [argument for argument in getattr(annotation, "__args__", ()) if isinstance(argument, type)]
        model = next((kind for kind in (annotation, *arguments) if hasattr(kind, "model_fields")), None)
        if model is None:
            return []
    return [field.alias or name for name, field in model.model_fields.items() if name not in OWN]
