"""The command line: parse, call the API, print. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import math
import sys
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import siteopt
from siteopt.examples import copy_examples
from siteopt.faults import InputError
from siteopt.optimize.search import Progress
from siteopt.run import Method, Result

app = typer.Typer(
    help="Which vacant factory, and which rented equipment, gets a GPU cluster training soonest.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXIT_CODES = {siteopt.RunOutcome.PROVEN: 0, siteopt.RunOutcome.NO_SITE: 3, siteopt.RunOutcome.LIMIT: 4}
"""0 proven optimal, 2 bad input or usage, 3 no site can serve, 4 limit reached before the proof."""
BAD_INPUT = 2

ScenarioFile = Annotated[
    Path, typer.Argument(help="Scenario (TOML), such as models/colossus.toml.", metavar="SCENARIO")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Replace a key for this run: supply.spare_units=2.", metavar="KEY=VALUE"),
]
TimeLimit = Annotated[float, typer.Option(help="Seconds for the optimisation.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to lay the examples out in.", metavar="DIR")],
) -> None:
    """Lay out an editable copy of the example data and scenarios."""
    try:
        for path in copy_examples(folder):
            typer.echo(path)
    except OSError as error:
        _fail(str(error))
    typer.echo(f"Next: cd {folder} && siteopt solve models/colossus.toml", err=True)


@app.command()
def check(scenario: ScenarioFile, settings: Settings = None, as_json: AsJson = False) -> None:
    """Check a scenario and its tables; every fault in one pass."""
    try:
        dataset = siteopt.load(siteopt.read_scenario(scenario, settings or ()))
    except InputError as error:
        _refuse(error, as_json)
    eligible = dataset.instance.sites
    facts = {"candidates": len(dataset.sites), "eligible": eligible, "offers": len(dataset.offers), "faults": []}
    if as_json:
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"No faults: {len(dataset.sites)} candidates, {eligible} eligible, {len(dataset.offers)} offers")
    for site, reason in sorted(dataset.excluded.items()):
        typer.echo(f"  left out  {site}: {reason}")
    for site, columns in sorted(dataset.assumed.items()):
        typer.echo(f"  assumed   {site}: {', '.join(columns)}")


@app.command()
def solve(
    scenario: ScenarioFile,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the outputs; runs/<scenario> unless given.")] = None,
    method: Annotated[Method, typer.Option(help="Site by site, or one MILP over all sites.")] = "search",
    time_limit: TimeLimit = math.inf,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Find the site and the rental mix that train first.

    Exit codes: 0 proven optimal, 2 bad input, 3 no site can serve, 4 limit reached before the proof.
    """
    try:
        question = siteopt.read_scenario(scenario, settings or ())
        result = _solve(question, method, time_limit, live=not (quiet or as_json) and sys.stderr.isatty())
    except InputError as error:
        _refuse(error, as_json)
    folder = out if out is not None else Path("runs") / question.project.name
    try:
        result.write(folder)
    except OSError as error:
        _fail(str(error))
    if as_json:
        typer.echo(json.dumps(result.document, ensure_ascii=False))
    elif not quiet:
        typer.echo(str(result))
        typer.echo(f"Outputs     {folder}/: {', '.join(result.files())}")
    raise typer.Exit(EXIT_CODES[result.outcome])


@app.command()
def explain(
    scenario: ScenarioFile,
    site: Annotated[str, typer.Argument(help="A site_id of the candidates, admitted or not.", metavar="SITE")],
    settings: Settings = None,
    time_limit: TimeLimit = math.inf,
    as_json: AsJson = False,
) -> None:
    """Say why a site does not win or cannot serve, and the least that would have to change about it.

    Exit codes: 0 proven, 2 bad input, 4 limit reached before the proof.
    """
    try:
        result = siteopt.explain(scenario, site, seconds=time_limit, settings=settings or ())
    except InputError as error:
        _refuse(error, as_json)
    typer.echo(json.dumps(result.document, ensure_ascii=False, allow_nan=False) if as_json else str(result))
    raise typer.Exit(EXIT_CODES[result.outcome])


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the versions of siteopt and of what it solves with."""
    names = ("siteopt", "pulp", "highspy", "geopandas", "pandas", "numpy")
    versions = {name: package_version(name) for name in names}
    typer.echo(json.dumps(versions) if as_json else "\n".join(f"{name} {number}" for name, number in versions.items()))


def _solve(question: siteopt.Scenario, method: Method, seconds: float, *, live: bool) -> Result:
    """Solve, with one line of progress where somebody watches."""
    if not live:
        return siteopt.solve(question, method, seconds)
    with Console(stderr=True).status("reading") as status:

        def report(progress: Progress) -> None:
            best = f", best so far {progress.incumbent}" if progress.incumbent else ""
            done = f"{progress.settled} of {progress.total} {progress.unit}"
            status.update(f"{done}{best}, {progress.solves} MILPs, {progress.seconds:.0f} s")

        return siteopt.solve(question, method, seconds, report)


def _refuse(error: InputError, as_json: bool) -> None:
    """Print every fault, and stop."""
    if as_json:
        faults = [vars(fault) for fault in error.faults]
        typer.echo(json.dumps({"faults": faults}, ensure_ascii=False))
    else:
        for fault in error.faults:
            typer.echo(str(fault), err=True)
        count = len(error.faults)
        typer.echo(f"{count} {'fault' if count == 1 else 'faults'}; nothing was written", err=True)
    raise typer.Exit(BAD_INPUT)


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(BAD_INPUT)
