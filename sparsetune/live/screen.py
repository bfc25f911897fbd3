"""Where the output is a terminal: a picture that is redrawn in place, and above it only what is news."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Event, RLock, Thread

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from sparsetune.base.layout.text import cut
from sparsetune.base.messages import Key, Row, Trial
from sparsetune.live.frame import frame
from sparsetune.live.lines import Throttle, best_line, failed_line, resumed_line, summary_line
from sparsetune.live.standing import Better, Standing

REFRESHES = 2  # a second
PATIENCE = 0.1  # seconds that a redraw waits for what it draws
MOST, WINDOW = 10, 10.0  # failures in so many seconds that are said one by one


class ScreenView:
    """Prints and redraws twice a second in a thread of its own, so that no trial waits for a terminal.

    The study's thread holds none of rich's locks: a signal handler that prints there cannot find them taken.
    """

    def __init__(self, console: Console, standing: Standing, title: str, lock: RLock) -> None:
        """
        Args:
            lock: held while ``standing`` changes, and while it is drawn.
        """
        self._console = console
        self._standing = standing
        self._title = title
        self._lock = lock
        self._drawn: RenderableType = ""
        self._throttle = Throttle(standing.clock, most=MOST, window=WINDOW)
        self._news: deque[Text] = deque()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="sparsetune-screen", daemon=True)
        self._live = Live(
            get_renderable=self._draw,
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file goes on doing so
        )

    def started(self, trial: Trial, *, resumed: bool) -> None:
        if resumed:
            self._say(resumed_line(trial))
        if self._thread.ident is None:
            self._thread.start()

    def reported(self) -> None:
        if self._throttle.summary_due():
            self._say(f"more failures: {summary_line(self._standing)}")

    def ended(self, trial: Trial, rows: Mapping[Key, Sequence[Row]], better: Sequence[Better]) -> None:
        self.reported()
        if trial.state == "FAIL":
            if self._throttle.admits():
                self._say(failed_line(trial, rows), "red")
        elif self._standing.counts["COMPLETE"] > 1:  # the first is the best of one
            for each in better:
                self._say(best_line(self._standing, each))

    def close(self) -> None:
        if self._thread.ident is not None:
            self._closing.set()
            self._thread.join()
            self._refresh()
            self._live.stop()

    def _run(self) -> None:
        self._live.start()
        while not self._closing.wait(1 / REFRESHES):
            self._refresh()

    def _refresh(self) -> None:
        news = [self._news.popleft() for _ in range(len(self._news))]
        with self._console:  # one write for both
            if news:
                self._console.print(Text("\n").join(news))
            self._live.refresh()

    def _say(self, line: str, style: str = "") -> None:
        self._news.append(Text(cut(line, self._console.width), style=style, no_wrap=True))

    def _draw(self) -> RenderableType:
        """The picture of now; the last one if a signal handler prints while its thread holds the lock."""
        if self._lock.acquire(timeout=PATIENCE):
            try:
                width, height = self._console.size
                plain = not self._console.encoding.startswith("utf")
                self._drawn = frame(self._standing, self._title, width, height, ascii_only=plain)
            finally:
                self._lock.release()
        return self._drawn
