"""Between the driver and a tracker that is slow or away: nobody waits for it, nothing raises, nothing is lost.

A thread tells the tracker what happens: a worker that is free gets its next job at once. What cannot be sent now is
kept, and sent later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, Generic, Protocol, TypeVar

from sparsetune.base.messages import Files, Key, Observer, Row, Trial

FLUSH_SECONDS = 5.0
RETRY_SECONDS = 30.0
LONGEST = 500  # calls that wait; then the driver waits too, for memory has an end


class Item(Protocol):
    ended: bool  # it leaves the box once it is sent

    def doubt(self) -> None:
        """Sending it failed, at an unknown point."""


KeyT = TypeVar("KeyT", bound=Hashable)
ItemT = TypeVar("ItemT", bound=Item)


class Outbox(Generic[KeyT, ItemT]):
    """Items by key. ``send`` may raise anything; then ``reachable`` tells a server that is away from a bad item.

    It may return True: something of the item is left for another attempt, so that it stays in the box.
    """

    def __init__(
        self,
        send: Callable[[ItemT], bool | None],
        reachable: Callable[[], bool],
        warn: Callable[[Exception], None],
        clock: Callable[[], float],
    ) -> None:
        self.waiting: dict[KeyT, ItemT] = {}
        self._send, self._reachable, self._warn, self._clock = send, reachable, warn, clock
        self._due = clock() + FLUSH_SECONDS
        self._away = False
        self._warned = False

    def offer(self, keys: Sequence[KeyT]) -> None:
        """Send these items now; in an outage wait for the next attempt, which sends everything."""
        if self._away:
            self.tick()
        else:
            self._send_each(keys)

    def tick(self) -> None:
        """Send everything if it is time."""
        if self._clock() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Send everything now."""
        self._due = self._clock() + FLUSH_SECONDS
        self._send_each(list(self.waiting))

    def failed(self, error: Exception) -> None:
        """The server is away."""
        self._warn_once(error)
        self._away = True
        self._due = self._clock() + RETRY_SECONDS

    def _send_each(self, keys: Iterable[KeyT]) -> None:
        for key in keys:
            item = self.waiting[key]
            try:
                left = self._send(item)
            except Exception as error:  # databases, HTTP and artifact stores each raise their own kinds
                item.doubt()
                if not self._reachable():
                    return self.failed(error)
                self._warn_once(error)  # one bad item does not hold up the others
            except BaseException:  # Ctrl-C: close() will send it again
                item.doubt()
                raise
            else:
                if item.ended and not left:
                    del self.waiting[key]
        self._away = False
        return None

    def _warn_once(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            self._warn(error)


class Tracker(Observer, Protocol):
    """An observer that knows of which trials it has everything."""

    def logged(self, number: int) -> bool: ...
    def refused(self, number: int) -> bool: ...


TrackerT = TypeVar("TrackerT", bound=Tracker)


class Background(Generic[TrackerT]):
    """Opens a tracker and tells it everything in order, from one thread. What it raises is raised by a later call.

    It is opened with the first result: until then the processor is the workers', which start.
    """

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
