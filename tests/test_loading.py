from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from siteopt.issues import Failure
from siteopt.loading import loading
from siteopt.message_catalogue import Code


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_program_while_libraries_load() -> None:
    with loading():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("own", [signal.SIG_IGN, lambda number, frame: None])
def test_another_answer_to_ctrl_c_stays(own: signal._HANDLER) -> None:
    signal.signal(signal.SIGINT, own)
    with loading():
        assert signal.getsignal(signal.SIGINT) is own
    assert signal.getsignal(signal.SIGINT) is own


def test_whatever_a_library_raises_is_one_line() -> None:
    with pytest.raises(Failure) as told, loading():
        raise OSError("libx.so:\n  wrong ELF class")
    assert told.value.code is Code.BROKEN
    assert str(told.value).startswith("a package cannot be loaded: OSError: libx.so: wrong ELF class; install")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
