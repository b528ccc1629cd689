"""Run the command line: parse the arguments, call the API, and print the result.

Results go to standard output, everything else to standard error. A command imports what it needs when it runs.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer

from siteopt.error_boundary import DEBUG, FAILED, INTERRUPTED, ErrorBoundary
from siteopt.interruption import interruptible
from siteopt.issues import InputError, Issue
from siteopt.loading import loading
from siteopt.log import note
from siteopt.options import LANGUAGES, PROOF_SECONDS, Method
from siteopt.output.folder import PROJECT, ready_folder, write_beside, write_folder

if TYPE_CHECKING:
    from siteopt.answers import Output
    from siteopt.optimize.search import Progress, Report
    from siteopt.scenario import Scenario

app = typer.Typer(
    cls=ErrorBoundary,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading rich takes longer than all else that a help text needs
)

UNFINISHED, DISAGREES, FALLS_SHORT = 4, 5, 6
"""Exit codes: not finished; a second solver or a proof contradicts the result; a plan fails its replay."""
EXIT_CODES = {"PROVEN": 0, "NO_SITE": 3, "LIMIT": UNFINISHED}
"""Exit code of each outcome of a run, by its name in RunOutcome. FAILED means bad input or usage."""

ScenarioFile = Annotated[
    Path, typer.Argument(help="Scenario file (TOML), such as models/colossus.toml.", metavar="SCENARIO")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Replace a key for this run, such as supply.spare_units=2.", metavar="KEY=VALUE"),
]


def _place(text: str) -> Path:
    if not text.strip():
        raise typer.BadParameter("it is empty; name a file or a folder, or leave the option out")
    return Path(text)


def _out(what: str) -> Any:
    return typer.Option("--out", help=what, parser=_place, metavar="PATH")


Folder = Annotated[Path | None, _out("Folder for the outputs. Default: runs/<scenario>.")]
TimeLimit = Annotated[float, typer.Option(help="Time limit of the optimisation, seconds.", min=0)]
Workers = Annotated[int | None, typer.Option(help="Number of threads. Default: the number of processors.", min=1)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run, such as runs/colossus.", metavar="RUN")]
READ = "Scenario to read, with its tables, as they are now. Default: that of the run, unchanged, here or in RUN."
RunScenario = Annotated[Path | None, typer.Option("--scenario", help=READ, metavar="FILE")]


Made = TypeVar("Made")


def _language(name: str) -> str:
    if name not in LANGUAGES:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(LANGUAGES)}")
    return name


Language = Annotated[
    str, typer.Option("--lang", help=f"Language of the output: {', '.join(LANGUAGES)}.", callback=_language)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.callback()
def every_command(
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Print tracebacks, and save every MILP as an LP file beside the log.")
    ] = False,
) -> None:
    """Find the vacant factory and the rented equipment that get a GPU cluster training soonest.

    Exit codes of every command: 0 done, 1 a bug in siteopt (the message says where the log is), 2 bad input or usage,
    130 stopped by Ctrl-C. The help of each command lists its other exit codes.
    """  # ErrorBoundary has already handled the option


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder for the copy.", metavar="DIR")],
) -> None:
    """Copy the example data and scenarios into a folder, with a QGIS project for drawing candidates."""
    with loading():
        from siteopt.examples import candidate_tables, copy_examples
        from siteopt.output.blank import blank_files
    for path in copy_examples(folder, blank_files(candidate_tables())):
        typer.echo(path)
    typer.echo(f"Next: cd {folder} && siteopt solve models/colossus.toml", err=True)


@app.command()
def check(
    scenario: ScenarioFile,
    settings: Settings = None,
    out: Annotated[Path | None, _out("Folder for a QGIS map of the issues.")] = None,
    values: Annotated[bool, typer.Option("--values", help="List every value with its file, line and source.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a scenario and its tables, report all issues at once, and say which parameters are estimates."""
    with loading():
        from siteopt import load, read_scenario
        from siteopt.delivery import tell
        from siteopt.output.checking import parameter_lines, site_lines
        from siteopt.record.build import warnings_of
    try:
        dataset = load(read_scenario(scenario, settings or ()))
    except InputError as error:
        _refuse(error, as_json, out)
    if out is not None:
        _map_issues(dataset.warnings, out)  # an earlier map would still show issues that are fixed
    eligible = len(dataset.pool.site_id)
    warnings = warnings_of((*dataset.warnings, *dataset.assumption_warnings))
    if as_json:
        facts = {"candidates": len(dataset.sites), "eligible": eligible, "offers": len(dataset.offers)}
        told = {
            "issues": [],
            "warnings": [warning.model_dump() for warning in warnings],
            "inputs": [one.model_dump() for one in dataset.inputs],
            "parameters": [one.record() for one in dataset.scenario.parameters],
        }
        typer.echo(json.dumps(facts | told, ensure_ascii=False, default=str))  # a date is text in JSON
        return
    tell(dataset.inputs, warnings)
    typer.echo(f"No errors: {len(dataset.sites):,} candidates, {eligible:,} eligible, {len(dataset.offers):,} offers")
    for line in site_lines(dataset.excluded, dataset.assumed):
        typer.echo(line)
    for line in parameter_lines(dataset.scenario.parameters, all_values=values):
        typer.echo(line)


@app.command()
def solve(
    scenario: ScenarioFile,
    settings: Settings = None,
    out: Folder = None,
    method: Annotated[Method, typer.Option(help="Search site by site, or solve one MILP over all sites.")] = "search",
    top: Annotated[int, typer.Option(help="Number of ranks to prove.", min=1)] = 10,
    workers: Workers = None,
    time_limit: TimeLimit = math.inf,
    verify_with: Annotated[
        Literal["cbc"] | None, typer.Option(help="Solve the chosen site again with a second solver, and compare.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the site and the rented equipment that start training first.

    Ctrl-C stops the search and writes the best plan so far; a second Ctrl-C stops at once.

    Exit codes: 0 proven optimal, 2 bad input or the outputs cannot be written, 3 no site can serve, 4 stopped by a
    limit or by Ctrl-C before the proof, 5 the second solver disagrees, 130 stopped by Ctrl-C without outputs.
    """
    with loading():
        from siteopt import solve
        from siteopt.output.runs import PLAN

    def ask(question: Scenario, report: Report | None, stop: threading.Event) -> Output:
        verify = verify_with is not None
        return solve(question, method, time_limit, report, top=top, workers=workers, stop=stop, verify=verify)

    _answer(ask, scenario, settings, out, "", PLAN, as_json, quiet)


@app.command()
def pareto(
    scenario: ScenarioFile,
    settings: Settings = None,
    milestone: Annotated[
        str | None, typer.Option(help="Milestone to compare with cost. Default: the first of the objective.")
    ] = None,
    top: Annotated[int, typer.Option(help="Number of sites, from the first rank on.", min=1)] = 3,
    out: Annotated[Path | None, _out("Folder for the outputs. Default: runs/<scenario>-pareto.")] = None,
    time_limit: TimeLimit = math.inf,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compute the Pareto front of days and cost for the best sites, and prove it.

    Exit codes: 0 proven optimal, 2 bad input or the outputs cannot be written, 3 no site can serve, 4 stopped by a
    limit or by Ctrl-C before the proof, 130 stopped by Ctrl-C without outputs.
    """
    with loading():
        from siteopt import pareto
        from siteopt.output.runs import FRONT

    def ask(question: Scenario, report: Report | None, stop: threading.Event) -> Output:
        return pareto(question, milestone, top, time_limit, report, workers=workers, stop=stop)

    _answer(ask, scenario, settings, out, "-pareto", FRONT, as_json, quiet)


@app.command()
def capacity(
    scenario: ScenarioFile,
    by: Annotated[
        str, typer.Option(help="Date, or number of days after the start date, by which the GPUs train.", metavar="DAY")
    ],
    settings: Settings = None,
    top: Annotated[int, typer.Option(help="Number of sites to prove, the largest first.", min=1)] = 3,
    out: Annotated[Path | None, _out("Folder for the outputs. Default: runs/<scenario>-capacity.")] = None,
    time_limit: TimeLimit = math.inf,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the sites that can train the most GPUs by a day, and prove it; show how many on other days.

    Exit codes: 0 proven optimal, 2 bad input or the outputs cannot be written, 3 no site can train a GPU by the day,
    4 stopped by a limit or by Ctrl-C before the proof, 130 stopped by Ctrl-C without outputs.
    """
    with loading():
        from siteopt import capacity
        from siteopt.output.runs import CAPACITY

    def ask(question: Scenario, report: Report | None, stop: threading.Event) -> Output:
        return capacity(question, by, top, time_limit, report, workers=workers, stop=stop)

    _answer(ask, scenario, settings, out, "-capacity", CAPACITY, as_json, quiet)


@app.command()
def explain(
    scenario: ScenarioFile,
    site: Annotated[str, typer.Argument(help="The site_id of a candidate, even an excluded one.", metavar="SITE")],
    settings: Settings = None,
    time_limit: TimeLimit = math.inf,
    as_json: AsJson = False,
) -> None:
    """Explain why a site is not chosen or cannot serve, and find the smallest changes that would be sufficient.

    Exit codes: 0 proven, 2 bad input, 4 stopped by a limit or by Ctrl-C before the proof.
    """
    with loading():
        from siteopt import explain
    try:
        with interruptible() as stop:
            result = explain(scenario, site, seconds=time_limit, settings=settings or (), stop=stop)
    except InputError as error:
        _refuse(error, as_json)
    typer.echo(result.record.model_dump_json() if as_json else str(result))
    raise typer.Exit(EXIT_CODES[result.outcome.name])


@app.command()
def report(
    run: RunFolder,
    lang: Language = "en",
    out: Annotated[Path | None, _out("File to write, or - to print the page. Default: RUN/report.html.")] = None,
) -> None:
    """Write the report of a run again, for example in another language or with a new Pareto front.

    Exit codes: 0 written, 2 not the folder of a run.
    """
    with loading():
        from siteopt.delivery import print_page
        from siteopt.output.reporting import run_report
    page = out or run / "report.html"
    content = _made(lambda: run_report(run, lang))
    if page == Path("-"):
        print_page(content)
        return
    write_beside(page.parent, {page.name: content})
    typer.echo(f"Report      {page}")


@app.command()
def plot(
    run: RunFolder,
    lang: Language = "en",
    out: Annotated[Path | None, _out("Folder for the charts. Default: RUN/charts.")] = None,
) -> None:
    """Write the charts of a run as PNG and SVG files, for slides.

    Exit codes: 0 written, 2 not the folder of a run.
    """
    with loading():
        from siteopt.output.reporting import run_charts
    folder = out or run / "charts"
    files = _made(lambda: run_charts(run, lang))
    write_beside(folder, files)
    typer.echo(f"Charts      {folder}/: {', '.join(files)}")


@app.command()
def verify(
    run: RunFolder,
    changed: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="Table of changed offers, candidates, grid steps, limits or buildings; ids and changes are enough.",
        ),
    ] = None,
    scenario: RunScenario = None,
    as_json: AsJson = False,
) -> None:
    """Replay the plan of a run without the optimizer: the calendar by days, the electrical events by milliseconds.

    Exit codes: 0 the plan holds, 2 bad input or not the folder of a run, 6 a milestone starts late or never, the plan
    exceeds the budget, or the plan does not keep the class of power quality.
    """
    with loading():
        from siteopt.verifying import verify
    try:
        with _status(live=not as_json) as tell:
            found = verify(run, changed or (), tell, scenario=scenario)
    except InputError as error:
        _refuse(error, as_json)
    typer.echo(found.record.model_dump_json() if as_json else str(found))
    raise typer.Exit(0 if found.holds else FALLS_SHORT)


@app.command()
def prove(
    run: RunFolder,
    time_limit: Annotated[float, typer.Option(help="Time limit of the proof, seconds.", min=0)] = PROOF_SECONDS,
    scenario: RunScenario = None,
    as_json: AsJson = False,
) -> None:
    """Prove the claims of a run without trusting any solver: show with safe bounds that no site and no plan is better.

    Ctrl-C stops the proof and reports what is proven so far; a second Ctrl-C stops at once.

    Exit codes: 0 every claim of the run is proven, 2 bad input or not the folder of a proven run, 4 stopped by the time
    limit or by Ctrl-C, 5 a claim is wrong: a better plan was found, or the plan does not hold.
    """
    with loading():
        from siteopt.proving import prove
    try:
        with interruptible() as stop, _status(live=not as_json) as tell:
            report = prove(run, time_limit, tell, stop=stop, scenario=scenario)
    except InputError as error:
        _refuse(error, as_json)
    typer.echo(report.report.model_dump_json() if as_json else str(report))
    raise typer.Exit(DISAGREES if report.report.is_wrong else 0 if report.report.proven else UNFINISHED)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the versions of siteopt and of the packages that it uses to solve."""
    from importlib.metadata import version

    versions = {name: version(name) for name in ("siteopt", "pulp", "highspy", "geopandas", "pandas", "numpy")}
    typer.echo(json.dumps(versions) if as_json else "\n".join(f"{name} {number}" for name, number in versions.items()))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check everything that siteopt needs on this machine, and say how to fix what fails.

    Exit codes: 0 everything that siteopt needs works, 2 otherwise.
    """
    with loading():
        from siteopt.doctor import examined
    found = examined()
    works = all(one.works for one in found)
    if as_json:
        typer.echo(json.dumps({"works": works, "checks": [vars(one) for one in found]}, ensure_ascii=False))
    else:
        typer.echo("\n".join(map(str, found)))
        typer.echo("siteopt can run" if works else "siteopt cannot run; fix what FAILS first")
    raise typer.Exit(0 if works else FAILED)


@contextlib.contextmanager
def _status(*, live: bool) -> Iterator[Callable[[str], None] | None]:
    """Yield a function that shows a status line; yield None unless ``live`` and standard error is a terminal."""
    if not (live and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading the input") as status:
        yield status.update


@contextlib.contextmanager
def _progress(*, live: bool) -> Iterator[Report | None]:
    """Yield a function that shows the progress of an optimisation; yield None if :func:`_status` yields None."""
    with _status(live=live) as tell:
        if tell is None:
            yield None
            return

        def report(progress: Progress) -> None:
            best = f", best so far {progress.incumbent}" if progress.incumbent else ""
            done = f"{progress.closed:,} of {progress.total:,} {progress.unit}"
            tell(f"{done}{best}, {progress.solves} MILPs, {progress.seconds:.0f} s")

        yield report


def _answer(
    ask: Callable[[Scenario, Report | None, threading.Event], Output],
    scenario: Path,
    settings: Sequence[str] | None,
    out: Path | None,
    suffix: str,
    marker: str,
    as_json: bool,
    quiet: bool,
) -> NoReturn:
    """Answer a question about a scenario, deliver the answer, and exit.

    Parameters
    ----------
    ask : function
        Answer the question; Ctrl-C sets the event.
    suffix : str
        End of the name of the default folder, after the name of the scenario.
    marker : str
        Name of the document that the folder will contain.
    """
    with loading():
        from siteopt import read_scenario
    with interruptible() as stop:
        try:
            question = read_scenario(scenario, settings or ())
            folder = out or Path("runs") / f"{question.project.name}{suffix}"
            ready_folder(folder, marker)
            with _progress(live=not (quiet or as_json)) as report:
                result = ask(question, report, stop)
        except InputError as error:
            _refuse(error, as_json)
        _deliver(result, folder, as_json, quiet, stop)


def _deliver(result: Output, folder: Path, as_json: bool, quiet: bool, stop: threading.Event) -> NoReturn:
    """Print the result and write its outputs, and exit with the code of the outcome."""
    from siteopt.delivery import deliver

    if stop.is_set() and not result.has_answer:
        typer.echo("no plan was found yet; nothing was written", err=True)
        raise typer.Exit(INTERRUPTED)
    deliver(result, folder, as_json=as_json, quiet=quiet)
    if not result.agrees:
        raise typer.Exit(DISAGREES)
    raise typer.Exit(EXIT_CODES[result.outcome.name])


def _made(make: Callable[[], Made]) -> Made:
    """Return what is made from a run; if it cannot be read, print every error, and exit."""
    try:
        from siteopt.delivery import page_warnings

        with page_warnings():
            return make()
    except InputError as error:
        _refuse(error, as_json=False)


def _refuse(error: InputError, as_json: bool, out: Path | None = None) -> NoReturn:
    """Print every error, write a map of all issues if a folder is given, and exit."""
    note("issues", count=len(error.issues), issues=[str(issue) for issue in error.issues])
    if as_json:
        told = {"issues": error.issues, "warnings": error.warnings}
        typer.echo(
            json.dumps({name: [one.record() for one in found] for name, found in told.items()}, ensure_ascii=False)
        )
    else:
        from siteopt.delivery import tell
        from siteopt.record.build import warnings_of

        tell((), warnings_of(error.warnings))
        for issue in error.issues:
            typer.echo(str(issue), err=True)
    if out is not None:
        _map_issues((*error.issues, *error.warnings), out)
    if not as_json:
        count = len(error.issues)
        written = f"{out / PROJECT} shows where" if out is not None else "nothing was written"
        typer.echo(f"{count} {'error' if count == 1 else 'errors'}; {written}", err=True)
    raise typer.Exit(FAILED)


def _map_issues(issues: Sequence[Issue], folder: Path) -> None:
    """Write the map of issues, and say which files of the user were renamed."""
    with loading():
        from siteopt.delivery import say_renamed
        from siteopt.output.maps import issue_files
    say_renamed(folder, write_folder(folder, issue_files(issues)))
