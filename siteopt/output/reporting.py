"""Make the page and the charts of an earlier run from its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from siteopt.output.charts.base import Chart
from siteopt.output.charts.capacity import capacity
from siteopt.output.charts.drawing import pictures
from siteopt.output.charts.pareto_front import front
from siteopt.output.report import capacity_report, charts, front_report, report
from siteopt.output.runs import Run, read_run
from siteopt.output.translations import Translations


def run_report(folder: Path, language: str = "en") -> str:
    """Return the HTML page of a run, of a Pareto front, or of capacities.

    Raises
    ------
    InputError
        If the folder holds no run that can be reported on.
    """
    run = read_run(folder)
    if run.record is not None:
        translations = Translations.of(run.record, language)
        return report(run.record, run.plan_features, translations, run.front_of_run, _note(run, translations))
    if run.capacity is not None:
        return capacity_report(run.capacity, Translations.of(run.capacity, language))
    if run.front is None:
        raise AssertionError("a folder without a run, a front or capacities was read")
    return front_report(run.front, Translations.of(run.front, language))


def run_charts(folder: Path, language: str = "en") -> dict[str, str | bytes]:
    """Return every chart of a run as PNG and SVG, by file name.

    Raises
    ------
    InputError
        If the folder holds no run that can be drawn.
    NotDrawn
        If the charts cannot be drawn on this machine.
    """
    return pictures(list(_charts(read_run(folder), language)))


def _charts(run: Run, language: str) -> Iterator[Chart]:
    if run.record is not None:
        yield from charts(run.record, run.plan_features, Translations.of(run.record, language))
    found = run.front if run.record is None else run.front_of_run
    if found is not None and found.points:
        yield front(found, Translations.of(found, language))
    if run.capacity is not None and run.capacity.ranked:
        yield capacity(run.capacity, Translations.of(run.capacity, language))


def _note(run: Run, translations: Translations) -> str:
    """Return a note if a Pareto front was found that does not belong to this run, else an empty text."""
    if run.front is None or run.front_of_run is not None:
        return ""
    return translations(
        "The Pareto front in {folder} has other inputs or settings: run siteopt pareto again to show it here.",
        folder=run.front_folder,
    )
