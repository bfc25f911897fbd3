"""A training as one setting of what only evaluation depends on sees it: its rows, its best state, how it ends.

A fork over such settings (``method.mc_samples``) has several views of one training; usually there is one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sparsetune.config.base import Part
from sparsetune.config.messages import Metrics, Row
from sparsetune.config.trial import Training

State = dict[str, Tensor]


class View:
    """What is kept of one setting.

    Attributes:
        method: the method's config with this setting.
        start: validation's numbers before the first epoch, where each epoch has all of them.
        record: the rows so far.
        best_state: the network's of the lowest val_loss, where the trial keeps that.
        diverged: why this setting has no finite validation loss; empty otherwise.
        told: its end has been asked for.
    """

    def __init__(self, method: Part) -> None:
        self.method = method
        self.start: Metrics = {}
        self.record: list[Row] = []
        self.best_state: State | None = None
        self.diverged = ""
        self.told = False

    @property
    def best_row(self) -> Row:
        return self.record[int(self.record[-1].metrics["best_epoch"]) - 1]

    @property
    def kept_row(self) -> Row:
        """The row of the state that the trial leaves."""
        return self.record[-1] if self.best_state is None else self.best_row

    def spent(self, training: Training) -> bool:
        """Whether the patience of the phase of the last row is."""
        patience = training.early_stop_patience
        if patience is None or not self.record:
            return False
        return self.record[-1].epoch - self.best_row.epoch >= patience

    def add(
        self,
        numbers: Mapping[str, float],
        trained: Metrics,
        others: Metrics,
        network: nn.Module,
        training: Training,
        **at: Any,
    ) -> None:
        """Append the row of an epoch.

        Args:
            numbers: validation's, by the task's names.
            trained: training's numbers, as every view has them, and so have
            others: what it cost, what the method says, what else is measured.
            at: where in the plan it stands, as :class:`~sparsetune.config.messages.Row` names it.
        """
        epoch = len(self.record) + 1
        improved = not self.record or at["phase"] != self.record[-1].phase  # a state before pruning is none of after it
        improved = improved or numbers["loss"] < self.best_row.metrics["val_loss"]
        measured = {f"val_{name}": value for name, value in numbers.items()}
        best = measured if improved else self.best_row.metrics
        metrics = {
            **trained,
            **measured,
            "best_epoch": float(epoch if improved else self.best_row.epoch),
            **{f"best_val_{name}": best[f"val_{name}"] for name in numbers},
            **others,
        }
        self.record.append(Row(epoch, time.time_ns() // 1_000_000, metrics, **at))
        if improved and training.keep == "best":
            self.best_state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "record": [{**vars(row)} for row in self.record],
            "best_state": self.best_state,
            "diverged": self.diverged,
            "told": self.told,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.start = state["start"]
        self.record = [Row(**row) for row in state["record"]]
        self.best_state = state["best_state"]
        self.diverged = state["diverged"]
        self.told = state["told"]
