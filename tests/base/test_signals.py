"""The first Ctrl-C asks, the second interrupts; both leave the process as it was."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable

import pytest

from sparsetune.base.signals import stopping_gently

LIBRARY = logging.getLogger("a library")


def told_twice(stop: Callable[[], None], first: signal.Signals = signal.SIGINT) -> None:
    """What happens to a study in which a library is interrupted."""
    with stopping_gently(stop) as request:
        signal.raise_signal(first)
        assert request.signum == first
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            LIBRARY.error("in the interrupt")


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_first_asks_and_the_second_interrupts(first: signal.Signals) -> None:
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        told_twice(lambda: asked.append(1), first)
    assert asked == [1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_what_libraries_log_of_the_interrupt_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """SQLAlchemy logs a traceback when it cannot close a cursor that was in use."""
    with pytest.raises(KeyboardInterrupt):
        told_twice(lambda: LIBRARY.error("while it stops"))
    LIBRARY.error("after it")
    assert caplog.messages == ["while it stops", "after it"]


def test_an_interrupt_in_a_destructor_is_not_lost(capfd: pytest.CaptureFixture[str]) -> None:
    """Python ignores what is raised there, and prints it."""

    class Interrupted:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def study() -> None:
        with stopping_gently(lambda: None):
            signal.raise_signal(signal.SIGINT)
            Interrupted()
            assert not threading.Event().wait(60), "what would go on"

    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        study()
    assert sys.unraisablehook is hook
    assert capfd.readouterr() == ("", "")
