"""From a trained network to its ticket, and from a ticket to the network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.tickets import LeavesTickets
from sparsetune.training.build import Built, build
from sparsetune.training.left.ticket import About, Layer, Ticket
from sparsetune.training.trainer import Trainer


def ticket_of(trainer: Trainer, metrics: Metrics) -> Ticket | None:
    """The ticket of the network as it is now; None where weights or a sigma are trained, or there is no mask.

    Args:
        metrics: of the trial; the ticket keeps what they say of predictions for validation and test data.
    """
    network, method = trainer.network, trainer.method
    drawn, mask = (method.drawn, method.mask) if isinstance(method, LeavesTickets) else (None, None)
    if drawn is None or mask is None or trainer.setup.task.parameters():
        return None
    density = mask.count_nonzero().item() / len(mask)
    state = _not_drawn(network, method)
    about = About(
        config=trainer.config.model_copy(update={"method": method.config}).portable(),
        input_shape=trainer.data.input_shape,
        outputs=trainer.data.outputs,
        task=trainer.data.task,
        layers=_layers(method),
        counters={name: int(value) for name, value in state.items() if _is_counter(value)},
        density=density,
        sparsity=1 - density,
        drawn=_digest(drawn, network, method),
        torch=torch.__version__,
        device=trainer.session.device.type,
        threads=torch.get_num_threads(),
        split=trainer.data.digest,
        metrics={name: value for name, value in metrics.items() if _of_predictions(name, metrics)},
        pixels=trainer.data.pixels,
    )
    statistics = {name: value.cpu().numpy() for name, value in state.items() if not _is_counter(value)}
    return Ticket(about, mask.cpu().numpy(), statistics)


def rebuild(ticket: Ticket, config: TrialConfig, device: torch.device, registries: Registries) -> Built:
    """Draw the weights again, keep those of the mask, and put in what the seed does not give.

    Args:
        config: the ticket's, perhaps with another way to predict.

    Raises:
        BadInput: other weights are drawn here, or the model has become another one.
    """
    about = ticket.about
    built = build(config, about.input_shape, about.outputs, about.task, device, registries)
    network, method = built.network, built.method
    state = {**{name: torch.from_numpy(values) for name, values in ticket.state.items()}, **_counters(about)}
    if _layers(method) != about.layers or _shapes(state) != _shapes(_not_drawn(network, method)):
        problem = f"its network is not {config.model.name!r} as it is here: another version of the model has made it"
        raise BadInput(problem, code="conflict")
    drawn = method.drawn if isinstance(method, LeavesTickets) else None
    if drawn is None or _digest(drawn, network, method) != about.drawn:
        raise BadInput(
            f"seed {config.seed} draws other weights here than the ticket is of; that depends on torch "
            f"({torch.__version__} here, {about.torch} there) and, for normal distributions, on the processor",
            code="conflict",
        )
    assert isinstance(method, LeavesTickets)
    method.wear(torch.from_numpy(ticket.mask).to(device))
    network.load_state_dict({**network.state_dict(), **state})
    return built


def _not_drawn(network: nn.Module, method: Method) -> dict[str, Tensor]:
    """What neither seed nor mask give: buffers, and parameters that are trained beside the prunable ones."""
    drawn = {name for name, p in network.named_parameters() if name in method.session.prunable or not p.requires_grad}
    return {name: value for name, value in network.state_dict().items() if name not in drawn}


def _is_counter(value: Tensor) -> bool:
    return value.ndim == 0 and not value.is_floating_point()


def _counters(about: About) -> dict[str, Tensor]:
    return {name: torch.tensor(count) for name, count in about.counters.items()}


def _layers(method: Method) -> tuple[Layer, ...]:
    return tuple(Layer(name=name, shape=tuple(weight.shape)) for name, weight in method.session.prunable.items())


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}


def _digest(drawn: Tensor, network: nn.Module, method: Method) -> str:
    """SHA-256 of all that the seed has drawn and nothing trains."""
    sha = hashlib.sha256(drawn.cpu().numpy().tobytes())
    for name, parameter in network.named_parameters():
        if name not in method.session.prunable and not parameter.requires_grad:
            sha.update(parameter.detach().cpu().numpy().tobytes())
    return sha.hexdigest()


def _of_predictions(name: str, metrics: Metrics) -> bool:
    """Of validation data some numbers have a plain name: those that test data have too."""
    return name.startswith(("val_", "test_")) or f"test_{name}" in metrics
