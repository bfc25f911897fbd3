"""What others are told of a study: its search, to samplers and pruners, and how many trials it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sparsetune.config.metrics import SHARED, Metric
from sparsetune.config.space.parameters import Parameter
from sparsetune.config.study.file import Objective


@dataclass(frozen=True)
class Problem:
    """The search that is to be done, in a cell of factors. These are no part of it: they do not vary there.

    Attributes:
        name: of the study.
        seed: of the study.
        parameters: what is drawn, by the name under which Optuna knows it, in the order of drawing.
        objectives: what is optimised.
        constraints: how many there are.
        replicates: trainings of a trial.
        epochs: that the longest trial trains, as far as ``training.epochs`` says.
        metrics: every metric by name, those of the user's own files too.
        rewinds: trials put their networks back on the way, and are worse then than they were.
        each_epoch: every trial measures after each epoch what is else measured at its end (``metrics.each_epoch``).
    """

    name: str
    seed: int
    parameters: Mapping[str, Parameter]
    objectives: tuple[Objective, ...]
    constraints: int = 0
    replicates: int = 1
    epochs: int = 1
    metrics: Mapping[str, Metric] = field(default_factory=lambda: SHARED)
    rewinds: bool = False
    each_epoch: bool = False

    def late(self, names: Iterable[str]) -> list[str]:
        """Those of the metrics that are known at a trial's end only."""
        return [name for name in names if name in self.metrics and not self.metrics[name].in_rows(self.each_epoch)]

    @property
    def conditional(self) -> bool:
        """Whether some parameters are drawn in some trials only."""
        return any(parameter.when for parameter in self.parameters.values())


@dataclass(frozen=True)
class Extent:
    """What bounds them.

    Attributes:
        trials: the budget; what was complete before the start and is taken over costs nothing of it.
        points: that there are at all, with those to begin with; None where a sampler does not count them out.
    """

    trials: int
    points: int | None = None

    def total(self, taken: int = 0) -> int:
        """Trials in all, of which so many were taken over."""
        budget = self.trials + taken
        return budget if self.points is None else min(budget, self.points)
