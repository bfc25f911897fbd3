"""How a study stands: what is counted as its trials start, report and end. What it costs does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import NamedTuple

from sparsetune.base.messages import GIVEN, Key, Row, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import Front
from sparsetune.config.study.problem import Extent
from sparsetune.config.study.rows import branch_rows
from sparsetune.live.estimate import Part, seconds_left

_ALIKE = 1e-6  # epochs


class Better(NamedTuple):
    """A row that is better than all before it."""

    row: Trial
    objectives: list[int]  # the positions of those in which it is


@dataclass
class Running:
    """A trial that runs. Times are the clock's."""

    trial: Trial
    since: float
    resumed: bool
    row: Row | None = None  # the last one, of whichever run
    trained: dict[int, int] = field(default_factory=dict)  # epochs, by seed; branches of a seed count once
    shares: dict[int, float] = field(default_factory=dict)  # of what is planned, by seed, where rows say so
    before: float = 0.0  # the fraction that an earlier run did
    heard: float = 0.0

    @property
    def trainings(self) -> int:
        """How many replicates it has."""
        return len({run.key.seed for run in self.trial.runs}) or 1

    @property
    def epoch(self) -> int:
        """Epochs of all its trainings so far."""
        return sum(self.trained.values())

    @property
    def epochs(self) -> int | None:
        """How many they will be, where its config says so; of one told in iterations these."""
        training = self.trial.config.get("training", {})
        epochs = training.get("iterations") or training.get("epochs")
        return epochs * self.trainings if isinstance(epochs, int) and epochs > 0 else None

    @property
    def by_iterations(self) -> bool:
        """Whether its length is told in them."""
        return bool(self.trial.config.get("training", {}).get("iterations"))

    @property
    def done(self) -> float:
        """Fraction of its training, as last reported."""
        if self.shares:
            return sum(self.shares.values()) / self.trainings
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0

    @property
    def stage(self) -> str:
        """The one that runs; empty where there is one, and epochs say it all."""
        if self.row is None or not self.shares or not self.epochs:
            return ""
        return "" if abs(self.done * self.epochs - self.epoch) < _ALIKE else self.row.phase

    def take(self, key: Key, row: Row, now: float) -> None:
        """Take the newest row of a run. What an earlier run did comes first of all, and is no work of this one."""
        first = self.resumed and self.done == self.before and key.seed not in self.trained
        trained = row.iterations if self.by_iterations else row.epoch
        self.trained[key.seed] = max(trained, self.trained.get(key.seed, 0))
        if row.done:
            self.shares[key.seed] = max(row.done, self.shares.get(key.seed, 0.0))
        self.row, self.heard = row, now
        if first:
            self.before, self.since = self.done, now

    def part(self, now: float) -> Part:
        return Part(now - self.since, self.done, self.before, self.heard - self.since)


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
    """One run of a study.

    ``counts`` has the ended trials of all runs, by state; ``taken`` of them were given at the start. In ``front`` are
    rows: of a forked trial one for each branch; none that breaks a constraint, and of trials that do ``broken`` is the
    number.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        earlier: Sequence[Trial],
        extent: Extent,
        clock: Callable[[], float],
        constraints: Sequence[Constraint] = (),
    ) -> None:
        self.objectives = tuple(objectives)
        self.constraints = tuple(constraints)
        self.broken = 0
        self.extent = extent
        self.taken = 0
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
    def total(self) -> int:
        """Trials in all, as far as is known by now."""
        return self.extent.total(self.taken)

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

    def reported(self, trial: Trial, key: Key, rows: Sequence[Row]) -> None:
        each = self.running.get(trial.number)
        if each is not None and rows:
            each.take(key, rows[-1], self.clock())

    def ended(self, trial: Trial) -> list[Better]:
        """Returns the rows of the trial that hold a new best value."""
        each = self.running.pop(trial.number)
        for period in (self._run, self._warm):
            if period is not None:
                period.add(1 - each.before, self.clock() - each.since)
        if self._warm is None and self._run is not None and self._run.count >= self.peak:
            begun = sum(other.done - other.before for other in self.running.values())
            self._warm = Since(self.clock(), begun)
        return self._count(trial)

    def rows(self, trial: Trial) -> list[Trial]:
        """A row for each branch of a trial."""
        return branch_rows(trial, [objective.metric for objective in self.objectives], self.constraints)

    def values(self, row: Trial) -> list[float | None]:
        """What a row has for each objective."""
        return [row.metrics.get(objective.metric) for objective in self.objectives]

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

    def _count(self, trial: Trial) -> list[Better]:
        self.taken += GIVEN in trial.notes
        self.counts[trial.state] += 1
        if trial.state == "FAIL":
            self.failure = trial
        rows = self.rows(trial)
        self.broken += trial.state == "COMPLETE" and not any(row.feasible for row in rows)
        best: dict[int, int] = {}  # by objective, the index of the row
        for position, row in enumerate(rows):
            values = [value for value in self.values(row) if value is not None and not isnan(value)]
            if row.state == "COMPLETE" and row.feasible and len(values) == len(self.objectives):
                best |= dict.fromkeys(self.front.add(row, values), position)
        won = sorted(set(best.values()))
        return [Better(rows[each], [index for index, own in best.items() if own == each]) for each in won]
