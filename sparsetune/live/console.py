"""What a person sees while a study runs: a picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import RLock

from rich.console import Console

from sparsetune.base.layout.printable import printable
from sparsetune.base.messages import Files, Key, Row, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Extent
from sparsetune.live.lines import Throttle, ended_line, resumed_line, running_line, summary_line
from sparsetune.live.output import unbreakable
from sparsetune.live.screen import ScreenDisplay
from sparsetune.live.standing import Better, Standing

MOST, WINDOW = 30, 10.0  # lines in so many seconds; more are summed up
SILENCE = 600.0  # seconds after which it says what runs


class PlainDisplay:
    """Writes lines without colours, and not through rich, which would wrap them and take a third of a millisecond."""

    def __init__(self, console: Console, standing: Standing) -> None:
        self._console = console
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
        if not self._console.quiet:
            self._console.file.write(f"{printable(line)}\n")
            self._console.file.flush()


class ConsoleObserver:
    """Shows progress, running trials, the best so far and failures.

    The console's stream is made unbreakable: nobody who prints to it hears of a closed terminal or pipe.
    """

    def __init__(
        self,
        console: Console,
        objectives: Sequence[Objective],
        earlier: Sequence[Trial],
        extent: Extent,
        title: str,
        clock: Callable[[], float] = time.monotonic,
        constraints: Sequence[Constraint] = (),
    ) -> None:
        """
        Args:
            earlier: trials of earlier runs; they count in the progress and among the best.
            extent: how many trials there are to be.
            constraints: of the study; a row that breaks one is never among the best.
        """
        console.file = unbreakable(console.file)
        self._standing = Standing(objectives, earlier, extent, clock, constraints)
        self._lock = RLock()  # a signal handler may print while this thread holds it
        self._display: ScreenDisplay | PlainDisplay  # told after each change of the standing
        if console.is_interactive and console.file.isatty() and not console.quiet:
            self._display = ScreenDisplay(console, self._standing, title, self._lock)
        else:
            self._display = PlainDisplay(console, self._standing)

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        with self._lock:
            self._standing.started(trial, resumed=resumed)
        self._display.started(trial, resumed=resumed)

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        with self._lock:
            self._standing.reported(trial, key, rows)
        self._display.reported()

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        if trial.number not in self._standing.running:
            return
        with self._lock:
            better = self._standing.ended(trial)
        self._display.ended(trial, rows, better)

    def close(self) -> None:
        self._display.close()
