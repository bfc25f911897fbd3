"""Where the output is no terminal: one line a finished trial, in a log that stays readable however many there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sparsetune.base.messages import Key, Row, Trial
from sparsetune.live.lines import Throttle, ended_line, resumed_line, running_line, summary_line
from sparsetune.live.standing import Better, Standing

MOST, WINDOW = 30, 10.0  # lines in so many seconds; more are summed up
SILENCE = 600.0  # seconds after which it says what runs


class PlainView:
    """Writes lines without colours, and not through rich, which would wrap them and take a third of a millisecond."""

    def __init__(self, say: Callable[[str], None], standing: Standing) -> None:
        self._write = say
        self._standing = standing
        self._throttle = Throttle(standing.clock, most=MOST, window=WINDOW)
        self._said = standing.clock()

    def started(self, trial: Trial, *, resumed: bool) -> None:
        if resumed:
            self._say(resumed_line(trial))

    def reported(self) -> None:
        if self._throttle.summary_due():
            self._say(summary_line(self._standing))
        elif self._standing.clock() - self._said >= SILENCE:
            self._say(running_line(self._standing))

    def ended(self, trial: Trial, rows: Mapping[Key, Sequence[Row]], better: Sequence[Better]) -> None:
        if self._throttle.summary_due():
            self._say(summary_line(self._standing))
        if self._throttle.admits():
            self._say(ended_line(self._standing, trial, rows))

    def close(self) -> None:
        if self._throttle.held:
            self._say(summary_line(self._standing))

    def _say(self, line: str) -> None:
        self._said = self._standing.clock()
        self._write(line)
