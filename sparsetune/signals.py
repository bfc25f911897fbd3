"""Ctrl-C and SIGTERM: the first asks a study to stop when its trials are safe, the second ends it at once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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

    def handle(signum: int, frame: FrameType | None) -> None:
        if request.signum is not None:
            logging.disable(logging.ERROR)  # libraries log with a traceback what an interrupt breaks off in them
            raise KeyboardInterrupt
        request.signum = signum
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    logged = logging.root.manager.disable
    before = {signum: signal.signal(signum, handle) for signum in SIGNALS}
    try:
        yield request
    finally:
        logging.disable(logged)
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)  # None: it was not Python's
