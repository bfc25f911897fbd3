"""Where the output is a terminal: a picture that is redrawn in place, and above it only what is news."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Event, RLock, Thread

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from sparsetune.base.layout.columns import Column, aligned, fitting, of_params
from sparsetune.base.layout.text import UNKNOWN, about, bar, clock_time, cut, number
from sparsetune.base.messages import Key, Row, Trial
from sparsetune.live.lines import (
    Throttle,
    best_line,
    best_text,
    count_text,
    epoch_text,
    failed_line,
    failure_text,
    resumed_line,
    summary_line,
)
from sparsetune.live.standing import Better, Running, Standing

LONGEST_BAR = 60
MOST_RUNNING, MOST_BEST = 16, 6  # rows, where the terminal is high enough
_AROUND = 16  # lines that are no rows of the two tables
REFRESHES = 2  # a second
PATIENCE = 0.1  # seconds that a redraw waits for what it draws
MOST, WINDOW = 10, 10.0  # failures in so many seconds that are said one by one


def frame(standing: Standing, title: str, width: int, height: int, *, ascii_only: bool) -> Text:
    """Progress, failures, running trials and the best, in at most ``width`` columns and ``height`` - 1 lines.

    Nothing that it says is said by colour alone.
    """
    spare = max(2, height - _AROUND)
    most_running = min(MOST_RUNNING, spare - spare // 3, max(1, standing.peak))
    lines = [
        Text(),
        _progress(standing, title, width, ascii_only=ascii_only),
        Text(cut(_counts(standing), width)),
        *([Text(cut(failure_text(standing), width), style="red")] if standing.failure is not None else []),
        *_running(standing, width, most_running),
        *_best(standing, width, min(MOST_BEST, spare - most_running)),
    ]
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines[: max(1, height - 1)])


def _progress(standing: Standing, title: str, width: int, *, ascii_only: bool) -> Text:
    name = cut(title, max(12, width // 4))
    elapsed = clock_time(standing.clock() - standing.opened)
    figures = f"{standing.done}/{standing.total}  elapsed {elapsed}"
    if standing.done < standing.total:
        figures += f"  left {about(standing.seconds_left()):<12}"
    room = min(LONGEST_BAR, width - len(name) - len(figures) - 2)
    line = Text(name, style="bold")
    if room >= 8:
        line.append(f" {bar(standing.fraction, room, ascii_only=ascii_only)}", style="not bold green")
    line.append(f" {figures.rstrip()}", style="not bold")
    line.truncate(width)
    return line


def _counts(standing: Standing) -> str:
    running = len(standing.running)
    waiting = max(0, standing.total - standing.done - running)
    return f"{count_text(standing)}, {running} running, {waiting} to start"


def _running(standing: Standing, width: int, most: int) -> list[Text]:
    """As many lines all the time, so that nothing below jumps when a trial ends and the next is not there yet."""
    running = sorted(standing.running.values(), key=lambda each: each.trial.number)
    shown = running[:most]
    now = standing.clock()
    metrics = [
        Column(objective.metric, [_last(each, objective.metric) for each in shown]) for objective in standing.objectives
    ]
    ends = [
        Column("trial", [str(each.trial.number) for each in shown]),
        Column("stage" if any(each.stage for each in shown) else "epoch", [epoch_text(each) for each in shown]),
        Column("time", [clock_time(now - each.since) for each in shown]),
    ]
    room = width - sum(each.narrow + 2 for each in ends)
    fit = fitting(metrics, room)
    lines = [Text(), *_table([*ends[:2], *fit, ends[2]], width)]
    lines += [Text()] * (min(standing.peak, most) - len(shown))
    more = [f"... and {len(running) - most} more"] if len(running) > most else []
    if len(fit) < len(metrics):
        more.append(f"{len(metrics) - len(fit)} more objectives in a wider terminal")
    return lines + ([Text(cut("; ".join(more), width))] if more else [])


def _last(each: Running, metric: str) -> str:
    value = each.row.metrics.get(metric) if each.row else None
    return (UNKNOWN if value is None else number(value, 4)).rjust(8)


def _best(standing: Standing, width: int, most: int) -> list[Text]:
    front = standing.front
    if not len(front):
        return []
    if len(standing.objectives) == 1:
        (trial,) = front.some(1)
        params = ", ".join(f"{_short(name)} {number(value)}" for name, value in trial.params.items())
        return [Text(), Text(cut(f"best so far: {best_text(standing)}", width), style="bold"), Text(cut(params, width))]
    shown = front.some(most)
    title = Text(cut(f"best trade-offs so far: {len(shown)} of {len(front)}", width), style="bold")
    return [Text(), title, *_table(_trade_offs(standing, shown, width), width)]


def _table(columns: Sequence[Column], width: int) -> list[Text]:
    heading, rows = aligned(columns, width)
    return [*(Text(line, style="bold") for line in heading), *map(Text, rows)]


def _trade_offs(standing: Standing, trials: Sequence[Trial], width: int) -> list[Column]:
    forked = {name for trial in trials if trial.branch for branch in trial.branches for name in branch.values}
    return fitting(
        [
            Column("trial", [trial.label for trial in trials]),
            *(Column(o.metric, [number(trial.metrics[o.metric], 4) for trial in trials]) for o in standing.objectives),
            *of_params([trial.params for trial in trials], forked),
        ],
        width,
    )


def _short(name: str) -> str:
    return name.rpartition(".")[2]


class ScreenDisplay:
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
