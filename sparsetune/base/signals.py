"""Ctrl-C and SIGTERM: the first asks a study to stop when its trials are safe, the second ends it at once."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 0.05  # seconds until an interrupt that was lost is raised again


class Stopped(KeyboardInterrupt):
    """A study ended because it was asked to. ``signum`` is the signal that asked."""

    def __init__(self, signum: int, message: str) -> None:
        super().__init__(message)
        self.signum = signum


class Request:
    """Whether somebody asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.signum: int | None = None


@contextmanager
def stopping_gently(stop: Callable[[], None]) -> Iterator[Request]:
    """Call ``stop`` at the first signal, raise KeyboardInterrupt at the second.

    Outside the main thread, where Python takes no signals, this does nothing.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    with _interrupting() as interrupt:

        def handle(signum: int, frame: FrameType | None) -> None:
            if request.signum is not None:
                interrupt()
            request.signum = signum
            stop()

        before = {signum: signal.signal(signum, handle) for signum in SIGNALS}
        try:
            yield request
        finally:
            for signum, handler in before.items():
                signal.signal(signum, signal.SIG_DFL if handler is None else handler)  # None: it was not Python's


@contextmanager
def _interrupting() -> Iterator[Callable[[], NoReturn]]:
    """A function that raises KeyboardInterrupt so that it arrives, and is not shown.

    What is raised in a destructor is lost: it is raised again. Libraries log with a traceback what it breaks off in
    them, such as SQLAlchemy a cursor that was in use.
    """
    logged, hook = logging.root.manager.disable, sys.unraisablehook
    again: list[threading.Timer] = []

    def lost(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            once_more = partial(signal.pthread_kill, threading.get_ident(), signal.SIGINT)
            again.append(threading.Timer(_AGAIN, once_more))  # in here it would be lost too
            again[-1].start()
        else:
            hook(unraisable)

    def interrupt() -> NoReturn:
        logging.disable(logging.ERROR)
        sys.unraisablehook = lost
        raise KeyboardInterrupt

    try:
        yield interrupt
    finally:
        for timer in again:
            timer.cancel()
        logging.disable(logged)
        sys.unraisablehook = hook
