"""What is left of a network: non-zeros, by layer and whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Remains:
    """Parameters and those that are kept, by name; a parameter with two names is listed under the first.

    Attributes:
        sizes: of every parameter tensor, as it was before neurons were deleted.
        nonzeros: what is kept of each: not zero, or within its mask.
        prunable: names of those that pruning may remove.
    """

    sizes: Mapping[str, int]
    nonzeros: Mapping[str, int]
    prunable: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """All, biases and BatchNorm's included."""
        return sum(self.sizes.values())

    @property
    def kept(self) -> int:
        """Non-zeros of all parameters."""
        return sum(self.nonzeros.values())

    @property
    def prunable_parameters(self) -> int:
        return sum(self.sizes[name] for name in self.prunable)

    @property
    def prunable_kept(self) -> int:
        """Non-zeros of prunable parameters."""
        return sum(self.nonzeros[name] for name in self.prunable)

    @property
    def density(self) -> float:
        """Kept fraction of the prunable parameters, 0 to 1; 1 where nothing can be pruned."""
        return _fraction(self.prunable_kept, self.prunable_parameters)

    @property
    def density_by_layer(self) -> dict[str, float]:
        """Kept fraction of each prunable tensor, 0 to 1."""
        return {name: _fraction(self.nonzeros[name], self.sizes[name]) for name in self.prunable}

    @property
    def compression_ratio(self) -> float:
        """All parameters / non-zeros of all parameters, at least 1.

        A network of zeros alone counts as if one were left: infinity can be neither stored nor ranked.
        """
        return self.parameters / max(1, self.kept)


def remains(
    network: nn.Module,
    prunable: Collection[str],
    masks: Mapping[str, Tensor] | None = None,
    *,
    sizes: Mapping[str, int] | None = None,
) -> Remains:
    """Count what is kept; the device is waited for once.

    Args:
        prunable: names of parameters, as ``named_parameters`` gives them.
        masks: by name of a parameter, (its shape) bool, True where it is kept; else what is not zero is kept. A kept
            weight may be zero for the moment.
        sizes: of every parameter before any neuron was deleted; else as they are.

    Raises:
        KeyError: a name is no parameter's.
    """
    parameters = dict(network.named_parameters())
    masks = masks or {}
    unknown = {*prunable, *masks} - parameters.keys()
    if unknown:
        raise KeyError(f"no parameter of this network: {', '.join(sorted(unknown))}")
    counts = [torch.count_nonzero(masks.get(name, parameter.detach())) for name, parameter in parameters.items()]
    nonzeros = torch.stack(counts).tolist() if counts else []
    sizes = sizes or {name: parameter.numel() for name, parameter in parameters.items()}
    return Remains(sizes, dict(zip(parameters, nonzeros, strict=True)), tuple(prunable))


def _fraction(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
