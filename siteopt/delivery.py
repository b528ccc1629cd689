"""Print the answer of a run and write its outputs, in this order; say what a user should know about either."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from siteopt.issues import Failure
from siteopt.output.folder import PROJECT, write_folder
from siteopt.output.report import NoChartsWarning

if TYPE_CHECKING:
    from siteopt.answers import Output
    from siteopt.record.base import InputFile, InputWarning

OPENED = {"report.html": "in a browser", PROJECT: "in QGIS"}
"""Outputs that show a result, and where to open each."""


def deliver(result: Output, folder: Path, *, as_json: bool, quiet: bool) -> None:
    """Print the result, then write the outputs.

    The result comes first, because the work that follows may fail or be killed. If it cannot be printed, the outputs
    are still written.

    Raises
    ------
    Failure
        If the result cannot be printed, or the outputs cannot be written; a result that cannot be written is printed
        even if ``quiet``.
    """

    def show() -> None:
        if as_json:
            typer.echo(result.record.model_dump_json())
        else:
            tell(result.record.inputs, result.record.warnings)
            typer.echo(str(result))

    unprinted = None
    try:
        if as_json or not quiet:
            show()
    except Failure as error:
        unprinted = error
    begin = time.monotonic()
    try:
        with page_warnings(quiet=quiet):
            files = result.files()
        renamed = write_folder(folder, files)
    except Exception:
        if quiet and not as_json:
            show()
        raise
    if not quiet:
        say_renamed(folder, renamed)
    if unprinted is not None:
        raise unprinted
    if not (as_json or quiet):
        typer.echo(f"Outputs     {folder}/: {', '.join(files)}; written in {time.monotonic() - begin:.1f} s")
        opened = (f"{folder / name} {how}" for name, how in OPENED.items() if name in files)
        typer.echo(f"Open        {', '.join(opened)}")


@contextlib.contextmanager
def page_warnings(*, quiet: bool = False) -> Iterator[None]:
    """Print the warning that a page has no charts, in one line on standard error, unless ``quiet``."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", NoChartsWarning)
        yield
    for one in found:
        if issubclass(one.category, NoChartsWarning) and not quiet:
            typer.echo(f"warning: {one.message}", err=True)


def say_renamed(folder: Path, renamed: Mapping[str, str]) -> None:
    """Print which files of the user have another name now, on standard error."""
    for name, new in renamed.items():
        typer.echo(f"{folder / name} was not as siteopt wrote it, so it is kept as {new}", err=True)


def tell(inputs: Iterable[InputFile], found: Iterable[InputWarning]) -> None:
    """Print to standard error how files were read, and the warnings."""
    for one in inputs:
        if one.read_as is not None:
            typer.echo(f"{one.path}: read as {one.read_as}", err=True)
    for warning in found:
        typer.echo(f"warning: {warning.message}", err=True)


def print_page(content: str) -> None:
    """Print a page in the encoding that it names, whatever the terminal has."""
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    typer.echo(content, nl=False)
