"""FLOPs, counted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

_BATCH = 2  # BatchNorm refuses a single sample in training


@dataclass(frozen=True)
class SampleFlops:
    """FLOPs of one sample: a multiply-add counts as two; convolutions and matrix products only.

    Attributes:
        forward: a forward pass.
        training: a forward and a backward pass.
    """

    forward: float
    training: float


def count_flops(
    network: nn.Module, input_shape: tuple[int, ...], loss: Callable[[Tensor, Tensor], Tensor]
) -> SampleFlops:
    """Counted by torch on a copy of the network that holds no data, so that nothing is computed or changed."""
    shadow = copy.deepcopy(network).to("meta").train()
    dtype = next((p.dtype for p in shadow.parameters()), torch.float32)
    inputs = torch.empty((_BATCH, *input_shape), device="meta", dtype=dtype)
    targets = torch.empty(_BATCH, device="meta", dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        outputs = shadow(inputs)
        forward = counter.get_total_flops()
        loss(outputs, targets).backward()
    return SampleFlops(forward / _BATCH, counter.get_total_flops() / _BATCH)


def given_flops(per_sample: float) -> SampleFlops:
    """The usual split of a given total: one part forward, two parts backward."""
    return SampleFlops(per_sample / 3, per_sample)


@dataclass
class Cost:
    """What a training has cost so far.

    Attributes:
        drawn: samples that dense training would have trained on.
        trained: samples that went forward and backward.
        scored: samples that went forward only, to be selected from.
        steps: optimiser steps.
        step_seconds: wall time in them.
        seconds: wall time of training and evaluation.
    """

    drawn: int = 0
    trained: int = 0
    scored: int = 0
    steps: int = 0
    step_seconds: float = 0.0
    seconds: float = 0.0

    def flops(self, sample: SampleFlops) -> float:
        """FLOPs of selection and training."""
        return self.scored * sample.forward + self.trained * sample.training

    def saved(self, sample: SampleFlops) -> float:
        """1 - FLOPs / FLOPs of dense training on the same batches; negative where selection costs more."""
        return 1.0 - self.flops(sample) / (self.drawn * sample.training)
