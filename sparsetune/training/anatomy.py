"""What can be known of a network before it trains, found once a process: a study's trials mostly share one shape."""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.base import Part
from sparsetune.measures.cost import SampleFlops, count_flops
from sparsetune.measures.macs import Work, work

_MOST = 256  # shapes remembered: a space may vary the layers
_known: dict[Hashable, Anatomy] = {}


@dataclass(frozen=True)
class Anatomy:
    """Of one sample.

    Attributes:
        flops: forward, and forward with backward.
        sizes: numbers in what each module gives, by name, in the order in which they first give it; "" is the whole.
        entering: numbers in the sample.
        work: multiply-accumulates of a forward pass, by weight.
    """

    flops: SampleFlops
    sizes: Mapping[str, int]
    entering: int
    work: Work

    def widest(self, first_dropout: str | None = None, samples: int = 1) -> int:
        """Numbers of one sample in the largest tensor that goes into or comes out of a module.

        Args:
            first_dropout: the module from whose output on there are ``samples`` times as many.
        """
        after = list(self.sizes)[list(self.sizes).index(first_dropout) :] if first_dropout else []
        return max(self.entering, *self.sizes.values(), *(samples * self.sizes[name] for name in after))


def anatomy(network: nn.Module, config: Part, input_shape: tuple[int, ...]) -> Anatomy:
    """Found by sending samples through a copy, so that nothing is changed; ``config`` is that of the model."""
    key = (config.model_dump_json(), input_shape, *_shape(network))
    if key not in _known:
        if len(_known) >= _MOST:
            _known.clear()
        flops = count_flops(network, input_shape, lambda outputs, targets: outputs.sum())  # no loss multiplies matrices
        sizes = output_sizes(network, input_shape)
        _known[key] = Anatomy(flops, sizes, math.prod(input_shape), work(network, input_shape))
    return _known[key]


def output_sizes(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, int]:
    """Numbers of one sample in what each module gives, by its name, in the order in which they first give it."""
    shadow = copy.deepcopy(network).cpu().eval()
    dtype = next((p.dtype for p in shadow.parameters()), torch.float32)
    sizes: dict[str, int] = {}

    def look(name: str, module: nn.Module, given: Any, outputs: Any) -> None:
        if isinstance(outputs, Tensor):
            sizes[name] = max(sizes.get(name, 0), outputs.numel())

    for name, module in shadow.named_modules():
        module.register_forward_hook(partial(look, name))
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        shadow(torch.zeros((1, *input_shape), dtype=dtype))
    return sizes


def _shape(network: nn.Module) -> tuple[Hashable, ...]:
    """Equal for networks that do the same work: a method may have changed what the model built."""
    modules = [(name, type(module), module.extra_repr()) for name, module in network.named_modules()]
    parameters = [(name, tuple(p.shape), p.requires_grad) for name, p in network.named_parameters()]
    return tuple(modules), tuple(parameters)
