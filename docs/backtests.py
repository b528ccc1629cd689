"""Predict finished builds from what was known on their day 0, and compare the days with what happened.

A folder of back-tests has a scenario for each build, ``outcomes.csv`` with what happened, which no scenario reads, and
``left_out.csv`` with the parameters that rest on a build and are replaced when it is predicted.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import siteopt
from siteopt.record.reason import Reason

FOLDER = Path(__file__).parent.parent / "models" / "backtest"


@dataclass(frozen=True)
class Outcome:
    """Dated milestone of a build.

    Attributes
    ----------
    mw : str
        MW of IT that were handed over; empty if unknown.
    plus_minus_days : int
        Half of the interval in which the date lies; 0 if the day itself is known.
    dated_by : str
        Who says the date, such as ``owner`` or ``permit``.
    """

    build: str
    milestone: str
    mw: str
    date: date
    plus_minus_days: int
    dated_by: str
    sources: str
    notes: str


@dataclass(frozen=True)
class LeftOut:
    """Parameter that rests on a build, the key of the scenario that it decides, and what stands in its place."""

    build: str
    topic: str
    parameter: str
    used_for: str
    replaced_by: str


@dataclass(frozen=True)
class Prediction:
    """Day of a milestone as it was and as the model predicts it, both counted from day 0.

    Attributes
    ----------
    predicted_days : int or None
        None if the model says that no plan exists.
    limited_by : Reason or None
        What limits the predicted day.
    """

    outcome: Outcome
    actual_days: int
    predicted_days: int | None
    limited_by: Reason | None = None

    @property
    def error_percent(self) -> float | None:
        """Return the error in percent of the actual days, positive if the model is late; None without a plan."""
        if self.predicted_days is None:
            return None
        return 100 * (self.predicted_days - self.actual_days) / self.actual_days


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_outcomes(folder: Path = FOLDER) -> list[Outcome]:
    """Read what happened, in the order of ``outcomes.csv``."""
    found = []
    for row in _rows(folder / "outcomes.csv"):
        day, plus_minus_days = date.fromisoformat(row.pop("date")), int(row.pop("plus_minus_days"))
        found.append(Outcome(date=day, plus_minus_days=plus_minus_days, **row))
    return found


def read_left_out(folder: Path = FOLDER) -> list[LeftOut]:
    """Read the parameters that rest on a build, in the order of ``left_out.csv``."""
    return [LeftOut(**row) for row in _rows(folder / "left_out.csv")]


def predict(folder: Path = FOLDER) -> list[Prediction]:
    """Solve the scenario of each build in ``outcomes.csv``, and compare every dated milestone.

    Raises
    ------
    KeyError
        If a plan lacks a milestone that ``outcomes.csv`` dates.
    """
    builds = dict.fromkeys(outcome.build for outcome in read_outcomes(folder))
    return [one for build in builds for one in predict_build(build, folder)]


def predict_build(build: str, folder: Path = FOLDER) -> list[Prediction]:
    """Solve the scenario of one build, and compare its dated milestones. Errors are those of :func:`predict`."""
    scenario = siteopt.read_scenario(folder / f"{build}.toml")
    plan = siteopt.solve(scenario).record.plan
    planned = {milestone.name: milestone for milestone in plan.milestones} if plan is not None else None
    found = []
    for outcome in read_outcomes(folder):
        if outcome.build == build:
            actual_days = (outcome.date - scenario.project.start_date).days
            if planned is None:
                found.append(Prediction(outcome, actual_days, None))
            else:
                milestone = planned[outcome.milestone]
                found.append(Prediction(outcome, actual_days, milestone.day, milestone.limited_by))
    return found


def summarize(predictions: Sequence[Prediction]) -> str:
    """Return in one sentence the median and the worst error, and how many milestones the model says cannot be met."""
    errors = [one.error_percent for one in predictions if one.error_percent is not None]
    wrong = len(predictions) - len(errors)
    refused = f"the model finds no plan for {wrong} of {len(predictions)} milestones"
    if not errors:
        return refused.capitalize() + "."
    median = statistics.median(map(abs, errors))
    return f"Median error {median:.0f} %, worst error {max(errors, key=abs):+.0f} %; {refused}."
