"""The page and the charts of a run that was written before, from its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siteopt.codes import Code
from siteopt.faults import Fault, InputError
from siteopt.output.charts.base import WIDE, Chart, png, svg
from siteopt.output.charts.front import front
from siteopt.output.report import charts, front_report, report
from siteopt.output.runs import Run, read_run
from siteopt.output.words import Words


def run_report(folder: Path, language: str = "en") -> str:
    """The page of a run, or of a front.

    Raises
    ------
    InputError
        Where the folder holds no run that can be reported on.
    """
    run, words = read_run(folder), Words(language)
    with _faults(folder):
        if run.document is None:
            return front_report(run.front or {}, words)
        return report(run.document, run.sites, run.plan, words, run.front_of_run, _note(run, words))


def run_charts(folder: Path, language: str = "en") -> dict[str, str | bytes]:
    """Every chart of a run as PNG and SVG, by file name.

    Raises
    ------
    InputError
        Where the folder holds no run that can be drawn.
    """
    run, words = read_run(folder), Words(language)
    files: dict[str, str | bytes] = {}
    with _faults(folder):
        for chart in _charts(run, words):
            files[f"{chart.name}.png"] = png(chart)
            files[f"{chart.name}.svg"] = svg(chart, WIDE)
    return files


def _charts(run: Run, words: Words) -> Iterator[Chart]:
    if run.document is not None:
        yield from charts(run.document, run.sites, run.plan, words)
    found = run.front if run.document is None else run.front_of_run
    if found is not None and found["points"]:
        yield front(found, words)


def _note(run: Run, words: Words) -> str:
    """That there is a front which cannot be shown with this run."""
    if run.front is None or run.front_of_run is not None:
        return ""
    return words(
        "A front was found in {folder}, but of other inputs or settings: run siteopt pareto again to show it here.",
        folder=run.front_folder,
    )


@contextmanager
def _faults(folder: Path) -> Iterator[None]:
    """Values that siteopt did not write so are the fault of whoever changed the files."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, StopIteration) as error:
        found = f"{type(error).__name__}: {error}"
        raise InputError(
            [Fault(Code.NOT_A_RUN, str(folder), None, "", found, "files as siteopt wrote them; solve it again")]
        ) from error
