"""The arithmetic of a forecast: what was measured on some configs, made into hours and bytes of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sparsetune.base.durations import Cadence
from sparsetune.base.paths import FINAL, HISTORY, TRACE

STORED_METRIC_BYTES = 300  # a number of an epoch in MLflow's SQLite tables and their indexes (measured with 3.17)
_BY_ROW = (HISTORY, FINAL)  # files that grow by a line an epoch
_BY_STEP = (TRACE,)


@dataclass(frozen=True)
class Probed:
    """What training one config gave, in a process that had trained before.

    Attributes:
        reason: why it failed; the rest is then empty.
        ended: the trial came to its own end, so that nothing has to be extrapolated.
        epochs: trained; the last one may have been cut short, so a fraction.
        rows: epochs that left a row of results, cut short or not.
        planned: epochs of the whole trial.
        limit_seconds: the config's own cap on its training time.
        epoch_seconds: training and evaluation of a whole epoch.
        fixed_seconds: what a trial costs beside its epochs: set-up, test data, files.
        save_seconds: writing a checkpoint.
        metrics: numbers in a row.
        files: bytes of what the trial left, by name.
        checkpoint_bytes: of the largest that was seen, with the record beside it.
        checkpoint_growth: bytes a row by which that record grows.
        lacks: metrics that the study is judged by and that it has no number of.
        stages: of a training of several: their names, and which share of all training each is.
        open: a rule may end some of them sooner.
        ends_bytes: states that are kept for stages to come, at most at once.
        fault: it failed by an error in code or input before its time was up, not by its numbers.
    """

    reason: str = ""
    ended: bool = False
    epochs: float = 0.0
    rows: int = 0
    planned: int = 0
    limit_seconds: float | None = None
    epoch_seconds: float = 0.0
    fixed_seconds: float = 0.0
    save_seconds: float = 0.0
    metrics: int = 0
    files: Mapping[str, int] = field(default_factory=dict)
    checkpoint_bytes: float = 0.0
    checkpoint_growth: float = 0.0
    lacks: Sequence[str] = field(default=(), compare=False)  # no part of what was measured
    stages: Sequence[tuple[str, float]] = ()
    open: bool = False
    ends_bytes: int = 0
    fault: bool = False


@dataclass(frozen=True)
class TrialCost:
    """What one whole trial costs: seconds of a worker, bytes on disk."""

    seconds: float
    left_bytes: float  # its files, kept with MLflow's artifacts
    stored_bytes: float  # its numbers in MLflow's database
    checkpoint_bytes: float  # at its end; gone when the trial is

    def times(self, replicates: int, branches: int) -> TrialCost:
        """That of a trial which trains so many times, one after another; with the numbers of each branch."""
        several = {name: replicates * getattr(self, name) for name in ("seconds", "left_bytes")}
        return replace(self, stored_bytes=replicates * branches * self.stored_bytes, **several)


@dataclass(frozen=True)
class Spread:
    """The least, the mean and the greatest of some values."""

    low: float
    mean: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Raises ValueError if there are none."""
        ordered = sorted(values)
        if not ordered:
            raise ValueError("a spread of no values")
        mean = min(max(sum(ordered) / len(ordered), ordered[0]), ordered[-1])  # rounding may lead outside
        return cls(ordered[0], mean, ordered[-1])

    def each(self, change: Callable[[float], float]) -> Spread:
        """The same of all three, for a change that keeps their order."""
        return Spread(change(self.low), change(self.mean), change(self.high))


def trial_cost(probed: Probed, checkpoint_every: str) -> TrialCost:
    """A whole trial like the probed one; without early stopping and pruning, so an upper bound where there are these.

    Args:
        checkpoint_every: the study's cadence, such as ``10s``.
    """
    epochs = probed.epochs if probed.ended else float(probed.planned)
    if not probed.ended and probed.limit_seconds is not None:
        epochs = min(epochs, probed.limit_seconds / probed.epoch_seconds)
    rows = probed.rows if probed.ended else max(probed.rows, round(epochs))
    training = epochs * probed.epoch_seconds
    saving = saves(checkpoint_every, rows, training / rows) * probed.save_seconds
    growth = {**dict.fromkeys(_BY_ROW, rows / probed.rows), **dict.fromkeys(_BY_STEP, epochs / probed.epochs)}
    return TrialCost(
        seconds=probed.fixed_seconds + training + saving,
        left_bytes=sum(size * growth.get(name, 1) for name, size in probed.files.items()),
        stored_bytes=float(rows * probed.metrics * STORED_METRIC_BYTES),
        checkpoint_bytes=probed.checkpoint_bytes + (rows - probed.rows) * probed.checkpoint_growth,
    )


def saves(every: str, epochs: int, epoch_seconds: float) -> int:
    """How many checkpoints a trial of that many equal epochs writes."""
    now = 0.0
    cadence = Cadence(every, clock=lambda: now)
    count = 0
    for epoch in range(1, epochs + 1):
        now = epoch * epoch_seconds
        count += cadence.due(epoch)
    return count


def wall_seconds(trials: int, workers: int, trial_seconds: float) -> float:
    """Equal trials on so many workers, without their start: full rounds, the last one perhaps not full."""
    return -(-trials // workers) * trial_seconds
