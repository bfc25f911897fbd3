"""What waits to be sent to a tracking server that may be away: nothing raises, everything is kept and sent later."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

FLUSH_SECONDS = 5.0
RETRY_SECONDS = 30.0


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
