"""A toy method that writes down when each of its hooks is called; a penalty, two phases, and losses on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

from sparsetune.base.durations import Duration
from sparsetune.base.messages import Metrics
from sparsetune.config.base import Part, param
from sparsetune.config.trial import Training
from sparsetune.sparsity.method import Method, Selection
from sparsetune.sparsity.methods import METHODS
from sparsetune.sparsity.stage import Stage


class RecorderConfig(Part):
    """Settings of the recorder."""

    name: Literal["recorder"] = "recorder"
    second_phase: int = param(0, "epochs of a second phase at the end", unit="epochs", phase="first", ge=0)
    penalty: float = param(0.0, "weight of the sum of squares of all parameters", phase="first", ge=0)
    first_only: bool = param(False, "train on the first half of each batch", phase="first")
    last_layer_lr: float | None = param(None, "learning rate of the last layer, a group of its own", phase="first")
    script: tuple[float, ...] = param((), "logit of class 0 after each epoch, where all others are 0", phase="first")


class Recorder(Method):
    """``events`` are the hooks' names in the order of their calls; a network's forward passes are among them."""

    Config = RecorderConfig
    phases = ("first", "second")
    config: RecorderConfig

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.events: list[str] = []
        self.session.network.register_forward_pre_hook(self._forward)

    def _forward(self, network: torch.nn.Module, inputs: Any) -> None:
        self.events.append(f"forward {'train' if network.training else 'eval'} {len(inputs[0])}")

    @classmethod
    def tree(cls, config: RecorderConfig, training: Training) -> Stage:
        assert training.epochs is not None
        if not config.second_phase:
            return cls.stage("first", training.length, config, training)
        second = cls.stage("second", Duration(config.second_phase), config, training)
        return cls.stage("first", Duration(training.epochs - config.second_phase), config, training, then=(second,))

    def parameters(self) -> Any:
        if self.config.last_layer_lr is None:
            return super().parameters()
        *rest, weight, bias = self.session.network.parameters()
        return [{"params": rest}, {"params": [weight, bias], "lr": self.config.last_layer_lr}]

    def before_batch(self) -> None:
        self.events.append("before_batch")

    def select(self, inputs: Tensor, targets: Tensor) -> Selection | None:
        self.events.append(f"select {self.session.at.stage} {self.session.at.epochs}")
        if not self.config.first_only:
            return None
        with torch.no_grad():
            return Selection(torch.arange(len(targets) // 2), self.session.network(inputs))

    def penalty(self) -> Tensor | None:
        self.events.append("penalty")
        if self.config.penalty == 0:
            return None
        return self.config.penalty * torch.stack([p.square().sum() for p in self.session.network.parameters()]).sum()

    def after_backward(self) -> None:
        self.events.append("after_backward")

    def after_step(self) -> None:
        self.events.append("after_step")

    def numbers(self) -> Metrics:
        self.events.append("numbers")
        epoch = self.events.count("numbers")
        if epoch <= len(self.config.script):
            *_, bias = self.session.network.parameters()
            with torch.no_grad():
                for parameter in self.session.network.parameters():
                    parameter.zero_()
                bias[0] = self.config.script[epoch - 1]
        return {}

    def summary(self) -> Metrics:
        self.events.append("summary")
        return {}


@contextmanager
def recorder_registered() -> Iterator[None]:
    """While it lasts, a trial's config can name ``recorder``."""
    METHODS._entries["recorder"] = "training.recorder:Recorder"
    try:
        yield
    finally:
        del METHODS._entries["recorder"]
