"""The network of a trial that has ended, made of the file that it has left, with what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data import load_dataset
from sparsetune.training.build import DTYPES
from sparsetune.training.deploy.network import assembled, some_samples
from sparsetune.training.deploy.words import words

_CPU = torch.device("cpu")
_TRIED = (1, 5)  # samples in a batch


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

    def equals(self, other: Callable[[Tensor], Tensor]) -> bool:
        """Whether another network gives the same for real samples, in batches of one and of several."""
        with torch.inference_mode():
            batches = [self._samples[:count] for count in _TRIED]
            return all(_close(other(each), self.network(each)) for each in batches)


def deployed(
    config: TrialConfig, weights: Path, registries: Registries, split: str = "", *, whole: bool = True
) -> Deployed:
    """The network of a trial from the file that it has left.

    Args:
        config: of the trial, with the paths of its data on this machine.
        split: digest of its data and their division; empty if it is not known.
        whole: with the shapes of its model; else without neurons and channels that have no path.

    Raises:
        BadInput: no data, others than it was trained on, or weights that are damaged or do not fit the model.
    """
    data = load_dataset(config.data, registries.data)
    if split not in ("", data.digest):
        raise BadInput(
            "its data, or how they are divided, are not those that it was trained on", key="data", code="conflict"
        )
    data = data.to(_CPU, DTYPES[config.training.dtype])
    made = assembled(config, _read(weights), data, _CPU, registries, whole=whole)
    samples = some_samples(data, max(_TRIED))
    example = torch.zeros_like(samples[:2])
    with torch.no_grad():
        output = made.network(example)
    said = words(made.built, data) | ({} if whole else {"neurons": asdict(made.slimmed)})
    return Deployed(made.network, example.numpy(), output.numpy(), said, samples)


def _read(weights: Path) -> dict[str, Tensor]:
    try:
        return load_file(weights)
    except SafetensorError as error:
        raise BadInput(f"its weights are damaged or cut off: {error}", code="damaged") from None


def _close(one: Tensor, other: Tensor) -> bool:
    """Fused kernels round otherwise."""
    return torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)
