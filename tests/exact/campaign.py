"""Try many worlds in processes of their own, a line of ``results.jsonl`` for each, and sum up what came of them."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.exact.trial import BAD, Trial, keep, tried
from tests.exact.worlds import draw

CHUNK = 40
"""Worlds that one process tries before a fresh one takes over."""


def _work(seeds: Sequence[int], out: Path, reference_seconds: float) -> None:
    """Try worlds one after the other, and add a line for each."""
    for seed in seeds:
        trial = tried(seed, reference_seconds)
        if trial.outcome in BAD:
            keep(trial, out / "found" / str(seed))
        add_line(out, trial.line())


def add_line(out: Path, line: dict[str, Any]) -> None:
    """Add the line of a world."""
    with (out / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def lines(out: Path) -> list[dict[str, Any]]:
    """Return the lines of the worlds that were tried, each world once; half a line of a killed process is none."""
    path = out / "results.jsonl"
    found: dict[int, dict[str, Any]] = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            line = json.loads(text)
            found[line["seed"]] = line
    return list(found.values())


def campaign(
    seeds: Iterable[int],
    out: Path,
    workers: int,
    reference_seconds: float,
    work: Callable[[Sequence[int], Path, float], None] = _work,
) -> None:
    """Try all worlds that have no line yet; a process that dies costs the one world that it was at."""
    out.mkdir(parents=True, exist_ok=True)
    done = {line["seed"] for line in lines(out)}
    waiting = [seed for seed in seeds if seed not in done]
    running: list[tuple[BaseProcess, list[int]]] = []
    while waiting or running:
        while waiting and len(running) < workers:
            chunk, waiting = waiting[:CHUNK], waiting[CHUNK:]
            spawn = multiprocessing.get_context("spawn")
            process = spawn.Process(target=work, args=(chunk, out, reference_seconds), daemon=True)
            process.start()
            running.append((process, chunk))
        wait([process.sentinel for process, _ in running])
        for process, chunk in [one for one in running if not one[0].is_alive()]:
            running.remove((process, chunk))
            left = sorted(set(chunk) - {line["seed"] for line in lines(out)}, key=chunk.index)
            if left:
                error = f"the process ended with {process.exitcode}"
                add_line(out, Trial(left[0], draw(left[0]), "failed", error=error).line())
                waiting = left[1:] + waiting
            _progress(out, len(waiting))


def _progress(out: Path, waiting: int) -> None:
    count = Counter(line["outcome"] for line in lines(out))
    print(f"{waiting} to go: " + ", ".join(f"{number} {name}" for name, number in sorted(count.items())), flush=True)


def table(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table of what came of all worlds."""
    count = Counter(line["outcome"] for line in found)
    yield f"{len(found)} worlds: " + ", ".join(f"{count[name]} {name}" for name in ("right", *BAD, "unfinished"))
    for who in ("siteopt", "reference"):
        seconds = sorted(line[f"{who}_seconds"] for line in found)
        yield f"{who}: {sum(seconds) / len(found):.2f} s a world, at most {seconds[-1]:.1f} s"
    yield f"plans of the reference that exact arithmetic refused: {sum(line['refused'] for line in found)}"
    seeds_of: dict[str, list[int]] = {}
    for line in found:
        if line["outcome"] in BAD:
            for claim in line["claims"] or [line["error"][:60] or line["outcome"]]:
                seeds_of.setdefault(claim, []).append(line["seed"])
    for claim, seeds in sorted(seeds_of.items(), key=lambda item: -len(item[1])):
        yield f"  {len(seeds)} x {claim}: {', '.join(map(str, seeds[:12]))}"
    shares = Counter(name for line in found for name in [f"kind {line['kind']}", *line["features"]])
    yield "features, % of the worlds:"
    yield from (f"  {100 * number / len(found):5.1f} {name}" for name, number in shares.most_common())
