"""What a person sees while a study runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sparsetune.config.messages import Row, Trial
from sparsetune.config.study_file import Objective

_STYLES = {"COMPLETE": "green", "PRUNED": "yellow", "FAIL": "red"}


class ConsoleObserver:
    """Shows progress, running trials and the best value of each objective so far."""

    def __init__(
        self, console: Console, objectives: Sequence[Objective], earlier: Sequence[Trial], total: int, title: str
    ) -> None:
        """
        Args:
            earlier: trials of earlier runs; they count in the progress and among the best.
            total: trials in all.
        """
        self._console = console
        self._objectives = objectives
        self._running: dict[int, tuple[Trial, Row | None]] = {}
        self._best: dict[str, tuple[float, int]] = {}
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task(title, total=total)
        for trial in earlier:
            if trial.state != "RUNNING":
                self._count(trial)
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(get_renderable=self._table, console=console, refresh_per_second=2, transient=True)
            self._live.start()

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        self._running[trial.number] = (trial, None)
        if resumed:
            self._console.print(f"trial {trial.number} goes on from its last checkpoint", highlight=False)

    def trial_reported(self, trial: Trial, rows: tuple[Row, ...]) -> None:
        if rows:
            self._running[trial.number] = (trial, rows[-1])

    def trial_ended(self, trial: Trial, rows: tuple[Row, ...], files: Mapping[str, Path]) -> None:
        if self._running.pop(trial.number, None) is None:
            return
        self._count(trial)
        done = int(self._progress.tasks[0].completed)
        style = _STYLES[trial.state]
        what = escape(trial.reason) if trial.state != "COMPLETE" else self._values(trial.metrics)
        seconds = 60 * rows[-1].metrics.get("time_min", 0.0) if rows else 0.0  # of work, not of interruptions
        line = f"[{done}/{int(self._progress.tasks[0].total or 0)}] trial {trial.number} "
        self._console.print(f"{line}[{style}]{trial.state}[/{style}] {what} ({seconds:.1f} s)", highlight=False)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _count(self, trial: Trial) -> None:
        self._progress.advance(self._task)
        for objective in self._objectives:
            value = trial.metrics.get(objective.metric)
            if trial.state != "COMPLETE" or value is None:
                continue
            sign = 1 if objective.goal == "maximize" else -1
            known = self._best.get(objective.metric)
            if known is None or sign * value > sign * known[0]:
                self._best[objective.metric] = (value, trial.number)

    def _values(self, metrics: Mapping[str, float]) -> str:
        return "  ".join(
            f"{objective.metric} {metrics[objective.metric]:.4g}"
            for objective in self._objectives
            if objective.metric in metrics
        )

    def _table(self) -> RenderableType:
        running = Table(box=None, padding=(0, 2), show_header=bool(self._running))
        for heading in ("trial", "epoch", *(objective.metric for objective in self._objectives)):
            running.add_column(heading, justify="right")
        for number, (trial, row) in sorted(self._running.items()):
            epochs = trial.config["training"]["epochs"]
            shown = [
                f"{row.metrics[o.metric]:.4g}" if row and o.metric in row.metrics else "-" for o in self._objectives
            ]
            running.add_row(str(number), f"{row.epoch if row else 0}/{epochs}", *shown)
        best = "   ".join(f"best {name} {value:.4g} (trial {number})" for name, (value, number) in self._best.items())
        return Group(running, best, self._progress)
