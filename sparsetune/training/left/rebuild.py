"""From a ticket of a seed and a mask to its network; and what of a network such a ticket says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.ticket_file import Layer
from sparsetune.sparsity.tickets import LeavesTickets
from sparsetune.training.build import Built, build
from sparsetune.training.left.ticket import About, OfSeed, Ticket


def rebuild(ticket: Ticket, config: TrialConfig, device: torch.device, registries: Registries) -> Built:
    """Draw the weights again, keep those of the mask, and put in what the seed does not give.

    Args:
        config: the ticket's, perhaps with another way to predict.

    Raises:
        BadInput: other weights are drawn here, or the model has become another one.
    """
    about = ticket.about
    assert isinstance(about, OfSeed)
    built = build(config, about.input_shape, about.outputs, about.task, device, registries)
    network, method = built.network, built.method
    state = {**{name: torch.from_numpy(values) for name, values in ticket.state.items()}, **_counters(about)}
    if layers_of(method) != about.layers or _shapes(state) != _shapes(not_drawn(network, method)):
        problem = f"its network is not {config.model.name!r} as it is here: another version of the model has made it"
        raise BadInput(problem, code="conflict")
    drawn = method.drawn if isinstance(method, LeavesTickets) else None
    if drawn is None or digest_of_drawn(drawn, network, method) != about.drawn:
        raise BadInput(
            f"seed {config.seed} draws other weights here than the ticket is of; that depends on torch "
            f"({torch.__version__} here, {about.torch} there) and, for normal distributions, on the processor",
            code="conflict",
        )
    assert isinstance(method, LeavesTickets)
    method.wear(torch.from_numpy(ticket.mask).to(device))
    network.load_state_dict({**network.state_dict(), **state})
    return built


def not_drawn(network: nn.Module, method: Method) -> dict[str, Tensor]:
    """What neither seed nor mask give: buffers, and parameters that are trained beside the prunable ones."""
    drawn = {name for name, p in network.named_parameters() if name in method.session.prunable or not p.requires_grad}
    return {name: value for name, value in network.state_dict().items() if name not in drawn}


def is_counter(value: Tensor) -> bool:
    """A whole number, such as BatchNorm's count of batches."""
    return value.ndim == 0 and not value.is_floating_point()


def _counters(about: About) -> dict[str, Tensor]:
    return {name: torch.tensor(count) for name, count in about.counters.items()}


def layers_of(method: Method) -> tuple[Layer, ...]:
    """The prunable tensors."""
    return tuple(Layer(name=name, shape=tuple(weight.shape)) for name, weight in method.session.prunable.items())


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}


def digest_of_drawn(drawn: Tensor, network: nn.Module, method: Method) -> str:
    """SHA-256 of all that the seed has drawn and nothing trains."""
    sha = hashlib.sha256(drawn.cpu().numpy().tobytes())
    for name, parameter in network.named_parameters():
        if name not in method.session.prunable and not parameter.requires_grad:
            sha.update(parameter.detach().cpu().numpy().tobytes())
    return sha.hexdigest()
