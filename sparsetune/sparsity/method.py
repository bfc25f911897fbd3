"""The contract between a method and the training loop.

The trainer walks a method's tree of stages, and calls its hooks in this order::

    walk(stage):
        before
        for each step:
            for each of its batches:
                before_batch -> select -> forward, loss + penalty -> backward
            after_backward -> clip -> step -> masks -> after_step
            now and then: numbers, evaluate, row, until, between
        results: evaluate, summary; with the last of a run: over_results
        for each stage in then: walk

    evaluate: begin_evaluation, for batch: before_batch -> predict

Every hook does nothing by default, so a method is only its difference from dense training. What it sees of the training
is its :class:`~sparsetune.sparsity.session.Session`, and ``config``: what the stage that runs lets it see. What few
methods have is not here: selecting samples (``selecting.py``), averaged predictions (``monte_carlo.py``) and tickets
(``tickets.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from sparsetune.base.durations import Length
from sparsetune.base.messages import Metrics, Result
from sparsetune.config.base import EVALUATION, Part, of_phases
from sparsetune.config.facts import Facts
from sparsetune.config.metrics import Metric
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity.figure import OverLevels, Panel
from sparsetune.sparsity.formats import SBCUBE
from sparsetune.sparsity.history import Patience
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Stage, View


class TrainingFailed(RuntimeError):
    """This training has come to nothing: its trial ends as a FAIL, with this reason."""


@dataclass(frozen=True)
class Selection:
    """Which samples of a batch are trained on.

    Attributes:
        active: indices into the batch, int64, at least one.
        outputs: what the network said of the whole batch when it was scored, without gradient; None if it was not.
    """

    active: Tensor
    outputs: Tensor | None = None


class _Moved:
    """What methods had in earlier versions: says where it is now, unless a class gives it a meaning of its own."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, method: Any, owner: type) -> Any:
        raise AttributeError(f"{owner.__name__!r} has no attribute {self._name!r}: it is {self._where} now")


class Method:
    """Base of all methods: dense training. ``Config`` holds the hyper-parameters."""

    Config: ClassVar[type[Part]]
    metrics: ClassVar[tuple[Metric | str, ...]] = ()
    """Its numbers beside those that every training has; of what stands in a table already, the name is enough."""
    table: ClassVar[Mapping[str, tuple[str, ...]]] = SBCUBE
    """The table that its runs leave with ``metrics.each_epoch``: by column a number, the first of these that it has."""
    runs_table: ClassVar[Mapping[str, str]] = {}
    """The table of runs that its original wrote: our setting or number by column; none where it wrote none."""
    results_figure: ClassVar[OverLevels | None] = None
    """What is drawn of the results of a trial's runs together, where runs have several."""
    arms: ClassVar[str] = ""
    """The setting that says which arm is trained: its first value in a study is held against the others, controls."""
    phases: ClassVar[tuple[str, ...]] = ("train",)
    """What ``param(phase=...)`` of the fields of ``Config`` may say, in the order of the tree's stages."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """What other sections of a config have with this method where nothing is written, by dotted name."""

    network = _Moved("session.network")
    subject = _Moved("session (prunable, dropout_sites, task, seed)")
    training = _Moved("an argument of tree, and session.optimizer where a step depends on it")
    former: ClassVar[Mapping[str, str]] = {
        "plan": "tree, which returns a Stage",
        "begin_phase": "a procedure in a stage's `before`",
        "end_phase": "a procedure in the next stage's `before`",
        "after_epoch": "numbers",
    }
    """Hooks of earlier versions, and what has taken their place."""

    def __init__(self, config: Any, session: Session) -> None:
        self.config = config
        self.session = session

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Raise :class:`~sparsetune.base.errors.BadInput` for settings that cannot be together."""

    @classmethod
    def completed(cls, config: Any, registries: Registries) -> Any:
        """The settings with what they name of other sections checked and filled in; raises BadInput."""
        return config

    @classmethod
    def comes_first(cls, config: TrialConfig) -> TrialConfig | None:
        """A training whose files this one takes up, from the folder that ``taking`` is told."""
        return None

    @classmethod
    def taking(cls, config: Any, folder: Path) -> Any:
        """The settings of a training that takes up what ``folder`` has."""
        return config

    @classmethod
    def canonical(cls, config: Any) -> Any:
        """The settings in one way of writing them, where several mean the same training."""
        return config

    @classmethod
    def locate(cls, config: Any, project_root: Path) -> Any:
        """The config with absolute paths of the files that it names; raises BadInput where there are none."""
        return config

    @classmethod
    def prepare(cls, config: TrialConfig, facts: Facts, registries: Registries) -> None:
        """Look once at files that every worker will read; raises BadInput where they are broken, or do not fit."""

    @classmethod
    def content(cls, config: Any) -> str:
        """16 hexadecimal digits that name what is in the files of a located config; "" without one."""
        return ""

    def adopt(self, config: Any) -> None:
        """Take up what another stage, or the way in which it is evaluated, lets the method see."""
        self.config = config

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        """The stages of a training: a function of settings alone."""
        return cls.stage("train", training.length, config, training)

    @classmethod
    def stage(
        cls, name: str, duration: Length, config: Any, training: Training, *, phase: str = "", **others: Any
    ) -> Stage:
        """A stage with the usual view: patience and cadence of ``training``, and a result where nothing follows.

        Args:
            phase: the method sees settings of this phase and of those before it; else of that of the stage's name.
            others: fields of :class:`~sparsetune.sparsity.stage.Stage`.
        """
        seen = cls.phases[: cls.phases.index(phase or name) + 1]
        patience, last = training.early_stop_patience, not others.get("then")
        view = View(
            of_phases(config, (*seen, EVALUATION)),
            until=None if patience is None else Patience(patience),
            keep_row=training.keep_row,
            keep=training.keep if last else "last",
            results=(training.keep,) if last else (),
        )
        usual = {"sees": of_phases(config, seen), "view": view, "every": training.cadence}
        return Stage(name, duration, **{**usual, **others})

    def parameters(self) -> Iterable[nn.Parameter] | list[dict[str, Any]]:
        """What the optimiser updates: parameters, or groups with options of their own.

        ``clipped: False`` is one of ours: such a group is no part of the norm by which gradients are clipped.
        """
        return self.session.network.parameters()

    def before_batch(self) -> None:
        """Called before each batch, in training and in evaluation."""

    def select(self, inputs: Tensor, targets: Tensor) -> Selection | None:
        """The samples of a training batch to train on; None for all of them.

        Args:
            inputs: the batch, first dimension B.
            targets: (B,) int64 classes, or (B, outputs) floats to predict.
        """
        return None

    def penalty(self) -> Tensor | None:
        """A scalar to add to the loss, or None."""
        return None

    def after_backward(self) -> None:
        """Called once a step, when gradients are complete, before the optimiser's step."""

    def after_step(self) -> None:
        """Called once a step, after the optimiser's."""

    def numbers(self) -> Metrics:
        """The method's numbers of the steps since this was last called, by name in the table of metrics."""
        return {}

    def begin_evaluation(self) -> None:
        """Called before the first batch of a split that is evaluated; may raise :class:`TrainingFailed`."""

    def predict(self, inputs: Tensor) -> Tensor:
        """Outputs for a batch in evaluation: (B, C) logits, or log-probabilities where they are averaged."""
        outputs: Tensor = self.session.network(inputs)
        return outputs

    def fix(self, sample: Tensor) -> None:
        """Called once before the network is exported: from here on ``predict`` is a function of a sample alone.

        Args:
            sample: (1, ...), a batch of any one sample.
        """

    def summary(self) -> Metrics:
        """Numbers that exist only at the end of a trial."""
        return {}

    @classmethod
    def over_results(cls, config: Any, results: Sequence[Result]) -> Metrics:
        """Numbers of all results of a run together, which its last one has beside its own.

        Args:
            config: of the run.
            results: in the order of its tree.
        """
        return {}

    def trace(self) -> Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """What was recorded at each step, for figures: name to a 1-D array, all of equal length."""
        return {}

    @classmethod
    def figure(cls, config: Any) -> tuple[Panel, ...]:
        """What is drawn of ``trace`` with these settings, one below the other; nothing by default."""
        return ()

    def state_dict(self) -> dict[str, Any]:
        """The method's own state for the checkpoint: tensors, numbers, lists."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state from :meth:`state_dict`."""
