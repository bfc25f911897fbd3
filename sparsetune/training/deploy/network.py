"""A trained network that takes samples as the data have them and scales them itself.

Each sample's outputs depend on that sample alone, not on its place in a batch, and nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data.dataset import Dataset
from sparsetune.training.build import Built, build
from sparsetune.training.deploy.slim import Slimmed, slim
from sparsetune.training.tensors import put_back, tensors_of


class Network(nn.Module):
    """Scales a batch (B, ...) of samples as they are stored, and gives (B, outputs), targets in their own unit."""

    def __init__(self, built: Built, data: Dataset) -> None:
        super().__init__()
        self.network = built.network
        self._method, self._data = built.method, data

    def forward(self, values: Tensor) -> Tensor:
        outputs = self._method.predict(self._data.val.prepared(values))  # the training split's would be augmented
        scaling = self._data.target_scaling
        return outputs if scaling is None else scaling.undone(outputs)


@dataclass(frozen=True)
class Assembled:
    """A network in evaluation mode, what it is built of, and what has gone of it."""

    network: Network
    built: Built
    slimmed: Slimmed


def assembled(
    config: TrialConfig,
    state: Mapping[str, Tensor],
    data: Dataset,
    device: torch.device,
    registries: Registries,
    *,
    whole: bool = False,
) -> Assembled:
    """A network of its own, from what a trial has left; torch's random numbers stay as they are.

    Args:
        config: of the trial.
        state: weights and buffers by name, as the trial has left them.
        data: on the device, in the trial's type.
        whole: neurons without a path stay.

    Raises:
        BadInput: the state does not fit the model as it is here.
    """
    built = drawn(config, data, device, registries)
    try:
        _take(built.network, state, data)  # last: what was measured is what was left
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:200]
        raise BadInput(
            f"its weights do not fit {config.model.name!r} as it is here: {problem}", code="conflict"
        ) from None
    slimmed = Slimmed(whole_because="asked for") if whole else slim(built, data)
    return Assembled(ready(built, data), built, slimmed)


def drawn(config: TrialConfig, data: Dataset, device: torch.device, registries: Registries) -> Built:
    """What a config gives before training, in evaluation mode; torch's random numbers stay as they are."""
    drawing = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=drawing):
        built = build(config, data.input_shape, data.outputs, data.task, device, registries)
    built.network.eval()
    built.method.begin_evaluation()
    built.method.before_batch()
    return built


@torch.no_grad()
def ready(built: Built, data: Dataset) -> Network:
    """A network as it is now, for samples as they are stored; from here on it is a function of a sample alone."""
    built.method.fix(data.val.prepared(some_samples(data, 1)))
    return Network(built, data).requires_grad_(False).eval()


@torch.no_grad()
def _take(network: nn.Module, state: Mapping[str, Tensor], data: Dataset) -> None:
    """Load what may have fewer neurons than the model; raises ``RuntimeError`` for anything else that does not fit."""
    present = tensors_of(network)
    if any(name not in present or not _within(value, present[name]) for name, value in state.items()):
        network.load_state_dict(state)
    put_back(network, state)
    dtype = next(network.parameters()).dtype
    shape = network(torch.zeros((1, *data.input_shape), dtype=dtype, device=data.val.targets.device)).shape
    if shape != (1, data.outputs):
        raise RuntimeError(f"size mismatch: they give {tuple(shape)[1:]} numbers, and the data want {data.outputs}")


def _within(one: Tensor, other: Tensor) -> bool:
    return one.ndim == other.ndim and all(few <= many for few, many in zip(one.shape, other.shape, strict=True))


def some_samples(data: Dataset, count: int) -> Tensor:
    """(count, ...) of the validation split as they are stored, on the device of its targets; some twice if need be."""
    rows = data.val.rows[torch.arange(count, device=data.val.rows.device) % len(data.val)]
    return data.val.store.index_select(0, rows).to(data.val.targets.device)
