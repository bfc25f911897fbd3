"""A trained network as others can use it: it takes samples as the data have them and scales them itself.

Each sample's outputs depend on that sample alone, not on its place in a batch, and nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data import load_dataset
from sparsetune.data.dataset import Dataset
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.training.build import DTYPES, Built, build

_CPU = torch.device("cpu")
_TRIED = (1, 5)  # samples in a batch


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
class Deployed:
    """A network in evaluation mode, on the CPU.

    Attributes:
        network: from (B, ...) samples to (B, outputs).
        example: (2, ...) zeros of the type that it takes.
        output: (2, outputs), what it makes of them.
        words: what it takes, does and gives, by name.
    """

    network: nn.Module
    example: NDArray[Any]
    output: NDArray[Any]
    words: dict[str, Any]
    _samples: Tensor

    def equals(self, other: nn.Module) -> bool:
        """Whether another network gives the same for real samples, in batches of one and of several."""
        with torch.inference_mode():
            batches = [self._samples[:count] for count in _TRIED]
            return all(_close(other(each), self.network(each)) for each in batches)


def deployed(config: TrialConfig, weights: Path, registries: Registries, split: str = "") -> Deployed:
    """The network of a trial from the file that it has left.

    Args:
        config: of the trial, with the paths of its data on this machine.
        split: digest of its data and their division; empty if it is not known.

    Raises:
        BadInput: no data, others than it was trained on, or weights that do not fit the model as it is here.
    """
    data = load_dataset(config.data, registries.data)
    if split not in ("", data.digest):
        raise BadInput(
            "its data, or how they are divided, are not those that it was trained on", key="data", code="conflict"
        )
    data = data.to(_CPU, DTYPES[config.training.dtype])
    with torch.random.fork_rng(devices=[]):
        built = build(config, data.input_shape, data.outputs, data.task, _CPU, registries)
    with torch.no_grad():
        built.network.eval()
        built.method.begin_evaluation()
        built.method.before_batch()
        try:
            built.network.load_state_dict(load_file(weights))  # last: what was measured is what was left
        except RuntimeError as error:
            problem = " ".join(str(error).split())[:200]
            raise BadInput(
                f"its weights do not fit {config.model.name!r} as it is here: {problem}", code="conflict"
            ) from None
        network = Network(built, data).requires_grad_(False).eval()
        some = data.val.rows[torch.arange(max(_TRIED)) % len(data.val)]
        samples = data.val.store.index_select(0, some)
        built.method.fix(data.val.prepared(samples[:1]))
        example = torch.zeros_like(samples[:2])
        output = network(example)
    return Deployed(network, example.numpy(), output.numpy(), _words(built, data), samples)


def _close(one: Tensor, other: Tensor) -> bool:
    """Fused kernels round otherwise."""
    return torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)


def _words(built: Built, data: Dataset) -> dict[str, Any]:
    words: dict[str, Any] = {"inputs": _inputs(data), "outputs": _outputs(built, data)}
    if data.classes:
        words["classes"] = list(data.classes)
    if data.features:
        words["columns"] = list(data.features)
    return words | {"scaling": _scaling(data)}


def _inputs(data: Dataset) -> str:
    if len(data.input_shape) == 3:
        return "images as the data set has them decoded, not scaled: the model does that"
    return "numbers in the data's own units, not scaled: the model does that"


def _outputs(built: Built, data: Dataset) -> str:
    first_dropout, count = averaged(built.method)
    which = "one network that drops units" if count == 1 else f"{count} networks that drop other units, averaged"
    dropping = "" if first_dropout is None else f", of {which}: the same units of every sample"
    if data.task == "regression":
        return f"numbers in the unit of the targets{dropping}"
    return f"logarithms of probabilities{dropping}" if dropping else "logits: softmax makes probabilities of them"


def _scaling(data: Dataset) -> dict[str, Any]:
    """What the model does to its inputs: a formula and its numbers, one or one for each channel or column."""
    split = data.val
    numbers = {name: _plain(getattr(split.scaling, name)) for name in ("shift", "scale")}
    bright = split.brightness
    if bright is None:
        return {"formula": "(value - shift) / scale", **numbers}
    formula = "((value - black) / (white - black) - shift) / scale"
    return {"formula": formula, "black": bright.black, "white": bright.white, **numbers}


def _plain(value: float | Tensor) -> float | list[float]:
    return np.ravel(value).tolist() if isinstance(value, Tensor) else value
