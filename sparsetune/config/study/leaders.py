"""Which rows led a study when their trial ended, kept up trial by trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Goal
from sparsetune.config.study.front import Front
from sparsetune.config.study.winners import may_win


class Leaders:
    """Of each trial the rows that were on the front at its end; with one objective the one that was the best.

    A trial that is told again led as it did at the first time, whatever has ended since.
    """

    def __init__(
        self, goals: Sequence[Goal], rows: Callable[[Trial], Sequence[Trial]], earlier: Iterable[Trial] = ()
    ) -> None:
        """
        Args:
            rows: of a trial, with their values.
            earlier: trials of earlier sessions; those that run still may be among them.
        """
        self._rows = rows
        self._front = Front[tuple[int, str]](goals)
        self._alone = len(goals) == 1
        self._led: dict[int, frozenset[str]] = {}
        ended = (trial for trial in earlier if trial.state != "RUNNING")
        for trial in sorted(ended, key=lambda trial: (trial.ended_ms, trial.number)):
            self.of(trial)

    def of(self, trial: Trial) -> frozenset[str]:
        """The names of a trial's branches that led when it ended."""
        if trial.number not in self._led:
            rows = [row for row in self._rows(trial) if may_win(row)]
            for row in rows:
                self._front.add((row.number, row.branch), row.values)
            self._led[trial.number] = frozenset(row.branch for row in rows if self._leads(row))
        return self._led[trial.number]

    def _leads(self, row: Trial) -> bool:
        if not self._alone:
            return self._front.holds(row.values)
        best = self._front.best[0]
        return best is not None and best[1] == (row.number, row.branch)
