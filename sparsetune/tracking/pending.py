"""What a run in MLflow shall hold of a trial, and what it still lacks. Knows nothing of MLflow itself.

One rule keeps every step single: a metric is written only at a step above the last one that the run has of it, and
metrics are written in the order of their steps. So rows may come again, with whatever timestamps, and a batch that was
cut off is completed by the next.

Names are those that MLflow takes (``limits.clean``), here and in all that is compared with what a run has.

A run is listed with its metrics' values at their last step, so these shall be the trial's own metrics: one that no row
has stands at the last epoch; one that differs from the last row (the best state was kept) one step after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sparsetune.base.messages import Files, Row, Trial
from sparsetune.base.paths import ON_THE_WAY
from sparsetune.config.overrides import flatten
from sparsetune.tracking.limits import Measurement, clean
from sparsetune.tracking.run_keys import NUMBER, RunKey
from sparsetune.tracking.subject import Answer


@dataclass
class Pending:
    """A row or a replicate of a trial that is not yet wholly in MLflow.

    Attributes:
        siblings: how many runs its trial has in all.
        last_only: metrics of which the last row's value is written alone, once the trial has ended.
    """

    key: RunKey
    trial: Trial  # what the run shows of it
    siblings: int = 1
    last_only: Collection[str] = ()
    rows: list[Row] = field(default_factory=list)  # not sent yet; all of them once the trial has ended
    files: Files = field(default_factory=dict)
    ended: bool = False
    run_id: str = ""  # empty while there is none
    artifacts: str = ""  # the URI of the run's files
    steps: dict[str, int] | None = None  # the last step that the run has of each metric; None: to be looked up
    params: set[str] = field(default_factory=set)  # the names that the run has
    doubtful: bool = False  # a call failed: there may be a run although no answer came
    settled: str = ""  # why no more numbers are to be sent: the state with which the run is closed, or "deleted"
    waits_at: str = ""  # the run is closed and says that its files lie there, for they were not taken
    left_at: str = ""  # the folder in which they stay if they are not taken now

    def end(self, trial: Trial, rows: tuple[Row, ...], files: Files) -> None:
        self.trial, self.rows, self.files, self.ended = trial, list(rows), files, True

    def doubt(self) -> None:
        """A call failed: what the run holds has to be looked up again."""
        self.doubtful, self.steps = True, None

    def lacking_measurements(self) -> list[Measurement]:
        """What the run has not, in the order of steps."""
        steps = dict(self.steps or {})
        lacking = []
        for each in sorted(self._measurements(), key=lambda each: each.step):
            if each.step > steps.get(each.key, -1):
                steps[each.key] = each.step
                lacking.append(each)
        return lacking

    def _measurements(self) -> Iterator[Measurement]:
        """All that it is to have of the rows, and of a trial that has ended."""
        for row in self.rows:
            for key, value in row.metrics.items():
                if key not in self.last_only or (self.ended and row is self.rows[-1]):
                    yield Measurement(clean(key), value, row.timestamp_ms, row.step)
        if not self.ended:
            return
        last = self.rows[-1] if self.rows else Row(0, self.trial.ended_ms, {})
        timestamp = self.trial.ended_ms or last.timestamp_ms
        errors = {f"{name}_se": value for name, value in self.trial.errors.items()}
        for key, value in {**self.trial.metrics, **errors}.items():
            of_row = last.metrics.get(key)
            both_nan = value != value and of_row is not None and of_row != of_row
            if value != of_row and not both_nan:
                yield Measurement(clean(key), value, timestamp, last.step + (key in last.metrics))
        results = self.trial.runs[0].results if len(self.trial.runs) == 1 else ()
        for number, result in enumerate(results, 1):
            for key, value in result.metrics.items():
                yield Measurement(clean(f"{ON_THE_WAY}/{key}"), value, timestamp, number)

    def lacking_params(self) -> dict[str, Any]:
        """The number, what was drawn, the rest of the config, without what the run has: MLflow allows no change."""
        said = {NUMBER: self.key.number, **flatten(self.trial.config), **self.trial.params}
        return {name: value for key, value in said.items() if (name := clean(key)) not in self.params}

    def sent(self, measurements: list[Measurement], params: Mapping[str, Any]) -> None:
        """Note what the run has now."""
        self.steps = {**(self.steps or {}), **{each.key: each.step for each in measurements}}
        self.params.update(params)
        if not self.ended:
            self.rows.clear()


@dataclass
class Summary:
    """How a study's session ended, for the parent run and the study's page."""

    status: str  # FINISHED, FAILED or KILLED
    files: Files = field(default_factory=dict)
    left_at: str = ""  # the folder of the files
    answer: Answer | None = None
    bare: bool = False  # the files were not taken
    ended: bool = True

    def doubt(self) -> None:
        """Sent as a whole each time: nothing to look up."""
