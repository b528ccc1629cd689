"""Let Ctrl-C stop the work of a command in two steps: keep what is known, then end at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

import typer

from siteopt.issues import Failure


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; a second Ctrl-C, SIGTERM or SIGHUP ends the program."""
    stop = threading.Event()
    ended: list[BaseException] = []

    def end(how: BaseException) -> NoReturn:
        ended.append(how)
        raise how

    def on_interrupt(number: int, frame: object) -> None:
        if stop.is_set():
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a third Ctrl-C ends the program at once
            end(KeyboardInterrupt())
        stop.set()
        typer.echo("stopping with the best plan so far; press Ctrl-C again to stop at once", err=True)

    def on_end(number: int, frame: object) -> None:
        stop.set()
        end(SystemExit(128 + number))

    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    acts = {number: on_end for number in ends if signal.getsignal(number) != signal.SIG_IGN}  # nohup ignores SIGHUP
    usual = {number: signal.signal(number, act) for number, act in {signal.SIGINT: on_interrupt, **acts}.items()}
    try:
        yield stop
    except Failure:
        if ended:  # the solver reports an exception of its callback as its own error
            raise ended[0] from None
        raise
    finally:
        for number, act in usual.items():
            signal.signal(number, act)
