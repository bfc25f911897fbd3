"""Layerwise pruning: from the last layer to the first, keep the weights that its own outputs need.

Each layer is fitted by itself: weights and keep probabilities such that with weights dropped at random its outputs on
training samples stay what they were, at a price for each weight that is kept. What is kept with more than 1/2 stays.
Source: L0-and-behold/efficient-compression (layerwise_pruning).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sparsetune.sparsity.bernoulli import Moments
from sparsetune.sparsity.layer_inputs import LinearMap, linear_maps
from sparsetune.sparsity.layer_moments import gathered
from sparsetune.sparsity.mask_fit import MaskFit, fitted
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.random_gradient import GradientPruning
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Yielded
from sparsetune.sparsity.tamade import narrow

_GATHERING = 0.1  # of a layer's progress


@dataclass(frozen=True)
class LayerwisePruning:
    """Fit all linear layers and convolutions that samples pass through, and remove what their fits do not keep.

    Attributes:
        alpha: price of a weight that is kept, in squared errors summed over the outputs for 500 samples; at least 0.
        lr: of Adam, above 0.
        start: keep probabilities before the first step, from 0 to 1.
        steps: of Adam for a layer, at most.
        window: objectives that say whether a fit is saturated, at least 4.
        biases: they may go, too; else they are fitted and stay.
        gradients: what follows each layer that is fitted.
    """

    alpha: float
    lr: float
    start: float
    steps: int
    window: int
    biases: bool = True
    gradients: GradientPruning | None = None

    def __call__(self, session: Session, state: dict[str, Any] | None = None) -> Iterator[Yielded]:
        """Yields the number of the layer, what has been gathered of its inputs, and the state of its fit."""
        layers = linear_maps(session.network, session.prunable)[::-1]
        if not layers:
            raise TrainingFailed(
                "layerwise pruning needs a linear layer or a convolution that it can fit, and this network has none"
            )
        for number in range(0 if state is None else state["layer"], len(layers)):
            for inner, share in self._layer(session, layers[number], state or {}):
                yield {"layer": number, **inner}, (number + share) / len(layers)
            state = None

    def _layer(self, session: Session, layer: LinearMap, state: dict[str, Any]) -> Iterator[Yielded]:
        target = layer.matrix
        if not bool(target.any()):
            return
        inputs = state.get("inputs")
        for more, share in gathered(session, layer, inputs):
            inputs = more
            yield {"inputs": inputs}, _GATHERING * share
        if inputs is None:
            return
        moments = Moments(inputs["values"], inputs["summed"])
        start, free = self.keep_at_start(session, layer, target), 0
        if len(layer.parameters) > 1 and not self.biases:
            start[..., -1], free = 1.0, 1
        fit = MaskFit(target, moments, start, self.alpha, self.lr, free=free)
        done = state["fit"]["done"] if "fit" in state else 0
        for inner, share in fitted(fit, self.steps, self.window, state.get("fit")):
            session.spend(beside=2.0 * fit.multiplications * (inner["done"] - done))
            done = inner["done"]
            yield {"inputs": inputs, "fit": inner}, _GATHERING + (1 - _GATHERING) * share
        self.leave(session, layer, fit)
        if self.gradients is not None:
            self.gradients(session)

    def keep_at_start(self, session: Session, layer: LinearMap, target: Tensor) -> Tensor:
        """(groups, m, n) probabilities before the first step; methods with such of their own have others."""
        return torch.where(target == 0, 0.0, self.start).to(target.dtype)

    @torch.no_grad()
    def leave(self, session: Session, layer: LinearMap, fit: MaskFit) -> None:
        """Put what a fit keeps into the network, and into the masks."""
        values, kept = (layer.parted(each) for each in fit.rounded())
        narrowed = {}
        for parameter, value, mask, name in zip(layer.parameters, values, kept, layer.names, strict=True):
            parameter.copy_(value)
            if self.biases or name == layer.weight:
                narrowed[name] = mask
        narrow(session, narrowed)
