"""torch's fused optimisers without what surrounds their kernels: where a network is small that takes longer than they.

Wrappers of their methods serve torch's compiler and profiler, and import the compiler at first use (more than a second
in each process); the hooks that they call are not used here. Each step asks every kind of device whether a graph is
being captured and sorts the tensors by device, all of which are on one.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _lean(optimizer: type[Optimizer], step: Callable[[Optimizer], None]) -> Callable[..., Optimizer]:
    """That optimiser with this step; parameters, state and what it saves are torch's own."""
    step.hooked = True  # type: ignore[attr-defined]  # torch would wrap it
    others = {name: unwrap(getattr(optimizer, name)) for name in _WRAPPED}
    return type(optimizer.__name__, (optimizer,), {"step": step, **others})


@torch.no_grad()
def _sgd(self: Optimizer) -> None:
    for group in self.param_groups:
        parameters: list[Tensor] = []
        gradients: list[Tensor] = []
        momenta: list[Any] = []  # None before the first step
        self._init_group(group, parameters, gradients, momenta)  # type: ignore[attr-defined]
        first = bool(momenta) and all(each is None for each in momenta)
        if first:
            momenta = [torch.empty_like(gradient) for gradient in gradients]
            for parameter, momentum in zip(parameters, momenta, strict=True):
                self.state[parameter]["momentum_buffer"] = momentum
        if parameters:
            settings = {
                name: group[name] for name in ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")
            }
            torch._fused_sgd_(parameters, gradients, momenta, **settings, is_first_step=first)


@torch.no_grad()
def _adam(self: Optimizer) -> None:
    for group in self.param_groups:
        parameters = [each for each in group["params"] if each.grad is not None]
        if not parameters:
            continue
        states = [self.state[each] for each in parameters]
        if not all(states):
            self._init_group(group, [], [], [], [], [], [])  # type: ignore[attr-defined]
        steps = [each["step"] for each in states]
        torch._foreach_add_(steps, 1)
        settings = {name: group[name] for name in ("amsgrad", "lr", "weight_decay", "eps", "maximize")}
        settings["beta1"], settings["beta2"] = group["betas"]
        kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
        kernel(
            parameters,
            [each.grad for each in parameters],
            [each["exp_avg"] for each in states],
            [each["exp_avg_sq"] for each in states],
            [],
            steps,
            **settings,
        )


SGD, Adam, AdamW = _lean(torch.optim.SGD, _sgd), _lean(torch.optim.Adam, _adam), _lean(torch.optim.AdamW, _adam)
