"""Neurons and channels without a path go from a network that is to be used elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sparsetune.data.dataset import Dataset
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.sparsity.units.fit import remove
from sparsetune.sparsity.units.removal import removal
from sparsetune.sparsity.units.trace import Untraceable
from sparsetune.training.build import Built


@dataclass(frozen=True)
class Slimmed:
    """What has gone.

    Attributes:
        hidden: neurons and channels that there were.
        removed: those of them that went.
        whole_because: why all stay; empty where those without a path went.
    """

    hidden: int = 0
    removed: int = 0
    whole_because: str = ""


def slim(built: Built, data: Dataset) -> Slimmed:
    """Remove in place what changes no output in evaluation mode, before the method fixes what it drops.

    Args:
        data: on the network's device, in its type.
    """
    if averaged(built.method)[0] is not None:
        return Slimmed(whole_because="it averages networks that drop neurons, so none of them is without a path")
    example = torch.zeros((2, *data.input_shape), dtype=built.dtype, device=built.device)
    try:
        going = removal(built.network, example)
    except Untraceable as error:
        return Slimmed(whole_because=str(error))
    remove(built.network, going)
    return Slimmed(going.units, going.removed)
