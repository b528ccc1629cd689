"""Wrap every command in an error boundary: no error ends in a traceback, and no closed terminal stops a run."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from typer.core import TyperGroup

from siteopt.issues import NO_ROOM, Failure
from siteopt.log import LOG, recorded, versions
from siteopt.message_catalogue import Code

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

DEBUG = "--debug"
UNEXPECTED, FAILED, INTERRUPTED = 1, 2, 130
"""Exit codes: a bug in siteopt; an error that the user can fix; Ctrl-C."""
_ESCAPED = "siteopt.escaped"
_LEFT = (errno.EPIPE, errno.EINVAL)
"""Error numbers if the reader of a stream has closed it; Windows reports the second one."""


class ErrorBoundary(TyperGroup):
    """Group of the commands. Each run has a log, and DEBUG may come before or after the name of the command."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **more: Any) -> Any:
        """Run a command and end the program with its exit code."""
        words = list(sys.argv[1:] if args is None else args)
        debug = DEBUG in words
        ordered = [DEBUG, *(word for word in words if word != DEBUG)] if debug else words
        no_help = {"help": False}  # else Typer imports pydantic to convert "not given" into a truth value
        defaults = no_help | dict.fromkeys(self.commands, no_help)
        with _steady_streams(), recorded(words, debug) as log:
            try:
                return super().main(ordered, *others, default_map=defaults, **more)
            except SystemExit as end:
                if end.code == INTERRUPTED:
                    _say("interrupted")
                log.end(end.code)
                raise
            except Exception as error:
                failure = _failure(error)
                ours = failure.code in (Code.UNEXPECTED, Code.SOLVER)
                code = UNEXPECTED if failure.code is Code.UNEXPECTED else FAILED
                LOG.exception("error", extra={"fields": {"message": str(failure), "versions": versions()}})
                log.end(code)
                if debug:
                    traceback.print_exc()
                _say(f"{failure}; {log}" if ours else str(failure))
                sys.exit(code)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write each command with the whole first paragraph of its help, which Typer would cut off after a line."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, (one.help or "").split("\n\n")[0]) for name, one in self.commands.items()])


def _failure(error: Exception) -> Failure:
    """Return an error as a failure with a message of one line."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, MemoryError):
        return Failure(Code.MEMORY, "there is not enough memory")
    told = " ".join(str(error).split())
    shown = f"{type(error).__name__}: {told}"
    return Failure(Code.UNEXPECTED, f"siteopt failed: {shown[:200]}")


def _say(message: str) -> None:
    with contextlib.suppress(Failure):  # standard error may be closed
        print(message, file=sys.stderr, flush=True)


class _Steady:
    """Standard output or error whose reader may close it (``| head``); later text is dropped and the run goes on."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it if the reader has closed the stream; return its length."""
        if text != "":  # Typer writes "" to test the stream, and ignores errors
            with self._trying():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, unless the reader has closed it."""
        with self._trying():
            self._stream.flush()

    @contextlib.contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # Python flushes again when it exits
            if error.errno not in _LEFT:
                code = Code.DISK_FULL if error.errno in NO_ROOM else Code.NO_WRITING
                raise Failure(code, f"cannot print to {self._stream.name}: {error.strerror}") from None


@contextlib.contextmanager
def _steady_streams() -> Iterator[None]:
    """Make the standard streams safe to print to, even if one is closed or cannot encode a letter."""
    codecs.register_error(_ESCAPED, _escaped)
    kept = sys.stdin, sys.stdout, sys.stderr
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # else the next opened file gets its number
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)
    sys.stdout, sys.stderr = _Steady(sys.stdout), _Steady(sys.stderr)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Return letters that an encoding lacks as JSON escapes, such as ``\uac15``, and the position after them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
