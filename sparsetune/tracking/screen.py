"""Where the output is a terminal: a picture that is redrawn in place, and above it only what is news."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import RLock

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from sparsetune.config.messages import Row, Trial
from sparsetune.layout.text import cut
from sparsetune.tracking.frame import frame
from sparsetune.tracking.lines import Throttle, best_line, failed_line, resumed_line, summary_line
from sparsetune.tracking.standing import Standing

REFRESHES = 2  # a second
MOST, WINDOW = 10, 10.0  # failures in so many seconds that are said one by one
PATIENCE = 0.1  # seconds that a redraw waits for what it draws


class ScreenView:
    """Redraws twice a second from a thread of its own; ``lock`` keeps what it draws still."""

    def __init__(self, console: Console, standing: Standing, title: str, lock: RLock) -> None:
        self._console = console
        self._standing = standing
        self._title = title
        self._lock = lock
        self._drawn: RenderableType = ""
        self._throttle = Throttle(standing.clock, most=MOST, window=WINDOW)
        self._live = Live(
            get_renderable=self._draw,
            console=console,
            refresh_per_second=REFRESHES,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file goes on doing so
        )

    def started(self, trial: Trial, *, resumed: bool) -> None:
        if resumed:
            self._say(resumed_line(trial))
        self._live.start()

    def reported(self) -> None:
        if self._throttle.summary_due():
            self._say(f"more failures: {summary_line(self._standing)}")

    def ended(self, trial: Trial, rows: Sequence[Row], improved: Sequence[int]) -> None:
        self.reported()
        if trial.state == "FAIL":
            if self._throttle.admits():
                self._say(failed_line(trial, rows), "red")
        elif improved and self._standing.counts["COMPLETE"] > 1:  # the first is the best of one
            self._say(best_line(self._standing, trial, improved))

    def close(self) -> None:
        self._live.stop()

    def _say(self, line: str, style: str = "") -> None:
        self._console.print(Text(cut(line, self._console.width), style=style, no_wrap=True))

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
