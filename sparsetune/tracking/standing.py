"""How a study stands: what is counted as its trials start, report and end. What it costs does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sparsetune.config.messages import Row, Trial
from sparsetune.config.study_file import Objective
from sparsetune.tracking.estimate import Part, seconds_left
from sparsetune.tracking.front import Front


@dataclass
class Running:
    """A trial that runs. Times are the clock's."""

    trial: Trial
    since: float
    resumed: bool
    row: Row | None = None  # the last one
    before: int = 0  # epochs that an earlier run did
    heard: float = 0.0

    @property
    def epochs(self) -> int | None:
        """How many it will train, where its config says so."""
        epochs = self.trial.config.get("training", {}).get("epochs")
        return epochs if isinstance(epochs, int) and epochs > 0 else None

    def fraction(self, epoch: int) -> float:
        return min(1.0, epoch / self.epochs) if self.epochs else 0.0

    @property
    def done(self) -> float:
        """Fraction of its epochs, as last reported."""
        return self.fraction(self.row.epoch) if self.row else 0.0

    def part(self, now: float) -> Part:
        return Part(now - self.since, self.done, self.fraction(self.before), self.heard - self.since)


@dataclass
class Since:
    """What was done since a moment of this run, in trials; ``begun`` of it earlier."""

    moment: float
    begun: float = 0.0
    count: int = 0  # trials that ended
    ended: float = 0.0
    busy: float = 0.0  # seconds

    def add(self, work: float, seconds: float) -> None:
        self.count += 1
        self.ended += work
        self.busy += seconds


class Standing:
    """One run of a study. ``counts`` has the ended trials of all runs, by state; ``total`` is the budget."""

    def __init__(
        self, objectives: Sequence[Objective], earlier: Sequence[Trial], total: int, clock: Callable[[], float]
    ) -> None:
        self.objectives = tuple(objectives)
        self.total = total
        self.counts = {"COMPLETE": 0, "PRUNED": 0, "FAIL": 0}
        self.running: dict[int, Running] = {}
        self.peak = 0  # the most that ran at once
        self.front: Front[Trial] = Front([objective.goal for objective in self.objectives])
        self.failure: Trial | None = None  # the last one
        self.clock = clock
        self.opened = clock()
        self._run: Since | None = None  # since the first trial started
        self._warm: Since | None = None  # since each worker has ended one: the first ones wait for workers to start
        for trial in earlier:
            if trial.state in self.counts:
                self._count(trial)

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def fraction(self) -> float:
        """How much of the budget is done, in [0, 1]; epochs of running trials count."""
        work = self.done + sum(each.done for each in self.running.values())
        return min(1.0, work / self.total) if self.total else 1.0

    def started(self, trial: Trial, *, resumed: bool) -> None:
        now = self.clock()
        self._run = self._run or Since(now)
        self.running[trial.number] = Running(trial, now, resumed, heard=now)
        self.peak = max(self.peak, len(self.running))

    def reported(self, trial: Trial, rows: Sequence[Row]) -> None:
        each = self.running.get(trial.number)
        if each is None or not rows:
            return
        if each.resumed and each.row is None:  # what an earlier run did comes with the first report
            each.before, each.since = rows[-1].epoch, self.clock()
        each.row, each.heard = rows[-1], self.clock()

    def ended(self, trial: Trial) -> list[int]:
        """Returns the positions of the objectives of which the trial has the new best value."""
        each = self.running.pop(trial.number)
        for period in (self._run, self._warm):
            if period is not None:
                period.add(1 - each.fraction(each.before), self.clock() - each.since)
        if self._warm is None and self._run is not None and self._run.count >= self.peak:
            begun = sum(other.done - other.fraction(other.before) for other in self.running.values())
            self._warm = Since(self.clock(), begun)
        return self._count(trial)

    def values(self, trial: Trial) -> list[float | None]:
        """What a trial has for each objective."""
        return [trial.metrics.get(objective.metric) for objective in self.objectives]

    def seconds_left(self) -> float | None:
        """An estimate; None while nothing is known."""
        period = self._warm if self._warm is not None and self._warm.count >= self.peak else self._run
        if period is None:
            return None
        now = self.clock()
        return seconds_left(
            elapsed=now - period.moment,
            ended=period.ended,
            busy=period.busy,
            running=[each.part(now) for each in self.running.values()],
            waiting=max(0, self.total - self.done - len(self.running)),
            begun=period.begun,
        )

    def _count(self, trial: Trial) -> list[int]:
        self.counts[trial.state] += 1
        if trial.state == "FAIL":
            self.failure = trial
        values = [value for value in self.values(trial) if value is not None]
        if trial.state != "COMPLETE" or len(values) < len(self.objectives):
            return []
        return self.front.add(trial, values)
