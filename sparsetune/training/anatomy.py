"""What can be known of a network before it trains, found once a process: a study's trials mostly share one shape."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.base import Part
from sparsetune.training.metrics.cost import SampleFlops, count_flops
from sparsetune.training.metrics.macs import Work, work

_MOST = 256  # shapes remembered: a space may vary the layers
_known: dict[Hashable, Anatomy] = {}


@dataclass(frozen=True)
class Anatomy:
    """Of one sample.

    Attributes:
        flops: forward, and forward with backward.
        widest: numbers in the largest tensor that goes into or comes out of a layer.
        work: multiply-accumulates of a forward pass, by weight.
    """

    flops: SampleFlops
    widest: int
    work: Work


def anatomy(network: nn.Module, config: Part, input_shape: tuple[int, ...]) -> Anatomy:
    """Found by sending samples through a copy, so that nothing is changed; ``config`` is that of the model."""
    key = (config.model_dump_json(), input_shape, *_shape(network))
    if key not in _known:
        if len(_known) >= _MOST:
            _known.clear()
        flops = count_flops(network, input_shape, lambda outputs, targets: outputs.sum())  # no loss multiplies matrices
        _known[key] = Anatomy(flops, widest(network, input_shape), work(network, input_shape))
    return _known[key]


def widest(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Numbers of one sample in the largest tensor that goes into or comes out of a module."""
    shadow = copy.deepcopy(network).cpu().eval()
    dtype = next((p.dtype for p in shadow.parameters()), torch.float32)
    inputs = torch.zeros((1, *input_shape), dtype=dtype)
    sizes = [inputs.numel()]

    def look(module: nn.Module, given: Any, outputs: Any) -> None:
        if isinstance(outputs, Tensor):
            sizes.append(outputs.numel())

    for module in shadow.modules():
        module.register_forward_hook(look)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        shadow(inputs)
    return max(sizes)


def _shape(network: nn.Module) -> tuple[Hashable, ...]:
    """Equal for networks that do the same work: a method may have changed what the model built."""
    modules = [(name, type(module), module.extra_repr()) for name, module in network.named_modules()]
    parameters = [(name, tuple(p.shape), p.requires_grad) for name, p in network.named_parameters()]
    return tuple(modules), tuple(parameters)
