"""Try one world: draw it, solve it, check every claim, and keep what is found."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from siteopt.record.base import RunOutcome
from tests.exact.checks import LOST, WRONG, Check, Finding
from tests.exact.features import features
from tests.exact.files import drawn_style, write
from tests.exact.reference import Clock, Unfinished, settled
from tests.exact.rules import Rules, answer
from tests.exact.worlds import BIG, World, draw

RULED = 10
"""Of so many worlds one is held against the rules, too."""

RULES = 3
"""Rules that such a world is held against."""

BAD = (WRONG, LOST, "failed", "unproven")
"""Outcomes that must not happen."""


@dataclass
class Trial:
    """What came of one world."""

    seed: int
    world: World
    outcome: str = "right"
    findings: list[Finding] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    error: str = ""
    refused: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    siteopt_seconds: float = 0.0
    reference_seconds: float = 0.0

    def line(self) -> dict[str, Any]:
        """Return the trial as one JSON object."""
        return {
            "seed": self.seed,
            "kind": self.world.kind,
            "outcome": self.outcome,
            "claims": sorted({finding.claim for finding in self.findings}),
            "unfinished": self.unfinished,
            "error": self.error,
            "siteopt_seconds": round(self.siteopt_seconds, 3),
            "reference_seconds": round(self.reference_seconds, 3),
            "refused": self.refused,
            "features": self.features,
        }


def tried(seed: int, reference_seconds: float) -> Trial:
    """Draw a world, solve it, and check the answer."""
    clock = Clock(reference_seconds)
    begin = time.process_time()
    world = draw(seed)
    with suppress(Unfinished):
        world = settled(world, clock)
    trial = Trial(seed, world)
    style = drawn_style(Random(seed))
    drawn = time.process_time()
    try:
        ranking, excluded = answer(world, style)
    except Exception as error:
        trial.outcome, trial.error = "failed", f"{type(error).__name__}: {error}"[:500]
        return trial
    solved = time.process_time()
    check = Check(world, ranking, excluded, clock)
    trial.findings += check.run()
    trial.unfinished = check.unfinished
    trial.features = features(check, style)
    trial.told = check.told()
    trial.refused = clock.refused
    trial.reference_seconds = time.process_time() - solved + drawn - begin
    trial.siteopt_seconds = solved - drawn
    if seed % RULED == 0 and seed < BIG:
        trial.findings += _ruled(trial, Rules(world, ranking, Random(seed)))
    outcomes = {finding.outcome for finding in trial.findings}
    if trial.error:
        trial.outcome = "failed"
    elif outcomes:
        trial.outcome = LOST if LOST in outcomes else WRONG
    elif ranking.outcome is RunOutcome.LIMIT:
        trial.outcome = "unproven"
    elif trial.unfinished:
        trial.outcome = "unfinished"
    return trial


def _ruled(trial: Trial, rules: Rules) -> list[Finding]:
    """Hold a world against some rules; an exception is kept as the trial's error."""
    begin = time.process_time()
    found = []
    try:
        found += rules.findings(RULES)
    except Exception as error:
        trial.error = f"by a rule: {type(error).__name__}: {error}"[:500]
    trial.siteopt_seconds += time.process_time() - begin
    return found


def keep(trial: Trial, folder: Path) -> None:
    """Write a world, as siteopt read it, and what was found into a folder."""
    write(trial.world, folder, drawn_style(Random(trial.seed)))
    command = f"siteopt solve scenario.toml --top {trial.world.top}"
    found = [asdict(finding) for finding in trial.findings]
    _write_json(folder / "world.json", asdict(trial.world))
    _write_json(folder / "findings.json", {"command": command, **trial.line(), "findings": found, "told": trial.told})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
