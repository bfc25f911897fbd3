"""Multiply-accumulates (MACs) of a forward pass of one sample: dense, by mask, and of Monte Carlo predictions.

Counted are convolutions and matrix products, by torch's own formulas; not biases, activations, norms and pooling. An
operation with a weight uses each of its values once a position: a convolution at H_out x W_out of them, a linear layer
wherever it is applied. So MACs = positions x values of the weight, and with a mask positions x non-zeros.
Products of two activations, as in attention, have no weight to prune.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.measures.cost import FlopCounter


@dataclass(frozen=True)
class Operation:
    """One convolution or matrix product.

    Attributes:
        macs: of one sample, dense.
        weight: the parameter's name; None for a product of activations.
        size: values of the weight.
    """

    macs: int
    weight: str | None = None
    size: int = 1

    def masked(self, nonzeros: Mapping[str, int]) -> int:
        """MACs with the non-zeros of the weight; all of them where nothing is said of it."""
        if self.weight is None:
            return self.macs
        return self.macs * nonzeros.get(self.weight, self.size) // self.size


@dataclass(frozen=True)
class Work:
    """What a network does with one sample; found once, evaluated for as many masks as there are.

    Every ``nonzeros`` maps names of weights to how many of their values are kept; weights that are not in it are dense.
    FLOPs are 2 x MACs.

    Attributes:
        operations: in the order of execution.
        done: for each module by name, how many operations are done when it first gives its output.
    """

    operations: tuple[Operation, ...]
    done: Mapping[str, int]

    @property
    def dense(self) -> int:
        """MACs without any mask."""
        return sum(operation.macs for operation in self.operations)

    def by_layer(self, nonzeros: Mapping[str, int]) -> dict[str, int]:
        """MACs by weight; those of a weight that is used twice are added."""
        macs: dict[str, int] = {}
        for operation in self.operations:
            if operation.weight is not None:
                macs[operation.weight] = macs.get(operation.weight, 0) + operation.masked(nonzeros)
        return macs

    def macs(self, nonzeros: Mapping[str, int]) -> int:
        """MACs by mask; products of activations count whole."""
        return sum(operation.masked(nonzeros) for operation in self.operations)

    def monte_carlo(self, nonzeros: Mapping[str, int], first_dropout: str | None, samples: int) -> int:
        """MACs of a prediction by ``samples`` networks: (before the first dropout) + samples x (after it).

        Args:
            first_dropout: name of the first module whose output is dropped; None: nothing is random, once is enough.

        Raises:
            KeyError: the network has no such module, or does not use it.
        """
        if first_dropout is None:
            return self.macs(nonzeros)
        shared = sum(operation.masked(nonzeros) for operation in self.operations[: self.done[first_dropout]])
        return shared + samples * (self.macs(nonzeros) - shared)


@torch.inference_mode(False)
@torch.enable_grad()
def work(network: nn.Module, input_shape: tuple[int, ...]) -> Work:
    """Found by sending one sample through a copy on the CPU in evaluation mode.

    Weights are known by their memory: what a network computes from a parameter before using it (a parametrisation, or
    a product with a mask) counts as an activation. Look at the network as its model built it.
    """
    shadow = copy.deepcopy(network).cpu().eval()
    for parameter in shadow.parameters():
        parameter.requires_grad_()  # without gradients attention takes a path that no counter can look into
    recorder, done = _Recorder(shadow), dict[str, int]()

    def note(name: str, *_: Any) -> None:
        done.setdefault(name, len(recorder.operations))

    for name, module in shadow.named_modules():
        module.register_forward_hook(partial(note, name))
    dtype = next((p.dtype for p in shadow.parameters()), torch.float32)
    with torch.random.fork_rng(devices=[]), recorder:
        shadow(torch.zeros((1, *input_shape), dtype=dtype))
    return Work(tuple(recorder.operations), done)


class _Recorder(FlopCounter):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self._names = {_memory(p): (name, p.numel()) for name, p in network.named_parameters()}

    def saw(self, flops: int, args: Sequence[Any]) -> None:
        weights = (self._names.get(_memory(value)) for value in args if isinstance(value, Tensor) and value.ndim > 1)
        name, size = next((pair for pair in weights if pair is not None), (None, 1))
        self.operations.append(Operation(flops // 2, name, size))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
