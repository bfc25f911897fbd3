"""A thread between the driver and a slow tracker: a worker that is free gets its next job at once.

The tracker is also opened there, with the first result: until then the processor is the workers', which start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, Generic, Protocol, TypeVar

from sparsetune.base.messages import Files, Key, Observer, Row, Trial

LONGEST = 500  # calls that wait; then the driver waits too, for memory has an end


class Tracker(Observer, Protocol):
    """An observer that knows of which trials it has everything."""

    def logged(self, number: int) -> bool: ...
    def refused(self, number: int) -> bool: ...


TrackerT = TypeVar("TrackerT", bound=Tracker)


class Background(Generic[TrackerT]):
    """Opens a tracker and tells it everything in order, from one thread. What it raises is raised by a later call."""

    def __init__(self, open_tracker: Callable[[], TrackerT]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tracking")
        self._wanted = Event()
        self._tracker = self._thread.submit(self._open, open_tracker)
        self._waiting: deque[Future[None]] = deque()

    def logged(self, number: int) -> bool:
        """Whether the tracker is known to have all of a trial."""
        return self._tracker.done() and self._tracker.result().logged(number)

    def refused(self, number: int) -> bool:
        """Whether the tracker is known to have closed a trial whose files it will never take."""
        return self._tracker.done() and self._tracker.result().refused(number)

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        self._hand(lambda tracker: tracker.trial_started(trial, resumed=resumed))

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        self._wanted.set()
        self._hand(lambda tracker: tracker.trial_reported(trial, key, rows))

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        self._wanted.set()
        self._hand(lambda tracker: tracker.trial_ended(trial, rows, files))

    def up_to_date(self) -> TrackerT:
        """The tracker itself, once it has been told everything."""
        self._wanted.set()
        while self._waiting:
            self._waiting.popleft().result()
        return self._tracker.result()

    def close(self) -> None:
        """Tell the rest, close the tracker, end the thread; an interrupt drops the rest."""
        try:
            self.up_to_date().close()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _open(self, open_tracker: Callable[[], TrackerT]) -> TrackerT:
        self._wanted.wait()
        return open_tracker()

    def _hand(self, tell: Callable[[TrackerT], Any]) -> None:
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= LONGEST):
            wait([self._waiting[0]])
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(lambda: tell(self._tracker.result())))
