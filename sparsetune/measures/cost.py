"""FLOPs, counted, and what a training has cost."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import conv_flop_count, flop_registry

from sparsetune.base.messages import Metrics

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


def _convolution_backward(gradient: Tensor, inputs: Tensor, weight: Tensor, *others: Any, out_val: Any) -> int:
    """As much as forward for the inputs' gradient, and for the weight's; torch's formula forgets the groups there."""
    transposed, wanted = others[4], others[7]
    forward = conv_flop_count(list(inputs.shape), list(weight.shape), list(gradient.shape), transposed=transposed)
    return int(sum(wanted[:2]) * forward)


_CORRECTED: dict[Any, Callable[..., int]] = {torch.ops.aten.convolution_backward: _convolution_backward}


class FlopCounter(TorchDispatchMode):
    """Tells :meth:`saw` of each operation for which torch has a formula of FLOPs; adds them up.

    torch's FlopCounterMode is four times slower, for it asks in which module an operation is, and imports torch's
    compiler, which takes more than a second.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or else the compiler is imported to be told so

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        formula = _CORRECTED.get(func._overloadpacket) or flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.saw(formula(*args, **(kwargs or {}), out_val=outputs), args)
        return outputs

    def saw(self, flops: int, args: Sequence[Any]) -> None:
        """Called after an operation with its FLOPs and arguments."""
        self.flops += flops


def count_flops(
    network: nn.Module, input_shape: tuple[int, ...], loss: Callable[[Tensor, Tensor], Tensor]
) -> SampleFlops:
    """Counted by torch's formulas while a copy of the network trains on two samples, on the CPU."""
    shadow = copy.deepcopy(network).cpu().train()
    dtype = next((p.dtype for p in shadow.parameters()), torch.float32)
    inputs, targets = torch.zeros((_BATCH, *input_shape), dtype=dtype), torch.zeros(_BATCH, dtype=torch.int64)
    with torch.random.fork_rng(devices=[]), FlopCounter() as counter:
        outputs = shadow(inputs)
        forward = counter.flops
        loss(outputs, targets).backward()
    return SampleFlops(forward / _BATCH, counter.flops / _BATCH)


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
        beside: FLOPs of what procedures compute without the network, such as fits of its layers.
    """

    drawn: int = 0
    trained: int = 0
    scored: int = 0
    steps: int = 0
    step_seconds: float = 0.0
    seconds: float = 0.0
    beside: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*map(operator.add, vars(self).values(), vars(other).values()))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*map(operator.sub, vars(self).values(), vars(other).values()))

    def flops(self, sample: SampleFlops) -> float:
        """FLOPs of selection, training and what is beside them."""
        return self.scored * sample.forward + self.trained * sample.training + self.beside

    def saved(self, sample: SampleFlops) -> float:
        """1 - FLOPs / FLOPs of dense training on the same batches; negative where selection costs more."""
        return 1.0 - self.flops(sample) / (self.drawn * sample.training) if self.drawn else 0.0


def cost_numbers(cost: Cost, since: Cost, sample: SampleFlops, watts: float | None) -> Metrics:
    """What a training has cost so far, by the table's names; of a step what those of ``since`` took.

    Args:
        since: the part of it since the last evaluation.
        watts: the device's power, for an estimate of energy.
    """
    numbers = {
        "compute_saved": cost.saved(sample),
        "est_flops_g": cost.flops(sample) / 1e9,
        "samples_trained": float(cost.trained),
        "step_time_ms": 1e3 * since.step_seconds / since.steps if since.steps else 0.0,
        "time_min": cost.seconds / 60,
    }
    return numbers if watts is None else {**numbers, "est_energy_kj": cost.step_seconds * watts / 1e3}
