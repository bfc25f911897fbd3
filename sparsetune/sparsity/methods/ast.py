"""Adaptive Sparse Training (AST): train on the samples that matter now.

Paper:   AST-LAB and the package adaptive-sparse-training (O. Idiakhoa); no peer-reviewed paper.
Idea:    score every sample of a batch without gradient, train on those whose significance reaches a threshold, and
         let a PI controller move the threshold so that a target fraction of each batch is active.
Hooks:   select, numbers, summary.
Ranges:  search_spaces/ast_pi.yaml: target_activation 0.1-0.9, kp 1e-3-1 (log), ki 1e-5-0.05 (log).

Where this differs from the originals: the error is activation - target, so too many active samples raise the
threshold (theirs has the opposite sign and runs away); the training pass sees the active samples only, so compute is
saved; and the controller works on the logarithm of the threshold, because significance falls by orders of magnitude.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from pydantic import StrictInt, field_validator
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.base import Part, count_or_fraction, param
from sparsetune.config.facts import normed_batches
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.controller import SCALES, PIController, ThresholdScale, ramp
from sparsetune.sparsity.figure import Panel
from sparsetune.sparsity.method import Selection
from sparsetune.sparsity.methods.ast_metrics import METRICS, THRESHOLD
from sparsetune.sparsity.selecting import SelectingMethod, at_least, significance
from sparsetune.sparsity.session import Session

_LAB = "AST-LAB"


class AstConfig(Part):
    """Settings of AST."""

    name: Literal["ast"] = "ast"
    target_activation: float = param(
        0.25, "fraction of a batch to train on; 1 is dense training", phase="train", source=_LAB, gt=0, le=1
    )
    kp: float = param(0.1, "proportional gain", phase="train", source=_LAB, ge=0, le=100)
    ki: float = param(0.01, "integral gain; at most kp^2/16 avoids ringing", phase="train", source=_LAB, ge=0, le=100)
    kp_warmup_epochs: int = param(0, "epochs over which kp rises to its value", unit="epochs", phase="train", ge=0)
    ki_warmup_epochs: int = param(0, "epochs over which ki rises to its value", unit="epochs", phase="train", ge=0)
    integral_limit: float = param(10.0, "bound on the sum of errors", phase="train", gt=0, allow_inf_nan=False)
    entropy_weight: float = param(
        1.0, "weight of the predictive entropy; 0: loss only", phase="train", source=_LAB, ge=0, allow_inf_nan=False
    )
    normalize: Literal["none", "ema", "log"] = param(
        "log", "what is controlled: the threshold, the threshold over a running mean, or its logarithm", phase="train"
    )
    ema_alpha: float = param(
        0.1, "weight of a new batch in the running mean (normalize: ema)", phase="train", gt=0, le=1
    )
    initial_threshold: float | None = param(
        None,
        "start of the threshold; else the (1 - target) quantile of the first batch",
        phase="train",
        gt=0,
        allow_inf_nan=False,
    )
    min_active: StrictInt | float = param(
        1 / 64, "at least so many samples are active: a count, or below 1 a fraction of the batch", phase="train", gt=0
    )

    _min_active = field_validator("min_active")(count_or_fraction)

    def floor(self, batch: int) -> int:
        """The least number of active samples in a batch of that size."""
        wanted = self.min_active if isinstance(self.min_active, int) else int(self.min_active * batch)
        return min(batch, max(1, wanted))


class AdaptiveSparseTraining(SelectingMethod):
    """Scores, selects, and steers the threshold."""

    Config = AstConfig
    metrics = METRICS

    config: AstConfig

    def __init__(self, config: AstConfig, session: Session) -> None:
        super().__init__(config, session)
        self.scale: ThresholdScale = SCALES[config.normalize](config.ema_alpha)
        self.controller: PIController | None = None  # made at the first batch, which sets its start
        self._thresholds, self._activations, self._clamped = array("d"), array("d"), array("d")
        self._told = 0  # steps that numbers have been given of

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """The target must lie above what the fallback keeps active anyway, and BatchNorm must get two samples."""
        method, batch = config.method, config.training.batch_size
        assert isinstance(method, AstConfig)
        if registries.data.get(config.data.name).task(config.data) != "classification":
            raise BadInput(
                "'ast' scores samples by cross entropy and entropy: it wants classes",
                key="method.name",
                code="conflict",
            )
        if method.target_activation == 1.0:
            return  # nothing is selected
        floor = method.floor(batch) / batch
        if method.target_activation <= floor:
            raise BadInput(
                found=f"{method.target_activation:g}",
                allowed=f"above {floor:g}, the share of a batch of {batch} that min_active {method.min_active:.4g} "
                "keeps active",
                key="method.target_activation",
            )
        _check_batch_norm(method, normed_batches(config, registries))

    def select(self, inputs: Tensor, targets: Tensor) -> Selection | None:
        """The active samples of a batch; the threshold then moves for the next one."""
        drawn = inputs.shape[0]
        if self.config.target_activation == 1.0:
            self.count(drawn, drawn)
            return None
        outputs = self._score(inputs)
        scores = self.scale.normalise(significance(outputs, targets, self.config.entropy_weight))
        controller = self.controller = self.controller or self._start(scores)
        threshold = self.scale.threshold(controller.level)
        active = at_least(scores, threshold, self.config.floor(drawn))
        self.count(drawn, active.shape[0])
        self._steer(controller, threshold, active.shape[0] / drawn)
        return Selection(active, outputs)

    def _score(self, inputs: Tensor) -> Tensor:
        """The network's outputs without gradient, BatchNorm updates or random numbers."""
        network = self.session.network
        was_training = network.training
        network.eval()
        with torch.inference_mode():
            outputs: Tensor = network(inputs)
        network.train(was_training)
        return outputs

    def _start(self, scores: Tensor) -> PIController:
        start = self.config.initial_threshold
        if start is None:
            start = torch.quantile(scores, 1.0 - self.config.target_activation).item()
        low, high = self.scale.low, self.scale.high
        level = min(max(self.scale.level(start), low), high)
        return PIController(level, low, high, self.config.integral_limit)

    def _steer(self, controller: PIController, threshold: float, activation: float) -> None:
        epoch = self.session.at.epochs
        error = activation - self.config.target_activation
        kp = self.config.kp * ramp(epoch, self.config.kp_warmup_epochs)
        ki = self.config.ki * ramp(epoch, self.config.ki_warmup_epochs)
        clamped = controller.update(error, kp, ki)
        self._thresholds.append(threshold)
        self._activations.append(activation)
        self._clamped.append(clamped)

    def numbers(self) -> Metrics:
        """Means over the steps; the activation is of samples, so a short last batch counts by its size."""
        rate = self.activation_rate()
        thresholds = self._thresholds[self._told :]
        activations = self._activations[self._told :]
        self._told = len(self._thresholds)
        target = self.config.target_activation
        return {
            "activation_rate": rate,
            "energy_savings": 1.0 - rate,
            "threshold": _mean(thresholds),
            "controller_error": _mean(activations) - target if activations else rate - target,
        }

    def summary(self) -> Metrics:
        """The controller's health over the last half of its steps."""
        if self.config.target_activation == 1.0:
            return {"steady_state_error": 0.0, "tracking_error": 0.0}  # all are active, as is asked
        settled = np.asarray(self._activations)[len(self._activations) // 2 :]
        if settled.size == 0:
            return {}
        error = float(settled.mean()) - self.config.target_activation
        return {
            "steady_state_error": error,
            "tracking_error": abs(error),
            "activation_std": float(settled.std()),
            "clamp_share": _mean(self._clamped),
        }

    def trace(self) -> Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """Threshold and activation of each controlled step."""
        return {"threshold": np.asarray(self._thresholds), "activation": np.asarray(self._activations)}

    @classmethod
    def figure(cls, config: AstConfig) -> tuple[Panel, ...]:
        """The threshold, and below it what it has activated, with the target."""
        unit = "" if config.normalize == "ema" else THRESHOLD.unit
        target = config.target_activation
        activation = Panel("activation", "activation (fraction)", (-0.03, 1.03), averaged=True, target=target)
        return Panel("threshold", f"threshold ({unit})"), activation

    def state_dict(self) -> dict[str, Any]:
        return {
            "controller": self.controller.state_dict() if self.controller else None,
            "scale": self.scale.state_dict(),
            "steps": torch.tensor([self._thresholds, self._activations, self._clamped], dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.controller = PIController(**state["controller"]) if state["controller"] else None
        self.scale.load_state_dict(state["scale"])
        self._thresholds, self._activations, self._clamped = (array("d", row) for row in state["steps"].tolist())
        self._told = len(self._thresholds)


def _check_batch_norm(method: AstConfig, sizes: Sequence[int]) -> None:
    for size in sizes:
        if method.floor(size) == 1:
            raise BadInput(
                f"it may leave 1 active sample of a batch of {size}, and batch_norm cannot train on one",
                found=f"{method.min_active:.4g}",
                allowed="a count of 2 or more",
                key="method.min_active",
            )


def _mean(values: array[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
