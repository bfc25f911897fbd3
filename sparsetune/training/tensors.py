"""Tensors of networks and states: copied, cut to some of their slices, and loaded where shapes have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsetune.sparsity.units.fit import fit, selected


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes


def bits(weight: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """A weight's own memory, and what it is to be joined with by ``and``: what a bool mask removes becomes 0.

    That is 0.0 whatever was there, where a product would leave -0.0 and NaN; a fifteenth of the time of masked_fill_.
    """
    kind = _INTEGERS[weight.element_size()]
    return weight.detach().view(kind), mask.to(kind).neg_()


@torch.no_grad()
def cut(tensors: Iterable[Tensor], dim: int, kept: Tensor, optimizer: Optimizer | None) -> None:
    """Leave only the slices ``kept``, (n,) int64, of tensors of one shape, and of what an optimiser knows of them."""
    for tensor in tensors:
        shape = tensor.shape
        moments = optimizer.state.get(tensor, {}) if optimizer is not None else {}
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == shape:
                moments[name] = selected(moment, dim, kept)
        tensor.data = selected(tensor.data, dim, kept)
        tensor.grad = None
    if optimizer is not None:
        check_moments(optimizer)


@torch.no_grad()
def put_back(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load a state that may have other shapes than the network has now."""
    present = tensors_of(network)
    others = [name for name, value in state.items() if name in present and present[name].shape != value.shape]
    for name in others:
        present[name].data = torch.empty_like(state[name], device=present[name].device)
        present[name].grad = None
    network.load_state_dict(state)
    if others:
        fit(network)


def check_moments(optimizer: Optimizer) -> None:
    """Raise ``ValueError`` where moments have other shapes than parameters: fused steps would corrupt memory."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            for name, moment in optimizer.state.get(parameter, {}).items():
                if isinstance(moment, Tensor) and moment.ndim and moment.shape != parameter.shape:
                    problem = f"{name} of shape {tuple(moment.shape)} for a parameter of shape {tuple(parameter.shape)}"
                    raise ValueError(f"the optimiser has {problem}")


def cloned(state: Any) -> Any:
    """The same state in memory of its own."""
    return _with(state, lambda tensor: tensor.detach().clone())


def moved(state: Any, device: torch.device) -> Any:
    """The same state with its tensors on that device."""
    return _with(state, lambda tensor: tensor.to(device))


def _with(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """With all tensors in it changed."""
    if isinstance(state, Tensor):
        return change(state)
    if isinstance(state, dict):
        return {key: _with(value, change) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_with(value, change) for value in state)
    return state
