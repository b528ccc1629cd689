"""Runs whose files were edited by hand, or come from a stranger: any value may be anything."""

from __future__ import annotations

import contextlib
import json
import math
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import siteopt
from tests.fuzz.harness import SECONDS, TooSlow, Verdict, ended, run
from tests.record.archives import unpack
from tests.reliability.record import Record
from tests.worlds import write_world

ODD: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], [None], {"": ""}, [{}] * 3),
    *(
        0,
        1,
        -1,
        2,
        3650,
        3651,
        99_999,
        10**9,
        -(10**9),
        10**18,
        10**30,
        10**399,
        0.5,
        -0.5,
        1e-300,
        1e24,
        1e308,
        -1e308,
    ),
    *(math.nan, math.inf, -math.inf),
    *(
        "",
        " ",
        "0",
        "-1",
        "1e9",
        "nan",
        "x",
        "\x00",
        "\x1b[31m",
        "\u202e",
        "\ud800",
        "강",
        "a" * 100_000,
        "{x}",
        "%s",
        "../" * 9,
    ),
    *(
        "2025-02-30",
        "0001-01-01",
        "9999-12-31",
        "/etc/passwd",
        "/dev/zero",
        "//server/share/x",
        "\\\\server\\share\\x",
        "a/" * 5000,
    ),
)
"""Values that siteopt writes nowhere, or not where they are put."""

RAW = (
    lambda text: text[: len(text) // 2],
    lambda text: text[:-1] + ', "x": ' + "9" * 5000 + "}",
    lambda text: text[:-1] + ', "scenario": "twice"}',
    lambda text: text[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    lambda text: text[:-1] + ', "x": ' + "[" * 500 + "]" * 500 + "}",
    lambda text: text[:-1] + ', "x": "' + "y" * 5_000_000 + '"}',
    lambda text: "\ufeff" + text,
    lambda text: "[" + text + "]",
    lambda text: "",
)
"""Edits of the text itself."""

AREAS = [
    {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[[x, y], [x + size, y], [x + size, y + size], [x, y]]]},
        "properties": {"role": role, "id": "alpha", "name": "Alpha Works"},
    }
    for role, x, y, size in (("outline", -90.05, 35.15, 0.01), ("hall", -90.045, 35.151, 0.002))
]

REPORTED, DRAWN = 3, 25
"""One edit in so many is also given to ``report``, and to ``plot``, which takes longest; else the edits take hours."""


def edited_plans(count: int, seed: int = 0) -> Iterator[Record]:
    """Edit the files of runs at random, and give them to every command that reads a run.

    Parameters
    ----------
    count : int
        Edits: most of ``plan.json``, the others of ``pareto.json``, ``plan.geojson``, and runs of format 1.
    """
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        _write_runs(Path())
        for number in range(count):
            path = Path(draw.choices(FILES, WEIGHTS)[0])
            before = path.read_text(encoding="utf-8")
            edit = spoilt(before, draw)
            path.write_text(edit, encoding="utf-8", errors="surrogatepass")
            for words in _commands(path.parent.as_posix(), number):
                verdict = _verdict(words)
                if verdict.problem:
                    print(f"edit {number} of {path}, {' '.join(words)}: {verdict.problem[-600:]}")
                same = path.read_text(encoding="utf-8", errors="surrogatepass") == edit
                clear, failed, lost = not verdict.problem, verdict.is_traceback, not same
                yield Record("an edited run", f"{path.name}: {words[0]}", 1, int(clear), int(failed), int(lost))
            path.write_text(before, encoding="utf-8")


FILES = ("runs/small/plan.json", "runs/korea/plan.json", "runs/small-pareto/pareto.json", "runs/small/plan.geojson")
WEIGHTS = (70, 12, 10, 8)


def _write_runs(folder: Path) -> None:
    """Write a run with areas, its Pareto front, and a run of format 1, with the world that they were made from."""
    scenario = siteopt.read_scenario(write_world(folder), ['power_quality.class="G2"'])
    siteopt.solve(scenario).write(folder / "runs" / "small")
    siteopt.pareto(scenario).write(folder / "runs" / "small-pareto")
    places = folder / "runs" / "small" / "plan.geojson"
    found = json.loads(places.read_text(encoding="utf-8"))
    found["features"] += AREAS
    places.write_text(json.dumps(found), encoding="utf-8")
    unpack("korea", folder / "runs")


def _commands(folder: str, number: int) -> list[list[str]]:
    words = [["verify", folder], ["prove", folder, "--time-limit", "1"]]
    if number % REPORTED == 0:
        words.append(["report", folder, "--out", "page/report.html", "--lang", "ko" if number % 2 else "en"])
    if number % DRAWN == 0:
        words.append(["plot", folder, "--out", "charts"])
    return words


def _verdict(words: list[str]) -> Verdict:
    try:
        result = run(words)
    except TooSlow:
        return Verdict(f"no end within {SECONDS} s")
    verdict = ended(result, {0, 2, 4, 5, 6})
    if verdict.problem or result.exit_code != 2:
        return verdict
    *lines, last = result.stderr.splitlines() or [""]
    lines = [line for line in (*lines, last) if "nothing was written" not in line and not line.startswith("warning: ")]
    long = [line for line in lines if len(line) > 1000 or not line.endswith("]")]
    return Verdict(f"an unclear line: {long[0][:500]}") if long or not lines else verdict


def spoilt(text: str, draw: random.Random) -> str:
    """Return the text of a JSON file with one to three edits."""
    if draw.random() < 0.06:
        return draw.choice(RAW)(text)
    found = json.loads(text)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        parent, place = _any_place(found, draw)
        draw.choice(EDITS)(parent, place, draw)
    return json.dumps(found)


def _any_place(found: Any, draw: random.Random) -> tuple[Any, Any]:
    """Return a list or an object somewhere in the tree, and an index or key of it."""
    while True:
        places = list(found) if isinstance(found, dict) else range(len(found))
        place = draw.choice(places)
        inner = found[place]
        if not isinstance(inner, dict | list) or not inner or draw.random() < 0.15:
            return found, place
        found = inner


def _replace(parent: Any, place: Any, draw: random.Random) -> None:
    parent[place] = draw.choice(ODD)


def _remove(parent: Any, place: Any, draw: random.Random) -> None:
    if parent:
        del parent[place]
    if not parent:
        _add(parent, place, draw)


def _add(parent: Any, place: Any, draw: random.Random) -> None:
    value = draw.choice(ODD)
    if isinstance(parent, list):
        parent.append(value)
    else:
        parent[draw.choice(("x", "path", "day", ""))] = value


def _twice(parent: Any, place: Any, draw: random.Random) -> None:
    if isinstance(parent, list):
        parent.insert(place, json.loads(json.dumps(parent[place])))
    else:
        parent[f"{place} "] = parent[place]


def _swap(parent: Any, place: Any, draw: random.Random) -> None:
    other = draw.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    parent[place], parent[other] = parent[other], parent[place]


def _retype(parent: Any, place: Any, draw: random.Random) -> None:
    value = parent[place]
    parent[place] = draw.choice((str(value), [value], {"value": value}, len(str(value)), bool(value)))


def _shift(parent: Any, place: Any, draw: random.Random) -> None:
    value = parent[place]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    parent[place] = draw.choice((value + 1, value - 1, value * 10, -value, value / 3)) if is_number else f"{value}."


def _similar(parent: Any, place: Any, draw: random.Random) -> None:
    """Put a value of the same type, which may well be valid."""
    value = parent[place]
    if isinstance(value, bool) or value is None:
        parent[place] = not value
    elif isinstance(value, int):
        parent[place] = draw.choice((0, 1, 7, value + 3, value * 2, 3650, 100_000))
    elif isinstance(value, float):
        parent[place] = draw.choice((0.0, 1e-9, 0.5, value * 1.01, value * 1000, -value, 1e15))
    elif isinstance(value, str):
        parent[place] = draw.choice(("x", value * 2, value[:-1], "강진 " * 50, value.upper(), "a\tb<script>{0}&amp;"))
    elif isinstance(value, list):
        parent[place] = draw.choice((value[:-1], value[1:], value[::-1], value * 2, []))
    else:
        _remove(value, next(iter(value), "x"), draw)


EDITS: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    *(_replace, _replace, _remove, _add, _twice, _swap, _retype, _shift),
    *(_similar,) * 8,
)
